//! The agreement of health centres on synthetic centres: compiled code, interpreter, and the same rules written by
//! hand; for the bloc commun principal alone, then for every payment.
//!
//! `cargo bench -p polc-runtime --bench agreement` first checks that all give the same cents on every row, then times
//! them in turn, then one by one with criterion. `POLC_BENCH_SUBJECTS` sets how many centres, each over several years.

mod main_block;
mod native;
mod rows;
mod turns;
mod whole;

use std::path::Path;

use criterion::Criterion;
use native::amounts::WITHOUT_OBJECT;
use polc_compiler::Selection;
use polc_compiler::codegen::{Effort, compile};
use polc_compiler::ir::Target;
use polc_compiler::lower::{Group, States, lower};
use polc_compiler::split::split;
use polc_runtime::engine::KERNEL_NODES;
use polc_runtime::policy::Policy;
use polc_runtime::table::{Denominators, ResultColumn, ResultValues};

const REFERENCE_ROWS: usize = 1_000;

fn main() {
    // As `cargo test --benches` runs it: everything once, on few rows.
    let trial = std::env::args().any(|argument| argument == "--test");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/accord-cds");
    let policy = Policy::load(&folder, &Selection::default()).unwrap_or_else(|(_, problems)| panic!("{problems:?}"));
    let subjects = std::env::var("POLC_BENCH_SUBJECTS").ok().and_then(|text| text.parse().ok());
    let batch = rows::draw(&policy.program, &folder, if trial { 50 } else { subjects.unwrap_or(10_000) });
    let mut criterion = Criterion::default().configure_from_args();

    let main_block = main_block::MainBlock::new(&policy, &batch);
    main_block.check();
    if !trial {
        turns::take_turns(25, &mut main_block.contenders());
    }
    turns::measure(&mut criterion, "main_block", 50, main_block.contenders());
    drop(main_block);

    let whole = whole::Whole::new(&policy, &batch);
    whole.check();
    if !trial {
        turns::take_turns(7, &mut whole.contenders());
    }
    turns::measure(&mut criterion, "agreement", 10, whole.contenders());

    compilation(&policy, &mut criterion);
    criterion.final_summary();
}

/// The kernels of one year, and the policy from its text.
fn compilation(policy: &Policy, criterion: &mut Criterion) {
    let program = &policy.program;
    let total = Target::Quantity(main_block::total(program));
    let all: Vec<Target> = program.outputs().map(Target::Quantity).collect();
    let year = Group::year(2024, Vec::new());
    let mut group = criterion.benchmark_group("compile");
    group.sample_size(20);
    for (name, targets) in [("year/total", &[total][..]), ("year/all", &all)] {
        group.bench_function(name, |b| {
            b.iter(|| {
                compile(split(lower(program, &year, targets, &States::default()), KERNEL_NODES), Effort::Careful)
                    .expect("machine code")
            });
        });
    }
    let sources = &policy.sources;
    group.bench_function("check", |b| b.iter(|| polc_compiler::analyse(sources, &Selection::default())));
    group.finish();
}

/// A payment of each row in cents.
fn cents(column: &ResultColumn) -> Vec<i64> {
    let ResultValues::Number(numbers) = &column.values else { panic!("an amount") };
    let Denominators::Constant(100) = numbers.denominators else { panic!("an amount in cents") };
    assert!(numbers.large.is_empty(), "amounts that fit");
    let row = |row: usize| if column.present[row] { numbers.numerators.get(row) } else { WITHOUT_OBJECT };
    (0..column.present.len()).map(row).collect()
}
