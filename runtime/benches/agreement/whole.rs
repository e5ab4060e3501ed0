//! Every payment of the agreement.
//!
//! Kernels read blocks that hold what earlier years leave. An evaluation starts from columns and ends with results in
//! columns. Native code starts from columns too, follows centres from year to year, and hands the payments of a row
//! over.

use std::hint::black_box;

use polc_compiler::typed::{Program, QuantityId, QuantityKind};
use polc_runtime::bench::{output_block, repeat, run_kernels};
use polc_runtime::engine::{Engine, EngineMode, Prepared};
use polc_runtime::policy::Policy;
use polc_runtime::table::Batch;

use crate::native::amounts::WITHOUT_OBJECT;
use crate::native::{self, Agreement};
use crate::rows::{ordered_by, reordered};
use crate::turns::Contender;
use crate::{REFERENCE_ROWS, cents};

/// Rows that tuned native code takes chapter by chapter.
const AT_ONCE: usize = 64;

pub struct Whole<'a> {
    policy: &'a Policy,
    batch: &'a Batch,
    sample: Batch,
    reference: Engine,
    compiled: Engine,
    prepared: Vec<Prepared>,
    prepared_all: Vec<Prepared>,
    /// In the order of the batch.
    native: Agreement,
    /// By year and kind of centre, and the rows in that order.
    tuned: Agreement,
    order: Vec<usize>,
}

fn payments(program: &Program) -> Vec<QuantityId> {
    program.outputs().filter(|id| program.quantity(*id).kind == QuantityKind::Payment).collect()
}

impl<'a> Whole<'a> {
    pub fn new(policy: &'a Policy, batch: &'a Batch) -> Self {
        let program = &policy.program;
        let engine = |outputs, mode| Engine::new(program.clone(), outputs, mode, 1).compiling_with_care();
        let order = ordered_by(program, batch, ["annee", "type_centre"]);
        let compiled = engine(payments(program), EngineMode::Compiled);
        Self {
            policy,
            batch,
            sample: repeat(program, batch, REFERENCE_ROWS.min(batch.rows)),
            reference: engine(payments(program), EngineMode::Reference),
            prepared: compiled.prepare(batch),
            compiled,
            prepared_all: engine(program.outputs().collect(), EngineMode::Compiled).prepare(batch),
            native: Agreement::of(program, batch),
            tuned: Agreement::of(program, &reordered(batch, &order)),
            order,
        }
    }

    /// Native code must pay what compiled code does, on every row.
    pub fn check(&self) {
        let program = &self.policy.program;
        let results = self.compiled.evaluate(self.batch, &|_| {});
        assert!(results.errors.is_empty(), "{:?}", results.errors.first());
        let names: Vec<&str> = native::payments().collect();
        let expected: Vec<(&str, usize, Vec<i64>)> = payments(program)
            .into_iter()
            .zip(&results.columns)
            .map(|(id, column)| {
                let name = &*program.quantity(id).name;
                let rank = names.iter().position(|known| *known == name);
                (name, rank.unwrap_or_else(|| panic!("no native code for {name}")), cents(column))
            })
            .collect();
        assert_eq!(expected.len(), names.len(), "payments of native code");
        let compare = |row: usize, found: &native::Cents| {
            for (name, rank, expected) in &expected {
                assert_eq!(found[*rank], expected[row], "native code, {name}, row {row}");
            }
        };
        self.native.pay(1, compare);
        self.tuned.pay(AT_ONCE, |row, found| compare(self.order[row], found));

        let paid = |cents: &i64| *cents != WITHOUT_OBJECT && *cents != 0;
        let all = || expected.iter().flat_map(|(.., cents)| cents).filter(|cents| paid(cents));
        let unpaid = expected.iter().filter(|(.., cents)| !cents.iter().any(paid)).count();
        println!(
            "Agreement: {} rows, {} payments, of which {unpaid} are never due; {} amounts due, {} handed over; the \
             same by native code",
            self.batch.rows,
            names.len(),
            all().count(),
            results.statistics.handed_over,
        );
        let code = |prepared: &[Prepared]| prepared.iter().map(|group| group.kernels.code_bytes()).max().unwrap_or(0);
        println!(
            "{} kernels, at most {} bytes of code ({} for all outputs)",
            self.prepared.len(),
            code(&self.prepared),
            code(&self.prepared_all)
        );
    }

    pub fn contenders(&self) -> Vec<Contender<'_>> {
        let rows = self.batch.rows;
        let (mut block, mut block_of_all) = (output_block(&self.prepared), output_block(&self.prepared_all));
        let pay = |agreement: &Agreement, at_once: usize| {
            agreement.pay(at_once, |_, cents| {
                black_box(cents);
            });
        };
        vec![
            Contender::new("kernels", rows, move || run_kernels(&self.prepared, &mut block)),
            Contender::new("kernels, all outputs", rows, move || run_kernels(&self.prepared_all, &mut block_of_all)),
            Contender::new("evaluation", rows, || {
                black_box(self.compiled.evaluate(self.batch, &|_| {}));
            }),
            Contender::new("native, row by row", rows, move || pay(&self.native, 1)),
            Contender::new("native, tuned", rows, move || pay(&self.tuned, AT_ONCE)),
            Contender::new("interpreter", self.sample.rows, || {
                black_box(self.reference.evaluate(&self.sample, &|_| {}));
            }),
        ]
    }
}
