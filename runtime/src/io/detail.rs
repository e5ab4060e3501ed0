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
use polc_compiler::typed::{Program, QuantityId, Value};

use super::table::Table;
use super::text::{FileKind, Format};
use super::typed::{Decimals, cases, key, key_field};
use super::write::{csv_text, csv_writer, end_of_record, value_text};
use super::writer::{TypedFile, WriteError, good_rows, write_texts};
use crate::diagnostics as say;
use crate::explain::{LINE_COLUMNS, Lines, RowLine};
use crate::table::Results;

/// Rows of results whose lines are put together at a time, and by one thread.
const WAVE: usize = 8_192;
const SHARE: usize = 256;

/// A file of lines that is being written.
pub(super) struct DetailWriter<'l, W: Write + Send> {
    lines: &'l Lines,
    columns: Columns,
    form: Form<W>,
}

enum Form<W: Write + Send> {
    Csv { out: W, format: Format, texts: Vec<[String; TEXTS]> },
    Typed { file: TypedFile<W>, schema: SchemaRef, words: Vec<Words> },
}

/// Where the columns of the results are.
struct Columns {
    outputs: BTreeMap<QuantityId, usize>,
    /// That of the first line; the others follow.
    lines: usize,
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
    /// Writes the names of the columns. In the results, the columns of the lines follow those of the outputs.
    ///
    /// # Errors
    /// When the destination does not take it.
    pub fn new(
        mut out: W,
        kind: FileKind,
        lines: &'l Lines,
        outputs: &[QuantityId],
        format: Format,
    ) -> Result<Self, WriteError> {
        let ranks = outputs.iter().enumerate().map(|(rank, id)| (*id, rank));
        let columns = Columns { outputs: ranks.collect(), lines: outputs.len() };
        let program = &*lines.program;
        if kind == FileKind::Csv {
            out.write_all(&header(program, format)?)?;
            let texts = (0..lines.lines.len()).map(|line| texts(lines, line)).collect();
            return Ok(Self { lines, columns, form: Form::Csv { out, format, texts } });
        }
        let mut fields: Vec<Field> = program.key.iter().map(|id| key_field(program, *id)).collect();
        let paid = Decimals::amounts(program.currency.decimals);
        fields.extend(LINE_COLUMNS.iter().enumerate().map(|(column, name)| {
            let ty = match column {
                1 => DataType::Int64,
                8 => DataType::Utf8,
                9 => Decimals::wide(SHOWN_DECIMALS).ty(),
                10 => paid.ty(),
                _ => cases(),
            };
            Field::new(*name, ty, false)
        }));
        let schema = Arc::new(Schema::new(fields));
        let words = (0..lines.lines.len()).map(|line| texts(lines, line)).collect::<Vec<_>>();
        let words = (0..TEXTS).map(|column| Words::of(words.iter().map(|texts| &*texts[column]))).collect();
        let file = TypedFile::new(out, kind, &schema)?;
        Ok(Self { lines, columns, form: Form::Typed { file, schema, words } })
    }

