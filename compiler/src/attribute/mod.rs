//! What every cent of a payment is for: the lines that it splits into, each a quantity of the program.
//!
//! A pass on typed programs: what it adds are rules and expressions like those of the policy, so that both engines compute
//! lines as they compute the rest. On every row, the lines of a payment that apply add up to it, exactly:
//!
//! - a rule is a waterfall: the terms of its base, then what each adjustment, bound and pro rata changes, then the rounding;
//! - within a term, sums split, products and quotients distribute over the side that has the money or the points, choices
//!   guard, extrema are their first part and what the others change, and what is read gives its own lines, down to criteria;
//! - a line reads nothing that the payment does not read on the same row: it is computed only where its rule applies, no
//!   derogation is in force and the condition holds.
//!
//! Where a payment has nothing to show, marks say why: lines of zero, present where a condition is not met.

mod frame;
mod split;
mod waterfall;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use polc_dsl::Span;

use crate::num::Ratio;
use crate::typed::{Citation, Expr, Program, QuantityId, QuantityKind, Type, Years};
use crate::units::Unit;

/// Lines that one quantity gives at most. What would give more is kept whole where it is read.
pub const MOST_LINES: usize = 600;

/// The unit of what criteria earn.
const POINT: &str = "point";

/// A program with the lines of some of its payments.
#[derive(Clone, Debug)]
pub struct Attribution {
    /// The program, its own quantities first and under their own ranks; those of the lines come after, internal.
    pub program: Arc<Program>,
    /// By payment, in the order asked for; those of a payment in the order of its computation.
    pub lines: Vec<AttributedLine>,
}

/// A line of a payment.
#[derive(Clone, Debug)]
pub struct AttributedLine {
    pub payment: QuantityId,
    /// Its amount, in the unit of the payment: exact, without object where its rule does not apply.
    pub quantity: QuantityId,
    pub role: Role,
    pub origin: Arc<Origin>,
    /// What happens to it on its way from its provision to the payment, in order.
    pub path: Vec<Factor>,
}

/// What a line is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// To be added up.
    Amount,
    /// Zero, and present where a condition that takes everything away is not met.
    Lost,
    /// Zero, and present where the payment is: what to show of it where there is nothing else.
    Nothing,
}

/// Where a line comes from.
#[derive(Clone, Debug)]
pub struct Origin {
    pub kind: LineKind,
    /// The provision: a quantity of the policy and the rank of its rule.
    pub quantity: QuantityId,
    pub rule: usize,
    /// Of a derogation, its rank in the quantity.
    pub derogation: Option<usize>,
    pub title: Arc<str>,
    pub citations: Vec<Citation>,
    pub operation: Operation,
    /// The years of the version in force.
    pub years: Years,
    /// Its place.
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LineKind {
    CriterionFixed,
    CriterionVariable,
    /// A criterion whose text does not tell fixed and variable parts apart.
    Criterion,
    Amount,
    Minoration,
    Majoration,
    Derogation,
    Cap,
    Floor,
    Tier,
    Proration,
    /// A condition that is not met.
    Prerequisite,
    /// Last year's value, which stays.
    Kept,
    /// What a reading puts in the place of the rule's own value.
    Reading,
    Rounding,
}

/// What is computed, in the terms of the provision.
#[derive(Clone, Debug)]
pub enum Operation {
    Formula(Expr),
    /// A rate of what stands before.
    Rate {
        quantity: QuantityId,
        add: bool,
    },
    Bound {
        value: Expr,
        cap: bool,
    },
    Proration(Expr),
    Tier(Box<TierOperation>),
    /// A condition, which is not met.
    Condition(Expr),
    /// The value of the year before.
    Kept,
    Rounding(u32),
    /// The value of the payment itself.
    Whole,
}

/// What falls between two values of a subject, at a rate.
#[derive(Clone, Debug)]
pub struct TierOperation {
    pub from: Ratio,
    pub to: Option<Ratio>,
    pub subject: Expr,
    pub rate: Expr,
}

/// One step from a provision to a payment.
#[derive(Clone, Debug)]
pub enum Factor {
    Times(Expr),
    Over(Expr),
    Minus,
}

/// The lines of payments of a program; each payment has at least one.
#[must_use]
pub fn attribute(program: &Program, payments: &[QuantityId]) -> Attribution {
    let mut attributor = Attributor::new(program);
    let mut lines = Vec::new();
    for payment in payments {
        let known = attributor.lines_of(*payment);
        let line = |line: &Known| AttributedLine {
            payment: *payment,
            quantity: line.quantity,
            role: line.role,
            origin: line.origin.clone(),
            path: line.path.clone(),
        };
        lines.extend(known.iter().map(line));
        lines.extend(attributor.nothing(*payment).iter().map(line));
    }
    Attribution { program: Arc::new(attributor.program), lines }
}

/// A line of a quantity, which others may read.
#[derive(Clone, Debug)]
struct Known {
    quantity: QuantityId,
    /// The rule that it is of, in the quantity that has it.
    rule: usize,
    role: Role,
    origin: Arc<Origin>,
    path: Vec<Factor>,
}

/// A line in the making: its expression holds where the rule it belongs to is computed.
#[derive(Clone, Debug)]
struct Piece {
    /// An amount, or of a mark a condition.
    value: Expr,
    role: Role,
    origin: Arc<Origin>,
    path: Vec<Factor>,
    /// A formula of the rule itself, whole.
    leaf: bool,
}

struct Attributor {
    program: Program,
    /// Of money and of points.
    units: BTreeSet<Unit>,
    lines: BTreeMap<QuantityId, Rc<[Known]>>,
    /// The rules that own values stand for, by the quantity added for each.
    retained: BTreeMap<QuantityId, (QuantityId, usize)>,
}

impl Attributor {
    fn new(program: &Program) -> Self {
        Self {
            units: [&*program.currency.symbol, POINT].map(Unit::of).into_iter().collect(),
            program: program.clone(),
            lines: BTreeMap::new(),
            retained: BTreeMap::new(),
        }
    }

    /// Whether a value counts in money or in points.
    fn counts(&self, ty: &Type) -> bool {
        matches!(ty, Type::Number(unit) if self.units.contains(unit))
    }

    /// Whether the lines of a quantity take its place where it is read.
    fn splits(&self, id: QuantityId) -> bool {
        let quantity = self.program.quantity(id);
        match quantity.kind {
            QuantityKind::Criterion | QuantityKind::BlockTotal | QuantityKind::Payment => {
                matches!(quantity.ty, Type::Number(_))
            }
            QuantityKind::Definition | QuantityKind::Minoration | QuantityKind::Majoration => self.counts(&quantity.ty),
            _ => false,
        }
    }

    /// The lines of a quantity, made once.
    fn lines_of(&mut self, id: QuantityId) -> Rc<[Known]> {
        if let Some(known) = self.lines.get(&id) {
            return known.clone();
        }
        let made = stacker::maybe_grow(128 * 1024, 2 * 1024 * 1024, || self.waterfalls(id));
        let lines: Rc<[Known]> = made.into();
        self.lines.insert(id, lines.clone());
        lines
    }
}
