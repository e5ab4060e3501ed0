//! The words of explanations. What is said stands elsewhere; how it is said stands here.

use super::statement::{Kind, LevelView, LineKindView};

/// A space that neither breaks nor widens.
const NARROW: char = '\u{202F}';
pub(super) const NO_BREAK: char = '\u{A0}';

/// How the policy starts a scale, and each of its rows.
pub(super) const SCALES: [&str; 2] = ["par palier de ", "par tranche de "];
pub(super) const SCALE_ROWS: [&str; 8] =
    [" jusqu'à ", " jusqu’à ", " moins de ", " de ", " à partir de ", " au-delà ", " au delà ", " sinon "];

/// Between the marks of a provision: a line may break after it.
pub(super) const SEPARATOR: &str = "\u{A0}· ";

const MONTHS: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];

// ------------------------------------------------------------------------------------------------------------ values

pub(super) fn truth(flag: bool) -> &'static str {
    if flag { "vrai" } else { "faux" }
}

/// « 1er juillet 2024 », from ISO 8601.
pub(super) fn date(iso: &str) -> String {
    let parts: Vec<&str> = iso.split('-').collect();
    let [year, month, day] = parts[..] else { return iso.to_owned() };
    let month = month.parse().ok().and_then(|month: usize| MONTHS.get(month.wrapping_sub(1)));
    let (Some(month), Ok(day)) = (month, day.parse::<u32>()) else { return iso.to_owned() };
    let day = if day == 1 { "1er".to_owned() } else { day.to_string() };
    format!("{day}{NO_BREAK}{month}{NO_BREAK}{}", year.trim_start_matches('0'))
}

/// The title of a case, after the input that it is the value of.
pub(super) fn case_title(title: &str) -> String {
    format!(" : «{NO_BREAK}{title}{NO_BREAK}»")
}

pub(super) fn percent(number: &str) -> String {
    format!("{number}{NARROW}%")
}

pub(super) fn with_unit(number: &str, unit: &str) -> String {
    format!("{number}{NO_BREAK}{unit}")
}

pub(super) fn fraction(numerator: &str, denominator: &str) -> String {
    format!("{}/{denominator}", minus(numerator))
}

/// A fraction and what it makes: « 184/366 ≈ 0,502732 ».
pub(super) fn with_fraction(fraction: &str, decimal: &str) -> String {
    if decimal.starts_with('≈') { format!("{fraction} {decimal}") } else { format!("{fraction} = {decimal}") }
}

pub(super) fn about(number: &str) -> String {
    format!("≈{NO_BREAK}{number}")
}

/// With the sign of typography.
pub(super) fn minus(number: &str) -> String {
    match number.strip_prefix('-') {
        Some(rest) => format!("−{NARROW}{rest}"),
        None => number.to_owned(),
    }
}

/// With a sign in any case, for what is added or taken off.
pub(super) fn signed(number: &str) -> String {
    let (about, digits) = match number.strip_prefix("≈\u{A0}") {
        Some(rest) => ("≈\u{A0}", rest),
        None => ("", number),
    };
    if digits.starts_with('−') { number.to_owned() } else { format!("{about}+{NARROW}{digits}") }
}

pub(super) fn without_object() -> &'static str {
    "sans objet"
}

// -------------------------------------------------------------------------------------------------------- references

pub(super) fn article(number: &str) -> String {
    format!("article {number}")
}

pub(super) fn annex(number: &str) -> String {
    format!("annexe {number}")
}

/// « articles 8.1, 13 et 15.5, annexe 1 ».
pub(super) fn references(list: &[String]) -> String {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for reference in list {
        let (word, number) = ["article", "annexe"]
            .iter()
            .find_map(|word| {
                let number = reference.strip_prefix(word)?.strip_prefix(' ')?;
                (!number.contains('(')).then_some((*word, number))
            })
            .unwrap_or(("", reference));
        match groups.iter_mut().find(|(known, _)| *known == word && !word.is_empty()) {
            Some((_, numbers)) => numbers.push(number),
            None => groups.push((word, vec![number])),
        }
    }
    let groups: Vec<String> = groups
        .into_iter()
        .map(|(word, numbers)| match (word, &numbers[..]) {
            ("", numbers) => numbers.join(", "),
            (word, [number]) => format!("{word}{NO_BREAK}{number}"),
            (word, [first @ .., last]) => {
                format!("{word}s{NO_BREAK}{}{NO_BREAK}et{NO_BREAK}{last}", first.join(", "))
            }
            (_, []) => String::new(),
        })
        .collect();
    groups.join(", ")
}

