//! Figures of the whole data where missing cells leave open what rows bring.

use std::collections::{BTreeMap, HashMap};

use num_traits::Zero as _;
use polc_compiler::num::{Ratio, RoundingMode, integer};
use polc_compiler::typed::{Aggregate, InputId, Program, QuantityId, Value};
use polc_dsl::ast::Summary;

use super::cells::Region;
use super::eval::{Evaluation, Rows};
use super::set::{Numbers, Set};
use crate::engine::History;
use crate::engine::aggregates::{Groups, Tally, group};
use crate::table::{Batch, Results};

/// What a figure may be.
#[derive(Clone, Debug)]
pub struct Figure {
    pub set: Option<Set>,
    pub absent: bool,
}

/// The figures that are open, for the rows of a batch.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    by_row: BTreeMap<(QuantityId, usize), usize>,
    figures: Vec<Figure>,
}

impl Figures {
    /// The figure that a row reads; `None` where it is known.
    pub fn of(&self, id: QuantityId, row: usize) -> Option<&Figure> {
        self.by_row.get(&(id, row)).map(|rank| &self.figures[*rank])
    }

    /// The rows that read an open figure.
    pub fn rows(&self) -> impl Iterator<Item = usize> + '_ {
        self.by_row.keys().map(|(_, row)| *row)
    }
}

/// What a row with missing cells may bring to a figure.
#[derive(Clone, Debug)]
struct Part {
    numbers: Numbers,
    absent: bool,
}

/// What rows with missing cells may bring to one aggregate.
#[derive(Debug, Default)]
pub struct Parts {
    groups: HashMap<Vec<Value>, Vec<Part>>,
    /// Of rows that may belong to any group.
    anywhere: Vec<Part>,
}

/// Whether a cell that must be filled is empty.
fn is_missing(program: &Program, batch: &Batch, id: InputId, row: usize) -> bool {
    !program.input(id).optional && batch.value(program, id, row).is_none()
}

/// Takes the rows whose contribution missing cells leave open out of the results, and notes what they may bring.
pub fn survey(program: &Program, aggregates: &[&Aggregate], batch: &Batch, results: &mut Results, parts: &mut [Parts]) {
    let history = History::of(program, batch);
    let rows = Rows { program, batch, history: &history, figures: None };
    for row in super::incomplete_rows(program, batch, &history) {
        for (rank, aggregate) in aggregates.iter().enumerate() {
            // Each by itself: what fails for one figure is no ground to leave the row out of the others.
            let mut evaluation = Evaluation::new(rows, row, Region::new());
            let outcome = evaluation.quantity(aggregate.of);
            let fails = !evaluation.faults.is_empty();
            let open = !evaluation.cells.is_empty();
            let keyless = aggregate.by.iter().any(|id| is_missing(program, batch, *id, row));
            let blank = aggregate.distinct.is_some_and(|id| is_missing(program, batch, id, row));
            if !open && !keyless && !blank {
                continue;
            }
            results.columns[rank].present[row] = false;
            let Some(Set::Numbers(numbers)) = outcome.set() else { continue };
            let part = Part { numbers, absent: outcome.absent || fails };
            if keyless {
                parts[rank].anywhere.push(Part { absent: true, ..part });
            } else if let Some(key) = group(program, &aggregate.by, batch, row) {
                parts[rank].groups.entry(key).or_default().push(part);
            }
        }
    }
}

