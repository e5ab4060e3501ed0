//! One test binary for the whole project.

mod corpus;
mod docs;
mod ui;
mod differential;
mod cli;
mod synth;
mod tidy;
mod policies;
