//! The words of a declaration as they were written, and how they hang together: what the layout of a file needs, and the
//! syntax tree leaves out. Every word comes with its canonical spelling.

use std::collections::HashMap;
use std::sync::LazyLock;

use pest::Parser as _;
use unicode_normalization::UnicodeNormalization as _;

use super::{MEANINGFUL, MONTHS, P, PolParser, Rule, is_keyword};

/// A declaration as written.
#[derive(Debug, Default)]
pub struct Declaration {
    /// In the order of the text.
    pub leaves: Vec<Leaf>,
    /// An outer group stands before those inside it. The first is that of the header.
    pub groups: Vec<Group>,
    /// Declarations of this kind may follow one another without a blank line.
    pub listed: bool,
}

/// A word, a number with its unit, a text or a sign.
#[derive(Debug)]
pub struct Leaf {
    /// Its place in the source, in bytes.
    pub start: usize,
    pub end: usize,
    pub kind: LeafKind,
    /// As it is to be written; of a text, its folded words.
    pub text: String,
    /// No space before it.
    pub closes: bool,
    /// No space after it.
    pub opens: bool,
    /// What a line break before it would be; of no use for the first leaf of a clause.
    pub before: Gap,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeafKind {
    Plain,
    /// A text, and its quotation marks when they cannot be « ».
    Text(Option<(char, char)>),
}

/// The place between two leaves.
#[derive(Clone, Copy, Debug)]
pub struct Gap {
    /// The group that a break here belongs to.
    pub owner: usize,
    pub rule: Break,
    /// Where a break of the author's goes when there may be none here: before the leaf of this rank.
    pub moved: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    Never,
    /// Kept where the author wrote one; added where a line is too long, the cheapest first.
    May(u32),
    Must,
}

/// Leaves that go together.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    pub kind: GroupKind,
    pub parent: usize,
    /// Ranks of its leaves, the second excluded.
    pub first: usize,
    pub end: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKind {
    /// The first line of a declaration.
    Header,
    /// A clause; `nested` where it completes the clause before it.
    Clause { nested: bool },
    /// Operands and operators, or the branches of a condition: the lines after the first may stand under it.
    Chain,
    /// The same, and the lines of what begins it stand with its own.
    Comparison,
    /// A value and what multiplies, bounds or completes it: the lines after the first stand to its right.
    Completed,
    /// Arguments between parentheses: the lines after the first stand to its right.
    List,
    /// An expression between parentheses, or after « alors » or « sinon ».
    Inside,
    /// The lines of « par palier » and « par tranche ».
    Rows,
}

/// The declarations of pieces that were parsed without a mistake, each with its place in the text.
pub fn concrete<'t>(pieces: impl Iterator<Item = (usize, &'t str)>) -> Vec<Declaration> {
    pieces.filter_map(|(base, piece)| declaration(base, piece)).collect()
}

fn declaration(base: usize, piece: &str) -> Option<Declaration> {
    let pair = PolParser::parse(Rule::declaration_seule, piece).ok()?.next()?.into_inner().next()?;
    let mut builder = Builder { base, piece, result: Declaration::default() };
    builder.declaration(pair);
    Some(builder.result)
}

/// Costs of the breaks that are added to a line too long, on top of the depth of their group.
mod cost {
    /// Before a small word: « de », « à ».
    pub const WORD: u32 = 200;
    /// Between a keyword and what it introduces.
    pub const HEAD: u32 = 1_000_000;
    /// After an opening parenthesis.
    pub const OPENING: u32 = 2_000_000;
    /// A group inside another costs more.
    pub const DEPTH: u32 = 1_000;
}

struct Builder<'t> {
    base: usize,
    piece: &'t str,
    result: Declaration,
}

impl<'t> Builder<'t> {
    fn open(&mut self, kind: GroupKind, parent: usize) -> usize {
        let first = self.result.leaves.len();
        self.result.groups.push(Group { kind, parent, first, end: first });
        self.result.groups.len() - 1
    }

