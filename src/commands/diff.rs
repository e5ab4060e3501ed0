//! `polc diff`: what two versions of a policy say differently.

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::ValueEnum;
use polc_runtime::diff::{difference, text};

use super::version::{self, VersionArgs};
use crate::exit::Outcome;
use crate::terminal;

/// Dit ce que deux versions d'une politique ont de différent
///
/// Les dispositions, les paramètres année par année, les dates d'effet, les lectures, avec les
/// articles : ajoutés, supprimés ou remplacés. Ce que cela coûte se calcule par « polc impact ».
///
/// Versions (--before, --after), dont les termes se combinent avec des virgules :
///   actuel            le droit sans option : la base et les avenants qui ne sont pas des projets
///   base              la base, sans aucun avenant
///   avec:AVENANT      avec cet avenant, projet ou plus tardif ; sans:AVENANT, sans lui
///   2024-12-31        le droit connu à cette date
///   LECTURE=VARIANTE  sous une autre lecture
///   DOSSIER           une autre politique, en premier : ../copie,sans:avenant_2
///
/// Exemples :
///   polc diff policies/aci-cpts --before base
///   polc diff politique --after avec:projet_b --format md
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Dossier de fichiers .pol, ou un seul fichier
    #[arg(value_name = "POLITIQUE")]
    policy: PathBuf,

    #[command(flatten)]
    versions: VersionArgs,

    /// Forme : text (le défaut), json ou md
    #[arg(long, value_name = "FORME", default_value = "text", hide_default_value = true, hide_possible_values = true)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
    Md,
}

pub fn run(args: &Args) -> Outcome {
    let [before, after] = version::load(&args.policy, &args.versions)?;
    let difference = difference(&before.policy, &after.policy, [&before.end, &after.end]);
    let out = match args.format {
        Format::Text => text::text(&difference, terminal::stdout_style().width),
        Format::Json => serde_json::to_string_pretty(&difference).unwrap_or_default() + "\n",
        Format::Md => text::markdown(&difference),
    };
    io::stdout().write_all(out.as_bytes())?;
    Ok(())
}
