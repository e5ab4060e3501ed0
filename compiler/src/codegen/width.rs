//! In which lanes the value of a node stands, and how far the estimate of a wide one may be off.

use std::collections::HashMap;

use super::Width;
use crate::ir::{Kernel, NodeId, Op, OutputValue, Range, Source, Target};

/// Integers below it, and their quotients, are exact in binary64 with a bit to spare.
pub const EXACT: i128 = 1 << 51;

pub fn width_of(range: Option<Range>) -> Width {
    let Some((low, high)) = range else { return Width::Flag };
    let fits = |bits: u32| low >= -(1i128 << (bits - 1)) && high < (1i128 << (bits - 1));
    match () {
        () if fits(16) => Width::I16,
        () if fits(32) => Width::I32,
        () if fits(64) => Width::I64,
        () => Width::Wide,
    }
}

pub fn magnitude(range: Option<Range>) -> u128 {
    range.map_or(1, |(low, high)| low.unsigned_abs().max(high.unsigned_abs()))
}

/// How far the estimates of some nodes may be from their values; those that are not there are exact, or round to nearest.
pub type Errors = HashMap<NodeId, u128>;

/// What a kernel leaves for the next, with the error of its estimates.
pub type Staged = HashMap<Source, u128>;

/// The error bounds of the wide nodes of a kernel. Each operation adds at most the rounding of its result; `u128::MAX` where
/// nothing is known.
pub fn errors(kernel: &Kernel, live: &[NodeId], staged: &Staged) -> Errors {
    let mut errors = Errors::new();
    for id in live {
        let node = kernel.node(*id);
        if width_of(node.range) != Width::Wide {
            continue;
        }
        let of = |id: NodeId| error_of(kernel, &errors, id);
        let at = |id: NodeId| magnitude(kernel.node(id).range);
        let rounded = |error: u128| error.saturating_add(rounding(magnitude(node.range).saturating_add(error)));
        let error = match node.op {
            Op::Load(source) => staged.get(&source).copied().unwrap_or(u128::MAX),
            Op::Add(a, b) | Op::Subtract(a, b) => rounded(of(a).saturating_add(of(b))),
            Op::Multiply(a, b) => {
                let cross = of(a).saturating_mul(at(b)).saturating_add(of(b).saturating_mul(at(a)));
                rounded(cross.saturating_add(of(a).saturating_mul(of(b))))
            }
            Op::Minimum(a, b) | Op::Maximum(a, b) | Op::Select(_, a, b) => of(a).max(of(b)),
            Op::Narrow(a) => of(a),
            _ => rounding(magnitude(node.range)),
        };
        errors.insert(*id, error);
    }
    errors
}

/// The error of the estimate of a node.
pub fn error_of(kernel: &Kernel, errors: &Errors, id: NodeId) -> u128 {
    errors.get(&id).copied().unwrap_or_else(|| {
        let magnitude = magnitude(kernel.node(id).range);
        if magnitude < EXACT.unsigned_abs() { 0 } else { rounding(magnitude) }
    })
}

/// What rounding a number of that magnitude to 53 bits may add.
pub fn rounding(magnitude: u128) -> u128 {
    (magnitude >> 53).saturating_add(1)
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
