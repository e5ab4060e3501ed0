//! Files of any size: read, computed and written a part at a time.
//!
//! - Where a row reads no other, parts go through a pipe: one is read while another is computed and a third is written.
//! - Where rows read those of earlier years, a first reading spreads them over files on disk by their key without the year,
//!   so that each of these holds whole histories. As many as make a part are computed together, their results wait on disk, and
//!   a second reading of the data, for its key alone where no row is at fault, writes them in its order.
//! - Where they read figures of the whole data, or controls look at it, these are added up over the same files before.
//!
//! What stands in memory: a few parts, or one of these files; the keys of all the rows (see [`super::keys`]); the groups of the
//! aggregates; the rows in error and those put aside. No byte of the output
//! depends on the size of the parts.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use polc_compiler::num::Ratio;
use polc_compiler::typed::{Program, QuantityId, QuantityKind};
use rayon::prelude::*;

use super::data::{Place, open};
use super::detail::DetailWriter;
use super::output::Output;
use super::reader::{Ending, Reader};
use super::request::Request;
use super::spill::{Heap, Spill, put_results, put_rows, take_results, take_rows};
use super::table::{Refusal, Reject, Table};
use super::text::{FileKind, Format};
use super::write::{rejected_rows, rejects_header};
use super::writer::{WriteError, Writer};
use crate::diagnostics::{DataProblem, Problems, SHOWN_PROBLEMS};
use crate::engine::{DataReach, Engine};
use crate::explain::Lines;
use crate::table::{
    Batch, Column, Denominators, Integers, Numbers, ResultColumn, ResultValues, Results, RowError, RowErrorKind,
    Statistics,
};
use crate::totals::total;

/// How much is done at a time.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Rows of a file that is one part.
    pub whole: usize,
    /// Rows of a part of a longer file, of which some stand in memory together.
    pub rows: usize,
    /// Bytes of a text that is read whole.
    pub text: u64,
    /// Bytes of text decoded by one thread at a time.
    pub piece: usize,
    /// Files over which rows are spread.
    pub partitions: usize,
}

impl Sizes {
    /// For so many bytes of memory, more or less: the parts that are read, computed and written at one moment, but for the keys.
    #[must_use]
    pub fn within(memory: u64, program: &Program, request: &Request<'_>, lines: Option<&Lines>) -> Self {
        // A cell takes some 3 bytes, as much in the order of years, and its text; a result up to 17, and what waits to be written.
        const INPUT: u64 = 8;
        const OUTPUT: u64 = 20;
        const ROW: u64 = 256;
        const PARTS: u64 = 6;
        let inputs = program.inputs.len() as u64;
        let outputs = request.outputs.len() + lines.map_or(0, |lines| lines.lines.len());
        let row = ROW + INPUT * inputs + OUTPUT * outputs as u64;
        let rows = |bytes: u64| usize::try_from(bytes / row).unwrap_or(usize::MAX).max(1_024);
        Self {
            whole: rows(memory),
            rows: rows(memory / PARTS),
            text: memory / PARTS,
            piece: super::pieces::PIECE,
            partitions: 64,
        }
    }

    /// Everything at once.
    pub const WHOLE: Self =
        Self { whole: usize::MAX, rows: usize::MAX, text: u64::MAX, piece: super::pieces::PIECE, partitions: 1 };
}

/// What is to be done.
pub struct Job<'a> {
    pub place: Place<'a>,
    pub request: &'a Request<'a>,
    pub engine: Engine,
    /// Format of the results.
    pub kind: FileKind,
    /// The lines to write besides, and their format. The engine computes their quantities after the outputs.
    pub detail: Option<(&'a Lines, FileKind)>,
    pub sizes: Sizes,
    /// Told the rows of each part before it is computed, then how many more are done.
    pub progress: &'a (dyn Progress + Sync),
}

/// Who watches the work.
pub trait Progress {
    /// So many more rows are known of.
    fn found(&self, _rows: usize) {}
    /// So many more rows are computed.
    fn done(&self, _rows: usize) {}
}

