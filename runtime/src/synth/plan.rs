//! A profile confronted with a policy: every name resolved, every value of the type of its column, in an order where each
//! draw finds what it depends on.

use std::collections::BTreeMap;
use std::sync::Arc;

use num_traits::ToPrimitive as _;
use polc_compiler::calendar::Date;
use polc_compiler::num::{Ratio, integer};
use polc_compiler::typed::{self, Input, Program, Type};

use super::messages::{self, ProfileError};
use super::pattern;
use super::profile::{
    self, DECIMALS, DrawKey, DrawSpec, Keep, Located, Node, NodeKind, Presence, Profile, SlotSpec, UNIT, parse_number,
};
use super::random::hash_bytes;

/// What a cell holds. Numbers are whole millionths, dates days since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    Empty,
    Number(i64),
    Boolean(bool),
    Date(i32),
    Case(u16),
}

#[derive(Clone, Debug)]
pub struct Plan {
    pub presence: Presence,
    pub empty_defaults: u16,
    pub slots: Vec<Slot>,
    /// Slots in the order to draw them.
    pub order: Vec<usize>,
    /// By input of the policy.
    pub columns: Vec<Column>,
}

#[derive(Clone, Debug)]
pub struct Column {
    pub name: Arc<str>,
    pub content: Content,
}

#[derive(Clone, Debug)]
pub enum Content {
    Empty,
    Slot(usize),
    Key(Pattern),
}

/// A key: a text whose `#` are the digits of a number that no other subject has.
#[derive(Clone, Debug)]
pub struct Pattern {
    pub text: Arc<str>,
    pub hash: u64,
    /// 10 to the number of digits.
    pub capacity: u64,
    pub number: bool,
}

/// A column or a variable.
#[derive(Clone, Debug)]
pub struct Slot {
    pub name: Arc<str>,
    pub hash: u64,
    pub kind: Kind,
    /// What the others read where the cell is empty.
    pub default: Value,
    pub draws: Vec<Draw>,
}

#[derive(Clone, Debug)]
pub enum Kind {
    Number {
        step: i64,
        low: i64,
        high: i64,
        decimals: u32,
    },
    Boolean,
    Date,
    Cases(Vec<Arc<str>>),
    /// The texts of the profile, drawn as cases are.
    Texts(Vec<Arc<str>>),
}

#[derive(Clone, Debug)]
pub struct Draw {
    pub years: Option<(i64, i64)>,
    pub conditions: Vec<Condition>,
    pub formula: Formula,
    pub once: bool,
    pub keep: Option<Keep>,
    pub growth: Option<(i64, i64)>,
    pub noise: i64,
    pub at_least: Option<Bound>,
    pub at_most: Option<Bound>,
    pub empty: u16,
}

#[derive(Clone, Debug)]
pub struct Condition {
    pub slot: usize,
    pub test: Test,
}

#[derive(Clone, Debug)]
pub enum Test {
    Boolean(bool),
    Cases(Vec<u16>),
    Number { min: Option<i64>, max: Option<i64> },
    Date { min: Option<Anchor>, max: Option<Anchor> },
}

#[derive(Clone, Debug)]
pub enum Formula {
    Empty,
    Constant(Value),
    Chance(u16),
    /// Each value after the sum of the weights up to it.
    Choice(Vec<(u64, Value)>),
    Quantiles(Distribution),
    Factor(usize, Distribution),
    Sum(Vec<usize>),
    Product(Vec<usize>),
    PerYear(BTreeMap<i64, Value>),
    Date(Anchor, Anchor),
    Days(Anchor, Anchor),
}

/// Values at ranks from 0 to 1000 per mille, even between two.
pub type Distribution = Vec<(u16, i64)>;

#[derive(Clone, Copy, Debug)]
pub enum Bound {
    Number(i64),
    Slot(usize),
}

/// A date, or a number of months and days from one that the row gives.
#[derive(Clone, Copy, Debug)]
pub struct Anchor {
    pub slot: Option<usize>,
    pub months: i32,
    pub days: i32,
}

/// Slots that the generator fills itself, before the others.
pub const YEAR: usize = 0;
pub const FIRST_YEAR: usize = 1;
pub const SENIORITY: usize = 2;
pub const ENTRY: usize = 3;
pub const START: usize = 4;
pub const END: usize = 5;

