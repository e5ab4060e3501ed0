//! What there is to exercise in a policy: branches, and thresholds on both sides.

use std::cmp::Ordering;

use polc_compiler::typed::{Citation, CompareOp, Expr, ExprKind, Program, Quantity, QuantityKind, Rule, Type};
use polc_dsl::ast::BoundKind;
use polc_dsl::{SourceMap, Span};

use super::figures::{expressions, is_derived, shortened};
use super::watch::{Key, Recorder};
use crate::policy::Policy;
use crate::say;

/// A rule or a derogation: what the text provides for.
#[derive(Clone, Debug)]
pub struct Provision {
    pub name: String,
    pub title: String,
    pub kind: ProvisionKind,
    pub span: Span,
    pub citations: Vec<Citation>,
    /// The examples that say what it must give.
    pub examples: Vec<Span>,
    /// Whether some example computes it.
    pub computed: bool,
    pub branches: Vec<Branch>,
    pub thresholds: Vec<Threshold>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProvisionKind {
    Criterion,
    Derogation,
    Parameter,
    Other,
}

/// A way that a computation may go.
#[derive(Clone, Debug)]
pub struct Branch {
    pub text: String,
    pub span: Span,
    pub taken: bool,
}

/// A comparison with a value, the start of a row, a cap or a floor.
#[derive(Clone, Debug)]
pub struct Threshold {
    pub text: String,
    pub span: Span,
    pub below: bool,
    pub at: bool,
    pub above: bool,
    /// On which side being at the threshold counts.
    at_is_above: bool,
}

impl Threshold {
    /// Exercised on both sides.
    #[must_use]
    pub fn both(&self) -> bool {
        let (below, above) =
            if self.at_is_above { (self.below, self.above || self.at) } else { (self.below || self.at, self.above) };
        below && above
    }
}

#[must_use]
pub fn provisions(policy: &Policy, recorder: &Recorder) -> Vec<Provision> {
    let program = &policy.program;
    let mut result = Vec::new();
    for parameter in &program.parameters {
        result.push(Provision {
            name: parameter.name.to_string(),
            title: parameter.title.to_string(),
            kind: ProvisionKind::Parameter,
            span: parameter.span,
            citations: parameter.citations.clone(),
            examples: Vec::new(),
            computed: true,
            branches: Vec::new(),
            thresholds: Vec::new(),
        });
    }
    // A name with a dot is what a control on groups of rows reads: no example has several rows.
    for quantity in program.quantities.iter().filter(|quantity| !quantity.name.contains('.')) {
        if !is_derived(quantity.kind) {
            for rule in &quantity.rules {
                result.push(provision(policy, recorder, quantity, rule));
            }
        }
        for derogation in &quantity.derogations {
            let mut points = Points::new(policy, recorder);
            let taken = recorder.count(Key::Derogation(derogation.value.span))[1] > 0;
            points.branch(say::derogation_applies(), derogation.span, taken);
            derogation.condition.iter().for_each(|condition| points.expression(condition));
            points.expression(&derogation.value);
            result.push(Provision {
                name: derogation.name.to_string(),
                title: derogation.title.to_string(),
                kind: ProvisionKind::Derogation,
                span: derogation.span,
                citations: derogation.citations.clone(),
                examples: Vec::new(),
                computed: taken,
                branches: points.branches,
                thresholds: points.thresholds,
            });
        }
    }
    result.sort_by_key(|provision| (provision.span, provision.kind == ProvisionKind::Derogation));
    result
}

fn provision(policy: &Policy, recorder: &Recorder, quantity: &Quantity, rule: &Rule) -> Provision {
    let mut points = Points::new(policy, recorder);
    let key = (quantity.name.clone(), rule.span);
    let computed = recorder.entered(&key);
    points.branch(say::rule_applies(), rule.span, computed);
    if quantity.ty == Type::Boolean && !rule.base.iter().any(|line| is_threshold(&line.value)) {
        let [no, yes] = recorder.truths(&key);
        points.branch(say::gives(true), rule.span, yes > 0);
        points.branch(say::gives(false), rule.span, no > 0);
    }
    for condition in rule.keeps.iter().chain(&rule.condition) {
        points.decision(condition, &policy.program);
    }
    for when in rule.base.iter().filter_map(|line| line.when.as_ref()) {
        points.decision(when, &policy.program);
    }
    for bound in &rule.bounds {
        let [below, at, beyond] = recorder.count(Key::Bound(bound.value.span)).map(|count| count > 0);
        let written = shortened(policy.sources.text(bound.value.span));
        let (text, below, above) = match bound.kind {
            BoundKind::Cap => (say::cap(&written), below, beyond),
            BoundKind::Floor => (say::floor(&written), beyond, below),
        };
        let at_is_above = bound.kind == BoundKind::Floor;
        points.thresholds.push(Threshold { text, span: bound.span, below, at, above, at_is_above });
        points.branches.extend(bound.when.iter().flat_map(|when| points.sides(when)).collect::<Vec<_>>());
    }
    let mut citations = rule.citations.clone();
    for (expr, cited) in expressions(rule) {
        points.expression(expr);
        for citation in cited {
            if !citations.contains(&citation) {
                citations.push(citation);
            }
        }
    }
    Provision {
        name: quantity.name.to_string(),
        title: rule.title.to_string(),
        kind: if quantity.kind == QuantityKind::Criterion { ProvisionKind::Criterion } else { ProvisionKind::Other },
        span: rule.span,
        citations,
        examples: recorder.examples(&key),
        computed,
        branches: points.branches,
        thresholds: points.thresholds,
    }
}

struct Points<'p> {
    sources: &'p SourceMap,
    recorder: &'p Recorder,
    branches: Vec<Branch>,
    thresholds: Vec<Threshold>,
}