impl Progress for () {}

/// What became of the rows.
#[derive(Debug)]
pub struct Report {
    pub file: Arc<str>,
    pub format: Format,
    /// Rows of the file, good and bad.
    pub read: usize,
    pub rejected: usize,
    /// Good rows whose key had a row the year before that was put aside.
    pub orphans: usize,
    /// Of each output, the sum if it is a payment.
    pub totals: Vec<Option<Ratio>>,
    pub statistics: Statistics,
}

/// Why there are no results.
#[derive(Debug)]
pub enum StreamError {
    /// The data is at fault, or the results are too large for their format.
    Data(Problems),
    Output(io::Error),
    Detail(io::Error),
    Rejects(io::Error),
    /// Temporary files could not be written or read.
    Spill(io::Error),
}

impl From<DataProblem> for StreamError {
    fn from(problem: DataProblem) -> Self {
        Self::Data(problem.into())
    }
}

impl From<Box<DataProblem>> for StreamError {
    fn from(problem: Box<DataProblem>) -> Self {
        (*problem).into()
    }
}

impl From<Refusal> for StreamError {
    fn from(refusal: Refusal) -> Self {
        Self::Data(refusal.problems)
    }
}

/// Where results and bad rows go. Nothing of them is to be shown before all of it is there.
#[derive(Debug)]
pub struct Outputs {
    pub results: Output,
    pub detail: Option<Output>,
    pub rejects: Option<Output>,
}

/// Evaluates a file, and gives the outputs back, complete.
///
/// # Errors
/// All that is wrong with the file and its rows, up to the limit of the request, unless bad rows are put aside; what stops the
/// reading or the writing.
pub fn evaluate(mut job: Job<'_>, outputs: Outputs) -> Result<(Report, Outputs), StreamError> {
    let source = open(job.place, job.request, job.sizes.text, job.sizes.piece)?;
    let mut reader = Reader::open(&job.place.name(), source, job.request)?;
    let first = reader.next(job.sizes.whole)?;
    let mut sink = Sink::new(&job, outputs);
    if reader.has_ended() {
        if let Some(table) = first
            && !reader.bad_header()
        {
            sink.format = Some(reader.format());
            let results = compute(&job, &table.batch);
            sink.take(&table, &results)?;
        }
        return sink.finish(reader.finish());
    }
    sink.hold().map_err(StreamError::Spill)?;
    // Few rows of a year in one part are many in all of them.
    job.engine = job.engine.compiling_from(0);
    let format = reader.format();
    // The results have a decimal comma if some number of the data has one: it may be the last.
    let ambiguous = job.kind == FileKind::Csv && format.kind == FileKind::Csv && format.separator != b',';
    let comma = ambiguous && !reader.bad_header() && (format.decimal_comma || reader.has_decimal_comma()?);
    sink.format = Some(Format { decimal_comma: comma, ..format });
    let reach = first.as_ref().map(|table| job.engine.reach(&table.batch));
    // Where the header is at fault, nothing is computed.
    let reach = reach.filter(|_| !reader.bad_header()).unwrap_or(DataReach::Row);
    if reach == DataReach::Row {
        by_parts(&job, reader, first, sink)
    } else {
        by_history(&job, reader, first, reach, sink)
    }
}

fn compute(job: &Job<'_>, batch: &Batch) -> Results {
    job.progress.found(batch.rows);
    job.engine.evaluate(batch, &|rows| job.progress.done(rows))
}

