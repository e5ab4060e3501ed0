#!/usr/bin/env python3
"""Les mêmes règles, sur les mêmes données, dans DuckDB, Polars, OpenFisca et polc.

CE QUI EST COMPARÉ
    Le montant du bloc commun principal de l'accord des centres de santé (`bcp_total_euros` de
    policies/accord-cds), au centime, pour chaque centre et chaque année. Les règles sont celles des
    fichiers .pol, transcrites ici trois fois, comme runtime/benches/agreement/native/blocks les
    transcrit en Rust :
    - DuckDB : une requête SQL, en BIGINT, et en HUGEINT pour la fraction qui s'arrondit (une
      division de DECIMAL y donne un flottant) ;
    - Polars : une requête différée, en Int64, et en Int128 pour la fraction, par le moteur en
      mémoire puis par le moteur au fil de l'eau (« streaming ») ;
    - OpenFisca-core : des variables entières, portées à 64 bits (les siennes n'en ont que 32).
      NumPy n'ayant pas d'entier de 128 bits, la dernière division se pose chiffre par chiffre ;
    - pour information, OpenFisca-core dans son style usuel : points et euros en float32, conditions
      exactes.
    Hors cette dernière ligne, aucun flottant n'intervient entre la donnée et le centime.

    Les centimes de référence sont ceux de `polc eval` : par le code compilé sur toutes les lignes
    tirées, et par l'interprète en fractions exactes (`--engine reference`) sur les premières.
    Chaque moteur leur est comparé sur toutes les lignes ; celui dont un seul centime diffère n'a
    pas de vitesse, et le script se termine en échec.

CE QUI NE L'EST PAS
    - Le chargement. Pour DuckDB, Polars et OpenFisca, les données sont en mémoire avant que le
      chronomètre parte : typées, les cellules vides remplacées par leur valeur par défaut, les
      décimaux en centièmes ou dix-millièmes entiers. Les lignes sont rangées par type de centre et
      par année, ce qui accélère les trois : DuckDB a une table dans cet ordre, Polars un tableau par
      type, OpenFisca une simulation par type et par année.
    - polc en mémoire. La ligne de polc est celle de `polc eval` de bout en bout, mesurée une fois :
      lire et compiler la politique, lire et vérifier le CSV, calculer, écrire le CSV. Elle ne se
      compare pas aux autres ; la vitesse du seul calcul est celle de `cargo bench -p polc-runtime
      --bench agreement`.
    - L'année précédente. Une seule règle la lit, celle du logiciel délabellisé (article 14) : elle
      reçoit en donnée si le système d'information était payé au centre l'année d'avant, comme dans
      ce banc d'essai. `polc eval` le calcule.
    - La vérification des données, les contrôles, l'explication, le reste de l'accord.

LES DONNÉES
    `polc generate` tire des centres au sort selon policies/accord-cds/donnees/profil.toml. Les
    lignes tirées sont répétées, chaque fois sous d'autres numéros FINESS, jusqu'au nombre voulu, et
    enregistrées en CSV (pour polc) et en Parquet.

INSTALLER
    python3 -m venv /tmp/comparer
    /tmp/comparer/bin/pip install duckdb==2.0.0 polars==2.1.0 numpy==2.4.6 openfisca-core==46.0.1
    cargo build --release
    Essayé avec Python 3.11 et ces versions.

LANCER
    /tmp/comparer/bin/python docs/performances/comparer.py
    /tmp/comparer/bin/python docs/performances/comparer.py --rows 100000 --threads 2
    Un seul fil par défaut, pour tous les moteurs ; OpenFisca n'en a jamais qu'un. `--help` donne
    les autres options.
"""

# ruff: noqa: F811

import argparse
import csv
import datetime
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
POLICY = ROOT / "policies/accord-cds"
AMOUNT = "bcp_total_euros"
SOFTWARE_PAID = "bcp_si_remunere"
# En centimes, là où l'accord ne régit pas la ligne.
WITHOUT_OBJECT = -1
# Lignes données aussi à l'interprète en fractions exactes.
REFERENCE_ROWS = 2_000


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, "comparer.py : ligne de commande fautive ; voir --help\n")


def arguments():
    parser = Parser(usage="comparer.py [options]", add_help=False, description=__doc__.splitlines()[0])
    option = parser.add_argument
    option("--rows", type=int, default=1_000_000, metavar="N", help="lignes à calculer (1 000 000 par défaut)")
    option("--subjects", type=int, default=2_000, metavar="N", help="centres tirés au sort, répétés (2 000 par défaut)")
    option("--turns", type=int, default=5, metavar="N", help="mesures de chaque moteur, à tour de rôle (5 par défaut)")
    option("--threads", type=int, default=1, metavar="N", help="fils d'exécution (1 par défaut)")
    option("--polc", type=Path, default=ROOT / "target/release/polc", metavar="FICHIER", help="le programme polc")
    option("--folder", type=Path, metavar="DOSSIER", help="où écrire les données (un dossier temporaire par défaut)")
    option("--help", action="help", help="cette aide")
    options = parser.parse_args()
    if not options.polc.is_file():
        parser.exit(2, f"comparer.py : {options.polc} manque (« cargo build --release », ou --polc)\n")
    return options


OPTIONS = arguments()
# Polars lit ce nombre quand il s'importe.
os.environ["POLARS_MAX_THREADS"] = str(OPTIONS.threads)

import duckdb
import numpy as np
import polars as pl
from openfisca_core.entities import build_entity
from openfisca_core.periods import DateUnit
from openfisca_core.simulations import SimulationBuilder
from openfisca_core.taxbenefitsystems import TaxBenefitSystem
from openfisca_core.variables import Variable

# ----------------------------------------------------------------------------------------------------------------------
# Les données

INPUTS = """
    annee type_centre date_adhesion bcp_remunere_autre_accord date_depot_projet_sante
    patientele_mt patientele_mt_16_plus bcp_enfants_moins_16_deux_soins patientele_ame bcp_derogation_enfant_2020
    patientele_infirmiere bcp_patients_ald_invalidite_infirmier patientele_dentaire
    etp_mg etp_ps etp_infirmiers etp_chirurgiens_dentistes honoraires_totaux honoraires_dentaires
    bcp_amplitude_horaire_semaine bcp_ouvert_samedi_matin bcp_semaines_fermeture_conges bcp_derogation_ars_horaires
    bcp_soins_non_programmes bcp_acces_24h_365j bcp_charte_et_information
    bcp_plan_crise_redige bcp_crise_sanitaire_grave bcp_actions_crise
    bcp_nb_missions_sante_publique bcp_ipa_salarie bcp_nb_missions_infirmieres_supplementaires
    bcp_nb_missions_dentaires_supplementaires bcp_jours_second_recours_par_mois bcp_etp_second_recours
    bcp_nb_professions_medicales_autres bcp_nb_professions_paramedicales_autres bcp_nb_medecins_accueillis_cst
    bcp_etp_mg_integres_changement_specialite bcp_nb_reunions_concertation bcp_mode_concertation
    bcp_activite_paramedicale bcp_nb_dossiers_concertation bcp_patients_ald_ou_plus_75 bcp_nb_reunions_dentaires
    bcp_convention_msp bcp_concertation_msp bcp_nb_stages bcp_nb_stages_medecins
    bcp_nb_stages_infirmiers_supplementaires bcp_nb_stages_dentaires_supplementaires bcp_procedure_transmission
    bcp_nb_conventions_etablissements bcp_repertoire_offre bcp_information_vaccin_grippe bcp_contrat_dentaire_externe
    bcp_nb_interventions_contrat_dentaire bcp_fonction_coordination bcp_sas_agenda bcp_sas_heures_ouvertes_semaine
    bcp_sas_inscrit bcp_sas_toutes_sollicitations bcp_nb_protocoles bcp_nb_protocoles_msp
    bcp_nb_protocoles_cooperation_snp bcp_parcours_insuffisance_cardiaque bcp_parcours_obesite_enfant
    bcp_mission_surpoids_enfant bcp_si_standard bcp_si_segur_lap bcp_si_conforme bcp_date_acquisition_si
    bcp_date_retrait_label_si bcp_si_avance bcp_logiciel_pluripro bcp_si_dentaire_integre
    bcp_date_acquisition_si_dentaire file_active file_active_css file_active_ame taux_national_css taux_national_ame
""".split()
KINDS = ["medical", "polyvalent", "infirmier", "dentaire"]
GENERALISTS = ["medical", "polyvalent"]
# Ce que le code ajoute aux entrées.
PREVIOUSLY_PAID = "si_remunere_annee_precedente"
ROW = "ligne"


def spaced(number):
    return f"{number:,}".replace(",", " ")


