//! `polc seal`: results with all that it takes to find them again.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use polc_runtime::diagnostics;
use polc_runtime::io::folder::{NewFolder, files, fingerprint};
use polc_runtime::seal::{self, Choice, Data, Explained, FileMark, Manifest, Options, PolicyName};

use super::data::is_standard;
use super::eval::unwritable;
use super::policy::{self, PolicyArg, ReadingArgs};
use super::replay;
use super::wording::count;
use crate::exit::{Failure, Outcome};

/// Scelle des résultats dans un dossier que « polc verify » rejoue
///
/// Le dossier contient la politique, les données, les options, la version du programme, les
/// résultats qu'écrit « polc eval » (en CSV), l'explication de chaque ligne qu'écrit « polc
/// explain --format json » (une par ligne), et un manifeste avec l'empreinte SHA-256 de chaque
/// fichier et une empreinte de l'ensemble. Les mêmes entrées donnent le même dossier, octet pour
/// octet. Le dossier apparaît complet ou pas du tout.
///
/// Exemples :
///   polc seal policies/accord-cds centres.csv -o scelle-2024
///   polc seal policies/accord-cds centres.csv -o scelle-2024 --outputs montant_total --key 750000001
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(flatten)]
    policy: PolicyArg,

    /// Fichier des données, de tout format que lit « polc eval »
    #[arg(value_name = "DONNÉES")]
    data: PathBuf,

    /// Dossier à écrire ; il ne doit pas exister
    #[arg(short, long, value_name = "DOSSIER")]
    output: PathBuf,

    /// Résultats à calculer et à expliquer ; sans cette option, tous sont calculés et les versements expliqués
    #[arg(long, value_name = "A,B,…", value_delimiter = ',')]
    outputs: Vec<String>,

    #[command(flatten)]
    readings: ReadingArgs,

    /// Reprend les autres colonnes du fichier à la suite des résultats
    #[arg(long)]
    keep: bool,

    /// Écarte les lignes fautives dans « rejets.csv » au lieu de tout refuser
    #[arg(long)]
    rejects: bool,

    /// N'enferme pas les données : « polc verify --data » les donnera, leur empreinte en répond
    #[arg(long)]
    without_data: bool,

    /// Lignes à expliquer : all ou none ; sans cette option, toutes s'il n'y en a pas plus de 1 000
    #[arg(long, value_name = "LIGNES", hide_possible_values = true, conflicts_with = "keys")]
    statements: Option<Statements>,

    /// N'explique que les lignes de cette clé, sans l'année (à répéter) ; plusieurs colonnes se séparent par « ; »
    #[arg(long = "key", value_name = "CLÉ")]
    keys: Vec<String>,

    /// Comprime les explications (gzip)
    #[arg(long)]
    compress: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Statements {
    All,
    None,
}