    /// Writes the lines of the rows of a table that have results, in their order.
    ///
    /// # Errors
    /// When the destination, or the format, does not take them.
    pub fn write(&mut self, table: &Table, results: &Results) -> Result<(), WriteError> {
        let part = Part { lines: self.lines, columns: &self.columns, table, results };
        for wave in good_rows(table, results).chunks(WAVE) {
            match &mut self.form {
                Form::Csv { out, format, texts } => {
                    write_texts(out, wave, SHARE, |rows| part.text(rows, *format, texts))?;
                }
                Form::Typed { file, schema, words } => {
                    file.push_rows(wave, SHARE, |rows| part.batch(rows, schema, words))?;
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

/// A part of the data with its results, lines included.
struct Part<'a> {
    lines: &'a Lines,
    columns: &'a Columns,
    table: &'a Table,
    results: &'a Results,
}

impl Part<'_> {
    fn of_row(&self, row: usize) -> impl Iterator<Item = Told> + '_ {
        let value = move |line: usize| match self.results.columns[self.columns.lines + line].value(row) {
            Some(Value::Number(number)) => Some(number),
            _ => None,
        };
        self.lines.payments.iter().flat_map(move |payment| {
            let told = self.lines.of_row(payment, value).into_iter().enumerate();
            told.map(move |(rank, line)| Told { row, rank: rank as i64 + 1, line })
        })
    }

    fn values(&self, told: &Told, mark: char) -> String {
        let program: &Program = &self.lines.program;
        let batch = &self.table.batch;
        self.lines.values(
            &self.lines.lines[told.line.line],
            batch.year(program, told.row),
            |id| batch.value(program, id, told.row),
            |id| self.results.columns[*self.columns.outputs.get(&id)?].value(told.row),
            |ty, value| value_text(program, ty, value, mark),
        )
    }

    fn text(&self, rows: &[usize], format: Format, texts: &[[String; TEXTS]]) -> io::Result<Vec<u8>> {
        let program: &Program = &self.lines.program;
        let mark = format.decimal_mark();
        let currency = program.currency.decimals;
        let mut writer = csv_writer(format.separator);
        for told in rows.iter().flat_map(|row| self.of_row(*row)) {
            for id in &program.key {
                let value = self.table.batch.value(program, *id, told.row);
                let ty = &program.input(*id).ty;
                writer.write_field(value.map(|value| value_text(program, ty, &value, mark)).unwrap_or_default())?;
            }
            let [payment, others @ ..] = &texts[told.line.line];
            writer.write_field(payment)?;
            writer.write_field(told.rank.to_string())?;
            for text in others {
                writer.write_field(text)?;
            }
            writer.write_field(self.values(&told, mark))?;
            writer.write_field(format_plain(&told.line.exact, currency, mark))?;
            writer.write_field(format_fixed(&told.line.paid, currency, mark))?;
            writer.write_record(None::<&[u8]>)?;
        }
        csv_text(writer)
    }

    fn batch(&self, rows: &[usize], schema: &SchemaRef, words: &[Words]) -> Result<RecordBatch, WriteError> {
        let program: &Program = &self.lines.program;
        let told: Vec<Told> = rows.iter().flat_map(|row| self.of_row(*row)).collect();
        let rows: Vec<usize> = told.iter().map(|told| told.row).collect();
        let mut arrays: Vec<ArrayRef> = program.key.iter().map(|id| key(program, self.table, *id, &rows)).collect();
        let mut words = words.iter().map(|words| words.column(&told));
        arrays.extend(words.next());
        arrays.push(Arc::new(told.iter().map(|told| told.rank).collect::<Int64Array>()));
        arrays.extend(words);
        arrays.push(Arc::new(told.iter().map(|told| Some(self.values(told, '.'))).collect::<StringArray>()));
        arrays.push(self.amounts(&told, |line| &line.exact, Decimals::wide(SHOWN_DECIMALS))?);
        arrays.push(self.amounts(&told, |line| &line.paid, Decimals::amounts(program.currency.decimals))?);
        Ok(RecordBatch::try_new(schema.clone(), arrays)?)
    }

    /// A column of decimals, to the nearest, halves away from zero.
    fn amounts(
        &self,
        told: &[Told],
        amount: impl Fn(&RowLine) -> &Ratio,
        decimals: Decimals,
    ) -> Result<ArrayRef, WriteError> {
        let program: &Program = &self.lines.program;
        let mut builder = decimals.builder(told.len());
        for told in told {
            let value = amount(&told.line);
            let units =
                round_quotient(&(value.numer() * power_of_ten(decimals.scale)), value.denom(), RoundingMode::HalfAway);
            let units = i128::try_from(units).ok().filter(|units| decimals.hold(*units));
            let Some(units) = units else {
                let payment = program.quantity(self.lines.lines[told.line.line].payment);
                let place = self.table.row_place(program, told.row).on(&payment.name);
                let text = format_plain(value, program.currency.decimals, '.');
                return Err(say::too_large_for_a_column(&place, &text, decimals).into());
            };
            builder.append_value(units);
        }
        Ok(Arc::new(builder.finish()))
    }
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
