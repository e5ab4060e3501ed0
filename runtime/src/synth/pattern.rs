//! Entries of a profile for many columns at once: `x_*_y` for every input so named, `x_{a,b}_y` for those of a list. In what
//! such an entry says, `*` is what stood there in the name of the column.

use std::collections::BTreeSet;

use super::messages::{self, ProfileError};
use super::profile::{DrawSpec, Located, Node, NodeKind, SlotSpec};

/// The entries of a profile, each for one column or variable. A column takes the entry that bears its name, otherwise the
/// first pattern that names it.
pub fn expand<'n>(
    slots: &[SlotSpec],
    inputs: impl Iterator<Item = &'n str> + Clone,
    problems: &mut Vec<ProfileError>,
) -> Vec<SlotSpec> {
    let is_pattern = |spec: &SlotSpec| spec.name.contains(['*', '{', '}']);
    let mut taken: BTreeSet<String> =
        slots.iter().filter(|spec| !is_pattern(spec)).map(|spec| spec.name.clone()).collect();
    let mut expanded = Vec::new();
    for spec in slots {
        if !is_pattern(spec) {
            expanded.push(spec.clone());
            continue;
        }
        let before = expanded.len();
        for (name, captured) in names(&spec.name, spec.hidden, inputs.clone()) {
            if taken.insert(name.clone()) {
                let draws = spec.draws.iter().map(|draw| instance(draw, &captured)).collect();
                expanded.push(SlotSpec { name, draws, ..spec.clone() });
            }
        }
        if expanded.len() == before {
            problems.push(messages::pattern_names_nothing(spec.line, &spec.path, spec.hidden));
        }
    }
    expanded
}

/// The names that a pattern stands for, each with what replaces `*`; none for a pattern that cannot be read.
fn names<'n>(pattern: &str, hidden: bool, inputs: impl Iterator<Item = &'n str>) -> Vec<(String, String)> {
    if let Some((before, rest)) = pattern.split_once('{') {
        let Some((list, after)) = rest.split_once('}') else { return Vec::new() };
        if [before, list, after].iter().any(|part| part.contains(['*', '{', '}'])) {
            return Vec::new();
        }
        let parts = list.split(',').map(str::trim).filter(|part| !part.is_empty());
        return parts.map(|part| (format!("{before}{part}{after}"), part.to_owned())).collect();
    }
    let Some((before, after)) = pattern.split_once('*') else { return Vec::new() };
    if hidden || after.contains(['*', '}']) {
        return Vec::new();
    }
    let captured = |name: &'n str| name.strip_prefix(before)?.strip_suffix(after).filter(|part| !part.is_empty());
    inputs.filter_map(|name| Some((name.to_owned(), captured(name)?.to_owned()))).collect()
}

fn instance(draw: &DrawSpec, captured: &str) -> DrawSpec {
    let mut draw = draw.clone();
    let name = |name: &mut Located<String>| name.value = name.value.replace('*', captured);
    for (condition, node) in &mut draw.conditions {
        name(condition);
        fill(node, captured);
    }
    draw.source.iter_mut().for_each(name);
    let nodes = draw.value.iter_mut().map(|(_, node)| node).chain(&mut draw.at_least).chain(&mut draw.at_most);
    nodes.for_each(|node| fill(node, captured));
    draw
}

fn fill(node: &mut Node, captured: &str) {
    match &mut node.kind {
        NodeKind::Text(text) => *text = text.replace('*', captured),
        NodeKind::Array(items) => items.iter_mut().for_each(|item| fill(item, captured)),
        NodeKind::Table(entries) => entries.iter_mut().for_each(|(_, item)| fill(item, captured)),
        NodeKind::Boolean(_) | NodeKind::Number(_) | NodeKind::Date(_) | NodeKind::Error => {}
    }
}
