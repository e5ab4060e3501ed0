//! The main block by itself, over many rows: what the code compiled for this one payment is measured against.

use super::period::Period;
use super::{Columns, View, main_block};
use crate::native::amounts::WITHOUT_OBJECT;
use crate::native::centres::{DENTAL, KINDS, MEDICAL, NURSING, POLYVALENT};

/// The payment of a row. `kind` is known where this is written out.
#[inline(always)]
fn payment(c: &View<'_>, i: usize, kind: u8, software_paid_before: &[bool]) -> i64 {
    let Some(period) = Period::of(c, i) else { return WITHOUT_OBJECT };
    let standing = main_block::standing(c, i, kind, &period, || software_paid_before[i]);
    main_block::cents(c, i, kind, &period, &standing)
}

/// Every row in its order, in cents. `software_paid_before`: whether the software was paid for the year before.
pub fn row_by_row(columns: &Columns, software_paid_before: &[bool], cents: &mut [i64]) {
    let rows = columns.annee.len();
    let (c, before) = (columns.rows(0..rows), &software_paid_before[..rows]);
    for (i, cents) in cents.iter_mut().enumerate().take(rows) {
        *cents = match c.type_centre[i] {
            MEDICAL => payment(&c, i, MEDICAL, before),
            POLYVALENT => payment(&c, i, POLYVALENT, before),
            NURSING => payment(&c, i, NURSING, before),
            _ => payment(&c, i, DENTAL, before),
        };
    }
}

/// Rows that stand by kind: one loop for each.
pub fn kind_by_kind(columns: &Columns, software_paid_before: &[bool], cents: &mut [i64]) {
    #[inline(always)]
    fn run(c: &View<'_>, cents: &mut [i64], of: impl Fn(&View<'_>, usize) -> i64) {
        for (i, cents) in cents.iter_mut().enumerate().take(c.annee.len()) {
            *cents = of(c, i);
        }
    }
    let start = |kind| columns.type_centre.partition_point(|known| *known < kind);
    for kind in KINDS {
        let range = start(kind)..start(kind + 1);
        let (c, cents) = (columns.rows(range.clone()), &mut cents[range.clone()]);
        let before = &software_paid_before[range];
        match kind {
            MEDICAL => run(&c, cents, |c, i| payment(c, i, MEDICAL, before)),
            POLYVALENT => run(&c, cents, |c, i| payment(c, i, POLYVALENT, before)),
            NURSING => run(&c, cents, |c, i| payment(c, i, NURSING, before)),
            _ => run(&c, cents, |c, i| payment(c, i, DENTAL, before)),
        }
    }
}
