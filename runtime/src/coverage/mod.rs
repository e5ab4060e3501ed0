//! `polc coverage`: what of the text is encoded, what examples exercise, and what has neither.

pub mod figures;
pub mod index;
pub mod points;
pub mod text;
pub mod watch;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use num_traits::{One as _, Zero as _};
use polc_compiler::num::integer;
use polc_compiler::typed::{Citation, ExprKind, Program, Rule, Years};
use polc_dsl::Span;
use serde::Serialize;

use crate::examples;
use crate::policy::Policy;
use crate::say;
use figures::{constants, expressions, found, is_derived};
use index::{Figure, Index};
use points::{Provision, ProvisionKind, provisions};
use watch::{Recorder, Watch};

/// What is covered, place by place in the order of the text, and in all.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub politique: String,
    /// Whether the policy has an index of figures.
    pub index: bool,
    pub resume: Summary,
    pub lieux: Vec<PlaceReport>,
    pub criteres_sans_exemple: Vec<Missing>,
    pub dispositions_jamais_calculees: Vec<Missing>,
    pub branches_jamais_prises: Vec<Missing>,
    pub seuils_d_un_seul_cote: Vec<Missing>,
    pub exemples_en_echec: usize,
}

/// Counts: how many there are, and how many of them are covered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ratio {
    pub sur: usize,
    pub couverts: usize,
}

impl Ratio {
    fn add(&mut self, covered: bool) {
        self.sur += 1;
        self.couverts += usize::from(covered);
    }

