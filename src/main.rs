//! `polc`: the command line. Each command is one file of `commands`; this one only starts and ends.
//!
//! The exit code is 0 when the command did its job, 1 when the policy or the data is wrong, 2 when the command line is.

mod args;
mod commands;
mod exit;
mod panic;
mod progress;
mod terminal;
mod usage;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    panic::install();
    // Without a handler, an interruption would leave temporary files.
    let _ = ctrlc::set_handler(|| polc_runtime::io::output::abandon(exit::INTERRUPTED));
    match args::Cli::try_parse() {
        Ok(cli) => exit::code(commands::run(cli.command)),
        Err(error) => usage::report(&error),
    }
}
