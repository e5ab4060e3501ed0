//! The three contracts of nursing centres: to equip (annex 11, closed by article 19.9), to settle (19.7), to stay
//! (19.8).

use super::amounts::{WITHOUT_OBJECT, rounded, share};
use super::centres::{NURSING, POLYVALENT, VERY_UNDERSERVED, has_many_nurses};
use super::columns::columns;
use super::contracts::{WHOLE, deferred, increased, is_entitled};
use super::dates::{self, Year};

columns! {
    u8: type_centre zone_infirmier;
    bool: contrat_inf_indicateur_si contrat_inf_indicateur_teletransmission cai_inf_premiere_implantation
        cai_inf_deja_beneficie;
    i32: annee etp_mg etp_infirmiers etp_sages_femmes cii_date_resiliation cii_nb_renouvellements cii_actes_totaux
        cii_actes_zone cii_actes_teletransmis cai_inf_date_resiliation cai_inf_taux_majoration cam_inf_date_resiliation
        cam_inf_taux_majoration;
    i64: cii_investissements cii_honoraires cii_indu_notifie;
    Option<i32>: date_vigueur_contrats_types_infirmiers cii_date_signature cai_inf_date_signature
        cam_inf_date_signature;
}

pub const PAYMENTS: [&str; 12] = [
    "contrat_incitatif_infirmier_equipement_euros",
    "contrat_incitatif_infirmier_activite_euros",
    "contrat_incitatif_infirmier_euros",
    "contrat_incitatif_infirmier_recuperation_euros",
    "contrat_installation_infirmier_acompte_euros",
    "contrat_installation_infirmier_solde_euros",
    "contrat_installation_infirmier_complement_euros",
    "contrat_installation_infirmier_postes_euros",
    "contrat_installation_infirmier_euros",
    "contrat_installation_infirmier_recuperation_euros",
    "contrat_maintien_infirmier_euros",
    "contrat_maintien_infirmier_recuperation_euros",
];

/// Years of the incentive contract and of the contract to stay, and of each of their renewals.
const PERIOD: i32 = 3;
/// Years of the contract to settle.
const SETTLING: i32 = 5;

/// Nurses that the aid to settle counts at most, in hundredths.
const AIDED_NURSES: i64 = 300;

/// What later years read of a row.
#[derive(Clone, Debug, Default)]
pub struct Left {
    /// Whether the centre has a right to the incentive contract, where it runs.
    incentive: Option<bool>,
    settling: Option<Standing<Aid>>,
    /// The centre has had an aid to settle, now or before.
    settled: bool,
    /// With what is due since the three years began, in cents.
    staying: Option<Standing<i64>>,
    /// What is reckoned for the year and paid in the second quarter of the next.
    pub second_quarter: i64,
}

/// A contract that runs.
#[derive(Clone, Copy, Debug)]
struct Standing<Sums> {
    eligible: bool,
    /// What it has come to so far, unless a year is missing; nothing where the centre has no right to it.
    sums: Option<Sums>,
}

impl<Sums> Standing<Sums> {
    const REFUSED: Self = Self { eligible: false, sums: None };

    fn granted(sums: Option<Sums>) -> Self {
        Self { eligible: true, sums }
    }
}

/// The aid to settle, since the contract was signed.
#[derive(Clone, Copy, Debug, Default)]
struct Aid {
    /// Hundredths of nurses counted.
    nurses: i64,
    /// Cents that they are worth by the scale.
    worth: i64,
    /// Cents paid.
    paid: i64,
}

/// The year, if a contract touches it. A contract counts from its signature, included, to its end, excluded.
fn touched(number: i32, signed: i32, end: i32) -> Option<Year> {
    Some(Year::of(number)).filter(|year| signed <= end && signed <= year.last && year.first <= end)
}

/// Whether a contract that touches the year is broken in it, before its term.
fn breaks(year: Year, broken: i32, term: i32) -> bool {
    broken <= year.last && broken < term
}

