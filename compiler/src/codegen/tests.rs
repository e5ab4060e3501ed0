//! Machine code against the meaning of each operation, node by node, on random kernels over every width.

use num_bigint::BigInt;
use num_traits::Signed as _;
use proptest::collection::vec;
use proptest::prelude::*;

use super::{BLOCK_ROWS, Block, CompiledKernels, Effort, Width, compile, width_of};
use crate::ir::{
    APPROXIMATE_ERROR, APPROXIMATE_RESULT, Builder, Kernel, NodeId, Op, Output, OutputValue, Range, Source, Target,
    operands,
};
use crate::num::{Ratio, binary64};
use crate::split::split;
use crate::typed::{CompareOp, InputId, QuantityId};

/// Intervals of inputs, from bytes to nearly all of 64 bits.
const RANGES: [Range; 10] = [
    (0, 1),
    (-50, 400),
    (0, 32_000),
    (-30_000, 30_000),
    (1, 1_000_000),
    (-2_000_000_000, 2_000_000_000),
    (0, 1 << 38),
    (0, 1 << 45),
    (-(1 << 51), 1 << 51),
    (-(1 << 62), 1 << 62),
];
/// Wider intervals of the first of them: the same column in lanes that are not its own.
const WIDER: [(usize, Range); 2] = [(1, (-1 << 40, 1 << 40)), (2, (-1, 1 << 20))];
const FLAGS: usize = 3;
const COMPARISONS: [CompareOp; 6] = [
    CompareOp::Equal,
    CompareOp::NotEqual,
    CompareOp::Less,
    CompareOp::LessOrEqual,
    CompareOp::Greater,
    CompareOp::GreaterOrEqual,
];
/// What approximations are multiplied by, over and under.
const FACTORS: [(i64, i64); 6] = [(1, 1), (1, 3), (100_000_000, 7), (1, 1_000_000_007), (1, 1 << 60), (1 << 60, 999)];
/// Quotients below it are always proved.
const PROVED: i128 = 1 << 49;

/// An operation and what picks its operands.
type Step = (u8, u16, u16, u16);

/// The cells of a row: for each integer, how it is picked and among which; then the flags.
type Row = ([(u8, i64); RANGES.len()], [bool; FLAGS]);

fn factor((above, below): (i64, i64)) -> Ratio {
    Ratio::new(above.into(), below.into())
}

fn source(rank: usize) -> Source {
    Source::Cell(InputId(rank as u32))
}

/// A kernel of which every node is an output.
fn kernel(steps: &[Step]) -> Kernel {
    let mut ir = Builder::default();
    let mut integers: Vec<NodeId> =
        RANGES.iter().enumerate().map(|(rank, range)| ir.load(source(rank), Some(*range))).collect();
    integers.extend(WIDER.map(|(rank, range)| ir.load(source(rank), Some(range))));
    integers.extend([0, 1, -7, 365, 1 << 20].map(|value| ir.constant(value)));
    let mut flags: Vec<NodeId> = (0..FLAGS).map(|rank| ir.load(source(RANGES.len() + rank), None)).collect();
    for step in steps {
        apply(&mut ir, *step, &mut integers, &mut flags);
    }
    every_node(ir)
}

fn apply(ir: &mut Builder, (op, a, b, c): Step, integers: &mut Vec<NodeId>, flags: &mut Vec<NodeId>) {
    let pick = |from: &[NodeId], which: u16| from[usize::from(which) % from.len()];
    let (x, y, flag) = (pick(integers, a), pick(integers, b), pick(flags, c));
    let (zero, one) = (ir.constant(0), ir.constant(1));
    let integer = match op % 14 {
        0 => ir.add(x, y),
        1 => ir.subtract(x, y),
        2 | 3 => ir.multiply(x, y),
        4 => ir.extremum(true, x, y),
        5 => ir.extremum(false, x, y),
        6 => ir.select(flag, x, y),
        7 => ir.integer(flag),
        8 => {
            let above = ir.extremum(true, x, zero);
            ir.divide_by(above, i128::from(c) + 1)
        }
        9 => {
            let (above, below) = (ir.extremum(true, x, zero), ir.extremum(true, y, one));
            ir.floor_divide(above, below)
        }
        10 => ir.narrow(x, 1 << (c % 80)),
        11 => {
            let below = ir.extremum(true, y, one);
            ir.approximate(x, below, binary64(&factor(FACTORS[usize::from(c) % FACTORS.len()])))
        }
        12 => {
            let compared = ir.compare(COMPARISONS[usize::from(c) % COMPARISONS.len()], x, y);
            flags.push(compared);
            return;
        }
        _ => {
            let other = pick(flags, a);
            let not = ir.not(other);
            let both = ir.and(flag, not);
            flags.extend([both, ir.or(both, other)]);
            return;
        }
    };
    integers.push(integer);
}

