//! The keys met so far: a second row with the same key is found without keeping the texts of any twice.
//!
//! Nothing is guessed from hashes: what is kept is the keys themselves. A row takes some 10 bytes, and each different text
//! its length and some 15 more.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use string_interner::{DefaultBackend, StringInterner, Symbol as _};

use crate::table::Integers;

/// One column of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// What no other value of the column shares.
    Number(u64),
    Text(Arc<str>),
}

/// Keys of any number of columns: what the columns before the last say together has a rank, and the rows of that rank are linked,
/// the latest first. There are few of them, since the last column is the year.
#[derive(Debug)]
pub struct Keys {
    texts: StringInterner<DefaultBackend>,
    /// Rank of what the columns before say, and the next column, to the rank of both together.
    prefixes: FxHashMap<(u64, u64), u64>,
    /// By rank, the latest row.
    latest: Integers,
    /// By row: the last column, the line, and the row of the same rank before.
    last: Integers,
    lines: Integers,
    before: Integers,
}

/// No row.
const NONE: i64 = -1;

impl Default for Keys {
    fn default() -> Self {
        let none = || Integers::with_capacity(0);
        let (latest, last, lines, before) = (none(), none(), none(), none());
        Self { texts: StringInterner::new(), prefixes: FxHashMap::default(), latest, last, lines, before }
    }
}

impl Keys {
    /// Registers the key of a row; the line of the first row that has it, if there is one.
    pub fn register(&mut self, key: &[Part], line: usize) -> Option<usize> {
        let (last, before) = key.split_last()?;
        let mut prefix = 0;
        for (column, part) in before.iter().enumerate() {
            let rank = self.rank(part);
            let next = self.prefixes.len() as u64;
            prefix = match (column, part) {
                // Ranks of texts follow each other already.
                (0, Part::Text(_)) => rank,
                _ => *self.prefixes.entry((prefix, rank)).or_insert(next),
            };
        }
        let last = self.rank(last);
        if let Some(row) = self.find(prefix, last) {
            return Some(self.lines.get(row) as usize);
        }
        let rank = prefix as usize;
        while self.latest.len() <= rank {
            self.latest.push(NONE);
        }
        self.before.push(self.latest.get(rank));
        self.latest.set(rank, self.last.len() as i64);
        self.last.push(last.cast_signed());
        self.lines.push(line as i64);
        None
    }

    /// The line of the first row with a key.
    pub fn line(&self, key: &[Part]) -> Option<usize> {
        let rank = |part: &Part| match part {
            Part::Number(number) => Some(*number),
            Part::Text(text) => self.texts.get(text).map(|symbol| symbol.to_usize() as u64),
        };
        let (last, before) = key.split_last()?;
        let mut prefix = 0;
        for (column, part) in before.iter().enumerate() {
            let rank = rank(part)?;
            prefix = match (column, part) {
                (0, Part::Text(_)) => rank,
                _ => *self.prefixes.get(&(prefix, rank))?,
            };
        }
        self.find(prefix, rank(last)?).map(|row| self.lines.get(row) as usize)
    }

    fn rank(&mut self, part: &Part) -> u64 {
        match part {
            Part::Number(number) => *number,
            Part::Text(text) => self.texts.get_or_intern(text).to_usize() as u64,
        }
    }

    /// The row of a rank with this last column.
    fn find(&self, prefix: u64, last: u64) -> Option<usize> {
        let mut row = if (prefix as usize) < self.latest.len() { self.latest.get(prefix as usize) } else { NONE };
        while let Ok(known) = usize::try_from(row) {
            if self.last.get(known) == last.cast_signed() {
                return Some(known);
            }
            row = self.before.get(known);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{Keys, Part};

    fn key(parts: [u64; 3]) -> Vec<Part> {
        vec![Part::Text(parts[0].to_string().into()), Part::Number(parts[1]), Part::Number(parts[2])]
    }

    #[test]
    fn repetitions() {
        let mut keys = Keys::default();
        assert_eq!(keys.register(&key([1, 2, 3]), 2), None);
        assert_eq!(keys.register(&key([2, 1, 3]), 3), None);
        assert_eq!(keys.register(&key([1, 2, 4]), 4), None);
        assert_eq!(keys.register(&key([1, 2, 3]), 5), Some(2));
        assert_eq!(keys.line(&key([1, 2, 4])), Some(4));
        assert_eq!(keys.line(&key([1, 3, 4])), None);
        assert_eq!(Keys::default().register(&[], 2), None);
    }

    /// Keys of one to three columns, of texts and numbers, against a plain map.
    #[test]
    fn as_a_map_would() {
        let shapes: [&[bool]; 6] =
            [&[false], &[true], &[true, false], &[false, false], &[false, true, false], &[true, true, true]];
        for shape in shapes {
            let mut keys = Keys::default();
            let mut map = std::collections::HashMap::new();
            for line in 0..3_000usize {
                // Some values are as wide as they come.
                let value = |column: usize| match (line * 7 + column * 13) % 40 {
                    39 => u64::MAX - (line % 3) as u64,
                    value => (value * (line % 5 + 1)) as u64,
                };
                let part = |(column, text): (usize, &bool)| match text {
                    true => Part::Text(value(column).to_string().into()),
                    false => Part::Number(value(column)),
                };
                let key: Vec<Part> = shape.iter().enumerate().map(part).collect();
                let known = map.get(&format!("{key:?}")).copied();
                assert_eq!(keys.line(&key), known, "{key:?}");
                assert_eq!(keys.register(&key, line), known, "{key:?}");
                map.entry(format!("{key:?}")).or_insert(line);
            }
        }
    }
}
