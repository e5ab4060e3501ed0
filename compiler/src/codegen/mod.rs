//! Machine code for kernels. The only folder that names Cranelift.
//!
//! A kernel is one loop over the rows of a block, eight at a time, without branches: every value of eight rows stands in one to
//! four vectors of 128 bits, as narrow as its interval allows, or in eight integers of 128 bits. The kernels of a year share a
//! block of inputs and a block of outputs, in which each leaves what the next ones read. Every column of a block stands at a
//! fixed offset from its start, so that a loop needs two addresses whatever the number of columns.

mod emit;
mod estimate;
mod jit;
mod lazy;
#[cfg(test)]
mod tests;
mod width;

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use crate::ir::{Kernel, Op, Output, OutputValue, Source};

pub use jit::CompileError;
pub use width::width_of;

/// Rows of a block: so many that reading the machine code of a large policy, which the caches do not hold, is shared by many rows.
pub const BLOCK_ROWS: usize = 1_024;

/// How the cells of a column stand in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Width {
    /// All bits or none.
    Flag,
    I16,
    I32,
    I64,
    I128,
}

impl Width {
    /// Bytes of a cell.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::Flag => 1,
            Self::I16 => 2,
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
    /// Where only the interpreter can tell it; absent where it always can be told.
    pub doubt: Option<Slot>,
}

/// What the kernels of a year read and write.
#[derive(Clone, Debug)]
pub struct Layout {
    pub inputs: Vec<(Source, Slot)>,
    pub input_bytes: usize,
    /// What kernels leave for later ones, among the outputs: columns serve again once nothing reads them.
    stages: BTreeMap<u32, Slot>,
    /// Whether the row as a whole must be handed to the interpreter.
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
    fn of(kernels: &[Kernel]) -> Self {
        let mut read: BTreeMap<Source, Width> = BTreeMap::new();
        // The last kernel that reads each stage.
        let mut last: BTreeMap<u32, usize> = BTreeMap::new();
        for (rank, kernel) in kernels.iter().enumerate() {
            for id in kernel.live() {
                match kernel.node(id).op {
                    Op::Load(Source::Stage(stage)) => drop(last.insert(stage, rank)),
                    Op::Load(source) => {
                        let width = width_of(kernel.node(id).range);
                        read.entry(source).and_modify(|known| *known = width.max(*known)).or_insert(width);
                    }
                    _ => {}
                }
            }
        }
        let mut placer = Placer::default();
        let inputs = read.iter().map(|(source, width)| (*source, placer.slot(*width))).collect();
        let input_bytes = placer.end;
        let mut placer = Placer::default();
        let status = placer.slot(Width::Flag);
        let mut stages: BTreeMap<u32, Slot> = BTreeMap::new();
        let mut free: Vec<Slot> = Vec::new();
        let mut freed = 0;
        let mut ends: Vec<(usize, u32)> = last.iter().map(|(stage, rank)| (*rank, *stage)).collect();
        ends.sort_unstable();
        for (rank, kernel) in kernels.iter().enumerate() {
            while let Some((_, stage)) = ends.get(freed).filter(|(end, _)| *end < rank) {
                free.push(stages[stage]);
                freed += 1;
            }
            for (stage, node) in kernel.stages.iter().filter(|(stage, _)| last.contains_key(stage)) {
                let width = width_of(kernel.node(*node).range);
                let again = free.iter().position(|slot| slot.width == width).map(|place| free.swap_remove(place));
                stages.insert(*stage, again.unwrap_or_else(|| placer.slot(width)));
            }
        }
        let mut outputs = Vec::new();
        for kernel in kernels {
            let width = |id| width_of(kernel.node(id).range);
            for output in &kernel.outputs {
                let present = placer.slot(Width::Flag);
                let (value, factor) = match output.value {
                    OutputValue::Flag(node) | OutputValue::Integer(node) => (placer.slot(width(node)), None),
                    OutputValue::Fraction { numerator, factor, .. } => {
                        (placer.slot(width(numerator)), factor.map(|factor| placer.slot(width(factor))))
                    }
                };
                let doubt = output.doubt.map(|_| placer.slot(Width::Flag));
                outputs.push(OutputSlots { output: output.clone(), present, value, factor, doubt });
            }
        }
        Self { inputs, input_bytes, stages, status, outputs, output_bytes: placer.end }
    }
}

/// The kernels of a year in machine code. Cheap to clone; the code lives as long as one clone does.
#[derive(Clone, Debug)]
pub struct CompiledKernels {
    parts: Arc<[Part]>,
    pub layout: Arc<Layout>,
}

/// One of them.
#[derive(Debug)]
struct Part {
    code: jit::Code,
    ir: Kernel,
    code_bytes: usize,
}

/// How much time to spend on machine code. It computes the same either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// A third of the time, for code that takes half as long again.
    Quick,
    Careful,
}

