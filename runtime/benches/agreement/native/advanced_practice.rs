//! Article 19.11: the helps to start the practice of advanced nursing (annex 31) and to train for it (annex 34).

use super::amounts::{WITHOUT_OBJECT, rounded};
use super::centres::DENTAL;
use super::columns::columns;
use super::dates::{self, Year};

columns! {
    u8: type_centre;
    bool: zip ipa_contrat_anterieur ipaf_drom ipaf_cursus_metropole ipaf_attestation_inscription;
    i32: annee ipa_date_resiliation ipa_date_sortie_zone ipa_etp ipa_patients_suivis ipa_part_actes_specifiques
        ipaf_nombre_infirmiers ipaf_date_embauche ipaf_date_debut_formation ipaf_date_fin_formation ipaf_etp_infirmier
        ipaf_date_resiliation ipaf_honoraires_annee_precedente;
    Option<i32>: ipa_date_signature ipaf_date_signature;
}

pub const PAYMENTS: [&str; 6] = [
    "ipa_demarrage_euros",
    "ipa_demarrage_recuperation_activite_euros",
    "ipa_demarrage_recuperation_fin_euros",
    "ipa_demarrage_recuperation_euros",
    "ipa_formation_euros",
    "ipa_formation_recuperation_euros",
];

/// Years of either contract, which is not renewed.
const YEARS: i32 = 4;

/// Of the activity in the third year, in ten-thousandths.
const AWAITED_SHARE: i32 = 8_500;

/// Hundredths of a nurse.
const LEAST_NURSES: i32 = 50;

/// Of the year before the training, in euros for a full-time nurse: in cents for a hundredth of one.
const LEAST_FEES: i64 = 15_000;

/// 1 September 2023.
const FIRST_TRAINING: i32 = 19_601;

/// What later years read of a row.
#[derive(Clone, Debug, Default)]
pub struct Left {
    start: Option<StartLeft>,
    /// Paid to train.
    training: Option<i64>,
}

/// Article 19.11.1: what a contract leaves to the next year.
#[derive(Clone, Debug)]
struct StartLeft {
    in_zone: bool,
    /// Nurses that have been helped for, in hundredths.
    helped: i32,
    /// Those of them that were for the first time in the year.
    newly_helped: i32,
    /// Those of the centre, helped for or not.
    nurses: i32,
    patients: i32,
    /// Of the activity, proper to advanced practice, in ten-thousandths.
    share: i32,
    paid: i64,
    /// All that was paid, less what was recovered.
    total: i64,
}

/// Annex 31: a contract to start, that runs in the year of the row.
struct Start {
    signed: i32,
    /// Years from that of the signature.
    elapsed: i32,
    in_zone: bool,
    term: i32,
    /// Term, or earlier end by either party.
    ended: i32,
    /// When the centre left the zone; the term if it did not.
    left_zone: i32,
    end: i32,
    /// Whether it ends in the year, before its term.
    interrupted: bool,
}

impl Start {
    fn of(c: &View<'_>, i: usize, last: Option<&StartLeft>) -> Option<Self> {
        let signed = c.ipa_date_signature[i]?;
        let elapsed = c.annee[i] - dates::year_of(signed);
        if elapsed < 0 {
            return None;
        }
        let term = dates::add_years(signed, YEARS);
        let ended = term.min(c.ipa_date_resiliation[i]);
        let in_zone = last.filter(|_| elapsed >= 1).map_or(c.zip[i], |last| last.in_zone);
        let left_zone = if in_zone { term.min(c.ipa_date_sortie_zone[i]) } else { term };
        let end = ended.min(left_zone);
        let year = Year::of(c.annee[i]);
        if end < signed || end < year.first {
            return None;
        }
        let interrupted = end < term && end <= year.last;
        Some(Self { signed, elapsed, in_zone, term, ended, left_zone, end, interrupted })
    }

    /// Annex 31, articles 2.1 and 2.2: what a year of too little activity takes back on its anniversary.
    fn recovery_for_activity(&self, last: &StartLeft) -> i64 {
        if self.elapsed > 3 || dates::add_years(self.signed, self.elapsed) > self.end {
            return 0;
        }
        let (patients, share) = match self.elapsed {
            1 => (30, 2_500),
            2 => (60, 5_000),
            _ => {
                let shortfall = (AWAITED_SHARE - last.share).max(0);
                return rounded(i128::from(last.total) * i128::from(shortfall), AWAITED_SHARE.into());
            }
        };
        let kept = 100 * last.patients >= patients * last.nurses && last.share >= share;
        if kept { 0 } else { last.paid }
    }

    /// Annex 31, articles 4.3 and 4.4: all is due after an early end, the days that remain after the zone is left.
    fn recovery_for_end(&self, total: i64) -> i64 {
        if !self.interrupted {
            0
        } else if self.ended <= self.left_zone {
            total
        } else {
            let days = |from: i32| i128::from(self.term - from);
            rounded(i128::from(total) * days(self.left_zone), days(self.signed))
        }
    }
}

/// Article 19.11.1: nurses who may be helped for, in hundredths.
fn eligible_nurses(c: &View<'_>, i: usize, prerequisites_met: bool) -> i32 {
    let nurses = c.ipa_etp[i];
    let eligible =
        prerequisites_met && c.type_centre[i] != DENTAL && !c.ipa_contrat_anterieur[i] && nurses >= LEAST_NURSES;
    if eligible { nurses } else { 0 }
}

