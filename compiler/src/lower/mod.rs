//! From the typed program to the kernel of one year: parameters folded, rules that do not apply gone, exact
//! numbers as integers.
//!
//! A number is `num × scale / (product of den)`: `scale` is a constant of any size, so that multiplying by a figure of the
//! law costs nothing, and `den` holds the quantities of the row that something was divided by. One integer division is
//! left, where a payment is rounded.

mod calendar;
mod fraction;
mod states;
mod survey;

use num_traits::{One as _, Zero as _};
use polc_dsl::ast::{BoundKind, Reach};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::calendar::{Date, FIRST_DAY, LAST_DAY, days_in_year};
use crate::ir::{
    Builder, Kernel, NodeId, Output, OutputValue, Range, Reason, STATE_FRACTION_LIMIT, STATE_LIMIT, Source, Target,
};
use crate::num::{Ratio, integer, power_of_ten};
use crate::typed::{
    AdjustmentKind, BinaryOp, CompareOp, ControlKind, Expr, ExprKind, InputId, Presence, Program, QuantityId,
    QuantityKind, Rule, ScopeId, Type, Value,
};

pub use fraction::Fraction;
pub use states::{StateForm, States};
pub use survey::{Survey, survey};

/// What the rows have in common that a kernel is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Group {
    pub year: i64,
    /// Inputs of which none of the rows has an empty cell: what guards against one is left out.
    pub complete: Vec<InputId>,
    /// An input that is complete or has a default, and the rank of the case that it is on all the rows: what governs other cases
    /// is left out.
    pub case: Option<(InputId, u16)>,
}

impl Group {
    /// All the rows of a year.
    #[must_use]
    pub fn year(year: i64, complete: Vec<InputId>) -> Self {
        Self { year, complete, case: None }
    }
}

/// Lowers the targets for the rows of a group. `states` says how numbers of earlier rows stand.
#[must_use]
pub fn lower<'p>(program: &'p Program, group: &'p Group, targets: &[Target], states: &'p States) -> Kernel {
    let mut lowerer = Lowerer::new(program, group, states);
    // What a quantity reads comes before it: no chain of quantities is too long for the stack, and what is computed for one of
    // them stays together.
    order(program, targets).into_iter().for_each(|id| drop(lowerer.quantity(id)));
    let outputs = targets.iter().map(|target| match *target {
        Target::Quantity(id) | Target::State(id) => lowerer.output(*target, id),
        Target::Control(rank) => lowerer.control(rank),
    });
    let outputs = outputs.collect();
    lowerer.finish(outputs)
}

fn quantity_of(target: Target) -> Option<QuantityId> {
    match target {
        Target::Quantity(id) | Target::State(id) => Some(id),
        Target::Control(_) => None,
    }
}

/// The quantities that the targets need, each after those that it reads.
fn order(program: &Program, targets: &[Target]) -> Vec<QuantityId> {
    let mut roots = Vec::new();
    for target in targets {
        roots.extend(quantity_of(*target));
        if let Target::Control(rank) = target
            && let ControlKind::Row { guard, condition, .. } = &program.controls[*rank as usize].kind
        {
            guard.iter().chain([condition]).for_each(|expr| expr.quantities(&mut roots));
        }
    }
    let mut order = Vec::new();
    let mut seen = FxHashSet::default();
    // A quantity is met twice on the stack: to push what it reads, then to take its place.
    let mut pending: Vec<(QuantityId, bool)> = roots.into_iter().rev().map(|id| (id, false)).collect();
    while let Some((id, ready)) = pending.pop() {
        if ready {
            order.push(id);
        } else if seen.insert(id) {
            pending.push((id, true));
            pending.extend(program.needs(id).into_iter().rev().map(|need| (need, false)));
        }
    }
    order
}

impl<'p> Lowerer<'p> {
    fn new(program: &'p Program, group: &'p Group, states: &'p States) -> Self {
        let ir = Builder::default();
        Self {
            program,
            year: group.year,
            complete: &group.complete,
            case: group.case,
            states,
            quantities: FxHashMap::default(),
            scopes: FxHashMap::default(),
            status: ir.no,
            ir,
            retained: Vec::new(),
            years: FxHashMap::default(),
        }
    }

    fn finish(self, outputs: Vec<Output>) -> Kernel {
        self.ir.finish(outputs, self.status)
    }
}

/// A lowered value.
#[derive(Clone, Debug)]
enum Lowered {
    Number(Fraction),
    Flag(NodeId),
    Date(NodeId),
    Case(NodeId),
}

/// A lowered quantity: which rule applies, and the value, meaningful where one does.
///
/// A doubt is where only the interpreter can tell. It is a value like another: it reaches the row's status through what reads
/// the quantity where it is read, so that a cell which nothing asks for hands no row over.
#[derive(Clone, Debug)]
struct LoweredQuantity {
    applies: NodeId,
    rules: Vec<NodeId>,
    value: Lowered,
    doubtful: NodeId,
}

