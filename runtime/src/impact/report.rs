//! A comparison with all that it takes to tell it, and its JSON form.

use serde_json::{Value as Json, json};

use polc_compiler::typed::{Currency, Program};

use super::histogram::ends;
use super::tally::{Cell, Failed, StepSum, Tally};
use super::{plain, words};
use crate::io::versions::{Ended, Version};

/// The form of the JSON report.
pub const SCHEMA: &str = "polc-impact-1";

/// One of the two versions compared.
#[derive(Clone, Debug)]
pub struct End {
    /// As the command line asks for it.
    pub asked: String,
    /// The amendments applied and left out, in words.
    pub law: Option<String>,
    /// Variants chosen, by reading.
    pub readings: Vec<(String, String)>,
    /// The policy, as a command names it.
    pub policy: String,
    /// The options by which other commands take the same version.
    pub options: Vec<String>,
}

/// What stands between two versions that follow each other on the way from the first to the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Several where only together they make a policy.
    pub labels: Vec<String>,
    /// What a chart calls it.
    pub short: String,
    pub references: Vec<String>,
}

/// A payment under both versions; `None` where one does not have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentLine {
    pub name: String,
    pub title: String,
    pub before: Option<i128>,
    pub after: Option<i128>,
    /// Whether it counts in the amount of a row, in each version.
    pub counted: (bool, bool),
}

/// A comparison.
#[derive(Clone, Debug)]
pub struct Report {
    pub policy: String,
    pub title: String,
    pub currency: Currency,
    pub file: String,
    pub rows: u64,
    pub ends: [End; 2],
    pub steps: Vec<Step>,
    pub payments: Vec<PaymentLine>,
    pub tally: Tally,
    /// Names of the columns of the key without the year.
    pub key: Vec<String>,
    pub year: String,
}

/// Puts a comparison together. `versions` has the first and the last, and those between.
#[must_use]
pub fn report(versions: &[Version], ends: [End; 2], steps: Vec<Step>, tally: Tally, ended: &Ended) -> Option<Report> {
    let (first, last) = (versions.first()?, versions.last()?);
    let program: &Program = &last.program;
    let mut payments: Vec<PaymentLine> = Vec::new();
    let sums = [ended.payments.first()?, ended.payments.last()?];
    for (rank, ((id, counts), sum)) in last
        .payments
        .iter()
        .zip(sums[1])
        .map(|p| (1usize, p))
        .chain(first.payments.iter().zip(sums[0]).map(|p| (0usize, p)))
    {
        let quantity = if rank == 1 { last.program.quantity(*id) } else { first.program.quantity(*id) };
        let known = payments.iter().position(|line| *line.name == *quantity.name);
        let place = known.unwrap_or_else(|| {
            payments.push(PaymentLine {
                name: quantity.name.to_string(),
                title: quantity.title.to_string(),
                before: None,
                after: None,
                counted: (false, false),
            });
            payments.len() - 1
        });
        let line = &mut payments[place];
        if rank == 1 {
            line.after = Some(*sum);
            line.counted.1 = *counts;
        } else {
            line.before = Some(*sum);
            line.counted.0 = *counts;
        }
    }
    let subjects = program.key.iter().filter(|id| **id != program.year);
    Some(Report {
        policy: program.name.to_string(),
        title: program.title.to_string(),
        currency: program.currency.clone(),
        file: ended.file.to_string(),
        rows: ended.rows as u64,
        ends,
        steps,
        payments,
        tally,
        key: subjects.map(|id| program.input(*id).name.to_string()).collect(),
        year: program.input(program.year).name.to_string(),
    })
}

impl Report {
    /// The commands that give the statement of a row, before and after.
    #[must_use]
    pub fn commands(&self, key: &[String], year: i64) -> [String; 2] {
        let command = |end: &End| {
            let mut words: Vec<String> = vec![end.policy.clone(), self.file.clone(), "--key".into(), key.join(";")];
            words.extend(["--year".into(), year.to_string()]);
            words.extend(end.options.iter().cloned());
            let words: Vec<String> = words.iter().map(|word| words::argument(word)).collect();
            format!("polc explain {}", words.join(" "))
        };
        [command(&self.ends[0]), command(&self.ends[1])]
    }

    /// The steps with their sums.
    pub fn lines(&self) -> impl Iterator<Item = (&Step, &StepSum)> {
        self.steps.iter().zip(&self.tally.steps)
    }

    /// The groups of a grouping that have rows, over all years.
    #[must_use]
    pub fn cases(&self, grouping: usize) -> Vec<(&str, Cell)> {
        let labels = &self.tally.groupings[grouping].labels;
        let mut cells = vec![Cell::default(); labels.len()];
        for ((group, _), cell) in &self.tally.groups[grouping] {
            let sum = &mut cells[*group];
            sum.rows += cell.rows;
            sum.before += cell.before;
            sum.after += cell.after;
            sum.winners += cell.winners;
            sum.won += cell.won;
            sum.losers += cell.losers;
            sum.lost += cell.lost;
        }
        labels.iter().map(String::as_str).zip(cells).filter(|(_, cell)| cell.rows > 0).collect()
    }

