//! The words of the amendments.

use polc_dsl::ast::{ItemKind, Name};
use polc_dsl::diagnostic::{Diagnostic, codes, list};
use polc_dsl::{FileId, Span};

pub const SINCE: &str = "depuis cet avenant";

/// What an amendment did to a provision, where it is written.
pub fn changed_here(verb: &str, amendment: &Name) -> String {
    format!("changé ici : l'avenant « {} » {verb}", amendment.node)
}

pub fn inserts(kind: &ItemKind) -> String {
    format!("insère {}", noun(kind))
}

pub fn replaces(kind: &ItemKind) -> String {
    format!("remplace {}", noun(kind))
}

/// The word of a declaration, without its article.
fn noun(kind: &ItemKind) -> &'static str {
    crate::resolve::item_word(kind).split_once(' ').map_or("", |(_, noun)| noun)
}

pub fn repeals() -> &'static str {
    "abroge"
}

pub fn row_change(replaces: bool) -> &'static str {
    if replaces { "remplace une ligne de" } else { "insère une ligne dans" }
}

pub fn repeals_row() -> &'static str {
    "abroge une ligne de"
}

pub fn postpones() -> &'static str {
    "reporte"
}

pub fn extends() -> &'static str {
    "proroge"
}

/// A change, in the middle of a sentence.
pub fn change_word(verb: &str) -> &'static str {
    match verb {
        "reporte" => "un report",
        "proroge" => "une prorogation",
        "insère" | "remplace" => "une ligne de table",
        _ => "une abrogation",
    }
}

// ---------------------------------------------------------------------------------------------- form

pub fn header_inside(span: Span) -> Diagnostic {
    Diagnostic::new(codes::AMENDMENT_FORM, span, "« avenant » ouvre un fichier", "après d'autres déclarations")
        .with_help("mettez l'avenant dans un fichier à lui : tout ce qui le suit lui appartient")
}

pub fn change_outside(span: Span) -> Diagnostic {
    Diagnostic::new(codes::AMENDMENT_FORM, span, "seul un avenant change d'autres dispositions", "hors d'un avenant")
        .with_help("commencez le fichier par « avenant nom … », ou écrivez la disposition elle-même")
}

pub fn plain_declaration(span: Span, item: &str) -> Diagnostic {
    Diagnostic::new(
        codes::AMENDMENT_FORM,
        span,
        format!("l'avenant ne dit pas ce qu'il fait de cette déclaration : {item}"),
        "ajoutée, ou remplacée ?",
    )
    .with_help("écrivez « insère … » ou « remplace … » devant elle, en début de ligne")
}

pub fn no_name(span: Span) -> Diagnostic {
    Diagnostic::new(codes::AMENDMENT_FORM, span, "un exemple ne se remplace pas", "sans nom")
        .with_help("les exemples de la base portent sur la base : ajoutez celui de l'avenant, par « exemple … »")
}

pub fn law_of_rows(span: Span) -> Diagnostic {
    Diagnostic::new(
        codes::AMENDMENT_FORM,
        span,
        "le droit d'un contrôle sur les données est celui de l'évaluation",
        "ne se choisit pas ici",
    )
    .with_help("supprimez cette clause ; un avenant peut remplacer ou abroger le contrôle")
}

pub fn published_before_signed(span: Span) -> Diagnostic {
    Diagnostic::new(codes::AMENDMENT_FORM, span, "cet avenant est publié avant d'être signé", "dates à l'envers")
        .with_help("vérifiez « signé le » et « publié le »")
}

pub fn not_dated(span: Span, item: &str) -> Diagnostic {
    Diagnostic::new(
        codes::AMENDMENT_FORM,
        span,
        format!("{item} n'a pas de période : ni début, ni fin"),
        "ne se date pas",
    )
    .with_help("seule la déclaration entière se remplace ou s'abroge")
}

pub fn no_beginning(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(
        codes::AMENDMENT_FORM,
        span,
        format!("« {name} » n'a pas de date d'effet à reporter"),
        "en vigueur sans début",
    )
    .with_help("remplacez la disposition, avec sa période : « remplace … en vigueur depuis … »")
}

pub fn no_end(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(codes::AMENDMENT_FORM, span, format!("« {name} » n'a pas de fin à proroger"), "en vigueur sans fin")
        .with_help("supprimez ce changement ; pour mettre fin à une disposition : « abroge … à compter de … »")
}

pub fn after_its_end(span: Span, name: &str, first: i64) -> Diagnostic {
    Diagnostic::new(codes::AMENDMENT_FORM, span, format!("« {name} » prend fin avant {first}"), "reportée après sa fin")
        .with_help("abrogez-la, ou prorogez-la aussi : « proroge … jusqu'en … »")
}

pub fn already_so(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(codes::AMENDMENT_FORM, span, format!("« {name} » commence déjà à cette date"), "ne change rien")
}

pub fn ends_later_already(span: Span, name: &str, end: i64) -> Diagnostic {
    Diagnostic::new(
        codes::AMENDMENT_FORM,
        span,
        format!("« {name} » court déjà jusqu'en {end}"),
        "n'est pas une prorogation",
    )
    .with_help("pour y mettre fin plus tôt : « abroge … à compter de … »")
}

