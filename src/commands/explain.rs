//! `polc explain`: how the results of one row come about.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use polc_compiler::typed::{InputId, Program, QuantityId, QuantityKind};
use polc_dsl::diagnostic::{closest, list};
use polc_runtime::diagnostics::{self, Problems, SHOWN_PROBLEMS};
use polc_runtime::engine::{Aggregates, aggregates_of};
use polc_runtime::explain::{Explainer, Style, Vocabulary};
use polc_runtime::io::csv::{KeyFilter, OtherColumns, Request, Table};
use polc_runtime::io::data::read;
use polc_runtime::io::output::Output;
use polc_runtime::io::write::value_text;
use polc_runtime::missing::missing;
use polc_runtime::needs::{control_inputs, inputs_of_any_reading};
use polc_runtime::policy::Policy;
use polc_runtime::table::RowErrorKind;

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
///   polc explain policies/accord-cds centres.csv --key 750000001 --year 2024 --missing
///   polc explain policies/accord-cds centres.csv --key 750000001 --year 2024 --format html -o page.html
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

    /// Ajoute ce qui n'est pas acquis : pourquoi, ce que cela vaudrait, et ce qu'il aurait suffi de changer
    #[arg(long)]
    missing: bool,

    #[command(flatten)]
    readings: ReadingArgs,

    /// Fichier à écrire ; sans cette option, ou avec « - », la sortie standard
    #[arg(short, long, value_name = "FICHIER")]
    output: Option<PathBuf>,

    /// Forme : text (le défaut), md, html ou json
    #[arg(long, value_name = "FORME", default_value = "text", hide_default_value = true, hide_possible_values = true)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Md,
    Html,
    Json,
}

fn year(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| "attendu : une année, comme 2024".to_owned())
}

pub fn run(args: &Args) -> Outcome {
    if let Some(output) = args.output.as_deref().filter(|output| !data::is_standard(output)) {
        let place = data::identity(output);
        if place.is_file() && !data::is_standard(&args.data) && data::identity(&args.data) == place {
            return Err(Failure::Usage("« --output » remplacerait le fichier de données".to_owned()));
        }
    }
    let policy = policy::load(&args.policy, &args.readings.readings)?;
    let program = &*policy.program;
    let outputs = explained(program, &args.outputs)?;
    let wanted = Wanted::new(program, &args.key, args.year)?;
    // Readings compared and cells changed may read more than the row as it is.
    let more = if args.missing || args.format != Format::Text {
        inputs_of_any_reading(program, &outputs).into_iter().chain(control_inputs(program)).collect()
    } else {
        BTreeSet::new()
    };
    let subject = Subject::read(&policy, &args.data, &outputs, wanted, more)?;
    let statement = subject.tell(|explainer, row| {
        let mut statement = if args.format == Format::Text {
            explainer.explain(row, &outputs)?
        } else {
            explainer.account(row, &outputs)?
        };
        statement.locate(program, &subject.table, row);
        if args.missing {
            statement.missing = Some(missing(explainer, row, &outputs)?);
        }
        Ok(statement)
    })?;
    let text = match args.format {
        Format::Text => {
            let to_file = args.output.as_deref().is_some_and(|output| !data::is_standard(output));
            let style = if to_file { terminal::file_style() } else { terminal::stdout_style() };
            statement.to_text(&Style { colour: style.colour, width: style.width })
        }
        Format::Json => statement.to_json(),
        Format::Md => statement.to_markdown(),
        Format::Html => statement.to_html(),
    };
    write(args.output.as_deref(), &text)
}

/// Writes the statement whole, or nothing of it.
fn write(path: Option<&Path>, text: &str) -> Outcome {
    let Some(path) = path.filter(|path| !data::is_standard(path)) else {
        io::stdout().write_all(text.as_bytes())?;
        return Ok(());
    };
    let written = Output::create(path).and_then(|mut output| {
        output.write_all(text.as_bytes())?;
        output.commit()
    });
    written.map_err(|error| diagnostics::unwritable(&path.to_string_lossy().into(), &error).into())
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

/// The row asked for, with the rows of the data that it may depend on.
struct Subject<'a> {
    policy: &'a Policy,
    data: &'a Path,
    outputs: &'a [QuantityId],
    vocabulary: Vocabulary,
    /// The rows of the same key; all of them where the data can be read only once.
    table: Table,
    row: usize,
}

