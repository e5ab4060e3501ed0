//! The changes themselves. Amendments are applied one after the other; two that touch the same provision, in the same cases
//! and years, must be ordered by their headers, so that the order chosen here never shows.

use std::collections::BTreeSet;
use std::mem::{Discriminant, discriminant};
use std::sync::Arc;

use polc_dsl::ast::{self, Cases, Change, ClauseKind as K, Item, ItemKind, Name, Target};
use polc_dsl::diagnostic::Diagnostic;
use polc_dsl::{FileId, SourceMap, Span};

use super::period::{cut, first_year, in_force, last_year, series, with_series, with_years, without};
use super::register::Register;
use super::{Mark, Set};
use crate::diagnostics::{self as common, amendments as say};
use crate::resolve::{accepts, item_word};
use crate::typed::Years;

/// The law after the changes.
pub struct Outcome {
    pub files: Vec<ast::File>,
    pub marks: Vec<Mark>,
    pub diagnostics: Vec<Diagnostic>,
}

/// Applies the amendments of a set to the base.
pub fn apply(register: &Register<'_>, files: &[ast::File], sources: &SourceMap, included: &Set) -> Outcome {
    let base = |file: &ast::File| register.home(file.id).is_none();
    let mut law = Overlay {
        register,
        sources,
        entries: Vec::new(),
        touches: Vec::new(),
        marks: Vec::new(),
        diagnostics: Vec::new(),
    };
    for file in files.iter().filter(|file| base(file)) {
        // A change outside an amendment was reported.
        let items = file.items.iter().filter(|item| !matches!(item.kind, ItemKind::Change(_) | ItemKind::Amendment));
        law.entries.extend(items.map(|item| Entry { item: item.clone(), place: file.id, made_by: None }));
    }
    for rank in included {
        law.amendment(*rank);
    }
    let mut result: Vec<ast::File> = files.iter().map(|file| ast::File { items: Vec::new(), ..file.clone() }).collect();
    // The base first, then the amendments in their order.
    result.sort_by_key(|file| register.home(file.id));
    for entry in law.entries {
        if let Some(file) = result.iter_mut().find(|file| file.id == entry.place) {
            file.items.push(entry.item);
        }
    }
    Outcome { files: result, marks: law.marks, diagnostics: law.diagnostics }
}

/// What a change aims at: the kind of a declaration and its name.
type Key = (Discriminant<ItemKind>, Arc<str>);

/// A declaration of the law being made.
struct Entry {
    item: Item,
    /// The file in which it stands.
    place: FileId,
    made_by: Option<usize>,
}

/// What an amendment changed.
struct Touch {
    key: Key,
    cases: CaseSet,
    years: Years,
    by: usize,
    span: Span,
    inserts: bool,
}

/// The cases that a declaration distinguishes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum CaseSet {
    All,
    Named(BTreeSet<Arc<str>>),
}

impl CaseSet {
    fn of_cases(cases: Option<&Cases>) -> Self {
        match cases {
            Some(Cases::Named(names)) => Self::Named(names.iter().map(|name| name.node.clone()).collect()),
            _ => Self::All,
        }
    }

    fn of(item: &Item) -> Self {
        let mut named = BTreeSet::new();
        for clause in &item.clauses {
            match &clause.kind {
                K::For { cases: Cases::All, .. } => return Self::All,
                K::For { cases: Cases::Named(names), .. } => named.extend(names.iter().map(|name| name.node.clone())),
                _ => {}
            }
        }
        if named.is_empty() { Self::All } else { Self::Named(named) }
    }

    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (Self::Named(_), Self::All) => false,
            (Self::Named(own), Self::Named(other)) => other.is_subset(own),
        }
    }

    fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Named(own), Self::Named(other)) => !own.is_disjoint(other),
            _ => true,
        }
    }
}

/// A change about to be made.
struct Aim<'c> {
    key: Key,
    name: &'c Name,
    cases: CaseSet,
    years: Years,
    span: Span,
    /// « remplace », « abroge »…
    verb: &'static str,
}

