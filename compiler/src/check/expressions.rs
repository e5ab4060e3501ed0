//! Expressions: names, types, units, and the proof that what is read applies.

use std::sync::Arc;

use num_traits::{One as _, Zero as _};
use polc_dsl::Span;
use polc_dsl::ast::{self, BinaryOp as Op, ExprKind as A, Reach, Summary};

use super::solver::{Answer, implies};
use super::{Checker, Context, Memo, any_of, date, error_expr, fold, literal, negate};
use crate::calendar::CalendarUnit;
use crate::diagnostics as say;
use crate::hir::Symbol;
use crate::num::{RoundingMode, integer};
use crate::typed::{BinaryOp, CompareOp, DatePart, EnumId, Expr, ExprKind, InputId, Presence, QuantityId, Type, Value};
use crate::units::Unit;

impl Checker<'_, '_> {
    fn boolean(kind: ExprKind, span: Span) -> Expr {
        Expr { kind, ty: Type::Boolean, span }
    }

    /// An expression that must be true or false.
    pub(super) fn condition(&mut self, written: &ast::Expr, context: &Context) -> Expr {
        let expr = self.expression(written, context, Some(&Type::Boolean));
        self.expect(expr, &Type::Boolean)
    }

    /// The expression, or an error if it is not of the type.
    pub(super) fn expect(&mut self, expr: Expr, ty: &Type) -> Expr {
        match (&expr.ty, ty) {
            (Type::Error, _) | (_, Type::Error) => Expr { ty: ty.clone(), ..expr },
            (found, wanted) if found == wanted => expr,
            (Type::Number(_), Type::Number(unit)) if is_zero(&expr) => retype(expr, unit),
            (Type::Number(found), Type::Number(wanted)) => {
                self.report(say::wrong_unit(expr.span, wanted, found, "cette valeur"));
                Expr { ty: Type::Error, ..expr }
            }
            (found, wanted) => {
                let problem = say::type_mismatch(
                    expr.span,
                    &say::describe(wanted, &self.program),
                    &say::describe(found, &self.program),
                );
                self.report(problem);
                Expr { ty: Type::Error, ..expr }
            }
        }
    }

    /// Like [`Self::expect`], where a bare number takes the unit of the place it stands in.
    pub(super) fn adopt(&mut self, expr: Expr, ty: &Type, what: &str) -> Expr {
        match (&expr.ty, ty) {
            (Type::Number(found), Type::Number(wanted)) if found.is_none() => retype(expr, wanted),
            (Type::Number(found), Type::Number(wanted)) if found != wanted => {
                self.report(say::wrong_unit(expr.span, wanted, found, &format!("« {what} »")));
                Expr { ty: Type::Error, ..expr }
            }
            _ => self.expect(expr, ty),
        }
    }

