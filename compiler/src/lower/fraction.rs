//! Exact arithmetic on lowered numbers.

use num_bigint::BigInt;
use num_integer::Integer as _;
use num_traits::{One as _, Signed as _, Zero as _};

use super::Lowerer;
use crate::ir::{APPROXIMATE_ERROR, APPROXIMATE_RESULT, LIMIT, NodeId, Reason};
use crate::num::{Ratio, RoundingMode, binary64, power_of_ten};
use crate::typed::CompareOp;

/// Digits of the parts that approximations are at least made of: values of a million fit.
const USEFUL_DECIMALS: u32 = 8;

/// `num × scale / product of den`. `scale` is positive; the factors of `den` are positive integers, sorted, each standing
/// for a quantity of the row that is not zero wherever the number is used.
///
/// Sums of many quotients would have denominators of any size: they become whole numbers of small parts, and `error` bounds by
/// how much the exact numerator may be above `num`. What such a number decides (an order, a rounding) is decided at both ends;
/// where they disagree, only the interpreter can tell.
#[derive(Clone, Debug)]
pub struct Fraction {
    pub num: NodeId,
    pub scale: Ratio,
    pub den: Vec<NodeId>,
    /// Not negative; with one, `den` is empty or was divided by afterwards.
    pub error: i128,
}

impl Fraction {
    pub fn exact(num: NodeId, scale: Ratio, den: Vec<NodeId>) -> Self {
        Self { num, scale, den, error: 0 }
    }
}