struct Overlay<'a, 'f> {
    register: &'a Register<'f>,
    sources: &'a SourceMap,
    entries: Vec<Entry>,
    touches: Vec<Touch>,
    marks: Vec<Mark>,
    diagnostics: Vec<Diagnostic>,
}

impl Overlay<'_, '_> {
    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn amendment(&mut self, rank: usize) {
        let register = self.register;
        let file = register.get(rank).file;
        // « partie x » alone says which part of the base takes the insertions that follow.
        let mut part = None;
        for item in &file.items {
            match &item.kind {
                ItemKind::Part => {
                    let joins = item.title.is_none() && item.clauses.is_empty();
                    part = joins.then(|| self.part(item)).flatten();
                    if part.is_none() {
                        self.entries.push(Entry { item: item.clone(), place: file.id, made_by: Some(rank) });
                    }
                }
                ItemKind::Change(Change::Insert(inner)) => self.insert(rank, inner, part),
                ItemKind::Change(Change::Replace(inner)) => self.replace(rank, inner),
                ItemKind::Change(Change::Repeal { target, from }) => self.repeal(rank, item, target, from.as_ref()),
                ItemKind::Change(Change::Row { replaces, cells }) => self.row(rank, item, *replaces, cells),
                ItemKind::Change(Change::RepealRow { key, from }) => self.repeal_row(rank, item, key, from.as_ref()),
                ItemKind::Change(Change::Postpone { target, from }) => self.postpone(rank, item, target, from),
                ItemKind::Change(Change::Extend { target, until }) => self.extend(rank, item, target, until),
                _ => self.entries.push(Entry { item: item.clone(), place: file.id, made_by: Some(rank) }),
            }
        }
    }

    /// A file of the part that an item names.
    fn part(&self, item: &Item) -> Option<FileId> {
        let named = |known: &Name| item.name.as_ref().is_some_and(|name| name.node == known.node);
        let parts = self.entries.iter().filter(|entry| matches!(entry.item.kind, ItemKind::Part));
        parts.filter(|entry| entry.item.name.as_ref().is_some_and(named)).map(|entry| entry.place).next()
    }

    fn insert(&mut self, rank: usize, item: &Item, part: Option<FileId>) {
        if let Some(name) = &item.name {
            let key = (discriminant(&item.kind), name.node.clone());
            let aim =
                Aim { key, name, cases: CaseSet::of(item), years: in_force(item), span: name.span, verb: "insère" };
            if !self.touch(rank, &aim, true) {
                return;
            }
        }
        let place = self.register.get(rank).file.id;
        let item = Item { home: part.unwrap_or(item.home), ..item.clone() };
        self.entries.push(Entry { item, place, made_by: Some(rank) });
    }

    fn replace(&mut self, rank: usize, item: &Item) {
        let Some(name) = &item.name else {
            self.report(say::no_name(item.span));
            return;
        };
        let is_parameter = matches!(item.kind, ItemKind::Parameter);
        let steps = series(item);
        let key = (discriminant(&item.kind), name.node.clone());
        let years = if is_parameter { span_of(&steps) } else { in_force(item) };
        let aim = Aim { key, name, cases: CaseSet::of(item), years, span: name.span, verb: "remplace" };
        let Some(mut hits) = self.hits(rank, &aim) else { return };
        if !self.same_conditions(rank, &aim, item, &mut hits) || !self.touch(rank, &aim, false) {
            return;
        }
        self.mark(rank, &aim);
        let mut pending = Some(item.clone());
        self.rewrite(rank, &hits, |old| {
            if is_parameter && !steps.is_empty() {
                let new = pending.take()?;
                let mut kept = series(old);
                for step in &steps {
                    kept = cut(&kept, step.years);
                }
                kept.extend(steps.iter().cloned());
                kept.sort_by_key(|step| step.years.first);
                let mut merged = with_series(&new, &kept);
                merged.title = merged.title.or_else(|| old.title.clone());
                let references = old.clauses.iter().filter(|clause| matches!(clause.kind, K::Reference(_)));
                merged.clauses.splice(0..0, references.cloned());
                return Some(vec![(merged, false)]);
            }
            let mut parts: Vec<(Item, bool)> = remains(old, years, name.span).into_iter().map(|i| (i, false)).collect();
            if let Some(new) = pending.take() {
                let place = parts.iter().take_while(|(part, _)| in_force(part).last < years.first).count();
                parts.insert(place, (new, true));
            }
            Some(parts)
        });
    }

