//! The lines of payments, told: what each is, the provision that it comes from, in which version, and its share of the cents.
//!
//! Lines are computed like any result: `polc_compiler::attribute` makes quantities of them. Here they are named, and those of
//! a row that have something to show are picked out.

use std::sync::Arc;

use num_traits::Zero as _;
use polc_compiler::attribute::{AttributedLine, Factor, LineKind, Operation, Origin, Role, TierOperation, attribute};
use polc_compiler::num::{Ratio, RoundingMode, round};
use polc_compiler::typed::{
    Expr, ExprKind, InputId, ParameterId, Program, QuantityId, QuantityKind, Type, Value, Years,
};

use super::formula::{self, Writer};
use super::lexicon::{Lexicon, Numeral};
use super::statement::{LineKindView, LineView, ValueView};
use super::words;
use crate::policy::Policy;

/// The lines of some payments of a policy.
#[derive(Debug)]
pub struct Lines {
    /// The program with the quantities of the lines; those of the policy keep their ranks.
    pub program: Arc<Program>,
    pub payments: Vec<PaymentLines>,
    /// Of all the payments, one after the other.
    pub lines: Vec<LineText>,
    /// Digits after the point of a payable amount.
    decimals: u32,
}

/// Where the lines of a payment stand among those of all.
#[derive(Clone, Debug)]
pub struct PaymentLines {
    pub payment: QuantityId,
    pub range: std::ops::Range<usize>,
}

/// All that is known of a line before any row is read.
#[derive(Clone, Debug)]
pub struct LineText {
    pub quantity: QuantityId,
    pub payment: QuantityId,
    role: Role,
    pub kind: LineKindView,
    /// Name of the provision.
    pub provision: String,
    pub title: String,
    pub references: Vec<String>,
    /// File and line of the version in force.
    pub place: String,
    /// Its years: the first and the last, where there is one.
    pub years: (Option<i64>, Option<i64>),
    /// In the words of the provision, then what becomes of it on its way to the payment.
    pub operation: String,
    /// What the operation reads itself.
    pub inputs: Vec<InputId>,
    pub parameters: Vec<ParameterId>,
    pub results: Vec<QuantityId>,
}

/// A line that a row has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowLine {
    /// Rank in [`Lines::lines`].
    pub line: usize,
    /// In the currency, not rounded.
    pub exact: Ratio,
    /// What it adds to the amount paid, in payable amounts: over the lines in order, sums are rounded, and each line has what it
    /// adds to the rounded sum. So these add up to what is paid.
    pub paid: Ratio,
}

impl Lines {
    /// The lines of those of the outputs that are payments.
    #[must_use]
    pub fn new(policy: &Policy, outputs: &[QuantityId]) -> Self {
        let program = &*policy.program;
        let is_payment = |id: &QuantityId| program.quantity(*id).kind == QuantityKind::Payment;
        let payments: Vec<QuantityId> = outputs.iter().copied().filter(is_payment).collect();
        let attribution = attribute(program, &payments);
        let lexicon = Lexicon::of(&policy.sources);
        let heads = formula::heads(program);
        let teller = Teller {
            policy,
            program: &attribution.program,
            writer: Writer {
                sources: &policy.sources,
                program: &attribution.program,
                lexicon: &lexicon,
                heads: &heads,
            },
            lexicon: &lexicon,
        };
        let lines: Vec<LineText> = attribution.lines.iter().map(|line| teller.line(line)).collect();
        let mut ranges = Vec::new();
        let mut start = 0;
        for payment in payments {
            let count = lines[start..].iter().take_while(|line| line.payment == payment).count();
            ranges.push(PaymentLines { payment, range: start..start + count });
            start += count;
        }
        Self { decimals: program.currency.decimals, payments: ranges, lines, program: attribution.program.clone() }
    }

