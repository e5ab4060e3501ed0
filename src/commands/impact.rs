//! `polc impact`: what the difference between two versions of a policy is worth on the rows of a file.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use polc_compiler::num::power_of_ten;
use polc_compiler::typed::Program;
use polc_runtime::diagnostics;
use polc_runtime::impact::groups::Grouping;
use polc_runtime::impact::steps::{single, way};
use polc_runtime::impact::{Report, Step, Tally, by, counted, export, html, payments, report, text, words};
use polc_runtime::io::output::Folder;
use polc_runtime::io::stream::StreamError;
use polc_runtime::io::versions::{self, Comparison};

use super::data::{self, is_standard};
use super::eval::{LEAST_ROWS, whole};
use super::version::{self, Version, VersionArgs};
use super::wording::seconds;
use crate::exit::{Failure, Outcome};
use crate::progress::Rows;
use crate::terminal;

/// Chiffre la différence entre deux versions d'une politique, sur un fichier de données
///
/// Calcule chaque ligne sous les deux versions et dit la différence : par année, par groupe de
/// lignes, clause par clause, qui gagne et qui perd, et les lignes les plus touchées. Les clauses
/// d'un avenant sont appliquées l'une après l'autre dans l'ordre de son texte ; leurs lignes
/// s'additionnent au centime. Les lignes en erreur sous une version sont comptées à part.
///
/// Versions (--before, --after), dont les termes se combinent avec des virgules :
///   actuel            le droit sans option : la base et les avenants qui ne sont pas des projets
///   base              la base, sans aucun avenant
///   avec:AVENANT      avec cet avenant, projet ou plus tardif ; sans:AVENANT, sans lui
///   2024-12-31        le droit connu à cette date
///   LECTURE=VARIANTE  sous une autre lecture
///   DOSSIER           une autre politique, en premier : ../copie,sans:avenant_2
///
/// Avec -o, écrit un dossier : rapport.html, rapport.json, differences.csv (chaque ligne),
/// groupes.csv et clauses.csv.
///
/// Exemples :
///   polc impact policies/aci-cpts cpts.csv --before sans:avenant_2
///   polc impact politique centres.csv --after avec:projet_b --by genre,population:1000,5000 -o impact
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Dossier de fichiers .pol, ou un seul fichier
    #[arg(value_name = "POLITIQUE")]
    policy: PathBuf,

    /// Fichier des données, de tout format que lit « polc eval »
    #[arg(value_name = "DONNÉES")]
    data: PathBuf,

    #[command(flatten)]
    versions: VersionArgs,

    /// Colonnes de groupes : énumérations et booléens par cas, nombres par quartiles ou par seuils (population:1000,5000).
    /// Sans cette option, les premières énumérations que lisent les versements comptés
    #[arg(long, value_name = "A,B,…")]
    by: Option<String>,

    /// Versements à compter ; sans cette option, ceux dont aucun autre n'est déjà la somme
    #[arg(long, value_name = "A,B,…", value_delimiter = ',')]
    outputs: Vec<String>,

    /// Dossier du rapport
    #[arg(short, long, value_name = "DOSSIER")]
    output: Option<PathBuf>,

    /// Nombre de fils d'exécution ; 0 (le défaut) pour tous les cœurs
    #[arg(long, value_name = "N", default_value = "0", hide_default_value = true, value_parser = whole)]
    threads: usize,
}

/// The files of a report.
const FILES: [&str; 5] = ["rapport.html", "rapport.json", "differences.csv", "groupes.csv", "clauses.csv"];

/// What is in memory of a file at once, more or less.
pub const MEMORY: u64 = 2 << 30;

pub fn run(args: &Args) -> Outcome {
    let start = Instant::now();
    if is_standard(&args.data) {
        return Err(Failure::Usage("les données sont lues plusieurs fois : donnez un fichier".to_owned()));
    }
    let _ = rayon::ThreadPoolBuilder::new().num_threads(args.threads).build_global();
    let ends = version::load(&args.policy, &args.versions)?;
    let (versions, steps) = versions_of(&ends, &args.outputs)?;
    let widened = versions::widened(&versions).map_err(Failure::Refused)?;
    let program = &widened.program;
    let by = match &args.by {
        Some(text) => by::parse(text, program).map_err(|message| Failure::Usage(format!("« --by » : {message}")))?,
        None => by::default(program, &versions),
    };
    let folder = args.output.as_deref().map(folder).transpose()?;
    let bar = Rows::new(false);
    let comparison = Comparison {
        place: data::place(&args.data),
        versions: &versions,
        widened: &widened,
        threads: args.threads,
        least_rows: LEAST_ROWS,
        memory: MEMORY,
        progress: &bar,
    };
    let mut groupings = Vec::new();
    for by in &by {
        let quartiles = by.thresholds.is_none() && is_number(program, by);
        let mut cells =
            if quartiles { versions::cells(&comparison, by.input).map_err(stream_failure)? } else { Vec::new() };
        groupings.push(Grouping::of(by, program, &mut cells));
    }
    let unit = power_of_ten(program.currency.decimals).try_into().unwrap_or(1);
    let mut tally = Tally::new(versions.len(), groupings, unit);
    let written = |error: io::Error| unwritable(args.output.as_deref(), error);
    let mut rows = match &folder {
        None => None,
        Some(folder) => {
            let key: Vec<String> = program
                .key
                .iter()
                .filter(|id| **id != program.year)
                .map(|id| program.input(*id).name.to_string())
                .collect();
            let file = folder.file("differences.csv").map_err(written)?;
            Some(export::Rows::new(file, &key, &program.input(program.year).name, &program.currency).map_err(written)?)
        }
    };
    let also: Vec<_> = by.iter().map(|by| by.input).collect();
    let compared = versions::compare(&comparison, &also, &mut |part| match &mut rows {
        None => tally.add::<io::Error>(part, None),
        Some(rows) => tally.add(part, Some(&mut |line| rows.line(line))),
    });
    bar.clear();
    let ended = compared.map_err(|error| match error {
        StreamError::Output(error) => written(error),
        other => stream_failure(other),
    })?;
    let [before, after] = ends.map(|version| version.end);
    let Some(report) = report(&versions, [before, after], steps, tally, &ended) else { return Ok(()) };
    if let (Some(folder), Some(rows)) = (folder, rows) {
        rows.finish().and_then(|mut file| file.flush()).map_err(written)?;
        write(&folder, &report).map_err(written)?;
        folder.commit().map_err(written)?;
    }
    io::stdout().write_all(text::text(&report, terminal::stdout_style().width).as_bytes())?;
    let place = args.output.as_ref().map(|path| format!("rapport : {}\n", path.join(FILES[0]).display()));
    let _ = writeln!(io::stderr(), "{}durée : {}", place.unwrap_or_default(), seconds(start.elapsed()));
    Ok(())
}

