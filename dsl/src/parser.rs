//! From text to syntax tree. This file and its modules are the only ones that name pest.
//!
//! A declaration starts in the first column and its clauses are indented: the text is cut there first, and each piece is
//! parsed alone, so that a mistake in one declaration hides no other. Parsing never fails: it returns what it could read
//! and the diagnostics.

pub(crate) mod concrete;
mod explain;
mod tokens;

use std::cell::Cell;
use std::sync::{Arc, LazyLock};

use pest::Parser as _;
use pest::iterators::{Pair, Pairs};
use unicode_normalization::{UnicodeNormalization as _, is_nfc};

use crate::ast::*;
use crate::diagnostic::{Diagnostic, codes, syntax};
use crate::source::SourceMap;
use crate::span::{FileId, Span, Spanned};

#[derive(pest_derive::Parser)]
#[grammar = "grammar.pest"]
struct PolParser;

/// Depth of an expression above which a declaration is refused: far beyond any readable provision, far below what the
/// stack holds.
pub const MAX_NESTING: usize = 80;

/// Parses one file. The tree holds every declaration that could be read.
#[must_use]
pub fn parse(sources: &SourceMap, id: FileId) -> (File, Vec<Diagnostic>) {
    let text = &sources.file(id).text;
    let mut diagnostics = Vec::new();
    let mut items = Vec::new();
    let mut unread: Vec<Span> = Vec::new();
    let mut in_unclosed_text = false;
    for (start, end) in cut(text, id, &mut diagnostics) {
        let piece = &text[start..end];
        // The comments that follow announce the next declaration.
        let words = || tokens::tokens(piece).last().map_or(0, tokens::Token::end);
        // What follows a text left open, without being a declaration, belongs to it.
        if in_unclosed_text && !explain::opens_declaration(piece) {
            unread.push(Span::new(id, start, start + words()));
            continue;
        }
        match parse_piece(piece, id, start) {
            Ok(item) => {
                if piece.starts_with(char::is_whitespace) {
                    diagnostics.push(explain::indented(piece, id, start));
                }
                in_unclosed_text = false;
                items.extend(item);
            }
            Err(problem) => {
                in_unclosed_text = problem.code == codes::UNCLOSED_TEXT;
                diagnostics.push(*problem);
                unread.push(Span::new(id, start, start + words()));
            }
        }
    }
    (File { id, items, unread }, diagnostics)
}

fn parse_piece(piece: &str, file: FileId, base: usize) -> Result<Option<Item>, Box<Diagnostic>> {
    let mut pairs = PolParser::parse(Rule::declaration_seule, piece)
        .map_err(|error| Box::new(explain::explain(&error, piece, file, base)))?;
    let builder = Builder { file, base, depth: Cell::new(0), too_deep: Cell::new(false) };
    let item = pairs.next().and_then(|p| p.into_inner().next()).map(|pair| builder.item(pair));
    if builder.too_deep.get() {
        return Err(Box::new(explain::too_deep(piece, file, base)));
    }
    Ok(item)
}

/// The declarations of a text that was parsed without a mistake, as they were written.
pub(crate) fn declarations(text: &str, file: FileId) -> Vec<concrete::Declaration> {
    let pieces = cut(text, file, &mut Vec::new()).into_iter();
    concrete::concrete(pieces.map(|(start, end)| (start, &text[start..end])))
}

/// The declarations of a text, as byte ranges: each starts at a character in the first column. A clause there is reported
/// and left with the declaration before it.
fn cut(text: &str, file: FileId, diagnostics: &mut Vec<Diagnostic>) -> Vec<(usize, usize)> {
    let mut starts: Vec<usize> = Vec::new();
    let mut offset = 0;
    let amendment = explain::opens_amendment(text);
    for line in text.split_inclusive('\n') {
        let first = line.chars().next();
        let opens = first.is_some_and(|c| !c.is_whitespace() && c != '#');
        // Indented text before any declaration is a piece of its own, so that it is reported.
        let stray = starts.is_empty() && line.trim_start().chars().next().is_some_and(|c| c != '#');
        let clause = if opens && !starts.is_empty() { explain::clause_at(line, amendment) } else { None };
        match clause {
            Some(clause) => {
                let span = Span::new(file, offset, offset + clause.len());
                diagnostics.push(syntax::unindented_clause(span, clause));
            }
            None if opens || stray => starts.push(offset),
            None => {}
        }
        offset += line.len();
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().copied().zip(ends).collect()
}

struct Builder {
    file: FileId,
    base: usize,
    /// How deep the expression being built is.
    depth: Cell<usize>,
    too_deep: Cell<bool>,
}

type P<'i> = Pair<'i, Rule>;

/// The children of a pair, taken one by one in the order of the grammar.
struct Children<'i>(std::iter::Peekable<Meaningful<'i>>);

/// The pairs of a rule without its keywords.
struct Meaningful<'i>(Pairs<'i, Rule>);

impl<'i> Iterator for Meaningful<'i> {
    type Item = P<'i>;

    fn next(&mut self) -> Option<P<'i>> {
        self.0.find(|pair| !is_keyword(pair.as_rule()))
    }
}