struct Lowerer<'p> {
    program: &'p Program,
    year: i64,
    complete: &'p [InputId],
    case: Option<(InputId, u16)>,
    /// How the numbers of earlier rows stand.
    states: &'p States,
    ir: Builder,
    quantities: FxHashMap<QuantityId, LoweredQuantity>,
    /// Whether each governs the row, and the doubt of it.
    scopes: FxHashMap<ScopeId, (NodeId, NodeId)>,
    /// The doubts of the controls.
    status: NodeId,
    /// The rules whose own value « valeur retenue » stands for.
    retained: Vec<(QuantityId, &'p Rule)>,
    /// Nodes that hold the year of a date, and that date.
    years: FxHashMap<NodeId, NodeId>,
}

impl<'p> Lowerer<'p> {
    fn output(&mut self, target: Target, id: QuantityId) -> Output {
        let quantity = self.quantity(id);
        let (value, doubt) = self.doubts(|lowerer| match quantity.value {
            Lowered::Flag(node) => OutputValue::Flag(node),
            Lowered::Date(node) | Lowered::Case(node) => OutputValue::Integer(node),
            Lowered::Number(fraction) => {
                if fraction.error > 0 {
                    let yes = lowerer.ir.yes;
                    lowerer.ir.hand_over(yes, yes, Reason::Approximation);
                }
                let (numerator, constant, factor) = lowerer.as_quotient(&fraction);
                OutputValue::Fraction { numerator, constant, factor }
            }
        });
        let doubt = self.ir.and(quantity.applies, doubt);
        let doubt = self.ir.or(doubt, quantity.doubtful);
        let doubt = (doubt != self.ir.no).then_some(doubt);
        Output { target, present: quantity.applies, value, doubt }
    }

    fn control(&mut self, rank: u32) -> Output {
        let program = self.program;
        let target = Target::Control(rank);
        let none = Output { target, present: self.ir.no, value: OutputValue::Flag(self.ir.yes), doubt: None };
        let ControlKind::Row { guard, years, condition, .. } = &program.controls[rank as usize].kind else {
            return none;
        };
        if !years.contains(self.year) {
            return none;
        }
        let ((present, value), doubt) = self.doubts(|lowerer| {
            let yes = lowerer.ir.yes;
            let present = guard.as_ref().map_or(yes, |guard| lowerer.flag(guard, yes));
            (present, lowerer.flag(condition, present))
        });
        self.status = self.ir.or(self.status, doubt);
        Output { target, present, value: OutputValue::Flag(value), doubt: None }
    }

    /// Lowers something apart, with the doubts that it raises.
    fn doubts<T>(&mut self, lower: impl FnOnce(&mut Self) -> T) -> (T, NodeId) {
        let around = self.ir.swap_doubt(self.ir.no);
        let lowered = lower(self);
        (lowered, self.ir.swap_doubt(around))
    }

    fn in_scope(&mut self, scope: Option<ScopeId>) -> NodeId {
        let yes = self.ir.yes;
        let Some(id) = scope else { return yes };
        let (holds, doubt) = match self.scopes.get(&id) {
            Some(known) => *known,
            None => {
                let program = self.program;
                let lowered = self.doubts(|lowerer| lowerer.flag(&program.scope(id).condition, yes));
                self.scopes.insert(id, lowered);
                lowered
            }
        };
        self.ir.pass_on(yes, doubt);
        holds
    }

    fn quantity(&mut self, id: QuantityId) -> LoweredQuantity {
        if let Some(known) = self.quantities.get(&id) {
            return known.clone();
        }
        let lowered = stacker::maybe_grow(128 * 1024, 2 * 1024 * 1024, || self.compute(id));
        self.quantities.insert(id, lowered.clone());
        lowered
    }

    /// A quantity read where `live` holds.
    fn read(&mut self, id: QuantityId, live: NodeId) -> LoweredQuantity {
        let quantity = self.quantity(id);
        self.ir.pass_on(live, quantity.doubtful);
        quantity
    }

    /// Whether a rule applies, within the scope.
    fn rule_applies(&mut self, rule: &'p Rule) -> NodeId {
        if !rule.years.contains(self.year) {
            return self.ir.no;
        }
        let scope = self.in_scope(rule.scope);
        match &rule.guard {
            None => scope,
            Some(guard) => {
                let holds = self.flag(guard, scope);
                self.ir.and(scope, holds)
            }
        }
    }

