//! From the resolved program to the typed one: types and units, applicability, completeness, conflicts, cycles, use.

mod cycles;
mod decimals;
mod expressions;
mod facts;
mod fold;
mod ladders;
mod provisions;
mod select;
mod solver;
mod usage;

use std::collections::BTreeMap;
use std::sync::Arc;

use polc_dsl::Span;
use polc_dsl::ast::{self, BaseType, Summary, UnitExpr};
use polc_dsl::diagnostic::Diagnostic;

use crate::calendar::Date;
use crate::diagnostics as say;
use crate::hir;
use crate::num::{Ratio, finite_decimals, integer, parse_decimal};
use crate::typed::{
    Aggregate, Currency, EnumId, Enumeration, Expr, Input, InputId, Parameter, Program, Quantity, QuantityId, Reading,
    Scope, ScopeId, Type, Value, Variant,
};
use crate::units::Unit;

pub use select::select;

/// Types a resolved program. The program is returned even with diagnostics, for the checks that can still be made; it must
/// not be run then.
#[must_use]
pub fn check(resolved: &hir::Program<'_>) -> (Option<Program>, Vec<Diagnostic>) {
    let Some(header) = &resolved.header else { return (None, Vec::new()) };
    let program = Program {
        name: header.name.node.clone(),
        title: header.title.clone(),
        currency: Currency { symbol: header.currency.clone(), decimals: header.decimals },
        key: Vec::new(),
        year: InputId(0),
        years: (0, 0),
        scope: None,
        scopes: Vec::new(),
        texts: header.texts.clone(),
        amendments: Vec::new(),
        other_inputs: Vec::new(),
        enumerations: Vec::new(),
        inputs: Vec::new(),
        parameters: Vec::new(),
        quantities: Vec::new(),
        aggregates: Vec::new(),
        readings: Vec::new(),
        examples: Vec::new(),
        controls: Vec::new(),
    };
    let count = resolved.quantities.len();
    let mut checker = Checker {
        hir: resolved,
        program,
        diagnostics: Vec::new(),
        types: vec![Memo::Unknown; count],
        built: vec![false; count],
        guards: resolved.quantities.iter().map(|q| vec![Memo::Unknown; q.rules.len()]).collect(),
        previous_types: Vec::new(),
        used_units: Vec::new(),
        used_enumerations: Vec::new(),
        scope_ids: BTreeMap::new(),
        unexpanded: false,
    };
    checker.enumerations();
    checker.inputs();
    if !checker.header(header) {
        return (None, checker.diagnostics);
    }
    checker.parameters();
    checker.program.quantities = resolved.quantities.iter().map(shell).collect();
    checker.scopes();
    for id in (0..count as u32).map(QuantityId) {
        checker.quantity(id);
    }
    checker.aggregates();
    checker.previous_defaults();
    checker.readings();
    checker.derogation_conflicts();
    checker.parameter_years();
    checker.facts();
    decimals::mark(&mut checker.program);
    let mut diagnostics = std::mem::take(&mut checker.diagnostics);
    diagnostics.extend(cycles::cycles(&checker.program));
    diagnostics.extend(usage::unused(&checker));
    (Some(checker.program), diagnostics)
}

/// A quantity before its rules are typed.
fn shell(quantity: &hir::Quantity<'_>) -> Quantity {
    Quantity {
        name: quantity.name.clone(),
        title: quantity.title.clone(),
        kind: quantity.kind,
        ty: Type::Error,
        internal: quantity.internal,
        rules: Vec::new(),
        derogations: Vec::new(),
        decimal: false,
        span: quantity.span,
    }
}

/// What is computed on demand, once.
#[derive(Clone, Debug)]
enum Memo<T> {
    Unknown,
    InProgress,
    Known(T),
}

