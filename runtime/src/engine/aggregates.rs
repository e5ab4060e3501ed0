//! The first pass: figures of the whole data set, one for each group of rows, that the second pass reads.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use polc_compiler::ir::{STATE_FRACTION_LIMIT, STATE_LIMIT};
use polc_compiler::num::{Ratio, RoundingMode, integer, round};
use polc_compiler::typed::{Aggregate, ControlKind, InputId, Program, QuantityId, Value};
use polc_dsl::ast::Summary;

use super::keys::{Grouping, Groupings};
use super::reference::BatchRow;
use super::{Engine, EngineMode, History, reachable};
use crate::bounds::{Figures, Parts, figures, survey};
use crate::interp::{Evaluation, Silent};
use crate::table::{Batch, ResultColumn, ResultValues};

/// Rows from which the figures of data are added up by compiled code.
const COMPILED_FROM: usize = 256;

/// What rows read of their groups.
#[derive(Clone, Debug, Default)]
pub struct Aggregates {
    figures: BTreeMap<QuantityId, GroupFigures>,
    /// Where the data were not read for figures: whether one was asked for.
    asked: Option<Arc<AtomicBool>>,
}

#[derive(Clone, Debug)]
struct GroupFigures {
    /// One a group; `None` where no row of the group brings a value.
    values: Vec<Option<Value>>,
    fractions: Vec<(Option<i64>, i64)>,
    /// The group of each row; `None` for a row with an empty key.
    groups: Vec<Option<u32>>,
    /// What a row without group reads.
    alone: Option<Value>,
}

impl Aggregates {
    /// None is known yet: [`Self::asked`] tells whether some row needs one.
    #[must_use]
    pub fn unread() -> Self {
        Self { figures: BTreeMap::new(), asked: Some(Arc::default()) }
    }

    /// Whether a figure was asked for that is not known; what was computed since is not to be used.
    #[must_use]
    pub fn asked(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.load(Ordering::Relaxed))
    }

    /// The figure of the group of a row.
    #[must_use]
    pub fn value(&self, id: QuantityId, row: usize) -> Option<&Value> {
        let Some(figures) = self.figures.get(&id) else {
            self.asked.iter().for_each(|asked| asked.store(true, Ordering::Relaxed));
            return None;
        };
        match figures.groups.get(row).copied().flatten() {
            Some(group) => figures.values[group as usize].as_ref(),
            None => figures.alone.as_ref(),
        }
    }

    /// The same as the numerator and the denominator of 64-bit integers; the numerator is missing where it does not fit.
    pub(super) fn fraction(&self, id: QuantityId, row: usize) -> (Option<i64>, i64) {
        let Some(figures) = self.figures.get(&id) else { return (Some(0), 1) };
        match figures.groups.get(row).copied().flatten() {
            Some(group) => figures.fractions[group as usize],
            None => fraction_of(figures.alone.as_ref()),
        }
    }

    /// The figures of whole data that some outputs depend on, as some of its rows read them.
    #[must_use]
    pub fn read(program: &Arc<Program>, outputs: &[QuantityId], whole: &Batch, rows: &Batch) -> Self {
        // Both give the same; compiling takes longer than computing a few rows.
        let mode = if whole.rows < COMPILED_FROM { EngineMode::Reference } else { EngineMode::Compiled };
        let engine = Engine::new(program.clone(), outputs.to_vec(), mode, 0);
        let mut survey = Survey::of(&engine, outputs, &[]);
        survey.add(whole, &[]);
        survey.aggregates(rows, &Groupings::default())
    }
}

/// What rows read of all the others, added up a part of the data after the other. The parts hold whole histories; they take
/// memory for each group, and for each different value that is counted.
#[derive(Debug)]
pub struct Survey {
    program: Arc<Program>,
    /// Computes what each row brings.
    engine: Option<Arc<Engine>>,
    /// Ranks among the aggregates of the policy.
    wanted: Vec<usize>,
    groups: Vec<Groups>,
    /// What rows with missing cells may bring besides, where bounds are asked for.
    parts: Option<Vec<Parts>>,
    /// For each control on groups, the first row of each.
    controls: Vec<(u32, HashMap<Vec<Value>, u64>)>,
}

/// The groups met so far, by the values of their inputs.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    known: HashMap<Vec<Value>, u32>,
    tallies: Vec<Tally>,
}

