//! What later rows read of a quantity, in integers as short as the law allows.
//!
//! Any form is right, since a value that does not fit is marked unknown and its readers are left to the interpreter; a
//! narrow one keeps what is computed from it short.

use std::collections::HashMap;

use num_traits::{One as _, ToPrimitive as _};
use rayon::prelude::*;

use super::{Fraction, Group, Lowered, Lowerer};
use crate::ir::{Builder, Range, STATE_DECIMALS, STATE_FRACTION_LIMIT, STATE_LIMIT};
use crate::num::{Ratio, power_of_ten};
use crate::typed::{Program, QuantityId, Type};

/// How the number of an earlier row stands. Its intervals hold zero, which stands for a number that is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateForm {
    /// Multiples of a power of ten.
    Decimal { decimals: u32, range: Range },
    /// In lowest terms; the divisor is positive.
    Fraction { numerator: Range, divisor: Range },
}

/// Years after which what still grows is taken to grow for ever.
const TURNS: usize = 3;

impl StateForm {
    /// The widest form of a quantity, which nothing is known of.
    fn widest(decimal: bool) -> Self {
        if decimal {
            return Self::Decimal { decimals: STATE_DECIMALS, range: (-STATE_LIMIT, STATE_LIMIT) };
        }
        let numerator = (-STATE_FRACTION_LIMIT, STATE_FRACTION_LIMIT);
        Self::Fraction { numerator, divisor: (1, STATE_FRACTION_LIMIT) }
    }

    /// That of an absent number alone.
    fn narrowest(decimal: bool) -> Self {
        if decimal {
            return Self::Decimal { decimals: 0, range: (0, 0) };
        }
        Self::Fraction { numerator: (0, 0), divisor: (1, 1) }
    }

    /// Whether a number that has this numerator, and no divisor, has this form.
    #[must_use]
    pub fn holds(self, numerator: i64) -> bool {
        let (Self::Decimal { range: (low, high), .. } | Self::Fraction { numerator: (low, high), .. }) = self;
        (low..=high).contains(&i128::from(numerator))
    }

    /// A form for the values of both, within the widest.
    fn or(self, other: Self) -> Self {
        let around = |a: Range, b: Range| (a.0.min(b.0), a.1.max(b.1));
        match (self, other) {
            (Self::Decimal { decimals: a, range }, Self::Decimal { decimals: b, range: other }) => {
                let decimals = a.max(b);
                let [range, other] = [(range, a), (other, b)].map(|((low, high), own)| {
                    let factor = 10i128.pow(decimals - own);
                    (low.saturating_mul(factor).max(-STATE_LIMIT), high.saturating_mul(factor).min(STATE_LIMIT))
                });
                Self::Decimal { decimals, range: around(range, other) }
            }
            (Self::Fraction { numerator, divisor }, Self::Fraction { numerator: n, divisor: d }) => {
                Self::Fraction { numerator: around(numerator, n), divisor: around(divisor, d) }
            }
            (widest, _) => widest,
        }
    }
}

/// The forms of the numbers that rows read of earlier ones.
#[derive(Clone, Debug, Default)]
pub struct States(HashMap<QuantityId, StateForm>);

impl States {
    /// The form of a quantity: the widest unless told otherwise.
    #[must_use]
    pub fn form(&self, program: &Program, id: QuantityId) -> StateForm {
        self.0.get(&id).copied().unwrap_or_else(|| StateForm::widest(program.quantity(id).decimal))
    }

