//! `polc test`: do the examples and the controls of the policy hold, and are past years what they were?

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use polc_runtime::diagnostics;
use polc_runtime::engine::{Engine, EngineMode};
use polc_runtime::examples;
use polc_runtime::expected::words::{Detail, report};
use polc_runtime::expected::{Comparison, Refusal, compare};
use polc_runtime::io::expected::{COHORT, Folder, has_cohort, load, replace, year_file};
use polc_runtime::policy::Policy;

use super::eval::LEAST_ROWS;
use super::policy::{self, PolicyArg};
use super::wording::{count, seconds};
use crate::exit::{Failure, Outcome};

/// Exécute les exemples et les contrôles d'une politique, et compare les années passées
///
/// Chaque exemple est calculé par l'interprète et comparé à ce qu'il attend ; chaque contrôle sur
/// une situation est vérifié. Les contrôles « sur chaque ligne » se vérifient sur des données, par
/// « polc eval ». Le code de sortie est 1 si l'un d'eux échoue.
///
/// Si la politique a un dossier « attendus », les résultats de sa cohorte sont comparés, valeur par
/// valeur, à ceux qui sont figés pour chaque année : attendus/cohorte.csv a les données, et
/// attendus/2024.csv, par exemple, les résultats de 2024, dans les colonnes de « polc eval ». La
/// différence est dite en euros, disposition par disposition, et le code de sortie est 1.
///
/// « --accept » montre cette différence, puis récrit les résultats attendus ; il refuse si un exemple
/// ou un contrôle échoue. Sur un terminal, il demande une confirmation.
///
/// Exemples :
///   polc test policies/accord-cds
///   polc test politique --accept
///   polc test politique --expected ailleurs/attendus
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(flatten)]
    policy: PolicyArg,

    /// Récrit les résultats attendus après avoir montré ce qui change
    #[arg(long)]
    accept: bool,

    /// Dossier des résultats attendus (le sous-dossier « attendus » de la politique par défaut)
    #[arg(long, value_name = "DOSSIER")]
    expected: Option<PathBuf>,
}

/// What a report shows of a difference.
const DETAIL: Detail = Detail { outputs: 20, rows: 5 };

pub fn run(args: &Args) -> Outcome {
    let start = Instant::now();
    let own = args.policy.policy.join("attendus");
    let folder = args.expected.clone().or_else(|| own.is_dir().then_some(own.clone()));
    if args.accept && folder.is_none() {
        return Err(Failure::Usage(how_to_make(&own)));
    }
    let law = &args.policy.law;
    if args.accept && !(law.with.is_empty() && law.without.is_empty() && law.as_of.is_none()) {
        let message = "« --accept » fige le droit tel qu'il est : sans « --with », « --without » ni « --as-of »";
        return Err(Failure::Usage(message.to_owned()));
    }
    let policy = policy::load(&args.policy, &[])?;
    let sound = run_examples(&policy, start)?;
    let Some(folder) = folder else { return outcome(sound) };

    let start = Instant::now();
    let cohorts = load(&folder).map_err(|problem| {
        let advice = if has_cohort(&folder) { String::new() } else { format!("\n{}", how_to_make(&folder)) };
        Failure::Refused(format!("{problem}{advice}"))
    })?;
    let mut compared = Vec::new();
    for cohort in &cohorts {
        let engine =
            |outputs| Engine::new(policy.program.clone(), outputs, EngineMode::Compiled, 0).compiling_from(LEAST_ROWS);
        let comparison = compare(&policy, &cohort.cohort, &engine).map_err(refused)?;
        compared.push((cohort, comparison));
    }
    let mut out = String::new();
    for (_, comparison) in &compared {
        out += &report(&policy.program, comparison, DETAIL);
    }
    let total = |of: fn(&Comparison) -> usize| compared.iter().map(|(_, comparison)| of(comparison)).sum();
    let _ = writeln!(
        out,
        "{}, {} : {}, {} ({})",
        count(compared.len(), "cohorte", "cohortes"),
        count(total(|comparison| comparison.rows), "ligne", "lignes"),
        count(total(Comparison::cells), "valeur comparée", "valeurs comparées"),
        count(total(differences), "différence", "différences"),
        seconds(start.elapsed())
    );
    io::stdout().write_all(out.as_bytes())?;
    if args.accept {
        return accept(&compared, sound);
    }
    let holds = compared.iter().all(|(_, comparison)| comparison.holds());
    if !holds {
        let advice = "si ces différences sont voulues : « polc test --accept » les fait devenir les résultats attendus";
        let _ = writeln!(io::stderr(), "{advice}");
    }
    outcome(sound && holds)
}

