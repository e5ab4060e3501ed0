//! Sealed results: the manifest of a folder that holds a policy, data and what they give, with the fingerprint of each file and
//! one of all of it. `docs/schema/sceau-1.json` describes the document.

use std::path::{Component, Path};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Name of the document format.
pub const FORMAT: &str = "polc-sceau";
/// Its version: it grows when a reader of the previous one could misread the new one.
pub const VERSION: u32 = 1;
/// Where a sealed folder has its parts.
pub const MANIFEST: &str = "manifeste.json";
pub const POLICY: &str = "politique";
pub const DATA: &str = "donnees";
pub const RESULTS: &str = "resultats.csv";
pub const REJECTS: &str = "rejets.csv";
pub const STATEMENTS: &str = "explications.jsonl";
pub const PACKED_STATEMENTS: &str = "explications.jsonl.gz";

/// What a sealed folder holds, and how it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub format: String,
    pub version: u32,
    /// Version of the program.
    #[serde(rename = "moteur")]
    pub engine: String,
    #[serde(rename = "politique")]
    pub policy: PolicyName,
    pub options: Options,
    #[serde(rename = "donnees")]
    pub data: Data,
    #[serde(rename = "lignes")]
    pub rows: Rows,
    /// All the files of the folder but this one, in the order of their names.
    #[serde(rename = "fichiers")]
    pub files: Vec<FileMark>,
    /// SHA-256 of this document with an empty fingerprint.
    #[serde(rename = "empreinte")]
    pub fingerprint: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyName {
    #[serde(rename = "nom")]
    pub name: String,
    #[serde(rename = "titre")]
    pub title: String,
}

/// What the command line asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Results by name; all of them where empty.
    #[serde(rename = "resultats")]
    pub outputs: Vec<String>,
    #[serde(rename = "avec")]
    pub with: Vec<String>,
    #[serde(rename = "sans")]
    pub without: Vec<String>,
    /// A date in ISO 8601.
    #[serde(rename = "connu_le")]
    pub as_of: Option<String>,
    #[serde(rename = "lectures")]
    pub readings: Vec<Choice>,
    /// Other columns are carried through.
    #[serde(rename = "colonnes_reprises")]
    pub keep: bool,
    /// Bad rows are put aside.
    #[serde(rename = "lignes_ecartees")]
    pub rejects: bool,
    #[serde(rename = "explications")]
    pub explained: Explained,
    /// Keys of the rows explained, where only these are.
    #[serde(rename = "cles")]
    pub keys: Vec<String>,
    #[serde(rename = "comprimees")]
    pub packed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    #[serde(rename = "lecture")]
    pub reading: String,
    #[serde(rename = "variante")]
    pub variant: String,
}

/// Which rows are explained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Explained {
    /// All, of few rows.
    #[default]
    #[serde(rename = "toutes")]
    All,
    /// All, however many.
    #[serde(rename = "toutes_sans_limite")]
    Every,
    #[serde(rename = "aucune")]
    None,
    #[serde(rename = "cles")]
    Keys,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    #[serde(rename = "nom")]
    pub name: String,
    #[serde(rename = "octets")]
    pub length: u64,
    pub sha256: String,
    /// Whether the folder holds them.
    #[serde(rename = "jointes")]
    pub enclosed: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    #[serde(rename = "lues")]
    pub read: usize,
    #[serde(rename = "evaluees")]
    pub evaluated: usize,
    #[serde(rename = "rejetees")]
    pub rejected: usize,
    #[serde(rename = "expliquees")]
    pub explained: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileMark {
    #[serde(rename = "chemin")]
    pub path: String,
    #[serde(rename = "octets")]
    pub length: u64,
    pub sha256: String,
}

impl Manifest {
    /// The document, signed by its own fingerprint.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.fingerprint = self.own_fingerprint();
        self
    }

    /// The fingerprint that the rest of the document makes.
    #[must_use]
    pub fn own_fingerprint(&self) -> String {
        let blank = Self { fingerprint: String::new(), ..self.clone() };
        hexadecimal(&Sha256::digest(blank.to_json()))
    }

    /// The document, indented, with a final line break: one manifest has one text.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Names and texts only: nothing that JSON cannot hold.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Reads a document.
    ///
    /// # Errors
    /// What is wrong with it, in words; the line and column come from the reader of JSON.
    pub fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let manifest: Self = serde_json::from_slice(bytes)
            .map_err(|error| Fault::Syntax { line: error.line(), column: error.column() })?;
        if manifest.format != FORMAT || manifest.version != VERSION {
            return Err(Fault::Version { format: manifest.format, version: manifest.version });
        }
        let text = manifest.to_json();
        if text.as_bytes() != bytes {
            let same = text.bytes().zip(bytes).take_while(|(a, b)| a == *b).count();
            return Err(Fault::Form { line: text.as_bytes()[..same].iter().filter(|b| **b == b'\n').count() + 1 });
        }
        if manifest.own_fingerprint() != manifest.fingerprint {
            return Err(Fault::Fingerprint);
        }
        // A name that leaves the folder would have other files read.
        let leaves = |path: &str| {
            let plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
            !plain || path.is_empty()
        };
        let data = (manifest.data.enclosed).then(|| manifest.data_path());
        match manifest.files.iter().map(|file| file.path.clone()).chain(data).find(|path| leaves(path)) {
            Some(path) => Err(Fault::Path(path)),
            None => Ok(manifest),
        }
    }

    /// The place of the data in the folder.
    #[must_use]
    pub fn data_path(&self) -> String {
        format!("{DATA}/{}", self.data.name)
    }

    /// The place of the statements in the folder.
    #[must_use]
    pub fn statements_path(&self) -> &'static str {
        if self.options.packed { PACKED_STATEMENTS } else { STATEMENTS }
    }
}

/// What is wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    Syntax {
        line: usize,
        column: usize,
    },
    Version {
        format: String,
        version: u32,
    },
    /// It says what it should, but is not written as it was.
    Form {
        line: usize,
    },
    Fingerprint,
    Path(String),
}

/// Bytes in hexadecimal.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where two lines of results differ: the column and both cells; the first `keys` name the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellDifference {
    pub key: Vec<String>,
    pub column: String,
    pub sealed: String,
    pub replayed: String,
}

/// The first cell that differs between two lines of one CSV file, whose header is given; `None` where they have not as many
/// cells as it.
#[must_use]
pub fn cell_difference(
    header: &str,
    separator: u8,
    keys: usize,
    sealed: &str,
    replayed: &str,
) -> Option<CellDifference> {
    let cells = |line: &str| -> Option<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(separator)
            .has_headers(false)
            .flexible(true)
            .from_reader(line.as_bytes());
        let record = reader.records().next()?.ok()?;
        Some(record.iter().map(str::to_owned).collect())
    };
    let (names, a, b) = (cells(header)?, cells(sealed)?, cells(replayed)?);
    if a.len() != names.len() || b.len() != names.len() {
        return None;
    }
    let at = (0..names.len()).find(|rank| a[*rank] != b[*rank])?;
    let key = names.iter().zip(&b).take(keys).map(|(name, cell)| format!("{name} {cell}")).collect();
    Some(CellDifference { key, column: names[at].clone(), sealed: a[at].clone(), replayed: b[at].clone() })
}
