//! Rules: where they apply, their types, their parts in the fixed order of computation, derogations, replacements.

use polc_dsl::Span;
use polc_dsl::ast::{self, Amount, Cases, Expr as Written, Reach, Summary};

use super::expressions::is_zero;
use super::solver::{Answer, satisfiable, year_condition};
use super::{Checker, Context, Memo, all_of, any_of, error_expr, literal};
use crate::diagnostics as say;
use crate::hir::{self, Body, Condition, Effect, Guard, LineKind};
use crate::num::integer;
use crate::typed::{
    Adjustment, AdjustmentKind, BinaryOp, Bound, CompareOp, Derogation, Expr, ExprKind, Factor, InputId, Line,
    Presence, QuantityId, QuantityKind, ReadingId, Replacement, Rule, Type, Value, Years,
};
use crate::units::Unit;

impl<'a, 'h> Checker<'a, 'h> {
    /// Where a rule applies, scope and years included; `None` for everywhere.
    pub(super) fn applies(&mut self, id: QuantityId, rank: usize) -> Option<Expr> {
        match &self.guards[id.index()][rank] {
            Memo::Known(guard) => return guard.clone(),
            // A guard that reads what it guards: the circle is reported by the cycle check.
            Memo::InProgress => return None,
            Memo::Unknown => {}
        }
        self.guards[id.index()][rank] = Memo::InProgress;
        let hir: &'h hir::Program<'a> = self.hir;
        let rule = &hir.quantities[id.index()].rules[rank];
        let scope = self.scope_condition(rule.scope);
        let years = self.years_guard(rule.years, rule.span);
        let context = Context::default().assuming_all(scope.iter().chain(&years));
        let cases = self.cases_guard(&rule.guards, rule.span, &context);
        let presence = self.presence(id, rule, &context.assuming_all(&cases));
        let guard = all_of(scope.into_iter().chain(years).chain(cases).chain(presence).collect(), rule.span);
        self.guards[id.index()][rank] = Memo::Known(guard.clone());
        guard
    }

    /// What a quantity over years needs to be known at all.
    fn presence(&mut self, id: QuantityId, rule: &hir::Rule<'a>, context: &Context) -> Option<Expr> {
        let span = rule.span;
        let truth = |kind| Expr { kind, ty: Type::Boolean, span };
        match rule.body {
            Body::FirstYear(condition) => {
                let known = truth(ExprKind::IsSet(Presence::PastQuantity(Reach::Earlier, id)));
                let now = self.condition(condition, context);
                any_of(vec![known, now], span)
            }
            Body::Cumulates { since, .. } => {
                let (first, later) = self.since(since, context, span);
                let known = truth(ExprKind::IsSet(Presence::PastQuantity(Reach::LastYear, id)));
                any_of(vec![first, truth(ExprKind::And(vec![later, known]))], span)
            }
            _ => None,
        }
    }

    /// Whether the row is of the first year of a sum, and whether it is of a later one.
    fn since(&mut self, since: &Written, context: &Context, span: Span) -> (Expr, Expr) {
        let since = self.year_operand(since, context);
        let compare = |op, checker: &Self| {
            let (left, right) = (Box::new(checker.year(span)), Box::new(since.clone()));
            Expr { kind: ExprKind::Compare { op, left, right }, ty: Type::Boolean, span }
        };
        (compare(CompareOp::Equal, self), compare(CompareOp::Greater, self))
    }

    fn years_guard(&self, years: Years, span: Span) -> Option<Expr> {
        let ty = self.program.input(self.program.year).ty.clone();
        year_condition(years, self.program.year, &ty, span)
    }

