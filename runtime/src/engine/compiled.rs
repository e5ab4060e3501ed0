//! Rows through machine code: grouped by year, gathered in blocks, computed, scattered back.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use polc_compiler::codegen::{BLOCK_ROWS, Block, CompiledKernel, compile};
use polc_compiler::ir::{OutputValue, STATE_DECIMALS, STATE_FRACTION_LIMIT, STATE_LIMIT, Source, Target};
use polc_compiler::lower::lower;
use polc_compiler::num::{Ratio, power_of_ten};
use polc_compiler::typed::{ControlKind, InputId, Program, QuantityId, Value};
use polc_dsl::ast::Reach;
use rayon::prelude::*;

use super::{Engine, History, Sink};
use crate::table::{Batch, ColumnData, Denominators, ResultValues};

type Cache = HashMap<(i64, Vec<Target>, Vec<InputId>), Option<Arc<[CompiledKernel]>>>;

/// Nodes that a kernel is kept near.
pub const KERNEL_NODES: usize = 2_500;

/// The kernels compiled so far.
#[derive(Default)]
pub struct Kernels {
    /// By year, what is asked for and what is never empty; `None` where the code generator refused: the interpreter does those rows.
    compiled: Mutex<Cache>,
}

impl std::fmt::Debug for Kernels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kernels").finish_non_exhaustive()
    }
}

impl Kernels {
    fn get(
        &self,
        program: &Program,
        year: i64,
        targets: &[Target],
        complete: &[InputId],
    ) -> Option<Arc<[CompiledKernel]>> {
        let key = (year, targets.to_vec(), complete.to_vec());
        if let Ok(known) = self.compiled.lock()
            && let Some(kernel) = known.get(&key)
        {
            return kernel.clone();
        }
        let parts = lower(program, year, targets, complete, KERNEL_NODES);
        let kernel =
            parts.into_par_iter().map(|part| compile(Arc::new(part)).ok()).collect::<Option<Vec<_>>>().map(Arc::from);
        if let Ok(mut known) = self.compiled.lock() {
            known.insert(key, kernel.clone());
        }
        kernel
    }
}

/// What later rows read of a result: one value a row.
#[derive(Debug)]
struct State {
    quantity: QuantityId,
    /// Whether values are kept as multiples of a millionth; otherwise as fractions.
    decimal: bool,
    present: Vec<bool>,
    /// The row is in error, or its number is out of bounds.
    unknown: Vec<bool>,
    value: Vec<i64>,
    /// 1 at least; empty where values are decimal.
    divisor: Vec<i64>,
}

impl State {
    fn new(program: &Program, quantity: QuantityId, rows: usize) -> Self {
        let decimal = program.quantity(quantity).decimal;
        Self {
            quantity,
            decimal,
            present: vec![false; rows],
            unknown: vec![false; rows],
            value: vec![0; rows],
            divisor: vec![1; if decimal { 0 } else { rows }],
        }
    }

    fn set(&mut self, row: usize, value: Option<&Value>) {
        self.present[row] = value.is_some();
        self.unknown[row] = false;
        self.value[row] = match value {
            None => 0,
            Some(Value::Boolean(flag)) => i64::from(*flag),
            Some(Value::Date(date)) => i64::from(date.days()),
            Some(Value::Case(case)) => i64::from(*case),
            Some(Value::Number(number)) if !self.decimal => {
                let bounded = |n: &num_bigint::BigInt| {
                    i64::try_from(n).ok().filter(|n| i128::from(*n).abs() <= STATE_FRACTION_LIMIT)
                };
                match (bounded(number.numer()), bounded(number.denom())) {
                    (Some(numerator), Some(denominator)) => {
                        self.divisor[row] = denominator;
                        numerator
                    }
                    _ => {
                        self.unknown[row] = true;
                        0
                    }
                }
            }
            Some(Value::Number(number)) => {
                let scaled = number * Ratio::from_integer(power_of_ten(STATE_DECIMALS));
                let whole = if scaled.is_integer() { i64::try_from(scaled.to_integer()).ok() } else { None };
                match whole.filter(|whole| i128::from(*whole).abs() <= STATE_LIMIT) {
                    Some(whole) => whole,
                    None => {
                        self.unknown[row] = true;
                        0
                    }
                }
            }
            Some(Value::Text(_)) => 0,
        };
    }
}

