//! The reference interpreter: the meaning of the language, on exact rationals, one row at a time.
//!
//! It runs the typed program as written. Nothing is read that the row does not need: the branch not taken, the operands
//! after the one that decides, the rules that do not apply.

use std::sync::Arc;

use num_traits::{One as _, Zero as _};
use polc_compiler::calendar::{Date, days_between, days_in_year, elapsed};
use polc_compiler::num::{Ratio, integer, round};
use polc_compiler::typed::{
    AdjustmentKind, BinaryOp, Citation, DatePart, Expr, ExprKind, InputId, ParameterId, Presence, Program, QuantityId,
    QuantityKind, ReadingId, Replacement, Rule, ScopeId, Type, Value,
};
use polc_dsl::ast::{BoundKind, Reach};

use crate::table::RowErrorKind;

/// What an interpreter needs to know of the row and of the years before it.
pub trait Data {
    /// The cell of an input, its default included; `None` if it is missing.
    fn input(&self, id: InputId) -> Option<Value>;

    /// A result set by hand, which takes the place of its computation.
    fn given(&self, _id: QuantityId) -> Option<Value> {
        None
    }

    /// Whether the condition of a quantity's rule is to be taken for met, or not, whatever it says.
    fn supposed_condition(&self, _id: QuantityId) -> Option<bool> {
        None
    }

    /// A reading, and the variant that it is to be computed under: a rank among its alternatives, `None` for the one
    /// retained.
    fn supposed_reading(&self) -> Option<(ReadingId, Option<usize>)> {
        None
    }

    /// The figure of the row's group, from the first pass.
    fn aggregate(&self, _id: QuantityId) -> Option<Value> {
        None
    }

    /// The result of an earlier row of the same key; `None` without such a row, or where it is without object.
    ///
    /// # Errors
    /// When that row cannot be computed.
    fn past_quantity(&self, reach: Reach, id: QuantityId) -> Result<Option<Value>, RowErrorKind>;

    /// The cell of an earlier row of the same key.
    fn past_input(&self, reach: Reach, id: InputId) -> Option<Value>;
}

/// A value that a computation reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaf {
    Input(InputId),
    Parameter(ParameterId),
    Quantity(QuantityId),
    PastInput(Reach, InputId),
    PastQuantity(Reach, QuantityId),
}

/// A part of a rule, in the order of computation.
#[derive(Clone, Debug)]
pub enum Step<'p> {
    Condition {
        expr: &'p Expr,
    },
    Base {
        expr: &'p Expr,
        citations: &'p [Citation],
    },
    Adjustment {
        kind: AdjustmentKind,
        quantity: QuantityId,
    },
    Bound {
        kind: BoundKind,
        expr: &'p Expr,
        citations: &'p [Citation],
        binding: bool,
    },
    Prorata {
        expr: &'p Expr,
        citations: &'p [Citation],
    },
    Derogation {
        title: &'p Arc<str>,
        expr: &'p Expr,
        citations: &'p [Citation],
    },
    /// Last year's value stays.
    Kept {
        expr: &'p Expr,
    },
    Replacement {
        reading: &'p Arc<str>,
        expr: &'p Expr,
    },
    Rounding {
        decimals: u32,
    },
}

