//! Dates of the civil calendar, as days since 1 January 1970, and the calendar rules of the language.

use jiff::ToSpan as _;
use jiff::civil;

/// A civil date, from 1 January 1 to 31 December 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i32);

/// Days since the epoch of 1 January of year 1.
pub const FIRST_DAY: i32 = -719_162;
/// Days since the epoch of 31 December of year 9999.
pub const LAST_DAY: i32 = 2_932_896;

const EPOCH: civil::Date = civil::date(1970, 1, 1);

/// A unit of calendar arithmetic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CalendarUnit {
    Days,
    Months,
    Years,
}

impl Date {
    /// A date, or `None` if it does not exist or lies outside years 1 to 9999.
    #[must_use]
    pub fn new(year: i64, month: u32, day: u32) -> Option<Self> {
        let year = i16::try_from(year).ok().filter(|year| *year >= 1)?;
        let date = civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
        Some(Self::from_civil(date))
    }

    #[must_use]
    pub fn from_days(days: i64) -> Option<Self> {
        i32::try_from(days).ok().filter(|days| (FIRST_DAY..=LAST_DAY).contains(days)).map(Self)
    }

    /// Days since 1 January 1970.
    #[must_use]
    pub fn days(self) -> i32 {
        self.0
    }

    fn from_civil(date: civil::Date) -> Self {
        Self(EPOCH.until(date).map_or(0, |span| span.get_days()))
    }

    fn civil(self) -> civil::Date {
        // The range of `Date` lies within that of jiff, so the addition cannot overflow.
        EPOCH.saturating_add(self.0.days())
    }

    #[must_use]
    pub fn year(self) -> i64 {
        i64::from(self.civil().year())
    }

    #[must_use]
    pub fn month(self) -> i64 {
        i64::from(self.civil().month())
    }

    /// Adds days, calendar months or years. Where the day of the month does not exist, the last day of that month is taken
    /// (29 February + 1 year gives 28 February). `None` outside years 1 to 9999.
    #[must_use]
    pub fn add(self, count: i64, unit: CalendarUnit) -> Option<Self> {
        if unit == CalendarUnit::Days {
            return Self::from_days(i64::from(self.0).checked_add(count)?);
        }
        let count = i32::try_from(count).ok()?;
        let span = match unit {
            CalendarUnit::Years => jiff::Span::new().try_years(count),
            _ => jiff::Span::new().try_months(count),
        };
        let date = self.civil().checked_add(span.ok()?).ok()?;
        (date.year() >= 1).then(|| Self::from_civil(date))
    }
}

impl std::fmt::Display for Date {
    /// ISO 8601.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let date = self.civil();
        write!(f, "{:04}-{:02}-{:02}", date.year(), date.month(), date.day())
    }
}

/// The most whole months or years that can be added to the first date without passing the second, by the rule of
/// [`Date::add`]; 0 when the second precedes the first. Days count as such.
#[must_use]
pub fn elapsed(from: Date, to: Date, unit: CalendarUnit) -> i64 {
    let civil = (from.civil(), to.civil());
    let years = i64::from(civil.1.year()) - i64::from(civil.0.year());
    let most = match unit {
        CalendarUnit::Days => i64::from(to.days()) - i64::from(from.days()),
        CalendarUnit::Years => years,
        CalendarUnit::Months => 12 * years + i64::from(civil.1.month()) - i64::from(civil.0.month()),
    };
    let passes = from.add(most.max(0), unit).is_none_or(|date| date > to);
    (most - i64::from(passes)).max(0)
}

/// 365 or 366.
#[must_use]
pub fn days_in_year(year: i64) -> i64 {
    if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) { 366 } else { 365 }
}

/// Days from one date to another, both included; 0 when the second precedes the first.
#[must_use]
pub fn days_between(from: Date, to: Date) -> i64 {
    (i64::from(to.days()) - i64::from(from.days()) + 1).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendar_rules() {
        let date = |y, m, d| Date::new(y, m, d).expect("a date of the test");
        assert_eq!(date(1, 1, 1).days(), FIRST_DAY);
        assert_eq!(date(9999, 12, 31).days(), LAST_DAY);
        assert_eq!(Date::new(2023, 2, 29), None);
        assert_eq!(date(2024, 2, 29).add(1, CalendarUnit::Years), Some(date(2025, 2, 28)));
        assert_eq!(date(2024, 1, 31).add(1, CalendarUnit::Months), Some(date(2024, 2, 29)));
        assert_eq!(date(9999, 12, 31).add(1, CalendarUnit::Days), None);
        let since = |from, to| elapsed(from, to, CalendarUnit::Years);
        assert_eq!(since(date(2020, 2, 29), date(2021, 2, 28)), 1);
        assert_eq!(since(date(2020, 2, 29), date(2024, 2, 28)), 3);
        assert_eq!(since(date(2020, 5, 1), date(2019, 5, 1)), 0);
        assert_eq!(elapsed(date(2024, 1, 31), date(2024, 2, 29), CalendarUnit::Months), 1);
        assert_eq!(elapsed(date(2024, 1, 31), date(2024, 3, 30), CalendarUnit::Months), 1);
        assert_eq!(days_between(date(2024, 7, 1), date(2024, 12, 31)), 184);
        assert_eq!(days_between(date(2025, 1, 1), date(2024, 12, 31)), 0);
        assert_eq!((days_in_year(1900), days_in_year(2000), days_in_year(2023)), (365, 366, 365));
    }
}