/// Takes, works and gives, each on a thread of its own, in order: what comes first stops all three.
fn pipeline<A: Send, B: Send>(
    mut take: impl FnMut() -> Result<Option<A>, StreamError> + Send,
    mut work: impl FnMut(A) -> Result<Option<B>, StreamError>,
    mut give: impl FnMut(B) -> Result<(), StreamError> + Send,
) -> Result<(), StreamError> {
    std::thread::scope(|scope| {
        let (send_taken, taken) = sync_channel::<A>(1);
        let (send_done, done) = sync_channel::<B>(1);
        let taking = scope.spawn(move || {
            while let Some(next) = take()? {
                // Nobody takes it: something else failed, and says so.
                if send_taken.send(next).is_err() {
                    break;
                }
            }
            Ok(())
        });
        let giving = scope.spawn(move || done.into_iter().try_for_each(&mut give));
        let working = move || {
            for next in taken {
                // What is given stops the work when it fails.
                if let Some(done) = work(next)?
                    && send_done.send(done).is_err()
                {
                    break;
                }
            }
            Ok(())
        };
        // Once that ends, so do the threads that wait for it.
        let worked = working();
        let (taking, giving) = (joined(taking), joined(giving));
        taking.and(worked).and(giving)
    })
}

/// Each part by itself; reading, computing and writing overlap.
fn by_parts(
    job: &Job<'_>,
    mut reader: Reader<'_>,
    mut first: Option<Table>,
    mut sink: Sink<'_>,
) -> Result<(Report, Outputs), StreamError> {
    let compute_rows = !reader.bad_header();
    pipeline(
        || match first.take() {
            Some(table) => Ok(Some(table)),
            None => Ok(reader.next(job.sizes.rows)?),
        },
        |table| {
            Ok(compute_rows.then(|| {
                let results = compute(job, &table.batch);
                (table, results)
            }))
        },
        |(table, results)| sink.take(&table, &results),
    )?;
    sink.finish(reader.finish())
}

/// A panic of one thread is one of the program.
pub(super) fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Whole histories at a time.
fn by_history(
    job: &Job<'_>,
    mut reader: Reader<'_>,
    first: Option<Table>,
    reach: DataReach,
    mut sink: Sink<'_>,
) -> Result<(Report, Outputs), StreamError> {
    let program = job.request.program;
    // The columns that the parts have, without rows.
    let like = Batch {
        rows: 0,
        columns: first
            .iter()
            .flat_map(|table| &table.batch.columns)
            .map(|column| column.as_ref().map(emptied))
            .collect(),
    };
    let mut parts = spread(program, job.sizes, &mut reader, first).map_err(|error| error.either(StreamError::Spill))?;
    // The lines of a decomposition read the inputs.
    let for_keys = if job.detail.is_none() { reader.again_for(&[])? } else { None };
    let again = reader.again()?;
    let ending = reader.finish();
    parts = smaller(program, job.sizes, parts, &like).map_err(StreamError::Spill)?;
    let mut survey = job.engine.survey(&like);
    if reach == DataReach::All {
        let mut waiting = parts.iter_mut();
        pipeline(
            || gather(&mut waiting, job.sizes, program, &like).map_err(StreamError::Spill),
            |(ranks, batch): (Vec<u64>, Batch)| {
                survey.add(&batch, &ranks);
                Ok(None::<()>)
            },
            |()| Ok(()),
        )?;
    }
    let mut merge = Merge::new(job.sizes, parts.len()).map_err(StreamError::Spill)?;
    let mut groups = Vec::new();
    let mut waiting = parts.iter_mut();
    pipeline(
        || gather(&mut waiting, job.sizes, program, &like).map_err(StreamError::Spill),
        |(ranks, batch): (Vec<u64>, Batch)| {
            job.progress.found(batch.rows);
            let (results, failed) = job.engine.evaluate_part(&batch, &ranks, &survey, &|rows| job.progress.done(rows));
            groups.extend(failed);
            Ok(Some((ranks, results)))
        },
        |(ranks, results)| merge.add(&ranks, results).map_err(StreamError::Spill),
    )?;
    drop(parts);
    // What is said of a row in error depends on its cells.
    let mut reader = for_keys.filter(|_| merge.errors.is_empty()).unwrap_or(again);
    let mut before = 0;
    pipeline(
        || Ok(reader.next(job.sizes.rows)?),
        |table: Table| {
            let results = merge.next(before, table.batch.rows).map_err(StreamError::Spill)?;
            before += table.batch.rows as u64;
            Ok(Some((table, results)))
        },
        |(table, results)| sink.take(&table, &results),
    )?;
    if before != merge.rows {
        // Somebody wrote to the file meanwhile.
        return Err(crate::diagnostics::changed_meanwhile(&job.place.name()).into());
    }
    sink.add_statistics(&merge.statistics);
    sink.add_groups(groups);
    // The second reading found the same problems.
    sink.finish(ending)
}

