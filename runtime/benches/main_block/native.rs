//! The bloc commun principal as a Rust programmer would write it for these rules and no others: plain columns, integers, one
//! division a row. It is what compiled policies are measured against, and a third opinion on what they should pay.

use polc_runtime::engine::History;
use polc_runtime::policy::Policy;
use polc_runtime::table::{Batch, ColumnData};

/// A type of column.
trait Cells: Sized {
    fn of(data: &ColumnData) -> Vec<Self>;
}

impl Cells for bool {
    fn of(data: &ColumnData) -> Vec<Self> {
        match data {
            ColumnData::Boolean(cells) => cells.iter().collect(),
            _ => panic!("not a column of flags"),
        }
    }
}

impl Cells for u8 {
    fn of(data: &ColumnData) -> Vec<Self> {
        match data {
            ColumnData::Case(cells) => cells.iter().map(|case| *case as u8).collect(),
            _ => panic!("not a column of cases"),
        }
    }
}

impl Cells for i32 {
    fn of(data: &ColumnData) -> Vec<Self> {
        match data {
            ColumnData::Number(cells) => {
                cells.iter().map(|cell| i32::try_from(cell).expect("a small number")).collect()
            }
            ColumnData::Date(cells) => cells.clone(),
            _ => panic!("not a column of integers"),
        }
    }
}

impl Cells for i64 {
    fn of(data: &ColumnData) -> Vec<Self> {
        match data {
            ColumnData::Number(cells) => cells.iter().collect(),
            _ => panic!("not a column of integers"),
        }
    }
}

macro_rules! columns {
    ($($ty:ty: $($name:ident)*;)*) => {
        /// One vector per input, under the name of the input. Numbers with decimals are scaled; dates are days.
        #[derive(Debug)]
        pub struct Columns {
            pub rows: usize,
            /// Whether the software was paid for the year before.
            previously_paid: Vec<bool>,
            $($($name: Vec<$ty>,)*)*
        }

        /// The same, all of one length known to the optimiser.
        struct View<'a> {
            previously_paid: &'a [bool],
            $($($name: &'a [$ty],)*)*
        }

        impl Columns {
            /// Copies the columns of a batch, and what each row takes from the year before.
            #[must_use]
            pub fn of(policy: &Policy, batch: &Batch, paid: &[bool]) -> Self {
                let history = History::of(&policy.program, batch);
                let column = |name: &str| {
                    let id = policy.program.find_input(name).expect("an input of the accord");
                    &batch.columns[id.index()].as_ref().expect("a column").data
                };
                Self {
                    rows: batch.rows,
                    previously_paid: (0..batch.rows).map(|row| history.past(polc_dsl::ast::Reach::LastYear, row).is_some_and(|row| paid[row])).collect(),
                    $($($name: Cells::of(column(stringify!($name))),)*)*
                }
            }

            /// The same rows in another order.
            #[must_use]
            pub fn reordered(&self, order: &[usize]) -> Self {
                fn reorder<T: Copy>(cells: &[T], order: &[usize]) -> Vec<T> {
                    order.iter().map(|row| cells[*row]).collect()
                }
                Self {
                    rows: self.rows,
                    previously_paid: reorder(&self.previously_paid, order),
                    $($($name: reorder(&self.$name, order),)*)*
                }
            }

            fn view(&self, from: usize, to: usize) -> View<'_> {
                View {
                    previously_paid: &self.previously_paid[from..to],
                    $($($name: &self.$name[from..to],)*)*
                }
            }
        }
    };
}

