//! Data files of every format.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use super::block::Source;
use super::csv::CsvSource;
use super::excel::ExcelSource;
use super::ipc::IpcSource;
use super::json_lines::JsonSource;
use super::parquet::ParquetSource;
use super::pieces::{Cut, PIECE, Pieces};
use super::reader::read_all;
use super::request::Request;
use super::spool::{SpoolError, Spooled, spool, to_file};
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
    let source = open(place, request, u64::MAX, PIECE)?;
    read_all(&place.name(), source, request)
}

/// Opens a file. A text of up to `limit` bytes is read whole; a longer one is read as it comes, in pieces of `piece` bytes.
pub(super) fn open(
    place: Place<'_>,
    request: &Request<'_>,
    limit: u64,
    piece: usize,
) -> Result<Box<dyn Source>, Box<DataProblem>> {
    let file = place.name();
    let kind = match place {
        Place::Stdin => FileKind::Csv,
        Place::File(path) => FileKind::of(path),
    };
    match (kind, place) {
        (FileKind::Parquet, Place::File(path)) => return Ok(Box::new(ParquetSource::open(&file, path)?)),
        (FileKind::Arrow, Place::File(path)) => return Ok(Box::new(IpcSource::open(&file, path)?)),
        (FileKind::Excel, Place::File(path)) => return Ok(Box::new(ExcelSource::open(&file, path)?)),
        _ => {}
    }
    let unreadable = |error: io::Error| say::unreadable_data(&file, &error);
    let (pieces, encoding, mark) = match text(place, limit).map_err(unreadable)? {
        Content::Memory(bytes) => {
            let Text { text, encoding, mark } = decode(bytes, kind).map_err(|what| say::not_text(&file, what))?;
            (Pieces::of_text(Arc::new(text), Cut::Lines), encoding, mark)
        }
        Content::Disk(disk) => {
            let spooled = spool(disk, kind).map_err(|error| match error {
                SpoolError::Io(error) => unreadable(error),
                SpoolError::NotText(what) => say::not_text(&file, what),
            })?;
            let Spooled { file: disk, start, encoding, mark } = spooled;
            (Pieces::of_file(disk, start, Cut::Lines, piece), encoding, mark)
        }
    };
    Ok(match kind {
        FileKind::JsonLines => Box::new(JsonSource::open(&file, pieces)?),
        _ => Box::new(CsvSource::open(&file, pieces, encoding, mark, request)?),
    })
}

enum Content {
    Memory(Vec<u8>),
    Disk(File),
}

/// The bytes of a place, or a file that can be read again where there are more than `limit`.
fn text(place: Place<'_>, limit: u64) -> io::Result<Content> {
    let mut bytes = Vec::new();
    let mut stream: Box<dyn io::Read> = match place {
        Place::Stdin => Box::new(io::stdin().lock()),
        Place::File(path) => {
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            if metadata.is_file() && metadata.len() > limit {
                return Ok(Content::Disk(file));
            }
            // Growing takes as long as reading. Without room for the whole, the reading will say so.
            let _ = bytes.try_reserve_exact(usize::try_from(metadata.len()).unwrap_or(0) + 1);
            Box::new(file)
        }
    };
    stream.by_ref().take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        to_file(&bytes, &mut stream).map(Content::Disk)
    } else {
        Ok(Content::Memory(bytes))
    }
}