    fn close(&mut self, group: usize) {
        self.result.groups[group].end = self.result.leaves.len();
    }

    fn may(&self, owner: usize, cost: u32) -> Gap {
        Gap { owner, rule: Break::May(self.depth(owner) * cost::DEPTH + cost), moved: None }
    }

    fn depth(&self, mut group: usize) -> u32 {
        let mut depth = 0;
        while self.result.groups[group].parent != group {
            group = self.result.groups[group].parent;
            depth += 1;
        }
        depth
    }

    fn declaration(&mut self, pair: P<'t>) {
        let mut rule = pair.as_rule();
        let mut children: Vec<P<'t>> = pair.into_inner().collect();
        // « insère » and « remplace » stand before a whole declaration.
        if let Some(changed) = children.pop_if(|_| matches!(rule, Rule::insertion | Rule::remplacement)) {
            rule = changed.as_rule();
            children.extend(changed.into_inner());
        }
        self.result.listed = matches!(rule, Rule::unite | Rule::entree | Rule::parametre);
        let header = self.open(GroupKind::Header, 0);
        let mut in_header = true;
        // The last clause that others complete.
        let mut after = None;
        let mut previous = None;
        for child in children {
            let kind = child.as_rule();
            in_header &= is_word(kind) || is_of_header(kind) || (kind == Rule::texte && rule != Rule::entree);
            if in_header {
                let separator = |rule| matches!(rule, Rule::mot_virgule | Rule::mot_point_virgule);
                let gap = if previous.is_some_and(separator) { self.may(header, 0) } else { never(header) };
                let gap = if separator(kind) { self.moved_after(gap) } else { gap };
                self.visit(child, gap, header);
                self.close(header);
                previous = Some(kind);
                continue;
            }
            let nested = match kind {
                Rule::remplace => after == Some(Rule::variante),
                Rule::soit | Rule::attendu => after == Some(Rule::exercice_exemple),
                _ => false,
            };
            if matches!(kind, Rule::variante | Rule::exercice_exemple) {
                after = Some(kind);
            }
            let clause = self.result.groups.len();
            self.open(GroupKind::Clause { nested }, clause);
            self.visit(child, never(clause), clause);
            self.close(clause);
        }
    }

    /// Adds the leaves of a pair. `gap` is the place before its first one.
    fn visit(&mut self, mut pair: P<'t>, gap: Gap, group: usize) {
        // An operand is many rules deep, most of which stand for the next one.
        while let Some(child) = only_child(&pair) {
            pair = child;
        }
        let rule = pair.as_rule();
        if is_leaf(rule) || pair.clone().into_inner().next().is_none() {
            self.leaf(&pair, gap);
            return;
        }
        let kind = match rule {
            Rule::expression | Rule::conjonction | Rule::somme => Some(GroupKind::Chain),
            Rule::comparaison => Some(GroupKind::Comparison),
            // Under a parenthesis, or to the right of a name.
            Rule::produit if pair.as_str().starts_with('(') => Some(GroupKind::Chain),
            Rule::bornee | Rule::produit | Rule::suffixe => Some(GroupKind::Completed),
            Rule::conditionnelle | Rule::jours_entre | Rule::somme_de_table => Some(GroupKind::Chain),
            Rule::au_moins | Rule::appel => Some(GroupKind::List),
            Rule::parentheses => Some(GroupKind::Inside),
            Rule::paliers | Rule::tranches | Rule::palier | Rule::tranche => Some(GroupKind::Rows),
            _ => None,
        };
        match kind {
            Some(kind) => {
                let inner = self.open(kind, group);
                if rule == Rule::conditionnelle {
                    self.condition(pair, gap, inner, inner);
                } else {
                    self.children(pair, gap, inner);
                }
                self.close(inner);
            }
            None => self.children(pair, gap, group),
        }
    }

