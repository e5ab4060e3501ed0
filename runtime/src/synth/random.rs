//! Numbers drawn by counter, in integers only: each is a function of the seed, the subject, the year, the name of what is
//! drawn and its purpose. No draw depends on another, so a column added to a profile moves no other, and the same seed
//! gives the same bytes everywhere.
//!
//! The mixing function is the output of SplitMix64 (Steele, Lea, Flood 2014): `h ← mix(h + γ + x)` absorbs each part of
//! the coordinates in turn. A bounded number is the high half of a 64 by 64 product.

/// 2⁶⁴ divided by the golden ratio, made odd.
const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

fn absorb(hash: u64, part: u64) -> u64 {
    let z = hash.wrapping_add(GAMMA).wrapping_add(part);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// FNV-1a on 64 bits.
#[must_use]
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3))
}

/// What a number is drawn for: the draws of one cell are independent. The numbers are part of the result.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    /// Leave the cell empty.
    Empty = 1,
    /// Keep last year's value.
    Keep = 2,
    /// Which case, or which stretch of a distribution.
    Choice = 3,
    /// Where in the stretch.
    Value = 4,
    Growth = 5,
    Noise = 6,
    /// Year in which a subject appears.
    Entry = 7,
    Departure = 8,
    /// A year without row.
    Gap = 9,
}

/// The coordinates of a draw, absorbed one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Stream(u64);

impl Stream {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(absorb(0, seed))
    }

    #[must_use]
    pub fn at(self, coordinate: u64) -> Self {
        Self(absorb(self.0, coordinate))
    }

    /// A number from 0 to `bound` - 1; 0 when the bound is 0.
    #[must_use]
    pub fn below(self, purpose: Purpose, bound: u64) -> u64 {
        let drawn = absorb(self.0, purpose as u64);
        ((u128::from(drawn) * u128::from(bound)) >> 64) as u64
    }

    /// True so many times in a thousand.
    #[must_use]
    pub fn chance(self, purpose: Purpose, per_mille: u16) -> bool {
        self.below(purpose, 1000) < u64::from(per_mille)
    }

    /// A number between two, both included; the first when they are not in order.
    #[must_use]
    pub fn between(self, purpose: Purpose, low: i64, high: i64) -> i64 {
        let width = i128::from(high) - i128::from(low) + 1;
        u64::try_from(width).map_or(low, |width| low.saturating_add_unsigned(self.below(purpose, width)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written out, so that a change of the generator cannot go unnoticed.
    #[test]
    fn known_values() {
        assert_eq!(hash_bytes(b""), 0xCBF2_9CE4_8422_2325);
        assert_eq!(hash_bytes(b"a"), 0xAF63_DC4C_8601_EC8C);
        // The first three outputs of SplitMix64 seeded with 0 and 1.
        assert_eq!(absorb(0, 0), 0xE220_A839_7B1D_CDAF);
        assert_eq!(absorb(GAMMA, 0), 0x6E78_9E6A_A1B9_65F4);
        assert_eq!(absorb(0, 1), 0x910A_2DEC_8902_5CC1);
    }

    #[test]
    fn draws_are_even_and_bounded() {
        let stream = Stream::new(7);
        let mut counts = [0u32; 10];
        for index in 0..100_000 {
            counts[stream.at(index).below(Purpose::Value, 10) as usize] += 1;
            let between = stream.at(index).between(Purpose::Noise, -3, 3);
            assert!((-3..=3).contains(&between));
        }
        assert!(counts.iter().all(|count| (9_600..10_400).contains(count)), "{counts:?}");
        assert_eq!(stream.between(Purpose::Value, 5, 2), 5);
        assert_eq!(stream.below(Purpose::Value, 0), 0);
        let hits = (0..100_000).filter(|index| stream.at(*index).chance(Purpose::Keep, 30)).count();
        assert!((2_800..3_200).contains(&hits), "{hits}");
    }
}
