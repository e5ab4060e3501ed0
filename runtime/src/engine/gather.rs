//! From the columns of a batch to the blocks that kernels read.
//!
//! The rows of one year stand far apart in a file that goes from centre to centre. A run has so few rows that their cells stay in
//! the caches from one year to the next.

use std::collections::BTreeMap;
use std::ops::Range;

use polc_compiler::codegen::{Block, Layout, Slot};
use polc_compiler::ir::Source;
use polc_compiler::typed::{Input, InputId, QuantityId};
use polc_dsl::ast::Reach;

use super::compiled::Run;
use super::states::State;
use crate::table::{Column, ColumnData, Integers, each};

/// The earlier rows that those of a block read.
struct Past {
    rows: Vec<Option<usize>>,
    /// Where the results of each stand.
    places: Vec<usize>,
}

impl Run<'_> {
    /// Copies the cells of the rows at some positions into a block, and what they read of other rows.
    pub fn gather(&self, layout: &Layout, states: &[State], positions: Range<usize>, block: &mut Block) {
        let rows = &self.order.rows[positions];
        let here = || rows.iter().map(|row| *row as usize);
        let figures = &self.history.aggregates;
        let mut known: BTreeMap<Reach, Past> = BTreeMap::new();
        for (source, slot) in &layout.inputs {
            let slot = *slot;
            match *source {
                Source::Cell(id) => self.fill_cells(id, rows, block, slot),
                Source::Missing(id) => self.fill_missing(id, rows, block, slot),
                // Left by the kernels before.
                Source::Stage(_) => {}
                Source::Aggregate(id) => {
                    block.fill_integers(slot, here().map(|row| figures.fraction(id, row).0.unwrap_or(0)));
                }
                Source::AggregateDivisor(id) => {
                    block.fill_integers(slot, here().map(|row| figures.fraction(id, row).1));
                }
                Source::AggregatePresent(id) => {
                    block.fill_flags(slot, here().map(|row| figures.value(id, row).is_some()));
                }
                Source::AggregateUnknown(id) => {
                    block.fill_flags(slot, here().map(|row| figures.fraction(id, row).0.is_none()));
                }
                Source::PastCell(reach, id) => {
                    let past = known.entry(reach).or_insert_with(|| self.past(reach, rows));
                    self.fill_past_cells(id, &past.rows, block, slot);
                }
                Source::PastCellPresent(reach, id) => {
                    let past = known.entry(reach).or_insert_with(|| self.past(reach, rows));
                    let is_missing = |row| match self.column(id) {
                        Some(column) => column.is_missing(row),
                        None => self.input(id).default.is_none(),
                    };
                    block.fill_flags(slot, past.rows.iter().map(|row| row.is_some_and(|row| !is_missing(row))));
                }
                Source::PastResult(reach, id)
                | Source::PastResultPresent(reach, id)
                | Source::PastResultUnknown(reach, id)
                | Source::PastResultDivisor(reach, id) => {
                    let past = known.entry(reach).or_insert_with(|| self.past(reach, rows));
                    if let Some(state) = found(states, id) {
                        state.fill(*source, &past.places, block, slot);
                    }
                }
            }
        }
    }

    fn column(&self, id: InputId) -> Option<&Column> {
        self.batch.columns[id.index()].as_ref()
    }

    fn input(&self, id: InputId) -> &Input {
        self.engine.program.input(id)
    }

    /// The earlier rows that some rows read.
    fn past(&self, reach: Reach, rows: &[u32]) -> Past {
        let rows: Vec<Option<usize>> = rows.iter().map(|row| self.history.past(reach, *row as usize)).collect();
        let place = |row: &Option<usize>| State::place(row.map(|row| self.order.position(row)));
        Past { places: rows.iter().map(place).collect(), rows }
    }

    fn fill_cells(&self, id: InputId, rows: &[u32], block: &mut Block, slot: Slot) {
        let rows = rows.iter().map(|row| *row as usize);
        match self.column(id).map(|column| &column.data) {
            Some(ColumnData::Number(cells)) => fill_from(cells, rows, block, slot),
            Some(ColumnData::Boolean(cells)) => block.fill_flags(slot, rows.map(|row| cells.get(row))),
            Some(ColumnData::Date(cells)) => block.fill_integers(slot, rows.map(|row| cells[row].into())),
            Some(ColumnData::Case(cells)) => block.fill_integers(slot, rows.map(|row| cells[row].into())),
            // Kernels read no text.
            Some(ColumnData::Text(_)) => {}
            None => {
                let default = default_cell(self.input(id));
                block.fill_integers(slot, rows.map(|_| default));
            }
        }
    }

    fn fill_past_cells(&self, id: InputId, rows: &[Option<usize>], block: &mut Block, slot: Slot) {
        let default = self.column(id).is_none().then(|| default_cell(self.input(id)));
        let cell = |row: usize| match self.column(id) {
            Some(column) => cell(column, row),
            None => default.unwrap_or(0),
        };
        block.fill_integers(slot, rows.iter().map(|row| row.map_or(0, cell)));
    }

    fn fill_missing(&self, id: InputId, rows: &[u32], block: &mut Block, slot: Slot) {
        match self.column(id) {
            None => block.fill_flags(slot, rows.iter().map(|_| true)),
            Some(column) if column.missing.is_empty() => block.fill_flags(slot, rows.iter().map(|_| false)),
            Some(column) => block.fill_flags(slot, rows.iter().map(|row| column.missing.get(*row as usize))),
        }
    }
}

/// The state of a quantity; they are in the order of their identifiers.
fn found(states: &[State], id: QuantityId) -> Option<&State> {
    states.binary_search_by_key(&id, |state| state.quantity).ok().map(|rank| &states[rank])
}

/// Fills a column of a block with the integers of some ranks.
#[expect(clippy::useless_conversion, reason = "of the widest list")]
pub(super) fn fill_from(integers: &Integers, ranks: impl Iterator<Item = usize>, block: &mut Block, slot: Slot) {
    each!(integers, list => block.fill_integers(slot, ranks.map(|rank| i64::from(list[rank]))));
}

/// A cell as kernels read it.
fn cell(column: &Column, row: usize) -> i64 {
    match &column.data {
        ColumnData::Number(cells) => cells.get(row),
        ColumnData::Boolean(cells) => cells.get(row).into(),
        ColumnData::Date(cells) => cells[row].into(),
        ColumnData::Case(cells) => cells[row].into(),
        // Kernels read no text.
        ColumnData::Text(_) => 0,
    }
}

/// The default of an input that is not in the batch, as a cell.
fn default_cell(input: &Input) -> i64 {
    let mut column = Column::with_capacity(input, 1);
    column.push(None, input);
    cell(&column, 0)
}
