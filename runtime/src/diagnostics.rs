//! The words of the data: one constructor per problem of a file, a cell or a row. Readers decide, this module says it.

use std::fmt;
use std::io;
use std::sync::Arc;

use polc_compiler::calendar::Date;
use polc_compiler::num::{Ratio, format_french, integer};
use polc_compiler::typed::{Citation, Input, InputId, Program, QuantityId, Type};
use polc_dsl::diagnostic::codes::{self, Code};
use polc_dsl::diagnostic::{Diagnostic, closest, list};
use polc_dsl::{FileId, Span};

use crate::io::block::JsonFault;
use crate::io::cell::CellProblem;
use crate::io::records::Fault;
use crate::io::text::{Encoding, FileKind, Format, NotText};
use crate::io::typed::Decimals;
use crate::table::RowErrorKind;

/// Problems shown of one file; the rest are counted.
pub const SHOWN_PROBLEMS: usize = 100;

/// One problem of a data file: one French sentence, with where it is and whom it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataProblem {
    pub code: Code,
    /// As the user named it.
    pub file: Arc<str>,
    /// Physical line of the file, from 1.
    pub line: Option<usize>,
    /// Name of the column.
    pub column: Option<Arc<str>>,
    /// The key of the row: « code « B12 », annee « 2024 » ».
    pub subject: Option<String>,
    /// What was found, then what was expected.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl DataProblem {
    fn new(code: Code, place: &Place, message: impl Into<String>) -> Self {
        Self {
            code,
            file: place.file.clone(),
            line: place.line,
            column: place.column.clone(),
            subject: place.subject.clone(),
            message: message.into(),
            help: None,
        }
    }

    fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn suggesting<'n>(self, written: &str, candidates: impl IntoIterator<Item = &'n str>) -> Self {
        match closest(written, candidates) {
            Some(candidate) => self.with_help(format!("vouliez-vous dire « {candidate} » ?")),
            None => self,
        }
    }

    /// The sentence for the row itself, without file, line and key: what a file of rejects says.
    #[must_use]
    pub fn reason(&self) -> String {
        let column = self.column.as_ref().map(|column| format!("colonne « {column} » : ")).unwrap_or_default();
        let help = self.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{} {column}{}{help}", self.code.id, self.message)
    }
}

impl fmt::Display for DataProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code.id, self.file)?;
        if let Some(line) = self.line {
            write!(f, ", ligne {line}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ", colonne « {column} »")?;
        }
        if let Some(subject) = &self.subject {
            write!(f, ", {subject}")?;
        }
        write!(f, " : {}", self.message)?;
        if let Some(help) = &self.help {
            write!(f, "\n        aide : {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for DataProblem {}

/// The problems of one file, up to a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    pub shown: Vec<DataProblem>,
    /// How many more there are.
    pub others: usize,
    limit: usize,
}

impl Problems {
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { shown: Vec::new(), others: 0, limit }
    }

    /// Adds a problem; it is only counted, and its words not made, once the limit is reached.
    pub fn push(&mut self, problem: impl FnOnce() -> DataProblem) {
        if self.shown.len() < self.limit {
            self.shown.push(problem());
        } else {
            self.others += 1;
        }
    }

    /// In the order of the file.
    pub fn sort(&mut self) {
        self.shown.sort_by_key(|problem| problem.line);
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty() && self.others == 0
    }

    #[must_use]
    pub fn count(&self) -> usize {
        self.shown.len() + self.others
    }
}

impl From<DataProblem> for Problems {
    fn from(problem: DataProblem) -> Self {
        Self { shown: vec![problem], others: 0, limit: SHOWN_PROBLEMS }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (rank, problem) in self.shown.iter().enumerate() {
            let end = if rank == 0 { "" } else { "\n" };
            write!(f, "{end}{problem}")?;
        }
        match self.others {
            0 => Ok(()),
            1 => write!(f, "\net 1 autre problème"),
            others => {
                let others = i64::try_from(others).unwrap_or(i64::MAX);
                write!(f, "\net {} autres problèmes", format_french(&integer(others), 0))
            }
        }
    }
}

impl std::error::Error for Problems {}

/// Where a problem is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub file: Arc<str>,
    pub line: Option<usize>,
    pub column: Option<Arc<str>>,
    pub subject: Option<String>,
}

