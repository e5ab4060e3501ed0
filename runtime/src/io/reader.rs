//! From the blocks of any format to tables: columns, keys, problems, rows put aside. All formats come through here.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use polc_compiler::typed::{InputId, Program, Value};
use rayon::prelude::*;

use super::block::{Block, Rows, Selected, Source, What};
use super::cell::{ColumnReader, Marks, Reads, trim};
use super::header::{Binding, bind};
use super::keys::{Keys, Part};
use super::request::Request;
use super::table::{Refusal, Reject, RowPlace, Table, subject};
use super::text::Format;
use super::write::value_text;
use crate::diagnostics::{self as say, DataProblem, Place, Problems};
use crate::table::{Batch, Column, ColumnData};

/// Blocks decoded at a time by each thread: enough to share the work out, few enough to stay small in memory.
const WAVE: usize = 2;

/// Reads a file table after table.
pub(crate) struct Reader<'a> {
    file: Arc<str>,
    request: &'a Request<'a>,
    source: Box<dyn Source>,
    header: Vec<String>,
    binding: Binding,
    /// Columns decoded as inputs.
    columns: Vec<usize>,
    /// An empty reader for each of them.
    readers: Vec<ColumnReader<'a>>,
    /// Rank among the readers of each input of the key; empty when the header lacks one of them.
    key_readers: Vec<usize>,
    /// Columns whose cells are asked for after the decoding.
    shown: Vec<usize>,
    marks: Marks,
    bad_header: bool,
    keys: Keys,
    rejected_keys: Vec<Vec<Part>>,
    rejected_lines: BTreeSet<usize>,
    problems: Problems,
    ended: bool,
    /// Whether a table was given: an empty file has one, without rows.
    given: bool,
}

/// What is known once a file was read to its end.
pub(crate) struct Ending {
    /// Those of the file, unless bad rows are put aside.
    pub problems: Problems,
    /// Good rows whose row of the year before is there but bad.
    pub orphans: usize,
    pub format: Format,
}

