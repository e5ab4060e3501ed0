//! Evaluation of many rows: compiled code by group of rows of one year of law, the interpreter for the rest.
//!
//! The interpreter is the reference. Compiled code answers for a row only when it is sure to agree; it hands every other row
//! over. No result depends on the order of rows, on threads or on blocks.

pub(crate) mod aggregates;
mod compiled;
mod gather;
mod history;
mod kernels;
mod keys;
mod order;
mod reads;
pub(crate) mod reference;
mod sink;
mod states;

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use polc_compiler::codegen::BLOCK_ROWS;
use polc_compiler::ir::Target;
use polc_compiler::typed::{ControlKind, Expr, Program, QuantityId};
use rayon::prelude::*;

use crate::bounds::bounded;
use crate::table::{Batch, Results};

pub use aggregates::{Aggregates, Survey};
use compiled::Done;
pub use compiled::Prepared;
pub use history::History;
pub use kernels::{KERNEL_NODES, Kernels};
pub use reads::aggregates_of;
use reads::{collect, expressions, looks_back, reads_past};
pub(crate) use reads::{previous_results, reachable};
pub(crate) use sink::RowResult;
use sink::Sink;

/// Which way rows are computed. Both give the same results on every row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum EngineMode {
    #[default]
    Compiled,
    Reference,
}

/// The rows that one row depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataReach {
    /// Itself.
    Row,
    /// Those of the same key, of earlier years.
    Earlier,
    /// Those of its groups, which may be any.
    All,
}

/// Rows of a share, at most but for a longer history: their cells stay in the caches.
const SHARE: usize = 8_192;
/// Rows of a share, at least; and the part of all the rows that a thread has that the last shares are.
const LEAST_SHARE: usize = 32;
const LAST_SHARES: usize = 16;

/// Bytes of the stack of a thread: one that waits takes up other work meanwhile, of which some goes deep. It is only reserved.
const STACK: usize = 16 << 20;

/// A policy ready to evaluate rows.
pub struct Engine {
    program: Arc<Program>,
    outputs: Vec<QuantityId>,
    mode: EngineMode,
    pool: Option<Arc<rayon::ThreadPool>>,
    kernels: Kernels,
    /// Rows below which a group is not worth compiling for.
    least_rows: usize,
    /// Rows of a share, where that is told.
    share_rows: Option<usize>,
    /// Rows that kernels compute at a time.
    block_rows: usize,
    /// What is verified of data, by the columns that they have.
    verified: Mutex<HashMap<Vec<bool>, Arc<Verified>>>,
    /// Whether rows read those of earlier years.
    reads_past: OnceLock<bool>,
    /// Engines for what rows bring to aggregates: they keep what they compiled.
    nested: Mutex<HashMap<Vec<QuantityId>, Arc<Engine>>>,
    /// Whether rows with missing cells have bounds instead of an error.
    bounding: bool,
}

/// The controls whose inputs are all in the data.
#[derive(Debug)]
struct Verified {
    on_rows: Vec<u32>,
    on_groups: Vec<u32>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("mode", &self.mode).field("outputs", &self.outputs).finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine for the outputs named, on so many threads (0 for as many as the machine has).
    #[must_use]
    pub fn new(program: Arc<Program>, outputs: Vec<QuantityId>, mode: EngineMode, threads: usize) -> Self {
        // Without a pool of its own the engine runs on the caller's thread: slower, and as right.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(STACK).build();
        Self::on(pool.ok().map(Arc::new), program, outputs, mode)
    }

    /// The same on the threads of a pool.
    fn on(
        pool: Option<Arc<rayon::ThreadPool>>,
        program: Arc<Program>,
        outputs: Vec<QuantityId>,
        mode: EngineMode,
    ) -> Self {
        Self {
            program,
            outputs,
            mode,
            pool,
            kernels: Kernels::default(),
            least_rows: 0,
            share_rows: None,
            block_rows: BLOCK_ROWS,
            verified: Mutex::default(),
            reads_past: OnceLock::new(),
            nested: Mutex::default(),
            bounding: false,
        }
    }

