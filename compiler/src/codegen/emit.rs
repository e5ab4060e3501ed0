//! The loop of a kernel in Cranelift's instructions: eight rows at a time.

use cranelift::codegen::ir::{BlockArg, Function};
use cranelift::jit::JITModule;
use cranelift::module::Module as _;
use cranelift::prelude::*;
use rustc_hash::FxHashMap;

use super::lazy::Lazy;
use super::width;
use super::{Layout, Slot, Width};
use crate::ir::{Kernel, NodeId, Op, OutputValue, Source, operands};
use crate::typed::CompareOp;

/// Rows of one turn of the loop.
const ROWS: i64 = 8;

/// One kernel to emit.
pub struct Work<'a> {
    pub kernel: &'a Kernel,
    pub live: &'a [NodeId],
    pub lazy: &'a Lazy,
    pub layout: &'a Layout,
}

/// Emits `kernel(input, output, rows)`.
pub fn function(work: &Work<'_>, func: &mut Function, context: &mut FunctionBuilderContext, module: &JITModule) {
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
    let mut emitter = Emitter { work, builder, input, output, row, known: Known::default() };
    for id in work.live {
        emitter.emit(*id);
    }
    emitter.outputs();
    let Emitter { mut builder, .. } = emitter;
    let next = builder.ins().iadd_imm_s(row, ROWS);
    let more = builder.ins().icmp(IntCC::SignedLessThan, next, rows);
    builder.ins().brif(more, body, &[BlockArg::Value(next)], exit, &[]);
    builder.switch_to_block(exit);
    builder.ins().return_(&[]);
    builder.seal_all_blocks();
    builder.finalize(module.target_config());
}

/// The values of a node on eight rows.
#[derive(Clone, Copy, Debug)]
pub enum Lanes {
    /// All bits or none of lanes of 16.
    Flag(Value),
    I16(Value),
    I32([Value; 2]),
    I64([Value; 4]),
    /// Row by row.
    I128([Value; 8]),
}

pub struct Emitter<'a> {
    pub(super) work: &'a Work<'a>,
    pub(super) builder: FunctionBuilder<'a>,
    input: Value,
    output: Value,
    row: Value,
    pub(super) known: Known,
}

/// What was computed so far, and may be read.
#[derive(Clone, Default)]
pub struct Known {
    addresses: FxHashMap<(Value, Width), Value>,
    values: FxHashMap<NodeId, Lanes>,
    /// Nodes in wider lanes than their own.
    widened: FxHashMap<(NodeId, Width), Lanes>,
    /// The estimates of nodes.
    pub(super) floats: FxHashMap<NodeId, [Value; 4]>,
    /// Flags in the lanes of what they choose.
    masks: FxHashMap<(NodeId, Width), Lanes>,
    /// Flags row by row.
    each: FxHashMap<NodeId, [Value; 8]>,
    /// Where a quotient is not proved.
    pub(super) unproved: FxHashMap<NodeId, Value>,
}

