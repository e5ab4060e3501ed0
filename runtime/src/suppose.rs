//! One row computed again under a supposition: other cells, a result or a condition taken for granted, another reading.
//!
//! Only what depends on the supposition is computed again; all the rest is taken from the row as it is. Other rows stay as
//! they are, but for a reading, which holds for every year; the figures of the whole data stay too.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use polc_compiler::typed::{Expr, ExprKind, InputId, Presence, Program, QuantityId, ReadingId, Value};
use polc_dsl::ast::Reach;

use crate::engine::History;
use crate::interp::{Data, Evaluation, Leaf, Memo, Observer, Outcome, Settled, Silent};
use crate::table::{Batch, RowErrorKind};

/// What is supposed of a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Supposition {
    /// Cells of the row; `None` for an empty one without default.
    pub cells: BTreeMap<InputId, Option<Value>>,
    pub values: BTreeMap<QuantityId, Value>,
    /// Quantities whose own condition is taken for met.
    pub conditions: BTreeSet<QuantityId>,
    pub reading: Option<(ReadingId, Option<usize>)>,
}

type PastResult = Result<Option<Value>, RowErrorKind>;
type Memory = HashMap<(usize, QuantityId), PastResult>;

/// What reads what, on one row and from one year to the next.
#[derive(Debug)]
pub(crate) struct Dependents {
    of_inputs: Vec<Vec<QuantityId>>,
    of_quantities: Vec<Vec<QuantityId>>,
    /// The results of earlier rows.
    of_past: Vec<Vec<QuantityId>>,
}

impl Dependents {
    pub fn of(program: &Program) -> Self {
        let mut found = Self {
            of_inputs: vec![Vec::new(); program.inputs.len()],
            of_quantities: vec![Vec::new(); program.quantities.len()],
            of_past: vec![Vec::new(); program.quantities.len()],
        };
        for id in program.quantity_ids() {
            let quantity = program.quantity(id);
            let rules = || quantity.rules.iter();
            let scopes = rules().filter_map(|rule| rule.scope).map(|scope| &program.scope(scope).condition);
            let alternatives = rules().flat_map(|rule| &rule.alternatives);
            let alternatives = alternatives.flat_map(|other| other.guard.iter().chain([&other.value]));
            for expr in quantity.expressions().chain(scopes).chain(alternatives) {
                found.reads(id, expr);
            }
            for adjustment in rules().flat_map(|rule| &rule.adjustments) {
                keep(&mut found.of_quantities[adjustment.quantity.index()], id);
            }
            if rules().any(|rule| rule.keeps.is_some()) {
                keep(&mut found.of_past[id.index()], id);
            }
        }
        found
    }

    fn reads(&mut self, reader: QuantityId, expr: &Expr) {
        expr.walk(&mut |e| match e.kind {
            ExprKind::Input(id) | ExprKind::InputOr { input: id, .. } | ExprKind::IsSet(Presence::Input(id)) => {
                keep(&mut self.of_inputs[id.index()], reader);
            }
            ExprKind::Quantity(id)
            | ExprKind::Met(id)
            | ExprKind::QuantityOr { quantity: id, .. }
            | ExprKind::IsSet(Presence::Quantity(id)) => keep(&mut self.of_quantities[id.index()], reader),
            ExprKind::PastQuantity { quantity: id, .. } | ExprKind::IsSet(Presence::PastQuantity(_, id)) => {
                keep(&mut self.of_past[id.index()], reader);
            }
            _ => {}
        });
    }

    /// By rank: the quantities that may change when some do.
    fn spread(&self, seeds: impl IntoIterator<Item = QuantityId>, years: bool) -> Vec<bool> {
        let mut changed = vec![false; self.of_quantities.len()];
        let mut pending: Vec<QuantityId> = seeds.into_iter().collect();
        while let Some(id) = pending.pop() {
            if std::mem::replace(&mut changed[id.index()], true) {
                continue;
            }
            pending.extend(&self.of_quantities[id.index()]);
            if years {
                pending.extend(&self.of_past[id.index()]);
            }
        }
        changed
    }
}

fn keep(list: &mut Vec<QuantityId>, id: QuantityId) {
    if list.last() != Some(&id) {
        list.push(id);
    }
}

