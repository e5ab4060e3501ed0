//! What eases the move from the options of the former agreement (article 18.2).

use super::period::Period;
use super::{Left, View};
use crate::native::amounts::rounded;

/// The most that the rules of 2% pay, in cents.
const MOST: i64 = 20_000_000;

/// Article 18.2.1: for 2015, the rest of the former options, of a centre that joined before 31 December.
pub fn former_options(c: &View<'_>, i: usize, period: &Period) -> Option<i64> {
    let patients = i64::from(c.option_2015_patients_adherents[i]);
    let nurses = i64::from(c.option_2015_etp_infirmiers[i]);
    let due = 100 * patients * i64::from(c.option_2015_montant_par_patient[i])
        + nurses * i64::from(c.option_2015_montant_par_etp[i]);
    balance_of_2015(c, i, period, due, c.option_2015_deja_verse[i])
}

/// Article 18.2.1: for 2015, the rest of the aid to electronic transmission, likewise.
pub fn former_transmission_aid(c: &View<'_>, i: usize, period: &Period) -> Option<i64> {
    let staff = i64::from(c.aide_teletransmission_2015_etp[i]);
    let due = staff * i64::from(c.aide_teletransmission_2015_montant_par_etp[i]);
    balance_of_2015(c, i, period, due, c.aide_teletransmission_2015_deja_verse[i])
}

/// What is due, in hundredths of cents, less the cents that are paid already.
fn balance_of_2015(c: &View<'_>, i: usize, period: &Period, due: i64, paid: i64) -> Option<i64> {
    if c.annee[i] != 2015 {
        return None;
    }
    let balance = if period.joined < period.year.last { (due - 100 * paid).max(0) } else { 0 };
    Some(rounded(balance.into(), 100))
}

/// Article 18.2.2: whether a centre follows the rules of 2%: one that lost more than 2% of its fees in 2017, until
/// 2020.
pub fn two_percent(c: &View<'_>, i: usize, blocks: i64, last: Option<&Left>) -> bool {
    match c.annee[i] {
        _ if !had_options(c, i) => false,
        2017 => blocks > 0 && loses_two_percent(c, i, loss(c, i, blocks)),
        2018..=2020 => last.is_some_and(|last| last.two_percent),
        _ => false,
    }
}

/// Article 18.2.2: from 2016 to 2020, for a centre that is paid for the two blocks, a share of what it loses, or 2%
/// of its fees.
pub fn compensation(c: &View<'_>, i: usize, blocks: i64, two_percent: bool) -> Option<i64> {
    let thirds = match c.annee[i] {
        2016 => 3,
        2017 => 2,
        2018 => 1,
        2019 | 2020 => 0,
        _ => return None,
    };
    if !had_options(c, i) {
        return None;
    }
    if blocks <= 0 {
        return Some(0);
    }
    let loss = loss(c, i, blocks);
    Some(if two_percent && loses_two_percent(c, i, loss) {
        rounded((2 * c.honoraires_remboursables[i]).into(), 100).min(MOST)
    } else {
        rounded((thirds * loss).into(), 3)
    })
}

fn had_options(c: &View<'_>, i: usize) -> bool {
    c.montant_options_2014[i] > 0
}

/// Article 18.2.2: how much less than in 2014 a centre is paid, in cents. What counts changes in 2018.
fn loss(c: &View<'_>, i: usize, blocks: i64) -> i64 {
    let (bonus, patients) = if c.annee[i] < 2018 {
        (0, c.montant_forfaits_annexe_24[i])
    } else {
        (c.montant_mpa[i], c.montant_forfait_patientele[i])
    };
    let paid = blocks + c.montant_rosp[i] + c.montant_option_dentaire[i] + patients;
    (c.montant_options_2014[i] + bonus - paid).max(0)
}

fn loses_two_percent(c: &View<'_>, i: usize, loss: i64) -> bool {
    50 * loss > c.honoraires_remboursables[i]
}
