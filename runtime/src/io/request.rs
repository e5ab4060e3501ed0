//! What a command asks of a data file.

use std::collections::BTreeSet;

use polc_compiler::typed::{InputId, Program, QuantityId, Type};

use crate::diagnostics::SHOWN_PROBLEMS;
use crate::needs::{control_inputs, needed_inputs};

/// What is asked of a file.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    pub program: &'a Program,
    pub outputs: &'a [QuantityId],
    /// Inputs that the outputs depend on. Without a column, one takes its default on every row; without default either, the
    /// file is refused.
    pub required: BTreeSet<InputId>,
    /// Inputs read if they have a column.
    pub optional: BTreeSet<InputId>,
    /// What becomes of the columns that are not inputs.
    pub others: OtherColumns,
    /// Put the bad rows aside instead of refusing the file.
    pub divert: bool,
    /// Problems shown of a file that is refused.
    pub limit: usize,
    /// Rows whose key reads so; the others are left alone, whatever is wrong with them.
    pub only: Option<KeyFilter>,
}

impl<'a> Request<'a> {
    /// Reads what the outputs depend on. When they are all the outputs of the policy, the inputs that only controls read are
    /// taken too, where they have a column; a narrower selection leaves them alone.
    #[must_use]
    pub fn new(program: &'a Program, outputs: &'a [QuantityId]) -> Self {
        let required = needed_inputs(program, outputs);
        let mut optional = BTreeSet::new();
        if program.outputs().all(|output| outputs.contains(&output)) {
            optional = control_inputs(program);
        }
        Self {
            program,
            outputs,
            required,
            optional,
            others: OtherColumns::Refused,
            divert: false,
            limit: SHOWN_PROBLEMS,
            only: None,
        }
    }
}

/// What some columns of the key must read, as texts.
#[derive(Clone, Debug)]
pub struct KeyFilter {
    pub cells: Vec<(InputId, String)>,
}

impl KeyFilter {
    /// Words that stand as they are in a text that has such a row: the other types have several spellings.
    pub(super) fn words<'f>(&'f self, program: &'f Program) -> impl Iterator<Item = &'f str> {
        let texts = self.cells.iter().filter(|(id, _)| program.input(*id).ty == Type::Text);
        texts.map(|(_, cell)| &**cell).filter(|cell| !cell.contains('"'))
    }
}

/// What becomes of the columns of a file that are not inputs of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherColumns {
    /// They are mistakes.
    Refused,
    /// They and the inputs, but for the key, are carried through to the results.
    Carried,
    /// They are left alone.
    Ignored,
}
