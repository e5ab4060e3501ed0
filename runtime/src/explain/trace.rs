//! What the reference interpreter did: which rule gave each quantity, and its steps with their values.
//!
//! Expressions come to the observer as they are computed; they are known again by their address in the program, so that
//! what is kept of a step is its rank in its rule and not a copy of it.

use std::collections::BTreeMap;
use std::ptr;

use polc_compiler::typed::{Expr, ExprKind, Presence, Program, QuantityId, Rule, Value};

use crate::interp::{Leaf, Observer, Step};

/// A value that was read; `None` where what was read is without object, or has no row the year before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Read {
    pub leaf: Leaf,
    pub value: Option<Value>,
}

/// Which part of a rule a step computed, by its rank there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Condition,
    Base(usize),
    Adjustment(usize),
    Bound(usize),
    Prorata(usize),
    /// Rank among the derogations of the quantity.
    Derogation(usize),
    Kept,
    Replacement(usize),
    Rounding(u32),
}

/// One step of a computation.
#[derive(Clone, Debug)]
pub(super) struct TracedStep {
    pub part: Part,
    pub value: Value,
    /// The value of the quantity after this step.
    pub result: Value,
    /// For a bound: whether it changes the result.
    pub binding: bool,
    /// What was read while the step was open; the interpreter also reports there what it read to find which rules apply.
    pub reads: Vec<Read>,
    /// For a replacement that reads the value retained: the steps of that value.
    pub retained: Vec<TracedStep>,
}

/// How a quantity was computed.
#[derive(Clone, Debug)]
pub(super) struct Computed {
    /// Rank of the rule that applied.
    pub rule: usize,
    pub steps: Vec<TracedStep>,
    pub value: Value,
}

/// Keeps the steps of every quantity computed; or, when collecting, only what one expression reads.
#[derive(Debug)]
pub(super) struct Recorder<'p> {
    program: &'p Program,
    frames: Vec<Frame>,
    pub computed: BTreeMap<QuantityId, Computed>,
    /// While an expression is evaluated for its own sake.
    pub collected: Option<Vec<Read>>,
}

#[derive(Debug)]
struct Frame {
    id: QuantityId,
    rule: usize,
    steps: Vec<TracedStep>,
    /// Steps begun and not ended. A bound that does not apply never ends; a replacement holds the steps it reads.
    open: Vec<Open>,
}

#[derive(Debug)]
struct Open {
    reads: Vec<Read>,
    /// How many steps were done when it began.
    before: usize,
}

impl<'p> Recorder<'p> {
    pub fn new(program: &'p Program) -> Self {
        Self { program, frames: Vec::new(), computed: BTreeMap::new(), collected: None }
    }
}

impl Observer for Recorder<'_> {
    fn enter(&mut self, id: QuantityId, rule: usize) {
        if self.collected.is_none() {
            self.frames.push(Frame { id, rule, steps: Vec::new(), open: Vec::new() });
        }
    }

    fn begin_step(&mut self) {
        if self.collected.is_some() {
            return;
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.open.push(Open { reads: Vec::new(), before: frame.steps.len() });
        }
    }

    fn end_step(&mut self, step: &Step<'_>, value: &Value, result: &Value) {
        if self.collected.is_some() {
            return;
        }
        let Some(frame) = self.frames.last_mut() else { return };
        let Some(part) = part(self.program, frame.id, frame.rule, step) else { return };
        let (mut reads, mut retained) = (Vec::new(), Vec::new());
        if matches!(part, Part::Replacement(_)) {
            // It was begun first, and everything since belongs to it.
            let before = frame.open.first().map_or(0, |open| open.before);
            for mut open in frame.open.drain(..) {
                reads.append(&mut open.reads);
            }
            for step in frame.steps.split_off(before) {
                // « valeur retenue », read twice, is computed twice.
                if retained.iter().all(|known: &TracedStep| known.part != step.part) {
                    retained.push(step);
                }
            }
        } else if let Some(mut open) = frame.open.pop() {
            reads.append(&mut open.reads);
        }
        let binding = matches!(step, Step::Bound { binding: true, .. });
        let (value, result) = (value.clone(), result.clone());
        frame.steps.push(TracedStep { part, value, result, binding, reads, retained });
    }

    fn read(&mut self, leaf: Leaf, value: Option<&Value>) {
        let read = Read { leaf, value: value.cloned() };
        if let Some(collected) = &mut self.collected {
            collected.push(read);
        } else if let Some(open) = self.frames.last_mut().and_then(|frame| frame.open.last_mut()) {
            open.reads.push(read);
        }
    }

    fn exit(&mut self, id: QuantityId, value: &Value) {
        if self.collected.is_some() || self.frames.last().is_none_or(|frame| frame.id != id) {
            return;
        }
        if let Some(frame) = self.frames.pop() {
            let computed = Computed { rule: frame.rule, steps: frame.steps, value: value.clone() };
            self.computed.insert(id, computed);
        }
    }
}