impl Place {
    #[must_use]
    pub fn file(file: &Arc<str>) -> Self {
        Self { file: file.clone(), line: None, column: None, subject: None }
    }

    #[must_use]
    pub fn line(file: &Arc<str>, line: usize) -> Self {
        Self { line: Some(line), ..Self::file(file) }
    }

    #[must_use]
    pub fn on(mut self, column: &Arc<str>) -> Self {
        self.column = Some(column.clone());
        self
    }
}

/// The key of a row in words, from the name and the text of each of its columns.
#[must_use]
pub fn subject<'a>(key: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<String> {
    let word = |(name, cell): (&str, &str)| {
        if cell.is_empty() { format!("{name} vide") } else { format!("{name} {}", quote(cell)) }
    };
    let words: Vec<String> = key.into_iter().map(word).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// A cell between quotation marks, on one line and not too long.
fn quote(cell: &str) -> String {
    const LONGEST: usize = 40;
    let mut shown: String = cell.chars().take(LONGEST).map(|c| if c.is_control() { '␤' } else { c }).collect();
    if cell.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    format!("« {shown} »")
}

/// Names between quotation marks, all of them.
fn names<S: AsRef<str>>(items: &[S], last: &str) -> String {
    let quoted: Vec<String> = items.iter().map(|item| item.as_ref().to_owned()).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((end, start)) => format!("{} {last} {end}", start.join(", ")),
    }
}

// ------------------------------------------------------------------------------------------------------------ files

/// What went wrong with a file, without the name of the file.
fn io_words(error: &io::Error, verb: &str) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "ce chemin n'existe pas".to_owned(),
        io::ErrorKind::PermissionDenied => format!("vous n'avez pas le droit de le {verb}"),
        io::ErrorKind::IsADirectory => "c'est un dossier, pas un fichier".to_owned(),
        io::ErrorKind::NotADirectory => "un élément de ce chemin n'est pas un dossier".to_owned(),
        io::ErrorKind::StorageFull => "le disque est plein".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "ce disque est en lecture seule".to_owned(),
        _ => format!("impossible de le {verb} ({error})"),
    }
}

#[must_use]
pub fn unreadable_policy(file: FileId, path: &str, error: &io::Error) -> Diagnostic {
    let message = format!("« {path} » : {}", io_words(error, "lire"));
    Diagnostic::new(codes::UNREADABLE_POLICY, Span::new(file, 0, 0), message, "")
}

#[must_use]
pub fn no_policy_file(file: FileId, folder: &str) -> Diagnostic {
    let message = format!("le dossier « {folder} » ne contient aucun fichier .pol");
    Diagnostic::new(codes::UNREADABLE_POLICY, Span::new(file, 0, 0), message, "")
        .with_help("donnez le dossier de la politique, ou l'un de ses fichiers")
}

#[must_use]
pub fn not_a_policy_file(file: FileId, path: &str) -> Diagnostic {
    let message = format!("« {path} » n'est ni un dossier ni un fichier ordinaire");
    Diagnostic::new(codes::UNREADABLE_POLICY, Span::new(file, 0, 0), message, "")
}

pub const UNREADABLE_LINE: &str = "ligne illisible";

// ------------------------------------------------------------------------------------- several versions of a policy

/// Versions that do not have the same rows.
#[must_use]
pub fn other_keys() -> String {
    "les deux versions n'ont pas la même clé de ligne".to_owned()
}

#[must_use]
pub fn other_currency() -> String {
    "les deux versions n'ont pas la même monnaie".to_owned()
}

/// A column that no file can have for both versions.
#[must_use]
pub fn two_types(input: &str) -> String {
    format!("l'entrée « {input} » n'est pas du même type dans les deux versions")
}

/// A cell that only another version takes.
#[must_use]
pub fn not_of_version(input: &str) -> String {
    format!("la valeur de « {input} » n'est pas admise par cette version")
}

pub fn amounts_too_large(file: &Arc<str>) -> DataProblem {
    DataProblem::new(codes::ROW_CALCULATION, &Place::file(file), "les montants sont trop grands pour être additionnés")
}

