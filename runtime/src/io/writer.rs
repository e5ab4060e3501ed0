//! Results out, in the format that the name of the file tells, as many rows at a time as there are. What is written does not
//! depend on how many.

use std::io::{self, Write};

use arrow_array::{Array, RecordBatch};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{ArrowError, SchemaRef};
use arrow_select::concat::concat_batches;
use parquet::errors::ParquetError;
use polc_compiler::typed::{Program, QuantityId};
use rayon::prelude::*;

use super::arrow;
use super::excel_out::ExcelOut;
use super::parquet_out::ParquetOut;
use super::table::Table;
use super::text::{FileKind, Format};
use super::typed::Layout;
use super::write::Sheet;
use crate::diagnostics::DataProblem;
use crate::table::Results;

/// Rows of a batch that is written.
const BATCH: usize = 8_192;
/// Rows turned into text or arrays at a time.
const WAVE: usize = BATCH * 4;

/// Why results could not be written.
#[derive(Debug)]
pub enum WriteError {
    /// The destination does not take them.
    Io(io::Error),
    /// The format does not.
    Data(Box<DataProblem>),
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<DataProblem> for WriteError {
    fn from(problem: DataProblem) -> Self {
        Self::Data(Box::new(problem))
    }
}

impl From<ArrowError> for WriteError {
    fn from(error: ArrowError) -> Self {
        match error {
            ArrowError::IoError(_, error) => error.into(),
            other => io::Error::other(other.to_string()).into(),
        }
    }
}

impl From<ParquetError> for WriteError {
    fn from(error: ParquetError) -> Self {
        match error {
            ParquetError::External(inner) => match inner.downcast::<io::Error>() {
                Ok(error) => (*error).into(),
                Err(inner) => io::Error::other(inner.to_string()).into(),
            },
            other => io::Error::other(other.to_string()).into(),
        }
    }
}

/// A file of results that is being written.
pub struct Writer<'p, W: Write + Send> {
    program: &'p Program,
    outputs: &'p [QuantityId],
    form: Form<'p, W>,
}

enum Form<'p, W: Write + Send> {
    Csv { out: W, format: Format },
    Typed { file: TypedFile<W>, layout: Layout<'p> },
}

/// A file of a typed format that is being written: batches of the same size, whatever that of those that come.
pub(super) struct TypedFile<W: Write + Send> {
    out: Box<TypedOut<W>>,
    schema: SchemaRef,
    waiting: Vec<RecordBatch>,
    rows: usize,
}

impl<W: Write + Send> TypedFile<W> {
    pub fn new(out: W, kind: FileKind, schema: &SchemaRef) -> Result<Self, WriteError> {
        let out = match kind {
            FileKind::Parquet => TypedOut::Parquet(ParquetOut::new(out, schema)?),
            FileKind::Arrow => TypedOut::Arrow(FileWriter::try_new(out, schema)?),
            FileKind::JsonLines | FileKind::Csv => TypedOut::Json(out),
            FileKind::Excel => TypedOut::Excel(Box::new(ExcelOut::new(out, schema)?)),
        };
        Ok(Self { out: Box::new(out), schema: schema.clone(), waiting: Vec::new(), rows: 0 })
    }

    /// Writes what some rows give, each share of them made into arrays by one thread.
    pub fn push_rows(
        &mut self,
        rows: &[usize],
        share: usize,
        batch: impl Fn(&[usize]) -> Result<RecordBatch, WriteError> + Sync,
    ) -> Result<(), WriteError> {
        let batches: Result<Vec<RecordBatch>, WriteError> = rows.par_chunks(share).map(&batch).collect();
        for batch in batches? {
            self.rows += batch.num_rows();
            self.waiting.push(batch);
            if self.rows >= BATCH {
                let rest = self.out.batches(&self.schema, &self.waiting, BATCH)?;
                self.rows = rest.num_rows();
                self.waiting = vec![rest];
            }
        }
        Ok(())
    }

    pub fn finish(mut self) -> Result<W, WriteError> {
        if self.rows > 0 {
            self.out.batches(&self.schema, &self.waiting, 1)?;
        }
        let mut out = self.out.finish()?;
        out.flush()?;
        Ok(out)
    }
}

enum TypedOut<W: Write + Send> {
    Parquet(ParquetOut<W>),
    Arrow(FileWriter<W>),
    Json(W),
    Excel(Box<ExcelOut<W>>),
}

impl<'p, W: Write + Send> Writer<'p, W> {
    /// Writes the names of the columns. `table` is any part of the data; `format` is that of the whole of it, which a CSV file
    /// follows: same separator, and its decimal comma if it has one.
    ///
    /// # Errors
    /// When the destination does not take it.
    pub fn new(
        mut out: W,
        kind: FileKind,
        program: &'p Program,
        outputs: &'p [QuantityId],
        table: &Table,
        format: Format,
    ) -> Result<Self, WriteError> {
        if kind == FileKind::Csv {
            out.write_all(&Sheet::header(program, outputs, table, format)?)?;
            return Ok(Self { program, outputs, form: Form::Csv { out, format } });
        }
        let layout = Layout::new(program, outputs, table);
        let file = TypedFile::new(out, kind, &layout.schema)?;
        Ok(Self { program, outputs, form: Form::Typed { file, layout } })
    }

