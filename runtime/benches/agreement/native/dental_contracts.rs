//! The aids that dental centres sign for: the two options of annex 14, then to settle (article 19.5) and to stay
//! (article 19.6), each in its contracts of 2017 and of 2023, with the passage between them (article 19.9).

use super::amounts::{WITHOUT_OBJECT, rounded, share};
use super::centres::{DENTAL, POLYVALENT, UNDERSERVED, VERY_UNDERSERVED, has_dental_activity};
use super::columns::columns;
use super::contracts::{WHOLE, increased, is_entitled};
use super::dates::{self, Year};

columns! {
    u8: type_centre zone_dentiste;
    bool: departement_tvs_tous_sous_dotes contrat_dent_indicateur_si contrat_dent_indicateur_teletransmission
        contrat_dent_offre_maintenue contrat_dent_installation_anterieur cid1_resiliation_par_caisse
        cid1_nouvelle_implantation cid2_activite_principale_zone cid2_etp_transmis caicdsd_nouvelle_implantation;
    i32: annee etp_chirurgiens_dentistes date_vigueur_zonage_dentiste_2023 date_vigueur_contrats_types_dentaires_2023
        cid1_date_resiliation cid2_date_resiliation cid2_nb_renouvellements
        caicdsd_date_resiliation caicdsd_taux_majoration camcdsd_date_resiliation caicdsd2023_date_resiliation
        camcdsd2023_date_resiliation cid2_taux_teletransmission;
    i64: honoraires_totaux honoraires_dentaires cid2_honoraires cid2_indu_notifie;
    Option<i32>: date_adhesion date_creation date_vigueur_contrats_types_dentaires cid1_date_signature
        cid2_date_signature caicdsd_date_signature camcdsd_date_signature caicdsd2023_date_signature
        camcdsd2023_date_signature;
}

pub const PAYMENTS: [&str; 20] = [
    "contrat_incitatif_dentaire_option1_euros",
    "contrat_incitatif_dentaire_option2_euros",
    "contrat_incitatif_dentaire_euros",
    "contrat_incitatif_dentaire_recuperation_euros",
    "contrat_caicdsd_acompte_euros",
    "contrat_caicdsd_solde_euros",
    "contrat_caicdsd_complement_euros",
    "contrat_caicdsd_valorisation_versee_euros",
    "contrat_caicdsd_euros",
    "contrat_caicdsd_recuperation_euros",
    "contrat_caicdsd2023_acompte_euros",
    "contrat_caicdsd2023_solde_euros",
    "contrat_caicdsd2023_complement_euros",
    "contrat_caicdsd2023_valorisation_versee_euros",
    "contrat_caicdsd2023_euros",
    "contrat_caicdsd2023_recuperation_euros",
    "contrat_camcdsd_euros",
    "contrat_camcdsd_recuperation_euros",
    "contrat_camcdsd2023_euros",
    "contrat_camcdsd2023_recuperation_euros",
];

/// What later years read of a row: nothing of a contract that does not run.
#[derive(Clone, Debug, Default)]
pub struct Left {
    /// Whether the centre is entitled to the options of annex 14.
    equipment: Option<bool>,
    activity: Option<bool>,
    installation_2017: Option<InstallationLeft>,
    installation_2023: Option<InstallationLeft>,
    maintenance_2017: Option<MaintenanceLeft>,
    maintenance_2023: Option<MaintenanceLeft>,
    /// When the contracts to settle were signed, entitled or not.
    signed_installation_2017: Option<i32>,
    signed_installation_2023: Option<i32>,
}

/// 31 December 9999.
const NEVER: i32 = 2_932_896;

