//! The complementary block, in points (articles 9.1 to 9.3, 11 and 16).
//!
//! By article 11, a commitment that is paid elsewhere brings no points, and changes nothing else.

use super::main_block::{DENTAL_PATIENTS, MEDICAL_PATIENTS, NURSING_PATIENTS, nursing_patients, reference_patients};
use super::period::Period;
use super::{CENTS_PER_POINT, View, points};
use crate::native::amounts::rounded;
use crate::native::centres::{MEDICAL, NURSING, POLYVALENT};

/// Points are counted in fractions, so many to the point that what staff or patients bring is whole.
const UNIT: i64 = 858_000;

/// What each brings where so many together bring some points.
const fn rate(points: i64, together: i64) -> i64 {
    assert!(points * UNIT % together == 0);
    points * UNIT / together
}

/// Article 9.1.2: points of the levels of support up to each, for a centre with the national share of poor patients.
const SUPPORT: [i64; 4] = [0, 200, 200 + 400, 200 + 400 + 800];

/// Articles 13 and 16: the points, for the days covered. The prerequisites of the main block are met.
pub fn cents(c: &View<'_>, i: usize, period: &Period) -> i64 {
    let level = support_level(c, i);
    let total = points(c.mediateur_sante[i] && level >= 1 && !c.deja_remunere_mediateur[i], 300 * UNIT)
        + match c.type_centre[i] {
            MEDICAL | POLYVALENT => medical(c, i, level),
            NURSING => nursing(c, i, level),
            _ => dental(c, i),
        };
    let support = if c.deja_remunere_vulnerables[i] { 0 } else { SUPPORT[level] * UNIT };
    let (above, below) = poor_patients(c, i);
    let total = i128::from(total) * i128::from(below) + i128::from(support) * i128::from(above);
    let unit = i128::from(UNIT * period.year.days()) * i128::from(below);
    rounded(total * i128::from(CENTS_PER_POINT * period.covered), unit)
}

/// Article 16.1: medical and polyvalent centres.
fn medical(c: &View<'_>, i: usize, level: usize) -> i64 {
    let auxiliaries = i64::from(c.etp_paramedicaux[i]);
    let caregivers = i64::from(c.etp_medecins[i] + c.etp_chirurgiens_dentistes[i] + c.etp_sages_femmes[i]);
    quality(c, i, const { rate(25, 1_100) } * i64::from(c.etp_ps[i]))
        + users(c, i, const { rate(300, MEDICAL_PATIENTS) } * reference_patients(c, i))
        + midwives(c, i, level)
        + scanning(c, i, const { rate(46, 330) } * auxiliaries)
        + transmission(c, i, const { rate(440, 1_100) } * (caregivers + auxiliaries))
        + digital_use(c, i)
        + points(c.justificatif_teleservices[i] && !c.deja_remunere_teleservices[i], 90 * UNIT)
        + points(c.registres_patients[i] && !c.deja_remunere_codage[i], 100 * UNIT)
        + medical_video(c, i)
        + medical_devices(c, i)
}

/// Article 16.2: nursing centres.
fn nursing(c: &View<'_>, i: usize, level: usize) -> i64 {
    let auxiliaries = i64::from(c.etp_paramedicaux[i]);
    let total = quality(c, i, const { rate(25, 600) } * i64::from(c.etp_infirmiers[i]))
        + users(c, i, const { rate(300, NURSING_PATIENTS) } * nursing_patients(c, i))
        + midwives(c, i, level)
        + scanning(c, i, const { rate(83, 600) } * auxiliaries)
        + transmission(c, i, const { rate(240, 600) } * auxiliaries);
    if c.annee[i] < 2020 {
        return total;
    }
    // Article 9.3.1.
    let video = c.nb_equipements_video[i] >= 1 && !c.deja_remunere_video[i];
    total + points(video, 50 * UNIT) + devices(c, i, c.etp_infirmiers[i])
}

/// Article 16.3: dental centres.
fn dental(c: &View<'_>, i: usize) -> i64 {
    let dentists = i64::from(c.etp_chirurgiens_dentistes[i]);
    quality(c, i, const { rate(25, 400) } * dentists)
        + users(c, i, const { rate(300, DENTAL_PATIENTS) } * i64::from(c.patientele_dentaire[i]))
        + transmission(c, i, const { rate(120, 300) } * dentists)
}

/// Article 9.1.1: four levels of quality, each by itself. The two that measure the plan bring more for the staff.
fn quality(c: &View<'_>, i: usize, for_staff: i64) -> i64 {
    if c.deja_remunere_qualite[i] {
        return 0;
    }
    let (criteria, reached) = (c.qualite_criteres_total[i], c.qualite_criteres_atteints[i]);
    let planned = criteria > 0;
    let measured = 150 * UNIT + for_staff;
    points(c.qualite_coordinateur[i] && c.qualite_ps_referent_projet[i], 100 * UNIT)
        + points(planned && 2 * reached >= criteria, measured)
        + points(planned && reached >= criteria, measured)
        + points(c.qualite_certification[i], 150 * UNIT)
}

/// Article 9.1.2: the level of support of vulnerable people, which takes two kinds of action at each level up to it.
fn support_level(c: &View<'_>, i: usize) -> usize {
    let midwives = c.sages_femmes_hors_structure[i] && c.etp_sages_femmes[i] > 0;
    let reach_out = c.vuln_n2_aller_vers[i] || midwives;
    if !two_of([c.vuln_n1_identifier[i], c.vuln_n1_former[i], c.vuln_n1_aller_vers[i], c.vuln_n1_coordonner[i]]) {
        0
    } else if !two_of([c.vuln_n2_identifier[i], c.vuln_n2_former[i], reach_out, c.vuln_n2_coordonner[i]]) {
        1
    } else if !two_of([c.vuln_n3_identifier[i], c.vuln_n3_former[i], c.vuln_n3_aller_vers[i], c.vuln_n3_coordonner[i]])
    {
        2
    } else {
        3
    }
}

