//! Profiles for an invented policy: what is drawn, that it never changes, and what is said of mistakes.

use std::collections::BTreeMap;

use super::*;
use crate::testing::libraries;

const PROFILE: &str = r##"
titre = "Bibliothèques"
genre = "genre"
defauts_vides = 1000

[presence]
annees = [2018, 2024]
des_le_debut = 600
depart = 30
lacune = 40

[variables]
grande = { vrai = 300, une_fois = true }
fermeture = { si = { grande = true }, date = ["@entree + 100", 2022-06-30], une_fois = true }
duree = { jours_entre = ["ouverture", "@cloture"] }

[colonnes]
code = { motif = "B,####" }
genre = { choix = { municipale = 7, associative = 3 }, une_fois = true }
ouverture = [
  { si = { "@premiere_annee" = 2018 }, date = [1950-01-01, 2018-03-01], une_fois = true },
  { date = ["@entree", "@entree + 90"], une_fois = true },
]
livres_pretes = [
  { pour = ["municipale"], quantiles = [[0, 500], [500, 4000], [1000, 60_000]], croissance = [-0.05, 0.1], au_moins = 450 },
  { uniforme = [100, 3000], bruit = 0.05, une_fois = true },
]
livres_perdus = { de = "livres_pretes", facteur = [0.001, 0.05], vide = 100 }
heures_semaine = [
  { si = { fermeture = { max = "@cloture" } }, vaut = 0.5 },
  { choix = { "12.25" = 1, 20 = 3, "35.5" = 2 }, garde = 800 },
]
label = [
  { annees = [2018, 2019], vaut = false },
  { vrai = 700, garde = { vrai = 950, faux = 100 } },
]
visites = { somme = ["livres_pretes", "duree"], au_plus = 20_000 }
"##;

fn program() -> Arc<Program> {
    libraries().program
}

fn generator(profile: &str, subjects: usize, seed: u64) -> Generator {
    let profile = Profile::parse(profile).expect("a good profile");
    generate(&program(), &profile, subjects, seed).expect("a profile that fits the policy")
}

fn csv(profile: &str, subjects: usize, seed: u64) -> String {
    let mut bytes = Vec::new();
    generator(profile, subjects, seed).write_csv(&mut bytes).expect("a vector takes it");
    String::from_utf8(bytes).expect("UTF-8")
}

/// Everything that is wrong, with a profile or between it and the policy.
fn problems(profile: &str) -> Vec<String> {
    let problems = match Profile::parse(profile) {
        Err(problems) => problems,
        Ok(profile) => generate(&program(), &profile, 2_000, 1).expect_err("a wrong profile"),
    };
    problems.iter().map(ToString::to_string).collect()
}

/// Cells of a column by subject and year.
fn column(csv: &str, name: &str) -> BTreeMap<(String, i64), String> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let at = reader.headers().expect("a header").iter().position(|header| header == name).expect("the column");
    let records = reader.records().map(|record| record.expect("a row"));
    records.map(|row| ((row[0].to_owned(), row[1].parse().expect("a year")), row[at].to_owned())).collect()
}

// ---------------------------------------------------------------------------------------------------------- the rows

/// The bytes of a seed are for ever: another result here breaks every file that was ever regenerated.
#[test]
fn the_same_seed_gives_the_same_bytes() {
    let small = csv(PROFILE, 3, 1);
    insta::assert_snapshot!(small);
    let large = csv(PROFILE, 2_000, 1);
    assert_eq!(large, csv(PROFILE, 2_000, 1));
    assert_ne!(large, csv(PROFILE, 2_000, 2));
    assert_eq!(format!("{:016x}", hash_bytes(large.as_bytes())), "d40f336fdf9ebcda");
    // The first subjects do not depend on how many follow.
    assert!(large.starts_with(&small));
}

#[test]
fn a_column_moves_no_other() {
    let whole = csv(PROFILE, 200, 1);
    let without: String =
        PROFILE.lines().filter(|line| !line.starts_with("livres_perdus")).collect::<Vec<_>>().join("\n");
    let without = csv(&without, 200, 1);
    for name in ["code", "genre", "ouverture", "livres_pretes", "heures_semaine", "label", "visites"] {
        assert_eq!(column(&whole, name), column(&without, name), "{name}");
    }
    assert!(column(&without, "livres_perdus").values().all(String::is_empty));
}

#[test]
fn rows_are_those_of_the_file() {
    let rows: Vec<_> = generator(PROFILE, 50, 3).collect();
    assert_eq!(rows.len(), csv(PROFILE, 50, 3).lines().count() - 1);
    let program = program();
    for row in &rows {
        assert_eq!(row.len(), program.inputs.len());
        let at = |name: &str| row[program.find_input(name).expect("an input").index()].as_ref();
        assert!(matches!(at("code"), Some(Cell::Text(text)) if text.starts_with("B,")));
        assert!(matches!(at("annee"), Some(Cell::Number(2018..=2024))));
        // Two declared decimals.
        assert!(matches!(at("heures_semaine"), Some(Cell::Number(50 | 1225 | 2000 | 3550))));
        assert!(matches!(at("genre"), Some(Cell::Case(0 | 1))));
    }
}

