//! The loop of a kernel in Cranelift's instructions.

use std::collections::HashMap;

use cranelift::codegen::ir::{BlockArg, Function};
use cranelift::jit::JITModule;
use cranelift::module::Module as _;
use cranelift::prelude::*;

use super::{Layout, Slot, Width};
use crate::ir::{Kernel, NodeId, Op, OutputValue, Source};
use crate::typed::CompareOp;

/// Emits `kernel(input, output, rows)`.
pub fn function(
    kernel: &Kernel,
    layout: &Layout,
    func: &mut Function,
    context: &mut FunctionBuilderContext,
    module: &JITModule,
) {
    let pointer = module.target_config().pointer_type();
    func.signature = module.make_signature();
    func.signature.params.extend([AbiParam::new(pointer), AbiParam::new(pointer), AbiParam::new(types::I64)]);
    let mut builder = FunctionBuilder::new(func, context);
    let entry = builder.create_block();
    let body = builder.create_block();
    let exit = builder.create_block();
    builder.append_block_params_for_function_params(entry);
    builder.switch_to_block(entry);
    let [input, output, rows] = builder.block_params(entry)[..] else { return };
    let row = builder.append_block_param(body, types::I64);
    let zero = builder.ins().iconst(types::I64, 0);
    let some = builder.ins().icmp(IntCC::SignedGreaterThan, rows, zero);
    builder.ins().brif(some, body, &[BlockArg::Value(zero)], exit, &[]);

    builder.switch_to_block(body);
    let mut emitter = Emitter { kernel, layout, builder, input, row, values: HashMap::new(), doubts: Vec::new() };
    for id in kernel.live() {
        let value = emitter.node(id);
        emitter.values.insert(id, value);
    }
    emitter.outputs(output);
    let Emitter { mut builder, .. } = emitter;
    let next = builder.ins().iadd_imm_s(row, 1);
    let more = builder.ins().icmp(IntCC::SignedLessThan, next, rows);
    builder.ins().brif(more, body, &[BlockArg::Value(next)], exit, &[]);
    builder.switch_to_block(exit);
    builder.ins().return_(&[]);
    builder.seal_all_blocks();
    builder.finalize(module.target_config());
}

struct Emitter<'a> {
    kernel: &'a Kernel,
    layout: &'a Layout,
    builder: FunctionBuilder<'a>,
    input: Value,
    row: Value,
    /// Flags as `I8`, integers as `I64` or, where their range asks for it, `I128`.
    values: HashMap<NodeId, Value>,
    /// Divisions whose estimate was not confirmed.
    doubts: Vec<Value>,
}

