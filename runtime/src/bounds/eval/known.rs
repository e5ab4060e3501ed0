//! What a condition tells where it was taken, and where missing cells meet thresholds.

use std::collections::BTreeSet;

use num_traits::ToPrimitive as _;
use polc_compiler::calendar::Date;
use polc_compiler::num::integer;
use polc_compiler::typed::{CompareOp, DatePart, Expr, ExprKind, Presence, Type};

use super::super::cells::cut_at;
use super::super::facts::{Fact, Known, mirrored, opposite};
use super::super::set::Set;
use super::Evaluation;
use crate::interp::Leaf;

impl<'a> Evaluation<'a> {
    /// What the facts leave of something read.
    pub(super) fn known(&self, leaf: Leaf, set: Option<Set>) -> Option<Set> {
        self.facts.iter().filter(|fact| fact.leaf == leaf).try_fold(set?, |set, fact| fact.known.keep(set))
    }

    /// Whether facts say that something is there, or is not.
    pub(super) fn presence(&self, leaf: Leaf) -> Option<bool> {
        self.facts.iter().find_map(|fact| match fact.known {
            Known::Present(present) if fact.leaf == leaf => Some(present),
            _ => None,
        })
    }

    /// Notes where a missing cell meets a threshold.
    pub(super) fn cut_between(&mut self, expr: &'a Expr, other: &Set, op: CompareOp) {
        let (id, year_of) = match &expr.kind {
            ExprKind::Input(id) => (*id, false),
            ExprKind::DatePart { part: DatePart::Year, date } => match date.kind {
                ExprKind::Input(id) => (id, true),
                _ => return,
            },
            _ => return,
        };
        if !self.cells.contains_key(&(self.row, id)) {
            return;
        }
        let input = self.rows.program.input(id);
        let threshold = match other {
            Set::Numbers(numbers) => match numbers.single() {
                Some(number) if !year_of => number.clone(),
                Some(year) => match year.to_integer().to_i64().and_then(|year| {
                    let after = matches!(op, CompareOp::LessOrEqual | CompareOp::Greater);
                    Date::new(year + i64::from(after), 1, 1)
                }) {
                    Some(date) => integer(date.days().into()),
                    None => return,
                },
                None => return,
            },
            other => match other.single_date() {
                Some(date) => integer(date.days().into()),
                None => return,
            },
        };
        let (before, after) = match op {
            _ if year_of => (true, false),
            CompareOp::Equal | CompareOp::NotEqual => (true, true),
            CompareOp::Less | CompareOp::GreaterOrEqual => (true, false),
            CompareOp::LessOrEqual | CompareOp::Greater => (false, true),
        };
        let cuts = [(before, false), (after, true)].into_iter().filter(|(wanted, _)| *wanted);
        let cuts: BTreeSet<i64> = cuts.filter_map(|(_, after)| cut_at(input, &threshold, after)).collect();
        self.cuts.entry((self.row, id)).or_default().extend(cuts);
    }

    /// What is known where a condition was found to hold, or not to.
    pub(super) fn assume(&mut self, condition: &'a Expr, holds: bool) -> Vec<Fact> {
        let fact = |leaf: Leaf, known: Known| vec![Fact { leaf, known }];
        match &condition.kind {
            ExprKind::Not(inner) => self.assume(inner, !holds),
            ExprKind::And(items) if holds => items.iter().flat_map(|item| self.assume(item, true)).collect(),
            ExprKind::Or(items) if !holds => items.iter().flat_map(|item| self.assume(item, false)).collect(),
            ExprKind::Compare { op, left, right } => {
                let op = if holds { *op } else { opposite(*op) };
                let mut facts = Vec::new();
                for (side, other, op) in [(left, right, op), (right, left, mirrored(op))] {
                    if let Some(leaf) = leaf(side)
                        && let Some(other) = self.quietly(|this| this.expr(other))
                    {
                        facts.extend(Known::of_comparison(op, &other).into_iter().map(|known| Fact { leaf, known }));
                    }
                }
                facts
            }
            ExprKind::OneOf { subject, cases } => leaf(subject).map_or_else(Vec::new, |leaf| {
                let cases: BTreeSet<u32> = cases.iter().copied().collect();
                fact(leaf, if holds { Known::Among(cases) } else { Known::Except(cases) })
            }),
            ExprKind::IsSet(presence) => {
                let leaf = match *presence {
                    Presence::Input(id) => Leaf::Input(id),
                    Presence::Quantity(id) => Leaf::Quantity(id),
                    Presence::PastInput(reach, id) => Leaf::PastInput(reach, id),
                    Presence::PastQuantity(reach, id) => Leaf::PastQuantity(reach, id),
                };
                fact(leaf, Known::Present(holds))
            }
            _ if condition.ty == Type::Boolean => {
                leaf(condition).map_or_else(Vec::new, |leaf| fact(leaf, Known::Is(holds)))
            }
            _ => Vec::new(),
        }
    }
}

/// What a fact may be about: something that is read as it is.
pub(super) fn leaf(expr: &Expr) -> Option<Leaf> {
    match expr.kind {
        ExprKind::Input(id) => Some(Leaf::Input(id)),
        ExprKind::Quantity(id) => Some(Leaf::Quantity(id)),
        _ => None,
    }
}
