//! Writes results, and the rows put aside, as CSV.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::Arc;

use polc_compiler::calendar::Date;
use polc_compiler::num::format_plain;
use polc_compiler::typed::{Enumeration, Program, QuantityId, Type, Value};

use super::decimal::{Divisor, Style};
use super::table::{Reject, RowPlace, Table};
use super::text::{FileKind, Format};
use super::writer::{WriteError, Writer};
use crate::table::{Numbers, ResultColumn, ResultValues, Results};

/// Digits after the mark that an amount in the currency has at least.
const CURRENCY_DECIMALS: u32 = 2;

/// Writes results as a CSV file with the format of the data, see [`super::writer::Writer`].
///
/// # Errors
/// When the destination does not take it.
pub fn results(
    out: &mut (dyn Write + Send),
    program: &Program,
    table: &Table,
    outputs: &[QuantityId],
    results: &Results,
) -> Result<(), WriteError> {
    let mut writer = Writer::new(out, FileKind::Csv, program, outputs, table, table.format)?;
    writer.write(table, results)?;
    writer.finish().map(drop)
}

/// Results as the rows of a CSV file.
pub(super) struct Sheet<'a> {
    program: &'a Program,
    table: &'a Table,
    columns: Vec<(&'a ResultColumn, Cells<'a>)>,
    format: Format,
}

/// The results of one column, with what it takes to write them.
enum Cells<'a> {
    Boolean(&'a [bool]),
    Date(&'a [i32]),
    Case(&'a [u16], Option<&'a Enumeration>),
    Text(&'a [Arc<str>]),
    Number(&'a Numbers, Style),
}

impl<'a> Sheet<'a> {
    pub fn new(
        program: &'a Program,
        table: &'a Table,
        outputs: &'a [QuantityId],
        results: &'a Results,
        format: Format,
    ) -> Self {
        let mark = format.decimal_mark();
        let cells = |(column, id): (&'a ResultColumn, &QuantityId)| {
            let ty = &program.quantity(*id).ty;
            let cells = match &column.values {
                ResultValues::Boolean(cells) => Cells::Boolean(cells),
                ResultValues::Date(cells) => Cells::Date(cells),
                ResultValues::Case(cells) => Cells::Case(cells, enumeration(program, ty)),
                ResultValues::Text(cells) => Cells::Text(cells),
                ResultValues::Number(numbers) => Cells::Number(numbers, Style { least: least(program, ty), mark }),
            };
            (column, cells)
        };
        let columns = results.columns.iter().zip(outputs).map(cells).collect();
        Self { program, table, columns, format }
    }

    /// The names of the columns: the key, the outputs, the columns carried through.
    pub fn header(program: &Program, outputs: &[QuantityId], table: &Table, format: Format) -> io::Result<Vec<u8>> {
        let mut writer = csv_writer(format.separator);
        for id in &program.key {
            writer.write_field(&*program.input(*id).name)?;
        }
        for id in outputs {
            writer.write_field(&*program.quantity(*id).name)?;
        }
        for column in &table.kept {
            writer.write_field(&table.header[*column])?;
        }
        end_of_record(writer)
    }

    pub fn rows(&self, rows: &[usize]) -> io::Result<Vec<u8>> {
        let mark = self.format.decimal_mark();
        let mut writer = csv_writer(self.format.separator);
        let mut divisors = vec![Divisor::ONE; self.columns.len()];
        let mut cell = Vec::new();
        for row in rows {
            for id in &self.program.key {
                let value = self.table.batch.value(self.program, *id, *row);
                let ty = &self.program.input(*id).ty;
                writer
                    .write_field(value.map(|value| value_text(self.program, ty, &value, mark)).unwrap_or_default())?;
            }
            for ((column, cells), divisor) in self.columns.iter().zip(&mut divisors) {
                cell.clear();
                if column.present[*row] {
                    cells.write(&mut cell, *row, divisor);
                }
                writer.write_field(&cell)?;
            }
            if !self.table.kept.is_empty() {
                let original = self.table.cells(&self.table.places[*row]);
                for column in &self.table.kept {
                    writer.write_field(original[*column].as_bytes())?;
                }
            }
            writer.write_record(None::<&[u8]>)?;
        }
        csv_text(writer)
    }
}

impl Cells<'_> {
    fn write(&self, out: &mut Vec<u8>, row: usize, divisor: &mut Divisor) {
        match self {
            Cells::Boolean(cells) => out.extend_from_slice(boolean(cells[row]).as_bytes()),
            Cells::Date(cells) => {
                let date = Date::from_days(i64::from(cells[row])).map(|date| date.to_string());
                out.extend_from_slice(date.unwrap_or_default().as_bytes());
            }
            Cells::Case(cells, enumeration) => {
                out.extend_from_slice(case(*enumeration, u32::from(cells[row])).as_bytes());
            }
            Cells::Text(cells) => out.extend_from_slice(cells[row].as_bytes()),
            Cells::Number(numbers, style) => {
                let Some((numerator, denominator)) = numbers.small(row) else {
                    out.extend_from_slice(format_plain(&numbers.value(row), style.least, style.mark).as_bytes());
                    return;
                };
                divisor.write(out, numerator.into(), denominator.into(), *style);
            }
        }
    }
}

/// Writes the rows put aside: the line of each, its cells as they are in the file, and what is wrong with it.
///
/// # Errors
/// When the destination does not take it.
pub fn rejects(out: &mut dyn Write, table: &Table, rejects: &[Reject]) -> io::Result<()> {
    out.write_all(&rejects_header(table)?)?;
    out.write_all(&rejected_rows(table, rejects)?)?;
    out.flush()
}

/// The names of the columns of a file of rejects.
///
/// # Errors
/// None in practice: the text is in memory.
pub fn rejects_header(table: &Table) -> io::Result<Vec<u8>> {
    let mut writer = csv_writer(table.format.separator);
    writer.write_field("ligne")?;
    for name in &table.header {
        writer.write_field(name)?;
    }
    writer.write_field("motif")?;
    end_of_record(writer)
}

/// The lines of a file of rejects.
///
/// # Errors
/// None in practice: the text is in memory.
pub fn rejected_rows(table: &Table, rejects: &[Reject]) -> io::Result<Vec<u8>> {
    let mut writer = csv_writer(table.format.separator);
    for reject in rejects {
        writer.write_field(reject.place.line.to_string())?;
        for cell in rectangular(table, &reject.place) {
            writer.write_field(cell.as_bytes())?;
        }
        let reasons: Vec<String> = reject.reasons.iter().map(crate::diagnostics::DataProblem::reason).collect();
        writer.write_field(reasons.join(" | "))?;
        writer.write_record(None::<&[u8]>)?;
    }
    csv_text(writer)
}

/// The cells of a row, as many as the header has: a short row is completed, the end of a long one goes into its last cell.
fn rectangular<'t>(table: &'t Table, place: &RowPlace) -> Vec<Cow<'t, str>> {
    let mut cells = table.cells(place);
    let width = table.header.len();
    if cells.len() > width {
        let separator = char::from(table.format.separator).to_string();
        let rest = cells.split_off(width - 1).join(&*separator);
        cells.push(rest.into());
    }
    cells.resize(width, "".into());
    cells
}