impl Survey {
    /// Of the figures that the roots depend on, and of these controls.
    pub(super) fn of(engine: &Engine, roots: &[QuantityId], controls: &[u32]) -> Self {
        let program = &engine.program;
        let needed: BTreeSet<QuantityId> =
            reachable(program, roots).into_iter().filter(|id| program.aggregate(*id).is_some()).collect();
        let all = program.aggregates.iter().enumerate();
        let wanted: Vec<usize> =
            all.filter(|(_, aggregate)| needed.contains(&aggregate.quantity)).map(|(rank, _)| rank).collect();
        let outputs: Vec<QuantityId> = wanted.iter().map(|rank| program.aggregates[*rank].of).collect();
        let groups = wanted.iter().map(|_| Groups::default()).collect();
        let parts = engine.bounding.then(|| wanted.iter().map(|_| Parts::default()).collect());
        let controls = controls.iter().map(|control| (*control, HashMap::new())).collect();
        let engine = (!outputs.is_empty()).then(|| engine.nested(outputs));
        Self { program: Arc::clone(program), engine, wanted, groups, parts, controls }
    }

    /// Adds rows; `ranks` are those in the whole data, which tell what row of a group comes first.
    pub fn add(&mut self, batch: &Batch, ranks: &[u64]) {
        let history = match &self.engine {
            Some(engine) => engine.join(batch),
            None => History::of(&self.program, batch),
        };
        self.add_joined(batch, &history, ranks);
    }

    /// The same for rows that are joined already.
    pub(super) fn add_joined(&mut self, batch: &Batch, history: &History, ranks: &[u64]) {
        let program = &*self.program;
        for (control, firsts) in &mut self.controls {
            let by = grouping(program, *control);
            let met = history.groupings.by(batch, by);
            let mut least = vec![u64::MAX; met.firsts.len()];
            for (group, rank) in met.groups.iter().zip(ranks) {
                if let Some(group) = group {
                    least[*group as usize] = least[*group as usize].min(*rank);
                }
            }
            for (row, rank) in met.firsts.iter().zip(least).filter(|(_, rank)| *rank < u64::MAX) {
                if let Some(key) = group(program, by, batch, *row) {
                    let first = firsts.entry(key).or_insert(rank);
                    *first = (*first).min(rank);
                }
            }
        }
        let Some(engine) = &self.engine else { return };
        let mut results = engine.second_pass(batch, history, &[], &|_| {});
        // A row in error has no results at all, but what fails for one figure is no ground to leave it out of the others:
        // a figure does not depend on what else is asked for.
        let failed: Vec<usize> = results.errors.iter().map(|error| error.row).collect();
        for (row, found) in failed.iter().zip(engine.states_of(batch, history, &failed, &engine.outputs)) {
            for (column, result) in results.columns.iter_mut().zip(found) {
                column.set(*row, result.unwrap_or_default());
            }
        }
        if let Some(parts) = &mut self.parts {
            let aggregates: Vec<&Aggregate> = self.wanted.iter().map(|rank| &program.aggregates[*rank]).collect();
            survey(program, &aggregates, batch, &mut results, parts);
        }
        for (position, (rank, groups)) in self.wanted.iter().zip(&mut self.groups).enumerate() {
            let aggregate = &program.aggregates[*rank];
            let met = history.groupings.by(batch, &aggregate.by);
            groups.add(program, aggregate, (batch, &met), &results.columns[position]);
        }
    }

    /// What the rows of a part read, once all the parts are added.
    pub(super) fn aggregates(&self, batch: &Batch, groupings: &Groupings) -> Aggregates {
        let figures = self.wanted.iter().zip(&self.groups).map(|(rank, groups)| {
            let aggregate = &self.program.aggregates[*rank];
            (aggregate.quantity, groups.figures(&self.program, aggregate, batch, &groupings.by(batch, &aggregate.by)))
        });
        Aggregates { figures: figures.collect(), asked: None }
    }

    /// What missing cells leave open of them.
    pub(super) fn figures(&self, batch: &Batch) -> Option<Figures> {
        let parts = self.parts.as_ref()?;
        let aggregates = self.wanted.iter().map(|rank| &self.program.aggregates[*rank]);
        let surveyed =
            aggregates.zip(&self.groups).zip(parts).map(|((aggregate, groups), parts)| (aggregate, groups, parts));
        Some(figures(&self.program, batch, surveyed))
    }

