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

/// Columns come and go by the megabyte: the allocator of the system gives each back, and asks for it again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    panic::install();
    // Columns come and go: a page of two mebibytes, cleared whole for each of them, takes longer than it saves.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    // Without a handler, an interruption would leave temporary files.
    let _ = ctrlc::set_handler(|| polc_runtime::io::output::abandon(exit::INTERRUPTED));
    match args::Cli::try_parse() {
        Ok(cli) => exit::code(commands::run(cli.command)),
        Err(error) => usage::report(&error),
    }
}
