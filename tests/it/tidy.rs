//! The invariants of docs/dev/architecture.md that a reader of files can check.

use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![root().join(folder)];
    while let Some(path) = pending.pop() {
        let Ok(entries) = std::fs::read_dir(&path) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Lines of code outside comments that hold a word, but for the files excused.
fn mentions(folders: &[&str], word: &str, excused: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for path in folders.iter().flat_map(|folder| rust_files(folder)) {
        let name = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
        if name.ends_with("tests.rs") || excused.iter().any(|excuse| name.starts_with(excuse)) {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a source file");
        for (index, line) in text.lines().enumerate() {
            if !line.trim_start().starts_with("//") && line.contains(word) {
                found.push(format!("{name}:{} {}", index + 1, line.trim()));
            }
        }
    }
    found
}

const CODE: [&str; 4] = ["dsl/src", "compiler/src", "runtime/src", "src"];

#[test]
fn only_the_parser_knows_pest() {
    assert_eq!(mentions(&CODE, "pest", &["dsl/src/parser"]), Vec::<String>::new());
}

#[test]
fn only_codegen_knows_cranelift() {
    assert_eq!(mentions(&CODE, "cranelift", &["compiler/src/codegen"]), Vec::<String>::new());
}

#[test]
fn only_the_terminal_renderer_knows_miette() {
    assert_eq!(mentions(&CODE, "miette", &["dsl/src/diagnostic/render/terminal.rs"]), Vec::<String>::new());
}

#[test]
fn only_the_shell_touches_files() {
    assert_eq!(
        mentions(&["dsl/src", "compiler/src", "runtime/src"], "std::fs", &["runtime/src/io"]),
        Vec::<String>::new()
    );
    assert_eq!(
        mentions(&["dsl/src", "compiler/src", "runtime/src"], "std::env", &["runtime/src/io"]),
        Vec::<String>::new()
    );
    assert_eq!(
        mentions(&["dsl/src", "compiler/src", "runtime/src"], "std::time", &["runtime/src/io", "runtime/src/bench"]),
        Vec::<String>::new()
    );
}

#[test]
fn unsafe_code_stands_in_one_file() {
    assert_eq!(mentions(&CODE, "unsafe {", &["compiler/src/codegen/jit.rs"]), Vec::<String>::new());
}

/// The words of the agreement belong in policies.
#[test]
fn no_law_in_the_code() {
    for word in ["bcp_", "patientele", "polyvalent", "rosp", "finess", "infirmier", "dentaire"] {
        assert_eq!(mentions(&CODE, word, &[]), Vec::<String>::new(), "« {word} »");
    }
}

/// Reports aside, no binary floating point.
#[test]
fn no_floating_point_in_computations() {
    // Files may hold binary numbers: one place knows what decimals they are.
    let excused = ["runtime/src/bench", "runtime/src/io/float.rs", "src/"];
    for word in ["f32", "f64"] {
        let found = mentions(&CODE, word, &excused);
        assert_eq!(found, Vec::<String>::new());
    }
}
