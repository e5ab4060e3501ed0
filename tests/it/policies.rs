//! The policies shipped: their examples and controls hold, under every reading that can be computed, and both engines agree
//! on the shipped data.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use polc_compiler::Selection;
use polc_compiler::typed::QuantityId;
use polc_dsl::diagnostic::render::terminal::{Style, render};
use polc_runtime::engine::{Engine, EngineMode};
use polc_runtime::policy::Policy;
use polc_runtime::{examples, testing};

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

#[test]
fn examples_and_controls_hold() {
    let policy = load(&Selection::default());
    let report = examples::run(&policy);
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

/// Every computable variant compiles, and compiled code agrees with the interpreter under it.
#[test]
fn every_reading_can_be_computed() {
    let base = load(&Selection::default());
    let batch = testing::rows(&base.program, 7, 40);
    let mut computed = BTreeSet::new();
    for reading in &base.program.readings {
        for variant in reading.alternatives.iter().filter(|variant| variant.computable) {
            let readings = BTreeMap::from([(reading.name.to_string(), variant.name.to_string())]);
            let policy = load(&Selection { readings, ..Selection::default() });
            let outputs: Vec<QuantityId> = policy.program.outputs().collect();
            let run = |mode| Engine::new(policy.program.clone(), outputs.clone(), mode, 1).evaluate(&batch, &|_| {});
            let (reference, compiled) = (run(EngineMode::Reference), run(EngineMode::Compiled));
            assert_eq!(reference.errors, compiled.errors, "{} = {}", reading.name, variant.name);
            for (column, (a, b)) in outputs.iter().zip(reference.columns.iter().zip(&compiled.columns)) {
                for row in 0..batch.rows {
                    let name = &policy.program.quantity(*column).name;
                    assert_eq!(a.value(row), b.value(row), "{name}, ligne {row}, {} = {}", reading.name, variant.name);
                }
            }
            computed.insert((reading.name.clone(), variant.name.clone()));
        }
    }
    assert!(computed.len() >= 70, "{} variantes calculables", computed.len());
}

/// Random rows biased to limits and empty cells, several years a centre, in both engines.
#[test]
fn both_engines_agree_on_random_centres() {
    let policy = load(&Selection::default());
    let outputs: Vec<QuantityId> = policy.program.outputs().collect();
    for seed in 0..4 {
        let batch = testing::rows(&policy.program, seed, 700);
        let run = |mode| Engine::new(policy.program.clone(), outputs.clone(), mode, 2).evaluate(&batch, &|_| {});
        let (reference, compiled) = (run(EngineMode::Reference), run(EngineMode::Compiled));
        assert_eq!(reference.errors, compiled.errors);
        assert_eq!(reference.statistics.failed_controls, compiled.statistics.failed_controls);
        for (column, (a, b)) in outputs.iter().zip(reference.columns.iter().zip(&compiled.columns)) {
            for row in 0..batch.rows {
                assert_eq!(
                    a.value(row),
                    b.value(row),
                    "{}, ligne {row}, graine {seed}",
                    policy.program.quantity(*column).name
                );
            }
        }
    }
}
