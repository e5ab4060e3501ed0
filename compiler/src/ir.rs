//! The intermediate representation of one kernel: a policy under the law of one year, a straight line of pure operations on
//! integers and flags, without branches.
//!
//! Every integer has an interval proved from the declared ranges of the inputs: it gives the width, and no operation can
//! leave it. Where a bound would pass [`LIMIT`], a [`Op::Narrow`] cuts the interval, and the rows outside are handed to the
//! interpreter.

use polc_dsl::ast::Reach;
use rustc_hash::FxHashMap;

use crate::typed::{CompareOp, InputId, QuantityId};

/// Bound of the magnitude of every integer. Low enough for a doubling and a few additions to stay within 128 bits.
pub const LIMIT: i128 = 1 << 122;
/// Bound of the result of an approximation.
pub const APPROXIMATE_RESULT: i128 = 1 << 47;
/// How much the value that an approximation stands for may be above it.
pub const APPROXIMATE_ERROR: i128 = 2;

/// Bound of a quotient of integers that machine code cannot divide for sure: what is computed from it stays within 64 bits. As
/// cents, eleven thousand billion euros.
pub const QUOTIENT_LIMIT: i128 = 1 << 50;

/// Bound of what [`Op::DivideBy`] divides.
pub const SHORT_DIVIDEND: i128 = 1 << 48;

/// Scale of the numbers that a row takes from last year's: multiples of a millionth.
pub const STATE_DECIMALS: u32 = 6;
/// Bound of those numbers, scaled.
pub const STATE_LIMIT: i128 = 1 << 50;
/// Bound of the numerators and denominators of those that are fractions.
pub const STATE_FRACTION_LIMIT: i128 = 1 << 40;

/// Rank of a node in [`Kernel::nodes`]; operands come before what uses them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

impl NodeId {
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a row gives a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// The cell, scaled, as days, as the rank of a case, or as a flag.
    Cell(InputId),
    /// Whether the cell is empty without default.
    Missing(InputId),
    /// The cell of an earlier row of the same key, and whether there is one.
    PastCell(Reach, InputId),
    PastCellPresent(Reach, InputId),
    /// The result of an earlier row, whether it applies, and whether it is unknown (an error, or a number out of scale).
    PastResult(Reach, QuantityId),
    PastResultPresent(Reach, QuantityId),
    PastResultUnknown(Reach, QuantityId),
    /// What an earlier kernel left: see [`Kernel::stages`].
    Stage(u32),
    /// The figure of the row's group: numerator, whether there is one, whether it is unknown, and what divides it.
    Aggregate(QuantityId),
    AggregatePresent(QuantityId),
    AggregateUnknown(QuantityId),
    AggregateDivisor(QuantityId),
    /// What divides the result of an earlier row that is not a decimal number; 1 at least.
    PastResultDivisor(Reach, QuantityId),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    Constant(i128),
    Load(Source),
    Add(NodeId, NodeId),
    Subtract(NodeId, NodeId),
    Multiply(NodeId, NodeId),
    /// Quotient towards zero of a non-negative integer, below [`SHORT_DIVIDEND`], by a positive constant.
    DivideBy(NodeId, i128),
    /// `numerator / denominator` to the nearest integer at or below, both as they stand: numerator not negative,
    /// denominator positive.
    FloorDivide(NodeId, NodeId),
    /// `factor × numerator / denominator` at most, and less than [`APPROXIMATE_ERROR`] below it; the factor in binary64.
    /// Beyond twice [`APPROXIMATE_RESULT`] in magnitude, just less than that.
    Approximate(NodeId, NodeId, u64),
    Minimum(NodeId, NodeId),
    Maximum(NodeId, NodeId),
    /// The same value, known to lie in its interval: other rows have been handed over.
    Narrow(NodeId),
    Compare(CompareOp, NodeId, NodeId),
    /// Whether a [`Op::FloorDivide`] of integers that machine code cannot divide for sure is not what was computed, or leaves
    /// its interval, which [`QUOTIENT_LIMIT`] bounds.
    Unproved(NodeId),
    /// Whether the magnitude is above a bound.
    Exceeds(NodeId, i128),
    And(NodeId, NodeId),
    Or(NodeId, NodeId),
    Not(NodeId),
    /// 1 or 0.
    Integer(NodeId),
    Select(NodeId, NodeId, NodeId),
}