/// A line of an index of figures.
#[must_use]
pub fn bad_index(file: &str, line: usize, message: &str) -> DataProblem {
    let place = Place { line: Some(line), ..Place::file(&file.into()) };
    DataProblem::new(codes::DATA_FILE, &place, message)
        .with_help("l'index des chiffres est décrit par « policies/outils/README.md »")
}

#[must_use]
pub fn wrong_index_line(header: &[&str]) -> String {
    format!("attendu les colonnes {}", list(header, "et"))
}

#[must_use]
pub fn not_a_figure(text: &str) -> String {
    format!("« {text} » n'est ni un nombre ni une date de l'index")
}

#[must_use]
pub fn not_in_index(place: &str) -> String {
    format!("« {place} » n'est pas dans l'index")
}

#[must_use]
pub fn figure_not_in_index(place: &str, number: &str, unit: &str) -> String {
    format!("l'index n'a pas « {} » à « {place} »", format!("{number} {unit}").trim_end())
}

/// A constant that none of the cited articles has.
#[must_use]
pub fn figure_not_in_text(span: Span, text: &str, citations: &[Citation], elsewhere: &[String]) -> Diagnostic {
    const SHOWN: usize = 4;
    let cited: Vec<String> = citations.iter().map(ToString::to_string).collect();
    let cited: Vec<&str> = cited.iter().map(String::as_str).collect();
    let message = format!("« {text} » n'est dans aucun des articles cités : {}", list(&cited, "et"));
    let diagnostic = Diagnostic::new(codes::FIGURE_NOT_IN_TEXT, span, message, "d'où vient ce chiffre ?");
    let near: Vec<&str> = elsewhere.iter().take(SHOWN).map(String::as_str).collect();
    diagnostic.with_help(match elsewhere.len() {
        0 => {
            "l'index ne l'a nulle part ; s'il se déduit du texte, inscrivez-le dans « chiffres-deduits.csv »".to_owned()
        }
        1..=SHOWN => format!("il est à {}", list(&near, "et")),
        others => format!("il est à {} et dans {} autres lieux", near.join(", "), others - SHOWN),
    })
}

/// A reference that leads nowhere.
#[must_use]
pub fn place_not_in_text(span: Span, citation: &Citation) -> Diagnostic {
    let message = format!("« {citation} » n'est pas dans l'index du texte");
    Diagnostic::new(codes::PLACE_NOT_IN_TEXT, span, message, "cité ici").with_help("vérifiez le numéro de l'article")
}

#[must_use]
pub fn unreadable_data(file: &Arc<str>, error: &io::Error) -> DataProblem {
    DataProblem::new(codes::DATA_FILE, &Place::file(file), io_words(error, "lire"))
}

#[must_use]
pub fn unwritable(file: &Arc<str>, error: &io::Error) -> DataProblem {
    let problem = DataProblem::new(codes::UNWRITABLE, &Place::file(file), io_words(error, "écrire"));
    match error.kind() {
        io::ErrorKind::NotFound => problem.with_help("créez d'abord le dossier"),
        _ => problem,
    }
}

/// A result that a column of decimals does not hold.
#[must_use]
pub(crate) fn too_large_for_a_column(place: &Place, number: &str, decimals: Decimals) -> DataProblem {
    let Decimals { digits, scale } = decimals;
    let message =
        format!("{} ne tient pas dans une colonne de {digits} chiffres dont {scale} décimales", quote(number));
    DataProblem::new(codes::UNWRITABLE, place, message)
        .with_help("écrivez les résultats en CSV, qui n'a pas cette limite")
}

/// More rows or columns than a sheet has. The file is that of the results, which whoever writes it names.
#[must_use]
pub(crate) fn sheet_too_small(rows: usize, columns: usize) -> DataProblem {
    let count = |n: usize| format_french(&integer(i64::try_from(n).unwrap_or(i64::MAX)), 0);
    let message = format!(
        "une feuille Excel a {} lignes et {} colonnes au plus, il en faut davantage",
        count(rows),
        count(columns)
    );
    DataProblem::new(codes::UNWRITABLE, &Place::file(&"résultats".into()), message)
        .with_help("écrivez les résultats en CSV, Parquet ou Arrow")
}

