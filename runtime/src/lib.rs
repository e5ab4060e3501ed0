//! Data files, reference interpreter, batch engine and explanations for .pol policies.

pub mod bench;
pub mod coverage;
pub mod diagnostics;
pub mod engine;
pub mod examples;
pub mod expected;
pub mod explain;
pub mod html;
pub mod interp;
pub mod io;
pub mod missing;
pub mod needs;
pub mod policy;
mod say;
mod suppose;
pub mod synth;
pub mod table;
pub mod testing;
pub mod totals;