/// The figures that are open for the rows of a batch.
pub fn figures<'s>(
    program: &Program,
    batch: &Batch,
    surveyed: impl Iterator<Item = (&'s Aggregate, &'s Groups, &'s Parts)>,
) -> Figures {
    let mut result = Figures::default();
    for (aggregate, groups, parts) in surveyed {
        let mut known: HashMap<Option<Vec<Value>>, Option<usize>> = HashMap::new();
        for row in 0..batch.rows {
            let key = group(program, &aggregate.by, batch, row);
            let lost = key.is_none() && aggregate.by.iter().any(|id| is_missing(program, batch, *id, row));
            if key.is_none() && !lost {
                continue;
            }
            let rank = *known.entry(key.clone()).or_insert_with(|| {
                let figure = match &key {
                    None => Some(Figure { set: Some(Set::Numbers(Numbers::all())), absent: true }),
                    Some(key) => {
                        let own = parts.groups.get(key).into_iter().flatten();
                        let parts: Vec<&Part> = own.chain(&parts.anywhere).collect();
                        (!parts.is_empty()).then(|| figure(aggregate, groups.tally(key), &parts))
                    }
                };
                figure.map(|figure| {
                    result.figures.push(figure);
                    result.figures.len() - 1
                })
            });
            if let Some(rank) = rank {
                result.by_row.insert((aggregate.quantity, row), rank);
            }
        }
    }
    result
}

/// What the figure of a group may be: `tally` adds up the rows that are known.
fn figure(aggregate: &Aggregate, tally: Option<&Tally>, parts: &[&Part]) -> Figure {
    let blank = Tally::default();
    let tally = tally.unwrap_or(&blank);
    let count = |n: u64| Ratio::from_integer(n.into());
    let must = parts.iter().filter(|part| !part.absent).count() as u64;
    let may = parts.len() as u64;
    let some = tally.count > 0 || must > 0;
    let whole = |low: u64, high: u64| Numbers::new(count(low), count(high), Some(integer(1)));
    let numbers = match aggregate.summary {
        Summary::Count => Some(whole(tally.count + must, tally.count + may)),
        Summary::Distinct => {
            let known = tally.different.len() as u64;
            Some(whole(known.max(u64::from(must > 0)), known + may))
        }
        Summary::Sum => Some(sum(tally, parts)),
        Summary::Mean if must == may => {
            Some(sum(tally, parts).multiply(&Numbers::point(&count(tally.count + may).recip())))
        }
        Summary::Mean => {
            let known = (tally.count > 0).then(|| Numbers::point(&(&tally.sum / count(tally.count))));
            parts.iter().map(|part| part.numbers.clone()).chain(known).reduce(|a, b| a.join(&b))
        }
        Summary::Maximum => extreme(tally.most.as_ref(), parts, true),
        Summary::Minimum => extreme(tally.least.as_ref(), parts, false),
    };
    let numbers = numbers.map(|numbers| match aggregate.decimals {
        Some(decimals) => numbers.round(decimals, RoundingMode::HalfAway),
        // The mean of a group is no multiple of what its rows bring.
        None if aggregate.summary == Summary::Mean => Numbers { step: None, ..numbers },
        None => numbers,
    });
    let always = matches!(aggregate.summary, Summary::Count | Summary::Distinct | Summary::Sum);
    Figure { set: numbers.map(Set::Numbers), absent: !always && !some }
}

fn sum(tally: &Tally, parts: &[&Part]) -> Numbers {
    let zero = Numbers::point(&Ratio::zero());
    parts.iter().fold(Numbers::point(&tally.sum), |sum, part| {
        sum.add(&if part.absent { part.numbers.join(&zero) } else { part.numbers.clone() })
    })
}

/// The largest or the smallest: of what is sure to be there at least.
fn extreme(known: Option<&Ratio>, parts: &[&Part], largest: bool) -> Option<Numbers> {
    let best = |a: Numbers, b: Numbers| if largest { a.max(&b) } else { a.min(&b) };
    let sure = parts.iter().filter(|part| !part.absent).map(|part| part.numbers.clone());
    let sure = sure.chain(known.map(Numbers::point)).reduce(best);
    // What may be there as well moves the extreme one way only.
    let more = parts.iter().filter(|part| part.absent).map(|part| part.numbers.clone());
    match sure {
        Some(sure) => Some(more.fold(sure, |all, part| all.join(&best(all.clone(), part)))),
        None => more.reduce(|a, b| a.join(&b)),
    }
}
