//! From the text of a cell to a typed value, checked against the declaration of its input.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use arrow_buffer::{BooleanBuffer, NullBuffer};
use polc_compiler::calendar::{Date, FIRST_DAY, LAST_DAY};
use polc_compiler::num::{Ratio, power_of_ten};
use polc_compiler::typed::{Enumeration, Input, Program, Type};

use crate::table::{Column, ColumnData, ends};

/// Why a cell is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CellProblem {
    NotANumber,
    /// `1,234`: thousands or decimals.
    Ambiguous,
    /// More digits after the point than declared.
    Decimals {
        found: u32,
    },
    OutOfRange,
    NotABoolean,
    NotADate,
    /// Written as a date, but not in the calendar.
    NoSuchDay,
    UnknownCase,
    /// A list or an object.
    NotACell,
}

/// Which decimal marks were met.
#[derive(Clone, Copy, Debug, Default)]
pub struct Marks {
    pub comma: bool,
    pub point: bool,
}

impl Marks {
    /// Those of two parts of a file.
    pub fn join(&mut self, other: Self) {
        self.comma |= other.comma;
        self.point |= other.point;
    }
}

/// Fills the column of one input. Every cell appends one: what is refused leaves a missing one in its place, so that the
/// columns of a block stay of one length.
#[derive(Clone, Debug)]
pub struct ColumnReader<'p> {
    pub column: Column,
    kind: Kind<'p>,
    /// What an empty cell leaves: one cell, made once.
    empty: Column,
    /// A comma may be a separator of thousands, since it separates cells.
    comma_separates: bool,
}

#[derive(Clone, Debug)]
enum Kind<'p> {
    /// Decimals, and range in units of the last one.
    Number {
        decimals: u32,
        low: i64,
        high: i64,
    },
    Boolean,
    Date {
        low: i64,
        high: i64,
    },
    Case(&'p Enumeration),
    /// Each text once.
    Text(HashSet<Arc<str>>),
}

impl<'p> ColumnReader<'p> {
    pub fn new(program: &'p Program, input: &'p Input, separator: u8) -> Self {
        let kind = match &input.ty {
            Type::Number(_) => {
                let (low, high) = scaled_range(input);
                Kind::Number { decimals: input.decimals, low, high }
            }
            Type::Boolean | Type::Error => Kind::Boolean,
            Type::Date => {
                let (low, high) = scaled_range(input);
                Kind::Date { low, high }
            }
            Type::Enumeration(id) => Kind::Case(program.enumeration(*id)),
            Type::Text => Kind::Text(HashSet::new()),
        };
        let mut empty = Column::with_capacity(input, 1);
        empty.push(None, input);
        let column = Column::with_capacity(input, 0);
        Self { column, kind, empty, comma_separates: separator == b',' }
    }

    /// Appends a cell; an empty one takes the default of the input or is missing.
    pub fn push(&mut self, text: &str, marks: &mut Marks) -> Result<(), CellProblem> {
        let text = trim(text);
        if text.is_empty() {
            self.push_empty();
            return Ok(());
        }
        let result = self.push_text(text, marks);
        self.done(result)
    }

    /// Appends an empty cell.
    pub fn push_empty(&mut self) {
        self.column.append_copies(&self.empty, 1);
    }

    /// Appends a number given as units of its decimal `scale`.
    pub fn push_scaled(&mut self, value: i128, scale: i32) -> Result<(), CellProblem> {
        let result = match (&self.kind, &mut self.column.data) {
            (Kind::Number { decimals, low, high }, ColumnData::Number(cells)) => rescaled(value, scale, *decimals)
                .and_then(|number| {
                    let number = number.and_then(|n| i64::try_from(n).ok()).filter(|n| (*low..=*high).contains(n));
                    cells.push(number.ok_or(CellProblem::OutOfRange)?);
                    Ok(())
                }),
            _ => Err(CellProblem::NotANumber),
        };
        self.done(result)
    }

