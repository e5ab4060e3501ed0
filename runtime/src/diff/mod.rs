//! What two versions of a policy say differently: provisions, figures, dates, readings. Only what is written counts: a
//! provision that reads another figure than before is not different itself.

mod facets;
pub mod text;
mod words;

use std::collections::BTreeMap;

use polc_compiler::typed::{Citation, Parameter, Program};
use serde::Serialize;

use crate::explain::phrases::Phrases;
use crate::impact::End;
use crate::policy::Policy;
use facets::{Block, controls, derogation, enumeration, input, reading, rule};

/// The form of the JSON report.
pub const SCHEMA: &str = "polc-diff-1";

/// The differences, in the order of the second version; what it does not have any more comes last.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    #[serde(rename = "forme")]
    pub schema: &'static str,
    #[serde(rename = "politique")]
    pub policy: String,
    #[serde(rename = "titre")]
    pub title: String,
    #[serde(rename = "avant")]
    pub before: Side,
    #[serde(rename = "apres")]
    pub after: Side,
    #[serde(rename = "changements")]
    pub changes: Vec<Change>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Side {
    pub version: String,
    #[serde(rename = "droit")]
    pub law: Option<String>,
}

/// A declaration that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    #[serde(rename = "changement")]
    pub verb: Verb,
    /// « paramètre », « versement »…
    #[serde(rename = "sorte")]
    pub kind: &'static str,
    #[serde(rename = "nom")]
    pub name: String,
    #[serde(rename = "titre")]
    pub title: String,
    pub references: Vec<String>,
    /// File, line and column of the declaration; of the first version for one removed.
    #[serde(rename = "lieu")]
    pub place: String,
    pub aspects: Vec<Aspect>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    #[serde(rename = "ajout")]
    Added,
    #[serde(rename = "suppression")]
    Removed,
    #[serde(rename = "remplacement")]
    Changed,
}

/// What differs of a declaration, or what one that only one version has says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Aspect {
    #[serde(rename = "aspect")]
    pub name: String,
    #[serde(rename = "avant")]
    pub before: Option<String>,
    #[serde(rename = "apres")]
    pub after: Option<String>,
}

/// A declaration, as facets that are compared one by one.
struct Entry {
    kind: &'static str,
    name: String,
    title: String,
    citations: Vec<Citation>,
    place: String,
    /// Of a parameter, its values by year; else its rules, its cases…
    content: Content,
}

enum Content {
    Values(BTreeMap<i64, String>),
    Blocks(Vec<Block>),
}

/// Compares two versions.
#[must_use]
pub fn difference(before: &Policy, after: &Policy, ends: [&End; 2]) -> Difference {
    // Where one version cites several texts, an article alone says too little.
    let named = before.program.texts.len() > 1 || after.program.texts.len() > 1;
    let (old, new) = (entries(before, named), entries(after, named));
    let find = |list: &[Entry], entry: &Entry| list.iter().position(|e| e.kind == entry.kind && e.name == entry.name);
    let mut changes = Vec::new();
    for entry in &new {
        changes.extend(match find(&old, entry) {
            None => Some(change(entry, Verb::Added, alone(entry, Verb::Added))),
            Some(place) => {
                let aspects = aspects(&old[place], entry);
                (!aspects.is_empty()).then(|| change(entry, Verb::Changed, aspects))
            }
        });
    }
    let gone = old.iter().filter(|entry| find(&new, entry).is_none());
    changes.extend(gone.map(|entry| change(entry, Verb::Removed, alone(entry, Verb::Removed))));
    let side = |end: &End| Side { version: end.asked.clone(), law: end.law.clone() };
    Difference {
        schema: SCHEMA,
        policy: after.program.name.to_string(),
        title: after.program.title.to_string(),
        before: side(ends[0]),
        after: side(ends[1]),
        changes,
    }
}

fn change(entry: &Entry, verb: Verb, aspects: Vec<Aspect>) -> Change {
    Change {
        verb,
        kind: entry.kind,
        name: entry.name.clone(),
        title: entry.title.clone(),
        references: entry.citations.iter().map(ToString::to_string).collect(),
        place: entry.place.clone(),
        aspects,
    }
}

/// All that a declaration says.
fn alone(entry: &Entry, verb: Verb) -> Vec<Aspect> {
    let aspect = |name: String, text: String| match verb {
        Verb::Removed => Aspect { name, before: Some(text), after: None },
        _ => Aspect { name, before: None, after: Some(text) },
    };
    match &entry.content {
        Content::Values(values) => {
            let series = values.iter().map(|(year, value)| (*year, value.clone()));
            runs(series).into_iter().map(|(first, last, value)| aspect(words::years(first, last), value)).collect()
        }
        Content::Blocks(blocks) => {
            // The headline has them.
            let told = |name: &str| facets::is_hidden(name) || (blocks.len() == 1 && facets::is_in_headline(name));
            let facets = blocks.iter().flatten().filter(|(name, _)| !told(name));
            facets.map(|(name, text)| aspect((*name).to_owned(), text.clone())).collect()
        }
    }
}