impl Lowerer<'_> {
    /// A constant integer; one beyond the limit cannot be used on any row.
    pub(super) fn big(&mut self, value: &BigInt) -> NodeId {
        match i128::try_from(value.clone()) {
            Ok(value) if value.abs() <= LIMIT => self.ir.constant(value),
            _ => {
                let yes = self.ir.yes;
                self.ir.hand_over(yes, yes, Reason::Bound);
                self.ir.constant(1)
            }
        }
    }

    fn is_zero(&self, number: &Fraction) -> bool {
        number.error == 0 && self.ir.constant_of(number.num) == Some(0)
    }

    fn product(&mut self, start: NodeId, factors: &[NodeId]) -> NodeId {
        factors.iter().fold(start, |product, factor| self.ir.multiply(product, *factor))
    }

    /// Both numbers over one denominator and one scale: what they have in common, with each numerator and its error.
    pub(super) fn common(&mut self, a: &Fraction, b: &Fraction) -> (Fraction, Fraction) {
        if self.is_zero(a) {
            return (Fraction { num: a.num, error: 0, ..b.clone() }, b.clone());
        }
        if self.is_zero(b) {
            return (a.clone(), Fraction { num: b.num, error: 0, ..a.clone() });
        }
        let (a_only, b_only, den) = merge(&a.den, &b.den);
        let (scale, a_factor, b_factor) = common_scale(&a.scale, &b.scale);
        if self.common_size(a, b) > BigInt::from(LIMIT / 4) && !(a.den.is_empty() && b.den.is_empty()) {
            let (a, b) = (self.approximated(a), self.approximated(b));
            return self.common(&a, &b);
        }
        let mut over = |number: &Fraction, factor: &BigInt, others: &[NodeId]| {
            let mut error = number.error;
            let factor = self.big(factor);
            for other in others.iter().chain([&factor]) {
                error = error.saturating_mul(self.ir.magnitude(*other));
            }
            let num = self.ir.multiply(number.num, factor);
            let num = self.product(num, others);
            Fraction { num, scale: scale.clone(), den: den.clone(), error: self.bounded(error) }
        };
        (over(a, &a_factor, &b_only), over(b, &b_factor, &a_only))
    }

    /// What the longer numerator may be once two numbers stand over one denominator and one scale.
    fn common_size(&self, a: &Fraction, b: &Fraction) -> BigInt {
        let (a_only, b_only, _) = merge(&a.den, &b.den);
        let (_, a_factor, b_factor) = common_scale(&a.scale, &b.scale);
        let size = |number: &Fraction, factor: BigInt, others: &[NodeId]| {
            let own = BigInt::from(self.ir.magnitude(number.num) + number.error) * factor;
            others.iter().fold(own, |size, other| size * self.ir.magnitude(*other))
        };
        size(a, a_factor, &b_only).max(size(b, b_factor, &a_only))
    }

    /// An error that is not beyond use.
    fn bounded(&mut self, error: i128) -> i128 {
        if error > LIMIT / 4 {
            let yes = self.ir.yes;
            self.ir.hand_over(yes, yes, Reason::Approximation);
            return 0;
        }
        error
    }

    /// A quotient of the row as a whole number of small parts.
    fn approximated(&mut self, number: &Fraction) -> Fraction {
        if number.den.is_empty() {
            return number.clone();
        }
        let one = self.ir.constant(1);
        let num = number.num;
        let den = self.product(one, &number.den);
        // The smallest parts of which the greatest value has not too many; of what has no useful bound, rows that are beyond
        // one are handed over.
        let least = self.ir.range(den).0.max(1);
        let most = &number.scale * Ratio::new(self.ir.magnitude(num).into(), least.into());
        let bound = Ratio::from_integer(APPROXIMATE_RESULT.into());
        let mut decimals = USEFUL_DECIMALS;
        while decimals < 40 && &most * Ratio::from_integer(power_of_ten(decimals + 1)) < bound {
            decimals += 1;
        }
        let unit = Ratio::new(BigInt::one(), power_of_ten(decimals));
        let factor = &number.scale / &unit;
        let own = (Ratio::new(number.error.into(), least.into()) * &factor).ceil().to_integer();
        let own = i128::try_from(own).unwrap_or(i128::MAX).saturating_add(APPROXIMATE_ERROR);
        let num = self.ir.approximate(num, den, binary64(&factor));
        Fraction { num, scale: unit, den: Vec::new(), error: self.bounded(own) }
    }

    pub(super) fn add(&mut self, a: &Fraction, b: &Fraction) -> Fraction {
        let (a, b) = self.common(a, b);
        Fraction { num: self.ir.add(a.num, b.num), error: a.error + b.error, ..a }
    }

    pub(super) fn subtract(&mut self, a: &Fraction, b: &Fraction) -> Fraction {
        let (a, b) = self.common(a, b);
        let most = self.end(&b);
        Fraction { num: self.ir.subtract(a.num, most), error: a.error + b.error, ..a }
    }

    /// The upper end of the numerator.
    pub(super) fn end(&mut self, number: &Fraction) -> NodeId {
        let error = self.ir.constant(number.error);
        self.ir.add(number.num, error)
    }

    pub(super) fn extremum(&mut self, largest: bool, a: &Fraction, b: &Fraction) -> Fraction {
        if a.error == 0 && b.error == 0 && !self.merges(a, b) && self.common_size(a, b) <= BigInt::from(LIMIT / 4) {
            let op = if largest { CompareOp::GreaterOrEqual } else { CompareOp::LessOrEqual };
            let flag = self.compare_numbers(op, a, b);
            return self.choose_number(flag, a, b);
        }
        let (a, b) = self.common(a, b);
        Fraction { num: self.ir.extremum(largest, a.num, b.num), error: a.error.max(b.error), ..a }
    }

    pub(super) fn choose_number(&mut self, flag: NodeId, a: &Fraction, b: &Fraction) -> Fraction {
        if flag == self.ir.yes {
            return a.clone();
        }
        if flag == self.ir.no {
            return b.clone();
        }
        if self.merges(a, b) {
            let (a, b) = self.common(a, b);
            return Fraction { num: self.ir.select(flag, a.num, b.num), error: a.error.max(b.error), ..a };
        }
        // Each with its own denominator: their product would only make the integers longer.
        let [a, b] = [a, b].map(|number| self.with_short_denominator(number));
        let one = self.ir.constant(1);
        let [a_den, b_den] = [&a.den, &b.den].map(|den| self.product(one, den));
        let bare = |number: Fraction| Fraction { den: Vec::new(), ..number };
        let (a, b) = self.common(&bare(a), &bare(b));
        let num = self.ir.select(flag, a.num, b.num);
        let den = self.ir.select(flag, a_den, b_den);
        let den = if self.ir.constant_of(den) == Some(1) { Vec::new() } else { vec![den] };
        Fraction { num, error: a.error.max(b.error), den, ..a }
    }

    /// A number of which the denominator fits.
    fn with_short_denominator(&mut self, number: &Fraction) -> Fraction {
        let size = number.den.iter().fold(BigInt::one(), |size, factor| size * self.ir.magnitude(*factor));
        if size > BigInt::from(LIMIT) { self.approximated(number) } else { number.clone() }
    }

    /// Whether one denominator serves two numbers, and leaves them short.
    fn merges(&self, a: &Fraction, b: &Fraction) -> bool {
        if self.is_zero(a) || self.is_zero(b) || a.den == b.den {
            return true;
        }
        let (a_only, b_only, _) = merge(&a.den, &b.den);
        (a_only.is_empty() || b_only.is_empty()) && self.common_size(a, b) < BigInt::from(1u64 << 63)
    }

    /// Cancels what stands as a factor above and below.
    fn cancelled(&mut self, num: NodeId, den: &[NodeId]) -> (NodeId, Vec<NodeId>) {
        if den.is_empty() {
            return (num, Vec::new());
        }
        let mut above = self.ir.factors(num);
        let mut below = Vec::new();
        let mut zeros = Vec::new();
        let mut changed = false;
        for factor in den {
            // A denominator stands guarded against zero; what it guards may be the factor above, and then
            // x / max(x, 1) is 1, or 0 where x is.
            let bare = self.unguarded(*factor);
            if let Some(index) = above.iter().position(|f| f == factor) {
                above.remove(index);
                changed = true;
            } else if let Some(index) = above.iter().position(|f| *f == bare) {
                above.remove(index);
                zeros.push(bare);
                changed = true;
            } else {
                below.push(*factor);
            }
        }
        if !changed {
            return (num, den.to_vec());
        }
        let one = self.ir.constant(1);
        let mut num = self.product(one, &above);
        for bare in zeros {
            let zero = self.ir.constant(0);
            let is_zero = self.ir.compare(CompareOp::Equal, bare, zero);
            num = self.ir.select(is_zero, zero, num);
        }
        (num, below)
    }

    pub(super) fn multiply(&mut self, a: &Fraction, b: &Fraction) -> Fraction {
        if self.is_zero(a) || self.is_zero(b) {
            return self.zero();
        }
        if a.error > 0 || b.error > 0 {
            return self.multiply_ends(a, b);
        }
        let (a_num, b_den) = self.cancelled(a.num, &b.den);
        let (b_num, a_den) = self.cancelled(b.num, &a.den);
        let size = BigInt::from(self.ir.magnitude(a_num)) * self.ir.magnitude(b_num);
        if size > BigInt::from(LIMIT) && !(a_den.is_empty() && b_den.is_empty()) {
            let (a, b) = (self.approximated(a), self.approximated(b));
            return self.multiply_ends(&a, &b);
        }
        let mut den = a_den;
        den.extend(b_den);
        den.sort_unstable();
        Fraction::exact(self.ir.multiply(a_num, b_num), &a.scale * &b.scale, den)
    }

    /// The product of numbers that may not be exact: `(x + ε)(y + δ) = xy + εy + δx + εδ`.
    fn multiply_ends(&mut self, a: &Fraction, b: &Fraction) -> Fraction {
        let (x, y) = (self.ir.range(a.num), self.ir.range(b.num));
        let part = |error: i128, (low, high): (i128, i128), other: i128| {
            let most = high.max(0).saturating_add(other);
            (error.saturating_mul(low.min(0)), error.saturating_mul(most))
        };
        let (below_a, above_a) = part(a.error, y, b.error);
        let (below_b, above_b) = part(b.error, x, 0);
        let below = below_a.saturating_add(below_b);
        let error = above_a.saturating_add(above_b).saturating_sub(below);
        let error = self.bounded(error);
        let product = self.ir.multiply(a.num, b.num);
        let below = self.ir.constant(below.max(-LIMIT / 4));
        let num = self.ir.add(product, below);
        let mut den = [&a.den[..], &b.den[..]].concat();
        den.sort_unstable();
        Fraction { num, scale: &a.scale * &b.scale, den, error }
    }

    /// A factor that may stand below: 1 where it is zero, and the row handed over where that is read.
    fn guarded(&mut self, factor: NodeId, live: NodeId) -> NodeId {
        let (low, _) = self.ir.range(factor);
        if low > 0 {
            return factor;
        }
        let zero = self.ir.constant(0);
        let one = self.ir.constant(1);
        let is_zero = self.ir.compare(CompareOp::Equal, factor, zero);
        self.ir.hand_over(live, is_zero, Reason::ZeroDivisor);
        self.ir.extremum(true, factor, one)
    }

    fn unguarded(&self, factor: NodeId) -> NodeId {
        match self.ir.op(factor) {
            crate::ir::Op::Maximum(a, b) if self.ir.constant_of(b) == Some(1) => a,
            crate::ir::Op::Maximum(a, b) if self.ir.constant_of(a) == Some(1) => b,
            _ => factor,
        }
    }

    pub(super) fn divide(&mut self, a: &Fraction, b: &Fraction, live: NodeId) -> Fraction {
        if let Some(value) = self.ir.constant_of(b.num)
            && b.den.is_empty()
        {
            if value == 0 {
                let yes = self.ir.yes;
                self.ir.hand_over(live, yes, Reason::ZeroDivisor);
                return self.zero();
            }
            let divisor = &b.scale * Ratio::from_integer(value.into());
            let scale = &a.scale / divisor.abs();
            let num = if divisor.is_negative() {
                let end = self.end(a);
                self.ir.negate(end)
            } else {
                a.num
            };
            return Fraction { num, scale, den: a.den.clone(), error: a.error };
        }
        if b.error > 0 {
            let yes = self.ir.yes;
            self.ir.hand_over(live, yes, Reason::Approximation);
            return self.zero();
        }
        // A divisor that may be negative: its sign goes above.
        let (low, _) = self.ir.range(b.num);
        let (mut num, mut divisor) = (a.num, b.num);
        if low < 0 {
            let zero = self.ir.constant(0);
            let negative = self.ir.compare(CompareOp::Less, b.num, zero);
            let end = self.end(a);
            let opposite = self.ir.negate(end);
            num = self.ir.select(negative, opposite, a.num);
            let magnitude = self.ir.negate(b.num);
            divisor = self.ir.extremum(true, b.num, magnitude);
        }
        let factors: Vec<NodeId> = self.ir.factors(divisor);
        let mut scale = &a.scale / &b.scale;
        let mut den = a.den.clone();
        for factor in factors {
            match self.ir.constant_of(factor) {
                Some(value) => scale /= Ratio::from_integer(value.into()),
                None => den.push(self.guarded(factor, live)),
            }
        }
        den.sort_unstable();
        // What the divisor was divided by comes above.
        let above = self.product(num, &b.den);
        if a.error > 0 {
            let error = b.den.iter().fold(a.error, |error, factor| error.saturating_mul(self.ir.magnitude(*factor)));
            return Fraction { num: above, scale, den, error: self.bounded(error) };
        }
        let (num, den) = self.cancelled(above, &den);
        Fraction::exact(num, scale, den)
    }

    /// Numerator, constant and product of factors of the denominator.
    pub(super) fn as_quotient(&mut self, number: &Fraction) -> (NodeId, i128, Option<NodeId>) {
        let above = self.big(number.scale.numer());
        let numerator = self.ir.multiply(number.num, above);
        let constant = match i128::try_from(number.scale.denom().clone()) {
            Ok(constant) if constant <= LIMIT => constant,
            _ => {
                let yes = self.ir.yes;
                self.ir.hand_over(yes, yes, Reason::Bound);
                1
            }
        };
        let factor = number.den.split_first().map(|(first, rest)| self.product(*first, rest));
        (numerator, constant, factor)
    }

    /// Rounds to a number of decimals: one integer division, or one for each end of what is not exact.
    pub(super) fn round(&mut self, number: &Fraction, decimals: u32, mode: RoundingMode) -> Fraction {
        let unit = Ratio::new(BigInt::one(), power_of_ten(decimals));
        let scaled = Fraction { scale: &number.scale / &unit, ..number.clone() };
        if scaled.den.is_empty() && scaled.scale.is_integer() && scaled.error == 0 {
            return number.clone();
        }
        if self.is_zero(number) || number.scale.is_zero() {
            return self.zero();
        }
        let (numerator, constant, factor) = self.as_quotient(&scaled);
        let constant = self.ir.constant(constant);
        let denominator = factor.map_or(constant, |factor| self.ir.multiply(factor, constant));
        let num = self.rounded(numerator, denominator, mode);
        if number.error > 0 {
            let times = i128::try_from(scaled.scale.numer().clone()).unwrap_or(LIMIT);
            let error = self.bounded(number.error.saturating_mul(times));
            let error = self.ir.constant(error);
            let end = self.ir.add(numerator, error);
            let end = self.rounded(end, denominator, mode);
            let differ = self.ir.compare(CompareOp::NotEqual, num, end);
            let yes = self.ir.yes;
            self.ir.hand_over(yes, differ, Reason::Approximation);
        }
        Fraction::exact(num, unit, Vec::new())
    }

    /// A quotient rounded to an integer; the denominator is positive.
    fn rounded(&mut self, numerator: NodeId, denominator: NodeId, mode: RoundingMode) -> NodeId {
        let (low, high) = self.ir.range(numerator);
        let zero = self.ir.constant(0);
        let negative = self.ir.compare(CompareOp::Less, numerator, zero);
        let magnitude = if low >= 0 {
            numerator
        } else if high <= 0 {
            self.ir.negate(numerator)
        } else {
            let opposite = self.ir.negate(numerator);
            self.ir.extremum(true, numerator, opposite)
        };
        let quotient = match mode {
            RoundingMode::HalfAway => {
                let two = self.ir.constant(2);
                let doubled = self.ir.multiply(magnitude, two);
                let shifted = self.ir.add(doubled, denominator);
                let divisor = self.ir.multiply(denominator, two);
                self.ir.floor_divide(shifted, divisor)
            }
            RoundingMode::Down | RoundingMode::Up => {
                // Away from zero on one side of it.
                let not_negative = self.ir.not(negative);
                let away = if mode == RoundingMode::Down { negative } else { not_negative };
                let one = self.ir.constant(1);
                let almost = self.ir.subtract(denominator, one);
                let shift = self.ir.select(away, almost, zero);
                let shifted = self.ir.add(magnitude, shift);
                self.ir.floor_divide(shifted, denominator)
            }
        };
        let opposite = self.ir.negate(quotient);
        self.ir.select(negative, opposite, quotient)
    }
}

