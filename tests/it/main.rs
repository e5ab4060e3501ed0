//! One test binary for the whole project.

mod ui;
mod differential;