impl<'a> Reader<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// When nothing of it is known: the problems of the rows would say nothing.
    pub fn open(file: &Arc<str>, source: Box<dyn Source>, request: &'a Request<'a>) -> Result<Self, Refusal> {
        Self::open_for(file, source, request, None)
    }

    /// The same, decoding some inputs only.
    fn open_for(
        file: &Arc<str>,
        mut source: Box<dyn Source>,
        request: &'a Request<'a>,
        inputs: Option<&[InputId]>,
    ) -> Result<Self, Refusal> {
        let program = request.program;
        let mut problems = Problems::new(request.limit);
        let (header, line) = source.header();
        let header = header.to_vec();
        let mut binding = bind(&header, file, line, request, &mut |problem| problems.push(|| problem));
        if let Some(inputs) = inputs {
            binding.inputs.retain(|(_, id)| inputs.contains(id));
            binding.defaults.retain(|id| inputs.contains(id));
        }
        if binding.inputs.is_empty() {
            return Err(problems.into());
        }
        let separator = source.format().separator;
        let reader = |(_, id): &(usize, InputId)| ColumnReader::new(program, program.input(*id), separator);
        let rank = |id: &InputId| binding.inputs.iter().position(|(_, input)| input == id);
        let columns: Vec<usize> = binding.inputs.iter().map(|(column, _)| *column).collect();
        let shown: Vec<usize> = binding.key.iter().flatten().chain(&binding.kept).copied().collect();
        let selected = Selected { inputs: &columns, shown: &shown, whole_rows: request.divert };
        source.select(&selected, &mut |problem| problems.push(|| problem));
        Ok(Self {
            file: file.clone(),
            request,
            readers: binding.inputs.iter().map(reader).collect(),
            key_readers: match inputs {
                // No two rows have one key: that is known.
                Some(_) => Vec::new(),
                None => program.key.iter().map(rank).collect::<Option<_>>().unwrap_or_default(),
            },
            shown: if request.divert { (0..header.len()).collect() } else { shown },
            source,
            header,
            columns,
            binding,
            marks: Marks::default(),
            bad_header: !problems.is_empty(),
            keys: Keys::default(),
            rejected_keys: Vec::new(),
            rejected_lines: BTreeSet::new(),
            problems,
            ended: false,
            given: false,
        })
    }

    /// The next rows, whole blocks of them: until there are `rows`, good and bad, or no more. `None` after the last.
    ///
    /// # Errors
    /// What stops the reading.
    pub fn next(&mut self, rows: usize) -> Result<Option<Table>, Box<DataProblem>> {
        let mut table = Growing::new(self);
        let mut read = 0;
        while read < rows && !self.ended {
            let mut wave: Vec<Box<dyn Block>> = Vec::new();
            // One by one where few rows are asked for, so that memory stays within what they take.
            let size =
                if rows == usize::MAX { WAVE * rayon::current_num_threads() } else { rayon::current_num_threads() };
            while wave.len() < size {
                let Some(block) = self.source.next()? else {
                    self.ended = true;
                    break;
                };
                if self.may_be_wanted(&*block) {
                    wave.push(block);
                }
            }
            let first = table.blocks.len();
            let decoded: Vec<(Vec<Column>, Rows)> = wave
                .par_iter()
                .enumerate()
                .map(|(rank, block)| {
                    let mut readers = self.readers.clone();
                    let rows = block.decode(first + rank, &self.columns, &mut readers);
                    (readers.into_iter().map(|reader| reader.column).collect(), rows)
                })
                .collect();
            for (mut block, (columns, rows)) in wave.into_iter().zip(decoded) {
                read += rows.places.len();
                self.add(&mut table, &*block, columns, rows);
                block.retain(&self.shown);
                table.blocks.push(block);
            }
        }
        if read == 0 && self.ended && self.given {
            return Ok(None);
        }
        self.given = true;
        Ok(Some(self.table(table)))
    }

    /// Ends the reading.
    pub fn finish(self) -> Ending {
        let orphans = self.orphans();
        let format = self.format();
        Ending { problems: self.problems, orphans, format }
    }

    /// Whether all the rows were read.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The same file from its first row, to be read once more.
    ///
    /// # Errors
    /// When it cannot be.
    pub fn again(&self) -> Result<Self, Refusal> {
        Self::open(&self.file, self.source.again()?, self.request)
    }

    /// The same of a file without bad rows, for its key, some inputs and what is carried through; the other cells are known to
    /// be good. `None` where there are bad rows: all is to be read again.
    ///
    /// # Errors
    /// When it cannot be.
    pub fn again_for(&self, inputs: &[InputId]) -> Result<Option<Self>, Refusal> {
        if !(self.ended && self.problems.is_empty() && self.rejected_lines.is_empty()) {
            return Ok(None);
        }
        let inputs: Vec<InputId> = self.request.program.key.iter().chain(inputs).copied().collect();
        Self::open_for(&self.file, self.source.again()?, self.request, Some(&inputs)).map(Some)
    }

    /// Whether some number of the file has a decimal comma: all of it is looked through, up to the first.
    ///
    /// # Errors
    /// What stops the reading.
    pub fn has_decimal_comma(&self) -> Result<bool, Box<DataProblem>> {
        let mut source = self.source.again()?;
        let numbers: Vec<usize> =
            (0..self.columns.len()).filter(|rank| self.readers[*rank].reads() == Reads::Numbers).collect();
        let columns: Vec<usize> = numbers.iter().map(|rank| self.columns[*rank]).collect();
        let readers: Vec<ColumnReader<'_>> = numbers.iter().map(|rank| self.readers[*rank].clone()).collect();
        loop {
            let mut wave: Vec<Box<dyn Block>> = Vec::new();
            while wave.len() < rayon::current_num_threads() {
                let Some(block) = source.next()? else { break };
                wave.push(block);
            }
            if wave.is_empty() {
                return Ok(false);
            }
            if wave.par_iter().any(|block| block.decode(0, &columns, &mut readers.clone()).marks.comma) {
                return Ok(true);
            }
        }
    }

    /// Whether the header is at fault: then no row is to be computed.
    pub fn bad_header(&self) -> bool {
        self.bad_header
    }

    /// Whether some row was found at fault so far.
    pub fn has_problems(&self) -> bool {
        !self.problems.is_empty()
    }

    /// How the file is written, as far as it was read.
    pub fn format(&self) -> Format {
        Format { decimal_comma: self.marks.comma, decimal_point: self.marks.point, ..self.source.format() }
    }

    /// Whether some row of the block may be one of those asked for.
    fn may_be_wanted(&self, block: &dyn Block) -> bool {
        let only = self.request.only.as_ref();
        only.is_none_or(|only| only.words(self.request.program).all(|word| block.may_hold(word)))
    }

    /// Whether a row is one of those asked for: by its values or, where a cell was refused, by what it holds.
    fn is_wanted(&self, block: &dyn Block, place: &RowPlace, columns: &[Column], row: usize) -> bool {
        let Some(only) = &self.request.only else { return true };
        let program = self.request.program;
        only.cells.iter().all(|(id, wanted)| {
            let Some(rank) = self.binding.inputs.iter().position(|(_, input)| input == id) else { return false };
            let input = program.input(*id);
            match columns[rank].value(row, input) {
                Some(Value::Text(text)) => *text == **wanted,
                Some(value) => value_text(program, &input.ty, &value, '.') == *wanted,
                None => block.cells(place).get(self.binding.inputs[rank].0).is_some_and(|cell| trim(cell) == *wanted),
            }
        })
    }

    /// Checks the rows of a block and adds the good ones to the table.
    fn add(&mut self, table: &mut Growing, block: &dyn Block, columns: Vec<Column>, rows: Rows) {
        self.marks.join(rows.marks);
        let mut faults = rows.faults.into_iter().peekable();
        let mut good: Vec<usize> = Vec::with_capacity(rows.places.len());
        for (row, place) in rows.places.iter().enumerate() {
            if !self.is_wanted(block, place, &columns, row) {
                while faults.next_if(|fault| fault.row == row).is_some() {}
                continue;
            }
            let mut verdict = Verdict::default();
            let mut refused: Vec<usize> = Vec::new();
            let mut formed = true;
            while let Some(fault) = faults.next_if(|fault| fault.row == row) {
                formed &= !fault.what.is_of_form();
                if let What::Cell(rank, _) = &fault.what {
                    refused.push(*rank);
                }
                self.report(&mut verdict, || self.explain(block, place, &fault.what));
            }
            let key =
                if formed { self.check_key(block, place, &columns, row, &refused, &mut verdict) } else { Vec::new() };
            self.problems_of(&mut verdict);
            if !verdict.bad {
                good.push(row);
            } else if self.request.divert {
                self.rejected_keys.push(key);
                self.rejected_lines.insert(place.line);
                table.rejects.push(Reject { place: place.clone(), reasons: verdict.reasons });
            }
        }
        if good.len() == rows.places.len() {
            table.columns.par_iter_mut().zip(&columns).for_each(|(column, more)| column.append(more));
            table.places.extend(rows.places);
        } else {
            let selected = table.columns.par_iter_mut().zip(&columns);
            selected.for_each(|(column, more)| column.append(&more.select(&good)));
            table.places.extend(good.iter().map(|row| rows.places[*row].clone()));
        }
    }

    /// Reads the key of a row; two rows with one key are refused, the second of them at least.
    fn check_key(
        &mut self,
        block: &dyn Block,
        place: &RowPlace,
        columns: &[Column],
        row: usize,
        refused: &[usize],
        verdict: &mut Verdict,
    ) -> Vec<Part> {
        let program = self.request.program;
        let mut key = Vec::with_capacity(self.key_readers.len());
        for (rank, id) in self.key_readers.iter().zip(&program.key) {
            // What was refused is reported already.
            if refused.contains(rank) {
                continue;
            }
            match part(&columns[*rank], row) {
                Some(part) => key.push(part),
                None => {
                    let empty = || say::empty_key(&self.place(block, place).on(&program.input(*id).name));
                    self.report(verdict, empty);
                }
            }
        }
        if key.len() == program.key.len()
            && let Some(first) = self.keys.register(&key, place.line)
        {
            self.report(verdict, || say::duplicate_key(&self.place(block, place), first));
        }
        key
    }

    /// What is wrong with a row; its words are made only if they are to be shown.
    fn report(&self, verdict: &mut Verdict, problem: impl FnOnce() -> DataProblem) {
        verdict.bad = true;
        if self.request.divert || self.problems.shown.len() + verdict.reasons.len() < self.request.limit {
            verdict.reasons.push(problem());
        } else {
            verdict.others += 1;
        }
    }

    /// Where bad rows are not put aside, their problems are those of the file.
    fn problems_of(&mut self, verdict: &mut Verdict) {
        if !self.request.divert {
            verdict.reasons.drain(..).for_each(|problem| self.problems.push(|| problem));
            self.problems.others += verdict.others;
        }
    }

    fn explain(&self, block: &dyn Block, place: &RowPlace, what: &What) -> DataProblem {
        let program = self.request.program;
        let shown = self.place(block, place);
        match what {
            What::Quotes(fault) => say::bad_quotes(&shown, *fault),
            What::Ragged(ragged) => say::ragged_row(&shown, *ragged),
            What::Json(fault) => say::bad_json(&shown, fault),
            What::Cell(rank, problem) => {
                let (column, id) = self.binding.inputs[*rank];
                let input = program.input(id);
                let cells = block.cells(place);
                let cell = cells.get(column).cloned().unwrap_or_default();
                say::bad_cell(&shown.on(&input.name), program, input, trim(&cell), problem)
            }
        }
    }

    fn place(&self, block: &dyn Block, place: &RowPlace) -> Place {
        let cells = block.cells(place);
        let cell = |column: usize| cells.get(column).cloned().unwrap_or(Cow::Borrowed(""));
        let subject = subject(self.request.program, &self.binding.key, cell);
        Place { subject, ..Place::line(&self.file, place.line) }
    }

    fn table(&self, growing: Growing) -> Table {
        let Growing { columns, places, rejects, blocks } = growing;
        Table {
            file: self.file.clone(),
            format: self.format(),
            header: self.header.clone(),
            batch: batch(self.request.program, &self.binding, columns, places.len()),
            places,
            rejects,
            kept: self.binding.kept.clone(),
            orphans: 0,
            key: self.binding.key.clone(),
            blocks,
        }
    }

    fn orphans(&self) -> usize {
        let good = |key: &[Part]| self.keys.line(key).is_some_and(|line| !self.rejected_lines.contains(&line));
        let orphans = self.rejected_keys.iter().filter(|key| !good(key)).filter(|key| {
            let mut next = (*key).clone();
            // The year ends the key.
            let Some(Part::Number(year)) = next.last_mut() else { return false };
            *year = year.wrapping_add(1);
            good(&next)
        });
        orphans.count()
    }
}

