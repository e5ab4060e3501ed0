//! The statement of one row as data: what `polc explain --format json` writes and every other form is drawn from.
//!
//! Quantities, parameters and inputs stand in tables, each once, in the order in which a reader meets them; the steps of a
//! quantity name what they read. So nothing is said twice, and no depth of computation makes a document too deep to read.
//! `docs/schema/explication-1.json` describes the document.

use serde::{Deserialize, Serialize};

/// Name of the document format.
pub const FORMAT: &str = "polc-explication";
/// Its version: it grows when a reader of the previous one could misread the new one.
pub const VERSION: u32 = 1;

/// How the results of one row come about, down to its data, the formulas and the articles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    pub format: String,
    pub version: u32,
    #[serde(rename = "politique")]
    pub policy: PolicyView,
    /// The key of the row, year included.
    #[serde(rename = "cle")]
    pub key: Vec<KeyView>,
    #[serde(rename = "annee")]
    pub year: i64,
    /// When the policy governs a row; absent if it governs all.
    #[serde(rename = "champ", default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<ScopeView>,
    /// The readings that are not the ones that the policy retains.
    #[serde(rename = "lectures")]
    pub readings: Vec<ReadingView>,
    /// The results asked for, by name.
    #[serde(rename = "resultats")]
    pub results: Vec<String>,
    /// The sums paid, by chapter of the policy; only in a full account.
    #[serde(rename = "chapitres", default, skip_serializing_if = "Vec::is_empty")]
    pub chapters: Vec<ChapterView>,
    /// The sum of all chapters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<ValueView>,
    /// The readings that bear on what was computed, with what their alternatives would give; only in a full account.
    #[serde(rename = "lectures_appliquees", default, skip_serializing_if = "Vec::is_empty")]
    pub applied: Vec<AppliedReading>,
    /// Where the row stands in its file, if it comes from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceView>,
    #[serde(rename = "quantites")]
    pub quantities: Vec<QuantityView>,
    #[serde(rename = "parametres")]
    pub parameters: Vec<ParameterView>,
    #[serde(rename = "donnees")]
    pub inputs: Vec<InputView>,
    /// What was not earned, if that was asked.
    #[serde(rename = "manques", default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Vec<Missing>>,
}

impl Statement {
    /// A quantity of the statement, by name.
    #[must_use]
    pub fn quantity(&self, name: &str) -> Option<&QuantityView> {
        self.quantities.iter().find(|quantity| quantity.name == name)
    }

    /// The document on one line, without line break.
    #[must_use]
    pub fn to_line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The document, indented, with a final line break.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Names and texts only: nothing that JSON cannot hold.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyView {
    #[serde(rename = "nom")]
    pub name: String,
    #[serde(rename = "titre")]
    pub title: String,
    #[serde(rename = "monnaie")]
    pub currency: String,
    #[serde(rename = "textes")]
    pub texts: Vec<TextView>,
    /// The amendments of the policy, and whether they are applied.
    #[serde(rename = "avenants", default, skip_serializing_if = "Vec::is_empty")]
    pub amendments: Vec<AmendmentView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AmendmentView {
    #[serde(rename = "nom")]
    pub name: String,
    #[serde(rename = "titre")]
    pub title: String,
    #[serde(rename = "applique")]
    pub included: bool,
}

/// A text that references are taken from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextView {
    #[serde(rename = "nom")]
    pub name: String,
    #[serde(rename = "titre")]
    pub title: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyView {
    #[serde(rename = "nom")]
    pub name: String,
    #[serde(rename = "valeur")]
    pub value: ValueView,
}

/// A value, exactly and as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueView {
    /// A decimal (« 7.5 »), a fraction (« 184/366 »), `vrai` or `faux`, a date in ISO 8601, the name of a case.
    #[serde(rename = "exact")]
    pub exact: String,
    /// As a French reader writes it, with its unit.
    #[serde(rename = "texte")]
    pub text: String,
    /// The title of a case, where it has one.
    #[serde(rename = "libelle", default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeView {
    /// Whether the policy governs the row; if not, nothing applies.
    #[serde(rename = "regie")]
    pub governed: bool,
    #[serde(rename = "formule")]
    pub formula: String,
    #[serde(rename = "calcul", default, skip_serializing_if = "Option::is_none")]
    pub calculation: Option<String>,
    pub references: Vec<String>,
    #[serde(rename = "lit")]
    pub reads: Vec<ReadView>,
}

/// A doubt on the text, and the answer that this statement was made under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadingView {
    #[serde(rename = "nom")]
    pub name: String,
    pub question: String,
    pub references: Vec<String>,
    #[serde(rename = "variante")]
    pub variant: String,
    #[serde(rename = "texte")]
    pub text: String,
    #[serde(rename = "lieu")]
    pub place: String,
}

