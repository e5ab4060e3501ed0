//! The words of the compiler: one constructor per problem. Passes decide, this module says it.

use polc_dsl::ast::{Name, UnitExpr};
use polc_dsl::diagnostic::{Diagnostic, codes, list};
use polc_dsl::{FileId, Span};

use crate::typed::{Program, Type, Years};
use crate::units::Unit;

// ---------------------------------------------------------------------------------------------- names and clauses

pub fn unknown_name<'n>(span: Span, name: &str, known: impl IntoIterator<Item = &'n str>) -> Diagnostic {
    Diagnostic::new(
        codes::UNKNOWN_NAME,
        span,
        format!("« {name} » n'est le nom d'aucune entrée, aucun paramètre, aucune quantité"),
        "nom inconnu",
    )
    .suggesting(name, known)
}

pub fn unknown_declared<'n>(kind: &str, name: &Name, known: impl IntoIterator<Item = &'n str>) -> Diagnostic {
    Diagnostic::new(codes::UNKNOWN_NAME, name.span, format!("{kind} « {} » n'existe pas", name.node), "nom inconnu")
        .suggesting(&name.node, known)
}

pub fn case_used_as_value(span: Span, name: &str, enumeration: &str) -> Diagnostic {
    Diagnostic::new(
        codes::UNKNOWN_NAME,
        span,
        format!("« {name} » est un cas de l'énumération « {enumeration} » et rien ne dit ici qu'on en attend un"),
        "cas sans comparaison",
    )
    .with_help(format!("écrivez par exemple « x = {name} », ou « pour {name} »"))
}

pub fn duplicate_name(name: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::new(codes::DUPLICATE_NAME, span, format!("le nom « {name} » est déjà pris"), "second emploi")
        .with_label(first, "premier emploi")
}

pub fn builtin_name(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        codes::DUPLICATE_NAME,
        span,
        format!("l'unité « {name} » existe déjà dans le langage"),
        "déclarée ici",
    )
}

pub fn kind_conflict(name: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::new(
        codes::DUPLICATE_NAME,
        span,
        format!("« {name} » est donné par deux sortes de dispositions différentes"),
        "seconde disposition",
    )
    .with_label(first, "première disposition")
    .with_help("une même quantité peut avoir plusieurs dispositions, mais toutes de la même sorte")
}

pub fn misplaced_clause(span: Span, item: &str, allowed: &[&str]) -> Diagnostic {
    Diagnostic::new(
        codes::MISPLACED_CLAUSE,
        span,
        format!("cette clause n'a pas sa place dans {item}"),
        "clause sans effet ici",
    )
    .with_help(format!("{item} accepte : {}", allowed.join(", ")))
}

pub fn missing_clause(span: Span, item: &str, clause: &str) -> Diagnostic {
    Diagnostic::new(codes::MISSING_CLAUSE, span, format!("il manque {clause} à {item}"), "déclaration incomplète")
}

pub fn repeated_clause(span: Span, first: Span, clause: &str) -> Diagnostic {
    Diagnostic::new(codes::REPEATED_CLAUSE, span, format!("{clause} est dit deux fois"), "seconde fois")
        .with_label(first, "première fois")
}

pub fn exclusive_clauses(span: Span, first: Span) -> Diagnostic {
    Diagnostic::new(codes::REPEATED_CLAUSE, span, "ces deux clauses disent chacune la valeur", "seconde valeur")
        .with_label(first, "première valeur")
        .with_help("gardez une seule sorte de clause : « vaut », « vrai si », « points », « montant » ou « taux »")
}

pub fn unknown_unit<'n>(name: &Name, known: impl IntoIterator<Item = &'n str>) -> Diagnostic {
    Diagnostic::new(
        codes::UNKNOWN_UNIT,
        name.span,
        format!("l'unité « {} » n'est pas déclarée", name.node),
        "unité inconnue",
    )
    .with_help(format!("déclarez-la : « unité {} »", name.node))
    .suggesting(&name.node, known)
}

pub fn unknown_function<'n>(name: &Name, known: impl IntoIterator<Item = &'n str>) -> Diagnostic {
    Diagnostic::new(
        codes::UNKNOWN_FUNCTION,
        name.span,
        format!("« {} » n'est pas une fonction", name.node),
        "fonction inconnue",
    )
    .suggesting(&name.node, known)
}

pub fn wrong_arity(name: &Name, expected: &str, found: usize) -> Diagnostic {
    Diagnostic::new(
        codes::UNKNOWN_FUNCTION,
        name.span,
        format!("« {} » attend {expected}, et en reçoit {found}", name.node),
        "nombre d'arguments",
    )
}

