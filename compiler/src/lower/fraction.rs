//! Exact arithmetic on lowered numbers.

use num_bigint::BigInt;
use num_integer::Integer as _;
use num_traits::{One as _, Signed as _, Zero as _};

use super::Lowerer;
use crate::ir::{LIMIT, NodeId};
use crate::num::{Ratio, RoundingMode, power_of_ten};
use crate::typed::CompareOp;

/// `num × scale / product of den`. `scale` is positive; the factors of `den` are positive integers, sorted, each standing
/// for a quantity of the row that is not zero wherever the number is used.
#[derive(Clone, Debug)]
pub struct Fraction {
    pub num: NodeId,
    pub scale: Ratio,
    pub den: Vec<NodeId>,
}

impl Lowerer<'_> {
    /// A constant integer; one beyond the limit cannot be used on any row.
    pub(super) fn big(&mut self, value: &BigInt) -> NodeId {
        match i128::try_from(value.clone()) {
            Ok(value) if value.abs() <= LIMIT => self.ir.constant(value),
            _ => {
                let yes = self.ir.yes;
                self.ir.hand_over(yes, yes);
                self.ir.constant(1)
            }
        }
    }

    fn is_zero(&self, number: &Fraction) -> bool {
        self.ir.constant_of(number.num) == Some(0)
    }

    fn product(&mut self, start: NodeId, factors: &[NodeId]) -> NodeId {
        factors.iter().fold(start, |product, factor| self.ir.multiply(product, *factor))
    }

    /// Both numbers over one denominator and one scale: their integers, and what they have in common.
    pub(super) fn common(&mut self, a: &Fraction, b: &Fraction) -> (NodeId, NodeId, Fraction) {
        if self.is_zero(a) {
            return (a.num, b.num, b.clone());
        }
        if self.is_zero(b) {
            return (a.num, b.num, a.clone());
        }
        let (a_only, b_only, den) = merge(&a.den, &b.den);
        // The greatest scale of which both are whole multiples.
        let numerator = (a.scale.numer() * b.scale.denom()).gcd(&(b.scale.numer() * a.scale.denom()));
        let scale = Ratio::new(numerator, a.scale.denom() * b.scale.denom());
        let a_factor = self.big((&a.scale / &scale).numer());
        let b_factor = self.big((&b.scale / &scale).numer());
        let a_num = self.ir.multiply(a.num, a_factor);
        let a_num = self.product(a_num, &b_only);
        let b_num = self.ir.multiply(b.num, b_factor);
        let b_num = self.product(b_num, &a_only);
        (a_num, b_num, Fraction { num: a_num, scale, den })
    }

    pub(super) fn add(&mut self, a: &Fraction, b: &Fraction) -> Fraction {
        let (x, y, common) = self.common(a, b);
        Fraction { num: self.ir.add(x, y), ..common }
    }

    pub(super) fn subtract(&mut self, a: &Fraction, b: &Fraction) -> Fraction {
        let (x, y, common) = self.common(a, b);
        Fraction { num: self.ir.subtract(x, y), ..common }
    }

    pub(super) fn extremum(&mut self, largest: bool, a: &Fraction, b: &Fraction) -> Fraction {
        let (x, y, common) = self.common(a, b);
        Fraction { num: self.ir.extremum(largest, x, y), ..common }
    }

    pub(super) fn choose_number(&mut self, flag: NodeId, a: &Fraction, b: &Fraction) -> Fraction {
        if flag == self.ir.yes {
            return a.clone();
        }
        if flag == self.ir.no {
            return b.clone();
        }
        let (x, y, common) = self.common(a, b);
        Fraction { num: self.ir.select(flag, x, y), ..common }
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
        let (a_num, b_den) = self.cancelled(a.num, &b.den);
        let (b_num, a_den) = self.cancelled(b.num, &a.den);
        let mut den = a_den;
        den.extend(b_den);
        den.sort_unstable();
        Fraction { num: self.ir.multiply(a_num, b_num), scale: &a.scale * &b.scale, den }
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
        self.ir.hand_over(live, is_zero);
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
                self.ir.hand_over(live, yes);
                return self.zero();
            }
            let divisor = &b.scale * Ratio::from_integer(value.into());
            let scale = &a.scale / divisor.abs();
            let num = if divisor.is_negative() { self.ir.negate(a.num) } else { a.num };
            return Fraction { num, scale, den: a.den.clone() };
        }
        // A divisor that may be negative: its sign goes above.
        let (low, _) = self.ir.range(b.num);
        let (mut num, mut divisor) = (a.num, b.num);
        if low < 0 {
            let zero = self.ir.constant(0);
            let negative = self.ir.compare(CompareOp::Less, b.num, zero);
            let opposite = self.ir.negate(a.num);
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
        let (num, den) = self.cancelled(above, &den);
        Fraction { num, scale, den }
    }

    /// Numerator, constant and product of factors of the denominator.
    pub(super) fn as_quotient(&mut self, number: &Fraction) -> (NodeId, i128, Option<NodeId>) {
        let above = self.big(number.scale.numer());
        let numerator = self.ir.multiply(number.num, above);
        let constant = match i128::try_from(number.scale.denom().clone()) {
            Ok(constant) if constant <= LIMIT => constant,
            _ => {
                let yes = self.ir.yes;
                self.ir.hand_over(yes, yes);
                1
            }
        };
        let factor = number.den.split_first().map(|(first, rest)| self.product(*first, rest));
        (numerator, constant, factor)
    }

    /// Rounds to a number of decimals: one integer division.
    pub(super) fn round(&mut self, number: &Fraction, decimals: u32, mode: RoundingMode) -> Fraction {
        let unit = Ratio::new(BigInt::one(), power_of_ten(decimals));
        let scaled = Fraction { scale: &number.scale / &unit, ..number.clone() };
        if scaled.den.is_empty() && scaled.scale.is_integer() {
            return number.clone();
        }
        if self.is_zero(number) || number.scale.is_zero() {
            return self.zero();
        }
        let (numerator, constant, factor) = self.as_quotient(&scaled);
        let constant = self.ir.constant(constant);
        let denominator = factor.map_or(constant, |factor| self.ir.multiply(factor, constant));
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
        let num = self.ir.select(negative, opposite, quotient);
        Fraction { num, scale: unit, den: Vec::new() }
    }
}

/// What each side lacks of the other, and the union, of two sorted multisets.
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
