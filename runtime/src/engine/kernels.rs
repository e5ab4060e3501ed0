//! The kernels of a policy, compiled when rows ask for them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use polc_compiler::codegen::{CompiledKernels, Effort, compile};
use polc_compiler::ir::Target;
use polc_compiler::lower::{States, lower};
use polc_compiler::split::split;
use polc_compiler::typed::{InputId, Program, QuantityId};

type Cache = HashMap<(i64, Vec<Target>, Vec<InputId>), Known>;

/// Operations that a kernel is kept near: its code then stays in the first-level cache.
pub const KERNEL_NODES: usize = 500;

/// Rows of a year from which careful code repays its time, which is some 20 µs more an operation for a tenth of a nanosecond
/// less an operation and a row; and operations up to which that time is not noticed.
const CAREFUL_ROWS: usize = 250_000;
const CAREFUL_NODES: usize = 3_000;

/// The kernels compiled so far.
pub struct Kernels {
    /// Operations that a kernel is kept near.
    pub nodes: usize,
    /// Rows of a year from which it is compiled with care.
    pub careful_rows: usize,
    /// By year, what is asked for and what is never empty.
    compiled: Mutex<Cache>,
    /// How numbers of earlier rows stand, by those that are read.
    states: Mutex<HashMap<Vec<QuantityId>, Arc<States>>>,
}

#[derive(Debug)]
struct Known {
    /// `None` where the code generator refused.
    kernels: Option<CompiledKernels>,
    effort: Effort,
    /// That they were asked for.
    rows: usize,
}

impl std::fmt::Debug for Kernels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kernels").finish_non_exhaustive()
    }
}

impl Default for Kernels {
    fn default() -> Self {
        Self { nodes: KERNEL_NODES, careful_rows: CAREFUL_ROWS, compiled: Mutex::default(), states: Mutex::default() }
    }
}

impl Kernels {
    pub fn states(&self, program: &Program, quantities: &[QuantityId]) -> Arc<States> {
        if let Ok(known) = self.states.lock()
            && let Some(states) = known.get(quantities)
        {
            return states.clone();
        }
        let states = Arc::new(States::of(program, quantities));
        if let Ok(mut known) = self.states.lock() {
            known.insert(quantities.to_vec(), states.clone());
        }
        states
    }

    /// The kernels for some more rows of a year: compiled with care once they are many. `None` where the code generator
    /// refuses: the interpreter does those rows. The forms of states are those of what the targets read: they need no place in
    /// the key.
    pub fn get(
        &self,
        program: &Program,
        (year, rows): (i64, usize),
        targets: &[Target],
        complete: &[InputId],
        states: &States,
    ) -> Option<CompiledKernels> {
        let key = (year, targets.to_vec(), complete.to_vec());
        let mut all_rows = rows;
        if let Ok(mut known) = self.compiled.lock()
            && let Some(known) = known.get_mut(&key)
        {
            known.rows += rows;
            all_rows = known.rows;
            if known.effort == Effort::Careful || known.rows < self.careful_rows {
                return known.kernels.clone();
            }
        }
        let kernel = lower(program, year, targets, complete, states);
        let short = kernel.live().len() <= CAREFUL_NODES;
        let effort = if short || all_rows >= self.careful_rows { Effort::Careful } else { Effort::Quick };
        let kernels = compile(split(kernel, self.nodes), effort).ok();
        if let Ok(mut known) = self.compiled.lock() {
            known.insert(key, Known { kernels: kernels.clone(), effort, rows: all_rows });
        }
        kernels
    }
}
