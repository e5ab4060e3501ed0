//! The main block, in points (articles 7, 8 and 11 to 15).
//!
//! Points are counted in fractions, so many (`unit`) to the point, so that sums are whole and divided once.

use super::period::Period;
use super::{CENTS_PER_POINT, View, points};
use crate::native::amounts::rounded;
use crate::native::centres::{self, MEDICAL, NURSING, POLYVALENT};
use crate::native::dates;

const OPEN_TO_THE_PUBLIC: u8 = 1;
const SHARED_WITH_DISPATCH: u8 = 2;

const PLURIPROFESSIONAL: u8 = 0;
const AMONG_MEDICAL_PROFESSIONS: u8 = 1;
const WITH_OUTSIDE_AUXILIARIES: u8 = 2;

/// Article 13: patients of an average centre.
pub const MEDICAL_PATIENTS: i64 = 4_000;
pub const DENTAL_PATIENTS: i64 = 2_600;
/// In thousandths.
pub const NURSING_PATIENTS: i64 = 450_000;

/// Where a centre stands with the prerequisites.
#[derive(Debug)]
pub struct Standing {
    accessible: bool,
    pub software_paid: bool,
    pub prerequisites_met: bool,
}

/// Articles 12 and 14: the four prerequisites, of which two suffice for a new centre. Software that lost its label is
/// forgiven that year and the next, and still paid if it was the year before.
#[inline(always)]
pub fn standing(c: &View<'_>, i: usize, kind: u8, period: &Period, paid_before: impl FnOnce() -> bool) -> Standing {
    let labelled = centres::is_medical(kind);
    let open = if kind == NURSING { c.bcp_acces_24h_365j[i] } else { opens_enough(c, i) };
    let accessible = open && c.bcp_soins_non_programmes[i] && c.bcp_charte_et_information[i];
    let (plan, coordination) = (c.bcp_plan_crise_redige[i], c.bcp_fonction_coordination[i]);
    let fit = if labelled { meets_standard(c, i) } else { c.bcp_si_conforme[i] };
    let software = fit && c.bcp_date_acquisition_si[i] <= period.year.last;
    let forgiven =
        labelled && (period.year.before().first..=period.year.last).contains(&c.bcp_date_retrait_label_si[i]);
    let reached = u8::from(accessible) + u8::from(plan) + u8::from(coordination) + u8::from(software);
    Standing {
        accessible,
        software_paid: if forgiven && !software { paid_before() } else { software },
        prerequisites_met: accessible && plan && coordination && (software || forgiven)
            || reached >= 2 && is_new(c, i, period),
    }
}

/// Article 14: for its first two years, a centre that joined less than a year after it submitted its project.
#[inline(always)]
fn is_new(c: &View<'_>, i: usize, period: &Period) -> bool {
    period.joined >= period.year.before().first && period.joined < dates::add_years(c.date_depot_projet_sante[i], 1)
}

/// Articles 8.1.1 and 8.1.3, within the limits of article 15.5.
#[inline(always)]
fn opens_enough(c: &View<'_>, i: usize) -> bool {
    (c.bcp_amplitude_horaire_semaine[i] >= 800 || c.bcp_derogation_ars_horaires[i])
        && c.bcp_semaines_fermeture_conges[i] <= 3
}

/// Article 8.4.1: the label, and since 2023 a reference too.
#[inline(always)]
fn meets_standard(c: &View<'_>, i: usize) -> bool {
    c.bcp_si_standard[i] && (c.annee[i] < 2023 || c.bcp_si_segur_lap[i])
}

/// Articles 11, 12 and 15: nothing without the prerequisites, nor for what another agreement pays.
#[inline(always)]
pub fn cents(c: &View<'_>, i: usize, kind: u8, period: &Period, standing: &Standing) -> i64 {
    if !standing.prerequisites_met || c.bcp_remunere_autre_accord[i] {
        return 0;
    }
    match kind {
        MEDICAL => medical::<false>(c, i, period, standing),
        POLYVALENT => medical::<true>(c, i, period, standing),
        NURSING => nursing(c, i, period, standing),
        _ => dental(c, i, period, standing),
    }
}

