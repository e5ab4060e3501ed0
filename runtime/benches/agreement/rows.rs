//! Rows to compute.

use std::path::Path;

use polc_compiler::typed::Program;
use polc_runtime::synth::{self, Cell, Profile};
use polc_runtime::table::{Batch, Column, ColumnData};

/// Draws centres by the profile that the policy is shipped with.
pub fn draw(program: &Program, folder: &Path, subjects: usize) -> Batch {
    let text = std::fs::read_to_string(folder.join("donnees/profil.toml")).expect("the profile of the policy");
    let profile = Profile::parse(&text).unwrap_or_else(|problems| panic!("{problems:?}"));
    let rows = synth::generate(program, &profile, subjects, 1).unwrap_or_else(|problems| panic!("{problems:?}"));
    let mut columns: Vec<Column> = program.inputs.iter().map(|input| Column::with_capacity(input, 0)).collect();
    let mut count = 0;
    for cells in rows {
        count += 1;
        for ((column, input), cell) in columns.iter_mut().zip(&program.inputs).zip(cells) {
            match (&mut column.data, cell) {
                (ColumnData::Number(cells), Some(Cell::Number(number))) => cells.push(number),
                (ColumnData::Boolean(cells), Some(Cell::Boolean(flag))) => cells.push(flag),
                (ColumnData::Date(cells), Some(Cell::Date(days))) => cells.push(days),
                (ColumnData::Case(cells), Some(Cell::Case(case))) => cells.push(case),
                (ColumnData::Text(cells), Some(Cell::Text(text))) => cells.push(text),
                _ => {
                    column.push(None, input);
                    continue;
                }
            }
            if !column.missing.is_empty() {
                column.missing.push(false);
            }
        }
    }
    Batch { rows: count, columns: columns.into_iter().map(Some).collect() }
}

/// The same rows in another order.
pub fn reordered(batch: &Batch, order: &[usize]) -> Batch {
    let columns = batch.columns.iter().map(|column| column.as_ref().map(|column| column.select(order)));
    Batch { rows: order.len(), columns: columns.collect() }
}

/// The order of rows by one column of whole numbers or cases, then by another.
pub fn ordered_by(program: &Program, batch: &Batch, names: [&str; 2]) -> Vec<usize> {
    let cells = names.map(|name| {
        let id = program.find_input(name).expect("an input of the accord");
        match batch.columns[id.index()].as_ref().map(|column| &column.data) {
            Some(ColumnData::Number(cells)) => cells.clone(),
            Some(ColumnData::Case(cells)) => cells.iter().map(|case| i64::from(*case)).collect(),
            _ => panic!("no column to order by {name}"),
        }
    });
    let mut order: Vec<usize> = (0..batch.rows).collect();
    order.sort_by_key(|row| cells.each_ref().map(|cells| cells.get(*row)));
    order
}
