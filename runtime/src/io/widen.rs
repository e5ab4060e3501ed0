//! One reading of a data file for several versions of a policy: inputs that take what any of them takes, and then what each
//! version makes of the cells.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use polc_compiler::num::{Ratio, finite_decimals, power_of_ten};
use polc_compiler::typed::{Enumeration, Input, InputId, Program, Type, Value};

use crate::diagnostics as say;
use crate::table::{Batch, Column};

/// The inputs of several versions of a policy, as one file has them.
#[derive(Debug)]
pub struct Widened {
    /// The last version, with the inputs of all.
    pub program: Program,
    /// Inputs that some version needs.
    pub required: BTreeSet<InputId>,
    /// Inputs that some version reads if they are there.
    pub optional: BTreeSet<InputId>,
    views: Vec<View>,
}

/// Where a version finds its inputs: by rank, the input of the file, and whether its cells are taken as they are.
#[derive(Debug)]
struct View {
    links: Vec<(InputId, bool)>,
}

/// What a version reads of a data file.
#[derive(Clone, Debug)]
pub struct Needs<'p> {
    pub program: &'p Program,
    pub required: BTreeSet<InputId>,
    pub optional: BTreeSet<InputId>,
}

/// The rows of a batch that are rows of one version.
#[derive(Debug)]
pub struct Seen {
    pub batch: Batch,
    /// Ranks in the batch of the file of the rows kept; `None` for all.
    pub rows: Option<Vec<usize>>,
    /// Rows whose cells are not legal under the version, and why.
    pub errors: BTreeMap<usize, String>,
}

