//! Rows through machine code: put in order of year, laid out in blocks, computed, copied out.

use std::collections::BTreeMap;
use std::ops::Range;

use polc_compiler::codegen::{BLOCK_ROWS, Block, CompiledKernels, Layout, OutputSlots, Slot, Width};
use polc_compiler::ir::{OutputValue, Target};
use polc_compiler::lower::Group;
use polc_compiler::typed::{ControlKind, InputId, QuantityId, Value};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::kernels::{Asked, Work};
use super::order::{Buckets, Order, Rows};
use super::states::State;
use super::{Engine, History, Sink};
use crate::table::{Batch, Column, ColumnData, Denominators, Flags, ResultColumn, ResultValues, ends};

/// Rows of one group in the form that its kernels read.
#[derive(Debug)]
pub struct Prepared {
    pub year: i64,
    /// The case that an input is on all of them, where cases are told apart.
    pub case: Option<(InputId, u16)>,
    pub kernels: CompiledKernels,
    /// A block and how many rows it holds.
    pub blocks: Vec<(Block, usize)>,
}

/// A block of rows, computed; used again for the next.
#[derive(Debug, Default)]
pub(super) struct Done {
    input: Block,
    output: Block,
    /// The positions of its rows.
    positions: Range<usize>,
    /// Whether the interpreter must do the row.
    refused: Vec<bool>,
    /// What the interpreter found of single results: the rank of the row in the block, that of the output, the result.
    found: Vec<(usize, usize, Option<Value>)>,
}

/// How the rows of a group are computed.
enum Way {
    Kernels(CompiledKernels),
    /// They are too few to compile for.
    Interpreter,
    /// The code generator refused.
    Refused,
}

/// What the rows of one evaluation are read from.
pub(super) struct Run<'a> {
    pub engine: &'a Engine,
    pub batch: &'a Batch,
    pub history: &'a History,
    pub order: &'a Order,
}

/// Rows of which the groups are told at a time, by one thread: whole bytes of flags.
const LOOKED_AT: usize = 65_536;

/// Rows of a group.
#[derive(Default)]
struct Seen {
    rows: usize,
    /// Of some columns, whether a cell of theirs is empty; none without rows.
    empty: Vec<bool>,
}

impl Seen {
    fn add(&mut self, more: Self) {
        self.rows += more.rows;
        self.empty.resize(self.empty.len().max(more.empty.len()), false);
        self.empty.iter_mut().zip(more.empty).for_each(|(all, more)| *all |= more);
    }
}

/// How the rows of a batch are computed.
pub(super) struct Ways {
    work: Work,
    /// The input whose cases are told apart.
    dividing: Option<InputId>,
    /// By year and case.
    groups: BTreeMap<(i64, Option<(InputId, u16)>), Way>,
}

impl Engine {
    /// Computes the rows of a sink, which hold whole histories.
    pub(super) fn compiled(
        &self,
        batch: &Batch,
        history: &History,
        ways: &Ways,
        done: &mut Done,
        sink: &mut Sink,
        progress: &(dyn Fn(usize) + Sync),
    ) {
        let order = self.order(batch, history, ways, &sink.rows);
        self.in_order((batch, history, &order), ways, done, sink, progress);
    }

