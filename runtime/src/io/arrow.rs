//! Columns of Arrow arrays: where a cell has the type of its input it is taken as it is; elsewhere it is read as a CSV cell that
//! says the same.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{Array, ArrayRef, PrimitiveArray};
use arrow_buffer::i256;
use arrow_schema::{DataType, Schema, TimeUnit};
use polc_compiler::calendar::Date;

use super::block::{Block, RowFault, Rows, Selected, What};
use super::cell::{CellProblem, ColumnReader, Marks, Reads, composed, trim};
use super::float;
use super::table::RowPlace;
use crate::diagnostics::{self as say, DataProblem, Place};

/// Rows of a block, at most.
pub(crate) const BLOCK_ROWS: usize = 8_192;

const DAY: i64 = 86_400;

/// The names of the columns, in normal form.
pub(crate) fn header(schema: &Schema) -> Vec<String> {
    schema.fields().iter().map(|field| composed(trim(field.name())).into_owned()).collect()
}

/// Reports the columns that matter and are of a type that is not read.
pub(crate) fn check_types(
    file: &Arc<str>,
    schema: &Schema,
    columns: &Selected<'_>,
    report: &mut dyn FnMut(DataProblem),
) {
    for (column, field) in schema.fields().iter().enumerate() {
        let matters = columns.inputs.contains(&column) || columns.shown.contains(&column);
        if matters && !is_read(field.data_type()) {
            let place = Place::file(file).on(&field.name().as_str().into());
            report(say::unread_type(&place, &field.data_type().to_string()));
        }
    }
}

/// Whether a cell of this type says something that a CSV cell could.
fn is_read(ty: &DataType) -> bool {
    match ty {
        DataType::Dictionary(_, values) => !matches!(**values, DataType::Dictionary(..)) && is_read(values),
        // Midnight is only known where no time zone, or that of Greenwich, is given.
        DataType::Timestamp(_, zone) => zone.as_ref().is_none_or(|zone| matches!(&**zone, "UTC" | "Z" | "+00:00")),
        DataType::Null
        | DataType::Boolean
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Date32
        | DataType::Date64
        | DataType::Float32
        | DataType::Float64
        | DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => true,
        other => other.is_integer(),
    }
}

/// Rows of a record batch.
#[derive(Debug)]
pub(crate) struct ArrowBlock {
    /// By position in the header; those that do not matter are absent.
    columns: Vec<Option<ArrayRef>>,
    rows: usize,
    /// Rows of the file before.
    before: usize,
}

impl ArrowBlock {
    pub fn new(columns: Vec<Option<ArrayRef>>, rows: usize, before: usize) -> Self {
        Self { columns, rows, before }
    }
}

impl Block for ArrowBlock {
    fn decode(&self, block: usize, columns: &[usize], readers: &mut [ColumnReader<'_>]) -> Rows {
        let place = |row| RowPlace { line: self.before + row + 1, block, start: row, end: row + 1 };
        let mut rows = Rows { places: (0..self.rows).map(place).collect(), ..Rows::default() };
        for (rank, (column, reader)) in columns.iter().zip(readers).enumerate() {
            let mut report = |row, problem| rows.faults.push(RowFault { row, what: What::Cell(rank, problem) });
            match &self.columns[*column] {
                Some(array) => decode(&**array, reader, &mut report),
                None => (0..self.rows).for_each(|_| reader.push_empty()),
            }
        }
        // Within a row they stay in the order of the readers.
        rows.faults.sort_by_key(|fault| fault.row);
        rows
    }

    fn cells(&self, place: &RowPlace) -> Vec<Cow<'_, str>> {
        let cell = |array: &'_ Option<ArrayRef>| match array {
            Some(array) => text(&**array, place.start).into_owned(),
            None => String::new(),
        };
        self.columns.iter().map(|array| cell(array).into()).collect()
    }

    fn retain(&mut self, columns: &[usize]) {
        for (column, array) in self.columns.iter_mut().enumerate() {
            if !columns.contains(&column) {
                *array = None;
            }
        }
    }

    fn array(&self, column: usize) -> Option<&ArrayRef> {
        self.columns[column].as_ref()
    }
}