/// The rows of a batch by year, with what their kernels read of last year.
#[derive(Debug)]
pub struct Plan {
    history: History,
    states: Vec<State>,
    groups: Vec<(i64, Arc<[CompiledKernel]>, Vec<u32>)>,
}

/// Rows of one year in the form that its kernel reads.
#[derive(Debug)]
pub struct Prepared {
    pub year: i64,
    /// Rank of the kernel among those of its year.
    pub part: usize,
    pub kernel: CompiledKernel,
    /// A block and how many rows it holds.
    pub blocks: Vec<(Block, usize)>,
}

impl Engine {
    /// The rows of each year, ascending, and those of years that the policy does not cover.
    fn by_year(&self, history: &History) -> (BTreeMap<i64, Vec<u32>>, Vec<usize>) {
        let (first, last) = self.program.years;
        let mut by_year: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
        let mut apart = Vec::new();
        for (row, year) in history.years.iter().enumerate() {
            if (first..=last).contains(year) {
                by_year.entry(*year).or_default().push(row as u32);
            } else {
                apart.push(row);
            }
        }
        (by_year, apart)
    }

    pub(super) fn compiled(
        &self,
        batch: &Batch,
        history: &History,
        controls: &[u32],
        sink: &mut Sink,
        progress: &(dyn Fn(usize) + Sync),
    ) {
        let state = self.state(controls);
        let targets = self.targets(&state, controls);
        let (by_year, apart) = self.by_year(history);
        let mut states: Vec<State> = state.iter().map(|id| State::new(&self.program, *id, batch.rows)).collect();
        for row in &apart {
            self.remember(batch, history, *row, &mut states);
        }
        self.hand_over(batch, history, controls, &apart, sink, progress);
        // Years go up, for what a year reads of those before.
        for (year, rows) in by_year {
            let complete = self.complete(batch, &rows);
            if rows.len() < self.least_rows {
                let rows: Vec<usize> = rows.iter().map(|row| *row as usize).collect();
                rows.iter().for_each(|row| self.remember(batch, history, *row, &mut states));
                sink.statistics.reference += rows.len();
                self.reference(batch, history, controls, &rows, sink, progress);
                continue;
            }
            let Some(kernels) = self.kernels.get(&self.program, year, &targets, &complete) else {
                let rows: Vec<usize> = rows.iter().map(|row| *row as usize).collect();
                rows.iter().for_each(|row| self.remember(batch, history, *row, &mut states));
                self.hand_over(batch, history, controls, &rows, sink, progress);
                continue;
            };
            let blocks: Vec<Vec<Block>> = rows
                .par_chunks(BLOCK_ROWS)
                .map(|rows| {
                    let mut outputs: Vec<Block> = Vec::with_capacity(kernels.len());
                    for kernel in &*kernels {
                        let mut input = self.gather(kernel, batch, history, &states, rows);
                        hand_on(&kernels, &outputs, kernel, &mut input, rows.len());
                        let mut output = Block::new(kernel.layout.output_bytes);
                        kernel.run(&input, &mut output, rows.len());
                        outputs.push(output);
                    }
                    outputs
                })
                .collect();
            let (mut done, mut handed) = (0, Vec::new());
            for (rows, blocks) in rows.chunks(BLOCK_ROWS).zip(&blocks) {
                let rows = self.answered(&kernels, blocks, rows, &mut handed);
                done += rows.len();
                for (kernel, block) in kernels.iter().zip(blocks) {
                    self.scatter(kernel, block, (batch, history), &rows, sink, &mut states);
                }
            }
            sink.statistics.compiled += done;
            progress(done);
            handed.iter().for_each(|row| self.remember(batch, history, *row, &mut states));
            self.hand_over(batch, history, controls, &handed, sink, progress);
        }
    }

