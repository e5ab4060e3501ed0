//! A progress bar for work that lasts, on a terminal only.

use std::fmt::Write;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::commands::figures;
use crate::terminal;

/// Below so many rows, the work is done before anybody has read the bar.
const LONG: usize = 100_000;
/// The same, with the interpreter.
const LONG_INTERPRETED: usize = 5_000;

/// A bar over rows; hidden where nobody watches or the work is short.
pub fn rows(count: usize, interpreted: bool) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(count as u64), ProgressDrawTarget::hidden());
    let long = if interpreted { LONG_INTERPRETED } else { LONG };
    if count < long || !terminal::is_watched() {
        return bar;
    }
    let style = ProgressStyle::with_template("{bar:30} {faites} lignes sur {toutes}, reste {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("faites", |state: &ProgressState, out: &mut dyn Write| number(out, state.pos()))
        .with_key("toutes", move |_: &ProgressState, out: &mut dyn Write| number(out, count as u64));
    bar.set_style(style);
    bar.set_draw_target(ProgressDrawTarget::stderr());
    bar
}

fn number(out: &mut dyn Write, value: u64) {
    // What a bar could not draw is no reason to stop.
    let _ = out.write_str(&figures(usize::try_from(value).unwrap_or(usize::MAX)));
}
