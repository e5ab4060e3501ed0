//! What examples make the interpreter do: which conditions it decided and how, on which side of each threshold it was.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use num_traits::Zero as _;
use polc_compiler::num::Ratio;
use polc_compiler::typed::{Expr, ExprKind, Program, Quantity, QuantityId, Value};
use polc_dsl::Span;

use crate::interp::{Observer, Step};

/// What is recorded of one place of the policy. Programs built under other readings have the same places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// False, true.
    Decided(Span),
    /// Left side below, at, above the right one.
    Compared(Span),
    /// A row of brackets or tiers was the one, or was reached.
    Row(Span, usize),
    /// Subject below, at, above the start of a row.
    Start(Span, usize),
    /// The result below, at, beyond a cap or floor.
    Bound(Span),
    /// A derogation gave the value.
    Derogation(Span),
}

#[derive(Debug, Default)]
pub struct Recorder {
    counts: BTreeMap<Key, [u32; 3]>,
    /// Rules that were computed.
    entered: BTreeSet<RuleKey>,
    /// Values that boolean rules took: false, true.
    truths: BTreeMap<RuleKey, [u32; 2]>,
    open: Vec<(QuantityId, usize)>,
    /// The example being run.
    example: Option<Span>,
    /// Examples that say what a rule must give.
    expected: BTreeMap<RuleKey, BTreeSet<Span>>,
    /// The rules of the program being run, by rank of the quantity.
    rules: Vec<(Arc<str>, Vec<Span>)>,
}

/// A rule, the same in every state of the law: the name of its quantity, and its place.
pub type RuleKey = (Arc<str>, Span);

impl Recorder {
    fn add(&mut self, key: Key, side: usize) {
        self.counts.entry(key).or_default()[side] += 1;
    }

    #[must_use]
    pub fn count(&self, key: Key) -> [u32; 3] {
        self.counts.get(&key).copied().unwrap_or_default()
    }

    fn key(&self, (id, rule): (QuantityId, usize)) -> Option<RuleKey> {
        let (name, places) = self.rules.get(id.index())?;
        Some((name.clone(), *places.get(rule)?))
    }

    #[must_use]
    pub fn entered(&self, key: &RuleKey) -> bool {
        self.entered.contains(key)
    }

    #[must_use]
    pub fn truths(&self, key: &RuleKey) -> [u32; 2] {
        self.truths.get(key).copied().unwrap_or_default()
    }

    /// The examples that say what a rule must give.
    #[must_use]
    pub fn examples(&self, key: &RuleKey) -> Vec<Span> {
        self.expected.get(key).into_iter().flatten().copied().collect()
    }
}

impl Observer for Recorder {
    fn enter(&mut self, id: QuantityId, rule: usize) {
        self.entered.extend(self.key((id, rule)));
        self.open.push((id, rule));
    }

    fn exit(&mut self, id: QuantityId, value: &Value) {
        // A value set by hand has no rule open; an error left some open.
        let Some(rank) = self.open.iter().rposition(|(open, _)| *open == id) else { return };
        let key = self.key(self.open[rank]);
        self.open.truncate(rank);
        if let (Value::Boolean(truth), Some(key)) = (value, key) {
            self.truths.entry(key).or_default()[usize::from(*truth)] += 1;
        }
    }

    fn end_step(&mut self, step: &Step<'_>, value: &Value, result: &Value) {
        match step {
            Step::Bound { expr, binding, .. } => {
                let side = if *binding {
                    2
                } else {
                    usize::from(matches!((value, result), (Value::Number(limit), Value::Number(now)) if limit == now))
                };
                self.add(Key::Bound(expr.span), side);
            }
            Step::Derogation { expr, .. } => self.add(Key::Derogation(expr.span), 1),
            _ => {}
        }
    }

    fn decided(&mut self, condition: &Expr, holds: bool) {
        self.add(Key::Decided(condition.span), usize::from(holds));
    }

    fn compared(&mut self, comparison: &Expr, ordering: Ordering) {
        self.add(Key::Compared(comparison.span), side(ordering));
    }

    fn placed(&mut self, schedule: &Expr, subject: &Ratio) {
        match &schedule.kind {
            ExprKind::Brackets { rows, .. } => {
                for (rank, row) in rows.iter().enumerate() {
                    let after = row.from.as_ref().is_none_or(|from| from <= subject);
                    if after && row.to.as_ref().is_none_or(|to| subject < to) {
                        self.add(Key::Row(schedule.span, rank), 1);
                    }
                    if let Some(from) = &row.from {
                        self.add(Key::Start(schedule.span, rank), side(subject.cmp(from)));
                    }
                }
            }
            ExprKind::Tiers { rows, .. } => {
                for (rank, row) in rows.iter().enumerate() {
                    if *subject > row.from {
                        self.add(Key::Row(schedule.span, rank), 1);
                    }
                    if !row.from.is_zero() {
                        self.add(Key::Start(schedule.span, rank), side(subject.cmp(&row.from)));
                    }
                }
            }
            _ => {}
        }
    }
}

fn side(ordering: Ordering) -> usize {
    match ordering {
        Ordering::Less => 0,
        Ordering::Equal => 1,
        Ordering::Greater => 2,
    }
}

/// An observer that several evaluations share; `None` sees nothing.
#[derive(Clone, Copy, Debug)]
pub struct Watch<'w>(pub Option<&'w RefCell<Recorder>>);

impl Watch<'_> {
    /// The examples of a state of the law start being run. Readings do not change its rules.
    pub fn opens(self, program: &Program) {
        if let Some(recorder) = self.0 {
            let rules = |quantity: &Quantity| quantity.rules.iter().map(|rule| rule.span).collect();
            recorder.borrow_mut().rules = program.quantities.iter().map(|q| (q.name.clone(), rules(q))).collect();
        }
    }

    /// An example starts being run.
    pub fn runs(self, example: Span) {
        if let Some(recorder) = self.0 {
            recorder.borrow_mut().example = Some(example);
        }
    }

    /// The example being run says what a rule must give.
    pub fn expects(self, id: QuantityId, rule: usize) {
        let Some(recorder) = self.0 else { return };
        let mut recorder = recorder.borrow_mut();
        if let (Some(key), Some(example)) = (recorder.key((id, rule)), recorder.example) {
            recorder.expected.entry(key).or_default().insert(example);
        }
    }
}

impl Observer for Watch<'_> {
    fn enter(&mut self, id: QuantityId, rule: usize) {
        if let Some(recorder) = self.0 {
            recorder.borrow_mut().enter(id, rule);
        }
    }

    fn end_step(&mut self, step: &Step<'_>, value: &Value, result: &Value) {
        if let Some(recorder) = self.0 {
            recorder.borrow_mut().end_step(step, value, result);
        }
    }

    fn decided(&mut self, condition: &Expr, holds: bool) {
        if let Some(recorder) = self.0 {
            recorder.borrow_mut().decided(condition, holds);
        }
    }

    fn compared(&mut self, comparison: &Expr, ordering: Ordering) {
        if let Some(recorder) = self.0 {
            recorder.borrow_mut().compared(comparison, ordering);
        }
    }

    fn placed(&mut self, schedule: &Expr, subject: &Ratio) {
        if let Some(recorder) = self.0 {
            recorder.borrow_mut().placed(schedule, subject);
        }
    }

    fn exit(&mut self, id: QuantityId, value: &Value) {
        if let Some(recorder) = self.0 {
            recorder.borrow_mut().exit(id, value);
        }
    }
}