    fn compute(&mut self, id: QuantityId) -> LoweredQuantity {
        let program = self.program;
        let quantity = program.quantity(id);
        if quantity.kind == QuantityKind::Aggregate {
            return self.aggregate(id);
        }
        let around = self.ir.of.replace(id);
        let ((rules, applies, value), doubtful) = self.doubts(|lowerer| {
            let rules: Vec<NodeId> = quantity.rules.iter().map(|rule| lowerer.rule_applies(rule)).collect();
            let mut applies = lowerer.ir.no;
            for node in &rules {
                // Two rules at once: the interpreter says which.
                lowerer.ir.hand_over(*node, applies, Reason::SeveralRules);
                applies = lowerer.ir.or(applies, *node);
            }
            let value = lowerer.value_of(id, &rules, applies);
            (rules, applies, value)
        });
        self.ir.of = around;
        LoweredQuantity { applies, rules, value, doubtful }
    }

    /// The value of a quantity, where a rule applies.
    fn value_of(&mut self, id: QuantityId, rules: &[NodeId], applies: NodeId) -> Lowered {
        let program = self.program;
        let quantity = program.quantity(id);
        let mut value: Option<Lowered> = None;
        let no = self.ir.no;
        for (rule, node) in quantity.rules.iter().zip(rules).filter(|(_, node)| **node != no) {
            let own = self.rule_value(id, rule, *node);
            value = Some(match value {
                None => own,
                Some(other) => self.choose(*node, own, other),
            });
        }
        let value = match value {
            Some(value) => self.derogated(id, applies, value),
            None => self.nothing(&quantity.ty),
        };
        // Rounding is the last step, of whatever the value is.
        match (value, quantity.rules.first().and_then(|rule| rule.rounding)) {
            (Lowered::Number(amount), Some(decimals)) => {
                Lowered::Number(self.round(&amount, decimals, crate::num::RoundingMode::HalfAway))
            }
            (value, _) => value,
        }
    }

    /// The figure of the row's group, as the first pass left it.
    fn aggregate(&mut self, id: QuantityId) -> LoweredQuantity {
        let unknown = self.ir.load(Source::AggregateUnknown(id), None);
        let ((), doubtful) =
            self.doubts(|lowerer| lowerer.ir.hand_over(lowerer.ir.yes, unknown, Reason::Aggregate(id)));
        let applies = self.ir.load(Source::AggregatePresent(id), None);
        let num = self.ir.load(Source::Aggregate(id), Some((-STATE_LIMIT, STATE_LIMIT)));
        let den = self.ir.load(Source::AggregateDivisor(id), Some((1, STATE_FRACTION_LIMIT)));
        let value = Lowered::Number(Fraction::exact(num, Ratio::one(), vec![den]));
        LoweredQuantity { applies, rules: Vec::new(), value, doubtful }
    }

    fn nothing(&mut self, ty: &Type) -> Lowered {
        match ty {
            Type::Number(_) => Lowered::Number(self.zero()),
            Type::Date => Lowered::Date(self.ir.constant(0)),
            Type::Enumeration(_) => Lowered::Case(self.ir.constant(0)),
            _ => Lowered::Flag(self.ir.no),
        }
    }

    fn derogated(&mut self, id: QuantityId, applies: NodeId, value: Lowered) -> Lowered {
        let program = self.program;
        let quantity = program.quantity(id);
        let mut conditions: Vec<NodeId> = Vec::new();
        for derogation in &quantity.derogations {
            let holds = derogation.condition.as_ref().map_or(self.ir.yes, |condition| self.flag(condition, applies));
            conditions.push(self.ir.and(applies, holds));
        }
        let overrides = |a: usize, b: usize| quantity.derogations[a].overrides.contains(&b);
        let mut result = value;
        // The first that nothing active overrides wins: apply them from the last to the first.
        for rank in (0..conditions.len()).rev() {
            let mut wins = conditions[rank];
            for (other, condition) in conditions.iter().enumerate().filter(|(other, _)| *other != rank) {
                if overrides(other, rank) {
                    let inactive = self.ir.not(*condition);
                    wins = self.ir.and(wins, inactive);
                }
                let same = quantity.derogations[other].name == quantity.derogations[rank].name;
                if other < rank && !same && !overrides(other, rank) && !overrides(rank, other) {
                    self.ir.hand_over(conditions[rank], *condition, Reason::SeveralDerogations);
                }
            }
            if wins == self.ir.no {
                continue;
            }
            let exception = self.expr(&quantity.derogations[rank].value, wins);
            result = self.choose(wins, exception, result);
        }
        result
    }