/// Points of a centre, in fractions.
struct Sum {
    /// Due for each day that the agreement covers.
    whole: i64,
    /// Already times the days for which they are due.
    timed: i64,
}

impl Sum {
    #[inline(always)]
    fn over(&self, period: &Period) -> i128 {
        i128::from(self.whole * period.covered + self.timed)
    }
}

/// Articles 15.1 and 15.4: medical centres, and polyvalent centres, which have more.
#[inline(always)]
fn medical<const IS_POLYVALENT: bool>(c: &View<'_>, i: usize, period: &Period, standing: &Standing) -> i64 {
    // So that quotients by 4 000, 2 600 and 450 000 are whole.
    let unit = if IS_POLYVALENT { 11_700_000 } else { MEDICAL_PATIENTS };
    let patients = reference_patients(c, i);
    let met = concerts(c, i, period);
    let fixed = medical_fixed(c, i, period, standing);
    let staff = staff_points(c.etp_ps[i], 1_600, [200, 150]);
    let mut sum = Sum {
        whole: fixed * unit
            + medical_variable(c, i, patients, met) * (unit / MEDICAL_PATIENTS)
            + points(joins_dispatch(c, i), 200 * i64::from(c.etp_mg[i])) * (unit / 100),
        timed: software_days(c, i, period, standing) * (50_000 + staff) * (unit / 100),
    };
    if IS_POLYVALENT {
        add_nursing_activity(c, i, unit, &mut sum);
        add_dental_activity(c, i, period, unit, &mut sum);
    }
    let (concertation, of) = if met { concertation(c, i, period, unit, patients) } else { (0, 1) };
    cents_of(sum.over(period) * of + concertation, i128::from(unit * period.year.days()) * of, precarity(c, i))
}

/// Article 15.1: points that do not depend on patients.
#[inline(always)]
fn medical_fixed(c: &View<'_>, i: usize, period: &Period, standing: &Standing) -> i64 {
    let nurse = c.bcp_ipa_salarie[i];
    let protocols = i64::from(c.bcp_nb_protocoles[i].min(8));
    let trainees = c.bcp_nb_stages[i];
    let two_days = c.bcp_jours_second_recours_par_mois[i] >= 200;
    let doctors = c.bcp_nb_professions_medicales_autres[i] >= 2;
    let auxiliaries = c.bcp_nb_professions_paramedicales_autres[i] >= 3;
    let weeks = i64::from(c.bcp_semaines_fermeture_conges[i]);
    points(standing.accessible, 800 - shortfall(c, i, 150, 60, 120) - 30 * weeks)
        + points(c.bcp_plan_crise_redige[i], 100)
        + 100 * protocols
        + points(c.bcp_fonction_coordination[i], 1_000)
        + points(nurse && c.bcp_nb_missions_sante_publique[i] >= 1, 200)
        + points(period.keeps_pace(trainees, 2), 450 + 50 * i64::from(c.bcp_nb_stages_medecins[i].min(2)))
        + 225 * i64::from((trainees - 2).clamp(0, 3))
        + points(joins_dispatch(c, i) && c.bcp_sas_toutes_sollicitations[i], 200)
        + points(two_days, 300)
        + points(two_days && c.bcp_etp_second_recours[i] >= 50, 300)
        + points(doctors || auxiliaries, 300)
        + points(doctors && auxiliaries, 300)
        + points(nurse, 40 * protocols)
        + points(c.bcp_si_avance[i], 100)
        + points(welcomes_doctors(c, i), 200)
        + 100 * i64::from(c.bcp_nb_protocoles_cooperation_snp[i].min(6))
        + points(c.bcp_parcours_obesite_enfant[i] && c.bcp_mission_surpoids_enfant[i], 100)
}

