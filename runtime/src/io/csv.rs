//! CSV: the separator and the encoding are found out, the columns come in any order.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use memchr::memmem;
use polc_compiler::typed::Program;

use super::block::{Block, RowFault, Rows, Source, What};
use super::cell::{ColumnReader, composed, trim};
use super::pieces::{Cut, Piece, Pieces};
use super::reader::read_all;
use super::records::{Record, Records};
use super::text::{Encoding, FileKind, Format, Text, decode};
use crate::diagnostics::{self as say, DataProblem, Place, Ragged};

pub use super::request::{KeyFilter, OtherColumns, Request};
pub use super::table::{Refusal, Reject, RowPlace, Table};

/// Reads a CSV file that is in memory.
///
/// # Errors
/// All the problems of the file, up to the limit of the request: of its form (`POL5001`, `POL5005`, `POL5015`), its header
/// (`POL5002` to `POL5004`), its cells (`POL5006` to `POL5010`) and its keys (`POL5011`). When bad rows are put aside, only
/// those of the form and the header.
pub fn read(file: &str, bytes: Vec<u8>, request: &Request<'_>) -> Result<Table, Refusal> {
    let file: Arc<str> = file.into();
    let Text { text, encoding, mark } = decode(bytes, FileKind::Csv).map_err(|what| say::not_text(&file, what))?;
    let pieces = Pieces::of_text(Arc::new(text), Cut::Lines);
    let source = CsvSource::open(&file, pieces, encoding, mark, request)?;
    read_all(&file, Box::new(source), request)
}

/// A CSV file, record after record.
pub(crate) struct CsvSource {
    file: Arc<str>,
    pieces: Pieces,
    header: Vec<String>,
    /// Physical line of the header.
    line: usize,
    format: Format,
}

impl CsvSource {
    /// Reads the header.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(
        file: &Arc<str>,
        mut pieces: Pieces,
        encoding: Encoding,
        mark: bool,
        request: &Request<'_>,
    ) -> Result<Self, Box<DataProblem>> {
        let unreadable = |error: io::Error| say::unreadable_data(file, &error);
        let separator = find_separator(pieces.peek().map_err(unreadable)?, request.program);
        pieces.cut_at(Cut::Records(separator));
        let mut record = Record::default();
        if !pieces.first_record(separator, &mut record).map_err(unreadable)? {
            let expected: Vec<&str> = request.required.iter().map(|id| &*request.program.input(*id).name).collect();
            return Err(say::empty_file(file, &expected).into());
        }
        if let Some(fault) = record.fault {
            return Err(say::bad_quotes(&Place::line(file, record.line), fault).into());
        }
        let text = pieces.text();
        let name = |cell: &super::records::Cell| composed(trim(&cell.text(text))).into_owned();
        let header = record.cells.iter().map(name).collect();
        let format = Format { encoding, mark, separator, ..Format::of(FileKind::Csv) };
        Ok(Self { file: file.clone(), pieces, header, line: record.line, format })
    }
}

impl Source for CsvSource {
    fn header(&self) -> (&[String], Option<usize>) {
        (&self.header, Some(self.line))
    }

    fn format(&self) -> Format {
        self.format
    }

    fn next(&mut self) -> Result<Option<Box<dyn Block>>, Box<DataProblem>> {
        let piece = self.pieces.next().map_err(|error| say::unreadable_data(&self.file, &error))?;
        let block = |piece| CsvBlock { piece, separator: self.format.separator, width: self.header.len() };
        Ok(piece.map(|piece| Box::new(block(piece)) as Box<dyn Block>))
    }

    fn again(&self) -> Result<Box<dyn Source>, Box<DataProblem>> {
        let unreadable = |error: io::Error| say::unreadable_data(&self.file, &error);
        let mut pieces = self.pieces.again().map_err(unreadable)?;
        pieces.first_record(self.format.separator, &mut Record::default()).map_err(unreadable)?;
        let (file, header, line, format) = (self.file.clone(), self.header.clone(), self.line, self.format);
        Ok(Box::new(Self { file, pieces, header, line, format }))
    }
}

#[derive(Debug)]
struct CsvBlock {
    piece: Piece,
    separator: u8,
    /// Columns of the header.
    width: usize,
}

impl Block for CsvBlock {
    fn decode(&self, block: usize, columns: &[usize], readers: &mut [ColumnReader<'_>]) -> Rows {
        let Piece { text, range, line } = &self.piece;
        let mut rows = Rows::default();
        let mut records = Records::new(text, self.separator, range.start, *line);
        let mut record = Record::default();
        while records.next_before(range.end, &mut record) {
            let row = rows.places.len();
            rows.places.push(RowPlace { line: record.line, block, start: record.range.start, end: record.range.end });
            if let Some(fault) = self.fault(&record) {
                readers.iter_mut().for_each(ColumnReader::push_refused);
                rows.faults.push(RowFault { row, what: fault });
                continue;
            }
            for (rank, (column, reader)) in columns.iter().zip(readers.iter_mut()).enumerate() {
                if let Err(problem) = reader.push(&record.cells[*column].text(text), &mut rows.marks) {
                    rows.faults.push(RowFault { row, what: What::Cell(rank, problem) });
                }
            }
        }
        rows
    }

    fn may_hold(&self, word: &str) -> bool {
        memmem::find(self.piece.text[self.piece.range.clone()].as_bytes(), word.as_bytes()).is_some()
    }

    fn cells(&self, place: &RowPlace) -> Vec<Cow<'_, str>> {
        let mut record = Record::default();
        let text = &self.piece.text[..place.end];
        Records::new(text, self.separator, place.start, place.line).next(&mut record);
        record.cells.iter().map(|cell| cell.text(&self.piece.text)).collect()
    }
}

impl CsvBlock {
    fn fault(&self, record: &Record) -> Option<What> {
        if let Some(fault) = record.fault {
            return Some(What::Quotes(fault));
        }
        let found = record.cells.len();
        (found != self.width).then_some(What::Ragged(Ragged {
            found,
            expected: self.width,
            lines: record.lines,
            separator: self.separator,
        }))
    }
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

#[cfg(test)]
mod tests;
