//! JSON Lines in: an object a line. Numbers are read from their digits, never through binary floating point.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io;
use std::sync::Arc;

use rayon::prelude::*;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::block::{Block, JsonFault, RowFault, Rows, Source, What};
use super::cell::{CellProblem, ColumnReader, composed, trim};
use super::pieces::{Piece, Pieces};
use super::table::RowPlace;
use super::text::{FileKind, Format};
use crate::diagnostics::{self as say, DataProblem};

/// Pieces whose names are gathered at a time.
const WAVE: usize = 16;

pub(crate) struct JsonSource {
    file: Arc<str>,
    pieces: Pieces,
    header: Arc<Header>,
}

#[derive(Debug, Default)]
struct Header {
    names: Vec<String>,
    columns: HashMap<String, usize>,
}

impl JsonSource {
    /// Gathers the names of all the lines: one that comes late is a column all the same, empty before.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn open(file: &Arc<str>, pieces: Pieces) -> Result<Self, Box<DataProblem>> {
        let unreadable = |error: io::Error| say::unreadable_data(file, &error);
        let mut header = Header::default();
        let mut scan = pieces.again().map_err(unreadable)?;
        loop {
            let mut wave = Vec::new();
            while wave.len() < WAVE {
                let Some(piece) = scan.next().map_err(unreadable)? else { break };
                wave.push(piece);
            }
            if wave.is_empty() {
                break;
            }
            let names: Vec<Vec<String>> = wave.par_iter().map(names).collect();
            for name in names.into_iter().flatten() {
                let next = header.names.len();
                header.columns.entry(name).or_insert_with_key(|name| {
                    header.names.push(name.clone());
                    next
                });
            }
        }
        Ok(Self { file: file.clone(), pieces, header: Arc::new(header) })
    }
}

impl Source for JsonSource {
    fn header(&self) -> (&[String], Option<usize>) {
        (&self.header.names, None)
    }

    fn format(&self) -> Format {
        Format::of(FileKind::JsonLines)
    }

    fn next(&mut self) -> Result<Option<Box<dyn Block>>, Box<DataProblem>> {
        let piece = self.pieces.next().map_err(|error| say::unreadable_data(&self.file, &error))?;
        Ok(piece.map(|piece| Box::new(JsonBlock { piece, header: self.header.clone() }) as Box<dyn Block>))
    }

    fn again(&self) -> Result<Box<dyn Source>, Box<DataProblem>> {
        let pieces = self.pieces.again().map_err(|error| say::unreadable_data(&self.file, &error))?;
        Ok(Box::new(Self { file: self.file.clone(), pieces, header: self.header.clone() }))
    }
}

#[derive(Debug)]
struct JsonBlock {
    piece: Piece,
    header: Arc<Header>,
}

impl Block for JsonBlock {
    fn decode(&self, block: usize, columns: &[usize], readers: &mut [ColumnReader<'_>]) -> Rows {
        let mut rows = Rows::default();
        for (line, start, text) in lines(&self.piece) {
            let row = rows.places.len();
            rows.places.push(RowPlace { line, block, start, end: start + text.len() });
            let cells = match self.fields(text) {
                Ok(cells) => cells,
                Err(fault) => {
                    readers.iter_mut().for_each(ColumnReader::push_refused);
                    rows.faults.push(RowFault { row, what: What::Json(fault) });
                    continue;
                }
            };
            for (rank, (column, reader)) in columns.iter().zip(readers.iter_mut()).enumerate() {
                let result = match cells[*column].map(cell) {
                    None => reader.push("", &mut rows.marks),
                    Some(Some(text)) => reader.push(&text, &mut rows.marks),
                    Some(None) => {
                        reader.push_refused();
                        Err(CellProblem::NotACell)
                    }
                };
                if let Err(problem) = result {
                    rows.faults.push(RowFault { row, what: What::Cell(rank, problem) });
                }
            }
        }
        rows
    }

    fn cells(&self, place: &RowPlace) -> Vec<Cow<'_, str>> {
        let text = &self.piece.text[place.start..place.end];
        match self.fields(text) {
            Ok(cells) => {
                let shown = |raw: &'_ RawValue| cell(raw).map_or_else(|| raw.get().to_owned(), Cow::into_owned);
                cells.into_iter().map(|raw| raw.map(shown).unwrap_or_default().into()).collect()
            }
            // What cannot be told apart stands in the first cell.
            Err(_) => vec![text.into()],
        }
    }
}