/// Signed in December: too late for the commitments of the year to be assessed.
fn too_late(year: Year, signed: i32) -> bool {
    signed >= dates::day(year.number, 12, 1)
}

/// Hundredths of nurses. A dental centre does not say how many: it has no right to these contracts.
fn nurses(c: &View<'_>, i: usize) -> i64 {
    c.etp_infirmiers[i].into()
}

/// Article 7: a nursing centre, or a polyvalent one with enough nurses, where they are badly missed.
fn needed(c: &View<'_>, i: usize) -> bool {
    let nursing = match c.type_centre[i] {
        NURSING => true,
        POLYVALENT => has_many_nurses(c.etp_infirmiers[i], c.etp_mg[i]),
        _ => false,
    };
    nursing && c.zone_infirmier[i] == VERY_UNDERSERVED
}

/// Article 19.9: the contracts to settle and to stay open the day that the incentive contract closes.
fn after_reform(c: &View<'_>, i: usize, signed: i32) -> bool {
    c.date_vigueur_contrats_types_infirmiers[i].is_none_or(|reform| reform <= signed)
}

/// The incentive contract is open until then.
fn before_reform(c: &View<'_>, i: usize, signed: i32) -> bool {
    c.date_vigueur_contrats_types_infirmiers[i].is_none_or(|reform| signed < reform)
}

/// Articles 19.7.3 and 19.8.3: the two indicators that payments depend on.
fn equipped(c: &View<'_>, i: usize) -> bool {
    c.contrat_inf_indicateur_si[i] && c.contrat_inf_indicateur_teletransmission[i]
}

/// Article 19.9: the contract runs to its term, with the renewals that begin before it closes.
fn incentive_term(c: &View<'_>, i: usize, signed: i32) -> i32 {
    let asked = c.cii_nb_renouvellements[i];
    let renewals = c.date_vigueur_contrats_types_infirmiers[i]
        .map_or(asked, |reform| asked.min(dates::whole_years(signed, reform - 1) / PERIOD));
    dates::add_years(signed, PERIOD * (1 + renewals))
}

/// Annex 11, articles 4, 6 and 8: two acts out of three in the zone, four out of five sent electronically.
fn incentive_commitments(c: &View<'_>, i: usize) -> bool {
    let acts = i64::from(c.cii_actes_totaux[i]);
    acts > 0 && 3 * i64::from(c.cii_actes_zone[i]) >= 2 * acts && 5 * i64::from(c.cii_actes_teletransmis[i]) >= 4 * acts
}

/// Annex 11: the equipment of the first three calendar years, and a part of the fees.
fn incentive(c: &View<'_>, i: usize, before: Option<bool>) -> Option<([i64; 4], bool)> {
    let signed = c.cii_date_signature[i]?;
    let (broken, term) = (c.cii_date_resiliation[i], incentive_term(c, i, signed));
    let year = touched(c.annee[i], signed, broken.min(term))?;
    let breaks = breaks(year, broken, term);
    let claimed = if breaks { c.cii_indu_notifie[i] } else { 0 };

    let eligible = is_entitled(before, signed >= year.first, || needed(c, i) && before_reform(c, i, signed));
    if !eligible || !(too_late(year, signed) || incentive_commitments(c, i)) {
        return Some(([0, 0, 0, claimed], eligible));
    }
    let equipping = !breaks && year.number < dates::year_of(signed) + 3;
    let most = if equipping { 3_000 * nurses(c, i) } else { 0 };
    let equipment = c.cii_investissements[i].min(most);
    let activity = rounded((3 * c.cii_honoraires[i]).into(), 100);
    Some(([equipment, activity, equipment + activity, claimed], eligible))
}

