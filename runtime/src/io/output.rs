//! Files that appear complete or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Seek as _, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::{NamedTempFile, TempDir};

/// Where results go. Nothing is seen of it before [`Output::commit`].
#[derive(Debug)]
pub enum Output {
    Stdout(BufWriter<io::Stdout>),
    /// A pipe or a device, which cannot be replaced.
    Special(BufWriter<File>),
    /// A temporary file beside the one that it will replace.
    File {
        file: BufWriter<NamedTempFile>,
        target: PathBuf,
        pending: Pending,
    },
    /// A file without a name, for what would show it at once.
    Held {
        file: BufWriter<File>,
        target: Box<Self>,
    },
}

impl Output {
    #[must_use]
    pub fn stdout() -> Self {
        Self::Stdout(BufWriter::new(io::stdout()))
    }

    /// Whether a file can be written: known before a long computation, and without leaving anything behind.
    ///
    /// # Errors
    /// As [`Output::create`].
    pub fn probe(path: &Path) -> io::Result<()> {
        match Target::of(path)? {
            // Opening a pipe would wait for its reader, and closing it end its reading.
            Target::Special(_) => Ok(()),
            Target::File(target) => {
                let file = temporary(&target)?;
                let _pending = Pending::of(&file);
                Ok(())
            }
        }
    }

    /// Opens a file to write.
    ///
    /// # Errors
    /// When the folder does not exist or cannot be written to, or something there is not to be replaced.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(match Target::of(path)? {
            Target::Special(path) => Self::Special(BufWriter::new(File::options().write(true).open(path)?)),
            Target::File(target) => {
                let file = temporary(&target)?;
                let pending = Pending::of(&file);
                Self::File { file: BufWriter::new(file), target, pending }
            }
        })
    }

    /// The same, of which nothing is seen before it is complete even where it has no file to replace.
    ///
    /// # Errors
    /// When there is no room for temporary files.
    pub fn held(self) -> io::Result<Self> {
        match self {
            Self::Stdout(_) | Self::Special(_) => {
                Ok(Self::Held { file: BufWriter::new(tempfile::tempfile()?), target: Box::new(self) })
            }
            Self::File { .. } | Self::Held { .. } => Ok(self),
        }
    }

    /// Shows what was written.
    ///
    /// # Errors
    /// When the last of it could not be written; the file that was there is then untouched.
    pub fn commit(self) -> io::Result<()> {
        match self {
            Self::Stdout(mut out) => out.flush(),
            Self::Special(mut out) => out.flush(),
            Self::Held { file, mut target } => {
                let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
                file.rewind()?;
                io::copy(&mut file, &mut target)?;
                target.commit()
            }
            Self::File { file, target, pending } => {
                let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
                // Who may read or run the file that was there may do so still.
                if let Ok(there) = fs::metadata(&target) {
                    file.as_file().set_permissions(there.permissions())?;
                }
                file.as_file().sync_all()?;
                pending.persist(file, &target)
            }
        }
    }
}

/// The temporary files and folders that an interruption is to remove.
static PENDING: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn pending_files() -> MutexGuard<'static, Vec<PathBuf>> {
    PENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A temporary file, for as long as it has its name.
#[derive(Debug)]
pub struct Pending(PathBuf);

impl Pending {
    fn of(file: &NamedTempFile) -> Self {
        Self::folder(file.path())
    }

    /// The same of a folder.
    pub(super) fn folder(path: &Path) -> Self {
        let path = path.to_path_buf();
        pending_files().push(path.clone());
        Self(path)
    }

    /// Gives a folder its name; an interruption comes before or after.
    pub(super) fn rename(self, folder: &Path, target: &Path) -> io::Result<()> {
        let files = pending_files();
        fs::rename(folder, target)?;
        drop(files);
        Ok(())
    }

    /// Gives the file its name; an interruption comes before or after.
    fn persist(self, file: NamedTempFile, target: &Path) -> io::Result<()> {
        let files = pending_files();
        file.persist(target)?;
        drop(files);
        Ok(())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        pending_files().retain(|path| *path != self.0);
    }
}

/// A folder that appears with all its files, or not at all.
#[derive(Debug)]
pub struct Folder {
    folder: TempDir,
    target: PathBuf,
    /// The names of its files: a folder that has others is not replaced.
    names: &'static [&'static str],
    pending: Pending,
}