    fn children(&mut self, pair: P<'t>, first: Gap, group: usize) {
        let parent = pair.as_rule();
        let mut previous: Option<Rule> = None;
        // Where the words just before began.
        let mut words = self.result.leaves.len();
        for child in pair.into_inner() {
            let rule = child.as_rule();
            let gap = match previous {
                None => first,
                Some(previous) => self.between(parent, (previous, rule), words, group),
            };
            if !(is_word(rule) && previous.is_some_and(is_word)) {
                words = self.result.leaves.len();
            }
            self.visit(child, gap, group);
            if rule == Rule::moins
                && matches!(parent, Rule::signe | Rule::constante)
                && let Some(sign) = self.result.leaves.last_mut()
            {
                sign.opens = true;
            }
            previous = Some(rule);
        }
    }

    /// « si … alors … sinon … »: the branches are groups of their own, and « sinon si » goes on with the same condition.
    /// `arm` is the group that « si » and what follows it stand in.
    fn condition(&mut self, pair: P<'t>, first: Gap, chain: usize, arm: usize) {
        // A break after « si » goes before it, or before « sinon si ».
        let before = Gap { moved: first.moved.or(Some(self.result.leaves.len())), ..never(arm) };
        let mut gap = first;
        let mut branch = arm;
        let mut last_word = 0;
        for child in pair.into_inner() {
            match child.as_rule() {
                Rule::kw_si => {
                    self.visit(child, gap, arm);
                    gap = before;
                }
                Rule::kw_alors => {
                    branch = self.open(GroupKind::Inside, arm);
                    self.visit(child, self.may(arm, 0), branch);
                    gap = self.may(branch, cost::HEAD);
                }
                Rule::kw_sinon => {
                    self.close(branch);
                    self.close(arm);
                    branch = self.open(GroupKind::Inside, chain);
                    last_word = self.result.leaves.len();
                    self.visit(child, self.may(chain, 0), branch);
                    gap = self.may(branch, cost::HEAD);
                }
                _ => match alternative(&child).filter(|_| last_word > 0) {
                    Some(condition) => {
                        let gap = Gap { moved: Some(last_word), ..never(branch) };
                        self.condition(condition, gap, chain, branch);
                    }
                    None => self.visit(child, gap, branch),
                },
            }
        }
        self.close(branch);
    }

    /// What a break would be between two children of a rule. `words` is the rank of the leaf that the words before it
    /// begin with.
    fn between(&self, parent: Rule, (previous, next): (Rule, Rule), words: usize, owner: usize) -> Gap {
        use Rule as R;
        let group = self.result.groups[owner];
        let in_clause = matches!(group.kind, GroupKind::Clause { .. });
        let moved = Gap { moved: Some(words), ..never(owner) };
        let must = Gap { rule: Break::Must, ..never(owner) };
        match (previous, next) {
            (_, R::mot_virgule | R::mot_point_virgule) => self.moved_after(never(owner)),
            (R::mot_virgule | R::mot_point_virgule, _) => self.may(owner, 0),
            (_, R::mot_fermante) => never(owner),
            (R::mot_ouvrante, _) if matches!(group.kind, GroupKind::List | GroupKind::Inside) => {
                self.may(owner, cost::OPENING)
            }
            (R::mot_ouvrante, _) => never(owner),
            (_, R::palier | R::tranche) => must,
            (_, R::kw_parmi) if parent == R::au_moins => never(owner),
            (_, next) if is_operator(parent, next) => self.may(owner, 0),
            (previous, _) if is_operator(parent, previous) => moved,
            (_, R::lorsque | R::renvoi) if in_clause && self.ends_with_rows() => must,
            (_, R::lorsque | R::renvoi) => self.may(owner, 0),
            // The condition of a prerequisite and the value of a replacement go whole to the next line.
            (R::kw_si, _) if matches!(parent, R::prerequis | R::condition_nommee) => self.may(owner, 0),
            (_, R::kw_si) if matches!(parent, R::prerequis | R::condition_nommee) => never(owner),
            (R::kw_par_mot, _) if parent == R::remplace => self.may(owner, 0),
            (_, R::kw_par_mot) if parent == R::remplace => never(owner),
            (_, R::en_unite | R::a_decimales | R::plage | R::par_defaut | R::facultative) => {
                self.may(owner, cost::WORD)
            }
            (R::mot_deux_points, R::expression | R::nombre | R::parentheses) => self.may(owner, cost::HEAD),
            (_, R::mot_deux_points | R::mot_egal | R::mot_ouvrante | R::texte | R::nom) => never(owner),
            (previous, next) if is_word(next) => match next {
                _ if is_word(previous) => never(owner),
                R::kw_de | R::kw_du | R::kw_a | R::kw_au | R::kw_par_mot => self.may(owner, cost::WORD),
                _ => self.may(owner, 0),
            },
            (previous, R::expression) if in_clause && is_word(previous) && words == group.first => {
                self.may(owner, cost::HEAD)
            }
            (previous, _) if is_word(previous) => moved,
            _ => never(owner),
        }
    }

