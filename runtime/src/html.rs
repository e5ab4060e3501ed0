//! The shell of the pages: one file each, complete without the network, readable on a narrow screen and on paper.

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// What every page looks like.
const STYLE: &str = include_str!("html/page.css");

/// A whole page. `style` adds rules of its own to the common ones.
#[must_use]
pub fn page(title: &str, style: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="fr" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) (PreEscaped(style)) }
            }
            body { (body) }
        }
    };
    page.into_string()
}