    /// The `pour` clauses together.
    pub(super) fn cases_guard(&mut self, guards: &[Guard<'_>], span: Span, context: &Context) -> Option<Expr> {
        let mut alternatives = Vec::new();
        for guard in guards {
            let cases = self.cases(guard.cases, guard.span, context);
            let context = context.assuming_all(&cases);
            let condition = guard.condition.map(|condition| self.condition(condition, &context));
            alternatives.push(all_of(cases.into_iter().chain(condition).collect(), guard.span)?);
        }
        any_of(alternatives, span)
    }

    /// « pour a, b »: the input whose enumeration has these cases is one of them.
    fn cases(&mut self, cases: &Cases, span: Span, context: &Context) -> Option<Expr> {
        let Cases::Named(names) = cases else { return None };
        let first = names.first()?;
        let enumerations = &self.program.enumerations;
        let owns =
            |index: usize, name: &ast::Name| enumerations[index].cases.iter().any(|(case, _)| *case == name.node);
        let subjects: Vec<InputId> = self
            .program
            .input_ids()
            .filter(|id| matches!(self.program.input(*id).ty, Type::Enumeration(e) if owns(e.index(), first)))
            .collect();
        let subject = match subjects[..] {
            [subject] => subject,
            [] => {
                let known = enumerations.iter().flat_map(|e| e.cases.iter().map(|(case, _)| &**case));
                let problem = say::case_of_nothing(first, known);
                self.report(problem);
                return None;
            }
            _ => {
                let known: Vec<&str> = subjects.iter().map(|id| &*self.program.input(*id).name).collect();
                let problem = say::ambiguous_case(first, &known);
                self.report(problem);
                return None;
            }
        };
        if self.program.input(subject).optional {
            let input = self.program.input(subject);
            let (name, declared) = (input.name.clone(), input.span);
            self.prove_set(subject, &name, span, declared, context);
        }
        let ty = self.program.input(subject).ty.clone();
        let Type::Enumeration(id) = ty else { return None };
        let mut ranks = Vec::new();
        for name in names {
            let enumeration = self.program.enumeration(id);
            match enumeration.cases.iter().position(|(case, _)| *case == name.node) {
                Some(rank) => ranks.push(rank as u32),
                None => {
                    let cases = enumeration.cases.iter().map(|(case, _)| &**case);
                    let problem = say::unknown_case(name.span, &name.node, &enumeration.name, cases);
                    self.report(problem);
                }
            }
        }
        let leaf = Expr { kind: ExprKind::Input(subject), ty, span };
        Some(Expr { kind: ExprKind::OneOf { subject: Box::new(leaf), cases: ranks }, ty: Type::Boolean, span })
    }

    /// The type that the kind of body gives, where it does not depend on an expression.
    fn declared_type(&self, body: &Body<'_>) -> Option<Type> {
        Some(match body {
            Body::Value(_) | Body::Cumulates { .. } => return None,
            Body::FirstYear(_) => Type::Number(Unit::of("an")),
            Body::True(_) | Body::PrerequisitesMet { .. } => Type::Boolean,
            Body::Lines(LineKind::Points, _) | Body::BlockTotal { .. } => Type::Number(Unit::of("point")),
            Body::Lines(LineKind::Amount, _) => Type::Number(self.currency_unit()),
            Body::Lines(LineKind::Rate, _) | Body::PrerequisitesCount { .. } | Body::Proration { .. } => {
                Type::Number(Unit::none())
            }
            Body::DayCount { .. } => Type::Number(Unit::of("jour")),
            Body::Error => Type::Error,
        })
    }

    /// The type of a quantity: that of its body where it has one, else that of its expressions.
    pub(super) fn quantity_type(&mut self, id: QuantityId) -> Type {
        match &self.types[id.index()] {
            Memo::Known(ty) => return ty.clone(),
            Memo::InProgress => return Type::Error,
            Memo::Unknown => {}
        }
        if let Some(aggregate) = self.hir.aggregates.iter().find(|aggregate| aggregate.quantity == id) {
            let ty = match aggregate.summary {
                Summary::Count | Summary::Distinct => Type::Number(Unit::none()),
                _ => {
                    let of = aggregate.of;
                    self.quantity_type(of)
                }
            };
            self.types[id.index()] = Memo::Known(ty.clone());
            self.program.quantities[id.index()].ty = ty.clone();
            return ty;
        }
        let rules = &self.hir.quantities[id.index()].rules;
        match rules.iter().find_map(|rule| self.declared_type(&rule.body)) {
            Some(ty) => self.types[id.index()] = Memo::Known(ty),
            None => stacker::maybe_grow(64 * 1024, 1024 * 1024, || self.quantity(id)),
        }
        match &self.types[id.index()] {
            Memo::Known(ty) => ty.clone(),
            _ => Type::Error,
        }
    }

    /// Types all the rules and derogations of a quantity, once.
    pub(super) fn quantity(&mut self, id: QuantityId) {
        if self.built[id.index()] {
            return;
        }
        self.built[id.index()] = true;
        if self.hir.quantities[id.index()].kind == QuantityKind::Aggregate {
            self.quantity_type(id);
            return;
        }
        let hir: &'h hir::Program<'a> = self.hir;
        let quantity = &hir.quantities[id.index()];
        if let Some(ty) = quantity.rules.iter().find_map(|rule| self.declared_type(&rule.body)) {
            self.types[id.index()] = Memo::Known(ty);
        } else {
            self.types[id.index()] = Memo::InProgress;
        }
        let mut rules = Vec::new();
        for (rank, rule) in quantity.rules.iter().enumerate() {
            rules.push(self.rule(id, rank, rule));
        }
        let lines = || rules.iter().flat_map(|rule: &Rule| &rule.base);
        let ty = match &self.types[id.index()] {
            Memo::Known(ty) => ty.clone(),
            _ => {
                let found = lines()
                    .find(|line| line.value.ty != Type::Error && !is_zero(&line.value))
                    .or_else(|| lines().next());
                found.map_or(Type::Error, |line| line.value.ty.clone())
            }
        };
        let odd: Vec<(Span, Type)> = lines()
            .filter(|line| {
                line.value.ty != ty && ![&line.value.ty, &ty].contains(&&Type::Error) && !is_zero(&line.value)
            })
            .map(|line| (line.value.span, line.value.ty.clone()))
            .collect();
        for (span, found) in odd {
            let problem =
                say::type_mismatch(span, &say::describe(&ty, &self.program), &say::describe(&found, &self.program));
            self.report(problem);
        }
        self.types[id.index()] = Memo::Known(ty.clone());
        self.program.quantities[id.index()].rules = rules;
        self.program.quantities[id.index()].ty = ty;
        self.derogations(id);
        self.overlaps(id);
        self.replacements(id);
    }

    /// What holds wherever a rule of the quantity is computed.
    fn rule_context(&mut self, id: QuantityId, rank: usize) -> Context {
        let guard = self.applies(id, rank);
        Context::default().assuming_all(&guard)
    }

    fn rule(&mut self, id: QuantityId, rank: usize, rule: &'h hir::Rule<'a>) -> Rule {
        let kind = self.hir.quantities[id.index()].kind;
        let context = self.rule_context(id, rank);
        let years_text = self.years_guard(rule.years, rule.span);
        self.check_possible(id, &context, years_text.as_ref(), rule);
        let scope = self.scope_condition(rule.scope);
        let around = Context::default().assuming_all(scope.iter().chain(&years_text));
        let cases = self.cases_guard(&rule.guards, rule.span, &around);
        let presence = self.presence(id, rule, &around.assuming_all(&cases));
        let guard = all_of(cases.into_iter().chain(presence).collect(), rule.span);
        let keeps = rule.keeps.map(|written| self.condition(written, &context));
        if keeps.is_some() && !matches!(rule.body, Body::Value(_) | Body::True(_) | Body::Lines(..)) {
            self.report(say::bad_operation(
                rule.span,
                "une quantité sur plusieurs années n'a pas de clause « conservé »",
            ));
        }
        let own = match rule.condition {
            Condition::None => None,
            Condition::Expr(written) => Some(self.condition(written, &context)),
            Condition::Quantity(quantity) => {
                Some(Expr { kind: ExprKind::Quantity(quantity), ty: Type::Boolean, span: rule.span })
            }
        };
        // What a minoration takes from a criterion that is not met is nothing.
        let met = rule
            .target
            .filter(|target| {
                self.hir.quantities[target.index()].rules.iter().any(|r| !matches!(r.condition, Condition::None))
            })
            .map(|target| Expr { kind: ExprKind::Met(target), ty: Type::Boolean, span: rule.span });
        let condition = all_of(met.into_iter().chain(own).collect(), rule.span);
        let inner = context.assuming_all(&condition);
        let base = self.base(id, &rule.body, rule.span, &inner);
        let ty = match self.declared_type(&rule.body) {
            Some(ty) => ty,
            None => base.first().map_or(Type::Error, |line| line.value.ty.clone()),
        };
        let name = self.hir.quantities[id.index()].name.clone();
        let mut bounds = Vec::new();
        for bound in &rule.bounds {
            let cases = bound.cases.and_then(|cases| self.cases(cases, bound.span, &inner));
            let bound_context = inner.assuming_all(&cases);
            let when = bound.when.map(|when| self.condition(when, &bound_context));
            let value = self.expression(bound.value, &bound_context.assuming_all(&when), None);
            let value = self.adopt(value, &ty, &name);
            let when = all_of(cases.into_iter().chain(when).collect(), bound.span);
            bounds.push(Bound { kind: bound.kind, value, when, citations: bound.citations.clone(), span: bound.span });
        }
        let mut proratas = Vec::new();
        for (written, citations) in &rule.proratas {
            let value = self.expression(written, &inner, None);
            let value = self.adopt(value, &Type::Number(Unit::none()), "le prorata");
            proratas.push(Factor { value, citations: citations.clone() });
        }
        let bounded = !bounds.is_empty() || !proratas.is_empty();
        if bounded && !matches!(ty, Type::Number(_) | Type::Error) {
            self.report(say::bad_operation(
                rule.span,
                "un plafond, un plancher ou un prorata ne porte que sur un nombre",
            ));
        }
        if !matches!(ty, Type::Number(_) | Type::Boolean | Type::Error) && condition.is_some() {
            self.report(say::bad_operation(
                rule.span,
                "une clause « si » donne 0 quand elle n'est pas remplie : elle ne convient ni à une date ni à un cas",
            ));
        }
        let adjustments = self.adjustments(id, &ty);
        Rule {
            title: rule.title.clone(),
            citations: rule.citations.clone(),
            scope: self.scope_id(rule.scope),
            guard,
            years: rule.years,
            keeps,
            condition,
            base,
            adjustments,
            bounds,
            proratas,
            replacements: Vec::new(),
            alternatives: Vec::new(),
            rounding: (kind == QuantityKind::Payment).then_some(self.program.currency.decimals),
            level: rule.level,
            span: rule.span,
        }
    }

    /// Reports a rule whose cases and years can never hold.
    fn check_possible(&mut self, id: QuantityId, context: &Context, years: Option<&Expr>, rule: &hir::Rule<'_>) {
        let covered = Years { first: self.program.years.0, last: self.program.years.1 };
        let facts: Vec<&Expr> = context.facts.iter().chain(years).collect();
        if rule.years.overlap(covered).is_none() || satisfiable(&facts, &self.program) == Answer::No {
            self.report(say::never_applies(rule.span, &self.hir.quantities[id.index()].name));
        }
    }

    fn base(&mut self, id: QuantityId, body: &Body<'a>, span: Span, context: &Context) -> Vec<Line> {
        let single = |value: Expr| vec![Line { nature: None, value, when: None, citations: Vec::new() }];
        match body {
            Body::Value(written) => single(self.expression(written, context, None)),
            Body::True(written) => single(self.condition(written, context)),
            Body::FirstYear(_) => {
                let year = self.year(span);
                let ty = year.ty.clone();
                let kind = ExprKind::PastQuantity { reach: Reach::Earlier, quantity: id, default: Box::new(year) };
                single(Expr { kind, ty, span })
            }
            Body::Cumulates { value, since } => {
                let value = self.number_operand(value, context, "cumuler");
                let (_, later) = self.since(since, context, span);
                let ty = value.ty.clone();
                let zero = || Expr { kind: ExprKind::Constant(Value::Number(integer(0))), ty: ty.clone(), span };
                let kind = ExprKind::PastQuantity { reach: Reach::LastYear, quantity: id, default: Box::new(zero()) };
                let before = Expr { kind, ty: ty.clone(), span };
                let line = |value, when| Line { nature: None, value, when, citations: Vec::new() };
                vec![line(value, None), line(before, Some(later))]
            }
            Body::Lines(kind, lines) => lines.iter().map(|line| self.line(*kind, line, context)).collect(),
            Body::BlockTotal { block, level } => {
                let ty = Type::Number(Unit::of("point"));
                let mut result: Vec<(QuantityId, Vec<usize>)> = Vec::new();
                for (quantity, rule, _) in self.hir.blocks[*block].members.iter().filter(|(.., l)| l == level) {
                    match result.iter_mut().find(|(known, _)| known == quantity) {
                        Some((_, rules)) => rules.push(*rule),
                        None => result.push((*quantity, vec![*rule])),
                    }
                }
                result
                    .into_iter()
                    .map(|(quantity, rules)| {
                        let zero = Expr { kind: ExprKind::Constant(Value::Number(integer(0))), ty: ty.clone(), span };
                        let kind = ExprKind::QuantityOr { quantity, rules: Some(rules), default: Box::new(zero) };
                        Line {
                            nature: None,
                            value: Expr { kind, ty: ty.clone(), span },
                            when: None,
                            citations: Vec::new(),
                        }
                    })
                    .collect()
            }
            Body::PrerequisitesMet { block } => single(self.prerequisites_met(*block, None, span)),
            Body::PrerequisitesCount { block } => single(self.prerequisites_count(*block, span)),
            Body::DayCount { from, until } => single(self.days(from, *until, span, context)),
            Body::Proration { from, until, relative_to } => {
                let days = self.days(from, *until, span, context);
                let unit = Type::Number(Unit::of("jour"));
                let whole = match relative_to {
                    Some(written) => {
                        let whole = self.expression(written, context, None);
                        self.expect(whole, &unit)
                    }
                    None => Expr { kind: ExprKind::DaysOfYear(Box::new(self.year(span))), ty: unit, span },
                };
                let kind = ExprKind::Binary { op: BinaryOp::Divide, left: Box::new(days), right: Box::new(whole) };
                single(Expr { kind, ty: Type::Number(Unit::none()), span })
            }
            Body::Error => single(error_expr(span)),
        }
    }

    fn year(&self, span: Span) -> Expr {
        Expr { kind: ExprKind::Input(self.program.year), ty: self.program.input(self.program.year).ty.clone(), span }
    }

    /// Days of a period that fall in the year of the row.
    fn days(&mut self, from: &Written, until: Option<&Written>, span: Span, context: &Context) -> Expr {
        let edge = |checker: &Self, day, month| {
            let kind = ExprKind::DateOf { day, month, year: Box::new(checker.year(span)) };
            Expr { kind, ty: Type::Date, span }
        };
        let first = edge(self, 1, 1);
        let last = edge(self, 31, 12);
        let from = self.expression(from, context, None);
        let from = self.expect(from, &Type::Date);
        let from = self.extremum(true, vec![from, first], span);
        let to = match until {
            None => last,
            Some(written) => {
                let until = self.expression(written, context, None);
                let until = self.expect(until, &Type::Date);
                self.extremum(false, vec![until, last], span)
            }
        };
        let kind = ExprKind::DaysBetween { from: Box::new(from), to: Box::new(to), exclusive: false };
        Expr { kind, ty: Type::Number(Unit::of("jour")), span }
    }

    fn line(&mut self, kind: LineKind, line: &hir::Line<'a>, context: &Context) -> Line {
        let when = line.when.map(|when| self.condition(when, context));
        let context = context.assuming_all(&when);
        let unit = match kind {
            LineKind::Points => Unit::of("point"),
            LineKind::Amount => self.currency_unit(),
            LineKind::Rate => Unit::none(),
        };
        let value = self.amount(line.amount, &unit, &context);
        let ty = Type::Number(unit);
        let value = match kind {
            LineKind::Points => self.adopt(value, &ty, "points"),
            _ => self.expect(value, &ty),
        };
        Line { nature: line.nature, value, when, citations: line.citations.clone() }
    }

    fn amount(&mut self, amount: &'a Amount, unit: &Unit, context: &Context) -> Expr {
        match amount {
            Amount::Plain(written) => self.expression(written, context, None),
            Amount::PerUnit { amount, per, unit: counted, quantity, limit, span } => {
                let Some(value) = literal(amount) else { return error_expr(*span) };
                let value = Expr {
                    kind: ExprKind::Constant(Value::Number(value)),
                    ty: Type::Number(unit.clone()),
                    span: amount.span,
                };
                let mut quantity = self.expression(quantity, context, None);
                let Type::Number(subject) = quantity.ty.clone() else {
                    let found = say::describe(&quantity.ty, &self.program);
                    self.report(say::type_mismatch(quantity.span, "un nombre", &found));
                    return error_expr(*span);
                };
                let rate = self.per(value, per.as_ref(), counted, &subject);
                if let Some(limit) = limit {
                    let limit = self.expression(limit, context, None);
                    let limit = self.adopt(limit, &quantity.ty, "la limite");
                    let limited = quantity.span.to(limit.span);
                    quantity = self.extremum(false, vec![quantity, limit], limited);
                }
                let kind = ExprKind::Binary { op: BinaryOp::Multiply, left: Box::new(rate), right: Box::new(quantity) };
                Expr { kind, ty: Type::Number(unit.clone()), span: *span }
            }
        }
    }

    /// A prerequisite, or the default where it is not asked for.
    fn prerequisite(quantity: QuantityId, default: bool, span: Span) -> Expr {
        let default = Expr { kind: ExprKind::Constant(Value::Boolean(default)), ty: Type::Boolean, span };
        Expr {
            kind: ExprKind::QuantityOr { quantity, rules: None, default: Box::new(default) },
            ty: Type::Boolean,
            span,
        }
    }

    fn prerequisites_count(&mut self, block: usize, span: Span) -> Expr {
        let items =
            self.hir.blocks[block].prerequisites.iter().map(|id| Self::prerequisite(*id, false, span)).collect();
        Expr { kind: ExprKind::CountTrue(items), ty: Type::Number(Unit::none()), span }
    }

    /// All the prerequisites, less those lifted; or as many as a derogation makes do with.
    fn prerequisites_met(
        &mut self,
        block: usize,
        derogations: Option<(&'h [hir::Derogation<'a>], &[Option<Expr>])>,
        span: Span,
    ) -> Expr {
        let hir: &'h hir::Program<'a> = self.hir;
        let (list, conditions) = derogations.unwrap_or((&[], &[]));
        let holds = |rank: usize| {
            conditions[rank].clone().unwrap_or(Expr {
                kind: ExprKind::Constant(Value::Boolean(true)),
                ty: Type::Boolean,
                span,
            })
        };
        let mut all = Vec::new();
        for id in &hir.blocks[block].prerequisites {
            let mut enough = vec![Self::prerequisite(*id, true, span)];
            for (rank, derogation) in list.iter().enumerate() {
                if matches!(derogation.effect, Effect::Lifts(lifted) if lifted == *id) {
                    enough.push(holds(rank));
                }
            }
            all.extend(any_of(enough, span));
        }
        let truth = Expr { kind: ExprKind::Constant(Value::Boolean(true)), ty: Type::Boolean, span };
        let mut alternatives = vec![all_of(all, span).unwrap_or(truth)];
        for (rank, derogation) in list.iter().enumerate() {
            let Effect::Suffices(count) = derogation.effect else { continue };
            let number = |value| Expr { kind: value, ty: Type::Number(Unit::none()), span };
            let reached = self.prerequisites_count(block, span);
            let wanted = number(ExprKind::Constant(Value::Number(integer(i64::from(count)))));
            let kind =
                ExprKind::Compare { op: CompareOp::GreaterOrEqual, left: Box::new(reached), right: Box::new(wanted) };
            let enough = Expr { kind, ty: Type::Boolean, span };
            alternatives.extend(all_of(vec![holds(rank), enough], span));
        }
        any_of(alternatives, span).unwrap_or_else(|| error_expr(span))
    }

