//! Data files of every format.

use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use super::block::Source;
use super::csv::CsvSource;
use super::excel::ExcelSource;
use super::ipc::IpcSource;
use super::json_lines::JsonSource;
use super::parquet::ParquetSource;
use super::pieces::{Cut, Pieces};
use super::reader::read_all;
use super::request::Request;
use super::table::{Refusal, Table};
use super::text::{FileKind, Text, decode};
use crate::diagnostics::{self as say, DataProblem};

/// Where data comes from.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    Stdin,
    /// A file, whose format its name tells.
    File(&'a Path),
}

impl Place<'_> {
    /// As messages call it.
    #[must_use]
    pub fn name(&self) -> Arc<str> {
        match self {
            Self::Stdin => "entrée standard".into(),
            Self::File(path) => path.to_string_lossy().into(),
        }
    }
}

/// Reads a file whole.
///
/// # Errors
/// All its problems, as [`super::csv::read`] tells them; and those of its format (`POL5001`).
pub fn read(place: Place<'_>, request: &Request<'_>) -> Result<Table, Refusal> {
    let source = open(place, request)?;
    read_all(&place.name(), source, request)
}

/// Opens a file; a text is read whole.
pub(super) fn open(place: Place<'_>, request: &Request<'_>) -> Result<Box<dyn Source>, DataProblem> {
    let file = place.name();
    let kind = match place {
        Place::Stdin => FileKind::Csv,
        Place::File(path) => FileKind::of(path),
    };
    Ok(match (kind, place) {
        (FileKind::Parquet, Place::File(path)) => Box::new(ParquetSource::open(&file, path)?),
        (FileKind::Arrow, Place::File(path)) => Box::new(IpcSource::open(&file, path)?),
        (FileKind::Excel, Place::File(path)) => Box::new(ExcelSource::open(&file, path)?),
        (kind, place) => {
            let bytes = match place {
                Place::Stdin => {
                    let mut bytes = Vec::new();
                    io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
                }
                Place::File(path) => std::fs::read(path),
            };
            let bytes = bytes.map_err(|error| say::unreadable_data(&file, &error))?;
            let Text { text, encoding, mark } = decode(bytes, kind).map_err(|what| say::not_text(&file, what))?;
            let pieces = Pieces::of_text(Arc::new(text), Cut::Lines);
            match kind {
                FileKind::JsonLines => Box::new(JsonSource::open(&file, pieces)?),
                _ => Box::new(CsvSource::open(&file, pieces, encoding, mark, request)?),
            }
        }
    })
}
