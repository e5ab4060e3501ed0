//! The agreement as a Rust programmer would write it for these rules and no others: plain columns, integers, exact
//! amounts rounded where the law pays. It is what compiled policies are measured against, and a third opinion on what
//! they pay.

mod advanced_practice;
pub mod amounts;
pub mod blocks;
mod centres;
mod columns;
mod contracts;
mod dates;
mod dental_contracts;
mod fees;
mod medical_assistants;
mod medical_contracts;
mod nursing_contracts;
mod rosp;

use polc_compiler::typed::Program;
use polc_dsl::ast::Reach;
use polc_runtime::engine::History;
use polc_runtime::table::Batch;

pub use columns::Inputs;

/// How many payments the agreement has.
const COUNT: usize = blocks::PAYMENTS.len()
    + nursing_contracts::PAYMENTS.len()
    + medical_contracts::PAYMENTS.len()
    + dental_contracts::PAYMENTS.len()
    + medical_assistants::PAYMENTS.len()
    + advanced_practice::PAYMENTS.len()
    + rosp::PAYMENTS.len()
    + fees::PAYMENTS.len();

/// The cents of each payment of a row, in the order of `payments`.
pub type Cents = [i64; COUNT];

/// The names of the payments.
pub fn payments() -> impl Iterator<Item = &'static str> {
    let chapters: [&[&str]; 8] = [
        &blocks::PAYMENTS,
        &medical_contracts::PAYMENTS,
        &nursing_contracts::PAYMENTS,
        &dental_contracts::PAYMENTS,
        &medical_assistants::PAYMENTS,
        &advanced_practice::PAYMENTS,
        &rosp::PAYMENTS,
        &fees::PAYMENTS,
    ];
    chapters.into_iter().flatten().copied()
}

/// The rows of a batch, as each chapter reads them.
pub struct Agreement {
    /// Years ascending, each with its rows.
    years: Vec<Vec<usize>>,
    /// By row.
    places: Vec<Place>,
    centres: usize,
    blocks: blocks::Columns,
    nursing_contracts: nursing_contracts::Columns,
    medical_contracts: medical_contracts::Columns,
    dental_contracts: dental_contracts::Columns,
    medical_assistants: medical_assistants::Columns,
    advanced_practice: advanced_practice::Columns,
    rosp: rosp::Columns,
    measures: Vec<rosp::Each<rosp::Measure>>,
    fees: fees::Columns,
}

/// Where a row stands among those of its centre.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    centre: usize,
    /// Whether the centre has a row for the year before.
    follows: bool,
}

/// What the rows of a centre leave to the next, chapter by chapter.
#[derive(Clone, Default)]
struct Account {
    blocks: blocks::Left,
    nursing: nursing_contracts::Left,
    medical: medical_contracts::Left,
    dental: dental_contracts::Left,
    assistants: medical_assistants::Left,
    practice: advanced_practice::Left,
    rosp: rosp::Left,
    fees: fees::Left,
}

impl Agreement {
    pub fn of(program: &Program, batch: &Batch) -> Self {
        let inputs = Inputs { program, batch };
        let history = History::of(program, batch);
        let mut order: Vec<usize> = (0..batch.rows).collect();
        order.sort_by_key(|row| history.years[*row]);
        let mut places = vec![Place::default(); batch.rows];
        let mut centres = 0;
        for row in &order {
            let earlier = history.past(Reach::Earlier, *row).map(|earlier| places[earlier].centre);
            let follows = history.past(Reach::LastYear, *row).is_some();
            places[*row] = Place { centre: earlier.unwrap_or(centres), follows };
            centres += usize::from(earlier.is_none());
        }
        let years = order.chunk_by(|a, b| history.years[*a] == history.years[*b]).map(<[usize]>::to_vec).collect();
        Self {
            years,
            places,
            centres,
            blocks: blocks::Columns::of(&inputs),
            nursing_contracts: nursing_contracts::Columns::of(&inputs),
            medical_contracts: medical_contracts::Columns::of(&inputs),
            dental_contracts: dental_contracts::Columns::of(&inputs),
            medical_assistants: medical_assistants::Columns::of(&inputs),
            advanced_practice: advanced_practice::Columns::of(&inputs),
            rosp: rosp::Columns::of(&inputs),
            measures: rosp::Measure::of(&inputs),
            fees: fees::Columns::of(&inputs),
        }
    }

