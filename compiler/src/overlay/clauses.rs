//! The changes of an amendment one by one, and the amendment with only the first of them: what each of its clauses is worth
//! is the difference that it makes after those before it.

use std::sync::Arc;

use polc_dsl::Span;
use polc_dsl::ast::{self, Change, ClauseKind as K, Item, ItemKind};

use super::is_example;
use super::register::citation;
use crate::diagnostics::amendments as say;
use crate::typed::Citation;

/// A change that an amendment makes, in the order of its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    pub amendment: Arc<str>,
    /// « remplace paramètre », « abroge »…
    pub verb: String,
    pub name: Arc<str>,
    pub title: Option<Arc<str>>,
    pub citations: Vec<Citation>,
    pub span: Span,
}

/// The changes of an amendment.
#[must_use]
pub fn clauses(files: &[ast::File], amendment: &str) -> Vec<Clause> {
    let Some(file) = files.iter().find(|file| is_amendment(file, amendment)) else { return Vec::new() };
    let changes = file.items.iter().filter_map(|item| match &item.kind {
        ItemKind::Change(change) => Some((item, change)),
        _ => None,
    });
    changes.map(|(item, change)| clause(amendment, item, change)).collect()
}

fn clause(amendment: &str, item: &Item, change: &Change) -> Clause {
    let (verb, held) = match change {
        Change::Insert(inner) => (say::inserts(&inner.kind), &**inner),
        Change::Replace(inner) => (say::replaces(&inner.kind), &**inner),
        Change::Repeal { .. } => (say::repeals().to_owned(), item),
        Change::Row { replaces, .. } => (say::row_change(*replaces).to_owned(), item),
        Change::RepealRow { .. } => (say::repeals_row().to_owned(), item),
        Change::Postpone { .. } => (say::postpones().to_owned(), item),
        Change::Extend { .. } => (say::extends().to_owned(), item),
    };
    let cited = item.clauses.iter().chain(&held.clauses).filter_map(|clause| match &clause.kind {
        K::Reference(citations) => Some(citations),
        _ => None,
    });
    let mut citations: Vec<Citation> = Vec::new();
    for citation in cited.flatten().map(citation) {
        if !citations.contains(&citation) {
            citations.push(citation);
        }
    }
    let name = held.name.as_ref().or(item.name.as_ref());
    Clause {
        amendment: amendment.into(),
        verb,
        name: name.map_or_else(|| "".into(), |name| name.node.clone()),
        title: held.title.as_ref().map(|title| title.node.clone()),
        citations,
        span: item.span,
    }
}

/// The policy with the first changes of an amendment only. Its readings stay where what they replace is there; examples,
/// which are of whole states of the law, are left out.
#[must_use]
pub fn with_first(files: &[ast::File], amendment: &str, count: usize) -> Vec<ast::File> {
    let kept = |file: &ast::File| {
        let mut items = if is_amendment(file, amendment) { first(file, count) } else { file.items.clone() };
        items.retain(|item| {
            let written = super::register::written(item);
            !is_example(written) && !matches!(written.kind, ItemKind::Situation)
        });
        ast::File { items, ..file.clone() }
    };
    files.iter().map(kept).collect()
}

/// The declarations of an amendment up to one of its changes.
fn first(file: &ast::File, count: usize) -> Vec<Item> {
    let is_change = |item: &&Item| matches!(item.kind, ItemKind::Change(_));
    let before = |place: usize| file.items[..place].iter().filter(is_change).count();
    // The change that makes what a reading replaces may come after the reading.
    let maker = |item: &Item| {
        let replaced = item.clauses.iter().filter_map(|clause| match &clause.kind {
            K::Replaces { name, .. } => Some(&name.node),
            _ => None,
        });
        let made = |name: &Arc<str>| {
            file.items.iter().filter(is_change).position(|change| {
                let inner = super::register::written(change);
                inner.name.as_ref().is_some_and(|known| known.node == *name)
            })
        };
        replaced.filter_map(made).max()
    };
    let kept = |(place, item): (usize, &Item)| {
        let keep = match &item.kind {
            ItemKind::Amendment => true,
            ItemKind::Change(_) | ItemKind::Part => before(place) < count,
            ItemKind::Reading => maker(item).map_or(before(place) <= count, |maker| maker < count),
            _ => before(place) <= count,
        };
        keep.then(|| item.clone())
    };
    file.items.iter().enumerate().filter_map(kept).collect()
}

fn is_amendment(file: &ast::File, name: &str) -> bool {
    let header = file.items.first().filter(|item| matches!(item.kind, ItemKind::Amendment));
    header.and_then(|item| item.name.as_ref()).is_some_and(|known| *known.node == *name)
}