#[must_use]
pub fn not_text(file: &Arc<str>, what: NotText) -> DataProblem {
    let found = match what {
        NotText::Zip => "est un classeur Excel (.xlsx) ou une archive zip",
        NotText::OldExcel => "est un classeur Excel (.xls) ou un document Office",
        NotText::Parquet => "est un fichier Parquet",
        NotText::Arrow => "est un fichier Arrow",
        NotText::Gzip | NotText::Zstandard => "est compressé",
        NotText::Pdf => "est un document PDF",
        NotText::Sqlite => "est une base SQLite",
        NotText::Json => "contient du JSON",
        NotText::Markup => "est une page HTML ou du XML",
        NotText::Binary { .. } => "n'est pas du texte",
        NotText::BrokenUtf16 => "contient de l'UTF-16 abîmé",
    };
    let message = format!("ce fichier {found}, un CSV est attendu");
    let problem = DataProblem::new(codes::DATA_FILE, &Place::file(file), message);
    match what {
        NotText::Zip => problem.with_help("un classeur doit être nommé en « .xlsx »"),
        NotText::OldExcel => problem.with_help("dans le tableur, enregistrez la feuille au format .xlsx ou CSV"),
        NotText::Parquet => problem.with_help("un fichier Parquet doit être nommé en « .parquet »"),
        NotText::Arrow => problem.with_help("un fichier Arrow doit être nommé en « .arrow »"),
        NotText::Json => problem.with_help("un fichier d'un objet JSON par ligne doit être nommé en « .jsonl »"),
        NotText::Gzip | NotText::Zstandard => problem.with_help("décompressez-le d'abord"),
        NotText::Binary { offset } => problem.with_help(format!("l'octet {offset} est nul, un texte n'en a pas")),
        _ => problem,
    }
}

/// A file that its format does not allow.
#[must_use]
pub(crate) fn broken_file(file: &Arc<str>, kind: FileKind) -> DataProblem {
    let kind = match kind {
        FileKind::Csv => "CSV",
        FileKind::Parquet => "Parquet",
        FileKind::Arrow => "Arrow",
        FileKind::JsonLines => "JSON Lines",
        FileKind::Excel => "Excel (.xlsx)",
    };
    let message = format!("ce fichier n'est pas un fichier {kind}, ou il est tronqué ou abîmé");
    DataProblem::new(codes::DATA_FILE, &Place::file(file), message)
        .with_help("le format suit l'extension du nom ; si elle est juste, refaites ou retransmettez le fichier")
}

/// The rows of a second reading are not those of the first.
#[must_use]
pub(crate) fn changed_meanwhile(file: &Arc<str>) -> DataProblem {
    let message = "ce fichier a changé pendant sa lecture ; recommencez quand plus rien ne l'écrit";
    DataProblem::new(codes::DATA_FILE, &Place::file(file), message)
}

/// A column of a type that no cell of a text could say.
#[must_use]
pub(crate) fn unread_type(place: &Place, ty: &str) -> DataProblem {
    let message = format!("cette colonne est du type {ty}, qui n'est pas lu");
    DataProblem::new(codes::BAD_CELL, place, message).with_help(
        "donnez-lui un type simple : entier, décimal, flottant, booléen, date, horodatage sans fuseau ou texte",
    )
}

#[must_use]
pub fn empty_file(file: &Arc<str>, columns: &[&str]) -> DataProblem {
    let message = "ce fichier est vide, une ligne de noms de colonnes est attendue";
    DataProblem::new(codes::DATA_FILE, &Place::file(file), message).with_help(header_help(columns))
}

#[must_use]
pub fn no_known_column(file: &Arc<str>, line: Option<usize>, first: &str, columns: &[&str]) -> DataProblem {
    let first = quote(first);
    let message = match line {
        Some(_) => format!(
            "aucune colonne de la politique n'est nommée sur cette ligne, qui commence par {first} : elle doit donner les \
             noms des colonnes"
        ),
        None => format!("aucune colonne de ce fichier n'est une entrée de la politique ; la première se nomme {first}"),
    };
    let place = Place { line, ..Place::file(file) };
    DataProblem::new(codes::DATA_FILE, &place, message).with_help(header_help(columns))
}

