//! Units of measurement as products of powers of named dimensions.

use std::sync::Arc;

/// A product of dimensions with non-zero exponents, in order of name. Empty for a pure number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Unit(Vec<(Arc<str>, i32)>);

impl Unit {
    /// A pure number.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn of(dimension: &str) -> Self {
        Self(vec![(dimension.into(), 1)])
    }

    #[must_use]
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    #[must_use]
    pub fn multiply(&self, other: &Self) -> Self {
        self.combine(other, 1)
    }

    #[must_use]
    pub fn divide(&self, other: &Self) -> Self {
        self.combine(other, -1)
    }

    fn combine(&self, other: &Self, sign: i32) -> Self {
        let mut result = self.0.clone();
        for (name, exponent) in &other.0 {
            match result.binary_search_by(|(known, _)| known.cmp(name)) {
                Ok(index) => {
                    result[index].1 += sign * exponent;
                    if result[index].1 == 0 {
                        result.remove(index);
                    }
                }
                Err(index) => result.insert(index, (name.clone(), sign * exponent)),
            }
        }
        Self(result)
    }

    /// The names of the dimensions.
    pub fn dimensions(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.iter().map(|(name, _)| name)
    }

    /// Whether the dimension stands once above the bar, as the euro in €/point.
    #[must_use]
    pub fn has_numerator(&self, dimension: &str) -> bool {
        self.0.iter().any(|(name, exponent)| **name == *dimension && *exponent == 1)
    }
}

impl std::fmt::Display for Unit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nombre sans unité");
        }
        let side = |positive: bool| -> String {
            self.0
                .iter()
                .filter(|(_, exponent)| (*exponent > 0) == positive)
                .map(|(name, exponent)| {
                    let power = exponent.unsigned_abs();
                    if power == 1 { name.to_string() } else { format!("{name}^{power}") }
                })
                .collect::<Vec<_>>()
                .join("×")
        };
        let (above, below) = (side(true), side(false));
        match (above.is_empty(), below.is_empty()) {
            (_, true) => f.write_str(&above),
            (true, false) => write!(f, "1/{below}"),
            (false, false) => write!(f, "{above}/{below}"),
        }
    }
}
