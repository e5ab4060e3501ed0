//! The words of the generator: one constructor per problem of a profile.

use std::fmt;

use polc_compiler::calendar::Date;
use polc_compiler::num::{Ratio, format_french};
use polc_dsl::diagnostic::{closest, list};

use super::profile::{Node, UNIT};

/// One problem of a profile, in French.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileError {
    /// Line of the profile, from 1; 0 for what is in no line.
    pub line: usize,
    /// The key, with those that lead to it; empty for the profile itself.
    pub key: String,
    pub message: String,
}

impl ProfileError {
    /// For bytes that are no text.
    #[must_use]
    pub fn not_utf8(bytes: &[u8], problem: std::str::Utf8Error) -> Self {
        let good = &bytes[..problem.valid_up_to()];
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        error(line, "", "ce profil n'est pas en UTF-8")
    }
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.key.as_str()) {
            (0, "") => f.write_str("profil : ")?,
            (0, key) => write!(f, "« {key} » : ")?,
            (line, "") => write!(f, "ligne {line} : ")?,
            (line, key) => write!(f, "ligne {line}, « {key} » : ")?,
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ProfileError {}

pub const PER_MILLE: &str = "une probabilité pour mille, entière, de 0 à 1000";
pub const INTERVAL: &str = "deux nombres, dans l'ordre, comme [0.5, 2]";
pub const QUANTILES: &str = "des couples [rang pour mille, valeur] croissants, du rang 0 au rang 1000";
pub const FACTOR: &str = "un nombre, deux bornes comme [0.5, 2], ou des couples [rang pour mille, valeur]";
pub const ANCHORS: &str = "une date, ou deux comme [\"@exercice\", \"@exercice + 180\"]";

fn at(node: &Node, message: impl Into<String>) -> ProfileError {
    error(node.line, &node.path, message)
}

fn error(line: usize, key: &str, message: impl Into<String>) -> ProfileError {
    ProfileError { line, key: key.to_owned(), message: message.into() }
}

fn number(value: i64) -> String {
    format_french(&Ratio::new(value.into(), UNIT.into()), 0)
}

fn suggestion<'n>(written: &str, candidates: impl IntoIterator<Item = &'n str>) -> String {
    closest(written, candidates).map_or_else(String::new, |near| format!(" ; vouliez-vous dire « {near} » ?"))
}

// ------------------------------------------------------------------------------------------------------------- form

pub fn not_toml(line: usize, text: &str) -> ProfileError {
    let message = if text.trim().is_empty() {
        "cette ligne n'est pas du TOML".to_owned()
    } else {
        format!("cette ligne n'est pas du TOML, ou répète une clé : « {} »", text.trim())
    };
    error(line, "", message)
}

pub fn not_a_number(line: usize, path: &str, found: &str) -> ProfileError {
    error(line, path, format!("« {found} » : un nombre s'écrit en chiffres, avec au plus six décimales"))
}

pub fn not_a_day(line: usize, path: &str, found: &str) -> ProfileError {
    error(line, path, format!("« {found} » n'est pas un jour du calendrier, comme 2020-01-31"))
}

pub fn expected(node: &Node, what: &str) -> ProfileError {
    at(node, format!("il faut ici {what}"))
}

