//! The words of the compiler: one constructor per problem. Passes decide, this module says it.

pub mod amendments;

use polc_dsl::ast::{Name, Reach, UnitExpr};
use polc_dsl::diagnostic::{Diagnostic, codes, list};
use polc_dsl::{FileId, Span};

use crate::typed::{Program, Type, Years};
use crate::units::Unit;

// ---------------------------------------------------------------------------------------------- names and clauses

pub fn unknown_name<'n>(span: Span, name: &str, known: impl IntoIterator<Item = &'n str>) -> Diagnostic {
    Diagnostic::new(
        codes::UNKNOWN_NAME,
        span,
        format!("« {name} » n'est le nom d'aucune entrée, d'aucun paramètre, d'aucune quantité"),
        "nom inconnu",
    )
    .with_help(format!("corrigez le nom, ou déclarez-le : « entrée {name} : … », « définition {name} … »"))
    .suggesting(name, known)
}

pub fn unknown_declared<'n>(kind: &str, name: &Name, known: impl IntoIterator<Item = &'n str>) -> Diagnostic {
    let diagnostic = Diagnostic::new(
        codes::UNKNOWN_NAME,
        name.span,
        format!("{kind} « {} » n'existe pas", name.node),
        "nom inconnu",
    );
    or_among(diagnostic, &name.node, known)
}

/// The name close to what was written, or the few there are.
fn or_among<'n>(diagnostic: Diagnostic, written: &str, known: impl IntoIterator<Item = &'n str>) -> Diagnostic {
    let known: Vec<&str> = known.into_iter().collect();
    let quoted: Vec<String> = known.iter().map(|name| format!("« {name} »")).collect();
    let diagnostic = if known.is_empty() {
        diagnostic
    } else {
        diagnostic.with_help(format!("noms possibles : {}", list(&quoted, "ou")))
    };
    diagnostic.suggesting(written, known)
}

pub fn case_used_as_value(span: Span, name: &str, enumeration: &str) -> Diagnostic {
    Diagnostic::new(
        codes::UNKNOWN_NAME,
        span,
        format!("« {name} » est un cas de l'énumération « {enumeration} » : seul, il n'a pas de valeur"),
        "cas qui n'est comparé à rien",
    )
    .with_help(format!("comparez-le à une entrée : « … = {name} »"))
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
        "déclarée de nouveau ici",
    )
    .with_help("supprimez ce nom de la déclaration : l'unité peut servir telle quelle")
}

pub fn kind_conflict(name: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::new(
        codes::DUPLICATE_NAME,
        span,
        format!("deux sortes de dispositions donnent « {name} »"),
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
        "clause refusée ici",
    )
    .with_help(format!("clauses possibles : {}", quoted(allowed).join(", ")))
}

pub fn missing_clause(span: Span, item: &str, clause: &str) -> Diagnostic {
    let clause = clause.trim_end_matches(',');
    Diagnostic::new(codes::MISSING_CLAUSE, span, format!("il manque à {item} {clause}"), "déclaration incomplète")
}

pub fn repeated_clause(span: Span, first: Span, clause: &str) -> Diagnostic {
    let help = match clause {
        "« si »" => "réunissez les conditions en une seule : « si … et … »",
        "« en vigueur »" => "réunissez les années en une seule période : « en vigueur de … à … »",
        _ => "n'en gardez qu'une",
    };
    Diagnostic::new(codes::REPEATED_CLAUSE, span, format!("la clause {clause} est écrite deux fois"), "seconde fois")
        .with_label(first, "première fois")
        .with_help(help)
}

pub fn exclusive_clauses(span: Span, first: Span) -> Diagnostic {
    Diagnostic::new(codes::REPEATED_CLAUSE, span, "ces deux clauses donnent chacune la valeur", "seconde valeur")
        .with_label(first, "première valeur")
        .with_help("gardez une seule sorte de clause : « vaut », « vrai si », « points », « montant », « taux »…")
}

pub fn unknown_unit<'n>(name: &Name, known: impl IntoIterator<Item = &'n str>) -> Diagnostic {
    Diagnostic::new(
        codes::UNKNOWN_UNIT,
        name.span,
        format!("l'unité « {} » n'est pas déclarée", name.node),
        "unité inconnue",
    )
    .with_help(format!("corrigez-la, ou déclarez-la : « unité {} »", name.node))
    .suggesting(&name.node, known)
}

