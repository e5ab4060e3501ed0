//! Exact amounts, in cents.

/// Where the law gives nothing: the result has no object for the row.
pub const WITHOUT_OBJECT: i64 = i64::MIN;

/// A quotient to the nearest integer, halves away from zero. The denominator is positive.
#[inline]
pub fn rounded(numerator: i128, denominator: i128) -> i64 {
    let double = 2 * numerator.unsigned_abs() + denominator.unsigned_abs();
    let magnitude = (double / (2 * denominator.unsigned_abs())) as i64;
    if numerator < 0 { -magnitude } else { magnitude }
}

/// What some days out of a period are worth of an amount.
pub fn share(amount: i64, days: i32, period: i32) -> i64 {
    rounded(i128::from(amount) * i128::from(days), period.into())
}
