//! Data files, reference interpreter, batch engine and explanations for .pol policies.

pub mod bench;
pub mod bounds;
pub mod coverage;
pub mod diagnostics;
pub mod diff;
pub mod engine;
pub mod examples;
pub mod expected;
pub mod explain;
pub mod html;
pub mod impact;
pub mod interp;
pub mod io;
pub mod missing;
pub mod needs;
mod plain;
pub mod plan;
pub mod policy;
pub mod readings;
mod say;
pub mod seal;
mod suppose;
pub mod synth;
pub mod table;
pub mod testing;
pub mod totals;
