//! What rows do not earn: what is proposed earns it, and is worth what is said.

use polc_compiler::Selection;
use polc_compiler::num::{Ratio, finite_decimals, integer, parse_decimal};
use polc_compiler::typed::{Program, QuantityId, Type, Value};
use polc_dsl::SourceMap;
use polc_runtime::engine::{Engine, EngineMode};
use polc_runtime::explain::*;
use polc_runtime::io::csv::{Request, read};
use polc_runtime::io::parse_date;
use polc_runtime::missing::missing;
use polc_runtime::policy::Policy;
use polc_runtime::table::{Batch, Column};

use super::pages::{communities, payments, shipped};

/// A value as a statement writes it exactly.
fn value(program: &Program, ty: &Type, exact: &str) -> Value {
    match ty {
        Type::Boolean => Value::Boolean(exact == "vrai"),
        Type::Date => Value::Date(parse_date(exact).expect("a date")),
        Type::Enumeration(id) => {
            let rank = program.enumeration(*id).cases.iter().position(|(name, _)| **name == *exact);
            Value::Case(rank.expect("a case") as u32)
        }
        _ => Value::Number(parse_decimal(exact).expect("a number")),
    }
}

/// The data with the cells of a row changed, and that alone.
fn changed(program: &Program, batch: &Batch, row: usize, cells: &[CellChange]) -> Batch {
    let mut batch = batch.clone();
    for cell in cells {
        let id = program.find_input(&cell.name).expect("an input");
        let input = program.input(id);
        let after = value(program, &input.ty, &cell.after.exact);
        let measure = match &after {
            Value::Number(number) => Some(number.clone()),
            Value::Date(date) => Some(integer(i64::from(date.days()))),
            _ => None,
        };
        if let (Some((low, high)), Some(measure)) = (&input.range, &measure) {
            assert!(low <= measure && measure <= high, "{} = {}", cell.name, cell.after.exact);
        }
        if let Value::Number(number) = &after {
            assert!(finite_decimals(number).is_some_and(|decimals| decimals <= input.decimals), "{}", cell.name);
        }
        let mut column = Column::with_capacity(input, batch.rows);
        for other in 0..batch.rows {
            let own = batch.value(program, id, other);
            column.push(if other == row { Some(&after) } else { own.as_ref() }, input);
        }
        batch.columns[id.index()] = Some(column);
    }
    batch
}

/// Checks what is proposed on a row; how many proposals there are.
fn check(policy: &Policy, batch: &Batch, row: usize, outputs: &[QuantityId]) -> usize {
    let program = &*policy.program;
    let explainer = Explainer::new(policy, batch);
    let before = explainer.account(row, outputs).expect("results");
    let number = |value: Option<&ValueView>| value.map_or(integer(0), |v| parse_decimal(&v.exact).expect("euros"));
    let total = number(before.total.as_ref());
    let mut proposals = 0;
    let mut last: Option<(bool, Ratio)> = None;
    for lack in missing(&explainer, row, outputs).expect("results") {
        let worth = number(lack.stake.as_ref().map(|stake| &stake.difference));
        // Prerequisites first, then by what they are worth.
        let rank = (!lack.prerequisite, -worth);
        assert!(last.as_ref().is_none_or(|last| *last <= rank), "{}", lack.name);
        last = Some(rank);
        assert!(lack.stake.is_some() != lack.obstacle.is_some(), "{}", lack.name);
        if let Some(stake) = &lack.stake {
            assert_eq!(number(Some(&stake.total)) - &total, number(Some(&stake.difference)), "{}", lack.name);
        }
        let Some(remedy) = &lack.remedy else { continue };
        proposals += 1;
        assert!(!remedy.cells.is_empty());
        let batch = changed(program, batch, row, &remedy.cells);
        let id = program.find_quantity(&lack.name).expect("a quantity");
        let all: Vec<QuantityId> = outputs.iter().copied().chain([id]).collect();
        let engine = Engine::new(policy.program.clone(), all, EngineMode::Reference, 1);
        let results = engine.evaluate(&batch, &|_| {});
        assert!(results.errors.iter().all(|error| error.row != row), "{}", lack.name);
        let (earned, payments) = results.columns.split_last().expect("results");
        if earned.value(row) != Some(Value::Boolean(true)) {
            let statement = Explainer::new(policy, &batch).explain(row, &[id]).expect("results");
            let steps = &statement.quantity(&lack.name).expect("the quantity").steps;
            let met = steps.first().map(|step| matches!(step.kind, StepKind::Condition { met: true, .. }));
            assert_eq!(met, Some(true), "{}: {:?}", lack.name, remedy.cells);
        }
        // The euros announced are those of the engine on the changed row.
        for (column, id) in payments.iter().zip(outputs) {
            let name = &*program.quantity(*id).name;
            let change = remedy.effect.payments.iter().find(|change| change.name == *name);
            let told = match change {
                Some(change) => change.after.as_ref(),
                None => before.quantity(name).and_then(|quantity| quantity.value.as_ref()),
            };
            let told = told.map(|told| parse_decimal(&told.exact).expect("euros"));
            let found = column.value(row).map(|value| match value {
                Value::Number(number) => number,
                _ => integer(0),
            });
            assert_eq!(found, told, "{}: {name}", lack.name);
        }
        if proposals == 1 {
            let after = Explainer::new(policy, &batch).account(row, outputs).expect("results");
            let difference = number(after.total.as_ref()) - &total;
            assert_eq!(difference, number(Some(&remedy.effect.difference)), "{}", lack.name);
        }
    }
    proposals
}

