//! The bloc commun principal on synthetic centres: compiled kernels, interpreter, and the same rules written by hand.
//!
//! `cargo bench -p polc-runtime --bench main_block` first checks that all give the same cents on every row, then times them
//! in turn, then one by one with criterion. `POLC_BENCH_SUBJECTS` sets how many centres, each over several years.

mod native;

use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use native::Columns;
use polc_compiler::Selection;
use polc_compiler::codegen::{Block, Effort, compile};
use polc_compiler::ir::Target;
use polc_compiler::lower::{Group, States, lower};
use polc_compiler::split::split;
use polc_compiler::typed::QuantityId;
use polc_runtime::bench::{Rate, output_block, repeat, run_kernels};
use polc_runtime::engine::{Engine, EngineMode, KERNEL_NODES, Prepared};
use polc_runtime::policy::Policy;
use polc_runtime::synth::{self, Cell, Profile};
use polc_runtime::table::{Batch, Column, ColumnData, ResultValues, Results};

const TURNS: usize = 25;
const REFERENCE_ROWS: usize = 1_000;

fn main() {
    // As `cargo test --benches` runs it: everything once, on few rows.
    let trial = std::env::args().any(|argument| argument == "--test");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/accord-cds");
    let policy = Policy::load(&folder, &Selection::default()).unwrap_or_else(|(_, problems)| panic!("{problems:?}"));
    let subjects = std::env::var("POLC_BENCH_SUBJECTS").ok().and_then(|text| text.parse().ok());
    let batch = rows(&policy, &folder, if trial { 50 } else { subjects.unwrap_or(10_000) });
    let contenders = Contenders::new(policy, batch);
    contenders.check();
    if !trial {
        contenders.take_turns();
    }
    let mut criterion = Criterion::default().configure_from_args();
    contenders.criterion(&mut criterion);
    criterion.final_summary();
}

/// The rows of the profile that the policy is shipped with.
fn rows(policy: &Policy, folder: &Path, subjects: usize) -> Batch {
    let program = &policy.program;
    let text = std::fs::read_to_string(folder.join("donnees/profil.toml")).expect("the profile of the policy");
    let profile = Profile::parse(&text).unwrap_or_else(|problems| panic!("{problems:?}"));
    let rows = synth::generate(program, &profile, subjects, 1).unwrap_or_else(|problems| panic!("{problems:?}"));
    let mut columns: Vec<Column> = program.inputs.iter().map(|input| Column::with_capacity(input, 0)).collect();
    let mut count = 0;
    for cells in rows {
        count += 1;
        for ((column, input), cell) in columns.iter_mut().zip(&program.inputs).zip(cells) {
            match (&mut column.data, cell) {
                (ColumnData::Number(cells), Some(Cell::Number(number))) => cells.push(number),
                (ColumnData::Boolean(cells), Some(Cell::Boolean(flag))) => cells.push(flag),
                (ColumnData::Date(cells), Some(Cell::Date(days))) => cells.push(days),
                (ColumnData::Case(cells), Some(Cell::Case(case))) => cells.push(case),
                (ColumnData::Text(cells), Some(Cell::Text(text))) => cells.push(text),
                _ => {
                    column.push(None, input);
                    continue;
                }
            }
            if !column.missing.is_empty() {
                column.missing.push(false);
            }
        }
    }
    Batch { rows: count, columns: columns.into_iter().map(Some).collect() }
}

struct Contenders {
    policy: Policy,
    batch: Batch,
    sample: Batch,
    total: QuantityId,
    reference: Engine,
    payable: Vec<Prepared>,
    all: Vec<Prepared>,
    columns: Columns,
    by_kind: Columns,
}

