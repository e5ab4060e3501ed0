//! What `polc bench` measures: how many rows a second a policy is computed at, by which path, and at what cost to start.
//!
//! The one module of this crate that reads the clock. Measures are taken turn by turn, so that a machine that slows down
//! slows them all, and the median of the turns counts.

mod draw;
mod text;

use std::hint::black_box;
use std::time::{Duration, Instant};

use polc_compiler::codegen::{Block, Effort, compile};
use polc_compiler::ir::Kernel;
use polc_compiler::typed::{Program, QuantityId, QuantityKind, Type};
use serde::Serialize;

use crate::engine::{Engine, EngineMode, Prepared};
use crate::policy::Policy;
use crate::table::{Batch, Results};

pub use draw::{draw, repeat};

#[derive(Clone, Debug)]
pub struct BenchOptions {
    /// Rows to draw, or to repeat the data to.
    pub rows: usize,
    /// Rows of the sample that the interpreter computes.
    pub reference_rows: usize,
    /// Turns; the median counts.
    pub repetitions: usize,
    /// Threads of the parallel measures; 0 for as many as the machine has.
    pub threads: usize,
    pub seed: u64,
    /// What to compute; every payment, then every output, if none is named.
    pub outputs: Vec<QuantityId>,
}

impl Default for BenchOptions {
    fn default() -> Self {
        Self { rows: 20_000, reference_rows: 300, repetitions: 7, threads: 0, seed: 1, outputs: Vec::new() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BenchReport {
    #[serde(rename = "politique")]
    pub policy: String,
    /// Whether the rows were drawn at random.
    #[serde(rename = "lignes_engendrees")]
    pub drawn: bool,
    #[serde(rename = "lignes")]
    pub rows: usize,
    /// First and last year of the rows; absent when there are none.
    #[serde(rename = "annees")]
    pub years: Option<(i64, i64)>,
    #[serde(rename = "fils")]
    pub threads: usize,
    #[serde(rename = "tours")]
    pub repetitions: usize,
    /// For the payments alone, if there are any, then for all outputs.
    #[serde(rename = "mesures")]
    pub measures: Vec<Measures>,
}

/// The measures of one selection of outputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Measures {
    #[serde(rename = "selection")]
    pub selection: Selection,
    #[serde(rename = "sorties")]
    pub outputs: usize,
    #[serde(rename = "noyaux")]
    pub kernels: Vec<KernelReport>,
    /// To machine code, for all kernels: as for few rows, and as for many.
    #[serde(rename = "compilation_microsecondes")]
    pub compilation: u64,
    #[serde(rename = "compilation_soignee_microsecondes")]
    pub careful_compilation: u64,
    #[serde(rename = "code_octets")]
    pub code_bytes: usize,
    /// Bytes that kernels read and write for a row, on average.
    #[serde(rename = "octets_lus_par_ligne")]
    pub bytes_read: usize,
    #[serde(rename = "octets_ecrits_par_ligne")]
    pub bytes_written: usize,
    /// Kernels alone, on blocks in memory, on one thread.
    #[serde(rename = "noyaux_un_fil")]
    pub compiled: Option<Rate>,
    /// From columns to results, grouping and joining years included.
    #[serde(rename = "evaluation_un_fil")]
    pub evaluation: Option<Rate>,
    #[serde(rename = "evaluation_tous_fils")]
    pub evaluation_parallel: Option<Rate>,
    /// The reference interpreter, on one thread, on a sample.
    #[serde(rename = "interprete_un_fil")]
    pub reference: Option<Rate>,
    /// Kernels against interpreter.
    #[serde(rename = "rapport_noyaux_interprete")]
    pub ratio: Option<u64>,
    #[serde(rename = "lignes_confiees_en_partie_a_l_interprete")]
    pub partial: usize,
    #[serde(rename = "lignes_confiees_a_l_interprete")]
    pub handed_over: usize,
    /// Whether both paths gave the same results on the sample.
    #[serde(rename = "resultats_identiques")]
    pub identical: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Selection {
    #[serde(rename = "versements")]
    Payments,
    #[serde(rename = "toutes")]
    All,
    #[serde(rename = "choisies")]
    Chosen,
}

/// The kernels of one group of rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KernelReport {
    #[serde(rename = "annee")]
    pub year: i64,
    /// The case of rows that are told apart by it.
    #[serde(rename = "cas", skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// How many kernels share the work on a row.
    #[serde(rename = "noyaux")]
    pub parts: usize,
    #[serde(rename = "lignes")]
    pub rows: usize,
    /// Operations for a row, and those on more than 64 bits.
    #[serde(rename = "operations")]
    pub nodes: usize,
    #[serde(rename = "operations_larges")]
    pub wide_nodes: usize,
    #[serde(rename = "octets_lus_par_ligne")]
    pub bytes_read: usize,
    #[serde(rename = "octets_ecrits_par_ligne")]
    pub bytes_written: usize,
    #[serde(rename = "compilation_microsecondes")]
    pub compilation: u64,
    #[serde(rename = "compilation_soignee_microsecondes")]
    pub careful_compilation: u64,
    #[serde(rename = "code_octets")]
    pub code_bytes: usize,
}

/// Rows a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rate {
    #[serde(rename = "lignes")]
    pub rows: usize,
    #[serde(rename = "lignes_par_seconde")]
    pub median: u64,
    #[serde(rename = "meilleur_tour")]
    pub best: u64,
}

/// Times a policy on rows drawn at random, or on data.
#[must_use]
pub fn run(policy: &Policy, options: &BenchOptions, data: Option<&Batch>) -> BenchReport {
    let program = &*policy.program;
    let batch = match data {
        Some(batch) => repeat(program, batch, options.rows),
        None => draw(program, options.rows, options.seed),
    };
    let sample = repeat(program, &batch, options.reference_rows.min(batch.rows));
    let repetitions = options.repetitions.max(1);
    let all: Vec<QuantityId> = program.outputs().collect();
    let payments = all.iter().copied().filter(|id| program.quantity(*id).kind == QuantityKind::Payment);
    let mut contenders = Vec::new();
    let selections = if options.outputs.is_empty() {
        vec![(Selection::Payments, payments.collect()), (Selection::All, all.clone())]
    } else {
        vec![(Selection::Chosen, options.outputs.clone())]
    };
    for (selection, outputs) in selections {
        if selection == Selection::All || !outputs.is_empty() {
            contenders.push(Contender::new(policy, selection, outputs, &batch, options));
        }
    }
    for _ in 0..repetitions {
        for measure in [Contender::kernels, Contender::evaluation, Contender::parallel] {
            contenders.iter_mut().for_each(|contender| measure(contender, &batch));
        }
        contenders.iter_mut().for_each(|contender| contender.reference(&sample));
    }
    let years = || (0..batch.rows).map(|row| batch.year(program, row));
    BenchReport {
        policy: program.name.to_string(),
        drawn: data.is_none(),
        rows: batch.rows,
        years: years().min().zip(years().max()),
        threads: threads(options.threads),
        repetitions,
        measures: contenders.into_iter().map(|contender| contender.report(batch.rows, &sample)).collect(),
    }
}

fn threads(asked: usize) -> usize {
    if asked > 0 { asked } else { std::thread::available_parallelism().map_or(1, usize::from) }
}

fn time<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    black_box(work());
    start.elapsed()
}

