//! The text of a profile: which keys there are and of what form. What they mean for a policy is [`super::plan`]'s.

use polc_compiler::calendar::Date;
use toml::de::{DeTable, DeValue};

use super::messages::{self, ProfileError};

/// Numbers are whole millionths.
pub const UNIT: i64 = 1_000_000;
pub const DECIMALS: u32 = 6;

/// A profile whose keys are all known, not yet confronted with a policy.
#[derive(Clone, Debug)]
pub struct Profile {
    pub(super) presence: Presence,
    /// The column or variable that `pour` speaks of.
    pub(super) kind: Option<Located<String>>,
    /// How often a cell worth its default is left empty, per mille.
    pub(super) empty_defaults: u16,
    pub(super) slots: Vec<SlotSpec>,
}

/// A part of the text and its line.
#[derive(Clone, Debug)]
pub struct Located<T> {
    pub value: T,
    pub line: usize,
    /// Keys that lead to it.
    pub path: String,
}

/// Which years a subject has rows for.
#[derive(Clone, Debug)]
pub struct Presence {
    pub line: usize,
    pub years: (i64, i64),
    /// Subjects there from the first year, per mille; the others appear evenly over the next.
    pub from_start: u16,
    /// Subjects that leave, per mille and year.
    pub departure: u16,
    /// Rows that are not there, per mille.
    pub gap: u16,
}

/// A column or a variable: the first of its draws that concerns a row fills the cell; without one it is empty.
#[derive(Clone, Debug)]
pub struct SlotSpec {
    pub name: String,
    pub line: usize,
    pub path: String,
    /// A variable: it serves the others and is not written.
    pub hidden: bool,
    pub draws: Vec<DrawSpec>,
}

#[derive(Clone, Debug)]
pub struct DrawSpec {
    pub line: usize,
    pub path: String,
    pub kinds: Option<Vec<Located<String>>>,
    pub years: Option<(i64, i64)>,
    pub conditions: Vec<(Located<String>, Node)>,
    /// The key that says how to draw, and its value; none for a cell that stays empty.
    pub value: Option<(DrawKey, Node)>,
    /// What `facteur` multiplies.
    pub source: Option<Located<String>>,
    pub once: bool,
    pub keep: Option<Keep>,
    pub growth: Option<(i64, i64)>,
    pub noise: Option<i64>,
    pub at_least: Option<Node>,
    pub at_most: Option<Node>,
    pub empty: u16,
}

/// How often last year's value stays, per mille.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    Any(u16),
    Boolean { yes: u16, no: u16 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrawKey {
    Constant,
    Chance,
    Choice,
    Uniform,
    Quantiles,
    Factor,
    Sum,
    Product,
    PerYear,
    Date,
    Days,
    Pattern,
}

impl DrawKey {
    pub const ALL: [(Self, &'static str); 12] = [
        (Self::Constant, "vaut"),
        (Self::Chance, "vrai"),
        (Self::Choice, "choix"),
        (Self::Uniform, "uniforme"),
        (Self::Quantiles, "quantiles"),
        (Self::Factor, "facteur"),
        (Self::Sum, "somme"),
        (Self::Product, "produit"),
        (Self::PerYear, "par_annee"),
        (Self::Date, "date"),
        (Self::Days, "jours_entre"),
        (Self::Pattern, "motif"),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(key, _)| *key == self).map_or("", |(_, name)| name)
    }
}

/// A value of the TOML text, its numbers exact.
#[derive(Clone, Debug)]
pub struct Node {
    pub line: usize,
    pub path: String,
    pub kind: NodeKind,
}

#[derive(Clone, Debug)]
pub enum NodeKind {
    Boolean(bool),
    /// Millionths.
    Number(i64),
    Text(String),
    Date(Date),
    Array(Vec<Node>),
    /// In the order of the text.
    Table(Vec<(String, Node)>),
    /// Already reported.
    Error,
}

impl Profile {
    /// Reads the text of a profile.
    ///
    /// # Errors
    /// Everything that is wrong with its form.
    pub fn parse(text: &str) -> Result<Self, Vec<ProfileError>> {
        let mut reader = Reader { line_starts: line_starts(text), problems: Vec::new() };
        let root = match DeTable::parse(text) {
            Ok(root) => root,
            Err(error) => {
                let line = error.span().map_or(0, |span| reader.line(span.start));
                return Err(vec![messages::not_toml(line, text.lines().nth(line.saturating_sub(1)).unwrap_or(""))]);
            }
        };
        let root = reader.table(root.get_ref(), "");
        let profile = reader.profile(root);
        match profile {
            Some(profile) if reader.problems.is_empty() => Ok(profile),
            _ => {
                reader.problems.sort_by_key(|problem| problem.line);
                Err(reader.problems)
            }
        }
    }
}

fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0)
        .chain(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1))
        .collect()
}

