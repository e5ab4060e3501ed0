//! The sums of a comparison, row after row.

use std::collections::BTreeMap;

use polc_compiler::typed::{InputId, Program};

use super::groups::Grouping;
use super::histogram::Histogram;
use crate::io::versions::Part;
use crate::io::write::value_text;

/// Rows shown of those most affected.
const MOST: usize = 20;
/// Errors told one by one; all of them are counted, and in the CSV file.
const ERRORS: usize = 20;

/// Sums over some rows, in the smallest unit of the currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    pub rows: u64,
    pub before: i128,
    pub after: i128,
    pub winners: u64,
    pub won: i128,
    pub losers: u64,
    pub lost: i128,
}

impl Cell {
    fn add(&mut self, before: i128, after: i128) {
        self.rows += 1;
        self.before += before;
        self.after += after;
        let difference = after - before;
        if difference > 0 {
            self.winners += 1;
            self.won += difference;
        } else if difference < 0 {
            self.losers += 1;
            self.lost += difference;
        }
    }

    #[must_use]
    pub fn difference(&self) -> i128 {
        self.after - self.before
    }

    #[must_use]
    pub fn unchanged(&self) -> u64 {
        self.rows - self.winners - self.losers
    }
}

/// What one step from the first version to the last is worth.
#[derive(Clone, Debug, Default)]
pub struct StepSum {
    pub amount: i128,
    pub by_year: BTreeMap<i64, i128>,
    /// Rows on which it makes a difference.
    pub rows: u64,
    /// Rows right under both ends that the version after this step cannot compute: their difference goes to the next step.
    pub in_error: u64,
}

/// One row, with what it is paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its key without the year.
    pub key: Vec<String>,
    pub year: i64,
    pub before: i128,
    pub after: i128,
}

/// A row that one version at least cannot compute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    pub key: Vec<String>,
    pub year: i64,
    /// What the other version pays.
    pub before: Result<i128, String>,
    pub after: Result<i128, String>,
}

/// Rows in error.
#[derive(Clone, Debug, Default)]
pub struct Failures {
    pub before_only: u64,
    pub after_only: u64,
    pub both: u64,
    /// What the version that can compute them pays for the others.
    pub paid_before: i128,
    pub paid_after: i128,
    pub shown: Vec<Failed>,
}

/// All the sums.
#[derive(Clone, Debug)]
pub struct Tally {
    pub total: Cell,
    pub years: BTreeMap<i64, Cell>,
    pub groupings: Vec<Grouping>,
    /// By grouping, then by group and year.
    pub groups: Vec<BTreeMap<(usize, i64), Cell>>,
    pub steps: Vec<StepSum>,
    pub histogram: Histogram,
    /// The largest differences first; of equal ones, the first of the file.
    pub most: Vec<Row>,
    pub failures: Failures,
    unit: i128,
}

/// The rows of a part as they are counted, for who writes them.
pub type Line<'l> = (&'l [String], i64, Result<i128, &'l str>, Result<i128, &'l str>);

