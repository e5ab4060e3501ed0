//! What the terminal can show.

use std::io::{self, IsTerminal as _};

use polc_dsl::diagnostic::render::terminal::Style;

/// Width of lines that go elsewhere than to a terminal.
const DEFAULT_WIDTH: usize = 100;

/// How to draw on the standard output.
pub fn stdout_style() -> Style {
    style(io::stdout().is_terminal())
}

/// How to draw on the standard error.
pub fn stderr_style() -> Style {
    style(io::stderr().is_terminal())
}

/// How to draw in a file.
pub fn file_style() -> Style {
    style(false)
}

fn style(terminal: bool) -> Style {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let size = if terminal { terminal_size::terminal_size() } else { None };
    let width = size.map_or(DEFAULT_WIDTH, |(width, _)| usize::from(width.0).clamp(40, 160));
    Style { colour: terminal && !refused, width }
}

/// Whether someone watches the standard error.
pub fn is_watched() -> bool {
    io::stderr().is_terminal()
}
