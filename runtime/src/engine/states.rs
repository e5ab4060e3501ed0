//! What later rows read of results, by position.

use num_integer::Integer as _;
use polc_compiler::codegen::{BLOCK_ROWS, Block, OutputSlots, Width};
use polc_compiler::ir::OutputValue;
use polc_compiler::lower::StateForm;
use polc_compiler::typed::{QuantityId, Value};

use super::compiled::integers;
use crate::table::{Integers, RowErrorKind};

/// What later rows read of a result: one value a position.
#[derive(Debug)]
pub(super) struct State {
    pub quantity: QuantityId,
    /// How its numbers stand.
    form: StateForm,
    pub present: Vec<bool>,
    /// The row is in error, or its number is out of bounds.
    pub unknown: Vec<bool>,
    pub value: Integers,
    /// 1 at least; empty where values are decimal.
    pub divisor: Integers,
}

impl State {
    pub fn new(quantity: QuantityId, form: StateForm, rows: usize) -> Self {
        let fraction = matches!(form, StateForm::Fraction { .. });
        Self {
            quantity,
            form,
            present: vec![false; rows],
            unknown: vec![false; rows],
            value: Integers::filled(0, rows),
            divisor: Integers::filled(1, if fraction { rows } else { 0 }),
        }
    }

    fn set(&mut self, position: usize, value: Option<&Value>) {
        self.present[position] = value.is_some();
        self.unknown[position] = false;
        let value = match value {
            None => 0,
            Some(Value::Boolean(flag)) => i64::from(*flag),
            Some(Value::Date(date)) => i64::from(date.days()),
            Some(Value::Case(case)) => i64::from(*case),
            Some(Value::Number(number)) => {
                let parts = (i128::try_from(number.numer()).ok(), i128::try_from(number.denom()).ok());
                let fits = if let (Some(numerator), Some(denominator)) = parts {
                    self.number(position, numerator, denominator)
                } else {
                    None
                };
                self.unknown[position] = fits.is_none();
                fits.unwrap_or(0)
            }
            Some(Value::Text(_)) => 0,
        };
        self.value.set(position, value);
    }

    /// Takes what the interpreter found.
    pub fn learn(&mut self, position: usize, result: Result<Option<Value>, RowErrorKind>) {
        match result {
            Ok(value) => self.set(position, value.as_ref()),
            Err(_) => self.unknown[position] = true,
        }
    }

    /// Takes a column of results of a block; `start` is the position of its first row.
    pub fn take(&mut self, block: &Block, slots: &OutputSlots, start: usize, rows: usize) {
        let present = block.flags(slots.present).take(rows);
        self.present[start..start + rows].iter_mut().zip(present).for_each(|(to, present)| *to = present);
        self.unknown[start..start + rows].fill(false);
        // Most stand as they are to be read, but for a power of ten.
        if let Some(times) = self.times(slots)
            && let Some(values) = integers(block, slots, rows, times)
            && values.iter().all(|value| self.form.holds(*value))
        {
            self.value.put(start..start + rows, &values[..rows]);
            if !self.divisor.is_empty() {
                self.divisor.put(start..start + rows, &[1; BLOCK_ROWS][..rows]);
            }
            return;
        }
        for position in start..start + rows {
            let OutputValue::Fraction { constant, .. } = slots.output.value else { continue };
            let mut value = 0;
            if self.present[position] {
                let factor = slots.factor.map_or(1, |factor| block.integer(factor, position - start));
                let numerator = block.integer(slots.value, position - start);
                let number = constant.checked_mul(factor).and_then(|divisor| self.number(position, numerator, divisor));
                self.unknown[position] = number.is_none();
                value = number.unwrap_or(0);
            }
            self.value.set(position, value);
        }
    }

    /// By what the values of a block are multiplied to stand as later rows read them; `None` where each is to be looked at.
    fn times(&self, slots: &OutputSlots) -> Option<i64> {
        let OutputValue::Fraction { constant, .. } = slots.output.value else { return Some(1) };
        if slots.factor.is_some() || slots.value.width == Width::I128 {
            return None;
        }
        match self.form {
            StateForm::Decimal { decimals, .. } => {
                let scale = 10i128.pow(decimals);
                (scale % constant == 0).then(|| i64::try_from(scale / constant).ok()).flatten()
            }
            StateForm::Fraction { .. } => (constant == 1).then_some(1),
        }
    }

    /// A number in the form that later rows read; `None` where it does not fit.
    fn number(&mut self, position: usize, numerator: i128, denominator: i128) -> Option<i64> {
        let within = |value: i128, (low, high): (i128, i128)| {
            i64::try_from(value).ok().filter(|_| (low..=high).contains(&value))
        };
        let short = i64::try_from(numerator).ok().filter(|n| *n > i64::MIN).zip(i64::try_from(denominator).ok());
        match self.form {
            // Most are: nothing is divided.
            _ if numerator == 0 => {
                if !self.divisor.is_empty() {
                    self.divisor.set(position, 1);
                }
                Some(0)
            }
            StateForm::Decimal { decimals, range } => {
                // Divisions of 128 bits take ten times as long.
                if let Some((numerator, denominator)) = short
                    && let Some(scaled) = numerator.checked_mul(10i64.pow(decimals))
                    && denominator > 0
                {
                    let whole = scaled / denominator;
                    return within((whole * denominator == scaled).then_some(whole)?.into(), range);
                }
                let scaled = numerator.checked_mul(10i128.pow(decimals))?;
                let whole = scaled.checked_div(denominator).filter(|whole| whole * denominator == scaled)?;
                within(whole, range)
            }
            StateForm::Fraction { numerator: range, divisor } => {
                let (numerator, denominator) = match short {
                    Some((numerator, denominator)) => {
                        let common = numerator.gcd(&denominator);
                        (i128::from(numerator / common), i128::from(denominator / common))
                    }
                    None => {
                        let common = numerator.gcd(&denominator);
                        (numerator / common, denominator / common)
                    }
                };
                let value = within(numerator, range)?;
                self.divisor.set(position, within(denominator, divisor)?);
                Some(value)
            }
        }
    }
}