fn inner<'i>(pair: P<'i>) -> Meaningful<'i> {
    Meaningful(pair.into_inner())
}

/// Keywords are atomic rules, so pest makes a pair of each; a few carry meaning and are kept.
fn is_keyword(rule: Rule) -> bool {
    static TABLE: LazyLock<Vec<bool>> = LazyLock::new(|| {
        let mut table = Vec::new();
        for rule in Rule::all_rules() {
            let index = *rule as usize;
            table.resize(table.len().max(index + 1), false);
            let name = format!("{rule:?}");
            table[index] = (name.starts_with("kw_") || name.starts_with("mot_")) && !MEANINGFUL.contains(rule);
        }
        table
    });
    TABLE[rule as usize]
}

const MEANINGFUL: [Rule; 9] = [
    Rule::kw_entier,
    Rule::kw_decimal,
    Rule::kw_booleen,
    Rule::kw_date,
    Rule::kw_annexe,
    Rule::kw_fixes,
    Rule::kw_variables,
    Rule::kw_socle,
    Rule::kw_optionnel,
];

impl<'i> Children<'i> {
    fn of(pair: P<'i>) -> Self {
        Self(inner(pair).peekable())
    }

    fn take_if(&mut self, rule: Rule) -> Option<P<'i>> {
        self.0.next_if(|p| p.as_rule() == rule)
    }

    /// The next child. The grammar guarantees it: a missing one is a fault of this file, not of the text.
    fn next(&mut self) -> P<'i> {
        self.0.next().expect("the grammar gives this rule one more child")
    }
}

impl Builder {
    /// The words of a pair: pest also gives it the white space and the comments that follow.
    fn span(&self, pair: &P<'_>) -> Span {
        let s = pair.as_span();
        let mut text = s.as_str().trim_end();
        if text.contains('#') {
            text = &text[..tokens::tokens(text).last().map_or(0, tokens::Token::end)];
        }
        Span::new(self.file, self.base + s.start(), self.base + s.start() + text.len())
    }

    fn name(&self, pair: &P<'_>) -> Name {
        let raw = pair.as_str();
        let node: Arc<str> = if is_nfc(raw) { raw.into() } else { raw.nfc().collect::<String>().into() };
        Spanned { node, span: self.span(pair) }
    }

    fn text(&self, pair: &P<'_>) -> Text {
        let raw = pair.as_str();
        let mut inner = raw.chars();
        inner.next();
        inner.next_back();
        let folded = inner.as_str().split_whitespace().collect::<Vec<_>>().join(" ");
        Spanned { node: folded.into(), span: self.span(pair) }
    }

    fn integer(&self, pair: &P<'_>) -> Spanned<u32> {
        let digits: String = pair.as_str().chars().filter(char::is_ascii_digit).collect();
        // Larger numbers have no meaning where an integer is read here (a year, a count, decimals): later checks refuse them.
        Spanned { node: digits.parse().unwrap_or(u32::MAX), span: self.span(pair) }
    }

    fn number(&self, pair: &P<'_>) -> Number {
        let digits: String = pair
            .as_str()
            .chars()
            .filter_map(|c| if c == ',' { Some('.') } else { (c.is_ascii_digit() || c == '.').then_some(c) })
            .collect();
        Number { digits: digits.into(), span: self.span(pair) }
    }

    fn date(&self, pair: &P<'_>) -> DateLiteral {
        let raw = pair.as_str();
        let numbers: Vec<u32> = raw
            .split(|c: char| !c.is_ascii_digit())
            .filter(|s| !s.is_empty())
            .map(|s| s.parse().unwrap_or(u32::MAX))
            .collect();
        if raw.contains('-') {
            DateLiteral { year: numbers[0], month: numbers[1], day: numbers[2] }
        } else if raw.contains('/') {
            DateLiteral { year: numbers[2], month: numbers[1], day: numbers[0] }
        } else {
            let (day, month) = day_and_month(raw);
            DateLiteral { year: numbers[1], month, day }
        }
    }

