//! How differences are spread: ranges that double or so (1, 2, 5, 10, 20, 50…), the same whatever the data, so that one pass
//! over the rows is enough.

use std::collections::BTreeMap;

/// Rows by size of the difference. A range is known by its rank: 0 for no difference, 1 for less than one unit of the
/// currency, then from 1, 2, 5, 10…; negative for what is lost.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    bars: BTreeMap<i32, Bar>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bar {
    pub rows: u64,
    pub amount: i128,
}

impl Histogram {
    /// Adds the difference of a row, in smallest units; `unit` is how many of them make one unit of the currency.
    pub fn add(&mut self, difference: i128, unit: i128) {
        let rank = rank(difference.unsigned_abs() / unit.unsigned_abs().max(1), difference != 0);
        let bar = self.bars.entry(if difference < 0 { -rank } else { rank }).or_default();
        bar.rows += 1;
        bar.amount += difference;
    }

    /// The ranges that have rows and those between two of them on the same side of zero; ends in units of the currency, the
    /// one nearer to zero first.
    #[must_use]
    pub fn bars(&self) -> Vec<(i32, Bar)> {
        let ends = |low: i32, high: i32| {
            let mut side = self.bars.range(low..=high);
            let first = side.next().map(|(rank, _)| *rank)?;
            Some(first..=side.next_back().map_or(first, |(rank, _)| *rank))
        };
        let sides = [ends(i32::MIN, -1), ends(0, 0), ends(1, i32::MAX)];
        let all = sides.into_iter().flatten().flatten();
        all.map(|rank| (rank, self.bars.get(&rank).copied().unwrap_or_default())).collect()
    }
}

/// The ends of a range, without sign: from the first, below the second.
#[must_use]
pub fn ends(rank: i32) -> (u128, u128) {
    let rank = rank.unsigned_abs();
    let start = |rank: u32| match rank {
        0 | 1 => 0,
        rank => [1, 2, 5][(rank as usize - 2) % 3] * 10u128.saturating_pow((rank - 2) / 3),
    };
    (start(rank), start(rank + 1))
}

fn rank(whole: u128, differs: bool) -> i32 {
    if !differs {
        return 0;
    }
    let mut rank = 1;
    while rank < 110 && ends(rank).1 <= whole {
        rank += 1;
    }
    rank
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_follow_each_other() {
        assert_eq!(
            (1..8).map(ends).collect::<Vec<_>>(),
            [(0, 1), (1, 2), (2, 5), (5, 10), (10, 20), (20, 50), (50, 100)]
        );
        for whole in [0, 1, 2, 4, 5, 9, 10, 999, 1_000, 123_456_789] {
            let (from, to) = ends(rank(whole, true));
            assert!(from <= whole && whole < to, "{whole}");
        }
    }

    #[test]
    fn bars_of_both_sides() {
        let mut histogram = Histogram::default();
        [-250, 0, 100_000].iter().for_each(|difference| histogram.add(*difference, 100));
        let bars = histogram.bars();
        assert_eq!(bars.first().map(|(rank, bar)| (*rank, bar.amount)), Some((-3, -250)));
        assert_eq!(bars.iter().map(|(rank, _)| *rank).collect::<Vec<_>>(), [-3, 0, 11]);
        assert_eq!(bars.iter().map(|(_, bar)| bar.rows).sum::<u64>(), 3);
        histogram.add(300, 100);
        // None is missing between two of one side.
        assert_eq!(
            histogram.bars().iter().map(|(rank, _)| *rank).collect::<Vec<_>>(),
            [-3, 0, 3, 4, 5, 6, 7, 8, 9, 10, 11]
        );
    }
}