// ---------------------------------------------------------------------------------------------- targets

fn target(amendment: &Name, verb: &str, name: &Name, problem: &str, label: &str) -> Diagnostic {
    Diagnostic::new(
        codes::AMENDMENT_TARGET,
        name.span,
        format!("l'avenant « {} » {verb} « {} », {problem}", amendment.node, name.node),
        label,
    )
}

pub fn no_target<'n>(
    amendment: &Name,
    verb: &str,
    name: &Name,
    known: impl IntoIterator<Item = &'n str>,
) -> Diagnostic {
    target(amendment, verb, name, "qui n'existe pas", "cible inconnue")
        .with_help("corrigez le nom, ou écrivez « insère … » si la disposition est nouvelle")
        .suggesting(&name.node, known)
}

pub fn other_kind(amendment: &Name, verb: &str, name: &Name, span: Span, item: &str) -> Diagnostic {
    target(amendment, verb, name, &format!("qui est {item}"), "d'une autre sorte")
        .with_label(span, item.to_owned())
        .with_help("reprenez le mot de la déclaration visée")
}

pub fn beside(amendment: &Name, verb: &str, name: &Name, span: Span) -> Diagnostic {
    target(amendment, verb, name, "qui ne vaut pas pour ces cas ou ces années", "rien à changer")
        .with_label(span, "existe pour d'autres cas ou d'autres années")
        .with_help("corrigez « pour … » ou la période, ou écrivez « insère … » si la disposition est nouvelle")
}

pub fn held_by(amendment: &Name, verb: &str, name: &Name, span: Span, holder: &str) -> Diagnostic {
    target(amendment, verb, name, &format!("que donne « {holder} »"), "n'est pas une déclaration")
        .with_label(span, format!("clause de « {holder} »"))
        .with_help(format!("c'est « {holder} » que l'avenant remplace, avec cette clause changée"))
}

pub fn changed_before(amendment: &Name, verb: &str, name: &Name, span: Span, other: &Name) -> Diagnostic {
    let problem = format!("que l'avenant « {} » a déjà ôtée", other.node);
    target(amendment, verb, name, &problem, "n'existe plus")
        .with_label(span, format!("changée ici par « {} »", other.node))
        .with_help("écrivez « insère … » pour la rétablir")
}

pub fn made_by_another(amendment: &Name, verb: &str, name: &Name, span: Span, other: &Name) -> Diagnostic {
    let problem = format!("qui vient de l'avenant « {} »", other.node);
    Diagnostic { code: codes::AMENDMENT_ORDER, ..target(amendment, verb, name, &problem, "n'existe pas sans lui") }
        .with_label(span, format!("insérée ici par « {} »", other.node))
        .with_help(format!("écrivez « après {} » dans l'en-tête de « {} »", other.node, amendment.node))
}

pub fn several_kinds(name: &Name, kinds: &[&str]) -> Diagnostic {
    Diagnostic::new(
        codes::AMENDMENT_TARGET,
        name.span,
        format!("« {} » est à la fois {}", name.node, list(kinds, "et")),
        "de quoi s'agit-il ?",
    )
    .with_help("dites-le avant le nom : « abroge critère … »")
}

pub fn partial_cases(amendment: &Name, verb: &str, name: &Name, span: Span) -> Diagnostic {
    Diagnostic::new(
        codes::AMENDMENT_TARGET,
        name.span,
        format!("l'avenant « {} » {verb} « {} » pour une partie seulement de ses cas", amendment.node, name.node),
        "tranche dans la disposition visée",
    )
    .with_label(span, "vaut aussi pour d'autres cas")
    .with_help("reprenez tous les cas de la disposition visée, et écrivez-y ce qui vaut pour chacun")
}

pub fn partial_conditions(name: &Name, amendment: &Name, span: Span) -> Diagnostic {
    Diagnostic::new(
        codes::AMENDMENT_TARGET,
        name.span,
        format!(
            "plusieurs dispositions « {} » ne se distinguent que par leur condition, et l'avenant « {} » n'en reprend aucune",
            name.node, amendment.node
        ),
        "laquelle remplace-t-il ?",
    )
    .with_label(span, "l'une d'elles")
    .with_help("reprenez la clause « pour … lorsque … » de celle qu'il remplace, ou remplacez-les toutes par une seule sans « lorsque »")
}

pub fn not_a_table(name: &Name, item: &str) -> Diagnostic {
    Diagnostic::new(
        codes::AMENDMENT_TARGET,
        name.span,
        format!("« {} » n'est pas une table, mais {item}", name.node),
        "n'a pas de lignes",
    )
    .with_help("reprenez la déclaration entière : « remplace … »")
}

pub fn row_without_key(span: Span, table: &str) -> Diagnostic {
    Diagnostic::new(
        codes::AMENDMENT_TARGET,
        span,
        format!("cette ligne de « {table} » n'a pas de clé"),
        "laquelle est-ce ?",
    )
    .with_help("donnez les cellules dans l'ordre des colonnes, sans sauter celle de la clé")
}

