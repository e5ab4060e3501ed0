//! Explanations: what they say, that it adds up to the results, that the document is what its schema says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use polc_compiler::Selection;
use polc_compiler::check::select;
use polc_compiler::num::{Ratio, RoundingMode, integer, parse_decimal, round};
use polc_compiler::typed::{Program, QuantityId, QuantityKind, Value};
use polc_dsl::SourceMap;
use polc_runtime::engine::{Engine, EngineMode};
use polc_runtime::explain::*;
use polc_runtime::io::csv::{Request, read};
use polc_runtime::policy::Policy;
use polc_runtime::table::{Batch, RowErrorKind};
use polc_runtime::testing;
use serde_json::Value as Json;

const STYLE: Style = Style { colour: false, width: 100 };

fn file(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn selection(readings: &[(&str, &str)]) -> Selection {
    let readings = readings.iter().map(|(name, variant)| ((*name).to_owned(), (*variant).to_owned()));
    Selection { readings: readings.collect(), ..Selection::default() }
}

fn build(name: &str, text: &str, readings: &[(&str, &str)]) -> Policy {
    build_files(&[(name.to_owned(), text.to_owned())], readings)
}

fn build_files(files: &[(String, String)], readings: &[(&str, &str)]) -> Policy {
    let mut sources = SourceMap::new();
    files.iter().for_each(|(name, text)| assert!(sources.add(name, text.as_bytes()).1.is_none()));
    Policy::build(sources, &selection(readings)).unwrap_or_else(|(_, diagnostics)| panic!("{diagnostics:?}"))
}

/// The small policy that has everything.
fn pools(readings: &[(&str, &str)]) -> Policy {
    let text = std::fs::read_to_string(file("tests/fixtures/explication.pol")).unwrap();
    build("explication.pol", &text, readings)
}

/// The agreement under readings chosen on the one analysed once.
fn agreement(readings: &[(&str, &str)]) -> Policy {
    let policy = super::policies::agreement();
    let program = select(&policy.program, readings.iter().copied()).expect("readings of the agreement");
    Policy { program: Arc::new(program), ..policy.clone() }
}

fn outputs(program: &Program) -> Vec<QuantityId> {
    program.outputs().collect()
}

fn payments(program: &Program) -> Vec<QuantityId> {
    program.outputs().filter(|id| program.quantity(*id).kind == QuantityKind::Payment).collect()
}

fn data(policy: &Policy, csv: &str) -> Batch {
    data_for(policy, &outputs(&policy.program), csv)
}

fn data_for(policy: &Policy, outputs: &[QuantityId], csv: &str) -> Batch {
    let request = Request::new(&policy.program, outputs);
    let table = read("donnees.csv", csv.as_bytes().to_vec(), &request);
    table.unwrap_or_else(|refusal| panic!("{refusal:?}")).batch
}

const POOLS: &str = "\
code,annee,genre,ouverture,nageurs,capacite,heures_semaine,maitres,bassins,eau_controlee,reglement_affiche,canicule,travaux
A,2023,mixte,2010-01-01,12000,450,18,4.5,5,vrai,vrai,faux,
A,2024,mixte,2010-01-01,3000,450,18,4.5,5,vrai,vrai,faux,2024-03-01
B,2024,couverte,2024-07-01,9000,100,12.5,1,12,vrai,faux,vrai,
C,2024,plein_air,2024-12-31,777,100,9,0,,vrai,vrai,faux,
D,2020,mixte,2021-01-01,1,1,1,1,1,vrai,vrai,faux,
E,2021,plein_air,2000-05-01,20000,300,30,2,2,vrai,faux,vrai,2021-05-01
";

/// The statement of the payments on each row.
fn statements(policy: &Policy, batch: &Batch) -> Vec<Statement> {
    let payments = payments(&policy.program);
    (0..batch.rows).map(|row| explain(policy, batch, row, &payments).unwrap()).collect()
}

// ------------------------------------------------------------------------------------------------------ what is said

#[test]
fn trees() {
    let policy = pools(&[]);
    let statements = statements(&policy, &data(&policy, POOLS));
    for (name, row) in [("works", 1), ("new_and_hot", 2), ("not_met", 3), ("not_governed", 4), ("two_derogations", 5)] {
        insta::assert_snapshot!(name, statements[row].to_text(&STYLE));
    }
}

#[test]
fn tree_under_another_reading() {
    let policy = pools(&[("plafond_emploi", "double")]);
    let statements = statements(&policy, &data(&policy, POOLS));
    insta::assert_snapshot!("reading", statements[0].to_text(&STYLE));
}

#[test]
fn document() {
    let policy = pools(&[]);
    let batch = data(&policy, POOLS);
    let output = policy.program.find_quantity("eau_points").unwrap();
    insta::assert_snapshot!("document", explain(&policy, &batch, 1, &[output]).unwrap().to_json());
}

/// A real case: a medical centre in the year in which its software lost its label. Without places: the policy grows.
#[test]
fn tree_of_a_centre() {
    let policy = agreement(&[]);
    let names = [
        (
            "finess,annee,type_centre,date_adhesion",
            ["750000001,2023,medical,2016-01-01", "750000001,2024,medical,2016-01-01"],
        ),
        (
            "patientele_mt,patientele_mt_16_plus,patientele_ame,etp_mg,etp_ps",
            ["4900,3800,100,3.5,18.5", "5100,4000,120,3.5,18.5"],
        ),
        ("bcp_enfants_moins_16_deux_soins,patientele_infirmiere,patientele_dentaire", [",,", ",,"]),
        ("etp_infirmiers,etp_chirurgiens_dentistes", [",", ","]),
        ("honoraires_totaux,honoraires_dentaires,honoraires_infirmiers", ["900000,0,0", "900000,0,0"]),
        (
            "bcp_amplitude_horaire_semaine,bcp_semaines_fermeture_conges,bcp_ouvert_samedi_matin",
            ["12,0,vrai", "11.5,1,vrai"],
        ),
        (
            "bcp_soins_non_programmes,bcp_plan_crise_redige,bcp_fonction_coordination",
            ["vrai,vrai,vrai", "vrai,vrai,vrai"],
        ),
        (
            "bcp_nb_reunions_concertation,bcp_nb_dossiers_concertation,bcp_patients_ald_ou_plus_75",
            ["6,20,500", "6,20,500"],
        ),
        ("bcp_si_standard,bcp_si_segur_lap,bcp_date_retrait_label_si", ["vrai,vrai,", "faux,vrai,2024-03-01"]),
        ("bcp_nb_protocoles,bcp_nb_stages,bcp_nb_missions_sante_publique", ["4,2,2", "4,2,2"]),
        ("file_active,file_active_css,file_active_ame", ["6000,900,60", "6000,900,60"]),
        ("taux_national_css,taux_national_ame", ["0.08,0.005", "0.08,0.005"]),
    ];
    let line = |pick: &dyn Fn(usize) -> &'static str| (0..names.len()).map(pick).collect::<Vec<_>>().join(",") + "\n";
    let csv = line(&|rank| names[rank].0) + &line(&|rank| names[rank].1[0]) + &line(&|rank| names[rank].1[1]);
    let main_block = [policy.program.find_quantity("bcp_total_euros").unwrap()];
    let batch = data_for(&policy, &main_block, &csv);
    let text = explain(&policy, &batch, 1, &main_block).unwrap().to_text(&STYLE);
    let without_places: Vec<String> = text
        .lines()
        .map(|line| match line.split_once(".pol:") {
            Some((before, _)) => format!("{before}.pol"),
            None => line.to_owned(),
        })
        .collect();
    insta::assert_snapshot!("centre", without_places.join("\n"));
}

// ------------------------------------------------------------------------------------------------------ how it is drawn

/// Without the codes of colours.
fn plain(text: &str) -> String {
    let mut result = String::new();
    let mut parts = text.split('\u{1b}');
    result.push_str(parts.next().unwrap_or_default());
    for part in parts {
        result.push_str(part.split_once('m').map_or("", |(_, rest)| rest));
    }
    result
}

#[test]
fn lines_keep_to_the_width_and_colours_change_nothing_else() {
    let policy = pools(&[]);
    for statement in statements(&policy, &data(&policy, POOLS)) {
        for width in [0, 40, 57, 80, 100, 160] {
            let text = statement.to_text(&Style { colour: false, width });
            assert!(!text.contains('\u{1b}'));
            for line in text.lines() {
                assert!(line.chars().count() <= width.max(40), "{width}: {line}");
                assert_eq!(line, line.trim_end_matches(' '));
            }
            assert_eq!(plain(&statement.to_text(&Style { colour: true, width })), text);
        }
    }
}

/// A chain of definitions as long as you like: told piece by piece, at any width.
#[test]
fn long_chains_are_told_in_pieces() {
    let mut text = String::from(
        "politique longue « Longue »\n  monnaie € arrondie au centime\n  clé code, annee\n  exercice annee\n  \
         texte t « Texte »\n\nentrée code : texte\n  « code »\nentrée annee : entier en an, de 2020 à 2030\n  « année »\n\
         entrée x : entier, de 0 à 10\n  « x »\n\ndéfinition d0\n  réf. article 1\n  vaut x\n",
    );
    let length = 400;
    for rank in 1..length {
        text += &format!("définition d{rank}\n  réf. article 1\n  vaut d{} + 1\n", rank - 1);
    }
    let policy = build("longue.pol", &text, &[]);
    let batch = data(&policy, "code,annee,x\nA,2024,3\n");
    let last = policy.program.find_quantity(&format!("d{}", length - 1)).unwrap();
    let statement = explain(&policy, &batch, 0, &[last]).unwrap();
    assert_eq!(statement.quantities.len(), length);
    assert_eq!(statement.quantities[0].value.as_ref().unwrap().exact, (length + 2).to_string());
    for width in [40, 100] {
        let text = statement.to_text(&Style { colour: false, width });
        let told = text.lines().filter(|line| line.contains("· définition")).count();
        assert_eq!(told, length);
        assert!(text.lines().all(|line| line.chars().count() <= width));
    }
    assert_eq!(serde_json::from_str::<Statement>(&statement.to_json()).unwrap(), statement);
}

#[test]
fn a_row_that_cannot_be_computed_says_why() {
    let policy = pools(&[]);
    let csv = POOLS.replace("A,2023,mixte,2010-01-01,12000,", "A,2023,mixte,2010-01-01,,");
    let batch = data(&policy, &csv);
    let error = explain(&policy, &batch, 0, &payments(&policy.program)).unwrap_err();
    assert!(matches!(error, RowErrorKind::Missing { .. }), "{error:?}");
    let unrelated = policy.program.find_quantity("eau_points").unwrap();
    assert!(explain(&policy, &batch, 0, &[unrelated]).is_ok());
}

// ---------------------------------------------------------------------------------------------------------- it adds up

fn number(value: &ValueView) -> Option<Ratio> {
    match value.exact.split_once('/') {
        Some((numerator, denominator)) => Some(parse_decimal(numerator)? / parse_decimal(denominator)?),
        None => parse_decimal(&value.exact),
    }
}

/// Checks that the steps make the value, from what they show alone.
fn recombine(name: &str, steps: &[StepView], value: &ValueView) {
    let mut total = integer(0);
    let Some(expected) = number(value) else {
        assert!(steps.iter().all(|step| number(&step.value).is_none()), "{name}");
        let last = steps.last().expect(name);
        assert_eq!(last.result.exact, value.exact, "{name}");
        return;
    };
    for (rank, step) in steps.iter().enumerate() {
        let own = number(&step.value);
        let own = |what: &str| own.clone().unwrap_or_else(|| panic!("{name}: {what}"));
        match &step.kind {
            StepKind::Condition { met, lacking } => {
                assert_eq!((rank, step.value.exact == "vrai"), (0, *met), "{name}");
                let nothing_more = || steps[1..].iter().all(|step| matches!(step.kind, StepKind::Rounding { .. }));
                assert!(*met || nothing_more(), "{name}");
                assert!(!*met || lacking.is_none(), "{name}");
            }
            StepKind::Base { when, tiers, .. } => {
                let own = own("base");
                if !tiers.is_empty() {
                    let parts = tiers.iter().map(|tier| number(&tier.amount).unwrap()).fold(integer(0), |a, b| a + b);
                    assert_eq!(parts, own, "{name}");
                }
                assert!(when.as_ref().is_none_or(|when| when.met) || own == integer(0), "{name}");
                total += own;
            }
            StepKind::Minoration(view) | StepKind::Majoration(view) => {
                assert_eq!(number(&view.before), Some(total.clone()), "{name}");
                let sign = if matches!(step.kind, StepKind::Minoration(_)) { integer(-1) } else { integer(1) };
                let change = match view.mode {
                    Mode::Amount => sign * own("montant"),
                    Mode::Rate => sign * own("taux") * &total,
                };
                assert_eq!(number(&view.effect), Some(change.clone()), "{name}");
                total += change;
            }
            StepKind::Cap(view) | StepKind::Floor(view) => {
                assert_eq!(number(&view.before), Some(total.clone()), "{name}");
                let limit = own("limite");
                let beyond = if matches!(step.kind, StepKind::Cap(_)) { total > limit } else { total < limit };
                assert_eq!(beyond, view.binding, "{name}");
                if beyond {
                    total = limit;
                }
            }
            StepKind::Prorata { before } => {
                assert_eq!(number(before), Some(total.clone()), "{name}");
                total *= own("prorata");
            }
            StepKind::Kept => {
                assert_eq!(rank, 0, "{name}");
                total = own("valeur conservée");
            }
            StepKind::Derogation { .. } => {
                assert_eq!(rank, 0, "{name}");
                total = own("dérogation");
            }
            StepKind::Replacement { retained, .. } => {
                assert_eq!(rank, 0, "{name}");
                if let Some(last) = retained.last() {
                    recombine(name, retained, &last.result);
                }
                total = own("lecture");
            }
            StepKind::Rounding { decimals, before } => {
                assert_eq!(number(before), Some(total.clone()), "{name}");
                total = round(&total, *decimals, RoundingMode::HalfAway);
                assert_eq!(rank + 1, steps.len(), "{name}");
            }
        }
        assert_eq!(number(&step.result), Some(total.clone()), "{name}, étape {rank}");
    }
    assert_eq!(total, expected, "{name}");
}

/// Everything that a statement reads, wherever it stands.
fn reads(statement: &Statement) -> Vec<&ReadView> {
    fn of_when<'s>(when: &'s Option<WhenView>, found: &mut Vec<&'s ReadView>) {
        found.extend(when.iter().flat_map(|when| &when.reads));
    }
    fn of_steps<'s>(steps: &'s [StepView], found: &mut Vec<&'s ReadView>) {
        for step in steps {
            found.extend(&step.reads);
            match &step.kind {
                StepKind::Base { when, .. } => of_when(when, found),
                StepKind::Cap(view) | StepKind::Floor(view) => of_when(&view.when, found),
                StepKind::Derogation { when, others, .. } => {
                    of_when(when, found);
                    others.iter().for_each(|other| of_when(&other.when, found));
                }
                StepKind::Replacement { retained, .. } => of_steps(retained, found),
                _ => {}
            }
        }
    }
    let mut found: Vec<&ReadView> = statement.scope.iter().flat_map(|scope| &scope.reads).collect();
    for quantity in &statement.quantities {
        found.extend(quantity.rule.iter().flat_map(|rule| &rule.reads));
        of_steps(&quantity.steps, &mut found);
    }
    found
}

