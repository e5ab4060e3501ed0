//! Provisions: definitions, criteria, blocks, adjustments, pro ratas, payments, derogations, and the rules they give.

use std::sync::Arc;

use polc_dsl::Span;
use polc_dsl::ast::{BaseType, ClauseKind as K, Item, ItemKind, Level, Name, Summary};

use super::Resolver;
use crate::diagnostics as say;
use crate::expand::value_name;
use crate::hir::{Aggregate, Block, Body, Bound, Condition, Derogation, Effect, Guard, Line, LineKind, Rule, Symbol};
use crate::typed::{Citation, QuantityId, QuantityKind, Years};

/// What every provision says in the same words.
struct Common<'a> {
    title: Arc<str>,
    citations: Vec<Citation>,
    scope: usize,
    guards: Vec<Guard<'a>>,
    years: Years,
    condition: Condition<'a>,
    keeps: Option<&'a polc_dsl::ast::Expr>,
    span: Span,
}

impl Common<'_> {
    /// A rule with the cases, years and references of the provision, and nothing else.
    fn rule<'a>(&self, guards: Vec<Guard<'a>>, body: Body<'a>) -> Rule<'a> {
        Rule {
            title: self.title.clone(),
            citations: self.citations.clone(),
            scope: self.scope,
            guards,
            years: self.years,
            condition: Condition::None,
            body,
            keeps: None,
            bounds: Vec::new(),
            proratas: Vec::new(),
            target: None,
            level: None,
            span: self.span,
        }
    }
}

