//! Dates over sets: each end of what is computed comes from ends of what is read.

use num_traits::{One as _, Signed as _, ToPrimitive as _};
use polc_compiler::calendar::{CalendarUnit, Date, FIRST_DAY, LAST_DAY};
use polc_compiler::num::{Interval, Ratio, integer};
use polc_compiler::typed::{DatePart, Expr};

use super::super::set::{Numbers, Set};
use super::Evaluation;
use crate::table::RowErrorKind;

impl<'a> Evaluation<'a> {
    fn bad_date(&mut self) {
        let quantity = self.name();
        self.fault(RowErrorKind::BadDate { quantity });
    }

    pub(super) fn dates(&mut self, expr: &'a Expr) -> Option<(Date, Date)> {
        match self.expr(expr)? {
            Set::Dates(low, high) => Date::from_days(low.into()).zip(Date::from_days(high.into())),
            _ => {
                self.bad_date();
                None
            }
        }
    }

    /// Whole values, those of 64 bits; an error where some are not.
    pub(super) fn whole(&mut self, expr: &'a Expr) -> Option<(i64, i64)> {
        let numbers = self.number(expr)?;
        let sure = numbers.step.as_ref().is_some_and(|step| step.is_integer())
            || numbers.single().is_some_and(Ratio::is_integer);
        let end = |end: Option<Ratio>, out: i64| match end {
            None => (out, true),
            Some(end) => match end.to_integer().to_i64() {
                Some(end) => (end, false),
                None if end.is_negative() => (i64::MIN / 2, true),
                None => (i64::MAX / 2, true),
            },
        };
        let (low, low_out) = end(numbers.range.low.map(|low| low.ceil()), i64::MIN / 2);
        let (high, high_out) = end(numbers.range.high.map(|high| high.floor()), i64::MAX / 2);
        if !sure || low_out || high_out {
            self.bad_date();
        }
        (low <= high).then_some((low, high))
    }

    pub(super) fn date_of(&mut self, (first, last): (i64, i64), month: u32, day: u32) -> Option<Set> {
        let (low, high) = (first.max(1), last.min(9_999));
        // At most eight years part two 29 February.
        let lowest = (low..=high).take(9).find_map(|year| Date::new(year, month, day));
        let highest = (low..=high).rev().take(9).find_map(|year| Date::new(year, month, day));
        let everywhere =
            low == first && high == last && (first == last || day < 29 || Date::new(1999, month, day).is_some());
        if !everywhere || lowest.is_none() {
            self.bad_date();
        }
        Some(Set::Dates(lowest?.days(), highest?.days()))
    }

    /// Dates moved by a count of units: both move the ends the same way.
    pub(super) fn moved(
        &mut self,
        first: Date,
        last: Date,
        (low, high): (i64, i64),
        unit: CalendarUnit,
    ) -> Option<Set> {
        let start = match first.add(low, unit) {
            Some(date) => Some(date.days()),
            None => {
                self.bad_date();
                (low < 0).then_some(FIRST_DAY)
            }
        };
        let end = match last.add(high, unit) {
            Some(date) => Some(date.days()),
            None => {
                self.bad_date();
                (high > 0).then_some(LAST_DAY)
            }
        };
        Some(Set::Dates(start?, end?))
    }
}

pub(super) fn whole_numbers(low: i64, high: i64) -> Set {
    if low == high {
        return Set::Numbers(Numbers::point(&integer(low)));
    }
    Set::Numbers(Numbers::new(integer(low), integer(high), Some(Ratio::one())))
}

pub(super) fn part_of(part: DatePart, low: Date, high: Date) -> Numbers {
    let of = |date: Date| match part {
        DatePart::Year => date.year(),
        DatePart::Month => date.month(),
        DatePart::Quarter => (date.month() + 2) / 3,
    };
    let (first, last) = match part {
        DatePart::Month if low.year() != high.year() => (1, 12),
        DatePart::Quarter if low.year() != high.year() => (1, 4),
        _ => (of(low), of(high)),
    };
    Numbers { range: Interval::new(integer(first), integer(last)), step: Some(Ratio::one()) }
}
