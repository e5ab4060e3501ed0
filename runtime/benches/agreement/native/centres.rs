//! What several chapters say of a centre.

use super::dates::Year;

// Article 3: the kinds of centre.
pub const MEDICAL: u8 = 0;
pub const POLYVALENT: u8 = 1;
pub const NURSING: u8 = 2;
pub const DENTAL: u8 = 3;
pub const KINDS: [u8; 4] = [MEDICAL, POLYVALENT, NURSING, DENTAL];

// Article 19: what a profession lacks where the centre is.
pub const OUTSIDE_ZONES: u8 = 0;
pub const UNDERSERVED: u8 = 1;
pub const VERY_UNDERSERVED: u8 = 2;

/// Doctors are what a medical or polyvalent centre is for.
#[inline]
pub fn is_medical(kind: u8) -> bool {
    kind == MEDICAL || kind == POLYVALENT
}

/// Article 3: the agreement governs the years by the end of which a centre has joined.
#[inline]
pub fn joined_by_end_of(year: Year, joined: Option<i32>) -> Option<i32> {
    joined.filter(|joined| *joined <= year.last)
}

/// Article 7: nurses of a polyvalent centre are many if there are four, and one for two doctors.
#[inline]
pub fn has_many_nurses(nurses: i32, doctors: i32) -> bool {
    2 * nurses >= doctors && nurses >= 400
}

/// Article 7: a polyvalent centre whose dentists earn a fifth of the fees.
#[inline]
pub fn has_dental_activity(dental_fees: i64, fees: i64) -> bool {
    fees > 0 && 5 * dental_fees >= fees
}