    fn item(&self, pair: P<'_>) -> Item {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        let mut children = Children::of(pair);
        let mut name = None;
        let kind = match rule {
            Rule::politique => ItemKind::Policy,
            Rule::enumeration => ItemKind::Enumeration,
            Rule::unite => {
                name = Some(self.name(&children.next()));
                let aliases = std::iter::from_fn(|| children.take_if(Rule::nom_unite)).map(|p| self.name(&p)).collect();
                ItemKind::Unit { aliases }
            }
            Rule::entree => {
                name = Some(self.name(&children.next()));
                ItemKind::Input(Box::new(self.input_type(children.next())))
            }
            Rule::parametre => ItemKind::Parameter,
            Rule::definition => ItemKind::Definition { internal: children.take_if(Rule::interne).is_some() },
            Rule::bloc => ItemKind::Block,
            Rule::critere => ItemKind::Criterion,
            Rule::minoration => ItemKind::Minoration,
            Rule::majoration => ItemKind::Majoration,
            Rule::prorata_temporis => ItemKind::Proration,
            Rule::versement => ItemKind::Payment,
            Rule::derogation => {
                name = Some(self.name(&children.next()));
                ItemKind::Derogation { target: self.name(&children.next()) }
            }
            Rule::lecture => ItemKind::Reading,
            Rule::situation => ItemKind::Situation,
            Rule::exemple => ItemKind::Example,
            Rule::controle => ItemKind::Control,
            Rule::partie => ItemKind::Part,
            Rule::echeancier => ItemKind::Schedule,
            Rule::non_cumul => ItemKind::Exclusion,
            Rule::agregat => ItemKind::Aggregate,
            Rule::table => ItemKind::Table,
            Rule::avenant => ItemKind::Amendment,
            Rule::insertion | Rule::remplacement => {
                let item = Box::new(self.item(children.next()));
                let name = item.name.clone();
                let change = if rule == Rule::insertion { Change::Insert(item) } else { Change::Replace(item) };
                return Item {
                    kind: ItemKind::Change(change),
                    name,
                    title: None,
                    clauses: Vec::new(),
                    span,
                    home: self.file,
                };
            }
            Rule::insertion_ligne | Rule::remplacement_ligne => {
                name = Some(self.name(&children.next()));
                let mut cells = Vec::new();
                while let Some(cell) = children.take_if(Rule::cellule) {
                    cells.push(self.cell(cell));
                }
                ItemKind::Change(Change::Row { replaces: rule == Rule::remplacement_ligne, cells })
            }
            Rule::abrogation_ligne => {
                let key = children.next();
                let key = match key.as_rule() {
                    Rule::texte => self.text(&key),
                    Rule::nombre_nu => Spanned { node: self.number(&key).digits, span: self.span(&key) },
                    _ => self.name(&key),
                };
                name = Some(self.name(&children.next()));
                let from = children.take_if(Rule::borne_date).map(|p| self.bound(p));
                ItemKind::Change(Change::RepealRow { key, from })
            }
            Rule::abrogation | Rule::report | Rule::prorogation => {
                let (target, aimed) = self.target(children.next());
                name = Some(aimed);
                let bound = children.take_if(Rule::borne_date).map(|p| self.bound(p));
                let change = match (rule, bound) {
                    (Rule::report, Some(from)) => Change::Postpone { target, from },
                    (Rule::prorogation, Some(until)) => Change::Extend { target, until },
                    (_, from) => Change::Repeal { target, from },
                };
                ItemKind::Change(change)
            }
            other => unreachable!("{other:?} is not a declaration of the grammar"),
        };
        if name.is_none() {
            name = children.take_if(Rule::nom).map(|p| self.name(&p));
        }
        // An input's text is its meaning and may stand after its type: it is a clause there.
        let title = if matches!(kind, ItemKind::Input(_)) {
            None
        } else {
            children.take_if(Rule::texte).map(|p| self.text(&p))
        };
        let clauses = children.0.map(|p| self.clause(p)).collect();
        Item { kind, name, title, clauses, span, home: self.file }
    }

    /// A cell of a table; `None` where it is empty.
    fn cell(&self, pair: P<'_>) -> Option<Expr> {
        inner(pair).find(|p| p.as_rule() == Rule::expression).map(|p| self.expression(p))
    }

    /// What a change aims at, and its name.
    fn target(&self, pair: P<'_>) -> (Target, Name) {
        let mut children = Children::of(pair);
        let sort = children.take_if(Rule::sorte).map(|p| self.name(&p));
        let name = self.name(&children.next());
        (Target { sort, cases: children.take_if(Rule::cas_vises).map(|p| self.cases(p)) }, name)
    }

    fn input_type(&self, pair: P<'_>) -> InputType {
        let span = self.span(&pair);
        let mut children = Children::of(pair);
        // « texte » is a keyword without a pair of its own.
        let base = match inner(children.next()).next() {
            None => BaseType::Text,
            Some(word) => match word.as_rule() {
                Rule::kw_entier => BaseType::Integer,
                Rule::kw_decimal => BaseType::Decimal,
                Rule::kw_booleen => BaseType::Boolean,
                Rule::kw_date => BaseType::Date,
                _ => BaseType::Named(self.name(&word)),
            },
        };
        let mut result =
            InputType { base, span, unit: None, decimals: None, range: None, default: None, optional: false };
        for detail in children.0 {
            let rule = detail.as_rule();
            let mut inner = Children::of(detail);
            match rule {
                Rule::en_unite => result.unit = Some(self.unit(inner.next())),
                Rule::a_decimales => result.decimals = Some(self.integer(&inner.next())),
                Rule::plage => result.range = Some((self.constant(inner.next()), self.constant(inner.next()))),
                Rule::par_defaut => result.default = Some(self.constant(inner.next())),
                Rule::facultative => result.optional = true,
                other => unreachable!("{other:?} is not a detail of an input type"),
            }
        }
        result
    }

    fn unit(&self, pair: P<'_>) -> UnitExpr {
        let span = self.span(&pair);
        UnitExpr { parts: inner(pair).map(|p| self.name(&p)).collect(), span }
    }

    fn citations(&self, pair: P<'_>) -> Vec<Citation> {
        inner(pair).map(|item| self.citation(item)).collect()
    }