/// Article 19.7.2: who may sign.
fn may_settle(c: &View<'_>, i: usize, signed: i32, settled: bool) -> bool {
    let staying =
        c.cam_inf_date_signature[i].is_some_and(|stay| stay < signed && signed < c.cam_inf_date_resiliation[i]);
    needed(c, i)
        && c.cai_inf_premiere_implantation[i]
        && !c.cai_inf_deja_beneficie[i]
        && !settled
        && after_reform(c, i, signed)
        && !staying
}

/// Article 19.7.4: what nurses are worth, in cents. Once the contract is signed, the third counts only when whole.
fn scale(nurses: i64, signing: bool) -> i64 {
    let counted = if signing || nurses == AIDED_NURSES { nurses } else { nurses.min(200) };
    15_000 * (counted + counted.min(100))
}

/// Years since that of the signature.
fn rank(c: &View<'_>, i: usize, signed: i32) -> i32 {
    c.annee[i] - dates::year_of(signed)
}

/// Article 19.7.4: nurses beyond the third, and then midwives, are worth 6 000 euros a year.
fn settling_posts(c: &View<'_>, i: usize) -> i64 {
    let beyond = nurses(c, i) - AIDED_NURSES;
    if beyond < 0 { 0 } else { 6_000 * (beyond + i64::from(c.etp_sages_femmes[i])) }
}

/// Article 19.7.4: half of the aid at the signature, half a year later; recruits, for what their worth adds to the part
/// of the aid that is behind; the posts of the year. Also the aid that this leaves.
fn settling_payments(c: &View<'_>, i: usize, rank: i32, known: Aid) -> ([i64; 4], Aid) {
    let rate = increased(c.cai_inf_taux_majoration[i]);
    let half = |worth: i64| rounded((worth * rate).into(), (2 * WHOLE).into());
    let nurses = known.nurses.max(nurses(c, i).min(AIDED_NURSES));
    let worth = known.worth.max(scale(nurses, rank == 0));

    let first = if rank == 0 { half(worth) } else { 0 };
    let balance = if rank == 1 { half(known.worth) } else { 0 };
    let recruits = if rank > 0 && worth > known.worth {
        let (years, left) = (i64::from(SETTLING), i64::from(SETTLING - rank));
        rounded(((years * worth - left * known.worth) * rate).into(), (years * WHOLE).into())
    } else {
        0
    };
    let paid = known.paid + first + balance + recruits;
    ([first, balance, recruits, settling_posts(c, i)], Aid { nurses, worth, paid })
}

/// Article 19.7: an aid for three nurses over the five years of the contract, part of which goes back if it is broken.
fn settling(c: &View<'_>, i: usize, before: &Left) -> Option<([i64; 6], Standing<Aid>)> {
    let signed = c.cai_inf_date_signature[i]?;
    let (broken, term) = (c.cai_inf_date_resiliation[i], dates::add_years(signed, SETTLING));
    let year = touched(c.annee[i], signed, broken.min(term))?;
    let eligible = before.settling.map(|standing| standing.eligible);
    if !is_entitled(eligible, signed >= year.first, || may_settle(c, i, signed, before.settled)) {
        return Some(([0; 6], Standing::REFUSED));
    }
    let rank = rank(c, i, signed);
    let assessed = if rank <= 1 { dates::add_years(signed, rank) } else { dates::day(year.number, 6, 30) };
    let due = rank < SETTLING && assessed < broken && (rank == 0 || equipped(c, i));
    let breaks = breaks(year, broken, term);

    let known = if rank == 0 { Some(Aid::default()) } else { before.settling.and_then(|standing| standing.sums) };
    let Some(known) = known else {
        let unknown = |concerned: bool| if concerned { WITHOUT_OBJECT } else { 0 };
        let posts = if due { settling_posts(c, i) } else { 0 };
        let paid = [0, unknown(due && rank == 1), unknown(due), posts, unknown(due), unknown(breaks)];
        return Some((paid, Standing::granted(None)));
    };
    let ([first, balance, recruits, posts], aid) =
        if due { settling_payments(c, i, rank, known) } else { ([0; 4], known) };
    let recovered = if breaks { share(aid.paid, term - broken, term - signed) } else { 0 };
    let paid = [first, balance, recruits, posts, first + balance + recruits + posts, recovered];
    Some((paid, Standing::granted(Some(aid))))
}