    /// Types an expression. `expected` only serves to find which enumeration a case belongs to.
    pub(super) fn expression(&mut self, written: &ast::Expr, context: &Context, expected: Option<&Type>) -> Expr {
        let span = written.span;
        match &written.kind {
            A::Number { value, unit } => {
                let Some(number) = literal(value) else { return error_expr(span) };
                let (unit, factor) = unit.as_ref().map_or_else(|| (Unit::none(), integer(1)), |unit| self.unit(unit));
                Expr { kind: ExprKind::Constant(Value::Number(number * factor)), ty: Type::Number(unit), span }
            }
            A::Boolean(value) => Self::boolean(ExprKind::Constant(Value::Boolean(*value)), span),
            A::Date(written) => match date(written) {
                Some(date) => Expr { kind: ExprKind::Constant(Value::Date(date)), ty: Type::Date, span },
                None => {
                    self.report(say::bad_date(span));
                    error_expr(span)
                }
            },
            A::Text(text) => Expr { kind: ExprKind::Constant(Value::Text(text.clone())), ty: Type::Text, span },
            A::Name(name) => self.name(name, span, context, expected),
            A::Retained => match &context.retained {
                Some(ty) => Expr { kind: ExprKind::Retained, ty: ty.clone(), span },
                None => {
                    self.report(say::bad_operation(
                        span,
                        "« valeur retenue » ne se lit que dans une clause « remplace »",
                    ));
                    error_expr(span)
                }
            },
            A::DateOf { day, month, year } => self.date_of(*day, *month, year, span, context),
            A::Negate(inner) => {
                let inner = self.number_operand(inner, context, "changer le signe de");
                let ty = inner.ty.clone();
                Expr { kind: ExprKind::Negate(Box::new(inner)), ty, span }
            }
            A::Not(inner) => {
                let inner = self.condition(inner, context);
                Self::boolean(ExprKind::Not(Box::new(inner)), span)
            }
            A::Binary { op, op_span, left, right } => self.binary(*op, *op_span, left, right, span, context),
            A::OneOf { subject, names } => self.one_of(subject, names, span, context),
            A::If { condition, then, otherwise } => {
                let condition = self.condition(condition, context);
                let mut then = self.expression(then, &context.assuming(&condition), expected);
                let mut otherwise = self.expression(otherwise, &context.assuming(&negate(&condition)), expected);
                let ty = self.unify(&mut then, &mut otherwise, span, "choisir entre");
                let kind = ExprKind::If {
                    condition: Box::new(condition),
                    then: Box::new(then),
                    otherwise: Box::new(otherwise),
                };
                Expr { kind, ty, span }
            }
            A::Call { function, arguments } => self.call(function, arguments, span, context),
            A::AtLeast { count, conditions } => {
                if count.node as usize > conditions.len() {
                    self.report(say::bad_operation(count.span, "il y a moins de conditions que le nombre exigé"));
                }
                let conditions = conditions.iter().map(|c| self.condition(c, context)).collect();
                Self::boolean(ExprKind::AtLeast { count: count.node, conditions }, span)
            }
            A::DaysBetween { from, to, exclusive } => {
                let from = self.date_operand(from, context);
                let to = self.date_operand(to, context);
                let kind = ExprKind::DaysBetween { from: Box::new(from), to: Box::new(to), exclusive: *exclusive };
                Expr { kind, ty: Type::Number(Unit::of("jour")), span }
            }
            A::DaysOfYear(year) => {
                let year = self.year_operand(year, context);
                Expr { kind: ExprKind::DaysOfYear(Box::new(year)), ty: Type::Number(Unit::of("jour")), span }
            }
            A::Past { reach, name } => {
                self.report(say::previous_needs_default(span, *reach, &name.node));
                error_expr(span)
            }
            A::IsSet(value) => self.is_set(value, span, context),
            // Expanded before names are resolved; what is left was reported there.
            A::SumOver { .. } => {
                self.unexpanded = true;
                error_expr(span)
            }
            A::OrElse { value, default } => self.or_else(value, default, span, context),
            A::CappedAt { value, cap: limit } | A::RaisedTo { value, floor: limit } => {
                let largest = matches!(written.kind, A::RaisedTo { .. });
                let items = vec![self.expression(value, context, None), self.expression(limit, context, None)];
                self.extremum(largest, items, span)
            }
            A::Brackets { subject, rows } => self.brackets(subject, rows, span, context, expected),
            A::Tiers { subject, rows } => self.tiers(subject, rows, span, context),
        }
    }

    fn name(&mut self, name: &Arc<str>, span: Span, context: &Context, expected: Option<&Type>) -> Expr {
        match self.hir.symbols.get(name) {
            Some((Symbol::Input(id), declared)) => {
                let (id, declared) = (*id, *declared);
                let expr = self.read_input(id, span);
                if !context.lenient && self.program.inputs.get(id.index()).is_some_and(|input| input.optional) {
                    self.prove_set(id, name, span, declared, context);
                }
                expr
            }
            Some((Symbol::Parameter(id), _)) => {
                let ty = self.program.parameters.get(id.index()).map_or(Type::Error, |p| p.ty.clone());
                if ty == Type::Error && id.index() >= self.program.parameters.len() {
                    self.report(say::not_constant(span));
                }
                Expr { kind: ExprKind::Parameter(*id), ty, span }
            }
            Some((Symbol::Quantity(id), declared)) => {
                let (id, declared) = (*id, *declared);
                if context.in_scope {
                    self.report(say::bad_operation(span, "un champ ne lit que des entrées et des paramètres"));
                    return error_expr(span);
                }
                let ty = self.quantity_type(id);
                if !context.lenient {
                    self.prove_applies(id, name, span, declared, context);
                }
                Expr { kind: ExprKind::Quantity(id), ty, span }
            }
            None => {
                if let Some(Type::Enumeration(id)) = expected {
                    return self.case(*id, name, span);
                }
                let mut owners = (0..self.program.enumerations.len())
                    .filter(|e| self.program.enumerations[*e].cases.iter().any(|(case, _)| case == name));
                let problem = match (owners.next(), owners.next()) {
                    (Some(owner), None) if expected.is_none() => {
                        return self.case(EnumId(owner as u32), name, span);
                    }
                    (Some(owner), _) => say::case_used_as_value(span, name, &self.program.enumerations[owner].name),
                    _ => say::unknown_name(span, name, self.hir.symbols.keys().map(|k| &**k)),
                };
                self.report(problem);
                error_expr(span)
            }
        }
    }

    /// Reports an optional cell that may be empty where it is read.
    pub(super) fn prove_set(&mut self, id: InputId, name: &str, span: Span, declared: Span, context: &Context) {
        let goal = Self::boolean(ExprKind::IsSet(Presence::Input(id)), span);
        let facts = self.with_definitions(&context.facts, &goal);
        let facts: Vec<&Expr> = facts.iter().collect();
        if implies(&facts, &goal, &self.program) != Answer::No {
            self.report(say::may_be_empty(span, name, declared));
        }
    }

