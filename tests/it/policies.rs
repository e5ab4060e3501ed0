//! The policies shipped: their examples and controls hold, under every reading that can be computed, and both engines agree
//! on the shipped data.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use polc_compiler::Selection;
use polc_compiler::check::select;
use polc_compiler::typed::{ExprKind, Program, QuantityId};
use polc_dsl::diagnostic::render::terminal::{Style, render};
use polc_runtime::engine::{Engine, EngineMode};
use polc_runtime::policy::Policy;
use polc_runtime::table::Batch;
use polc_runtime::{examples, testing};
use rayon::prelude::*;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/accord-cds")
}

fn load(selection: &Selection) -> Policy {
    Policy::load(&folder(), selection).unwrap_or_else(|(sources, diagnostics)| {
        let style = Style { colour: false, width: 110 };
        let text: String = diagnostics.iter().map(|d| render(d, &sources, style)).collect();
        panic!("{text}")
    })
}

/// An agreement and its amendment: both states of the law are sound, and their examples hold.
#[test]
fn the_amended_agreement_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/aci-cpts");
    let (sources, problems) = polc_runtime::io::policy::load(&folder);
    assert!(problems.is_empty());
    let checked = polc_compiler::check_all(&sources);
    let style = Style { colour: false, width: 110 };
    let said: String = checked.diagnostics.iter().map(|d| render(d, &sources, style)).collect();
    assert!(said.is_empty(), "{said}");
    let without = Selection { without: ["avenant_2".to_owned()].into(), ..Selection::default() };
    for (selection, least) in [(Selection::default(), 28), (without, 13)] {
        let policy = Policy::build(sources.clone(), &selection).expect("a sound policy");
        let report = examples::run(&policy);
        let failures: Vec<_> = report.failures.iter().map(|failure| (&failure.title, &failure.lines)).collect();
        assert!(failures.is_empty() && report.examples >= least, "{failures:?}");
    }
}

/// The agreement as shipped, analysed once for all the tests.
pub(crate) fn agreement() -> &'static Policy {
    static POLICY: OnceLock<Policy> = OnceLock::new();
    POLICY.get_or_init(|| load(&Selection::default()))
}

#[test]
fn examples_and_controls_hold() {
    let policy = agreement();
    let report = examples::run(policy);
    let failures: Vec<String> = report
        .failures
        .iter()
        .map(|failure| {
            format!("{} {} : {}", policy.sources.place(failure.place), failure.title, failure.lines.join(" ; "))
        })
        .collect();
    assert_eq!(failures, Vec::<String>::new());
    assert!(
        report.examples >= 149 && report.controls >= 4,
        "{} exemples, {} contrôles",
        report.examples,
        report.controls
    );
}

/// The quantities whose own value a variant replaces, and those that read one of them.
fn touched(program: &Program, reading: usize, variant: usize) -> Vec<QuantityId> {
    let replaced: BTreeSet<QuantityId> = program
        .quantity_ids()
        .filter(|id| {
            let alternatives = program.quantity(*id).rules.iter().flat_map(|rule| &rule.alternatives);
            alternatives.into_iter().any(|a| a.reading.index() == reading && a.variant == variant)
        })
        .collect();
    let reads = |id: &QuantityId| {
        let mut found = replaced.contains(id);
        for expr in program.quantity(*id).expressions() {
            expr.walk(&mut |e| found |= matches!(e.kind, ExprKind::Quantity(of) if replaced.contains(&of)));
        }
        found
    };
    program.quantity_ids().filter(reads).collect()
}

/// Every computable variant can be chosen, and compiled code agrees with the interpreter under it, on what it changes.
#[test]
fn every_reading_can_be_computed() {
    let base = agreement();
    let variants: Vec<(usize, usize)> = (0..base.program.readings.len())
        .flat_map(|r| (0..base.program.readings[r].alternatives.len()).map(move |v| (r, v)))
        .filter(|(r, v)| base.program.readings[*r].alternatives[*v].computable)
        .collect();
    assert!(variants.len() >= 300, "{} variantes calculables", variants.len());
    let batches: Vec<Batch> = (0..8).map(|seed| testing::filled_rows(&base.program, seed, 6)).collect();
    variants.par_iter().for_each(|(r, v)| {
        let reading = &base.program.readings[*r];
        let name = format!("{} = {}", reading.name, reading.alternatives[*v].name);
        let program = select(&base.program, [(&*reading.name, &*reading.alternatives[*v].name)]);
        let mut program = program.unwrap_or_else(|| panic!("{name}"));
        // Controls read the whole agreement: they are run on the reading retained.
        program.controls.clear();
        let program = Arc::new(program);
        let outputs = touched(&program, *r, *v);
        assert!(!outputs.is_empty(), "{name}");
        agree(&program, &outputs, &batches[(r + v) % batches.len()], &name);
    });
}

