//! The keys met so far: a second row with the same key is found without keeping the texts of any.

use std::collections::HashMap;

/// Keys of any number of columns, reduced column after column to pairs of numbers.
#[derive(Debug, Default)]
pub struct Keys {
    /// Rank of what the columns before say, and the next column, to the rank of both together.
    prefixes: HashMap<(u64, u64), u64>,
    /// The same with the last column, to the line of the first row.
    lines: HashMap<(u64, u64), usize>,
}

impl Keys {
    /// Registers the key of a row; the line of the first row that has it, if there is one.
    pub fn register(&mut self, key: &[u64], line: usize) -> Option<usize> {
        let (last, before) = key.split_last()?;
        let mut prefix = 0;
        for part in before {
            let next = self.prefixes.len() as u64 + 1;
            prefix = *self.prefixes.entry((prefix, *part)).or_insert(next);
        }
        match self.lines.entry((prefix, *last)) {
            std::collections::hash_map::Entry::Occupied(entry) => Some(*entry.get()),
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(line);
                None
            }
        }
    }

    /// The line of the first row with a key.
    pub fn line(&self, key: &[u64]) -> Option<usize> {
        let (last, before) = key.split_last()?;
        let mut prefix = 0;
        for part in before {
            prefix = *self.prefixes.get(&(prefix, *part))?;
        }
        self.lines.get(&(prefix, *last)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::Keys;

    #[test]
    fn repetitions() {
        let mut keys = Keys::default();
        assert_eq!(keys.register(&[1, 2, 3], 2), None);
        assert_eq!(keys.register(&[2, 1, 3], 3), None);
        assert_eq!(keys.register(&[1, 2, 4], 4), None);
        assert_eq!(keys.register(&[1, 2, 3], 5), Some(2));
        assert_eq!(keys.line(&[1, 2, 4]), Some(4));
        assert_eq!(keys.line(&[1, 3, 4]), None);
        assert_eq!(Keys::default().register(&[], 2), None);
    }
}
