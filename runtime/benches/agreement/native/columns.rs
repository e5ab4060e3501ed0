//! Plain columns, one vector per input, under the name of the input.

use polc_compiler::typed::Program;
use polc_runtime::table::{Batch, ColumnData};

/// A type of cell.
pub trait Cell {
    fn of(cell: Option<i64>) -> Self;
}

macro_rules! cells {
    ($($ty:ty)*) => {$(
        impl Cell for $ty {
            /// Zero for an empty cell: the data leaves empty what no rule reads.
            fn of(cell: Option<i64>) -> Self {
                <$ty>::try_from(cell.unwrap_or(0)).expect("a small number")
            }
        }
    )*};
}

cells! { u8 i32 i64 }

impl Cell for bool {
    fn of(cell: Option<i64>) -> Self {
        cell.is_some_and(|flag| flag != 0)
    }
}

impl<T: Cell> Cell for Option<T> {
    fn of(cell: Option<i64>) -> Self {
        cell.map(|cell| T::of(Some(cell)))
    }
}

/// The cells of a batch, by name of the input. Numbers with decimals are scaled; dates are days since 1 January 1970.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    pub program: &'a Program,
    pub batch: &'a Batch,
}

impl Inputs<'_> {
    pub fn column<T: Cell>(&self, name: &str) -> Vec<T> {
        let id = self.program.find_input(name).unwrap_or_else(|| panic!("no input {name}"));
        let column = self.batch.columns[id.index()].as_ref().unwrap_or_else(|| panic!("no column {name}"));
        let cell = |row: usize| match &column.data {
            ColumnData::Number(cells) => cells.get(row),
            ColumnData::Boolean(cells) => cells.get(row).into(),
            ColumnData::Date(cells) => cells[row].into(),
            ColumnData::Case(cells) => cells[row].into(),
            ColumnData::Text(_) => panic!("{name} holds text"),
        };
        (0..self.batch.rows).map(|row| T::of((!column.is_missing(row)).then(|| cell(row)))).collect()
    }
}

/// Declares `Columns`, which holds the inputs named, and `View`, which borrows some of its rows.
macro_rules! columns {
    ($($ty:ty: $($name:ident)*;)*) => {
        /// The inputs that these rules read.
        #[derive(Debug)]
        pub struct Columns {
            $($($name: Vec<$ty>,)*)*
        }

        /// The same, all of one length, known to the optimiser where the loop over the rows is.
        #[derive(Clone, Copy, Debug)]
        pub struct View<'a> {
            $($($name: &'a [$ty],)*)*
        }

        impl Columns {
            pub fn of(inputs: &super::columns::Inputs<'_>) -> Self {
                Self { $($($name: inputs.column(stringify!($name)),)*)* }
            }

            pub fn rows(&self, range: std::ops::Range<usize>) -> View<'_> {
                View { $($($name: &self.$name[range.clone()],)*)* }
            }
        }
    };
}

pub(crate) use columns;