/// The payments of a row in cents, `WITHOUT_OBJECT` where the law gives none.
pub fn row(c: &View<'_>, i: usize, last: Option<&Left>) -> ([i64; PAYMENTS.len()], Left) {
    let mut cents = [WITHOUT_OBJECT; PAYMENTS.len()];
    if !signed_any(c, i) {
        return (cents, Left::default());
    }
    let centre = Centre { c, i, year: Year::of(c.annee[i]), last };
    let mut now = Left {
        signed_installation_2017: c.caicdsd_date_signature[i],
        signed_installation_2023: c.caicdsd2023_date_signature[i],
        ..Left::default()
    };

    let equipment = equipment(&centre, last.and_then(|last| last.equipment));
    let activity = activity(&centre, last.and_then(|last| last.activity));
    cents[..4].copy_from_slice(&incentives(equipment.as_ref(), activity.as_ref()));
    now.equipment = equipment.map(|option| option.entitled);
    now.activity = activity.map(|option| option.entitled);

    if let Some((paid, left)) = installation_2017(&centre, last.and_then(|last| last.installation_2017.as_ref())) {
        cents[4..10].copy_from_slice(&paid);
        now.installation_2017 = Some(left);
    }
    if let Some((paid, left)) = installation_2023(&centre, last.and_then(|last| last.installation_2023.as_ref())) {
        cents[10..16].copy_from_slice(&paid);
        now.installation_2023 = Some(left);
    }
    if let Some((paid, left)) = maintenance_2017(&centre, last.and_then(|last| last.maintenance_2017.as_ref())) {
        cents[16..18].copy_from_slice(&paid);
        now.maintenance_2017 = Some(left);
    }
    if let Some((paid, left)) = maintenance_2023(&centre, last.and_then(|last| last.maintenance_2023.as_ref())) {
        cents[18..].copy_from_slice(&paid);
        now.maintenance_2023 = Some(left);
    }
    (cents, now)
}

fn signed_any(c: &View<'_>, i: usize) -> bool {
    c.cid1_date_signature[i].is_some()
        || c.cid2_date_signature[i].is_some()
        || c.caicdsd_date_signature[i].is_some()
        || c.caicdsd2023_date_signature[i].is_some()
        || c.camcdsd_date_signature[i].is_some()
        || c.camcdsd2023_date_signature[i].is_some()
}

fn june_30(year: Year) -> i32 {
    dates::day(year.number, 6, 30)
}

/// What the days of a period, its end excluded, are worth of an amount for the whole year.
fn share_of_year(year: Year, amount: i64, from: i32, to: i32) -> i64 {
    let days = (to.min(year.last + 1) - from.max(year.first)).max(0);
    share(amount, days, year.last + 1 - year.first)
}

/// The days that a contract runs, the end excluded.
#[derive(Clone, Copy)]
struct Span {
    signed: i32,
    end: i32,
}

impl Span {
    fn runs_on(self, day: i32) -> bool {
        self.signed <= day && day < self.end
    }

    /// The same, of a contract already signed the day before.
    fn already_runs_on(self, day: i32) -> bool {
        self.signed < day && day < self.end
    }
}

// What the contracts have in common

/// A row, with what that of the year before leaves.
struct Centre<'a> {
    c: &'a View<'a>,
    i: usize,
    year: Year,
    last: Option<&'a Left>,
}

