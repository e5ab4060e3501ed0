use std::collections::BTreeSet;

use polc_compiler::Selection as Version;
use polc_dsl::SourceMap;

use super::*;
use crate::table::ColumnData;

const POLICY: &str = "politique essai « Essai »
  monnaie € arrondie au centime
  clé code, annee
  exercice annee
  texte loi « Loi »
énumération genre
  cas petit
  cas grand
unité poire, poires
entrée code : texte
  « c »
entrée annee : entier en an, de 2018 à 2026
  « a »
entrée sorte : genre
  « s »
entrée recolte : entier en poires, de 0 à 200 000, par défaut 0
  « r »
entrée ouverture : date
  « o »
définition gardee
  réf. article 1
  vaut recolte plafonné à (si ouverture ≤ 1er janvier annee alors 1 000 poires sinon 10 poires)
définition part
  pour petit
  réf. article 1
  vaut gardee / 3
définition part
  pour grand
  réf. article 1
  vaut gardee
versement paye
  réf. article 2
  montant part × 7,13 € / 1 poire
";

fn policy() -> Policy {
    let mut sources = SourceMap::new();
    let _ = sources.add("essai.pol", POLICY.as_bytes());
    Policy::build(sources, &Version::default()).expect("a policy without mistakes")
}

fn cells(batch: &Batch) -> Vec<&ColumnData> {
    batch.columns.iter().flatten().map(|column| &column.data).collect()
}

#[test]
fn draws_the_rows_asked_for_within_the_ranges() {
    let policy = policy();
    let batch = draw(&policy.program, 1_000, 3);
    assert_eq!(batch.rows, 1_000);
    assert_eq!(format!("{:?}", cells(&batch)), format!("{:?}", cells(&draw(&policy.program, 1_000, 3))));
    let ColumnData::Number(years) = cells(&batch)[1] else { panic!("years are numbers") };
    assert!(years.iter().all(|year| (2018..=2026).contains(&year)));
    let ColumnData::Number(pears) = cells(&batch)[3] else { panic!("pears are numbers") };
    assert!(pears.iter().all(|pears| (0..=200_000).contains(&pears)));
    assert!(pears.iter().filter(|pears| *pears == 0).count() > 200 && pears.iter().any(|pears| pears > 100_000));
    let keys: BTreeSet<_> = (0..batch.rows)
        .map(|row| (format!("{:?}", batch.subject(&policy.program, row)), batch.year(&policy.program, row)))
        .collect();
    assert_eq!(keys.len(), 1_000);
}

#[test]
fn repeats_data_with_its_empty_cells() {
    let policy = policy();
    let mut batch = draw(&policy.program, 3, 3);
    if let Some(column) = &mut batch.columns[4] {
        column.missing = [false, true].into_iter().collect();
    }
    let long = repeat(&policy.program, &batch, 7);
    let missing: Vec<bool> = (0..7).map(|row| long.columns[4].as_ref().is_some_and(|c| c.is_missing(row))).collect();
    assert_eq!(missing, [false, true, false, false, true, false, false]);
    assert_eq!((0..3).map(|row| long.year(&policy.program, row + 3)).collect::<Vec<_>>(), {
        (0..3).map(|row| batch.year(&policy.program, row)).collect::<Vec<_>>()
    });
    let keys: BTreeSet<String> = (0..7)
        .map(|row| format!("{:?} {}", long.subject(&policy.program, row), long.year(&policy.program, row)))
        .collect();
    assert_eq!(keys.len(), 7);
    assert_eq!(repeat(&policy.program, &Batch { rows: 0, ..batch.clone() }, 5).rows, 0);
}

#[test]
fn reports_on_both_selections() {
    let policy = policy();
    let options =
        BenchOptions { rows: 300, reference_rows: 50, repetitions: 2, threads: 2, seed: 1, outputs: Vec::new() };
    let report = run(&policy, &options, None);
    let selections: Vec<Selection> = report.measures.iter().map(|measures| measures.selection).collect();
    assert_eq!(selections, [Selection::Payments, Selection::All]);
    for measures in &report.measures {
        assert!(measures.identical && measures.handed_over == 0);
        assert_eq!(measures.kernels.iter().map(|kernel| kernel.rows).sum::<usize>(), 300);
        assert!(measures.kernels.iter().all(|kernel| kernel.code_bytes > 0 && kernel.nodes > 0));
    }
    let json = serde_json::to_value(&report).expect("a report is data");
    assert!(json["mesures"][0]["noyaux_un_fil"]["lignes_par_seconde"].as_u64() > Some(0));
    let text = report.to_text();
    assert!(text.contains("Versements (1 sortie)") && text.contains("mêmes résultats"), "{text}");

    let none = run(&policy, &options, Some(&draw(&policy.program, 0, 1)));
    assert_eq!((none.rows, none.years, none.measures[0].compiled), (0, None, None));
    assert!(!none.to_text().is_empty());
}
