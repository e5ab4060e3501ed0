//! Where the results of rows are gathered.

use num_bigint::BigInt;
use num_integer::Integer as _;
use polc_compiler::num::Ratio;
use polc_compiler::typed::{Program, QuantityId, Type, Value};
use rayon::prelude::*;

use crate::table::{
    Denominators, Integers, Numbers, ResultColumn, ResultValues, Results, RowError, RowErrorKind, Statistics,
};

/// What one row gives: a result for each output, and the controls that fail.
#[derive(Debug)]
pub(crate) struct RowResult {
    pub values: Vec<Option<Value>>,
    pub failed: Vec<u32>,
}

/// Where the results of some rows are gathered.
#[derive(Default)]
pub(super) struct Sink {
    /// Ascending, but where sinks were joined.
    pub rows: Vec<u32>,
    pub columns: Vec<ResultColumn>,
    errors: Vec<RowError>,
    pub statistics: Statistics,
    /// Row controls evaluated, and how many rows each failed on.
    failures: Vec<(u32, usize)>,
}

impl Sink {
    pub fn new(program: &Program, outputs: &[QuantityId], controls: &[u32], of: Vec<u32>) -> Self {
        let rows = of.len();
        let columns = outputs
            .iter()
            .map(|id| {
                let quantity = program.quantity(*id);
                let values = match &quantity.ty {
                    Type::Date => ResultValues::Date(vec![0; rows]),
                    Type::Enumeration(_) => ResultValues::Case(vec![0; rows]),
                    Type::Number(_) => ResultValues::Number(Numbers {
                        numerators: Integers::filled(0, rows),
                        denominators: match quantity.rules.first().and_then(|rule| rule.rounding) {
                            Some(decimals) => Denominators::Constant(10i64.pow(decimals)),
                            None => Denominators::PerRow(Integers::filled(1, rows)),
                        },
                        large: std::collections::BTreeMap::new(),
                    }),
                    _ => ResultValues::Boolean(vec![false; rows]),
                };
                ResultColumn { present: vec![false; rows], values }
            })
            .collect();
        let failures = controls.iter().map(|rank| (*rank, 0)).collect();
        Self { rows: of, columns, errors: Vec::new(), statistics: Statistics::default(), failures }
    }

    pub fn controls_failed(&mut self, rank: u32, rows: usize) {
        if let Some((_, count)) = self.failures.iter_mut().find(|(known, _)| *known == rank) {
            *count += rows;
        }
    }

    /// Stores what the interpreter found.
    pub fn store(&mut self, row: usize, result: Result<RowResult, RowErrorKind>) {
        match result {
            Ok(result) => {
                let rank = self.rows.partition_point(|known| (*known as usize) < row);
                for (column, value) in self.columns.iter_mut().zip(result.values) {
                    column.set(rank, value);
                }
                result.failed.into_iter().for_each(|rank| self.controls_failed(rank, 1));
            }
            Err(kind) => self.errors.push(RowError { row, kind }),
        }
    }

    /// One for the rows of all of them.
    pub fn joined(sinks: impl Iterator<Item = Self>) -> Self {
        let mut all = Self::default();
        let mut parts: Vec<Vec<ResultColumn>> = Vec::new();
        for sink in sinks {
            parts.resize_with(sink.columns.len(), Vec::new);
            parts.iter_mut().zip(sink.columns).for_each(|(parts, column)| parts.push(column));
            all.rows.extend(sink.rows);
            all.errors.extend(sink.errors);
            all.statistics.add(&sink.statistics);
            all.failures.resize(sink.failures.len(), (0, 0));
            for (all, (rank, count)) in all.failures.iter_mut().zip(sink.failures) {
                *all = (rank, all.1 + count);
            }
        }
        let join = |parts: Vec<ResultColumn>| {
            let mut parts = parts.into_iter();
            let mut all = parts.next()?;
            all.reserve(parts.as_slice());
            parts.for_each(|part| all.append(part));
            Some(all)
        };
        all.columns = parts.into_par_iter().filter_map(join).collect();
        all
    }

