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
pub mod tally;
pub mod text;
pub mod words;

pub use payments::{counted, payments};
pub use report::{End, Report, Step, report};
pub use tally::Tally;

use polc_compiler::num::{Ratio, format_french, power_of_ten};
use polc_compiler::typed::Currency;

/// An amount of the currency, from its smallest units: « 1234.50 ».
#[must_use]
pub fn plain(amount: i128, currency: &Currency) -> String {
    let decimals = currency.decimals as usize;
    // A million of them are written: no fraction is made.
    let digits = format!("{:0>width$}", amount.unsigned_abs(), width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    let sign = if amount < 0 { "-" } else { "" };
    if decimals == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_in_digits() {
        let euro = |decimals| Currency { symbol: "€".into(), decimals };
        let cases = [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (123_456, "1234.56"), (-100, "-1.00")];
        cases.iter().for_each(|(amount, text)| assert_eq!(plain(*amount, &euro(2)), *text));
        assert_eq!(plain(-12, &euro(0)), "-12");
        assert_eq!(signed(123_456, &euro(2)), "+1\u{202f}234,56\u{a0}€");
        assert_eq!(signed(-100, &euro(2)), "\u{2212}1,00\u{a0}€");
        assert_eq!(signed(0, &euro(2)), "0,00\u{a0}€");
    }
}
