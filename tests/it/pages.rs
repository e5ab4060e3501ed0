//! The pages: sound HTML, complete without the network, usable with a keyboard and on a narrow screen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use polc_compiler::typed::{Program, QuantityId, QuantityKind};
use polc_runtime::explain::{Explainer, Statement};
use polc_runtime::io::csv::{Request, Table, read};
use polc_runtime::missing::missing;
use polc_runtime::policy::Policy;
use scraper::{ElementRef, Html, Node, Selector};

/// What is wrong with a page, each problem in a sentence; nothing for a page as it should be.
pub(crate) fn problems(page: &str) -> Vec<String> {
    let document = Html::parse_document(page);
    let mut found: Vec<String> = document.errors.iter().map(|error| format!("syntax: {error}")).collect();
    let mut expect = |holds: bool, problem: String| {
        if !holds {
            found.push(problem);
        }
    };
    let all = |selector: &str| select(&document, selector);
    let head = page.get(..15).unwrap_or_default();
    expect(head.eq_ignore_ascii_case("<!DOCTYPE html>"), format!("starts with {head}"));
    let lang = document.root_element().attr("lang");
    expect(lang.is_some_and(|lang| !lang.is_empty()), "no language".to_owned());
    expect(all("meta[charset]").len() == 1, "no charset".to_owned());
    let viewport = all("meta[name=viewport]");
    let narrow = |meta: &ElementRef<'_>| meta.attr("content").is_some_and(|text| text.contains("width=device-width"));
    expect(viewport.len() == 1 && viewport.iter().all(narrow), "no viewport".to_owned());
    expect(all("h1").len() == 1, format!("{} h1", all("h1").len()));
    let titled = all("title").first().is_some_and(|title| !text(*title).trim().is_empty());
    expect(titled, "no title".to_owned());
    resources(&document, &mut expect);
    links(&document, &mut expect);
    for details in all("details") {
        let first = details.children().find(|node| match node.value() {
            Node::Text(text) => !text.trim().is_empty(),
            node => node.is_element(),
        });
        let summary = first.and_then(ElementRef::wrap).filter(|element| element.value().name() == "summary");
        let said = summary.is_some_and(|summary| !text(summary).trim().is_empty());
        expect(said, format!("a details without summary: {}", text(details).chars().take(60).collect::<String>()));
    }
    found
}

fn select<'d>(document: &'d Html, selector: &str) -> Vec<ElementRef<'d>> {
    document.select(&Selector::parse(selector).expect("a selector")).collect()
}

fn text(element: ElementRef<'_>) -> String {
    element.text().collect()
}

/// Nothing comes from elsewhere: no file, no style, no script, no font.
fn resources(document: &Html, expect: &mut impl FnMut(bool, String)) {
    for element in select(document, "*") {
        let name = element.value().name();
        expect(!matches!(name, "link" | "iframe" | "object" | "embed" | "base"), format!("<{name}>"));
        for (attribute, value) in element.value().attrs() {
            let local = value.starts_with('#') || value.starts_with("data:");
            let loads = matches!(attribute, "src" | "srcset" | "poster" | "data" | "background" | "action")
                || (attribute == "href" && name != "a");
            expect(!loads || local, format!("<{name} {attribute}={value}>"));
            expect(!attribute.starts_with("on"), format!("<{name} {attribute}>"));
            expect(attribute != "style" || !value.contains("url("), format!("<{name} style={value}>"));
        }
    }
    for style in select(document, "style") {
        let style = text(style);
        expect(!style.contains("@import") && !style.contains("url("), "a style that loads something".to_owned());
    }
}

/// Each identifier is of one element, and each link of the page leads to one.
fn links(document: &Html, expect: &mut impl FnMut(bool, String)) {
    let mut ids = BTreeSet::new();
    for element in select(document, "[id]") {
        let id = element.attr("id").unwrap_or_default();
        expect(!id.is_empty() && !id.contains(char::is_whitespace), format!("id « {id} »"));
        expect(ids.insert(id), format!("id « {id} » twice"));
    }
    for link in select(document, "a[href^='#']") {
        let target = link.attr("href").unwrap_or_default().trim_start_matches('#');
        expect(ids.contains(target), format!("no target for #{target}"));
        expect(!text(link).trim().is_empty(), format!("an empty link to #{target}"));
    }
}

