//! Which clauses a declaration accepts, and what they are called.

use polc_dsl::ast::{ClauseKind as K, Item, ItemKind};

use super::Resolver;
use crate::diagnostics as say;

/// The declaration in the middle of a sentence.
pub fn item_word(kind: &ItemKind) -> &'static str {
    match kind {
        ItemKind::Policy => "l'en-tête de la politique",
        ItemKind::Enumeration => "une énumération",
        ItemKind::Unit { .. } => "une unité",
        ItemKind::Input(_) => "une entrée",
        ItemKind::Parameter => "un paramètre",
        ItemKind::Definition { .. } => "une définition",
        ItemKind::Block => "un bloc",
        ItemKind::Criterion => "un critère",
        ItemKind::Minoration => "une minoration",
        ItemKind::Majoration => "une majoration",
        ItemKind::Proration => "un prorata",
        ItemKind::Payment => "un versement",
        ItemKind::Derogation { .. } => "une dérogation",
        ItemKind::Reading => "une lecture",
        ItemKind::Situation => "une situation",
        ItemKind::Example => "un exemple",
        ItemKind::Control => "un contrôle",
        ItemKind::Part => "une partie",
        ItemKind::Schedule => "un échéancier",
        ItemKind::Exclusion => "un non cumul",
        ItemKind::Aggregate => "un agrégat",
        ItemKind::Table => "une table",
        ItemKind::Amendment => "un avenant",
        ItemKind::Change(_) => "un changement",
    }
}

/// The first words of a clause.
pub fn clause_word(kind: &K) -> &'static str {
    match kind {
        K::Currency { .. } => "monnaie",
        K::Key(_) => "clé",
        K::Exercise(_) | K::Year(_) => "exercice",
        K::Scope { .. } => "champ",
        K::CitedText { .. } => "texte",
        K::Case { .. } => "cas",
        K::Meaning(_) => "« … »",
        K::DatedValue { .. } => "depuis … :",
        K::Reference(_) => "réf.",
        K::For { .. } => "pour",
        K::InForce(_) => "en vigueur",
        K::TrueIf(_) => "vrai si",
        K::If(_) => "si",
        K::Points { .. } => "points",
        K::Amount { .. } => "montant",
        K::Rate { .. } => "taux",
        K::Value { .. } => "vaut",
        K::Bound { kind: polc_dsl::ast::BoundKind::Cap, .. } => "plafond",
        K::Bound { .. } => "plancher",
        K::Prorated { .. } => "prorata",
        K::Membership { .. } => "du bloc",
        K::Prerequisite { .. } | K::BlockPrerequisites { .. } => "prérequis",
        K::NamedCondition { .. } => "condition",
        K::BlockTotal { .. } => "total",
        K::On(_) => "sur",
        K::After(_) => "après",
        K::From(_) => "à compter de",
        K::Until(_) => "jusqu'au",
        K::RelativeTo(_) => "rapporté à",
        K::DayCount { .. } => "nombre de jours",
        K::Suffices(_) => "il suffit de",
        K::Lifts(_) => "lève",
        K::Overrides(_) => "prime sur",
        K::Retained { .. } => "retenue",
        K::Variant { .. } => "variante",
        K::Reason(_) => "motif",
        K::Replaces { .. } => "remplace",
        K::InConflict(_) => "en conflit",
        K::Origin(_) => "origine",
        K::Dated { published: false, .. } => "signé le",
        K::Dated { .. } => "publié le",
        K::Draft => "projet",
        K::UnderAmendments { included: true, .. } => "avec avenant",
        K::UnderAmendments { .. } => "sans avenant",
        K::Base(_) => "base",
        K::UnderReading { .. } => "lecture",
        K::Given(_) => "soit",
        K::Expected(_) => "attendu",
        K::EachRow => "sur chaque ligne",
        K::Blocking => "bloquant",
        K::Verify(_) => "vérifie",
        K::Announces { .. } => "le texte annonce",
        K::Gap { .. } => "écart",
        K::ScopeAll => "champ",
        K::ForEach { .. } => "pour chaque",
        K::Keeps(_) => "conservé lorsque",
        K::FirstYear(_) => "première année où",
        K::Cumulates { .. } => "cumul de",
        K::Interrupted(_) => "interrompu le",
        K::Due { .. } => "échéance",
        K::Recovery { .. } => "récupération",
        K::ScheduleTotal { .. } => "total",
        K::Annuls(_) | K::Nothing => "annule",
        K::Between(_) => "entre",
        K::OnlyOnce(_) => "une seule fois",
        K::Summarises { .. } => "moyenne de",
        K::RoundedTo(_) => "arrondi à",
        K::WholeData(_) => "sur l'ensemble",
        K::File(_) => "fichier",
        K::Column { .. } => "colonne",
        K::Row(_) | K::RowChange { .. } => "ligne",
        K::ColumnsInForce { .. } => "en vigueur",
    }
}