    /// The report as JSON; amounts are exact decimals, as texts.
    #[must_use]
    pub fn to_json(&self) -> String {
        let json = json!({
            "forme": SCHEMA,
            "politique": { "nom": self.policy, "titre": self.title, "monnaie": &*self.currency.symbol },
            "donnees": { "fichier": self.file, "lignes": self.rows },
            "avant": self.end(0),
            "apres": self.end(1),
            "total": self.cell(&self.tally.total),
            "annees": self.tally.years.iter().map(|(year, cell)| with("annee", json!(year), self.cell(cell))).collect::<Vec<_>>(),
            "clauses": self.lines().map(|(step, sum)| self.step(step, sum)).collect::<Vec<_>>(),
            "versements": self.payments.iter().map(|line| self.payment(line)).collect::<Vec<_>>(),
            "groupes": (0..self.tally.groupings.len()).map(|rank| self.grouping(rank)).collect::<Vec<_>>(),
            "distribution": self.bars(),
            "plus_touches": self.tally.most.iter().map(|row| {
                let [before, after] = self.commands(&row.key, row.year);
                json!({
                    "cle": self.key_of(&row.key, row.year),
                    "avant": self.amount(row.before),
                    "apres": self.amount(row.after),
                    "difference": self.amount(row.after - row.before),
                    "commandes": { "avant": before, "apres": after },
                })
            }).collect::<Vec<_>>(),
            "erreurs": self.failures(),
        });
        serde_json::to_string_pretty(&json).unwrap_or_default() + "\n"
    }

    fn amount(&self, amount: i128) -> String {
        plain(amount, &self.currency)
    }

    fn end(&self, rank: usize) -> Json {
        let end = &self.ends[rank];
        let counted = self.payments.iter().filter(|line| if rank == 0 { line.counted.0 } else { line.counted.1 });
        json!({
            "version": end.asked,
            "droit": end.law,
            "lectures": end.readings.iter().map(|(name, variant)| (name.clone(), json!(variant))).collect::<serde_json::Map<_, _>>(),
            "politique": end.policy,
            "options": end.options,
            "versements_comptes": counted.map(|line| &line.name).collect::<Vec<_>>(),
        })
    }

    fn cell(&self, cell: &Cell) -> Json {
        json!({
            "lignes": cell.rows,
            "avant": self.amount(cell.before),
            "apres": self.amount(cell.after),
            "difference": self.amount(cell.difference()),
            "gagnants": cell.winners,
            "gains": self.amount(cell.won),
            "perdants": cell.losers,
            "pertes": self.amount(cell.lost),
            "inchanges": cell.unchanged(),
        })
    }

    fn step(&self, step: &Step, sum: &StepSum) -> Json {
        json!({
            "libelles": step.labels,
            "references": step.references,
            "difference": self.amount(sum.amount),
            "lignes": sum.rows,
            "annees": sum.by_year.iter()
                .map(|(year, amount)| json!({ "annee": year, "difference": self.amount(*amount) }))
                .collect::<Vec<_>>(),
            "lignes_en_erreur": sum.in_error,
        })
    }

    fn payment(&self, line: &PaymentLine) -> Json {
        json!({
            "nom": line.name,
            "titre": line.title,
            "avant": line.before.map(|amount| self.amount(amount)),
            "apres": line.after.map(|amount| self.amount(amount)),
            "compte_avant": line.counted.0,
            "compte_apres": line.counted.1,
        })
    }

    fn grouping(&self, rank: usize) -> Json {
        let grouping = &self.tally.groupings[rank];
        let cases = self.cases(rank).into_iter().map(|(label, cell)| {
            let own = grouping.labels.iter().position(|known| known == label);
            let years = self.tally.groups[rank].iter().filter(|((group, _), _)| Some(*group) == own);
            let years: Vec<Json> = years.map(|((_, year), cell)| with("annee", json!(year), self.cell(cell))).collect();
            let mut json = with("cas", json!(label), self.cell(&cell));
            json["annees"] = json!(years);
            json
        });
        json!({ "colonne": grouping.name, "sens": grouping.meaning, "cas": cases.collect::<Vec<_>>() })
    }

    fn bars(&self) -> Vec<Json> {
        let bars = self.tally.histogram.bars();
        bars.iter()
            .map(|(rank, bar)| {
                let (from, to) = ends(*rank);
                let sense = match rank.signum() {
                    0 => "aucune",
                    -1 => "perte",
                    _ => "gain",
                };
                json!({
                    "sens": sense,
                    "de": from.to_string(),
                    "a": if *rank == 0 { "0".to_owned() } else { to.to_string() },
                    "lignes": bar.rows,
                    "montant": self.amount(bar.amount),
                })
            })
            .collect()
    }

    fn key_of(&self, key: &[String], year: i64) -> Json {
        let mut map: serde_json::Map<String, Json> =
            self.key.iter().cloned().zip(key.iter().map(|cell| json!(cell))).collect();
        map.insert(self.year.clone(), json!(year));
        Json::Object(map)
    }

    fn failures(&self) -> Json {
        let failures = &self.tally.failures;
        let end = |end: &Result<i128, String>| match end {
            Ok(amount) => json!({ "montant": self.amount(*amount) }),
            Err(why) => json!({ "erreur": why }),
        };
        let row = |failed: &Failed| {
            json!({
                "cle": self.key_of(&failed.key, failed.year),
                "avant": end(&failed.before),
                "apres": end(&failed.after),
            })
        };
        json!({
            "avant_seulement": failures.before_only,
            "apres_seulement": failures.after_only,
            "les_deux": failures.both,
            "paye_avant": self.amount(failures.paid_before),
            "paye_apres": self.amount(failures.paid_after),
            "premieres": failures.shown.iter().map(row).collect::<Vec<_>>(),
        })
    }
}

/// The same object, with a first field.
fn with(name: &str, value: Json, object: Json) -> Json {
    let mut map = serde_json::Map::new();
    map.insert(name.to_owned(), value);
    if let Json::Object(fields) = object {
        map.extend(fields);
    }
    Json::Object(map)
}
