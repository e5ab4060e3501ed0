//! Golden files: the results expected of a cohort, year by year, compared cell by cell.
//!
//! A cohort is one data file; the results expected of its rows are in one file per year, with the columns of `polc eval`: the
//! key, then results. The columns of a file are those that it pins.

mod sheet;
#[cfg(test)]
mod tests;
pub mod words;

use std::collections::{BTreeMap, BTreeSet};

use polc_compiler::num::{Ratio, integer};
use polc_compiler::typed::{Program, Quantity, QuantityId, QuantityKind, Type, Value};
use polc_compiler::units::Unit;

use crate::diagnostics::{Problems, SHOWN_PROBLEMS};
use crate::engine::Engine;
use crate::io::csv::{self, Request, Table};
use crate::io::write::value_text;
use crate::policy::Policy;
use crate::table::ResultColumn;
use sheet::Sheet;

/// A file as it was named, and its bytes.
#[derive(Clone, Debug)]
pub struct Named {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// A cohort and what is expected of it, by year.
#[derive(Clone, Debug)]
pub struct Cohort {
    pub data: Named,
    pub years: BTreeMap<i64, Named>,
}

/// How the results of a cohort compare with those expected.
#[derive(Clone, Debug)]
pub struct Comparison {
    pub rows: usize,
    pub years: Vec<YearComparison>,
}

#[derive(Clone, Debug)]
pub struct YearComparison {
    pub year: i64,
    /// The name of the file; `None` where nothing is expected of the year yet.
    pub file: Option<String>,
    /// Results compared.
    pub cells: usize,
    pub outputs: Vec<OutputDifference>,
    /// Columns that are no result of the policy.
    pub unknown: Vec<String>,
    /// Payments of the year that the file does not pin.
    pub unpinned: Vec<String>,
    /// Rows of the cohort of which nothing is expected.
    pub unexpected_rows: Vec<String>,
    /// Rows expected that the cohort does not have.
    pub absent_rows: Vec<String>,
    /// What the file would hold if the results were accepted.
    pub accepted: Vec<u8>,
}

/// The cells of one result that differ from those expected.
#[derive(Clone, Debug)]
pub struct OutputDifference {
    pub quantity: QuantityId,
    /// Sums over the year of what was expected and found; `None` for a result that is not a number.
    pub sums: Option<(Ratio, Ratio)>,
    /// The most affected first.
    pub cells: Vec<CellDifference>,
}

#[derive(Clone, Debug)]
pub struct CellDifference {
    /// The key of the row, year included.
    pub key: String,
    /// As the file has it; empty for « sans objet ».
    pub expected: String,
    pub found: String,
    /// What was found minus what was expected, where that is a number.
    pub change: Option<Ratio>,
}

/// Why a cohort could not be compared.
#[derive(Clone, Debug)]
pub enum Refusal {
    /// The rows of the cohort are wrong.
    Data(Problems),
    /// A file of results cannot be read: a sentence.
    Expected(String),
}

impl Comparison {
    /// Whether every result is the one expected.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.years.iter().all(YearComparison::holds)
    }

    /// Results compared.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.years.iter().map(|year| year.cells).sum()
    }
}

impl YearComparison {
    #[must_use]
    pub fn holds(&self) -> bool {
        self.file.is_some()
            && self.outputs.is_empty()
            && self.unknown.is_empty()
            && self.unexpected_rows.is_empty()
            && self.absent_rows.is_empty()
    }
}

