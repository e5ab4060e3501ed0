//! Articles 20, 21, 22.1.3, 23.3, 25.2, 28.7, 28.9.3, 28.10 and 34.3, annex 24: fees for patients and acts, each on its
//! own.

use super::amounts::{WITHOUT_OBJECT, rounded};
use super::centres::{DENTAL, POLYVALENT, joined_by_end_of};
use super::columns::columns;
use super::dates::{Year, civil, day, year_of};

columns! {
    u8: type_centre;
    bool: creation_nouvelle_structure rmt_avance_demandee_t1 rmt_avance_demandee_t2 rmt_avance_demandee_t3
        rmt_avance_demandee_t4 casd_proroge_ou_renouvele casd_nouveau_centre casd_tolerance_acquise;
    i32: annee etp_mg patientele_mt patientele_mt_css rmt_nb_patients_t1 rmt_nb_patients_t2 rmt_nb_patients_t3
        rmt_nb_patients_t4 rst_nb_patients fmt_nb_patients_non_exoneres pdsa_astreintes pdsa_tarif_ars pdsa_visites_nuit
        pdsa_consultations_nuit pdsa_visites_milieu_nuit pdsa_consultations_milieu_nuit pdsa_visites_dimanche_ferie
        pdsa_consultations_dimanche_ferie pdsa_visites_samedi_pont pdsa_consultations_samedi_pont pdsd_demi_journees
        pdsd_tarif_demi_journee pdsd_patients_mcd casd_date_resiliation casd_mois_exercice ebd_jeunes_bdc ebd_jeunes_br2
        ebd_jeunes_br4 ebd_jeunes_brp ebd_enceintes_bdc ebd_enceintes_br2 ebd_enceintes_br4 ebd_enceintes_brp
        ebd_jeunes_handicap ebd_enceintes_handicap fpmt_nb_0_6_sans_ald fpmt_nb_80_plus fpmt_nb_ald_moins_80 mie_seances
        orthoptie_patients orthoptie_aggravations pco_patients pco_patients_forfait_handicap vsm_patients_ald
        vsm_alimentant_dmp vsm_structures fse_taux_indemnite;
    i64: ebd_base_soins_conservateurs fse_montant_hors_delai;
    Option<i32>: date_adhesion date_creation casd_date_adhesion casd_taux_initial casd_taux_moyen_regional
        casd_taux_moyen_national;
    Option<i64>: casd_honoraires_prothese_adhesion casd_honoraires_totaux_adhesion casd_depassements
        casd_honoraires_remboursables casd_honoraires_conservateurs;
}

pub const PAYMENTS: [&str; 26] = [
    "forfait_rmt_t1_euros",
    "forfait_rmt_t2_euros",
    "forfait_rmt_t3_euros",
    "forfait_rmt_t4_euros",
    "forfait_rmt_avance_t1_euros",
    "forfait_rmt_avance_t2_euros",
    "forfait_rmt_avance_t3_euros",
    "forfait_rmt_avance_t4_euros",
    "forfait_rst_euros",
    "forfait_fmt_euros",
    "astreinte_medicale_euros",
    "astreinte_medicale_majorations_euros",
    "astreinte_dentaire_euros",
    "astreinte_dentaire_mcd_euros",
    "casd_euros",
    "ebd_jeunes_euros",
    "ebd_femmes_enceintes_euros",
    "ebd_supplement_handicap_euros",
    "ebd_majoration_soins_euros",
    "ebd_euros",
    "forfait_patientele_euros",
    "mie_euros",
    "orthoptie_forfait_euros",
    "pco_forfait_euros",
    "vsm_euros",
    "fse_indemnite_retard_euros",
];

/// What later years read of a row.
#[derive(Clone, Debug, Default)]
pub struct Left {
    /// Cents for the patients in long illness of each quarter; none where nothing was due.
    quarters: [i64; 4],
    /// Cents for the medical summaries of the end of the year.
    summaries: i64,
}

/// Some cents for each patient, act or session.
#[inline]
fn each(cents: i64, count: i32) -> i64 {
    cents * i64::from(count)
}

/// The cents of several kinds of acts, each at its price.
fn priced<const N: usize>(prices: [i64; N], counts: [i32; N]) -> i64 {
    prices.into_iter().zip(counts).map(|(cents, count)| each(cents, count)).sum()
}

/// Article 3: the agreement governs the centre before the end of the year.
fn governed(c: &View<'_>, i: usize) -> bool {
    joined_by_end_of(Year::of(c.annee[i]), c.date_adhesion[i]).is_some()
}

/// Annex 24: a quarter of the fee for patients in long illness, at 40 euros each.
fn long_illness(c: &View<'_>, i: usize) -> [i64; 4] {
    [c.rmt_nb_patients_t1[i], c.rmt_nb_patients_t2[i], c.rmt_nb_patients_t3[i], c.rmt_nb_patients_t4[i]]
        .map(|patients| each(4_000, patients))
}

