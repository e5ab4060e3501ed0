//! Reads a CSV file into typed columns, and says everything that is wrong with it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use polc_compiler::typed::{InputId, Program, QuantityId};

use super::cell::{ColumnReader, Marks, composed, trim};
use super::header::{Binding, bind};
use super::keys::Keys;
use super::records::{Record, Records};
use super::text::{Format, Text, decode};
use crate::diagnostics::{self as say, DataProblem, Place, Problems, Ragged, SHOWN_PROBLEMS};
use crate::needs::{control_inputs, needed_inputs};
use crate::table::{Batch, Column, RowErrorKind};

/// What is asked of a file.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    pub program: &'a Program,
    pub outputs: &'a [QuantityId],
    /// Inputs that the outputs depend on. Without a column, one takes its default on every row; without default either, the
    /// file is refused.
    pub required: BTreeSet<InputId>,
    /// Inputs read if they have a column.
    pub optional: BTreeSet<InputId>,
    /// What becomes of the columns that are not inputs.
    pub others: OtherColumns,
    /// Put the bad rows aside instead of refusing the file.
    pub divert: bool,
    /// Problems shown of a file that is refused.
    pub limit: usize,
}

impl<'a> Request<'a> {
    /// Reads what the outputs depend on. When they are all the outputs of the policy, the inputs that only controls read are
    /// taken too, where they have a column; a narrower selection leaves them alone.
    #[must_use]
    pub fn new(program: &'a Program, outputs: &'a [QuantityId]) -> Self {
        let required = needed_inputs(program, outputs);
        let mut optional = BTreeSet::new();
        if program.outputs().all(|output| outputs.contains(&output)) {
            optional = control_inputs(program);
        }
        Self {
            program,
            outputs,
            required,
            optional,
            others: OtherColumns::Refused,
            divert: false,
            limit: SHOWN_PROBLEMS,
        }
    }
}

/// What becomes of the columns of a file that are not inputs of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherColumns {
    /// They are mistakes.
    Refused,
    /// They and the inputs, but for the key, are carried through to the results.
    Carried,
    /// They are left alone.
    Ignored,
}

/// A file that was read.
#[derive(Debug)]
pub struct Table {
    /// As the user named it.
    pub file: Arc<str>,
    pub format: Format,
    /// The names of its columns.
    pub header: Vec<String>,
    /// The good rows.
    pub batch: Batch,
    /// Where each good row stands in the file.
    pub places: Vec<RowPlace>,
    /// The bad rows, if they were to be put aside.
    pub rejects: Vec<Reject>,
    /// Positions of the columns to carry through.
    pub kept: Vec<usize>,
    /// Good rows whose key had a row the year before that was put aside.
    pub orphans: usize,
    key: Vec<Option<usize>>,
    text: String,
}

/// Where a row stands in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowPlace {
    /// Physical line, from 1.
    pub line: usize,
    bytes: Range<usize>,
}

/// A row put aside, with everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    pub place: RowPlace,
    pub reasons: Vec<DataProblem>,
}

impl Table {
    /// Rows of the file, good and bad.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.places.len() + self.rejects.len()
    }

    /// The cells of a row as they are in the file.
    #[must_use]
    pub fn cells(&self, place: &RowPlace) -> Vec<Cow<'_, str>> {
        let mut record = Record::default();
        let text = &self.text[..place.bytes.end];
        Records::new(text, self.format.separator, place.bytes.start, place.line).next(&mut record);
        record.cells.iter().map(|cell| cell.text(&self.text)).collect()
    }

    /// What a good row that could not be computed is to be told.
    #[must_use]
    pub fn row_problem(&self, program: &Program, row: usize, kind: &RowErrorKind) -> DataProblem {
        let place = &self.places[row];
        let cells = self.cells(place);
        let subject = subject(program, &self.key, |column| cells.get(column).cloned().unwrap_or_default());
        let place = Place { subject, ..Place::line(&self.file, place.line) };
        let own = |input: &InputId| self.batch.columns[input.index()].as_ref().is_none_or(|c| c.is_missing(row));
        match kind {
            // The row reads results of the year before, and those cannot be computed.
            RowErrorKind::Missing { input, quantity } if !own(input) => {
                say::missing_the_year_before(&place, program, *input, quantity.as_deref())
            }
            _ => say::row_error(place, program, kind),
        }
    }

    /// The bad rows whose key reads as these texts, which are in the order of the key.
    pub fn rejects_of<'t>(&'t self, key: &'t [&str]) -> impl Iterator<Item = &'t Reject> {
        self.rejects.iter().filter(move |reject| {
            let cells = self.cells(&reject.place);
            key.iter().zip(&self.key).all(|(wanted, column)| {
                let cell = column.and_then(|column| cells.get(column));
                cell.is_some_and(|cell| trim(cell) == *wanted)
            })
        })
    }
}

/// A file that has problems.
#[derive(Debug)]
pub struct Refusal {
    pub problems: Problems,
    /// Its good rows, where only rows are at fault: computing them may show more problems in the same run.
    pub rest: Option<Box<Table>>,
}

