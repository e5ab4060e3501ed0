//! A statement as one page: complete without the network, to read, to link to and to print.
//!
//! Every quantity told has an identifier, « q- » and its name; data have « d- », parameters « p- », readings « l- », what is
//! not earned « m- ».

use maud::{Markup, html};

use super::headings as say;
use super::lacks;
use super::pages::{self, Results};
use super::statement::*;
use super::text::{Branch, Look, Mention, Piece, Row, Style, Tree, formula_text, in_parentheses, short_place};
use super::words;
use crate::html::page;

const STYLE: &str = include_str!("statement.css");
/// Branches deeper than what a tree of this width holds are told apart: a narrow screen has no room for them.
const WIDTH: usize = 66;

impl Statement {
    /// The statement as a page.
    #[must_use]
    pub fn to_html(&self) -> String {
        let key = pages::key(self);
        let body = html! {
            header {
                h1 { (self.policy.title) }
                p.subject { (key) }
                p.soft { (say::LEGAL_AIM) }
                @if let Some(total) = &self.total { p.total { (say::TOTAL) " : " strong.figure { (total.text) } } }
                (contents(self))
            }
            main {
                (sums(self))
                (contribution(self))
                (operations(self))
                @if let Some(missing) = &self.missing { (lacks(self, missing)) }
                (parameters(self))
                (readings(self))
                (data(self))
            }
        };
        page(&say::title(&self.policy.title, &key), STYLE, &body)
    }
}

fn contents(statement: &Statement) -> Markup {
    let sections = [
        ("sommes", Some(say::SUMS)),
        ("contribution", Some(say::CONTRIBUTION)),
        ("operations", Some(say::OPERATIONS)),
        ("manques", statement.missing.as_ref().map(|_| say::MISSING)),
        ("parametres", Some(say::PARAMETERS)),
        ("lectures", Some(say::READINGS)),
        ("donnees", Some(say::DATA)),
    ];
    html! {
        nav {
            ul { @for (id, title) in sections { @if let Some(title) = title { li { a href={ "#" (id) } { (title) } } } } }
        }
    }
}

/// The title of a section, with the item of the decree that it answers.
fn heading(title: &str, rank: Option<u32>) -> Markup {
    html! {
        h2 { (title) }
        @if let Some(rank) = rank { p.legal { (say::legal(rank)) } }
    }
}

fn sums(statement: &Statement) -> Markup {
    let title = |name: &str| statement.quantity(name).map_or_else(|| name.to_owned(), |view| view.title.clone());
    html! {
        section #sommes {
            (heading(say::SUMS, None))
            @if statement.chapters.is_empty() { p { (say::NO_PAYMENT) } } @else {
                p.soft { (say::SUMS_LEAD) }
                table.sums {
                    thead { tr { th { (say::CHAPTER) } th { (say::PAYMENTS) } th.figure { (say::AMOUNT) } } }
                    tbody {
                        @for chapter in &statement.chapters {
                            tr {
                                td { strong { (chapter.title) } }
                                td {
                                    ul.plain { @for name in &chapter.payments {
                                        li { a href={ "#q-" (name) } { (title(name)) } }
                                    } }
                                }
                                td.figure { (chapter.total.text) }
                            }
                        }
                    }
                    @if let Some(total) = &statement.total {
                        tfoot { tr { th scope="row" colspan="2" { (say::TOTAL) } td.figure { strong { (total.text) } } } }
                    }
                }
            }
        }
    }
}

fn contribution(statement: &Statement) -> Markup {
    html! {
        section #contribution {
            (heading(say::CONTRIBUTION, Some(1)))
            @for sentence in pages::contribution(statement) { p { (sentence) } }
        }
    }
}

// ------------------------------------------------------------------------------------------------------- operations

fn operations(statement: &Statement) -> Markup {
    let results = Results::of(statement);
    let mut tree = Tree::new(statement, Style { colour: false, width: WIDTH });
    let paid: Vec<Branch> = results.paid.iter().map(|name| tree.told(name)).collect();
    let shared = tree.told_later();
    let zero: Vec<Branch> = results.zero.iter().map(|name| tree.told(name)).collect();
    let rest = tree.told_later();
    let last = tree.told_last();
    let without: Vec<(&str, &str)> =
        results.without_object.iter().map(|name| (*name, title(statement, name))).collect();
    html! {
        section #operations {
            (heading(say::OPERATIONS, Some(4)))
            p { (say::OPERATIONS_LEAD) }
            @if paid.is_empty() { p { (say::NO_PAYMENT) } }
            @for branch in &paid { div.payment { (told(branch)) } }
            @if !shared.is_empty() {
                h3 { (say::SHARED) }
                @for branch in &shared { (told(branch)) }
            }
            @if !zero.is_empty() || !without.is_empty() {
                details.nothing {
                    summary { (say::nothing_paid(zero.len(), without.len())) }
                    @for branch in zero.iter().chain(&rest) { (told(branch)) }
                    @for (name, title) in &without {
                        div.line id={ "q-" (name) } { (words_of(title, name)) span.figure { (words::without_object()) } }
                    }
                }
            }
            @if !last.is_empty() {
                details.nothing {
                    summary { (say::REST) }
                    @for branch in &last { (told(branch)) }
                }
            }
        }
    }
}

