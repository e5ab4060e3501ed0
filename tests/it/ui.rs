//! Diagnostics as documents: each `tests/ui/*.pol` is a small policy with a mistake, its snapshot the source and what is
//! said of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use polc_compiler::{Selection, analyse};
use polc_dsl::SourceMap;
use polc_dsl::diagnostic::render::terminal::{Style, render};
use polc_dsl::diagnostic::{Diagnostic, codes};

const STYLE: Style = Style { colour: false, width: 100 };

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui")
}

/// One case: a `.pol` file, or a folder of them.
struct Case {
    name: String,
    files: Vec<(String, String)>,
}

impl Case {
    fn read(path: &Path) -> Self {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut paths = vec![path.to_path_buf()];
        if path.is_dir() {
            paths = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
            paths.sort();
        }
        let files = paths
            .iter()
            .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap()))
            .collect();
        Self { name, files }
    }

    /// The code that the name announces, if it announces one.
    fn code(&self) -> Option<&str> {
        self.name.split('-').next().filter(|code| code.starts_with("POL"))
    }

    /// The readings that the first line asks for: `# lecture: nom=variante, autre=variante`.
    fn selection(&self) -> Selection {
        let first = self.files[0].1.lines().next().unwrap_or_default();
        let chosen = first.strip_prefix("# lecture:").unwrap_or_default();
        let pairs = chosen.split(',').filter_map(|pair| pair.trim().split_once('='));
        Selection { readings: pairs.map(|(reading, variant)| (reading.to_owned(), variant.to_owned())).collect() }
    }

    fn sources(&self) -> (SourceMap, Vec<Diagnostic>) {
        let mut sources = SourceMap::new();
        let problems = self.files.iter().filter_map(|(name, text)| sources.add(name, text.as_bytes()).1).collect();
        (sources, problems)
    }

    fn diagnose(&self) -> (SourceMap, Vec<Diagnostic>) {
        let (sources, mut diagnostics) = self.sources();
        diagnostics.extend(analyse(&sources, &self.selection()).1);
        (sources, diagnostics)
    }

    /// Source, then messages.
    fn document(&self) -> String {
        let (sources, diagnostics) = self.diagnose();
        let mut out = String::new();
        for (name, text) in &self.files {
            out += &format!("──── {name}\n{text}\n");
        }
        out += "──── messages\n";
        for diagnostic in &diagnostics {
            out += &render(diagnostic, &sources, STYLE);
        }
        out
    }
}

fn cases() -> Vec<Case> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() || path.extension().is_some_and(|extension| extension == "pol"))
        .collect();
    paths.sort();
    paths.iter().map(|path| Case::read(path)).collect()
}

#[test]
fn messages() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder());
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let failed: Vec<String> = cases()
        .into_iter()
        .filter(|case| {
            let check = || settings.bind(|| insta::assert_snapshot!(case.name.as_str(), case.document()));
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)).is_err()
        })
        .map(|case| case.name)
        .collect();
    assert!(failed.is_empty(), "snapshots that differ: {}", failed.join(", "));
}
