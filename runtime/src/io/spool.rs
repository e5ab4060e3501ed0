//! Texts too large to stand in memory: files of UTF-8, checked from end to end before their first record is read.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek as _, Write as _};

use encoding_rs::{Decoder, UTF_16BE, UTF_16LE, WINDOWS_1252};
use memchr::memchr;

use super::text::{Encoding, FileKind, NotText, magic};

/// Bytes checked or converted at a time.
const BUFFER: usize = 1 << 20;

/// A text in a file.
#[derive(Debug)]
pub(crate) struct Spooled {
    /// UTF-8, but for a mark before `start`.
    pub file: File,
    pub start: u64,
    pub encoding: Encoding,
    pub mark: bool,
}

/// Why a file cannot be read as a text.
#[derive(Debug)]
pub(crate) enum SpoolError {
    Io(io::Error),
    NotText(NotText),
}

impl From<io::Error> for SpoolError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// What is left of a stream, after some first bytes, as a file without a name.
pub(crate) fn to_file(first: &[u8], rest: &mut dyn Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(first)?;
    io::copy(rest, &mut file)?;
    Ok(file)
}

/// Finds out the encoding of a file, as [`super::text::decode`] does, and converts it if it is not UTF-8.
pub(crate) fn spool(mut file: File, kind: FileKind) -> Result<Spooled, SpoolError> {
    file.rewind()?;
    let mut first = Vec::new();
    Read::by_ref(&mut file).take(16).read_to_end(&mut first)?;
    let utf16 = match first.as_slice() {
        [0xFF, 0xFE, ..] => Some((UTF_16LE, Encoding::Utf16Le)),
        [0xFE, 0xFF, ..] => Some((UTF_16BE, Encoding::Utf16Be)),
        _ => None,
    };
    if let Some((decoder, encoding)) = utf16 {
        let file = converted(file, 2, decoder.new_decoder_without_bom_handling(), true)?;
        return Ok(Spooled { file, start: 0, encoding, mark: true });
    }
    let mark = first.starts_with(b"\xEF\xBB\xBF");
    let start = if mark { 3 } else { 0 };
    if let Some(what) = magic(&first[start.min(first.len())..], kind) {
        return Err(SpoolError::NotText(what));
    }
    let start = start as u64;
    if check(&mut file, start)? {
        return Ok(Spooled { file, start, encoding: Encoding::Utf8, mark });
    }
    let file = converted(file, start, WINDOWS_1252.new_decoder_without_bom_handling(), false)?;
    Ok(Spooled { file, start: 0, encoding: Encoding::Windows1252, mark })
}

/// Whether the bytes from `start` on are UTF-8.
fn check(file: &mut File, start: u64) -> Result<bool, SpoolError> {
    file.seek(io::SeekFrom::Start(start))?;
    let (mut buffer, mut read, mut good) = (Vec::new(), 0usize, true);
    loop {
        let kept = buffer.len();
        let more = Read::by_ref(file).take(BUFFER as u64).read_to_end(&mut buffer)?;
        if let Some(offset) = memchr(0, &buffer[kept..]) {
            return Err(SpoolError::NotText(NotText::Binary { offset: read + offset }));
        }
        read += more;
        if good {
            let valid = match std::str::from_utf8(&buffer) {
                Ok(text) => text.len(),
                Err(error) if error.error_len().is_none() && more > 0 => error.valid_up_to(),
                Err(_) => {
                    good = false;
                    buffer.len()
                }
            };
            buffer.drain(..valid);
        } else {
            buffer.clear();
        }
        if more == 0 {
            return Ok(good);
        }
    }
}

/// The text from `start` on, in a file of UTF-8 without a name. Where the decoder is strict, what it does not know is refused.
fn converted(mut file: File, start: u64, mut decoder: Decoder, strict: bool) -> Result<File, SpoolError> {
    file.seek(io::SeekFrom::Start(start))?;
    let mut out = BufWriter::new(tempfile::tempfile()?);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let last = Read::by_ref(&mut file).take(BUFFER as u64).read_to_end(&mut buffer)? == 0;
        let mut text = String::with_capacity(decoder.max_utf8_buffer_length(buffer.len()).unwrap_or(BUFFER * 3));
        let (_, _, faults) = decoder.decode_to_string(&buffer, &mut text, last);
        if strict && faults {
            return Err(SpoolError::NotText(NotText::BrokenUtf16));
        }
        out.write_all(text.as_bytes())?;
        if last {
            let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
            return Ok(file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::text::{Text, decode};

    fn spooled(bytes: &[u8]) -> Result<(String, Encoding, bool), NotText> {
        let file = to_file(bytes, &mut io::empty()).expect("a file");
        match spool(file, FileKind::Csv) {
            Ok(Spooled { mut file, start, encoding, mark }) => {
                file.seek(io::SeekFrom::Start(start)).expect("a file");
                let mut text = String::new();
                file.read_to_string(&mut text).expect("UTF-8");
                Ok((text, encoding, mark))
            }
            Err(SpoolError::NotText(what)) => Err(what),
            Err(SpoolError::Io(error)) => panic!("{error}"),
        }
    }

    #[test]
    fn as_in_memory() {
        let long = "é;à\n".repeat(BUFFER / 3);
        let latin: Vec<u8> = long.chars().map(|c| c as u8).collect();
        let mut late = long.clone().into_bytes();
        late.extend(b"\xE9");
        let files: [&[u8]; 11] = [
            b"",
            "é;à".as_bytes(),
            b"\xEF\xBB\xBFa",
            b"\xE9\x80",
            b"\xFF\xFEa\0\xE9\0",
            b"\xFE\xFF\0a\0\xE9",
            b"\xFF\xFE\x00\xD8",
            b"PK\x03\x04...",
            b"a,b\n1,\0",
            &latin,
            &late,
        ];
        for bytes in files {
            let whole =
                decode(bytes.to_vec(), FileKind::Csv).map(|Text { text, encoding, mark }| (text, encoding, mark));
            assert!(spooled(bytes) == whole, "{:?}", &bytes[..bytes.len().min(20)]);
        }
        assert!(spooled(long.as_bytes()).is_ok());
    }
}
