//! Amendments of rows of tables and of parts: what the examples of each state of the law expect of them.

use polc_compiler::{Selection, check_all};
use polc_dsl::SourceMap;
use polc_dsl::diagnostic::render::terminal::{Style, render};
use polc_runtime::examples;
use polc_runtime::policy::Policy;

const BASE: &str = "\
politique aide_cantines « Aide aux cantines »
  monnaie € arrondie au centime
  clé code, annee
  exercice annee
  champ ouverte (article 1)
  texte reglement « Règlement de l'aide aux cantines »

entrée code : texte
  « numéro de la cantine »
entrée annee : entier en an, de 2020 à 2030
  « année »
entrée ouverte : booléen, par défaut vrai
  « la cantine est ouverte »

table prix « Prix de revient »
  réf. annexe 1
  clé id
  colonne id : texte
  colonne cout : décimal en €
  colonne debut : entier, de 2000 à 2100
  colonne fin : entier, de 2000 à 2100
  en vigueur de debut à fin
  ligne « cuisine » ; 100 € ; 2020 ; vide
  ligne « salle » ; 50 € ; 2020 ; vide
  ligne « cour » ; 10 € ; 2020 ; vide

versement prix_<id> « Prix : <id> »
  pour chaque prix
  réf. annexe 1
  montant <cout>

situation cantine « Une cantine »
  soit annee = 2024

exemple « Les prix de la base »
  base cantine
  attendu prix_cuisine = 100 € ; prix_salle = 50 € ; prix_cour = 10 €
";

const PART: &str = "\
partie fermees « Cantines fermées »
  réf. article 9
  champ non ouverte (article 9)

versement secours « Secours »
  réf. article 9
  montant 5 €
";

const AMENDMENT: &str = "\
avenant un « Avenant n° 1 »
  réf. « délibération »
  signé le 1er mai 2023

remplace ligne de prix : « cuisine » ; 120 € ; 2025 ; vide
  réf. annexe 1
insère ligne de prix : « jardin » ; 7 € ; 2025 ; vide
  réf. annexe 1
abroge ligne « salle » de prix à compter de 2026
  réf. annexe 1
abroge ligne « cour » de prix
  réf. annexe 1

remplace versement secours « Secours »
  réf. article 9
  montant 6 €

partie fermees
insère versement second_secours « Second secours »
  réf. article 9
  montant 8 €

exemple « En 2024, la cuisine d'avant »
  base cantine
  attendu prix_cuisine = 100 € ; prix_salle = 50 € ; prix_jardin sans objet

exemple « En 2025, la cuisine de l'avenant et le jardin »
  base cantine
  soit annee = 2025
  attendu prix_cuisine = 120 € ; prix_salle = 50 € ; prix_jardin = 7 €

exemple « En 2026, plus de salle »
  base cantine
  soit annee = 2026
  attendu prix_cuisine = 120 € ; prix_salle sans objet

exemple « Ce qui remplace ou s'ajoute dans une partie en garde le champ »
  base cantine
  attendu secours sans objet ; second_secours sans objet

exemple « Une cantine fermée »
  base cantine
  soit ouverte = faux
  attendu secours = 6 € ; second_secours = 8 € ; prix_cuisine sans objet
";

fn sources(texts: &[&str]) -> SourceMap {
    let mut sources = SourceMap::new();
    for (rank, text) in texts.iter().enumerate() {
        assert!(sources.add(&format!("{rank}.pol"), text.as_bytes()).1.is_none());
    }
    sources
}

fn said(texts: &[&str]) -> (Vec<&'static str>, String) {
    let sources = sources(texts);
    let diagnostics = check_all(&sources).diagnostics;
    let style = Style { colour: false, width: 100 };
    let messages = diagnostics.iter().map(|d| render(d, &sources, style)).collect();
    (diagnostics.iter().map(|d| d.code.id).collect(), messages)
}

#[test]
fn rows_of_tables_and_parts() {
    let texts = [BASE, PART, AMENDMENT];
    let (_, messages) = said(&texts);
    assert_eq!(messages, "");
    let policy = Policy::build(sources(&texts), &Selection::default()).expect("a sound policy");
    let report = examples::run(&policy);
    let failures: Vec<_> = report.failures.iter().map(|failure| (&failure.title, &failure.lines)).collect();
    assert!(failures.is_empty() && report.examples == 6, "{failures:?}");
}

/// The sum starts in 2021: the amendment leaves the base only the year in which it never applied.
#[test]
fn an_amendment_may_leave_nothing_to_what_it_replaces() {
    let sum = "définition cumul_des_ans « Années »\n  réf. article 2\n  cumul de 1 à compter de 2021\n";
    let base = format!(
        "{BASE}\n{sum}\nversement par_an « Par an »\n  réf. article 2\n  montant (cumul_des_ans à défaut 0) × 1 €\n"
    );
    let amendment = "avenant un\n  réf. « x »\n  signé le 1er mai 2020\n\nremplace définition cumul_des_ans « Années »\n  \
                     en vigueur depuis 2021\n  réf. article 2\n  cumul de 2 à compter de 2021\n";
    assert_eq!(said(&[&base, amendment]).1, "");
    // What the amendment itself says must apply.
    let never = amendment.replace("depuis 2021", "depuis 2020").replace("à compter de 2021", "à compter de 2031");
    assert_eq!(said(&[&base, &never]).0, ["POL3008"]);
}

#[test]
fn rows_that_cannot_be_changed() {
    let head = "avenant un\n  réf. « x »\n  signé le 1er mai 2023\n\n";
    let other = "avenant deux\n  réf. « x »\n  signé le 1er mai 2023\n\n";
    let repeal = "abroge ligne « salle » de prix\n  réf. annexe 1\n";
    let row = |key: &str| format!("remplace ligne de prix : « {key} » ; 1 € ; 2025 ; vide\n  réf. annexe 1\n");
    for (changes, code) in [
        (vec![format!("{head}{}", row("sale"))], "POL4003"),
        (vec![format!("{head}abroge ligne « salle » de secours\n  réf. annexe 1\n")], "POL4003"),
        (vec![format!("{head}{repeal}"), format!("{other}{}", row("salle"))], "POL4004"),
        (vec![format!("{head}{repeal}"), format!("{other}abroge table prix\n  réf. annexe 1\n")], "POL4004"),
    ] {
        let texts: Vec<&str> = [BASE, PART].into_iter().chain(changes.iter().map(String::as_str)).collect();
        let (codes, messages) = said(&texts);
        assert!(codes.contains(&code), "{changes:?}\n{messages}");
    }
}
