//! What a row does not earn, why, what it is worth, and the smallest change that would earn it.
//!
//! Nothing is estimated: each amount is that of the row computed again by the reference interpreter, with the condition
//! taken for met or with the cells changed, everything else as it is.

mod need;
mod search;

use polc_compiler::num::{Ratio, integer};
use polc_compiler::typed::{Expr, ExprKind, Program, QuantityId, QuantityKind, Type, Value};
use polc_dsl::Span;
use rayon::prelude::*;

use crate::explain::{CellChange, Explainer, GapView, Ledger, Missing, Remedy, references};
use crate::suppose::{Supposable, Supposition};
use crate::table::RowErrorKind;
use need::{Leaf, Reader};
use search::Search;

/// A condition that is not met.
#[derive(Clone, Copy, Debug)]
enum Unmet {
    /// A quantity that is not true.
    Truth(QuantityId),
    /// The condition that the rule of a quantity has of its own.
    Condition(QuantityId),
}

impl Unmet {
    fn quantity(self) -> QuantityId {
        match self {
            Self::Truth(id) | Self::Condition(id) => id,
        }
    }

    /// That it is met and nothing else changes.
    fn granted(self) -> Supposition {
        match self {
            Self::Truth(id) => Supposition { values: [(id, Value::Boolean(true))].into(), ..Supposition::default() },
            Self::Condition(id) => Supposition { conditions: [id].into(), ..Supposition::default() },
        }
    }

    /// An expression that says that it is met.
    fn earned(self, span: Span) -> Expr {
        let kind = match self {
            Self::Truth(id) => ExprKind::Quantity(id),
            Self::Condition(id) => ExprKind::Met(id),
        };
        Expr { kind, ty: Type::Boolean, span }
    }
}

/// The conditions that a row does not meet and that bear on some payment: prerequisites first, then by what they are worth.
///
/// # Errors
/// Why the row has no results: see [`RowErrorKind`].
pub fn missing(explainer: &Explainer<'_>, row: usize, outputs: &[QuantityId]) -> Result<Vec<Missing>, RowErrorKind> {
    let mut supposable = explainer.supposable(row, outputs)?;
    supposable.complete();
    let ledger = Ledger::of(&supposable, outputs);
    let analysis = Analysis { explainer, row: &supposable, ledger: &ledger, year: explainer.year(row) };
    let unmet: Vec<Unmet> = analysis.unmet();
    let prerequisites = prerequisites(supposable.program);
    let told = unmet.into_par_iter().filter_map(|unmet| {
        let first = prerequisites.contains(&unmet.quantity());
        analysis.tell(unmet, first).map(|(worth, told)| (!first, -worth, told))
    });
    let mut told: Vec<(bool, Ratio, Missing)> = told.collect();
    // Where they are worth the same, in the order of the policy.
    told.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    Ok(told.into_iter().map(|(.., told)| told).collect())
}

/// The truths without which some block pays nothing, and the blocks' own.
fn prerequisites(program: &Program) -> Vec<QuantityId> {
    let mut found = Vec::new();
    for id in program.quantity_ids() {
        let quantity = program.quantity(id);
        match quantity.kind {
            QuantityKind::Prerequisite => found.push(id),
            QuantityKind::PrerequisitesMet => {
                found.push(id);
                let read = quantity.rules.iter().flat_map(|rule| &rule.base).map(|line| &line.value);
                read.for_each(|expr| {
                    expr.walk(&mut |e| match e.kind {
                        ExprKind::Quantity(id) | ExprKind::QuantityOr { quantity: id, .. } => found.push(id),
                        _ => {}
                    });
                });
            }
            _ => {}
        }
    }
    found
}

struct Analysis<'a> {
    explainer: &'a Explainer<'a>,
    row: &'a Supposable<'a>,
    ledger: &'a Ledger,
    year: i64,
}

impl<'a> Analysis<'a> {
    fn unmet(&self) -> Vec<Unmet> {
        let program = self.row.program;
        let none = Supposition::default();
        let unchanged = vec![false; program.quantities.len()];
        let mut found = Vec::new();
        for id in program.quantity_ids() {
            let Some((rank, value)) = self.row.rule_and_value(id) else { continue };
            let quantity = program.quantity(id);
            if *value == Value::Boolean(false) {
                found.push(Unmet::Truth(id));
                continue;
            }
            let Some(rule) = quantity.rules.get(*rank) else { continue };
            // A condition with a name is a truth of its own.
            let own = rule.condition.as_ref().filter(|condition| !matches!(condition.kind, ExprKind::Quantity(_)));
            let Some(condition) = own else { continue };
            if self.row.evaluate(&none, &unchanged, condition) == Ok(Value::Boolean(false)) {
                found.push(Unmet::Condition(id));
            }
        }
        found
    }