pub(super) fn emptied(column: &Column) -> Column {
    column.select(&[])
}

/// An error of the data, or of the files that it is spread over.
pub(super) enum Either {
    Data(Box<DataProblem>),
    Io(io::Error),
}

impl Either {
    pub(super) fn either(self, io: impl FnOnce(io::Error) -> StreamError) -> StreamError {
        match self {
            Self::Data(problem) => problem.into(),
            Self::Io(error) => io(error),
        }
    }
}

/// Rows that wait in a file: all those of some keys without the year.
pub(super) struct Part {
    rows: Spill,
    count: usize,
    /// How many times its keys were told apart.
    depth: u64,
}

/// Rows spread at a time, and frames of theirs that a thread makes before they are written.
const SPREAD: usize = 65_536;
const FRAMES: usize = 4;

/// Files over which rows are spread.
struct Spread<'a> {
    program: &'a Program,
    parts: Vec<Part>,
}

impl<'a> Spread<'a> {
    fn new(program: &'a Program, heap: &Heap, count: usize, depth: u64) -> Self {
        let part = |_| Part { rows: heap.spill(), count: 0, depth };
        Self { program, parts: (0..count.max(1)).map(part).collect() }
    }

    fn add(&mut self, batch: &Batch, ranks: &[u64]) -> io::Result<()> {
        // Some at a time, so that their cells stay in the caches.
        (0..batch.rows).step_by(SPREAD).try_for_each(|start| self.add_some(batch, ranks, start))
    }

    fn add_some(&mut self, batch: &Batch, ranks: &[u64], start: usize) -> io::Result<()> {
        let count = self.parts.len();
        let depth = self.parts.first().map_or(0, |part| part.depth);
        let part = |row: usize| (subject_hash(self.program, batch, row, depth) % count as u64) as usize;
        let of: Vec<usize> = (start..batch.rows.min(start + SPREAD)).into_par_iter().map(part).collect();
        let mut rows: Vec<Vec<usize>> = vec![Vec::new(); count];
        of.into_iter().zip(start..).for_each(|(part, row)| rows[part].push(row));
        // Written one after the other, so that few of them stand in memory.
        let wave = FRAMES * rayon::current_num_threads();
        for (parts, rows) in self.parts.chunks_mut(wave).zip(rows.chunks(wave)) {
            let frames = rows.par_iter().map(|rows| {
                let ranks: Vec<u64> = rows.iter().map(|row| ranks[*row]).collect();
                let mut frame = Vec::new();
                put_rows(&mut frame, &ranks, batch, rows);
                frame
            });
            let frames: Vec<Vec<u8>> = frames.collect();
            for ((part, rows), frame) in
                parts.iter_mut().zip(rows).zip(frames).filter(|((_, rows), _)| !rows.is_empty())
            {
                part.rows.write(&frame)?;
                part.count += rows.len();
            }
        }
        Ok(())
    }
}

/// Spreads the good rows over files: those of one key without the year go to the same.
pub(super) fn spread(
    program: &Program,
    sizes: Sizes,
    reader: &mut Reader<'_>,
    first: Option<Table>,
) -> Result<Vec<Part>, Either> {
    let heap = Heap::new().map_err(Either::Io)?;
    let mut spread = Spread::new(program, &heap, sizes.partitions, 0);
    let mut before = 0u64;
    let mut next = first;
    while let Some(table) = next {
        let after = before + table.batch.rows as u64;
        spread.add(&table.batch, &(before..after).collect::<Vec<_>>()).map_err(Either::Io)?;
        before = after;
        drop(table);
        next = reader.next(sizes.rows).map_err(Either::Data)?;
    }
    Ok(spread.parts)
}

