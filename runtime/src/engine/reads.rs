//! What results are read from: the inputs and quantities that they depend on, here and in earlier years.

use std::collections::BTreeSet;

use polc_compiler::typed::{ControlKind, Expr, ExprKind, InputId, Presence, Program, QuantityId};

/// Inputs and quantities that an expression reads.
pub(super) fn collect(expr: &Expr, inputs: &mut BTreeSet<InputId>, quantities: &mut Vec<QuantityId>) {
    expr.walk(&mut |e| match e.kind {
        ExprKind::Input(id)
        | ExprKind::InputOr { input: id, .. }
        | ExprKind::PastInput { input: id, .. }
        | ExprKind::IsSet(Presence::Input(id) | Presence::PastInput(_, id)) => {
            inputs.insert(id);
        }
        ExprKind::Quantity(id)
        | ExprKind::Met(id)
        | ExprKind::QuantityOr { quantity: id, .. }
        | ExprKind::PastQuantity { quantity: id, .. }
        | ExprKind::IsSet(Presence::Quantity(id) | Presence::PastQuantity(_, id)) => quantities.push(id),
        _ => {}
    });
}

/// The expressions that may be read to compute a quantity, the fields of its rules included.
pub(super) fn expressions(program: &Program, id: QuantityId) -> impl Iterator<Item = &Expr> {
    let quantity = program.quantity(id);
    let scopes = quantity.rules.iter().filter_map(|rule| rule.scope);
    quantity.expressions().chain(scopes.map(|scope| &program.scope(scope).condition))
}

/// The aggregates that some quantities depend on, under any variant of the readings.
#[must_use]
pub fn aggregates_of(program: &Program, outputs: &[QuantityId]) -> Vec<QuantityId> {
    let mut found = reachable(program, outputs);
    loop {
        let mut more = Vec::new();
        for id in &found {
            let others = program.quantity(*id).rules.iter().flat_map(|rule| &rule.alternatives);
            let others = others.flat_map(|other| other.guard.iter().chain([&other.value]));
            others.for_each(|expr| collect(expr, &mut BTreeSet::new(), &mut more));
        }
        more.retain(|id| !found.contains(id));
        if more.is_empty() {
            break;
        }
        found.extend(reachable(program, &more));
    }
    found.into_iter().filter(|id| program.aggregate(*id).is_some()).collect()
}

/// The quantities that some quantities depend on, themselves included.
pub(crate) fn reachable(program: &Program, roots: &[QuantityId]) -> BTreeSet<QuantityId> {
    let mut found: BTreeSet<QuantityId> = BTreeSet::new();
    let mut pending = roots.to_vec();
    while let Some(id) = pending.pop() {
        if !found.insert(id) {
            continue;
        }
        pending.extend(program.aggregate(id).map(|aggregate| aggregate.of));
        let quantity = program.quantity(id);
        expressions(program, id).for_each(|expr| collect(expr, &mut BTreeSet::new(), &mut pending));
        pending.extend(quantity.rules.iter().flat_map(|rule| &rule.adjustments).map(|adjustment| adjustment.quantity));
    }
    found
}

/// The results of earlier rows that the outputs and the row controls depend on, in order.
pub(crate) fn previous_results(program: &Program, outputs: &[QuantityId], controls: &[u32]) -> Vec<QuantityId> {
    let mut roots = outputs.to_vec();
    let mut all: Vec<&Expr> = Vec::new();
    for rank in controls {
        if let ControlKind::Row { guard, condition, .. } = &program.controls[*rank as usize].kind {
            all.extend(guard.iter().chain([condition]));
        }
    }
    all.iter().for_each(|expr| collect(expr, &mut BTreeSet::new(), &mut roots));
    let mut result = BTreeSet::new();
    for id in reachable(program, &roots) {
        all.extend(expressions(program, id));
        if program.quantity(id).rules.iter().any(|rule| rule.keeps.is_some()) {
            result.insert(id);
        }
    }
    for expr in all {
        expr.walk(&mut |e| match e.kind {
            ExprKind::PastQuantity { quantity, .. } | ExprKind::IsSet(Presence::PastQuantity(_, quantity)) => {
                result.insert(quantity);
            }
            _ => {}
        });
    }
    result.into_iter().collect()
}

/// Whether an expression reads an earlier row.
pub(super) fn looks_back(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |e| {
        found |= matches!(
            e.kind,
            ExprKind::PastQuantity { .. }
                | ExprKind::PastInput { .. }
                | ExprKind::IsSet(Presence::PastInput(..) | Presence::PastQuantity(..))
        );
    });
    found
}

/// Whether rows read those of earlier years.
pub(super) fn reads_past(program: &Program) -> bool {
    let rules = || program.quantities.iter().flat_map(|quantity| &quantity.rules);
    let mut found = rules().any(|rule| rule.keeps.is_some());
    let scopes = program.scopes.iter().map(|scope| &scope.condition);
    let controls = program.controls.iter().flat_map(|control| match &control.kind {
        ControlKind::Row { guard, condition, .. } => guard.iter().chain([condition]).collect(),
        ControlKind::Groups { condition, .. } => vec![condition],
        ControlKind::Verify { .. } | ControlKind::Announced { .. } => Vec::new(),
    });
    for expr in program.quantities.iter().flat_map(|q| q.expressions()).chain(scopes).chain(controls) {
        found |= looks_back(expr);
    }
    found
}
