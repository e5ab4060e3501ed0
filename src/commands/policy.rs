//! Reads the policy of a command, under the readings asked for.

use std::path::{Path, PathBuf};

use polc_compiler::Selection;
use polc_compiler::calendar::Date;
use polc_compiler::typed::{Program, QuantityId, Reading};
use polc_dsl::SourceMap;
use polc_dsl::diagnostic::render::terminal::{Style, render};
use polc_dsl::diagnostic::{Diagnostic, closest, list};
use polc_runtime::io::{self, parse_date};
use polc_runtime::policy::Policy;

use super::wording::count;
use crate::exit::Failure;
use crate::terminal;

/// The policy argument, the same for every command.
#[derive(Debug, clap::Args)]
pub struct PolicyArg {
    /// Dossier de fichiers .pol, ou un seul fichier
    #[arg(value_name = "POLITIQUE")]
    pub policy: PathBuf,

    #[command(flatten)]
    pub law: LawArgs,
}

/// Which state of the law, the same for every command.
#[derive(Debug, Default, clap::Args)]
pub struct LawArgs {
    /// Applique aussi cet avenant : un projet, ou un avenant connu plus tard (à répéter)
    #[arg(long = "with", value_name = "AVENANT")]
    pub with: Vec<String>,

    /// Laisse cet avenant de côté (à répéter)
    #[arg(long = "without", value_name = "AVENANT")]
    pub without: Vec<String>,

    /// Applique le droit connu à cette date : 2024-12-31 ou 31/12/2024
    #[arg(long = "as-of", value_name = "DATE", value_parser = date)]
    pub as_of: Option<Date>,
}

fn date(text: &str) -> Result<Date, String> {
    parse_date(text).map_err(|_| "attendu : une date, 2024-12-31 ou 31/12/2024".to_owned())
}

/// The readings option, the same for every command that computes.
#[derive(Debug, clap::Args)]
pub struct ReadingArgs {
    /// Calcule sous une variante d'une lecture (à répéter)
    #[arg(long = "reading", value_name = "LECTURE=VARIANTE", value_parser = reading)]
    pub readings: Vec<(String, String)>,
}

fn reading(text: &str) -> Result<(String, String), String> {
    let (name, variant) = text.split_once('=').ok_or("attendu : LECTURE=VARIANTE")?;
    Ok((name.trim().to_owned(), variant.trim().to_owned()))
}

/// Reads and compiles a policy.
pub fn load(arg: &PolicyArg, readings: &[(String, String)]) -> Result<Policy, Failure> {
    build(read(&arg.policy)?, &arg.law, readings)
}

/// Reads the files of a policy.
pub fn read(path: &Path) -> Result<SourceMap, Failure> {
    let (sources, problems) = io::policy::load(path);
    if problems.is_empty() { Ok(sources) } else { Err(refusal(&problems, &sources)) }
}

/// Compiles the files of a policy.
pub fn build(sources: SourceMap, law: &LawArgs, readings: &[(String, String)]) -> Result<Policy, Failure> {
    let refused = |(sources, diagnostics): (SourceMap, Vec<Diagnostic>)| refusal(&diagnostics, &sources);
    let mut selection = choose(&sources, law)?;
    // Readings are names of the policy: they can be judged once it is known to be sound.
    let policy = Policy::build(sources, &selection).map_err(refused)?;
    if readings.is_empty() {
        return Ok(policy);
    }
    for (name, variant) in readings {
        check_reading(&policy.program, name, variant)?;
        if selection.readings.insert(name.clone(), variant.clone()).is_some() {
            return Err(Failure::Usage(format!("la lecture « {name} » est choisie deux fois")));
        }
    }
    Policy::build(policy.sources, &selection).map_err(refused)
}

/// The amendments asked for and left out; their names are those of the policy, and what is kept does not need what is left.
fn choose(sources: &SourceMap, law: &LawArgs) -> Result<Selection, Failure> {
    let selection = Selection {
        with: law.with.iter().cloned().collect(),
        without: law.without.iter().cloned().collect(),
        as_of: law.as_of,
        ..Selection::default()
    };
    if selection == Selection::default() {
        return Ok(selection);
    }
    let (_, problems) = polc_compiler::amendments(sources, &selection);
    match problems.first() {
        None => Ok(selection),
        Some(problem) => {
            let help = problem.help.as_ref().map(|help| format!(" ; {help}")).unwrap_or_default();
            Err(Failure::Usage(format!("{}{help}", problem.message)))
        }
    }
}

