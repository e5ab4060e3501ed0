//! Contracts that draw doctors to where they are few: annex 8 (closed to newcomers, article 19.4) and articles 19.1 to
//! 19.3.

use super::amounts::{WITHOUT_OBJECT, rounded, share};
use super::centres::{self, MEDICAL, OUTSIDE_ZONES};
use super::columns::columns;
use super::contracts::{WHOLE, deferred, increased, is_entitled};
use super::dates::{self, Year};

columns! {
    u8: type_centre zone_medecin zone_infirmier zone_dentiste cai_med_motif;
    bool: cim_milieu_rural cim_engagements_respectes cai_med_deja_beneficie csc_membre_cpts_ou_esp
        cst_autre_contrat_signe;
    i32: annee etp_mg etp_medecins postes_nouveaux_etp_medecins postes_nouveaux_etp_infirmiers
        postes_nouveaux_etp_dentistes postes_nouveaux_etp_autres cim_date_resiliation cim_nb_renouvellements
        cim_activite_patients_zone cim_activite_totale cai_med_date_resiliation cai_med_taux_majoration
        csc_date_resiliation csc_etp_remplacements csc_taux_majoration cst_date_resiliation cst_jours_mise_a_disposition
        cst_etp_mis_a_disposition cst_frais_deplacement cst_taux_majoration;
    i64: cim_activite_cv cim_indu_notifie cst_honoraires_zone;
    Option<i32>: cim_distance_zone_km date_vigueur_avenant_1 cim_date_signature cai_med_date_signature
        csc_date_signature cst_date_signature;
}

pub const PAYMENTS: [&str; 15] = [
    "contrat_incitatif_medical_investissement_euros",
    "contrat_incitatif_medical_activite_euros",
    "contrat_incitatif_medical_euros",
    "contrat_incitatif_medical_recuperation_euros",
    "contrat_installation_medical_acompte_euros",
    "contrat_installation_medical_solde_euros",
    "contrat_installation_medical_complement_euros",
    "contrat_installation_medical_postes_euros",
    "contrat_installation_medical_euros",
    "contrat_installation_medical_recuperation_euros",
    "contrat_stabilisation_euros",
    "contrat_solidarite_aide_euros",
    "contrat_solidarite_frais_euros",
    "contrat_solidarite_euros",
    "contrats_medicaux_infirmiers_versement_t2_euros",
];

const CREATION: u8 = 0;
const CONVERSION: u8 = 1;

/// Years of a contract of annex 8, and of each renewal.
const INCENTIVE_YEARS: i32 = 3;
/// Calendar years of investment aid, that of the signature included.
const INVESTMENT_YEARS: i32 = 3;
/// Years of a contract of article 19.1.
const INSTALLATION_YEARS: i32 = 5;
/// Posts of general practitioners that article 19.1 aids, in hundredths.
const AIDED_POSTS: i64 = 300;

// In euros a post, which is also in cents a hundredth of a post.
const INVESTMENT: i64 = 5_000;
const ACTIVITY_LIMIT: i64 = 20_000;
const FIRST_AIDED_POST: i64 = 30_000;
const OTHER_AIDED_POSTS: i64 = 20_000;
const FURTHER_POST: i64 = 6_000;
const STABILISED_DOCTOR: i64 = 5_000;
const STABILISED_NEW_POST: i64 = 6_000;
const STABILISED_REPLACEMENT: i64 = 3_000;
const SOLIDARITY_LIMIT: i64 = 50_000;

/// What article 19.1 has aided since the signature.
#[derive(Clone, Copy, Debug, Default)]
struct Aided {
    /// The most general practitioners counted so far, in hundredths of posts.
    posts: i64,
    /// Paid for them so far.
    cents: i64,
}

/// What later years read of a row. Sums are in cents, zero where there is no contract.
#[derive(Clone, Debug, Default)]
pub struct Left {
    incentive_eligible: Option<bool>,
    installation_eligible: Option<bool>,
    /// Unknown from a missing year on.
    aided: Option<Aided>,
    /// Has had a contract of article 19.1.
    installed: bool,
    stabilisation_eligible: Option<bool>,
    solidarity_eligible: Option<bool>,
    /// What is reckoned for the year and paid in the second quarter of the next.
    second_quarter: i64,
}

/// A contract that runs in a year, if only for a part of it.
struct Contract {
    signed: i32,
    /// The day it was ended early.
    terminated: i32,
    /// The day it runs out.
    term: i32,
    /// Years since that of the signature.
    rank: i32,
    year: Year,
}