/// The least and the most that an integer can be.
pub type Range = (i128, i128);

#[derive(Clone, Copy, Debug)]
pub struct Node {
    pub op: Op,
    /// Absent for flags.
    pub range: Option<Range>,
    /// The quantity for which it was first computed.
    pub of: Option<QuantityId>,
}

impl Node {
    /// Whether the integer needs more than 64 bits.
    #[must_use]
    pub fn is_wide(&self) -> bool {
        self.range.is_some_and(|(low, high)| low < i128::from(i64::MIN) || high > i128::from(i64::MAX))
    }
}

/// What a kernel computes for a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    Quantity(QuantityId),
    /// Rank of a row control in the program.
    Control(u32),
    /// What later rows read of a quantity that is not asked for.
    State(QuantityId),
}

#[derive(Clone, Debug)]
pub struct Output {
    pub target: Target,
    /// Whether the result applies to the row.
    pub present: NodeId,
    pub value: OutputValue,
    /// Whether only the interpreter can tell it; `None` where it always can be told.
    pub doubt: Option<NodeId>,
}

impl Output {
    /// The nodes that it is made of.
    pub fn roots(&self) -> impl Iterator<Item = NodeId> {
        let (value, factor) = match self.value {
            OutputValue::Flag(node) | OutputValue::Integer(node) => (node, None),
            OutputValue::Fraction { numerator, factor, .. } => (numerator, factor),
        };
        [Some(self.present), Some(value), factor, self.doubt].into_iter().flatten()
    }
}

#[derive(Clone, Debug)]
pub enum OutputValue {
    Flag(NodeId),
    /// Days, or the rank of a case.
    Integer(NodeId),
    /// `numerator / (constant × product of factors)`.
    Fraction {
        numerator: NodeId,
        constant: i128,
        factor: Option<NodeId>,
    },
}

#[derive(Clone, Debug)]
pub struct Kernel {
    pub nodes: Vec<Node>,
    pub outputs: Vec<Output>,
    /// Values left for later kernels of the same rows, each under a number.
    pub stages: Vec<(u32, NodeId)>,
    /// Whether the row as a whole must be handed to the interpreter; of several kernels, the last one tells.
    pub status: Option<NodeId>,
}

impl Kernel {
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// The nodes that outputs, stages and status need, in order.
    #[must_use]
    pub fn live(&self) -> Vec<NodeId> {
        let mut roots: Vec<NodeId> = self.status.into_iter().collect();
        roots.extend(self.outputs.iter().flat_map(Output::roots));
        roots.extend(self.stages.iter().map(|(_, node)| *node));
        let reached = self.reached(&roots);
        (0..self.nodes.len() as u32).map(NodeId).filter(|id| reached[id.index()]).collect()
    }

    /// Whether each node is one of these, or what they are computed from.
    #[must_use]
    pub fn reached(&self, from: &[NodeId]) -> Vec<bool> {
        let mut reached = vec![false; self.nodes.len()];
        from.iter().for_each(|id| reached[id.index()] = true);
        for index in (0..self.nodes.len()).rev() {
            if reached[index] {
                operands(self.nodes[index].op).into_iter().flatten().for_each(|id| reached[id.index()] = true);
            }
        }
        reached
    }

    /// What the rows must bring.
    #[must_use]
    pub fn sources(&self) -> Vec<Source> {
        let mut sources: Vec<Source> = self
            .live()
            .into_iter()
            .filter_map(|id| match self.node(id).op {
                Op::Load(source) => Some(source),
                _ => None,
            })
            .collect();
        sources.sort_unstable();
        sources.dedup();
        sources
    }
}

