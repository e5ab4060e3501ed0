//! Past years are pinned: the results of a fixed cohort, year by year, cell by cell, in both engines.
//!
//! These are no snapshots: nothing rewrites the files of tests/golden but the command that tests/golden/README.md gives, which
//! shows the difference in euros first.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use polc_compiler::Selection;
use polc_compiler::num::Ratio;
use polc_compiler::typed::QuantityKind;
use polc_runtime::engine::{Engine, EngineMode};
use polc_runtime::expected::compare;
use polc_runtime::expected::words::{Detail, report};
use polc_runtime::io::expected::load;
use polc_runtime::policy::Policy;

/// Payments that no row of the cohort can have: the year is before it, or the text gives them no point.
const NEVER_PAID: [&str; 4] = [
    "solde_options_2015_euros",
    "solde_teletransmission_2015_euros",
    "rosp_gen_incontinence_euros",
    "rosp_gen_asthme_euros",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn golden(name: &str) -> PathBuf {
    root().join("tests/golden").join(name)
}

fn policy(name: &str) -> Policy {
    Policy::load(&root().join("policies").join(name), &Selection::default())
        .unwrap_or_else(|(_, diagnostics)| panic!("{name} : {diagnostics:?}"))
}

fn past_years_are_what_they_were(name: &str, mode: EngineMode) {
    let policy = policy(name);
    let folders = load(&golden(name)).unwrap_or_else(|problem| panic!("{problem}"));
    for folder in &folders {
        let engine = |outputs| Engine::new(policy.program.clone(), outputs, mode, 2);
        let comparison = compare(&policy, &folder.cohort, &engine).unwrap_or_else(|refusal| panic!("{refusal:?}"));
        let differences = report(&policy.program, &comparison, Detail { outputs: usize::MAX, rows: 40 });
        assert!(
            comparison.holds(),
            "{differences}tests/golden/README.md dit comment accepter ces différences, si elles sont voulues"
        );
        assert_eq!(differences, "", "every payment is pinned");
        let years: Vec<i64> = comparison.years.iter().map(|year| year.year).collect();
        assert_eq!(years, (2016..=2025).collect::<Vec<_>>());
    }
}

#[test]
fn the_agreement_of_health_centres_in_compiled_code() {
    past_years_are_what_they_were("accord-cds", EngineMode::Compiled);
}

#[test]
fn the_agreement_of_health_centres_in_the_reference() {
    past_years_are_what_they_were("accord-cds", EngineMode::Reference);
}

/// Every chapter pays somebody in the cohort: every payment has a row where it is not zero.
#[test]
fn every_payment_of_the_agreement_is_paid_to_some_centre() {
    let policy = policy("accord-cds");
    let folder = &load(&golden("accord-cds")).unwrap_or_else(|problem| panic!("{problem}"))[0];
    let mut paid = BTreeSet::new();
    for file in folder.cohort.years.values() {
        let mut reader = csv::Reader::from_reader(file.bytes.as_slice());
        let header = reader.headers().unwrap().clone();
        for row in reader.records() {
            let row = row.unwrap();
            let some = |cell: &str| cell.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
            paid.extend(header.iter().zip(&row).filter(|(_, cell)| some(cell)).map(|(name, _)| name.to_owned()));
        }
    }
    let payments = policy.program.outputs().map(|id| policy.program.quantity(id));
    let payments = payments.filter(|quantity| quantity.kind == QuantityKind::Payment).map(|quantity| &*quantity.name);
    let never: Vec<&str> = payments.filter(|name| !paid.contains(*name)).collect();
    assert_eq!(never, NEVER_PAID.to_vec());
}

/// One cell that is not what was expected is seen, in euros, with its centre and year; nothing else is.
#[test]
fn one_wrong_cent_is_seen() {
    let policy = policy("accord-cds");
    let mut folder = load(&golden("accord-cds")).unwrap_or_else(|problem| panic!("{problem}")).remove(0);
    let mut wrong = None;
    // Only one result is pinned, so that only it is computed.
    for file in folder.cohort.years.values_mut() {
        let mut reader = csv::Reader::from_reader(file.bytes.as_slice());
        let at = reader.headers().unwrap().iter().position(|name| name == "bcp_total_euros").unwrap();
        let mut narrow = "finess,annee,bcp_total_euros\n".to_owned();
        for row in reader.records() {
            let row = row.unwrap();
            let mut cell = row[at].to_owned();
            if wrong.is_none() && cell.ends_with(".00") && cell.len() > 4 {
                cell = cell.replace(".00", ".01");
                wrong = Some(format!("{}, {}", &row[0], &row[1]));
            }
            narrow += &format!("{},{},{cell}\n", &row[0], &row[1]);
        }
        file.bytes = narrow.into_bytes();
    }
    let engine = |outputs| Engine::new(policy.program.clone(), outputs, EngineMode::Reference, 1);
    let comparison = compare(&policy, &folder.cohort, &engine).unwrap();
    let differences: Vec<_> = comparison.years.iter().flat_map(|year| &year.outputs).collect();
    let [difference] = differences.as_slice() else { panic!("{differences:?}") };
    let [cell] = difference.cells.as_slice() else { panic!("{:?}", difference.cells) };
    assert_eq!(Some(&cell.key), wrong.as_ref());
    assert_eq!(cell.change, Some(Ratio::new((-1).into(), 100.into())));
    let said = report(&policy.program, &comparison, Detail { outputs: 5, rows: 5 });
    assert!(said.contains("(-0,01\u{A0}€)"), "{said}");
}
