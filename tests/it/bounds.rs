//! Missing data: whatever the missing cells hold, the reference interpreter's amounts lie within the bounds; on policies of
//! one line, the bounds are the extremes.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use polc_compiler::Selection;
use polc_compiler::num::{Ratio, power_of_ten};
use polc_compiler::typed::{Input, InputId, Program, QuantityId, QuantityKind, Type, Value};
use polc_dsl::SourceMap;
use polc_runtime::engine::{Engine, EngineMode};
use polc_runtime::io::csv::{OtherColumns, Request, read};
use polc_runtime::policy::Policy;
use polc_runtime::table::{Batch, Column, ColumnData, ResultValues, Results};
use polc_runtime::testing::{self, Random};
use proptest::prelude::*;

use crate::cli::without_durations;

fn build(files: &[(String, String)]) -> Arc<Program> {
    let mut sources = SourceMap::new();
    for (name, text) in files {
        assert!(sources.add(name, text.as_bytes()).1.is_none());
    }
    let (program, diagnostics) = polc_compiler::analyse(&sources, &Selection::default());
    Arc::new(program.unwrap_or_else(|| panic!("{diagnostics:?}")))
}

fn numbers(program: &Program) -> Vec<QuantityId> {
    program.outputs().filter(|id| matches!(program.quantity(*id).ty, Type::Number(_))).collect()
}

fn run(program: &Arc<Program>, outputs: &[QuantityId], batch: &Batch, bounding: bool) -> Results {
    let engine = Engine::new(program.clone(), outputs.to_vec(), EngineMode::Reference, 1);
    let engine = if bounding { engine.bounding() } else { engine };
    engine.evaluate(batch, &|_| {})
}

fn set(column: &mut Column, row: usize, input: &Input, value: Option<&Value>) {
    let rows = column.len();
    column.missing.push_all(rows - column.missing.len(), false);
    column.missing.set(row, value.is_none());
    match (&mut column.data, value) {
        (ColumnData::Number(cells), Some(Value::Number(number))) => {
            let scaled = number * Ratio::from_integer(power_of_ten(input.decimals));
            cells.set(row, i64::try_from(scaled.to_integer()).unwrap());
        }
        (ColumnData::Boolean(cells), Some(Value::Boolean(truth))) => cells.set(row, *truth),
        (ColumnData::Date(cells), Some(Value::Date(date))) => cells[row] = date.days(),
        (ColumnData::Case(cells), Some(Value::Case(case))) => cells[row] = *case as u16,
        (ColumnData::Text(cells), Some(Value::Text(text))) => cells[row] = text.clone(),
        (_, None) => {}
        _ => panic!("a value of another type"),
    }
}

/// Empties cells that must be filled.
fn erase(program: &Program, batch: &Batch, random: &mut Random, rare: usize) -> (Batch, Vec<(usize, InputId)>) {
    let mut erased = batch.clone();
    let mut cells = Vec::new();
    for row in 0..batch.rows {
        if random.one_in(2) {
            continue;
        }
        for id in program.input_ids() {
            let input = program.input(id);
            let fixed = program.key.contains(&id) || input.optional || input.default.is_some();
            let Some(column) = &mut erased.columns[id.index()] else { continue };
            if !fixed && random.one_in(rare) {
                set(column, row, input, None);
                cells.push((row, id));
            }
        }
    }
    (erased, cells)
}

/// Fills the missing cells with those of drawn rows, biased to ends and thresholds, and with ends of ranges.
fn complete(program: &Program, erased: &Batch, cells: &[(usize, InputId)], seed: u64) -> Batch {
    let mut random = Random::new(seed);
    let near = testing::filled_rows(program, seed, 40);
    let far = testing::rows(program, seed, 40);
    let mut complete = erased.clone();
    for (row, id) in cells {
        let input = program.input(*id);
        let drawn = if random.one_in(3) { &far } else { &near };
        let other = random.below(drawn.rows);
        let value = drawn.value(program, *id, other).or_else(|| near.value(program, *id, 0)).expect("a filled cell");
        let value = match (&input.range, &input.ty) {
            (Some((low, high)), Type::Number(_)) if random.one_in(3) => {
                let end = if random.one_in(2) { low.clone() } else { high.clone() };
                let unit = Ratio::from_integer(power_of_ten(input.decimals));
                if (&end * &unit).is_integer() { Value::Number(end) } else { value }
            }
            _ => value,
        };
        set(complete.columns[id.index()].as_mut().unwrap(), *row, input, Some(&value));
    }
    complete
}

fn text(results: &Results, column: usize, row: usize) -> &str {
    match &results.columns[column].values {
        ResultValues::Text(cells) => &cells[row],
        _ => panic!("words"),
    }
}