    /// Writes the rows of a table that have results, in their order: the key, the outputs, then the columns carried through.
    /// The columns of the results are those of the outputs; there may be more after them.
    ///
    /// # Errors
    /// When the destination, or the format, does not take them.
    pub fn write(&mut self, table: &Table, results: &Results) -> Result<(), WriteError> {
        let good = good_rows(table, results);
        // A wave at a time, so that the text of all the rows never stands in memory.
        for wave in good.chunks(WAVE) {
            match &mut self.form {
                Form::Csv { out, format } => {
                    let sheet = Sheet::new(self.program, table, self.outputs, results, *format);
                    write_texts(out, wave, BATCH / 4, |rows| sheet.rows(rows))?;
                }
                Form::Typed { file, layout } => {
                    file.push_rows(wave, BATCH, |rows| layout.batch(table, results, rows))?;
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

impl<W: Write + Send> TypedOut<W> {
    /// Writes batches of the same size, whatever that of those that come, and gives the rest: fewer rows than `least`.
    fn batches(
        &mut self,
        schema: &SchemaRef,
        waiting: &[RecordBatch],
        least: usize,
    ) -> Result<RecordBatch, WriteError> {
        let rows = match waiting {
            [batch] => batch.clone(),
            _ => concat_batches(schema, waiting)?,
        };
        let mut at = 0;
        while rows.num_rows() - at >= least {
            let size = BATCH.min(rows.num_rows() - at);
            self.write(&rows.slice(at, size))?;
            at += size;
        }
        Ok(rows.slice(at, rows.num_rows() - at))
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), WriteError> {
        match self {
            Self::Parquet(out) => out.write(batch)?,
            Self::Arrow(out) => out.write(batch)?,
            Self::Json(out) => out.write_all(&json_lines(batch)?)?,
            Self::Excel(out) => out.write(batch)?,
        }
        Ok(())
    }

    fn finish(self) -> Result<W, WriteError> {
        Ok(match self {
            Self::Parquet(out) => out.finish()?,
            Self::Arrow(mut out) => {
                out.finish()?;
                out.into_inner()?
            }
            Self::Json(out) => out,
            Self::Excel(out) => out.finish()?,
        })
    }
}

/// Writes the text that some rows give, each share of them made into text by one thread.
pub(super) fn write_texts(
    out: &mut impl Write,
    rows: &[usize],
    share: usize,
    text: impl Fn(&[usize]) -> io::Result<Vec<u8>> + Sync,
) -> io::Result<()> {
    let texts: io::Result<Vec<Vec<u8>>> = rows.par_chunks(share).map(&text).collect();
    texts?.iter().try_for_each(|text| out.write_all(text))
}

/// The rows that have results, in order.
pub(super) fn good_rows(table: &Table, results: &Results) -> Vec<usize> {
    let failed: Vec<usize> = results.errors.iter().map(|error| error.row).collect();
    (0..table.batch.rows).filter(|row| failed.binary_search(row).is_err()).collect()
}

/// An object a row: numbers with all their digits, null for what is without object.
fn json_lines(batch: &RecordBatch) -> Result<Vec<u8>, WriteError> {
    let schema = batch.schema();
    let names: Result<Vec<String>, _> =
        schema.fields().iter().map(|field| serde_json::to_string(field.name())).collect();
    let names = names.map_err(io::Error::from)?;
    let mut text = Vec::new();
    for row in 0..batch.num_rows() {
        for (rank, (name, array)) in names.iter().zip(batch.columns()).enumerate() {
            text.push(if rank == 0 { b'{' } else { b',' });
            text.extend_from_slice(name.as_bytes());
            text.push(b':');
            json_value(&mut text, &**array, row)?;
        }
        text.extend_from_slice(b"}\n");
    }
    Ok(text)
}

fn json_value(out: &mut Vec<u8>, array: &dyn Array, row: usize) -> Result<(), WriteError> {
    use arrow_array::cast::AsArray as _;
    use arrow_schema::DataType;
    if array.is_null(row) {
        out.extend_from_slice(b"null");
        return Ok(());
    }
    let cell = arrow::text(array, row);
    match array.data_type() {
        DataType::Boolean => {
            out.extend_from_slice(if array.as_boolean().value(row) { b"true" } else { b"false" });
        }
        // A number that is none has no digits.
        ty if ty.is_numeric() && !cell.contains(|c: char| c.is_alphabetic()) => out.extend_from_slice(cell.as_bytes()),
        _ => serde_json::to_writer(out, &cell).map_err(io::Error::from)?,
    }
    Ok(())
}
