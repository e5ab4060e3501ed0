//! The two blocks of commitments (articles 7 to 9 and 11 to 16), the advance on them (article 18.1) and what eases
//! the move from the former options (article 18.2).

mod advance;
pub mod alone;
mod complementary_block;
mod main_block;
mod period;
mod transition;

use super::amounts::WITHOUT_OBJECT;
use super::columns::columns;

pub use advance::{AverageAdvances, average_advances};
use period::Period;

columns! {
    u8: type_centre bcp_mode_concertation bcp_sas_agenda;
    bool: bcp_remunere_autre_accord bcp_derogation_enfant_2020 bcp_ouvert_samedi_matin
        bcp_derogation_ars_horaires bcp_soins_non_programmes bcp_acces_24h_365j bcp_charte_et_information
        bcp_plan_crise_redige bcp_crise_sanitaire_grave bcp_actions_crise bcp_ipa_salarie
        bcp_activite_paramedicale bcp_convention_msp bcp_concertation_msp bcp_procedure_transmission
        bcp_repertoire_offre bcp_information_vaccin_grippe bcp_contrat_dentaire_externe
        bcp_fonction_coordination bcp_sas_inscrit bcp_sas_toutes_sollicitations
        bcp_parcours_insuffisance_cardiaque bcp_parcours_obesite_enfant bcp_mission_surpoids_enfant
        bcp_si_standard bcp_si_segur_lap bcp_si_conforme bcp_si_avance bcp_logiciel_pluripro
        bcp_si_dentaire_integre qualite_coordinateur qualite_ps_referent_projet qualite_certification
        vuln_n1_identifier vuln_n1_former vuln_n1_aller_vers vuln_n1_coordonner vuln_n2_identifier
        vuln_n2_former vuln_n2_aller_vers vuln_n2_coordonner vuln_n3_identifier vuln_n3_former
        vuln_n3_aller_vers vuln_n3_coordonner sages_femmes_hors_structure mediateur_sante usagers_niveau_1
        usagers_niveau_2 sesam_vitale_addendum_8 sesam_vitale_avenants_gie logiciel_reference_segur
        scor_logiciel_agree scor_format_conforme justificatif_teleservices infirmiers_teleconsultation
        registres_patients deja_remunere_qualite deja_remunere_vulnerables deja_remunere_mediateur
        deja_remunere_sages_femmes deja_remunere_usagers deja_remunere_teletransmission deja_remunere_scor
        deja_remunere_teleservices deja_remunere_video deja_remunere_connectes deja_remunere_codage
        deja_remunere_dmp deja_remunere_mss deja_remunere_eprescription deja_remunere_ecarte_vitale;
    i32: annee date_depot_projet_sante patientele_mt patientele_mt_16_plus bcp_enfants_moins_16_deux_soins
        patientele_ame patientele_infirmiere bcp_patients_ald_invalidite_infirmier patientele_dentaire etp_mg
        etp_ps etp_infirmiers etp_chirurgiens_dentistes etp_medecins etp_sages_femmes etp_paramedicaux
        bcp_amplitude_horaire_semaine bcp_semaines_fermeture_conges bcp_nb_missions_sante_publique
        bcp_nb_missions_infirmieres_supplementaires bcp_nb_missions_dentaires_supplementaires
        bcp_jours_second_recours_par_mois bcp_etp_second_recours bcp_nb_professions_medicales_autres
        bcp_nb_professions_paramedicales_autres bcp_nb_medecins_accueillis_cst
        bcp_etp_mg_integres_changement_specialite bcp_nb_reunions_concertation bcp_nb_dossiers_concertation
        bcp_patients_ald_ou_plus_75 bcp_nb_reunions_dentaires bcp_nb_stages bcp_nb_stages_medecins
        bcp_nb_stages_infirmiers_supplementaires bcp_nb_stages_dentaires_supplementaires
        bcp_nb_conventions_etablissements bcp_nb_interventions_contrat_dentaire bcp_sas_heures_ouvertes_semaine
        bcp_nb_protocoles bcp_nb_protocoles_msp bcp_nb_protocoles_cooperation_snp bcp_date_acquisition_si
        bcp_date_retrait_label_si bcp_date_acquisition_si_dentaire file_active file_active_css file_active_ame
        taux_national_css taux_national_ame qualite_criteres_total qualite_criteres_atteints actes_factures
        actes_teletransmis_securises scor_pieces_transmises scor_pieces_exploitables scor_resolution_dpi
        nb_equipements_video nb_equipements_connectes consultations_total consultations_dmp consultations_mss
        prescriptions_total prescriptions_e_prescription fse_application_carte_vitale
        option_2015_patients_adherents option_2015_montant_par_patient option_2015_etp_infirmiers
        option_2015_montant_par_etp aide_teletransmission_2015_etp aide_teletransmission_2015_montant_par_etp;
    i64: honoraires_totaux honoraires_dentaires option_2015_deja_verse aide_teletransmission_2015_deja_verse
        montant_options_2014 montant_mpa montant_rosp montant_forfaits_annexe_24 montant_forfait_patientele
        montant_option_dentaire honoraires_remboursables;
    Option<i32>: date_adhesion date_creation montant_moyen_avance_categorie;
}

