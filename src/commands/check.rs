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
use polc_runtime::coverage;
use polc_runtime::io::figures;
use polc_runtime::plan::{self, PlanReport};
use serde_json::Value;

use super::policy::{messages, outputs};
use super::wording::{count, seconds};
use crate::exit::{Failure, Outcome};
use crate::terminal;

/// Vérifie des politiques : noms, unités, dates, barèmes, conflits, références
///
/// Lit chaque politique et en signale tous les défauts d'un coup, avec leur place : la base seule,
/// puis avec chaque avenant, projets compris. Le code de sortie est 1 s'il y en a. Quand la
/// politique a l'index des chiffres de ses textes (« chiffres.csv »), avertit des chiffres qui ne
/// sont dans aucun des articles cités.
///
/// Exemples :
///   polc check policies/accord-cds
///   polc check policies/* --format github
///   polc check policies/accord-cds --plan --outputs a,b
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Dossiers de fichiers .pol, ou fichiers
    #[arg(value_name = "POLITIQUE", required = true)]
    policies: Vec<PathBuf>,

    /// Forme des messages : text (le défaut), json, github (annotations), sarif
    #[arg(long, value_name = "FORME", default_value = "text", hide_default_value = true, hide_possible_values = true)]
    format: Format,

    /// Compte aussi les avertissements comme des défauts
    #[arg(long)]
    strict: bool,

    /// Dit aussi comment chaque versement sera calculé : largeurs, doutes, plages à resserrer
    ///
    /// Pour chaque résultat : le nombre et la largeur des opérations, ce qu'aucun doute ne peut
    /// atteindre, ce que seul l'interprète saura dire et pourquoi, et de quelles entrées une plage
    /// plus étroite l'éviterait. Formes text et json.
    #[arg(long)]
    plan: bool,

    /// Avec --plan : ces résultats, au lieu de tous les versements
    #[arg(long, value_name = "A,B,…", value_delimiter = ',', requires = "plan")]
    outputs: Vec<String>,

    /// Avec --plan : le droit de cette année, au lieu de la dernière de la politique
    #[arg(long, value_name = "ANNÉE", requires = "plan")]
    year: Option<i64>,
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
    if args.plan && !matches!(args.format, Format::Text | Format::Json) {
        return Err(Failure::Usage("« --plan » se donne en text ou en json".to_owned()));
    }
    let mut checked = Vec::new();
    let mut plans = Vec::new();
    for path in &args.policies {
        let start = Instant::now();
        let (sources, unread) = polc_runtime::io::policy::load(path);
        let mut found = if unread.is_empty() {
            check_all(&sources)
        } else {
            polc_compiler::Checked { program: None, diagnostics: unread, examples: 0, controls: 0 }
        };
        if let (Some(program), Some(index)) = (&found.program, figures::load(path)?) {
            found.diagnostics.extend(coverage::figures::warnings(&sources, program, &index));
        }
        if (args.format == Format::Text || args.plan) && !found.diagnostics.is_empty() {
            // If the standard error is closed, the exit code or the count on the output still tells.
            let said = messages(&found.diagnostics, &sources, terminal::stderr_style());
            let _ = writeln!(io::stderr(), "{said}");
        }
        if args.format == Format::Text
            && let Some(program) = &found.program
        {
            writeln!(io::stdout(), "{}", success(program, &found, start.elapsed()))?;
        }
        if args.plan
            && let Some(program) = &found.program
        {
            plans.push(planned(program, args)?);
        }
        checked.push(Checked { sources, diagnostics: found.diagnostics });
    }
    let report = match args.format {
        Format::Text => plans.iter().map(|plan| format!("\n{}", plan.to_text())).collect(),
        Format::Json if args.plan => serde_json::to_string_pretty(&plans).unwrap_or_default() + "\n",
        Format::Json => merged(&checked, json::json, ""),
        Format::Github => checked.iter().map(|c| json::github(&c.diagnostics, &c.sources)).collect(),
        Format::Sarif => merged(&checked, json::sarif, "runs"),
    };
    io::stdout().write_all(report.as_bytes())?;
    let fails = |diagnostic: &Diagnostic| args.strict || diagnostic.is_error();
    if checked.iter().flat_map(|checked| &checked.diagnostics).any(fails) { Err(Failure::Reported) } else { Ok(()) }
}

/// How the results asked for will be computed; all the payments where none is.
fn planned(program: &Program, args: &Args) -> Result<PlanReport, Failure> {
    let outputs = match &args.outputs[..] {
        [] => plan::payments(program),
        names => outputs(program, names)?,
    };
    let (first, last) = program.years;
    let year = args.year.unwrap_or(last);
    if !(first..=last).contains(&year) {
        let name = &program.name;
        return Err(Failure::Usage(format!("« {name} » va de {first} à {last}, et n'a pas de droit pour {year}")));
    }
    Ok(plan::report(program, year, &outputs))
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
    let said = match found.diagnostics.len() {
        0 => "aucun problème".to_owned(),
        warnings => count(warnings, "avertissement", "avertissements"),
    };
    format!("{} : {said} ; {} ({})", program.name, counts.join(", "), seconds(duration))
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