/// Reads a whole file.
///
/// # Errors
/// All its problems, up to the limit of the request.
pub(crate) fn read_all(file: &Arc<str>, source: Box<dyn Source>, request: &Request<'_>) -> Result<Table, Refusal> {
    let mut reader = Reader::open(file, source, request)?;
    let table = reader.next(usize::MAX);
    let bad_header = reader.bad_header();
    let Ending { mut problems, orphans, format } = reader.finish();
    match table {
        Err(problem) => {
            problems.push(|| *problem);
            Err(problems.into())
        }
        Ok(Some(table)) if !bad_header => {
            let table = Table { orphans, format, ..table };
            if problems.is_empty() { Ok(table) } else { Err(Refusal { problems, rest: Some(Box::new(table)) }) }
        }
        Ok(_) => Err(problems.into()),
    }
}

/// A table that is being read.
struct Growing {
    columns: Vec<Column>,
    places: Vec<RowPlace>,
    rejects: Vec<Reject>,
    blocks: Vec<Box<dyn Block>>,
}

impl Growing {
    fn new(reader: &Reader<'_>) -> Self {
        let columns = reader.readers.iter().map(|reader| reader.column.clone()).collect();
        Self { columns, places: Vec::new(), rejects: Vec::new(), blocks: Vec::new() }
    }
}