columns! {
    u8: type_centre bcp_mode_concertation bcp_sas_agenda;
    bool: bcp_remunere_autre_accord bcp_derogation_enfant_2020 bcp_ouvert_samedi_matin bcp_derogation_ars_horaires
        bcp_soins_non_programmes bcp_acces_24h_365j bcp_charte_et_information bcp_plan_crise_redige bcp_crise_sanitaire_grave
        bcp_actions_crise bcp_ipa_salarie bcp_activite_paramedicale bcp_convention_msp bcp_concertation_msp
        bcp_procedure_transmission bcp_repertoire_offre bcp_information_vaccin_grippe bcp_contrat_dentaire_externe
        bcp_fonction_coordination bcp_sas_inscrit bcp_sas_toutes_sollicitations bcp_parcours_insuffisance_cardiaque
        bcp_parcours_obesite_enfant bcp_mission_surpoids_enfant bcp_si_standard bcp_si_segur_lap bcp_si_conforme bcp_si_avance
        bcp_logiciel_pluripro bcp_si_dentaire_integre;
    i32: annee date_adhesion date_depot_projet_sante patientele_mt patientele_mt_16_plus bcp_enfants_moins_16_deux_soins
        patientele_ame patientele_infirmiere bcp_patients_ald_invalidite_infirmier patientele_dentaire etp_mg etp_ps
        etp_infirmiers etp_chirurgiens_dentistes bcp_amplitude_horaire_semaine bcp_semaines_fermeture_conges
        bcp_nb_missions_sante_publique bcp_nb_missions_infirmieres_supplementaires bcp_nb_missions_dentaires_supplementaires
        bcp_jours_second_recours_par_mois bcp_etp_second_recours bcp_nb_professions_medicales_autres
        bcp_nb_professions_paramedicales_autres bcp_nb_medecins_accueillis_cst bcp_etp_mg_integres_changement_specialite
        bcp_nb_reunions_concertation bcp_nb_dossiers_concertation bcp_patients_ald_ou_plus_75 bcp_nb_reunions_dentaires
        bcp_nb_stages bcp_nb_stages_medecins bcp_nb_stages_infirmiers_supplementaires bcp_nb_stages_dentaires_supplementaires
        bcp_nb_conventions_etablissements bcp_nb_interventions_contrat_dentaire bcp_sas_heures_ouvertes_semaine
        bcp_nb_protocoles bcp_nb_protocoles_msp bcp_nb_protocoles_cooperation_snp bcp_date_acquisition_si
        bcp_date_retrait_label_si bcp_date_acquisition_si_dentaire file_active file_active_css file_active_ame
        taux_national_css taux_national_ame;
    i64: honoraires_totaux honoraires_dentaires;
}

pub const MEDICAL: u8 = 0;
pub const POLYVALENT: u8 = 1;
pub const NURSING: u8 = 2;
pub const DENTAL: u8 = 3;

/// Where the accord does not govern a row.
pub const WITHOUT_OBJECT: i64 = i64::MIN;

const OPEN_TO_THE_PUBLIC: u8 = 1;
const SHARED_WITH_DISPATCH: u8 = 2;
const PLURIPROFESSIONAL: u8 = 0;
const AMONG_MEDICAL_PROFESSIONS: u8 = 1;
const WITH_OUTSIDE_AUXILIARIES: u8 = 2;

/// A calendar year.
#[derive(Clone, Copy)]
struct Year {
    first: i32,
    last: i32,
    days: i64,
}

const FIRST_YEAR: i32 = 2014;

const fn years() -> [Year; 27] {
    let mut years = [Year { first: 0, last: 0, days: 0 }; 27];
    // 1 January 2014.
    let (mut index, mut day) = (0, 16_071);
    while index < years.len() {
        let year = FIRST_YEAR + index as i32;
        let days = if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) { 366 } else { 365 };
        years[index] = Year { first: day, last: day + days - 1, days: days as i64 };
        day += days;
        index += 1;
    }
    years
}

static YEARS: [Year; 27] = years();

/// The same day a year later; 28 February for a 29 February.
fn one_year_later(day: i32) -> i32 {
    // Years that start on 1 March, since 1 March of year 0.
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let february = era * 400 + year + 1;
    let leap = february % 4 == 0 && (february % 100 != 0 || february % 400 == 0);
    day + if leap && day_of_year < 365 { 366 } else { 365 }
}

/// What all kinds of centre share: the year, the days that the accord covers, and the prerequisites.
struct Common {
    year: Year,
    covered: i64,
    crisis: bool,
    software_paid: bool,
    paid: bool,
}

