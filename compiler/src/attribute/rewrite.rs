//! Changes within expressions.

use crate::typed::{Expr, ExprKind};

/// Calls `change` on an expression, then on everything below what it has become.
pub(super) fn rewrite(expr: &mut Expr, change: &mut impl FnMut(&mut Expr)) {
    change(expr);
    match &mut expr.kind {
        ExprKind::Constant(_)
        | ExprKind::Input(_)
        | ExprKind::Parameter(_)
        | ExprKind::Quantity(_)
        | ExprKind::Met(_)
        | ExprKind::IsSet(_)
        | ExprKind::Retained => {}
        ExprKind::QuantityOr { default: inner, .. }
        | ExprKind::InputOr { default: inner, .. }
        | ExprKind::PastQuantity { default: inner, .. }
        | ExprKind::PastInput { default: inner, .. }
        | ExprKind::Negate(inner)
        | ExprKind::Not(inner)
        | ExprKind::OneOf { subject: inner, .. }
        | ExprKind::DatePart { date: inner, .. }
        | ExprKind::DateOf { year: inner, .. }
        | ExprKind::DaysOfYear(inner)
        | ExprKind::Round { value: inner, .. } => rewrite(inner, change),
        ExprKind::Binary { left, right, .. }
        | ExprKind::Compare { left, right, .. }
        | ExprKind::AddToDate { date: left, count: right, .. }
        | ExprKind::DaysBetween { from: left, to: right, .. }
        | ExprKind::Elapsed { from: left, to: right, .. } => {
            rewrite(left, change);
            rewrite(right, change);
        }
        ExprKind::And(items)
        | ExprKind::Or(items)
        | ExprKind::Extremum { items, .. }
        | ExprKind::AtLeast { conditions: items, .. }
        | ExprKind::CountTrue(items) => items.iter_mut().for_each(|item| rewrite(item, change)),
        ExprKind::If { condition, then, otherwise } => {
            rewrite(condition, change);
            rewrite(then, change);
            rewrite(otherwise, change);
        }
        ExprKind::Brackets { subject, rows } => {
            rewrite(subject, change);
            rows.iter_mut().for_each(|row| rewrite(&mut row.value, change));
        }
        ExprKind::Tiers { subject, rows } => {
            rewrite(subject, change);
            rows.iter_mut().for_each(|row| rewrite(&mut row.rate, change));
        }
    }
}
