//! `polc bench`: how fast a policy is computed on this machine.

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::ValueEnum;
use polc_compiler::typed::QuantityId;
use polc_runtime::bench::{BenchOptions, run as measure};
use polc_runtime::io::csv::{OtherColumns, Request};
use polc_runtime::io::data::read;

use super::data;
use super::eval::whole;
use super::policy::{self, PolicyArg};
use crate::exit::{Failure, Outcome};

/// Mesure la vitesse de calcul d'une politique sur cette machine
///
/// Les lignes sont tirées au hasard dans les plages des entrées, ou sont celles d'un fichier,
/// répétées au besoin. Mesure la compilation, le code compilé et l'interprète, et vérifie qu'ils
/// donnent les mêmes résultats.
///
/// Exemples :
///   polc bench policies/accord-cds
///   polc bench policies/accord-cds centres.csv --rows 1000000 --format json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(flatten)]
    policy: PolicyArg,

    /// Fichier CSV des données ; sans lui, des lignes tirées au hasard
    #[arg(value_name = "DONNÉES")]
    data: Option<PathBuf>,

    /// Résultats à calculer ; sans eux, tous les versements, puis toutes les sorties
    #[arg(long, value_name = "A,B,…", value_delimiter = ',')]
    outputs: Vec<String>,

    /// Nombre de lignes (20 000 sans autre indication, ou toutes celles du fichier s'il en a plus)
    #[arg(long, value_name = "N", value_parser = whole)]
    rows: Option<usize>,

    /// Nombre de fils d'exécution ; 0 (le défaut) pour tous les cœurs
    #[arg(long, value_name = "N", default_value = "0", hide_default_value = true, value_parser = whole)]
    threads: usize,

    /// Forme : text (le défaut) ou json
    #[arg(long, value_name = "FORME", default_value = "text", hide_default_value = true, hide_possible_values = true)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub fn run(args: &Args) -> Outcome {
    let policy = policy::load(&args.policy, &[])?;
    let chosen = if args.outputs.is_empty() { Vec::new() } else { policy::outputs(&policy.program, &args.outputs)? };
    let outputs: Vec<QuantityId> = if chosen.is_empty() { policy.program.outputs().collect() } else { chosen.clone() };
    let mut request = Request::new(&policy.program, &outputs);
    request.others = OtherColumns::Ignored;
    let batch = match &args.data {
        None => None,
        Some(path) => Some(read(data::place(path), &request)?.batch),
    };
    let mut options = BenchOptions { threads: args.threads, outputs: chosen, ..BenchOptions::default() };
    options.rows = args.rows.unwrap_or_else(|| options.rows.max(batch.as_ref().map_or(0, |batch| batch.rows)));
    let report = measure(&policy, &options, batch.as_ref());
    let text = match args.format {
        Format::Text => report.to_text(),
        Format::Json => serde_json::to_string_pretty(&report).unwrap_or_default() + "\n",
    };
    io::stdout().write_all(text.as_bytes())?;
    if report.measures.iter().all(|measures| measures.identical) {
        return Ok(());
    }
    let message = "le code compilé et l'interprète ne donnent pas les mêmes résultats : c'est une faute de polc, \
                   envoyez-nous la politique et les données ; en attendant, calculez avec « --engine reference »";
    Err(Failure::Refused(message.to_owned()))
}
