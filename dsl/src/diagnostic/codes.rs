//! The one table of diagnostic codes. A code is never reused; `docs/diagnostics.md` has a section for each, and
//! `tests/ui` a program that earns it.
//!
//! 0xxx text and grammar, 1xxx names and clauses, 2xxx types and units, 3xxx dates, completeness and conflicts,
//! 4xxx references, 5xxx data.

/// A stable code and its short title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    pub id: &'static str,
    pub title: &'static str,
}

/// Whether a problem stops a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Error,
    /// Said, and nothing else, unless `--strict` is asked for.
    Warning,
}

impl Code {
    #[must_use]
    pub fn severity(self) -> Severity {
        if WARNINGS.contains(&self) { Severity::Warning } else { Severity::Error }
    }
}

/// The codes that only warn.
const WARNINGS: &[Code] = &[FIGURE_NOT_IN_TEXT, PLACE_NOT_IN_TEXT];

macro_rules! codes {
    ($($name:ident = $id:literal, $title:literal;)*) => {
        $(pub const $name: Code = Code { id: $id, title: $title };)*
        /// Every code, in order.
        pub const ALL: &[Code] = &[$($name),*];
    };
}

codes! {
    NOT_UTF8 = "POL0001", "fichier qui n'est pas en UTF-8";
    FILE_TOO_LARGE = "POL0002", "fichier trop grand";
    TOO_DEEP = "POL0003", "imbrication trop profonde";
    UNKNOWN_DECLARATION = "POL0004", "déclaration inconnue";
    UNEXPECTED = "POL0005", "mot ou signe inattendu";
    UNCLOSED_TEXT = "POL0006", "guillemets non fermés";

    UNKNOWN_NAME = "POL1001", "nom inconnu";
    DUPLICATE_NAME = "POL1002", "nom déjà pris";
    MISPLACED_CLAUSE = "POL1003", "clause qui n'a pas sa place ici";
    MISSING_CLAUSE = "POL1004", "clause manquante";
    REPEATED_CLAUSE = "POL1005", "clause répétée";
    UNKNOWN_UNIT = "POL1006", "unité inconnue";
    UNKNOWN_FUNCTION = "POL1007", "fonction inconnue";
    UNKNOWN_CASE = "POL1008", "cas inconnu";
    UNUSED = "POL1009", "déclaration sans emploi";
    POLICY_HEADER = "POL1010", "en-tête de politique";
    CYCLE = "POL1011", "définition circulaire";
    WRONG_TARGET = "POL1012", "cible qui ne convient pas";
    BAD_TABLE = "POL1013", "table ou gabarit mal formé";

    TYPE_MISMATCH = "POL2001", "nature de valeur inattendue";
    UNIT_MISMATCH = "POL2002", "unités incompatibles";
    BAD_OPERATION = "POL2003", "opération impossible";
    MAY_NOT_APPLY = "POL2004", "quantité peut-être sans objet";
    NOT_CONSTANT = "POL2005", "constante attendue";
    BAD_DATE = "POL2006", "date impossible";
    BAD_INPUT_TYPE = "POL2007", "entrée mal décrite";
    OUT_OF_RANGE = "POL2008", "valeur hors de la plage déclarée";

    GAP = "POL3001", "trou dans un barème";
    OVERLAP = "POL3002", "barème qui se chevauche";
    NO_VALUE_IN_YEAR = "POL3003", "paramètre sans valeur pour une année";
    PERIOD_OVERLAP = "POL3004", "périodes qui se chevauchent";
    RULE_CONFLICT = "POL3005", "deux règles à la fois";
    DEROGATION_CONFLICT = "POL3006", "dérogations sans ordre";
    MID_YEAR = "POL3007", "date d'effet en cours d'année";
    NEVER_APPLIES = "POL3008", "règle qui ne s'applique jamais";
    NO_ORDER = "POL3009", "ordre de calcul manquant";

    MISSING_REFERENCE = "POL4001", "référence manquante";
    UNKNOWN_TEXT = "POL4002", "texte cité inconnu";
    AMENDMENT_TARGET = "POL4003", "cible d'avenant introuvable";
    AMENDMENT_ORDER = "POL4004", "avenants sans ordre";
    AMENDMENT_FORM = "POL4005", "avenant mal formé";
    AMENDMENT_CHOICE = "POL4006", "choix d'avenants impossible";
    FIGURE_NOT_IN_TEXT = "POL4007", "chiffre absent des articles cités";
    PLACE_NOT_IN_TEXT = "POL4008", "article absent du texte cité";

    DATA_FILE = "POL5001", "fichier de données illisible";
    MISSING_COLUMN = "POL5002", "colonne manquante";
    UNKNOWN_COLUMN = "POL5003", "colonne inconnue";
    DUPLICATE_COLUMN = "POL5004", "colonne en double";
    RAGGED_ROW = "POL5005", "ligne de longueur inattendue";
    BAD_CELL = "POL5006", "valeur illisible";
    CELL_OUT_OF_RANGE = "POL5007", "valeur hors de la plage légale";
    TOO_MANY_DECIMALS = "POL5008", "trop de décimales";
    UNKNOWN_CELL_CASE = "POL5009", "valeur d'énumération inconnue";
    EMPTY_CELL = "POL5010", "donnée manquante";
    DUPLICATE_KEY = "POL5011", "clé en double";
    ROW_CONFLICT = "POL5012", "règles en conflit sur une ligne";
    DIVISION_BY_ZERO = "POL5013", "division par zéro";
    CONTROL_FAILED = "POL5014", "contrôle bloquant non vérifié";
    BAD_QUOTES = "POL5015", "guillemets mal fermés";
    ROW_CALCULATION = "POL5016", "calcul impossible sur une ligne";
    UNWRITABLE = "POL5017", "sortie impossible à écrire";
    ROW_NOT_FOUND = "POL5018", "ligne introuvable";
    UNREADABLE_POLICY = "POL5019", "politique illisible";
}

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn codes_are_unique_and_in_order() {
        assert!(ALL.windows(2).all(|pair| pair[0].id < pair[1].id));
    }
}
