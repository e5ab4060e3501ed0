//! Cuts a text into pieces that begin with a record and end with one, so that each can be read by itself.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use memchr::{memchr, memchr_iter};

use super::records::{Fault, Record, Records};

/// Bytes of a piece, but for its last record.
pub(crate) const PIECE: usize = 1 << 20;

/// Consecutive records of a text.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    /// What stands around it too: a quote may be closed further on.
    pub text: Arc<String>,
    pub range: Range<usize>,
    /// Physical line of its first byte, from 1.
    pub line: usize,
}

/// Where a text may be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Between records of cells that this byte separates; a line end between quotes is not one.
    Records(u8),
    /// At line feeds.
    Lines,
}

/// A text, in memory or in a file of UTF-8.
#[derive(Debug)]
pub(crate) struct Pieces {
    text: Arc<String>,
    at: usize,
    line: usize,
    cut: Cut,
    size: usize,
    more: Option<More>,
}

/// What is not in memory yet.
#[derive(Debug)]
struct More {
    file: File,
    /// Where the text starts in the file, after its byte-order mark.
    start: u64,
    /// What is read next. The place of the file itself is shared with other readers of it.
    offset: u64,
    /// The first bytes of a character cut in two.
    rest: Vec<u8>,
    ended: bool,
}

impl Pieces {
    pub fn of_text(text: Arc<String>, cut: Cut) -> Self {
        Self { text, at: 0, line: 1, cut, size: PIECE, more: None }
    }

    /// Of a file of valid UTF-8, from a byte of it on. `size` is that of the pieces, in bytes.
    pub fn of_file(file: File, start: u64, cut: Cut, size: usize) -> Self {
        let more = Some(More { file, start, offset: start, rest: Vec::new(), ended: false });
        Self { text: Arc::default(), at: 0, line: 1, cut, size: size.max(1), more }
    }

    /// The same text from its start.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn again(&self) -> io::Result<Self> {
        match &self.more {
            None => Ok(Self { size: self.size, ..Self::of_text(self.text.clone(), self.cut) }),
            Some(more) => Ok(Self::of_file(more.file.try_clone()?, more.start, self.cut, self.size)),
        }
    }

    pub fn cut_at(&mut self, cut: Cut) {
        self.cut = cut;
    }

    /// The text from here on, or much of it: more than any header.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn peek(&mut self) -> io::Result<&str> {
        const HEADER: usize = 1 << 10;
        let least = self.size.max(HEADER);
        if self.text.len() - self.at < least {
            self.refill(least)?;
        }
        Ok(&self.text[self.at..])
    }

    /// Reads the first record, in whole.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn first_record(&mut self, separator: u8, record: &mut Record) -> io::Result<bool> {
        loop {
            let mut records = Records::new(&self.text, separator, self.at, self.line);
            let found = records.next(record);
            if self.is_complete(found, records.at(), record) {
                (self.at, self.line) = (records.at(), records.line());
                return Ok(found);
            }
            self.refill(self.size.max(self.text.len()))?;
        }
    }

    /// The text in memory, which the ranges of a record are of.
    pub fn text(&self) -> &Arc<String> {
        &self.text
    }

    /// The next piece; `None` after the last.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn next(&mut self) -> io::Result<Option<Piece>> {
        if self.text.len() - self.at <= self.size {
            self.refill(self.size * 8)?;
        }
        loop {
            if self.at >= self.text.len() && self.is_last() {
                return Ok(None);
            }
            if let Some((end, line)) = self.end() {
                let piece = Piece { text: self.text.clone(), range: self.at..end, line: self.line };
                (self.at, self.line) = (end, line);
                return Ok(Some(piece));
            }
            // A record longer than what is in memory.
            self.refill(self.size.max(self.text.len()))?;
        }
    }

    /// Whether all of the text that is left is in memory.
    fn is_last(&self) -> bool {
        self.more.as_ref().is_none_or(|more| more.ended)
    }

    /// Whether a record ends where it seems to, whatever follows in the file.
    fn is_complete(&self, found: bool, at: usize, record: &Record) -> bool {
        let unclosed = matches!(record.fault, Some(Fault::Unclosed { .. }));
        self.is_last() || (found && at < self.text.len() && !unclosed)
    }

    /// Where the piece that begins here ends, and on what line.
    fn end(&self) -> Option<(usize, usize)> {
        let bytes = self.text.as_bytes();
        let wanted = self.at + self.size;
        if wanted >= bytes.len() && self.is_last() {
            return Some((bytes.len(), self.line));
        }
        let separator = match self.cut {
            Cut::Records(separator) => separator,
            Cut::Lines => {
                let end = wanted + bytes.get(wanted..)?.iter().position(|byte| *byte == b'\n')? + 1;
                let feeds = bytes[self.at..end].iter().filter(|byte| **byte == b'\n').count();
                return Some((end, self.line + feeds));
            }
        };
        if let Some(end) = self.line_end(wanted)
            && memchr(b'"', &bytes[self.at..end]).is_none()
        {
            return Some((end, self.line + lines(&bytes[self.at..end])));
        }
        let mut records = Records::new(&self.text, separator, self.at, self.line);
        let mut record = Record::default();
        while records.at() < wanted {
            let found = records.next(&mut record);
            if !self.is_complete(found, records.at(), &record) {
                return None;
            }
            if !found {
                break;
            }
        }
        Some((records.at(), records.line()))
    }

    /// After the first line end from a byte on, if what follows it is known.
    fn line_end(&self, from: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let rest = bytes.get(from..)?;
        let end = from + rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
        match (bytes[end], bytes.get(end + 1)) {
            (b'\r', Some(b'\n')) => Some(end + 2),
            (b'\r', None) if !self.is_last() => None,
            _ => Some(end + 1),
        }
    }

    /// Reads so many more bytes, and forgets those before.
    fn refill(&mut self, bytes: usize) -> io::Result<()> {
        let Some(more) = &mut self.more else { return Ok(()) };
        if more.ended {
            return Ok(());
        }
        let mut text = self.text.as_bytes()[self.at..].to_vec();
        text.append(&mut more.rest);
        more.file.seek(SeekFrom::Start(more.offset))?;
        let read = more.file.by_ref().take(bytes as u64).read_to_end(&mut text)?;
        more.offset += read as u64;
        more.ended = read < bytes;
        let valid = match std::str::from_utf8(&text) {
            Ok(text) => text.len(),
            Err(error) if error.error_len().is_none() && !more.ended => error.valid_up_to(),
            Err(_) => return Err(io::ErrorKind::InvalidData.into()),
        };
        more.rest = text.split_off(valid);
        self.text = Arc::new(String::from_utf8(text).map_err(|_| io::ErrorKind::InvalidData)?);
        self.at = 0;
        Ok(())
    }
}