/// Sums paid under one chapter: a part of the policy, else an article.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChapterView {
    #[serde(rename = "titre")]
    pub title: String,
    pub total: ValueView,
    /// The payments that are not zero, by name.
    #[serde(rename = "versements")]
    pub payments: Vec<String>,
}

/// A reading that bears on a provision computed for the row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedReading {
    #[serde(rename = "nom")]
    pub name: String,
    pub question: String,
    pub references: Vec<String>,
    #[serde(rename = "lieu")]
    pub place: String,
    /// The variant applied, and what it says.
    #[serde(rename = "variante")]
    pub variant: String,
    #[serde(rename = "texte")]
    pub text: String,
    /// Whether it is the one that the policy retains.
    #[serde(rename = "retenue")]
    pub retained: bool,
    /// Why the policy retains the one that it does.
    #[serde(rename = "motif")]
    pub reason: String,
    /// The quantities that it bears on, by name.
    #[serde(rename = "quantites")]
    pub quantities: Vec<String>,
    #[serde(rename = "autres")]
    pub alternatives: Vec<AlternativeView>,
}

/// What another variant would give.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlternativeView {
    #[serde(rename = "variante")]
    pub variant: String,
    #[serde(rename = "texte")]
    pub text: String,
    /// Absent for a note, which does not compute, and where the row cannot be computed under it.
    #[serde(rename = "effet", default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<EffectView>,
    /// Why the row cannot be computed under it.
    #[serde(rename = "obstacle", default, skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<String>,
}

/// What a change makes of the payments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectView {
    pub total: ValueView,
    /// The total less that of the statement.
    #[serde(rename = "ecart")]
    pub difference: ValueView,
    /// The payments that change.
    #[serde(rename = "versements")]
    pub payments: Vec<PaymentChange>,
    /// The figures of the whole data that the payments read would change too, and were left as they are.
    #[serde(rename = "ensemble_inchange", default, skip_serializing_if = "std::ops::Not::not")]
    pub figures_kept: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentChange {
    #[serde(rename = "nom")]
    pub name: String,
    #[serde(rename = "titre")]
    pub title: String,
    /// Absent where it is without object.
    #[serde(rename = "avant")]
    pub before: Option<ValueView>,
    #[serde(rename = "apres")]
    pub after: Option<ValueView>,
    #[serde(rename = "ecart")]
    pub difference: ValueView,
}

/// Where the row, and those of other years that it reads, stand in the data file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceView {
    #[serde(rename = "fichier")]
    pub file: String,
    #[serde(rename = "lignes")]
    pub lines: Vec<SourceLine>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceLine {
    #[serde(rename = "annee")]
    pub year: i64,
    /// Physical line of a text, row of a sheet, rank of a row; from 1.
    #[serde(rename = "ligne")]
    pub line: usize,
}

/// A condition that the row does not meet, and what it would take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    #[serde(rename = "nom")]
    pub name: String,
    #[serde(rename = "titre")]
    pub title: String,
    #[serde(rename = "sorte")]
    pub kind: Kind,
    /// Whether some block pays nothing without it.
    #[serde(rename = "prerequis")]
    pub prerequisite: bool,
    pub references: Vec<String>,
    #[serde(rename = "lieu")]
    pub place: String,
    /// The condition, as written.
    #[serde(rename = "formule")]
    pub formula: String,
    /// The parts of it that do not hold.
    #[serde(rename = "ecarts")]
    pub gaps: Vec<GapView>,
    /// What the payments would be, were it met and nothing else changed; absent where that cannot be computed.
    #[serde(rename = "enjeu", default, skip_serializing_if = "Option::is_none")]
    pub stake: Option<EffectView>,
    #[serde(rename = "obstacle", default, skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<String>,
    /// The smallest set of changes found that meets it, and what the payments are then.
    #[serde(rename = "changements", default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Remedy>,
}

