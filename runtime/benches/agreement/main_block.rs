//! The main block alone.

use std::hint::black_box;

use polc_compiler::codegen::{Block, OutputSlots};
use polc_compiler::ir::OutputValue;
use polc_compiler::typed::{Program, QuantityId};
use polc_dsl::ast::Reach;
use polc_runtime::bench::{output_block, repeat, run_kernels};
use polc_runtime::engine::{Engine, EngineMode, History, Prepared};
use polc_runtime::policy::Policy;
use polc_runtime::table::{Batch, ResultValues};

use crate::native::Inputs;
use crate::native::amounts::WITHOUT_OBJECT;
use crate::native::blocks::Columns;
use crate::native::blocks::alone::{kind_by_kind, row_by_row};
use crate::rows::{ordered_by, reordered};
use crate::turns::Contender;
use crate::{REFERENCE_ROWS, cents};

pub fn total(program: &Program) -> QuantityId {
    program.find_quantity("bcp_total_euros").expect("a payment of the accord")
}

pub struct MainBlock<'a> {
    policy: &'a Policy,
    batch: &'a Batch,
    sample: Batch,
    reference: Engine,
    prepared: Vec<Prepared>,
    /// In the order of the batch.
    native: Native,
    /// By kind of centre, and the rows in that order.
    by_kind: Native,
    order: Vec<usize>,
}

/// Rows for native code.
struct Native {
    columns: Columns,
    /// Whether the software was paid for the year before.
    software_paid: Vec<bool>,
}

impl<'a> MainBlock<'a> {
    pub fn new(policy: &'a Policy, batch: &'a Batch) -> Self {
        let program = &policy.program;
        let engine =
            |mode, threads| Engine::new(program.clone(), vec![total(program)], mode, threads).compiling_with_care();
        let order = ordered_by(program, batch, ["type_centre", "annee"]);
        let software_paid = software_paid(policy, batch);
        let by_kind = Native {
            columns: Columns::of(&Inputs { program, batch: &reordered(batch, &order) }),
            software_paid: order.iter().map(|row| software_paid[*row]).collect(),
        };
        Self {
            policy,
            batch,
            sample: repeat(program, batch, REFERENCE_ROWS.min(batch.rows)),
            reference: engine(EngineMode::Reference, 1),
            prepared: engine(EngineMode::Compiled, 1).prepare(batch),
            native: Native { columns: Columns::of(&Inputs { program, batch }), software_paid },
            by_kind,
            order,
        }
    }

    /// All must pay the same, on every row.
    pub fn check(&self) {
        let program = &self.policy.program;
        let evaluate = |mode| Engine::new(program.clone(), vec![total(program)], mode, 0).evaluate(self.batch, &|_| {});
        let (compiled, reference) = (evaluate(EngineMode::Compiled), evaluate(EngineMode::Reference));
        assert!(reference.errors.is_empty(), "{:?}", reference.errors.first());
        let expected = cents(&reference.columns[0]);
        assert_eq!(differences(&expected, &cents(&compiled.columns[0])), [], "compiled code");
        let mut found = vec![0; self.batch.rows];
        row_by_row(&self.native.columns, &self.native.software_paid, &mut found);
        assert_eq!(differences(&expected, &found), [], "native code");
        let by_kind: Vec<i64> = self.order.iter().map(|row| expected[*row]).collect();
        kind_by_kind(&self.by_kind.columns, &self.by_kind.software_paid, &mut found);
        assert_eq!(differences(&by_kind, &found), [], "native code by kind");

        let paid: i64 = expected.iter().filter(|cents| **cents != WITHOUT_OBJECT).sum();
        let handed = compiled.statistics.handed_over;
        if handed == 0 {
            assert_eq!(block_total(&self.prepared), paid, "the blocks");
        }
        println!(
            "Main block: {} rows, {} without object, {} not paid, {handed} handed over, {paid} cents in all; the same \
             by every path",
            self.batch.rows,
            expected.iter().filter(|cents| **cents == WITHOUT_OBJECT).count(),
            expected.iter().filter(|cents| **cents == 0).count(),
        );
        let code = self.prepared.iter().map(|group| group.kernels.code_bytes()).max().unwrap_or(0);
        println!("{} kernels, at most {code} bytes of code", self.prepared.len());
    }

    pub fn contenders(&self) -> Vec<Contender<'_>> {
        let rows = self.batch.rows;
        let mut block = output_block(&self.prepared);
        let mut found = vec![0; rows];
        let mut found_by_kind = vec![0; rows];
        let (native, by_kind) = (&self.native, &self.by_kind);
        vec![
            Contender::new("kernels", rows, move || run_kernels(&self.prepared, &mut block)),
            // Kernels slow down what comes right after them, for a millisecond or two.
            Contender::new("interpreter", self.sample.rows, || {
                black_box(self.reference.evaluate(&self.sample, &|_| {}));
            }),
            Contender::new("native, row by row", rows, move || {
                row_by_row(&native.columns, &native.software_paid, black_box(&mut found));
            }),
            Contender::new("native, kind by kind", rows, move || {
                kind_by_kind(&by_kind.columns, &by_kind.software_paid, black_box(&mut found_by_kind));
            }),
        ]
    }
}

/// Whether the software was paid for the year before, row by row: native code does not compute it.
fn software_paid(policy: &Policy, batch: &Batch) -> Vec<bool> {
    let program = &policy.program;
    let paid = program.find_quantity("bcp_si_remunere").expect("a result of the accord");
    let results = Engine::new(program.clone(), vec![paid], EngineMode::Compiled, 0).evaluate(batch, &|_| {});
    let column = &results.columns[0];
    let ResultValues::Boolean(flags) = &column.values else { panic!("a flag") };
    let history = History::of(program, batch);
    let last = |row| history.past(Reach::LastYear, row);
    (0..batch.rows).map(|row| last(row).is_some_and(|last| column.present[last] && flags[last])).collect()
}

/// The first rows that differ: row, expected, found.
fn differences(expected: &[i64], found: &[i64]) -> Vec<(usize, i64, i64)> {
    let pairs = expected.iter().zip(found).enumerate().filter(|(_, (a, b))| a != b);
    pairs.take(5).map(|(row, (a, b))| (row, *a, *b)).collect()
}

/// The sum of the payment that the blocks give.
fn block_total(prepared: &[Prepared]) -> i64 {
    let mut total = 0;
    for group in prepared {
        let layout = &group.kernels.layout;
        let mut output = Block::new(layout.output_bytes);
        let is_payment = |slots: &&OutputSlots| {
            matches!(slots.output.value, OutputValue::Fraction { constant: 100, factor: None, .. })
        };
        let slots = layout.outputs.iter().rfind(is_payment).expect("a payment");
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