/// Who is told each row.
pub type Teller<'t, E> = &'t mut dyn FnMut(Line<'_>) -> Result<(), E>;

impl Tally {
    /// For so many versions; `unit` is how many of the smallest amounts make one unit of the currency.
    #[must_use]
    pub fn new(versions: usize, groupings: Vec<Grouping>, unit: i128) -> Self {
        Self {
            total: Cell::default(),
            years: BTreeMap::new(),
            groups: groupings.iter().map(|_| BTreeMap::new()).collect(),
            groupings,
            steps: vec![StepSum::default(); versions.saturating_sub(1)],
            histogram: Histogram::default(),
            most: Vec::new(),
            failures: Failures::default(),
            unit,
        }
    }

    /// Adds a part, and tells its rows.
    ///
    /// # Errors
    /// Those of the teller.
    pub fn add<E>(&mut self, part: &Part<'_>, mut line: Option<Teller<'_, E>>) -> Result<(), E> {
        let (Some(before), Some(after)) = (part.amounts.first(), part.amounts.last()) else { return Ok(()) };
        let (Some(bad_before), Some(bad_after)) = (part.errors.first(), part.errors.last()) else { return Ok(()) };
        let batch = &part.table.batch;
        let years = |row: usize| batch.year(part.program, row);
        let subjects: Vec<InputId> = part.program.key.iter().copied().filter(|id| *id != part.program.year).collect();
        let key = |row: usize| -> Vec<String> {
            subjects.iter().map(|id| text(part.program, *id, batch.value(part.program, *id, row))).collect()
        };
        for row in 0..batch.rows {
            let year = years(row);
            let ends = [bad_before.get(&row), bad_after.get(&row)];
            if let Some(line) = &mut line {
                let end = |error: Option<&'_ String>, amount: i128| error.map_or(Ok(amount), |why| Err(why.clone()));
                let (first, last) = (end(ends[0], before[row]), end(ends[1], after[row]));
                let first = first.as_ref().map(|amount| *amount).map_err(String::as_str);
                let last = last.as_ref().map(|amount| *amount).map_err(String::as_str);
                line((&key(row), year, first, last))?;
            }
            if ends != [None, None] {
                self.fail(ends, before[row], after[row], || (key(row), year));
                continue;
            }
            self.right(part, row, year);
            let (before, after) = (before[row], after[row]);
            self.rank(before, after, || Row { key: key(row), year, before, after });
        }
        Ok(())
    }

    /// A row that both ends can compute.
    fn right(&mut self, part: &Part<'_>, row: usize, year: i64) {
        let mut value = part.amounts[0][row];
        let (before, after) = (value, part.amounts[part.amounts.len() - 1][row]);
        self.total.add(before, after);
        self.years.entry(year).or_default().add(before, after);
        for (grouping, cells) in self.groupings.iter().zip(&mut self.groups) {
            cells.entry((grouping.group(&part.table.batch, row), year)).or_default().add(before, after);
        }
        self.histogram.add(after - before, self.unit);
        for (rank, step) in self.steps.iter_mut().enumerate() {
            if part.errors[rank + 1].contains_key(&row) {
                step.in_error += 1;
                continue;
            }
            let next = part.amounts[rank + 1][row];
            if next != value {
                step.amount += next - value;
                *step.by_year.entry(year).or_default() += next - value;
                step.rows += 1;
                value = next;
            }
        }
    }

    fn rank(&mut self, before: i128, after: i128, row: impl FnOnce() -> Row) {
        let size = |row: &Row| (row.after - row.before).unsigned_abs();
        let own = (after - before).unsigned_abs();
        if own == 0 || (self.most.len() == MOST && self.most.last().is_some_and(|last| size(last) >= own)) {
            return;
        }
        let place = self.most.partition_point(|other| size(other) >= own);
        self.most.insert(place, row());
        self.most.truncate(MOST);
    }

    fn fail(
        &mut self,
        errors: [Option<&String>; 2],
        before: i128,
        after: i128,
        key: impl FnOnce() -> (Vec<String>, i64),
    ) {
        let failures = &mut self.failures;
        match errors {
            [Some(_), Some(_)] => failures.both += 1,
            [Some(_), None] => {
                failures.before_only += 1;
                failures.paid_after += after;
            }
            _ => {
                failures.after_only += 1;
                failures.paid_before += before;
            }
        }
        if failures.shown.len() < ERRORS {
            let (key, year) = key();
            let end = |error: Option<&String>, amount| error.map_or(Ok(amount), |why| Err(why.clone()));
            failures.shown.push(Failed { key, year, before: end(errors[0], before), after: end(errors[1], after) });
        }
    }
}

fn text(program: &Program, id: InputId, value: Option<polc_compiler::typed::Value>) -> String {
    match value {
        Some(polc_compiler::typed::Value::Text(text)) => text.to_string(),
        Some(value) => value_text(program, &program.input(id).ty, &value, '.'),
        None => String::new(),
    }
}
