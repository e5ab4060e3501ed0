//! Synthetic rows for a policy, drawn at random from a profile.
//!
//! The profile is data beside the policy, in TOML: for each input, how its value is drawn. Nothing here knows a policy. Rows
//! depend on the profile, the policy's inputs and the seed only: same seed, same bytes, on every machine.

mod messages;
mod pattern;
mod plan;
mod profile;
mod random;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::sync::Arc;

use polc_compiler::calendar::{CalendarUnit, Date, FIRST_DAY, LAST_DAY};
use polc_compiler::typed::Program;

pub use messages::ProfileError;
pub use profile::Profile;

use plan::{Anchor, Bound, Condition, Content, Draw, Formula, Kind, Pattern, Plan, Slot, Test, Value};
use profile::{Keep, UNIT};
use random::{Purpose, Stream, hash_bytes};

/// A cell that is not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Scaled by ten to the number of decimals of the input.
    Number(i64),
    Boolean(bool),
    /// Days since 1 January 1970.
    Date(i32),
    /// Rank of the case in its enumeration.
    Case(u16),
    Text(Arc<str>),
}

/// Prepares the rows of so many subjects.
///
/// # Errors
/// Everything in the profile that does not fit the policy: names, types, ranges, decimals.
pub fn generate(
    program: &Program,
    profile: &Profile,
    subjects: usize,
    seed: u64,
) -> Result<Generator, Vec<ProfileError>> {
    let plan = plan::plan(program, profile, subjects)?;
    let empty = vec![Value::Empty; plan.slots.len()];
    Ok(Generator {
        seed: Stream::new(seed),
        subjects: subjects as u64,
        next_subject: 0,
        subject: None,
        seen: empty.clone(),
        written: empty.clone(),
        last: empty,
        plan,
    })
}

/// The rows, subject by subject and year by year; cells in the order of the policy's inputs.
#[derive(Clone, Debug)]
pub struct Generator {
    plan: Plan,
    seed: Stream,
    subjects: u64,
    next_subject: u64,
    subject: Option<Subject>,
    /// By slot: what the other draws of the row read, where an empty cell is worth its default.
    seen: Vec<Value>,
    /// By slot: what is written.
    written: Vec<Value>,
    /// By slot: last year's value, before noise and rounding.
    last: Vec<Value>,
}

#[derive(Clone, Copy, Debug)]
struct Subject {
    number: u64,
    stream: Stream,
    first_year: i64,
    next_year: i64,
}

impl Generator {
    /// Draws the next row; false when there is none left.
    fn advance(&mut self) -> bool {
        loop {
            let subject = match self.subject.take() {
                Some(subject) => subject,
                None if self.next_subject == self.subjects => return false,
                None => self.enter(),
            };
            let presence = &self.plan.presence;
            let year = subject.next_year;
            let stream = subject.stream.at(year as u64).at(hash_bytes(b"@presence"));
            let first = year == subject.first_year;
            if year > presence.years.1 || (!first && stream.chance(Purpose::Departure, presence.departure)) {
                continue;
            }
            let gap = !first && stream.chance(Purpose::Gap, presence.gap);
            self.draw_row(&subject, year);
            self.subject = Some(Subject { next_year: year + 1, ..subject });
            if !gap {
                return true;
            }
        }
    }

    fn enter(&mut self) -> Subject {
        let number = self.next_subject;
        self.next_subject += 1;
        self.last.fill(Value::Empty);
        let stream = self.seed.at(number);
        let (first, last) = self.plan.presence.years;
        let entry = stream.at(0).at(hash_bytes(b"@presence"));
        let first_year = if last == first || entry.chance(Purpose::Choice, self.plan.presence.from_start) {
            first
        } else {
            entry.between(Purpose::Entry, first + 1, last)
        };
        Subject { number, stream, first_year, next_year: first_year }
    }

