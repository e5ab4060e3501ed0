//! Rows in memory: one typed column per input of the policy, and the results.

mod flags;
mod integers;

use std::collections::BTreeMap;
use std::sync::Arc;

use num_traits::Zero as _;
use polc_compiler::calendar::Date;
use polc_compiler::num::{Ratio, power_of_ten};
use polc_compiler::typed::{Input, InputId, Program, Type, Value};

pub use flags::Flags;
pub use integers::Integers;
pub(crate) use integers::{each, ends};

/// The cells of one input, one per row. An empty cell holds the default of the input; without a default, it is missing.
#[derive(Clone, Debug)]
pub struct Column {
    pub data: ColumnData,
    /// Per row, whether the cell is empty and has no default; empty when no cell is.
    pub missing: Flags,
}

#[derive(Clone, Debug)]
pub enum ColumnData {
    /// Scaled by ten to the declared number of decimals. The compiler accepts only ranges that fit.
    Number(Integers),
    Boolean(Flags),
    /// Days since 1 January 1970.
    Date(Vec<i32>),
    /// Rank of the case in its enumeration.
    Case(Vec<u16>),
    Text(Vec<Arc<str>>),
}

impl Column {
    /// An empty column for an input, with room for `rows` cells.
    #[must_use]
    pub fn with_capacity(input: &Input, rows: usize) -> Self {
        let data = match input.ty {
            Type::Number(_) => ColumnData::Number(Integers::with_capacity(rows)),
            Type::Boolean | Type::Error => ColumnData::Boolean(Flags::with_capacity(rows)),
            Type::Date => ColumnData::Date(Vec::with_capacity(rows)),
            Type::Enumeration(_) => ColumnData::Case(Vec::with_capacity(rows)),
            Type::Text => ColumnData::Text(Vec::with_capacity(rows)),
        };
        Self { data, missing: Flags::default() }
    }