impl Centre<'_> {
    /// Hundredths of dentists.
    fn dentists(&self) -> i64 {
        i64::from(self.c.etp_chirurgiens_dentistes[self.i])
    }

    /// Articles 7 and 19: a dental centre, or a polyvalent one that draws a fifth of its fees from dental care.
    fn is_admitted(&self) -> bool {
        let (c, i) = (self.c, self.i);
        match c.type_centre[i] {
            DENTAL => true,
            POLYVALENT => has_dental_activity(c.honoraires_dentaires[i], c.honoraires_totaux[i]),
            _ => false,
        }
    }

    fn is_very_underserved(&self) -> bool {
        self.c.zone_dentiste[self.i] == VERY_UNDERSERVED
    }

    /// Articles 19.5.2 and 19.6.2: an underserved zone will do where the whole department is.
    fn is_in_zone_of_2023(&self) -> bool {
        self.is_very_underserved()
            || self.c.zone_dentiste[self.i] == UNDERSERVED && self.c.departement_tvs_tous_sous_dotes[self.i]
    }

    fn had_joined(&self, day: i32) -> bool {
        self.c.date_adhesion[self.i].is_some_and(|joined| joined <= day)
    }

    fn existed(&self, day: i32) -> bool {
        self.c.date_creation[self.i].is_none_or(|created| created <= day)
    }

    /// Articles 19.5 and 19.6: care goes on in the zone, software and electronic claims are up to standard.
    fn keeps_commitments(&self) -> bool {
        let (c, i) = (self.c, self.i);
        c.contrat_dent_offre_maintenue[i]
            && c.contrat_dent_indicateur_si[i]
            && c.contrat_dent_indicateur_teletransmission[i]
    }

    /// Article 19.9: the day when the contracts of 2023 take the place of those of 2017.
    fn switch(&self) -> i32 {
        self.c.date_vigueur_zonage_dentiste_2023[self.i].max(self.c.date_vigueur_contrats_types_dentaires_2023[self.i])
    }

    /// Article 19.9: the first of the twelve months before.
    fn eve_of_switch(&self) -> i32 {
        dates::add_years(self.switch(), -1)
    }

    /// Article 19.9: a contract of 2017 signed in these months may give way to one of 2023, in a zone that has kept its
    /// rank.
    fn may_be_replaced(&self, signed: i32) -> bool {
        self.eve_of_switch() <= signed && signed < self.switch() && self.is_very_underserved()
    }

    /// Annex 14: signed before the regional contracts of 2017 were.
    fn is_before_contracts_of_2017(&self, signed: i32) -> bool {
        self.c.date_vigueur_contrats_types_dentaires[self.i].is_none_or(|start| signed < start)
    }

    /// Article 19.9: signed while the contracts of 2017 could be.
    fn is_open_in_2017(&self, signed: i32) -> bool {
        self.c.date_vigueur_contrats_types_dentaires[self.i].is_none_or(|start| signed >= start)
            && signed < self.switch()
    }

    fn span_of_installation_2017(&self) -> Option<Span> {
        let signed = self.c.caicdsd_date_signature[self.i]?;
        Some(installation_span(signed, self.c.caicdsd_date_resiliation[self.i]))
    }

    fn span_of_installation_2023(&self) -> Option<Span> {
        let signed = self.c.caicdsd2023_date_signature[self.i]?;
        Some(installation_span(signed, self.c.caicdsd2023_date_resiliation[self.i]))
    }

    /// Articles 19.6.1 and 19.9: renewed every three years, until the switch forbids the next renewal.
    fn maintenance_2017(&self) -> Option<Maintenance> {
        let signed = self.c.camcdsd_date_signature[self.i]?;
        let switch = self.switch();
        let expiry = if switch == NEVER { NEVER } else { term_of(signed, switch - 1).1 };
        Some(Maintenance { signed, terminated: self.c.camcdsd_date_resiliation[self.i], expiry })
    }

    /// Article 19.6.2: renewed every three years without limit.
    fn maintenance_2023(&self) -> Option<Maintenance> {
        let signed = self.c.camcdsd2023_date_signature[self.i]?;
        Some(Maintenance { signed, terminated: self.c.camcdsd2023_date_resiliation[self.i], expiry: NEVER })
    }
}

// Annex 14

/// One of the two options in a year.
struct Incentive {
    entitled: bool,
    paid: i64,
    recovered: i64,
}

/// Annex 14: what each option pays, their total, and what is recovered of them.
fn incentives(equipment: Option<&Incentive>, activity: Option<&Incentive>) -> [i64; 4] {
    let paid = |option: Option<&Incentive>| option.map_or(WITHOUT_OBJECT, |option| option.paid);
    let total = |of: fn(&Incentive) -> i64| {
        if equipment.is_none() && activity.is_none() {
            return WITHOUT_OBJECT;
        }
        equipment.map_or(0, of) + activity.map_or(0, of)
    };
    [paid(equipment), paid(activity), total(|option| option.paid), total(|option| option.recovered)]
}

/// Annex 14, option 1: once, to equip a centre that settles, for five years.
fn equipment(centre: &Centre, entitled_before: Option<bool>) -> Option<Incentive> {
    const AMOUNT: i64 = 1_500_000;
    let (c, i, year) = (centre.c, centre.i, centre.year);
    let signed = c.cid1_date_signature[i]?;
    let terminated = c.cid1_date_resiliation[i];
    let term = dates::add_years(signed, 5);
    if signed > terminated || signed > year.last || terminated.min(term) < year.first {
        return None;
    }
    let first_year = signed >= year.first;
    let entitled = is_entitled(entitled_before, first_year, || {
        c.cid1_nouvelle_implantation[i] && entitled_to_incentive(centre, signed)
    });
    if !entitled {
        return Some(Incentive { entitled, paid: 0, recovered: 0 });
    }
    let by_fund = c.cid1_resiliation_par_caisse[i];
    let broken = year.contains(terminated);
    Some(Incentive {
        entitled,
        paid: if first_year && (by_fund || !broken) { AMOUNT } else { 0 },
        recovered: if by_fund && broken && terminated < term {
            share(AMOUNT, term - terminated, term - signed)
        } else {
            0
        },
    })
}