    fn adjustments(&mut self, id: QuantityId, ty: &Type) -> Vec<Adjustment> {
        let hir: &'h hir::Program<'a> = self.hir;
        let mut result = Vec::new();
        for adjusting in &hir.quantities[id.index()].adjustments {
            let quantity = &hir.quantities[adjusting.index()];
            let minoration = quantity.kind == QuantityKind::Minoration;
            let adjusting_type = self.quantity_type(*adjusting);
            let rate = quantity.rules.iter().any(|r| matches!(r.body, Body::Lines(LineKind::Rate, _)));
            if !rate && adjusting_type != *ty && ![&adjusting_type, ty].contains(&&Type::Error) {
                if let (Type::Number(wanted), Type::Number(found)) = (ty, &adjusting_type) {
                    self.report(say::wrong_unit(quantity.span, wanted, found, "ce qui s'ôte ou s'ajoute"));
                } else {
                    let target = &hir.quantities[id.index()].name;
                    self.report(say::wrong_target(quantity.span, format!("« {target} » n'est pas un nombre")));
                }
            }
            let kind = match (minoration, rate) {
                (true, true) => AdjustmentKind::SubtractRate,
                (true, false) => AdjustmentKind::SubtractAmount,
                (false, true) => AdjustmentKind::AddRate,
                (false, false) => AdjustmentKind::AddAmount,
            };
            result.push(Adjustment { quantity: *adjusting, kind });
        }
        result
    }

