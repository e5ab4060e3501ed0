//! Rows through machine code: grouped by year, gathered in blocks, computed, scattered back.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use num_integer::Integer as _;
use polc_compiler::codegen::{BLOCK_ROWS, Block, CompiledKernels, OutputSlots, Slot, Width, compile};
use polc_compiler::ir::{OutputValue, Source, Target};
use polc_compiler::lower::{StateForm, States, lower};
use polc_compiler::num::Ratio;
use polc_compiler::typed::{ControlKind, InputId, Program, QuantityId, Value};
use polc_dsl::ast::Reach;
use rayon::prelude::*;

use super::{Engine, History, Sink};
use crate::table::{Batch, ColumnData, Denominators, ResultColumn, ResultValues};

type Cache = HashMap<(i64, Vec<Target>, Vec<InputId>), Option<CompiledKernels>>;

/// Nodes that a kernel is kept near.
pub const KERNEL_NODES: usize = 5_000;

/// Blocks computed before their results are copied out.
const WAVE: usize = 16;

/// The kernels compiled so far.
pub struct Kernels {
    /// Nodes that a kernel is kept near.
    nodes: usize,
    /// By year, what is asked for and what is never empty; `None` where the code generator refused: the interpreter does those
    /// rows.
    compiled: Mutex<Cache>,
    /// How numbers of earlier rows stand, by those that are read.
    states: Mutex<HashMap<Vec<QuantityId>, Arc<States>>>,
}

impl std::fmt::Debug for Kernels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kernels").finish_non_exhaustive()
    }
}

impl Kernels {
    pub(super) fn of(nodes: usize) -> Self {
        Self { nodes, compiled: Mutex::default(), states: Mutex::default() }
    }

    fn states(&self, program: &Program, quantities: &[QuantityId]) -> Arc<States> {
        if let Ok(known) = self.states.lock()
            && let Some(states) = known.get(quantities)
        {
            return states.clone();
        }
        let states = Arc::new(States::of(program, quantities));
        if let Ok(mut known) = self.states.lock() {
            known.insert(quantities.to_vec(), states.clone());
        }
        states
    }

    /// The forms of states are those of what the targets read: they need no place in the key.
    fn get(
        &self,
        program: &Program,
        year: i64,
        targets: &[Target],
        complete: &[InputId],
        states: &States,
    ) -> Option<CompiledKernels> {
        let key = (year, targets.to_vec(), complete.to_vec());
        if let Ok(known) = self.compiled.lock()
            && let Some(kernels) = known.get(&key)
        {
            return kernels.clone();
        }
        let kernels = compile(lower(program, year, targets, complete, states, self.nodes)).ok();
        if let Ok(mut known) = self.compiled.lock() {
            known.insert(key, kernels.clone());
        }
        kernels
    }
}

/// What later rows read of a result: one value a row.
#[derive(Debug)]
pub(super) struct State {
    quantity: QuantityId,
    /// How its numbers stand.
    form: StateForm,
    present: Vec<bool>,
    /// The row is in error, or its number is out of bounds.
    unknown: Vec<bool>,
    value: Vec<i64>,
    /// 1 at least; empty where values are decimal.
    divisor: Vec<i64>,
}

impl State {
    fn new(quantity: QuantityId, form: StateForm, rows: usize) -> Self {
        let fraction = matches!(form, StateForm::Fraction { .. });
        Self {
            quantity,
            form,
            present: vec![false; rows],
            unknown: vec![false; rows],
            value: vec![0; rows],
            divisor: vec![1; if fraction { rows } else { 0 }],
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
            Some(Value::Number(number)) => {
                let parts = (i128::try_from(number.numer()).ok(), i128::try_from(number.denom()).ok());
                let fits = if let (Some(numerator), Some(denominator)) = parts {
                    self.number(row, numerator, denominator)
                } else {
                    None
                };
                self.unknown[row] = fits.is_none();
                fits.unwrap_or(0)
            }
            Some(Value::Text(_)) => 0,
        };
    }

