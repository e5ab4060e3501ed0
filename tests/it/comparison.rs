//! Two versions of a policy compared: `polc diff`, `polc impact`, `polc readings`. Amounts are held against what separate
//! runs of `polc eval` pay.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use polc_compiler::Selection;
use polc_compiler::check::select;
use polc_dsl::SourceMap;
use polc_runtime::impact::counted;
use polc_runtime::io::data::Place;
use polc_runtime::io::versions::{Comparison, Version, compare, widened};
use polc_runtime::policy::Policy;

use crate::cli::without_durations;

const LIBRARIES: &str = include_str!("../fixtures/bibliotheques.pol");
const DRAFT: &str = include_str!("../fixtures/avenant-accord.pol");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder where commands run.
struct Folder {
    folder: tempfile::TempDir,
    transcript: String,
}

impl Folder {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), transcript: String::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn output(&self, words: &[&str]) -> (String, String, i32) {
        let output =
            Command::new(env!("CARGO_BIN_EXE_polc")).args(words).current_dir(self.folder.path()).output().unwrap();
        let text = |bytes: Vec<u8>| without_durations(&String::from_utf8(bytes).unwrap());
        (text(output.stdout), text(output.stderr), output.status.code().unwrap())
    }

    /// Runs a command that must succeed, and gives what it answers.
    fn good(&self, command: &str) -> String {
        let words: Vec<&str> = command.split(' ').collect();
        let (out, said, code) = self.output(&words);
        assert_eq!(code, 0, "{command}\n{said}");
        out
    }

    /// Runs a command and adds what it says to the transcript.
    fn run(&mut self, command: &str) -> &mut Self {
        let words: Vec<&str> = command.split(' ').collect();
        let (out, said, code) = self.output(&words);
        let _ = write!(self.transcript, "──── polc {command}\n{out}");
        if !said.is_empty() {
            let _ = write!(self.transcript, "──── messages\n{said}");
        }
        let _ = writeln!(self.transcript, "──── code {code}");
        self
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// Cents of an amount as CSV files have it.
fn cents(text: &str) -> i128 {
    if text.is_empty() {
        return 0;
    }
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (euros, cents) = digits.split_once('.').expect("two decimals");
    assert_eq!(cents.len(), 2, "{text}");
    sign * format!("{euros}{cents}").parse::<i128>().unwrap()
}

/// The records of a CSV file, by name of column.
fn records(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let record = |record: csv::StringRecord| {
        header.iter().map(str::to_owned).zip(record.iter().map(str::to_owned)).collect::<BTreeMap<_, _>>()
    };
    reader.records().map(|r| record(r.unwrap())).collect()
}

/// By row of `polc eval`, in order, the year and the sum of some columns.
fn paid(folder: &Folder, command: &str, columns: &[&str]) -> Vec<(i64, i128)> {
    let rows = records(&folder.good(&format!("{command} --outputs {}", columns.join(","))));
    assert!(!rows.is_empty());
    let sum = |row: &BTreeMap<String, String>| columns.iter().map(|column| cents(&row[*column])).sum();
    rows.iter().map(|row| (row["annee"].parse().unwrap(), sum(row))).collect()
}

fn total(rows: &[(i64, i128)]) -> i128 {
    rows.iter().map(|(_, amount)| amount).sum()
}

/// The lines of `clauses.csv` in all.
fn clause_lines(folder: &Folder, name: &str) -> Vec<(String, i128)> {
    let lines = records(&folder.read(&format!("{name}/clauses.csv")));
    let whole = lines.iter().filter(|line| line["annee"].is_empty());
    whole.map(|line| (line["clause"].clone(), cents(&line["difference"]))).collect()
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

/// Every tag is closed where it should be, nothing is fetched, nothing runs.
fn assert_page(page: &str) {
    assert!(page.starts_with("<!DOCTYPE html>"));
    for foreign in ["http:", "https:", "src=", "href=", "url(", "@import", "<script", "<link"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    let mut open: Vec<&str> = Vec::new();
    for piece in page["<!DOCTYPE html>".len()..].split('<').skip(1) {
        let tag = piece.split('>').next().unwrap();
        let name = tag.split([' ', '\n']).next().unwrap();
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "{tag}"),
            None if ["meta", "br"].contains(&name) => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

/// The shipped agreement and its shipped amendment, on rows made for the test.
fn aci() -> Folder {
    let folder = Folder::new();
    let policy = root().join("policies/aci-cpts");
    let profile = policy.join("donnees/profil.toml");
    let words =
        ["generate", policy.to_str().unwrap(), profile.to_str().unwrap(), "--subjects", "400", "-o", "cpts.csv"];
    assert_eq!(folder.output(&words).2, 0);
    folder
}

#[test]
fn the_amendment_costs_what_two_evaluations_say() {
    let folder = aci();
    let policy = root().join("policies/aci-cpts");
    let policy = policy.to_str().unwrap();
    let column = ["total_cpts_euros"];
    let before = paid(&folder, &format!("eval {policy} cpts.csv --without avenant_2"), &column);
    let after = paid(&folder, &format!("eval {policy} cpts.csv"), &column);
    folder.good(&format!("impact {policy} cpts.csv --before sans:avenant_2 --by population_cpts -o r"));

    let rows = records(&folder.read("r/differences.csv"));
    assert_eq!(rows.len(), before.len());
    for ((row, (_, before)), (_, after)) in rows.iter().zip(&before).zip(&after) {
        assert_eq!((cents(&row["avant"]), cents(&row["apres"])), (*before, *after));
        assert_eq!(cents(&row["difference"]), after - before);
    }
    let difference = total(&after) - total(&before);
    assert!(difference > 10_000_000);
    let lines = clause_lines(&folder, "r");
    assert_eq!(lines.iter().map(|(_, amount)| amount).sum::<i128>(), difference);
    // What its first clause is worth is what the majoration of the starting credits is.
    let credits = ["amorcage_cpts_euros"];
    let without = paid(&folder, &format!("eval {policy} cpts.csv --without avenant_2"), &credits);
    let with = paid(&folder, &format!("eval {policy} cpts.csv"), &credits);
    assert_eq!(lines[0].1, total(&with) - total(&without));
    assert!(lines[0].0.contains("amorcage_majoration") && lines[1].0.contains("majoration_taille4_euros"), "{lines:?}");

    let report = json(&folder.read("r/rapport.json"));
    assert_eq!(cents(report["total"]["difference"].as_str().unwrap()), difference);
    for year in report["annees"].as_array().unwrap() {
        let of = |rows: &[(i64, i128)]| rows.iter().filter(|(y, _)| *y == year["annee"]).map(|(_, a)| a).sum::<i128>();
        assert_eq!(cents(year["difference"].as_str().unwrap()), of(&after) - of(&before));
    }
    let winners = before.iter().zip(&after).filter(|(before, after)| after.1 > before.1).count();
    assert_eq!(report["total"]["gagnants"], winners);
    let bars = report["distribution"].as_array().unwrap();
    let counted: u64 = bars.iter().map(|bar| bar["lignes"].as_u64().unwrap()).sum();
    assert_eq!(counted, before.len() as u64);
    for grouping in report["groupes"].as_array().unwrap() {
        let cases = grouping["cas"].as_array().unwrap();
        assert_eq!(cases.len(), 4);
        let sum: i128 = cases.iter().map(|case| cents(case["difference"].as_str().unwrap())).sum();
        assert_eq!(sum, difference);
    }
    let largest = before.iter().zip(&after).map(|(before, after)| (after.1 - before.1).abs()).max().unwrap();
    assert_eq!(cents(report["plus_touches"][0]["difference"].as_str().unwrap()).abs(), largest);
    assert_page(&folder.read("r/rapport.html"));

    // The other way round, each line is its opposite, from the last clause to the first.
    folder.good(&format!("impact {policy} cpts.csv --after base -o retour"));
    let back = clause_lines(&folder, "retour");
    assert_eq!(back.iter().map(|(_, amount)| amount).sum::<i128>(), -difference);
    assert_eq!(back.last().unwrap().1, -lines[0].1);
}

/// The agreement with the first clauses of the draft.
fn amended(folder: &Folder, name: &str, clauses: usize) {
    let agreement = root().join("policies/accord-cds");
    let mut pending = vec![agreement.clone()];
    while let Some(path) = pending.pop() {
        if path.ends_with("donnees") {
            continue;
        }
        if path.is_dir() {
            pending.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "pol" || extension == "csv") {
            let inside = path.strip_prefix(&agreement).unwrap().to_str().unwrap();
            folder.write(&format!("{name}/{inside}"), &fs::read_to_string(&path).unwrap());
        }
    }
    let blocks: Vec<&str> = DRAFT.split("\n\n").collect();
    assert_eq!(blocks.len(), 6);
    folder.write(&format!("{name}/projet.pol"), &(blocks[..2 + clauses].join("\n\n") + "\n"));
}

#[test]
fn each_clause_is_worth_what_it_adds() {
    let folder = Folder::new();
    fs::copy(root().join("tests/golden/accord-cds/cohorte.csv"), folder.path("centres.csv")).unwrap();
    let payments = ["bcp_total_euros", "bcc_total_euros"];
    let mut totals = Vec::new();
    for clauses in 0..=4 {
        let name = format!("p{clauses}");
        amended(&folder, &name, clauses);
        let with = if clauses == 0 { "" } else { " --with avenant_essai" };
        totals.push(total(&paid(&folder, &format!("eval {name} centres.csv{with}"), &payments)));
    }
    let marginal: Vec<i128> = totals.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(marginal.iter().all(|amount| *amount != 0), "{marginal:?}");
    folder.good(&format!("impact p4 centres.csv --after avec:avenant_essai --outputs {} -o r", payments.join(",")));
    let lines = clause_lines(&folder, "r");
    assert_eq!(lines.iter().map(|(_, amount)| *amount).collect::<Vec<_>>(), marginal);
    assert_eq!(lines.iter().map(|(_, amount)| amount).sum::<i128>(), totals[4] - totals[0]);
    // Another folder is another version, in one line.
    folder
        .good(&format!("impact p0 centres.csv --after ./p4,avec:avenant_essai --outputs {} -o s", payments.join(",")));
    let whole = clause_lines(&folder, "s");
    assert_eq!(whole.iter().map(|(_, amount)| *amount).collect::<Vec<_>>(), [totals[4] - totals[0]]);
    assert_page(&folder.read("r/rapport.html"));

    let mut folder = folder;
    folder.run("diff p4 --after avec:avenant_essai");
    insta::assert_snapshot!("agreement_diff", folder.transcript);
}

#[test]
fn readings_are_worth_what_two_evaluations_say() {
    let folder = aci();
    let policy = root().join("policies/aci-cpts");
    let policy = policy.to_str().unwrap();
    let register = json(&folder.good(&format!("readings {policy} cpts.csv --format json")));
    let readings = register["lectures"].as_array().unwrap();
    assert_eq!(readings.len(), 5);
    let retained = paid(&folder, &format!("eval {policy} cpts.csv"), &["total_cpts_euros"]);
    let mut stakes = Vec::new();
    for reading in readings {
        for variant in reading["variantes"].as_array().unwrap().iter().filter(|v| v["se_calcule"] == true) {
            let choice = format!("{}={}", reading["nom"].as_str().unwrap(), variant["nom"].as_str().unwrap());
            let other = paid(&folder, &format!("eval {policy} cpts.csv --reading {choice}"), &["total_cpts_euros"]);
            let price = &variant["chiffrage"];
            let difference = cents(price["difference"].as_str().unwrap());
            assert_eq!(difference, total(&other) - total(&retained), "{choice}");
            let years = price["annees"].as_array().unwrap();
            assert_eq!(years.iter().map(|y| cents(y["difference"].as_str().unwrap())).sum::<i128>(), difference);
            stakes.push(difference.unsigned_abs());
        }
    }
    assert!(stakes.iter().filter(|stake| **stake > 0).count() >= 2, "{stakes:?}");
    assert!(stakes.is_sorted_by(|a, b| a >= b), "{stakes:?}");
}

const HEADER: &str = "code,annee,genre,ouverture,livres_pretes,livres_perdus,heures_semaine,label,visites\n";
const ROWS: &str = "\
B1,2023,municipale,2010-01-01,1000,0,20,vrai,5
B1,2024,municipale,2010-01-01,1500,20,20.5,vrai,5
B2,2024,associative,2024-07-01,100,0,7,vrai,5
B3,2024,associative,2015-01-01,400,0,0,vrai,5
B4,2024,municipale,2015-01-01,80,0,0,faux,5
";

const AMENDMENT: &str = "\
avenant avenant_1 « Avenant n° 1 »
  réf. « délibération »
  signé le 7 juillet 2023

insère paramètre taux_aide « Taux de l'aide »
  réf. « délibération, point 1 »
  depuis 2018 : 0,50 €/livre
  depuis 2024 : 0,75 €/livre

remplace versement aide « Aide annuelle »
  réf. « délibération, point 2 »
  si label
  montant taux_aide × prets

remplace définition part « Part des heures d'ouverture »
  réf. « délibération, point 3 »
  en vigueur depuis 2024
  vaut (168 heures) / heures_semaine

insère versement prime_ouverture « Prime d'ouverture »
  réf. « délibération, point 3 »
  en vigueur depuis 2024
  pour municipale
  montant 10 € × part plafonné à 500 €
";

fn libraries() -> Folder {
    let folder = Folder::new();
    folder.write("politique/base.pol", LIBRARIES);
    folder.write("politique/avenant.pol", AMENDMENT);
    folder.write("panel.csv", &format!("{HEADER}{ROWS}"));
    folder
}

#[test]
fn differences_in_words() {
    let mut folder = libraries();
    folder
        .run("diff politique --before base")
        .run("diff politique --before base --format md")
        .run("diff politique --before base --format json")
        .run("diff politique --after arrondi_aide=double");
    insta::assert_snapshot!(folder.transcript);
}

#[test]
fn impact_in_words() {
    let mut folder = libraries();
    folder
        .run("impact politique panel.csv --before base")
        .run("impact politique panel.csv --before 2023-07-06 --after actuel,arrondi_aide=double --by label,livres_pretes:100,1000");
    insta::assert_snapshot!(folder.transcript);
    // B4 divides by zero after only: it is counted, and stands in the file.
    folder.good("impact politique panel.csv --before base -o r");
    let rows = records(&folder.read("r/differences.csv"));
    assert_eq!(rows.len(), 5);
    assert_eq!((rows[4]["avant"].as_str(), rows[4]["apres"].as_str()), ("0.00", ""));
    assert!(rows[4]["erreur_apres"].contains("divise par zéro"), "{:?}", rows[4]);
}

#[test]
fn readings_in_words() {
    let mut folder = libraries();
    folder
        .run("readings politique")
        .run("readings politique panel.csv")
        .run("readings politique panel.csv --format md");
    insta::assert_snapshot!(folder.transcript);
}

#[test]
fn mistakes() {
    let mut folder = libraries();
    folder.write("mauvais.csv", &format!("{HEADER}B1,2023,municipale,2010-01-01,beaucoup,0,20,vrai,5\n"));
    folder.write("plein/autre.txt", "");
    folder.write(
        "autre.pol",
        &LIBRARIES.replace("entrée label : booléen, par défaut faux", "entrée label : entier, de 0 à 1"),
    );
    for command in [
        "impact politique panel.csv",
        "impact politique panel.csv --before avenant_1",
        "impact politique panel.csv --before +avenant_1",
        "impact politique panel.csv --before sans:avenant_2",
        "impact politique panel.csv --before bases",
        "impact politique panel.csv --before base,,2024-01-01",
        "impact politique panel.csv --before 2024-01-01,2025-01-01",
        "impact politique panel.csv --before base,./autre.pol",
        "impact politique panel.csv --before arrondi_aide=triple",
        "impact politique panel.csv --before base --by genres",
        "impact politique panel.csv --before base --by genre:1",
        "impact politique panel.csv --before base --by livres_pretes:5,1",
        "impact politique panel.csv --before base --by livres_pretes:1.5",
        "impact politique panel.csv --before base --by ouverture",
        "impact politique panel.csv --before base --by aide",
        "impact politique panel.csv --before base --outputs aides",
        "impact politique panel.csv --before base -o plein",
        "impact politique panel.csv --before base -o absent/r",
        "impact politique mauvais.csv --before base -o r",
        "impact politique - --before base",
        "impact politique absent.csv --before base",
        "readings politique -",
        "diff politique --before politique/absent.pol",
    ] {
        folder.run(command);
    }
    assert_eq!(folder.names(), ["autre.pol", "mauvais.csv", "panel.csv", "plein", "politique"]);
    insta::assert_snapshot!(folder.transcript);
}

/// A report takes the place of an earlier one, as a whole.
#[test]
fn a_report_replaces_another() {
    let folder = libraries();
    folder.good("impact politique panel.csv --before base -o r");
    let first = folder.read("r/rapport.json");
    folder.good("impact politique panel.csv --after arrondi_aide=double -o r");
    assert_ne!(folder.read("r/rapport.json"), first);
    folder.good("impact politique panel.csv --before base -o r");
    assert_eq!(folder.read("r/rapport.json"), first);
    assert_eq!(folder.names(), ["panel.csv", "politique", "r"]);
}

/// The same amounts whatever the memory: in parts, and by history where rows read those of the year before.
#[test]
fn parts_change_nothing() {
    for (text, history) in
        [(LIBRARIES.to_owned(), false), (LIBRARIES.replace("× prets\n", "× (prets + acquis)\n"), true)]
    {
        let mut sources = SourceMap::new();
        assert!(sources.add("b.pol", text.as_bytes()).1.is_none());
        let policy = Policy::build(sources, &Selection::default()).map_err(|(_, d)| format!("{d:?}")).unwrap();
        let double = Arc::new(select(&policy.program, [("arrondi_aide", "double")]).unwrap());
        let version = |program: &Arc<polc_compiler::typed::Program>| Version {
            program: program.clone(),
            payments: counted(program).into_iter().map(|id| (id, true)).collect(),
        };
        let versions = [version(&policy.program), version(&double)];
        let folder = Folder::new();
        let mut panel = HEADER.to_owned();
        for row in 0..6_000 {
            let (code, year) = (row * 7_919 % 1_000, 2030 - row / 1_000);
            let _ = writeln!(panel, "B{code},{year},municipale,2015-07-01,{},0,20,{},1", row % 977, row % 2);
        }
        folder.write("panel.csv", &panel);
        let path = folder.path("panel.csv");
        let run = |memory: u64| {
            let widened = widened(&versions).unwrap();
            let comparison = Comparison {
                place: Place::File(&path),
                versions: &versions,
                widened: &widened,
                threads: 1,
                least_rows: 0,
                memory,
                progress: &(),
            };
            let (mut amounts, mut parts) = (vec![Vec::new(), Vec::new()], 0);
            let ended = compare(&comparison, &[], &mut |part| {
                parts += 1;
                amounts.iter_mut().zip(&part.amounts).for_each(|(all, own)| all.extend(own));
                Ok(())
            });
            let ended = ended.unwrap_or_else(|_| panic!("a good file"));
            (amounts, parts, ended.rows, ended.payments)
        };
        let (whole, one, rows, payments) = run(u64::MAX);
        let (parts, many, ..) = run(1);
        assert!(one == 1 && many > 1 && rows == 6_000, "{one} {many} {rows}");
        assert!(whole == parts, "history: {history}");
        assert_eq!(run(1).3, payments);
        let sums: Vec<i128> = whole.iter().map(|amounts| amounts.iter().sum()).collect();
        assert_eq!(sums[1], 2 * sums[0]);
        assert_eq!(payments, [[sums[0]], [sums[1]]]);
    }
}