    #[must_use]
    pub fn len(&self) -> usize {
        match &self.data {
            ColumnData::Number(cells) => cells.len(),
            ColumnData::Boolean(cells) => cells.len(),
            ColumnData::Date(cells) => cells.len(),
            ColumnData::Case(cells) => cells.len(),
            ColumnData::Text(cells) => cells.len(),
        }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[must_use]
    pub fn is_missing(&self, row: usize) -> bool {
        row < self.missing.len() && self.missing.get(row)
    }

    /// Appends a cell; `None` for an empty one, which takes the default of the input. The value must be of the type of the
    /// input, within its range and decimals: the reader checks that first.
    pub fn push(&mut self, value: Option<&Value>, input: &Input) {
        let row = self.len();
        let value = value.or(input.default.as_ref());
        if value.is_none() {
            self.begin_missing(row);
            self.missing.push(true);
        } else if !self.missing.is_empty() {
            self.missing.push(false);
        }
        match (&mut self.data, value) {
            (ColumnData::Number(cells), Some(Value::Number(number))) => {
                let scaled = number * Ratio::from_integer(power_of_ten(input.decimals));
                cells.push(i64::try_from(scaled.to_integer()).unwrap_or(0));
            }
            (ColumnData::Number(cells), _) => {
                // A missing number stands at the least of its range, so that compiled code stays within it.
                let low = input.range.as_ref().map(|(low, _)| low * Ratio::from_integer(power_of_ten(input.decimals)));
                cells.push(low.and_then(|low| i64::try_from(low.ceil().to_integer()).ok()).unwrap_or(0));
            }
            (ColumnData::Boolean(cells), value) => cells.push(matches!(value, Some(Value::Boolean(true)))),
            (ColumnData::Date(cells), Some(Value::Date(date))) => cells.push(date.days()),
            (ColumnData::Date(cells), _) => cells.push(0),
            (ColumnData::Case(cells), Some(Value::Case(case))) => cells.push(*case as u16),
            (ColumnData::Case(cells), _) => cells.push(0),
            (ColumnData::Text(cells), Some(Value::Text(text))) => cells.push(text.clone()),
            (ColumnData::Text(cells), _) => cells.push("".into()),
        }
    }

    /// Appends the cells of another column of the same input.
    pub fn append(&mut self, other: &Self) {
        let rows = self.len();
        if !(self.missing.is_empty() && other.missing.is_empty()) {
            self.begin_missing(rows);
            self.missing.append(&other.missing);
            self.begin_missing(rows + other.len());
        }
        match (&mut self.data, &other.data) {
            (ColumnData::Number(cells), ColumnData::Number(more)) => cells.append(more),
            (ColumnData::Boolean(cells), ColumnData::Boolean(more)) => cells.append(more),
            (ColumnData::Date(cells), ColumnData::Date(more)) => cells.extend_from_slice(more),
            (ColumnData::Case(cells), ColumnData::Case(more)) => cells.extend_from_slice(more),
            (ColumnData::Text(cells), ColumnData::Text(more)) => cells.extend_from_slice(more),
            // Columns of one input are of one type.
            _ => {}
        }
    }

    /// Appends the one cell of another column of the same input, so many times.
    pub(crate) fn append_copies(&mut self, one: &Self, count: usize) {
        let rows = self.len();
        if one.is_missing(0) {
            self.begin_missing(rows);
            self.missing.push_all(count, true);
        } else if !self.missing.is_empty() {
            self.begin_missing(rows + count);
        }
        match (&mut self.data, &one.data) {
            (ColumnData::Number(cells), ColumnData::Number(one)) => {
                let cell = one.get(0);
                cells.extend_between(std::iter::repeat_n(cell, count), cell, cell);
            }
            (ColumnData::Boolean(cells), ColumnData::Boolean(one)) => cells.push_all(count, one.get(0)),
            (ColumnData::Date(cells), ColumnData::Date(one)) => cells.extend(std::iter::repeat_n(one[0], count)),
            (ColumnData::Case(cells), ColumnData::Case(one)) => cells.extend(std::iter::repeat_n(one[0], count)),
            (ColumnData::Text(cells), ColumnData::Text(one)) => {
                cells.extend(std::iter::repeat_n(&one[0], count).cloned());
            }
            // Columns of one input are of one type.
            _ => {}
        }
    }

    /// Tells so many rows, the last of which have their cells.
    pub(crate) fn begin_missing(&mut self, rows: usize) {
        self.missing.push_all(rows - self.missing.len(), false);
    }

    /// The cells of these rows, in this order.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let data = match &self.data {
            ColumnData::Number(cells) => ColumnData::Number(cells.select(rows)),
            ColumnData::Boolean(cells) => ColumnData::Boolean(cells.select(rows)),
            ColumnData::Date(cells) => ColumnData::Date(select(cells, rows)),
            ColumnData::Case(cells) => ColumnData::Case(select(cells, rows)),
            ColumnData::Text(cells) => ColumnData::Text(select(cells, rows)),
        };
        let missing: Flags = match self.missing.is_empty() {
            true => Flags::default(),
            false => rows.iter().map(|row| self.is_missing(*row)).collect(),
        };
        Self { data, missing: if missing.any() { missing } else { Flags::default() } }
    }

    /// The cell as a value; `None` if it is missing.
    #[must_use]
    pub fn value(&self, row: usize, input: &Input) -> Option<Value> {
        if self.is_missing(row) {
            return None;
        }
        Some(match &self.data {
            ColumnData::Number(cells) => Value::Number(Ratio::new(cells.get(row).into(), power_of_ten(input.decimals))),
            ColumnData::Boolean(cells) => Value::Boolean(cells.get(row)),
            ColumnData::Date(cells) => Value::Date(Date::from_days(i64::from(cells[row]))?),
            ColumnData::Case(cells) => Value::Case(u32::from(cells[row])),
            ColumnData::Text(cells) => Value::Text(cells[row].clone()),
        })
    }
}

/// The cells of these rows, in this order.
fn select<T: Clone>(cells: &[T], rows: &[usize]) -> Vec<T> {
    rows.iter().map(|row| cells[*row].clone()).collect()
}

/// Rows to evaluate.
#[derive(Clone, Debug)]
pub struct Batch {
    pub rows: usize,
    /// By rank of the input; absent for inputs that nothing selected depends on.
    pub columns: Vec<Option<Column>>,
}

impl Batch {
    #[must_use]
    pub fn value(&self, program: &Program, id: InputId, row: usize) -> Option<Value> {
        self.columns[id.index()].as_ref()?.value(row, program.input(id))
    }

