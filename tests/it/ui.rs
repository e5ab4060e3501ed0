//! Diagnostics as documents: each `tests/ui/*.pol` is a small policy with a mistake (a folder, where it takes several
//! files, or a table); its snapshot is the source, then what is said of it. The name starts with the code to expect, and nothing else
//! may be said. Texts that no file can hold (raw bytes, monstrous sizes) are built here.
//!
//! After reading them: `INSTA_UPDATE=always cargo test -p polc --test it ui`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use polc_compiler::{Selection, analyse, check_all};
use polc_dsl::diagnostic::render::terminal::{Style, render};
use polc_dsl::diagnostic::{Diagnostic, Severity, codes};
use polc_dsl::{MAX_FILE_BYTES, SourceMap};

const STYLE: Style = Style { colour: false, width: 100 };

/// A sound policy, for the texts that are built.
const POLICY: &str = "\
politique aide_cantines « Aide aux cantines »
  monnaie € arrondie au centime
  clé code, annee
  exercice annee
  texte reglement « Règlement de l'aide aux cantines »

unité repas

entrée code : texte
  « numéro de la cantine »
entrée annee : entier en an, de 2020 à 2025
  « année »
entrée repas_servis : entier en repas, de 0 à 500 000
  « repas servis dans l'année »

versement aide « Aide annuelle »
  réf. article 1
  montant repas_servis × 0,50 €/repas
";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui")
}

/// A policy and the readings asked for.
struct Case {
    name: String,
    files: Vec<(String, Vec<u8>)>,
    /// Whether the snapshot shows the source.
    shown: bool,
}

impl Case {
    /// A `.pol` file, or a folder of them.
    fn read(path: &Path) -> Self {
        let mut paths = vec![path.to_path_buf()];
        if path.is_dir() {
            paths = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
            paths.sort();
        }
        let files = paths.iter().map(|path| (file_name(path), fs::read(path).unwrap())).collect();
        Self { name: path.file_stem().unwrap().to_str().unwrap().to_owned(), files, shown: true }
    }

    fn built(name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.to_owned(), files: vec![(format!("{name}.pol"), bytes.into())], shown: false }
    }

    /// The code that the name announces.
    fn code(&self) -> Option<&str> {
        self.name.split('-').next().filter(|code| code.starts_with("POL"))
    }

    /// The readings that the first line asks for: `# lecture: nom=variante, autre=variante`.
    fn selection(&self) -> Selection {
        let text = String::from_utf8_lossy(&self.files[0].1);
        let chosen = text.lines().next().and_then(|line| line.strip_prefix("# lecture:")).unwrap_or_default();
        let pairs = chosen.split(',').filter_map(|pair| pair.trim().split_once('='));
        let readings = pairs.map(|(reading, variant)| (reading.to_owned(), variant.to_owned())).collect();
        Selection { readings, ..Selection::default() }
    }

    /// What could not be read of the files, else what the compiler says of them.
    fn diagnose(&self) -> (SourceMap, Vec<Diagnostic>) {
        let mut sources = SourceMap::new();
        let add = |(name, bytes): &(String, Vec<u8>)| match name.ends_with(".csv") {
            true => sources.add_table(name, bytes),
            false => sources.add(name, bytes).1,
        };
        let mut diagnostics: Vec<Diagnostic> = self.files.iter().filter_map(add).collect();
        if diagnostics.is_empty() {
            let selection = self.selection();
            // Every state of the law, unless a reading is asked for.
            diagnostics = match selection == Selection::default() {
                true => check_all(&sources).diagnostics,
                false => analyse(&sources, &selection).1,
            };
        }
        (sources, diagnostics)
    }

    /// The source, then the messages.
    fn document(&self) -> String {
        let mut out = String::new();
        for (name, bytes) in self.files.iter().filter(|_| self.shown) {
            let _ = write!(out, "──── {name}\n{}\n", String::from_utf8_lossy(bytes));
        }
        out += "──── messages\n";
        let (sources, diagnostics) = self.diagnose();
        for diagnostic in &diagnostics {
            out += &shortened(&render(diagnostic, &sources, STYLE));
        }
        out
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// Lines of the excerpt that are far too long to be read are cut.
fn shortened(message: &str) -> String {
    let cut = |line: &str| match line.char_indices().nth(160) {
        Some((end, _)) => format!("{}…\n", &line[..end]),
        None => format!("{line}\n"),
    };
    message.lines().map(cut).collect()
}

fn cases() -> Vec<Case> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() || path.extension().is_some_and(|extension| extension == "pol"))
        .collect();
    paths.sort();
    let mut cases: Vec<Case> = paths.iter().map(|path| Case::read(path)).collect();
    cases.extend(built());
    cases
}

fn vaut(expression: &str) -> String {
    format!("{POLICY}\ndéfinition monstre « Monstre »\n  réf. article 2\n  vaut {expression}\n")
}