fn header_help(columns: &[&str]) -> String {
    format!("les colonnes attendues sont {} (« polc schema » en donne le modèle)", list(columns, "et"))
}

// ---------------------------------------------------------------------------------------------------------- columns

#[must_use]
pub fn missing_column(
    place: &Place,
    program: &Program,
    input: InputId,
    reader: Option<QuantityId>,
    near: Option<&str>,
) -> DataProblem {
    let name = &program.input(input).name;
    let why = match reader {
        _ if program.key.contains(&input) => "elle fait partie de la clé des lignes".to_owned(),
        Some(quantity) => {
            format!("« {} » en dépend et elle n'a pas de valeur par défaut", program.quantity(quantity).name)
        }
        None => "le champ de la politique en dépend et elle n'a pas de valeur par défaut".to_owned(),
    };
    let message = format!("la colonne « {name} » manque ; {why}");
    let problem = DataProblem::new(codes::MISSING_COLUMN, place, message);
    match near {
        Some(near) => problem.with_help(format!("la colonne « {near} » porte un nom proche : est-ce elle ?")),
        None => problem,
    }
}

#[must_use]
pub fn unknown_column<'n>(place: &Place, name: &str, inputs: impl IntoIterator<Item = &'n str>) -> DataProblem {
    let message = format!("la colonne « {name} » n'est pas une entrée de la politique");
    let problem = DataProblem::new(codes::UNKNOWN_COLUMN, place, message).suggesting(name, inputs);
    match problem.help {
        Some(_) => problem,
        None => problem.with_help("ôtez-la, ou demandez « --keep » pour la reprendre telle quelle dans le résultat"),
    }
}

/// With « --keep », a column whose name is that of an absent input but for a slip.
#[must_use]
pub fn misspelt_column(place: &Place, name: &str, input: &str) -> DataProblem {
    let message = format!("la colonne « {name} » n'est pas une entrée de la politique, et « {input} » manque");
    DataProblem::new(codes::UNKNOWN_COLUMN, place, message)
        .with_help(format!("renommez-la « {input} », ou donnez-lui un nom qui n'y ressemble pas"))
}

#[must_use]
pub fn unnamed_column(place: &Place, position: usize) -> DataProblem {
    DataProblem::new(codes::UNKNOWN_COLUMN, place, format!("la colonne numéro {position} n'a pas de nom"))
        .with_help("nommez-la ou ôtez-la (un séparateur en fin de ligne crée une colonne)")
}

#[must_use]
pub fn duplicate_column(place: &Place, name: &str, first: usize, second: usize) -> DataProblem {
    let message = format!("la colonne « {name} » est donnée deux fois, en positions {first} et {second}");
    DataProblem::new(codes::DUPLICATE_COLUMN, place, message)
}

#[must_use]
pub fn column_named_as_output(place: &Place, name: &str) -> DataProblem {
    let message = format!("la colonne « {name} » à reprendre porte le nom d'un résultat demandé");
    DataProblem::new(codes::DUPLICATE_COLUMN, place, message)
        .with_help("renommez-la, ou ne demandez pas ce résultat (« --outputs »)")
}

// ------------------------------------------------------------------------------------------------------------- rows

/// What is to be known of a record whose length is not that of the header.
#[derive(Clone, Copy, Debug)]
pub struct Ragged {
    pub found: usize,
    pub expected: usize,
    /// Physical lines that it spans.
    pub lines: usize,
    pub separator: u8,
}

#[must_use]
pub fn ragged_row(place: &Place, row: Ragged) -> DataProblem {
    let Ragged { found, expected, lines, separator } = row;
    let cells = if found == 1 { "1 cellule".to_owned() } else { format!("{found} cellules") };
    let message = format!("cette ligne a {cells}, l'en-tête en annonce {expected}");
    let problem = DataProblem::new(codes::RAGGED_ROW, place, message);
    if lines > 1 {
        problem.with_help(format!("elle s'étend sur {lines} lignes : un guillemet n'est peut-être pas fermé"))
    } else if found > expected && separator == b',' {
        problem.with_help(
            "une virgule dans un nombre ou un texte demande des guillemets autour de la cellule, ou « ; » entre les \
             cellules",
        )
    } else {
        problem
    }
}

