//! The header of the policy, and the declarations that hold no rule: enumerations, inputs, parameters, dates in force.

use std::collections::HashMap;
use std::sync::Arc;

use polc_dsl::ast::{ClauseKind as K, DateBound, InputType, Item, ItemKind, Name, Period};
use polc_dsl::{FileId, Span};

use super::Resolver;
use crate::diagnostics as say;
use crate::hir::{Enumeration, Header, Input, Parameter, Scope};
use crate::typed::Years;

impl<'a> Resolver<'a> {
    pub(super) fn header(&mut self, items: &[&'a Item], first_file: Option<FileId>) {
        let mut found = items.iter().filter(|item| matches!(item.kind, ItemKind::Policy));
        let Some(item) = found.next() else {
            self.report(say::no_policy(first_file));
            return;
        };
        for second in found {
            self.report(say::second_policy(second.span, item.span));
        }
        let Some(name) = &item.name else { return };
        self.check_clauses(item);
        let title = item.title.as_ref().map_or_else(|| name.node.clone(), |t| t.node.clone());
        let mut header = Header {
            name,
            title,
            currency: "€".into(),
            decimals: 2,
            key: Vec::new(),
            exercise: None,
            texts: Vec::new(),
        };
        let mut has_currency = false;
        for clause in &item.clauses {
            match &clause.kind {
                K::Currency { symbol, decimals } => {
                    header.currency = symbol.clone();
                    header.decimals = *decimals;
                    has_currency = true;
                }
                K::Key(names) => header.key = names.iter().collect(),
                K::Exercise(name) => header.exercise = Some(name),
                K::CitedText { name, title } => header.texts.push((name.node.clone(), title.node.clone())),
                _ => {}
            }
        }
        let missing = [
            (!has_currency, "la clause « monnaie »"),
            (header.key.is_empty(), "la clause « clé »"),
            (header.exercise.is_none(), "la clause « exercice »"),
            (header.texts.is_empty(), "une clause « texte », qui dit quel texte la politique transcrit,"),
        ];
        for (_, clause) in missing.iter().filter(|(missing, _)| *missing) {
            self.report(say::missing_clause(name.span, "la politique", clause));
        }
        self.default_text = header.texts.first().map(|(name, _)| name.clone());
        // The texts of the amendments come after those of the base.
        let amendments = || items.iter().filter(|item| matches!(item.kind, ItemKind::Amendment));
        for clause in amendments().flat_map(|item| &item.clauses) {
            if let K::CitedText { name, title } = &clause.kind {
                header.texts.push((name.node.clone(), title.node.clone()));
            }
        }
        self.program.header = Some(header);
        for item in amendments() {
            self.item_citations(item);
        }
        for clause in &item.clauses {
            if let K::Scope { condition, citations } = &clause.kind {
                let citations = self.citations(citations);
                if citations.is_empty() {
                    self.report(say::missing_reference(clause.span, "la clause « champ »"));
                }
                self.program.scopes[0] = Scope { condition: Some(condition), citations, ..Scope::default() };
            }
        }
    }

    /// The parts of the policy, and which files belong to them. A part is told once; another file may join it by name.
    pub(super) fn parts(&mut self, items: &[&'a Item]) {
        let parts = || items.iter().filter(|item| matches!(item.kind, ItemKind::Part));
        let mut joined: HashMap<FileId, Span> = HashMap::new();
        for item in parts() {
            self.check_clauses(item);
            let Some(name) = &item.name else { continue };
            if let Some(first) = joined.get(&item.span.file) {
                self.report(say::second_part(name.span, *first));
                continue;
            }
            joined.insert(item.span.file, name.span);
            if item.title.is_none() && item.clauses.is_empty() {
                continue;
            }
            let told = self.program.scopes.iter().filter_map(|scope| scope.name).find(|known| known.node == name.node);
            if let Some(first) = told {
                let problem = say::duplicate_name(&name.node, name.span, first.span);
                self.report(problem);
                continue;
            }
            let mut scope = Scope {
                name: Some(name),
                title: item.title.as_ref().map_or_else(|| name.node.clone(), |t| t.node.clone()),
                condition: self.program.scopes[0].condition,
                citations: self.program.scopes[0].citations.clone(),
            };
            self.item_citations(item);
            for clause in &item.clauses {
                match &clause.kind {
                    K::ScopeAll => (scope.condition, scope.citations) = (None, Vec::new()),
                    K::Scope { condition, citations } => {
                        scope.condition = Some(condition);
                        scope.citations = self.citations(citations);
                    }
                    _ => {}
                }
            }
            self.program.scopes.push(scope);
        }
        for item in parts() {
            let Some(name) = item.name.as_ref().filter(|name| joined.get(&item.span.file) == Some(&name.span)) else {
                continue;
            };
            let rank = self.program.scopes.iter().position(|s| s.name.is_some_and(|known| known.node == name.node));
            match rank {
                Some(rank) => {
                    self.program.file_scopes.insert(item.span.file, rank);
                }
                None => {
                    let known = self.program.scopes.iter().filter_map(|s| s.name).map(|n| &*n.node);
                    let problem = say::unknown_declared("la partie", name, known);
                    self.report(problem);
                }
            }
        }
    }

    pub(super) fn enumeration(&mut self, item: &'a Item, name: &'a Name, title: Arc<str>) {
        self.check_clauses(item);
        if let Some(first) = self.program.enumerations.iter().find(|e| e.name.node == name.node) {
            let problem = say::duplicate_name(&name.node, name.span, first.name.span);
            self.report(problem);
            return;
        }
        let mut cases: Vec<(&Name, Arc<str>)> = Vec::new();
        for clause in &item.clauses {
            let K::Case { name, title } = &clause.kind else { continue };
            if let Some((first, _)) = cases.iter().find(|(known, _)| known.node == name.node) {
                let problem = say::duplicate_name(&name.node, name.span, first.span);
                self.report(problem);
                continue;
            }
            cases.push((name, title.as_ref().map_or_else(|| name.node.clone(), |t| t.node.clone())));
        }
        if cases.is_empty() {
            self.report(say::missing_clause(name.span, "cette énumération", "au moins une clause « cas »"));
        }
        self.item_citations(item);
        self.program.enumerations.push(Enumeration { name, title, cases });
    }

    pub(super) fn input(&mut self, item: &'a Item, name: &'a Name, declared: &'a InputType) {
        self.check_clauses(item);
        self.item_citations(item);
        let meaning = item.clauses.iter().find_map(|clause| match &clause.kind {
            K::Meaning(text) => Some(text.node.clone()),
            _ => None,
        });
        if meaning.is_none() {
            self.report(say::missing_clause(name.span, "cette entrée", "son sens, entre guillemets,"));
        }
        let symbol = self.next_input();
        if self.claim(name, symbol) {
            let meaning = meaning.unwrap_or_else(|| name.node.clone());
            self.program.inputs.push(Input { name, declared, meaning, span: name.span });
        }
    }

    pub(super) fn parameter(&mut self, item: &'a Item, name: &'a Name, title: Arc<str>) {
        self.check_clauses(item);
        let citations = self.item_citations(item);
        let mut values = Vec::new();
        for clause in &item.clauses {
            match &clause.kind {
                K::Value { value, .. } => values.push((Years::ALWAYS, value, clause.span, true)),
                K::DatedValue { period, value } => {
                    if let Some(years) = self.years(period) {
                        values.push((years, value, clause.span, period.to.is_some()));
                    }
                }
                _ => {}
            }
        }
        if values.is_empty() {
            self.report(say::missing_clause(name.span, "ce paramètre", "sa valeur (« vaut … » ou « depuis … : … »)"));
        }
        // « depuis » runs until the next value.
        values.sort_by_key(|(years, ..)| years.first);
        for index in 1..values.len() {
            let next = values[index].0.first;
            let (years, _, _, closed) = &mut values[index - 1];
            if !*closed && years.first < next {
                years.last = next - 1;
            }
        }
        for pair in values.windows(2) {
            if let Some(years) = pair[0].0.overlap(pair[1].0) {
                self.diagnostics.push(say::period_overlap(pair[1].2, pair[0].2, years));
            }
        }
        let values = values.into_iter().map(|(years, value, span, _)| (years, value, span)).collect();
        let symbol = self.next_parameter();
        if self.claim(name, symbol) {
            self.program.parameters.push(Parameter { name, title, values, citations, span: name.span });
        }
    }

    /// The years of a period. A bound inside a year is refused: the law of an exercise is that of the whole year.
    pub(super) fn years(&mut self, period: &Period) -> Option<Years> {
        let mut years = Years::ALWAYS;
        if let Some(bound) = &period.from {
            years.first = match bound {
                DateBound::Year(year) => i64::from(year.node),
                DateBound::Date(date) if (date.node.month, date.node.day) == (1, 1) => i64::from(date.node.year),
                DateBound::Date(date) => {
                    self.report(say::mid_year(date.span, "une période commence un 1er janvier"));
                    return None;
                }
            };
        }
        if let Some(bound) = &period.to {
            years.last = match bound {
                DateBound::Year(year) => i64::from(year.node),
                DateBound::Date(date) if (date.node.month, date.node.day) == (12, 31) => i64::from(date.node.year),
                DateBound::Date(date) => {
                    self.report(say::mid_year(date.span, "une période finit un 31 décembre"));
                    return None;
                }
            };
        }
        if years.first > years.last {
            self.report(say::never_applies(period.span, "cette période"));
            return None;
        }
        Some(years)
    }
}