#[inline(always)]
fn common(c: &View<'_>, i: usize, open: bool, software: bool, delisted: bool) -> Option<Common> {
    let index = (c.annee[i] - FIRST_YEAR) as usize;
    let (year, before) = (YEARS[index], YEARS[index - 1]);
    let joined = c.date_adhesion[i];
    if joined > year.last {
        return None;
    }
    let open = open && c.bcp_charte_et_information[i] && c.bcp_soins_non_programmes[i];
    let (plan, coordination) = (c.bcp_plan_crise_redige[i], c.bcp_fonction_coordination[i]);
    let software = software && c.bcp_date_acquisition_si[i] <= year.last;
    let delisted =
        delisted && c.bcp_date_retrait_label_si[i] >= before.first && c.bcp_date_retrait_label_si[i] <= year.last;
    let reached = u8::from(open) + u8::from(plan) + u8::from(coordination) + u8::from(software);
    let met = open && plan && coordination && (software || delisted)
        || reached >= 2 && joined >= before.first && joined < one_year_later(c.date_depot_projet_sante[i]);
    Some(Common {
        year,
        covered: i64::from(year.last - joined.max(year.first) + 1),
        crisis: plan && c.bcp_crise_sanitaire_grave[i] && c.bcp_actions_crise[i],
        software_paid: if delisted && !software { c.previously_paid[i] } else { software },
        paid: met && !c.bcp_remunere_autre_accord[i],
    })
}

/// Days of the year from the latest of some days.
#[inline(always)]
fn days_from(year: Year, day: i32) -> i64 {
    i64::from((year.last - day.max(year.first) + 1).max(0))
}

#[inline(always)]
fn points(flag: bool, worth: i64) -> i64 {
    if flag { worth } else { 0 }
}

/// Of opening hours, in hundredths.
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

/// Above the national shares, in ten-thousandths of the patients.
#[inline(always)]
fn precarity(c: &View<'_>, i: usize) -> (i64, i64) {
    let patients = i64::from(c.file_active[i]);
    if patients == 0 {
        return (0, 1);
    }
    let above = |some: i32, share: i32| (10_000 * i64::from(some) - i64::from(share) * patients).max(0);
    let total =
        above(c.file_active_css[i], c.taux_national_css[i]) + above(c.file_active_ame[i], c.taux_national_ame[i]);
    (total, patients)
}

/// Seven euros a point, in cents, a half away from zero.
#[inline(always)]
fn cents(points: i128, unit: i128, (above, patients): (i64, i64)) -> i64 {
    let numerator = points as u128 * 700 * (10_000 * patients + above) as u128;
    let denominator = unit as u128 * (10_000 * patients) as u128;
    ((2 * numerator + denominator) / (2 * denominator)) as i64
}

/// Thousandths of patients, raised by up to a fifth above the national share of long illness.
#[inline(always)]
fn raised(patients: i32, ill: i32) -> i64 {
    let (patients, ill) = (i64::from(patients), i64::from(ill));
    1_000 * patients + (1_000 * ill - 452 * patients).min(200 * patients).max(0)
}

