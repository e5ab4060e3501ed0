//! The pieces of an expression: they add up to it, and read what it reads.

use std::sync::Arc;

use num_traits::Zero as _;
use polc_dsl::Span;

use super::frame::{all, binary, choose, is_zero, not, subtract, truth, zero};
use super::{Attributor, Factor, LineKind, Operation, Origin, Piece, Role, TierOperation};
use crate::num::Ratio;
use crate::typed::{BinaryOp, Citation, CompareOp, Expr, ExprKind, Presence, QuantityId, Tier, Value, Years};

/// The place of an expression in the policy: what a line that stops there comes from.
pub(super) struct Site {
    pub kind: LineKind,
    pub quantity: QuantityId,
    pub rule: usize,
    pub derogation: Option<usize>,
    pub title: Arc<str>,
    pub citations: Vec<Citation>,
    pub years: Years,
    pub span: Span,
    /// Lines that may still be taken from other quantities.
    pub room: usize,
}

impl Site {
    /// A line of its own.
    pub fn piece(&self, kind: LineKind, value: Expr, operation: Operation) -> Piece {
        let origin = Origin {
            kind,
            quantity: self.quantity,
            rule: self.rule,
            derogation: self.derogation,
            title: self.title.clone(),
            citations: self.citations.clone(),
            operation,
            years: self.years,
            span: self.span,
        };
        Piece { value, role: Role::Amount, origin: Arc::new(origin), path: Vec::new(), leaf: false }
    }

    /// An expression kept whole.
    fn leaf(&self, expr: &Expr) -> Vec<Piece> {
        if is_zero(expr) {
            return Vec::new();
        }
        vec![Piece { leaf: true, ..self.piece(self.kind, expr.clone(), Operation::Formula(expr.clone())) }]
    }
}

/// Whether pieces say no more than the expression they are of.
fn is_whole(pieces: &[Piece]) -> bool {
    match pieces {
        [] => true,
        [piece] => piece.leaf,
        _ => false,
    }
}

impl Piece {
    /// The piece where a condition holds, zero elsewhere.
    pub fn when(mut self, condition: &Expr) -> Self {
        self.value = match self.role {
            Role::Amount => {
                let other = zero(&self.value);
                choose(condition.clone(), self.value, other)
            }
            Role::Lost | Role::Nothing => {
                let like = condition.clone();
                all(vec![condition.clone(), self.value]).unwrap_or(like)
            }
        };
        self
    }

    pub fn negated(mut self) -> Self {
        if self.role == Role::Amount {
            let kind = ExprKind::Negate(Box::new(self.value.clone()));
            self.value = Expr { kind, ..self.value };
            self.path.push(Factor::Minus);
        }
        self.leaf = false;
        self
    }

    /// The piece multiplied or divided, as part of an expression that is.
    fn scaled(mut self, op: BinaryOp, by: &Expr, whole: &Expr) -> Self {
        if self.role == Role::Amount {
            self.value = binary(op, self.value, by.clone(), whole);
            self.path.push(if op == BinaryOp::Divide { Factor::Over(by.clone()) } else { Factor::Times(by.clone()) });
        }
        self.leaf = false;
        self
    }
}

impl Attributor {
    pub(super) fn split(&mut self, expr: &Expr, site: &mut Site) -> Vec<Piece> {
        stacker::maybe_grow(128 * 1024, 2 * 1024 * 1024, || self.pieces(expr, site))
    }

