//! Articles 19.10.2 to 19.10.5: the help to hire medical assistants, under the contracts of annexes 29 and 33.

use std::cmp::Ordering;

use super::amounts::{WITHOUT_OBJECT, rounded, share};
use super::centres::is_medical;
use super::columns::columns;
use super::dates::{self, Year};

columns! {
    u8: type_centre;
    bool: am_demande_polyvalent am_derogation_ame am_premiere_implantation am_ancien_secretaire am_secretaire_remplace
        am_secretariat_telephonique am_effectif_reduit am_neutralisation;
    i32: annee am_date_resiliation am_nb_renouvellements am_etp_assistants am_etp_medecins_eligibles am_etp_mg_initial
        am_etp_pediatres_initial am_etp_medecins_initial am_patientele_mt_initiale am_file_active_initiale
        am_patientele_mt_verifiee am_file_active_verifiee am_patientele_mt_6_mois am_file_active_6_mois am_p30_mt
        am_p50_mt am_p70_mt am_p90_mt am_p95_mt am_p30_fa am_p50_fa am_p70_fa am_p90_fa am_p95_fa etp_mg etp_medecins;
    Option<u8>: am_modele;
    Option<i32>: am_date_signature am_date_embauche date_creation;
}

pub const PAYMENTS: [&str; 6] = [
    "assistant_medical_acompte_euros",
    "assistant_medical_second_acompte_euros",
    "assistant_medical_solde_euros",
    "assistant_medical_trop_percu_euros",
    "assistant_medical_euros",
    "assistant_medical_recuperation_euros",
];

/// The contract of annex 29, which those of 2024 replace.
const FIRST_GENERATION: u8 = 0;

/// Years of a contract, and of each renewal.
const PERIOD: i32 = 5;

/// Contract years in which a new centre is only compared to the middle of the national distribution.
const RAMP_UP: i32 = 3;

/// Doctors, in hundredths, whom the most assistants that are financed work for: two for each of four.
const MOST_DOCTORS: i32 = 800;

/// Expected growth, in percent, by rank in the national distribution.
const GROWTH: [i64; 6] = [25, 25, 20, 15, 5, 0];

/// From the 90th percentile, then from the 95th.
const HIGH: usize = 4;
const HIGHEST: usize = 5;

/// What later years read of a row.
#[derive(Clone, Debug, Default)]
pub struct Left {
    begun: Option<Begun>,
    second_instalment: i64,
    /// Paid for the period of five years, less what was overpaid.
    total: i64,
}

/// A contract year, where it begins.
#[derive(Clone, Debug)]
struct Begun {
    /// Counted from 1.
    year: i32,
    commitment: Commitment,
    /// The most that may be paid for the year.
    aid: i64,
    /// Of the aid, paid at once.
    percent: i64,
    instalment: i64,
}

/// Annexes 29 and 33, article 3: a contract that runs in the year of the row.
struct Contract {
    first_generation: bool,
    start: i32,
    /// Years from the year of the start.
    elapsed: i32,
    /// Of the start, in the year.
    anniversary: i32,
    term: i32,
    end: i32,
}

impl Contract {
    fn of(c: &View<'_>, i: usize) -> Option<Self> {
        let first_generation = c.am_modele[i]? == FIRST_GENERATION;
        let start = if first_generation { c.am_date_embauche[i]? } else { c.am_date_signature[i]? };
        let elapsed = c.annee[i] - dates::year_of(start);
        if elapsed < 0 {
            return None;
        }
        let term = dates::add_years(start, PERIOD * (1 + c.am_nb_renouvellements[i]));
        let end = term.min(c.am_date_resiliation[i]);
        if end <= start || end < Year::of(c.annee[i]).first {
            return None;
        }
        let anniversary = dates::add_years(start, elapsed);
        Some(Self { first_generation, start, elapsed, anniversary, term, end })
    }

    /// Whether a contract year begins in the year.
    fn begins(&self) -> bool {
        self.anniversary < self.end
    }

    /// Whether a contract year ends in the year.
    fn completes(&self) -> bool {
        self.elapsed >= 1 && self.anniversary <= self.end
    }

    /// Whether six months after an anniversary is in the same year.
    fn starts_in_first_half(&self) -> bool {
        dates::month_of(self.start) <= 6
    }
}

/// Patients for each full-time doctor, of whom there are hundredths.
#[derive(Clone, Copy)]
struct Mean {
    patients: i64,
    doctors: i64,
}

impl Mean {
    /// Nothing where there is no doctor.
    fn of(patients: i32, doctors: i32) -> Self {
        if doctors > 0 {
            Self { patients: patients.into(), doctors: doctors.into() }
        } else {
            Self { patients: 0, doctors: 1 }
        }
    }

