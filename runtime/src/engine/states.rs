//! What later rows read of results, by position.

use num_integer::Integer as _;
use polc_compiler::codegen::{Block, OutputSlots};
use polc_compiler::ir::OutputValue;
use polc_compiler::lower::StateForm;
use polc_compiler::typed::{QuantityId, Value};

use crate::table::RowErrorKind;

/// What later rows read of a result: one value a position.
#[derive(Debug)]
pub(super) struct State {
    pub quantity: QuantityId,
    /// How its numbers stand.
    form: StateForm,
    pub present: Vec<bool>,
    /// The row is in error, or its number is out of bounds.
    pub unknown: Vec<bool>,
    pub value: Vec<i64>,
    /// 1 at least; empty where values are decimal.
    pub divisor: Vec<i64>,
}

impl State {
    pub fn new(quantity: QuantityId, form: StateForm, rows: usize) -> Self {
        let fraction = matches!(form, StateForm::Fraction { .. });
        Self {
            quantity,
            form,
            present: vec![false; rows],
            unknown: vec![false; rows],
            value: vec![0; rows],
            divisor: vec![1; if fraction { rows } else { 0 }],
        }
    }

    fn set(&mut self, position: usize, value: Option<&Value>) {
        self.present[position] = value.is_some();
        self.unknown[position] = false;
        self.value[position] = match value {
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
        for (i, present) in block.flags(slots.present).take(rows).enumerate() {
            let position = start + i;
            self.present[position] = present;
            self.unknown[position] = false;
            self.value[position] = 0;
            if !present {
                continue;
            }
            let value = block.integer(slots.value, i);
            match slots.output.value {
                OutputValue::Flag(_) | OutputValue::Integer(_) => self.value[position] = value as i64,
                OutputValue::Fraction { constant, .. } => {
                    let factor = slots.factor.map_or(1, |factor| block.integer(factor, i));
                    let number = constant.checked_mul(factor).and_then(|divisor| self.number(position, value, divisor));
                    match number {
                        Some(value) => self.value[position] = value,
                        None => self.unknown[position] = true,
                    }
                }
            }
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
                if let Some(divisor) = self.divisor.get_mut(position) {
                    *divisor = 1;
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
                self.divisor[position] = within(denominator, divisor)?;
                Some(value)
            }
        }
    }
}
