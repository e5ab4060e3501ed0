//! The lines of a payment add up to it, exactly, by both engines; to have them changes nothing else.

use std::path::{Path, PathBuf};
use std::process::Command;
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
    const PART: usize = 2_500;
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

/// A hundred thousand rows where code is optimised, a hundredth of that elsewhere. The larger policy, of many more
/// payments, takes a twentieth of them.
#[test]
fn every_cent_of_the_shipped_policies_has_a_line() {
    let rows = if cfg!(debug_assertions) { 1_000 } else { 100_000 };
    let large = rows / 20;
    let paid = every_cent_of("accord-cds", large) + every_cent_of("aci-cpts", rows - large);
    assert!(paid > rows / 2, "{paid} versements non nuls");
}

// --------------------------------------------------------------------------------------------------------- what is written

const LINES: &str = "\
code,annee,adhesion,ouvert,projet,patients,actions,isole,sinistre,frais
A,2022,2022-07-01,faux,vrai,2500,8,vrai,faux,2500.33
A,2023,2022-07-01,vrai,vrai,800,3,faux,vrai,100
B,2023,2020-01-01,vrai,faux,2500,3,vrai,faux,300.33
C,2024,2020-01-01,vrai,vrai,0,0,faux,faux,2100.01
D,2024,2025-01-01,vrai,faux,0,0,faux,faux,0
";

/// Runs « polc eval », its results and lines in files of these names: their bytes.
fn detail(policy: &Path, data: &Path, name: &str, more: &[&str]) -> (Vec<u8>, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let (results, lines) = (folder.path().join("r.csv"), folder.path().join(name));
    let mut command = Command::new(env!("CARGO_BIN_EXE_polc"));
    command.arg("eval").arg(policy).arg(data).arg("-o").arg(&results).arg("--detail").arg(&lines).args(more);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (std::fs::read(results).unwrap(), std::fs::read(lines).unwrap())
}

fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// A file of lines on a terminal: one line of fields a line, without the key.
fn lines_of(policy: &Path, csv: &str, more: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("donnees.csv");
    std::fs::write(&data, csv).unwrap();
    String::from_utf8(detail(policy, &data, "lignes.csv", more).1).unwrap()
}

#[test]
fn each_kind_of_line() {
    let policy = root("tests/fixtures/lignes.pol");
    let text = lines_of(&policy, LINES, &["--outputs", "remuneration,soutien,forfait,isolement"]);
    let reading = ["--outputs", "soutien", "--reading", "assiette_du_soutien=entier"];
    insta::assert_snapshot!("lines", text + "\n" + &lines_of(&policy, LINES, &reading));
}

/// A medical centre, its data those of the shipped file. Without places: the policy grows.
#[test]
fn lines_of_a_centre() {
    let data = std::fs::read_to_string(root("policies/accord-cds/donnees/centres.csv")).unwrap();
    let mut rows = data.lines();
    let header = rows.next().unwrap();
    let year = header.split(',').position(|name| name == "annee").unwrap();
    let row = rows.find(|row| row.split(',').nth(year) == Some("2024")).unwrap();
    let csv = format!("{header}\n{row}\n");
    let text = lines_of(&root("policies/accord-cds"), &csv, &["--outputs", "bcp_total_euros,bcc_total_euros"]);
    let without_places = text.lines().map(|line| {
        let Some((before, after)) = line.split_once(".pol:") else { return line.to_owned() };
        format!("{before}.pol{}", after.trim_start_matches(|c: char| c.is_ascii_digit()))
    });
    insta::assert_snapshot!("lines_of_a_centre", without_places.collect::<Vec<_>>().join("\n"));
}

/// Neither parts, nor threads, nor engines change a byte; formats say the same; rows put aside have no lines.
#[test]
fn lines_do_not_depend_on_how_they_are_computed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("donnees.csv");
    let mut csv = LINES.to_owned();
    for rank in 0..3_000 {
        let year = 2020 + rank % 6;
        csv +=
            &format!("N{:05},{year},2021-03-01,vrai,vrai,{},{},faux,vrai,{}.5\n", rank / 6, rank * 7, rank % 9, rank);
    }
    csv += "Z,2024,2021-03-01,vrai,vrai,-1,0,faux,faux,0\n";
    std::fs::write(&data, &csv).unwrap();
    let rejects = folder.path().join("rejets.csv");
    let policy = root("tests/fixtures/lignes.pol");
    let rejecting = ["--rejects", rejects.to_str().unwrap()];
    let run = |name: &str, more: &[&str]| detail(&policy, &data, name, &[&rejecting[..], more].concat());
    for name in ["l.csv", "l.parquet", "l.arrow", "l.jsonl", "l.xlsx"] {
        let whole = run(name, &["--threads", "1"]);
        assert!(!whole.1.is_empty());
        let ways = [&["--memory", "1"][..], &["--threads", "3"], &["--engine", "reference"], &["--engine", "compiled"]];
        // How lines are computed does not depend on the format.
        for more in &ways[..if name == "l.csv" { 4 } else { 1 }] {
            assert!(run(name, more) == whole, "{name}, {more:?}");
        }
    }
    let text = String::from_utf8(run("l.csv", &[]).1).unwrap();
    assert!(text.contains("\nA,2022,") && !text.contains("\nZ,"));
    let objects = String::from_utf8(run("l.jsonl", &[]).1).unwrap();
    assert_eq!(objects.lines().count() + 1, text.lines().count());
    let first: serde_json::Value = serde_json::from_str(objects.lines().next().unwrap()).unwrap();
    assert_eq!((first["versement"].as_str(), first["nature"].as_str()), (Some("remuneration"), Some("critère fixe")));
}