/// Article 19.11.1: an aid in two years for each nurse, raised where the contract was signed in a zone that lacks them.
fn start(c: &View<'_>, i: usize, last: Option<&StartLeft>, prerequisites_met: bool) -> Option<([i64; 4], StartLeft)> {
    let contract = Start::of(c, i, last)?;
    let followed = last.filter(|_| contract.elapsed >= 1);
    let eligible = eligible_nurses(c, i, prerequisites_met);
    let (helped_before, first_helped_before) = followed.map_or((0, 0), |last| (last.helped, last.newly_helped));

    // Without the row of the year before, the nurses of the row are held to have been helped for already.
    let unknown = contract.elapsed >= 1 && followed.is_none();
    let payable = contract.elapsed == 0 || contract.elapsed <= 3 && !contract.interrupted;
    let (newly_helped, helped_again) = if payable && !unknown {
        let still_there = eligible - (helped_before - first_helped_before);
        ((eligible - helped_before).max(0), still_there.clamp(0, first_helped_before))
    } else {
        (0, 0)
    };
    let helped = if unknown { eligible } else { helped_before + newly_helped };

    // Euros for a hundredth of a nurse are cents.
    let (first, second) = if contract.in_zone { (30_000, 10_000) } else { (20_000, 7_000) };
    let paid = first * i64::from(newly_helped) + second * i64::from(helped_again);
    let for_activity = followed.map_or(0, |last| contract.recovery_for_activity(last));
    let net = last.map_or(0, |last| last.total) + paid - for_activity;
    let for_end = contract.recovery_for_end(net);
    let left = StartLeft {
        in_zone: contract.in_zone,
        helped,
        newly_helped,
        nurses: c.ipa_etp[i],
        patients: c.ipa_patients_suivis[i],
        share: c.ipa_part_actes_specifiques[i],
        paid,
        total: net - for_end,
    };
    Some(([paid, for_activity, for_end, for_activity + for_end], left))
}

/// Article 19.11.2: the aid to train, in cents.
fn training_aid(c: &View<'_>, i: usize, signed: i32) -> i64 {
    let eligible = c.type_centre[i] != DENTAL
        && dates::add_years(c.ipaf_date_embauche[i], 1) <= signed
        && i64::from(c.ipaf_honoraires_annee_precedente[i]) > LEAST_FEES * i64::from(c.ipaf_etp_infirmier[i])
        && c.ipaf_date_debut_formation[i] >= FIRST_TRAINING;
    let euros = match (c.ipaf_drom[i], c.ipaf_cursus_metropole[i]) {
        _ if !eligible => 0,
        (false, _) => 15_000,
        (true, true) => 17_000,
        (true, false) => 0,
    };
    100 * euros * i64::from(c.ipaf_nombre_infirmiers[i])
}

/// Annex 34, articles 4.2 and 4.3: the divisor of what an early end takes back, by the time since the training.
fn training_divisor(c: &View<'_>, i: usize) -> Option<i128> {
    let ended = c.ipaf_date_resiliation[i];
    let trained = c.ipaf_date_fin_formation[i];
    (0..3).find(|years| ended < dates::add_years(trained, *years)).map(|years| i128::from(years) + 1)
}

/// Article 19.11.2 and annex 34: an aid paid once, and what is taken back of it.
fn training(c: &View<'_>, i: usize, last: Option<i64>) -> Option<([i64; 2], i64)> {
    let signed = c.ipaf_date_signature[i]?;
    let year = Year::of(c.annee[i]);
    if year.number < 2023 {
        return None;
    }
    let signed_in = dates::year_of(signed);
    let term = dates::add_years(signed, YEARS);
    let ended = c.ipaf_date_resiliation[i];
    let end = term.min(ended);
    if year.number < signed_in || end < signed || end < year.first {
        return None;
    }
    let paid_in = signed_in.max(2024);
    let paid = if year.number == paid_in && c.ipaf_attestation_inscription[i] { training_aid(c, i, signed) } else { 0 };
    let before = match last {
        Some(total) => total,
        // Without the row of the year before, the aid is held to have been paid in its time.
        None if year.number > paid_in => training_aid(c, i, signed),
        None => 0,
    };
    let total = before + paid;
    let recovered = if ended < term && ended <= year.last {
        training_divisor(c, i).map_or(0, |divisor| rounded(total.into(), divisor))
    } else {
        0
    };
    Some(([paid, recovered], total))
}

/// The payments of a row in cents, `WITHOUT_OBJECT` where the law gives none.
pub fn row(c: &View<'_>, i: usize, last: Option<&Left>, prerequisites_met: bool) -> ([i64; PAYMENTS.len()], Left) {
    let start = start(c, i, last.and_then(|left| left.start.as_ref()), prerequisites_met);
    let training = training(c, i, last.and_then(|left| left.training));
    let ([paid, for_activity, for_end, recovered], start) =
        start.map_or(([WITHOUT_OBJECT; 4], None), |(payments, left)| (payments, Some(left)));
    let ([trained, training_recovered], training) =
        training.map_or(([WITHOUT_OBJECT; 2], None), |(payments, total)| (payments, Some(total)));
    ([paid, for_activity, for_end, recovered, trained, training_recovered], Left { start, training })
}
