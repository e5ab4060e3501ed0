//! The lines of payments out: one row for each line of each payment of each row of results, in any format.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use polc_compiler::num::{
    Ratio, RoundingMode, SHOWN_DECIMALS, format_fixed, format_plain, power_of_ten, round_quotient,
};
use polc_compiler::typed::{Program, Value};
use rayon::prelude::*;

use super::table::Table;
use super::text::{FileKind, Format};
use super::typed::{PRECISION, cases, decimals, key, key_field};
use super::write::{csv_text, csv_writer, end_of_record, value_text};
use super::writer::{TypedFile, WriteError, good_rows};
use crate::diagnostics as say;
use crate::explain::{LINE_COLUMNS, Lines, RowLine};
use crate::table::Results;

/// Rows of results whose lines are put together at a time, and by one thread.
const WAVE: usize = 8_192;
const SHARE: usize = 256;

/// A file of lines that is being written.
pub(super) struct DetailWriter<'l, W: Write + Send> {
    lines: &'l Lines,
    /// Rank of the first line among the columns of the results.
    first: usize,
    form: Form<W>,
}

enum Form<W: Write + Send> {
    Csv { out: W, format: Format, texts: Vec<[String; TEXTS]> },
    Typed { file: TypedFile<W>, schema: SchemaRef, words: Vec<Words> },
}

/// What a column says of each line: the same dictionary in every part of the file.
struct Words {
    values: ArrayRef,
    ranks: Vec<i32>,
}

/// One line of one row.
struct Told {
    row: usize,
    /// Its position among those of the payment that have something to show, from 1.
    rank: i64,
    line: RowLine,
}

impl<'l, W: Write + Send> DetailWriter<'l, W> {
    /// Writes the names of the columns. In the results, the columns of the lines come from `first` on, in their order.
    ///
    /// # Errors
    /// When the destination does not take it.
    pub fn new(mut out: W, kind: FileKind, lines: &'l Lines, first: usize, format: Format) -> Result<Self, WriteError> {
        let program = &*lines.program;
        if kind == FileKind::Csv {
            out.write_all(&header(program, format)?)?;
            let texts = (0..lines.lines.len()).map(|line| texts(lines, line)).collect();
            return Ok(Self { lines, first, form: Form::Csv { out, format, texts } });
        }
        let mut fields: Vec<Field> = program.key.iter().map(|id| key_field(program, *id)).collect();
        let currency = program.currency.decimals as i8;
        fields.extend(LINE_COLUMNS.iter().enumerate().map(|(column, name)| {
            let ty = match column {
                1 => DataType::Int64,
                8 => DataType::Utf8,
                9 => DataType::Decimal128(PRECISION, SHOWN_DECIMALS as i8),
                10 => DataType::Decimal128(PRECISION, currency),
                _ => cases(),
            };
            Field::new(*name, ty, false)
        }));
        let schema = Arc::new(Schema::new(fields));
        let words = (0..lines.lines.len()).map(|line| texts(lines, line)).collect::<Vec<_>>();
        let words = (0..TEXTS).map(|column| Words::of(words.iter().map(|texts| &*texts[column]))).collect();
        let file = TypedFile::new(out, kind, &schema)?;
        Ok(Self { lines, first, form: Form::Typed { file, schema, words } })
    }

