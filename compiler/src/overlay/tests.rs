//! What amendments make of small laws: which rule or value holds in which year.

use polc_dsl::SourceMap;
use polc_dsl::ast::{ClauseKind as K, Item, ItemKind};

use super::period::{in_force, series};
use super::{Law, overlay};
use crate::Selection;
use crate::typed::Years;

const BASE: &str = "\
paramètre prix
  réf. article 1
  depuis 2018 : 5 €
  depuis 2022 : 6 €

définition don
  pour seul
  réf. article 2
  vaut 1

définition don
  pour deux, trois
  réf. article 2
  en vigueur de 2020 à 2024
  vaut 2

exemple « de la base »
  attendu don = 1
";

fn head(name: &str, more: &str) -> String {
    format!("avenant {name}\n  réf. « x »\n  signé le 1er mai 2023\n{more}\n")
}

fn law_of(texts: &[&str], selection: &Selection) -> (Law, Vec<String>) {
    let mut sources = SourceMap::new();
    let mut files = Vec::new();
    for text in texts {
        let (id, _) = sources.add("essai.pol", text.as_bytes());
        let (file, problems) = polc_dsl::parse(&sources, id);
        assert!(problems.is_empty(), "{problems:?}");
        files.push(file);
    }
    let (law, problems) = overlay(&files, &sources, selection);
    (law, problems.into_iter().map(|problem| problem.message).collect())
}

fn law(changes: &str) -> Law {
    let (law, problems) = law_of(&[BASE, &(head("un", "") + changes)], &Selection::default());
    assert_eq!(problems, Vec::<String>::new());
    law
}

fn items(law: &Law) -> impl Iterator<Item = &Item> {
    law.files.iter().flat_map(|file| &file.items)
}

/// The provisions of a name: their years and the value, as its digits.
fn rules(law: &Law, name: &str) -> Vec<(Years, String)> {
    let named = items(law).filter(|item| item.name.as_ref().is_some_and(|known| *known.node == *name));
    named.map(|item| (in_force(item), item.clauses.iter().find_map(digits).unwrap_or_default())).collect()
}

fn digits(clause: &polc_dsl::ast::Clause) -> Option<String> {
    match &clause.kind {
        K::Value { value, .. } => match &value.kind {
            polc_dsl::ast::ExprKind::Number { value, .. } => Some(value.digits.to_string()),
            _ => None,
        },
        _ => None,
    }
}

fn values(law: &Law) -> Vec<(Years, String)> {
    let parameter = items(law).find(|item| matches!(item.kind, ItemKind::Parameter)).expect("a parameter");
    let number = |value: &polc_dsl::ast::Expr| match &value.kind {
        polc_dsl::ast::ExprKind::Number { value, .. } => value.digits.to_string(),
        _ => String::new(),
    };
    series(parameter).iter().map(|step| (step.years, number(&step.value))).collect()
}

const MIN: i64 = Years::ALWAYS.first;
const MAX: i64 = Years::ALWAYS.last;

fn years(first: i64, last: i64) -> Years {
    Years { first, last }
}

fn expected(rows: &[(i64, i64, &str)]) -> Vec<(Years, String)> {
    rows.iter().map(|(first, last, value)| (years(*first, *last), (*value).to_owned())).collect()
}

#[test]
fn a_replacement_of_some_years_leaves_the_others() {
    let law = law("remplace définition don\n  pour seul\n  réf. article 3\n  en vigueur de 2022 à 2023\n  vaut 9\n");
    assert_eq!(
        rules(&law, "don"),
        expected(&[(MIN, 2021, "1"), (2022, 2023, "9"), (2024, MAX, "1"), (2020, 2024, "2")])
    );
}

#[test]
fn a_replacement_takes_the_cases_that_it_covers() {
    let law = law("remplace définition don\n  pour deux, trois\n  réf. article 3\n  vaut 9\n");
    assert_eq!(rules(&law, "don"), expected(&[(MIN, MAX, "1"), (MIN, MAX, "9")]));
    let law = self::law("remplace définition don\n  réf. article 3\n  en vigueur depuis 2023\n  vaut 9\n");
    assert_eq!(rules(&law, "don"), expected(&[(MIN, 2022, "1"), (2023, MAX, "9"), (2020, 2022, "2")]));
}

#[test]
fn a_series_keeps_the_years_that_are_not_given() {
    let law = law("remplace paramètre prix\n  réf. article 3\n  de 2020 à 2022 : 8 €\n  depuis 2025 : 9 €\n");
    let series = [(2018, 2019, "5"), (2020, 2022, "8"), (2023, 2024, "6"), (2025, MAX, "9")];
    assert_eq!(values(&law), expected(&series));
    let law = self::law("remplace paramètre prix\n  réf. article 3\n  vaut 8 €\n");
    assert_eq!(values(&law), expected(&[(MIN, MAX, "8")]));
}

