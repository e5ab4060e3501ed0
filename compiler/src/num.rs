//! Exact numbers: the reference arithmetic of the language, shared by the constant folder, the interpreter and lowering.

use num_bigint::BigInt;
use num_integer::Integer as _;
use num_rational::BigRational;
use num_traits::{One as _, Signed as _, Zero as _};

/// An exact rational of any size.
pub type Ratio = BigRational;

/// Which way a value between two multiples of the last digit goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RoundingMode {
    /// To the nearest, halves away from zero.
    HalfAway,
    /// Towards minus infinity.
    Down,
    /// Towards plus infinity.
    Up,
}

#[must_use]
pub fn integer(value: i64) -> Ratio {
    Ratio::from_integer(BigInt::from(value))
}

#[must_use]
pub fn power_of_ten(exponent: u32) -> BigInt {
    num_traits::pow(BigInt::from(10), exponent as usize)
}

/// Reads digits with an optional decimal point and sign: `-12.50`. `None` for anything else.
#[must_use]
pub fn parse_decimal(text: &str) -> Option<Ratio> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let numerator: BigInt = format!("{whole}{fraction}").parse().ok()?;
    let value = Ratio::new(numerator, power_of_ten(fraction.len() as u32));
    Some(if negative { -value } else { value })
}

/// Rounds to `decimals` digits after the point.
#[must_use]
pub fn round(value: &Ratio, decimals: u32, mode: RoundingMode) -> Ratio {
    let scale = power_of_ten(decimals);
    Ratio::new(round_quotient(&(value.numer() * &scale), value.denom(), mode), scale)
}

/// `numerator / denominator` rounded to an integer; the denominator is positive.
#[must_use]
pub fn round_quotient(numerator: &BigInt, denominator: &BigInt, mode: RoundingMode) -> BigInt {
    match mode {
        RoundingMode::Down => numerator.div_floor(denominator),
        RoundingMode::Up => -((-numerator).div_floor(denominator)),
        RoundingMode::HalfAway => {
            let magnitude: BigInt = numerator.abs() * 2 + denominator;
            let magnitude = magnitude.div_floor(&(denominator * 2));
            if numerator.is_negative() { -magnitude } else { magnitude }
        }
    }
}

/// The decimal digits after the point of a finite decimal; `None` when it has none (1/3).
#[must_use]
pub fn finite_decimals(value: &Ratio) -> Option<u32> {
    let mut rest = value.denom().clone();
    let (mut twos, mut fives) = (0u32, 0u32);
    let (two, five) = (BigInt::from(2), BigInt::from(5));
    while rest.is_even() {
        rest /= &two;
        twos += 1;
    }
    while (&rest % &five).is_zero() {
        rest /= &five;
        fives += 1;
    }
    rest.is_one().then_some(twos.max(fives))
}

/// Writes a value with exactly `decimals` digits after the point; the value must be a multiple of the last one.
#[must_use]
pub fn format_fixed(value: &Ratio, decimals: u32, separator: char) -> String {
    let scaled = (value * Ratio::from_integer(power_of_ten(decimals))).to_integer();
    let digits = format!("{:0>width$}", scaled.abs().to_string(), width = decimals as usize + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals as usize);
    let sign = if scaled.is_negative() { "-" } else { "" };
    if decimals == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}{separator}{fraction}") }
}

/// Digits written for a value that is not a finite decimal.
pub const SHOWN_DECIMALS: u32 = 6;

/// Writes a value in full when it is a finite decimal, else rounded half away from zero to [`SHOWN_DECIMALS`] digits,
/// without useless zeros; at least `least` digits after the point.
#[must_use]
pub fn format_plain(value: &Ratio, least: u32, separator: char) -> String {
    match finite_decimals(value) {
        Some(decimals) => format_fixed(value, decimals.max(least), separator),
        None => {
            let rounded = round(value, SHOWN_DECIMALS, RoundingMode::HalfAway);
            let decimals = finite_decimals(&rounded).unwrap_or(SHOWN_DECIMALS);
            format_fixed(&rounded, decimals.max(least), separator)
        }
    }
}

/// Writes a number for a French reader: decimal comma, narrow no-break spaces between thousands.
#[must_use]
pub fn format_french(value: &Ratio, least: u32) -> String {
    let plain = format_plain(value, least, ',');
    let (sign, rest) = plain.strip_prefix('-').map_or(("", plain.as_str()), |rest| ("-", rest));
    let (whole, fraction) = rest.split_once(',').map_or((rest, None), |(w, f)| (w, Some(f)));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push('\u{202F}');
        }
        grouped.push(digit);
    }
    fraction.map_or_else(|| format!("{sign}{grouped}"), |f| format!("{sign}{grouped},{f}"))
}

/// A closed interval; an absent end is infinite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    pub low: Option<Ratio>,
    pub high: Option<Ratio>,
}

impl Interval {
    pub const ALL: Self = Self { low: None, high: None };

    #[must_use]
    pub fn new(low: Ratio, high: Ratio) -> Self {
        Self { low: Some(low), high: Some(high) }
    }

    #[must_use]
    pub fn point(value: &Ratio) -> Self {
        Self::new(value.clone(), value.clone())
    }

    /// The smallest interval that holds both.
    #[must_use]
    pub fn hull(&self, other: &Self) -> Self {
        let low = self.low.as_ref().zip(other.low.as_ref()).map(|(a, b)| a.min(b).clone());
        let high = self.high.as_ref().zip(other.high.as_ref()).map(|(a, b)| a.max(b).clone());
        Self { low, high }
    }