    /// Two rules of one quantity must not apply to one row. What only the data can tell is left to the row.
    fn overlaps(&mut self, id: QuantityId) {
        let count = self.hir.quantities[id.index()].rules.len();
        for second in 1..count {
            for first in 0..second {
                let guards: Vec<Expr> = self.applies(id, first).into_iter().chain(self.applies(id, second)).collect();
                let facts: Vec<&Expr> = guards.iter().collect();
                if let Answer::Yes { example, certain: true } = satisfiable(&facts, &self.program) {
                    let rules = &self.hir.quantities[id.index()].rules;
                    let name = &self.hir.quantities[id.index()].name;
                    self.report(say::rule_conflict(name, rules[second].span, rules[first].span, &example));
                }
            }
        }
    }

    /// When a derogation applies, within its own cases and years.
    fn derogation_condition(&mut self, derogation: &hir::Derogation<'a>, context: &Context) -> Option<Expr> {
        let years = self.years_guard(derogation.years, derogation.span);
        let context = context.assuming_all(&years);
        let cases = self.cases_guard(&derogation.guards, derogation.span, &context);
        let context = context.assuming_all(&cases);
        let own = derogation.condition.map(|written| self.condition(written, &context));
        all_of(years.into_iter().chain(cases).chain(own).collect(), derogation.span)
    }

