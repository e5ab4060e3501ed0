//! Diagnostics of the text and the grammar.

use super::{Diagnostic, closest, codes, list};
use crate::span::{FileId, Span};

/// The words that open a declaration.
pub const DECLARATIONS: &[&str] = &[
    "politique",
    "énumération",
    "unité",
    "entrée",
    "paramètre",
    "définition",
    "bloc",
    "critère",
    "minoration",
    "majoration",
    "prorata",
    "versement",
    "dérogation",
    "lecture",
    "situation",
    "exemple",
    "contrôle",
];

/// The words that open a clause.
const CLAUSES: &[&str] = &[
    "réf.",
    "pour",
    "en vigueur",
    "vrai si",
    "si",
    "points",
    "montant",
    "taux",
    "vaut",
    "du bloc",
    "prérequis",
    "condition",
    "total",
    "sur",
    "après",
    "à compter de",
    "jusqu'au",
    "rapporté à",
    "nombre de jours",
    "il suffit de",
    "lève",
    "prime sur",
    "retenue",
    "variante",
    "motif",
    "remplace",
    "en conflit",
    "sur chaque ligne",
    "bloquant",
    "vérifie",
    "le texte annonce",
    "écart",
    "origine",
    "base",
    "exercice",
    "soit",
    "attendu",
    "monnaie",
    "clé",
    "champ",
    "texte",
    "cas",
    "depuis",
    "lorsque",
    "plafond",
    "plancher",
    "prorata",
];

#[must_use]
pub fn file_too_large(file: FileId, bytes: usize, limit: usize) -> Diagnostic {
    Diagnostic::new(
        codes::FILE_TOO_LARGE,
        Span::new(file, 0, 0),
        format!("ce fichier fait {bytes} octets, la limite est de {limit}"),
        "",
    )
    .with_help("répartissez les déclarations en plusieurs fichiers .pol du même dossier")
}

#[must_use]
pub fn not_utf8(span: Span, byte: u8) -> Diagnostic {
    Diagnostic::new(
        codes::NOT_UTF8,
        span,
        format!("ce fichier n'est pas en UTF-8 : octet {byte:#04X} illisible"),
        "la suite du fichier n'est pas lue",
    )
    .with_help("enregistrez le fichier en UTF-8 dans votre éditeur")
}

#[must_use]
pub fn too_deep(span: Span, limit: usize) -> Diagnostic {
    Diagnostic::new(
        codes::TOO_DEEP,
        span,
        format!("plus de {limit} parenthèses ou conditions imbriquées dans cette déclaration"),
        "ici",
    )
    .with_help("nommez les calculs intermédiaires par des « définition interne »")
}

#[must_use]
pub fn unknown_declaration(span: Span, found: &str, indented: bool) -> Diagnostic {
    let diagnostic = Diagnostic::new(
        codes::UNKNOWN_DECLARATION,
        span,
        format!("« {found} » n'ouvre aucune déclaration"),
        "une déclaration est attendue ici",
    );
    if indented {
        return diagnostic.with_help("une déclaration commence en début de ligne, sans retrait");
    }
    if let Some(candidate) = closest(found, DECLARATIONS.iter().copied()) {
        return diagnostic.with_help(format!("vouliez-vous dire « {candidate} » ?"));
    }
    if CLAUSES.iter().any(|clause| clause.split([' ', '.']).next() == Some(found)) {
        return diagnostic.with_help(format!(
            "« {found} » est une clause : mettez-la en retrait sous la déclaration qu'elle complète"
        ));
    }
    let words: Vec<String> = DECLARATIONS.iter().map(|word| format!("« {word} »")).collect();
    diagnostic.with_help(format!("les déclarations sont {}", words.join(", ")))
}

#[must_use]
pub fn unclosed_text(span: Span) -> Diagnostic {
    Diagnostic::new(codes::UNCLOSED_TEXT, span, "ce texte n'est pas fermé", "guillemet ouvert ici")
        .with_help("fermez le texte par un guillemet de la même sorte : « … »")
}

#[must_use]
pub fn unexpected(span: Span, found: &str, expected: &[&str]) -> Diagnostic {
    let message = if found.is_empty() {
        "la déclaration s'arrête trop tôt".to_owned()
    } else {
        format!("« {found} » n'est pas attendu ici")
    };
    let label = if expected.is_empty() { "ici".to_owned() } else { format!("attendu : {}", list(expected, "ou")) };
    let diagnostic = Diagnostic::new(codes::UNEXPECTED, span, message, label);
    if expected.contains(&"une clause") {
        return diagnostic.suggesting(found, CLAUSES.iter().copied());
    }
    diagnostic
}
