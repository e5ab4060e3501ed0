//! Broken files against libraries that trust them: what a decoder does not survive is an error of the file, not of the program.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread decodes a file of someone else: a panic is then no fault of the program.
#[must_use]
pub fn is_guarded() -> bool {
    GUARDED.get()
}

/// What the decoder gives; `None` if it panics.
pub(crate) fn guarded<T>(decode: impl FnOnce() -> T) -> Option<T> {
    let before = GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(decode));
    GUARDED.set(before);
    result.ok()
}