impl From<Problems> for Refusal {
    fn from(problems: Problems) -> Self {
        Self { problems, rest: None }
    }
}

impl From<DataProblem> for Refusal {
    fn from(problem: DataProblem) -> Self {
        Problems::from(problem).into()
    }
}

/// Reads a CSV file. The separator, the decimal mark and the encoding are found out; the columns come in any order.
///
/// # Errors
/// All the problems of the file, up to the limit of the request: of its form (`POL5001`, `POL5005`, `POL5015`), its header
/// (`POL5002` to `POL5004`), its cells (`POL5006` to `POL5010`) and its keys (`POL5011`). When bad rows are put aside, only
/// those of the form and the header.
pub fn read(file: &str, bytes: Vec<u8>, request: &Request<'_>) -> Result<Table, Refusal> {
    let file: Arc<str> = file.into();
    let Text { text, encoding, mark } = decode(bytes).map_err(|what| say::not_text(&file, what))?;
    let separator = find_separator(&text, request.program);
    let mut records = Records::new(&text, separator, 0, 1);
    let mut record = Record::default();
    if !records.next(&mut record) {
        let expected: Vec<&str> = request.required.iter().map(|id| &*request.program.input(*id).name).collect();
        return Err(say::empty_file(&file, &expected).into());
    }
    if let Some(fault) = record.fault {
        return Err(say::bad_quotes(&Place::line(&file, record.line), fault).into());
    }
    let header: Vec<String> = record.cells.iter().map(|cell| composed(trim(&cell.text(&text))).into_owned()).collect();
    let mut problems = Problems::new(request.limit);
    let binding = bind(&header, &file, record.line, request, &mut |problem| problems.push(|| problem));
    let bad_header = !problems.is_empty();
    if binding.inputs.is_empty() {
        return Err(problems.into());
    }
    let mut rows = Rows::new(&file, &text, separator, &header, &binding, request, problems);
    while records.next(&mut record) {
        rows.add(&record);
    }
    let Rows { readers, places, rejects, keys, rejected_keys, marks, problems, .. } = rows;
    if bad_header {
        return Err(problems.into());
    }
    let orphans = count_orphans(&keys, &rejected_keys, &places);
    let batch = batch(request.program, &binding, readers, places.len());
    let format = Format { encoding, mark, separator, decimal_comma: marks.comma, decimal_point: marks.point };
    let Binding { kept, key, .. } = binding;
    let table = Table { file, format, header, batch, places, rejects, kept, orphans, key, text };
    if problems.is_empty() { Ok(table) } else { Err(Refusal { problems, rest: Some(Box::new(table)) }) }
}

/// The separator under which the header names the most inputs; between equals, the one met most.
fn find_separator(text: &str, program: &Program) -> u8 {
    let score = |separator: u8| {
        let mut record = Record::default();
        Records::new(text, separator, 0, 1).next(&mut record);
        let cells = record.cells.iter().map(|cell| cell.text(text));
        let known = cells.filter(|cell| program.find_input(&composed(trim(cell))).is_some()).count();
        (known, record.cells.len())
    };
    // `max_by_key` prefers the last of equals: the comma, where nothing tells.
    [b'\t', b';', b','].into_iter().max_by_key(|separator| score(*separator)).unwrap_or(b',')
}

fn batch(program: &Program, binding: &Binding, readers: Vec<ColumnReader<'_>>, rows: usize) -> Batch {
    let mut columns: Vec<Option<Column>> = vec![None; program.inputs.len()];
    for ((_, id), reader) in binding.inputs.iter().zip(readers) {
        columns[id.index()] = Some(reader.column);
    }
    for id in &binding.defaults {
        let input = program.input(*id);
        let mut column = Column::with_capacity(input, rows);
        (0..rows).for_each(|_| column.push(None, input));
        columns[id.index()] = Some(column);
    }
    Batch { rows, columns }
}

fn subject<'c>(program: &Program, key: &[Option<usize>], cell: impl Fn(usize) -> Cow<'c, str>) -> Option<String> {
    let cells: Vec<(&str, Cow<'_, str>)> = program
        .key
        .iter()
        .zip(key)
        .filter_map(|(id, column)| Some((&*program.input(*id).name, cell((*column)?))))
        .collect();
    say::subject(cells.iter().map(|(name, cell)| (*name, trim(cell))))
}

/// The rows read so far.
struct Rows<'a> {
    file: &'a Arc<str>,
    text: &'a str,
    separator: u8,
    header: &'a [String],
    binding: &'a Binding,
    request: &'a Request<'a>,
    /// One for each of the inputs bound.
    readers: Vec<ColumnReader<'a>>,
    /// Rank among the readers of each input of the key; empty when the header lacks one of them.
    key_readers: Vec<usize>,
    /// The key of the row, as far as it can be read.
    key: Vec<u64>,
    keys: Keys,
    rejected_keys: Vec<Vec<u64>>,
    marks: Marks,
    places: Vec<RowPlace>,
    rejects: Vec<Reject>,
    problems: Problems,
}