    /// The year of a row.
    #[must_use]
    pub fn year(&self, program: &Program, row: usize) -> i64 {
        match self.columns[program.year.index()].as_ref().map(|column| &column.data) {
            Some(ColumnData::Number(cells)) => cells.get(row),
            _ => 0,
        }
    }

    /// The key of a row without the year: what stays from one year to the next.
    #[must_use]
    pub fn subject(&self, program: &Program, row: usize) -> Vec<Value> {
        let keys = program.key.iter().filter(|id| **id != program.year);
        keys.filter_map(|id| self.value(program, *id, row)).collect()
    }
}

/// One result for every row.
#[derive(Clone, Debug)]
pub struct Results {
    /// In the order of the outputs asked for.
    pub columns: Vec<ResultColumn>,
    /// Rows that could not be computed, in order of row; their cells are empty.
    pub errors: Vec<RowError>,
    pub statistics: Statistics,
}

#[derive(Clone, Debug)]
pub struct ResultColumn {
    /// Whether the result applies to the row.
    pub present: Vec<bool>,
    pub values: ResultValues,
}

#[derive(Clone, Debug)]
pub enum ResultValues {
    Boolean(Vec<bool>),
    Date(Vec<i32>),
    Case(Vec<u16>),
    Number(Numbers),
    /// Words about a row; no result of a policy is one.
    Text(Vec<Arc<str>>),
}

/// Exact numbers as fractions; the few that do not fit stand apart.
#[derive(Clone, Debug)]
pub struct Numbers {
    pub numerators: Integers,
    /// One for all rows, or one per row; always positive.
    pub denominators: Denominators,
    pub large: BTreeMap<usize, Ratio>,
}

#[derive(Clone, Debug)]
pub enum Denominators {
    Constant(i64),
    PerRow(Integers),
}

impl ResultColumn {
    /// Makes room for other results of the same output.
    pub(crate) fn reserve(&mut self, others: &[Self]) {
        let rows = others.iter().map(|other| other.present.len()).sum();
        self.present.reserve(rows);
        match &mut self.values {
            ResultValues::Boolean(cells) => cells.reserve(rows),
            ResultValues::Date(cells) => cells.reserve(rows),
            ResultValues::Case(cells) => cells.reserve(rows),
            ResultValues::Text(cells) => cells.reserve(rows),
            ResultValues::Number(numbers) => {
                let others = others.iter().filter_map(|other| match &other.values {
                    ResultValues::Number(numbers) => Some(numbers),
                    _ => None,
                });
                numbers.numerators.reserve(others.clone().map(|numbers| &numbers.numerators));
                if let Denominators::PerRow(cells) = &mut numbers.denominators {
                    cells.reserve(others.filter_map(|numbers| match &numbers.denominators {
                        Denominators::PerRow(cells) => Some(cells),
                        Denominators::Constant(_) => None,
                    }));
                }
            }
        }
    }

    /// Appends results of the same output.
    pub(crate) fn append(&mut self, mut other: Self) {
        let rows = self.present.len();
        self.present.append(&mut other.present);
        match (&mut self.values, other.values) {
            (ResultValues::Boolean(cells), ResultValues::Boolean(mut more)) => cells.append(&mut more),
            (ResultValues::Date(cells), ResultValues::Date(mut more)) => cells.append(&mut more),
            (ResultValues::Case(cells), ResultValues::Case(mut more)) => cells.append(&mut more),
            (ResultValues::Text(cells), ResultValues::Text(mut more)) => cells.append(&mut more),
            (ResultValues::Number(numbers), ResultValues::Number(more)) => {
                numbers.numerators.append(&more.numerators);
                if let (Denominators::PerRow(cells), Denominators::PerRow(more)) =
                    (&mut numbers.denominators, &more.denominators)
                {
                    cells.append(more);
                }
                numbers.large.extend(more.large.into_iter().map(|(row, value)| (rows + row, value)));
            }
            // They are columns of one output.
            _ => {}
        }
    }