impl Contenders {
    fn new(policy: Policy, batch: Batch) -> Self {
        let program = &policy.program;
        let engine =
            |outputs, mode, threads| Engine::new(program.clone(), outputs, mode, threads).compiling_with_care();
        let find = |name| program.find_quantity(name).expect("a quantity of the accord");
        let (total, paid) = (find("bcp_total_euros"), find("bcp_si_remunere"));
        let paid = engine(vec![paid], EngineMode::Compiled, 0).evaluate(&batch, &|_| {});
        let ResultValues::Boolean(flags) = &paid.columns[0].values else { panic!("a flag") };
        let paid: Vec<bool> =
            flags.iter().zip(&paid.columns[0].present).map(|(flag, present)| *flag && *present).collect();
        let columns = Columns::of(&policy, &batch, &paid);
        Self {
            total,
            reference: engine(vec![total], EngineMode::Reference, 1),
            payable: engine(vec![total], EngineMode::Compiled, 1).prepare(&batch),
            all: engine(program.outputs().collect(), EngineMode::Compiled, 1).prepare(&batch),
            by_kind: columns.reordered(&native::by_kind(&columns)),
            columns,
            sample: repeat(&batch, REFERENCE_ROWS.min(batch.rows)),
            batch,
            policy,
        }
    }

    /// All must pay the same, on every row.
    fn check(&self) {
        let engine = |mode| Engine::new(self.policy.program.clone(), vec![self.total], mode, 0);
        let compiled = engine(EngineMode::Compiled).evaluate(&self.batch, &|_| {});
        let reference = engine(EngineMode::Reference).evaluate(&self.batch, &|_| {});
        assert!(reference.errors.is_empty(), "{:?}", reference.errors.first());
        let expected = cents(&reference);
        assert_eq!(differences(&expected, &cents(&compiled)), [], "compiled code");
        let mut native = vec![0; self.batch.rows];
        native::row_by_row(&self.columns, &mut native);
        assert_eq!(differences(&expected, &native), [], "native code");
        let mut grouped = vec![0; self.batch.rows];
        native::kind_by_kind(&self.by_kind, &mut grouped);
        let reordered: Vec<i64> = native::by_kind(&self.columns).iter().map(|row| native[*row]).collect();
        assert_eq!(differences(&reordered, &grouped), [], "native code by kind");

        let paid = |cents: &[i64]| cents.iter().filter(|cents| **cents != native::WITHOUT_OBJECT).sum::<i64>();
        let handed = compiled.statistics.handed_over;
        if handed == 0 {
            assert_eq!(block_total(&self.payable), paid(&expected), "the blocks");
        }
        let nodes = |prepared: &[Prepared]| prepared.iter().map(|group| group.kernels.code_bytes()).max().unwrap_or(0);
        println!(
            "{} rows, {} without object, {} not paid, {handed} handed over, {} cents in all; the same by every path",
            self.batch.rows,
            expected.iter().filter(|cents| **cents == native::WITHOUT_OBJECT).count(),
            expected.iter().filter(|cents| **cents == 0).count(),
            paid(&expected),
        );
        println!(
            "{} kernels, at most {} bytes of code ({} for all outputs)",
            self.payable.len(),
            nodes(&self.payable),
            nodes(&self.all)
        );
    }

    /// Times each contender once a turn, so that a busy machine slows all of them.
    fn take_turns(&self) {
        let (mut payable_block, mut all_block) = (output_block(&self.payable), output_block(&self.all));
        let mut native = vec![0; self.batch.rows];
        let mut grouped = vec![0; self.batch.rows];
        let mut times: [Vec<Duration>; 5] = Default::default();
        for _ in 0..TURNS {
            times[0].push(time(|| run_kernels(&self.payable, &mut payable_block)));
            times[1].push(time(|| run_kernels(&self.all, &mut all_block)));
            times[2].push(time(|| native::row_by_row(&self.columns, &mut native)));
            times[3].push(time(|| native::kind_by_kind(&self.by_kind, &mut grouped)));
            times[4].push(time(|| self.reference.evaluate(&self.sample, &|_| {})));
        }
        let base = Rate::of(self.batch.rows, times[0].clone()).map_or(1, |rate| rate.median);
        let labels = [
            "kernels, total",
            "kernels, all outputs",
            "native, row by row",
            "native, kind by kind",
            "interpreter, total",
        ];
        println!(
            "{TURNS} turns, one thread: rows a second (median; best), as a percentage of the kernels for the total"
        );
        for (label, times) in labels.iter().zip(times) {
            let rows = if label.starts_with("interpreter") { self.sample.rows } else { self.batch.rows };
            let Some(rate) = Rate::of(rows, times) else { continue };
            println!("  {label:<22}{:>12} {:>12} {:>6} %", rate.median, rate.best, rate.median * 100 / base.max(1));
        }
    }