/// What each side lacks of the other, and the union, of two sorted multisets.
/// The greatest scale of which both are whole multiples, and which.
fn common_scale(a: &Ratio, b: &Ratio) -> (Ratio, BigInt, BigInt) {
    let numerator = (a.numer() * b.denom()).gcd(&(b.numer() * a.denom()));
    let scale = Ratio::new(numerator, a.denom() * b.denom());
    let [a_factor, b_factor] = [a, b].map(|number| (number / &scale).to_integer());
    (scale, a_factor, b_factor)
}

fn merge(a: &[NodeId], b: &[NodeId]) -> (Vec<NodeId>, Vec<NodeId>, Vec<NodeId>) {
    let (mut a_only, mut b_only, mut union) = (Vec::new(), Vec::new(), Vec::new());
    let (mut i, mut j) = (0, 0);
    loop {
        match (a.get(i), b.get(j)) {
            (None, None) => return (a_only, b_only, union),
            (Some(x), Some(y)) if x == y => {
                union.push(*x);
                i += 1;
                j += 1;
            }
            (Some(x), y) if y.is_none_or(|y| x < y) => {
                a_only.push(*x);
                union.push(*x);
                i += 1;
            }
            (_, Some(y)) => {
                b_only.push(*y);
                union.push(*y);
                j += 1;
            }
            (Some(_), None) => unreachable!("the guard above takes this case"),
        }
    }
}