/// One line per live node, for tests and for people who work on the compiler.
impl std::fmt::Display for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for id in self.live() {
            let node = self.node(id);
            write!(f, "n{} = {:?}", id.0, node.op)?;
            match node.range {
                Some((low, high)) => writeln!(f, " in [{low}, {high}]")?,
                None => writeln!(f)?,
            }
        }
        for output in &self.outputs {
            writeln!(f, "{:?} = {:?} if n{}", output.target, output.value, output.present.0)?;
        }
        for (stage, node) in &self.stages {
            writeln!(f, "stage {stage} = n{}", node.0)?;
        }
        self.status.iter().try_for_each(|status| writeln!(f, "status = n{}", status.0))
    }
}

/// The same operation on other operands.
pub fn map_operands(op: Op, mut f: impl FnMut(NodeId) -> NodeId) -> Op {
    match op {
        Op::Constant(_) | Op::Load(_) => op,
        Op::DivideBy(a, divisor) => Op::DivideBy(f(a), divisor),
        Op::Unproved(a) => Op::Unproved(f(a)),
        Op::Exceeds(a, bound) => Op::Exceeds(f(a), bound),
        Op::Narrow(a) => Op::Narrow(f(a)),
        Op::Not(a) => Op::Not(f(a)),
        Op::Integer(a) => Op::Integer(f(a)),
        Op::Add(a, b) => Op::Add(f(a), f(b)),
        Op::Subtract(a, b) => Op::Subtract(f(a), f(b)),
        Op::Multiply(a, b) => Op::Multiply(f(a), f(b)),
        Op::FloorDivide(a, b) => Op::FloorDivide(f(a), f(b)),
        Op::Approximate(a, b, factor) => Op::Approximate(f(a), f(b), factor),
        Op::Minimum(a, b) => Op::Minimum(f(a), f(b)),
        Op::Maximum(a, b) => Op::Maximum(f(a), f(b)),
        Op::Compare(how, a, b) => Op::Compare(how, f(a), f(b)),
        Op::And(a, b) => Op::And(f(a), f(b)),
        Op::Or(a, b) => Op::Or(f(a), f(b)),
        Op::Select(a, b, c) => Op::Select(f(a), f(b), f(c)),
    }
}

/// The operands of an operation.
#[must_use]
pub fn operands(op: Op) -> [Option<NodeId>; 3] {
    let mut found = [None; 3];
    let mut free = found.iter_mut();
    map_operands(op, |id| {
        free.next().into_iter().for_each(|place| *place = Some(id));
        id
    });
    found
}

/// Whether an estimate of the quotient in binary64 is less than a half off: the nearest integer is then the floor or one
/// more, and one remainder of 64 bits tells.
#[must_use]
pub fn divides_surely(numerator: Range, denominator: Range) -> bool {
    let (most, divisor) = (numerator.1.max(0), denominator.1.max(0));
    let exact = most < 1 << 51 && divisor < 1 << 51;
    exact || (most / denominator.0.max(1) < 1 << 50 && most.max(divisor) < 1 << 61)
}

/// Why only the interpreter can tell some values of some rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// A cell that is read is empty and has no default.
    EmptyCell(InputId),
    /// The result of an earlier row is not known, or out of scale.
    EarlierResult(QuantityId),
    /// The figure of the group is not known, or out of scale.
    Aggregate(QuantityId),
    ZeroDivisor,
    SeveralRules,
    SeveralDerogations,
    /// A date may leave the calendar.
    Calendar,
    /// An integer may pass its bound.
    Bound,
    /// Integers of 128 bits that machine code may not divide for sure.
    Unproved,
    /// The two ends of what is not computed exactly may decide differently.
    Approximation,
    /// What machine code is not made for.
    Unsupported,
}

/// A place of a kernel where a doubt may be raised.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    pub reason: Reason,
    /// What raises it, and where that matters.
    pub cause: NodeId,
    pub flag: NodeId,
    /// The quantity being computed.
    pub of: Option<QuantityId>,
}

