//! The documents are true: every `pol` block of `docs/` compiles, every one shown as wrong is refused for what it shows.

use std::fs;
use std::path::Path;

use polc_compiler::{Selection, check_all};
use polc_dsl::SourceMap;
use polc_dsl::diagnostic::render::terminal::{Style, render};
use polc_dsl::diagnostic::{Severity, codes};
use polc_runtime::examples;
use polc_runtime::policy::Policy;

fn document(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).unwrap()
}

/// A fenced block: its language, the file that it says it belongs to, its text, the line it starts on.
struct Block {
    language: String,
    file: Option<String>,
    text: String,
    line: usize,
}

fn blocks(document: &str) -> Vec<Block> {
    let mut result: Vec<Block> = Vec::new();
    let mut inside = false;
    for (rank, line) in document.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(_) if inside => inside = false,
            Some(info) => {
                inside = true;
                let (language, file) = info.split_once(' ').map_or((info, None), |(l, f)| (l, Some(f.to_owned())));
                result.push(Block { language: language.to_owned(), file, text: String::new(), line: rank + 2 });
            }
            None if inside => {
                let text = &mut result.last_mut().unwrap().text;
                text.push_str(line);
                text.push('\n');
            }
            None => {}
        }
    }
    assert!(!inside, "a block is not closed");
    result
}

/// The blocks of a page that are in the language: to compile, or to show a layout.
pub fn policy_blocks(name: &str) -> Vec<String> {
    let shown = |block: &Block| ["pol", "pol-forme"].contains(&&*block.language);
    blocks(&document(name)).into_iter().filter(shown).map(|block| block.text).collect()
}

/// The files of the small policy that the reference of the language builds block after block.
pub fn policy_of_the_language_reference() -> SourceMap {
    let mut files: Vec<(String, String)> = Vec::new();
    for block in blocks(&document("langage.md")).into_iter().filter(|block| block.language == "pol") {
        let name = block.file.unwrap_or_else(|| "politique.pol".to_owned());
        match files.iter_mut().find(|(known, _)| *known == name) {
            Some((_, text)) => *text += &format!("\n{}", block.text),
            None => files.push((name, block.text)),
        }
    }
    let mut sources = SourceMap::new();
    for (name, text) in files {
        assert!(sources.add(&name, text.as_bytes()).1.is_none());
    }
    sources
}

/// The codes that a source earns, and the messages. Each « avenant » starts a file.
fn said(source: &str) -> (Vec<&'static str>, String) {
    let mut sources = SourceMap::new();
    let starts = source.match_indices("\navenant ").map(|(at, _)| at + 1);
    let cuts: Vec<usize> = std::iter::once(0).chain(starts).chain([source.len()]).collect();
    for pair in cuts.windows(2) {
        assert!(sources.add("bloc.pol", &source.as_bytes()[pair[0]..pair[1]]).1.is_none());
    }
    said_of(&sources)
}

fn said_of(sources: &SourceMap) -> (Vec<&'static str>, String) {
    let diagnostics = check_all(sources).diagnostics;
    let messages = diagnostics.iter().map(|d| render(d, sources, Style { colour: false, width: 100 })).collect();
    (diagnostics.iter().map(|d| d.code.id).collect(), messages)
}

#[test]
fn the_language_reference_compiles() {
    let (codes, messages) = said_of(&policy_of_the_language_reference());
    assert!(codes.is_empty(), "{messages}");
}

/// Its examples and controls hold, with the drafts and without.
#[test]
fn the_examples_of_the_language_reference_hold() {
    let drafts = Selection { with: ["projet_2".to_owned()].into(), ..Selection::default() };
    for selection in [Selection::default(), drafts] {
        let policy = Policy::build(policy_of_the_language_reference(), &selection).expect("a sound policy");
        let report = examples::run(&policy);
        let failures: Vec<_> = report.failures.iter().map(|failure| (&failure.title, &failure.lines)).collect();
        assert!(failures.is_empty() && report.examples >= 8, "{failures:?}");
    }
}

/// The sections of the page of diagnostics, by title.
fn sections(page: &str) -> Vec<(&str, &str)> {
    let parts = page.split("\n## ").skip(1);
    parts.map(|part| part.split_once('\n').map_or((part, ""), |(title, text)| (title, text))).collect()
}

#[test]
fn each_code_has_a_section_in_order() {
    let page = document("diagnostics.md");
    let titles: Vec<&str> = sections(&page).into_iter().map(|(title, _)| title).collect();
    let expected: Vec<String> = codes::ALL.iter().map(|code| format!("{} — {}", code.id, code.title)).collect();
    assert_eq!(titles, expected);
}

#[test]
fn each_section_shows_what_fails_and_what_to_write() {
    let page = document("diagnostics.md");
    for (title, text) in sections(&page) {
        let languages: Vec<String> = blocks(text).into_iter().map(|block| block.language).collect();
        let has = |language: &str| languages.iter().any(|known| known == language);
        assert!(languages.len() >= 2, "{title}: a failing extract and its correction");
        assert!(text.contains("Correctif"), "{title}: no correction");
        // What no short extract can show: bytes, sizes, depths.
        let warns = codes::ALL.iter().any(|c| title.starts_with(c.id) && c.severity() == Severity::Warning);
        if ("POL0004".."POL5").contains(&title) && !warns {
            assert!(has("pol-erreur") && has("pol"), "{title}: no extract that is checked");
        }
    }
}

#[test]
fn the_extracts_of_the_diagnostics_are_refused_and_their_corrections_accepted() {
    let page = document("diagnostics.md");
    let prelude = blocks(page.split("\n## ").next().unwrap()).remove(0);
    assert_eq!(prelude.language, "pol");
    let (codes, messages) = said(&prelude.text);
    assert!(codes.is_empty(), "the common policy:\n{messages}");
    for (title, text) in sections(&page) {
        let code = title.split(' ').next().unwrap();
        for block in blocks(text) {
            let alone = block.text.starts_with("politique");
            let source = if alone { block.text.clone() } else { format!("{}\n{}", prelude.text, block.text) };
            let place = format!("{title}, block at line {} of its section", block.line);
            match block.language.as_str() {
                "pol-erreur" => {
                    let (mut codes, messages) = said(&source);
                    codes.dedup();
                    assert_eq!(codes, [code], "{place}:\n{messages}");
                }
                "pol" => {
                    let (codes, messages) = said(&source);
                    assert!(codes.is_empty(), "{place}:\n{messages}");
                }
                "text" | "csv" => {}
                other => panic!("{place}: unknown language « {other} »"),
            }
        }
    }
}
