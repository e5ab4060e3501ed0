//! Parquet out: the columns of a row group are encoded by all the threads.

use std::io::Write;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use rayon::prelude::*;

/// Rows of a row group: what stands in memory, encoded, before it is written.
const GROUP_ROWS: usize = 131_072;

pub(crate) struct ParquetOut<W: Write + Send> {
    file: SerializedFileWriter<W>,
    factory: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    columns: Vec<ArrowColumnWriter>,
    rows: usize,
    group: usize,
}

impl<W: Write + Send> ParquetOut<W> {
    pub fn new(out: W, schema: &SchemaRef) -> Result<Self, ParquetError> {
        let compression = Compression::ZSTD(ZstdLevel::try_new(1)?);
        let properties = WriterProperties::builder().set_compression(compression).build();
        let writer = ArrowWriter::try_new(out, Arc::clone(schema), Some(properties))?;
        let (file, factory) = writer.into_serialized_writer()?;
        Ok(Self { file, factory, schema: schema.clone(), columns: Vec::new(), rows: 0, group: 0 })
    }

    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        if self.columns.is_empty() {
            self.columns = self.factory.create_column_writers(self.group)?;
        }
        // No column is nested: one leaf each.
        let fields = self.schema.fields();
        self.columns.par_iter_mut().zip(batch.columns()).zip(fields.par_iter()).try_for_each(
            |((writer, array), field)| compute_leaves(field, array)?.iter().try_for_each(|leaf| writer.write(leaf)),
        )?;
        self.rows += batch.num_rows();
        if self.rows >= GROUP_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), ParquetError> {
        let columns = std::mem::take(&mut self.columns);
        let chunks: Vec<ArrowColumnChunk> =
            columns.into_par_iter().map(ArrowColumnWriter::close).collect::<Result<_, _>>()?;
        let mut group = self.file.next_row_group()?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut group)?;
        }
        group.close()?;
        self.rows = 0;
        self.group += 1;
        Ok(())
    }

    pub fn finish(mut self) -> Result<W, ParquetError> {
        if self.rows > 0 {
            self.flush()?;
        }
        self.file.into_inner()
    }
}