    /// « x est renseigné ».
    fn is_set(&mut self, value: &ast::Expr, span: Span, context: &Context) -> Expr {
        let (name, at, reach) = match &value.kind {
            A::Name(name) => (name, value.span, None),
            A::Past { reach, name } => (&name.node, name.span, Some(*reach)),
            _ => {
                self.report(say::bad_operation(
                    value.span,
                    "« est renseigné » porte sur une entrée facultative, une quantité, précédent(…) ou antérieur(…)",
                ));
                return Self::boolean(ExprKind::Constant(Value::Boolean(true)), span);
            }
        };
        let presence = match (self.hir.symbols.get(name).map(|(symbol, _)| *symbol), reach) {
            (Some(Symbol::Input(id)), Some(reach)) => Presence::PastInput(reach, id),
            (Some(Symbol::Input(id)), None) => {
                if !self.program.inputs.get(id.index()).is_some_and(|input| input.optional) {
                    self.report(say::always_set(at, name));
                }
                Presence::Input(id)
            }
            (Some(Symbol::Quantity(id)), reach) => {
                if context.in_scope {
                    self.report(say::bad_operation(at, "un champ ne lit que des entrées et des paramètres"));
                }
                match reach {
                    Some(reach) => Presence::PastQuantity(reach, id),
                    None => Presence::Quantity(id),
                }
            }
            (Some(Symbol::Parameter(_)), _) => {
                self.report(say::wrong_target(at, format!("« {name} » est un paramètre : il a toujours une valeur")));
                return error_expr(span);
            }
            (None, _) => {
                let problem = say::unknown_name(at, name, self.hir.symbols.keys().map(|k| &**k));
                self.report(problem);
                return error_expr(span);
            }
        };
        Self::boolean(ExprKind::IsSet(presence), span)
    }

    pub(super) fn read_input(&mut self, id: InputId, span: Span) -> Expr {
        let ty = self.program.inputs.get(id.index()).map_or(Type::Error, |input| input.ty.clone());
        if ty == Type::Text {
            self.report(say::bad_operation(
                span,
                "une entrée de type texte ne sert que de clé, ou à grouper des lignes",
            ));
            return error_expr(span);
        }
        Expr { kind: ExprKind::Input(id), ty, span }
    }

    fn case(&mut self, id: EnumId, name: &str, span: Span) -> Expr {
        let enumeration = self.program.enumeration(id);
        match enumeration.cases.iter().position(|(case, _)| **case == *name) {
            Some(rank) => Expr { kind: ExprKind::Constant(Value::Case(rank as u32)), ty: Type::Enumeration(id), span },
            None => {
                let cases = enumeration.cases.iter().map(|(case, _)| &**case);
                let problem = say::unknown_case(span, name, &enumeration.name, cases);
                self.report(problem);
                error_expr(span)
            }
        }
    }

    /// Reports a quantity that is not proven to apply where it is read.
    fn prove_applies(&mut self, id: QuantityId, name: &str, span: Span, declared: Span, context: &Context) {
        // A count or a sum of no row is zero.
        if self.hir.aggregates.iter().any(|aggregate| {
            aggregate.quantity == id && matches!(aggregate.summary, Summary::Count | Summary::Sum | Summary::Distinct)
        }) {
            return;
        }
        let mut alternatives = Vec::new();
        for rule in 0..self.hir.quantities[id.index()].rules.len() {
            match self.applies(id, rule) {
                None => return,
                Some(guard) => alternatives.push(guard),
            }
        }
        // « est renseigné » says it too.
        alternatives.push(Self::boolean(ExprKind::IsSet(Presence::Quantity(id)), span));
        let Some(goal) = any_of(alternatives, span) else { return };
        let facts = self.with_definitions(&context.facts, &goal);
        let facts: Vec<&Expr> = facts.iter().collect();
        match implies(&facts, &goal, &self.program) {
            Answer::No => {}
            Answer::Yes { example, .. } => self.report(say::may_not_apply(span, name, declared, &example)),
            Answer::Unknown => self.report(say::may_not_apply(span, name, declared, "")),
        }
    }

