//! The quantities that the pass adds, each with the rule that it belongs to.

use std::sync::Arc;

use num_traits::Zero as _;

use super::{Attributor, Known, Piece, Role};
use crate::num::Ratio;
use crate::typed::{BinaryOp, Expr, ExprKind, Line, Presence, Quantity, QuantityId, QuantityKind, Rule, Type, Value};

/// A rule that applies where another does, with nothing in it.
pub(super) fn frame(rule: &Rule) -> Rule {
    Rule {
        title: rule.title.clone(),
        citations: rule.citations.clone(),
        scope: rule.scope,
        guard: rule.guard.clone(),
        years: rule.years,
        keeps: None,
        condition: None,
        base: Vec::new(),
        adjustments: Vec::new(),
        bounds: Vec::new(),
        proratas: Vec::new(),
        replacements: Vec::new(),
        alternatives: Vec::new(),
        rounding: None,
        level: None,
        span: rule.span,
    }
}

/// A rule that gives one value where another applies.
pub(super) fn giving(rule: &Rule, condition: Option<Expr>, value: Expr) -> Rule {
    let line = Line { nature: None, value, when: None, citations: Vec::new() };
    Rule { condition, base: vec![line], ..frame(rule) }
}

pub(super) fn truth(kind: ExprKind, like: &Expr) -> Expr {
    Expr { kind, ty: Type::Boolean, span: like.span }
}

pub(super) fn not(expr: Expr) -> Expr {
    let span = expr.span;
    Expr { kind: ExprKind::Not(Box::new(expr)), ty: Type::Boolean, span }
}

/// All of some conditions; `None` where there are none.
pub(super) fn all(conditions: Vec<Expr>) -> Option<Expr> {
    let first = conditions.first()?.clone();
    Some(if conditions.len() == 1 { first } else { truth(ExprKind::And(conditions), &first) })
}

pub(super) fn zero(like: &Expr) -> Expr {
    Expr { kind: ExprKind::Constant(Value::Number(Ratio::zero())), ty: like.ty.clone(), span: like.span }
}

pub(super) fn is_zero(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Constant(Value::Number(number)) if number.is_zero())
}

/// An operation whose value has the type of an expression.
pub(super) fn binary(op: BinaryOp, left: Expr, right: Expr, like: &Expr) -> Expr {
    let kind = ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) };
    Expr { kind, ty: like.ty.clone(), span: like.span }
}

pub(super) fn subtract(left: Expr, right: Expr) -> Expr {
    let like = left.clone();
    binary(BinaryOp::Subtract, left, right, &like)
}

/// One value where a condition holds, else another.
pub(super) fn choose(condition: Expr, then: Expr, otherwise: Expr) -> Expr {
    let (ty, span) = (then.ty.clone(), then.span);
    let kind = ExprKind::If { condition: Box::new(condition), then: Box::new(then), otherwise: Box::new(otherwise) };
    Expr { kind, ty, span }
}

impl Attributor {
    /// Adds a quantity with these rules, named after another.
    pub(super) fn add(&mut self, of: QuantityId, name: String, ty: Type, rules: Vec<Rule>) -> QuantityId {
        let like = self.program.quantity(of);
        let quantity = Quantity {
            name: name.into(),
            title: like.title.clone(),
            kind: QuantityKind::Definition,
            ty,
            internal: true,
            rules,
            derogations: Vec::new(),
            decimal: false,
            span: like.span,
        };
        let id = QuantityId(self.program.quantities.len() as u32);
        self.program.quantities.push(quantity);
        id
    }

    /// A quantity read where it applies.
    pub(super) fn read(&self, id: QuantityId) -> Expr {
        let quantity = self.program.quantity(id);
        Expr { kind: ExprKind::Quantity(id), ty: quantity.ty.clone(), span: quantity.span }
    }

    /// A quantity read anywhere: zero where it is without object.
    pub(super) fn read_or_zero(&self, id: QuantityId, like: &Expr) -> Expr {
        let default = Box::new(zero(like));
        let kind = ExprKind::QuantityOr { quantity: id, rules: None, default };
        Expr { kind, ty: self.program.quantity(id).ty.clone(), span: like.span }
    }

    /// A condition of a rule, computed once: a quantity where it takes more than reading one.
    pub(super) fn named(&mut self, of: QuantityId, name: String, rule: &Rule, condition: Expr) -> Expr {
        if matches!(condition.kind, ExprKind::Quantity(_)) {
            return condition;
        }
        let id = self.add(of, name, Type::Boolean, vec![giving(rule, None, condition)]);
        self.read(id)
    }

    /// The line that a piece becomes, computed where the condition holds.
    pub(super) fn line(&mut self, of: (QuantityId, usize), rank: usize, active: Option<&Expr>, piece: Piece) -> Known {
        let (id, of_rule) = of;
        let quantity = self.program.quantity(id);
        let ty = quantity.ty.clone();
        let name = format!("{}.ligne.{rank}", quantity.name);
        let rule = &quantity.rules[of_rule];
        let made = match piece.role {
            Role::Amount => giving(rule, active.cloned(), piece.value),
            Role::Lost | Role::Nothing => {
                let nothing = zero(&Expr { ty: ty.clone(), ..piece.value.clone() });
                let guards = rule.guard.iter().chain(active).cloned().chain([piece.value]).collect();
                Rule { guard: all(guards), ..giving(rule, None, nothing) }
            }
        };
        let quantity = self.add(id, name, ty, vec![made]);
        Known { quantity, rule: of_rule, role: piece.role, origin: piece.origin, path: piece.path }
    }

    /// What a line gives to those that read its quantity.
    pub(super) fn reading(&self, known: &Known, like: &Expr) -> Piece {
        let value = match known.role {
            Role::Amount => self.read_or_zero(known.quantity, like),
            Role::Lost | Role::Nothing => truth(ExprKind::IsSet(Presence::Quantity(known.quantity)), like),
        };
        let (origin, path) = (Arc::clone(&known.origin), known.path.clone());
        Piece { value, role: known.role, origin, path, leaf: false }
    }
}
