//! What `polc check --plan` tells: how the results of a policy will be computed, and what their declared ranges cost.

mod text;

use std::collections::BTreeMap;

use polc_compiler::ir::{Range, Reason};
use polc_compiler::lower::States;
use polc_compiler::num::{Ratio, format_plain};
use polc_compiler::plan::{Burden, OutputPlan, Relief, ValuePlan, plan};
use polc_compiler::typed::{InputId, Program, QuantityId, QuantityKind};
use serde::Serialize;

use crate::engine::previous_results;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanReport {
    #[serde(rename = "politique")]
    pub policy: String,
    #[serde(rename = "annee")]
    pub year: i64,
    #[serde(rename = "resultats")]
    pub outputs: Vec<OutputReport>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutputReport {
    #[serde(rename = "nom")]
    pub name: String,
    #[serde(rename = "titre")]
    pub title: String,
    /// Whether the law of the year provides for it.
    #[serde(rename = "prevu")]
    pub applies: bool,
    #[serde(rename = "operations")]
    pub operations: Operations,
    /// Bits of the longest integer, its sign included.
    #[serde(rename = "bits")]
    pub bits: u32,
    #[serde(rename = "quantites")]
    pub quantities: usize,
    #[serde(rename = "quantites_prouvees")]
    pub proved_quantities: usize,
    /// Absent for what is no number.
    #[serde(rename = "valeur")]
    pub value: Option<Value>,
    #[serde(rename = "doutes")]
    pub doubts: Vec<Doubt>,
    #[serde(rename = "remedes")]
    pub remedies: Vec<Remedy>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Operations {
    #[serde(rename = "total")]
    pub total: usize,
    #[serde(rename = "prouvees")]
    pub proved: usize,
    #[serde(rename = "drapeaux")]
    pub flags: usize,
    #[serde(rename = "bits_16")]
    pub of_16: usize,
    #[serde(rename = "bits_32")]
    pub of_32: usize,
    #[serde(rename = "bits_64")]
    pub of_64: usize,
    #[serde(rename = "bits_128")]
    pub of_128: usize,
}

/// An integer over a constant, and over what depends on the row. Integers as text: they may be longer than numbers of JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Value {
    #[serde(rename = "numerateur")]
    pub numerator: [String; 2],
    #[serde(rename = "diviseur")]
    pub constant: String,
    /// Digits after the point that the constant stands for, where it is a power of ten.
    #[serde(rename = "decimales")]
    pub decimals: Option<u32>,
    #[serde(rename = "diviseur_de_la_ligne")]
    pub factor: Option<[String; 2]>,
}

/// What a doubt or a remedy is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Subject {
    #[serde(rename = "operations_128_bits")]
    Wide,
    #[serde(rename = "cellule_vide")]
    EmptyCell,
    #[serde(rename = "annee_anterieure")]
    EarlierResult,
    #[serde(rename = "agregat")]
    Aggregate,
    #[serde(rename = "diviseur_nul")]
    ZeroDivisor,
    #[serde(rename = "deux_dispositions")]
    SeveralRules,
    #[serde(rename = "deux_derogations")]
    SeveralDerogations,
    #[serde(rename = "calendrier")]
    Calendar,
    #[serde(rename = "borne")]
    Bound,
    #[serde(rename = "quotient")]
    Unproved,
    #[serde(rename = "approximation")]
    Approximation,
    #[serde(rename = "non_compile")]
    Unsupported,
}

/// A reason for which rows are left to the interpreter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Doubt {
    #[serde(rename = "motif")]
    pub subject: Subject,
    #[serde(rename = "endroits")]
    pub places: usize,
    /// Where it is raised.
    #[serde(rename = "quantites")]
    pub quantities: Vec<String>,
    /// The cells, earlier results or aggregates in doubt; else the inputs that it depends on, the widest first.
    #[serde(rename = "lit")]
    pub reads: Vec<String>,
}