    /// Facts, and what the boolean quantities among them say: a named condition that holds implies its own text.
    fn with_definitions(&mut self, facts: &[Expr], goal: &Expr) -> Vec<Expr> {
        let mut result = facts.to_vec();
        let mut named = Vec::new();
        for fact in facts {
            fact.walk(&mut |e| {
                if let ExprKind::Quantity(id) = e.kind
                    && e.ty == Type::Boolean
                    && !named.contains(&id)
                {
                    named.push(id);
                }
            });
        }
        // « est renseigné » says that some rule applies, and the other way round.
        let mut known_set: Vec<QuantityId> = Vec::new();
        for fact in facts.iter().chain([goal]) {
            fact.walk(&mut |e| {
                if let ExprKind::IsSet(Presence::Quantity(id)) = e.kind
                    && !known_set.contains(&id)
                {
                    known_set.push(id);
                }
            });
        }
        for id in known_set {
            let span = self.hir.quantities[id.index()].span;
            let set = Self::boolean(ExprKind::IsSet(Presence::Quantity(id)), span);
            let mut items = vec![negate(&set)];
            let rules = self.hir.quantities[id.index()].rules.len();
            let guards: Vec<Option<Expr>> = (0..rules).map(|rank| self.applies(id, rank)).collect();
            // A guard being typed tells nothing yet.
            if self.guards[id.index()].iter().any(|guard| !matches!(guard, Memo::Known(_))) {
                continue;
            }
            for guard in &guards {
                let mut applied: Vec<Expr> = guard.iter().map(negate).collect();
                applied.push(set.clone());
                result.extend(any_of(applied, span));
            }
            // Where a rule applies everywhere, nothing more is known.
            if guards.iter().all(Option::is_some) && rules > 0 {
                items.extend(guards.into_iter().flatten());
                result.extend(any_of(items, span));
            }
        }
        for id in named {
            if !self.hir.quantities[id.index()].derogations.is_empty() {
                continue;
            }
            // Whatever the order of declarations.
            stacker::maybe_grow(64 * 1024, 1024 * 1024, || self.quantity(id));
            let typed = self.program.quantity(id).rules.clone();
            for (rank, rule) in typed.iter().enumerate() {
                let ([line], Memo::Known(guard)) = (&rule.base[..], &self.guards[id.index()][rank]) else { continue };
                if line.value.ty != Type::Boolean || !rule.replacements.is_empty() {
                    continue;
                }
                // quantity and guard imply the text: not quantity, or not guard, or text.
                let atom = Expr { kind: ExprKind::Quantity(id), ty: Type::Boolean, span: rule.span };
                let mut items = vec![negate(&atom)];
                items.extend(guard.iter().map(negate));
                items.push(line.value.clone());
                result.extend(any_of(items, rule.span));
            }
        }
        result
    }

    fn date_of(&mut self, day: u32, month: u32, year: &ast::Expr, span: Span, context: &Context) -> Expr {
        // A day that exists in every year; 29 February would make some rows fail.
        if crate::calendar::Date::new(2023, month, day).is_none() {
            self.report(say::bad_date(span));
        }
        let year = self.year_operand(year, context);
        Expr { kind: ExprKind::DateOf { day, month, year: Box::new(year) }, ty: Type::Date, span }
    }

    pub(super) fn year_operand(&mut self, written: &ast::Expr, context: &Context) -> Expr {
        let expr = self.expression(written, context, None);
        self.adopt(expr, &Type::Number(Unit::of("an")), "l'année")
    }

    fn date_operand(&mut self, written: &ast::Expr, context: &Context) -> Expr {
        let expr = self.expression(written, context, None);
        self.expect(expr, &Type::Date)
    }

    pub(super) fn number_operand(&mut self, written: &ast::Expr, context: &Context, action: &str) -> Expr {
        let expr = self.expression(written, context, None);
        self.number_only(expr, action)
    }

    fn number_only(&mut self, expr: Expr, action: &str) -> Expr {
        match expr.ty {
            Type::Number(_) | Type::Error => expr,
            _ => {
                let found = say::describe(&expr.ty, &self.program);
                self.report(say::bad_operation(expr.span, format!("on ne peut pas {action} {found}")));
                Expr { ty: Type::Error, ..expr }
            }
        }
    }