#[must_use]
pub fn bad_quotes(place: &Place, fault: Fault) -> DataProblem {
    let message = match fault {
        Fault::Unclosed { line } if Some(line) == place.line => "un guillemet ouvert ici n'est jamais fermé".to_owned(),
        Fault::Unclosed { line } => format!("un guillemet ouvert ligne {line} n'est jamais fermé"),
        Fault::AfterQuote { line } if Some(line) == place.line => {
            "un guillemet fermant est suivi d'autre chose qu'un séparateur".to_owned()
        }
        Fault::AfterQuote { line } => {
            format!("un guillemet ouvert ici n'est fermé que ligne {line}, et là suivi d'autre chose qu'un séparateur")
        }
    };
    DataProblem::new(codes::BAD_QUOTES, place, message).with_help(
        "un guillemet dans une cellule s'écrit deux fois, dans une cellule entre guillemets : \"a \"\"b\"\" c\"",
    )
}

#[must_use]
pub(crate) fn bad_json(place: &Place, fault: &JsonFault) -> DataProblem {
    let message = match fault {
        JsonFault::NotAnObject => "cette ligne n'est pas un objet JSON, comme {\"colonne\": valeur, …}".to_owned(),
        JsonFault::Syntax(column) => format!("cette ligne n'est plus du JSON au caractère {column}"),
        JsonFault::Twice(name) => format!("cette ligne donne deux fois « {name} »"),
    };
    DataProblem::new(codes::RAGGED_ROW, place, message)
}

#[must_use]
pub fn duplicate_key(place: &Place, first: usize) -> DataProblem {
    let message = format!("cette clé est déjà celle de la ligne {first}, une seule ligne par clé est attendue");
    DataProblem::new(codes::DUPLICATE_KEY, place, message)
}

#[must_use]
pub fn empty_key(place: &Place) -> DataProblem {
    DataProblem::new(codes::EMPTY_CELL, place, "cellule vide, une valeur de la clé est attendue")
}

#[must_use]
pub fn bad_cell(place: &Place, program: &Program, input: &Input, cell: &str, problem: &CellProblem) -> DataProblem {
    let (code, found) = match problem {
        CellProblem::NotANumber => (codes::BAD_CELL, "n'est pas un nombre".to_owned()),
        CellProblem::Ambiguous => (codes::BAD_CELL, "peut se lire de deux façons".to_owned()),
        CellProblem::Decimals { found: 1 } => (codes::TOO_MANY_DECIMALS, "a une décimale".to_owned()),
        CellProblem::Decimals { found } => (codes::TOO_MANY_DECIMALS, format!("a {found} décimales")),
        CellProblem::OutOfRange if input.name == program.input(program.year).name => {
            (codes::CELL_OUT_OF_RANGE, "est hors des années que la politique couvre".to_owned())
        }
        CellProblem::OutOfRange => (codes::CELL_OUT_OF_RANGE, "est hors de la plage légale".to_owned()),
        CellProblem::NotABoolean => (codes::BAD_CELL, "n'est ni vrai ni faux".to_owned()),
        CellProblem::NotADate => (codes::BAD_CELL, "n'est pas une date".to_owned()),
        CellProblem::NoSuchDay => (codes::BAD_CELL, "n'existe pas dans le calendrier".to_owned()),
        CellProblem::UnknownCase => (codes::UNKNOWN_CELL_CASE, "n'est pas un cas de l'énumération".to_owned()),
        CellProblem::NotACell => (codes::BAD_CELL, "n'est pas une valeur simple".to_owned()),
    };
    let message = format!("{} {found} ; attendu : {}", quote(cell), expected(program, input));
    let reported = DataProblem::new(code, place, message);
    const ABSENT: [&str; 8] = ["na", "n/a", "nan", "null", "none", "-", "#n/a", "."];
    match problem {
        CellProblem::UnknownCase => {
            let Type::Enumeration(id) = &input.ty else { return reported };
            reported.suggesting(cell, program.enumeration(*id).cases.iter().map(|(name, _)| &**name))
        }
        CellProblem::Ambiguous => {
            let (thousands, decimals) = (cell.replace(',', ""), cell.replace(',', "."));
            reported.with_help(format!("écrivez {thousands} ou {decimals}"))
        }
        _ if ABSENT.contains(&cell.to_lowercase().as_str()) => {
            reported.with_help("pour dire qu'une donnée manque, laissez la cellule vide")
        }
        CellProblem::NotANumber if cell.ends_with('%') => reported.with_help("écrivez la proportion : 0,45 pour 45 %"),
        CellProblem::NotANumber if cell.starts_with(|c: char| c.is_ascii_digit()) => {
            reported.with_help("écrivez le nombre en chiffres seulement, sans unité, exposant ni espace mal placée")
        }
        _ => reported,
    }
}

