//! Diagnostics of the text and the grammar.

use std::sync::LazyLock;

use super::suggest::fold;
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
    "partie",
    "échéancier",
    "non cumul",
    "agrégat",
    "table",
    "avenant",
    "insère",
    "abroge",
    "reporte",
    "proroge",
];

/// The words that open a clause.
const CLAUSES: &[&str] = &[
    "réf.",
    "pour",
    "pour chaque",
    "en vigueur",
    "vrai si",
    "si",
    "points",
    "montant",
    "taux",
    "vaut",
    "conservé lorsque",
    "première année où",
    "cumul de",
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
    "sur l'ensemble",
    "bloquant",
    "vérifie",
    "le texte annonce",
    "écart",
    "origine",
    "base",
    "exercice",
    "soit",
    "attendu",
    "avec avenant",
    "sans avenant",
    "signé le",
    "publié le",
    "projet",
    "monnaie",
    "clé",
    "champ",
    "texte",
    "cas",
    "depuis",
    "interrompu le",
    "échéance",
    "récupération",
    "annule",
    "entre",
    "une seule fois",
    "arrondi à",
    "fichier",
    "colonne",
    "ligne",
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
        format!("ce fichier fait {} octets, la limite est de {}", grouped(bytes), grouped(limit)),
        "il n'est pas lu",
    )
    .with_help("répartissez les déclarations en plusieurs fichiers .pol du même dossier")
}

/// Digits by three.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (rank, digit) in digits.chars().enumerate() {
        if rank > 0 && (digits.len() - rank).is_multiple_of(3) {
            out.push('\u{202F}');
        }
        out.push(digit);
    }
    out
}

#[must_use]
pub fn not_utf8(span: Span, byte: u8) -> Diagnostic {
    Diagnostic::new(
        codes::NOT_UTF8,
        span,
        format!("ce fichier n'est pas en UTF-8 : octet {byte:#04X} illisible"),
        "illisible juste après, et la suite n'est pas lue",
    )
    .with_help("enregistrez le fichier en UTF-8 dans votre éditeur")
}

#[must_use]
pub fn too_deep(span: Span, limit: usize) -> Diagnostic {
    Diagnostic::new(
        codes::TOO_DEEP,
        span,
        format!("plus de {limit} opérations à la suite ou l'une dans l'autre"),
        "dans cette déclaration",
    )
    .with_help("nommez les calculs intermédiaires : une « définition interne » pour chacun")
}

/// Whether a word opens a declaration.
#[must_use]
pub fn is_declaration(word: &str) -> bool {
    static FOLDED: LazyLock<Vec<String>> = LazyLock::new(|| DECLARATIONS.iter().map(|word| fold(word)).collect());
    FOLDED.contains(&fold(word))
}

/// The first words of a line that open a clause.
#[must_use]
pub fn clause_at(line: &str) -> Option<&str> {
    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(fold).collect()
    }
    static FOLDED: LazyLock<Vec<Vec<String>>> = LazyLock::new(|| CLAUSES.iter().map(|clause| words(clause)).collect());
    let found = words(line);
    let count = FOLDED.iter().find(|clause| found.starts_with(clause))?.len();
    let last = line.split_whitespace().nth(count - 1)?;
    Some(&line[..last.as_ptr() as usize - line.as_ptr() as usize + last.len()])
}

/// The place of a clause in the order of the reference document.
#[must_use]
pub fn clause_rank(word: &str) -> usize {
    CLAUSES.iter().position(|known| *known == word).unwrap_or(CLAUSES.len())
}

#[must_use]
pub fn did_you_mean(candidate: &str) -> String {
    format!("vouliez-vous dire « {candidate} » ?")
}

#[must_use]
pub fn unknown_declaration(span: Span, found: &str) -> Diagnostic {
    let diagnostic = Diagnostic::new(
        codes::UNKNOWN_DECLARATION,
        span,
        format!("{} n'ouvre aucune déclaration", quoted(found)),
        "une déclaration est attendue ici",
    );
    if let Some(candidate) = closest(found, DECLARATIONS.iter().copied()) {
        return diagnostic.with_help(did_you_mean(candidate));
    }
    diagnostic.with_help(format!("les déclarations sont {}", DECLARATIONS.join(", ")))
}

#[must_use]
pub fn unindented_clause(span: Span, found: &str) -> Diagnostic {
    Diagnostic::new(
        codes::UNKNOWN_DECLARATION,
        span,
        format!("« {found} » ouvre une clause, pas une déclaration"),
        "en début de ligne",
    )
    .with_help("mettez cette clause en retrait, sous la déclaration qu'elle complète")
}