pub(super) fn kind(kind: Kind, level: Option<LevelView>) -> &'static str {
    match (kind, level) {
        (Kind::Criterion, Some(LevelView::Core)) => "critère socle",
        (Kind::Criterion, Some(LevelView::Optional)) => "critère optionnel",
        (Kind::Criterion, None) => "critère",
        (Kind::Definition, _) => "définition",
        (Kind::Condition, _) => "condition",
        (Kind::Prerequisite, _) => "prérequis",
        (Kind::Minoration, _) => "minoration",
        (Kind::Majoration, _) => "majoration",
        (Kind::Proration, _) => "prorata",
        (Kind::DayCount, _) => "nombre de jours",
        (Kind::Payment, _) => "versement",
        (Kind::BlockTotal, _) => "total de bloc",
        (Kind::PrerequisitesMet, _) => "réunion des prérequis",
        (Kind::PrerequisitesCount, _) => "compte des prérequis",
        (Kind::Aggregate, _) => "agrégat des lignes",
    }
}

// ---------------------------------------------------------------------------- formulas that the policy does not write

pub(super) mod formula {
    use polc_compiler::calendar::CalendarUnit;
    use polc_dsl::ast::Reach;

    use super::NO_BREAK;

    pub fn and() -> &'static str {
        " et "
    }

    pub fn or() -> &'static str {
        " ou "
    }

    pub fn not(inner: &str) -> String {
        format!("non {inner}")
    }

    /// The condition of a criterion, for what is taken off it.
    pub fn met(name: &str) -> String {
        format!("celle de {name}")
    }

    pub fn default(name: &str, default: &str) -> String {
        format!("{name} à défaut {default}")
    }

    pub fn past(reach: Reach, name: &str) -> String {
        match reach {
            Reach::LastYear => format!("précédent({name})"),
            Reach::Earlier => format!("antérieur({name})"),
        }
    }

    pub fn is_set(name: &str) -> String {
        format!("{name} est renseigné")
    }

    pub fn retained() -> &'static str {
        "valeur retenue"
    }

    pub fn one_of(subject: &str, cases: &str) -> String {
        format!("{subject} parmi {cases}")
    }

    pub fn choice(condition: &str, then: &str, otherwise: &str) -> String {
        format!("si {condition} alors {then} sinon {otherwise}")
    }

    pub fn at_least(count: &str, conditions: &str) -> String {
        format!("au moins {count} parmi ({conditions})")
    }

    pub fn count(conditions: &str) -> String {
        format!("nombre de ce qui est vrai parmi ({conditions})")
    }

    pub fn brackets(subject: &str) -> String {
        format!("par palier de {subject}")
    }

    pub fn tiers(subject: &str) -> String {
        format!("par tranche de {subject}")
    }

    pub fn year_of(date: &str) -> String {
        format!("année({date})")
    }

    pub fn month_of(date: &str) -> String {
        format!("mois({date})")
    }

    pub fn date_of(day: u32, month: u32, year: &str) -> String {
        let day = if day == 1 { "1er".to_owned() } else { day.to_string() };
        let month = super::MONTHS.get(month as usize - 1).copied().unwrap_or_default();
        format!("{day}{NO_BREAK}{month}{NO_BREAK}{year}")
    }

    pub fn moved(date: &str, sign: &str, count: &str, unit: CalendarUnit) -> String {
        let unit = match unit {
            CalendarUnit::Days => "jours",
            CalendarUnit::Months => "mois",
            CalendarUnit::Years => "ans",
        };
        format!("{date} {sign} {count}{NO_BREAK}{unit}")
    }

    pub fn extremum(largest: bool, items: &str) -> String {
        format!("{}({items})", if largest { "max" } else { "min" })
    }

    pub fn quarter_of(date: &str) -> String {
        format!("trimestre({date})")
    }

    pub fn days_before(from: &str, to: &str) -> String {
        format!("nombre de jours du {from} au {to} exclu")
    }

    pub fn elapsed(from: &str, to: &str, unit: CalendarUnit) -> String {
        match unit {
            CalendarUnit::Years => format!("années_révolues({from} ; {to})"),
            CalendarUnit::Months => format!("mois_révolus({from} ; {to})"),
            CalendarUnit::Days => days_before(from, to),
        }
    }

    pub fn days_between(from: &str, to: &str) -> String {
        format!("nombre de jours du {from} au {to}")
    }

    /// Days of the year of the row within a period.
    pub fn days_within(year: &str, from: &str, until: Option<&str>) -> String {
        let end = until.map(|until| format!(" jusqu'au {until}")).unwrap_or_default();
        format!("nombre de jours de {year} à compter du {from}{end}")
    }

    pub fn days_of(year: &str) -> String {
        format!("nombre de jours de {year}")
    }
}

