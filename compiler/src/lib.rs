//! From syntax trees to typed programs and machine code: names, types, units, dates, completeness, lowering, codegen.
//!
//! A pass is a free function from one stage's type to the next: [`overlay::overlay`], [`resolve::resolve`],
//! [`check::check`].

pub mod attribute;
pub mod calendar;
pub mod check;
pub mod codegen;
pub mod diagnostics;
mod expand;
pub mod hir;
pub mod ir;
pub mod lower;
pub mod num;
pub mod overlay;
pub mod plan;
pub mod resolve;
pub mod split;
pub mod typed;
pub mod units;

use polc_dsl::diagnostic::{Diagnostic, codes, once, sort};
use polc_dsl::{SourceMap, ast};
use rayon::prelude::*;

pub use hir::Selection;

/// Parses a policy, lays the amendments selected over its base, resolves and checks. The program is there only when nothing
/// is wrong; the diagnostics are in the order of the text.
#[must_use]
pub fn analyse(sources: &SourceMap, selection: &Selection) -> (Option<typed::Program>, Vec<Diagnostic>) {
    let (files, problems) = read(sources);
    let mut built = build(&files, sources, selection, &problems);
    if !built.diagnostics.is_empty() && !built.law.included.is_empty() {
        // What is wrong without the amendments is not their doing.
        let base = build(&files, sources, &base_of(selection), &problems);
        let known = |d: &Diagnostic| base.diagnostics.iter().any(|other| same(d, other));
        let (old, mut new): (Vec<_>, Vec<_>) = built.diagnostics.into_iter().partition(known);
        overlay::attribute(&mut new, &built.law, &files);
        built.diagnostics = old;
        built.diagnostics.extend(new);
    }
    finish(built.program, built.diagnostics)
}

/// What [`check_all`] found.
#[derive(Debug)]
pub struct Checked {
    /// The law without selection, if nothing is wrong in any.
    pub program: Option<typed::Program>,
    pub diagnostics: Vec<Diagnostic>,
    /// Examples and controls of all the states of the law.
    pub examples: usize,
    pub controls: usize,
}

/// Checks a policy in all its states: the base alone, with each amendment over those before it, drafts too, and those that
/// examples ask for.
#[must_use]
pub fn check_all(sources: &SourceMap) -> Checked {
    let (files, problems) = read(sources);
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    let (mut examples, mut situations) = (0, 0);
    let mut row_controls = 0;
    for selection in overlay::versions(&files) {
        let built = build(&files, sources, &selection, &problems);
        let (_, mut new): (Vec<_>, Vec<_>) =
            built.diagnostics.into_iter().partition(|d| diagnostics.iter().any(|other| same(d, other)));
        overlay::attribute(&mut new, &built.law, &files);
        diagnostics.extend(new);
        if let Some(program) = &built.program {
            examples += program.examples.len();
            let rows = program.controls.iter().filter(|control| control.is_on_data()).count();
            situations += program.controls.len() - rows;
            row_controls = row_controls.max(rows);
        }
    }
    let current = build(&files, sources, &Selection::default(), &problems);
    let (program, diagnostics) = finish(current.program, diagnostics);
    Checked { program, diagnostics, examples, controls: situations + row_controls }
}

/// The states of the law under which the examples of a selection are worked.
#[must_use]
pub fn versions_of_examples(sources: &SourceMap, selection: &Selection) -> Vec<Selection> {
    overlay::versions_of_examples(&read(sources).0, selection)
}

/// The amendments of a policy, as their headers say, and what is wrong with the choice that a selection makes among them.
#[must_use]
pub fn amendments(sources: &SourceMap, selection: &Selection) -> (Vec<typed::Amendment>, Vec<Diagnostic>) {
    let (files, _) = read(sources);
    let (register, _) = overlay::Register::read(&files);
    let (chosen, problems) = register.chosen(selection);
    (register.describe(&chosen), problems)
}

/// A policy read once, to build several states of its law.
#[derive(Debug)]
pub struct Trees<'s> {
    sources: &'s SourceMap,
    files: Vec<ast::File>,
    problems: Vec<Diagnostic>,
}

