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
pub(crate) mod reference;
mod states;

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex};

use num_bigint::BigInt;
use num_integer::Integer as _;
use polc_compiler::codegen::BLOCK_ROWS;
use polc_compiler::ir::Target;
use polc_compiler::num::Ratio;
use polc_compiler::typed::{ControlKind, Expr, ExprKind, InputId, Presence, Program, QuantityId, Type, Value};
use rayon::prelude::*;

use crate::bounds::bounded;
use crate::table::{
    Batch, Denominators, Integers, Numbers, ResultColumn, ResultValues, Results, RowError, RowErrorKind, Statistics,
};

pub use aggregates::{Aggregates, Survey};
use compiled::Done;
pub use compiled::Prepared;
pub use history::History;
pub use kernels::{KERNEL_NODES, Kernels};

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

/// Rows of a share, at most but for a longer history: their cells stay in the caches; at least, and shares of a thread, so that all
/// of them have work to the end.
const SHARE: usize = 8_192;
const LEAST_SHARE: usize = 32;
const SHARES: usize = 4;

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
    /// Engines for what rows bring to aggregates: they keep what they compiled.
    nested: Mutex<HashMap<Vec<QuantityId>, Arc<Engine>>>,
    /// Whether rows with missing cells have bounds instead of an error.
    bounding: bool,
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
        let (rows, groups) = self.controls(batch);
        let history = self.history(batch, &groups);
        let mut results = self.second_pass(batch, &history, &rows, progress);
        // What missing cells leave open cannot be verified.
        for control in groups.into_iter().filter(|_| !self.bounding) {
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
        let (rows, groups) = self.controls(batch);
        if !groups.is_empty() {
            return DataReach::All;
        }
        let mut roots = self.outputs.clone();
        let mut earlier = false;
        let mut look = |expr: &Expr, roots: Option<&mut Vec<QuantityId>>| {
            expr.walk(&mut |e| {
                earlier |= matches!(
                    e.kind,
                    ExprKind::PastQuantity { .. }
                        | ExprKind::PastInput { .. }
                        | ExprKind::IsSet(Presence::PastInput(..) | Presence::PastQuantity(..))
                );
            });
            if let Some(roots) = roots {
                collect(expr, &mut BTreeSet::new(), roots);
            }
        };
        for rank in rows {
            if let ControlKind::Row { guard, condition, .. } = &program.controls[rank as usize].kind {
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
        let (_, groups) = self.controls(batch);
        Survey::of(self, &self.roots(batch, &groups), &groups)
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
        let (rows, _) = self.controls(batch);
        let mut history = self.join(batch);
        history.aggregates = survey.aggregates(batch);
        history.figures = survey.figures(batch);
        let results = self.second_pass(batch, &history, &rows, progress);
        let failed = if self.bounding { Vec::new() } else { survey.failed(batch, ranks, &history) };
        (results, failed)
    }

    /// Joins rows to those of other years, on the threads of the engine.
    fn join(&self, batch: &Batch) -> History {
        self.install(|| History::of(&self.program, batch))
    }

    /// What rows read of other rows: for the outputs, the row controls and some controls on groups.
    pub(crate) fn history(&self, batch: &Batch, groups: &[u32]) -> History {
        let program = &self.program;
        let mut history = self.join(batch);
        if !program.aggregates.is_empty() {
            let mut survey = Survey::of(self, &self.roots(batch, groups), &[]);
            survey.add_joined(batch, &history, &[]);
            history.aggregates = survey.aggregates(batch);
            history.figures = survey.figures(batch);
        }
        history
    }

    /// The quantities that the outputs, the row controls and some controls on groups read.
    fn roots(&self, batch: &Batch, groups: &[u32]) -> Vec<QuantityId> {
        let program = &self.program;
        // The others are not evaluated: adding up what they read would be for nothing.
        let (rows, _) = self.controls(batch);
        let mut roots = self.outputs.clone();
        for (rank, control) in program.controls.iter().enumerate() {
            let expressions: Vec<&Expr> = match &control.kind {
                ControlKind::Row { guard, condition, .. } if rows.contains(&(rank as u32)) => {
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
            // Each thread takes a share after another: they have nothing in common but what they read.
            let most = batch.rows / (SHARES * rayon::current_num_threads());
            let mut shares = history.shares(self.share_rows.unwrap_or(most.clamp(LEAST_SHARE, SHARE)));
            if shares.is_empty() {
                shares.push(0..0);
            }
            let compute = |done: &mut Done, share: Range<usize>| {
                let mut sink = Sink::new(&self.program, &self.outputs, controls, history.share(share));
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
            let sinks: Vec<Sink> = shares.into_par_iter().map_init(Done::default, compute).collect();
            Sink::joined(sinks).finish(&self.program)
        };
        let results = self.install(run);
        if !self.bounding {
            return results;
        }
        self.install(|| bounded(&self.program, batch, history, &self.outputs, controls, results))
    }

    /// The controls on rows and on groups whose inputs are all in the batch.
    fn controls(&self, batch: &Batch) -> (Vec<u32>, Vec<u32>) {
        let program = &self.program;
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
            if inputs.iter().all(|id| batch.columns[id.index()].is_some()) {
                result.push(rank as u32);
            }
        }
        (on_rows, on_groups)
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

/// Inputs and quantities that an expression reads.
fn collect(expr: &Expr, inputs: &mut BTreeSet<InputId>, quantities: &mut Vec<QuantityId>) {
    expr.walk(&mut |e| match e.kind {
        ExprKind::Input(id)
        | ExprKind::InputOr { input: id, .. }
        | ExprKind::PastInput { input: id, .. }
        | ExprKind::IsSet(Presence::Input(id) | Presence::PastInput(_, id)) => {
            inputs.insert(id);
        }
        ExprKind::Quantity(id)
        | ExprKind::Met(id)
        | ExprKind::QuantityOr { quantity: id, .. }
        | ExprKind::PastQuantity { quantity: id, .. }
        | ExprKind::IsSet(Presence::Quantity(id) | Presence::PastQuantity(_, id)) => quantities.push(id),
        _ => {}
    });
}

/// The expressions that may be read to compute a quantity, the fields of its rules included.
fn expressions(program: &Program, id: QuantityId) -> impl Iterator<Item = &Expr> {
    let quantity = program.quantity(id);
    let scopes = quantity.rules.iter().filter_map(|rule| rule.scope);
    quantity.expressions().chain(scopes.map(|scope| &program.scope(scope).condition))
}

/// The aggregates that some quantities depend on, under any variant of the readings.
#[must_use]
pub fn aggregates_of(program: &Program, outputs: &[QuantityId]) -> Vec<QuantityId> {
    let mut found = reachable(program, outputs);
    loop {
        let mut more = Vec::new();
        for id in &found {
            let others = program.quantity(*id).rules.iter().flat_map(|rule| &rule.alternatives);
            let others = others.flat_map(|other| other.guard.iter().chain([&other.value]));
            others.for_each(|expr| collect(expr, &mut BTreeSet::new(), &mut more));
        }
        more.retain(|id| !found.contains(id));
        if more.is_empty() {
            break;
        }
        found.extend(reachable(program, &more));
    }
    found.into_iter().filter(|id| program.aggregate(*id).is_some()).collect()
}

/// The quantities that some quantities depend on, themselves included.
pub(crate) fn reachable(program: &Program, roots: &[QuantityId]) -> BTreeSet<QuantityId> {
    let mut found: BTreeSet<QuantityId> = BTreeSet::new();
    let mut pending = roots.to_vec();
    while let Some(id) = pending.pop() {
        if !found.insert(id) {
            continue;
        }
        pending.extend(program.aggregate(id).map(|aggregate| aggregate.of));
        let quantity = program.quantity(id);
        expressions(program, id).for_each(|expr| collect(expr, &mut BTreeSet::new(), &mut pending));
        pending.extend(quantity.rules.iter().flat_map(|rule| &rule.adjustments).map(|adjustment| adjustment.quantity));
    }
    found
}

/// The results of earlier rows that the outputs and the row controls depend on, in order.
pub(crate) fn previous_results(program: &Program, outputs: &[QuantityId], controls: &[u32]) -> Vec<QuantityId> {
    let mut roots = outputs.to_vec();
    let mut all: Vec<&Expr> = Vec::new();
    for rank in controls {
        if let ControlKind::Row { guard, condition, .. } = &program.controls[*rank as usize].kind {
            all.extend(guard.iter().chain([condition]));
        }
    }
    all.iter().for_each(|expr| collect(expr, &mut BTreeSet::new(), &mut roots));
    let mut result = BTreeSet::new();
    for id in reachable(program, &roots) {
        all.extend(expressions(program, id));
        if program.quantity(id).rules.iter().any(|rule| rule.keeps.is_some()) {
            result.insert(id);
        }
    }
    for expr in all {
        expr.walk(&mut |e| match e.kind {
            ExprKind::PastQuantity { quantity, .. } | ExprKind::IsSet(Presence::PastQuantity(_, quantity)) => {
                result.insert(quantity);
            }
            _ => {}
        });
    }
    result.into_iter().collect()
}

/// What one row gives: a result for each output, and the controls that fail.
#[derive(Debug)]
pub(crate) struct RowResult {
    pub values: Vec<Option<Value>>,
    pub failed: Vec<u32>,
}

/// Where the results of some rows are gathered.
#[derive(Default)]
struct Sink {
    /// Ascending, but where sinks were joined.
    rows: Vec<u32>,
    columns: Vec<ResultColumn>,
    errors: Vec<RowError>,
    statistics: Statistics,
    /// Row controls evaluated, and how many rows each failed on.
    failures: Vec<(u32, usize)>,
}

impl Sink {
    fn new(program: &Program, outputs: &[QuantityId], controls: &[u32], of: Vec<u32>) -> Self {
        let rows = of.len();
        let columns = outputs
            .iter()
            .map(|id| {
                let quantity = program.quantity(*id);
                let values = match &quantity.ty {
                    Type::Date => ResultValues::Date(vec![0; rows]),
                    Type::Enumeration(_) => ResultValues::Case(vec![0; rows]),
                    Type::Number(_) => ResultValues::Number(Numbers {
                        numerators: Integers::filled(0, rows),
                        denominators: match quantity.rules.first().and_then(|rule| rule.rounding) {
                            Some(decimals) => Denominators::Constant(10i64.pow(decimals)),
                            None => Denominators::PerRow(Integers::filled(1, rows)),
                        },
                        large: std::collections::BTreeMap::new(),
                    }),
                    _ => ResultValues::Boolean(vec![false; rows]),
                };
                ResultColumn { present: vec![false; rows], values }
            })
            .collect();
        let failures = controls.iter().map(|rank| (*rank, 0)).collect();
        Self { rows: of, columns, errors: Vec::new(), statistics: Statistics::default(), failures }
    }

    fn controls_failed(&mut self, rank: u32, rows: usize) {
        if let Some((_, count)) = self.failures.iter_mut().find(|(known, _)| *known == rank) {
            *count += rows;
        }
    }

    /// Stores what the interpreter found.
    fn store(&mut self, row: usize, result: Result<RowResult, RowErrorKind>) {
        match result {
            Ok(result) => {
                let rank = self.rows.partition_point(|known| (*known as usize) < row);
                for (column, value) in self.columns.iter_mut().zip(result.values) {
                    column.set(rank, value);
                }
                result.failed.into_iter().for_each(|rank| self.controls_failed(rank, 1));
            }
            Err(kind) => self.errors.push(RowError { row, kind }),
        }
    }

    /// One for the rows of all of them.
    fn joined(sinks: Vec<Self>) -> Self {
        let mut all = Self::default();
        let mut parts: Vec<Vec<ResultColumn>> = Vec::new();
        for sink in sinks {
            parts.resize_with(sink.columns.len(), Vec::new);
            parts.iter_mut().zip(sink.columns).for_each(|(parts, column)| parts.push(column));
            all.rows.extend(sink.rows);
            all.errors.extend(sink.errors);
            all.statistics.add(&sink.statistics);
            all.failures.resize(sink.failures.len(), (0, 0));
            for (all, (rank, count)) in all.failures.iter_mut().zip(sink.failures) {
                *all = (rank, all.1 + count);
            }
        }
        let rows = all.rows.len();
        let join = |parts: Vec<ResultColumn>| {
            let mut parts = parts.into_iter();
            let mut all = parts.next()?;
            all.reserve(rows - all.present.len());
            parts.for_each(|part| all.append(part));
            Some(all)
        };
        all.columns = parts.into_par_iter().filter_map(join).collect();
        all
    }

    fn finish(mut self, program: &Program) -> Results {
        if !self.rows.is_sorted() {
            let mut ranks = vec![0; self.rows.len()];
            self.rows.iter().enumerate().for_each(|(rank, row)| ranks[*row as usize] = rank);
            self.columns.par_iter_mut().for_each(|column| *column = column.select(&ranks));
        }
        self.errors.sort_by_key(|error| error.row);
        // A row in error has no results at all.
        for error in &self.errors {
            self.columns.iter_mut().for_each(|column| column.present[error.row] = false);
        }
        self.statistics.failed_controls = self
            .failures
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(rank, count)| (program.controls[*rank as usize].name.clone(), *count))
            .collect();
        Results { columns: self.columns, errors: self.errors, statistics: self.statistics }
    }
}

impl ResultColumn {
    pub(crate) fn set(&mut self, row: usize, value: Option<Value>) {
        self.present[row] = value.is_some();
        match (&mut self.values, value) {
            (ResultValues::Boolean(cells), Some(Value::Boolean(value))) => cells[row] = value,
            (ResultValues::Date(cells), Some(Value::Date(date))) => cells[row] = date.days(),
            (ResultValues::Case(cells), Some(Value::Case(case))) => cells[row] = case as u16,
            (ResultValues::Number(numbers), Some(Value::Number(value))) => numbers.set(row, &value),
            _ => {}
        }
    }
}

impl Numbers {
    /// Stores `numerator / (constant × factor)`; what divides is positive wherever the number is meant.
    fn set_quotient(&mut self, row: usize, numerator: i128, constant: i128, factor: i128) {
        if factor <= 0 {
            return;
        }
        let whole = constant.checked_mul(factor).map(|denominator| (numerator, denominator));
        // Numbers need not be in lowest terms: reducing them takes longer than all the rest.
        let short = |number: i128| i64::try_from(number).is_ok();
        let is_short = matches!(self.denominators, Denominators::PerRow(_))
            && whole.is_some_and(|(above, below)| short(above) && short(below));
        let whole = whole.map(|(above, below)| {
            let common = if is_short { 1 } else { above.gcd(&below) };
            (above / common, below / common)
        });
        let fits = whole.and_then(|(above, below)| match &mut self.denominators {
            Denominators::Constant(known) => {
                let times =
                    i128::from(*known).checked_div(below).filter(|times| times * below == i128::from(*known))?;
                self.numerators.set(row, i64::try_from(above.checked_mul(times)?).ok()?);
                Some(())
            }
            Denominators::PerRow(denominators) => {
                let (above, below) = (i64::try_from(above).ok()?, i64::try_from(below).ok()?);
                self.numerators.set(row, above);
                denominators.set(row, below);
                Some(())
            }
        });
        if fits.is_none() {
            let value = Ratio::new(numerator.into(), constant.into()) / Ratio::from_integer(factor.into());
            self.large.insert(row, value);
        }
    }

    /// Stores an exact number, apart if it does not fit.
    fn set(&mut self, row: usize, value: &Ratio) {
        let small = |n: &BigInt| i64::try_from(n).ok();
        let fits = match &mut self.denominators {
            Denominators::Constant(constant) => {
                let scaled = value * Ratio::from_integer((*constant).into());
                let whole = scaled.is_integer().then(|| small(scaled.numer())).flatten();
                whole.map(|numerator| self.numerators.set(row, numerator))
            }
            Denominators::PerRow(denominators) => {
                small(value.numer()).zip(small(value.denom())).map(|(above, below)| {
                    self.numerators.set(row, above);
                    denominators.set(row, below);
                })
            }
        };
        if fits.is_none() {
            self.large.insert(row, value.clone());
        } else if !self.large.is_empty() {
            // What machine code left of a row in doubt may stand there.
            self.large.remove(&row);
        }
    }
}
