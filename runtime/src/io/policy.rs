//! Reads the files of a policy.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use polc_dsl::ast::ClauseKind;
use polc_dsl::diagnostic::{Diagnostic, syntax};
use polc_dsl::{MAX_FILE_BYTES, SourceMap};

use crate::diagnostics as say;

/// Reads one `.pol` file, or all those of a folder and its subfolders, in the order of their paths, so that messages come in
/// the same order on every machine. Names are shown as the user typed the path. Hidden files and folders are left out.
///
/// The diagnostics say which files could not be read.
#[must_use]
pub fn load(path: &Path) -> (SourceMap, Vec<Diagnostic>) {
    let mut loader = Loader::default();
    match fs::metadata(path) {
        Err(error) => loader.unreadable(path, &error),
        Ok(metadata) if metadata.is_dir() => loader.folder(path),
        Ok(_) => loader.file(path),
    }
    loader.tables();
    (loader.sources, loader.problems)
}

/// A `.pol` file read by itself.
#[derive(Debug)]
pub struct Alone {
    pub path: PathBuf,
    /// What the file holds, byte for byte.
    pub bytes: Vec<u8>,
    /// The file only.
    pub sources: SourceMap,
    pub problems: Vec<Diagnostic>,
}

/// The files that [`load`] reads, one by one and without their tables: what is wrong with one does not touch the others.
#[must_use]
pub fn each(path: &Path) -> Vec<Alone> {
    if !path.is_dir() {
        return vec![alone(path, |loader| loader.file(path))];
    }
    let (files, failures) = list(path);
    if files.is_empty() && failures.is_empty() {
        return vec![alone(path, |loader| loader.folder(path))];
    }
    let failures = failures.iter().map(|(path, error)| alone(path, |loader| loader.unreadable(path, error)));
    let files = files.iter().map(|path| alone(path, |loader| loader.file(path)));
    failures.chain(files).collect()
}

fn alone(path: &Path, read: impl FnOnce(&mut Loader)) -> Alone {
    let mut loader = Loader::default();
    read(&mut loader);
    Alone { path: path.to_path_buf(), bytes: loader.bytes, sources: loader.sources, problems: loader.problems }
}

#[derive(Default)]
struct Loader {
    sources: SourceMap,
    problems: Vec<Diagnostic>,
    /// The last file read.
    bytes: Vec<u8>,
}

impl Loader {
    fn folder(&mut self, root: &Path) {
        let (files, failures) = list(root);
        for (path, error) in &failures {
            self.unreadable(path, error);
        }
        for path in &files {
            self.file(path);
        }
        if files.is_empty() && failures.is_empty() {
            let name = shown(root);
            let (file, _) = self.sources.add(&name, b"");
            self.problems.push(say::no_policy_file(file, &name));
        }
    }

    fn file(&mut self, path: &Path) {
        let name = shown(path);
        match read(path) {
            Ok(Content::Bytes(bytes)) => {
                let (_, problem) = self.sources.add(&name, &bytes);
                self.problems.extend(problem);
                self.bytes = bytes;
            }
            Ok(Content::TooLarge(length)) => {
                let (file, _) = self.sources.add(&name, b"");
                self.problems.push(syntax::file_too_large(file, length, MAX_FILE_BYTES));
            }
            Ok(Content::Special) => {
                let (file, _) = self.sources.add(&name, b"");
                self.problems.push(say::not_a_policy_file(file, &name));
            }
            Err(error) => self.unreadable(path, &error),
        }
    }

    /// The tables that the policy files name, each once.
    fn tables(&mut self) {
        let mut wanted = BTreeSet::new();
        for id in self.sources.ids() {
            if !self.sources.file(id).text.contains("fichier") {
                continue;
            }
            let (file, _) = polc_dsl::parse(&self.sources, id);
            for clause in file.items.iter().flat_map(|item| &item.clauses) {
                if let ClauseKind::File(path) = &clause.kind {
                    wanted.insert(self.sources.beside(id, &path.node));
                }
            }
        }
        for name in wanted {
            // Otherwise the declaration that names it says that it is not there.
            if let Ok(Content::Bytes(bytes)) = read(Path::new(&name)) {
                let problem = self.sources.add_table(&name, &bytes);
                self.problems.extend(problem);
            }
        }
    }