struct Reader {
    line_starts: Vec<usize>,
    problems: Vec<ProfileError>,
}

/// The keys of a table that have not been read yet.
struct Fields {
    line: usize,
    path: String,
    entries: Vec<(String, Node)>,
    known: Vec<&'static str>,
}

impl Fields {
    fn take(&mut self, key: &'static str) -> Option<Node> {
        self.known.push(key);
        let at = self.entries.iter().position(|(name, _)| name == key)?;
        Some(self.entries.remove(at).1)
    }
}

impl Reader {
    fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset)
    }

    // ------------------------------------------------------------------------------------------------ TOML to nodes

    fn table(&mut self, table: &DeTable<'_>, path: &str) -> Vec<(String, Node)> {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let entries = entries.into_iter().map(|(key, value)| {
            let path = join(path, key.get_ref());
            // The value of a table in brackets has the span of its header; the line of the key is what the reader looks for.
            let line = self.line(key.span().start);
            (key.get_ref().to_string(), self.node(value.get_ref(), line, path))
        });
        entries.collect()
    }

    fn node(&mut self, value: &DeValue<'_>, line: usize, path: String) -> Node {
        let kind = match value {
            DeValue::Boolean(value) => NodeKind::Boolean(*value),
            DeValue::String(text) => NodeKind::Text(text.to_string()),
            DeValue::Integer(integer) if integer.radix() == 10 => self.number(integer.as_str(), line, &path),
            DeValue::Integer(integer) => self.number(&integer.to_string(), line, &path),
            DeValue::Float(float) => self.number(float.as_str(), line, &path),
            DeValue::Datetime(date) => {
                let day = date.date.filter(|_| date.time.is_none());
                match day.and_then(|day| Date::new(i64::from(day.year), u32::from(day.month), u32::from(day.day))) {
                    Some(date) => NodeKind::Date(date),
                    None => self.refuse(messages::not_a_day(line, &path, &date.to_string())),
                }
            }
            DeValue::Array(items) => {
                let items: Vec<_> = items.iter().map(|item| (self.line(item.span().start), item)).collect();
                NodeKind::Array(
                    items.into_iter().map(|(line, item)| self.node(item.get_ref(), line, path.clone())).collect(),
                )
            }
            DeValue::Table(table) => NodeKind::Table(self.table(table, &path)),
        };
        Node { line, path, kind }
    }

    fn number(&mut self, text: &str, line: usize, path: &str) -> NodeKind {
        match parse_number(text) {
            Some(number) => NodeKind::Number(number),
            None => self.refuse(messages::not_a_number(line, path, text)),
        }
    }

    fn refuse(&mut self, problem: ProfileError) -> NodeKind {
        self.problems.push(problem);
        NodeKind::Error
    }

    // ---------------------------------------------------------------------------------------------- nodes to specs

    fn fields(&mut self, node: Node) -> Option<Fields> {
        match node.kind {
            NodeKind::Table(entries) => Some(Fields { line: node.line, path: node.path, entries, known: Vec::new() }),
            NodeKind::Error => None,
            _ => {
                self.problems.push(messages::expected(&node, "une table"));
                None
            }
        }
    }

    /// Reports the keys that nobody has read.
    fn finish(&mut self, fields: Fields) {
        for (key, node) in &fields.entries {
            self.problems.push(messages::unknown_key(node, key, &fields.known));
        }
    }

    fn profile(&mut self, entries: Vec<(String, Node)>) -> Option<Profile> {
        let mut fields = Fields { line: 1, path: String::new(), entries, known: Vec::new() };
        let _title = fields.take("titre").and_then(|node| self.text(node));
        let kind = fields.take("genre").and_then(|node| self.text(node));
        let empty_defaults = fields.take("defauts_vides").and_then(|node| self.per_mille(&node)).unwrap_or(0);
        let presence = match fields.take("presence") {
            Some(node) => self.presence(node),
            None => {
                self.problems.push(messages::missing_key(1, "", "presence"));
                None
            }
        };
        let mut slots = Vec::new();
        for (key, hidden) in [("variables", true), ("colonnes", false)] {
            let Some(table) = fields.take(key).and_then(|node| self.fields(node)) else { continue };
            for (name, node) in table.entries {
                slots.push(self.slot(name, node, hidden));
            }
        }
        self.finish(fields);
        Some(Profile { presence: presence?, kind, empty_defaults, slots })
    }

    fn presence(&mut self, node: Node) -> Option<Presence> {
        let mut fields = self.fields(node)?;
        let line = fields.line;
        let years = match fields.take("annees") {
            Some(node) => self.years(&node),
            None => {
                self.problems.push(messages::missing_key(line, &fields.path, "annees"));
                None
            }
        };
        let mut rate = |key, default| fields.take(key).and_then(|node| self.per_mille(&node)).unwrap_or(default);
        let (from_start, departure, gap) = (rate("des_le_debut", 1000), rate("depart", 0), rate("lacune", 0));
        self.finish(fields);
        Some(Presence { line, years: years?, from_start, departure, gap })
    }

    fn slot(&mut self, name: String, node: Node, hidden: bool) -> SlotSpec {
        let (line, path) = (node.line, node.path.clone());
        let nodes = match node.kind {
            NodeKind::Array(nodes) => nodes,
            _ => vec![node],
        };
        let alone = nodes.len() == 1;
        let draws = nodes.into_iter().enumerate().filter_map(|(rank, mut node)| {
            if !alone {
                rename(&mut node, &path, &format!("{path}[{}]", rank + 1));
            }
            self.draw(node)
        });
        SlotSpec { draws: draws.collect(), name, line, path, hidden }
    }

    fn draw(&mut self, node: Node) -> Option<DrawSpec> {
        let mut fields = self.fields(node)?;
        let (line, path) = (fields.line, fields.path.clone());
        let kinds = fields.take("pour").and_then(|node| self.names(node));
        let years = fields.take("annees").and_then(|node| self.years(&node));
        let conditions = fields.take("si").and_then(|node| self.fields(node)).map_or_else(Vec::new, |conditions| {
            let located = |(name, node): (String, Node)| {
                (Located { value: name, line: node.line, path: node.path.clone() }, node)
            };
            conditions.entries.into_iter().map(located).collect()
        });
        let mut values: Vec<_> =
            DrawKey::ALL.into_iter().filter_map(|(key, name)| Some((key, fields.take(name)?))).collect();
        if let [_, (_, second), ..] = values.as_slice() {
            let names: Vec<&str> = values.iter().map(|(key, _)| key.name()).collect();
            self.problems.push(messages::several_draws(second.line, &path, &names));
        }
        let value = (!values.is_empty()).then(|| values.remove(0));
        let source = fields.take("de").and_then(|node| self.text(node));
        let once = fields.take("une_fois").and_then(|node| self.boolean(&node)).unwrap_or(false);
        let keep = fields.take("garde").and_then(|node| self.keep(node));
        let growth = fields.take("croissance").and_then(|node| self.interval(&node));
        let noise = fields.take("bruit").and_then(|node| self.number_of(&node));
        let (at_least, at_most) = (fields.take("au_moins"), fields.take("au_plus"));
        let empty = fields.take("vide").and_then(|node| self.per_mille(&node));
        // A key that does not exist may be the one that is missing.
        if value.is_none() && empty != Some(1000) && fields.entries.is_empty() {
            self.problems.push(messages::no_draw(line, &path));
        }
        let key = value.as_ref().map(|(key, _)| *key);
        if (key == Some(DrawKey::Factor)) != source.is_some() {
            self.problems.push(messages::factor_and_source(line, &path));
        }
        let lasting = [("une_fois", once), ("garde", keep.is_some()), ("croissance", growth.is_some())];
        let lasting: Vec<&str> = lasting.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect();
        if lasting.len() > 1 {
            self.problems.push(messages::contradictory(line, &path, &lasting));
        }
        self.finish(fields);
        let empty = empty.unwrap_or(0);
        #[rustfmt::skip]
        let draw = DrawSpec {
            line, path, kinds, years, conditions, value, source, once, keep, growth, noise, at_least, at_most, empty,
        };
        Some(draw)
    }

    // --------------------------------------------------------------------------------------------------- leaf values

    fn wrong<T>(&mut self, node: &Node, expected: &str) -> Option<T> {
        if !matches!(node.kind, NodeKind::Error) {
            self.problems.push(messages::expected(node, expected));
        }
        None
    }

    fn text(&mut self, node: Node) -> Option<Located<String>> {
        match node.kind {
            NodeKind::Text(value) => Some(Located { value, line: node.line, path: node.path }),
            _ => self.wrong(&node, "un texte entre guillemets"),
        }
    }

    fn boolean(&mut self, node: &Node) -> Option<bool> {
        match node.kind {
            NodeKind::Boolean(value) => Some(value),
            _ => self.wrong(node, "true ou false"),
        }
    }

    fn names(&mut self, node: Node) -> Option<Vec<Located<String>>> {
        match node.kind {
            NodeKind::Array(nodes) if !nodes.is_empty() => nodes.into_iter().map(|node| self.text(node)).collect(),
            _ => self.wrong(&node, "une liste de noms"),
        }
    }

    fn number_of(&mut self, node: &Node) -> Option<i64> {
        match node.kind {
            NodeKind::Number(value) => Some(value),
            _ => self.wrong(node, "un nombre"),
        }
    }

    fn per_mille(&mut self, node: &Node) -> Option<u16> {
        match per_mille(node) {
            Some(value) => Some(value),
            None => self.wrong(node, messages::PER_MILLE),
        }
    }

    fn years(&mut self, node: &Node) -> Option<(i64, i64)> {
        match interval(node) {
            Some((first, last)) if first % UNIT == 0 && last % UNIT == 0 => Some((first / UNIT, last / UNIT)),
            _ => self.wrong(node, "deux années, dans l'ordre, comme [2018, 2020]"),
        }
    }

    fn interval(&mut self, node: &Node) -> Option<(i64, i64)> {
        match interval(node) {
            Some(interval) => Some(interval),
            None => self.wrong(node, messages::INTERVAL),
        }
    }

    fn keep(&mut self, node: Node) -> Option<Keep> {
        if !matches!(node.kind, NodeKind::Table(_)) {
            return self.per_mille(&node).map(Keep::Any);
        }
        let mut fields = self.fields(node)?;
        let mut rate = |key| fields.take(key).and_then(|node| self.per_mille(&node)).unwrap_or(0);
        let (yes, no) = (rate("vrai"), rate("faux"));
        self.finish(fields);
        Some(Keep::Boolean { yes, no })
    }
}