    fn of(items: impl Iterator<Item = bool>) -> Self {
        let mut ratio = Self::default();
        items.for_each(|covered| ratio.add(covered));
        ratio
    }
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Summary {
    /// Places of the index that a provision cites, or that a provision citing what is above takes in.
    pub lieux_cites: Ratio,
    pub dispositions: Ratio,
    pub criteres_verifies: Ratio,
    pub exemples: usize,
    pub lectures: usize,
    pub chiffres_encodes: Ratio,
    pub chiffres_hors_champ: usize,
    pub chiffres_sans_emploi: usize,
    pub branches: Ratio,
    pub seuils_des_deux_cotes: Ratio,
    pub seuils_a_la_valeur: Ratio,
}

/// An article, an annex, or an article of an annex.
#[derive(Clone, Debug, Serialize)]
pub struct PlaceReport {
    pub lieu: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub texte: Option<String>,
    /// Whether the index has it; true where there is no index.
    pub connu: bool,
    pub dispositions: Vec<String>,
    pub parametres: Vec<String>,
    pub lectures: Vec<String>,
    pub exemples: usize,
    pub chiffres: Vec<FigureReport>,
    pub branches: Ratio,
    pub seuils: Ratio,
}

#[derive(Clone, Debug, Serialize)]
pub struct FigureReport {
    pub chiffre: String,
    pub occurrences: u32,
    pub etat: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub motif: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// A provision that cites the place has it.
    Encode,
    /// No provision has it, and the reason is recorded.
    HorsChamp,
    SansEmploi,
}

/// Something that has no example, or not on each side.
#[derive(Clone, Debug, Serialize)]
pub struct Missing {
    pub disposition: String,
    pub place: String,
    pub texte: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manque: Option<String>,
}

/// Runs the examples of a policy, and says what they and its provisions cover.
#[must_use]
pub fn report(policy: &Policy, index: Option<&Index>) -> Report {
    let recorder = RefCell::new(Recorder::default());
    let tests = examples::watched(policy, Watch(Some(&recorder)));
    let recorder = recorder.into_inner();
    let provisions = provisions(policy, &recorder);
    let program = &policy.program;

    let used = index.map(|index| used(policy, index)).unwrap_or_default();
    let mut summary = Summary {
        exemples: tests.examples,
        lectures: program.readings.len(),
        criteres_verifies: Ratio::of(
            provisions.iter().filter(|p| p.kind == ProvisionKind::Criterion).map(|p| !p.examples.is_empty()),
        ),
        dispositions: Ratio::of(
            provisions.iter().filter(|p| p.kind != ProvisionKind::Parameter).map(|provision| provision.computed),
        ),
        branches: Ratio::of(provisions.iter().flat_map(|p| &p.branches).map(|branch| branch.taken)),
        seuils_des_deux_cotes: Ratio::of(provisions.iter().flat_map(|p| &p.thresholds).map(|t| t.both())),
        seuils_a_la_valeur: Ratio::of(provisions.iter().flat_map(|p| &p.thresholds).map(|t| t.at)),
        ..Summary::default()
    };
    let lieux = places(program, index).into_iter().map(|place| place_report(program, index, &provisions, &used, place));
    let lieux: Vec<PlaceReport> = lieux.collect();
    for place in &lieux {
        for figure in &place.chiffres {
            summary.chiffres_encodes.add(figure.etat == State::Encode);
            summary.chiffres_hors_champ += usize::from(figure.etat == State::HorsChamp);
            summary.chiffres_sans_emploi += usize::from(figure.etat == State::SansEmploi);
        }
        if place.connu {
            let covered = provisions.iter().flat_map(|p| &p.citations).any(|citation| {
                text_of(program, citation) == place.texte.as_deref() && index::covers(&citation.place, &place.lieu)
            });
            summary.lieux_cites.add(covered);
        }
    }
    let missing = |provision: &Provision, span, texte: String, manque| Missing {
        disposition: provision.name.clone(),
        place: policy.sources.place(span),
        texte,
        manque,
    };
    let whole = |provision: &Provision| missing(provision, provision.span, provision.title.clone(), None);
    Report {
        politique: program.name.to_string(),
        index: index.is_some(),
        resume: summary,
        lieux,
        criteres_sans_exemple: provisions
            .iter()
            .filter(|p| p.kind == ProvisionKind::Criterion && p.examples.is_empty())
            .map(whole)
            .collect(),
        dispositions_jamais_calculees: provisions.iter().filter(|p| !p.computed).map(whole).collect(),
        branches_jamais_prises: provisions
            .iter()
            .filter(|provision| provision.computed)
            .flat_map(|provision| {
                let missed = provision.branches.iter().filter(|branch| !branch.taken);
                missed.map(move |branch| missing(provision, branch.span, branch.text.clone(), None))
            })
            .collect(),
        seuils_d_un_seul_cote: provisions
            .iter()
            .filter(|provision| provision.computed)
            .flat_map(|provision| {
                let missed = provision.thresholds.iter().filter(|threshold| !threshold.both());
                missed.map(move |t| {
                    missing(provision, t.span, t.text.clone(), Some(say::side_seen(t.below, t.at, t.above)))
                })
            })
            .collect(),
        exemples_en_echec: tests.failures.len(),
    }
}

/// The text of a reference, where the policy and its amendments cite several.
fn text_of<'p>(program: &'p Program, citation: &'p Citation) -> Option<&'p str> {
    let (first, _) = program.texts.first().filter(|_| program.texts.len() > 1)?;
    Some(citation.text.as_deref().unwrap_or(first))
}

/// A place of the report: its text where the policy cites several, its name, its rank in the index.
#[derive(Clone, Debug)]
struct At {
    text: Option<String>,
    name: String,
    rank: Option<usize>,
}

/// The places of the index, in its order; then those that are cited and not in it, or all that are cited where there is no
/// index, in the order of their numbers.
fn places(program: &Program, index: Option<&Index>) -> Vec<At> {
    let several = program.texts.len() > 1;
    let mut result: Vec<At> = index
        .iter()
        .flat_map(|index| index.places.iter().enumerate())
        .map(|(rank, place)| At {
            text: several.then(|| place.text.clone()),
            name: place.name.clone(),
            rank: Some(rank),
        })
        .collect();
    let known: BTreeSet<(Option<String>, String)> =
        result.iter().map(|at| (at.text.clone(), at.name.clone())).collect();
    let cited: BTreeSet<(Option<String>, Vec<Part>, String)> = figures::cited(program)
        .into_iter()
        .flat_map(|(citations, _)| citations)
        .map(|citation| {
            (text_of(program, citation).map(str::to_owned), parts(&citation.place), citation.place.to_string())
        })
        .filter(|(text, _, name)| !known.contains(&(text.clone(), name.clone())))
        .collect();
    result.extend(cited.into_iter().map(|(text, _, name)| At { text, name, rank: None }));
    result
}

/// « article 15.6.4 » by its words and numbers, so that 2 comes before 10.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u64),
    Word(String),
}

fn parts(place: &str) -> Vec<Part> {
    let pieces = place.split([' ', '.']).filter(|piece| !piece.is_empty());
    pieces.map(|piece| piece.parse().map_or_else(|_| Part::Word(piece.to_owned()), Part::Number)).collect()
}

