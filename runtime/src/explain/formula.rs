//! Formulas as a reader knows them: the words of the policy where it writes them, the same language where the compiler put
//! the expression together (the lines of a block, prerequisites, days of a pro rata).

use std::collections::{BTreeMap, BTreeSet};

use polc_compiler::typed::{BinaryOp, CompareOp, DatePart, Expr, ExprKind, Presence, Program, Value};
use polc_dsl::{SourceMap, Span};

use super::lexicon::{Lexicon, Numeral};
use super::words::formula as words;

/// Texts that stand for expressions, by the address of the expression.
pub(super) type Substitutions = BTreeMap<*const Expr, String>;

/// Writes expressions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writer<'a> {
    pub sources: &'a SourceMap,
    pub program: &'a Program,
    pub lexicon: &'a Lexicon,
    /// Places that name a declaration. An expression with such a place is not written in the policy.
    pub heads: &'a BTreeSet<Span>,
}

/// How tightly a form binds, from `ou` to names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Choice,
    Or,
    And,
    Not,
    Comparison,
    Sum,
    Product,
    Atom,
}

/// The places of all declarations of a program.
pub(super) fn heads(program: &Program) -> BTreeSet<Span> {
    let mut heads = BTreeSet::new();
    for quantity in &program.quantities {
        heads.insert(quantity.span);
        for rule in &quantity.rules {
            heads.insert(rule.span);
            heads.extend(rule.bounds.iter().map(|bound| bound.span));
        }
        heads.extend(quantity.derogations.iter().map(|derogation| derogation.span));
    }
    heads
}