    /// Compares to a percentile, in hundredths.
    fn against(self, percentile: i32) -> Ordering {
        (10_000 * self.patients).cmp(&(i64::from(percentile) * self.doctors))
    }

    /// Of a percentile, in hundredths.
    fn share_of(self, percentile: i32) -> Share {
        Share::of(10_000 * self.patients, i64::from(percentile) * self.doctors)
    }
}

/// A fraction from 0 to 1.
#[derive(Clone, Copy)]
struct Share {
    above: i64,
    below: i64,
}

impl Share {
    const NOTHING: Self = Self { above: 0, below: 1 };
    const WHOLE: Self = Self { above: 1, below: 1 };

    fn of(above: i64, below: i64) -> Self {
        if above >= below {
            Self::WHOLE
        } else if above <= 0 {
            Self::NOTHING
        } else {
            Self { above, below }
        }
    }

    fn percent(percent: i64) -> Self {
        Self { above: percent, below: 100 }
    }

    fn is_at_least(self, percent: i64) -> bool {
        100 * self.above >= percent * self.below
    }

    fn max(self, other: Self) -> Self {
        let less = i128::from(self.above) * i128::from(other.below) < i128::from(other.above) * i128::from(self.below);
        if less { other } else { self }
    }
}

/// Patients registered with the doctors of the centre, and all whom they saw in a year.
#[derive(Clone, Copy)]
struct Patients {
    registered: i32,
    active: i32,
}

/// What the patients should become.
#[derive(Clone, Copy, Debug)]
struct Goal {
    initial: i64,
    /// The growth expected is the quotient of these.
    growth: i64,
    unit: i64,
}

impl Goal {
    /// Article 19.10.4: only the patients of the doctors with whom assistants work should grow.
    fn of(initial: i32, percent: i64, engaged: i32, doctors: i32) -> Self {
        let initial = i64::from(initial);
        if doctors > engaged {
            Self { initial, growth: initial * percent * i64::from(engaged), unit: 100 * i64::from(doctors) }
        } else {
            Self { initial, growth: initial * percent, unit: 100 }
        }
    }

    /// Article 19.10.5.2.3: the part of the growth that there was.
    fn reached(&self, patients: i32) -> Share {
        Share::of((i64::from(patients) - self.initial) * self.unit, self.growth)
    }

    fn lost(&self, patients: i32) -> bool {
        i64::from(patients) < self.initial
    }
}

/// What a centre promises for a contract year.
#[derive(Clone, Debug)]
struct Commitment {
    newly_created: bool,
    /// Whether all its doctors are general practitioners, whose registered patients are then compared.
    only_general: bool,
    active: Goal,
    registered: Option<Goal>,
}

impl Commitment {
    fn ramps_up(&self, year: i32) -> bool {
        self.newly_created && year <= RAMP_UP
    }

    /// Article 19.10.5.2.6: how many patients the doctors of a new centre have.
    fn mean(&self, c: &View<'_>, i: usize, patients: Patients) -> Mean {
        if self.only_general {
            Mean::of(patients.registered, c.etp_mg[i])
        } else {
            Mean::of(patients.active, c.etp_medecins[i])
        }
    }

    /// Articles 19.10.5.2.3 and 19.10.5.2.6: how far the promise is kept, by the better of the goals.
    fn level(&self, c: &View<'_>, i: usize, year: i32, patients: Patients) -> Share {
        if self.ramps_up(year) {
            let median = if self.only_general { c.am_p50_mt[i] } else { c.am_p50_fa[i] };
            return self.mean(c, i, patients).share_of(median);
        }
        let active = self.active.reached(patients.active);
        self.registered.map_or(active, |goal| goal.reached(patients.registered).max(active))
    }

    fn declined(&self, patients: Patients) -> bool {
        self.active.lost(patients.active) || self.registered.is_some_and(|goal| goal.lost(patients.registered))
    }
}

/// Article 19.10.4: 0 up to the 30th percentile, then 1 to 5 from the 30th, 50th, 70th, 90th and 95th; contracts of the
/// first generation stop above the 90th.
fn rank(mean: Mean, first_generation: bool, [p30, p50, p70, p90, p95]: [i32; 5]) -> usize {
    if !first_generation && mean.against(p95).is_ge() {
        return HIGHEST;
    }
    let beyond = mean.against(p90);
    if beyond.is_gt() || beyond.is_eq() && !first_generation {
        HIGH
    } else if mean.against(p70).is_ge() {
        3
    } else if mean.against(p50).is_ge() {
        2
    } else {
        mean.against(p30).is_gt().into()
    }
}