fn number(results: &Results, column: usize, row: usize) -> Option<Ratio> {
    match results.columns[column].value(row) {
        Some(Value::Number(number)) => Some(number),
        None => None,
        other => panic!("{other:?}"),
    }
}

/// Rows left open, and those of which all the bounds are attained.
fn sound(
    program: &Arc<Program>,
    outputs: &[QuantityId],
    batch: &Batch,
    seed: u64,
    rare: usize,
    completions: u64,
) -> (usize, usize) {
    let mut random = Random::new(seed);
    let (erased, cells) = erase(program, batch, &mut random, rare);
    let bounds = run(program, outputs, &erased, true);
    let notes = 2 * outputs.len();
    for round in 0..completions {
        let whole = complete(program, &erased, &cells, seed ^ (round + 1));
        let actual = run(program, outputs, &whole, false);
        for row in 0..batch.rows {
            let told = || {
                let of: Vec<String> = cells
                    .iter()
                    .filter(|(of, _)| *of == row)
                    .map(|(_, id)| format!("{} = {:?}", program.input(*id).name, whole.value(program, *id, row)))
                    .collect();
                format!("ligne {row}, {}, réserves : {}", of.join(", "), text(&bounds, notes + 2, row))
            };
            let failed = actual.errors.iter().find(|error| error.row == row);
            if let Some(error) = bounds.errors.iter().find(|error| error.row == row) {
                assert!(failed.is_some(), "sans résultat : {:?}, {}", error.kind, told());
                continue;
            }
            let reserves = text(&bounds, notes + 2, row);
            if let Some(error) = failed {
                assert!(reserves.contains("peut être fautive"), "{:?} imprévue, {}", error.kind, told());
                continue;
            }
            for (rank, id) in outputs.iter().enumerate() {
                let name = &program.quantity(*id).name;
                let (low, high) = (number(&bounds, 2 * rank, row), number(&bounds, 2 * rank + 1, row));
                match number(&actual, rank, row) {
                    None => assert!(
                        (low.is_none() && high.is_none())
                            || reserves.contains(&format!("« {name} » peut être sans objet")),
                        "{name} sans objet, [{low:?}, {high:?}], {}",
                        told()
                    ),
                    Some(value) => {
                        let free = |end: &str| reserves.contains(&format!("« {name}_{end} » n'a pas de borne"));
                        let above = low.as_ref().map_or_else(|| free("min"), |low| *low <= value);
                        let below = high.as_ref().map_or_else(|| free("max"), |high| value <= *high);
                        assert!(above && below, "{name} = {value}, [{low:?}, {high:?}], {}", told());
                    }
                }
            }
        }
    }
    let rows = || (0..batch.rows).filter(|row| !text(&bounds, notes + 1, *row).is_empty());
    assert_eq!(rows().count(), bounds.statistics.incomplete);
    (rows().count(), rows().filter(|row| text(&bounds, notes + 1, *row) == "atteintes").count())
}

fn sound_on_a_drawn_policy(seed: u64, size: usize) -> (usize, usize) {
    let program = build(&testing::policy(seed, size));
    let batch = testing::filled_rows(&program, seed ^ 0x33, 30);
    sound(&program, &numbers(&program), &batch, seed, 3, 6)
}

/// PROPTEST_CASES asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(48)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn completions_stay_within_bounds(seed in any::<u64>(), size in 1usize..12) {
        sound_on_a_drawn_policy(seed, size);
    }
}

/// Random rows must be left open often enough, and bounds be attained often enough.
#[test]
fn random_bounds_are_useful() {
    let (mut open, mut attained) = (0, 0);
    for seed in 0..30 {
        let (o, a) = sound_on_a_drawn_policy(seed, 8);
        open += o;
        attained += a;
    }
    assert!(open > 200, "{open} lignes ouvertes");
    assert!(attained * 4 > open, "{attained} lignes aux bornes atteintes sur {open}");
}

fn sound_on_shipped(name: &str, data: &str, every: usize, rare: usize) -> (usize, usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies").join(name);
    let policy = Policy::load(&folder, &Selection::default()).expect("a sound policy");
    let program = policy.program;
    let is_payment = |id: &QuantityId| program.quantity(*id).kind == QuantityKind::Payment;
    let outputs: Vec<QuantityId> = program.outputs().filter(is_payment).collect();
    let mut request = Request::new(&program, &outputs);
    request.others = OtherColumns::Ignored;
    let bytes = std::fs::read(folder.join("donnees").join(data)).unwrap();
    let whole = read(data, bytes, &request).unwrap_or_else(|error| panic!("{error:?}")).batch;
    let rows: Vec<usize> = (0..whole.rows).step_by(every).collect();
    let columns = whole.columns.iter().map(|column| column.as_ref().map(|column| column.select(&rows))).collect();
    let batch = Batch { rows: rows.len(), columns };
    sound(&program, &outputs, &batch, 7, rare, 4)
}

