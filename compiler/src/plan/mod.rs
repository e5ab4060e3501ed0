//! How the results of a policy will be computed: the widths of their operations, what is left to the interpreter, and which
//! declared ranges make it so. Read from the kernels, each result lowered alone.

mod relief;

use std::collections::BTreeSet;

use rayon::prelude::*;

use crate::codegen::{Width, width_of};
use crate::ir::{Kernel, NodeId, Op, OutputValue, Range, Reason, Source};
use crate::lower::{Group, States, Survey, survey};
use crate::typed::{InputId, Program, QuantityId};

pub use relief::{Burden, Lead, Relief};

/// How one result is computed under the law of one year.
#[derive(Clone, Debug)]
pub struct OutputPlan {
    pub quantity: QuantityId,
    /// Whether the law of the year provides for it.
    pub applies: bool,
    pub operations: Operations,
    /// The magnitude of the longest integer.
    pub longest: u128,
    /// The quantities that it takes, itself included, and how many of them no doubt can reach.
    pub quantities: usize,
    pub proved_quantities: usize,
    pub value: ValuePlan,
    /// By reason.
    pub doubts: Vec<Doubt>,
    /// What would make the computation shorter, or certain.
    pub reliefs: Vec<Relief>,
}

/// Operations on a row, constants aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Operations {
    pub total: usize,
    pub flags: usize,
    /// By bits of the result: 16, 32, 64, 128.
    pub integers: [usize; 4],
    /// Those of quantities that no doubt can reach.
    pub proved: usize,
}

/// How the value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValuePlan {
    Flag,
    /// Days, or the rank of a case.
    Integer(Range),
    /// `numerator / (constant × factor)`.
    Fraction {
        numerator: Range,
        constant: i128,
        factor: Option<Range>,
    },
}

/// Where only the interpreter can tell.
#[derive(Clone, Debug)]
pub struct Doubt {
    pub reason: Reason,
    pub places: usize,
    /// The quantities where it is raised.
    pub quantities: BTreeSet<QuantityId>,
    /// The inputs that it depends on, as [`inputs_of`] orders them.
    pub inputs: Vec<InputId>,
}

/// The plans of results under the law of one year; columns without default are taken to be filled, but for what the doubts say
/// of them. `states` says how numbers of earlier rows stand.
#[must_use]
pub fn plan(program: &Program, year: i64, outputs: &[QuantityId], states: &States) -> Vec<OutputPlan> {
    let complete = program.input_ids().filter(|id| !program.input(*id).optional).collect();
    let (filled, sparse) = (Group::year(year, complete), Group::year(year, Vec::new()));
    outputs.par_iter().map(|id| plan_one(program, (&filled, &sparse), *id, states)).collect()
}

/// `groups` are the rows without empty cells, and any.
fn plan_one(program: &Program, groups: (&Group, &Group), id: QuantityId, states: &States) -> OutputPlan {
    let (group, any) = groups;
    let filled = survey(program, group, id, states);
    let kernel = &filled.kernel;
    let range = |id: NodeId| kernel.node(id).range.unwrap_or((0, 1));
    let value = match kernel.outputs[0].value {
        OutputValue::Flag(_) => ValuePlan::Flag,
        OutputValue::Integer(node) => ValuePlan::Integer(range(node)),
        OutputValue::Fraction { numerator, constant, factor } => {
            ValuePlan::Fraction { numerator: range(numerator), constant, factor: factor.map(range) }
        }
    };
    // Empty cells are asked of the kernel that expects them; the rest is the same.
    let sparse = survey(program, any, id, states);
    let empty = doubts(program, &sparse).into_iter().filter(|doubt| matches!(doubt.reason, Reason::EmptyCell(_)));
    let mut all = doubts(program, &filled);
    all.retain(|doubt| !matches!(doubt.reason, Reason::EmptyCell(_)));
    all.extend(empty);
    all.sort_by_key(|doubt| doubt.reason);
    OutputPlan {
        quantity: id,
        applies: filled.applies,
        operations: operations(&filled, id),
        longest: kernel.live().into_iter().map(|id| magnitude(range(id))).max().unwrap_or(0),
        quantities: filled.quantities.len(),
        proved_quantities: filled.quantities.iter().filter(|(_, doubtful)| !doubtful).count(),
        value,
        doubts: all,
        reliefs: if filled.applies { relief::reliefs(program, group, id, states, &filled) } else { Vec::new() },
    }
}

fn magnitude((low, high): Range) -> u128 {
    low.unsigned_abs().max(high.unsigned_abs())
}

fn operations(survey: &Survey, output: QuantityId) -> Operations {
    let mut counts = Operations::default();
    for id in survey.kernel.live() {
        let node = survey.kernel.node(id);
        if let Op::Constant(_) = node.op {
            continue;
        }
        counts.total += 1;
        match width_of(node.range) {
            Width::Flag => counts.flags += 1,
            Width::I16 => counts.integers[0] += 1,
            Width::I32 => counts.integers[1] += 1,
            Width::I64 => counts.integers[2] += 1,
            Width::I128 => counts.integers[3] += 1,
        }
        let of = node.of.unwrap_or(output);
        counts.proved += usize::from(survey.quantities.contains(&(of, false)));
    }
    counts
}

fn doubts(program: &Program, survey: &Survey) -> Vec<Doubt> {
    let mut reasons: Vec<Reason> = survey.sites.iter().map(|site| site.reason).collect();
    reasons.dedup();
    let doubt = |reason| {
        let sites = || survey.sites.iter().filter(move |site| site.reason == reason);
        let causes: Vec<NodeId> = sites().map(|site| site.cause).collect();
        Doubt {
            reason,
            places: causes.len(),
            quantities: sites().filter_map(|site| site.of).collect(),
            inputs: inputs_of(program, &survey.kernel, &causes),
        }
    };
    reasons.into_iter().map(doubt).collect()
}

/// The numbers that nodes are computed from, those with the widest declared range first.
fn inputs_of(program: &Program, kernel: &Kernel, nodes: &[NodeId]) -> Vec<InputId> {
    let reached = kernel.reached(nodes);
    let mut inputs: Vec<(u128, InputId)> = Vec::new();
    for (node, _) in kernel.nodes.iter().zip(reached).filter(|(_, reached)| *reached) {
        let (Op::Load(Source::Cell(id) | Source::PastCell(_, id)), Some(range)) = (node.op, node.range) else {
            continue;
        };
        let is_number = matches!(program.input(id).ty, crate::typed::Type::Number(_));
        if is_number && inputs.iter().all(|(_, known)| *known != id) {
            inputs.push((magnitude(range), id));
        }
    }
    inputs.sort_unstable_by_key(|(most, id)| (std::cmp::Reverse(*most), *id));
    inputs.into_iter().map(|(_, id)| id).collect()
}
