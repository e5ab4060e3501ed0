//! The run that a seal records: results, rows put aside and statements, from the files of a folder and its options alone.

use std::io;
use std::path::Path;

use polc_compiler::typed::Program;
use polc_dsl::SourceMap;
use polc_runtime::engine::{Engine, EngineMode};
use polc_runtime::explain::Explainer;
use polc_runtime::io::csv::{OtherColumns, Request, Table};
use polc_runtime::io::data::{Place, read};
use polc_runtime::io::folder::Lines;
use polc_runtime::io::output::Output;
use polc_runtime::io::parse_date;
use polc_runtime::io::stream::{Job, Outputs, Sizes, StreamError, evaluate};
use polc_runtime::io::text::FileKind;
use polc_runtime::io::write::value_text;
use polc_runtime::policy::Policy;
use polc_runtime::seal::{self, Explained, Options, Rows};
use rayon::prelude::*;

use super::eval::{LEAST_ROWS, unwritable};
use super::explain::explained;
use super::policy::{self, LawArgs};
use super::wording::count;
use crate::exit::Failure;

/// Rows explained without being asked for.
pub const MOST_STATEMENTS: usize = 1_000;
/// Statements made at a time.
const WAVE: usize = 64;

/// What a run gave.
pub struct Replayed {
    pub policy: Policy,
    pub rows: Rows,
    pub separator: u8,
}

/// Reads the policy of a sealed folder: its files have the same names wherever the folder stands.
pub fn sources(folder: &Path) -> Result<SourceMap, Failure> {
    let root = folder.join(seal::POLICY);
    let sources = policy::read(&root)?;
    let prefix = root.to_string_lossy().replace('\\', "/");
    let name = |name: &str| format!("{}{}", seal::POLICY, name.strip_prefix(&prefix).unwrap_or(name));
    Ok(sources.renamed(name))
}

/// Runs the policy of a folder on a data file, and writes what a sealed folder holds of it.
pub fn run(folder: &Path, data: &Path, options: &Options, into: &Path) -> Result<Replayed, Failure> {
    let law = LawArgs {
        with: options.with.clone(),
        without: options.without.clone(),
        as_of: options.as_of.as_deref().and_then(|date| parse_date(date).ok()),
    };
    let readings: Vec<_> = options.readings.iter().map(|c| (c.reading.clone(), c.variant.clone())).collect();
    let policy = policy::build(sources(folder)?, &law, &readings)?;
    let program = &*policy.program;
    let outputs = policy::outputs(program, &options.outputs)?;
    let mut request = Request::new(program, &outputs);
    if options.keep {
        request.others = OtherColumns::Carried;
    }
    request.divert = options.rejects;
    let job = Job {
        place: Place::File(data),
        request: &request,
        engine: Engine::new(policy.program.clone(), outputs.clone(), EngineMode::Compiled, 0)
            .compiling_from(LEAST_ROWS),
        kind: FileKind::Csv,
        detail: None,
        sizes: Sizes::within(2_048 << 20, program, &request, None),
        progress: &(),
    };
    let create = |name: &str| {
        let path = into.join(name);
        Output::create(&path).map_err(|error| unwritable(error, Some(&path)))
    };
    let rejects = options.rejects.then(|| create(seal::REJECTS)).transpose()?;
    let evaluated = evaluate(job, Outputs { results: create(seal::RESULTS)?, detail: None, rejects });
    let here = |error: io::Error| unwritable(error, Some(into));
    let (report, places) = evaluated.map_err(|error| match error {
        StreamError::Data(problems) => problems.into(),
        StreamError::Output(error)
        | StreamError::Detail(error)
        | StreamError::Rejects(error)
        | StreamError::Spill(error) => here(error),
    })?;
    places.results.commit().map_err(here)?;
    if let Some(rejects) = places.rejects {
        rejects.commit().map_err(here)?;
    }
    let mut rows =
        Rows { read: report.read, evaluated: report.read - report.rejected, rejected: report.rejected, explained: 0 };
    if options.explained != Explained::None {
        if options.explained == Explained::All && rows.evaluated > MOST_STATEMENTS {
            return Err(too_many(rows.evaluated));
        }
        let name = if options.packed { seal::PACKED_STATEMENTS } else { seal::STATEMENTS };
        let mut lines = Lines::create(&into.join(name), options.packed).map_err(here)?;
        rows.explained = statements(&policy, data, options, &mut |line| lines.write(line).map_err(here))?;
        lines.finish().map_err(here)?;
    }
    Ok(Replayed { policy, rows, separator: report.format.separator })
}

fn too_many(rows: usize) -> Failure {
    Failure::Usage(format!(
        "{} à expliquer, c'est plus que {MOST_STATEMENTS} ; choisissez « --statements all », « --statements none », ou les \
         bénéficiaires par « --key »",
        count(rows, "ligne", "lignes")
    ))
}

/// Writes the statement of each row asked for, in the order of the data, and counts them.
fn statements(
    policy: &Policy,
    data: &Path,
    options: &Options,
    write: &mut dyn FnMut(&str) -> Result<(), Failure>,
) -> Result<usize, Failure> {
    let program = &*policy.program;
    let outputs = explained(program, &options.outputs)?;
    let mut request = Request::new(program, &outputs);
    request.divert = true;
    request.others = OtherColumns::Ignored;
    let table = read(Place::File(data), &request)?;
    let wanted =
        |row: &usize| options.explained != Explained::Keys || options.keys.contains(&subject(program, &table, *row));
    let rows: Vec<usize> = (0..table.batch.rows).filter(wanted).collect();
    for key in &options.keys {
        if !rows.iter().any(|row| subject(program, &table, *row) == *key) {
            return Err(Failure::Refused(format!("aucune ligne évaluée n'a la clé « {key} »")));
        }
    }
    let explainer = Explainer::new(policy, &table.batch);
    let mut written = 0;
    for wave in rows.chunks(WAVE) {
        // Rows in error have no statement: their reasons are with those put aside.
        let lines: Vec<Option<String>> = wave
            .par_iter()
            .map(|row| explainer.explain(*row, &outputs).ok().map(|statement| statement.to_line()))
            .collect();
        for line in lines.iter().flatten() {
            write(line)?;
            written += 1;
        }
    }
    Ok(written)
}

/// The key of a row without the year, as « --key » gives it.
fn subject(program: &Program, table: &Table, row: usize) -> String {
    let inputs = program.key.iter().filter(|id| **id != program.year);
    let cells = inputs.map(|id| {
        let value = table.batch.value(program, *id, row);
        value.map_or_else(String::new, |value| value_text(program, &program.input(*id).ty, &value, '.'))
    });
    cells.collect::<Vec<_>>().join(";")
}