fn check(statement: &Statement) {
    let mut values: BTreeMap<(ReadNature, &str), Option<&ValueView>> = BTreeMap::new();
    let mut add = |nature, name, value| {
        assert!(values.insert((nature, name), value).is_none(), "{name} is told twice");
    };
    for view in &statement.quantities {
        add(ReadNature::Quantity, &*view.name, view.value.as_ref());
        if view.kind == Kind::Aggregate {
            // What the first pass found: no rule, no steps.
            assert!(view.rule.is_none() && view.steps.is_empty(), "{}", view.name);
            continue;
        }
        assert_eq!(view.value.is_some(), view.rule.is_some(), "{}", view.name);
        match &view.value {
            Some(value) => recombine(&view.name, &view.steps, value),
            None => assert!(view.steps.is_empty(), "{}", view.name),
        }
        if view.kind == Kind::Payment {
            let sum = |part: fn(&LineView) -> &ValueView| {
                view.lines.iter().map(|line| number(part(line)).unwrap()).reduce(|sum, part| sum + part)
            };
            let value = view.value.as_ref().and_then(number);
            assert_eq!(sum(|line| &line.exact), value, "{}", view.name);
            assert_eq!(sum(|line| &line.paid), value, "{}", view.name);
        } else {
            assert!(view.lines.is_empty(), "{}", view.name);
        }
    }
    statement.parameters.iter().for_each(|view| add(ReadNature::Parameter, &*view.name, Some(&view.value)));
    statement.inputs.iter().for_each(|view| add(ReadNature::Input, &*view.name, view.value.as_ref()));
    let mut told: BTreeSet<&str> = statement.results.iter().map(|name| &**name).collect();
    for read in reads(statement) {
        let nature = match read.nature {
            ReadNature::PreviousInput | ReadNature::PreviousQuantity => {
                assert!(read.year < Some(statement.year));
                assert!(read.row_found == Some(true) || read.value.is_none());
                continue;
            }
            nature => nature,
        };
        told.insert(&read.name);
        let known = values.get(&(nature, &*read.name)).unwrap_or_else(|| panic!("{} is not told", read.name));
        // A block reads as without object what another rule than its own gives.
        assert!(read.value.is_none() || read.value.as_ref() == *known, "{}", read.name);
    }
    for (_, name) in values.keys() {
        let previous = reads(statement).iter().any(|read| read.name == **name);
        assert!(told.contains(name) || previous, "{name} is told for nothing");
    }
}