    /// The controls on groups that do not hold, with the rank of the first row of the group and its name: those whose first row
    /// is in this part.
    pub(super) fn failed(&self, batch: &Batch, ranks: &[u64], history: &History) -> Vec<(u32, u64, String)> {
        let program = &*self.program;
        let mut failed = Vec::new();
        for (control, firsts) in &self.controls {
            let by = grouping(program, *control);
            let met = history.groupings.by(batch, by);
            let mut rows = met.firsts.clone();
            for (row, group) in met.groups.iter().enumerate() {
                if let Some(group) = group {
                    let first = &mut rows[*group as usize];
                    *first = if ranks[row] < ranks[*first] { row } else { *first };
                }
            }
            rows.retain(|row| {
                group(program, by, batch, *row).is_some_and(|key| firsts.get(&key) == Some(&ranks[*row]))
            });
            let groups = failed_rows(program, *control, batch, history, &rows);
            failed.extend(groups.into_iter().map(|(row, name)| (*control, ranks[row], name)));
        }
        failed
    }
}

/// The inputs that a control groups rows by.
fn grouping(program: &Program, control: u32) -> &[InputId] {
    match &program.controls[control as usize].kind {
        ControlKind::Groups { by, .. } => by,
        _ => &[],
    }
}

/// The group of a row; `None` if it has an empty key.
pub(crate) fn group(program: &Program, by: &[InputId], batch: &Batch, row: usize) -> Option<Vec<Value>> {
    by.iter().map(|id| batch.value(program, *id, row)).collect()
}

/// One group as its rows are added up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub count: u64,
    pub sum: Ratio,
    /// What is not yet in the sum, and what divides it; 0 where nothing is.
    pending: (i128, i64),
    pub least: Option<Ratio>,
    pub most: Option<Ratio>,
    pub different: BTreeSet<String>,
}

impl Groups {
    /// One group, as its rows add up.
    pub fn tally(&self, key: &[Value]) -> Option<&Tally> {
        self.known.get(key).map(|group| &self.tallies[*group as usize])
    }

    fn add(
        &mut self,
        program: &Program,
        aggregate: &Aggregate,
        (batch, met): (&Batch, &Grouping),
        column: &ResultColumn,
    ) {
        let mut tallies: Vec<Tally> = vec![Tally::default(); met.firsts.len()];
        for (row, group) in met.groups.iter().enumerate() {
            let Some(group) = group else { continue };
            let tally = &mut tallies[*group as usize];
            match aggregate.summary {
                Summary::Count => tally.count += u64::from(column.present[row]),
                Summary::Sum | Summary::Mean => tally.sum_of(column, row),
                Summary::Maximum | Summary::Minimum | Summary::Distinct => {
                    let Some(Value::Number(value)) = column.value(row) else { continue };
                    tally.look(aggregate, value, batch, program, row);
                }
            }
        }
        for (row, mut tally) in met.firsts.iter().zip(tallies) {
            let Some(key) = group(program, &aggregate.by, batch, *row) else { continue };
            tally.settle();
            let next = self.tallies.len() as u32;
            let group = *self.known.entry(key).or_insert(next);
            if group == next {
                self.tallies.push(tally);
            } else {
                self.tallies[group as usize].merge(tally);
            }
        }
    }

    /// The figures of the groups of these rows.
    fn figures(&self, program: &Program, aggregate: &Aggregate, batch: &Batch, met: &Grouping) -> GroupFigures {
        // A part may have few of the groups.
        let known: Vec<Option<&u32>> =
            met.firsts.iter().map(|row| self.known.get(&group(program, &aggregate.by, batch, *row)?)).collect();
        let values: Vec<Option<Value>> =
            known.iter().map(|group| figure(aggregate, &self.tallies[*(*group)? as usize])).collect();
        let groups = met.groups.iter().map(|group| group.filter(|group| known[*group as usize].is_some())).collect();
        let fractions = values.iter().map(|value| fraction_of(value.as_ref())).collect();
        let zero = matches!(aggregate.summary, Summary::Count | Summary::Sum | Summary::Distinct);
        GroupFigures { values, fractions, groups, alone: zero.then(|| Value::Number(integer(0))) }
    }
}