/// Compiles the kernels of a year for this machine, to run in that order.
///
/// # Errors
/// When the code generator refuses a kernel or has no memory for it: the engine then falls back on the interpreter.
pub fn compile(kernels: Vec<Kernel>, effort: Effort) -> Result<CompiledKernels, CompileError> {
    let layout = Layout::of(&kernels);
    let parts: Result<Vec<Part>, CompileError> = kernels
        .into_par_iter()
        .map(|kernel| {
            let live = kernel.live();
            let lazy = lazy::Lazy::of(&kernel, &live);
            let work = emit::Work { kernel: &kernel, live: &live, lazy: &lazy, layout: &layout };
            let (code, code_bytes) = jit::compile(&work, effort)?;
            Ok(Part { code, ir: kernel, code_bytes })
        })
        .collect();
    Ok(CompiledKernels { parts: parts?.into(), layout: Arc::new(layout) })
}

impl CompiledKernels {
    /// Computes the first `rows` rows of a block, and as many after them as make a multiple of eight.
    ///
    /// # Panics
    /// When a block is smaller than the layout says, or `rows` is more than [`BLOCK_ROWS`].
    pub fn run(&self, input: &Block, output: &mut Block, rows: usize) {
        assert!(
            rows <= BLOCK_ROWS && input.len() >= self.layout.input_bytes && output.len() >= self.layout.output_bytes
        );
        self.parts.iter().for_each(|part| part.code.run(input, output, rows));
    }

    /// The kernels that the code was made from.
    pub fn ir(&self) -> impl Iterator<Item = &Kernel> {
        self.parts.iter().map(|part| &part.ir)
    }

    /// Bytes of machine code.
    #[must_use]
    pub fn code_bytes(&self) -> usize {
        self.parts.iter().map(|part| part.code_bytes).sum()
    }
}

/// Memory of a block, aligned for vectors.
#[derive(Clone, Debug, Default)]
pub struct Block(Vec<u128>);

/// A type of cell as it stands in memory.
pub trait Cell: Copy {
    const BYTES: usize;
    fn write(self, to: &mut [u8]);
    fn read(from: &[u8]) -> Self;
}

macro_rules! cells {
    ($($name:ty)*) => {$(
        impl Cell for $name {
            const BYTES: usize = size_of::<$name>();

            fn write(self, to: &mut [u8]) {
                to.copy_from_slice(&self.to_ne_bytes());
            }

            fn read(from: &[u8]) -> Self {
                Self::from_ne_bytes(from.try_into().unwrap_or_default())
            }
        }
    )*};
}

cells! { u8 i16 i32 i64 i128 }

impl Block {
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self(vec![0; bytes.div_ceil(16)])
    }

    /// Bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len() * 16
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Fills the first rows of a column.
    pub fn fill<T: Cell>(&mut self, slot: Slot, values: impl Iterator<Item = T>) {
        let column = &mut self.all_mut()[slot.offset..slot.offset + BLOCK_ROWS * T::BYTES];
        column.chunks_exact_mut(T::BYTES).zip(values).for_each(|(cell, value)| value.write(cell));
    }

    /// Fills the first rows of a column of flags.
    pub fn fill_flags(&mut self, slot: Slot, values: impl Iterator<Item = bool>) {
        self.fill(slot, values.map(|flag| if flag { u8::MAX } else { 0 }));
    }

    /// Fills the first rows of a column of integers of any width; the values fit, as the intervals of the inputs say.
    pub fn fill_integers(&mut self, slot: Slot, values: impl Iterator<Item = i64>) {
        match slot.width {
            Width::Flag => self.fill_flags(slot, values.map(|value| value != 0)),
            Width::I16 => self.fill(slot, values.map(|value| value as i16)),
            Width::I32 => self.fill(slot, values.map(|value| value as i32)),
            Width::I64 => self.fill(slot, values),
            Width::I128 => self.fill(slot, values.map(i128::from)),
        }
    }

    /// The first rows of a column.
    pub fn cells<T: Cell>(&self, slot: Slot) -> impl Iterator<Item = T> {
        self.all()[slot.offset..slot.offset + BLOCK_ROWS * T::BYTES].chunks_exact(T::BYTES).map(T::read)
    }

    /// The first rows of a column of flags.
    pub fn flags(&self, slot: Slot) -> impl Iterator<Item = bool> {
        self.cells::<u8>(slot).map(|byte| byte != 0)
    }

    #[must_use]
    pub fn flag(&self, slot: Slot, row: usize) -> bool {
        self.cell::<u8>(slot, row) != 0
    }

    /// The integer of a row.
    #[must_use]
    pub fn integer(&self, slot: Slot, row: usize) -> i128 {
        match slot.width {
            Width::Flag => i128::from(self.flag(slot, row)),
            Width::I16 => i128::from(self.cell::<i16>(slot, row)),
            Width::I32 => i128::from(self.cell::<i32>(slot, row)),
            Width::I64 => i128::from(self.cell::<i64>(slot, row)),
            Width::I128 => self.cell::<i128>(slot, row),
        }
    }

    fn cell<T: Cell>(&self, slot: Slot, row: usize) -> T {
        let start = slot.offset + row * T::BYTES;
        T::read(&self.all()[start..start + T::BYTES])
    }
}