    /// The inputs without default of which no row has an empty cell.
    fn complete(&self, batch: &Batch, rows: &[u32]) -> Vec<InputId> {
        let is_complete = |id: &InputId| {
            self.program.input(*id).default.is_none()
                && batch.columns[id.index()].as_ref().is_some_and(|column| {
                    column.missing.is_empty() || !rows.iter().any(|row| column.is_missing(*row as usize))
                })
        };
        self.program.input_ids().filter(is_complete).collect()
    }

    fn hand_over(
        &self,
        batch: &Batch,
        history: &History,
        controls: &[u32],
        rows: &[usize],
        sink: &mut Sink,
        progress: &(dyn Fn(usize) + Sync),
    ) {
        self.reference(batch, history, controls, rows, sink, progress);
        sink.statistics.handed_over += rows.len();
    }

    /// Computes with the interpreter what next year reads of a row.
    fn remember(&self, batch: &Batch, history: &History, row: usize, states: &mut [State]) {
        for state in states {
            match self.state_of(batch, history, row, state.quantity) {
                Ok(value) => state.set(row, value.as_ref()),
                Err(_) => state.unknown[row] = true,
            }
        }
    }

    /// Copies the cells of some rows into a block.
    fn gather(
        &self,
        kernel: &CompiledKernel,
        batch: &Batch,
        history: &History,
        states: &[State],
        rows: &[u32],
    ) -> Block {
        let mut block = Block::new(kernel.layout.input_bytes);
        let past = |reach: Reach, row: u32| history.past(reach, row as usize);
        for (source, slot) in &kernel.layout.inputs {
            let slot = *slot;
            match source {
                Source::Cell(id) => match batch.columns[id.index()].as_ref().map(|column| &column.data) {
                    Some(data) => {
                        rows.iter().enumerate().for_each(|(i, row)| put(&mut block, slot, i, data, *row as usize));
                    }
                    None => {
                        let value = self.default_cell(*id);
                        (0..rows.len()).for_each(|i| put_value(&mut block, slot, i, value));
                    }
                },
                Source::Missing(id) => {
                    let column = batch.columns[id.index()].as_ref();
                    for (i, row) in rows.iter().enumerate() {
                        block.set_flag(slot, i, column.is_none_or(|column| column.is_missing(*row as usize)));
                    }
                }
                Source::PastCell(reach, id) => {
                    if let Some(column) = &batch.columns[id.index()] {
                        for (i, row) in rows.iter().enumerate() {
                            if let Some(row) = past(*reach, *row) {
                                put(&mut block, slot, i, &column.data, row);
                            }
                        }
                    }
                }
                Source::PastCellPresent(reach, id) => {
                    let column = batch.columns[id.index()].as_ref();
                    let defaulted = self.program.input(*id).default.is_some();
                    for (i, row) in rows.iter().enumerate() {
                        let known = past(*reach, *row)
                            .is_some_and(|row| column.map_or(defaulted, |column| !column.is_missing(row)));
                        block.set_flag(slot, i, known);
                    }
                }
                // Handed on by the kernels before.
                Source::Staged(_) | Source::StagedPresent(_) | Source::StagedFlag(..) | Source::StagedFactor(_) => {}
                Source::Aggregate(id)
                | Source::AggregatePresent(id)
                | Source::AggregateUnknown(id)
                | Source::AggregateDivisor(id) => {
                    for (i, row) in rows.iter().enumerate() {
                        let value = history.aggregates.value(*id, *row as usize);
                        let (numerator, divisor) = fraction_of(value);
                        match source {
                            Source::Aggregate(_) => put_value(&mut block, slot, i, numerator.unwrap_or(0)),
                            Source::AggregateDivisor(_) => put_value(&mut block, slot, i, divisor),
                            Source::AggregatePresent(_) => block.set_flag(slot, i, value.is_some()),
                            _ => block.set_flag(slot, i, numerator.is_none()),
                        }
                    }
                }
                Source::PastResult(reach, id)
                | Source::PastResultPresent(reach, id)
                | Source::PastResultUnknown(reach, id)
                | Source::PastResultDivisor(reach, id) => {
                    let Some(state) = states.iter().find(|state| state.quantity == *id) else { continue };
                    for (i, row) in rows.iter().enumerate() {
                        let Some(row) = past(*reach, *row) else {
                            if matches!(source, Source::PastResultDivisor(..)) {
                                put_value(&mut block, slot, i, 1);
                            }
                            continue;
                        };
                        match source {
                            Source::PastResult(..) => put_value(&mut block, slot, i, state.value[row]),
                            Source::PastResultDivisor(..) => put_value(&mut block, slot, i, state.divisor[row]),
                            Source::PastResultPresent(..) => block.set_flag(slot, i, state.present[row]),
                            _ => block.set_flag(slot, i, state.unknown[row]),
                        }
                    }
                }
            }
        }
        block
    }

