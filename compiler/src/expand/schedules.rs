//! « échéancier »: each line becomes a payment, due in the year of its date.

use polc_dsl::ast::{Amount, BinaryOp, Citation, Clause, ClauseKind as K, Expr, ExprKind as E, Item, ItemKind, Name};

use polc_dsl::diagnostic::Diagnostic;

use super::{Known, at, binary, call, clause, conjunction, everywhere, like, read};
use crate::diagnostics as say;

pub(super) fn expand(item: Item, known: &Known, items: &mut Vec<Item>, diagnostics: &mut Vec<Diagnostic>) {
    if let Some(name) = &item.name
        && !item.clauses.iter().any(|c| matches!(c.kind, K::Due { .. }))
    {
        let wanted = "au moins une échéance (« échéance … : 50 % de … le … »)";
        diagnostics.push(say::missing_clause(name.span, "cet échéancier", wanted));
    }
    // What holds for the whole schedule holds for each line.
    let mut shared: Vec<Clause> = item
        .clauses
        .iter()
        .filter(|c| matches!(c.kind, K::Reference(_) | K::For { .. } | K::InForce(_) | K::ForEach { .. }))
        .cloned()
        .collect();
    let uncited = |c: &Clause| {
        matches!(&c.kind, K::Due { citations, .. } | K::Recovery { citations, .. } | K::ScheduleTotal { citations, .. }
            if citations.is_empty())
    };
    if item.clauses.iter().any(uncited) {
        shared.extend(super::unsaid_reference(&item, "un échéancier", diagnostics));
    }
    let interrupted = item.clauses.iter().find_map(|c| match &c.kind {
        K::Interrupted(date) => Some(date),
        _ => None,
    });
    let year = |date: &Expr| {
        let exercise = at(date.span, E::Name(known.exercise.clone()));
        binary(BinaryOp::Equal, call("année", date.clone()), exercise)
    };
    let mut lines = Vec::new();
    for each in &item.clauses {
        match &each.kind {
            K::Due { name, title, rate, amount, date, when, citations } => {
                let mut conditions: Vec<Expr> = known.presence(date, false).into_iter().collect();
                conditions.push(year(date));
                if let Some(end) = interrupted {
                    let before = binary(BinaryOp::Less, date.clone(), end.clone());
                    // Without an end, nothing interrupts.
                    conditions.push(match known.presence(end, false) {
                        None => before,
                        Some(set) => {
                            let unset = at(end.span, E::Not(Box::new(set)));
                            binary(BinaryOp::Or, unset, before)
                        }
                    });
                }
                conditions.extend(when.clone());
                let mut value = binary(BinaryOp::Multiply, rate.clone(), amount.clone());
                value.span = rate.span.to(amount.span);
                let shared = known_when_due(&shared, &conditions, amount, known);
                let clauses = with(&shared, each, conjunction(conditions), value, citations);
                lines.push(name.clone());
                items.push(like(&item, ItemKind::Payment, name.clone(), title.clone(), clauses));
            }
            K::Recovery { name, title, amount, at: end, from, to, when, citations } => {
                let mut conditions: Vec<Expr> =
                    [end, from, to].into_iter().filter_map(|date| known.presence(date, false)).collect();
                conditions.push(year(end));
                conditions.push(binary(BinaryOp::LessOrEqual, from.clone(), end.clone()));
                conditions.push(binary(BinaryOp::Less, end.clone(), to.clone()));
                conditions.extend(when.clone());
                let days = |from: &Expr, to: &Expr| {
                    let kind =
                        E::DaysBetween { from: Box::new(from.clone()), to: Box::new(to.clone()), exclusive: true };
                    at(each.span, kind)
                };
                let left = binary(BinaryOp::Multiply, amount.clone(), days(end, to));
                let mut value = binary(BinaryOp::Divide, left, days(from, to));
                value.span = amount.span.to(to.span);
                let shared = known_when_due(&shared, &conditions, amount, known);
                let clauses = with(&shared, each, conjunction(conditions), value, citations);
                items.push(like(&item, ItemKind::Payment, name.clone(), title.clone(), clauses));
            }
            _ => {}
        }
    }
    for each in &item.clauses {
        if let K::ScheduleTotal { name, title, citations } = &each.kind
            && let Some(sum) = lines.iter().map(read).reduce(|left, right| binary(BinaryOp::Add, left, right))
        {
            // Where a line is without object, so is the total.
            let set = |name: &Name| at(name.span, E::IsSet(Box::new(read(name))));
            let mut shared = shared.clone();
            if let Some(all) = conjunction(lines.iter().map(set).collect()) {
                shared.retain(|c| !matches!(c.kind, K::For { .. }));
                shared.push(everywhere(Some(all), each.span));
            }
            let clauses = with(&shared, each, None, sum, citations);
            items.push(like(&item, ItemKind::Payment, name.clone(), title.clone(), clauses));
        }
    }
    // The schedule itself stays, so that its clauses are checked.
    items.push(item);
}

/// Where a line is due and its amount is without object, so is the line.
fn known_when_due(shared: &[Clause], due: &[Expr], amount: &Expr, known: &Known) -> Vec<Clause> {
    let Some(present) = known.presence(amount, true) else { return shared.to_vec() };
    let Some(due) = conjunction(due.to_vec()) else { return shared.to_vec() };
    let elsewhere = at(amount.span, E::Not(Box::new(due)));
    let condition = binary(BinaryOp::Or, elsewhere, present);
    let mut clauses = shared.to_vec();
    let mut guarded = false;
    for each in &mut clauses {
        if let K::For { condition: own, .. } = &mut each.kind {
            guarded = true;
            let both = own.take().into_iter().chain([condition.clone()]).collect();
            *own = conjunction(both);
        }
    }
    if !guarded {
        clauses.push(everywhere(Some(condition), amount.span));
    }
    clauses
}

fn with(shared: &[Clause], each: &Clause, condition: Option<Expr>, value: Expr, citations: &[Citation]) -> Vec<Clause> {
    let mut clauses = shared.to_vec();
    if !citations.is_empty() {
        clauses.retain(|c| !matches!(c.kind, K::Reference(_)));
        clauses.push(clause(each.span, K::Reference(citations.to_vec())));
    }
    clauses.extend(condition.map(|condition| clause(each.span, K::If(condition))));
    let amount = Amount::Plain(value);
    clauses.push(clause(each.span, K::Amount { amount, when: None, citations: Vec::new() }));
    clauses
}