/// Sees an evaluation as it goes: what explanations are made of.
pub trait Observer {
    /// A rule of the quantity starts being computed.
    fn enter(&mut self, _id: QuantityId, _rule: usize) {}
    /// The expressions of a step start being read.
    fn begin_step(&mut self) {}
    /// A step is done: its own value, and that of the quantity so far.
    fn end_step(&mut self, _step: &Step<'_>, _value: &Value, _result: &Value) {}
    fn read(&mut self, _leaf: Leaf, _value: Option<&Value>) {}
    /// A condition was decided: of a rule, a line, a branch, or one of several.
    fn decided(&mut self, _condition: &Expr, _holds: bool) {}
    /// The two sides of a comparison were compared.
    fn compared(&mut self, _comparison: &Expr, _ordering: std::cmp::Ordering) {}
    /// The subject of brackets or tiers is known.
    fn placed(&mut self, _schedule: &Expr, _subject: &Ratio) {}
    /// The quantity is known.
    fn exit(&mut self, _id: QuantityId, _value: &Value) {}
}

/// Watches nothing.
#[derive(Debug)]
pub struct Silent;

impl Observer for Silent {}

/// The value of a quantity and the rule that gives it; `None` where it is without object.
pub type Outcome = Option<(usize, Value)>;

/// What is known of every quantity; `None` for those not asked for.
pub type Memo = Vec<Option<Result<Outcome, RowErrorKind>>>;

/// Results of another computation of the row that still hold.
#[derive(Clone, Copy, Debug)]
pub struct Settled<'s> {
    pub memo: &'s Memo,
    /// By rank of the quantity: those to compute again.
    pub changed: &'s [bool],
}

/// The computation of one row.
pub struct Evaluation<'p, D, O> {
    program: &'p Program,
    data: &'p D,
    pub observer: O,
    memo: Memo,
    settled: Option<Settled<'p>>,
    scopes: Vec<Option<bool>>,
    /// The rules whose own value « valeur retenue » stands for, innermost last.
    retained: Vec<(QuantityId, &'p Rule)>,
    /// The quantity being computed, to name it in errors.
    current: Option<QuantityId>,
}

impl<'p, D: Data, O: Observer> Evaluation<'p, D, O> {
    pub fn new(program: &'p Program, data: &'p D, observer: O) -> Self {
        Self {
            program,
            data,
            observer,
            memo: vec![None; program.quantities.len()],
            settled: None,
            scopes: vec![None; program.scopes.len()],
            retained: Vec::new(),
            current: None,
        }
    }

    /// Takes the results that are settled for what they are.
    #[must_use]
    pub fn with(mut self, settled: Settled<'p>) -> Self {
        self.settled = Some(settled);
        self
    }

    /// What was computed.
    #[must_use]
    pub fn into_memo(self) -> Memo {
        self.memo
    }

    /// Computes a quantity, once.
    ///
    /// # Errors
    /// Why the row has no value: a missing cell that the computation reads, a division by zero, rules in conflict.
    pub fn quantity(&mut self, id: QuantityId) -> Result<Outcome, RowErrorKind> {
        if let Some(known) = &self.memo[id.index()] {
            return known.clone();
        }
        if let Some(settled) = self.settled
            && !settled.changed[id.index()]
            && let Some(known) = &settled.memo[id.index()]
        {
            return known.clone();
        }
        let outer = self.current.replace(id);
        let outcome = stacker::maybe_grow(128 * 1024, 2 * 1024 * 1024, || self.compute(id));
        self.current = outer;
        self.memo[id.index()] = Some(outcome.clone());
        outcome
    }

    /// Evaluates an expression on this row.
    ///
    /// # Errors
    /// As [`Self::quantity`].
    pub fn evaluate(&mut self, expr: &'p Expr) -> Result<Value, RowErrorKind> {
        self.expr(expr)
    }

    /// Whether a scope governs the row.
    ///
    /// # Errors
    /// As [`Self::quantity`].
    pub fn in_scope(&mut self, scope: Option<ScopeId>) -> Result<bool, RowErrorKind> {
        let Some(id) = scope else { return Ok(true) };
        if let Some(known) = self.scopes[id.index()] {
            return Ok(known);
        }
        let program = self.program;
        let holds = self.truth(&program.scope(id).condition)?;
        self.scopes[id.index()] = Some(holds);
        Ok(holds)
    }

    fn name(&self) -> Arc<str> {
        self.current.map_or_else(|| "".into(), |id| self.program.quantity(id).name.clone())
    }

    fn year(&self) -> Result<i64, RowErrorKind> {
        match self.data.input(self.program.year) {
            Some(Value::Number(year)) => Ok(i64::try_from(year.to_integer()).unwrap_or(0)),
            _ => Err(RowErrorKind::Missing { input: self.program.year, quantity: None }),
        }
    }

