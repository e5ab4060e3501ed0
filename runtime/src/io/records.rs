//! Splits a text into records and cells, knowing at every moment the physical line it is on.
//!
//! The `csv` crate reads an unclosed quote as a cell that swallows the rest of the file. Here it is a fault of one line, and
//! reading goes on with the next: the good rows stay good.

use std::borrow::Cow;
use std::ops::Range;

/// One cell: the bytes between its separators, without its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    pub range: Range<usize>,
    /// Whether it stands between quotes.
    pub quoted: bool,
    /// Whether it holds doubled quotes.
    escaped: bool,
}

impl Cell {
    /// What the cell says.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let raw = &text[self.range.clone()];
        if self.escaped { Cow::Owned(raw.replace("\"\"", "\"")) } else { Cow::Borrowed(raw) }
    }
}

/// What is wrong with the quotes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A quote opened on this line is never closed.
    Unclosed { line: usize },
    /// Something follows a closing quote on this line.
    AfterQuote { line: usize },
}

/// One record, overwritten by each call of [`Records::next`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    pub cells: Vec<Cell>,
    /// Its bytes, without the line end.
    pub range: Range<usize>,
    /// Physical line on which it starts, from 1.
    pub line: usize,
    /// Physical lines that it spans.
    pub lines: usize,
    /// With a fault, the record is its first physical line, cut at every separator.
    pub fault: Option<Fault>,
}

/// Reads the records of a text in order. Empty lines are not records.
#[derive(Clone, Debug)]
pub struct Records<'t> {
    text: &'t [u8],
    separator: u8,
    at: usize,
    line: usize,
}

impl<'t> Records<'t> {
    /// Starts at a byte of the text, which must be the start of physical line `line`.
    pub fn new(text: &'t str, separator: u8, at: usize, line: usize) -> Self {
        Self { text: text.as_bytes(), separator, at, line }
    }

    /// Reads the next record if it starts before a byte of the text.
    pub fn next_before(&mut self, end: usize, record: &mut Record) -> bool {
        self.skip_empty_lines();
        self.at < end && self.next(record)
    }

    /// Reads the next record; false at the end of the text.
    pub fn next(&mut self, record: &mut Record) -> bool {
        self.skip_empty_lines();
        if self.at >= self.text.len() {
            return false;
        }
        let (start, line) = (self.at, self.line);
        record.cells.clear();
        record.fault = None;
        if let Err(fault) = self.cells(record) {
            (self.at, self.line) = (start, line);
            self.first_line_only(record);
            record.fault = Some(fault);
        }
        record.line = line;
        record.lines = self.line - line + 1;
        record.range = start..self.at;
        self.end_line();
        true
    }

    /// The byte that comes next.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The physical line that comes next.
    pub fn line(&self) -> usize {
        self.line
    }

    fn skip_empty_lines(&mut self) {
        while matches!(self.text.get(self.at), Some(b'\n' | b'\r')) {
            self.end_line();
        }
    }

    /// Steps over a line end, if there is one here.
    fn end_line(&mut self) {
        match self.text.get(self.at) {
            Some(b'\r') if self.text.get(self.at + 1) == Some(&b'\n') => self.at += 2,
            Some(b'\r' | b'\n') => self.at += 1,
            _ => return,
        }
        self.line += 1;
    }

    fn cells(&mut self, record: &mut Record) -> Result<(), Fault> {
        loop {
            let cell = if self.text.get(self.at) == Some(&b'"') { self.quoted()? } else { self.plain() };
            record.cells.push(cell);
            if self.text.get(self.at) != Some(&self.separator) {
                return Ok(());
            }
            self.at += 1;
        }
    }

    /// Up to the next separator or line end.
    fn plain(&mut self) -> Cell {
        let start = self.at;
        let rest = &self.text[start..];
        let length = rest.iter().position(|b| *b == self.separator || matches!(b, b'\n' | b'\r'));
        self.at = start + length.unwrap_or(rest.len());
        Cell { range: start..self.at, quoted: false, escaped: false }
    }

    fn quoted(&mut self) -> Result<Cell, Fault> {
        let opened = self.line;
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        loop {
            match self.text.get(self.at) {
                None => return Err(Fault::Unclosed { line: opened }),
                Some(b'"') if self.text.get(self.at + 1) == Some(&b'"') => {
                    escaped = true;
                    self.at += 2;
                }
                Some(b'"') => break,
                Some(b'\r' | b'\n') => self.end_line(),
                Some(_) => self.at += 1,
            }
        }
        let cell = Cell { range: start..self.at, quoted: true, escaped };
        self.at += 1;
        while self.text.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
        match self.text.get(self.at) {
            None | Some(b'\n' | b'\r') => Ok(cell),
            Some(byte) if *byte == self.separator => Ok(cell),
            Some(_) => Err(Fault::AfterQuote { line: self.line }),
        }
    }

    fn first_line_only(&mut self, record: &mut Record) {
        record.cells.clear();
        loop {
            let cell = self.plain();
            record.cells.push(cell);
            if self.text.get(self.at) != Some(&self.separator) {
                return;
            }
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn split(text: &str) -> String {
        let mut records = Records::new(text, b',', 0, 1);
        let mut record = Record::default();
        let mut out = String::new();
        while records.next(&mut record) {
            let cells: Vec<_> = record.cells.iter().map(|cell| cell.text(text)).collect();
            let _ = write!(out, "{}+{} {cells:?}", record.line, record.lines - 1);
            if let Some(fault) = record.fault {
                let _ = write!(out, " {fault:?}");
            }
            out.push('\n');
        }
        out
    }

    #[test]
    fn lines_and_cells() {
        insta::assert_snapshot!(split("a,b\r\n\r\n1,\n\"x\ny\",\"say \"\"hi\"\"\" \rlast"), @r#"
        1+0 ["a", "b"]
        3+0 ["1", ""]
        4+1 ["x\ny", "say \"hi\""]
        6+0 ["last"]
        "#);
    }

    #[test]
    fn a_fault_costs_one_line() {
        insta::assert_snapshot!(split("a,b\n1,\"open\n2,\"x\"\n3,y\n4,\"open again\n5,z\n"), @r#"
        1+0 ["a", "b"]
        2+0 ["1", "\"open"] AfterQuote { line: 3 }
        3+0 ["2", "x"]
        4+0 ["3", "y"]
        5+0 ["4", "\"open again"] Unclosed { line: 5 }
        6+0 ["5", "z"]
        "#);
        assert_eq!(split(""), "");
        assert_eq!(split("\n\r\n"), "");
    }
}