/// Builds nodes: shares equal ones, folds constants, keeps intervals, collects the reasons to doubt what is being computed.
#[derive(Debug)]
pub struct Builder {
    nodes: Vec<Node>,
    /// For each node, what a flag is made of, as a set of hashes: flags that share nothing do not imply each other.
    atoms: Vec<u64>,
    known: FxHashMap<(Op, Option<Range>), NodeId>,
    doubt: NodeId,
    /// How far to look for flags that follow from others: it makes kernels shorter, and takes time.
    pub depth: u32,
    /// Where doubts are raised, whatever becomes of them.
    pub sites: Vec<Site>,
    /// The quantity being computed.
    pub of: Option<QuantityId>,
    pub yes: NodeId,
    pub no: NodeId,
}

impl Default for Builder {
    fn default() -> Self {
        let mut builder = Self {
            nodes: Vec::new(),
            atoms: Vec::new(),
            known: FxHashMap::default(),
            doubt: NodeId(0),
            depth: 6,
            sites: Vec::new(),
            of: None,
            yes: NodeId(0),
            no: NodeId(0),
        };
        // Flags are constants without an interval.
        builder.no = builder.push(Op::Constant(0), None);
        builder.yes = builder.push(Op::Constant(1), None);
        builder.doubt = builder.no;
        builder
    }
}

impl Builder {
    fn push(&mut self, op: Op, range: Option<Range>) -> NodeId {
        if let Some(id) = self.known.get(&(op, range)) {
            return *id;
        }
        let id = NodeId(self.nodes.len() as u32);
        self.atoms.push(match op {
            Op::And(a, b) | Op::Or(a, b) => self.atoms[a.index()] | self.atoms[b.index()],
            Op::Not(a) => self.atoms[a.index()],
            _ => 1 << (id.0 % 64),
        });
        self.nodes.push(Node { op, range, of: self.of });
        self.known.insert((op, range), id);
        id
    }

    /// Nodes so far, needed or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    #[must_use]
    pub fn finish(self, outputs: Vec<Output>, status: NodeId) -> Kernel {
        Kernel { nodes: self.nodes, outputs, stages: Vec::new(), status: Some(status) }
    }

    #[must_use]
    pub fn op(&self, id: NodeId) -> Op {
        self.nodes[id.index()].op
    }

    /// The interval of an integer.
    #[must_use]
    pub fn range(&self, id: NodeId) -> Range {
        self.nodes[id.index()].range.unwrap_or((0, 1))
    }

    /// The value of an integer that is the same on every row.
    #[must_use]
    pub fn constant_of(&self, id: NodeId) -> Option<i128> {
        let (low, high) = self.nodes[id.index()].range?;
        (low == high).then_some(low)
    }

    pub fn flag(&mut self, value: bool) -> NodeId {
        if value { self.yes } else { self.no }
    }

    pub fn constant(&mut self, value: i128) -> NodeId {
        self.push(Op::Constant(value), Some((value, value)))
    }

    pub fn load(&mut self, source: Source, range: Option<Range>) -> NodeId {
        match range {
            Some((low, high)) if low == high => self.constant(low),
            _ => self.push(Op::Load(source), range),
        }
    }

    /// Only the interpreter can tell what is being computed where both hold.
    pub fn hand_over(&mut self, live: NodeId, cause: NodeId, reason: Reason) {
        let flag = self.and(live, cause);
        if flag != self.no {
            self.sites.push(Site { reason, cause, flag, of: self.of });
        }
        self.doubt = self.or(self.doubt, flag);
    }

    /// A doubt raised before reaches what is being computed, where `live` holds.
    pub fn pass_on(&mut self, live: NodeId, doubt: NodeId) {
        let both = self.and(live, doubt);
        self.doubt = self.or(self.doubt, both);
    }

    /// Takes the doubts gathered since the last time, leaving others in their place.
    pub fn swap_doubt(&mut self, other: NodeId) -> NodeId {
        std::mem::replace(&mut self.doubt, other)
    }

    /// Whether a flag is the same on every row.
    #[must_use]
    pub fn is_constant_flag(&self, id: NodeId) -> bool {
        id == self.yes || id == self.no
    }

    #[must_use]
    pub fn magnitude(&self, id: NodeId) -> i128 {
        let (low, high) = self.range(id);
        low.saturating_abs().max(high.saturating_abs())
    }