// ------------------------------------------------------------------------------------------------- brackets and tiers

/// A bracket, from its ends.
pub(super) fn bracket(from: Option<&str>, to: Option<&str>) -> String {
    match (from, to) {
        (Some(from), Some(to)) => format!("de {from} à moins de {to}"),
        (Some(from), None) => format!("à partir de {from}"),
        (None, Some(to)) => format!("moins de {to}"),
        (None, None) => "toutes les valeurs".to_owned(),
    }
}

/// A tier, from its ends.
pub(super) fn tier(from: Option<&str>, to: Option<&str>) -> String {
    match (from, to) {
        (None, Some(to)) => format!("jusqu'à {to}"),
        (Some(from), Some(to)) => format!("au-delà de {from}, jusqu'à {to}"),
        (Some(from), None) => format!("au-delà de {from}"),
        (None, None) => "toutes les unités".to_owned(),
    }
}

// ------------------------------------------------------------------------------------------------ the tree, in words

pub(super) fn readings_retained() -> &'static str {
    "Lectures du texte : celles que la politique retient"
}

pub(super) fn reading_chosen(name: &str, variant: &str) -> String {
    format!("Lecture choisie : {name} = {variant}")
}

pub(super) fn reading_answer(question: &str, text: &str) -> String {
    format!("{question} {text}")
}

pub(super) fn not_governed(formula: &str) -> String {
    format!("La politique ne régit pas cette ligne, tous les résultats sont sans objet. Il faudrait : {formula}")
}

pub(super) fn condition(met: bool) -> &'static str {
    if met { "condition remplie : " } else { "condition non remplie : " }
}

pub(super) fn lacking(formula: &str) -> String {
    format!("ce qui manque : {formula}")
}

pub(super) fn applies_because(formula: &str) -> String {
    format!("s'applique : {formula}")
}

/// « points fixes », « montant », « taux ».
pub(super) fn line(what: LineWord, fixed: Option<bool>) -> &'static str {
    match (what, fixed) {
        (LineWord::Points, None) => "points : ",
        (LineWord::Points, Some(true)) => "points fixes : ",
        (LineWord::Points, Some(false)) => "points variables : ",
        (LineWord::Amount, _) => "montant : ",
        (LineWord::Rate, _) => "taux : ",
        (LineWord::Truth, _) => "vrai si ",
        (LineWord::Value, _) => "= ",
    }
}

/// The same, without a formula after it.
pub(super) fn bare_line(what: LineWord, fixed: Option<bool>) -> String {
    line(what, fixed).trim_end_matches([' ', ':']).to_owned()
}

/// What a line of the base is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineWord {
    Points,
    Amount,
    Rate,
    Truth,
    Value,
}

pub(super) fn calculation(text: &str) -> String {
    format!("soit {text}")
}

pub(super) fn when(met: bool, formula: &str) -> String {
    if met { format!("lorsque {formula} : c'est le cas") } else { format!("lorsque {formula} : ce n'est pas le cas") }
}

pub(super) fn chosen_bracket(range: &str, formula: &str) -> String {
    format!("palier retenu, {range} : {formula}")
}

pub(super) fn reached_tier(range: &str, share: &str, rate: &str) -> String {
    format!("{range} : {share}, à {rate}")
}

pub(super) fn adjustment(minoration: bool) -> &'static str {
    if minoration { "minoration : " } else { "majoration : " }
}

/// « 5 % de 29 718,63 € ».
pub(super) fn rate_of(rate: &str, amount: &str) -> String {
    format!("{rate} de {amount}")
}

pub(super) fn bound(cap: bool) -> &'static str {
    if cap { "plafond : " } else { "plancher : " }
}

pub(super) fn bound_when(formula: &str) -> String {
    format!(", lorsque {formula}")
}