impl Writer<'_> {
    /// The formula.
    pub fn formula(&self, expr: &Expr) -> String {
        self.write(expr, &Substitutions::new())
    }

    /// The formula with values in the place of what was read; `None` where that would say nothing more.
    pub fn calculation(&self, expr: &Expr, values: &Substitutions) -> Option<String> {
        if values.contains_key(&(expr as *const Expr)) {
            return None;
        }
        let mut plain = !values.is_empty();
        expr.walk(&mut |e| plain &= !matches!(e.kind, ExprKind::Brackets { .. } | ExprKind::Tiers { .. }));
        plain.then(|| self.write(expr, values))
    }

    /// Where a rule applies, as the clauses `pour` say it.
    pub fn cases(&self, guard: &Expr) -> String {
        match &guard.kind {
            ExprKind::And(items) | ExprKind::Or(items) if self.heads.contains(&guard.span) => {
                let word = if matches!(guard.kind, ExprKind::And(_)) { words::and() } else { words::or() };
                items.iter().map(|item| self.cases(item)).collect::<Vec<_>>().join(word)
            }
            _ if self.heads.contains(&guard.span) => self.formula(guard),
            _ => fold(self.sources.text(guard.span)),
        }
    }

    /// Whether the policy writes the expression; the clauses `pour` are written, and are no expressions.
    fn is_written(&self, expr: &Expr) -> bool {
        let clause = match &expr.kind {
            ExprKind::And(items) => {
                items.iter().any(|item| is_case(item) && item.span == expr.span || !holds(expr, item))
            }
            ExprKind::Or(items) => items.iter().any(|item| !holds(expr, item)),
            ExprKind::Compare { left, right, .. } => !holds(expr, left) || !holds(expr, right),
            _ => is_case(expr),
        };
        !clause && !self.heads.contains(&expr.span)
    }

    fn write(&self, expr: &Expr, values: &Substitutions) -> String {
        if let Some(value) = values.get(&(expr as *const Expr)) {
            return value.clone();
        }
        if self.is_written(expr) { self.source(expr, values) } else { self.structure(expr, values) }
    }

    /// The words of the policy, with the values put in.
    fn source(&self, expr: &Expr, values: &Substitutions) -> String {
        let text = self.sources.text(expr.span);
        let mut places: Vec<(usize, usize, &str)> = Vec::new();
        if !values.is_empty() {
            expr.walk(&mut |e| {
                let Some(value) = values.get(&(e as *const Expr)) else { return };
                let inside =
                    e.span.file == expr.span.file && expr.span.start <= e.span.start && e.span.end <= expr.span.end;
                if inside {
                    places.push((
                        (e.span.start - expr.span.start) as usize,
                        (e.span.end - expr.span.start) as usize,
                        value,
                    ));
                }
            });
            // What holds another comes first, and takes its place.
            places.sort_by_key(|(start, end, _)| (*start, std::cmp::Reverse(*end)));
        }
        let (mut result, mut at) = (String::new(), 0);
        for (start, end, value) in places {
            if start >= at {
                result.push_str(text.get(at..start).unwrap_or_default());
                result.push_str(value);
                at = end;
            }
        }
        result.push_str(text.get(at..).unwrap_or_default());
        fold(&result)
    }

    fn operand(&self, expr: &Expr, values: &Substitutions, outer: Binding) -> String {
        let text = self.write(expr, values);
        let simple = values.contains_key(&(expr as *const Expr));
        if !simple && binding(expr) <= outer { format!("({text})") } else { text }
    }

    fn list(&self, items: &[Expr], values: &Substitutions, separator: &str, outer: Binding) -> String {
        items.iter().map(|item| self.operand(item, values, outer)).collect::<Vec<_>>().join(separator)
    }

    fn structure(&self, expr: &Expr, values: &Substitutions) -> String {
        let plain = |e: &Expr| self.write(e, values);
        let name_of = |id| self.program.quantity(id).name.to_string();
        match &expr.kind {
            ExprKind::Constant(value) => self.constant(expr, value),
            ExprKind::Input(id) => self.program.input(*id).name.to_string(),
            ExprKind::Parameter(id) => self.program.parameter(*id).name.to_string(),
            ExprKind::Quantity(id) => name_of(*id),
            // The default of a criterion or a prerequisite without object goes without saying.
            ExprKind::QuantityOr { quantity, default, .. } => {
                if self.is_written(default) {
                    words::default(&name_of(*quantity), &plain(default))
                } else {
                    name_of(*quantity)
                }
            }
            ExprKind::Met(id) => words::met(&name_of(*id)),
            ExprKind::InputOr { input, default } => words::default(&self.program.input(*input).name, &plain(default)),
            ExprKind::PastQuantity { reach, quantity, default } => {
                words::default(&words::past(*reach, &name_of(*quantity)), &plain(default))
            }
            ExprKind::PastInput { reach, input, default } => {
                words::default(&words::past(*reach, &self.program.input(*input).name), &plain(default))
            }
            ExprKind::IsSet(presence) => words::is_set(&match *presence {
                Presence::Input(id) => self.program.input(id).name.to_string(),
                Presence::Quantity(id) => name_of(id),
                Presence::PastInput(reach, id) => words::past(reach, &self.program.input(id).name),
                Presence::PastQuantity(reach, id) => words::past(reach, &name_of(id)),
            }),
            ExprKind::Retained => words::retained().to_owned(),
            ExprKind::Negate(inner) => format!("-{}", self.operand(inner, values, Binding::Product)),
            ExprKind::Not(inner) => words::not(&self.operand(inner, values, Binding::Not)),
            ExprKind::Binary { op, left, right } => {
                let (sign, outer) = match op {
                    BinaryOp::Add => ("+", Binding::Sum),
                    BinaryOp::Subtract => ("-", Binding::Sum),
                    BinaryOp::Multiply => ("×", Binding::Product),
                    BinaryOp::Divide => ("/", Binding::Product),
                };
                let right = self.operand(right, values, outer);
                // What stands on the left of an operator of the same strength needs no parentheses.
                let left = if binding(left) == outer { plain(left) } else { self.operand(left, values, outer) };
                format!("{left} {sign} {right}")
            }
            ExprKind::Compare { op: CompareOp::GreaterOrEqual, left, right } if count_of(left).is_some() => {
                words::at_least(
                    &plain(right),
                    &self.list(count_of(left).unwrap_or_default(), values, " ; ", Binding::Choice),
                )
            }
            ExprKind::Compare { op, left, right } => {
                let sign = match op {
                    CompareOp::Equal => "=",
                    CompareOp::NotEqual => "≠",
                    CompareOp::Less => "<",
                    CompareOp::LessOrEqual => "≤",
                    CompareOp::Greater => ">",
                    CompareOp::GreaterOrEqual => "≥",
                };
                let left = self.operand(left, values, Binding::Comparison);
                format!("{left} {sign} {}", self.operand(right, values, Binding::Comparison))
            }
            ExprKind::And(items) => self.list(items, values, words::and(), Binding::And),
            // The language needs no parentheses there; a reader does.
            ExprKind::Or(items) => self.list(items, values, words::or(), Binding::And),
            ExprKind::OneOf { subject, cases } => {
                let names = match &subject.ty {
                    polc_compiler::typed::Type::Enumeration(id) => {
                        let known = &self.program.enumeration(*id).cases;
                        let names = cases.iter().filter_map(|case| known.get(*case as usize));
                        names.map(|(name, _)| name.to_string()).collect::<Vec<_>>().join(", ")
                    }
                    _ => String::new(),
                };
                let subject = match &subject.kind {
                    // The place of a clause `pour` is that of the whole clause.
                    ExprKind::Input(id) if !values.contains_key(&(&raw const **subject)) => {
                        self.program.input(*id).name.to_string()
                    }
                    _ => self.operand(subject, values, Binding::Comparison),
                };
                words::one_of(&subject, &names)
            }
            ExprKind::If { condition, then, otherwise } => {
                words::choice(&plain(condition), &plain(then), &plain(otherwise))
            }
            ExprKind::Extremum { largest, items } => {
                words::extremum(*largest, &self.list(items, values, " ; ", Binding::Choice))
            }
            ExprKind::AtLeast { count, conditions } => {
                words::at_least(&count.to_string(), &self.list(conditions, values, " ; ", Binding::Choice))
            }
            ExprKind::CountTrue(conditions) => words::count(&self.list(conditions, values, " ; ", Binding::Choice)),
            ExprKind::Brackets { subject, .. } => words::brackets(&plain(subject)),
            ExprKind::Tiers { subject, .. } => words::tiers(&plain(subject)),
            ExprKind::DatePart { part: DatePart::Year, date } => words::year_of(&plain(date)),
            ExprKind::DatePart { part: DatePart::Month, date } => words::month_of(&plain(date)),
            ExprKind::DatePart { part: DatePart::Quarter, date } => words::quarter_of(&plain(date)),
            ExprKind::DateOf { day, month, year } => {
                words::date_of(*day, *month, &self.operand(year, values, Binding::Product))
            }
            ExprKind::AddToDate { date, count, unit, subtract } => {
                let sign = if *subtract { "-" } else { "+" };
                let count = self.operand(count, values, Binding::Sum);
                words::moved(&self.operand(date, values, Binding::Sum), sign, &count, *unit)
            }
            ExprKind::DaysBetween { from, to, exclusive: true } => words::days_before(&plain(from), &plain(to)),
            ExprKind::Elapsed { from, to, unit } => words::elapsed(&plain(from), &plain(to), *unit),
            ExprKind::DaysBetween { from, to, .. } => match (within_year(from), within_year(to)) {
                (Some((from, year)), Some((until, _))) => {
                    let until = until.map(plain);
                    words::days_within(&plain(year), &from.map(plain).unwrap_or_default(), until.as_deref())
                }
                _ => words::days_between(&plain(from), &plain(to)),
            },
            ExprKind::DaysOfYear(year) => words::days_of(&self.operand(year, values, Binding::Product)),
            ExprKind::Round { value, .. } => plain(value),
        }
    }

    fn constant(&self, expr: &Expr, value: &Value) -> String {
        self.lexicon.brief(self.program, &expr.ty, value, Numeral::Plain)
    }
}