    /// The same integer within a bound; rows outside are handed over.
    pub fn narrow(&mut self, id: NodeId, bound: i128) -> NodeId {
        let (low, high) = self.range(id);
        if low >= -bound && high <= bound {
            return id;
        }
        if low > bound || high < -bound {
            // No row is within the bound.
            let yes = self.yes;
            self.hand_over(yes, yes, Reason::Bound);
            return self.constant(0);
        }
        let range = (low.max(-bound), high.min(bound));
        let outside = self.push(Op::Exceeds(id, bound), None);
        let yes = self.yes;
        // Unconditional: a branch not taken may hand a row over needlessly, which only costs time.
        self.hand_over(yes, outside, Reason::Bound);
        self.push(Op::Narrow(id), Some(range))
    }

    pub fn add(&mut self, a: NodeId, b: NodeId) -> NodeId {
        match (self.constant_of(a), self.constant_of(b)) {
            (Some(x), Some(y)) => return self.constant(x + y),
            (Some(0), _) => return b,
            (_, Some(0)) => return a,
            _ => {}
        }
        let (a, b) = (self.narrow(a, LIMIT / 2), self.narrow(b, LIMIT / 2));
        let ((al, ah), (bl, bh)) = (self.range(a), self.range(b));
        let (a, b) = if a <= b { (a, b) } else { (b, a) };
        self.push(Op::Add(a, b), Some((al + bl, ah + bh)))
    }

    pub fn subtract(&mut self, a: NodeId, b: NodeId) -> NodeId {
        match (self.constant_of(a), self.constant_of(b)) {
            (Some(x), Some(y)) => return self.constant(x - y),
            (_, Some(0)) => return a,
            _ if a == b => return self.constant(0),
            _ => {}
        }
        let (a, b) = (self.narrow(a, LIMIT / 2), self.narrow(b, LIMIT / 2));
        let ((al, ah), (bl, bh)) = (self.range(a), self.range(b));
        self.push(Op::Subtract(a, b), Some((al - bh, ah - bl)))
    }

    pub fn multiply(&mut self, a: NodeId, b: NodeId) -> NodeId {
        match (self.constant_of(a), self.constant_of(b)) {
            (Some(x), Some(y)) if x.checked_mul(y).is_some_and(|p| p.abs() <= LIMIT) => return self.constant(x * y),
            (Some(0), _) | (_, Some(0)) => return self.constant(0),
            (Some(1), _) => return b,
            (_, Some(1)) => return a,
            _ => {}
        }
        // The larger side gives way.
        let (mut a, mut b) = if self.magnitude(a) <= self.magnitude(b) { (a, b) } else { (b, a) };
        let room = LIMIT / self.magnitude(a).max(1);
        b = self.narrow(b, room);
        let ((al, ah), (bl, bh)) = (self.range(a), self.range(b));
        let products = [al * bl, al * bh, ah * bl, ah * bh];
        let range = products.iter().fold((i128::MAX, i128::MIN), |(l, h), p| (l.min(*p), h.max(*p)));
        if a > b {
            std::mem::swap(&mut a, &mut b);
        }
        self.push(Op::Multiply(a, b), Some(range))
    }

    pub fn negate(&mut self, a: NodeId) -> NodeId {
        let zero = self.constant(0);
        self.subtract(zero, a)
    }

    /// Quotient of a non-negative integer by a positive constant.
    pub fn divide_by(&mut self, a: NodeId, divisor: i128) -> NodeId {
        let (low, high) = self.range(a);
        let low = low.max(0);
        if divisor == 1 {
            return a;
        }
        if divisor <= 0 {
            // What stands for a number that no row can have.
            return self.constant(0);
        }
        if low / divisor == high / divisor {
            return self.constant(low / divisor);
        }
        if high >= SHORT_DIVIDEND {
            let denominator = self.constant(divisor);
            return self.push_division(a, denominator, (low / divisor, high / divisor));
        }
        self.push(Op::DivideBy(a, divisor), Some((low / divisor, high / divisor)))
    }

