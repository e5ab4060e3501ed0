//! Which payments add up to what is paid.

use std::collections::BTreeSet;

use polc_compiler::typed::{BinaryOp, Expr, ExprKind, Program, QuantityId, QuantityKind, Rule};

/// All the payments of a policy.
#[must_use]
pub fn payments(program: &Program) -> Vec<QuantityId> {
    program.outputs().filter(|id| program.quantity(*id).kind == QuantityKind::Payment).collect()
}

/// The payments that are no term of the sum that another one is: a total counts, and what it adds up does not count again.
/// What is only subtracted, multiplied, or read of another year is no term.
#[must_use]
pub fn counted(program: &Program) -> Vec<QuantityId> {
    let all = payments(program);
    let mut terms = BTreeSet::new();
    for id in &all {
        let mut found = Terms { program, seen: BTreeSet::new(), payments: BTreeSet::new() };
        program.quantity(*id).rules.iter().for_each(|rule| found.rule(rule));
        found.payments.remove(id);
        terms.extend(found.payments);
    }
    all.into_iter().filter(|id| !terms.contains(id)).collect()
}

/// The payments of which a quantity is the sum.
struct Terms<'p> {
    program: &'p Program,
    seen: BTreeSet<QuantityId>,
    payments: BTreeSet<QuantityId>,
}

impl Terms<'_> {
    fn rule(&mut self, rule: &Rule) {
        // A share of a sum is not the sum.
        if rule.proratas.is_empty() {
            rule.base.iter().for_each(|line| self.expr(&line.value));
        }
    }

    fn quantity(&mut self, id: QuantityId) {
        if !self.seen.insert(id) {
            return;
        }
        let program = self.program;
        let quantity = program.quantity(id);
        if quantity.kind == QuantityKind::Payment && !quantity.internal {
            self.payments.insert(id);
        } else {
            quantity.rules.iter().for_each(|rule| self.rule(rule));
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Quantity(id) | ExprKind::QuantityOr { quantity: id, .. } => self.quantity(*id),
            ExprKind::Binary { op: BinaryOp::Add, left, right } => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::Binary { op: BinaryOp::Subtract, left, .. } => self.expr(left),
            ExprKind::If { then, otherwise, .. } => {
                self.expr(then);
                self.expr(otherwise);
            }
            ExprKind::Extremum { items, .. } => items.iter().for_each(|item| self.expr(item)),
            ExprKind::Round { value, .. } => self.expr(value),
            _ => {}
        }
    }
}