#[test]
fn draws_follow_the_profile() {
    let csv = csv(PROFILE, 2_000, 1);
    let number = |text: &String| text.parse::<i64>().expect("a number");
    let (codes, kinds) = (column(&csv, "code"), column(&csv, "genre"));
    let subjects: std::collections::BTreeSet<&String> = codes.values().collect();
    assert_eq!(subjects.len(), 2_000, "keys are distinct");
    let (loans, losses, visits) =
        (column(&csv, "livres_pretes"), column(&csv, "livres_perdus"), column(&csv, "visites"));
    let mut kept = (0u32, 0u32);
    for (key, loan) in &loans {
        let (subject, year) = key;
        let loan = number(loan);
        let before = (subject.clone(), year - 1);
        assert!(losses[key].is_empty() || number(&losses[key]) <= loan / 20);
        assert!(visits[key].is_empty() || number(&visits[key]) <= 20_000);
        assert!(kinds.get(&before).is_none_or(|kind| *kind == kinds[key]), "drawn once");
        if kinds[key] == "municipale" {
            assert!((450..=1_000_000).contains(&loan));
            if let Some(last) = loans.get(&before) {
                let last = number(last);
                assert!(loan >= (last * 95 / 100 - 1).max(450) && loan <= (last + 1) * 110 / 100 + 1, "{last} {loan}");
            }
        } else {
            assert!((95..=3_150).contains(&loan));
        }
    }
    let labels = column(&csv, "label");
    for ((subject, year), label) in &labels {
        assert!(*year > 2019 || label.is_empty(), "the default is left empty");
        if *year > 2020 && labels.get(&(subject.clone(), year - 1)).is_some_and(|last| last == "vrai") {
            kept.0 += 1;
            kept.1 += u32::from(label == "vrai");
        }
    }
    // 950 + 50 × 0.7.
    assert!((970..1000).contains(&(kept.1 * 1000 / kept.0)), "{kept:?}");
    let municipal = kinds.values().filter(|kind| *kind == "municipale").count();
    assert!((660..740).contains(&(municipal * 1000 / kinds.len())), "{municipal}");
    let openings = column(&csv, "ouverture");
    assert!(openings.values().all(|day| (1950..=2024).contains(&day[..4].parse::<i32>().expect("a year"))));
}

/// No row that `polc eval` would refuse.
#[test]
fn rows_are_read_back() {
    let policy = libraries();
    let outputs: Vec<_> = policy.program.outputs().collect();
    let request = crate::io::csv::Request::new(&policy.program, &outputs);
    let text = csv(PROFILE, 300, 5);
    let table = crate::io::csv::read("panel.csv", text.clone().into_bytes(), &request);
    assert_eq!(table.expect("good rows").batch.rows, text.lines().count() - 1);
}

/// One entry for several columns; texts; dates by month and year; products.
#[test]
fn patterns_texts_and_products() {
    let profile = r##"
[presence]
annees = [2018, 2020]
[variables]
"taux_{pretes,perdus}" = { uniforme = [0.1, 0.9], une_fois = true }
base = { vaut = 1000 }
debut = { date = 2020-02-29, une_fois = true }
delai = { jours_entre = ["debut", "debut + 1 an"] }
[colonnes]
code = { motif = "B####" }
genre = { vaut = "municipale" }
ouverture = { date = "debut - 6 mois" }
heures_semaine = { choix = { 20 = 1 } }
visites = { somme = ["delai"] }
"livres_{pretes}" = { produit = ["base", "taux_*"] }
"livres_*" = { produit = ["livres_pretes", "taux_*"], au_plus = "livres_pretes" }
"##;
    let csv = csv(profile, 20, 1);
    let cells = |name: &str| -> Vec<String> { column(&csv, name).into_values().collect() };
    assert!(cells("ouverture").iter().all(|day| day == "2019-08-29"));
    // 29 February 2020 to 28 February 2021, both included.
    assert!(cells("visites").iter().all(|days| days == "366"));
    let (lent, lost) = (cells("livres_pretes"), cells("livres_perdus"));
    let number = |text: &String| text.parse::<i64>().expect("a number");
    assert!(lent.iter().zip(&lost).all(|(lent, lost)| (100..=900).contains(&number(lent)) && number(lost) > 0));
    let distinct: std::collections::BTreeSet<&String> = lent.iter().collect();
    assert!(distinct.len() > 5);
}

