//! `polc eval`: the results of every row of a data file.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::ValueEnum;
use polc_compiler::num::format_french;
use polc_compiler::typed::{Program, QuantityId, QuantityKind};
use polc_runtime::diagnostics::{self, Problems, SHOWN_PROBLEMS};
use polc_runtime::engine::{Engine, EngineMode};
use polc_runtime::io::csv::{OtherColumns, Refusal, Reject, Request, Table};
use polc_runtime::io::data::read;
use polc_runtime::io::output::Output;
use polc_runtime::io::text::FileKind;
use polc_runtime::io::write;
use polc_runtime::io::writer::{WriteError, Writer};
use polc_runtime::needs::reads_previous_year;
use polc_runtime::table::Results;
use polc_runtime::totals::total;

use super::data::{self, identity, is_standard};
use super::policy::{self, PolicyArg, ReadingArgs};
use super::wording::{count, figures, seconds};
use crate::exit::{Failure, Outcome};
use crate::progress;

/// Évalue chaque ligne d'un fichier de données
///
/// Lit un CSV dont les colonnes portent les noms des entrées de la politique, dans n'importe
/// quel ordre, et écrit pour chaque ligne sa clé puis les résultats. Le séparateur (virgule,
/// point-virgule ou tabulation), les décimales (point ou virgule) et l'encodage sont reconnus.
/// Une cellule de résultat vide veut dire « sans objet ».
///
/// Si une ligne est fautive, tous les défauts du fichier sont signalés et rien n'est écrit,
/// sauf avec --rejects.
///
/// Exemples :
///   polc eval policies/accord-cds centres.csv -o resultats.csv
///   polc eval policies/accord-cds centres.csv --outputs montant_total --rejects rejets.csv
///   cat centres.csv | polc eval policies/accord-cds - > resultats.csv
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(flatten)]
    policy: PolicyArg,

    /// Fichier CSV des données ; « - » pour l'entrée standard
    #[arg(value_name = "DONNÉES")]
    data: PathBuf,

    /// Fichier des résultats (« - » ou rien : la sortie standard)
    #[arg(short, long, value_name = "FICHIER")]
    output: Option<PathBuf>,

    /// Résultats à calculer, dans cet ordre ; seules les entrées dont ils dépendent sont alors exigées
    #[arg(long, value_name = "A,B,…", value_delimiter = ',')]
    outputs: Vec<String>,

    /// Reprend les autres colonnes du fichier telles quelles, à la suite des résultats
    #[arg(long)]
    keep: bool,

    /// Écrit là les lignes fautives avec leurs motifs, et évalue les autres
    #[arg(long, value_name = "FICHIER")]
    rejects: Option<PathBuf>,

    #[command(flatten)]
    readings: ReadingArgs,

    /// Moteur : auto (le défaut : code compilé, ou interprète pour peu de lignes), compiled, ou reference, l'interprète en
    /// fractions exactes
    #[arg(long, value_name = "MOTEUR", default_value = "auto", hide_default_value = true, hide_possible_values = true)]
    engine: EngineArg,

    /// Nombre de fils d'exécution ; 0 (le défaut) pour tous les cœurs
    #[arg(long, value_name = "N", default_value = "0", hide_default_value = true, value_parser = whole)]
    threads: usize,
}

/// Rows of one year and one case below which the interpreter is done before a kernel is compiled.
pub const LEAST_ROWS: usize = 1_024;

/// A count on the command line.
pub fn whole(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "attendu : un nombre entier".to_owned())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EngineArg {
    Auto,
    Compiled,
    Reference,
}

impl From<EngineArg> for EngineMode {
    fn from(engine: EngineArg) -> Self {
        match engine {
            EngineArg::Auto | EngineArg::Compiled => Self::Compiled,
            EngineArg::Reference => Self::Reference,
        }
    }
}

