//! Writes exact fractions as decimals, without making big numbers of those that fit a machine word.

use polc_compiler::num::{Ratio, SHOWN_DECIMALS, format_plain};

/// How to write the numbers of a column.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Digits after the mark at least.
    pub least: u32,
    /// Decimal mark.
    pub mark: char,
}

/// A denominator, split once for all the numbers that share it.
#[derive(Clone, Copy, Debug)]
pub struct Divisor {
    denominator: i128,
    /// What is left without its factors 2 and 5: a fraction is a finite decimal when that divides its numerator.
    rest: i128,
    /// Ten to `decimals`, divided by the factors 2 and 5.
    multiplier: i128,
    decimals: u32,
}

impl Divisor {
    pub const ONE: Self = Self { denominator: 1, rest: 1, multiplier: 1, decimals: 0 };

    /// `None` where a machine word does not do.
    fn new(denominator: i128) -> Option<Self> {
        let (mut rest, mut twos, mut fives) = (denominator, 0u32, 0u32);
        if rest <= 0 {
            return None;
        }
        while rest % 2 == 0 {
            rest /= 2;
            twos += 1;
        }
        while rest % 5 == 0 {
            rest /= 5;
            fives += 1;
        }
        let decimals = twos.max(fives);
        let multiplier = 10i128.checked_pow(decimals)? / (denominator / rest);
        Some(Self { denominator, rest, multiplier, decimals })
    }

    /// Appends `numerator / denominator`, as [`format_plain`] writes it. `self` is what the previous call left: it changes
    /// only with the denominator.
    pub fn write(&mut self, out: &mut Vec<u8>, numerator: i128, denominator: i128, style: Style) {
        if self.scaled_and_written(out, numerator, denominator, style).is_none() {
            let value = Ratio::new(numerator.into(), denominator.into());
            out.extend_from_slice(format_plain(&value, style.least, style.mark).as_bytes());
        }
    }

    fn scaled_and_written(&mut self, out: &mut Vec<u8>, n: i128, denominator: i128, style: Style) -> Option<()> {
        if self.denominator != denominator {
            *self = Self::new(denominator)?;
        }
        let (scaled, decimals) = if self.rest == 1 || n % self.rest == 0 {
            (n.checked_div(self.rest)?.checked_mul(self.multiplier)?, self.decimals)
        } else {
            // To the nearest, halves away from zero.
            let doubled = n.checked_abs()?.checked_mul(2 * 10i128.pow(SHOWN_DECIMALS))?.checked_add(denominator)?;
            (n.signum() * (doubled / denominator.checked_mul(2)?), SHOWN_DECIMALS)
        };
        write_scaled(out, scaled < 0, u64::try_from(scaled.unsigned_abs()).ok()?, decimals, style);
        Some(())
    }
}

/// Appends digits with a mark before the last `decimals`, without useless zeros.
fn write_scaled(out: &mut Vec<u8>, negative: bool, mut digits: u64, mut decimals: u32, style: Style) {
    while decimals > style.least && digits.is_multiple_of(10) {
        digits /= 10;
        decimals -= 1;
    }
    if negative {
        out.push(b'-');
    }
    let text = digits.to_string();
    let shown = decimals as usize;
    if shown == 0 {
        out.extend_from_slice(text.as_bytes());
    } else if text.len() > shown {
        let (whole, fraction) = text.split_at(text.len() - shown);
        out.extend_from_slice(whole.as_bytes());
        push_mark(out, style.mark);
        out.extend_from_slice(fraction.as_bytes());
    } else {
        out.push(b'0');
        push_mark(out, style.mark);
        out.resize(out.len() + shown - text.len(), b'0');
        out.extend_from_slice(text.as_bytes());
    }
    if shown == 0 && style.least > 0 {
        push_mark(out, style.mark);
    }
    out.resize(out.len() + (style.least as usize).saturating_sub(shown), b'0');
}

fn push_mark(out: &mut Vec<u8>, mark: char) {
    out.extend_from_slice(mark.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn writes_as_the_reference_does(
            numerator in prop_oneof![any::<i128>(), -100_000_000i128..100_000_000],
            denominator in prop_oneof![
                1..i128::MAX, 1..10_000i128, Just(365), Just(100), Just(1_000_000), (0..38u32).prop_map(|e| 10i128.pow(e)),
            ],
            least in 0..4u32,
        ) {
            let mut written = Vec::new();
            let mut divisor = Divisor::ONE;
            divisor.write(&mut written, numerator, denominator, Style { least, mark: ',' });
            let expected = format_plain(&Ratio::new(numerator.into(), denominator.into()), least, ',');
            prop_assert_eq!(String::from_utf8(written).unwrap_or_default(), expected);
        }
    }
}