/// One comparison or truth that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapView {
    #[serde(rename = "formule")]
    pub formula: String,
    /// Whether it must hold; otherwise, it must not.
    #[serde(rename = "voulu")]
    pub wanted: bool,
    /// What was found, and what was needed.
    #[serde(rename = "valeur", default, skip_serializing_if = "Option::is_none")]
    pub value: Option<ValueView>,
    #[serde(rename = "seuil", default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<ValueView>,
    /// From the value to the threshold, without sign.
    #[serde(rename = "distance", default, skip_serializing_if = "Option::is_none")]
    pub distance: Option<ValueView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedy {
    #[serde(rename = "cellules")]
    pub cells: Vec<CellChange>,
    #[serde(rename = "effet")]
    pub effect: EffectView,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellChange {
    #[serde(rename = "nom")]
    pub name: String,
    #[serde(rename = "sens")]
    pub meaning: String,
    /// Absent for an empty cell.
    #[serde(rename = "avant")]
    pub before: Option<ValueView>,
    #[serde(rename = "apres")]
    pub after: ValueView,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    #[serde(rename = "definition")]
    Definition,
    #[serde(rename = "critere")]
    Criterion,
    #[serde(rename = "condition")]
    Condition,
    #[serde(rename = "prerequis")]
    Prerequisite,
    #[serde(rename = "minoration")]
    Minoration,
    #[serde(rename = "majoration")]
    Majoration,
    #[serde(rename = "prorata")]
    Proration,
    #[serde(rename = "nombre_de_jours")]
    DayCount,
    #[serde(rename = "versement")]
    Payment,
    #[serde(rename = "total_de_bloc")]
    BlockTotal,
    #[serde(rename = "prerequis_reunis")]
    PrerequisitesMet,
    #[serde(rename = "nombre_de_prerequis")]
    PrerequisitesCount,
    #[serde(rename = "agregat")]
    Aggregate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LevelView {
    #[serde(rename = "socle")]
    Core,
    #[serde(rename = "optionnel")]
    Optional,
}

/// A computed quantity: its value, the rule that gives it and the steps of the computation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuantityView {
    #[serde(rename = "nom")]
    pub name: String,
    #[serde(rename = "titre")]
    pub title: String,
    #[serde(rename = "sorte")]
    pub kind: Kind,
    #[serde(rename = "unite", default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Absent where the quantity is without object.
    #[serde(rename = "valeur")]
    pub value: Option<ValueView>,
    /// Absent where the quantity is without object.
    #[serde(rename = "disposition", default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleView>,
    #[serde(rename = "etapes")]
    pub steps: Vec<StepView>,
    /// Of a payment, the lines that add up to it.
    #[serde(rename = "decomposition", default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LineView>,
}

/// A line of a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineView {
    #[serde(rename = "sorte")]
    pub kind: LineKindView,
    /// Name of the provision that it comes from.
    #[serde(rename = "disposition")]
    pub provision: String,
    #[serde(rename = "titre")]
    pub title: String,
    pub references: Vec<String>,
    /// File and line of the version in force.
    #[serde(rename = "lieu")]
    pub place: String,
    #[serde(rename = "depuis", default, skip_serializing_if = "Option::is_none")]
    pub first_year: Option<i64>,
    #[serde(rename = "jusqu_en", default, skip_serializing_if = "Option::is_none")]
    pub last_year: Option<i64>,
    pub operation: String,
    /// Not rounded; the lines add up to the value of the payment.
    #[serde(rename = "exact")]
    pub exact: ValueView,
    /// What it adds to the rounded sum of the lines before it.
    #[serde(rename = "montant")]
    pub paid: ValueView,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LineKindView {
    #[serde(rename = "critere_fixe")]
    CriterionFixed,
    #[serde(rename = "critere_variable")]
    CriterionVariable,
    #[serde(rename = "critere")]
    Criterion,
    #[serde(rename = "montant")]
    Amount,
    #[serde(rename = "minoration")]
    Minoration,
    #[serde(rename = "majoration")]
    Majoration,
    #[serde(rename = "derogation")]
    Derogation,
    #[serde(rename = "plafond")]
    Cap,
    #[serde(rename = "plancher")]
    Floor,
    #[serde(rename = "tranche")]
    Tier,
    #[serde(rename = "prorata")]
    Proration,
    #[serde(rename = "prerequis")]
    Prerequisite,
    #[serde(rename = "conserve")]
    Kept,
    #[serde(rename = "lecture")]
    Reading,
    #[serde(rename = "arrondi")]
    Rounding,
}

/// The provision that applies to the row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleView {
    #[serde(rename = "titre")]
    pub title: String,
    pub references: Vec<String>,
    /// The part of the policy that it belongs to.
    #[serde(rename = "partie", default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// File, line and column of the provision.
    #[serde(rename = "lieu")]
    pub place: String,
    /// The cases in which it applies, as written; absent for all.
    #[serde(rename = "pour", default, skip_serializing_if = "Option::is_none")]
    pub cases: Option<String>,
    /// First and last year in force, where there is one.
    #[serde(rename = "depuis", default, skip_serializing_if = "Option::is_none")]
    pub first_year: Option<i64>,
    #[serde(rename = "jusqu_en", default, skip_serializing_if = "Option::is_none")]
    pub last_year: Option<i64>,
    #[serde(rename = "niveau", default, skip_serializing_if = "Option::is_none")]
    pub level: Option<LevelView>,
    /// What was read to know that it applies, other than the case and the year.
    #[serde(rename = "lit", default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<ReadView>,
}

