//! The typed program: every name resolved, every expression with its type and unit, every clause in its place. The
//! reference interpreter runs it; lowering reads it; nothing rewrites it.

use std::sync::Arc;

use polc_dsl::ast::{BoundKind, Level, Nature, Origin, Reach, Summary};
use polc_dsl::{FileId, Span};

use crate::calendar::{CalendarUnit, Date};
use crate::num::{Ratio, RoundingMode};
use crate::units::Unit;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            #[must_use]
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

ids! {
    /// Rank of an enumeration in [`Program::enumerations`].
    EnumId
    /// Rank of an input in [`Program::inputs`].
    InputId
    /// Rank of a parameter in [`Program::parameters`].
    ParameterId
    /// Rank of a quantity in [`Program::quantities`].
    QuantityId
    /// Rank of a reading in [`Program::readings`].
    ReadingId
    /// Rank of a scope in [`Program::scopes`].
    ScopeId
}

/// A policy, checked.
#[derive(Clone, Debug)]
pub struct Program {
    pub name: Arc<str>,
    pub title: Arc<str>,
    pub currency: Currency,
    /// The inputs that identify a row; the last is the year.
    pub key: Vec<InputId>,
    pub year: InputId,
    /// First and last year covered.
    pub years: (i64, i64),
    /// What governs provisions that their part does not govern otherwise.
    pub scope: Option<ScopeId>,
    pub scopes: Vec<Scope>,
    pub texts: Vec<(Arc<str>, Arc<str>)>,
    /// In the order in which they apply, those left out too.
    pub amendments: Vec<Amendment>,
    /// Names of inputs that only other states of the law read: a data file may serve them all.
    pub other_inputs: Vec<Arc<str>>,
    pub enumerations: Vec<Enumeration>,
    pub inputs: Vec<Input>,
    pub parameters: Vec<Parameter>,
    pub quantities: Vec<Quantity>,
    pub aggregates: Vec<Aggregate>,
    pub readings: Vec<Reading>,
    pub examples: Vec<Example>,
    pub controls: Vec<Control>,
}

impl Program {
    #[must_use]
    pub fn input(&self, id: InputId) -> &Input {
        &self.inputs[id.index()]
    }

    #[must_use]
    pub fn parameter(&self, id: ParameterId) -> &Parameter {
        &self.parameters[id.index()]
    }

    #[must_use]
    pub fn quantity(&self, id: QuantityId) -> &Quantity {
        &self.quantities[id.index()]
    }

    #[must_use]
    pub fn enumeration(&self, id: EnumId) -> &Enumeration {
        &self.enumerations[id.index()]
    }

    /// The aggregate that gives a quantity.
    #[must_use]
    pub fn aggregate(&self, id: QuantityId) -> Option<&Aggregate> {
        self.aggregates.iter().find(|aggregate| aggregate.quantity == id)
    }

    pub fn quantity_ids(&self) -> impl Iterator<Item = QuantityId> + use<> {
        (0..self.quantities.len() as u32).map(QuantityId)
    }

    pub fn input_ids(&self) -> impl Iterator<Item = InputId> + use<> {
        (0..self.inputs.len() as u32).map(InputId)
    }

    #[must_use]
    pub fn scope(&self, id: ScopeId) -> &Scope {
        &self.scopes[id.index()]
    }

    /// The quantities that become columns, in declaration order.
    pub fn outputs(&self) -> impl Iterator<Item = QuantityId> + '_ {
        self.quantity_ids().filter(|id| !self.quantity(*id).internal)
    }

    #[must_use]
    pub fn find_quantity(&self, name: &str) -> Option<QuantityId> {
        self.quantity_ids().find(|id| *self.quantity(*id).name == *name)
    }

    #[must_use]
    pub fn find_input(&self, name: &str) -> Option<InputId> {
        self.input_ids().find(|id| *self.input(*id).name == *name)
    }
}

#[derive(Clone, Debug)]
pub struct Currency {
    pub symbol: Arc<str>,
    /// Digits after the point of a payable amount.
    pub decimals: u32,
}