pub fn unknown_function<'n>(name: &Name, known: impl IntoIterator<Item = &'n str>) -> Diagnostic {
    if ["compte", "somme", "moyenne", "maximum", "minimum", "distincts"].contains(&&*name.node) {
        return Diagnostic::new(
            codes::UNKNOWN_FUNCTION,
            name.span,
            format!("« {} » ne se lit que dans un contrôle sur l'ensemble", name.node),
            "résume plusieurs lignes",
        )
        .with_help(
            "pour calculer avec toutes les lignes, déclarez un « agrégat » ; sur une table, « somme sur … de … »",
        );
    }
    let known: Vec<&str> = known.into_iter().collect();
    Diagnostic::new(
        codes::UNKNOWN_FUNCTION,
        name.span,
        format!("« {} » n'est pas une fonction", name.node),
        "fonction inconnue",
    )
    .with_help(format!("les fonctions sont {}", known.join(", ")))
    .suggesting(&name.node, known)
}

pub fn wrong_arity(name: &Name, expected: &str, found: usize) -> Diagnostic {
    Diagnostic::new(
        codes::UNKNOWN_FUNCTION,
        name.span,
        format!("« {} » attend {expected}", name.node),
        format!("{found} valeur{} ici", if found > 1 { "s" } else { "" }),
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
    let diagnostic = Diagnostic::new(
        codes::UNKNOWN_CASE,
        name.span,
        format!("« {} » n'est le cas d'aucune énumération", name.node),
        "cas inconnu",
    );
    or_among(diagnostic, &name.node, cases)
}

pub fn ambiguous_case(name: &Name, subjects: &[&str]) -> Diagnostic {
    Diagnostic::new(
        codes::UNKNOWN_CASE,
        name.span,
        format!("« {} » est un cas de plusieurs entrées : {}", name.node, list(&quoted(subjects), "et")),
        "de laquelle s'agit-il ?",
    )
    .with_help(format!(
        "dites laquelle : « pour tous lorsque {} = {} »",
        subjects.first().unwrap_or(&"…"),
        name.node
    ))
}

pub fn unused(kind: &str, name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(codes::UNUSED, span, format!("{kind} « {name} » ne sert à rien"), "aucun emploi")
        .with_help("corrigez l'endroit qui devait s'en servir, ou supprimez cette déclaration")
}

pub fn no_policy(file: Option<FileId>) -> Diagnostic {
    Diagnostic::new(
        codes::POLICY_HEADER,
        Span::new(file.unwrap_or(FileId(0)), 0, 0),
        "aucune déclaration « politique » dans ce dossier",
        "",
    )
    .with_help("commencez un fichier par « politique nom … », avec ses clauses monnaie, clé, exercice et texte")
}

pub fn second_policy(span: Span, first: Span) -> Diagnostic {
    Diagnostic::new(codes::POLICY_HEADER, span, "il y a deux déclarations « politique »", "la seconde")
        .with_label(first, "la première")
}

pub fn second_part(span: Span, first: Span) -> Diagnostic {
    Diagnostic::new(codes::POLICY_HEADER, span, "ce fichier est déjà dans une partie", "la seconde")
        .with_label(first, "la première")
        .with_help("un fichier appartient à une seule partie : répartissez ses dispositions en deux fichiers")
}

pub fn nested_aggregate(span: Span, name: &str, other_span: Span, other: &str) -> Diagnostic {
    Diagnostic::new(
        codes::CYCLE,
        span,
        format!("l'agrégat « {name} » dépend de l'agrégat « {other} »"),
        "calculé en une seule première passe",
    )
    .with_label(other_span, "dont dépend ce qu'il résume")
    .with_help("un agrégat résume des quantités qui ne lisent aucun agrégat, même l'année d'avant")
}

pub fn one_row(span: Span) -> Diagnostic {
    Diagnostic::new(
        codes::BAD_OPERATION,
        span,
        "un contrôle sur l'ensemble ne lit pas la valeur d'une seule ligne",
        "de quelle ligne du groupe ?",
    )
    .with_help(
        "lisez les lignes par compte(…), somme(…), moyenne(…), maximum(…), minimum(…) ou distincts(…), ou ajoutez \
         l'entrée aux groupes : « sur l'ensemble par … »",
    )
}

pub fn group_without_year(span: Span, problem: &str) -> Diagnostic {
    Diagnostic::new(
        codes::BAD_OPERATION,
        span,
        format!("{problem}, et ses groupes réunissent des lignes d'années différentes"),
        "de quelle année du groupe ?",
    )
    .with_help("ajoutez l'exercice aux groupes : « sur l'ensemble par …, annee »")
}

pub fn several_exclusions(span: Span, first: Span) -> Diagnostic {
    Diagnostic::new(codes::REPEATED_CLAUSE, span, "un non cumul ne dit qu'une chose", "seconde règle")
        .with_label(first, "première règle")
        .with_help("écrivez deux non cumuls, chacun avec son nom")
}

pub fn bad_table(span: Span, problem: &str) -> Diagnostic {
    Diagnostic::new(codes::BAD_TABLE, span, problem, "ici")
}

pub fn no_table_file(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(codes::BAD_TABLE, span, format!("le fichier « {name} » n'existe pas"), "introuvable")
        .with_help("le fichier d'une table se range à côté du fichier .pol qui la déclare")
}

pub fn bad_cell(span: Span, column: &str, wanted: &str) -> Diagnostic {
    Diagnostic::new(codes::BAD_TABLE, span, format!("la colonne « {column} » attend {wanted}"), "ne convient pas")
}

pub fn row_length(span: Span, found: usize, wanted: usize) -> Diagnostic {
    let problem = format!("cette ligne a {found} valeur{} pour {wanted} colonnes", if found > 1 { "s" } else { "" });
    Diagnostic::new(codes::BAD_TABLE, span, problem, "une valeur par colonne, dans leur ordre")
        .with_help("séparez les valeurs par « ; », et écrivez « vide » pour une cellule vide")
}

pub fn record_length(span: Span, found: usize, titles: usize) -> Diagnostic {
    let problem = format!("cette ligne a {found} cellule{} pour {titles} titres", if found > 1 { "s" } else { "" });
    Diagnostic::new(codes::BAD_TABLE, span, problem, "une cellule par titre")
        .with_help("une cellule qui contient une virgule se met entre guillemets : \"0,50\"")
}

pub fn not_in_a_name(span: Span, text: &str) -> Diagnostic {
    Diagnostic::new(
        codes::BAD_TABLE,
        span,
        format!("« {text} » ne peut pas entrer dans un nom"),
        "devient un nom de colonne",
    )
    .with_help("un nom est fait de lettres, de chiffres et de « _ »")
}

pub fn duplicate_row(span: Span, first: Span, key: &str, years: Years, dated: bool) -> Diagnostic {
    let when = if years.first == i64::MIN {
        String::new()
    } else if years.first == years.last {
        format!(" en {}", years.first)
    } else {
        format!(" dès {}", years.first)
    };
    let diagnostic =
        Diagnostic::new(codes::BAD_TABLE, span, format!("deux lignes pour « {key} »{when}"), "seconde ligne")
            .with_label(first, "première ligne");
    if dated {
        diagnostic.with_help("les années de deux lignes de même clé ne se recouvrent pas")
    } else {
        diagnostic.with_help("si la seconde remplace la première, dites depuis quand : « en vigueur de … à … »")
    }
}

pub fn changing_condition(span: Span, key: &str) -> Diagnostic {
    Diagnostic::new(
        codes::BAD_TABLE,
        span,
        format!("cette condition change d'une période à l'autre pour « {key} »"),
        "vraie certaines années seulement",
    )
    .with_help("un gabarit vaut pour toutes les années d'une clé : dites la condition dans la disposition")
}

pub fn bad_condition(span: Span) -> Diagnostic {
    Diagnostic::new(
        codes::BAD_TABLE,
        span,
        "une condition sur une table lit un booléen ou compare une colonne à une valeur",
        "ni l'un ni l'autre",
    )
    .with_help("par exemple « où population = adulte », « où non declaratif », « où secteur parmi a1, a2 »")
}

pub fn no_cell(span: Span, column: &str, key: &str, words: bool) -> Diagnostic {
    if words {
        return Diagnostic::new(
            codes::BAD_TABLE,
            span,
            format!("la colonne « {column} » est faite de mots : elle ne se calcule pas"),
            "lue pour sa valeur",
        )
        .with_help("elle entre dans un nom ou dans un texte, collée à d'autres lettres ou entre guillemets");
    }
    Diagnostic::new(
        codes::BAD_TABLE,
        span,
        format!("la colonne « {column} » est vide pour « {key} »"),
        "aucune valeur à lire",
    )
    .with_help("complétez la table, ou restreignez le gabarit : « pour chaque … où … »")
}

pub fn stray_column(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(
        codes::BAD_TABLE,
        span,
        format!("« {name} » lit une colonne hors d'un gabarit"),
        "de quelle ligne ?",
    )
    .with_help("ajoutez une clause « pour chaque … », ou lisez-la dans « somme sur … de … »")
}

pub fn bad_key(span: Span, name: &str, problem: &str) -> Diagnostic {
    Diagnostic::new(codes::POLICY_HEADER, span, problem, format!("l'exercice est « {name} »"))
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
        "variante inconnue",
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
    .with_help("dites ce qu'elle change : « remplace … par … », ou choisissez une autre variante")
}

pub fn cycle(path: &[(&str, Span)], through_scope: bool) -> Diagnostic {
    let names: Vec<&str> = path.iter().map(|(name, _)| *name).chain(path.first().map(|(name, _)| *name)).collect();
    let needs = |rank: usize| match path.get(rank + 1).or(path.first()) {
        Some((next, _)) if path.len() > 1 => format!("dépend de « {next} »"),
        _ => "dépend d'elle-même".to_owned(),
    };
    let mut diagnostic = Diagnostic::new(
        codes::CYCLE,
        path[0].1,
        format!("définition circulaire : {}", names.join(" → ")),
        needs(0),
    )
    .with_help(
        "une des deux doit se calculer sans l'autre ; « précédent(…) » lit l'année d'avant sans créer de cercle",
    );
    if path.len() == 1 {
        diagnostic = diagnostic.with_help("« précédent(…) » lit la valeur de l'année d'avant sans créer de cercle");
    }
    if through_scope {
        diagnostic = diagnostic.with_help(
            "le champ d'une partie lit ce qu'il régit : mettez la quantité qu'il lit dans un fichier d'une autre partie",
        );
    }
    for (rank, (_, span)) in path.iter().enumerate().skip(1) {
        diagnostic = diagnostic.with_label(*span, needs(rank));
    }
    diagnostic
}

pub fn wrong_target(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(codes::WRONG_TARGET, span, message.into(), "ne convient pas ici")
}

// ---------------------------------------------------------------------------------------------- types and units

/// A type in the words of a message.
pub fn describe(ty: &Type, program: &Program) -> String {
    match ty {
        Type::Number(unit) if unit.is_none() => "un nombre sans unité".to_owned(),
        Type::Number(unit) => format!("un nombre en {unit}"),
        Type::Boolean => "une condition (vrai ou faux)".to_owned(),
        Type::Date => "une date".to_owned(),
        Type::Enumeration(id) => format!("un cas de « {} »", program.enumeration(*id).name),
        Type::Text => "un texte".to_owned(),
        Type::Error => "une valeur".to_owned(),
    }
}

pub fn type_mismatch(span: Span, expected: &str, found: &str) -> Diagnostic {
    let diagnostic = Diagnostic::new(
        codes::TYPE_MISMATCH,
        span,
        format!("attendu : {expected} ; trouvé : {found}"),
        found.to_owned(),
    );
    if expected.starts_with("une condition") && found.starts_with("un nombre") {
        return diagnostic.with_help("comparez cette valeur : « … > 0 », « … ≥ 10 »");
    }
    diagnostic
}

pub fn unknown_type(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(
        codes::TYPE_MISMATCH,
        span,
        format!("la nature de « {name} » dépend d'elle-même et ne peut pas être déduite"),
        "nombre, date ou condition ?",
    )
    .with_help("donnez une unité à la valeur par défaut de « précédent » : « précédent(x) à défaut 0 points »")
}

pub fn unit_mismatch(
    span: Span,
    (left, left_span): (&Unit, Span),
    (right, right_span): (&Unit, Span),
    action: &str,
) -> Diagnostic {
    let value =
        |unit: &Unit| if unit.is_none() { "un nombre sans unité".to_owned() } else { format!("une valeur en {unit}") };
    let short = |unit: &Unit| if unit.is_none() { "sans unité".to_owned() } else { format!("en {unit}") };
    let message = format!("on ne peut pas {action} {} et {}", value(left), value(right));
    // The two terms say it; the whole would cover them.
    let diagnostic = if left_span == span || right_span == span || left_span == right_span {
        Diagnostic::new(codes::UNIT_MISMATCH, span, message, "unités différentes")
    } else {
        Diagnostic::new(codes::UNIT_MISMATCH, right_span, message, short(right)).with_label(left_span, short(left))
    };
    let help = if right.is_none() {
        format!("donnez son unité au second terme : « … {left} »")
    } else if left.is_none() {
        format!("donnez son unité au premier terme : « … {right} »")
    } else {
        conversion(right, left)
    };
    diagnostic.with_help(help)
}

pub fn wrong_unit(span: Span, expected: &Unit, found: &Unit, what: &str) -> Diagnostic {
    let what = match what {
        "« borne »" => "cette borne",
        "« points »" => "ce que rapporte cette clause",
        "« le prorata »" => "un prorata",
        "« l'année »" => "une année",
        "« la limite »" => "la limite",
        "« l'écart »" => "l'écart",
        "« décimales »" => "le nombre de décimales",
        "« à défaut »" => "ce qui suit « à défaut »",
        other => other,
    };
    let wanted = if expected.is_none() { "sans unité".to_owned() } else { format!("en {expected}") };
    let got = if found.is_none() { "sans unité".to_owned() } else { format!("en {found}") };
    let help =
        if found.is_none() { format!("donnez son unité : « … {expected} »") } else { conversion(found, expected) };
    Diagnostic::new(codes::UNIT_MISMATCH, span, format!("{what} doit être {wanted}, et non {got}"), got).with_help(help)
}

/// What would bring a value from one unit to another.
fn conversion(found: &Unit, expected: &Unit) -> String {
    let factor = expected.divide(found).to_string();
    match factor.strip_prefix("1/") {
        Some(divisor) => format!("divisez par une valeur en {divisor}"),
        None => format!("pour passer de {found} à {expected}, multipliez par une valeur en {factor}"),
    }
}

pub fn bad_operation(span: Span, message: impl Into<String>) -> Diagnostic {
    // « de », then « un nombre » or « une date » of `describe`.
    let message = message.into().replace(" de un", " d'un");
    Diagnostic::new(codes::BAD_OPERATION, span, message, "refusé ici")
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
        "« à défaut » ne suit qu'une quantité, une entrée facultative, « précédent(…) » ou « antérieur(…) »",
        "a toujours une valeur",
    )
}

