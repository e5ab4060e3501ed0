//! Random well-typed policies and rows for differential tests: a library, so that tests, benches and fuzzers share it.
//!
//! Everything is drawn from one seed, so a failure is reproduced by its seed alone.

mod amendments;
mod policies;
mod rows;

pub use amendments::amendment;
pub use policies::policy;
pub use rows::{filled_rows, rows};

/// The invented policy of the fixtures, which knows no agreement.
#[cfg(test)]
pub(crate) fn libraries() -> crate::policy::Policy {
    let mut sources = polc_dsl::SourceMap::new();
    sources.add("bibliotheques.pol", include_bytes!("../../../tests/fixtures/bibliotheques.pol"));
    crate::policy::Policy::build(sources, &polc_compiler::Selection::default()).expect("the policy of the fixtures")
}

/// SplitMix64: small, fast, and the same on every machine.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not zero.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.draw() % bound as u64) as usize
    }

    /// True once in `count`.
    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + (self.draw() % (high.abs_diff(low) + 1)) as i64
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}
