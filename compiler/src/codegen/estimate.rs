//! Wide integers in machine code, and quotients: the only place where binary floating point stands between an input and a
//! result, and why it cannot change one.
//!
//! A wide integer `x` is carried twice: modulo 2⁶⁴, exactly, and as an estimate `e` in binary64. [`super::width`] bounds
//! `|e - x|` from the intervals: every operation rounds once. Two such integers whose estimates differ by less than 2⁶² differ
//! by less than 2⁶³ as long as the errors of both are below 2⁶¹: their difference modulo 2⁶⁴, read as a signed integer, is then
//! their difference. If the estimates differ by more, they tell the order. Where the errors are larger, rows whose estimates
//! are closer than them are handed over.
//!
//! A quotient is estimated, then *proved* by the integer remainder: `n - q·d` must lie between zero and `d`. The estimate of
//! the quotient is below 2⁵⁰ and the divisor below 2⁶⁰, else the row is handed over: the remainder is then below 2⁶² in
//! magnitude whatever the estimate, so that computing it modulo 2⁶⁴ loses nothing.

use cranelift::prelude::*;

use super::emit::{Emitter, Lanes};
use super::width::{self, EXACT};
use crate::ir::NodeId;
use crate::num::{Ratio, binary64};
use crate::typed::CompareOp;

/// Integers of less than 2⁵¹ added to it, bit for bit, make 1.5·2⁵² plus themselves.
const MAGIC: u64 = 0x4338_0000_0000_0000;
/// The bits of 2⁵²: an integer of 32 bits in place of its lowest makes 2⁵² plus itself.
const TWO_52: u64 = 0x4330_0000_0000_0000;
const SIGN: u64 = 1 << 63;
/// Bound of the quotients that are proved.
const QUOTIENT_BITS: u32 = 50;
/// Bound of their divisors.
const DIVISOR_BITS: u32 = 60;
/// Estimates that are closer are of integers whose difference fits 64 bits.
const NEAR_BITS: u32 = 62;

/// The integer that a binary64 number without fraction is, from its bits.
pub fn integer_of(bits: u64) -> i128 {
    let exponent = ((bits >> 52) & 0x7ff) as i32;
    if exponent == 0 {
        return 0;
    }
    let mantissa = i128::from((bits & ((1 << 52) - 1)) | (1 << 52));
    let shift = exponent - 1023 - 52;
    let magnitude = if shift >= 0 { mantissa << shift.min(70) } else { mantissa >> (-shift).min(100) };
    if bits & SIGN == 0 { magnitude } else { -magnitude }
}

fn power_of_two(exponent: u32) -> u64 {
    u64::from(exponent + 1023) << 52
}