/// Explains rows, checks every statement, and that the values are those of the engine.
fn check_all(policy: &Policy, batch: &Batch, schema: &Json) -> usize {
    let outputs = outputs(&policy.program);
    let explainer = Explainer::new(policy, batch);
    let results =
        Engine::new(policy.program.clone(), outputs.clone(), EngineMode::Reference, 1).evaluate(batch, &|_| {});
    let mut explained = 0;
    for row in 0..batch.rows {
        let statement = match explainer.explain(row, &outputs) {
            Ok(statement) => statement,
            Err(kind) => {
                let error = results.errors.iter().find(|error| error.row == row);
                assert_eq!(error.map(|error| &error.kind), Some(&kind));
                continue;
            }
        };
        let blocked = results.errors.iter().any(|error| error.row == row);
        for (column, id) in results.columns.iter().zip(&outputs).filter(|_| !blocked) {
            let name = &*policy.program.quantity(*id).name;
            let told = statement.quantity(name).unwrap_or_else(|| panic!("{name}"));
            match (column.value(row), &told.value) {
                (Some(Value::Number(value)), Some(told)) => assert_eq!(number(told), Some(value), "{name}"),
                (Some(Value::Boolean(value)), Some(told)) => assert_eq!(told.exact == "vrai", value, "{name}"),
                (Some(Value::Date(value)), Some(told)) => assert_eq!(told.exact, value.to_string(), "{name}"),
                (Some(Value::Case(_)), Some(_)) => {}
                (value, told) => assert_eq!(value.is_some(), told.is_some(), "{name}"),
            }
        }
        check(&statement);
        let text = statement.to_text(&STYLE);
        assert!(statement.results.iter().all(|name| text.contains(name.as_str())));
        let document: Json = serde_json::from_str(&statement.to_json()).unwrap();
        conforms(&document, schema, schema, "").unwrap_or_else(|problem| panic!("{problem}"));
        explained += 1;
    }
    explained
}