type Report<'a> = &'a mut dyn FnMut(usize, CellProblem);

/// Appends every cell of an array.
fn decode(array: &dyn Array, reader: &mut ColumnReader<'_>, report: Report<'_>) {
    match (array.data_type(), reader.reads()) {
        (DataType::Null, _) => (0..array.len()).for_each(|_| reader.push_empty()),
        (DataType::Boolean, Reads::Booleans) => {
            let cells = array.as_boolean();
            if !reader.extend_booleans(cells.values(), cells.nulls()) {
                each(array, reader, report, |reader, row| reader.push_boolean(cells.value(row)));
            }
        }
        (ty, Reads::Numbers) if ty.is_integer() => integers(array, reader, report),
        (DataType::Decimal32(_, scale), Reads::Numbers) => {
            numbers::<Decimal32Type>(array, (*scale).into(), reader, report);
        }
        (DataType::Decimal64(_, scale), Reads::Numbers) => {
            numbers::<Decimal64Type>(array, (*scale).into(), reader, report);
        }
        (DataType::Decimal128(_, scale), Reads::Numbers) => {
            numbers::<Decimal128Type>(array, (*scale).into(), reader, report);
        }
        (DataType::Float32, Reads::Numbers) => primitive::<Float32Type>(array, reader, report, float::push_single),
        (DataType::Float64, Reads::Numbers) => primitive::<Float64Type>(array, reader, report, float::push),
        (DataType::Date32, Reads::Dates) => {
            let cells: &PrimitiveArray<Date32Type> = array.as_primitive();
            if !reader.extend_days(cells.values(), cells.nulls()) {
                primitive::<Date32Type>(array, reader, report, |reader, days| reader.push_days(days.into()));
            }
        }
        (DataType::Date64, Reads::Dates) => {
            primitive::<Date64Type>(array, reader, report, |reader, time| push_time(reader, time, DAY * 1_000));
        }
        (DataType::Timestamp(unit, _), Reads::Dates) => timestamps(array, *unit, reader, report),
        (DataType::Dictionary(..), _) => dictionary(array, reader, report),
        _ => each(array, reader, report, |reader, row| reader.push(&text(array, row), &mut Marks::default())),
    }
}

