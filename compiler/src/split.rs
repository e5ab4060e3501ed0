//! A kernel cut into several, to run one after the other over the same rows.
//!
//! A loop reads all its code again every eight rows: short ones stay in the first-level cache, and registers are allocated in
//! a time that grows faster than their length. The values that a kernel computes and a later one reads go through columns of
//! the block, as they are: nothing is computed otherwise than in one piece, and nothing that takes long is computed twice.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::ir::{Kernel, Node, NodeId, Op, Output, OutputValue, Source, map_operands, operands};

/// What a node of 128 bits counts for: it is done row by row.
const WIDE: usize = 8;
/// Operations that are done again rather than left in a column.
const AGAIN: usize = 4;

/// Cuts a kernel into kernels of about so many operations.
#[must_use]
pub fn split(kernel: Kernel, nodes: usize) -> Vec<Kernel> {
    let live = kernel.live();
    let parts = cut(&kernel, &live, nodes);
    if parts.len() < 2 {
        return vec![kernel];
    }
    let mut part_of: Vec<usize> = vec![0; kernel.nodes.len()];
    let mut part = 0;
    for (position, id) in live.iter().enumerate() {
        part += usize::from(parts.get(part + 1).is_some_and(|start| *start == position));
        part_of[id.index()] = match kernel.node(*id).op {
            // What tells whether a quotient is right comes with the quotient.
            Op::Unproved(quotient) => part_of[quotient.index()],
            _ => part,
        };
    }
    let cheap = cheap(&kernel, &live);
    let mut pieces: Vec<Piece> = parts.iter().map(|_| Piece::default()).collect();
    let mut stages = Stages { kernel: &kernel, cheap: &cheap, known: BTreeMap::new() };
    for id in &live {
        let piece = &mut pieces[part_of[id.index()]];
        stages.put(piece, *id);
    }
    for output in &kernel.outputs {
        let last = output.roots().map(|id| part_of[id.index()]).max().unwrap_or(0);
        let piece = &mut pieces[last];
        let output = stages.output(piece, output);
        piece.outputs.push(output);
    }
    if let (Some(status), Some(piece)) = (kernel.status, pieces.last_mut()) {
        piece.status = Some(stages.read(piece, status));
    }
    for (id, stage) in stages.known {
        let piece = &mut pieces[part_of[id.index()]];
        piece.stages.push((stage, piece.ids[&id]));
    }
    pieces.into_iter().map(Piece::finish).collect()
}

/// The positions where parts start: near a number of operations, where few values pass from one to the next.
fn cut(kernel: &Kernel, live: &[NodeId], nodes: usize) -> Vec<usize> {
    // How many values computed before each position are read after it.
    let mut position_of = vec![0; kernel.nodes.len()];
    live.iter().enumerate().for_each(|(position, id)| position_of[id.index()] = position);
    let mut last_read: Vec<usize> = (0..live.len()).collect();
    for (position, id) in live.iter().enumerate() {
        for operand in operands(kernel.node(*id).op).into_iter().flatten() {
            last_read[position_of[operand.index()]] = position;
        }
    }
    let mut crossing = vec![0i64; live.len() + 1];
    for (position, last) in last_read.iter().enumerate() {
        let free = matches!(kernel.node(live[position]).op, Op::Constant(_) | Op::Load(_));
        if !free && *last > position {
            crossing[position + 1] += 1;
            crossing[last + 1] -= 1;
        }
    }
    for position in 1..crossing.len() {
        crossing[position] += crossing[position - 1];
    }
    let mut starts = vec![0];
    // The best place since the part was long enough.
    let (mut work, mut best): (usize, Option<(i64, usize)>) = (0, None);
    let mut after_best = 0;
    for (position, id) in live.iter().enumerate() {
        if work * 4 >= nodes * 3 && best.is_none_or(|(least, _)| crossing[position] < least) {
            best = Some((crossing[position], position));
            after_best = 0;
        }
        if work * 4 >= nodes * 5
            && let Some((_, place)) = best.take()
        {
            starts.push(place);
            work = after_best;
        }
        let node = kernel.node(*id);
        let weight = if node.is_wide() { WIDE } else { 1 };
        work += weight;
        after_best += weight;
    }
    starts
}

/// Whether each node is as well computed again as read.
fn cheap(kernel: &Kernel, live: &[NodeId]) -> Vec<bool> {
    let mut cost = vec![usize::MAX; kernel.nodes.len()];
    for id in live {
        let node = kernel.node(*id);
        cost[id.index()] = match node.op {
            Op::Constant(_) => 0,
            Op::Load(_) => 1,
            Op::Compare(..) | Op::And(..) | Op::Or(..) | Op::Not(_) | Op::Integer(_) => {
                let below = operands(node.op).into_iter().flatten().map(|operand| cost[operand.index()]);
                below.fold(1usize, usize::saturating_add)
            }
            _ => usize::MAX,
        };
    }
    cost.into_iter().map(|cost| cost <= AGAIN).collect()
}

/// A kernel as it grows.
#[derive(Debug, Default)]
struct Piece {
    nodes: Vec<Node>,
    /// Where the nodes of the whole stand in it.
    ids: FxHashMap<NodeId, NodeId>,
    outputs: Vec<Output>,
    stages: Vec<(u32, NodeId)>,
    status: Option<NodeId>,
}

impl Piece {
    fn push(&mut self, id: NodeId, node: Node) -> NodeId {
        let own = NodeId(self.nodes.len() as u32);
        self.nodes.push(node);
        self.ids.insert(id, own);
        own
    }

    fn finish(mut self) -> Kernel {
        self.stages.sort_unstable();
        Kernel { nodes: self.nodes, outputs: self.outputs, stages: self.stages, status: self.status }
    }
}

/// The values that pass from one part to later ones.
struct Stages<'k> {
    kernel: &'k Kernel,
    cheap: &'k [bool],
    known: BTreeMap<NodeId, u32>,
}

impl Stages<'_> {
    /// A node in a piece: computed there where it belongs or is cheap, else read.
    fn put(&mut self, piece: &mut Piece, id: NodeId) -> NodeId {
        if let Some(known) = piece.ids.get(&id) {
            return *known;
        }
        let node = *self.kernel.node(id);
        let op = map_operands(node.op, |operand| self.read(piece, operand));
        piece.push(id, Node { op, ..node })
    }

    fn read(&mut self, piece: &mut Piece, id: NodeId) -> NodeId {
        if self.cheap[id.index()] || piece.ids.contains_key(&id) {
            return self.put(piece, id);
        }
        let next = self.known.len() as u32;
        let stage = *self.known.entry(id).or_insert(next);
        piece.push(id, Node { op: Op::Load(Source::Stage(stage)), ..*self.kernel.node(id) })
    }

    fn output(&mut self, piece: &mut Piece, output: &Output) -> Output {
        let mut read = |id| self.read(piece, id);
        let present = read(output.present);
        let value = match output.value {
            OutputValue::Flag(node) => OutputValue::Flag(read(node)),
            OutputValue::Integer(node) => OutputValue::Integer(read(node)),
            OutputValue::Fraction { numerator, constant, factor } => {
                OutputValue::Fraction { numerator: read(numerator), constant, factor: factor.map(&mut read) }
            }
        };
        Output { target: output.target, present, value, doubt: output.doubt.map(read) }
    }
}
