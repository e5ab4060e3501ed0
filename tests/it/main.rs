//! One test binary for the whole project.

mod amendments;
mod cli;
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
mod policies;
mod streaming;
mod synth;
mod tidy;
mod ui;