pub fn unknown_case<'n>(
    span: Span,
    name: &str,
    enumeration: &str,
    cases: impl IntoIterator<Item = &'n str>,
) -> Diagnostic {
    let cases: Vec<&str> = cases.into_iter().collect();
    let quoted: Vec<String> = cases.iter().map(|c| format!("« {c} »")).collect();
    Diagnostic::new(
        codes::UNKNOWN_CASE,
        span,
        format!("« {name} » n'est pas un cas de l'énumération « {enumeration} »"),
        "cas inconnu",
    )
    .with_help(format!("les cas sont {}", list(&quoted, "et")))
    .suggesting(name, cases)
}

pub fn case_of_nothing<'n>(name: &Name, cases: impl IntoIterator<Item = &'n str>) -> Diagnostic {
    Diagnostic::new(
        codes::UNKNOWN_CASE,
        name.span,
        format!("« {} » n'est le cas d'aucune énumération", name.node),
        "cas inconnu",
    )
    .suggesting(&name.node, cases)
}

pub fn ambiguous_case(name: &Name, subjects: &[&str]) -> Diagnostic {
    let quoted: Vec<String> = subjects.iter().map(|s| format!("« {s} »")).collect();
    Diagnostic::new(
        codes::UNKNOWN_CASE,
        name.span,
        format!("« {} » ne désigne pas une entrée et une seule : {}", name.node, list(&quoted, "ou")),
        "cas ambigu",
    )
    .with_help(format!("écrivez « pour tous si entrée = {} »", name.node))
}

pub fn unused(kind: &str, name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(codes::UNUSED, span, format!("{kind} « {name} » ne sert à rien"), "jamais lu")
        .with_help("employez-le dans une disposition, ou supprimez-le")
}

pub fn no_policy(file: Option<FileId>) -> Diagnostic {
    Diagnostic::new(
        codes::POLICY_HEADER,
        Span::new(file.unwrap_or(FileId(0)), 0, 0),
        "aucune déclaration « politique » dans ce dossier",
        "",
    )
    .with_help("commencez par « politique nom « titre » », avec ses clauses monnaie, clé et exercice")
}

pub fn second_policy(span: Span, first: Span) -> Diagnostic {
    Diagnostic::new(codes::POLICY_HEADER, span, "il y a deux déclarations « politique »", "la seconde")
        .with_label(first, "la première")
}

pub fn bad_key(span: Span, name: &str, problem: &str) -> Diagnostic {
    Diagnostic::new(codes::POLICY_HEADER, span, format!("« {name} » ne convient pas : {problem}"), "ici")
}

pub fn unknown_reading<'n>(name: &str, at: FileId, known: impl IntoIterator<Item = &'n str>) -> Diagnostic {
    Diagnostic::new(codes::UNKNOWN_NAME, Span::new(at, 0, 0), format!("la lecture « {name} » n'existe pas"), "")
        .suggesting(name, known)
}

pub fn unknown_variant<'n>(
    span: Span,
    reading: &str,
    variant: &str,
    known: impl IntoIterator<Item = &'n str>,
) -> Diagnostic {
    let known: Vec<&str> = known.into_iter().collect();
    let quoted: Vec<String> = known.iter().map(|k| format!("« {k} »")).collect();
    Diagnostic::new(
        codes::UNKNOWN_NAME,
        span,
        format!("la lecture « {reading} » n'a pas de variante « {variant} »"),
        "variantes de cette lecture",
    )
    .with_help(format!("les variantes sont {}", list(&quoted, "et")))
    .suggesting(variant, known)
}

pub fn note_not_computable(span: Span, reading: &str, variant: &str) -> Diagnostic {
    Diagnostic::new(
        codes::WRONG_TARGET,
        span,
        format!("la variante « {variant} » de la lecture « {reading} » est une note : elle ne se calcule pas"),
        "sans clause « remplace »",
    )
}

pub fn cycle(path: &[(&str, Span)]) -> Diagnostic {
    let names: Vec<&str> = path.iter().map(|(name, _)| *name).chain(path.first().map(|(name, _)| *name)).collect();
    let mut diagnostic = Diagnostic::new(
        codes::CYCLE,
        path[0].1,
        format!("définition circulaire : {}", names.join(" → ")),
        "se lit elle-même",
    )
    .with_help("« précédent(x) » lit la valeur de l'année d'avant sans créer de cercle");
    for (name, span) in &path[1..] {
        diagnostic = diagnostic.with_label(*span, format!("« {name} » est dans le cercle"));
    }
    diagnostic
}

