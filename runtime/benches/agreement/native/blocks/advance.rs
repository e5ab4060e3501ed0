//! The advance on the two blocks (article 18.1).

use super::period::Period;
use super::{Left, View};
use crate::native::amounts::rounded;
use crate::native::centres::KINDS;
use crate::native::dates;

/// Cents of the average advance of the year before, by kind of centre, where there is one.
pub type AverageAdvances = [Option<i64>; KINDS.len()];

/// Article 18.1: averages over all rows of a year, of centres that had an advance the year before. `rows` are those
/// whose centre has one for that year, with what it leaves.
pub fn average_advances<'a>(c: &View<'_>, rows: impl Iterator<Item = (usize, &'a Left)>) -> AverageAdvances {
    let mut sums = [(0, 0); KINDS.len()];
    for (i, last) in rows.filter(|(_, last)| last.annual_advance > 0) {
        if Period::of(c, i).is_some() {
            let (sum, count) = &mut sums[usize::from(c.type_centre[i])];
            *sum += i128::from(last.annual_advance);
            *count += 1;
        }
    }
    sums.map(|(sum, count)| (count > 0).then(|| rounded(sum, count)))
}

/// Article 18.1: after the year when a centre joins, 60% of the two blocks of the year before.
pub fn annual(period: &Period, last: Option<&Left>) -> Option<i64> {
    if period.joined >= period.year.first {
        return None;
    }
    Some(last.map_or(0, |last| rounded(i128::from(60 * last.blocks), 100)))
}

/// Article 18.1: the year when a centre joins within three months of its creation, the average advance, less of it
/// the later the quarter of the creation.
pub fn of_new_centre(c: &View<'_>, i: usize, period: &Period, averages: &AverageAdvances) -> Option<i64> {
    if period.joined < period.year.first {
        return None;
    }
    let Some(created) = c.date_creation[i] else { return Some(0) };
    if period.joined < created || period.joined > dates::add_months(created, 3) {
        return Some(0);
    }
    let percent = match dates::month_of(created) {
        1..=3 => 100,
        4..=6 => 75,
        7..=9 => 50,
        _ => 25,
    };
    let given = c.montant_moyen_avance_categorie[i].map(i64::from);
    let average = given.or(averages[usize::from(c.type_centre[i])]).unwrap_or(0);
    Some(rounded(i128::from(average * percent), 100))
}
