//! One test binary for the whole project.

mod amendments;
mod attribution;
mod bounds;
mod cli;
mod comparison;
mod corpus;
mod coverage;
mod differential;
mod docs;
mod explain;
mod format;
mod formats;
mod golden;
mod guide;
mod missing;
mod pages;
mod plan;
mod policies;
mod seal;
mod streaming;
mod synth;
mod tidy;
mod ui;
