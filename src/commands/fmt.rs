//! `polc fmt`: the canonical layout of `.pol` files.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use polc_dsl::SourceMap;
use polc_dsl::diagnostic::Diagnostic;
use polc_dsl::format::{Unformatted, format};
use polc_runtime::diagnostics;
use polc_runtime::io::output::Output;
use polc_runtime::io::policy::{Alone, each};

use super::data::{self, identity, is_standard};
use super::policy::messages;
use super::wording::{count, figures};
use crate::exit::{Failure, Outcome};
use crate::terminal;

/// Met en forme des fichiers .pol, sans en changer le sens
///
/// Chaque fichier est réécrit en place dans la mise en forme que décrit docs/langage.md, section
/// « Mise en forme » ; les commentaires restent. Un fichier que « polc check » ne peut pas lire
/// est laissé tel quel, avec ses messages, et le code de sortie est 1.
///
/// Exemples :
///   polc fmt politique
///   polc fmt --check politique
///   polc fmt - < brouillon.pol > propre.pol
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Fichiers .pol ou dossiers ; « - » lit l'entrée standard et écrit sur la sortie standard
    #[arg(value_name = "FICHIER", required = true)]
    paths: Vec<PathBuf>,

    /// Ne change rien : liste les fichiers à mettre en forme ; le code de sortie est 1 s'il y en a
    #[arg(long)]
    check: bool,
}

/// How many files came out how.
#[derive(Default)]
struct Counts {
    changed: usize,
    same: usize,
    left: usize,
}

pub fn run(args: &Args) -> Outcome {
    let mut counts = Counts::default();
    if args.paths.iter().any(|path| is_standard(path)) {
        if args.paths.len() > 1 {
            return Err(Failure::Usage("« - » se donne seul".to_owned()));
        }
        standard(args.check, &mut counts)?;
    } else {
        let mut seen = BTreeSet::new();
        for file in args.paths.iter().flat_map(|path| each(path)) {
            if seen.insert(identity(&file.path)) {
                one(&file, args.check, &mut counts)?;
            }
        }
        // A closed standard error does not undo the work.
        let _ = writeln!(io::stderr(), "{}", counts.summary(args.check));
    }
    let failed = counts.left > 0 || (args.check && counts.changed > 0);
    if failed { Err(Failure::Reported) } else { Ok(()) }
}

impl Counts {
    fn summary(&self, check: bool) -> String {
        let (done, rest) = if check { ("à mettre en forme", "en forme") } else { ("mis en forme", "déjà en forme") };
        let mut summary =
            format!("{} {done}, {} {rest}", count(self.changed, "fichier", "fichiers"), figures(self.same));
        if self.left > 0 {
            let left = count(self.left, "laissé tel quel", "laissés tels quels");
            summary += &format!(", {left}");
        }
        summary
    }
}

/// From the standard input to the standard output.
fn standard(check: bool, counts: &mut Counts) -> Outcome {
    let file = data::read(Path::new("-"))?;
    let mut sources = SourceMap::new();
    let (_, problem) = sources.add(&file.name, &file.bytes);
    let Some(text) = formatted(&sources, problem.as_slice(), counts) else { return Ok(()) };
    let same = text.as_bytes() == file.bytes;
    *(if same { &mut counts.same } else { &mut counts.changed }) += 1;
    if !check {
        io::stdout().write_all(text.as_bytes())?;
    } else if !same {
        writeln!(io::stdout(), "{}", file.name)?;
    }
    Ok(())
}

/// One file, in place.
fn one(file: &Alone, check: bool, counts: &mut Counts) -> Outcome {
    let Some(text) = formatted(&file.sources, &file.problems, counts) else { return Ok(()) };
    if text.as_bytes() == file.bytes {
        counts.same += 1;
        return Ok(());
    }
    let name = file.path.to_string_lossy();
    if check {
        writeln!(io::stdout(), "{name}")?;
    } else if let Err(error) = write(&file.path, &text) {
        say(&diagnostics::unwritable(&name.into(), &error).to_string());
        counts.left += 1;
        return Ok(());
    }
    counts.changed += 1;
    Ok(())
}

/// The canonical text of the only file of these sources; why there is none has been said.
fn formatted(sources: &SourceMap, problems: &[Diagnostic], counts: &mut Counts) -> Option<String> {
    let refused = |diagnostics: &[Diagnostic]| say(&messages(diagnostics, sources, terminal::stderr_style()));
    let id = sources.ids().next()?;
    match if problems.is_empty() { format(sources, id) } else { Err(Unformatted::Refused(problems.to_vec())) } {
        Ok(text) => return Some(text),
        Err(Unformatted::Refused(diagnostics)) => refused(&diagnostics),
        Err(Unformatted::Unfaithful) => say(&format!(
            "{} : la mise en forme en changerait le sens ; c'est un défaut de polc, à signaler",
            sources.file(id).name
        )),
    }
    counts.left += 1;
    None
}

fn say(message: &str) {
    // If the standard error is closed, the exit code still tells.
    let _ = writeln!(io::stderr(), "{message}");
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut output = Output::create(path)?;
    output.write_all(text.as_bytes())?;
    output.commit()
}