    /// Does something on the threads of the engine.
    fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.pool {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }

    /// Leaves groups of fewer rows to the interpreter: compiling takes longer than computing them. The results are the same.
    #[must_use]
    pub fn compiling_from(mut self, rows: usize) -> Self {
        self.least_rows = rows;
        self
    }

    /// Gives bounds of the outputs, which are numbers, for rows that lack cells: the columns of
    /// [`crate::bounds::Presentation`]. Controls on the whole data are not verified.
    #[must_use]
    pub fn bounding(mut self) -> Self {
        self.bounding = true;
        self
    }

    /// Cuts the work on a row into kernels near that number of operations. The results are the same.
    #[must_use]
    pub fn cutting_kernels_at(mut self, nodes: usize) -> Self {
        self.kernels.nodes = nodes;
        self
    }

    /// Computes near so many rows at a time on each thread, one at least. The results are the same.
    #[must_use]
    pub fn in_shares_of(mut self, rows: usize) -> Self {
        self.share_rows = Some(rows.max(1));
        self
    }

    /// Has kernels compute so many rows at a time, from one to those of a block. The results are the same.
    #[must_use]
    pub fn in_blocks_of(mut self, rows: usize) -> Self {
        self.block_rows = rows.clamp(1, BLOCK_ROWS);
        self
    }

    /// Compiles with care from the first row, as for many. The results are the same.
    #[must_use]
    pub fn compiling_with_care(mut self) -> Self {
        self.kernels.careful_rows = 0;
        self
    }

    /// The engine for other outputs of the same policy.
    fn nested(&self, outputs: Vec<QuantityId>) -> Arc<Self> {
        let new = |outputs| {
            let mut engine = Self::on(self.pool.clone(), self.program.clone(), outputs, self.mode);
            engine.kernels.careful_rows = self.kernels.careful_rows;
            engine.least_rows = self.least_rows;
            Arc::new(engine)
        };
        match self.nested.lock() {
            Ok(mut known) => known.entry(outputs).or_insert_with_key(|outputs| new(outputs.clone())).clone(),
            Err(_) => new(outputs),
        }
    }

    /// Evaluates every row. `progress` is told how many more rows are done.
    #[must_use]
    pub fn evaluate(&self, batch: &Batch, progress: &(dyn Fn(usize) + Sync)) -> Results {
        self.install(|| self.evaluate_here(batch, progress))
    }

    fn evaluate_here(&self, batch: &Batch, progress: &(dyn Fn(usize) + Sync)) -> Results {
        let verified = self.verified(batch);
        let history = self.history(batch, &verified.on_groups);
        let mut results = self.second_pass(batch, &history, &verified.on_rows, progress);
        // What missing cells leave open cannot be verified.
        for control in verified.on_groups.iter().copied().filter(|_| !self.bounding) {
            let failed = aggregates::failed_groups(&self.program, control, batch, &history);
            if !failed.is_empty() {
                let name = self.program.controls[control as usize].name.clone();
                results.statistics.failed_groups.push((name, failed));
            }
        }
        results
    }

    /// Which other rows the results and the controls of a row depend on, for data with these columns.
    #[must_use]
    pub fn reach(&self, batch: &Batch) -> DataReach {
        let program = &self.program;
        let verified = self.verified(batch);
        if !verified.on_groups.is_empty() {
            return DataReach::All;
        }
        let mut roots = self.outputs.clone();
        let mut earlier = false;
        let mut look = |expr: &Expr, roots: Option<&mut Vec<QuantityId>>| {
            earlier |= looks_back(expr);
            if let Some(roots) = roots {
                collect(expr, &mut BTreeSet::new(), roots);
            }
        };
        for rank in &verified.on_rows {
            if let ControlKind::Row { guard, condition, .. } = &program.controls[*rank as usize].kind {
                guard.iter().chain([condition]).for_each(|expr| look(expr, Some(&mut roots)));
            }
        }
        let reached = reachable(program, &roots);
        for id in &reached {
            expressions(program, *id).for_each(|expr| look(expr, None));
        }
        if reached.iter().any(|id| program.aggregate(*id).is_some()) {
            return DataReach::All;
        }
        let keeps = |id: &QuantityId| program.quantity(*id).rules.iter().any(|rule| rule.keeps.is_some());
        if earlier || reached.iter().any(keeps) { DataReach::Earlier } else { DataReach::Row }
    }