fn allowed(kind: &ItemKind) -> &'static [&'static str] {
    match kind {
        ItemKind::Policy => &["monnaie", "clé", "exercice", "champ", "texte", "réf."],
        ItemKind::Enumeration => &["cas", "réf."],
        ItemKind::Unit { .. } => &[],
        ItemKind::Input(_) => &["« … »", "réf."],
        ItemKind::Parameter => &["vaut", "depuis … :", "réf."],
        ItemKind::Definition { .. } => &[
            "réf.",
            "pour",
            "en vigueur",
            "si",
            "vaut",
            "vrai si",
            "conservé lorsque",
            "première année où",
            "cumul de",
            "points",
            "montant",
            "taux",
            "plafond",
            "plancher",
            "prorata",
        ],
        ItemKind::Block => &["réf.", "total", "prérequis"],
        ItemKind::Criterion => &[
            "réf.",
            "pour",
            "en vigueur",
            "du bloc",
            "prérequis",
            "condition",
            "si",
            "points",
            "plafond",
            "plancher",
            "prorata",
        ],
        ItemKind::Minoration | ItemKind::Majoration => &[
            "réf.",
            "pour",
            "en vigueur",
            "sur",
            "après",
            "si",
            "points",
            "montant",
            "taux",
            "plafond",
            "plancher",
            "prorata",
        ],
        ItemKind::Proration => &[
            "réf.",
            "pour",
            "en vigueur",
            "à compter de",
            "jusqu'au",
            "rapporté à",
            "nombre de jours",
            "plafond",
            "plancher",
        ],
        ItemKind::Payment => {
            &["réf.", "pour", "en vigueur", "si", "conservé lorsque", "montant", "plafond", "plancher", "prorata"]
        }
        ItemKind::Derogation { .. } => {
            &["réf.", "pour", "en vigueur", "si", "vaut", "vrai si", "il suffit de", "lève", "annule", "prime sur"]
        }
        ItemKind::Reading => &["réf.", "en conflit", "retenue", "motif", "variante", "remplace"],
        ItemKind::Situation => &["base", "soit"],
        ItemKind::Amendment => &["réf.", "signé le", "publié le", "projet", "après", "texte"],
        ItemKind::Change(_) => &["réf."],
        ItemKind::Example => {
            &["réf.", "origine", "base", "lecture", "avec avenant", "sans avenant", "exercice", "soit", "attendu"]
        }
        ItemKind::Control => &[
            "réf.",
            "pour",
            "en vigueur",
            "base",
            "avec avenant",
            "sans avenant",
            "soit",
            "sur chaque ligne",
            "sur l'ensemble",
            "bloquant",
            "vérifie",
            "le texte annonce",
            "écart",
        ],
        ItemKind::Part => &["champ", "réf."],
        ItemKind::Schedule => &["réf.", "pour", "en vigueur", "interrompu le", "échéance", "récupération", "total"],
        ItemKind::Exclusion => &["réf.", "pour", "en vigueur", "si", "annule", "entre", "une seule fois"],
        ItemKind::Aggregate => &["réf.", "moyenne de", "arrondi à"],
        ItemKind::Table => &["réf.", "fichier", "clé", "colonne", "ligne", "en vigueur"],
    }
}

/// Whether a declaration of that kind may have a clause.
pub fn accepts(kind: &ItemKind, word: &str) -> bool {
    allowed(kind).contains(&word)
}

/// Clauses that may be said several times.
const REPEATABLE: &[&str] = &[
    "réf.",
    "pour",
    "texte",
    "cas",
    "« … »",
    "depuis … :",
    "points",
    "montant",
    "taux",
    "plafond",
    "plancher",
    "prorata",
    "total",
    "lève",
    "prime sur",
    "variante",
    "remplace",
    "en conflit",
    "soit",
    "attendu",
    "exercice",
    "lecture",
    "échéance",
    "récupération",
    "colonne",
    "ligne",
    "avec avenant",
    "sans avenant",
    "après",
];

impl Resolver<'_> {
    /// Reports the clauses that the declaration does not accept or says twice.
    pub(super) fn check_clauses(&mut self, item: &Item) {
        let words = allowed(&item.kind);
        let mut seen: Vec<(&str, polc_dsl::Span)> = Vec::new();
        for clause in &item.clauses {
            let word = clause_word(&clause.kind);
            if matches!((&item.kind, &clause.kind), (ItemKind::Definition { .. }, K::ScopeAll)) {
                // Written by the expansion only.
                continue;
            }
            if !words.contains(&word) {
                self.report(say::misplaced_clause(clause.span, item_word(&item.kind), words));
                continue;
            }
            let once = !REPEATABLE.contains(&word);
            if once && let Some((_, first)) = seen.iter().find(|(known, _)| *known == word) {
                self.report(say::repeated_clause(clause.span, *first, &format!("« {word} »")));
            }
            seen.push((word, clause.span));
        }
    }
}