/// Runs every kernel over its blocks.
pub fn run_kernels(prepared: &[Prepared], output: &mut Block) {
    for group in prepared {
        for (input, rows) in &group.blocks {
            group.kernels.run(input, output, *rows);
        }
    }
    black_box(output);
}

/// A block that any of the kernels may write to.
#[must_use]
pub fn output_block(prepared: &[Prepared]) -> Block {
    Block::new(prepared.iter().map(|group| group.kernels.layout.output_bytes).max().unwrap_or(0))
}

/// A selection of outputs, and what was measured of it.
struct Contender {
    selection: Selection,
    outputs: usize,
    single: Engine,
    parallel: Engine,
    reference: Engine,
    reports: Vec<KernelReport>,
    prepared: Vec<Prepared>,
    output: Block,
    /// Rows of which some results, or all, are left to the interpreter.
    partial: usize,
    handed_over: usize,
    times: Times,
}

#[derive(Default)]
struct Times {
    kernels: Vec<Duration>,
    evaluation: Vec<Duration>,
    parallel: Vec<Duration>,
    reference: Vec<Duration>,
}

impl Contender {
    fn new(
        policy: &Policy,
        selection: Selection,
        outputs: Vec<QuantityId>,
        batch: &Batch,
        options: &BenchOptions,
    ) -> Self {
        let engine =
            |mode, threads| Engine::new(policy.program.clone(), outputs.clone(), mode, threads).compiling_with_care();
        let single = engine(EngineMode::Compiled, 1);
        let prepared = single.prepare(batch);
        // Engines compile at the first rows they see: not in the measures.
        let parallel = engine(EngineMode::Compiled, options.threads);
        let _ = parallel.evaluate(batch, &|_| {});
        let statistics = single.evaluate(batch, &|_| {}).statistics;
        Self {
            selection,
            outputs: outputs.len(),
            reference: engine(EngineMode::Reference, 1),
            reports: prepared.iter().filter_map(|group| KernelReport::of(&policy.program, group)).collect(),
            output: output_block(&prepared),
            times: Times::default(),
            single,
            parallel,
            prepared,
            partial: statistics.partial,
            handed_over: statistics.handed_over,
        }
    }