    fn rule_value(&mut self, id: QuantityId, rule: &'p Rule, live: NodeId) -> Lowered {
        let kept = rule.keeps.as_ref().map(|keeps| {
            let holds = self.flag(keeps, live);
            let live = self.ir.and(live, holds);
            let (present, last) = self.past_quantity(Reach::LastYear, id, live);
            (self.ir.and(holds, present), last)
        });
        let live = match &kept {
            None => live,
            Some((stays, _)) => {
                let computed = self.ir.not(*stays);
                self.ir.and(live, computed)
            }
        };
        // The readings selected do not overlap: at most one replacement applies to a row.
        let mut rest = live;
        let mut chosen: Vec<(NodeId, Lowered)> = Vec::new();
        for replacement in &rule.replacements {
            let holds = replacement.guard.as_ref().map_or(self.ir.yes, |guard| self.flag(guard, rest));
            let here = self.ir.and(rest, holds);
            let elsewhere = self.ir.not(holds);
            rest = self.ir.and(rest, elsewhere);
            self.retained.push((id, rule));
            let value = self.expr(&replacement.value, here);
            self.retained.pop();
            chosen.push((here, value));
        }
        let own = (rest != self.ir.no || chosen.is_empty()).then(|| self.own(id, rule, rest));
        let value = self.first_of(chosen, own);
        match kept {
            None => value,
            Some((stays, last)) => self.choose(stays, last, value),
        }
    }

    /// The value of the first choice whose flag holds, or the one for the rest.
    fn first_of(&mut self, chosen: Vec<(NodeId, Lowered)>, rest: Option<Lowered>) -> Lowered {
        let mut result = rest;
        for (flag, value) in chosen.into_iter().rev() {
            result = Some(match result {
                None => value,
                Some(other) => self.choose(flag, value, other),
            });
        }
        result.unwrap_or(Lowered::Flag(self.ir.no))
    }

    /// Condition, base, adjustments, bounds, pro rata.
    fn own(&mut self, id: QuantityId, rule: &'p Rule, live: NodeId) -> Lowered {
        let numeric = matches!(self.program.quantity(id).ty, Type::Number(_));
        let met = rule.condition.as_ref().map_or(self.ir.yes, |condition| self.flag(condition, live));
        let live = self.ir.and(live, met);
        if live == self.ir.no && met == self.ir.no {
            return if numeric { Lowered::Number(self.zero()) } else { Lowered::Flag(self.ir.no) };
        }
        if !numeric {
            let Some(line) = rule.base.first() else { return Lowered::Flag(self.ir.no) };
            return match self.expr(&line.value, live) {
                Lowered::Flag(flag) => Lowered::Flag(self.ir.and(met, flag)),
                other => other,
            };
        }
        // Terms over one denominator are added first: fewer products to bring them together.
        let mut sums: Vec<Fraction> = Vec::new();
        for line in &rule.base {
            let counts = line.when.as_ref().map_or(self.ir.yes, |when| self.flag(when, live));
            let line_live = self.ir.and(live, counts);
            if counts == self.ir.no {
                continue;
            }
            let value = self.number(&line.value, line_live);
            let value = self.masked(counts, &value);
            match sums.iter().position(|sum| sum.den == value.den) {
                Some(index) => sums[index] = self.add(&sums[index].clone(), &value),
                None => sums.push(value),
            }
        }
        let mut total = self.zero();
        for sum in sums {
            total = self.add(&total, &sum);
        }
        for adjustment in &rule.adjustments {
            let quantity = self.read(adjustment.quantity, live);
            let Lowered::Number(mut value) = quantity.value else { continue };
            if !self.ir.implies(live, quantity.applies) {
                value = self.masked(quantity.applies, &value);
            }
            total = match adjustment.kind {
                AdjustmentKind::AddAmount => self.add(&total, &value),
                AdjustmentKind::SubtractAmount => self.subtract(&total, &value),
                AdjustmentKind::AddRate | AdjustmentKind::SubtractRate => {
                    let one = self.constant(&Ratio::one());
                    let factor = if adjustment.kind == AdjustmentKind::AddRate {
                        self.add(&one, &value)
                    } else {
                        self.subtract(&one, &value)
                    };
                    self.multiply(&total, &factor)
                }
            };
        }
        for bound in &rule.bounds {
            let applies = bound.when.as_ref().map_or(self.ir.yes, |when| self.flag(when, live));
            if applies == self.ir.no {
                continue;
            }
            let bound_live = self.ir.and(live, applies);
            let limit = self.number(&bound.value, bound_live);
            let bounded = self.extremum(bound.kind == BoundKind::Floor, &total, &limit);
            total = self.choose_number(applies, &bounded, &total);
        }
        for prorata in &rule.proratas {
            let factor = self.number(&prorata.value, live);
            total = self.multiply(&total, &factor);
        }
        Lowered::Number(self.masked(met, &total))
    }

    fn flag(&mut self, expr: &'p Expr, live: NodeId) -> NodeId {
        match self.expr(expr, live) {
            Lowered::Flag(flag) => flag,
            _ => self.ir.no,
        }
    }

    fn number(&mut self, expr: &'p Expr, live: NodeId) -> Fraction {
        match self.expr(expr, live) {
            Lowered::Number(number) => number,
            _ => self.zero(),
        }
    }

    fn date(&mut self, expr: &'p Expr, live: NodeId) -> NodeId {
        match self.expr(expr, live) {
            Lowered::Date(days) => days,
            _ => self.ir.constant(0),
        }
    }