    fn derogations(&mut self, id: QuantityId) {
        let hir: &'h hir::Program<'a> = self.hir;
        let quantity = &hir.quantities[id.index()];
        if quantity.derogations.is_empty() {
            return;
        }
        // A derogation is read wherever some rule applies.
        let mut guards = Vec::new();
        let mut everywhere = false;
        for rank in 0..quantity.rules.len() {
            match self.applies(id, rank) {
                Some(guard) => guards.push(guard),
                None => everywhere = true,
            }
        }
        let guard = if everywhere { None } else { any_of(guards, quantity.span) };
        let context = Context::default().assuming_all(&guard);
        let ty = self.quantity_type(id);
        let conditions: Vec<Option<Expr>> =
            quantity.derogations.iter().map(|d| self.derogation_condition(d, &context)).collect();
        let block = quantity.rules.iter().find_map(|rule| match rule.body {
            Body::PrerequisitesMet { block } => Some(block),
            _ => None,
        });
        let ranks: Vec<Vec<usize>> =
            (0..quantity.derogations.len()).map(|rank| self.overridden(quantity, rank)).collect();
        let mut result = Vec::new();
        for (rank, derogation) in quantity.derogations.iter().enumerate() {
            let value = match (derogation.effect, block) {
                (Effect::Value(written), _) => {
                    let value = self.expression(written, &context.assuming_all(&conditions[rank]), Some(&ty));
                    self.adopt(value, &ty, &quantity.name)
                }
                (Effect::Nothing, _) => {
                    let nothing = match &ty {
                        Type::Boolean => Value::Boolean(false),
                        Type::Number(_) | Type::Error => Value::Number(integer(0)),
                        _ => {
                            self.report(say::wrong_target(
                                derogation.span,
                                format!("« {} » n'est ni un nombre ni un booléen : rien ne l'annule", quantity.name),
                            ));
                            Value::Boolean(false)
                        }
                    };
                    Expr { kind: ExprKind::Constant(nothing), ty: ty.clone(), span: derogation.span }
                }
                // Each says the same: what all of them together make of the prerequisites.
                (_, Some(block)) => {
                    self.prerequisites_met(block, Some((&quantity.derogations, &conditions)), derogation.span)
                }
                (_, None) => error_expr(derogation.span),
            };
            result.push(Derogation {
                name: derogation.name.node.clone(),
                title: derogation.title.clone(),
                citations: derogation.citations.clone(),
                years: derogation.years,
                condition: conditions[rank].clone(),
                value,
                overrides: ranks[rank].clone(),
                span: derogation.span,
            });
        }
        self.program.quantities[id.index()].derogations = result;
    }