/// Annex 14, option 2: a fiftieth of the dental fees, for terms of three years.
fn activity(centre: &Centre, entitled_before: Option<bool>) -> Option<Incentive> {
    let (c, i, year) = (centre.c, centre.i, centre.year);
    let signed = c.cid2_date_signature[i]?;
    let terminated = c.cid2_date_resiliation[i];
    if signed > terminated || signed > year.last || terminated < year.first {
        return None;
    }
    let allowed =
        c.date_vigueur_contrats_types_dentaires[i].map_or(i32::MAX, |end| dates::whole_years(signed, end - 1) / 3);
    let term = dates::add_years(signed, 3 * (1 + c.cid2_nb_renouvellements[i].min(allowed)));
    if term < year.first {
        return None;
    }
    let first_year = signed >= year.first;
    let entitled = is_entitled(entitled_before, first_year, || entitled_to_incentive(centre, signed));
    let broken = year.contains(terminated) && terminated < term;
    // They are looked at from the month after the signature: one in December leaves nothing to look at.
    let kept = first_year && dates::month_of(signed) == 12
        || c.cid2_taux_teletransmission[i] >= 7_500 && c.cid2_activite_principale_zone[i] && c.cid2_etp_transmis[i];
    Some(Incentive {
        entitled,
        paid: if entitled && kept && !broken { rounded(c.cid2_honoraires[i].into(), 50) } else { 0 },
        recovered: if entitled && broken { c.cid2_indu_notifie[i] } else { 0 },
    })
}

/// Annex 14: what both options ask for on the day of the signature.
fn entitled_to_incentive(centre: &Centre, signed: i32) -> bool {
    centre.is_admitted()
        && centre.is_very_underserved()
        && centre.had_joined(signed)
        && centre.is_before_contracts_of_2017(signed)
}

// Articles 19.5.1 and 19.5.2

/// An aid to settle in one year, as its generation makes it. Amounts in cents.
struct Installation {
    signed: i32,
    terminated: i32,
    /// Calendar years since the signature, from 0 to 5.
    rank: i32,
    /// Of the aid, with what the region adds, in ten-thousandths.
    rate: i64,
    /// For the dentists present, on the scale of the signature and on that of later years.
    aid: i64,
    reassessed_aid: i64,
    /// A year, for the dentists beyond three.
    extra: i64,
    balance_day: i32,
    reassessment_day: i32,
    /// When the dentists beyond three are counted.
    extra_day: i32,
}

/// What later years read of an aid to settle.
#[derive(Clone, Debug)]
struct InstallationLeft {
    entitled: bool,
    /// The year's worth of dentists beyond three.
    extra: i64,
    /// Unknown when a year is missing since the signature.
    account: Option<Account>,
}

/// An aid to settle so far, dentists beyond three apart.
#[derive(Clone, Copy, Debug)]
struct Account {
    at_signature: i64,
    /// For the dentists recognised, the region's increase apart.
    recognised: i64,
    paid: i64,
}

type Settled = ([i64; 6], InstallationLeft);

/// Articles 19.5.1 and 19.5.2: five years at most.
fn installation_span(signed: i32, terminated: i32) -> Span {
    Span { signed, end: terminated.min(dates::add_years(signed, 5)) }
}

/// Calendar years since the signature, where the contract touches the year or the one before.
fn installation_rank(year: Year, signed: i32, terminated: i32) -> Option<i32> {
    if signed > terminated || signed > year.last || terminated < year.before().first {
        return None;
    }
    Some(year.number - dates::year_of(signed)).filter(|rank| *rank <= 5)
}

/// The signature, its first anniversary, then 30 June.
fn assessment_day(year: Year, signed: i32, rank: i32) -> i32 {
    match rank {
        0 => signed,
        1 => dates::add_years(signed, 1),
        _ => june_30(year),
    }
}