impl Emitter<'_> {
    /// Computes a node, or estimates it where that is enough.
    fn emit(&mut self, id: NodeId) {
        if self.work.lazy.is_only_estimated(id) {
            let estimates = self.estimate(id);
            self.known.floats.insert(id, estimates);
        } else {
            self.compute(id);
        }
    }

    pub(super) fn compute(&mut self, id: NodeId) {
        let value = self.node(id);
        self.known.values.insert(id, value);
    }

    // ---------------------------------------------------------------------------------------------------- constants

    /// A vector of which every lane has these bytes.
    pub(super) fn vector(&mut self, ty: Type, lane: &[u8]) -> Value {
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(lane.iter().cycle()).for_each(|(to, from)| *to = *from);
        // Anew at each use: kept, they would all be live from the first to the last.
        let data = self.builder.func.dfg.constants.insert(bytes.to_vec().into());
        self.builder.ins().vconst(ty, data)
    }

    pub(super) fn flag_constant(&mut self, flag: bool) -> Value {
        self.vector(types::I16X8, &[if flag { u8::MAX } else { 0 }])
    }

    fn constant(&mut self, value: i128, width: Width) -> Lanes {
        match width {
            Width::Flag => Lanes::Flag(self.flag_constant(value != 0)),
            Width::I16 => Lanes::I16(self.vector(types::I16X8, &(value as i16).to_le_bytes())),
            Width::I32 => Lanes::I32([self.vector(types::I32X4, &(value as i32).to_le_bytes()); 2]),
            Width::I64 => Lanes::I64([self.vector(types::I64X2, &(value as i64).to_le_bytes()); 4]),
            Width::I128 => Lanes::I128([self.constant_i128(value); 8]),
        }
    }

    // ----------------------------------------------------------------------------------------------- changes of lanes

    fn width(&self, id: NodeId) -> Width {
        width::width_of(self.work.kernel.node(id).range)
    }

    pub(super) fn get(&self, id: NodeId) -> Lanes {
        self.known.values[&id]
    }

    fn halves(&mut self, value: Value) -> [Value; 2] {
        [self.builder.ins().swiden_low(value), self.builder.ins().swiden_high(value)]
    }

    fn quarters(&mut self, [a, b]: [Value; 2]) -> [Value; 4] {
        let ([a, b], [c, d]) = (self.halves(a), self.halves(b));
        [a, b, c, d]
    }

    /// An integer in lanes of 32 bits; its own are not wider.
    pub(super) fn i32(&mut self, id: NodeId) -> [Value; 2] {
        match self.at(id, Width::I32) {
            Lanes::I32(lanes) => lanes,
            other => unreachable!("{other:?} is no integer of 32 bits"),
        }
    }

    /// An integer in lanes of 64 bits; its own are not wider.
    pub(super) fn i64(&mut self, id: NodeId) -> [Value; 4] {
        match self.at(id, Width::I64) {
            Lanes::I64(lanes) => lanes,
            other => unreachable!("{other:?} is no integer of 64 bits"),
        }
    }

    /// An integer row by row.
    pub(super) fn i128(&mut self, id: NodeId) -> [Value; 8] {
        match self.at(id, Width::I128) {
            Lanes::I128(rows) => rows,
            other => unreachable!("{other:?} is no integer of 128 bits"),
        }
    }

    pub(super) fn constant_i128(&mut self, value: i128) -> Value {
        let low = self.builder.ins().iconst(types::I64, value as i64);
        let high = self.builder.ins().iconst(types::I64, (value >> 64) as i64);
        self.builder.ins().iconcat(low, high)
    }

    /// A selection half by half: on whole 128-bit values, Cranelift may turn it into a minimum that it cannot emit.
    pub(super) fn select_i128(&mut self, flag: Value, a: Value, b: Value) -> Value {
        let (a_low, a_high) = self.builder.ins().isplit(a);
        let (b_low, b_high) = self.builder.ins().isplit(b);
        let low = self.builder.ins().select(flag, a_low, b_low);
        let high = self.builder.ins().select(flag, a_high, b_high);
        self.builder.ins().iconcat(low, high)
    }

    /// Eight values of 64 bits as four vectors.
    pub(super) fn vectors(&mut self, ty: Type, rows: [Value; 8]) -> [Value; 4] {
        std::array::from_fn(|i| {
            let low = self.builder.ins().scalar_to_vector(ty, rows[2 * i]);
            self.builder.ins().insertlane(low, rows[2 * i + 1], 1)
        })
    }

    /// A flag from those of each row.
    pub(super) fn flag_of_each(&mut self, rows: [Value; 8]) -> Value {
        let words = rows.map(|row| self.builder.ins().uextend(types::I64, row));
        let lanes = self.vectors(types::I64X2, words);
        let zero = self.vector(types::I64X2, &[0; 8]);
        let lanes = lanes.map(|lane| self.builder.ins().isub(zero, lane));
        self.flag_of_i64(lanes)
    }

    /// A flag row by row.
    fn each_of(&mut self, flag: NodeId) -> [Value; 8] {
        if let Some(known) = self.known.each.get(&flag) {
            return *known;
        }
        let own = self.flag(flag);
        let rows = std::array::from_fn(|i| self.builder.ins().extractlane(own, i as u8));
        self.known.each.insert(flag, rows);
        rows
    }

    /// An integer in lanes at least as wide as these.
    fn at(&mut self, id: NodeId, width: Width) -> Lanes {
        let own = self.get(id);
        if self.width(id) >= width {
            return own;
        }
        if let Some(known) = self.known.widened.get(&(id, width)) {
            return *known;
        }
        let constant = match self.work.kernel.node(id).op {
            Op::Constant(value) => Some(value),
            _ => None,
        };
        let wider = match (own, width) {
            _ if let Some(value) = constant => self.constant(value, width),
            (Lanes::I16(lanes), Width::I32) => Lanes::I32(self.halves(lanes)),
            (_, Width::I64) => {
                let halves = self.i32(id);
                Lanes::I64(self.quarters(halves))
            }
            (_, Width::I128) => {
                let lanes = self.i64(id);
                Lanes::I128(std::array::from_fn(|i| {
                    let row = self.builder.ins().extractlane(lanes[i / 2], (i % 2) as u8);
                    self.builder.ins().sextend(types::I128, row)
                }))
            }
            _ => own,
        };
        self.known.widened.insert((id, width), wider);
        wider
    }

    /// Two vectors of lanes of 64 bits, of which the lower halves are kept.
    fn lower_halves(&mut self, a: Value, b: Value) -> Value {
        let [a, b] = [a, b].map(|value| self.as_bits(value, types::I8X16));
        let picks: Vec<u8> = [0, 8, 16, 24].iter().flat_map(|start| (0..4).map(move |byte| start + byte)).collect();
        let picks = self.builder.func.dfg.immediates.push(picks.into());
        let value = self.builder.ins().shuffle(a, b, picks);
        self.as_bits(value, types::I32X4)
    }

    /// A result in the lanes of its node, never wider: its interval says that it fits.
    fn fit(&mut self, value: Lanes, width: Width) -> Lanes {
        match (value, width) {
            (Lanes::I128(rows), Width::I16 | Width::I32 | Width::I64) => {
                let words = rows.map(|row| self.builder.ins().ireduce(types::I64, row));
                let lanes = Lanes::I64(self.vectors(types::I64X2, words));
                self.fit(lanes, width)
            }
            (Lanes::I64([a, b, c, d]), Width::I32 | Width::I16) => {
                let halves = [self.lower_halves(a, b), self.lower_halves(c, d)];
                self.fit(Lanes::I32(halves), width)
            }
            (Lanes::I32([a, b]), Width::I16) => Lanes::I16(self.builder.ins().snarrow(a, b)),
            _ => value,
        }
    }

    /// A flag from lanes of 64 bits, all bits or none.
    pub(super) fn flag_of_i64(&mut self, lanes: [Value; 4]) -> Value {
        let lanes = lanes.map(|lane| self.as_bits(lane, types::I32X4));
        let a = self.builder.ins().snarrow(lanes[0], lanes[1]);
        let b = self.builder.ins().snarrow(lanes[2], lanes[3]);
        let [a, b] = [a, b].map(|lane| self.as_bits(lane, types::I32X4));
        self.builder.ins().snarrow(a, b)
    }

    /// A flag in the lanes of integers of that width.
    pub(super) fn mask(&mut self, flag: NodeId, width: Width) -> Lanes {
        let width = width.min(Width::I64);
        if let Some(known) = self.known.masks.get(&(flag, width)) {
            return *known;
        }
        let Lanes::Flag(own) = self.get(flag) else { unreachable!("a condition is a flag") };
        let mask = match width {
            Width::Flag | Width::I16 => Lanes::I16(own),
            Width::I32 => Lanes::I32(self.halves(own)),
            Width::I64 | Width::I128 => {
                let Lanes::I32(halves) = self.mask(flag, Width::I32) else { unreachable!("halves are of 32 bits") };
                Lanes::I64(self.quarters(halves))
            }
        };
        self.known.masks.insert((flag, width), mask);
        mask
    }

    // ------------------------------------------------------------------------------------------------------ memory

    fn address(&mut self, base: Value, width: Width) -> Value {
        if let Some(known) = self.known.addresses.get(&(base, width)) {
            return *known;
        }
        let shift = i64::from(width.bytes().trailing_zeros());
        let scaled = if shift == 0 { self.row } else { self.builder.ins().ishl_imm_u(self.row, shift) };
        let address = self.builder.ins().iadd(base, scaled);
        self.known.addresses.insert((base, width), address);
        address
    }

    fn load_lanes<const N: usize>(&mut self, ty: Type, base: Value, slot: Slot) -> [Value; N] {
        // Nothing that a kernel reads changes while it runs: loads may move to where they are used.
        let flags = MemFlagsData::trusted().with_readonly().with_can_move();
        let address = self.address(base, slot.width);
        std::array::from_fn(|i| self.builder.ins().load(ty, flags, address, (slot.offset + 16 * i) as i32))
    }

    fn load(&mut self, source: Source) -> Lanes {
        let layout = self.work.layout;
        let found = match source {
            Source::Stage(stage) => layout.stages.get(&stage).map(|slot| (self.output, *slot)),
            _ => {
                let rank = layout.inputs.binary_search_by_key(&source, |(known, _)| *known);
                rank.ok().map(|rank| (self.input, layout.inputs[rank].1))
            }
        };
        let Some((base, slot)) = found else { unreachable!("every source has its column") };
        match slot.width {
            Width::Flag => {
                let flags = MemFlagsData::trusted().with_readonly().with_can_move();
                let address = self.address(base, slot.width);
                Lanes::Flag(self.builder.ins().sload8x8(flags, address, slot.offset as i32))
            }
            Width::I16 => {
                let [lane] = self.load_lanes(types::I16X8, base, slot);
                Lanes::I16(lane)
            }
            Width::I32 => Lanes::I32(self.load_lanes(types::I32X4, base, slot)),
            Width::I64 => Lanes::I64(self.load_lanes(types::I64X2, base, slot)),
            Width::I128 => {
                let flags = MemFlagsData::trusted().with_readonly().with_can_move();
                let address = self.address(base, slot.width);
                Lanes::I128(std::array::from_fn(|i| {
                    let at = |half: usize| (slot.offset + 16 * i + 8 * half) as i32;
                    let low = self.builder.ins().load(types::I64, flags, address, at(0));
                    let high = self.builder.ins().load(types::I64, flags, address, at(1));
                    self.builder.ins().iconcat(low, high)
                }))
            }
        }
    }

    fn store_lanes(&mut self, slot: Slot, lanes: &[Value]) {
        let address = self.address(self.output, slot.width);
        for (i, lane) in lanes.iter().enumerate() {
            self.builder.ins().store(MemFlagsData::trusted(), *lane, address, (slot.offset + 16 * i) as i32);
        }
    }

    fn store_flag(&mut self, slot: Slot, flag: Value) {
        let bytes = self.builder.ins().snarrow(flag, flag);
        let words = self.as_bits(bytes, types::I64X2);
        let word = self.builder.ins().extractlane(words, 0);
        self.store_lanes(slot, &[word]);
    }

    fn store(&mut self, slot: Slot, id: NodeId) {
        match self.at(id, slot.width) {
            Lanes::Flag(flag) => self.store_flag(slot, flag),
            Lanes::I16(lane) => self.store_lanes(slot, &[lane]),
            Lanes::I32(lanes) => self.store_lanes(slot, &lanes),
            Lanes::I64(lanes) => self.store_lanes(slot, &lanes),
            Lanes::I128(rows) => {
                let address = self.address(self.output, slot.width);
                for (i, row) in rows.into_iter().enumerate() {
                    let (low, high) = self.builder.ins().isplit(row);
                    for (half, value) in [low, high].into_iter().enumerate() {
                        let at = (slot.offset + 16 * i + 8 * half) as i32;
                        self.builder.ins().store(MemFlagsData::trusted(), value, address, at);
                    }
                }
            }
        }
    }

    // -------------------------------------------------------------------------------------------------- operations

    fn flag(&self, id: NodeId) -> Value {
        match self.get(id) {
            Lanes::Flag(flag) => flag,
            other => unreachable!("{other:?} is no flag"),
        }
    }

    /// The widest lanes among those of the operands and of the result.
    fn common(&self, id: NodeId) -> Width {
        let node = self.work.kernel.node(id);
        let own = if node.range.is_some() { self.width(id) } else { Width::I16 };
        operands(node.op).into_iter().flatten().map(|operand| self.width(operand)).fold(own, Width::max)
    }

    fn node(&mut self, id: NodeId) -> Lanes {
        let node = *self.work.kernel.node(id);
        let own = width::width_of(node.range);
        match node.op {
            Op::Constant(value) => self.constant(value, own),
            Op::Load(source) => {
                let loaded = self.load(source);
                self.fit(loaded, own)
            }
            Op::Add(a, b) | Op::Subtract(a, b) | Op::Multiply(a, b) => self.arithmetic(node.op, a, b, id),
            Op::DivideBy(a, divisor) => {
                let most = width::magnitude(self.work.kernel.node(a).range);
                if let Lanes::I16(_) = self.get(a)
                    && let Some((factor, shift)) = short_division(most, divisor)
                {
                    let lanes = self.i32(a).map(|lane| {
                        let factor = self.vector(types::I32X4, &factor.to_le_bytes());
                        let product = self.builder.ins().imul(lane, factor);
                        self.builder.ins().ushr_imm_u(product, i64::from(shift))
                    });
                    return self.fit(Lanes::I32(lanes), own);
                }
                let quotient = Lanes::I64(self.divide_by_constant(a, divisor));
                self.fit(quotient, own)
            }
            Op::FloorDivide(a, b) => {
                let quotient = self.floor_divide(a, b, id);
                self.fit(quotient, own)
            }
            Op::Approximate(a, b, factor) => {
                let value = Lanes::I64(self.approximate(a, b, factor));
                self.fit(value, own)
            }
            Op::Minimum(a, b) => self.extremum(CompareOp::Less, a, b, id),
            Op::Maximum(a, b) => self.extremum(CompareOp::Greater, a, b, id),
            Op::Narrow(a) => {
                let value = self.get(a);
                self.fit(value, own)
            }
            Op::Compare(op, a, b) => {
                if let Some((op, a)) = self.work.lazy.signs(self.work.kernel, id) {
                    return Lanes::Flag(self.sign(op, a));
                }
                let mask = self.compare(op, a, b, id);
                Lanes::Flag(self.flag_of(mask))
            }
            Op::Unproved(a) => Lanes::Flag(self.known.unproved[&a]),
            Op::Exceeds(a, bound) => Lanes::Flag(self.exceeds(a, bound)),
            Op::And(a, b) => {
                let (a, b) = (self.flag(a), self.flag(b));
                Lanes::Flag(self.builder.ins().band(a, b))
            }
            Op::Or(a, b) => {
                let (a, b) = (self.flag(a), self.flag(b));
                Lanes::Flag(self.builder.ins().bor(a, b))
            }
            Op::Not(a) => {
                let a = self.flag(a);
                Lanes::Flag(self.builder.ins().bnot(a))
            }
            Op::Integer(a) => {
                let a = self.flag(a);
                let one = self.vector(types::I16X8, &1i16.to_le_bytes());
                Lanes::I16(self.builder.ins().band(a, one))
            }
            Op::Select(flag, a, b) if own == Width::I128 => {
                let (flags, a, b) = (self.each_of(flag), self.i128(a), self.i128(b));
                Lanes::I128(std::array::from_fn(|i| self.select_i128(flags[i], a[i], b[i])))
            }
            Op::Select(flag, a, b) => {
                let mask = self.mask(flag, own);
                let (a, b) = (self.at(a, own), self.at(b, own));
                self.select(mask, a, b)
            }
        }
    }

    fn arithmetic(&mut self, op: Op, a: NodeId, b: NodeId, id: NodeId) -> Lanes {
        let apply = |emitter: &mut Self, a: Value, b: Value| match op {
            Op::Add(..) => emitter.builder.ins().iadd(a, b),
            Op::Subtract(..) => emitter.builder.ins().isub(a, b),
            _ => emitter.builder.ins().imul(a, b),
        };
        let width = self.common(id);
        let value = match (self.at(a, width), self.at(b, width)) {
            (Lanes::I16(a), Lanes::I16(b)) => Lanes::I16(apply(self, a, b)),
            (Lanes::I32(a), Lanes::I32(b)) => Lanes::I32(std::array::from_fn(|i| apply(self, a[i], b[i]))),
            (Lanes::I64(a), Lanes::I64(b)) => Lanes::I64(std::array::from_fn(|i| apply(self, a[i], b[i]))),
            (Lanes::I128(a), Lanes::I128(b)) => Lanes::I128(std::array::from_fn(|i| apply(self, a[i], b[i]))),
            (a, b) => unreachable!("{a:?} and {b:?} have one width"),
        };
        self.fit(value, self.width(id))
    }

    fn exceeds(&mut self, a: NodeId, bound: i128) -> Value {
        if let Lanes::I128(rows) = self.get(a) {
            let (most, least) = (self.constant_i128(bound), self.constant_i128(-bound));
            let flags = rows.map(|row| {
                let above = self.builder.ins().icmp(IntCC::SignedGreaterThan, row, most);
                let below = self.builder.ins().icmp(IntCC::SignedLessThan, row, least);
                self.builder.ins().bor(above, below)
            });
            return self.flag_of_each(flags);
        }
        let (own, lanes) = (self.width(a), self.i64(a));
        let fits = |value: i128| width::width_of(Some((value, value))) <= own;
        let mut result = [self.vector(types::I64X2, &[0; 8]); 4];
        for (code, end) in [(IntCC::SignedGreaterThan, bound), (IntCC::SignedLessThan, -bound)] {
            if fits(end) {
                let end = self.vector(types::I64X2, &(end as i64).to_le_bytes());
                result = std::array::from_fn(|i| {
                    let beyond = self.builder.ins().icmp(code, lanes[i], end);
                    self.builder.ins().bor(result[i], beyond)
                });
            }
        }
        self.flag_of_i64(result)
    }

    /// A comparison in the lanes of what is compared.
    fn compare(&mut self, op: CompareOp, a: NodeId, b: NodeId, id: NodeId) -> Lanes {
        let code = match op {
            CompareOp::Equal => IntCC::Equal,
            CompareOp::NotEqual => IntCC::NotEqual,
            CompareOp::Less => IntCC::SignedLessThan,
            CompareOp::LessOrEqual => IntCC::SignedLessThanOrEqual,
            CompareOp::Greater => IntCC::SignedGreaterThan,
            CompareOp::GreaterOrEqual => IntCC::SignedGreaterThanOrEqual,
        };
        let width = self.common(id);
        match (self.at(a, width), self.at(b, width)) {
            (Lanes::I16(a), Lanes::I16(b)) => Lanes::I16(self.builder.ins().icmp(code, a, b)),
            (Lanes::I32(a), Lanes::I32(b)) => {
                Lanes::I32(std::array::from_fn(|i| self.builder.ins().icmp(code, a[i], b[i])))
            }
            (Lanes::I64(a), Lanes::I64(b)) => {
                Lanes::I64(std::array::from_fn(|i| self.builder.ins().icmp(code, a[i], b[i])))
            }
            (Lanes::I128(a), Lanes::I128(b)) => {
                Lanes::I128(std::array::from_fn(|i| self.builder.ins().icmp(code, a[i], b[i])))
            }
            (a, b) => unreachable!("{a:?} and {b:?} have one width"),
        }
    }

    fn flag_of(&mut self, mask: Lanes) -> Value {
        match mask {
            Lanes::Flag(mask) | Lanes::I16(mask) => mask,
            Lanes::I32([a, b]) => self.builder.ins().snarrow(a, b),
            Lanes::I64(lanes) => self.flag_of_i64(lanes),
            Lanes::I128(rows) => self.flag_of_each(rows),
        }
    }

    fn select(&mut self, mask: Lanes, a: Lanes, b: Lanes) -> Lanes {
        match (mask, a, b) {
            (Lanes::I16(mask), Lanes::I16(a), Lanes::I16(b)) => Lanes::I16(self.builder.ins().bitselect(mask, a, b)),
            (Lanes::I32(mask), Lanes::I32(a), Lanes::I32(b)) => {
                Lanes::I32(std::array::from_fn(|i| self.builder.ins().bitselect(mask[i], a[i], b[i])))
            }
            (Lanes::I64(mask), Lanes::I64(a), Lanes::I64(b)) => {
                Lanes::I64(std::array::from_fn(|i| self.builder.ins().bitselect(mask[i], a[i], b[i])))
            }
            (Lanes::I128(flags), Lanes::I128(a), Lanes::I128(b)) => {
                Lanes::I128(std::array::from_fn(|i| self.select_i128(flags[i], a[i], b[i])))
            }
            (mask, a, b) => unreachable!("{mask:?}, {a:?} and {b:?} have one width"),
        }
    }

    fn extremum(&mut self, op: CompareOp, a: NodeId, b: NodeId, id: NodeId) -> Lanes {
        let width = self.common(id);
        let least = op == CompareOp::Less;
        let pick = |emitter: &mut Self, a: Value, b: Value| {
            if least { emitter.builder.ins().smin(a, b) } else { emitter.builder.ins().smax(a, b) }
        };
        let value = match (self.at(a, width), self.at(b, width)) {
            (Lanes::I16(a), Lanes::I16(b)) => Lanes::I16(pick(self, a, b)),
            (Lanes::I32(a), Lanes::I32(b)) => Lanes::I32(std::array::from_fn(|i| pick(self, a[i], b[i]))),
            (x, y) => {
                let mask = self.compare(op, a, b, id);
                self.select(mask, x, y)
            }
        };
        self.fit(value, self.width(id))
    }

    // ----------------------------------------------------------------------------------------------------- results

    fn outputs(&mut self) {
        let work = self.work;
        for output in &work.kernel.outputs {
            let Some(slots) = work.layout.outputs.iter().find(|slots| slots.output.target == output.target) else {
                continue;
            };
            self.store(slots.present, output.present);
            match output.value {
                OutputValue::Flag(node) | OutputValue::Integer(node) => self.store(slots.value, node),
                OutputValue::Fraction { numerator, factor, .. } => {
                    self.store(slots.value, numerator);
                    if let (Some(factor), Some(slot)) = (factor, slots.factor) {
                        self.store(slot, factor);
                    }
                }
            }
            if let (Some(doubt), Some(slot)) = (output.doubt, slots.doubt) {
                self.store(slot, doubt);
            }
        }
        for (stage, node) in &work.kernel.stages {
            if let Some(slot) = work.layout.stages.get(stage) {
                self.store(*slot, *node);
            }
        }
        if let Some(status) = work.kernel.status {
            let status = self.flag(status);
            self.store_flag(work.layout.status, status);
        }
    }
}

/// The floor of `x / divisor` as `x × factor >> shift` in 32 bits, for every `x` up to `most`: with `factor` the ceiling of
/// `2^shift / divisor` and `excess` what it is too large by, the floors agree where `x × excess < 2^shift`.
fn short_division(most: u128, divisor: i128) -> Option<(u32, u32)> {
    let divisor = u128::try_from(divisor).ok().filter(|divisor| *divisor <= most)?;
    (0..31).rev().find_map(|shift| {
        let factor = (1u128 << shift).div_ceil(divisor);
        let excess = factor * divisor - (1 << shift);
        let fits = factor * most < 1 << 31 && most * excess < 1 << shift;
        fits.then_some((factor as u32, shift))
    })
}
