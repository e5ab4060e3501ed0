//! Which column of a file is which input.

use std::collections::BTreeMap;
use std::sync::Arc;

use polc_compiler::typed::InputId;
use polc_dsl::diagnostic::closest;

use super::request::{OtherColumns, Request};
use crate::diagnostics::{self as say, DataProblem, Place};
use crate::needs::first_reader;

/// The columns of a file, by position from 0.
#[derive(Debug, Default)]
pub struct Binding {
    /// Columns to decode, in the order of the file.
    pub inputs: Vec<(usize, InputId)>,
    /// Columns to carry through as they are.
    pub kept: Vec<usize>,
    /// The column of each input of the key, where there is one.
    pub key: Vec<Option<usize>>,
    /// Inputs without a column, which take their default on every row, or are empty there.
    pub defaults: Vec<InputId>,
}

/// Finds the inputs among the names of the header. What is wrong with it is reported, and the rest bound all the same: the
/// problems of the rows are worth knowing in the same run.
pub fn bind(
    header: &[String],
    file: &Arc<str>,
    line: Option<usize>,
    request: &Request<'_>,
    report: &mut dyn FnMut(DataProblem),
) -> Binding {
    let binder = Binder { header, place: Place { line, ..Place::file(file) }, request };
    if let Some(problem) = binder.nothing_known(file, line) {
        report(problem);
        return Binding::default();
    }
    let mut binding = Binding::default();
    let mut unknown = binder.known_columns(&mut binding, report);
    binder.missing_columns(&mut binding, &mut unknown, report);
    binder.unknown_columns(&mut binding, &unknown, report);
    let position = |id: &InputId| binding.inputs.iter().find(|(_, input)| input == id).map(|(column, _)| *column);
    binding.key = request.program.key.iter().map(position).collect();
    binding
}

struct Binder<'a> {
    header: &'a [String],
    place: Place,
    request: &'a Request<'a>,
}

impl Binder<'_> {
    /// One message for a file without header, rather than one per column.
    fn nothing_known(&self, file: &Arc<str>, line: Option<usize>) -> Option<DataProblem> {
        let program = self.request.program;
        let resembles = |name: &String| closest(name, program.inputs.iter().map(|input| &*input.name)).is_some();
        if self.header.iter().any(resembles) {
            return None;
        }
        let expected: Vec<&str> = self.request.required.iter().map(|id| &*program.input(*id).name).collect();
        let first = self.header.first().map_or("", String::as_str);
        Some(say::no_known_column(file, line, first, &expected))
    }

    /// Binds the columns named as inputs; gives the positions of the others.
    fn known_columns(&self, binding: &mut Binding, report: &mut dyn FnMut(DataProblem)) -> Vec<usize> {
        let program = self.request.program;
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        let mut unknown = Vec::new();
        for (column, name) in self.header.iter().enumerate() {
            if name.is_empty() {
                report(say::unnamed_column(&self.place, column + 1));
                continue;
            }
            if let Some(first) = seen.insert(name, column) {
                report(say::duplicate_column(&self.place, name, first + 1, column + 1));
                continue;
            }
            let Some(id) = program.find_input(name) else {
                // The data of an amendment left out is not a mistake.
                let elsewhere = program.other_inputs.iter().any(|other| **other == **name);
                match self.request.others {
                    OtherColumns::Carried if elsewhere => binding.kept.push(column),
                    _ if elsewhere => {}
                    _ => unknown.push(column),
                }
                continue;
            };
            if self.request.required.contains(&id) || self.request.optional.contains(&id) {
                binding.inputs.push((column, id));
            }
            if self.request.others == OtherColumns::Carried && !program.key.contains(&id) {
                binding.kept.push(column);
            }
        }
        unknown
    }

    /// Reports required inputs without column, and takes from the unknown columns those that are their misspelling: one
    /// mistake gives one message.
    fn missing_columns(&self, binding: &mut Binding, unknown: &mut Vec<usize>, report: &mut dyn FnMut(DataProblem)) {
        let program = self.request.program;
        for id in &self.request.required {
            if binding.inputs.iter().any(|(_, bound)| bound == id) {
                continue;
            }
            let input = program.input(*id);
            if (input.default.is_some() || input.optional) && !program.key.contains(id) {
                binding.defaults.push(*id);
                continue;
            }
            let near = closest(&input.name, unknown.iter().map(|column| self.header[*column].as_str()));
            let reader = first_reader(program, self.request.outputs, *id);
            report(say::missing_column(&self.place, program, *id, reader, near));
            if let Some(near) = near {
                unknown.retain(|column| self.header[*column] != near);
            }
        }
    }

    fn unknown_columns(&self, binding: &mut Binding, unknown: &[usize], report: &mut dyn FnMut(DataProblem)) {
        let program = self.request.program;
        let absent = |name: &&str| !self.header.iter().any(|known| known == name);
        for column in unknown {
            let name = self.header[*column].as_str();
            if self.request.others == OtherColumns::Refused {
                let absent_inputs = program.inputs.iter().map(|input| &*input.name).filter(absent);
                report(say::unknown_column(&self.place, name, absent_inputs));
                continue;
            }
            // A default must not hide that a column was meant to be read.
            let defaulted = binding.defaults.iter().map(|id| &*program.input(*id).name);
            if let Some(input) = closest(name, defaulted) {
                report(say::misspelt_column(&self.place, name, input));
            } else if self.request.others == OtherColumns::Carried {
                binding.kept.push(*column);
            }
        }
        for column in &binding.kept {
            let name = self.header[*column].as_str();
            if self.request.outputs.iter().any(|id| *program.quantity(*id).name == *name) {
                report(say::column_named_as_output(&self.place, name));
            }
        }
        binding.kept.sort_unstable();
    }
}