/// One step of the computation, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepView {
    #[serde(flatten)]
    pub kind: StepKind,
    /// As written in the policy, white space folded; in the same language where the policy does not write it.
    #[serde(rename = "formule", default, skip_serializing_if = "Option::is_none")]
    pub formula: Option<String>,
    /// The formula with the values in the place of the names.
    #[serde(rename = "calcul", default, skip_serializing_if = "Option::is_none")]
    pub calculation: Option<String>,
    /// The references of the step itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// The value of the step: a term, an amount or rate, a limit, a factor, whether a condition holds.
    #[serde(rename = "valeur")]
    pub value: ValueView,
    /// The value of the quantity after the step.
    #[serde(rename = "resultat")]
    pub result: ValueView,
    #[serde(rename = "lit", default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<ReadView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "sorte")]
pub enum StepKind {
    #[serde(rename = "condition")]
    Condition {
        #[serde(rename = "remplie")]
        met: bool,
        /// Of several conditions that must all hold, the first that does not.
        #[serde(rename = "manque", default, skip_serializing_if = "Option::is_none")]
        lacking: Option<String>,
    },
    /// A line of the base; the lines add up.
    #[serde(rename = "base")]
    Base {
        #[serde(rename = "nature", default, skip_serializing_if = "Option::is_none")]
        nature: Option<NatureView>,
        #[serde(rename = "lorsque", default, skip_serializing_if = "Option::is_none")]
        when: Option<WhenView>,
        /// For a truth: of several conditions that must all hold, the first that does not.
        #[serde(rename = "manque", default, skip_serializing_if = "Option::is_none")]
        lacking: Option<String>,
        /// The row of a bracket table that the value falls in.
        #[serde(rename = "palier", default, skip_serializing_if = "Option::is_none")]
        bracket: Option<BracketView>,
        /// The tiers that the value reaches.
        #[serde(rename = "tranches", default, skip_serializing_if = "Vec::is_empty")]
        tiers: Vec<TierView>,
    },
    #[serde(rename = "minoration")]
    Minoration(AdjustmentView),
    #[serde(rename = "majoration")]
    Majoration(AdjustmentView),
    #[serde(rename = "plafond")]
    Cap(BoundView),
    #[serde(rename = "plancher")]
    Floor(BoundView),
    /// Multiplies the result by the value.
    #[serde(rename = "prorata")]
    Prorata {
        /// What it is applied to.
        #[serde(rename = "sur")]
        before: ValueView,
    },
    /// A derogation in force: its value takes the place of all the other steps.
    #[serde(rename = "derogation")]
    Derogation {
        #[serde(rename = "nom")]
        name: String,
        #[serde(rename = "titre")]
        title: String,
        #[serde(rename = "lieu")]
        place: String,
        /// When it applies, as written.
        #[serde(rename = "lorsque", default, skip_serializing_if = "Option::is_none")]
        when: Option<WhenView>,
        /// The other derogations that apply: those that it overrides or, on prerequisites, those that act with it.
        #[serde(rename = "autres", default, skip_serializing_if = "Vec::is_empty")]
        others: Vec<OtherDerogation>,
    },
    /// Last year's value, which stays.
    #[serde(rename = "conserve")]
    Kept,
    /// What the reading selected puts in the place of the rule's own value.
    #[serde(rename = "lecture")]
    Replacement {
        #[serde(rename = "lecture")]
        reading: String,
        #[serde(rename = "variante")]
        variant: String,
        #[serde(rename = "texte")]
        text: String,
        /// The steps of « valeur retenue », if the formula reads it.
        #[serde(rename = "valeur_retenue", default, skip_serializing_if = "Vec::is_empty")]
        retained: Vec<StepView>,
    },
    #[serde(rename = "arrondi")]
    Rounding {
        #[serde(rename = "decimales")]
        decimals: u32,
        #[serde(rename = "sur")]
        before: ValueView,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NatureView {
    #[serde(rename = "fixe")]
    Fixed,
    #[serde(rename = "variable")]
    Variable,
}

/// A condition beside a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhenView {
    #[serde(rename = "formule")]
    pub formula: String,
    #[serde(rename = "calcul", default, skip_serializing_if = "Option::is_none")]
    pub calculation: Option<String>,
    #[serde(rename = "remplie")]
    pub met: bool,
    #[serde(rename = "lit", default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<ReadView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BracketView {
    /// What decides.
    #[serde(rename = "selon")]
    pub subject: ValueView,
    /// « de 8 à moins de 10 heures ».
    #[serde(rename = "palier")]
    pub range: String,
    #[serde(rename = "formule")]
    pub formula: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierView {
    /// « jusqu'à 8 000 patients ».
    #[serde(rename = "tranche")]
    pub range: String,
    #[serde(rename = "taux")]
    pub rate: String,
    /// How much of the value falls in the tier.
    #[serde(rename = "part")]
    pub share: ValueView,
    #[serde(rename = "montant")]
    pub amount: ValueView,
}

/// A quantity that is taken off or added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdjustmentView {
    pub mode: Mode,
    #[serde(rename = "quantite")]
    pub quantity: String,
    /// What it is applied to.
    #[serde(rename = "sur")]
    pub before: ValueView,
    /// How much it changes, with its sign.
    #[serde(rename = "effet")]
    pub effect: ValueView,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    #[serde(rename = "montant")]
    Amount,
    #[serde(rename = "taux")]
    Rate,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundView {
    /// Whether the limit changes the result.
    #[serde(rename = "joue")]
    pub binding: bool,
    /// What it is applied to.
    #[serde(rename = "sur")]
    pub before: ValueView,
    #[serde(rename = "lorsque", default, skip_serializing_if = "Option::is_none")]
    pub when: Option<WhenView>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherDerogation {
    #[serde(rename = "nom")]
    pub name: String,
    #[serde(rename = "titre")]
    pub title: String,
    pub references: Vec<String>,
    /// Whether the derogation in force takes its place; otherwise both act together.
    #[serde(rename = "ecartee")]
    pub overridden: bool,
    #[serde(rename = "lorsque", default, skip_serializing_if = "Option::is_none")]
    pub when: Option<WhenView>,
}

/// What was read, by name; the tables say the rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadView {
    pub nature: ReadNature,
    #[serde(rename = "nom")]
    pub name: String,
    /// Absent where what was read is without object, or has no row the year before: the formula says what is taken then.
    #[serde(rename = "valeur")]
    pub value: Option<ValueView>,
    /// For a value of the year before: that year, and whether the data have a row for it.
    #[serde(rename = "annee", default, skip_serializing_if = "Option::is_none")]
    pub year: Option<i64>,
    #[serde(rename = "ligne_presente", default, skip_serializing_if = "Option::is_none")]
    pub row_found: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ReadNature {
    #[serde(rename = "donnee")]
    Input,
    #[serde(rename = "parametre")]
    Parameter,
    #[serde(rename = "quantite")]
    Quantity,
    #[serde(rename = "donnee_precedente")]
    PreviousInput,
    #[serde(rename = "quantite_precedente")]
    PreviousQuantity,
}

/// A figure of the text, in the year of the row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterView {
    #[serde(rename = "nom")]
    pub name: String,
    #[serde(rename = "titre")]
    pub title: String,
    pub references: Vec<String>,
    #[serde(rename = "lieu")]
    pub place: String,
    #[serde(rename = "valeur")]
    pub value: ValueView,
    /// First and last year of this value, where there is one.
    #[serde(rename = "depuis", default, skip_serializing_if = "Option::is_none")]
    pub first_year: Option<i64>,
    #[serde(rename = "jusqu_en", default, skip_serializing_if = "Option::is_none")]
    pub last_year: Option<i64>,
}

/// A cell of the row, or of the row of the year before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputView {
    #[serde(rename = "nom")]
    pub name: String,
    #[serde(rename = "sens")]
    pub meaning: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    #[serde(rename = "lieu")]
    pub place: String,
    /// Absent when only the row of the year before was read.
    #[serde(rename = "valeur")]
    pub value: Option<ValueView>,
    /// Where the value comes from.
    #[serde(rename = "origine")]
    pub origin: InputOrigin,
    /// What the cell of the file holds, where it is known.
    #[serde(rename = "cellule", default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InputOrigin {
    /// A cell of the row.
    #[serde(rename = "cellule")]
    Cell,
    /// The value that the policy gives to an empty cell: the cell is empty, or holds that same value.
    #[serde(rename = "valeur_par_defaut")]
    Default,
    /// The value that the policy gives to an empty cell: the data have no such column.
    #[serde(rename = "colonne_absente")]
    NoColumn,
}