pub fn wrong_target(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(codes::WRONG_TARGET, span, message.into(), "cible inadaptée")
}

// ---------------------------------------------------------------------------------------------- types and units

/// A type in the words of a message.
pub fn describe(ty: &Type, program: &Program) -> String {
    match ty {
        Type::Number(unit) if unit.is_none() => "un nombre sans unité".to_owned(),
        Type::Number(unit) => format!("un nombre en {unit}"),
        Type::Boolean => "vrai ou faux".to_owned(),
        Type::Date => "une date".to_owned(),
        Type::Enumeration(id) => format!("un cas de « {} »", program.enumeration(*id).name),
        Type::Text => "un texte".to_owned(),
        Type::Error => "une valeur".to_owned(),
    }
}

pub fn type_mismatch(span: Span, expected: &str, found: &str) -> Diagnostic {
    Diagnostic::new(codes::TYPE_MISMATCH, span, format!("attendu : {expected} ; trouvé : {found}"), found.to_owned())
}

pub fn unit_mismatch(
    span: Span,
    (left, left_span): (&Unit, Span),
    (right, right_span): (&Unit, Span),
    action: &str,
) -> Diagnostic {
    let mut diagnostic = Diagnostic::new(
        codes::UNIT_MISMATCH,
        span,
        format!("on ne peut pas {action} « {left} » et « {right} »"),
        "unités différentes",
    );
    if left_span != span {
        diagnostic = diagnostic.with_label(left_span, format!("en {left}"));
    }
    if right_span != span {
        diagnostic = diagnostic.with_label(right_span, format!("en {right}"));
    }
    let help = if right.is_none() {
        format!("donnez une unité au second terme : « … {left} »")
    } else if left.is_none() {
        format!("donnez une unité au premier terme : « … {right} »")
    } else {
        format!("il manque un facteur en {}", left.divide(right))
    };
    diagnostic.with_help(help)
}

pub fn wrong_unit(span: Span, expected: &Unit, found: &Unit, what: &str) -> Diagnostic {
    Diagnostic::new(
        codes::UNIT_MISMATCH,
        span,
        format!("{what} doit être en {expected} ; cette valeur est en {found}"),
        format!("en {found}"),
    )
    .with_help(format!("il manque un facteur en {}", expected.divide(found)))
}

pub fn bad_operation(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(codes::BAD_OPERATION, span, message.into(), "opération impossible")
}

pub fn may_not_apply(span: Span, name: &str, declared: Span, example: &str) -> Diagnostic {
    let case = if example.is_empty() { String::new() } else { format!(", par exemple si {example}") };
    Diagnostic::new(
        codes::MAY_NOT_APPLY,
        span,
        format!("« {name} » peut être sans objet ici{case}"),
        "lu sans dire quoi prendre alors",
    )
    .with_label(declared, "ne s'applique pas partout")
    .with_help(format!(
        "restreignez la disposition (« pour … »), vérifiez-le avant dans la condition, ou écrivez « {name} à défaut … »"
    ))
}

pub fn useless_default(span: Span) -> Diagnostic {
    Diagnostic::new(
        codes::BAD_OPERATION,
        span,
        "« à défaut » ne suit qu'une quantité ou « précédent(…) »",
        "sans effet ici",
    )
}

pub fn previous_needs_default(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(
        codes::MAY_NOT_APPLY,
        span,
        format!("« précédent({name}) » n'existe pas la première année"),
        "lu sans dire quoi prendre alors",
    )
    .with_help(format!("écrivez « précédent({name}) à défaut … »"))
}

pub fn not_constant(span: Span) -> Diagnostic {
    Diagnostic::new(codes::NOT_CONSTANT, span, "une constante est attendue ici", "valeur qui dépend des données")
}

pub fn bad_date(span: Span) -> Diagnostic {
    Diagnostic::new(codes::BAD_DATE, span, "cette date n'existe pas au calendrier", "jour, mois ou année impossible")
}

pub fn bad_input(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(codes::BAD_INPUT_TYPE, span, message.into(), "ici")
}

pub fn out_of_range(span: Span, name: &str, problem: &str) -> Diagnostic {
    Diagnostic::new(
        codes::OUT_OF_RANGE,
        span,
        format!("cette valeur de « {name} » {problem}"),
        "hors de ce qui est déclaré",
    )
}

// ---------------------------------------------------------------------------------------------- dates, completeness, conflicts

pub fn gap(span: Span, subject: Span, hole: &str) -> Diagnostic {
    Diagnostic::new(codes::GAP, span, format!("ce barème ne dit rien {hole}"), "trou")
        .with_label(subject, "valeurs possibles d'après les plages déclarées")
        .with_help("ajoutez la ligne qui manque, ou « sinon : … »")
}

