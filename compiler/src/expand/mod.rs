//! What stands for other declarations is replaced by them: rows of tables and templates, schedules, exclusions, aggregates.
//! A pass on syntax trees, before names are resolved: what it makes is checked like what was written.

mod aggregates;
mod exclusions;
mod schedules;
mod tables;

use std::collections::BTreeSet;
use std::sync::Arc;

use polc_dsl::ast::{
    BinaryOp, Cases, Citation, CitationKind, Clause, ClauseKind as K, Expr, ExprKind as E, File, Item, ItemKind, Name,
    Number,
};
use polc_dsl::diagnostic::Diagnostic;
use polc_dsl::{SourceMap, Span, Spanned};

pub use aggregates::value_name;

use crate::diagnostics as say;

/// Rewrites the files of a policy.
pub fn expand(sources: &SourceMap, files: &mut [File]) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    tables::expand(sources, files, &mut diagnostics);
    let known = Known::of(files);
    for file in files {
        let mut items = Vec::with_capacity(file.items.len());
        for item in std::mem::take(&mut file.items) {
            match item.kind {
                ItemKind::Schedule => schedules::expand(item, &known, &mut items, &mut diagnostics),
                ItemKind::Exclusion => exclusions::expand(item, &known, &mut items, &mut diagnostics),
                ItemKind::Aggregate => aggregates::expand(item, &known, &mut items),
                ItemKind::Control if item.clauses.iter().any(|c| matches!(c.kind, K::WholeData(_))) => {
                    aggregates::control(item, &known, &mut items, &mut diagnostics);
                }
                _ => items.push(item),
            }
        }
        file.items = items;
    }
    diagnostics
}

/// Where templates are written.
pub fn templates(files: &[File]) -> Vec<Span> {
    let items = || files.iter().flat_map(|file| &file.items);
    let whole = items().filter(|item| item.clauses.iter().any(|c| matches!(c.kind, K::ForEach { .. })));
    let clauses = items()
        .flat_map(|item| &item.clauses)
        .filter(|c| matches!(c.kind, K::Replaces { each: Some(_), .. }))
        .map(|c| c.span);
    whole.map(|item| item.span).chain(clauses).collect()
}

/// What the other declarations are, by name.
struct Known {
    /// The input that says the year.
    exercise: Arc<str>,
    optional_inputs: BTreeSet<Arc<str>>,
    quantities: BTreeSet<Arc<str>>,
}

impl Known {
    fn of(files: &[File]) -> Self {
        let mut known = Self { exercise: "".into(), optional_inputs: BTreeSet::new(), quantities: BTreeSet::new() };
        for item in files.iter().flat_map(|file| &file.items) {
            for clause in &item.clauses {
                match &clause.kind {
                    K::Exercise(name) => known.exercise = name.node.clone(),
                    K::Prerequisite { name, .. }
                    | K::NamedCondition { name, .. }
                    | K::DayCount { name, .. }
                    | K::BlockTotal { name, .. }
                    | K::ScheduleTotal { name, .. }
                    | K::Due { name, .. }
                    | K::Recovery { name, .. } => {
                        known.quantities.insert(name.node.clone());
                    }
                    K::BlockPrerequisites { met, count, .. } => {
                        known.quantities.extend([met.node.clone(), count.node.clone()]);
                    }
                    _ => {}
                }
            }
            let Some(name) = &item.name else { continue };
            match &item.kind {
                ItemKind::Input(ty) if ty.optional => {
                    known.optional_inputs.insert(name.node.clone());
                }
                ItemKind::Definition { .. }
                | ItemKind::Criterion
                | ItemKind::Minoration
                | ItemKind::Majoration
                | ItemKind::Proration
                | ItemKind::Payment
                | ItemKind::Aggregate => {
                    known.quantities.insert(name.node.clone());
                }
                _ => {}
            }
        }
        known
    }

    /// That the optional inputs, and the quantities if asked, that an expression reads by their bare names are there.
    fn presence(&self, expr: &Expr, quantities: bool) -> Option<Expr> {
        let mut names: Vec<Arc<str>> = Vec::new();
        bare_names(expr, &mut |name| {
            let may_lack = self.optional_inputs.contains(name) || quantities && self.quantities.contains(name);
            if may_lack && !names.contains(name) {
                names.push(name.clone());
            }
        });
        let set = |name: Arc<str>| E::IsSet(Box::new(at(expr.span, E::Name(name))));
        conjunction(names.into_iter().map(|name| at(expr.span, set(name))).collect())
    }
}