    /// To add up what rows read of all the others, for data with these columns; the parts are then evaluated each by itself.
    #[must_use]
    pub fn survey(&self, batch: &Batch) -> Survey {
        let groups = &self.verified(batch).on_groups;
        Survey::of(self, &self.roots(batch, groups), groups)
    }

    /// Evaluates a part of the data that holds whole histories, once all the parts are added to the survey. `ranks` are those
    /// of its rows in the whole data. Besides the results, the groups on which a control does not hold, each in the part that
    /// has its first row: the rank of the control, that of the row, and the name of the group.
    #[must_use]
    pub fn evaluate_part(
        &self,
        batch: &Batch,
        ranks: &[u64],
        survey: &Survey,
        progress: &(dyn Fn(usize) + Sync),
    ) -> (Results, Vec<(u32, u64, String)>) {
        let mut history = self.join(batch);
        history.aggregates = survey.aggregates(batch, &history.groupings);
        history.figures = survey.figures(batch);
        let results = self.second_pass(batch, &history, &self.verified(batch).on_rows, progress);
        let failed = if self.bounding { Vec::new() } else { survey.failed(batch, ranks, &history) };
        (results, failed)
    }

    /// Joins rows to those of other years, on the threads of the engine.
    fn join(&self, batch: &Batch) -> History {
        let reads_past = *self.reads_past.get_or_init(|| reads_past(&self.program));
        self.install(|| History::joining(&self.program, batch, reads_past))
    }

    /// What rows read of other rows: for the outputs, the row controls and some controls on groups.
    pub(crate) fn history(&self, batch: &Batch, groups: &[u32]) -> History {
        let program = &self.program;
        let mut history = self.join(batch);
        if !program.aggregates.is_empty() {
            let mut survey = Survey::of(self, &self.roots(batch, groups), &[]);
            survey.add_joined(batch, &history, &[]);
            history.aggregates = survey.aggregates(batch, &history.groupings);
            history.figures = survey.figures(batch);
        }
        history
    }

    /// The quantities that the outputs, the row controls and some controls on groups read.
    fn roots(&self, batch: &Batch, groups: &[u32]) -> Vec<QuantityId> {
        let program = &self.program;
        // The others are not evaluated: adding up what they read would be for nothing.
        let verified = self.verified(batch);
        let mut roots = self.outputs.clone();
        for (rank, control) in program.controls.iter().enumerate() {
            let expressions: Vec<&Expr> = match &control.kind {
                ControlKind::Row { guard, condition, .. } if verified.on_rows.contains(&(rank as u32)) => {
                    guard.iter().chain([condition]).collect()
                }
                ControlKind::Groups { condition, .. } if groups.contains(&(rank as u32)) => vec![condition],
                _ => continue,
            };
            expressions.iter().for_each(|expr| collect(expr, &mut BTreeSet::new(), &mut roots));
        }
        roots
    }

