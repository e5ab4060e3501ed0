//! A progress bar for work that lasts, on a terminal only.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::terminal;

/// Below so many rows, the work is done before anybody has read the bar.
const LONG: usize = 100_000;

/// A bar over rows; hidden where nobody watches or the work is short.
pub fn rows(count: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(count as u64), ProgressDrawTarget::hidden());
    if count < LONG || !terminal::is_watched() {
        return bar;
    }
    let style = ProgressStyle::with_template("{bar:30} {human_pos} lignes sur {human_len}, reste {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_draw_target(ProgressDrawTarget::stderr());
    bar
}