/// Article 19.10.5.2.2: a full-time assistant, in euros.
fn scale(contract: &Contract, year: i32, rank: usize) -> i64 {
    match year {
        1 => 36_000,
        _ if rank == HIGHEST => 36_000,
        2 => 27_000,
        _ if rank == HIGH && !contract.first_generation => 25_000,
        _ => 21_000,
    }
}

/// Article 19.10.5.2.5: whether the post of the assistant is a new one.
fn adds_a_post(c: &View<'_>, i: usize, contract: &Contract) -> bool {
    let answered = c.am_secretaire_remplace[i] || !contract.first_generation && c.am_secretariat_telephonique[i];
    !c.am_effectif_reduit[i] && (!c.am_ancien_secretaire[i] || answered)
}

/// Article 19.10.3.3: a centre that is new in its area, opened less than a year before the contract starts.
fn opened_recently(c: &View<'_>, i: usize, contract: &Contract) -> bool {
    c.am_premiere_implantation[i]
        && c.date_creation[i]
            .is_some_and(|created| created <= contract.start && contract.start < dates::add_years(created, 1))
}

/// The promise of the contract year that begins in the year, and the most that may be paid for it, in cents.
fn promise(c: &View<'_>, i: usize, contract: &Contract, prerequisites_met: bool) -> (Commitment, i64) {
    let (active, registered) = (c.am_file_active_initiale[i], c.am_patientele_mt_initiale[i]);
    let (doctors, general) = (c.am_etp_medecins_initial[i], c.am_etp_mg_initial[i]);
    let with_registered = if contract.first_generation { general } else { general + c.am_etp_pediatres_initial[i] };
    let only_general = general > 0 && general == doctors;

    let active_mean = Mean::of(active, doctors);
    let percentiles = [c.am_p30_fa[i], c.am_p50_fa[i], c.am_p70_fa[i], c.am_p90_fa[i], c.am_p95_fa[i]];
    let mut best = rank(active_mean, contract.first_generation, percentiles);
    if with_registered > 0 {
        let percentiles = [c.am_p30_mt[i], c.am_p50_mt[i], c.am_p70_mt[i], c.am_p90_mt[i], c.am_p95_mt[i]];
        best = best.max(rank(Mean::of(registered, with_registered), contract.first_generation, percentiles));
    }
    let (mean, p30, p50) = if only_general {
        (Mean::of(registered, general), c.am_p30_mt[i], c.am_p50_mt[i])
    } else {
        (active_mean, c.am_p30_fa[i], c.am_p50_fa[i])
    };
    let newly_created = opened_recently(c, i, contract) && mean.against(p50).is_lt();

    let engaged = MOST_DOCTORS.min(2 * c.am_etp_assistants[i]).min(c.etp_medecins[i]);
    let eligible = prerequisites_met
        && c.am_etp_medecins_eligibles[i] > 0
        && (is_medical(c.type_centre[i]) || c.am_demande_polyvalent[i])
        && (newly_created || c.am_derogation_ame[i] || mean.against(p30).is_gt())
        && adds_a_post(c, i, contract);
    // Half an assistant for each doctor: euros for a hundredth of one are cents.
    let aid = if eligible { scale(contract, contract.elapsed + 1, best) / 2 * i64::from(engaged) } else { 0 };

    let commitment = Commitment {
        newly_created,
        only_general,
        active: Goal::of(active, GROWTH[best], engaged, doctors),
        registered: (with_registered > 0).then(|| Goal::of(registered, GROWTH[best], engaged, with_registered)),
    };
    (commitment, aid)
}

/// What is found on the anniversary.
struct Check {
    level: Share,
    declined: bool,
    /// Of the aid for the year that ends, all of which is due for the first two.
    due: Share,
}

/// Articles 19.10.5.2.3 and 19.10.5.2.6, annex 29: the contract year that ends, from the second.
fn check(c: &View<'_>, i: usize, contract: &Contract, commitment: &Commitment) -> Check {
    if c.am_neutralisation[i] {
        return Check { level: Share::WHOLE, declined: false, due: Share::WHOLE };
    }
    let year = contract.elapsed;
    let patients = Patients { registered: c.am_patientele_mt_verifiee[i], active: c.am_file_active_verifiee[i] };
    let level = commitment.level(c, i, year, patients);
    let declined = commitment.declined(patients);
    let due = if year <= 2 {
        Share::WHOLE
    } else if commitment.ramps_up(year) {
        let p30 = if commitment.only_general { c.am_p30_mt[i] } else { c.am_p30_fa[i] };
        if commitment.mean(c, i, patients).against(p30).is_lt() { Share::NOTHING } else { level }
    } else if contract.first_generation {
        if year >= 4 || !level.is_at_least(50) {
            level
        } else if level.is_at_least(75) {
            Share::WHOLE
        } else {
            Share::percent(75)
        }
    } else if declined {
        Share::NOTHING
    } else {
        level
    };
    Check { level, declined, due }
}