impl Tally {
    /// Adds the number of a row, if there is one.
    fn sum_of(&mut self, column: &ResultColumn, row: usize) {
        if !column.present[row] {
            return;
        }
        let ResultValues::Number(numbers) = &column.values else { return };
        self.count += 1;
        if let Some((numerator, denominator)) = numbers.small(row) {
            if denominator != self.pending.1 {
                self.settle();
                self.pending.1 = denominator;
            }
            // A sum of 64-bit numbers: no file is long enough to pass 128 bits.
            self.pending.0 += i128::from(numerator);
        } else {
            self.sum += numbers.value(row);
        }
    }

    /// Takes what is pending into the sum.
    fn settle(&mut self) {
        let (numerator, denominator) = std::mem::take(&mut self.pending);
        if numerator != 0 {
            self.sum += Ratio::new(numerator.into(), denominator.into());
        }
    }

    fn look(&mut self, aggregate: &Aggregate, value: Ratio, batch: &Batch, program: &Program, row: usize) {
        self.count += 1;
        match aggregate.summary {
            Summary::Maximum => self.most = Some(self.most.take().map_or(value.clone(), |known| known.max(value))),
            Summary::Minimum => self.least = Some(self.least.take().map_or(value.clone(), |known| known.min(value))),
            Summary::Distinct => {
                if let Some(value) = aggregate.distinct.and_then(|id| batch.value(program, id, row)) {
                    self.different.insert(format!("{value:?}"));
                }
            }
            Summary::Count | Summary::Sum | Summary::Mean => {}
        }
    }

    /// Adds what another part of the rows brought.
    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.least = self.least.take().into_iter().chain(other.least).min();
        self.most = self.most.take().into_iter().chain(other.most).max();
        self.different.extend(other.different);
    }
}

/// A figure as a fraction of 64-bit integers; the numerator is missing where it does not fit.
fn fraction_of(value: Option<&Value>) -> (Option<i64>, i64) {
    let Some(Value::Number(number)) = value else { return (Some(0), 1) };
    let numerator = i64::try_from(number.numer()).ok().filter(|n| i128::from(*n).abs() <= STATE_LIMIT);
    let divisor = i64::try_from(number.denom()).ok().filter(|n| i128::from(*n) <= STATE_FRACTION_LIMIT);
    match (numerator, divisor) {
        (Some(numerator), Some(divisor)) => (Some(numerator), divisor),
        _ => (None, 1),
    }
}

fn figure(aggregate: &Aggregate, tally: &Tally) -> Option<Value> {
    let whole = |n: u64| Some(Ratio::from_integer(n.into()));
    let value = match aggregate.summary {
        Summary::Count => whole(tally.count),
        Summary::Distinct => whole(tally.different.len() as u64),
        Summary::Sum => Some(tally.sum.clone()),
        Summary::Mean if tally.count == 0 => None,
        Summary::Mean => Some(&tally.sum / Ratio::from_integer(tally.count.into())),
        Summary::Maximum => tally.most.clone(),
        Summary::Minimum => tally.least.clone(),
    };
    let value = value.map(|value| match aggregate.decimals {
        Some(decimals) => round(&value, decimals, RoundingMode::HalfAway),
        None => value,
    });
    value.map(Value::Number)
}

/// The groups on which a control on the whole data does not hold, as `input = value` lists; in the order of their first row.
pub(super) fn failed_groups(program: &Program, control: u32, batch: &Batch, history: &History) -> Vec<String> {
    let by = grouping(program, control);
    let met = history.groupings.by(batch, by);
    failed_rows(program, control, batch, history, &met.firsts).into_iter().map(|(_, name)| name).collect()
}

/// The same for groups given by their first rows, with these.
fn failed_rows(
    program: &Program,
    control: u32,
    batch: &Batch,
    history: &History,
    firsts: &[usize],
) -> Vec<(usize, String)> {
    let ControlKind::Groups { by, years, condition } = &program.controls[control as usize].kind else {
        return Vec::new();
    };
    let mut failed = Vec::new();
    for row in firsts.iter().copied().filter(|row| years.contains(history.years[*row])) {
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
            failed.push((row, key.collect::<Vec<_>>().join(", ")));
        }
    }
    failed
}
