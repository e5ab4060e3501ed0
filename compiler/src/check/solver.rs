//! Can these conditions hold together? A small decision procedure over what provisions test: enumerations, booleans,
//! comparisons of one quantity with constants, years. Anything else is an opaque yes-or-no.

use std::cell::Cell;

use crate::calendar::Date;
use crate::num::{Ratio, format_french, integer};
use crate::typed::{CompareOp, Expr, ExprKind, InputId, Program, Type, Value};

/// The answer to « can all of this hold? ».
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    No,
    /// Yes, for the values described; `certain` when every variable is an input, so that such a row can be written.
    Yes {
        example: String,
        certain: bool,
    },
    /// Too many combinations to tell.
    Unknown,
}

/// Splits tried before giving up.
const BUDGET: u32 = 20_000;
/// Values a variable may be split into: the width of a mask.
const MAX_DOMAIN: usize = 64;

/// Whether all the conditions can hold at once.
#[must_use]
pub fn satisfiable(conditions: &[&Expr], program: &Program) -> Answer {
    let mut builder = Builder { program, variables: Vec::new() };
    for condition in conditions {
        builder.collect(condition);
    }
    for variable in &mut builder.variables {
        variable.close(program);
    }
    let formula = Formula::And(conditions.iter().map(|condition| builder.formula(condition)).collect());
    let mut assignment = vec![None; builder.variables.len()];
    let domains: Vec<usize> = builder.variables.iter().map(Variable::size).collect();
    let budget = Cell::new(BUDGET);
    match search(&formula, &domains, &mut assignment, &budget) {
        None => Answer::Unknown,
        Some(false) => Answer::No,
        Some(true) => {
            let chosen =
                builder.variables.iter().zip(&assignment).filter_map(|(variable, value)| Some((variable, (*value)?)));
            let example =
                chosen.clone().filter_map(|(variable, value)| variable.describe(value, program)).collect::<Vec<_>>();
            let certain = chosen.clone().all(|(variable, _)| matches!(variable.leaf.kind, ExprKind::Input(_)));
            Answer::Yes { example: example.join(" et "), certain }
        }
    }
}

/// Whether the conditions rule out that the goal fails.
#[must_use]
pub fn implies(conditions: &[&Expr], goal: &Expr, program: &Program) -> Answer {
    let negated = Expr { kind: ExprKind::Not(Box::new(goal.clone())), ty: Type::Boolean, span: goal.span };
    let mut all = conditions.to_vec();
    all.push(&negated);
    satisfiable(&all, program)
}

enum Formula {
    Constant(bool),
    /// The variable takes one of the values in the mask.
    In(usize, u64),
    Not(Box<Formula>),
    And(Vec<Formula>),
    Or(Vec<Formula>),
}

struct Variable {
    leaf: Expr,
    key: String,
    domain: Domain,
}

enum Domain {
    Boolean,
    Cases(usize),
    /// Constants that the leaf is compared with, sorted; regions alternate: below, at, between, at, … above.
    Regions {
        cuts: Vec<Ratio>,
        regions: Vec<Region>,
    },
}

#[derive(Clone)]
struct Region {
    low: Option<Ratio>,
    high: Option<Ratio>,
    /// A single point: `low` = `high`.
    point: bool,
}

impl Variable {
    fn size(&self) -> usize {
        match &self.domain {
            Domain::Boolean => 2,
            Domain::Cases(count) => *count,
            Domain::Regions { regions, .. } => regions.len(),
        }
    }

    /// Cuts the line at the constants, and drops what the declared range or whole numbers exclude.
    fn close(&mut self, program: &Program) {
        let Domain::Regions { cuts, regions } = &mut self.domain else { return };
        cuts.sort();
        cuts.dedup();
        let mut low = None;
        for cut in cuts.iter() {
            regions.push(Region { low: low.clone(), high: Some(cut.clone()), point: false });
            regions.push(Region { low: Some(cut.clone()), high: Some(cut.clone()), point: true });
            low = Some(cut.clone());
        }
        regions.push(Region { low, high: None, point: false });
        if let ExprKind::Input(id) = self.leaf.kind {
            let input = program.input(id);
            let whole = input.decimals == 0;
            regions
                .retain(|region| region.possible(input.range.as_ref(), whole && matches!(input.ty, Type::Number(_))));
        }
    }