    /// Writes the lines of the rows of a table that have results, in their order.
    ///
    /// # Errors
    /// When the destination, or the format, does not take them.
    pub fn write(&mut self, table: &Table, results: &Results) -> Result<(), WriteError> {
        let (lines, first) = (self.lines, self.first);
        let told =
            |rows: &[usize]| -> Vec<Told> { rows.iter().flat_map(|row| of_row(lines, first, results, *row)).collect() };
        for wave in good_rows(table, results).chunks(WAVE) {
            match &mut self.form {
                Form::Csv { out, format, texts } => {
                    let parts: io::Result<Vec<Vec<u8>>> =
                        wave.par_chunks(SHARE).map(|rows| text(lines, table, &told(rows), *format, texts)).collect();
                    for text in parts? {
                        out.write_all(&text)?;
                    }
                }
                Form::Typed { file, schema, words } => {
                    let batches: Result<Vec<RecordBatch>, WriteError> =
                        wave.par_chunks(SHARE).map(|rows| batch(lines, table, &told(rows), schema, words)).collect();
                    for batch in batches? {
                        file.push(batch)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// When the destination does not take it.
    pub fn finish(self) -> Result<W, WriteError> {
        match self.form {
            Form::Csv { mut out, .. } => {
                out.flush()?;
                Ok(out)
            }
            Form::Typed { file, .. } => file.finish(),
        }
    }
}

fn header(program: &Program, format: Format) -> io::Result<Vec<u8>> {
    let mut writer = csv_writer(format.separator);
    for id in &program.key {
        writer.write_field(&*program.input(*id).name)?;
    }
    for name in LINE_COLUMNS {
        writer.write_field(name)?;
    }
    end_of_record(writer)
}

fn of_row(lines: &Lines, first: usize, results: &Results, row: usize) -> Vec<Told> {
    let value = |line: usize| match results.columns[first + line].value(row) {
        Some(Value::Number(number)) => Some(number),
        _ => None,
    };
    let payments = lines.payments.iter().flat_map(|payment| {
        let told = lines.of_row(payment, value).into_iter().enumerate();
        told.map(|(rank, line)| Told { row, rank: rank as i64 + 1, line })
    });
    payments.collect()
}

/// Columns of texts that depend on the line only.
const TEXTS: usize = 7;

/// Payment, kind, provision, title, articles, version, operation.
fn texts(lines: &Lines, line: usize) -> [String; TEXTS] {
    let line = &lines.lines[line];
    [
        lines.program.quantity(line.payment).name.to_string(),
        line.kind_text().to_owned(),
        line.provision.clone(),
        line.title.clone(),
        line.references.join(", "),
        line.version(),
        line.operation.clone(),
    ]
}

fn values(lines: &Lines, table: &Table, told: &Told, mark: char) -> String {
    let program: &Program = &lines.program;
    let year = table.batch.year(program, told.row);
    lines.values(
        &lines.lines[told.line.line],
        year,
        |id| table.batch.value(program, id, told.row),
        |ty, value| value_text(program, ty, value, mark),
    )
}

fn text(lines: &Lines, table: &Table, told: &[Told], format: Format, texts: &[[String; TEXTS]]) -> io::Result<Vec<u8>> {
    let program: &Program = &lines.program;
    let mark = format.decimal_mark();
    let currency = program.currency.decimals;
    let mut writer = csv_writer(format.separator);
    for told in told {
        for id in &program.key {
            let value = table.batch.value(program, *id, told.row);
            let ty = &program.input(*id).ty;
            writer.write_field(value.map(|value| value_text(program, ty, &value, mark)).unwrap_or_default())?;
        }
        let [payment, others @ ..] = &texts[told.line.line];
        writer.write_field(payment)?;
        writer.write_field(told.rank.to_string())?;
        for text in others {
            writer.write_field(text)?;
        }
        writer.write_field(values(lines, table, told, mark))?;
        writer.write_field(format_plain(&told.line.exact, currency, mark))?;
        writer.write_field(format_fixed(&told.line.paid, currency, mark))?;
        writer.write_record(None::<&[u8]>)?;
    }
    csv_text(writer)
}

fn batch(
    lines: &Lines,
    table: &Table,
    told: &[Told],
    schema: &SchemaRef,
    words: &[Words],
) -> Result<RecordBatch, WriteError> {
    let program: &Program = &lines.program;
    let rows: Vec<usize> = told.iter().map(|told| told.row).collect();
    let mut arrays: Vec<ArrayRef> = program.key.iter().map(|id| key(program, table, *id, &rows)).collect();
    let mut words = words.iter().map(|words| words.column(told));
    arrays.extend(words.next());
    arrays.push(Arc::new(told.iter().map(|told| told.rank).collect::<Int64Array>()));
    arrays.extend(words);
    arrays.push(Arc::new(told.iter().map(|told| Some(values(lines, table, told, '.'))).collect::<StringArray>()));
    arrays.push(amounts(lines, table, told, |line| &line.exact, SHOWN_DECIMALS)?);
    arrays.push(amounts(lines, table, told, |line| &line.paid, program.currency.decimals)?);
    Ok(RecordBatch::try_new(schema.clone(), arrays)?)
}

/// A column of decimals, to the nearest, halves away from zero.
fn amounts(
    lines: &Lines,
    table: &Table,
    told: &[Told],
    amount: impl Fn(&RowLine) -> &Ratio,
    scale: u32,
) -> Result<ArrayRef, WriteError> {
    let mut builder = decimals(told.len(), scale);
    for told in told {
        let value = amount(&told.line);
        let units = round_quotient(&(value.numer() * power_of_ten(scale)), value.denom(), RoundingMode::HalfAway);
        let units = i128::try_from(units).ok().filter(|units| units.unsigned_abs() < 10u128.pow(PRECISION.into()));
        let Some(units) = units else {
            let payment = lines.program.quantity(lines.lines[told.line.line].payment);
            let place = table.row_place(&lines.program, told.row).on(&payment.name);
            let text = format_plain(value, lines.program.currency.decimals, '.');
            return Err(say::too_large_for_a_column(&place, &text, PRECISION, scale).into());
        };
        builder.append_value(units);
    }
    Ok(Arc::new(builder.finish()))
}

impl Words {
    fn of<'t>(texts: impl Iterator<Item = &'t str>) -> Self {
        let mut known: BTreeMap<&str, i32> = BTreeMap::new();
        let mut values: Vec<&str> = Vec::new();
        let ranks = texts.map(|text| {
            *known.entry(text).or_insert_with(|| {
                values.push(text);
                values.len() as i32 - 1
            })
        });
        let ranks = ranks.collect();
        Self { values: Arc::new(StringArray::from(values)), ranks }
    }

    fn column(&self, told: &[Told]) -> ArrayRef {
        let ranks: Int32Array = told.iter().map(|told| self.ranks[told.line.line]).collect();
        match DictionaryArray::<Int32Type>::try_new(ranks, self.values.clone()) {
            Ok(array) => Arc::new(array),
            // Each line has its rank.
            Err(_) => Arc::new(StringArray::new_null(told.len())),
        }
    }
}
