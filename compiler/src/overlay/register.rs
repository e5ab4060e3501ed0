//! The amendments of a policy: their headers, their order, which a selection takes, and to which law an example belongs.

use std::collections::BTreeSet;
use std::sync::Arc;

use polc_dsl::ast::{self, CitationKind, ClauseKind as K, Item, ItemKind, Name};
use polc_dsl::diagnostic::Diagnostic;
use polc_dsl::{FileId, Span};

use super::{Set, is_example};
use crate::calendar::Date;
use crate::diagnostics::{self as common, amendments as say};
use crate::hir::Selection;
use crate::resolve::item_word;
use crate::typed::{Amendment, Citation};

/// One amendment, as its header says.
#[derive(Debug)]
pub struct Header<'f> {
    pub name: &'f Name,
    pub item: &'f Item,
    pub file: &'f ast::File,
    signed: Option<Date>,
    published: Option<Date>,
    draft: bool,
    /// Those that it says it comes after: ranks in the register.
    after: Vec<(&'f Name, usize)>,
}

impl Header<'_> {
    /// When it was known: published, else signed.
    fn known(&self) -> Option<Date> {
        self.published.or(self.signed)
    }
}

/// The amendments of a policy, in the order in which they apply.
#[derive(Debug)]
pub struct Register<'f> {
    list: Vec<Header<'f>>,
    /// For each, all those that it comes after, one through another.
    before: Vec<Set>,
}

impl<'f> Register<'f> {
    /// Reads the headers of the amendments, and reports declarations that stand where they cannot.
    #[must_use]
    pub fn read(files: &'f [ast::File]) -> (Self, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        let mut list: Vec<Header<'f>> = Vec::new();
        for file in files {
            let header = file.items.first().filter(|item| matches!(item.kind, ItemKind::Amendment));
            misplaced(file, header, &mut diagnostics);
            let Some((item, name)) = header.and_then(|item| Some((item, item.name.as_ref()?))) else { continue };
            match list.iter().find(|known| known.name.node == name.node) {
                Some(first) => diagnostics.push(common::duplicate_name(&name.node, name.span, first.name.span)),
                None => list.push(header_of(file, item, name, &mut diagnostics)),
            }
        }
        let register = ordered(list, &mut diagnostics);
        register.check_order(&mut diagnostics);
        for item in files.iter().flat_map(|file| &file.items) {
            register.check_names(item, &mut diagnostics);
        }
        (register, diagnostics)
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    #[must_use]
    pub fn get(&self, rank: usize) -> &Header<'f> {
        &self.list[rank]
    }

    /// The amendment that a file is.
    #[must_use]
    pub fn home(&self, file: FileId) -> Option<usize> {
        self.list.iter().position(|header| header.file.id == file)
    }

    /// Whether the first comes after the second.
    #[must_use]
    pub fn comes_after(&self, later: usize, earlier: usize) -> bool {
        self.before[later].contains(&earlier)
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.list.iter().position(|header| *header.name.node == *name)
    }