pub(super) fn bound_effect(cap: bool, binding: bool, before: &str, limit: &str) -> String {
    match (binding, cap) {
        (false, _) => format!("sans effet sur {before}"),
        (true, true) => format!("ramène {before} à {limit}"),
        (true, false) => format!("porte {before} à {limit}"),
    }
}

pub(super) fn prorata() -> &'static str {
    "prorata : "
}

pub(super) fn prorata_effect(before: &str, factor: &str) -> String {
    format!("soit {before} × {factor}")
}

pub(super) fn derogation() -> &'static str {
    "dérogation : "
}

pub(super) fn derogation_gives(prerequisites: bool) -> &'static str {
    if prerequisites { "il suffit alors de : " } else { "au lieu de la règle générale : " }
}

pub(super) fn other_derogation(overridden: bool) -> &'static str {
    if overridden { "dérogation écartée par la précédente : " } else { "dérogation aussi en vigueur : " }
}

pub(super) fn replacement(reading: &str, variant: &str) -> String {
    format!("lecture {reading} = {variant} : ")
}

pub(super) fn retained_value() -> &'static str {
    "valeur sous la lecture que la politique retient"
}

pub(super) fn rounding(decimals: u32, currency: &str) -> String {
    match (decimals, currency) {
        (0, _) => "arrondi à l'unité".to_owned(),
        (2, "€") => "arrondi au centime".to_owned(),
        (1, _) => "arrondi à une décimale".to_owned(),
        _ => format!("arrondi à {decimals} décimales"),
    }
}

/// What a block leaves out.
pub(super) fn omitted(zero: usize, without_object: usize) -> String {
    let zeros = match zero {
        0 => String::new(),
        1 => "une ligne à zéro".to_owned(),
        _ => format!("{zero} lignes à zéro"),
    };
    let others = match without_object {
        0 => String::new(),
        1 => "une sans objet".to_owned(),
        _ => format!("{without_object} sans objet"),
    };
    let list: Vec<String> = [zeros, others].into_iter().filter(|text| !text.is_empty()).collect();
    format!("non affichées : {}", list.join(", "))
}

pub(super) fn see_above() -> &'static str {
    "voir plus haut"
}

pub(super) fn see_below() -> &'static str {
    "détail plus bas"
}

pub(super) fn default_value(value: &str) -> String {
    format!("{value}, par défaut")
}

pub(super) fn kept() -> &'static str {
    "conservé de l'année d'avant"
}

pub(super) fn kept_while() -> &'static str {
    "lorsque "
}

pub(super) fn no_column(value: &str) -> String {
    format!("{value}, par défaut (colonne absente)")
}

pub(super) fn since(year: i64) -> String {
    format!("depuis {year}")
}

pub(super) fn until(year: i64) -> String {
    format!("jusqu'en {year}")
}

pub(super) fn parameter() -> &'static str {
    "paramètre"
}

pub(super) fn in_year(year: i64) -> String {
    format!("en {year}")
}

pub(super) fn no_row(year: i64) -> String {
    format!("pas de ligne pour {year}")
}

/// The rule that gives a quantity, where it has another title.
pub(super) fn given_by(title: &str) -> String {
    format!("selon «{NO_BREAK}{title}{NO_BREAK}»")
}

// ------------------------------------------------------------------------------------------------ lines of payments

/// What a line of a payment is.
pub(super) fn line_kind(kind: LineKindView) -> &'static str {
    match kind {
        LineKindView::CriterionFixed => "critère fixe",
        LineKindView::CriterionVariable => "critère variable",
        LineKindView::Criterion => "critère",
        LineKindView::Amount => "montant",
        LineKindView::Minoration => "minoration",
        LineKindView::Majoration => "majoration",
        LineKindView::Derogation => "dérogation",
        LineKindView::Cap => "plafond",
        LineKindView::Floor => "plancher",
        LineKindView::Tier => "tranche",
        LineKindView::Proration => "prorata",
        LineKindView::Prerequisite => "prérequis",
        LineKindView::Kept => "conservé",
        LineKindView::Reading => "lecture",
        LineKindView::Rounding => "arrondi",
    }
}

pub(super) fn line_rate(name: &str, add: bool) -> String {
    format!("{} de {name}", if add { "augmenté" } else { "diminué" })
}

pub(super) fn line_tier(subject: &str, range: &str, rate: &str) -> String {
    format!("{subject} {range} : {rate}")
}

/// The amount of the payment, of which there is no part to tell.
pub(super) fn line_whole() -> &'static str {
    "somme des montants"
}

