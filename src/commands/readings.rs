//! `polc readings`: the register of interpretations, and what they are worth.

use std::io::{self, Write as _};
use std::path::PathBuf;

use polc_runtime::io::versions::{self, Comparison};
use polc_runtime::readings::{Price, bare, passes, register, text};

use super::data::{self, is_standard};
use super::diff::Format;
use super::eval::{LEAST_ROWS, whole};
use super::impact::{MEMORY, stream_failure};
use super::policy::{self, PolicyArg};
use crate::exit::{Failure, Outcome};
use crate::progress::Rows;
use crate::terminal;

/// Dit les lectures d'une politique et, sur des données, ce que vaut chaque variante
///
/// Le registre des interprétations : la question, les articles, la lecture retenue et son motif,
/// les variantes. Avec un fichier de données, chaque variante qui se calcule est chiffrée contre la
/// lecture retenue, en tout et par année, de la plus à la moins coûteuse.
///
/// Exemples :
///   polc readings policies/accord-cds
///   polc readings policies/aci-cpts cpts.csv
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(flatten)]
    policy: PolicyArg,

    /// Fichier des données, de tout format que lit « polc eval »
    #[arg(value_name = "DONNÉES")]
    data: Option<PathBuf>,

    /// Forme : text (le défaut), json ou md
    #[arg(long, value_name = "FORME", default_value = "text", hide_default_value = true, hide_possible_values = true)]
    format: Format,

    /// Nombre de fils d'exécution ; 0 (le défaut) pour tous les cœurs
    #[arg(long, value_name = "N", default_value = "0", hide_default_value = true, value_parser = whole)]
    threads: usize,
}

pub fn run(args: &Args) -> Outcome {
    if args.data.as_deref().is_some_and(is_standard) {
        return Err(Failure::Usage("les données sont lues plusieurs fois : donnez un fichier".to_owned()));
    }
    let policy = policy::load(&args.policy, &[])?;
    let mut register = register(&policy);
    if let Some(path) = &args.data {
        let _ = rayon::ThreadPoolBuilder::new().num_threads(args.threads).build_global();
        let bar = Rows::new(false);
        let program = bare(&policy.program);
        for pass in passes(&program) {
            if pass.payments.is_empty() {
                // No amount depends on them.
                for (reading, variant) in &pass.variants {
                    register.entries[*reading].prices[*variant] = Some(Price::default());
                }
                continue;
            }
            let versions = pass.versions(&program);
            let widened = versions::widened(&versions).map_err(Failure::Refused)?;
            let comparison = Comparison {
                place: data::place(path),
                versions: &versions,
                widened: &widened,
                threads: args.threads,
                least_rows: LEAST_ROWS,
                memory: MEMORY,
                progress: &bar,
            };
            let compared = versions::compare(&comparison, &[], &mut |part| {
                register.add(&pass, part);
                Ok(())
            });
            if compared.is_err() {
                bar.clear();
            }
            let ended = compared.map_err(stream_failure)?;
            register.data = Some((ended.file.to_string(), ended.rows as u64));
        }
        bar.clear();
        register.sort();
    }
    let out = match args.format {
        Format::Text => text::text(&register, terminal::stdout_style().width),
        Format::Json => register.to_json(),
        Format::Md => text::markdown(&register),
    };
    io::stdout().write_all(out.as_bytes())?;
    Ok(())
}