impl JsonBlock {
    /// The value of each column, where the line has one.
    fn fields<'t>(&self, text: &'t str) -> Result<Vec<Option<&'t RawValue>>, JsonFault> {
        if !text.trim_start().starts_with('{') {
            return Err(JsonFault::NotAnObject);
        }
        let Object(fields) = serde_json::from_str(text).map_err(|error| JsonFault::Syntax(error.column()))?;
        let mut cells = vec![None; self.header.names.len()];
        for (name, value) in fields {
            let name = composed(trim(&name));
            // The header has the names of all lines.
            let Some(column) = self.header.columns.get(&*name) else { continue };
            if cells[*column].replace(value).is_some() {
                return Err(JsonFault::Twice(name.into_owned()));
            }
        }
        Ok(cells)
    }
}

/// The lines of a piece that are not blank, with their number and their first byte in the text.
fn lines(piece: &Piece) -> impl Iterator<Item = (usize, usize, &str)> {
    let mut start = piece.range.start;
    let mut line = piece.line;
    let text = &piece.text[piece.range.clone()];
    text.split_inclusive('\n').filter_map(move |raw| {
        let (at, number) = (start, line);
        start += raw.len();
        line += 1;
        let raw = raw.trim_end_matches(['\n', '\r']);
        (!raw.trim().is_empty()).then_some((number, at, raw))
    })
}

/// The names of the lines that can be read, in the order of their first appearance.
fn names(piece: &Piece) -> Vec<String> {
    let mut known: HashSet<String> = HashSet::new();
    let mut names = Vec::new();
    for (_, _, text) in lines(piece) {
        let Ok(Object(fields)) = serde_json::from_str::<Object<'_>>(text) else { continue };
        for (name, _) in fields {
            let name = composed(trim(&name));
            if !known.contains(&*name) {
                known.insert(name.clone().into_owned());
                names.push(name.into_owned());
            }
        }
    }
    names
}

/// What a value says as the cell of a CSV file; `None` for a list or an object.
fn cell(raw: &RawValue) -> Option<Cow<'_, str>> {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'n') | None => Some(Cow::Borrowed("")),
        Some(b'"') => serde_json::from_str::<String>(text).ok().map(Cow::Owned),
        Some(b'{' | b'[') => None,
        Some(b'-' | b'0'..=b'9') if text.contains(['e', 'E']) => {
            Some(plain(text).map_or(Cow::Borrowed(text), Cow::Owned))
        }
        Some(_) => Some(Cow::Borrowed(text)),
    }
}

/// A number without its exponent; `None` where that would be absurdly long.
fn plain(text: &str) -> Option<String> {
    const LONGEST: i64 = 400;
    let (mantissa, exponent) = text.split_once(['e', 'E'])?;
    let exponent: i64 = exponent.parse().ok().filter(|exponent: &i64| exponent.abs() <= LONGEST)?;
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let point = whole.len() as i64 + exponent;
    if point <= 0 {
        return Some(format!("{sign}0.{}{digits}", "0".repeat(usize::try_from(-point).ok()?)));
    }
    let point = usize::try_from(point).ok()?;
    let digits = format!("{digits:0<point$}");
    let (whole, fraction) = digits.split_at(point);
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    Some(if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}

/// The fields of an object in their order, repeated ones too.
struct Object<'t>(Vec<(Cow<'t, str>, &'t RawValue)>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry::<Name<'de>, &'de RawValue>()? {
                    fields.push((field.0.0, field.1));
                }
                Ok(Object(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// A name, borrowed where it has no escape.
#[derive(Deserialize)]
struct Name<'t>(#[serde(borrow)] Cow<'t, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents() {
        let cases = [("1e3", "1000"), ("1.25E1", "12.5"), ("-1.5e-7", "-0.00000015"), ("12e-1", "1.2"), ("0e5", "0")];
        for (text, expected) in cases {
            assert_eq!(plain(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(plain("1e999999999"), None);
    }
}
