//! Which inputs a selection of results depends on: only those columns are asked of a data file.

use std::collections::BTreeSet;

use polc_compiler::typed::{ControlKind, Expr, ExprKind, InputId, Presence, Program, QuantityId};

/// The inputs that may be read to compute the outputs, on any row of any year: those of their rules, derogations,
/// adjustments and readings, of the rows of the year before, of the scope of the policy, and the key.
#[must_use]
pub fn needed_inputs(program: &Program, outputs: &[QuantityId]) -> BTreeSet<InputId> {
    let mut closure = Closure::of_rows(program);
    for output in outputs {
        closure.quantity(*output);
    }
    closure.finish()
}

/// The same, under any variant of the readings.
#[must_use]
pub fn inputs_of_any_reading(program: &Program, outputs: &[QuantityId]) -> BTreeSet<InputId> {
    let mut closure = Closure { any_reading: true, ..Closure::of_rows(program) };
    for output in outputs {
        closure.quantity(*output);
    }
    closure.finish()
}

/// The inputs that the controls on rows and on the whole data may read.
#[must_use]
pub fn control_inputs(program: &Program) -> BTreeSet<InputId> {
    let ranks = 0..program.controls.len();
    ranks.filter_map(|rank| inputs_of_control(program, rank)).flatten().collect()
}

/// The first of the outputs that depends on an input, to say why its column is required.
#[must_use]
pub fn first_reader(program: &Program, outputs: &[QuantityId], input: InputId) -> Option<QuantityId> {
    outputs.iter().copied().find(|output| {
        let mut closure = Closure::new(program);
        closure.quantity(*output);
        closure.inputs.contains(&input)
    })
}

/// Whether some output depends on the row of the year before.
#[must_use]
pub fn reads_previous_year(program: &Program, outputs: &[QuantityId]) -> bool {
    let mut closure = Closure::of_rows(program);
    for output in outputs {
        closure.quantity(*output);
    }
    closure.drain();
    closure.previous
}

/// The inputs of a control on rows or groups; `None` for the other controls.
fn inputs_of_control(program: &Program, rank: usize) -> Option<BTreeSet<InputId>> {
    let (guard, condition, by) = match &program.controls[rank].kind {
        ControlKind::Row { guard, condition, .. } => (guard.as_ref(), condition, &[][..]),
        ControlKind::Groups { by, condition, .. } => (None, condition, &by[..]),
        _ => return None,
    };
    let mut closure = Closure::of_rows(program);
    closure.inputs.extend(by);
    closure.expr(condition);
    guard.into_iter().for_each(|guard| closure.expr(guard));
    Some(closure.finish())
}

/// A work list rather than a recursion: chains of definitions may be long.
struct Closure<'p> {
    program: &'p Program,
    inputs: BTreeSet<InputId>,
    /// Whether what no reading selected puts in place is followed too.
    any_reading: bool,
    /// Whether the row of the year before is read.
    previous: bool,
    /// Quantities whose value is read.
    valued: BTreeSet<QuantityId>,
    /// Quantities of which only the condition is read.
    tested: BTreeSet<QuantityId>,
    pending: Vec<Read>,
}

#[derive(Clone, Copy)]
enum Read {
    Value(QuantityId),
    Condition(QuantityId),
}

impl<'p> Closure<'p> {
    fn new(program: &'p Program) -> Self {
        Self {
            program,
            inputs: BTreeSet::new(),
            any_reading: false,
            previous: false,
            valued: BTreeSet::new(),
            tested: BTreeSet::new(),
            pending: Vec::new(),
        }
    }

    /// With what every row is read for, whatever the outputs: its key, its year and the scope.
    fn of_rows(program: &'p Program) -> Self {
        let mut closure = Self::new(program);
        closure.inputs.extend(program.key.iter().copied());
        closure.inputs.insert(program.year);
        closure
    }

    fn quantity(&mut self, id: QuantityId) {
        self.pending.push(Read::Value(id));
        self.drain();
    }

    fn finish(mut self) -> BTreeSet<InputId> {
        self.drain();
        self.inputs
    }