#[test]
fn repeals_postponements_and_extensions() {
    let law = law("abroge définition don pour deux, trois à compter de 2023\n  réf. article 3\n");
    assert_eq!(rules(&law, "don"), expected(&[(MIN, MAX, "1"), (2020, 2022, "2")]));
    let law = self::law("abroge don\n  réf. article 3\n");
    assert_eq!(rules(&law, "don"), []);
    let law = self::law("abroge prix à compter de 2023\n  réf. article 3\n");
    assert_eq!(values(&law), expected(&[(2018, 2021, "5"), (2022, 2022, "6")]));
    let law = self::law("reporte prix à 2024\n  réf. article 3\n");
    assert_eq!(values(&law), expected(&[(2018, 2023, "5"), (2024, MAX, "6")]));
    let law = self::law("reporte prix à 2020\n  réf. article 3\n");
    assert_eq!(values(&law), expected(&[(2018, 2019, "5"), (2020, MAX, "6")]));
    let law = self::law("proroge don pour deux, trois jusqu'en 2026\n  réf. article 3\n");
    assert_eq!(rules(&law, "don"), expected(&[(MIN, MAX, "1"), (2020, 2026, "2")]));
}

#[test]
fn the_order_of_files_changes_nothing() {
    let first = head("un", "") + "remplace paramètre prix\n  réf. article 3\n  depuis 2024 : 8 €\n";
    let second = head("deux", "  après un\n") + "remplace paramètre prix\n  réf. article 3\n  depuis 2025 : 9 €\n";
    let (a, problems) = law_of(&[BASE, &first, &second], &Selection::default());
    assert_eq!(problems, Vec::<String>::new());
    let (b, _) = law_of(&[&second, &first, BASE], &Selection::default());
    assert_eq!(values(&a), expected(&[(2018, 2021, "5"), (2022, 2023, "6"), (2024, 2024, "8"), (2025, MAX, "9")]));
    assert_eq!(values(&a), values(&b));
}

#[test]
fn years_and_cases_apart_need_no_order() {
    let first = head("un", "") + "remplace paramètre prix\n  réf. article 3\n  depuis 2024 : 8 €\n";
    let second = head("deux", "") + "remplace paramètre prix\n  réf. article 3\n  de 2018 à 2019 : 4 €\n";
    let (a, problems) = law_of(&[BASE, &first, &second], &Selection::default());
    assert_eq!(problems, Vec::<String>::new());
    let (b, _) = law_of(&[BASE, &second, &first], &Selection::default());
    assert_eq!(values(&a), values(&b));
    let third = head("trois", "") + "remplace paramètre prix\n  réf. article 3\n  depuis 2024 : 7 €\n";
    let (_, problems) = law_of(&[BASE, &first, &third], &Selection::default());
    assert_eq!(problems, ["les avenants « trois » et « un » changent tous deux « prix », sans ordre entre eux"]);
}

#[test]
fn examples_belong_to_one_state_of_the_law() {
    let amendment = head("un", "")
        + "exemple « de l'avenant »\n  attendu don = 1\n\nexemple « sans lui »\n  sans avenant un\n  attendu don = 1\n";
    let titles = |version: &[&str]| {
        let version = Some(version.iter().map(|name| (*name).to_owned()).collect());
        let (law, _) = law_of(&[BASE, &amendment], &Selection { version, ..Selection::default() });
        let examples = items(&law).filter(|item| matches!(item.kind, ItemKind::Example));
        examples.map(|item| item.title.as_ref().map_or_else(String::new, |t| t.node.to_string())).collect::<Vec<_>>()
    };
    assert_eq!(titles(&[]), ["de la base", "sans lui"]);
    assert_eq!(titles(&["un"]), ["de l'avenant"]);
}

#[test]
fn what_was_known_at_a_date() {
    let known = |day: u32, month: u32| {
        let as_of = crate::calendar::Date::new(2023, month, day);
        let published = "avenant deux\n  réf. « x »\n  signé le 1er mai 2023\n  publié le 1er juin 2023\n";
        let draft = "avenant trois\n  réf. « x »\n  projet\n";
        let texts = [BASE, &head("un", ""), published, draft];
        let (law, problems) = law_of(&texts, &Selection { as_of, ..Selection::default() });
        assert_eq!(problems, Vec::<String>::new());
        law.amendments.iter().filter(|a| a.included).map(|a| a.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(known(30, 4), Vec::<String>::new());
    assert_eq!(known(1, 5), ["un"]);
    assert_eq!(known(1, 6), ["un", "deux"]);
}