    fn describe(&self, value: usize, program: &Program) -> Option<String> {
        let name = match self.leaf.kind {
            ExprKind::Input(id) => &program.input(id).name,
            ExprKind::Quantity(id) => &program.quantity(id).name,
            _ => return None,
        };
        Some(match &self.domain {
            Domain::Boolean => format!("{name} = {}", if value == 1 { "vrai" } else { "faux" }),
            Domain::Cases(_) => {
                let Type::Enumeration(id) = self.leaf.ty else { return None };
                format!("{name} = {}", program.enumeration(id).cases[value].0)
            }
            Domain::Regions { regions, .. } => {
                let region = &regions[value];
                let is_date = self.leaf.ty == Type::Date;
                let is_year = matches!(self.leaf.kind, ExprKind::Input(id) if id == program.year);
                let show = |v: &Ratio| {
                    if is_date {
                        i64::try_from(v.to_integer())
                            .ok()
                            .and_then(Date::from_days)
                            .map_or_else(String::new, |d| d.to_string())
                    } else if is_year {
                        v.to_integer().to_string()
                    } else {
                        format_french(v, 0)
                    }
                };
                match (&region.low, &region.high) {
                    (Some(low), _) if region.point => format!("{name} = {}", show(low)),
                    (Some(low), Some(high)) => format!("{name} entre {} et {}", show(low), show(high)),
                    (Some(low), None) => format!("{name} > {}", show(low)),
                    (None, Some(high)) => format!("{name} < {}", show(high)),
                    (None, None) => return None,
                }
            }
        })
    }
}

impl Region {
    fn possible(&self, range: Option<&(Ratio, Ratio)>, whole: bool) -> bool {
        let (mut low, mut high) = (self.low.clone(), self.high.clone());
        if let Some((least, most)) = range {
            if self.point {
                return low.as_ref().is_some_and(|v| least <= v && v <= most)
                    && (!whole || low.is_some_and(|v| v.is_integer()));
            }
            // An open region meets the range when some value of the range lies strictly inside.
            if low.as_ref().is_some_and(|low| low >= most) || high.as_ref().is_some_and(|high| high <= least) {
                return false;
            }
            low = low.filter(|low| low >= least).or_else(|| Some(least - integer(1)));
            high = high.filter(|high| high <= most).or_else(|| Some(most + integer(1)));
        }
        if !whole || self.point {
            return true;
        }
        match (low, high) {
            (Some(low), Some(high)) => low.floor() + integer(1) < high,
            _ => true,
        }
    }
}

struct Builder<'p> {
    program: &'p Program,
    variables: Vec<Variable>,
}