    /// An integer expression, where the compiler knows it is one; otherwise the row is handed over.
    fn whole(&mut self, expr: &'p Expr, live: NodeId) -> NodeId {
        let number = self.number(expr, live);
        if number.den.is_empty() && number.scale.is_integer() && number.error == 0 {
            let scale = self.big(number.scale.numer());
            return self.ir.multiply(number.num, scale);
        }
        let yes = self.ir.yes;
        self.ir.hand_over(live, yes, Reason::Unsupported);
        self.ir.constant(1)
    }

    fn value(&mut self, value: &Value) -> Lowered {
        match value {
            Value::Number(number) => Lowered::Number(self.constant(number)),
            Value::Boolean(flag) => Lowered::Flag(self.ir.flag(*flag)),
            Value::Date(date) => Lowered::Date(self.ir.constant(i128::from(date.days()))),
            Value::Case(case) => Lowered::Case(self.ir.constant(i128::from(*case))),
            Value::Text(_) => Lowered::Flag(self.ir.no),
        }
    }

    fn input_range(&self, id: InputId) -> Option<Range> {
        let input = self.program.input(id);
        match &input.ty {
            Type::Number(_) => {
                let scale = Ratio::from_integer(power_of_ten(input.decimals));
                let (low, high) = input.range.as_ref()?;
                let low = i128::try_from((low * &scale).ceil().to_integer()).ok()?;
                let high = i128::try_from((high * &scale).floor().to_integer()).ok()?;
                Some((low, high))
            }
            Type::Date => Some((i128::from(FIRST_DAY), i128::from(LAST_DAY))),
            Type::Enumeration(e) => Some((0, self.program.enumeration(*e).cases.len().saturating_sub(1) as i128)),
            _ => None,
        }
    }

    fn cell(&mut self, id: InputId, source: Source) -> Lowered {
        if let (Source::Cell(id), Some((known, case))) = (source, self.case)
            && id == known
        {
            return Lowered::Case(self.ir.constant(i128::from(case)));
        }
        let range = self.input_range(id);
        let input = self.program.input(id);
        let node = self.ir.load(source, range);
        match input.ty {
            Type::Number(_) => {
                let scale = Ratio::new(1.into(), power_of_ten(input.decimals));
                Lowered::Number(Fraction::exact(node, scale, Vec::new()))
            }
            Type::Date => Lowered::Date(node),
            Type::Enumeration(_) => Lowered::Case(node),
            _ => Lowered::Flag(node),
        }
    }

    fn input(&mut self, id: InputId, live: NodeId) -> Lowered {
        if id == self.program.year {
            return Lowered::Number(self.constant(&integer(self.year)));
        }
        if self.program.input(id).default.is_none() && !self.complete.contains(&id) {
            let missing = self.ir.load(Source::Missing(id), None);
            let present = self.ir.not(missing);
            if !self.ir.implies(live, present) {
                self.ir.hand_over(live, missing, Reason::EmptyCell(id));
            }
        }
        self.cell(id, Source::Cell(id))
    }

    /// Whether the cell of an optional input, or of one without default, is not empty.
    fn is_filled(&mut self, id: InputId) -> NodeId {
        if self.complete.contains(&id) || self.program.input(id).default.is_some() {
            return self.ir.yes;
        }
        let missing = self.ir.load(Source::Missing(id), None);
        self.ir.not(missing)
    }

    fn past_quantity(&mut self, reach: Reach, id: QuantityId, live: NodeId) -> (NodeId, Lowered) {
        let present = self.past_present(reach, id, live);
        let source = Source::PastResult(reach, id);
        let quantity = self.program.quantity(id);
        let value = match quantity.ty.clone() {
            Type::Number(_) => match self.states.form(self.program, id) {
                StateForm::Fraction { numerator, divisor } => {
                    let num = self.ir.load(source, Some(numerator));
                    let den = self.ir.load(Source::PastResultDivisor(reach, id), Some(divisor));
                    Lowered::Number(Fraction::exact(num, Ratio::one(), vec![den]))
                }
                StateForm::Decimal { decimals, range } => {
                    let node = self.ir.load(source, Some(range));
                    let scale = Ratio::new(1.into(), power_of_ten(decimals));
                    Lowered::Number(Fraction::exact(node, scale, Vec::new()))
                }
            },
            Type::Date => Lowered::Date(self.ir.load(source, Some((i128::from(FIRST_DAY), i128::from(LAST_DAY))))),
            Type::Enumeration(e) => {
                let most = self.program.enumeration(e).cases.len().saturating_sub(1) as i128;
                Lowered::Case(self.ir.load(source, Some((0, most))))
            }
            _ => Lowered::Flag(self.ir.load(source, None)),
        };
        (present, value)
    }