    fn draw_row(&mut self, subject: &Subject, year: i64) {
        let day = |year, month, day| Date::new(year, month, day).map_or(Value::Empty, |date| Value::Date(date.days()));
        self.seen[plan::YEAR] = Value::Number(year * UNIT);
        self.seen[plan::FIRST_YEAR] = Value::Number(subject.first_year * UNIT);
        self.seen[plan::SENIORITY] = Value::Number((year - subject.first_year) * UNIT);
        self.seen[plan::ENTRY] = day(subject.first_year, 1, 1);
        self.seen[plan::START] = day(year, 1, 1);
        self.seen[plan::END] = day(year, 12, 31);
        self.written[plan::YEAR] = self.seen[plan::YEAR];
        let (once, yearly) = (subject.stream.at(0), subject.stream.at(year as u64));
        for index in 0..self.plan.order.len() {
            let slot = self.plan.order[index];
            let (raw, written) = self.draw_cell(slot, year, once, yearly);
            if raw != Value::Empty {
                self.last[slot] = raw;
            }
            let default = self.plan.slots[slot].default;
            self.seen[slot] = if written == Value::Empty { default } else { written };
            let hash = self.plan.slots[slot].hash;
            let left_empty = written == default && yearly.at(hash).chance(Purpose::Empty, self.plan.empty_defaults);
            self.written[slot] = if left_empty { Value::Empty } else { written };
        }
    }

    /// The value to remember for next year, and the value of the cell.
    fn draw_cell(&self, index: usize, year: i64, once: Stream, yearly: Stream) -> (Value, Value) {
        let slot = &self.plan.slots[index];
        let concerns = |draw: &&Draw| {
            draw.years.is_none_or(|(first, last)| first <= year && year <= last)
                && draw.conditions.iter().all(|condition| self.holds(condition))
        };
        let Some(draw) = slot.draws.iter().find(concerns) else { return (Value::Empty, Value::Empty) };
        let yearly = yearly.at(slot.hash);
        let stream = if draw.once { once.at(slot.hash) } else { yearly };
        let last = self.last[index];
        let kept = match (draw.keep, last) {
            (_, Value::Empty) | (None, _) => false,
            (Some(Keep::Any(rate)), _) => yearly.chance(Purpose::Keep, rate),
            (Some(Keep::Boolean { yes, no }), last) => {
                yearly.chance(Purpose::Keep, if last == Value::Boolean(true) { yes } else { no })
            }
        };
        let drawn = match (draw.growth, last) {
            _ if kept => last,
            (Some((low, high)), Value::Number(last)) => {
                Value::Number(multiply(last, UNIT + yearly.between(Purpose::Growth, low, high)))
            }
            _ => self.formula(slot, draw, stream, year),
        };
        let (raw, written) = match drawn {
            Value::Number(number) => {
                let raw = self.clamp(slot, draw, number);
                let noise = yearly.between(Purpose::Noise, -draw.noise, draw.noise);
                let noisy = self.clamp(slot, draw, multiply(raw, UNIT + noise));
                let step = match slot.kind {
                    Kind::Number { step, .. } => step,
                    _ => 1,
                };
                (Value::Number(raw), Value::Number(noisy.div_euclid(step) * step))
            }
            other => (other, other),
        };
        let empty = yearly.chance(Purpose::Empty, draw.empty);
        (raw, if empty { Value::Empty } else { written })
    }

    fn formula(&self, slot: &Slot, draw: &Draw, stream: Stream, year: i64) -> Value {
        match &draw.formula {
            Formula::Empty => Value::Empty,
            Formula::Constant(value) => *value,
            Formula::Chance(rate) => Value::Boolean(stream.chance(Purpose::Value, *rate)),
            Formula::Choice(choices) => {
                let total = choices.last().map_or(0, |(total, _)| *total);
                let drawn = stream.below(Purpose::Value, total);
                choices.iter().find(|(upto, _)| drawn < *upto).map_or(Value::Empty, |(_, value)| *value)
            }
            Formula::Quantiles(distribution) => {
                let step = match slot.kind {
                    Kind::Number { step, .. } => step,
                    _ => 1,
                };
                Value::Number(sample(stream, distribution, step))
            }
            Formula::Factor(source, distribution) => match self.seen[*source] {
                Value::Number(source) => Value::Number(multiply(source, sample(stream, distribution, 1))),
                _ => Value::Empty,
            },
            Formula::Sum(terms) => Value::Number(terms.iter().fold(0, |sum, term| match self.seen[*term] {
                Value::Number(number) => sum.saturating_add(number),
                _ => sum,
            })),
            Formula::Product(factors) => {
                let factors: Option<Vec<i64>> = factors
                    .iter()
                    .map(|factor| match self.seen[*factor] {
                        Value::Number(number) => Some(number),
                        _ => None,
                    })
                    .collect();
                factors.map_or(Value::Empty, |factors| Value::Number(factors.into_iter().fold(UNIT, multiply)))
            }
            Formula::PerYear(values) => values.get(&year).copied().unwrap_or(Value::Empty),
            Formula::Date(first, last) => match (self.day(*first), self.day(*last)) {
                (Some(first), Some(last)) => {
                    Value::Date(stream.between(Purpose::Value, first.into(), last.into()) as i32)
                }
                _ => Value::Empty,
            },
            Formula::Days(first, last) => match (self.day(*first), self.day(*last)) {
                (Some(first), Some(last)) => Value::Number((i64::from(last) - i64::from(first) + 1).max(0) * UNIT),
                _ => Value::Empty,
            },
        }
    }