fn two_of(actions: [bool; 4]) -> bool {
    actions.into_iter().filter(|action| *action).count() >= 2
}

/// Article 16.4: the share of poor patients over the national one, as a quotient.
fn poor_patients(c: &View<'_>, i: usize) -> (i64, i64) {
    let patients = i64::from(c.file_active[i]);
    if patients == 0 {
        return (0, 1);
    }
    let poor = i64::from(c.file_active_css[i] + c.file_active_ame[i]);
    let national = i64::from(c.taux_national_css[i] + c.taux_national_ame[i]);
    (10_000 * poor, national * patients)
}

/// Article 9.1.2: midwives at work outside the centre, from the second level of support.
fn midwives(c: &View<'_>, i: usize, level: usize) -> i64 {
    let outside = c.sages_femmes_hors_structure[i] && level >= 2 && !c.deja_remunere_sages_femmes[i];
    points(outside, const { rate(50, 100) } * i64::from(c.etp_sages_femmes[i]))
}

/// Article 9.1.3: users consulted, then users who decide, which brings points for the patients.
fn users(c: &View<'_>, i: usize, for_patients: i64) -> i64 {
    if c.deja_remunere_usagers[i] {
        return 0;
    }
    points(c.usagers_niveau_1[i], 200 * UNIT) + points(c.usagers_niveau_2[i], for_patients)
}

/// Article 9.1.4 and annex 7: prescriptions scanned and sent, of which 99 in a hundred can be used.
fn scanning(c: &View<'_>, i: usize, for_staff: i64) -> i64 {
    let sent = c.scor_pieces_transmises[i];
    let done = c.scor_logiciel_agree[i]
        && c.scor_format_conforme[i]
        && c.scor_resolution_dpi[i] >= 200
        && sent > 0
        && reaches(c.scor_pieces_exploitables[i], sent, 99);
    points(done && !c.deja_remunere_scor[i], for_staff)
}

/// Article 9.1.4: seven acts in ten sent securely, since 2022 by software of a required version.
fn transmission(c: &View<'_>, i: usize, for_staff: i64) -> i64 {
    let up_to_date = match c.annee[i] {
        ..2022 => true,
        2022 => c.sesam_vitale_addendum_8[i] || c.logiciel_reference_segur[i],
        _ => c.sesam_vitale_addendum_8[i] && c.sesam_vitale_avenants_gie[i],
    };
    let acts = c.actes_factures[i];
    let done = up_to_date && acts > 0 && reaches(c.actes_teletransmis_securises[i], acts, 70);
    points(done && !c.deja_remunere_teletransmission[i], for_staff)
}

/// Article 9.2.1: digital services that are used enough, each paid for up to twenty general practitioners.
fn digital_use(c: &View<'_>, i: usize) -> i64 {
    let year = c.annee[i];
    if year < 2022 {
        return 0;
    }
    let (records, messages, prescribing) = if year < 2024 { (20, 5, 30) } else { (30, 10, 40) };
    let (visits, prescriptions) = (c.consultations_total[i], c.prescriptions_total[i]);
    let mut used = i64::from(visits > 0 && reaches(c.consultations_dmp[i], visits, records) && !c.deja_remunere_dmp[i])
        + i64::from(visits > 0 && reaches(c.consultations_mss[i], visits, messages) && !c.deja_remunere_mss[i]);
    if year >= 2023 {
        let prescribed = prescriptions > 0 && reaches(c.prescriptions_e_prescription[i], prescriptions, prescribing);
        used += i64::from(prescribed && !c.deja_remunere_eprescription[i])
            + i64::from(c.fse_application_carte_vitale[i] >= 1 && !c.deja_remunere_ecarte_vitale[i]);
    }
    used * const { rate(40, 100) } * i64::from(c.etp_mg[i].min(2_000))
}

/// Whether some are so many in a hundred of all, at least.
fn reaches(some: i32, all: i32, percent: i64) -> bool {
    100 * i64::from(some) >= percent * i64::from(all)
}

/// Article 9.2.3: video equipment, since 2019, and some for nurses, since 2020.
fn medical_video(c: &View<'_>, i: usize) -> i64 {
    let year = c.annee[i];
    if year < 2019 || c.deja_remunere_video[i] {
        return 0;
    }
    let equipment = c.nb_equipements_video[i];
    let for_nurses = year >= 2020 && equipment >= 2 && c.etp_infirmiers[i] > 0 && c.infirmiers_teleconsultation[i];
    points(equipment >= 1, 50 * UNIT) + points(for_nurses, 50 * UNIT)
}

/// Article 9.2.3: connected devices of doctors, since 2019, and of nurses, since 2020.
fn medical_devices(c: &View<'_>, i: usize) -> i64 {
    match c.annee[i] {
        ..2019 => 0,
        2019 => devices(c, i, c.etp_medecins[i]),
        _ => devices(c, i, c.etp_medecins[i] + c.etp_infirmiers[i]),
    }
}

/// Articles 9.2.3 and 9.3.1: one connected device at most for each of the staff.
fn devices(c: &View<'_>, i: usize, staff: i32) -> i64 {
    let equipped = staff.min(100 * c.nb_equipements_connectes[i]);
    points(!c.deja_remunere_connectes[i], const { rate(25, 100) } * i64::from(equipped))
}
