//! `polc verify`: a sealed folder, checked and computed again.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use polc_runtime::diagnostics;
use polc_runtime::io::folder::{bytes, files, fingerprint, first_difference, lines, scratch};
use polc_runtime::seal::{self, Explained, Fault, FileMark, Manifest, cell_difference};

use super::eval::unwritable;
use super::replay::{self, Replayed};
use super::wording::count;
use crate::exit::{Failure, Outcome};

/// Vérifie un dossier scellé, et refait le calcul
///
/// Contrôle l'empreinte de chaque fichier, recalcule résultats et explications avec la politique et
/// les options du dossier, et compare. Dit « identique », ou ce qui diffère : le fichier altéré,
/// la ligne et la colonne, avec les deux valeurs.
///
/// Exemples :
///   polc verify scelle-2024
///   polc verify scelle-2024 --data centres.csv --fingerprint 9f86d081…
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Dossier écrit par « polc seal »
    #[arg(value_name = "DOSSIER")]
    folder: PathBuf,

    /// Calcule avec ce fichier de données, qui doit avoir l'empreinte de celui qui fut scellé
    #[arg(long, value_name = "FICHIER")]
    data: Option<PathBuf>,

    /// Empreinte que le dossier doit avoir, telle que « polc seal » l'a dite
    #[arg(long, value_name = "EMPREINTE")]
    fingerprint: Option<String>,
}

pub fn run(args: &Args) -> Outcome {
    let manifest = read(args)?;
    let data = data(args, &manifest)?;
    let mut altered = Vec::new();
    let mut found = Vec::new();
    for mark in &manifest.files {
        if let Some(what) = check(&args.folder, mark)? {
            altered.push(mark.path.clone());
            found.push(what);
        }
    }
    for path in files(&args.folder).map_err(|error| unreadable(&args.folder, &error))? {
        if path != seal::MANIFEST && !manifest.files.iter().any(|mark| mark.path == path) {
            found.push(format!("« {path} » n'est pas du dossier scellé"));
            altered.push(path);
        }
    }
    found.extend(other_data(args, &manifest)?);
    // What is computed from other inputs would say nothing of the results.
    let made = [seal::RESULTS, seal::REJECTS, manifest.statements_path()];
    let inputs_are_sound = altered.iter().all(|path| made.contains(&path.as_str())) && found.len() == altered.len();
    if inputs_are_sound {
        found.extend(replayed(args, &manifest, &data)?);
    } else {
        found.push("le calcul n'a pas été refait : ce qu'il lit n'est pas ce qui fut scellé".to_owned());
    }
    if !found.is_empty() {
        return Err(Failure::Refused(found.join("\n")));
    }
    let text = format!(
        "identique : {}, {}, {}\nempreinte : {}\n",
        count(manifest.files.len() + 1, "fichier", "fichiers"),
        count(manifest.rows.evaluated, "ligne évaluée", "lignes évaluées"),
        count(manifest.rows.explained, "expliquée", "expliquées"),
        manifest.fingerprint
    );
    io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    diagnostics::unreadable_data(&path.to_string_lossy().into(), error).into()
}

fn read(args: &Args) -> Result<Manifest, Failure> {
    let path = args.folder.join(seal::MANIFEST);
    let bytes = bytes(&path).map_err(|error| unreadable(&path, &error))?;
    let manifest = Manifest::read(&bytes).map_err(|fault| {
        let what = match fault {
            Fault::Syntax { line, column } => format!("ligne {line}, colonne {column}, illisible"),
            Fault::Version { format, version } => {
                format!(
                    "format « {format} » en version {version} ; attendu : « {} » en version {}",
                    seal::FORMAT,
                    seal::VERSION
                )
            }
            Fault::Form { line } => format!("ligne {line}, écrite autrement qu'elle ne le fut"),
            Fault::Fingerprint => "son empreinte n'est pas celle de son contenu".to_owned(),
            Fault::Path(path) => format!("le chemin « {path} » sort du dossier"),
        };
        Failure::Refused(format!("« {} » est altéré : {what}", seal::MANIFEST))
    })?;
    match &args.fingerprint {
        Some(expected) if !expected.trim().eq_ignore_ascii_case(&manifest.fingerprint) => {
            Err(Failure::Refused(format!("l'empreinte du dossier est {} ; attendu : {expected}", manifest.fingerprint)))
        }
        _ => Ok(manifest),
    }
}

/// The data to compute with.
fn data(args: &Args, manifest: &Manifest) -> Result<PathBuf, Failure> {
    match &args.data {
        Some(path) => Ok(path.clone()),
        None if manifest.data.enclosed => Ok(args.folder.join(manifest.data_path())),
        None => Err(Failure::Usage(format!(
            "le dossier est scellé sans ses données : donnez « {} » par « --data »",
            manifest.data.name
        ))),
    }
}