impl Builder<'_> {
    fn is_leaf(expr: &Expr) -> bool {
        matches!(
            expr.kind,
            ExprKind::Input(_)
                | ExprKind::Quantity(_)
                | ExprKind::PastQuantity { .. }
                | ExprKind::PastInput { .. }
                | ExprKind::InputOr { .. }
        )
    }

    fn position(&self, key: &str) -> Option<usize> {
        self.variables.iter().position(|variable| variable.key == key)
    }

    fn variable(&mut self, leaf: &Expr, domain: Domain) {
        let key = format!("{leaf:?}");
        if self.position(&key).is_none() {
            self.variables.push(Variable { leaf: leaf.clone(), key, domain });
        }
    }

    /// A comparison of a leaf with a constant, the leaf on the left.
    fn comparison(&self, op: CompareOp, left: &Expr, right: &Expr) -> Option<(Expr, CompareOp, Ratio)> {
        if let (true, Some(value)) = (Self::is_leaf(left), number(right)) {
            return Some((left.clone(), op, value));
        }
        if let (Some(value), true) = (number(left), Self::is_leaf(right)) {
            return Some((right.clone(), op.swapped(), value));
        }
        None
    }

    fn collect(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Constant(_) => {}
            ExprKind::Not(inner) => self.collect(inner),
            ExprKind::And(items) | ExprKind::Or(items) => items.iter().for_each(|item| self.collect(item)),
            ExprKind::OneOf { subject, .. } if Self::is_leaf(subject) => self.cases(subject),
            ExprKind::Compare { left, right, op } => {
                if let Some((leaf, _)) = case_comparison(left, right) {
                    self.cases(leaf);
                } else if let Some((leaf, _, value)) = self.comparison(*op, left, right) {
                    self.variable(&leaf, Domain::Regions { cuts: Vec::new(), regions: Vec::new() });
                    let index = self.position(&format!("{leaf:?}"));
                    if let Some(Domain::Regions { cuts, .. }) = index.map(|i| &mut self.variables[i].domain) {
                        cuts.push(value);
                    }
                } else {
                    self.variable(expr, Domain::Boolean);
                }
            }
            _ => self.variable(expr, Domain::Boolean),
        }
    }

    fn cases(&mut self, leaf: &Expr) {
        if let Type::Enumeration(id) = leaf.ty {
            let count = self.program.enumeration(id).cases.len();
            self.variable(leaf, Domain::Cases(count));
        }
    }

    fn opaque(&self, expr: &Expr) -> Formula {
        match self.position(&format!("{expr:?}")) {
            Some(index) if self.variables[index].size() == 2 => Formula::In(index, 0b10),
            // Not collected, or of another shape: nothing is known, which can only make the answer more cautious.
            _ => Formula::Constant(true),
        }
    }

    fn formula(&self, expr: &Expr) -> Formula {
        match &expr.kind {
            ExprKind::Constant(Value::Boolean(value)) => Formula::Constant(*value),
            ExprKind::Not(inner) => Formula::Not(Box::new(self.formula(inner))),
            ExprKind::And(items) => Formula::And(items.iter().map(|item| self.formula(item)).collect()),
            ExprKind::Or(items) => Formula::Or(items.iter().map(|item| self.formula(item)).collect()),
            ExprKind::OneOf { subject, cases } if Self::is_leaf(subject) => self.in_cases(subject, cases),
            ExprKind::Compare { left, right, op } => {
                if let Some((leaf, case)) = case_comparison(left, right) {
                    let formula = self.in_cases(leaf, &[case]);
                    return if *op == CompareOp::NotEqual { Formula::Not(Box::new(formula)) } else { formula };
                }
                let Some((leaf, op, value)) = self.comparison(*op, left, right) else { return self.opaque(expr) };
                let Some(index) = self.position(&format!("{leaf:?}")) else { return Formula::Constant(true) };
                let Domain::Regions { regions, .. } = &self.variables[index].domain else {
                    return Formula::Constant(true);
                };
                if regions.len() > MAX_DOMAIN {
                    return Formula::Constant(true);
                }
                let mut mask = 0u64;
                for (rank, region) in regions.iter().enumerate() {
                    let ordering = if region.point && region.low.as_ref() == Some(&value) {
                        std::cmp::Ordering::Equal
                    } else if region.high.as_ref().is_some_and(|high| *high <= value) {
                        std::cmp::Ordering::Less
                    } else {
                        std::cmp::Ordering::Greater
                    };
                    if op.holds(ordering) {
                        mask |= 1 << rank;
                    }
                }
                Formula::In(index, mask)
            }
            _ => self.opaque(expr),
        }
    }

    fn in_cases(&self, leaf: &Expr, cases: &[u32]) -> Formula {
        let Some(index) = self.position(&format!("{leaf:?}")) else { return Formula::Constant(true) };
        if self.variables[index].size() > MAX_DOMAIN {
            return Formula::Constant(true);
        }
        Formula::In(index, cases.iter().fold(0, |mask, case| mask | 1 << case))
    }
}

