//! The syntax tree: what was written, clause by clause, with its place. It knows nothing of types, units or dates.

use std::sync::Arc;

use crate::span::{FileId, Span, Spanned};

/// An identifier as written, in normal form C.
pub type Name = Spanned<Arc<str>>;
/// A text between guillemets, its white space folded.
pub type Text = Spanned<Arc<str>>;

#[derive(Clone, Debug)]
pub struct File {
    pub id: FileId,
    pub items: Vec<Item>,
    /// The declarations that could not be read: what they name and read is not known.
    pub unread: Vec<Span>,
}

/// One declaration.
#[derive(Clone, Debug)]
pub struct Item {
    pub kind: ItemKind,
    /// Absent for examples only.
    pub name: Option<Name>,
    pub title: Option<Text>,
    pub clauses: Vec<Clause>,
    pub span: Span,
    /// The file whose part governs it: its own or, when an amendment replaces a provision, that of the provision.
    pub home: FileId,
}

#[derive(Clone, Debug)]
pub enum ItemKind {
    Policy,
    Enumeration,
    Unit {
        aliases: Vec<Name>,
    },
    Input(Box<InputType>),
    Parameter,
    Definition {
        internal: bool,
    },
    Block,
    Criterion,
    Minoration,
    Majoration,
    Proration,
    Payment,
    Derogation {
        target: Name,
    },
    Reading,
    Situation,
    Example,
    Control,
    /// A part of the policy: what governs the provisions of its file.
    Part,
    /// Payments of one amount at their dates.
    Schedule,
    /// « non cumul »: what annuls other quantities.
    Exclusion,
    /// A figure of the whole data set.
    Aggregate,
    /// Rows of parameters, and what instantiates templates.
    Table,
    /// The header of an amendment, which opens its file.
    Amendment,
    /// What an amendment does to the law. The item bears the name of its target, or that of the declaration it holds.
    Change(Change),
}

/// A change that an amendment makes.
#[derive(Clone, Debug)]
pub enum Change {
    Insert(Box<Item>),
    Replace(Box<Item>),
    /// « abroge … à compter de … »: from then on, or altogether.
    Repeal {
        target: Target,
        from: Option<DateBound>,
    },
    /// Rows of a table, whose name the item bears: inserted, or in the place of those of the same key.
    Row {
        replaces: bool,
        cells: Vec<Option<Expr>>,
    },
    RepealRow {
        key: Text,
        from: Option<DateBound>,
    },
    /// « reporte … à … »: another beginning.
    Postpone {
        target: Target,
        from: DateBound,
    },
    /// « proroge … jusqu'en … »: another end.
    Extend {
        target: Target,
        until: DateBound,
    },
}

/// The provisions that a change aims at, besides their name.
#[derive(Clone, Debug)]
pub struct Target {
    /// The word of the declaration, as written.
    pub sort: Option<Name>,
    pub cases: Option<Cases>,
}

#[derive(Clone, Debug)]
pub struct InputType {
    pub base: BaseType,
    pub span: Span,
    pub unit: Option<UnitExpr>,
    pub decimals: Option<Spanned<u32>>,
    pub range: Option<(Expr, Expr)>,
    pub default: Option<Expr>,
    /// An empty cell is a legal value.
    pub optional: bool,
}

#[derive(Clone, Debug)]
pub enum BaseType {
    Integer,
    Decimal,
    Boolean,
    Date,
    Text,
    Named(Name),
}

