//! Several versions of a policy on the same rows, a part of the file at a time: the file is read once (twice where rows read
//! others), every version is computed on each part, and only the amount that each row is paid under each version goes on.
//!
//! Parts follow each other in the order of the file, as [`super::stream`] has them.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;

use num_integer::Integer as _;
use num_traits::ToPrimitive as _;
use polc_compiler::num::{Ratio, power_of_ten};
use polc_compiler::typed::{Control, ControlKind, InputId, Program, QuantityId};

use super::data::{Place, open};
use super::reader::{Ending, Reader};
use super::request::{OtherColumns, Request};
use super::stream::{Merge, Progress, Sizes, StreamError, emptied, gather, joined, smaller, spread};
use super::table::Table;
use super::text::Format;
use super::widen::{Needs, Widened};
use crate::diagnostics as say;
use crate::engine::{DataReach, Engine, EngineMode, Survey};
use crate::needs::{control_inputs, needed_inputs};
use crate::table::{Batch, ColumnData, Denominators, Numbers, ResultColumn, ResultValues, Results, Statistics};

/// A version of a policy, and the payments computed of it.
#[derive(Clone, Debug)]
pub struct Version {
    pub program: Arc<Program>,
    /// Payments, and whether each counts in the amount of a row.
    pub payments: Vec<(QuantityId, bool)>,
}

/// What each version pays on consecutive rows.
#[derive(Debug)]
pub struct Part<'a> {
    /// The program that the table was read for: it has the inputs of all versions.
    pub program: &'a Program,
    pub table: &'a Table,
    /// By version, then by row; zero where the row is in error. In the smallest unit of the currency.
    pub amounts: Vec<Vec<i128>>,
    /// By version, the rows in error, and why.
    pub errors: Vec<BTreeMap<usize, String>>,
}

/// What is known at the end.
#[derive(Debug)]
pub struct Ended {
    pub file: Arc<str>,
    pub format: Format,
    pub rows: usize,
    /// By version, the sum of each of its payments over the rows that are right under the first and the last version.
    pub payments: Vec<Vec<i128>>,
}

/// What is to be done.
pub struct Comparison<'a> {
    pub place: Place<'a>,
    pub versions: &'a [Version],
    pub widened: &'a Widened,
    pub threads: usize,
    /// Rows of a year below which the interpreter is used.
    pub least_rows: usize,
    /// Bytes of memory, more or less.
    pub memory: u64,
    pub progress: &'a (dyn Progress + Sync),
}

/// Brings the inputs of versions together.
///
/// # Errors
/// Versions that do not read one file.
pub fn widened(versions: &[Version]) -> Result<Widened, String> {
    let needs: Vec<Needs<'_>> = versions
        .iter()
        .map(|version| {
            let outputs: Vec<QuantityId> = version.payments.iter().map(|(id, _)| *id).collect();
            let required = needed_inputs(&version.program, &outputs);
            Needs { program: &version.program, required, optional: control_inputs(&version.program) }
        })
        .collect();
    Widened::of(&needs)
}

/// The cells of a number that are not empty, in any order: quartiles are made of them.
///
/// # Errors
/// A header at fault; what stops the reading.
pub fn cells(comparison: &Comparison<'_>, input: InputId) -> Result<Vec<i64>, StreamError> {
    let program = &comparison.widened.program;
    let mut request = Request::new(program, &[]);
    request.required = program.key.iter().copied().chain([input]).collect();
    request.others = OtherColumns::Ignored;
    // Bad rows are told by the comparison itself.
    request.divert = true;
    let sizes = Sizes::within(comparison.memory, program, &request, None);
    let source = open(comparison.place, &request, sizes.text, sizes.piece)?;
    let mut reader = Reader::open(&comparison.place.name(), source, &request)?;
    let mut cells = Vec::new();
    while let Some(table) = reader.next(sizes.rows)? {
        let Some(column) = &table.batch.columns[input.index()] else { continue };
        if let ColumnData::Number(numbers) = &column.data {
            let present = numbers.iter().enumerate().filter(|(row, _)| !column.is_missing(*row));
            cells.extend(present.map(|(_, cell)| cell));
        }
    }
    if reader.bad_header() {
        return Err(StreamError::Data(reader.finish().problems));
    }
    Ok(cells)
}