#[test]
fn steps_make_the_values() {
    let schema = schema();
    for readings in [&[][..], &[("plafond_emploi", "double")]] {
        let policy = pools(readings);
        assert_eq!(check_all(&policy, &data(&policy, POOLS), &schema), 6);
        let explained = check_all(&policy, &testing::rows(&policy.program, 3, 150), &schema);
        assert!(explained > 50, "{explained}");
    }
}

#[test]
fn steps_make_the_values_of_the_agreement() {
    let schema = schema();
    // Readings, the seed of the rows, and how many.
    type Case<'a> = (&'a [(&'a str, &'a str)], u64, usize);
    let cases: [Case<'_>; 3] = [
        (&[], 5, 10),
        (&[("plafond_de_precarite", "vingt_cinq_pour_tous"), ("cumul_des_minorations", "la_plus_forte")], 6, 3),
        (&[("nombre_de_prerequis", "criteres_d_accessibilite"), ("composition_des_proratas", "produit")], 7, 3),
    ];
    for (readings, seed, rows) in cases {
        let policy = agreement(readings);
        let explained = check_all(&policy, &testing::filled_rows(&policy.program, seed, rows), &schema);
        assert!(explained * 2 > rows, "{explained}");
    }
}

#[test]
fn steps_make_the_values_of_random_policies() {
    let schema = schema();
    let mut explained = 0;
    for seed in 0..25 {
        let policy = build_files(&testing::policy(seed, 14), &[]);
        explained += check_all(&policy, &testing::rows(&policy.program, seed, 12), &schema);
    }
    assert!(explained > 60, "{explained}");
}

