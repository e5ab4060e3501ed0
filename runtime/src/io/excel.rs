//! Excel workbooks in: the first sheet, held whole in memory. Its first row that is not empty gives the names of the columns.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;
use std::sync::Arc;

use calamine::{Data, Range, Reader as _, Xlsx, XlsxError, open_workbook_from_rs};
use polc_compiler::calendar::Date;

use super::arrow::BLOCK_ROWS;
use super::block::{Block, RowFault, Rows, Source, What};
use super::cell::{CellProblem, ColumnReader, Reads, composed, trim};
use super::float;
use super::guard::guarded;
use super::table::RowPlace;
use super::text::{FileKind, Format};
use crate::diagnostics::{self as say, DataProblem};

pub(crate) struct ExcelSource {
    sheet: Arc<Sheet>,
    at: usize,
}

#[derive(Debug)]
struct Sheet {
    cells: Range<Data>,
    names: Vec<String>,
    /// Row of the names in the range.
    header: usize,
    /// Row of the sheet on which the range begins, from 1.
    first: usize,
}

impl ExcelSource {
    /// Reads the first sheet.
    ///
    /// # Errors
    /// When the file is not a workbook, or has no sheet.
    pub fn open(file: &Arc<str>, path: &Path) -> Result<Self, Box<DataProblem>> {
        let opened = File::open(path).map_err(|error| say::unreadable_data(file, &error))?;
        let broken = |why: Option<&XlsxError>| match why {
            Some(XlsxError::Io(error)) if error.kind() != io::ErrorKind::UnexpectedEof => {
                say::unreadable_data(file, error)
            }
            _ => say::broken_file(file, FileKind::Excel),
        };
        let cells = guarded(|| {
            let mut workbook: Xlsx<_> = open_workbook_from_rs(BufReader::new(opened))?;
            workbook.worksheet_range_at(0).transpose()
        });
        let cells = cells.ok_or_else(|| broken(None))?.map_err(|error| broken(Some(&error)))?;
        let cells = cells.ok_or_else(|| broken(None))?;
        let header = cells.rows().position(|row| row.iter().any(|cell| !is_empty(cell))).unwrap_or(0);
        let name = |cell: &Data| composed(trim(&text(cell))).into_owned();
        let mut names: Vec<String> = cells.rows().nth(header).unwrap_or_default().iter().map(name).collect();
        // A column without name or cells is the trace of a format.
        while names.last().is_some_and(String::is_empty)
            && cells.rows().skip(header).all(|row| row.get(names.len() - 1).is_none_or(is_empty))
        {
            names.pop();
        }
        let first = cells.start().map_or(1, |(row, _)| row as usize + 1);
        Ok(Self { sheet: Arc::new(Sheet { cells, names, header, first }), at: header + 1 })
    }
}

impl Source for ExcelSource {
    fn header(&self) -> (&[String], Option<usize>) {
        (&self.sheet.names, Some(self.sheet.first + self.sheet.header))
    }

    fn format(&self) -> Format {
        Format::of(FileKind::Excel)
    }

    fn next(&mut self) -> Result<Option<Box<dyn Block>>, Box<DataProblem>> {
        let height = self.sheet.cells.height();
        if self.at >= height {
            return Ok(None);
        }
        let end = (self.at + BLOCK_ROWS).min(height);
        let block = ExcelBlock { sheet: self.sheet.clone(), rows: self.at..end };
        self.at = end;
        Ok(Some(Box::new(block)))
    }

    fn again(&self) -> Result<Box<dyn Source>, Box<DataProblem>> {
        Ok(Box::new(Self { sheet: self.sheet.clone(), at: self.sheet.header + 1 }))
    }
}

#[derive(Debug)]
struct ExcelBlock {
    sheet: Arc<Sheet>,
    rows: std::ops::Range<usize>,
}

impl Block for ExcelBlock {
    fn decode(&self, block: usize, columns: &[usize], readers: &mut [ColumnReader<'_>]) -> Rows {
        let mut rows = Rows::default();
        for at in self.rows.clone() {
            let cells = row(&self.sheet.cells, at);
            if cells.iter().all(is_empty) {
                continue;
            }
            let number = rows.places.len();
            rows.places.push(RowPlace { line: self.sheet.first + at, block, start: at, end: at + 1 });
            for (rank, (column, reader)) in columns.iter().zip(readers.iter_mut()).enumerate() {
                let result = match (cells.get(*column).unwrap_or(&Data::Empty), reader.reads()) {
                    (Data::Float(value), Reads::Numbers) => float::push(reader, *value),
                    (Data::Int(value), Reads::Numbers) => reader.push_scaled((*value).into(), 0),
                    (Data::Bool(value), Reads::Booleans) => reader.push_boolean(*value),
                    (cell, _) => reader.push(&text(cell), &mut rows.marks),
                };
                if let Err(problem) = result {
                    let problem = if matches!(cells.get(*column), Some(Data::Error(_))) {
                        CellProblem::NotACell
                    } else {
                        problem
                    };
                    rows.faults.push(RowFault { row: number, what: What::Cell(rank, problem) });
                }
            }
        }
        rows
    }

    fn cells(&self, place: &RowPlace) -> Vec<Cow<'_, str>> {
        let cells = row(&self.sheet.cells, place.start);
        (0..self.sheet.names.len()).map(|column| cells.get(column).map(text).unwrap_or_default()).collect()
    }
}

fn row(cells: &Range<Data>, at: usize) -> &[Data] {
    if at < cells.height() { &cells[at] } else { &[] }
}

fn is_empty(cell: &Data) -> bool {
    match cell {
        Data::Empty => true,
        Data::String(text) => trim(text).is_empty(),
        _ => false,
    }
}

/// A cell as a CSV file would write it.
fn text(cell: &Data) -> Cow<'_, str> {
    match cell {
        Data::Empty => Cow::Borrowed(""),
        Data::String(text) | Data::DurationIso(text) => text.into(),
        Data::DateTimeIso(text) => text.strip_suffix("T00:00:00").unwrap_or(text).into(),
        Data::Int(value) => value.to_string().into(),
        Data::Float(value) => float::shortest(*value).into(),
        Data::Bool(value) => (if *value { "vrai" } else { "faux" }).into(),
        Data::DateTime(value) if value.is_datetime() => {
            let (year, month, day, hour, minute, second, milli) = value.to_ymd_hms_milli();
            let date = Date::new(year.into(), month.into(), day.into());
            let date = date.map_or_else(|| value.to_string(), |date| date.to_string());
            match (hour, minute, second, milli) {
                (0, 0, 0, 0) => date.into(),
                _ => format!("{date}T{hour:02}:{minute:02}:{second:02}").into(),
            }
        }
        Data::DateTime(value) => value.to_string().into(),
        Data::Error(error) => error.to_string().into(),
    }
}