/// Computes every version on every row; `also` are inputs read for the groups.
///
/// # Errors
/// All that is wrong with the cells of the file; what stops the reading; what `visit` could not write.
pub fn compare(
    comparison: &Comparison<'_>,
    also: &[InputId],
    visit: &mut (dyn FnMut(&Part<'_>) -> io::Result<()> + Send),
) -> Result<Ended, StreamError> {
    let widened = comparison.widened;
    let program = &widened.program;
    let mut request = Request::new(program, &[]);
    request.required = widened.required.iter().chain(also).copied().collect();
    request.optional.clone_from(&widened.optional);
    request.others = OtherColumns::Ignored;
    let mut sizes = Sizes::within(comparison.memory, program, &request, None);
    sizes.piece = sizes.piece.min(usize::try_from(comparison.memory).unwrap_or(usize::MAX)).max(1_024);
    let source = open(comparison.place, &request, sizes.text, sizes.piece)?;
    let mut reader = Reader::open(&comparison.place.name(), source, &request)?;
    let first = reader.next(sizes.rows)?;
    let whole = reader.has_ended();
    let rows = first.as_ref().filter(|_| whole).map(|table| table.batch.rows);
    let engines = comparison.versions.iter().map(|version| engine(version, comparison, rows)).collect();
    let mut run = Run {
        comparison,
        engines,
        visit,
        rows: 0,
        payments: comparison.versions.iter().map(|version| vec![0; version.payments.len()]).collect(),
    };
    if reader.bad_header() {
        while reader.next(sizes.rows)?.is_some() {}
        return Err(StreamError::Data(reader.finish().problems));
    }
    let ending = if whole {
        if let Some(table) = &first {
            let computed = run.compute(&table.batch, None)?;
            if !reader.has_problems() {
                run.give(table, computed)?;
            }
        }
        reader.finish()
    } else {
        let reach = first.as_ref().map_or(DataReach::Row, |table| run.reach(&table.batch));
        if reach == DataReach::Row {
            run.by_parts(reader, first, sizes.rows)?
        } else {
            run.by_history(reader, first, (reach, also), &request, sizes)?
        }
    };
    let Ending { mut problems, format, .. } = ending;
    if !problems.is_empty() {
        problems.sort();
        return Err(StreamError::Data(problems));
    }
    Ok(Ended { file: comparison.place.name(), format, rows: run.rows, payments: run.payments })
}

/// Whether a control decides if a row has amounts: those that refuse rows do.
#[must_use]
pub fn decides(control: &Control) -> bool {
    matches!(control.kind, ControlKind::Row { blocking: true, .. })
}

/// The engine of a version, without the controls that only tell; `rows` are those of a file that is one part. Kernels of the
/// aggregates are compiled whatever the rows of a year: of a small file the interpreter does everything.
fn engine(version: &Version, comparison: &Comparison<'_>, rows: Option<usize>) -> Engine {
    /// Years of rows that a file has, more or less.
    const YEARS: usize = 8;
    let mut program = version.program.clone();
    if !program.controls.iter().all(decides) {
        Arc::make_mut(&mut program).controls.retain(decides);
    }
    let outputs = version.payments.iter().map(|(id, _)| *id).collect();
    let small = rows.is_some_and(|rows| rows < YEARS * comparison.least_rows);
    let mode = if small { EngineMode::Reference } else { EngineMode::Compiled };
    let least_rows = if rows.is_some() { comparison.least_rows } else { 0 };
    Engine::new(program, outputs, mode, comparison.threads).compiling_from(least_rows)
}

struct Run<'a, 'v> {
    comparison: &'a Comparison<'a>,
    engines: Vec<Engine>,
    visit: &'v mut (dyn FnMut(&Part<'_>) -> io::Result<()> + Send),
    rows: usize,
    payments: Vec<Vec<i128>>,
}