    pub fn finish(mut self, program: &Program) -> Results {
        if !self.rows.is_sorted() {
            let mut ranks = vec![0; self.rows.len()];
            self.rows.iter().enumerate().for_each(|(rank, row)| ranks[*row as usize] = rank);
            self.columns.par_iter_mut().for_each(|column| *column = column.select(&ranks));
        }
        self.errors.sort_by_key(|error| error.row);
        // A row in error has no results at all.
        for error in &self.errors {
            self.columns.iter_mut().for_each(|column| column.present[error.row] = false);
        }
        self.statistics.failed_controls = self
            .failures
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(rank, count)| (program.controls[*rank as usize].name.clone(), *count))
            .collect();
        Results { columns: self.columns, errors: self.errors, statistics: self.statistics }
    }
}

impl ResultColumn {
    pub(crate) fn set(&mut self, row: usize, value: Option<Value>) {
        self.present[row] = value.is_some();
        match (&mut self.values, value) {
            (ResultValues::Boolean(cells), Some(Value::Boolean(value))) => cells[row] = value,
            (ResultValues::Date(cells), Some(Value::Date(date))) => cells[row] = date.days(),
            (ResultValues::Case(cells), Some(Value::Case(case))) => cells[row] = case as u16,
            (ResultValues::Number(numbers), Some(Value::Number(value))) => numbers.set(row, &value),
            _ => {}
        }
    }
}

impl Numbers {
    /// Stores `numerator / (constant × factor)`; what divides is positive wherever the number is meant.
    pub(super) fn set_quotient(&mut self, row: usize, numerator: i128, constant: i128, factor: i128) {
        if factor <= 0 {
            return;
        }
        let whole = constant.checked_mul(factor).map(|denominator| (numerator, denominator));
        // Numbers need not be in lowest terms: reducing them takes longer than all the rest.
        let short = |number: i128| i64::try_from(number).is_ok();
        let is_short = matches!(self.denominators, Denominators::PerRow(_))
            && whole.is_some_and(|(above, below)| short(above) && short(below));
        let whole = whole.map(|(above, below)| {
            let common = if is_short { 1 } else { above.gcd(&below) };
            (above / common, below / common)
        });
        let fits = whole.and_then(|(above, below)| match &mut self.denominators {
            Denominators::Constant(known) => {
                let times =
                    i128::from(*known).checked_div(below).filter(|times| times * below == i128::from(*known))?;
                self.numerators.set(row, i64::try_from(above.checked_mul(times)?).ok()?);
                Some(())
            }
            Denominators::PerRow(denominators) => {
                let (above, below) = (i64::try_from(above).ok()?, i64::try_from(below).ok()?);
                self.numerators.set(row, above);
                denominators.set(row, below);
                Some(())
            }
        });
        if fits.is_none() {
            let value = Ratio::new(numerator.into(), constant.into()) / Ratio::from_integer(factor.into());
            self.large.insert(row, value);
        }
    }

    /// Stores an exact number, apart if it does not fit.
    fn set(&mut self, row: usize, value: &Ratio) {
        let small = |n: &BigInt| i64::try_from(n).ok();
        let fits = match &mut self.denominators {
            Denominators::Constant(constant) => {
                let scaled = value * Ratio::from_integer((*constant).into());
                let whole = scaled.is_integer().then(|| small(scaled.numer())).flatten();
                whole.map(|numerator| self.numerators.set(row, numerator))
            }
            Denominators::PerRow(denominators) => {
                small(value.numer()).zip(small(value.denom())).map(|(above, below)| {
                    self.numerators.set(row, above);
                    denominators.set(row, below);
                })
            }
        };
        if fits.is_none() {
            self.large.insert(row, value.clone());
        } else if !self.large.is_empty() {
            // What machine code left of a row in doubt may stand there.
            self.large.remove(&row);
        }
    }
}