    /// The default of an input that is not in the batch, as a cell.
    fn default_cell(&self, id: InputId) -> i64 {
        let input = self.program.input(id);
        let mut column = crate::table::Column::with_capacity(input, 1);
        column.push(None, input);
        match &column.data {
            ColumnData::Number(cells) => cells[0],
            ColumnData::Boolean(cells) => i64::from(cells[0]),
            ColumnData::Date(cells) => i64::from(cells[0]),
            ColumnData::Case(cells) => i64::from(cells[0]),
            ColumnData::Text(_) => 0,
        }
    }

    /// The rows of a block that every kernel of the group answers for, with their rank in it; the others are handed over.
    fn answered(
        &self,
        kernels: &[CompiledKernel],
        blocks: &[Block],
        rows: &[u32],
        handed: &mut Vec<usize>,
    ) -> Vec<(usize, usize)> {
        let mut refused = vec![false; rows.len()];
        for (kernel, block) in kernels.iter().zip(blocks) {
            let layout = &kernel.layout;
            refused.iter_mut().enumerate().for_each(|(i, refused)| *refused |= block.flag(layout.status, i));
            // A row that a blocking control refuses goes to the interpreter, which says so.
            for slots in &layout.outputs {
                let Target::Control(rank) = slots.output.target else { continue };
                if let ControlKind::Row { blocking: true, .. } = self.program.controls[rank as usize].kind {
                    refused.iter_mut().enumerate().for_each(|(i, refused)| {
                        *refused |= block.flag(slots.present, i) && !block.flag(slots.value, i);
                    });
                }
            }
        }
        let mut mine: Vec<(usize, usize)> = Vec::with_capacity(rows.len());
        for (i, row) in rows.iter().enumerate() {
            if refused[i] { handed.push(*row as usize) } else { mine.push((i, *row as usize)) }
        }
        mine
    }

    /// Copies the results of a block to the rows that it answers for.
    fn scatter(
        &self,
        kernel: &CompiledKernel,
        block: &Block,
        (batch, history): (&Batch, &History),
        mine: &[(usize, usize)],
        sink: &mut Sink,
        states: &mut [State],
    ) {
        let layout = &kernel.layout;
        for slots in &layout.outputs {
            match slots.output.target {
                Target::Staged(_) | Target::StagedFlag(..) => {}
                Target::Control(rank) => {
                    for (i, _) in mine {
                        if block.flag(slots.present, *i) && !block.flag(slots.value, *i) {
                            sink.control_failed(rank);
                        }
                    }
                }
                Target::Quantity(id) | Target::State(id) => {
                    for (rank, _) in self.outputs.iter().enumerate().filter(|(_, output)| **output == id) {
                        store_column(&mut sink.columns[rank], block, slots, mine);
                    }
                    let Some(state) = states.iter_mut().find(|state| state.quantity == id) else { continue };
                    for (i, row) in mine {
                        if slots.doubt.is_some_and(|doubt| block.flag(doubt, *i)) {
                            self.remember(batch, history, *row, std::slice::from_mut(state));
                        } else {
                            let value = result(block, slots, *i, &self.program, id);
                            state.set(*row, value.as_ref());
                        }
                    }
                }
            }
        }
    }

