//! Results as Arrow arrays: native types, exact decimals.

use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Date32Builder, Decimal128Builder, Int64Builder, StringBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, Int32Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use polc_compiler::num::{RoundingMode, SHOWN_DECIMALS, power_of_ten, round_quotient};
use polc_compiler::typed::{Enumeration, InputId, Program, Quantity, QuantityId, Type, Value};
use rayon::prelude::*;

use super::table::Table;
use super::writer::WriteError;
use crate::diagnostics::{self as say};
use crate::table::{ColumnData, Numbers, ResultColumn, ResultValues, Results};

/// How a column of decimals is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimals {
    /// How many digits in all, and after the point.
    pub digits: u8,
    pub scale: u32,
}

impl Decimals {
    /// Any number, to so many digits after the point.
    pub const fn wide(scale: u32) -> Self {
        Self { digits: 38, scale }
    }

    /// Amounts rounded to so many digits after the point. With few of them they are held by 64 bits, as Parquet and most of what
    /// reads it do for money: fourteen digits at least are left before the point.
    pub const fn amounts(scale: u32) -> Self {
        if scale <= 4 { Self { digits: 18, scale } } else { Self::wide(scale) }
    }

    /// Those of a quantity: the digits after the point that it is rounded to, else those that text formats show of a number that
    /// is not finite.
    fn of(quantity: &Quantity) -> Self {
        let rounded: Option<Vec<u32>> = quantity.rules.iter().map(|rule| rule.rounding).collect();
        match rounded.and_then(|decimals| decimals.into_iter().max()) {
            Some(decimals) if quantity.derogations.is_empty() => Self::amounts(decimals),
            _ => Self::wide(SHOWN_DECIMALS),
        }
    }

    pub fn ty(self) -> DataType {
        DataType::Decimal128(self.digits, self.scale as i8)
    }

    pub fn builder(self, rows: usize) -> Decimal128Builder {
        Decimal128Builder::with_capacity(rows).with_data_type(self.ty())
    }

    /// Whether a number in units of the last digit has few enough of them.
    pub fn hold(self, units: i128) -> bool {
        units.unsigned_abs() < 10u128.pow(self.digits.into())
    }
}

/// The columns of the results, and how they are typed.
pub(crate) struct Layout<'p> {
    program: &'p Program,
    outputs: &'p [QuantityId],
    kept: Vec<usize>,
    pub schema: SchemaRef,
}

impl<'p> Layout<'p> {
    /// Decided on the first rows: all the rows of a file have the same types.
    pub fn new(program: &'p Program, outputs: &'p [QuantityId], table: &Table) -> Self {
        let mut fields = Vec::new();
        for id in &program.key {
            fields.push(key_field(program, *id));
        }
        for id in outputs {
            let quantity = program.quantity(*id);
            let ty = match &quantity.ty {
                Type::Number(_) => Decimals::of(quantity).ty(),
                Type::Date => DataType::Date32,
                Type::Enumeration(_) => cases(),
                Type::Text => DataType::Utf8,
                _ => DataType::Boolean,
            };
            fields.push(Field::new(&*quantity.name, ty, true));
        }
        for column in &table.kept {
            let ty = table.carried(*column, &[]).map(|array| array.data_type().clone());
            // The values of a dictionary may differ from one part of the file to the next.
            let ty = ty.filter(|ty| !matches!(ty, DataType::Dictionary(..))).unwrap_or(DataType::Utf8);
            fields.push(Field::new(&table.header[*column], ty, true));
        }
        Self { program, outputs, kept: table.kept.clone(), schema: Arc::new(Schema::new(fields)) }
    }

    /// These rows, which have results.
    ///
    /// # Errors
    /// A number too large for its column.
    pub fn batch(&self, table: &Table, results: &Results, rows: &[usize]) -> Result<RecordBatch, WriteError> {
        let keys = self.program.key.par_iter().map(|id| Ok(key(self.program, table, *id, rows)));
        let outputs =
            self.outputs.par_iter().zip(&results.columns).map(|(id, column)| self.output(table, *id, column, rows));
        let mut arrays: Vec<ArrayRef> = keys.chain(outputs).collect::<Result<_, WriteError>>()?;
        arrays.extend(self.carried(table, rows, arrays.len()));
        Ok(RecordBatch::try_new(self.schema.clone(), arrays)?)
    }