#[test]
fn shipped_policies_stay_within_bounds() {
    let (open, _) = sound_on_shipped("aci-cpts", "cpts.csv", 3, 6);
    assert!(open > 10, "{open} lignes ouvertes");
    let (open, _) = sound_on_shipped("accord-cds", "centres.csv", 150, 60);
    assert!(open > 5, "{open} lignes ouvertes");
}

const HEAD: &str = "\
politique essai « Essai »
  monnaie € arrondie au centime
  clé code, annee
  exercice annee
  texte loi « Loi »
unité acte, actes
entrée code : texte
  « c »
entrée annee : entier en an, de 2018 à 2026
  « a »
entrée n : entier en actes, de 0 à 100
  « n »
entrée m : entier en actes, de 0 à 100
  « m »
entrée ouvert : booléen
  « o »
entrée debut : date
  « d »
définition lit_tout
  réf. article 9
  vrai si ouvert ou debut ≤ 31 décembre annee ou n > m
";

/// The bounds of the only payment on rows without their cells, and the words about each.
fn directed(policy: &str, csv: &str) -> Vec<String> {
    let program = build(&[("essai.pol".to_owned(), format!("{HEAD}{policy}"))]);
    let outputs: Vec<QuantityId> =
        program.outputs().filter(|id| program.quantity(*id).kind == QuantityKind::Payment).collect();
    let mut request = Request::new(&program, &outputs);
    request.others = OtherColumns::Ignored;
    let batch = read("d.csv", csv.as_bytes().to_vec(), &request).unwrap_or_else(|e| panic!("{e:?}")).batch;
    let results = run(&program, &outputs, &batch, true);
    let notes = 2 * outputs.len();
    let end = |column: usize, row: usize| number(&results, column, row).map_or(".".to_owned(), |n| n.to_string());
    (0..batch.rows)
        .map(|row| {
            let words = [0, 1, 2].map(|note| text(&results, notes + note, row).replace('\u{202F}', " "));
            match results.errors.iter().find(|error| error.row == row) {
                Some(error) => format!("{:?}", error.kind),
                None => format!("{}..{} | {}", end(0, row), end(1, row), words.join(" | ")),
            }
        })
        .collect()
}

const ROWS: &str = "code,annee,n,m,ouvert,debut\nA,2024,,3,vrai,2020-01-01\n";

#[test]
fn monotone_formulas_have_their_extremes() {
    let policy = "versement v\n  réf. article 1\n  montant n × 7 €/acte + (100 actes - n) × 2 €/acte + m × 1 €/acte\n";
    // What one term loses the other gains: a sum of intervals would give 3 to 903.
    assert_eq!(directed(policy, ROWS), ["203..703 | n (500,00 €) | atteintes | "]);
}

#[test]
fn thresholds_are_found() {
    let policy = "versement v\n  réf. article 1\n  montant par palier de n\n    moins de 10 actes : 50 €\n    de 10 actes à moins de 20 actes : 900 €\n    à partir de 20 actes : 70 €\n";
    assert_eq!(directed(policy, ROWS), ["50..900 | n (850,00 €) | atteintes | "]);
    let policy = "versement v\n  réf. article 1\n  si n ≥ 10 actes et n ≤ 12 actes\n  montant n × 3 €/acte\n";
    assert_eq!(directed(policy, ROWS), ["0..36 | n (36,00 €) | atteintes | "]);
}

#[test]
fn truths_are_told_apart() {
    let policy = "versement v\n  réf. article 1\n  montant (si ouvert alors 100 € sinon 40 €) - (si ouvert alors 30 € sinon 0 €)\n";
    let rows = "code,annee,n,m,ouvert,debut\nA,2024,1,3,,2020-01-01\nB,2024,1,3,vrai,2020-01-01\n";
    assert_eq!(directed(policy, rows), ["40..70 | ouvert (30,00 €) | atteintes | ", "70..70 |  |  | "]);
}

#[test]
fn a_guarded_division_is_no_danger() {
    let policy = "définition somme\n  réf. article 1\n  vaut n + m\nversement v\n  réf. article 1\n  si somme > 0 acte\n  montant 100 € × n / somme\n";
    let rows = "code,annee,n,m,ouvert,debut\nA,2024,,,vrai,2020-01-01\n";
    // The same cell stands above and below: the part of it that is common is not seen, but no error is feared.
    let found = directed(policy, rows);
    assert_eq!(found, ["0..11333/100 | n (63,33 €) ; m (0,00 €) | non atteintes : v_max | "]);
    let policy = "versement v\n  réf. article 1\n  montant 100 € × m / n\n";
    let found = directed(policy, ROWS);
    assert_eq!(found, ["3..300 | n (297,00 €) | atteintes | la ligne peut être fautive : « v » divise par zéro"]);
}