/// Names read for their value: not those that have a default or that are asked about.
fn bare_names(expr: &Expr, f: &mut dyn FnMut(&Arc<str>)) {
    match &expr.kind {
        E::Name(name) => f(name),
        E::OrElse { value, default } => {
            if !matches!(value.kind, E::Name(_) | E::Past { .. }) {
                bare_names(value, f);
            }
            bare_names(default, f);
        }
        E::IsSet(_) | E::Number { .. } | E::Boolean(_) | E::Date(_) | E::Text(_) | E::Retained | E::Past { .. } => {}
        E::DateOf { year: inner, .. } | E::Negate(inner) | E::Not(inner) | E::DaysOfYear(inner) => bare_names(inner, f),
        E::Binary { left, right, .. }
        | E::DaysBetween { from: left, to: right, .. }
        | E::CappedAt { value: left, cap: right }
        | E::RaisedTo { value: left, floor: right } => {
            bare_names(left, f);
            bare_names(right, f);
        }
        E::OneOf { subject, .. } => bare_names(subject, f),
        E::If { condition, then, otherwise } => {
            [condition, then, otherwise].into_iter().for_each(|e| bare_names(e, f));
        }
        E::Call { arguments: items, .. } | E::AtLeast { conditions: items, .. } => {
            items.iter().for_each(|e| bare_names(e, f));
        }
        E::SumOver { value, .. } => bare_names(value, f),
        E::Brackets { subject, rows } => {
            bare_names(subject, f);
            rows.iter().for_each(|row| bare_names(&row.value, f));
        }
        E::Tiers { subject, rows } => {
            bare_names(subject, f);
            rows.iter().for_each(|row| bare_names(&row.rate, f));
        }
    }
}

// --------------------------------------------------------------------------------------------- what trees are made of

fn at(span: Span, kind: E) -> Expr {
    Expr { kind, span }
}

fn clause(span: Span, kind: K) -> Clause {
    Clause { kind, span }
}

fn named(name: impl Into<Arc<str>>, span: Span) -> Name {
    Spanned { node: name.into(), span }
}

fn read(name: &Name) -> Expr {
    at(name.span, E::Name(name.node.clone()))
}

fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    let span = left.span;
    at(span, E::Binary { op, op_span: span, left: Box::new(left), right: Box::new(right) })
}

fn call(function: &str, argument: Expr) -> Expr {
    let span = argument.span;
    at(span, E::Call { function: named(function, span), arguments: vec![argument] })
}

fn or_else(value: Expr, default: Expr) -> Expr {
    let span = value.span;
    at(span, E::OrElse { value: Box::new(value), default: Box::new(default) })
}

fn number(span: Span, digits: &str) -> Expr {
    at(span, E::Number { value: Number { digits: digits.into(), span }, unit: None })
}

fn conjunction(items: Vec<Expr>) -> Option<Expr> {
    items.into_iter().reduce(|left, right| binary(BinaryOp::And, left, right))
}

/// An expression of which nothing more is said: it stands for one that was reported.
fn unsaid(span: Span) -> Expr {
    let value = Box::new(number(span, "0"));
    at(span, E::SumOver { table: named("", span), condition: None, value })
}

/// Says once that a declaration cites nothing, and what keeps those made of it from saying it again.
fn unsaid_reference(item: &Item, word: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Clause> {
    let name = item.name.as_ref().filter(|_| !item.clauses.iter().any(|c| matches!(c.kind, K::Reference(_))))?;
    diagnostics.push(say::missing_reference(name.span, word));
    let citation = Citation { kind: CitationKind::Free("".into()), of: None, span: name.span };
    Some(clause(name.span, K::Reference(vec![citation])))
}

fn everywhere(condition: Option<Expr>, span: Span) -> Clause {
    clause(span, K::For { cases: Cases::All, condition })
}

/// A declaration with the place and the references of another.
fn like(model: &Item, kind: ItemKind, name: Name, title: Option<polc_dsl::ast::Text>, clauses: Vec<Clause>) -> Item {
    Item {
        kind,
        name: Some(name),
        title: title.or_else(|| model.title.clone()),
        clauses,
        span: model.span,
        home: model.home,
    }
}