    fn citation(&self, pair: P<'_>) -> Citation {
        let span = self.span(&pair);
        let mut children = Children::of(pair);
        let first = children.next();
        let kind = match first.as_rule() {
            Rule::numero_article => CitationKind::Article(fold(first.as_str())),
            Rule::kw_annexe => CitationKind::Annex(fold(children.next().as_str())),
            _ => CitationKind::Free(self.text(&first).node),
        };
        let of = children.take_if(Rule::nom).map(|p| self.name(&p));
        Citation { kind, of, span }
    }

    /// « (article 15.6, annexe 1) » after a clause, where there is one.
    fn trailing_citations(&self, children: &mut Children<'_>) -> Vec<Citation> {
        children
            .take_if(Rule::renvoi)
            .map(|p| self.citations(inner(p).next().expect("a list of citations")))
            .unwrap_or_default()
    }

    fn cases(&self, pair: P<'_>) -> Cases {
        let names: Vec<Name> = inner(pair).map(|p| self.name(&p)).collect();
        if names.is_empty() { Cases::All } else { Cases::Named(names) }
    }

    fn period(&self, pair: P<'_>) -> Period {
        let span = self.span(&pair);
        let ends_only = pair.as_str().starts_with("jusqu");
        let mut bounds = inner(pair).map(|p| self.bound(p));
        let first = bounds.next();
        if ends_only { Period { from: None, to: first, span } } else { Period { from: first, to: bounds.next(), span } }
    }

    fn bound(&self, pair: P<'_>) -> DateBound {
        let inner = inner(pair).next().expect("a bound is a date or a year");
        match inner.as_rule() {
            Rule::date => DateBound::Date(Spanned { node: self.date(&inner), span: self.span(&inner) }),
            _ => DateBound::Year(self.integer(&inner)),
        }
    }

    fn amount(&self, pair: P<'_>) -> Amount {
        if pair.as_rule() == Rule::expression {
            return Amount::Plain(self.expression(pair));
        }
        let span = self.span(&pair);
        let mut children = Children::of(pair);
        let amount = self.number(&children.next());
        let per = children.take_if(Rule::nombre_nu).map(|p| self.number(&p));
        let unit = self.name(&children.next());
        let quantity = Box::new(self.expression(children.next()));
        let limit = children.take_if(Rule::expression).map(|p| Box::new(self.expression(p)));
        Amount::PerUnit { amount, per, unit, quantity, limit, span }
    }

    fn when(&self, children: &mut Children<'_>) -> Option<Expr> {
        children.take_if(Rule::lorsque).map(|p| self.only_expression(p))
    }

    fn only_expression(&self, pair: P<'_>) -> Expr {
        self.expression(inner(pair).next().expect("this clause holds one expression"))
    }

    fn only_name(&self, pair: P<'_>) -> Name {
        self.name(&inner(pair).next().expect("this clause holds one name"))
    }

    fn clause(&self, pair: P<'_>) -> Clause {
        let span = self.span(&pair);
        Clause { kind: self.clause_kind(pair), span }
    }

