//! One file per command: its arguments, and what it does.

pub mod bench;
pub mod check;
pub mod coverage;
pub mod diff;
pub mod eval;
pub mod explain;
pub mod fmt;
pub mod generate;
pub mod impact;
pub mod readings;
pub mod schema;
pub mod seal;
pub mod test;
pub mod verify;

mod data;
mod policy;
mod replay;
mod version;
mod wording;

pub use wording::figures;

use crate::args::Command;
use crate::exit::Outcome;

pub fn run(command: Command) -> Outcome {
    match command {
        Command::Check(args) => check::run(&args),
        Command::Coverage(args) => coverage::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Fmt(args) => fmt::run(&args),
        Command::Generate(args) => generate::run(&args),
        Command::Impact(args) => impact::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Readings(args) => readings::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Seal(args) => seal::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Bench(args) => bench::run(&args),
    }
}