pub fn overlap(span: Span, other: Span) -> Diagnostic {
    Diagnostic::new(codes::OVERLAP, span, "ces deux lignes du barème se recouvrent", "recouvre une ligne précédente")
        .with_label(other, "déjà couvert ici")
}

pub fn no_value_in_year(span: Span, name: &str, declared: Span, year: i64) -> Diagnostic {
    Diagnostic::new(
        codes::NO_VALUE_IN_YEAR,
        span,
        format!("le paramètre « {name} » n'a pas de valeur en {year}, et il est lu cette année-là"),
        format!("lu en {year}"),
    )
    .with_label(declared, "déclaré ici")
    .with_help("complétez la série datée, ou bornez la disposition par « en vigueur depuis … »")
}

pub fn period_overlap(span: Span, other: Span, years: Years) -> Diagnostic {
    let when = if years.first == years.last { format!("en {}", years.first) } else { format!("dès {}", years.first) };
    Diagnostic::new(codes::PERIOD_OVERLAP, span, format!("deux valeurs pour la même année, {when}"), "seconde valeur")
        .with_label(other, "première valeur")
}

pub fn rule_conflict(name: &str, second: Span, first: Span, example: &str) -> Diagnostic {
    let case = if example.is_empty() { String::new() } else { format!(", par exemple si {example}") };
    Diagnostic::new(
        codes::RULE_CONFLICT,
        second,
        format!("deux dispositions donnent « {name} » à la fois{case}"),
        "seconde disposition",
    )
    .with_label(first, "première disposition")
    .with_help("séparez leurs cas (« pour ») ou leurs années (« en vigueur »)")
}

pub fn readings_conflict(name: &str, second: Span, first: Span) -> Diagnostic {
    Diagnostic::new(
        codes::RULE_CONFLICT,
        second,
        format!("deux des lectures choisies remplacent « {name} » à la fois"),
        "second remplacement",
    )
    .with_label(first, "premier remplacement")
}

pub fn derogation_conflict(name: &str, second: Span, first: Span, example: &str) -> Diagnostic {
    let case = if example.is_empty() { String::new() } else { format!(", par exemple si {example}") };
    Diagnostic::new(
        codes::DEROGATION_CONFLICT,
        second,
        format!("deux dérogations à « {name} » peuvent jouer ensemble sans ordre entre elles{case}"),
        "seconde dérogation",
    )
    .with_label(first, "première dérogation")
    .with_help("dites laquelle l'emporte : « prime sur … »")
}

pub fn mid_year(span: Span, expected: &str) -> Diagnostic {
    Diagnostic::new(
        codes::MID_YEAR,
        span,
        format!("le droit d'un exercice est celui de toute l'année : ici, {expected}"),
        "date en cours d'année",
    )
    .with_help("pour un effet en cours d'année, écrivez-le dans le calcul (un prorata, ou une condition sur une date)")
}

pub fn never_applies(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(
        codes::NEVER_APPLIES,
        span,
        format!("cette disposition de « {name} » ne s'applique jamais"),
        "condition impossible",
    )
    .with_help("vérifiez ses cas, ses années et les années que couvre la politique")
}

pub fn no_order(span: Span, first: Span, target: &str) -> Diagnostic {
    Diagnostic::new(
        codes::NO_ORDER,
        span,
        format!("« {target} » reçoit un montant et un taux, et rien ne dit dans quel ordre"),
        "second",
    )
    .with_label(first, "premier")
    .with_help("ajoutez « après … » à l'une des deux")
}

// ---------------------------------------------------------------------------------------------- references

pub fn missing_reference(span: Span, item: &str) -> Diagnostic {
    Diagnostic::new(codes::MISSING_REFERENCE, span, format!("{item} doit citer sa source"), "sans référence")
        .with_help("ajoutez une clause « réf. article … »")
}

pub fn unknown_text<'n>(name: &Name, known: impl IntoIterator<Item = &'n str>) -> Diagnostic {
    Diagnostic::new(
        codes::UNKNOWN_TEXT,
        name.span,
        format!("le texte « {} » n'est pas déclaré dans l'en-tête de la politique", name.node),
        "texte inconnu",
    )
    .suggesting(&name.node, known)
}

/// The unit of an expression as it was written.
pub fn written_unit(unit: &UnitExpr) -> String {
    unit.parts.iter().map(|part| part.node.to_string()).collect::<Vec<_>>().join("/")
}
