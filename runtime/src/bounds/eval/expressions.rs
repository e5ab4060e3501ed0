//! Expressions over sets.

use std::sync::Arc;

use num_traits::{One as _, Zero as _};
use polc_compiler::calendar::{Date, days_between, days_in_year, elapsed};
use polc_compiler::num::{Ratio, integer};
use polc_compiler::typed::{BinaryOp, Bracket, CompareOp, Expr, ExprKind, Presence, Tier};

use super::super::facts::{Fact, Known, mirrored};
use super::super::set::{Numbers, Set, Truth};
use super::calendar::{part_of, whole_numbers};
use super::known::leaf;
use super::{Evaluation, Outcome, either, together};
use crate::interp::Leaf;
use crate::table::RowErrorKind;

impl<'a> Evaluation<'a> {
    pub(super) fn name(&self) -> Arc<str> {
        self.current.map_or_else(|| "".into(), |id| self.rows.program.quantity(id).name.clone())
    }

    /// The values of an expression; `None` where it has none: it ends in an error, or nothing gets there.
    pub(super) fn expr(&mut self, expr: &'a Expr) -> Option<Set> {
        Some(match &expr.kind {
            ExprKind::Constant(value) => Set::point(value),
            ExprKind::Input(id) => {
                let set = self.cell(self.row, *id);
                if set.is_none() {
                    let quantity = self.current.map(|id| self.rows.program.quantity(id).name.clone());
                    self.fault(RowErrorKind::Missing { input: *id, quantity });
                }
                self.known(Leaf::Input(*id), set)?
            }
            ExprKind::Parameter(id) => {
                let parameter = self.rows.program.parameter(*id);
                let Some(value) = parameter.value(self.year()) else {
                    self.fault(RowErrorKind::WithoutObject { quantity: parameter.name.clone() });
                    return None;
                };
                Set::point(value)
            }
            ExprKind::Quantity(id) => {
                let outcome = self.quantity(*id);
                let set = outcome.set();
                if set.is_none() && outcome.absent {
                    let quantity = self.rows.program.quantity(*id).name.clone();
                    self.fault(RowErrorKind::WithoutObject { quantity });
                }
                self.known(Leaf::Quantity(*id), set)?
            }
            ExprKind::QuantityOr { quantity, rules, default } => {
                let Outcome { by_rule, absent } = self.quantity(*quantity);
                let counts = |rank: &usize| rules.as_ref().is_none_or(|rules| rules.contains(rank));
                let other = by_rule.iter().any(|(rank, _)| !counts(rank));
                let sets = by_rule.into_iter().filter(|(rank, _)| counts(rank)).map(|(_, set)| set).collect();
                let value = self.known(Leaf::Quantity(*quantity), together(sets));
                let absent = absent && self.presence(Leaf::Quantity(*quantity)) != Some(true);
                self.or(value, absent || other, default)?
            }
            ExprKind::Met(id) => {
                let (rules, none) = self.applicable(*id);
                let mut met = Truth { no: none, yes: false };
                let program = self.rows.program;
                for rank in rules {
                    let rule = &program.quantity(*id).rules[rank];
                    let known = rule.guard.iter().flat_map(|guard| self.assume(guard, true)).collect();
                    let truth = match &rule.condition {
                        None => Truth::YES,
                        Some(condition) => self.knowing(known, |this| this.truth(condition)),
                    };
                    met = Truth { no: met.no || truth.no, yes: met.yes || truth.yes };
                }
                truth(met)?
            }
            ExprKind::InputOr { input, default } => {
                let set = self.cell(self.row, *input);
                let absent = set.is_none();
                let set = self.known(Leaf::Input(*input), set);
                self.or(set, absent, default)?
            }
            ExprKind::IsSet(presence) => truth(self.is_set(*presence))?,
            ExprKind::PastQuantity { reach, quantity, default } => {
                let outcome = self.past_quantity(*reach, *quantity);
                let leaf = Leaf::PastQuantity(*reach, *quantity);
                let absent = outcome.absent && self.presence(leaf) != Some(true);
                let value = self.known(leaf, outcome.set());
                self.or(value, absent, default)?
            }
            ExprKind::PastInput { reach, input, default } => {
                let value = self.rows.history.past(*reach, self.row).and_then(|row| self.cell(row, *input));
                let absent = value.is_none();
                self.or(value, absent, default)?
            }
            ExprKind::Retained => match self.retained.last().copied() {
                Some((id, rule)) => self.own(id, rule)?,
                None => Set::Booleans(Truth::NO),
            },
            ExprKind::Negate(inner) => Set::Numbers(self.number(inner)?.negate()),
            ExprKind::Not(inner) => truth(self.truth(inner).negate())?,
            ExprKind::Binary { op, left, right } => {
                let (a, b) = (self.number(left), self.number(right));
                Set::Numbers(self.binary(*op, &a?, &b?, right)?)
            }
            ExprKind::Compare { op, left, right } => {
                let (a, b) = (self.expr(left), self.expr(right));
                let (a, b) = (a?, b?);
                self.cut_between(left, &b, *op);
                self.cut_between(right, &a, mirrored(*op));
                truth(a.compare(*op, &b))?
            }
            ExprKind::And(items) => truth(self.all(items, true))?,
            ExprKind::Or(items) => truth(self.all(items, false).negate())?,
            ExprKind::OneOf { subject, cases } => match self.expr(subject)? {
                Set::Cases(known) => {
                    let yes = known.iter().any(|case| cases.contains(case));
                    truth(Truth { yes, no: known.iter().any(|case| !cases.contains(case)) })?
                }
                _ => Set::Booleans(Truth::NO),
            },
            ExprKind::If { condition, then, otherwise } => {
                let which = self.truth(condition);
                let mut sets = Vec::new();
                for (possible, holds, branch) in [(which.yes, true, then), (which.no, false, otherwise)] {
                    if possible {
                        let known = if which.yes && which.no { self.assume(condition, holds) } else { Vec::new() };
                        sets.extend(self.knowing(known, |this| this.expr(branch)));
                    }
                }
                together(sets)?
            }
            ExprKind::Extremum { largest, items } => {
                let sets: Vec<Option<Set>> = items.iter().map(|item| self.expr(item)).collect();
                let sets = sets.into_iter().collect::<Option<Vec<Set>>>()?;
                for (rank, item) in items.iter().enumerate() {
                    for set in sets.iter().enumerate().filter(|(other, _)| *other != rank).map(|(_, set)| set) {
                        self.cut_between(item, set, CompareOp::GreaterOrEqual);
                    }
                }
                let mut sets = sets.into_iter();
                let first = sets.next().unwrap_or(Set::Booleans(Truth::NO));
                sets.fold(first, |best, set| best.extremum(&set, *largest))
            }
            ExprKind::AtLeast { count, conditions } => {
                let (must, may) = self.count(conditions)?;
                let wanted = i64::from(*count);
                truth(Truth { yes: may >= wanted, no: must < wanted })?
            }
            ExprKind::CountTrue(conditions) => {
                let (must, may) = self.count(conditions)?;
                Set::Numbers(Numbers::new(integer(must), integer(may), Some(Ratio::one())))
            }
            ExprKind::Brackets { subject, rows } => self.brackets(subject, rows)?,
            ExprKind::Tiers { subject, rows } => Set::Numbers(self.tiers(subject, rows)?),
            ExprKind::DatePart { part, date } => {
                let (low, high) = self.dates(date)?;
                Set::Numbers(part_of(*part, low, high))
            }
            ExprKind::DateOf { day, month, year } => {
                let years = self.whole(year)?;
                self.date_of(years, *month, *day)?
            }
            ExprKind::AddToDate { date, count, unit, subtract } => {
                let (dates, counts) = (self.dates(date), self.whole(count));
                let ((first, last), (low, high)) = (dates?, counts?);
                let (low, high) = if *subtract { (-high, -low) } else { (low, high) };
                self.moved(first, last, (low, high), *unit)?
            }
            ExprKind::DaysBetween { from, to, exclusive } => {
                let (a, b) = (self.dates(from), self.dates(to));
                let ((a, b), (c, d)) = (a?, b?);
                let days = |from: Date, to: Date| (days_between(from, to) - i64::from(*exclusive)).max(0);
                whole_numbers(days(b, c), days(a, d))
            }
            ExprKind::Elapsed { from, to, unit } => {
                let (a, b) = (self.dates(from), self.dates(to));
                let ((a, b), (c, d)) = (a?, b?);
                whole_numbers(elapsed(b, c, *unit), elapsed(a, d, *unit))
            }
            ExprKind::DaysOfYear(year) => {
                let (low, high) = self.whole(year)?;
                if low == high { whole_numbers(days_in_year(low), days_in_year(low)) } else { whole_numbers(365, 366) }
            }
            ExprKind::Round { value, decimals, mode } => Set::Numbers(self.number(value)?.round(*decimals, *mode)),
        })
    }