#[test]
fn the_checker_sees_what_is_wrong() {
    let page = |head: &str, body: &str| {
        let head =
            format!("<meta charset=utf-8><meta name=viewport content=\"width=device-width\"><title>t</title>{head}");
        problems(&format!("<!DOCTYPE html><html lang=fr><head>{head}</head><body><h1>t</h1>{body}</body></html>"))
    };
    assert_eq!(page("", "<a href=#x>x</a><p id=x>x</p><details><summary>s</summary>t</details>"), Vec::<String>::new());
    for (head, body) in [
        ("", "<h1>u</h1>"),
        ("", "<p id=x></p><p id=x></p>"),
        ("", "<a href=#y>y</a>"),
        ("", "<details>t<summary>s</summary></details>"),
        ("", "<details><p>s</p></details>"),
        ("", "<img src=https://example.org/x.png alt=x>"),
        ("<link rel=stylesheet href=x.css>", ""),
        ("<style>@import 'x.css';</style>", ""),
        ("<style>p { background: url(x.png) }</style>", ""),
        ("", "<p onclick=x>p</p>"),
        ("", "<p><b>x</p>"),
        ("", "<p></span>"),
    ] {
        assert!(!page(head, body).is_empty(), "{head}{body}");
    }
    assert!(!problems("<html><body><h1>t</h1></body></html>").is_empty());
}

pub(crate) fn payments(program: &Program) -> Vec<QuantityId> {
    program.outputs().filter(|id| program.quantity(*id).kind == QuantityKind::Payment).collect()
}

/// The data shipped with a policy.
pub(crate) fn shipped(policy: &Policy, data: &str, outputs: &[QuantityId]) -> Table {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("policies").join(data);
    let bytes = std::fs::read(path).expect("the data of the policy");
    read(data, bytes, &Request::new(&policy.program, outputs)).expect("sound data")
}

pub(crate) fn communities() -> Arc<Policy> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/aci-cpts");
    Arc::new(Policy::load(&path, &polc_compiler::Selection::default()).expect("a sound policy"))
}

/// Full accounts, with what is missing, of some rows of both shipped policies.
pub(crate) fn accounts() -> Vec<Statement> {
    let communities = communities();
    let mut found = Vec::new();
    for (policy, data, step) in [
        (super::policies::agreement(), "accord-cds/donnees/centres.csv", 900),
        (&*communities, "aci-cpts/donnees/cpts.csv", 130),
    ] {
        let outputs = payments(&policy.program);
        let table = shipped(policy, data, &outputs);
        let explainer = Explainer::new(policy, &table.batch);
        for row in (7..table.batch.rows).step_by(step) {
            let mut statement = explainer.account(row, &outputs).expect("results");
            statement.locate(&policy.program, &table, row);
            statement.missing = Some(missing(&explainer, row, &outputs).expect("results"));
            found.push(statement);
        }
    }
    assert!(found.len() > 8);
    found
}

#[test]
fn statements_are_sound_pages() {
    for statement in accounts() {
        let page = statement.to_html();
        assert_eq!(problems(&page), Vec::<String>::new(), "{:?}", statement.key);
        assert_eq!(super::explain::nonconformity(&statement), None);
        let document = Html::parse_document(&page);
        // What the decree asks of an individual explanation: four sections, each with something to say.
        let mut items = BTreeMap::new();
        for section in select(&document, "section") {
            let legal = section.select(&Selector::parse(".legal").expect("a selector")).map(text).collect::<String>();
            let said = text(section).len() - legal.len();
            if let Some(item) = legal.strip_suffix('°').and_then(|legal| legal.chars().last()) {
                *items.entry(item).or_insert(0) += said;
            }
        }
        assert_eq!(items.keys().copied().collect::<String>(), "1234");
        assert!(items.values().all(|said| *said > 150), "{items:?}");
        for name in &statement.results {
            assert_eq!(select(&document, &format!("[id='q-{name}']")).len(), 1, "{name}");
        }
        let markdown = statement.to_markdown();
        for name in &statement.results {
            assert!(markdown.contains(&name.replace('_', "\\_")), "{name}");
        }
        for item in 1..=4 {
            assert!(markdown.contains(&format!("R. 311-3-1-2, {item}°")));
        }
    }
}