// ------------------------------------------------------------------------------------------------------- the messages

/// Mistakes of form: one message each, with its line and key.
#[test]
fn what_is_said_of_the_form() {
    let profile = r##"genr = "genre"
defauts_vides = 1200

[presence]
annees = [2024, 2018]
depuis = 3

[colonnes]
label = { vrai = 0.5 }
visites = { vrai = 300, vaut = true }
livres_pretes = { uniform = [1, 2] }
livres_perdus = { facteur = 0.5 }
heures_semaine = [{ une_fois = true, garde = 500, vaut = 1 }, { vaut = 1.0000001 }]
code = 3
ouverture = { date = 2020-01-01T10:00:00 }
"##;
    insta::assert_snapshot!(problems(profile).join("\n"));
    assert_eq!(
        problems("a = 1\nb = = 2\n"),
        ["ligne 2 : cette ligne n'est pas du TOML, ou répète une clé : « b = = 2 »"]
    );
    assert_eq!(problems(""), ["ligne 1 : la clé « presence » manque"]);
}

/// Mistakes against the policy.
#[test]
fn what_is_said_of_the_policy() {
    let with = |colonnes: &str| {
        let head = "genre = \"genre\"\n[presence]\nannees = [2018, 2024]\n[colonnes]\n";
        let rest = r##"
code = { motif = "B####" }
genre = { vaut = "municipale" }
ouverture = { vaut = 2010-01-01 }
heures_semaine = { vaut = 20 }
livres_pretes = { vaut = 100 }
"##;
        let given: Vec<&str> =
            colonnes.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name).collect();
        let rest: Vec<&str> = rest.lines().filter(|line| given.iter().all(|name| !line.starts_with(name))).collect();
        let text = format!("{head}{colonnes}\n{}", rest.join("\n"));
        format!("──── {}\n{}\n", colonnes.trim(), problems(&text).join("\n"))
    };
    let cases = [
        "livre_pretes = { vaut = 3 }",
        "annee = { vaut = 2020 }",
        "livres_pretes = { vaut = 1_000_001 }",
        "livres_pretes = { uniforme = [-1, 10] }",
        "livres_pretes = { uniforme = [0, 10.5] }",
        "heures_semaine = { quantiles = [[0, 1], [500, 12.125], [1000, 200]] }",
        "heures_semaine = { quantiles = [[10, 1], [1000, 20]] }",
        "heures_semaine = { choix = { \"20\" = 0 } }",
        "heures_semaine = { par_annee = { 2018 = 1, 2019 = 2, 2020 = 3, 2021 = 4, 2022 = 5 } }",
        "genre = { choix = { municipal = 1, associative = 2 } }",
        "genre = { vrai = 500 }",
        "label = { pour = [\"privee\"], vrai = 500 }",
        "label = { si = { visite = { min = 3 } }, vrai = 500 }",
        "label = { si = { genre = true }, vrai = 500 }",
        "label = { si = { livres_pretes = { mini = 3 } }, vrai = 500 }",
        "label = { vrai = 500, bruit = 0.1 }",
        "label = [{ vrai = 500 }, { vaut = true }]",
        "visites = { de = \"ouverture\", facteur = 2 }",
        "visites = { somme = [\"livres_pretes\", \"perdus\"] }",
        "visites = { vaut = 3, garde = { vrai = 3, faux = 2 } }",
        "visites = { uniforme = [1, 3], croissance = [-2, 0] }",
        "livres_perdus = { de = \"visites\", facteur = 1 }\nvisites = { vaut = 3, au_plus = \"livres_perdus\" }",
        "ouverture = { date = [\"ouvertur\", 2020-01-01] }",
        "ouverture = { date = [2020-01-01, 2019-01-01] }",
        "ouverture = { date = \"@exercice * 2\" }",
        "code = { motif = \"B###\" }",
        "code = { motif = \"B\" }",
        "code = { motif = \"B####\", vide = 10 }",
        "code = { vaut = \"B1\" }",
        "genre = { motif = \"##\" }",
        "cote = { motif = \"B####\" }",
        "\"livres_*_x\" = { vaut = 3 }",
        "\"livres_{pretes\" = { vaut = 3 }",
        "\"livres_{perdus,vendus}\" = { uniforme = [1, 3], au_plus = \"livres_*s\" }",
        "ouverture = { date = \"@exercice + 2 semaines\" }",
        "visites = { produit = [\"ouverture\"] }",
    ];
    insta::assert_snapshot!(cases.map(with).concat());
    // A column without default that nobody draws, years beyond the policy, a variable with the name of an input.
    let bare = "[presence]\nannees = [2010, 2040]\n[variables]\nlabel = { vrai = 3 }\n[colonnes]\ncode = { motif = \"####\" }\n";
    insta::assert_snapshot!("bare", problems(bare).join("\n"));
}
