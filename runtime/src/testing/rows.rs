//! Rows biased to where rules change: ends of ranges, thresholds, year edges, empty cells, gaps in a centre's years.

use polc_compiler::calendar::Date;
use polc_compiler::num::{Ratio, integer, power_of_ten};
use polc_compiler::typed::{Input, InputId, Program, Type, Value};

use super::Random;
use crate::table::{Batch, Column};

/// A batch of about `count` rows: subjects with one to seven years each, some of them missing, in any order.
#[must_use]
pub fn rows(program: &Program, seed: u64, count: usize) -> Batch {
    // An empty cell that must be filled spoils its row: often in some batches only.
    let rare = *Random::new(!seed).pick(&[25, 100, 400]);
    draw(program, seed, count, Some(rare))
}

/// The same, where every cell that must be filled is, and no date is at the ends of the calendar: a policy that reads hundreds
/// of them has rows without error, most of them for compiled code.
#[must_use]
pub fn filled_rows(program: &Program, seed: u64, count: usize) -> Batch {
    draw(program, seed, count, None)
}

/// `rare`: how many cells that must be filled for one that is not; dates far away come with it.
fn draw(program: &Program, seed: u64, count: usize, rare: Option<usize>) -> Batch {
    let mut random = Random::new(seed);
    let mut columns: Vec<Column> = program.inputs.iter().map(|input| Column::with_capacity(input, count)).collect();
    let mut keys: Vec<(usize, i64)> = Vec::new();
    let mut subject = 0;
    while keys.len() < count {
        let mut year = random.between(program.years.0, program.years.1);
        for _ in 0..1 + random.below(7) {
            if year > program.years.1 {
                break;
            }
            keys.push((subject, year));
            year += if random.one_in(4) { random.between(2, 3) } else { 1 };
        }
        subject += 1;
    }
    for index in (1..keys.len()).rev() {
        let other = random.below(index + 1);
        keys.swap(index, other);
    }
    for (subject, year) in &keys {
        for (column, (rank, input)) in columns.iter_mut().zip(program.inputs.iter().enumerate()) {
            let value = if rank == program.year.index() {
                Some(Value::Number(integer(*year)))
            } else if program.key.contains(&InputId(rank as u32)) {
                Some(Value::Text(format!("s{subject}").into()))
            } else if is_empty(input, rare, &mut random) {
                None
            } else if input.ty == Type::Text {
                Some(Value::Text(random.pick(&["nord", "sud", "est"]).to_string().into()))
            } else {
                Some(cell(program, input, *year, rare.is_some(), &mut random))
            };
            column.push(value.as_ref(), input);
        }
    }
    Batch { rows: keys.len(), columns: columns.into_iter().map(Some).collect() }
}

fn is_empty(input: &Input, rare: Option<usize>, random: &mut Random) -> bool {
    match (input.optional, input.default.is_some()) {
        (true, _) => random.one_in(2),
        (false, true) => random.one_in(5),
        (false, false) => rare.is_some_and(|rare| random.one_in(rare)),
    }
}

fn cell(program: &Program, input: &Input, year: i64, far: bool, random: &mut Random) -> Value {
    match &input.ty {
        Type::Number(_) => Value::Number(number(input, random)),
        Type::Date => Value::Date(within(input, date(year, far, random))),
        Type::Enumeration(id) => Value::Case(random.below(program.enumeration(*id).cases.len()) as u32),
        _ => Value::Boolean(random.one_in(2)),
    }
}

/// The nearest date of the legal range.
fn within(input: &Input, date: Date) -> Date {
    let Some((low, high)) = &input.range else { return date };
    let days = integer(i64::from(date.days())).clamp(low.clone(), high.clone());
    i64::try_from(days.to_integer()).ok().and_then(Date::from_days).unwrap_or(date)
}

fn number(input: &Input, random: &mut Random) -> Ratio {
    let (low, high) = input.range.clone().unwrap_or_else(|| (integer(0), integer(1)));
    let scale = Ratio::from_integer(power_of_ten(input.decimals));
    let step = scale.recip();
    let value = match random.below(8) {
        0 => low.clone(),
        1 => high.clone(),
        2 => integer(0),
        3 | 4 => {
            let threshold = *random.pick(&[1, 2, 3, 7, 8, 10, 40, 350, 450, 2_600, 4_000, 8_000]);
            integer(threshold) + &step * integer(random.between(-1, 1))
        }
        _ => {
            let span = ((&high - &low) * &scale).to_integer();
            let span = i64::try_from(span).unwrap_or(i64::MAX / 2);
            &low + &step * integer(random.between(0, span))
        }
    };
    value.clamp(low, high)
}

/// A date around the year; far from it now and then, if asked for.
fn date(year: i64, far: bool, random: &mut Random) -> Date {
    let year =
        if far && random.one_in(12) { *random.pick(&[1, 1900, 2000, 9999]) } else { year + random.between(-4, 2) };
    let (month, day) =
        *random.pick(&[(1, 1), (12, 31), (2, 28), (2, 29), (3, 1), (3, 31), (6, 30), (7, 1), (8, 31), (10, 15)]);
    Date::new(year, month, day)
        .or_else(|| Date::new(year, 2, 28))
        .unwrap_or_else(|| Date::new(2000, 1, 1).expect("a date"))
}
