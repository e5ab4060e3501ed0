//! The first pass: figures of the whole data set, one for each group of rows, that the second pass reads.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use polc_compiler::num::{Ratio, RoundingMode, integer, round};
use polc_compiler::typed::{Aggregate, ControlKind, InputId, Program, QuantityId, Value};
use polc_dsl::ast::Summary;

use super::reference::BatchRow;
use super::{Engine, EngineMode, History, reachable};
use crate::interp::{Evaluation, Silent};
use crate::table::{Batch, Results};

/// What rows read of their groups.
#[derive(Clone, Debug, Default)]
pub struct Aggregates {
    figures: BTreeMap<QuantityId, Figures>,
}

#[derive(Clone, Debug)]
struct Figures {
    /// One a group; `None` where no row of the group brings a value.
    values: Vec<Option<Value>>,
    /// The group of each row; `None` for a row with an empty key.
    groups: Vec<Option<u32>>,
    /// What a row without group reads.
    alone: Option<Value>,
}

impl Aggregates {
    /// The figure of the group of a row.
    #[must_use]
    pub fn value(&self, id: QuantityId, row: usize) -> Option<&Value> {
        let figures = self.figures.get(&id)?;
        match figures.groups.get(row).copied().flatten() {
            Some(group) => figures.values[group as usize].as_ref(),
            None => figures.alone.as_ref(),
        }
    }

    /// Computes the figures that the roots depend on.
    pub(super) fn of(
        program: &Arc<Program>,
        roots: &[QuantityId],
        batch: &Batch,
        mode: EngineMode,
        threads: usize,
    ) -> Self {
        let needed: BTreeSet<QuantityId> =
            reachable(program, roots).into_iter().filter(|id| program.aggregate(*id).is_some()).collect();
        let wanted: Vec<&Aggregate> =
            program.aggregates.iter().filter(|aggregate| needed.contains(&aggregate.quantity)).collect();
        if wanted.is_empty() {
            return Self::default();
        }
        let outputs: Vec<QuantityId> = wanted.iter().map(|aggregate| aggregate.of).collect();
        let engine = Engine::new(Arc::clone(program), outputs, mode, threads);
        let results = engine.second_pass(batch, &History::of(program, batch), &[], &|_| {});
        let figures = wanted
            .iter()
            .enumerate()
            .map(|(rank, aggregate)| (aggregate.quantity, figures(program, aggregate, batch, &results, rank)))
            .collect();
        Self { figures }
    }
}

/// The groups of rows by the values of some inputs, in the order of their first row.
fn groups(program: &Program, by: &[InputId], batch: &Batch) -> (Vec<Option<u32>>, usize) {
    let mut known: HashMap<Vec<Value>, u32> = HashMap::new();
    let mut groups = Vec::with_capacity(batch.rows);
    for row in 0..batch.rows {
        let key: Option<Vec<Value>> = by.iter().map(|id| batch.value(program, *id, row)).collect();
        groups.push(key.map(|key| {
            let next = known.len() as u32;
            *known.entry(key).or_insert(next)
        }));
    }
    (groups, known.len())
}

/// One group as its rows are added up.
#[derive(Clone, Default)]
struct Tally {
    count: u64,
    sum: Ratio,
    least: Option<Ratio>,
    most: Option<Ratio>,
    different: BTreeSet<String>,
}

fn figures(program: &Program, aggregate: &Aggregate, batch: &Batch, results: &Results, rank: usize) -> Figures {
    let (groups, count) = groups(program, &aggregate.by, batch);
    let mut tallies = vec![Tally::default(); count];
    for (row, group) in groups.iter().enumerate() {
        let Some(group) = group else { continue };
        let Some(Value::Number(value)) = results.columns[rank].value(row) else { continue };
        let tally = &mut tallies[*group as usize];
        tally.count += 1;
        match aggregate.summary {
            Summary::Count => {}
            Summary::Sum | Summary::Mean => tally.sum += value,
            Summary::Maximum => tally.most = Some(tally.most.take().map_or(value.clone(), |known| known.max(value))),
            Summary::Minimum => tally.least = Some(tally.least.take().map_or(value.clone(), |known| known.min(value))),
            Summary::Distinct => {
                if let Some(value) = aggregate.distinct.and_then(|id| batch.value(program, id, row)) {
                    tally.different.insert(format!("{value:?}"));
                }
            }
        }
    }
    let figure = |tally: Tally| {
        let whole = |n: u64| Some(Ratio::from_integer(n.into()));
        let value = match aggregate.summary {
            Summary::Count => whole(tally.count),
            Summary::Distinct => whole(tally.different.len() as u64),
            Summary::Sum => Some(tally.sum),
            Summary::Mean if tally.count == 0 => None,
            Summary::Mean => Some(tally.sum / Ratio::from_integer(tally.count.into())),
            Summary::Maximum => tally.most,
            Summary::Minimum => tally.least,
        };
        let value = value.map(|value| match aggregate.decimals {
            Some(decimals) => round(&value, decimals, RoundingMode::HalfAway),
            None => value,
        });
        value.map(Value::Number)
    };
    let zero = matches!(aggregate.summary, Summary::Count | Summary::Sum | Summary::Distinct);
    Figures {
        values: tallies.into_iter().map(figure).collect(),
        groups,
        alone: zero.then(|| Value::Number(integer(0))),
    }
}

/// The groups on which a control on the whole data does not hold, as `input = value` lists; in the order of their first row.
pub(super) fn failed_groups(program: &Program, control: u32, batch: &Batch, history: &History) -> Vec<String> {
    let ControlKind::Groups { by, years, condition } = &program.controls[control as usize].kind else {
        return Vec::new();
    };
    let (groups, count) = groups(program, by, batch);
    let mut seen = vec![false; count];
    let mut failed = Vec::new();
    for (row, group) in groups.iter().enumerate() {
        let Some(group) = group else { continue };
        if std::mem::replace(&mut seen[*group as usize], true) || !years.contains(history.years[row]) {
            continue;
        }
        let memory = Default::default();
        let data = BatchRow { program, batch, history, row, memory: &memory };
        // What a control cannot read is no ground to report the group.
        let holds = Evaluation::new(program, &data, Silent).evaluate(condition).unwrap_or(Value::Boolean(true));
        if holds != Value::Boolean(true) {
            let key = by.iter().filter_map(|id| {
                let input = program.input(*id);
                let value = batch.value(program, *id, row)?;
                let text = match (&value, *id == program.year) {
                    (Value::Number(year), true) => year.to_integer().to_string(),
                    _ => crate::examples::show(program, &input.ty, &value),
                };
                Some(format!("{} = {text}", input.name))
            });
            failed.push(key.collect::<Vec<_>>().join(", "));
        }
    }
    failed
}