    /// Evaluates every row, with all that it reads of others.
    fn second_pass(
        &self,
        batch: &Batch,
        history: &History,
        controls: &[u32],
        progress: &(dyn Fn(usize) + Sync),
    ) -> Results {
        let run = || {
            let ways = (self.mode == EngineMode::Compiled).then(|| self.ways(batch, history, controls));
            let shares = self.shares(history, batch.rows);
            let compute = |done: &mut Done, share: &Range<usize>| {
                let mut sink = Sink::new(&self.program, &self.outputs, controls, history.share(share.clone()));
                match &ways {
                    Some(ways) => self.compiled(batch, history, ways, done, &mut sink, progress),
                    None => {
                        let rows: Vec<usize> = sink.rows.iter().map(|row| *row as usize).collect();
                        self.reference(batch, history, controls, &rows, &mut sink, progress);
                        sink.statistics.reference = rows.len();
                    }
                }
                sink
            };
            // Each thread takes a share after another: they have nothing in common but what they read.
            let next = AtomicUsize::new(0);
            let work = |_| {
                let mut done = Done::default();
                let rank = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|rank| *rank < shares.len());
                let ranks = std::iter::from_fn(rank);
                ranks.map(|rank| (rank, compute(&mut done, &shares[rank]))).collect::<Vec<_>>()
            };
            let threads = (0..rayon::current_num_threads()).into_par_iter().with_max_len(1);
            let mut sinks: Vec<(usize, Sink)> = threads.flat_map_iter(work).collect();
            sinks.sort_by_key(|(rank, _)| *rank);
            Sink::joined(sinks.into_iter().map(|(_, sink)| sink)).finish(&self.program)
        };
        let results = self.install(run);
        if !self.bounding {
            return results;
        }
        self.install(|| bounded(&self.program, batch, history, &self.outputs, controls, results))
    }

    /// The rows in shares, the first of which are long, for what is done once a share, and the last short, so that all threads
    /// have work to the end.
    fn shares(&self, history: &History, rows: usize) -> Vec<Range<usize>> {
        let threads = rayon::current_num_threads();
        let least = (rows / (LAST_SHARES * threads)).clamp(LEAST_SHARE, SHARE);
        let length = |left: usize| match (self.share_rows, threads) {
            (Some(rows), _) => rows,
            (None, 1) => SHARE,
            (None, _) => (left / (2 * threads)).clamp(least, SHARE),
        };
        let mut shares = history.shares(length);
        if shares.is_empty() {
            shares.push(0..0);
        }
        shares
    }

    /// What is verified of a batch.
    fn verified(&self, batch: &Batch) -> Arc<Verified> {
        let columns: Vec<bool> = batch.columns.iter().map(Option::is_some).collect();
        let Ok(mut known) = self.verified.lock() else { return Arc::new(Verified::of(&self.program, &columns)) };
        let new = |columns: &Vec<bool>| Arc::new(Verified::of(&self.program, columns));
        known.entry(columns).or_insert_with_key(new).clone()
    }

    /// The results of earlier rows that some rule reads.
    fn state(&self, controls: &[u32]) -> Vec<QuantityId> {
        previous_results(&self.program, &self.outputs, controls)
    }

    /// What kernels compute: outputs, results that next year reads, row controls.
    fn targets(&self, state: &[QuantityId], controls: &[u32]) -> Vec<Target> {
        let states = state.iter().filter(|id| !self.outputs.contains(id)).map(|id| Target::State(*id));
        let quantities = self.outputs.iter().map(|id| Target::Quantity(*id));
        quantities.chain(states).chain(controls.iter().map(|rank| Target::Control(*rank))).collect()
    }
}

impl Verified {
    /// Of data that have these columns.
    fn of(program: &Program, columns: &[bool]) -> Self {
        let (mut on_rows, mut on_groups) = (Vec::new(), Vec::new());
        for (rank, control) in program.controls.iter().enumerate() {
            let mut inputs = BTreeSet::new();
            let (guard, condition, result) = match &control.kind {
                ControlKind::Row { guard, condition, .. } => (guard.as_ref(), condition, &mut on_rows),
                ControlKind::Groups { condition, by, .. } => {
                    inputs.extend(by);
                    (None, condition, &mut on_groups)
                }
                _ => continue,
            };
            let mut quantities = Vec::new();
            for expr in guard.into_iter().chain([condition]) {
                collect(expr, &mut inputs, &mut quantities);
            }
            for id in reachable(program, &quantities) {
                if let Some(aggregate) = program.aggregate(id) {
                    inputs.extend(aggregate.by.iter().chain(&aggregate.distinct));
                }
                expressions(program, id).for_each(|expr| collect(expr, &mut inputs, &mut Vec::new()));
            }
            if inputs.iter().all(|id| columns[id.index()]) {
                result.push(rank as u32);
            }
        }
        Self { on_rows, on_groups }
    }
}