    /// Floor of a non-negative numerator over a positive denominator.
    pub fn floor_divide(&mut self, numerator: NodeId, denominator: NodeId) -> NodeId {
        let (low, high) = self.range(numerator);
        let (least, most) = self.range(denominator);
        if let Some(divisor) = self.constant_of(denominator) {
            return self.divide_by(numerator, divisor);
        }
        let range = (low.max(0) / most.max(1), high.max(0) / least.max(1));
        self.push_division(numerator, denominator, range)
    }

    fn push_division(&mut self, numerator: NodeId, denominator: NodeId, (low, high): Range) -> NodeId {
        let yes = self.yes;
        if divides_surely(self.range(numerator), self.range(denominator)) {
            return self.push(Op::FloorDivide(numerator, denominator), Some((low, high)));
        }
        if low > QUOTIENT_LIMIT {
            // No row is within the bound.
            self.hand_over(yes, yes, Reason::Bound);
            return self.constant(0);
        }
        let quotient = self.push(Op::FloorDivide(numerator, denominator), Some((low, high.min(QUOTIENT_LIMIT))));
        let unproved = self.push(Op::Unproved(quotient), None);
        self.hand_over(yes, unproved, Reason::Unproved);
        quotient
    }

    /// A quotient as a whole number of parts, where it is not wanted exactly: what [`Op::Approximate`] says of it. Rows of
    /// which the result passes its bound are handed over.
    pub fn approximate(&mut self, numerator: NodeId, denominator: NodeId, factor: u64) -> NodeId {
        let least = if self.range(numerator).0 >= 0 { -1 } else { -2 * APPROXIMATE_RESULT };
        let parts = self.push(Op::Approximate(numerator, denominator, factor), Some((least, 2 * APPROXIMATE_RESULT)));
        self.narrow(parts, APPROXIMATE_RESULT)
    }

    pub fn extremum(&mut self, largest: bool, a: NodeId, b: NodeId) -> NodeId {
        let ((al, ah), (bl, bh)) = (self.range(a), self.range(b));
        if a == b {
            return a;
        }
        if largest {
            if al >= bh {
                return a;
            }
            if bl >= ah {
                return b;
            }
            // The magnitude of a number.
            let opposite = |x: NodeId, y: NodeId| matches!(self.op(y), Op::Subtract(zero, z) if z == x && self.constant_of(zero) == Some(0));
            let least = if opposite(a, b) || opposite(b, a) { 0 } else { al.max(bl) };
            return self.push(Op::Maximum(a, b), Some((least, ah.max(bh))));
        }
        if ah <= bl {
            return a;
        }
        if bh <= al {
            return b;
        }
        self.push(Op::Minimum(a, b), Some((al.min(bl), ah.min(bh))))
    }

    pub fn compare(&mut self, op: CompareOp, a: NodeId, b: NodeId) -> NodeId {
        let ((al, ah), (bl, bh)) = (self.range(a), self.range(b));
        let decided = match op {
            _ if a == b => Some(op.holds(std::cmp::Ordering::Equal)),
            _ if al == ah && bl == bh => Some(op.holds(al.cmp(&bl))),
            _ if ah < bl => Some(op.holds(std::cmp::Ordering::Less)),
            _ if al > bh => Some(op.holds(std::cmp::Ordering::Greater)),
            CompareOp::LessOrEqual if ah <= bl => Some(true),
            CompareOp::Greater if ah <= bl => Some(false),
            CompareOp::GreaterOrEqual if al >= bh => Some(true),
            CompareOp::Less if al >= bh => Some(false),
            _ => None,
        };
        match decided {
            Some(value) => self.flag(value),
            None => self.push(Op::Compare(op, a, b), None),
        }
    }

    pub fn and(&mut self, a: NodeId, b: NodeId) -> NodeId {
        if self.implies(a, b) {
            return a;
        }
        if self.implies(b, a) {
            return b;
        }
        if self.excludes(a, b) {
            return self.no;
        }
        let (a, b) = if a <= b { (a, b) } else { (b, a) };
        self.push(Op::And(a, b), None)
    }

    pub fn or(&mut self, a: NodeId, b: NodeId) -> NodeId {
        if self.implies(a, b) {
            return b;
        }
        if self.implies(b, a) {
            return a;
        }
        for (one, other) in [(a, b), (b, a)] {
            if let Op::Not(inner) = self.op(one)
                && self.implies(inner, other)
            {
                return self.yes;
            }
        }
        let (a, b) = if a <= b { (a, b) } else { (b, a) };
        self.push(Op::Or(a, b), None)
    }

