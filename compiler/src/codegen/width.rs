//! In which lanes the value of a node stands.

use super::Width;
use crate::ir::Range;

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