/// Evaluates a cohort, with the engine made for the results wanted, and compares its results with those expected.
///
/// # Errors
/// The problems of the cohort, or what makes a file of results unreadable.
pub fn compare(
    policy: &Policy,
    cohort: &Cohort,
    engine: &dyn Fn(Vec<QuantityId>) -> Engine,
) -> Result<Comparison, Refusal> {
    let program = &*policy.program;
    let sheets = cohort
        .years
        .iter()
        .map(|(year, file)| Ok((*year, Sheet::read(program, file).map_err(Refusal::Expected)?)))
        .collect::<Result<BTreeMap<i64, Sheet>, Refusal>>()?;
    // Data that only other results depend on may be missing from the cohort, as long as every year has its file.
    let pinned: BTreeSet<QuantityId> = sheets.values().flat_map(|sheet| sheet.outputs().copied()).collect();
    let (mut outputs, table) = read_cohort(program, cohort, pinned.into_iter().collect())?;
    let years: BTreeSet<i64> = (0..table.batch.rows).map(|row| table.batch.year(program, row)).collect();
    let table = if years.iter().all(|year| sheets.contains_key(year)) {
        table
    } else {
        let (all, table) = read_cohort(program, cohort, program.outputs().collect())?;
        outputs = all;
        table
    };
    let results = engine(outputs.clone()).evaluate(&table.batch, &|_| {});
    if !results.errors.is_empty() {
        let mut problems = Problems::new(SHOWN_PROBLEMS);
        for error in &results.errors {
            problems.push(|| table.row_problem(program, error.row, &error.kind));
        }
        return Err(Refusal::Data(problems));
    }
    let columns: BTreeMap<QuantityId, &ResultColumn> = outputs.iter().copied().zip(&results.columns).collect();
    let found = Found { program, table: &table, columns };
    let all_years: BTreeSet<i64> = years.iter().chain(sheets.keys()).copied().collect();
    let years = all_years.into_iter().map(|year| found.year(year, sheets.get(&year))).collect();
    Ok(Comparison { rows: table.batch.rows, years })
}

fn read_cohort(
    program: &Program,
    cohort: &Cohort,
    outputs: Vec<QuantityId>,
) -> Result<(Vec<QuantityId>, Table), Refusal> {
    let mut request = Request::new(program, &outputs);
    // The years are those of the rows, and the cohort may serve narrower files.
    request.required.extend(&program.key);
    request.others = csv::OtherColumns::Ignored;
    let table = csv::read(&cohort.data.name, cohort.data.bytes.clone(), &request);
    let table = table.map_err(|refusal| Refusal::Data(refusal.problems))?;
    Ok((outputs, table))
}

/// The results of a cohort.
struct Found<'a> {
    program: &'a Program,
    table: &'a Table,
    columns: BTreeMap<QuantityId, &'a ResultColumn>,
}