fn title<'s>(statement: &'s Statement, name: &'s str) -> &'s str {
    statement.quantity(name).map_or(name, |view| &view.title)
}

fn words_of(title: &str, name: &str) -> Markup {
    html! { span.words { strong { (title) } " " span.soft { "(" (name) ")" } } }
}

/// A branch: its first line always in sight, the rest folded under it.
fn told(branch: &Branch) -> Markup {
    let Some((first, more)) = branch.rows.split_first() else { return html! {} };
    let id = match &branch.mention {
        Some(Mention::Told(name)) => Some(format!("q-{name}")),
        Some(Mention::Lack(name)) => Some(format!("m-{name}")),
        _ => None,
    };
    let target = match &branch.mention {
        Some(Mention::Elsewhere(name)) => Some(format!("#q-{name}")),
        Some(Mention::Input(name)) => Some(format!("#d-{name}")),
        Some(Mention::Parameter(name)) => Some(format!("#p-{name}")),
        Some(Mention::Told(_) | Mention::Lack(_)) | None => None,
    };
    if branch.below.is_empty() && more.len() < 2 {
        return html! {
            div.line id=[id] { (line(first, target.as_deref())) }
            @for row in more { div.line.more { (line(row, None)) } }
        };
    }
    html! {
        details id=[id] {
            summary { (line(first, target.as_deref())) }
            @for row in more { div.line.more { (line(row, None)) } }
            @for child in &branch.below { (told(child)) }
        }
    }
}

fn line(row: &Row, target: Option<&str>) -> Markup {
    let piece = |piece: &Piece| {
        html! {
            @match piece.look {
                Look::Plain => { (piece.text) },
                Look::Title => { strong { (piece.text) } },
                Look::Faint => { span.soft { (piece.text) } },
                Look::Alert => { span.alert { (piece.text) } },
            }
        }
    };
    // The name is the link, without what is said after it.
    let name = row.pieces.iter().position(|piece| piece.look == Look::Title).unwrap_or(0);
    html! {
        span.words {
            @for (rank, part) in row.pieces.iter().enumerate() {
                @match target.filter(|_| rank == name) {
                    Some(target) => { a href=(target) { (piece(part)) } },
                    None => { (piece(part)) },
                }
            }
        }
        @if !row.right.is_empty() { " " span.figure { (row.right) } }
    }
}

// -------------------------------------------------------------------------------------------- parameters and readings

fn parameters(statement: &Statement) -> Markup {
    let uses = pages::uses(statement);
    html! {
        section #parametres {
            (heading(say::PARAMETERS, Some(3)))
            @if statement.parameters.is_empty() { p { (say::NO_PARAMETER) } } @else {
                p { (say::PARAMETERS_LEAD) }
                table {
                    thead { tr {
                        th { (say::TITLE) } th.figure { (say::VALUE) } th { (say::REFERENCE) } th { (say::WHERE) }
                    } }
                    tbody { @for parameter in &statement.parameters {
                        tr id={ "p-" (parameter.name) } {
                            td { (parameter.title) br; span.soft { (parameter.name) } }
                            td.figure { (parameter.value.text) (years(parameter)) }
                            td { (words::references(&parameter.references)) }
                            td { ul.plain { @for used in uses.get(&*parameter.name).into_iter().flatten() {
                                li {
                                    a href={ "#q-" (used.quantity.name) } { (used.quantity.title) }
                                    @if let Some(text) = used.calculation { br; span.soft { (formula_text(text)) } }
                                }
                            } } }
                        }
                    } }
                }
            }
        }
    }
}

fn years(parameter: &ParameterView) -> Markup {
    let years = [parameter.first_year.map(words::since), parameter.last_year.map(words::until)];
    html! { @for text in years.into_iter().flatten() { br; span.soft { (text) } } }
}