impl Contract {
    /// None if nothing is signed or if the contract does not touch the year.
    fn running(year: i32, signed: Option<i32>, terminated: i32, term: impl FnOnce(i32) -> i32) -> Option<Self> {
        let signed = signed?;
        let year = Year::of(year);
        if signed > terminated || signed > year.last || terminated < year.first {
            return None;
        }
        let term = term(signed);
        let rank = year.number - dates::year_of(signed);
        (term >= year.first).then_some(Self { signed, terminated, term, rank, year })
    }

    /// Days of the year that it covers, that of its end excluded.
    fn days(&self) -> i64 {
        let end = self.terminated.min(self.term).min(self.year.last + 1);
        i64::from((end - self.signed.max(self.year.first)).max(0))
    }

    /// Ended in the year, before it would have run out.
    fn is_broken(&self) -> bool {
        self.terminated <= self.year.last && self.terminated < self.term
    }

    fn is_entitled(&self, before: Option<bool>, conditions: impl FnOnce(i32) -> bool) -> bool {
        is_entitled(before, self.rank == 0, || conditions(self.signed))
    }
}

/// Contracts renewed tacitly until someone ends them.
fn endless(_: i32) -> i32 {
    i32::MAX
}

/// Whether a contract runs on some day.
fn runs_on(day: i32, signed: Option<i32>, terminated: i32, term: impl FnOnce(i32) -> i32) -> bool {
    signed.is_some_and(|signed| signed <= day && day < terminated && day < term(signed))
}

fn is_medical(c: &View<'_>, i: usize) -> bool {
    centres::is_medical(c.type_centre[i])
}

/// Amendment 1 opens the contracts of articles 19.1 to 19.3.
fn is_open(c: &View<'_>, i: usize, signed: i32) -> bool {
    c.date_vigueur_avenant_1[i].is_none_or(|opening| signed >= opening)
}

/// Doctors in hundredths of posts. Centres without a contract may leave them out.
fn doctors(c: &View<'_>, i: usize) -> i64 {
    c.etp_medecins[i].into()
}

/// New posts of professions other than doctors, each where that profession is lacking, in hundredths.
fn new_posts_of_others(c: &View<'_>, i: usize) -> i64 {
    let lacking = |zone: u8, posts: i32| if zone == OUTSIDE_ZONES { 0 } else { i64::from(posts) };
    lacking(c.zone_infirmier[i], c.postes_nouveaux_etp_infirmiers[i])
        + lacking(c.zone_dentiste[i], c.postes_nouveaux_etp_dentistes[i])
        + i64::from(c.postes_nouveaux_etp_autres[i])
}

/// Article 19.4: a renewal counts if it takes effect before amendment 1.
fn incentive_term(c: &View<'_>, i: usize, signed: i32) -> i32 {
    let asked = c.cim_nb_renouvellements[i];
    let renewals = match c.date_vigueur_avenant_1[i] {
        Some(closing) => asked.min(dates::whole_years(signed, closing - 1) / INCENTIVE_YEARS),
        None => asked,
    };
    dates::add_years(signed, INCENTIVE_YEARS * (1 + renewals))
}

/// Annex 8, articles 1 to 3: in a zone or next to it, with two thirds of the activity for its patients.
fn incentive_conditions(c: &View<'_>, i: usize, signed: i32) -> bool {
    let reach = if c.cim_milieu_rural[i] { 500 } else { 200 };
    let activity = c.cim_activite_totale[i];
    is_medical(c, i)
        && (c.zone_medecin[i] != OUTSIDE_ZONES || c.cim_distance_zone_km[i].is_some_and(|distance| distance <= reach))
        && activity > 0
        && 3 * c.cim_activite_patients_zone[i] >= 2 * activity
        && c.date_vigueur_avenant_1[i].is_none_or(|closing| signed < closing)
}

/// Annex 8: investment, activity, their sum and what is taken back.
fn incentive(c: &View<'_>, i: usize, last: &Left, left: &mut Left) -> [i64; 4] {
    let Some(contract) = Contract::running(c.annee[i], c.cim_date_signature[i], c.cim_date_resiliation[i], |signed| {
        incentive_term(c, i, signed)
    }) else {
        return [WITHOUT_OBJECT; 4];
    };
    let eligible = contract.is_entitled(last.incentive_eligible, |signed| incentive_conditions(c, i, signed));
    left.incentive_eligible = Some(eligible);
    if contract.is_broken() {
        return [0, 0, 0, c.cim_indu_notifie[i]];
    }
    if !eligible || !c.cim_engagements_respectes[i] {
        return [0; 4];
    }
    let doctors = doctors(c, i);
    let investment = if contract.rank < INVESTMENT_YEARS { INVESTMENT * doctors } else { 0 };
    // A tenth of the activity.
    let activity = c.cim_activite_cv[i].min(10 * ACTIVITY_LIMIT * doctors) * contract.days();
    let activity = rounded(activity.into(), (10 * contract.year.days()).into());
    let total = investment + activity;
    left.second_quarter += total;
    [investment, activity, total, 0]
}