    #[must_use]
    pub fn add(&self, other: &Self) -> Self {
        let sum = |a: &Option<Ratio>, b: &Option<Ratio>| a.as_ref().zip(b.as_ref()).map(|(a, b)| a + b);
        Self { low: sum(&self.low, &other.low), high: sum(&self.high, &other.high) }
    }

    #[must_use]
    pub fn negate(&self) -> Self {
        Self { low: self.high.as_ref().map(|v| -v), high: self.low.as_ref().map(|v| -v) }
    }

    #[must_use]
    pub fn multiply(&self, other: &Self) -> Self {
        if let (Some(a), Some(b), Some(c), Some(d)) = (&self.low, &self.high, &other.low, &other.high) {
            let products = [a * c, a * d, b * c, b * d];
            let low = products.iter().min().cloned();
            return Self { low, high: products.iter().max().cloned() };
        }
        let positive = |i: &Self| i.low.as_ref().is_some_and(|low| !low.is_negative());
        if positive(self) && positive(other) {
            let low = self.low.as_ref().zip(other.low.as_ref()).map(|(a, b)| a * b);
            return Self { low, high: None };
        }
        Self::ALL
    }

    #[must_use]
    pub fn divide(&self, other: &Self) -> Self {
        match (&other.low, &other.high) {
            (Some(low), Some(high)) if low.is_positive() || high.is_negative() => {
                self.multiply(&Self::new(high.recip(), low.recip()))
            }
            (Some(low), None) if low.is_positive() => {
                self.multiply(&Self { low: Some(Ratio::zero()), high: Some(low.recip()) })
            }
            _ => Self::ALL,
        }
    }

    /// The range of the smaller of two values.
    #[must_use]
    pub fn min(&self, other: &Self) -> Self {
        let low = self.low.as_ref().zip(other.low.as_ref()).map(|(a, b)| a.min(b).clone());
        let high = match (&self.high, &other.high) {
            (Some(a), Some(b)) => Some(a.min(b).clone()),
            (a, b) => a.clone().or_else(|| b.clone()),
        };
        Self { low, high }
    }

    /// The range of the larger of two values.
    #[must_use]
    pub fn max(&self, other: &Self) -> Self {
        self.negate().min(&other.negate()).negate()
    }
}

/// The bits of the binary64 number nearest to zero among the two around a rational; less than one unit in the last of its 53
/// bits away. Its magnitude is 0, or lies between 2⁻⁹⁰⁰ and 2⁹⁰⁰: what has an estimate is far from those.
#[must_use]
pub fn binary64(value: &Ratio) -> u64 {
    if value.is_zero() {
        return 0;
    }
    let (above, below) = (value.numer().magnitude().clone(), value.denom().magnitude().clone());
    // A quotient of 54 or 55 bits.
    let shift = 54 - (above.bits() as i64 - below.bits() as i64);
    let quotient = if shift >= 0 { (above << shift) / below } else { above / (below << -shift) };
    let bits = quotient.bits() as i64;
    let mantissa = u64::try_from(quotient >> (bits - 53)).unwrap_or(0);
    let exponent = (bits - 1 - shift + 1023) as u64;
    let sign = u64::from(value.is_negative()) << 63;
    sign | (exponent << 52) | (mantissa & ((1 << 52) - 1))
}

#[cfg(test)]
mod tests {
    use rust_decimal::{Decimal, RoundingStrategy};

    use super::*;

    #[test]
    fn rounding_agrees_with_rust_decimal() {
        for thousandths in -3_000i64..3_000 {
            let expected =
                Decimal::new(thousandths, 3).round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
            let ours = round(&Ratio::new(thousandths.into(), 1_000.into()), 2, RoundingMode::HalfAway);
            assert_eq!(format_fixed(&ours, 2, '.').parse::<Decimal>().ok(), Some(expected), "{thousandths}/1000");
        }
    }

    #[test]
    fn formats() {
        let third = Ratio::new(1.into(), 3.into());
        assert_eq!(format_plain(&third, 0, '.'), "0.333333");
        assert_eq!(format_plain(&Ratio::new((-2).into(), 3.into()), 0, '.'), "-0.666667");
        assert_eq!(format_plain(&Ratio::new(1.into(), 1024.into()), 0, '.'), "0.0009765625");
        assert_eq!(format_plain(&integer(7), 2, '.'), "7.00");
        assert_eq!(format_french(&Ratio::new(12_345_675.into(), 10.into()), 2), "1\u{202F}234\u{202F}567,50");
        assert_eq!(parse_decimal("-12.50"), Some(Ratio::new((-25).into(), 2.into())));
        assert_eq!(parse_decimal("1e3"), None);
    }

    #[test]
    fn bits_of_binary64() {
        let of = |numerator: i64, denominator: i64| binary64(&Ratio::new(numerator.into(), denominator.into()));
        assert_eq!(of(0, 1), 0);
        assert_eq!(of(1, 1), 1023 << 52);
        assert_eq!(of(-1, 2), (1 << 63) | (1022 << 52));
        // 1/3 is 0.0101…, cut after 53 bits from the first one.
        assert_eq!(of(1, 3), (1021 << 52) | 0x5_5555_5555_5555);
        assert_eq!(of((1 << 53) + 1, 1), (1076 << 52), "towards zero");
    }
}