impl Emitter<'_> {
    fn flags() -> MemFlagsData {
        // Columns do not change while the kernel runs: loads may move to where they are used.
        MemFlagsData::trusted().with_readonly().with_can_move()
    }

    fn address(&mut self, base: Value, slot: Slot) -> Value {
        let shift = i64::from(slot.width.bytes().trailing_zeros());
        let scaled = if shift == 0 { self.row } else { self.builder.ins().ishl_imm_u(self.row, shift) };
        self.builder.ins().iadd(base, scaled)
    }

    fn load(&mut self, source: Source) -> Value {
        let slot = self.layout.inputs.iter().find(|(known, _)| *known == source).map(|(_, slot)| *slot);
        let Some(slot) = slot else { return self.builder.ins().iconst(types::I8, 0) };
        let address = self.address(self.input, slot);
        let offset = slot.offset as i32;
        match slot.width {
            Width::Flag => self.builder.ins().load(types::I8, Self::flags(), address, offset),
            Width::I32 => {
                let value = self.builder.ins().load(types::I32, Self::flags(), address, offset);
                self.builder.ins().sextend(types::I64, value)
            }
            Width::I64 => self.builder.ins().load(types::I64, Self::flags(), address, offset),
            Width::I128 => {
                let low = self.builder.ins().load(types::I64, Self::flags(), address, offset);
                let high = self.builder.ins().load(types::I64, Self::flags(), address, offset + 8);
                self.builder.ins().iconcat(low, high)
            }
        }
    }

    fn is_wide(&self, id: NodeId) -> bool {
        self.kernel.node(id).is_wide()
    }

    fn get(&self, id: NodeId) -> Value {
        self.values[&id]
    }

    /// An operand at the width of the operation.
    fn at(&mut self, id: NodeId, wide: bool) -> Value {
        let value = self.get(id);
        if wide && !self.is_wide(id) { self.builder.ins().sextend(types::I128, value) } else { value }
    }

    fn constant(&mut self, value: i128, wide: bool) -> Value {
        let low = self.builder.ins().iconst(types::I64, value as i64);
        if !wide {
            return low;
        }
        let high = self.builder.ins().iconst(types::I64, (value >> 64) as i64);
        self.builder.ins().iconcat(low, high)
    }

    /// A selection half by half: on whole 128-bit values, Cranelift may turn it into a minimum that it cannot emit.
    fn select(&mut self, flag: Value, a: Value, b: Value, wide: bool) -> Value {
        if !wide {
            return self.builder.ins().select(flag, a, b);
        }
        let (a_low, a_high) = self.builder.ins().isplit(a);
        let (b_low, b_high) = self.builder.ins().isplit(b);
        let low = self.builder.ins().select(flag, a_low, b_low);
        let high = self.builder.ins().select(flag, a_high, b_high);
        self.builder.ins().iconcat(low, high)
    }

    /// Keeps a result at the width of its node: its range says that it fits.
    fn fit(&mut self, value: Value, from_wide: bool, id: NodeId) -> Value {
        match (from_wide, self.is_wide(id)) {
            (true, false) => self.builder.ins().ireduce(types::I64, value),
            (false, true) => self.builder.ins().sextend(types::I128, value),
            _ => value,
        }
    }

    fn node(&mut self, id: NodeId) -> Value {
        let node = *self.kernel.node(id);
        let wide = node.is_wide();
        match node.op {
            Op::Constant(value) if node.range.is_none() => self.builder.ins().iconst(types::I8, value as i64),
            Op::Constant(value) => self.constant(value, wide),
            Op::Load(source) => self.load(source),
            Op::Add(a, b) => {
                let (a, b, operands_wide) = self.pair(a, b, wide);
                let value = self.builder.ins().iadd(a, b);
                self.fit(value, operands_wide, id)
            }
            Op::Subtract(a, b) => {
                let (a, b, operands_wide) = self.pair(a, b, wide);
                let value = self.builder.ins().isub(a, b);
                self.fit(value, operands_wide, id)
            }
            Op::Multiply(a, b) => {
                let (a, b, operands_wide) = self.pair(a, b, wide);
                let value = self.builder.ins().imul(a, b);
                self.fit(value, operands_wide, id)
            }
            Op::DivideBy(a, divisor) if !self.is_wide(a) && divisor <= i128::from(i64::MAX) => {
                let a = self.get(a);
                let divisor = self.builder.ins().iconst(types::I64, divisor as i64);
                self.builder.ins().udiv(a, divisor)
            }
            Op::DivideBy(a, divisor) => {
                let a = self.at(a, true);
                let divisor = self.constant(divisor, true);
                let quotient = self.floor_divide(a, divisor);
                self.fit(quotient, false, id)
            }
            Op::FloorDivide(a, b) if !self.is_wide(a) && !self.is_wide(b) => {
                let (a, b) = (self.get(a), self.get(b));
                // A row that is masked out may hold anything: no divisor may be zero.
                let one = self.builder.ins().iconst(types::I64, 1);
                let b = self.builder.ins().umax(b, one);
                self.builder.ins().udiv(a, b)
            }
            Op::FloorDivide(a, b) => {
                let (a, b) = (self.at(a, true), self.at(b, true));
                let quotient = self.floor_divide(a, b);
                self.fit(quotient, false, id)
            }
            Op::Minimum(a, b) => self.extremum(a, b, IntCC::SignedLessThan, id),
            Op::Maximum(a, b) => self.extremum(a, b, IntCC::SignedGreaterThan, id),
            Op::Narrow(a) => {
                let value = self.get(a);
                self.fit(value, self.is_wide(a), id)
            }
            Op::Compare(op, a, b) => {
                let (a, b, _) = self.pair(a, b, false);
                let code = match op {
                    CompareOp::Equal => IntCC::Equal,
                    CompareOp::NotEqual => IntCC::NotEqual,
                    CompareOp::Less => IntCC::SignedLessThan,
                    CompareOp::LessOrEqual => IntCC::SignedLessThanOrEqual,
                    CompareOp::Greater => IntCC::SignedGreaterThan,
                    CompareOp::GreaterOrEqual => IntCC::SignedGreaterThanOrEqual,
                };
                self.builder.ins().icmp(code, a, b)
            }
            Op::And(a, b) => {
                let (a, b) = (self.get(a), self.get(b));
                self.builder.ins().band(a, b)
            }
            Op::Or(a, b) => {
                let (a, b) = (self.get(a), self.get(b));
                self.builder.ins().bor(a, b)
            }
            Op::Not(a) => {
                let a = self.get(a);
                self.builder.ins().bxor_imm_u(a, 1)
            }
            Op::Integer(a) => {
                let a = self.get(a);
                self.builder.ins().uextend(types::I64, a)
            }
            Op::Select(flag, a, b) => {
                let flag = self.get(flag);
                let (a, b) = (self.at(a, wide), self.at(b, wide));
                self.select(flag, a, b, wide)
            }
        }
    }

    /// Both operands at the widest width among them and the result.
    fn pair(&mut self, a: NodeId, b: NodeId, wide: bool) -> (Value, Value, bool) {
        let wide = wide || self.is_wide(a) || self.is_wide(b);
        (self.at(a, wide), self.at(b, wide), wide)
    }

    fn extremum(&mut self, a: NodeId, b: NodeId, code: IntCC, id: NodeId) -> Value {
        let (a, b, wide) = self.pair(a, b, false);
        let first = self.builder.ins().icmp(code, a, b);
        let value = self.select(first, a, b, wide);
        self.fit(value, wide, id)
    }

    fn as_float(&mut self, value: Value) -> Value {
        let (low, high) = self.builder.ins().isplit(value);
        let low = self.builder.ins().fcvt_from_uint(types::F64, low);
        let high = self.builder.ins().fcvt_from_sint(types::F64, high);
        let weight = self.builder.ins().f64const(18_446_744_073_709_551_616.0);
        let high = self.builder.ins().fmul(high, weight);
        self.builder.ins().fadd(high, low)
    }

    /// Floor of the quotient of two 128-bit integers, the first not negative, the second positive, as 64 bits.
    ///
    /// Exact: an estimate in floating point is corrected by one and then *proved* by the integer remainder, which must lie
    /// between zero and the divisor. A row whose estimate is not proved is handed to the interpreter.
    fn floor_divide(&mut self, numerator: Value, denominator: Value) -> Value {
        let (above, below) = (self.as_float(numerator), self.as_float(denominator));
        let ratio = self.builder.ins().fdiv(above, below);
        let estimate = self.builder.ins().fcvt_to_sint_sat(types::I64, ratio);
        let wide = self.builder.ins().sextend(types::I128, estimate);
        let product = self.builder.ins().imul(wide, denominator);
        let remainder = self.builder.ins().isub(numerator, product);
        let zero = self.constant(0, true);
        // One too many?
        let negative = self.builder.ins().icmp(IntCC::SignedLessThan, remainder, zero);
        let raised = self.builder.ins().iadd(remainder, denominator);
        let remainder = self.select(negative, raised, remainder, true);
        let down = self.builder.ins().uextend(types::I64, negative);
        let quotient = self.builder.ins().isub(estimate, down);
        // One too few?
        let excess = self.builder.ins().icmp(IntCC::SignedGreaterThanOrEqual, remainder, denominator);
        let lowered = self.builder.ins().isub(remainder, denominator);
        let remainder = self.select(excess, lowered, remainder, true);
        let up = self.builder.ins().uextend(types::I64, excess);
        let quotient = self.builder.ins().iadd(quotient, up);
        let still_negative = self.builder.ins().icmp(IntCC::SignedLessThan, remainder, zero);
        let still_excess = self.builder.ins().icmp(IntCC::SignedGreaterThanOrEqual, remainder, denominator);
        let doubt = self.builder.ins().bor(still_negative, still_excess);
        self.doubts.push(doubt);
        quotient
    }

    fn store(&mut self, base: Value, slot: Slot, value: Value) {
        let address = self.address(base, slot);
        let value = if slot.width == Width::I32 { self.builder.ins().ireduce(types::I32, value) } else { value };
        self.builder.ins().store(MemFlagsData::trusted(), value, address, slot.offset as i32);
    }

    fn outputs(&mut self, output: Value) {
        for slots in &self.layout.outputs {
            let present = self.get(slots.output.present);
            self.store(output, slots.present, present);
            if let (Some(doubt), Some(slot)) = (slots.output.doubt, slots.doubt) {
                let doubt = self.get(doubt);
                self.store(output, slot, doubt);
            }
            match slots.output.value {
                OutputValue::Flag(node) | OutputValue::Integer(node) => {
                    let value = self.get(node);
                    self.store(output, slots.value, value);
                }
                OutputValue::Fraction { numerator, factor, .. } => {
                    let value = self.get(numerator);
                    self.store(output, slots.value, value);
                    if let (Some(factor), Some(slot)) = (factor, slots.factor) {
                        let value = self.get(factor);
                        self.store(output, slot, value);
                    }
                }
            }
        }
        let mut status = self.get(self.kernel.status);
        for doubt in std::mem::take(&mut self.doubts) {
            status = self.builder.ins().bor(status, doubt);
        }
        self.store(output, self.layout.status, status);
    }
}
