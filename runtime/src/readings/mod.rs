//! The register of interpretations: every reading of a policy, what was retained and why, and what each other variant is
//! worth on the rows of a file.

pub mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use polc_compiler::check::select;
use polc_compiler::typed::{Citation, Currency, Program, QuantityId, Reading};
use serde_json::{Value as Json, json};

use crate::engine::reachable;
use crate::impact::{counted, plain};
use crate::io::versions::{Part, Version, decides};
use crate::policy::Policy;

/// The form of the JSON report.
pub const SCHEMA: &str = "polc-lectures-1";

/// Variants computed in one reading of the data: each holds a program.
const TOGETHER: usize = 8;

/// The readings of a policy: in the order of the text or, once priced, by what is at stake.
#[derive(Clone, Debug)]
pub struct Register {
    pub policy: String,
    pub title: String,
    pub currency: Currency,
    /// File and rows of the data, if variants were priced.
    pub data: Option<(String, u64)>,
    pub entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub reading: Reading,
    pub place: String,
    /// Of each alternative that could be priced.
    pub prices: Vec<Option<Price>>,
}

/// What a variant is worth against the reading retained, in the smallest unit of the currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Price {
    pub total: i128,
    pub years: BTreeMap<i64, i128>,
    pub winners: u64,
    pub losers: u64,
    /// Rows that only one of the two can compute.
    pub in_error: u64,
}

/// Variants that the same payments depend on, computed together.
#[derive(Clone, Debug)]
pub struct Pass {
    pub payments: Vec<QuantityId>,
    /// Ranks of the reading and of its alternative.
    pub variants: Vec<(usize, usize)>,
}

/// The register, without prices.
#[must_use]
pub fn register(policy: &Policy) -> Register {
    let program = &policy.program;
    let entry = |reading: &Reading| Entry {
        reading: reading.clone(),
        place: policy.sources.place(reading.span),
        prices: vec![None; reading.alternatives.len()],
    };
    Register {
        policy: program.name.to_string(),
        title: program.title.to_string(),
        currency: program.currency.clone(),
        data: None,
        entries: program.readings.iter().map(entry).collect(),
    }
}

/// A program with nothing but what amounts depend on: each variant is a copy of it.
#[must_use]
pub fn bare(program: &Program) -> Arc<Program> {
    let mut bare = Program { examples: Vec::new(), ..program.clone() };
    bare.controls.retain(decides);
    Arc::new(bare)
}

/// What is to be computed to price every variant; those that no payment depends on are worth nothing.
#[must_use]
pub fn passes(program: &Program) -> Vec<Pass> {
    let paid: Vec<(QuantityId, BTreeSet<QuantityId>)> =
        counted(program).into_iter().map(|id| (id, reachable(program, &[id]))).collect();
    let mut groups: BTreeMap<Vec<QuantityId>, Vec<(usize, usize)>> = BTreeMap::new();
    for (rank, reading) in program.readings.iter().enumerate() {
        for variant in (0..reading.alternatives.len()).filter(|variant| reading.alternatives[*variant].computable) {
            let replaced = replaced(program, rank, variant);
            let depends = |(_, read): &&(QuantityId, BTreeSet<QuantityId>)| !read.is_disjoint(&replaced);
            let payments: Vec<QuantityId> = paid.iter().filter(depends).map(|(id, _)| *id).collect();
            groups.entry(payments).or_default().push((rank, variant));
        }
    }
    let pass = |(payments, variants): (Vec<QuantityId>, Vec<(usize, usize)>)| {
        let chunks: Vec<Vec<(usize, usize)>> = variants.chunks(TOGETHER).map(<[_]>::to_vec).collect();
        chunks.into_iter().map(move |variants| Pass { payments: payments.clone(), variants })
    };
    groups.into_iter().flat_map(pass).collect()
}

/// The quantities that a variant replaces.
fn replaced(program: &Program, reading: usize, variant: usize) -> BTreeSet<QuantityId> {
    let is_own = |id: &QuantityId| {
        let alternatives = program.quantity(*id).rules.iter().flat_map(|rule| &rule.alternatives);
        alternatives.into_iter().any(|r| r.reading.index() == reading && r.variant == variant)
    };
    program.quantity_ids().filter(is_own).collect()
}

