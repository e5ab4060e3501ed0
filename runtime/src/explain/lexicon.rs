//! What the sources say that a typed program need not know and a reader wants: the plurals of units, which figures are
//! written as percentages, the references of the inputs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use num_bigint::BigInt;
use num_traits::{Signed as _, Zero as _};
use polc_compiler::num::{Ratio, SHOWN_DECIMALS, finite_decimals, format_french, format_plain, integer};
use polc_compiler::resolve::BUILTIN_UNITS;
use polc_compiler::typed::{Program, Type, Value};
use polc_compiler::units::Unit;
use polc_dsl::SourceMap;
use polc_dsl::ast::{CitationKind, ClauseKind, Expr, ExprKind, File, ItemKind};
use rayon::prelude::*;

use super::statement::ValueView;
use super::words;

/// Denominators up to this many digits are shown.
const SHOWN_DENOMINATOR: usize = 5;

/// How to write values and what to say of names.
#[derive(Debug)]
pub(super) struct Lexicon {
    /// First spelling of a unit, and its plural where it has one.
    plurals: BTreeMap<Arc<str>, Arc<str>>,
    /// Parameters written in percent.
    percentages: BTreeSet<Arc<str>>,
    /// The references of inputs that have some.
    references: BTreeMap<Arc<str>, Vec<String>>,
}

impl Lexicon {
    pub fn of(sources: &SourceMap) -> Self {
        let mut lexicon = Self { plurals: BTreeMap::new(), percentages: BTreeSet::new(), references: BTreeMap::new() };
        for (name, spellings) in BUILTIN_UNITS {
            if let Some(plural) = spellings.first() {
                lexicon.plurals.insert(name.into(), (*plural).into());
            }
        }
        let ids: Vec<_> = sources.ids().collect();
        let files: Vec<File> = ids.into_par_iter().map(|file| polc_dsl::parse(sources, file).0).collect();
        files.iter().for_each(|file| lexicon.read(file));
        lexicon
    }

