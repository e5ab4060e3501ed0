//! The words of the runtime about results: examples, controls, explanations.

use polc_compiler::num::{Ratio, format_french};
use polc_compiler::typed::Program;
use polc_compiler::units::Unit;

use crate::table::RowErrorKind;

pub fn readings_do_not_build() -> String {
    "la politique ne se compile pas sous ces lectures".to_owned()
}

pub fn state_of_law(amendments: &[&str]) -> String {
    if amendments.is_empty() {
        return "le droit de la base, sans avenant".to_owned();
    }
    let quoted: Vec<String> = amendments.iter().map(|name| format!("« {name} »")).collect();
    format!("le droit avec {}", polc_dsl::diagnostic::list(&quoted, "et"))
}

pub fn state_does_not_build() -> String {
    "cet état du droit ne se compile pas : « polc check » dit pourquoi".to_owned()
}

pub fn without_object() -> String {
    "sans objet".to_owned()
}

pub fn example_failed(quantity: &str, why: &str) -> String {
    format!("« {quantity} » n'a pas pu être calculé : {why}")
}

pub fn unexpected_result(quantity: &str, year: Option<&str>, expected: &str, found: &str) -> String {
    let when = year.map_or_else(String::new, |year| format!(" en {year}"));
    format!("« {quantity} »{when} : attendu {expected}, trouvé {found}")
}

pub fn control_does_not_hold() -> String {
    "la condition n'est pas vérifiée".to_owned()
}

pub fn announced_differs(announced: &str, found: &str, difference: &str, recorded: &str) -> String {
    format!("annoncé {announced}, calculé {found} : l'écart est de {difference}, la politique en note {recorded}")
}

/// A number with its unit.
pub fn amount(value: &Ratio, unit: &Unit) -> String {
    let number = format_french(value, 0);
    if unit.is_none() { number } else { format!("{number} {unit}") }
}

/// Why a row has no results.
pub fn row_error(program: &Program, kind: &RowErrorKind) -> String {
    match kind {
        RowErrorKind::Missing { input, quantity: Some(quantity) } => {
            format!("la donnée « {} » est vide, et « {quantity} » en a besoin", program.input(*input).name)
        }
        RowErrorKind::Missing { input, quantity: None } => {
            format!(
                "la donnée « {} » est vide, et il la faut pour savoir si la politique régit la ligne",
                program.input(*input).name
            )
        }
        RowErrorKind::DivisionByZero { quantity } => format!("« {quantity} » divise par zéro"),
        RowErrorKind::BadDate { quantity } => {
            format!("« {quantity} » calcule une date ou un nombre de jours impossible")
        }
        RowErrorKind::Rules { quantity, first, second } => {
            format!("deux dispositions donnent « {quantity} » à la fois : « {first} » et « {second} »")
        }
        RowErrorKind::Derogations { quantity, first, second } => {
            format!(
                "deux dérogations à « {quantity} » s'appliquent sans ordre entre elles : « {first} » et « {second} »"
            )
        }
        RowErrorKind::WithoutObject { quantity } => format!("« {quantity} » est sans objet"),
        RowErrorKind::Control { title, .. } => format!("contrôle non vérifié : {title}"),
    }
}

/// What the columns of bounds have besides them.
pub const BOUNDS_COLUMNS: [&str; 3] = ["donnees_manquantes", "bornes", "reserves"];

pub fn lowest_of(output: &str) -> String {
    format!("{output}_min")
}

pub fn highest_of(output: &str) -> String {
    format!("{output}_max")
}

pub fn missing_of_a_year(input: &str, year: i64) -> String {
    format!("{input} de {year}")
}

/// An amount in the currency of the policy.
pub fn money(program: &Program, amount: &Ratio) -> String {
    let decimals = program.currency.decimals;
    let rounded = polc_compiler::num::round(amount, decimals, polc_compiler::num::RoundingMode::HalfAway);
    format!("{} {}", format_french(&rounded, decimals), program.currency.symbol)
}

/// A missing cell, and what it decides, unless that has no end.
pub fn decided_by(input: &str, amount: Option<&str>) -> String {
    format!("{input} ({})", amount.unwrap_or("sans borne"))
}

/// Whether bounds are reached: `others` are those of which it is not known.
pub fn attained(others: &[String]) -> String {
    if others.is_empty() { "atteintes".to_owned() } else { format!("non atteintes : {}", others.join(", ")) }
}

pub fn may_be_without_object(output: &str) -> String {
    format!("« {output} » peut être sans objet")
}

pub fn without_bound(column: &str) -> String {
    format!("« {column} » n'a pas de borne")
}

pub fn may_fail(why: &str) -> String {
    format!("la ligne peut être fautive : {why}")
}

pub fn figures_are_open() -> String {
    "un agrégat dépend de données manquantes d'autres lignes".to_owned()
}

pub fn derogation_applies() -> String {
    "la dérogation joue".to_owned()
}

pub fn rule_applies() -> String {
    "la disposition s'applique".to_owned()
}

pub fn gives(truth: bool) -> String {
    if truth { "donne vrai" } else { "donne faux" }.to_owned()
}

pub fn decided(condition: &str, holds: bool) -> String {
    format!("« {condition} » est {}", if holds { "vrai" } else { "faux" })
}

pub fn cap(limit: &str) -> String {
    format!("plafond {limit}")
}

pub fn floor(limit: &str) -> String {
    format!("plancher {limit}")
}

/// A row of brackets.
pub fn row(subject: &str, from: Option<String>, to: Option<String>) -> String {
    match (from, to) {
        (None, None) => format!("{subject} : toute valeur"),
        (None, Some(to)) => format!("{subject} : moins de {to}"),
        (Some(from), None) => format!("{subject} : à partir de {from}"),
        (Some(from), Some(to)) => format!("{subject} : de {from} à moins de {to}"),
    }
}

pub fn from(subject: &str, bound: &str) -> String {
    format!("{subject} à partir de {bound}")
}

pub fn beyond(subject: &str, bound: &str) -> String {
    format!("{subject} au-delà de {bound}")
}

/// Where examples were, of a threshold.
pub fn side_seen(below: bool, at: bool, above: bool) -> String {
    let seen: Vec<&str> = [(below, "en dessous"), (at, "à la valeur"), (above, "au-dessus")]
        .iter()
        .filter_map(|(seen, text)| seen.then_some(*text))
        .collect();
    if seen.is_empty() { "jamais éprouvé".to_owned() } else { format!("seulement {}", seen.join(" et ")) }
}

pub fn date_of_a_cited_text() -> String {
    "date d'un texte cité".to_owned()
}