    /// Computes rows in their order, and gives what later rows read of them.
    fn in_order(
        &self,
        (batch, history, order): (&Batch, &History, &Order),
        Ways { work, groups, .. }: &Ways,
        done: &mut Done,
        sink: &mut Sink,
        progress: &(dyn Fn(usize) + Sync),
    ) -> Vec<State> {
        // Every group of some rows is one of those of all.
        let way = |group: &Rows| groups.get(&(group.year, group.case)).unwrap_or(&Way::Refused);
        let ways: Vec<&Way> = order.groups.iter().map(way).collect();
        let run = Run { engine: self, batch, history, order };
        let controls = &*work.controls;
        let new = |id: &QuantityId| State::new(*id, work.states.form(&self.program, *id), order.rows.len());
        let mut states: Vec<State> = work.state.iter().map(new).collect();
        let all = |positions: &Range<usize>| positions.clone().collect::<Vec<usize>>();
        run.interpret(&all(&order.apart), controls, sink, &mut states, progress);
        sink.statistics.handed_over += order.apart.len();
        // Years go up, for what a year reads of those before.
        for (Rows { positions, .. }, way) in order.groups.iter().zip(ways) {
            let kernels = match way {
                Way::Kernels(kernels) => kernels,
                Way::Interpreter => {
                    run.interpret(&all(positions), controls, sink, &mut states, progress);
                    sink.statistics.reference += positions.len();
                    continue;
                }
                Way::Refused => {
                    run.interpret(&all(positions), controls, sink, &mut states, progress);
                    sink.statistics.handed_over += positions.len();
                    continue;
                }
            };
            let slots = Slots::of(&kernels.layout, &self.outputs, &work.state);
            for start in positions.clone().step_by(self.block_rows) {
                done.positions = start..positions.end.min(start + self.block_rows);
                run.compute(kernels, &states, done);
                run.collect(&slots, done, sink, &mut states);
                let refused = done.positions.clone().zip(&done.refused);
                let refused: Vec<usize> = refused.filter(|(_, is)| **is).map(|(position, _)| position).collect();
                progress(done.positions.len() - refused.len());
                run.interpret(&refused, controls, sink, &mut states, progress);
                sink.statistics.handed_over += refused.len();
            }
        }
        states
    }

    fn order(&self, batch: &Batch, history: &History, ways: &Ways, rows: &[u32]) -> Order {
        let cases = ways.dividing.and_then(|id| cases(batch, id));
        Order::of(&Buckets::of(&self.program, history, cases), rows)
    }

    /// What kernels compute, for some row controls.
    fn work(&self, controls: &[u32]) -> Work {
        let state = self.state(controls);
        let targets = self.targets(&state, controls);
        Work { states: self.kernels.states(&self.program, &state), state, targets, controls: controls.to_vec() }
    }

    /// How the rows of a batch are to be computed.
    pub(super) fn ways(&self, batch: &Batch, history: &History, controls: &[u32]) -> Ways {
        let program = &*self.program;
        let work = self.work(controls);
        let among: Vec<InputId> = program.input_ids().filter(|id| cases(batch, *id).is_some()).collect();
        // One year tells: any of those that the policy covers.
        let (first, last) = program.years;
        let year = history.years.get(batch.rows / 2).map_or(last, |year| *year.clamp(&first, &last));
        let dividing = self.kernels.dividing(program, &work, year, among, batch.rows);
        let mut asked = self.asked(batch, &Buckets::of(program, history, dividing.and_then(|id| cases(batch, id))));
        let few = asked.extract_if(.., |asked| asked.rows < self.least_rows);
        let mut groups: BTreeMap<_, Way> =
            few.map(|Asked { group, .. }| ((group.year, group.case), Way::Interpreter)).collect();
        let kernels = self.kernels.get(program, &asked, &work);
        groups.extend(asked.iter().zip(kernels).map(|(Asked { group, .. }, kernels)| {
            ((group.year, group.case), kernels.map_or(Way::Refused, Way::Kernels))
        }));
        Ways { groups, work, dividing }
    }

    /// The groups of the rows of a batch.
    fn asked(&self, batch: &Batch, buckets: &Buckets<'_>) -> Vec<Asked> {
        let inputs = self.program.input_ids().filter(|id| self.program.input(*id).default.is_none());
        let columns: Vec<(InputId, &Column)> =
            inputs.filter_map(|id| Some((id, batch.columns[id.index()].as_ref()?))).collect();
        // By group, those of its rows that are among some of the batch, and which columns have an empty cell there.
        let look = |start: usize| {
            let mut members: Vec<Option<Flags>> = vec![None; buckets.count()];
            let rows = LOOKED_AT.min(batch.rows - start);
            for row in 0..rows {
                if let Some(bucket) = buckets.of_row(start + row) {
                    members[bucket].get_or_insert_with(|| Flags::filled(false, rows)).set(row, true);
                }
            }
            let empty =
                |members: &Flags| columns.iter().map(|(_, column)| column.missing.meets(start, members)).collect();
            let seen = |members: Flags| Seen { rows: members.count(), empty: empty(&members) };
            let seen = |members: Option<Flags>| members.map(seen).unwrap_or_default();
            members.into_iter().map(seen).collect::<Vec<Seen>>()
        };
        let starts: Vec<usize> = (0..batch.rows).step_by(LOOKED_AT).collect();
        let none = || (0..buckets.count()).map(|_| Seen::default()).collect::<Vec<_>>();
        let seen = starts.into_par_iter().map(look).reduce(none, |mut all, more| {
            all.iter_mut().zip(more).for_each(|(all, more)| all.add(more));
            all
        });
        let asked = |(bucket, Seen { rows, empty }): (usize, Seen)| {
            let complete = columns.iter().zip(empty).filter(|(_, empty)| !*empty).map(|((id, _), _)| *id).collect();
            let (year, case) = buckets.group(bucket);
            Asked { group: Group { year, complete, case }, rows }
        };
        seen.into_iter().enumerate().filter(|(_, seen)| seen.rows > 0).map(asked).collect()
    }

