//! Brackets and tiers: bounds in order, no hole, no overlap, over what the subject can be.

use num_traits::Zero as _;
use polc_dsl::ast;

use super::{Checker, Context};
use crate::diagnostics as say;
use crate::num::{Interval, Ratio, format_french};
use crate::typed::{BinaryOp, Expr, ExprKind, Program, Type, Value};

/// `from`, `to` and the rank of the row it comes from.
type Range = (Option<Ratio>, Option<Ratio>, usize);

impl Checker<'_, '_> {
    /// Types the quantities that the range of an expression depends on.
    pub(super) fn build_ranges(&mut self, expr: &Expr) {
        let mut visited = Vec::new();
        let mut pending = vec![expr.clone()];
        while let Some(expr) = pending.pop() {
            let mut found = Vec::new();
            expr.walk(&mut |e| match e.kind {
                ExprKind::Quantity(id) | ExprKind::QuantityOr { quantity: id, .. } => found.push(id),
                _ => {}
            });
            for id in found {
                if !visited.contains(&id) {
                    visited.push(id);
                    self.quantity(id);
                    pending.extend(self.program.quantity(id).expressions().cloned());
                }
            }
        }
    }

    fn bound(&mut self, written: Option<&ast::Expr>, ty: &Type) -> Option<Ratio> {
        match self.constant_of(written?, ty, &Context::default(), "borne")? {
            Value::Number(value) => Some(value),
            _ => None,
        }
    }

    /// The rows of a bracket table as ranges that cover the line; « sinon » fills what the others leave.
    pub(super) fn bracket_ranges(&mut self, subject: &Expr, rows: &[ast::Bracket]) -> Vec<Range> {
        let mut ranges: Vec<Range> = Vec::new();
        for (rank, row) in rows.iter().enumerate().filter(|(_, row)| !row.otherwise) {
            let from = self.bound(row.from.as_ref(), &subject.ty);
            let to = self.bound(row.to.as_ref(), &subject.ty);
            if from.as_ref().zip(to.as_ref()).is_some_and(|(a, b)| a >= b) {
                self.report(say::bad_operation(
                    row.span,
                    "ce palier est vide : sa borne basse n'est pas inférieure à sa borne haute",
                ));
                continue;
            }
            let clash = ranges.iter().find(|(low, high, _)| {
                to.as_ref().is_none_or(|to| low.as_ref().is_none_or(|low| low < to))
                    && high.as_ref().is_none_or(|high| from.as_ref().is_none_or(|from| from < high))
            });
            if let Some((.., other)) = clash {
                let problem = say::overlap(row.span, rows[*other].span);
                self.report(problem);
                continue;
            }
            ranges.push((from, to, rank));
        }
        ranges.sort_by(|a, b| match (&a.0, &b.0) {
            (None, None) => std::cmp::Ordering::Equal,
            (None, _) => std::cmp::Ordering::Less,
            (_, None) => std::cmp::Ordering::Greater,
            (Some(x), Some(y)) => x.cmp(y),
        });
        let fallback = rows.iter().position(|row| row.otherwise);
        let possible = range_of(subject, &self.program);
        let mut complete: Vec<Range> = Vec::new();
        // Where the rows so far end; the first starts at the least value that the subject can take.
        let mut reached: Option<Ratio> = None;
        let mut open_start = true;
        for range in ranges {
            let hole = match (&reached, &range.0) {
                (_, None) => false,
                (Some(end), Some(from)) => end < from,
                (None, Some(from)) => open_start && possible.low.as_ref().is_none_or(|low| low < from),
            };
            if hole {
                self.fill(&mut complete, reached.clone(), range.0.clone(), fallback, (subject, rows), &possible);
            }
            open_start = false;
            reached.clone_from(&range.1);
            let ends = range.1.is_none();
            complete.push(range);
            if ends {
                return complete;
            }
        }
        let beyond = match &reached {
            Some(end) => possible.high.as_ref().is_none_or(|high| high >= end),
            None => true,
        };
        if beyond {
            self.fill(&mut complete, reached, None, fallback, (subject, rows), &possible);
        }
        complete
    }

    fn fill(
        &mut self,
        complete: &mut Vec<Range>,
        from: Option<Ratio>,
        to: Option<Ratio>,
        fallback: Option<usize>,
        (subject, rows): (&Expr, &[ast::Bracket]),
        possible: &Interval,
    ) {
        if let Some(row) = fallback {
            complete.push((from, to, row));
            return;
        }
        let from = from.or_else(|| possible.low.clone());
        let show = |value: &Ratio| format_french(value, 0);
        let hole = match (&from, &to) {
            (Some(from), Some(to)) => format!("de {} à moins de {}", show(from), show(to)),
            (Some(from), None) => format!("à partir de {}", show(from)),
            (None, Some(to)) => format!("en dessous de {}", show(to)),
            (None, None) => "de toutes les valeurs".to_owned(),
        };
        let span = rows.first().map_or(subject.span, |row| row.span);
        self.report(say::gap(span, subject.span, &hole));
    }

