//! Examples and controls: situations flattened, values read as constants of the quantity's type.

use std::sync::Arc;

use polc_dsl::Span;
use polc_dsl::ast::{ClauseKind as K, Item, Name, Origin};

use super::{Checker, Context, all_of};
use crate::diagnostics as say;
use crate::hir::{self, Guard, Symbol};
use crate::num::integer;
use crate::typed::{
    Citation, Control, ControlKind, Example, ExampleYear, Expected, Expr, ExprKind, Presence, QuantityId, QuantityKind,
    Value, Years,
};

impl<'a, 'h> Checker<'a, 'h> {
    pub(super) fn facts(&mut self) {
        let hir: &'h hir::Program<'a> = self.hir;
        for item in hir.situations.values() {
            let mut year = ExampleYear::default();
            self.situation(item, &mut year, &mut Vec::new());
        }
        for item in &hir.examples {
            self.example(item);
        }
        for item in &hir.controls {
            self.control(item);
        }
    }

    /// Adds what the bases of an item give, then what it gives itself.
    fn situation(&mut self, item: &Item, year: &mut ExampleYear, visited: &mut Vec<Arc<str>>) {
        for clause in &item.clauses {
            if let K::Base(name) = &clause.kind {
                if visited.contains(&name.node) {
                    self.report(say::wrong_target(
                        name.span,
                        format!("la situation « {} » part d'elle-même", name.node),
                    ));
                    continue;
                }
                visited.push(name.node.clone());
                match self.hir.situations.get(&name.node) {
                    Some(base) => self.situation(base, year, visited),
                    None => {
                        let problem =
                            say::unknown_declared("la situation", name, self.hir.situations.keys().map(|k| &**k));
                        self.report(problem);
                    }
                }
            }
        }
        for clause in &item.clauses {
            if let K::Given(assignments) = &clause.kind {
                for assignment in assignments {
                    self.give(assignment, year);
                }
            }
        }
    }

    fn give(&mut self, assignment: &polc_dsl::ast::Assignment, year: &mut ExampleYear) {
        let name = &assignment.name;
        match self.hir.symbols.get(&name.node).map(|(symbol, _)| *symbol) {
            Some(Symbol::Input(id)) => {
                let input = self.program.input(id).clone();
                let value = match &assignment.value {
                    None => None,
                    Some(written) => match self.constant_of(written, &input.ty, &Context::default(), &name.node) {
                        Some(value) => Some(value),
                        None => return,
                    },
                };
                if let (Some(Value::Date(date)), Some((low, high)), Some(written)) =
                    (&value, &input.range, &assignment.value)
                {
                    let days = integer(i64::from(date.days()));
                    if days < *low || days > *high {
                        self.report(say::out_of_range(written.span, &name.node, "est hors de la plage déclarée"));
                    }
                }
                if let (Some(Value::Number(number)), Some((low, high)), Some(written)) =
                    (&value, &input.range, &assignment.value)
                {
                    if number < low || number > high {
                        self.report(say::out_of_range(written.span, &name.node, "est hors de la plage déclarée"));
                    }
                    if crate::num::finite_decimals(number).is_none_or(|d| d > input.decimals) {
                        self.report(say::out_of_range(written.span, &name.node, "a trop de décimales"));
                    }
                }
                year.inputs.retain(|(known, _)| *known != id);
                year.inputs.push((id, value));
            }
            Some(Symbol::Quantity(id)) => {
                let ty = self.quantity_type(id);
                let Some(written) = &assignment.value else {
                    self.report(say::wrong_target(
                        name.span,
                        format!("« {} » est un résultat : il ne peut pas être vide", name.node),
                    ));
                    return;
                };
                let Some(value) = self.constant_of(written, &ty, &Context::default(), &name.node) else { return };
                year.overrides.retain(|(known, _)| *known != id);
                year.overrides.push((id, value));
            }
            Some(Symbol::Parameter(_)) => {
                self.report(say::wrong_target(
                    name.span,
                    format!("« {} » est un paramètre : il vient du texte", name.node),
                ));
            }
            None => {
                let problem = say::unknown_name(name.span, &name.node, self.hir.symbols.keys().map(|k| &**k));
                self.report(problem);
            }
        }
    }