    /// The quantities of the lines, in order.
    pub fn quantities(&self) -> impl Iterator<Item = QuantityId> + '_ {
        self.lines.iter().map(|line| line.quantity)
    }

    /// The lines of a payment that a row has, from the value of each: those that are not zero, else what says why there is
    /// none. None where the payment is without object.
    pub fn of_row(&self, payment: &PaymentLines, value: impl Fn(usize) -> Option<Ratio>) -> Vec<RowLine> {
        let (mut sum, mut paid_so_far) = (Ratio::zero(), Ratio::zero());
        let mut rows = Vec::new();
        let with_role = |role: Role| payment.range.clone().filter(move |line| self.lines[*line].role == role);
        for line in with_role(Role::Amount) {
            let Some(exact) = value(line).filter(|exact| !exact.is_zero()) else { continue };
            sum += &exact;
            let so_far = round(&sum, self.decimals, RoundingMode::HalfAway);
            let paid = &so_far - &paid_so_far;
            paid_so_far = so_far;
            rows.push(RowLine { line, exact, paid });
        }
        for role in [Role::Lost, Role::Nothing] {
            if rows.is_empty() {
                let marks = with_role(role).filter_map(|line| Some((line, value(line)?)));
                rows.extend(marks.map(|(line, exact)| RowLine { line, paid: exact.clone(), exact }));
            }
        }
        rows
    }

    /// What the operation of a line reads: parameters as the law of a year sets them, inputs, and results where `result` knows
    /// them. `text` writes a value; nothing is written of a result that is not known.
    pub fn values(
        &self,
        line: &LineText,
        year: i64,
        cell: impl Fn(InputId) -> Option<Value>,
        result: impl Fn(QuantityId) -> Option<Value>,
        text: impl Fn(&Type, &Value) -> String,
    ) -> String {
        let parameters = line.parameters.iter().filter_map(|id| {
            let parameter = self.program.parameter(*id);
            Some((parameter.name.to_string(), text(&parameter.ty, parameter.value(year)?)))
        });
        let inputs = line.inputs.iter().map(|id| {
            let input = self.program.input(*id);
            let value = cell(*id).map(|value| text(&input.ty, &value));
            (input.name.to_string(), value.unwrap_or_default())
        });
        let results = line.results.iter().filter_map(|id| {
            let quantity = self.program.quantity(*id);
            Some((quantity.name.to_string(), text(&quantity.ty, &result(*id)?)))
        });
        words::line_values(&results.chain(parameters).chain(inputs).collect::<Vec<_>>())
    }
}

impl LineText {
    #[must_use]
    pub fn kind_text(&self) -> &'static str {
        words::line_kind(self.kind)
    }

    /// The line as data, for a row that has it.
    pub(super) fn view(&self, exact: ValueView, paid: ValueView) -> LineView {
        LineView {
            kind: self.kind,
            provision: self.provision.clone(),
            title: self.title.clone(),
            references: self.references.clone(),
            place: self.place.clone(),
            first_year: self.years.0,
            last_year: self.years.1,
            operation: self.operation.clone(),
            exact,
            paid,
        }
    }

    /// « article-15.pol:12, depuis 2018 ».
    #[must_use]
    pub fn version(&self) -> String {
        let years = [self.years.0.map(words::since), self.years.1.map(words::until)];
        std::iter::once(self.place.clone()).chain(years.into_iter().flatten()).collect::<Vec<_>>().join(", ")
    }
}

/// Puts lines into words.
struct Teller<'a> {
    policy: &'a Policy,
    program: &'a Program,
    writer: Writer<'a>,
    lexicon: &'a Lexicon,
}