fn aspects(before: &Entry, after: &Entry) -> Vec<Aspect> {
    match (&before.content, &after.content) {
        (Content::Values(old), Content::Values(new)) => {
            let years = old.keys().chain(new.keys()).copied().collect::<std::collections::BTreeSet<i64>>();
            let pairs = years.into_iter().map(|year| (year, (old.get(&year).cloned(), new.get(&year).cloned())));
            let differ = runs(pairs).into_iter().filter(|(_, _, (old, new))| old != new);
            let mut result: Vec<Aspect> = differ
                .map(|(first, last, (before, after))| Aspect { name: words::years(first, last), before, after })
                .collect();
            let cited = |entry: &Entry| entry.citations.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            if cited(before) != cited(after) {
                result.push(Aspect {
                    name: words::references().to_owned(),
                    before: Some(cited(before)),
                    after: Some(cited(after)),
                });
            }
            result
        }
        (Content::Blocks(old), Content::Blocks(new)) => blocks(old, new),
        _ => Vec::new(),
    }
}

/// The facets that differ, of what is on one side only: each rule of the second version beside the one of the first that it
/// resembles most.
fn blocks(old: &[Block], new: &[Block]) -> Vec<Aspect> {
    let gone: Vec<&Block> = old.iter().filter(|block| !new.contains(block)).collect();
    let come: Vec<&Block> = new.iter().filter(|block| !old.contains(block)).collect();
    let alike = |a: &Block, b: &Block| a.iter().filter(|facet| b.contains(facet)).count();
    let mut matched = vec![false; gone.len()];
    let mut result = Vec::new();
    for block in &come {
        // The first of those that resemble it as much.
        let closest = (0..gone.len()).rev().max_by_key(|rank| alike(gone[*rank], block));
        let aspects = match closest {
            Some(rank) => {
                matched[rank] = true;
                side_by_side(gone[rank], block)
            }
            None => shown(block).map(|(name, text)| Aspect { name, before: None, after: Some(text) }).collect(),
        };
        result.extend(aspects.into_iter().map(|aspect| within(aspect, block, come.len())));
    }
    for (block, _) in gone.iter().zip(&matched).filter(|(_, matched)| !**matched) {
        let aspects = shown(block).map(|(name, text)| Aspect { name, before: Some(text), after: None });
        result.extend(aspects.map(|aspect| within(aspect, block, gone.len())));
    }
    result
}

fn shown(block: &Block) -> impl Iterator<Item = (String, String)> {
    let facets = block.iter().filter(|(name, _)| !facets::is_hidden(name) && !facets::is_in_headline(name));
    facets.map(|(name, text)| ((*name).to_owned(), text.clone()))
}

/// One of several rules is known by its years.
fn within(aspect: Aspect, block: &Block, rules: usize) -> Aspect {
    let years = block.iter().find(|(name, _)| *name == words::in_force()).map(|(_, text)| text);
    match years.filter(|_| rules > 1 && aspect.name != words::in_force()) {
        Some(years) => Aspect { name: format!("{} ({years})", aspect.name), ..aspect },
        None => aspect,
    }
}

/// Lines of a facet beyond which only those that differ are told.
const FEW_LINES: usize = 3;

fn side_by_side(old: &Block, new: &Block) -> Vec<Aspect> {
    let texts = |block: &Block, name: &str| -> Vec<String> {
        block.iter().filter(|(known, _)| *known == name).map(|(_, text)| text.clone()).collect()
    };
    let joined = |texts: &[String]| (!texts.is_empty()).then(|| texts.join(" ; "));
    let mut names: Vec<&'static str> = Vec::new();
    for (name, _) in old.iter().chain(new) {
        if !names.contains(name) {
            names.push(name);
        }
    }
    let differ: Vec<Aspect> = names
        .into_iter()
        .filter_map(|name| {
            let (mut before, mut after) = (texts(old, name), texts(new, name));
            if before == after {
                return None;
            }
            if before.len().max(after.len()) > FEW_LINES {
                let (all_before, all_after) = (before.clone(), after.clone());
                before.retain(|text| !all_after.contains(text));
                after.retain(|text| !all_before.contains(text));
            }
            // Nothing is left where only their order differs.
            let some = !(before.is_empty() && after.is_empty());
            some.then(|| Aspect { name: name.to_owned(), before: joined(&before), after: joined(&after) })
        })
        .collect();
    // Figures are in the formulas: they are told only where these are written alike.
    let told: Vec<Aspect> = differ.iter().filter(|aspect| !facets::is_hidden(&aspect.name)).cloned().collect();
    let formulas = |aspect: &Aspect| facets::has_figures(&aspect.name);
    if told.iter().any(formulas) { told } else { differ }
}

