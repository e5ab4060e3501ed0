//! « non cumul »: a truth, and a derogation on each quantity that it annuls.

use polc_dsl::ast::{BinaryOp, Clause, ClauseKind as K, Expr, ExprKind as E, Item, ItemKind, Name, Reach};
use polc_dsl::diagnostic::Diagnostic;

use super::{Known, at, binary, call, clause, like, named, or_else, read};
use crate::diagnostics as say;

pub(super) fn expand(item: Item, known: &Known, items: &mut Vec<Item>, diagnostics: &mut Vec<Diagnostic>) {
    let Some(name) = item.name.clone() else { return };
    let rules: Vec<&Clause> =
        item.clauses.iter().filter(|c| matches!(c.kind, K::Annuls(_) | K::Between(_) | K::OnlyOnce(_))).collect();
    let Some(rule) = rules.first() else {
        diagnostics.push(say::missing_clause(
            name.span,
            "ce non cumul",
            "ce qu'il annule (« annule … », « entre … » ou « une seule fois … »)",
        ));
        items.push(item);
        return;
    };
    for other in &rules[1..] {
        if std::mem::discriminant(&other.kind) != std::mem::discriminant(&rule.kind) {
            diagnostics.push(say::several_exclusions(other.span, rule.span));
        }
    }
    let unsaid = super::unsaid_reference(&item, "un non cumul", diagnostics);
    let shared = |item: &Item| -> Vec<Clause> {
        item.clauses
            .iter()
            .filter(|c| matches!(c.kind, K::Reference(_) | K::For { .. } | K::InForce(_) | K::ForEach { .. }))
            .chain(&unsaid)
            .cloned()
            .collect()
    };
    let condition = item.clauses.iter().find_map(|c| match &c.kind {
        K::If(condition) => Some(condition.clone()),
        _ => None,
    });
    let mut made = Vec::new();
    match &rule.kind {
        K::Annuls(targets) => {
            let Some(condition) = &condition else {
                diagnostics.push(say::missing_clause(name.span, "ce non cumul", "sa condition (« si … »)"));
                items.push(item);
                return;
            };
            made.push(truth(&item, name.clone(), shared(&item), condition.clone()));
            for target in targets {
                made.push(annuls(&item, &name, &name.node, target, &shared(&item)));
            }
        }
        K::Between(list) => {
            let mut before: Option<Expr> = None;
            for (rank, target) in list.iter().enumerate() {
                if let Some(before) = &before {
                    let own = if list.len() == 2 {
                        name.clone()
                    } else {
                        named(format!("{}.{}", name.node, target.node), target.span)
                    };
                    let holds = match &condition {
                        None => before.clone(),
                        Some(condition) => binary(BinaryOp::And, condition.clone(), before.clone()),
                    };
                    made.push(truth(&item, own.clone(), shared(&item), holds));
                    made.push(annuls(&item, &own, &own.node, target, &shared(&item)));
                }
                // The derogation says it of the others that are not one.
                if rank == 0 || rank + 1 < list.len() && known.quantities.contains(&target.node) {
                    let some = call("non_nul", read(target));
                    before = Some(match before {
                        None => some,
                        Some(other) => binary(BinaryOp::Or, other, some),
                    });
                }
            }
        }
        K::OnlyOnce(target) => {
            // Obtained this year or in an earlier one, carried through the rows where nothing applies.
            let obtained = named(format!("{}.obtenu", name.node), target.span);
            let past = at(target.span, E::Past { reach: Reach::Earlier, name: obtained.clone() });
            let past = or_else(past, at(target.span, E::Boolean(false)));
            let now = call("non_nul", read(target));
            let clauses = vec![clause(target.span, K::ScopeAll)];
            made.push(truth(&item, obtained, clauses, binary(BinaryOp::Or, now, past.clone())));
            let holds = match &condition {
                None => past,
                Some(condition) => binary(BinaryOp::And, condition.clone(), past),
            };
            made.push(truth(&item, name.clone(), shared(&item), holds));
            made.push(annuls(&item, &name, &name.node, target, &shared(&item)));
        }
        _ => {}
    }
    items.extend(made);
    items.push(item);
}

fn truth(item: &Item, name: Name, mut clauses: Vec<Clause>, condition: Expr) -> Item {
    clauses.push(clause(condition.span, K::TrueIf(condition)));
    like(item, ItemKind::Definition { internal: true }, name, None, clauses)
}

fn annuls(item: &Item, truth: &Name, by: &str, target: &Name, shared: &[Clause]) -> Item {
    let mut clauses: Vec<Clause> = shared.iter().filter(|c| matches!(c.kind, K::Reference(_))).cloned().collect();
    let holds = or_else(read(&named(truth.node.clone(), target.span)), at(target.span, E::Boolean(false)));
    clauses.push(clause(target.span, K::If(holds)));
    clauses.push(clause(target.span, K::Nothing));
    let name = named(format!("{by}.{}", target.node), target.span);
    like(item, ItemKind::Derogation { target: target.clone() }, name, None, clauses)
}
