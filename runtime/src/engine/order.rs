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

/// The groups that rows may be of, numbered by year and, where cases are told apart, by case.
pub(super) struct Buckets<'a> {
    /// Of each row.
    years: &'a [i64],
    /// Those that the policy covers.
    first: i64,
    last: i64,
    /// The input whose cases are told apart, and its cells.
    cases: Option<(InputId, &'a [u16])>,
    /// How many cases.
    width: usize,
}

impl<'a> Buckets<'a> {
    pub fn of(program: &Program, history: &'a History, cases: Option<(InputId, &'a [u16])>) -> Self {
        let (first, last) = program.years;
        let width = cases.map_or(1, |(input, _)| match program.input(input).ty {
            Type::Enumeration(id) => program.enumeration(id).cases.len(),
            _ => 1,
        });
        Self { years: &history.years, first, last, cases, width }
    }

    pub fn count(&self) -> usize {
        usize::try_from(self.last - self.first + 1).unwrap_or(0) * self.width
    }

    /// `None` for a row of a year that the policy does not cover.
    pub fn of_row(&self, row: usize) -> Option<usize> {
        let year = self.years[row];
        if !(self.first..=self.last).contains(&year) {
            return None;
        }
        Some((year - self.first) as usize * self.width + self.cases.map_or(0, |(_, cells)| usize::from(cells[row])))
    }

    /// The year and the case.
    pub fn group(&self, bucket: usize) -> (i64, Option<(InputId, u16)>) {
        let case = self.cases.map(|(input, _)| (input, (bucket % self.width) as u16));
        (self.first + (bucket / self.width) as i64, case)
    }
}

impl Order {
    /// Puts rows in order, which are ascending and hold whole histories.
    pub fn of(buckets: &Buckets<'_>, of: &[u32]) -> Self {
        // Years that are not covered come last, together.
        let covered = buckets.count();
        let group = |row: u32| buckets.of_row(row as usize).unwrap_or(covered);
        let mut next = vec![0; covered + 1];
        of.iter().for_each(|row| next[group(*row)] += 1);
        let mut start = 0;
        let mut groups = Vec::new();
        for (rank, next) in next.iter_mut().enumerate() {
            let positions = start..start + *next;
            // Then it is the next free position of the group.
            start += std::mem::replace(next, start);
            if rank < covered && !positions.is_empty() {
                let (year, case) = buckets.group(rank);
                groups.push(Rows { year, case, positions });
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
