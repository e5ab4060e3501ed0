//! `polc test`: every worked example and every control of a policy, run by the reference interpreter.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use polc_compiler::Selection;
use polc_compiler::check::select;
use polc_compiler::num::format_french;
use polc_compiler::typed::{Control, ControlKind, Example, ExampleYear, InputId, Program, QuantityId, Type, Value};
use polc_dsl::ast::Reach;
use polc_dsl::{FileId, Span};
use serde::Serialize;

use crate::coverage::watch::Watch;
use crate::interp::{Data, Evaluation};
use crate::policy::Policy;
use crate::say;
use crate::table::RowErrorKind;

/// How the examples and controls of a policy went.
#[derive(Debug, Default, Serialize)]
pub struct TestReport {
    pub examples: usize,
    pub controls: usize,
    pub passed: usize,
    pub failures: Vec<Failure>,
}

/// An example or control that does not hold.
#[derive(Debug, Serialize)]
pub struct Failure {
    pub title: String,
    #[serde(skip)]
    pub place: Span,
    /// One line per result that differs.
    pub lines: Vec<String>,
}

/// Runs everything that can be checked without data. Row controls run on data, with `polc eval`.
#[must_use]
pub fn run(policy: &Policy) -> TestReport {
    watched(policy, Watch(None))
}

/// The same, under the eyes of a recorder.
#[must_use]
pub(crate) fn watched(policy: &Policy, watch: Watch<'_>) -> TestReport {
    let mut report = TestReport::default();
    if policy.program.amendments.is_empty() {
        report.state_of_law(&policy.program, watch);
        return report;
    }
    // Each example belongs to one state of the law: the base alone, or what its amendment made of it.
    for selection in polc_compiler::versions_of_examples(&policy.sources, &policy.selection) {
        match polc_compiler::analyse(&policy.sources, &selection).0 {
            Some(program) => report.state_of_law(&program, watch),
            None => report.unsound_state(&policy.program, &selection),
        }
    }
    report
}

impl TestReport {
    /// Runs the examples and controls of one state of the law.
    fn state_of_law(&mut self, program: &Program, watch: Watch<'_>) {
        watch.opens(program);
        let mut variants: BTreeMap<Readings, Option<Program>> = BTreeMap::new();
        for example in &program.examples {
            self.examples += 1;
            watch.runs(example.span);
            let lines = if example.readings.is_empty() {
                check_example(program, example, watch)
            } else {
                let built = variants.entry(example.readings.clone()).or_insert_with(|| {
                    select(program, example.readings.iter().map(|(name, variant)| (&**name, &**variant)))
                });
                match built {
                    Some(program) => check_example(program, example, watch),
                    None => vec![say::readings_do_not_build()],
                }
            };
            self.settle(&example.title, example.span, lines);
        }
        for control in program.controls.iter().filter(|control| !control.is_on_data()) {
            self.controls += 1;
            let lines = check_control(program, control, watch);
            self.settle(&control.title, control.span, lines);
        }
    }

    /// A state of the law that examples ask for, and that does not compile.
    fn unsound_state(&mut self, program: &Program, selection: &Selection) {
        let names: Vec<&str> = selection.version.iter().flatten().map(String::as_str).collect();
        let last = program.amendments.iter().rev().find(|amendment| names.contains(&&*amendment.name));
        let place = last.map_or(Span::new(FileId(0), 0, 0), |amendment| amendment.span);
        self.examples += 1;
        self.failures.push(Failure {
            title: say::state_of_law(&names),
            place,
            lines: vec![say::state_does_not_build()],
        });
    }

    fn settle(&mut self, title: &str, place: Span, lines: Vec<String>) {
        if lines.is_empty() {
            self.passed += 1;
        } else {
            self.failures.push(Failure { title: title.to_owned(), place, lines });
        }
    }
}

/// Results of the years before, by rank of the year.
type Memory = RefCell<HashMap<(usize, QuantityId), Result<Option<Value>, RowErrorKind>>>;
/// Readings and their variants.
type Readings = Vec<(Arc<str>, Arc<str>)>;

/// The years of one example, by rank.
struct Situation<'a> {
    program: &'a Program,
    years: &'a [ExampleYear],
    rank: usize,
    memory: &'a Memory,
    watch: Watch<'a>,
}

impl Situation<'_> {
    fn year(&self, rank: usize) -> Option<&Value> {
        let id = self.program.year;
        self.years[rank].inputs.iter().find(|(input, _)| *input == id).and_then(|(_, value)| value.as_ref())
    }

    /// The year before, or the latest one before, if the example gives it.
    fn before(&self, reach: Reach) -> Option<usize> {
        let number = |rank| match self.year(rank) {
            Some(Value::Number(year)) => Some(year),
            _ => None,
        };
        let own = number(self.rank)?;
        let latest = (0..self.years.len())
            .filter_map(|rank| Some((number(rank)?, rank)))
            .filter(|(year, _)| *year < own)
            .max()?;
        let last_year = own - polc_compiler::num::integer(1);
        (reach == Reach::Earlier || *latest.0 == last_year).then_some(latest.1)
    }

    fn at(&self, rank: usize) -> Situation<'_> {
        Situation { rank, program: self.program, years: self.years, memory: self.memory, watch: self.watch }
    }
}

