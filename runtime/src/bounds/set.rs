//! Sets of possible values. Every operation gives a set that holds all the values that the operation can give on the members
//! of its operands; where it can, no other.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use num_integer::Integer as _;
use num_traits::{One as _, Signed as _, Zero as _};
use polc_compiler::calendar::Date;
use polc_compiler::num::{Interval, Ratio, RoundingMode, power_of_ten, round};
use polc_compiler::typed::{CompareOp, Value};

/// Values that something may have: at least one.
#[derive(Clone, Debug, PartialEq)]
pub enum Set {
    Numbers(Numbers),
    Booleans(Truth),
    /// From a date to another, both included, as days since the epoch.
    Dates(i32, i32),
    /// Ranks of cases.
    Cases(BTreeSet<u32>),
    /// Any text.
    Texts,
}

/// Which truths are possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truth {
    pub no: bool,
    pub yes: bool,
}

impl Truth {
    pub const NO: Self = Self { no: true, yes: false };
    pub const YES: Self = Self { no: false, yes: true };
    /// Where nothing gets.
    pub const NEVER: Self = Self { no: false, yes: false };

    pub fn of(truth: bool) -> Self {
        Self { no: !truth, yes: truth }
    }

    pub fn negate(self) -> Self {
        Self { no: self.yes, yes: self.no }
    }
}

/// Numbers of an interval that are multiples of a step; a step of zero, or none, tells nothing of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    pub range: Interval,
    pub step: Option<Ratio>,
}

impl Numbers {
    pub fn point(value: &Ratio) -> Self {
        Self { range: Interval::point(value), step: Some(value.abs()) }
    }

    pub fn new(low: Ratio, high: Ratio, step: Option<Ratio>) -> Self {
        Self { range: Interval::new(low, high), step }
    }

    pub fn all() -> Self {
        Self { range: Interval::ALL, step: None }
    }

    /// The only number, if there is one.
    pub fn single(&self) -> Option<&Ratio> {
        let (low, high) = (self.range.low.as_ref()?, self.range.high.as_ref()?);
        (low == high).then_some(low)
    }

    fn holds_zero(&self) -> bool {
        self.range.low.as_ref().is_none_or(|low| !low.is_positive())
            && self.range.high.as_ref().is_none_or(|high| !high.is_negative())
    }

    pub fn join(&self, other: &Self) -> Self {
        Self { range: self.range.hull(&other.range), step: common(self.step.as_ref(), other.step.as_ref()) }
    }

    pub fn add(&self, other: &Self) -> Self {
        Self { range: self.range.add(&other.range), step: common(self.step.as_ref(), other.step.as_ref()) }
    }

    pub fn negate(&self) -> Self {
        Self { range: self.range.negate(), step: self.step.clone() }
    }

    pub fn multiply(&self, other: &Self) -> Self {
        let zero = |n: &Self| n.single().is_some_and(Ratio::is_zero);
        if zero(self) || zero(other) {
            return Self::point(&Ratio::zero());
        }
        let step = self.step.as_ref().zip(other.step.as_ref()).map(|(a, b)| a * b);
        Self { range: self.range.multiply(&other.range), step }
    }

    /// The quotients, without those by zero; `None` where the divisor is zero. Whether it may be zero comes second.
    pub fn divide(&self, other: &Self) -> (Option<Self>, bool) {
        if let Some(divisor) = other.single().filter(|divisor| !divisor.is_zero()) {
            return (Some(self.multiply(&Self::point(&divisor.recip()))), false);
        }
        if !other.holds_zero() {
            return (Some(Self { range: self.range.divide(&other.range), step: None }), false);
        }
        let step = other.step.clone().filter(|step| !step.is_zero());
        let (low, high) = (&other.range.low, &other.range.high);
        let above =
            if high.as_ref().is_none_or(Ratio::is_positive) { self.side(high.as_ref(), step.as_ref()) } else { None };
        // Below zero, that of the opposites.
        let below = match low {
            Some(low) if !low.is_negative() => None,
            low => self.negate().side(low.as_ref().map(|low| -low).as_ref(), step.as_ref()),
        };
        let both = match (above, below) {
            (Some(a), Some(b)) => Some(a.hull(&b)),
            (a, b) => a.or(b),
        };
        (both.map(|range| Self { range, step: None }), true)
    }