fn case_comparison<'e>(left: &'e Expr, right: &'e Expr) -> Option<(&'e Expr, u32)> {
    match (&left.kind, &right.kind) {
        (_, ExprKind::Constant(Value::Case(case))) if Builder::is_leaf(left) => Some((left, *case)),
        (ExprKind::Constant(Value::Case(case)), _) if Builder::is_leaf(right) => Some((right, *case)),
        _ => None,
    }
}

fn number(expr: &Expr) -> Option<Ratio> {
    match &expr.kind {
        ExprKind::Constant(Value::Number(value)) => Some(value.clone()),
        ExprKind::Constant(Value::Date(date)) => Some(integer(i64::from(date.days()))),
        _ => None,
    }
}

/// Three-valued evaluation under a partial assignment.
fn evaluate(formula: &Formula, assignment: &[Option<usize>]) -> Option<bool> {
    match formula {
        Formula::Constant(value) => Some(*value),
        Formula::In(variable, mask) => assignment[*variable].map(|value| mask >> value & 1 == 1),
        Formula::Not(inner) => evaluate(inner, assignment).map(|value| !value),
        Formula::And(items) => connect(items, assignment, false),
        Formula::Or(items) => connect(items, assignment, true),
    }
}

fn connect(items: &[Formula], assignment: &[Option<usize>], absorbing: bool) -> Option<bool> {
    let mut result = Some(!absorbing);
    for item in items {
        match evaluate(item, assignment) {
            Some(value) if value == absorbing => return Some(absorbing),
            None => result = None,
            Some(_) => {}
        }
    }
    result
}

fn first_open(formula: &Formula, assignment: &[Option<usize>]) -> Option<usize> {
    if evaluate(formula, assignment).is_some() {
        return None;
    }
    match formula {
        Formula::Constant(_) => None,
        Formula::In(variable, _) => assignment[*variable].is_none().then_some(*variable),
        Formula::Not(inner) => first_open(inner, assignment),
        Formula::And(items) | Formula::Or(items) => items.iter().find_map(|item| first_open(item, assignment)),
    }
}

/// `None` when the budget runs out.
fn search(
    formula: &Formula,
    domains: &[usize],
    assignment: &mut Vec<Option<usize>>,
    budget: &Cell<u32>,
) -> Option<bool> {
    if let Some(value) = evaluate(formula, assignment) {
        return Some(value);
    }
    let Some(variable) = first_open(formula, assignment) else { return Some(true) };
    for value in 0..domains[variable] {
        budget.set(budget.get().checked_sub(1)?);
        assignment[variable] = Some(value);
        if search(formula, domains, assignment, budget)? {
            return Some(true);
        }
    }
    assignment[variable] = None;
    Some(false)
}

/// The year of a row lies in a period, as a condition.
#[must_use]
pub fn year_condition(years: crate::typed::Years, year: InputId, ty: &Type, span: polc_dsl::Span) -> Option<Expr> {
    let leaf = || Box::new(Expr { kind: ExprKind::Input(year), ty: ty.clone(), span });
    let constant =
        |value: i64| Box::new(Expr { kind: ExprKind::Constant(Value::Number(integer(value))), ty: ty.clone(), span });
    let compare = |op, value| Expr {
        kind: ExprKind::Compare { op, left: leaf(), right: constant(value) },
        ty: Type::Boolean,
        span,
    };
    let mut items = Vec::new();
    if years.first != i64::MIN {
        items.push(compare(CompareOp::GreaterOrEqual, years.first));
    }
    if years.last != i64::MAX {
        items.push(compare(CompareOp::LessOrEqual, years.last));
    }
    match items.len() {
        0 => None,
        1 => items.pop(),
        _ => Some(Expr { kind: ExprKind::And(items), ty: Type::Boolean, span }),
    }
}