    /// The rule of a quantity that applies to the row.
    fn applicable(&mut self, id: QuantityId) -> Result<Option<usize>, RowErrorKind> {
        let year = self.year()?;
        let program = self.program;
        let quantity = program.quantity(id);
        let mut found: Option<usize> = None;
        for (rank, rule) in quantity.rules.iter().enumerate() {
            let applies = rule.years.contains(year)
                && self.in_scope(rule.scope)?
                && match &rule.guard {
                    None => true,
                    Some(guard) => self.truth(guard)?,
                };
            if !applies {
                continue;
            }
            if let Some(first) = found {
                return Err(RowErrorKind::Rules {
                    quantity: quantity.name.clone(),
                    first: quantity.rules[first].title.clone(),
                    second: rule.title.clone(),
                });
            }
            found = Some(rank);
        }
        Ok(found)
    }

    fn compute(&mut self, id: QuantityId) -> Result<Outcome, RowErrorKind> {
        if let Some(value) = self.data.given(id) {
            let rule = self.applicable(id).ok().flatten().unwrap_or(0);
            self.observer.exit(id, &value);
            return Ok(Some((rule, value)));
        }
        if self.program.quantity(id).kind == QuantityKind::Aggregate {
            let value = self.data.aggregate(id);
            value.iter().for_each(|value| self.observer.exit(id, value));
            return Ok(value.map(|value| (0, value)));
        }
        let Some(rank) = self.applicable(id)? else { return Ok(None) };
        let program = self.program;
        let quantity = program.quantity(id);
        let rule = &quantity.rules[rank];
        self.observer.enter(id, rank);
        let mut value = match self.derogation(id)? {
            Some(value) => value,
            None => match self.kept(id, rule)? {
                Some(value) => value,
                None => self.replaced_or_own(id, rule)?,
            },
        };
        if let (Some(decimals), Value::Number(amount)) = (rule.rounding, &value) {
            let rounded = Value::Number(round(amount, decimals, polc_compiler::num::RoundingMode::HalfAway));
            self.observer.begin_step();
            self.observer.end_step(&Step::Rounding { decimals }, &rounded, &rounded);
            value = rounded;
        }
        self.observer.exit(id, &value);
        Ok(Some((rank, value)))
    }

    /// The value that a derogation in force gives, if one applies.
    fn derogation(&mut self, id: QuantityId) -> Result<Option<Value>, RowErrorKind> {
        let program = self.program;
        let quantity = program.quantity(id);
        let mut active = Vec::new();
        for (rank, derogation) in quantity.derogations.iter().enumerate() {
            let applies = match &derogation.condition {
                None => true,
                Some(condition) => self.truth(condition)?,
            };
            if applies {
                active.push(rank);
            }
        }
        let overrides = |a: usize, b: usize| quantity.derogations[a].overrides.contains(&b);
        for (index, a) in active.iter().enumerate() {
            for b in &active[index + 1..] {
                let same = quantity.derogations[*a].name == quantity.derogations[*b].name;
                if !same && !overrides(*a, *b) && !overrides(*b, *a) {
                    return Err(RowErrorKind::Derogations {
                        quantity: quantity.name.clone(),
                        first: quantity.derogations[*a].title.clone(),
                        second: quantity.derogations[*b].title.clone(),
                    });
                }
            }
        }
        let Some(winner) = active.iter().find(|a| !active.iter().any(|b| overrides(*b, **a))) else { return Ok(None) };
        let derogation = &quantity.derogations[*winner];
        self.observer.begin_step();
        let value = self.expr(&derogation.value)?;
        let step =
            Step::Derogation { title: &derogation.title, expr: &derogation.value, citations: &derogation.citations };
        self.observer.end_step(&step, &value, &value);
        Ok(Some(value))
    }

