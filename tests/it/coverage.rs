//! The figures of a text and what a policy makes of them: a small policy with its own index, from outside; then the indexes
//! of the policies shipped.

use std::path::{Path, PathBuf};
use std::process::Command;

use polc_compiler::Selection;
use polc_runtime::coverage::figures;
use polc_runtime::coverage::index::Index;
use polc_runtime::io;
use polc_runtime::policy::Policy;

const FIXTURE: [(&str, &str); 3] = [
    ("politique.pol", include_str!("../fixtures/couverture/politique.pol")),
    ("chiffres.csv", include_str!("../fixtures/couverture/chiffres.csv")),
    ("chiffres-hors-champ.csv", include_str!("../fixtures/couverture/chiffres-hors-champ.csv")),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder with the fixture, one of its files changed.
fn folder(name: &str, change: impl Fn(&str) -> String) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("fanfares")).unwrap();
    for (file, text) in FIXTURE {
        let text = if file == name { change(text) } else { text.to_owned() };
        std::fs::write(folder.path().join("fanfares").join(file), text).unwrap();
    }
    folder
}

/// What a command says: the output, the errors, the exit code; without durations.
fn run(folder: &tempfile::TempDir, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_polc")).args(arguments).current_dir(folder.path()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\u{202f}', " ");
    let out: Vec<String> =
        text(&output.stdout).lines().map(|line| line.split(" (0,").next().unwrap_or(line).to_owned()).collect();
    format!("{}\n{}code {:?}\n", out.join("\n"), text(&output.stderr), output.status.code())
}

#[test]
fn figures_that_the_articles_do_not_have() {
    let folder = folder("", str::to_owned);
    insta::assert_snapshot!(run(&folder, &["check", "fanfares"]));
}

#[test]
fn warnings_are_errors_when_strict() {
    let folder = folder("", str::to_owned);
    assert!(run(&folder, &["check", "fanfares"]).ends_with("code Some(0)\n"));
    assert!(run(&folder, &["check", "fanfares", "--strict"]).ends_with("code Some(1)\n"));
    let json = run(&folder, &["check", "fanfares", "--format", "json"]);
    assert!(json.contains("\"gravite\": \"avertissement\"") && json.contains("POL4007"), "{json}");
    let github = run(&folder, &["check", "fanfares", "--format", "github"]);
    assert!(github.starts_with("::warning "), "{github}");
}

#[test]
fn coverage_of_a_small_policy() {
    let folder = folder("", str::to_owned);
    insta::assert_snapshot!(run(&folder, &["coverage", "fanfares"]));
}

#[test]
fn coverage_as_json_and_of_one_article() {
    let folder = folder("", str::to_owned);
    let json = Command::new(env!("CARGO_BIN_EXE_polc"))
        .args(["coverage", "fanfares", "--format", "json", "--place", "article 3"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let places: Vec<&str> = report["lieux"].as_array().unwrap().iter().filter_map(|p| p["lieu"].as_str()).collect();
    assert_eq!(places, ["article 3", "article 3.1", "article 3.2", "article 3.9"]);
    assert_eq!(report["lieux"][1]["chiffres"][0]["etat"], "sans_emploi");
    assert!(run(&folder, &["coverage", "fanfares", "--place", "article 9"]).ends_with("code Some(2)\n"));
}

#[test]
fn without_an_index() {
    let folder = folder("", str::to_owned);
    std::fs::remove_file(folder.path().join("fanfares/chiffres.csv")).unwrap();
    assert!(run(&folder, &["check", "fanfares", "--strict"]).ends_with("code Some(0)\n"));
    let text = run(&folder, &["coverage", "fanfares/politique.pol"]);
    assert!(text.contains("n'a pas d'index"), "{text}");
    assert!(text.contains("article 2.1\n"), "{text}");
}

#[test]
fn indexes_with_mistakes() {
    let mut said = String::new();
    for (file, from, to) in [
        ("chiffres.csv", "reglement,article 2,6", "reglement,article 2,six"),
        ("chiffres.csv", "occurrences\n", "nombre\n"),
        ("chiffres.csv", "concert,mots,1", "concert,mots"),
        ("chiffres-hors-champ.csv", "article 4,*", "article 5,*"),
    ] {
        let folder = folder(file, |text| text.replacen(from, to, 1));
        said += &run(&folder, &["check", "fanfares"]);
    }
    insta::assert_snapshot!(said);
}

/// The policies that come with an index.
fn indexed() -> Vec<(PathBuf, Index)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root().join("policies")).unwrap() {
        let path = entry.unwrap().path();
        match io::figures::load(&path) {
            Ok(Some(index)) => found.push((path, index)),
            Ok(None) => {}
            Err(problem) => panic!("{problem}"),
        }
    }
    found
}

#[test]
fn the_indexes_shipped_hold_every_article_that_is_cited() {
    let indexed = indexed();
    assert!(indexed.len() >= 2);
    for (path, index) in indexed {
        assert!(index.places.len() > 1 || index.places[0].name == "texte");
        // An index may come before the policy.
        let written =
            std::fs::read_dir(&path).unwrap().any(|file| file.unwrap().path().extension().is_some_and(|e| e == "pol"));
        if !written {
            continue;
        }
        match Policy::load(&path, &Selection::default()) {
            Ok(policy) => check(&policy, &index),
            Err((_, problems)) => panic!("{}: {problems:?}", path.display()),
        }
    }
}

/// Every article that the policy cites is in the index.
fn check(policy: &Policy, index: &Index) {
    let unknown: Vec<String> = figures::cited(&policy.program)
        .into_iter()
        .flat_map(|(citations, _)| citations)
        .filter(|citation| index.has_text(citation.text.as_deref()))
        .filter(|citation| !index.knows(citation.text.as_deref(), &citation.place))
        .map(ToString::to_string)
        .collect();
    assert_eq!(unknown, Vec::<String>::new(), "{}", policy.program.name);
}
