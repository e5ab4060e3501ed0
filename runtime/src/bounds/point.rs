//! A row whose missing cells have a value each, for the interpreter.

use std::cell::RefCell;
use std::collections::HashMap;

use polc_compiler::typed::{ControlKind, InputId, QuantityId, Value};
use polc_dsl::ast::Reach;

use super::cells::Region;
use super::eval::Rows;
use crate::interp::{Data, Evaluation, Silent};
use crate::table::RowErrorKind;

struct Completed<'a> {
    rows: Rows<'a>,
    row: usize,
    region: &'a Region,
    /// Results of earlier rows, each computed once.
    memory: &'a RefCell<HashMap<(usize, QuantityId), Past>>,
}

type Past = Result<Option<Value>, RowErrorKind>;

impl Data for Completed<'_> {
    fn input(&self, id: InputId) -> Option<Value> {
        let input = self.rows.program.input(id);
        let known = match &self.rows.batch.columns[id.index()] {
            Some(column) => column.value(self.row, input),
            None => input.default.clone(),
        };
        known.or_else(|| self.region.get(&(self.row, id))?.single(input))
    }

    fn aggregate(&self, id: QuantityId) -> Option<Value> {
        self.rows.history.aggregates.value(id, self.row).cloned()
    }

    fn past_quantity(&self, reach: Reach, id: QuantityId) -> Result<Option<Value>, RowErrorKind> {
        let Some(row) = self.rows.history.past(reach, self.row) else { return Ok(None) };
        if let Some(known) = self.memory.borrow().get(&(row, id)) {
            return known.clone();
        }
        let data = Completed { row, ..*self };
        let outcome = Evaluation::new(self.rows.program, &data, Silent).quantity(id);
        let result = outcome.map(|outcome| outcome.map(|(_, value)| value));
        self.memory.borrow_mut().insert((row, id), result.clone());
        result
    }

    fn past_input(&self, reach: Reach, id: InputId) -> Option<Value> {
        let row = self.rows.history.past(reach, self.row)?;
        Completed { row, ..*self }.input(id)
    }
}

/// The results of a row so completed, as the interpreter gives them; `None` where the row ends in an error.
pub fn results(
    rows: Rows<'_>,
    row: usize,
    region: &Region,
    outputs: &[QuantityId],
    controls: &[u32],
) -> Option<Vec<Option<Value>>> {
    let memory = RefCell::default();
    let data = Completed { rows, row, region, memory: &memory };
    let program = rows.program;
    let mut evaluation = Evaluation::new(program, &data, Silent);
    let values: Result<Vec<_>, _> =
        outputs.iter().map(|id| evaluation.quantity(*id).map(|outcome| outcome.map(|(_, value)| value))).collect();
    let values = values.ok()?;
    for control in controls {
        let ControlKind::Row { guard, years, condition, blocking: true } = &program.controls[*control as usize].kind
        else {
            continue;
        };
        if !years.contains(rows.history.years[row]) {
            continue;
        }
        let mut holds = || -> Result<bool, RowErrorKind> {
            if let Some(guard) = guard
                && evaluation.evaluate(guard)? != Value::Boolean(true)
            {
                return Ok(true);
            }
            Ok(evaluation.evaluate(condition)? == Value::Boolean(true))
        };
        if !holds().unwrap_or(true) {
            return None;
        }
    }
    Some(values)
}