impl Pass {
    /// The reading retained, then each variant.
    #[must_use]
    pub fn versions(&self, program: &Arc<Program>) -> Vec<Version> {
        let payments: Vec<(QuantityId, bool)> = self.payments.iter().map(|id| (*id, true)).collect();
        let version = |program: Arc<Program>| Version { program, payments: payments.clone() };
        let mut versions = vec![version(program.clone())];
        for (reading, variant) in &self.variants {
            let reading = &program.readings[*reading];
            let chosen = [(&*reading.name, &*reading.alternatives[*variant].name)];
            // Every computable variant of the program can be chosen.
            versions.extend(select(program, chosen).map(|program| version(Arc::new(program))));
        }
        versions
    }
}

impl Register {
    /// Adds the rows of a part to the prices of a pass.
    pub fn add(&mut self, pass: &Pass, part: &Part<'_>) {
        let batch = &part.table.batch;
        for (version, (reading, variant)) in pass.variants.iter().enumerate() {
            let price = self.entries[*reading].prices[*variant].get_or_insert_default();
            let (before, after) = (&part.amounts[0], &part.amounts[version + 1]);
            let (bad, other) = (&part.errors[0], &part.errors[version + 1]);
            for row in 0..batch.rows {
                match (bad.contains_key(&row), other.contains_key(&row)) {
                    (false, false) => {}
                    (true, true) => continue,
                    _ => {
                        price.in_error += 1;
                        continue;
                    }
                }
                let difference = after[row] - before[row];
                if difference == 0 {
                    continue;
                }
                price.total += difference;
                *price.years.entry(batch.year(part.program, row)).or_default() += difference;
                if difference > 0 {
                    price.winners += 1;
                } else {
                    price.losers += 1;
                }
            }
        }
    }

    /// Puts what is most at stake first; readings that nothing prices keep the order of the text, at the end.
    pub fn sort(&mut self) {
        self.entries.sort_by_key(|entry| {
            let most = entry.prices.iter().flatten().map(|price| price.total.unsigned_abs()).max();
            std::cmp::Reverse(most)
        });
    }

    /// The register as JSON; amounts are exact decimals, as texts.
    #[must_use]
    pub fn to_json(&self) -> String {
        let json = json!({
            "forme": SCHEMA,
            "politique": { "nom": self.policy, "titre": self.title, "monnaie": &*self.currency.symbol },
            "donnees": self.data.as_ref().map(|(file, rows)| json!({ "fichier": file, "lignes": rows })),
            "lectures": self.entries.iter().map(|entry| self.entry(entry)).collect::<Vec<_>>(),
        });
        serde_json::to_string_pretty(&json).unwrap_or_default() + "\n"
    }

    fn entry(&self, entry: &Entry) -> Json {
        let reading = &entry.reading;
        let cited = |citations: &[Citation]| citations.iter().map(ToString::to_string).collect::<Vec<_>>();
        let variants = reading.alternatives.iter().zip(&entry.prices).map(|(variant, price)| {
            json!({
                "nom": &*variant.name,
                "texte": &*variant.text,
                "se_calcule": variant.computable,
                "chiffrage": price.as_ref().map(|price| self.price(price)),
            })
        });
        json!({
            "nom": &*reading.name,
            "question": &*reading.question,
            "references": cited(&reading.citations),
            "en_conflit": cited(&reading.in_conflict),
            "retenue": { "nom": &*reading.retained.name, "texte": &*reading.retained.text },
            "motif": &*reading.reason,
            "variantes": variants.collect::<Vec<_>>(),
            "lieu": entry.place,
        })
    }

    fn price(&self, price: &Price) -> Json {
        let amount = |amount: i128| plain(amount, &self.currency);
        let years = price.years.iter().map(|(year, sum)| json!({ "annee": year, "difference": amount(*sum) }));
        json!({
            "difference": amount(price.total),
            "annees": years.collect::<Vec<_>>(),
            "gagnants": price.winners,
            "perdants": price.losers,
            "en_erreur": price.in_error,
        })
    }
}
