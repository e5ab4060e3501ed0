//! What declarations say, facet by facet.

use std::collections::BTreeMap;

use polc_compiler::typed::{
    Citation, Control, ControlKind, Derogation, Enumeration, Expr, ExprKind, Input, Program, Quantity, Reading, Rule,
};
use polc_dsl::ast::BoundKind;

use super::words;
use crate::diagnostics::expected;
use crate::explain::phrases::Phrases;
use crate::io::write::value_text;

/// The facets of one declaration, or of one rule.
pub type Block = Vec<(&'static str, String)>;

/// A facet that is told only where no formula tells it.
pub fn is_hidden(name: &str) -> bool {
    name == words::figures()
}

/// A facet that the line which names the declaration tells.
pub fn is_in_headline(name: &str) -> bool {
    [words::title(), words::references(), words::meaning()].contains(&name)
}

/// A facet in whose words figures stand.
pub fn has_figures(name: &str) -> bool {
    [words::formula(), words::condition(), words::cap(), words::floor(), words::proration(), words::replaced()]
        .contains(&name)
}

pub fn enumeration(enumeration: &Enumeration) -> Block {
    let cases = enumeration.cases.iter().map(|(name, title)| crate::impact::words::case(name, title));
    vec![(words::cases(), cases.collect::<Vec<_>>().join(", "))]
}

pub fn input(program: &Program, input: &Input) -> Block {
    let mut block =
        vec![(words::type_of_input(), expected(program, input)), (words::meaning(), input.meaning.to_string())];
    if let Some(default) = &input.default {
        block.push((words::default(), value_text(program, &input.ty, default, ',')));
    }
    if input.optional {
        block.push((words::empty_cell(), words::allowed().to_owned()));
    }
    block
}

pub fn rule(program: &Program, phrases: &Phrases<'_>, quantity: &Quantity, rule: &Rule) -> Block {
    let formula = |expr: &Expr| phrases.formula(expr);
    let mut block: Block = vec![(words::title(), rule.title.to_string())];
    cite(&mut block, &rule.citations);
    block.push((words::in_force(), words::period(rule.years)));
    if let Some((_, title)) = rule.scope.and_then(|id| program.scope(id).part.as_ref()) {
        block.push((words::part(), title.to_string()));
    }
    block.extend(rule.guard.iter().map(|guard| (words::cases_of_rule(), cases(phrases, guard))));
    block.extend(rule.condition.iter().map(|condition| (words::condition(), formula(condition))));
    block.extend(rule.keeps.iter().map(|keeps| (words::keeps(), formula(keeps))));
    for line in &rule.base {
        let when = line.when.as_ref().map(|when| words::when(&formula(when))).unwrap_or_default();
        block.push((words::formula(), formula(&line.value) + &when));
    }
    for adjustment in &rule.adjustments {
        block.push((words::adjustment(), program.quantity(adjustment.quantity).name.to_string()));
    }
    for bound in &rule.bounds {
        let name = if bound.kind == BoundKind::Cap { words::cap() } else { words::floor() };
        let when = bound.when.as_ref().map(|when| words::when(&formula(when))).unwrap_or_default();
        block.push((name, formula(&bound.value) + &when));
    }
    block.extend(rule.proratas.iter().map(|factor| (words::proration(), formula(&factor.value))));
    block.extend(rule.replacements.iter().map(|replacement| (words::replaced(), formula(&replacement.value))));
    if let Some(aggregate) = program.aggregates.iter().find(|a| *program.quantity(a.quantity).name == *quantity.name) {
        let by: Vec<&str> = aggregate.by.iter().map(|id| &*program.input(*id).name).collect();
        block.push((words::groups(), by.join(", ")));
        block.push((words::summary(), words::summary_of(aggregate.summary).to_owned()));
    }
    if let Some(decimals) = rule.rounding {
        block.push((words::rounding(), words::decimals(decimals)));
    }
    let mut figures = Vec::new();
    rule.expressions().for_each(|expr| constants(phrases, expr, &mut figures));
    block.push((words::figures(), figures.join(" ; ")));
    block
}

/// The cases of a clause `pour`, without its word.
fn cases(phrases: &Phrases<'_>, guard: &Expr) -> String {
    let text = phrases.cases(guard);
    text.strip_prefix(words::cases_of_rule()).map_or(text.clone(), |rest| rest.trim_start().to_owned())
}

/// The constants of a formula, in order: a template writes the same formula with other figures.
fn constants(phrases: &Phrases<'_>, expr: &Expr, figures: &mut Vec<String>) {
    expr.walk(&mut |e| {
        if let ExprKind::Constant(value) = &e.kind {
            figures.push(phrases.constant(e, value));
        }
    });
}

pub fn derogation(phrases: &Phrases<'_>, quantity: &Quantity, derogation: &Derogation) -> Block {
    let mut block: Block =
        vec![(words::title(), derogation.title.to_string()), (words::target(), quantity.name.to_string())];
    cite(&mut block, &derogation.citations);
    block.push((words::in_force(), words::period(derogation.years)));
    block.extend(derogation.condition.iter().map(|condition| (words::condition(), phrases.formula(condition))));
    block.push((words::formula(), phrases.formula(&derogation.value)));
    let mut figures = Vec::new();
    derogation.condition.iter().chain([&derogation.value]).for_each(|expr| constants(phrases, expr, &mut figures));
    block.push((words::figures(), figures.join(" ; ")));
    block
}

pub fn reading(reading: &Reading) -> Block {
    let selected = reading.selected.and_then(|rank| reading.alternatives.get(rank)).unwrap_or(&reading.retained);
    let variants = reading.alternatives.iter().map(|variant| variant.name.to_string());
    vec![
        (words::applied(), format!("{} : {}", selected.name, selected.text)),
        (words::retained(), reading.retained.name.to_string()),
        (words::variants(), variants.collect::<Vec<_>>().join(", ")),
    ]
}

/// The controls on rows and on the whole data; the others are of the policy's own tests.
pub fn controls<'p>(program: &'p Program, phrases: &Phrases<'_>) -> Vec<(&'p Control, Block)> {
    let mut result: BTreeMap<usize, Block> = BTreeMap::new();
    for (rank, control) in program.controls.iter().enumerate() {
        let mut block: Block = vec![(words::title(), control.title.to_string())];
        cite(&mut block, &control.citations);
        match &control.kind {
            ControlKind::Row { guard, years, condition, blocking } => {
                block.push((words::in_force(), words::period(*years)));
                block.extend(guard.iter().map(|guard| (words::cases_of_rule(), cases(phrases, guard))));
                block.push((words::condition(), phrases.formula(condition)));
                block.push((words::blocking(), crate::impact::words::truth(*blocking).to_owned()));
            }
            ControlKind::Groups { by, years, condition } => {
                let by: Vec<&str> = by.iter().map(|id| &*program.input(*id).name).collect();
                block.push((words::in_force(), words::period(*years)));
                block.push((words::groups(), by.join(", ")));
                block.push((words::condition(), phrases.formula(condition)));
            }
            _ => continue,
        }
        result.insert(rank, block);
    }
    result.into_iter().map(|(rank, block)| (&program.controls[rank], block)).collect()
}

fn cite(block: &mut Block, citations: &[Citation]) {
    let cited: Vec<String> = citations.iter().map(ToString::to_string).collect();
    block.push((words::references(), cited.join(", ")));
}
