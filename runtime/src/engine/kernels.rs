//! The kernels of a policy, compiled when rows ask for them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use polc_compiler::codegen::{CompiledKernels, Effort, compile};
use polc_compiler::ir::{Source, Target};
use polc_compiler::lower::{Group, States, lower};
use polc_compiler::split::split;
use polc_compiler::typed::{InputId, Program, QuantityId, Type};
use rayon::prelude::*;

type Cache = HashMap<(Group, Vec<Target>), Known>;

/// The input whose cases are told apart, by what is asked for and what may be told apart.
type Divisions = HashMap<(Vec<Target>, Vec<InputId>), Option<InputId>>;

/// Operations that a kernel is kept near: its code then stays in the first-level cache.
pub const KERNEL_NODES: usize = 500;

/// Rows of a group from which careful code repays its time, which is some 20 µs more an operation for a tenth of a nanosecond
/// less an operation and a row.
const CAREFUL_ROWS: usize = 250_000;
/// Operations up to which telling cases apart is tried: it lowers a year once for every case.
const DIVIDED_NODES: usize = 3_000;

/// The kernels compiled so far.
pub struct Kernels {
    /// Operations that a kernel is kept near.
    pub nodes: usize,
    /// Rows of a group from which it is compiled with care, and of all from which cases may be told apart.
    pub careful_rows: usize,
    /// Rows that were to be computed so far.
    rows: AtomicUsize,
    compiled: Mutex<Cache>,
    /// How numbers of earlier rows stand, by those that are read.
    states: Mutex<HashMap<Vec<QuantityId>, Arc<States>>>,
    dividing: Mutex<Divisions>,
}

/// What kernels compute.
#[derive(Debug)]
pub struct Work {
    /// The results that later rows read, and how their numbers stand.
    pub state: Vec<QuantityId>,
    pub states: Arc<States>,
    pub targets: Vec<Target>,
    /// The row controls among them.
    pub controls: Vec<u32>,
}

/// Rows that kernels are asked for.
#[derive(Debug)]
pub struct Asked {
    pub group: Group,
    pub rows: usize,
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
        Self {
            nodes: KERNEL_NODES,
            careful_rows: CAREFUL_ROWS,
            rows: AtomicUsize::default(),
            compiled: Mutex::default(),
            states: Mutex::default(),
            dividing: Mutex::default(),
        }
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

    /// The input by whose cases some more rows, most of them of that year, are to be told apart, among inputs that stand on
    /// all of them: kernels for each case must be a quarter shorter on average than one for all. `None` while rows are few.
    pub fn dividing(
        &self,
        program: &Program,
        work: &Work,
        year: i64,
        among: Vec<InputId>,
        rows: usize,
    ) -> Option<InputId> {
        if self.rows.fetch_add(rows, Ordering::Relaxed) + rows < self.careful_rows {
            return None;
        }
        let key = (work.targets.clone(), among);
        if let Ok(known) = self.dividing.lock()
            && let Some(input) = known.get(&key)
        {
            return *input;
        }
        let lower = |group: &Group| lower(program, group, &work.targets, &work.states);
        // Every row then has its cells: where one is empty the kernel is as long, and checks it besides.
        let filled = program.input_ids().filter(|id| !program.input(*id).optional).collect();
        let whole = Group::year(year, filled);
        let kernel = lower(&whole);
        let length = kernel.live().len();
        let read = kernel.sources();
        let mut best = None;
        for input in key.1.iter().filter(|id| length <= DIVIDED_NODES && read.contains(&Source::Cell(**id))) {
            let cases = cases(program, *input);
            let group = |case: u16| Group { case: Some((*input, case)), ..whole.clone() };
            let total: usize = (0..cases).into_par_iter().map(|case| lower(&group(case)).live().len()).sum();
            let mean = total / usize::from(cases.max(1));
            if mean * 4 <= length * 3 && best.is_none_or(|(least, _)| mean < least) {
                best = Some((mean, *input));
            }
        }
        let input = best.map(|(_, input)| input);
        if let Ok(mut known) = self.dividing.lock() {
            known.insert(key, input);
        }
        input
    }

    /// The kernels for some more rows of some groups: compiled with care once they are many. `None` where the code generator
    /// refuses: the interpreter does those rows. The forms of states are those of what the targets read: they need no place in
    /// the key.
    pub fn get(&self, program: &Program, groups: &[Asked], work: &Work) -> Vec<Option<CompiledKernels>> {
        let (targets, states) = (&work.targets, &work.states);
        let known: Vec<Result<Option<CompiledKernels>, usize>> =
            groups.iter().map(|asked| self.known(asked, targets)).collect();
        // Groups are lowered side by side, then the kernels of each are compiled side by side: a thread that waits for one of its
        // own may take up another one, never another group, which would need as much stack again.
        let lowered = groups.par_iter().zip(&known).map(|(asked, known)| {
            let rows = known.as_ref().err()?;
            let kernel = lower(program, &asked.group, targets, states);
            let effort = if *rows >= self.careful_rows { Effort::Careful } else { Effort::Quick };
            Some((split(kernel, self.nodes), effort))
        });
        let lowered: Vec<_> = lowered.collect();
        let kernels = groups.iter().zip(known).zip(lowered).map(|((asked, known), lowered)| match (known, lowered) {
            (Ok(kernels), _) => kernels,
            (Err(rows), Some((parts, effort))) => {
                let kernels = compile(parts, effort).ok();
                if let Ok(mut compiled) = self.compiled.lock() {
                    let key = (asked.group.clone(), targets.clone());
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
        let key = (asked.group.clone(), targets.to_vec());
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

/// How many cases an input may have; 0 if it has none.
fn cases(program: &Program, id: InputId) -> u16 {
    match program.input(id).ty {
        Type::Enumeration(id) => u16::try_from(program.enumeration(id).cases.len()).unwrap_or(0),
        _ => 0,
    }
}
