//! The figures that provisions hold, and whether the articles they cite have them.

use num_traits::{One as _, Signed as _, Zero as _};
use polc_compiler::calendar::Date;
use polc_compiler::num::{Ratio, format_french, integer, parse_decimal};
use polc_compiler::typed::{Citation, ControlKind, Expr, ExprKind, Program, QuantityKind, Rule, Type, Value};
use polc_compiler::units::Unit;
use polc_dsl::ast::Origin;
use polc_dsl::diagnostic::Diagnostic;
use polc_dsl::diagnostic::sort;
use polc_dsl::{SourceMap, Span};

use super::index::{Figure, Index, same_number};
use crate::diagnostics as say;

/// A constant of a provision.
#[derive(Clone, Debug)]
pub struct Constant {
    pub value: Written,
    /// As the policy writes it.
    pub text: String,
    pub span: Span,
    pub citations: Vec<Citation>,
    /// It comes from a row of a table, which has references of its own.
    pub tabular: bool,
}

#[derive(Clone, Debug)]
pub enum Written {
    Number {
        value: Ratio,
        unit: Unit,
        /// The numbers it was folded from: « 1 000 par 10 000 ».
        parts: Vec<Ratio>,
        /// Whether the policy writes it in percents, or gives it no unit.
        percent: bool,
    },
    Date(Date),
    DayOfYear {
        month: i64,
        day: u32,
    },
}

/// The constants of the parameters, rules and derogations, and of what governs rows.
#[must_use]
pub fn constants(sources: &SourceMap, program: &Program) -> Vec<Constant> {
    let mut result = Vec::new();
    for scope in &program.scopes {
        collect(sources, &scope.condition, &scope.citations, &mut result);
    }
    for parameter in &program.parameters {
        let Type::Number(unit) = &parameter.ty else {
            for (_, value) in &parameter.values {
                if let Value::Date(date) = value {
                    result.push(Constant {
                        value: Written::Date(*date),
                        text: date.to_string(),
                        span: parameter.span,
                        citations: parameter.citations.clone(),
                        tabular: false,
                    });
                }
            }
            continue;
        };
        for (_, value) in &parameter.values {
            let Value::Number(value) = value else { continue };
            result.push(Constant {
                value: Written::Number {
                    value: value.clone(),
                    unit: unit.clone(),
                    parts: Vec::new(),
                    percent: unit.is_none(),
                },
                text: crate::examples::show(program, &parameter.ty, &Value::Number(value.clone())),
                span: parameter.span,
                citations: parameter.citations.clone(),
                tabular: false,
            });
        }
    }
    for quantity in &program.quantities {
        for derogation in &quantity.derogations {
            for expr in std::iter::once(&derogation.value).chain(&derogation.condition) {
                collect(sources, expr, &derogation.citations, &mut result);
            }
        }
        if is_derived(quantity.kind) {
            continue;
        }
        for rule in &quantity.rules {
            for (expr, citations) in expressions(rule) {
                collect(sources, expr, &citations, &mut result);
            }
        }
    }
    for control in &program.controls {
        match &control.kind {
            ControlKind::Announced { announced, .. } => {
                let value =
                    Written::Number { value: announced.clone(), unit: Unit::none(), parts: Vec::new(), percent: true };
                let (span, citations) = (control.span, control.citations.clone());
                result.push(Constant { value, text: format_french(announced, 0), span, citations, tabular: false });
            }
            ControlKind::Row { condition, .. } | ControlKind::Groups { condition, .. } => {
                collect(sources, condition, &control.citations, &mut result);
            }
            ControlKind::Verify { .. } => {}
        }
    }
    result
}

/// What examples taken from the text give and expect: it is encoded too, and no provision has to have it.
#[must_use]
pub fn examples(program: &Program) -> Vec<Constant> {
    let mut result = Vec::new();
    for example in program.examples.iter().filter(|example| example.origin == Origin::Text) {
        let inputs = example.years.iter().flat_map(|year| &year.inputs);
        let given = inputs.filter_map(|(id, value)| Some((&program.input(*id).ty, value.as_ref()?)));
        let expected = example.years.iter().flat_map(|year| &year.expected);
        let expected = expected.filter_map(|e| Some((&program.quantity(e.quantity).ty, e.value.as_ref()?)));
        for (ty, value) in given.chain(expected) {
            let value = match (value, ty) {
                (Value::Number(value), Type::Number(unit)) => Written::Number {
                    value: value.clone(),
                    unit: unit.clone(),
                    parts: Vec::new(),
                    percent: unit.is_none(),
                },
                (Value::Date(date), _) => Written::Date(*date),
                _ => continue,
            };
            let (span, citations) = (example.span, example.citations.clone());
            result.push(Constant { value, text: String::new(), span, citations, tabular: false });
        }
    }
    result
}

