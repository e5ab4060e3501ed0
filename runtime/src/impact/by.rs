//! Which columns rows are grouped by: « genre,habitants:1000,5000 ».

use std::collections::BTreeSet;

use num_traits::ToPrimitive as _;
use polc_compiler::num::{Ratio, parse_decimal, power_of_ten};
use polc_compiler::typed::{InputId, Program, QuantityId, Type};
use polc_dsl::diagnostic::closest;

use super::words;
use crate::io::versions::Version;
use crate::needs::needed_inputs;

/// Cases beyond which a column says too much to be shown unasked.
const FEW_CASES: usize = 12;
/// Columns that are shown unasked.
const FEW_COLUMNS: usize = 6;

/// A column to group by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    pub input: InputId,
    /// Of a number: where its ranges begin, scaled as its cells; `None` for quartiles.
    pub thresholds: Option<Vec<i64>>,
}

/// Reads the columns asked for.
///
/// # Errors
/// A sentence: a column that is no input, or whose cells make no groups; a threshold that is none.
pub fn parse(text: &str, program: &Program) -> Result<Vec<By>, String> {
    let mut result: Vec<By> = Vec::new();
    for piece in text.split(',').map(str::trim) {
        let is_number = piece.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        match result.last_mut().filter(|_| is_number) {
            Some(By { input, thresholds: Some(thresholds) }) => thresholds.push(threshold(program, *input, piece)?),
            Some(By { .. }) | None if is_number => return Err(words::threshold_without_column(piece)),
            _ => {
                let by = column(program, piece)?;
                if result.iter().any(|known| known.input == by.input) {
                    return Err(words::column_twice(piece));
                }
                result.push(by);
            }
        }
    }
    for by in &result {
        let ordered = |list: &Vec<i64>| list.windows(2).all(|pair| pair[0] < pair[1]);
        if by.thresholds.as_ref().is_some_and(|list| !ordered(list)) {
            return Err(words::thresholds_in_disorder(&program.input(by.input).name));
        }
    }
    Ok(result)
}

fn column(program: &Program, piece: &str) -> Result<By, String> {
    let (name, first) = match piece.split_once(':') {
        Some((name, first)) => (name.trim(), Some(first.trim())),
        None => (piece, None),
    };
    let Some(input) = program.find_input(name) else {
        let near = closest(name, program.inputs.iter().map(|input| &*input.name));
        return Err(words::no_such_input(name, near, program.find_quantity(name).is_some()));
    };
    match (&program.input(input).ty, first) {
        (Type::Number(_), Some(first)) => Ok(By { input, thresholds: Some(vec![threshold(program, input, first)?]) }),
        (Type::Number(_) | Type::Enumeration(_) | Type::Boolean, None) => Ok(By { input, thresholds: None }),
        (Type::Enumeration(_) | Type::Boolean, Some(_)) => Err(words::thresholds_of_cases(name)),
        _ => Err(words::no_groups(name)),
    }
}

fn threshold(program: &Program, input: InputId, text: &str) -> Result<i64, String> {
    let input = program.input(input);
    let scaled = parse_decimal(text).map(|value| value * Ratio::from_integer(power_of_ten(input.decimals)));
    let cell = scaled.filter(Ratio::is_integer).and_then(|value| value.to_integer().to_i64());
    cell.ok_or_else(|| words::bad_threshold(&input.name, text, input.decimals))
}

/// The columns to group by where none is asked for: the first enumerations of few cases that some payment counted reads.
#[must_use]
pub fn default(program: &Program, versions: &[Version]) -> Vec<By> {
    let names = versions.iter().flat_map(|version| {
        let counted: Vec<QuantityId> =
            version.payments.iter().filter(|(_, counts)| *counts).map(|(id, _)| *id).collect();
        let inputs = needed_inputs(&version.program, &counted);
        inputs.into_iter().map(|id| version.program.input(id).name.clone()).collect::<Vec<_>>()
    });
    let read: BTreeSet<InputId> = names.filter_map(|name| program.find_input(&name)).collect();
    let few = |id: &InputId| match &program.input(*id).ty {
        Type::Enumeration(of) => (2..=FEW_CASES).contains(&program.enumeration(*of).cases.len()),
        _ => false,
    };
    let inputs = read.into_iter().filter(few).take(FEW_COLUMNS);
    inputs.map(|input| By { input, thresholds: None }).collect()
}