pub fn unknown_key(node: &Node, key: &str, known: &[&'static str]) -> ProfileError {
    let near = suggestion(key, known.iter().copied());
    let known = if near.is_empty() { format!(" ; les clés sont {}", known.join(", ")) } else { near };
    at(node, format!("cette clé n'existe pas{known}"))
}

pub fn missing_key(line: usize, path: &str, key: &str) -> ProfileError {
    error(line, path, format!("la clé « {key} » manque"))
}

pub fn no_draw(line: usize, path: &str) -> ProfileError {
    let names: Vec<&str> = super::profile::DrawKey::ALL.iter().map(|(_, name)| *name).collect();
    error(
        line,
        path,
        format!("rien ne dit comment tirer : il faut l'une des clés {}, ou vide = 1000", names.join(", ")),
    )
}

pub fn several_draws(line: usize, path: &str, names: &[&str]) -> ProfileError {
    error(line, path, format!("{} : une seule de ces clés dit comment tirer", list(names, "et")))
}

pub fn factor_and_source(line: usize, path: &str) -> ProfileError {
    error(line, path, "« facteur » et « de » vont ensemble : le facteur, et ce qu'il multiplie")
}

pub fn contradictory(line: usize, path: &str, names: &[&str]) -> ProfileError {
    error(line, path, format!("{} se contredisent : une seule de ces clés", list(names, "et")))
}

// ------------------------------------------------------------------------------------------------------ with a policy

pub fn unknown_column<'n>(
    line: usize,
    path: &str,
    name: &str,
    inputs: impl IntoIterator<Item = &'n str>,
) -> ProfileError {
    error(line, path, format!("« {name} » n'est pas une entrée de la politique{}", suggestion(name, inputs)))
}

pub fn year_is_drawn(line: usize, path: &str) -> ProfileError {
    error(line, path, "l'année de la ligne ne se tire pas : la clé « presence » la donne")
}

pub fn variable_is_a_column(line: usize, path: &str) -> ProfileError {
    error(line, path, "une variable ne peut pas porter le nom d'une entrée de la politique")
}

pub fn undrawn_column(name: &str) -> ProfileError {
    error(
        0,
        &format!("colonnes.{name}"),
        "cette entrée n'a pas de valeur par défaut : le profil doit dire comment la tirer (ou vide = 1000)",
    )
}

pub fn unknown_name<'n>(line: usize, path: &str, name: &str, known: impl IntoIterator<Item = &'n str>) -> ProfileError {
    error(
        line,
        path,
        format!("« {name} » n'est ni une colonne ni une variable de ce profil{}", suggestion(name, known)),
    )
}

pub fn no_kind(line: usize, path: &str) -> ProfileError {
    error(line, path, "« pour » demande que la clé « genre » du profil nomme une colonne ou une variable à cas")
}

pub fn unknown_case(line: usize, path: &str, name: &str, cases: &[&str]) -> ProfileError {
    let near = suggestion(name, cases.iter().copied());
    let rest = if near.is_empty() { format!(" ; les cas sont {}", list(cases, "et")) } else { near };
    error(line, path, format!("« {name} » n'est pas un cas attendu ici{rest}"))
}

pub fn wrong_type(node: &Node, name: &str, ty: &str) -> ProfileError {
    at(node, format!("« {name} » attend ici {ty}"))
}

pub fn wrong_draw(node: &Node, key: &str, name: &str, ty: &str) -> ProfileError {
    at(node, format!("« {key} » ne convient pas à « {name} », qui attend {ty}"))
}

pub fn wrong_source(line: usize, path: &str, name: &str, expected: &str) -> ProfileError {
    error(line, path, format!("« {name} » n'est pas {expected}"))
}

pub fn only_for(line: usize, path: &str, key: &str, ty: &str) -> ProfileError {
    error(line, path, format!("« {key} » ne vaut que pour {ty}"))
}

pub fn outside_range(node: &Node, found: i64, low: i64, high: i64) -> ProfileError {
    at(node, format!("{} est hors de la plage de l'entrée, de {} à {}", number(found), number(low), number(high)))
}

pub fn too_many_decimals(node: &Node, found: i64, decimals: u32) -> ProfileError {
    let allowed = match decimals {
        0 => "l'entrée est entière".to_owned(),
        1 => "l'entrée n'a qu'une décimale".to_owned(),
        decimals => format!("l'entrée a {decimals} décimales"),
    };
    at(node, format!("{} a trop de décimales : {allowed}", number(found)))
}

pub fn unsupported_decimals(line: usize, path: &str, decimals: u32) -> ProfileError {
    error(line, path, format!("le générateur tire jusqu'à 6 décimales, cette entrée en a {decimals}"))
}