def polc(*words):
    """Lance polc et rend la durée, en secondes."""
    start = time.perf_counter()
    done = subprocess.run([OPTIONS.polc, *map(str, words)], capture_output=True, text=True, check=False)
    duration = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit(f"polc {words[0]} a échoué :\n{done.stderr}")
    return duration, done.stdout


def evaluate(data, result, outputs, engine):
    words = ["--outputs", ",".join(outputs), "--engine", engine, "--threads", OPTIONS.threads, "-o", result]
    return polc("eval", POLICY, data, *words)[0]


class Column:
    """Une entrée : comment ses cellules se lisent."""

    def __init__(self, description):
        self.cases = [case["const"] for case in description.get("oneOf", []) if "const" in case]
        types = description.get("type", [])
        self.flag = "boolean" in types
        self.date = description.get("format") == "date"
        self.scale = round(1 / description["multipleOf"]) if "multipleOf" in description else 1
        default = description.get("default")
        if default is None and not self.date:
            default = self.cases[0] if self.cases else 0
        self.default = datetime.date.fromisoformat(default) if self.date and default else default
        self.type = (
            pl.Enum(self.cases) if self.cases else pl.Boolean if self.flag else pl.Date if self.date else pl.Int64
        )

    def value(self, cell):
        if cell == "":
            return bool(self.default) if self.flag else self.default
        if self.flag:
            return cell == "vrai"
        if self.date:
            return datetime.date.fromisoformat(cell)
        return cell if self.cases else int(Decimal(cell) * self.scale)


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def cents(cell):
    return None if cell == "" else int(Decimal(cell) * 100)


def check_reference(rows, expected, folder):
    """Compare le code compilé à l'interprète en fractions exactes, sur les premières lignes ; rend leur nombre."""
    count = min(REFERENCE_ROWS, len(rows))
    # Des centres entiers, à cause de l'année précédente.
    while count < len(rows) and rows[count]["finess"] == rows[count - 1]["finess"]:
        count += 1
    data, result = folder / "echantillon.csv", folder / "echantillon-resultats.csv"
    with open(data, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows[:count])
    evaluate(data, result, [AMOUNT], "reference")
    if [cents(row[AMOUNT]) for row in read(result)] != expected[:count]:
        sys.exit("Le code compilé et l'interprète de polc diffèrent : il n'y a pas de référence.")
    return count


def typed(rows, paid):
    """Les entrées, typées. `paid` : les centres et les années où le système d'information est payé."""
    properties = json.loads(polc("schema", POLICY, "--format", "json")[1])["properties"]
    columns = {}
    for name in INPUTS:
        column = Column(properties[name])
        columns[name] = pl.Series([column.value(row[name]) for row in rows], dtype=column.type)
    columns[PREVIOUSLY_PAID] = [(row["finess"], int(row["annee"]) - 1) in paid for row in rows]
    return pl.DataFrame(columns)


