//! Flags, one bit each.

use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};

/// A list of flags.
pub struct Flags(BooleanBufferBuilder);

impl Flags {
    /// No flags, with room for some.
    #[must_use]
    pub fn with_capacity(flags: usize) -> Self {
        Self(BooleanBufferBuilder::new(flags))
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// # Panics
    /// When there are fewer flags.
    #[must_use]
    pub fn get(&self, index: usize) -> bool {
        assert!(index < self.len());
        self.0.get_bit(index)
    }

    /// # Panics
    /// When there are fewer flags.
    pub fn set(&mut self, index: usize, flag: bool) {
        assert!(index < self.len());
        self.0.set_bit(index, flag);
    }

    pub fn push(&mut self, flag: bool) {
        self.0.append(flag);
    }

    /// Appends some that are all the same.
    pub fn push_all(&mut self, count: usize, flag: bool) {
        self.0.append_n(count, flag);
    }

    pub fn append(&mut self, other: &Self) {
        self.0.append_packed_range(0..other.len(), other.0.as_slice());
    }

    pub fn append_buffer(&mut self, other: &BooleanBuffer) {
        self.0.append_buffer(other);
    }

    /// Whether one at least is set.
    #[must_use]
    pub fn any(&self) -> bool {
        // Bits after the last one are not set.
        self.bytes().iter().any(|byte| *byte != 0)
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = bool> + Clone {
        (0..self.len()).map(|index| self.0.get_bit(index))
    }

    /// So many, of which those of these ranks are set.
    pub fn of(flags: usize, set: impl Iterator<Item = usize>) -> Self {
        let mut all = Self::default();
        all.push_all(flags, false);
        set.for_each(|rank| all.set(rank, true));
        all
    }

    /// Whether one at least is set in both.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        // Many at a time, without branches.
        let chunks = self.bytes().chunks(64).zip(other.bytes().chunks(64));
        let both = |(these, those): (&[u8], &[u8])| these.iter().zip(those).fold(0, |both, (a, b)| both | (a & b));
        chunks.map(both).any(|both| both != 0)
    }

    /// The flags of these ranks, in this order.
    #[must_use]
    pub fn select(&self, ranks: &[usize]) -> Self {
        ranks.iter().map(|rank| self.get(*rank)).collect()
    }

    /// Eight flags a byte, the first in the lowest bit; bits after the last flag are not set.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// The flags of bytes as [`Self::bytes`] gives them; `None` if there are too few.
    #[must_use]
    pub fn from_bytes(bytes: &[u8], count: usize) -> Option<Self> {
        if bytes.len() < count.div_ceil(8) {
            return None;
        }
        let mut flags = Self::with_capacity(count);
        flags.0.append_packed_range(0..count, bytes);
        Some(flags)
    }
}

impl Default for Flags {
    fn default() -> Self {
        Self::with_capacity(0)
    }
}

impl std::fmt::Debug for Flags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Clone for Flags {
    fn clone(&self) -> Self {
        let mut flags = Self::with_capacity(self.len());
        flags.append(self);
        flags
    }
}

impl FromIterator<bool> for Flags {
    fn from_iter<I: IntoIterator<Item = bool>>(flags: I) -> Self {
        let flags = flags.into_iter();
        let mut result = Self::with_capacity(flags.size_hint().0);
        flags.for_each(|flag| result.push(flag));
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_stay_in_their_places() {
        let pattern = |count: usize| (0..count).map(|rank| rank % 3 == 0 || rank == 17);
        for count in [0, 1, 7, 8, 9, 63, 64, 65, 200] {
            let flags: Flags = pattern(count).collect();
            assert_eq!(flags.iter().collect::<Vec<_>>(), pattern(count).collect::<Vec<_>>());
            // Appended where no byte begins.
            let mut longer: Flags = [true, false, true].into_iter().collect();
            longer.append(&flags);
            assert_eq!(longer.iter().skip(3).collect::<Vec<_>>(), pattern(count).collect::<Vec<_>>());
            let again = Flags::from_bytes(longer.bytes(), longer.len()).expect("enough bytes");
            assert!(again.iter().eq(longer.iter()));
            assert_eq!(Flags::from_bytes(&longer.bytes()[1..], longer.len()).map(|flags| flags.len()), None);
            assert!(longer.clone().iter().eq(longer.iter()));
            for rank in 0..longer.len() {
                assert_eq!(longer.meets(&Flags::of(longer.len(), [rank].into_iter())), longer.get(rank));
            }
            assert!(!longer.meets(&Flags::of(longer.len(), [].into_iter())));
        }
        let mut none: Flags = [false; 20].into_iter().collect();
        assert!(!none.any());
        none.set(19, true);
        assert!(none.any() && none.get(19) && !none.get(18));
    }
}
