//! The words of golden files: the report of a comparison, and what makes a file unreadable.

use std::fmt::Write as _;

use polc_compiler::num::{Ratio, format_french, integer};
use polc_compiler::typed::{Citation, Program, QuantityId, Type};
use polc_dsl::diagnostic::list;

use super::{CellDifference, Comparison, OutputDifference, YearComparison, is_money};

/// How much of a difference is shown; the rest is counted.
#[derive(Clone, Copy, Debug)]
pub struct Detail {
    /// Results of a year.
    pub outputs: usize,
    /// Rows of a result.
    pub rows: usize,
}

/// The differences, provision by provision and year by year; nothing when there are none.
#[must_use]
pub fn report(program: &Program, comparison: &Comparison, detail: Detail) -> String {
    comparison.years.iter().map(|year| year_report(program, year, detail)).collect()
}

fn year_report(program: &Program, year: &YearComparison, detail: Detail) -> String {
    let mut text = String::new();
    let Some(file) = &year.file else {
        let _ =
            writeln!(text, "{} : la cohorte a des lignes de cette année, et rien n'en est encore attendu", year.year);
        return text;
    };
    if !year.unpinned.is_empty() {
        let names: Vec<&str> = year.unpinned.iter().take(3).map(String::as_str).collect();
        let more = if year.unpinned.len() > 3 { ", …" } else { "" };
        let count = count(year.unpinned.len(), "versement n'y a pas de colonne", "versements n'y ont pas de colonne");
        let _ = writeln!(text, "{file} : {count} ({}{more})", names.join(", "));
    }
    if year.holds() {
        return text;
    }
    let cells: usize = year.outputs.iter().map(|output| output.cells.len()).sum();
    let _ = writeln!(
        text,
        "{file} : {} sur {}",
        count(cells, "différence", "différences"),
        count(year.cells, "valeur", "valeurs")
    );
    for name in &year.unknown {
        let _ = writeln!(text, "  colonne « {name} » : ce n'est pas un résultat de la politique");
    }
    let rows =
        [("attendue, absente de la cohorte", &year.absent_rows), ("sans résultat attendu", &year.unexpected_rows)];
    for (what, keys) in rows {
        for key in keys.iter().take(detail.rows) {
            let _ = writeln!(text, "  ligne {key} : {what}");
        }
        if keys.len() > detail.rows {
            let _ = writeln!(text, "  et {}", count(keys.len() - detail.rows, "autre ligne", "autres lignes"));
        }
    }
    for output in year.outputs.iter().take(detail.outputs) {
        text += &output_report(program, output, detail);
    }
    if year.outputs.len() > detail.outputs {
        let others = year.outputs.len() - detail.outputs;
        let _ = writeln!(text, "  et {}", count(others, "autre résultat", "autres résultats"));
    }
    text
}

fn output_report(program: &Program, output: &OutputDifference, detail: Detail) -> String {
    let quantity = program.quantity(output.quantity);
    let lines = count(output.cells.len(), "ligne", "lignes");
    let mut text = format!("  {} « {} »{} : ", quantity.name, quantity.title, references(program, output.quantity));
    match &output.sums {
        Some((expected, found)) => {
            let amount = |value: &Ratio| amount(program, output.quantity, value);
            let change = signed(program, output.quantity, &(found - expected));
            let _ = writeln!(text, "{} attendus, {} trouvés, {change} sur {lines}", amount(expected), amount(found));
        }
        None => {
            let _ = writeln!(text, "{lines}");
        }
    }
    for cell in output.cells.iter().take(detail.rows) {
        let _ = writeln!(text, "      {}", cell_report(program, output.quantity, cell));
    }
    if output.cells.len() > detail.rows {
        let others = output.cells.len() - detail.rows;
        let _ = writeln!(text, "      et {}", count(others, "autre ligne", "autres lignes"));
    }
    text
}

fn cell_report(program: &Program, id: QuantityId, cell: &CellDifference) -> String {
    let value = |text: &str| match super::sheet::number(text) {
        _ if text.is_empty() => "sans objet".to_owned(),
        Some(number) if matches!(program.quantity(id).ty, Type::Number(_)) => amount(program, id, &number),
        _ => text.to_owned(),
    };
    let change = cell.change.as_ref().map_or_else(String::new, |change| format!(" ({})", signed(program, id, change)));
    format!("{} : attendu {}, trouvé {}{change}", cell.key, value(&cell.expected), value(&cell.found))
}

/// Euros with their cents; other numbers as they are.
fn amount(program: &Program, id: QuantityId, value: &Ratio) -> String {
    if is_money(program, id) {
        return format!("{}\u{A0}{}", format_french(value, program.currency.decimals), program.currency.symbol);
    }
    format_french(value, 0)
}

fn signed(program: &Program, id: QuantityId, change: &Ratio) -> String {
    let sign = if *change < integer(0) { "" } else { "+" };
    format!("{sign}{}", amount(program, id, change))
}

/// The articles of a provision, between parentheses.
fn references(program: &Program, id: QuantityId) -> String {
    let mut places: Vec<String> = Vec::new();
    for place in program.quantity(id).rules.iter().flat_map(|rule| &rule.citations).map(Citation::to_string) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    if places.is_empty() { String::new() } else { format!(" ({})", places.join(", ")) }
}

fn count(number: usize, singular: &str, plural: &str) -> String {
    let figures = format_french(&integer(i64::try_from(number).unwrap_or(i64::MAX)), 0);
    format!("{figures} {}", if number < 2 { singular } else { plural })
}

// ------------------------------------------------------------------------------------------------- files that are wrong

pub fn not_text(file: &str) -> String {
    format!("{file} : ce n'est pas du texte ; les résultats attendus sont en CSV")
}

pub fn no_header(file: &str) -> String {
    format!("{file} : il manque l'en-tête, qui nomme la clé et les résultats ; effacez ce fichier pour le refaire")
}

pub fn no_key(file: &str, name: &str) -> String {
    format!("{file} : la colonne « {name} » de la clé manque")
}

pub fn column_twice(file: &str, name: &str) -> String {
    format!("{file} : la colonne « {name} » y est deux fois")
}

pub fn ragged(file: &str, line: usize, found: usize, expected: usize) -> String {
    format!("{file}, ligne {line} : {}, l'en-tête en a {expected}", count(found, "cellule", "cellules"))
}

pub fn row_twice(file: &str, line: usize, key: &str) -> String {
    format!("{file}, ligne {line} : la ligne {key} y est déjà")
}

pub fn unreadable(path: &str, error: &std::io::Error) -> String {
    format!("{path} : lecture impossible ({error})")
}

pub fn not_a_folder(path: &str) -> String {
    format!("{path} : ce n'est pas un dossier")
}

pub fn no_cohort(folder: &str, cohort: &str) -> String {
    format!("{folder} : il n'y a pas de {cohort}, ni ici ni dans un sous-dossier")
}

pub fn strange_files(folder: &str, names: &[String]) -> String {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    format!("{folder} : {} n'a pas le nom d'une année, comme 2024.csv", list(&names, "et"))
}