pub fn run(args: &Args) -> Outcome {
    let start = Instant::now();
    check_places(args)?;
    // Files are decoded and written by as many threads as rows are computed by. A pool that is there already does as well.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(args.threads).build_global();
    let policy = policy::load(&args.policy, &args.readings.readings)?;
    let program = &*policy.program;
    let outputs = policy::outputs(program, &args.outputs)?;
    // Before the work: an output that cannot be written is known at once.
    let destination = args.output.as_deref().filter(|path| !is_standard(path));
    for path in destination.into_iter().chain(args.rejects.as_deref()) {
        Output::probe(path).map_err(|error| unwritable(error, Some(path)))?;
    }

    let mut request = Request::new(program, &outputs);
    if args.keep {
        request.others = OtherColumns::Carried;
    }
    request.divert = args.rejects.is_some();
    let engine = Engine::new(policy.program.clone(), outputs.clone(), args.engine.into(), args.threads)
        .compiling_from(if args.engine == EngineArg::Auto { LEAST_ROWS } else { 0 });
    let evaluate = |table: &Table| {
        let bar = progress::rows(table.batch.rows, args.engine == EngineArg::Reference);
        let results = engine.evaluate(&table.batch, &|rows| bar.inc(rows as u64));
        bar.finish_and_clear();
        results
    };
    let table = match read(data::place(&args.data), &request) {
        Ok(table) => table,
        Err(Refusal { problems, rest: Some(table) }) => {
            // What is wrong with the other rows is worth knowing in the same run.
            return Err(with_row_errors(problems, program, &table, &evaluate(&table)).into());
        }
        Err(refusal) => return Err(refusal.into()),
    };
    let results = evaluate(&table);
    let rejects = if request.divert { rejects(program, &table, &results) } else { Vec::new() };
    if !request.divert && !results.errors.is_empty() {
        return Err(with_row_errors(Problems::new(SHOWN_PROBLEMS), program, &table, &results).into());
    }
    let written = |error, path: Option<&Path>| unwritable(error, path);
    let output = match destination {
        None => Output::stdout(),
        Some(path) => Output::create(path).map_err(|error| written(error, Some(path)))?,
    };
    let kind = destination.map_or(FileKind::Csv, FileKind::of);
    let write = |output| {
        let mut writer = Writer::new(output, kind, program, &outputs, &table, table.format)?;
        writer.write(&table, &results)?;
        writer.finish()
    };
    let output = write(output).map_err(|error| match error {
        WriteError::Io(error) => written(error, destination),
        WriteError::Data(problem) => (*problem).into(),
    })?;
    if let Some(path) = args.rejects.as_deref() {
        // Both are complete before either is shown.
        let failed = |error| written(error, Some(path));
        let mut rejected = Output::create(path).map_err(failed)?;
        write::rejects(&mut rejected, &table, &rejects).map_err(failed)?;
        rejected.commit().map_err(failed)?;
    }
    output.commit().map_err(|error| written(error, destination))?;
    let summary =
        Summary { args, program, table: &table, outputs: &outputs, results: &results, rejects: rejects.len() };
    // A closed standard error does not undo the work.
    let _ = io::stderr().write_all(format!("{}durée : {}\n", summary.text(), seconds(start.elapsed())).as_bytes());
    Ok(())
}

/// Refuses to write over the data, or two outputs in one file.
fn check_places(args: &Args) -> Outcome {
    let written = [("--output", args.output.as_deref()), ("--rejects", args.rejects.as_deref())];
    let named = |path: &Path| !is_standard(path);
    let data = named(&args.data).then(|| identity(&args.data));
    let mut places: Vec<PathBuf> = Vec::new();
    for (option, path) in written {
        let Some(path) = path else { continue };
        if !named(path) {
            if option == "--rejects" {
                return Err(Failure::Usage("« --rejects » attend un nom de fichier".to_owned()));
            }
            continue;
        }
        let kind = FileKind::of(path);
        if option == "--rejects" && kind != FileKind::Csv {
            return Err(Failure::Usage("« --rejects » s'écrit en CSV : donnez un nom en « .csv »".to_owned()));
        }
        let place = identity(path);
        // Devices may be shared.
        let ordinary = place.is_file() || !place.exists();
        if ordinary && data.as_ref() == Some(&place) {
            return Err(Failure::Usage(format!("« {option} » remplacerait le fichier de données")));
        }
        if ordinary && places.contains(&place) {
            return Err(Failure::Usage("« --output » et « --rejects » sont le même fichier".to_owned()));
        }
        places.push(place);
    }
    Ok(())
}