#[must_use]
pub fn indented_declaration(span: Span, found: &str) -> Diagnostic {
    Diagnostic::new(
        codes::UNKNOWN_DECLARATION,
        span,
        format!("« {found} » ouvre une déclaration : elle commence en début de ligne"),
        "en retrait",
    )
    .with_help("supprimez les espaces avant ce mot")
}

#[must_use]
pub fn unclosed_text(span: Span) -> Diagnostic {
    Diagnostic::new(codes::UNCLOSED_TEXT, span, "ce texte n'est pas fermé", "guillemet ouvert ici")
        .with_help("fermez-le par un guillemet de la même sorte : « … », “…” ou \"…\" ; s'il tient sur plusieurs lignes, sa suite se met en retrait")
}

#[must_use]
pub fn foreign_quotes(span: Span) -> Diagnostic {
    Diagnostic::new(codes::UNEXPECTED, span, "un texte s'écrit entre guillemets", "ce signe n'en est pas un")
        .with_help("écrivez « … », “…” ou \"…\"")
}

/// A word or sign that has no place here.
#[must_use]
pub fn unexpected(span: Span, found: &str, expected: &[&str]) -> Diagnostic {
    Diagnostic::new(codes::UNEXPECTED, span, format!("{} n'est pas attendu ici", quoted(found)), attendu(expected))
}

/// A declaration that stops too early, after the word underlined.
#[must_use]
pub fn unfinished(span: Span, expected: &[&str]) -> Diagnostic {
    let label = if expected.is_empty() {
        "il manque la suite".to_owned()
    } else {
        format!("il manque ensuite {}", list(expected, "ou"))
    };
    Diagnostic::new(codes::UNEXPECTED, span, "la déclaration s'arrête trop tôt", label)
}

#[must_use]
pub fn unknown_clause(span: Span, found: &str, accepted: &[&str], formula: bool) -> Diagnostic {
    let words: Vec<String> = accepted.iter().map(|word| format!("« {word} »")).collect();
    if CLAUSES.iter().any(|clause| fold(clause.split([' ', '.', '\'']).next().unwrap_or(clause)) == fold(found)) {
        return Diagnostic::new(
            codes::MISPLACED_CLAUSE,
            span,
            format!("la clause « {found} » n'a pas sa place dans cette déclaration"),
            "clause refusée ici",
        )
        .with_help(format!("clauses possibles : {}", words.join(", ")));
    }
    let diagnostic =
        Diagnostic::new(codes::UNEXPECTED, span, format!("« {found} » n'ouvre aucune clause"), "attendu : une clause");
    match closest(found, accepted.iter().copied()) {
        Some(candidate) => diagnostic.with_help(did_you_mean(candidate)),
        None if formula => diagnostic
            .with_help("un calcul suit le mot de sa clause : « vaut », « montant », « points », « taux » ou « si »"),
        None => diagnostic.with_help(format!("clauses possibles : {}", words.join(", "))),
    }
}

#[must_use]
pub fn missing_name(span: Span, declaration: &str) -> Diagnostic {
    Diagnostic::new(codes::UNEXPECTED, span, "il manque un nom avant ce texte", "attendu : un nom, puis le texte")
        .with_help(format!("par exemple « {declaration} mon_nom … » : des lettres, des chiffres et des « _ »"))
}

#[must_use]
pub fn split_name(span: Span, joined: &str) -> Diagnostic {
    Diagnostic::new(
        codes::UNEXPECTED,
        span,
        "un nom s'écrit d'un seul tenant, en lettres, chiffres et « _ »",
        "attendu : un nom",
    )
    .with_help(format!("écrivez par exemple « {joined} »"))
}

#[must_use]
pub fn reserved_name(span: Span, found: &str) -> Diagnostic {
    Diagnostic::new(
        codes::UNEXPECTED,
        span,
        format!("« {found} » est un mot du langage : il ne peut pas servir de nom"),
        "attendu : un nom",
    )
    .with_help(format!("choisissez un autre nom, par exemple « {found}_retenu »"))
}

#[must_use]
pub fn missing_article(span: Span, number: &str) -> Diagnostic {
    Diagnostic::new(
        codes::UNEXPECTED,
        span,
        format!("« {number} » seul ne dit pas s'il s'agit d'un article ou d'une annexe"),
        "attendu : « article » ou « annexe »",
    )
    .with_help(format!("écrivez « article {number} »"))
}

#[must_use]
pub fn write_instead(span: Span, found: &str, instead: &str) -> Diagnostic {
    unexpected(span, found, &[]).with_help(format!("écrivez « {instead} »"))
}

