//! The data files that commands name.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use polc_runtime::diagnostics;
use polc_runtime::io::data::Place;

use crate::exit::Failure;

/// A file as the user named it, in memory.
#[derive(Debug)]
pub struct DataFile {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// Whether the path stands for the standard input or output.
pub fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Where the data named on the command line comes from.
pub fn place(path: &Path) -> Place<'_> {
    if is_standard(path) { Place::Stdin } else { Place::File(path) }
}

/// Reads a file, or the standard input.
pub fn read(path: &Path) -> Result<DataFile, Failure> {
    let (name, bytes) = if is_standard(path) {
        let mut bytes = Vec::new();
        ("entrée standard".to_owned(), io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes))
    } else {
        (path.to_string_lossy().into_owned(), std::fs::read(path))
    };
    match bytes {
        Ok(bytes) => Ok(DataFile { name, bytes }),
        Err(error) => Err(diagnostics::unreadable_data(&name.into(), &error).into()),
    }
}

/// The place that a path leads to, so that two names of one file are seen to be one.
pub fn identity(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    // Of a file to come, the folder exists, or the writing will say that it does not.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (folder.canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_path_buf(),
    }
}
