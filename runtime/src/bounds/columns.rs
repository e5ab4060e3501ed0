//! The results of a file with missing cells: of each output its lowest and highest values, then what is missing, whether the
//! bounds are attained, and what else is to be known of the row.

use std::collections::BTreeSet;
use std::sync::Arc;

use polc_compiler::num::Ratio;
use polc_compiler::typed::{Program, Quantity, QuantityId, QuantityKind, Type, Value};
use rayon::prelude::*;

use super::cells::Cell;
use super::eval::Rows;
use super::search::{RowBounds, bounds};
use super::sweep::Question;
use super::{finals, incomplete_rows};
use crate::engine::History;
use crate::say;
use crate::table::{Batch, ResultColumn, ResultValues, Results, RowError, RowErrorKind};

/// A policy whose outputs are bounds: files of bounds are written as those of any policy.
#[derive(Clone, Debug)]
pub struct Presentation {
    /// The policy, and the columns of bounds as quantities that nothing computes.
    pub program: Arc<Program>,
    pub outputs: Vec<QuantityId>,
}

/// A column of bounds has the name of an input or a result of the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameTaken(pub String);

impl Presentation {
    /// The columns of the bounds of numeric outputs.
    ///
    /// # Errors
    /// When a column would have the name of another.
    pub fn new(program: &Program, outputs: &[QuantityId]) -> Result<Self, NameTaken> {
        let mut quantities: Vec<Quantity> = Vec::new();
        for id in outputs {
            let quantity = program.quantity(*id);
            for name in [say::lowest_of(&quantity.name), say::highest_of(&quantity.name)] {
                quantities.push(Quantity { name: name.into(), ..quantity.clone() });
            }
        }
        if let Some(like) = quantities.first().cloned() {
            for name in say::BOUNDS_COLUMNS {
                let (name, kind, rules) = (name.into(), QuantityKind::Definition, Vec::new());
                quantities.push(Quantity { name, kind, rules, ty: Type::Text, ..like.clone() });
            }
        }
        for quantity in &quantities {
            let taken = program.key.iter().any(|id| program.input(*id).name == quantity.name);
            let twice = quantities.iter().filter(|other| other.name == quantity.name).count() > 1;
            if taken || twice {
                return Err(NameTaken(quantity.name.to_string()));
            }
        }
        let first = program.quantities.len() as u32;
        let outputs = (0..quantities.len() as u32).map(|rank| QuantityId(first + rank)).collect();
        let mut program = program.clone();
        program.quantities.extend(quantities);
        Ok(Self { program: Arc::new(program), outputs })
    }
}

/// The bounds of the rows that missing cells leave open, and the results of the others.
pub(crate) fn bounded(
    program: &Program,
    batch: &Batch,
    history: &History,
    outputs: &[QuantityId],
    controls: &[u32],
    results: Results,
) -> Results {
    let figures = history.figures.as_ref();
    let rows = Rows { program, batch, history, figures };
    let mut open = incomplete_rows(program, batch, history);
    if let Some(figures) = figures {
        open.extend(figures.rows());
        open.sort_unstable();
        open.dedup();
    }
    let finals = finals(program, outputs);
    let question = Question { outputs, finals: &finals, controls };
    let found: Vec<(usize, Result<Option<RowBounds>, RowErrorKind>)> =
        open.par_iter().map(|row| (*row, bounds(rows, *row, question))).collect();

    let Results { columns, mut errors, mut statistics } = results;
    let mut low = columns.clone();
    let mut high = columns;
    let mut texts: [Vec<Arc<str>>; 3] = std::array::from_fn(|_| vec!["".into(); batch.rows]);
    let settled: BTreeSet<usize> =
        found.iter().filter(|(_, found)| !matches!(found, Ok(None))).map(|(row, _)| *row).collect();
    errors.retain(|error| !settled.contains(&error.row));
    for (row, found) in found {
        let bounds = match found {
            // No rule needs what is missing.
            Ok(None) => continue,
            Ok(Some(bounds)) => bounds,
            Err(kind) => {
                errors.push(RowError { row, kind });
                continue;
            }
        };
        statistics.incomplete += 1;
        for (rank, amount) in bounds.amounts.iter().enumerate() {
            for (columns, end) in [(&mut low, &amount.low), (&mut high, &amount.high)] {
                columns[rank].set(row, end.clone().filter(|_| amount.present).map(Value::Number));
            }
        }
        let cells =
            [missing(rows, row, &bounds), attained(program, outputs, &bounds), reserves(program, outputs, &bounds)];
        for (texts, cell) in texts.iter_mut().zip(cells) {
            texts[row] = cell.into();
        }
    }
    errors.sort_by_key(|error| error.row);
    for error in &errors {
        low.iter_mut().chain(&mut high).for_each(|column| column.present[error.row] = false);
    }
    let mut columns: Vec<ResultColumn> = low.into_iter().zip(high).flat_map(|(low, high)| [low, high]).collect();
    for values in texts {
        let present = values.iter().map(|text| !text.is_empty()).collect();
        columns.push(ResultColumn { present, values: ResultValues::Text(values) });
    }
    Results { columns, errors, statistics }
}

/// The missing cells, with the euros that each decides.
fn missing(rows: Rows<'_>, row: usize, bounds: &RowBounds) -> String {
    let program = rows.program;
    let name = |(of, id): Cell| {
        let name = &program.input(id).name;
        if of == row { name.to_string() } else { say::missing_of_a_year(name, rows.batch.year(program, of)) }
    };
    let decides = |gain: &Option<Ratio>| gain.as_ref().map(|gain| say::money(program, gain));
    let cells: Vec<String> =
        bounds.missing.iter().map(|(cell, gain)| say::decided_by(&name(*cell), decides(gain).as_deref())).collect();
    cells.join(" ; ")
}

fn attained(program: &Program, outputs: &[QuantityId], bounds: &RowBounds) -> String {
    let mut others = Vec::new();
    for (amount, id) in bounds.amounts.iter().zip(outputs).filter(|(amount, _)| amount.present) {
        let name = &program.quantity(*id).name;
        if !amount.low_attained {
            others.push(say::lowest_of(name));
        }
        if !amount.high_attained {
            others.push(say::highest_of(name));
        }
    }
    say::attained(&others)
}

fn reserves(program: &Program, outputs: &[QuantityId], bounds: &RowBounds) -> String {
    let mut notes = Vec::new();
    for (amount, id) in bounds.amounts.iter().zip(outputs).filter(|(amount, _)| amount.present) {
        let name = &program.quantity(*id).name;
        if amount.absent {
            notes.push(say::may_be_without_object(name));
        }
        if amount.low.is_none() {
            notes.push(say::without_bound(&say::lowest_of(name)));
        }
        if amount.high.is_none() {
            notes.push(say::without_bound(&say::highest_of(name)));
        }
    }
    notes.extend(bounds.faults.iter().map(|kind| say::may_fail(&say::row_error(program, kind))));
    if bounds.loose {
        notes.push(say::figures_are_open());
    }
    notes.join(" ; ")
}
