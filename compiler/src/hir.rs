//! The resolved program: declarations sorted by kind, names bound to ids, clauses in their places, nothing typed yet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use indexmap::IndexMap;
use polc_dsl::ast::{self, BoundKind, Expr, Item, Level, Name, Nature, Summary};
use polc_dsl::{FileId, Span};

use crate::calendar::Date;
use crate::typed::{Citation, InputId, ParameterId, QuantityId, QuantityKind, Years};

/// Which version of the policy to build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Variant chosen for each reading named; the others keep the reading retained.
    pub readings: BTreeMap<String, String>,
    /// Amendments asked for by name: drafts, or those known later than `as_of`.
    pub with: BTreeSet<String>,
    /// Amendments left out.
    pub without: BTreeSet<String>,
    /// The law as known at a date: amendments known later are left out.
    pub as_of: Option<Date>,
    /// Exactly these of the amendments selected apply: for the examples of another state of the law.
    pub version: Option<BTreeSet<String>>,
    /// Of this amendment, only the first so many changes apply, and no example is kept.
    pub clauses: Option<(String, usize)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symbol {
    Input(InputId),
    Parameter(ParameterId),
    Quantity(QuantityId),
}

#[derive(Debug, Default)]
pub struct Program<'a> {
    pub header: Option<Header<'a>>,
    /// What governs provisions: that of the policy first, then those of its parts. `None` for every row.
    pub scopes: Vec<Scope<'a>>,
    /// Every spelling of a unit, and its first spelling.
    pub units: IndexMap<Arc<str>, Arc<str>>,
    /// Units that the policy declares, by first spelling.
    pub declared_units: Vec<(Arc<str>, Span)>,
    pub enumerations: Vec<Enumeration<'a>>,
    pub inputs: Vec<Input<'a>>,
    pub parameters: Vec<Parameter<'a>>,
    pub quantities: Vec<Quantity<'a>>,
    pub blocks: Vec<Block<'a>>,
    /// Enumerations that columns of tables have, by name.
    pub column_types: Vec<&'a Name>,
    pub aggregates: Vec<Aggregate<'a>>,
    pub symbols: IndexMap<Arc<str>, (Symbol, Span)>,
    pub readings: Vec<Reading<'a>>,
    pub situations: IndexMap<Arc<str>, &'a Item>,
    pub examples: Vec<&'a Item>,
    pub controls: Vec<&'a Item>,
    /// The scope of the declarations of a file, where its part says it.
    pub file_scopes: BTreeMap<FileId, usize>,
}

impl Program<'_> {
    /// Rank of the scope of what a file declares.
    #[must_use]
    pub fn scope_of(&self, file: FileId) -> usize {
        self.file_scopes.get(&file).copied().unwrap_or(0)
    }

    /// The rank of a scope that governs every row.
    pub fn whole_scope(&mut self) -> usize {
        let known = self.scopes.iter().position(|scope| scope.condition.is_none());
        known.unwrap_or_else(|| {
            self.scopes.push(Scope::default());
            self.scopes.len() - 1
        })
    }
}

#[derive(Debug)]
pub struct Header<'a> {
    pub name: &'a Name,
    pub title: Arc<str>,
    pub currency: Arc<str>,
    pub decimals: u32,
    pub key: Vec<&'a Name>,
    pub exercise: Option<&'a Name>,
    pub texts: Vec<(Arc<str>, Arc<str>)>,
}

/// When provisions govern a row.
#[derive(Debug, Default)]
pub struct Scope<'a> {
    pub name: Option<&'a Name>,
    pub title: Arc<str>,
    pub condition: Option<&'a Expr>,
    pub citations: Vec<Citation>,
}

#[derive(Debug)]
pub struct Enumeration<'a> {
    pub name: &'a Name,
    pub title: Arc<str>,
    pub cases: Vec<(&'a Name, Arc<str>)>,
}

#[derive(Debug)]
pub struct Input<'a> {
    pub name: &'a Name,
    pub declared: &'a ast::InputType,
    pub meaning: Arc<str>,
    pub span: Span,
}

#[derive(Debug)]
pub struct Parameter<'a> {
    pub name: &'a Name,
    pub title: Arc<str>,
    pub values: Vec<(Years, &'a Expr, Span)>,
    pub citations: Vec<Citation>,
    pub span: Span,
}

/// A figure of the whole data set.
#[derive(Debug)]
pub struct Aggregate<'a> {
    pub quantity: QuantityId,
    pub summary: Summary,
    /// What is summed up: a quantity of each row.
    pub of: QuantityId,
    /// Of « distincts », the input whose values are counted.
    pub distinct: Option<&'a Name>,
    pub by: &'a [Name],
    pub decimals: Option<u32>,
    pub citations: Vec<Citation>,
    pub span: Span,
}