    /// Takes a column of results.
    fn take(&mut self, block: &Block, slots: &OutputSlots, rows: &[u32]) {
        let present = block.flags(slots.present);
        for (i, (row, present)) in rows.iter().zip(present).enumerate() {
            let row = *row as usize;
            self.present[row] = present;
            self.unknown[row] = false;
            self.value[row] = 0;
            if !present {
                continue;
            }
            let value = block.integer(slots.value, i);
            match slots.output.value {
                OutputValue::Flag(_) | OutputValue::Integer(_) => self.value[row] = value as i64,
                OutputValue::Fraction { constant, .. } => {
                    let factor = slots.factor.map_or(1, |factor| block.integer(factor, i));
                    let number = constant.checked_mul(factor).and_then(|divisor| self.number(row, value, divisor));
                    match number {
                        Some(value) => self.value[row] = value,
                        None => self.unknown[row] = true,
                    }
                }
            }
        }
    }

    /// A number in the form that later rows read; `None` where it does not fit.
    fn number(&mut self, row: usize, numerator: i128, denominator: i128) -> Option<i64> {
        let within = |value: i128, (low, high): (i128, i128)| {
            i64::try_from(value).ok().filter(|_| (low..=high).contains(&value))
        };
        match self.form {
            StateForm::Decimal { decimals, range } => {
                let scaled = numerator.checked_mul(10i128.pow(decimals))?;
                let whole = scaled.checked_div(denominator).filter(|whole| whole * denominator == scaled)?;
                within(whole, range)
            }
            StateForm::Fraction { numerator: range, divisor } => {
                let common = numerator.gcd(&denominator);
                let value = within(numerator / common, range)?;
                self.divisor[row] = within(denominator / common, divisor)?;
                Some(value)
            }
        }
    }
}

/// The rows of a batch by year, with what their kernels read of last year.
#[derive(Debug)]
pub struct Plan {
    history: History,
    states: Vec<State>,
    years: Vec<(i64, CompiledKernels, Vec<u32>)>,
}

/// Rows of one year in the form that its kernels read.
#[derive(Debug)]
pub struct Prepared {
    pub year: i64,
    pub kernels: CompiledKernels,
    /// A block and how many rows it holds.
    pub blocks: Vec<(Block, usize)>,
}

