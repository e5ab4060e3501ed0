//! The groups of rows that a column makes.

use polc_compiler::num::{Ratio, format_french, power_of_ten};
use polc_compiler::typed::{Input, Program, Type};

use super::by::By;
use super::words;
use crate::table::{Batch, ColumnData};

/// A column that rows are grouped by, with its groups.
#[derive(Clone, Debug)]
pub struct Grouping {
    pub by: By,
    /// Name of the column.
    pub name: String,
    pub meaning: String,
    /// Name of each group; the last one is of rows with an empty cell.
    pub labels: Vec<String>,
    /// Where the ranges of a number begin, but for the first.
    thresholds: Vec<i64>,
}

impl Grouping {
    /// The groups of a column; `values` are all its cells where quartiles are asked for.
    #[must_use]
    pub fn of(by: &By, program: &Program, values: &mut [i64]) -> Self {
        let input = program.input(by.input);
        let mut thresholds = by.thresholds.clone().unwrap_or_default();
        let mut labels: Vec<String> = match &input.ty {
            Type::Enumeration(id) => {
                program.enumeration(*id).cases.iter().map(|(name, title)| words::case(name, title)).collect()
            }
            Type::Boolean => vec![words::truth(false).to_owned(), words::truth(true).to_owned()],
            _ => {
                if by.thresholds.is_none() {
                    thresholds = quartiles(values);
                }
                ranges(input, &thresholds)
            }
        };
        labels.push(words::empty_cell().to_owned());
        Self { by: by.clone(), name: input.name.to_string(), meaning: input.meaning.to_string(), labels, thresholds }
    }

    /// The group of a row.
    #[must_use]
    pub fn group(&self, batch: &Batch, row: usize) -> usize {
        let empty = self.labels.len() - 1;
        let Some(column) = &batch.columns[self.by.input.index()] else { return empty };
        if column.is_missing(row) {
            return empty;
        }
        match &column.data {
            ColumnData::Number(cells) => self.thresholds.partition_point(|threshold| *threshold <= cells.get(row)),
            ColumnData::Boolean(cells) => usize::from(cells.get(row)),
            ColumnData::Case(cells) => usize::from(cells[row]),
            _ => empty,
        }
    }
}

/// Where the second, third and fourth quarters of the cells begin; fewer where cells are equal.
fn quartiles(values: &mut [i64]) -> Vec<i64> {
    let mut result: Vec<i64> = Vec::new();
    for quarter in 1..4 {
        let at = values.len() * quarter / 4;
        if at >= values.len() {
            continue;
        }
        let (below, value, _) = values.select_nth_unstable(at);
        let value = *value;
        // A range starts above the least cell, or the first range would be empty.
        let starts = below.iter().any(|cell| *cell < value);
        if starts && result.last().is_none_or(|last| *last < value) {
            result.push(value);
        }
    }
    result
}

fn ranges(input: &Input, thresholds: &[i64]) -> Vec<String> {
    let shown = |cell: i64| format_french(&Ratio::new(cell.into(), power_of_ten(input.decimals)), 0);
    if thresholds.is_empty() {
        return vec![words::any_value().to_owned()];
    }
    let mut labels = vec![words::below(&shown(thresholds[0]))];
    labels.extend(thresholds.windows(2).map(|pair| words::between(&shown(pair[0]), &shown(pair[1]))));
    labels.push(words::from(&shown(thresholds[thresholds.len() - 1])));
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quarters_of_cells() {
        assert_eq!(quartiles(&mut [8, 1, 7, 2, 6, 3, 5, 4]), [3, 5, 7]);
        assert_eq!(quartiles(&mut [0, 0, 0, 0, 0, 0, 5, 9]), [5]);
        assert_eq!(quartiles(&mut [4, 4, 4]), [] as [i64; 0]);
        assert_eq!(quartiles(&mut []), [] as [i64; 0]);
    }
}
