//! From syntax trees to typed programs and machine code: names, types, units, dates, completeness, lowering, codegen.
//!
//! A pass is a free function from one stage's type to the next: [`resolve::resolve`], [`check::check`].

pub mod calendar;
pub mod check;
pub mod codegen;
pub mod diagnostics;
mod expand;
pub mod hir;
pub mod ir;
pub mod lower;
pub mod num;
pub mod resolve;
pub mod typed;
pub mod units;

use polc_dsl::SourceMap;
use polc_dsl::diagnostic::{Diagnostic, once, sort};

pub use hir::Selection;

/// Parses, resolves and checks a policy. The program is there only when nothing is wrong; the diagnostics are in the
/// order of the text.
#[must_use]
pub fn analyse(sources: &SourceMap, selection: &Selection) -> (Option<typed::Program>, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let mut files = Vec::new();
    for id in sources.ids() {
        let (file, problems) = polc_dsl::parse(sources, id);
        files.push(file);
        diagnostics.extend(problems);
    }
    let unread = !diagnostics.is_empty();
    let templates = expand::templates(&files);
    diagnostics.extend(expand::expand(sources, &mut files));
    let (resolved, problems) = resolve::resolve(&files, selection);
    diagnostics.extend(problems);
    let (program, problems) = check::check(&resolved);
    diagnostics.extend(problems);
    if unread {
        // What a broken declaration would have named or read is not known.
        diagnostics.retain(|d| !CONSEQUENCES.contains(&d.code.id));
    }
    sort(&mut diagnostics);
    once(&mut diagnostics, &templates);
    (program.filter(|_| diagnostics.is_empty()), diagnostics)
}

/// Codes that may only follow from a declaration that could not be read.
const CONSEQUENCES: [&str; 2] = ["POL1001", "POL1009"];