#[test]
fn what_no_rule_reads_is_not_missing() {
    let policy = "versement v\n  réf. article 1\n  si ouvert\n  montant n × 7 €/acte\n";
    let rows = "code,annee,n,m,ouvert,debut\nA,2024,,3,faux,2020-01-01\n";
    assert_eq!(directed(policy, rows), ["0..0 |  |  | "]);
}

#[test]
fn earlier_rows_may_be_incomplete() {
    let policy = "définition socle_n\n  réf. article 1\n  vaut n × 2 €/acte\nversement v\n  réf. article 1\n  montant (précédent(socle_n) à défaut 5 €) + m × 1 €/acte\n";
    let rows = "code,annee,n,m,ouvert,debut\nA,2023,,3,vrai,2020-01-01\nA,2024,1,2,vrai,2020-01-01\n";
    let found = directed(policy, rows);
    assert_eq!(found, ["8..8 |  |  | ", "2..202 | n de 2023 (200,00 €) | atteintes | "]);
}

const WHOLE_DATA: &str = "agrégat moyenne_n
  réf. article 4
  moyenne de n par annee
  arrondi à 2 décimales
versement v
  réf. article 1
  montant (moyenne_n à défaut 0 acte) × 1 €/acte + (précédent(m) à défaut 0 acte) × 1 €/acte
";

#[test]
fn figures_of_the_whole_data_are_bounded() {
    let rows = "code,annee,n,m,ouvert,debut\nA,2024,,3,vrai,2020-01-01\nB,2024,10,2,vrai,2020-01-01\nC,2023,10,2,vrai,2020-01-01\n";
    let note = "un agrégat dépend de données manquantes d'autres lignes";
    let open = format!("5..55 |  | non atteintes : v_min, v_max | {note}");
    assert_eq!(directed(WHOLE_DATA, rows), [open.clone(), open, "10..10 |  |  | ".to_owned()]);
}

/// Parts of the file give the same bytes as all of it.
#[test]
fn bounds_of_large_files_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("essai.pol"), format!("{HEAD}{WHOLE_DATA}")).unwrap();
    let mut rows = "code,annee,n,m,ouvert,debut\n".to_owned();
    for row in 0..3_000 {
        let cell = |of: usize| if row % of == 0 { String::new() } else { (row % 97).to_string() };
        rows += &format!("C{},{},{},{},vrai,2020-01-01\n", row / 3, 2020 + row % 3, cell(401), cell(53));
    }
    std::fs::write(path("donnees.csv"), rows).unwrap();
    let run = |memory: &str, output: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_polc"));
        let arguments = ["eval", "essai.pol", "donnees.csv", "--incomplete", "--memory", memory, "-o", output];
        let ended = command.args(arguments).current_dir(folder.path()).output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        let said = without_durations(std::str::from_utf8(&ended.stderr).unwrap());
        (std::fs::read_to_string(path(output)).unwrap(), said)
    };
    let (whole, said) = run("2048", "un.csv");
    assert!(said.contains("3\u{202F}000 lignes incomplètes"), "{said}");
    assert_eq!(run("1", "deux.csv").0, whole);
}

/// What the command writes, and what it says.
#[test]
fn the_command_writes_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "essai.pol",
        &format!(
            "{HEAD}versement fixe\n  réf. article 1\n  si ouvert\n  montant 150 €\nversement variable\n  réf. article 2\n  \
             montant n × 7 €/acte\n  plafond 500 €\nversement somme\n  réf. article 3\n  montant fixe + variable\n"
        ),
    );
    write(
        "donnees.csv",
        "code;annee;n;m;ouvert;debut\nA;2024;10;1;vrai;2020-01-01\nB;2024;;1;;2020-01-01\nC;2024;60;;faux;\nD;2024;101;1;vrai;\n",
    );
    let polc = |arguments: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_polc"));
        let output = command.args(arguments.split(' ')).current_dir(folder.path()).output().unwrap();
        let text = |bytes: &[u8]| without_durations(std::str::from_utf8(bytes).unwrap());
        format!("──── polc {arguments}\n{}{}", text(&output.stdout), text(&output.stderr))
    };
    let mut transcript = polc("eval essai.pol donnees.csv --incomplete --rejects rejets.csv -o bornes.csv");
    for name in ["bornes.csv", "rejets.csv"] {
        transcript += &format!("──── {name}\n{}", std::fs::read_to_string(folder.path().join(name)).unwrap());
    }
    for options in ["--outputs somme", "--outputs somme -o bornes.jsonl", "--outputs lit_tout"] {
        transcript += &polc(&format!("eval essai.pol donnees.csv --incomplete --rejects rejets.csv {options}"));
    }
    transcript +=
        &format!("──── bornes.jsonl\n{}", std::fs::read_to_string(folder.path().join("bornes.jsonl")).unwrap());
    insta::assert_snapshot!(transcript);
}
