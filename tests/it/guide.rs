//! The guide is true: each page of `docs/guide/` is a policy of its own, written block after block, with its data, its
//! commands and what they answer.
//!
//! - `pol` blocks follow one another in `politique/accord.pol`, or in the file that they name.
//! - `csv` blocks are the file that they name.
//! - `pol-erreur` blocks are wrong on purpose: without a name the block follows the ones above; with a name, it is a file
//!   beside the whole policy of the page. The commands of the next `console` block meet it, then it is removed.
//! - `console` blocks hold commands (`$ polc …`, `$ cat …`) and their exact output, durations aside. They succeed, unless
//!   the block is wrong or the data are (`POL5…`).
//! - `sh` and `text` blocks are not run.
//!
//! `POLC_GUIDE=1` writes what the commands answer into the pages.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cli::without_durations;

const MAIN_FILE: &str = "accord.pol";

fn guide() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide")
}

fn pages() -> Vec<String> {
    let names = fs::read_dir(guide()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut pages: Vec<String> = names.filter(|name| name.ends_with(".md") && name != "README.md").collect();
    pages.sort();
    pages
}

struct Block<'a> {
    language: &'a str,
    file: Option<&'a str>,
    /// Its lines, without the fences.
    first: usize,
    end: usize,
}

fn blocks<'a>(lines: &[&'a str]) -> Vec<Block<'a>> {
    let mut blocks = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        if let Some(info) = lines[at].strip_prefix("```") {
            let (language, file) = info.split_once(' ').map_or((info, None), |(language, file)| (language, Some(file)));
            let length = lines[at + 1..].iter().position(|line| *line == "```").expect("a block that is closed");
            blocks.push(Block { language, file, first: at + 1, end: at + 1 + length });
            at += length + 1;
        }
        at += 1;
    }
    blocks
}

/// The files of a page, where commands run.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap_or_default()
    }

    /// Adds a block to a file of the policy, after an empty line.
    fn add(&self, file: Option<&str>, text: &str) {
        let name = format!("politique/{}", file.unwrap_or(MAIN_FILE));
        let before = self.read(&name);
        let separator = if before.is_empty() { "" } else { "\n" };
        self.write(&name, &format!("{before}{separator}{text}"));
    }

    /// What a command answers, and whether it is satisfied.
    fn run(&self, command: &str) -> (String, bool) {
        let mut words = command.split(' ');
        match words.next().unwrap() {
            "cat" => (self.read(words.next().unwrap()), true),
            "polc" => {
                let mut polc = Command::new(env!("CARGO_BIN_EXE_polc"));
                let output = polc.args(words).current_dir(self.0.path()).output().unwrap();
                let mut text = String::from_utf8(output.stdout).unwrap();
                text.push_str(std::str::from_utf8(&output.stderr).unwrap());
                (text, output.status.success())
            }
            other => panic!("a page does not run « {other} »"),
        }
    }
}

/// The policy that all the blocks of a page make.
fn whole_policy(lines: &[&str], blocks: &[Block]) -> Folder {
    let folder = Folder::new();
    for block in blocks {
        let text = text(lines, block);
        match (block.language, block.file) {
            ("pol", file) => folder.add(file, &text),
            ("csv", Some(file)) => folder.write(file, &text),
            _ => {}
        }
    }
    folder
}

fn text(lines: &[&str], block: &Block) -> String {
    lines[block.first..block.end].iter().fold(String::new(), |text, line| text + line + "\n")
}

/// Runs the commands of a block: the block as it should read.
fn transcript(folder: &Folder, block: &str, wrong: bool, place: &str) -> String {
    let mut transcript = String::new();
    let mut refused = false;
    for command in block.lines().filter_map(|line| line.strip_prefix("$ ")) {
        let (output, good) = folder.run(command);
        let bad_data = output.lines().any(|line| line.starts_with("POL5"));
        assert!(good || wrong || bad_data, "{place}: {command}\n{output}");
        refused |= !good;
        let _ = writeln!(transcript, "$ {command}\n{}", output.trim_end());
    }
    assert!(refused || !wrong, "{place}: what is shown as wrong is accepted");
    transcript.replace("\n\n$ ", "\n$ ")
}