/// What a cell of the input must be.
#[must_use]
pub fn expected(program: &Program, input: &Input) -> String {
    match &input.ty {
        Type::Number(_) if input.name == program.input(program.year).name => {
            format!("une année de {} à {}", program.years.0, program.years.1)
        }
        Type::Number(unit) => {
            let nature = match input.decimals {
                0 => "un nombre entier".to_owned(),
                1 => "un nombre à 1 décimale au plus".to_owned(),
                n => format!("un nombre à {n} décimales au plus"),
            };
            let range = input.range.as_ref().map_or_else(String::new, |(low, high)| {
                format!(" de {} à {}", format_french(low, 0), format_french(high, 0))
            });
            let unit = if unit.is_none() { String::new() } else { format!(" (unité : {unit})") };
            format!("{nature}{range}{unit}")
        }
        Type::Boolean | Type::Error => "vrai ou faux (oui ou non, true ou false, 1 ou 0)".to_owned(),
        Type::Date => {
            let day = |days: &Ratio| days.to_integer().try_into().ok().and_then(Date::from_days);
            let range =
                input.range.as_ref().and_then(|(low, high)| Some(format!(" du {} au {}", day(low)?, day(high)?)));
            format!("une date{} comme 2024-12-31 ou 31/12/2024", range.unwrap_or_default())
        }
        Type::Enumeration(id) => {
            let cases: Vec<&str> = program.enumeration(*id).cases.iter().map(|(name, _)| &**name).collect();
            names(&cases, "ou")
        }
        Type::Text => "un texte".to_owned(),
    }
}

/// Why a row that was read well could not be computed.
#[must_use]
pub fn row_error(place: Place, program: &Program, kind: &RowErrorKind) -> DataProblem {
    let (code, message) = match kind {
        RowErrorKind::Missing { input, quantity } => {
            let input = program.input(*input);
            let reader = match quantity {
                Some(quantity) => format!("« {quantity} »"),
                None => "le champ de la politique".to_owned(),
            };
            let message = format!("cellule vide alors que {reader} la lit ; attendu : {}", expected(program, input));
            return DataProblem::new(codes::EMPTY_CELL, &place.on(&input.name), message);
        }
        RowErrorKind::DivisionByZero { quantity } => {
            (codes::DIVISION_BY_ZERO, format!("« {quantity} » ne se calcule pas : division par zéro"))
        }
        RowErrorKind::BadDate { quantity } => (
            codes::ROW_CALCULATION,
            format!("« {quantity} » ne se calcule pas : date au-delà de l'an 9999, ou durée qui n'est pas entière"),
        ),
        RowErrorKind::Rules { quantity, first, second } => (
            codes::ROW_CONFLICT,
            format!("« {quantity} » est donné par deux dispositions à la fois, « {first} » et « {second} »"),
        ),
        RowErrorKind::Derogations { quantity, first, second } => (
            codes::ROW_CONFLICT,
            format!(
                "deux dérogations à « {quantity} » jouent ensemble, « {first} » et « {second} », sans que l'une prime"
            ),
        ),
        RowErrorKind::WithoutObject { quantity } => {
            (codes::ROW_CALCULATION, format!("« {quantity} » est lu alors qu'il est sans objet"))
        }
        RowErrorKind::Control { name, title } => {
            (codes::CONTROL_FAILED, format!("le contrôle bloquant « {name} » n'est pas vérifié : {title}"))
        }
    };
    DataProblem::new(code, &place, message)
}