    /// Quotients by the divisors from the step, or from zero excluded, to `high`.
    fn side(&self, high: Option<&Ratio>, step: Option<&Ratio>) -> Option<Interval> {
        let zero = Ratio::zero();
        let least = high.map_or(zero.clone(), Ratio::recip);
        let inverse = Interval { low: Some(least), high: step.map(Ratio::recip) };
        if let (Some(low), Some(high)) = (&inverse.low, &inverse.high)
            && low > high
        {
            return None;
        }
        if inverse.high.is_some() || self.range.low.as_ref().is_some_and(|low| !low.is_negative()) {
            return Some(self.range.multiply(&inverse));
        }
        if self.range.high.as_ref().is_some_and(|high| !high.is_positive()) {
            return Some(self.range.negate().multiply(&inverse).negate());
        }
        Some(Interval::ALL)
    }

    pub fn min(&self, other: &Self) -> Self {
        Self { range: self.range.min(&other.range), step: common(self.step.as_ref(), other.step.as_ref()) }
    }

    pub fn max(&self, other: &Self) -> Self {
        Self { range: self.range.max(&other.range), step: common(self.step.as_ref(), other.step.as_ref()) }
    }

    pub fn round(&self, decimals: u32, mode: RoundingMode) -> Self {
        let end = |end: &Option<Ratio>| end.as_ref().map(|end| round(end, decimals, mode));
        let step = Some(Ratio::new(1.into(), power_of_ten(decimals)));
        Self { range: Interval { low: end(&self.range.low), high: end(&self.range.high) }, step }
    }

    /// Those from a bound on, the bound itself or not; `None` where there are none.
    pub fn from(&self, bound: &Ratio, included: bool) -> Option<Self> {
        let mut low = bound.clone();
        if let Some(step) = self.step.as_ref().filter(|step| !step.is_zero()) {
            let steps = bound / step;
            let first = if included || !steps.is_integer() { steps.ceil() } else { steps + Ratio::one() };
            low = first * step;
        } else if !included && self.range.high.as_ref() == Some(bound) {
            return None;
        }
        let low = self.range.low.as_ref().map_or(low.clone(), |known| known.max(&low).clone());
        let range = Interval { low: Some(low), high: self.range.high.clone() };
        (!is_empty(&range)).then(|| Self { range, step: self.step.clone() })
    }

    /// Those up to a bound.
    pub fn to(&self, bound: &Ratio, included: bool) -> Option<Self> {
        self.negate().from(&-bound, included).map(|numbers| numbers.negate())
    }

    /// The truths of `self op other`.
    pub fn compare(&self, op: CompareOp, other: &Self) -> Truth {
        let below = |a: Option<&Ratio>, b: Option<&Ratio>, or_equal: bool| match (a, b) {
            (Some(a), Some(b)) => a < b || (or_equal && a == b),
            _ => true,
        };
        let (a, b) = (&self.range, &other.range);
        let less = below(a.low.as_ref(), b.high.as_ref(), false);
        let greater = below(b.low.as_ref(), a.high.as_ref(), false);
        let equal = below(a.low.as_ref(), b.high.as_ref(), true) && below(b.low.as_ref(), a.high.as_ref(), true);
        truths(op, less, equal, greater)
    }
}

fn is_empty(range: &Interval) -> bool {
    matches!((&range.low, &range.high), (Some(low), Some(high)) if low > high)
}