const BUILT_IN: [(&str, Kind); 6] = [
    // Named as the policy names its year.
    ("", Kind::Number { step: UNIT, low: 0, high: i64::MAX, decimals: 0 }),
    ("@premiere_annee", Kind::Number { step: UNIT, low: 0, high: i64::MAX, decimals: 0 }),
    ("@anciennete", Kind::Number { step: UNIT, low: 0, high: i64::MAX, decimals: 0 }),
    ("@entree", Kind::Date),
    ("@exercice", Kind::Date),
    ("@cloture", Kind::Date),
];

impl Kind {
    /// With its article, for a sentence.
    fn words(&self) -> String {
        match self {
            Self::Number { .. } => "un nombre".to_owned(),
            Self::Boolean => "un booléen (true ou false)".to_owned(),
            Self::Date => "une date".to_owned(),
            Self::Cases(cases) => format!("un cas parmi {}", cases.join(", ")),
            Self::Texts(_) => "un texte".to_owned(),
        }
    }
}

/// Confronts a profile with a policy.
pub fn plan(program: &Program, profile: &Profile, subjects: usize) -> Result<Plan, Vec<ProfileError>> {
    let mut problems = Vec::new();
    let inputs = program.inputs.iter().map(|input| &*input.name);
    let profile = &Profile { slots: pattern::expand(&profile.slots, inputs, &mut problems), ..profile.clone() };
    let mut binder = Binder { program, profile, problems, slots: Vec::new(), index: BTreeMap::new() };
    let plan = binder.plan(subjects);
    binder.problems.sort_by_key(|problem| problem.line);
    // What is wrong with a pattern is wrong for each of its columns.
    binder.problems.dedup();
    if binder.problems.is_empty() { Ok(plan) } else { Err(binder.problems) }
}

struct Binder<'p> {
    program: &'p Program,
    profile: &'p Profile,
    problems: Vec<ProfileError>,
    slots: Vec<Slot>,
    /// Slots by name.
    index: BTreeMap<String, usize>,
}