    /// Hands over the payments of every row, years ascending: later years read what earlier ones leave. Chapters take
    /// so many rows at once, one after the other.
    pub fn pay(&self, at_once: usize, mut paid: impl FnMut(usize, &Cents)) {
        let all = || 0..self.places.len();
        let blocks = self.blocks.rows(all());
        let medical = self.medical_contracts.rows(all());
        let nursing = self.nursing_contracts.rows(all());
        let dental = self.dental_contracts.rows(all());
        let assistants = self.medical_assistants.rows(all());
        let practice = self.advanced_practice.rows(all());
        let rosp = self.rosp.rows(all());
        let fees = self.fees.rows(all());
        let mut accounts = vec![Account::default(); self.centres];
        let mut pages = vec![[0; COUNT]; at_once];
        for year in &self.years {
            let last = |row: &usize| {
                let Place { centre, follows } = self.places[*row];
                follows.then_some((*row, &accounts[centre].blocks))
            };
            let averages = blocks::average_advances(&blocks, year.iter().filter_map(last));
            for rows in year.chunks(at_once) {
                let places = &self.places;
                let mut sheet = Sheet { rows, places, accounts: &mut accounts, pages: &mut pages, filled: 0 };
                sheet.write(|i, account, follows| {
                    keep(&mut account.blocks, follows, |last| blocks::row(&blocks, i, last, &averages))
                });
                // Before the nursing contracts of the year take the place of those of the year before.
                sheet.write(|i, account, follows| {
                    let deferred = if follows { account.nursing.second_quarter } else { 0 };
                    keep(&mut account.medical, follows, |last| medical_contracts::row(&medical, i, last, deferred))
                });
                sheet.write(|i, account, follows| {
                    keep(&mut account.nursing, follows, |last| nursing_contracts::row(&nursing, i, last))
                });
                sheet.write(|i, account, follows| {
                    keep(&mut account.dental, follows, |last| dental_contracts::row(&dental, i, last))
                });
                sheet.write(|i, account, follows| {
                    let met = account.blocks.prerequisites_met;
                    keep(&mut account.assistants, follows, |last| medical_assistants::row(&assistants, i, last, met))
                });
                sheet.write(|i, account, follows| {
                    let met = account.blocks.prerequisites_met;
                    keep(&mut account.practice, follows, |last| advanced_practice::row(&practice, i, last, met))
                });
                sheet.write(|i, account, _| rosp::row(&rosp, &self.measures[i], i, &mut account.rosp));
                sheet.write(|i, account, follows| keep(&mut account.fees, follows, |last| fees::row(&fees, i, last)));
                rows.iter().zip(&pages).for_each(|(row, cents)| paid(*row, cents));
            }
        }
    }
}

/// Some rows of a year, and their payments as they are found.
struct Sheet<'a> {
    rows: &'a [usize],
    places: &'a [Place],
    accounts: &'a mut [Account],
    pages: &'a mut [Cents],
    filled: usize,
}

impl Sheet<'_> {
    /// Writes the payments of a chapter. It is told of each row, the account of the centre, and whether that account is
    /// of the year before.
    fn write<const N: usize>(&mut self, chapter: impl Fn(usize, &mut Account, bool) -> [i64; N]) {
        let from = self.filled;
        self.filled += N;
        for (row, page) in self.rows.iter().zip(&mut *self.pages) {
            let Place { centre, follows } = self.places[*row];
            page[from..from + N].copy_from_slice(&chapter(*row, &mut self.accounts[centre], follows));
        }
    }
}

/// Replaces what the year before leaves, if it does, by what a row leaves.
fn keep<const N: usize, Left>(
    left: &mut Left,
    follows: bool,
    row: impl FnOnce(Option<&Left>) -> ([i64; N], Left),
) -> [i64; N] {
    let (cents, leaves) = row(follows.then_some(left));
    *left = leaves;
    cents
}
