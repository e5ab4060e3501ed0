//! A group lowered into several kernels, each near a number of nodes: register allocation takes more than its share of time on
//! long functions. A kernel leaves what later ones read in its output block, exact as it stands: nothing is computed twice.

use std::collections::{HashMap, HashSet};

use crate::ir::{Kernel, NodeId, Op, Output, OutputValue, Range, Source, StagedFlag, Target};
use crate::num::Ratio;
use crate::typed::{ControlKind, InputId, Program, QuantityId, Type};

use super::{Fraction, Lowered, LoweredQuantity, Lowerer, States};

/// A quantity that an earlier kernel computed.
#[derive(Clone, Debug)]
pub(super) struct Staged {
    present: Flag,
    rules: Vec<Flag>,
    value: StagedValue,
    doubtful: Flag,
}

/// A flag of an earlier kernel: the same on every row, or left in its block.
#[derive(Clone, Copy, Debug)]
enum Flag {
    Constant(bool),
    PerRow,
}

#[derive(Clone, Debug)]
enum StagedValue {
    Flag(Flag),
    Integer(Range),
    /// `numerator × scale / factor`.
    Fraction {
        numerator: Range,
        scale: Ratio,
        /// Where it stands: quantities that share a denominator share it still.
        factor: Option<(Source, Range)>,
        error: i128,
    },
}

/// Lowers the targets for the rows of one year, in kernels of about as many nodes, to run in order. `complete` names inputs of
/// which none of the rows has an empty cell: what guards against one is left out. `states` says how numbers of earlier rows
/// stand.
#[must_use]
pub fn lower<'p>(
    program: &'p Program,
    year: i64,
    targets: &[Target],
    complete: &'p [InputId],
    states: &'p States,
    nodes: usize,
) -> Vec<Kernel> {
    let order = order(program, targets);
    let last_reader = last_readers(program, &order, targets);
    let wanted: HashMap<QuantityId, Target> =
        targets.iter().filter_map(|target| Some((quantity_of(*target)?, *target))).collect();
    let mut kernels = Vec::new();
    let mut lowerer = Lowerer::new(program, year, complete, states);
    let mut computed: Vec<QuantityId> = Vec::new();
    for (rank, id) in order.iter().enumerate() {
        lowerer.quantity(*id);
        computed.push(*id);
        if lowerer.ir.len() < nodes || rank + 1 == order.len() {
            continue;
        }
        let mut outputs = Vec::new();
        let mut staged = std::mem::take(&mut lowerer.staged);
        for id in computed.drain(..) {
            if let Some(target) = wanted.get(&id) {
                outputs.push(lowerer.output(*target, id));
            }
            if last_reader.get(&id).is_some_and(|reader| *reader > rank)
                && let Some(left) = lowerer.leave(id, &mut outputs)
            {
                staged.insert(id, left);
            }
        }
        let mut next = Lowerer::new(program, year, complete, states);
        next.staged = staged;
        kernels.push(std::mem::replace(&mut lowerer, next).finish(outputs));
    }
    let mut outputs: Vec<Output> =
        computed.into_iter().filter_map(|id| Some(lowerer.output(*wanted.get(&id)?, id))).collect();
    for target in targets {
        if let Target::Control(rank) = target {
            outputs.push(lowerer.control(*rank));
        }
    }
    kernels.push(lowerer.finish(outputs));
    kernels
}

fn quantity_of(target: Target) -> Option<QuantityId> {
    match target {
        Target::Quantity(id) | Target::State(id) => Some(id),
        Target::Control(_) | Target::Staged(_) | Target::StagedFlag(..) => None,
    }
}

/// The quantities that the targets need, each after those that it reads.
fn order(program: &Program, targets: &[Target]) -> Vec<QuantityId> {
    let mut roots = Vec::new();
    for target in targets {
        roots.extend(quantity_of(*target));
        if let Target::Control(rank) = target
            && let ControlKind::Row { guard, condition, .. } = &program.controls[*rank as usize].kind
        {
            guard.iter().chain([condition]).for_each(|expr| expr.quantities(&mut roots));
        }
    }
    let mut order = Vec::new();
    let mut seen = HashSet::new();
    // A quantity is met twice on the stack: to push what it reads, then to take its place.
    let mut pending: Vec<(QuantityId, bool)> = roots.into_iter().rev().map(|id| (id, false)).collect();
    while let Some((id, ready)) = pending.pop() {
        if ready {
            order.push(id);
        } else if seen.insert(id) {
            pending.push((id, true));
            pending.extend(program.needs(id).into_iter().rev().map(|need| (need, false)));
        }
    }
    order
}

/// The rank in the order of the last quantity that reads each; the end for those that controls read.
fn last_readers(program: &Program, order: &[QuantityId], targets: &[Target]) -> HashMap<QuantityId, usize> {
    let mut last = HashMap::new();
    for (rank, id) in order.iter().enumerate() {
        for need in program.needs(*id) {
            last.insert(need, rank);
        }
    }
    for target in targets {
        if let Target::Control(rank) = target
            && let ControlKind::Row { guard, condition, .. } = &program.controls[*rank as usize].kind
        {
            let mut reads = Vec::new();
            guard.iter().chain([condition]).for_each(|expr| expr.quantities(&mut reads));
            last.extend(reads.into_iter().map(|id| (id, usize::MAX)));
        }
    }
    last
}