/// Article 15.1: points that follow patients, times the patients of an average centre.
#[inline(always)]
fn medical_variable(c: &View<'_>, i: usize, patients: i64, met: bool) -> i64 {
    let rates = points(acts_in_crisis(c, i), 350)
        + 350 * i64::from(c.bcp_nb_missions_sante_publique[i].min(2))
        + points(c.bcp_ipa_salarie[i] && met, 200)
        + points(c.bcp_procedure_transmission[i], 200)
        + points(c.bcp_parcours_insuffisance_cardiaque[i], 100);
    let coordination = 1_700 * patients.min(8_000) + 1_100 * (patients - 8_000).max(0);
    rates * patients + points(c.bcp_fonction_coordination[i], coordination)
}

/// Article 13.1: patients of the doctors of the centre, counted otherwise for children from 2017 to 2019, or 2020.
#[inline(always)]
pub fn reference_patients(c: &View<'_>, i: usize) -> i64 {
    let year = c.annee[i];
    let children_apart = (2017..=2019).contains(&year) || year == 2020 && c.bcp_derogation_enfant_2020[i];
    let registered = if children_apart {
        c.patientele_mt_16_plus[i] + c.bcp_enfants_moins_16_deux_soins[i]
    } else {
        c.patientele_mt[i]
    };
    i64::from(registered + if year >= 2020 { c.patientele_ame[i] } else { 0 })
}

/// Article 8.3.1.1: whether the team met often enough, in a form that counts.
#[inline(always)]
fn concerts(c: &View<'_>, i: usize, period: &Period) -> bool {
    period.keeps_pace(c.bcp_nb_reunions_concertation[i], 6)
        && (c.bcp_mode_concertation[i] == PLURIPROFESSIONAL || !c.bcp_activite_paramedicale[i])
}

/// Articles 8.3.1.1 and 15.5: points of the meetings for the cases studied, out of a twentieth of the patients
/// concerned, less a reduction; times the days covered, as a quotient.
#[inline(always)]
fn concertation(c: &View<'_>, i: usize, period: &Period, unit: i64, patients: i64) -> (i128, i128) {
    let reduction = match c.bcp_mode_concertation[i] {
        AMONG_MEDICAL_PROFESSIONS => 250 * unit,
        WITH_OUTSIDE_AUXILIARIES => 150 * unit,
        _ => 0,
    };
    let most = 1_000 * (unit / MEDICAL_PATIENTS) * patients;
    let concerned = i64::from(c.bcp_patients_ald_ou_plus_75[i]);
    let studied = 20 * i64::from(c.bcp_nb_dossiers_concertation[i]) * period.year.days();
    let expected = concerned * period.covered;
    if studied >= expected {
        return (i128::from((most - reduction).max(0) * period.covered), 1);
    }
    let part = i128::from(most) * i128::from(studied) - i128::from(reduction) * i128::from(expected);
    (part.max(0), i128::from(concerned))
}

/// Article 8.3.5: whether the centre is open to patients that emergency dispatch sends.
#[inline(always)]
fn joins_dispatch(c: &View<'_>, i: usize) -> bool {
    let offered = match c.bcp_sas_agenda[i] {
        OPEN_TO_THE_PUBLIC => true,
        SHARED_WITH_DISPATCH => c.bcp_sas_heures_ouvertes_semaine[i] >= 2 * c.etp_mg[i],
        _ => false,
    };
    offered && c.bcp_sas_inscrit[i]
}

/// Article 8.5.4.
#[inline(always)]
fn welcomes_doctors(c: &View<'_>, i: usize) -> bool {
    c.bcp_nb_medecins_accueillis_cst[i] >= 1 || c.bcp_etp_mg_integres_changement_specialite[i] >= 100
}

/// Articles 7 and 15.4: what nurses bring to a polyvalent centre where they are many.
#[inline(always)]
fn add_nursing_activity(c: &View<'_>, i: usize, unit: i64, sum: &mut Sum) {
    if !centres::has_many_nurses(c.etp_infirmiers[i], c.etp_mg[i]) {
        return;
    }
    sum.whole += points(c.bcp_nb_stages_infirmiers_supplementaires[i] >= 1, 225 * unit);
    if c.bcp_nb_missions_infirmieres_supplementaires[i] >= 1 {
        sum.whole += 200 * nursing_patients(c, i) * (unit / NURSING_PATIENTS);
    }
}