/// Annex 29: the level that opens the higher instalments of a contract year, in percent.
fn awaited(year: i32) -> i64 {
    if year == 3 { 50 } else { 70 }
}

/// Article 19.10.5.2.4: the percentage of the aid that is paid when a contract year begins.
fn first_percent(contract: &Contract, year: i32, check: Option<&Check>) -> i64 {
    if contract.first_generation {
        let promising = year <= 2 || check.is_some_and(|check| check.level.is_at_least(awaited(year)));
        if promising { 70 } else { 50 }
    } else if year <= 2 {
        100
    } else if check.is_some_and(|check| check.declined) {
        0
    } else {
        50
    }
}

/// Annex 29: what a lower instalment lacks, paid six months later if the goals are then met.
fn second_instalment(c: &View<'_>, i: usize, contract: &Contract, begun: &Begun) -> i64 {
    if !contract.first_generation || begun.year < 3 || begun.percent != 50 {
        return 0;
    }
    if dates::add_months(dates::add_years(contract.start, begun.year - 1), 6) >= contract.end {
        return 0;
    }
    let patients = Patients { registered: c.am_patientele_mt_6_mois[i], active: c.am_file_active_6_mois[i] };
    let level = begun.commitment.level(c, i, begun.year, patients);
    if level.is_at_least(awaited(begun.year)) { part(begun.aid, 20) } else { 0 }
}

/// Aids are multiples of five euros: their hundredths are whole cents.
fn part(aid: i64, percent: i64) -> i64 {
    aid * percent / 100
}

/// Annexes 29 and 33, article 5: the part of the total that was paid for the days after an early end.
fn recovery(c: &View<'_>, i: usize, contract: &Contract, total: i64) -> i64 {
    let ended = c.am_date_resiliation[i];
    if ended >= contract.term || !Year::of(c.annee[i]).contains(ended) {
        return 0;
    }
    let whole_years = contract.elapsed - i32::from(ended < contract.anniversary);
    let before = whole_years / PERIOD * PERIOD;
    let opened = dates::add_years(contract.start, before);
    if ended == opened {
        return 0;
    }
    let closes = dates::add_years(contract.start, before + PERIOD);
    share(total, closes - ended, closes - opened)
}

/// The payments of a row in cents, `WITHOUT_OBJECT` where the law gives none.
pub fn row(c: &View<'_>, i: usize, last: Option<&Left>, prerequisites_met: bool) -> ([i64; PAYMENTS.len()], Left) {
    let Some(contract) = Contract::of(c, i) else {
        return ([WITHOUT_OBJECT; PAYMENTS.len()], Left::default());
    };
    // The contract year that ends, where the row of the year before has it.
    let followed = last.and_then(|left| left.begun.as_ref()).filter(|begun| begun.year == contract.elapsed);
    let promise = contract.begins().then(|| promise(c, i, &contract, prerequisites_met));

    let verified = contract.completes() && contract.elapsed >= 2;
    let check = followed
        .map(|begun| &begun.commitment)
        .or(promise.as_ref().map(|(commitment, _)| commitment))
        .filter(|_| verified)
        .map(|commitment| check(c, i, &contract, commitment));

    let begun = promise.map(|(commitment, aid)| {
        let year = contract.elapsed + 1;
        let percent = first_percent(&contract, year, check.as_ref());
        Begun { year, commitment, aid, percent, instalment: part(aid, percent) }
    });
    let instalment = begun.as_ref().map_or(0, |begun| begun.instalment);

    let first_half = contract.starts_in_first_half();
    let second_of = if first_half { begun.as_ref() } else { followed };
    let second = second_of.map_or(0, |begun| second_instalment(c, i, &contract, begun));

    let balance = followed.filter(|_| contract.completes()).map_or(0, |begun| {
        let due = check.map_or(Share::WHOLE, |check| check.due);
        let before = if first_half { last.map_or(0, |left| left.second_instalment) } else { second };
        let paid = begun.instalment + before;
        rounded(i128::from(begun.aid * due.above - paid * due.below), due.below.into())
    });

    let total = if contract.begins() && contract.elapsed % PERIOD == 0 {
        instalment + if first_half { second } else { 0 }
    } else {
        last.map_or(0, |left| left.total) + instalment + second + balance
    };
    let payments = [
        instalment,
        second,
        balance.max(0),
        (-balance).max(0),
        instalment + second + balance.max(0),
        recovery(c, i, &contract, total),
    ];
    (payments, Left { begun, second_instalment: second, total })
}