    /// Whether the last leaf is that of a line of « par palier » or « par tranche ».
    fn ends_with_rows(&self) -> bool {
        let end = self.result.leaves.len();
        self.result.groups.iter().any(|group| group.kind == GroupKind::Rows && group.end == end)
    }

    /// A break of the author's before the separator that comes next goes after it.
    fn moved_after(&self, gap: Gap) -> Gap {
        Gap { moved: Some(self.result.leaves.len() + 1), ..gap }
    }

    fn leaf(&mut self, pair: &P<'t>, gap: Gap) {
        let (start, end) = (self.base + pair.as_span().start(), self.base + pair.as_span().end());
        self.literals(start, gap.owner);
        let (rule, raw) = (pair.as_rule(), pair.as_str());
        let mut kind = LeafKind::Plain;
        let text = match rule {
            Rule::texte => {
                let (marks, folded) = quoted(raw);
                kind = LeafKind::Text(marks);
                folded
            }
            Rule::nombre => number_and_unit(pair),
            Rule::nombre_nu | Rule::entier => number(raw),
            Rule::date | Rule::jour_mois => day(raw),
            Rule::comparateur | Rule::fois | Rule::divise | Rule::moins => sign(raw).to_owned(),
            // The tree keeps it as it is.
            Rule::sorte => raw.to_owned(),
            // Its hyphen may be left out.
            Rule::mot_dela => format!("-{}", word(rule, raw)),
            rule if is_word(rule) => word(rule, raw),
            _ => fold(raw),
        };
        let closes = matches!(rule, Rule::mot_virgule | Rule::mot_fermante | Rule::mot_dela);
        let opens = matches!(rule, Rule::mot_ouvrante | Rule::fonction | Rule::kw_precedent | Rule::kw_anterieur)
            || text.ends_with('\'');
        self.result.leaves.push(Leaf { start, end, kind, text, closes, opens, before: gap });
    }

    /// Adds the signs that the grammar writes without naming them, between the last leaf and the one that starts here.
    fn literals(&mut self, start: usize, owner: usize) {
        let Some(last) = self.result.leaves.last().map(|leaf| leaf.end) else { return };
        let mut rest = self.text(last, start);
        while let Some(c) = rest.chars().next() {
            let place = start - rest.len();
            let length = if c == '#' { rest.find('\n').unwrap_or(rest.len()) } else { c.len_utf8() };
            if !c.is_whitespace() && !matches!(c, '#' | '-') {
                let glued = c == '/';
                self.result.leaves.push(Leaf {
                    start: place,
                    end: place + length,
                    kind: LeafKind::Plain,
                    text: c.to_string(),
                    closes: glued,
                    opens: glued,
                    before: never(owner),
                });
            }
            rest = &rest[length..];
        }
    }