/// Articles 7 and 15.4: what dentists bring to a polyvalent centre where they earn a fifth of the fees.
#[inline(always)]
fn add_dental_activity(c: &View<'_>, i: usize, period: &Period, unit: i64, sum: &mut Sum) {
    if !centres::has_dental_activity(c.honoraires_dentaires[i], c.honoraires_totaux[i]) {
        return;
    }
    let fixed = points(period.keeps_pace(c.bcp_nb_reunions_dentaires[i], 3), 200)
        + points(c.bcp_nb_stages_dentaires_supplementaires[i] >= 1, 225)
        + points(works_outside(c, i), 200);
    let patients = i64::from(c.patientele_dentaire[i]) * (unit / DENTAL_PATIENTS);
    sum.whole += fixed * unit + points(c.bcp_nb_missions_dentaires_supplementaires[i] >= 1, 200 * patients);
    if c.bcp_si_dentaire_integre[i] {
        sum.timed += 450 * patients * period.days_since(c.bcp_date_acquisition_si_dentaire[i]);
    }
}

/// Articles 8.3.3.2 and 8.3.3.4: dentists who go and treat people elsewhere, under a contract.
#[inline(always)]
fn works_outside(c: &View<'_>, i: usize) -> bool {
    c.bcp_contrat_dentaire_externe[i] && c.bcp_nb_interventions_contrat_dentaire[i] >= 3
}

/// Article 15.2: nursing centres.
#[inline(always)]
fn nursing(c: &View<'_>, i: usize, period: &Period, standing: &Standing) -> i64 {
    const UNIT: i64 = NURSING_PATIENTS;
    let agreement = c.bcp_convention_msp[i];
    let fixed = points(standing.accessible, 200)
        + points(c.bcp_plan_crise_redige[i], 100)
        + points(period.keeps_pace(c.bcp_nb_reunions_concertation[i], 6), 400)
        + points(c.bcp_fonction_coordination[i], 200)
        + training(c, i, period)
        + points(agreement && c.bcp_concertation_msp[i], 100)
        + points(agreement, 25 * i64::from(c.bcp_nb_protocoles_msp[i].min(8)))
        + points(agreement && c.bcp_logiciel_pluripro[i], 150);
    let external = c.bcp_procedure_transmission[i]
        && c.bcp_nb_conventions_etablissements[i] >= 2
        && c.bcp_repertoire_offre[i]
        && c.bcp_information_vaccin_grippe[i];
    let rates = points(acts_in_crisis(c, i), 350)
        + points(external, 300)
        + 200 * i64::from(c.bcp_nb_missions_sante_publique[i].min(2));
    let staff = staff_points(c.etp_infirmiers[i], 1_000, [100, 50]);
    let sum = Sum {
        whole: fixed * UNIT + rates * nursing_patients(c, i),
        timed: software_days(c, i, period, standing) * (40_000 + staff) * (UNIT / 100),
    };
    cents_of(sum.over(period), i128::from(UNIT * period.year.days()), limited_precarity(c, i))
}

/// Article 13.3: thousandths of patients, more by up to a fifth above the national share of long illness.
#[inline(always)]
pub fn nursing_patients(c: &View<'_>, i: usize) -> i64 {
    let patients = i64::from(c.patientele_infirmiere[i]);
    let ill = i64::from(c.bcp_patients_ald_invalidite_infirmier[i]);
    1_000 * patients + (1_000 * ill - 452 * patients).min(200 * patients).max(0)
}