/// An empty cell of an earlier row of the same beneficiary, which this row depends on.
#[must_use]
pub fn missing_the_year_before(
    place: &Place,
    program: &Program,
    input: InputId,
    quantity: Option<&str>,
) -> DataProblem {
    let reader = quantity.map_or_else(|| "le champ de la politique".to_owned(), |name| format!("« {name} »"));
    let message = format!(
        "un résultat de l'année précédente est à lire et ne se calcule pas : la donnée « {} » y est vide alors que {reader} \
         la lit",
        program.input(input).name
    );
    DataProblem::new(codes::EMPTY_CELL, place, message)
}

/// No row has the key asked for; `years` are those that the beneficiary has, `near` a key that looks like it.
#[must_use]
pub fn row_not_found(file: &Arc<str>, key: &str, years: &[i64], near: Option<&str>) -> DataProblem {
    let problem = DataProblem::new(codes::ROW_NOT_FOUND, &Place::file(file), format!("aucune ligne pour {key}"));
    if !years.is_empty() {
        let years: Vec<String> = years.iter().map(i64::to_string).collect();
        return problem.with_help(format!("années du fichier pour cette clé : {}", years.join(", ")));
    }
    match near {
        Some(near) => problem.with_help(format!("vouliez-vous dire « {near} » ?")),
        None => problem,
    }
}

// ---------------------------------------------------------------------------------------------------------- formats

/// How a file is written, for a summary.
#[must_use]
pub fn format(format: &Format) -> String {
    match format.kind {
        FileKind::Csv => {}
        FileKind::Parquet => return "Parquet".to_owned(),
        FileKind::Arrow => return "Arrow".to_owned(),
        FileKind::JsonLines => return "JSON Lines".to_owned(),
        FileKind::Excel => return "Excel".to_owned(),
    }
    let encoding = match format.encoding {
        Encoding::Utf8 => "UTF-8",
        Encoding::Utf16Le | Encoding::Utf16Be => "UTF-16",
        Encoding::Windows1252 => "Windows-1252",
    };
    let mark = match (format.mark, format.encoding) {
        (true, Encoding::Utf8) => " avec BOM",
        _ => "",
    };
    let separator = match format.separator {
        b'\t' => "tabulation".to_owned(),
        other => format!("« {} »", char::from(other)),
    };
    let decimals = match (format.decimal_comma, format.decimal_point) {
        (true, true) => ", virgule et point décimaux",
        (true, false) => ", virgule décimale",
        (false, true) => ", point décimal",
        (false, false) => "",
    };
    format!("{encoding}{mark}, séparateur {separator}{decimals}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::libraries;

    #[test]
    fn why_a_row_has_no_results() {
        let program = libraries().program;
        let input = program.find_input("heures_semaine").expect("an input of the policy");
        let (quantity, first, second): (Arc<str>, Arc<str>, Arc<str>) = ("aide".into(), "A".into(), "B".into());
        let kinds = [
            RowErrorKind::Missing { input, quantity: Some(quantity.clone()) },
            RowErrorKind::Missing { input, quantity: None },
            RowErrorKind::DivisionByZero { quantity: quantity.clone() },
            RowErrorKind::BadDate { quantity: quantity.clone() },
            RowErrorKind::Rules { quantity: quantity.clone(), first: first.clone(), second: second.clone() },
            RowErrorKind::Derogations { quantity: quantity.clone(), first, second },
            RowErrorKind::WithoutObject { quantity },
            RowErrorKind::Control { name: "pertes".into(), title: "On ne perd pas plus qu'on ne prête".into() },
        ];
        let place =
            || Place { subject: subject([("code", "B1"), ("annee", "2024")]), ..Place::line(&"panel.csv".into(), 2) };
        let problems = kinds.iter().map(|kind| row_error(place(), &program, kind));
        let before = missing_the_year_before(&place(), &program, input, Some("aide"));
        let said: Vec<String> = problems.chain([before]).map(|problem| problem.to_string()).collect();
        insta::assert_snapshot!(said.join("\n"));
    }

    #[test]
    fn long_or_broken_cells_stay_on_one_line() {
        assert_eq!(quote(&"x".repeat(50)), format!("« {}… »", "x".repeat(40)));
        assert_eq!(quote("a\nb"), "« a␤b »");
    }
}