    fn clause_kind(&self, pair: P<'_>) -> ClauseKind {
        use ClauseKind as K;
        let rule = pair.as_rule();
        match rule {
            Rule::texte => return K::Meaning(self.text(&pair)),
            Rule::reference => {
                return K::Reference(self.citations(inner(pair).next().expect("a list of citations")));
            }
            Rule::en_conflit => {
                return K::InConflict(self.citations(inner(pair).next().expect("a list of citations")));
            }
            Rule::chaque_ligne => return K::EachRow,
            Rule::projet => return K::Draft,
            Rule::avec_avenants | Rule::sans_avenants => {
                let names = inner(pair).map(|p| self.name(&p)).collect();
                return K::UnderAmendments { names, included: rule == Rule::avec_avenants };
            }
            Rule::bloquant => return K::Blocking,
            Rule::champ_tous => return K::ScopeAll,
            Rule::conserve => return K::Keeps(self.only_expression(pair)),
            Rule::premiere_annee => return K::FirstYear(self.only_expression(pair)),
            Rule::interrompu => return K::Interrupted(self.only_expression(pair)),
            Rule::une_seule_fois => return K::OnlyOnce(self.only_name(pair)),
            Rule::vrai_si => return K::TrueIf(self.only_expression(pair)),
            Rule::si_clause => return K::If(self.only_expression(pair)),
            Rule::a_compter_de => return K::From(self.only_expression(pair)),
            Rule::jusqu_au => return K::Until(self.only_expression(pair)),
            Rule::rapporte_a => return K::RelativeTo(self.only_expression(pair)),
            Rule::verifie => return K::Verify(self.only_expression(pair)),
            Rule::exercice => return K::Exercise(self.only_name(pair)),
            Rule::sur => return K::On(self.only_name(pair)),
            Rule::apres => return K::After(self.only_name(pair)),
            Rule::leve_prerequis => return K::Lifts(self.only_name(pair)),
            Rule::prime_sur => return K::Overrides(self.only_name(pair)),
            Rule::base => return K::Base(self.only_name(pair)),
            _ => {}
        }
        let mut c = Children::of(pair);
        match rule {
            Rule::monnaie => {
                let symbol = c.next().as_str().into();
                let decimals = c.next();
                let decimals = if decimals.as_rule() == Rule::au_centime {
                    2
                } else {
                    self.integer(&Children::of(decimals).next()).node
                };
                K::Currency { symbol, decimals }
            }
            Rule::cle | Rule::cle_table => K::Key(c.0.map(|p| self.name(&p)).collect()),
            Rule::champ => {
                K::Scope { condition: self.expression(c.next()), citations: self.trailing_citations(&mut c) }
            }
            Rule::texte_cite => K::CitedText { name: self.name(&c.next()), title: self.text(&c.next()) },
            Rule::cas => K::Case { name: self.name(&c.next()), title: self.optional_text(&mut c) },
            Rule::valeur_datee => K::DatedValue { period: self.period(c.next()), value: self.expression(c.next()) },
            Rule::pour => K::For { cases: self.cases(c.next()), condition: self.when(&mut c) },
            Rule::en_vigueur => K::InForce(self.period(c.next())),
            Rule::points => {
                let nature = c.take_if(Rule::nature).map(|p| {
                    let word = inner(p).next().expect("fixe or variable");
                    if word.as_rule() == Rule::kw_fixes { Nature::Fixed } else { Nature::Variable }
                });
                let amount = self.amount(c.next());
                K::Points { nature, amount, when: self.when(&mut c), citations: self.trailing_citations(&mut c) }
            }
            Rule::montant => {
                let amount = self.amount(c.next());
                K::Amount { amount, when: self.when(&mut c), citations: self.trailing_citations(&mut c) }
            }
            Rule::taux => {
                let amount = Amount::Plain(self.expression(c.next()));
                K::Rate { amount, when: self.when(&mut c), citations: self.trailing_citations(&mut c) }
            }
            Rule::vaut => K::Value { value: self.expression(c.next()), citations: self.trailing_citations(&mut c) },
            Rule::plafond | Rule::plancher => {
                let kind = if rule == Rule::plafond { BoundKind::Cap } else { BoundKind::Floor };
                let value = self.expression(c.next());
                let cases = c.take_if(Rule::cas_vises).map(|p| self.cases(p));
                K::Bound { kind, value, cases, when: self.when(&mut c), citations: self.trailing_citations(&mut c) }
            }
            Rule::prorata_clause => {
                K::Prorated { value: self.expression(c.next()), citations: self.trailing_citations(&mut c) }
            }
            Rule::appartenance => K::Membership { block: self.name(&c.next()), level: level(c.next()) },
            Rule::prerequis | Rule::condition_nommee => {
                let name = self.name(&c.next());
                let title = self.optional_text(&mut c);
                let condition = self.expression(c.next());
                if rule == Rule::prerequis {
                    K::Prerequisite { name, title, condition }
                } else {
                    K::NamedCondition { name, title, condition }
                }
            }
            Rule::total_bloc => {
                let level = level(c.next());
                let name = self.name(&c.next());
                K::BlockTotal {
                    level,
                    name,
                    title: self.optional_text(&mut c),
                    citations: self.trailing_citations(&mut c),
                }
            }
            Rule::prerequis_bloc => {
                let met = self.name(&c.next());
                let met_title = self.optional_text(&mut c);
                let count = self.name(&c.next());
                let count_title = self.optional_text(&mut c);
                K::BlockPrerequisites { met, met_title, count, count_title, citations: self.trailing_citations(&mut c) }
            }
            Rule::nombre_de_jours => K::DayCount { name: self.name(&c.next()), title: self.optional_text(&mut c) },
            Rule::il_suffit => K::Suffices(self.integer(&c.next())),
            Rule::retenue => K::Retained { name: self.name(&c.next()), text: self.text(&c.next()) },
            Rule::variante => K::Variant { name: self.name(&c.next()), text: self.text(&c.next()) },
            Rule::motif => K::Reason(self.text(&c.next())),
            Rule::pour_chaque => {
                let (table, condition) = self.each(c);
                K::ForEach { table, condition }
            }
            Rule::cumul => K::Cumulates {
                value: self.expression(c.next()),
                since: self.expression(c.next()),
                citations: self.trailing_citations(&mut c),
            },
            Rule::echeance => K::Due {
                name: self.name(&c.next()),
                title: self.optional_text(&mut c),
                rate: self.atom(c.next()),
                amount: self.expression(c.next()),
                date: self.expression(c.next()),
                when: self.when(&mut c),
                citations: self.trailing_citations(&mut c),
            },
            Rule::recuperation => K::Recovery {
                name: self.name(&c.next()),
                title: self.optional_text(&mut c),
                amount: self.expression(c.next()),
                at: self.expression(c.next()),
                from: self.expression(c.next()),
                to: self.expression(c.next()),
                when: self.when(&mut c),
                citations: self.trailing_citations(&mut c),
            },
            Rule::total_echeancier => K::ScheduleTotal {
                name: self.name(&c.next()),
                title: self.optional_text(&mut c),
                citations: self.trailing_citations(&mut c),
            },
            Rule::annule => K::Annuls(c.0.map(|p| self.name(&p)).collect()),
            Rule::entre => K::Between(c.0.map(|p| self.name(&p)).collect()),
            Rule::resume => {
                let (summary, value) = self.summary(c.next());
                let by = std::iter::from_fn(|| c.take_if(Rule::nom)).map(|p| self.name(&p)).collect();
                K::Summarises {
                    summary,
                    value,
                    by,
                    when: self.when(&mut c),
                    citations: self.trailing_citations(&mut c),
                }
            }
            Rule::arrondi_agregat => K::RoundedTo(self.integer(&Children::of(c.next()).next())),
            Rule::sur_l_ensemble => K::WholeData(c.0.map(|p| self.name(&p)).collect()),
            Rule::fichier => K::File(self.text(&c.next())),
            Rule::colonne => {
                let name = self.name(&c.next());
                K::Column { name, ty: Box::new(self.input_type(c.next())) }
            }
            Rule::ligne => K::Row(c.0.map(|p| self.cell(p)).collect()),
            Rule::colonnes_en_vigueur => K::ColumnsInForce { from: self.name(&c.next()), to: self.name(&c.next()) },
            Rule::remplace => {
                let name = self.name(&c.next());
                let each = c.take_if(Rule::pour_chaque).map(|p| self.each(Children::of(p)));
                let cases = c.take_if(Rule::cas_vises).map(|p| self.cases(p));
                K::Replaces { name, each, cases, value: self.expression(c.next()) }
            }
            Rule::origine => {
                K::Origin(if c.next().as_rule() == Rule::origine_texte { Origin::Text } else { Origin::Computed })
            }
            Rule::signe_le | Rule::publie_le => {
                let date = c.next();
                let date = Spanned { node: self.date(&date), span: self.span(&date) };
                K::Dated { published: rule == Rule::publie_le, date }
            }
            Rule::sous_lecture => K::UnderReading { reading: self.name(&c.next()), variant: self.name(&c.next()) },
            Rule::exercice_exemple => K::Year(self.integer(&c.next())),
            Rule::soit => K::Given(c.0.map(|p| self.assignment(p)).collect()),
            Rule::attendu => K::Expected(c.0.map(|p| self.expectation(p)).collect()),
            Rule::annonce => {
                K::Announces { value: self.expression(c.next()), quantity: c.take_if(Rule::nom).map(|p| self.name(&p)) }
            }
            Rule::ecart => K::Gap { value: self.expression(c.next()), reason: self.text(&c.next()) },
            other => unreachable!("{other:?} is not a clause of the grammar"),
        }
    }

