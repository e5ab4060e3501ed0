//! A version of a policy, as `--before` and `--after` name it.

use std::path::{Path, PathBuf};

use polc_compiler::Selection;
use polc_compiler::calendar::Date;
use polc_dsl::diagnostic::closest;
use polc_runtime::impact::End;
use polc_runtime::impact::steps::chosen;
use polc_runtime::io::{self, parse_date};
use polc_runtime::policy::Policy;

use super::policy::{self, LawArgs, PolicyArg};
use crate::exit::Failure;

/// The versions to compare, the same for every command that compares.
#[derive(Debug, clap::Args)]
pub struct VersionArgs {
    /// Version de départ (actuel par défaut) ; voir « Versions » plus haut
    #[arg(long, value_name = "VERSION", default_value = "actuel", hide_default_value = true)]
    pub before: String,

    /// Version d'arrivée (actuel par défaut)
    #[arg(long, value_name = "VERSION", default_value = "actuel", hide_default_value = true)]
    pub after: String,
}

/// A version that was read.
#[derive(Debug)]
pub struct Version {
    pub policy: Policy,
    pub path: PathBuf,
    pub end: End,
}

/// What a version is made of, in the order written.
#[derive(Debug, Default)]
struct Spec {
    path: Option<PathBuf>,
    base: bool,
    with: Vec<String>,
    without: Vec<String>,
    as_of: Option<Date>,
    readings: Vec<(String, String)>,
}

/// Reads both versions; two that are the same are a mistake.
pub fn load(policy: &Path, args: &VersionArgs) -> Result<[Version; 2], Failure> {
    let before = one(policy, "--before", &args.before)?;
    let after = one(policy, "--after", &args.after)?;
    let state = |version: &Version| {
        let program = &version.policy.program;
        let law: Vec<_> = program.amendments.iter().filter(|a| a.included).map(|a| a.name.clone()).collect();
        (version.path.clone(), law, chosen(program))
    };
    if state(&before) == state(&after) {
        let advice = "donnez « --before » ou « --after » : base, avec:AVENANT, sans:AVENANT, une date, LECTURE=VARIANTE, ou \
                      le dossier d'une autre politique";
        return Err(Failure::Usage(format!("les deux versions sont le même droit ; {advice}")));
    }
    Ok([before, after])
}

fn one(policy: &Path, option: &str, text: &str) -> Result<Version, Failure> {
    let spec = parse(policy, option, text)?;
    let path = spec.path.clone().unwrap_or_else(|| policy.to_path_buf());
    let mut without = spec.without.clone();
    if spec.base {
        without.extend(amendments(&path).into_iter().filter(|name| !spec.with.contains(name)));
    }
    let arg = PolicyArg {
        policy: path.clone(),
        law: LawArgs { with: spec.with.clone(), without: without.clone(), as_of: spec.as_of },
    };
    let loaded = policy::load(&arg, &spec.readings).map_err(|failure| match failure {
        Failure::Usage(message) => Failure::Usage(format!("« {option} {text} » : {message}")),
        other => other,
    })?;
    let mut options = Vec::new();
    let mut add = |name: &str, value: String| options.extend([name.to_owned(), value]);
    spec.with.iter().for_each(|name| add("--with", name.clone()));
    without.iter().for_each(|name| add("--without", name.clone()));
    spec.as_of.iter().for_each(|date| add("--as-of", date.to_string()));
    spec.readings.iter().for_each(|(name, variant)| add("--reading", format!("{name}={variant}")));
    let end = End {
        asked: text.to_owned(),
        law: policy::state_of_law(&loaded.program),
        readings: chosen(&loaded.program).into_iter().collect(),
        policy: path.to_string_lossy().into_owned(),
        options,
    };
    Ok(Version { policy: loaded, path, end })
}

/// Reads « base, avec:projet, lecture=variante ».
fn parse(policy: &Path, option: &str, text: &str) -> Result<Spec, Failure> {
    let wrong = |message: String| Failure::Usage(format!("« {option} {text} » : {message}"));
    let mut spec = Spec::default();
    for (rank, term) in text.split(',').map(str::trim).enumerate() {
        if term.is_empty() {
            return Err(wrong("il manque quelque chose entre les virgules".to_owned()));
        }
        if term == "actuel" {
            continue;
        }
        if term == "base" {
            spec.base = true;
        } else if let Some(name) = term.strip_prefix("avec:") {
            spec.with.push(name.trim().to_owned());
        } else if let Some(name) = term.strip_prefix("sans:") {
            spec.without.push(name.trim().to_owned());
        } else if is_path(term) {
            if rank > 0 {
                return Err(wrong(format!("le dossier « {term} » se met en premier")));
            }
            spec.path = Some(PathBuf::from(term));
        } else if let Some((name, variant)) = term.split_once('=') {
            spec.readings.push((name.trim().to_owned(), variant.trim().to_owned()));
        } else if let Ok(date) = parse_date(term) {
            if spec.as_of.replace(date).is_some() {
                return Err(wrong("une seule date est possible".to_owned()));
            }
        } else {
            return Err(wrong(unknown(policy, term)));
        }
    }
    Ok(spec)
}

/// Whether a term is a place, not a name.
fn is_path(term: &str) -> bool {
    let is_date = parse_date(term).is_ok();
    !is_date
        && (term.contains(['/', '\\'])
            || term == "."
            || term == ".."
            || Path::new(term).extension().is_some_and(|e| e == "pol")
            || Path::new(term).is_dir())
}

fn unknown(policy: &Path, term: &str) -> String {
    let names = amendments(policy);
    let bare = term.trim_start_matches(['+', '-']);
    if names.iter().any(|name| name == bare) {
        let word = if term.starts_with('-') { "sans" } else { "avec" };
        return format!("« {term} » ne dit pas si l'avenant s'applique : écrivez « {word}:{bare} »");
    }
    let words = ["actuel", "base"];
    let near = closest(term, words.into_iter().chain(names.iter().map(String::as_str)));
    let near = near.map(|near| format!(" ; vouliez-vous dire « {near} » ?")).unwrap_or_default();
    format!(
        "« {term} » n'est ni « actuel », ni « base », ni « avec:AVENANT », ni « sans:AVENANT », ni une date, ni \
         « LECTURE=VARIANTE », ni un dossier{near}"
    )
}

/// The amendments of a policy, by name; none where it cannot be read, which is said later.
fn amendments(path: &Path) -> Vec<String> {
    let (sources, problems) = io::policy::load(path);
    if !problems.is_empty() {
        return Vec::new();
    }
    let (all, _) = polc_compiler::amendments(&sources, &Selection::default());
    all.iter().map(|amendment| amendment.name.to_string()).collect()
}