/// Annex 24: where asked for, an advance of four fifths of the same quarter of the year before.
fn advances(c: &View<'_>, i: usize, before: [i64; 4]) -> [i64; 4] {
    let asked = [
        c.rmt_avance_demandee_t1[i],
        c.rmt_avance_demandee_t2[i],
        c.rmt_avance_demandee_t3[i],
        c.rmt_avance_demandee_t4[i],
    ];
    std::array::from_fn(|quarter| if asked[quarter] { rounded((4 * before[quarter]).into(), 5) } else { 0 })
}

/// Annex 24: 5 euros for a patient without exemption, and for every patient the year a new centre opens.
fn without_exemption(c: &View<'_>, i: usize) -> i64 {
    let opened = c.date_creation[i].is_some_and(|day| year_of(day) == c.annee[i]);
    let all = opened && c.creation_nouvelle_structure[i];
    each(500, if all { c.patientele_mt[i] } else { c.fmt_nb_patients_non_exoneres[i] })
}

/// Article 20.1 and annex 18: what is added to the acts that dispatch asks for, by visit and by consultation.
fn dispatched_acts(c: &View<'_>, i: usize) -> i64 {
    let visits = [
        c.pdsa_visites_nuit[i],
        c.pdsa_visites_milieu_nuit[i],
        c.pdsa_visites_dimanche_ferie[i],
        c.pdsa_visites_samedi_pont[i],
    ];
    let consultations = [
        c.pdsa_consultations_nuit[i],
        c.pdsa_consultations_milieu_nuit[i],
        c.pdsa_consultations_dimanche_ferie[i],
        c.pdsa_consultations_samedi_pont[i],
    ];
    priced([4_600, 5_950, 3_000, 3_000], visits) + priced([4_250, 5_150, 2_650, 2_650], consultations)
}

/// Article 20: doctors on duty and their acts, dentists on duty and their patients.
fn duties(c: &View<'_>, i: usize) -> [i64; 4] {
    [
        each(c.pdsa_tarif_ars[i].into(), c.pdsa_astreintes[i]),
        dispatched_acts(c, i),
        each(c.pdsd_tarif_demi_journee[i].into(), c.pdsd_demi_journees[i]),
        each(3_000, c.pdsd_patients_mcd[i]),
    ]
}

/// Annex 20, article 3: crowns and orthodontics are a fifth of the fees when the centre signs.
fn enough_prostheses(c: &View<'_>, i: usize) -> Option<bool> {
    Some(5 * c.casd_honoraires_prothese_adhesion[i]? >= c.casd_honoraires_totaux_adhesion[i]?)
}

/// Annex 20, article 4: fees above the tariff stay under 230 % of it and under the rate that the centre promised.
fn fees_held(c: &View<'_>, i: usize) -> Option<bool> {
    let (above, tariff) = (c.casd_depassements[i]?, c.casd_honoraires_remboursables[i]?);
    if tariff == 0 {
        return Some(true);
    }
    let promised = if c.casd_nouveau_centre[i] {
        c.casd_taux_moyen_regional[i].or(c.casd_taux_moyen_national[i])
    } else {
        c.casd_taux_initial[i]
    };
    let kept = 10_000 * above <= i64::from(promised?) * tariff;
    Some(10 * above <= 23 * tariff && (kept || c.casd_tolerance_acquise[i]))
}

/// Annex 20, article 7: a share of conservative care, in thousandths, where the conditions are met. A centre without a
/// contract has none of these figures.
fn share_of_care(c: &View<'_>, i: usize, thousandths: i64) -> Option<i64> {
    if !enough_prostheses(c, i)? || !fees_held(c, i)? {
        return None;
    }
    Some(rounded((thousandths * c.casd_honoraires_conservateurs[i]?).into(), 1_000))
}

/// Article 21 and annex 20: what a contract pays for a period that ends on 30 June of the year, more each time until
/// the third. All end in 2019.
fn dental_access(c: &View<'_>, i: usize) -> i64 {
    let year = c.annee[i];
    if year > 2019 || !matches!(c.type_centre[i], POLYVALENT | DENTAL) {
        return WITHOUT_OBJECT;
    }
    let Some(signed) = c.casd_date_adhesion[i].filter(|signed| *signed <= day(2019, 6, 30)) else {
        return WITHOUT_OBJECT;
    };
    let (signed_year, signed_month, _) = civil(signed);
    let rank = year - signed_year + i32::from(signed_month < 7);
    let extended = year == 2019 && c.casd_proroge_ou_renouvele[i];
    let ended = c.casd_date_resiliation[i];
    if rank < 1 || (rank > 3 && !extended) || ended < day(year - 1, 7, 1) {
        return WITHOUT_OBJECT;
    }
    let too_new = c.casd_nouveau_centre[i] && rank == 1 && c.casd_mois_exercice[i] < 200;
    if too_new || ended <= day(year, 6, 30) {
        return 0;
    }
    let thousandths = match rank {
        1 if !extended => 50,
        2 if !extended => 55,
        _ => 60,
    };
    share_of_care(c, i, thousandths).unwrap_or(0)
}

