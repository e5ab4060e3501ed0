//! Days since 1 January 1970 in the Gregorian calendar.

/// A calendar year, from 1 January to 31 December.
#[derive(Clone, Copy, Debug)]
pub struct Year {
    pub number: i32,
    pub first: i32,
    pub last: i32,
}

/// The year before the first of the agreement.
const FIRST_YEAR: i32 = 2014;
/// 1 January of that year.
const FIRST_DAY: i32 = 16_071;

static YEARS: [Year; 27] = {
    let mut years = [Year { number: FIRST_YEAR, first: FIRST_DAY, last: FIRST_DAY + 364 }; 27];
    let mut index = 1;
    while index < years.len() {
        let before = years[index - 1];
        let (number, first) = (before.number + 1, before.last + 1);
        years[index] = Year { number, first, last: if is_leap(number) { first + 365 } else { first + 364 } };
        index += 1;
    }
    years
};

impl Year {
    /// Those of the agreement, and the one before.
    #[inline]
    pub fn of(number: i32) -> Self {
        YEARS[(number - FIRST_YEAR) as usize]
    }

    #[inline]
    pub fn before(self) -> Self {
        Self::of(self.number - 1)
    }

    #[inline]
    pub fn days(self) -> i64 {
        i64::from(self.last - self.first + 1)
    }

    #[inline]
    pub fn contains(self, day: i32) -> bool {
        self.first <= day && day <= self.last
    }
}

/// Year, month and day.
#[inline]
pub fn civil(days: i32) -> (i32, i32, i32) {
    // Years that start on 1 March, since 1 March of year 0.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year + i32::from(month <= 2), month, day)
}

#[inline]
pub fn year_of(days: i32) -> i32 {
    civil(days).0
}

#[inline]
pub fn month_of(days: i32) -> i32 {
    civil(days).1
}

#[inline]
pub fn day(year: i32, month: i32, day: i32) -> i32 {
    let year = year - i32::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[inline]
const fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

#[inline]
fn days_in_month(year: i32, month: i32) -> i32 {
    match month {
        2 => 28 + i32::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The same day of the month, so many months later; the last of the month where there is none.
#[inline]
pub fn add_months(days: i32, months: i32) -> i32 {
    let (year, month, of_month) = civil(days);
    let rank = year * 12 + month - 1 + months;
    let (year, month) = (rank.div_euclid(12), rank.rem_euclid(12) + 1);
    day(year, month, of_month.min(days_in_month(year, month)))
}

/// The same day, so many years later; 28 February for a 29 February.
#[inline]
pub fn add_years(days: i32, years: i32) -> i32 {
    add_months(days, 12 * years)
}

/// The most whole years that fit between two days; none if the second comes first.
pub fn whole_years(from: i32, to: i32) -> i32 {
    let years = year_of(to) - year_of(from);
    (years - i32::from(add_years(from, years) > to)).max(0)
}