impl<'p> Points<'p> {
    fn new(policy: &'p Policy, recorder: &'p Recorder) -> Self {
        Self { sources: &policy.sources, recorder, branches: Vec::new(), thresholds: Vec::new() }
    }

    fn branch(&mut self, text: String, span: Span, taken: bool) {
        self.branches.push(Branch { text, span, taken });
    }

    /// The two outcomes of a condition; those of a comparison are the sides of its threshold.
    fn sides(&self, condition: &Expr) -> Vec<Branch> {
        if is_threshold(condition) {
            return Vec::new();
        }
        let [no, yes, _] = self.recorder.count(Key::Decided(condition.span));
        let written = shortened(self.sources.text(condition.span));
        let side =
            |holds, count| Branch { text: say::decided(&written, holds), span: condition.span, taken: count > 0 };
        vec![side(true, yes), side(false, no)]
    }

    /// As [`Self::sides`], but for a named condition, which is a provision of its own.
    fn decision(&mut self, condition: &Expr, program: &Program) {
        let named = matches!(&condition.kind, ExprKind::Quantity(id) if program.quantity(*id).ty == Type::Boolean);
        if !named {
            let sides = self.sides(condition);
            self.branches.extend(sides);
        }
    }

    /// What is inside an expression.
    fn expression(&mut self, expr: &Expr) {
        expr.walk(&mut |expr| match &expr.kind {
            ExprKind::If { condition, .. } => {
                let sides = self.sides(condition);
                self.branches.extend(sides);
            }
            ExprKind::Compare { op, left, right } if is_threshold(expr) => {
                let mut sides = self.recorder.count(Key::Compared(expr.span)).map(|count| count > 0);
                let mut at_is_above = op.holds(Ordering::Equal) == op.holds(Ordering::Greater);
                if holds_figure(left) && !holds_figure(right) {
                    sides.reverse();
                    at_is_above = !at_is_above;
                }
                let [below, at, above] = sides;
                let text = shortened(self.sources.text(expr.span));
                self.thresholds.push(Threshold { text, span: expr.span, below, at, above, at_is_above });
            }
            ExprKind::Brackets { subject, rows } => {
                let Type::Number(unit) = &subject.ty else { return };
                let written = shortened(self.sources.text(subject.span));
                for (rank, row) in rows.iter().enumerate() {
                    let taken = self.recorder.count(Key::Row(expr.span, rank))[1] > 0;
                    let (from, to) = (row.from.as_ref(), row.to.as_ref());
                    let amount = |bound| say::amount(bound, unit);
                    self.branch(say::row(&written, from.map(amount), to.map(amount)), row.value.span, taken);
                    if let Some(from) = from {
                        self.start(say::from(&written, &amount(from)), expr.span, rank, true);
                    }
                }
            }
            ExprKind::Tiers { subject, rows } => {
                let Type::Number(unit) = &subject.ty else { return };
                let written = shortened(self.sources.text(subject.span));
                for (rank, row) in rows.iter().enumerate().skip(1) {
                    self.start(say::beyond(&written, &say::amount(&row.from, unit)), expr.span, rank, false);
                }
            }
            _ => {}
        });
    }

    fn start(&mut self, text: String, span: Span, rank: usize, at_is_above: bool) {
        let [below, at, above] = self.recorder.count(Key::Start(span, rank)).map(|count| count > 0);
        self.thresholds.push(Threshold { text, span, below, at, above, at_is_above });
    }
}

/// An ordered comparison of numbers or dates.
fn is_threshold(expr: &Expr) -> bool {
    let ExprKind::Compare { op, left, .. } = &expr.kind else { return false };
    !matches!(op, CompareOp::Equal | CompareOp::NotEqual) && matches!(left.ty, Type::Number(_) | Type::Date)
}

fn holds_figure(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |expr| {
        found |= matches!(expr.kind, ExprKind::Constant(_) | ExprKind::Parameter(_) | ExprKind::DateOf { .. });
    });
    found
}