pub fn run(args: &Args) -> Outcome {
    if is_standard(&args.data) {
        return Err(Failure::Usage("« polc seal » attend un fichier de données, non l'entrée standard".to_owned()));
    }
    let Some(name) = args.data.file_name().map(|name| name.to_string_lossy().into_owned()) else {
        return Err(Failure::Usage(format!("« {} » ne nomme pas un fichier de données", args.data.display())));
    };
    let folder = NewFolder::create(&args.output).map_err(|error| refused(error, &args.output))?;
    let here = |error: io::Error| unwritable(error, Some(&args.output));
    copy_policy(&args.policy.policy, &folder)?;
    let source = args.data.to_string_lossy();
    let unreadable = |error: io::Error| Failure::from(diagnostics::unreadable_data(&source.as_ref().into(), &error));
    let kept = format!("{}/{name}", seal::DATA);
    folder.copy(&args.data, &kept).map_err(unreadable)?;
    let data = folder.path().join(&kept);
    let (length, sha256) = fingerprint(&data).map_err(here)?;

    let options = options(args);
    // Messages name the files of the user.
    policy::load(&args.policy, &args.readings.readings)?;
    let replayed = replay::run(folder.path(), &args.data, &options, folder.path())?;
    if fingerprint(&args.data).map_err(unreadable)? != (length, sha256.clone()) {
        return Err(Failure::Refused(format!("« {source} » a changé pendant le calcul : rien n'est scellé")));
    }
    if args.without_data {
        std::fs::remove_dir_all(folder.path().join(seal::DATA)).map_err(here)?;
    }
    let mut marks = Vec::new();
    for path in files(folder.path()).map_err(here)? {
        let (length, sha256) = fingerprint(&folder.path().join(&path)).map_err(here)?;
        marks.push(FileMark { path, length, sha256 });
    }
    let program = &replayed.policy.program;
    let manifest = Manifest {
        format: seal::FORMAT.to_owned(),
        version: seal::VERSION,
        engine: env!("CARGO_PKG_VERSION").to_owned(),
        policy: PolicyName { name: program.name.to_string(), title: program.title.to_string() },
        options,
        data: Data { name, length, sha256, enclosed: !args.without_data },
        rows: replayed.rows,
        files: marks,
        fingerprint: String::new(),
    }
    .sealed();
    folder.write(seal::MANIFEST, manifest.to_json().as_bytes()).map_err(here)?;
    folder.commit().map_err(|error| refused(error, &args.output))?;
    let text = format!(
        "{} : {}, {}, {}\nempreinte : {}\n",
        args.output.display(),
        count(manifest.files.len() + 1, "fichier", "fichiers"),
        count(manifest.rows.evaluated, "ligne évaluée", "lignes évaluées"),
        count(manifest.rows.explained, "expliquée", "expliquées"),
        manifest.fingerprint
    );
    io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

fn options(args: &Args) -> Options {
    let mut keys: Vec<String> = args.keys.iter().map(|key| parts(key)).collect();
    keys.dedup();
    let choice = |(reading, variant): &(String, String)| Choice { reading: reading.clone(), variant: variant.clone() };
    Options {
        outputs: args.outputs.iter().map(|name| name.trim().to_owned()).collect(),
        with: args.policy.law.with.clone(),
        without: args.policy.law.without.clone(),
        as_of: args.policy.law.as_of.map(|date| date.to_string()),
        readings: args.readings.readings.iter().map(choice).collect(),
        keep: args.keep,
        rejects: args.rejects,
        explained: match args.statements {
            Some(Statements::None) => Explained::None,
            _ if !keys.is_empty() => Explained::Keys,
            Some(Statements::All) => Explained::Every,
            None => Explained::All,
        },
        keys,
        packed: args.compress,
    }
}

/// The parts of a key, without the spaces around them.
fn parts(key: &str) -> String {
    key.split(';').map(str::trim).collect::<Vec<_>>().join(";")
}

/// Copies the files of a policy, byte for byte, with the places that they have from its folder.
fn copy_policy(path: &Path, folder: &NewFolder) -> Outcome {
    let sources = policy::read(path)?;
    let shown = path.to_string_lossy().replace('\\', "/");
    let root = match (path.is_dir(), shown.rfind('/')) {
        (true, _) => format!("{}/", shown.trim_end_matches('/')),
        (false, Some(end)) => shown[..=end].to_owned(),
        (false, None) => String::new(),
    };
    for name in sources.names() {
        let inner = name.strip_prefix(&root).map(|name| name.trim_start_matches('/'));
        let Some(inner) = inner.filter(|inner| !inner.split('/').any(|part| part == "..")) else {
            return Err(Failure::Refused(format!(
                "« {name} » est hors du dossier de la politique : un dossier scellé ne peut pas l'enfermer"
            )));
        };
        let to = format!("{}/{inner}", seal::POLICY);
        folder.copy(Path::new(name), &to).map_err(|error| unwritable(error, Some(Path::new(name))))?;
    }
    Ok(())
}

fn refused(error: io::Error, path: &Path) -> Failure {
    if matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::NotADirectory) {
        return Failure::Refused(format!("« {} » existe déjà : un dossier scellé ne se remplace pas", path.display()));
    }
    unwritable(error, Some(path))
}