/// Refused texts that are not files of `tests/ui`.
fn built() -> Vec<Case> {
    let latin1: Vec<u8> = POLICY.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'E')).collect();
    let mut torn = POLICY.as_bytes().to_vec();
    torn.truncate(POLICY.find('è').unwrap() + 1);
    let mut zeros = POLICY.as_bytes().to_vec();
    zeros.extend([0xFF, 0xFE, 0x00]);
    let many = 20_000;
    vec![
        Case::built("POL0001-latin-1", latin1),
        Case::built("POL0001-fin-coupee", torn),
        Case::built("POL0001-octets-quelconques", zeros),
        Case::built("POL0002-fichier-trop-grand", format!("{POLICY}# {}", "x".repeat(MAX_FILE_BYTES))),
        Case::built("POL0003-parentheses", vaut(&format!("{}1{}", "(".repeat(many), ")".repeat(many)))),
        Case::built("POL0003-parentheses-ouvertes", vaut(&"(".repeat(many))),
        Case::built(
            "POL0003-conditions",
            vaut(&format!("{}0", "si repas_servis > 3 repas alors 1 sinon ".repeat(5_000))),
        ),
        Case::built("POL0003-conditions-ouvertes", vaut(&"si ".repeat(many))),
        Case::built("POL0003-somme", vaut(&format!("1{}", " + 1".repeat(many)))),
        Case::built("POL0003-conjonction", vaut(&format!("vrai{}", " et repas_servis > 3 repas".repeat(5_000)))),
        Case::built("POL0003-bornes", vaut(&format!("1{}", " plafonné à 1".repeat(5_000)))),
        Case::built("POL0003-a-defaut", vaut(&format!("aide{}", " à défaut aide".repeat(many)))),
        Case::built("POL0003-paliers", vaut(&format!("{}1", "par palier de repas_servis sinon : ".repeat(5_000)))),
        Case::built("POL0003-tranches", vaut(&"par tranche de ".repeat(many))),
        Case::built("POL0003-appels", vaut(&format!("{}1{}", "min(1 ; ".repeat(5_000), ")".repeat(5_000)))),
        Case::built("POL0005-caractere-invisible", POLICY.replace("montant repas", "montant \u{200B}repas")),
        Case::built("POL0005-octet-nul", POLICY.replace("montant repas", "montant \0repas")),
        Case::built("POL1010-fichier-vide", ""),
        Case::built("POL1010-commentaires-seuls", "# rien\n\n  # rien non plus\n"),
    ]
}

/// Checks each case; the names of those that fail.
fn failing(check: impl Fn(&Case)) -> Vec<String> {
    let fails = |case: &Case| catch_unwind(AssertUnwindSafe(|| check(case))).is_err();
    cases().into_iter().filter(fails).map(|case| case.name).collect()
}

#[test]
fn messages() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder());
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let failed = failing(|case| settings.bind(|| insta::assert_snapshot!(case.name.as_str(), case.document())));
    assert!(failed.is_empty(), "snapshots to read: {}", failed.join(", "));
}

#[test]
fn each_case_earns_the_code_of_its_name_and_no_other() {
    for case in cases() {
        let Some(code) = case.code() else { continue };
        let said: BTreeSet<&str> = case.diagnose().1.iter().map(|diagnostic| diagnostic.code.id).collect();
        assert_eq!(said, BTreeSet::from([code]), "{}", case.name);
    }
}

#[test]
fn each_code_of_the_compiler_has_a_case() {
    let shown: BTreeSet<String> = cases().iter().filter_map(|case| case.code().map(str::to_owned)).collect();
    // Warnings take an index of figures: `coverage` shows them.
    for code in codes::ALL.iter().filter(|code| code.id < "POL5" && code.severity() == Severity::Error) {
        assert!(shown.contains(code.id), "{} ({}) has no case in tests/ui", code.id, code.title);
    }
}

#[test]
fn each_snapshot_has_a_case() {
    let names: BTreeSet<String> = cases().into_iter().map(|case| format!("{}.snap", case.name)).collect();
    let snapshots = fs::read_dir(folder()).unwrap().map(|entry| file_name(&entry.unwrap().path()));
    let orphans: Vec<String> = snapshots.filter(|name| name.ends_with(".snap") && !names.contains(name)).collect();
    assert!(orphans.is_empty(), "snapshots without a case: {}", orphans.join(", "));
}

#[test]
fn five_mistakes_give_five_messages() {
    let said: Vec<&str> =
        Case::read(&folder().join("five-mistakes.pol")).diagnose().1.iter().map(|d| d.code.id).collect();
    assert_eq!(said, ["POL0005", "POL1008", "POL2002", "POL3001", "POL4001"]);
}