    fn all_names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|header| &*header.name.node)
    }

    #[must_use]
    pub fn ranks(&self, names: &BTreeSet<String>) -> Set {
        names.iter().filter_map(|name| self.find(name)).collect()
    }

    #[must_use]
    pub fn names(&self, set: &Set) -> BTreeSet<String> {
        set.iter().map(|rank| self.list[*rank].name.node.to_string()).collect()
    }

    /// The selection in which exactly these apply, the others being there for examples that name them.
    #[must_use]
    pub fn select(&self, all: &Set, version: &Set) -> Selection {
        Selection { with: self.names(all), version: Some(self.names(version)), ..Selection::default() }
    }

    /// What a selection takes: all but drafts, or what was known at a date; then what it asks for by name.
    #[must_use]
    pub fn chosen(&self, selection: &Selection) -> (Set, Vec<Diagnostic>) {
        let mut diagnostics = Vec::new();
        let known_then = |header: &Header<'_>| match selection.as_of {
            None => true,
            Some(date) => header.known().is_some_and(|known| known <= date),
        };
        let mut set: Set =
            (0..self.len()).filter(|rank| !self.list[*rank].draft && known_then(&self.list[*rank])).collect();
        let anywhere = self.list.first().map_or(FileId(0), |header| header.file.id);
        for (names, included) in [(&selection.with, true), (&selection.without, false)] {
            for name in names {
                match self.find(name) {
                    None => diagnostics.push(say::unknown(name, anywhere, self.all_names())),
                    Some(rank) if included => {
                        set.insert(rank);
                    }
                    Some(rank) if selection.with.contains(name) => {
                        diagnostics.push(say::with_and_without(self.list[rank].name));
                    }
                    Some(rank) => {
                        set.remove(&rank);
                    }
                }
            }
        }
        self.check_closed(&set, None, &mut diagnostics);
        (set, diagnostics)
    }

    fn is_closed(&self, set: &Set) -> bool {
        set.iter().all(|rank| self.list[*rank].after.iter().all(|(_, earlier)| set.contains(earlier)))
    }

    /// An amendment applies only over those that it comes after.
    fn check_closed(&self, set: &Set, at: Option<Span>, diagnostics: &mut Vec<Diagnostic>) {
        for rank in set {
            for (name, earlier) in self.list[*rank].after.iter().filter(|(_, earlier)| !set.contains(earlier)) {
                let header = &self.list[*rank];
                diagnostics.push(say::left_out(header.name, name, self.list[*earlier].draft, at));
            }
        }
    }

    /// An amendment over those before it: those that it comes after, and those that apply by themselves.
    #[must_use]
    pub fn closure(&self, rank: usize) -> Set {
        let mut set = self.before[rank].clone();
        set.extend((0..rank).filter(|earlier| !self.list[*earlier].draft));
        set.insert(rank);
        set
    }

    /// The law under which an example is worked: that of its file, less and more what it names. `None` where the selection
    /// leaves out an amendment that it is about.
    #[must_use]
    pub fn law_of(&self, item: &Item, home: Option<usize>, chosen: &Set) -> Option<Set> {
        let mut set = home.map(|rank| self.closure(rank)).unwrap_or_default();
        let mut wanted: Vec<usize> = home.into_iter().collect();
        for (rank, included) in self.named(item) {
            if included {
                set.extend(self.closure(rank));
                wanted.push(rank);
            }
        }
        for (rank, _) in self.named(item).into_iter().filter(|(_, included)| !included) {
            set.remove(&rank);
        }
        set.retain(|rank| chosen.contains(rank));
        wanted.iter().all(|rank| chosen.contains(rank)).then_some(set)
    }

    /// The amendments that an example asks for or leaves out.
    fn named(&self, item: &Item) -> Vec<(usize, bool)> {
        let clauses = item.clauses.iter().filter_map(|clause| match &clause.kind {
            K::UnderAmendments { names, included } => Some((names, *included)),
            _ => None,
        });
        let ranks = |(names, included): (&Vec<Name>, bool)| {
            let found = names.iter().filter_map(|name| self.find(&name.node));
            found.map(|rank| (rank, included)).collect::<Vec<_>>()
        };
        clauses.flat_map(ranks).collect()
    }

    /// The laws of all the examples.
    #[must_use]
    pub fn laws_of_examples(&self, files: &[ast::File], chosen: &Set) -> Vec<Set> {
        let mut sets = Vec::new();
        for file in files {
            let home = self.home(file.id);
            let examples = file.items.iter().map(written).filter(|item| is_example(item));
            sets.extend(examples.filter_map(|item| self.law_of(item, home, chosen)));
        }
        sets.retain(|set| self.is_closed(set));
        sets.sort_by(|a, b| a.iter().rev().cmp(b.iter().rev()));
        sets
    }

    /// What the commands say of the amendments.
    #[must_use]
    pub fn describe(&self, included: &Set) -> Vec<Amendment> {
        let describe = |(rank, header): (usize, &Header<'_>)| Amendment {
            name: header.name.node.clone(),
            title: header.item.title.as_ref().map_or_else(|| header.name.node.clone(), |title| title.node.clone()),
            citations: header
                .item
                .clauses
                .iter()
                .flat_map(|clause| match &clause.kind {
                    K::Reference(citations) => citations.iter().map(citation).collect(),
                    _ => Vec::new(),
                })
                .collect(),
            signed: header.signed,
            published: header.published,
            draft: header.draft,
            after: header.after.iter().map(|(name, _)| name.node.clone()).collect(),
            included: included.contains(&rank),
            file: header.file.id,
            span: header.name.span,
        };
        self.list.iter().enumerate().map(describe).collect()
    }

    /// The order must be that in which they were known.
    fn check_order(&self, diagnostics: &mut Vec<Diagnostic>) {
        for header in &self.list {
            for (name, earlier) in &header.after {
                let earlier = &self.list[*earlier];
                if earlier.draft && !header.draft {
                    diagnostics.push(say::after_draft(header.name, name, earlier.name));
                } else if let (Some(own), Some(other)) = (header.known(), earlier.known())
                    && own < other
                {
                    diagnostics.push(say::known_before(header.name, name, earlier.name));
                }
            }
        }
    }

    /// The amendments that examples name exist, and what is left does not need what is taken away.
    fn check_names(&self, item: &Item, diagnostics: &mut Vec<Diagnostic>) {
        let item = written(item);
        for clause in &item.clauses {
            let K::UnderAmendments { names, .. } = &clause.kind else { continue };
            if !is_example(item) {
                diagnostics.push(say::law_of_rows(clause.span));
                continue;
            }
            for name in names.iter().filter(|name| self.find(&name.node).is_none()) {
                diagnostics.push(common::unknown_declared("l'avenant", name, self.all_names()));
            }
            let everything: Set = (0..self.len()).collect();
            if let Some(set) = self.law_of(item, self.home(item.span.file), &everything) {
                self.check_closed(&set, Some(clause.span), diagnostics);
            }
        }
    }
}

