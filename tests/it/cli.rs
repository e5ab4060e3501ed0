//! The command line from outside: the binary, in a folder of its own, on a small policy. Each snapshot shows the files and
//! the command, then what comes out and the exit code.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const POLICY: &str = include_str!("../fixtures/bibliotheques.pol");

const HEADER: &str = "code,annee,genre,ouverture,livres_pretes,heures_semaine,label\n";
const GOOD_ROWS: &str = "\
B1,2023,municipale,2010-01-01,1000,20,vrai
B1,2024,municipale,2010-01-01,1500,20.5,OUI
B2,2024,associative,01/07/2024,100,7,1
";

/// A folder with the policy, where commands run.
struct Folder {
    folder: tempfile::TempDir,
    transcript: String,
}

impl Folder {
    fn new() -> Self {
        let folder = Self { folder: tempfile::tempdir().unwrap(), transcript: String::new() };
        folder.hide("politique.pol", POLICY.as_bytes());
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file that the transcript does not show.
    fn hide(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// A file that the transcript shows.
    fn write(&mut self, name: &str, text: &str) -> &mut Self {
        self.hide(name, text.as_bytes());
        self.show(name, text);
        self
    }

    fn show(&mut self, title: &str, text: &str) {
        let _ = write!(self.transcript, "──── {title}\n{text}");
        if !text.is_empty() && !text.ends_with('\n') {
            self.transcript.push('\n');
        }
    }

    /// Shows a file that a command wrote.
    fn cat(&mut self, name: &str) -> &mut Self {
        let text = fs::read_to_string(self.path(name)).unwrap();
        self.show(name, &text);
        self
    }

    fn output(&self, command: &str, input: &[u8]) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_polc"))
            .args(command.split(' ').filter(|word| !word.is_empty()))
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that fails early does not read its input.
        let _ = child.stdin.take().unwrap().write_all(input);
        child.wait_with_output().unwrap()
    }

    /// Runs a command and adds what it says to the transcript.
    fn run(&mut self, command: &str) -> &mut Self {
        self.run_with(command, b"")
    }

    fn run_with(&mut self, command: &str, input: &[u8]) -> &mut Self {
        let output = self.output(command, input);
        self.show(&format!("polc {command}"), &text(&output.stdout));
        if !output.stderr.is_empty() {
            self.show("messages", &text(&output.stderr));
        }
        let _ = writeln!(self.transcript, "──── code {}", output.status.code().unwrap());
        self
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn text(bytes: &[u8]) -> String {
    without_durations(std::str::from_utf8(bytes).expect("polc writes UTF-8"))
}

/// « 0,12 s » becomes « 0,00 s ».
pub fn without_durations(text: &str) -> String {
    let mut out: Vec<char> = text.chars().collect();
    for end in 0..out.len() {
        let is_duration = out[..end].ends_with(&[' ', 's'])
            && end >= 6
            && out[end - 5] == ','
            && [3, 4, 6].iter().all(|back| out[end - back].is_ascii_digit());
        if is_duration {
            [3, 4, 6].iter().for_each(|back| out[end - back] = '0');
        }
    }
    out.into_iter().collect()
}

fn lines(path: &Path) -> usize {
    fs::read_to_string(path).unwrap().lines().count()
}

/// Each bad file is refused with a sentence, and leaves no trace.
macro_rules! refused {
    ($($name:ident: $text:expr;)*) => {$(
        #[test]
        fn $name() {
            let mut folder = Folder::new();
            folder.write("panel.csv", &$text).run("eval politique.pol panel.csv -o resultats.csv");
            assert_eq!(folder.names(), ["panel.csv", "politique.pol"]);
            insta::assert_snapshot!(folder.transcript);
        }
    )*};
}

refused! {
    missing_column: "code,annee,genre,ouverture,heures_semaine\nB1,2024,municipale,2010-01-01,20\n";
    misspelt_column: "code,annee,genre,ouverture,livre_pretes,heures_semaine,labels\nB1,2024,municipale,2010-01-01,20,20,1\n";
    unknown_column: format!("observations,{HEADER}bien,B1,2024,municipale,2010-01-01,20,20,1\n");
    wrong_type: format!("{HEADER}B1,2024,municipale,hier,mille,20,peut-être\n");
    out_of_range: format!("{HEADER}B1,2017,municipale,2010-01-01,-5,170,vrai\n");
    too_many_decimals: format!("{HEADER}B1,2024,municipale,2010-01-01,12.5,20.125,vrai\n");
    unknown_case: format!("{HEADER}B1,2024,municipal,2010-01-01,12,20,vrai\n");
    duplicate_key: format!("{HEADER}{GOOD_ROWS}B1,2024,associative,2010-01-01,12,20,vrai\n");
    ragged_line: format!("{HEADER}B1,2024,municipale,2010-01-01,12,20,5,vrai\nB2,2024\n");
    unclosed_quote: format!("{HEADER}B1,2024,\"municipale,2010-01-01,12,20,vrai\nB2,2024,municipale,2010-01-01,12,20,vrai\n");
    empty_file: "";
    not_csv: "PK\u{3}\u{4} un classeur";
    missing_datum: format!("{HEADER}B1,2024,municipale,2010-01-01,,20,vrai\n");
    division_by_zero: format!("{HEADER}B1,2024,associative,2010-01-01,10,0,vrai\n");
    missing_the_year_before: format!("{HEADER}B1,2023,municipale,2010-01-01,,20,vrai\nB1,2024,municipale,2010-01-01,5,20,vrai\n");
    several_problems_in_one_run: format!("{HEADER}B1,24,municipale,2010-02-30,12,20,vrai\nB2,2023,privée,2010-01-01,12,20\n{GOOD_ROWS}B3,2024,associative,2010-01-01,10,0,vrai\nB4,2024,privée,2010-01-01,1,1,1\n");
}

#[test]
fn problems_are_counted_beyond_a_hundred() {
    let folder = Folder::new();
    folder.hide("panel.csv", format!("{HEADER}{}", "B1,x,x,x,x,x,x\n".repeat(50)).as_bytes());
    let output = folder.output("eval politique.pol panel.csv", b"");
    let messages = text(&output.stderr);
    assert_eq!(messages.matches("POL5").count(), 100);
    assert!(messages.ends_with("\net 200 autres problèmes\n"), "{messages}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn unwritable_outputs() {
    let mut folder = Folder::new();
    folder.hide("panel.csv", format!("{HEADER}{GOOD_ROWS}").as_bytes());
    folder.hide("dossier/rien", b"");
    folder
        .run("eval politique.pol panel.csv -o absent/resultats.csv")
        .run("eval politique.pol panel.csv -o dossier")
        .run("eval politique.pol panel.csv --rejects absent/rejets.csv")
        .run("eval politique.pol panel.csv -o panel.csv")
        .run("eval politique.pol panel.csv -o r.csv --rejects ./r.csv")
        .run("eval politique.pol panel.csv --rejects r.xlsx");
    assert_eq!(folder.names(), ["dossier", "panel.csv", "politique.pol"]);
    insta::assert_snapshot!(folder.transcript);
}

#[test]
fn what_cannot_be_read() {
    let mut folder = Folder::new();
    folder.hide("vide/rien.txt", b"");
    folder
        .run("eval politique.pol absent.csv")
        .run("eval politique.pol vide")
        .run("eval absent.pol panel.csv")
        .run("eval vide panel.csv");
    insta::assert_snapshot!(folder.transcript);
}

#[test]
fn evaluation() {
    let mut folder = Folder::new();
    folder
        .write("panel.csv", &format!("{HEADER}{GOOD_ROWS}"))
        .run("eval politique.pol panel.csv -o resultats.csv")
        .cat("resultats.csv")
        .run("eval politique.pol panel.csv --outputs aide,prets")
        .run("eval politique.pol panel.csv --outputs aide --keep --engine reference")
        .run("eval politique.pol panel.csv --outputs aide --reading arrondi_aide=double --threads 1");
    insta::assert_snapshot!(folder.transcript);
}

#[test]
fn french_file() {
    let mut folder = Folder::new();
    let text = "annee;code;genre;ouverture;livres_pretes;heures_semaine;label;visites;livres_perdus\n\
                2024;B\u{e9};associative;01/07/2024;12 500;7,50;oui;0;20 000\n";
    folder.show("panel.csv (Windows-1252)", text);
    folder.hide("panel.csv", &text.chars().map(|c| c as u8).collect::<Vec<u8>>());
    folder.run("eval politique.pol panel.csv");
    insta::assert_snapshot!(folder.transcript);
}

#[test]
fn standard_input_and_output() {
    let mut folder = Folder::new();
    folder.run_with("eval politique.pol - -o - --outputs aide", format!("{HEADER}{GOOD_ROWS}").as_bytes());
    folder.run_with("eval politique.pol - --outputs aide", b"");
    insta::assert_snapshot!(folder.transcript);
}

#[test]
fn no_rows_give_no_results() {
    let mut folder = Folder::new();
    let template = folder.output("schema politique.pol", b"").stdout;
    folder.hide("modele.csv", &template);
    folder.show("modele.csv", &text(&template));
    folder.run("eval politique.pol modele.csv");
    insta::assert_snapshot!(folder.transcript);
}

#[test]
fn rejects() {
    let mut folder = Folder::new();
    let bad = "B1,2024,municipale,2010-01-01,1,1,1\nB3,2024,municipal,2010-01-01,1,1.234,1\nB4,2024\nB5,2024,associative,\
               2010-01-01,10,0,vrai\nB6,2024,\"municipale,2010-01-01,1,1,1\nB2,2025,municipale,2010-01-01,1,1,1\nB3,2025,municipale,2010-01-01,1,1,1\n";
    folder.write("panel.csv", &format!("{HEADER}{GOOD_ROWS}{bad}"));
    folder.run("eval politique.pol panel.csv -o resultats.csv --rejects rejets.csv");
    folder.cat("resultats.csv").cat("rejets.csv");
    let rows = |name| lines(&folder.path(name)) - 1;
    assert_eq!(rows("panel.csv"), rows("resultats.csv") + rows("rejets.csv"));
    insta::assert_snapshot!(folder.transcript);
}

#[test]
fn rejects_do_not_excuse_the_header() {
    let mut folder = Folder::new();
    folder.hide("panel.csv", format!("x{HEADER}{GOOD_ROWS}").as_bytes());
    folder.run("eval politique.pol panel.csv -o resultats.csv --rejects rejets.csv");
    assert_eq!(folder.names(), ["panel.csv", "politique.pol"]);
    insta::assert_snapshot!(folder.transcript);
}

#[test]
fn blocking_control() {
    let mut folder = Folder::new();
    let blocking = POLICY.replacen("  sur chaque ligne\n", "  sur chaque ligne\n  bloquant\n", 1);
    folder.hide("bloquante.pol", blocking.as_bytes());
    let bad = "B3,2024,municipale,2010-01-01,10,11,1,1\n";
    folder.write(
        "panel.csv",
        &format!("code,annee,genre,ouverture,livres_pretes,livres_perdus,heures_semaine,label\n{bad}"),
    );
    folder.run("eval bloquante.pol panel.csv --outputs prets").run("eval politique.pol panel.csv --outputs prets");
    insta::assert_snapshot!(folder.transcript);
}

#[test]
fn good_files_leave_empty_rejects() {
    let folder = Folder::new();
    folder.hide("panel.csv", format!("{HEADER}{GOOD_ROWS}").as_bytes());
    folder.hide("rejets.csv", b"those of an earlier run\n");
    let output = folder.output("eval politique.pol panel.csv -o r.csv --rejects rejets.csv", b"");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(fs::read_to_string(folder.path("rejets.csv")).unwrap(), format!("ligne,{},motif\n", HEADER.trim_end()));
}

#[test]
fn failure_leaves_the_earlier_output() {
    let folder = Folder::new();
    folder.hide("panel.csv", format!("{HEADER}{GOOD_ROWS}x\n").as_bytes());
    folder.hide("resultats.csv", b"before\n");
    let output = folder.output("eval politique.pol panel.csv -o resultats.csv", b"");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(fs::read(folder.path("resultats.csv")).unwrap(), b"before\n");
    assert_eq!(folder.names(), ["panel.csv", "politique.pol", "resultats.csv"]);
}

/// The same bytes whatever the engine and the number of threads, in the order of the file.
#[test]
fn engines_and_threads_agree() {
    let folder = Folder::new();
    let mut panel = HEADER.to_owned();
    for row in 0..20_000 {
        let (code, year) = (row * 7_919 % 2_000, 2035 - row / 2_000);
        let genre = if row % 3 == 0 { "associative" } else { "municipale" };
        let _ = writeln!(
            panel,
            "B{code},{year},{genre},2015-07-01,{},{}.{},{}",
            row % 977,
            row % 40 + 1,
            row % 10,
            row % 2
        );
    }
    folder.hide("panel.csv", panel.as_bytes());
    let run = |options: &str| {
        let output = folder.output(&format!("eval politique.pol panel.csv {options}"), b"");
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        output.stdout
    };
    let expected = run("--engine reference --threads 1");
    assert_eq!(expected.iter().filter(|byte| **byte == b'\n').count(), 20_001);
    for options in ["", "--threads 1", "--threads 3", "--engine reference --threads 3"] {
        assert!(run(options) == expected, "« {options} » differs");
    }
    let codes = |text: &str| -> Vec<String> {
        text.lines().skip(1).map(|line| line.split(',').take(2).collect::<Vec<_>>().join(",")).collect()
    };
    assert_eq!(codes(&String::from_utf8(expected).unwrap()), codes(&panel));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = Folder::new();
    let rows: String = (0..50_000).map(|row| format!("B{row},2024,municipale,2010-01-01,1,1,1\n")).collect();
    folder.hide("panel.csv", format!("{HEADER}{rows}").as_bytes());
    let mut child = Command::new(env!("CARGO_BIN_EXE_polc"))
        .args(["eval", "politique.pol", "panel.csv"])
        .current_dir(folder.folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

#[test]
fn mistakes_on_the_command_line() {
    let mut folder = Folder::new();
    folder.hide("panel.csv", format!("{HEADER}{GOOD_ROWS}").as_bytes());
    for command in [
        "",
        "chek politique.pol",
        "eval",
        "eval politique.pol panel.csv de_trop",
        "eval politique.pol panel.csv --kep",
        "eval politique.pol panel.csv --output",
        "eval politique.pol panel.csv --keep --keep",
        "eval politique.pol panel.csv --engine rapide",
        "eval politique.pol panel.csv --threads deux",
        "eval politique.pol panel.csv --outputs aides,prets",
        "eval politique.pol panel.csv --reading arrondi_aide",
        "eval politique.pol panel.csv --reading arrondi=double",
        "eval politique.pol panel.csv --reading arrondi_aide=triple",
        "eval politique.pol panel.csv --reading arrondi_aide=double --reading arrondi_aide=simple",
        "eval politique.pol panel.csv --rejects -",
    ] {
        folder.run(command);
    }
    insta::assert_snapshot!(folder.transcript);
}

#[test]
fn help() {
    let mut folder = Folder::new();
    for command in [
        "--help",
        "check --help",
        "eval -h",
        "eval --help",
        "explain --help",
        "test --help",
        "fmt --help",
        "coverage --help",
        "diff --help",
        "impact --help",
        "readings --help",
        "schema --help",
        "bench --help",
    ] {
        folder.run(command);
    }
    insta::assert_snapshot!(folder.transcript);
}

#[test]
fn check() {
    let mut folder = Folder::new();
    folder.hide("mauvaise/a.pol", POLICY.replace("vaut livres_pretes - livres_perdus", "vaut livre_pretes").as_bytes());
    folder
        .run("check politique.pol")
        .run("check politique.pol mauvaise")
        .run("check mauvaise politique.pol --format json")
        .run("check mauvaise --format github");
    let sarif = folder.output("check mauvaise politique.pol --format sarif", b"");
    let log: serde_json::Value = serde_json::from_slice(&sarif.stdout).unwrap();
    assert_eq!(log["runs"].as_array().unwrap().len(), 2);
    assert_eq!(log["runs"][0]["results"][0]["ruleId"], "POL1001");
    insta::assert_snapshot!(folder.transcript);
}

#[test]
fn plan() {
    let mut folder = Folder::new();
    folder
        .run("check politique.pol --plan")
        .run("check politique.pol --plan --outputs moyenne --year 2020 --format json")
        .run("check politique.pol --plan --outputs moyene")
        .run("check politique.pol --plan --year 1999")
        .run("check politique.pol --plan --format github")
        .run("check politique.pol --outputs moyenne");
    insta::assert_snapshot!(folder.transcript);
}

const AMENDMENT: &str = "\
avenant avenant_1 « Avenant n° 1 »
  réf. « délibération du 7 juillet 2023 »
  signé le 7 juillet 2023
  publié le 1er août 2023

insère entrée affichage : booléen, par défaut faux
  « le règlement est affiché »

insère versement complement « Complément »
  réf. « délibération, article 1 »
  en vigueur depuis 2024
  si affichage
  montant 100 €
";

const DRAFT: &str = "\
avenant projet_2 « Projet d'avenant n° 2 »
  réf. « lettre du 3 mars 2025 »
  projet
  après avenant_1

abroge versement complement à compter de 2025
  réf. « lettre »

insère versement prime_de_lettre « Prime »
  réf. « lettre »
  montant 1 €
";

/// The state of the law: all amendments but drafts, those known at a date, those named.
#[test]
fn amendments() {
    let mut folder = Folder::new();
    folder.hide("loi/politique.pol", POLICY.as_bytes());
    folder.write("loi/avenant_1.pol", AMENDMENT).write("loi/projet_2.pol", DRAFT);
    let header = HEADER.trim_end();
    let rows: String = GOOD_ROWS.lines().map(|row| format!("{row},vrai\n")).collect();
    folder.hide("a.csv", format!("{header},affichage\n{rows}").as_bytes());
    folder.run("check loi").run("test loi");
    folder.run("eval loi a.csv --outputs complement");
    folder.run("eval loi a.csv --outputs complement --without avenant_1");
    for options in ["--without avenant_1", "--as-of 2023-07-31", "--as-of 01/08/2023", "--with projet_2"] {
        folder.run(&format!("eval loi a.csv {options}"));
        folder.run(&format!("eval loi a.csv {options} --engine reference"));
    }
    folder.run("schema loi --without avenant_1");
    folder.run("eval loi a.csv --without avenant_1 --with projet_2");
    folder.run("eval loi a.csv --with avenant_3");
    folder.run("eval politique.pol a.csv --with avenant_3");
    folder.run("eval loi a.csv --with avenant_1 --without avenant_1");
    folder.run("eval loi a.csv --as-of hier");
    insta::assert_snapshot!(folder.transcript);
}

#[test]
fn examples() {
    let mut folder = Folder::new();
    folder.hide("fausse.pol", POLICY.replace("aide = 500 €", "aide = 501 €").as_bytes());
    folder.run("test politique.pol").run("test fausse.pol");
    insta::assert_snapshot!(folder.transcript);
}

#[test]
fn explanation() {
    let mut folder = Folder::new();
    // Neither the row of another library nor a column of remarks is in the way.
    folder.hide(
        "panel.csv",
        format!("{HEADER}{GOOD_ROWS}B3,2024,x,x,x,x,x\nB4,2024,municipale,2010-01-01,,1,1\n").as_bytes(),
    );
    let explain =
        |folder: &Folder, options: &str| folder.output(&format!("explain politique.pol panel.csv {options}"), b"");
    let tree = explain(&folder, "--key B1 --year 2024");
    assert!(text(&tree.stdout).contains("750,00"), "{}", text(&tree.stderr));
    let json = explain(&folder, "--key B1 --year 2024 --outputs part --format json");
    let statement: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(statement["resultats"], serde_json::json!(["part"]));
    // The rows of one key or the whole file: the same is said.
    let panel = fs::read(folder.path("panel.csv")).unwrap();
    let piped = folder.output("explain politique.pol - --key B1 --year 2024", &panel);
    assert_eq!(text(&piped.stdout), text(&tree.stdout));
    let page = explain(&folder, "--key B1 --year 2024 --missing --format html");
    let written = explain(&folder, "--key B1 --year 2024 --missing --format html -o page.html");
    assert!(written.stdout.is_empty() && written.status.success(), "{}", text(&written.stderr));
    assert_eq!(fs::read(folder.path("page.html")).unwrap(), page.stdout);
    let refused = explain(&folder, "--key B1 --year 2024 -o panel.csv");
    assert_eq!((refused.status.code(), fs::read(folder.path("panel.csv")).unwrap()), (Some(2), panel));
    for options in [
        "--key B1 --year 2026",
        "--key B11 --year 2024",
        "--key B3 --year 2024",
        "--key B4 --year 2024",
        "--key B1 --year demain",
        "--key B1",
    ] {
        folder.run(&format!("explain politique.pol panel.csv {options}"));
    }
    insta::assert_snapshot!(folder.transcript);
}

#[test]
fn measures() {
    let folder = Folder::new();
    folder.hide("panel.csv", format!("{HEADER}{GOOD_ROWS}").as_bytes());
    for data in ["", "panel.csv"] {
        let output = folder.output(&format!("bench politique.pol {data} --rows 100 --format json"), b"");
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["lignes"], 100);
        assert_eq!(report["lignes_engendrees"], data.is_empty());
    }
}

#[test]
fn schema() {
    let mut folder = Folder::new();
    folder.run("schema politique.pol --format md").run("schema politique.pol --format json");
    insta::assert_snapshot!(folder.transcript);
}

/// Files laid out in place, whole or not at all.
#[test]
fn layout() {
    let mut folder = Folder::new();
    let messy = "politique   essai\n cle  code,annee\nentree code:texte # clé\n  « code »\n";
    folder
        .write("dossier/a.pol", messy)
        .write("dossier/faux.pol", "definiton x\n  réf.  article 1\n")
        .write("dossier/notes.txt", "pas  une politique\n")
        .run("fmt --check dossier politique.pol")
        .cat("dossier/a.pol")
        .run("fmt dossier ./dossier/a.pol politique.pol")
        .cat("dossier/a.pol")
        .cat("dossier/faux.pol")
        .run("fmt dossier/a.pol politique.pol")
        .run("fmt --check dossier/a.pol politique.pol")
        .run_with("fmt -", messy.as_bytes())
        .run_with("fmt --check -", messy.as_bytes())
        .run_with("fmt -", b"definiton x\n")
        .run("fmt - dossier")
        .run("fmt")
        .run("fmt absent.pol");
    assert_eq!(folder.names(), ["dossier", "politique.pol"]);
    assert_eq!(fs::read_dir(folder.path("dossier")).unwrap().count(), 3);
    insta::assert_snapshot!(folder.transcript);
}

/// What other editors leave: a byte-order mark, line ends of Windows, letters and accents apart.
#[test]
fn layout_of_files_of_other_editors() {
    let folder = Folder::new();
    let text = POLICY.replace('\n', "\r\n").replace('é', "e\u{301}");
    folder.hide("autre.pol", format!("\u{FEFF}{text}").as_bytes());
    let output = folder.output("fmt autre.pol", b"");
    assert_eq!(output.status.code(), Some(0), "{}", self::text(&output.stderr));
    assert_eq!(fs::read_to_string(folder.path("autre.pol")).unwrap(), POLICY);
}

/// A file that cannot be replaced stays as it is, and does not stop the others.
#[cfg(unix)]
#[test]
fn layout_of_a_read_only_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    for name in ["a.pol", "b.pol"] {
        folder.hide(name, b"politique   essai\n");
    }
    fs::set_permissions(folder.path("a.pol"), fs::Permissions::from_mode(0o444)).unwrap();
    let output = folder.output("fmt a.pol b.pol", b"");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).ends_with("1 fichier mis en forme, 0 déjà en forme, 1 laissé tel quel\n"));
    assert_eq!(fs::read(folder.path("a.pol")).unwrap(), b"politique   essai\n");
    assert_eq!(fs::read(folder.path("b.pol")).unwrap(), b"politique essai\n");
}

// --------------------------------------------------------------------------------------------------------- golden files

const COHORT: &str = "\
code,annee,genre,ouverture,livres_pretes,heures_semaine,label
B1,2023,municipale,2010-01-01,1000,20,vrai
B1,2024,municipale,2010-01-01,1500,20,vrai
B2,2024,associative,2012-01-01,300,7,faux
";

/// A policy in a folder of its own, where `attendus` can stand.
fn with_policy_folder() -> Folder {
    let folder = Folder::new();
    fs::remove_file(folder.path("politique.pol")).unwrap();
    folder.hide("aide/politique.pol", POLICY.as_bytes());
    folder
}

#[test]
fn past_years_are_pinned_then_compared() {
    let mut folder = with_policy_folder();
    folder.run("test aide --accept").run("test aide");
    folder.hide("aide/attendus/lisez-moi.txt", b"rien");
    folder.run("test aide");
    folder
        .write("aide/attendus/cohorte.csv", COHORT)
        .run("test aide")
        .run("test aide --accept")
        .cat("aide/attendus/2023.csv")
        .cat("aide/attendus/2024.csv")
        .run("test aide")
        .run("test aide --accept");
    // The law changes: the example no longer holds, then it does.
    let dearer = POLICY.replace("0,50 €/livre", "0,60 €/livre");
    folder.hide("aide/politique.pol", dearer.as_bytes());
    folder.run("test aide --accept");
    let before = fs::read(folder.path("aide/attendus/2024.csv")).unwrap();
    assert!(text(&before).contains("750.00"));
    folder.hide("aide/politique.pol", dearer.replace("aide = 500 €", "aide = 600 €").as_bytes());
    folder.run("test aide").run("test aide --accept --as-of 2024-01-01").run("test aide --accept").run("test aide");
    insta::assert_snapshot!(folder.transcript);
}

#[test]
fn golden_files_made_by_hand() {
    let mut folder = with_policy_folder();
    folder.hide("golden/une/cohorte.csv", COHORT.as_bytes());
    folder
        .write("golden/une/2023.csv", "code;annee;aide\nB1;2023;500,00 €\n")
        .write("golden/une/2024.csv", "code,annee,aide,inconnu\nB1,2024,700,1\nB3,2024,10,1\n")
        .run("test aide --expected golden");
    folder.hide("golden/une/2O24.csv", b"");
    folder.run("test aide --expected golden").run("test aide --expected absent");
    fs::remove_file(folder.path("golden/une/2O24.csv")).unwrap();
    folder.hide("golden/une/cohorte.csv", COHORT.replace("1500", "-1").as_bytes());
    folder.run("test aide --expected golden --accept");
    assert_eq!(folder.names(), ["aide", "golden"]);
    insta::assert_snapshot!(folder.transcript);
}

/// Either all the files are replaced, or none of them is.
#[cfg(unix)]
#[test]
fn nothing_is_half_accepted() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = with_policy_folder();
    folder.hide("aide/attendus/cohorte.csv", COHORT.as_bytes());
    folder.hide("aide/attendus/2023.csv", b"code,annee,aide\nB1,2023,1\n");
    folder.hide("aide/attendus/2024.csv", b"code,annee,aide\nB1,2024,1\nB2,2024,1\n");
    let last = folder.path("aide/attendus/2024.csv");
    fs::set_permissions(&last, fs::Permissions::from_mode(0o444)).unwrap();
    let output = folder.output("test aide --accept", b"");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let first = fs::read(folder.path("aide/attendus/2023.csv")).unwrap();
    assert_eq!(text(&first), "code,annee,aide\nB1,2023,1\n");
    assert_eq!(fs::read_dir(folder.path("aide/attendus")).unwrap().count(), 3);
}
