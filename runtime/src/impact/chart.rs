//! Charts, as SVG that stands in the page. Coordinates are whole pixels; colours are those of the page. Each chart stands
//! beside a table that says the same.

use maud::{Markup, html};

use super::words::shortened;

/// Width of the drawing; the page scales it.
const WIDTH: i128 = 480;
/// A line of text with its room.
const LINE: i128 = 18;
/// Thickness of a bar.
const BAR: i128 = 12;

/// A pair of bars: a name, what it was and what it becomes, with the words of both.
#[derive(Debug)]
pub struct Pair {
    pub name: String,
    pub before: (i128, String),
    pub after: (i128, String),
}

/// For each name, two bars from zero.
pub fn pairs(title: &str, pairs: &[Pair]) -> Markup {
    let values = || pairs.iter().flat_map(|pair| [pair.before.0, pair.after.0]);
    let scale = Scale::of(values(), 48, 280);
    let step = 2 * BAR + 16;
    let height = step * length(pairs) + 4;
    drawing(
        title,
        height,
        &html! {
            @for (rank, pair) in (0i128..).zip(pairs) {
                @let top = rank * step + 4;
                text x="0" y=(top + BAR + 5) { (pair.name) }
                @for (offset, class, (value, words)) in [(0, "before", &pair.before), (BAR + 2, "after", &pair.after)] {
                    (bar(&scale, class, top + offset, 0, *value))
                    text.amount x="480" y=(top + offset + BAR - 1) { (words) }
                }
            }
        },
    )
}

/// A bar of a histogram: where it starts on the axis, how many rows, and whether they lose.
#[derive(Debug)]
pub struct Column {
    pub tick: String,
    pub rows: u64,
    pub loses: bool,
}

/// Columns side by side, in the order of the axis.
pub fn columns(title: &str, columns: &[Column]) -> Markup {
    const HEIGHT: i128 = 160;
    let most = columns.iter().map(|column| i128::from(column.rows)).max().unwrap_or(1).max(1);
    let count = length(columns).max(1);
    let at = |rank: i128| rank * WIDTH / count;
    // A tick takes the room of some four letters.
    let every = (count * 46).div_euclid(WIDTH) + 1;
    drawing(
        title,
        HEIGHT + 2 * LINE,
        &html! {
            @for (rank, column) in (0i128..).zip(columns) {
                @let high = (i128::from(column.rows) * HEIGHT).div_ceil_of(most);
                @let wide = (at(rank + 1) - at(rank) - 2).max(1);
                rect class=(if column.loses { "loses" } else { "gains" })
                    x=(at(rank)) y=(LINE + HEIGHT - high) width=(wide) height=(high) {}
                @if rank % every == 0 {
                    @if at(rank) > WIDTH - 44 {
                    text.tick.amount x=(WIDTH) y=(HEIGHT + 2 * LINE - 3) { (column.tick) }
                } @else {
                    text.tick x=(at(rank)) y=(HEIGHT + 2 * LINE - 3) { (column.tick) }
                }
                }
            }
            line x1="0" x2=(WIDTH) y1=(LINE + HEIGHT) y2=(LINE + HEIGHT) {}
        },
    )
}

/// A step of a waterfall.
#[derive(Debug)]
pub struct Fall {
    pub name: String,
    pub amount: i128,
    pub words: String,
}

/// Each step from where the one before ends; the last bar is the whole.
pub fn waterfall(title: &str, falls: &[Fall], total: &Fall) -> Markup {
    let mut ends = vec![0];
    for fall in falls {
        ends.push(ends[ends.len() - 1] + fall.amount);
    }
    let scale = Scale::of(ends.iter().copied().chain([total.amount]), 0, WIDTH - 2);
    let step = LINE + BAR + 12;
    let height = step * (length(falls) + 1) + 4;
    drawing(
        title,
        height,
        &html! {
            @for (rank, fall) in (0i128..).zip(falls.iter().chain([total])) {
                @let top = rank * step;
                @let from = if rank < length(falls) { ends[usize::try_from(rank).unwrap_or(0)] } else { 0 };
                @let class = if rank == length(falls) { "after" } else if fall.amount < 0 { "loses" } else { "gains" };
                text x="0" y=(top + LINE - 4) { (shortened(&fall.name, 38)) }
                text.amount x="480" y=(top + LINE - 4) { (fall.words) }
                (bar(&scale, class, top + LINE, from, from + fall.amount))
            }
        },
    )
}

/// How amounts become pixels.
struct Scale {
    low: i128,
    span: i128,
    left: i128,
    room: i128,
}

impl Scale {
    /// For some values and zero, over so many pixels from the left.
    fn of(values: impl Iterator<Item = i128>, left: i128, room: i128) -> Self {
        let (low, high) = values.fold((0, 0), |(low, high), value| (value.min(low), value.max(high)));
        Self { low, span: (high - low).max(1), left, room }
    }

    fn at(&self, value: i128) -> i128 {
        // Amounts near the largest integer lose the digits that no pixel shows.
        let shift = (128 - self.span.leading_zeros()).saturating_sub(100);
        self.left + ((value - self.low) >> shift) * self.room / (self.span >> shift).max(1)
    }
}

fn bar(scale: &Scale, class: &str, top: i128, from: i128, to: i128) -> Markup {
    let (left, right) = (scale.at(from.min(to)), scale.at(from.max(to)));
    html! {
        rect class=(class) x=(left) y=(top) width=((right - left).max(1)) height=(BAR) {}
    }
}

fn drawing(title: &str, height: i128, body: &Markup) -> Markup {
    html! {
        svg.chart role="img" aria-label=(title) viewBox=(format!("0 0 {WIDTH} {height}")) {
            title { (title) }
            (body)
        }
    }
}

fn length<T>(items: &[T]) -> i128 {
    items.len() as i128
}

/// Division of positive numbers, rounded up: what is not nothing is seen.
trait DivCeil {
    fn div_ceil_of(self, other: Self) -> Self;
}

impl DivCeil for i128 {
    fn div_ceil_of(self, other: Self) -> Self {
        (self + other - 1) / other
    }
}