    /// The derogations of the same quantity that one overrides, directly or through others. Those on prerequisites agree.
    fn overridden(&mut self, quantity: &hir::Quantity<'a>, rank: usize) -> Vec<usize> {
        if !matches!(quantity.derogations[rank].effect, Effect::Value(_) | Effect::Nothing) {
            return (rank + 1..quantity.derogations.len())
                .filter(|other| !matches!(quantity.derogations[*other].effect, Effect::Value(_) | Effect::Nothing))
                .collect();
        }
        let mut found: Vec<usize> = Vec::new();
        let mut pending = vec![rank];
        while let Some(current) = pending.pop() {
            for name in &quantity.derogations[current].overrides {
                let matching: Vec<usize> = (0..quantity.derogations.len())
                    .filter(|i| quantity.derogations[*i].name.node == name.node)
                    .collect();
                if matching.is_empty() && current == rank {
                    let known = quantity.derogations.iter().map(|d| &*d.name.node);
                    let problem = say::unknown_declared("la dérogation", name, known);
                    self.report(problem);
                }
                for other in matching {
                    if !found.contains(&other) {
                        found.push(other);
                        pending.push(other);
                    }
                }
            }
        }
        if found.contains(&rank) {
            let name = &quantity.derogations[rank].name;
            self.report(say::wrong_target(name.span, format!("« {} » finit par primer sur elle-même", name.node)));
        }
        found.sort_unstable();
        found
    }