    fn holds(&self, condition: &Condition) -> bool {
        let after = |min: &Option<Anchor>, date| min.is_none_or(|min| self.day(min).is_some_and(|min| min <= date));
        let before = |max: &Option<Anchor>, date| max.is_none_or(|max| self.day(max).is_some_and(|max| date <= max));
        match (&condition.test, self.seen[condition.slot]) {
            (Test::Boolean(expected), Value::Boolean(found)) => *expected == found,
            (Test::Cases(expected), Value::Case(found)) => expected.contains(&found),
            (Test::Number { min, max }, Value::Number(found)) => {
                min.is_none_or(|min| min <= found) && max.is_none_or(|max| found <= max)
            }
            (Test::Date { min, max }, Value::Date(found)) => after(min, found) && before(max, found),
            _ => false,
        }
    }

    /// The day of an anchor, within the calendar; `None` where the date it counts from is empty.
    fn day(&self, anchor: Anchor) -> Option<i32> {
        match anchor.slot.map(|slot| self.seen[slot]) {
            None => Some(anchor.days),
            Some(Value::Date(date)) => {
                let moved = Date::from_days(date.into())?.add(anchor.months.into(), CalendarUnit::Months);
                let moved = moved.map_or(if anchor.months < 0 { FIRST_DAY } else { LAST_DAY }, Date::days);
                Some(moved.saturating_add(anchor.days).clamp(FIRST_DAY, LAST_DAY))
            }
            Some(_) => None,
        }
    }

    /// Within the bounds of the draw, then the range of the input. The upper bound has the last word.
    fn clamp(&self, slot: &Slot, draw: &Draw, number: i64) -> i64 {
        let bound = |bound: &Option<Bound>| match bound {
            Some(Bound::Number(number)) => Some(*number),
            Some(Bound::Slot(slot)) => match self.seen[*slot] {
                Value::Number(number) => Some(number),
                _ => None,
            },
            None => None,
        };
        let number = bound(&draw.at_least).map_or(number, |least| number.max(least));
        let number = bound(&draw.at_most).map_or(number, |most| number.min(most));
        match slot.kind {
            Kind::Number { low, high, .. } => number.clamp(low, high),
            _ => number,
        }
    }

    // ------------------------------------------------------------------------------------------------------- output

    fn key(&self, pattern: &Pattern) -> String {
        // The last row drawn was this subject's.
        let number = self.subject.map_or(0, |subject| subject.number);
        let offset = self.seed.at(pattern.hash).below(Purpose::Value, pattern.capacity);
        // Prime to ten, so that no two numbers meet.
        const SPREAD: u128 = 7_368_787;
        let number = (u128::from(number) * SPREAD + u128::from(offset)) % u128::from(pattern.capacity);
        let width = pattern.text.chars().filter(|c| *c == '#').count();
        let digits = format!("{number:0>width$}");
        let mut digits = digits.chars();
        pattern.text.chars().map(|c| if c == '#' { digits.next().unwrap_or('0') } else { c }).collect()
    }

    fn row(&self) -> Vec<Option<Cell>> {
        let cell = |content: &Content| match content {
            Content::Empty => None,
            Content::Key(pattern) if pattern.number => self.key(pattern).parse().ok().map(Cell::Number),
            Content::Key(pattern) => Some(Cell::Text(self.key(pattern).into())),
            Content::Slot(slot) => Some(match (self.written[*slot], &self.plan.slots[*slot].kind) {
                (Value::Number(number), Kind::Number { step, .. }) => Cell::Number(number / step),
                (Value::Number(number), _) => Cell::Number(number),
                (Value::Boolean(value), _) => Cell::Boolean(value),
                (Value::Date(date), _) => Cell::Date(date),
                (Value::Case(case), Kind::Texts(texts)) => Cell::Text(texts[usize::from(case)].clone()),
                (Value::Case(case), _) => Cell::Case(case),
                (Value::Empty, _) => return None,
            }),
        };
        self.plan.columns.iter().map(|column| cell(&column.content)).collect()
    }