fn installation_term(signed: i32) -> i32 {
    dates::add_years(signed, INSTALLATION_YEARS)
}

/// Article 19.1.2: a centre that settles in a zone or becomes polyvalent there, for the first time.
fn installation_conditions(c: &View<'_>, i: usize, last: &Left, signed: i32) -> bool {
    let meant = match c.cai_med_motif[i] {
        CREATION => is_medical(c, i),
        CONVERSION => c.type_centre[i] != MEDICAL && c.etp_mg[i] > 0,
        _ => false,
    };
    let stabilised = c.csc_date_signature[i].is_some_and(|other| other < signed) && signed < c.csc_date_resiliation[i];
    meant
        && c.zone_medecin[i] != OUTSIDE_ZONES
        && !c.cai_med_deja_beneficie[i]
        && !last.installed
        && is_open(c, i, signed)
        && !stabilised
}

/// Article 19.1.4: the aid for so many hundredths of posts.
fn scale(posts: i64) -> i64 {
    let first = posts.min(100);
    FIRST_AIDED_POST * first + OTHER_AIDED_POSTS * (posts - first)
}

/// Article 19.1.4: what is above three doctors, each year.
fn further_posts(c: &View<'_>, i: usize) -> i64 {
    let above = doctors(c, i) - AIDED_POSTS;
    if above < 0 { 0 } else { FURTHER_POST * (above + new_posts_of_others(c, i)) }
}

/// Article 19.1: half at the signature, half a year later, recruits, further posts, their sum and what is taken back.
fn installation(c: &View<'_>, i: usize, last: &Left, left: &mut Left) -> [i64; 6] {
    left.installed = last.installed || c.cai_med_deja_beneficie[i];
    let (signed, terminated) = (c.cai_med_date_signature[i], c.cai_med_date_resiliation[i]);
    let Some(contract) = Contract::running(c.annee[i], signed, terminated, installation_term) else {
        return [WITHOUT_OBJECT; 6];
    };
    let eligible =
        contract.is_entitled(last.installation_eligible, |signed| installation_conditions(c, i, last, signed));
    left.installation_eligible = Some(eligible);
    left.installed |= eligible;
    if !eligible {
        return [0; 6];
    }
    let rank = contract.rank;
    // The anniversary of the year comes before any early end, and is not the fifth.
    let due = rank < INSTALLATION_YEARS && dates::add_years(contract.signed, rank) < terminated;
    let posts = if due { further_posts(c, i) } else { 0 };
    left.second_quarter += deferred(rank, posts);

    let Some(before) = (if rank == 0 { Some(Aided::default()) } else { last.aided }) else {
        // A year is missing: what depends on it has no object.
        let unknown = |depends: bool| if depends { WITHOUT_OBJECT } else { 0 };
        return [0, unknown(due && rank == 1), unknown(due), posts, unknown(due), unknown(contract.is_broken())];
    };
    let mut aided = before;
    let (mut deposit, mut balance, mut supplement) = (0, 0, 0);
    if due {
        aided.posts = before.posts.max(AIDED_POSTS.min(c.etp_mg[i].into()));
        let increased = increased(c.cai_med_taux_majoration[i]);
        let (old, new) = (scale(before.posts), scale(aided.posts));
        let half = |aid: i64| rounded((aid * increased).into(), (2 * WHOLE).into());
        if rank == 0 {
            deposit = half(new);
        } else {
            let remaining = i64::from(INSTALLATION_YEARS - rank);
            let whole = WHOLE * i64::from(INSTALLATION_YEARS);
            supplement = rounded(((new - old) * remaining * increased).into(), whole.into());
        }
        if rank == 1 {
            balance = half(old);
        }
        aided.cents += deposit + balance + supplement;
    }
    left.aided = Some(aided);
    let recovery = if contract.is_broken() {
        share(aided.cents, contract.term - terminated, contract.term - contract.signed)
    } else {
        0
    };
    [deposit, balance, supplement, posts, deposit + balance + supplement + posts, recovery]
}