    /// Blocks ready to run, group by group.
    #[must_use]
    pub fn prepare(&self, batch: &Batch) -> Vec<Prepared> {
        self.lay_out(batch, &self.plan(batch))
    }

    /// All that a run needs besides blocks. Last year's results are those of a full run.
    #[must_use]
    pub fn plan(&self, batch: &Batch) -> Plan {
        let history = self.history(batch, &[]);
        let state = self.state(&[]);
        let targets = self.targets(&state, &[]);
        let (by_year, _) = self.by_year(&history);
        let mut states: Vec<State> = state.iter().map(|id| State::new(&self.program, *id, batch.rows)).collect();
        if !states.is_empty() {
            (0..batch.rows).for_each(|row| self.remember(batch, &history, row, &mut states));
        }
        let compiled = |(year, rows): (i64, Vec<u32>)| {
            let complete = self.complete(batch, &rows);
            Some((year, self.kernels.get(&self.program, year, &targets, &complete)?, rows))
        };
        let groups = by_year.into_iter().filter_map(compiled).collect();
        Plan { history, states, groups }
    }

    /// Copies the rows of a plan into blocks.
    #[must_use]
    pub fn lay_out(&self, batch: &Batch, plan: &Plan) -> Vec<Prepared> {
        let mut prepared = Vec::new();
        for (year, kernels, rows) in &plan.groups {
            let first = prepared.len();
            for (part, kernel) in kernels.iter().enumerate() {
                prepared.push(Prepared { year: *year, part, kernel: kernel.clone(), blocks: Vec::new() });
            }
            for rows in rows.chunks(BLOCK_ROWS) {
                let mut outputs: Vec<Block> = Vec::new();
                for (part, kernel) in kernels.iter().enumerate() {
                    let mut input = self.gather(kernel, batch, &plan.history, &plan.states, rows);
                    hand_on(kernels, &outputs, kernel, &mut input, rows.len());
                    if part + 1 < kernels.len() {
                        let mut output = Block::new(kernel.layout.output_bytes);
                        kernel.run(&input, &mut output, rows.len());
                        outputs.push(output);
                    }
                    prepared[first + part].blocks.push((input, rows.len()));
                }
            }
        }
        prepared
    }
}

/// Copies what earlier kernels of the group left into the input of the next.
fn hand_on(kernels: &[CompiledKernel], outputs: &[Block], next: &CompiledKernel, input: &mut Block, rows: usize) {
    for (source, slot) in &next.layout.inputs {
        let target = match source {
            Source::Staged(id) | Source::StagedPresent(id) | Source::StagedFactor(id) => Target::Staged(*id),
            Source::StagedFlag(id, flag) => Target::StagedFlag(*id, *flag),
            _ => continue,
        };
        // The last to leave it is the one that computed it.
        let left = kernels.iter().zip(outputs).rev().find_map(|(kernel, block)| {
            kernel.layout.outputs.iter().find(|slots| slots.output.target == target).map(|slots| (slots, block))
        });
        let Some((slots, block)) = left else { continue };
        match source {
            Source::StagedPresent(_) | Source::StagedFlag(..) => {
                (0..rows).for_each(|row| input.set_flag(*slot, row, block.flag(slots.present, row)));
            }
            Source::StagedFactor(_) => {
                let factor = slots.factor;
                (0..rows).for_each(|row| {
                    input.set_wide(*slot, row, factor.map_or(1, |factor| block.integer(factor, row)));
                });
            }
            _ => (0..rows).for_each(|row| input.set_wide(*slot, row, block.integer(slots.value, row))),
        }
    }
}