fn unwritable(error: io::Error, path: Option<&Path>) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Failure::BrokenPipe;
    }
    match path {
        Some(path) => diagnostics::unwritable(&path.to_string_lossy().into(), &error).into(),
        None => error.into(),
    }
}

/// The problems of a file and those of the rows that could not be computed, in the order of the file.
fn with_row_errors(mut problems: Problems, program: &Program, table: &Table, results: &Results) -> Problems {
    for error in &results.errors {
        problems.push(|| table.row_problem(program, error.row, &error.kind));
    }
    problems.sort();
    problems
}

/// The rows that could not be read and those that could not be computed, in the order of the file.
fn rejects(program: &Program, table: &Table, results: &Results) -> Vec<Reject> {
    let failed = results.errors.iter().map(|error| {
        let reasons = vec![table.row_problem(program, error.row, &error.kind)];
        Reject { place: table.places[error.row].clone(), reasons }
    });
    let mut rejects: Vec<Reject> = failed.chain(table.rejects.iter().cloned()).collect();
    rejects.sort_by_key(|reject| reject.place.line);
    rejects
}

/// What a run has to say of itself.
struct Summary<'a> {
    args: &'a Args,
    program: &'a Program,
    table: &'a Table,
    outputs: &'a [QuantityId],
    results: &'a Results,
    rejects: usize,
}

impl Summary<'_> {
    fn text(&self) -> String {
        let mut text = format!("{} : {}\n", self.table.file, self.table.format);
        text += &policy::state_of_law(self.program).map(|state| state + "\n").unwrap_or_default();
        text += &self.rows();
        text += &self.paths();
        text += &self.totals();
        for (name, rows) in &self.results.statistics.failed_controls {
            text += &format!("contrôle « {name} » : non vérifié sur {}\n", count(*rows, "ligne", "lignes"));
        }
        for (name, groups) in &self.results.statistics.failed_groups {
            let shown = groups.iter().take(3).map(|group| format!("« {group} »")).collect::<Vec<_>>().join(", ");
            let more = if groups.len() > 3 { ", …" } else { "" };
            text += &format!(
                "contrôle « {name} » : non vérifié sur {} ({shown}{more})\n",
                count(groups.len(), "groupe", "groupes")
            );
        }
        if self.table.orphans > 0 && reads_previous_year(self.program, self.outputs) {
            text += &format!(
                "attention : {} sans l'année précédente du même bénéficiaire, qui est rejetée ; « précédent » y vaut son \
                 défaut\n",
                count(self.table.orphans, "ligne évaluée", "lignes évaluées")
            );
        }
        text
    }

    fn rows(&self) -> String {
        let read = self.table.rows();
        let evaluated = read - self.rejects;
        let rejected = match &self.args.rejects {
            Some(path) if self.rejects > 0 => format!(", {} dans {}", self.rejected(), path.display()),
            _ => format!(", {}", self.rejected()),
        };
        format!("{}, {}{rejected}\n", count(read, "ligne lue", "lignes lues"), count(evaluated, "évaluée", "évaluées"))
    }

    fn rejected(&self) -> String {
        count(self.rejects, "rejetée", "rejetées")
    }

    /// Which engine computed the rows.
    fn paths(&self) -> String {
        let statistics = &self.results.statistics;
        let ways = [
            (statistics.compiled, "par le code compilé"),
            (statistics.reference, "par l'interprète"),
            (statistics.handed_over, "par l'interprète, où le code compilé ne conclut pas"),
        ];
        let ways: Vec<String> =
            ways.iter().filter(|(rows, _)| *rows > 0).map(|(rows, how)| format!("{} {how}", figures(*rows))).collect();
        if ways.is_empty() { String::new() } else { format!("calcul : {}\n", ways.join(", ")) }
    }

    fn totals(&self) -> String {
        let program = self.program;
        let payments = self
            .outputs
            .iter()
            .zip(&self.results.columns)
            .filter(|(id, _)| program.quantity(**id).kind == QuantityKind::Payment);
        let line = |(id, column): (&QuantityId, _)| {
            let sum = format_french(&total(column)?, program.currency.decimals);
            Some(format!("total {} : {sum} {}\n", program.quantity(*id).name, program.currency.symbol))
        };
        payments.filter_map(line).collect()
    }
}