pub fn previous_needs_default(span: Span, reach: Reach, name: &str) -> Diagnostic {
    let word = match reach {
        Reach::LastYear => "précédent",
        Reach::Earlier => "antérieur",
    };
    Diagnostic::new(
        codes::MAY_NOT_APPLY,
        span,
        format!("« {word}({name}) » n'existe pas la première année"),
        "lu sans dire quoi prendre alors",
    )
    .with_help(format!("écrivez « {word}({name}) à défaut … »"))
}

pub fn may_be_empty(span: Span, name: &str, declared: Span) -> Diagnostic {
    Diagnostic::new(
        codes::MAY_NOT_APPLY,
        span,
        format!("l'entrée « {name} » est facultative : la cellule peut être vide ici"),
        "lue sans dire quoi prendre alors",
    )
    .with_label(declared, "déclarée facultative")
    .with_help(format!(
        "vérifiez-le avant (« {name} est renseigné et … », « pour tous lorsque {name} est renseigné »), ou écrivez \
         « {name} à défaut … »"
    ))
}

pub fn always_set(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(
        codes::WRONG_TARGET,
        span,
        format!("l'entrée « {name} » n'est pas facultative : elle a toujours une valeur"),
        "la question ne se pose pas",
    )
    .with_help("déclarez-la « facultative » si une cellule vide est une réponse")
}

