//! The rows in the order in which compiled code takes them, and their cells in that order.
//!
//! The rows of one year stand far apart in a file that goes from centre to centre: taken from there block by block, each cell
//! would cost a line of the cache. They are put in order once, column by column.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use polc_compiler::codegen::{Block, Cell, Layout, Slot, Width};
use polc_compiler::ir::Source;
use polc_compiler::typed::{InputId, Program, Type};

use super::History;
use crate::table::{Batch, ColumnData, Integers, each};

/// Some rows in order of year and, where cases are told apart, of case; each group in the order of the batch. Last, those of years
/// that the policy does not cover.
#[derive(Clone, Debug)]
pub(super) struct Order {
    /// The row at each position, and its rank among the rows put in order.
    pub rows: Vec<u32>,
    pub ranks: Vec<u32>,
    /// The position of each row from the first on.
    positions: Vec<u32>,
    first: usize,
    /// Years ascending.
    pub groups: Vec<Rows>,
    pub apart: Range<usize>,
}

/// Rows for which the same kernels serve.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    pub year: i64,
    pub case: Option<(InputId, u16)>,
    pub positions: Range<usize>,
}

impl Order {
    /// Puts rows in order, which are ascending and hold whole histories. `cases` are the cells of the input whose cases are told
    /// apart.
    pub fn of(program: &Program, history: &History, cases: Option<(InputId, &[u16])>, of: &[u32]) -> Self {
        let (first, last) = program.years;
        let years = &history.years;
        let width = cases.map_or(1, |(input, _)| match program.input(input).ty {
            Type::Enumeration(id) => program.enumeration(id).cases.len(),
            _ => 1,
        });
        let covered = usize::try_from(last - first + 1).unwrap_or(0) * width;
        let since = |year: i64| usize::try_from(year.checked_sub(first)?).ok();
        // Years that are not covered come last, together.
        let group = |row: u32| match since(years[row as usize]) {
            Some(year) if years[row as usize] <= last => {
                year * width + cases.map_or(0, |(_, cells)| usize::from(cells[row as usize]))
            }
            _ => covered,
        };
        let mut next = vec![0; covered + 1];
        of.iter().for_each(|row| next[group(*row)] += 1);
        let mut start = 0;
        let mut groups = Vec::new();
        for (rank, next) in next.iter_mut().enumerate() {
            let positions = start..start + *next;
            // Then it is the next free position of the group.
            start += std::mem::replace(next, start);
            if rank < covered && !positions.is_empty() {
                let case = cases.map(|(input, _)| (input, (rank % width) as u16));
                groups.push(Rows { year: first + (rank / width) as i64, case, positions });
            }
        }
        let apart = next[covered]..start;
        let (mut rows, mut ranks) = (vec![0; of.len()], vec![0; of.len()]);
        let first = of.first().map_or(0, |row| *row as usize);
        let mut positions = vec![0; of.last().map_or(0, |row| *row as usize + 1 - first)];
        for (rank, row) in of.iter().enumerate() {
            let next = &mut next[group(*row)];
            (rows[*next], ranks[*next]) = (*row, rank as u32);
            positions[*row as usize - first] = *next as u32;
            *next += 1;
        }
        Self { rows, ranks, positions, first, groups, apart }
    }

    /// The position of one of the rows.
    pub fn position(&self, row: usize) -> usize {
        self.positions[row - self.first] as usize
    }

    /// The row at a position.
    pub fn row(&self, position: usize) -> usize {
        self.rows[position] as usize
    }
}

/// The cells of one input, by position.
#[derive(Debug)]
enum Cells {
    /// All bits or none.
    Flag(Vec<u8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
}

/// The cells that kernels read, by position, in lanes as wide as kernels read them.
#[derive(Debug, Default)]
pub(super) struct Columns {
    cells: BTreeMap<InputId, Cells>,
    /// Where cells are missing; only of inputs of which some are.
    missing: BTreeMap<InputId, Vec<u8>>,
}

impl Columns {
    /// The columns of a batch that kernels of these layouts read.
    pub fn of<'l>(batch: &Batch, order: &Order, layouts: impl Iterator<Item = &'l Layout>) -> Self {
        let mut read: BTreeMap<InputId, Width> = BTreeMap::new();
        let mut asked: BTreeSet<InputId> = BTreeSet::new();
        for (source, slot) in layouts.flat_map(|layout| &layout.inputs) {
            match source {
                Source::Cell(id) | Source::PastCell(_, id) => {
                    read.entry(*id).and_modify(|width| *width = slot.width.max(*width)).or_insert(slot.width);
                }
                Source::Missing(id) | Source::PastCellPresent(_, id) => drop(asked.insert(*id)),
                _ => {}
            }
        }
        let column = |id: &InputId| batch.columns[id.index()].as_ref();
        let cells = read.iter().filter_map(|(id, width)| Some((*id, Cells::of(&column(id)?.data, *width, order)?)));
        let missing = asked.iter().filter_map(|id| {
            let column = column(id)?;
            (!column.missing.is_empty()).then(|| (*id, placed(order, |row| flag_byte(column.is_missing(row)))))
        });
        Self { cells: cells.collect(), missing: missing.collect() }
    }

