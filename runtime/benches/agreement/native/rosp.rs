//! Article 24 and annex 25: public health objectives, 41 indicators that are all paid by one rule.

use std::array;

use super::amounts::{WITHOUT_OBJECT, rounded};
use super::centres::{is_medical, joined_by_end_of};
use super::columns::{Inputs, columns};
use super::dates::{Year, add_months, year_of};

columns! {
    u8: type_centre;
    bool: creation_nouvelle_structure rosp_dossier_standardise;
    i32: annee etp_mg patientele_mt_16_plus patientele_mt_moins_16;
    Option<i32>: date_adhesion date_creation rosp_refus_date;
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Population {
    /// From sixteen years of age.
    Adults,
    Children,
}
use Population::{Adults, Children};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// Measured by the insurer; higher is better.
    Rising,
    /// Measured by the insurer; lower is better.
    Falling,
    /// Declared by the centre; higher is better, and anything is progress.
    Declared,
}
use Kind::{Declared, Falling, Rising};

/// What an indicator pays in a year.
#[derive(Clone, Copy, Debug)]
struct Terms {
    points: i64,
    /// The objectives, in thousandths.
    intermediate: i64,
    target: i64,
}

/// A line of the tables of article 24.4.
#[derive(Debug)]
struct Indicator {
    id: &'static str,
    population: Population,
    kind: Kind,
    /// The least denominator that counts, in patients or boxes.
    threshold: i32,
    /// How many units of the national mean make the whole: it has four decimals, and may be for a hundred patients.
    mean_unit: i32,
    /// In the tables of 2018, of 2019, and from 2020.
    terms: [Option<Terms>; 3],
}

impl Indicator {
    const fn new(id: &'static str, population: Population, kind: Kind, terms: [Option<Terms>; 3]) -> Self {
        Self { id, population, kind, threshold: 5, mean_unit: 10_000, terms }
    }

    /// Counts boxes of medicines, not patients.
    const fn of_boxes(self) -> Self {
        Self { threshold: 10, ..self }
    }

    /// Its national mean is told for a hundred patients.
    const fn per_hundred(self) -> Self {
        Self { mean_unit: 1_000_000, ..self }
    }
}

/// The points, intermediate objective and target of one table.
type Figures = (i64, i64, i64);

const fn terms((points, intermediate, target): Figures) -> Terms {
    Terms { points, intermediate, target }
}

/// In all tables: of 2018, of 2019, from 2020.
const fn yearly([first, second, third]: [Figures; 3]) -> [Option<Terms>; 3] {
    [Some(terms(first)), Some(terms(second)), Some(terms(third))]
}

/// The same in all tables.
const fn always(points: i64, intermediate: i64, target: i64) -> [Option<Terms>; 3] {
    yearly([(points, intermediate, target); 3])
}

/// The same in all tables but that of 2019.
const fn not_in_2019(points: i64, intermediate: i64, target: i64) -> [Option<Terms>; 3] {
    let [first, _, third] = always(points, intermediate, target);
    [first, None, third]
}

/// Not in the table of 2018.
const fn since_2019([second, third]: [Figures; 2]) -> [Option<Terms>; 3] {
    [None, Some(terms(second)), Some(terms(third))]
}

/// Declares the indicators, and a payment for each.
macro_rules! indicators {
    ($($id:ident: $population:ident $kind:ident $terms:expr $(, $told:ident)?;)*) => {
        pub const PAYMENTS: [&str; 41] = [$(concat!("rosp_", stringify!($id), "_euros")),*];

        const INDICATORS: &[Indicator; PAYMENTS.len()] =
            &[$(Indicator::new(stringify!($id), $population, $kind, $terms)$(.$told())?),*];
    };
}