/// What follows from other provisions, and holds no figure of its own.
#[must_use]
pub fn is_derived(kind: QuantityKind) -> bool {
    matches!(
        kind,
        QuantityKind::BlockTotal
            | QuantityKind::PrerequisitesMet
            | QuantityKind::PrerequisitesCount
            | QuantityKind::DayCount
            | QuantityKind::Aggregate
    )
}

/// The expressions of a rule, each with the references of the rule and its own. What a reading puts in their place is the
/// reading's affair.
#[must_use]
pub fn expressions(rule: &Rule) -> Vec<(&Expr, Vec<Citation>)> {
    let with = |own: &[Citation]| -> Vec<Citation> {
        let own = own.iter().filter(|citation| !rule.citations.contains(citation));
        rule.citations.iter().chain(own).cloned().collect()
    };
    let mut result = Vec::new();
    for expr in rule.guard.iter().chain(&rule.keeps).chain(&rule.condition) {
        result.push((expr, rule.citations.clone()));
    }
    for line in &rule.base {
        let citations = with(&line.citations);
        result.extend(line.when.iter().map(|when| (when, citations.clone())));
        result.push((&line.value, citations));
    }
    for bound in &rule.bounds {
        let citations = with(&bound.citations);
        result.extend(bound.when.iter().map(|when| (when, citations.clone())));
        result.push((&bound.value, citations));
    }
    for factor in &rule.proratas {
        result.push((&factor.value, with(&factor.citations)));
    }
    result
}

fn collect(sources: &SourceMap, expr: &Expr, citations: &[Citation], into: &mut Vec<Constant>) {
    expr.walk(&mut |expr| {
        let mut push = |value: Written, span: Span, text: String| {
            let tabular = is_hole(sources.text(span));
            into.push(Constant { value, text, span, citations: citations.to_vec(), tabular });
        };
        let whole = |value: Ratio, unit: &Unit| Written::Number {
            value,
            unit: unit.clone(),
            parts: Vec::new(),
            percent: unit.is_none(),
        };
        match &expr.kind {
            ExprKind::Constant(Value::Number(value)) => {
                let Type::Number(unit) = &expr.ty else { return };
                let written = sources.text(expr.span);
                let (literals, percent) = literals(written);
                let single = literals.len() == 1 && (literals[0] == *value || &literals[0] / integer(100) == *value);
                let folded = literals.len() > 1 && is_folded(value, &literals);
                let text = if single || folded { shortened(written) } else { value.to_string() };
                let number = Written::Number {
                    value: value.clone(),
                    unit: unit.clone(),
                    parts: if folded { literals } else { Vec::new() },
                    percent: unit.is_none() || percent,
                };
                push(number, expr.span, text);
            }
            ExprKind::Constant(Value::Date(date)) => push(Written::Date(*date), expr.span, date.to_string()),
            ExprKind::DateOf { day, month, .. } => {
                let text = shortened(sources.text(expr.span));
                push(Written::DayOfYear { month: i64::from(*month), day: *day }, expr.span, text);
            }
            ExprKind::AtLeast { count, .. } => {
                push(whole(integer(i64::from(*count)), &Unit::none()), expr.span, format!("au moins {count} parmi"));
            }
            ExprKind::Brackets { subject, rows } => {
                let Type::Number(unit) = &subject.ty else { return };
                let mut bounds: Vec<&Ratio> = rows.iter().flat_map(|row| row.from.iter().chain(&row.to)).collect();
                bounds.sort();
                bounds.dedup();
                for bound in bounds {
                    let text = crate::say::amount(bound, unit);
                    push(whole(bound.clone(), unit), expr.span, text);
                }
            }
            ExprKind::Tiers { subject, rows } => {
                let Type::Number(unit) = &subject.ty else { return };
                for bound in rows.iter().filter_map(|row| row.to.as_ref()) {
                    push(whole(bound.clone(), unit), expr.span, crate::say::amount(bound, unit));
                }
            }
            _ => {}
        }
    });
}

