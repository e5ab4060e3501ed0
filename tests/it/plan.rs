//! `polc check --plan`: what it says of a small policy, and that it holds for those shipped.

use std::path::Path;

use polc_compiler::Selection;
use polc_dsl::SourceMap;
use polc_runtime::plan::{self, PlanReport, Subject};
use polc_runtime::policy::Policy;

use crate::policies::agreement;

const POLICY: &str = "\
politique transports « Aide au transport »
  monnaie € arrondie au centime
  clé code, annee
  exercice annee
  texte reglement « Règlement »

entrée code : texte
  « numéro »
entrée annee : entier en an, de 2020 à 2030
  « année civile »
entrée poids : entier, de 0 à 1 000 000 000 000, par défaut 0
  « poids transporté »
entrée distance : entier, de 0 à 1 000 000 000, par défaut 0
  « distance »
entrée trajets : entier, de 0 à 10 000
  « trajets »

définition charge « Charge »
  réf. article 1
  vaut poids × distance

versement forfait « Forfait »
  réf. article 2
  montant 10 € × trajets

versement transport « Aide au transport »
  réf. article 2
  montant 0,01 € × charge / trajets

versement suite « Suite de l'année passée »
  réf. article 3
  en vigueur depuis 2025
  montant 2 × précédent(forfait) à défaut 0 €
";

fn policy(text: &str) -> Policy {
    let mut sources = SourceMap::new();
    sources.add("transports.pol", text.as_bytes());
    Policy::build(sources, &Selection::default()).unwrap_or_else(|(_, found)| panic!("{found:?}"))
}

fn report(text: &str, year: i64) -> PlanReport {
    let policy = policy(text);
    plan::report(&policy.program, year, &plan::payments(&policy.program))
}

#[test]
fn a_small_policy() {
    insta::assert_snapshot!(report(POLICY, 2030).to_text());
    assert_eq!(
        report(POLICY, 2024).outputs.iter().map(|output| output.applies).collect::<Vec<_>>(),
        [true, true, false]
    );
}

/// What is said to lift a burden does, once it is declared.
#[test]
fn bounds_hold_once_declared() {
    let said = report(POLICY, 2030);
    let [_, prime, _] = &said.outputs[..] else { panic!("three payments") };
    let subjects: Vec<Subject> = prime.remedies.iter().map(|remedy| remedy.subject).collect();
    assert_eq!(subjects, [Subject::Wide, Subject::Unproved, Subject::ZeroDivisor]);
    let declared = [("poids", "1 000 000 000 000"), ("distance", "1 000 000 000"), ("trajets", "10 000")];
    let mut tried = 0;
    for remedy in &prime.remedies {
        for lead in &remedy.leads {
            let (_, most) = declared.iter().find(|(name, _)| *name == lead.input).expect("an input");
            let before = format!("entrée {} : entier, de 0 à {most}", lead.input);
            let with = |range: String| {
                let text = POLICY.replace(&before, &format!("entrée {} : entier, de {range}", lead.input));
                assert_ne!(text, POLICY);
                let left = report(&text, 2030).outputs[1]
                    .remedies
                    .iter()
                    .find(|r| r.subject == remedy.subject)
                    .map(|r| r.count);
                left.unwrap_or(0)
            };
            if remedy.subject == Subject::ZeroDivisor {
                assert_eq!(with(format!("{} à {most}", lead.bound)), lead.left);
            } else {
                assert_eq!(with(format!("0 à {}", lead.bound)), lead.left);
                // The next power of ten lifts less.
                let next = format!("{}0", lead.bound);
                if next != most.replace(' ', "") {
                    assert!(with(format!("0 à {next}")) > lead.left, "{} {next}", lead.input);
                }
            }
            tried += 1;
        }
    }
    assert!(tried >= 3, "{:?}", prime.remedies);
}

/// Whatever the policy, counts agree with one another.
#[test]
fn policies_shipped() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/aci-cpts");
    let cpts = Policy::load(&folder, &Selection::default()).unwrap_or_else(|(_, found)| panic!("{found:?}"));
    for (policy, one_in, least) in [(&cpts, 1, 3), (agreement(), 12, 10)] {
        let program = &policy.program;
        let outputs: Vec<_> = plan::payments(program).into_iter().step_by(one_in).collect();
        let report = plan::report(program, program.years.1, &outputs);
        assert!(report.outputs.len() >= least);
        let (mut operations, mut doubts) = (0, 0);
        for output in &report.outputs {
            let all = output.operations;
            assert_eq!(all.flags + all.of_16 + all.of_32 + all.of_64 + all.of_128, all.total, "{}", output.name);
            assert!(all.proved <= all.total && output.proved_quantities <= output.quantities, "{}", output.name);
            assert_eq!(all.of_128 > 0, output.bits > 64, "{}", output.name);
            let doubtful = output.doubts.iter().any(|doubt| doubt.subject != Subject::EmptyCell);
            assert_eq!(doubtful, output.proved_quantities < output.quantities, "{}", output.name);
            let wide =
                output.remedies.iter().find(|remedy| remedy.subject == Subject::Wide).map_or(0, |wide| wide.count);
            assert!(wide <= all.of_128 || all.of_128 == 0, "{}", output.name);
            assert!(
                output.remedies.iter().flat_map(|r| r.leads.iter().map(|lead| lead.left < r.count)).all(|less| less)
            );
            operations += all.total;
            doubts += usize::from(doubtful);
        }
        assert!(operations > 50 && (one_in == 1 || doubts > 0));
    }
}
