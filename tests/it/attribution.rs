//! The lines of a payment add up to it, exactly, by both engines; to have them changes nothing else.

use std::path::Path;
use std::sync::Arc;

use polc_compiler::Selection;
use polc_compiler::attribute::{Attribution, LineKind, Role, attribute};
use polc_compiler::num::Ratio;
use polc_compiler::typed::{Program, QuantityId, QuantityKind, Type, Value};
use polc_dsl::SourceMap;
use polc_runtime::bench::draw;
use polc_runtime::engine::{Engine, EngineMode};
use polc_runtime::explain::Lines;
use polc_runtime::policy::Policy;
use polc_runtime::table::{Batch, Results};
use polc_runtime::testing;
use proptest::prelude::*;

fn build(files: &[(String, String)]) -> Arc<Program> {
    let mut sources = SourceMap::new();
    for (name, text) in files {
        sources.add(name, text.as_bytes());
    }
    Arc::new(polc_compiler::analyse(&sources, &Selection::default()).0.expect("a policy that compiles"))
}

/// Every number that rules give: more than payments, so that more kinds of lines are tried.
fn numbers(program: &Program) -> Vec<QuantityId> {
    let is_number = |id: &QuantityId| {
        let quantity = program.quantity(*id);
        matches!(quantity.ty, Type::Number(_)) && quantity.kind != QuantityKind::Aggregate
    };
    program.outputs().filter(is_number).collect()
}

fn evaluate(program: &Arc<Program>, outputs: &[QuantityId], batch: &Batch, mode: EngineMode) -> Results {
    Engine::new(program.clone(), outputs.to_vec(), mode, 1).evaluate(batch, &|_| {})
}

fn number(results: &Results, column: usize, row: usize) -> Option<Ratio> {
    match results.columns[column].value(row) {
        Some(Value::Number(number)) => Some(number),
        _ => None,
    }
}

/// The first difference between the first columns of two results.
fn difference(a: &Results, b: &Results, columns: usize, rows: usize) -> Option<String> {
    if a.errors != b.errors {
        return Some(format!("erreurs : {:?} / {:?}", a.errors, b.errors));
    }
    if a.statistics.failed_controls != b.statistics.failed_controls {
        return Some("contrôles".to_owned());
    }
    if a.statistics.failed_groups != b.statistics.failed_groups {
        return Some("groupes".to_owned());
    }
    (0..columns).flat_map(|column| (0..rows).map(move |row| (column, row))).find_map(|(column, row)| {
        let (x, y) = (a.columns[column].value(row), b.columns[column].value(row));
        (x != y).then(|| format!("colonne {column}, ligne {row} : {x:?} / {y:?}"))
    })
}

/// Where lines do not add up, or stand where what they are of does not.
fn unbalanced(
    attribution: &Attribution,
    wanted: &[QuantityId],
    outputs: &[QuantityId],
    results: &Results,
    rows: usize,
) -> Option<String> {
    let failed: Vec<usize> = results.errors.iter().map(|error| error.row).collect();
    for id in wanted {
        let whole = outputs.iter().position(|output| output == id).expect("an output");
        let lines: Vec<usize> = attribution
            .lines
            .iter()
            .enumerate()
            .filter(|(_, line)| line.payment == *id)
            .map(|(rank, _)| rank)
            .collect();
        for row in (0..rows).filter(|row| failed.binary_search(row).is_err()) {
            let value = number(results, whole, row);
            let mut sum: Option<Ratio> = None;
            for line in &lines {
                let Some(amount) = number(results, outputs.len() + line, row) else { continue };
                match attribution.lines[*line].role {
                    Role::Amount => {}
                    Role::Lost | Role::Nothing if amount == Ratio::from_integer(0.into()) => {}
                    role => return Some(format!("{role:?} vaut {amount}")),
                }
                sum = Some(sum.map_or_else(|| amount.clone(), |sum| sum + &amount));
            }
            if value != sum {
                let name = &attribution.program.quantity(*id).name;
                return Some(format!("{name}, ligne {row} : {value:?}, ses lignes font {sum:?}"));
            }
        }
    }
    None
}