/// A row, with its results as it is.
#[derive(Debug)]
pub(crate) struct Supposable<'a> {
    pub program: &'a Program,
    batch: &'a Batch,
    history: &'a History,
    row: usize,
    pub dependents: Dependents,
    pub memo: Memo,
    past: Mutex<Memory>,
}

impl<'a> Supposable<'a> {
    /// A row, once the outputs are computed on it.
    ///
    /// # Errors
    /// Why one of them cannot be.
    pub fn new(
        program: &'a Program,
        batch: &'a Batch,
        history: &'a History,
        row: usize,
        outputs: &[QuantityId],
    ) -> Result<Self, RowErrorKind> {
        let dependents = Dependents::of(program);
        let memo = vec![None; program.quantities.len()];
        let mut supposable = Self { program, batch, history, row, dependents, memo, past: Mutex::default() };
        let none = Supposition::default();
        let data = supposable.data(&none);
        let mut evaluation = Evaluation::new(program, &data, Silent);
        for id in outputs {
            evaluation.quantity(*id)?;
        }
        supposable.memo = evaluation.into_memo();
        Ok(supposable)
    }

    /// Computes the quantities that the outputs did not need, where that can be: of several conditions, those after the first
    /// that fails. What depends on figures of the whole data is left, since reading these is only for what needs them.
    pub fn complete(&mut self) {
        let figures = self.dependents.spread(self.program.aggregates.iter().map(|aggregate| aggregate.quantity), true);
        let none = Supposition::default();
        let unchanged = vec![false; self.memo.len()];
        for id in self.program.quantity_ids() {
            if self.memo[id.index()].is_none()
                && !figures[id.index()]
                && let Ok(outcome) = self.outcome(&none, &unchanged, id)
            {
                self.memo[id.index()] = Some(Ok(outcome));
            }
        }
    }

    fn data<'s>(&'s self, supposition: &'s Supposition) -> SupposedRow<'s> {
        SupposedRow { at: self, supposition, row: self.row, past: RefCell::default() }
    }

    /// The value that the row gives to a quantity; `None` where it is without object or nothing asked for it.
    pub fn value(&self, id: QuantityId) -> Option<&Value> {
        self.rule_and_value(id).map(|(_, value)| value)
    }

    /// The same, with the rank of the rule that gives it.
    pub fn rule_and_value(&self, id: QuantityId) -> Option<&(usize, Value)> {
        self.memo[id.index()].as_ref()?.as_ref().ok()?.as_ref()
    }

    /// The cell of an input as it is.
    pub fn cell(&self, id: InputId) -> Option<Value> {
        self.data(&Supposition::default()).input(id)
    }

    /// By rank: the quantities that a supposition may change.
    pub fn changed(&self, supposition: &Supposition) -> Vec<bool> {
        let inputs = supposition.cells.keys().flat_map(|id| &self.dependents.of_inputs[id.index()]).copied();
        let set = supposition.values.keys().chain(&supposition.conditions).copied();
        match supposition.reading {
            None => self.dependents.spread(inputs.chain(set), false),
            Some((reading, _)) => {
                let replaced = self.program.quantity_ids().filter(|id| {
                    let rules = &self.program.quantity(*id).rules;
                    rules.iter().flat_map(|rule| &rule.alternatives).any(|other| other.reading == reading)
                });
                self.dependents.spread(inputs.chain(set).chain(replaced), true)
            }
        }
    }

    fn settled<'s>(&'s self, changed: &'s [bool]) -> Settled<'s> {
        Settled { memo: &self.memo, changed }
    }

    /// Whether a condition holds under a supposition; not where it cannot be computed.
    pub fn holds(&self, supposition: &Supposition, changed: &[bool], condition: &Expr) -> bool {
        self.evaluate(supposition, changed, condition) == Ok(Value::Boolean(true))
    }

    /// An expression of the program under a supposition.
    ///
    /// # Errors
    /// Why it has no value.
    pub fn evaluate(&self, supposition: &Supposition, changed: &[bool], expr: &Expr) -> Result<Value, RowErrorKind> {
        let data = self.data(supposition);
        Evaluation::new(self.program, &data, Silent).with(self.settled(changed)).evaluate(expr)
    }