/// Which part of the rule a step is.
fn part(program: &Program, id: QuantityId, rule: usize, step: &Step<'_>) -> Option<Part> {
    let quantity = program.quantity(id);
    let rule: &Rule = quantity.rules.get(rule)?;
    Some(match step {
        Step::Condition { .. } => Part::Condition,
        Step::Base { expr, .. } => Part::Base(rule.base.iter().position(|line| ptr::eq(&line.value, *expr))?),
        Step::Adjustment { quantity, .. } => {
            Part::Adjustment(rule.adjustments.iter().position(|adjustment| adjustment.quantity == *quantity)?)
        }
        Step::Bound { expr, .. } => Part::Bound(rule.bounds.iter().position(|bound| ptr::eq(&bound.value, *expr))?),
        Step::Prorata { expr, .. } => {
            Part::Prorata(rule.proratas.iter().position(|factor| ptr::eq(&factor.value, *expr))?)
        }
        Step::Derogation { expr, .. } => {
            Part::Derogation(quantity.derogations.iter().position(|d| ptr::eq(&d.value, *expr))?)
        }
        Step::Replacement { expr, .. } => {
            Part::Replacement(rule.replacements.iter().position(|r| ptr::eq(&r.value, *expr))?)
        }
        Step::Kept { .. } => Part::Kept,
        Step::Rounding { decimals } => Part::Rounding(*decimals),
    })
}

/// The leaves that an expression may read itself, without those that tell which rules apply. What « the condition of x is
/// met » reads is the condition of x.
pub(super) fn leaves(program: &Program, expr: &Expr) -> Vec<Leaf> {
    let mut found = Vec::new();
    let mut conditions: Vec<QuantityId> = Vec::new();
    let mut pending = vec![expr];
    while let Some(expr) = pending.pop() {
        expr.walk(&mut |e| {
            found.push(match &e.kind {
                ExprKind::Input(id) => Leaf::Input(*id),
                ExprKind::Parameter(id) => Leaf::Parameter(*id),
                ExprKind::Quantity(id) | ExprKind::QuantityOr { quantity: id, .. } => Leaf::Quantity(*id),
                ExprKind::InputOr { input, .. } => Leaf::Input(*input),
                ExprKind::PastInput { reach, input, .. } => Leaf::PastInput(*reach, *input),
                ExprKind::PastQuantity { reach, quantity, .. } => Leaf::PastQuantity(*reach, *quantity),
                ExprKind::IsSet(presence) => match *presence {
                    Presence::Input(id) => Leaf::Input(id),
                    Presence::Quantity(id) => Leaf::Quantity(id),
                    Presence::PastInput(reach, id) => Leaf::PastInput(reach, id),
                    Presence::PastQuantity(reach, id) => Leaf::PastQuantity(reach, id),
                },
                ExprKind::Met(id) if !conditions.contains(id) => {
                    conditions.push(*id);
                    pending.extend(program.quantity(*id).rules.iter().filter_map(|rule| rule.condition.as_ref()));
                    return;
                }
                _ => return,
            });
        });
    }
    found
}