    /// Blocks ready to run, group by group. What they read of earlier years is that of a full run.
    #[must_use]
    pub fn prepare(&self, batch: &Batch) -> Vec<Prepared> {
        let history = self.history(batch, &[]);
        let ways = self.ways(batch, &history, &[]);
        let all: Vec<u32> = (0..batch.rows as u32).collect();
        let order = self.order(batch, &history, &ways, &all);
        let mut states = Vec::new();
        if !ways.work.state.is_empty() {
            let mut sink = Sink::new(&self.program, &self.outputs, &[], all);
            states = self.in_order((batch, &history, &order), &ways, &mut Done::default(), &mut sink, &|_| {});
        }
        let run = Run { engine: self, batch, history: &history, order: &order };
        let prepared = |Rows { year, case, positions }: &Rows| {
            let kernels = ways.groups.get(&(*year, *case))?.kernels()?;
            let block = |start: usize| {
                let positions = start..positions.end.min(start + self.block_rows);
                let mut block = Block::new(kernels.layout.input_bytes);
                run.gather(&kernels.layout, &states, positions.clone(), &mut block);
                (block, positions.len())
            };
            let blocks = positions.clone().step_by(self.block_rows).map(block).collect();
            Some(Prepared { year: *year, case: *case, kernels: kernels.clone(), blocks })
        };
        order.groups.iter().filter_map(prepared).collect()
    }
}

/// The cells of an input that has cases, none of them empty.
fn cases(batch: &Batch, id: InputId) -> Option<(InputId, &[u16])> {
    match batch.columns[id.index()].as_ref()? {
        Column { data: ColumnData::Case(cells), missing } if missing.is_empty() => Some((id, cells)),
        _ => None,
    }
}

impl Way {
    fn kernels(&self) -> Option<&CompiledKernels> {
        match self {
            Self::Kernels(kernels) => Some(kernels),
            Self::Interpreter | Self::Refused => None,
        }
    }
}