struct Checker<'a, 'h> {
    hir: &'h hir::Program<'a>,
    program: Program,
    diagnostics: Vec<Diagnostic>,
    types: Vec<Memo<Type>>,
    /// Quantities whose rules are typed, or being typed.
    built: Vec<bool>,
    /// Per quantity and rule: where the rule applies, years included.
    guards: Vec<Vec<Memo<Option<Expr>>>>,
    /// Types that defaults of « précédent » promise of quantities, to check once all are known.
    previous_types: Vec<(QuantityId, Type, Span)>,
    used_units: Vec<Arc<str>>,
    used_enumerations: Vec<EnumId>,
    /// Typed scopes by the rank of the resolved ones.
    scope_ids: BTreeMap<usize, Option<ScopeId>>,
    /// Whether something was left by the expansion, which said why.
    unexpanded: bool,
}

/// Where an expression is evaluated: what is known to hold there.
#[derive(Clone, Default)]
struct Context {
    facts: Vec<Expr>,
    /// Examples and controls read results without proof: they fail when there is none.
    lenient: bool,
    /// Type of « valeur retenue », inside a replacement.
    retained: Option<Type>,
    /// The scope of the policy may not read quantities: they exist only within it.
    in_scope: bool,
}

impl Context {
    fn assuming(&self, fact: &Expr) -> Self {
        let mut context = self.clone();
        context.facts.push(fact.clone());
        context
    }

    fn assuming_all<'e>(&self, facts: impl IntoIterator<Item = &'e Expr>) -> Self {
        let mut context = self.clone();
        context.facts.extend(facts.into_iter().cloned());
        context
    }
}

fn error_expr(span: Span) -> Expr {
    Expr { kind: crate::typed::ExprKind::Constant(Value::Boolean(false)), ty: Type::Error, span }
}

fn negate(expr: &Expr) -> Expr {
    Expr { kind: crate::typed::ExprKind::Not(Box::new(expr.clone())), ty: Type::Boolean, span: expr.span }
}

/// The conjunction of what is present.
fn all_of(items: Vec<Expr>, span: Span) -> Option<Expr> {
    join(items, span, crate::typed::ExprKind::And)
}

fn any_of(items: Vec<Expr>, span: Span) -> Option<Expr> {
    join(items, span, crate::typed::ExprKind::Or)
}

fn join(mut items: Vec<Expr>, span: Span, make: fn(Vec<Expr>) -> crate::typed::ExprKind) -> Option<Expr> {
    if items.len() <= 1 {
        return items.pop();
    }
    Some(Expr { kind: make(items), ty: Type::Boolean, span })
}

impl Checker<'_, '_> {
    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn currency_unit(&self) -> Unit {
        Unit::of(&self.program.currency.symbol)
    }

    fn enumerations(&mut self) {
        self.program.enumerations = self
            .hir
            .enumerations
            .iter()
            .map(|e| Enumeration {
                name: e.name.node.clone(),
                title: e.title.clone(),
                cases: e.cases.iter().map(|(name, title)| (name.node.clone(), title.clone())).collect(),
            })
            .collect();
    }

    /// The unit written, and the factor that « % » stands for.
    fn unit(&mut self, written: &UnitExpr) -> (Unit, Ratio) {
        let mut unit = Unit::none();
        let mut factor = integer(1);
        for (rank, part) in written.parts.iter().enumerate() {
            if *part.node == *"%" {
                if rank == 0 {
                    factor /= integer(100);
                    continue;
                }
                self.report(say::bad_operation(part.span, "« % » ne se met pas au dénominateur"));
                continue;
            }
            let Some(canonical) = self.hir.units.get(&part.node) else {
                let problem = say::unknown_unit(part, self.hir.units.keys().map(|k| &**k));
                self.report(problem);
                continue;
            };
            self.used_units.push(canonical.clone());
            let dimension = Unit::of(canonical);
            unit = if rank == 0 { unit.multiply(&dimension) } else { unit.divide(&dimension) };
        }
        (unit, factor)
    }

    fn inputs(&mut self) {
        for input in &self.hir.inputs {
            let typed = self.input(input);
            self.program.inputs.push(typed);
        }
    }

