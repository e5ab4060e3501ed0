//! One semantics: compiled code gives the values, the absences and the errors of the interpreter, on random well-typed
//! policies and on rows biased to thresholds, limits, empty cells and year edges.

use std::sync::Arc;

use polc_compiler::Selection;
use polc_compiler::typed::{Program, QuantityId, Value};
use polc_dsl::SourceMap;
use polc_dsl::diagnostic::render::terminal::{Style, render};
use polc_runtime::engine::{Engine, EngineMode};
use polc_runtime::io::csv::{Request, read};
use polc_runtime::table::{Batch, Results};
use polc_runtime::testing;
use proptest::prelude::*;

/// The program. What is drawn is right by construction: a policy that does not compile is a failure.
fn build(files: &[(String, String)]) -> Arc<Program> {
    build_under(files, &Selection::default())
}

fn build_under(files: &[(String, String)], selection: &Selection) -> Arc<Program> {
    let mut sources = SourceMap::new();
    for (name, text) in files {
        let (_, problem) = sources.add(name, text.as_bytes());
        assert!(problem.is_none());
    }
    let (program, diagnostics) = polc_compiler::analyse(&sources, selection);
    let style = Style { colour: false, width: 110 };
    let problems = || diagnostics.iter().map(|d| render(d, &sources, style)).collect::<String>();
    Arc::new(
        program.unwrap_or_else(|| panic!("la politique tirée ne se compile pas\n{}\n{}", problems(), shown(files))),
    )
}

fn shown(files: &[(String, String)]) -> String {
    files.iter().map(|(name, text)| format!("# {name}\n{text}\n")).collect()
}

fn evaluate(program: &Arc<Program>, batch: &Batch, mode: EngineMode, threads: usize) -> Results {
    let outputs: Vec<QuantityId> = program.outputs().collect();
    Engine::new(program.clone(), outputs, mode, threads).evaluate(batch, &|_| {})
}

/// The rows of a data file without fault.
fn data(program: &Program, csv: &str) -> Batch {
    let outputs: Vec<QuantityId> = program.outputs().collect();
    let table = read("donnees.csv", csv.as_bytes().to_vec(), &Request::new(program, &outputs));
    table.expect("good data").batch
}

/// The first difference between two results, in words.
fn difference(program: &Program, batch: &Batch, a: &Results, b: &Results) -> Option<String> {
    if a.errors != b.errors {
        let only = |x: &Results, y: &Results| x.errors.iter().find(|e| !y.errors.contains(e)).cloned();
        return Some(format!("erreurs : {:?} / {:?}", only(a, b), only(b, a)));
    }
    if a.statistics.failed_controls != b.statistics.failed_controls {
        return Some(format!("contrôles : {:?} / {:?}", a.statistics.failed_controls, b.statistics.failed_controls));
    }
    if a.statistics.failed_groups != b.statistics.failed_groups {
        return Some(format!("groupes : {:?} / {:?}", a.statistics.failed_groups, b.statistics.failed_groups));
    }
    for (id, (x, y)) in program.outputs().zip(a.columns.iter().zip(&b.columns)) {
        for row in 0..batch.rows {
            if x.value(row) != y.value(row) {
                let cells: Vec<String> = program
                    .input_ids()
                    .map(|input| format!("{} = {:?}", program.input(input).name, batch.value(program, input, row)))
                    .collect();
                return Some(format!(
                    "{} ligne {row} : {:?} / {:?}\n{}",
                    program.quantity(id).name,
                    x.value(row),
                    y.value(row),
                    cells.join("\n")
                ));
            }
        }
    }
    None
}