    /// Whether an earlier row has a result; a row whose earlier one is unknown is handed over.
    fn past_present(&mut self, reach: Reach, id: QuantityId, live: NodeId) -> NodeId {
        let unknown = self.ir.load(Source::PastResultUnknown(reach, id), None);
        self.ir.hand_over(live, unknown, Reason::EarlierResult(id));
        self.ir.load(Source::PastResultPresent(reach, id), None)
    }

    /// One value or the other.
    fn choose(&mut self, flag: NodeId, a: Lowered, b: Lowered) -> Lowered {
        match (a, b) {
            (Lowered::Number(a), Lowered::Number(b)) => Lowered::Number(self.choose_number(flag, &a, &b)),
            (Lowered::Flag(a), Lowered::Flag(b)) => Lowered::Flag(self.ir.select_flag(flag, a, b)),
            (Lowered::Date(a), Lowered::Date(b)) => Lowered::Date(self.ir.select(flag, a, b)),
            (Lowered::Case(a), Lowered::Case(b)) => Lowered::Case(self.ir.select(flag, a, b)),
            (a, _) => a,
        }
    }

    fn or_default(&mut self, present: NodeId, value: Lowered, default: &'p Expr, live: NodeId) -> Lowered {
        let absent = self.ir.not(present);
        let default_live = self.ir.and(live, absent);
        // Where the quantity is read it applies: the default is never taken.
        if self.ir.implies(live, present) {
            return value;
        }
        let default = self.expr(default, default_live);
        self.choose(present, value, default)
    }