pub fn not_constant(span: Span) -> Diagnostic {
    Diagnostic::new(codes::NOT_CONSTANT, span, "une constante est attendue ici", "dépend des données ou de l'année")
        .with_help("écrivez le nombre ou la date")
}

pub fn bad_date(span: Span) -> Diagnostic {
    Diagnostic::new(
        codes::BAD_DATE,
        span,
        "cette date n'existe pas au calendrier",
        "jour ou mois impossible, au moins certaines années",
    )
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

/// The value that falls in the hole says more than a row beside it.
pub fn gap(_row: Span, subject: Span, hole: &str) -> Diagnostic {
    let help = match hole.split(' ').next() {
        Some("au-delà") => "ajoutez la ligne « au-delà : … »",
        // A tier table starts at zero.
        Some("en") if hole.ends_with("zéro") => "bornez la valeur : « … porté à au moins 0 »",
        _ => "ajoutez la ligne qui manque, ou « sinon : … »",
    };
    Diagnostic::new(
        codes::GAP,
        subject,
        format!("ce barème ne dit rien {hole}"),
        "peut y tomber, d'après les plages déclarées",
    )
    .with_help(help)
}

pub fn overlap(span: Span, other: Span) -> Diagnostic {
    Diagnostic::new(codes::OVERLAP, span, "ces deux lignes du barème se recouvrent", "recouvre l'autre")
        .with_label(other, "première ligne")
        .with_help("une même valeur ne doit tomber que dans une ligne, et les bornes croissent")
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
        .with_help("bornez la première : « de … à … »")
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
    .with_help("séparez leurs cas (« pour … ») ou leurs années (« en vigueur … »)")
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
        format!("{expected} : le droit d'un exercice vaut pour l'année entière"),
        "date en cours d'année",
    )
    .with_help("pour un effet en cours d'année, écrivez-le dans le calcul (un prorata, ou une condition sur une date)")
}

