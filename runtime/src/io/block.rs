//! What every format gives: rows by blocks, decoded into columns by whichever thread is free.

use std::borrow::Cow;
use std::fmt::Debug;

use arrow_array::{Array, ArrayRef};
use arrow_select::interleave::interleave;

use super::cell::{CellProblem, ColumnReader, Marks};
use super::records::Fault;
use super::table::RowPlace;
use super::text::Format;
use crate::diagnostics::{DataProblem, Ragged};

/// Consecutive rows of a file.
pub(crate) trait Block: Debug + Send + Sync {
    /// Appends the cells of these columns to their readers, one cell a row in each. `block` is what the places are to say.
    fn decode(&self, block: usize, columns: &[usize], readers: &mut [ColumnReader<'_>]) -> Rows;

    /// The cells of a row as texts.
    fn cells(&self, place: &RowPlace) -> Vec<Cow<'_, str>>;

    /// Whether a word may stand in the block; false only where it is sure not to.
    fn may_hold(&self, _word: &str) -> bool {
        true
    }

    /// Forgets the columns that are not among these positions.
    fn retain(&mut self, _columns: &[usize]) {}

    /// A column that has a type of its own.
    fn array(&self, _column: usize) -> Option<&ArrayRef> {
        None
    }
}

/// What the decoding of a block found, besides the cells.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// One a row.
    pub places: Vec<RowPlace>,
    /// In the order of rows; in a row, in the order of the readers.
    pub faults: Vec<RowFault>,
    pub marks: Marks,
}

#[derive(Debug)]
pub(crate) struct RowFault {
    pub row: usize,
    pub what: What,
}

#[derive(Debug)]
pub(crate) enum What {
    Quotes(Fault),
    Ragged(Ragged),
    /// A line that is not a JSON object, and why.
    Json(JsonFault),
    /// A cell, by rank of its reader.
    Cell(usize, CellProblem),
}

impl What {
    /// Whether the row has no cells that can be told apart.
    pub fn is_of_form(&self) -> bool {
        !matches!(self, Self::Cell(..))
    }
}

/// Why a line of JSON Lines is no row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum JsonFault {
    NotAnObject,
    /// The column at which the text stops being JSON.
    Syntax(usize),
    Twice(String),
}

/// A file that gives its rows block after block.
pub(crate) trait Source: Send {
    /// The names of its columns, in normal form, and the line they stand on, if they are a line.
    fn header(&self) -> (&[String], Option<usize>);

    /// How it is written, as far as that is known before its end; the reader adds the marks.
    fn format(&self) -> Format;

    /// Says which columns are read as inputs, and which cells of the others will be asked for: all, or some. What is wrong
    /// with the type of a column is reported.
    fn select(&mut self, _columns: &Selected<'_>, _report: &mut dyn FnMut(DataProblem)) {}

    /// The next block. Blocks follow from the file alone, not from threads.
    ///
    /// # Errors
    /// What stops the reading: a broken file.
    fn next(&mut self) -> Result<Option<Box<dyn Block>>, Box<DataProblem>>;

    /// The same rows again, from the first.
    ///
    /// # Errors
    /// As when it was first opened.
    fn again(&self) -> Result<Box<dyn Source>, Box<DataProblem>>;
}

/// The columns of a file that matter.
#[derive(Clone, Debug)]
pub(crate) struct Selected<'a> {
    /// Those decoded as inputs.
    pub inputs: &'a [usize],
    /// Those carried through or shown.
    pub shown: &'a [usize],
    /// Every cell of a bad row is shown too.
    pub whole_rows: bool,
}

impl Selected<'_> {
    pub fn contains(&self, column: usize) -> bool {
        self.whole_rows || self.inputs.contains(&column) || self.shown.contains(&column)
    }
}

/// The cells of a typed column in the rows at these places; `None` for a column of texts, or one whose type changes.
pub(crate) fn carried<'p>(
    blocks: &[Box<dyn Block>],
    column: usize,
    places: impl Iterator<Item = &'p RowPlace>,
) -> Option<ArrayRef> {
    let arrays: Option<Vec<&ArrayRef>> = blocks.iter().map(|block| block.array(column)).collect();
    let arrays = arrays.filter(|arrays| !arrays.is_empty())?;
    let arrays: Vec<&dyn Array> = arrays.into_iter().map(|array| &**array).collect();
    let indices: Vec<(usize, usize)> = places.map(|place| (place.block, place.start)).collect();
    interleave(&arrays, &indices).ok()
}
