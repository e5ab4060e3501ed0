//! The words of differences.

use polc_compiler::typed::{QuantityKind, Years};
use polc_dsl::ast::Summary;

macro_rules! words {
    ($($name:ident: $text:literal)*) => {$(
        pub fn $name() -> &'static str {
            $text
        }
    )*};
}

words! {
    enumeration: "énumération"
    input: "entrée"
    parameter: "paramètre"
    derogation: "dérogation"
    reading: "lecture"
    control: "contrôle"
    figures: "chiffres"
    formula: "formule"
    condition: "condition"
    cap: "plafond"
    floor: "plancher"
    proration: "prorata"
    replaced: "valeur sous la lecture"
    cases: "cas"
    type_of_input: "valeurs"
    meaning: "sens"
    default: "par défaut"
    empty_cell: "cellule vide"
    allowed: "admise"
    title: "titre"
    references: "références"
    in_force: "en vigueur"
    part: "partie"
    cases_of_rule: "pour"
    keeps: "valeur conservée tant que"
    adjustment: "minoration ou majoration"
    groups: "groupes"
    summary: "agrégat"
    rounding: "arrondi"
    target: "déroge à"
    applied: "appliquée"
    retained: "retenue"
    variants: "variantes"
    blocking: "bloquant"
}

pub fn quantity(kind: QuantityKind) -> &'static str {
    match kind {
        QuantityKind::Definition => "définition",
        QuantityKind::Criterion => "critère",
        QuantityKind::Condition => "condition",
        QuantityKind::Prerequisite => "prérequis",
        QuantityKind::Minoration => "minoration",
        QuantityKind::Majoration => "majoration",
        QuantityKind::Proration => "prorata",
        QuantityKind::DayCount => "nombre de jours",
        QuantityKind::Payment => "versement",
        QuantityKind::BlockTotal => "total de bloc",
        QuantityKind::PrerequisitesMet => "prérequis atteints",
        QuantityKind::PrerequisitesCount => "nombre de prérequis",
        QuantityKind::Aggregate => "agrégat",
    }
}

pub fn summary_of(summary: Summary) -> &'static str {
    match summary {
        Summary::Distinct => "nombre de valeurs distinctes",
        Summary::Count => "nombre",
        Summary::Sum => "somme",
        Summary::Mean => "moyenne",
        Summary::Maximum => "maximum",
        Summary::Minimum => "minimum",
    }
}

/// « en 2024 », « de 2024 à 2030 ».
pub fn years(first: i64, last: i64) -> String {
    if first == last { format!("en {first}") } else { format!("de {first} à {last}") }
}

pub fn period(years: Years) -> String {
    match (years.first > Years::ALWAYS.first, years.last < Years::ALWAYS.last) {
        (false, false) => "toutes les années".to_owned(),
        (true, false) => format!("depuis {}", years.first),
        (false, true) => format!("jusqu'en {}", years.last),
        (true, true) => self::years(years.first, years.last),
    }
}

pub fn when(condition: &str) -> String {
    format!(" si {condition}")
}

pub fn decimals(decimals: u32) -> String {
    match decimals {
        0 => "à l'unité".to_owned(),
        1 => "à 1 décimale".to_owned(),
        decimals => format!("à {decimals} décimales"),
    }
}