impl<'a> Rows<'a> {
    fn new(
        file: &'a Arc<str>,
        text: &'a str,
        separator: u8,
        header: &'a [String],
        binding: &'a Binding,
        request: &'a Request<'a>,
        problems: Problems,
    ) -> Self {
        let program = request.program;
        let reader = |(_, id): &(usize, InputId)| ColumnReader::new(program, program.input(*id), separator);
        let rank = |id: &InputId| binding.inputs.iter().position(|(_, input)| input == id);
        Self {
            file,
            text,
            separator,
            header,
            binding,
            request,
            readers: binding.inputs.iter().map(reader).collect(),
            key_readers: program.key.iter().map(rank).collect::<Option<_>>().unwrap_or_default(),
            key: Vec::new(),
            keys: Keys::default(),
            rejected_keys: Vec::new(),
            marks: Marks::default(),
            places: Vec::new(),
            rejects: Vec::new(),
            problems,
        }
    }

    fn add(&mut self, record: &Record) {
        let rows = self.places.len();
        let mut verdict = Verdict::default();
        self.key.clear();
        if let Some(fault) = record.fault {
            let place = self.place(record);
            self.report(&mut verdict, || say::bad_quotes(&place, fault));
        } else if record.cells.len() != self.header.len() {
            let ragged = Ragged {
                found: record.cells.len(),
                expected: self.header.len(),
                lines: record.lines,
                separator: self.separator,
            };
            let place = self.place(record);
            self.report(&mut verdict, || say::ragged_row(&place, ragged));
        } else {
            self.decode(record, &mut verdict);
            self.check_key(record, &mut verdict);
        }
        let place = RowPlace { line: record.line, bytes: record.range.clone() };
        if !verdict.bad {
            self.places.push(place);
            return;
        }
        self.readers.iter_mut().for_each(|reader| reader.truncate(rows));
        if self.request.divert {
            self.rejected_keys.push(std::mem::take(&mut self.key));
            self.rejects.push(Reject { place, reasons: verdict.reasons });
        }
    }

    fn decode(&mut self, record: &Record, verdict: &mut Verdict) {
        let program = self.request.program;
        for (rank, (column, id)) in self.binding.inputs.iter().enumerate() {
            let cell = record.cells[*column].text(self.text);
            if let Err(problem) = self.readers[rank].push(&cell, &mut self.marks) {
                let input = program.input(*id);
                let place = self.place(record).on(&input.name);
                self.report(verdict, || say::bad_cell(&place, program, input, trim(&cell), &problem));
            }
        }
    }

    /// Reads the key of the row that was just decoded; two rows with one key are refused, the second of them at least.
    fn check_key(&mut self, record: &Record, verdict: &mut Verdict) {
        let program = self.request.program;
        for (part, id) in program.key.iter().enumerate() {
            let Some(reader) = self.key_readers.get(part).map(|rank| &self.readers[*rank]) else { continue };
            if reader.column.len() == self.places.len() {
                // The cell was refused: that is reported already.
                continue;
            }
            match reader.last_as_key() {
                Some(value) => self.key.push(value),
                None => {
                    let place = self.place(record).on(&program.input(*id).name);
                    self.report(verdict, || say::empty_key(&place));
                }
            }
        }
        if self.key.len() == program.key.len()
            && let Some(first) = self.keys.register(&self.key, record.line)
        {
            let place = self.place(record);
            self.report(verdict, || say::duplicate_key(&place, first));
        }
    }

    fn report(&mut self, verdict: &mut Verdict, problem: impl FnOnce() -> DataProblem) {
        verdict.bad = true;
        if self.request.divert {
            verdict.reasons.push(problem());
        } else {
            self.problems.push(problem);
        }
    }

    fn place(&self, record: &Record) -> Place {
        let cell = |column: usize| record.cells.get(column).map_or(Cow::Borrowed(""), |cell| cell.text(self.text));
        let subject = subject(self.request.program, &self.binding.key, cell);
        Place { subject, ..Place::line(self.file, record.line) }
    }
}

/// What is wrong with one row.
#[derive(Default)]
struct Verdict {
    bad: bool,
    /// Only when bad rows are put aside: otherwise the problems are those of the file.
    reasons: Vec<DataProblem>,
}

/// Good rows whose row of the year before is there but bad.
fn count_orphans(keys: &Keys, rejected: &[Vec<u64>], places: &[RowPlace]) -> usize {
    let good = |key: &[u64]| {
        let line = keys.line(key);
        line.is_some_and(|line| places.binary_search_by_key(&line, |place| place.line).is_ok())
    };
    let orphans = rejected.iter().filter(|key| !good(key)).filter(|key| {
        let mut next = (*key).clone();
        // The year ends the key.
        next.last_mut().is_some_and(|year| {
            *year = year.wrapping_add(1);
            true
        }) && good(&next)
    });
    orphans.count()
}

#[cfg(test)]
mod tests;