pub(super) fn line_times(formula: &str) -> String {
    format!(" ; × {formula}")
}

pub(super) fn line_over(formula: &str) -> String {
    format!(" ; / {formula}")
}

pub(super) fn line_minus() -> &'static str {
    " ; en moins"
}

/// The columns of a file of lines, after the key.
pub const LINE_COLUMNS: [&str; 11] = [
    "versement",
    "rang",
    "nature",
    "disposition",
    "libelle",
    "articles",
    "version",
    "operation",
    "valeurs",
    "montant_exact",
    "montant",
];

/// What a line reads: « taux = 0.5 ; heures = 12 ».
pub(super) fn line_values(values: &[(String, String)]) -> String {
    values.iter().map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>().join(" ; ")
}

/// The head of the lines of a payment.
pub(super) fn lines() -> &'static str {
    "décomposition"
}

/// What a line is, before its title.
pub(super) fn line_head(kind: LineKindView) -> String {
    format!("{} : ", line_kind(kind))
}

// ------------------------------------------------------------------------------------------------- the account, in words

/// A chapter of payments that no part holds: the article, without its paragraphs.
pub(super) fn chapter(place: &str, text: Option<&str>) -> String {
    let article = place.split('.').next().unwrap_or(place);
    let mut letters = article.chars();
    let title: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    text.map_or_else(|| title.clone(), |text| format!("{title} ({text})"))
}

pub(super) fn lacks_cell(input: &str) -> String {
    format!("il faudrait connaître {input}")
}

pub(super) fn divides_by_zero(quantity: &str) -> String {
    format!("{quantity} diviserait par zéro")
}

pub(super) fn leaves_calendar(quantity: &str) -> String {
    format!("{quantity} sortirait du calendrier")
}

pub(super) fn conflict(quantity: &str, titles: &str) -> String {
    format!("{quantity} serait donné deux fois : {titles}")
}

pub(super) fn is_without_object(quantity: &str) -> String {
    format!("{quantity} serait sans objet")
}

pub(super) fn control_fails(title: &str) -> String {
    format!("le contrôle «{NO_BREAK}{title}{NO_BREAK}» échouerait")
}

// ------------------------------------------------------------------------------------------------------ what is lacking

pub(super) fn lacks() -> &'static str {
    "Ce qui n'est pas acquis"
}

pub(super) fn nothing_lacks() -> &'static str {
    "Aucune condition manquée ne porte sur un versement."
}

/// What is not met but would change nothing if it alone were.
pub(super) fn lacks_without_effect(count: usize) -> String {
    match count {
        1 => "Une condition non remplie ne changerait à elle seule aucun versement".to_owned(),
        _ => format!("{count} conditions non remplies ne changeraient à elles seules aucun versement"),
    }
}

pub(super) fn prerequisite() -> &'static str {
    "prérequis"
}

pub(super) fn no_effect_alone() -> &'static str {
    "sans effet à elle seule"
}

pub(super) fn unknown_stake() -> &'static str {
    "enjeu inconnu"
}

pub(super) fn stake_obstacle(obstacle: &str) -> String {
    format!("l'enjeu ne se calcule pas : {obstacle}")
}

pub(super) fn payments_changed() -> &'static str {
    "si elle seule était remplie, versements qui changent"
}

pub(super) fn other_payments(count: usize) -> String {
    if count == 1 { "et un autre".to_owned() } else { format!("et {count} autres") }
}

/// « valeur 12, seuil 15, écart 3 ».
pub(super) fn gap(value: Option<&str>, threshold: Option<&str>, distance: Option<&str>) -> String {
    let part = |word: &str, value: Option<&str>| value.map(|value| format!("{word} {value}"));
    let parts = [part("valeur", value), part("seuil", threshold), part("écart", distance)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

pub(super) fn remedy(cells: usize) -> &'static str {
    if cells == 1 { "il aurait suffi de ce changement" } else { "il aurait suffi de ces changements ensemble" }
}

pub(super) fn no_remedy() -> &'static str {
    "aucun changement des données de la ligne n'a été trouvé qui l'acquière"
}

pub(super) fn no_payment_changed() -> &'static str {
    "mêmes versements"
}

pub(super) fn empty_cell() -> &'static str {
    "vide"
}

pub(super) fn cell_change(before: &str, after: &str) -> String {
    format!("{before} → {after}")
}