    /// Appends numbers as [`Self::push_scaled`] does, all at once, and an empty cell for each null. `false`, and nothing is
    /// appended, where some cell is to be looked at by itself.
    pub fn extend_scaled<T: Copy + Ord + Into<i128>>(
        &mut self,
        values: &[T],
        nulls: Option<&NullBuffer>,
        scale: i32,
    ) -> bool {
        let (Kind::Number { decimals, low, high }, ColumnData::Number(_)) = (&self.kind, &self.column.data) else {
            return false;
        };
        let exponent = u32::try_from(i64::from(*decimals) - i64::from(scale)).ok();
        let Some(factor) = exponent.and_then(|exponent| 10i64.checked_pow(exponent)) else { return false };
        let (low, high) = (*low, *high);
        let scaled = |value: T| value.into().checked_mul(factor.into());
        let within = |value: T| scaled(value).is_some_and(|value| (low.into()..=high.into()).contains(&value));
        if !ends_of_cells(values, nulls).is_none_or(|(least, greatest)| within(least) && within(greatest)) {
            return false;
        }
        self.extend_runs(values.len(), nulls, |data, run| {
            let Some((least, greatest)) = ends(&values[run.clone()]) else { return };
            // All of them lie between these, which are units of the last decimal.
            let wide = |value: T| (value.into() as i64).wrapping_mul(factor);
            if let ColumnData::Number(cells) = data {
                cells.extend_between(values[run].iter().map(|value| wide(*value)), wide(least), wide(greatest));
            }
        });
        true
    }

    /// Appends dates as [`Self::push_days`] does, in the way of [`Self::extend_scaled`].
    pub fn extend_days(&mut self, days: &[i32], nulls: Option<&NullBuffer>) -> bool {
        let (Kind::Date { low, high }, ColumnData::Date(_)) = (&self.kind, &self.column.data) else { return false };
        let (low, high) = (*low.max(&FIRST_DAY.into()), *high.min(&LAST_DAY.into()));
        let within = |days: i32| (low..=high).contains(&days.into());
        if !ends_of_cells(days, nulls).is_none_or(|(least, greatest)| within(least) && within(greatest)) {
            return false;
        }
        self.extend_runs(days.len(), nulls, |data, run| {
            if let ColumnData::Date(cells) = data {
                cells.extend_from_slice(&days[run]);
            }
        });
        true
    }

    /// Appends booleans, and an empty cell for each null; `false` for an input that is none.
    pub fn extend_booleans(&mut self, values: &BooleanBuffer, nulls: Option<&NullBuffer>) -> bool {
        let ColumnData::Boolean(_) = &self.column.data else { return false };
        self.extend_runs(values.len(), nulls, |data, run| {
            if let ColumnData::Boolean(cells) = data {
                cells.append_buffer(&values.slice(run.start, run.len()));
            }
        });
        true
    }

    /// Appends empty cells for nulls, and has the runs of the others appended.
    fn extend_runs(
        &mut self,
        count: usize,
        nulls: Option<&NullBuffer>,
        mut append: impl FnMut(&mut ColumnData, Range<usize>),
    ) {
        let mut run = |reader: &mut Self, run: Range<usize>| {
            append(&mut reader.column.data, run);
            if !reader.column.missing.is_empty() {
                reader.column.begin_missing(reader.column.len());
            }
        };
        let mut done = 0;
        for (start, end) in nulls.into_iter().flat_map(NullBuffer::valid_slices) {
            self.column.append_copies(&self.empty, start - done);
            run(self, start..end);
            done = end;
        }
        match nulls {
            Some(_) => self.column.append_copies(&self.empty, count - done),
            None => run(self, 0..count),
        }
    }

    pub fn push_boolean(&mut self, value: bool) -> Result<(), CellProblem> {
        let result = match &mut self.column.data {
            ColumnData::Boolean(cells) => {
                cells.push(value);
                Ok(())
            }
            _ => Err(CellProblem::NotABoolean),
        };
        self.done(result)
    }

