//! `polc explain`: how the results of one row come about.

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::ValueEnum;
use polc_compiler::typed::{InputId, Program, QuantityId, QuantityKind};
use polc_dsl::diagnostic::{closest, list};
use polc_runtime::diagnostics::{self, Problems, SHOWN_PROBLEMS};
use polc_runtime::explain::{Style, explain};
use polc_runtime::io::csv::{OtherColumns, Request, Table};
use polc_runtime::io::data::read;
use polc_runtime::io::write::value_text;

use super::data;
use super::policy::{self, PolicyArg, ReadingArgs};
use crate::exit::{Failure, Outcome};
use crate::terminal;

/// Explique les résultats d'une ligne : chaque montant jusqu'aux données, formules et articles
///
/// La ligne est désignée par sa clé et son année. Les défauts des autres lignes du fichier ne
/// comptent pas, sauf ceux des autres années du même bénéficiaire.
///
/// Exemples :
///   polc explain policies/accord-cds centres.csv --key 750000001 --year 2024
///   polc explain policies/accord-cds centres.csv --key 750000001 --year 2024 --format json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(flatten)]
    policy: PolicyArg,

    /// Fichier des données, de tout format que lit « polc eval » ; « - » pour l'entrée standard, en CSV
    #[arg(value_name = "DONNÉES")]
    data: PathBuf,

    /// Clé de la ligne, sans l'année ; s'il y a plusieurs colonnes, leurs valeurs séparées par « ; »
    #[arg(long, value_name = "CLÉ")]
    key: String,

    /// Année de la ligne
    #[arg(long, value_name = "ANNÉE", value_parser = year)]
    year: i64,

    /// Résultats à expliquer ; sans cette option, les versements
    #[arg(long, value_name = "A,B,…", value_delimiter = ',')]
    outputs: Vec<String>,

    #[command(flatten)]
    readings: ReadingArgs,

    /// Forme : text (le défaut) ou json
    #[arg(long, value_name = "FORME", default_value = "text", hide_default_value = true, hide_possible_values = true)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

fn year(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| "attendu : une année, comme 2024".to_owned())
}

pub fn run(args: &Args) -> Outcome {
    let policy = policy::load(&args.policy, &args.readings.readings)?;
    let program = &*policy.program;
    let outputs = explained(program, &args.outputs)?;
    let wanted = Wanted::new(program, &args.key, args.year)?;
    let mut request = Request::new(program, &outputs);
    request.divert = true;
    // Any file that « eval --keep » reads or writes will do.
    request.others = OtherColumns::Ignored;
    let table = read(data::place(&args.data), &request)?;
    wanted.check_rejects(&table)?;
    let row = wanted.find(&table)?;
    let statement =
        explain(&policy, &table.batch, row, &outputs).map_err(|kind| table.row_problem(program, row, &kind))?;
    let text = match args.format {
        Format::Text => {
            let style = terminal::stdout_style();
            statement.to_text(&Style { colour: style.colour, width: style.width })
        }
        Format::Json => statement.to_json(),
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

/// What to explain: the results named, else the payments, else everything.
pub(super) fn explained(program: &Program, names: &[String]) -> Result<Vec<QuantityId>, Failure> {
    let outputs = policy::outputs(program, names)?;
    if !names.is_empty() {
        return Ok(outputs);
    }
    let is_payment = |id: &QuantityId| program.quantity(*id).kind == QuantityKind::Payment;
    let payments: Vec<QuantityId> = outputs.iter().copied().filter(is_payment).collect();
    Ok(if payments.is_empty() { outputs } else { payments })
}

/// The row asked for.
struct Wanted<'a> {
    program: &'a Program,
    /// The inputs of the key without the year.
    inputs: Vec<InputId>,
    /// What each of them must read.
    key: Vec<&'a str>,
    year: i64,
}

impl<'a> Wanted<'a> {
    fn new(program: &'a Program, key: &'a str, year: i64) -> Result<Self, Failure> {
        let inputs: Vec<InputId> = program.key.iter().copied().filter(|id| *id != program.year).collect();
        let key: Vec<&str> = if inputs.len() == 1 { vec![key.trim()] } else { key.split(';').map(str::trim).collect() };
        if key.len() != inputs.len() {
            let names: Vec<&str> = inputs.iter().map(|id| &*program.input(*id).name).collect();
            return Err(Failure::Usage(format!(
                "« --key » attend {}, dans cet ordre, séparés par « ; »",
                list(&names, "et")
            )));
        }
        Ok(Self { program, inputs, key, year })
    }

    /// The years of one beneficiary depend on each other: none of them may be wrong.
    fn check_rejects(&self, table: &Table) -> Outcome {
        let mut problems = Problems::new(SHOWN_PROBLEMS);
        for reason in table.rejects_of(&self.key).flat_map(|reject| reject.reasons.clone()) {
            problems.push(|| reason);
        }
        if problems.is_empty() { Ok(()) } else { Err(problems.into()) }
    }

    fn find(&self, table: &Table) -> Result<usize, Failure> {
        let rows: Vec<usize> = (0..table.batch.rows).filter(|row| self.subject(table, *row) == self.key).collect();
        let year = |row: &usize| table.batch.year(self.program, *row);
        if let Some(row) = rows.iter().copied().find(|row| year(row) == self.year) {
            return Ok(row);
        }
        let name = |id: &InputId| &*self.program.input(*id).name;
        let subject = diagnostics::subject(self.inputs.iter().map(name).zip(self.key.iter().copied()));
        let key = format!("{}, {} {}", subject.unwrap_or_default(), name(&self.program.year), self.year);
        let mut years: Vec<i64> = rows.iter().map(year).collect();
        years.sort_unstable();
        Err(diagnostics::row_not_found(&table.file, &key, &years, self.near(table).as_deref()).into())
    }

    fn subject(&self, table: &Table, row: usize) -> Vec<String> {
        let cells = self.inputs.iter().map(|id| {
            let value = table.batch.value(self.program, *id, row);
            value.map_or_else(String::new, |value| value_text(self.program, &self.program.input(*id).ty, &value, '.'))
        });
        cells.collect()
    }

    /// A key of the file that this one may be a slip for.
    fn near(&self, table: &Table) -> Option<String> {
        let keys: Vec<String> = (0..table.batch.rows).map(|row| self.subject(table, row).join(" ; ")).collect();
        closest(&self.key.join(" ; "), keys.iter().map(String::as_str)).map(str::to_owned)
    }
}