    /// Two derogations that can apply at once need an order.
    pub(super) fn derogation_conflicts(&mut self) {
        for id in self.program.quantity_ids() {
            let quantity = self.program.quantity(id).clone();
            for second in 1..quantity.derogations.len() {
                for first in 0..second {
                    let (a, b) = (&quantity.derogations[first], &quantity.derogations[second]);
                    if a.overrides.contains(&second) || b.overrides.contains(&first) || a.name == b.name {
                        continue;
                    }
                    let facts: Vec<&Expr> = a.condition.iter().chain(&b.condition).collect();
                    if let Answer::Yes { example, certain: true } = satisfiable(&facts, &self.program) {
                        self.report(say::derogation_conflict(&quantity.name, b.span, a.span, &example));
                    }
                }
            }
        }
    }

    /// Types what the variants of readings put in the place of this quantity's rules, and keeps that of the variant selected.
    fn replacements(&mut self, id: QuantityId) {
        let hir: &'h hir::Program<'a> = self.hir;
        let ty = self.quantity_type(id);
        let mut kept: Vec<(usize, Replacement, Span)> = Vec::new();
        for (reading_rank, reading) in hir.readings.iter().enumerate() {
            for (variant_rank, variant) in reading.alternatives.iter().enumerate() {
                for replaces in variant.replaces.iter().filter(|r| r.quantity == id) {
                    let selected = reading.selected == Some(variant_rank);
                    let guard = replaces.cases.and_then(|cases| self.cases(cases, replaces.span, &Context::default()));
                    let mut used = false;
                    for rank in 0..hir.quantities[id.index()].rules.len() {
                        let mut context = self.rule_context(id, rank).assuming_all(&guard);
                        let facts: Vec<&Expr> = context.facts.iter().collect();
                        if satisfiable(&facts, &self.program) == Answer::No {
                            continue;
                        }
                        used = true;
                        context.retained = Some(ty.clone());
                        let value = self.expression(replaces.value, &context, Some(&ty));
                        let value = self.adopt(value, &ty, &hir.quantities[id.index()].name);
                        let reading = ReadingId(reading_rank as u32);
                        let replacement = Replacement { reading, variant: variant_rank, guard: guard.clone(), value };
                        if selected {
                            kept.push((rank, replacement.clone(), replaces.span));
                        }
                        self.program.quantities[id.index()].rules[rank].alternatives.push(replacement);
                    }
                    if !used {
                        self.report(say::never_applies(replaces.span, &hir.quantities[id.index()].name));
                    }
                }
            }
        }
        for second in 1..kept.len() {
            for first in 0..second {
                let (a, b) = (&kept[first], &kept[second]);
                let facts: Vec<&Expr> = a.1.guard.iter().chain(&b.1.guard).collect();
                if a.0 == b.0 && satisfiable(&facts, &self.program) != Answer::No {
                    let problem = say::readings_conflict(&hir.quantities[id.index()].name, b.2, a.2);
                    self.report(problem);
                }
            }
        }
        for (rank, replacement, _) in kept {
            self.program.quantities[id.index()].rules[rank].replacements.push(replacement);
        }
    }