def prepare(folder):
    """Écrit les données, en Parquet et en CSV ; rend les centimes de référence."""
    drawn, result = folder / "tirage.csv", folder / "tirage-resultats.csv"
    polc("generate", POLICY, POLICY / "donnees/profil.toml", "--subjects", OPTIONS.subjects, "-o", drawn)
    evaluate(drawn, result, [AMOUNT, SOFTWARE_PAID], "compiled")
    rows, results = read(drawn), read(result)
    expected = [cents(row[AMOUNT]) for row in results]
    checked = check_reference(rows, expected, folder)

    paid = {(row["finess"], int(row["annee"])) for row in results if row[SOFTWARE_PAID] == "vrai"}
    copies = -(-OPTIONS.rows // len(rows))
    frame = pl.concat([typed(rows, paid)] * copies).head(OPTIONS.rows)
    ranked = frame.with_row_index(ROW).sort("type_centre", "annee", maintain_order=True)
    ranked.write_parquet(folder / "centres.parquet")
    with open(folder / "centres.csv", "w", encoding="utf-8") as file:
        file.write(",".join(["finess", *INPUTS]) + "\n")
        ends = [",".join(row[name] for name in INPUTS) for row in rows]
        for index in range(OPTIONS.rows):
            copy, row = divmod(index, len(rows))
            file.write(f"{rows[row]['finess']}-{copy},{ends[row]}\n")
    expected = (expected * copies)[: OPTIONS.rows]
    print(
        f"{spaced(len(rows))} lignes tirées, dont {spaced(checked)} vérifiées par l'interprète. "
        f"{spaced(OPTIONS.rows)} lignes à calculer, dont {spaced(expected.count(None))} sans objet et "
        f"{spaced(expected.count(0))} à zéro."
    )
    return np.array([WITHOUT_OBJECT if value is None else value for value in expected], dtype=np.int64)


# ----------------------------------------------------------------------------------------------------------------------
# DuckDB

SQL = """
WITH dated AS NOT MATERIALIZED (
    SELECT *, make_date(annee, 1, 1) AS first_day, make_date(annee, 12, 31) AS last_day FROM centres
),
-- Article 3 (champ), article 13 (prorata), article 8.1 (accessibilité), article 8.4.1 et article 14 (logiciel)
governed AS NOT MATERIALIZED (
    SELECT *,
        coalesce(date_adhesion <= last_day, false) AS governed,
        type_centre IN ('medical', 'polyvalent') AS generalist,
        last_day - first_day + 1 AS year_days,
        last_day - greatest(date_adhesion, first_day) + 1 AS covered_days,
        greatest(last_day - greatest(bcp_date_acquisition_si, date_adhesion, first_day) + 1, 0) AS software_days,
        CASE WHEN type_centre = 'infirmier' THEN bcp_acces_24h_365j
             ELSE (bcp_amplitude_horaire_semaine >= 800 OR bcp_derogation_ars_horaires)
                 AND bcp_semaines_fermeture_conges <= 3
        END AND bcp_soins_non_programmes AND bcp_charte_et_information AS accessible,
        CASE WHEN type_centre IN ('medical', 'polyvalent') THEN bcp_si_standard AND (annee < 2023 OR bcp_si_segur_lap)
             ELSE bcp_si_conforme
        END AND bcp_date_acquisition_si <= last_day AS software_reached,
        type_centre IN ('medical', 'polyvalent')
            AND year(bcp_date_retrait_label_si) BETWEEN annee - 1 AND annee AS delisted
    FROM dated
),
-- Article 12 (prérequis), article 14 (centre nouveau), article 11 (non-cumul) : `kind` est nul là où rien n'est dû
payable AS NOT MATERIALIZED (
    SELECT *,
        CASE WHEN governed AND NOT bcp_remunere_autre_accord AND (
            accessible AND bcp_plan_crise_redige AND bcp_fonction_coordination AND (software_reached OR delisted)
            OR accessible::INT + bcp_plan_crise_redige::INT + bcp_fonction_coordination::INT
                    + software_reached::INT >= 2
                AND year(date_adhesion) >= annee - 1
                AND date_adhesion < (date_depot_projet_sante + INTERVAL 1 YEAR)::DATE
        ) THEN type_centre END AS kind,
        CASE WHEN delisted AND NOT software_reached THEN si_remunere_annee_precedente ELSE software_reached
        END AS software_paid,
        bcp_plan_crise_redige AND bcp_crise_sanitaire_grave AND bcp_actions_crise AS crisis
    FROM governed
),
-- Articles 13.1 (patientèle), 8.3.1 (concertation), 8.3.5 (SAS), 7 (forte activité), 13.3 (majoration), 15.5
measured AS NOT MATERIALIZED (
    SELECT *,
        CASE WHEN generalist THEN
            CASE WHEN annee BETWEEN 2017 AND 2019 OR annee = 2020 AND bcp_derogation_enfant_2020
                 THEN patientele_mt_16_plus + bcp_enfants_moins_16_deux_soins
                 ELSE patientele_mt
            END + CASE WHEN annee >= 2020 THEN patientele_ame ELSE 0 END
        END AS patients,
        bcp_nb_reunions_concertation * year_days >= 6 * covered_days
            AND (bcp_mode_concertation = 'pluriprofessionnelle' OR NOT bcp_activite_paramedicale) AS met,
        CASE bcp_mode_concertation WHEN 'entre_professions_medicales' THEN 250
            WHEN 'avec_auxiliaires_exterieurs' THEN 150 ELSE 0 END AS reduction,
        bcp_sas_inscrit AND (bcp_sas_agenda = 'ouvert_public'
            OR bcp_sas_agenda = 'partage_regulation' AND bcp_sas_heures_ouvertes_semaine >= 2 * etp_mg) AS dispatch,
        kind = 'polyvalent' AND 2 * etp_infirmiers >= etp_mg AND etp_infirmiers >= 400 AS nursing_activity,
        kind = 'polyvalent' AND honoraires_totaux > 0 AND 5 * honoraires_dentaires >= honoraires_totaux
            AS dental_activity,
        -- En millièmes de patient
        1000 * patientele_infirmiere + greatest(0, least(200 * patientele_infirmiere,
            1000 * bcp_patients_ald_invalidite_infirmier - 452 * patientele_infirmiere)) AS raised,
        -- Les minorations d'ouverture
        CASE WHEN bcp_derogation_ars_horaires THEN 0
             WHEN kind = 'dentaire' THEN
                 CASE WHEN bcp_amplitude_horaire_semaine BETWEEN 800 AND 999 THEN 70
                      WHEN bcp_amplitude_horaire_semaine BETWEEN 1000 AND 1199 THEN 30 ELSE 0 END
                 + 50 * (NOT bcp_ouvert_samedi_matin)::INT
             ELSE
                 CASE WHEN bcp_amplitude_horaire_semaine BETWEEN 800 AND 999 THEN 150
                      WHEN bcp_amplitude_horaire_semaine BETWEEN 1000 AND 1199 THEN 60 ELSE 0 END
                 + 120 * (NOT bcp_ouvert_samedi_matin)::INT
        END AS shortfall
    FROM payable
),
-- Les points : entiers, ou en fractions de `unit`, que les quotients par 4 000, 2 600 et 450 000 rendent entières
pointed AS NOT MATERIALIZED (
    SELECT *,
        CASE kind WHEN 'medical' THEN 4000 WHEN 'polyvalent' THEN 11700000 WHEN 'infirmier' THEN 450000 ELSE 2600
        END AS unit,
        CASE WHEN kind IN ('medical', 'polyvalent') THEN
            accessible::INT * (800 - shortfall - 30 * bcp_semaines_fermeture_conges)
            + 100 * bcp_plan_crise_redige::INT
            + 100 * least(bcp_nb_protocoles, 8)
            + 1000 * bcp_fonction_coordination::INT
            + 200 * (bcp_ipa_salarie AND bcp_nb_missions_sante_publique >= 1)::INT
            + (bcp_nb_stages * year_days >= 2 * covered_days)::INT * (450 + 50 * least(bcp_nb_stages_medecins, 2))
            + 225 * greatest(0, least(bcp_nb_stages, 5) - 2)
            + 200 * (dispatch AND bcp_sas_toutes_sollicitations)::INT
            + 300 * (bcp_jours_second_recours_par_mois >= 200)::INT
            + 300 * (bcp_jours_second_recours_par_mois >= 200 AND bcp_etp_second_recours >= 50)::INT
            -- Deux professions médicales, trois paramédicales : 300 points pour l'une, 600 pour les deux
            + 300 * (bcp_nb_professions_medicales_autres >= 2)::INT
            + 300 * (bcp_nb_professions_paramedicales_autres >= 3)::INT
            + 40 * bcp_ipa_salarie::INT * least(bcp_nb_protocoles, 8)
            + 100 * bcp_si_avance::INT
            + 200 * (bcp_nb_medecins_accueillis_cst >= 1 OR bcp_etp_mg_integres_changement_specialite >= 100)::INT
            + 100 * least(bcp_nb_protocoles_cooperation_snp, 6)
            + 100 * (bcp_parcours_obesite_enfant AND bcp_mission_surpoids_enfant)::INT
            + 225 * (nursing_activity AND bcp_nb_stages_infirmiers_supplementaires >= 1)::INT
            + CASE WHEN dental_activity THEN
                200 * (bcp_nb_reunions_dentaires * year_days >= 3 * covered_days)::INT
                + 225 * (bcp_nb_stages_dentaires_supplementaires >= 1)::INT
                + 200 * (bcp_contrat_dentaire_externe AND bcp_nb_interventions_contrat_dentaire >= 3)::INT
              ELSE 0 END
        WHEN kind = 'infirmier' THEN
            200 * accessible::INT
            + 100 * bcp_plan_crise_redige::INT
            + 400 * (bcp_nb_reunions_concertation * year_days >= 6 * covered_days)::INT
            + 200 * bcp_fonction_coordination::INT
            + 250 * (bcp_nb_stages * year_days >= covered_days)::INT
            + 225 * (bcp_nb_stages >= 2)::INT
            + bcp_convention_msp::INT * (
                100 * bcp_concertation_msp::INT
                + 25 * least(bcp_nb_protocoles_msp, 8)
                + 150 * bcp_logiciel_pluripro::INT)
        WHEN kind = 'dentaire' THEN
            accessible::INT * (400 - shortfall - 20 * (bcp_semaines_fermeture_conges >= 1)::INT)
            + 100 * bcp_plan_crise_redige::INT
            + 200 * (bcp_nb_reunions_concertation * year_days >= 3 * covered_days)::INT
            + 200 * bcp_fonction_coordination::INT
            + 250 * (bcp_nb_stages * year_days >= covered_days)::INT
            + 225 * (bcp_nb_stages >= 2)::INT
            + 500 * (bcp_contrat_dentaire_externe AND bcp_nb_interventions_contrat_dentaire >= 3)::INT
        END AS fixed_points,
        CASE WHEN kind IN ('medical', 'polyvalent') THEN
            CASE kind WHEN 'polyvalent' THEN 2925 ELSE 1 END * (
                patients * (350 * crisis::INT
                    + 350 * least(bcp_nb_missions_sante_publique, 2)
                    + 200 * (bcp_ipa_salarie AND met)::INT
                    + 200 * bcp_procedure_transmission::INT
                    + 100 * bcp_parcours_insuffisance_cardiaque::INT)
                + bcp_fonction_coordination::INT * (1700 * least(patients, 8000) + 1100 * greatest(patients - 8000, 0))
                + 8000 * dispatch::INT * etp_mg
                -- La concertation dont tous les dossiers sont étudiés
                + CASE WHEN met AND 20 * bcp_nb_dossiers_concertation * year_days
                        >= bcp_patients_ald_ou_plus_75 * covered_days
                    THEN greatest(0, 1000 * patients - 4000 * reduction)
                    ELSE 0 END)
            + CASE WHEN nursing_activity AND bcp_nb_missions_infirmieres_supplementaires >= 1
                THEN 200 * 26 * raised ELSE 0 END
            + CASE WHEN dental_activity AND bcp_nb_missions_dentaires_supplementaires >= 1
                THEN 200 * 4500 * patientele_dentaire ELSE 0 END
        WHEN kind = 'infirmier' THEN
            raised * (350 * crisis::INT
                + 200 * least(bcp_nb_missions_sante_publique, 2)
                + 300 * (bcp_procedure_transmission AND bcp_nb_conventions_etablissements >= 2 AND bcp_repertoire_offre
                    AND bcp_information_vaccin_grippe)::INT)
        WHEN kind = 'dentaire' THEN
            patientele_dentaire * (350 * crisis::INT + 200 * least(bcp_nb_missions_sante_publique, 1))
        END AS variable_points,
        CASE WHEN NOT software_paid THEN 0
             WHEN kind IN ('medical', 'polyvalent')
             THEN 50000 + 200 * least(etp_ps, 1600) + 150 * greatest(etp_ps - 1600, 0)
             WHEN kind = 'infirmier'
             THEN 40000 + 100 * least(etp_infirmiers, 1000) + 50 * greatest(etp_infirmiers - 1000, 0)
             WHEN kind = 'dentaire'
             THEN 25000 + 200 * least(etp_chirurgiens_dentistes, 600)
                 + 150 * greatest(etp_chirurgiens_dentistes - 600, 0)
        END AS software_hundredths,
        CASE WHEN dental_activity AND bcp_si_dentaire_integre
             THEN 450 * 4500 * patientele_dentaire
                 * greatest(last_day - greatest(bcp_date_acquisition_si_dentaire, date_adhesion, first_day) + 1, 0)
             ELSE 0
        END AS dental_software,
        -- La concertation dont une part des dossiers est étudiée : son dénominateur, et son numérateur
        CASE WHEN kind IN ('medical', 'polyvalent') AND met
                AND 20 * bcp_nb_dossiers_concertation * year_days < bcp_patients_ald_ou_plus_75 * covered_days
             THEN bcp_patients_ald_ou_plus_75
        END AS concerned,
        greatest(0, patients * 20 * bcp_nb_dossiers_concertation * year_days
            - 4 * bcp_patients_ald_ou_plus_75 * covered_days * reduction) AS studied,
        -- Article 15.6, en dix-millièmes de la file active
        greatest(0, 10000 * file_active_css - taux_national_css * file_active)
            + greatest(0, 10000 * file_active_ame - taux_national_ame * file_active) AS above
    FROM measured
),
-- Fractions d'unité × jours
summed AS NOT MATERIALIZED (
    SELECT *,
        (software_hundredths * (unit // 100) * software_days + dental_software
            + (fixed_points * unit + variable_points) * covered_days) AS points,
        CASE WHEN generalist THEN above ELSE least(above, 2500 * file_active) END AS precarity
    FROM pointed
),
fractions AS NOT MATERIALIZED (
    SELECT *,
        -- Deux fois le numérateur
        1400::HUGEINT * CASE WHEN concerned IS NULL THEN points
            ELSE points::HUGEINT * concerned + studied::HUGEINT * (unit // 4) END
            * CASE WHEN file_active = 0 THEN 1 ELSE 10000 * file_active + precarity END AS twice,
        unit::HUGEINT * year_days * coalesce(concerned, 1)
            * CASE WHEN file_active = 0 THEN 1 ELSE 10000 * file_active END AS denominator
    FROM summed
)
SELECT ligne, CASE WHEN NOT governed THEN NULL WHEN kind IS NULL THEN 0
    -- Au plus proche, la moitié vers le haut
    ELSE ((twice + denominator) // (2 * denominator))::BIGINT END AS cents
FROM fractions
"""


class DuckDb:
    name = "DuckDB (SQL, HUGEINT)"
    version = version("duckdb")
    threads = OPTIONS.threads

    def __init__(self, folder):
        self.base = duckdb.connect()
        self.base.execute(f"SET threads = {OPTIONS.threads}")
        self.base.execute("CREATE TYPE kind AS ENUM ('medical', 'polyvalent', 'infirmier', 'dentaire')")
        self.base.execute("CREATE TYPE agenda AS ENUM ('aucun', 'ouvert_public', 'partage_regulation')")
        self.base.execute(
            "CREATE TYPE concertation AS ENUM ('pluriprofessionnelle', 'entre_professions_medicales', "
            "'avec_auxiliaires_exterieurs')"
        )
        self.base.execute(
            "CREATE TABLE centres AS SELECT * REPLACE (type_centre::kind AS type_centre, bcp_sas_agenda::agenda AS "
            "bcp_sas_agenda, bcp_mode_concertation::concertation AS bcp_mode_concertation) FROM read_parquet(?)",
            [str(folder / "centres.parquet")],
        )

    def run(self):
        self.base.execute(f"CREATE OR REPLACE TEMP TABLE results AS {SQL}")

    def cents(self):
        found = self.base.execute("SELECT cents FROM results ORDER BY ligne").fetchnumpy()["cents"]
        return np.ma.filled(found, WITHOUT_OBJECT)


# ----------------------------------------------------------------------------------------------------------------------
# Polars

C = pl.col


def choose(condition, value, otherwise=0):
    return pl.when(condition).then(value).otherwise(otherwise)


def days_from(*dates):
    """Les jours de l'année à partir de la plus tardive de ces dates."""
    return ((C("last_day") - pl.max_horizontal(*dates)).dt.total_days() + 1).clip(0)


def polars_common(centres, kind):
    """Articles 3, 8.1, 8.4, 11, 12, 13 et 14 : les jours, les prérequis, ce qui est dû."""
    welcoming = ((C("bcp_amplitude_horaire_semaine") >= 800) | C("bcp_derogation_ars_horaires")) & (
        C("bcp_semaines_fermeture_conges") <= 3
    )
    if kind == "infirmier":
        welcoming = C("bcp_acces_24h_365j")
    software, delisted = C("bcp_si_conforme"), pl.lit(False)
    if kind in GENERALISTS:
        software = C("bcp_si_standard") & ((C("annee") < 2023) | C("bcp_si_segur_lap"))
        delisted = C("bcp_date_retrait_label_si").dt.year().cast(pl.Int64).is_between(C("annee") - 1, C("annee"))
    reached = ["accessible", "bcp_plan_crise_redige", "bcp_fonction_coordination", "software_reached"]
    all_reached = C("accessible") & C("bcp_plan_crise_redige") & C("bcp_fonction_coordination")
    new_centre = (C("date_adhesion").dt.year() >= C("annee") - 1) & (
        C("date_adhesion") < C("date_depot_projet_sante").dt.offset_by("1y")
    )
    return (
        centres.with_columns(first_day=pl.date(C("annee"), 1, 1), last_day=pl.date(C("annee"), 12, 31))
        .with_columns(
            governed=(C("date_adhesion") <= C("last_day")).fill_null(False),
            year_days=(C("last_day") - C("first_day")).dt.total_days() + 1,
            covered_days=days_from("date_adhesion", "first_day"),
            software_days=days_from("bcp_date_acquisition_si", "date_adhesion", "first_day"),
            accessible=welcoming & C("bcp_soins_non_programmes") & C("bcp_charte_et_information"),
            software_reached=software & (C("bcp_date_acquisition_si") <= C("last_day")),
            delisted=delisted,
        )
        .with_columns(
            paid=~C("bcp_remunere_autre_accord")
            & (
                (all_reached & (C("software_reached") | C("delisted")))
                | ((pl.sum_horizontal(reached) >= 2) & new_centre)
            ),
            software_paid=choose(C("delisted") & ~C("software_reached"), C(PREVIOUSLY_PAID), C("software_reached")),
            crisis=C("bcp_plan_crise_redige") & C("bcp_crise_sanitaire_grave") & C("bcp_actions_crise"),
        )
    )


def shortfall(long, short, saturday):
    """Article 15.5 : les minorations d'ouverture."""
    hours = C("bcp_amplitude_horaire_semaine")
    points = (
        long * ((hours >= 800) & (hours < 1000))
        + short * ((hours >= 1000) & (hours < 1200))
        + saturday * ~C("bcp_ouvert_samedi_matin")
    )
    return points * ~C("bcp_derogation_ars_horaires")


def raised():
    """Article 13.3, en millièmes de patient."""
    patients = C("patientele_infirmiere")
    excess = 1000 * C("bcp_patients_ald_invalidite_infirmier") - 452 * patients
    return 1000 * patients + pl.min_horizontal(200 * patients, excess).clip(0)


def polars_cents(points, unit, capped):
    """Sept euros le point, majorés selon l'article 15.6 ; au plus proche, la moitié vers le haut."""
    patients = C("file_active")

    def above(some, share):
        return (10_000 * C(some) - C(share) * patients).clip(0)

    excess = above("file_active_css", "taux_national_css") + above("file_active_ame", "taux_national_ame")
    if capped:
        excess = pl.min_horizontal(excess, 2_500 * patients)
    nobody = patients == 0
    twice = 1400 * points.cast(pl.Int128) * choose(nobody, 1, 10_000 * patients + excess)
    denominator = unit.cast(pl.Int128) * choose(nobody, 1, 10_000 * patients)
    return ((twice + denominator) // (2 * denominator)).cast(pl.Int64).alias("cents")


def polars_generalist(rows, polyvalent):
    """Les centres médicaux et polyvalents."""
    # D'un point, pour que les quotients par 4 000, 2 600 et 450 000 soient entiers.
    unit = 11_700_000 if polyvalent else 4_000
    children = C("annee").is_between(2017, 2019) | ((C("annee") == 2020) & C("bcp_derogation_enfant_2020"))
    hours_enough = C("bcp_sas_heures_ouvertes_semaine") >= 2 * C("etp_mg")
    rows = rows.with_columns(
        patients=choose(children, C("patientele_mt_16_plus") + C("bcp_enfants_moins_16_deux_soins"), C("patientele_mt"))
        + choose(C("annee") >= 2020, C("patientele_ame")),
        met=(C("bcp_nb_reunions_concertation") * C("year_days") >= 6 * C("covered_days"))
        & ((C("bcp_mode_concertation") == "pluriprofessionnelle") | ~C("bcp_activite_paramedicale")),
        dispatch=C("bcp_sas_inscrit")
        & ((C("bcp_sas_agenda") == "ouvert_public") | ((C("bcp_sas_agenda") == "partage_regulation") & hours_enough)),
        studied=20 * C("bcp_nb_dossiers_concertation") * C("year_days"),
        wanted=C("bcp_patients_ald_ou_plus_75") * C("covered_days"),
        reduction=choose(
            C("bcp_mode_concertation") == "entre_professions_medicales",
            250,
            choose(C("bcp_mode_concertation") == "avec_auxiliaires_exterieurs", 150),
        ),
    )
    patients, trainees, nurse = C("patients"), C("bcp_nb_stages"), C("bcp_ipa_salarie")
    two_days = C("bcp_jours_second_recours_par_mois") >= 200
    fixed = (
        C("accessible") * (800 - shortfall(150, 60, 120) - 30 * C("bcp_semaines_fermeture_conges"))
        + 100 * C("bcp_plan_crise_redige")
        + 100 * C("bcp_nb_protocoles").clip(None, 8)
        + 1000 * C("bcp_fonction_coordination")
        + 200 * (nurse & (C("bcp_nb_missions_sante_publique") >= 1))
        + (trainees * C("year_days") >= 2 * C("covered_days")) * (450 + 50 * C("bcp_nb_stages_medecins").clip(None, 2))
        + 225 * (trainees - 2).clip(0, 3)
        + 200 * (C("dispatch") & C("bcp_sas_toutes_sollicitations"))
        + 300 * two_days
        + 300 * (two_days & (C("bcp_etp_second_recours") >= 50))
        # Deux professions médicales, trois paramédicales : 300 points pour l'une, 600 pour les deux.
        + 300 * (C("bcp_nb_professions_medicales_autres") >= 2)
        + 300 * (C("bcp_nb_professions_paramedicales_autres") >= 3)
        + 40 * nurse * C("bcp_nb_protocoles").clip(None, 8)
        + 100 * C("bcp_si_avance")
        + 200 * ((C("bcp_nb_medecins_accueillis_cst") >= 1) | (C("bcp_etp_mg_integres_changement_specialite") >= 100))
        + 100 * C("bcp_nb_protocoles_cooperation_snp").clip(None, 6)
        + 100 * (C("bcp_parcours_obesite_enfant") & C("bcp_mission_surpoids_enfant"))
    )
    rates = (
        350 * C("crisis")
        + 350 * C("bcp_nb_missions_sante_publique").clip(None, 2)
        + 200 * (nurse & C("met"))
        + 200 * C("bcp_procedure_transmission")
        + 100 * C("bcp_parcours_insuffisance_cardiaque")
    )
    coordination = C("bcp_fonction_coordination") * (
        1700 * patients.clip(None, 8000) + 1100 * (patients - 8000).clip(0)
    )
    whole = C("met") & (C("studied") >= C("wanted"))
    concertation = whole * (1000 * patients - 4000 * C("reduction")).clip(0)
    variable = (patients * rates + coordination + 8000 * C("dispatch") * C("etp_mg") + concertation) * (unit // 4_000)
    staff = C("etp_ps")
    software = C("software_paid") * (50_000 + 200 * staff.clip(None, 1600) + 150 * (staff - 1600).clip(0))
    timed = software * (unit // 100) * C("software_days")
    if polyvalent:
        nursing = (2 * C("etp_infirmiers") >= C("etp_mg")) & (C("etp_infirmiers") >= 400)
        dental = (C("honoraires_totaux") > 0) & (5 * C("honoraires_dentaires") >= C("honoraires_totaux"))
        external = C("bcp_contrat_dentaire_externe") & (C("bcp_nb_interventions_contrat_dentaire") >= 3)
        dental_meetings = C("bcp_nb_reunions_dentaires") * C("year_days") >= 3 * C("covered_days")
        fixed += (
            225 * (nursing & (C("bcp_nb_stages_infirmiers_supplementaires") >= 1))
            + 200 * (dental & dental_meetings)
            + 225 * (dental & (C("bcp_nb_stages_dentaires_supplementaires") >= 1))
            + 200 * (dental & external)
        )
        dental_patients = C("patientele_dentaire") * (unit // 2_600)
        variable += (nursing & (C("bcp_nb_missions_infirmieres_supplementaires") >= 1)) * (
            200 * (unit // 450_000) * raised()
        ) + (dental & (C("bcp_nb_missions_dentaires_supplementaires") >= 1)) * (200 * dental_patients)
        days = days_from("bcp_date_acquisition_si_dentaire", "date_adhesion", "first_day")
        timed += (dental & C("bcp_si_dentaire_integre")) * (450 * dental_patients * days)
    timed += (fixed * unit + variable) * C("covered_days")
    # La concertation dont une part des dossiers est étudiée.
    partial = C("met") & (C("studied") < C("wanted"))
    concerned = choose(partial, C("bcp_patients_ald_ou_plus_75"), 1)
    part = partial * (patients * C("studied") - 4 * C("reduction") * C("wanted")).clip(0)
    points = timed.cast(pl.Int128) * concerned + part.cast(pl.Int128) * (unit // 4)
    return rows.select(ROW, polars_cents(points, unit * C("year_days").cast(pl.Int128) * concerned, capped=False))


def polars_nursing(rows):
    """Les centres infirmiers."""
    unit = 450_000
    trainees = C("bcp_nb_stages")
    fixed = (
        200 * C("accessible")
        + 100 * C("bcp_plan_crise_redige")
        + 400 * (C("bcp_nb_reunions_concertation") * C("year_days") >= 6 * C("covered_days"))
        + 200 * C("bcp_fonction_coordination")
        + 250 * (trainees * C("year_days") >= C("covered_days"))
        + 225 * (trainees >= 2)
        + 100 * (C("bcp_convention_msp") & C("bcp_concertation_msp"))
        + 25 * C("bcp_convention_msp") * C("bcp_nb_protocoles_msp").clip(None, 8)
        + 150 * (C("bcp_convention_msp") & C("bcp_logiciel_pluripro"))
    )
    external = (
        C("bcp_procedure_transmission")
        & (C("bcp_nb_conventions_etablissements") >= 2)
        & C("bcp_repertoire_offre")
        & C("bcp_information_vaccin_grippe")
    )
    rates = 350 * C("crisis") + 300 * external + 200 * C("bcp_nb_missions_sante_publique").clip(None, 2)
    staff = C("etp_infirmiers")
    software = C("software_paid") * (40_000 + 100 * staff.clip(None, 1000) + 50 * (staff - 1000).clip(0))
    points = software * (unit // 100) * C("software_days") + (fixed * unit + rates * raised()) * C("covered_days")
    return rows.select(ROW, polars_cents(points, unit * C("year_days"), capped=True))


def polars_dental(rows):
    """Les centres dentaires."""
    unit = 2_600
    weeks, trainees = C("bcp_semaines_fermeture_conges"), C("bcp_nb_stages")
    external = C("bcp_contrat_dentaire_externe") & (C("bcp_nb_interventions_contrat_dentaire") >= 3)
    fixed = (
        C("accessible") * (400 - shortfall(70, 30, 50) - 20 * (weeks >= 1))
        + 100 * C("bcp_plan_crise_redige")
        + 200 * (C("bcp_nb_reunions_concertation") * C("year_days") >= 3 * C("covered_days"))
        + 200 * C("bcp_fonction_coordination")
        + 250 * (trainees * C("year_days") >= C("covered_days"))
        + 225 * (trainees >= 2)
        + 500 * external
    )
    rates = 350 * C("crisis") + 200 * C("bcp_nb_missions_sante_publique").clip(None, 1)
    variable = rates * C("patientele_dentaire")
    staff = C("etp_chirurgiens_dentistes")
    software = C("software_paid") * (25_000 + 200 * staff.clip(None, 600) + 150 * (staff - 600).clip(0))
    points = software * (unit // 100) * C("software_days") + (fixed * unit + variable) * C("covered_days")
    return rows.select(ROW, polars_cents(points, unit * C("year_days"), capped=True))


def polars_query(frame):
    rules = {
        "medical": lambda rows: polars_generalist(rows, polyvalent=False),
        "polyvalent": lambda rows: polars_generalist(rows, polyvalent=True),
        "infirmier": polars_nursing,
        "dentaire": polars_dental,
    }

    def without(rows, cents):
        return rows.select(ROW, pl.lit(cents, pl.Int64).alias("cents"))

    results = []
    for (kind,), centres in frame.partition_by("type_centre", as_dict=True).items():
        rows = polars_common(centres.lazy(), kind)
        results.append(rules[kind](rows.filter(C("governed") & C("paid"))))
        results.append(without(rows.filter(C("governed") & ~C("paid")), 0))
        results.append(without(rows.filter(~C("governed")), WITHOUT_OBJECT))
    return pl.concat(results)


class Polars:
    version = version("polars")
    threads = OPTIONS.threads

    def __init__(self, folder, engine, name):
        self.name = name
        self.engine = engine
        self.query = polars_query(pl.read_parquet(folder / "centres.parquet"))

    def run(self):
        self.results = self.query.collect(engine=self.engine)

    def cents(self):
        return self.results.sort(ROW)["cents"].to_numpy()


# ----------------------------------------------------------------------------------------------------------------------
# OpenFisca

UNITS = {"medical": 4_000, "polyvalent": 11_700_000, "infirmier": 450_000, "dentaire": 2_600}
# Les variables de chaque type de centre, comme « pour medical, polyvalent » dans les fichiers .pol.
RULES = {kind: {} for kind in KINDS}
FAR = datetime.date(9999, 12, 31)


class Year:
    """L'année civile d'une période d'OpenFisca."""

    def __init__(self, period):
        self.number = period.start.year
        self.first, self.last = np.datetime64(f"{self.number}-01-01"), np.datetime64(f"{self.number}-12-31")
        self.days = (self.last - self.first).astype(int) + 1

    def days_from(self, *dates):
        latest = np.maximum.reduce([np.maximum(date, self.first) for date in dates])
        return np.maximum((self.last - latest).astype(np.int64) + 1, 0)


def variable(name, value_type, entity, **attributes):
    """Une variable annuelle ; une variable entière a 64 bits, non les 32 d'OpenFisca."""

    def __init__(self, baseline_variable=None):
        Variable.__init__(self, baseline_variable)
        if value_type is int:
            self.dtype = np.int64

    attributes |= {"value_type": value_type, "entity": entity, "definition_period": DateUnit.YEAR, "__init__": __init__}
    return type(name, (Variable,), attributes)


def rule(value_type, *kinds):
    """Une variable calculée : `formula(c, year)`, où `c(nom)` donne les valeurs d'une autre variable."""

    def register(formula):
        def openfisca_formula(centre, period):
            return formula(lambda name: centre(name, period), Year(period))

        for kind in kinds or KINDS:
            RULES[kind][formula.__name__] = (value_type, openfisca_formula)
        return formula

    return register


# Articles 8.1 (accessibilité), 8.4 et 14 (logiciel)


@rule(bool, *GENERALISTS, "dentaire")
def welcoming(c, year):
    return ((c("bcp_amplitude_horaire_semaine") >= 800) | c("bcp_derogation_ars_horaires")) & (
        c("bcp_semaines_fermeture_conges") <= 3
    )


@rule(bool, "infirmier")
def welcoming(c, year):
    return c("bcp_acces_24h_365j")


@rule(bool)
def accessible(c, year):
    return c("welcoming") & c("bcp_soins_non_programmes") & c("bcp_charte_et_information")


@rule(bool, *GENERALISTS)
def software_reached(c, year):
    labelled = c("bcp_si_standard") & c("bcp_si_segur_lap") if year.number >= 2023 else c("bcp_si_standard")
    return labelled & (c("bcp_date_acquisition_si") <= year.last)


@rule(bool, "infirmier", "dentaire")
def software_reached(c, year):
    return c("bcp_si_conforme") & (c("bcp_date_acquisition_si") <= year.last)


@rule(bool, *GENERALISTS)
def delisted(c, year):
    last = c("bcp_date_retrait_label_si")
    return (last >= np.datetime64(f"{year.number - 1}-01-01")) & (last <= year.last)


@rule(bool, "infirmier", "dentaire")
def delisted(c, year):
    return np.zeros_like(c("software_reached"))


@rule(bool)
def software_paid(c, year):
    return np.where(c("delisted") & ~c("software_reached"), c(PREVIOUSLY_PAID), c("software_reached"))


# Articles 3 (champ), 11 (non-cumul), 12 (prérequis), 13 (prorata) et 14 (centre nouveau)


@rule(bool)
def governed(c, year):
    return c("date_adhesion") <= year.last


@rule(int)
def covered_days(c, year):
    return year.days_from(c("date_adhesion"))


@rule(int)
def software_days(c, year):
    return year.days_from(c("bcp_date_acquisition_si"), c("date_adhesion"))


def one_year_later(dates):
    """Le même jour un an après ; le 28 février pour un 29 février."""
    month = dates.astype("datetime64[M]")
    later = month + 12
    same_day = later.astype("datetime64[D]") + (dates - month.astype("datetime64[D]"))
    return np.minimum(same_day, (later + 1).astype("datetime64[D]") - 1)


@rule(bool)
def new_centre(c, year):
    joined = c("date_adhesion")
    recent = joined >= np.datetime64(f"{year.number - 1}-01-01")
    return recent & (joined < one_year_later(c("date_depot_projet_sante")))


@rule(bool)
def paid(c, year):
    access, plan, coordination = c("accessible"), c("bcp_plan_crise_redige"), c("bcp_fonction_coordination")
    software = c("software_reached")
    reached = access.astype(np.int8) + plan + coordination + software
    met = access & plan & coordination & (software | c("delisted")) | (reached >= 2) & c("new_centre")
    return met & ~c("bcp_remunere_autre_accord")


@rule(bool)
def crisis(c, year):
    return c("bcp_plan_crise_redige") & c("bcp_crise_sanitaire_grave") & c("bcp_actions_crise")


# Articles 13.1, 13.3 (patientèles) et 7 (forte activité)


@rule(int, *GENERALISTS)
def patients(c, year):
    everyone, other = c("patientele_mt"), c("patientele_mt_16_plus") + c("bcp_enfants_moins_16_deux_soins")
    if 2017 <= year.number <= 2019:
        return other
    if year.number == 2020:
        everyone = np.where(c("bcp_derogation_enfant_2020"), other, everyone)
    return everyone + c("patientele_ame") if year.number >= 2020 else everyone


@rule(int, "polyvalent", "infirmier")
def raised_patients(c, year):
    """En millièmes."""
    some = c("patientele_infirmiere")
    excess = 1000 * c("bcp_patients_ald_invalidite_infirmier") - 452 * some
    return 1000 * some + np.clip(excess, 0, 200 * some)


@rule(bool, "polyvalent")
def nursing_activity(c, year):
    return (2 * c("etp_infirmiers") >= c("etp_mg")) & (c("etp_infirmiers") >= 400)


@rule(bool, "polyvalent")
def dental_activity(c, year):
    return (c("honoraires_totaux") > 0) & (5 * c("honoraires_dentaires") >= c("honoraires_totaux"))


# Articles 8.3.1.1 (concertation), 8.3.5 (SAS) et 15.5 (minorations)


@rule(bool, *GENERALISTS)
def met(c, year):
    together = (c("bcp_mode_concertation") == 0) | ~c("bcp_activite_paramedicale")
    return (c("bcp_nb_reunions_concertation") * year.days >= 6 * c("covered_days")) & together


@rule(bool, *GENERALISTS)
def dispatch(c, year):
    agenda, hours = c("bcp_sas_agenda"), c("bcp_sas_heures_ouvertes_semaine")
    return c("bcp_sas_inscrit") & ((agenda == 1) | (agenda == 2) & (hours >= 2 * c("etp_mg")))


@rule(int, *GENERALISTS)
def studied(c, year):
    return 20 * c("bcp_nb_dossiers_concertation") * year.days


@rule(int, *GENERALISTS)
def wanted(c, year):
    return c("bcp_patients_ald_ou_plus_75") * c("covered_days")


@rule(int, *GENERALISTS)
def reduction(c, year):
    return np.array([0, 250, 150])[c("bcp_mode_concertation")]


def missed_opening(c, long, short, saturday):
    hours = c("bcp_amplitude_horaire_semaine")
    points = long * ((hours >= 800) & (hours < 1000)) + short * ((hours >= 1000) & (hours < 1200))
    return (points + saturday * ~c("bcp_ouvert_samedi_matin")) * ~c("bcp_derogation_ars_horaires")


# Les points fixes, par an


def generalist_fixed_points(c, year):
    trainees, protocols, nurse = c("bcp_nb_stages"), np.minimum(c("bcp_nb_protocoles"), 8), c("bcp_ipa_salarie")
    two_days = c("bcp_jours_second_recours_par_mois") >= 200
    trained = trainees * year.days >= 2 * c("covered_days")
    welcomed = (c("bcp_nb_medecins_accueillis_cst") >= 1) | (c("bcp_etp_mg_integres_changement_specialite") >= 100)
    return (
        c("accessible") * (800 - missed_opening(c, 150, 60, 120) - 30 * c("bcp_semaines_fermeture_conges"))
        + 100 * c("bcp_plan_crise_redige")
        + 100 * protocols
        + 1000 * c("bcp_fonction_coordination")
        + 200 * (nurse & (c("bcp_nb_missions_sante_publique") >= 1))
        + trained * (450 + 50 * np.minimum(c("bcp_nb_stages_medecins"), 2))
        + 225 * np.clip(trainees - 2, 0, 3)
        + 200 * (c("dispatch") & c("bcp_sas_toutes_sollicitations"))
        + 300 * two_days
        + 300 * (two_days & (c("bcp_etp_second_recours") >= 50))
        # Deux professions médicales, trois paramédicales : 300 points pour l'une, 600 pour les deux.
        + 300 * (c("bcp_nb_professions_medicales_autres") >= 2)
        + 300 * (c("bcp_nb_professions_paramedicales_autres") >= 3)
        + 40 * nurse * protocols
        + 100 * c("bcp_si_avance")
        + 200 * welcomed
        + 100 * np.minimum(c("bcp_nb_protocoles_cooperation_snp"), 6)
        + 100 * (c("bcp_parcours_obesite_enfant") & c("bcp_mission_surpoids_enfant"))
    )


@rule(int, "medical")
def fixed_points(c, year):
    return generalist_fixed_points(c, year)


@rule(int, "polyvalent")
def fixed_points(c, year):
    external = c("bcp_contrat_dentaire_externe") & (c("bcp_nb_interventions_contrat_dentaire") >= 3)
    dental = (
        200 * (c("bcp_nb_reunions_dentaires") * year.days >= 3 * c("covered_days"))
        + 225 * (c("bcp_nb_stages_dentaires_supplementaires") >= 1)
        + 200 * external
    )
    nursing = 225 * (c("bcp_nb_stages_infirmiers_supplementaires") >= 1)
    return generalist_fixed_points(c, year) + nursing * c("nursing_activity") + dental * c("dental_activity")


@rule(int, "infirmier")
def fixed_points(c, year):
    trainees, agreement = c("bcp_nb_stages"), c("bcp_convention_msp")
    return (
        200 * c("accessible")
        + 100 * c("bcp_plan_crise_redige")
        + 400 * (c("bcp_nb_reunions_concertation") * year.days >= 6 * c("covered_days"))
        + 200 * c("bcp_fonction_coordination")
        + 250 * (trainees * year.days >= c("covered_days"))
        + 225 * (trainees >= 2)
        + 100 * (agreement & c("bcp_concertation_msp"))
        + 25 * agreement * np.minimum(c("bcp_nb_protocoles_msp"), 8)
        + 150 * (agreement & c("bcp_logiciel_pluripro"))
    )


@rule(int, "dentaire")
def fixed_points(c, year):
    trainees, weeks = c("bcp_nb_stages"), c("bcp_semaines_fermeture_conges")
    return (
        c("accessible") * (400 - missed_opening(c, 70, 30, 50) - 20 * (weeks >= 1))
        + 100 * c("bcp_plan_crise_redige")
        + 200 * (c("bcp_nb_reunions_concertation") * year.days >= 3 * c("covered_days"))
        + 200 * c("bcp_fonction_coordination")
        + 250 * (trainees * year.days >= c("covered_days"))
        + 225 * (trainees >= 2)
        + 500 * (c("bcp_contrat_dentaire_externe") & (c("bcp_nb_interventions_contrat_dentaire") >= 3))
    )


# Les points que la patientèle multiplie


@rule(int, *GENERALISTS)
def rates(c, year):
    """Pour 4 000 patients."""
    return (
        350 * c("crisis")
        + 350 * np.minimum(c("bcp_nb_missions_sante_publique"), 2)
        + 200 * (c("bcp_ipa_salarie") & c("met"))
        + 200 * c("bcp_procedure_transmission")
        + 100 * c("bcp_parcours_insuffisance_cardiaque")
    )


@rule(int, "infirmier")
def rates(c, year):
    """Pour 450 patients."""
    external = (
        c("bcp_procedure_transmission")
        & (c("bcp_nb_conventions_etablissements") >= 2)
        & c("bcp_repertoire_offre")
        & c("bcp_information_vaccin_grippe")
    )
    return 350 * c("crisis") + 300 * external + 200 * np.minimum(c("bcp_nb_missions_sante_publique"), 2)


@rule(int, "dentaire")
def rates(c, year):
    """Pour 2 600 patients."""
    return 350 * c("crisis") + 200 * np.minimum(c("bcp_nb_missions_sante_publique"), 1)


@rule(int, *GENERALISTS)
def coordination(c, year):
    """Article 8.3.4.1, pour 4 000 patients."""
    some = c("patients")
    return c("bcp_fonction_coordination") * (1700 * np.minimum(some, 8000) + 1100 * np.maximum(some - 8000, 0))


# Article 8.4 : le système d'information, en centièmes de point


def software(c, staff, fixed, limit, below, beyond):
    some = c(staff)
    return c("software_paid") * (100 * fixed + below * np.minimum(some, limit) + beyond * np.maximum(some - limit, 0))


@rule(int, *GENERALISTS)
def software_hundredths(c, year):
    return software(c, "etp_ps", 500, 1600, 200, 150)


@rule(int, "infirmier")
def software_hundredths(c, year):
    return software(c, "etp_infirmiers", 400, 1000, 100, 50)


@rule(int, "dentaire")
def software_hundredths(c, year):
    return software(c, "etp_chirurgiens_dentistes", 250, 600, 200, 150)


@rule(int, "polyvalent")
def dental_software_days(c, year):
    days = year.days_from(c("bcp_date_acquisition_si_dentaire"), c("date_adhesion"))
    return days * (c("dental_activity") & c("bcp_si_dentaire_integre"))


# Le calcul exact, en fractions de `UNITS` et en jours


@rule(int, "medical")
def variable_points(c, year):
    return generalist_variable_points(c, 4_000)


@rule(int, "polyvalent")
def variable_points(c, year):
    unit = 11_700_000
    nursing = c("nursing_activity") & (c("bcp_nb_missions_infirmieres_supplementaires") >= 1)
    dental = c("dental_activity") & (c("bcp_nb_missions_dentaires_supplementaires") >= 1)
    return (
        generalist_variable_points(c, unit)
        + nursing * (200 * (unit // 450_000) * c("raised_patients"))
        + dental * (200 * (unit // 2_600) * c("patientele_dentaire"))
    )


def generalist_variable_points(c, unit):
    whole = c("met") & (c("studied") >= c("wanted"))
    concertation = whole * np.maximum(1000 * c("patients") - 4000 * c("reduction"), 0)
    points = c("rates") * c("patients") + c("coordination") + 8000 * c("dispatch") * c("etp_mg") + concertation
    return points * (unit // 4_000)


@rule(int, "infirmier")
def variable_points(c, year):
    return c("rates") * c("raised_patients")


@rule(int, "dentaire")
def variable_points(c, year):
    return c("rates") * c("patientele_dentaire")


def timed_points(c, unit):
    """Les points, fois les jours où ils sont dus."""
    whole_year = c("fixed_points") * unit + c("variable_points")
    return c("software_hundredths") * (unit // 100) * c("software_days") + whole_year * c("covered_days")


@rule(int)
def above(c, year):
    """Article 15.6 : la file active au-dessus des parts nationales, en dix-millièmes."""
    some = c("file_active")
    return np.maximum(10_000 * c("file_active_css") - c("taux_national_css") * some, 0) + np.maximum(
        10_000 * c("file_active_ame") - c("taux_national_ame") * some, 0
    )


def scaled(number, by, divisor):
    """⌊number × by ÷ divisor⌋ sans dépasser 64 bits : `by` est pris chiffre par chiffre, comme une division posée."""
    quotient = number // divisor
    rest = number - quotient * divisor
    width = 62 - int(divisor.max()).bit_length()
    low, carried = 0, 0
    for shift in reversed(range(0, int(by.max()).bit_length(), width)):
        partial = (carried << width) + rest * ((by >> shift) & ((1 << width) - 1))
        digit = partial // divisor
        low = (low << width) + digit
        carried = partial - digit * divisor
    return quotient * by + low


def exact_cents(c, points, divisor, above):
    """Sept euros le point, majorés ; au plus proche, la moitié vers le haut. `points / divisor` sont les points dus."""
    some = 10_000 * c("file_active")
    nobody = some == 0
    whole = np.where(nobody, 1, some)
    # Deux fois les centimes, fois `whole`.
    twice = scaled(points, 1400 * np.where(nobody, 1, some + above), divisor)
    due = (twice + whole) // (2 * whole)
    return np.where(c("governed"), np.where(c("paid"), due, 0), WITHOUT_OBJECT)


def generalist_cents(c, year, timed, unit):
    # La concertation dont une part des dossiers est étudiée a un autre dénominateur que le reste.
    partial = c("met") & (c("studied") < c("wanted"))
    concerned = np.where(partial, c("bcp_patients_ald_ou_plus_75"), 1)
    part = partial * np.maximum(c("patients") * c("studied") - 4 * c("reduction") * c("wanted"), 0)
    return exact_cents(c, timed * concerned + part * (unit // 4), unit * year.days * concerned, c("above"))


@rule(int, "medical")
def amount_cents(c, year):
    return generalist_cents(c, year, timed_points(c, 4_000), 4_000)


@rule(int, "polyvalent")
def amount_cents(c, year):
    unit = 11_700_000
    dental = 450 * (unit // 2_600) * c("patientele_dentaire") * c("dental_software_days")
    return generalist_cents(c, year, timed_points(c, unit) + dental, unit)


def capped_cents(c, year, unit):
    above = np.minimum(c("above"), 2_500 * c("file_active"))
    divisor = np.full_like(above, unit * year.days)
    return exact_cents(c, timed_points(c, unit), divisor, above)


@rule(int, "infirmier")
def amount_cents(c, year):
    return capped_cents(c, year, 450_000)


@rule(int, "dentaire")
def amount_cents(c, year):
    return capped_cents(c, year, 2_600)


# Le style usuel : points et euros en float32, un arrondi à la fin


@rule(float, *GENERALISTS)
def medical_ratio(c, year):
    return c("patients") / 4_000


@rule(float, "polyvalent", "infirmier")
def nursing_ratio(c, year):
    return c("raised_patients") / 450_000


@rule(float, "polyvalent", "dentaire")
def dental_ratio(c, year):
    return c("patientele_dentaire") / 2_600


@rule(float, *GENERALISTS)
def concertation_points(c, year):
    wanted = c("wanted")
    realised = np.where(wanted == 0, 1, np.minimum(c("studied") / np.maximum(wanted, 1), 1))
    return c("met") * np.maximum(1000 * realised * c("medical_ratio") - c("reduction"), 0)


@rule(float)
def software_points(c, year):
    return c("software_hundredths") / 100 * c("software_days") / np.maximum(c("covered_days"), 1)


def generalist_usual_points(c):
    return (
        c("rates") * c("medical_ratio")
        + c("coordination") / 4_000
        + 2 * c("dispatch") * c("etp_mg")
        + c("concertation_points")
    )


@rule(float, "medical")
def usual_points(c, year):
    return generalist_usual_points(c)


@rule(float, "polyvalent")
def usual_points(c, year):
    nursing = c("nursing_activity") & (c("bcp_nb_missions_infirmieres_supplementaires") >= 1)
    dental = c("dental_activity") & (c("bcp_nb_missions_dentaires_supplementaires") >= 1)
    share = c("dental_software_days") / np.maximum(c("covered_days"), 1)
    return (
        generalist_usual_points(c)
        + 200 * nursing * c("nursing_ratio")
        + (200 * dental + 450 * share) * c("dental_ratio")
    )


@rule(float, "infirmier")
def usual_points(c, year):
    return c("rates") * c("nursing_ratio")


@rule(float, "dentaire")
def usual_points(c, year):
    return c("rates") * c("dental_ratio")


@rule(float)
def points_due(c, year):
    points = c("fixed_points") + c("usual_points") + c("software_points")
    return c("paid") * points * (c("covered_days") / year.days)


@rule(float, *GENERALISTS)
def uplift(c, year):
    return c("above") / np.maximum(10_000 * c("file_active"), 1)


@rule(float, "infirmier", "dentaire")
def uplift(c, year):
    return np.minimum(c("above") / np.maximum(10_000 * c("file_active"), 1), 0.25)


@rule(float)
def amount_euros(c, year):
    amount = np.round(7 * c("points_due") * (1 + c("uplift")), 2)
    return np.where(c("governed"), amount, WITHOUT_OBJECT)


def tax_benefit_system(kind, frame):
    entity = build_entity(key="centre", plural="centres", label="Centre de santé", is_person=True)
    system = TaxBenefitSystem([entity])
    for name, dtype in frame.schema.items():
        value_type = {pl.Boolean: bool, pl.Date: datetime.date}.get(dtype, int)
        system.add_variable(variable(name, value_type, entity))
    for name, (value_type, formula) in RULES[kind].items():
        system.add_variable(variable(name, value_type, entity, formula=formula))
    return system


class OpenFisca:
    version = version("openfisca-core")
    threads = 1

    def __init__(self, folder, amount, name):
        self.name = name
        self.amount = amount
        frame = pl.read_parquet(folder / "centres.parquet")
        inputs = frame.drop(ROW, "annee", "type_centre")
        systems = {kind: tax_benefit_system(kind, inputs) for kind in KINDS}
        # Une simulation par type et par année.
        self.simulations = []
        for (kind, year), rows in frame.partition_by("type_centre", "annee", as_dict=True).items():
            simulation = SimulationBuilder.build_default_simulation(systems[kind], rows.height)
            for column in inputs.columns:
                cells = rows[column]
                if cells.dtype == pl.Date:
                    cells = cells.fill_null(FAR).to_numpy().astype("datetime64[D]")
                elif isinstance(cells.dtype, pl.Enum):
                    # Le rang du cas, dans l'ordre des fichiers .pol.
                    cells = cells.to_physical().to_numpy()
                else:
                    cells = cells.to_numpy()
                simulation.set_input(column, str(year), cells)
            self.simulations.append((kind, str(year), rows[ROW].to_numpy(), simulation))

    def run(self):
        for _, year, _, simulation in self.simulations:
            simulation.calculate(self.amount, year)

    def forget(self):
        """Oublie ce qui est calculé : OpenFisca le garde."""
        for kind, _, _, simulation in self.simulations:
            for name in RULES[kind]:
                simulation.delete_arrays(name)

    def cents(self):
        cents = np.empty(OPTIONS.rows, dtype=np.int64)
        for _, year, rows, simulation in self.simulations:
            amounts = simulation.calculate(self.amount, year)
            if amounts.dtype == np.float32:
                amounts = np.where(amounts == WITHOUT_OBJECT, amounts, np.rint(amounts.astype(np.float64) * 100))
            cents[rows] = amounts
        return cents


# ----------------------------------------------------------------------------------------------------------------------
# polc


class Polc:
    name = "pour information : polc eval, de bout en bout"
    threads = OPTIONS.threads

    def __init__(self, folder):
        self.data, self.result = folder / "centres.csv", folder / "resultats.csv"
        self.version = polc("--version")[1].split()[-1]

    def run(self):
        evaluate(self.data, self.result, [AMOUNT], "compiled")

    def cents(self):
        results = pl.read_csv(self.result, schema_overrides={AMOUNT: pl.Decimal(18, 2)})
        return results.select((C(AMOUNT) * 100).cast(pl.Int64).fill_null(WITHOUT_OBJECT))[AMOUNT].to_numpy()


# ----------------------------------------------------------------------------------------------------------------------
# La comparaison


def measure(contenders):
    """La durée médiane de chacun, mesuré à tour de rôle : une machine occupée les ralentit tous."""
    durations = {contender: [] for contender in contenders}
    for turn in range(OPTIONS.turns):
        for contender in contenders:
            if turn > 0 and isinstance(contender, Polc):
                continue
            if isinstance(contender, OpenFisca):
                contender.forget()
            start = time.perf_counter()
            contender.run()
            durations[contender].append(time.perf_counter() - start)
    return {contender: statistics.median(times) for contender, times in durations.items()}


def main():
    with tempfile.TemporaryDirectory() as temporary:
        folder = OPTIONS.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        expected = prepare(folder)
        compared = [
            DuckDb(folder),
            Polars(folder, "in-memory", "Polars (Int128, en mémoire)"),
            Polars(folder, "streaming", "Polars (Int128, au fil de l'eau)"),
            OpenFisca(folder, "amount_cents", "OpenFisca (entiers de 64 bits)"),
        ]
        usual = OpenFisca(folder, "amount_euros", "pour information : OpenFisca (float32)")
        end_to_end = Polc(folder)
        contenders = [*compared, usual, end_to_end]
        medians = measure(contenders)
        wrong = {contender: int((contender.cents() != expected).sum()) for contender in contenders}

    rates = {contender: round(OPTIONS.rows / median) for contender, median in medians.items()}
    refused = [contender for contender in contenders if wrong[contender] > 0 and contender is not usual]
    slowest = min((rates[contender] for contender in compared if contender not in refused), default=1)
    print(f"Nombre de mesures, dont voici la médiane : {OPTIONS.turns}, une seule pour polc eval.\n")
    print("| moteur | version | fils | lignes/s | lignes fausses | fois le plus lent |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    for contender in contenders:
        rate = "écarté" if contender in refused else spaced(rates[contender])
        ratio = "—"
        if contender in compared and contender not in refused:
            ratio = f"{rates[contender] / slowest:.2f}".replace(".", ",")
        cells = [contender.name, contender.version, contender.threads, rate, spaced(wrong[contender]), ratio]
        print("| " + " | ".join(map(str, cells)) + " |")
    if refused:
        sys.exit("Un moteur écarté ne donne pas les centimes de polc sur toutes les lignes.")


if __name__ == "__main__":
    main()