impl Found<'_> {
    fn year(&self, year: i64, sheet: Option<&Sheet>) -> YearComparison {
        let program = self.program;
        let rows: Vec<usize> =
            (0..self.table.batch.rows).filter(|row| self.table.batch.year(program, *row) == year).collect();
        let keys: Vec<Vec<String>> = rows.iter().map(|row| self.key(*row)).collect();
        let in_force = |id: &QuantityId| exists(program.quantity(*id), year);
        let Some(sheet) = sheet else {
            let outputs: Vec<QuantityId> = self.columns.keys().copied().filter(in_force).collect();
            return YearComparison {
                year,
                file: None,
                cells: 0,
                outputs: Vec::new(),
                unknown: Vec::new(),
                unpinned: Vec::new(),
                unexpected_rows: Vec::new(),
                absent_rows: Vec::new(),
                accepted: self.accepted(&Sheet::empty(), &outputs, &rows, &keys),
            };
        };
        let outputs: Vec<QuantityId> = sheet.outputs().copied().collect();
        let payment = |id: &QuantityId| program.quantity(*id).kind == QuantityKind::Payment;
        let unpinned = program.outputs().filter(|id| payment(id) && in_force(id) && !outputs.contains(id));
        let known: BTreeSet<&[String]> = keys.iter().map(Vec::as_slice).collect();
        let mut differences: Vec<OutputDifference> =
            outputs.iter().filter_map(|id| self.output(*id, sheet, &rows, &keys)).collect();
        // Money first, then what moves most.
        differences.sort_by_cached_key(|difference| {
            let change = difference.sums.as_ref().map_or_else(|| integer(0), |(expected, found)| found - expected);
            let size = if change < integer(0) { -change } else { change };
            (!is_money(program, difference.quantity), std::cmp::Reverse(size), difference.quantity)
        });
        YearComparison {
            year,
            file: Some(sheet.name.clone()),
            cells: outputs.len() * keys.iter().filter(|key| sheet.has(key)).count(),
            outputs: differences,
            unknown: sheet.unknown.clone(),
            unpinned: unpinned.map(|id| program.quantity(id).name.to_string()).collect(),
            unexpected_rows: keys.iter().filter(|key| !sheet.has(key)).map(|key| key.join(", ")).collect(),
            absent_rows: sheet.keys().filter(|key| !known.contains(key)).map(|key| key.join(", ")).collect(),
            accepted: self.accepted(sheet, &outputs, &rows, &keys),
        }
    }

    fn output(&self, id: QuantityId, sheet: &Sheet, rows: &[usize], keys: &[Vec<String>]) -> Option<OutputDifference> {
        let column = sheet.column(id)?;
        let ty = &self.program.quantity(id).ty;
        let number = matches!(ty, Type::Number(_));
        let mut sums = (integer(0), integer(0));
        let mut cells = Vec::new();
        for (row, key) in rows.iter().zip(keys) {
            let Some(expected) = sheet.cell(key, column) else { continue };
            let found = self.text(id, *row, '.');
            let value = |text: &str| sheet::number(text).filter(|_| number);
            let (before, after) = (value(expected), value(&found));
            sums.0 += before.clone().unwrap_or_else(|| integer(0));
            sums.1 += after.clone().unwrap_or_else(|| integer(0));
            let same = if number && !expected.is_empty() && !found.is_empty() {
                before == after
            } else {
                sheet::canonical(expected, ty) == found
            };
            if !same {
                let readable = number && (before.is_some() || expected.is_empty());
                let change =
                    readable.then(|| after.unwrap_or_else(|| integer(0)) - before.unwrap_or_else(|| integer(0)));
                cells.push(CellDifference { key: key.join(", "), expected: expected.to_owned(), found, change });
            }
        }
        cells.sort_by_cached_key(|cell| {
            let size = cell.change.clone().map(|change| if change < integer(0) { -change } else { change });
            std::cmp::Reverse(size)
        });
        let sums = number.then_some(sums);
        (!cells.is_empty()).then_some(OutputDifference { quantity: id, sums, cells })
    }

    fn key(&self, row: usize) -> Vec<String> {
        let cell = |id| {
            let value = self.table.batch.value(self.program, id, row);
            value.map_or_else(String::new, |value| value_text(self.program, &self.program.input(id).ty, &value, '.'))
        };
        self.program.key.iter().map(|id| cell(*id)).collect()
    }

    fn value(&self, id: QuantityId, row: usize) -> Option<Value> {
        self.columns.get(&id)?.value(row)
    }

    fn text(&self, id: QuantityId, row: usize, mark: char) -> String {
        let ty = &self.program.quantity(id).ty;
        self.value(id, row).map_or_else(String::new, |value| value_text(self.program, ty, &value, mark))
    }

    fn accepted(&self, sheet: &Sheet, outputs: &[QuantityId], rows: &[usize], keys: &[Vec<String>]) -> Vec<u8> {
        let names = self.program.key.iter().map(|id| &*self.program.input(*id).name);
        let header = names.chain(outputs.iter().map(|id| &*self.program.quantity(*id).name));
        let cells = rows.iter().zip(keys).map(|(row, key)| {
            let results = outputs.iter().map(|id| self.text(*id, *row, sheet.mark));
            key.iter().cloned().chain(results).collect()
        });
        sheet::write(sheet.separator, header, cells)
    }
}

/// Whether a result is an amount in the currency of the policy.
#[must_use]
pub fn is_money(program: &Program, id: QuantityId) -> bool {
    matches!(&program.quantity(id).ty, Type::Number(unit) if *unit == Unit::of(&program.currency.symbol))
}

/// Whether a quantity has a rule for a year, or needs none.
fn exists(quantity: &Quantity, year: i64) -> bool {
    quantity.rules.is_empty() || quantity.rules.iter().any(|rule| rule.years.first <= year && year <= rule.years.last)
}
