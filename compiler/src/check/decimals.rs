//! How many decimals the values of a quantity can have: what next year reads of it is kept as an integer where it is always
//! a multiple of a millionth, as a fraction elsewhere.

use num_traits::{One as _, Zero as _};

use crate::ir::STATE_DECIMALS;
use crate::num::{Ratio, finite_decimals};
use crate::typed::{
    AdjustmentKind, BinaryOp, Expr, ExprKind, Program, Quantity, QuantityId, QuantityKind, Type, Value,
};

/// Most decimals of a value; `None` for a fraction, or for more than next year's rows keep.
type Decimals = Option<u32>;

/// Says of each quantity whether its values are always multiples of a millionth.
pub(super) fn mark(program: &mut Program) {
    // Upwards from none: a quantity that reads itself of last year settles, or passes the limit.
    let mut known: Vec<Decimals> = vec![Some(0); program.quantities.len()];
    loop {
        let next: Vec<Decimals> =
            program.quantities.iter().map(|quantity| of_quantity(program, quantity, &known)).collect();
        if next == known {
            break;
        }
        known = next;
    }
    for (quantity, decimals) in program.quantities.iter_mut().zip(known) {
        quantity.decimal = decimals.is_some();
    }
}

fn most(a: Decimals, b: Decimals) -> Decimals {
    Some(a?.max(b?))
}

fn product(a: Decimals, b: Decimals) -> Decimals {
    Some(a? + b?).filter(|decimals| *decimals <= STATE_DECIMALS)
}

fn of_ratio(value: &Ratio) -> Decimals {
    finite_decimals(value).filter(|decimals| *decimals <= STATE_DECIMALS)
}

fn of_value(value: &Value) -> Decimals {
    match value {
        Value::Number(number) => of_ratio(number),
        _ => Some(0),
    }
}

fn of_quantity(program: &Program, quantity: &Quantity, known: &[Decimals]) -> Decimals {
    if !matches!(quantity.ty, Type::Number(_)) {
        return Some(0);
    }
    let expr = |expr: &Expr| of_expr(program, expr, known);
    let of = |id: QuantityId| known[id.index()];
    if quantity.kind == QuantityKind::Aggregate {
        // Kept with the decimals that it is rounded to, or as a fraction.
        return None;
    }
    let mut result = Some(0);
    for rule in &quantity.rules {
        let mut own = rule.base.iter().map(|line| expr(&line.value)).fold(Some(0), most);
        for adjustment in &rule.adjustments {
            let by = of(adjustment.quantity);
            own = match adjustment.kind {
                AdjustmentKind::AddAmount | AdjustmentKind::SubtractAmount => most(own, by),
                AdjustmentKind::AddRate | AdjustmentKind::SubtractRate => product(own, by),
            };
        }
        own = rule.bounds.iter().map(|bound| expr(&bound.value)).fold(own, most);
        own = rule.proratas.iter().map(|factor| expr(&factor.value)).fold(own, product);
        own = rule.replacements.iter().map(|replacement| expr(&replacement.value)).fold(own, most);
        own = quantity.derogations.iter().map(|derogation| expr(&derogation.value)).fold(own, most);
        result = most(result, rule.rounding.map_or(own, Some));
    }
    result
}

fn of_expr(program: &Program, expr: &Expr, known: &[Decimals]) -> Decimals {
    let of = |e: &Expr| of_expr(program, e, known);
    match &expr.kind {
        ExprKind::Constant(value) => of_value(value),
        ExprKind::Input(id) => Some(program.input(*id).decimals).filter(|decimals| *decimals <= STATE_DECIMALS),
        ExprKind::InputOr { input, default } | ExprKind::PastInput { input, default, .. } => {
            most(Some(program.input(*input).decimals).filter(|decimals| *decimals <= STATE_DECIMALS), of(default))
        }
        ExprKind::Parameter(id) => {
            program.parameter(*id).values.iter().map(|(_, value)| of_value(value)).fold(Some(0), most)
        }
        ExprKind::Quantity(id) => known[id.index()],
        ExprKind::QuantityOr { quantity, default, .. } | ExprKind::PastQuantity { quantity, default, .. } => {
            most(known[quantity.index()], of(default))
        }
        // Known by the rule that holds it; not looked for.
        ExprKind::Retained => None,
        ExprKind::Negate(inner) => of(inner),
        ExprKind::Binary { op: BinaryOp::Add | BinaryOp::Subtract, left, right } => most(of(left), of(right)),
        ExprKind::Binary { op: BinaryOp::Multiply, left, right } => product(of(left), of(right)),
        ExprKind::Binary { op: BinaryOp::Divide, left, right } => match &right.kind {
            ExprKind::Constant(Value::Number(divisor)) if !divisor.is_zero() => {
                product(of(left), of_ratio(&(Ratio::one() / divisor)))
            }
            _ => None,
        },
        ExprKind::If { then, otherwise, .. } => most(of(then), of(otherwise)),
        ExprKind::Extremum { items, .. } => items.iter().map(of).fold(Some(0), most),
        ExprKind::Brackets { rows, .. } => rows.iter().map(|row| of(&row.value)).fold(Some(0), most),
        ExprKind::Tiers { subject, rows } => {
            let rates = rows.iter().map(|row| of(&row.rate)).fold(Some(0), most);
            let ends = rows.iter().map(|row| of_ratio(&row.from)).fold(of(subject), most);
            product(rates, ends)
        }
        ExprKind::Round { decimals, .. } => Some(*decimals).filter(|decimals| *decimals <= STATE_DECIMALS),
        // Flags, dates, cases, counts: whole.
        _ => Some(0),
    }
}
