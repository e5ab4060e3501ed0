//! A comparison as one page.

use maud::{Markup, html};

use super::chart::{Column, Fall, Pair, columns, pairs, waterfall};
use super::histogram::ends;
use super::report::{End, Report};
use super::tally::Cell;
use super::words::{self, count, figures};
use super::{french, signed};

const STYLE: &str = include_str!("report.css");

/// The page, complete without the network.
#[must_use]
pub fn page(report: &Report) -> String {
    let title = format!("{} : ce qui change", report.title);
    let body = html! {
        main {
            h1 { (title) }
            (summary(report))
            (years(report))
            (clauses(report))
            (spread(report))
            @for rank in 0..report.tally.groupings.len() { (grouping(report, rank)) }
            (payments(report))
            (most(report))
            (failures(report))
            (method(report))
        }
    };
    crate::html::page(&title, STYLE, &body)
}

/// A table: what its columns are called, then its lines; the last one is a total where told so.
fn grid(caption: &str, head: &[&str], lines: &[Vec<Markup>], total: bool) -> Markup {
    html! {
        table aria-label=(caption) {
            thead { tr { @for (rank, name) in head.iter().enumerate() {
                th class=[(rank > 0).then_some("figure")] scope="col" { (name) }
            } } }
            tbody {
                @for (place, line) in lines.iter().enumerate() {
                    tr class=[(total && place + 1 == lines.len()).then_some("total")] {
                        @for (rank, cell) in line.iter().enumerate() {
                            @if rank == 0 { td { (cell) } } @else { td.figure data-label=(head[rank]) { (cell) } }
                        }
                    }
                }
            }
        }
    }
}

fn change(report: &Report, amount: i128) -> Markup {
    let class = match amount.signum() {
        0 => None,
        1 => Some("gain"),
        _ => Some("loss"),
    };
    html! { span class=[class] { (signed(amount, &report.currency)) } }
}

fn summary(report: &Report) -> Markup {
    let total = &report.tally.total;
    let version = |end: &End| {
        html! {
            (end.asked)
            @if let Some(law) = &end.law { span.soft { " — " (law) } }
        }
    };
    html! {
        p.headline { (change(report, total.difference())) }
        p {
            "De " (french(total.before, &report.currency)) " à " (french(total.after, &report.currency)) ", sur "
            (count(total.rows, "ligne", "lignes")) " : "
            (count(total.winners, "gagne", "gagnent")) " " (french(total.won, &report.currency)) ", "
            (count(total.losers, "perd", "perdent")) " " (french(-total.lost, &report.currency)) ", "
            (count(total.unchanged(), "ne change pas", "ne changent pas")) "."
        }
        dl.versions {
            dt { "Avant" } dd { (version(&report.ends[0])) }
            dt { "Après" } dd { (version(&report.ends[1])) }
            dt { "Données" } dd { (report.file) ", " (count(report.rows, "ligne", "lignes")) }
        }
    }
}

fn cells(report: &Report, label: Markup, cell: &Cell) -> Vec<Markup> {
    vec![
        label,
        html! { (figures(cell.rows)) },
        html! { (french(cell.before, &report.currency)) },
        html! { (french(cell.after, &report.currency)) },
        change(report, cell.difference()),
        html! { (figures(cell.winners)) },
        html! { (figures(cell.losers)) },
    ]
}

const HEAD: [&str; 6] = ["lignes", "avant", "après", "différence", "gagnent", "perdent"];