indicators! {
    diab_hba1c: Adults Rising yearly([(30, 710, 890), (30, 710, 890), (30, 740, 920)]);
    diab_fond_oeil: Adults Rising yearly([(30, 580, 720), (30, 605, 756), (30, 580, 720)]);
    diab_microalbuminurie: Adults Rising yearly([(30, 140, 490), (30, 208, 586), (30, 140, 490)]);
    diab_pieds: Adults Declared always(20, 800, 950);
    hta_proteinurie: Adults Rising yearly([(30, 30, 80), (30, 99, 276), (30, 30, 80)]);
    cv_score: Adults Declared always(20, 800, 950);
    cv_coronaire_aomi: Adults Rising always(30, 380, 560);
    avk_inr: Adults Rising yearly([(30, 730, 910), (30, 800, 960), (30, 730, 910)]);
    grippe_65_plus: Adults Rising always(20, 490, 610);
    grippe_16_64: Adults Rising always(20, 270, 420);
    cancer_sein: Adults Rising always(40, 620, 740);
    cancer_col_uterus: Adults Rising always(40, 520, 650);
    cancer_colorectal: Adults Rising yearly([(55, 240, 550), (55, 240, 550), (55, 260, 550)]);
    psychotropes_75: Adults Falling always(35, 100, 30);
    bzd_hypnotiques: Adults Falling always(35, 470, 300);
    bzd_anxiolytiques: Adults Falling always(35, 190, 90);
    antibio_pour_100: Adults Falling always(35, 450, 200), per_hundred;
    antibio_resistances: Adults Falling always(35, 520, 320);
    tabac: Adults Declared always(20, 600, 750);
    alcool: Adults Declared always(20, 600, 750);
    gen_statines: Adults Rising always(59, 840, 940), of_boxes;
    gen_antihypertenseurs: Adults Rising always(54, 830, 900), of_boxes;
    gen_incontinence: Adults Rising not_in_2019(0, 350, 810), of_boxes;
    gen_asthme: Adults Rising not_in_2019(0, 260, 720), of_boxes;
    gen_reste_repertoire: Adults Rising always(19, 590, 690), of_boxes;
    biosimilaires_glargine: Adults Rising yearly([(39, 50, 100), (39, 50, 100), (39, 40, 400)]), of_boxes;
    aspirine: Adults Rising always(54, 830, 920);
    metformine: Adults Rising always(54, 760, 900);
    tsh: Adults Rising always(54, 900, 990);
    ains_ipp: Adults Falling since_2019([(30, 350, 167), (30, 380, 167)]);
    ezetimibe: Adults Falling since_2019([(30, 132, 38), (30, 132, 38)]), of_boxes;
    enf_asthme_traitement: Children Rising always(35, 430, 700);
    enf_asthme_efr: Children Rising always(35, 250, 600);
    enf_corpulence: Children Declared always(20, 800, 950);
    enf_vaccin_ror: Children Rising yearly([(35, 500, 800), (35, 750, 1_000), (35, 750, 1_000)]);
    enf_vaccin_menc: Children Rising yearly([(35, 430, 830), (35, 750, 1_000), (35, 750, 1_000)]);
    enf_c3g_moins_4: Children Falling always(35, 520, 110);
    enf_c3g_4_plus: Children Falling always(35, 310, 70);
    enf_troubles_sensoriels: Children Declared always(20, 800, 950);
    enf_troubles_langage: Children Declared always(20, 800, 950);
    enf_bucco_dentaire: Children Rising always(35, 690, 830);
}

/// One cell or answer for each indicator.
pub type Each<T> = [T; PAYMENTS.len()];

/// A part of a whole that is not nothing.
#[derive(Clone, Copy, Debug)]
struct Share {
    part: i32,
    whole: i32,
}

impl Share {
    const ZERO: Self = Self { part: 0, whole: 1 };
}

/// A number that may be unknown, in four bytes: there are many for each row.
#[derive(Clone, Copy, Debug)]
struct Figure(i32);

impl Figure {
    const UNKNOWN: Self = Self(i32::MIN);

    fn known(self) -> Option<i32> {
        (self.0 != i32::MIN).then_some(self.0)
    }
}

/// A numerator and its denominator.
#[derive(Clone, Copy, Debug)]
struct Fraction {
    numerator: Figure,
    denominator: Figure,
}

impl Fraction {
    /// Article 24.2: what was measured, where both numbers are known and the denominator reaches the threshold.
    fn share(self, threshold: i32) -> Option<Share> {
        let (part, whole) = (self.numerator.known()?, self.denominator.known()?);
        (whole >= threshold).then_some(Share { part, whole })
    }

    fn is_known(self) -> bool {
        self.numerator.known().is_some() && self.denominator.known().is_some()
    }
}