    fn input(&mut self, input: &hir::Input<'_>) -> Input {
        let declared = input.declared;
        let (unit, _) = declared.unit.as_ref().map_or_else(|| (Unit::none(), integer(1)), |unit| self.unit(unit));
        let (ty, decimals) = match &declared.base {
            BaseType::Integer => (Type::Number(unit), 0),
            BaseType::Decimal => (Type::Number(unit), declared.decimals.as_ref().map_or(u32::MAX, |d| d.node)),
            BaseType::Boolean => (Type::Boolean, 0),
            BaseType::Date => (Type::Date, 0),
            BaseType::Text => (Type::Text, 0),
            BaseType::Named(name) => match self.hir.enumerations.iter().position(|e| e.name.node == name.node) {
                Some(index) => {
                    self.used_enumerations.push(EnumId(index as u32));
                    (Type::Enumeration(EnumId(index as u32)), 0)
                }
                None => {
                    let known = self.hir.enumerations.iter().map(|e| &*e.name.node);
                    let problem = say::unknown_declared("l'énumération ou le type", name, known);
                    self.report(problem);
                    (Type::Error, 0)
                }
            },
        };
        let is_number = matches!(ty, Type::Number(_));
        let is_ranged = is_number || ty == Type::Date;
        if decimals > 12 {
            self.report(say::bad_input(
                declared.span,
                "une entrée décimale dit son nombre de décimales, de 0 à 12 : « à 2 décimales »",
            ));
        }
        if !is_number && (declared.unit.is_some() || declared.decimals.is_some())
            || !is_ranged && declared.range.is_some()
        {
            self.report(say::bad_input(
                declared.span,
                "l'unité et les décimales ne valent que pour un nombre, la plage pour un nombre ou une date",
            ));
        }
        if matches!(declared.base, BaseType::Integer) && declared.decimals.is_some() {
            self.report(say::bad_input(declared.span, "un entier n'a pas de décimales"));
        }
        let context = Context::default();
        let mut range = None;
        if let Some((low, high)) = &declared.range
            && is_ranged
        {
            let low_value = self.constant_of(low, &ty, &context, &input.name.node);
            let high_value = self.constant_of(high, &ty, &context, &input.name.node);
            if let (Some(a), Some(b)) = (low_value.as_ref().and_then(measure), high_value.as_ref().and_then(measure)) {
                if a > b {
                    self.report(say::bad_input(low.span.to(high.span), "la plage est à l'envers"));
                } else if [&a, &b].iter().any(|end| !fits(end, decimals)) {
                    self.report(say::bad_input(
                        low.span.to(high.span),
                        "cette plage est trop large pour ses décimales : au plus dix-huit chiffres en tout",
                    ));
                } else {
                    range = Some((a, b));
                }
            }
        } else if is_number {
            self.report(say::bad_input(input.span, "un nombre dit sa plage légale : « de … à … »"));
        }
        let default = declared.default.as_ref().and_then(|default| {
            let value = self.constant_of(default, &ty, &context, &input.name.node)?;
            let outside = |number: &Ratio| range.as_ref().is_some_and(|(low, high)| number < low || number > high);
            if measure(&value).as_ref().is_some_and(outside) {
                self.report(say::out_of_range(default.span, &input.name.node, "est hors de sa plage"));
            }
            if let Value::Number(number) = &value
                && finite_decimals(number).is_none_or(|d| d > decimals)
            {
                self.report(say::out_of_range(default.span, &input.name.node, "a trop de décimales"));
            }
            Some(value)
        });
        if declared.optional && default.is_some() {
            self.report(say::bad_input(
                declared.span,
                "une entrée facultative n'a pas de valeur par défaut : une cellule vide y est une réponse",
            ));
        }
        Input {
            name: input.name.node.clone(),
            meaning: input.meaning.clone(),
            ty,
            decimals,
            range,
            default,
            optional: declared.optional,
            span: input.span,
        }
    }