    pub fn not(&mut self, a: NodeId) -> NodeId {
        if a == self.yes {
            return self.no;
        }
        if a == self.no {
            return self.yes;
        }
        match self.op(a) {
            Op::Not(inner) => inner,
            _ => self.push(Op::Not(a), None),
        }
    }

    pub fn integer(&mut self, flag: NodeId) -> NodeId {
        if flag == self.yes {
            return self.constant(1);
        }
        if flag == self.no {
            return self.constant(0);
        }
        self.push(Op::Integer(flag), Some((0, 1)))
    }

    /// One of two integers.
    pub fn select(&mut self, flag: NodeId, a: NodeId, b: NodeId) -> NodeId {
        if flag == self.yes || a == b {
            return a;
        }
        if flag == self.no {
            return b;
        }
        if self.constant_of(a) == Some(1) && self.constant_of(b) == Some(0) {
            return self.integer(flag);
        }
        let ((al, ah), (bl, bh)) = (self.range(a), self.range(b));
        self.push(Op::Select(flag, a, b), Some((al.min(bl), ah.max(bh))))
    }

    /// One of two flags.
    pub fn select_flag(&mut self, flag: NodeId, a: NodeId, b: NodeId) -> NodeId {
        let then = self.and(flag, a);
        let other = self.not(flag);
        let otherwise = self.and(other, b);
        self.or(then, otherwise)
    }

    /// Whether a flag holds wherever another does, as far as the way both are made shows.
    #[must_use]
    pub fn implies(&self, premise: NodeId, conclusion: NodeId) -> bool {
        self.follows(premise, conclusion, self.depth)
    }

    fn follows(&self, premise: NodeId, conclusion: NodeId, depth: u32) -> bool {
        if premise == conclusion || conclusion == self.yes || premise == self.no {
            return true;
        }
        // What is made of nothing follows only from what is made of it, which comes later.
        let is_bare = |id| !matches!(self.op(id), Op::And(..) | Op::Or(..) | Op::Not(_));
        if conclusion > premise && is_bare(conclusion) || premise > conclusion && is_bare(premise) {
            return false;
        }
        if self.atoms[premise.index()] & self.atoms[conclusion.index()] == 0 {
            return false;
        }
        let Some(depth) = depth.checked_sub(1) else { return false };
        let by_premise = match (self.op(premise), self.op(conclusion)) {
            (Op::Not(a), Op::Not(b)) => return self.follows(b, a, depth),
            (Op::Or(a, b), _) => return self.follows(a, conclusion, depth) && self.follows(b, conclusion, depth),
            (Op::And(a, b), _) => self.follows(a, conclusion, depth) || self.follows(b, conclusion, depth),
            _ => false,
        };
        by_premise
            || match self.op(conclusion) {
                Op::And(a, b) => self.follows(premise, a, depth) && self.follows(premise, b, depth),
                Op::Or(a, b) => self.follows(premise, a, depth) || self.follows(premise, b, depth),
                _ => false,
            }
    }

    /// Whether two flags never hold together, as far as the way both are made shows.
    fn excludes(&self, a: NodeId, b: NodeId) -> bool {
        [(a, b), (b, a)].into_iter().any(|(one, other)| match self.op(one) {
            Op::Not(inner) => self.implies(other, inner),
            Op::And(x, y) => [x, y].into_iter().any(|part| match self.op(part) {
                Op::Not(inner) => self.implies(other, inner),
                _ => false,
            }),
            _ => false,
        })
    }

    /// The prime factors, as far as they are known: the operands of products, down.
    #[must_use]
    pub fn factors(&self, id: NodeId) -> Vec<NodeId> {
        match self.op(id) {
            Op::Multiply(a, b) => {
                let mut factors = self.factors(a);
                factors.extend(self.factors(b));
                factors.sort_unstable();
                factors
            }
            _ => vec![id],
        }
    }
}