/// What is wrong with one row.
#[derive(Default)]
struct Verdict {
    bad: bool,
    reasons: Vec<DataProblem>,
    /// Reasons that are only counted.
    others: usize,
}

/// A cell as a part of a key; `None` if it is missing.
fn part(column: &Column, row: usize) -> Option<Part> {
    if column.is_missing(row) {
        return None;
    }
    Some(match &column.data {
        ColumnData::Number(cells) => Part::Number(cells.get(row).cast_unsigned()),
        ColumnData::Boolean(cells) => Part::Number(u64::from(cells.get(row))),
        ColumnData::Date(cells) => Part::Number(i64::from(cells[row]).cast_unsigned()),
        ColumnData::Case(cells) => Part::Number(u64::from(cells[row])),
        ColumnData::Text(cells) => Part::Text(cells[row].clone()),
    })
}

fn batch(program: &Program, binding: &Binding, decoded: Vec<Column>, rows: usize) -> Batch {
    let mut columns: Vec<Option<Column>> = vec![None; program.inputs.len()];
    for ((_, id), column) in binding.inputs.iter().zip(decoded) {
        columns[id.index()] = Some(column);
    }
    for id in &binding.defaults {
        let input = program.input(*id);
        let mut one = Column::with_capacity(input, 1);
        one.push(None, input);
        let mut column = Column::with_capacity(input, rows);
        column.append_copies(&one, rows);
        columns[id.index()] = Some(column);
    }
    Batch { rows, columns }
}