/// Spreads again the files that have too many rows to be held.
pub(super) fn smaller(program: &Program, sizes: Sizes, parts: Vec<Part>, like: &Batch) -> io::Result<Vec<Part>> {
    /// Files that stay too large have few keys: no depth tells those apart.
    const DEEPEST: u64 = 3;
    /// One is held at a time, where several parts of a file are.
    const PARTS: usize = 3;
    let most = sizes.rows.saturating_mul(PARTS);
    let mut pending = parts;
    let mut small = Vec::new();
    let heap = Heap::new()?;
    while let Some(mut part) = pending.pop() {
        if part.count <= most || part.depth >= DEEPEST {
            small.push(part);
            continue;
        }
        let count = part.count.div_ceil(most).clamp(2, sizes.partitions.max(2));
        let mut spread = Spread::new(program, &heap, count, part.depth + 1);
        while let Some(frame) = part.rows.next()? {
            let (mut ranks, mut batch) = (Vec::new(), like.clone());
            take_rows(&frame, program, &mut ranks, &mut batch)?;
            spread.add(&batch, &ranks)?;
        }
        pending.extend(spread.parts);
    }
    Ok(small)
}

/// The same for rows of the same key without the year. It decides only in which file they wait.
fn subject_hash(program: &Program, batch: &Batch, row: usize, depth: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    depth.hash(&mut hasher);
    for value in batch.subject(program, row) {
        match value {
            polc_compiler::typed::Value::Text(text) => text.hash(&mut hasher),
            polc_compiler::typed::Value::Number(number) => number.hash(&mut hasher),
            polc_compiler::typed::Value::Boolean(flag) => flag.hash(&mut hasher),
            polc_compiler::typed::Value::Date(date) => date.days().hash(&mut hasher),
            polc_compiler::typed::Value::Case(case) => case.hash(&mut hasher),
        }
    }
    hasher.finish()
}

/// The rows of the next files, as many as make a part or more, by file in their order; `None` after the last.
pub(super) fn gather<'p>(
    parts: &mut impl Iterator<Item = &'p mut Part>,
    sizes: Sizes,
    program: &Program,
    like: &Batch,
) -> io::Result<Option<(Vec<u64>, Batch)>> {
    let mut found = None;
    for part in parts {
        let (ranks, batch) = found.get_or_insert_with(|| (Vec::new(), like.clone()));
        part.rows.rewind();
        while let Some(frame) = part.rows.next()? {
            take_rows(&frame, program, ranks, batch)?;
        }
        if ranks.len() >= sizes.rows {
            break;
        }
    }
    Ok(found)
}

/// The results of partitions, given back in the order of the file.
pub(super) struct Merge {
    heap: Heap,
    /// Rows of a frame: what waits in memory of each partition.
    frame: usize,
    parts: Vec<(Spill, Option<Waiting>)>,
    like: Vec<ResultColumn>,
    /// In order of rank.
    errors: BTreeMap<u64, RowErrorKind>,
    statistics: Vec<Statistics>,
    rows: u64,
}

/// Rows of a frame of results, at most.
const FRAME: usize = 1_024;

/// Results read and not yet given.
struct Waiting {
    ranks: Vec<u64>,
    columns: Vec<ResultColumn>,
    at: usize,
}