/// A whole analysis under a variant gives what choosing it on the checked program gives.
#[test]
fn choosing_a_reading_is_analysing_under_it() {
    let base = agreement();
    let (name, variant) = ("plafond_de_precarite", "vingt_cinq_pour_tous");
    let selected = select(&base.program, [(name, variant)]).expect("a variant");
    let readings = BTreeMap::from([(name.to_owned(), variant.to_owned())]);
    let analysed = load(&Selection { readings, ..Selection::default() }).program;
    for (a, b) in selected.quantities.iter().zip(&analysed.quantities) {
        assert_eq!(format!("{a:?}"), format!("{b:?}"));
    }
}

/// Random rows, several years a centre, in both engines: outputs few at a time, since one that hands a row over does so for
/// all; then the controls.
#[test]
fn both_engines_agree_on_random_centres() {
    let policy = agreement();
    let mut program = Program::clone(&policy.program);
    program.years = (2023, 2024);
    let whole = Arc::new(program.clone());
    program.controls.clear();
    let program = Arc::new(program);
    let batch = testing::filled_rows(&program, 1, 40);
    let outputs: Vec<QuantityId> = program.outputs().collect();
    let chunks: Vec<&[QuantityId]> = outputs.chunks(40).collect();
    let compiled: usize =
        chunks.par_iter().map(|chunk| agree(&program, chunk, &batch, &program.quantity(chunk[0]).name)).sum();
    assert!(compiled * 2 > chunks.len() * batch.rows, "{compiled} lignes compilées, {} séries", chunks.len());
    assert!(agree(&whole, &outputs[..1], &batch, "contrôles") > 0);
}

/// For many rows, each type of centre has kernels of its own.
#[test]
fn both_engines_agree_type_by_type() {
    let policy = agreement();
    let mut program = Program::clone(&policy.program);
    program.years = (2023, 2024);
    program.controls.clear();
    let program = Arc::new(program);
    let batch = testing::filled_rows(&program, 2, 60);
    let total = program.find_quantity("bcp_total_euros").expect("a payment of the agreement");
    let engine = Engine::new(program.clone(), vec![total], EngineMode::Compiled, 1).compiling_with_care();
    assert!(engine.prepare(&batch).iter().all(|group| group.case.is_some()));
    assert!(same(&engine, &program, &[total], &batch, "par type") > 0);
}

/// The rows that compiled code computed.
fn agree(program: &Arc<Program>, outputs: &[QuantityId], batch: &Batch, what: &str) -> usize {
    let engine = Engine::new(program.clone(), outputs.to_vec(), EngineMode::Compiled, 1);
    same(&engine, program, outputs, batch, what)
}

fn same(engine: &Engine, program: &Arc<Program>, outputs: &[QuantityId], batch: &Batch, what: &str) -> usize {
    let reference = Engine::new(program.clone(), outputs.to_vec(), EngineMode::Reference, 1);
    let (reference, compiled) = (reference.evaluate(batch, &|_| {}), engine.evaluate(batch, &|_| {}));
    assert_eq!(reference.errors, compiled.errors, "{what}");
    assert_eq!(reference.statistics.failed_controls, compiled.statistics.failed_controls, "{what}");
    assert_eq!(reference.statistics.failed_groups, compiled.statistics.failed_groups, "{what}");
    for (column, (a, b)) in outputs.iter().zip(reference.columns.iter().zip(&compiled.columns)) {
        for row in 0..batch.rows {
            let name = &program.quantity(*column).name;
            assert_eq!(a.value(row), b.value(row), "{name}, ligne {row}, {what}");
        }
    }
    compiled.statistics.compiled
}
