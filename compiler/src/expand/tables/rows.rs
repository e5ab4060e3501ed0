//! Rows that amendments changed: cut where others take their place, in the years that these give.

use std::sync::Arc;

use polc_dsl::Span;
use polc_dsl::ast::{ClauseKind as K, Item};

use super::{Cell, Row, Table, Tables, written_cell};
use crate::diagnostics::{self as common, amendments as say};
use crate::overlay::years_without;
use crate::typed::Years;

impl Tables {
    /// Applies the changes of rows to the rows of the table, one after the other.
    pub(super) fn change_rows(
        &mut self,
        item: &Item,
        table: &Table,
        key_column: usize,
        bounds: Option<(usize, usize)>,
        rows: &mut Vec<Row>,
    ) {
        for clause in &item.clauses {
            let K::RowChange { key, cells, from } = &clause.kind else { continue };
            let new = cells.as_ref().map(|cells| Row {
                cells: cells.iter().map(|cell| cell.as_ref().map(written_cell)).collect(),
                years: Years::ALWAYS,
                span: clause.span,
            });
            if let Some(new) = &new
                && new.cells.len() != table.columns.len()
            {
                let problem =
                    format!("cette ligne a {} valeurs pour {} colonnes", new.cells.len(), table.columns.len());
                self.report(common::bad_table(clause.span, &problem));
                continue;
            }
            if from.is_some() && bounds.is_none() {
                self.report(say::not_dated(key.span, "une ligne de cette table"));
                continue;
            }
            let years = match (&new, from) {
                (Some(new), _) => years_of(new, bounds),
                (None, Some(first)) => Years { first: i64::from(*first), ..Years::ALWAYS },
                (None, None) => Years::ALWAYS,
            };
            let aimed = |row: &Row| {
                row.cells[key_column].as_ref().is_some_and(|cell| cell.text == key.node)
                    && years_of(row, bounds).overlap(years).is_some()
            };
            if !rows.iter().any(aimed) {
                let known = rows.iter().filter_map(|row| row.cells[key_column].as_ref()).map(|cell| &*cell.text);
                let problem = say::no_row(key.span, &key.node, &table.name.node, known);
                self.report(problem);
                continue;
            }
            let mut kept = Vec::with_capacity(rows.len() + 1);
            for row in std::mem::take(rows) {
                if !aimed(&row) {
                    kept.push(row);
                    continue;
                }
                let parts = years_without(years_of(&row, bounds), years);
                kept.extend(parts.into_iter().map(|part| in_years(&row, bounds, part)));
            }
            kept.extend(new);
            *rows = kept;
        }
    }
}

/// The years of a row, by the columns that say them.
fn years_of(row: &Row, bounds: Option<(usize, usize)>) -> Years {
    let Some((from, to)) = bounds else { return Years::ALWAYS };
    let year = |cell: &Option<Cell>| cell.as_ref().and_then(|cell| cell.text.parse::<i64>().ok());
    Years {
        first: year(&row.cells[from]).unwrap_or(Years::ALWAYS.first),
        last: year(&row.cells[to]).unwrap_or(Years::ALWAYS.last),
    }
}

/// The same row in other years.
fn in_years(row: &Row, bounds: Option<(usize, usize)>, years: Years) -> Row {
    let mut row = row.clone();
    if let Some((from, to)) = bounds {
        for (column, year, open) in [(from, years.first, Years::ALWAYS.first), (to, years.last, Years::ALWAYS.last)] {
            row.cells[column] = (year != open).then(|| cell(year, row.span));
        }
    }
    row
}

fn cell(year: i64, span: Span) -> Cell {
    let text: Arc<str> = year.to_string().into();
    Cell { value: Some(super::super::number(span, &text)), text }
}