/// The conditions of which an expression is the number of those that hold.
fn count_of(expr: &Expr) -> Option<&[Expr]> {
    match &expr.kind {
        ExprKind::CountTrue(conditions) => Some(conditions),
        _ => None,
    }
}

/// Whether an operand stands within its expression: those of what a schedule puts together do not.
fn holds(expr: &Expr, operand: &Expr) -> bool {
    let (outer, inner) = (expr.span, operand.span);
    outer.file == inner.file && outer.start <= inner.start && inner.end <= outer.end
}

/// Whether an expression is the cases of a clause `pour`.
fn is_case(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::OneOf { subject, .. } if subject.span == expr.span)
}

/// A date brought within the year of the row, as the compiler does for a pro rata: the date, if there is one, and the year.
fn within_year(date: &Expr) -> Option<(Option<&Expr>, &Expr)> {
    match &date.kind {
        ExprKind::DateOf { year, .. } => Some((None, year)),
        ExprKind::Extremum { items, .. } => match &items[..] {
            [date, Expr { kind: ExprKind::DateOf { year, .. }, .. }] => Some((Some(date), year)),
            _ => None,
        },
        _ => None,
    }
}

fn binding(expr: &Expr) -> Binding {
    match &expr.kind {
        ExprKind::If { .. } => Binding::Choice,
        ExprKind::Or(_) => Binding::Or,
        ExprKind::And(_) => Binding::And,
        ExprKind::Not(_) => Binding::Not,
        ExprKind::Compare { .. } | ExprKind::OneOf { .. } => Binding::Comparison,
        ExprKind::Binary { op: BinaryOp::Add | BinaryOp::Subtract, .. }
        | ExprKind::AddToDate { .. }
        | ExprKind::DaysBetween { .. } => Binding::Sum,
        ExprKind::Binary { .. } | ExprKind::Negate(_) => Binding::Product,
        _ => Binding::Atom,
    }
}

/// Text on one line: white space folded, comments left out.
pub(super) fn fold(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut closing: Option<char> = None;
    let mut comment = false;
    for c in text.chars() {
        if comment {
            comment = c != '\n';
            if comment {
                continue;
            }
        }
        match closing {
            Some(end) => closing = (c != end).then_some(end),
            None => match c {
                '#' => {
                    comment = true;
                    continue;
                }
                '«' => closing = Some('»'),
                '“' => closing = Some('”'),
                '"' => closing = Some('"'),
                _ => {}
            },
        }
        kept.push(c);
    }
    kept.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn folds_white_space_and_drops_comments() {
        let text = "par palier de x\n    moins de 8 : 0    # le critère n'est pas atteint\r\n    sinon : « # »";
        assert_eq!(fold(text), "par palier de x moins de 8 : 0 sinon : « # »");
    }
}