    /// Appends a date given as days since 1 January 1970.
    pub fn push_days(&mut self, days: i64) -> Result<(), CellProblem> {
        let result = match (&self.kind, &mut self.column.data) {
            (Kind::Date { low, high }, ColumnData::Date(cells)) => match Date::from_days(days) {
                None => Err(CellProblem::NoSuchDay),
                Some(_) if !(*low..=*high).contains(&days) => Err(CellProblem::OutOfRange),
                Some(date) => {
                    cells.push(date.days());
                    Ok(())
                }
            },
            _ => Err(CellProblem::NotADate),
        };
        self.done(result)
    }

    /// Takes the place of a cell that cannot be read.
    pub fn push_refused(&mut self) {
        self.push_empty();
    }

    /// The reader appends numbers, booleans, dates.
    pub fn reads(&self) -> Reads {
        match &self.kind {
            Kind::Number { .. } => Reads::Numbers,
            Kind::Boolean => Reads::Booleans,
            Kind::Date { .. } => Reads::Dates,
            Kind::Case(_) | Kind::Text(_) => Reads::Texts,
        }
    }

    fn done(&mut self, result: Result<(), CellProblem>) -> Result<(), CellProblem> {
        match result {
            Ok(()) if self.column.missing.is_empty() => {}
            Ok(()) => self.column.missing.push(false),
            Err(_) => self.push_refused(),
        }
        result
    }

    fn push_text(&mut self, text: &str, marks: &mut Marks) -> Result<(), CellProblem> {
        match (&mut self.kind, &mut self.column.data) {
            (Kind::Number { decimals, low, high }, ColumnData::Number(cells)) => {
                let number = parse_number(text, *decimals, self.comma_separates, marks)?;
                let number = number.filter(|n| (*low..=*high).contains(n)).ok_or(CellProblem::OutOfRange)?;
                cells.push(number);
            }
            (Kind::Boolean, ColumnData::Boolean(cells)) => cells.push(parse_boolean(text)?),
            (Kind::Date { low, high }, ColumnData::Date(cells)) => {
                let days = parse_date(text)?.days();
                if !(*low..=*high).contains(&i64::from(days)) {
                    return Err(CellProblem::OutOfRange);
                }
                cells.push(days);
            }
            (Kind::Case(enumeration), ColumnData::Case(cells)) => {
                let text = composed(text);
                let rank = enumeration.cases.iter().position(|(name, _)| **name == *text);
                cells.push(rank.ok_or(CellProblem::UnknownCase)? as u16);
            }
            (Kind::Text(known), ColumnData::Text(cells)) => {
                let shared = known.get(text).cloned().unwrap_or_else(|| {
                    let shared: Arc<str> = text.into();
                    known.insert(shared.clone());
                    shared
                });
                cells.push(shared);
            }
            // `Column::with_capacity` and `kind` follow the same type.
            _ => {}
        }
        Ok(())
    }
}

/// The least and the greatest of the values that are not null.
fn ends_of_cells<T: Copy + Ord>(values: &[T], nulls: Option<&NullBuffer>) -> Option<(T, T)> {
    let Some(nulls) = nulls else { return ends(values) };
    let runs = nulls.valid_slices().filter_map(|(start, end)| ends(&values[start..end]));
    runs.reduce(|(a, b), (c, d)| (a.min(c), b.max(d)))
}

/// What the cells of a column are read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    Numbers,
    Booleans,
    Dates,
    /// Texts, and names of cases.
    Texts,
}

/// Units of the decimal `scale` as units of the last decimal declared; `Ok(None)` if that is too large for any range.
fn rescaled(value: i128, scale: i32, decimals: u32) -> Result<Option<i128>, CellProblem> {
    let missing = i64::from(decimals) - i64::from(scale);
    let power = |exponent: i64| u32::try_from(exponent).ok().and_then(|exponent| 10i128.checked_pow(exponent));
    if value == 0 {
        return Ok(Some(0));
    }
    if missing >= 0 {
        return Ok(power(missing).and_then(|power| value.checked_mul(power)));
    }
    if let Some(power) = power(-missing)
        && value % power == 0
    {
        return Ok(Some(value / power));
    }
    let (mut value, mut found) = (value, i64::from(scale));
    while value % 10 == 0 {
        value /= 10;
        found -= 1;
    }
    Err(CellProblem::Decimals { found: u32::try_from(found).unwrap_or(0) })
}