impl<'a> Resolver<'a> {
    pub(super) fn provisions(&mut self, items: &[&'a Item]) {
        for item in items.iter().filter(|item| matches!(item.kind, ItemKind::Block)) {
            self.block(item);
        }
        for item in items {
            match &item.kind {
                ItemKind::Definition { .. }
                | ItemKind::Criterion
                | ItemKind::Minoration
                | ItemKind::Majoration
                | ItemKind::Proration
                | ItemKind::Payment => self.provision(item),
                ItemKind::Situation => {
                    self.check_clauses(item);
                    if let Some(name) = &item.name {
                        let first = self.program.situations.get(&name.node).and_then(|known| known.name.as_ref());
                        if let Some(first) = first {
                            let problem = say::duplicate_name(&name.node, name.span, first.span);
                            self.report(problem);
                        } else {
                            self.program.situations.insert(name.node.clone(), item);
                        }
                    }
                }
                ItemKind::Example => {
                    self.check_clauses(item);
                    self.program.examples.push(item);
                }
                // What they stand for has taken their place.
                ItemKind::Schedule | ItemKind::Exclusion => self.check_clauses(item),
                ItemKind::Table => {
                    self.check_clauses(item);
                    for clause in &item.clauses {
                        if let K::Column { ty, .. } = &clause.kind
                            && let BaseType::Named(name) = &ty.base
                        {
                            self.program.column_types.push(name);
                        }
                    }
                }
                ItemKind::Aggregate => self.aggregate(item),
                ItemKind::Control => {
                    self.check_clauses(item);
                    self.program.controls.push(item);
                }
                _ => {}
            }
        }
        for item in items {
            if let ItemKind::Derogation { target } = &item.kind {
                self.derogation(item, target);
            }
        }
        self.order_adjustments(items);
    }

    fn aggregate(&mut self, item: &'a Item) {
        self.check_clauses(item);
        let citations = self.item_citations(item);
        let Some(name) = &item.name else { return };
        let (Some(quantity), of) = (self.own(name), value_name(&name.node)) else { return };
        let Some((Symbol::Quantity(of), _)) = self.program.symbols.get(&*of).copied() else {
            self.report(say::missing_clause(
                name.span,
                "cet agrégat",
                "ce qu'il calcule (« moyenne de … par … », « nombre par … »)",
            ));
            return;
        };
        let decimals = item.clauses.iter().find_map(|c| match &c.kind {
            K::RoundedTo(decimals) => Some(decimals.node),
            _ => None,
        });
        for clause in &item.clauses {
            let K::Summarises { summary, value, by, .. } = &clause.kind else { continue };
            let distinct = match value {
                Some(polc_dsl::ast::Expr { kind: polc_dsl::ast::ExprKind::Name(name), span })
                    if *summary == Summary::Distinct =>
                {
                    let found = self.program.inputs.iter().map(|input| input.name).find(|known| known.node == *name);
                    if found.is_none() {
                        self.report(say::wrong_target(
                            *span,
                            format!("« {name} » n'est pas une entrée : « distincts » compte les valeurs d'une entrée"),
                        ));
                    }
                    found
                }
                Some(value) if *summary == Summary::Distinct => {
                    self.report(say::wrong_target(value.span, "« distincts » compte les valeurs d'une entrée"));
                    None
                }
                _ => None,
            };
            self.program.aggregates.push(Aggregate {
                quantity,
                summary: *summary,
                of,
                distinct,
                by,
                decimals,
                citations: citations.clone(),
                span: name.span,
            });
            break;
        }
    }

    fn own(&self, name: &Name) -> Option<QuantityId> {
        match self.program.symbols.get(&name.node) {
            Some((Symbol::Quantity(id), _)) => Some(*id),
            _ => None,
        }
    }

    fn add_rule(&mut self, name: &Name, rule: Rule<'a>) -> Option<(QuantityId, usize)> {
        let id = self.own(name)?;
        let rules = &mut self.program.quantities[id.index()].rules;
        rules.push(rule);
        Some((id, rules.len() - 1))
    }

    fn block(&mut self, item: &'a Item) {
        self.check_clauses(item);
        let Some(name) = &item.name else { return };
        if let Some(first) = self.program.blocks.iter().find(|b| b.name.node == name.node) {
            let problem = say::duplicate_name(&name.node, name.span, first.name.span);
            self.report(problem);
            return;
        }
        let block = self.program.blocks.len();
        self.program.blocks.push(Block { name, members: Vec::new(), prerequisites: Vec::new() });
        let common = self.common(item);
        for clause in &item.clauses {
            match &clause.kind {
                K::BlockTotal { level, name, citations, .. } => {
                    let mut rule = common.rule(Vec::new(), Body::BlockTotal { block, level: *level });
                    self.cite(&mut rule, citations);
                    self.add_rule(name, rule);
                }
                K::BlockPrerequisites { met, count, citations, .. } => {
                    let mut rule = common.rule(Vec::new(), Body::PrerequisitesMet { block });
                    self.cite(&mut rule, citations);
                    self.add_rule(met, rule);
                    let mut rule = common.rule(Vec::new(), Body::PrerequisitesCount { block });
                    self.cite(&mut rule, citations);
                    self.add_rule(count, rule);
                }
                _ => {}
            }
        }
    }

    /// A clause's own references take the place of the provision's.
    fn cite(&mut self, rule: &mut Rule<'a>, citations: &[polc_dsl::ast::Citation]) {
        if !citations.is_empty() {
            rule.citations = self.citations(citations);
        }
    }

    fn common(&mut self, item: &'a Item) -> Common<'a> {
        let mut common = Common {
            title: item.title.as_ref().or(item.name.as_ref()).map_or_else(|| "".into(), |t| t.node.clone()),
            citations: self.item_citations(item),
            scope: self.program.scope_of(item.home),
            guards: Vec::new(),
            years: Years::ALWAYS,
            condition: Condition::None,
            keeps: None,
            span: self.head(item),
        };
        for clause in &item.clauses {
            match &clause.kind {
                K::For { cases, condition } => {
                    common.guards.push(Guard { cases, condition: condition.as_ref(), span: clause.span });
                }
                K::InForce(period) => {
                    if let Some(years) = self.years(period) {
                        common.years = years;
                    }
                }
                K::If(condition) => common.condition = Condition::Expr(condition),
                K::Keeps(condition) => common.keeps = Some(condition),
                K::ScopeAll => common.scope = self.program.whole_scope(),
                _ => {}
            }
        }
        common
    }

    fn provision(&mut self, item: &'a Item) {
        self.check_clauses(item);
        let Some(name) = &item.name else { return };
        let common = self.common(item);
        let mut condition = common.condition;
        let mut named = None;
        for clause in &item.clauses {
            let (K::Prerequisite { name, condition, .. } | K::NamedCondition { name, condition, .. }) = &clause.kind
            else {
                continue;
            };
            let rule = common.rule(common.guards.clone(), Body::True(condition));
            let Some((id, _)) = self.add_rule(name, rule) else { continue };
            match clause.kind {
                K::NamedCondition { .. } => named = Some(id),
                _ => named = named.or(Some(id)),
            }
        }
        if let (Condition::None, Some(id)) = (condition, named) {
            condition = Condition::Quantity(id);
        }
        let mut rule = common.rule(common.guards.clone(), Body::Error);
        rule.condition = condition;
        rule.keeps = common.keeps;
        rule.body = self.body(item, name);
        for clause in &item.clauses {
            match &clause.kind {
                K::Bound { kind, value, cases, when, citations } => {
                    let citations = self.citations(citations);
                    rule.bounds.push(Bound {
                        kind: *kind,
                        value,
                        cases: cases.as_ref(),
                        when: when.as_ref(),
                        citations,
                        span: clause.span,
                    });
                }
                K::Prorated { value, citations } => {
                    let citations = self.citations(citations);
                    rule.proratas.push((value, citations));
                }
                K::Membership { level, .. } => rule.level = Some(*level),
                K::On(target) => {
                    rule.target = self.find_quantity(target);
                }
                _ => {}
            }
        }
        let adjusts = matches!(item.kind, ItemKind::Minoration | ItemKind::Majoration);
        if adjusts && !item.clauses.iter().any(|c| matches!(c.kind, K::On(_))) {
            self.report(say::missing_clause(name.span, "cette disposition", "ce sur quoi elle porte (« sur … »)"));
        }
        let Some((id, rank)) = self.add_rule(name, rule) else { return };
        for clause in &item.clauses {
            match &clause.kind {
                K::Membership { block, level } => self.join_block(block, id, rank, *level, item),
                K::DayCount { name, .. } => {
                    let body = match self.program.quantities[id.index()].rules[rank].body {
                        Body::Proration { from, until, .. } => Body::DayCount { from, until },
                        _ => Body::Error,
                    };
                    self.add_rule(name, common.rule(common.guards.clone(), body));
                }
                _ => {}
            }
        }
        let has_prerequisite = item.clauses.iter().any(|c| matches!(c.kind, K::Prerequisite { .. }));
        let has_block = item.clauses.iter().any(|c| matches!(c.kind, K::Membership { .. }));
        if has_prerequisite && !has_block {
            self.report(say::missing_clause(
                name.span,
                "ce critère, qui porte un prérequis,",
                "la clause « du bloc … »",
            ));
        }
    }

    fn join_block(&mut self, block: &'a Name, id: QuantityId, rank: usize, level: Level, item: &'a Item) {
        let Some(index) = self.program.blocks.iter().position(|b| b.name.node == block.node) else {
            let known = self.program.blocks.iter().map(|b| &*b.name.node);
            let problem = say::unknown_declared("le bloc", block, known);
            self.report(problem);
            return;
        };
        self.program.blocks[index].members.push((id, rank, level));
        for clause in &item.clauses {
            if let K::Prerequisite { name, .. } = &clause.kind
                && let Some(prerequisite) = self.own(name)
                && !self.program.blocks[index].prerequisites.contains(&prerequisite)
            {
                self.program.blocks[index].prerequisites.push(prerequisite);
            }
        }
    }

    fn body(&mut self, item: &'a Item, name: &Name) -> Body<'a> {
        if matches!(item.kind, ItemKind::Proration) {
            return self.proration_body(item, name);
        }
        let mut body: Option<(Body<'a>, Span)> = None;
        for clause in &item.clauses {
            let (next, kind) = match &clause.kind {
                K::Value { value, .. } => (Body::Value(value), None),
                K::TrueIf(value) => (Body::True(value), None),
                K::FirstYear(condition) => (Body::FirstYear(condition), None),
                K::Cumulates { value, since, .. } => (Body::Cumulates { value, since }, None),
                K::Points { nature, amount, when, citations } => {
                    let citations = self.citations(citations);
                    let line = Line { nature: *nature, amount, when: when.as_ref(), citations };
                    (Body::Lines(LineKind::Points, vec![line]), Some(LineKind::Points))
                }
                K::Amount { amount, when, citations } => {
                    let citations = self.citations(citations);
                    let line = Line { nature: None, amount, when: when.as_ref(), citations };
                    (Body::Lines(LineKind::Amount, vec![line]), Some(LineKind::Amount))
                }
                K::Rate { amount, when, citations } => {
                    let citations = self.citations(citations);
                    let line = Line { nature: None, amount, when: when.as_ref(), citations };
                    (Body::Lines(LineKind::Rate, vec![line]), Some(LineKind::Rate))
                }
                _ => continue,
            };
            match (&mut body, next) {
                (None, next) => body = Some((next, clause.span)),
                (Some((Body::Lines(known, lines), _)), Body::Lines(_, more)) if kind == Some(*known) => {
                    lines.extend(more)
                }
                (Some((_, first)), _) => {
                    let first = *first;
                    self.report(say::exclusive_clauses(clause.span, first));
                }
            }
        }
        match body {
            Some((body, _)) => body,
            None => {
                let wanted = match item.kind {
                    ItemKind::Criterion => "ce qu'il rapporte (« points … »)",
                    ItemKind::Payment => "son montant (« montant … »)",
                    ItemKind::Minoration | ItemKind::Majoration => "sa valeur (« points », « montant » ou « taux »)",
                    _ => "sa valeur (« vaut … » ou « vrai si … »)",
                };
                self.report(say::missing_clause(name.span, "cette disposition", wanted));
                Body::Error
            }
        }
    }

    fn proration_body(&mut self, item: &'a Item, name: &Name) -> Body<'a> {
        let (mut from, mut until, mut relative_to) = (None, None, None);
        for clause in &item.clauses {
            match &clause.kind {
                K::From(date) => from = Some(date),
                K::Until(date) => until = Some(date),
                K::RelativeTo(days) => relative_to = Some(days),
                _ => {}
            }
        }
        match from {
            Some(from) => Body::Proration { from, until, relative_to },
            None => {
                self.report(say::missing_clause(name.span, "ce prorata", "sa date de départ (« à compter de … »)"));
                Body::Error
            }
        }
    }

    fn derogation(&mut self, item: &'a Item, target: &'a Name) {
        self.check_clauses(item);
        let Some(name) = &item.name else { return };
        let common = self.common(item);
        let Some(id) = self.find_quantity(target) else { return };
        let mut effects = Vec::new();
        let mut overrides = Vec::new();
        for clause in &item.clauses {
            match &clause.kind {
                K::Value { value, .. } | K::TrueIf(value) => effects.push((Effect::Value(value), clause.span)),
                K::Nothing => effects.push((Effect::Nothing, clause.span)),
                K::Suffices(count) => effects.push((Effect::Suffices(count.node), count.span)),
                K::Lifts(name) => {
                    if let Some(lifted) = self.find_quantity(name) {
                        effects.push((Effect::Lifts(lifted), name.span));
                    }
                }
                K::Overrides(name) => overrides.push(name),
                _ => {}
            }
        }
        if effects.is_empty() {
            self.report(say::missing_clause(
                name.span,
                "cette dérogation",
                "son effet (« vaut … », « il suffit de … » ou « lève … »)",
            ));
        }
        let known = &self.program.quantities[id.index()];
        let is_met = known.kind == QuantityKind::PrerequisitesMet;
        let known_name = known.name.clone();
        let block = known.rules.iter().find_map(|rule| match rule.body {
            Body::PrerequisitesMet { block } => Some(block),
            _ => None,
        });
        if let Some(first) =
            self.program.quantities.iter().flat_map(|q| &q.derogations).find(|d| d.name.node == name.node)
        {
            let problem = say::duplicate_name(&name.node, name.span, first.name.span);
            self.report(problem);
        }
        let condition = match common.condition {
            Condition::Expr(condition) => Some(condition),
            _ => None,
        };
        for (effect, span) in effects {
            match effect {
                Effect::Suffices(_) | Effect::Lifts(_) if !is_met => {
                    self.report(say::wrong_target(
                        target.span,
                        format!("« {known_name} » n'est pas la réunion des prérequis d'un bloc"),
                    ));
                    continue;
                }
                Effect::Lifts(lifted)
                    if block.is_some_and(|b| !self.program.blocks[b].prerequisites.contains(&lifted)) =>
                {
                    let lifted = self.program.quantities[lifted.index()].name.clone();
                    self.report(say::wrong_target(span, format!("« {lifted} » n'est pas un prérequis de ce bloc")));
                    continue;
                }
                _ => {}
            }
            self.program.quantities[id.index()].derogations.push(Derogation {
                name,
                title: common.title.clone(),
                citations: common.citations.clone(),
                guards: common.guards.clone(),
                years: common.years,
                condition,
                effect,
                overrides: overrides.clone(),
                span: name.span,
            });
        }
    }

    /// Attaches minorations and majorations to their targets. Amounts among themselves and rates among themselves commute;
    /// between an amount and a rate the policy must say which comes first.
    fn order_adjustments(&mut self, items: &[&'a Item]) {
        let adjusts = |kind| matches!(kind, QuantityKind::Minoration | QuantityKind::Majoration);
        let mut attached: Vec<(QuantityId, QuantityId, bool, Span)> = Vec::new();
        for (index, quantity) in self.program.quantities.iter().enumerate().filter(|(_, q)| adjusts(q.kind)) {
            for rule in &quantity.rules {
                let rate = matches!(rule.body, Body::Lines(LineKind::Rate, _));
                if let Some(target) = rule.target {
                    let entry = (target, QuantityId(index as u32), rate, rule.span);
                    if !attached.iter().any(|(t, q, ..)| (*t, *q) == (entry.0, entry.1)) {
                        attached.push(entry);
                    }
                }
            }
        }
        let mut after: Vec<(QuantityId, QuantityId)> = Vec::new();
        for item in items.iter().filter(|i| matches!(i.kind, ItemKind::Minoration | ItemKind::Majoration)) {
            for clause in &item.clauses {
                if let (K::After(first), Some(own)) = (&clause.kind, item.name.as_ref().and_then(|n| self.own(n)))
                    && let Some(first) = self.find_quantity(first)
                {
                    after.push((own, first));
                }
            }
        }
        for target in (0..self.program.quantities.len() as u32).map(QuantityId) {
            let mut pending: Vec<_> = attached.iter().filter(|(t, ..)| *t == target).copied().collect();
            let target_name = self.program.quantities[target.index()].name.clone();
            for (i, a) in pending.iter().enumerate() {
                for b in &pending[i + 1..] {
                    let ordered = after.contains(&(a.1, b.1)) || after.contains(&(b.1, a.1));
                    if a.2 != b.2 && !ordered {
                        self.diagnostics.push(say::no_order(b.3, a.3, &target_name));
                    }
                }
            }
            let mut ordered = Vec::new();
            while !pending.is_empty() {
                let ready = pending
                    .iter()
                    .position(|(_, own, ..)| {
                        !after.iter().any(|(later, first)| later == own && pending.iter().any(|p| p.1 == *first))
                    })
                    .unwrap_or_else(|| {
                        self.diagnostics.push(say::wrong_target(
                            pending[0].3,
                            format!("les clauses « après » des ajustements de « {target_name} » tournent en rond"),
                        ));
                        0
                    });
                ordered.push(pending.remove(ready).1);
            }
            self.program.quantities[target.index()].adjustments = ordered;
        }
    }
}