fn every_node(ir: Builder) -> Kernel {
    let (nodes, yes, no) = (ir.len(), ir.yes, ir.no);
    let bare = ir.finish(Vec::new(), no);
    let output = |rank: u32| {
        let node = NodeId(rank);
        let value = match bare.node(node).range {
            Some(_) => OutputValue::Integer(node),
            None => OutputValue::Flag(node),
        };
        Output { target: Target::Quantity(QuantityId(rank)), present: yes, value, doubt: None }
    };
    let outputs = (0..nodes as u32).map(output).collect();
    Kernel { outputs, ..bare }
}

/// A value of an interval: near its ends, near zero, of any magnitude, or anywhere.
fn cell((low, high): Range, (how, which): (u8, i64)) -> i128 {
    let which = i128::from(which);
    let value = match how % 5 {
        0 => low + which.rem_euclid(3),
        1 => high - which.rem_euclid(3),
        2 => which.rem_euclid(21) - 10,
        3 => which >> (how / 4),
        _ => low + which.rem_euclid(high - low + 1),
    };
    value.clamp(low, high)
}

/// What a row gives to a source.
fn given(row: &Row, rank: usize) -> i128 {
    match rank.checked_sub(RANGES.len()) {
        None => cell(RANGES[rank], row.0[rank]),
        Some(flag) => i128::from(row.1[flag]),
    }
}

/// Runs a kernel on rows followed by anything.
fn run(code: &CompiledKernels, rows: &[Row], after: i64) -> Block {
    let mut input = Block::new(code.layout.input_bytes);
    for (source, slot) in &code.layout.inputs {
        let Source::Cell(InputId(rank)) = *source else { unreachable!("kernels of these tests read cells alone") };
        let values = rows.iter().map(|row| given(row, rank as usize));
        if slot.width == Width::Flag {
            let bytes = values.map(|flag| if flag == 1 { u8::MAX } else { 0 });
            input.fill(*slot, bytes.chain(std::iter::repeat(after as u8)));
        } else {
            let values = values.map(|value| i64::try_from(value).expect("cells are of 64 bits"));
            input.fill_integers(*slot, values.chain(std::iter::repeat(after)));
        }
    }
    let mut output = Block::new(code.layout.output_bytes);
    output.all_mut().fill(CANARY);
    code.run(&input, &mut output, rows.len());
    output
}

/// What stands where no row is computed.
const CANARY: u8 = 0xA5;

/// The values that machine code found for a row, by node.
struct Found<'a> {
    kernel: &'a Kernel,
    values: Vec<i128>,
}