/// The declared range in units of the last decimal.
fn scaled_range(input: &Input) -> (i64, i64) {
    let Some((low, high)) = &input.range else { return (i64::MIN, i64::MAX) };
    let scale = Ratio::from_integer(power_of_ten(input.decimals));
    let low = i64::try_from((low * &scale).ceil().to_integer()).unwrap_or(i64::MIN);
    let high = i64::try_from((high * &scale).floor().to_integer()).unwrap_or(i64::MAX);
    (low, high)
}

/// Without the spaces around; the no-break ones count.
pub fn trim(text: &str) -> &str {
    let bytes = text.as_bytes();
    match (bytes.first(), bytes.last()) {
        (Some(first), Some(last)) if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

/// In normal form C, as the names of a policy are.
pub fn composed(text: &str) -> Cow<'_, str> {
    use unicode_normalization::UnicodeNormalization as _;
    if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) }
}

/// Reads a number in units of its last declared decimal; `Ok(None)` if it is too large for any range.
fn parse_number(
    text: &str,
    decimals: u32,
    comma_separates: bool,
    marks: &mut Marks,
) -> Result<Option<i64>, CellProblem> {
    let (negative, digits) = match text.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut value: i128 = 0;
    let (mut whole, mut fraction) = (0usize, 0usize);
    // Digits since the last space between thousands, and whether there was one.
    let (mut group, mut grouped) = (0usize, false);
    let mut mark = None;
    // Zeros after the point that count only if another digit follows.
    let mut zeros = 0usize;
    for c in digits.chars() {
        match c {
            '0'..='9' if mark.is_none() => {
                whole += 1;
                group += 1;
                value = value.saturating_mul(10).saturating_add(digit(c));
            }
            '0' => {
                fraction += 1;
                zeros += 1;
            }
            '1'..='9' => {
                fraction += 1;
                if fraction <= decimals as usize {
                    for _ in 0..zeros {
                        value = value.saturating_mul(10);
                    }
                    value = value.saturating_mul(10).saturating_add(digit(c));
                }
                zeros = 0;
            }
            '.' | ',' if mark.is_none() && whole > 0 => mark = Some(c),
            ' ' | '\u{A0}' | '\u{202F}' | '\u{2009}' if mark.is_none() && thousands(group, grouped) => {
                (group, grouped) = (0, true);
            }
            _ => return Err(CellProblem::NotANumber),
        }
    }
    if whole == 0 || (grouped && group != 3) || (mark.is_some() && fraction == 0) {
        return Err(CellProblem::NotANumber);
    }
    let looks_like_thousands = fraction == 3 && whole <= 3 && !digits.starts_with('0');
    if comma_separates && mark == Some(',') && looks_like_thousands && decimals < 3 {
        return Err(CellProblem::Ambiguous);
    }
    let significant = fraction - zeros;
    if significant > decimals as usize {
        return Err(CellProblem::Decimals { found: significant as u32 });
    }
    marks.comma |= mark == Some(',');
    marks.point |= mark == Some('.');
    for _ in significant..decimals as usize {
        value = value.saturating_mul(10);
    }
    Ok(i64::try_from(if negative { -value } else { value }).ok())
}

fn digit(c: char) -> i128 {
    i128::from(u32::from(c) - u32::from('0'))
}

/// Whether a group of digits may be followed by a space: one to three digits at first, then three.
fn thousands(group: usize, grouped: bool) -> bool {
    group == 3 || (!grouped && (1..3).contains(&group))
}

fn parse_boolean(text: &str) -> Result<bool, CellProblem> {
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is(&["1", "vrai", "oui", "true"]) {
        Ok(true)
    } else if is(&["0", "faux", "non", "false"]) {
        Ok(false)
    } else {
        Err(CellProblem::NotABoolean)
    }
}

