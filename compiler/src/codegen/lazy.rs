//! Which integers of 128 bits need not be computed, because an estimate of them decides.
//!
//! An estimate in binary64 is within a known part of what it stands for, relative to it, as long as nothing is subtracted that
//! may cancel. Such an estimate tells the sign of an integer, and the floor of a quotient unless that lies too near a whole
//! number; only there is the integer computed, aside.

use crate::ir::{Kernel, NodeId, Op, divides_surely, operands};
use crate::typed::CompareOp;

/// Error of an estimate made from an integer itself, in units of 2⁻⁵³: two conversions of 64 bits and a sum.
const CONVERSION: u32 = 4;
/// Error up to which an estimate is worth having.
const MOST: u32 = 64;
/// What the operands of an approximation may add up to: see [`super::estimate`].
pub const APPROXIMABLE: u32 = 8;

/// The nodes of a kernel that are estimated only, and how far estimates may be off.
#[derive(Debug)]
pub struct Lazy {
    only: Vec<bool>,
    errors: Vec<u32>,
}

impl Lazy {
    pub fn of(kernel: &Kernel, live: &[NodeId]) -> Self {
        let mut errors = vec![0; kernel.nodes.len()];
        let mut only = vec![false; kernel.nodes.len()];
        for id in live {
            let node = kernel.node(*id);
            let sum = node.is_wide().then(|| error(kernel, &errors, *id)).flatten().filter(|error| *error <= MOST);
            only[id.index()] = sum.is_some();
            errors[id.index()] = sum.unwrap_or(if node.is_wide() { CONVERSION } else { 1 });
        }
        let mut lazy = Self { only, errors };
        // What is needed as it is needs its operands so.
        let mut needed = vec![false; kernel.nodes.len()];
        let outputs = kernel.outputs.iter().flat_map(crate::ir::Output::roots);
        let stages = kernel.stages.iter().map(|(_, node)| *node);
        outputs.chain(stages).chain(kernel.status).for_each(|id| needed[id.index()] = true);
        for id in live.iter().rev() {
            lazy.only[id.index()] &= !needed[id.index()];
            let op = kernel.node(*id).op;
            if lazy.only[id.index()] || lazy.divides(kernel, *id) || lazy.signs(kernel, *id).is_some() {
                continue;
            }
            if let Op::Approximate(a, b, _) = op
                && lazy.error(a) + lazy.error(b) <= APPROXIMABLE
            {
                continue;
            }
            operands(op).into_iter().flatten().for_each(|id| needed[id.index()] = true);
        }
        lazy
    }

    /// Whether a node is estimated, and computed only aside.
    pub fn is_only_estimated(&self, id: NodeId) -> bool {
        self.only[id.index()]
    }

    /// How far the estimate of a node may be from it, relative to it, in units of 2⁻⁵³.
    pub fn error(&self, id: NodeId) -> u32 {
        self.errors[id.index()]
    }

    /// Whether a node is a quotient that estimates decide.
    pub fn divides(&self, kernel: &Kernel, id: NodeId) -> bool {
        let range = |id: NodeId| kernel.node(id).range.unwrap_or((0, 1));
        match kernel.node(id).op {
            Op::FloorDivide(a, b) => !divides_surely(range(a), range(b)),
            _ => false,
        }
    }

    /// The integer of which a comparison tells the sign, where its estimate does.
    pub fn signs(&self, kernel: &Kernel, id: NodeId) -> Option<(CompareOp, NodeId)> {
        match kernel.node(id).op {
            Op::Compare(op, a, b) if self.only[a.index()] && kernel.node(b).op == Op::Constant(0) => Some((op, a)),
            _ => None,
        }
    }

    /// The nodes estimated only that some are made of, themselves included, in order.
    pub fn below(&self, kernel: &Kernel, roots: &[NodeId]) -> Vec<NodeId> {
        let mut found: Vec<NodeId> = Vec::new();
        let mut pending: Vec<NodeId> = roots.to_vec();
        while let Some(id) = pending.pop() {
            if self.only[id.index()] && !found.contains(&id) {
                found.push(id);
                pending.extend(operands(kernel.node(id).op).into_iter().flatten());
            }
        }
        found.sort_unstable();
        found
    }
}

/// The error of an estimate made from those of the operands; `None` where they may cancel.
fn error(kernel: &Kernel, errors: &[u32], id: NodeId) -> Option<u32> {
    let of = |id: NodeId| errors[id.index()];
    let range = |id: NodeId| kernel.node(id).range.unwrap_or((0, 1));
    let not_negative = |id: NodeId| range(id).0 >= 0;
    let not_positive = |id: NodeId| range(id).1 <= 0;
    match kernel.node(id).op {
        // One rounding more than the operands; one more for what their errors make of each other.
        Op::Multiply(a, b) => Some(of(a) + of(b) + 2),
        Op::Add(a, b) if not_negative(a) && not_negative(b) || not_positive(a) && not_positive(b) => {
            Some(of(a).max(of(b)) + 1)
        }
        Op::Subtract(a, b) if kernel.node(a).op == Op::Constant(0) => Some(of(b)),
        Op::Subtract(a, b) if not_negative(a) && not_positive(b) || not_positive(a) && not_negative(b) => {
            Some(of(a).max(of(b)) + 1)
        }
        Op::Select(_, a, b) | Op::Minimum(a, b) | Op::Maximum(a, b) => Some(of(a).max(of(b))),
        _ => None,
    }
}
