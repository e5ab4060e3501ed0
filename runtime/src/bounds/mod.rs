//! What missing cells leave of the amounts: for each row, the lowest and the highest that some values of its missing cells
//! give, and which of these cells decide most.
//!
//! - [`eval`] is the interpreter over sets of values: whatever the missing cells hold, the interpreter's result is in the set.
//! - [`search`] cuts the region of the missing cells at the thresholds that they meet, so that the bounds are close; ends that
//!   a completion gives, by the interpreter, are attained.
//! - [`columns`] makes the results of a file of it.

mod aggregates;
mod cells;
mod columns;
mod eval;
mod facts;
mod point;
mod search;
mod set;
mod sweep;

use std::collections::BTreeSet;

use polc_compiler::typed::{AdjustmentKind, BinaryOp, Expr, ExprKind, Program, QuantityId};

use crate::engine::History;
use crate::table::Batch;

pub(crate) use aggregates::{Figures, Parts, figures, survey};
pub(crate) use columns::bounded;
pub use columns::{NameTaken, Presentation};
pub use eval::Rows;
pub use search::{RowBounds, bounds};
pub use sweep::{Amount, Question};

/// The rows that lack a cell that must be filled, or read earlier rows that do. Where no rule reads it, the row is whole all
/// the same.
#[must_use]
pub fn incomplete_rows(program: &Program, batch: &Batch, history: &History) -> Vec<usize> {
    let columns: Vec<_> = program
        .input_ids()
        .filter(|id| !program.input(*id).optional)
        .filter_map(|id| batch.columns[id.index()].as_ref())
        .filter(|column| column.missing.any())
        .collect();
    let lacks = |row: usize| columns.iter().any(|column| column.is_missing(row));
    let earlier = |row: usize| history.past(polc_dsl::ast::Reach::Earlier, row);
    (0..batch.rows).filter(|row| std::iter::successors(Some(*row), |row| earlier(*row)).any(lacks)).collect()
}

/// Ranks of the outputs that are no term of the sum of another: those whose euros count once.
#[must_use]
pub fn finals(program: &Program, outputs: &[QuantityId]) -> Vec<usize> {
    let mut inside: BTreeSet<QuantityId> = BTreeSet::new();
    for output in outputs {
        let mut seen = BTreeSet::from([*output]);
        let mut pending = vec![*output];
        while let Some(id) = pending.pop() {
            for term in terms(program, id).into_iter().filter(|term| seen.insert(*term)) {
                inside.insert(term);
                pending.push(term);
            }
        }
    }
    (0..outputs.len()).filter(|rank| !inside.contains(&outputs[*rank])).collect()
}

/// The quantities that a quantity adds up.
fn terms(program: &Program, id: QuantityId) -> Vec<QuantityId> {
    let mut terms = Vec::new();
    for rule in &program.quantity(id).rules {
        let mut pending: Vec<&Expr> = rule.base.iter().map(|line| &line.value).collect();
        while let Some(expr) = pending.pop() {
            match &expr.kind {
                ExprKind::Quantity(id) | ExprKind::QuantityOr { quantity: id, .. } => terms.push(*id),
                ExprKind::Binary { op: BinaryOp::Add, left, right } => pending.extend([&**left, &**right]),
                _ => {}
            }
        }
        let added = rule.adjustments.iter().filter(|adjustment| adjustment.kind == AdjustmentKind::AddAmount);
        terms.extend(added.map(|adjustment| adjustment.quantity));
    }
    terms
}