    fn criterion(&self, criterion: &mut Criterion) {
        let mut group = criterion.benchmark_group("main_block");
        group.throughput(Throughput::Elements(self.batch.rows as u64));
        let mut output = output_block(&self.payable);
        group.bench_function("kernels/total", |b| b.iter(|| run_kernels(&self.payable, &mut output)));
        let mut output = output_block(&self.all);
        group.bench_function("kernels/all", |b| b.iter(|| run_kernels(&self.all, &mut output)));
        let mut cents = vec![0; self.batch.rows];
        group.bench_function("native/row_by_row", |b| b.iter(|| native::row_by_row(&self.columns, &mut cents)));
        group.bench_function("native/kind_by_kind", |b| b.iter(|| native::kind_by_kind(&self.by_kind, &mut cents)));
        group.sample_size(10).throughput(Throughput::Elements(self.sample.rows as u64));
        group.bench_function("interpreter/total", |b| b.iter(|| self.reference.evaluate(&self.sample, &|_| {})));
        group.finish();

        // The kernels of one year, and the policy from its text.
        let program = &self.policy.program;
        let all: Vec<Target> = program.outputs().map(Target::Quantity).collect();
        let year = Group::year(2024, Vec::new());
        let mut group = criterion.benchmark_group("compile");
        group.sample_size(20);
        for (name, targets) in [("year/total", &[Target::Quantity(self.total)][..]), ("year/all", &all)] {
            group.bench_function(name, |b| {
                b.iter(|| {
                    compile(split(lower(program, &year, targets, &States::default()), KERNEL_NODES), Effort::Careful)
                        .expect("machine code")
                });
            });
        }
        let sources = &self.policy.sources;
        group.bench_function("check", |b| b.iter(|| polc_compiler::analyse(sources, &Selection::default())));
        group.finish();
    }
}

fn time<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    std::hint::black_box(work());
    start.elapsed()
}

/// The payment of each row in cents.
fn cents(results: &Results) -> Vec<i64> {
    let column = &results.columns[0];
    let ResultValues::Number(numbers) = &column.values else { panic!("an amount") };
    let row = |row: usize| if column.present[row] { numbers.numerators.get(row) } else { native::WITHOUT_OBJECT };
    (0..column.present.len()).map(row).collect()
}

/// The first rows that differ: row, expected, found.
fn differences(expected: &[i64], found: &[i64]) -> Vec<(usize, i64, i64)> {
    let pairs = expected.iter().zip(found).enumerate().filter(|(_, (a, b))| a != b);
    pairs.take(5).map(|(row, (a, b))| (row, *a, *b)).collect()
}

/// The sum of the first payment that the blocks give.
fn block_total(prepared: &[Prepared]) -> i64 {
    let mut total = 0;
    for group in prepared {
        let layout = &group.kernels.layout;
        let mut output = Block::new(layout.output_bytes);
        let total_of = |slots: &&polc_compiler::codegen::OutputSlots| {
            matches!(slots.output.value, polc_compiler::ir::OutputValue::Fraction { constant: 100, factor: None, .. })
        };
        let slots = layout.outputs.iter().rfind(total_of).expect("a payment");
        for (input, rows) in &group.blocks {
            group.kernels.run(input, &mut output, *rows);
            for row in (0..*rows).filter(|row| output.flag(slots.present, *row)) {
                let doubtful =
                    std::iter::once(&layout.status).chain(&slots.doubt).any(|doubt| output.flag(*doubt, row));
                assert!(!doubtful, "a row handed over");
                total += output.integer(slots.value, row) as i64;
            }
        }
    }
    total
}