impl Emitter<'_> {
    fn float_bits(&mut self, bits: u64) -> Value {
        self.vector(types::F64X2, &bits.to_le_bytes())
    }

    fn float(&mut self, value: &Ratio) -> Value {
        self.float_bits(binary64(value))
    }

    pub(super) fn as_bits(&mut self, value: Value, ty: Type) -> Value {
        let flags = MemFlagsData::new().with_endianness(codegen::ir::Endianness::Little);
        self.builder.ins().bitcast(ty, flags, value)
    }

    /// Integers below 2⁵¹ in magnitude, as they are.
    pub(super) fn exact_estimate(&mut self, value: Value) -> Value {
        let magic = self.vector(types::I64X2, &MAGIC.to_le_bytes());
        let shifted = self.builder.ins().iadd(value, magic);
        let shifted = self.as_bits(shifted, types::F64X2);
        let magic = self.float_bits(MAGIC);
        self.builder.ins().fsub(shifted, magic)
    }

    /// Any integers of 64 bits, to nearest: from their halves, each of which is exact.
    fn full_estimate(&mut self, value: Value) -> Value {
        let sign = self.vector(types::I64X2, &SIGN.to_le_bytes());
        let lifted = self.builder.ins().bxor(value, sign);
        let high = self.builder.ins().ushr_imm_u(lifted, 32);
        let low_bits = self.vector(types::I64X2, &u64::from(u32::MAX).to_le_bytes());
        let low = self.builder.ins().band(lifted, low_bits);
        let [high, low] = [high, low].map(|half| {
            let two_52 = self.vector(types::I64X2, &TWO_52.to_le_bytes());
            let placed = self.builder.ins().bor(half, two_52);
            self.as_bits(placed, types::F64X2)
        });
        let [two_52, lift] = [self.float_bits(TWO_52), self.float_bits(power_of_two(31))];
        let high = self.builder.ins().fsub(high, two_52);
        let high = self.builder.ins().fsub(high, lift);
        let low = self.builder.ins().fsub(low, two_52);
        let weight = self.float_bits(power_of_two(32));
        let high = self.builder.ins().fmul(high, weight);
        self.builder.ins().fadd(high, low)
    }

    /// The nearest integers of numbers below 2⁵¹ in magnitude.
    fn nearest(&mut self, value: Value) -> Value {
        let magic = self.float_bits(MAGIC);
        let shifted = self.builder.ins().fadd(value, magic);
        let shifted = self.as_bits(shifted, types::I64X2);
        let magic = self.vector(types::I64X2, &MAGIC.to_le_bytes());
        self.builder.ins().isub(shifted, magic)
    }

    /// The estimates of a node, exact where it is below 2⁵¹.
    pub(super) fn estimates(&mut self, id: NodeId) -> [Value; 4] {
        if let Some(known) = self.floats.get(&id) {
            return *known;
        }
        let exact = width::magnitude(self.work.kernel.node(id).range) < EXACT.unsigned_abs();
        let estimates = match self.get(id) {
            Lanes::Wide(_, estimates) => estimates,
            Lanes::I64(lanes) if exact => lanes.map(|lane| self.exact_estimate(lane)),
            Lanes::I64(lanes) => lanes.map(|lane| self.full_estimate(lane)),
            _ => {
                let halves = self.i32(id);
                let mut lanes = Vec::with_capacity(4);
                for half in halves {
                    let low = self.builder.ins().swiden_low(half);
                    lanes.push(self.builder.ins().fcvt_from_sint(types::F64X2, low));
                    let high = self.builder.ins().swiden_high(half);
                    // The pattern for the low half is one instruction.
                    lanes.push(self.exact_estimate(high));
                }
                [lanes[0], lanes[1], lanes[2], lanes[3]]
            }
        };
        self.floats.insert(id, estimates);
        estimates
    }

    /// A constant, modulo 2⁶⁴ and estimated.
    pub(super) fn wide_constant(&mut self, value: i128) -> Lanes {
        let rest = self.vector(types::I64X2, &(value as i64).to_le_bytes());
        let estimate = self.float(&Ratio::from_integer(value.into()));
        Lanes::Wide([rest; 4], [estimate; 4])
    }

    /// Compares two integers, at least one of them wide.
    pub(super) fn compare_wide(&mut self, op: CompareOp, a: NodeId, b: NodeId) -> [Value; 4] {
        let (code, float_code) = match op {
            CompareOp::Equal => (IntCC::Equal, FloatCC::Equal),
            CompareOp::NotEqual => (IntCC::NotEqual, FloatCC::NotEqual),
            CompareOp::Less => (IntCC::SignedLessThan, FloatCC::LessThan),
            CompareOp::LessOrEqual => (IntCC::SignedLessThanOrEqual, FloatCC::LessThanOrEqual),
            CompareOp::Greater => (IntCC::SignedGreaterThan, FloatCC::GreaterThan),
            CompareOp::GreaterOrEqual => (IntCC::SignedGreaterThanOrEqual, FloatCC::GreaterThanOrEqual),
        };
        let (errors, at) = (self.work.errors, |id| width::magnitude(self.work.kernel.node(id).range));
        let [ea, eb] = [a, b].map(|id| width::error_of(self.work.kernel, errors, id));
        let sum = ea.saturating_add(eb);
        let error = sum.saturating_add(width::rounding(at(a).saturating_add(at(b)).saturating_add(sum)));
        let sure = error < 1 << (NEAR_BITS - 1);
        let (rest_a, rest_b) = (self.i64(a), self.i64(b));
        let (float_a, float_b) = (self.estimates(a), self.estimates(b));
        let mut doubt = Vec::new();
        let result = std::array::from_fn(|i| {
            let rest = self.builder.ins().isub(rest_a[i], rest_b[i]);
            let distance = self.builder.ins().fsub(float_a[i], float_b[i]);
            let size = self.builder.ins().fabs(distance);
            let near = self.float_bits(power_of_two(NEAR_BITS));
            let near = self.builder.ins().fcmp(FloatCC::LessThan, size, near);
            let zero = self.vector(types::I64X2, &[0; 8]);
            let exact = self.builder.ins().icmp(code, rest, zero);
            let zero = self.as_bits(zero, types::F64X2);
            let far = self.builder.ins().fcmp(float_code, distance, zero);
            if sure {
                return self.builder.ins().bitselect(near, exact, far);
            }
            let known = i128::try_from(error).unwrap_or(i128::MAX);
            let least = self.float(&Ratio::from_integer((known + (known >> 50)).into()));
            // Not « less or equal »: what is not a number is in doubt as well.
            let apart = self.builder.ins().fcmp(FloatCC::GreaterThan, size, least);
            doubt.push(self.builder.ins().bnot(apart));
            far
        });
        if let Ok(doubt) = <[Value; 4]>::try_from(doubt) {
            let doubt = self.flag_of_i64(doubt);
            self.doubts.push(doubt);
        }
        result
    }

    /// Whether wide integers may be above a bound: their estimates are, less what they may be off by.
    pub(super) fn estimates_exceed(&mut self, a: NodeId, estimates: [Value; 4], bound: i128) -> [Value; 4] {
        let error = width::error_of(self.work.kernel, self.work.errors, a);
        let least = bound.saturating_sub(i128::try_from(error).unwrap_or(i128::MAX)).max(0);
        let least = self.float(&Ratio::from_integer(least.into()));
        estimates.map(|estimate| {
            let size = self.builder.ins().fabs(estimate);
            let beyond = self.builder.ins().fcmp(FloatCC::GreaterThan, size, least);
            self.as_bits(beyond, types::I64X2)
        })
    }

    /// Floor of a non-negative integer below 2⁴⁸ over a constant: `(a + ½) / c` is at least `½ / c` from the two integers
    /// around it, which is more than its two roundings.
    pub(super) fn divide_by_constant(&mut self, a: NodeId, divisor: i128) -> [Value; 4] {
        let estimates = self.estimates(a);
        let inverse = self.float(&Ratio::new(1.into(), divisor.into()));
        let half = self.float(&Ratio::new(1.into(), 2.into()));
        estimates.map(|estimate| {
            let middle = self.builder.ins().fadd(estimate, half);
            let ratio = self.builder.ins().fmul(middle, inverse);
            let below = self.builder.ins().fsub(ratio, half);
            self.nearest(below)
        })
    }

    /// Floor of a non-negative integer over a positive one.
    pub(super) fn floor_divide(&mut self, a: NodeId, b: NodeId) -> [Value; 4] {
        let (rest_a, rest_b) = (self.i64(a), self.i64(b));
        let float_a = self.estimates(a);
        let most = |id: NodeId| width::magnitude(self.work.kernel.node(id).range);
        let least = self.work.kernel.node(b).range.map_or(1, |(low, _)| low.max(1).unsigned_abs());
        let is_wide = |id| matches!(self.get(id), Lanes::Wide(..));
        let proved = most(a) / least < 1 << QUOTIENT_BITS && most(b) < 1 << DIVISOR_BITS && !is_wide(a);
        let exact = most(a) < EXACT.unsigned_abs() && most(b) < EXACT.unsigned_abs();
        if proved || exact {
            // The estimate is less than a quarter off: the nearest integer is the floor or one more.
            let float_b = self.estimates(b);
            return std::array::from_fn(|i| {
                let ratio = self.builder.ins().fdiv(float_a[i], float_b[i]);
                let quotient = self.nearest(ratio);
                let product = self.builder.ins().imul(quotient, rest_b[i]);
                let below = self.builder.ins().icmp(IntCC::SignedLessThan, rest_a[i], product);
                self.builder.ins().iadd(quotient, below)
            });
        }
        let wide_b = matches!(self.get(b), Lanes::Wide(..));
        let float_b = self.estimates(b);
        let hopeless = [a, b].iter().any(|id| {
            let error = width::error_of(self.work.kernel, self.work.errors, *id);
            error >= 1 << (DIVISOR_BITS - 1)
        });
        let mut doubt = Vec::new();
        let result = std::array::from_fn(|i| {
            let bound = self.float_bits(power_of_two(DIVISOR_BITS));
            let divisor_fits = self.builder.ins().fcmp(FloatCC::LessThan, float_b[i], bound);
            // A divisor that fits 64 bits is better known than by its estimate.
            let divisor = if wide_b { self.full_estimate(rest_b[i]) } else { float_b[i] };
            let ratio = self.builder.ins().fdiv(float_a[i], divisor);
            let bound = self.float_bits(power_of_two(QUOTIENT_BITS));
            let size = self.builder.ins().fabs(ratio);
            let fits = self.builder.ins().fcmp(FloatCC::LessThan, size, bound);
            let fits = self.builder.ins().band(fits, divisor_fits);
            let fits = self.as_bits(fits, types::I64X2);
            let quotient = self.nearest(ratio);
            let product = self.builder.ins().imul(quotient, rest_b[i]);
            let remainder = self.builder.ins().isub(rest_a[i], product);
            let zero = self.vector(types::I64X2, &[0; 8]);
            // One too many?
            let negative = self.builder.ins().icmp(IntCC::SignedLessThan, remainder, zero);
            let quotient = self.builder.ins().iadd(quotient, negative);
            let back = self.builder.ins().band(negative, rest_b[i]);
            let remainder = self.builder.ins().iadd(remainder, back);
            // One too few?
            let excess = self.builder.ins().icmp(IntCC::SignedGreaterThanOrEqual, remainder, rest_b[i]);
            let quotient = self.builder.ins().isub(quotient, excess);
            let back = self.builder.ins().band(excess, rest_b[i]);
            let remainder = self.builder.ins().isub(remainder, back);
            let negative = self.builder.ins().icmp(IntCC::SignedLessThan, remainder, zero);
            let excess = self.builder.ins().icmp(IntCC::SignedGreaterThanOrEqual, remainder, rest_b[i]);
            let wrong = self.builder.ins().bor(negative, excess);
            let unfit = self.builder.ins().bnot(fits);
            doubt.push(self.builder.ins().bor(wrong, unfit));
            quotient
        });
        if hopeless {
            let all = self.flag_constant(true);
            self.doubts.push(all);
        } else if let Ok(doubt) = <[Value; 4]>::try_from(doubt) {
            let doubt = self.flag_of_i64(doubt);
            self.doubts.push(doubt);
        }
        result
    }

    /// `factor × a / b` to nearest, less one; of operands below 2⁵¹, and below 2⁴⁷.
    pub(super) fn approximate(&mut self, a: NodeId, b: NodeId, factor: u64) -> [Value; 4] {
        let (above, below) = (self.estimates(a), self.estimates(b));
        let one = self.vector(types::I64X2, &1i64.to_le_bytes());
        std::array::from_fn(|i| {
            let ratio = self.builder.ins().fdiv(above[i], below[i]);
            let factor = self.float_bits(factor);
            let scaled = self.builder.ins().fmul(ratio, factor);
            let nearest = self.nearest(scaled);
            self.builder.ins().isub(nearest, one)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::num::integer;

    #[test]
    fn integers_come_back_from_their_bits() {
        for exponent in 0..110 {
            for value in [1i128 << exponent, -(1i128 << exponent), (3i128 << exponent) - (1 << exponent.max(52) >> 52)]
            {
                let back = integer_of(binary64(&Ratio::from_integer(value.into())));
                assert!((back - value).unsigned_abs() <= value.unsigned_abs() >> 52, "{value} {back}");
            }
        }
        assert_eq!(integer_of(binary64(&integer(0))), 0);
        assert_eq!(binary64(&integer(1)), 1023 << 52);
        assert_eq!(binary64(&Ratio::new((-1).into(), 2.into())), SIGN | (1022 << 52));
    }
}
