//! A comparison as CSV files: by row, by group, by clause.

use std::io::{self, Write};

use super::plain;
use super::report::Report;
use super::tally::{Cell, Line};
use polc_compiler::typed::Currency;

/// Writes the rows of a comparison as they come.
pub struct Rows<W: Write> {
    writer: csv::Writer<W>,
    currency: Currency,
}

impl<W: Write> Rows<W> {
    /// # Errors
    /// When the destination does not take the header.
    pub fn new(out: W, key: &[String], year: &str, currency: &Currency) -> io::Result<Self> {
        let mut writer = csv::Writer::from_writer(out);
        let head = key.iter().map(String::as_str).chain([
            year,
            "avant",
            "apres",
            "difference",
            "erreur_avant",
            "erreur_apres",
        ]);
        writer.write_record(head).map_err(failed)?;
        Ok(Self { writer, currency: currency.clone() })
    }

    /// # Errors
    /// When the destination does not take the row.
    pub fn line(&mut self, (key, year, before, after): Line<'_>) -> io::Result<()> {
        for cell in key {
            self.writer.write_field(cell).map_err(failed)?;
        }
        self.writer.write_field(year.to_string()).map_err(failed)?;
        let amount = |amount: Option<i128>| amount.map(|amount| plain(amount, &self.currency)).unwrap_or_default();
        let (own, other) = (before.ok(), after.ok());
        let difference = own.zip(other).map(|(before, after)| after - before);
        let cells = [
            amount(own),
            amount(other),
            amount(difference),
            before.err().unwrap_or_default().to_owned(),
            after.err().unwrap_or_default().to_owned(),
        ];
        for cell in &cells {
            self.writer.write_field(cell).map_err(failed)?;
        }
        self.writer.write_record(None::<&[u8]>).map_err(failed)
    }

    /// # Errors
    /// When the destination does not take the last rows.
    pub fn finish(self) -> io::Result<W> {
        self.writer.into_inner().map_err(|error| io::Error::other(error.to_string()))
    }
}

/// One line per year and in all, then per group and year.
///
/// # Errors
/// None but those of memory.
pub fn groups(report: &Report) -> io::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = [
        "colonne",
        "cas",
        "annee",
        "lignes",
        "avant",
        "apres",
        "difference",
        "gagnants",
        "gains",
        "perdants",
        "pertes",
        "inchanges",
    ];
    writer.write_record(head).map_err(failed)?;
    let mut line = |column: &str, case: &str, year: &str, cell: &Cell| {
        let amount = |amount| plain(amount, &report.currency);
        writer.write_record([
            column.to_owned(),
            case.to_owned(),
            year.to_owned(),
            cell.rows.to_string(),
            amount(cell.before),
            amount(cell.after),
            amount(cell.difference()),
            cell.winners.to_string(),
            amount(cell.won),
            cell.losers.to_string(),
            amount(cell.lost),
            cell.unchanged().to_string(),
        ])
    };
    line("", "", "", &report.tally.total).map_err(failed)?;
    for (year, cell) in &report.tally.years {
        line("", "", &year.to_string(), cell).map_err(failed)?;
    }
    for (rank, grouping) in report.tally.groupings.iter().enumerate() {
        for (label, cell) in report.cases(rank) {
            line(&grouping.name, label, "", &cell).map_err(failed)?;
        }
        for ((group, year), cell) in &report.tally.groups[rank] {
            line(&grouping.name, &grouping.labels[*group], &year.to_string(), cell).map_err(failed)?;
        }
    }
    finished(writer)
}

/// One line per clause, in all and by year; the lines in all add up to the difference.
///
/// # Errors
/// None but those of memory.
pub fn clauses(report: &Report) -> io::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["rang", "clause", "references", "annee", "lignes", "difference"]).map_err(failed)?;
    for (rank, (step, sum)) in report.lines().enumerate() {
        let own = [(rank + 1).to_string(), step.labels.join(" ; "), step.references.join(", ")];
        let all = [String::new(), sum.rows.to_string(), plain(sum.amount, &report.currency)];
        writer.write_record(own.iter().chain(&all)).map_err(failed)?;
        for (year, amount) in &sum.by_year {
            let line = [year.to_string(), String::new(), plain(*amount, &report.currency)];
            writer.write_record(own.iter().chain(&line)).map_err(failed)?;
        }
    }
    finished(writer)
}

fn finished(writer: csv::Writer<Vec<u8>>) -> io::Result<Vec<u8>> {
    writer.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

fn failed(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}