    fn each(&self, mut c: Children<'_>) -> (Name, Option<Expr>) {
        let table = self.name(&c.next());
        (table, c.take_if(Rule::expression).map(|p| self.expression(p)))
    }

    fn summary(&self, pair: P<'_>) -> (Summary, Option<Expr>) {
        if pair.as_rule() == Rule::resume_nombre {
            return (Summary::Count, None);
        }
        let mut c = Children::of(pair);
        let summary = match c.next().as_str() {
            "somme" => Summary::Sum,
            "moyenne" => Summary::Mean,
            "maximum" => Summary::Maximum,
            _ => Summary::Minimum,
        };
        (summary, Some(self.expression(c.next())))
    }

    fn optional_text(&self, children: &mut Children<'_>) -> Option<Text> {
        children.take_if(Rule::texte).map(|p| self.text(&p))
    }

    fn assignment(&self, pair: P<'_>) -> Assignment {
        let mut c = Children::of(pair);
        let name = self.name(&c.next());
        Assignment { name, value: c.take_if(Rule::expression).map(|p| self.expression(p)) }
    }

    fn expectation(&self, pair: P<'_>) -> Expectation {
        let span = self.span(&pair);
        let mut c = Children::of(pair);
        let name = self.name(&c.next());
        Expectation { name, value: c.take_if(Rule::expression).map(|p| self.expression(p)), span }
    }