    /// The results of these rows, in this order.
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        let values = match &self.values {
            ResultValues::Boolean(cells) => ResultValues::Boolean(select(cells, rows)),
            ResultValues::Date(cells) => ResultValues::Date(select(cells, rows)),
            ResultValues::Case(cells) => ResultValues::Case(select(cells, rows)),
            ResultValues::Text(cells) => ResultValues::Text(select(cells, rows)),
            ResultValues::Number(numbers) => {
                let denominators = match &numbers.denominators {
                    Denominators::Constant(denominator) => Denominators::Constant(*denominator),
                    Denominators::PerRow(cells) => Denominators::PerRow(cells.select(rows)),
                };
                let mut large = BTreeMap::new();
                if !numbers.large.is_empty() {
                    let found = rows.iter().enumerate();
                    large = found.filter_map(|(at, row)| Some((at, numbers.large.get(row)?.clone()))).collect();
                }
                ResultValues::Number(Numbers { numerators: numbers.numerators.select(rows), denominators, large })
            }
        };
        Self { present: select(&self.present, rows), values }
    }

    /// The result of a row; `None` where it is without object.
    #[must_use]
    pub fn value(&self, row: usize) -> Option<Value> {
        if !self.present[row] {
            return None;
        }
        Some(match &self.values {
            ResultValues::Boolean(cells) => Value::Boolean(cells[row]),
            ResultValues::Date(cells) => Value::Date(Date::from_days(i64::from(cells[row]))?),
            ResultValues::Case(cells) => Value::Case(u32::from(cells[row])),
            ResultValues::Number(numbers) => Value::Number(numbers.value(row)),
            ResultValues::Text(cells) => Value::Text(cells[row].clone()),
        })
    }
}

impl Numbers {
    #[must_use]
    pub fn value(&self, row: usize) -> Ratio {
        match self.small(row) {
            // Most of the lines of payments are zero.
            Some((0, _)) => Ratio::zero(),
            Some((numerator, denominator)) => Ratio::new(numerator.into(), denominator.into()),
            None => self.large[&row].clone(),
        }
    }

    /// The number as two integers, not in lowest terms; `None` where it stands apart.
    #[must_use]
    pub fn small(&self, row: usize) -> Option<(i64, i64)> {
        if !self.large.is_empty() && self.large.contains_key(&row) {
            return None;
        }
        let denominator = match &self.denominators {
            Denominators::Constant(denominator) => *denominator,
            Denominators::PerRow(denominators) => denominators.get(row),
        };
        Some((self.numerators.get(row), denominator))
    }
}

/// Why a row has no results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    pub row: usize,
    pub kind: RowErrorKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowErrorKind {
    /// A rule that applies reads an empty cell without default.
    Missing {
        input: InputId,
        quantity: Option<Arc<str>>,
    },
    DivisionByZero {
        quantity: Arc<str>,
    },
    /// A date beyond year 9999, or a day count that is not whole.
    BadDate {
        quantity: Arc<str>,
    },
    /// Two rules give the quantity.
    Rules {
        quantity: Arc<str>,
        first: Arc<str>,
        second: Arc<str>,
    },
    /// Two derogations apply without an order between them.
    Derogations {
        quantity: Arc<str>,
        first: Arc<str>,
        second: Arc<str>,
    },
    /// A quantity read without proof, in an example or a control, is without object.
    WithoutObject {
        quantity: Arc<str>,
    },
    /// A blocking control does not hold.
    Control {
        name: Arc<str>,
        title: Arc<str>,
    },
}

/// How the rows went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Rows computed by compiled code.
    pub compiled: usize,
    /// Rows of which compiled code left some results to the interpreter.
    pub partial: usize,
    /// Rows computed by the reference interpreter.
    pub reference: usize,
    /// Rows that compiled code handed to the interpreter as a whole.
    pub handed_over: usize,
    /// Rows of which missing cells leave the results open; counted where bounds are asked for.
    pub incomplete: usize,
    /// Rows on which each non-blocking row control failed, by name of the control, in declaration order.
    pub failed_controls: Vec<(Arc<str>, usize)>,
    /// Controls on the whole data, and the groups on which they do not hold.
    pub failed_groups: Vec<(Arc<str>, Vec<String>)>,
}

impl Statistics {
    /// Adds the counts of other rows; failed controls are counted apart.
    pub(crate) fn add(&mut self, other: &Self) {
        self.compiled += other.compiled;
        self.partial += other.partial;
        self.reference += other.reference;
        self.handed_over += other.handed_over;
        self.incomplete += other.incomplete;
    }
}