pub fn no_weight(node: &Node) -> ProfileError {
    at(node, "il faut un cas au moins dont le poids n'est pas nul ; un poids est un entier de 0 à 1000000")
}

pub fn missing_years(node: &Node, years: &[i64]) -> ProfileError {
    let years: Vec<String> = years.iter().map(i64::to_string).collect();
    at(node, format!("il manque la valeur de {}", list(&years, "et")))
}

pub fn bad_year(node: &Node, year: &str) -> ProfileError {
    at(node, format!("« {year} » n'est pas une année"))
}

pub fn bad_anchor<'n>(node: &Node, text: &str, known: impl IntoIterator<Item = &'n str>) -> ProfileError {
    at(
        node,
        format!(
            "« {text} » ne se lit pas comme une date : écrivez 2020-01-31, sans guillemets, ou le nom d'une date suivi ou non de « + 30 » jours, « + 6 mois » ou « + 3 ans »{}",
            suggestion(text, known)
        ),
    )
}

pub fn dates_reversed(node: &Node, first: Date, last: Date) -> ProfileError {
    at(node, format!("le {first} vient après le {last}"))
}

pub fn bad_noise(line: usize, path: &str) -> ProfileError {
    error(line, path, "« bruit » est une proportion de 0 à 1, comme 0.05")
}

pub fn bad_growth(line: usize, path: &str) -> ProfileError {
    error(line, path, "« croissance » est une proportion par an de -1 à 100, comme [-0.02, 0.05]")
}

pub fn never_drawn(line: usize, path: &str) -> ProfileError {
    error(line, path, "ce tirage ne sert jamais : celui qui précède convient à toutes les lignes")
}

pub fn empty_without_default(line: usize, path: &str) -> ProfileError {
    error(line, path, "une clé ne peut pas être vide")
}

pub fn pattern_names_nothing(line: usize, path: &str, hidden: bool) -> ProfileError {
    let forms = if hidden {
        "une variable à plusieurs noms s'écrit « x_{a,b}_y »"
    } else {
        "une clé à plusieurs noms s'écrit « x_*_y » ou « x_{a,b}_y », et le premier tirage qui nomme une entrée la prend"
    };
    error(line, path, format!("aucune entrée ne reste à tirer sous ce nom ; {forms}"))
}

pub fn pattern_alone(line: usize, path: &str) -> ProfileError {
    error(line, path, "« motif » vaut pour toutes les lignes : aucune autre clé ne l'accompagne")
}

pub fn pattern_and_text(line: usize, path: &str) -> ProfileError {
    error(line, path, "« motif » fait des clés : il ne vaut que pour un texte ou un nombre entier")
}

pub fn pattern_without_digits(node: &Node) -> ProfileError {
    at(node, "ce motif n'a aucun « # » : c'est là que va le numéro, un chiffre pour chacun")
}

pub fn no_pattern(key: &str) -> ProfileError {
    error(0, &format!("colonnes.{key}"), "il faut un « motif » pour que chaque assujetti ait sa clé")
}

pub fn too_many_subjects(node: &Node, subjects: usize, capacity: u64) -> ProfileError {
    at(node, format!("ce motif ne donne que {capacity} clés, il en faut {subjects}"))
}

pub fn years_outside(line: usize, first: i64, last: i64) -> ProfileError {
    error(line, "presence.annees", format!("la politique couvre les années de {first} à {last}"))
}

pub fn key_without_subject() -> ProfileError {
    error(0, "", "la clé de la politique n'est que l'année : il ne peut y avoir qu'un assujetti")
}

pub fn cycle(line: usize, path: &str, names: &[&str]) -> ProfileError {
    let names: Vec<String> = names.iter().map(|name| format!("« {name} »")).collect();
    error(line, path, format!("ces tirages dépendent l'un de l'autre, en rond : {}", names.join(", puis ")))
}