/// What is wrong with a file of the folder.
fn check(folder: &Path, mark: &FileMark) -> Result<Option<String>, Failure> {
    let path = folder.join(&mark.path);
    let (length, sha256) = match fingerprint(&path) {
        Ok(known) => known,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(format!("« {} » manque", mark.path))),
        Err(error) => return Err(unreadable(&path, &error)),
    };
    if length != mark.length {
        let (now, then) = (count(length as usize, "octet", "octets"), count(mark.length as usize, "octet", "octets"));
        return Ok(Some(format!("« {} » est altéré : {now} ; scellé : {then}", mark.path)));
    }
    let altered = sha256 != mark.sha256;
    Ok(altered.then(|| format!("« {} » est altéré : empreinte {sha256} ; scellée : {}", mark.path, mark.sha256)))
}

/// What tells the data given apart from those sealed.
fn other_data(args: &Args, manifest: &Manifest) -> Result<Option<String>, Failure> {
    let Some(path) = &args.data else { return Ok(None) };
    let (_, sha256) = fingerprint(path).map_err(|error| unreadable(path, &error))?;
    if sha256 == manifest.data.sha256 {
        return Ok(None);
    }
    let name = path.display();
    let mut what =
        format!("« {name} » n'est pas le fichier scellé : empreinte {sha256} ; scellée : {}", manifest.data.sha256);
    let sealed = args.folder.join(manifest.data_path());
    if manifest.data.enclosed
        && let Ok(Some((line, given, kept))) = first_difference(path, &sealed)
    {
        what += &format!("\n  ligne {line} : {} ; scellée : {}", shown(given.as_deref()), shown(kept.as_deref()));
    }
    Ok(Some(what))
}

/// Computes again, and compares.
fn replayed(args: &Args, manifest: &Manifest, data: &Path) -> Result<Vec<String>, Failure> {
    let place = scratch().map_err(|error| unwritable(error, Some(&std::env::temp_dir())))?;
    let replayed = replay::run(&args.folder, data, &manifest.options, place.path())?;
    let mut found = Vec::new();
    if manifest.engine != env!("CARGO_PKG_VERSION") {
        // Not a difference: results are compared, whichever version computes them.
        let _ = writeln!(
            io::stderr(),
            "scellé par polc {}, vérifié par polc {}",
            manifest.engine,
            env!("CARGO_PKG_VERSION")
        );
    }
    if replayed.rows != manifest.rows {
        let of = |rows: &seal::Rows| {
            format!(
                "{} lues, {} évaluées, {} rejetées, {} expliquées",
                rows.read, rows.evaluated, rows.rejected, rows.explained
            )
        };
        found.push(format!("lignes : {} ; scellées : {}", of(&replayed.rows), of(&manifest.rows)));
    }
    let mut made = vec![seal::RESULTS];
    if manifest.options.rejects {
        made.push(seal::REJECTS);
    }
    if manifest.options.explained != Explained::None {
        made.push(manifest.statements_path());
    }
    for name in made {
        let (sealed, again) = (args.folder.join(name), place.path().join(name));
        match first_difference(&sealed, &again) {
            Ok(None) => {}
            Ok(Some((line, kept, computed))) => {
                found.push(difference(name, &again, &replayed, line, kept.as_deref(), computed.as_deref()));
            }
            Err(error) => found.push(format!("« {name} » ne se lit plus : {error}")),
        }
    }
    Ok(found)
}

/// Where a file computed again differs: row and column of results, else the line.
fn difference(
    name: &str,
    again: &Path,
    replayed: &Replayed,
    line: usize,
    kept: Option<&str>,
    computed: Option<&str>,
) -> String {
    let header = lines(again).ok().and_then(|mut lines| lines.next()?.ok()).unwrap_or_default();
    if let (Some(a), Some(b), true) = (kept, computed, name.ends_with(".csv"))
        && let Some(cell) = cell_difference(&header, replayed.separator, replayed.policy.program.key.len(), a, b)
    {
        return format!(
            "« {name} », ligne {line} ({}), colonne « {} » : « {} » ; recalculé : « {} »",
            cell.key.join(", "),
            cell.column,
            cell.sealed,
            cell.replayed
        );
    }
    format!("« {name} », ligne {line} : {} ; recalculée : {}", around(kept, computed), around(computed, kept))
}

/// What a line has where the other one is not the same.
fn around(line: Option<&str>, other: Option<&str>) -> String {
    let (Some(line), Some(other)) = (line, other) else { return shown(line) };
    let same = line.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let start = same.saturating_sub(20);
    let part: String = line.chars().skip(start).take(60).collect();
    let before = if start > 0 { "…" } else { "" };
    let after = if line.chars().count() > start + 60 { "…" } else { "" };
    format!("« {before}{part}{after} » (caractère {})", same + 1)
}

fn shown(line: Option<&str>) -> String {
    match line {
        None => "rien".to_owned(),
        Some(line) => {
            let part: String = line.chars().take(80).collect();
            if part.len() < line.len() { format!("« {part}… »") } else { format!("« {part} »") }
        }
    }
}