    fn pieces(&mut self, expr: &Expr, site: &mut Site) -> Vec<Piece> {
        match &expr.kind {
            ExprKind::Quantity(id) => self.of_quantity(*id, expr, site),
            ExprKind::QuantityOr { quantity, rules, default } => {
                self.of_quantity_or(*quantity, rules.as_deref(), default, expr, site)
            }
            _ if !self.counts(&expr.ty) => site.leaf(expr),
            ExprKind::Binary { op: BinaryOp::Add, left, right } => {
                let mut pieces = self.split(left, site);
                pieces.extend(self.split(right, site));
                pieces
            }
            ExprKind::Binary { op: BinaryOp::Subtract, left, right } => {
                let mut pieces = self.split(left, site);
                pieces.extend(self.split(right, site).into_iter().map(Piece::negated));
                pieces
            }
            ExprKind::Binary { op, left, right } => {
                let (side, by) = if self.counts(&left.ty) {
                    (left, right)
                } else if *op == BinaryOp::Multiply && self.counts(&right.ty) {
                    (right, left)
                } else {
                    return site.leaf(expr);
                };
                let pieces = self.split(side, site);
                if is_whole(&pieces) {
                    return site.leaf(expr);
                }
                pieces.into_iter().map(|piece| piece.scaled(*op, by, expr)).collect()
            }
            ExprKind::Negate(inner) => {
                let pieces = self.split(inner, site);
                if is_whole(&pieces) {
                    return site.leaf(expr);
                }
                pieces.into_iter().map(Piece::negated).collect()
            }
            ExprKind::If { condition, then, otherwise } => {
                let (a, b) = (self.split(then, site), self.split(otherwise, site));
                if is_whole(&a) && is_whole(&b) {
                    return site.leaf(expr);
                }
                let other = not((**condition).clone());
                let a = a.into_iter().map(|piece| piece.when(condition));
                a.chain(b.into_iter().map(|piece| piece.when(&other))).collect()
            }
            ExprKind::Extremum { largest, items } => {
                let is_constant = |item: &Expr| matches!(item.kind, ExprKind::Constant(_) | ExprKind::Parameter(_));
                let Some(first) = items.iter().find(|item| !is_constant(item)) else { return site.leaf(expr) };
                let mut pieces = self.split(first, site);
                let kind = if *largest { LineKind::Floor } else { LineKind::Cap };
                let change = subtract(expr.clone(), first.clone());
                pieces.push(site.piece(kind, change, Operation::Formula(expr.clone())));
                pieces
            }
            ExprKind::Tiers { subject, rows } if rows.len() > 1 => {
                rows.iter().map(|row| tier(subject, row, expr, site)).collect()
            }
            ExprKind::Round { value, decimals, .. } => {
                let mut pieces = self.split(value, site);
                if is_whole(&pieces) {
                    return site.leaf(expr);
                }
                let change = subtract(expr.clone(), (**value).clone());
                pieces.push(site.piece(LineKind::Rounding, change, Operation::Rounding(*decimals)));
                pieces
            }
            _ => site.leaf(expr),
        }
    }

    fn of_quantity(&mut self, id: QuantityId, expr: &Expr, site: &mut Site) -> Vec<Piece> {
        self.inlined(id, None, expr, site).unwrap_or_else(|| site.leaf(expr))
    }

    /// The lines of a quantity, or of some of its rules, in the place of what reads it; `None` where it is kept whole.
    pub(super) fn inlined(
        &mut self,
        id: QuantityId,
        rules: Option<&[usize]>,
        like: &Expr,
        site: &mut Site,
    ) -> Option<Vec<Piece>> {
        if !self.splits(id) {
            return None;
        }
        let lines = self.lines_of(id);
        let taken = || lines.iter().filter(|line| rules.is_none_or(|rules| rules.contains(&line.rule)));
        site.room = site.room.checked_sub(taken().count())?;
        Some(taken().map(|line| self.reading(line, like)).collect())
    }

    fn of_quantity_or(
        &mut self,
        id: QuantityId,
        rules: Option<&[usize]>,
        default: &Expr,
        expr: &Expr,
        site: &mut Site,
    ) -> Vec<Piece> {
        // Whether one of some rules applies has no expression.
        if rules.is_some() && !is_zero(default) {
            return site.leaf(expr);
        }
        let Some(mut pieces) = self.inlined(id, rules, expr, site) else { return site.leaf(expr) };
        let absent = not(truth(ExprKind::IsSet(Presence::Quantity(id)), expr));
        pieces.extend(self.split(default, site).into_iter().map(|piece| piece.when(&absent)));
        pieces
    }
}

/// What falls within one tier.
fn tier(subject: &Expr, row: &Tier, whole: &Expr, site: &Site) -> Piece {
    let number = |value: &Ratio| Expr {
        kind: ExprKind::Constant(Value::Number(value.clone())),
        ty: subject.ty.clone(),
        span: subject.span,
    };
    let above = |from: Expr| {
        let (left, right) = (Box::new(subject.clone()), Box::new(from));
        truth(ExprKind::Compare { op: CompareOp::Greater, left, right }, subject)
    };
    let top = match &row.to {
        None => subject.clone(),
        Some(to) => {
            let items = vec![subject.clone(), number(to)];
            Expr { kind: ExprKind::Extremum { largest: false, items }, ..subject.clone() }
        }
    };
    let inside = if row.from.is_zero() { top } else { subtract(top, number(&row.from)) };
    let worth = binary(BinaryOp::Multiply, row.rate.clone(), inside, whole);
    let tier =
        TierOperation { from: row.from.clone(), to: row.to.clone(), subject: subject.clone(), rate: row.rate.clone() };
    let operation = Operation::Tier(tier.into());
    // A rate is read only of tiers that are reached.
    let nothing = zero(&worth);
    site.piece(LineKind::Tier, choose(above(number(&row.from)), worth, nothing), operation)
}
