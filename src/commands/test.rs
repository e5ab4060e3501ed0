//! `polc test`: do the examples and the controls of the policy hold?

use std::io::{self, Write as _};
use std::time::Instant;

use polc_runtime::examples;

use super::policy::{self, PolicyArg};
use super::wording::{count, seconds};
use crate::exit::{Failure, Outcome};

/// Exécute les exemples et les contrôles d'une politique
///
/// Chaque exemple est calculé par l'interprète et comparé à ce qu'il attend ; chaque contrôle sur
/// une situation est vérifié. Les contrôles « sur chaque ligne » se vérifient sur des données, par
/// « polc eval ». Le code de sortie est 1 si l'un d'eux échoue.
///
/// Exemple :
///   polc test policies/accord-cds
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(flatten)]
    policy: PolicyArg,
}

pub fn run(args: &Args) -> Outcome {
    let start = Instant::now();
    let policy = policy::load(&args.policy, &[])?;
    let report = examples::run(&policy);
    let mut out = String::new();
    for failure in &report.failures {
        out += &format!("ÉCHEC {} ({})\n", failure.title, policy.sources.place(failure.place));
        for line in &failure.lines {
            out += &format!("      {line}\n");
        }
    }
    out += &format!(
        "{} et {} : {}, {} ({})\n",
        count(report.examples, "exemple", "exemples"),
        count(report.controls, "contrôle", "contrôles"),
        count(report.passed, "réussi", "réussis"),
        count(report.failures.len(), "échec", "échecs"),
        seconds(start.elapsed())
    );
    io::stdout().write_all(out.as_bytes())?;
    if report.failures.is_empty() { Ok(()) } else { Err(Failure::Reported) }
}