#[derive(Clone, Debug)]
pub struct Clause {
    pub kind: ClauseKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum ClauseKind {
    Currency {
        symbol: Arc<str>,
        decimals: u32,
    },
    Key(Vec<Name>),
    Exercise(Name),
    Scope {
        condition: Expr,
        citations: Vec<Citation>,
    },
    CitedText {
        name: Name,
        title: Text,
    },
    Case {
        name: Name,
        title: Option<Text>,
    },
    Meaning(Text),
    DatedValue {
        period: Period,
        value: Expr,
    },
    Reference(Vec<Citation>),
    For {
        cases: Cases,
        condition: Option<Expr>,
    },
    InForce(Period),
    TrueIf(Expr),
    If(Expr),
    Points {
        nature: Option<Nature>,
        amount: Amount,
        when: Option<Expr>,
        citations: Vec<Citation>,
    },
    Amount {
        amount: Amount,
        when: Option<Expr>,
        citations: Vec<Citation>,
    },
    Rate {
        amount: Amount,
        when: Option<Expr>,
        citations: Vec<Citation>,
    },
    Value {
        value: Expr,
        citations: Vec<Citation>,
    },
    Bound {
        kind: BoundKind,
        value: Expr,
        cases: Option<Cases>,
        when: Option<Expr>,
        citations: Vec<Citation>,
    },
    Prorated {
        value: Expr,
        citations: Vec<Citation>,
    },
    Membership {
        block: Name,
        level: Level,
    },
    Prerequisite {
        name: Name,
        title: Option<Text>,
        condition: Expr,
    },
    NamedCondition {
        name: Name,
        title: Option<Text>,
        condition: Expr,
    },
    BlockTotal {
        level: Level,
        name: Name,
        title: Option<Text>,
        citations: Vec<Citation>,
    },
    BlockPrerequisites {
        met: Name,
        met_title: Option<Text>,
        count: Name,
        count_title: Option<Text>,
        citations: Vec<Citation>,
    },
    On(Name),
    After(Name),
    From(Expr),
    Until(Expr),
    RelativeTo(Expr),
    DayCount {
        name: Name,
        title: Option<Text>,
    },
    Suffices(Spanned<u32>),
    Lifts(Name),
    Overrides(Name),
    Retained {
        name: Name,
        text: Text,
    },
    Variant {
        name: Name,
        text: Text,
    },
    Reason(Text),
    Replaces {
        name: Name,
        each: Option<(Name, Option<Expr>)>,
        cases: Option<Cases>,
        value: Expr,
    },
    InConflict(Vec<Citation>),
    Origin(Origin),
    Base(Name),
    UnderReading {
        reading: Name,
        variant: Name,
    },
    /// « signé le », « publié le ».
    Dated {
        published: bool,
        date: Spanned<DateLiteral>,
    },
    Draft,
    /// In a table that an amendment changes: a row in the place of those of its key, or, without cells, their end.
    RowChange {
        key: Text,
        cells: Option<Vec<Option<Expr>>>,
        from: Option<u32>,
    },
    /// « avec avenant … », « sans avenant … ».
    UnderAmendments {
        names: Vec<Name>,
        included: bool,
    },
    Year(Spanned<u32>),
    Given(Vec<Assignment>),
    Expected(Vec<Expectation>),
    EachRow,
    Blocking,
    Verify(Expr),
    Announces {
        value: Expr,
        quantity: Option<Name>,
    },
    Gap {
        value: Expr,
        reason: Text,
    },
    /// « champ tous »: the part governs every row.
    ScopeAll,
    /// One declaration per row of a table.
    ForEach {
        table: Name,
        condition: Option<Expr>,
    },
    /// Last year's value stays while this holds.
    Keeps(Expr),
    /// The first year in which this held.
    FirstYear(Expr),
    /// Sum over the years since one.
    Cumulates {
        value: Expr,
        since: Expr,
        citations: Vec<Citation>,
    },
    /// The payments of a schedule stop before this date.
    Interrupted(Expr),
    Due {
        name: Name,
        title: Option<Text>,
        rate: Expr,
        amount: Expr,
        date: Expr,
        when: Option<Expr>,
        citations: Vec<Citation>,
    },
    Recovery {
        name: Name,
        title: Option<Text>,
        amount: Expr,
        at: Expr,
        from: Expr,
        to: Expr,
        when: Option<Expr>,
        citations: Vec<Citation>,
    },
    ScheduleTotal {
        name: Name,
        title: Option<Text>,
        citations: Vec<Citation>,
    },
    Annuls(Vec<Name>),
    /// The first that is not zero annuls the others.
    Between(Vec<Name>),
    OnlyOnce(Name),
    /// In a derogation made of a « non cumul »: zero, or false.
    Nothing,
    Summarises {
        summary: Summary,
        value: Option<Expr>,
        by: Vec<Name>,
        when: Option<Expr>,
        citations: Vec<Citation>,
    },
    RoundedTo(Spanned<u32>),
    WholeData(Vec<Name>),
    File(Text),
    Column {
        name: Name,
        ty: Box<InputType>,
    },
    Row(Vec<Option<Expr>>),
    ColumnsInForce {
        from: Name,
        to: Name,
    },
}

/// How rows are brought to one figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Summary {
    /// How many different values.
    Distinct,
    Count,
    Sum,
    Mean,
    Maximum,
    Minimum,
}

/// Which earlier row of the same key: last year's, or the latest before the row's year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reach {
    LastYear,
    Earlier,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    Fixed,
    Variable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    Core,
    Optional,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoundKind {
    Cap,
    Floor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Text,
    Computed,
}