    fn drain(&mut self) {
        while let Some(read) = self.pending.pop() {
            match read {
                Read::Value(id) if self.valued.insert(id) => {
                    let quantity = self.program.quantity(id);
                    quantity.expressions().for_each(|expr| self.expr(expr));
                    if self.any_reading {
                        let others = quantity.rules.iter().flat_map(|rule| &rule.alternatives);
                        let others = others.flat_map(|other| other.guard.iter().chain([&other.value]));
                        others.for_each(|expr| self.expr(expr));
                    }
                    self.previous |= quantity.rules.iter().any(|rule| rule.keeps.is_some());
                    self.scopes(id);
                    if let Some(aggregate) = self.program.aggregate(id) {
                        self.inputs.extend(aggregate.by.iter().chain(&aggregate.distinct));
                        self.pending.push(Read::Value(aggregate.of));
                    }
                    let adjustments = quantity.rules.iter().flat_map(|rule| &rule.adjustments);
                    self.pending.extend(adjustments.map(|adjustment| Read::Value(adjustment.quantity)));
                }
                Read::Condition(id) if self.tested.insert(id) => {
                    let rules = &self.program.quantity(id).rules;
                    self.scopes(id);
                    rules.iter().flat_map(|rule| rule.guard.iter().chain(&rule.condition)).for_each(|e| self.expr(e));
                }
                Read::Value(_) | Read::Condition(_) => {}
            }
        }
    }

    fn scopes(&mut self, id: QuantityId) {
        let program = self.program;
        let scopes = program.quantity(id).rules.iter().filter_map(|rule| rule.scope);
        scopes.for_each(|scope| self.expr(&program.scope(scope).condition));
    }

    fn expr(&mut self, expr: &Expr) {
        expr.walk(&mut |expr| match &expr.kind {
            ExprKind::Input(id) | ExprKind::InputOr { input: id, .. } | ExprKind::IsSet(Presence::Input(id)) => {
                self.inputs.insert(*id);
            }
            ExprKind::PastInput { input, .. } | ExprKind::IsSet(Presence::PastInput(_, input)) => {
                self.previous = true;
                self.inputs.insert(*input);
            }
            ExprKind::Quantity(quantity)
            | ExprKind::QuantityOr { quantity, .. }
            | ExprKind::IsSet(Presence::Quantity(quantity)) => {
                self.pending.push(Read::Value(*quantity));
            }
            ExprKind::PastQuantity { quantity, .. } | ExprKind::IsSet(Presence::PastQuantity(_, quantity)) => {
                self.previous = true;
                self.pending.push(Read::Value(*quantity));
            }
            ExprKind::Met(quantity) => self.pending.push(Read::Condition(*quantity)),
            _ => {}
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::libraries;

    fn needs(program: &Program, output: &str) -> String {
        let output = program.find_quantity(output).expect("an output of the policy");
        let names: Vec<&str> = needed_inputs(program, &[output]).iter().map(|id| &*program.input(*id).name).collect();
        names.join(" ")
    }

    #[test]
    fn what_outputs_depend_on() {
        let program = libraries().program;
        // The key and the scope, then what the rules read, here and the year before.
        assert_eq!(needs(&program, "part"), "code annee ouverture heures_semaine");
        assert_eq!(needs(&program, "acquis"), "code annee ouverture livres_pretes livres_perdus");
        assert_eq!(needs(&program, "aide"), "code annee ouverture livres_pretes livres_perdus label");
        assert_eq!(needs(&program, "moyenne"), "code annee genre ouverture livres_pretes livres_perdus heures_semaine");
    }

    #[test]
    fn what_else_is_known_of_outputs() {
        let program = libraries().program;
        let [acquis, part, aide] =
            ["acquis", "part", "aide"].map(|name| program.find_quantity(name).expect("an output"));
        assert!(reads_previous_year(&program, &[part, acquis]));
        assert!(!reads_previous_year(&program, &[part, aide]));
        let label = program.find_input("label").expect("an input");
        assert_eq!(first_reader(&program, &[acquis, part, aide], label), Some(aide));
        assert_eq!(first_reader(&program, &[acquis, part], label), None);
        let visites = program.find_input("visites").expect("an input");
        assert!(control_inputs(&program).contains(&visites));
    }
}