/// Consecutive years with the same thing.
fn runs<T: PartialEq>(series: impl Iterator<Item = (i64, T)>) -> Vec<(i64, i64, T)> {
    let mut result: Vec<(i64, i64, T)> = Vec::new();
    for (year, value) in series {
        match result.last_mut() {
            Some((_, last, known)) if *known == value && *last + 1 == year => *last = year,
            _ => result.push((year, year, value)),
        }
    }
    result
}

/// All the declarations of a version that amounts or the reading of data depend on.
fn entries(policy: &Policy, named: bool) -> Vec<Entry> {
    let program = &with_texts(&policy.program, named);
    let phrases = Phrases::of(policy);
    let place = |span| policy.sources.place(span);
    let mut result = Vec::new();
    for of in &program.enumerations {
        result.push(Entry {
            kind: words::enumeration(),
            name: of.name.to_string(),
            title: of.title.to_string(),
            citations: Vec::new(),
            place: String::new(),
            content: Content::Blocks(vec![enumeration(of)]),
        });
    }
    for of in &program.inputs {
        result.push(Entry {
            kind: words::input(),
            name: of.name.to_string(),
            title: of.meaning.to_string(),
            citations: Vec::new(),
            place: place(of.span),
            content: Content::Blocks(vec![input(program, of)]),
        });
    }
    for of in &program.parameters {
        result.push(Entry {
            kind: words::parameter(),
            name: of.name.to_string(),
            title: of.title.to_string(),
            citations: of.citations.clone(),
            place: place(of.span),
            content: Content::Values(values(program, &phrases, of)),
        });
    }
    for of in &program.quantities {
        let mut citations: Vec<Citation> = Vec::new();
        for citation in of.rules.iter().flat_map(|rule| &rule.citations) {
            if !citations.contains(citation) {
                citations.push(citation.clone());
            }
        }
        result.push(Entry {
            kind: words::quantity(of.kind),
            name: of.name.to_string(),
            title: of.title.to_string(),
            citations,
            place: place(of.span),
            content: Content::Blocks(of.rules.iter().map(|one| rule(program, &phrases, of, one)).collect()),
        });
        for one in &of.derogations {
            result.push(Entry {
                kind: words::derogation(),
                name: one.name.to_string(),
                title: one.title.to_string(),
                citations: one.citations.clone(),
                place: place(one.span),
                content: Content::Blocks(vec![derogation(&phrases, of, one)]),
            });
        }
    }
    for of in &program.readings {
        result.push(Entry {
            kind: words::reading(),
            name: of.name.to_string(),
            title: of.question.to_string(),
            citations: of.citations.clone(),
            place: place(of.span),
            content: Content::Blocks(vec![reading(of)]),
        });
    }
    for (of, block) in controls(program, &phrases) {
        result.push(Entry {
            kind: words::control(),
            name: of.name.to_string(),
            title: of.title.to_string(),
            citations: of.citations.clone(),
            place: place(of.span),
            content: Content::Blocks(vec![block]),
        });
    }
    result
}

/// The same program, in which a citation has the name of its text also where there is only one.
fn with_texts(program: &Program, named: bool) -> Program {
    let mut program = program.clone();
    let [(only, _)] = &program.texts[..] else { return program };
    let only = named.then(|| only.clone());
    let name = |citations: &mut Vec<Citation>| {
        citations.iter_mut().for_each(|citation| citation.text.clone_from(&only));
    };
    program.parameters.iter_mut().for_each(|parameter| name(&mut parameter.citations));
    for quantity in &mut program.quantities {
        quantity.rules.iter_mut().for_each(|rule| name(&mut rule.citations));
        quantity.derogations.iter_mut().for_each(|derogation| name(&mut derogation.citations));
    }
    program.readings.iter_mut().for_each(|reading| name(&mut reading.citations));
    program.controls.iter_mut().for_each(|control| name(&mut control.citations));
    program
}

/// The value of each year that the policy covers.
fn values(program: &Program, phrases: &Phrases<'_>, parameter: &Parameter) -> BTreeMap<i64, String> {
    let years = program.years.0..=program.years.1;
    let value = |year| Some((year, phrases.value(parameter, parameter.value(year)?)));
    years.filter_map(value).collect()
}