    /// Parameters must have a value in every year in which a rule that reads them is in force.
    pub(super) fn parameter_years(&mut self) {
        let covered = Years { first: self.program.years.0, last: self.program.years.1 };
        let mut problems = Vec::new();
        for quantity in &self.program.quantities {
            for rule in &quantity.rules {
                for expr in rule.expressions() {
                    self.missing_years(expr, rule.years.overlap(covered), &mut problems);
                }
            }
            for derogation in &quantity.derogations {
                for expr in std::iter::once(&derogation.value).chain(&derogation.condition) {
                    self.missing_years(expr, derogation.years.overlap(covered), &mut problems);
                }
            }
        }
        self.diagnostics.extend(problems);
    }

    fn missing_years(&self, expr: &Expr, years: Option<Years>, problems: &mut Vec<polc_dsl::diagnostic::Diagnostic>) {
        let Some(years) = years else { return };
        expr.walk(&mut |e| {
            let ExprKind::Parameter(id) = e.kind else { return };
            let parameter = self.program.parameter(id);
            if parameter.values.is_empty() {
                return;
            }
            if let Some(year) = (years.first..=years.last).find(|year| parameter.value(*year).is_none()) {
                problems.push(say::no_value_in_year(e.span, &parameter.name, parameter.span, year));
            }
        });
    }
}
