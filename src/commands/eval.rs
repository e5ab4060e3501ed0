//! `polc eval`: the results of every row of a data file.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::ValueEnum;
use polc_compiler::num::{Ratio, format_french};
use polc_compiler::typed::{Program, QuantityId, QuantityKind, Type};
use polc_runtime::bounds::{NameTaken, Presentation};
use polc_runtime::diagnostics;
use polc_runtime::engine::{Engine, EngineMode};
use polc_runtime::explain::Lines;
use polc_runtime::io::csv::{OtherColumns, Request};
use polc_runtime::io::output::Output;
use polc_runtime::io::stream::{Job, Outputs, Report, Sizes, StreamError, evaluate};
use polc_runtime::io::text::FileKind;
use polc_runtime::needs::{control_inputs, reads_previous_year};

use super::data::{self, identity, is_standard};
use super::policy::{self, PolicyArg, ReadingArgs};
use super::wording::{count, figures, seconds};
use crate::exit::{Failure, Outcome};
use crate::progress::Rows;

/// Évalue chaque ligne d'un fichier de données
///
/// Lit un fichier dont les colonnes portent les noms des entrées de la politique, dans n'importe
/// quel ordre, et écrit pour chaque ligne sa clé puis les résultats. Le format suit l'extension,
/// en entrée comme en sortie : Parquet (.parquet), Arrow (.arrow, .feather, .ipc), JSON Lines
/// (.jsonl, .ndjson), Excel (.xlsx, la première feuille) ; tout le reste est du CSV, dont le
/// séparateur (virgule, point-virgule ou tabulation), les décimales (point ou virgule) et
/// l'encodage sont reconnus. Une cellule de résultat vide veut dire « sans objet ».
///
/// Un fichier plus grand que la mémoire se calcule par parties ; voir --memory.
///
/// Si une ligne est fautive, tous les défauts du fichier sont signalés et rien n'est écrit,
/// sauf avec --rejects.
///
/// Exemples :
///   polc eval policies/accord-cds centres.csv -o resultats.csv
///   polc eval policies/accord-cds centres.parquet -o resultats.parquet
///   polc eval policies/accord-cds centres.csv --outputs montant_total --rejects rejets.csv
///   polc eval policies/accord-cds centres.csv --incomplete -o bornes.csv
///   polc eval policies/accord-cds centres.csv -o resultats.csv --detail lignes.parquet
///   cat centres.csv | polc eval policies/accord-cds - > resultats.csv
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(flatten)]
    policy: PolicyArg,

    /// Fichier des données ; « - » pour l'entrée standard, en CSV
    #[arg(value_name = "DONNÉES")]
    data: PathBuf,

    /// Fichier des résultats (« - » ou rien : la sortie standard, en CSV)
    #[arg(short, long, value_name = "FICHIER")]
    output: Option<PathBuf>,

    /// Résultats à calculer, dans cet ordre ; seules les entrées dont ils dépendent sont alors exigées
    #[arg(long, value_name = "A,B,…", value_delimiter = ',')]
    outputs: Vec<String>,

    /// Reprend les autres colonnes du fichier telles quelles, à la suite des résultats
    #[arg(long)]
    keep: bool,

    /// Écrit là, en CSV, les lignes fautives avec leurs motifs, et évalue les autres
    #[arg(long, value_name = "FICHIER")]
    rejects: Option<PathBuf>,

    /// Borne les montants des lignes où il manque des données exigées, au lieu de les dire fautives : pour chaque
    /// versement x, x_min et x_max, puis les données manquantes, de celle qui décide du plus d'euros à celle qui en
    /// décide du moins
    #[arg(long, conflicts_with = "detail")]
    incomplete: bool,

    /// Écrit là les lignes qui composent chaque versement, une par critère, minoration, majoration, dérogation, plafond,
    /// tranche, prorata ou arrondi, avec les articles et la version en vigueur ; le format suit l'extension
    #[arg(long, value_name = "FICHIER")]
    detail: Option<PathBuf>,

    /// Mémoire à ne guère dépasser, en mébioctets (2 048 par défaut) : un fichier plus grand se calcule par parties, avec
    /// des fichiers temporaires (dossier TMPDIR)
    #[arg(long, value_name = "MIO", default_value = "2048", hide_default_value = true, value_parser = mebibytes)]
    memory: u32,

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

/// Rows of one year below which the interpreter is done before a kernel is compiled.
pub const LEAST_ROWS: usize = 128;

/// A count on the command line.
pub fn whole(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "attendu : un nombre entier".to_owned())
}

