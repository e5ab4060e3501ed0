//! The civil calendar in integer operations: the algorithms of Howard Hinnant's « chrono-compatible low-level date
//! algorithms », on years that start in March.

use super::Lowerer;
use crate::calendar::{CalendarUnit, Date, FIRST_DAY, LAST_DAY};
use crate::ir::{NodeId, Op, Reason};
use crate::typed::{CompareOp, DatePart};

/// Days from 1 March of year 0 to the epoch.
const MARCH_SHIFT: i128 = 719_468;
const DAYS_PER_ERA: i128 = 146_097;

/// A date taken apart.
struct Civil {
    year: NodeId,
    month: NodeId,
    day: NodeId,
}

impl Lowerer<'_> {
    fn linear(&mut self, a: NodeId, factor: i128, shift: i128) -> NodeId {
        let factor = self.ir.constant(factor);
        let product = self.ir.multiply(a, factor);
        let shift = self.ir.constant(shift);
        self.ir.add(product, shift)
    }

    /// The year that starts in March, and the day in it, from 0.
    fn march(&mut self, days: NodeId) -> (NodeId, NodeId) {
        let shifted = self.linear(days, 1, MARCH_SHIFT);
        let era = self.ir.divide_by(shifted, DAYS_PER_ERA);
        let era_days = self.linear(era, DAYS_PER_ERA, 0);
        let doe = self.ir.subtract(shifted, era_days);
        let doe = self.within(doe, 0, DAYS_PER_ERA - 1);
        let (a, b, c) =
            (self.ir.divide_by(doe, 1_460), self.ir.divide_by(doe, 36_524), self.ir.divide_by(doe, 146_096));
        let t = self.ir.subtract(doe, a);
        let t = self.ir.add(t, b);
        let t = self.ir.subtract(t, c);
        let yoe = self.ir.divide_by(t, 365);
        let era_years = self.linear(era, 400, 0);
        let year = self.ir.add(yoe, era_years);
        let (q, h) = (self.ir.divide_by(yoe, 4), self.ir.divide_by(yoe, 100));
        let start = self.linear(yoe, 365, 0);
        let start = self.ir.add(start, q);
        let start = self.ir.subtract(start, h);
        let doy = self.ir.subtract(doe, start);
        (year, self.within(doy, 0, 365))
    }

    /// The day that a year that starts in March starts on; the year is not negative.
    fn march_start(&mut self, year: NodeId) -> NodeId {
        let era = self.ir.divide_by(year, 400);
        let era_years = self.linear(era, 400, 0);
        let yoe = self.ir.subtract(year, era_years);
        let yoe = self.within(yoe, 0, 399);
        let (q, h) = (self.ir.divide_by(yoe, 4), self.ir.divide_by(yoe, 100));
        let start = self.linear(yoe, 365, 0);
        let start = self.ir.add(start, q);
        let start = self.ir.subtract(start, h);
        let era_days = self.linear(era, DAYS_PER_ERA, -MARCH_SHIFT);
        self.ir.add(era_days, start)
    }

    /// The same day and month so many years later; 29 February gives 28 February in a common year. In years that start in
    /// March it is the last day, so that only the length of the year counts.
    fn add_years(&mut self, days: NodeId, count: NodeId, live: NodeId) -> NodeId {
        let (year, doy) = self.march(days);
        let year = self.ir.add(year, count);
        let zero = self.ir.constant(0);
        let before = self.ir.compare(CompareOp::Less, year, zero);
        self.ir.hand_over(live, before, Reason::Calendar);
        // Years beyond the calendar are handed over by the caller, whose bounds are on the result.
        let year = self.within(year, 0, 20_000);
        let start = self.march_start(year);
        let next = self.linear(year, 1, 1);
        let end = self.march_start(next);
        let last = self.ir.subtract(end, start);
        let last = self.linear(last, 1, -1);
        let last = self.within(last, 364, 365);
        let doy = self.ir.extremum(false, doy, last);
        self.ir.add(start, doy)
    }

    fn civil(&mut self, days: NodeId) -> Civil {
        let (march_year, doy) = self.march(days);
        let mp = self.linear(doy, 5, 2);
        let mp = self.ir.divide_by(mp, 153);
        let before = self.linear(mp, 153, 2);
        let before = self.ir.divide_by(before, 5);
        let day = self.ir.subtract(doy, before);
        let day = self.linear(day, 1, 1);
        let day = self.within(day, 1, 31);
        let ten = self.ir.constant(10);
        let early = self.ir.compare(CompareOp::Less, mp, ten);
        let (late_month, early_month) = (self.linear(mp, 1, -9), self.linear(mp, 1, 3));
        let month = self.ir.select(early, early_month, late_month);
        let month = self.within(month, 1, 12);
        let next = self.ir.not(early);
        let next = self.ir.integer(next);
        let year = self.ir.add(march_year, next);
        Civil { year, month, day }
    }

    /// Holds a value that interval analysis bounds too loosely.
    fn within(&mut self, node: NodeId, low: i128, high: i128) -> NodeId {
        let (low, high) = (self.ir.constant(low), self.ir.constant(high));
        let node = self.ir.extremum(true, node, low);
        self.ir.extremum(false, node, high)
    }

    pub(super) fn date_part(&mut self, days: NodeId, part: DatePart) -> NodeId {
        let civil = self.civil(days);
        match part {
            DatePart::Month => return civil.month,
            DatePart::Quarter => {
                let shifted = self.linear(civil.month, 1, 2);
                return self.ir.divide_by(shifted, 3);
            }
            DatePart::Year => {}
        }
        self.years.insert(civil.year, days);
        civil.year
    }

    /// The date and the shift of a node that holds the year of a date, plus a constant.
    fn as_year(&self, node: NodeId) -> Option<(NodeId, i128)> {
        if let Some(days) = self.years.get(&node) {
            return Some((*days, 0));
        }
        let Op::Add(a, b) = self.ir.op(node) else { return None };
        let (constant, other) = match (self.ir.constant_of(a), self.ir.constant_of(b)) {
            (Some(constant), _) => (constant, b),
            (_, Some(constant)) => (constant, a),
            _ => return None,
        };
        self.as_year(other).map(|(days, shift)| (days, shift + constant))
    }

    /// A comparison of the year of a date with a constant, as one of dates: 1 January says it all.
    pub(super) fn year_comparison(&mut self, op: CompareOp, a: NodeId, b: NodeId) -> Option<NodeId> {
        if let Some(year) = self.ir.constant_of(a) {
            let (days, shift) = self.as_year(b)?;
            return Some(self.year_against(op.swapped(), days, year - shift));
        }
        let year = self.ir.constant_of(b)?;
        let (days, shift) = self.as_year(a)?;
        Some(self.year_against(op, days, year - shift))
    }

    fn year_against(&mut self, op: CompareOp, days: NodeId, year: i128) -> NodeId {
        let from = self.not_before(days, year);
        let after = self.not_before(days, year + 1);
        match op {
            CompareOp::GreaterOrEqual => from,
            CompareOp::Greater => after,
            CompareOp::Less => self.ir.not(from),
            CompareOp::LessOrEqual => self.ir.not(after),
            CompareOp::Equal | CompareOp::NotEqual => {
                let not_after = self.ir.not(after);
                let within = self.ir.and(from, not_after);
                if op == CompareOp::Equal { within } else { self.ir.not(within) }
            }
        }
    }

    /// Whether a date falls on or after 1 January of a year.
    fn not_before(&mut self, days: NodeId, year: i128) -> NodeId {
        if year < 1 {
            return self.ir.yes;
        }
        match i64::try_from(year).ok().and_then(|year| Date::new(year, 1, 1)) {
            None => self.ir.no,
            Some(date) => {
                let date = self.ir.constant(i128::from(date.days()));
                self.ir.compare(CompareOp::GreaterOrEqual, days, date)
            }
        }
    }

    fn days(&mut self, year: NodeId, month: NodeId, day: NodeId) -> NodeId {
        let two = self.ir.constant(2);
        let early = self.ir.compare(CompareOp::LessOrEqual, month, two);
        let back = self.ir.integer(early);
        let y = self.ir.subtract(year, back);
        let zero = self.ir.constant(0);
        let y = self.ir.extremum(true, y, zero);
        let era = self.ir.divide_by(y, 400);
        let era_years = self.linear(era, 400, 0);
        let yoe = self.ir.subtract(y, era_years);
        let yoe = self.within(yoe, 0, 399);
        let (m_early, m_late) = (self.linear(month, 1, 9), self.linear(month, 1, -3));
        let mp = self.ir.select(early, m_early, m_late);
        let mp = self.within(mp, 0, 11);
        let doy = self.linear(mp, 153, 2);
        let doy = self.ir.divide_by(doy, 5);
        let doy = self.ir.add(doy, day);
        let doy = self.linear(doy, 1, -1);
        let (q, h) = (self.ir.divide_by(yoe, 4), self.ir.divide_by(yoe, 100));
        let doe = self.linear(yoe, 365, 0);
        let doe = self.ir.add(doe, q);
        let doe = self.ir.subtract(doe, h);
        let doe = self.ir.add(doe, doy);
        let era_days = self.linear(era, DAYS_PER_ERA, -MARCH_SHIFT);
        self.ir.add(era_days, doe)
    }

    pub(super) fn is_leap(&mut self, year: NodeId, live: NodeId) -> NodeId {
        let year = self.legal_year(year, live);
        let divisible = |lowerer: &mut Self, by: i128| {
            let quotient = lowerer.ir.divide_by(year, by);
            let back = lowerer.linear(quotient, by, 0);
            lowerer.ir.compare(CompareOp::Equal, back, year)
        };
        let (by4, by100, by400) = (divisible(self, 4), divisible(self, 100), divisible(self, 400));
        let not100 = self.ir.not(by100);
        let century = self.ir.or(not100, by400);
        self.ir.and(by4, century)
    }

    /// Years 1 to 9999; other rows are handed over.
    fn legal_year(&mut self, year: NodeId, live: NodeId) -> NodeId {
        let (low, high) = (self.ir.constant(1), self.ir.constant(9_999));
        let below = self.ir.compare(CompareOp::Less, year, low);
        let above = self.ir.compare(CompareOp::Greater, year, high);
        let outside = self.ir.or(below, above);
        self.ir.hand_over(live, outside, Reason::Calendar);
        self.within(year, 1, 9_999)
    }

    pub(super) fn date_of(&mut self, year: NodeId, month: u32, day: u32, live: NodeId) -> NodeId {
        let year = self.legal_year(year, live);
        let (month, day) = (self.ir.constant(i128::from(month)), self.ir.constant(i128::from(day)));
        self.days(year, month, day)
    }

    pub(super) fn add_to_date(&mut self, days: NodeId, count: NodeId, unit: CalendarUnit, live: NodeId) -> NodeId {
        // Far beyond the calendar in any unit; keeps the arithmetic small.
        let count = self.within(count, -4_000_000, 4_000_000);
        let moved = match unit {
            CalendarUnit::Days => self.ir.add(days, count),
            CalendarUnit::Years => self.add_years(days, count, live),
            CalendarUnit::Months => {
                let civil = self.civil(days);
                let months = self.linear(civil.year, 12, -1);
                let months = self.ir.add(months, civil.month);
                let months = self.ir.add(months, count);
                let zero = self.ir.constant(0);
                let before = self.ir.compare(CompareOp::Less, months, zero);
                self.ir.hand_over(live, before, Reason::Calendar);
                let months = self.ir.extremum(true, months, zero);
                let year = self.ir.divide_by(months, 12);
                let whole = self.linear(year, 12, -1);
                let month = self.ir.subtract(months, whole);
                let month = self.within(month, 1, 12);
                let year = self.legal_year(year, live);
                let last = self.last_day(year, month, live);
                let day = self.ir.extremum(false, civil.day, last);
                self.days(year, month, day)
            }
        };
        let (first, last) = (self.ir.constant(i128::from(FIRST_DAY)), self.ir.constant(i128::from(LAST_DAY)));
        let below = self.ir.compare(CompareOp::Less, moved, first);
        let above = self.ir.compare(CompareOp::Greater, moved, last);
        let outside = self.ir.or(below, above);
        self.ir.hand_over(live, outside, Reason::Calendar);
        self.within(moved, i128::from(FIRST_DAY), i128::from(LAST_DAY))
    }

    /// The most whole years or months that can be added to one date without passing the other.
    pub(super) fn elapsed(&mut self, from: NodeId, to: NodeId, unit: CalendarUnit) -> NodeId {
        let zero = self.ir.constant(0);
        let most = if unit == CalendarUnit::Days {
            self.ir.subtract(to, from)
        } else {
            let (a, b) = (self.civil(from), self.civil(to));
            let years = self.ir.subtract(b.year, a.year);
            if unit == CalendarUnit::Years {
                years
            } else {
                let months = self.ir.subtract(b.month, a.month);
                let years = self.linear(years, 12, 0);
                self.ir.add(years, months)
            }
        };
        // Adding what lies between leads to the month or the year of the second date: within the calendar.
        let count = self.ir.extremum(true, most, zero);
        let no = self.ir.no;
        let moved = self.add_to_date(from, count, unit, no);
        let passes = self.ir.compare(CompareOp::Greater, moved, to);
        let passes = self.ir.integer(passes);
        let whole = self.ir.subtract(most, passes);
        self.ir.extremum(true, whole, zero)
    }

    /// The last day of a month.
    fn last_day(&mut self, year: NodeId, month: NodeId, live: NodeId) -> NodeId {
        // 31 for odd months up to July and even ones after; 30 for the others.
        let seven = self.ir.constant(7);
        let late = self.ir.compare(CompareOp::Greater, month, seven);
        let shift = self.ir.integer(late);
        let m = self.ir.add(month, shift);
        let half = self.ir.divide_by(m, 2);
        let even = self.linear(half, 2, 0);
        let odd = self.ir.subtract(m, even);
        let long = self.linear(odd, 1, 30);
        let two = self.ir.constant(2);
        let february = self.ir.compare(CompareOp::Equal, month, two);
        let leap = self.is_leap(year, live);
        let extra = self.ir.integer(leap);
        let short = self.linear(extra, 1, 28);
        self.ir.select(february, short, long)
    }
}
