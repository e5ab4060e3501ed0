//! The words of the pages: titles, sentences and column heads.

use super::words::NO_BREAK;

/// The page as a whole.
pub(super) fn title(policy: &str, key: &str) -> String {
    format!("{policy} : décompte de {key}")
}

pub(super) const TOTAL: &str = "Somme des versements";
pub(super) const SUMS_LEAD: &str = "Un versement qu'un autre additionne tel quel n'est compté qu'une fois, dans cet autre. \
    Une somme à récupérer est un versement comme les autres : elle s'ajoute ici, et son titre dit ce qu'elle est.";
pub(super) const SUMS: &str = "Sommes par chapitre";
pub(super) const CONTRIBUTION: &str = "Degré et mode de contribution du traitement à la décision";
pub(super) const OPERATIONS: &str = "Opérations effectuées par le traitement";
pub(super) const PARAMETERS: &str = "Paramètres du traitement et leur pondération, appliqués à la situation";
pub(super) const READINGS: &str = "Lectures du texte appliquées";
pub(super) const DATA: &str = "Données traitées et leurs sources";
pub(super) const MISSING: &str = "Ce qui n'est pas acquis";

pub(super) const MISSING_LEAD: &str = "Conditions que la ligne ne remplit pas et qui portent sur un versement, avec ce \
    que vaudrait chacune si elle seule était remplie. Chaque changement proposé a été recalculé : il remplit la \
    condition, et les montants dits sont ceux qu'il donne.";

/// The item of the decree that a section answers.
pub(super) fn legal(rank: u32) -> String {
    format!("Code des relations entre le public et l'administration, article R. 311-3-1-2, {rank}°")
}

pub(super) const LEGAL_AIM: &str = "Cette page explique un décompte individuel calculé par un traitement algorithmique. \
    Elle contient ce que demande l'article R. 311-3-1-2 du code des relations entre le public et l'administration.";

pub(super) const CHAPTER: &str = "Chapitre";
pub(super) const PAYMENTS: &str = "Versements";
pub(super) const AMOUNT: &str = "Montant";
pub(super) const NAME: &str = "Nom";
pub(super) const MEANING: &str = "Ce qu'elle dit";
pub(super) const TITLE: &str = "Titre";
pub(super) const VALUE: &str = "Valeur";
pub(super) const ORIGIN: &str = "Origine";
pub(super) const REFERENCE: &str = "Référence";
pub(super) const WHERE: &str = "Où il compte, avec les chiffres de la ligne";
pub(super) const NO_PAYMENT: &str = "Aucun versement n'est dû.";

pub(super) fn contribution(policy: &str) -> String {
    format!(
        "Le traitement calcule en entier chaque montant de cette page, à partir des données de la ligne et des règles \
         de la politique «{NO_BREAK}{policy}{NO_BREAK}», écrites avant le calcul et publiques avec elle. Il n'ajoute \
         aucune appréciation : les mêmes données donnent toujours les mêmes montants, au centime. La décision reste \
         celle de l'organisme qui la notifie."
    )
}

pub(super) const CHOICES: &str = "La part de choix humain est dans l'interprétation des textes (les lectures, plus bas) \
    et dans les données, que le traitement ne vérifie que dans leur forme.";

pub(super) fn texts(titles: &str) -> String {
    format!("Textes appliqués : {titles}.")
}

pub(super) fn amendments(applied: &str, left: &str) -> String {
    match (applied.is_empty(), left.is_empty()) {
        (false, false) => format!("Avenants appliqués : {applied}. Laissés de côté : {left}."),
        (false, true) => format!("Avenants appliqués : {applied}."),
        _ => format!("Avenants laissés de côté : {left}."),
    }
}

pub(super) fn governed(formula: &str, references: &str, governed: bool) -> String {
    let answer = if governed { "c'est le cas" } else { "ce n'est pas le cas, et rien n'est dû" };
    format!("La politique régit la ligne lorsque {formula}{references} : {answer}.")
}

