//! A data file, or a part of one, that was read: typed columns, and where each row comes from.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::ArrayRef;
use polc_compiler::typed::{InputId, Program};

use super::block::Block;
use super::cell::trim;
use super::text::Format;
use crate::diagnostics::{self as say, DataProblem, Place, Problems};
use crate::table::{Batch, RowErrorKind};

/// A file that was read, or consecutive rows of it.
#[derive(Debug)]
pub struct Table {
    /// As the user named it.
    pub file: Arc<str>,
    pub format: Format,
    /// The names of its columns.
    pub header: Vec<String>,
    /// The good rows.
    pub batch: Batch,
    /// Where each good row stands in the file.
    pub places: Vec<RowPlace>,
    /// The bad rows, if they were to be put aside.
    pub rejects: Vec<Reject>,
    /// Positions of the columns to carry through.
    pub kept: Vec<usize>,
    /// Good rows whose key had a row the year before that was put aside.
    pub orphans: usize,
    pub(super) key: Vec<Option<usize>>,
    pub(super) blocks: Vec<Box<dyn Block>>,
}

/// Where a row stands in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowPlace {
    /// Physical line of a text, row of a sheet with its header, or rank of the row; from 1.
    pub line: usize,
    /// Its block among those of the table.
    pub(super) block: usize,
    /// Where in the block: bytes of a text, or a row.
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A row put aside, with everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    pub place: RowPlace,
    pub reasons: Vec<DataProblem>,
}

impl Table {
    /// Rows of the file, good and bad.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.places.len() + self.rejects.len()
    }

    /// The cells of a row as they are in the file; as a CSV file would write them, if it has types of its own.
    #[must_use]
    pub fn cells(&self, place: &RowPlace) -> Vec<Cow<'_, str>> {
        self.blocks[place.block].cells(place)
    }

    /// The columns carried through that have a type of their own, for these good rows; `None` for a column of texts.
    pub(super) fn carried(&self, column: usize, rows: &[usize]) -> Option<ArrayRef> {
        super::block::carried(&self.blocks, column, rows.iter().map(|row| &self.places[*row]))
    }

    /// Where a good row is, for a message.
    pub(super) fn row_place(&self, program: &Program, row: usize) -> Place {
        let place = &self.places[row];
        let cells = self.cells(place);
        let subject = subject(program, &self.key, |column| cells.get(column).cloned().unwrap_or_default());
        Place { subject, ..Place::line(&self.file, place.line) }
    }

    /// What a good row that could not be computed is to be told.
    #[must_use]
    pub fn row_problem(&self, program: &Program, row: usize, kind: &RowErrorKind) -> DataProblem {
        let place = self.row_place(program, row);
        let own = |input: &InputId| self.batch.columns[input.index()].as_ref().is_none_or(|c| c.is_missing(row));
        match kind {
            // The row reads results of the year before, and those cannot be computed.
            RowErrorKind::Missing { input, quantity } if !own(input) => {
                say::missing_the_year_before(&place, program, *input, quantity.as_deref())
            }
            _ => say::row_error(place, program, kind),
        }
    }

    /// The bad rows whose key reads as these texts, which are in the order of the key.
    pub fn rejects_of<'t>(&'t self, key: &'t [&str]) -> impl Iterator<Item = &'t Reject> {
        self.rejects.iter().filter(move |reject| {
            let cells = self.cells(&reject.place);
            key.iter().zip(&self.key).all(|(wanted, column)| {
                let cell = column.and_then(|column| cells.get(column));
                cell.is_some_and(|cell| trim(cell) == *wanted)
            })
        })
    }
}

/// A file that has problems.
#[derive(Debug)]
pub struct Refusal {
    pub problems: Problems,
    /// Its good rows, where only rows are at fault: computing them may show more problems in the same run.
    pub rest: Option<Box<Table>>,
}

impl From<Problems> for Refusal {
    fn from(problems: Problems) -> Self {
        Self { problems, rest: None }
    }
}

impl From<DataProblem> for Refusal {
    fn from(problem: DataProblem) -> Self {
        Problems::from(problem).into()
    }
}

impl From<Box<DataProblem>> for Refusal {
    fn from(problem: Box<DataProblem>) -> Self {
        (*problem).into()
    }
}

/// The key of a row in words, from the cells of its columns.
pub(super) fn subject<'c>(
    program: &Program,
    key: &[Option<usize>],
    cell: impl Fn(usize) -> Cow<'c, str>,
) -> Option<String> {
    let cells: Vec<(&str, Cow<'_, str>)> = program
        .key
        .iter()
        .zip(key)
        .filter_map(|(id, column)| Some((&*program.input(*id).name, cell((*column)?))))
        .collect();
    say::subject(cells.iter().map(|(name, cell)| (*name, trim(cell))))
}
