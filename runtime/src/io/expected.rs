//! Finds, reads and replaces golden files.
//!
//! A folder with `cohorte.csv` holds the data of a cohort and, in `2024.csv` and the like, what is expected of it each year.
//! Its subfolders may hold other cohorts.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::output::Output;
use crate::expected::{Cohort, Named, words};

/// The name of the data file of a cohort.
pub const COHORT: &str = "cohorte.csv";

/// A cohort and its folder.
#[derive(Clone, Debug)]
pub struct Folder {
    pub path: PathBuf,
    pub cohort: Cohort,
}

/// Whether a folder, or one of its subfolders, holds a cohort.
#[must_use]
pub fn has_cohort(path: &Path) -> bool {
    let holds = |folder: &Path| folder.join(COHORT).is_file();
    holds(path) || entries(path).is_ok_and(|entries| entries.iter().any(|entry| holds(entry)))
}

/// Reads the cohorts of a folder: its own, then those of its subfolders, by name.
///
/// # Errors
/// A sentence about the first file that cannot be read or has no place there.
pub fn load(path: &Path) -> Result<Vec<Folder>, String> {
    if !path.is_dir() {
        return Err(words::not_a_folder(&path.to_string_lossy()));
    }
    let mut folders: Vec<PathBuf> = entries(path)?.into_iter().filter(|entry| entry.is_dir()).collect();
    folders.insert(0, path.to_path_buf());
    let folders = folders.iter().filter(|folder| folder.join(COHORT).is_file());
    let found = folders.map(|folder| cohort(folder)).collect::<Result<Vec<_>, _>>()?;
    if found.is_empty() { Err(words::no_cohort(&path.to_string_lossy(), COHORT)) } else { Ok(found) }
}

fn cohort(folder: &Path) -> Result<Folder, String> {
    let mut years = BTreeMap::new();
    let mut strange = Vec::new();
    for entry in entries(folder)? {
        let is_csv = entry.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        if !is_csv || entry.is_dir() || entry.file_name().is_some_and(|name| name == COHORT) {
            continue;
        }
        match entry.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<i64>().ok()) {
            Some(year) => {
                years.insert(year, named(&entry)?);
            }
            None => strange.push(entry.file_name().unwrap_or_default().to_string_lossy().into_owned()),
        }
    }
    if !strange.is_empty() {
        return Err(words::strange_files(&folder.to_string_lossy(), &strange));
    }
    let cohort = Cohort { data: named(&folder.join(COHORT))?, years };
    Ok(Folder { path: folder.to_path_buf(), cohort })
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error: io::Error| words::unreadable(&folder.to_string_lossy(), &error);
    let entries = fs::read_dir(folder).map_err(failed)?;
    let mut paths =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>().map_err(failed)?;
    paths.sort();
    Ok(paths)
}

fn named(path: &Path) -> Result<Named, String> {
    let name = path.to_string_lossy().into_owned();
    match fs::read(path) {
        Ok(bytes) => Ok(Named { name, bytes }),
        Err(error) => Err(words::unreadable(&name, &error)),
    }
}

/// The file of a year in the folder of a cohort.
#[must_use]
pub fn year_file(folder: &Path, year: i64) -> PathBuf {
    folder.join(format!("{year}.csv"))
}

/// Replaces files, each complete or not at all: every one is written beside its place before the first is put there.
///
/// # Errors
/// The file that could not be written; before the first is put in its place, none has changed.
pub fn replace(files: &[(PathBuf, &[u8])]) -> Result<(), (PathBuf, io::Error)> {
    let mut written = Vec::new();
    for (path, bytes) in files {
        let output = Output::create(path).and_then(|mut output| {
            output.write_all(bytes)?;
            output.flush()?;
            Ok(output)
        });
        written.push((path, output.map_err(|error| (path.clone(), error))?));
    }
    for (path, output) in written {
        output.commit().map_err(|error| (path.clone(), error))?;
    }
    Ok(())
}