/// Text on one line, cut where it is long.
#[must_use]
pub fn shortened(text: &str) -> String {
    const LONGEST: usize = 90;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Whether a piece of policy is what a template puts there: « <points> ».
fn is_hole(text: &str) -> bool {
    text.starts_with('<') && text.ends_with('>')
}

/// Whether a rate is one number per so many units.
fn is_folded(value: &Ratio, parts: &[Ratio]) -> bool {
    let [first, second] = parts else { return false };
    !second.is_zero() && first / second == *value
}

/// The numbers written in a piece of policy, names and texts left out, and whether a « % » follows one.
fn literals(text: &str) -> (Vec<Ratio>, bool) {
    let mut found = Vec::new();
    let mut percent = false;
    let characters: Vec<char> = text.chars().collect();
    let mut at = 0;
    while at < characters.len() {
        let c = characters[at];
        if c == '«' {
            while at < characters.len() && characters[at] != '»' {
                at += 1;
            }
        } else if c.is_alphabetic() || c == '_' {
            while at < characters.len() && (characters[at].is_alphanumeric() || characters[at] == '_') {
                at += 1;
            }
            continue;
        } else if c.is_ascii_digit() {
            let digit = |at: usize| characters.get(at).is_some_and(char::is_ascii_digit);
            let mut number = String::new();
            while at < characters.len() {
                let thousands = matches!(characters[at], ' ' | '\u{a0}' | '\u{202f}')
                    && (1..4).all(|i| digit(at + i))
                    && !digit(at + 4);
                match characters[at] {
                    c if c.is_ascii_digit() => number.push(c),
                    ',' | '.' if digit(at + 1) => number.push('.'),
                    _ if thousands => {}
                    _ => break,
                }
                at += 1;
            }
            found.extend(parse_decimal(&number));
            continue;
        } else if c == '%' {
            percent = true;
        }
        at += 1;
    }
    (found, percent)
}

impl Constant {
    /// Whether a figure of the index is this constant.
    #[must_use]
    pub fn is(&self, entry: &super::index::Entry, currency: &str) -> bool {
        match &self.value {
            Written::Number { value, unit, percent, .. } => {
                let money = (!unit.is_none()).then(|| unit.has_numerator(currency));
                same_number(entry, &value.abs(), *percent, money)
            }
            Written::Date(date) => {
                let (year, month, day) = (date.year(), date.month(), day_of(*date));
                match entry.figure {
                    Figure::Day { year: y, month: m, day: d } => (y, m, d) == (year, month, day),
                    Figure::DayOfYear { month: m, day: d } => (m, d) == (month, day),
                    Figure::Month { year: y, month: m } => (y, m) == (year, month),
                    // « depuis 2020 », for its first or last day.
                    Figure::Number(ref number) => {
                        entry.unit == "année" && *number == integer(year) && [(1, 1), (12, 31)].contains(&(month, day))
                    }
                }
            }
            Written::DayOfYear { month, day } => match entry.figure {
                Figure::Day { month: m, day: d, .. } | Figure::DayOfYear { month: m, day: d } => {
                    (m, d) == (*month, *day)
                }
                _ => false,
            },
        }
    }

    /// Whether a figure of the index is one of those that this constant was folded from.
    #[must_use]
    pub fn is_made_of(&self, entry: &super::index::Entry) -> bool {
        match &self.value {
            Written::Number { parts, percent, .. } => parts.iter().any(|part| same_number(entry, part, *percent, None)),
            _ => false,
        }
    }

    /// Figures that no text needs to give: none, one, all; the calendar; sentinels.
    fn goes_without_saying(&self) -> bool {
        match &self.value {
            Written::Number { value, unit, .. } => {
                let value = value.abs();
                let mut dimensions = unit.dimensions();
                let dimension = dimensions.next().map(|name| &**name);
                let calendar: &[i64] = match dimension {
                    None => &[12, 365, 366],
                    Some("mois") => &[12],
                    Some("jour") => &[365, 366],
                    _ => &[],
                };
                let year = dimension == Some("an") && value >= integer(1900) && value < integer(2200);
                value.is_zero() || value.is_one() || year || calendar.iter().any(|n| value == integer(*n))
            }
            Written::Date(date) => date.year() < 1950 || date.year() > 2100,
            Written::DayOfYear { month, day } => [(1, 1), (12, 31)].contains(&(*month, *day)),
        }
    }
}

fn day_of(date: Date) -> u32 {
    let first = Date::new(date.year(), u32::try_from(date.month()).unwrap_or(1), 1);
    first.map_or(0, |first| u32::try_from(date.days() - first.days()).unwrap_or(0) + 1)
}

/// Where the index has what a constant is: ranks of entries, in the places that its citations take in.
#[must_use]
pub fn found(constant: &Constant, index: &Index, currency: &str) -> Vec<usize> {
    let mut ranks = Vec::new();
    for citation in &constant.citations {
        for (rank, entry) in index.figures(citation.text.as_deref(), &citation.place) {
            if constant.is(entry, currency) || constant.is_made_of(entry) {
                ranks.push(rank);
            }
        }
    }
    ranks.sort_unstable();
    ranks.dedup();
    ranks
}

fn stands(constant: &Constant, index: &Index, currency: &str) -> bool {
    let entries: Vec<_> = found(constant, index, currency).into_iter().map(|rank| &index.entries[rank]).collect();
    if entries.iter().any(|entry| constant.is(entry, currency)) {
        return true;
    }
    let Written::Number { parts, percent, .. } = &constant.value else { return false };
    let had = |part: &Ratio| part.is_one() || entries.iter().any(|entry| same_number(entry, part, *percent, None));
    !parts.is_empty() && parts.iter().all(had)
}

/// What `polc check` warns of: constants that none of the cited articles has, and references that lead nowhere.
#[must_use]
pub fn warnings(sources: &SourceMap, program: &Program, index: &Index) -> Vec<Diagnostic> {
    let indexed = |citation: &Citation| index.has_text(citation.text.as_deref());
    let mut diagnostics = Vec::new();
    for (citations, span) in cited(program) {
        for citation in citations {
            if indexed(citation) && !index.knows(citation.text.as_deref(), &citation.place) {
                diagnostics.push(say::place_not_in_text(span, citation));
            }
        }
    }
    for constant in constants(sources, program) {
        let judged = !constant.citations.is_empty() && constant.citations.iter().all(indexed);
        if !judged || constant.tabular || constant.goes_without_saying() {
            continue;
        }
        if !stands(&constant, index, &program.currency.symbol) {
            let elsewhere = elsewhere(&constant, index, &program.currency.symbol);
            diagnostics.push(say::figure_not_in_text(constant.span, &constant.text, &constant.citations, &elsewhere));
        }
    }
    sort(&mut diagnostics);
    diagnostics
}

/// Places that are not cited and have the figure, those of the cited articles and annexes first.
fn elsewhere(constant: &Constant, index: &Index, currency: &str) -> Vec<String> {
    let mut places: Vec<usize> =
        index.entries.iter().filter(|entry| constant.is(entry, currency)).map(|entry| entry.place).collect();
    places.dedup();
    let stem = |name: &str| name.split('.').next().unwrap_or(name).to_owned();
    let near = |place: &usize| constant.citations.iter().any(|c| stem(&c.place) == stem(&index.places[*place].name));
    places.sort_by_key(|place| (!near(place), *place));
    places.into_iter().map(|place| index.places[place].name.clone()).collect()
}

/// Every list of references, and what it belongs to.
pub fn cited(program: &Program) -> Vec<(&[Citation], Span)> {
    let mut result: Vec<(&[Citation], Span)> = Vec::new();
    result.extend(program.parameters.iter().map(|p| (&*p.citations, p.span)));
    result.extend(program.aggregates.iter().map(|a| (&*a.citations, a.span)));
    for quantity in &program.quantities {
        for rule in &quantity.rules {
            result.push((&rule.citations, rule.span));
            result.extend(rule.base.iter().map(|line| (&*line.citations, line.value.span)));
            result.extend(rule.bounds.iter().map(|bound| (&*bound.citations, bound.span)));
            result.extend(rule.proratas.iter().map(|factor| (&*factor.citations, factor.value.span)));
        }
        result.extend(quantity.derogations.iter().map(|d| (&*d.citations, d.span)));
    }
    for reading in &program.readings {
        result.push((&reading.citations, reading.span));
        result.push((&reading.in_conflict, reading.span));
    }
    result.extend(program.examples.iter().map(|e| (&*e.citations, e.span)));
    result.extend(program.controls.iter().map(|c| (&*c.citations, c.span)));
    result
}

#[cfg(test)]
mod tests {
    use super::literals;

    #[test]
    fn numbers_of_a_piece_of_policy() {
        let numbers = |text| literals(text).0.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(numbers("1 000 par 10 000 livres de livres_2"), ["1000", "10000"]);
        assert_eq!(numbers("45,2 % × x_16 « titre 12 »"), ["226/5"]);
        assert_eq!(numbers("3 ; 4000 5"), ["3", "4000", "5"]);
        assert!(literals("45,2 %").1 && !literals("7 €/point").1);
    }
}