#[inline(always)]
fn medical<const POLYVALENT: bool>(c: &View<'_>, i: usize) -> i64 {
    // Of a point: so that quotients by 4 000, 2 600 and 450 000 are whole.
    let unit: i64 = if POLYVALENT { 11_700_000 } else { 4_000 };
    let weeks = i64::from(c.bcp_semaines_fermeture_conges[i]);
    let open = (c.bcp_amplitude_horaire_semaine[i] >= 800 || c.bcp_derogation_ars_horaires[i]) && weeks <= 3;
    let standard = c.bcp_si_standard[i] && (c.annee[i] < 2023 || c.bcp_si_segur_lap[i]);
    let Some(Common { year, covered, crisis, software_paid, paid }) = common(c, i, open, standard, true) else {
        return WITHOUT_OBJECT;
    };
    if !paid {
        return 0;
    }
    let children = match c.annee[i] {
        2017..=2019 => true,
        2020 => c.bcp_derogation_enfant_2020[i],
        _ => false,
    };
    let registered =
        if children { c.patientele_mt_16_plus[i] + c.bcp_enfants_moins_16_deux_soins[i] } else { c.patientele_mt[i] };
    let patients = i64::from(registered + if c.annee[i] >= 2020 { c.patientele_ame[i] } else { 0 });
    let nurse = c.bcp_ipa_salarie[i];
    let met = i64::from(c.bcp_nb_reunions_concertation[i]) * year.days >= 6 * covered
        && (c.bcp_mode_concertation[i] == PLURIPROFESSIONAL || !c.bcp_activite_paramedicale[i]);
    let protocols = i64::from(c.bcp_nb_protocoles[i].min(8));
    let missions = i64::from(c.bcp_nb_missions_sante_publique[i].min(2));
    let trainees = i64::from(c.bcp_nb_stages[i]);
    let trained = trainees * year.days >= 2 * covered;
    let dispatch = c.bcp_sas_inscrit[i]
        && (c.bcp_sas_agenda[i] == OPEN_TO_THE_PUBLIC
            || c.bcp_sas_agenda[i] == SHARED_WITH_DISPATCH && c.bcp_sas_heures_ouvertes_semaine[i] >= 2 * c.etp_mg[i]);
    let two_days = c.bcp_jours_second_recours_par_mois[i] >= 200;
    let doctors = c.bcp_nb_professions_medicales_autres[i] >= 2;
    let auxiliaries = c.bcp_nb_professions_paramedicales_autres[i] >= 3;

    let accessible = open && c.bcp_soins_non_programmes[i] && c.bcp_charte_et_information[i];
    let mut fixed = points(accessible, 800 - shortfall(c, i, 150, 60, 120) - 30 * weeks)
        + points(c.bcp_plan_crise_redige[i], 100)
        + 100 * protocols
        + points(c.bcp_fonction_coordination[i], 1_000)
        + points(nurse && missions > 0, 200)
        + points(trained, 450 + 50 * i64::from(c.bcp_nb_stages_medecins[i].min(2)))
        + 225 * (trainees - 2).clamp(0, 3)
        + points(dispatch && c.bcp_sas_toutes_sollicitations[i], 200)
        + points(two_days, 300)
        + points(two_days && c.bcp_etp_second_recours[i] >= 50, 300)
        + points(doctors || auxiliaries, 300)
        + points(doctors && auxiliaries, 300)
        + points(nurse, 40 * protocols)
        + points(c.bcp_si_avance[i], 100)
        + points(
            c.bcp_nb_medecins_accueillis_cst[i] >= 1 || c.bcp_etp_mg_integres_changement_specialite[i] >= 100,
            200,
        )
        + 100 * i64::from(c.bcp_nb_protocoles_cooperation_snp[i].min(6))
        + points(c.bcp_parcours_obesite_enfant[i] && c.bcp_mission_surpoids_enfant[i], 100);

    // For 4 000 patients.
    let rates = points(crisis, 350)
        + 350 * missions
        + points(nurse && met, 200)
        + points(c.bcp_procedure_transmission[i], 200)
        + points(c.bcp_parcours_insuffisance_cardiaque[i], 100);
    let coordination =
        points(c.bcp_fonction_coordination[i], 1_700 * patients.min(8_000) + 1_100 * (patients - 8_000).max(0));
    let doctors = points(dispatch, 2 * i64::from(c.etp_mg[i]));
    let mut variable = (rates * patients + coordination) * (unit / 4_000) + doctors * unit;

    // Hundredths of professionals.
    let staff = i64::from(c.etp_ps[i]);
    let software =
        points(software_paid, 500 * unit + staff.min(1_600) * (2 * unit) + (staff - 1_600).max(0) * (unit / 2 * 3));
    let joined = c.date_adhesion[i];
    let mut timed = software * days_from(year, c.bcp_date_acquisition_si[i].max(joined));

    if POLYVALENT {
        if 2 * c.etp_infirmiers[i] >= c.etp_mg[i] && c.etp_infirmiers[i] >= 400 {
            fixed += points(c.bcp_nb_stages_infirmiers_supplementaires[i] >= 1, 225);
            let patients = raised(c.patientele_infirmiere[i], c.bcp_patients_ald_invalidite_infirmier[i]);
            variable +=
                points(c.bcp_nb_missions_infirmieres_supplementaires[i] >= 1, 200 * patients) * (unit / 450_000);
        }
        if c.honoraires_totaux[i] > 0 && 5 * c.honoraires_dentaires[i] >= c.honoraires_totaux[i] {
            let external = c.bcp_contrat_dentaire_externe[i] && c.bcp_nb_interventions_contrat_dentaire[i] >= 3;
            fixed += points(i64::from(c.bcp_nb_reunions_dentaires[i]) * year.days >= 3 * covered, 200)
                + points(c.bcp_nb_stages_dentaires_supplementaires[i] >= 1, 225)
                + points(external, 200);
            let patients = i64::from(c.patientele_dentaire[i]) * (unit / 2_600);
            variable += points(c.bcp_nb_missions_dentaires_supplementaires[i] >= 1, 200 * patients);
            let days = days_from(year, c.bcp_date_acquisition_si_dentaire[i].max(joined));
            timed += points(c.bcp_si_dentaire_integre[i], 450 * patients) * days;
        }
    }

    let reduction = match c.bcp_mode_concertation[i] {
        AMONG_MEDICAL_PROFESSIONS => 250,
        WITH_OUTSIDE_AUXILIARIES => 150,
        _ => 0,
    };
    // Cases to study for the whole payment are a twentieth of these patients, for the days covered.
    let concerned = i64::from(c.bcp_patients_ald_ou_plus_75[i]);
    let (studied, wanted) = (20 * i64::from(c.bcp_nb_dossiers_concertation[i]) * year.days, concerned * covered);
    let whole = 1_000 * (unit / 4_000) * patients;
    if met && studied < wanted {
        let part = (i128::from(whole) * i128::from(studied) - i128::from(reduction * unit) * i128::from(wanted)).max(0);
        timed += (fixed * unit + variable) * covered;
        let total = i128::from(timed) * i128::from(concerned) + part;
        return cents(total, i128::from(unit * year.days) * i128::from(concerned), precarity(c, i));
    }
    variable += points(met, (whole - reduction * unit).max(0));
    timed += (fixed * unit + variable) * covered;
    cents(timed.into(), (unit * year.days).into(), precarity(c, i))
}