impl Lowerer<'_> {
    fn flag_of(&self, node: NodeId) -> Flag {
        if node == self.ir.yes {
            Flag::Constant(true)
        } else if node == self.ir.no {
            Flag::Constant(false)
        } else {
            Flag::PerRow
        }
    }

    /// Leaves a quantity for later kernels; `None` where it is as well computed again.
    fn leave(&mut self, id: QuantityId, outputs: &mut Vec<Output>) -> Option<Staged> {
        let quantity = self.quantity(id);
        let never = quantity.applies == self.ir.no;
        let value = match &quantity.value {
            // Of what never applies, nothing is read but that.
            _ if never => (OutputValue::Flag(self.ir.no), StagedValue::Flag(Flag::Constant(false))),
            Lowered::Flag(node) => (OutputValue::Flag(*node), StagedValue::Flag(self.flag_of(*node))),
            Lowered::Date(node) | Lowered::Case(node) => {
                (OutputValue::Integer(*node), StagedValue::Integer(self.ir.range(*node)))
            }
            Lowered::Number(fraction) => {
                let factor = match fraction.den[..] {
                    [] => None,
                    [factor] => Some(factor),
                    // Their product may pass the bound.
                    _ => return None,
                };
                let value = OutputValue::Fraction { numerator: fraction.num, constant: 1, factor };
                let staged = StagedValue::Fraction {
                    numerator: self.ir.range(fraction.num),
                    scale: fraction.scale.clone(),
                    factor: factor.map(|factor| (self.place_of(factor, id), self.ir.range(factor))),
                    error: fraction.error,
                };
                (value, staged)
            }
        };
        let present = self.flag_of(quantity.applies);
        let rules = quantity.rules.iter().map(|rule| self.flag_of(*rule)).collect();
        if !never {
            let present = quantity.applies;
            outputs.push(Output { target: Target::Staged(id), present, value: value.0, doubt: None });
        }
        let doubtful = self.flag_of(quantity.doubtful);
        let rules_of = quantity.rules.iter().enumerate().map(|(rank, rule)| (StagedFlag::Rule(rank as u32), *rule));
        let flags = rules_of.chain([(StagedFlag::Doubtful, quantity.doubtful)]);
        for (flag, present) in flags.filter(|(_, flag)| !self.ir.is_constant_flag(*flag)) {
            let target = Target::StagedFlag(id, flag);
            outputs.push(Output { target, present, value: OutputValue::Flag(present), doubt: None });
        }
        Some(Staged { present, rules, value: value.1, doubtful })
    }

    /// Where later kernels find a denominator: where it was read, else where the first quantity that has it leaves it.
    fn place_of(&mut self, factor: NodeId, id: QuantityId) -> Source {
        match self.ir.op(factor) {
            Op::Load(source) => source,
            _ => *self.factors.entry(factor).or_insert(Source::StagedFactor(id)),
        }
    }

    fn staged_flag(&mut self, flag: Flag, source: Source) -> NodeId {
        match flag {
            Flag::Constant(flag) => self.ir.flag(flag),
            Flag::PerRow => self.ir.load(source, None),
        }
    }

    /// A quantity that an earlier kernel left.
    pub(super) fn staged(&mut self, id: QuantityId) -> Option<LoweredQuantity> {
        let staged = self.staged.get(&id)?.clone();
        let ty = self.program.quantity(id).ty.clone();
        let applies = self.staged_flag(staged.present, Source::StagedPresent(id));
        let rules = staged
            .rules
            .iter()
            .enumerate()
            .map(|(rank, flag)| self.staged_flag(*flag, Source::StagedFlag(id, StagedFlag::Rule(rank as u32))))
            .collect();
        let doubtful = self.staged_flag(staged.doubtful, Source::StagedFlag(id, StagedFlag::Doubtful));
        if applies == self.ir.no {
            let value = self.nothing(&ty);
            return Some(LoweredQuantity { applies, rules, value, doubtful });
        }
        let value = match staged.value {
            StagedValue::Flag(flag) => Lowered::Flag(self.staged_flag(flag, Source::Staged(id))),
            StagedValue::Integer(range) => {
                let node = self.ir.load(Source::Staged(id), Some(range));
                if ty == Type::Date { Lowered::Date(node) } else { Lowered::Case(node) }
            }
            StagedValue::Fraction { numerator, scale, factor, error } => {
                let num = self.ir.load(Source::Staged(id), Some(numerator));
                let den = factor.map(|(source, range)| self.ir.load(source, Some(range)));
                Lowered::Number(Fraction { num, scale, den: den.into_iter().collect(), error })
            }
        };
        Some(LoweredQuantity { applies, rules, value, doubtful })
    }
}