/// A block of rows, computed.
#[derive(Debug, Default)]
struct Done {
    input: Block,
    output: Block,
    /// Whether the interpreter must do the row.
    refused: Vec<bool>,
    /// What the interpreter found of single results: the rank of the row in the block, that of the output, the result.
    found: Vec<(usize, usize, Option<Value>)>,
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
    ) -> Vec<State> {
        let state = self.state(controls);
        let targets = self.targets(&state, controls);
        let (by_year, apart) = self.by_year(history);
        let forms = self.kernels.states(&self.program, &state);
        let new = |id: &QuantityId| State::new(*id, forms.form(&self.program, *id), batch.rows);
        let mut states: Vec<State> = state.iter().map(new).collect();
        self.remember(batch, history, &apart, &mut states);
        self.hand_over(batch, history, controls, &apart, sink, progress);
        let mut wave: Vec<Done> = Vec::new();
        // Years go up, for what a year reads of those before.
        for (year, rows) in by_year {
            let complete = self.complete(batch, &rows);
            if rows.len() < self.least_rows {
                let rows: Vec<usize> = rows.iter().map(|row| *row as usize).collect();
                self.remember(batch, history, &rows, &mut states);
                sink.statistics.reference += rows.len();
                self.reference(batch, history, controls, &rows, sink, progress);
                continue;
            }
            let Some(kernels) = self.kernels.get(&self.program, year, &targets, &complete, &forms) else {
                let rows: Vec<usize> = rows.iter().map(|row| *row as usize).collect();
                self.remember(batch, history, &rows, &mut states);
                self.hand_over(batch, history, controls, &rows, sink, progress);
                continue;
            };
            for rows in rows.chunks(BLOCK_ROWS * WAVE) {
                let count = rows.len().div_ceil(BLOCK_ROWS);
                wave.resize_with(count.max(wave.len()), Done::default);
                wave[..count].par_iter_mut().zip(rows.par_chunks(BLOCK_ROWS)).for_each(|(done, rows)| {
                    self.compute(&kernels, batch, history, &states, rows, done);
                });
                let blocks: Vec<(&Done, &[u32])> = wave.iter().zip(rows.chunks(BLOCK_ROWS)).collect();
                self.collect(&kernels, &blocks, (batch, history), sink, &mut states);
                let mut handed = Vec::new();
                for (done, rows) in &blocks {
                    handed.extend(
                        rows.iter().zip(&done.refused).filter(|(_, refused)| **refused).map(|(row, _)| *row as usize),
                    );
                }
                progress(rows.len() - handed.len());
                self.remember(batch, history, &handed, &mut states);
                self.hand_over(batch, history, controls, &handed, sink, progress);
            }
        }
        states
    }

    /// Computes a block of rows, and what the kernels do not know of them.
    fn compute(
        &self,
        kernels: &CompiledKernels,
        batch: &Batch,
        history: &History,
        states: &[State],
        rows: &[u32],
        done: &mut Done,
    ) {
        let layout = &kernels.layout;
        if done.input.len() < layout.input_bytes {
            done.input = Block::new(layout.input_bytes);
        }
        if done.output.len() < layout.output_bytes {
            done.output = Block::new(layout.output_bytes);
        }
        self.gather(kernels, batch, history, states, rows, &mut done.input);
        kernels.run(&done.input, &mut done.output, rows.len());
        let block = &done.output;
        done.found.clear();
        done.refused.clear();
        done.refused.resize(rows.len(), false);
        let refused = &mut done.refused;
        for status in &layout.statuses {
            refused.iter_mut().zip(block.flags(*status)).for_each(|(refused, status)| *refused |= status);
        }
        let mut doubtful: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for slots in &layout.outputs {
            match slots.output.target {
                Target::Control(rank) => {
                    // A row that a blocking control refuses goes to the interpreter, which says so.
                    let ControlKind::Row { blocking: true, .. } = self.program.controls[rank as usize].kind else {
                        continue;
                    };
                    let fails =
                        block.flags(slots.present).zip(block.flags(slots.value)).map(|(is, holds)| is && !holds);
                    refused.iter_mut().zip(fails).for_each(|(refused, fails)| *refused |= fails);
                }
                Target::Quantity(id) => {
                    let Some(doubt) = slots.doubt else { continue };
                    let ranks =
                        || self.outputs.iter().enumerate().filter(|(_, known)| **known == id).map(|(rank, _)| rank);
                    for (i, _) in block.flags(doubt).take(rows.len()).enumerate().filter(|(_, doubt)| *doubt) {
                        doubtful.entry(i).or_default().extend(ranks());
                    }
                }
                Target::State(_) | Target::Staged(_) | Target::StagedFlag(..) => {}
            }
        }
        doubtful.retain(|i, _| !refused[*i]);
        for (i, ranks) in doubtful {
            let wanted: Vec<QuantityId> = ranks.iter().map(|rank| self.outputs[*rank]).collect();
            match self.single_results(batch, history, rows[i] as usize, &wanted) {
                Ok(values) => done.found.extend(ranks.into_iter().zip(values).map(|(rank, value)| (i, rank, value))),
                // The first error of a row depends on all its results.
                Err(_) => refused[i] = true,
            }
        }
    }

    /// Copies the results of some blocks to their rows. Those of refused rows will be replaced.
    fn collect(
        &self,
        kernels: &CompiledKernels,
        blocks: &[(&Done, &[u32])],
        (batch, history): (&Batch, &History),
        sink: &mut Sink,
        states: &mut [State],
    ) {
        let outputs = &kernels.layout.outputs;
        let slots_of = |id: QuantityId| {
            outputs.iter().find(
                |slots| matches!(slots.output.target, Target::Quantity(known) | Target::State(known) if known == id),
            )
        };
        sink.columns.par_iter_mut().zip(&self.outputs).enumerate().for_each(|(rank, (column, id))| {
            let Some(slots) = slots_of(*id) else { return };
            for (done, rows) in blocks {
                store_column(column, &done.output, slots, rows, &done.refused);
                for (i, _, value) in done.found.iter().filter(|(_, of, _)| *of == rank) {
                    column.set(rows[*i] as usize, value.clone());
                }
            }
        });
        states.par_iter_mut().for_each(|state| {
            let Some(slots) = slots_of(state.quantity) else { return };
            blocks.iter().for_each(|(done, rows)| state.take(&done.output, slots, rows));
        });
        // What only the interpreter can tell, row by row: its results share what they read.
        let mut doubtful: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (rank, state) in states.iter().enumerate() {
            let Some(doubt) = slots_of(state.quantity).and_then(|slots| slots.doubt) else { continue };
            for (done, rows) in blocks {
                let cells = rows.iter().zip(done.output.flags(doubt)).zip(&done.refused);
                for ((row, _), _) in cells.filter(|((_, doubt), refused)| *doubt && !**refused) {
                    doubtful.entry(*row as usize).or_default().push(rank);
                }
            }
        }
        let found: Vec<_> = doubtful
            .into_par_iter()
            .map(|(row, ranks)| {
                let wanted: Vec<QuantityId> = ranks.iter().map(|rank| states[*rank].quantity).collect();
                let results = self.states_of(batch, history, &[row], &wanted).pop().unwrap_or_default();
                (row, ranks, results)
            })
            .collect();
        for (row, ranks, results) in found {
            for (rank, result) in ranks.into_iter().zip(results) {
                match result {
                    Ok(value) => states[rank].set(row, value.as_ref()),
                    Err(_) => states[rank].unknown[row] = true,
                }
            }
        }
        for slots in outputs {
            let Target::Control(rank) = slots.output.target else { continue };
            for (done, _) in blocks {
                let cells = done.output.flags(slots.present).zip(done.output.flags(slots.value)).zip(&done.refused);
                let failed = cells.filter(|((present, holds), refused)| *present && !*holds && !**refused).count();
                sink.controls_failed(rank, failed);
            }
        }
        for (done, _) in blocks {
            let mut single: Vec<usize> = done.found.iter().map(|(i, ..)| *i).collect();
            single.dedup();
            sink.statistics.partial += single.len();
            sink.statistics.compiled += done.refused.iter().filter(|refused| !**refused).count() - single.len();
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

    /// Computes with the interpreter what later rows read of some rows.
    fn remember(&self, batch: &Batch, history: &History, rows: &[usize], states: &mut [State]) {
        if rows.is_empty() || states.is_empty() {
            return;
        }
        let wanted: Vec<QuantityId> = states.iter().map(|state| state.quantity).collect();
        for (row, results) in rows.iter().zip(self.states_of(batch, history, rows, &wanted)) {
            for (state, result) in states.iter_mut().zip(results) {
                match result {
                    Ok(value) => state.set(*row, value.as_ref()),
                    Err(_) => state.unknown[*row] = true,
                }
            }
        }
    }

    /// Copies the cells of some rows into a block.
    fn gather(
        &self,
        kernels: &CompiledKernels,
        batch: &Batch,
        history: &History,
        states: &[State],
        rows: &[u32],
        block: &mut Block,
    ) {
        let past = |reach: Reach, row: &u32| history.past(reach, *row as usize);
        for (source, slot) in &kernels.layout.inputs {
            let slot = *slot;
            match *source {
                Source::Cell(id) => match batch.columns[id.index()].as_ref().map(|column| &column.data) {
                    Some(data) => put(block, slot, data, rows),
                    None => {
                        let value = self.default_cell(id);
                        block.fill_integers(slot, rows.iter().map(|_| value));
                    }
                },
                Source::Missing(id) => match batch.columns[id.index()].as_ref() {
                    Some(column) if column.missing.is_empty() => block.fill_flags(slot, rows.iter().map(|_| false)),
                    Some(column) => block.fill_flags(slot, rows.iter().map(|row| column.missing[*row as usize])),
                    None => block.fill_flags(slot, rows.iter().map(|_| true)),
                },
                Source::PastCell(reach, id) => {
                    let column = batch.columns[id.index()].as_ref();
                    let cell = |row| column.map_or(0, |column| integer_of(&column.data, row));
                    block.fill_integers(slot, rows.iter().map(|row| past(reach, row).map_or(0, cell)));
                }
                Source::PastCellPresent(reach, id) => {
                    let column = batch.columns[id.index()].as_ref();
                    let defaulted = self.program.input(id).default.is_some();
                    let known = |row| column.map_or(defaulted, |column| !column.is_missing(row));
                    block.fill_flags(slot, rows.iter().map(|row| past(reach, row).is_some_and(known)));
                }
                // Left by the kernels before.
                Source::Staged(_) | Source::StagedPresent(_) | Source::StagedFlag(..) | Source::StagedFactor(_) => {}
                Source::Aggregate(id) | Source::AggregateDivisor(id) => {
                    let is_divisor = matches!(source, Source::AggregateDivisor(_));
                    let figure = |row: &u32| {
                        let (numerator, divisor) = history.aggregates.fraction(id, *row as usize);
                        if is_divisor { divisor } else { numerator.unwrap_or(0) }
                    };
                    block.fill_integers(slot, rows.iter().map(figure));
                }
                Source::AggregatePresent(id) => {
                    let present = |row: &u32| history.aggregates.value(id, *row as usize).is_some();
                    block.fill_flags(slot, rows.iter().map(present));
                }
                Source::AggregateUnknown(id) => {
                    let unknown = |row: &u32| history.aggregates.fraction(id, *row as usize).0.is_none();
                    block.fill_flags(slot, rows.iter().map(unknown));
                }
                Source::PastResult(reach, id)
                | Source::PastResultPresent(reach, id)
                | Source::PastResultUnknown(reach, id)
                | Source::PastResultDivisor(reach, id) => {
                    let Some(state) = states.iter().find(|state| state.quantity == id) else { continue };
                    let flag = |flags: &[bool], row: &u32| past(reach, row).is_some_and(|row| flags[row]);
                    let number = |cells: &[i64], none: i64, row: &u32| past(reach, row).map_or(none, |row| cells[row]);
                    match source {
                        Source::PastResult(..) => {
                            block.fill_integers(slot, rows.iter().map(|row| number(&state.value, 0, row)));
                        }
                        Source::PastResultDivisor(..) => {
                            block.fill_integers(slot, rows.iter().map(|row| number(&state.divisor, 1, row)));
                        }
                        Source::PastResultPresent(..) => {
                            block.fill_flags(slot, rows.iter().map(|row| flag(&state.present, row)));
                        }
                        _ => block.fill_flags(slot, rows.iter().map(|row| flag(&state.unknown, row))),
                    }
                }
            }
        }
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

    /// Blocks ready to run, year by year.
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
        let forms = self.kernels.states(&self.program, &state);
        let mut states = Vec::new();
        if !state.is_empty() {
            let mut sink = Sink::new(&self.program, &self.outputs, &[], batch.rows);
            states = self.compiled(batch, &history, &[], &mut sink, &|_| {});
        }
        let compiled = |(year, rows): (i64, Vec<u32>)| {
            let complete = self.complete(batch, &rows);
            Some((year, self.kernels.get(&self.program, year, &targets, &complete, &forms)?, rows))
        };
        let years = by_year.into_iter().filter_map(compiled).collect();
        Plan { history, states, years }
    }

    /// Copies the rows of a plan into blocks.
    #[must_use]
    pub fn lay_out(&self, batch: &Batch, plan: &Plan) -> Vec<Prepared> {
        let prepared = |(year, kernels, rows): &(i64, CompiledKernels, Vec<u32>)| {
            let block = |rows: &[u32]| {
                let mut block = Block::new(kernels.layout.input_bytes);
                self.gather(kernels, batch, &plan.history, &plan.states, rows, &mut block);
                (block, rows.len())
            };
            Prepared { year: *year, kernels: kernels.clone(), blocks: rows.chunks(BLOCK_ROWS).map(block).collect() }
        };
        plan.years.iter().map(prepared).collect()
    }
}

/// Copies the cells of some rows.
fn put(block: &mut Block, slot: Slot, data: &ColumnData, rows: &[u32]) {
    let rows = rows.iter().map(|row| *row as usize);
    match data {
        ColumnData::Number(cells) => block.fill_integers(slot, rows.map(|row| cells[row])),
        ColumnData::Boolean(cells) => block.fill_flags(slot, rows.map(|row| cells[row])),
        ColumnData::Date(cells) => block.fill_integers(slot, rows.map(|row| i64::from(cells[row]))),
        ColumnData::Case(cells) => block.fill_integers(slot, rows.map(|row| i64::from(cells[row]))),
        ColumnData::Text(_) => {}
    }
}

fn integer_of(data: &ColumnData, row: usize) -> i64 {
    match data {
        ColumnData::Number(cells) => cells[row],
        ColumnData::Boolean(cells) => i64::from(cells[row]),
        ColumnData::Date(cells) => i64::from(cells[row]),
        ColumnData::Case(cells) => i64::from(cells[row]),
        ColumnData::Text(_) => 0,
    }
}

/// Copies a column of results to its rows.
fn store_column(column: &mut ResultColumn, block: &Block, slots: &OutputSlots, rows: &[u32], refused: &[bool]) {
    let rows = || rows.iter().map(|row| *row as usize);
    for (row, present) in rows().zip(block.flags(slots.present)) {
        column.present[row] = present;
    }
    match &mut column.values {
        ResultValues::Boolean(cells) => rows().zip(block.flags(slots.value)).for_each(|(row, flag)| cells[row] = flag),
        ResultValues::Date(cells) => each_integer(block, slots.value, rows(), |row, days| cells[row] = days as i32),
        ResultValues::Case(cells) => each_integer(block, slots.value, rows(), |row, case| cells[row] = case as u16),
        // No result of a policy is a text.
        ResultValues::Text(_) => {}
        ResultValues::Number(numbers) => {
            let OutputValue::Fraction { constant, .. } = slots.output.value else { return };
            let short = slots.value.width < Width::I128;
            match (&mut numbers.denominators, slots.factor) {
                // Over another constant: fewer decimals than the quantity may have.
                (Denominators::Constant(known), None) if short && i128::from(*known) % constant == 0 => {
                    let times = i128::from(*known) / constant;
                    each_integer(block, slots.value, rows(), |row, cell| match i64::try_from(cell * times) {
                        Ok(numerator) => numbers.numerators[row] = numerator,
                        Err(_) => apart(&mut numbers.large, row, cell, constant),
                    });
                    return;
                }
                (Denominators::PerRow(denominators), None) if short && let Ok(constant) = i64::try_from(constant) => {
                    each_integer(block, slots.value, rows(), |row, cell| {
                        numbers.numerators[row] = cell as i64;
                        denominators[row] = constant;
                    });
                    return;
                }
                _ => {}
            }
            for ((i, row), present) in rows().enumerate().zip(block.flags(slots.present)) {
                if refused[i] || !present {
                    continue;
                }
                let numerator = block.integer(slots.value, i);
                let factor = slots.factor.map_or(1, |slot| block.integer(slot, i));
                numbers.set_quotient(row, numerator, constant, factor);
            }
        }
    }
}

/// Keeps a number that does not fit.
fn apart(large: &mut BTreeMap<usize, Ratio>, row: usize, numerator: i128, denominator: i128) {
    large.insert(row, Ratio::new(numerator.into(), denominator.into()));
}

/// Gives each integer of a column with its row.
fn each_integer(block: &Block, slot: Slot, rows: impl Iterator<Item = usize>, mut give: impl FnMut(usize, i128)) {
    match slot.width {
        Width::Flag => rows.zip(block.flags(slot)).for_each(|(row, flag)| give(row, i128::from(flag))),
        Width::I16 => rows.zip(block.cells::<i16>(slot)).for_each(|(row, cell)| give(row, i128::from(cell))),
        Width::I32 => rows.zip(block.cells::<i32>(slot)).for_each(|(row, cell)| give(row, i128::from(cell))),
        Width::I64 => rows.zip(block.cells::<i64>(slot)).for_each(|(row, cell)| give(row, i128::from(cell))),
        Width::I128 => rows.zip(block.cells::<i128>(slot)).for_each(|(row, cell)| give(row, cell)),
    }
}
