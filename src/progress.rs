//! A progress bar for work that lasts, on a terminal only.

use std::fmt::Write;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use polc_runtime::io::stream::Progress;

use crate::commands::figures;
use crate::terminal;

/// Below so many rows, the work is done before anybody has read the bar.
const LONG: u64 = 100_000;
/// The same, with the interpreter.
const LONG_INTERPRETED: u64 = 5_000;

/// A bar over rows, as many as there are known to be so far; hidden where nobody watches or the work is short.
#[derive(Debug)]
pub struct Rows {
    bar: ProgressBar,
    /// Rows from which the work is long.
    long: u64,
}

impl Rows {
    pub fn new(interpreted: bool) -> Self {
        let long = if interpreted { LONG_INTERPRETED } else { LONG };
        Self { bar: ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden()), long }
    }

    /// Leaves nothing on the terminal.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Progress for Rows {
    fn found(&self, rows: usize) {
        let before = self.bar.length().unwrap_or(0);
        let known = before + rows as u64;
        self.bar.set_length(known);
        if before >= self.long || known < self.long || !terminal::is_watched() {
            return;
        }
        let style = ProgressStyle::with_template("{bar:30} {faites} lignes sur {toutes}, reste {eta}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .with_key("faites", |state: &ProgressState, out: &mut dyn Write| number(out, state.pos()))
            .with_key("toutes", |state: &ProgressState, out: &mut dyn Write| number(out, state.len().unwrap_or(0)));
        self.bar.set_style(style);
        self.bar.set_draw_target(ProgressDrawTarget::stderr());
    }

    fn done(&self, rows: usize) {
        self.bar.inc(rows as u64);
    }
}

fn number(out: &mut dyn Write, value: u64) {
    // What a bar could not draw is no reason to stop.
    let _ = out.write_str(&figures(usize::try_from(value).unwrap_or(usize::MAX)));
}