fn check(page: &str) {
    let path = guide().join(page);
    let document = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = document.lines().collect();
    let all = blocks(&lines);
    let mut folder = Folder::new();
    let mut wrong: Option<Folder> = None;
    let mut answers: BTreeMap<usize, (usize, String)> = BTreeMap::new();
    for block in &all {
        let place = format!("{page}, line {}", block.first);
        let text = text(&lines, block);
        let after_wrong = wrong.is_some();
        assert!(
            !after_wrong || block.language == "console",
            "{place}: a wrong block without the command that refuses it"
        );
        match (block.language, block.file) {
            ("pol", file) => folder.add(file, &text),
            ("csv", Some(file)) => folder.write(file, &text),
            ("pol-erreur", file @ Some(_)) => {
                let draft = whole_policy(&lines, &all);
                draft.add(file, &text);
                wrong = Some(draft);
            }
            ("pol-erreur", None) => {
                let draft = whole_policy(&lines, &all[..all.iter().position(|b| b.first == block.first).unwrap()]);
                draft.add(None, &text);
                wrong = Some(draft);
            }
            ("console", None) => {
                let answer = match wrong.take() {
                    Some(draft) => transcript(&draft, &text, true, &place),
                    None => transcript(&folder, &text, false, &place),
                };
                answers.insert(block.first, (block.end, answer));
            }
            ("sh" | "text", None) => {}
            (language, file) => panic!("{place}: unknown block « {language} {} »", file.unwrap_or_default()),
        }
    }
    assert!(wrong.is_none(), "{page}: a wrong block without the command that refuses it");

    answers.retain(|first, (end, answer)| {
        let shown = lines[*first..*end].join("\n") + "\n";
        without_durations(&shown) != without_durations(answer)
    });
    if std::env::var_os("POLC_GUIDE").is_some() {
        write_answers(&path, &lines, &answers);
    } else if let Some((first, (_, answer))) = answers.first_key_value() {
        panic!("{page}, line {first}: the output is not the one shown, but (POLC_GUIDE=1 writes it)\n{answer}");
    }

    if all.iter().any(|block| block.language == "pol") {
        folder = whole_policy(&lines, &all);
        for command in ["polc check politique", "polc test politique"] {
            let (output, good) = folder.run(command);
            assert!(good, "{page}, as a whole: {command}\n{output}");
            assert!(!output.starts_with("0 exemple"), "{page}: no example");
        }
    }
}

fn write_answers(path: &Path, lines: &[&str], answers: &BTreeMap<usize, (usize, String)>) {
    let mut text = String::new();
    let mut at = 0;
    for (first, (end, answer)) in answers {
        lines[at..*first].iter().for_each(|line| text = format!("{text}{line}\n"));
        text.push_str(answer);
        at = *end;
    }
    lines[at..].iter().for_each(|line| text = format!("{text}{line}\n"));
    fs::write(path, text).unwrap();
}

#[test]
fn the_pages_are_true() {
    for page in pages() {
        check(&page);
    }
}

#[test]
fn the_summary_names_every_page_in_order() {
    let summary = fs::read_to_string(guide().join("README.md")).unwrap();
    let links = summary.split("](").skip(1).map(|part| part.split_once(')').unwrap().0);
    let known: Vec<&str> = links.filter(|link| link.ends_with(".md") && !link.contains('/')).collect();
    assert_eq!(known, pages());
}

#[test]
fn the_links_lead_somewhere() {
    for page in pages().iter().map(String::as_str).chain(["README.md"]) {
        let text = fs::read_to_string(guide().join(page)).unwrap();
        for link in text.split("](").skip(1).map(|part| part.split_once(')').unwrap().0) {
            let file = link.split('#').next().unwrap();
            assert!(link.starts_with("http") || guide().join(file).exists(), "{page}: {link}");
        }
    }
}