fn outcome(holds: bool) -> Outcome {
    if holds { Ok(()) } else { Err(Failure::Reported) }
}

/// Runs the examples and the controls, and says how they went.
fn run_examples(policy: &Policy, start: Instant) -> Result<bool, Failure> {
    let report = examples::run(policy);
    let mut out = String::new();
    for failure in &report.failures {
        let _ = writeln!(out, "ÉCHEC {} ({})", failure.title, policy.sources.place(failure.place));
        for line in &failure.lines {
            let _ = writeln!(out, "      {line}");
        }
    }
    let _ = writeln!(
        out,
        "{} et {} : {}, {} ({})",
        count(report.examples, "exemple", "exemples"),
        count(report.controls, "contrôle", "contrôles"),
        count(report.passed, "réussi", "réussis"),
        count(report.failures.len(), "échec", "échecs"),
        seconds(start.elapsed())
    );
    io::stdout().write_all(out.as_bytes())?;
    Ok(report.failures.is_empty())
}

/// Cells, rows, columns and years that are not as expected.
fn differences(comparison: &Comparison) -> usize {
    let year = |year: &polc_runtime::expected::YearComparison| {
        let cells: usize = year.outputs.iter().map(|output| output.cells.len()).sum();
        cells
            + year.unknown.len()
            + year.unexpected_rows.len()
            + year.absent_rows.len()
            + usize::from(year.file.is_none())
    };
    comparison.years.iter().map(year).sum()
}

fn accept(compared: &[(&Folder, Comparison)], sound: bool) -> Outcome {
    if !sound {
        let message = "rien n'est accepté : des exemples ou des contrôles échouent";
        return Err(Failure::Refused(message.to_owned()));
    }
    let files: Vec<(PathBuf, &[u8])> = compared
        .iter()
        .flat_map(|(folder, comparison)| comparison.years.iter().map(move |year| (folder, year)))
        .filter(|(_, year)| !year.holds())
        .map(|(folder, year)| (year_file(&folder.path, year.year), &*year.accepted))
        .collect();
    if files.is_empty() {
        writeln!(io::stdout(), "rien à accepter : tous les résultats sont ceux attendus")?;
        return Ok(());
    }
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        write!(io::stdout(), "récrire {} ? (o/N) ", count(files.len(), "fichier", "fichiers"))?;
        io::stdout().flush()?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        if !matches!(answer.trim().to_lowercase().as_str(), "o" | "oui") {
            return Err(Failure::Refused("rien n'a été récrit".to_owned()));
        }
    }
    replace(&files)
        .map_err(|(path, error)| Failure::from(diagnostics::unwritable(&path.to_string_lossy().into(), &error)))?;
    let names: Vec<String> = files.iter().map(|(path, _)| path.display().to_string()).collect();
    writeln!(io::stdout(), "accepté : {}", names.join(", "))?;
    Ok(())
}

fn refused(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Data(problems) => problems.into(),
        Refusal::Expected(problem) => Failure::Refused(problem),
    }
}

fn how_to_make(folder: &Path) -> String {
    format!(
        "pour figer des résultats, mettez les données de quelques bénéficiaires, sur plusieurs années, dans « {} » \
         (« polc generate » peut en tirer au sort), puis « polc test POLITIQUE --accept » écrit à côté les résultats de \
         chaque année",
        folder.join(COHORT).display()
    )
}