fn readings(statement: &Statement) -> Markup {
    let (telling, silent): (Vec<_>, Vec<_>) =
        statement.applied.iter().partition(|reading| reading.alternatives.iter().any(pages::changes));
    html! {
        section #lectures {
            (heading(say::READINGS, Some(3)))
            p { @if statement.applied.is_empty() { (say::NO_READING) } @else { (say::READINGS_LEAD) } }
            @for reading in telling { (reading_view(statement, reading)) }
            @if !silent.is_empty() {
                details.nothing {
                    summary { (say::without_effect(silent.len())) }
                    @for reading in silent { (reading_view(statement, reading)) }
                }
            }
        }
    }
}

fn reading_view(statement: &Statement, reading: &AppliedReading) -> Markup {
    html! {
        details.reading id={ "l-" (reading.name) } {
            summary {
                span.words { (reading.question) " " span.soft { (in_parentheses(&reading.references).trim()) } }
            }
            p {
                strong { (reading.text) } ", "
                @if reading.retained { (say::RETAINED) } @else { span.alert { (say::CHOSEN) } }
                " " span.soft { (reading.name) " = " (reading.variant) ", " (short_place(&reading.place)) }
            }
            @if !reading.reason.is_empty() { p.soft { (say::reason(&reading.reason)) } }
            p.soft {
                @for (rank, name) in reading.quantities.iter().enumerate() {
                    @if rank > 0 { " ; " }
                    @if statement.quantity(name).is_some_and(|view| view.rule.is_some()) {
                        a href={ "#q-" (name) } { (title(statement, name)) }
                    } @else { (name) }
                }
            }
            @for alternative in &reading.alternatives {
                div.alternative {
                    div.line {
                        span.words { (alternative.text) " " span.soft { (alternative.variant) } }
                        " " span.figure { (pages::outcome(alternative)) }
                    }
                    @if let Some(effect) = &alternative.effect { (payments(effect)) }
                }
            }
        }
    }
}

/// The payments that an effect changes.
fn payments(effect: &EffectView) -> Markup {
    html! {
        @for payment in &effect.payments {
            div.line.more {
                span.words { a href={ "#q-" (payment.name) } { (payment.title) } }
                " " span.figure {
                    (say::change(&amount(payment.before.as_ref()), &amount(payment.after.as_ref())))
                    " (" (words::signed(&payment.difference.text)) ")"
                }
            }
        }
    }
}

fn amount(value: Option<&ValueView>) -> String {
    value.map_or_else(|| words::without_object().to_owned(), |value| value.text.clone())
}

// ------------------------------------------------------------------------------------------------------------- data

fn data(statement: &Statement) -> Markup {
    let earlier = pages::earlier(statement);
    html! {
        section #donnees {
            (heading(say::DATA, Some(2)))
            @for sentence in pages::source(statement) { p { (sentence) } }
            p { @if statement.inputs.is_empty() { (say::NO_DATA) } @else { (say::DATA_LEAD) } }
            @if !statement.inputs.is_empty() {
                table.data {
                    thead { tr {
                        th { (say::NAME) } th { (say::MEANING) } th.figure { (say::VALUE) } th { (say::ORIGIN) }
                        th { (say::REFERENCE) }
                    } }
                    tbody { @for input in &statement.inputs {
                        tr id={ "d-" (input.name) } {
                            td { (input.name) }
                            td { (input.meaning) }
                            td.figure { (input.value.as_ref().map(pages::value).unwrap_or_default()) }
                            td { (pages::origin(input)) }
                            td { (words::references(&input.references)) }
                        }
                    } }
                }
            }
            @if !earlier.is_empty() {
                h3 { (say::EARLIER) }
                @for read in earlier {
                    div.line {
                        span.words { (read.name) " " span.soft { (words::in_year(read.year.unwrap_or_default())) } }
                        " " span.figure {
                            @if read.row_found == Some(false) { (words::no_row(read.year.unwrap_or_default())) }
                            @else { (amount(read.value.as_ref())) }
                        }
                    }
                }
            }
        }
    }
}

// ------------------------------------------------------------------------------------------------------------ missing

fn lacks(statement: &Statement, missing: &[Missing]) -> Markup {
    let (worth, rest) = lacks::branches(statement);
    html! {
        section #manques {
            (heading(say::MISSING, None))
            @if missing.is_empty() { p { (words::nothing_lacks()) } } @else { p { (say::MISSING_LEAD) } }
            @for branch in &worth { div.payment { (told(branch)) } }
            @if !rest.is_empty() {
                details.nothing {
                    summary { (words::lacks_without_effect(rest.len())) }
                    @for branch in &rest { (told(branch)) }
                }
            }
        }
    }
}