/// Article 19.5.1: the contract of 2017.
fn installation_2017(centre: &Centre, last: Option<&InstallationLeft>) -> Option<Settled> {
    let (c, i, year) = (centre.c, centre.i, centre.year);
    let signed = c.caicdsd_date_signature[i]?;
    let terminated = c.caicdsd_date_resiliation[i];
    let rank = installation_rank(year, signed, terminated)?;
    let entitled_before = last.map(|last| last.entitled);
    if !is_entitled(entitled_before, rank == 0, || entitled_to_installation_2017(centre, signed)) {
        return Some(not_settled());
    }
    let dentists = centre.dentists();
    let first = 45_000 * dentists.min(100);
    let third = if dentists >= 300 { 3_000_000 } else { 0 };
    let assessed = assessment_day(year, signed, rank);
    let contract = Installation {
        signed,
        terminated,
        rank,
        rate: increased(c.caicdsd_taux_majoration[i]),
        aid: first + 30_000 * (dentists - 100).clamp(0, 200),
        reassessed_aid: first + 30_000 * (dentists - 100).clamp(0, 100) + third,
        extra: 5_000 * (dentists - 300).max(0),
        balance_day: dates::add_years(signed, 1),
        reassessment_day: assessed,
        extra_day: assessed,
    };
    Some(contract.settle(year, centre.keeps_commitments(), last))
}

/// Article 19.5.2: the contract of 2023.
fn installation_2023(centre: &Centre, last: Option<&InstallationLeft>) -> Option<Settled> {
    let (c, i, year) = (centre.c, centre.i, centre.year);
    let signed = c.caicdsd2023_date_signature[i]?;
    let terminated = c.caicdsd2023_date_resiliation[i];
    let rank = installation_rank(year, signed, terminated)?;
    let entitled_before = last.map(|last| last.entitled);
    if !is_entitled(entitled_before, rank == 0, || entitled_to_installation_2023(centre, signed)) {
        return Some(not_settled());
    }
    let dentists = centre.dentists();
    let aid = 50_000 * dentists.min(300);
    let contract = Installation {
        signed,
        terminated,
        rank,
        rate: WHOLE,
        aid,
        reassessed_aid: aid,
        extra: 6_000 * (dentists - 300).max(0),
        balance_day: dates::day(year.number - rank + 2, 6, 30),
        reassessment_day: june_30(year),
        extra_day: assessment_day(year, signed, rank),
    };
    Some(contract.settle(year, centre.keeps_commitments(), last))
}

/// Article 19.5.1.2: a first aid to a centre that is created in the zone, outside any aid to stay.
fn entitled_to_installation_2017(centre: &Centre, signed: i32) -> bool {
    let (c, i) = (centre.c, centre.i);
    centre.is_admitted()
        && centre.is_very_underserved()
        && centre.had_joined(signed)
        && c.caicdsd_nouvelle_implantation[i]
        && is_first_installation(centre, |last| last.signed_installation_2017, signed)
        && centre.is_open_in_2017(signed)
        && !centre.maintenance_2017().is_some_and(|contract| contract.span().already_runs_on(signed))
}

/// Articles 19.5.2 and 19.9: the same for a recent centre, or one whose contract of 2017 is replaced.
fn entitled_to_installation_2023(centre: &Centre, signed: i32) -> bool {
    let (c, i) = (centre.c, centre.i);
    let old = c.caicdsd_date_signature[i];
    let replaces = old.is_some_and(|old| centre.may_be_replaced(old) && c.caicdsd_date_resiliation[i] <= signed);
    centre.is_admitted()
        && centre.is_in_zone_of_2023()
        && centre.had_joined(signed)
        && signed >= centre.switch()
        && (replaces || old.is_none() && c.date_creation[i].is_some_and(|created| created >= centre.eve_of_switch()))
        && is_first_installation(centre, |last| last.signed_installation_2023, signed)
        && ![centre.maintenance_2017(), centre.maintenance_2023()]
            .into_iter()
            .flatten()
            .any(|contract| contract.span().already_runs_on(signed))
}

/// No other aid to settle, nor another signature of this one the year before.
fn is_first_installation(centre: &Centre, signature: impl Fn(&Left) -> Option<i32>, signed: i32) -> bool {
    !centre.c.contrat_dent_installation_anterieur[centre.i]
        && centre.last.and_then(signature).is_none_or(|before| before == signed)
}

/// A contract signed without a right to it.
fn not_settled() -> Settled {
    ([0; 6], InstallationLeft { entitled: false, extra: 0, account: None })
}

impl Installation {
    fn is_due(&self, day: i32) -> bool {
        day < self.terminated
    }