fn place_report(
    program: &Program,
    index: Option<&Index>,
    provisions: &[Provision],
    used: &BTreeSet<usize>,
    at: At,
) -> PlaceReport {
    let cites = |citations: &[Citation]| {
        citations.iter().any(|c| *c.place == *at.name && text_of(program, c) == at.text.as_deref())
    };
    let here: Vec<&Provision> = provisions.iter().filter(|provision| cites(&provision.citations)).collect();
    let names = |parameters: bool| {
        let mut names: Vec<String> = Vec::new();
        for provision in here.iter().filter(|p| (p.kind == ProvisionKind::Parameter) == parameters) {
            if !names.contains(&provision.name) {
                names.push(provision.name.clone());
            }
        }
        names
    };
    let mut tried: BTreeSet<Span> = here.iter().flat_map(|provision| provision.examples.iter().copied()).collect();
    tried.extend(program.examples.iter().filter(|example| cites(&example.citations)).map(|example| example.span));
    let readings = program.readings.iter().filter(|r| cites(&r.citations) || cites(&r.in_conflict));
    let entries = index.iter().flat_map(|index| index.entries.iter().enumerate());
    let chiffres = entries
        .filter(|(_, entry)| Some(entry.place) == at.rank && !goes_without_saying(&entry.figure, &entry.unit))
        .map(|(rank, entry)| {
            let cited = || entry.is_cited().then(say::date_of_a_cited_text);
            let reason = entry.reason.clone().or_else(cited);
            let state = match (used.contains(&rank), &reason) {
                (true, _) => State::Encode,
                (false, Some(_)) => State::HorsChamp,
                (false, None) => State::SansEmploi,
            };
            FigureReport {
                chiffre: entry.shown(),
                occurrences: entry.occurrences,
                etat: state,
                motif: if state == State::HorsChamp { reason } else { None },
            }
        });
    PlaceReport {
        connu: index
            .is_none_or(|index| !index.has_text(at.text.as_deref()) || index.knows(at.text.as_deref(), &at.name)),
        dispositions: names(false),
        parametres: names(true),
        lectures: readings.map(|reading| reading.name.to_string()).collect(),
        exemples: tried.len(),
        chiffres: chiffres.collect(),
        branches: Ratio::of(here.iter().flat_map(|p| &p.branches).map(|branch| branch.taken)),
        seuils: Ratio::of(here.iter().flat_map(|p| &p.thresholds).map(|t| t.both())),
        lieu: at.name,
        texte: at.text,
    }
}

/// None and one: the text cannot speak without them.
fn goes_without_saying(figure: &Figure, unit: &str) -> bool {
    matches!(figure, Figure::Number(value) if value.is_zero() || (value.is_one() && unit != "%"))
}

/// The figures of the index that a provision has, among those of the places it cites.
fn used(policy: &Policy, index: &Index) -> BTreeSet<usize> {
    let program = &policy.program;
    let currency = &program.currency.symbol;
    let constants = constants(&policy.sources, program);
    let mut by_place: BTreeMap<Span, Vec<&figures::Constant>> = BTreeMap::new();
    for constant in &constants {
        by_place.entry(constant.span).or_default().push(constant);
    }
    let mut used = BTreeSet::new();
    for constant in constants.iter().chain(&figures::examples(program)) {
        used.extend(found(constant, index, currency));
    }
    for parameter in &program.parameters {
        for (years, _) in &parameter.values {
            used.extend(years_of(*years, &parameter.citations, index));
        }
    }
    for quantity in program.quantities.iter().filter(|quantity| !is_derived(quantity.kind)) {
        for derogation in &quantity.derogations {
            used.extend(years_of(derogation.years, &derogation.citations, index));
        }
        for rule in &quantity.rules {
            used.extend(years_of(rule.years, &rule.citations, index));
            used.extend(read_parameters(program, rule, &by_place, index));
        }
    }
    used
}

/// A parameter serves the articles of the provisions that read it, besides its own.
fn read_parameters(
    program: &Program,
    rule: &Rule,
    constants: &BTreeMap<Span, Vec<&figures::Constant>>,
    index: &Index,
) -> Vec<usize> {
    let mut result = Vec::new();
    for (expr, citations) in expressions(rule) {
        expr.walk(&mut |expr| {
            let ExprKind::Parameter(id) = &expr.kind else { return };
            for constant in constants.get(&program.parameter(*id).span).into_iter().flatten() {
                let constant = figures::Constant { citations: citations.clone(), ..(*constant).clone() };
                result.extend(found(&constant, index, &program.currency.symbol));
            }
        });
    }
    result
}

/// The dates and years of the places cited that a period in force starts or ends with, or holds.
fn years_of(years: Years, citations: &[Citation], index: &Index) -> Vec<usize> {
    let (first, last) = (years.first, years.last);
    let start = |year: i64| year == first && first > i64::MIN;
    let end = |year: i64| year == last && last < i64::MAX;
    let bounded = first > i64::MIN && last < i64::MAX;
    let mut result = Vec::new();
    for citation in citations {
        for (rank, entry) in index.figures(citation.text.as_deref(), &citation.place) {
            let holds = match &entry.figure {
                Figure::Number(year) if entry.unit == "année" => {
                    bounded && *year >= integer(first) && *year <= integer(last)
                        || [first, last].iter().any(|bound| *year == integer(*bound))
                }
                Figure::Day { year, month: 1, day: 1 } | Figure::Month { year, month: 1 } => start(*year),
                Figure::Day { year, month: 12, day: 31 } => end(*year) || (first > i64::MIN && *year + 1 == first),
                _ => false,
            };
            if holds {
                result.push(rank);
            }
        }
    }
    result
}
