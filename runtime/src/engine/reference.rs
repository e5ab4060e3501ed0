//! Rows through the interpreter.

use std::cell::RefCell;
use std::collections::HashMap;

use polc_compiler::typed::{ControlKind, InputId, Program, QuantityId, Value};
use polc_dsl::ast::Reach;

use super::{Engine, History, RowResult, Sink};
use crate::interp::{Data, Evaluation, Observer, Silent};
use crate::table::{Batch, RowErrorKind};

/// Results of earlier rows, by row and quantity.
type Memory = RefCell<HashMap<(usize, QuantityId), PastResult>>;
type PastResult = Result<Option<Value>, RowErrorKind>;

/// Rows that share what they read of earlier ones.
const CHUNK: usize = 512;

/// A row of a batch, with the rows of the years before it.
pub(crate) struct BatchRow<'a> {
    pub program: &'a Program,
    pub batch: &'a Batch,
    pub history: &'a History,
    pub row: usize,
    pub memory: &'a Memory,
}

impl Data for BatchRow<'_> {
    fn input(&self, id: InputId) -> Option<Value> {
        match &self.batch.columns[id.index()] {
            Some(column) => column.value(self.row, self.program.input(id)),
            None => self.program.input(id).default.clone(),
        }
    }

    fn aggregate(&self, id: QuantityId) -> Option<Value> {
        self.history.aggregates.value(id, self.row).cloned()
    }

    fn past_quantity(&self, reach: Reach, id: QuantityId) -> Result<Option<Value>, RowErrorKind> {
        let Some(row) = self.history.past(reach, self.row) else { return Ok(None) };
        if let Some(known) = self.memory.borrow().get(&(row, id)) {
            return known.clone();
        }
        let data = BatchRow { row, ..*self };
        let result =
            Evaluation::new(self.program, &data, Silent).quantity(id).map(|outcome| outcome.map(|(_, value)| value));
        self.memory.borrow_mut().insert((row, id), result.clone());
        result
    }

    fn past_input(&self, reach: Reach, id: InputId) -> Option<Value> {
        let row = self.history.past(reach, self.row)?;
        BatchRow { row, ..*self }.input(id)
    }
}

/// Computes one row: the outputs asked for, then the controls.
pub(crate) fn row<O: Observer>(
    data: &BatchRow<'_>,
    outputs: &[QuantityId],
    controls: &[u32],
    observer: O,
) -> Result<(RowResult, O), RowErrorKind> {
    let program = data.program;
    let mut evaluation = Evaluation::new(program, data, observer);
    let mut values = Vec::with_capacity(outputs.len());
    for id in outputs {
        values.push(evaluation.quantity(*id)?.map(|(_, value)| value));
    }
    let mut failed = Vec::new();
    for rank in controls {
        let control = &program.controls[*rank as usize];
        let ControlKind::Row { guard, years, condition, blocking } = &control.kind else { continue };
        let holds = |evaluation: &mut Evaluation<'_, _, O>| -> Result<bool, RowErrorKind> {
            if !years.contains(data.history.years[data.row]) {
                return Ok(true);
            }
            if let Some(guard) = guard
                && evaluation.evaluate(guard)? != Value::Boolean(true)
            {
                return Ok(true);
            }
            Ok(evaluation.evaluate(condition)? == Value::Boolean(true))
        };
        // What a control cannot read is no ground to refuse the row.
        if holds(&mut evaluation).unwrap_or(true) {
            continue;
        }
        if *blocking {
            return Err(RowErrorKind::Control { name: control.name.clone(), title: control.title.clone() });
        }
        failed.push(*rank);
    }
    Ok((RowResult { values, failed }, evaluation.observer))
}

impl Engine {
    /// Computes rows with the interpreter and stores what it finds.
    pub(super) fn reference(
        &self,
        batch: &Batch,
        history: &History,
        controls: &[u32],
        rows: &[usize],
        sink: &mut Sink,
        progress: &(dyn Fn(usize) + Sync),
    ) {
        for chunk in rows.chunks(CHUNK) {
            let memory = Memory::default();
            for index in chunk {
                let data = BatchRow { program: &self.program, batch, history, row: *index, memory: &memory };
                sink.store(*index, row(&data, &self.outputs, controls, Silent).map(|(result, _)| result));
            }
            progress(chunk.len());
        }
    }

    /// Some results of a row, in the order asked for.
    pub(super) fn single_results(
        &self,
        batch: &Batch,
        history: &History,
        index: usize,
        wanted: &[QuantityId],
    ) -> Result<Vec<Option<Value>>, RowErrorKind> {
        let memory = Memory::default();
        let data = BatchRow { program: &self.program, batch, history, row: index, memory: &memory };
        row(&data, wanted, &[], Silent).map(|(result, _)| result.values)
    }

    /// What later rows may read of some rows: each result, or that it is unknown.
    pub(super) fn states_of(
        &self,
        batch: &Batch,
        history: &History,
        rows: &[usize],
        wanted: &[QuantityId],
    ) -> Vec<Vec<PastResult>> {
        let row = |memory: &Memory, row: usize| {
            let data = BatchRow { program: &self.program, batch, history, row, memory };
            let mut evaluation = Evaluation::new(&self.program, &data, Silent);
            wanted
                .iter()
                .map(|id| {
                    let outcome = evaluation.quantity(*id);
                    if outcome.is_err() {
                        // An error leaves an evaluation where it stopped.
                        evaluation = Evaluation::new(&self.program, &data, Silent);
                    }
                    outcome.map(|outcome| outcome.map(|(_, value)| value))
                })
                .collect()
        };
        let chunk = |rows: &[usize]| -> Vec<Vec<PastResult>> {
            let memory = Memory::default();
            rows.iter().map(|index| row(&memory, *index)).collect()
        };
        rows.chunks(CHUNK).flat_map(chunk).collect()
    }
}