    fn binary(
        &mut self,
        op: Op,
        op_span: Span,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
        context: &Context,
    ) -> Expr {
        match op {
            Op::And | Op::Or => self.connective(op, left, right, span, context),
            Op::Add | Op::Subtract => self.addition(op, left, right, span, context),
            Op::Multiply | Op::Divide => {
                let left = self.number_operand(left, context, "multiplier ou diviser");
                let right = self.number_operand(right, context, "multiplier ou diviser");
                if op == Op::Divide
                    && fold::constant(&right).is_some_and(|v| matches!(v, Value::Number(n) if n.is_zero()))
                {
                    self.report(say::bad_operation(op_span, "division par zéro"));
                }
                let ty = match (&left.ty, &right.ty) {
                    (Type::Number(a), Type::Number(b)) => {
                        Type::Number(if op == Op::Multiply { a.multiply(b) } else { a.divide(b) })
                    }
                    _ => Type::Error,
                };
                let op = if op == Op::Multiply { BinaryOp::Multiply } else { BinaryOp::Divide };
                Expr { kind: ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) }, ty, span }
            }
            _ => self.comparison(op, left, right, span, context),
        }
    }

    fn connective(&mut self, op: Op, left: &ast::Expr, right: &ast::Expr, span: Span, context: &Context) -> Expr {
        let left = self.condition(left, context);
        let known = if op == Op::And { left.clone() } else { negate(&left) };
        let right = self.condition(right, &context.assuming(&known));
        let mut items = Vec::new();
        // `a et b et c` is one conjunction of three.
        match (op, left) {
            (Op::And, Expr { kind: ExprKind::And(inner), .. }) | (Op::Or, Expr { kind: ExprKind::Or(inner), .. }) => {
                items.extend(inner);
            }
            (_, other) => items.push(other),
        }
        items.push(right);
        Self::boolean(if op == Op::And { ExprKind::And(items) } else { ExprKind::Or(items) }, span)
    }

    fn addition(&mut self, op: Op, left: &ast::Expr, right: &ast::Expr, span: Span, context: &Context) -> Expr {
        let mut left = self.expression(left, context, None);
        let mut right = self.expression(right, context, None);
        let subtract = op == Op::Subtract;
        if left.ty == Type::Date {
            let unit = match &right.ty {
                Type::Number(unit) => {
                    unit.dimensions().next().and_then(|d| fold::calendar_unit(d).filter(|_| *unit == Unit::of(d)))
                }
                Type::Error => return error_expr(span),
                _ => None,
            };
            let Some(unit) = unit else {
                self.report(say::bad_operation(
                    right.span,
                    "à une date on ajoute des jours, des mois ou des ans : « + 1 an »",
                ));
                return error_expr(span);
            };
            if fold::constant(&right).is_some_and(|v| !matches!(v, Value::Number(n) if n.is_integer())) {
                self.report(say::bad_operation(right.span, "à une date on ajoute un nombre entier"));
            }
            let kind = ExprKind::AddToDate { date: Box::new(left), count: Box::new(right), unit, subtract };
            return Expr { kind, ty: Type::Date, span };
        }
        left = self.number_only(left, "additionner ou soustraire");
        right = self.number_only(right, "additionner ou soustraire");
        let ty = self.unify(&mut left, &mut right, span, if subtract { "soustraire" } else { "additionner" });
        let op = if subtract { BinaryOp::Subtract } else { BinaryOp::Add };
        Expr { kind: ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) }, ty, span }
    }

    fn comparison(&mut self, op: Op, left: &ast::Expr, right: &ast::Expr, span: Span, context: &Context) -> Expr {
        // A case is known by the enumeration of the other side.
        let is_case =
            |e: &ast::Expr, checker: &Self| matches!(&e.kind, A::Name(n) if !checker.hir.symbols.contains_key(n));
        let (mut left, mut right) = if is_case(left, self) && !is_case(right, self) {
            let right = self.expression(right, context, None);
            (self.expression(left, context, Some(&right.ty)), right)
        } else {
            let left = self.expression(left, context, None);
            let right = self.expression(right, context, Some(&left.ty));
            (left, right)
        };
        let op = match op {
            Op::Equal => CompareOp::Equal,
            Op::NotEqual => CompareOp::NotEqual,
            Op::Less => CompareOp::Less,
            Op::LessOrEqual => CompareOp::LessOrEqual,
            Op::Greater => CompareOp::Greater,
            _ => CompareOp::GreaterOrEqual,
        };
        let ty = self.unify(&mut left, &mut right, span, "comparer");
        let ordered = matches!(ty, Type::Number(_) | Type::Date | Type::Error);
        if !ordered && !matches!(op, CompareOp::Equal | CompareOp::NotEqual) {
            let found = say::describe(&ty, &self.program);
            self.report(say::bad_operation(span, format!("{found} se compare par « = » ou « ≠ » seulement")));
        }
        Self::boolean(ExprKind::Compare { op, left: Box::new(left), right: Box::new(right) }, span)
    }

    fn one_of(&mut self, subject: &ast::Expr, names: &[ast::Name], span: Span, context: &Context) -> Expr {
        let subject = self.expression(subject, context, None);
        let Type::Enumeration(id) = subject.ty else {
            if subject.ty != Type::Error {
                let found = say::describe(&subject.ty, &self.program);
                self.report(say::type_mismatch(subject.span, "un cas d'une énumération", &found));
            }
            return Self::boolean(ExprKind::Constant(Value::Boolean(true)), span);
        };
        let mut cases = Vec::new();
        for name in names {
            if let ExprKind::Constant(Value::Case(rank)) = self.case(id, &name.node, name.span).kind {
                cases.push(rank);
            }
        }
        Self::boolean(ExprKind::OneOf { subject: Box::new(subject), cases }, span)
    }

    /// One type for both, or a report. A literal zero takes any unit; a bare number beside a year is a number of years.
    pub(super) fn unify(&mut self, left: &mut Expr, right: &mut Expr, span: Span, action: &str) -> Type {
        let (a, b) = match (&left.ty, &right.ty) {
            (Type::Error, _) | (_, Type::Error) => return Type::Error,
            (Type::Number(a), Type::Number(b)) => (a.clone(), b.clone()),
            (x, y) if x == y => return x.clone(),
            (x, y) => {
                let problem =
                    say::type_mismatch(right.span, &say::describe(x, &self.program), &say::describe(y, &self.program));
                self.report(problem);
                return Type::Error;
            }
        };
        if a == b {
            return Type::Number(a);
        }
        let year = Unit::of("an");
        if is_zero(right) || (a == year && b.is_none() && is_literal(right)) {
            *right = retype(right.clone(), &a);
            return Type::Number(a);
        }
        if is_zero(left) || (b == year && a.is_none() && is_literal(left)) {
            *left = retype(left.clone(), &b);
            return Type::Number(b);
        }
        self.report(say::unit_mismatch(span, (&a, left.span), (&b, right.span), action));
        Type::Error
    }

    /// One type for all.
    fn unify_all(&mut self, items: &mut [Expr], span: Span, action: &str) -> Type {
        let lead = items.iter().position(|item| !is_zero(item)).unwrap_or(0);
        let mut ty = items.get(lead).map_or(Type::Error, |item| item.ty.clone());
        for index in (0..items.len()).filter(|i| *i != lead) {
            let mut first = items[lead].clone();
            let mut other = items[index].clone();
            if self.unify(&mut first, &mut other, span, action) == Type::Error {
                ty = Type::Error;
            }
            items[index] = other;
        }
        ty
    }

    pub(super) fn extremum(&mut self, largest: bool, mut items: Vec<Expr>, span: Span) -> Expr {
        for item in &items {
            if !matches!(item.ty, Type::Number(_) | Type::Date | Type::Error) {
                let found = say::describe(&item.ty, &self.program);
                let problem = say::type_mismatch(item.span, "un nombre ou une date", &found);
                self.report(problem);
            }
        }
        let ty = self.unify_all(&mut items, span, "comparer");
        Expr { kind: ExprKind::Extremum { largest, items }, ty, span }
    }

    fn call(&mut self, function: &ast::Name, arguments: &[ast::Expr], span: Span, context: &Context) -> Expr {
        let name: &str = match &*function.node {
            "annee" => "année",
            "arrondi_inferieur" => "arrondi_inférieur",
            "arrondi_superieur" => "arrondi_supérieur",
            "annees_revolues" => "années_révolues",
            "mois_revolus" => "mois_révolus",
            other => other,
        };
        match name {
            "min" | "max" => {
                if arguments.len() < 2 {
                    self.report(say::wrong_arity(
                        function,
                        "au moins deux valeurs séparées par « ; »",
                        arguments.len(),
                    ));
                    return error_expr(span);
                }
                let items = arguments.iter().map(|argument| self.expression(argument, context, None)).collect();
                self.extremum(name == "max", items, span)
            }
            "années_révolues" | "mois_révolus" => {
                let [from, to] = arguments else {
                    self.report(say::wrong_arity(function, "deux dates", arguments.len()));
                    return error_expr(span);
                };
                let (from, to) = (self.date_operand(from, context), self.date_operand(to, context));
                let (unit, dimension) =
                    if name == "mois_révolus" { (CalendarUnit::Months, "mois") } else { (CalendarUnit::Years, "an") };
                let kind = ExprKind::Elapsed { from: Box::new(from), to: Box::new(to), unit };
                Expr { kind, ty: Type::Number(Unit::of(dimension)), span }
            }
            "non_nul" => self.non_zero(function, arguments, span, context),
            "année" | "mois" | "trimestre" => {
                let [argument] = arguments else {
                    self.report(say::wrong_arity(function, "une date", arguments.len()));
                    return error_expr(span);
                };
                let date = Box::new(self.date_operand(argument, context));
                let (part, unit) = match name {
                    "mois" => (DatePart::Month, Unit::none()),
                    "trimestre" => (DatePart::Quarter, Unit::none()),
                    _ => (DatePart::Year, Unit::of("an")),
                };
                Expr { kind: ExprKind::DatePart { part, date }, ty: Type::Number(unit), span }
            }
            "arrondi" | "arrondi_inférieur" | "arrondi_supérieur" => {
                let [value, decimals] = arguments else {
                    self.report(say::wrong_arity(function, "une valeur et un nombre de décimales", arguments.len()));
                    return error_expr(span);
                };
                let value = self.number_operand(value, context, "arrondir");
                let decimals = self.constant_of(decimals, &Type::Number(Unit::none()), context, "décimales");
                let decimals = match decimals {
                    Some(Value::Number(n)) => fold::whole(&n).and_then(|n| u32::try_from(n).ok()).filter(|n| *n <= 12),
                    _ => return error_expr(span),
                };
                let Some(decimals) = decimals else {
                    self.report(say::bad_operation(
                        arguments[1].span,
                        "le nombre de décimales est un entier de 0 à 12",
                    ));
                    return error_expr(span);
                };
                let mode = match name {
                    "arrondi" => RoundingMode::HalfAway,
                    "arrondi_inférieur" => RoundingMode::Down,
                    _ => RoundingMode::Up,
                };
                let ty = value.ty.clone();
                Expr { kind: ExprKind::Round { value: Box::new(value), decimals, mode }, ty, span }
            }
            _ => {
                self.report(say::unknown_function(function, ast::FUNCTIONS));
                error_expr(span)
            }
        }
    }

    /// « non_nul(x) »: the quantity applies and is neither zero nor false.
    fn non_zero(&mut self, function: &ast::Name, arguments: &[ast::Expr], span: Span, context: &Context) -> Expr {
        let [ast::Expr { kind: A::Name(name), span: at }] = arguments else {
            self.report(say::wrong_arity(function, "une quantité", arguments.len()));
            return error_expr(span);
        };
        let id = match self.hir.symbols.get(name).copied() {
            Some((Symbol::Quantity(id), _)) => id,
            Some(_) => {
                self.report(say::wrong_target(*at, format!("« {name} » n'est pas une quantité calculée")));
                return error_expr(span);
            }
            None => {
                let known = self.hir.quantities.iter().map(|quantity| &*quantity.name);
                let name = ast::Name { node: name.clone(), span: *at };
                let problem = say::unknown_declared("la quantité", &name, known);
                self.report(problem);
                return error_expr(span);
            }
        };
        if context.in_scope {
            self.report(say::bad_operation(*at, "un champ ne lit que des entrées et des paramètres"));
        }
        let ty = self.quantity_type(id);
        let or = |default: Value| Expr {
            kind: ExprKind::QuantityOr {
                quantity: id,
                rules: None,
                default: Box::new(Expr { kind: ExprKind::Constant(default), ty: ty.clone(), span }),
            },
            ty: ty.clone(),
            span,
        };
        match &ty {
            Type::Boolean => or(Value::Boolean(false)),
            Type::Number(_) => {
                let zero = || Value::Number(integer(0));
                let right = Expr { kind: ExprKind::Constant(zero()), ty: ty.clone(), span };
                let kind =
                    ExprKind::Compare { op: CompareOp::NotEqual, left: Box::new(or(zero())), right: Box::new(right) };
                Self::boolean(kind, span)
            }
            Type::Error => error_expr(span),
            _ => {
                let found = say::describe(&ty, &self.program);
                self.report(say::type_mismatch(*at, "un nombre ou un booléen", &found));
                error_expr(span)
            }
        }
    }

    fn or_else(&mut self, value: &ast::Expr, default: &ast::Expr, span: Span, context: &Context) -> Expr {
        let symbol = |name: &Arc<str>, checker: &Self| checker.hir.symbols.get(name).map(|(symbol, _)| *symbol);
        let (target, past) = match &value.kind {
            A::Name(name) => (symbol(name, self), None),
            A::Past { reach, name } => match symbol(&name.node, self) {
                Some(symbol) => (Some(symbol), Some(*reach)),
                None => {
                    let problem = say::unknown_name(name.span, &name.node, self.hir.symbols.keys().map(|k| &**k));
                    self.report(problem);
                    return error_expr(span);
                }
            },
            _ => (None, None),
        };
        if let (Some(Symbol::Quantity(id)), Some(reach)) = (target, past)
            && let Some(expr) = self.past_by_default(reach, id, default, span, context)
        {
            return expr;
        }
        let ty = match target {
            Some(Symbol::Quantity(id)) => self.quantity_type(id),
            Some(Symbol::Input(id)) if past.is_some() || self.program.input(id).optional => {
                self.read_input(id, value.span).ty
            }
            _ => {
                // An unknown name has its own message.
                self.expression(value, context, None);
                self.report(say::useless_default(span));
                return error_expr(span);
            }
        };
        let default = self.expression(default, context, Some(&ty));
        let default = self.adopt(default, &ty, "à défaut");
        let default = Box::new(default);
        let kind = match (target, past) {
            (Some(Symbol::Quantity(quantity)), Some(reach)) => ExprKind::PastQuantity { reach, quantity, default },
            (Some(Symbol::Quantity(quantity)), None) => ExprKind::QuantityOr { quantity, rules: None, default },
            (Some(Symbol::Input(input)), Some(reach)) => ExprKind::PastInput { reach, input, default },
            (Some(Symbol::Input(input)), None) => ExprKind::InputOr { input, default },
            _ => return error_expr(span),
        };
        Expr { kind, ty, span }
    }

    /// Last year's value of a quantity, typed by its default, so that two quantities may each read the other of last year.
    /// `None` where the default alone does not say the type: a bare zero, or a case.
    fn past_by_default(
        &mut self,
        reach: Reach,
        id: QuantityId,
        default: &ast::Expr,
        span: Span,
        context: &Context,
    ) -> Option<Expr> {
        if matches!(&default.kind, A::Name(name) if !self.hir.symbols.contains_key(name)) {
            return None;
        }
        if matches!(self.types[id.index()], Memo::Known(_)) {
            return None;
        }
        let default = self.expression(default, context, None);
        if is_zero(&default) {
            return None;
        }
        let ty = default.ty.clone();
        self.previous_types.push((id, ty.clone(), default.span));
        Some(Expr { kind: ExprKind::PastQuantity { reach, quantity: id, default: Box::new(default) }, ty, span })
    }

    fn brackets(
        &mut self,
        subject: &ast::Expr,
        rows: &[ast::Bracket],
        span: Span,
        context: &Context,
        expected: Option<&Type>,
    ) -> Expr {
        let subject = self.number_operand(subject, context, "répartir par palier");
        self.build_ranges(&subject);
        let ranges = self.bracket_ranges(&subject, rows);
        let mut values: Vec<Expr> = rows.iter().map(|row| self.expression(&row.value, context, expected)).collect();
        let ty = self.unify_all(&mut values, span, "mettre dans un même barème");
        let rows =
            ranges.into_iter().map(|(from, to, row)| crate::typed::Bracket { from, to, value: values[row].clone() });
        let kind = ExprKind::Brackets { rows: rows.collect(), subject: Box::new(subject) };
        Expr { kind, ty, span }
    }

    fn tiers(&mut self, subject: &ast::Expr, rows: &[ast::Tier], span: Span, context: &Context) -> Expr {
        let subject = self.number_operand(subject, context, "répartir par tranche");
        let Type::Number(subject_unit) = subject.ty.clone() else { return error_expr(span) };
        self.build_ranges(&subject);
        let ranges = self.tier_ranges(&subject, rows);
        let mut rates = Vec::new();
        for row in rows {
            let rate = self.number_operand(&row.rate, context, "prendre pour taux");
            rates.push(match &row.per {
                None => rate,
                Some((count, unit)) => self.per(rate, count.as_ref(), unit, &subject_unit),
            });
        }
        let rate_type = self.unify_all(&mut rates, span, "mettre dans un même barème");
        let ty = match rate_type {
            Type::Number(unit) => Type::Number(unit.multiply(&subject_unit)),
            _ => Type::Error,
        };
        let rows = ranges.into_iter().zip(rates).map(|((from, to), rate)| crate::typed::Tier { from, to, rate });
        let kind = ExprKind::Tiers { rows: rows.collect(), subject: Box::new(subject) };
        Expr { kind, ty, span }
    }

    /// « 1 700 par 4 000 patients »: a rate for so many units of the subject.
    pub(super) fn per(&mut self, amount: Expr, count: Option<&ast::Number>, unit: &ast::Name, subject: &Unit) -> Expr {
        let written = ast::UnitExpr { parts: vec![unit.clone()], span: unit.span };
        let (unit_type, _) = self.unit(&written);
        if unit_type != *subject {
            self.report(say::wrong_unit(unit.span, subject, &unit_type, "l'unité de ce taux"));
        }
        let count = count.and_then(literal).unwrap_or_else(num_rational::BigRational::one);
        if count.is_zero() {
            self.report(say::bad_operation(unit.span, "un taux par zéro unité n'a pas de sens"));
            return error_expr(amount.span);
        }
        let ty = match &amount.ty {
            Type::Number(amount_unit) => Type::Number(amount_unit.divide(subject)),
            _ => Type::Error,
        };
        let span = amount.span.to(unit.span);
        let right = Expr { kind: ExprKind::Constant(Value::Number(count)), ty: Type::Number(subject.clone()), span };
        let rate = Expr {
            kind: ExprKind::Binary { op: BinaryOp::Divide, left: Box::new(amount), right: Box::new(right) },
            ty: ty.clone(),
            span,
        };
        match fold::constant(&rate) {
            Some(value) => Expr { kind: ExprKind::Constant(value), ty, span },
            None => rate,
        }
    }
}

/// A zero written as such, alone or in every branch: it takes any unit.
pub(super) fn is_zero(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Constant(Value::Number(value)) => value.is_zero() && expr.ty == Type::Number(Unit::none()),
        ExprKind::If { then, otherwise, .. } => is_zero(then) && is_zero(otherwise),
        ExprKind::Brackets { rows, .. } => rows.iter().all(|row| is_zero(&row.value)),
        _ => false,
    }
}

fn is_literal(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Constant(_))
}

/// Gives a unit to a bare number, down to the branches it comes from.
pub(super) fn retype(mut expr: Expr, unit: &Unit) -> Expr {
    expr.ty = Type::Number(unit.clone());
    match &mut expr.kind {
        ExprKind::If { then, otherwise, .. } => {
            **then = retype((**then).clone(), unit);
            **otherwise = retype((**otherwise).clone(), unit);
        }
        ExprKind::Brackets { rows, .. } => {
            for row in rows {
                row.value = retype(row.value.clone(), unit);
            }
        }
        _ => {}
    }
    expr
}
