//! Rows that have the same cells in some columns, without making values of the cells.

use polc_compiler::typed::InputId;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::table::{Batch, Column, ColumnData, Integers, each};

/// The groups of the rows of a batch, numbered in the order in which they are met.
#[derive(Debug, Default)]
pub struct Grouping {
    /// The group of each row; `None` for a row of which one of the cells is empty.
    pub groups: Vec<Option<u32>>,
    /// The first row of each group.
    pub firsts: Vec<usize>,
}

/// Rows grouped by themselves at first, each share by one thread.
const SHARE: usize = 32_768;

/// Groups rows by the cells of these inputs.
pub fn group_rows(batch: &Batch, inputs: &[InputId]) -> Grouping {
    let starts: Vec<usize> = (0..batch.rows).step_by(SHARE).collect();
    let grouped_from = |start: &usize| grouped(batch, inputs, *start..batch.rows.min(start + SHARE));
    let mut parts: Vec<Grouping> = starts.par_iter().map(grouped_from).collect();
    if parts.len() <= 1 {
        return parts.pop().unwrap_or_default();
    }
    // Then the groups of all of them.
    let heads: Vec<usize> = parts.iter().flat_map(|part| &part.firsts).copied().collect();
    let Grouping { groups: group_of_head, firsts } = grouped(batch, inputs, heads.iter().copied());
    let ends = parts.iter().scan(0, |end, part| {
        *end += part.firsts.len();
        Some(*end)
    });
    let ends: Vec<usize> = ends.collect();
    parts.par_iter_mut().zip(ends).for_each(|(part, end)| {
        let known = &group_of_head[end - part.firsts.len()..end];
        part.groups.iter_mut().for_each(|group| *group = group.and_then(|group| known[group as usize]));
    });
    Grouping { groups: parts.into_iter().flat_map(|part| part.groups).collect(), firsts }
}

/// Groups some rows, ascending.
fn grouped(batch: &Batch, inputs: &[InputId], rows: impl ExactSizeIterator<Item = usize> + Clone) -> Grouping {
    let mut groups: Vec<Option<u32>> = vec![Some(0); rows.len()];
    for id in inputs {
        match &batch.columns[id.index()] {
            Some(column) => refine(&mut groups, column, rows.clone()),
            None => groups.fill(None),
        }
    }
    // In the order of rows at last: earlier columns may have left gaps.
    let end = groups.iter().flatten().max().map_or(0, |last| *last as usize + 1);
    let mut ranks: Vec<Option<u32>> = vec![None; end];
    let mut firsts = Vec::new();
    for (row, group) in rows.zip(&mut groups) {
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
fn refine(groups: &mut [Option<u32>], column: &Column, rows: impl Iterator<Item = usize> + Clone) {
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
    if !column.missing.is_empty() {
        let missing = rows.clone().map(|row| column.missing.get(row));
        groups.iter_mut().zip(missing).filter(|(_, missing)| *missing).for_each(|(group, _)| *group = None);
    }
    match &column.data {
        ColumnData::Number(cells) => each!(cells, cells => split(groups, rows.map(|row| cells[row]))),
        ColumnData::Boolean(cells) => split(groups, rows.map(|row| cells.get(row))),
        ColumnData::Date(cells) => split(groups, rows.map(|row| cells[row])),
        ColumnData::Case(cells) => split(groups, rows.map(|row| cells[row])),
        ColumnData::Text(cells) => split(groups, rows.map(|row| &cells[row])),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

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
        let Grouping { groups, firsts } = group_rows(&batch, &[InputId(0), InputId(1)]);
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