/// A text that changes the policy, in a file of its own.
#[derive(Clone, Debug)]
pub struct Amendment {
    pub name: Arc<str>,
    pub title: Arc<str>,
    pub citations: Vec<Citation>,
    pub signed: Option<Date>,
    pub published: Option<Date>,
    /// Not law yet: left out unless asked for.
    pub draft: bool,
    /// Those that it comes after.
    pub after: Vec<Arc<str>>,
    /// Whether this program applies it.
    pub included: bool,
    pub file: FileId,
    pub span: Span,
}

/// When the provisions of the policy, or of one of its parts, govern a row; elsewhere they give nothing.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Name and title of the part; `None` for the policy.
    pub part: Option<(Arc<str>, Arc<str>)>,
    pub condition: Expr,
    pub citations: Vec<Citation>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Citation {
    /// « article 8.1 », « annexe 2 bis ».
    pub place: Arc<str>,
    /// Name of the cited text, where the policy cites several.
    pub text: Option<Arc<str>>,
}

impl std::fmt::Display for Citation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.text {
            Some(text) => write!(f, "{} ({text})", self.place),
            None => f.write_str(&self.place),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Enumeration {
    pub name: Arc<str>,
    pub title: Arc<str>,
    /// Name and title of each case.
    pub cases: Vec<(Arc<str>, Arc<str>)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    Number(Unit),
    Boolean,
    Date,
    Enumeration(EnumId),
    Text,
    /// After a first error: compatible with everything, so that one mistake gives one message.
    Error,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    Number(Ratio),
    Boolean(bool),
    Date(Date),
    /// Rank of a case in its enumeration.
    Case(u32),
    Text(Arc<str>),
}

#[derive(Clone, Debug)]
pub struct Input {
    pub name: Arc<str>,
    pub meaning: Arc<str>,
    pub ty: Type,
    /// Digits after the point that a cell may hold; 0 for integers.
    pub decimals: u32,
    /// Legal range of a number, or of a date as days since the epoch; both ends included.
    pub range: Option<(Ratio, Ratio)>,
    /// What an empty cell is worth.
    pub default: Option<Value>,
    /// An empty cell is a legal value.
    pub optional: bool,
    pub span: Span,
}

/// Years from the first to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Years {
    pub first: i64,
    pub last: i64,
}

impl Years {
    pub const ALWAYS: Self = Self { first: i64::MIN, last: i64::MAX };

    #[must_use]
    pub fn contains(self, year: i64) -> bool {
        self.first <= year && year <= self.last
    }

    #[must_use]
    pub fn overlap(self, other: Self) -> Option<Self> {
        let years = Self { first: self.first.max(other.first), last: self.last.min(other.last) };
        (years.first <= years.last).then_some(years)
    }
}

#[derive(Clone, Debug)]
pub struct Parameter {
    pub name: Arc<str>,
    pub title: Arc<str>,
    pub ty: Type,
    /// Values and the years they hold; no two share a year.
    pub values: Vec<(Years, Value)>,
    pub citations: Vec<Citation>,
    pub span: Span,
}