pub fn never_applies(span: Span, name: &str) -> Diagnostic {
    if name == "cette période" {
        return Diagnostic::new(codes::NEVER_APPLIES, span, "cette période finit avant de commencer", "à l'envers")
            .with_help("écrivez la première année d'abord");
    }
    Diagnostic::new(
        codes::NEVER_APPLIES,
        span,
        format!("cette disposition de « {name} » ne s'applique jamais"),
        "cas ou années impossibles",
    )
    .with_help("vérifiez ses cas, ses années et les années que couvre la politique")
}

pub fn no_order(span: Span, first: Span, target: &str) -> Diagnostic {
    Diagnostic::new(
        codes::NO_ORDER,
        span,
        format!("« {target} » reçoit un montant et un taux, et rien ne dit dans quel ordre"),
        "l'un des deux",
    )
    .with_label(first, "l'autre")
    .with_help("ajoutez « après … » à celui qui se calcule en second")
}

// ---------------------------------------------------------------------------------------------- references

pub fn missing_reference(span: Span, item: &str) -> Diagnostic {
    let help = if item.contains("champ") {
        "ajoutez-la à la fin, entre parenthèses : « (article …) »"
    } else {
        "ajoutez une clause « réf. article … »"
    };
    Diagnostic::new(codes::MISSING_REFERENCE, span, format!("{item} doit citer sa source"), "sans référence")
        .with_help(help)
}

pub fn unknown_text<'n>(name: &Name, known: impl IntoIterator<Item = &'n str>) -> Diagnostic {
    let diagnostic = Diagnostic::new(
        codes::UNKNOWN_TEXT,
        name.span,
        format!("le texte « {} » n'est pas déclaré dans l'en-tête de la politique", name.node),
        "texte inconnu",
    );
    or_among(diagnostic, &name.node, known)
}

/// The unit of an expression as it was written.
pub fn written_unit(unit: &UnitExpr) -> String {
    unit.parts.iter().map(|part| part.node.to_string()).collect::<Vec<_>>().join("/")
}

fn quoted(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| if word.starts_with('«') { (*word).to_owned() } else { format!("« {word} »") }).collect()
}
