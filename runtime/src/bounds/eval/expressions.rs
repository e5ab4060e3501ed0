//! Expressions over sets, and what a condition tells where it was taken.

use std::collections::BTreeSet;
use std::sync::Arc;

use num_traits::{One as _, Signed as _, ToPrimitive as _, Zero as _};
use polc_compiler::calendar::{CalendarUnit, Date, FIRST_DAY, LAST_DAY, days_between, days_in_year, elapsed};
use polc_compiler::num::{Interval, Ratio, integer};
use polc_compiler::typed::{BinaryOp, Bracket, CompareOp, DatePart, Expr, ExprKind, Presence, Tier, Type};

use super::super::cells::cut_at;
use super::super::facts::{Fact, Known, mirrored, opposite};
use super::super::set::{Numbers, Set, Truth};
use super::{Evaluation, Outcome, together};
use crate::interp::Leaf;
use crate::table::RowErrorKind;

impl<'a> Evaluation<'a> {
    fn name(&self) -> Arc<str> {
        self.current.map_or_else(|| "".into(), |id| self.rows.program.quantity(id).name.clone())
    }

    fn bad_date(&mut self) {
        let quantity = self.name();
        self.fault(RowErrorKind::BadDate { quantity });
    }

    /// What the facts leave of something read.
    fn known(&self, leaf: Leaf, set: Option<Set>) -> Option<Set> {
        self.facts.iter().filter(|fact| fact.leaf == leaf).try_fold(set?, |set, fact| fact.known.keep(set))
    }