/// A figure as a fraction of 64-bit integers; the numerator is missing where it does not fit.
fn fraction_of(value: Option<&Value>) -> (Option<i64>, i64) {
    let Some(Value::Number(number)) = value else { return (Some(0), 1) };
    let numerator = i64::try_from(number.numer()).ok().filter(|n| i128::from(*n).abs() <= STATE_LIMIT);
    let divisor = i64::try_from(number.denom()).ok().filter(|n| i128::from(*n) <= STATE_FRACTION_LIMIT);
    match (numerator, divisor) {
        (Some(numerator), Some(divisor)) => (Some(numerator), divisor),
        _ => (None, 1),
    }
}

fn put_value(block: &mut Block, slot: polc_compiler::codegen::Slot, row: usize, value: i64) {
    if slot.width == polc_compiler::codegen::Width::Flag {
        block.set_flag(slot, row, value != 0);
    } else {
        block.set_integer(slot, row, value);
    }
}

fn put(block: &mut Block, slot: polc_compiler::codegen::Slot, row: usize, data: &ColumnData, from: usize) {
    match data {
        ColumnData::Number(cells) => block.set_integer(slot, row, cells[from]),
        ColumnData::Boolean(cells) => block.set_flag(slot, row, cells[from]),
        ColumnData::Date(cells) => block.set_integer(slot, row, i64::from(cells[from])),
        ColumnData::Case(cells) => put_value(block, slot, row, i64::from(cells[from])),
        ColumnData::Text(_) => {}
    }
}

fn store_column(
    column: &mut crate::table::ResultColumn,
    block: &Block,
    slots: &polc_compiler::codegen::OutputSlots,
    rows: &[(usize, usize)],
) {
    for (i, row) in rows {
        let present = block.flag(slots.present, *i);
        column.present[*row] = present;
        if !present {
            continue;
        }
        match &mut column.values {
            ResultValues::Boolean(cells) => cells[*row] = block.flag(slots.value, *i),
            ResultValues::Date(cells) => cells[*row] = block.integer(slots.value, *i) as i32,
            ResultValues::Case(cells) => cells[*row] = block.integer(slots.value, *i) as u16,
            ResultValues::Number(numbers) => {
                let numerator = block.integer(slots.value, *i);
                let OutputValue::Fraction { constant, .. } = slots.output.value else { continue };
                let factor = slots.factor.map_or(1, |slot| block.integer(slot, *i));
                let denominator = constant.checked_mul(factor);
                match (&mut numbers.denominators, denominator) {
                    (Denominators::Constant(known), Some(denominator)) if denominator == *known => {
                        numbers.numerators[*row] = numerator
                    }
                    (Denominators::PerRow(denominators), Some(denominator)) => {
                        numbers.numerators[*row] = numerator;
                        denominators[*row] = denominator;
                    }
                    _ => numbers.set(
                        *row,
                        &(Ratio::new(numerator.into(), constant.into()) / Ratio::from_integer(factor.into())),
                    ),
                }
            }
        }
    }
}

/// One result as a value.
fn result(
    block: &Block,
    slots: &polc_compiler::codegen::OutputSlots,
    row: usize,
    program: &Program,
    id: QuantityId,
) -> Option<Value> {
    use polc_compiler::typed::Type;
    if !block.flag(slots.present, row) {
        return None;
    }
    let integer = |slot| block.integer(slot, row);
    Some(match slots.output.value {
        OutputValue::Flag(_) => Value::Boolean(block.flag(slots.value, row)),
        OutputValue::Integer(_) => match program.quantity(id).ty {
            Type::Date => Value::Date(polc_compiler::calendar::Date::from_days(integer(slots.value) as i64)?),
            _ => Value::Case(integer(slots.value) as u32),
        },
        OutputValue::Fraction { constant, .. } => {
            let factor = slots.factor.map_or(1, integer);
            Value::Number(Ratio::new(integer(slots.value).into(), constant.into()) / Ratio::from_integer(factor.into()))
        }
    })
}
