//! The interpreter over sets: what the rules of a row can give when some of its cells may take many values.
//!
//! It follows [`crate::interp`] step by step. Where a condition may hold and may not, both ways are taken and what they give is
//! put together; what only one way knows is kept as facts while it is taken.

mod calendar;
mod expressions;
mod known;
mod rules;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use polc_compiler::num::RoundingMode;
use polc_compiler::typed::{ControlKind, Expr, InputId, Program, QuantityId, QuantityKind, Rule, ScopeId};
use polc_dsl::ast::Reach;

use super::aggregates::{Figure, Figures};
use super::cells::{Cell, Domain, Region, domain};
use super::facts::Fact;
use super::set::{Numbers, Set, Truth};
use crate::engine::History;
use crate::table::{Batch, RowErrorKind};

/// Errors told of one row.
const MOST_FAULTS: usize = 4;

/// What rows are read from.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    pub program: &'a Program,
    pub batch: &'a Batch,
    pub history: &'a History,
    /// Figures of the whole data that missing cells leave open.
    pub figures: Option<&'a Figures>,
}

/// What a quantity may be: the sets that its rules give, and whether it may be without object.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub by_rule: Vec<(usize, Set)>,
    pub absent: bool,
}

impl Outcome {
    /// All the values; `None` where there are none.
    pub fn set(&self) -> Option<Set> {
        let mut sets = self.by_rule.iter().map(|(_, set)| set);
        let first = sets.next()?.clone();
        Some(sets.fold(first, Set::join))
    }
}

/// A result kept, with what else is known of its computation.
#[derive(Debug)]
struct Entry<T> {
    value: T,
    faults: Vec<RowErrorKind>,
    open: bool,
    loose: bool,
}

type Kept<T> = Option<Arc<Entry<T>>>;

/// What was computed of one row.
#[derive(Clone, Debug)]
struct State {
    quantities: Vec<Kept<Outcome>>,
    scopes: Vec<Kept<Truth>>,
}

/// The computation of one row, and of those before it that it reads.
pub struct Evaluation<'a> {
    rows: Rows<'a>,
    row: usize,
    region: Region,
    states: HashMap<usize, State>,
    facts: Vec<Fact>,
    retained: Vec<(QuantityId, &'a Rule)>,
    current: Option<QuantityId>,
    /// Errors that may end the row.
    pub faults: Vec<RowErrorKind>,
    /// Whether what is being computed read a missing cell, or a figure that one leaves open.
    open: bool,
    /// Whether it read such a figure: its values are not all attained.
    pub loose: bool,
    /// Missing cells that were read, with their values.
    pub cells: BTreeMap<Cell, Domain>,
    /// Values at which the span of a cell is worth being cut.
    pub cuts: BTreeMap<Cell, BTreeSet<i64>>,
}

impl<'a> Evaluation<'a> {
    pub fn new(rows: Rows<'a>, row: usize, region: Region) -> Self {
        Self {
            rows,
            row,
            region,
            states: HashMap::new(),
            facts: Vec::new(),
            retained: Vec::new(),
            current: None,
            faults: Vec::new(),
            open: false,
            loose: false,
            cells: BTreeMap::new(),
            cuts: BTreeMap::new(),
        }
    }

    /// The same row within another region: what no missing cell touches is not computed again.
    pub fn within(&self, region: Region) -> Self {
        let mut other = Self::new(self.rows, self.row, region);
        let states = self.states.iter().map(|(row, state)| {
            let quantities = state.quantities.iter().map(|kept| kept.clone().filter(|entry| !entry.open)).collect();
            let scopes = state.scopes.iter().map(|kept| kept.clone().filter(|entry| !entry.open)).collect();
            (*row, State { quantities, scopes })
        });
        other.states = states.collect();
        other
    }

    fn state(&mut self) -> &mut State {
        let program = self.rows.program;
        self.states.entry(self.row).or_insert_with(|| State {
            quantities: vec![None; program.quantities.len()],
            scopes: vec![None; program.scopes.len()],
        })
    }

    /// What a quantity may be on the row.
    pub fn quantity(&mut self, id: QuantityId) -> Outcome {
        if let Some(known) = self.state().quantities[id.index()].clone() {
            self.recall(&known);
            return known.value.clone();
        }
        let outer = self.current.replace(id);
        let entry = self.apart(|this| stacker::maybe_grow(128 * 1024, 2 * 1024 * 1024, || this.compute(id)));
        self.current = outer;
        self.recall(&entry);
        let value = entry.value.clone();
        self.state().quantities[id.index()] = Some(Arc::new(entry));
        value
    }

    /// Computes something that does not depend on what is known here.
    fn apart<T>(&mut self, compute: impl FnOnce(&mut Self) -> T) -> Entry<T> {
        let facts = std::mem::take(&mut self.facts);
        let faults = std::mem::take(&mut self.faults);
        let (open, loose) = (std::mem::take(&mut self.open), std::mem::take(&mut self.loose));
        let retained = std::mem::take(&mut self.retained);
        let value = compute(self);
        self.facts = facts;
        self.retained = retained;
        Entry {
            value,
            faults: std::mem::replace(&mut self.faults, faults),
            open: std::mem::replace(&mut self.open, open),
            loose: std::mem::replace(&mut self.loose, loose),
        }
    }

    fn recall<T>(&mut self, entry: &Entry<T>) {
        self.open |= entry.open;
        self.loose |= entry.loose;
        entry.faults.iter().for_each(|fault| self.fault(fault.clone()));
    }