    fn read(&mut self, file: &File) {
        for item in &file.items {
            let Some(name) = &item.name else { continue };
            match &item.kind {
                ItemKind::Unit { aliases } => {
                    // « livre, livres », « cheval, chevaux »: the plural is the next spelling, unless it is an abbreviation.
                    let next = aliases.first().filter(|alias| alias.node.len() > name.node.len());
                    if let Some(plural) = next {
                        self.plurals.insert(name.node.clone(), plural.node.clone());
                    }
                }
                ItemKind::Parameter => {
                    let percent = item.clauses.iter().any(|clause| match &clause.kind {
                        ClauseKind::Value { value, .. } | ClauseKind::DatedValue { value, .. } => is_percentage(value),
                        _ => false,
                    });
                    if percent {
                        self.percentages.insert(name.node.clone());
                    }
                }
                ItemKind::Input(_) => {
                    let cited = item.clauses.iter().filter_map(|clause| match &clause.kind {
                        ClauseKind::Reference(citations) => Some(citations),
                        _ => None,
                    });
                    let references: Vec<String> = cited
                        .flatten()
                        .map(|citation| {
                            let place = match &citation.kind {
                                CitationKind::Article(number) => words::article(number),
                                CitationKind::Annex(number) => words::annex(number),
                                CitationKind::Free(text) => text.to_string(),
                            };
                            citation
                                .of
                                .as_ref()
                                .map_or_else(|| place.clone(), |text| format!("{place} ({})", text.node))
                        })
                        .collect();
                    if !references.is_empty() {
                        self.references.insert(name.node.clone(), references);
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether the policy writes a parameter in percent.
    pub fn is_percentage(&self, parameter: &str) -> bool {
        self.percentages.contains(parameter)
    }

    pub fn input_references(&self, input: &str) -> &[String] {
        self.references.get(input).map_or(&[], Vec::as_slice)
    }

    /// A unit after a number, in the plural from two on.
    fn unit(&self, unit: &Unit, number: &Ratio) -> String {
        let name = unit.to_string();
        match self.plurals.get(&*name) {
            Some(plural) if number.abs() >= integer(2) => plural.to_string(),
            _ => name,
        }
    }

    /// A value of a type, exactly and for a French reader.
    pub fn value(&self, program: &Program, ty: &Type, value: &Value, style: Numeral<'_>) -> ValueView {
        let (exact, text) = match (value, ty) {
            (Value::Number(number), Type::Number(unit)) => (exact(number), self.number(program, unit, number, style)),
            (Value::Number(number), _) => (exact(number), format_french(number, 0)),
            (Value::Boolean(flag), _) => (words::truth(*flag).to_owned(), words::truth(*flag).to_owned()),
            (Value::Date(date), _) => {
                let iso = date.to_string();
                let text = words::date(&iso);
                (iso, text)
            }
            (Value::Case(case), Type::Enumeration(id)) => {
                let Some((name, title)) = program.enumeration(*id).cases.get(*case as usize) else {
                    return ValueView { exact: case.to_string(), text: case.to_string(), label: None };
                };
                let label = (name != title).then(|| title.to_string());
                return ValueView { exact: name.to_string(), text: name.to_string(), label };
            }
            (Value::Case(case), _) => (case.to_string(), case.to_string()),
            (Value::Text(text), _) => (text.to_string(), text.to_string()),
        };
        ValueView { exact, text, label: None }
    }

    /// A value in few words, to stand in a formula.
    pub fn brief(&self, program: &Program, ty: &Type, value: &Value, style: Numeral<'_>) -> String {
        match (value, ty) {
            (Value::Number(number), Type::Number(unit)) => match fraction_over(unit, number, style) {
                Some(fraction) => fraction,
                None => self.digits(program, unit, number, style),
            },
            _ => self.value(program, ty, value, style).text,
        }
    }

    fn number(&self, program: &Program, unit: &Unit, number: &Ratio, style: Numeral<'_>) -> String {
        let digits = self.digits(program, unit, number, style);
        let short = number.denom().to_string().len() <= SHOWN_DENOMINATOR && finite_decimals(number).is_none();
        match fraction_over(unit, number, style) {
            Some(fraction) => words::with_fraction(&fraction, &digits),
            None if short && unit.is_none() && style == Numeral::Plain => {
                let whole = |integer: &BigInt| format_french(&Ratio::from_integer(integer.clone()), 0);
                words::with_fraction(&words::fraction(&whole(number.numer()), &whole(number.denom())), &digits)
            }
            None => digits,
        }
    }

    fn digits(&self, program: &Program, unit: &Unit, number: &Ratio, style: Numeral<'_>) -> String {
        if unit.is_none() {
            return match style {
                Numeral::Percentage => words::percent(&decimal(&(number * integer(100)), 0)),
                _ => decimal(number, 0),
            };
        }
        if *unit == Unit::of("an") && number.is_integer() && *number >= integer(1000) {
            return number.to_integer().to_string();
        }
        let least = if unit.has_numerator(&program.currency.symbol) { program.currency.decimals } else { 0 };
        words::with_unit(&decimal(number, least), &self.unit(unit, number))
    }
}

/// How to write a pure number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numeral<'a> {
    Plain,
    Percentage,
    /// As a fraction over this denominator, which it was divided by.
    Over(&'a Ratio),
}

/// « 184/366 », for a pure number that was divided by a whole one.
fn fraction_over(unit: &Unit, number: &Ratio, style: Numeral<'_>) -> Option<String> {
    let Numeral::Over(denominator) = style else { return None };
    let numerator = number * denominator;
    (unit.is_none() && numerator.is_integer() && denominator.is_integer() && !number.is_zero())
        .then(|| words::fraction(&format_french(&numerator, 0), &format_french(denominator, 0)))
}

/// A fraction over a denominator, exactly; as a decimal if it is no fraction over a whole number.
pub(super) fn over(number: &Ratio, denominator: &Ratio) -> String {
    let numerator = number * denominator;
    if numerator.is_integer() && denominator.is_integer() && denominator.is_positive() && !number.is_zero() {
        format!("{}/{}", numerator.numer(), denominator.numer())
    } else {
        exact(number)
    }
}

/// A whole number as digits: a year.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_integer().to_string(),
        _ => String::new(),
    }
}

/// A decimal if the number is one, else a fraction.
pub(super) fn exact(number: &Ratio) -> String {
    match finite_decimals(number) {
        Some(_) => format_plain(number, 0, '.'),
        None => format!("{}/{}", number.numer(), number.denom()),
    }
}

/// Digits for a French reader; « ≈ » before those that are rounded.
fn decimal(number: &Ratio, least: u32) -> String {
    match finite_decimals(number) {
        Some(decimals) if decimals <= SHOWN_DECIMALS.max(least) => words::minus(&format_french(number, least)),
        _ => {
            let rounded = polc_compiler::num::round(number, SHOWN_DECIMALS, polc_compiler::num::RoundingMode::HalfAway);
            words::about(&words::minus(&format_french(&rounded, least)))
        }
    }
}

fn is_percentage(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Number { unit: Some(unit), .. } => unit.parts.iter().any(|part| &*part.node == "%"),
        ExprKind::Negate(inner) => is_percentage(inner),
        _ => false,
    }
}