pub fn no_row<'n>(span: Span, key: &str, table: &str, known: impl IntoIterator<Item = &'n str>) -> Diagnostic {
    Diagnostic::new(
        codes::AMENDMENT_TARGET,
        span,
        format!("la table « {table} » n'a pas de ligne « {key} » ces années-là"),
        "rien à changer",
    )
    .with_help("corrigez la clé ou les années, ou écrivez « insère ligne … »")
    .suggesting(key, known)
}

// ---------------------------------------------------------------------------------------------- order

pub fn conflict(name: &Name, other_span: Span, own: &Name, other: &Name) -> Diagnostic {
    Diagnostic::new(
        codes::AMENDMENT_ORDER,
        name.span,
        format!(
            "les avenants « {} » et « {} » changent tous deux « {} », sans ordre entre eux",
            other.node, own.node, name.node
        ),
        format!("par « {} »", own.node),
    )
    .with_label(other_span, format!("par « {} »", other.node))
    .with_help(format!("écrivez « après {} » dans l'en-tête de « {} », ou l'inverse", other.node, own.node))
}

pub fn touched_twice(name: &Name, first: Span, own: &Name) -> Diagnostic {
    Diagnostic::new(
        codes::AMENDMENT_ORDER,
        name.span,
        format!("l'avenant « {} » change deux fois « {} »", own.node, name.node),
        "seconde fois",
    )
    .with_label(first, "première fois")
    .with_help("réunissez les deux changements, ou séparez leurs cas ou leurs années")
}

pub fn circle(names: &[&Name]) -> Diagnostic {
    let quoted: Vec<String> = names.iter().map(|name| format!("« {} »", name.node)).collect();
    let first = names.first().map_or(Span::new(FileId(0), 0, 0), |name| name.span);
    let diagnostic = Diagnostic::new(
        codes::AMENDMENT_ORDER,
        first,
        format!("ordre circulaire entre avenants : {}", list(&quoted, "et")),
        "vient après lui-même",
    )
    .with_help("supprimez une des clauses « après »");
    names.iter().skip(1).fold(diagnostic, |diagnostic, name| diagnostic.with_label(name.span, "dans le même cercle"))
}

pub fn after_draft(own: &Name, clause: &Name, draft: &Name) -> Diagnostic {
    Diagnostic::new(
        codes::AMENDMENT_ORDER,
        clause.span,
        format!("l'avenant « {} » vient après un projet, « {} »", own.node, draft.node),
        "n'est pas encore du droit",
    )
    .with_label(draft.span, "projet")
    .with_help("seul un projet peut venir après un projet")
}

pub fn known_before(own: &Name, clause: &Name, other: &Name) -> Diagnostic {
    Diagnostic::new(
        codes::AMENDMENT_ORDER,
        clause.span,
        format!("l'avenant « {} » vient après « {} », mais était connu avant lui", own.node, other.node),
        "dates à l'inverse",
    )
    .with_label(other.span, "connu plus tard")
    .with_help("vérifiez les dates de signature et de publication des deux avenants")
}

// ---------------------------------------------------------------------------------------------- choice

pub fn unknown<'n>(name: &str, at: FileId, known: impl IntoIterator<Item = &'n str>) -> Diagnostic {
    let known: Vec<&str> = known.into_iter().collect();
    let quoted: Vec<String> = known.iter().map(|name| format!("« {name} »")).collect();
    let message = format!("l'avenant « {name} » n'existe pas");
    let diagnostic = Diagnostic::new(codes::AMENDMENT_CHOICE, Span::new(at, 0, 0), message, "");
    let diagnostic = match known.is_empty() {
        true => diagnostic.with_help("cette politique n'a pas d'avenant"),
        false => diagnostic.with_help(format!("les avenants sont {}", list(&quoted, "et"))),
    };
    diagnostic.suggesting(name, known)
}

pub fn with_and_without(name: &Name) -> Diagnostic {
    Diagnostic::new(
        codes::AMENDMENT_CHOICE,
        name.span,
        format!("l'avenant « {} » est à la fois demandé et laissé de côté", name.node),
        "à prendre, ou à laisser ?",
    )
}

/// `at` is where the choice was written, if it was in the policy.
pub fn left_out(own: &Name, clause: &Name, draft: bool, at: Option<Span>) -> Diagnostic {
    let why = if draft { "qui est un projet et n'est pas demandé" } else { "qui est laissé de côté" };
    let message = format!("l'avenant « {} » vient après « {} », {why}", own.node, clause.node);
    let help = format!("prenez les deux, ou laissez aussi « {} »", own.node);
    match at {
        None => Diagnostic::new(codes::AMENDMENT_CHOICE, clause.span, message, "ne s'applique pas sans lui"),
        Some(at) => Diagnostic::new(codes::AMENDMENT_CHOICE, at, message, "choix impossible")
            .with_label(clause.span, "ne s'applique pas sans lui"),
    }
    .with_help(help)
}