#[derive(Debug)]
pub struct Block<'a> {
    pub name: &'a Name,
    pub members: Vec<(QuantityId, usize, Level)>,
    pub prerequisites: Vec<QuantityId>,
}

#[derive(Debug)]
pub struct Quantity<'a> {
    pub name: Arc<str>,
    pub title: Arc<str>,
    pub kind: QuantityKind,
    pub internal: bool,
    pub rules: Vec<Rule<'a>>,
    /// Minorations and majorations of this quantity, in the order in which they apply.
    pub adjustments: Vec<QuantityId>,
    pub derogations: Vec<Derogation<'a>>,
    pub span: Span,
}

/// « pour a, b si … »: one of several alternatives.
#[derive(Clone, Debug)]
pub struct Guard<'a> {
    pub cases: &'a ast::Cases,
    pub condition: Option<&'a Expr>,
    pub span: Span,
}

#[derive(Debug)]
pub struct Rule<'a> {
    pub title: Arc<str>,
    pub citations: Vec<Citation>,
    /// Rank in [`Program::scopes`].
    pub scope: usize,
    pub guards: Vec<Guard<'a>>,
    pub years: Years,
    pub condition: Condition<'a>,
    pub body: Body<'a>,
    /// Last year's value stays while this holds.
    pub keeps: Option<&'a Expr>,
    pub bounds: Vec<Bound<'a>>,
    pub proratas: Vec<(&'a Expr, Vec<Citation>)>,
    /// For minorations and majorations: the quantity aimed at.
    pub target: Option<QuantityId>,
    pub level: Option<Level>,
    pub span: Span,
}

#[derive(Clone, Copy, Debug)]
pub enum Condition<'a> {
    None,
    Expr(&'a Expr),
    Quantity(QuantityId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    Points,
    Amount,
    Rate,
}

#[derive(Debug)]
pub enum Body<'a> {
    Value(&'a Expr),
    True(&'a Expr),
    FirstYear(&'a Expr),
    Cumulates {
        value: &'a Expr,
        since: &'a Expr,
    },
    Lines(LineKind, Vec<Line<'a>>),
    BlockTotal {
        block: usize,
        level: Level,
    },
    PrerequisitesMet {
        block: usize,
    },
    PrerequisitesCount {
        block: usize,
    },
    DayCount {
        from: &'a Expr,
        until: Option<&'a Expr>,
    },
    Proration {
        from: &'a Expr,
        until: Option<&'a Expr>,
        relative_to: Option<&'a Expr>,
    },
    /// A mistake was reported.
    Error,
}

#[derive(Debug)]
pub struct Line<'a> {
    pub nature: Option<Nature>,
    pub amount: &'a ast::Amount,
    pub when: Option<&'a Expr>,
    pub citations: Vec<Citation>,
}

#[derive(Debug)]
pub struct Bound<'a> {
    pub kind: BoundKind,
    pub value: &'a Expr,
    pub cases: Option<&'a ast::Cases>,
    pub when: Option<&'a Expr>,
    pub citations: Vec<Citation>,
    pub span: Span,
}

#[derive(Debug)]
pub struct Derogation<'a> {
    pub name: &'a Name,
    pub title: Arc<str>,
    pub citations: Vec<Citation>,
    pub guards: Vec<Guard<'a>>,
    pub years: Years,
    pub condition: Option<&'a Expr>,
    pub effect: Effect<'a>,
    pub overrides: Vec<&'a Name>,
    pub span: Span,
}

#[derive(Clone, Copy, Debug)]
pub enum Effect<'a> {
    Value(&'a Expr),
    Suffices(u32),
    Lifts(QuantityId),
    /// Zero, or false.
    Nothing,
}

#[derive(Debug)]
pub struct Reading<'a> {
    pub name: &'a Name,
    pub question: Arc<str>,
    pub citations: Vec<Citation>,
    pub in_conflict: Vec<Citation>,
    pub retained: (Arc<str>, Arc<str>),
    pub reason: Arc<str>,
    pub alternatives: Vec<Variant<'a>>,
    pub selected: Option<usize>,
    pub span: Span,
}

#[derive(Debug)]
pub struct Variant<'a> {
    pub name: &'a Name,
    pub text: Arc<str>,
    pub replaces: Vec<Replaces<'a>>,
}

#[derive(Debug)]
pub struct Replaces<'a> {
    pub quantity: QuantityId,
    pub cases: Option<&'a ast::Cases>,
    pub value: &'a Expr,
    pub span: Span,
}
