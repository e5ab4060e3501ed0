//! The way from one version to another, a clause at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use polc_compiler::overlay::Clause;
use polc_compiler::typed::Program;
use polc_compiler::{Selection, Trees};

use super::report::Step;
use super::words;
use crate::policy::Policy;

/// A state of the law on the way, and what leads to it.
struct State {
    step: Step,
    selection: Selection,
}

/// The versions between two, and the steps between all of them: one more than there are versions. First what readings of the
/// first version alone change, then the amendments that the second does not have, their last clause first, then those that
/// only it has, clause by clause in the order of their texts, then its readings. What does not make a policy by itself goes
/// with what follows.
#[must_use]
pub fn way(before: &Policy, after: &Policy) -> (Vec<Arc<Program>>, Vec<Step>) {
    let trees = Trees::of(&after.sources);
    let mut programs = Vec::new();
    let mut steps: Vec<Step> = Vec::new();
    let mut waiting: Option<Step> = None;
    let states = states(&trees, before, after);
    let count = states.len();
    for (rank, state) in states.into_iter().enumerate() {
        let step = match waiting.take() {
            None => state.step,
            Some(earlier) => joined(earlier, state.step),
        };
        if rank + 1 == count {
            // It is the second version itself.
            steps.push(step);
        } else if let Some(program) = trees.build(&state.selection) {
            programs.push(Arc::new(program));
            steps.push(step);
        } else {
            waiting = Some(step);
        }
    }
    (programs, steps)
}

/// One step between versions that share no clauses.
#[must_use]
pub fn single(label: String) -> Step {
    Step { labels: vec![label.clone()], short: label, references: Vec::new() }
}

fn joined(mut first: Step, second: Step) -> Step {
    first.labels.extend(second.labels);
    // What comes last is what the others were for.
    first.short = second.short;
    for reference in second.references {
        if !first.references.contains(&reference) {
            first.references.push(reference);
        }
    }
    first
}

fn states(trees: &Trees<'_>, before: &Policy, after: &Policy) -> Vec<State> {
    let included = |policy: &Policy| -> Vec<String> {
        let amendments = policy.program.amendments.iter().filter(|amendment| amendment.included);
        amendments.map(|amendment| amendment.name.to_string()).collect()
    };
    let (old, new) = (included(before), included(after));
    let (old_readings, new_readings) = (chosen(&before.program), chosen(&after.program));
    let mut way = Way { set: old.iter().cloned().collect(), readings: old_readings.clone(), states: Vec::new() };
    for name in old_readings.keys().filter(|name| !new_readings.contains_key(*name)) {
        way.readings.remove(name);
        way.push(reading_step(&before.program, name), None);
    }
    for name in old.iter().rev().filter(|name| !new.contains(name)) {
        let clauses = trees.clauses(name);
        for (left, clause) in clauses.iter().enumerate().rev() {
            if left == 0 {
                way.set.remove(name);
            }
            way.push(clause_step(clause, true), (left > 0).then(|| (name.clone(), left)));
        }
        if clauses.is_empty() {
            way.set.remove(name);
            way.push(single(words::amendment(name, true)), None);
        }
    }
    for name in new.iter().filter(|name| !old.contains(name)) {
        let clauses = trees.clauses(name);
        way.set.insert(name.clone());
        for (rank, clause) in clauses.iter().enumerate() {
            let partial = (rank + 1 < clauses.len()).then(|| (name.clone(), rank + 1));
            way.push(clause_step(clause, false), partial);
        }
        if clauses.is_empty() {
            way.push(single(words::amendment(name, false)), None);
        }
    }
    for (name, variant) in new_readings.iter().filter(|(name, variant)| old_readings.get(*name) != Some(*variant)) {
        way.readings.insert(name.clone(), variant.clone());
        way.push(reading_step(&after.program, name), None);
    }
    way.states
}

struct Way {
    set: BTreeSet<String>,
    readings: BTreeMap<String, String>,
    states: Vec<State>,
}

impl Way {
    fn push(&mut self, step: Step, clauses: Option<(String, usize)>) {
        let selection = Selection {
            with: self.set.clone(),
            version: Some(self.set.clone()),
            readings: self.readings.clone(),
            clauses,
            ..Selection::default()
        };
        self.states.push(State { step, selection });
    }
}

/// The variants that a program was built with, where they are not the readings retained.
#[must_use]
pub fn chosen(program: &Program) -> BTreeMap<String, String> {
    let readings = program.readings.iter().filter_map(|reading| {
        let variant = &reading.alternatives.get(reading.selected?)?.name;
        Some((reading.name.to_string(), variant.to_string()))
    });
    readings.collect()
}

/// A reading as the second version has it: a variant, or again the one retained.
fn reading_step(program: &Program, name: &str) -> Step {
    let Some(reading) = program.readings.iter().find(|reading| *reading.name == *name) else {
        return single(words::reading(name, ""));
    };
    let variant = reading.selected.and_then(|rank| reading.alternatives.get(rank)).unwrap_or(&reading.retained);
    let references = reading.citations.iter().map(ToString::to_string).collect();
    let label = words::reading(name, &variant.name);
    Step { labels: vec![label.clone()], short: label, references }
}

fn clause_step(clause: &Clause, removed: bool) -> Step {
    Step {
        labels: vec![words::clause(clause, removed)],
        short: clause.title.as_ref().unwrap_or(&clause.name).to_string(),
        references: clause.citations.iter().map(ToString::to_string).collect(),
    }
}
