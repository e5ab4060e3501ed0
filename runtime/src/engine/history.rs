//! From a row to the others that it reads: those of the years before, and the figures of its groups.

use std::ops::Range;

use polc_compiler::typed::{InputId, Program};
use polc_dsl::ast::Reach;
use rayon::prelude::*;

use super::aggregates::Aggregates;
use super::keys::{Grouping, Groupings, group_rows};
use super::reads::reads_past;
use crate::bounds::Figures;
use crate::table::{Batch, ColumnData};

/// Whose row each is, and of what year: from there to the rows of the same key one year earlier and of the latest year before.
#[derive(Clone, Debug)]
pub struct History {
    /// Every row's year.
    pub years: Vec<i64>,
    /// Whose row each is, numbered in the order in which they are met; empty where rows read none of earlier years.
    subjects: Vec<Option<u32>>,
    /// The rows of each subject one after the other, by year; then those that are nobody's.
    rows: Vec<u32>,
    /// Where the rows of each subject begin, and those of the last end.
    starts: Vec<u32>,
    /// What the rows of the batch have in common.
    pub(super) groupings: Groupings,
    pub aggregates: Aggregates,
    /// What missing cells leave open of them, where bounds are asked for.
    pub(crate) figures: Option<Figures>,
}

impl History {
    /// Joins the rows of a batch. Rows may be in any order; a year that is missing makes a gap.
    #[must_use]
    pub fn of(program: &Program, batch: &Batch) -> Self {
        Self::joining(program, batch, reads_past(program))
    }

    /// The same where it is known whether rows read earlier ones.
    pub(super) fn joining(program: &Program, batch: &Batch, reads_past: bool) -> Self {
        let years = match batch.columns[program.year.index()].as_ref().map(|column| &column.data) {
            Some(ColumnData::Number(cells)) => cells.to_vec(),
            _ => vec![0; batch.rows],
        };
        let mut history = Self {
            years,
            subjects: Vec::new(),
            rows: Vec::new(),
            starts: vec![0],
            groupings: Groupings::default(),
            aggregates: Aggregates::default(),
            figures: None,
        };
        if !reads_past {
            history.rows = (0..batch.rows as u32).collect();
            return history;
        }
        let keys: Vec<InputId> = program.key.iter().copied().filter(|id| *id != program.year).collect();
        let Grouping { groups: subjects, firsts } = group_rows(batch, &keys);
        let nobody = firsts.len();
        let of = |subject: &Option<u32>| subject.map_or(nobody, |subject| subject as usize);
        let mut counts = vec![0; nobody + 1];
        subjects.iter().for_each(|subject| counts[of(subject)] += 1);
        let mut end = 0;
        history.starts.extend(counts.iter().map(|count| {
            end += count;
            end
        }));
        let mut next = history.starts.clone();
        let mut rows = vec![0; batch.rows];
        for (row, subject) in subjects.iter().enumerate() {
            let next = &mut next[of(subject)];
            rows[*next as usize] = row as u32;
            *next += 1;
        }
        history.starts.truncate(nobody + 1);
        let joined = history.starts[nobody] as usize;
        rows[..joined]
            .par_chunk_by_mut(|row, other| subjects[*row as usize] == subjects[*other as usize])
            .for_each(|rows| rows.sort_by_key(|row| history.years[*row as usize]));
        Self { subjects, rows, ..history }
    }

    /// The same, with figures of the whole data.
    #[must_use]
    pub fn with(self, aggregates: Aggregates) -> Self {
        Self { aggregates, ..self }
    }

    /// The rows in shares, each with whole histories, near so many rows for those that are left.
    pub(super) fn shares(&self, length: impl Fn(usize) -> usize) -> Vec<Range<usize>> {
        let joined = self.starts.last().map_or(0, |end| *end as usize);
        let mut shares = Vec::new();
        let mut start = 0;
        while start < self.rows.len() {
            let mut end = start + length(self.rows.len() - start).clamp(1, self.rows.len() - start);
            if end < joined {
                // To the end of the history that it is in.
                end = self.starts[self.starts.partition_point(|cut| (*cut as usize) < end)] as usize;
            }
            shares.push(start..end);
            start = end;
        }
        shares
    }

    /// The rows of a share, ascending.
    pub(super) fn share(&self, share: Range<usize>) -> Vec<u32> {
        let mut rows = self.rows[share].to_vec();
        rows.sort_unstable();
        rows
    }

    /// The earlier row that a row reads: of the year before, or of the latest year before.
    #[must_use]
    pub fn past(&self, reach: Reach, row: usize) -> Option<usize> {
        let subject = self.subjects.get(row).copied().flatten()? as usize;
        let rows = &self.rows[self.starts[subject] as usize..self.starts[subject + 1] as usize];
        let year = self.years[row];
        let earlier = rows.partition_point(|row| self.years[*row as usize] < year);
        let found = *rows[..earlier].last()? as usize;
        match reach {
            Reach::LastYear => (self.years[found] + 1 == year).then_some(found),
            Reach::Earlier => Some(found),
        }
    }
}
