//! Why a row has the results it has: the reference interpreter runs with an observer, and what it did is told down to the
//! data, the formulas and the articles.
//!
//! Every value told was computed by the interpreter. The one thing worked out here is how a value splits over the tiers of
//! a scale, and that is told only if the parts add up to the value that the interpreter found.

mod account;
mod formula;
mod headings;
mod html;
mod lacks;
mod lexicon;
mod lines;
mod markdown;
mod pages;
pub(crate) mod phrases;
mod statement;
mod text;
mod trace;
mod words;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use num_traits::Zero as _;
use polc_compiler::num::Ratio;
use polc_compiler::typed::{
    AdjustmentKind, Amendment, BinaryOp, Citation, Expr, ExprKind, InputId, ParameterId, Program, QuantityId,
    QuantityKind, Rule, Type, Value,
};
use polc_dsl::Span;
use polc_dsl::ast::{BoundKind, Level, Nature, Reach};

use crate::engine::reference::BatchRow;
use crate::engine::{Aggregates, History};
use crate::interp::{Evaluation, Leaf, Silent};
use crate::policy::Policy;
use crate::table::{Batch, RowErrorKind};

pub(crate) use account::{Ledger, split};
use formula::{Substitutions, Writer};
use lexicon::{Lexicon, Numeral};
pub use lines::{LineText, Lines, PaymentLines, RowLine};
pub use statement::*;
pub use text::Style;
use trace::{Computed, Part, Read, Recorder, TracedStep, leaves};
pub use words::LINE_COLUMNS;

/// Explains the outputs on one row of a batch.
///
/// # Errors
/// Why the row has no results: see [`RowErrorKind`].
pub fn explain(policy: &Policy, batch: &Batch, row: usize, outputs: &[QuantityId]) -> Result<Statement, RowErrorKind> {
    Explainer::new(policy, batch).explain(row, outputs)
}

/// What explanations say of names and units, read once from the sources of a policy.
#[derive(Clone, Debug)]
pub struct Vocabulary(Arc<Lexicon>);

impl Vocabulary {
    #[must_use]
    pub fn of(policy: &Policy) -> Self {
        Self(Arc::new(Lexicon::of(&policy.sources)))
    }
}

/// Explains rows of a batch: what they share is prepared once.
#[derive(Debug)]
pub struct Explainer<'a> {
    policy: &'a Policy,
    batch: &'a Batch,
    history: History,
    lexicon: Arc<Lexicon>,
    heads: BTreeSet<Span>,
    /// Quantities that are added or taken off as rates.
    rates: BTreeSet<QuantityId>,
    /// Those of all the payments.
    lines: Lines,
}

impl<'a> Explainer<'a> {
    /// An explainer for a policy and its whole data.
    #[must_use]
    pub fn new(policy: &'a Policy, batch: &'a Batch) -> Self {
        let quantities: Vec<QuantityId> = policy.program.quantity_ids().collect();
        let aggregates = Aggregates::read(&policy.program, &quantities, batch, batch);
        Self::over(policy, &Vocabulary::of(policy), batch, aggregates)
    }

    /// An explainer for some rows of the data, with what they read of all the others.
    #[must_use]
    pub fn over(policy: &'a Policy, vocabulary: &Vocabulary, batch: &'a Batch, aggregates: Aggregates) -> Self {
        let program = &policy.program;
        let rules = program.quantities.iter().flat_map(|quantity| &quantity.rules);
        let rates = rules.flat_map(|rule| &rule.adjustments).filter(|adjustment| is_rate(adjustment.kind));
        Self {
            policy,
            batch,
            history: History::of(program, batch).with(aggregates),
            lexicon: vocabulary.0.clone(),
            heads: formula::heads(program),
            rates: rates.map(|adjustment| adjustment.quantity).collect(),
            lines: Lines::new(policy, &program.quantity_ids().collect::<Vec<_>>()),
        }
    }

    /// Whether what was told is void: it needs figures of the whole data that were not given.
    #[must_use]
    pub fn lacks_figures(&self) -> bool {
        self.history.aggregates.asked()
    }