    /// The columns carried through, of which the first has this position: typed as they are in the file, else texts.
    fn carried(&self, table: &Table, rows: &[usize], first: usize) -> Vec<ArrayRef> {
        let typed = self.kept.iter().enumerate().map(|(rank, column)| {
            let wanted = self.schema.field(first + rank).data_type();
            table.carried(*column, rows).filter(|array| array.data_type() == wanted)
        });
        let typed: Vec<Option<ArrayRef>> = typed.collect();
        let mut texts: Vec<StringBuilder> = self.kept.iter().map(|_| StringBuilder::new()).collect();
        if typed.iter().any(Option::is_none) {
            // The cells of a row are all told apart at once.
            for row in rows {
                let cells = table.cells(&table.places[*row]);
                for (column, text) in self.kept.iter().zip(&mut texts) {
                    text.append_option(cells.get(*column).filter(|cell| !cell.is_empty()));
                }
            }
        }
        let arrays = typed.into_iter().zip(texts);
        arrays.map(|(typed, mut texts)| typed.unwrap_or_else(|| Arc::new(texts.finish()))).collect()
    }

    fn output(
        &self,
        table: &Table,
        id: QuantityId,
        column: &ResultColumn,
        rows: &[usize],
    ) -> Result<ArrayRef, WriteError> {
        let quantity = self.program.quantity(id);
        let present = |row: usize| column.present[row];
        Ok(match &column.values {
            ResultValues::Boolean(cells) => booleans(rows.iter().map(|row| present(*row).then(|| cells[*row]))),
            ResultValues::Date(cells) => dates(rows.iter().map(|row| present(*row).then(|| cells[*row]))),
            ResultValues::Case(cells) => {
                case_names(self.program, &quantity.ty, rows.iter().map(|row| present(*row).then(|| cells[*row].into())))
            }
            ResultValues::Text(cells) => {
                let mut builder = StringBuilder::new();
                rows.iter().for_each(|row| builder.append_option(present(*row).then(|| &*cells[*row])));
                Arc::new(builder.finish())
            }
            ResultValues::Number(numbers) => {
                let decimals = Decimals::of(quantity);
                let mut builder = decimals.builder(rows.len());
                for row in rows {
                    if !present(*row) {
                        builder.append_null();
                        continue;
                    }
                    let Some(units) = units(numbers, *row, decimals) else {
                        let value = Value::Number(numbers.value(*row));
                        let text = super::write::value_text(self.program, &quantity.ty, &value, '.');
                        let place = table.row_place(self.program, *row).on(&quantity.name);
                        return Err(say::too_large_for_a_column(&place, &text, decimals).into());
                    };
                    builder.append_value(units);
                }
                Arc::new(builder.finish())
            }
        })
    }
}

/// The column of an input of the key.
pub(super) fn key_field(program: &Program, id: InputId) -> Field {
    let input = program.input(id);
    let ty = match &input.ty {
        Type::Number(_) if input.decimals == 0 => DataType::Int64,
        Type::Number(_) => Decimals::wide(input.decimals).ty(),
        Type::Boolean | Type::Error => DataType::Boolean,
        Type::Date => DataType::Date32,
        Type::Enumeration(_) => cases(),
        Type::Text => DataType::Utf8,
    };
    Field::new(&*input.name, ty, false)
}

/// The key of these rows.
pub(super) fn key(program: &Program, table: &Table, id: InputId, rows: &[usize]) -> ArrayRef {
    let input = program.input(id);
    let Some(column) = &table.batch.columns[id.index()] else { return Arc::new(StringArray::new_null(rows.len())) };
    match &column.data {
        ColumnData::Number(cells) if input.decimals == 0 => {
            let mut builder = Int64Builder::with_capacity(rows.len());
            rows.iter().for_each(|row| builder.append_value(cells.get(*row)));
            Arc::new(builder.finish())
        }
        ColumnData::Number(cells) => {
            let mut builder = Decimals::wide(input.decimals).builder(rows.len());
            rows.iter().for_each(|row| builder.append_value(cells.get(*row).into()));
            Arc::new(builder.finish())
        }
        ColumnData::Boolean(cells) => booleans(rows.iter().map(|row| Some(cells.get(*row)))),
        ColumnData::Date(cells) => dates(rows.iter().map(|row| Some(cells[*row]))),
        ColumnData::Case(cells) => case_names(program, &input.ty, rows.iter().map(|row| Some(cells[*row].into()))),
        ColumnData::Text(cells) => {
            let mut builder = StringBuilder::new();
            rows.iter().for_each(|row| builder.append_value(&cells[*row]));
            Arc::new(builder.finish())
        }
    }
}