    fn text(&self, start: usize, end: usize) -> &'t str {
        &self.piece[start - self.base..end - self.base]
    }
}

fn never(owner: usize) -> Gap {
    Gap { owner, rule: Break::Never, moved: None }
}

/// Rules whose children are of no use here.
fn is_leaf(rule: Rule) -> bool {
    matches!(rule, Rule::nombre | Rule::nombre_nu)
}

fn is_word(rule: Rule) -> bool {
    let sign = matches!(
        rule,
        Rule::mot_virgule
            | Rule::mot_deux_points
            | Rule::mot_point_virgule
            | Rule::mot_egal
            | Rule::mot_ouvrante
            | Rule::mot_fermante
    );
    !sign && (is_keyword(rule) || MEANINGFUL.contains(&rule))
}

/// What may stand on the first line of a declaration, words and texts aside. The text of an input is its meaning: a clause.
fn is_of_header(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::nom
            | Rule::nom_unite
            | Rule::interne
            | Rule::type_entree
            | Rule::cible
            | Rule::borne_date
            | Rule::cellule
            | Rule::nombre_nu
            | Rule::mot_virgule
            | Rule::mot_deux_points
            | Rule::mot_point_virgule
    )
}

fn only_child<'t>(pair: &P<'t>) -> Option<P<'t>> {
    let mut children = pair.clone().into_inner();
    children.next().filter(|_| !is_leaf(pair.as_rule()) && children.next().is_none())
}

/// The condition that an expression is, whole.
fn alternative<'t>(pair: &P<'t>) -> Option<P<'t>> {
    let mut pair = pair.clone();
    while pair.as_rule() != Rule::conditionnelle {
        pair = only_child(&pair)?;
    }
    Some(pair)
}

/// What joins the operands of a rule: a line breaks before it.
fn is_operator(parent: Rule, child: Rule) -> bool {
    match parent {
        Rule::expression => child == Rule::op_ou,
        Rule::conjonction => child == Rule::op_et,
        Rule::comparaison => matches!(child, Rule::comparateur | Rule::parmi),
        Rule::bornee => matches!(child, Rule::plafonne_a | Rule::porte_a),
        Rule::somme => matches!(child, Rule::plus | Rule::moins),
        Rule::produit => matches!(child, Rule::fois | Rule::divise),
        Rule::suffixe => child == Rule::a_defaut,
        Rule::lorsque => child == Rule::kw_lorsque,
        _ => false,
    }
}

// ------------------------------------------------------------------------------------------------ spellings

/// The spellings of each word of the grammar, as it lists them: the right one first.
static SPELLINGS: LazyLock<HashMap<&str, Vec<&str>>> = LazyLock::new(|| {
    let rules =
        include_str!("../grammar.pest").lines().filter(|line| line.starts_with("kw_") || line.starts_with("mot_"));
    let words = rules.filter_map(|line| line.split_once('='));
    words.map(|(name, body)| (name.trim(), body.split('"').skip(1).step_by(2).collect())).collect()
});

/// A keyword with its accents, and the point of an abbreviation.
fn word(rule: Rule, raw: &str) -> String {
    let raw = raw.trim_end_matches('.').replace('’', "'");
    let spellings = SPELLINGS.get(format!("{rule:?}").as_str());
    let accented =
        spellings.and_then(|known| known.iter().find(|known| without_accents(known) == without_accents(&raw)));
    match accented.map_or(raw.as_str(), |word| *word) {
        "réf" => "réf.".to_owned(),
        word => word.to_owned(),
    }
}

fn without_accents(word: &str) -> String {
    word.nfd().filter(char::is_ascii).collect()
}

fn sign(raw: &str) -> &str {
    match raw {
        ">=" => "≥",
        "<=" => "≤",
        "!=" | "<>" => "≠",
        "*" => "×",
        "÷" => "/",
        "−" | "–" => "-",
        other => other,
    }
}