    fn repeal(&mut self, rank: usize, item: &Item, target: &Target, from: Option<&ast::DateBound>) {
        let Some((aim, head)) = self.aim(rank, item, target, "abroge") else { return };
        let years = match from.map(first_year).transpose() {
            Ok(first) => Years { first: first.unwrap_or(Years::ALWAYS.first), ..Years::ALWAYS },
            Err(problem) => return self.report(problem),
        };
        let aim = Aim { years, ..aim };
        if from.is_some() && !is_dated(&head) {
            return self.report(say::not_dated(aim.span, item_word(&head)));
        }
        let Some(hits) = self.hits(rank, &aim) else { return };
        if !self.touch(rank, &aim, false) {
            return;
        }
        self.mark(rank, &aim);
        self.rewrite(rank, &hits, |old| {
            Some(remains(old, years, aim.span).into_iter().map(|item| (item, false)).collect())
        });
    }

    /// A row of a table, inserted or in the place of those of its key.
    fn row(&mut self, rank: usize, item: &Item, replaces: bool, cells: &[Option<ast::Expr>]) {
        let verb = if replaces { "remplace" } else { "insère" };
        let Some((aim, index)) = self.table(rank, item, verb) else { return };
        let span = item.span;
        let Some(key) = row_key(&self.entries[index].item, cells) else {
            return self.report(say::row_without_key(aim.span, &aim.name.node));
        };
        let row = Aim { key: (aim.key.0, row_name(aim.name, &key.node)), ..aim };
        if !self.touch(rank, &row, !replaces) {
            return;
        }
        let kind = match replaces {
            true => K::RowChange { key, cells: Some(cells.to_vec()), from: None },
            false => K::Row(cells.to_vec()),
        };
        self.entries[index].item.clauses.push(ast::Clause { kind, span });
    }

    fn repeal_row(&mut self, rank: usize, item: &Item, key: &ast::Text, from: Option<&ast::DateBound>) {
        let Some((aim, index)) = self.table(rank, item, "abroge") else { return };
        let from = match from.map(first_year).transpose() {
            Ok(from) => from.and_then(|year| u32::try_from(year).ok()),
            Err(problem) => return self.report(problem),
        };
        let row = Aim { key: (aim.key.0, row_name(aim.name, &key.node)), ..aim };
        if self.touch(rank, &row, false) {
            let kind = K::RowChange { key: key.clone(), cells: None, from };
            self.entries[index].item.clauses.push(ast::Clause { kind, span: item.span });
        }
    }