/// The lines of a random policy on random rows; how many have several lines that are not zero.
fn holds(seed: u64, size: usize, count: usize, found: &mut Vec<LineKind>) -> usize {
    let files = testing::policy(seed, size);
    let program = build(&files);
    let batch = testing::rows(&program, seed ^ 0x3333, count);
    let outputs: Vec<QuantityId> = program.outputs().collect();
    let wanted = numbers(&program);
    let attribution = attribute(&program, &wanted);
    let with: Vec<QuantityId> =
        outputs.iter().copied().chain(attribution.lines.iter().map(|line| line.quantity)).collect();
    let shown = || files.iter().map(|(name, text)| format!("# {name}\n{text}\n")).collect::<String>();
    let alone = evaluate(&program, &outputs, &batch, EngineMode::Reference);
    let reference = evaluate(&attribution.program, &with, &batch, EngineMode::Reference);
    let compiled = evaluate(&attribution.program, &with, &batch, EngineMode::Compiled);
    let problem = difference(&alone, &reference, outputs.len(), batch.rows)
        .or_else(|| unbalanced(&attribution, &wanted, &outputs, &reference, batch.rows))
        .or_else(|| difference(&reference, &compiled, with.len(), batch.rows));
    if let Some(problem) = problem {
        panic!("graine {seed}, taille {size} : {problem}\n{}", shown());
    }
    let mut several = 0;
    for id in &wanted {
        for row in 0..batch.rows {
            let mut count = 0;
            for (rank, line) in attribution.lines.iter().enumerate().filter(|(_, line)| line.payment == *id) {
                let amount = number(&reference, outputs.len() + rank, row);
                let shown = line.role != Role::Amount || amount != Some(Ratio::from_integer(0.into()));
                if amount.is_some() && shown {
                    found.push(line.origin.kind);
                    count += usize::from(line.role == Role::Amount);
                }
            }
            several += usize::from(count > 1);
        }
    }
    found.sort_unstable();
    found.dedup();
    several
}

/// Enough for every build; PROPTEST_CASES asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(32)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn lines_add_up_and_change_nothing(seed in any::<u64>(), size in 1usize..14) {
        holds(seed, size, 40, &mut Vec::new());
    }
}

/// Random policies must have lines of every kind, and results of several lines.
#[test]
fn random_lines_are_useful() {
    let mut kinds = Vec::new();
    let several: usize = (0..30).map(|seed| holds(seed, 10, 60, &mut kinds)).sum();
    assert!(several > 1_000, "{several} résultats de plusieurs lignes");
    let absent: Vec<LineKind> = [
        LineKind::CriterionFixed,
        LineKind::CriterionVariable,
        LineKind::Amount,
        LineKind::Minoration,
        LineKind::Majoration,
        LineKind::Derogation,
        LineKind::Cap,
        LineKind::Floor,
        LineKind::Tier,
        LineKind::Proration,
        LineKind::Prerequisite,
        LineKind::Kept,
        LineKind::Rounding,
    ]
    .into_iter()
    .filter(|kind| !kinds.contains(kind))
    .collect();
    assert!(absent.is_empty(), "aucune ligne de {absent:?}");
}

fn shipped(name: &str) -> Policy {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies").join(name);
    Policy::load(&path, &Selection::default()).expect("a policy that compiles")
}

/// On rows drawn over all that inputs declare, every payment is the sum of its lines, exactly, and so are the cents.
fn every_cent_of(name: &str, rows: usize) -> usize {
    const PART: usize = 5_000;
    let policy = shipped(name);
    let program = &policy.program;
    let outputs: Vec<QuantityId> =
        program.outputs().filter(|id| program.quantity(*id).kind == QuantityKind::Payment).collect();
    let lines = Lines::new(&policy, &outputs);
    let computed: Vec<QuantityId> = outputs.iter().copied().chain(lines.quantities()).collect();
    let engine = Engine::new(lines.program.clone(), computed, EngineMode::Compiled, 0);
    let mut paid = 0;
    for part in 0..rows.div_ceil(PART) {
        let batch = draw(program, PART.min(rows - part * PART), part as u64);
        let results = engine.evaluate(&batch, &|_| {});
        let failed: Vec<usize> = results.errors.iter().map(|error| error.row).collect();
        for row in (0..batch.rows).filter(|row| failed.binary_search(row).is_err()) {
            for (rank, payment) in lines.payments.iter().enumerate() {
                let value = number(&results, rank, row);
                let told = lines.of_row(payment, |line| number(&results, outputs.len() + line, row));
                let name = &program.quantity(payment.payment).name;
                assert_eq!(value.is_some(), !told.is_empty(), "{name}, ligne {row} du lot {part}");
                let Some(value) = value else { continue };
                let exact: Ratio = told.iter().map(|line| &line.exact).sum();
                let cents: Ratio = told.iter().map(|line| &line.paid).sum();
                assert_eq!(exact, value, "{name}, ligne {row} du lot {part}");
                assert_eq!(cents, value, "{name}, ligne {row} du lot {part}, au centime");
                paid += usize::from(value != Ratio::from_integer(0.into()));
            }
        }
    }
    paid
}

/// A hundred thousand rows where code is optimised, a hundredth of that elsewhere.
#[test]
fn every_cent_of_the_shipped_policies_has_a_line() {
    let rows = if cfg!(debug_assertions) { 1_000 } else { 100_000 };
    let half = rows / 2;
    let paid = every_cent_of("accord-cds", half) + every_cent_of("aci-cpts", half);
    assert!(paid > rows / 2, "{paid} versements non nuls");
}