/// What would lift a burden.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remedy {
    #[serde(rename = "objet")]
    pub subject: Subject,
    #[serde(rename = "nombre")]
    pub count: usize,
    /// What leads to it, the widest first.
    #[serde(rename = "entrees")]
    pub inputs: Vec<InputReport>,
    #[serde(rename = "bornes")]
    pub leads: Vec<Lead>,
    /// A bound of all the inputs together, where none is enough alone.
    #[serde(rename = "borne_commune")]
    pub together: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InputReport {
    #[serde(rename = "nom")]
    pub name: String,
    #[serde(rename = "plage")]
    pub range: [String; 2],
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lead {
    #[serde(rename = "entree")]
    pub input: String,
    /// At most that; at least, for a divisor.
    #[serde(rename = "borne")]
    pub bound: String,
    #[serde(rename = "reste")]
    pub left: usize,
}

/// The payments of a policy.
#[must_use]
pub fn payments(program: &Program) -> Vec<QuantityId> {
    program.outputs().filter(|id| program.quantity(*id).kind == QuantityKind::Payment).collect()
}

/// How these results will be computed under the law of one year.
#[must_use]
pub fn report(program: &Program, year: i64, outputs: &[QuantityId]) -> PlanReport {
    let states = States::of(program, &previous_results(program, outputs, &[]));
    let plans = plan(program, year, outputs, &states);
    PlanReport {
        policy: program.name.to_string(),
        year,
        outputs: plans.into_iter().map(|plan| OutputReport::of(program, plan)).collect(),
    }
}

fn both((low, high): Range) -> [String; 2] {
    [low.to_string(), high.to_string()]
}

fn written(value: &Ratio) -> String {
    format_plain(value, 0, '.')
}

impl OutputReport {
    fn of(program: &Program, plan: OutputPlan) -> Self {
        let quantity = program.quantity(plan.quantity);
        let [of_16, of_32, of_64, of_128] = plan.operations.integers;
        let value = match plan.value {
            ValuePlan::Fraction { numerator, constant, factor } => Some(Value {
                numerator: both(numerator),
                constant: constant.to_string(),
                decimals: (0..39).find(|exponent| 10i128.pow(*exponent) == constant),
                factor: factor.map(both),
            }),
            ValuePlan::Flag | ValuePlan::Integer(_) => None,
        };
        Self {
            name: quantity.name.to_string(),
            title: quantity.title.to_string(),
            applies: plan.applies,
            operations: Operations {
                total: plan.operations.total,
                proved: plan.operations.proved,
                flags: plan.operations.flags,
                of_16,
                of_32,
                of_64,
                of_128,
            },
            bits: u128::BITS - plan.longest.leading_zeros() + 1,
            quantities: plan.quantities,
            proved_quantities: plan.proved_quantities,
            value,
            doubts: doubts(program, plan.doubts),
            remedies: plan.reliefs.into_iter().map(|relief| remedy(program, relief)).collect(),
        }
    }
}

fn input_name(program: &Program, id: InputId) -> String {
    program.input(id).name.to_string()
}

fn quantity_name(program: &Program, id: QuantityId) -> String {
    program.quantity(id).name.to_string()
}

fn add(to: &mut Vec<String>, names: impl IntoIterator<Item = String>) {
    for name in names {
        if !to.contains(&name) {
            to.push(name);
        }
    }
}

/// Reasons of one kind together.
fn doubts(program: &Program, found: Vec<polc_compiler::plan::Doubt>) -> Vec<Doubt> {
    let mut by_subject: BTreeMap<Subject, Doubt> = BTreeMap::new();
    for doubt in found {
        let subject = subject(doubt.reason);
        let all = by_subject.entry(subject).or_insert_with(|| Doubt {
            subject,
            places: 0,
            quantities: Vec::new(),
            reads: Vec::new(),
        });
        all.places += doubt.places;
        let quantities = doubt.quantities.into_iter().map(|id| quantity_name(program, id));
        let reads = match doubt.reason {
            Reason::EmptyCell(id) => vec![input_name(program, id)],
            Reason::EarlierResult(id) | Reason::Aggregate(id) => vec![quantity_name(program, id)],
            _ => doubt.inputs.into_iter().map(|id| input_name(program, id)).collect(),
        };
        add(&mut all.quantities, quantities);
        add(&mut all.reads, reads);
    }
    by_subject.into_values().collect()
}

fn remedy(program: &Program, relief: Relief) -> Remedy {
    let range = |id: InputId| match &program.input(id).range {
        Some((low, high)) => [written(low), written(high)],
        None => Default::default(),
    };
    Remedy {
        subject: match relief.burden {
            Burden::Wide => Subject::Wide,
            Burden::Doubts(reason) => subject(reason),
        },
        count: relief.count,
        inputs: relief
            .inputs
            .into_iter()
            .map(|id| InputReport { name: input_name(program, id), range: range(id) })
            .collect(),
        leads: relief
            .leads
            .into_iter()
            .map(|lead| Lead { input: input_name(program, lead.input), bound: written(&lead.bound), left: lead.left })
            .collect(),
        together: relief.together.as_ref().map(written),
    }
}

fn subject(reason: Reason) -> Subject {
    match reason {
        Reason::EmptyCell(_) => Subject::EmptyCell,
        Reason::EarlierResult(_) => Subject::EarlierResult,
        Reason::Aggregate(_) => Subject::Aggregate,
        Reason::ZeroDivisor => Subject::ZeroDivisor,
        Reason::SeveralRules => Subject::SeveralRules,
        Reason::SeveralDerogations => Subject::SeveralDerogations,
        Reason::Calendar => Subject::Calendar,
        Reason::Bound => Subject::Bound,
        Reason::Unproved => Subject::Unproved,
        Reason::Approximation => Subject::Approximation,
        Reason::Unsupported => Subject::Unsupported,
    }
}
