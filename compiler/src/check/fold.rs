//! Values of constant expressions.

use crate::calendar::{CalendarUnit, Date, days_in_year};
use crate::num::{Ratio, round};
use crate::typed::{BinaryOp, DatePart, Expr, ExprKind, Value};

/// The value of an expression that reads no data; `None` if it does, or has no value (1/0).
#[must_use]
pub fn constant(expr: &Expr) -> Option<Value> {
    match &expr.kind {
        ExprKind::Constant(value) => Some(value.clone()),
        ExprKind::Negate(inner) => Some(Value::Number(-number(inner)?)),
        ExprKind::Not(inner) => match constant(inner)? {
            Value::Boolean(value) => Some(Value::Boolean(!value)),
            _ => None,
        },
        ExprKind::Binary { op, left, right } => {
            let (a, b) = (number(left)?, number(right)?);
            Some(Value::Number(match op {
                BinaryOp::Add => a + b,
                BinaryOp::Subtract => a - b,
                BinaryOp::Multiply => a * b,
                BinaryOp::Divide => {
                    if num_traits::Zero::is_zero(&b) {
                        return None;
                    }
                    a / b
                }
            }))
        }
        ExprKind::DateOf { day, month, year } => {
            let year = whole(&number(year)?)?;
            Date::new(year, *month, *day).map(Value::Date)
        }
        ExprKind::AddToDate { date, count, unit, subtract } => {
            let Value::Date(date) = constant(date)? else { return None };
            let count = whole(&number(count)?)?;
            date.add(if *subtract { -count } else { count }, *unit).map(Value::Date)
        }
        ExprKind::DatePart { part, date } => {
            let Value::Date(date) = constant(date)? else { return None };
            let value = if *part == DatePart::Year { date.year() } else { date.month() };
            Some(Value::Number(crate::num::integer(value)))
        }
        ExprKind::DaysOfYear(year) => Some(Value::Number(crate::num::integer(days_in_year(whole(&number(year)?)?)))),
        ExprKind::Round { value, decimals, mode } => Some(Value::Number(round(&number(value)?, *decimals, *mode))),
        _ => None,
    }
}

fn number(expr: &Expr) -> Option<Ratio> {
    match constant(expr)? {
        Value::Number(value) => Some(value),
        _ => None,
    }
}

/// An integer that fits, if the value is one.
#[must_use]
pub fn whole(value: &Ratio) -> Option<i64> {
    if value.is_integer() { i64::try_from(value.to_integer()).ok() } else { None }
}

/// The calendar unit of a dimension of the language.
#[must_use]
pub fn calendar_unit(dimension: &str) -> Option<CalendarUnit> {
    match dimension {
        "an" => Some(CalendarUnit::Years),
        "mois" => Some(CalendarUnit::Months),
        "jour" => Some(CalendarUnit::Days),
        _ => None,
    }
}