impl Folder {
    /// Prepares a folder; one that is there already must hold nothing but files of these names.
    ///
    /// # Errors
    /// When it cannot be written, or holds something else.
    pub fn create(target: &Path, names: &'static [&'static str]) -> io::Result<Self> {
        check_replaceable(target, names)?;
        let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".polc-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(fs::Permissions::from_mode(0o777));
        }
        let folder = builder.tempdir_in(parent)?;
        let path = folder.path().to_path_buf();
        pending_files().push(path.clone());
        Ok(Self { folder, target: target.to_path_buf(), names, pending: Pending(path) })
    }

    /// Opens one of its files.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn file(&self, name: &str) -> io::Result<BufWriter<File>> {
        debug_assert!(self.names.contains(&name));
        Ok(BufWriter::new(File::create(self.folder.path().join(name))?))
    }

    /// Shows the folder, in the place of the one that was there.
    ///
    /// # Errors
    /// When it cannot be; the one that was there then stays.
    pub fn commit(self) -> io::Result<()> {
        check_replaceable(&self.target, self.names)?;
        let files = pending_files();
        if self.target.exists() {
            let old = self.folder.path().with_extension("ancien");
            fs::rename(&self.target, &old)?;
            if let Err(error) = fs::rename(self.folder.path(), &self.target) {
                fs::rename(&old, &self.target)?;
                return Err(error);
            }
            fs::remove_dir_all(&old)?;
        } else {
            fs::rename(self.folder.path(), &self.target)?;
        }
        drop(files);
        drop(self.pending);
        Ok(())
    }
}

fn check_replaceable(target: &Path, names: &[&str]) -> io::Result<()> {
    let entries = match fs::read_dir(target) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let name = entry?.file_name();
        if !names.iter().any(|known| name == **known) {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
    }
    Ok(())
}

/// Ends the program at once, as an interruption asks, without leaving anything of what was not complete.
pub fn abandon(code: i32) -> ! {
    let files = pending_files();
    for path in &*files {
        // What cannot be removed is left.
        let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    }
    std::process::exit(code)
}

/// What stands where results are to go.
enum Target {
    Special(PathBuf),
    File(PathBuf),
}

impl Target {
    fn of(path: &Path) -> io::Result<Self> {
        // A link stays a link: the file that it leads to is replaced.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        match fs::metadata(&target) {
            Ok(metadata) if metadata.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(metadata) if !metadata.is_file() => Ok(Self::Special(target)),
            Ok(metadata) if metadata.permissions().readonly() => Err(io::ErrorKind::PermissionDenied.into()),
            Ok(_) | Err(_) => Ok(Self::File(target)),
        }
    }
}

fn temporary(target: &Path) -> io::Result<NamedTempFile> {
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".polc-");
    #[cfg(unix)]
    {
        // As any new file: what the umask leaves of it.
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(out) => out.write(bytes),
            Self::Special(out) => out.write(bytes),
            Self::File { file, .. } => file.write(bytes),
            Self::Held { file, .. } => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush(),
            Self::Special(out) => out.flush(),
            Self::File { file, .. } => file.flush(),
            Self::Held { file, .. } => file.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_file_appears_when_it_is_complete() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("out.csv");
        let mut output = Output::create(&path).expect("a writable folder");
        output.write_all(b"a\n").expect("some bytes");
        assert!(!path.exists());
        output.commit().expect("a file");
        assert_eq!(fs::read(&path).expect("the file"), b"a\n");
        let mut second = Output::create(&path).expect("a writable folder");
        second.write_all(b"b\n").expect("some bytes");
        drop(second);
        assert_eq!(fs::read(&path).expect("the file"), b"a\n");
        assert_eq!(names(folder.path()), ["out.csv"]);
    }

    #[test]
    fn what_cannot_be_written_is_known_at_once() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let kind = |path: &Path| Output::probe(path).expect_err("no such place").kind();
        assert_eq!(kind(&folder.path().join("absent/out.csv")), io::ErrorKind::NotFound);
        assert_eq!(kind(folder.path()), io::ErrorKind::IsADirectory);
        Output::probe(&folder.path().join("out.csv")).expect("a writable folder");
        assert!(names(folder.path()).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn permissions_stay() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("out.csv");
        fs::write(&path, "old").expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("a mode");
        Output::create(&path).expect("a writable folder").commit().expect("a file");
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o640);
    }

    #[cfg(unix)]
    #[test]
    fn devices_are_written_to_and_links_followed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert!(matches!(Output::create(Path::new("/dev/null")), Ok(Output::Special(_))));
        let (path, link) = (folder.path().join("out.csv"), folder.path().join("link.csv"));
        fs::write(&path, "old").expect("a file");
        std::os::unix::fs::symlink(&path, &link).expect("a link");
        let mut output = Output::create(&link).expect("a writable folder");
        output.write_all(b"new").expect("some bytes");
        output.commit().expect("a file");
        assert!(link.is_symlink());
        assert_eq!(fs::read(&path).expect("the file"), b"new");
    }
}