/// What a clause earns: any expression, or so much per so many units of a quantity.
#[derive(Clone, Debug)]
pub enum Amount {
    Plain(Expr),
    PerUnit {
        amount: Number,
        per: Option<Number>,
        unit: Name,
        quantity: Box<Expr>,
        limit: Option<Box<Expr>>,
        span: Span,
    },
}

#[derive(Clone, Debug)]
pub enum Cases {
    All,
    Named(Vec<Name>),
}

/// A legal citation: an article, an annex or a text in the words of the author, of one of the texts that the policy cites.
#[derive(Clone, Debug)]
pub struct Citation {
    pub kind: CitationKind,
    pub of: Option<Name>,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CitationKind {
    Article(Arc<str>),
    Annex(Arc<str>),
    Free(Arc<str>),
}

#[derive(Clone, Debug)]
pub struct Period {
    pub from: Option<DateBound>,
    pub to: Option<DateBound>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum DateBound {
    Year(Spanned<u32>),
    Date(Spanned<DateLiteral>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateLiteral {
    pub year: u32,
    pub month: u32,
    pub day: u32,
}

#[derive(Clone, Debug)]
pub struct Assignment {
    pub name: Name,
    /// `None` for an empty cell.
    pub value: Option<Expr>,
}

#[derive(Clone, Debug)]
pub struct Expectation {
    pub name: Name,
    /// `None` where the quantity must not apply.
    pub value: Option<Expr>,
    pub span: Span,
}

/// A decimal number: digits with an optional point, no separators.
#[derive(Clone, Debug)]
pub struct Number {
    pub digits: Arc<str>,
    pub span: Span,
}

/// A product of unit names: the first as numerator, the others as denominators.
#[derive(Clone, Debug)]
pub struct UnitExpr {
    pub parts: Vec<Name>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

/// The functions that may be called.
pub const FUNCTIONS: [&str; 11] = [
    "min",
    "max",
    "année",
    "mois",
    "trimestre",
    "années_révolues",
    "mois_révolus",
    "arrondi",
    "arrondi_inférieur",
    "arrondi_supérieur",
    "non_nul",
];

#[derive(Clone, Debug)]
pub enum ExprKind {
    Number {
        value: Number,
        unit: Option<UnitExpr>,
    },
    Boolean(bool),
    Date(DateLiteral),
    Text(Arc<str>),
    Name(Arc<str>),
    /// « valeur retenue »: in an alternative reading, the value under the reading retained.
    Retained,
    DateOf {
        day: u32,
        month: u32,
        year: Box<Expr>,
    },
    Negate(Box<Expr>),
    Not(Box<Expr>),
    Binary {
        op: BinaryOp,
        op_span: Span,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    OneOf {
        subject: Box<Expr>,
        names: Vec<Name>,
    },
    If {
        condition: Box<Expr>,
        then: Box<Expr>,
        otherwise: Box<Expr>,
    },
    Call {
        function: Name,
        arguments: Vec<Expr>,
    },
    AtLeast {
        count: Spanned<u32>,
        conditions: Vec<Expr>,
    },
    DaysBetween {
        from: Box<Expr>,
        to: Box<Expr>,
        /// Whether the last day is left out.
        exclusive: bool,
    },
    DaysOfYear(Box<Expr>),
    Past {
        reach: Reach,
        name: Name,
    },
    /// Whether a value is there: not an empty cell, nor a quantity without object.
    IsSet(Box<Expr>),
    /// Sum over the rows of a table of an expression of the template.
    SumOver {
        table: Name,
        condition: Option<Box<Expr>>,
        value: Box<Expr>,
    },
    OrElse {
        value: Box<Expr>,
        default: Box<Expr>,
    },
    CappedAt {
        value: Box<Expr>,
        cap: Box<Expr>,
    },
    RaisedTo {
        value: Box<Expr>,
        floor: Box<Expr>,
    },
    /// One value per range of the subject.
    Brackets {
        subject: Box<Expr>,
        rows: Vec<Bracket>,
    },
    /// Marginal tiers: each unit of the subject is worth the rate of the tier it falls in.
    Tiers {
        subject: Box<Expr>,
        rows: Vec<Tier>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    Divide,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
}

#[derive(Clone, Debug)]
pub struct Bracket {
    pub from: Option<Expr>,
    pub to: Option<Expr>,
    /// « sinon »: whatever no other row covers.
    pub otherwise: bool,
    pub value: Expr,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Tier {
    /// `None` for the last tier, without an upper end.
    pub up_to: Option<Expr>,
    pub rate: Expr,
    /// « par 4 000 patients »: how many units the rate is for.
    pub per: Option<(Option<Number>, Name)>,
    pub span: Span,
}