    /// Last year's value, where the rule keeps it.
    fn kept(&mut self, id: QuantityId, rule: &'p Rule) -> Result<Option<Value>, RowErrorKind> {
        let Some(keeps) = &rule.keeps else { return Ok(None) };
        self.observer.begin_step();
        let last = if self.truth(keeps)? { self.data.past_quantity(Reach::LastYear, id)? } else { None };
        self.observer.read(Leaf::PastQuantity(Reach::LastYear, id), last.as_ref());
        if let Some(value) = &last {
            self.observer.end_step(&Step::Kept { expr: keeps }, value, value);
        }
        Ok(last)
    }

    fn replaced_or_own(&mut self, id: QuantityId, rule: &'p Rule) -> Result<Value, RowErrorKind> {
        let supposed = self.data.supposed_reading();
        let candidates = if supposed.is_some() { &rule.alternatives } else { &rule.replacements };
        for replacement in candidates {
            if supposed.is_some_and(|supposed| !self.in_force(replacement, supposed)) {
                continue;
            }
            let applies = match &replacement.guard {
                None => true,
                Some(guard) => self.truth(guard)?,
            };
            if applies {
                self.retained.push((id, rule));
                self.observer.begin_step();
                let value = self.expr(&replacement.value);
                self.retained.pop();
                let value = value?;
                let reading = &self.program.readings[replacement.reading.0 as usize].name;
                self.observer.end_step(&Step::Replacement { reading, expr: &replacement.value }, &value, &value);
                return Ok(value);
            }
        }
        self.own(id, rule)
    }

    /// Whether the readings put a replacement in force, one of them being as supposed.
    fn in_force(&self, replacement: &Replacement, (reading, variant): (ReadingId, Option<usize>)) -> bool {
        let selected = if replacement.reading == reading {
            variant
        } else {
            self.program.readings[replacement.reading.index()].selected
        };
        selected == Some(replacement.variant)
    }

    /// Condition, base, adjustments, bounds, pro rata.
    fn own(&mut self, id: QuantityId, rule: &'p Rule) -> Result<Value, RowErrorKind> {
        let numeric = matches!(self.program.quantity(id).ty, Type::Number(_));
        if let Some(condition) = &rule.condition {
            self.observer.begin_step();
            let holds = match self.data.supposed_condition(id) {
                Some(holds) => holds,
                None => self.truth(condition)?,
            };
            let zero = if numeric { Value::Number(Ratio::zero()) } else { Value::Boolean(false) };
            self.observer.end_step(&Step::Condition { expr: condition }, &Value::Boolean(holds), &zero);
            if !holds {
                return Ok(zero);
            }
        }
        if !numeric {
            let Some(line) = rule.base.first() else { return Ok(Value::Boolean(false)) };
            self.observer.begin_step();
            let value = self.expr(&line.value)?;
            self.observer.end_step(&Step::Base { expr: &line.value, citations: &line.citations }, &value, &value);
            return Ok(value);
        }
        let mut total = Ratio::zero();
        for line in &rule.base {
            self.observer.begin_step();
            let counts = match &line.when {
                None => true,
                Some(when) => self.truth(when)?,
            };
            let value = if counts { self.number(&line.value)? } else { Ratio::zero() };
            total += &value;
            let step = Step::Base { expr: &line.value, citations: &line.citations };
            self.observer.end_step(&step, &Value::Number(value), &Value::Number(total.clone()));
        }
        for adjustment in &rule.adjustments {
            self.observer.begin_step();
            let Some((_, Value::Number(value))) = self.quantity(adjustment.quantity)? else { continue };
            self.observer.read(Leaf::Quantity(adjustment.quantity), Some(&Value::Number(value.clone())));
            total = match adjustment.kind {
                AdjustmentKind::AddAmount => total + &value,
                AdjustmentKind::SubtractAmount => total - &value,
                AdjustmentKind::AddRate => total * (Ratio::one() + &value),
                AdjustmentKind::SubtractRate => total * (Ratio::one() - &value),
            };
            let step = Step::Adjustment { kind: adjustment.kind, quantity: adjustment.quantity };
            self.observer.end_step(&step, &Value::Number(value), &Value::Number(total.clone()));
        }
        for bound in &rule.bounds {
            self.observer.begin_step();
            let applies = match &bound.when {
                None => true,
                Some(when) => self.truth(when)?,
            };
            if !applies {
                continue;
            }
            let limit = self.number(&bound.value)?;
            let binding = match bound.kind {
                BoundKind::Cap => total > limit,
                BoundKind::Floor => total < limit,
            };
            if binding {
                total.clone_from(&limit);
            }
            let step = Step::Bound { kind: bound.kind, expr: &bound.value, citations: &bound.citations, binding };
            self.observer.end_step(&step, &Value::Number(limit), &Value::Number(total.clone()));
        }
        for prorata in &rule.proratas {
            self.observer.begin_step();
            let factor = self.number(&prorata.value)?;
            total *= &factor;
            let step = Step::Prorata { expr: &prorata.value, citations: &prorata.citations };
            self.observer.end_step(&step, &Value::Number(factor), &Value::Number(total.clone()));
        }
        Ok(Value::Number(total))
    }