    /// Fills a column of a block with the cells at some positions; `none` where the batch has no such column.
    pub fn fill(&self, id: InputId, none: i64, positions: Range<usize>, block: &mut Block, slot: Slot) {
        match self.cells.get(&id) {
            None => block.fill_integers(slot, positions.map(|_| none)),
            Some(Cells::Flag(cells)) => copy(block, slot, &cells[positions], i64::from),
            Some(Cells::I16(cells)) => copy(block, slot, &cells[positions], i64::from),
            Some(Cells::I32(cells)) => copy(block, slot, &cells[positions], i64::from),
            Some(Cells::I64(cells)) => copy(block, slot, &cells[positions], i64::from),
        }
    }

    /// The cell at a position; 0 where there is no such column.
    pub fn cell(&self, id: InputId) -> impl Fn(usize) -> i64 + '_ {
        let cells = self.cells.get(&id);
        move |position| match cells {
            None => 0,
            Some(Cells::Flag(cells)) => i64::from(cells[position] != 0),
            Some(Cells::I16(cells)) => i64::from(cells[position]),
            Some(Cells::I32(cells)) => i64::from(cells[position]),
            Some(Cells::I64(cells)) => cells[position],
        }
    }

    /// Fills a column of flags with where cells are missing, of an input that has a column.
    pub fn fill_missing(&self, id: InputId, positions: Range<usize>, block: &mut Block, slot: Slot) {
        match self.missing.get(&id) {
            None => block.fill_flags(slot, positions.map(|_| false)),
            Some(missing) => block.fill(slot, missing[positions].iter().copied()),
        }
    }

    /// Whether the cell at a position is missing, of an input that has a column.
    pub fn is_missing(&self, id: InputId, position: usize) -> bool {
        self.missing.get(&id).is_some_and(|missing| missing[position] != 0)
    }
}

impl Cells {
    fn of(data: &ColumnData, width: Width, order: &Order) -> Option<Self> {
        Some(match data {
            ColumnData::Number(cells) => each!(cells, cells => Self::narrowed(cells, width, order)),
            ColumnData::Boolean(cells) => Self::Flag(placed(order, |row| flag_byte(cells.get(row)))),
            ColumnData::Date(cells) => Self::narrowed(cells, width, order),
            ColumnData::Case(cells) => Self::narrowed(cells, width, order),
            // Kernels read no text.
            ColumnData::Text(_) => return None,
        })
    }

    /// The values fit, as the range of the input says.
    fn narrowed<T: Copy + Into<i64>>(cells: &[T], width: Width, order: &Order) -> Self {
        match width {
            Width::Flag | Width::I16 => Self::I16(placed(order, |row| cells[row].into() as i16)),
            Width::I32 => Self::I32(placed(order, |row| cells[row].into() as i32)),
            Width::I64 | Width::I128 => Self::I64(placed(order, |row| cells[row].into())),
        }
    }
}

fn flag_byte(flag: bool) -> u8 {
    if flag { u8::MAX } else { 0 }
}

/// The cells of some rows of a batch, by position.
fn placed<U>(order: &Order, cell: impl Fn(usize) -> U) -> Vec<U> {
    order.rows.iter().map(|row| cell(*row as usize)).collect()
}

fn copy<T: Cell + 'static>(block: &mut Block, slot: Slot, cells: &[T], wide: impl Fn(T) -> i64) {
    if slot.width.bytes() == T::BYTES {
        block.fill(slot, cells.iter().copied());
    } else {
        block.fill_integers(slot, cells.iter().map(|cell| wide(*cell)));
    }
}
