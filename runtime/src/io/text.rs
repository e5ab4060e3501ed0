//! From the bytes of a data file to its text: encodings, marks, and files that are no text at all.

use std::fmt;
use std::path::Path;

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::diagnostics as say;

/// The formats of data files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    Csv,
    Parquet,
    /// Arrow IPC, as a file or a stream.
    Arrow,
    JsonLines,
    Excel,
}

impl FileKind {
    /// The format that the name of a file tells; CSV where it tells nothing.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default().to_lowercase();
        match extension.as_str() {
            "parquet" => Self::Parquet,
            "arrow" | "feather" | "ipc" => Self::Arrow,
            "jsonl" | "ndjson" => Self::JsonLines,
            "xlsx" => Self::Excel,
            _ => Self::Csv,
        }
    }
}

/// How a file is written, as far as its reading showed. All but the first field are of CSV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    pub kind: FileKind,
    pub encoding: Encoding,
    /// Whether a byte-order mark opens the file.
    pub mark: bool,
    /// `,`, `;` or a tab.
    pub separator: u8,
    /// Whether some number has a decimal comma.
    pub decimal_comma: bool,
    /// Whether some number has a decimal point.
    pub decimal_point: bool,
}

impl Format {
    /// A format of which nothing else is known, or is to be known.
    #[must_use]
    pub fn of(kind: FileKind) -> Self {
        let encoding = Encoding::Utf8;
        Self { kind, encoding, mark: false, separator: b',', decimal_comma: false, decimal_point: false }
    }

    /// The mark to write decimals with: a comma where the input has them and they cannot be taken for separators.
    #[must_use]
    pub fn decimal_mark(&self) -> char {
        if self.decimal_comma && self.separator != b',' { ',' } else { '.' }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&say::format(self))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
    Windows1252,
}

/// A decoded file.
#[derive(Debug)]
pub struct Text {
    pub text: String,
    pub encoding: Encoding,
    pub mark: bool,
}

/// Why bytes are not the text of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotText {
    Zip,
    OldExcel,
    Parquet,
    Arrow,
    Gzip,
    Zstandard,
    Pdf,
    Sqlite,
    Json,
    Markup,
    /// Unknown, with the offset of its first NUL byte.
    Binary {
        offset: usize,
    },
    /// UTF-16 that does not decode.
    BrokenUtf16,
}

/// First bytes of formats that people hand over by mistake.
const MAGIC: &[(&[u8], NotText)] = &[
    (b"PK\x03\x04", NotText::Zip),
    (b"\xD0\xCF\x11\xE0", NotText::OldExcel),
    (b"PAR1", NotText::Parquet),
    (b"ARROW1", NotText::Arrow),
    (b"\x1F\x8B", NotText::Gzip),
    (b"\x28\xB5\x2F\xFD", NotText::Zstandard),
    (b"%PDF", NotText::Pdf),
    (b"SQLite format 3", NotText::Sqlite),
    (b"{", NotText::Json),
    (b"[", NotText::Json),
    (b"<", NotText::Markup),
];

/// Decodes a file: UTF-8 and UTF-16 by their marks, UTF-8 without mark, else Windows-1252, in which every byte means
/// something.
///
/// # Errors
/// When the bytes are those of something else than a text of this kind.
pub fn decode(mut bytes: Vec<u8>, kind: FileKind) -> Result<Text, NotText> {
    let utf16 = match bytes.as_slice() {
        [0xFF, 0xFE, ..] => Some((UTF_16LE, Encoding::Utf16Le)),
        [0xFE, 0xFF, ..] => Some((UTF_16BE, Encoding::Utf16Be)),
        _ => None,
    };
    if let Some((decoder, encoding)) = utf16 {
        let text = decoder.decode_without_bom_handling_and_without_replacement(&bytes[2..]);
        let text = text.ok_or(NotText::BrokenUtf16)?.into_owned();
        return Ok(Text { text, encoding, mark: true });
    }
    let mark = bytes.starts_with(b"\xEF\xBB\xBF");
    if mark {
        bytes.drain(..3);
    }
    if let Some(what) = magic(&bytes, kind) {
        return Err(what);
    }
    if let Some(offset) = memchr::memchr(0, &bytes) {
        return Err(NotText::Binary { offset });
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Text { text, encoding: Encoding::Utf8, mark }),
        Err(error) => {
            let (text, _) = WINDOWS_1252.decode_without_bom_handling(error.as_bytes());
            Ok(Text { text: text.into_owned(), encoding: Encoding::Windows1252, mark })
        }
    }
}

/// What the first bytes of a file say that it is, if that is no text of this kind.
pub(super) fn magic(bytes: &[u8], kind: FileKind) -> Option<NotText> {
    let found = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, what)| *what);
    found.filter(|what| !(kind == FileKind::JsonLines && *what == NotText::Json))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings() {
        let decoded = |bytes: &[u8]| decode(bytes.to_vec(), FileKind::Csv).map(|t| (t.text, t.encoding, t.mark));
        let text = |text: &str, encoding, mark| Ok((text.to_owned(), encoding, mark));
        assert_eq!(decoded("é;à".as_bytes()), text("é;à", Encoding::Utf8, false));
        assert_eq!(decoded(b"\xEF\xBB\xBFa"), text("a", Encoding::Utf8, true));
        assert_eq!(decoded(b"\xE9\x80"), text("é€", Encoding::Windows1252, false));
        assert_eq!(decoded(b"\xFF\xFEa\0\xE9\0"), text("aé", Encoding::Utf16Le, true));
        assert_eq!(decoded(b"\xFE\xFF\0a\0\xE9"), text("aé", Encoding::Utf16Be, true));
        assert_eq!(decoded(b"\xFF\xFE\x00\xD8"), Err(NotText::BrokenUtf16));
        assert_eq!(decoded(b"PK\x03\x04..."), Err(NotText::Zip));
        assert_eq!(decoded(b"a,b\n1,\0"), Err(NotText::Binary { offset: 6 }));
        assert_eq!(decoded(b""), text("", Encoding::Utf8, false));
    }
}