impl Teller<'_> {
    fn line(&self, line: &AttributedLine) -> LineText {
        let origin = &*line.origin;
        let mut read = Reads::default();
        read.operation(&origin.operation);
        for factor in &line.path {
            if let Factor::Times(expr) | Factor::Over(expr) = factor {
                read.expr(expr);
            }
        }
        // The key is on the line.
        read.inputs.retain(|id| !self.program.key.contains(id));
        let quantity = self.program.quantity(origin.quantity);
        let provision = match origin.derogation {
            Some(rank) => &quantity.derogations[rank].name,
            None => &quantity.name,
        };
        LineText {
            quantity: line.quantity,
            payment: line.payment,
            role: line.role,
            kind: kind(origin.kind),
            provision: provision.to_string(),
            title: origin.title.to_string(),
            references: origin.citations.iter().map(ToString::to_string).collect(),
            place: super::text::short_place(&self.policy.sources.place(origin.span)),
            years: ends(origin.years),
            operation: self.operation(origin, &line.path),
            inputs: read.inputs,
            parameters: read.parameters,
            results: read.results,
        }
    }

    fn operation(&self, origin: &Origin, path: &[Factor]) -> String {
        let formula = |expr: &Expr| self.writer.formula(expr);
        let mut text = match &origin.operation {
            Operation::Formula(expr) => formula(expr),
            Operation::Rate { quantity, add } => words::line_rate(&self.program.quantity(*quantity).name, *add),
            Operation::Bound { value, cap } => format!("{}{}", words::bound(*cap), formula(value)),
            Operation::Proration(value) => format!("{}{}", words::prorata(), formula(value)),
            Operation::Tier(tier) => {
                let TierOperation { from, to, subject, rate } = &**tier;
                let end = |end: &Ratio| {
                    self.lexicon.brief(self.program, &subject.ty, &Value::Number(end.clone()), Numeral::Plain)
                };
                let from = Some(from).filter(|from| !from.is_zero()).map(end);
                let range = words::tier(from.as_deref(), to.as_ref().map(end).as_deref());
                words::line_tier(&formula(subject), &range, &formula(rate))
            }
            Operation::Condition(condition) => format!("{}{}", words::condition(false), formula(condition)),
            Operation::Kept => words::kept().to_owned(),
            Operation::Rounding(decimals) => words::rounding(*decimals, &self.program.currency.symbol),
            Operation::Whole => words::line_whole().to_owned(),
        };
        for factor in path {
            text += &match factor {
                Factor::Times(expr) => words::line_times(&formula(expr)),
                Factor::Over(expr) => words::line_over(&formula(expr)),
                Factor::Minus => words::line_minus().to_owned(),
            };
        }
        text
    }
}

fn kind(kind: LineKind) -> LineKindView {
    match kind {
        LineKind::CriterionFixed => LineKindView::CriterionFixed,
        LineKind::CriterionVariable => LineKindView::CriterionVariable,
        LineKind::Criterion => LineKindView::Criterion,
        LineKind::Amount => LineKindView::Amount,
        LineKind::Minoration => LineKindView::Minoration,
        LineKind::Majoration => LineKindView::Majoration,
        LineKind::Derogation => LineKindView::Derogation,
        LineKind::Cap => LineKindView::Cap,
        LineKind::Floor => LineKindView::Floor,
        LineKind::Tier => LineKindView::Tier,
        LineKind::Proration => LineKindView::Proration,
        LineKind::Prerequisite => LineKindView::Prerequisite,
        LineKind::Kept => LineKindView::Kept,
        LineKind::Reading => LineKindView::Reading,
        LineKind::Rounding => LineKindView::Rounding,
    }
}

fn ends(years: Years) -> (Option<i64>, Option<i64>) {
    (Some(years.first).filter(|year| *year != i64::MIN), Some(years.last).filter(|year| *year != i64::MAX))
}

/// Inputs and parameters of expressions, once each, in the order of the text.
#[derive(Default)]
struct Reads {
    inputs: Vec<InputId>,
    parameters: Vec<ParameterId>,
    results: Vec<QuantityId>,
}

impl Reads {
    fn operation(&mut self, operation: &Operation) {
        match operation {
            Operation::Formula(expr)
            | Operation::Bound { value: expr, .. }
            | Operation::Proration(expr)
            | Operation::Condition(expr) => self.expr(expr),
            Operation::Tier(tier) => {
                self.expr(&tier.subject);
                self.expr(&tier.rate);
            }
            Operation::Rate { quantity, .. } => super::keep(&mut self.results, *quantity),
            Operation::Kept | Operation::Rounding(_) | Operation::Whole => {}
        }
    }

    fn expr(&mut self, expr: &Expr) {
        expr.walk(&mut |e| match e.kind {
            ExprKind::Input(id) | ExprKind::InputOr { input: id, .. } => super::keep(&mut self.inputs, id),
            ExprKind::Parameter(id) => super::keep(&mut self.parameters, id),
            ExprKind::Quantity(id) | ExprKind::QuantityOr { quantity: id, .. } => super::keep(&mut self.results, id),
            _ => {}
        });
    }
}