/// Article 19.8.2: who may sign.
fn may_stay(c: &View<'_>, i: usize, signed: i32) -> bool {
    let settling = c.cai_inf_date_signature[i].is_some_and(|settling| {
        let end = c.cai_inf_date_resiliation[i].min(dates::add_years(settling, SETTLING));
        settling <= signed && signed < end
    });
    needed(c, i) && after_reform(c, i, signed) && !settling
}

/// Article 19.8.2: the three years under way on a day, the last excluded.
fn three_years(signed: i32, day: i32) -> (i32, i32) {
    let renewals = dates::whole_years(signed, day) / PERIOD;
    (dates::add_years(signed, PERIOD * renewals), dates::add_years(signed, PERIOD * (renewals + 1)))
}

/// Article 19.8: so much a nurse for the days of the year. If the contract ends, a part of what the earlier years of
/// its three years were worth goes back.
fn staying(c: &View<'_>, i: usize, before: Option<Standing<i64>>) -> Option<([i64; 2], Standing<i64>)> {
    let signed = c.cam_inf_date_signature[i]?;
    let end = c.cam_inf_date_resiliation[i];
    let year = touched(c.annee[i], signed, end)?;
    if !is_entitled(before.map(|standing| standing.eligible), signed >= year.first, || may_stay(c, i, signed)) {
        return Some(([0; 2], Standing::REFUSED));
    }
    let committed = too_late(year, signed) || equipped(c, i);
    let nurses = if committed { nurses(c, i) } else { 0 };
    let annual = 3_000 * nurses * increased(c.cam_inf_taux_majoration[i]);
    let since = |day: i32| {
        let days = end.min(year.last + 1) - day.max(year.first);
        rounded((annual * i64::from(days)).into(), (WHOLE * year.days()).into())
    };

    let (from, to) = three_years(signed, end.min(year.last));
    let completed = if from < year.first { before.and_then(|standing| standing.sums) } else { Some(0) };
    let recovered = if end <= year.last {
        completed.map_or(WITHOUT_OBJECT, |completed| share(completed, to - end, to - from))
    } else {
        0
    };
    let sums = completed.map(|completed| completed + since(from));
    Some(([since(signed), recovered], Standing::granted(sums)))
}

/// The payments of a row in cents, `WITHOUT_OBJECT` where the law gives none.
pub fn row(c: &View<'_>, i: usize, last: Option<&Left>) -> ([i64; PAYMENTS.len()], Left) {
    let unknown = Left::default();
    let before = last.unwrap_or(&unknown);
    let (incentive_paid, incentive) = incentive(c, i, before.incentive).unzip();
    let (settling_paid, settling) = settling(c, i, before).unzip();
    let (staying_paid, staying) = staying(c, i, before.staying).unzip();
    let settled = before.settled || c.cai_inf_deja_beneficie[i] || settling.is_some_and(|standing| standing.eligible);

    let mut second_quarter = 0;
    let mut paid = [WITHOUT_OBJECT; PAYMENTS.len()];
    if let Some(amounts) = incentive_paid {
        paid[..4].copy_from_slice(&amounts);
    }
    if let Some(amounts) = settling_paid {
        paid[4..10].copy_from_slice(&amounts);
        let signed = c.cai_inf_date_signature[i];
        second_quarter += signed.map_or(0, |signed| deferred(rank(c, i, signed), amounts[3]));
    }
    if let Some(amounts) = staying_paid {
        paid[10..].copy_from_slice(&amounts);
        second_quarter += amounts[0];
    }
    (paid, Left { incentive, settling, settled, staying, second_quarter })
}