    /// A value, and the default where there may be none.
    fn or(&mut self, value: Option<Set>, absent: bool, default: &'a Expr) -> Option<Set> {
        let default = if absent { self.expr(default) } else { None };
        together(value.into_iter().chain(default).collect())
    }

    fn is_set(&mut self, presence: Presence) -> Truth {
        let of = |outcome: &Outcome| Truth { yes: !outcome.by_rule.is_empty(), no: outcome.absent };
        let (leaf, truth) = match presence {
            Presence::Input(id) => (Leaf::Input(id), Truth::of(self.cell(self.row, id).is_some())),
            Presence::Quantity(id) => (Leaf::Quantity(id), of(&self.quantity(id))),
            Presence::PastInput(reach, id) => {
                let cell = self.rows.history.past(reach, self.row).and_then(|row| self.cell(row, id));
                (Leaf::PastInput(reach, id), Truth::of(cell.is_some()))
            }
            Presence::PastQuantity(reach, id) => (Leaf::PastQuantity(reach, id), of(&self.past_quantity(reach, id))),
        };
        match self.presence(leaf) {
            Some(present) => Truth { yes: truth.yes && present, no: truth.no && !present },
            None => truth,
        }
    }

    /// Whether conditions, read in order up to the first that decides, are all `wanted`; the facts of each help those after.
    fn all(&mut self, items: &'a [Expr], wanted: bool) -> Truth {
        let before = self.facts.len();
        let mut result = Truth::NEVER;
        for item in items {
            let item_truth = self.truth(item);
            let (goes_on, stops) =
                if wanted { (item_truth.yes, item_truth.no) } else { (item_truth.no, item_truth.yes) };
            result.no |= stops;
            if !goes_on {
                self.facts.truncate(before);
                return result;
            }
            if stops {
                let known = self.assume(item, wanted);
                self.facts.extend(known);
            }
        }
        self.facts.truncate(before);
        result.yes = true;
        result
    }

