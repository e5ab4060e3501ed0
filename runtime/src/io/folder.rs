//! Folders that appear complete or not at all, and the fingerprints of files.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::output::Pending;

/// A folder in the making, beside its place.
#[derive(Debug)]
pub struct NewFolder {
    draft: TempDir,
    target: PathBuf,
    pending: Pending,
}

impl NewFolder {
    /// Starts a folder; nothing may stand in its place but an empty one.
    ///
    /// # Errors
    /// When something is there, or the folder that is to hold it cannot be written to.
    pub fn create(target: &Path) -> io::Result<Self> {
        match fs::read_dir(target) {
            Ok(mut entries) => {
                if entries.next().is_some() {
                    return Err(io::ErrorKind::DirectoryNotEmpty.into());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let parent = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".polc-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(fs::Permissions::from_mode(0o777));
        }
        let draft = builder.tempdir_in(parent)?;
        let pending = Pending::folder(draft.path());
        Ok(Self { draft, target: target.to_path_buf(), pending })
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        self.draft.path()
    }

    /// Writes a file, whose folders are made.
    ///
    /// # Errors
    /// When it cannot be.
    pub fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::create_new(self.place(name)?)?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    /// Copies a file, whose folders are made.
    ///
    /// # Errors
    /// When it cannot be.
    pub fn copy(&self, from: &Path, name: &str) -> io::Result<()> {
        let mut file = File::create_new(self.place(name)?)?;
        io::copy(&mut File::open(from)?, &mut file)?;
        file.sync_all()
    }

    fn place(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.path().join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(path)
    }

    /// Gives the folder its name.
    ///
    /// # Errors
    /// When it cannot be; nothing is left then.
    pub fn commit(self) -> io::Result<()> {
        self.pending.rename(self.draft.path(), &self.target)?;
        // It is no longer there to be removed.
        let _ = self.draft.keep();
        Ok(())
    }
}

/// A folder that disappears with its owner.
///
/// # Errors
/// When there is no room for temporary files.
pub fn scratch() -> io::Result<TempDir> {
    tempfile::tempdir()
}

/// Length and SHA-256 of a file, in hexadecimal.
///
/// # Errors
/// When it cannot be read.
pub fn fingerprint(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let (mut hasher, mut length) = (Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((length, crate::seal::hexadecimal(&hasher.finalize())));
        }
        hasher.update(&buffer[..read]);
        length += read as u64;
    }
}

/// The files under a folder, by their names from it with « / » between parts, in order.
///
/// # Errors
/// When some part of it cannot be read.
pub fn files(root: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut pending = vec![String::new()];
    while let Some(name) = pending.pop() {
        for entry in fs::read_dir(root.join(&name))? {
            let entry = entry?;
            let inner = entry.file_name().to_string_lossy().into_owned();
            let inner = if name.is_empty() { inner } else { format!("{name}/{inner}") };
            if entry.file_type()?.is_dir() {
                pending.push(inner);
            } else {
                found.push(inner);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// A text written line by line, compressed or not; the same lines give the same bytes.
pub enum Lines {
    Plain(BufWriter<File>),
    Gzip(Box<GzEncoder<BufWriter<File>>>),
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if matches!(self, Self::Plain(_)) { "Plain" } else { "Gzip" })
    }
}

impl Lines {
    /// # Errors
    /// When the file cannot be written.
    pub fn create(path: &Path, compressed: bool) -> io::Result<Self> {
        let file = BufWriter::new(File::create_new(path)?);
        // The header of the format tells neither date nor name.
        Ok(if compressed {
            Self::Gzip(Box::new(GzEncoder::new(file, Compression::default())))
        } else {
            Self::Plain(file)
        })
    }

    /// # Errors
    /// When the file cannot be written.
    pub fn write(&mut self, line: &str) -> io::Result<()> {
        let out: &mut dyn Write = match self {
            Self::Plain(file) => file,
            Self::Gzip(file) => &mut **file,
        };
        out.write_all(line.as_bytes())?;
        out.write_all(b"\n")
    }

    /// # Errors
    /// When the file cannot be written.
    pub fn finish(self) -> io::Result<()> {
        let mut file = match self {
            Self::Plain(file) => file,
            Self::Gzip(file) => file.finish()?,
        };
        file.flush()?;
        file.get_ref().sync_all()
    }
}

/// The lines of a text, of which some bytes may be wrong; a name in « .gz » is compressed.
///
/// # Errors
/// When the file cannot be read.
pub fn lines(path: &Path) -> io::Result<impl Iterator<Item = io::Result<String>> + use<>> {
    let file = File::open(path)?;
    let compressed = path.extension().is_some_and(|extension| extension == "gz");
    let reader: Box<dyn Read> = if compressed { Box::new(GzDecoder::new(file)) } else { Box::new(file) };
    let mut reader = BufReader::new(reader);
    Ok(std::iter::from_fn(move || {
        let mut line = Vec::new();
        match reader.read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) => {
                let end = line.len() - usize::from(line.ends_with(b"\n"));
                Some(Ok(String::from_utf8_lossy(&line[..end]).into_owned()))
            }
            Err(error) => Some(Err(error)),
        }
    }))
}

/// A line that two texts do not share: its rank, from 1, and what each has there.
pub type LineDifference = (usize, Option<String>, Option<String>);

/// The first line that two texts do not share.
///
/// # Errors
/// When one of them cannot be read.
pub fn first_difference(a: &Path, b: &Path) -> io::Result<Option<LineDifference>> {
    let (mut a, mut b) = (lines(a)?, lines(b)?);
    let mut rank = 0;
    loop {
        rank += 1;
        match (a.next().transpose()?, b.next().transpose()?) {
            (None, None) => return Ok(None),
            (x, y) if x == y => {}
            (x, y) => return Ok(Some((rank, x, y))),
        }
    }
}

/// A whole file.
///
/// # Errors
/// When it cannot be read.
pub fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_appears_when_it_is_complete() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let target = root.path().join("out");
        let folder = NewFolder::create(&target).expect("a writable folder");
        folder.write("a/b.txt", b"b").expect("a file");
        assert!(!target.exists());
        folder.commit().expect("a folder");
        assert_eq!(files(root.path()).expect("files"), ["out/a/b.txt"]);
        assert!(NewFolder::create(&target).is_err());
        drop(NewFolder::create(&root.path().join("other")).expect("a writable folder"));
        assert_eq!(files(root.path()).expect("files"), ["out/a/b.txt"]);
        let abc = "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d";
        assert_eq!(fingerprint(&target.join("a/b.txt")).expect("a file"), (1, abc.to_owned()));
    }

    #[test]
    fn lines_are_those_written() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let (plain, packed) = (root.path().join("a.jsonl"), root.path().join("a.jsonl.gz"));
        for (path, compressed) in [(&plain, false), (&packed, true)] {
            let mut out = Lines::create(path, compressed).expect("a file");
            ["un", "deux"].iter().for_each(|line| out.write(line).expect("a line"));
            out.finish().expect("a file");
        }
        assert_eq!(bytes(&plain).expect("a file"), b"un\ndeux\n");
        assert_eq!(first_difference(&plain, &packed).expect("lines"), None);
    }
}
