//! Parquet in. Each thread decodes its share of the columns: that works whatever the size of the row groups, and no more than a
//! block of rows is decoded at a time.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::ArrowError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use rayon::prelude::*;

use super::arrow::{ArrowBlock, BLOCK_ROWS, check_types, header};
use super::block::{Block, Selected, Source};
use super::guard::guarded;
use super::text::{FileKind, Format};
use crate::diagnostics::{self as say, DataProblem};

pub(crate) struct ParquetSource {
    file: Arc<str>,
    path: PathBuf,
    metadata: ArrowReaderMetadata,
    header: Vec<String>,
    /// Positions in the header of the columns to read.
    columns: Vec<usize>,
    shares: Vec<Share>,
    before: usize,
}

/// Some of the columns.
struct Share {
    columns: Vec<usize>,
    reader: ParquetRecordBatchReader,
}

impl ParquetSource {
    /// Reads the schema.
    ///
    /// # Errors
    /// When the file is not Parquet, or cut short.
    pub fn open(file: &Arc<str>, path: &Path) -> Result<Self, Box<DataProblem>> {
        let opened = File::open(path).map_err(|error| say::unreadable_data(file, &error))?;
        let metadata = guarded(|| ArrowReaderMetadata::load(&opened, ArrowReaderOptions::new()));
        let metadata = metadata.and_then(Result::ok).ok_or_else(|| say::broken_file(file, FileKind::Parquet))?;
        let header = header(metadata.schema());
        let columns = (0..header.len()).collect();
        let path = path.to_path_buf();
        Ok(Self { file: file.clone(), path, metadata, header, columns, shares: Vec::new(), before: 0 })
    }

    fn broken(&self) -> DataProblem {
        say::broken_file(&self.file, FileKind::Parquet)
    }

    fn start(&mut self) -> Result<(), Box<DataProblem>> {
        let threads = rayon::current_num_threads().clamp(1, self.columns.len().max(1));
        let size = self.columns.len().div_ceil(threads).max(1);
        let shares: Result<Vec<Share>, Box<DataProblem>> =
            self.columns.chunks(size).map(|columns| self.share(columns)).collect();
        self.shares = shares?;
        Ok(())
    }

    fn share(&self, columns: &[usize]) -> Result<Share, Box<DataProblem>> {
        let opened = File::open(&self.path).map_err(|error| say::unreadable_data(&self.file, &error))?;
        let reader = guarded(|| {
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(opened, self.metadata.clone());
            let mask = ProjectionMask::roots(builder.parquet_schema(), columns.iter().copied());
            builder.with_projection(mask).with_batch_size(BLOCK_ROWS).build()
        });
        let reader = reader.and_then(Result::ok).ok_or_else(|| self.broken())?;
        Ok(Share { columns: columns.to_vec(), reader })
    }

    /// The rows that the metadata announces.
    fn rows(&self) -> usize {
        usize::try_from(self.metadata.metadata().file_metadata().num_rows()).unwrap_or(0)
    }
}

impl Source for ParquetSource {
    fn header(&self) -> (&[String], Option<usize>) {
        (&self.header, None)
    }

    fn format(&self) -> Format {
        Format::of(FileKind::Parquet)
    }

    fn select(&mut self, columns: &Selected<'_>, report: &mut dyn FnMut(DataProblem)) {
        check_types(&self.file, self.metadata.schema(), columns, report);
        self.columns = (0..self.header.len()).filter(|column| columns.contains(*column)).collect();
    }

    fn next(&mut self) -> Result<Option<Box<dyn Block>>, Box<DataProblem>> {
        if self.shares.is_empty() {
            self.start()?;
        }
        type Read = Option<Option<Result<RecordBatch, ArrowError>>>;
        let batches: Vec<Read> = self.shares.par_iter_mut().map(|share| guarded(|| share.reader.next())).collect();
        let mut columns: Vec<Option<ArrayRef>> = vec![None; self.header.len()];
        let mut rows = None;
        for (share, batch) in self.shares.iter().zip(batches) {
            let Some(batch) = batch.ok_or_else(|| self.broken())? else { continue };
            let batch = batch.map_err(|error| self.failed(&error))?;
            if rows.is_some_and(|rows| rows != batch.num_rows()) || batch.num_columns() != share.columns.len() {
                return Err(self.broken().into());
            }
            rows = Some(batch.num_rows());
            for (column, array) in share.columns.iter().zip(batch.columns()) {
                columns[*column] = Some(array.clone());
            }
        }
        let Some(rows) = rows else {
            // Nothing is lost in silence.
            return if self.before == self.rows() { Ok(None) } else { Err(self.broken().into()) };
        };
        if self.columns.iter().any(|column| columns[*column].is_none()) {
            return Err(self.broken().into());
        }
        let block = ArrowBlock::new(columns, rows, self.before);
        self.before += rows;
        Ok(Some(Box::new(block)))
    }

    fn again(&self) -> Result<Box<dyn Source>, Box<DataProblem>> {
        Ok(Box::new(Self {
            file: self.file.clone(),
            path: self.path.clone(),
            metadata: self.metadata.clone(),
            header: self.header.clone(),
            columns: self.columns.clone(),
            shares: Vec::new(),
            before: 0,
        }))
    }
}

impl ParquetSource {
    fn failed(&self, error: &ArrowError) -> DataProblem {
        match error {
            ArrowError::IoError(_, error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                say::unreadable_data(&self.file, error)
            }
            _ => self.broken(),
        }
    }
}