pub(super) const OPERATIONS_LEAD: &str = "Chaque versement se déplie jusqu'aux données et aux formules. Les calculs \
    communs à plusieurs versements ne sont dits qu'une fois.";
pub(super) const SHARED: &str = "Calculs repris par les versements";

pub(super) const REST: &str = "Autres calculs : lignes de bloc à zéro, et ce qu'elles lisent";

pub(super) fn nothing_paid(zero: usize, without_object: usize) -> String {
    let one = |count: usize, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{count} {many}")),
    };
    let parts = [
        one(zero, "versement à zéro", "versements à zéro"),
        one(without_object, "versement sans objet", "versements sans objet"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

pub(super) const PARAMETERS_LEAD: &str = "Chiffres du texte nommés par la politique, à leur valeur de l'année. Les \
    autres chiffres (points, barèmes, plafonds) sont dans les formules de chaque opération, avec leur référence.";
pub(super) const NO_PARAMETER: &str =
    "Aucun paramètre nommé n'entre dans ce calcul : les chiffres du texte sont dans les formules de chaque opération.";

pub(super) const READINGS_LEAD: &str = "Là où le texte est ambigu, la politique en retient une lecture et garde les \
    autres. Voici celles qui portent sur une disposition calculée pour cette ligne, et ce que les autres donneraient.";
pub(super) const NO_READING: &str = "Aucune lecture ne porte sur ce qui est calculé pour cette ligne.";
pub(super) const RETAINED: &str = "retenue par la politique";
pub(super) const CHOSEN: &str = "choisie pour ce calcul, contre la lecture que la politique retient";

pub(super) fn reason(text: &str) -> String {
    format!("Motif de la lecture retenue : {text}.")
}

pub(super) const NOTE: &str = "pour mémoire, ne se calcule pas";
pub(super) const SAME: &str = "mêmes montants";

pub(super) fn not_computable(obstacle: &str) -> String {
    format!("ne se calcule pas sur cette ligne : {obstacle}")
}

pub(super) fn effect(difference: &str, total: &str) -> String {
    format!("{difference}, total {total}")
}

pub(super) const SAME_TOTAL: &str = "même total";

pub(super) fn change(before: &str, after: &str) -> String {
    format!("{before} → {after}")
}

pub(super) const FIGURES_KEPT: &str = "les chiffres tirés de l'ensemble des données restent ce qu'ils sont";

pub(super) fn without_effect(count: usize) -> String {
    match count {
        1 => "1 lecture dont les autres réponses ne changent aucun montant".to_owned(),
        _ => format!("{count} lectures dont les autres réponses ne changent aucun montant"),
    }
}

pub(super) fn source(file: &str, line: usize) -> String {
    format!("Fichier {file}, ligne {line}.")
}

pub(super) fn earlier_lines(lines: &[(i64, usize)]) -> String {
    let lines: Vec<String> = lines.iter().map(|(year, line)| format!("{year}, ligne {line}")).collect();
    format!("Années précédentes du même bénéficiaire : {}.", lines.join(" ; "))
}

pub(super) const NO_SOURCE: &str = "Les données ont été transmises sans fichier nommé.";
pub(super) const DATA_LEAD: &str = "Colonnes lues pour ce calcul, et elles seules.";
pub(super) const NO_DATA: &str = "Le calcul n'a lu que la clé de la ligne.";
pub(super) const EARLIER: &str = "Valeurs lues d'années précédentes";

pub(super) const GIVEN: &str = "donnée transmise";
pub(super) const DEFAULTED: &str = "valeur par défaut : la cellule est vide";
pub(super) const DEFAULT_OR_GIVEN: &str = "valeur par défaut, ou donnée égale";
pub(super) const NO_COLUMN: &str = "valeur par défaut : le fichier n'a pas la colonne";
pub(super) const EMPTY: &str = "cellule vide";