fn case_names(program: &Program, ty: &Type, ranks: impl Iterator<Item = Option<i32>>) -> ArrayRef {
    let enumeration: Option<&Enumeration> = match ty {
        Type::Enumeration(id) => Some(program.enumeration(*id)),
        _ => None,
    };
    // All the cases, used or not: the same dictionary in every part of the file.
    let names = enumeration.into_iter().flat_map(|enumeration| &enumeration.cases).map(|(name, _)| Some(&**name));
    let names: StringArray = names.collect();
    let ranks: Int32Array = ranks.collect();
    match DictionaryArray::<Int32Type>::try_new(ranks, Arc::new(names)) {
        Ok(array) => Arc::new(array),
        // Ranks are those of cases.
        Err(_) => Arc::new(StringArray::new_null(0)),
    }
}

pub(super) fn cases() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

fn booleans(cells: impl Iterator<Item = Option<bool>>) -> ArrayRef {
    let mut builder = BooleanBuilder::new();
    cells.for_each(|cell| builder.append_option(cell));
    Arc::new(builder.finish())
}

fn dates(cells: impl Iterator<Item = Option<i32>>) -> ArrayRef {
    let mut builder = Date32Builder::new();
    cells.for_each(|cell| builder.append_option(cell));
    Arc::new(builder.finish())
}

/// A number in units of the last digit, to the nearest, halves away from zero; `None` if it has too many digits.
fn units(numbers: &Numbers, row: usize, decimals: Decimals) -> Option<i128> {
    let scale = decimals.scale;
    let power = 10i128.checked_pow(scale)?;
    let small = numbers.small(row).map(|(above, below)| (i128::from(above), i128::from(below)));
    let scaled = small.and_then(|(above, below)| Some((above.checked_mul(power)?, below)));
    let nearest = |(scaled, denominator): (i128, i128)| {
        let double = scaled.checked_mul(2)?.checked_add(scaled.signum() * denominator)?;
        Some(double / (2 * denominator))
    };
    let units = match scaled.and_then(nearest) {
        Some(units) => units,
        None => {
            let value = numbers.value(row);
            let units = round_quotient(&(value.numer() * power_of_ten(scale)), value.denom(), RoundingMode::HalfAway);
            i128::try_from(units).ok()?
        }
    };
    decimals.hold(units).then_some(units)
}

#[cfg(test)]
mod tests {
    use polc_compiler::num::Ratio;

    use super::*;
    use crate::table::Denominators;

    #[test]
    fn decimals_hold_what_they_can() {
        let numbers = |numerators: &[i64], denominator| Numbers {
            numerators: numerators.iter().copied().collect(),
            denominators: Denominators::Constant(denominator),
            large: [(2, Ratio::new(1.into(), 3.into()))].into(),
        };
        let units = |numbers: &Numbers, row, scale| units(numbers, row, Decimals::wide(scale));
        let cents = numbers(&[12_345, -5, 0], 100);
        assert_eq!((units(&cents, 0, 2), units(&cents, 1, 2)), (Some(12_345), Some(-5)));
        assert_eq!(units(&cents, 0, 6), Some(123_450_000));
        // Halves away from zero.
        assert_eq!(units(&numbers(&[1, -1, 0], 2_000_000), 0, 6), Some(1));
        assert_eq!(units(&numbers(&[1, -1, 0], 2_000_000), 1, 6), Some(-1));
        let thirds = numbers(&[1, -2, 0], 3);
        assert_eq!((units(&thirds, 0, 0), units(&thirds, 1, 0)), (Some(0), Some(-1)));
        assert_eq!((units(&thirds, 0, 2), units(&thirds, 1, 2)), (Some(33), Some(-67)));
        // The numbers that stand apart.
        assert_eq!(units(&cents, 2, 6), Some(333_333));
        let most = 10i128.pow(38) - 1;
        let mut edge = numbers(&[0, 0, 0], 1);
        edge.large = [(0, Ratio::from_integer(most.into())), (1, Ratio::from_integer((most + 1).into()))].into();
        assert_eq!((units(&edge, 0, 0), units(&edge, 1, 0)), (Some(most), None));
        assert_eq!(units(&edge, 0, 2), None);
        // Sixteen digits of euros are the most of an amount in 64 bits.
        let most = 10i64.pow(18) - 1;
        let amounts = numbers(&[most, -most, 0], 100);
        assert_eq!(super::units(&amounts, 0, Decimals::amounts(2)), Some(most.into()));
        assert_eq!(super::units(&amounts, 1, Decimals::amounts(2)), Some((-most).into()));
        assert_eq!(super::units(&numbers(&[most + 1, 0, 0], 100), 0, Decimals::amounts(2)), None);
        assert_eq!(Decimals::amounts(5), Decimals::wide(5));
    }
}
