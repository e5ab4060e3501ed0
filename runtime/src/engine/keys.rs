//! Rows that have the same cells in some columns, without making values of the cells.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::{Arc, Mutex};

use polc_compiler::typed::InputId;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHasher};

use crate::table::{Batch, Column, ColumnData, Integers, each};

/// The groups of the rows of a batch, numbered in the order in which they are met.
#[derive(Debug, Default)]
pub struct Grouping {
    /// The group of each row; `None` for a row of which one of the cells is empty.
    pub groups: Vec<Option<u32>>,
    /// The first row of each group.
    pub firsts: Vec<usize>,
}

/// The groups of the rows of a batch by the inputs that were asked for, each found once: several figures are of the same groups.
#[derive(Clone, Debug, Default)]
pub struct Groupings(Arc<Mutex<HashMap<Vec<InputId>, Arc<Grouping>>>>);

impl Groupings {
    /// The rows grouped by these inputs; the batch is always the same.
    pub fn by(&self, batch: &Batch, inputs: &[InputId]) -> Arc<Grouping> {
        if let Ok(known) = self.0.lock()
            && let Some(grouping) = known.get(inputs)
        {
            return grouping.clone();
        }
        let grouping = Arc::new(group_rows(batch, inputs));
        if let Ok(mut known) = self.0.lock() {
            known.insert(inputs.to_vec(), grouping.clone());
        }
        grouping
    }
}

/// Rows looked at by one thread.
const SHARE: usize = 32_768;

/// Rows one after the other that have the same cells.
struct Run {
    first: u32,
    /// Of the cells; `None` if one of them is empty.
    hash: Option<u64>,
}

/// Groups rows by the cells of these inputs.
pub fn group_rows(batch: &Batch, inputs: &[InputId]) -> Grouping {
    let columns: Option<Vec<&Column>> = inputs.iter().map(|id| batch.columns[id.index()].as_ref()).collect();
    let mut groups = vec![None; batch.rows];
    let Some(columns) = columns else { return Grouping { groups, firsts: Vec::new() } };
    let keys = Keys(&columns);
    // Neighbours are often of one group: only the first of a run is looked up.
    let starts: Vec<usize> = (0..batch.rows).step_by(SHARE).collect();
    let shares = starts.into_par_iter().map(|start| keys.runs(start..batch.rows.min(start + SHARE)));
    let shares: Vec<Vec<Run>> = shares.collect();
    let heads = || shares.iter().flatten().filter_map(|run| Some((run.first as usize, run.hash?)));
    // Each thread looks up some of the hashes, and numbers their groups from 0.
    let parts = rayon::current_num_threads();
    let part = |hash: u64| (hash >> 32) as usize % parts;
    let looked_up = |of: usize| {
        let mut known: FxHashMap<Key, u32> = FxHashMap::default();
        let heads = heads().filter(|(_, hash)| part(*hash) == of);
        let numbers = heads.map(|(row, hash)| {
            let next = known.len() as u32;
            *known.entry(Key { keys: &keys, row, hash }).or_insert(next)
        });
        numbers.collect()
    };
    let numbers: Vec<Vec<u32>> = (0..parts).into_par_iter().map(looked_up).collect();
    // Then all of them as they are met.
    let mut firsts = Vec::new();
    let mut known: Vec<Vec<u32>> = vec![Vec::new(); parts];
    let mut numbers: Vec<_> = numbers.iter().map(|numbers| numbers.iter()).collect();
    let mut number = |(row, hash): (usize, u64)| {
        let part = part(hash);
        let rank = *numbers[part].next()? as usize;
        // A new one is the next of its part.
        if rank == known[part].len() {
            known[part].push(firsts.len() as u32);
            firsts.push(row);
        }
        Some(known[part][rank])
    };
    let found = shares
        .iter()
        .map(|runs| -> Vec<Option<u32>> { runs.iter().map(|run| number((run.first as usize, run.hash?))).collect() });
    let found: Vec<Vec<Option<u32>>> = found.collect();
    groups.par_chunks_mut(SHARE).zip(&shares).zip(&found).enumerate().for_each(|(share, ((groups, runs), found))| {
        let start = |run: &Run| run.first as usize - share * SHARE;
        let ends = runs.iter().skip(1).map(start).chain([groups.len()]);
        let runs: Vec<Range<usize>> = runs.iter().map(start).zip(ends).map(|(start, end)| start..end).collect();
        runs.into_iter().zip(found).for_each(|(run, group)| groups[run].fill(*group));
    });
    Grouping { groups, firsts }
}

