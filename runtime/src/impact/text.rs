//! A comparison as text, for a terminal.

use super::histogram::ends;
use super::report::{End, Report};
use super::tally::Cell;
use super::words::{self, count, figures};
use super::{french, signed};
use crate::plain::{folded, table};

/// Rows shown of those most affected, and of those in error.
const SHOWN: usize = 5;

/// Letters shown of the name of a group.
const CASE: usize = 40;

/// The report, folded to a width.
#[must_use]
pub fn text(report: &Report, width: usize) -> String {
    let mut out = folded("", &report.title, 0, width);
    out += &end("avant", &report.ends[0], width);
    out += &end("après", &report.ends[1], width);
    out += &rows(report);
    out += &counted(report, width);
    out += &years(report);
    out += &spread(report);
    out += &clauses(report, width);
    for rank in 0..report.tally.groupings.len() {
        out += &grouping(report, rank);
    }
    out += &payments(report);
    out += &most(report);
    out += &failures(report, width);
    out
}

fn end(word: &str, end: &End, width: usize) -> String {
    let mut text = end.asked.clone();
    if let Some(law) = &end.law {
        text += &format!(" ({law})");
    }
    folded(&format!("{word} : "), &text, 8, width)
}

fn rows(report: &Report) -> String {
    let compared = count(report.tally.total.rows, "ligne comparée", "lignes comparées");
    let read = count(report.rows, "ligne lue", "lignes lues");
    format!("{} : {read}, {compared}\n", report.file)
}

/// Which payments make the amount of a row, where that does not go without saying.
fn counted(report: &Report, width: usize) -> String {
    let (mut counts, mut inside) = (Vec::new(), 0u64);
    for line in &report.payments {
        if line.counted.0 || line.counted.1 {
            counts.push(line.name.as_str());
        } else {
            inside += 1;
        }
    }
    const FEW: usize = 6;
    let names =
        if counts.len() <= FEW { counts.join(", ") } else { count(counts.len() as u64, "versement", "versements") };
    let inside = match inside {
        0 => String::new(),
        1 => " ; 1 autre ne s'y ajoute pas".to_owned(),
        inside => format!(" ; {} autres ne s'y ajoutent pas", figures(inside)),
    };
    folded("versements comptés : ", &format!("{names}{inside}"), 2, width)
}

fn cells(report: &Report, label: &str, cell: &Cell) -> Vec<String> {
    vec![
        label.to_owned(),
        figures(cell.rows),
        french(cell.before, &report.currency),
        french(cell.after, &report.currency),
        signed(cell.difference(), &report.currency),
    ]
}

fn header(first: &str) -> Vec<String> {
    [first, "lignes", "avant", "après", "différence"].map(str::to_owned).to_vec()
}

fn years(report: &Report) -> String {
    let mut lines = vec![header("année")];
    lines.extend(report.tally.years.iter().map(|(year, cell)| cells(report, &year.to_string(), cell)));
    lines.push(cells(report, "total", &report.tally.total));
    format!("\nCoût par année\n{}", table(&lines))
}

fn spread(report: &Report) -> String {
    let total = &report.tally.total;
    let line =
        |name: &str, rows: u64, amount: i128| vec![name.to_owned(), figures(rows), signed(amount, &report.currency)];
    let lines = [
        line("gagnent", total.winners, total.won),
        line("perdent", total.losers, total.lost),
        line("inchangées", total.unchanged(), 0),
    ];
    let mut out = format!("\nGagnants et perdants, par ligne\n{}", table(&lines));
    let bars = report.tally.histogram.bars();
    if bars.len() > 1 {
        let most = bars.iter().map(|(_, bar)| bar.rows).max().unwrap_or(1).max(1);
        let lines: Vec<Vec<String>> = bars
            .iter()
            .map(|(rank, bar)| {
                let (from, to) = ends(*rank);
                let label = words::bar(*rank, from, to, &report.currency.symbol);
                let length = (bar.rows * 24).div_ceil(most);
                vec![label, figures(bar.rows), format!("{:<24}", "█".repeat(usize::try_from(length).unwrap_or(0)))]
            })
            .collect();
        out += &format!("\nDistribution des différences\n{}", table(&lines));
    }
    out
}

