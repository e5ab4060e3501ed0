//! « agrégat » and controls on the whole data: what is summed up becomes a quantity of each row.

use polc_dsl::ast::{Clause, ClauseKind as K, Expr, ExprKind as E, Item, ItemKind, Name, Summary};
use polc_dsl::diagnostic::Diagnostic;
use polc_dsl::visit::{self, Rewrite};
use polc_dsl::{FileId, Span};

use super::{Known, at, clause, conjunction, everywhere, like, named, number};
use crate::diagnostics as say;

/// Name of the quantity of each row that an aggregate sums up.
pub fn value_name(aggregate: &str) -> String {
    format!("{aggregate}.valeur")
}

pub(super) fn expand(item: Item, known: &Known, items: &mut Vec<Item>) {
    if let Some(name) = &item.name {
        for each in &item.clauses {
            if let K::Summarises { summary, value, when, .. } = &each.kind {
                items.push(row_value(&item, name, *summary, value.clone(), when.clone(), known));
                // A second one is reported as such.
                break;
            }
        }
    }
    items.push(item);
}

/// What a row brings: the value, where the condition holds and all that it reads is there; 1 where rows or their different
/// values are counted.
fn row_value(
    item: &Item,
    name: &Name,
    summary: Summary,
    value: Option<Expr>,
    when: Option<Expr>,
    known: &Known,
) -> Item {
    let span = name.span;
    let mut conditions: Vec<Expr> = when.iter().filter_map(|when| known.presence(when, true)).collect();
    conditions.extend(when);
    conditions.extend(value.iter().filter_map(|value| known.presence(value, true)));
    let value = value.filter(|_| summary != Summary::Distinct).unwrap_or_else(|| number(span, "1"));
    let mut clauses: Vec<Clause> = item.clauses.iter().filter(|c| matches!(c.kind, K::Reference(_))).cloned().collect();
    if let Some(condition) = conjunction(conditions) {
        clauses.push(everywhere(Some(condition), span));
    }
    clauses.push(clause(span, K::Value { value, citations: Vec::new() }));
    let kind = ItemKind::Definition { internal: true };
    like(item, kind, named(value_name(&name.node), span), None, clauses)
}

/// A control on the whole data: each function of many rows becomes an aggregate over the groups of the control.
pub(super) fn control(mut item: Item, known: &Known, items: &mut Vec<Item>, diagnostics: &mut Vec<Diagnostic>) {
    let Some(name) = item.name.clone() else { return };
    let by: Vec<Name> = item
        .clauses
        .iter()
        .filter_map(|c| match &c.kind {
            K::WholeData(by) => Some(by.clone()),
            _ => None,
        })
        .flatten()
        .collect();
    let references: Vec<Clause> = item
        .clauses
        .iter()
        .filter(|c| matches!(c.kind, K::Reference(_)))
        .cloned()
        .chain(super::unsaid_reference(&item, "un contrôle", diagnostics))
        .collect();
    let mut calls = Calls { control: name, by, references, home: item.home, made: Vec::new(), diagnostics: Vec::new() };
    for each in &mut item.clauses {
        if matches!(each.kind, K::Verify(_)) {
            visit::clause(each, &mut calls);
        }
    }
    diagnostics.append(&mut calls.diagnostics);
    for aggregate in calls.made {
        expand(aggregate, known, items);
    }
    items.push(item);
}

struct Calls {
    control: Name,
    by: Vec<Name>,
    references: Vec<Clause>,
    home: FileId,
    made: Vec<Item>,
    diagnostics: Vec<Diagnostic>,
}

impl Calls {
    fn aggregate(&mut self, summary: Summary, value: Option<Expr>, when: Option<Expr>, span: Span) -> Expr {
        let name = named(format!("{}.{}", self.control.node, self.made.len() + 1), self.control.span);
        let mut clauses = self.references.clone();
        clauses.push(clause(span, K::Summarises { summary, value, by: self.by.clone(), when, citations: Vec::new() }));
        let kind = ItemKind::Aggregate;
        self.made.push(Item { kind, name: Some(name.clone()), title: None, clauses, span, home: self.home });
        at(span, E::Name(name.node))
    }
}

impl Rewrite for Calls {
    fn expr(&mut self, expr: &mut Expr) {
        let E::Call { function, arguments } = &expr.kind else { return };
        let span = expr.span;
        let summary = match &*function.node {
            "compte" => Summary::Count,
            "somme" => Summary::Sum,
            "moyenne" => Summary::Mean,
            "maximum" => Summary::Maximum,
            "minimum" => Summary::Minimum,
            "distincts" => Summary::Distinct,
            _ => return,
        };
        let made = match (summary, &arguments[..]) {
            (Summary::Count, [condition]) => (None, Some(condition.clone())),
            (_, [value]) => (Some(value.clone()), None),
            (_, [value, condition]) if summary != Summary::Count => (Some(value.clone()), Some(condition.clone())),
            (_, found) => {
                let wanted = if summary == Summary::Count {
                    "une condition"
                } else {
                    "une valeur, et une condition s'il le faut"
                };
                self.diagnostics.push(say::wrong_arity(function, wanted, found.len()));
                *expr = super::unsaid(span);
                return;
            }
        };
        *expr = self.aggregate(summary, made.0, made.1, span);
    }
}