    fn write_row(&self, line: &mut Vec<u8>) -> io::Result<()> {
        for (rank, column) in self.plan.columns.iter().enumerate() {
            if rank > 0 {
                line.push(b',');
            }
            match &column.content {
                Content::Empty => {}
                Content::Key(pattern) => write_text(line, &self.key(pattern)),
                Content::Slot(slot) => match (self.written[*slot], &self.plan.slots[*slot].kind) {
                    (Value::Empty, _) => {}
                    (Value::Number(number), _) => write_number(line, number)?,
                    (Value::Boolean(value), _) => line.extend_from_slice(if value { b"vrai" } else { b"faux" }),
                    (Value::Date(date), _) => {
                        if let Some(date) = Date::from_days(date.into()) {
                            write!(line, "{date}")?;
                        }
                    }
                    (Value::Case(case), Kind::Cases(cases)) => {
                        line.extend_from_slice(cases[usize::from(case)].as_bytes())
                    }
                    (Value::Case(case), Kind::Texts(texts)) => write_text(line, &texts[usize::from(case)]),
                    (Value::Case(_), _) => {}
                },
            }
        }
        line.push(b'\n');
        Ok(())
    }

    /// Writes the header and all the rows as CSV: commas, decimal points, ISO dates, vrai and faux. Returns the number of
    /// rows.
    ///
    /// # Errors
    /// Those of the output.
    pub fn write_csv(mut self, output: &mut impl Write) -> io::Result<usize> {
        const CHUNK: usize = 1 << 16;
        let mut buffer = Vec::with_capacity(2 * CHUNK);
        for (rank, column) in self.plan.columns.iter().enumerate() {
            if rank > 0 {
                buffer.push(b',');
            }
            write_text(&mut buffer, &column.name);
        }
        buffer.push(b'\n');
        let mut rows = 0;
        while self.advance() {
            self.write_row(&mut buffer)?;
            rows += 1;
            if buffer.len() >= CHUNK {
                output.write_all(&buffer)?;
                buffer.clear();
            }
        }
        output.write_all(&buffer)?;
        output.flush()?;
        Ok(rows)
    }
}

impl Iterator for Generator {
    type Item = Vec<Option<Cell>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().then(|| self.row())
    }
}

/// A product of millionths, rounded down, held within what the numbers can be.
fn multiply(a: i64, b: i64) -> i64 {
    let product = (i128::from(a) * i128::from(b)).div_euclid(UNIT.into());
    product.clamp((i64::MIN / 2).into(), (i64::MAX / 2).into()) as i64
}

/// A multiple of the step, even between two quantiles.
fn sample(stream: Stream, distribution: &[(u16, i64)], step: i64) -> i64 {
    let rank = stream.below(Purpose::Choice, 1000);
    let next = distribution.partition_point(|(upto, _)| u64::from(*upto) <= rank).clamp(1, distribution.len() - 1);
    let (low, high) = (distribution[next - 1].1, distribution[next].1);
    stream.between(Purpose::Value, low / step, high / step) * step
}

/// Without useless zeros.
fn write_number(line: &mut Vec<u8>, number: i64) -> io::Result<()> {
    if number % UNIT == 0 {
        return write!(line, "{}", number / UNIT);
    }
    if number < 0 {
        line.push(b'-');
    }
    let magnitude = number.unsigned_abs();
    let (whole, fraction) = (magnitude / UNIT.unsigned_abs(), magnitude % UNIT.unsigned_abs());
    write!(line, "{whole}.{fraction:06}")?;
    while line.last() == Some(&b'0') {
        line.pop();
    }
    Ok(())
}

/// Between quotes where CSV needs them.
fn write_text(line: &mut Vec<u8>, text: &str) {
    if text.contains([',', '"', '\n', '\r']) {
        line.push(b'"');
        line.extend_from_slice(text.replace('"', "\"\"").as_bytes());
        line.push(b'"');
    } else {
        line.extend_from_slice(text.as_bytes());
    }
}
