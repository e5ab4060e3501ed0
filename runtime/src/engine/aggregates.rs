//! The first pass: figures of the whole data set, one for each group of rows, that the second pass reads.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use polc_compiler::num::{Ratio, RoundingMode, integer, round};
use polc_compiler::typed::{Aggregate, ControlKind, InputId, Program, QuantityId, Value};
use polc_dsl::ast::Summary;

use super::reference::BatchRow;
use super::{Engine, EngineMode, History, reachable};
use crate::interp::{Evaluation, Silent};
use crate::table::{Batch, Results};

/// Rows from which the figures of data are added up by compiled code.
const COMPILED_FROM: usize = 256;

/// What rows read of their groups.
#[derive(Clone, Debug, Default)]
pub struct Aggregates {
    figures: BTreeMap<QuantityId, Figures>,
    /// Where the data were not read for figures: whether one was asked for.
    asked: Option<Arc<AtomicBool>>,
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

    /// The figures of whole data that some outputs depend on, as some of its rows read them.
    #[must_use]
    pub fn read(program: &Arc<Program>, outputs: &[QuantityId], whole: &Batch, rows: &Batch) -> Self {
        // Both give the same; compiling takes longer than computing a few rows.
        let mode = if whole.rows < COMPILED_FROM { EngineMode::Reference } else { EngineMode::Compiled };
        let mut survey = Survey::of(program, outputs, &[], mode, 0);
        survey.add(whole, &[]);
        survey.aggregates(rows)
    }

    /// Computes the figures that the roots depend on.
    pub(super) fn of(
        program: &Arc<Program>,
        roots: &[QuantityId],
        batch: &Batch,
        mode: EngineMode,
        threads: usize,
    ) -> Self {
        let mut survey = Survey::of(program, roots, &[], mode, threads);
        survey.add(batch, &[]);
        survey.aggregates(batch)
    }
}

/// What rows read of all the others, added up a part of the data after the other. The parts hold whole histories; they take
/// memory for each group, and for each different value that is counted.
#[derive(Debug)]
pub struct Survey {
    program: Arc<Program>,
    /// Computes what each row brings.
    engine: Option<Engine>,
    /// Ranks among the aggregates of the policy.
    wanted: Vec<usize>,
    groups: Vec<Groups>,
    /// For each control on groups, the first row of each.
    controls: Vec<(u32, HashMap<Vec<Value>, u64>)>,
}

/// The groups met so far, by the values of their inputs.
#[derive(Debug, Default)]
struct Groups {
    known: HashMap<Vec<Value>, u32>,
    tallies: Vec<Tally>,
}

impl Survey {
    /// Of the figures that the roots depend on, and of these controls.
    pub(super) fn of(
        program: &Arc<Program>,
        roots: &[QuantityId],
        controls: &[u32],
        mode: EngineMode,
        threads: usize,
    ) -> Self {
        let needed: BTreeSet<QuantityId> =
            reachable(program, roots).into_iter().filter(|id| program.aggregate(*id).is_some()).collect();
        let all = program.aggregates.iter().enumerate();
        let wanted: Vec<usize> =
            all.filter(|(_, aggregate)| needed.contains(&aggregate.quantity)).map(|(rank, _)| rank).collect();
        let outputs: Vec<QuantityId> = wanted.iter().map(|rank| program.aggregates[*rank].of).collect();
        let engine = (!outputs.is_empty()).then(|| Engine::new(Arc::clone(program), outputs, mode, threads));
        let groups = wanted.iter().map(|_| Groups::default()).collect();
        let controls = controls.iter().map(|control| (*control, HashMap::new())).collect();
        Self { program: Arc::clone(program), engine, wanted, groups, controls }
    }

    /// Adds rows; `ranks` are those in the whole data, which tell what row of a group comes first.
    pub fn add(&mut self, batch: &Batch, ranks: &[u64]) {
        let program = &*self.program;
        for (control, firsts) in &mut self.controls {
            for (row, rank) in ranks.iter().enumerate() {
                if let Some(key) = group(program, grouping(program, *control), batch, row) {
                    let first = firsts.entry(key).or_insert(*rank);
                    *first = (*first).min(*rank);
                }
            }
        }
        let Some(engine) = &self.engine else { return };
        let results = engine.second_pass(batch, &History::of(program, batch), &[], &|_| {});
        for (position, (rank, groups)) in self.wanted.iter().zip(&mut self.groups).enumerate() {
            groups.add(program, &program.aggregates[*rank], batch, &results, position);
        }
    }

