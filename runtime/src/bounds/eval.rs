//! The interpreter over sets: what the rules of a row can give when some of its cells may take many values.
//!
//! It follows [`crate::interp`] step by step. Where a condition may hold and may not, both ways are taken and what they give is
//! put together; what only one way knows is kept as facts while it is taken.

mod expressions;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use polc_compiler::num::{Ratio, RoundingMode};
use polc_compiler::typed::{
    Adjustment, AdjustmentKind, ControlKind, Expr, Factor, InputId, Program, QuantityId, QuantityKind, Rule, ScopeId,
    Type,
};
use polc_dsl::ast::{BoundKind, Reach};

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

    /// The rules that may apply, and whether none may.
    fn applicable(&mut self, id: QuantityId) -> (Vec<usize>, bool) {
        let (year, program) = (self.year(), self.rows.program);
        let quantity = program.quantity(id);
        let before = self.facts.len();
        let mut found: Vec<(usize, bool)> = Vec::new();
        let mut none = true;
        for (rank, rule) in quantity.rules.iter().enumerate().filter(|(_, rule)| rule.years.contains(year)) {
            let scope = self.in_scope(rule.scope);
            let guard = match &rule.guard {
                Some(guard) if scope.yes => {
                    let own = self.facts.split_off(before);
                    let guard = self.truth(guard);
                    self.facts.extend(own);
                    guard
                }
                _ => Truth::YES,
            };
            let applies = Truth { no: scope.no || (scope.yes && guard.no), yes: scope.yes && guard.yes };
            if applies == Truth::NEVER {
                // An error, whatever the cells.
                self.facts.truncate(before);
                return (Vec::new(), false);
            }
            if !applies.yes {
                continue;
            }
            for (other, certain) in found.clone() {
                let first = &quantity.rules[other];
                let both = match (&first.guard, &rule.guard) {
                    (Some(a), Some(b)) => self.quietly(|this| {
                        let own = this.facts.split_off(before);
                        let known = this.assume(a, true);
                        let both = this.knowing(known, |this| this.truth(b)).yes;
                        this.facts.extend(own);
                        both
                    }),
                    _ => true,
                };
                if both {
                    let titles = (first.title.clone(), rule.title.clone());
                    self.fault(RowErrorKind::Rules {
                        quantity: quantity.name.clone(),
                        first: titles.0,
                        second: titles.1,
                    });
                    if certain && !applies.no {
                        self.facts.truncate(before);
                        return (Vec::new(), false);
                    }
                }
            }
            found.push((rank, !applies.no));
            if !applies.no {
                none = false;
            } else if !scope.no
                && let Some(guard) = &rule.guard
            {
                // Where none of those before applies, it may have to.
                none &= self.quietly(|this| this.truth(guard)).no;
                let known = self.assume(guard, false);
                self.facts.extend(known);
            }
        }
        self.facts.truncate(before);
        (found.into_iter().map(|(rank, _)| rank).collect(), none)
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

    /// A derogation in force, last year's value, what a reading puts there, or the rule's own value.
    fn rule(&mut self, id: QuantityId, rule: &'a Rule) -> Option<Set> {
        let (mut sets, mut others) = self.derogation(id);
        if others {
            let (kept, without) = self.kept(id, rule);
            sets.extend(kept);
            others = without;
        }
        if others {
            sets.extend(self.replaced_or_own(id, rule));
        }
        together(sets)
    }

    /// The values of derogations that may be in force, and whether none may be.
    fn derogation(&mut self, id: QuantityId) -> (Vec<Set>, bool) {
        let quantity = self.rows.program.quantity(id);
        let mut active: Vec<(usize, bool)> = Vec::new();
        for (rank, derogation) in quantity.derogations.iter().enumerate() {
            let truth = derogation.condition.as_ref().map_or(Truth::YES, |condition| self.truth(condition));
            if truth == Truth::NEVER {
                return (Vec::new(), false);
            }
            if truth.yes {
                active.push((rank, !truth.no));
            }
        }
        let overrides = |a: usize, b: usize| quantity.derogations[a].overrides.contains(&b);
        for (index, (a, _)) in active.iter().enumerate() {
            for (b, _) in &active[index + 1..] {
                let (first, second) = (&quantity.derogations[*a], &quantity.derogations[*b]);
                if first.name == second.name || overrides(*a, *b) || overrides(*b, *a) {
                    continue;
                }
                let both = match (&first.condition, &second.condition) {
                    (Some(x), Some(y)) => self.quietly(|this| {
                        let known = this.assume(x, true);
                        this.knowing(known, |this| this.truth(y)).yes
                    }),
                    _ => true,
                };
                if both {
                    self.fault(RowErrorKind::Derogations {
                        quantity: quantity.name.clone(),
                        first: first.title.clone(),
                        second: second.title.clone(),
                    });
                }
            }
        }
        let certain = |(_, certain): &(usize, bool)| *certain;
        let mut sets = Vec::new();
        for (rank, _) in &active {
            if active.iter().filter(|other| certain(other)).any(|(other, _)| overrides(*other, *rank)) {
                continue;
            }
            let derogation = &quantity.derogations[*rank];
            let known = derogation.condition.iter().flat_map(|condition| self.assume(condition, true)).collect();
            sets.extend(self.knowing(known, |this| this.expr(&derogation.value)));
        }
        (sets, !active.iter().any(certain))
    }

    /// Last year's value, where it may be kept, and whether it may not be.
    fn kept(&mut self, id: QuantityId, rule: &'a Rule) -> (Option<Set>, bool) {
        let Some(keeps) = &rule.keeps else { return (None, true) };
        let truth = self.truth(keeps);
        if !truth.yes {
            return (None, truth.no);
        }
        let last = self.past_quantity(Reach::LastYear, id);
        (last.set(), truth.no || last.absent)
    }

    fn replaced_or_own(&mut self, id: QuantityId, rule: &'a Rule) -> Option<Set> {
        let mut sets = Vec::new();
        for replacement in &rule.replacements {
            let truth = replacement.guard.as_ref().map_or(Truth::YES, |guard| self.truth(guard));
            if truth.yes {
                let known = replacement.guard.iter().flat_map(|guard| self.assume(guard, true)).collect();
                self.retained.push((id, rule));
                sets.extend(self.knowing(known, |this| this.expr(&replacement.value)));
                self.retained.pop();
            }
            if !truth.no {
                return together(sets);
            }
        }
        sets.extend(self.own(id, rule));
        together(sets)
    }

    /// Condition, base, adjustments, bounds, pro rata.
    fn own(&mut self, id: QuantityId, rule: &'a Rule) -> Option<Set> {
        let numeric = matches!(self.rows.program.quantity(id).ty, Type::Number(_));
        let mut sets = Vec::new();
        let mut known = Vec::new();
        if let Some(condition) = &rule.condition {
            let truth = self.truth(condition);
            if truth.no {
                sets.push(if numeric { Set::zero() } else { Set::Booleans(Truth::NO) });
            }
            if !truth.yes {
                return together(sets);
            }
            known = self.assume(condition, true);
        }
        sets.extend(self.knowing(known, |this| match rule.base.first() {
            _ if numeric => this.amount(rule).map(Set::Numbers),
            Some(line) => this.expr(&line.value),
            None => Some(Set::Booleans(Truth::NO)),
        }));
        together(sets)
    }

    fn amount(&mut self, rule: &'a Rule) -> Option<Numbers> {
        let zero = Numbers::point(&Ratio::from_integer(0.into()));
        let mut total = zero.clone();
        for line in &rule.base {
            let counts = line.when.as_ref().map_or(Truth::YES, |when| self.truth(when));
            let mut value = counts.no.then(|| zero.clone());
            if counts.yes {
                let known = line.when.iter().flat_map(|when| self.assume(when, true)).collect();
                let counted = self.knowing(known, |this| this.number(&line.value));
                value = either(value, counted);
            }
            total = total.add(&value?);
        }
        for adjustment in &rule.adjustments {
            total = self.adjusted(&total, adjustment)?;
        }
        for bound in &rule.bounds {
            let applies = bound.when.as_ref().map_or(Truth::YES, |when| self.truth(when));
            let mut result = applies.no.then(|| total.clone());
            if applies.yes {
                let known = bound.when.iter().flat_map(|when| self.assume(when, true)).collect();
                let bounded = self.knowing(known, |this| this.number(&bound.value)).map(|limit| match bound.kind {
                    BoundKind::Cap => total.min(&limit),
                    BoundKind::Floor => total.max(&limit),
                });
                result = either(result, bounded);
            }
            total = result?;
        }
        for Factor { value, .. } in &rule.proratas {
            total = total.multiply(&self.number(value)?);
        }
        Some(total)
    }

    fn adjusted(&mut self, total: &Numbers, adjustment: &Adjustment) -> Option<Numbers> {
        let one = Numbers::point(&Ratio::from_integer(1.into()));
        let outcome = self.quantity(adjustment.quantity);
        let adjusted = outcome.set().map(Set::numbers).map(|value| match adjustment.kind {
            AdjustmentKind::AddAmount => total.add(&value),
            AdjustmentKind::SubtractAmount => total.add(&value.negate()),
            AdjustmentKind::AddRate => total.multiply(&one.add(&value)),
            AdjustmentKind::SubtractRate => total.multiply(&one.add(&value.negate())),
        });
        either(outcome.absent.then(|| total.clone()), adjusted)
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
