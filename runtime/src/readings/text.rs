//! The register of interpretations as text for a terminal, and as Markdown.

use std::fmt::Write as _;

use polc_compiler::typed::Citation;

use super::{Entry, Price, Register};
use crate::impact::signed;
use crate::impact::words::count;
use crate::plain::folded;

/// The register, folded to a width.
#[must_use]
pub fn text(register: &Register, width: usize) -> String {
    let mut out = folded("", &register.title, 0, width);
    out += &(head(register) + "\n");
    for entry in &register.entries {
        let reading = &entry.reading;
        out.push('\n');
        let references = cited(&reading.citations);
        out += &folded("", &format!("{} « {} »{references}", reading.name, reading.question), 2, width);
        if !reading.in_conflict.is_empty() {
            out += &folded("  en conflit : ", &list(&reading.in_conflict), 4, width);
        }
        out += &folded("  retenue : ", &format!("{}, « {} »", reading.retained.name, reading.retained.text), 4, width);
        out += &folded("  motif : ", &reading.reason, 4, width);
        for (variant, price) in reading.alternatives.iter().zip(&entry.prices) {
            out += &folded("  variante : ", &format!("{}, « {} »", variant.name, variant.text), 4, width);
            let words = words(register, variant.computable, price.as_ref());
            if !words.is_empty() {
                out += &folded("    ", &words, 6, width);
            }
        }
    }
    out
}

/// The same as Markdown.
#[must_use]
pub fn markdown(register: &Register) -> String {
    let mut out = format!("# {} : lectures\n\n{}\n", register.title, head(register));
    for entry in &register.entries {
        let reading = &entry.reading;
        let _ = write!(out, "\n## {}\n\n{}{}\n\n", reading.name, reading.question, cited(&reading.citations));
        if !reading.in_conflict.is_empty() {
            let _ = writeln!(out, "- en conflit : {}", list(&reading.in_conflict));
        }
        let _ = writeln!(out, "- retenue : `{}`, « {} »", reading.retained.name, reading.retained.text);
        let _ = writeln!(out, "- motif : {}", reading.reason);
        for line in variants(register, entry) {
            let _ = writeln!(out, "- {line}");
        }
    }
    out
}

fn variants(register: &Register, entry: &Entry) -> Vec<String> {
    let lines = entry.reading.alternatives.iter().zip(&entry.prices).map(|(variant, price)| {
        let words = words(register, variant.computable, price.as_ref());
        let words = if words.is_empty() { words } else { format!(" — {words}") };
        format!("variante : `{}`, « {} »{words}", variant.name, variant.text)
    });
    lines.collect()
}

fn head(register: &Register) -> String {
    let readings = count(register.entries.len() as u64, "lecture", "lectures");
    match &register.data {
        None => readings,
        Some((file, rows)) => {
            let rows = count(*rows, "ligne", "lignes");
            format!("{readings}, de la plus à la moins coûteuse sur {file} ({rows})")
        }
    }
}

/// What a variant is worth.
fn words(register: &Register, computable: bool, price: Option<&Price>) -> String {
    let Some(price) = price else {
        return if computable { String::new() } else { "note : ne se calcule pas".to_owned() };
    };
    let amount = |amount: i128| signed(amount, &register.currency);
    let mut words = amount(price.total);
    if !price.years.is_empty() {
        let years: Vec<String> = price.years.iter().map(|(year, sum)| format!("{year} {}", amount(*sum))).collect();
        let _ = write!(words, " ({})", years.join(" ; "));
    }
    let _ = write!(
        words,
        ", {}, {}",
        count(price.winners, "ligne gagne", "lignes gagnent"),
        count(price.losers, "ligne perd", "lignes perdent")
    );
    if price.in_error > 0 {
        let _ = write!(
            words,
            ", {}",
            count(
                price.in_error,
                "ligne ne se calcule que sous l'une des deux",
                "lignes ne se calculent que sous l'une des deux"
            )
        );
    }
    words
}

fn cited(citations: &[Citation]) -> String {
    if citations.is_empty() { String::new() } else { format!(" [{}]", list(citations)) }
}

fn list(citations: &[Citation]) -> String {
    citations.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