    /// How many conditions hold at least and at most.
    fn count(&mut self, conditions: &'a [Expr]) -> Option<(i64, i64)> {
        let (mut must, mut may, mut dead) = (0, 0, false);
        for condition in conditions {
            let truth = self.truth(condition);
            dead |= truth == Truth::NEVER;
            must += i64::from(!truth.no);
            may += i64::from(truth.yes);
        }
        (!dead).then_some((must, may))
    }

    fn binary(&mut self, op: BinaryOp, a: &Numbers, b: &Numbers, divisor: &'a Expr) -> Option<Numbers> {
        match op {
            BinaryOp::Add => Some(a.add(b)),
            BinaryOp::Subtract => Some(a.add(&b.negate())),
            BinaryOp::Multiply => Some(a.multiply(b)),
            BinaryOp::Divide => {
                let (quotient, by_zero) = a.divide(b);
                if by_zero {
                    let quantity = self.name();
                    self.fault(RowErrorKind::DivisionByZero { quantity });
                    self.cut_between(divisor, &Set::zero(), CompareOp::Equal);
                }
                quotient
            }
        }
    }

    fn brackets(&mut self, subject: &'a Expr, rows: &'a [Bracket]) -> Option<Set> {
        let value = self.number(subject)?;
        let mut sets = Vec::new();
        for row in rows {
            for end in row.from.iter().chain(&row.to) {
                self.cut_between(subject, &Set::Numbers(Numbers::point(end)), CompareOp::GreaterOrEqual);
            }
            let mut inside = Some(value.clone());
            if let Some(from) = &row.from {
                inside = inside.and_then(|numbers| numbers.from(from, true));
            }
            if let Some(to) = &row.to {
                inside = inside.and_then(|numbers| numbers.to(to, false));
            }
            if inside.is_none() {
                continue;
            }
            let known = leaf(subject).map_or_else(Vec::new, |leaf| {
                let from = row.from.iter().map(|from| Known::From(from.clone(), true));
                let to = row.to.iter().map(|to| Known::To(to.clone(), false));
                from.chain(to).map(|known| Fact { leaf, known }).collect()
            });
            sets.extend(self.knowing(known, |this| this.expr(&row.value)));
        }
        if sets.is_empty() && !rows.is_empty() {
            return None;
        }
        together(sets)
    }

    /// A scale is a broken line: its ends are those of the subject or at the breaks in between.
    fn tiers(&mut self, subject: &'a Expr, rows: &'a [Tier]) -> Option<Numbers> {
        let value = self.number(subject)?;
        for row in rows {
            let from = Set::Numbers(Numbers::point(&row.from));
            self.cut_between(subject, &from, CompareOp::GreaterOrEqual);
        }
        let (Some(low), Some(high)) = (&value.range.low, &value.range.high) else {
            // The rates are read all the same.
            for row in rows {
                self.number(&row.rate)?;
            }
            return Some(Numbers::all());
        };
        let mut rates = Vec::new();
        for row in rows {
            // Those not reached at the lowest are read only if the subject goes further.
            rates.push(if *high > row.from { Some(self.number(&row.rate)) } else { None });
        }
        let breaks = rows.iter().flat_map(|row| std::iter::once(&row.from).chain(&row.to));
        let inside = breaks.filter(|at| low < *at && *at < high);
        let mut result: Option<Numbers> = None;
        for at in inside.chain([low, high]) {
            let mut total = Some(Numbers::point(&Ratio::zero()));
            for (row, rate) in rows.iter().zip(&rates) {
                let top = row.to.as_ref().map_or(at, |to| to.min(at));
                if *top > row.from {
                    let part = Numbers::point(&(top - &row.from));
                    let rate = rate.as_ref().and_then(Option::as_ref);
                    total = total.zip(rate).map(|(total, rate)| total.add(&rate.multiply(&part)));
                }
            }
            result = either(result, total);
        }
        // Between the breaks, the line takes any value.
        result.map(|result| Numbers { step: if low == high { result.step } else { None }, ..result })
    }
}

fn truth(truth: Truth) -> Option<Set> {
    (truth != Truth::NEVER).then_some(Set::Booleans(truth))
}
