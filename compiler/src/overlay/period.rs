//! Years of declarations: reading them, cutting them, and merging dated series.

use polc_dsl::ast::{Clause, ClauseKind as K, DateBound, Expr, Item, Period};
use polc_dsl::diagnostic::Diagnostic;
use polc_dsl::{Span, Spanned};

use crate::diagnostics as say;
use crate::typed::Years;

/// The year from which a change takes effect.
pub fn first_year(bound: &DateBound) -> Result<i64, Diagnostic> {
    match bound {
        DateBound::Year(year) => Ok(i64::from(year.node)),
        DateBound::Date(date) if (date.node.month, date.node.day) == (1, 1) => Ok(i64::from(date.node.year)),
        DateBound::Date(date) => Err(say::mid_year(date.span, "une période commence un 1er janvier")),
    }
}

/// The year up to which a provision runs.
pub fn last_year(bound: &DateBound) -> Result<i64, Diagnostic> {
    match bound {
        DateBound::Year(year) => Ok(i64::from(year.node)),
        DateBound::Date(date) if (date.node.month, date.node.day) == (12, 31) => Ok(i64::from(date.node.year)),
        DateBound::Date(date) => Err(say::mid_year(date.span, "une période finit un 31 décembre")),
    }
}

/// The years of a period. A bound inside a year, which `resolve` refuses, counts as its year.
fn years_of(period: &Period) -> Years {
    let year = |bound: &DateBound| match bound {
        DateBound::Year(year) => i64::from(year.node),
        DateBound::Date(date) => i64::from(date.node.year),
    };
    Years {
        first: period.from.as_ref().map_or(Years::ALWAYS.first, year),
        last: period.to.as_ref().map_or(Years::ALWAYS.last, year),
    }
}

/// The years in which a provision applies.
pub fn in_force(item: &Item) -> Years {
    let period = item.clauses.iter().find_map(|clause| match &clause.kind {
        K::InForce(period) => Some(period),
        _ => None,
    });
    period.map_or(Years::ALWAYS, years_of)
}

/// The same provision in other years.
pub fn with_years(item: &Item, years: Years, span: Span) -> Item {
    let mut item = item.clone();
    item.clauses.retain(|clause| !matches!(clause.kind, K::InForce(_)));
    if years != Years::ALWAYS {
        item.clauses.push(Clause { kind: K::InForce(period(years, span)), span });
    }
    item
}

fn period(years: Years, span: Span) -> Period {
    let bound = |year: i64| u32::try_from(year).ok().map(|node| DateBound::Year(Spanned { node, span }));
    Period {
        from: bound(years.first).filter(|_| years.first > Years::ALWAYS.first),
        to: bound(years.last).filter(|_| years.last < Years::ALWAYS.last),
        span,
    }
}

/// The years of the first that are not of the second.
pub fn without(years: Years, removed: Years) -> Vec<Years> {
    if years.overlap(removed).is_none() {
        return vec![years];
    }
    let before = Years { first: years.first, last: removed.first.saturating_sub(1) };
    let after = Years { first: removed.last.saturating_add(1), last: years.last };
    let ends = [(removed.first > Years::ALWAYS.first, before), (removed.last < Years::ALWAYS.last, after)];
    ends.into_iter().filter(|(exists, part)| *exists && part.first <= part.last).map(|(_, part)| part).collect()
}

/// A value of a dated series, and where it was written.
#[derive(Clone, Debug)]
pub struct Step {
    pub years: Years,
    pub value: Expr,
    pub span: Span,
}

/// The values of a parameter, in order. « depuis » runs until the next value.
pub fn series(item: &Item) -> Vec<Step> {
    let mut steps: Vec<(Step, bool)> = Vec::new();
    for clause in &item.clauses {
        let (years, value, closed) = match &clause.kind {
            K::Value { value, .. } => (Years::ALWAYS, value, true),
            K::DatedValue { period, value } => (years_of(period), value, period.to.is_some()),
            _ => continue,
        };
        steps.push((Step { years, value: value.clone(), span: clause.span }, closed));
    }
    steps.sort_by_key(|(step, _)| step.years.first);
    for index in 1..steps.len() {
        let next = steps[index].0.years.first;
        let (step, closed) = &mut steps[index - 1];
        if !*closed && step.years.first < next {
            step.years.last = next - 1;
        }
    }
    steps.into_iter().map(|(step, _)| step).collect()
}

/// The same parameter with another series.
pub fn with_series(item: &Item, steps: &[Step]) -> Item {
    let mut item = item.clone();
    item.clauses.retain(|clause| !matches!(clause.kind, K::Value { .. } | K::DatedValue { .. }));
    for step in steps {
        let value = step.value.clone();
        let kind = if step.years == Years::ALWAYS {
            K::Value { value, citations: Vec::new() }
        } else {
            K::DatedValue { period: period(step.years, step.span), value }
        };
        item.clauses.push(Clause { kind, span: step.span });
    }
    item
}

/// A series without some years.
pub fn cut(steps: &[Step], removed: Years) -> Vec<Step> {
    let parts = |step: &Step| {
        let parts = without(step.years, removed).into_iter();
        parts.map(|years| Step { years, ..step.clone() }).collect::<Vec<_>>()
    };
    steps.iter().flat_map(parts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn years(first: i64, last: i64) -> Years {
        Years { first, last }
    }

    #[test]
    fn what_is_left_of_years() {
        let forever = Years::ALWAYS;
        let (min, max) = (forever.first, forever.last);
        assert_eq!(without(forever, forever), []);
        assert_eq!(without(forever, years(2024, max)), [years(min, 2023)]);
        assert_eq!(without(forever, years(2020, 2021)), [years(min, 2019), years(2022, max)]);
        assert_eq!(without(years(2018, 2021), years(2022, max)), [years(2018, 2021)]);
        assert_eq!(without(years(2018, 2021), years(2018, 2021)), []);
        assert_eq!(without(years(2018, 2021), years(min, 2019)), [years(2020, 2021)]);
    }
}