    /// What to tell of a condition, and what it is worth; `None` if it bears on no payment or only takes from them.
    fn tell(&self, unmet: Unmet, prerequisite: bool) -> Option<(Ratio, Missing)> {
        let program = self.row.program;
        let id = unmet.quantity();
        let granted = unmet.granted();
        let changed = self.row.changed(&granted);
        if !self.ledger.payments.iter().any(|payment| changed[payment.index()]) {
            return None;
        }
        let weighed = self.explainer.weigh(self.row, self.ledger, &granted);
        let worth = weighed.as_ref().map_or_else(|_| integer(0), |(worth, _)| worth.clone());
        let quantity = program.quantity(id);
        let nothing = worth == integer(0) && weighed.is_ok();
        // What takes from a payment is not something to earn; what a definition says may be neither good nor bad.
        let idle = match quantity.kind {
            QuantityKind::Minoration => true,
            QuantityKind::Definition => matches!(unmet, Unmet::Truth(_)),
            _ => false,
        };
        if !prerequisite && (worth < integer(0) || (nothing && idle)) {
            return None;
        }
        let (rank, _) = self.row.rule_and_value(id)?;
        let rule = quantity.rules.get(*rank)?;
        let none = Supposition::default();
        let unchanged = vec![false; program.quantities.len()];
        let reader = Reader { row: self.row, supposition: &none, changed: &unchanged };
        let need = match unmet {
            Unmet::Truth(id) => reader.truth(id),
            Unmet::Condition(_) => reader.need(rule.condition.as_ref()?, true),
        };
        let mut gaps = Vec::new();
        reader.gaps(&need, &mut gaps);
        let written = match unmet {
            Unmet::Truth(_) => rule.condition.as_ref().or_else(|| rule.base.first().map(|line| &line.value)),
            Unmet::Condition(_) => rule.condition.as_ref(),
        };
        let cells = Search { row: self.row, year: self.year }.solve(&need, &unmet.earned(rule.span));
        let (stake, obstacle) = crate::explain::split(self.explainer, Some(weighed.map(|(_, effect)| effect)));
        let titled = matches!(unmet, Unmet::Condition(_)) || quantity.title.is_empty();
        let told = Missing {
            name: quantity.name.to_string(),
            title: if titled { rule.title.to_string() } else { quantity.title.to_string() },
            kind: crate::explain::kind(quantity.kind),
            prerequisite,
            references: references(&rule.citations),
            place: self.explainer.place(rule.span),
            formula: written.map(|expr| self.explainer.formula(expr)).unwrap_or_default(),
            gaps: gaps.into_iter().map(|leaf| self.gap(&reader, leaf)).collect(),
            stake,
            obstacle,
            remedy: cells.and_then(|cells| self.remedy(cells)),
        };
        Some((worth, told))
    }

    fn gap(&self, reader: &Reader<'_, 'a>, leaf: Leaf<'a>) -> GapView {
        let value = |expr: &Expr| self.row.evaluate(reader.supposition, reader.changed, expr).ok();
        let shown =
            |expr: &Expr, value: &Option<Value>| value.as_ref().map(|value| self.explainer.shown(&expr.ty, value));
        let formula = self.explainer.formula(leaf.expr);
        let mut view = GapView { formula, wanted: leaf.wanted, value: None, threshold: None, distance: None };
        match &leaf.expr.kind {
            ExprKind::Compare { left, right, .. } => {
                let turned = is_figure(left) && !is_figure(right);
                let (of_row, limit) = if turned { (right, left) } else { (left, right) };
                let (found, threshold) = (value(of_row), value(limit));
                view.distance = match (&found, &threshold) {
                    (Some(Value::Number(a)), Some(Value::Number(b))) => {
                        let gap = if a > b { a - b } else { b - a };
                        Some(self.explainer.shown(&of_row.ty, &Value::Number(gap)))
                    }
                    (Some(Value::Date(a)), Some(Value::Date(b))) => {
                        let days = integer(i64::from(a.days()) - i64::from(b.days()));
                        let days = if days < integer(0) { -days } else { days };
                        Some(self.explainer.days(&days))
                    }
                    _ => None,
                };
                view.value = shown(of_row, &found);
                view.threshold = shown(limit, &threshold);
            }
            ExprKind::OneOf { subject, .. } => view.value = shown(subject, &value(subject)),
            _ => view.value = shown(leaf.expr, &value(leaf.expr)),
        }
        view
    }

    /// The changes, and what the payments are then; none where these cannot be computed.
    fn remedy(&self, cells: search::Cells) -> Option<Remedy> {
        let supposition = Supposition { cells, ..Supposition::default() };
        let effect = self.explainer.effect(self.row, self.ledger, &supposition).ok()?;
        let changes = supposition.cells.iter().filter_map(|(id, after)| {
            let input = self.row.program.input(*id);
            let shown = |value: &Value| self.explainer.shown(&input.ty, value);
            Some(CellChange {
                name: input.name.to_string(),
                meaning: input.meaning.to_string(),
                before: self.row.cell(*id).as_ref().map(shown),
                after: shown(after.as_ref()?),
            })
        });
        Some(Remedy { cells: changes.collect(), effect })
    }
}

/// Whether an expression is a figure of the text: no quantity and no datum.
fn is_figure(expr: &Expr) -> bool {
    let mut figure = true;
    expr.walk(&mut |e| {
        figure &= !matches!(
            e.kind,
            ExprKind::Input(_)
                | ExprKind::InputOr { .. }
                | ExprKind::Quantity(_)
                | ExprKind::QuantityOr { .. }
                | ExprKind::PastInput { .. }
                | ExprKind::PastQuantity { .. }
        );
    });
    figure
}