    fn fault(&mut self, fault: RowErrorKind) {
        if self.faults.len() < MOST_FAULTS && !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// Looks at something without taking its errors for those of the row.
    fn quietly<T>(&mut self, look: impl FnOnce(&mut Self) -> T) -> T {
        let faults = self.faults.clone();
        let found = look(self);
        self.faults = faults;
        found
    }

    /// Computes under facts that hold for its time.
    fn knowing<T>(&mut self, facts: Vec<Fact>, compute: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.facts.len();
        self.facts.extend(facts);
        let value = compute(self);
        self.facts.truncate(before);
        value
    }

    fn year(&self) -> i64 {
        self.rows.batch.year(self.rows.program, self.row)
    }

    /// The value of an input on a row: a set, or none where the cell is rightly empty.
    fn cell(&mut self, row: usize, id: InputId) -> Option<Set> {
        let program = self.rows.program;
        let input = program.input(id);
        let known = match &self.rows.batch.columns[id.index()] {
            Some(column) => column.value(row, input),
            None => input.default.clone(),
        };
        if let Some(value) = known {
            return Some(Set::point(&value));
        }
        if input.optional {
            return None;
        }
        self.open = true;
        let region = &self.region;
        let domain = self
            .cells
            .entry((row, id))
            .or_insert_with(|| region.get(&(row, id)).cloned().unwrap_or_else(|| domain(program, input)));
        Some(domain.set(input))
    }

    /// Whether a scope governs the row.
    fn in_scope(&mut self, scope: Option<ScopeId>) -> Truth {
        let Some(id) = scope else { return Truth::YES };
        if let Some(known) = self.state().scopes[id.index()].clone() {
            self.recall(&known);
            return known.value;
        }
        let program = self.rows.program;
        let entry = self.apart(|this| this.truth(&program.scope(id).condition));
        self.recall(&entry);
        let value = entry.value;
        self.state().scopes[id.index()] = Some(Arc::new(entry));
        value
    }

    fn compute(&mut self, id: QuantityId) -> Outcome {
        let program = self.rows.program;
        let quantity = program.quantity(id);
        if quantity.kind == QuantityKind::Aggregate {
            return self.figure(id);
        }
        let (rules, absent) = self.applicable(id);
        let mut outcome = Outcome { by_rule: Vec::new(), absent };
        for rank in rules {
            let rule = &quantity.rules[rank];
            let scope = rule.scope.map(|scope| &program.scope(scope).condition);
            let known = rule.guard.iter().chain(scope).flat_map(|guard| self.assume(guard, true)).collect();
            let set = self.knowing(known, |this| this.rule(id, rule));
            let rounded = match (rule.rounding, set) {
                (Some(decimals), Some(Set::Numbers(amount))) => {
                    Some(Set::Numbers(amount.round(decimals, RoundingMode::HalfAway)))
                }
                (_, set) => set,
            };
            outcome.by_rule.extend(rounded.map(|set| (rank, set)));
        }
        outcome
    }

    fn figure(&mut self, id: QuantityId) -> Outcome {
        let mut outcome = Outcome::default();
        let figure = match self.rows.figures {
            Some(figures) => figures.of(id, self.row),
            None => None,
        };
        match figure {
            Some(Figure { set, absent }) => {
                self.open = true;
                self.loose = true;
                outcome.by_rule.extend(set.clone().map(|set| (0, set)));
                outcome.absent = *absent;
            }
            None => match self.rows.history.aggregates.value(id, self.row) {
                Some(value) => outcome.by_rule.push((0, Set::point(value))),
                None => outcome.absent = true,
            },
        }
        outcome
    }

    /// What a quantity may be on an earlier row; absent where there is no such row.
    fn past_quantity(&mut self, reach: Reach, id: QuantityId) -> Outcome {
        let Some(past) = self.rows.history.past(reach, self.row) else {
            return Outcome { by_rule: Vec::new(), absent: true };
        };
        let row = std::mem::replace(&mut self.row, past);
        let current = self.current.take();
        let outcome = self.quantity(id);
        self.row = row;
        self.current = current;
        outcome
    }

    /// Whether a blocking control may refuse the row, and whether it must.
    pub fn refusal(&mut self, control: u32) -> Option<(RowErrorKind, bool)> {
        let program = self.rows.program;
        let control = &program.controls[control as usize];
        let ControlKind::Row { guard, years, condition, blocking: true } = &control.kind else { return None };
        if !years.contains(self.year()) {
            return None;
        }
        // What a control cannot read is no ground to refuse the row.
        let entry = self.apart(|this| {
            let guard_truth = guard.as_ref().map_or(Truth::YES, |guard| this.truth(guard));
            if !guard_truth.yes {
                return (guard_truth, Truth::YES);
            }
            let known = guard.iter().flat_map(|guard| this.assume(guard, true)).collect();
            (guard_truth, this.knowing(known, |this| this.truth(condition)))
        });
        self.open |= entry.open;
        self.loose |= entry.loose;
        let (guard, holds) = entry.value;
        let must = !guard.no && !holds.yes && holds.no && entry.faults.is_empty();
        let kind = RowErrorKind::Control { name: control.name.clone(), title: control.title.clone() };
        (guard.yes && holds.no).then_some((kind, must))
    }

    fn truth(&mut self, expr: &'a Expr) -> Truth {
        self.expr(expr).map_or(Truth::NEVER, Set::truth)
    }

    fn number(&mut self, expr: &'a Expr) -> Option<Numbers> {
        self.expr(expr).map(Set::numbers)
    }
}

/// All the values of some sets.
fn together(sets: Vec<Set>) -> Option<Set> {
    let mut sets = sets.into_iter();
    let first = sets.next()?;
    Some(sets.fold(first, |all, set| all.join(&set)))
}

fn either(a: Option<Numbers>, b: Option<Numbers>) -> Option<Numbers> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.join(&b)),
        (a, b) => a.or(b),
    }
}