/// A day, its spaces folded and its month with accents.
fn day(raw: &str) -> String {
    let spelt = |part: &str| {
        let month = MONTHS.iter().find(|names| names.contains(&part));
        month.map_or(part, |names| names[0]).to_owned()
    };
    raw.split_whitespace().map(spelt).collect::<Vec<_>>().join(" ")
}

/// A number with a decimal comma, its thousands apart from five digits on. A number of four digits may be a year: it stays
/// as it is.
fn number(raw: &str) -> String {
    let compact: String = raw.chars().filter(|c| !c.is_whitespace()).map(|c| if c == '.' { ',' } else { c }).collect();
    let (whole, decimals) = compact.split_at(compact.find(',').unwrap_or(compact.len()));
    if whole.len() < 5 && !raw.contains(char::is_whitespace) {
        return compact;
    }
    let mut result = String::new();
    for (rank, digit) in whole.char_indices() {
        if rank > 0 && (whole.len() - rank) % 3 == 0 {
            result.push(' ');
        }
        result.push(digit);
    }
    result + decimals
}

fn number_and_unit(pair: &P<'_>) -> String {
    let mut result = String::new();
    for part in pair.clone().into_inner() {
        if part.as_rule() == Rule::chiffres {
            result += &number(part.as_str());
            continue;
        }
        result.push(' ');
        let start = part.as_span().start();
        let mut end = start;
        for unit in part.clone().into_inner() {
            // « / » or « par ».
            let joint = part.as_str()[end - start..unit.as_span().start() - start].trim();
            result += &if joint == "par" { " par ".to_owned() } else { joint.to_owned() };
            result += unit.as_str();
            end = unit.as_span().end();
        }
    }
    result
}

/// The words of a text, and its quotation marks when it holds some of those that should be around it.
fn quoted(raw: &str) -> (Option<(char, char)>, String) {
    let mut inside = raw.chars();
    let marks = inside.next().zip(inside.next_back());
    let folded = fold(inside.as_str());
    (marks.filter(|_| folded.contains(['«', '»'])), folded)
}

fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_find_their_accents() {
        // The right spelling comes first in the grammar, and is that of every other with the same letters.
        for rule in Rule::all_rules() {
            let name = format!("{rule:?}");
            let Some(spellings) = SPELLINGS.get(name.as_str()) else { continue };
            for spelling in spellings {
                let written = word(*rule, spelling);
                let plain = |word: &str| without_accents(word).trim_end_matches('.').to_owned();
                assert_eq!(plain(&written), plain(spelling), "{name}");
                let accents = |word: &str| word.chars().filter(|c| !c.is_ascii()).count();
                let most = spellings.iter().filter(|other| plain(other) == plain(spelling)).map(|other| accents(other));
                assert_eq!(Some(accents(&written)), most.max(), "{name}: {written}");
            }
        }
        assert_eq!(word(Rule::kw_ref, "ref"), "réf.");
        assert_eq!(word(Rule::kw_ref, "references."), "références");
        assert_eq!(word(Rule::mot_jusqu, "jusqu’"), "jusqu'");
        assert_eq!(word(Rule::mot_ou_lieu, "ou"), "où");
        assert_eq!(word(Rule::kw_ou, "ou"), "ou");
    }

    #[test]
    fn numbers() {
        for (raw, written) in [
            ("2024", "2024"),
            ("4000,5", "4000,5"),
            ("4\u{202F}000", "4 000"),
            ("12345", "12 345"),
            ("1234567.25", "1 234 567,25"),
            ("0.5", "0,5"),
        ] {
            assert_eq!(number(raw), written);
        }
    }

    #[test]
    fn quotation_marks() {
        assert_eq!(quoted("\" a\n  b \""), (None, "a b".to_owned()));
        assert_eq!(quoted("“a «b»”"), (Some(('“', '”')), "a «b»".to_owned()));
    }
}
