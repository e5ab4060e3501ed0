//! `polc coverage`: what of the text is encoded, and what the examples exercise?

use std::io::{self, Write as _};

use clap::ValueEnum;
use polc_runtime::coverage::{self, text};
use polc_runtime::io::figures;

use super::policy::{self, PolicyArg};
use crate::exit::{Failure, Outcome};
use crate::terminal;

/// Mesure ce qu'une politique couvre de ses textes, et ce que ses exemples éprouvent
///
/// Article par article, dans l'ordre du texte : les dispositions, les lectures et les exemples ; les
/// chiffres de l'article, ceux qu'aucune disposition n'emploie, et pourquoi quand c'est écrit. Puis
/// les branches et les seuils que les exemples éprouvent, et ce qui n'en a pas.
///
/// Les chiffres viennent de l'index « chiffres.csv », à côté des fichiers .pol.
///
/// Exemples :
///   polc coverage policies/accord-cds
///   polc coverage policies/accord-cds --place « article 13 »
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(flatten)]
    policy: PolicyArg,

    /// Un seul article ou une seule annexe, et ce qu'ils contiennent
    #[arg(long, value_name = "LIEU")]
    place: Option<String>,

    /// Forme du rapport : texte (le défaut), json
    #[arg(long, value_name = "FORME", default_value = "texte", hide_default_value = true, hide_possible_values = true)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    #[value(alias = "text")]
    Texte,
    Json,
}

pub fn run(args: &Args) -> Outcome {
    let policy = policy::load(&args.policy, &[])?;
    let index = figures::load(&args.policy.policy)?;
    let mut report = coverage::report(&policy, index.as_ref());
    let place = args.place.as_deref().map(|place| place.trim_matches(['«', '»', ' ', '\u{a0}']));
    if let Some(place) = place
        && !report.lieux.iter().any(|known| coverage::index::covers(place, &known.lieu))
    {
        return Err(Failure::Usage(format!("ni l'index ni la politique n'ont de lieu « {place} »")));
    }
    let out = match args.format {
        Format::Texte => text::text(&report, text::Options { place, width: terminal::stdout_style().width }),
        Format::Json => {
            if let Some(place) = place {
                report.lieux.retain(|known| coverage::index::covers(place, &known.lieu));
            }
            serde_json::to_string_pretty(&report).unwrap_or_default() + "\n"
        }
    };
    io::stdout().write_all(out.as_bytes())?;
    Ok(())
}
