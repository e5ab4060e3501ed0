//! What the contracts of article 19 have in common.

/// One, of a rate in ten-thousandths.
pub const WHOLE: i64 = 10_000;
/// What a region may add to an aid.
const LARGEST_INCREASE: i32 = 2_000;

/// One and the increase that the region adds, in ten-thousandths.
pub fn increased(rate: i32) -> i64 {
    WHOLE + i64::from(rate.min(LARGEST_INCREASE))
}

/// Conditions are examined at the signature: later years keep the answer of the year before where there is one.
pub fn is_entitled(before: Option<bool>, signed_this_year: bool, conditions: impl FnOnce() -> bool) -> bool {
    before.filter(|_| !signed_this_year).unwrap_or_else(conditions)
}

/// Articles 19.1.4 and 19.7.4: posts beyond the third are paid at once for the first two years, then in the second
/// quarter of the next.
pub fn deferred(rank: i32, posts: i64) -> i64 {
    if rank > 1 { posts } else { 0 }
}