/// A whole number from 0 to 1000.
pub fn per_mille(node: &Node) -> Option<u16> {
    match node.kind {
        NodeKind::Number(value) if value % UNIT == 0 => u16::try_from(value / UNIT).ok().filter(|value| *value <= 1000),
        _ => None,
    }
}

/// Two numbers in order.
pub fn interval(node: &Node) -> Option<(i64, i64)> {
    match &node.kind {
        NodeKind::Array(items) => match items.as_slice() {
            [Node { kind: NodeKind::Number(low), .. }, Node { kind: NodeKind::Number(high), .. }] if low <= high => {
                Some((*low, *high))
            }
            _ => None,
        },
        _ => None,
    }
}

/// A decimal number with at most six digits after the point, in millionths.
pub fn parse_number(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || fraction.len() > DECIMALS as usize {
        return None;
    }
    let fraction: i64 = format!("{fraction:0<6}").parse().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(UNIT)?.checked_add(fraction)?.checked_mul(sign)
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Says which item of a list a node is.
fn rename(node: &mut Node, old: &str, new: &str) {
    if let Some(rest) = node.path.strip_prefix(old) {
        node.path = format!("{new}{rest}");
    }
    match &mut node.kind {
        NodeKind::Array(items) => items.iter_mut().for_each(|item| rename(item, old, new)),
        NodeKind::Table(entries) => entries.iter_mut().for_each(|(_, item)| rename(item, old, new)),
        _ => {}
    }
}
