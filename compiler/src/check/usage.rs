//! What is declared and never read: a likely slip, so an error.

use polc_dsl::diagnostic::Diagnostic;

use super::Checker;
use crate::diagnostics as say;
use crate::hir::Symbol;
use crate::typed::{ControlKind, Expr, ExprKind, Presence, QuantityKind, Type};

pub(super) fn unused(checker: &Checker<'_, '_>) -> Vec<Diagnostic> {
    let program = &checker.program;
    let mut inputs = vec![false; program.inputs.len()];
    let mut parameters = vec![false; program.parameters.len()];
    let mut quantities = vec![false; program.quantities.len()];
    program.key.iter().for_each(|id| inputs[id.index()] = true);
    let mut mark = |expr: &Expr| {
        expr.walk(&mut |e| match e.kind {
            ExprKind::Input(id)
            | ExprKind::InputOr { input: id, .. }
            | ExprKind::PastInput { input: id, .. }
            | ExprKind::IsSet(Presence::Input(id) | Presence::PastInput(_, id)) => inputs[id.index()] = true,
            ExprKind::Parameter(id) => parameters[id.index()] = true,
            ExprKind::Quantity(id)
            | ExprKind::QuantityOr { quantity: id, .. }
            | ExprKind::PastQuantity { quantity: id, .. }
            | ExprKind::IsSet(Presence::Quantity(id) | Presence::PastQuantity(_, id)) => {
                quantities[id.index()] = true;
            }
            _ => {}
        });
    };
    for quantity in &program.quantities {
        quantity.expressions().for_each(&mut mark);
    }
    program.scopes.iter().for_each(|scope| mark(&scope.condition));
    for control in &program.controls {
        match &control.kind {
            ControlKind::Row { guard, condition, .. } => guard.iter().chain([condition]).for_each(&mut mark),
            ControlKind::Verify { condition, .. } | ControlKind::Groups { condition, .. } => mark(condition),
            ControlKind::Announced { computed, .. } => mark(computed),
        }
    }
    for aggregate in &program.aggregates {
        quantities[aggregate.of.index()] = true;
        aggregate.by.iter().chain(&aggregate.distinct).for_each(|id| inputs[id.index()] = true);
    }
    for control in &program.controls {
        if let ControlKind::Groups { by, .. } = &control.kind {
            by.iter().for_each(|id| inputs[id.index()] = true);
        }
    }
    // Variants of readings that are not selected read too: by name is enough here.
    for replaces in checker.hir.readings.iter().flat_map(|r| &r.alternatives).flat_map(|v| &v.replaces) {
        names(replaces.value, &mut |name| match checker.hir.symbols.get(name) {
            Some((Symbol::Input(id), _)) => inputs[id.index()] = true,
            Some((Symbol::Parameter(id), _)) => parameters[id.index()] = true,
            Some((Symbol::Quantity(id), _)) => quantities[id.index()] = true,
            None => {}
        });
    }
    let mut result = Vec::new();
    for (input, _) in program.inputs.iter().zip(&inputs).filter(|(_, used)| !**used) {
        result.push(say::unused("l'entrée", &input.name, input.span));
    }
    for (parameter, _) in program.parameters.iter().zip(&parameters).filter(|(_, used)| !**used) {
        result.push(say::unused("le paramètre", &parameter.name, parameter.span));
    }
    for (index, quantity) in program.quantities.iter().enumerate().filter(|(id, q)| q.internal && !quantities[*id]) {
        if quantity.kind != QuantityKind::Aggregate {
            result.push(say::unused("la définition interne", &quantity.name, quantity.span));
        } else if program.aggregates.iter().any(|aggregate| aggregate.quantity.index() == index) {
            result.push(say::unused("l'agrégat", &quantity.name, quantity.span));
        }
    }
    for (index, enumeration) in checker.hir.enumerations.iter().enumerate() {
        let types = program.inputs.iter().map(|i| &i.ty).chain(program.quantities.iter().map(|q| &q.ty));
        let read = types.into_iter().any(|ty| matches!(ty, Type::Enumeration(id) if id.index() == index));
        let column = checker.hir.column_types.iter().any(|name| name.node == enumeration.name.node);
        if !read && !column {
            result.push(say::unused("l'énumération", &enumeration.name.node, enumeration.name.span));
        }
    }
    for (name, span) in &checker.hir.declared_units {
        if !checker.used_units.contains(name) {
            result.push(say::unused("l'unité", name, *span));
        }
    }
    result
}

/// Calls `f` on every name that an expression mentions.
fn names(expr: &polc_dsl::ast::Expr, f: &mut impl FnMut(&str)) {
    use polc_dsl::ast::ExprKind as A;
    match &expr.kind {
        A::Name(name) => f(name),
        A::Past { name, .. } => f(&name.node),
        A::Number { .. } | A::Boolean(_) | A::Date(_) | A::Text(_) | A::Retained => {}
        A::DateOf { year: inner, .. }
        | A::Negate(inner)
        | A::Not(inner)
        | A::DaysOfYear(inner)
        | A::IsSet(inner)
        | A::OneOf { subject: inner, .. } => {
            names(inner, f);
        }
        A::Binary { left: a, right: b, .. }
        | A::DaysBetween { from: a, to: b, .. }
        | A::OrElse { value: a, default: b }
        | A::CappedAt { value: a, cap: b }
        | A::RaisedTo { value: a, floor: b } => {
            names(a, f);
            names(b, f);
        }
        A::SumOver { condition, value, .. } => condition.iter().chain([value]).for_each(|e| names(e, f)),
        A::If { condition, then, otherwise } => [condition, then, otherwise].into_iter().for_each(|e| names(e, f)),
        A::Call { arguments: items, .. } | A::AtLeast { conditions: items, .. } => {
            items.iter().for_each(|e| names(e, f))
        }
        A::Brackets { subject, rows } => {
            names(subject, f);
            rows.iter().for_each(|row| names(&row.value, f));
        }
        A::Tiers { subject, rows } => {
            names(subject, f);
            rows.iter().for_each(|row| names(&row.rate, f));
        }
    }
}
