//! Numbers and durations in the reports of commands.

use std::time::Duration;

use polc_compiler::num::{format_french, integer};

/// « 1 000 lignes », « 1 ligne »: the plural is that of French, from 2.
pub fn count(number: usize, singular: &str, plural: &str) -> String {
    let word = if number < 2 { singular } else { plural };
    format!("{} {word}", figures(number))
}

/// A whole number with its thousands apart.
pub fn figures(number: usize) -> String {
    format_french(&integer(i64::try_from(number).unwrap_or(i64::MAX)), 0)
}

/// « 0,12 s ».
pub fn seconds(duration: Duration) -> String {
    let hundredths = duration.as_millis().div_ceil(10);
    format!("{},{:02} s", hundredths / 100, hundredths % 100)
}