fn mebibytes(text: &str) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|size| *size > 0)
        .ok_or_else(|| "attendu : un nombre entier de mébioctets, au moins 1".to_owned())
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
    let outputs =
        if args.incomplete { bounded(program, &args.outputs)? } else { policy::outputs(program, &args.outputs)? };
    let presentation = args.incomplete.then(|| Presentation::new(program, &outputs)).transpose();
    let presentation = presentation.map_err(|NameTaken(name)| {
        Failure::Usage(format!("« --incomplete » : la colonne « {name} » porterait le nom d'une autre"))
    })?;
    let shown = presentation.as_ref().map_or(program, |presentation| &presentation.program);
    let columns = presentation.as_ref().map_or(&outputs, |presentation| &presentation.outputs);
    // Before the work: an output that cannot be written is known at once.
    let destination = args.output.as_deref().filter(|path| !is_standard(path));
    for path in destination.into_iter().chain(args.detail.as_deref()).chain(args.rejects.as_deref()) {
        Output::probe(path).map_err(|error| unwritable(error, Some(path)))?;
    }

    let mut request = Request::new(program, &outputs);
    if args.incomplete && args.outputs.is_empty() {
        // As of all the results: the controls count.
        request.optional = control_inputs(program);
    }
    (request.program, request.outputs) = (shown, columns);
    if args.keep {
        request.others = OtherColumns::Carried;
    }
    request.divert = args.rejects.is_some();
    let lines = args.detail.is_some().then(|| Lines::new(&policy, &outputs));
    if lines.as_ref().is_some_and(|lines| lines.payments.is_empty()) {
        return Err(Failure::Usage("« --detail » demande un versement au moins parmi les résultats".to_owned()));
    }
    let computed: Vec<QuantityId> = outputs.iter().copied().chain(lines.iter().flat_map(Lines::quantities)).collect();
    let computing = lines.as_ref().map_or_else(|| policy.program.clone(), |lines| lines.program.clone());
    let engine = Engine::new(computing, computed, args.engine.into(), args.threads)
        .compiling_from(if args.engine == EngineArg::Auto { LEAST_ROWS } else { 0 });
    let engine = if args.incomplete { engine.bounding() } else { engine };
    let bar = Rows::new(args.engine == EngineArg::Reference);
    let memory = u64::from(args.memory) << 20;
    let job = Job {
        place: data::place(&args.data),
        request: &request,
        engine,
        kind: destination.map_or(FileKind::Csv, FileKind::of),
        detail: lines.as_ref().zip(args.detail.as_deref().map(FileKind::of)),
        sizes: Sizes::within(memory, program, &request, lines.as_ref()),
        progress: &bar,
    };
    let create = |path: &Path| Output::create(path).map_err(|error| unwritable(error, Some(path)));
    let places = Outputs {
        results: destination.map_or_else(|| Ok(Output::stdout()), create)?,
        detail: args.detail.as_deref().map(create).transpose()?,
        rejects: args.rejects.as_deref().map(create).transpose()?,
    };
    let evaluated = evaluate(job, places);
    bar.clear();
    let (report, places) = evaluated.map_err(|error| match error {
        StreamError::Data(problems) => problems.into(),
        StreamError::Output(error) => unwritable(error, destination),
        StreamError::Detail(error) => unwritable(error, args.detail.as_deref()),
        StreamError::Rejects(error) => unwritable(error, args.rejects.as_deref()),
        StreamError::Spill(error) => unwritable(error, Some(&std::env::temp_dir())),
    })?;
    // All are complete before one is shown.
    if let Some(detail) = places.detail {
        detail.commit().map_err(|error| unwritable(error, args.detail.as_deref()))?;
    }
    if let Some(rejects) = places.rejects {
        rejects.commit().map_err(|error| unwritable(error, args.rejects.as_deref()))?;
    }
    places.results.commit().map_err(|error| unwritable(error, destination))?;
    let summary = Summary { args, program: shown, outputs: columns, report: &report };
    // A closed standard error does not undo the work.
    let _ = io::stderr().write_all(format!("{}durée : {}\n", summary.text(), seconds(start.elapsed())).as_bytes());
    Ok(())
}

/// The results to bound: those named, which must be numbers, else the payments, else all the numbers.
fn bounded(program: &Program, names: &[String]) -> Result<Vec<QuantityId>, Failure> {
    let outputs = policy::outputs(program, names)?;
    let is_number = |id: &QuantityId| matches!(program.quantity(*id).ty, Type::Number(_));
    if !names.is_empty() {
        return match outputs.iter().find(|id| !is_number(id)) {
            Some(id) => Err(Failure::Usage(format!(
                "« --incomplete » borne des nombres, et « {} » n'en est pas un",
                program.quantity(*id).name
            ))),
            None => Ok(outputs),
        };
    }
    let is_payment = |id: &QuantityId| program.quantity(*id).kind == QuantityKind::Payment;
    let payments: Vec<QuantityId> = outputs.iter().copied().filter(is_payment).collect();
    Ok(if payments.is_empty() { outputs.into_iter().filter(is_number).collect() } else { payments })
}