/// Appends every cell: nulls as empty ones, the others as `push` does.
fn each(
    array: &dyn Array,
    reader: &mut ColumnReader<'_>,
    report: Report<'_>,
    push: impl Fn(&mut ColumnReader<'_>, usize) -> Result<(), CellProblem>,
) {
    for row in 0..array.len() {
        if array.is_null(row) {
            reader.push_empty();
        } else if let Err(problem) = push(reader, row) {
            report(row, problem);
        }
    }
}

fn primitive<T: ArrowPrimitiveType>(
    array: &dyn Array,
    reader: &mut ColumnReader<'_>,
    report: Report<'_>,
    push: impl Fn(&mut ColumnReader<'_>, T::Native) -> Result<(), CellProblem>,
) {
    let cells: &PrimitiveArray<T> = array.as_primitive();
    each(array, reader, report, |reader, row| push(reader, cells.value(row)));
}

fn integers(array: &dyn Array, reader: &mut ColumnReader<'_>, report: Report<'_>) {
    match array.data_type() {
        DataType::Int8 => numbers::<Int8Type>(array, 0, reader, report),
        DataType::Int16 => numbers::<Int16Type>(array, 0, reader, report),
        DataType::Int32 => numbers::<Int32Type>(array, 0, reader, report),
        DataType::UInt8 => numbers::<UInt8Type>(array, 0, reader, report),
        DataType::UInt16 => numbers::<UInt16Type>(array, 0, reader, report),
        DataType::UInt32 => numbers::<UInt32Type>(array, 0, reader, report),
        DataType::UInt64 => numbers::<UInt64Type>(array, 0, reader, report),
        _ => numbers::<Int64Type>(array, 0, reader, report),
    }
}

/// Numbers given as units of their decimal `scale`: all at once if they are all within the range of the input.
fn numbers<T: ArrowPrimitiveType>(array: &dyn Array, scale: i32, reader: &mut ColumnReader<'_>, report: Report<'_>)
where
    T::Native: Ord + Into<i128>,
{
    let cells: &PrimitiveArray<T> = array.as_primitive();
    if !reader.extend_scaled(cells.values(), cells.nulls(), scale) {
        primitive::<T>(array, reader, report, |reader, cell| reader.push_scaled(cell.into(), scale));
    }
}

fn timestamps(array: &dyn Array, unit: TimeUnit, reader: &mut ColumnReader<'_>, report: Report<'_>) {
    let day = day(unit);
    match unit {
        TimeUnit::Second => {
            primitive::<TimestampSecondType>(array, reader, report, |reader, time| push_time(reader, time, day));
        }
        TimeUnit::Millisecond => {
            primitive::<TimestampMillisecondType>(array, reader, report, |reader, time| push_time(reader, time, day));
        }
        TimeUnit::Microsecond => {
            primitive::<TimestampMicrosecondType>(array, reader, report, |reader, time| push_time(reader, time, day));
        }
        TimeUnit::Nanosecond => {
            primitive::<TimestampNanosecondType>(array, reader, report, |reader, time| push_time(reader, time, day));
        }
    }
}

fn day(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => DAY,
        TimeUnit::Millisecond => DAY * 1_000,
        TimeUnit::Microsecond => DAY * 1_000_000,
        TimeUnit::Nanosecond => DAY * 1_000_000_000,
    }
}

/// Appends the day that begins at a time, if one does.
fn push_time(reader: &mut ColumnReader<'_>, time: i64, day: i64) -> Result<(), CellProblem> {
    if time % day == 0 {
        return reader.push_days(time / day);
    }
    reader.push_refused();
    Err(CellProblem::NotADate)
}

/// Reads each value of a dictionary once.
fn dictionary(array: &dyn Array, reader: &mut ColumnReader<'_>, report: Report<'_>) {
    let Some(dictionary) = array.as_any_dictionary_opt() else { return };
    let values = dictionary.values();
    let mut once = reader.clone();
    let mut refused = vec![None; values.len()];
    decode(&**values, &mut once, &mut |value, problem| refused[value] = Some(problem));
    let empty = values.len();
    once.push_empty();
    let ranks = if values.is_empty() { vec![0; array.len()] } else { dictionary.normalized_keys() };
    let cells: Vec<usize> =
        ranks.iter().enumerate().map(|(row, rank)| if array.is_null(row) { empty } else { *rank }).collect();
    for (row, cell) in cells.iter().enumerate() {
        if let Some(Some(problem)) = refused.get(*cell) {
            report(row, problem.clone());
        }
    }
    reader.column.append(&once.column.select(&cells));
}

/// A cell as a CSV file would write it.
pub(crate) fn text(array: &dyn Array, row: usize) -> Cow<'_, str> {
    fn of<T: ArrowPrimitiveType>(array: &dyn Array, row: usize) -> T::Native {
        array.as_primitive::<T>().value(row)
    }
    fn whole<T: ArrowPrimitiveType>(array: &dyn Array, row: usize) -> Cow<'_, str>
    where
        T::Native: ToString,
    {
        of::<T>(array, row).to_string().into()
    }
    if array.is_null(row) {
        return Cow::Borrowed("");
    }
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).into(),
        DataType::Utf8View => array.as_string_view().value(row).into(),
        DataType::Boolean => (if array.as_boolean().value(row) { "vrai" } else { "faux" }).into(),
        DataType::Int8 => whole::<Int8Type>(array, row),
        DataType::Int16 => whole::<Int16Type>(array, row),
        DataType::Int32 => whole::<Int32Type>(array, row),
        DataType::Int64 => whole::<Int64Type>(array, row),
        DataType::UInt8 => whole::<UInt8Type>(array, row),
        DataType::UInt16 => whole::<UInt16Type>(array, row),
        DataType::UInt32 => whole::<UInt32Type>(array, row),
        DataType::UInt64 => whole::<UInt64Type>(array, row),
        DataType::Float32 => float::shortest_single(of::<Float32Type>(array, row)).into(),
        DataType::Float64 => float::shortest(of::<Float64Type>(array, row)).into(),
        DataType::Decimal32(_, scale) => decimal(i256::from(of::<Decimal32Type>(array, row)), *scale).into(),
        DataType::Decimal64(_, scale) => decimal(i256::from(of::<Decimal64Type>(array, row)), *scale).into(),
        DataType::Decimal128(_, scale) => decimal(i256::from_i128(of::<Decimal128Type>(array, row)), *scale).into(),
        DataType::Decimal256(_, scale) => decimal(of::<Decimal256Type>(array, row), *scale).into(),
        DataType::Date32 => date(of::<Date32Type>(array, row).into()).into(),
        DataType::Date64 => time(of::<Date64Type>(array, row), DAY * 1_000).into(),
        DataType::Timestamp(unit, _) => {
            let value = match unit {
                TimeUnit::Second => of::<TimestampSecondType>(array, row),
                TimeUnit::Millisecond => of::<TimestampMillisecondType>(array, row),
                TimeUnit::Microsecond => of::<TimestampMicrosecondType>(array, row),
                TimeUnit::Nanosecond => of::<TimestampNanosecondType>(array, row),
            };
            time(value, day(*unit)).into()
        }
        DataType::Dictionary(..) => {
            let Some(dictionary) = array.as_any_dictionary_opt() else { return Cow::Borrowed("") };
            let rank = dictionary.normalized_keys()[row];
            text(&**dictionary.values(), rank).into_owned().into()
        }
        _ => Cow::Borrowed(""),
    }
}

