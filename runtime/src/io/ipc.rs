//! Arrow IPC in: the file format, and the stream format. A batch is held whole, whatever its size: whoever writes a large file
//! writes many.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{ArrowError, SchemaRef};

use super::arrow::{ArrowBlock, BLOCK_ROWS, check_types, header};
use super::block::{Block, Selected, Source};
use super::guard::guarded;
use super::text::{FileKind, Format};
use crate::diagnostics::{self as say, DataProblem};

pub(crate) struct IpcSource {
    file: Arc<str>,
    path: PathBuf,
    batches: Batches,
    schema: SchemaRef,
    header: Vec<String>,
    /// Whether each column matters.
    read: Vec<bool>,
    /// Rows of a batch that are not given yet.
    waiting: VecDeque<RecordBatch>,
    before: usize,
    rows: usize,
}

enum Batches {
    File(Box<FileReader<BufReader<File>>>),
    Stream(Box<StreamReader<BufReader<File>>>),
}

impl IpcSource {
    /// Reads the schema. `rows` is that of a block, at most.
    ///
    /// # Errors
    /// When the file is not Arrow, or cut short.
    pub fn open(file: &Arc<str>, path: &Path) -> Result<Self, Box<DataProblem>> {
        let unreadable = |error: io::Error| say::unreadable_data(file, &error);
        let mut opened = File::open(path).map_err(unreadable)?;
        let mut magic = Vec::new();
        opened.by_ref().take(6).read_to_end(&mut magic).map_err(unreadable)?;
        opened.rewind().map_err(unreadable)?;
        // What begins a stream, since lengths that a text would give are not to be believed.
        if magic != b"ARROW1" && !magic.starts_with(&[0xFF; 4]) {
            return Err(broken(file, None).into());
        }
        let opened = BufReader::new(opened);
        let batches = guarded(|| {
            Ok(if magic == b"ARROW1" {
                Batches::File(Box::new(FileReader::try_new(opened, None)?))
            } else {
                Batches::Stream(Box::new(StreamReader::try_new(opened, None)?))
            })
        });
        let batches = batches.ok_or_else(|| broken(file, None))?.map_err(|error| broken(file, Some(&error)))?;
        let schema = match &batches {
            Batches::File(reader) => reader.schema(),
            Batches::Stream(reader) => reader.schema(),
        };
        let header = header(&schema);
        let read = vec![true; header.len()];
        let (file, path) = (file.clone(), path.to_path_buf());
        Ok(Self { file, path, batches, schema, header, read, waiting: VecDeque::new(), before: 0, rows: BLOCK_ROWS })
    }
}

fn broken(file: &Arc<str>, error: Option<&ArrowError>) -> DataProblem {
    match error {
        Some(ArrowError::IoError(_, error)) if error.kind() != io::ErrorKind::UnexpectedEof => {
            say::unreadable_data(file, error)
        }
        _ => say::broken_file(file, FileKind::Arrow),
    }
}

impl Source for IpcSource {
    fn header(&self) -> (&[String], Option<usize>) {
        (&self.header, None)
    }

    fn format(&self) -> Format {
        Format::of(FileKind::Arrow)
    }

    fn select(&mut self, columns: &Selected<'_>, report: &mut dyn FnMut(DataProblem)) {
        check_types(&self.file, &self.schema, columns, report);
        self.read = (0..self.header.len()).map(|column| columns.contains(column)).collect();
    }

    fn next(&mut self) -> Result<Option<Box<dyn Block>>, Box<DataProblem>> {
        while self.waiting.is_empty() {
            let batch = guarded(|| match &mut self.batches {
                Batches::File(reader) => reader.next(),
                Batches::Stream(reader) => reader.next(),
            });
            let batch = batch.ok_or_else(|| broken(&self.file, None))?;
            let Some(batch) = batch else {
                return match &self.batches {
                    // A stream that is cut between two batches lacks its end.
                    Batches::Stream(reader) if !reader.is_finished() => Err(broken(&self.file, None).into()),
                    _ => Ok(None),
                };
            };
            let batch = batch.map_err(|error| broken(&self.file, Some(&error)))?;
            let starts = (0..batch.num_rows()).step_by(self.rows);
            let slices = starts.map(|start| batch.slice(start, self.rows.min(batch.num_rows() - start)));
            self.waiting.extend(slices);
        }
        let Some(batch) = self.waiting.pop_front() else { return Ok(None) };
        let columns = batch.columns().iter().zip(&self.read).map(|(array, read)| read.then(|| array.clone()));
        let columns: Vec<Option<ArrayRef>> = columns.collect();
        let block = ArrowBlock::new(columns, batch.num_rows(), self.before);
        self.before += batch.num_rows();
        Ok(Some(Box::new(block)))
    }

    fn again(&self) -> Result<Box<dyn Source>, Box<DataProblem>> {
        let again = Self::open(&self.file, &self.path)?;
        Ok(Box::new(Self { read: self.read.clone(), rows: self.rows, ..again }))
    }
}