/// `2024-12-31` or `31/12/2024`.
///
/// # Errors
/// What is not a date, or not one of the calendar.
pub fn parse_date(text: &str) -> Result<Date, CellProblem> {
    let number = |part: &str, digits: std::ops::RangeInclusive<usize>| {
        let good = digits.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        good.then(|| part.parse::<u32>().ok()).flatten()
    };
    let split = |mark: char| -> Option<[&str; 3]> { text.split(mark).collect::<Vec<_>>().try_into().ok() };
    let parts = if let Some([year, month, day]) = split('-') {
        number(year, 4..=4).zip(number(month, 2..=2)).zip(number(day, 2..=2))
    } else if let Some([day, month, year]) = split('/') {
        number(year, 4..=4).zip(number(month, 1..=2)).zip(number(day, 1..=2))
    } else {
        None
    };
    let ((year, month), day) = parts.ok_or(CellProblem::NotADate)?;
    Date::new(i64::from(year), month, day).ok_or(CellProblem::NoSuchDay)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str, decimals: u32) -> Result<Option<i64>, CellProblem> {
        parse_number(text, decimals, false, &mut Marks::default())
    }

    #[test]
    fn numbers() {
        let good = [
            ("0", 0, 0),
            ("12", 0, 12),
            ("+12", 2, 1_200),
            ("-12,5", 2, -1_250),
            ("\u{2212}1", 0, -1),
            ("0.05", 2, 5),
            ("100.10", 2, 10_010),
            ("7,000000", 0, 7),
            ("7.0", 0, 7),
            ("1 234 567,8", 1, 12_345_678),
            ("12\u{202F}345", 0, 12_345),
            ("12\u{A0}345", 0, 12_345),
            ("000000000000000000000000000000000000000000012", 0, 12),
            ("9223372036854775807", 0, i64::MAX),
        ];
        for (text, decimals, expected) in good {
            assert_eq!(number(text, decimals), Ok(Some(expected)), "{text}");
        }
        for text in
            ["", "-", "1e3", "1.2.3", "1,2.3", "12 34", "1 2", "1234 567", "1,", ",5", "NaN", "12 €", "1,0 0", "٣"]
        {
            assert_eq!(number(text, 2), Err(CellProblem::NotANumber), "{text}");
        }
        assert_eq!(number("1.005", 2), Err(CellProblem::Decimals { found: 3 }));
        assert_eq!(number("1.00500", 2), Err(CellProblem::Decimals { found: 3 }));
        assert_eq!(number("9223372036854775808", 0), Ok(None));
        assert_eq!(number(&"9".repeat(80), 9), Ok(None));
        assert_eq!(number(&"9".repeat(80), 0), Ok(None));
    }

    #[test]
    fn quoted_commas_between_thousands_are_ambiguous() {
        let number = |text, decimals| parse_number(text, decimals, true, &mut Marks::default());
        assert_eq!(number("1,500", 2), Err(CellProblem::Ambiguous));
        assert_eq!(number("0,500", 2), Ok(Some(50)));
        assert_eq!(number("1,5", 2), Ok(Some(150)));
        assert_eq!(number("1.500", 2), Ok(Some(150)));
        assert_eq!(number("1,500", 3), Ok(Some(1_500)));
    }

    #[test]
    fn booleans_and_dates() {
        assert_eq!(parse_boolean("OUI"), Ok(true));
        assert_eq!(parse_boolean("Faux"), Ok(false));
        assert_eq!(parse_boolean("peut-être"), Err(CellProblem::NotABoolean));
        let date = Date::new(2024, 2, 29).expect("a date of the test");
        for text in ["2024-02-29", "29/02/2024", "29/2/2024"] {
            assert_eq!(parse_date(text), Ok(date), "{text}");
        }
        for text in ["2024-2-29", "29-02-2024", "29/02/24", "2024/02/29", "29.02.2024", "45351", "+024-02-29"] {
            assert_eq!(parse_date(text), Err(CellProblem::NotADate), "{text}");
        }
        for text in ["2023-02-29", "31/04/2024", "0000-01-01"] {
            assert_eq!(parse_date(text), Err(CellProblem::NoSuchDay), "{text}");
        }
    }
}