    /// Lowers an expression that is evaluated on the rows where `live` holds.
    fn expr(&mut self, expr: &'p Expr, live: NodeId) -> Lowered {
        match &expr.kind {
            ExprKind::Constant(value) => self.value(value),
            ExprKind::Input(id) => self.input(*id, live),
            ExprKind::Parameter(id) => match self.program.parameter(*id).value(self.year).cloned() {
                Some(value) => self.value(&value),
                None => {
                    // Only where the rule is not in force.
                    let yes = self.ir.yes;
                    self.ir.hand_over(live, yes, Reason::Unsupported);
                    self.nothing(&expr.ty)
                }
            },
            ExprKind::Quantity(id) => self.read(*id, live).value,
            ExprKind::QuantityOr { quantity, rules, default } => {
                let lowered = self.read(*quantity, live);
                let mut present = lowered.applies;
                if let Some(rules) = rules {
                    present = self.ir.no;
                    for rule in rules {
                        present = self.ir.or(present, lowered.rules[*rule]);
                    }
                }
                if present == self.ir.no {
                    return self.expr(default, live);
                }
                self.or_default(present, lowered.value, default, live)
            }
            ExprKind::Met(id) => {
                let (met, doubt) = self.doubts(|lowerer| lowerer.met(*id));
                self.ir.pass_on(live, doubt);
                Lowered::Flag(met)
            }
            ExprKind::InputOr { input, default } => {
                let present = self.is_filled(*input);
                let value = self.cell(*input, Source::Cell(*input));
                self.or_default(present, value, default, live)
            }
            ExprKind::PastQuantity { reach, quantity, default } => {
                let (present, value) = self.past_quantity(*reach, *quantity, live);
                self.or_default(present, value, default, live)
            }
            ExprKind::PastInput { reach, input, default } => {
                let present = self.ir.load(Source::PastCellPresent(*reach, *input), None);
                let value = self.cell(*input, Source::PastCell(*reach, *input));
                self.or_default(present, value, default, live)
            }
            ExprKind::IsSet(presence) => Lowered::Flag(match *presence {
                Presence::Input(id) => self.is_filled(id),
                Presence::Quantity(id) => self.read(id, live).applies,
                Presence::PastInput(reach, id) => self.ir.load(Source::PastCellPresent(reach, id), None),
                Presence::PastQuantity(reach, id) => self.past_present(reach, id, live),
            }),
            ExprKind::Retained => match self.retained.last().copied() {
                Some((id, rule)) => self.own(id, rule, live),
                None => self.nothing(&expr.ty),
            },
            ExprKind::Negate(inner) => {
                let inner = self.number(inner, live);
                let zero = self.zero();
                Lowered::Number(self.subtract(&zero, &inner))
            }
            ExprKind::Not(inner) => {
                let inner = self.flag(inner, live);
                Lowered::Flag(self.ir.not(inner))
            }
            ExprKind::Binary { op, left, right } => {
                let (a, b) = (self.number(left, live), self.number(right, live));
                Lowered::Number(match op {
                    BinaryOp::Add => self.add(&a, &b),
                    BinaryOp::Subtract => self.subtract(&a, &b),
                    BinaryOp::Multiply => self.multiply(&a, &b),
                    BinaryOp::Divide => self.divide(&a, &b, live),
                })
            }
            ExprKind::Compare { op, left, right } => {
                let (a, b) = (self.expr(left, live), self.expr(right, live));
                Lowered::Flag(self.compare(*op, a, b))
            }
            ExprKind::And(items) => {
                let mut result = self.ir.yes;
                for item in items {
                    let item_live = self.ir.and(live, result);
                    let flag = self.flag(item, item_live);
                    result = self.ir.and(result, flag);
                    if result == self.ir.no {
                        break;
                    }
                }
                Lowered::Flag(result)
            }
            ExprKind::Or(items) => {
                let mut result = self.ir.no;
                for item in items {
                    let open = self.ir.not(result);
                    let item_live = self.ir.and(live, open);
                    let flag = self.flag(item, item_live);
                    result = self.ir.or(result, flag);
                    if result == self.ir.yes {
                        break;
                    }
                }
                Lowered::Flag(result)
            }
            ExprKind::OneOf { subject, cases } => {
                let Lowered::Case(subject) = self.expr(subject, live) else { return Lowered::Flag(self.ir.no) };
                let mut result = self.ir.no;
                for case in cases {
                    let case = self.ir.constant(i128::from(*case));
                    let same = self.ir.compare(CompareOp::Equal, subject, case);
                    result = self.ir.or(result, same);
                }
                Lowered::Flag(result)
            }
            ExprKind::If { condition, then, otherwise } => {
                let flag = self.flag(condition, live);
                let other = self.ir.not(flag);
                if other == self.ir.no {
                    return self.expr(then, live);
                }
                if flag == self.ir.no {
                    return self.expr(otherwise, live);
                }
                let (then_live, other_live) = (self.ir.and(live, flag), self.ir.and(live, other));
                let (a, b) = (self.expr(then, then_live), self.expr(otherwise, other_live));
                self.choose(flag, a, b)
            }
            ExprKind::Extremum { largest, items } => {
                let mut result: Option<Lowered> = None;
                for item in items {
                    let value = self.expr(item, live);
                    result = Some(match (result, value) {
                        (Some(Lowered::Number(a)), Lowered::Number(b)) => {
                            Lowered::Number(self.extremum(*largest, &a, &b))
                        }
                        (Some(Lowered::Date(a)), Lowered::Date(b)) => Lowered::Date(self.ir.extremum(*largest, a, b)),
                        (_, value) => value,
                    });
                }
                result.unwrap_or(Lowered::Flag(self.ir.no))
            }
            ExprKind::AtLeast { count, conditions } => {
                let reached = self.count(conditions, live);
                let wanted = self.ir.constant(i128::from(*count));
                Lowered::Flag(self.ir.compare(CompareOp::GreaterOrEqual, reached, wanted))
            }
            ExprKind::CountTrue(conditions) => {
                let num = self.count(conditions, live);
                Lowered::Number(Fraction::exact(num, Ratio::one(), Vec::new()))
            }
            ExprKind::Brackets { subject, rows } => {
                let subject = self.number(subject, live);
                let mut below = self.ir.no;
                let mut chosen = Vec::new();
                // Rows are in order: the first whose upper end is above the subject is the one.
                for row in rows {
                    let here = match &row.to {
                        None => self.ir.yes,
                        Some(to) => {
                            let to = self.constant(to);
                            self.compare(CompareOp::Less, Lowered::Number(subject.clone()), Lowered::Number(to))
                        }
                    };
                    let not_before = self.ir.not(below);
                    let only = self.ir.and(here, not_before);
                    below = self.ir.or(below, here);
                    let row_live = self.ir.and(live, only);
                    let value = self.expr(&row.value, row_live);
                    chosen.push((only, value));
                }
                self.first_of(chosen, None)
            }
            ExprKind::Tiers { subject, rows } => {
                let subject = self.number(subject, live);
                let mut total = self.zero();
                for row in rows {
                    let from = self.constant(&row.from);
                    let mut top = subject.clone();
                    if let Some(to) = &row.to {
                        let to = self.constant(to);
                        top = self.extremum(false, &top, &to);
                    }
                    let inside = self.subtract(&top, &from);
                    let zero = self.zero();
                    let inside = self.extremum(true, &inside, &zero);
                    let rate = self.number(&row.rate, live);
                    let worth = self.multiply(&rate, &inside);
                    total = self.add(&total, &worth);
                }
                Lowered::Number(total)
            }
            ExprKind::DatePart { part, date } => {
                let days = self.date(date, live);
                let num = self.date_part(days, *part);
                Lowered::Number(Fraction::exact(num, Ratio::one(), Vec::new()))
            }
            ExprKind::DateOf { day, month, year } => {
                let year = self.whole(year, live);
                if let Some(date) =
                    self.ir.constant_of(year).and_then(|y| Date::new(i64::try_from(y).ok()?, *month, *day))
                {
                    return Lowered::Date(self.ir.constant(i128::from(date.days())));
                }
                Lowered::Date(self.date_of(year, *month, *day, live))
            }
            ExprKind::AddToDate { date, count, unit, subtract } => {
                let days = self.date(date, live);
                let count = self.whole(count, live);
                let zero = self.ir.constant(0);
                let count = if *subtract { self.ir.subtract(zero, count) } else { count };
                Lowered::Date(self.add_to_date(days, count, *unit, live))
            }
            ExprKind::Elapsed { from, to, unit } => {
                let (from, to) = (self.date(from, live), self.date(to, live));
                let num = self.elapsed(from, to, *unit);
                Lowered::Number(Fraction::exact(num, Ratio::one(), Vec::new()))
            }
            ExprKind::DaysBetween { from, to, exclusive } => {
                let (from, to) = (self.date(from, live), self.date(to, live));
                let last = self.ir.constant(i128::from(!exclusive));
                let end = self.ir.add(to, last);
                let days = self.ir.subtract(end, from);
                let zero = self.ir.constant(0);
                let num = self.ir.extremum(true, days, zero);
                Lowered::Number(Fraction::exact(num, Ratio::one(), Vec::new()))
            }
            ExprKind::DaysOfYear(year) => {
                let year = self.whole(year, live);
                if let Some(year) = self.ir.constant_of(year).and_then(|y| i64::try_from(y).ok()) {
                    return Lowered::Number(self.constant(&integer(days_in_year(year))));
                }
                let leap = self.is_leap(year, live);
                let extra = self.ir.integer(leap);
                let common = self.ir.constant(365);
                let num = self.ir.add(common, extra);
                Lowered::Number(Fraction::exact(num, Ratio::one(), Vec::new()))
            }
            ExprKind::Round { value, decimals, mode } => {
                let value = self.number(value, live);
                Lowered::Number(self.round(&value, *decimals, *mode))
            }
        }
    }

