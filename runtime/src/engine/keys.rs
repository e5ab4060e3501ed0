//! Rows that have the same cells in some columns, without making values of the cells.

use polc_compiler::typed::InputId;
use rustc_hash::FxHashMap;

use crate::table::{Batch, Column, ColumnData, Integers, each};

/// The groups of the rows of a batch, numbered in the order in which they are met.
#[derive(Debug)]
pub struct Grouping {
    /// The group of each row; `None` for a row of which one of the cells is empty.
    pub groups: Vec<Option<u32>>,
    /// The first row of each group.
    pub firsts: Vec<usize>,
}

/// Groups rows by the cells of these inputs.
pub fn group_rows(batch: &Batch, inputs: &[InputId]) -> Grouping {
    let mut groups: Vec<Option<u32>> = vec![Some(0); batch.rows];
    for id in inputs {
        match &batch.columns[id.index()] {
            Some(column) => refine(&mut groups, column),
            None => groups.fill(None),
        }
    }
    // In the order of rows at last: earlier columns may have left gaps.
    let end = groups.iter().flatten().max().map_or(0, |last| *last as usize + 1);
    let mut ranks: Vec<Option<u32>> = vec![None; end];
    let mut firsts = Vec::new();
    for (row, group) in groups.iter_mut().enumerate() {
        if let Some(group) = group {
            *group = *ranks[*group as usize].get_or_insert_with(|| {
                firsts.push(row);
                firsts.len() as u32 - 1
            });
        }
    }
    Grouping { groups, firsts }
}

/// Splits groups by the cells of one more column.
fn refine(groups: &mut [Option<u32>], column: &Column) {
    fn split<T: std::hash::Hash + Eq + Copy>(groups: &mut [Option<u32>], cells: impl Iterator<Item = T>) {
        let mut ranks: FxHashMap<(u32, T), u32> = FxHashMap::default();
        // Neighbours are often of one group: nothing is looked up.
        let mut last = None;
        for (group, cell) in groups.iter_mut().zip(cells) {
            if let Some(group) = group {
                let key = (*group, cell);
                *group = match last {
                    Some((known, rank)) if known == key => rank,
                    _ => {
                        let next = ranks.len() as u32;
                        *ranks.entry(key).or_insert(next)
                    }
                };
                last = Some((key, *group));
            }
        }
    }
    groups.iter_mut().zip(column.missing.iter()).filter(|(_, missing)| *missing).for_each(|(group, _)| *group = None);
    match &column.data {
        ColumnData::Number(cells) => each!(cells, cells => split(groups, cells.iter())),
        ColumnData::Boolean(cells) => split(groups, cells.iter()),
        ColumnData::Date(cells) => split(groups, cells.iter()),
        ColumnData::Case(cells) => split(groups, cells.iter()),
        ColumnData::Text(cells) => split(groups, cells.iter()),
    }
}