    /// What the contract pays a centre entitled to it: advance, balance, supplement, dentists beyond three, total and
    /// recovery.
    fn settle(&self, year: Year, kept: bool, last: Option<&InstallationLeft>) -> Settled {
        let mut account = self.account(last);
        let reassessed = (1..=4).contains(&self.rank) && self.is_due(self.reassessment_day) && kept;
        let with_balance = year.contains(self.balance_day) && self.is_due(self.balance_day) && kept;

        let advance = if self.rank == 0 { account.map(|account| self.half(account)) } else { Some(0) };
        let balance = if with_balance { account.map(|account| self.half(account)) } else { Some(0) };
        let supplement = if reassessed { account.map(|account| self.supplement(account)) } else { Some(0) };
        let extra = self.extra(kept);
        let extra_paid = match self.rank {
            0 | 1 => Some(extra),
            2 => Some(0),
            _ => last.map(|last| last.extra),
        };
        let paid = sum([advance, balance, supplement]);
        if let Some(account) = &mut account {
            account.paid += paid.unwrap_or(0);
            if reassessed {
                account.recognised = account.recognised.max(self.reassessed_aid);
            }
        }
        let payments =
            [advance, balance, supplement, extra_paid, sum([paid, extra_paid]), self.recovery(year, account)];
        (payments.map(cents), InstallationLeft { entitled: true, extra, account })
    }

    /// As it stands before the year's payments.
    fn account(&self, last: Option<&InstallationLeft>) -> Option<Account> {
        if self.rank > 0 {
            return last.and_then(|last| last.account);
        }
        let at_signature = if self.is_due(self.signed) { self.aid } else { 0 };
        Some(Account { at_signature, recognised: at_signature, paid: 0 })
    }

    /// Half of the aid of the signature.
    fn half(&self, account: Account) -> i64 {
        rounded(i128::from(account.at_signature) * i128::from(self.rate), (2 * WHOLE).into())
    }

    /// For dentists recruited since: the new aid less, for each year left out of five, a fifth of the former.
    fn supplement(&self, account: Account) -> i64 {
        if self.reassessed_aid <= account.recognised {
            return 0;
        }
        let fifths = 5 * self.reassessed_aid - account.recognised * i64::from(5 - self.rank);
        rounded(i128::from(fifths) * i128::from(self.rate), (5 * WHOLE).into())
    }

    /// Five years of dentists beyond three.
    fn extra(&self, kept: bool) -> i64 {
        if self.rank <= 4 && self.is_due(self.extra_day) && (self.rank == 0 || kept) { self.extra } else { 0 }
    }

    /// What was paid for the days left of the five years.
    fn recovery(&self, year: Year, account: Option<Account>) -> Option<i64> {
        let term = dates::add_years(self.signed, 5);
        if !year.contains(self.terminated) || self.terminated >= term {
            return Some(0);
        }
        account.map(|account| share(account.paid, term - self.terminated, term - self.signed))
    }
}

/// All of them, if all are known.
fn sum<const N: usize>(amounts: [Option<i64>; N]) -> Option<i64> {
    amounts.into_iter().sum()
}

fn cents(amount: Option<i64>) -> i64 {
    amount.unwrap_or(WITHOUT_OBJECT)
}

// Articles 19.6.1 and 19.6.2

/// An aid to stay, renewed every three years up to its expiry.
#[derive(Clone, Copy)]
struct Maintenance {
    signed: i32,
    terminated: i32,
    expiry: i32,
}

/// What later years read of an aid to stay.
#[derive(Clone, Debug)]
struct MaintenanceLeft {
    entitled: bool,
    /// For the year, paid in the next.
    of_year: i64,
    /// For the years of the current term; unknown when one is missing.
    of_term: Option<i64>,
}

type Stayed = ([i64; 2], MaintenanceLeft);

/// The three years of a contract in which a day falls.
fn term_of(signed: i32, day: i32) -> (i32, i32) {
    let terms = dates::whole_years(signed, day) / 3;
    (dates::add_years(signed, 3 * terms), dates::add_years(signed, 3 * (terms + 1)))
}

impl Maintenance {
    fn span(self) -> Span {
        Span { signed: self.signed, end: self.terminated.min(self.expiry) }
    }

    fn touches(self, year: Year) -> bool {
        let Span { signed, end } = self.span();
        signed <= self.terminated && signed <= year.last && end >= year.before().first
    }

    /// The three years that a termination cuts short: one on the day of a renewal does not.
    fn broken_term(self) -> Option<(i32, i32)> {
        if self.terminated < self.signed || self.terminated >= self.expiry {
            return None;
        }
        let term = term_of(self.signed, self.terminated);
        Some(term).filter(|(start, _)| *start == self.signed || *start < self.terminated)
    }