    /// What the rows of a part read, once all the parts are added.
    pub(super) fn aggregates(&self, batch: &Batch) -> Aggregates {
        let figures = self.wanted.iter().zip(&self.groups).map(|(rank, groups)| {
            let aggregate = &self.program.aggregates[*rank];
            (aggregate.quantity, groups.figures(&self.program, aggregate, batch))
        });
        Aggregates { figures: figures.collect(), asked: None }
    }

    /// The controls on groups that do not hold, with the rank of the first row of the group and its name: those whose first row
    /// is in this part.
    pub(super) fn failed(&self, batch: &Batch, ranks: &[u64], history: &History) -> Vec<(u32, u64, String)> {
        let program = &*self.program;
        let mut failed = Vec::new();
        for (control, firsts) in &self.controls {
            let by = grouping(program, *control);
            let first =
                |row: &usize| group(program, by, batch, *row).is_some_and(|key| firsts.get(&key) == Some(&ranks[*row]));
            let rows: Vec<usize> = (0..batch.rows).filter(first).collect();
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
fn group(program: &Program, by: &[InputId], batch: &Batch, row: usize) -> Option<Vec<Value>> {
    by.iter().map(|id| batch.value(program, *id, row)).collect()
}

/// One group as its rows are added up.
#[derive(Clone, Debug, Default)]
struct Tally {
    count: u64,
    sum: Ratio,
    least: Option<Ratio>,
    most: Option<Ratio>,
    different: BTreeSet<String>,
}

impl Groups {
    fn add(&mut self, program: &Program, aggregate: &Aggregate, batch: &Batch, results: &Results, rank: usize) {
        for row in 0..batch.rows {
            let Some(key) = group(program, &aggregate.by, batch, row) else { continue };
            let next = self.tallies.len() as u32;
            let group = *self.known.entry(key).or_insert(next);
            if group == next {
                self.tallies.push(Tally::default());
            }
            let Some(Value::Number(value)) = results.columns[rank].value(row) else { continue };
            let tally = &mut self.tallies[group as usize];
            tally.count += 1;
            match aggregate.summary {
                Summary::Count => {}
                Summary::Sum | Summary::Mean => tally.sum += value,
                Summary::Maximum => {
                    tally.most = Some(tally.most.take().map_or(value.clone(), |known| known.max(value)));
                }
                Summary::Minimum => {
                    tally.least = Some(tally.least.take().map_or(value.clone(), |known| known.min(value)));
                }
                Summary::Distinct => {
                    if let Some(value) = aggregate.distinct.and_then(|id| batch.value(program, id, row)) {
                        tally.different.insert(format!("{value:?}"));
                    }
                }
            }
        }
    }

    /// The figures of the groups of these rows.
    fn figures(&self, program: &Program, aggregate: &Aggregate, batch: &Batch) -> Figures {
        // A part may have few of the groups.
        let mut values = Vec::new();
        let mut ranks: HashMap<u32, u32> = HashMap::new();
        let groups = (0..batch.rows).map(|row| {
            let group = *self.known.get(&group(program, &aggregate.by, batch, row)?)?;
            Some(*ranks.entry(group).or_insert_with(|| {
                values.push(figure(aggregate, &self.tallies[group as usize]));
                values.len() as u32 - 1
            }))
        });
        let groups = groups.collect();
        let zero = matches!(aggregate.summary, Summary::Count | Summary::Sum | Summary::Distinct);
        Figures { values, groups, alone: zero.then(|| Value::Number(integer(0))) }
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
    let mut seen: HashSet<Vec<Value>> = HashSet::new();
    let mut first = |row: &usize| group(program, by, batch, *row).is_some_and(|key| seen.insert(key));
    let firsts: Vec<usize> = (0..batch.rows).filter(|row| first(row)).collect();
    failed_rows(program, control, batch, history, &firsts).into_iter().map(|(_, name)| name).collect()
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
