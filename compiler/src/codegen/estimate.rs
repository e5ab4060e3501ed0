//! Quotients in machine code: the only place where binary floating point stands between an input and a result, and why it
//! cannot change one.
//!
//! A quotient is estimated, then corrected by the integer remainder, `n - q·d`, which must lie between zero and `d`. Where the
//! intervals bound the error of the estimate below one, one correction makes it exact. Of integers of 128 bits the remainder
//! *proves* it: where it does not, the row is handed over. An approximation is wanted as such: its error is bounded here, and
//! lowering takes both ends.

use cranelift::codegen::ir::BlockArg;
use cranelift::prelude::*;

use super::Width;
use super::emit::{Emitter, Lanes};
use super::width::{self, EXACT};
use crate::ir::{APPROXIMATE_RESULT, NodeId, Op};
use crate::num::{Ratio, binary64};
use crate::typed::CompareOp;

/// Integers of less than 2⁵¹ added to it, bit for bit, make 1.5·2⁵² plus themselves.
const MAGIC: u64 = 0x4338_0000_0000_0000;
/// The bits of 2⁵²: an integer of 32 bits in place of its lowest makes 2⁵² plus itself.
const TWO_52: u64 = 0x4330_0000_0000_0000;
const SIGN: u64 = 1 << 63;
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
        if let Some(known) = self.known.floats.get(&id) {
            return *known;
        }
        let exact = width::magnitude(self.work.kernel.node(id).range) < EXACT.unsigned_abs();
        let estimates = match self.get(id) {
            Lanes::I128(lanes) => {
                let negative_too = self.work.kernel.node(id).range.is_none_or(|(low, _)| low < 0);
                let lanes = lanes.map(|lane| self.as_float(lane, negative_too));
                self.vectors(types::F64X2, lanes)
            }
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
        self.known.floats.insert(id, estimates);
        estimates
    }

    /// An integer of 128 bits to binary64, a few units of the last place off.
    fn as_float(&mut self, value: Value, negative_too: bool) -> Value {
        if !negative_too {
            return self.magnitude_as_float(value);
        }
        // Halves of opposite signs would lose a small number in what they cancel.
        let zero = self.constant_i128(0);
        let negative = self.builder.ins().icmp(IntCC::SignedLessThan, value, zero);
        let opposite = self.builder.ins().isub(zero, value);
        let magnitude = self.select_i128(negative, opposite, value);
        let float = self.magnitude_as_float(magnitude);
        let minus = self.builder.ins().fneg(float);
        self.builder.ins().select(negative, minus, float)
    }

    fn magnitude_as_float(&mut self, value: Value) -> Value {
        let (low, high) = self.builder.ins().isplit(value);
        let low = self.builder.ins().fcvt_from_uint(types::F64, low);
        let high = self.builder.ins().fcvt_from_uint(types::F64, high);
        let weight = self.float_bits(power_of_two(64));
        let weight = self.builder.ins().extractlane(weight, 0);
        let high = self.builder.ins().fmul(high, weight);
        self.builder.ins().fadd(high, low)
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
    pub(super) fn floor_divide(&mut self, a: NodeId, b: NodeId, id: NodeId) -> Lanes {
        if self.work.lazy.divides(self.work.kernel, id) {
            return self.floor_by_estimates(a, b, id);
        }
        let (whole_a, whole_b) = (self.i64(a), self.i64(b));
        let (float_a, float_b) = (self.estimates(a), self.estimates(b));
        // The estimate is less than a half off: the nearest integer is the floor or one more.
        Lanes::I64(std::array::from_fn(|i| {
            let ratio = self.builder.ins().fdiv(float_a[i], float_b[i]);
            let quotient = self.nearest(ratio);
            let product = self.builder.ins().imul(quotient, whole_b[i]);
            let below = self.builder.ins().icmp(IntCC::SignedLessThan, whole_a[i], product);
            self.builder.ins().iadd(quotient, below)
        }))
    }

    /// The same where an estimate may be more than a half off. Where its error leaves one floor only, that is it; else the
    /// integers are computed, aside, for the eight rows: few of them come near a whole number.
    fn floor_by_estimates(&mut self, a: NodeId, b: NodeId, id: NodeId) -> Lanes {
        let work = self.work;
        let lazy = work.lazy;
        let most = work.kernel.node(id).range.map_or(0, |(_, high)| high);
        let (float_a, float_b) = (self.estimates(a), self.estimates(b));
        // Those of the operands, the quotient, what they make of each other, and the two ends.
        let error = Ratio::new(i128::from(lazy.error(a) + lazy.error(b) + 5).into(), (1i128 << 53).into());
        let most_float = Ratio::from_integer((most + 1).into());
        let mut sure: Option<Value> = None;
        let floors: [Value; 4] = std::array::from_fn(|i| {
            let (error, end) = (self.float(&error), self.float(&most_float));
            let ratio = self.builder.ins().fdiv(float_a[i], float_b[i]);
            let margin = self.builder.ins().fmul(ratio, error);
            let low = self.builder.ins().fsub(ratio, margin);
            let high = self.builder.ins().fadd(ratio, margin);
            let low = self.builder.ins().floor(low);
            let top = self.builder.ins().floor(high);
            let one = self.builder.ins().fcmp(FloatCC::Equal, low, top);
            let within = self.builder.ins().fcmp(FloatCC::LessThan, top, end);
            let both = self.builder.ins().band(one, within);
            sure = Some(match sure {
                None => both,
                Some(others) => self.builder.ins().band(others, both),
            });
            self.nearest(low)
        });
        let aside = self.builder.create_block();
        let join = self.builder.create_block();
        self.builder.set_cold_block(aside);
        let sure = sure.unwrap_or(floors[0]);
        let all = self.builder.ins().vall_true(sure);
        let proved = self.flag_constant(false);
        let found: Vec<BlockArg> = floors.into_iter().chain([proved]).map(BlockArg::Value).collect();
        self.builder.ins().brif(all, join, &found, aside, &[]);
        let results: [Value; 4] = std::array::from_fn(|_| self.builder.append_block_param(join, types::I64X2));
        let unproved = self.builder.append_block_param(join, types::I16X8);

        self.builder.switch_to_block(aside);
        let before = self.known.clone();
        for id in lazy.below(work.kernel, &[a, b]) {
            self.compute(id);
        }
        let (quotients, doubt) = self.floor_divide_wide(a, b, most);
        let quotients = self.vectors(types::I64X2, quotients);
        let found: Vec<BlockArg> = quotients.into_iter().chain([doubt]).map(BlockArg::Value).collect();
        self.builder.ins().jump(join, &found);
        self.builder.switch_to_block(join);
        // What was computed aside is not there for what follows.
        self.known = before;
        self.known.unproved.insert(id, unproved);
        Lanes::I64(results)
    }

    /// Row by row, in integers of 128 bits, and where the quotient is not proved to be one up to a bound.
    fn floor_divide_wide(&mut self, a: NodeId, b: NodeId, most: i128) -> ([Value; 8], Value) {
        let (above, below) = (self.i128(a), self.i128(b));
        let mut doubts = [above[0]; 8];
        let quotients = std::array::from_fn(|i| {
            let (numerator, denominator) = (above[i], below[i]);
            let (x, y) = (self.as_float(numerator, false), self.as_float(denominator, false));
            let ratio = self.builder.ins().fdiv(x, y);
            let estimate = self.builder.ins().fcvt_to_sint_sat(types::I64, ratio);
            let wide = self.builder.ins().sextend(types::I128, estimate);
            let product = self.builder.ins().imul(wide, denominator);
            let remainder = self.builder.ins().isub(numerator, product);
            let zero = self.constant_i128(0);
            // One too many?
            let negative = self.builder.ins().icmp(IntCC::SignedLessThan, remainder, zero);
            let raised = self.builder.ins().iadd(remainder, denominator);
            let remainder = self.select_i128(negative, raised, remainder);
            let down = self.builder.ins().uextend(types::I64, negative);
            let quotient = self.builder.ins().isub(estimate, down);
            // One too few?
            let excess = self.builder.ins().icmp(IntCC::SignedGreaterThanOrEqual, remainder, denominator);
            let lowered = self.builder.ins().isub(remainder, denominator);
            let remainder = self.select_i128(excess, lowered, remainder);
            let up = self.builder.ins().uextend(types::I64, excess);
            let quotient = self.builder.ins().iadd(quotient, up);
            let negative = self.builder.ins().icmp(IntCC::SignedLessThan, remainder, zero);
            let excess = self.builder.ins().icmp(IntCC::SignedGreaterThanOrEqual, remainder, denominator);
            let most = self.builder.ins().iconst(types::I64, most as i64);
            // One too many of the greatest estimate is negative.
            let beyond = self.builder.ins().icmp(IntCC::UnsignedGreaterThan, quotient, most);
            let doubt = self.builder.ins().bor(negative, excess);
            doubts[i] = self.builder.ins().bor(doubt, beyond);
            quotient
        });
        (quotients, self.flag_of_each(doubts))
    }

    /// The estimates of an integer that is not computed, from those of its operands: see [`super::lazy`].
    pub(super) fn estimate(&mut self, id: NodeId) -> [Value; 4] {
        let op = self.work.kernel.node(id).op;
        let two = |emitter: &mut Self, a: NodeId, b: NodeId| (emitter.estimates(a), emitter.estimates(b));
        match op {
            Op::Multiply(a, b) => {
                let (a, b) = two(self, a, b);
                std::array::from_fn(|i| self.builder.ins().fmul(a[i], b[i]))
            }
            Op::Add(a, b) => {
                let (a, b) = two(self, a, b);
                std::array::from_fn(|i| self.builder.ins().fadd(a[i], b[i]))
            }
            Op::Subtract(a, b) => {
                let (a, b) = two(self, a, b);
                std::array::from_fn(|i| self.builder.ins().fsub(a[i], b[i]))
            }
            Op::Select(flag, a, b) => {
                let (a, b) = two(self, a, b);
                let Lanes::I64(mask) = self.mask(flag, Width::I64) else {
                    unreachable!("a mask has the lanes asked for")
                };
                std::array::from_fn(|i| self.choose(mask[i], a[i], b[i]))
            }
            Op::Minimum(a, b) | Op::Maximum(a, b) => {
                let (a, b) = two(self, a, b);
                let order = if matches!(op, Op::Minimum(..)) { FloatCC::LessThan } else { FloatCC::GreaterThan };
                std::array::from_fn(|i| {
                    let mask = self.builder.ins().fcmp(order, a[i], b[i]);
                    self.choose(mask, a[i], b[i])
                })
            }
            op => unreachable!("{op:?} is not estimated from its operands"),
        }
    }

    /// One of two estimates, where a mask says.
    fn choose(&mut self, mask: Value, a: Value, b: Value) -> Value {
        let [a, b] = [a, b].map(|value| self.as_bits(value, types::I64X2));
        let chosen = self.builder.ins().bitselect(mask, a, b);
        self.as_bits(chosen, types::F64X2)
    }

    /// How an integer compares with zero: as its estimate, which errs by a part of it.
    pub(super) fn sign(&mut self, op: CompareOp, a: NodeId) -> Value {
        let code = match op {
            CompareOp::Equal => FloatCC::Equal,
            CompareOp::NotEqual => FloatCC::NotEqual,
            CompareOp::Less => FloatCC::LessThan,
            CompareOp::LessOrEqual => FloatCC::LessThanOrEqual,
            CompareOp::Greater => FloatCC::GreaterThan,
            CompareOp::GreaterOrEqual => FloatCC::GreaterThanOrEqual,
        };
        let estimates = self.estimates(a);
        let zero = self.float_bits(0);
        let masks = estimates.map(|estimate| self.builder.ins().fcmp(code, estimate, zero));
        self.flag_of_i64(masks)
    }

    /// `factor × a / b` to nearest, less one: of a result below 2⁴⁷, eight roundings make less than a
    /// quarter, and the last one a half.
    pub(super) fn approximate(&mut self, a: NodeId, b: NodeId, factor: u64) -> [Value; 4] {
        let (above, below) = (self.estimates(a), self.estimates(b));
        let one = self.vector(types::I64X2, &1i64.to_le_bytes());
        std::array::from_fn(|i| {
            let ratio = self.builder.ins().fdiv(above[i], below[i]);
            let factor = self.float_bits(factor);
            let scaled = self.builder.ins().fmul(ratio, factor);
            let [low, high] = [-1, 1].map(|sign| Ratio::from_integer((sign * (2 * APPROXIMATE_RESULT - 1)).into()));
            let [low, high] = [self.float(&low), self.float(&high)];
            let scaled = self.builder.ins().fmax(scaled, low);
            let scaled = self.builder.ins().fmin(scaled, high);
            let nearest = self.nearest(scaled);
            self.builder.ins().isub(nearest, one)
        })
    }
}
