//! `polc generate`: synthetic rows for a policy, drawn from a profile.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use polc_runtime::diagnostics;
use polc_runtime::io::output::Output;
use polc_runtime::io::text::FileKind;
use polc_runtime::synth::{Profile, ProfileError, generate};

use super::data::{self, identity, is_standard};
use super::policy::{self, PolicyArg};
use super::wording::{count, seconds};
use crate::exit::{Failure, Outcome};

/// Tire au sort des données synthétiques
///
/// Le profil, un fichier TOML, dit pour chaque entrée de la politique comment sa valeur se tire.
/// La même graine donne le même fichier, sur toute machine. Aucune ligne n'est réelle.
///
/// Exemples :
///   polc generate politique profil.toml --subjects 1000 -o donnees.csv
///   polc generate politique profil.toml --subjects 100000 --seed 7 | polc eval politique -
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(flatten)]
    policy: PolicyArg,

    /// Profil des données, en TOML ; « - » pour l'entrée standard
    #[arg(value_name = "PROFIL")]
    profile: PathBuf,

    /// Nombre d'assujettis ; chacun a une ligne par année de présence
    #[arg(long, value_name = "N", value_parser = whole)]
    subjects: usize,

    /// Graine du tirage (1 par défaut)
    #[arg(long, value_name = "S", default_value = "1", hide_default_value = true, value_parser = seed)]
    seed: u64,

    /// Fichier des données, en CSV (« - » ou rien : la sortie standard)
    #[arg(short, long, value_name = "FICHIER")]
    output: Option<PathBuf>,
}

fn whole(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "attendu : un nombre entier".to_owned())
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "attendu : un nombre entier positif".to_owned())
}

pub fn run(args: &Args) -> Outcome {
    let start = Instant::now();
    let destination = args.output.as_deref().filter(|path| !is_standard(path));
    if destination.is_some_and(|path| !is_standard(&args.profile) && identity(path) == identity(&args.profile)) {
        return Err(Failure::Usage("« --output » remplacerait le profil".to_owned()));
    }
    if destination.is_some_and(|path| FileKind::of(path) != FileKind::Csv) {
        return Err(Failure::Usage("« --output » s'écrit en CSV : donnez un nom en « .csv »".to_owned()));
    }
    let policy = policy::load(&args.policy, &[])?;
    let file = data::read(&args.profile)?;
    let profile = match std::str::from_utf8(&file.bytes) {
        Ok(text) => Profile::parse(text.strip_prefix('\u{FEFF}').unwrap_or(text)),
        Err(error) => Err(vec![ProfileError::not_utf8(&file.bytes, error)]),
    };
    let refused = |problems: Vec<ProfileError>| {
        let lines: Vec<String> = problems.iter().map(|problem| format!("{}, {problem}", file.name)).collect();
        Failure::Refused(format!("{}\n{}", lines.join("\n"), count(problems.len(), "problème", "problèmes")))
    };
    let profile = profile.map_err(refused)?;
    let generator = generate(&policy.program, &profile, args.subjects, args.seed).map_err(refused)?;

    let written = |error: io::Error| unwritable(error, destination);
    let mut output = destination.map_or_else(|| Ok(Output::stdout()), Output::create).map_err(written)?;
    let rows = generator.write_csv(&mut output).map_err(written)?;
    output.commit().map_err(written)?;
    let summary = format!(
        "données synthétiques : {}, {}, graine {}, en {}",
        count(args.subjects, "assujetti", "assujettis"),
        count(rows, "ligne", "lignes"),
        args.seed,
        seconds(start.elapsed())
    );
    // A closed standard error does not undo the work.
    let _ = writeln!(io::stderr(), "{summary}");
    Ok(())
}

fn unwritable(error: io::Error, path: Option<&Path>) -> Failure {
    match path {
        Some(path) if error.kind() != io::ErrorKind::BrokenPipe => {
            diagnostics::unwritable(&path.to_string_lossy().into(), &error).into()
        }
        _ => error.into(),
    }
}