    /// Key, year and years covered; false when there is no sound year to go on with.
    fn header(&mut self, header: &hir::Header<'_>) -> bool {
        let mut sound = true;
        let find = |program: &Program, name: &ast::Name| program.find_input(&name.node);
        for name in &header.key {
            match find(&self.program, name) {
                Some(id) => self.program.key.push(id),
                None => {
                    let problem = say::unknown_declared("l'entrée", name, self.program.inputs.iter().map(|i| &*i.name));
                    self.report(problem);
                    sound = false;
                }
            }
        }
        let Some(name) = header.exercise else { return false };
        let Some(year) = find(&self.program, name) else {
            let problem = say::unknown_declared("l'entrée", name, self.program.inputs.iter().map(|i| &*i.name));
            self.report(problem);
            return false;
        };
        let input = self.program.input(year);
        let bound = |value: &Ratio| i64::try_from(value.to_integer()).ok().filter(|y| (1..=9999).contains(y));
        let years = input.range.as_ref().and_then(|(low, high)| Some((bound(low)?, bound(high)?)));
        match years {
            Some(years) if input.decimals == 0 && input.default.is_none() => {
                self.program.year = year;
                self.program.years = years;
            }
            _ => {
                self.report(say::bad_key(
                    name.span,
                    &name.node,
                    "l'exercice est un entier sans valeur par défaut, dont la plage est dans les années 1 à 9999",
                ));
                sound = false;
            }
        }
        if self.program.key.last() != Some(&year) && sound {
            let last = header.key.last().map_or(name.span, |n| n.span);
            self.report(say::bad_key(last, &name.node, "la clé se termine par l'exercice"));
        }
        sound
    }

    fn parameters(&mut self) {
        for parameter in &self.hir.parameters {
            let mut ty: Option<Type> = None;
            let mut values = Vec::new();
            for (years, value, _) in &parameter.values {
                let mut expr = self.expression(value, &Context::default(), ty.as_ref());
                if let Some(ty) = &ty {
                    expr = self.expect(expr, ty);
                } else {
                    ty = Some(expr.ty.clone());
                }
                if expr.ty == Type::Error {
                    continue;
                }
                match fold::constant(&expr) {
                    Some(value) => values.push((*years, value)),
                    None => self.report(say::not_constant(expr.span)),
                }
            }
            self.program.parameters.push(Parameter {
                name: parameter.name.node.clone(),
                title: parameter.title.clone(),
                ty: ty.unwrap_or(Type::Error),
                values,
                citations: parameter.citations.clone(),
                span: parameter.span,
            });
        }
    }

    fn scopes(&mut self) {
        for rank in 0..self.hir.scopes.len() {
            self.scope_id(rank);
        }
        self.program.scope = self.scope_ids.get(&0).copied().flatten();
    }

    /// The scope of that rank, typed once; `None` where it governs every row.
    fn scope_id(&mut self, rank: usize) -> Option<ScopeId> {
        if let Some(known) = self.scope_ids.get(&rank) {
            return *known;
        }
        // A scope that reads what it governs: the circle is reported by the cycle check.
        self.scope_ids.insert(rank, None);
        let hir = self.hir;
        let scope = &hir.scopes[rank];
        let written = scope.condition?;
        let context = Context { in_scope: rank == 0, ..Context::default() };
        let condition = self.condition(written, &context);
        let id = ScopeId(self.program.scopes.len() as u32);
        let part = scope.name.map(|name| (name.node.clone(), scope.title.clone()));
        self.program.scopes.push(Scope { part, condition, citations: scope.citations.clone() });
        self.scope_ids.insert(rank, Some(id));
        Some(id)
    }

    /// The condition under which a rule of this scope is computed.
    fn scope_condition(&mut self, rank: usize) -> Option<Expr> {
        self.scope_id(rank).map(|id| self.program.scope(id).condition.clone())
    }

    /// A constant of the type, where the language wants one; a bare number takes the unit.
    fn constant_of(&mut self, written: &ast::Expr, ty: &Type, context: &Context, what: &str) -> Option<Value> {
        let expr = self.expression(written, context, Some(ty));
        let expr = self.adopt(expr, ty, what);
        if expr.ty == Type::Error {
            return None;
        }
        let value = fold::constant(&expr);
        if value.is_none() {
            self.report(say::not_constant(expr.span));
        }
        value
    }

