//! How a command ends.

use std::io::{self, Write as _};
use std::process::ExitCode;

use polc_runtime::diagnostics::{DataProblem, Problems};
use polc_runtime::io::csv::Refusal;

use crate::usage;

/// The code of a program that was interrupted, as shells say it.
pub const INTERRUPTED: i32 = 130;

/// Why a command did not do its job.
#[derive(Debug)]
pub enum Failure {
    /// The policy or the data is wrong: what to say of it on the standard error.
    Refused(String),
    /// The policy or the data is wrong, and that was said.
    Reported,
    /// The command line is wrong.
    Usage(String),
    /// The reader of our output went away.
    BrokenPipe,
}

pub type Outcome = Result<(), Failure>;

impl From<io::Error> for Failure {
    /// For the standard output, the only place written to without a name.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::BrokenPipe;
        }
        polc_runtime::diagnostics::unwritable(&"sortie standard".into(), &error).into()
    }
}

impl From<DataProblem> for Failure {
    fn from(problem: DataProblem) -> Self {
        Self::Refused(problem.to_string())
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Refused(problems.to_string())
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        refusal.problems.into()
    }
}

/// Says what there is to say, and gives the exit code.
pub fn code(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) | Err(Failure::BrokenPipe) => ExitCode::SUCCESS,
        Err(Failure::Reported) => ExitCode::from(1),
        Err(Failure::Refused(message)) => {
            // If the standard error is closed, there is nobody to tell.
            let _ = writeln!(io::stderr(), "{message}");
            ExitCode::from(1)
        }
        Err(Failure::Usage(message)) => {
            let _ = writeln!(io::stderr(), "{}", usage::sentence(&message));
            ExitCode::from(2)
        }
    }
}
