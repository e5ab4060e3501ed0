//! Readings: the one retained, the others, and which the selection asks for.

use polc_dsl::FileId;
use polc_dsl::ast::{ClauseKind as K, Item, ItemKind};

use super::Resolver;
use crate::diagnostics as say;
use crate::hir::{Reading, Replaces, Selection, Variant};

impl<'a> Resolver<'a> {
    pub(super) fn readings(&mut self, items: &[&'a Item], selection: &Selection) {
        for item in items.iter().filter(|item| matches!(item.kind, ItemKind::Reading)) {
            self.reading(item, selection);
        }
        for name in selection.readings.keys() {
            if !self.program.readings.iter().any(|reading| *reading.name.node == **name) {
                let known = self.program.readings.iter().map(|reading| &*reading.name.node);
                let at = items.first().map_or(FileId(0), |item| item.span.file);
                let problem = say::unknown_reading(name, at, known);
                self.report(problem);
            }
        }
    }

    fn reading(&mut self, item: &'a Item, selection: &Selection) {
        self.check_clauses(item);
        let Some(name) = &item.name else { return };
        if let Some(first) = self.program.readings.iter().find(|r| r.name.node == name.node) {
            let problem = say::duplicate_name(&name.node, name.span, first.name.span);
            self.report(problem);
            return;
        }
        let citations = self.item_citations(item);
        let (mut in_conflict, mut retained, mut reason) = (Vec::new(), None, None);
        let mut alternatives: Vec<Variant<'a>> = Vec::new();
        for clause in &item.clauses {
            match &clause.kind {
                K::InConflict(list) => in_conflict.extend(self.citations(list)),
                K::Retained { name, text } => retained = Some((name.node.clone(), text.node.clone())),
                K::Reason(text) => reason = Some(text.node.clone()),
                K::Variant { name: variant, text } => {
                    if let Some(first) = alternatives.iter().find(|v| v.name.node == variant.node) {
                        let problem = say::duplicate_name(&variant.node, variant.span, first.name.span);
                        self.report(problem);
                    }
                    alternatives.push(Variant { name: variant, text: text.node.clone(), replaces: Vec::new() });
                }
                K::Replaces { name: target, cases, value, .. } => {
                    let Some(quantity) = self.find_quantity(target) else { continue };
                    match alternatives.last_mut() {
                        Some(variant) => {
                            variant.replaces.push(Replaces {
                                quantity,
                                cases: cases.as_ref(),
                                value,
                                span: clause.span,
                            });
                        }
                        None => {
                            self.report(say::missing_clause(
                                clause.span,
                                "cette clause « remplace »",
                                "une « variante » avant elle",
                            ));
                        }
                    }
                }
                _ => {}
            }
        }
        if retained.is_none() {
            self.report(say::missing_clause(name.span, "cette lecture", "la lecture « retenue »"));
        }
        if reason.is_none() {
            self.report(say::missing_clause(name.span, "cette lecture", "le « motif » du choix"));
        }
        if item.title.is_none() {
            self.report(say::missing_clause(name.span, "cette lecture", "la question, entre guillemets,"));
        }
        let retained = retained.unwrap_or_else(|| ("".into(), "".into()));
        let selected =
            selection.readings.get(&*name.node).filter(|wanted| **wanted != *retained.0).and_then(|wanted| {
                let found = alternatives.iter().position(|variant| *variant.name.node == **wanted);
                match found {
                    None => {
                        let known = std::iter::once(&*retained.0).chain(alternatives.iter().map(|v| &*v.name.node));
                        self.diagnostics.push(say::unknown_variant(name.span, &name.node, wanted, known));
                    }
                    Some(index) if alternatives[index].replaces.is_empty() => {
                        self.diagnostics.push(say::note_not_computable(
                            alternatives[index].name.span,
                            &name.node,
                            wanted,
                        ));
                        return None;
                    }
                    Some(_) => {}
                }
                found
            });
        let question = item.title.as_ref().map_or_else(|| name.node.clone(), |t| t.node.clone());
        self.program.readings.push(Reading {
            name,
            question,
            citations,
            in_conflict,
            retained,
            reason: reason.unwrap_or_else(|| "".into()),
            alternatives,
            selected,
            span: name.span,
        });
    }
}