/// The columns of a key.
struct Keys<'a>(&'a [&'a Column]);

impl Keys<'_> {
    /// Some rows in runs.
    fn runs(&self, rows: Range<usize>) -> Vec<Run> {
        fn look<T: PartialEq>(begins: &mut [bool], cells: &[T]) {
            begins.iter_mut().skip(1).zip(cells.windows(2)).for_each(|(begins, pair)| *begins |= pair[0] != pair[1]);
        }
        let mut begins = vec![false; rows.len()];
        begins.iter_mut().take(1).for_each(|first| *first = true);
        for column in self.0 {
            match &column.data {
                ColumnData::Number(cells) => each!(cells, cells => look(&mut begins, &cells[rows.clone()])),
                ColumnData::Date(cells) => look(&mut begins, &cells[rows.clone()]),
                ColumnData::Case(cells) => look(&mut begins, &cells[rows.clone()]),
                ColumnData::Text(cells) => look(&mut begins, &cells[rows.clone()]),
                ColumnData::Boolean(cells) => {
                    look(&mut begins, &rows.clone().map(|row| cells.get(row)).collect::<Vec<_>>());
                }
            }
            if !column.missing.is_empty() {
                look(&mut begins, &rows.clone().map(|row| column.missing.get(row)).collect::<Vec<_>>());
            }
        }
        let firsts = rows.zip(begins).filter(|(_, begins)| *begins).map(|(row, _)| row);
        firsts.map(|first| Run { first: first as u32, hash: self.hash(first) }).collect()
    }

    fn hash(&self, row: usize) -> Option<u64> {
        let mut hasher = FxHasher::default();
        for column in self.0 {
            if column.is_missing(row) {
                return None;
            }
            match &column.data {
                ColumnData::Number(cells) => cells.get(row).hash(&mut hasher),
                ColumnData::Boolean(cells) => cells.get(row).hash(&mut hasher),
                ColumnData::Date(cells) => cells[row].hash(&mut hasher),
                ColumnData::Case(cells) => cells[row].hash(&mut hasher),
                ColumnData::Text(cells) => cells[row].hash(&mut hasher),
            }
        }
        Some(hasher.finish())
    }

    /// Whether two rows have the same cells.
    fn same(&self, one: usize, other: usize) -> bool {
        self.0.iter().all(|column| match &column.data {
            ColumnData::Number(cells) => cells.get(one) == cells.get(other),
            ColumnData::Boolean(cells) => cells.get(one) == cells.get(other),
            ColumnData::Date(cells) => cells[one] == cells[other],
            ColumnData::Case(cells) => cells[one] == cells[other],
            ColumnData::Text(cells) => cells[one] == cells[other],
        })
    }
}

/// The key of a row, of which no cell is empty.
struct Key<'a> {
    keys: &'a Keys<'a>,
    row: usize,
    hash: u64,
}

impl Hash for Key<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl PartialEq for Key<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.keys.same(self.row, other.row)
    }
}

impl Eq for Key<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Flags;

    #[test]
    fn groups_are_numbered_as_they_are_met() {
        // More rows than one thread groups by itself; a few cells are empty, and groups come back much later.
        let rows = 2 * SHARE + 1_000;
        let numbers: Integers = (0..rows as i64).map(|row| row / 7 % 9_001).collect();
        let missing: Flags = (0..rows).map(|row| row % 1_013 == 5).collect();
        let texts = (0..rows).map(|row| ["nord", "sud", "est"][row / 5_000 % 3].into()).collect();
        let columns = vec![
            Some(Column { data: ColumnData::Number(numbers), missing }),
            Some(Column { data: ColumnData::Text(texts), missing: Flags::default() }),
            None,
        ];
        let batch = Batch { rows, columns };
        let grouped = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("some threads");
            pool.install(|| group_rows(&batch, &[InputId(0), InputId(1)]))
        };
        let Grouping { groups, firsts } = grouped(1);
        for threads in [2, 5] {
            let again = grouped(threads);
            assert!(again.groups == groups && again.firsts == firsts, "{threads} threads");
        }
        let mut known: HashMap<(i64, &str), u32> = HashMap::new();
        let mut met = Vec::new();
        for (row, group) in groups.iter().enumerate() {
            let (Some(Column { data: ColumnData::Number(numbers), missing }), Some(text)) =
                (&batch.columns[0], &batch.columns[1])
            else {
                unreachable!("columns of the test")
            };
            let ColumnData::Text(texts) = &text.data else { unreachable!("a column of the test") };
            let expected = (!missing.get(row)).then(|| {
                let next = known.len() as u32;
                *known.entry((numbers.get(row), &*texts[row])).or_insert_with(|| {
                    met.push(row);
                    next
                })
            });
            assert_eq!(*group, expected, "row {row}");
        }
        assert_eq!(firsts, met);
        assert!(group_rows(&batch, &[InputId(0), InputId(2)]).groups.iter().all(Option::is_none));
        assert_eq!(group_rows(&batch, &[]).firsts, [0]);
        assert!(group_rows(&Batch { rows: 0, columns: Vec::new() }, &[]).firsts.is_empty());
    }
}