impl Parameter {
    #[must_use]
    pub fn value(&self, year: i64) -> Option<&Value> {
        self.values.iter().find(|(years, _)| years.contains(year)).map(|(_, value)| value)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuantityKind {
    Definition,
    Criterion,
    Condition,
    Prerequisite,
    Minoration,
    Majoration,
    Proration,
    DayCount,
    Payment,
    BlockTotal,
    PrerequisitesMet,
    PrerequisitesCount,
    Aggregate,
}

/// A figure of the whole data set, computed in a first pass: one value for each group of rows.
#[derive(Clone, Debug)]
pub struct Aggregate {
    /// The quantity that reads it: the same on every row of a group; without object where no row brings a value, but for
    /// counts and sums.
    pub quantity: QuantityId,
    pub summary: Summary,
    /// What a row brings; it depends on no aggregate.
    pub of: QuantityId,
    /// Of a count of different values, the input that has them.
    pub distinct: Option<InputId>,
    /// What rows are grouped by. A row with an empty one belongs to no group.
    pub by: Vec<InputId>,
    /// Digits that the figure is rounded to, half away from zero.
    pub decimals: Option<u32>,
    pub citations: Vec<Citation>,
    pub span: Span,
}

/// A named result. It is given by the one rule that applies to the row, and is without object where none does.
#[derive(Clone, Debug)]
pub struct Quantity {
    pub name: Arc<str>,
    pub title: Arc<str>,
    pub kind: QuantityKind,
    pub ty: Type,
    /// Internal quantities are not columns.
    pub internal: bool,
    pub rules: Vec<Rule>,
    pub derogations: Vec<Derogation>,
    /// Whether its values are always multiples of a millionth.
    pub decimal: bool,
    pub span: Span,
}

/// How a quantity is computed where it applies. The order is fixed: a derogation in force replaces the value; else
/// condition, base, adjustments, bounds, prorata (or what a reading selected puts in their place); then rounding.
#[derive(Clone, Debug)]
pub struct Rule {
    pub title: Arc<str>,
    pub citations: Vec<Citation>,
    pub scope: Option<ScopeId>,
    /// Where it applies within its scope; `None` for everywhere.
    pub guard: Option<Expr>,
    pub years: Years,
    /// While it holds and last year has a value, that is the value.
    pub keeps: Option<Expr>,
    /// Otherwise the value is zero.
    pub condition: Option<Expr>,
    /// The lines that add up to the base.
    pub base: Vec<Line>,
    pub adjustments: Vec<Adjustment>,
    pub bounds: Vec<Bound>,
    pub proratas: Vec<Factor>,
    /// Set by the reading selected, if it is not the one retained.
    pub replacements: Vec<Replacement>,
    /// What any reading could set.
    pub alternatives: Vec<Replacement>,
    pub rounding: Option<u32>,
    /// Block level of a criterion, with the rank of the block.
    pub level: Option<Level>,
    pub span: Span,
}

/// One term of the base.
#[derive(Clone, Debug)]
pub struct Line {
    pub nature: Option<Nature>,
    pub value: Expr,
    /// The line counts only then.
    pub when: Option<Expr>,
    pub citations: Vec<Citation>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdjustmentKind {
    AddAmount,
    SubtractAmount,
    /// Multiplies by one plus the rate.
    AddRate,
    /// Multiplies by one minus the rate.
    SubtractRate,
}

/// A minoration or majoration of the rule's value: nothing where the adjusting quantity is without object.
#[derive(Clone, Debug)]
pub struct Adjustment {
    pub quantity: QuantityId,
    pub kind: AdjustmentKind,
}

#[derive(Clone, Debug)]
pub struct Bound {
    pub kind: BoundKind,
    pub value: Expr,
    pub when: Option<Expr>,
    pub citations: Vec<Citation>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Factor {
    pub value: Expr,
    pub citations: Vec<Citation>,
}

/// What a variant of a reading puts in the place of a rule's own value, where its guard holds.
#[derive(Clone, Debug)]
pub struct Replacement {
    pub reading: ReadingId,
    /// Rank in the alternatives of the reading.
    pub variant: usize,
    pub guard: Option<Expr>,
    pub value: Expr,
}

/// An exception: where it applies, the quantity takes its value.
#[derive(Clone, Debug)]
pub struct Derogation {
    pub name: Arc<str>,
    pub title: Arc<str>,
    pub citations: Vec<Citation>,
    pub years: Years,
    /// When it applies, within the scope of the policy and of the quantity's rule.
    pub condition: Option<Expr>,
    pub value: Expr,
    /// Ranks, in the same quantity, of the derogations that this one overrides (transitively closed).
    pub overrides: Vec<usize>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Reading {
    pub name: Arc<str>,
    pub question: Arc<str>,
    pub citations: Vec<Citation>,
    pub in_conflict: Vec<Citation>,
    pub retained: Variant,
    pub reason: Arc<str>,
    pub alternatives: Vec<Variant>,
    /// Rank in `alternatives` of the variant that this program was built with.
    pub selected: Option<usize>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Variant {
    pub name: Arc<str>,
    pub text: Arc<str>,
    /// Whether it replaces something; otherwise it is a note.
    pub computable: bool,
}

#[derive(Clone, Debug)]
pub struct Example {
    pub title: Arc<str>,
    pub origin: Origin,
    pub citations: Vec<Citation>,
    /// Reading and variant to evaluate under, by name.
    pub readings: Vec<(Arc<str>, Arc<str>)>,
    /// One or several years of one centre.
    pub years: Vec<ExampleYear>,
    pub span: Span,
}

#[derive(Clone, Debug, Default)]
pub struct ExampleYear {
    /// `None` empties the cell.
    pub inputs: Vec<(InputId, Option<Value>)>,
    /// Results set by hand.
    pub overrides: Vec<(QuantityId, Value)>,
    pub expected: Vec<Expected>,
}

#[derive(Clone, Debug)]
pub struct Expected {
    pub quantity: QuantityId,
    /// `None` where it must be without object.
    pub value: Option<Value>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Control {
    pub name: Arc<str>,
    pub title: Arc<str>,
    pub citations: Vec<Citation>,
    pub kind: ControlKind,
    pub span: Span,
}

impl Control {
    /// Whether it is verified on the rows of a data file, not on a situation of the policy.
    #[must_use]
    pub fn is_on_data(&self) -> bool {
        matches!(self.kind, ControlKind::Row { .. } | ControlKind::Groups { .. })
    }
}

#[derive(Clone, Debug)]
pub enum ControlKind {
    /// On every row of the data where the guard holds; a blocking one refuses the row.
    Row { guard: Option<Expr>, years: Years, condition: Expr, blocking: bool },
    /// Once for each group of rows: its condition reads aggregates only.
    Groups { by: Vec<InputId>, years: Years, condition: Expr },
    /// On one situation: a condition.
    Verify { situation: Box<ExampleYear>, condition: Expr },
    /// On one situation: what the text announces, and by how much the computed value exceeds it.
    Announced { situation: Box<ExampleYear>, announced: Ratio, computed: Expr, gap: Option<(Ratio, Arc<str>)> },
}

#[derive(Clone)]
pub struct Expr {
    pub kind: ExprKind,
    pub ty: Type,
    pub span: Span,
}

/// Without types and places: two expressions that print alike compute alike.
impl std::fmt::Debug for Expr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.kind.fmt(f)
    }
}

#[derive(Clone, Debug)]
pub enum ExprKind {
    Constant(Value),
    Input(InputId),
    Parameter(ParameterId),
    /// A quantity proven to apply wherever this expression is evaluated.
    Quantity(QuantityId),
    /// A quantity, or the default where it is without object, or given by a rule that is not among `rules`.
    QuantityOr {
        quantity: QuantityId,
        rules: Option<Vec<usize>>,
        default: Box<Expr>,
    },
    /// Whether the rule of the quantity that applies has its condition met; false where the quantity is without object.
    Met(QuantityId),
    /// The cell of an optional input, or the default where it is empty.
    InputOr {
        input: InputId,
        default: Box<Expr>,
    },
    /// The value of an earlier row of the same key, or the default.
    PastQuantity {
        reach: Reach,
        quantity: QuantityId,
        default: Box<Expr>,
    },
    PastInput {
        reach: Reach,
        input: InputId,
        default: Box<Expr>,
    },
    /// Whether there is a value.
    IsSet(Presence),
    /// In a replacement: the rule's own value.
    Retained,
    Negate(Box<Expr>),
    Not(Box<Expr>),
    Binary {
        op: BinaryOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    Compare {
        op: CompareOp,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// Left to right, stopping at the first that decides.
    And(Vec<Expr>),
    Or(Vec<Expr>),
    OneOf {
        subject: Box<Expr>,
        cases: Vec<u32>,
    },
    If {
        condition: Box<Expr>,
        then: Box<Expr>,
        otherwise: Box<Expr>,
    },
    /// Smallest or largest of numbers or dates.
    Extremum {
        largest: bool,
        items: Vec<Expr>,
    },
    /// At least `count` of the conditions hold. All are evaluated.
    AtLeast {
        count: u32,
        conditions: Vec<Expr>,
    },
    /// How many of the conditions hold. All are evaluated.
    CountTrue(Vec<Expr>),
    Brackets {
        subject: Box<Expr>,
        rows: Vec<Bracket>,
    },
    Tiers {
        subject: Box<Expr>,
        rows: Vec<Tier>,
    },
    /// 1 to 12, 1 to 4, or the year.
    DatePart {
        part: DatePart,
        date: Box<Expr>,
    },
    DateOf {
        day: u32,
        month: u32,
        year: Box<Expr>,
    },
    AddToDate {
        date: Box<Expr>,
        count: Box<Expr>,
        unit: CalendarUnit,
        subtract: bool,
    },
    /// Days from one date to the other, the last one included or not; 0 when the second precedes the first.
    DaysBetween {
        from: Box<Expr>,
        to: Box<Expr>,
        exclusive: bool,
    },
    /// The most whole years or months that can be added to the first date without passing the second; 0 at least.
    Elapsed {
        from: Box<Expr>,
        to: Box<Expr>,
        unit: CalendarUnit,
    },
    DaysOfYear(Box<Expr>),
    Round {
        value: Box<Expr>,
        decimals: u32,
        mode: RoundingMode,
    },
}

/// What « est renseigné » asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Presence {
    /// The cell is not empty.
    Input(InputId),
    /// The quantity applies.
    Quantity(QuantityId),
    PastInput(Reach, InputId),
    PastQuantity(Reach, QuantityId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    Divide,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompareOp {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl CompareOp {
    #[must_use]
    pub fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }

    /// What says the same with its sides swapped.
    #[must_use]
    pub fn swapped(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            same => same,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DatePart {
    Year,
    Month,
    /// 1 to 4.
    Quarter,
}

/// `from` included, `to` excluded; the rows cover the line without overlap.
#[derive(Clone, Debug)]
pub struct Bracket {
    pub from: Option<Ratio>,
    pub to: Option<Ratio>,
    pub value: Expr,
}

/// Each unit of the subject between `from` and `to` is worth `rate`.
#[derive(Clone, Debug)]
pub struct Tier {
    pub from: Ratio,
    pub to: Option<Ratio>,
    pub rate: Expr,
}

/// Calls a walk on each expression just below one, shared or to be changed.
macro_rules! below {
    ($kind:expr, $walk:ident, $iter:ident, $f:ident) => {
        match $kind {
            ExprKind::Constant(_)
            | ExprKind::Input(_)
            | ExprKind::Parameter(_)
            | ExprKind::Quantity(_)
            | ExprKind::Met(_)
            | ExprKind::IsSet(_)
            | ExprKind::Retained => {}
            ExprKind::QuantityOr { default: inner, .. }
            | ExprKind::InputOr { default: inner, .. }
            | ExprKind::PastQuantity { default: inner, .. }
            | ExprKind::PastInput { default: inner, .. }
            | ExprKind::Negate(inner)
            | ExprKind::Not(inner)
            | ExprKind::OneOf { subject: inner, .. }
            | ExprKind::DatePart { date: inner, .. }
            | ExprKind::DateOf { year: inner, .. }
            | ExprKind::DaysOfYear(inner)
            | ExprKind::Round { value: inner, .. } => inner.$walk($f),
            ExprKind::Binary { left, right, .. }
            | ExprKind::Compare { left, right, .. }
            | ExprKind::AddToDate { date: left, count: right, .. }
            | ExprKind::DaysBetween { from: left, to: right, .. }
            | ExprKind::Elapsed { from: left, to: right, .. } => {
                left.$walk($f);
                right.$walk($f);
            }
            ExprKind::And(items)
            | ExprKind::Or(items)
            | ExprKind::Extremum { items, .. }
            | ExprKind::AtLeast { conditions: items, .. }
            | ExprKind::CountTrue(items) => items.$iter().for_each(|item| item.$walk($f)),
            ExprKind::If { condition, then, otherwise } => {
                condition.$walk($f);
                then.$walk($f);
                otherwise.$walk($f);
            }
            ExprKind::Brackets { subject, rows } => {
                subject.$walk($f);
                rows.$iter().for_each(|row| row.value.$walk($f));
            }
            ExprKind::Tiers { subject, rows } => {
                subject.$walk($f);
                rows.$iter().for_each(|row| row.rate.$walk($f));
            }
        }
    };
}

impl Expr {
    /// Calls `f` on this expression and everything below it.
    pub fn walk<'e>(&'e self, f: &mut impl FnMut(&'e Expr)) {
        f(self);
        below!(&self.kind, walk, iter, f);
    }

    /// Calls `f` on this expression, then on everything below what it has become.
    pub fn walk_mut(&mut self, f: &mut impl FnMut(&mut Expr)) {
        f(self);
        below!(&mut self.kind, walk_mut, iter_mut, f);
    }
}

impl Expr {
    /// Adds the quantities of the same row that it reads; of what « met » asks of one, see [`Program::needs`].
    pub fn quantities(&self, found: &mut Vec<QuantityId>) {
        self.walk(&mut |expr| match expr.kind {
            ExprKind::Quantity(id)
            | ExprKind::QuantityOr { quantity: id, .. }
            | ExprKind::IsSet(Presence::Quantity(id)) => found.push(id),
            _ => {}
        });
    }
}

impl Rule {
    /// Every expression of the rule, with what it is for left to the caller.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        let lines = self.base.iter().flat_map(|line| std::iter::once(&line.value).chain(&line.when));
        let bounds = self.bounds.iter().flat_map(|bound| std::iter::once(&bound.value).chain(&bound.when));
        let replacements = self.replacements.iter().flat_map(|r| std::iter::once(&r.value).chain(&r.guard));
        self.guard
            .iter()
            .chain(&self.keeps)
            .chain(&self.condition)
            .chain(lines)
            .chain(bounds)
            .chain(self.proratas.iter().map(|factor| &factor.value))
            .chain(replacements)
    }
}

impl Quantity {
    /// Every expression that may be read to compute the quantity.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        let derogations = self.derogations.iter().flat_map(|d| std::iter::once(&d.value).chain(&d.condition));
        self.rules.iter().flat_map(Rule::expressions).chain(derogations)
    }
    /// What it reads of the same row by itself, the scopes of its rules aside; what is read twice comes twice.
    #[must_use]
    pub fn reads(&self) -> Vec<QuantityId> {
        let adjustments = self.rules.iter().flat_map(|rule| &rule.adjustments);
        let mut found: Vec<QuantityId> = adjustments.map(|adjustment| adjustment.quantity).collect();
        self.expressions().for_each(|expr| expr.quantities(&mut found));
        found
    }
}

impl Program {
    /// Whatever the computation of a quantity may read of the same row: what it reads by itself, what tells whether its rules
    /// apply, and what « met » asks of others. What is read twice comes twice.
    #[must_use]
    pub fn needs(&self, id: QuantityId) -> Vec<QuantityId> {
        let quantity = self.quantity(id);
        let mut found = Vec::new();
        self.scopes_of(quantity).for_each(|scope| scope.quantities(&mut found));
        found.extend(quantity.reads());
        let mut met = Vec::new();
        for expr in quantity.expressions() {
            expr.walk(&mut |e| {
                if let ExprKind::Met(target) = e.kind {
                    met.push(target);
                }
            });
        }
        for target in met.into_iter().map(|target| self.quantity(target)) {
            let conditions = target.rules.iter().flat_map(|rule| rule.guard.iter().chain(&rule.condition));
            self.scopes_of(target).chain(conditions).for_each(|expr| expr.quantities(&mut found));
        }
        found
    }

    /// The conditions of the scopes of a quantity's rules.
    pub fn scopes_of(&self, quantity: &Quantity) -> impl Iterator<Item = &Expr> {
        let scopes = quantity.rules.iter().filter_map(|rule| rule.scope);
        scopes.map(|scope| &self.scope(scope).condition)
    }
}