impl Run<'_> {
    /// Computes some rows with the interpreter, and what later rows read of them.
    fn interpret(
        &self,
        positions: &[usize],
        controls: &[u32],
        sink: &mut Sink,
        states: &mut [State],
        progress: &(dyn Fn(usize) + Sync),
    ) {
        if positions.is_empty() {
            return;
        }
        let rows: Vec<usize> = positions.iter().map(|position| self.order.row(*position)).collect();
        if !states.is_empty() {
            let wanted: Vec<QuantityId> = states.iter().map(|state| state.quantity).collect();
            let found = self.engine.states_of(self.batch, self.history, &rows, &wanted);
            for (position, results) in positions.iter().zip(found) {
                for (state, result) in states.iter_mut().zip(results) {
                    state.learn(*position, result);
                }
            }
        }
        self.engine.reference(self.batch, self.history, controls, &rows, sink, progress);
    }

    /// Computes a block of rows, and what the kernels do not know of them.
    fn compute(&self, kernels: &CompiledKernels, states: &[State], done: &mut Done) {
        let (layout, engine) = (&kernels.layout, self.engine);
        let rows = done.positions.len();
        if done.input.len() < layout.input_bytes {
            done.input = Block::new(layout.input_bytes);
        }
        if done.output.len() < layout.output_bytes {
            done.output = Block::new(layout.output_bytes);
        }
        self.gather(layout, states, done.positions.clone(), &mut done.input);
        kernels.run(&done.input, &mut done.output, rows);
        let block = &done.output;
        done.found.clear();
        done.refused.clear();
        done.refused.extend(block.flags(layout.status).take(rows));
        let refused = &mut done.refused;
        let mut doubtful: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for slots in &layout.outputs {
            match slots.output.target {
                Target::Control(rank) => {
                    // A row that a blocking control refuses goes to the interpreter, which says so.
                    let ControlKind::Row { blocking: true, .. } = engine.program.controls[rank as usize].kind else {
                        continue;
                    };
                    let fails =
                        block.flags(slots.present).zip(block.flags(slots.value)).map(|(is, holds)| is && !holds);
                    refused.iter_mut().zip(fails).for_each(|(refused, fails)| *refused |= fails);
                }
                Target::Quantity(id) => {
                    let Some(doubt) = slots.doubt else { continue };
                    let ranks =
                        || engine.outputs.iter().enumerate().filter(|(_, known)| **known == id).map(|(rank, _)| rank);
                    for (i, _) in block.flags(doubt).take(rows).enumerate().filter(|(_, doubt)| *doubt) {
                        doubtful.entry(i).or_default().extend(ranks());
                    }
                }
                Target::State(_) => {}
            }
        }
        doubtful.retain(|i, _| !refused[*i]);
        for (i, ranks) in doubtful {
            let wanted: Vec<QuantityId> = ranks.iter().map(|rank| engine.outputs[*rank]).collect();
            let row = self.order.row(done.positions.start + i);
            match engine.single_results(self.batch, self.history, row, &wanted) {
                Ok(values) => done.found.extend(ranks.into_iter().zip(values).map(|(rank, value)| (i, rank, value))),
                // The first error of a row depends on all its results.
                Err(_) => refused[i] = true,
            }
        }
    }

    /// Copies the results of a block to their rows. Those of refused rows will be replaced.
    fn collect(&self, slots: &Slots<'_>, done: &Done, sink: &mut Sink, states: &mut [State]) {
        let rows = &self.order.ranks[done.positions.clone()];
        for (rank, (column, slots)) in sink.columns.iter_mut().zip(&slots.outputs).enumerate() {
            let Some(slots) = slots else { continue };
            store_column(column, slots, done, rows);
            for (i, _, value) in done.found.iter().filter(|(_, of, _)| *of == rank) {
                column.set(rows[*i] as usize, value.clone());
            }
        }
        // What only the interpreter can tell, row by row: its results share what they read.
        let mut doubtful: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (rank, (state, slots)) in states.iter_mut().zip(&slots.states).enumerate() {
            let Some(slots) = slots else { continue };
            state.take(&done.output, slots, done.positions.start, done.positions.len());
            let Some(doubt) = slots.doubt else { continue };
            let cells = done.positions.clone().zip(done.output.flags(doubt)).zip(&done.refused);
            for ((position, _), _) in cells.filter(|((_, doubt), refused)| *doubt && !**refused) {
                doubtful.entry(position).or_default().push(rank);
            }
        }
        for (position, ranks) in doubtful {
            let wanted: Vec<QuantityId> = ranks.iter().map(|rank| states[*rank].quantity).collect();
            let row = self.order.row(position);
            let results = self.engine.states_of(self.batch, self.history, &[row], &wanted);
            for (rank, result) in ranks.into_iter().zip(results.into_iter().flatten()) {
                states[rank].learn(position, result);
            }
        }
        for (rank, slots) in &slots.controls {
            let cells = done.output.flags(slots.present).zip(done.output.flags(slots.value)).zip(&done.refused);
            let failed = cells.filter(|((present, holds), refused)| *present && !*holds && !**refused).count();
            sink.controls_failed(*rank, failed);
        }
        let mut single: Vec<usize> = done.found.iter().map(|(i, ..)| *i).collect();
        single.dedup();
        sink.statistics.partial += single.len();
        sink.statistics.compiled += done.refused.iter().filter(|refused| !**refused).count() - single.len();
    }
}

/// Where kernels leave what is asked for.
struct Slots<'k> {
    outputs: Vec<Option<&'k OutputSlots>>,
    states: Vec<Option<&'k OutputSlots>>,
    /// With the ranks of the controls.
    controls: Vec<(u32, &'k OutputSlots)>,
}

impl<'k> Slots<'k> {
    fn of(layout: &'k Layout, outputs: &[QuantityId], states: &[QuantityId]) -> Self {
        let mut quantities: FxHashMap<QuantityId, &OutputSlots> = FxHashMap::default();
        let mut controls = Vec::new();
        for slots in &layout.outputs {
            match slots.output.target {
                Target::Quantity(id) | Target::State(id) => drop(quantities.insert(id, slots)),
                Target::Control(rank) => controls.push((rank, slots)),
            }
        }
        let found = |ids: &[QuantityId]| ids.iter().map(|id| quantities.get(id).copied()).collect();
        Self { outputs: found(outputs), states: found(states), controls }
    }
}