/// Article 19.2.2: in a zone, and no contract of article 19.1 or of annex 8 that still runs.
fn stabilisation_conditions(c: &View<'_>, i: usize, signed: i32) -> bool {
    is_medical(c, i)
        && c.zone_medecin[i] != OUTSIDE_ZONES
        && is_open(c, i, signed)
        && !runs_on(signed, c.cai_med_date_signature[i], c.cai_med_date_resiliation[i], installation_term)
        && !runs_on(signed, c.cim_date_signature[i], c.cim_date_resiliation[i], |other| incentive_term(c, i, other))
}

/// Article 19.2: the doctors, new posts and replacements of a centre that belongs to a local network.
fn stabilisation(c: &View<'_>, i: usize, last: &Left, left: &mut Left) -> i64 {
    let (signed, terminated) = (c.csc_date_signature[i], c.csc_date_resiliation[i]);
    let Some(contract) = Contract::running(c.annee[i], signed, terminated, endless) else {
        return WITHOUT_OBJECT;
    };
    let eligible = contract.is_entitled(last.stabilisation_eligible, |signed| stabilisation_conditions(c, i, signed));
    left.stabilisation_eligible = Some(eligible);
    if !eligible || !c.csc_membre_cpts_ou_esp[i] {
        return 0;
    }
    let new_posts = i64::from(c.postes_nouveaux_etp_medecins[i]) + new_posts_of_others(c, i);
    let base = STABILISED_DOCTOR * doctors(c, i)
        + STABILISED_NEW_POST * new_posts
        + STABILISED_REPLACEMENT * i64::from(c.csc_etp_remplacements[i]);
    let amount = base * increased(c.csc_taux_majoration[i]) * contract.days();
    let amount = rounded(amount.into(), (WHOLE * contract.year.days()).into());
    left.second_quarter += amount;
    amount
}

/// Article 19.3: a quarter of the fees that lent doctors earn in a zone, their travel, and the sum.
fn solidarity(c: &View<'_>, i: usize, last: &Left, left: &mut Left) -> [i64; 3] {
    let (signed, terminated) = (c.cst_date_signature[i], c.cst_date_resiliation[i]);
    let Some(contract) = Contract::running(c.annee[i], signed, terminated, endless) else {
        return [WITHOUT_OBJECT; 3];
    };
    let eligible = contract.is_entitled(last.solidarity_eligible, |signed| {
        is_medical(c, i) && c.zone_medecin[i] == OUTSIDE_ZONES && !c.cst_autre_contrat_signe[i] && is_open(c, i, signed)
    });
    left.solidarity_eligible = Some(eligible);
    // Ten days of one doctor.
    if !eligible || c.cst_jours_mise_a_disposition[i] < 1_000 {
        return [0; 3];
    }
    // Of four times the aid, times the days of the year. Only the limit follows the days covered.
    let limit = 4 * SOLIDARITY_LIMIT * i64::from(c.cst_etp_mis_a_disposition[i]) * contract.days();
    let quarter = limit.min(c.cst_honoraires_zone[i] * contract.year.days());
    let aid =
        rounded((quarter * increased(c.cst_taux_majoration[i])).into(), (4 * WHOLE * contract.year.days()).into());
    let travel = i64::from(c.cst_frais_deplacement[i]);
    left.second_quarter += aid + travel;
    [aid, travel, aid + travel]
}

/// The payments of a row in cents, `WITHOUT_OBJECT` where the law gives none. `nursing` is what the nursing contracts
/// of the year before come to in the second quarter.
pub fn row(c: &View<'_>, i: usize, last: Option<&Left>, nursing: i64) -> ([i64; PAYMENTS.len()], Left) {
    // Articles 19.1.4 to 19.8.4 and annex 8: what is reckoned at the end of a year is paid in the next.
    let second_quarter = last.map_or(WITHOUT_OBJECT, |last| last.second_quarter + nursing);
    let none = Left::default();
    let last = last.unwrap_or(&none);
    let mut now = Left::default();
    let [investment, activity, incentive, notified] = incentive(c, i, last, &mut now);
    let [deposit, balance, supplement, posts, installation, recovery] = installation(c, i, last, &mut now);
    let stabilisation = stabilisation(c, i, last, &mut now);
    let [aid, travel, solidarity] = solidarity(c, i, last, &mut now);
    let payments = [
        investment,
        activity,
        incentive,
        notified,
        deposit,
        balance,
        supplement,
        posts,
        installation,
        recovery,
        stabilisation,
        aid,
        travel,
        solidarity,
        second_quarter,
    ];
    (payments, now)
}