    fn kernels(&mut self, _batch: &Batch) {
        self.times.kernels.push(time(|| run_kernels(&self.prepared, &mut self.output)));
    }

    fn evaluation(&mut self, batch: &Batch) {
        self.times.evaluation.push(time(|| self.single.evaluate(batch, &|_| {})));
    }

    fn parallel(&mut self, batch: &Batch) {
        self.times.parallel.push(time(|| self.parallel.evaluate(batch, &|_| {})));
    }

    fn reference(&mut self, sample: &Batch) {
        self.times.reference.push(time(|| self.reference.evaluate(sample, &|_| {})));
    }

    fn report(self, rows: usize, sample: &Batch) -> Measures {
        let compiled_rows: usize = self.reports.iter().map(|kernels| kernels.rows).sum();
        let average = |bytes: fn(&KernelReport) -> usize| {
            let total: usize = self.reports.iter().map(|kernel| bytes(kernel) * kernel.rows).sum();
            total.checked_div(compiled_rows).unwrap_or(0)
        };
        let compiled = Rate::of(compiled_rows, self.times.kernels);
        let reference = Rate::of(sample.rows, self.times.reference);
        let (ours, theirs) = (self.single.evaluate(sample, &|_| {}), self.reference.evaluate(sample, &|_| {}));
        Measures {
            selection: self.selection,
            outputs: self.outputs,
            compilation: self.reports.iter().map(|kernel| kernel.compilation).sum(),
            careful_compilation: self.reports.iter().map(|kernel| kernel.careful_compilation).sum(),
            code_bytes: self.reports.iter().map(|kernel| kernel.code_bytes).sum(),
            bytes_read: average(|kernel| kernel.bytes_read),
            bytes_written: average(|kernel| kernel.bytes_written),
            evaluation: Rate::of(rows, self.times.evaluation),
            evaluation_parallel: Rate::of(rows, self.times.parallel),
            ratio: compiled.zip(reference).and_then(|(a, b)| a.median.checked_div(b.median)),
            partial: self.partial,
            handed_over: self.handed_over,
            identical: same(&ours, &theirs, sample.rows),
            compiled,
            reference,
            kernels: self.reports,
        }
    }
}

impl KernelReport {
    /// Compiles a kernel again, against the clock; `None` if the code generator refuses it.
    fn of(program: &Program, prepared: &Prepared) -> Option<Self> {
        let layout = &prepared.kernels.layout;
        let kernels: Vec<Kernel> = prepared.kernels.ir().cloned().collect();
        let live = || kernels.iter().flat_map(|kernel| kernel.live().into_iter().map(|id| *kernel.node(id)));
        let (nodes, wide_nodes) = (live().count(), live().filter(polc_compiler::ir::Node::is_wide).count());
        let parts = kernels.len();
        let careful = kernels.clone();
        let quick = time(|| compile(kernels, Effort::Quick));
        let start = Instant::now();
        let compiled = compile(careful, Effort::Careful).ok()?;
        let careful = start.elapsed();
        let microseconds = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let written = layout.outputs.iter().flat_map(|slots| [Some(slots.present), Some(slots.value), slots.factor]);
        let case = prepared.case.and_then(|(input, case)| match program.input(input).ty {
            Type::Enumeration(id) => Some(program.enumeration(id).cases.get(usize::from(case))?.0.to_string()),
            _ => None,
        });
        Some(Self {
            year: prepared.year,
            case,
            parts,
            rows: prepared.blocks.iter().map(|(_, rows)| rows).sum(),
            nodes,
            wide_nodes,
            bytes_read: layout.inputs.iter().map(|(_, slot)| slot.width.bytes()).sum(),
            bytes_written: written.flatten().chain(std::iter::once(layout.status)).map(|slot| slot.width.bytes()).sum(),
            compilation: microseconds(quick),
            careful_compilation: microseconds(careful),
            code_bytes: compiled.code_bytes(),
        })
    }
}

impl Rate {
    /// The rate of the median turn and of the best; `None` without rows or turns.
    #[must_use]
    pub fn of(rows: usize, mut times: Vec<Duration>) -> Option<Self> {
        times.sort_unstable();
        let (best, median) = (times.first()?, times[times.len() / 2]);
        let rate = |time: &Duration| {
            let rate = (rows as u128 * 1_000_000_000) / time.as_nanos().max(1);
            u64::try_from(rate).unwrap_or(u64::MAX)
        };
        (rows > 0).then(|| Self { rows, median: rate(&median), best: rate(best) })
    }
}

/// Whether two evaluations of the same rows say the same.
fn same(ours: &Results, theirs: &Results, rows: usize) -> bool {
    let mut columns = ours.columns.iter().zip(&theirs.columns);
    ours.errors == theirs.errors && columns.all(|(a, b)| (0..rows).all(|row| a.value(row) == b.value(row)))
}

#[cfg(test)]
mod tests;