/// Copies a column of results to the rows of a block, of which the ranks are given.
fn store_column(column: &mut ResultColumn, slots: &OutputSlots, done: &Done, rows: &[u32]) {
    let (block, count) = (&done.output, rows.len());
    let present = || block.flags(slots.present).take(count);
    // Nothing is there already.
    if !present().any(|present| present) {
        return;
    }
    let row = |i: usize| rows[i] as usize;
    present().enumerate().for_each(|(i, present)| column.present[row(i)] = present);
    match &mut column.values {
        ResultValues::Boolean(cells) => {
            block.flags(slots.value).take(count).enumerate().for_each(|(i, flag)| cells[row(i)] = flag);
        }
        ResultValues::Date(cells) => {
            each_integer(block, slots.value, count, |i, days| cells[row(i)] = days as i32);
        }
        ResultValues::Case(cells) => {
            each_integer(block, slots.value, count, |i, case| cells[row(i)] = case as u16);
        }
        // No result of a policy is a text.
        ResultValues::Text(_) => {}
        ResultValues::Number(numbers) => {
            let OutputValue::Fraction { constant, .. } = slots.output.value else { return };
            let rows = || rows.iter().map(|row| *row as usize);
            let short = slots.factor.is_none() && slots.value.width < Width::I128;
            match &mut numbers.denominators {
                // Over another constant: fewer decimals than the quantity may have.
                Denominators::Constant(known)
                    if short
                        && i128::from(*known) % constant == 0
                        && let Ok(times) = i64::try_from(i128::from(*known) / constant)
                        && let Some(values) = integers(block, slots, count, times) =>
                {
                    numbers.numerators.put(rows(), &values[..count]);
                    return;
                }
                Denominators::PerRow(denominators)
                    if short
                        && let Ok(constant) = i64::try_from(constant)
                        && let Some(values) = integers(block, slots, count, 1) =>
                {
                    numbers.numerators.put(rows(), &values[..count]);
                    // They begin at 1.
                    if constant != 1 {
                        denominators.put_same(rows(), constant);
                    }
                    return;
                }
                _ => {}
            }
            for (i, present) in present().enumerate() {
                if done.refused[i] || !present {
                    continue;
                }
                let numerator = block.integer(slots.value, i);
                let factor = slots.factor.map_or(1, |slot| block.integer(slot, i));
                numbers.set_quotient(row(i), numerator, constant, factor);
            }
        }
    }
}

/// So many times the values of a column of 64 bits at most, where they are present; `None` if one of them is too large.
pub(super) fn integers(block: &Block, slots: &OutputSlots, count: usize, times: i64) -> Option<[i64; BLOCK_ROWS]> {
    let mut values = [0; BLOCK_ROWS];
    each_integer(block, slots.value, count, |i, value| values[i] = value);
    let present = block.flags(slots.present);
    values.iter_mut().zip(present).for_each(|(value, present)| *value = if present { *value } else { 0 });
    if times != 1 {
        let (least, greatest) = ends(&values)?;
        least.checked_mul(times).zip(greatest.checked_mul(times))?;
        values.iter_mut().for_each(|value| *value *= times);
    }
    Some(values)
}

/// Gives the first integers of a column, which has 64 bits at most, with their ranks.
pub(super) fn each_integer(block: &Block, slot: Slot, count: usize, mut give: impl FnMut(usize, i64)) {
    match slot.width {
        Width::Flag => block.flags(slot).take(count).enumerate().for_each(|(i, flag)| give(i, i64::from(flag))),
        Width::I16 => block.cells::<i16>(slot).take(count).enumerate().for_each(|(i, cell)| give(i, i64::from(cell))),
        Width::I32 => block.cells::<i32>(slot).take(count).enumerate().for_each(|(i, cell)| give(i, i64::from(cell))),
        Width::I64 => block.cells::<i64>(slot).take(count).enumerate().for_each(|(i, cell)| give(i, cell)),
        // Nothing that wide comes here: see `short`; days and cases are short.
        Width::I128 => {}
    }
}