    /// The tiers as ranges from zero up.
    pub(super) fn tier_ranges(&mut self, subject: &Expr, rows: &[ast::Tier]) -> Vec<(Ratio, Option<Ratio>)> {
        let mut ranges: Vec<(Ratio, Option<Ratio>)> = Vec::new();
        let mut from = Ratio::zero();
        for (rank, row) in rows.iter().enumerate() {
            let to = self.bound(row.up_to.as_ref(), &subject.ty);
            if row.up_to.is_none() && rank + 1 < rows.len() {
                self.report(say::overlap(rows[rank + 1].span, row.span));
            }
            if to.as_ref().is_some_and(|to| *to <= from) {
                let other = rows[rank.saturating_sub(1)].span;
                self.report(say::overlap(row.span, other));
            }
            ranges.push((from.clone(), to.clone()));
            if let Some(to) = to {
                from = to;
            }
        }
        let possible = range_of(subject, &self.program);
        let closed = rows.last().is_some_and(|row| row.up_to.is_some());
        if closed && possible.high.as_ref().is_none_or(|high| *high > from) {
            let span = rows.last().map_or(subject.span, |row| row.span);
            self.report(say::gap(span, subject.span, &format!("au-delà de {}", format_french(&from, 0))));
        }
        if possible.low.as_ref().is_none_or(|low| *low < Ratio::zero()) {
            let span = rows.first().map_or(subject.span, |row| row.span);
            self.report(say::gap(span, subject.span, "en dessous de zéro"));
        }
        ranges
    }
}

/// Values that an expression can take, from the declared ranges of what it reads.
pub(super) fn range_of(expr: &Expr, program: &Program) -> Interval {
    range(expr, program, &mut Vec::new())
}

fn range(expr: &Expr, program: &Program, reading: &mut Vec<u32>) -> Interval {
    match &expr.kind {
        ExprKind::Constant(Value::Number(value)) => Interval::point(value),
        ExprKind::Input(id) => program
            .input(*id)
            .range
            .as_ref()
            .map_or(Interval::ALL, |(low, high)| Interval::new(low.clone(), high.clone())),
        ExprKind::Parameter(id) => program
            .parameter(*id)
            .values
            .iter()
            .filter_map(|(_, value)| match value {
                Value::Number(value) => Some(Interval::point(value)),
                _ => None,
            })
            .reduce(|a, b| a.hull(&b))
            .unwrap_or(Interval::ALL),
        ExprKind::Quantity(id) => quantity_range(*id, program, reading),
        ExprKind::QuantityOr { quantity, default, .. } => {
            quantity_range(*quantity, program, reading).hull(&range(default, program, reading))
        }
        ExprKind::Negate(inner) => range(inner, program, reading).negate(),
        ExprKind::Binary { op, left, right } => {
            let (a, b) = (range(left, program, reading), range(right, program, reading));
            match op {
                BinaryOp::Add => a.add(&b),
                BinaryOp::Subtract => a.add(&b.negate()),
                BinaryOp::Multiply => a.multiply(&b),
                BinaryOp::Divide => a.divide(&b),
            }
        }
        ExprKind::If { then, otherwise, .. } => range(then, program, reading).hull(&range(otherwise, program, reading)),
        ExprKind::Extremum { largest, items } => items
            .iter()
            .map(|item| range(item, program, reading))
            .reduce(|a, b| if *largest { a.max(&b) } else { a.min(&b) })
            .unwrap_or(Interval::ALL),
        ExprKind::DaysBetween { .. } | ExprKind::DaysOfYear(_) => Interval { low: Some(Ratio::zero()), high: None },
        _ => Interval::ALL,
    }
}

/// The hull of the rules already typed, without adjustments; unbounded where there are some, or in a circle.
fn quantity_range(id: crate::typed::QuantityId, program: &Program, reading: &mut Vec<u32>) -> Interval {
    let quantity = program.quantity(id);
    if reading.contains(&id.0) || quantity.rules.is_empty() {
        return Interval::ALL;
    }
    reading.push(id.0);
    let mut result: Option<Interval> = None;
    for rule in &quantity.rules {
        let simple = rule.adjustments.is_empty() && rule.bounds.is_empty() && rule.proratas.is_empty();
        let mut own = rule
            .base
            .iter()
            .map(|line| range(&line.value, program, reading))
            .reduce(|a, b| a.add(&b))
            .filter(|_| simple && rule.base.iter().all(|line| line.when.is_none()))
            .unwrap_or(Interval::ALL);
        if rule.condition.is_some() {
            own = own.hull(&Interval::point(&Ratio::zero()));
        }
        for replacement in &rule.replacements {
            own = own.hull(&range(&replacement.value, program, reading));
        }
        result = Some(result.map_or(own.clone(), |known| known.hull(&own)));
    }
    for derogation in &quantity.derogations {
        let own = range(&derogation.value, program, reading);
        result = result.map(|known| known.hull(&own));
    }
    reading.pop();
    result.unwrap_or(Interval::ALL)
}