/// The declaration that an insertion holds, or the one written alone.
pub fn written(item: &Item) -> &Item {
    match &item.kind {
        ItemKind::Change(ast::Change::Insert(inner)) => inner,
        _ => item,
    }
}

pub(super) fn citation(written: &ast::Citation) -> Citation {
    let place: Arc<str> = match &written.kind {
        CitationKind::Article(number) => format!("article {number}").into(),
        CitationKind::Annex(number) => format!("annexe {number}").into(),
        CitationKind::Free(text) => text.clone(),
    };
    Citation { place, text: written.of.as_ref().map(|name| name.node.clone()) }
}

/// Changes outside amendments, headers inside files, and plain declarations in amendments.
fn misplaced(file: &ast::File, header: Option<&Item>, diagnostics: &mut Vec<Diagnostic>) {
    for (rank, item) in file.items.iter().enumerate() {
        let head = item.name.as_ref().map_or(item.span, |name| name.span);
        match &item.kind {
            ItemKind::Amendment if rank > 0 => diagnostics.push(say::header_inside(head)),
            ItemKind::Change(_) if header.is_none() => diagnostics.push(say::change_outside(head)),
            ItemKind::Change(_) | ItemKind::Amendment => {}
            ItemKind::Reading | ItemKind::Situation | ItemKind::Example | ItemKind::Control | ItemKind::Part => {}
            kind if header.is_some() => diagnostics.push(say::plain_declaration(head, item_word(kind))),
            _ => {}
        }
    }
}

fn header_of<'f>(file: &'f ast::File, item: &'f Item, name: &'f Name, diagnostics: &mut Vec<Diagnostic>) -> Header<'f> {
    let mut header = Header { name, item, file, signed: None, published: None, draft: false, after: Vec::new() };
    let mut seen: Vec<(&str, Span)> = Vec::new();
    for clause in &item.clauses {
        let word = crate::resolve::clause_word(&clause.kind);
        if let Some((_, first)) = seen.iter().find(|(known, _)| *known == word)
            && matches!(clause.kind, K::Dated { .. } | K::Draft)
        {
            diagnostics.push(common::repeated_clause(clause.span, *first, &format!("« {word} »")));
        }
        seen.push((word, clause.span));
        match &clause.kind {
            K::Dated { published, date } => {
                let day = Date::new(i64::from(date.node.year), date.node.month, date.node.day);
                match day {
                    None => diagnostics.push(common::bad_date(date.span)),
                    Some(_) if *published => header.published = day,
                    Some(_) => header.signed = day,
                }
            }
            K::Draft => header.draft = true,
            // Ranks are known once all headers are.
            K::After(earlier) => header.after.push((earlier, usize::MAX)),
            _ => {}
        }
    }
    let dated = item.clauses.iter().any(|clause| matches!(clause.kind, K::Dated { .. }));
    if !dated && !header.draft {
        let wanted = "sa date (« signé le … » ou « publié le … »), ou « projet »";
        diagnostics.push(common::missing_clause(name.span, "cet avenant", wanted));
    }
    if let (Some(signed), Some(published)) = (header.signed, header.published)
        && published < signed
    {
        diagnostics.push(say::published_before_signed(name.span));
    }
    if !item.clauses.iter().any(|clause| matches!(clause.kind, K::Reference(_))) {
        diagnostics.push(common::missing_reference(name.span, "un avenant"));
    }
    header
}

/// Puts amendments in order: each after those that it names; else as they were known, drafts last; else by name, so that
/// the names of files change nothing.
fn ordered<'f>(list: Vec<Header<'f>>, diagnostics: &mut Vec<Diagnostic>) -> Register<'f> {
    let mut register = Register { list: Vec::new(), before: Vec::new() };
    let names: Vec<&Name> = list.iter().map(|header| header.name).collect();
    let mut pending = list;
    for header in &pending {
        for (name, _) in &header.after {
            if !names.iter().any(|known| known.node == name.node) {
                diagnostics.push(common::unknown_declared("l'avenant", name, names.iter().map(|known| &*known.node)));
            }
        }
    }
    pending.sort_by_key(|header| (header.draft, header.known().is_none(), header.known(), header.name.node.clone()));
    while !pending.is_empty() {
        let waits = |header: &Header<'_>| {
            header.after.iter().any(|(name, _)| pending.iter().any(|other| other.name.node == name.node))
        };
        let ready = pending.iter().position(|header| !waits(header)).unwrap_or_else(|| {
            let circle: Vec<&Name> = pending.iter().filter(|header| waits(header)).map(|header| header.name).collect();
            diagnostics.push(say::circle(&circle));
            0
        });
        let mut header = pending.remove(ready);
        header.after =
            header.after.iter().filter_map(|(name, _)| register.find(&name.node).map(|rank| (*name, rank))).collect();
        let mut before = Set::new();
        for (_, earlier) in &header.after {
            before.insert(*earlier);
            before.extend(&register.before[*earlier]);
        }
        register.list.push(header);
        register.before.push(before);
    }
    register
}
