//! Article 13: the year, and the days of it that the agreement covers.

use super::View;
use crate::native::centres::joined_by_end_of;
use crate::native::dates::Year;

/// What the agreement covers of the year of a row.
#[derive(Debug)]
pub struct Period {
    pub year: Year,
    /// When the centre joined the agreement.
    pub joined: i32,
    /// Days from then to the end of the year.
    pub covered: i64,
}

impl Period {
    /// None where the agreement does not govern the row.
    #[inline(always)]
    pub fn of(c: &View<'_>, i: usize) -> Option<Self> {
        let year = Year::of(c.annee[i]);
        let joined = joined_by_end_of(year, c.date_adhesion[i])?;
        Some(Self { year, joined, covered: i64::from(year.last - joined.max(year.first) + 1) })
    }

    /// Covered days since something was acquired.
    #[inline(always)]
    pub fn days_since(&self, acquired: i32) -> i64 {
        i64::from((self.year.last - acquired.max(self.joined).max(self.year.first) + 1).max(0))
    }

    /// Whether there were enough of what is due at a steady pace, so many a year.
    #[inline(always)]
    pub fn keeps_pace(&self, found: i32, a_year: i64) -> bool {
        i64::from(found) * self.year.days() >= a_year * self.covered
    }
}