/// A row with the years of its key before it: what a row reads of its own.
fn alone(program: &Program, batch: &Batch, row: usize) -> (Batch, usize) {
    let key = batch.subject(program, row);
    let rows: Vec<usize> = (0..batch.rows).filter(|other| batch.subject(program, *other) == key).collect();
    let columns = batch.columns.iter().map(|column| column.as_ref().map(|column| column.select(&rows))).collect();
    let place = rows.iter().position(|other| *other == row).expect("the row");
    (Batch { rows: rows.len(), columns }, place)
}

#[test]
fn what_is_proposed_earns_what_is_said() {
    let communities = communities();
    for (policy, data, start, step, least) in [
        (super::policies::agreement(), "accord-cds/donnees/centres.csv", 41, 900, 30),
        (&*communities, "aci-cpts/donnees/cpts.csv", 5, 60, 8),
    ] {
        let outputs = payments(&policy.program);
        let batch = shipped(policy, data, &outputs).batch;
        let mut proposals = 0;
        for row in (start..batch.rows).step_by(step) {
            let (batch, row) = alone(&policy.program, &batch, row);
            proposals += check(policy, &batch, row, &outputs);
        }
        assert!(proposals >= least, "{data}: {proposals}");
    }
}

#[test]
fn what_a_pool_lacks() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/explication.pol");
    let mut sources = SourceMap::new();
    sources.add("explication.pol", &std::fs::read(path).expect("the policy"));
    let policy = Policy::build(sources, &Selection::default()).expect("a sound policy");
    let csv = "\
code,annee,genre,ouverture,nageurs,capacite,heures_semaine,maitres,bassins,eau_controlee,reglement_affiche,canicule,travaux
C,2024,plein_air,2014-12-31,777,100,9,0,,vrai,faux,faux,
D,2024,mixte,2014-12-31,25000,390,9.75,0,2,faux,vrai,faux,
";
    let outputs = payments(&policy.program);
    let request = Request::new(&policy.program, &outputs);
    let table = read("donnees.csv", csv.as_bytes().to_vec(), &request).expect("sound data");
    let explainer = Explainer::new(&policy, &table.batch);
    let mut told = String::new();
    for row in 0..table.batch.rows {
        check(&policy, &table.batch, row, &outputs);
        let mut statement = explainer.explain(row, &outputs).expect("results");
        statement.missing = Some(missing(&explainer, row, &outputs).expect("results"));
        let text = statement.to_text(&Style { colour: false, width: 100 });
        let lacks = text.find("Ce qui n'est pas acquis").expect("the section");
        told += &text[lacks..];
        told.push('\n');
    }
    insta::assert_snapshot!("pool", told);
}