/// Rows, those that compiled code computed, and those in error.
fn agree(seed: u64, size: usize, count: usize) -> (usize, usize, usize) {
    let files = testing::policy(seed, size);
    let program = build(&files);
    let batch = testing::rows(&program, seed ^ 0x5555, count);
    let reference = evaluate(&program, &batch, EngineMode::Reference, 1);
    let compiled = evaluate(&program, &batch, EngineMode::Compiled, 1);
    if let Some(difference) = difference(&program, &batch, &reference, &compiled) {
        panic!("graine {seed}, taille {size} : référence / compilé\n{difference}\n{}", shown(&files));
    }
    // Cut where values are handed on from one kernel to the next, rows shared out, and blocks begun and left in the middle.
    let engine = |mode| Engine::new(program.clone(), program.outputs().collect(), mode, 2);
    let compiled_in_parts = engine(EngineMode::Compiled).cutting_kernels_at(120);
    let in_shares = compiled_in_parts.in_shares_of(7).evaluate(&batch, &|_| {});
    let in_blocks = engine(EngineMode::Compiled).in_shares_of(40).in_blocks_of(3).evaluate(&batch, &|_| {});
    for (how, results) in [("petits noyaux", in_shares), ("petits blocs", in_blocks)] {
        if let Some(difference) = difference(&program, &batch, &reference, &results) {
            panic!("graine {seed}, taille {size}, {how}\n{difference}\n{}", shown(&files));
        }
    }
    let shared = engine(EngineMode::Reference).in_shares_of(5);
    assert_eq!(difference(&program, &batch, &reference, &shared.evaluate(&batch, &|_| {})), None, "graine {seed}");
    let statistics = compiled.statistics;
    (batch.rows, statistics.compiled + statistics.partial, reference.errors.len())
}

/// A policy, the same with an amendment left out, and with it.
type Amended = (Arc<Program>, Arc<Program>, Arc<Program>, i64);

/// The last is the year in which the amendment takes effect; `None` where a figure of the data mixes years.
fn amended(seed: u64, size: usize) -> Option<Amended> {
    let mut files = testing::policy(seed, size);
    let alone = build(&files);
    // The figure of a group of several years is that of the law of them all.
    if alone.aggregates.iter().any(|aggregate| !aggregate.by.contains(&alone.year)) {
        return None;
    }
    let (amendment, year) = testing::amendment(seed ^ 0xA5, &files[0].1);
    files.push(("avenant.pol".to_owned(), amendment));
    let without = Selection { without: ["essai_1".to_owned()].into(), ..Selection::default() };
    Some((alone, build_under(&files, &without), build(&files), year))
}

/// Without the amendment, the law is that of the base; with it, so it is for every year before its effect. Rows, and those
/// whose results the amendment changes.
fn amendments_change_what_they_say(seed: u64, size: usize, count: usize) -> (usize, usize) {
    let Some((alone, without, with, year)) = amended(seed, size) else { return (0, 0) };
    let batch = testing::rows(&alone, seed ^ 0x7777, count);
    let mut changed = 0;
    for mode in [EngineMode::Reference, EngineMode::Compiled] {
        let base = evaluate(&alone, &batch, mode, 1);
        let left = evaluate(&without, &batch, mode, 1);
        assert_eq!(difference(&alone, &batch, &base, &left), None, "graine {seed}, sans l'avenant");
        let amended = evaluate(&with, &batch, mode, 1);
        let failed =
            |results: &Results, row: usize| results.errors.iter().find(|e| e.row == row).map(|e| format!("{e:?}"));
        let rank = |program: &Program, name: &str| {
            program.outputs().position(|id| *program.quantity(id).name == *name).expect("an output of the base")
        };
        for row in 0..batch.rows {
            let Some(Value::Number(of_row)) = batch.value(&alone, alone.year, row) else {
                panic!("a row has its year")
            };
            let same = alone.outputs().enumerate().all(|(column, id)| {
                let other = rank(&with, &alone.quantity(id).name);
                base.columns[column].value(row) == amended.columns[other].value(row)
            }) && failed(&base, row) == failed(&amended, row);
            if of_row < polc_compiler::num::integer(year) {
                assert!(same, "graine {seed}, ligne {row} : changée avant {year}, {mode:?}");
            }
            changed += usize::from(!same);
        }
    }
    let reference = evaluate(&with, &batch, EngineMode::Reference, 1);
    let compiled = evaluate(&with, &batch, EngineMode::Compiled, 1);
    assert_eq!(difference(&with, &batch, &reference, &compiled), None, "graine {seed}, avec l'avenant");
    (batch.rows, changed / 2)
}

#[test]
fn amendments_leave_earlier_years_alone() {
    let (mut rows, mut changed) = (0, 0);
    for seed in 0..50 {
        let (r, c) = amendments_change_what_they_say(seed, 8, 80);
        rows += r;
        changed += c;
    }
    assert!(rows > 1_000, "{rows} lignes");
    assert!(changed * 20 > rows, "{changed} lignes changées sur {rows}");
}