/// Article 15.3: dental centres.
#[inline(always)]
fn dental(c: &View<'_>, i: usize, period: &Period, standing: &Standing) -> i64 {
    const UNIT: i64 = DENTAL_PATIENTS;
    let closed = c.bcp_semaines_fermeture_conges[i] >= 1;
    let fixed = points(standing.accessible, 400 - shortfall(c, i, 70, 30, 50) - points(closed, 20))
        + points(c.bcp_plan_crise_redige[i], 100)
        + points(period.keeps_pace(c.bcp_nb_reunions_concertation[i], 3), 200)
        + points(c.bcp_fonction_coordination[i], 200)
        + training(c, i, period)
        + points(works_outside(c, i), 500);
    let rates = points(acts_in_crisis(c, i), 350) + points(c.bcp_nb_missions_sante_publique[i] >= 1, 200);
    let staff = staff_points(c.etp_chirurgiens_dentistes[i], 600, [200, 150]);
    let sum = Sum {
        whole: fixed * UNIT + rates * i64::from(c.patientele_dentaire[i]),
        timed: software_days(c, i, period, standing) * (25_000 + staff) * (UNIT / 100),
    };
    cents_of(sum.over(period), i128::from(UNIT * period.year.days()), limited_precarity(c, i))
}

/// Article 8.3.2: trainees of a nursing or dental centre.
#[inline(always)]
fn training(c: &View<'_>, i: usize, period: &Period) -> i64 {
    let trainees = c.bcp_nb_stages[i];
    points(period.keeps_pace(trainees, 1), 250) + points(trainees >= 2, 225)
}

/// Article 15.5: points lost to reduced opening: days of less than ten hours (`long`) or twelve (`short`), and no
/// Saturday.
#[inline(always)]
fn shortfall(c: &View<'_>, i: usize, long: i64, short: i64, saturday: i64) -> i64 {
    if c.bcp_derogation_ars_horaires[i] {
        return 0;
    }
    let hours = match c.bcp_amplitude_horaire_semaine[i] {
        800..1_000 => long,
        1_000..1_200 => short,
        _ => 0,
    };
    hours + points(!c.bcp_ouvert_samedi_matin[i], saturday)
}

/// Article 8.1.5: action in a crisis, according to a plan.
#[inline(always)]
fn acts_in_crisis(c: &View<'_>, i: usize) -> bool {
    c.bcp_plan_crise_redige[i] && c.bcp_crise_sanitaire_grave[i] && c.bcp_actions_crise[i]
}

/// Article 8.4: days for which the software is paid.
#[inline(always)]
fn software_days(c: &View<'_>, i: usize, period: &Period, standing: &Standing) -> i64 {
    if standing.software_paid { period.days_since(c.bcp_date_acquisition_si[i]) } else { 0 }
}

/// Annex 1: hundredths of points for staff in hundredths, at one rate up to a limit and at another above.
#[inline(always)]
fn staff_points(staff: i32, limit: i64, [below, above]: [i64; 2]) -> i64 {
    let staff = i64::from(staff);
    below * staff.min(limit) + above * (staff - limit).max(0)
}

/// Article 15.6: how far the shares of poor patients are above the national ones, as a quotient.
#[inline(always)]
fn precarity(c: &View<'_>, i: usize) -> (i64, i64) {
    let patients = i64::from(c.file_active[i]);
    if patients == 0 {
        return (0, 1);
    }
    let above = |some: i32, share: i32| (10_000 * i64::from(some) - i64::from(share) * patients).max(0);
    let total =
        above(c.file_active_css[i], c.taux_national_css[i]) + above(c.file_active_ame[i], c.taux_national_ame[i]);
    (total, 10_000 * patients)
}

/// Article 15.6.4: a quarter at most, for nursing and dental centres.
#[inline(always)]
fn limited_precarity(c: &View<'_>, i: usize) -> (i64, i64) {
    let (above, of) = precarity(c, i);
    (above.min(of / 4), of)
}

/// Articles 13 and 15.6: what a quotient of points is worth, raised for poor patients.
#[inline(always)]
fn cents_of(above: i128, below: i128, (more, of): (i64, i64)) -> i64 {
    rounded(above * i128::from(CENTS_PER_POINT * (of + more)), below * i128::from(of))
}
