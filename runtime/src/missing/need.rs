//! What a condition needs, down to comparisons and truths: all of several parts, one of them, so many of them.

use polc_compiler::typed::{Expr, ExprKind, Program, QuantityId, Type, Value};

use crate::suppose::{Supposable, Supposition};

/// Quantities that a condition is followed through: deeper, it is taken as a whole.
const DEPTH: u32 = 24;

/// What must hold for a condition to be as wanted.
#[derive(Clone, Debug)]
pub(super) enum Need<'p> {
    All(Vec<Need<'p>>),
    /// At least so many.
    Some(usize, Vec<Need<'p>>),
    Leaf(Leaf<'p>),
    /// Nothing of the row can make it so.
    Never,
}

/// A comparison or a truth.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaf<'p> {
    pub expr: &'p Expr,
    pub wanted: bool,
}

/// A condition of a row, as it is under a supposition.
pub(super) struct Reader<'r, 'p> {
    pub row: &'r Supposable<'p>,
    pub supposition: &'r Supposition,
    pub changed: &'r [bool],
}

impl<'p> Reader<'_, 'p> {
    pub fn holds(&self, leaf: Leaf<'p>) -> bool {
        self.row.evaluate(self.supposition, self.changed, leaf.expr) == Ok(Value::Boolean(leaf.wanted))
    }

    /// What an expression needs.
    pub fn need(&self, expr: &'p Expr, wanted: bool) -> Need<'p> {
        self.follow(expr, wanted, 0)
    }

    /// What a quantity needs to be true.
    pub fn truth(&self, id: QuantityId) -> Need<'p> {
        self.quantity(id, true, 0).unwrap_or(Need::Never)
    }

    fn follow(&self, expr: &'p Expr, wanted: bool, depth: u32) -> Need<'p> {
        let each = |items: &'p [Expr], wanted| items.iter().map(|item| self.follow(item, wanted, depth)).collect();
        match &expr.kind {
            ExprKind::Not(inner) => self.follow(inner, !wanted, depth),
            ExprKind::And(items) if wanted => Need::All(each(items, true)),
            ExprKind::And(items) => Need::Some(1, each(items, false)),
            ExprKind::Or(items) if wanted => Need::Some(1, each(items, true)),
            ExprKind::Or(items) => Need::All(each(items, false)),
            ExprKind::AtLeast { count, conditions } if wanted => Need::Some(*count as usize, each(conditions, true)),
            ExprKind::AtLeast { count, conditions } => {
                Need::Some((conditions.len() + 1).saturating_sub(*count as usize), each(conditions, false))
            }
            ExprKind::If { condition, then, otherwise } => {
                let branch = |holds, value| {
                    Need::All(vec![self.follow(condition, holds, depth), self.follow(value, wanted, depth)])
                };
                Need::Some(1, vec![branch(true, then), branch(false, otherwise)])
            }
            ExprKind::Constant(Value::Boolean(value)) if *value == wanted => Need::All(Vec::new()),
            ExprKind::Constant(_) => Need::Never,
            ExprKind::Quantity(id) => self.quantity(*id, wanted, depth).unwrap_or(Need::Leaf(Leaf { expr, wanted })),
            ExprKind::QuantityOr { quantity, default, rules } => {
                let applies = self.rule(*quantity).is_some_and(|rank| rules.as_ref().is_none_or(|r| r.contains(&rank)));
                if applies {
                    self.quantity(*quantity, wanted, depth).unwrap_or(Need::Leaf(Leaf { expr, wanted }))
                } else {
                    self.follow(default, wanted, depth)
                }
            }
            ExprKind::Met(id) => match self.rule(*id) {
                None if wanted => Need::Never,
                None => Need::All(Vec::new()),
                Some(rank) => match &self.program().quantity(*id).rules[rank].condition {
                    Some(condition) => self.follow(condition, wanted, depth),
                    None if wanted => Need::All(Vec::new()),
                    None => Need::Never,
                },
            },
            _ => Need::Leaf(Leaf { expr, wanted }),
        }
    }

    fn program(&self) -> &'p Program {
        self.row.program
    }

    /// The rule that gives a quantity on the row as it is supposed.
    fn rule(&self, id: QuantityId) -> Option<usize> {
        self.row.outcome(self.supposition, self.changed, id).ok().flatten().map(|(rank, _)| rank)
    }

    /// What a quantity that is a truth needs; `None` where that is better taken as a whole.
    fn quantity(&self, id: QuantityId, wanted: bool, depth: u32) -> Option<Need<'p>> {
        let quantity = self.program().quantity(id);
        if quantity.ty != Type::Boolean || depth >= DEPTH {
            return None;
        }
        let rule = &quantity.rules[self.rule(id)?];
        if rule.keeps.is_some() {
            return None;
        }
        let met = |condition: &'p Option<Expr>| {
            condition.as_ref().is_none_or(|condition| self.holds(Leaf { expr: condition, wanted: true }))
        };
        // The one in force is not overridden by another that applies too.
        let active: Vec<usize> =
            (0..quantity.derogations.len()).filter(|rank| met(&quantity.derogations[*rank].condition)).collect();
        let overridden =
            |rank: &usize| active.iter().any(|other| quantity.derogations[*other].overrides.contains(rank));
        if let Some(rank) = active.iter().find(|rank| !overridden(rank)) {
            return Some(self.follow(&quantity.derogations[*rank].value, wanted, depth + 1));
        }
        if let Some(replacement) = rule.replacements.iter().find(|replacement| met(&replacement.guard)) {
            let mut retained = false;
            replacement.value.walk(&mut |e| retained |= matches!(e.kind, ExprKind::Retained));
            return (!retained).then(|| self.follow(&replacement.value, wanted, depth + 1));
        }
        let parts: Vec<Need<'p>> = rule
            .condition
            .iter()
            .chain(rule.base.first().map(|line| &line.value))
            .map(|part| self.follow(part, wanted, depth + 1))
            .collect();
        Some(if wanted { Need::All(parts) } else { Need::Some(1, parts) })
    }

    pub fn is_met(&self, need: &Need<'p>) -> bool {
        match need {
            Need::All(parts) => parts.iter().all(|part| self.is_met(part)),
            Need::Some(count, parts) => parts.iter().filter(|part| self.is_met(part)).count() >= *count,
            Need::Leaf(leaf) => self.holds(*leaf),
            Need::Never => false,
        }
    }

    /// The leaves that do not hold, of the parts that are not met.
    pub fn gaps(&self, need: &Need<'p>, into: &mut Vec<Leaf<'p>>) {
        if self.is_met(need) {
            return;
        }
        match need {
            Need::All(parts) | Need::Some(_, parts) => parts.iter().for_each(|part| self.gaps(part, into)),
            Need::Leaf(leaf) if into.iter().all(|known| known.expr.span != leaf.expr.span) => into.push(*leaf),
            Need::Leaf(_) | Need::Never => {}
        }
    }
}