fn head(first: &'static str) -> Vec<&'static str> {
    let mut head = vec![first];
    head.extend(HEAD);
    head
}

fn years(report: &Report) -> Markup {
    let amount = |amount: i128| (amount, french(amount, &report.currency));
    let drawn: Vec<Pair> = report
        .tally
        .years
        .iter()
        .map(|(year, cell)| Pair { name: year.to_string(), before: amount(cell.before), after: amount(cell.after) })
        .collect();
    let mut lines: Vec<Vec<Markup>> =
        report.tally.years.iter().map(|(year, cell)| cells(report, html! { (year) }, cell)).collect();
    lines.push(cells(report, html! { "total" }, &report.tally.total));
    html! {
        h2 { "Coût par année" }
        p.soft { span.key.before {} "avant" span.key.after {} "après" }
        (pairs("Coût par année, avant et après", &drawn))
        (grid("Coût par année", &head("année"), &lines, true))
    }
}

fn clauses(report: &Report) -> Markup {
    let total = report.tally.total.difference();
    let drawn: Vec<Fall> = report
        .lines()
        .enumerate()
        .map(|(rank, (step, sum))| Fall {
            name: format!("{}. {}", rank + 1, step.short),
            amount: sum.amount,
            words: signed(sum.amount, &report.currency),
        })
        .collect();
    let whole = Fall { name: "total".into(), amount: total, words: signed(total, &report.currency) };
    let mut lines: Vec<Vec<Markup>> = report
        .lines()
        .enumerate()
        .map(|(rank, (step, sum))| {
            let label = html! {
                (rank + 1) ". "
                @for (place, label) in step.labels.iter().enumerate() {
                    @if place > 0 { br; }
                    (label)
                }
                @if !step.references.is_empty() { span.soft { (step.references.join(", ")) } }
                @if sum.in_error > 0 {
                    span.soft {
                        (count(sum.in_error, "ligne non calculable", "lignes non calculables"))
                        " à cette étape : leur différence est à la suivante"
                    }
                }
            };
            vec![label, html! { (figures(sum.rows)) }, change(report, sum.amount)]
        })
        .collect();
    lines.push(vec![
        html! { "total" },
        html! { (figures(report.tally.total.winners + report.tally.total.losers)) },
        change(report, total),
    ]);
    html! {
        h2 { "Ce que fait chaque clause" }
        p {
            "Les clauses sont appliquées l'une après l'autre, dans l'ordre du texte : chaque ligne est la différence que la \
             clause ajoute à celles qui la précèdent. Ce qui ne fait un droit complet qu'ensemble est sur une même ligne. La \
             somme est le total, au centime."
        }
        (waterfall("Différence par clause, l'une après l'autre", &drawn, &whole))
        (grid("Différence par clause", &["clause", "lignes touchées", "différence"], &lines, true))
    }
}

fn spread(report: &Report) -> Markup {
    let total = &report.tally.total;
    let bars = report.tally.histogram.bars();
    let drawn: Vec<Column> = bars
        .iter()
        .filter(|(rank, _)| *rank != 0)
        .map(|(rank, bar)| Column {
            tick: words::tick(*rank, if *rank < 0 { ends(*rank).1 } else { ends(*rank).0 }),
            rows: bar.rows,
            loses: *rank < 0,
        })
        .collect();
    let lines: Vec<Vec<Markup>> = bars
        .iter()
        .map(|(rank, bar)| {
            let (from, to) = ends(*rank);
            vec![
                html! { (words::bar(*rank, from, to, &report.currency.symbol)) },
                html! { (figures(bar.rows)) },
                change(report, bar.amount),
            ]
        })
        .collect();
    let sums = [
        ("gagnent", total.winners, total.won),
        ("perdent", total.losers, total.lost),
        ("ne changent pas", total.unchanged(), 0),
    ];
    let sums: Vec<Vec<Markup>> = sums
        .iter()
        .map(|(name, rows, amount)| vec![html! { (name) }, html! { (figures(*rows)) }, change(report, *amount)])
        .collect();
    html! {
        h2 { "Gagnants et perdants" }
        p { "Une ligne est un bénéficiaire, une année." }
        (grid("Gagnants et perdants", &["", "lignes", "différence"], &sums, false))
        @if !drawn.is_empty() {
            h3 { "Distribution des différences" }
            p.soft {
                "Nombre de lignes par montant de la différence, en " (report.currency.symbol) ". Les lignes sans différence ("
                (figures(total.unchanged())) ") ne sont pas dessinées."
            }
            (columns("Nombre de lignes par montant de la différence", &drawn))
            details {
                summary { "Le tableau de la distribution" }
                (grid("Distribution des différences", &["différence", "lignes", "somme"], &lines, false))
            }
        }
    }
}

fn grouping(report: &Report, rank: usize) -> Markup {
    let grouping = &report.tally.groupings[rank];
    let cases = report.cases(rank);
    let lines: Vec<Vec<Markup>> = cases.iter().map(|(label, cell)| cells(report, html! { (label) }, cell)).collect();
    let drawn: Vec<Pair> = cases
        .iter()
        .enumerate()
        .map(|(place, (_, cell))| Pair {
            name: (place + 1).to_string(),
            before: (cell.before, french(cell.before, &report.currency)),
            after: (cell.after, french(cell.after, &report.currency)),
        })
        .collect();
    let numbered: Vec<Vec<Markup>> = lines
        .into_iter()
        .enumerate()
        .map(|(place, mut line)| {
            let label = line.remove(0);
            line.insert(0, html! { (place + 1) ". " (label) });
            line
        })
        .collect();
    let title = format!("Par {}", grouping.name);
    html! {
        h2 { (title) }
        p.soft { (grouping.meaning) }
        (pairs(&format!("{title}, avant et après"), &drawn))
        (grid(&title, &head("groupe"), &numbered, false))
    }
}

fn payments(report: &Report) -> Markup {
    let side = |amount: Option<i128>| amount.map_or_else(|| "—".to_owned(), |amount| french(amount, &report.currency));
    let lines: Vec<Vec<Markup>> = report
        .payments
        .iter()
        .filter(|line| line.before != line.after)
        .map(|line| {
            let counted = line.counted.0 || line.counted.1;
            vec![
                html! {
                    (line.title) span.soft { (line.name) @if !counted { ", qui ne s'ajoute pas au total" } }
                },
                html! { (side(line.before)) },
                html! { (side(line.after)) },
                change(report, line.after.unwrap_or(0) - line.before.unwrap_or(0)),
            ]
        })
        .collect();
    html! {
        @if !lines.is_empty() {
            h2 { "Versements qui diffèrent" }
            (grid("Versements qui diffèrent", &["versement", "avant", "après", "différence"], &lines, false))
        }
    }
}

fn most(report: &Report) -> Markup {
    let lines: Vec<Vec<Markup>> = report
        .tally
        .most
        .iter()
        .map(|row| {
            let [before, after] = report.commands(&row.key, row.year);
            let label = html! {
                (row.key.join(" ; ")) ", " (row.year)
                details {
                    summary { "les deux décomptes" }
                    pre { code { (before) "\n" (after) } }
                }
            };
            vec![
                label,
                html! { (french(row.before, &report.currency)) },
                html! { (french(row.after, &report.currency)) },
                change(report, row.after - row.before),
            ]
        })
        .collect();
    html! {
        @if !lines.is_empty() {
            h2 { "Lignes les plus touchées" }
            (grid("Lignes les plus touchées", &["ligne", "avant", "après", "différence"], &lines, false))
        }
    }
}

fn failures(report: &Report) -> Markup {
    let failures = &report.tally.failures;
    let all = failures.before_only + failures.after_only + failures.both;
    let side = |end: &Result<i128, String>| match end {
        Ok(amount) => french(*amount, &report.currency),
        Err(why) => why.clone(),
    };
    let lines: Vec<Vec<Markup>> = failures
        .shown
        .iter()
        .map(|failed| {
            vec![
                html! { (failed.key.join(" ; ")) ", " (failed.year) },
                html! { (side(&failed.before)) },
                html! { (side(&failed.after)) },
            ]
        })
        .collect();
    html! {
        @if all > 0 {
            h2 { "Lignes en erreur" }
            p {
                (count(all, "ligne n'est pas comparée", "lignes ne sont pas comparées")) " : "
                (figures(failures.before_only)) " en erreur avant seulement (payées "
                (french(failures.paid_after, &report.currency)) " après), "
                (figures(failures.after_only)) " après seulement (payées "
                (french(failures.paid_before, &report.currency)) " avant), "
                (figures(failures.both)) " avant et après. Le fichier differences.csv les a toutes."
            }
            (grid("Lignes en erreur", &["ligne", "avant", "après"], &lines, false))
        }
    }
}

fn method(report: &Report) -> Markup {
    let counted = report.payments.iter().filter(|line| line.counted.0 || line.counted.1);
    let names: Vec<&str> = counted.map(|line| line.name.as_str()).collect();
    html! {
        h2 { "Ce qui est compté" }
        p {
            "Le montant d'une ligne est la somme des versements suivants ; les autres ne s'y ajoutent pas, parce qu'ils y sont \
             déjà compris ou n'ont pas été demandés. Chaque versement est arrondi une fois ; les différences sont exactes."
        }
        p.soft { (names.join(", ")) }
        p {
            "Les mêmes bénéficiaires, avec les mêmes données, sous deux états du droit : ce n'est pas une prévision de ce \
             qu'ils feraient."
        }
    }
}