impl Merge {
    /// Of so many partitions, which together have the rows of one part waiting.
    pub(super) fn new(sizes: Sizes, partitions: usize) -> io::Result<Self> {
        Ok(Self {
            heap: Heap::new()?,
            frame: (sizes.rows / partitions.max(1)).clamp(1, FRAME),
            parts: Vec::new(),
            like: Vec::new(),
            errors: BTreeMap::new(),
            statistics: Vec::new(),
            rows: 0,
        })
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds the results of partitions one after the other: in each, ranks go up.
    pub(super) fn add(&mut self, ranks: &[u64], results: Results) -> io::Result<()> {
        let mut start = 0;
        for partition in ranks.chunk_by(|one, next| one < next) {
            let mut spill = self.heap.spill();
            for frame in partition.chunks(self.frame) {
                let rows = start..start + frame.len();
                start = rows.end;
                let mut bytes = Vec::new();
                put_results(&mut bytes, ranks, &results.columns, rows);
                spill.write(&bytes)?;
            }
            self.parts.push((spill, None));
        }
        self.errors.extend(results.errors.into_iter().map(|error| (ranks[error.row], error.kind)));
        self.rows += ranks.len() as u64;
        self.like = results.columns.iter().map(|column| blank(column, 0)).collect();
        self.statistics.push(results.statistics);
        Ok(())
    }

    /// The results of so many rows after the first ones.
    pub(super) fn next(&mut self, before: u64, rows: usize) -> io::Result<Results> {
        let end = before + rows as u64;
        let mut columns: Vec<ResultColumn> = self.like.iter().map(|column| blank(column, rows)).collect();
        for (frames, waiting) in &mut self.parts {
            loop {
                if waiting.as_ref().is_none_or(|waiting| waiting.at == waiting.ranks.len()) {
                    let Some(frame) = frames.next()? else {
                        *waiting = None;
                        break;
                    };
                    let (ranks, columns) = take_results(&frame, &self.like)?;
                    *waiting = Some(Waiting { ranks, columns, at: 0 });
                }
                let Some(waiting) = waiting else { break };
                let due = waiting.ranks[waiting.at..].iter().take_while(|rank| **rank < end);
                let due: Vec<usize> = due.map(|rank| rank.saturating_sub(before) as usize).collect();
                if due.is_empty() {
                    break;
                }
                for (to, from) in columns.iter_mut().zip(&waiting.columns) {
                    copy(to, &due, from, waiting.at);
                }
                waiting.at += due.len();
            }
        }
        let later = self.errors.split_off(&end);
        let errors = std::mem::replace(&mut self.errors, later);
        let errors = errors.into_iter().map(|(rank, kind)| RowError { row: (rank - before) as usize, kind }).collect();
        // Those of the partitions are counted apart.
        Ok(Results { columns, errors, statistics: Statistics::default() })
    }
}

/// A column of the same type, without results.
pub(super) fn blank(like: &ResultColumn, rows: usize) -> ResultColumn {
    let values = match &like.values {
        ResultValues::Boolean(_) => ResultValues::Boolean(vec![false; rows]),
        ResultValues::Date(_) => ResultValues::Date(vec![0; rows]),
        ResultValues::Case(_) => ResultValues::Case(vec![0; rows]),
        ResultValues::Text(_) => ResultValues::Text(vec!["".into(); rows]),
        ResultValues::Number(numbers) => ResultValues::Number(Numbers {
            numerators: Integers::filled(0, rows),
            denominators: match &numbers.denominators {
                Denominators::Constant(denominator) => Denominators::Constant(*denominator),
                Denominators::PerRow(_) => Denominators::PerRow(Integers::filled(1, rows)),
            },
            large: Default::default(),
        }),
    };
    ResultColumn { present: vec![false; rows], values }
}

/// Copies results from a position on to these rows.
pub(super) fn copy(to: &mut ResultColumn, rows: &[usize], from: &ResultColumn, at: usize) {
    fn cells<T: Clone>(to: &mut [T], rows: &[usize], from: &[T], at: usize) {
        rows.iter().zip(&from[at..]).for_each(|(row, cell)| to[*row] = cell.clone());
    }
    fn integers(to: &mut Integers, rows: &[usize], from: &Integers, at: usize) {
        let values: Vec<i64> = (at..at + rows.len()).map(|place| from.get(place)).collect();
        to.put(rows.iter().copied(), &values);
    }
    cells(&mut to.present, rows, &from.present, at);
    match (&mut to.values, &from.values) {
        (ResultValues::Boolean(to), ResultValues::Boolean(from)) => cells(to, rows, from, at),
        (ResultValues::Date(to), ResultValues::Date(from)) => cells(to, rows, from, at),
        (ResultValues::Case(to), ResultValues::Case(from)) => cells(to, rows, from, at),
        (ResultValues::Text(to), ResultValues::Text(from)) => cells(to, rows, from, at),
        (ResultValues::Number(to), ResultValues::Number(from)) => {
            integers(&mut to.numerators, rows, &from.numerators, at);
            if let (Denominators::PerRow(to), Denominators::PerRow(from)) = (&mut to.denominators, &from.denominators) {
                integers(to, rows, from, at);
            }
            let large = from.large.range(at..at + rows.len());
            large.for_each(|(place, value)| drop(to.large.insert(rows[place - at], value.clone())));
        }
        // They are columns of one output.
        _ => {}
    }
}

/// Where parts with their results end up, in the order of the file.
struct Sink<'a> {
    program: &'a Program,
    request: &'a Request<'a>,
    kind: FileKind,
    /// That of the whole file, known before the first part is written.
    format: Option<Format>,
    results: Option<Output>,
    writer: Option<Writer<'a, Output>>,
    lines: Option<(&'a Lines, FileKind)>,
    detail: Option<Output>,
    detail_writer: Option<DetailWriter<'a, Output>>,
    rejects: Option<Output>,
    /// Of rows that cannot be computed, where they are not put aside.
    problems: Problems,
    report: Report,
}

impl<'a> Sink<'a> {
    fn new(job: &Job<'a>, outputs: Outputs) -> Self {
        let report = Report {
            file: job.place.name(),
            format: Format::of(FileKind::Csv),
            read: 0,
            rejected: 0,
            orphans: 0,
            totals: vec![None; job.request.outputs.len()],
            statistics: Statistics::default(),
        };
        Self {
            program: job.request.program,
            request: job.request,
            kind: job.kind,
            format: None,
            results: Some(outputs.results),
            writer: None,
            lines: job.detail,
            detail: outputs.detail,
            detail_writer: None,
            rejects: outputs.rejects,
            problems: Problems::new(SHOWN_PROBLEMS),
            report,
        }
    }

