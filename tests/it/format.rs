//! `polc fmt`: the layout of docs/langage.md, « Mise en forme ». Each `tests/format/*.pol` is a file badly laid out; its
//! snapshot is what comes out. Over every text of the repository: formatting twice changes nothing, the tree and the
//! comments stay.
//!
//! After reading them: `INSTA_UPDATE=always cargo test -p polc --test it format`.

use std::fs;
use std::path::{Path, PathBuf};

use polc_dsl::SourceMap;
use polc_dsl::format::{Unformatted, WIDTH, format, shape};
use proptest::prelude::*;

use crate::docs;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files under a folder whose name ends so, in order.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![root().join(folder)];
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            pending.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn named(path: &Path) -> (String, String) {
    (path.strip_prefix(root()).unwrap().display().to_string(), fs::read_to_string(path).unwrap())
}

/// Every text of the repository that is one or several declarations, with a name; some cannot be read.
fn texts() -> Vec<(String, String)> {
    let mut texts: Vec<(String, String)> = ["policies", "tests/fixtures", "tests/ui", "tests/format"]
        .iter()
        .flat_map(|folder| files(folder, "pol"))
        .map(|path| named(&path))
        .collect();
    for name in ["langage.md", "diagnostics.md"] {
        let blocks = docs::policy_blocks(name).into_iter().enumerate();
        texts.extend(blocks.map(|(rank, block)| (format!("docs/{name}, block {}", rank + 1), block)));
    }
    for path in files("tests/corpus", "txt") {
        let (name, text) = named(&path);
        for case in text.split("════ ").skip(1) {
            let (title, rest) = case.split_once('\n').unwrap();
            texts.push((format!("{name}, {title}"), rest.split("────\n").next().unwrap().to_owned()));
        }
    }
    texts
}

/// The canonical text, and the shape of the tree before; nothing if the text cannot be read.
fn formatted(name: &str, text: &str) -> Option<(String, String)> {
    let mut sources = SourceMap::new();
    let (id, problem) = sources.add(name, text.as_bytes());
    assert!(problem.is_none(), "{name}");
    let tree = shape(&polc_dsl::parse(&sources, id).0);
    match format(&sources, id) {
        Ok(formatted) => Some((formatted, tree)),
        Err(Unformatted::Refused(_)) => None,
        Err(Unformatted::Unfaithful) => panic!("{name}: the layout changes the meaning of\n{text}"),
    }
}

/// The comments of a text, each from its `#`.
fn comments(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut closing = None;
    let mut skipped = 0;
    for (place, c) in text.char_indices() {
        match closing {
            _ if place < skipped => {}
            Some(mark) => closing = closing.filter(|_| c != mark),
            None if c == '#' => {
                let comment = text[place..].lines().next().unwrap();
                skipped = place + comment.len();
                found.push(comment.trim_end());
            }
            None => closing = [('«', '»'), ('“', '”'), ('"', '"')].into_iter().find(|(a, _)| *a == c).map(|(_, b)| b),
        }
    }
    found
}

/// What holds of every canonical text.
fn check(name: &str, text: &str) -> Option<String> {
    let (once, before) = formatted(name, text)?;
    let (twice, after) = formatted(name, &once).unwrap_or_else(|| panic!("{name}: cannot be read again\n{once}"));
    assert_eq!(once, twice, "{name}: formatting twice");
    assert_eq!(before, after, "{name}: the trees differ");
    assert_eq!(comments(text), comments(&once), "{name}: the comments differ");
    for line in once.lines() {
        assert_eq!(line, line.trim_end(), "{name}: white space at the end of a line");
        let code = line.split(" #").next().unwrap();
        let words = code.split_whitespace().count();
        assert!(code.chars().count() <= WIDTH || words == 1 || line.contains('#'), "{name}: too long: {line}");
    }
    assert!(!once.contains("\n\n\n") && !once.starts_with('\n') && !once.ends_with("\n\n"), "{name}: blank lines");
    Some(once)
}

#[test]
fn formatting_twice_changes_nothing_and_the_tree_stays() {
    let texts = texts();
    let read = texts.iter().filter(|(name, text)| check(name, text).is_some()).count();
    assert!(read > 250, "{read} texts of {} were read", texts.len());
}

#[test]
fn the_policies_are_formatted() {
    let shown = ["policies", "tests/fixtures"].iter().flat_map(|folder| files(folder, "pol")).map(|path| named(&path));
    let blocks = docs::policy_blocks("langage.md").into_iter().map(|block| ("docs/langage.md".to_owned(), block));
    let stale: Vec<String> = shown
        .chain(blocks)
        .filter(|(name, text)| check(name, text).as_ref() != Some(text))
        .map(|(name, _)| name)
        .collect();
    assert!(stale.is_empty(), "« polc fmt » would change: {}", stale.join(", "));
}

#[test]
fn layouts() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(root().join("tests/format"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for path in files("tests/format", "pol") {
        let (name, text) = named(&path);
        let result = check(&name, &text).unwrap_or_else(|| panic!("{name} cannot be read"));
        let stem = path.file_stem().unwrap().to_str().unwrap();
        settings.bind(|| insta::assert_snapshot!(stem, result));
    }
}

#[test]
fn nested_expressions_and_long_clauses() {
    let depth = 60;
    let conditions = "si repas_servis > 3 repas alors 1 sinon ".repeat(depth) + "0";
    let parentheses = format!("{}1{}", "(".repeat(depth), ")".repeat(depth));
    let calls = format!("{}1{}", "min(1 ; ".repeat(depth), ")".repeat(depth));
    let signs = "- ".repeat(2_000) + "1";
    let brackets = "par palier de repas_servis sinon : ".repeat(depth) + "1";
    for value in [conditions, parentheses, calls, signs, brackets] {
        let text = format!("définition monstre « Monstre »\n  réf. article 2\n  vaut {value}\n");
        let (once, before) = formatted("monstre", &text).unwrap();
        assert_eq!(formatted("monstre", &once).unwrap(), (once.clone(), before));
    }
    let list: Vec<String> = (0..2_000).map(|rank| format!("quantite_{rank} = {rank}")).collect();
    assert!(check("list", &format!("situation s « S »\n  soit {}\n", list.join(" ; "))).is_some());
}

// ------------------------------------------------------------------------------------------------ texts at random

/// Draws numbers out of some bytes, again and again.
struct Draw<'b>(std::iter::Cycle<std::slice::Iter<'b, u8>>);