    /// Builds a part of an expression, so many levels down; reports and cuts short where that is too deep.
    fn deeper(&self, levels: usize, pair: P<'_>, build: impl FnOnce(&Self, P<'_>) -> Expr) -> Expr {
        let depth = self.depth.get() + levels;
        if depth > MAX_NESTING {
            let span = self.span(&pair);
            self.too_deep.set(true);
            return Expr { kind: ExprKind::Boolean(false), span };
        }
        self.depth.set(depth);
        let expr = build(self, pair);
        self.depth.set(depth - levels);
        expr
    }

    fn constant(&self, pair: P<'_>) -> Expr {
        let span = self.span(&pair);
        let mut c = Children::of(pair);
        let negative = c.take_if(Rule::moins).is_some();
        let value = self.atom(c.next());
        if negative { Expr { kind: ExprKind::Negate(Box::new(value)), span } } else { value }
    }

    fn expression(&self, pair: P<'_>) -> Expr {
        match pair.as_rule() {
            Rule::expression => self.chain(pair, |b, p| b.chain(p, Self::negation)),
            _ => self.sum(pair),
        }
    }

    /// `operand (operator operand)*`, grouped from the left.
    fn chain(&self, pair: P<'_>, operand: impl Fn(&Self, P<'_>) -> Expr) -> Expr {
        let pairs: Vec<P<'_>> = inner(pair).collect();
        // The first operand is the deepest.
        let mut levels = pairs.len() / 2;
        let mut pairs = pairs.into_iter();
        let first = pairs.next().expect("a chain starts with an operand");
        let mut left = self.deeper(levels, first, &operand);
        if self.too_deep.get() {
            return left;
        }
        while let (Some(op), Some(right)) = (pairs.next(), pairs.next()) {
            left = self.binary(left, &op, self.deeper(levels, right, &operand));
            levels -= 1;
        }
        left
    }

    fn binary(&self, left: Expr, op: &P<'_>, right: Expr) -> Expr {
        let span = left.span.to(right.span);
        let kind = match op.as_rule() {
            Rule::op_ou => BinaryOp::Or,
            Rule::op_et => BinaryOp::And,
            Rule::plus => BinaryOp::Add,
            Rule::moins => BinaryOp::Subtract,
            Rule::fois => BinaryOp::Multiply,
            Rule::divise => BinaryOp::Divide,
            _ => match op.as_str() {
                "≥" | ">=" => BinaryOp::GreaterOrEqual,
                "≤" | "<=" => BinaryOp::LessOrEqual,
                ">" => BinaryOp::Greater,
                "<" => BinaryOp::Less,
                "=" => BinaryOp::Equal,
                _ => BinaryOp::NotEqual,
            },
        };
        let op_span = self.span(op);
        Expr { kind: ExprKind::Binary { op: kind, op_span, left: Box::new(left), right: Box::new(right) }, span }
    }

    fn negation(&self, pair: P<'_>) -> Expr {
        let span = self.span(&pair);
        let mut c = Children::of(pair);
        let mut negative = false;
        while c.take_if(Rule::op_non).is_some() {
            negative = !negative;
        }
        let inner = self.comparison(c.next());
        if negative { Expr { kind: ExprKind::Not(Box::new(inner)), span } } else { inner }
    }

    fn comparison(&self, pair: P<'_>) -> Expr {
        let span = self.span(&pair);
        let mut c = Children::of(pair);
        let left = self.bounded(c.next());
        let Some(next) = c.0.next() else { return left };
        if next.as_rule() == Rule::parmi {
            let names = inner(next).map(|p| self.name(&p)).collect();
            return Expr { kind: ExprKind::OneOf { subject: Box::new(left), names }, span };
        }
        if matches!(next.as_rule(), Rule::est_renseigne | Rule::est_vide) {
            let set = Expr { kind: ExprKind::IsSet(Box::new(left)), span };
            return if next.as_rule() == Rule::est_vide {
                Expr { kind: ExprKind::Not(Box::new(set)), span }
            } else {
                set
            };
        }
        let right = self.bounded(c.next());
        self.binary(left, &next, right)
    }

    fn sum(&self, pair: P<'_>) -> Expr {
        self.chain(pair, |b, p| b.chain(p, Self::signed))
    }

    fn signed(&self, pair: P<'_>) -> Expr {
        let span = self.span(&pair);
        let mut c = Children::of(pair);
        let mut negative = false;
        while c.take_if(Rule::moins).is_some() {
            negative = !negative;
        }
        let inner = self.suffixed(c.next());
        if negative { Expr { kind: ExprKind::Negate(Box::new(inner)), span } } else { inner }
    }

    fn suffixed(&self, pair: P<'_>) -> Expr {
        let mut c = Children::of(pair);
        let value = self.atom(c.next());
        let Some(suffix) = c.take_if(Rule::a_defaut) else { return value };
        let span = value.span.to(self.span(&suffix));
        let default = inner(suffix).next().expect("a default has an operand");
        let default = Box::new(self.deeper(1, default, Self::signed));
        Expr { kind: ExprKind::OrElse { value: Box::new(value), default }, span }
    }

    fn bounded(&self, pair: P<'_>) -> Expr {
        let mut pairs = inner(pair).collect::<Vec<_>>().into_iter();
        let first = pairs.next().expect("a bounded value starts with a sum");
        let mut value = self.deeper(pairs.len(), first, Self::sum);
        if self.too_deep.get() {
            return value;
        }
        for bound in pairs {
            let cap = bound.as_rule() == Rule::plafonne_a;
            let span = value.span.to(self.span(&bound));
            let limit = Box::new(self.sum(inner(bound).next().expect("a bound has an operand")));
            let subject = Box::new(value);
            let kind = if cap {
                ExprKind::CappedAt { value: subject, cap: limit }
            } else {
                ExprKind::RaisedTo { value: subject, floor: limit }
            };
            value = Expr { kind, span };
        }
        value
    }

    fn atom(&self, pair: P<'_>) -> Expr {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        let kind = match rule {
            Rule::vrai => ExprKind::Boolean(true),
            Rule::faux => ExprKind::Boolean(false),
            Rule::retenu => ExprKind::Retained,
            Rule::date => ExprKind::Date(self.date(&pair)),
            Rule::texte => ExprKind::Text(self.text(&pair).node),
            Rule::nom => ExprKind::Name(self.name(&pair).node),
            Rule::reference_nom => ExprKind::Name(self.only_name(pair).node),
            Rule::nombre => {
                let mut c = Children::of(pair);
                let value = self.number(&c.next());
                ExprKind::Number { value, unit: c.take_if(Rule::unite_litterale).map(|p| self.unit(p)) }
            }
            _ => return self.deeper(1, pair, Self::composite),
        };
        Expr { kind, span }
    }

    /// An operand made of others.
    fn composite(&self, pair: P<'_>) -> Expr {
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            Rule::parentheses => return Expr { span, ..self.only_expression(pair) },
            rule => {
                let mut c = Children::of(pair);
                match rule {
                    Rule::date_calculee => {
                        let (day, month) = day_and_month(c.next().as_str());
                        let year = c.next();
                        let year = if year.as_rule() == Rule::nom { self.atom(year) } else { self.expression(year) };
                        ExprKind::DateOf { day, month, year: Box::new(year) }
                    }
                    Rule::conditionnelle => ExprKind::If {
                        condition: Box::new(self.expression(c.next())),
                        then: Box::new(self.expression(c.next())),
                        otherwise: Box::new(self.expression(c.next())),
                    },
                    Rule::au_moins => ExprKind::AtLeast {
                        count: self.integer(&c.next()),
                        conditions: c.0.map(|p| self.expression(p)).collect(),
                    },
                    Rule::jours_entre => {
                        let (from, to) = (Box::new(self.sum(c.next())), Box::new(self.sum(c.next())));
                        ExprKind::DaysBetween { from, to, exclusive: c.take_if(Rule::exclu).is_some() }
                    }
                    Rule::jours_annee => ExprKind::DaysOfYear(Box::new(self.sum(c.next()))),
                    Rule::precedent => ExprKind::Past { reach: Reach::LastYear, name: self.name(&c.next()) },
                    Rule::anterieur => ExprKind::Past { reach: Reach::Earlier, name: self.name(&c.next()) },
                    Rule::somme_de_table => {
                        let table = self.name(&c.next());
                        let condition = c.take_if(Rule::expression).map(|p| Box::new(self.expression(p)));
                        let value = self.deeper(1, c.next(), Self::signed);
                        ExprKind::SumOver { table, condition, value: Box::new(value) }
                    }
                    Rule::appel => {
                        let function = self.name(&c.next());
                        ExprKind::Call { function, arguments: c.0.map(|p| self.expression(p)).collect() }
                    }
                    Rule::paliers => ExprKind::Brackets {
                        subject: Box::new(self.sum(c.next())),
                        rows: c.0.map(|p| self.bracket(p)).collect(),
                    },
                    Rule::tranches => ExprKind::Tiers {
                        subject: Box::new(self.sum(c.next())),
                        rows: c.0.map(|p| self.tier(p)).collect(),
                    },
                    other => unreachable!("{other:?} is not an operand of the grammar"),
                }
            }
        };
        Expr { kind, span }
    }

    fn bracket(&self, pair: P<'_>) -> Bracket {
        let span = self.span(&pair);
        let mut c = Children::of(pair);
        let range = inner(c.next()).next().expect("a range");
        let rule = range.as_rule();
        let mut bounds = Children::of(range);
        let (from, to) = match rule {
            Rule::de_a_moins_de => (Some(self.constant(bounds.next())), Some(self.constant(bounds.next()))),
            Rule::a_partir_de => (Some(self.constant(bounds.next())), None),
            Rule::moins_de => (None, Some(self.constant(bounds.next()))),
            _ => (None, None),
        };
        Bracket { from, to, otherwise: rule == Rule::palier_sinon, value: self.expression(c.next()), span }
    }

    fn tier(&self, pair: P<'_>) -> Tier {
        let span = self.span(&pair);
        let mut c = Children::of(pair);
        let up_to = c.next();
        let up_to =
            (up_to.as_rule() == Rule::jusqu_a).then(|| self.constant(inner(up_to).next().expect("an upper end")));
        let rate = self.expression(c.next());
        let per = c.take_if(Rule::tous_les).map(|p| {
            let mut inner = Children::of(p);
            let count = inner.take_if(Rule::nombre_nu).map(|n| self.number(&n));
            (count, self.name(&inner.next()))
        });
        Tier { up_to, rate, per, span }
    }
}

fn level(pair: P<'_>) -> Level {
    match inner(pair).next().map(|p| p.as_rule()) {
        Some(Rule::kw_socle) => Level::Core,
        _ => Level::Optional,
    }
}

fn fold(text: &str) -> Arc<str> {
    text.split_whitespace().collect::<Vec<_>>().join(" ").into()
}

const MONTHS: [&[&str]; 12] = [
    &["janvier"],
    &["février", "fevrier"],
    &["mars"],
    &["avril"],
    &["mai"],
    &["juin"],
    &["juillet"],
    &["août", "aout"],
    &["septembre"],
    &["octobre"],
    &["novembre"],
    &["décembre", "decembre"],
];

fn day_and_month(raw: &str) -> (u32, u32) {
    let day: String = raw.chars().take_while(char::is_ascii_digit).collect();
    let month = MONTHS.iter().position(|names| names.iter().any(|name| raw.contains(name)));
    (day.parse().unwrap_or(0), month.map_or(0, |index| index as u32 + 1))
}

#[cfg(test)]
mod tests;