    fn met(&mut self, id: QuantityId) -> NodeId {
        let program = self.program;
        let mut result = self.ir.no;
        for rule in &program.quantity(id).rules {
            let applies = self.rule_applies(rule);
            let holds = rule.condition.as_ref().map_or(self.ir.yes, |condition| self.flag(condition, applies));
            let both = self.ir.and(applies, holds);
            result = self.ir.or(result, both);
        }
        result
    }

    fn count(&mut self, conditions: &'p [Expr], live: NodeId) -> NodeId {
        let mut total = self.ir.constant(0);
        for condition in conditions {
            let flag = self.flag(condition, live);
            let one = self.ir.integer(flag);
            total = self.ir.add(total, one);
        }
        total
    }

    fn compare(&mut self, op: CompareOp, a: Lowered, b: Lowered) -> NodeId {
        match (a, b) {
            (Lowered::Number(a), Lowered::Number(b)) => self.compare_numbers(op, &a, &b),
            (Lowered::Date(a), Lowered::Date(b)) | (Lowered::Case(a), Lowered::Case(b)) => self.ir.compare(op, a, b),
            (Lowered::Flag(a), Lowered::Flag(b)) => {
                let not_b = self.ir.not(b);
                let same = self.ir.select_flag(a, b, not_b);
                if op == CompareOp::Equal { same } else { self.ir.not(same) }
            }
            _ => self.ir.no,
        }
    }

    pub(super) fn compare_numbers(&mut self, op: CompareOp, a: &Fraction, b: &Fraction) -> NodeId {
        let (a, b) = self.common(a, b);
        if a.error == 0 && b.error == 0 {
            return self.year_comparison(op, a.num, b.num).unwrap_or_else(|| self.ir.compare(op, a.num, b.num));
        }
        // The order is known where that of the ends that are nearest is that of those farthest away.
        let (a_end, b_end) = (self.end(&a), self.end(&b));
        let below = self.ir.compare(CompareOp::Less, a_end, b.num);
        let above = self.ir.compare(CompareOp::Greater, a.num, b_end);
        let known = self.ir.or(below, above);
        let doubt = self.ir.not(known);
        let yes = self.ir.yes;
        self.ir.hand_over(yes, doubt, Reason::Approximation);
        match op {
            CompareOp::Less | CompareOp::LessOrEqual => below,
            CompareOp::Greater | CompareOp::GreaterOrEqual => above,
            CompareOp::Equal => self.ir.no,
            CompareOp::NotEqual => self.ir.yes,
        }
    }

    fn zero(&mut self) -> Fraction {
        Fraction::exact(self.ir.constant(0), Ratio::one(), Vec::new())
    }

    /// The number where the flag holds, zero elsewhere.
    fn masked(&mut self, flag: NodeId, number: &Fraction) -> Fraction {
        let zero = self.zero();
        self.choose_number(flag, number, &zero)
    }

    fn constant(&mut self, value: &Ratio) -> Fraction {
        if value.is_zero() {
            return self.zero();
        }
        Fraction::exact(self.ir.constant(1), value.clone(), Vec::new())
    }
}