/// Enough for every build; PROPTEST_CASES asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(64)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn compiled_code_agrees_with_the_interpreter(seed in any::<u64>(), size in 1usize..14) {
        agree(seed, size, 60);
    }

}

proptest! {
    // Each case compiles three programs and runs two engines on each.
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: cases() / 2, ..ProptestConfig::default() })]

    #[test]
    fn amended_policies_agree_too(seed in any::<u64>(), size in 1usize..10) {
        amendments_change_what_they_say(seed, size, 40);
    }
}

/// Random policies must exercise what they are for: most rows computed by compiled code, some of them in error.
#[test]
fn random_cases_are_useful() {
    let (mut rows, mut compiled, mut errors) = (0, 0, 0);
    for seed in 0..40 {
        let (r, c, e) = agree(seed, 8, 80);
        rows += r;
        compiled += c;
        errors += e;
    }
    assert!(compiled * 2 > rows, "{compiled} lignes compilées sur {rows}");
    assert!(errors * 50 > rows, "{errors} lignes en erreur sur {rows}");
    assert!(errors * 2 < rows, "{errors} lignes en erreur sur {rows}");
}

/// Where kernels are made for one case each, for as many rows as make that worth it.
#[test]
fn telling_cases_apart_changes_nothing() {
    let mut divided = 0;
    for seed in 0..120 {
        let files = testing::policy(seed, 1 + seed as usize % 6);
        let program = build(&files);
        let batch = testing::rows(&program, seed ^ 0x3333, 300);
        let outputs: Vec<QuantityId> = program.outputs().collect();
        let engine = Engine::new(program.clone(), outputs, EngineMode::Compiled, 1).compiling_with_care();
        if engine.prepare(&batch).iter().all(|group| group.case.is_none()) {
            continue;
        }
        divided += 1;
        let reference = evaluate(&program, &batch, EngineMode::Reference, 1);
        let difference = difference(&program, &batch, &reference, &engine.evaluate(&batch, &|_| {}));
        assert_eq!(difference, None, "graine {seed}\n{}", shown(&files));
    }
    assert!(divided >= 3, "{divided} politiques");
}

#[test]
fn threads_and_blocks_change_nothing() {
    for seed in 1_000..1_006 {
        let program = build(&testing::policy(seed, 8));
        let batch = testing::rows(&program, seed, 2_500);
        let one = evaluate(&program, &batch, EngineMode::Compiled, 1);
        let seven = evaluate(&program, &batch, EngineMode::Compiled, 7);
        // Some ten blocks and a partial one a year, all in one share.
        let blocks = Engine::new(program.clone(), program.outputs().collect(), EngineMode::Compiled, 1)
            .in_shares_of(batch.rows)
            .in_blocks_of(24);
        assert_eq!(difference(&program, &batch, &one, &blocks.evaluate(&batch, &|_| {})), None);
        assert_eq!(difference(&program, &batch, &one, &seven), None);
        assert_eq!(one.statistics, seven.statistics);
        let reference = evaluate(&program, &batch, EngineMode::Reference, 3);
        assert_eq!(difference(&program, &batch, &reference, &one), None);
    }
}

/// Amounts that fall on half a cent, whatever the lanes they are computed in, on either side of zero, and however many rows are
/// left for the last turn of a loop.
#[test]
fn half_a_cent_is_rounded_alike() {
    for most in [90i64, 20_000, 1_000_000_000, 4_000_000_000_000_000] {
        let policy = format!(
            "\
entrée x : entier, de -{most} à {most}
  « x »
entrée d : entier, de 1 à 50
  « d »
versement par_constante « Par une constante »
  réf. article 1
  montant 1 € × x / 200
versement par_ligne « Par ligne »
  réf. article 1
  montant 1 € × x / (200 × d)
"
        );
        let program = build(&[("essai.pol".to_owned(), format!("{HEAD}{policy}"))]);
        let mut ties = [0; 2];
        for count in 1..=33 {
            let row = |rank: i64| {
                // An odd multiple of the divisor, near the end of the interval or not: half a cent, but for some rows.
                let d = 1 + (rank * 7 + count) % (most / 9).min(50);
                let times = (((most / d - rank % 3) >> (rank % 4 * 2)) | 1).min(most / d);
                let x = (d * times + i64::from(rank % 5 == 0)).min(most);
                (if rank % 2 == 0 { x } else { -x }, d)
            };
            let rows: Vec<(i64, i64)> = (0..count).map(row).collect();
            ties[0] += rows.iter().filter(|(x, _)| x % 2 != 0).count();
            ties[1] += rows.iter().filter(|(x, d)| x % d == 0 && x / d % 2 != 0).count();
            let line = |(rank, (x, d)): (usize, &(i64, i64))| format!("C{rank},{},{x},{d}\n", 2018 + rank % 2);
            let csv = "code,annee,x,d\n".to_owned() + &rows.iter().enumerate().map(line).collect::<String>();
            let batch = data(&program, &csv);
            let reference = evaluate(&program, &batch, EngineMode::Reference, 1);
            let compiled = evaluate(&program, &batch, EngineMode::Compiled, 1);
            assert_eq!(difference(&program, &batch, &reference, &compiled), None, "jusqu'à {most}, {count} lignes");
            assert_eq!(compiled.statistics.handed_over, 0, "jusqu'à {most}, {count} lignes");
        }
        assert!(ties.iter().all(|ties| *ties > 200), "jusqu'à {most} : {ties:?}");
    }
}