    /// From here on, outputs are written before it is known that the file is good.
    fn hold(&mut self) -> io::Result<()> {
        self.results = self.results.take().map(Output::held).transpose()?;
        self.detail = self.detail.take().map(Output::held).transpose()?;
        self.rejects = self.rejects.take().map(Output::held).transpose()?;
        Ok(())
    }

    fn take(&mut self, table: &Table, results: &Results) -> Result<(), StreamError> {
        self.report.read += table.rows();
        self.add_statistics(std::slice::from_ref(&results.statistics));
        if self.request.divert {
            let rejects = rejects(self.program, table, results);
            self.report.rejected += rejects.len();
            self.write_rejects(table, &rejects).map_err(StreamError::Rejects)?;
        } else {
            for error in &results.errors {
                self.problems.push(|| table.row_problem(self.program, error.row, &error.kind));
            }
        }
        for ((total_so_far, id), column) in
            self.report.totals.iter_mut().zip(self.request.outputs).zip(&results.columns)
        {
            if self.program.quantity(*id).kind == QuantityKind::Payment
                && let Some(more) = total(column)
            {
                *total_so_far = Some(total_so_far.take().map_or(more.clone(), |sum| sum + &more));
            }
        }
        // What is at fault is not shown: there is no point in writing more of it.
        if !self.problems.is_empty() {
            return Ok(());
        }
        self.write(table, results)
    }

    fn write(&mut self, table: &Table, results: &Results) -> Result<(), StreamError> {
        if let Some(output) = self.results.take() {
            let format = self.format.unwrap_or(table.format);
            let outputs: &'a [QuantityId] = self.request.outputs;
            let writer = Writer::new(output, self.kind, self.program, outputs, table, format);
            self.writer = Some(writer.map_err(written)?);
        }
        if let Some(writer) = &mut self.writer {
            writer.write(table, results).map_err(written)?;
        }
        self.write_detail(table, results).map_err(detailed)
    }