impl Binder<'_> {
    fn plan(&mut self, subjects: usize) -> Plan {
        let profile = self.profile;
        let mut columns: Vec<Column> = self
            .program
            .inputs
            .iter()
            .map(|input| Column { name: input.name.clone(), content: Content::Empty })
            .collect();
        self.built_in_slots();
        columns[self.program.year.index()].content = Content::Slot(YEAR);
        let mut specs = Vec::new();
        for spec in &profile.slots {
            if let Some(pattern) = self.pattern(spec, subjects) {
                let id = self.program.find_input(&spec.name);
                if let Some(id) = id {
                    columns[id.index()].content = Content::Key(pattern);
                }
            } else if let Some(slot) = self.declare(spec) {
                if let Some(id) = self.program.find_input(&spec.name) {
                    columns[id.index()].content = Content::Slot(slot);
                }
                specs.push((slot, spec));
            }
        }
        for (slot, spec) in &specs {
            self.slots[*slot].draws = self.draws(*slot, spec);
        }
        self.check_policy(&columns, subjects);
        let order = self.order(&specs);
        Plan {
            presence: profile.presence.clone(),
            empty_defaults: profile.empty_defaults,
            slots: std::mem::take(&mut self.slots),
            order,
            columns,
        }
    }

    fn built_in_slots(&mut self) {
        let year = &self.program.input(self.program.year).name;
        for (name, kind) in BUILT_IN {
            let name: Arc<str> = if name.is_empty() { year.clone() } else { name.into() };
            self.index.insert(name.to_string(), self.slots.len());
            self.slots.push(Slot { name, hash: 0, kind, default: Value::Empty, draws: Vec::new() });
        }
    }

    /// What the policy demands of the profile as a whole.
    fn check_policy(&mut self, columns: &[Column], subjects: usize) {
        let program = self.program;
        let (first, last) = program.years;
        let presence = &self.profile.presence;
        if presence.years.0 < first || presence.years.1 > last {
            self.problems.push(messages::years_outside(presence.line, first, last));
        }
        for (input, column) in program.inputs.iter().zip(columns) {
            let drawn = self.profile.slots.iter().any(|spec| !spec.hidden && *spec.name == *input.name);
            let needed = input.default.is_none() && !input.optional;
            if needed && matches!(column.content, Content::Empty) && !drawn {
                self.problems.push(messages::undrawn_column(&input.name));
            }
        }
        let mut keys = program.key.iter().filter(|id| **id != program.year).peekable();
        match keys.peek() {
            None if subjects > 1 => self.problems.push(messages::key_without_subject()),
            Some(first) => {
                let name = &program.input(**first).name;
                let path = format!("colonnes.{name}");
                let known = self.problems.iter().any(|problem| problem.key.starts_with(&path));
                if !known && !keys.any(|id| matches!(columns[id.index()].content, Content::Key(_))) {
                    self.problems.push(messages::no_pattern(name));
                }
            }
            None => {}
        }
    }

    // ------------------------------------------------------------------------------------------------- declarations

    /// The pattern of a key; `None` for a column that is drawn otherwise.
    fn pattern(&mut self, spec: &SlotSpec, subjects: usize) -> Option<Pattern> {
        let draw = spec.draws.iter().find(|draw| matches!(draw.value, Some((DrawKey::Pattern, _))))?;
        let (_, node) = draw.value.as_ref()?;
        let input = self.program.find_input(&spec.name).map(|id| self.program.input(id));
        if input.is_none() && !spec.hidden {
            // An unknown column, whatever its draw.
            return None;
        }
        let NodeKind::Text(text) = &node.kind else {
            self.problems.push(messages::expected(node, "un texte entre guillemets"));
            return None;
        };
        let plain = draw.kinds.is_none()
            && draw.years.is_none()
            && draw.conditions.is_empty()
            && !draw.once
            && draw.keep.is_none()
            && draw.growth.is_none()
            && draw.noise.is_none()
            && draw.at_least.is_none()
            && draw.at_most.is_none()
            && draw.empty == 0;
        if !plain || spec.draws.len() > 1 {
            self.problems.push(messages::pattern_alone(draw.line, &draw.path));
        }
        let digits = text.chars().filter(|c| *c == '#').count();
        if digits == 0 {
            self.problems.push(messages::pattern_without_digits(node));
        }
        let capacity = 10u64.saturating_pow(digits as u32);
        if digits > 0 && subjects as u64 > capacity {
            self.problems.push(messages::too_many_subjects(node, subjects, capacity));
        }
        let number = match input {
            Some(Input { ty: Type::Text, .. }) => false,
            Some(input @ Input { ty: Type::Number(_), decimals: 0, .. }) => {
                self.number_pattern(node, text, input);
                true
            }
            Some(_) | None => {
                self.problems.push(messages::pattern_and_text(spec.line, &spec.path));
                false
            }
        };
        Some(Pattern { text: text.as_str().into(), hash: hash_bytes(spec.name.as_bytes()), capacity, number })
    }

    fn number_pattern(&mut self, node: &Node, text: &str, input: &Input) {
        for digit in ["0", "9"] {
            let Some(value) = parse_number(&text.replace('#', digit)) else {
                self.problems.push(messages::expected(node, "des chiffres et des « # »"));
                return;
            };
            let (low, high) = range(input);
            if value < low || value > high {
                self.problems.push(messages::outside_range(node, value, low, high));
                return;
            }
        }
    }

    fn declare(&mut self, spec: &SlotSpec) -> Option<usize> {
        let id = self.program.find_input(&spec.name);
        let (kind, default) = match id {
            Some(_) if spec.hidden => {
                self.problems.push(messages::variable_is_a_column(spec.line, &spec.path));
                return None;
            }
            None if !spec.hidden => {
                let inputs = self.program.inputs.iter().map(|input| &*input.name);
                self.problems.push(messages::unknown_column(spec.line, &spec.path, &spec.name, inputs));
                return None;
            }
            Some(id) if id == self.program.year => {
                self.problems.push(messages::year_is_drawn(spec.line, &spec.path));
                return None;
            }
            Some(id) => {
                let input = self.program.input(id);
                (self.input_kind(spec, input)?, default(input))
            }
            None => (variable_kind(spec), Value::Empty),
        };
        let slot = self.slots.len();
        self.index.insert(spec.name.clone(), slot);
        let hash = hash_bytes(spec.name.as_bytes());
        self.slots.push(Slot { name: spec.name.as_str().into(), hash, kind, default, draws: Vec::new() });
        Some(slot)
    }

    fn input_kind(&mut self, spec: &SlotSpec, input: &Input) -> Option<Kind> {
        Some(match &input.ty {
            Type::Number(_) if input.decimals > DECIMALS => {
                self.problems.push(messages::unsupported_decimals(spec.line, &spec.path, input.decimals));
                return None;
            }
            Type::Number(_) => {
                let (low, high) = range(input);
                Kind::Number { step: 10i64.pow(DECIMALS - input.decimals), low, high, decimals: input.decimals }
            }
            Type::Boolean | Type::Error => Kind::Boolean,
            Type::Date => Kind::Date,
            Type::Enumeration(id) => {
                Kind::Cases(self.program.enumeration(*id).cases.iter().map(|(name, _)| name.clone()).collect())
            }
            Type::Text => Kind::Texts(match variable_kind(spec) {
                Kind::Cases(texts) => texts,
                _ => Vec::new(),
            }),
        })
    }

    // -------------------------------------------------------------------------------------------------------- draws

    fn draws(&mut self, slot: usize, spec: &SlotSpec) -> Vec<Draw> {
        let mut draws: Vec<Draw> = Vec::new();
        for draw in &spec.draws {
            if draws.last().is_some_and(|last| last.years.is_none() && last.conditions.is_empty()) {
                self.problems.push(messages::never_drawn(draw.line, &draw.path));
            }
            draws.extend(self.draw(slot, draw));
        }
        draws
    }

    fn draw(&mut self, slot: usize, spec: &DrawSpec) -> Option<Draw> {
        let mut conditions = Vec::new();
        if let Some(names) = &spec.kinds {
            conditions.extend(self.kinds(spec, names));
        }
        for (name, node) in &spec.conditions {
            conditions.extend(self.condition(name, node));
        }
        let number = matches!(self.slots[slot].kind, Kind::Number { .. });
        let numeric = [
            ("croissance", spec.growth.is_some()),
            ("bruit", spec.noise.is_some()),
            ("au_moins", spec.at_least.is_some()),
            ("au_plus", spec.at_most.is_some()),
        ];
        for (key, _) in numeric.iter().filter(|(_, there)| *there && !number) {
            self.problems.push(messages::only_for(spec.line, &spec.path, key, "un nombre"));
        }
        if matches!(spec.keep, Some(Keep::Boolean { .. })) && !matches!(self.slots[slot].kind, Kind::Boolean) {
            self.problems.push(messages::only_for(spec.line, &spec.path, "garde = { vrai, faux }", "un booléen"));
        }
        if spec.noise.is_some_and(|noise| !(0..=UNIT).contains(&noise)) {
            self.problems.push(messages::bad_noise(spec.line, &spec.path));
        }
        if spec.growth.is_some_and(|(low, high)| low < -UNIT || high > 100 * UNIT) {
            self.problems.push(messages::bad_growth(spec.line, &spec.path));
        }
        let is_key = self.program.find_input(&self.slots[slot].name).is_some_and(|id| self.program.key.contains(&id));
        if is_key && spec.empty > 0 {
            self.problems.push(messages::empty_without_default(spec.line, &spec.path));
        }
        let formula = match &spec.value {
            Some((key, node)) => self.formula(slot, spec, *key, node)?,
            None => Formula::Empty,
        };
        Some(Draw {
            years: spec.years,
            conditions,
            formula,
            once: spec.once,
            keep: spec.keep,
            growth: spec.growth,
            noise: spec.noise.unwrap_or(0),
            at_least: spec.at_least.as_ref().and_then(|node| self.bound(slot, node)),
            at_most: spec.at_most.as_ref().and_then(|node| self.bound(slot, node)),
            empty: spec.empty,
        })
    }

    fn kinds(&mut self, spec: &DrawSpec, names: &[Located<String>]) -> Option<Condition> {
        let profile = self.profile;
        let Some(kind) = &profile.kind else {
            self.problems.push(messages::no_kind(spec.line, &spec.path));
            return None;
        };
        let slot = self.resolve(&kind.value, kind.line, &kind.path)?;
        let (Kind::Cases(cases) | Kind::Texts(cases)) = &self.slots[slot].kind else {
            self.problems.push(messages::no_kind(kind.line, &kind.path));
            return None;
        };
        let cases = cases.clone();
        let ranks = names.iter().filter_map(|name| self.case(&cases, &name.value, name.line, &name.path));
        Some(Condition { slot, test: Test::Cases(ranks.collect()) })
    }

    fn condition(&mut self, name: &Located<String>, node: &Node) -> Option<Condition> {
        let slot = self.resolve(&name.value, name.line, &name.path)?;
        let kind = self.slots[slot].kind.clone();
        let test = match (&kind, &node.kind) {
            (Kind::Boolean, NodeKind::Boolean(value)) => Test::Boolean(*value),
            (Kind::Cases(cases) | Kind::Texts(cases), NodeKind::Text(text)) => {
                Test::Cases(vec![self.case(cases, text, node.line, &node.path)?])
            }
            (Kind::Cases(cases) | Kind::Texts(cases), NodeKind::Array(items)) => {
                let mut ranks = Vec::new();
                for item in items {
                    let NodeKind::Text(text) = &item.kind else {
                        self.problems.push(messages::wrong_type(item, &name.value, &kind.words()));
                        continue;
                    };
                    ranks.extend(self.case(cases, text, item.line, &item.path));
                }
                Test::Cases(ranks)
            }
            (Kind::Number { .. }, NodeKind::Number(value)) => Test::Number { min: Some(*value), max: Some(*value) },
            (Kind::Number { .. } | Kind::Date, NodeKind::Table(entries)) => {
                let is_date = matches!(kind, Kind::Date);
                let mut numbers = [None, None];
                let mut dates = [None, None];
                for (key, bound) in entries {
                    let Some(rank) = ["min", "max"].iter().position(|known| known == key) else {
                        self.problems.push(messages::unknown_key(bound, key, &["min", "max"]));
                        continue;
                    };
                    match bound.kind {
                        _ if is_date => dates[rank] = self.anchor(bound),
                        NodeKind::Number(value) => numbers[rank] = Some(value),
                        _ => self.problems.push(messages::wrong_type(bound, &name.value, &kind.words())),
                    }
                }
                let ([min, max], [from, to]) = (numbers, dates);
                if is_date { Test::Date { min: from, max: to } } else { Test::Number { min, max } }
            }
            (_, NodeKind::Error) => return None,
            _ => {
                self.problems.push(messages::wrong_type(node, &name.value, &kind.words()));
                return None;
            }
        };
        Some(Condition { slot, test })
    }

    fn formula(&mut self, slot: usize, spec: &DrawSpec, key: DrawKey, node: &Node) -> Option<Formula> {
        let kind = self.slots[slot].kind.clone();
        let number = matches!(kind, Kind::Number { .. });
        let formula = match key {
            DrawKey::Constant => Formula::Constant(self.literal(slot, node)?),
            DrawKey::Chance if matches!(kind, Kind::Boolean) => match profile::per_mille(node) {
                Some(chance) => Formula::Chance(chance),
                None => return self.expected(node, messages::PER_MILLE),
            },
            DrawKey::Choice if number || matches!(kind, Kind::Cases(_) | Kind::Texts(_)) => self.choice(slot, node)?,
            DrawKey::Uniform if number => match profile::interval(node) {
                Some((low, high)) => {
                    self.check_number(slot, node, low);
                    self.check_number(slot, node, high);
                    Formula::Quantiles(vec![(0, low), (1000, high)])
                }
                None => return self.expected(node, messages::INTERVAL),
            },
            DrawKey::Quantiles if number => match quantiles(node) {
                Some(distribution) => {
                    distribution.iter().for_each(|(_, value)| self.check_number(slot, node, *value));
                    Formula::Quantiles(distribution)
                }
                None => return self.expected(node, messages::QUANTILES),
            },
            DrawKey::Factor if number => {
                let distribution = match &node.kind {
                    NodeKind::Number(value) => vec![(0, *value), (1000, *value)],
                    _ => match profile::interval(node) {
                        Some((low, high)) => vec![(0, low), (1000, high)],
                        None => match quantiles(node) {
                            Some(distribution) => distribution,
                            None => return self.expected(node, messages::FACTOR),
                        },
                    },
                };
                Formula::Factor(self.number_slot(spec.source.as_ref()?)?, distribution)
            }
            DrawKey::Sum | DrawKey::Product if number => {
                let NodeKind::Array(items) = &node.kind else { return self.expected(node, "une liste de noms") };
                let mut terms = Vec::new();
                for item in items {
                    let NodeKind::Text(text) = &item.kind else {
                        return self.expected(item, "un nom entre guillemets");
                    };
                    let name = Located { value: text.clone(), line: item.line, path: item.path.clone() };
                    terms.push(self.number_slot(&name)?);
                }
                if key == DrawKey::Sum { Formula::Sum(terms) } else { Formula::Product(terms) }
            }
            DrawKey::PerYear => self.per_year(slot, spec, node)?,
            DrawKey::Date if matches!(kind, Kind::Date) => {
                let (first, last) = self.anchors(node)?;
                Formula::Date(first, last)
            }
            DrawKey::Days if number => {
                let (first, last) = self.anchors(node)?;
                Formula::Days(first, last)
            }
            // Patterns were taken apart; one that is not a text has been reported.
            DrawKey::Pattern => return None,
            _ => {
                let name = self.slots[slot].name.clone();
                self.problems.push(messages::wrong_draw(node, key.name(), &name, &kind.words()));
                return None;
            }
        };
        Some(formula)
    }

    fn choice(&mut self, slot: usize, node: &Node) -> Option<Formula> {
        let NodeKind::Table(entries) = &node.kind else { return self.expected(node, "une table { cas = poids }") };
        let mut total = 0u64;
        let mut choices = Vec::new();
        for (name, weight) in entries {
            let kind = match parse_number(name) {
                Some(number) if matches!(self.slots[slot].kind, Kind::Number { .. }) => NodeKind::Number(number),
                _ => NodeKind::Text(name.clone()),
            };
            let value = self.literal(slot, &Node { line: weight.line, path: weight.path.clone(), kind });
            match weight.kind {
                NodeKind::Number(weight) if weight % UNIT == 0 && (0..=UNIT * UNIT).contains(&weight) => {
                    total += (weight / UNIT).unsigned_abs();
                }
                _ => {
                    self.problems.push(messages::no_weight(weight));
                    return None;
                }
            }
            choices.push((total, value?));
        }
        if total == 0 {
            self.problems.push(messages::no_weight(node));
        }
        Some(Formula::Choice(choices))
    }

    fn per_year(&mut self, slot: usize, spec: &DrawSpec, node: &Node) -> Option<Formula> {
        let NodeKind::Table(entries) = &node.kind else { return self.expected(node, "une table { année = valeur }") };
        let mut values = BTreeMap::new();
        for (year, value) in entries {
            match year.parse::<i64>() {
                Ok(year) => {
                    values.insert(year, self.literal(slot, value)?);
                }
                Err(_) => self.problems.push(messages::bad_year(value, year)),
            }
        }
        let (first, last) = self.profile.presence.years;
        let (from, to) = spec.years.unwrap_or((first, last));
        let missing: Vec<i64> = (first.max(from)..=last.min(to)).filter(|year| !values.contains_key(year)).collect();
        if !missing.is_empty() {
            self.problems.push(messages::missing_years(node, &missing));
        }
        Some(Formula::PerYear(values))
    }

    // ------------------------------------------------------------------------------------------------------- values

    fn expected<T>(&mut self, node: &Node, what: &str) -> Option<T> {
        if !matches!(node.kind, NodeKind::Error) {
            self.problems.push(messages::expected(node, what));
        }
        None
    }

    fn literal(&mut self, slot: usize, node: &Node) -> Option<Value> {
        let kind = self.slots[slot].kind.clone();
        match (&kind, &node.kind) {
            (Kind::Number { .. }, NodeKind::Number(value)) => {
                self.check_number(slot, node, *value);
                Some(Value::Number(*value))
            }
            (Kind::Boolean, NodeKind::Boolean(value)) => Some(Value::Boolean(*value)),
            (Kind::Date, NodeKind::Date(date)) => Some(Value::Date(date.days())),
            (Kind::Cases(cases) | Kind::Texts(cases), NodeKind::Text(text)) => {
                self.case(cases, text, node.line, &node.path).map(Value::Case)
            }
            (_, NodeKind::Error) => None,
            _ => {
                let name = self.slots[slot].name.clone();
                self.problems.push(messages::wrong_type(node, &name, &kind.words()));
                None
            }
        }
    }

    /// Within the declared range and decimals.
    fn check_number(&mut self, slot: usize, node: &Node, value: i64) {
        let Kind::Number { step, low, high, decimals } = self.slots[slot].kind else { return };
        if value < low || value > high {
            self.problems.push(messages::outside_range(node, value, low, high));
        } else if value % step != 0 {
            self.problems.push(messages::too_many_decimals(node, value, decimals));
        }
    }

    fn case(&mut self, cases: &[Arc<str>], name: &str, line: usize, path: &str) -> Option<u16> {
        let rank = cases.iter().position(|case| **case == *name);
        if rank.is_none() {
            let cases: Vec<&str> = cases.iter().map(|case| &**case).collect();
            self.problems.push(messages::unknown_case(line, path, name, &cases));
        }
        rank.map(|rank| rank as u16)
    }

    fn resolve(&mut self, name: &str, line: usize, path: &str) -> Option<usize> {
        let slot = self.index.get(name).copied();
        if slot.is_none() {
            let known = self.index.keys().map(String::as_str);
            let problem = messages::unknown_name(line, path, name, known);
            self.problems.push(problem);
        }
        slot
    }

    fn number_slot(&mut self, name: &Located<String>) -> Option<usize> {
        let slot = self.resolve(&name.value, name.line, &name.path)?;
        if !matches!(self.slots[slot].kind, Kind::Number { .. }) {
            self.problems.push(messages::wrong_source(name.line, &name.path, &name.value, "un nombre"));
            return None;
        }
        Some(slot)
    }

    fn bound(&mut self, slot: usize, node: &Node) -> Option<Bound> {
        match &node.kind {
            NodeKind::Number(value) => {
                self.check_number(slot, node, *value);
                Some(Bound::Number(*value))
            }
            NodeKind::Text(text) => {
                let name = Located { value: text.clone(), line: node.line, path: node.path.clone() };
                self.number_slot(&name).map(Bound::Slot)
            }
            _ => self.expected(node, "un nombre, ou le nom d'une colonne ou d'une variable"),
        }
    }

    fn anchors(&mut self, node: &Node) -> Option<(Anchor, Anchor)> {
        let (first, last) = match &node.kind {
            NodeKind::Array(items) => match items.as_slice() {
                [first, last] => (self.anchor(first)?, self.anchor(last)?),
                _ => return self.expected(node, messages::ANCHORS),
            },
            _ => {
                let anchor = self.anchor(node)?;
                (anchor, anchor)
            }
        };
        if first.slot == last.slot && first.months == last.months && first.days > last.days {
            match (first.slot, Date::from_days(first.days.into()), Date::from_days(last.days.into())) {
                (None, Some(first), Some(last)) => self.problems.push(messages::dates_reversed(node, first, last)),
                _ => return self.expected(node, messages::ANCHORS),
            }
        }
        Some((first, last))
    }

    fn anchor(&mut self, node: &Node) -> Option<Anchor> {
        let text = match &node.kind {
            NodeKind::Date(date) => return Some(Anchor { slot: None, months: 0, days: date.days() }),
            NodeKind::Text(text) => text,
            _ => return self.expected(node, messages::ANCHORS),
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        let (name, shift) = match words.as_slice() {
            [name] => (*name, Some((0, 0))),
            [name, sign @ ("+" | "-"), count, unit @ ..] => {
                let count =
                    count.parse::<u16>().ok().map(|count| if *sign == "-" { -i32::from(count) } else { count.into() });
                let shift = match unit {
                    [] | ["jour" | "jours"] => count.map(|days| (0, days)),
                    ["mois"] => count.map(|months| (months, 0)),
                    ["an" | "ans"] => count.map(|years| (12 * years, 0)),
                    _ => None,
                };
                (*name, shift)
            }
            _ => ("", None),
        };
        let slot = self.index.get(name).copied().filter(|slot| matches!(self.slots[*slot].kind, Kind::Date));
        match (slot, shift) {
            (Some(slot), Some((months, days))) => Some(Anchor { slot: Some(slot), months, days }),
            _ => {
                let dates = self.slots.iter().filter(|slot| matches!(slot.kind, Kind::Date)).map(|slot| &*slot.name);
                let problem = messages::bad_anchor(node, text, dates);
                self.problems.push(problem);
                None
            }
        }
    }

    // -------------------------------------------------------------------------------------------------------- order

    /// Every slot after those it depends on, otherwise in the order of the profile.
    fn order(&mut self, specs: &[(usize, &SlotSpec)]) -> Vec<usize> {
        let mut state = vec![State::New; self.slots.len()];
        state.iter_mut().take(BUILT_IN.len()).for_each(|state| *state = State::Done);
        let mut order = Vec::new();
        for (slot, spec) in specs {
            let mut path = Vec::new();
            if let Some(cycle) = visit(&self.slots, *slot, &mut state, &mut path, &mut order) {
                let names: Vec<&str> = cycle.iter().map(|slot| &*self.slots[*slot].name).collect();
                let problem = messages::cycle(spec.line, &spec.path, &names);
                self.problems.push(problem);
                break;
            }
        }
        order
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Done,
}

/// Puts a slot and what it depends on in order; the slots of a cycle, if there is one.
fn visit(
    slots: &[Slot],
    slot: usize,
    state: &mut [State],
    path: &mut Vec<usize>,
    order: &mut Vec<usize>,
) -> Option<Vec<usize>> {
    match state[slot] {
        State::Done => return None,
        State::Open => {
            let start = path.iter().position(|open| *open == slot).unwrap_or(0);
            return Some(path[start..].iter().copied().chain([slot]).collect());
        }
        State::New => {}
    }
    state[slot] = State::Open;
    path.push(slot);
    for needed in slots[slot].draws.iter().flat_map(Draw::needs) {
        if let Some(cycle) = visit(slots, needed, state, path, order) {
            return Some(cycle);
        }
    }
    path.pop();
    state[slot] = State::Done;
    order.push(slot);
    None
}

impl Draw {
    /// The slots that the draw reads.
    fn needs(&self) -> Vec<usize> {
        let mut needs = Vec::new();
        for condition in &self.conditions {
            needs.push(condition.slot);
            if let Test::Date { min, max } = &condition.test {
                needs.extend(min.iter().chain(max).filter_map(|anchor| anchor.slot));
            }
        }
        match &self.formula {
            Formula::Factor(slot, _) => needs.push(*slot),
            Formula::Sum(slots) | Formula::Product(slots) => needs.extend(slots),
            Formula::Date(first, last) | Formula::Days(first, last) => {
                needs.extend([first, last].into_iter().filter_map(|anchor| anchor.slot));
            }
            _ => {}
        }
        for bound in self.at_least.iter().chain(&self.at_most) {
            if let Bound::Slot(slot) = bound {
                needs.push(*slot);
            }
        }
        needs
    }
}

/// The type of a variable is that of what is drawn for it.
fn variable_kind(spec: &SlotSpec) -> Kind {
    let number = Kind::Number { step: 1, low: i64::MIN / 2, high: i64::MAX / 2, decimals: DECIMALS };
    let mut cases: Vec<Arc<str>> = Vec::new();
    let mut add = |name: &str| {
        if cases.iter().all(|case| **case != *name) {
            cases.push(name.into());
        }
    };
    let mut first = None;
    for (key, node) in spec.draws.iter().filter_map(|draw| draw.value.as_ref()) {
        let kind = match (key, &node.kind) {
            (DrawKey::Chance, _) => Kind::Boolean,
            (DrawKey::Date, _) => Kind::Date,
            (DrawKey::Choice, NodeKind::Table(entries)) => {
                if entries.iter().all(|(name, _)| parse_number(name).is_some()) {
                    number.clone()
                } else {
                    entries.iter().for_each(|(name, _)| add(name));
                    Kind::Cases(Vec::new())
                }
            }
            (DrawKey::Constant, node) => literal_kind(node, &number, &mut add),
            (DrawKey::PerYear, NodeKind::Table(entries)) => {
                let mut kinds = entries.iter().map(|(_, value)| literal_kind(&value.kind, &number, &mut add));
                let first = kinds.next();
                kinds.for_each(drop);
                first.unwrap_or_else(|| number.clone())
            }
            _ => number.clone(),
        };
        first.get_or_insert(kind);
    }
    match first {
        Some(Kind::Cases(_)) => Kind::Cases(cases),
        Some(kind) => kind,
        None => number,
    }
}

fn literal_kind(node: &NodeKind, number: &Kind, add: &mut impl FnMut(&str)) -> Kind {
    match node {
        NodeKind::Boolean(_) => Kind::Boolean,
        NodeKind::Date(_) => Kind::Date,
        NodeKind::Text(text) => {
            add(text);
            Kind::Cases(Vec::new())
        }
        _ => number.clone(),
    }
}

/// Values at ranks that go from 0 to 1000, neither ever going down.
fn quantiles(node: &Node) -> Option<Distribution> {
    let NodeKind::Array(items) = &node.kind else { return None };
    let points: Option<Distribution> = items
        .iter()
        .map(|item| match &item.kind {
            NodeKind::Array(pair) => match pair.as_slice() {
                [rank, Node { kind: NodeKind::Number(value), .. }] => Some((profile::per_mille(rank)?, *value)),
                _ => None,
            },
            _ => None,
        })
        .collect();
    points.filter(|points| {
        points.len() >= 2
            && points.first().is_some_and(|(rank, _)| *rank == 0)
            && points.last().is_some_and(|(rank, _)| *rank == 1000)
            && points.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1)
    })
}

/// Range of an input in millionths; what the generator can hold where the policy says nothing.
fn range(input: &Input) -> (i64, i64) {
    let widest = i64::MAX / 2;
    let millionths = |value: &Ratio| (value * integer(UNIT)).to_integer().to_i64();
    match &input.range {
        Some((low, high)) => (millionths(low).unwrap_or(-widest), millionths(high).unwrap_or(widest)),
        None => (-widest, widest),
    }
}

fn default(input: &Input) -> Value {
    match &input.default {
        Some(typed::Value::Number(value)) => {
            (value * integer(UNIT)).to_integer().to_i64().map_or(Value::Empty, Value::Number)
        }
        Some(typed::Value::Boolean(value)) => Value::Boolean(*value),
        Some(typed::Value::Date(date)) => Value::Date(date.days()),
        Some(typed::Value::Case(case)) => Value::Case(*case as u16),
        Some(typed::Value::Text(_)) | None => Value::Empty,
    }
}