    /// A quantity under a supposition.
    ///
    /// # Errors
    /// Why it cannot be computed.
    pub fn outcome(
        &self,
        supposition: &Supposition,
        changed: &[bool],
        id: QuantityId,
    ) -> Result<Outcome, RowErrorKind> {
        let data = self.data(supposition);
        Evaluation::new(self.program, &data, Silent).with(self.settled(changed)).quantity(id)
    }

    /// The inputs that an expression reads, through the quantities too, in the order in which they are.
    pub fn inputs_read(&self, supposition: &Supposition, expr: &Expr) -> Vec<InputId> {
        let data = self.data(supposition);
        let mut evaluation = Evaluation::new(self.program, &data, Inputs::default());
        // What was read before an error counts.
        let _ = evaluation.evaluate(expr);
        evaluation.observer.0
    }

    /// Some results under a supposition.
    ///
    /// # Errors
    /// Why one of them cannot be computed.
    pub fn results(
        &self,
        supposition: &Supposition,
        changed: &[bool],
        outputs: &[QuantityId],
    ) -> Result<Vec<Option<Value>>, RowErrorKind> {
        let value = |outcome: Option<(usize, Value)>| outcome.map(|(_, value)| value);
        let data = self.data(supposition);
        let mut evaluation = Evaluation::new(self.program, &data, Silent).with(self.settled(changed));
        outputs.iter().map(|id| evaluation.quantity(*id).map(value)).collect()
    }
}

/// Notes the inputs that are read.
#[derive(Default)]
struct Inputs(Vec<InputId>);

impl Observer for Inputs {
    fn read(&mut self, leaf: Leaf, _value: Option<&Value>) {
        if let Leaf::Input(id) = leaf
            && !self.0.contains(&id)
        {
            self.0.push(id);
        }
    }
}

/// The row, or one of an earlier year, as supposed.
pub(crate) struct SupposedRow<'s> {
    at: &'s Supposable<'s>,
    supposition: &'s Supposition,
    row: usize,
    /// Results of earlier rows, where a reading changes them.
    past: RefCell<Memory>,
}

impl SupposedRow<'_> {
    fn is_current(&self) -> bool {
        self.row == self.at.row
    }
}

impl Data for SupposedRow<'_> {
    fn input(&self, id: InputId) -> Option<Value> {
        if self.is_current()
            && let Some(cell) = self.supposition.cells.get(&id)
        {
            return cell.clone();
        }
        match &self.at.batch.columns[id.index()] {
            Some(column) => column.value(self.row, self.at.program.input(id)),
            None => self.at.program.input(id).default.clone(),
        }
    }

    fn given(&self, id: QuantityId) -> Option<Value> {
        self.supposition.values.get(&id).filter(|_| self.is_current()).cloned()
    }

    fn supposed_condition(&self, id: QuantityId) -> Option<bool> {
        (self.is_current() && self.supposition.conditions.contains(&id)).then_some(true)
    }

    fn supposed_reading(&self) -> Option<(ReadingId, Option<usize>)> {
        self.supposition.reading
    }

    fn aggregate(&self, id: QuantityId) -> Option<Value> {
        self.at.history.aggregates.value(id, self.row).cloned()
    }

    fn past_quantity(&self, reach: Reach, id: QuantityId) -> PastResult {
        let Some(row) = self.at.history.past(reach, self.row) else { return Ok(None) };
        let shared = self.supposition.reading.is_none();
        let known = if shared {
            self.at.past.lock().unwrap_or_else(PoisonError::into_inner).get(&(row, id)).cloned()
        } else {
            self.past.borrow().get(&(row, id)).cloned()
        };
        if let Some(known) = known {
            return known;
        }
        let data = SupposedRow { at: self.at, supposition: self.supposition, row, past: self.past.take().into() };
        let result = Evaluation::new(self.at.program, &data, Silent).quantity(id);
        let result = result.map(|outcome| outcome.map(|(_, value)| value));
        if shared {
            self.at.past.lock().unwrap_or_else(PoisonError::into_inner).insert((row, id), result.clone());
        } else {
            let mut past = data.past.take();
            past.insert((row, id), result.clone());
            self.past.replace(past);
        }
        result
    }

    fn past_input(&self, reach: Reach, id: InputId) -> Option<Value> {
        let row = self.at.history.past(reach, self.row)?;
        match &self.at.batch.columns[id.index()] {
            Some(column) => column.value(row, self.at.program.input(id)),
            None => self.at.program.input(id).default.clone(),
        }
    }
}
