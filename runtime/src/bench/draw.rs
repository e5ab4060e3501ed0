//! Rows to time a policy on: drawn from what its inputs declare, or those of a file over and over.

use std::sync::Arc;

use polc_compiler::calendar::Date;
use polc_compiler::num::{Ratio, power_of_ten};
use polc_compiler::typed::{Input, Program, Type};

use crate::table::{Batch, Column, ColumnData, Flags};
use crate::testing::Random;

/// Years of one subject, one after the other.
const YEARS: i64 = 5;
/// Once in so many cells, an input that has a default is worth it.
const DEFAULTS: usize = 4;

/// Draws rows: every cell within its declared range, none empty, the same for the same seed. Subjects have up to five years
/// each, and stand in no order.
#[must_use]
pub fn draw(program: &Program, rows: usize, seed: u64) -> Batch {
    let mut random = Random::new(seed);
    let (first, last) = program.years;
    let mut keys: Vec<(i64, i64)> = Vec::with_capacity(rows);
    for subject in 0.. {
        if keys.len() == rows {
            break;
        }
        let start = random.between(first.saturating_sub(YEARS - 1), last);
        let years = (start.max(first)..=start.saturating_add(YEARS - 1).min(last)).take(rows - keys.len());
        keys.extend(years.map(|year| (subject, year)));
    }
    for index in (1..keys.len()).rev() {
        keys.swap(index, random.below(index + 1));
    }
    let columns = program.input_ids().map(|id| {
        let input = program.input(id);
        let data = if id == program.year {
            ColumnData::Number(keys.iter().map(|(_, year)| *year).collect())
        } else if program.key.contains(&id) {
            subjects(input, &keys)
        } else {
            cells(program, input, &keys, &mut random)
        };
        Some(Column { data, missing: Flags::default() })
    });
    Batch { rows: keys.len(), columns: columns.collect() }
}

/// The lowest and the highest cell of a number.
fn range(input: &Input) -> (i64, i64) {
    let scale = Ratio::from_integer(power_of_ten(input.decimals));
    let (low, high) = match &input.range {
        Some((low, high)) => ((low * &scale).ceil().to_integer(), (high * &scale).floor().to_integer()),
        None => (0.into(), 1_000_000.into()),
    };
    let low = i64::try_from(low).unwrap_or(i64::MIN / 2);
    (low, i64::try_from(high).unwrap_or(i64::MAX / 2).max(low))
}

/// The name of each row's subject, as the key holds it.
fn subjects(input: &Input, keys: &[(i64, i64)]) -> ColumnData {
    let numbers = keys.iter().map(|(subject, _)| *subject);
    match input.ty {
        Type::Text => ColumnData::Text(numbers.map(|subject| Arc::from(format!("{subject:09}"))).collect()),
        Type::Date => ColumnData::Date(numbers.map(|subject| (subject % 20_000) as i32).collect()),
        Type::Enumeration(_) => ColumnData::Case(vec![0; keys.len()]),
        Type::Boolean | Type::Error => ColumnData::Boolean(keys.iter().map(|_| false).collect()),
        Type::Number(_) => {
            let (low, high) = range(input);
            let width = high.saturating_sub(low).saturating_add(1).max(1);
            ColumnData::Number(numbers.map(|subject| low + subject % width).collect())
        }
    }
}

fn cells(program: &Program, input: &Input, keys: &[(i64, i64)], random: &mut Random) -> ColumnData {
    let mut default = Column::with_capacity(input, 1);
    default.push(None, input);
    let defaulted = input.default.is_some();
    let worth_default = |random: &mut Random| defaulted && random.one_in(DEFAULTS);
    match default.data {
        ColumnData::Number(cells) => {
            let (low, high) = range(input);
            let number =
                |_: &_| if worth_default(random) { cells.get(0) } else { low + magnitude(high.abs_diff(low), random) };
            ColumnData::Number(keys.iter().map(number).collect())
        }
        ColumnData::Boolean(cells) => {
            let flag = |_: &_| if worth_default(random) { cells.get(0) } else { random.one_in(2) };
            ColumnData::Boolean(keys.iter().map(flag).collect())
        }
        ColumnData::Date(cells) => {
            let date = |(_, year): &(i64, i64)| {
                if worth_default(random) {
                    return cells[0];
                }
                let (low, high) = (year.saturating_sub(3).clamp(1, 9_998), year.saturating_add(1).clamp(2, 9_999));
                let (low, high) = (Date::new(low, 1, 1), Date::new(high, 1, 1));
                let days = |date: Option<Date>| date.map_or(0, |date| i64::from(date.days()));
                random.between(days(low), days(high)) as i32
            };
            ColumnData::Date(keys.iter().map(date).collect())
        }
        ColumnData::Case(cells) => {
            let count = match input.ty {
                Type::Enumeration(id) => program.enumeration(id).cases.len().max(1),
                _ => 1,
            };
            let case = |_: &_| if worth_default(random) { cells[0] } else { random.below(count) as u16 };
            ColumnData::Case(keys.iter().map(case).collect())
        }
        ColumnData::Text(_) => ColumnData::Text(vec!["".into(); keys.len()]),
    }
}

/// From 0 to `most`: each order of magnitude as often as the others.
fn magnitude(most: u64, random: &mut Random) -> i64 {
    let bits = random.below(65 - most.leading_zeros() as usize) as u32;
    let bound = if bits == 64 { u64::MAX } else { (1 << bits) - 1 };
    random.between(0, i64::try_from(most.min(bound)).unwrap_or(i64::MAX))
}

/// The rows of a batch, over and over, or the first of them. Where a text is part of the key, those of each time are other
/// beneficiaries.
#[must_use]
pub fn repeat(program: &Program, batch: &Batch, rows: usize) -> Batch {
    let ranks: Vec<usize> = (0..batch.rows).cycle().take(rows).collect();
    let column = |column: &Column| column.select(&ranks);
    let mut repeated =
        Batch { rows: ranks.len(), columns: batch.columns.iter().map(|input| input.as_ref().map(column)).collect() };
    let text = program.key.iter().find(|id| program.input(**id).ty == Type::Text);
    if let Some(column) = text.and_then(|id| repeated.columns[id.index()].as_mut())
        && let ColumnData::Text(cells) = &mut column.data
    {
        let mut last: Option<(Arc<str>, Arc<str>)> = None;
        for (row, cell) in cells.iter_mut().enumerate().skip(batch.rows) {
            // The rows of one beneficiary are often neighbours: one text serves them all.
            let other = match &last {
                Some((known, other)) if known == cell && row % batch.rows > 0 => other.clone(),
                _ => format!("{cell}-{}", row / batch.rows).into(),
            };
            last = Some((std::mem::replace(cell, other.clone()), other));
        }
    }
    repeated
}