// ------------------------------------------------------------------------------------------- what was once wrong

const HEAD: &str = "\
politique essai « Essai »
  monnaie € arrondie au centime
  clé code, annee
  exercice annee
  texte loi « Loi »
entrée code : texte
  « c »
entrée annee : entier en an, de 2018 à 2026
  « a »
";

/// A column of the results of a policy on a data file, the same by both engines: row by row, « . » where without object.
fn column(policy: &str, part: &str, csv: &str, name: &str) -> String {
    let files = [("essai.pol".to_owned(), format!("{HEAD}{policy}")), ("partie.pol".to_owned(), part.to_owned())];
    let program = build(&files);
    let batch = data(&program, csv);
    let reference = evaluate(&program, &batch, EngineMode::Reference, 1);
    let compiled = evaluate(&program, &batch, EngineMode::Compiled, 1);
    assert_eq!(difference(&program, &batch, &reference, &compiled), None);
    let rank = program.outputs().position(|id| *program.quantity(id).name == *name).expect("an output");
    let shown = |row| match reference.columns[rank].value(row) {
        None => ".".to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Boolean(flag)) => flag.to_string(),
        Some(other) => format!("{other:?}"),
    };
    (0..batch.rows).map(shown).collect::<Vec<_>>().join(" ")
}

const YEARS: &str = "code,annee,x\nA,2020,1\nA,2021,0\nA,2022,0\nB,2021,1\n";

/// The field of a part was not looked at to find which results later rows read.
#[test]
fn the_field_of_a_part_reads_last_year() {
    let policy = "\
entrée x : booléen
  « x »
définition interne obtenu
  vrai si x
";
    let part = "\
partie deux « Deux »
  réf. article 2
  champ précédent(obtenu) à défaut faux (article 2)
définition suite
  réf. article 2
  vaut 3
";
    assert_eq!(column(policy, part, YEARS, "suite"), ". 3 . .");
}

/// Nor were controls, to find whether rows read earlier ones at all.
#[test]
fn a_control_reads_last_year() {
    let policy = "\
entrée x : booléen
  « x »
définition obtenu
  réf. article 1
  vrai si x
contrôle suite
  réf. article 1
  sur chaque ligne
  vérifie précédent(obtenu) est vide ou obtenu
  bloquant
";
    assert_eq!(column(policy, "", YEARS, "obtenu"), "true . . true");
}

/// A row that fails for one figure was left out of all those computed with it.
#[test]
fn a_figure_does_not_depend_on_the_others() {
    let policy = "\
entrée x : entier, de 0 à 9
  « x »
entrée y : entier, de 0 à 9
  « y »
agrégat somme_x
  réf. article 1
  somme de (x) par annee
agrégat somme_y
  réf. article 1
  somme de (y) par annee
définition en_x
  réf. article 1
  vaut somme_x
définition en_y
  réf. article 1
  vaut somme_y
";
    let csv = "code,annee,x,y\nA,2020,1,1\nB,2020,,5\nC,2020,3,3\n";
    assert_eq!(column(policy, "", csv, "en_x"), "4 4 4");
    assert_eq!(column(policy, "", csv, "en_y"), "9 9 9");
}