#[inline(always)]
fn nursing(c: &View<'_>, i: usize) -> i64 {
    const UNIT: i64 = 450_000;
    let Some(Common { year, covered, crisis, software_paid, paid }) =
        common(c, i, c.bcp_acces_24h_365j[i], c.bcp_si_conforme[i], false)
    else {
        return WITHOUT_OBJECT;
    };
    if !paid {
        return 0;
    }
    let accessible = c.bcp_acces_24h_365j[i] && c.bcp_soins_non_programmes[i] && c.bcp_charte_et_information[i];
    let trainees = i64::from(c.bcp_nb_stages[i]);
    let agreement = c.bcp_convention_msp[i];
    let fixed = points(accessible, 200)
        + points(c.bcp_plan_crise_redige[i], 100)
        + points(i64::from(c.bcp_nb_reunions_concertation[i]) * year.days >= 6 * covered, 400)
        + points(c.bcp_fonction_coordination[i], 200)
        + points(trainees * year.days >= covered, 250)
        + points(trainees >= 2, 225)
        + points(agreement && c.bcp_concertation_msp[i], 100)
        + points(agreement, 25 * i64::from(c.bcp_nb_protocoles_msp[i].min(8)))
        + points(agreement && c.bcp_logiciel_pluripro[i], 150);
    let external = c.bcp_procedure_transmission[i]
        && c.bcp_nb_conventions_etablissements[i] >= 2
        && c.bcp_repertoire_offre[i]
        && c.bcp_information_vaccin_grippe[i];
    let rates =
        points(crisis, 350) + points(external, 300) + 200 * i64::from(c.bcp_nb_missions_sante_publique[i].min(2));
    let variable = rates * raised(c.patientele_infirmiere[i], c.bcp_patients_ald_invalidite_infirmier[i]);
    let staff = i64::from(c.etp_infirmiers[i]);
    let software = points(software_paid, 400 * UNIT + staff.min(1_000) * UNIT + (staff - 1_000).max(0) * (UNIT / 2));
    let days = days_from(year, c.bcp_date_acquisition_si[i].max(c.date_adhesion[i]));
    let timed = software * days + (fixed * UNIT + variable) * covered;
    let (above, patients) = precarity(c, i);
    cents(timed.into(), (UNIT * year.days).into(), (above.min(2_500 * patients), patients))
}

