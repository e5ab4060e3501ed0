//! Differences as text for a terminal, and as Markdown.

use std::fmt::Write as _;

use super::{Aspect, Change, Difference, Verb};
use crate::impact::words::count;
use crate::plain::folded;

/// The differences, folded to a width.
#[must_use]
pub fn text(difference: &Difference, width: usize) -> String {
    let mut out = folded("", &difference.title, 0, width);
    for (word, side) in [("avant", &difference.before), ("après", &difference.after)] {
        let law = side.law.as_ref().map(|law| format!(" ({law})")).unwrap_or_default();
        out += &folded(&format!("{word} : "), &format!("{}{law}", side.version), 8, width);
    }
    for change in &difference.changes {
        out.push('\n');
        let sign = match change.verb {
            Verb::Added => '+',
            Verb::Removed => '-',
            Verb::Changed => '~',
        };
        out += &folded(&format!("{sign} "), &headline(change), 4, width);
        for aspect in &change.aspects {
            match (&aspect.before, &aspect.after) {
                (Some(before), Some(after)) => {
                    let line = format!("{} : {before} → {after}", aspect.name);
                    if line.chars().count() + 4 <= width.max(60) {
                        let _ = writeln!(out, "    {line}");
                    } else {
                        let _ = writeln!(out, "    {} :", aspect.name);
                        out += &folded("      avant : ", before, 14, width);
                        out += &folded("      après : ", after, 14, width);
                    }
                }
                (before, after) => {
                    out += &folded(&format!("    {} : ", label(change, aspect)), one(before, after), 6, width)
                }
            }
        }
    }
    out + "\n" + &totals(difference)
}

/// The same as Markdown.
#[must_use]
pub fn markdown(difference: &Difference) -> String {
    let mut out = format!("# {}\n\n", difference.title);
    for (word, side) in [("avant", &difference.before), ("après", &difference.after)] {
        let law = side.law.as_ref().map(|law| format!(" ({law})")).unwrap_or_default();
        let _ = writeln!(out, "- {word} : `{}`{law}", side.version);
    }
    let _ = write!(out, "\n{}", totals(difference));
    for change in &difference.changes {
        let _ = write!(out, "\n## {} : {}\n\n", verb(change.verb), headline(change));
        let _ = writeln!(out, "| | avant | après |\n| --- | --- | --- |");
        for aspect in &change.aspects {
            let cell = |text: &Option<String>| text.as_deref().unwrap_or("—").replace('|', "\\|");
            let _ = writeln!(out, "| {} | {} | {} |", aspect.name, cell(&aspect.before), cell(&aspect.after));
        }
    }
    out
}

fn headline(change: &Change) -> String {
    let title = if change.title == change.name { String::new() } else { format!(" « {} »", change.title) };
    let references =
        if change.references.is_empty() { String::new() } else { format!(" [{}]", change.references.join(", ")) };
    format!("{} {}{title}{references}", change.kind, change.name)
}

/// What is on one side only of a declaration that both have is told to be so.
fn label(change: &Change, aspect: &Aspect) -> String {
    match (change.verb, &aspect.before) {
        (Verb::Changed, Some(_)) => format!("{}, avant", aspect.name),
        (Verb::Changed, None) => format!("{}, après", aspect.name),
        _ => aspect.name.clone(),
    }
}

fn one<'t>(before: &'t Option<String>, after: &'t Option<String>) -> &'t str {
    before.as_deref().or(after.as_deref()).unwrap_or_default()
}

fn verb(verb: Verb) -> &'static str {
    match verb {
        Verb::Added => "Ajout",
        Verb::Removed => "Suppression",
        Verb::Changed => "Remplacement",
    }
}

fn totals(difference: &Difference) -> String {
    let of = |verb: Verb| difference.changes.iter().filter(|change| change.verb == verb).count() as u64;
    format!(
        "{}, {}, {}\n",
        count(of(Verb::Added), "ajout", "ajouts"),
        count(of(Verb::Removed), "suppression", "suppressions"),
        count(of(Verb::Changed), "remplacement", "remplacements")
    )
}
