//! How diagnostics look: for people on a terminal, and for programs.

pub mod json;
pub mod terminal;
