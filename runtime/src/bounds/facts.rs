//! What is known where a condition was taken: a quantity read behind `q > 0` is not zero there.

use std::collections::BTreeSet;

use polc_compiler::num::Ratio;
use polc_compiler::typed::CompareOp;

use super::set::{Set, Truth};
use crate::interp::Leaf;

/// Something known of what is read.
#[derive(Clone, Debug)]
pub struct Fact {
    pub leaf: Leaf,
    pub known: Known,
}

#[derive(Clone, Debug)]
pub enum Known {
    /// From a number on, itself or not.
    From(Ratio, bool),
    To(Ratio, bool),
    DateFrom(i32),
    DateTo(i32),
    Is(bool),
    Among(BTreeSet<u32>),
    Except(BTreeSet<u32>),
    /// Whether there is a value.
    Present(bool),
}

impl Known {
    /// The values that a fact leaves.
    pub fn keep(&self, set: Set) -> Option<Set> {
        Some(match (self, set) {
            (Self::From(bound, included), Set::Numbers(numbers)) => Set::Numbers(numbers.from(bound, *included)?),
            (Self::To(bound, included), Set::Numbers(numbers)) => Set::Numbers(numbers.to(bound, *included)?),
            (Self::DateFrom(bound), Set::Dates(low, high)) => dates(low.max(*bound), high)?,
            (Self::DateTo(bound), Set::Dates(low, high)) => dates(low, high.min(*bound))?,
            (Self::Is(truth), Set::Booleans(known)) => {
                let truth = Truth { no: known.no && !truth, yes: known.yes && *truth };
                (truth != Truth::NEVER).then_some(Set::Booleans(truth))?
            }
            (Self::Among(cases), Set::Cases(known)) => some(known.intersection(cases).copied().collect())?,
            (Self::Except(cases), Set::Cases(known)) => some(known.difference(cases).copied().collect())?,
            (Self::Present(false), _) => return None,
            (_, set) => set,
        })
    }

    /// What `leaf op other` tells of the leaf.
    pub fn of_comparison(op: CompareOp, other: &Set) -> Vec<Self> {
        let mut known = Vec::new();
        let (upwards, downwards, strict) = match op {
            CompareOp::Equal => (true, true, false),
            CompareOp::Less => (false, true, true),
            CompareOp::LessOrEqual => (false, true, false),
            CompareOp::Greater => (true, false, true),
            CompareOp::GreaterOrEqual => (true, false, false),
            CompareOp::NotEqual => {
                match other {
                    Set::Cases(cases) if cases.len() == 1 => known.push(Self::Except(cases.clone())),
                    Set::Booleans(Truth { no, yes }) if no != yes => known.push(Self::Is(*no)),
                    // A number left out of the end of an interval.
                    Set::Numbers(_) | Set::Dates(..) | Set::Cases(_) | Set::Booleans(_) | Set::Texts => {}
                }
                return known;
            }
        };
        match other {
            Set::Numbers(numbers) => {
                if upwards {
                    known.extend(numbers.range.low.clone().map(|low| Self::From(low, !strict)));
                }
                if downwards {
                    known.extend(numbers.range.high.clone().map(|high| Self::To(high, !strict)));
                }
            }
            Set::Dates(low, high) => {
                if upwards {
                    known.push(Self::DateFrom(low.saturating_add(strict.into())));
                }
                if downwards {
                    known.push(Self::DateTo(high.saturating_sub(strict.into())));
                }
            }
            Set::Cases(cases) if op == CompareOp::Equal => known.push(Self::Among(cases.clone())),
            Set::Booleans(Truth { no, yes }) if op == CompareOp::Equal && no != yes => known.push(Self::Is(*yes)),
            Set::Cases(_) | Set::Booleans(_) | Set::Texts => {}
        }
        known
    }
}

fn dates(low: i32, high: i32) -> Option<Set> {
    (low <= high).then_some(Set::Dates(low, high))
}

fn some(cases: BTreeSet<u32>) -> Option<Set> {
    (!cases.is_empty()).then_some(Set::Cases(cases))
}

/// The comparison that holds where one does not.
pub fn opposite(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Equal => CompareOp::NotEqual,
        CompareOp::NotEqual => CompareOp::Equal,
        CompareOp::Less => CompareOp::GreaterOrEqual,
        CompareOp::LessOrEqual => CompareOp::Greater,
        CompareOp::Greater => CompareOp::LessOrEqual,
        CompareOp::GreaterOrEqual => CompareOp::Less,
    }
}

/// The same comparison with its sides exchanged.
pub fn mirrored(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Less => CompareOp::Greater,
        CompareOp::LessOrEqual => CompareOp::GreaterOrEqual,
        CompareOp::Greater => CompareOp::Less,
        CompareOp::GreaterOrEqual => CompareOp::LessOrEqual,
        CompareOp::Equal | CompareOp::NotEqual => op,
    }
}