/// The amounts of a batch by version, and the rows in error.
struct Computed {
    amounts: Vec<Vec<i128>>,
    errors: Vec<BTreeMap<usize, String>>,
}

impl Run<'_, '_> {
    fn reach(&self, batch: &Batch) -> DataReach {
        let versions = self.comparison.versions.iter().enumerate();
        let reaches = versions.map(|(rank, version)| {
            let seen = self.comparison.widened.seen(rank, &version.program, &batch_like(batch));
            self.engines[rank].reach(&seen.batch)
        });
        let rank = |reach: &DataReach| match reach {
            DataReach::Row => 0,
            DataReach::Earlier => 1,
            DataReach::All => 2,
        };
        reaches.max_by_key(rank).unwrap_or(DataReach::Row)
    }

    /// Every version on a batch: by itself, or as a part of the whole with these ranks.
    fn compute(&mut self, batch: &Batch, part: Option<(&[u64], &[Survey])>) -> Result<Computed, StreamError> {
        let comparison = self.comparison;
        let progress = comparison.progress;
        progress.found(batch.rows);
        // A row is done once every version has it: each computation is a share of it.
        let (computed_rows, versions) = (AtomicUsize::new(0), comparison.versions.len());
        let done = |rows: usize| {
            let before = computed_rows.fetch_add(rows, Ordering::Relaxed);
            progress.done((before + rows) / versions - before / versions);
        };
        let mut computed = Computed { amounts: Vec::new(), errors: Vec::new() };
        let mut sums: Vec<Vec<ResultColumn>> = Vec::new();
        for (rank, version) in comparison.versions.iter().enumerate() {
            let seen = comparison.widened.seen(rank, &version.program, batch);
            let results = match part {
                None => self.engines[rank].evaluate(&seen.batch, &done),
                Some((ranks, surveys)) => {
                    let kept: Vec<u64>;
                    let ranks = match &seen.rows {
                        None => ranks,
                        Some(rows) => {
                            kept = rows.iter().map(|row| ranks[*row]).collect();
                            &kept
                        }
                    };
                    self.engines[rank].evaluate_part(&seen.batch, ranks, &surveys[rank], &done).0
                }
            };
            done(seen.errors.len());
            let place = |row: usize| seen.rows.as_ref().map_or(row, |rows| rows[row]);
            let mut errors = seen.errors.clone();
            errors.extend(
                results.errors.iter().map(|e| (place(e.row), crate::say::row_error(&version.program, &e.kind))),
            );
            let unit = unit(&version.program);
            let mut amounts = vec![0i128; batch.rows];
            for ((_, counts), column) in version.payments.iter().zip(&results.columns) {
                if *counts {
                    add(&mut amounts, column, unit, place).ok_or_else(|| too_large(comparison))?;
                }
            }
            computed.amounts.push(amounts);
            computed.errors.push(errors);
            sums.push(if seen.rows.is_none() {
                results.columns
            } else {
                scattered(&results.columns, &seen, batch.rows)
            });
        }
        let ends = [computed.errors.first(), computed.errors.last()];
        let right = |row: usize| ends.iter().flatten().all(|errors| !errors.contains_key(&row));
        for ((version, columns), totals) in comparison.versions.iter().zip(&sums).zip(&mut self.payments) {
            let unit = unit(&version.program);
            for (column, total) in columns.iter().zip(totals) {
                for row in (0..batch.rows).filter(|row| column.present[*row] && right(*row)) {
                    let sum = amount(column, row, unit).and_then(|amount| total.checked_add(amount));
                    *total = sum.ok_or_else(|| too_large(comparison))?;
                }
            }
        }
        Ok(computed)
    }