    /// The table that a change of rows names.
    fn table<'i>(&mut self, rank: usize, item: &'i Item, verb: &'static str) -> Option<(Aim<'i>, usize)> {
        let (aim, kind) = self.aim(rank, item, &Target { sort: None, cases: None }, verb)?;
        if !matches!(kind, ItemKind::Table) {
            let problem = say::not_a_table(aim.name, item_word(&kind));
            self.report(problem);
            return None;
        }
        let index = *self.hits(rank, &aim)?.first()?;
        Some((aim, index))
    }

    fn postpone(&mut self, rank: usize, item: &Item, target: &Target, from: &ast::DateBound) {
        let Some((aim, head)) = self.aim(rank, item, target, "reporte") else { return };
        let first = match first_year(from) {
            Ok(first) => first,
            Err(problem) => return self.report(problem),
        };
        if !is_dated(&head) {
            return self.report(say::not_dated(aim.span, item_word(&head)));
        }
        let Some(hits) = self.hits(rank, &aim) else { return };
        let spans = self.spans(&hits);
        let Some(start) = spans.iter().map(|years| years.first).max().filter(|y| *y > Years::ALWAYS.first) else {
            return self.report(say::no_beginning(aim.span, &aim.name.node));
        };
        if spans.iter().any(|years| years.first == start && years.last < first) {
            return self.report(say::after_its_end(aim.span, &aim.name.node, first));
        }
        let moved = Years { first: first.min(start), last: first.max(start) - 1 };
        if first == start {
            return self.report(say::already_so(aim.span, &aim.name.node));
        }
        let aim = Aim { years: moved, ..aim };
        if !self.touch(rank, &aim, false) {
            return;
        }
        self.mark(rank, &aim);
        // What ran until the beginning runs until the new one.
        let targets = hits.iter().map(|index| &self.entries[*index].item).filter(|item| starts_in(item, start));
        let cases: Vec<CaseSet> = targets.map(CaseSet::of).collect();
        let adjusted = |item: &Item, mut years: Years| {
            let own = CaseSet::of(item);
            if years.first == start {
                years.first = first;
            } else if !cases.iter().any(|cases| cases.meets(&own)) {
                return years;
            } else if years.last == start - 1 || (years.last >= first && years.first < start) {
                years.last = first - 1;
            }
            years
        };
        self.redate(rank, &hits, aim.span, adjusted);
    }

    fn extend(&mut self, rank: usize, item: &Item, target: &Target, until: &ast::DateBound) {
        let Some((aim, head)) = self.aim(rank, item, target, "proroge") else { return };
        let last = match last_year(until) {
            Ok(last) => last,
            Err(problem) => return self.report(problem),
        };
        if !is_dated(&head) {
            return self.report(say::not_dated(aim.span, item_word(&head)));
        }
        let Some(hits) = self.hits(rank, &aim) else { return };
        let spans = self.spans(&hits);
        let Some(end) = spans.iter().map(|years| years.last).max().filter(|y| *y < Years::ALWAYS.last) else {
            return self.report(say::no_end(aim.span, &aim.name.node));
        };
        if last <= end {
            return self.report(say::ends_later_already(aim.span, &aim.name.node, end));
        }
        let aim = Aim { years: Years { first: end + 1, last }, ..aim };
        if !self.touch(rank, &aim, false) {
            return;
        }
        self.mark(rank, &aim);
        self.redate(rank, &hits, aim.span, |_, mut years| {
            if years.last == end {
                years.last = last;
            }
            years
        });
    }

    /// Gives other years to declarations or, for parameters, to their values.
    fn redate(&mut self, rank: usize, hits: &[usize], span: Span, adjusted: impl Fn(&Item, Years) -> Years) {
        self.rewrite(rank, hits, |old| {
            if matches!(old.kind, ItemKind::Parameter) {
                let mut steps = series(old);
                steps.iter_mut().for_each(|step| step.years = adjusted(old, step.years));
                steps.retain(|step| step.years.first <= step.years.last);
                return Some(vec![(with_series(old, &steps), false)]);
            }
            let years = adjusted(old, in_force(old));
            if years == in_force(old) {
                return None;
            }
            let kept = (years.first <= years.last).then(|| (with_years(old, years, span), false));
            Some(kept.into_iter().collect())
        });
    }

    /// The years of what is aimed at; for a parameter, those of its values.
    fn spans(&self, hits: &[usize]) -> Vec<Years> {
        let items = hits.iter().map(|index| &self.entries[*index].item);
        items
            .flat_map(|item| match item.kind {
                ItemKind::Parameter => series(item).iter().map(|step| step.years).collect(),
                _ => vec![in_force(item)],
            })
            .collect()
    }

    /// Puts other declarations in the place of those aimed at: what `f` gives, with whether the amendment wrote it; `None`
    /// leaves one as it is.
    fn rewrite(&mut self, rank: usize, hits: &[usize], mut f: impl FnMut(&Item) -> Option<Vec<(Item, bool)>>) {
        let mut result = Vec::with_capacity(self.entries.len());
        for (index, entry) in std::mem::take(&mut self.entries).into_iter().enumerate() {
            match hits.contains(&index).then(|| f(&entry.item)).flatten() {
                None => result.push(entry),
                Some(items) => result.extend(items.into_iter().map(|(mut item, written)| {
                    // The part that governs what was replaced governs what replaces it.
                    item.home = entry.item.home;
                    Entry { item, place: entry.place, made_by: if written { Some(rank) } else { entry.made_by } }
                })),
            }
        }
        self.entries = result;
    }

    fn mark(&mut self, rank: usize, aim: &Aim<'_>) {
        let words = say::changed_here(aim.verb, self.register.get(rank).name);
        self.marks.push(Mark { name: aim.name.node.clone(), span: aim.span, words });
    }

    /// Records what an amendment changes; false if another, without an order between them, changes it too.
    fn touch(&mut self, rank: usize, aim: &Aim<'_>, inserts: bool) -> bool {
        let clash = self.touches.iter().find(|touch| {
            same_target(&touch.key, &aim.key)
                && !(inserts && touch.inserts)
                && !self.register.comes_after(rank, touch.by)
                && !(touch.by == rank && (inserts || touch.inserts))
                && touch.cases.meets(&aim.cases)
                && touch.years.overlap(aim.years).is_some()
        });
        if let Some(clash) = clash {
            let own = self.register.get(rank).name;
            let problem = if clash.by == rank {
                say::touched_twice(aim.name, clash.span, own)
            } else {
                say::conflict(aim.name, clash.span, own, self.register.get(clash.by).name)
            };
            self.report(problem);
            return false;
        }
        self.touches.push(Touch {
            key: aim.key.clone(),
            cases: aim.cases.clone(),
            years: aim.years,
            by: rank,
            span: aim.span,
            inserts,
        });
        true
    }

    /// What a change names, its kind told or found; with a kind of declaration to speak of.
    fn aim<'i>(
        &mut self,
        rank: usize,
        item: &'i Item,
        target: &Target,
        verb: &'static str,
    ) -> Option<(Aim<'i>, ItemKind)> {
        let name = item.name.as_ref()?;
        if !item.clauses.iter().any(|clause| matches!(clause.kind, K::Reference(_))) {
            self.report(common::missing_reference(name.span, say::change_word(verb)));
        }
        let mut kinds: Vec<ItemKind> = Vec::new();
        let named = self.entries.iter().filter(|e| e.made_by != Some(rank)).map(|entry| &entry.item);
        for found in named.filter(|found| found.name.as_ref().is_some_and(|n| n.node == name.node)) {
            let told = target.sort.as_ref().is_none_or(|sort| is_called(&found.kind, &sort.node));
            if told && !kinds.iter().any(|kind| discriminant(kind) == discriminant(&found.kind)) {
                kinds.push(found.kind.clone());
            }
        }
        if kinds.len() > 1 {
            let words: Vec<&str> = kinds.iter().map(item_word).collect();
            self.report(say::several_kinds(name, &words));
            return None;
        }
        let Some(kind) = kinds.pop() else {
            self.missing(rank, name, verb, target.sort.as_ref().map(|sort| &*sort.node), None);
            return None;
        };
        let aim = Aim {
            key: (discriminant(&kind), name.node.clone()),
            name,
            cases: CaseSet::of_cases(target.cases.as_ref()),
            years: Years::ALWAYS,
            span: name.span,
            verb,
        };
        Some((aim, kind))
    }

    /// The declarations aimed at; reports when there are none, or some that the change would cut through.
    fn hits(&mut self, rank: usize, aim: &Aim<'_>) -> Option<Vec<usize>> {
        let mut hits = Vec::new();
        let mut beside: Option<Span> = None;
        for (index, entry) in self.entries.iter().enumerate() {
            let Some(name) = entry.item.name.as_ref().filter(|name| name.node == aim.key.1) else { continue };
            if discriminant(&entry.item.kind) != aim.key.0 || entry.made_by == Some(rank) {
                continue;
            }
            let cases = CaseSet::of(&entry.item);
            let years =
                if matches!(entry.item.kind, ItemKind::Parameter) { Years::ALWAYS } else { in_force(&entry.item) };
            if !cases.meets(&aim.cases) || years.overlap(aim.years).is_none() {
                beside = Some(name.span);
            } else if aim.cases.covers(&cases) {
                hits.push(index);
            } else {
                let problem = say::partial_cases(self.register.get(rank).name, aim.verb, aim.name, name.span);
                self.report(problem);
                return None;
            }
        }
        if hits.is_empty() {
            self.missing(rank, aim.name, aim.verb, None, beside);
            return None;
        }
        Some(hits)
    }

    /// Where provisions of one name share cases and years, only their conditions tell them apart: keeps those that the new
    /// one repeats.
    fn same_conditions(&mut self, rank: usize, aim: &Aim<'_>, new: &Item, hits: &mut Vec<usize>) -> bool {
        let wanted = self.conditions(new);
        let shared = hits.iter().enumerate().find_map(|(i, a)| {
            let a = &self.entries[*a].item;
            let meets = |b: &&usize| {
                let b = &self.entries[**b].item;
                CaseSet::of(a).meets(&CaseSet::of(b)) && in_force(a).overlap(in_force(b)).is_some()
            };
            hits[i + 1..].iter().find(meets).copied()
        });
        let Some(shared) = shared.filter(|_| !wanted.is_empty()) else { return true };
        let same: Vec<usize> =
            hits.iter().copied().filter(|index| self.conditions(&self.entries[*index].item) == wanted).collect();
        if same.is_empty() {
            let other = self.entries[shared].item.name.as_ref().map_or(self.entries[shared].item.span, |n| n.span);
            let amendment = self.register.get(rank).name;
            self.report(say::partial_conditions(aim.name, amendment, other));
            return false;
        }
        *hits = same;
        true
    }

    /// The conditions of the « pour … lorsque » and « pour chaque … où » clauses, as written.
    fn conditions(&self, item: &Item) -> BTreeSet<String> {
        let conditions = item.clauses.iter().filter_map(|clause| match &clause.kind {
            K::For { condition: Some(condition), .. } | K::ForEach { condition: Some(condition), .. } => {
                Some(condition.span)
            }
            _ => None,
        });
        conditions.map(|span| self.sources.text(span).split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }

    /// A target that does not exist, with what explains it.
    fn missing(&mut self, rank: usize, name: &Name, verb: &str, sort: Option<&str>, beside: Option<Span>) {
        let amendment = self.register.get(rank).name;
        let named = |item: &Item| item.name.as_ref().filter(|known| known.node == name.node).map(|known| known.span);
        let own = self.touches.iter().find(|touch| touch.by == rank && touch.key.1 == name.node && !touch.inserts);
        if let Some(own) = own {
            return self.report(say::touched_twice(name, own.span, amendment));
        }
        if let Some(beside) = beside {
            return self.report(say::beside(amendment, verb, name, beside));
        }
        // What another amendment made or took away.
        let before =
            self.touches.iter().rev().find(|touch| touch.key.1 == name.node && touch.by != rank && !touch.inserts);
        if let Some(touch) = before {
            let (span, other) = (touch.span, self.register.get(touch.by).name);
            let ordered = self.register.comes_after(rank, touch.by);
            let problem = if ordered {
                say::changed_before(amendment, verb, name, span, other)
            } else {
                say::conflict(name, span, amendment, other)
            };
            return self.report(problem);
        }
        for other in (0..self.register.len()).filter(|other| *other != rank) {
            let header = self.register.get(other);
            let inserted = header.file.items.iter().find_map(|item| match &item.kind {
                ItemKind::Change(Change::Insert(inner)) => named(inner),
                _ => None,
            });
            if let Some(span) = inserted {
                return self.report(say::made_by_another(amendment, verb, name, span, header.name));
            }
        }
        let other_kind = self.entries.iter().find_map(|entry| named(&entry.item).map(|span| (span, &entry.item.kind)));
        if let Some((span, kind)) = other_kind {
            let problem = say::other_kind(amendment, verb, name, span, item_word(kind));
            return self.report(problem);
        }
        let holder = self.entries.iter().find_map(|entry| {
            let inner = inner_names(&entry.item).find(|inner| inner.node == name.node)?;
            Some((inner.span, entry.item.name.as_ref()?.node.clone()))
        });
        if let Some((span, holder)) = holder {
            return self.report(say::held_by(amendment, verb, name, span, &holder));
        }
        let known = self.entries.iter().filter(|entry| sort.is_none_or(|sort| is_called(&entry.item.kind, sort)));
        let known: Vec<&str> = known.filter_map(|entry| entry.item.name.as_ref()).map(|name| &*name.node).collect();
        let problem = say::no_target(amendment, verb, name, known);
        self.report(problem);
    }
}