impl Draw<'_> {
    fn one_in(&mut self, n: u8) -> bool {
        self.0.next().is_some_and(|byte| byte % n == 0)
    }

    fn pick<'s>(&mut self, choices: &[&'s str]) -> &'s str {
        choices[self.0.next().map_or(0, |byte| usize::from(*byte)) % choices.len()]
    }
}

/// Words that may be written without accents, and signs that may be written otherwise.
const SPELLINGS: [(&str, &str); 20] = [
    ("définition", "definition"),
    ("entrée", "entree"),
    ("unité", "unite"),
    ("énumération", "enumeration"),
    ("critère", "critere"),
    ("contrôle", "controle"),
    ("dérogation", "derogation"),
    ("paramètre", "parametre"),
    ("booléen", "booleen"),
    ("décimal", "decimal"),
    ("prérequis", "prerequis"),
    ("défaut", "defaut"),
    ("décembre", "decembre"),
    ("vérifie", "verifie"),
    ("réf.", "ref"),
    ("à", "a"),
    ("≥", ">="),
    ("≤", "<="),
    ("≠", "<>"),
    ("×", "*"),
];

/// The same file laid out otherwise, in ways that the layout undoes.
fn untidy(text: &str, bytes: &[u8]) -> String {
    let mut draw = Draw(bytes.iter().cycle());
    let mut out = String::new();
    let mut in_text = false;
    for line in text.lines() {
        let code = line.trim_start();
        if line.is_empty() {
            out += draw.pick(&["\n", "\n\n", "  \n\n", "\r\n"]);
            continue;
        }
        if line.len() > code.len() {
            out += draw.pick(&["  ", " ", "\t", "         "]);
        }
        let words: Vec<&str> = code.split(' ').collect();
        for (rank, word) in words.iter().enumerate() {
            if !in_text && word.starts_with('#') {
                out += &words[rank..].join(" ");
                break;
            }
            let inside = in_text;
            in_text = (in_text || word.contains('«')) && !word.contains('»');
            let other = SPELLINGS.iter().find(|(known, _)| known == word).filter(|_| !inside && draw.one_in(2));
            out += other.map_or(*word, |(_, other)| other);
            let Some(next) = words.get(rank + 1) else { break };
            let digits = |word: &str| word.bytes().next_back().is_some_and(|b| b.is_ascii_digit());
            let signs = [";", ":", "=", "≥", "≤", "≠", "×", "+"];
            out += if digits(word) && next.starts_with(|c: char| c.is_ascii_digit()) {
                draw.pick(&[" ", "\u{A0}", "\u{202F}"])
            } else if in_text && inside {
                draw.pick(&[" ", "  ", "\n   ", "\u{A0}", "\r\n\t"])
            } else if *next == "»" || *word == "«" {
                draw.pick(&[" ", "", "\n  "])
            } else if in_text || inside {
                " "
            } else if next.starts_with('#') {
                draw.pick(&["", " ", "     "])
            } else if signs.contains(word) || signs.contains(next) {
                draw.pick(&["", " ", "   "])
            } else {
                draw.pick(&[" ", "  ", "    "])
            };
        }
        out += draw.pick(&["\n", "  \n", "\r\n", "\n"]);
    }
    out
}

/// The same words, with line breaks anywhere.
fn broken(text: &str, bytes: &[u8]) -> String {
    let mut draw = Draw(bytes.iter().cycle());
    let mut in_comment = false;
    let mut out = String::new();
    for c in text.chars() {
        in_comment = (in_comment || c == '#') && c != '\n';
        out.push(c);
        if c == ' ' && !in_comment && draw.one_in(9) {
            out += draw.pick(&["\n      ", "\n   ", "# une remarque\n ", "\n\n  # encore\n  "]);
        }
    }
    out
}

const FIXTURES: [&str; 2] =
    [include_str!("../fixtures/bibliotheques.pol"), include_str!("../fixtures/explication.pol")];

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn white_space_and_spellings_do_not_matter(bytes in prop::collection::vec(any::<u8>(), 1..200), which in 0..2_usize) {
        let canonical = FIXTURES[which];
        let text = untidy(canonical, &bytes);
        let (result, _) = formatted("untidy", &text).unwrap_or_else(|| panic!("cannot be read:\n{text}"));
        prop_assert_eq!(result, canonical, "{}", text);
    }

    #[test]
    fn line_breaks_and_comments_anywhere_keep_the_meaning(
        bytes in prop::collection::vec(any::<u8>(), 1..200),
        which in 0..2_usize,
    ) {
        // A declaration that cannot be read so (a number away from its unit) is left out.
        let text = broken(FIXTURES[which], &bytes);
        let mut declarations = text.split("\n\n").filter(|part| !part.starts_with(' '));
        prop_assert!(declarations.any(|declaration| check("broken", &(declaration.to_owned() + "\n")).is_some()));
    }
}
