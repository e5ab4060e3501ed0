//! From syntax trees to the resolved program: every declaration in its table, every name bound, every clause in its place.

mod clauses;
mod header;
mod provisions;
mod readings;

pub(crate) use clauses::{accepts, clause_word, item_word};

use std::sync::Arc;

use polc_dsl::Span;
use polc_dsl::ast::{self, CitationKind, Item, ItemKind, Name};
use polc_dsl::diagnostic::Diagnostic;

use crate::diagnostics as say;
use crate::hir::{Program, Scope, Selection, Symbol};
use crate::typed::{Citation, InputId, ParameterId, QuantityId, QuantityKind};

/// Units of the language itself, with their other spellings.
pub const BUILTIN_UNITS: [(&str, &[&str]); 4] =
    [("point", &["points"]), ("jour", &["jours"]), ("mois", &[]), ("an", &["ans", "année", "années"])];

/// Resolves the declarations of a policy under a selection of readings. Never fails: what could not be resolved is left
/// out and reported.
#[must_use]
pub fn resolve<'a>(files: &'a [ast::File], selection: &Selection) -> (Program<'a>, Vec<Diagnostic>) {
    let mut resolver = Resolver { program: Program::default(), diagnostics: Vec::new(), default_text: None };
    resolver.program.scopes.push(Scope::default());
    let items: Vec<&Item> = files.iter().flat_map(|file| &file.items).collect();
    resolver.header(&items, files.first().map(|file| file.id));
    resolver.parts(&items);
    resolver.units(&items);
    for item in &items {
        resolver.declare(item);
    }
    resolver.provisions(&items);
    resolver.readings(&items, selection);
    (resolver.program, resolver.diagnostics)
}

struct Resolver<'a> {
    program: Program<'a>,
    diagnostics: Vec<Diagnostic>,
    /// The text of citations that name none.
    default_text: Option<Arc<str>>,
}