    fn citations(item: &Item) -> Vec<Citation> {
        // Citations of examples and controls are shown as written.
        let mut result = Vec::new();
        for clause in &item.clauses {
            let K::Reference(list) = &clause.kind else { continue };
            for citation in list {
                use polc_dsl::ast::CitationKind as C;
                let place: Arc<str> = match &citation.kind {
                    C::Article(number) => format!("article {number}").into(),
                    C::Annex(number) => format!("annexe {number}").into(),
                    C::Free(text) => text.clone(),
                };
                result.push(Citation { place, text: citation.of.as_ref().map(|name| name.node.clone()) });
            }
        }
        result
    }

    fn expected(&mut self, expectation: &'a polc_dsl::ast::Expectation, year: &mut ExampleYear) {
        let name = &expectation.name;
        let quantity = match self.hir.symbols.get(&name.node).map(|(symbol, _)| *symbol) {
            Some(Symbol::Quantity(id)) => id,
            Some(_) => {
                self.report(say::wrong_target(name.span, format!("« {} » n'est pas un résultat", name.node)));
                return;
            }
            None => {
                let known = self.hir.quantities.iter().map(|q| &*q.name);
                let problem = say::unknown_declared("la quantité", name, known);
                self.report(problem);
                return;
            }
        };
        let ty = self.quantity_type(quantity);
        let value = match &expectation.value {
            None => None,
            Some(written) => match self.constant_of(written, &ty, &Context::default(), &name.node) {
                Some(value) => Some(value),
                None => return,
            },
        };
        year.expected.push(Expected { quantity, value, span: expectation.span });
    }

    fn example(&mut self, item: &'a Item) {
        let mut common = ExampleYear::default();
        self.situation(&without_years(item), &mut common, &mut Vec::new());
        let mut origin = Origin::Computed;
        let mut readings = Vec::new();
        let mut years: Vec<ExampleYear> = Vec::new();
        let mut has_years = false;
        for clause in &item.clauses {
            match &clause.kind {
                K::Origin(written) => origin = *written,
                K::UnderReading { reading, variant } => self.under_reading(reading, variant, &mut readings),
                K::Year(year) => {
                    has_years = true;
                    let mut next = ExampleYear {
                        inputs: common.inputs.clone(),
                        overrides: common.overrides.clone(),
                        expected: Vec::new(),
                    };
                    let id = self.program.year;
                    next.inputs.retain(|(known, _)| *known != id);
                    next.inputs.push((id, Some(Value::Number(integer(i64::from(year.node))))));
                    let (first, last) = self.program.years;
                    if !(first..=last).contains(&i64::from(year.node)) {
                        let name = self.program.input(id).name.clone();
                        self.report(say::out_of_range(year.span, &name, "est hors des années couvertes"));
                    }
                    years.push(next);
                }
                K::Given(assignments) if has_years => {
                    for assignment in assignments {
                        if let Some(mut year) = years.pop() {
                            self.give(assignment, &mut year);
                            years.push(year);
                        }
                    }
                }
                K::Expected(expectations) => {
                    for expectation in expectations {
                        match years.pop() {
                            Some(mut year) => {
                                self.expected(expectation, &mut year);
                                years.push(year);
                            }
                            None => self.expected(expectation, &mut common),
                        }
                    }
                }
                _ => {}
            }
        }
        if !has_years {
            years.push(common);
        }
        let span = item.title.as_ref().map_or(item.span, |t| t.span);
        if !item.clauses.iter().any(|clause| matches!(clause.kind, K::Expected(_))) {
            self.report(say::missing_clause(span, "cet exemple", "au moins une clause « attendu »"));
        }
        for year in &years {
            self.check_has_year(year, span);
        }
        let title = item.title.as_ref().map_or_else(|| "sans titre".into(), |t| t.node.clone());
        self.program.examples.push(Example { title, origin, citations: Self::citations(item), readings, years, span });
    }

    fn check_has_year(&mut self, year: &ExampleYear, span: Span) {
        if !year.inputs.iter().any(|(id, value)| *id == self.program.year && value.is_some()) {
            let name = self.program.input(self.program.year).name.clone();
            self.report(say::missing_clause(span, "cette situation", &format!("l'exercice (« soit {name} = … »)")));
        }
    }