    /// Explains the outputs on one row.
    ///
    /// # Errors
    /// Why the row has no results: see [`RowErrorKind`].
    pub fn explain(&self, row: usize, outputs: &[QuantityId]) -> Result<Statement, RowErrorKind> {
        let program: &Program = &self.policy.program;
        let memory = Default::default();
        let data = BatchRow { program, batch: self.batch, history: &self.history, row, memory: &memory };
        let mut evaluation = Evaluation::new(program, &data, Recorder::new(program));
        for id in outputs {
            evaluation.quantity(*id)?;
        }
        // After the outputs, as the engine reads: the first error is the same. Where none needed it, it may be unknown.
        let governed = evaluation.in_scope(program.scope).unwrap_or(false);
        let computed = std::mem::take(&mut evaluation.observer.computed);
        let builder = Builder {
            explainer: self,
            program,
            row,
            year: self.history.years[row],
            evaluation,
            computed,
            writings: BTreeMap::new(),
            pending: Vec::new(),
            parameters: Vec::new(),
            inputs: Vec::new(),
        };
        Ok(builder.statement(governed, outputs))
    }
}

/// Name and title of the part of the policy that a rule belongs to.
fn part_of<'p>(program: &'p Program, rule: &Rule) -> Option<&'p (Arc<str>, Arc<str>)> {
    program.scope(rule.scope?).part.as_ref()
}

fn is_rate(kind: AdjustmentKind) -> bool {
    matches!(kind, AdjustmentKind::AddRate | AdjustmentKind::SubtractRate)
}

/// How the numbers of a quantity are written.
#[derive(Clone, Debug)]
enum Writing {
    Plain,
    Percentage,
    Over(Ratio),
}

impl Writing {
    fn numeral(&self) -> Numeral<'_> {
        match self {
            Self::Plain => Numeral::Plain,
            Self::Percentage => Numeral::Percentage,
            Self::Over(denominator) => Numeral::Over(denominator),
        }
    }
}

/// One statement in the making.
struct Builder<'r> {
    explainer: &'r Explainer<'r>,
    program: &'r Program,
    row: usize,
    year: i64,
    evaluation: Evaluation<'r, BatchRow<'r>, Recorder<'r>>,
    computed: BTreeMap<QuantityId, Computed>,
    writings: BTreeMap<QuantityId, Writing>,
    /// Quantities that the one being told reads, in order.
    pending: Vec<QuantityId>,
    parameters: Vec<ParameterId>,
    inputs: Vec<InputId>,
}

impl<'r> Builder<'r> {
    fn statement(mut self, governed: bool, outputs: &[QuantityId]) -> Statement {
        let program = self.program;
        let scope = program.scope.map(|id| {
            let scope = program.scope(id);
            let (_, reads) = self.look(&scope.condition);
            ScopeView {
                governed,
                formula: self.writer().formula(&scope.condition),
                calculation: self.calculation(&scope.condition, &reads, None),
                references: references(&scope.citations),
                reads: self.reads(&reads),
            }
        });
        let mut quantities = Vec::new();
        let mut told = BTreeSet::new();
        let mut stack: Vec<QuantityId> = outputs.iter().rev().copied().collect();
        while let Some(id) = stack.pop() {
            if !told.insert(id) {
                continue;
            }
            self.pending.clear();
            let view = self.quantity(id);
            quantities.push(QuantityView { lines: self.lines(id), ..view });
            stack.extend(self.pending.drain(..).rev());
        }
        let title = |name: &str, title: &str| TextView { name: name.to_owned(), title: title.to_owned() };
        let amendment = |amendment: &Amendment| AmendmentView {
            name: amendment.name.to_string(),
            title: amendment.title.to_string(),
            included: amendment.included,
        };
        let key = program.key.iter().filter_map(|id| {
            let value = self.explainer.batch.value(program, *id, self.row)?;
            Some(KeyView { name: program.input(*id).name.to_string(), value: self.input_value(*id, &value) })
        });
        Statement {
            format: FORMAT.to_owned(),
            version: VERSION,
            policy: PolicyView {
                name: program.name.to_string(),
                title: program.title.to_string(),
                currency: program.currency.symbol.to_string(),
                texts: program.texts.iter().map(|(name, text)| title(name, text)).collect(),
                amendments: program.amendments.iter().map(amendment).collect(),
            },
            key: key.collect(),
            year: self.year,
            scope,
            readings: self.readings(),
            results: outputs.iter().map(|id| program.quantity(*id).name.to_string()).collect(),
            chapters: Vec::new(),
            total: None,
            applied: Vec::new(),
            source: None,
            missing: None,
            quantities,
            parameters: self.parameters.iter().filter_map(|id| self.parameter(*id)).collect(),
            inputs: self.inputs.iter().map(|id| self.input(*id)).collect(),
        }
    }

