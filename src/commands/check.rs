//! `polc check`: is the policy sound?

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use polc_compiler::check_all;
use polc_compiler::typed::{Program, QuantityKind};
use polc_dsl::SourceMap;
use polc_dsl::diagnostic::Diagnostic;
use polc_dsl::diagnostic::render::json;
use serde_json::Value;

use super::policy::messages;
use super::wording::{count, seconds};
use crate::exit::{Failure, Outcome};
use crate::terminal;

/// Vérifie des politiques : noms, unités, dates, barèmes, conflits, références
///
/// Lit chaque politique et en signale tous les défauts d'un coup, avec leur place : la base seule,
/// puis avec chaque avenant, projets compris. Le code de sortie est 1 s'il y en a.
///
/// Exemples :
///   polc check policies/accord-cds
///   polc check policies/* --format github
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Dossiers de fichiers .pol, ou fichiers
    #[arg(value_name = "POLITIQUE", required = true)]
    policies: Vec<PathBuf>,

    /// Forme des messages : text (le défaut), json, github (annotations), sarif
    #[arg(long, value_name = "FORME", default_value = "text", hide_default_value = true, hide_possible_values = true)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Github,
    Sarif,
}

/// A policy that was checked.
struct Checked {
    sources: SourceMap,
    diagnostics: Vec<Diagnostic>,
}

pub fn run(args: &Args) -> Outcome {
    let mut checked = Vec::new();
    for path in &args.policies {
        let start = Instant::now();
        let (sources, unread) = polc_runtime::io::policy::load(path);
        let found = if unread.is_empty() {
            check_all(&sources)
        } else {
            polc_compiler::Checked { program: None, diagnostics: unread, examples: 0, controls: 0 }
        };
        if args.format == Format::Text {
            match &found.program {
                Some(program) => writeln!(io::stdout(), "{}", success(program, &found, start.elapsed()))?,
                None => {
                    // If the standard error is closed, the exit code still tells.
                    let said = messages(&found.diagnostics, &sources, terminal::stderr_style());
                    let _ = writeln!(io::stderr(), "{said}");
                }
            }
        }
        checked.push(Checked { sources, diagnostics: found.diagnostics });
    }
    let report = match args.format {
        Format::Text => String::new(),
        Format::Json => merged(&checked, json::json, ""),
        Format::Github => checked.iter().map(|c| json::github(&c.diagnostics, &c.sources)).collect(),
        Format::Sarif => merged(&checked, json::sarif, "runs"),
    };
    io::stdout().write_all(report.as_bytes())?;
    if checked.iter().all(|checked| checked.diagnostics.is_empty()) { Ok(()) } else { Err(Failure::Reported) }
}

/// One JSON document for all the policies: their arrays end to end, at the top or under a name.
fn merged(checked: &[Checked], render: fn(&[Diagnostic], &SourceMap) -> String, under: &str) -> String {
    let documents = checked.iter().map(|c| serde_json::from_str(&render(&c.diagnostics, &c.sources)));
    let merged = documents.flatten().reduce(|mut all: Value, mut next: Value| {
        let (into, from) = match under {
            "" => (Some(&mut all), Some(&mut next)),
            name => (all.get_mut(name), next.get_mut(name)),
        };
        if let (Some(into), Some(from)) = (into.and_then(Value::as_array_mut), from.and_then(Value::as_array_mut)) {
            into.append(from);
        }
        all
    });
    merged
        .and_then(|document| serde_json::to_string_pretty(&document).ok())
        .map_or_else(String::new, |text| text + "\n")
}

fn success(program: &Program, found: &polc_compiler::Checked, duration: Duration) -> String {
    let mut counts = vec![
        count(program.inputs.len(), "entrée", "entrées"),
        count(provisions(program), "disposition", "dispositions"),
        count(program.readings.len(), "lecture", "lectures"),
        count(found.examples, "exemple", "exemples"),
        count(found.controls, "contrôle", "contrôles"),
    ];
    if !program.amendments.is_empty() {
        counts.push(count(program.amendments.len(), "avenant", "avenants"));
    }
    format!("{} : aucun problème ; {} ({})", program.name, counts.join(", "), seconds(duration))
}

/// What the text provides for: its rules and derogations, without the totals and tests that follow from them.
fn provisions(program: &Program) -> usize {
    let derived = |kind| {
        matches!(
            kind,
            QuantityKind::Condition
                | QuantityKind::Prerequisite
                | QuantityKind::DayCount
                | QuantityKind::BlockTotal
                | QuantityKind::PrerequisitesMet
                | QuantityKind::PrerequisitesCount
        )
    };
    let rules = program.quantities.iter().filter(|quantity| !derived(quantity.kind)).map(|q| q.rules.len());
    let derogations = program.quantities.iter().map(|quantity| quantity.derogations.len());
    rules.chain(derogations).sum()
}