    fn under_reading(&mut self, reading: &Name, variant: &Name, readings: &mut Vec<(Arc<str>, Arc<str>)>) {
        let Some(known) = self.hir.readings.iter().find(|r| r.name.node == reading.node) else {
            let names = self.hir.readings.iter().map(|r| &*r.name.node);
            let problem = say::unknown_declared("la lecture", reading, names);
            self.report(problem);
            return;
        };
        let is_retained = known.retained.0 == variant.node;
        match known.alternatives.iter().find(|v| v.name.node == variant.node) {
            Some(found) if found.replaces.is_empty() => {
                self.report(say::note_not_computable(variant.span, &reading.node, &variant.node));
            }
            None if !is_retained => {
                let names = std::iter::once(&*known.retained.0).chain(known.alternatives.iter().map(|v| &*v.name.node));
                let problem = say::unknown_variant(variant.span, &reading.node, &variant.node, names);
                self.report(problem);
            }
            _ => readings.push((reading.node.clone(), variant.node.clone())),
        }
    }

    fn control(&mut self, item: &'a Item) {
        let Some(name) = &item.name else { return };
        let citations = Self::citations(item);
        if citations.is_empty() {
            self.report(say::missing_reference(name.span, "un contrôle"));
        }
        let each_row = item.clauses.iter().any(|c| matches!(c.kind, K::EachRow));
        let blocking = item.clauses.iter().any(|c| matches!(c.kind, K::Blocking));
        let verify = item.clauses.iter().find_map(|c| match &c.kind {
            K::Verify(condition) => Some(condition),
            _ => None,
        });
        let announced = item.clauses.iter().find_map(|c| match &c.kind {
            K::Announces { value, quantity } => Some((value, quantity)),
            _ => None,
        });
        let kind = if each_row {
            let Some(condition) = verify else {
                self.report(say::missing_clause(name.span, "ce contrôle", "ce qu'il vérifie (« vérifie … »)"));
                return;
            };
            self.row_control(item, condition, blocking)
        } else if let Some(by) = item.clauses.iter().find_map(|c| match &c.kind {
            K::WholeData(by) => Some(by),
            _ => None,
        }) {
            let Some(condition) = verify else {
                self.report(say::missing_clause(name.span, "ce contrôle", "ce qu'il vérifie (« vérifie … »)"));
                return;
            };
            self.group_control(item, by, condition)
        } else {
            let mut year = ExampleYear::default();
            self.situation(item, &mut year, &mut Vec::new());
            self.check_has_year(&year, name.span);
            let situation = Box::new(year);
            let context = Context { lenient: true, ..Context::default() };
            match (verify, announced) {
                (Some(condition), None) => {
                    ControlKind::Verify { situation, condition: self.condition(condition, &context) }
                }
                (None, Some((value, Some(quantity)))) => {
                    let Some((Symbol::Quantity(id), _)) = self.hir.symbols.get(&quantity.node).copied() else {
                        let problem = say::unknown_declared(
                            "la quantité",
                            quantity,
                            self.hir.quantities.iter().map(|q| &*q.name),
                        );
                        self.report(problem);
                        return;
                    };
                    let ty = self.quantity_type(id);
                    let announced = self.constant_of(value, &ty, &context, &quantity.node);
                    let gap = item.clauses.iter().find_map(|c| match &c.kind {
                        K::Gap { value, reason } => Some((value, reason)),
                        _ => None,
                    });
                    let gap =
                        gap.and_then(|(value, reason)| match self.constant_of(value, &ty, &context, "l'écart")? {
                            Value::Number(value) => Some((value, reason.node.clone())),
                            _ => None,
                        });
                    let Some(Value::Number(announced)) = announced else { return };
                    let computed = Expr { kind: ExprKind::Quantity(id), ty, span: quantity.span };
                    ControlKind::Announced { situation, announced, computed, gap }
                }
                _ => {
                    self.report(say::missing_clause(
                        name.span,
                        "ce contrôle",
                        "une clause et une seule parmi « vérifie … » et « le texte annonce … pour … »",
                    ));
                    return;
                }
            }
        };
        let title = item.title.as_ref().map_or_else(|| name.node.clone(), |t| t.node.clone());
        self.program.controls.push(Control { name: name.node.clone(), title, citations, kind, span: name.span });
    }

