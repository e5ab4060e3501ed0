//! The kernels of a policy, compiled when rows ask for them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use polc_compiler::codegen::{CompiledKernels, Effort, compile};
use polc_compiler::ir::Target;
use polc_compiler::lower::{States, lower};
use polc_compiler::split::split;
use polc_compiler::typed::{InputId, Program, QuantityId};
use rayon::prelude::*;

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

/// Rows of a year that kernels are asked for.
#[derive(Debug)]
pub struct Asked {
    pub year: i64,
    pub rows: usize,
    /// Inputs of which none of them has an empty cell.
    pub complete: Vec<InputId>,
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

    /// The kernels for some more rows of some years: compiled with care once they are many. `None` where the code generator
    /// refuses: the interpreter does those rows. The forms of states are those of what the targets read: they need no place in
    /// the key.
    pub fn get(
        &self,
        program: &Program,
        years: &[Asked],
        targets: &[Target],
        states: &States,
    ) -> Vec<Option<CompiledKernels>> {
        let known: Vec<Result<Option<CompiledKernels>, usize>> =
            years.iter().map(|asked| self.known(asked, targets)).collect();
        // Years are lowered side by side, then the kernels of each are compiled side by side: a thread that waits for one of its
        // own may take up another one, never another year, which would need as much stack again.
        let lowered = years.par_iter().zip(&known).map(|(asked, known)| {
            let rows = known.as_ref().err()?;
            let kernel = lower(program, asked.year, targets, &asked.complete, states);
            let short = kernel.live().len() <= CAREFUL_NODES;
            let effort = if short || *rows >= self.careful_rows { Effort::Careful } else { Effort::Quick };
            Some((split(kernel, self.nodes), effort))
        });
        let lowered: Vec<_> = lowered.collect();
        let kernels = years.iter().zip(known).zip(lowered).map(|((asked, known), lowered)| match (known, lowered) {
            (Ok(kernels), _) => kernels,
            (Err(rows), Some((parts, effort))) => {
                let kernels = compile(parts, effort).ok();
                if let Ok(mut compiled) = self.compiled.lock() {
                    let key = (asked.year, targets.to_vec(), asked.complete.clone());
                    compiled.insert(key, Known { kernels: kernels.clone(), effort, rows });
                }
                kernels
            }
            (Err(_), None) => None,
        });
        kernels.collect()
    }

    /// What was compiled before and still serves; else for how many rows it is to be compiled.
    fn known(&self, asked: &Asked, targets: &[Target]) -> Result<Option<CompiledKernels>, usize> {
        let key = (asked.year, targets.to_vec(), asked.complete.clone());
        let Ok(mut compiled) = self.compiled.lock() else { return Err(asked.rows) };
        let Some(known) = compiled.get_mut(&key) else { return Err(asked.rows) };
        known.rows += asked.rows;
        if known.effort == Effort::Careful || known.rows < self.careful_rows {
            Ok(known.kernels.clone())
        } else {
            Err(known.rows)
        }
    }
}
