//! One look at a region of the missing cells, and how much it leaves open.

use std::collections::{BTreeMap, BTreeSet};

use num_traits::Zero as _;
use polc_compiler::num::Ratio;
use polc_compiler::typed::QuantityId;

use super::cells::{Cell, Domain, Region};
use super::eval::Evaluation;
use super::set::Set;
use crate::table::RowErrorKind;

/// What is asked of rows.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    pub outputs: &'a [QuantityId],
    /// Ranks of those that are no term of another: the euros that count once.
    pub finals: &'a [usize],
    /// Controls on rows.
    pub controls: &'a [u32],
}

/// What a result may be. Without ends it has none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Amount {
    /// Some value is possible.
    pub present: bool,
    /// It may be without object.
    pub absent: bool,
    /// Absent ends are infinite.
    pub low: Option<Ratio>,
    pub high: Option<Ratio>,
    /// Whether some values of the missing cells give the end.
    pub low_attained: bool,
    pub high_attained: bool,
}

/// One look at a region.
pub struct Sweep {
    pub amounts: Vec<Amount>,
    pub faults: Vec<RowErrorKind>,
    /// The row ends in an error whatever the cells.
    pub dead: bool,
    pub loose: bool,
    pub cells: BTreeMap<Cell, Domain>,
    pub cuts: BTreeMap<Cell, BTreeSet<i64>>,
}

pub fn sweep(evaluation: &mut Evaluation<'_>, question: Question<'_>) -> Sweep {
    let mut dead = false;
    let mut amounts = Vec::with_capacity(question.outputs.len());
    for id in question.outputs {
        let outcome = evaluation.quantity(*id);
        let set = outcome.set();
        dead |= set.is_none() && !outcome.absent;
        let present = set.is_some();
        let (low, high) = match set {
            Some(Set::Numbers(numbers)) => (numbers.range.low, numbers.range.high),
            _ => (None, None),
        };
        amounts.push(Amount { present, absent: outcome.absent, low, high, ..Amount::default() });
    }
    let mut faults = evaluation.faults.clone();
    for control in question.controls {
        if let Some((kind, must)) = evaluation.refusal(*control) {
            dead |= must;
            faults.push(kind);
        }
    }
    let (cells, cuts) = (std::mem::take(&mut evaluation.cells), std::mem::take(&mut evaluation.cuts));
    Sweep { amounts, faults, dead, loose: evaluation.loose, cells, cuts }
}

/// What is left open at worst where a cell is known; `None` without end.
pub fn left_at_worst(
    root: &Evaluation<'_>,
    question: Question<'_>,
    cell: Cell,
    domain: &Domain,
    within: Option<&[Amount]>,
) -> Option<Ratio> {
    let mut worst = Ratio::zero();
    for value in domain.ends() {
        let sweep = sweep(&mut root.within(Region::from([(cell, value)])), question);
        if !sweep.dead {
            worst = worst.max(width(question, &sweep.amounts, within)?);
        }
    }
    Some(worst)
}

/// The euros between the lowest and the highest amounts, of the results that are no term of another; what is without object
/// pays nothing. `None` without end.
pub fn width(question: Question<'_>, amounts: &[Amount], within: Option<&[Amount]>) -> Option<Ratio> {
    let mut sum = Ratio::zero();
    for rank in question.finals {
        let amount = &amounts[*rank];
        if !amount.present {
            continue;
        }
        let known = within.map(|within| &within[*rank]);
        let narrower = |ends: [Option<&Ratio>; 2], high: bool| match ends {
            [Some(a), Some(b)] => Some(if high { a.min(b) } else { a.max(b) }.clone()),
            [a, b] => a.or(b).cloned(),
        };
        let mut low = narrower([amount.low.as_ref(), known.and_then(|known| known.low.as_ref())], false)?;
        let mut high = narrower([amount.high.as_ref(), known.and_then(|known| known.high.as_ref())], true)?;
        if amount.absent {
            low = low.min(Ratio::zero());
            high = high.max(Ratio::zero());
        }
        sum += (high - low).max(Ratio::zero());
    }
    Some(sum)
}