impl<'s> Trees<'s> {
    #[must_use]
    pub fn of(sources: &'s SourceMap) -> Self {
        let (files, problems) = read(sources);
        Self { sources, files, problems }
    }

    /// The changes that an amendment makes, in the order of its text.
    #[must_use]
    pub fn clauses(&self, amendment: &str) -> Vec<overlay::Clause> {
        overlay::clauses(&self.files, amendment)
    }

    /// The program of a selection; `None` if anything is wrong with it.
    #[must_use]
    pub fn build(&self, selection: &Selection) -> Option<typed::Program> {
        let partial = selection.clauses.as_ref().map(|(name, count)| overlay::with_first(&self.files, name, *count));
        let files = partial.as_ref().unwrap_or(&self.files);
        let built = build(files, self.sources, selection, &self.problems);
        built.program.filter(|_| built.diagnostics.is_empty())
    }
}

/// The syntax trees of a policy.
fn read(sources: &SourceMap) -> (Vec<ast::File>, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let mut files = Vec::new();
    let ids: Vec<_> = sources.ids().collect();
    let parsed: Vec<_> = ids.into_par_iter().map(|id| polc_dsl::parse(sources, id)).collect();
    for (file, problems) in parsed {
        files.push(file);
        diagnostics.extend(problems);
    }
    (files, diagnostics)
}

/// One state of the law.
struct Built {
    program: Option<typed::Program>,
    diagnostics: Vec<Diagnostic>,
    law: overlay::Law,
}

fn build(files: &[ast::File], sources: &SourceMap, selection: &Selection, unread: &[Diagnostic]) -> Built {
    let mut diagnostics = unread.to_vec();
    let (mut law, problems) = overlay::overlay(files, sources, selection);
    diagnostics.extend(problems);
    let templates = expand::templates(&law.files);
    diagnostics.extend(expand::expand(sources, &mut law.files));
    let (resolved, problems) = resolve::resolve(&law.files, selection);
    diagnostics.extend(problems);
    let (program, problems) = check::check(&resolved);
    diagnostics.extend(problems);
    if !unread.is_empty() {
        // What a broken declaration would have named or read is not known.
        diagnostics.retain(|d| !CONSEQUENCES.contains(&d.code.id));
    }
    // What an amendment leaves without use or effect had one before it: only what the last one declares must serve and apply.
    let last = law.amendments.iter().rev().find(|amendment| amendment.included).map(|amendment| amendment.file);
    let of_last = |d: &Diagnostic| match last {
        Some(file) => d.span().file == file,
        None => law.amendments.iter().all(|amendment| d.span().file != amendment.file),
    };
    diagnostics.retain(|d| !OUTLIVED.contains(&d.code.id) || of_last(d));
    sort(&mut diagnostics);
    once(&mut diagnostics, &templates);
    let program = program.map(|program| typed::Program {
        amendments: law.amendments.clone(),
        other_inputs: law.other_inputs.clone(),
        ..program
    });
    Built { program, diagnostics, law }
}

fn base_of(selection: &Selection) -> Selection {
    Selection { version: Some(std::collections::BTreeSet::new()), ..selection.clone() }
}

fn same(a: &Diagnostic, b: &Diagnostic) -> bool {
    a.code == b.code && a.span() == b.span() && a.message == b.message
}

fn finish(
    program: Option<typed::Program>,
    mut diagnostics: Vec<Diagnostic>,
) -> (Option<typed::Program>, Vec<Diagnostic>) {
    sort(&mut diagnostics);
    (program.filter(|_| diagnostics.is_empty()), diagnostics)
}

/// Codes of what an amendment may bring about without being wrong.
const OUTLIVED: [&str; 2] = [codes::UNUSED.id, codes::NEVER_APPLIES.id];

/// Codes that may only follow from a declaration that could not be read.
const CONSEQUENCES: [&str; 3] = ["POL1001", "POL1009", "POL4003"];
