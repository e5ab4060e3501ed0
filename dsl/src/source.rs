//! Source files held in memory. Nothing here touches a disk: the caller reads the bytes.

use std::borrow::Cow;
use std::sync::Arc;

use unicode_normalization::{UnicodeNormalization as _, is_nfc};

use crate::diagnostic::{Diagnostic, syntax};
use crate::span::{FileId, Span};

/// The largest `.pol` file accepted, in bytes; the agreement with its annexes takes well under a tenth of it.
pub const MAX_FILE_BYTES: usize = 16 << 20;

/// One file: a name to show and its text.
#[derive(Debug, Clone)]
pub struct SourceFile {
    pub name: Arc<str>,
    pub text: Arc<str>,
    /// A table that a policy file names, rather than a policy file.
    pub is_table: bool,
    line_starts: Vec<u32>,
}

impl SourceFile {
    fn new(name: &str, text: &str) -> Self {
        let line_starts = std::iter::once(0)
            .chain(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i as u32 + 1))
            .collect();
        Self { name: name.into(), text: text.into(), is_table: false, line_starts }
    }

    /// Line and column (both from 1, the column in characters) of a byte offset.
    #[must_use]
    pub fn line_column(&self, offset: u32) -> (usize, usize) {
        let line = self.line_starts.partition_point(|start| *start <= offset).max(1) - 1;
        let start = self.line_starts[line] as usize;
        let column = self.text.get(start..offset as usize).map_or(0, |before| before.chars().count());
        (line + 1, column + 1)
    }
}

/// All the files of a policy, in a stable order.
#[derive(Debug, Clone, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
}

impl SourceMap {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file from its bytes. A byte-order mark is dropped, letters are put in normal form C; line ends may be LF or
    /// CRLF.
    ///
    /// # Errors
    /// `POL0001` when the bytes are not UTF-8, `POL0002` when there are more than [`MAX_FILE_BYTES`] of them. The file is
    /// kept, with what could be read of it, so that the diagnostic has something to show.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> (FileId, Option<Diagnostic>) {
        let id = FileId(self.files.len() as u32);
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        if bytes.len() > MAX_FILE_BYTES {
            self.files.push(SourceFile::new(name, ""));
            return (id, Some(syntax::file_too_large(id, bytes.len(), MAX_FILE_BYTES)));
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => {
                // Some editors write « é » as two characters: the language knows the letters in one.
                let text = if is_nfc(text) { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) };
                self.files.push(SourceFile::new(name, &text));
                (id, None)
            }
            Err(error) => {
                let good = error.valid_up_to();
                let text = String::from_utf8_lossy(&bytes[..good]);
                self.files.push(SourceFile::new(name, &text));
                // The last word that could be read: there is nothing to show after it.
                let word = text.trim_end();
                let start = word
                    .rfind(char::is_whitespace)
                    .map_or(0, |i| i + word[i..].chars().next().map_or(0, char::len_utf8));
                (id, Some(syntax::not_utf8(Span::new(id, start, word.len()), bytes[good])))
            }
        }
    }

    /// Adds a table that a policy file names.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn add_table(&mut self, name: &str, bytes: &[u8]) -> Option<Diagnostic> {
        let (id, problem) = self.add(name, bytes);
        self.files[id.0 as usize].is_table = true;
        problem
    }

    /// The table of that name.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<FileId> {
        let rank = self.files.iter().position(|file| file.is_table && *file.name == *name)?;
        Some(FileId(rank as u32))
    }

    /// The same files under other names.
    #[must_use]
    pub fn renamed(mut self, name: impl Fn(&str) -> String) -> Self {
        self.files.iter_mut().for_each(|file| file.name = name(&file.name).into());
        self
    }

    /// All the names, those of tables too.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| &*file.name)
    }

    #[must_use]
    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// The policy files, in order.
    pub fn ids(&self) -> impl Iterator<Item = FileId> + use<'_> {
        (0..self.files.len() as u32).map(FileId).filter(|id| !self.file(*id).is_table)
    }

    /// The name of a file that stands beside another.
    #[must_use]
    pub fn beside(&self, id: FileId, name: &str) -> String {
        match self.file(id).name.rfind('/') {
            Some(end) => format!("{}/{name}", &self.file(id).name[..end]),
            None => name.to_owned(),
        }
    }

    /// The text under a span.
    #[must_use]
    pub fn text(&self, span: Span) -> &str {
        self.file(span.file).text.get(span.start as usize..span.end as usize).unwrap_or("")
    }

    /// `fichier:ligne:colonne` of the start of a span.
    #[must_use]
    pub fn place(&self, span: Span) -> String {
        let file = self.file(span.file);
        let (line, column) = file.line_column(span.start);
        format!("{}:{line}:{column}", file.name)
    }
}
