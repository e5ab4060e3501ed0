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

    /// How many are set.
    #[must_use]
    pub fn count(&self) -> usize {
        self.bytes().iter().map(|byte| byte.count_ones() as usize).sum()
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = bool> + Clone {
        (0..self.len()).map(|index| self.0.get_bit(index))
    }

    /// So many that are all the same.
    #[must_use]
    pub fn filled(flag: bool, flags: usize) -> Self {
        let mut all = Self::default();
        all.push_all(flags, flag);
        all
    }

    /// Whether one at least is set in both, those of the other counted from a rank of these that is a multiple of 8.
    #[must_use]
    pub fn meets(&self, from: usize, other: &Self) -> bool {
        // Many at a time, without branches.
        let these = self.bytes().get(from / 8..).unwrap_or_default();
        let chunks = these.chunks(64).zip(other.bytes().chunks(64));
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
                let from = rank / 16 * 8;
                let mut one = Flags::filled(false, longer.len() - from);
                assert!(!longer.meets(from, &one));
                one.set(rank - from, true);
                assert_eq!(longer.meets(from, &one), longer.get(rank));
            }
        }
        let mut none: Flags = [false; 20].into_iter().collect();
        assert!(!none.any());
        none.set(19, true);
        assert!(none.any() && none.get(19) && !none.get(18) && none.count() == 1);
    }
}