    fn control_years(item: &Item) -> Years {
        use polc_dsl::ast::DateBound;
        let year = |bound: &DateBound| match bound {
            DateBound::Year(year) => i64::from(year.node),
            DateBound::Date(date) => i64::from(date.node.year),
        };
        let mut years = Years::ALWAYS;
        for clause in &item.clauses {
            if let K::InForce(period) = &clause.kind {
                years.first = period.from.as_ref().map_or(i64::MIN, year);
                years.last = period.to.as_ref().map_or(i64::MAX, year);
            }
        }
        years
    }

    fn group_control(&mut self, item: &'a Item, by: &'a [Name], written: &'a polc_dsl::ast::Expr) -> ControlKind {
        let mut inputs = Vec::new();
        for name in by {
            match self.program.find_input(&name.node) {
                Some(id) => inputs.push(id),
                None => {
                    let known = self.program.inputs.iter().map(|input| &*input.name);
                    let problem = say::unknown_declared("l'entrée", name, known);
                    self.report(problem);
                }
            }
        }
        let condition = self.condition(written, &Context::default());
        let years = Self::control_years(item);
        // What a group reads must not depend on which of its rows comes first.
        let by_year = inputs.contains(&self.program.year);
        let mut problems = Vec::new();
        condition.walk(&mut |e| {
            let aggregate = |id: QuantityId| self.hir.quantities[id.index()].kind == QuantityKind::Aggregate;
            let one_row = match e.kind {
                ExprKind::Quantity(id)
                | ExprKind::QuantityOr { quantity: id, .. }
                | ExprKind::IsSet(Presence::Quantity(id)) => !aggregate(id),
                ExprKind::Input(id) | ExprKind::InputOr { input: id, .. } | ExprKind::IsSet(Presence::Input(id)) => {
                    !inputs.contains(&id)
                }
                ExprKind::PastQuantity { .. }
                | ExprKind::PastInput { .. }
                | ExprKind::IsSet(Presence::PastInput(..) | Presence::PastQuantity(..)) => true,
                _ => false,
            };
            if one_row {
                problems.push(say::one_row(e.span));
            }
            if let ExprKind::Parameter(id) = e.kind
                && !by_year
                && self.program.parameter(id).values.len() > 1
            {
                problems.push(say::group_without_year(e.span, "ce paramètre change d'une année à l'autre"));
            }
        });
        self.diagnostics.append(&mut problems);
        if years != Years::ALWAYS && !by_year {
            let clause = item.clauses.iter().find(|c| matches!(c.kind, K::InForce(_)));
            let span = clause.map_or(item.span, |clause| clause.span);
            self.report(say::group_without_year(span, "ce contrôle ne vaut que certaines années"));
        }
        for clause in &item.clauses {
            if !matches!(clause.kind, K::Reference(_) | K::WholeData(_) | K::Verify(_) | K::InForce(_)) {
                let words = ["réf.", "en vigueur", "sur l'ensemble", "vérifie"];
                self.report(say::misplaced_clause(clause.span, "un contrôle sur l'ensemble", &words));
            }
        }
        ControlKind::Groups { by: inputs, years, condition }
    }

    fn row_control(&mut self, item: &'a Item, written: &'a polc_dsl::ast::Expr, blocking: bool) -> ControlKind {
        let mut guards: Vec<Guard<'a>> = Vec::new();
        let years = Self::control_years(item);
        for clause in &item.clauses {
            if let K::For { cases, condition } = &clause.kind {
                guards.push(Guard { cases, condition: condition.as_ref(), span: clause.span });
            }
        }
        let scope = self.scope_condition(self.hir.scope_of(item.home));
        let context = Context::default().assuming_all(&scope);
        let guard = self.cases_guard(&guards, item.span, &context);
        let context = context.assuming_all(&guard);
        let condition = self.condition(written, &context);
        let guard = all_of(scope.into_iter().chain(guard).collect(), item.span);
        ControlKind::Row { guard, years, condition, blocking }
    }
}

/// The part of an example that all its years share: what stands before the first « exercice ».
fn without_years(item: &Item) -> Item {
    let shared = item.clauses.iter().take_while(|clause| !matches!(clause.kind, K::Year(_))).cloned().collect();
    Item { clauses: shared, ..item.clone() }
}