pub const PAYMENTS: [&str; 7] = [
    "bcp_total_euros",
    "bcc_total_euros",
    "avance_annuelle_euros",
    "avance_centre_nouveau_euros",
    "solde_options_2015_euros",
    "solde_teletransmission_2015_euros",
    "compensation_transitoire_euros",
];

/// Article 13: what a point is worth.
const CENTS_PER_POINT: i64 = 700;

/// What other rules read of a row: those of later years, and those of other chapters.
#[derive(Clone, Debug, Default)]
pub struct Left {
    /// Article 12: whether the prerequisites of the main block are met; false where the agreement does not govern the
    /// row.
    pub prerequisites_met: bool,
    software_paid: bool,
    /// Cents of the two blocks.
    blocks: i64,
    /// Cents of the advance on the year before.
    annual_advance: i64,
    /// Article 18.2.2: whether the centre entered the rules of 2% in 2017.
    two_percent: bool,
}

/// The payments of a row in cents, `WITHOUT_OBJECT` where the law gives none.
pub fn row(c: &View<'_>, i: usize, last: Option<&Left>, averages: &AverageAdvances) -> ([i64; 7], Left) {
    let Some(period) = Period::of(c, i) else {
        return ([WITHOUT_OBJECT; 7], Left::default());
    };
    let kind = c.type_centre[i];
    let standing = main_block::standing(c, i, kind, &period, || last.is_some_and(|last| last.software_paid));
    let main = main_block::cents(c, i, kind, &period, &standing);
    let complementary = if standing.prerequisites_met { complementary_block::cents(c, i, &period) } else { 0 };
    let blocks = main + complementary;
    let annual = advance::annual(&period, last);
    let two_percent = transition::two_percent(c, i, blocks, last);
    let payments = [
        main,
        complementary,
        annual.unwrap_or(WITHOUT_OBJECT),
        advance::of_new_centre(c, i, &period, averages).unwrap_or(WITHOUT_OBJECT),
        transition::former_options(c, i, &period).unwrap_or(WITHOUT_OBJECT),
        transition::former_transmission_aid(c, i, &period).unwrap_or(WITHOUT_OBJECT),
        transition::compensation(c, i, blocks, two_percent).unwrap_or(WITHOUT_OBJECT),
    ];
    let left = Left {
        prerequisites_met: standing.prerequisites_met,
        software_paid: standing.software_paid,
        blocks,
        annual_advance: annual.unwrap_or(0),
        two_percent,
    };
    (payments, left)
}

/// What is worth some points where a condition holds.
#[inline(always)]
fn points(flag: bool, worth: i64) -> i64 {
    if flag { worth } else { 0 }
}