    fn unreadable(&mut self, path: &Path, error: &io::Error) {
        let name = shown(path);
        let (file, _) = self.sources.add(&name, b"");
        self.problems.push(say::unreadable_policy(file, &name, error));
    }
}

enum Content {
    Bytes(Vec<u8>),
    TooLarge(usize),
    /// A pipe or a device: reading it could wait for ever.
    Special,
}

fn read(path: &Path) -> io::Result<Content> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Ok(Content::Special);
    }
    let length = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    if length > MAX_FILE_BYTES {
        return Ok(Content::TooLarge(length));
    }
    let mut bytes = Vec::with_capacity(length);
    File::open(path)?.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(Content::Bytes(bytes))
}

/// The `.pol` files under a folder, sorted, and the folders that cannot be read. A file or folder that links lead to twice
/// is taken once, under the first of its names, so that a loop ends.
fn list(root: &Path) -> (Vec<PathBuf>, Vec<(PathBuf, io::Error)>) {
    let (mut files, mut failures) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    let mut pending = vec![root.to_path_buf()];
    while let Some(path) = pending.pop() {
        let entry = fs::canonicalize(&path).and_then(|real| Ok((fs::metadata(&path)?, real)));
        let (metadata, real) = match entry {
            Ok(entry) => entry,
            Err(error) => {
                if is_policy_file(&path) {
                    failures.push((path, error));
                }
                continue;
            }
        };
        if !(metadata.is_dir() || is_policy_file(&path)) || !seen.insert(real) {
            continue;
        }
        if !metadata.is_dir() {
            files.push(path);
            continue;
        }
        match fs::read_dir(&path).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
            Ok(entries) => {
                let mut inside: Vec<PathBuf> =
                    entries.iter().map(fs::DirEntry::path).filter(|p| !is_hidden(p)).collect();
                // Popped from the end: the first name goes last.
                inside.sort_by_key(|path| std::cmp::Reverse(shown(path)));
                pending.extend(inside);
            }
            Err(error) => failures.push((path, error)),
        }
    }
    files.sort_by_key(|path| shown(path));
    (files, failures)
}

fn is_policy_file(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("pol"))
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// The path with `/` between its parts, on every system.
fn shown(path: &Path) -> String {
    let name = path.to_string_lossy();
    if cfg!(windows) { name.replace('\\', "/") } else { name.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(root: &Path) -> (Vec<String>, Vec<String>) {
        let (sources, problems) = load(root);
        let prefix = format!("{}/", shown(root));
        let names = sources.ids().map(|id| sources.file(id).name.replace(&prefix, "")).collect();
        (names, problems.into_iter().map(|p| p.message.replace(&shown(root), "…")).collect())
    }

    #[test]
    fn files_in_order_without_hidden_ones() {
        let root = tempfile::tempdir().expect("a temporary folder");
        for name in ["b.pol", "a/z.pol", "a/B.POL", ".git/x.pol", "a/notes.txt", "é.pol"] {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, "# rien").expect("a file");
        }
        assert_eq!(
            names(root.path()),
            (vec!["a/B.POL".into(), "a/z.pol".into(), "b.pol".into(), "é.pol".into()], vec![])
        );
    }

    #[test]
    fn what_cannot_be_read() {
        let root = tempfile::tempdir().expect("a temporary folder");
        assert_eq!(names(root.path()).1, ["le dossier « … » ne contient aucun fichier .pol"]);
        assert_eq!(names(&root.path().join("x.pol")).1, ["« … » : ce chemin n'existe pas"]);
        fs::write(root.path().join("a.pol"), b"politique \xE9").expect("a file");
        assert_eq!(names(root.path()).1, ["ce fichier n'est pas en UTF-8 : octet 0xE9 illisible"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_may_loop() {
        use std::os::unix::fs::symlink;
        let root = tempfile::tempdir().expect("a temporary folder");
        fs::write(root.path().join("a.pol"), "# rien").expect("a file");
        symlink(root.path(), root.path().join("loop")).expect("a link");
        symlink(root.path().join("a.pol"), root.path().join("b.pol")).expect("a link");
        symlink(root.path().join("nowhere"), root.path().join("c.pol")).expect("a link");
        let (files, problems) = names(root.path());
        assert_eq!(files, ["c.pol", "a.pol"]);
        assert_eq!(problems, ["« …/c.pol » : ce chemin n'existe pas"]);
    }
}
