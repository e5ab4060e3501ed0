//! In which lanes the value of a node stands, and what kernels leave each other.

use super::Width;
use crate::ir::{NodeId, OutputValue, Range, Source, Target};

/// Integers below it, and their quotients, are exact in binary64 with a bit to spare.
pub const EXACT: i128 = 1 << 51;

pub fn width_of(range: Option<Range>) -> Width {
    let Some((low, high)) = range else { return Width::Flag };
    let fits = |bits: u32| low >= -(1i128 << (bits - 1)) && high < (1i128 << (bits - 1));
    match () {
        () if fits(16) => Width::I16,
        () if fits(32) => Width::I32,
        () if fits(64) => Width::I64,
        () => Width::I128,
    }
}

pub fn magnitude(range: Option<Range>) -> u128 {
    range.map_or(1, |(low, high)| low.unsigned_abs().max(high.unsigned_abs()))
}

/// What an output leaves for later kernels, and from which node.
pub fn left_by(target: Target, present: NodeId, value: &OutputValue) -> Vec<(Source, NodeId)> {
    match target {
        Target::Staged(id) => {
            let mut left = vec![(Source::StagedPresent(id), present)];
            match *value {
                OutputValue::Flag(node) | OutputValue::Integer(node) => left.push((Source::Staged(id), node)),
                OutputValue::Fraction { numerator, factor, .. } => {
                    left.push((Source::Staged(id), numerator));
                    left.extend(factor.map(|factor| (Source::StagedFactor(id), factor)));
                }
            }
            left
        }
        Target::StagedFlag(id, flag) => vec![(Source::StagedFlag(id, flag), present)],
        _ => Vec::new(),
    }
}
