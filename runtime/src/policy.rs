//! A policy ready to use: its sources and its typed program.

use std::path::Path;
use std::sync::Arc;

use polc_compiler::Selection;
use polc_compiler::typed::Program;
use polc_dsl::SourceMap;
use polc_dsl::diagnostic::Diagnostic;

use crate::io;

/// Sources and program, which belong together: explanations quote the first to explain the second.
#[derive(Clone, Debug)]
pub struct Policy {
    pub sources: SourceMap,
    /// The state of the law and the readings that the program is of.
    pub selection: Selection,
    pub program: Arc<Program>,
}

impl Policy {
    /// Reads and compiles the policy at a path: a folder of `.pol` files, or one file.
    ///
    /// # Errors
    /// The diagnostics, with the sources they point into. Files that cannot be read (`POL5019`, `POL0001`, `POL0002`) are
    /// reported alone: what they would have declared is not known.
    pub fn load(path: &Path, selection: &Selection) -> Result<Self, (SourceMap, Vec<Diagnostic>)> {
        let (sources, problems) = io::policy::load(path);
        if problems.is_empty() { Self::build(sources, selection) } else { Err((sources, problems)) }
    }

    /// Compiles sources under a selection of readings and amendments.
    ///
    /// # Errors
    /// The diagnostics, with the sources they point into.
    pub fn build(sources: SourceMap, selection: &Selection) -> Result<Self, (SourceMap, Vec<Diagnostic>)> {
        match polc_compiler::analyse(&sources, selection) {
            (Some(program), _) => Ok(Self { sources, selection: selection.clone(), program: Arc::new(program) }),
            (None, diagnostics) => Err((sources, diagnostics)),
        }
    }
}