    fn truth(&mut self, expr: &'p Expr) -> Result<bool, RowErrorKind> {
        let holds = matches!(self.expr(expr)?, Value::Boolean(true));
        self.observer.decided(expr, holds);
        Ok(holds)
    }

    fn number(&mut self, expr: &'p Expr) -> Result<Ratio, RowErrorKind> {
        match self.expr(expr)? {
            Value::Number(value) => Ok(value),
            _ => Ok(Ratio::zero()),
        }
    }

    fn date(&mut self, expr: &'p Expr) -> Result<Date, RowErrorKind> {
        match self.expr(expr)? {
            Value::Date(date) => Ok(date),
            _ => Err(RowErrorKind::BadDate { quantity: self.name() }),
        }
    }

    fn whole(&mut self, expr: &'p Expr) -> Result<i64, RowErrorKind> {
        let value = self.number(expr)?;
        let whole = value.is_integer().then(|| i64::try_from(value.to_integer()).ok()).flatten();
        whole.ok_or_else(|| RowErrorKind::BadDate { quantity: self.name() })
    }

    fn missing(&self, input: InputId) -> RowErrorKind {
        let quantity = self.current.map(|id| self.program.quantity(id).name.clone());
        RowErrorKind::Missing { input, quantity }
    }

    fn expr(&mut self, expr: &'p Expr) -> Result<Value, RowErrorKind> {
        let number = |value: i64| Value::Number(integer(value));
        Ok(match &expr.kind {
            ExprKind::Constant(value) => value.clone(),
            ExprKind::Input(id) => {
                let value = self.data.input(*id).ok_or_else(|| self.missing(*id))?;
                self.observer.read(Leaf::Input(*id), Some(&value));
                value
            }
            ExprKind::Parameter(id) => {
                let year = self.year()?;
                let parameter = self.program.parameter(*id);
                // The compiler proved that there is one in every year in which it is read.
                let value = parameter
                    .value(year)
                    .cloned()
                    .ok_or_else(|| RowErrorKind::WithoutObject { quantity: parameter.name.clone() })?;
                self.observer.read(Leaf::Parameter(*id), Some(&value));
                value
            }
            ExprKind::Quantity(id) => {
                let outcome = self.quantity(*id)?;
                let Some((_, value)) = outcome else {
                    return Err(RowErrorKind::WithoutObject { quantity: self.program.quantity(*id).name.clone() });
                };
                self.observer.read(Leaf::Quantity(*id), Some(&value));
                value
            }
            ExprKind::QuantityOr { quantity, rules, default } => {
                let outcome = self.quantity(*quantity)?;
                let value = match outcome {
                    Some((rule, value)) if rules.as_ref().is_none_or(|rules| rules.contains(&rule)) => Some(value),
                    _ => None,
                };
                self.observer.read(Leaf::Quantity(*quantity), value.as_ref());
                match value {
                    Some(value) => value,
                    None => self.expr(default)?,
                }
            }
            ExprKind::Met(id) => {
                let program = self.program;
                let met = match self.applicable(*id)? {
                    None => false,
                    Some(rank) => match &program.quantity(*id).rules[rank].condition {
                        None => true,
                        Some(_) if self.data.supposed_condition(*id).is_some() => {
                            self.data.supposed_condition(*id) == Some(true)
                        }
                        Some(condition) => self.truth(condition)?,
                    },
                };
                Value::Boolean(met)
            }
            ExprKind::InputOr { input, default } => match self.data.input(*input) {
                Some(value) => {
                    self.observer.read(Leaf::Input(*input), Some(&value));
                    value
                }
                None => {
                    self.observer.read(Leaf::Input(*input), None);
                    self.expr(default)?
                }
            },
            ExprKind::IsSet(presence) => {
                let (leaf, value) = match *presence {
                    Presence::Input(id) => (Leaf::Input(id), self.data.input(id)),
                    Presence::Quantity(id) => (Leaf::Quantity(id), self.quantity(id)?.map(|(_, value)| value)),
                    Presence::PastInput(reach, id) => (Leaf::PastInput(reach, id), self.data.past_input(reach, id)),
                    Presence::PastQuantity(reach, id) => {
                        (Leaf::PastQuantity(reach, id), self.data.past_quantity(reach, id)?)
                    }
                };
                self.observer.read(leaf, value.as_ref());
                Value::Boolean(value.is_some())
            }
            ExprKind::PastQuantity { reach, quantity, default } => {
                let value = self.data.past_quantity(*reach, *quantity)?;
                self.observer.read(Leaf::PastQuantity(*reach, *quantity), value.as_ref());
                match value {
                    Some(value) => value,
                    None => self.expr(default)?,
                }
            }
            ExprKind::PastInput { reach, input, default } => {
                let value = self.data.past_input(*reach, *input);
                self.observer.read(Leaf::PastInput(*reach, *input), value.as_ref());
                match value {
                    Some(value) => value,
                    None => self.expr(default)?,
                }
            }
            ExprKind::Retained => match self.retained.last().copied() {
                Some((id, rule)) => self.own(id, rule)?,
                None => Value::Boolean(false),
            },
            ExprKind::Negate(inner) => Value::Number(-self.number(inner)?),
            ExprKind::Not(inner) => Value::Boolean(!self.truth(inner)?),
            ExprKind::Binary { op, left, right } => {
                let (a, b) = (self.number(left)?, self.number(right)?);
                Value::Number(match op {
                    BinaryOp::Add => a + b,
                    BinaryOp::Subtract => a - b,
                    BinaryOp::Multiply => a * b,
                    BinaryOp::Divide if b.is_zero() => {
                        return Err(RowErrorKind::DivisionByZero { quantity: self.name() });
                    }
                    BinaryOp::Divide => a / b,
                })
            }
            ExprKind::Compare { op, left, right } => {
                let (a, b) = (self.expr(left)?, self.expr(right)?);
                let ordering = match (&a, &b) {
                    (Value::Number(a), Value::Number(b)) => a.cmp(b),
                    (Value::Date(a), Value::Date(b)) => a.cmp(b),
                    (Value::Case(a), Value::Case(b)) => a.cmp(b),
                    (Value::Boolean(a), Value::Boolean(b)) => a.cmp(b),
                    _ => std::cmp::Ordering::Equal,
                };
                self.observer.compared(expr, ordering);
                Value::Boolean(op.holds(ordering))
            }
            ExprKind::And(items) => {
                for item in items {
                    if !self.truth(item)? {
                        return Ok(Value::Boolean(false));
                    }
                }
                Value::Boolean(true)
            }
            ExprKind::Or(items) => {
                for item in items {
                    if self.truth(item)? {
                        return Ok(Value::Boolean(true));
                    }
                }
                Value::Boolean(false)
            }
            ExprKind::OneOf { subject, cases } => match self.expr(subject)? {
                Value::Case(case) => Value::Boolean(cases.contains(&case)),
                _ => Value::Boolean(false),
            },
            ExprKind::If { condition, then, otherwise } => {
                if self.truth(condition)? {
                    self.expr(then)?
                } else {
                    self.expr(otherwise)?
                }
            }
            ExprKind::Extremum { largest, items } => {
                let mut best: Option<Value> = None;
                for item in items {
                    let value = self.expr(item)?;
                    let better = match (&best, &value) {
                        (None, _) => true,
                        (Some(Value::Number(a)), Value::Number(b)) => (b > a) == *largest && a != b,
                        (Some(Value::Date(a)), Value::Date(b)) => (b > a) == *largest && a != b,
                        _ => false,
                    };
                    if better {
                        best = Some(value);
                    }
                }
                best.unwrap_or(Value::Boolean(false))
            }
            ExprKind::AtLeast { count, conditions } => Value::Boolean(self.count(conditions)? >= i64::from(*count)),
            ExprKind::CountTrue(conditions) => number(self.count(conditions)?),
            ExprKind::Brackets { subject, rows } => {
                let value = self.number(subject)?;
                self.observer.placed(expr, &value);
                let row = rows.iter().find(|row| {
                    row.from.as_ref().is_none_or(|from| *from <= value) && row.to.as_ref().is_none_or(|to| value < *to)
                });
                match row {
                    Some(row) => self.expr(&row.value)?,
                    // The compiler proved that the rows cover every value of the subject.
                    None => return Err(RowErrorKind::WithoutObject { quantity: self.name() }),
                }
            }
            ExprKind::Tiers { subject, rows } => {
                let value = self.number(subject)?;
                self.observer.placed(expr, &value);
                let mut total = Ratio::zero();
                for row in rows {
                    let top = match &row.to {
                        Some(to) if *to < value => to,
                        _ => &value,
                    };
                    if *top > row.from {
                        let rate = self.number(&row.rate)?;
                        total += rate * (top - &row.from);
                    }
                }
                Value::Number(total)
            }
            ExprKind::DatePart { part, date } => {
                let date = self.date(date)?;
                number(match part {
                    DatePart::Year => date.year(),
                    DatePart::Month => date.month(),
                    DatePart::Quarter => (date.month() + 2) / 3,
                })
            }
            ExprKind::DateOf { day, month, year } => {
                let year = self.whole(year)?;
                Value::Date(
                    Date::new(year, *month, *day).ok_or_else(|| RowErrorKind::BadDate { quantity: self.name() })?,
                )
            }
            ExprKind::AddToDate { date, count, unit, subtract } => {
                let date = self.date(date)?;
                let count = self.whole(count)?;
                let moved = date.add(if *subtract { -count } else { count }, *unit);
                Value::Date(moved.ok_or_else(|| RowErrorKind::BadDate { quantity: self.name() })?)
            }
            ExprKind::DaysBetween { from, to, exclusive } => {
                let (from, to) = (self.date(from)?, self.date(to)?);
                number((days_between(from, to) - i64::from(*exclusive)).max(0))
            }
            ExprKind::Elapsed { from, to, unit } => {
                let (from, to) = (self.date(from)?, self.date(to)?);
                number(elapsed(from, to, *unit))
            }
            ExprKind::DaysOfYear(year) => number(days_in_year(self.whole(year)?)),
            ExprKind::Round { value, decimals, mode } => Value::Number(round(&self.number(value)?, *decimals, *mode)),
        })
    }

    fn count(&mut self, conditions: &'p [Expr]) -> Result<i64, RowErrorKind> {
        let mut count = 0;
        for condition in conditions {
            count += i64::from(self.truth(condition)?);
        }
        Ok(count)
    }
}
