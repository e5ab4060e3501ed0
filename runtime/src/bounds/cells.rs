//! Cells that are missing, and the values that they may take: whole numbers of the last decimal, days, cases.

use std::collections::{BTreeMap, BTreeSet};

use num_traits::ToPrimitive as _;
use polc_compiler::calendar::{Date, FIRST_DAY, LAST_DAY};
use polc_compiler::num::{Ratio, power_of_ten};
use polc_compiler::typed::{Input, InputId, Program, Type, Value};

use super::set::{Numbers, Set, Truth};

/// A row and an input.
pub type Cell = (usize, InputId);

/// The values of a missing cell, in units of its last decimal or in days.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Domain {
    Span(i64, i64),
    Truths { no: bool, yes: bool },
    Cases(BTreeSet<u32>),
    Texts,
}

/// What missing cells are limited to; the others take any value.
pub type Region = BTreeMap<Cell, Domain>;

/// The values that an input may take.
pub fn domain(program: &Program, input: &Input) -> Domain {
    let unit = |value: &Ratio, up: bool| {
        let scaled = match input.ty {
            Type::Number(_) => value * Ratio::from_integer(power_of_ten(input.decimals)),
            _ => value.clone(),
        };
        let whole = if up { scaled.ceil() } else { scaled.floor() };
        whole.to_integer().to_i64()
    };
    let ends = input.range.as_ref().map(|(low, high)| (unit(low, true), unit(high, false)));
    match &input.ty {
        Type::Number(_) => match ends {
            Some((Some(low), Some(high))) => Domain::Span(low, high),
            // The compiler asks for a range that fits.
            _ => Domain::Span(i64::MIN, i64::MAX),
        },
        Type::Date => {
            let (low, high) = ends.unwrap_or((None, None));
            let (first, last) = (i64::from(FIRST_DAY), i64::from(LAST_DAY));
            Domain::Span(low.map_or(first, |low| low.max(first)), high.map_or(last, |high| high.min(last)))
        }
        Type::Boolean | Type::Error => Domain::Truths { no: true, yes: true },
        Type::Enumeration(id) => Domain::Cases((0..program.enumeration(*id).cases.len() as u32).collect()),
        Type::Text => Domain::Texts,
    }
}

impl Domain {
    pub fn set(&self, input: &Input) -> Set {
        match self {
            Self::Span(low, high) if input.ty == Type::Date => Set::Dates(*low as i32, *high as i32),
            Self::Span(low, high) => {
                let unit = power_of_ten(input.decimals);
                let value = |n: i64| Ratio::new(n.into(), unit.clone());
                if low == high {
                    return Set::Numbers(Numbers::point(&value(*low)));
                }
                Set::Numbers(Numbers::new(value(*low), value(*high), Some(value(1))))
            }
            Self::Truths { no, yes } => Set::Booleans(Truth { no: *no, yes: *yes }),
            Self::Cases(cases) => Set::Cases(cases.clone()),
            Self::Texts => Set::Texts,
        }
    }

    /// Whether several values are left to tell apart.
    pub fn is_open(&self) -> bool {
        match self {
            Self::Span(low, high) => low < high,
            Self::Truths { no, yes } => *no && *yes,
            Self::Cases(cases) => cases.len() > 1,
            Self::Texts => false,
        }
    }

    /// The ends of a span, or each truth or case, one by one.
    pub fn ends(&self) -> Vec<Self> {
        match self {
            Self::Span(low, high) if low < high => vec![Self::Span(*low, *low), Self::Span(*high, *high)],
            Self::Truths { no: true, yes: true } => {
                vec![Self::Truths { no: true, yes: false }, Self::Truths { no: false, yes: true }]
            }
            Self::Cases(cases) => cases.iter().map(|case| Self::Cases(BTreeSet::from([*case]))).collect(),
            _ => vec![self.clone()],
        }
    }

    /// Two parts that make it up, cut at one of these values of the upper part if one lies inside, else in the middle.
    pub fn halves(&self, cuts: Option<&BTreeSet<i64>>) -> Option<(Self, Self)> {
        match self {
            Self::Span(low, high) if low < high => {
                let middle = low + ((i128::from(*high) - i128::from(*low) + 1) / 2) as i64;
                let at = self.cut(cuts).unwrap_or(middle);
                Some((Self::Span(*low, at - 1), Self::Span(at, *high)))
            }
            Self::Truths { no: true, yes: true } => {
                Some((Self::Truths { no: true, yes: false }, Self::Truths { no: false, yes: true }))
            }
            Self::Cases(cases) if cases.len() > 1 => {
                let mut first = cases.clone();
                let second = first.split_off(cases.iter().nth(cases.len() / 2)?);
                Some((Self::Cases(first), Self::Cases(second)))
            }
            _ => None,
        }
    }

    /// The middle one of the cuts inside a span.
    pub fn cut(&self, cuts: Option<&BTreeSet<i64>>) -> Option<i64> {
        let Self::Span(low, high) = self else { return None };
        if low >= high {
            return None;
        }
        let inside: Vec<i64> = cuts?.range(low + 1..=*high).copied().collect();
        inside.get(inside.len() / 2).copied()
    }

    /// The only value, if there is one.
    pub fn single(&self, input: &Input) -> Option<Value> {
        match self {
            Self::Span(low, high) if low == high => Some(match input.ty {
                Type::Date => Value::Date(Date::from_days(*low)?),
                _ => Value::Number(Ratio::new((*low).into(), power_of_ten(input.decimals))),
            }),
            Self::Truths { no, yes } if no != yes => Some(Value::Boolean(*yes)),
            Self::Cases(cases) if cases.len() == 1 => cases.first().map(|case| Value::Case(*case)),
            Self::Texts => Some(Value::Text("".into())),
            _ => None,
        }
    }
}

/// The first value of an input at a threshold or beyond it: where its span is cut.
pub fn cut_at(input: &Input, threshold: &Ratio, after: bool) -> Option<i64> {
    let scaled = match input.ty {
        Type::Number(_) => threshold * Ratio::from_integer(power_of_ten(input.decimals)),
        _ => threshold.clone(),
    };
    let cut = if after { scaled.floor() + Ratio::from_integer(1.into()) } else { scaled.ceil() };
    cut.to_integer().to_i64()
}