impl<'a> Resolver<'a> {
    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn units(&mut self, items: &[&'a Item]) {
        let mut declared: Vec<(&Name, Arc<str>)> = Vec::new();
        for (name, aliases) in BUILTIN_UNITS {
            for spelling in std::iter::once(&name).chain(aliases) {
                self.program.units.insert((*spelling).into(), name.into());
            }
        }
        if let Some(header) = &self.program.header {
            self.program.units.insert(header.currency.clone(), header.currency.clone());
        }
        for item in items {
            let (ItemKind::Unit { aliases }, Some(name)) = (&item.kind, &item.name) else { continue };
            self.program.declared_units.push((name.node.clone(), name.span));
            for spelling in std::iter::once(name).chain(aliases) {
                if let Some((first, _)) = declared.iter().find(|(known, _)| known.node == spelling.node) {
                    let problem = say::duplicate_name(&spelling.node, spelling.span, first.span);
                    self.report(problem);
                } else if self.program.units.contains_key(&spelling.node) {
                    self.report(say::builtin_name(&spelling.node, spelling.span));
                } else {
                    declared.push((spelling, name.node.clone()));
                    self.program.units.insert(spelling.node.clone(), name.node.clone());
                }
            }
        }
    }

    /// Gives an id to everything that an item names.
    fn declare(&mut self, item: &'a Item) {
        let Some(name) = &item.name else { return };
        let title = item.title.as_ref().map_or_else(|| name.node.clone(), |t| t.node.clone());
        match &item.kind {
            ItemKind::Enumeration => self.enumeration(item, name, title),
            ItemKind::Input(declared) => self.input(item, name, declared),
            ItemKind::Parameter => self.parameter(item, name, title),
            ItemKind::Definition { internal } => self.quantity(name, title, QuantityKind::Definition, *internal),
            ItemKind::Criterion => self.quantity(name, title, QuantityKind::Criterion, false),
            ItemKind::Minoration => self.quantity(name, title, QuantityKind::Minoration, false),
            ItemKind::Majoration => self.quantity(name, title, QuantityKind::Majoration, false),
            ItemKind::Proration => self.quantity(name, title, QuantityKind::Proration, false),
            ItemKind::Payment => self.quantity(name, title, QuantityKind::Payment, false),
            ItemKind::Aggregate => self.quantity(name, title, QuantityKind::Aggregate, true),
            _ => {}
        }
        for clause in &item.clauses {
            use ast::ClauseKind as K;
            let or_item = |own: &Option<ast::Text>| {
                own.as_ref().or(item.title.as_ref()).map_or(name.node.clone(), |t| t.node.clone())
            };
            match &clause.kind {
                K::Prerequisite { name, title, .. } => {
                    self.quantity(name, or_item(title), QuantityKind::Prerequisite, false)
                }
                K::NamedCondition { name, title, .. } => {
                    self.quantity(name, or_item(title), QuantityKind::Condition, false)
                }
                K::DayCount { name, title } => self.quantity(name, or_item(title), QuantityKind::DayCount, false),
                K::BlockTotal { name, title, .. } => {
                    self.quantity(name, or_item(title), QuantityKind::BlockTotal, false)
                }
                K::BlockPrerequisites { met, met_title, count, count_title, .. } => {
                    self.quantity(met, or_item(met_title), QuantityKind::PrerequisitesMet, false);
                    self.quantity(count, or_item(count_title), QuantityKind::PrerequisitesCount, false);
                }
                _ => {}
            }
        }
    }

    /// Registers a name that nothing else may bear; false if it is taken.
    fn claim(&mut self, name: &Name, symbol: Symbol) -> bool {
        if let Some((_, first)) = self.program.symbols.get(&name.node) {
            let problem = say::duplicate_name(&name.node, name.span, *first);
            self.report(problem);
            return false;
        }
        self.program.symbols.insert(name.node.clone(), (symbol, name.span));
        true
    }

    fn next_input(&self) -> Symbol {
        Symbol::Input(InputId(self.program.inputs.len() as u32))
    }

    fn next_parameter(&self) -> Symbol {
        Symbol::Parameter(ParameterId(self.program.parameters.len() as u32))
    }

    /// A quantity may be given by several provisions of one kind: the second finds the first.
    fn quantity(&mut self, name: &'a Name, title: Arc<str>, kind: QuantityKind, internal: bool) {
        if let Some((Symbol::Quantity(id), first)) = self.program.symbols.get(&name.node).copied() {
            let known = &mut self.program.quantities[id.index()];
            let single = !matches!(
                kind,
                QuantityKind::BlockTotal
                    | QuantityKind::PrerequisitesMet
                    | QuantityKind::PrerequisitesCount
                    | QuantityKind::Aggregate
            );
            if known.kind == kind && single {
                known.internal &= internal;
            } else {
                self.report(say::kind_conflict(&name.node, name.span, first));
            }
            return;
        }
        let id = QuantityId(self.program.quantities.len() as u32);
        if self.claim(name, Symbol::Quantity(id)) {
            self.program.quantities.push(crate::hir::Quantity {
                name: name.node.clone(),
                title,
                kind,
                internal,
                rules: Vec::new(),
                adjustments: Vec::new(),
                derogations: Vec::new(),
                span: name.span,
            });
        }
    }

    /// The quantity of that name, if it is one; reports otherwise.
    fn find_quantity(&mut self, name: &Name) -> Option<QuantityId> {
        match self.program.symbols.get(&name.node) {
            Some((Symbol::Quantity(id), _)) => Some(*id),
            Some(_) => {
                self.report(say::wrong_target(name.span, format!("« {} » n'est pas une quantité calculée", name.node)));
                None
            }
            None => {
                let known = self.program.quantities.iter().map(|q| &*q.name);
                let problem = say::unknown_declared("la quantité", name, known);
                self.report(problem);
                None
            }
        }
    }

    fn citations(&mut self, citations: &[ast::Citation]) -> Vec<Citation> {
        let several = self.program.header.as_ref().is_some_and(|h| h.texts.len() > 1);
        let mut result = Vec::new();
        for citation in citations {
            let place: Arc<str> = match &citation.kind {
                CitationKind::Article(number) => format!("article {number}").into(),
                CitationKind::Annex(number) => format!("annexe {number}").into(),
                CitationKind::Free(text) => text.clone(),
            };
            let text = match &citation.of {
                None => self.default_text.clone().filter(|_| several),
                Some(name) => {
                    let texts = self.program.header.as_ref().map_or(&[][..], |h| &h.texts);
                    match texts.iter().find(|(known, _)| *known == name.node) {
                        Some((known, _)) => Some(known.clone()).filter(|_| several),
                        None => {
                            let problem = say::unknown_text(name, texts.iter().map(|(known, _)| &**known));
                            self.diagnostics.push(problem);
                            None
                        }
                    }
                }
            };
            let citation = Citation { place, text };
            if !result.contains(&citation) {
                result.push(citation);
            }
        }
        result
    }

    /// What the item says with its `réf.` clauses; reports an item that pays, caps or conditions without one.
    fn item_citations(&mut self, item: &'a Item) -> Vec<Citation> {
        let written: Vec<ast::Citation> = item
            .clauses
            .iter()
            .filter_map(|clause| match &clause.kind {
                ast::ClauseKind::Reference(citations) => Some(citations.clone()),
                _ => None,
            })
            .flatten()
            .collect();
        let optional = matches!(
            item.kind,
            ItemKind::Example
                | ItemKind::Situation
                | ItemKind::Enumeration
                | ItemKind::Input(_)
                | ItemKind::Definition { internal: true }
        );
        if written.is_empty() && !optional {
            let problem = say::missing_reference(self.head(item), item_word(&item.kind));
            self.report(problem);
        }
        self.citations(&written)
    }

    /// The words that name an item, for a label.
    fn head(&self, item: &Item) -> Span {
        item.name.as_ref().map_or_else(|| item.title.as_ref().map_or(item.span, |t| t.span), |name| name.span)
    }
}