    /// Whether facts say that something is there, or is not.
    fn presence(&self, leaf: Leaf) -> Option<bool> {
        self.facts.iter().find_map(|fact| match fact.known {
            Known::Present(present) if fact.leaf == leaf => Some(present),
            _ => None,
        })
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
            result = super::either(result, total);
        }
        // Between the breaks, the line takes any value.
        result.map(|result| Numbers { step: if low == high { result.step } else { None }, ..result })
    }

    fn dates(&mut self, expr: &'a Expr) -> Option<(Date, Date)> {
        match self.expr(expr)? {
            Set::Dates(low, high) => Date::from_days(low.into()).zip(Date::from_days(high.into())),
            _ => {
                self.bad_date();
                None
            }
        }
    }

    /// Whole values, those of 64 bits; an error where some are not.
    fn whole(&mut self, expr: &'a Expr) -> Option<(i64, i64)> {
        let numbers = self.number(expr)?;
        let sure = numbers.step.as_ref().is_some_and(|step| step.is_integer())
            || numbers.single().is_some_and(Ratio::is_integer);
        let end = |end: Option<Ratio>, out: i64| match end {
            None => (out, true),
            Some(end) => match end.to_integer().to_i64() {
                Some(end) => (end, false),
                None if end.is_negative() => (i64::MIN / 2, true),
                None => (i64::MAX / 2, true),
            },
        };
        let (low, low_out) = end(numbers.range.low.map(|low| low.ceil()), i64::MIN / 2);
        let (high, high_out) = end(numbers.range.high.map(|high| high.floor()), i64::MAX / 2);
        if !sure || low_out || high_out {
            self.bad_date();
        }
        (low <= high).then_some((low, high))
    }

    fn date_of(&mut self, (first, last): (i64, i64), month: u32, day: u32) -> Option<Set> {
        let (low, high) = (first.max(1), last.min(9_999));
        // At most eight years part two 29 February.
        let lowest = (low..=high).take(9).find_map(|year| Date::new(year, month, day));
        let highest = (low..=high).rev().take(9).find_map(|year| Date::new(year, month, day));
        let everywhere =
            low == first && high == last && (first == last || day < 29 || Date::new(1999, month, day).is_some());
        if !everywhere || lowest.is_none() {
            self.bad_date();
        }
        Some(Set::Dates(lowest?.days(), highest?.days()))
    }

    /// Dates moved by a count of units: both move the ends the same way.
    fn moved(&mut self, first: Date, last: Date, (low, high): (i64, i64), unit: CalendarUnit) -> Option<Set> {
        let start = match first.add(low, unit) {
            Some(date) => Some(date.days()),
            None => {
                self.bad_date();
                (low < 0).then_some(FIRST_DAY)
            }
        };
        let end = match last.add(high, unit) {
            Some(date) => Some(date.days()),
            None => {
                self.bad_date();
                (high > 0).then_some(LAST_DAY)
            }
        };
        Some(Set::Dates(start?, end?))
    }

    /// Notes where a missing cell meets a threshold.
    fn cut_between(&mut self, expr: &'a Expr, other: &Set, op: CompareOp) {
        let (id, year_of) = match &expr.kind {
            ExprKind::Input(id) => (*id, false),
            ExprKind::DatePart { part: DatePart::Year, date } => match date.kind {
                ExprKind::Input(id) => (id, true),
                _ => return,
            },
            _ => return,
        };
        if !self.cells.contains_key(&(self.row, id)) {
            return;
        }
        let input = self.rows.program.input(id);
        let threshold = match other {
            Set::Numbers(numbers) => match numbers.single() {
                Some(number) if !year_of => number.clone(),
                Some(year) => match year.to_integer().to_i64().and_then(|year| {
                    let after = matches!(op, CompareOp::LessOrEqual | CompareOp::Greater);
                    Date::new(year + i64::from(after), 1, 1)
                }) {
                    Some(date) => integer(date.days().into()),
                    None => return,
                },
                None => return,
            },
            other => match other.single_date() {
                Some(date) => integer(date.days().into()),
                None => return,
            },
        };
        let (before, after) = match op {
            _ if year_of => (true, false),
            CompareOp::Equal | CompareOp::NotEqual => (true, true),
            CompareOp::Less | CompareOp::GreaterOrEqual => (true, false),
            CompareOp::LessOrEqual | CompareOp::Greater => (false, true),
        };
        let cuts = [(before, false), (after, true)].into_iter().filter(|(wanted, _)| *wanted);
        let cuts: BTreeSet<i64> = cuts.filter_map(|(_, after)| cut_at(input, &threshold, after)).collect();
        self.cuts.entry((self.row, id)).or_default().extend(cuts);
    }

    /// What is known where a condition was found to hold, or not to.
    pub(super) fn assume(&mut self, condition: &'a Expr, holds: bool) -> Vec<Fact> {
        let fact = |leaf: Leaf, known: Known| vec![Fact { leaf, known }];
        match &condition.kind {
            ExprKind::Not(inner) => self.assume(inner, !holds),
            ExprKind::And(items) if holds => items.iter().flat_map(|item| self.assume(item, true)).collect(),
            ExprKind::Or(items) if !holds => items.iter().flat_map(|item| self.assume(item, false)).collect(),
            ExprKind::Compare { op, left, right } => {
                let op = if holds { *op } else { opposite(*op) };
                let mut facts = Vec::new();
                for (side, other, op) in [(left, right, op), (right, left, mirrored(op))] {
                    if let Some(leaf) = leaf(side)
                        && let Some(other) = self.quietly(|this| this.expr(other))
                    {
                        facts.extend(Known::of_comparison(op, &other).into_iter().map(|known| Fact { leaf, known }));
                    }
                }
                facts
            }
            ExprKind::OneOf { subject, cases } => leaf(subject).map_or_else(Vec::new, |leaf| {
                let cases: BTreeSet<u32> = cases.iter().copied().collect();
                fact(leaf, if holds { Known::Among(cases) } else { Known::Except(cases) })
            }),
            ExprKind::IsSet(presence) => {
                let leaf = match *presence {
                    Presence::Input(id) => Leaf::Input(id),
                    Presence::Quantity(id) => Leaf::Quantity(id),
                    Presence::PastInput(reach, id) => Leaf::PastInput(reach, id),
                    Presence::PastQuantity(reach, id) => Leaf::PastQuantity(reach, id),
                };
                fact(leaf, Known::Present(holds))
            }
            _ if condition.ty == Type::Boolean => {
                leaf(condition).map_or_else(Vec::new, |leaf| fact(leaf, Known::Is(holds)))
            }
            _ => Vec::new(),
        }
    }
}

/// What a fact may be about: something that is read as it is.
fn leaf(expr: &Expr) -> Option<Leaf> {
    match expr.kind {
        ExprKind::Input(id) => Some(Leaf::Input(id)),
        ExprKind::Quantity(id) => Some(Leaf::Quantity(id)),
        _ => None,
    }
}

fn truth(truth: Truth) -> Option<Set> {
    (truth != Truth::NEVER).then_some(Set::Booleans(truth))
}

fn whole_numbers(low: i64, high: i64) -> Set {
    if low == high {
        return Set::Numbers(Numbers::point(&integer(low)));
    }
    Set::Numbers(Numbers::new(integer(low), integer(high), Some(Ratio::one())))
}

fn part_of(part: DatePart, low: Date, high: Date) -> Numbers {
    let of = |date: Date| match part {
        DatePart::Year => date.year(),
        DatePart::Month => date.month(),
        DatePart::Quarter => (date.month() + 2) / 3,
    };
    let (first, last) = match part {
        DatePart::Month if low.year() != high.year() => (1, 12),
        DatePart::Quarter if low.year() != high.year() => (1, 4),
        _ => (of(low), of(high)),
    };
    Numbers { range: Interval::new(integer(first), integer(last)), step: Some(Ratio::one()) }
}