#[must_use]
pub fn double_comparison(span: Span) -> Diagnostic {
    Diagnostic::new(codes::UNEXPECTED, span, "une comparaison n'a que deux termes", "seconde comparaison")
        .with_help("écrivez deux comparaisons : « a ≤ x et x ≤ b »")
}

#[must_use]
pub fn comma_between_values(span: Span) -> Diagnostic {
    unexpected(span, ",", &["« ; »"])
        .with_help("les valeurs se séparent par « ; » : la virgule est celle des décimales")
}

#[must_use]
pub fn two_decimal_marks(span: Span) -> Diagnostic {
    Diagnostic::new(codes::UNEXPECTED, span, "ce nombre a un point et une virgule", "nombre mal écrit")
        .with_help("écrivez « 4 000,50 » : des espaces entre les milliers, une virgule avant les décimales")
}

#[must_use]
pub fn ambiguous_point(span: Span, found: &str) -> Diagnostic {
    let (thousands, decimals) = (found.replace('.', " "), found.replace('.', ","));
    Diagnostic::new(codes::UNEXPECTED, span, format!("« {found} » se lit de deux façons"), "milliers ou décimales ?")
        .with_help(format!("écrivez « {thousands} » ou « {decimals} »"))
}

#[must_use]
pub fn space_before_call(span: Span, function: &str) -> Diagnostic {
    Diagnostic::new(codes::UNEXPECTED, span, "une espace sépare la fonction de sa parenthèse", "ici")
        .with_help(format!("écrivez « {function}(…) », sans espace"))
}

#[must_use]
pub fn per_with_unit(span: Span, found: &str, unit: &str) -> Diagnostic {
    unexpected(span, found, &[])
        .with_help(format!("écrivez « 3 par {unit} de … », sans unité après le nombre, ou « … × 3 €/{unit} »"))
}

#[must_use]
pub fn month_without_day(span: Span, month: &str) -> Diagnostic {
    unexpected(span, month, &[]).with_help(format!("une date commence par son jour en chiffres : « 1er {month} 2024 »"))
}

#[must_use]
pub fn derogation_without_target(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(
        codes::UNEXPECTED,
        span,
        "il manque ce à quoi cette dérogation déroge",
        "attendu : « à », puis un nom",
    )
    .with_help(format!("écrivez « dérogation {name} à … »"))
}

/// « remplace x », without the word of the declaration.
#[must_use]
pub fn change_of_what(span: Span, verb: &str, found: &str) -> Diagnostic {
    unexpected(span, found, &["une déclaration"]).with_help(format!(
        "reprenez la déclaration entière, comme dans la base : « {verb} critère … », avec ses clauses"
    ))
}

#[must_use]
pub fn foreign_comment(span: Span, found: &str) -> Diagnostic {
    Diagnostic::new(
        codes::UNKNOWN_DECLARATION,
        span,
        format!("« {found} » n'ouvre aucune déclaration"),
        "une déclaration est attendue ici",
    )
    .with_help("un commentaire commence par « # »")
}

#[must_use]
pub fn when_after_reference(span: Span) -> Diagnostic {
    unexpected(span, "lorsque", &[])
        .with_help("la référence entre parenthèses vient en dernier : « … lorsque … (article …) »")
}

#[must_use]
pub fn then_without_value(span: Span) -> Diagnostic {
    unexpected(span, "alors", &[])
        .with_help("« si … alors … sinon … » est une valeur : mettez-la après « vaut », « montant » ou « points »")
}

#[must_use]
pub fn unclosed_parenthesis(span: Span, before: Option<Span>) -> Diagnostic {
    let diagnostic =
        Diagnostic::new(codes::UNEXPECTED, span, "cette parenthèse n'est pas fermée", "parenthèse ouverte ici");
    match before {
        Some(before) => diagnostic.with_label(before, "attendu avant ceci : « ) »"),
        None => diagnostic,
    }
}

#[must_use]
pub fn unopened_parenthesis(span: Span) -> Diagnostic {
    Diagnostic::new(codes::UNEXPECTED, span, "cette parenthèse n'est ouverte nulle part", "en trop")
}

fn attendu(expected: &[&str]) -> String {
    if expected.is_empty() { "ici".to_owned() } else { format!("attendu : {}", list(expected, "ou")) }
}

/// What was found, between quotation marks; a character that does not show is named by its number.
fn quoted(found: &str) -> String {
    match found.chars().next() {
        Some(c)
            if c.is_control()
                || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}' | '\u{FEFF}' | '\u{00AD}') =>
        {
            format!("le caractère invisible U+{:04X}", c as u32)
        }
        None => "ce texte".to_owned(),
        _ => format!("« {found} »"),
    }
}
