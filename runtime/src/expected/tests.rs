//! Golden files of an invented policy.

use std::collections::BTreeMap;

use super::words::{Detail, report};
use super::*;
use crate::engine::EngineMode;
use crate::testing::libraries;

const COHORT: &str = "code,annee,genre,ouverture,livres_pretes,heures_semaine,label\n\
    B1,2023,municipale,2010-01-01,1000,20,vrai\n\
    B1,2024,municipale,2010-01-01,1500,20,vrai\n\
    B2,2024,associative,2012-01-01,300,7,faux\n";

fn named(name: &str, text: &str) -> Named {
    Named { name: name.to_owned(), bytes: text.as_bytes().to_vec() }
}

fn cohort(years: &[(i64, &str)]) -> Cohort {
    let years: BTreeMap<i64, Named> =
        years.iter().map(|(year, text)| (*year, named(&format!("{year}.csv"), text))).collect();
    Cohort { data: named("cohorte.csv", COHORT), years }
}

fn run(cohort: &Cohort, mode: EngineMode) -> Result<Comparison, Refusal> {
    let policy = libraries();
    compare(&policy, cohort, &|outputs| Engine::new(policy.program.clone(), outputs, mode, 1))
}

fn compared(years: &[(i64, &str)]) -> Comparison {
    run(&cohort(years), EngineMode::Compiled).expect("a good cohort")
}

fn said(comparison: &Comparison) -> String {
    report(&libraries().program, comparison, Detail { outputs: 10, rows: 2 })
}

#[test]
fn what_is_accepted_is_what_is_expected() {
    let first = compared(&[]);
    assert!(!first.holds());
    let texts: Vec<(i64, String)> =
        first.years.iter().map(|year| (year.year, String::from_utf8(year.accepted.clone()).expect("UTF-8"))).collect();
    insta::assert_snapshot!(texts.iter().map(|(year, text)| format!("──── {year}.csv\n{text}")).collect::<String>());
    let years: Vec<(i64, &str)> = texts.iter().map(|(year, text)| (*year, text.as_str())).collect();
    for mode in [EngineMode::Compiled, EngineMode::Reference] {
        let again = run(&cohort(&years), mode).expect("a good cohort");
        assert!(again.holds(), "{}", said(&again));
        assert_eq!((again.rows, again.years.len()), (3, 2));
        assert_eq!(said(&again), "");
    }
}

/// A spreadsheet's hand: semicolons, decimal commas, thousands, other words for a boolean; and only some columns.
#[test]
fn a_file_made_by_hand_is_read_and_kept_in_its_form() {
    let hand = "annee;code;aide\n2024;B1;\"750,00 €\"\n2024;B2;0\n";
    let comparison = compared(&[(2023, "code,annee,aide\nB1,2023,500\n"), (2024, hand)]);
    assert!(comparison.holds(), "{}", said(&comparison));
    assert_eq!(comparison.cells(), 3);
    let wrong = compared(&[(2023, "code,annee,aide\nB1,2023,500\n"), (2024, &hand.replace("750", "1 750"))]);
    insta::assert_snapshot!(said(&wrong));
    assert_eq!(wrong.years[1].accepted, b"code;annee;aide\nB1;2024;750,00\nB2;2024;0,00\n");
    // A column added by its name alone.
    let wider = compared(&[(2023, "code,annee,aide,prets\nB1,2023,500\n"), (2024, hand)]);
    assert_eq!(wider.years[0].accepted, b"code,annee,aide,prets\nB1,2023,500.00,1000\n");
}

#[test]
fn what_is_said_of_differences() {
    let comparison = compared(&[
        (2023, "code,annee,aide,prets,moyenne,ancien\nB1,2023,520,1000,,3\nB9,2023,1,1,1,1\n"),
        (2024, "code,annee,prets,moyenne\nB2,2024,290,42\n"),
        (2025, "code,annee,aide\nB1,2025,1\n"),
    ]);
    insta::assert_snapshot!(said(&comparison));
}

#[test]
fn what_cannot_be_read() {
    let problem = |text: &str| match run(&cohort(&[(2024, text)]), EngineMode::Compiled) {
        Err(Refusal::Expected(problem)) => problem,
        other => panic!("{other:?}"),
    };
    let problems = [
        problem(""),
        problem("code,aide\nB1,3\n"),
        problem("code,annee,aide,aide\n"),
        problem("code,annee,aide\nB1,2024,3,4\n"),
        problem("code,annee,aide\nB1,2024,1\nB1,2024,2\n"),
        problem("PK\u{3}\u{4}"),
    ];
    insta::assert_snapshot!(problems.join("\n"));
    let bad = Cohort { data: named("cohorte.csv", &COHORT.replace("1500", "")), years: BTreeMap::new() };
    let Err(Refusal::Data(problems)) = run(&bad, EngineMode::Compiled) else { panic!() };
    insta::assert_snapshot!("data", problems.to_string());
}