impl Widened {
    /// Brings versions together; the last one gives the order of the inputs.
    ///
    /// # Errors
    /// Versions that do not read one file: a column of two types, or other keys.
    pub fn of(versions: &[Needs<'_>]) -> Result<Self, String> {
        let mut program = versions.last().map(|version| version.program.clone()).ok_or_else(String::new)?;
        for version in versions {
            join(&mut program, version.program)?;
        }
        let (mut required, mut optional) = (BTreeSet::new(), BTreeSet::new());
        let mut views = Vec::new();
        for version in versions {
            let links: Vec<(InputId, bool)> = version
                .program
                .inputs
                .iter()
                .map(|input| {
                    let id = program.find_input(&input.name).unwrap_or(InputId(0));
                    (id, is_same(&program, program.input(id), version.program, input))
                })
                .collect();
            required.extend(version.required.iter().map(|id| links[id.index()].0));
            optional.extend(version.optional.iter().map(|id| links[id.index()].0));
            views.push(View { links });
        }
        for name in versions.iter().flat_map(|version| &version.program.other_inputs) {
            if program.find_input(name).is_none() && !program.other_inputs.contains(name) {
                program.other_inputs.push(name.clone());
            }
        }
        Ok(Self { program, required, optional, views })
    }

    /// The cells of the file as a version reads them.
    #[must_use]
    pub fn seen(&self, rank: usize, program: &Program, batch: &Batch) -> Seen {
        let mut errors: BTreeMap<usize, String> = BTreeMap::new();
        let mut columns: Vec<Option<Column>> = Vec::with_capacity(program.inputs.len());
        for (input, (from, same)) in program.inputs.iter().zip(&self.views[rank].links) {
            columns.push(match &batch.columns[from.index()] {
                None => None,
                Some(column) if *same => Some(column.clone()),
                Some(column) => Some(self.converted(column, *from, program, input, &mut errors)),
            });
        }
        let batch = Batch { rows: batch.rows, columns };
        if errors.is_empty() {
            return Seen { batch, rows: None, errors };
        }
        let rows: Vec<usize> = (0..batch.rows).filter(|row| !errors.contains_key(row)).collect();
        let columns = batch.columns.iter().map(|column| column.as_ref().map(|column| column.select(&rows))).collect();
        Seen { batch: Batch { rows: rows.len(), columns }, rows: Some(rows), errors }
    }

    fn converted(
        &self,
        column: &Column,
        from: InputId,
        program: &Program,
        input: &Input,
        errors: &mut BTreeMap<usize, String>,
    ) -> Column {
        let own = self.program.input(from);
        let mut result = Column::with_capacity(input, column.len());
        for row in 0..column.len() {
            let value = column.value(row, own);
            match value.as_ref().map(|value| legal(&self.program, own, program, input, value)) {
                None => {
                    // An empty key is no row.
                    result.push(None, input);
                }
                Some(Some(value)) => result.push(Some(&value), input),
                Some(None) => {
                    result.push(None, input);
                    errors.entry(row).or_insert_with(|| say::not_of_version(&input.name));
                }
            }
        }
        result
    }
}

/// A value of the file in a version, if it is one there.
fn legal(file: &Program, own: &Input, program: &Program, input: &Input, value: &Value) -> Option<Value> {
    match (value, &own.ty, &input.ty) {
        (Value::Case(case), Type::Enumeration(from), Type::Enumeration(to)) => {
            let (name, _) = file.enumeration(*from).cases.get(*case as usize)?;
            let rank = program.enumeration(*to).cases.iter().position(|(known, _)| known == name)?;
            Some(Value::Case(u32::try_from(rank).ok()?))
        }
        (Value::Number(number), ..) => {
            let within = input.range.as_ref().is_none_or(|(low, high)| low <= number && number <= high);
            let fits = finite_decimals(number).is_some_and(|decimals| decimals <= input.decimals);
            (within && fits).then(|| value.clone())
        }
        (Value::Date(date), ..) => {
            let day = Ratio::from_integer(date.days().into());
            let within = input.range.as_ref().is_none_or(|(low, high)| *low <= day && day <= *high);
            within.then(|| value.clone())
        }
        _ => Some(value.clone()),
    }
}

/// Adds the inputs of a version, and widens those that both have.
fn join(program: &mut Program, version: &Program) -> Result<(), String> {
    let names =
        |program: &Program| -> Vec<Arc<str>> { program.key.iter().map(|id| program.input(*id).name.clone()).collect() };
    if names(program) != names(version) || program.input(program.year).name != version.input(version.year).name {
        return Err(say::other_keys());
    }
    if program.currency.symbol != version.currency.symbol || program.currency.decimals != version.currency.decimals {
        return Err(say::other_currency());
    }
    for input in &version.inputs {
        let ty = match &input.ty {
            Type::Enumeration(id) => Type::Enumeration(joined_cases(program, version.enumeration(*id))),
            other => other.clone(),
        };
        let Some(id) = program.find_input(&input.name) else {
            program.other_inputs.retain(|name| *name != input.name);
            program.inputs.push(Input { ty, ..input.clone() });
            continue;
        };
        let same_type = match (&program.input(id).ty, &ty) {
            (Type::Number(_), Type::Number(_)) => true,
            (own, other) => own == other,
        };
        if !same_type {
            return Err(say::two_types(&input.name));
        }
        let own = &program.inputs[id.index()];
        let same_default = match (&own.default, &input.default) {
            (None, None) => true,
            (Some(_), Some(_)) => default_text(program, own) == default_text(version, input),
            _ => false,
        };
        let range = match (&own.range, &input.range) {
            (Some((low, high)), Some((other_low, other_high))) => {
                Some((low.min(other_low).clone(), high.max(other_high).clone()))
            }
            _ => None,
        };
        let decimals = own.decimals.max(input.decimals);
        if let Some((low, high)) = &range {
            let scale = Ratio::from_integer(power_of_ten(decimals));
            let fits = |bound: &Ratio| i64::try_from((bound * &scale).to_integer()).is_ok();
            if !(fits(low) && fits(high)) {
                return Err(say::two_types(&input.name));
            }
        }
        let own = &mut program.inputs[id.index()];
        own.range = range;
        own.decimals = decimals;
        if !same_default {
            own.default = None;
        }
        own.optional |= input.optional || !same_default;
    }
    Ok(())
}

fn default_text(program: &Program, input: &Input) -> String {
    match (&input.default, &input.ty) {
        (Some(Value::Case(case)), Type::Enumeration(id)) => {
            program.enumeration(*id).cases.get(*case as usize).map_or_else(String::new, |(name, _)| name.to_string())
        }
        (default, _) => format!("{default:?}"),
    }
}

/// The enumeration of the same name, with the cases of both.
fn joined_cases(program: &mut Program, other: &Enumeration) -> polc_compiler::typed::EnumId {
    let known = program.enumerations.iter().position(|known| known.name == other.name);
    let rank = known.unwrap_or_else(|| {
        program.enumerations.push(Enumeration { cases: Vec::new(), ..other.clone() });
        program.enumerations.len() - 1
    });
    let cases = &mut program.enumerations[rank].cases;
    for (name, title) in &other.cases {
        if !cases.iter().any(|(known, _)| known == name) {
            cases.push((name.clone(), title.clone()));
        }
    }
    polc_compiler::typed::EnumId(u32::try_from(rank).unwrap_or(u32::MAX))
}

/// Whether the cells of the file are those of a version without change.
fn is_same(file: &Program, own: &Input, program: &Program, input: &Input) -> bool {
    let same_cases = match (&own.ty, &input.ty) {
        (Type::Enumeration(from), Type::Enumeration(to)) => {
            let names = |cases: &[(Arc<str>, Arc<str>)]| cases.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
            names(&file.enumeration(*from).cases) == names(&program.enumeration(*to).cases)
        }
        _ => true,
    };
    same_cases
        && own.range == input.range
        && own.decimals == input.decimals
        && default_text(file, own) == default_text(program, input)
        && own.optional == input.optional
}
