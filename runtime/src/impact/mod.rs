//! What the difference between two versions of a policy is worth on the rows of a file: in all, by year, by group of rows,
//! clause by clause, and for whom.
//!
//! Amounts are exact: integers of the smallest unit of the currency. Of a row, nothing is kept but what the sums need.

pub mod by;
mod chart;
pub mod export;
pub mod groups;
pub mod histogram;
pub mod html;
pub mod payments;
pub mod report;
pub mod steps;
pub mod table;
pub mod tally;
pub mod text;
pub mod words;

pub use payments::{counted, payments};
pub use report::{End, Report, Step, report};
pub use tally::Tally;

use polc_compiler::num::{Ratio, format_fixed, format_french, power_of_ten};
use polc_compiler::typed::Currency;

/// An amount of the currency, from its smallest units: « 1234.50 ».
#[must_use]
pub fn plain(amount: i128, currency: &Currency) -> String {
    format_fixed(&ratio(amount, currency), currency.decimals, '.')
}

/// « 1 234,50 € ».
#[must_use]
pub fn french(amount: i128, currency: &Currency) -> String {
    let digits = format_french(&ratio(amount, currency), currency.decimals);
    format!("{}\u{a0}{}", digits.replace('-', "\u{2212}"), currency.symbol)
}

/// The same, with its sign where it is positive too.
#[must_use]
pub fn signed(amount: i128, currency: &Currency) -> String {
    let text = french(amount, currency);
    if amount > 0 { format!("+{text}") } else { text }
}

fn ratio(amount: i128, currency: &Currency) -> Ratio {
    Ratio::new(amount.into(), power_of_ten(currency.decimals))
}