impl<'a> Subject<'a> {
    fn read(
        policy: &'a Policy,
        data: &'a Path,
        outputs: &'a [QuantityId],
        wanted: Wanted<'a>,
        more: BTreeSet<InputId>,
    ) -> Result<Self, Failure> {
        let program = &*policy.program;
        let once = data::is_standard(data);
        let mut request = lenient(Request::new(program, outputs));
        request.only = (!once).then(|| wanted.filter());
        request.optional.extend(more);
        let (table, vocabulary) = rayon::join(|| read(data::place(data), &request), || Vocabulary::of(policy));
        let table = table?;
        wanted.check_rejects(&table)?;
        match wanted.find(&table) {
            Some(row) => Ok(Self { policy, data, outputs, vocabulary, table, row }),
            None if once => Err(wanted.not_found(&table)),
            None => {
                let required = program.key.iter().copied().collect();
                let keys = Request { required, ..lenient(Request::new(program, &[])) };
                Err(wanted.not_found(&read(data::place(data), &keys)?))
            }
        }
    }

    /// What an explainer says of the row. The figures of the whole data are added up only if it asks for one.
    fn tell<T>(&self, say: impl Fn(&Explainer<'_>, usize) -> Result<T, RowErrorKind>) -> Result<T, Failure> {
        let program = &self.policy.program;
        let try_with = |aggregates| {
            let explainer = Explainer::over(self.policy, &self.vocabulary, &self.table.batch, aggregates);
            let said = say(&explainer, self.row);
            (!explainer.lacks_figures()).then_some(said)
        };
        let mut said = try_with(Aggregates::unread());
        if said.is_none() {
            let aggregates = aggregates_of(program, self.outputs);
            let whole = if data::is_standard(self.data) {
                None
            } else {
                Some(read(data::place(self.data), &lenient(Request::new(program, &aggregates)))?)
            };
            let whole = whole.as_ref().unwrap_or(&self.table);
            said = try_with(Aggregates::read(program, &aggregates, &whole.batch, &self.table.batch));
        }
        let problem = |kind| self.table.row_problem(program, self.row, &kind);
        match said {
            Some(said) => Ok(said.map_err(problem)?),
            None => unreachable!("every figure that the outputs depend on was read"),
        }
    }
}

/// Any file that « eval --keep » reads or writes will do, and what is wrong with other rows is not asked.
fn lenient(request: Request<'_>) -> Request<'_> {
    Request { divert: true, others: OtherColumns::Ignored, ..request }
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

    fn filter(&self) -> KeyFilter {
        let cells = self.inputs.iter().copied().zip(self.key.iter().map(|cell| (*cell).to_owned()));
        KeyFilter { cells: cells.collect() }
    }

    fn rows(&self, table: &Table) -> Vec<usize> {
        (0..table.batch.rows).filter(|row| self.subject(table, *row) == self.key).collect()
    }

    fn find(&self, table: &Table) -> Option<usize> {
        self.rows(table).into_iter().find(|row| table.batch.year(self.program, *row) == self.year)
    }

    /// What to say where no row has the key and the year; the table has the keys of the whole file.
    fn not_found(&self, table: &Table) -> Failure {
        let name = |id: &InputId| &*self.program.input(*id).name;
        let subject = diagnostics::subject(self.inputs.iter().map(name).zip(self.key.iter().copied()));
        let key = format!("{}, {} {}", subject.unwrap_or_default(), name(&self.program.year), self.year);
        let mut years: Vec<i64> = self.rows(table).into_iter().map(|row| table.batch.year(self.program, row)).collect();
        years.sort_unstable();
        diagnostics::row_not_found(&table.file, &key, &years, self.near(table).as_deref()).into()
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