/// A row, in what amendments touch: its table, then its key.
fn row_name(table: &Name, key: &str) -> Arc<str> {
    format!("{}\0{key}", table.node).into()
}

/// Whether one is the other, or the table of it.
fn same_target(a: &Key, b: &Key) -> bool {
    let holds = |table: &str, row: &str| row.strip_prefix(table).is_some_and(|rest| rest.starts_with('\0'));
    a.0 == b.0 && (a.1 == b.1 || holds(&a.1, &b.1) || holds(&b.1, &a.1))
}

/// The cell of the key of a table.
fn row_key(table: &Item, cells: &[Option<ast::Expr>]) -> Option<ast::Text> {
    let key = table.clauses.iter().find_map(|clause| match &clause.kind {
        K::Key(names) => names.first(),
        _ => None,
    })?;
    let columns = table.clauses.iter().filter_map(|clause| match &clause.kind {
        K::Column { name, .. } => Some(name),
        _ => None,
    });
    let rank = columns.map(|name| &name.node).position(|name| *name == key.node)?;
    let cell = cells.get(rank)?.as_ref()?;
    let node = match &cell.kind {
        ast::ExprKind::Text(text) | ast::ExprKind::Name(text) => text.clone(),
        ast::ExprKind::Number { value, .. } => value.digits.clone(),
        _ => return None,
    };
    Some(polc_dsl::Spanned { node, span: cell.span })
}