#[inline(always)]
fn dental(c: &View<'_>, i: usize) -> i64 {
    const UNIT: i64 = 2_600;
    let weeks = c.bcp_semaines_fermeture_conges[i];
    let open = (c.bcp_amplitude_horaire_semaine[i] >= 800 || c.bcp_derogation_ars_horaires[i]) && weeks <= 3;
    let Some(Common { year, covered, crisis, software_paid, paid }) = common(c, i, open, c.bcp_si_conforme[i], false)
    else {
        return WITHOUT_OBJECT;
    };
    if !paid {
        return 0;
    }
    let accessible = open && c.bcp_soins_non_programmes[i] && c.bcp_charte_et_information[i];
    let trainees = i64::from(c.bcp_nb_stages[i]);
    let fixed = points(accessible, 400 - shortfall(c, i, 70, 30, 50) - points(weeks >= 1, 20))
        + points(c.bcp_plan_crise_redige[i], 100)
        + points(i64::from(c.bcp_nb_reunions_concertation[i]) * year.days >= 3 * covered, 200)
        + points(c.bcp_fonction_coordination[i], 200)
        + points(trainees * year.days >= covered, 250)
        + points(trainees >= 2, 225)
        + points(c.bcp_contrat_dentaire_externe[i] && c.bcp_nb_interventions_contrat_dentaire[i] >= 3, 500);
    let rates = points(crisis, 350) + 200 * i64::from(c.bcp_nb_missions_sante_publique[i].min(1));
    let variable = rates * i64::from(c.patientele_dentaire[i]);
    let staff = i64::from(c.etp_chirurgiens_dentistes[i]);
    let software =
        points(software_paid, 250 * UNIT + staff.min(600) * (2 * UNIT) + (staff - 600).max(0) * (UNIT / 2 * 3));
    let days = days_from(year, c.bcp_date_acquisition_si[i].max(c.date_adhesion[i]));
    let timed = software * days + (fixed * UNIT + variable) * covered;
    let (above, patients) = precarity(c, i);
    cents(timed.into(), (UNIT * year.days).into(), (above.min(2_500 * patients), patients))
}

/// Every row in its order, in cents.
pub fn row_by_row(columns: &Columns, cents: &mut [i64]) {
    let c = columns.view(0, columns.rows);
    for (i, cents) in cents.iter_mut().enumerate().take(c.annee.len()) {
        *cents = match c.type_centre[i] {
            MEDICAL => medical::<false>(&c, i),
            POLYVALENT => medical::<true>(&c, i),
            NURSING => nursing(&c, i),
            _ => dental(&c, i),
        };
    }
}

/// Rows that stand by kind: one loop for each.
pub fn kind_by_kind(columns: &Columns, cents: &mut [i64]) {
    fn run(c: &View<'_>, cents: &mut [i64], of: impl Fn(&View<'_>, usize) -> i64) {
        for (i, cents) in cents.iter_mut().enumerate().take(c.annee.len()) {
            *cents = of(c, i);
        }
    }
    let start = |kind| columns.type_centre.partition_point(|known| *known < kind);
    for kind in [MEDICAL, POLYVALENT, NURSING, DENTAL] {
        let (from, to) = (start(kind), start(kind + 1));
        let (c, cents) = (columns.view(from, to), &mut cents[from..to]);
        match kind {
            MEDICAL => run(&c, cents, medical::<false>),
            POLYVALENT => run(&c, cents, medical::<true>),
            NURSING => run(&c, cents, nursing),
            _ => run(&c, cents, dental),
        }
    }
}

/// The order that puts rows of a kind together, and in the order of the years.
#[must_use]
pub fn by_kind(columns: &Columns) -> Vec<usize> {
    let mut order: Vec<usize> = (0..columns.rows).collect();
    order.sort_by_key(|row| (columns.type_centre[*row], columns.annee[*row]));
    order
}