/// What a row tells of an indicator. Of one that the centre declares, only the level.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    /// At the end of the year.
    level: Fraction,
    /// The starting rate that the insurer notifies.
    notified: Fraction,
    /// Of the year before.
    national_mean: Figure,
    /// Among the adults who came in the year.
    consuming: Fraction,
}

impl Measure {
    /// Those of all indicators, row by row: the rules go over them all.
    pub fn of(inputs: &Inputs<'_>) -> Vec<Each<Self>> {
        let none = Fraction { numerator: Figure::UNKNOWN, denominator: Figure::UNKNOWN };
        let unknown = Self { level: none, notified: none, national_mean: Figure::UNKNOWN, consuming: none };
        let mut measures = vec![[unknown; PAYMENTS.len()]; inputs.batch.rows];
        for (k, indicator) in INDICATORS.iter().enumerate() {
            let mut read = |what: &str, place: fn(&mut Self) -> &mut Figure| {
                let cells = inputs.column::<Option<i32>>(&format!("rosp_{}_{what}", indicator.id));
                for (row, cell) in measures.iter_mut().zip(cells) {
                    *place(&mut row[k]) = cell.map_or(Figure::UNKNOWN, Figure);
                }
            };
            read("numerateur", |measure| &mut measure.level.numerator);
            read("denominateur", |measure| &mut measure.level.denominator);
            if indicator.kind == Declared {
                continue;
            }
            read("depart_numerateur", |measure| &mut measure.notified.numerator);
            read("depart_denominateur", |measure| &mut measure.notified.denominator);
            read("moyenne_nationale_n1", |measure| &mut measure.national_mean);
            if indicator.population == Adults {
                read("numerateur_consommante", |measure| &mut measure.consuming.numerator);
                read("denominateur_consommante", |measure| &mut measure.consuming.denominator);
            }
        }
        measures
    }
}

impl Indicator {
    /// Article 24.2: the level of the year. One that a centre declares asks for standard patient records.
    fn level(&self, measure: &Measure, standard_records: bool) -> Option<Share> {
        if self.kind == Declared && !standard_records { None } else { measure.level.share(self.threshold) }
    }

    /// Article 24.2: the starting rate is the first level known, unless the insurer notifies another.
    fn start(&self, measure: &Measure, earlier: Option<Share>, level: Option<Share>) -> Option<Share> {
        if self.kind == Declared {
            return Some(Share::ZERO);
        }
        measure.notified.share(self.threshold).or(earlier).or(level)
    }

    /// Article 24.3: the level of a new centre, among the adults who came in the year if they were counted.
    fn new_level(&self, measure: &Measure, level: Option<Share>) -> Option<Share> {
        if measure.consuming.is_known() { measure.consuming.share(self.threshold) } else { level }
    }

    /// Article 24.3: a new centre starts from the national mean.
    fn new_start(&self, measure: &Measure) -> Option<Share> {
        if self.kind == Declared {
            return Some(Share::ZERO);
        }
        measure.national_mean.known().map(|part| Share { part, whole: self.mean_unit })
    }
}

/// What later years read of a row.
#[derive(Clone, Debug)]
pub struct Left {
    /// The centre has refused these payments for good.
    refused: bool,
    /// The starting rates, once they are fixed.
    starts: Each<Option<Share>>,
}

impl Default for Left {
    fn default() -> Self {
        Self { refused: false, starts: [None; PAYMENTS.len()] }
    }
}

/// Article 24.1: a new centre may refuse in the three months after its creation.
fn refuses(c: &View<'_>, i: usize) -> bool {
    let (Some(refusal), Some(creation)) = (c.rosp_refus_date[i], c.date_creation[i]) else { return false };
    creation <= refusal && refusal <= add_months(creation, 3)
}

/// Article 24.1: centres that the agreement governs and that employ general practitioners, since 2018.
fn is_eligible(c: &View<'_>, i: usize) -> bool {
    c.annee[i] >= 2018
        && joined_by_end_of(Year::of(c.annee[i]), c.date_adhesion[i]).is_some()
        && (is_medical(c.type_centre[i]) || c.etp_mg[i] > 0)
}

/// How far an objective is reached: an exact fraction.
#[derive(Clone, Copy)]
struct Rate {
    numerator: i64,
    denominator: i64,
}

