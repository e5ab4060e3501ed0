//! From a row to the others that it reads: those of the years before, and the figures of its groups.

use polc_compiler::typed::{ControlKind, ExprKind, InputId, Presence, Program};
use polc_dsl::ast::Reach;

use super::aggregates::Aggregates;
use super::keys::group_rows;
use crate::bounds::Figures;
use crate::table::Batch;

/// For every row, the rows of the same key one year earlier and of the latest year before, if there are any.
#[derive(Clone, Debug)]
pub struct History {
    last_year: Vec<Option<u32>>,
    earlier: Vec<Option<u32>>,
    /// Every row's year.
    pub years: Vec<i64>,
    /// Whose row each is, numbered in the order in which they are met; empty where rows read none of earlier years.
    subjects: Vec<Option<u32>>,
    pub aggregates: Aggregates,
    /// What missing cells leave open of them, where bounds are asked for.
    pub(crate) figures: Option<Figures>,
}

impl History {
    /// Joins the rows of a batch. Rows may be in any order; a year that is missing makes a gap.
    #[must_use]
    pub fn of(program: &Program, batch: &Batch) -> Self {
        let years: Vec<i64> = (0..batch.rows).map(|row| batch.year(program, row)).collect();
        let mut history = Self {
            last_year: vec![None; batch.rows],
            earlier: vec![None; batch.rows],
            years,
            subjects: Vec::new(),
            aggregates: Aggregates::default(),
            figures: None,
        };
        if !reads_past(program) {
            return history;
        }
        let keys: Vec<InputId> = program.key.iter().copied().filter(|id| *id != program.year).collect();
        let grouping = group_rows(batch, &keys);
        // The rows of each subject one after the other.
        let mut ends = vec![0; grouping.firsts.len() + 1];
        grouping.groups.iter().flatten().for_each(|group| ends[*group as usize + 1] += 1);
        for group in 1..ends.len() {
            ends[group] += ends[group - 1];
        }
        let mut by_subject: Vec<u32> = vec![0; ends.last().copied().unwrap_or(0)];
        let mut next = ends.clone();
        for (row, group) in grouping.groups.iter().enumerate() {
            if let Some(group) = group {
                by_subject[next[*group as usize]] = row as u32;
                next[*group as usize] += 1;
            }
        }
        history.subjects = grouping.groups;
        for subject in ends.windows(2) {
            let rows = &mut by_subject[subject[0]..subject[1]];
            rows.sort_by_key(|row| history.years[*row as usize]);
            for pair in rows.windows(2) {
                let (before, row) = (pair[0] as usize, pair[1] as usize);
                history.earlier[row] = Some(pair[0]);
                if history.years[before] + 1 == history.years[row] {
                    history.last_year[row] = Some(pair[0]);
                }
            }
        }
        history
    }

    /// The same, with figures of the whole data.
    #[must_use]
    pub fn with(self, aggregates: Aggregates) -> Self {
        Self { aggregates, ..self }
    }

    /// The rows in shares near so many, each ascending and with whole histories.
    pub(super) fn shares(&self, rows: usize) -> Vec<Vec<u32>> {
        let mut counts: Vec<usize> = Vec::new();
        for subject in self.subjects.iter().flatten() {
            let subject = *subject as usize;
            counts.resize(counts.len().max(subject + 1), 0);
            counts[subject] += 1;
        }
        let share_of = counts.iter().scan(0, |before, count| {
            let share = *before / rows;
            *before += count;
            Some(share)
        });
        let share_of: Vec<usize> = share_of.collect();
        let mut shares: Vec<Vec<u32>> = Vec::new();
        let mut last = 0;
        for row in 0..self.years.len() {
            // A row without key reads no other.
            let share = match self.subjects.get(row) {
                None => row / rows,
                Some(subject) => subject.map_or(last, |subject| share_of[subject as usize]),
            };
            last = share;
            shares.resize_with(shares.len().max(share + 1), Vec::new);
            shares[share].push(row as u32);
        }
        shares.retain(|share| !share.is_empty());
        shares
    }

    #[must_use]
    pub fn past(&self, reach: Reach, row: usize) -> Option<usize> {
        let rows = match reach {
            Reach::LastYear => &self.last_year,
            Reach::Earlier => &self.earlier,
        };
        rows[row].map(|row| row as usize)
    }
}

fn reads_past(program: &Program) -> bool {
    let rules = || program.quantities.iter().flat_map(|quantity| &quantity.rules);
    let mut found = rules().any(|rule| rule.keeps.is_some());
    let scopes = program.scopes.iter().map(|scope| &scope.condition);
    let controls = program.controls.iter().flat_map(|control| match &control.kind {
        ControlKind::Row { guard, condition, .. } => guard.iter().chain([condition]).collect(),
        ControlKind::Groups { condition, .. } => vec![condition],
        ControlKind::Verify { .. } | ControlKind::Announced { .. } => Vec::new(),
    });
    for expr in program.quantities.iter().flat_map(|q| q.expressions()).chain(scopes).chain(controls) {
        expr.walk(&mut |e| {
            found |= matches!(
                e.kind,
                ExprKind::PastQuantity { .. }
                    | ExprKind::PastInput { .. }
                    | ExprKind::IsSet(Presence::PastInput(..) | Presence::PastQuantity(..))
            );
        });
    }
    found
}