    fn writer(&self) -> Writer<'r> {
        let explainer = self.explainer;
        Writer {
            sources: &explainer.policy.sources,
            program: self.program,
            lexicon: &explainer.lexicon,
            heads: &explainer.heads,
        }
    }

    fn place(&self, span: Span) -> String {
        self.explainer.policy.sources.place(span)
    }

    // -------------------------------------------------------------------------------------------------------- values

    fn value(&self, ty: &Type, value: &Value, writing: &Writing) -> ValueView {
        let lexicon = &self.explainer.lexicon;
        let mut view = lexicon.value(self.program, ty, value, writing.numeral());
        if let (Writing::Over(denominator), Value::Number(number)) = (writing, value) {
            view.exact = lexicon::over(number, denominator);
        }
        view
    }

    fn input_value(&self, id: InputId, value: &Value) -> ValueView {
        let mut view = self.value(&self.program.input(id).ty, value, &Writing::Plain);
        if id == self.program.year {
            view.text.clone_from(&view.exact);
        }
        view
    }

    /// How the numbers of a quantity are written: a rate in percent, a quotient over what it was divided by.
    fn writing(&mut self, id: QuantityId) -> Writing {
        if let Some(known) = self.writings.get(&id) {
            return known.clone();
        }
        let writing = if self.explainer.rates.contains(&id) {
            Writing::Percentage
        } else {
            self.denominator(id).map_or(Writing::Plain, Writing::Over)
        };
        self.writings.insert(id, writing.clone());
        writing
    }

    /// What the value of a quantity was divided by, where it is a quotient of like things: days, patients.
    fn denominator(&mut self, id: QuantityId) -> Option<Ratio> {
        let program = self.program;
        let computed = self.computed.get(&id)?;
        let mut steps = computed.steps.iter().map(|step| step.part).filter(|part| *part != Part::Condition);
        let (Some(Part::Base(line)), None) = (steps.next(), steps.next()) else { return None };
        let line = program.quantity(id).rules[computed.rule].base.get(line)?;
        let like = matches!(&line.value.ty, Type::Number(unit) if unit.is_none());
        let ExprKind::Binary { op: BinaryOp::Divide, right, .. } = &line.value.kind else { return None };
        let measured = matches!(&right.ty, Type::Number(unit) if !unit.is_none());
        if !like || !measured || line.when.is_some() {
            return None;
        }
        match self.look(right).0 {
            Some(Value::Number(denominator)) => Some(denominator),
            _ => None,
        }
    }

    /// Evaluates an expression that the computation has evaluated, and tells what it reads itself.
    fn look(&mut self, expr: &'r Expr) -> (Option<Value>, Vec<Read>) {
        self.evaluation.observer.collected = Some(Vec::new());
        let value = self.evaluation.evaluate(expr).ok();
        let reads = self.evaluation.observer.collected.take().unwrap_or_default();
        (value, own_reads(self.program, expr, reads))
    }

    fn holds(&mut self, expr: &'r Expr) -> bool {
        self.look(expr).0 == Some(Value::Boolean(true))
    }

    /// The formula with its values; « valeur retenue » is given, where the expression may read it.
    fn calculation(&mut self, expr: &'r Expr, reads: &[Read], retained: Option<&ValueView>) -> Option<String> {
        let mut found: Vec<&'r Expr> = Vec::new();
        expr.walk(&mut |e| found.push(e));
        let mut values = Substitutions::new();
        let mut says_more = false;
        for e in found {
            let leaf = match &e.kind {
                ExprKind::Input(id) => Leaf::Input(*id),
                ExprKind::Parameter(id) => Leaf::Parameter(*id),
                ExprKind::Quantity(id) | ExprKind::QuantityOr { quantity: id, .. } => Leaf::Quantity(*id),
                ExprKind::InputOr { input, .. } => Leaf::Input(*input),
                ExprKind::PastInput { reach, input, .. } => Leaf::PastInput(*reach, *input),
                ExprKind::PastQuantity { reach, quantity, .. } => Leaf::PastQuantity(*reach, *quantity),
                ExprKind::Retained => {
                    values.extend(retained.map(|value| (e as *const Expr, value.text.clone())));
                    continue;
                }
                ExprKind::DaysBetween { .. } | ExprKind::DaysOfYear(_) if self.explainer.heads.contains(&e.span) => {
                    if let (Some(value), _) = self.look(e) {
                        values.insert(e, self.brief(&e.ty, &value, &Writing::Plain));
                    }
                    continue;
                }
                _ => continue,
            };
            let Some(read) = reads.iter().find(|read| read.leaf == leaf) else { continue };
            // Where nothing was found, the default was taken.
            let value = match &read.value {
                Some(value) => Some(value.clone()),
                None => self.look(e).0,
            };
            let Some(value) = value else { continue };
            let text = match leaf {
                Leaf::Input(id) if id == self.program.year => lexicon::plain(&value),
                Leaf::Parameter(id) if self.is_percentage(id) => self.brief(&e.ty, &value, &Writing::Percentage),
                Leaf::Quantity(id) => {
                    let writing = self.writing(id);
                    self.brief(&e.ty, &value, &writing)
                }
                _ => self.brief(&e.ty, &value, &Writing::Plain),
            };
            // A truth or a case is told with what is read.
            says_more |= matches!(value, Value::Number(_) | Value::Date(_));
            values.insert(e, text);
        }
        if says_more || retained.is_some() { self.writer().calculation(expr, &values) } else { None }
    }

    fn brief(&self, ty: &Type, value: &Value, writing: &Writing) -> String {
        self.explainer.lexicon.brief(self.program, ty, value, writing.numeral())
    }

    fn is_percentage(&self, id: ParameterId) -> bool {
        self.explainer.lexicon.is_percentage(&self.program.parameter(id).name)
    }

    // --------------------------------------------------------------------------------------------------------- reads

    /// Names what was read, and keeps it for the tables.
    fn reads(&mut self, reads: &[Read]) -> Vec<ReadView> {
        reads.iter().map(|read| self.read(read)).collect()
    }

    fn read(&mut self, read: &Read) -> ReadView {
        let program = self.program;
        let view =
            |nature, name: &str, value| ReadView { nature, name: name.to_owned(), value, year: None, row_found: None };
        match read.leaf {
            Leaf::Input(id) => {
                keep(&mut self.inputs, id);
                let value = read.value.as_ref().map(|value| self.input_value(id, value));
                view(ReadNature::Input, &program.input(id).name, value)
            }
            Leaf::Parameter(id) => {
                keep(&mut self.parameters, id);
                let value = read.value.as_ref().map(|value| self.parameter_value(id, value));
                view(ReadNature::Parameter, &program.parameter(id).name, value)
            }
            Leaf::Quantity(id) => {
                keep(&mut self.pending, id);
                let writing = self.writing(id);
                let quantity = program.quantity(id);
                let value = read.value.as_ref().map(|value| self.value(&quantity.ty, value, &writing));
                view(ReadNature::Quantity, &quantity.name, value)
            }
            Leaf::PastInput(reach, id) => {
                keep(&mut self.inputs, id);
                let value = read.value.as_ref().map(|value| self.input_value(id, value));
                self.past(reach, view(ReadNature::PreviousInput, &program.input(id).name, value))
            }
            Leaf::PastQuantity(reach, id) => {
                let quantity = program.quantity(id);
                let writing = if self.explainer.rates.contains(&id) { Writing::Percentage } else { Writing::Plain };
                let value = read.value.as_ref().map(|value| self.value(&quantity.ty, value, &writing));
                self.past(reach, view(ReadNature::PreviousQuantity, &quantity.name, value))
            }
        }
    }

    fn past(&self, reach: Reach, view: ReadView) -> ReadView {
        let history = &self.explainer.history;
        let row = history.past(reach, self.row);
        let year = row.map_or(self.year - 1, |row| history.years[row]);
        ReadView { year: Some(year), row_found: Some(row.is_some()), ..view }
    }

    fn parameter_value(&self, id: ParameterId, value: &Value) -> ValueView {
        let writing = if self.is_percentage(id) { Writing::Percentage } else { Writing::Plain };
        self.value(&self.program.parameter(id).ty, value, &writing)
    }

    fn parameter(&self, id: ParameterId) -> Option<ParameterView> {
        let parameter = self.program.parameter(id);
        let (years, value) = parameter.values.iter().find(|(years, _)| years.contains(self.year))?;
        Some(ParameterView {
            name: parameter.name.to_string(),
            title: parameter.title.to_string(),
            references: references(&parameter.citations),
            place: self.place(parameter.span),
            value: self.parameter_value(id, value),
            first_year: Some(years.first).filter(|year| *year != i64::MIN),
            last_year: Some(years.last).filter(|year| *year != i64::MAX),
        })
    }

    fn input(&self, id: InputId) -> InputView {
        let input = self.program.input(id);
        let column = self.explainer.batch.columns[id.index()].as_ref();
        let value = match column {
            Some(column) => column.value(self.row, input),
            None => input.default.clone(),
        };
        let origin = match column {
            None => InputOrigin::NoColumn,
            Some(_) if value.is_some() && value == input.default => InputOrigin::Default,
            Some(_) => InputOrigin::Cell,
        };
        InputView {
            name: input.name.to_string(),
            meaning: input.meaning.to_string(),
            references: self.explainer.lexicon.input_references(&input.name).to_vec(),
            place: self.place(input.span),
            value: value.map(|value| self.input_value(id, &value)),
            origin,
            cell: None,
        }
    }

    fn readings(&self) -> Vec<ReadingView> {
        let chosen = self.program.readings.iter().filter_map(|reading| {
            let variant = reading.alternatives.get(reading.selected?)?;
            Some(ReadingView {
                name: reading.name.to_string(),
                question: reading.question.to_string(),
                references: references(&reading.citations),
                variant: variant.name.to_string(),
                text: variant.text.to_string(),
                place: self.place(reading.span),
            })
        });
        chosen.collect()
    }

    // ---------------------------------------------------------------------------------------------------- quantities

    fn quantity(&mut self, id: QuantityId) -> QuantityView {
        let quantity = self.program.quantity(id);
        let writing = self.writing(id);
        let unit = match &quantity.ty {
            Type::Number(unit) if !unit.is_none() => Some(unit.to_string()),
            _ => None,
        };
        let Some(computed) = self.computed.remove(&id) else {
            // The figure of an aggregate comes from the first pass.
            let figures = &self.explainer.history.aggregates;
            let aggregate = quantity.kind == QuantityKind::Aggregate;
            let value = if aggregate { figures.value(id, self.row) } else { None };
            return QuantityView {
                name: quantity.name.to_string(),
                title: quantity.title.to_string(),
                kind: kind(quantity.kind),
                unit,
                value: value.map(|value| self.value(&quantity.ty, value, &writing)),
                rule: None,
                steps: Vec::new(),
                lines: Vec::new(),
            };
        };
        let rule = &quantity.rules[computed.rule];
        let titled = matches!(
            quantity.kind,
            QuantityKind::Definition
                | QuantityKind::Criterion
                | QuantityKind::Minoration
                | QuantityKind::Majoration
                | QuantityKind::Proration
                | QuantityKind::Payment
        );
        let rule_view = self.rule(rule);
        QuantityView {
            name: quantity.name.to_string(),
            title: if titled { rule.title.to_string() } else { quantity.title.to_string() },
            kind: kind(quantity.kind),
            unit,
            value: Some(self.value(&quantity.ty, &computed.value, &writing)),
            rule: Some(rule_view),
            steps: self.steps(id, rule, &computed.steps),
            lines: Vec::new(),
        }
    }

    /// The lines of a payment that the row has; none of other quantities.
    fn lines(&self, id: QuantityId) -> Vec<LineView> {
        let explainer = self.explainer;
        let lines = &explainer.lines;
        let Some(payment) = lines.payments.iter().find(|payment| payment.payment == id) else { return Vec::new() };
        let memory = Default::default();
        let program = &*lines.program;
        let data =
            BatchRow { program, batch: explainer.batch, history: &explainer.history, row: self.row, memory: &memory };
        let evaluation = RefCell::new(Evaluation::new(program, &data, Silent));
        // Where the payment has a value, so have its lines.
        let value = |line: usize| match evaluation.borrow_mut().quantity(lines.lines[line].quantity) {
            Ok(Some((_, Value::Number(number)))) => Some(number),
            _ => None,
        };
        let ty = &program.quantity(id).ty;
        let view = |number: Ratio| self.value(ty, &Value::Number(number), &Writing::Plain);
        let told = lines.of_row(payment, value).into_iter();
        told.map(|line| lines.lines[line.line].view(view(line.exact), view(line.paid))).collect()
    }

    fn rule(&mut self, rule: &'r Rule) -> RuleView {
        let program = self.program;
        let mut reads = Vec::new();
        if let Some(guard) = &rule.guard {
            reads = self.look(guard).1;
            // The case and the year are on the face of it.
            reads.retain(|read| match read.leaf {
                Leaf::Input(id) => id != program.year && !matches!(program.input(id).ty, Type::Enumeration(_)),
                _ => true,
            });
        }
        RuleView {
            title: rule.title.to_string(),
            references: references(&rule.citations),
            part: part_of(program, rule).map(|(_, title)| title.to_string()),
            place: self.place(rule.span),
            cases: rule.guard.as_ref().map(|guard| self.writer().cases(guard)),
            first_year: Some(rule.years.first).filter(|year| *year != i64::MIN),
            last_year: Some(rule.years.last).filter(|year| *year != i64::MAX),
            level: rule.level.map(|level| match level {
                Level::Core => LevelView::Core,
                Level::Optional => LevelView::Optional,
            }),
            reads: self.reads(&reads),
        }
    }

    fn steps(&mut self, id: QuantityId, rule: &'r Rule, steps: &[TracedStep]) -> Vec<StepView> {
        let mut before = Value::Number(Ratio::zero());
        let mut views = Vec::new();
        for step in steps {
            views.extend(self.step(id, rule, step, &before));
            before = step.result.clone();
        }
        views
    }

    fn step(&mut self, id: QuantityId, rule: &'r Rule, step: &TracedStep, before: &Value) -> Option<StepView> {
        let quantity = self.program.quantity(id);
        let writing = self.writing(id);
        let value = |builder: &Self, value: &Value| builder.value(&quantity.ty, value, &writing);
        let result = value(self, &step.result);
        Some(match step.part {
            Part::Condition => {
                let condition = rule.condition.as_ref()?;
                let met = step.value == Value::Boolean(true);
                let lacking = if met { None } else { self.lacking(condition) };
                let kind = StepKind::Condition { met, lacking };
                self.written(kind, condition, &[], self.value(&Type::Boolean, &step.value, &Writing::Plain), result)
            }
            Part::Base(rank) => {
                let line = rule.base.get(rank)?;
                let when = line.when.as_ref().map(|when| self.when(when));
                let counts = when.as_ref().is_none_or(|when| when.met);
                let nature = line.nature.map(|nature| match nature {
                    Nature::Fixed => NatureView::Fixed,
                    Nature::Variable => NatureView::Variable,
                });
                let (mut bracket, mut tiers, mut lacking) = (None, Vec::new(), None);
                if counts {
                    bracket = self.bracket(&line.value);
                    tiers = self.tiers(&line.value, &step.value);
                    if step.value == Value::Boolean(false) {
                        lacking = self.lacking(&line.value);
                    }
                }
                let kind = StepKind::Base { nature, when, lacking, bracket, tiers };
                let own = value(self, &step.value);
                if counts {
                    self.written(kind, &line.value, &line.citations, own, result)
                } else {
                    // Nothing of it was computed.
                    StepView {
                        kind,
                        formula: Some(self.writer().formula(&line.value)),
                        calculation: None,
                        references: references(&line.citations),
                        value: own,
                        result,
                        reads: Vec::new(),
                    }
                }
            }
            Part::Adjustment(rank) => {
                let adjustment = rule.adjustments.get(rank)?;
                let adjusting = self.program.quantity(adjustment.quantity);
                let effect = match (&step.result, before) {
                    (Value::Number(after), Value::Number(before)) => Value::Number(after - before),
                    _ => return None,
                };
                let view = AdjustmentView {
                    mode: if is_rate(adjustment.kind) { Mode::Rate } else { Mode::Amount },
                    quantity: adjusting.name.to_string(),
                    before: value(self, before),
                    effect: value(self, &effect),
                };
                let minoration =
                    matches!(adjustment.kind, AdjustmentKind::SubtractAmount | AdjustmentKind::SubtractRate);
                let adjusting_writing = self.writing(adjustment.quantity);
                let read = Read { leaf: Leaf::Quantity(adjustment.quantity), value: Some(step.value.clone()) };
                StepView {
                    kind: if minoration { StepKind::Minoration(view) } else { StepKind::Majoration(view) },
                    formula: None,
                    calculation: None,
                    references: Vec::new(),
                    value: self.value(&adjusting.ty, &step.value, &adjusting_writing),
                    result,
                    reads: self.reads(&[read]),
                }
            }
            Part::Bound(rank) => {
                let bound = rule.bounds.get(rank)?;
                let when = bound.when.as_ref().map(|when| self.when(when));
                let view = BoundView { binding: step.binding, before: value(self, before), when };
                let kind = match bound.kind {
                    BoundKind::Cap => StepKind::Cap(view),
                    BoundKind::Floor => StepKind::Floor(view),
                };
                let limit = value(self, &step.value);
                self.written(kind, &bound.value, &bound.citations, limit, result)
            }
            Part::Prorata(rank) => {
                let factor = rule.proratas.get(rank)?;
                let kind = StepKind::Prorata { before: value(self, before) };
                let factor_writing = match factor.value.kind {
                    ExprKind::Quantity(id) => self.writing(id),
                    _ => Writing::Plain,
                };
                let own = self.value(&factor.value.ty, &step.value, &factor_writing);
                self.written(kind, &factor.value, &factor.citations, own, result)
            }
            Part::Derogation(rank) => {
                let derogation = quantity.derogations.get(rank)?;
                let when = derogation.condition.as_ref().map(|condition| self.when(condition));
                let kind = StepKind::Derogation {
                    name: derogation.name.to_string(),
                    title: derogation.title.to_string(),
                    place: self.place(derogation.span),
                    when,
                    others: self.other_derogations(id, rank),
                };
                let own = value(self, &step.value);
                self.written(kind, &derogation.value, &derogation.citations, own, result)
            }
            Part::Kept => {
                let keeps = rule.keeps.as_ref()?;
                let own = value(self, &step.value);
                let reads = self.reads(&step.reads);
                StepView { reads, ..self.written(StepKind::Kept, keeps, &[], own, result) }
            }
            Part::Replacement(rank) => {
                let replacement = rule.replacements.get(rank)?;
                let reading = self.program.readings.get(replacement.reading.index())?;
                let variant = reading.alternatives.get(reading.selected?)?;
                let retained = self.steps(id, rule, &step.retained);
                let last = retained.last().map(|step| step.result.clone());
                let reads = own_reads(self.program, &replacement.value, step.reads.clone());
                let calculation = self.calculation(&replacement.value, &reads, last.as_ref());
                StepView {
                    kind: StepKind::Replacement {
                        reading: reading.name.to_string(),
                        variant: variant.name.to_string(),
                        text: variant.text.to_string(),
                        retained,
                    },
                    formula: Some(self.writer().formula(&replacement.value)),
                    calculation,
                    references: references(&reading.citations),
                    value: value(self, &step.value),
                    result,
                    reads: self.reads(&reads),
                }
            }
            Part::Rounding(decimals) => StepView {
                kind: StepKind::Rounding { decimals, before: value(self, before) },
                formula: None,
                calculation: None,
                references: Vec::new(),
                value: result.clone(),
                result,
                reads: Vec::new(),
            },
        })
    }

    /// A step with a formula that was computed.
    fn written(
        &mut self,
        kind: StepKind,
        expr: &'r Expr,
        citations: &[Citation],
        value: ValueView,
        result: ValueView,
    ) -> StepView {
        let (_, reads) = self.look(expr);
        StepView {
            kind,
            formula: Some(self.writer().formula(expr)),
            calculation: self.calculation(expr, &reads, None),
            references: references(citations),
            value,
            result,
            reads: self.reads(&reads),
        }
    }

    fn when(&mut self, expr: &'r Expr) -> WhenView {
        let (value, reads) = self.look(expr);
        WhenView {
            formula: self.writer().formula(expr),
            calculation: self.calculation(expr, &reads, None),
            met: value == Some(Value::Boolean(true)),
            reads: self.reads(&reads),
        }
    }

    /// The first of several conditions that must all hold and that does not.
    fn lacking(&mut self, expr: &'r Expr) -> Option<String> {
        let ExprKind::And(items) = &expr.kind else { return None };
        // Those after it were not read.
        let first = items.iter().find(|item| !self.holds(item))?;
        Some(self.lacking(first).unwrap_or_else(|| self.writer().formula(first)))
    }

    fn other_derogations(&mut self, id: QuantityId, winner: usize) -> Vec<OtherDerogation> {
        let quantity = self.program.quantity(id);
        let mut others = Vec::new();
        for (rank, derogation) in quantity.derogations.iter().enumerate() {
            if rank == winner {
                continue;
            }
            if derogation.condition.as_ref().is_some_and(|condition| !self.holds(condition)) {
                continue;
            }
            let when = derogation.condition.as_ref().map(|condition| self.when(condition));
            others.push(OtherDerogation {
                name: derogation.name.to_string(),
                title: derogation.title.to_string(),
                references: references(&derogation.citations),
                overridden: !self.explainer.heads.contains(&derogation.value.span),
                when,
            });
        }
        others
    }

    fn bracket(&mut self, expr: &'r Expr) -> Option<BracketView> {
        let ExprKind::Brackets { subject, rows } = &expr.kind else { return None };
        let Some(Value::Number(found)) = self.look(subject).0 else { return None };
        let row = rows.iter().find(|row| {
            row.from.as_ref().is_none_or(|from| *from <= found) && row.to.as_ref().is_none_or(|to| found < *to)
        })?;
        let end = |end: &Option<Ratio>| {
            end.as_ref().map(|end| self.brief(&subject.ty, &Value::Number(end.clone()), &Writing::Plain))
        };
        Some(BracketView {
            range: words::bracket(end(&row.from).as_deref(), end(&row.to).as_deref()),
            formula: self.writer().formula(&row.value),
            subject: self.value(&subject.ty, &Value::Number(found), &Writing::Plain),
        })
    }

    /// How a value splits over the tiers it reaches, if the parts make the value.
    fn tiers(&mut self, expr: &'r Expr, total: &Value) -> Vec<TierView> {
        let ExprKind::Tiers { subject, rows } = &expr.kind else { return Vec::new() };
        let Some(Value::Number(reached)) = self.look(subject).0 else { return Vec::new() };
        let (mut views, mut sum) = (Vec::new(), Ratio::zero());
        for row in rows.iter().filter(|row| row.from < reached) {
            let Some(Value::Number(rate)) = self.look(&row.rate).0 else { return Vec::new() };
            let top = row.to.as_ref().filter(|to| **to < reached).unwrap_or(&reached);
            let share = top - &row.from;
            let amount = rate * &share;
            sum += &amount;
            let end = |end: &Ratio| self.brief(&subject.ty, &Value::Number(end.clone()), &Writing::Plain);
            let from = Some(&row.from).filter(|from| !from.is_zero()).map(end);
            let to = row.to.as_ref().map(end);
            views.push(TierView {
                range: words::tier(from.as_deref(), to.as_deref()),
                rate: self.writer().formula(&row.rate),
                share: self.value(&subject.ty, &Value::Number(share), &Writing::Plain),
                amount: self.value(&expr.ty, &Value::Number(amount), &Writing::Plain),
            });
        }
        if Value::Number(sum) == *total { views } else { Vec::new() }
    }
}

