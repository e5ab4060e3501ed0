//! Sums of results.

use polc_compiler::num::{Ratio, integer};

use crate::table::{Denominators, ResultColumn, ResultValues};

/// The exact sum of a numeric result over the rows where it applies; `None` for a result that is not a number.
#[must_use]
pub fn total(column: &ResultColumn) -> Option<Ratio> {
    let ResultValues::Number(numbers) = &column.values else { return None };
    let rows = (0..column.present.len()).filter(|row| column.present[*row]);
    let Denominators::Constant(denominator) = &numbers.denominators else {
        return Some(rows.map(|row| numbers.value(row)).fold(integer(0), |sum, value| sum + value));
    };
    let (mut small, mut large) = (0i128, integer(0));
    for row in rows {
        match numbers.large.get(&row) {
            Some(value) => large += value,
            None => match small.checked_add(numbers.numerators.get(row).into()) {
                Some(sum) => small = sum,
                None => large += numbers.value(row),
            },
        }
    }
    Some(large + Ratio::new(small.into(), (*denominator).into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Integers, Numbers};

    #[test]
    fn sums_exactly_whatever_the_size() {
        let mut numbers = Numbers {
            numerators: [i64::MAX, i64::MAX, 250, 99].into_iter().collect(),
            denominators: Denominators::Constant(100),
            large: [(1, Ratio::new(1.into(), 3.into()))].into(),
        };
        let column = |numbers: &Numbers| ResultColumn {
            present: vec![true, true, true, false],
            values: ResultValues::Number(numbers.clone()),
        };
        let expected = numbers.value(0) + numbers.value(1) + numbers.value(2);
        assert_eq!(total(&column(&numbers)), Some(expected.clone()));
        numbers.denominators = Denominators::PerRow(Integers::filled(100, 4));
        assert_eq!(total(&column(&numbers)), Some(expected));
    }
}
