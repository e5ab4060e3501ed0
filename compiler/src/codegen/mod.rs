//! Machine code for kernels. The only folder that names Cranelift.
//!
//! A kernel is one loop over the rows of a block: every column of a block stands at a fixed offset from its start, so the
//! loop needs three addresses whatever the number of columns, and no pointer table.

mod emit;
mod jit;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ir::{Kernel, Op, Output, OutputValue, Range, Source};

pub use jit::CompileError;

/// Rows of a block.
pub const BLOCK_ROWS: usize = 1024;

/// How the cells of a column stand in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Width {
    /// 0 or 1.
    Flag,
    I32,
    I64,
    I128,
}

impl Width {
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::Flag => 1,
            Self::I32 => 4,
            Self::I64 => 8,
            Self::I128 => 16,
        }
    }
}

/// A column of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    pub width: Width,
    /// Bytes from the start of the block to the first row.
    pub offset: usize,
}

/// Where the results of one output stand.
#[derive(Clone, Debug)]
pub struct OutputSlots {
    pub output: Output,
    pub present: Slot,
    /// Flag, days or case, or numerator.
    pub value: Slot,
    /// The part of the denominator that depends on the row.
    pub factor: Option<Slot>,
    /// Of a state, whether only the interpreter can tell it.
    pub doubt: Option<Slot>,
}

/// What a kernel reads and writes.
#[derive(Clone, Debug)]
pub struct Layout {
    pub inputs: Vec<(Source, Slot)>,
    pub input_bytes: usize,
    pub status: Slot,
    pub outputs: Vec<OutputSlots>,
    pub output_bytes: usize,
}

/// Lays columns out one after the other, each a cache line further than it would be, so that they do not all fall in the
/// same sets of the cache.
#[derive(Default)]
struct Placer {
    end: usize,
}

impl Placer {
    const LINE: usize = 64;

    fn slot(&mut self, width: Width) -> Slot {
        let slot = Slot { width, offset: self.end };
        self.end += (BLOCK_ROWS * width.bytes()).next_multiple_of(Self::LINE) + Self::LINE;
        slot
    }
}

impl Layout {
    fn of(kernel: &Kernel) -> Self {
        let mut placer = Placer::default();
        let mut inputs = Vec::new();
        let loads: BTreeMap<Source, Option<Range>> = kernel
            .live()
            .into_iter()
            .rev()
            .filter_map(|id| match kernel.node(id).op {
                Op::Load(source) => Some((source, kernel.node(id).range)),
                _ => None,
            })
            .collect();
        for (source, range) in loads {
            let width = match range {
                None => Width::Flag,
                Some((low, high)) if low >= i128::from(i32::MIN) && high <= i128::from(i32::MAX) => Width::I32,
                Some((low, high)) if low < i128::from(i64::MIN) || high > i128::from(i64::MAX) => Width::I128,
                Some(_) => Width::I64,
            };
            inputs.push((source, placer.slot(width)));
        }
        let input_bytes = placer.end;
        let mut placer = Placer::default();
        let status = placer.slot(Width::Flag);
        let integer = |id| if kernel.node(id).is_wide() { Width::I128 } else { Width::I64 };
        let outputs = kernel
            .outputs
            .iter()
            .map(|output| {
                let present = placer.slot(Width::Flag);
                let (value, factor) = match output.value {
                    OutputValue::Flag(_) => (placer.slot(Width::Flag), None),
                    OutputValue::Integer(_) => (placer.slot(Width::I32), None),
                    OutputValue::Fraction { numerator, factor, .. } => {
                        (placer.slot(integer(numerator)), factor.map(|factor| placer.slot(integer(factor))))
                    }
                };
                let doubt = output.doubt.map(|_| placer.slot(Width::Flag));
                OutputSlots { output: output.clone(), present, value, factor, doubt }
            })
            .collect();
        Self { inputs, input_bytes, status, outputs, output_bytes: placer.end }
    }
}

/// A kernel in machine code. Cheap to clone; the code lives as long as one clone does.
#[derive(Clone, Debug)]
pub struct CompiledKernel {
    code: Arc<jit::Code>,
    /// What it was compiled from.
    pub ir: Arc<Kernel>,
    pub layout: Arc<Layout>,
    /// Bytes of machine code.
    pub code_bytes: usize,
}

/// Compiles a kernel for this machine.
///
/// # Errors
/// When the code generator refuses the kernel or has no memory for it: the engine then falls back on the interpreter.
pub fn compile(kernel: Arc<Kernel>) -> Result<CompiledKernel, CompileError> {
    let layout = Layout::of(&kernel);
    let (code, code_bytes) = jit::compile(&kernel, &layout)?;
    Ok(CompiledKernel { code: Arc::new(code), ir: kernel, layout: Arc::new(layout), code_bytes })
}

impl CompiledKernel {
    /// Computes the first `rows` rows of a block.
    ///
    /// # Panics
    /// When a block is smaller than the layout says, or `rows` is more than [`BLOCK_ROWS`].
    pub fn run(&self, input: &Block, output: &mut Block, rows: usize) {
        assert!(
            rows <= BLOCK_ROWS && input.len() >= self.layout.input_bytes && output.len() >= self.layout.output_bytes
        );
        self.code.run(input, output, rows);
    }
}

/// Memory of a block, aligned for the widest cells.
#[derive(Clone, Debug, Default)]
pub struct Block(Vec<u128>);

impl Block {
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self(vec![0; bytes.div_ceil(16)])
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len() * 16
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn set_flag(&mut self, slot: Slot, row: usize, value: bool) {
        self.bytes_mut(slot, row).copy_from_slice(&[u8::from(value)]);
    }

    /// Stores an integer in a column of 4 or 8 bytes; the value fits, as the ranges of the inputs say.
    pub fn set_integer(&mut self, slot: Slot, row: usize, value: i64) {
        let cell = self.bytes_mut(slot, row);
        match slot.width {
            Width::I32 => cell.copy_from_slice(&(value as i32).to_ne_bytes()),
            _ => cell[..8].copy_from_slice(&value.to_ne_bytes()),
        }
    }

    /// Stores an integer in a column of any width; the value fits.
    pub fn set_wide(&mut self, slot: Slot, row: usize, value: i128) {
        match slot.width {
            Width::I128 => self.bytes_mut(slot, row).copy_from_slice(&value.to_ne_bytes()),
            Width::Flag => self.set_flag(slot, row, value != 0),
            _ => self.set_integer(slot, row, value as i64),
        }
    }

    #[must_use]
    pub fn flag(&self, slot: Slot, row: usize) -> bool {
        self.bytes(slot, row).first().is_some_and(|byte| *byte != 0)
    }

    #[must_use]
    pub fn integer(&self, slot: Slot, row: usize) -> i128 {
        let cell = self.bytes(slot, row);
        match slot.width {
            Width::Flag => i128::from(cell[0]),
            Width::I32 => i128::from(i32::from_ne_bytes(cell.try_into().unwrap_or_default())),
            Width::I64 => i128::from(i64::from_ne_bytes(cell.try_into().unwrap_or_default())),
            Width::I128 => i128::from_ne_bytes(cell.try_into().unwrap_or_default()),
        }
    }

    fn bytes(&self, slot: Slot, row: usize) -> &[u8] {
        let start = slot.offset + row * slot.width.bytes();
        &self.all()[start..start + slot.width.bytes()]
    }

    fn bytes_mut(&mut self, slot: Slot, row: usize) -> &mut [u8] {
        let start = slot.offset + row * slot.width.bytes();
        let width = slot.width.bytes();
        &mut self.all_mut()[start..start + width]
    }
}