impl Data for Situation<'_> {
    fn input(&self, id: InputId) -> Option<Value> {
        match self.years[self.rank].inputs.iter().find(|(input, _)| *input == id) {
            Some((_, Some(value))) => Some(value.clone()),
            _ => self.program.input(id).default.clone(),
        }
    }

    fn given(&self, id: QuantityId) -> Option<Value> {
        self.years[self.rank].overrides.iter().find(|(known, _)| *known == id).map(|(_, value)| value.clone())
    }

    fn past_quantity(&self, reach: Reach, id: QuantityId) -> Result<Option<Value>, RowErrorKind> {
        let Some(rank) = self.before(reach) else { return Ok(None) };
        if let Some(known) = self.memory.borrow().get(&(rank, id)) {
            return known.clone();
        }
        let data = self.at(rank);
        let result = Evaluation::new(self.program, &data, self.watch)
            .quantity(id)
            .map(|outcome| outcome.map(|(_, value)| value));
        self.memory.borrow_mut().insert((rank, id), result.clone());
        result
    }

    fn past_input(&self, reach: Reach, id: InputId) -> Option<Value> {
        self.at(self.before(reach)?).input(id)
    }
}

fn check_example(program: &Program, example: &Example, watch: Watch<'_>) -> Vec<String> {
    let memory = RefCell::default();
    let mut lines = Vec::new();
    for rank in 0..example.years.len() {
        let data = Situation { program, years: &example.years, rank, memory: &memory, watch };
        let mut evaluation = Evaluation::new(program, &data, watch);
        for expected in &example.years[rank].expected {
            let quantity = program.quantity(expected.quantity);
            let found = match evaluation.quantity(expected.quantity) {
                Ok(outcome) => {
                    if let Some((rule, _)) = &outcome {
                        watch.expects(expected.quantity, *rule);
                    }
                    outcome.map(|(_, value)| value)
                }
                Err(kind) => {
                    lines.push(say::example_failed(&quantity.name, &say::row_error(program, &kind)));
                    continue;
                }
            };
            if found != expected.value {
                let show = |value: &Option<Value>| {
                    value.as_ref().map_or_else(say::without_object, |v| show(program, &quantity.ty, v))
                };
                let year = (example.years.len() > 1).then(|| data.year(rank)).flatten();
                let year = year.map(show_year);
                lines.push(say::unexpected_result(
                    &quantity.name,
                    year.as_deref(),
                    &show(&expected.value),
                    &show(&found),
                ));
            }
        }
    }
    lines
}

fn check_control(program: &Program, control: &Control, watch: Watch<'_>) -> Vec<String> {
    let memory = RefCell::default();
    let evaluate = |situation: &ExampleYear, expr| {
        let years = std::slice::from_ref(situation);
        let data = Situation { program, years, rank: 0, memory: &memory, watch };
        Evaluation::new(program, &data, watch).evaluate(expr)
    };
    match &control.kind {
        ControlKind::Row { .. } | ControlKind::Groups { .. } => Vec::new(),
        ControlKind::Verify { situation, condition } => match evaluate(situation, condition) {
            Ok(Value::Boolean(true)) => Vec::new(),
            Ok(_) => vec![say::control_does_not_hold()],
            Err(kind) => vec![say::row_error(program, &kind)],
        },
        ControlKind::Announced { situation, announced, computed, gap } => match evaluate(situation, computed) {
            Ok(Value::Number(found)) => {
                let difference = &found - announced;
                let recorded = gap.as_ref().map_or_else(|| polc_compiler::num::integer(0), |(gap, _)| gap.clone());
                if difference == recorded {
                    return Vec::new();
                }
                vec![say::announced_differs(
                    &format_french(announced, 0),
                    &format_french(&found, 0),
                    &format_french(&difference, 0),
                    &format_french(&recorded, 0),
                )]
            }
            Ok(_) => vec![say::control_does_not_hold()],
            Err(kind) => vec![say::row_error(program, &kind)],
        },
    }
}

fn show_year(value: &Value) -> String {
    match value {
        Value::Number(year) => year.to_integer().to_string(),
        _ => String::new(),
    }
}

/// A value for a French reader, with its unit.
#[must_use]
pub fn show(program: &Program, ty: &Type, value: &Value) -> String {
    match (value, ty) {
        (Value::Number(number), Type::Number(unit)) => {
            let least = if unit.has_numerator(&program.currency.symbol) { program.currency.decimals } else { 0 };
            let text = format_french(number, least);
            if unit.is_none() { text } else { format!("{text} {unit}") }
        }
        (Value::Number(number), _) => format_french(number, 0),
        (Value::Boolean(flag), _) => if *flag { "vrai" } else { "faux" }.to_owned(),
        (Value::Date(date), _) => date.to_string(),
        (Value::Case(case), Type::Enumeration(id)) => {
            program.enumeration(*id).cases.get(*case as usize).map_or_else(String::new, |(name, _)| name.to_string())
        }
        (Value::Case(case), _) => case.to_string(),
        (Value::Text(text), _) => text.to_string(),
    }
}
