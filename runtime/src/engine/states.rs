//! What later rows read of results.

use std::ops::Range;

use num_integer::Integer as _;
use polc_compiler::codegen::{BLOCK_ROWS, Block, OutputSlots, Slot, Width};
use polc_compiler::ir::{OutputValue, Source};
use polc_compiler::lower::StateForm;
use polc_compiler::typed::{QuantityId, Value};

use super::compiled::{each_integer, integers};
use super::gather::fill_from;
use crate::table::{Integers, RowErrorKind, ends};

/// What later rows read of a result, by place.
#[derive(Debug)]
pub(super) struct State {
    pub quantity: QuantityId,
    /// How its numbers stand.
    form: StateForm,
    present: Vec<bool>,
    /// The row is in error, or its number is out of bounds; empty where none is.
    unknown: Vec<bool>,
    value: Integers,
    /// 1 at least; empty where values are decimal.
    divisor: Integers,
}

impl State {
    pub fn new(quantity: QuantityId, form: StateForm, rows: usize) -> Self {
        let places = rows + 1;
        let fraction = matches!(form, StateForm::Fraction { .. });
        Self {
            quantity,
            form,
            present: vec![false; places],
            unknown: Vec::new(),
            value: Integers::filled(0, places),
            divisor: Integers::filled(1, if fraction { places } else { 0 }),
        }
    }

    /// Where what is known of the row at a position stands. The first place is that of the rows that are not there: nothing is
    /// ever put in it.
    pub fn place(position: Option<usize>) -> usize {
        position.map_or(0, |position| position + 1)
    }

    /// Fills a column of a block with what stands at some places.
    pub fn fill(&self, source: Source, places: &[usize], block: &mut Block, slot: Slot) {
        let places = places.iter().copied();
        match source {
            Source::PastResultPresent(..) => block.fill_flags(slot, places.map(|place| self.present[place])),
            Source::PastResultUnknown(..) if self.unknown.is_empty() => block.fill_flags(slot, places.map(|_| false)),
            Source::PastResultUnknown(..) => block.fill_flags(slot, places.map(|place| self.unknown[place])),
            Source::PastResultDivisor(..) if self.divisor.is_empty() => block.fill_integers(slot, places.map(|_| 1)),
            Source::PastResultDivisor(..) => fill_from(&self.divisor, places, block, slot),
            _ => fill_from(&self.value, places, block, slot),
        }
    }

    fn set_unknown(&mut self, place: usize, unknown: bool) {
        if unknown && self.unknown.is_empty() {
            self.unknown = vec![false; self.present.len()];
        }
        if !self.unknown.is_empty() {
            self.unknown[place] = unknown;
        }
    }

    fn set(&mut self, place: usize, value: Option<&Value>) {
        self.present[place] = value.is_some();
        let (mut unknown, mut found) = (false, 0);
        match value {
            None | Some(Value::Text(_)) => {}
            Some(Value::Boolean(flag)) => found = i64::from(*flag),
            Some(Value::Date(date)) => found = i64::from(date.days()),
            Some(Value::Case(case)) => found = i64::from(*case),
            Some(Value::Number(number)) => {
                let parts = (i128::try_from(number.numer()).ok(), i128::try_from(number.denom()).ok());
                let fits = if let (Some(numerator), Some(denominator)) = parts {
                    self.number(place, numerator, denominator)
                } else {
                    None
                };
                unknown = fits.is_none();
                found = fits.unwrap_or(0);
            }
        }
        self.set_unknown(place, unknown);
        self.value.set(place, found);
    }

    /// Takes what the interpreter found of the row at a position.
    pub fn learn(&mut self, position: usize, result: Result<Option<Value>, RowErrorKind>) {
        let place = Self::place(Some(position));
        match result {
            Ok(value) => self.set(place, value.as_ref()),
            Err(_) => self.set_unknown(place, true),
        }
    }