fn clauses(report: &Report, width: usize) -> String {
    let mut out = "\nPar clause, dans l'ordre\n".to_owned();
    let amounts: Vec<String> = report.tally.steps.iter().map(|sum| signed(sum.amount, &report.currency)).collect();
    let total = signed(report.tally.total.difference(), &report.currency);
    let room = amounts.iter().chain([&total]).map(|amount| amount.chars().count()).max().unwrap_or(0);
    for ((step, sum), amount) in report.lines().zip(&amounts) {
        let mut text = step.labels.join(" ; ");
        if !step.references.is_empty() {
            text += &format!(" [{}]", step.references.join(", "));
        }
        text += &format!(" — {}", count(sum.rows, "ligne", "lignes"));
        if sum.in_error > 0 {
            let rows = count(sum.in_error, "ligne non calculable", "lignes non calculables");
            text += &format!(" ; {rows} à cette étape, comptée à la suivante");
        }
        out += &folded(&format!("  {amount:>room$}  "), &text, room + 4, width);
    }
    out + &format!("  {total:>room$}  total\n")
}

fn grouping(report: &Report, rank: usize) -> String {
    let grouping = &report.tally.groupings[rank];
    let mut head = header(&grouping.name);
    head.extend(["gagnent".to_owned(), "perdent".to_owned()]);
    let mut lines = vec![head];
    for (label, cell) in report.cases(rank) {
        let mut line = cells(report, &words::shortened(label, CASE), &cell);
        line.extend([figures(cell.winners), figures(cell.losers)]);
        lines.push(line);
    }
    format!("\nPar {}\n{}", grouping.name, table(&lines))
}

/// The payments that differ.
fn payments(report: &Report) -> String {
    let mut lines = Vec::new();
    for line in report.payments.iter().filter(|line| line.before != line.after) {
        let side =
            |amount: Option<i128>| amount.map_or_else(|| "—".to_owned(), |amount| french(amount, &report.currency));
        let difference = line.after.unwrap_or(0) - line.before.unwrap_or(0);
        lines.push(vec![line.name.clone(), side(line.before), side(line.after), signed(difference, &report.currency)]);
    }
    if lines.is_empty() {
        return String::new();
    }
    lines.insert(0, ["versement", "avant", "après", "différence"].map(str::to_owned).to_vec());
    format!("\nVersements qui diffèrent\n{}", table(&lines))
}

fn most(report: &Report) -> String {
    if report.tally.most.is_empty() {
        return String::new();
    }
    let mut out = "\nLignes les plus touchées\n".to_owned();
    let mut lines = vec![["", "avant", "après", "différence"].map(str::to_owned).to_vec()];
    for row in report.tally.most.iter().take(SHOWN) {
        lines.push(vec![
            format!("{} {}", row.key.join(" ; "), row.year),
            french(row.before, &report.currency),
            french(row.after, &report.currency),
            signed(row.after - row.before, &report.currency),
        ]);
    }
    out += &table(&lines);
    if let Some(row) = report.tally.most.first() {
        let [before, after] = report.commands(&row.key, row.year);
        out += &format!("  décomptes de la première, avant puis après :\n    {before}\n    {after}\n");
    }
    out
}

fn failures(report: &Report, width: usize) -> String {
    let failures = &report.tally.failures;
    let all = failures.before_only + failures.after_only + failures.both;
    if all == 0 {
        return String::new();
    }
    let mut out = format!("\nLignes en erreur, hors de la comparaison : {}\n", figures(all));
    let lines = [
        (failures.before_only, "avant seulement", Some(("après", failures.paid_after))),
        (failures.after_only, "après seulement", Some(("avant", failures.paid_before))),
        (failures.both, "avant et après", None),
    ];
    for (rows, when, paid) in lines.into_iter().filter(|(rows, ..)| *rows > 0) {
        let paid = paid.map(|(side, amount)| format!(", payées {} {side}", french(amount, &report.currency)));
        out += &format!("  {} {when}{}\n", figures(rows), paid.unwrap_or_default());
    }
    for failed in failures.shown.iter().take(SHOWN) {
        let why = [("avant", &failed.before), ("après", &failed.after)];
        let why: Vec<String> =
            why.iter().filter_map(|(side, end)| end.as_ref().err().map(|why| format!("{side}, {why}"))).collect();
        out += &folded("  ", &format!("{} {} : {}", failed.key.join(" ; "), failed.year, why.join(" ; ")), 4, width);
    }
    out
}