    /// The forms that these quantities need, whatever the year: what they are computed from says how large they get.
    #[must_use]
    pub fn of(program: &Program, quantities: &[QuantityId]) -> Self {
        let numbers = quantities.iter().filter(|id| matches!(program.quantity(**id).ty, Type::Number(_)));
        let numbers: Vec<QuantityId> = numbers.copied().collect();
        let decimal = |id: QuantityId| program.quantity(id).decimal;
        // What a row leaves is made of what earlier ones left: from nothing, up to what needs no more.
        let mut states = Self(numbers.iter().map(|id| (*id, StateForm::narrowest(decimal(*id)))).collect());
        let years: Vec<i64> = (program.years.0..=program.years.1).collect();
        // The last year alone first: it is most like the others.
        for years in [&years[years.len().saturating_sub(1)..], &years] {
            let mut turn = 0;
            while states.grow(program, &numbers, years, turn >= TURNS) {
                turn += 1;
            }
        }
        states
    }

    /// Takes in what rows of these years leave, given what they read; those that grow become the widest, if that is asked.
    /// Whether any grew.
    fn grow(&mut self, program: &Program, numbers: &[QuantityId], years: &[i64], widen: bool) -> bool {
        let by_year: Vec<Vec<Option<StateForm>>> = years
            .par_iter()
            .map(|year| {
                let group = Group::year(*year, Vec::new());
                let mut lowerer = Lowerer::new(program, &group, self);
                // Flags say nothing of intervals.
                lowerer.ir.depth = 2;
                numbers.iter().map(|id| lowerer.state_form(*id)).collect()
            })
            .collect();
        let mut grown = false;
        for (rank, id) in numbers.iter().enumerate() {
            let known = self.form(program, *id);
            let form = by_year.iter().filter_map(|forms| forms[rank]).fold(known, StateForm::or);
            if form != known {
                grown = true;
                let widest = StateForm::widest(program.quantity(*id).decimal);
                self.0.insert(*id, if widen { widest } else { form });
            }
        }
        grown
    }
}

impl Lowerer<'_> {
    /// The form of a quantity under the law of one year; `None` where it never applies.
    fn state_form(&mut self, id: QuantityId) -> Option<StateForm> {
        let quantity = self.quantity(id);
        let Lowered::Number(number) = &quantity.value else { return None };
        let decimal = self.program.quantity(id).decimal;
        let form = (number.error == 0).then(|| form_of(&self.ir, number, decimal)).flatten();
        (quantity.applies != self.ir.no).then(|| form.unwrap_or(StateForm::widest(decimal)))
    }
}

fn form_of(ir: &Builder, number: &Fraction, decimal: bool) -> Option<StateForm> {
    let (low, high) = ir.range(number.num);
    let (low, high) = (low.min(0), high.max(0));
    let scaled = |value: i128, scale: &Ratio| (scale * Ratio::from_integer(value.into())).to_integer().to_i128();
    if decimal {
        let least_divisor = number.den.iter().try_fold(1i128, |size, factor| size.checked_mul(ir.range(*factor).0))?;
        let whole = |decimals: &u32| (&number.scale * Ratio::from_integer(power_of_ten(*decimals))).is_integer();
        let decimals = (0..STATE_DECIMALS).find(whole).filter(|_| number.den.is_empty()).unwrap_or(STATE_DECIMALS);
        let scale =
            &number.scale * Ratio::from_integer(power_of_ten(decimals)) / Ratio::from_integer(least_divisor.into());
        let range = (scaled(low, &scale)?.max(-STATE_LIMIT), scaled(high, &scale)?.min(STATE_LIMIT));
        return Some(StateForm::Decimal { decimals, range });
    }
    let limit = STATE_FRACTION_LIMIT;
    let above = Ratio::from_integer(number.scale.numer().clone());
    let numerator = (scaled(low, &above)?.max(-limit), scaled(high, &above)?.min(limit));
    let most = number
        .den
        .iter()
        .try_fold(Ratio::one(), |size, factor| Some(size * Ratio::from_integer(ir.range(*factor).1.into())))?;
    let divisor = (most * Ratio::from_integer(number.scale.denom().clone())).to_integer().to_i128()?.min(limit);
    Some(StateForm::Fraction { numerator, divisor: (1, divisor) })
}