/// Article 22.1.3 and annex 22: dental examinations of the young and of pregnant women, what is added to them, and all
/// of it.
fn prevention(c: &View<'_>, i: usize) -> [i64; 5] {
    // Without a picture, with one or two, with three or four, panoramic.
    let prices = if c.annee[i] >= 2025 { [4_000, 5_200, 6_400, 6_400] } else { [3_000, 4_200, 5_400, 5_400] };
    let young = priced(prices, [c.ebd_jeunes_bdc[i], c.ebd_jeunes_br2[i], c.ebd_jeunes_br4[i], c.ebd_jeunes_brp[i]]);
    let pregnant = priced(
        prices,
        [c.ebd_enceintes_bdc[i], c.ebd_enceintes_br2[i], c.ebd_enceintes_br4[i], c.ebd_enceintes_brp[i]],
    );
    let disabled = each(2_300, c.ebd_jeunes_handicap[i] + c.ebd_enceintes_handicap[i]);
    let care = rounded((3 * c.ebd_base_soins_conservateurs[i]).into(), 10);
    [young, pregnant, disabled, care, young + pregnant + disabled + care]
}

/// Article 23.3: registered patients by age and illness, raised by half of what the share of those with free
/// complementary cover has above 7 %, up to a quarter.
fn registered(c: &View<'_>, i: usize) -> i64 {
    if c.annee[i] < 2018 || !governed(c, i) {
        return WITHOUT_OBJECT;
    }
    let all = c.patientele_mt[i];
    let (old, ill, infants) = (c.fpmt_nb_80_plus[i], c.fpmt_nb_ald_moins_80[i], c.fpmt_nb_0_6_sans_ald[i]);
    let base = priced([4_600, 4_600, 600, 500], [old, ill, infants, all - old - ill - infants]);
    let all = i64::from(all);
    // In two hundredths of the patients.
    let raise = (100 * i64::from(c.patientele_mt_css[i]) - 7 * all).clamp(0, 50 * all);
    if raise == 0 {
        return base;
    }
    rounded(i128::from(base) * i128::from(200 * all + raise), (200 * all).into())
}

/// Article 25.2: 3.15 euros for each session of a nurse with a child under seven.
fn young_children(c: &View<'_>, i: usize) -> i64 {
    if c.annee[i] < 2020 { WITHOUT_OBJECT } else { each(315, c.mie_seances[i]) }
}

/// Article 28.9.3: for the medical summaries of the end of 2023, for up to 20 general practitioners of 800 patients
/// each, a fifth more where over a third of the summaries are structured.
fn medical_summaries(c: &View<'_>, i: usize) -> i64 {
    if c.annee[i] != 2023 {
        return 0;
    }
    let (ill, shared) = (i64::from(c.vsm_patients_ald[i]), i64::from(c.vsm_alimentant_dmp[i]));
    let doctors = i64::from(c.etp_mg[i]);
    if ill == 0 || doctors == 0 || 2 * shared < ill {
        return 0;
    }
    let fee = if 10 * shared >= 9 * ill { 300_000 } else { 150_000 };
    let fifths = if 3 * i64::from(c.vsm_structures[i]) > shared { 6 } else { 5 };
    let numerator = fee * fifths * doctors.min(2_000) * i64::from(c.patientele_mt[i]);
    rounded(numerator.into(), (5 * doctors * 800).into())
}

/// Article 34.3: interest on electronic claims that were paid late.
fn late_payment(c: &View<'_>, i: usize) -> i64 {
    rounded((c.fse_montant_hors_delai[i] * i64::from(c.fse_taux_indemnite[i])).into(), 10_000)
}

/// The payments of a row in cents, `WITHOUT_OBJECT` where the law gives none.
pub fn row(c: &View<'_>, i: usize, last: Option<&Left>) -> ([i64; PAYMENTS.len()], Left) {
    let mut cents = [WITHOUT_OBJECT; PAYMENTS.len()];
    let mut leaves = Left { quarters: [0; 4], summaries: medical_summaries(c, i) };
    if c.annee[i] <= 2017 && governed(c, i) {
        leaves.quarters = long_illness(c, i);
        cents[..4].copy_from_slice(&leaves.quarters);
        cents[4..8].copy_from_slice(&advances(c, i, last.map_or([0; 4], |last| last.quarters)));
        cents[8] = each(4_000, c.rst_nb_patients[i]);
        cents[9] = without_exemption(c, i);
    }
    cents[10..14].copy_from_slice(&duties(c, i));
    cents[14] = dental_access(c, i);
    cents[15..20].copy_from_slice(&prevention(c, i));
    cents[20] = registered(c, i);
    cents[21] = young_children(c, i);
    // Articles 28.7 and 28.10: 50 euros for an orthoptic assessment, and for a child seen by a speech therapist.
    cents[22] = each(5_000, c.orthoptie_patients[i] + c.orthoptie_aggravations[i]);
    cents[23] = each(5_000, (c.pco_patients[i] - c.pco_patients_forfait_handicap[i]).max(0));
    // Article 28.9.3: paid the year after.
    if c.annee[i] == 2024 {
        cents[24] = last.map_or(0, |last| last.summaries);
    }
    cents[25] = late_payment(c, i);
    (cents, leaves)
}