impl Found<'_> {
    fn range(&self, id: NodeId) -> Range {
        self.kernel.node(id).range.unwrap_or((0, 1))
    }

    /// The value of a node if it is within its interval. Outside, which only a narrowing or an unproved quotient may make,
    /// nothing is promised of what reads it.
    fn value(&self, id: NodeId) -> Option<i128> {
        let (low, high) = self.range(id);
        let value = self.values[id.index()];
        (low <= value && value <= high).then_some(value)
    }

    fn is_unproved(&self, quotient: NodeId) -> bool {
        let flag = self.kernel.nodes.iter().position(|node| node.op == Op::Unproved(quotient));
        flag.is_some_and(|flag| self.values[flag] == 1)
    }

    /// What an operation means, of the values of its operands; `None` where nothing is promised, or not one value.
    fn meaning(&self, id: NodeId, row: &Row) -> Option<i128> {
        Some(match self.kernel.node(id).op {
            Op::Constant(value) => value,
            Op::Load(Source::Cell(InputId(rank))) => given(row, rank as usize),
            Op::Load(_) | Op::Approximate(..) | Op::Unproved(_) => return None,
            Op::Add(a, b) => self.value(a)? + self.value(b)?,
            Op::Subtract(a, b) => self.value(a)? - self.value(b)?,
            Op::Multiply(a, b) => self.value(a)? * self.value(b)?,
            Op::DivideBy(a, divisor) => self.value(a)? / divisor,
            Op::FloorDivide(..) if self.is_unproved(id) => return None,
            Op::FloorDivide(a, b) => self.value(a)? / self.value(b)?,
            Op::Minimum(a, b) => self.value(a)?.min(self.value(b)?),
            Op::Maximum(a, b) => self.value(a)?.max(self.value(b)?),
            Op::Narrow(a) => {
                let (low, high) = self.range(id);
                return self.value(a).filter(|value| low <= *value && *value <= high);
            }
            Op::Compare(op, a, b) => i128::from(op.holds(self.value(a)?.cmp(&self.value(b)?))),
            Op::Exceeds(a, bound) => i128::from(self.value(a)?.abs() > bound),
            Op::And(a, b) => self.value(a)? & self.value(b)?,
            Op::Or(a, b) => self.value(a)? | self.value(b)?,
            Op::Not(a) => 1 - self.value(a)?,
            Op::Integer(a) => self.value(a)?,
            Op::Select(flag, a, b) => self.value(if self.value(flag)? == 1 { a } else { b })?,
        })
    }

    /// What is promised of an operation that has not one meaning.
    fn promise(&self, id: NodeId) -> Result<(), TestCaseError> {
        let value = self.values[id.index()];
        match self.kernel.node(id).op {
            Op::Approximate(a, b, bits) => {
                let (Some(a), Some(b)) = (self.value(a), self.value(b)) else { return Ok(()) };
                let factor = FACTORS.map(factor).into_iter().find(|factor| binary64(factor) == bits);
                let exact = factor.expect("one of them") * Ratio::new(a.into(), b.into());
                let whole = |value: i128| Ratio::from_integer(BigInt::from(value));
                if exact.abs() <= whole(APPROXIMATE_RESULT) {
                    prop_assert!(
                        whole(value) <= exact && exact < whole(value + APPROXIMATE_ERROR),
                        "{value} for {exact}"
                    );
                } else if exact.abs() > whole(APPROXIMATE_RESULT + APPROXIMATE_ERROR) {
                    prop_assert!(value.abs() > APPROXIMATE_RESULT, "{value} for {exact}");
                }
            }
            // A doubt on quotients that are easy to prove would be no error, but a waste.
            Op::Unproved(quotient) if value == 1 => {
                let Op::FloorDivide(a, b) = self.kernel.node(quotient).op else { unreachable!("only of quotients") };
                if let (Some(a), Some(b)) = (self.value(a), self.value(b)) {
                    prop_assert!(a / b >= PROVED, "{a} / {b} is not proved");
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn check(kernel: Kernel, rows: &[Row], effort: Effort) -> Result<(), TestCaseError> {
    let code = compile(vec![kernel.clone()], effort).expect("a kernel compiles");
    let (block, other) = (run(&code, rows, -1), run(&code, rows, 0x0123_4567_89AB_CDEF));
    let slots = &code.layout.outputs;
    for slot in slots {
        let bytes = slot.value.width.bytes();
        let column = |block: &Block| block.all()[slot.value.offset..][..BLOCK_ROWS * bytes].to_vec();
        let (column, other) = (column(&block), column(&other));
        prop_assert!(column[..rows.len() * bytes] == other[..rows.len() * bytes], "rows after the last one matter");
        let turns = rows.len().next_multiple_of(8) * bytes;
        prop_assert!(column[turns..].iter().all(|byte| *byte == CANARY), "rows after the last turn are written");
        if slot.value.width == Width::Flag {
            prop_assert!(
                column[..rows.len()].iter().all(|byte| [0, u8::MAX].contains(byte)),
                "a flag is all bits or none"
            );
        }
    }
    for (rank, row) in rows.iter().enumerate() {
        let values = slots.iter().map(|slot| block.integer(slot.value, rank)).collect();
        let found = Found { kernel: &kernel, values };
        for id in (0..kernel.nodes.len() as u32).map(NodeId) {
            if let Some(meaning) = found.meaning(id, row) {
                prop_assert_eq!(found.values[id.index()], meaning, "n{} on row {} of\n{}", id.0, rank, kernel);
                prop_assert_eq!(found.value(id), Some(meaning), "n{} leaves its interval in\n{}", id.0, kernel);
            }
            found.promise(id)?;
        }
    }
    Ok(())
}

fn steps(how_many: impl Into<proptest::collection::SizeRange>) -> impl Strategy<Value = Vec<Step>> {
    vec(any::<Step>(), how_many)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn machine_code_means_what_each_operation_means(steps in steps(1..40), rows in vec(any::<Row>(), 1..=BLOCK_ROWS)) {
        let kernel = kernel(&steps);
        check(kernel.clone(), &rows, Effort::Quick)?;
        check(kernel, &rows, Effort::Careful)?;
    }

    /// Integers of 128 bits that nothing else needs are estimated: what is decided of them is the same.
    #[test]
    fn estimates_decide_as_integers_do(steps in steps(10..80), rows in vec(any::<Row>(), 1..=BLOCK_ROWS)) {
        let whole = kernel(&steps);
        let outputs = whole.outputs.iter().filter(|output| output.roots().all(|id| !whole.node(id).is_wide()));
        let short = Kernel { outputs: outputs.cloned().collect(), ..whole.clone() };
        let [computed, estimated] =
            [whole.clone(), short].map(|kernel| compile(vec![kernel], Effort::Quick).expect("a kernel compiles"));
        let (one, other) = (run(&computed, &rows, 0), run(&estimated, &rows, 0));
        for row in 0..rows.len() {
            let values = computed.layout.outputs.iter().map(|slots| one.integer(slots.value, row)).collect();
            let found = Found { kernel: &whole, values };
            // What reads an integer outside its interval, or a quotient in doubt, is in doubt.
            let mut sound = Vec::with_capacity(whole.nodes.len());
            for id in (0..whole.nodes.len() as u32).map(NodeId) {
                let op = whole.node(id).op;
                let below = operands(op).into_iter().flatten().all(|id| sound[id.index()]);
                let doubtful = matches!(op, Op::Unproved(_)) || found.is_unproved(id);
                sound.push(below && !doubtful && found.value(id).is_some());
            }
            for slots in &estimated.layout.outputs {
                let Target::Quantity(QuantityId(rank)) = slots.output.target else { unreachable!("of the kernel above") };
                if sound[rank as usize] {
                    let (value, expected) = (other.integer(slots.value, row), found.values[rank as usize]);
                    prop_assert_eq!(value, expected, "n{} on row {} of\n{}", rank, row, whole);
                }
            }
        }
    }

    #[test]
    fn cutting_a_kernel_changes_nothing(
        steps in steps(20..120),
        nodes in 4usize..60,
        rows in vec(any::<Row>(), 1..=BLOCK_ROWS),
    ) {
        let whole = kernel(&steps);
        let parts = split(whole.clone(), nodes);
        let live = whole.live().len();
        prop_assert!(parts.len() > 1 || live < 2 * nodes, "{} operations in one kernel of {}", live, nodes);
        let [whole, parts] = [vec![whole], parts].map(|kernels| compile(kernels, Effort::Quick).expect("it compiles"));
        let (one, other) = (run(&whole, &rows, 0), run(&parts, &rows, 0));
        for slots in &whole.layout.outputs {
            let same = parts.layout.outputs.iter().find(|known| known.output.target == slots.output.target);
            let same = same.expect("no output is lost");
            for row in 0..rows.len() {
                prop_assert_eq!(one.integer(slots.value, row), other.integer(same.value, row));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn long_kernels_too(steps in steps(2_500..2_600), rows in vec(any::<Row>(), 9..=17)) {
        check(kernel(&steps), &rows, Effort::Quick)?;
    }
}

/// Halves of 64 bits have opposite signs there.
#[test]
fn small_negative_integers_of_128_bits_are_approximated() {
    let mut ir = Builder::default();
    let one = ir.constant(1);
    let [a, b] = [9, 6].map(|rank| ir.load(source(rank), Some(RANGES[rank])));
    let product = ir.multiply(a, b);
    assert_eq!(ir.range(product), (-(1 << 100), 1 << 100));
    assert_eq!(width_of(Some(ir.range(product))), Width::I128);
    ir.approximate(product, one, binary64(&factor((1, 1))));
    let kernel = every_node(ir);
    let approximation = kernel.nodes.iter().position(|node| matches!(node.op, Op::Approximate(..))).expect("is there");
    let code = compile(vec![kernel], Effort::Careful).expect("a kernel compiles");
    for numerator in [-5i128, -1, 0, 1, 5, -(1 << 40)] {
        // Rank 3 of the ways to pick a cell: as it stands.
        let mut row: Row = Default::default();
        row.0[9] = (3, numerator as i64);
        row.0[6] = (3, 1);
        let value = run(&code, &[row], 0).integer(code.layout.outputs[approximation].value, 0);
        assert!(value <= numerator && numerator < value + APPROXIMATE_ERROR, "{value} for {numerator}");
    }
}