/// What an expression reads itself, once each, in order.
fn own_reads(program: &Program, expr: &Expr, reads: Vec<Read>) -> Vec<Read> {
    let own = leaves(program, expr);
    let mut result: Vec<Read> = Vec::new();
    for read in reads {
        if own.contains(&read.leaf) && result.iter().all(|known| known.leaf != read.leaf) {
            result.push(read);
        }
    }
    result
}

pub(crate) fn references(citations: &[Citation]) -> Vec<String> {
    citations.iter().map(ToString::to_string).collect()
}

/// Adds an element that is not there yet.
fn keep<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

pub(crate) fn kind(kind: QuantityKind) -> Kind {
    match kind {
        QuantityKind::Definition => Kind::Definition,
        QuantityKind::Criterion => Kind::Criterion,
        QuantityKind::Condition => Kind::Condition,
        QuantityKind::Prerequisite => Kind::Prerequisite,
        QuantityKind::Minoration => Kind::Minoration,
        QuantityKind::Majoration => Kind::Majoration,
        QuantityKind::Proration => Kind::Proration,
        QuantityKind::DayCount => Kind::DayCount,
        QuantityKind::Payment => Kind::Payment,
        QuantityKind::BlockTotal => Kind::BlockTotal,
        QuantityKind::PrerequisitesMet => Kind::PrerequisitesMet,
        QuantityKind::PrerequisitesCount => Kind::PrerequisitesCount,
        QuantityKind::Aggregate => Kind::Aggregate,
    }
}