/// The amendments that a program applies and those that it leaves out, where the policy has any.
pub fn state_of_law(program: &Program) -> Option<String> {
    let names = |included: bool| {
        let kept = program.amendments.iter().filter(|amendment| amendment.included == included);
        kept.map(|amendment| amendment.name.to_string()).collect::<Vec<_>>().join(", ")
    };
    let (applied, left) = (names(true), names(false));
    match (applied.is_empty(), left.is_empty()) {
        (true, true) => None,
        (false, true) => Some(format!("avenants appliqués : {applied}")),
        (true, false) => Some(format!("avenants laissés de côté : {left}")),
        (false, false) => Some(format!("avenants appliqués : {applied} ; laissés de côté : {left}")),
    }
}

fn check_reading(program: &Program, name: &str, variant: &str) -> Result<(), Failure> {
    let Some(reading) = program.readings.iter().find(|reading| *reading.name == *name) else {
        let known = program.readings.iter().map(|reading| &*reading.name);
        return Err(Failure::Usage(unknown("lecture", name, known)));
    };
    if variant == &*reading.retained.name {
        return Ok(());
    }
    match reading.alternatives.iter().find(|alternative| *alternative.name == *variant) {
        Some(alternative) if alternative.computable => Ok(()),
        Some(_) => Err(Failure::Usage(format!(
            "la variante « {variant} » de la lecture « {name} » est une note, elle ne se calcule pas ; {}",
            computable(reading)
        ))),
        None => {
            let known = std::iter::once(&reading.retained).chain(&reading.alternatives).map(|v| &*v.name);
            let unknown = unknown("variante", variant, known);
            Err(Failure::Usage(format!("lecture « {name} » : {unknown} ; {}", computable(reading))))
        }
    }
}

fn computable(reading: &Reading) -> String {
    let others = reading.alternatives.iter().filter(|variant| variant.computable).map(|variant| &*variant.name);
    let names: Vec<&str> = std::iter::once(&*reading.retained.name).chain(others).collect();
    format!("se calculent : {}", list(&names, "et"))
}

/// The quantities named, once each, in the order given; all the outputs of the policy when none is named.
pub fn outputs(program: &Program, names: &[String]) -> Result<Vec<QuantityId>, Failure> {
    if names.is_empty() {
        return Ok(program.outputs().collect());
    }
    let mut outputs = Vec::new();
    for name in names.iter().map(|name| name.trim()) {
        let id = program.find_quantity(name).filter(|id| !program.quantity(*id).internal);
        let Some(id) = id else {
            let known = program.outputs().map(|id| &*program.quantity(id).name);
            return Err(Failure::Usage(unknown("quantité", name, known)));
        };
        if !outputs.contains(&id) {
            outputs.push(id);
        }
    }
    Ok(outputs)
}

/// A name that the policy does not have, and those that resemble it.
fn unknown<'n>(kind: &str, name: &str, known: impl Iterator<Item = &'n str>) -> String {
    let known: Vec<&str> = known.collect();
    let mut near: Vec<&str> = closest(name, known.iter().copied()).into_iter().collect();
    let contains = |candidate: &&&str| {
        !name.is_empty() && (candidate.contains(name) || name.contains(**candidate)) && !near.contains(*candidate)
    };
    let related: Vec<&str> = known.iter().filter(contains).copied().collect();
    near.extend(related);
    let message = format!("la politique n'a pas de {kind} « {name} »");
    if near.is_empty() { message } else { format!("{message} ; noms proches : {}", list(&near, "et")) }
}

/// The messages about a policy, for the standard error.
pub fn refusal(diagnostics: &[Diagnostic], sources: &SourceMap) -> Failure {
    Failure::Refused(messages(diagnostics, sources, terminal::stderr_style()))
}

pub fn messages(diagnostics: &[Diagnostic], sources: &SourceMap, style: Style) -> String {
    let mut text: String = diagnostics.iter().map(|diagnostic| render(diagnostic, sources, style)).collect();
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
    text += &if errors == 0 {
        count(diagnostics.len(), "avertissement", "avertissements")
    } else {
        count(errors, "problème", "problèmes")
    };
    text
}