/// Annex 25, article 1: 30 % at the intermediate objective and 100 % at the target, in proportion between them; below,
/// in proportion to the progress made since the start. None where there is nothing to pay.
fn rate(kind: Kind, terms: Terms, level: Share, start: Option<Share>) -> Option<Rate> {
    let sign = if kind == Falling { -1 } else { 1 };
    let (part, whole) = (i64::from(level.part), i64::from(level.whole));
    // Both in thousandths of the whole.
    let beyond = sign * (1_000 * part - terms.intermediate * whole);
    let span = sign * (terms.target - terms.intermediate) * whole;
    if beyond >= span {
        return Some(Rate { numerator: 1, denominator: 1 });
    }
    if beyond >= 0 {
        return Some(Rate { numerator: 3 * span + 7 * beyond, denominator: 10 * span });
    }
    let start = start?;
    let (start_part, start_whole) = (i64::from(start.part), i64::from(start.whole));
    let progress = sign * (part * start_whole - start_part * whole);
    if progress <= 0 {
        return None;
    }
    let needed = sign * (terms.intermediate * start_whole - 1_000 * start_part);
    Some(Rate { numerator: 300 * progress, denominator: needed * whole })
}

/// Article 24.3: by how many hundredths the point is raised in each of the first three years of a new centre.
fn raise(c: &View<'_>, i: usize) -> Option<i64> {
    let creation = c.date_creation[i].filter(|_| c.creation_nouvelle_structure[i])?;
    match c.annee[i] - year_of(creation) {
        0 => Some(20),
        1 => Some(15),
        2 => Some(5),
        _ => None,
    }
}

/// Article 24.5: seven euros a point, for patients compared with 800 adults or 600 children; each indicator is rounded.
/// `progress` gives the level of an indicator and its start.
fn paid(c: &View<'_>, i: usize, raise: i64, progress: impl Fn(usize) -> (Option<Share>, Option<Share>)) -> Each<i64> {
    let table = match c.annee[i] {
        ..=2018 => 0,
        2019 => 1,
        _ => 2,
    };
    array::from_fn(|k| {
        let Indicator { population, kind, terms, .. } = &INDICATORS[k];
        let Some(terms) = terms[table] else { return WITHOUT_OBJECT };
        let (level, start) = progress(k);
        let Some(rate) = level.and_then(|level| rate(*kind, terms, level, start)) else { return 0 };
        let (patients, usual) = match population {
            Adults => (c.patientele_mt_16_plus[i], 800),
            Children => (c.patientele_mt_moins_16[i], 600),
        };
        let whole = terms.points * 7 * (100 + raise) * i64::from(patients);
        rounded(i128::from(whole) * i128::from(rate.numerator), usual * i128::from(rate.denominator))
    })
}

fn total(cents: &Each<i64>) -> i64 {
    cents.iter().filter(|cents| **cents != WITHOUT_OBJECT).sum()
}

/// The payments of a row in cents, `WITHOUT_OBJECT` where the law gives none. `left` is what earlier rows leave, then
/// what this one does.
pub fn row(c: &View<'_>, measures: &Each<Measure>, i: usize, left: &mut Left) -> Each<i64> {
    left.refused |= refuses(c, i);
    if c.annee[i] < 2016 {
        return [WITHOUT_OBJECT; PAYMENTS.len()];
    }
    let level = |k: usize| INDICATORS[k].level(&measures[k], c.rosp_dossier_standardise[i]);
    for (k, start) in left.starts.iter_mut().enumerate() {
        *start = INDICATORS[k].start(&measures[k], *start, level(k));
    }
    if left.refused || !is_eligible(c, i) {
        return [WITHOUT_OBJECT; PAYMENTS.len()];
    }
    let usual = |k| (level(k), left.starts[k]);
    let Some(raise) = raise(c, i) else { return paid(c, i, 0, usual) };
    // Article 24.3: the better of two methods, for all patients together.
    let usual = paid(c, i, raise, usual);
    let new = |k: usize| (INDICATORS[k].new_level(&measures[k], level(k)), INDICATORS[k].new_start(&measures[k]));
    let new = paid(c, i, raise, new);
    if total(&new) > total(&usual) { new } else { usual }
}