    /// What the contract pays a centre entitled to it, at so much a year: for the year before, and recovery.
    fn stay(self, year: Year, annual: i64, last: Option<&MaintenanceLeft>) -> Stayed {
        let Span { signed, end } = self.span();
        let paid = if signed >= year.first { Some(0) } else { last.map(|last| last.of_year) };
        let before = last.and_then(|last| last.of_term);
        let recovery = match self.broken_term() {
            Some(term) if year.contains(self.terminated) && term.0 < year.first => {
                before.map(|before| share(before, term.1 - self.terminated, term.1 - term.0))
            }
            _ => Some(0),
        };
        let (start, _) = term_of(signed, end.min(year.last));
        let in_term = share_of_year(year, annual, start, end);
        let left = MaintenanceLeft {
            entitled: true,
            of_year: share_of_year(year, annual, signed, end),
            of_term: if start >= year.first { Some(in_term) } else { before.map(|before| before + in_term) },
        };
        ([cents(paid), cents(recovery)], left)
    }
}

/// Article 19.6.1: the contract of 2017.
fn maintenance_2017(centre: &Centre, last: Option<&MaintenanceLeft>) -> Option<Stayed> {
    let contract = centre.maintenance_2017().filter(|contract| contract.touches(centre.year))?;
    let Maintenance { signed, .. } = contract;
    let entitled_before = last.map(|last| last.entitled);
    let first_year = signed >= centre.year.first;
    if !is_entitled(entitled_before, first_year, || entitled_to_maintenance_2017(centre, signed)) {
        return Some(not_stayed());
    }
    let annual = if centre.keeps_commitments() { 3_000 * centre.dentists() } else { 0 };
    Some(contract.stay(centre.year, annual, last))
}

/// Article 19.6.2: the contract of 2023, which loses the year when it is broken.
fn maintenance_2023(centre: &Centre, last: Option<&MaintenanceLeft>) -> Option<Stayed> {
    let contract = centre.maintenance_2023().filter(|contract| contract.touches(centre.year))?;
    let Maintenance { signed, .. } = contract;
    let entitled_before = last.map(|last| last.entitled);
    let first_year = signed >= centre.year.first;
    if !is_entitled(entitled_before, first_year, || entitled_to_maintenance_2023(centre, signed)) {
        return Some(not_stayed());
    }
    let forfeited = centre.year.contains(contract.terminated) && contract.broken_term().is_some();
    let annual = if centre.keeps_commitments() && !forfeited { 4_000 * centre.dentists() } else { 0 };
    Some(contract.stay(centre.year, annual, last))
}

/// Article 19.6.1.2: a centre already there, outside any aid to settle.
fn entitled_to_maintenance_2017(centre: &Centre, signed: i32) -> bool {
    centre.is_admitted()
        && centre.is_very_underserved()
        && centre.had_joined(signed)
        && centre.existed(signed)
        && centre.is_open_in_2017(signed)
        && !centre.span_of_installation_2017().is_some_and(|span| span.runs_on(signed))
}

/// Articles 19.6.2 and 19.9: the same, outside the aid to stay of 2017 as well.
fn entitled_to_maintenance_2023(centre: &Centre, signed: i32) -> bool {
    let old = centre.maintenance_2017();
    centre.is_admitted()
        && centre.is_in_zone_of_2023()
        && centre.had_joined(signed)
        && centre.existed(signed)
        && signed >= centre.switch()
        && ![centre.span_of_installation_2017(), centre.span_of_installation_2023(), old.map(Maintenance::span)]
            .into_iter()
            .flatten()
            .any(|span| span.runs_on(signed))
        && !old.is_some_and(|old| left_too_soon(centre, old, signed))
}

/// Article 19.9: a contract of 2017 left before its term keeps the centre from that of 2023 until then, unless it may
/// be replaced.
fn left_too_soon(centre: &Centre, old: Maintenance, signed: i32) -> bool {
    old.terminated <= signed
        && old.broken_term().is_some_and(|(_, end)| signed < end)
        && !centre.may_be_replaced(old.signed)
}

/// A contract signed without a right to it.
fn not_stayed() -> Stayed {
    ([0; 2], MaintenanceLeft { entitled: false, of_year: 0, of_term: None })
}
