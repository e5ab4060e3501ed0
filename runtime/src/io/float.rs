//! Binary floating-point numbers of files, as the decimals that they are meant to be: the shortest text that reads as the same
//! number. Nothing is computed with them.

use super::cell::{CellProblem, ColumnReader, Marks};

/// Numbers of this size and less are whole or not, and fit a word.
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// `0.1` for the double nearest to one tenth.
pub fn shortest(value: f64) -> String {
    value.to_string()
}

/// The same for a single.
pub fn shortest_single(value: f32) -> String {
    value.to_string()
}

pub fn push(reader: &mut ColumnReader<'_>, value: f64) -> Result<(), CellProblem> {
    if value.abs() <= WHOLE && value.trunc() == value {
        return reader.push_scaled(value as i128, 0);
    }
    reader.push(&shortest(value), &mut Marks::default())
}

pub fn push_single(reader: &mut ColumnReader<'_>, value: f32) -> Result<(), CellProblem> {
    reader.push(&shortest_single(value), &mut Marks::default())
}

/// The number that a decimal text reads as, where a sheet shows the same text for it: up to 15 significant digits.
pub fn of_text(text: &str) -> Option<f64> {
    let digits = text.trim_start_matches(['-', '0', '.']).bytes().filter(u8::is_ascii_digit).count();
    if digits > 15 { None } else { text.parse().ok().filter(|number: &f64| number.is_finite()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortest_texts() {
        assert_eq!(shortest(0.1), "0.1");
        assert_eq!(shortest_single(0.1), "0.1");
        assert_eq!(shortest(1e21), "1000000000000000000000");
        assert_eq!(shortest(-1.5e-7), "-0.00000015");
        assert_eq!(of_text("123456789012.345"), Some(123_456_789_012.345));
        assert_eq!(of_text("-0.0012"), Some(-0.0012));
        assert_eq!(of_text("1234567890123.456"), None);
        assert_eq!(of_text("NaN"), None);
    }
}