/// Line ends in a text that does not end between a carriage return and its line feed.
fn lines(bytes: &[u8]) -> usize {
    let feeds = memchr_iter(b'\n', bytes).count();
    if memchr(b'\r', bytes).is_none() {
        return feeds;
    }
    let alone = bytes.windows(2).filter(|pair| pair[0] == b'\r' && pair[1] != b'\n').count();
    feeds + alone + usize::from(bytes.last() == Some(&b'\r'))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;

    fn records(pieces: &mut Pieces) -> Vec<String> {
        let mut found = Vec::new();
        let mut record = Record::default();
        while let Some(piece) = pieces.next().expect("a file that can be read") {
            let mut records = Records::new(&piece.text, b',', piece.range.start, piece.line);
            while records.next_before(piece.range.end, &mut record) {
                let cells: Vec<_> = record.cells.iter().map(|cell| cell.text(&piece.text).into_owned()).collect();
                found.push(format!("{} {} {:?} {cells:?}", record.line, record.lines, record.fault));
            }
        }
        found
    }

    proptest! {
        /// The same records, lines and faults, however the text is cut.
        #[test]
        fn pieces_change_nothing(text in "([a-zé,\"\r\n]|,\"|\"\r\n|\r\n){0,60}", size in 1usize..20) {
            let whole = records(&mut Pieces::of_text(Arc::new(text.clone()), Cut::Records(b',')));
            let mut small = Pieces { size, ..Pieces::of_text(Arc::new(text.clone()), Cut::Records(b',')) };
            prop_assert_eq!(&records(&mut small), &whole);
            let mut file = tempfile::tempfile().expect("a file");
            file.write_all(text.as_bytes()).expect("some bytes");
            let mut pieces = Pieces::of_file(file, 0, Cut::Records(b','), size);
            // Two readings of one file do not disturb each other.
            let mut again = pieces.again().expect("a file");
            let _ = again.next();
            prop_assert_eq!(&records(&mut pieces), &whole);
            prop_assert_eq!(&records(&mut pieces.again().expect("a file")), &whole);
        }
    }
}
