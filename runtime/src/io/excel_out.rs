//! Excel workbooks out: one sheet, row after row, the rows written standing on disk.

use std::io::{self, Write};

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray as _;
use arrow_array::types::Date32Type;
use arrow_schema::{DataType, SchemaRef};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::writer::WriteError;
use super::{arrow, float};
use crate::diagnostics as say;

/// Rows of a sheet, the names of the columns included; and columns.
const MOST_ROWS: usize = 1_048_576;
const MOST_COLUMNS: usize = 16_384;
/// Days from the origin of Excel to 1 January 1970.
const EPOCH: i32 = 25_569;
/// Excel counts a day that never was before 1 March 1900.
const FIRST_DAY: i32 = 61;

pub(crate) struct ExcelOut<W> {
    out: W,
    workbook: Workbook,
    rows: usize,
    date: Format,
}

impl<W: Write> ExcelOut<W> {
    pub fn new(out: W, schema: &SchemaRef) -> Result<Self, WriteError> {
        if schema.fields().len() > MOST_COLUMNS {
            return Err(say::sheet_too_small(MOST_ROWS, MOST_COLUMNS).into());
        }
        let mut workbook = Workbook::new();
        // The same results give the same bytes.
        let properties = DocProperties::new().set_creation_datetime(&ExcelDateTime::from_ymd(2000, 1, 1)?);
        workbook.set_properties(&properties);
        let sheet = workbook.add_worksheet_with_constant_memory()?;
        for (column, field) in schema.fields().iter().enumerate() {
            sheet.write_string(0, column as u16, field.name())?;
        }
        Ok(Self { out, workbook, rows: 1, date: Format::new().set_num_format("yyyy-mm-dd") })
    }

    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        if self.rows + batch.num_rows() > MOST_ROWS {
            return Err(say::sheet_too_small(MOST_ROWS, MOST_COLUMNS).into());
        }
        let sheet = self.workbook.worksheet_from_index(0)?;
        for row in 0..batch.num_rows() {
            for (column, array) in batch.columns().iter().enumerate() {
                if !array.is_null(row) {
                    write_cell(sheet, (self.rows + row) as u32, column as u16, &**array, row, &self.date)?;
                }
            }
        }
        self.rows += batch.num_rows();
        Ok(())
    }

    pub fn finish(mut self) -> Result<W, WriteError> {
        let bytes = self.workbook.save_to_buffer()?;
        self.out.write_all(&bytes)?;
        Ok(self.out)
    }
}

fn write_cell(
    sheet: &mut Worksheet,
    at: u32,
    column: u16,
    array: &dyn arrow_array::Array,
    row: usize,
    date: &Format,
) -> Result<(), XlsxError> {
    match array.data_type() {
        DataType::Boolean => sheet.write_boolean(at, column, array.as_boolean().value(row))?,
        DataType::Date32 if array.as_primitive::<Date32Type>().value(row) + EPOCH >= FIRST_DAY => {
            let days = array.as_primitive::<Date32Type>().value(row) + EPOCH;
            sheet.write_number_with_format(at, column, days, date)?
        }
        ty => {
            let text = arrow::text(array, row);
            // A sheet holds 15 digits: a longer number is a text, whole.
            match float::of_text(&text).filter(|_| ty.is_numeric()) {
                Some(number) => sheet.write_number(at, column, number)?,
                None => sheet.write_string(at, column, &*text)?,
            }
        }
    };
    Ok(())
}

impl From<XlsxError> for WriteError {
    fn from(error: XlsxError) -> Self {
        match error {
            XlsxError::IoError(error) => error.into(),
            other => io::Error::other(other.to_string()).into(),
        }
    }
}
