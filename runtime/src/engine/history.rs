//! From a row to that of the year before.

use std::collections::HashMap;

use polc_compiler::typed::{Program, Value};

use crate::table::Batch;

/// For every row, the row of the same key one year earlier, if there is one.
#[derive(Clone, Debug)]
pub struct History {
    previous: Vec<Option<u32>>,
    /// Every row's year.
    pub years: Vec<i64>,
}

impl History {
    /// Joins the rows of a batch. Rows may be in any order; a year that is missing makes a gap.
    #[must_use]
    pub fn of(program: &Program, batch: &Batch) -> Self {
        let years: Vec<i64> = (0..batch.rows).map(|row| batch.year(program, row)).collect();
        let reads_history = program.quantities.iter().flat_map(|q| q.expressions()).any(|expr| {
            let mut found = false;
            expr.walk(&mut |e| {
                use polc_compiler::typed::ExprKind as K;
                found |= matches!(e.kind, K::PreviousQuantity { .. } | K::PreviousInput { .. });
            });
            found
        });
        if !reads_history {
            return Self { previous: vec![None; batch.rows], years };
        }
        let subjects: Vec<Vec<Value>> = (0..batch.rows).map(|row| batch.subject(program, row)).collect();
        let by_key: HashMap<(&[Value], i64), u32> =
            (0..batch.rows).map(|row| ((&*subjects[row], years[row]), row as u32)).collect();
        let previous = (0..batch.rows).map(|row| by_key.get(&(&*subjects[row], years[row] - 1)).copied()).collect();
        Self { previous, years }
    }

    #[must_use]
    pub fn previous(&self, row: usize) -> Option<usize> {
        self.previous[row].map(|row| row as usize)
    }
}