    /// Resolves what aggregates group and count by.
    fn aggregates(&mut self) {
        let hir = self.hir;
        for aggregate in &hir.aggregates {
            let find = |name: &ast::Name, checker: &mut Self| {
                let found = checker.program.find_input(&name.node);
                if found.is_none() {
                    let known = checker.program.inputs.iter().map(|input| &*input.name);
                    let problem = say::unknown_declared("l'entrée", name, known);
                    checker.report(problem);
                }
                found
            };
            let by = aggregate.by.iter().filter_map(|name| find(name, self)).collect();
            let distinct = aggregate.distinct.and_then(|name| find(name, self));
            if aggregate.summary == Summary::Mean && aggregate.decimals.is_none() && !self.in_control(aggregate) {
                self.report(say::missing_clause(
                    aggregate.span,
                    "cette moyenne",
                    "son arrondi (« arrondi à … décimales »)",
                ));
            }
            self.program.aggregates.push(Aggregate {
                quantity: aggregate.quantity,
                summary: aggregate.summary,
                of: aggregate.of,
                distinct,
                by,
                decimals: aggregate.decimals,
                citations: aggregate.citations.clone(),
                span: aggregate.span,
            });
        }
    }

    /// Whether an aggregate was made of a function in a control on the whole data: it is compared, not paid.
    fn in_control(&self, aggregate: &hir::Aggregate<'_>) -> bool {
        self.hir.quantities[aggregate.quantity.index()].name.contains('.')
    }

    /// Checks the types promised by the defaults of « précédent », and that every quantity has one.
    fn previous_defaults(&mut self) {
        for (id, promised, span) in std::mem::take(&mut self.previous_types) {
            let ty = self.program.quantity(id).ty.clone();
            if ty != promised && ![&ty, &promised].contains(&&Type::Error) {
                let problem = say::type_mismatch(
                    span,
                    &say::describe(&ty, &self.program),
                    &say::describe(&promised, &self.program),
                );
                self.report(problem);
            }
        }
        if self.unexpanded || !self.diagnostics.is_empty() {
            return;
        }
        for id in self.program.quantity_ids() {
            let quantity = self.program.quantity(id);
            if quantity.ty == Type::Error && !quantity.rules.is_empty() {
                let problem = say::unknown_type(quantity.span, &quantity.name);
                self.report(problem);
            }
        }
    }

    fn readings(&mut self) {
        self.program.readings = self
            .hir
            .readings
            .iter()
            .map(|r| Reading {
                name: r.name.node.clone(),
                question: r.question.clone(),
                citations: r.citations.clone(),
                in_conflict: r.in_conflict.clone(),
                retained: Variant { name: r.retained.0.clone(), text: r.retained.1.clone(), computable: true },
                reason: r.reason.clone(),
                alternatives: r
                    .alternatives
                    .iter()
                    .map(|v| Variant {
                        name: v.name.node.clone(),
                        text: v.text.clone(),
                        computable: !v.replaces.is_empty(),
                    })
                    .collect(),
                selected: r.selected,
                span: r.span,
            })
            .collect();
    }
}

/// A number, or a date as days: what a range bounds.
fn measure(value: &Value) -> Option<Ratio> {
    match value {
        Value::Number(number) => Some(number.clone()),
        Value::Date(date) => Some(integer(i64::from(date.days()))),
        _ => None,
    }
}

/// Whether a bound of an input, scaled to its decimals, fits in a cell with room to spare.
fn fits(bound: &Ratio, decimals: u32) -> bool {
    let scaled = bound * Ratio::from_integer(crate::num::power_of_ten(decimals.min(18)));
    let limit = integer(1_000_000_000_000_000_000);
    -&limit < scaled && scaled < limit
}

/// A number as written.
fn literal(number: &ast::Number) -> Option<Ratio> {
    parse_decimal(&number.digits)
}

/// A date as written, if the calendar has it.
fn date(written: &ast::DateLiteral) -> Option<Date> {
    Date::new(i64::from(written.year), written.month, written.day)
}