/// What comparisons with these possible orders give.
fn truths(op: CompareOp, less: bool, equal: bool, greater: bool) -> Truth {
    let orders = [(less, Ordering::Less), (equal, Ordering::Equal), (greater, Ordering::Greater)];
    let mut truth = Truth::NEVER;
    for (_, ordering) in orders.into_iter().filter(|(possible, _)| *possible) {
        if op.holds(ordering) {
            truth.yes = true;
        } else {
            truth.no = true;
        }
    }
    truth
}

/// A number that both steps are multiples of.
fn common(a: Option<&Ratio>, b: Option<&Ratio>) -> Option<Ratio> {
    let (a, b) = (a?, b?);
    let top = (a.numer() * b.denom()).gcd(&(b.numer() * a.denom()));
    Some(Ratio::new(top, a.denom() * b.denom()))
}

impl Set {
    pub fn point(value: &Value) -> Self {
        match value {
            Value::Number(number) => Self::Numbers(Numbers::point(number)),
            Value::Boolean(truth) => Self::Booleans(Truth::of(*truth)),
            Value::Date(date) => Self::Dates(date.days(), date.days()),
            Value::Case(case) => Self::Cases(BTreeSet::from([*case])),
            Value::Text(_) => Self::Texts,
        }
    }

    pub fn zero() -> Self {
        Self::Numbers(Numbers::point(&Ratio::zero()))
    }

    pub fn truth(self) -> Truth {
        match self {
            Self::Booleans(truth) => truth,
            // What is no truth never holds.
            _ => Truth::NO,
        }
    }

    pub fn numbers(self) -> Numbers {
        match self {
            Self::Numbers(numbers) => numbers,
            _ => Numbers::point(&Ratio::zero()),
        }
    }

    /// The values of both. Quantities have one type: sets of two kinds never meet.
    pub fn join(self, other: &Self) -> Self {
        match (self, other) {
            (Self::Numbers(a), Self::Numbers(b)) => Self::Numbers(a.join(b)),
            (Self::Booleans(a), Self::Booleans(b)) => Self::Booleans(Truth { no: a.no || b.no, yes: a.yes || b.yes }),
            (Self::Dates(a, b), Self::Dates(c, d)) => Self::Dates(a.min(*c), b.max(*d)),
            (Self::Cases(mut a), Self::Cases(b)) => {
                a.extend(b);
                Self::Cases(a)
            }
            (a, _) => a,
        }
    }

    pub fn compare(&self, op: CompareOp, other: &Self) -> Truth {
        match (self, other) {
            (Self::Numbers(a), Self::Numbers(b)) => a.compare(op, b),
            (Self::Dates(a, b), Self::Dates(c, d)) => truths(op, a < d, a <= d && c <= b, b > c),
            (Self::Cases(a), Self::Cases(b)) => {
                let any = |ordering: Ordering| a.iter().any(|x| b.iter().any(|y| x.cmp(y) == ordering));
                truths(op, any(Ordering::Less), any(Ordering::Equal), any(Ordering::Greater))
            }
            (Self::Booleans(a), Self::Booleans(b)) => {
                truths(op, a.no && b.yes, (a.no && b.no) || (a.yes && b.yes), a.yes && b.no)
            }
            // The interpreter takes what has no order for equal.
            _ => truths(op, false, true, false),
        }
    }

    /// The smallest or the largest of two.
    pub fn extremum(self, other: &Self, largest: bool) -> Self {
        match (self, other) {
            (Self::Numbers(a), Self::Numbers(b)) => Self::Numbers(if largest { a.max(b) } else { a.min(b) }),
            (Self::Dates(a, b), Self::Dates(c, d)) if largest => Self::Dates(a.max(*c), b.max(*d)),
            (Self::Dates(a, b), Self::Dates(c, d)) => Self::Dates(a.min(*c), b.min(*d)),
            (a, _) => a,
        }
    }

    /// The only date, if there is one.
    pub fn single_date(&self) -> Option<Date> {
        match self {
            Self::Dates(a, b) if a == b => Date::from_days((*a).into()),
            _ => None,
        }
    }
}
