//! The bounds of one row: the region of all the values of its missing cells is cut in parts, each bounded by itself, until
//! the bounds are attained by actual values or the effort is spent.

use std::collections::{BTreeMap, BTreeSet};

use num_traits::Zero as _;
use polc_compiler::num::Ratio;
use polc_compiler::typed::Value;

use super::cells::{Cell, Domain, Region};
use super::eval::{Evaluation, Rows};
use super::point;
use super::sweep::{Amount, Question, Sweep, left_at_worst, sweep, width};
use crate::table::RowErrorKind;

/// Parts that the region of a row is cut into, at most.
const PARTS: usize = 64;
/// Completions of a row that are tried, at most.
const POINTS: usize = 160;

/// What missing cells leave of a row.
#[derive(Clone, Debug)]
pub struct RowBounds {
    pub amounts: Vec<Amount>,
    /// Missing cells, the first being that whose knowledge narrows the amounts most, in euros; `None` where that has no end.
    pub missing: Vec<(Cell, Option<Ratio>)>,
    /// Errors that some values of the missing cells may cause.
    pub faults: Vec<RowErrorKind>,
    /// Whether figures of the whole data depend on missing cells of other rows.
    pub loose: bool,
}

/// What missing cells leave of a row; `None` where none of them counts.
///
/// # Errors
/// Why the row has no results, whatever the values of the missing cells.
pub fn bounds(rows: Rows<'_>, row: usize, question: Question<'_>) -> Result<Option<RowBounds>, RowErrorKind> {
    let mut root = Evaluation::new(rows, row, Region::new());
    let first = sweep(&mut root, question);
    if first.cells.is_empty() && !first.loose {
        return Ok(None);
    }
    let influence = Search::influences(&root, question, &first);
    let mut search = Search {
        rows,
        row,
        question,
        root: &root,
        cells: first.cells.clone(),
        influence,
        seen: vec![(None, None); question.outputs.len()],
        leaves: vec![Leaf { region: Region::new(), sweep: first, tried: BTreeSet::new() }],
        dead: Vec::new(),
        tries: 0,
    };
    search.run();
    search.finish()
}

/// A part of the region.
struct Leaf {
    region: Region,
    sweep: Sweep,
    /// The ends for which completions in it were tried.
    tried: BTreeSet<(usize, bool)>,
}

/// An amount that some completion gives.
type Seen = Option<(Ratio, Region)>;

struct Search<'s, 'a> {
    rows: Rows<'a>,
    row: usize,
    question: Question<'s>,
    root: &'s Evaluation<'a>,
    cells: BTreeMap<Cell, Domain>,
    influence: BTreeMap<Cell, Ratio>,
    leaves: Vec<Leaf>,
    /// Errors of the parts in which the row has no results.
    dead: Vec<RowErrorKind>,
    /// The lowest and the highest amounts seen of each output.
    seen: Vec<(Seen, Seen)>,
    tries: usize,
}

/// An end of a bound: infinite ends come last.
fn end(amount: &Amount, high: bool) -> Option<&Ratio> {
    if high { amount.high.as_ref() } else { amount.low.as_ref() }
}