/// Refuses to write over the data, or two outputs in one file.
fn check_places(args: &Args) -> Outcome {
    let written = [
        ("--output", args.output.as_deref()),
        ("--detail", args.detail.as_deref()),
        ("--rejects", args.rejects.as_deref()),
    ];
    let named = |path: &Path| !is_standard(path);
    let data = named(&args.data).then(|| identity(&args.data));
    let mut places: Vec<(&str, PathBuf)> = Vec::new();
    for (option, path) in written {
        let Some(path) = path else { continue };
        if !named(path) {
            if option != "--output" {
                return Err(Failure::Usage(format!("« {option} » attend un nom de fichier")));
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
        if ordinary && let Some((other, _)) = places.iter().find(|(_, known)| *known == place) {
            return Err(Failure::Usage(format!("« {other} » et « {option} » sont le même fichier")));
        }
        places.push((option, place));
    }
    Ok(())
}

pub(super) fn unwritable(error: io::Error, path: Option<&Path>) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Failure::BrokenPipe;
    }
    match path {
        Some(path) => diagnostics::unwritable(&path.to_string_lossy().into(), &error).into(),
        None => error.into(),
    }
}

/// What a run has to say of itself.
struct Summary<'a> {
    args: &'a Args,
    program: &'a Program,
    outputs: &'a [QuantityId],
    report: &'a Report,
}

impl Summary<'_> {
    fn text(&self) -> String {
        let mut text = format!("{} : {}\n", self.report.file, self.report.format);
        text += &policy::state_of_law(self.program).map(|state| state + "\n").unwrap_or_default();
        text += &self.rows();
        if self.args.incomplete {
            let incomplete = count(self.report.statistics.incomplete, "ligne incomplète", "lignes incomplètes");
            text += &format!("{incomplete}, dont les montants sont bornés\n");
        }
        text += &self.paths();
        text += &self.totals();
        for (name, rows) in &self.report.statistics.failed_controls {
            text += &format!("contrôle « {name} » : non vérifié sur {}\n", count(*rows, "ligne", "lignes"));
        }
        for (name, groups) in &self.report.statistics.failed_groups {
            let shown = groups.iter().take(3).map(|group| format!("« {group} »")).collect::<Vec<_>>().join(", ");
            let more = if groups.len() > 3 { ", …" } else { "" };
            text += &format!(
                "contrôle « {name} » : non vérifié sur {} ({shown}{more})\n",
                count(groups.len(), "groupe", "groupes")
            );
        }
        if self.report.orphans > 0 && reads_previous_year(self.program, self.outputs) {
            text += &format!(
                "attention : {} sans l'année précédente du même bénéficiaire, qui est rejetée ; « précédent » y vaut son \
                 défaut\n",
                count(self.report.orphans, "ligne évaluée", "lignes évaluées")
            );
        }
        text
    }

    fn rows(&self) -> String {
        let read = self.report.read;
        let evaluated = read - self.report.rejected;
        let rejected = match &self.args.rejects {
            Some(path) if self.report.rejected > 0 => format!(", {} dans {}", self.rejected(), path.display()),
            _ => format!(", {}", self.rejected()),
        };
        format!("{}, {}{rejected}\n", count(read, "ligne lue", "lignes lues"), count(evaluated, "évaluée", "évaluées"))
    }

    fn rejected(&self) -> String {
        count(self.report.rejected, "rejetée", "rejetées")
    }

    /// Which engine computed the rows.
    fn paths(&self) -> String {
        let statistics = &self.report.statistics;
        let ways = [
            (statistics.compiled, "par le code compilé"),
            (statistics.reference, "par l'interprète"),
            (statistics.partial, "par le code compilé sauf quelques résultats"),
            (statistics.handed_over, "par l'interprète, où le code compilé ne conclut pas"),
        ];
        let ways: Vec<String> =
            ways.iter().filter(|(rows, _)| *rows > 0).map(|(rows, how)| format!("{} {how}", figures(*rows))).collect();
        if ways.is_empty() { String::new() } else { format!("calcul : {}\n", ways.join(", ")) }
    }

    fn totals(&self) -> String {
        let program = self.program;
        let line = |(id, sum): (&QuantityId, &Option<Ratio>)| {
            let sum = format_french(sum.as_ref()?, program.currency.decimals);
            Some(format!("total {} : {sum} {}\n", program.quantity(*id).name, program.currency.symbol))
        };
        self.outputs.iter().zip(&self.report.totals).filter_map(line).collect()
    }
}