fn is_number(program: &Program, by: &by::By) -> bool {
    matches!(program.input(by.input).ty, polc_compiler::typed::Type::Number(_))
}

/// The two versions, those between them, and the steps from each to the next.
fn versions_of(ends: &[Version; 2], names: &[String]) -> Result<(Vec<versions::Version>, Vec<Step>), Failure> {
    let [before, after] = ends;
    let (between, steps) = if before.path == after.path {
        way(&before.policy, &after.policy)
    } else {
        (Vec::new(), vec![single(words::other_policy(&after.end.policy))])
    };
    check_names(ends, names)?;
    let chosen = |program: &Program| -> Vec<_> {
        match names {
            [] => counted(program),
            names => payments(program)
                .into_iter()
                .filter(|id| names.contains(&program.quantity(*id).name.to_string()))
                .collect(),
        }
    };
    let end = |version: &Version| {
        let program = version.policy.program.clone();
        let counts = chosen(&program);
        let payments = payments(&program).into_iter().map(|id| (id, counts.contains(&id))).collect();
        versions::Version { program, payments }
    };
    let inner = |program: Arc<Program>| {
        let payments = chosen(&program).into_iter().map(|id| (id, true)).collect();
        versions::Version { program, payments }
    };
    let mut versions = vec![end(before)];
    versions.extend(between.into_iter().map(inner));
    versions.push(end(after));
    if versions.iter().all(|version| version.payments.is_empty()) {
        return Err(Failure::Usage("cette politique n'a pas de versement : rien à chiffrer".to_owned()));
    }
    Ok((versions, steps))
}

/// Each payment asked for is one in some version.
fn check_names(ends: &[Version; 2], names: &[String]) -> Outcome {
    let known: Vec<String> = ends
        .iter()
        .flat_map(|end| {
            payments(&end.policy.program).into_iter().map(|id| end.policy.program.quantity(id).name.to_string())
        })
        .collect();
    if let Some(name) = names.iter().find(|name| !known.contains(name)) {
        let near = polc_dsl::diagnostic::closest(name, known.iter().map(String::as_str));
        let near = near.map(|near| format!(" ; vouliez-vous dire « {near} » ?")).unwrap_or_default();
        return Err(Failure::Usage(format!("aucune des deux versions n'a de versement « {name} »{near}")));
    }
    Ok(())
}

fn folder(path: &Path) -> Result<Folder, Failure> {
    Folder::create(path, &FILES).map_err(|error| match error.kind() {
        io::ErrorKind::DirectoryNotEmpty => Failure::Usage(format!(
            "le dossier « {} » contient autre chose qu'un rapport : donnez-en un nouveau, ou videz-le",
            path.display()
        )),
        _ => unwritable(Some(path), error),
    })
}

fn write(folder: &Folder, report: &Report) -> io::Result<()> {
    let contents = [
        ("rapport.html", html::page(report).into_bytes()),
        ("rapport.json", report.to_json().into_bytes()),
        ("groupes.csv", export::groups(report)?),
        ("clauses.csv", export::clauses(report)?),
    ];
    for (name, bytes) in contents {
        let mut file = folder.file(name)?;
        file.write_all(&bytes)?;
        file.flush()?;
    }
    Ok(())
}

fn unwritable(path: Option<&Path>, error: io::Error) -> Failure {
    match path {
        Some(path) => diagnostics::unwritable(&path.to_string_lossy().into(), &error).into(),
        None => error.into(),
    }
}

/// What stops a comparison, but for its outputs.
pub fn stream_failure(error: StreamError) -> Failure {
    match error {
        StreamError::Data(problems) => problems.into(),
        StreamError::Output(error) | StreamError::Detail(error) | StreamError::Rejects(error) => error.into(),
        StreamError::Spill(error) => unwritable(Some(&std::env::temp_dir()), error),
    }
}
