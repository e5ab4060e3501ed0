//! The keys met so far: a second row with the same key is found without keeping the texts of any twice.
//!
//! Nothing is guessed from hashes: what is kept is the keys themselves. They take some 50 bytes a row, and some 100 more for
//! each different text.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

/// One column of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// What no other value of the column shares.
    Number(u64),
    Text(Arc<str>),
}

/// Keys of any number of columns, reduced column after column to pairs of numbers.
#[derive(Debug, Default)]
pub struct Keys {
    /// Rank of each text.
    texts: HashMap<Arc<str>, u64>,
    /// Rank of what the columns before say, and the next column, to the rank of both together.
    prefixes: HashMap<(u64, u64), u64>,
    /// The same with the last column, to the line of the first row.
    lines: HashMap<(u64, u64), usize>,
}

impl Keys {
    /// Registers the key of a row; the line of the first row that has it, if there is one.
    pub fn register(&mut self, key: &[Part], line: usize) -> Option<usize> {
        let (last, before) = key.split_last()?;
        let mut prefix = 0;
        for part in before {
            let part = self.rank(part);
            let next = self.prefixes.len() as u64 + 1;
            prefix = *self.prefixes.entry((prefix, part)).or_insert(next);
        }
        let last = self.rank(last);
        match self.lines.entry((prefix, last)) {
            Entry::Occupied(entry) => Some(*entry.get()),
            Entry::Vacant(entry) => {
                entry.insert(line);
                None
            }
        }
    }

    fn rank(&mut self, part: &Part) -> u64 {
        match part {
            Part::Number(number) => *number,
            Part::Text(text) => {
                if let Some(rank) = self.texts.get(text) {
                    return *rank;
                }
                let next = self.texts.len() as u64;
                self.texts.insert(text.clone(), next);
                next
            }
        }
    }

    /// The line of the first row with a key.
    pub fn line(&self, key: &[Part]) -> Option<usize> {
        let rank = |part: &Part| match part {
            Part::Number(number) => Some(*number),
            Part::Text(text) => self.texts.get(text).copied(),
        };
        let (last, before) = key.split_last()?;
        let mut prefix = 0;
        for part in before {
            prefix = *self.prefixes.get(&(prefix, rank(part)?))?;
        }
        self.lines.get(&(prefix, rank(last)?)).copied()
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
}