impl<'a> Search<'_, 'a> {
    fn run(&mut self) {
        let mut stuck: BTreeSet<(usize, bool)> = BTreeSet::new();
        while let Some((output, high)) = self.widest(&stuck) {
            let Some(rank) = self.extreme(output, high) else {
                stuck.insert((output, high));
                continue;
            };
            if self.leaves[rank].tried.insert((output, high)) && self.tries < POINTS {
                self.climb(rank, output, high);
                continue;
            }
            if self.leaves.len() >= PARTS || !self.split(rank) {
                stuck.insert((output, high));
            }
        }
    }

    /// The bound of an output over all the parts; `None` where it has no value.
    fn bound(&self, output: usize, high: bool) -> Option<Option<&Ratio>> {
        self.leaves[..].get(self.extreme(output, high)?).map(|leaf| end(&leaf.sweep.amounts[output], high))
    }

    /// The part in which an output may go furthest.
    fn extreme(&self, output: usize, high: bool) -> Option<usize> {
        let mut best: Option<usize> = None;
        for (rank, leaf) in self.leaves.iter().enumerate() {
            let amount = &leaf.sweep.amounts[output];
            if !amount.present {
                continue;
            }
            let further = match best {
                None => true,
                Some(best) => match (end(&self.leaves[best].sweep.amounts[output], high), end(amount, high)) {
                    (None, _) => false,
                    (_, None) => true,
                    (Some(known), Some(this)) => {
                        if high {
                            this > known
                        } else {
                            this < known
                        }
                    }
                },
            };
            if further {
                best = Some(rank);
            }
        }
        best
    }

    /// The end furthest from what was seen.
    fn widest(&self, stuck: &BTreeSet<(usize, bool)>) -> Option<(usize, bool)> {
        let mut best: Option<((usize, bool), Option<Ratio>)> = None;
        for output in 0..self.question.outputs.len() {
            for high in [false, true] {
                if stuck.contains(&(output, high)) {
                    continue;
                }
                let Some(bound) = self.bound(output, high) else { continue };
                let seen = if high { &self.seen[output].1 } else { &self.seen[output].0 };
                // Without an end, as wide as can be.
                let gap = match (bound, seen) {
                    (Some(bound), Some((seen, _))) => Some(if high { bound - seen } else { seen - bound }),
                    _ => None,
                };
                if gap.as_ref().is_some_and(|gap| *gap <= Ratio::zero()) {
                    continue;
                }
                let wider = match (&best, &gap) {
                    (None, _) => true,
                    (Some((_, None)), _) => false,
                    (Some((_, Some(_))), None) => true,
                    (Some((_, Some(known))), Some(gap)) => gap > known,
                };
                if wider {
                    best = Some(((output, high), gap));
                }
            }
        }
        best.map(|(which, _)| which)
    }

    /// Looks for a completion of a part that brings an output to its end: each cell in turn at the best of its ends.
    fn climb(&mut self, rank: usize, output: usize, high: bool) {
        let leaf = &self.leaves[rank];
        let domains: BTreeMap<Cell, Domain> =
            self.cells.iter().map(|(cell, domain)| (*cell, leaf.region.get(cell).unwrap_or(domain).clone())).collect();
        let matters: BTreeSet<Cell> = leaf.sweep.cells.keys().copied().collect();
        let mut at: Region = domains.iter().map(|(cell, domain)| (*cell, domain.ends().swap_remove(0))).collect();
        let mut best = self.try_point(&at, output);
        for (cell, domain) in domains.iter().filter(|(cell, _)| matters.contains(cell)) {
            for value in domain.ends() {
                if self.tries >= POINTS {
                    return;
                }
                if at[cell] == value {
                    continue;
                }
                let mut next = at.clone();
                next.insert(*cell, value);
                let found = self.try_point(&next, output);
                let better = match (&best, &found) {
                    (_, None) => false,
                    (None, Some(_)) => true,
                    (Some(best), Some(found)) => {
                        if high {
                            found > best
                        } else {
                            found < best
                        }
                    }
                };
                if better {
                    best = found;
                    at = next;
                }
            }
        }
    }

    /// What a completion gives, of one output; all of them are noted.
    fn try_point(&mut self, region: &Region, output: usize) -> Option<Ratio> {
        self.tries += 1;
        let found = sweep(&mut self.root.within(region.clone()), self.question);
        if found.dead || !found.faults.is_empty() {
            return None;
        }
        let mut wanted = None;
        for (rank, amount) in found.amounts.iter().enumerate() {
            let (Some(low), true) = (&amount.low, amount.low == amount.high) else { continue };
            let seen = &mut self.seen[rank];
            if seen.0.as_ref().is_none_or(|(known, _)| low < known) {
                seen.0 = Some((low.clone(), region.clone()));
            }
            if seen.1.as_ref().is_none_or(|(known, _)| low > known) {
                seen.1 = Some((low.clone(), region.clone()));
            }
            if rank == output {
                wanted = Some(low.clone());
            }
        }
        wanted
    }

    /// Cuts a part in two, where it promises most.
    fn split(&mut self, rank: usize) -> bool {
        let leaf = &self.leaves[rank];
        let open = leaf.sweep.cells.iter().filter(|(_, domain)| domain.is_open());
        let cuts = |cell: &Cell| leaf.sweep.cuts.get(cell);
        let choice = open.max_by_key(|(cell, domain)| {
            let clean = !matches!(domain, Domain::Span(..)) || domain.cut(cuts(cell)).is_some();
            // Spans without threshold: the widest, of what it was.
            let width = match (domain, self.cells.get(cell)) {
                (Domain::Span(low, high), Some(Domain::Span(first, last))) if !clean => {
                    let of = |a: i64, b: i64| i128::from(b) - i128::from(a) + 1;
                    of(*low, *high) * 1_000 / of(*first, *last)
                }
                _ => 0,
            };
            (clean, width, self.influence.get(cell).cloned(), std::cmp::Reverse(**cell))
        });
        let Some((cell, domain)) = choice else { return false };
        let Some((first, second)) = domain.halves(cuts(cell)) else { return false };
        let cell = *cell;
        let region = leaf.region.clone();
        self.leaves.swap_remove(rank);
        for half in [first, second] {
            let mut region = region.clone();
            region.insert(cell, half);
            let sweep = sweep(&mut self.root.within(region.clone()), self.question);
            if sweep.dead {
                self.dead.extend(sweep.faults);
            } else {
                self.leaves.push(Leaf { region, sweep, tried: BTreeSet::new() });
            }
        }
        true
    }

    /// How much narrower the amounts are at worst once a cell is known, by one look at each of its ends or cases.
    fn influences(root: &Evaluation<'a>, question: Question<'_>, first: &Sweep) -> BTreeMap<Cell, Ratio> {
        let whole = width(question, &first.amounts, None);
        let of = |(cell, domain): (&Cell, &Domain)| {
            let left = left_at_worst(root, question, *cell, domain, None);
            // What has no end comes first.
            let gain = match (&whole, left) {
                (Some(whole), Some(left)) => whole - left,
                (None, Some(left)) => left + Ratio::from_integer(1.into()),
                (_, None) => Ratio::zero(),
            };
            (*cell, gain.max(Ratio::zero()))
        };
        first.cells.iter().map(of).collect()
    }

    fn finish(self) -> Result<Option<RowBounds>, RowErrorKind> {
        let loose = self.leaves.iter().any(|leaf| leaf.sweep.loose);
        let mut faults = self.dead.clone();
        faults.extend(self.leaves.iter().flat_map(|leaf| leaf.sweep.faults.clone()));
        let mut distinct: Vec<RowErrorKind> = Vec::new();
        for fault in faults {
            if !distinct.contains(&fault) {
                distinct.push(fault);
            }
        }
        if self.leaves.is_empty() {
            return Err(distinct.swap_remove(0));
        }
        let mut verified: BTreeMap<Region, Option<Vec<Option<Value>>>> = BTreeMap::new();
        let amounts: Vec<Amount> = (0..self.question.outputs.len())
            .map(|output| {
                let (low, high) =
                    (self.bound(output, false).flatten().cloned(), self.bound(output, true).flatten().cloned());
                let mut attained = |bound: &Option<Ratio>, seen: &Seen| {
                    let (Some(bound), Some((amount, region))) = (bound, seen) else { return false };
                    if loose || bound != amount {
                        return false;
                    }
                    // The interpreter has the last word.
                    let results = verified.entry(region.clone()).or_insert_with(|| {
                        point::results(self.rows, self.row, region, self.question.outputs, self.question.controls)
                    });
                    results.as_ref().is_some_and(|values| values[output] == Some(Value::Number(bound.clone())))
                };
                let low_attained = attained(&low, &self.seen[output].0);
                let high_attained = attained(&high, &self.seen[output].1);
                let of = |test: fn(&Amount) -> bool| self.leaves.iter().any(|leaf| test(&leaf.sweep.amounts[output]));
                let (present, absent) = (of(|amount| amount.present), of(|amount| amount.absent));
                Amount { present, absent, low, high, low_attained, high_attained }
            })
            .collect();
        let whole = width(self.question, &amounts, None);
        let mut missing: Vec<(Cell, Option<Ratio>)> = Vec::new();
        for (cell, domain) in &self.cells {
            let left = left_at_worst(self.root, self.question, *cell, domain, Some(&amounts));
            let gain = match (&whole, left) {
                (Some(whole), Some(left)) => Some((whole - left).max(Ratio::zero())),
                (None, Some(_)) => None,
                (_, None) => Some(Ratio::zero()),
            };
            missing.push((*cell, gain));
        }
        // Those without end first; the same euros, in the order of the policy.
        missing.sort_by(|(_, a), (_, b)| match (a, b) {
            (Some(a), Some(b)) => b.cmp(a),
            (a, b) => a.is_some().cmp(&b.is_some()),
        });
        Ok(Some(RowBounds { amounts, missing, faults: distinct, loose }))
    }
}
