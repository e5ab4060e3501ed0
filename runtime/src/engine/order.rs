//! The rows in the order in which compiled code takes them.

use std::ops::Range;

use polc_compiler::typed::{InputId, Program, Type};

use super::History;

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