/// Whether a declaration, or a value of a parameter, takes effect in that year.
fn starts_in(item: &Item, year: i64) -> bool {
    match item.kind {
        ItemKind::Parameter => series(item).iter().any(|step| step.years.first == year),
        _ => in_force(item).first == year,
    }
}

/// The years that the values of a series cover.
fn span_of(steps: &[super::period::Step]) -> Years {
    let first = steps.iter().map(|step| step.years.first).min();
    let last = steps.iter().map(|step| step.years.last).max();
    match (first, last) {
        (Some(first), Some(last)) => Years { first, last },
        _ => Years::ALWAYS,
    }
}

/// What is left of a declaration when some years are taken from it.
fn remains(old: &Item, years: Years, span: Span) -> Vec<Item> {
    if matches!(old.kind, ItemKind::Parameter) {
        let steps = cut(&series(old), years);
        return if steps.is_empty() { Vec::new() } else { vec![with_series(old, &steps)] };
    }
    without(in_force(old), years).into_iter().map(|years| with_years(old, years, span)).collect()
}

/// Whether declarations of that kind have years of their own.
fn is_dated(kind: &ItemKind) -> bool {
    matches!(kind, ItemKind::Parameter) || (accepts(kind, "en vigueur") && !matches!(kind, ItemKind::Table))
}

/// Whether a word, with or without its accents, opens declarations of that kind.
fn is_called(kind: &ItemKind, word: &str) -> bool {
    let known = item_word(kind).split_once(' ').map_or("", |(_, noun)| noun);
    polc_dsl::diagnostic::same_word(known, word)
}

/// The quantities that a declaration gives besides its own.
fn inner_names(item: &Item) -> impl Iterator<Item = &Name> {
    item.clauses.iter().flat_map(|clause| match &clause.kind {
        K::Prerequisite { name, .. }
        | K::NamedCondition { name, .. }
        | K::DayCount { name, .. }
        | K::BlockTotal { name, .. }
        | K::Due { name, .. }
        | K::Recovery { name, .. }
        | K::ScheduleTotal { name, .. } => vec![name],
        K::BlockPrerequisites { met, count, .. } => vec![met, count],
        _ => Vec::new(),
    })
}