    fn give(&mut self, table: &Table, computed: Computed) -> Result<(), StreamError> {
        self.rows += table.batch.rows;
        let program = &self.comparison.widened.program;
        let part = Part { program, table, amounts: computed.amounts, errors: computed.errors };
        (self.visit)(&part).map_err(StreamError::Output)
    }

    /// Each part by itself, the next one read meanwhile.
    fn by_parts(&mut self, mut reader: Reader<'_>, first: Option<Table>, rows: usize) -> Result<Ending, StreamError> {
        let reader = std::thread::scope(|scope| {
            let (send, tables) = sync_channel::<Table>(1);
            let reading = scope.spawn(move || {
                let mut next = first;
                while let Some(table) = next {
                    // Nobody takes it: something else failed, and says so.
                    if send.send(table).is_err() {
                        break;
                    }
                    next = reader.next(rows)?;
                }
                Ok::<Reader<'_>, Box<say::DataProblem>>(reader)
            });
            let mut failed = None;
            for table in tables {
                let given = self.compute(&table.batch, None).and_then(|computed| self.give(&table, computed));
                if let Err(error) = given {
                    failed = Some(error);
                    break;
                }
            }
            let read = joined(reading);
            match failed {
                Some(error) => Err(error),
                None => read.map_err(StreamError::from),
            }
        })?;
        Ok(reader.finish())
    }

    /// Whole histories at a time, then the rows again in the order of the file.
    fn by_history(
        &mut self,
        mut reader: Reader<'_>,
        first: Option<Table>,
        (reach, also): (DataReach, &[InputId]),
        request: &Request<'_>,
        sizes: Sizes,
    ) -> Result<Ending, StreamError> {
        let comparison = self.comparison;
        let program = request.program;
        let like = first.as_ref().map_or(Batch { rows: 0, columns: Vec::new() }, |table| batch_like(&table.batch));
        let parts = spread(program, sizes, &mut reader, first).map_err(|error| error.either(StreamError::Spill))?;
        let again = reader.again_for(also)?;
        let ending = reader.finish();
        // Where rows are at fault, nothing is compared.
        let Some(mut again) = again else { return Ok(ending) };
        let mut parts = smaller(program, sizes, parts, &like).map_err(StreamError::Spill)?;
        let seen =
            |rank: usize, batch: &Batch| comparison.widened.seen(rank, &comparison.versions[rank].program, batch);
        let mut surveys: Vec<Survey> =
            self.engines.iter().enumerate().map(|(rank, engine)| engine.survey(&seen(rank, &like).batch)).collect();
        if reach == DataReach::All {
            let mut left = parts.iter_mut();
            while let Some((ranks, batch)) = gather(&mut left, sizes, program, &like).map_err(StreamError::Spill)? {
                for (rank, survey) in surveys.iter_mut().enumerate() {
                    let seen = seen(rank, &batch);
                    let kept = seen.rows.map(|rows| rows.iter().map(|row| ranks[*row]).collect::<Vec<_>>());
                    survey.add(&seen.batch, kept.as_deref().unwrap_or(&ranks));
                }
            }
        }
        let mut merge = Merge::new(sizes, parts.len()).map_err(StreamError::Spill)?;
        let mut errors: Vec<BTreeMap<u64, String>> = vec![BTreeMap::new(); comparison.versions.len()];
        let mut left = parts.iter_mut();
        while let Some((ranks, batch)) = gather(&mut left, sizes, program, &like).map_err(StreamError::Spill)? {
            let computed = self.compute(&batch, Some((&ranks, &surveys)))?;
            for (all, own) in errors.iter_mut().zip(computed.errors) {
                all.extend(own.into_iter().map(|(row, why)| (ranks[row], why)));
            }
            merge.add(&ranks, waiting(computed.amounts)).map_err(StreamError::Spill)?;
        }
        drop(parts);
        let mut before = 0u64;
        while let Some(table) = again.next(sizes.rows)? {
            let results = merge.next(before, table.batch.rows).map_err(StreamError::Spill)?;
            let after = before + table.batch.rows as u64;
            let own = |all: &BTreeMap<u64, String>| {
                let here = all.range(before..after);
                here.map(|(rank, why)| ((rank - before) as usize, why.clone())).collect::<BTreeMap<_, _>>()
            };
            let computed = Computed {
                amounts: results.columns.into_iter().map(|column| amounts_of(&column)).collect(),
                errors: errors.iter().map(own).collect(),
            };
            before = after;
            self.give(&table, computed)?;
        }
        if before != merge.rows() {
            // Somebody wrote to the file meanwhile.
            return Err(say::changed_meanwhile(&comparison.place.name()).into());
        }
        Ok(ending)
    }
}

