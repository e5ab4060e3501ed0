//! What the pages of a statement show, whatever their form: which payments, which uses of a parameter, which origins.

use std::collections::BTreeMap;

use super::headings;
use super::statement::*;

/// The results of a statement, in the order of a page.
pub(super) struct Results<'s> {
    pub paid: Vec<&'s str>,
    pub zero: Vec<&'s str>,
    pub without_object: Vec<&'s str>,
}

impl<'s> Results<'s> {
    pub fn of(statement: &'s Statement) -> Self {
        let mut results = Self { paid: Vec::new(), zero: Vec::new(), without_object: Vec::new() };
        for name in &statement.results {
            let value = statement.quantity(name).and_then(|quantity| quantity.value.as_ref());
            let list = match value {
                None => &mut results.without_object,
                Some(value) if value.exact == "0" => &mut results.zero,
                Some(_) => &mut results.paid,
            };
            list.push(name);
        }
        results
    }
}

/// A quantity that reads a parameter, and how.
pub(super) struct Use<'s> {
    pub quantity: &'s QuantityView,
    pub calculation: Option<&'s str>,
}

/// What reads each parameter, by its name.
pub(super) fn uses(statement: &Statement) -> BTreeMap<&str, Vec<Use<'_>>> {
    let mut found: BTreeMap<&str, Vec<Use<'_>>> = BTreeMap::new();
    for quantity in &statement.quantities {
        let mut steps: Vec<&StepView> = Vec::new();
        for step in &quantity.steps {
            steps.push(step);
            if let StepKind::Replacement { retained, .. } = &step.kind {
                steps.extend(retained);
            }
        }
        for step in steps {
            let when = match &step.kind {
                StepKind::Base { when, .. } | StepKind::Derogation { when, .. } => when.as_ref(),
                StepKind::Cap(view) | StepKind::Floor(view) => view.when.as_ref(),
                _ => None,
            };
            let condition = when.map(|when| (&when.reads, when.calculation.as_ref().unwrap_or(&when.formula)));
            let own = (&step.reads, step.calculation.as_ref().or(step.formula.as_ref()));
            let all = condition.map(|(reads, text)| (reads, Some(text))).into_iter().chain([own]);
            for (reads, text) in all {
                for read in reads.iter().filter(|read| read.nature == ReadNature::Parameter) {
                    let list = found.entry(&read.name).or_default();
                    if list.iter().all(|known| known.quantity.name != quantity.name) {
                        list.push(Use { quantity, calculation: text.map(String::as_str) });
                    }
                }
            }
        }
    }
    found
}

/// What was read of earlier years, once each: name, year, value, whether the data have the row.
pub(super) fn earlier(statement: &Statement) -> Vec<&ReadView> {
    let mut found: Vec<&ReadView> = Vec::new();
    let steps = statement.quantities.iter().flat_map(|quantity| &quantity.steps);
    let rules = statement.quantities.iter().filter_map(|quantity| quantity.rule.as_ref());
    for read in rules.flat_map(|rule| &rule.reads).chain(steps.flat_map(|step| &step.reads)) {
        let past = matches!(read.nature, ReadNature::PreviousInput | ReadNature::PreviousQuantity);
        if past
            && found.iter().all(|known| (known.nature, &known.name, known.year) != (read.nature, &read.name, read.year))
        {
            found.push(read);
        }
    }
    found
}

/// Whether a cell was given or took its default.
pub(super) fn origin(input: &InputView) -> &'static str {
    match (input.origin, input.cell.as_deref()) {
        (InputOrigin::NoColumn, _) => headings::NO_COLUMN,
        (_, Some("")) if input.value.is_none() => headings::EMPTY,
        (_, Some("")) => headings::DEFAULTED,
        (_, Some(_)) | (InputOrigin::Cell, None) => headings::GIVEN,
        (InputOrigin::Default, None) => headings::DEFAULT_OR_GIVEN,
    }
}

/// The key in few words.
pub(super) fn key(statement: &Statement) -> String {
    let cells: Vec<String> = statement.key.iter().map(|key| format!("{} {}", key.name, key.value.text)).collect();
    cells.join(", ")
}

/// A title and what it stands for, where they differ.
pub(super) fn value(view: &ValueView) -> String {
    match &view.label {
        Some(label) => format!("{} ({label})", view.text),
        None => view.text.clone(),
    }
}

/// Whether an effect changes some payment.
pub(super) fn changes(alternative: &AlternativeView) -> bool {
    alternative.obstacle.is_some() || alternative.effect.as_ref().is_some_and(|effect| !effect.payments.is_empty())
}

/// What an alternative gives, in a few words.
pub(super) fn outcome(alternative: &AlternativeView) -> String {
    match (&alternative.effect, &alternative.obstacle) {
        (Some(effect), _) => effect_text(effect),
        (None, Some(obstacle)) => headings::not_computable(obstacle),
        (None, None) => headings::NOTE.to_owned(),
    }
}

pub(super) fn effect_text(effect: &EffectView) -> String {
    if effect.payments.is_empty() {
        return headings::SAME.to_owned();
    }
    let same_total = effect.difference.exact == "0";
    let difference =
        if same_total { headings::SAME_TOTAL.to_owned() } else { super::words::signed(&effect.difference.text) };
    let text = headings::effect(&difference, &effect.total.text);
    if effect.figures_kept { format!("{text} ({})", headings::FIGURES_KEPT) } else { text }
}

/// The sentences of the first section.
pub(super) fn contribution(statement: &Statement) -> Vec<String> {
    let policy = &statement.policy;
    let mut sentences = vec![headings::contribution(&policy.title), headings::CHOICES.to_owned()];
    let titles: Vec<&str> = policy.texts.iter().map(|text| &*text.title).collect();
    if !titles.is_empty() {
        sentences.push(headings::texts(&titles.join(" ; ")));
    }
    let named = |included: bool| {
        let kept = policy.amendments.iter().filter(|amendment| amendment.included == included);
        kept.map(|amendment| &*amendment.title).collect::<Vec<_>>().join(" ; ")
    };
    if !policy.amendments.is_empty() {
        sentences.push(headings::amendments(&named(true), &named(false)));
    }
    if let Some(scope) = &statement.scope {
        let references = super::text::in_parentheses(&scope.references);
        let formula = super::text::formula_text(&scope.formula);
        sentences.push(headings::governed(&formula, &references, scope.governed));
    }
    sentences
}

/// Where the data come from.
pub(super) fn source(statement: &Statement) -> Vec<String> {
    let Some(source) = &statement.source else { return vec![headings::NO_SOURCE.to_owned()] };
    let (own, others): (Vec<_>, Vec<_>) = source.lines.iter().partition(|line| line.year == statement.year);
    let mut sentences: Vec<String> = own.iter().map(|line| headings::source(&source.file, line.line)).collect();
    if !others.is_empty() {
        let lines: Vec<(i64, usize)> = others.iter().map(|line| (line.year, line.line)).collect();
        sentences.push(headings::earlier_lines(&lines));
    }
    sentences
}