// ----------------------------------------------------------------------------------------------------------- the schema

fn schema() -> Json {
    serde_json::from_str(&std::fs::read_to_string(file("docs/schema/explication-1.json")).unwrap()).unwrap()
}

#[test]
fn the_schema_is_of_this_version() {
    let schema = schema();
    let constant = |name: &str| schema["properties"][name]["const"].clone();
    assert_eq!((constant("format"), constant("version")), (FORMAT.into(), VERSION.into()));
}

/// What of a document is not as the schema says.
pub(crate) fn nonconformity(statement: &Statement) -> Option<String> {
    let document: Json = serde_json::from_str(&statement.to_json()).unwrap();
    let schema = schema();
    conforms(&document, &schema, &schema, "").err()
}

/// As much of JSON Schema as the schema uses; any other word is an error.
pub fn conforms(value: &Json, rule: &Json, root: &Json, at: &str) -> Result<(), String> {
    for (word, argument) in rule.as_object().ok_or("a rule is an object")? {
        match word.as_str() {
            "$schema" | "$defs" | "title" | "description" => {}
            "$ref" => {
                let name = argument.as_str().and_then(|name| name.strip_prefix("#/$defs/")).ok_or("a reference")?;
                conforms(value, &root["$defs"][name], root, at)?;
            }
            "const" if value == argument => {}
            "enum" if argument.as_array().is_some_and(|known| known.contains(value)) => {}
            "oneOf" => {
                let answers: Vec<_> =
                    argument.as_array().into_iter().flatten().map(|rule| conforms(value, rule, root, at)).collect();
                if answers.iter().filter(|answer| answer.is_ok()).count() != 1 {
                    return Err(format!("{at}: not one of {argument}: {answers:?}"));
                }
            }
            "type" => {
                let right = match argument.as_str() {
                    Some("object") => value.is_object(),
                    Some("array") => value.is_array(),
                    Some("string") => value.is_string(),
                    Some("integer") => value.is_i64(),
                    Some("boolean") => value.is_boolean(),
                    Some("null") => value.is_null(),
                    _ => false,
                };
                if !right {
                    return Err(format!("{at}: {value} is no {argument}"));
                }
            }
            "properties" => {
                for (name, inner) in value.as_object().into_iter().flatten() {
                    if let Some(rule) = argument.get(name) {
                        conforms(inner, rule, root, &format!("{at}/{name}"))?;
                    }
                }
            }
            "required" => {
                for name in argument.as_array().into_iter().flatten().filter_map(Json::as_str) {
                    if value.get(name).is_none() {
                        return Err(format!("{at}: « {name} » is missing"));
                    }
                }
            }
            "additionalProperties" => {
                let known = &rule["properties"];
                if let Some((name, _)) =
                    value.as_object().into_iter().flatten().find(|(name, _)| known.get(name).is_none())
                {
                    return Err(format!("{at}: « {name} » is not foreseen"));
                }
            }
            "items" => {
                for (rank, item) in value.as_array().into_iter().flatten().enumerate() {
                    conforms(item, argument, root, &format!("{at}/{rank}"))?;
                }
            }
            _ => return Err(format!("{at}: {value} against {word} {argument}")),
        }
    }
    Ok(())
}