/// The columns of a batch, without rows.
fn batch_like(batch: &Batch) -> Batch {
    Batch { rows: 0, columns: batch.columns.iter().map(|column| column.as_ref().map(emptied)).collect() }
}

/// How many of the smallest amounts payable make one unit of the currency.
fn unit(program: &Program) -> i128 {
    power_of_ten(program.currency.decimals).to_i128().unwrap_or(1)
}

fn too_large(comparison: &Comparison<'_>) -> StreamError {
    say::amounts_too_large(&comparison.place.name()).into()
}

/// A payment of a row in the smallest unit of the currency; `None` beyond what 128 bits hold.
fn amount(column: &ResultColumn, row: usize, unit: i128) -> Option<i128> {
    let ResultValues::Number(numbers) = &column.values else { return Some(0) };
    if let Some((numerator, denominator)) = numbers.small(row) {
        let (times, rest) = unit.div_rem(&denominator.into());
        if rest == 0 {
            return i128::from(numerator).checked_mul(times);
        }
    }
    let scaled = numbers.value(row) * Ratio::from_integer(unit.into());
    if scaled.is_integer() { scaled.to_integer().to_i128() } else { None }
}

/// Adds a payment to the amounts of the rows where it applies.
fn add(amounts: &mut [i128], column: &ResultColumn, unit: i128, place: impl Fn(usize) -> usize) -> Option<()> {
    for row in (0..column.present.len()).filter(|row| column.present[*row]) {
        let sum = &mut amounts[place(row)];
        *sum = sum.checked_add(amount(column, row, unit)?)?;
    }
    Some(())
}

/// The results of the rows kept, at their places among all.
fn scattered(columns: &[ResultColumn], seen: &super::widen::Seen, rows: usize) -> Vec<ResultColumn> {
    let Some(kept) = &seen.rows else { return columns.to_vec() };
    let scatter = |column: &ResultColumn| {
        let mut all = super::stream::blank(column, rows);
        super::stream::copy(&mut all, kept, column, 0);
        all
    };
    columns.iter().map(scatter).collect()
}

/// Amounts as results that can wait on disk.
fn waiting(amounts: Vec<Vec<i128>>) -> Results {
    let column = |amounts: Vec<i128>| {
        let mut large = BTreeMap::new();
        let small = amounts.iter().enumerate().map(|(row, amount)| {
            i64::try_from(*amount).unwrap_or_else(|_| {
                large.insert(row, Ratio::from_integer((*amount).into()));
                0
            })
        });
        let numerators = small.collect();
        let numbers = Numbers { numerators, denominators: Denominators::Constant(1), large };
        ResultColumn { present: vec![true; amounts.len()], values: ResultValues::Number(numbers) }
    };
    Results {
        columns: amounts.into_iter().map(column).collect(),
        errors: Vec::new(),
        statistics: Statistics::default(),
    }
}

/// The same amounts, back.
fn amounts_of(column: &ResultColumn) -> Vec<i128> {
    let ResultValues::Number(numbers) = &column.values else { return Vec::new() };
    let amount = |row| match numbers.small(row) {
        Some((amount, _)) => i128::from(amount),
        None => numbers.value(row).to_integer().to_i128().unwrap_or(0),
    };
    (0..column.present.len()).map(amount).collect()
}
