//! The words of comparisons: options that are wrong, groups, errors.

use std::fmt::Write as _;

use polc_compiler::num::{format_french, integer};
use polc_compiler::overlay::Clause;

#[must_use]
pub fn threshold_without_column(piece: &str) -> String {
    format!("le seuil « {piece} » ne suit pas une colonne : écrivez « colonne:{piece} »")
}

#[must_use]
pub fn column_twice(name: &str) -> String {
    format!("la colonne « {name} » est demandée deux fois")
}

#[must_use]
pub fn thresholds_in_disorder(name: &str) -> String {
    format!("les seuils de « {name} » vont du plus petit au plus grand, sans répétition")
}

#[must_use]
pub fn no_such_input(name: &str, near: Option<&str>, is_result: bool) -> String {
    if is_result {
        return format!("« {name} » est un résultat : on regroupe par une entrée");
    }
    let near = near.map(|near| format!(" ; vouliez-vous dire « {near} » ?")).unwrap_or_default();
    format!("la politique n'a pas d'entrée « {name} »{near}")
}

#[must_use]
pub fn thresholds_of_cases(name: &str) -> String {
    format!("« {name} » n'est pas un nombre : elle se regroupe par cas, sans seuil")
}

#[must_use]
pub fn no_groups(name: &str) -> String {
    format!("« {name} » ne fait pas de groupes : il faut une énumération, un booléen ou un nombre")
}

#[must_use]
pub fn bad_threshold(name: &str, text: &str, decimals: u32) -> String {
    let form = if decimals == 0 {
        "un nombre entier".to_owned()
    } else {
        format!("un nombre à {decimals} décimales au plus, avec un point")
    };
    format!("« {text} » n'est pas un seuil de « {name} » : {form} est attendu")
}

#[must_use]
pub fn case(name: &str, title: &str) -> String {
    if name == title { name.to_owned() } else { format!("{name} ({title})") }
}

#[must_use]
pub fn truth(flag: bool) -> &'static str {
    if flag { "vrai" } else { "faux" }
}

#[must_use]
pub fn empty_cell() -> &'static str {
    "cellule vide"
}

#[must_use]
pub fn any_value() -> &'static str {
    "toute valeur"
}

#[must_use]
pub fn below(bound: &str) -> String {
    format!("moins de {bound}")
}

#[must_use]
pub fn between(from: &str, to: &str) -> String {
    format!("de {from} à moins de {to}")
}

#[must_use]
pub fn from(bound: &str) -> String {
    format!("{bound} et plus")
}

/// A clause of an amendment, as a line of a report.
#[must_use]
pub fn clause(clause: &Clause, removed: bool) -> String {
    let title = clause.title.as_ref().map(|title| format!(" « {title} »")).unwrap_or_default();
    let without = if removed { "sans : " } else { "" };
    format!("{} : {without}{} {}{title}", clause.amendment, clause.verb, clause.name)
}

/// An amendment without clauses.
#[must_use]
pub fn amendment(name: &str, removed: bool) -> String {
    if removed { format!("{name} : laissé de côté") } else { format!("{name} : appliqué") }
}

#[must_use]
pub fn reading(name: &str, variant: &str) -> String {
    format!("lecture {name} : {variant}")
}

#[must_use]
pub fn other_policy(path: &str) -> String {
    format!("toutes les dispositions de {path}")
}

/// The range of a bar of the histogram, without sign.
#[must_use]
pub fn range(from: u128, to: u128, symbol: &str) -> String {
    if from == 0 {
        return format!("moins de {} {symbol}", whole(to));
    }
    format!("de {} à moins de {} {symbol}", whole(from), whole(to))
}

#[must_use]
pub fn bar(rank: i32, from: u128, to: u128, symbol: &str) -> String {
    match rank {
        0 => "aucune différence".to_owned(),
        rank if rank < 0 => format!("perte {}", range(from, to, symbol)),
        _ => format!("gain {}", range(from, to, symbol)),
    }
}

/// The start of a range, as the axis of a chart has it.
#[must_use]
pub fn tick(rank: i32, from: u128) -> String {
    match rank {
        0 => "0".to_owned(),
        rank if rank < 0 => format!("\u{2212}{}", short(from)),
        _ => format!("+{}", short(from)),
    }
}

/// « 2 k », « 5 M »: ranges begin at 1, 2 or 5 times a power of ten.
fn short(value: u128) -> String {
    match value {
        1_000_000.. => format!("{} M", whole(value / 1_000_000)),
        1_000.. => format!("{} k", value / 1_000),
        _ => value.to_string(),
    }
}

fn whole(value: u128) -> String {
    format_french(&polc_compiler::num::Ratio::from_integer(value.into()), 0)
}

/// The beginning of a text.
#[must_use]
pub fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).collect::<String>() + "…"
}

/// « 1 000 lignes ».
#[must_use]
pub fn count(number: u64, singular: &str, plural: &str) -> String {
    format!("{} {}", figures(number), if number < 2 { singular } else { plural })
}

#[must_use]
pub fn figures(number: u64) -> String {
    format_french(&integer(i64::try_from(number).unwrap_or(i64::MAX)), 0)
}

/// An argument of a command as a shell takes it.
#[must_use]
pub fn argument(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,@+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    let mut quoted = String::from("'");
    for c in text.chars() {
        if c == '\'' {
            quoted.push_str("'\\''");
        } else {
            let _ = write!(quoted, "{c}");
        }
    }
    quoted + "'"
}