    fn write_detail(&mut self, table: &Table, results: &Results) -> Result<(), WriteError> {
        if let Some((lines, kind)) = self.lines
            && let Some(output) = self.detail.take()
        {
            let format = self.format.unwrap_or(table.format);
            self.detail_writer = Some(DetailWriter::new(output, kind, lines, self.request.outputs, format)?);
        }
        match &mut self.detail_writer {
            Some(writer) => writer.write(table, results),
            None => Ok(()),
        }
    }

    fn write_rejects(&mut self, table: &Table, rejects: &[Reject]) -> io::Result<()> {
        use io::Write as _;
        let Some(out) = &mut self.rejects else { return Ok(()) };
        if self.report.read == table.rows() {
            out.write_all(&rejects_header(table)?)?;
        }
        out.write_all(&rejected_rows(table, rejects)?)
    }

    fn add_statistics(&mut self, parts: &[Statistics]) {
        let sum = &mut self.report.statistics;
        for part in parts {
            sum.compiled += part.compiled;
            sum.reference += part.reference;
            sum.partial += part.partial;
            sum.handed_over += part.handed_over;
            sum.incomplete += part.incomplete;
            sum.failed_groups.extend(part.failed_groups.iter().cloned());
            for (name, rows) in &part.failed_controls {
                match sum.failed_controls.iter_mut().find(|(known, _)| known == name) {
                    Some((_, count)) => *count += rows,
                    None => sum.failed_controls.push((name.clone(), *rows)),
                }
            }
        }
        let rank = |name: &Arc<str>| self.program.controls.iter().position(|control| control.name == *name);
        sum.failed_controls.sort_by_key(|(name, _)| rank(name));
    }

    /// The groups on which controls do not hold, by control, in the order of their first rows.
    fn add_groups(&mut self, mut groups: Vec<(u32, u64, String)>) {
        groups.sort_by_key(|(control, rank, _)| (*control, *rank));
        for (control, _, group) in groups {
            let name = &self.program.controls[control as usize].name;
            match self.report.statistics.failed_groups.last_mut() {
                Some((last, names)) if last == name => names.push(group),
                _ => self.report.statistics.failed_groups.push((name.clone(), vec![group])),
            }
        }
    }

    /// Completes the outputs, or says all that is wrong.
    fn finish(mut self, ending: Ending) -> Result<(Report, Outputs), StreamError> {
        let Ending { mut problems, orphans, format } = ending;
        problems.others += self.problems.others;
        std::mem::take(&mut self.problems.shown).into_iter().for_each(|problem| problems.push(|| problem));
        if !problems.is_empty() {
            problems.sort();
            return Err(StreamError::Data(problems));
        }
        let results = match self.writer {
            Some(writer) => writer.finish().map_err(written)?,
            // Without a table there is a problem.
            None => return Err(StreamError::Output(io::ErrorKind::UnexpectedEof.into())),
        };
        let detail = self.detail_writer.map(DetailWriter::finish).transpose().map_err(detailed)?;
        let report = Report { orphans, format, ..self.report };
        Ok((report, Outputs { results, detail, rejects: self.rejects }))
    }
}

fn detailed(error: WriteError) -> StreamError {
    match error {
        WriteError::Io(error) => StreamError::Detail(error),
        WriteError::Data(problem) => (*problem).into(),
    }
}

fn written(error: WriteError) -> StreamError {
    match error {
        WriteError::Io(error) => StreamError::Output(error),
        WriteError::Data(problem) => (*problem).into(),
    }
}

/// The rows that could not be read and those that could not be computed, in the order of the file.
fn rejects(program: &Program, table: &Table, results: &Results) -> Vec<Reject> {
    let failed = results.errors.iter().map(|error| {
        let reasons = vec![table.row_problem(program, error.row, &error.kind)];
        Reject { place: table.places[error.row].clone(), reasons }
    });
    let mut rejects: Vec<Reject> = failed.chain(table.rejects.iter().cloned()).collect();
    rejects.sort_by_key(|reject| reject.place.line);
    rejects
}