/// A value as data files write it: plain numbers, `vrai` or `faux`, ISO dates, names of cases.
#[must_use]
pub fn value_text(program: &Program, ty: &Type, value: &Value, mark: char) -> String {
    match value {
        Value::Number(number) => format_plain(number, least(program, ty), mark),
        Value::Boolean(value) => boolean(*value).to_owned(),
        Value::Date(date) => date.to_string(),
        Value::Case(rank) => case(enumeration(program, ty), *rank).to_owned(),
        Value::Text(text) => text.to_string(),
    }
}

/// Digits after the mark that a number of this type has at least.
fn least(program: &Program, ty: &Type) -> u32 {
    match ty {
        Type::Number(unit) if unit.has_numerator(&program.currency.symbol) => CURRENCY_DECIMALS,
        _ => 0,
    }
}

fn boolean(value: bool) -> &'static str {
    if value { "vrai" } else { "faux" }
}

fn enumeration<'p>(program: &'p Program, ty: &Type) -> Option<&'p Enumeration> {
    match ty {
        Type::Enumeration(id) => Some(program.enumeration(*id)),
        _ => None,
    }
}

fn case(enumeration: Option<&Enumeration>, rank: u32) -> &str {
    enumeration.and_then(|e| e.cases.get(rank as usize)).map_or("", |(name, _)| name)
}

pub(super) fn csv_writer(separator: u8) -> csv::Writer<Vec<u8>> {
    csv::WriterBuilder::new().delimiter(separator).flexible(true).from_writer(Vec::new())
}

/// Ends the record being written, and gives the text.
pub(super) fn end_of_record(mut writer: csv::Writer<Vec<u8>>) -> io::Result<Vec<u8>> {
    writer.write_record(None::<&[u8]>)?;
    csv_text(writer)
}

pub(super) fn csv_text(writer: csv::Writer<Vec<u8>>) -> io::Result<Vec<u8>> {
    writer.into_inner().map_err(|error| io::Error::other(error.to_string()))
}