/// `unscaled` with a point before its last `scale` digits, without useless zeros after it.
fn decimal(unscaled: i256, scale: i8) -> String {
    let digits = unscaled.to_string();
    let (sign, digits) = digits.strip_prefix('-').map_or(("", &*digits), |rest| ("-", rest));
    if scale <= 0 {
        let zeros = if digits == "0" { 0 } else { usize::from(scale.unsigned_abs()) };
        return format!("{sign}{digits}{}", "0".repeat(zeros));
    }
    let scale = usize::from(scale.unsigned_abs());
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

fn date(days: i64) -> String {
    Date::from_days(days).map_or_else(|| format!("jour {days}"), |date| date.to_string())
}

/// A date, with the time of day where it is not midnight.
fn time(value: i64, day: i64) -> String {
    let (days, rest) = (value.div_euclid(day), value.rem_euclid(day));
    let text = date(days);
    if rest == 0 {
        return text;
    }
    let seconds = rest / (day / DAY);
    format!("{text}T{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use arrow_array::{BooleanArray, Decimal128Array, Int32Array, UInt64Array};
    use polc_compiler::num::Ratio;
    use polc_compiler::typed::{Input, Program, Value};
    use proptest::prelude::*;

    use super::*;
    use crate::testing::libraries;

    /// What is left of some arrays: the cells, and what was refused.
    type Read = (Vec<Option<Value>>, Vec<(usize, CellProblem)>);

    fn read(program: &Program, input: &Input, arrays: &[ArrayRef], cell_by_cell: bool) -> Read {
        let mut reader = ColumnReader::new(program, input, b';');
        let (mut refused, mut before) = (Vec::new(), 0);
        for array in arrays {
            let report: Report<'_> = &mut |row, problem| refused.push((before + row, problem));
            if cell_by_cell {
                each(&**array, &mut reader, report, |reader, row| match array.data_type() {
                    // Days beyond the calendar have no text.
                    DataType::Date32 => reader.push_days(array.as_primitive::<Date32Type>().value(row).into()),
                    _ => reader.push(&text(&**array, row), &mut Marks::default()),
                });
            } else {
                decode(&**array, &mut reader, report);
            }
            before += array.len();
        }
        let cells = (0..reader.column.len()).map(|row| reader.column.value(row, input)).collect();
        (cells, refused)
    }

    /// Arrays of the same cells in each of the types that hold them, cut in two.
    fn arrays(cells: &[Option<i64>], scale: i8) -> Vec<Vec<ArrayRef>> {
        let all: Vec<ArrayRef> = vec![
            Arc::new(PrimitiveArray::<Int64Type>::from(cells.to_vec())),
            Arc::new(cells.iter().map(|cell| cell.map(|cell| cell as i16)).collect::<PrimitiveArray<Int16Type>>()),
            Arc::new(cells.iter().map(|cell| cell.map(|cell| cell as u64)).collect::<UInt64Array>()),
            Arc::new(
                (cells.iter().map(|cell| cell.map(i128::from)).collect::<Decimal128Array>())
                    .with_precision_and_scale(38, scale)
                    .expect("a scale of 38 at most"),
            ),
            Arc::new(cells.iter().map(|cell| cell.map(|cell| cell as i32)).collect::<PrimitiveArray<Date32Type>>()),
            Arc::new(cells.iter().map(|cell| cell.map(|cell| cell & 1 == 1)).collect::<BooleanArray>()),
        ];
        let cut = cells.len() / 3;
        all.into_iter().map(|array| vec![array.slice(0, cut), array.slice(cut, cells.len() - cut)]).collect()
    }

    proptest! {
        #[test]
        fn whole_arrays_are_read_as_their_cells(
            small in any::<bool>(),
            cells in prop::collection::vec(
                prop::option::weighted(0.8, prop_oneof![9 => 0i64..20_000, 1 => any::<i64>(), 1 => -2_000_000i64..2_000_000]),
                0..150,
            ),
            scale in 0i8..5,
            decimals in 0u32..4,
            defaulted in any::<bool>(),
        ) {
            let program = libraries().program;
            // With small cells only, whole arrays are within the range.
            let cells: Vec<_> =
                cells.into_iter().map(|cell| cell.map(|cell| if small { cell.rem_euclid(100) } else { cell })).collect();
            let mut inputs = ["livres_pretes", "ouverture", "label"]
                .map(|name| program.inputs.iter().find(|input| &*input.name == name).expect("an input").clone());
            inputs[0].decimals = decimals;
            inputs[0].range = Some((Ratio::from_integer((-50).into()), Ratio::from_integer(9_000.into())));
            inputs[0].default = defaulted.then(|| Value::Number(Ratio::from_integer(7.into())));
            for (input, arrays) in inputs.iter().flat_map(|input| arrays(&cells, scale).into_iter().map(move |a| (input, a))) {
                let reads = ColumnReader::new(&program, input, b';').reads();
                let alike = match arrays[0].data_type() {
                    DataType::Boolean => reads == Reads::Booleans,
                    DataType::Date32 => reads == Reads::Dates,
                    _ => reads == Reads::Numbers,
                };
                if alike {
                    let expected = read(&program, input, &arrays, true);
                    prop_assert_eq!(read(&program, input, &arrays, false), expected, "{}", arrays[0].data_type());
                }
            }
        }
    }

    #[test]
    fn the_ends_of_types_are_out_of_range_or_taken() {
        let program = libraries().program;
        let named = program.inputs.iter().find(|input| &*input.name == "livres_pretes").expect("an input");
        let mut input = named.clone();
        (input.range, input.decimals) = (None, 0);
        let both = |array: ArrayRef| {
            let read = |cell_by_cell| read(&program, &input, std::slice::from_ref(&array), cell_by_cell);
            assert_eq!(read(false), read(true));
            read(false).1
        };
        assert_eq!(both(Arc::new(UInt64Array::from(vec![u64::MAX, 0]))), [(0, CellProblem::OutOfRange)]);
        assert_eq!(both(Arc::new(PrimitiveArray::<Int64Type>::from(vec![i64::MAX, i64::MIN]))), []);
        assert_eq!(both(Arc::new(Int32Array::from(vec![i32::MAX, i32::MIN]))), []);
    }
}
