//! Amendments: files that change the law of the base. The law of a selection is made on syntax trees, before names are
//! resolved: the base is never edited, and an amendment left out leaves no trace.
//!
//! Two axes of time: provisions say the years in which they take effect, amendments say when they were known (signed,
//! published). The overlay of a selection is a policy like another, so both engines compute it without knowing.

mod apply;
mod clauses;
mod period;
mod register;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use polc_dsl::ast::{self, ClauseKind as K, Item, ItemKind};
use polc_dsl::diagnostic::Diagnostic;
use polc_dsl::{SourceMap, Span};

pub use clauses::{Clause, clauses, with_first};
pub(crate) use period::without as years_without;
pub use register::Register;

use crate::diagnostics::amendments as say;
use crate::hir::Selection;
use crate::typed::Amendment;

/// Ranks of amendments, in the order in which they apply.
pub type Set = BTreeSet<usize>;

/// The base with amendments laid over it.
#[derive(Debug)]
pub struct Law {
    pub files: Vec<ast::File>,
    /// Every amendment of the policy, those left out too.
    pub amendments: Vec<Amendment>,
    /// What the amendments changed, to say it where an error follows from it.
    pub marks: Vec<Mark>,
    /// Inputs that only other states of the law have.
    pub other_inputs: Vec<Arc<str>>,
    /// The amendments laid over the base.
    pub included: Set,
}

/// A change that was made.
#[derive(Clone, Debug)]
pub struct Mark {
    pub name: Arc<str>,
    pub span: Span,
    /// What was done, and by which amendment.
    pub words: String,
}

/// Lays the amendments of a selection over the base. Never fails: a change that cannot be made is left out and reported.
#[must_use]
pub fn overlay(written: &[ast::File], sources: &SourceMap, selection: &Selection) -> (Law, Vec<Diagnostic>) {
    let (register, mut diagnostics) = Register::read(written);
    let (chosen, problems) = register.chosen(selection);
    diagnostics.extend(problems);
    let included = match &selection.version {
        None => chosen.clone(),
        Some(names) => register.ranks(names),
    };
    let outcome = apply::apply(&register, written, sources, &included);
    diagnostics.extend(outcome.diagnostics);
    let mut files = outcome.files;
    for file in &mut files {
        let home = register.home(file.id);
        let belongs = |item: &Item| register.law_of(item, home, &chosen).as_ref() == Some(&included);
        file.items.retain(|item| !is_example(item) || belongs(item));
        // The examples of an amendment may be of a law without it.
        let Some(rank) = home.filter(|rank| !included.contains(rank)) else { continue };
        let items = || register.get(rank).file.items.iter().map(register::written);
        let examples: Vec<Item> = items().filter(|item| is_example(item) && belongs(item)).cloned().collect();
        if !examples.is_empty() {
            file.items = items().filter(|item| matches!(item.kind, ItemKind::Situation)).cloned().collect();
            file.items.extend(examples);
        }
    }
    let amendments = register.describe(&included);
    let mut other_inputs = inputs(written);
    let own = inputs(&files);
    other_inputs.retain(|name| !own.contains(name));
    (Law { files, amendments, marks: outcome.marks, other_inputs, included }, diagnostics)
}

/// The names of the inputs that files declare, insert or replace.
fn inputs(files: &[ast::File]) -> Vec<Arc<str>> {
    let items = files.iter().flat_map(|file| &file.items).map(register::written);
    let inputs = items.filter(|item| matches!(item.kind, ItemKind::Input(_)));
    inputs.filter_map(|item| item.name.as_ref()).map(|name| name.node.clone()).collect()
}

/// Whether a declaration is worked on data of its own: it belongs to one state of the law.
fn is_example(item: &Item) -> bool {
    match item.kind {
        ItemKind::Example => true,
        ItemKind::Control => !item.clauses.iter().any(|clause| matches!(clause.kind, K::EachRow | K::WholeData(_))),
        _ => false,
    }
}

/// The states of the law that a policy speaks of: the base alone, the base with each amendment after those before it, and
/// those that examples name. In the order in which amendments apply.
#[must_use]
pub fn versions(files: &[ast::File]) -> Vec<Selection> {
    let (register, _) = Register::read(files);
    let all: Set = (0..register.len()).collect();
    let mut sets = vec![Set::new()];
    sets.extend((0..register.len()).map(|rank| register.closure(rank)));
    sets.push(register.chosen(&Selection::default()).0);
    sets.extend(register.laws_of_examples(files, &all));
    distinct(sets).into_iter().map(|set| register.select(&all, &set)).collect()
}

/// The states of the law in which the examples of a selection are worked.
#[must_use]
pub fn versions_of_examples(files: &[ast::File], selection: &Selection) -> Vec<Selection> {
    let (register, _) = Register::read(files);
    let (chosen, _) = register.chosen(selection);
    let sets = distinct(register.laws_of_examples(files, &chosen));
    let version = |set: &Set| Selection { version: Some(register.names(set)), ..selection.clone() };
    sets.iter().map(version).collect()
}

fn distinct(sets: Vec<Set>) -> Vec<Set> {
    let mut result: Vec<Set> = Vec::new();
    for set in sets {
        if !result.contains(&set) {
            result.push(set);
        }
    }
    result
}

/// Says of each problem that an amendment brought which one it was, unless its place tells.
pub fn attribute(diagnostics: &mut [Diagnostic], law: &Law, files: &[ast::File]) {
    let (register, _) = Register::read(files);
    let Some(last) = law.included.last() else { return };
    for diagnostic in diagnostics {
        if diagnostic.labels.iter().any(|label| register.home(label.span.file).is_some()) {
            continue;
        }
        let quoted = |mark: &&Mark| diagnostic.message.contains(&format!("« {} »", mark.name));
        let (span, words) = match law.marks.iter().rev().find(quoted) {
            Some(mark) => (mark.span, mark.words.clone()),
            None => (register.get(*last).name.span, say::SINCE.to_owned()),
        };
        diagnostic.labels.push(polc_dsl::diagnostic::Label { span, text: words });
    }
}