/// How messages are written: in French, without a capital or a final point, in the words of the text.
#[test]
fn messages_keep_to_the_style() {
    for case in cases() {
        let (sources, diagnostics) = case.diagnose();
        for diagnostic in &diagnostics {
            let labels = diagnostic.labels.iter().map(|label| &label.text);
            for text in [&diagnostic.message].into_iter().chain(labels).chain(&diagnostic.help) {
                let name = &case.name;
                assert!(!text.starts_with(char::is_uppercase), "{name}: capital: {text}");
                assert!(!text.ends_with('.'), "{name}: final point: {text}");
                assert!(!text.contains('\n'), "{name}: line break: {text}");
                assert_eq!(text.matches('«').count(), text.matches('»').count(), "{name}: quotation marks: {text}");
                for internal in ["_mot", "mot_", "kw_", "Rule", "::", "None", "Some(", "unwrap", "expression(", "  "] {
                    assert!(!text.contains(internal), "{name}: « {internal} » in: {text}");
                }
            }
            assert!(!diagnostic.message.is_empty(), "{}: empty message", case.name);
            for label in &diagnostic.labels {
                let length = sources.file(label.span.file).text.len() as u32;
                assert!(label.span.start <= label.span.end && label.span.end <= length, "{}: label outside", case.name);
                let underlined = sources.text(label.span);
                assert_eq!(underlined, underlined.trim(), "{}: white space underlined", case.name);
            }
        }
    }
}

// ------------------------------------------------------------------------------------------------ texts that are accepted

fn accepted(name: &str, bytes: &[u8]) {
    let mut sources = SourceMap::new();
    let (_, problem) = sources.add("politique.pol", bytes);
    let (program, mut diagnostics) = analyse(&sources, &Selection::default());
    diagnostics.extend(problem);
    let said: String = diagnostics.iter().take(3).map(|d| shortened(&render(d, &sources, STYLE))).collect();
    assert!(said.is_empty(), "{name}:\n{said}");
    assert!(program.is_some(), "{name}: no program");
}

#[test]
fn byte_order_marks_line_ends_and_normal_forms_are_accepted() {
    accepted("plain", POLICY.as_bytes());
    accepted("byte-order mark", format!("\u{FEFF}{POLICY}").as_bytes());
    accepted("CRLF", POLICY.replace('\n', "\r\n").as_bytes());
    accepted("byte-order mark and CRLF", format!("\u{FEFF}{}", POLICY.replace('\n', "\r\n")).as_bytes());
    accepted("tabulations", POLICY.replace("\n  ", "\n\t").as_bytes());
    accepted("no-break spaces", POLICY.replace("\n  ", "\n\u{A0}\u{A0}").replace("« ", "«\u{A0}").as_bytes());
    accepted("no final line break", POLICY.trim_end().as_bytes());
    accepted("comments", POLICY.replace('\n', " # une remarque\n").as_bytes());
    let decomposed = POLICY.replace('é', "e\u{301}").replace('è', "e\u{300}");
    accepted("letters and accents apart", decomposed.as_bytes());
}

#[test]
fn nesting_below_the_limit_is_accepted() {
    let depth = 60;
    accepted("parentheses", vaut(&format!("{}1{}", "(".repeat(depth), ")".repeat(depth))).as_bytes());
    accepted("conditions", vaut(&format!("{}0", "si repas_servis > 3 repas alors 1 sinon ".repeat(depth))).as_bytes());
    accepted("paliers", vaut(&format!("{}1", "par palier de repas_servis sinon : ".repeat(depth))).as_bytes());
    accepted("sum", vaut(&format!("1{}", " + 1".repeat(depth))).as_bytes());
    // Signs and negations do not nest.
    accepted("signs", vaut(&format!("{}1", "- ".repeat(20_000))).as_bytes());
    accepted("negations", vaut(&format!("{}vrai", "non ".repeat(20_000))).as_bytes());
    // Nor does one clause after another.
    let lines = "  points fixes si repas_servis > 3 repas alors 1 sinon 2\n".repeat(500);
    accepted("lines", format!("{POLICY}\ncritère c « C »\n  réf. article 3\n{lines}").as_bytes());
}

#[test]
fn a_file_of_two_megabytes_is_accepted() {
    let mut text = POLICY.to_owned();
    let prose = "article ".repeat(200);
    for rank in 0.. {
        if text.len() > 2_000_000 {
            break;
        }
        let _ = write!(text, "définition d{rank} « {prose} »\n  réf. article 2\n  vaut repas_servis + {rank} repas\n");
    }
    accepted("two megabytes", text.as_bytes());
}

#[test]
fn three_thousand_definitions_in_a_row_are_accepted() {
    let definition = |rank: usize| {
        let previous = if rank == 0 { "repas_servis".to_owned() } else { format!("d{}", rank - 1) };
        format!("définition d{rank} « D »\n  réf. article 2\n  vaut {previous} + 1 repas\n")
    };
    let forwards: String = (0..3_000).map(definition).collect();
    accepted("each after what it reads", format!("{POLICY}{forwards}").as_bytes());
    let backwards: String = (0..3_000).rev().map(definition).collect();
    accepted("each before what it reads", format!("{POLICY}{backwards}").as_bytes());
}
