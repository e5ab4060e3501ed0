//! One semantics: compiled code gives the values, the absences and the errors of the interpreter, on random well-typed
//! policies and on rows biased to thresholds, limits, empty cells and year edges.

use std::sync::Arc;

use polc_compiler::Selection;
use polc_compiler::typed::{Program, QuantityId, Value};
use polc_dsl::SourceMap;
use polc_dsl::diagnostic::render::terminal::{Style, render};
use polc_runtime::engine::{Engine, EngineMode};
use polc_runtime::table::{Batch, Results};
use polc_runtime::testing;
use proptest::prelude::*;

/// Divisions by a written zero, conflicts, rules without effect, which the compiler is right to refuse in what chance writes.
const REFUSED: [&str; 4] = ["POL2003", "POL3005", "POL3006", "POL3008"];

/// The program, or `None` where the compiler found a conflict in what was drawn.
fn build(text: &str) -> Result<Option<Arc<Program>>, String> {
    let mut sources = SourceMap::new();
    let (_, problem) = sources.add("essai.pol", text.as_bytes());
    assert!(problem.is_none());
    let (program, diagnostics) = polc_compiler::analyse(&sources, &Selection::default());
    if program.is_none() && diagnostics.iter().all(|d| REFUSED.contains(&d.code.id)) {
        return Ok(None);
    }
    let style = Style { colour: false, width: 110 };
    program
        .map(|program| Some(Arc::new(program)))
        .ok_or_else(|| diagnostics.iter().map(|d| render(d, &sources, style)).collect())
}

fn evaluate(program: &Arc<Program>, batch: &Batch, mode: EngineMode, threads: usize) -> Results {
    let outputs: Vec<QuantityId> = program.outputs().collect();
    Engine::new(program.clone(), outputs, mode, threads).evaluate(batch, &|_| {})
}

/// The first difference between two results, in words.
fn difference(program: &Program, batch: &Batch, a: &Results, b: &Results) -> Option<String> {
    if a.errors != b.errors {
        return Some(format!(
            "erreurs : {:?} / {:?}",
            a.errors.iter().take(3).collect::<Vec<_>>(),
            b.errors.iter().take(3).collect::<Vec<_>>()
        ));
    }
    if a.statistics.failed_controls != b.statistics.failed_controls {
        return Some(format!("contrôles : {:?} / {:?}", a.statistics.failed_controls, b.statistics.failed_controls));
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
    let text = testing::policy(seed, size);
    let program = match build(&text) {
        Ok(Some(program)) => program,
        Ok(None) => return (0, 0, 0),
        Err(problems) => panic!("graine {seed} : la politique tirée ne se compile pas\n{problems}\n{text}"),
    };
    let batch = testing::rows(&program, seed ^ 0x5555, count);
    let reference = evaluate(&program, &batch, EngineMode::Reference, 1);
    let compiled = evaluate(&program, &batch, EngineMode::Compiled, 1);
    if let Some(difference) = difference(&program, &batch, &reference, &compiled) {
        panic!("graine {seed}, taille {size} : référence / compilé\n{difference}\n{text}");
    }
    (batch.rows, compiled.statistics.compiled, reference.errors.len())
}

/// A policy, the same with an amendment left out, and with it; when all compile.
type Amended = (Arc<Program>, Arc<Program>, Arc<Program>, i64);

/// The last is the year in which the amendment takes effect.
fn amended(seed: u64, size: usize) -> Option<Amended> {
    let text = testing::policy(seed, size);
    let (amendment, year) = testing::amendment(seed ^ 0xA5, &text);
    let alone = build(&text).unwrap_or_else(|problems| panic!("graine {seed}\n{problems}\n{text}"))?;
    let mut sources = SourceMap::new();
    for (name, text) in [("base.pol", &text), ("avenant.pol", &amendment)] {
        assert!(sources.add(name, text.as_bytes()).1.is_none());
    }
    let law = |selection: &Selection| {
        let (program, diagnostics) = polc_compiler::analyse(&sources, selection);
        if program.is_none() && !diagnostics.iter().all(|d| REFUSED.contains(&d.code.id)) {
            let style = Style { colour: false, width: 110 };
            let said: String = diagnostics.iter().map(|d| render(d, &sources, style)).collect();
            panic!("graine {seed} : l'avenant tiré ne se compile pas\n{said}\n{text}\n{amendment}");
        }
        program.map(Arc::new)
    };
    let without = Selection { without: ["essai_1".to_owned()].into(), ..Selection::default() };
    Some((alone, law(&without)?, law(&Selection::default())?, year))
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
    for seed in 0..40 {
        let (r, c) = amendments_change_what_they_say(seed, 8, 80);
        rows += r;
        changed += c;
    }
    assert!(rows > 1_000, "{rows} lignes");
    assert!(changed * 20 > rows, "{changed} lignes changées sur {rows}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn compiled_code_agrees_with_the_interpreter(seed in any::<u64>(), size in 1usize..14) {
        agree(seed, size, 60);
    }

}

proptest! {
    // Each case compiles three programs and runs two engines on each.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(32) })]

    #[test]
    fn amended_policies_agree_too(seed in any::<u64>(), size in 1usize..10) {
        amendments_change_what_they_say(seed, size, 40);
    }
}

/// Random policies must exercise what they are for: most rows computed by compiled code, some of them in error.
#[test]
fn random_cases_are_useful() {
    let (mut rows, mut compiled, mut errors, mut refused) = (0, 0, 0, 0);
    for seed in 0..60 {
        let (r, c, e) = agree(seed, 8, 80);
        refused += usize::from(r == 0);
        rows += r;
        compiled += c;
        errors += e;
    }
    assert!(refused < 20, "{refused} politiques refusées sur 60");
    assert!(compiled * 2 > rows, "{compiled} lignes compilées sur {rows}");
    assert!(errors * 50 > rows, "{errors} lignes en erreur sur {rows}");
    assert!(errors * 2 < rows, "{errors} lignes en erreur sur {rows}");
}

#[test]
fn threads_and_blocks_change_nothing() {
    for seed in 1_000..1_006 {
        let Ok(Some(program)) = build(&testing::policy(seed, 8)) else { continue };
        // More than two blocks, and a partial one.
        let batch = testing::rows(&program, seed, 2_500);
        let one = evaluate(&program, &batch, EngineMode::Compiled, 1);
        let seven = evaluate(&program, &batch, EngineMode::Compiled, 7);
        assert_eq!(difference(&program, &batch, &one, &seven), None);
        assert_eq!(one.statistics, seven.statistics);
        let reference = evaluate(&program, &batch, EngineMode::Reference, 3);
        assert_eq!(difference(&program, &batch, &reference, &one), None);
    }
}