    /// Takes a column of results of a block; `start` is the position of its first row.
    pub fn take(&mut self, block: &Block, slots: &OutputSlots, start: usize, rows: usize) {
        let start = Self::place(Some(start));
        let places = start..start + rows;
        let present = block.flags(slots.present).take(rows);
        self.present[places.clone()].iter_mut().zip(present).for_each(|(to, present)| *to = present);
        if !self.unknown.is_empty() {
            self.unknown[places.clone()].fill(false);
        }
        if self.take_as_they_stand(block, slots, places.clone()).is_some() {
            return;
        }
        let OutputValue::Fraction { constant, .. } = slots.output.value else { return };
        for (row, place) in places.enumerate() {
            let mut value = 0;
            if self.present[place] {
                let factor = slots.factor.map_or(1, |factor| block.integer(factor, row));
                let numerator = block.integer(slots.value, row);
                let number = constant.checked_mul(factor).and_then(|divisor| self.number(place, numerator, divisor));
                self.set_unknown(place, number.is_none());
                value = number.unwrap_or(0);
            }
            self.value.set(place, value);
        }
    }

    /// Takes the values of a block that stand as they are to be read, but for a power of ten, as most do; `None` where each is to
    /// be looked at.
    fn take_as_they_stand(&mut self, block: &Block, slots: &OutputSlots, places: Range<usize>) -> Option<()> {
        let rows = places.len();
        let is_wide = |slot: Slot| slot.width == Width::I128;
        if is_wide(slots.value) || slots.factor.is_some_and(is_wide) {
            return None;
        }
        let values = integers(block, slots, rows, self.times(slots)?)?;
        let values = &values[..rows];
        let mut divisors = [1; BLOCK_ROWS];
        let (least, greatest) = ends(values)?;
        if !(self.form.holds(least) && self.form.holds(greatest)) {
            return None;
        }
        if let StateForm::Fraction { divisor: (narrowest, widest), .. } = self.form {
            if let Some(factor) = slots.factor {
                each_integer(block, factor, rows, |row, divisor| divisors[row] = divisor);
            }
            if let OutputValue::Fraction { constant, .. } = slots.output.value {
                let constant = i64::try_from(constant).ok()?;
                for (divisor, value) in divisors.iter_mut().zip(values) {
                    // Where there is no number, what divides may be nothing.
                    *divisor = if *value == 0 { 1 } else { divisor.saturating_mul(constant) };
                }
            }
            let (smallest, largest) = ends(&divisors[..rows])?;
            if i128::from(smallest) < narrowest.max(1) || i128::from(largest) > widest {
                return None;
            }
        }
        self.value.put(places.clone(), values);
        if !self.divisor.is_empty() {
            self.divisor.put(places, &divisors[..rows]);
        }
        Some(())
    }

    /// By what the values of a block are multiplied to stand as later rows read them; `None` where each is to be looked at.
    fn times(&self, slots: &OutputSlots) -> Option<i64> {
        let OutputValue::Fraction { constant, .. } = slots.output.value else { return Some(1) };
        match self.form {
            StateForm::Decimal { .. } if slots.factor.is_some() => None,
            StateForm::Decimal { decimals, .. } => {
                let scale = 10i128.pow(decimals);
                (scale % constant == 0).then(|| i64::try_from(scale / constant).ok()).flatten()
            }
            StateForm::Fraction { .. } => Some(1),
        }
    }

    /// A number in the form that later rows read; `None` where it does not fit.
    fn number(&mut self, place: usize, numerator: i128, denominator: i128) -> Option<i64> {
        let within = |value: i128, (low, high): (i128, i128)| {
            i64::try_from(value).ok().filter(|_| (low..=high).contains(&value))
        };
        let short = i64::try_from(numerator).ok().filter(|n| *n > i64::MIN).zip(i64::try_from(denominator).ok());
        match self.form {
            // Most are: nothing is divided.
            _ if numerator == 0 => {
                if !self.divisor.is_empty() {
                    self.divisor.set(place, 1);
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
                self.divisor.set(place, within(denominator, divisor)?);
                Some(value)
            }
        }
    }
}
