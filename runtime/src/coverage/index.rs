//! The index of the figures of a legal text: what stands in which article. It is made by a script and committed beside
//! the policy, with two lists written by hand: figures out of scope, and figures that follow from the text.

use num_traits::Zero as _;
use polc_compiler::num::{Ratio, format_french, integer, parse_decimal};
use serde::Serialize;

use crate::diagnostics::{self as say, Problems};

/// The file of the index, beside the policy.
pub const INDEX: &str = "chiffres.csv";
/// Why some figures are not encoded.
pub const OUT_OF_SCOPE: &str = "chiffres-hors-champ.csv";
/// Figures that are not written in the text and follow from it.
pub const DEDUCED: &str = "chiffres-deduits.csv";

/// Of a figure: what the script says of dates in the citation of another text, and what deduced figures are given.
const CITED: &str = "cité";
const WORDS: &str = "mots";
const DEDUCED_ORIGIN: &str = "déduit";
/// What is in no article of its text.
const WHOLE_TEXT: &str = "texte";
/// In the list of figures out of scope: any number, any unit.
const ANY: &str = "*";
const DATE: &str = "date";

/// A figure as a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Figure {
    Number(Ratio),
    Day {
        year: i64,
        month: i64,
        day: u32,
    },
    /// Each year.
    DayOfYear {
        month: i64,
        day: u32,
    },
    Month {
        year: i64,
        month: i64,
    },
}

impl Figure {
    /// « 0.25 », « 2/3 », « 2018-01-01 », « --12-31 », « 2018-07 ».
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some((numerator, denominator)) = text.split_once('/') {
            let (numerator, denominator) = (parse_decimal(numerator)?, parse_decimal(denominator)?);
            return (!denominator.is_zero()).then(|| Self::Number(numerator / denominator));
        }
        if let Some(rest) = text.strip_prefix("--") {
            let (month, day) = rest.split_once('-')?;
            return Some(Self::DayOfYear { month: month.parse().ok()?, day: day.parse().ok()? });
        }
        let parts: Vec<&str> = text.split('-').collect();
        Some(match parts[..] {
            [year, month, day] => {
                Self::Day { year: year.parse().ok()?, month: month.parse().ok()?, day: day.parse().ok()? }
            }
            [year, month] => Self::Month { year: year.parse().ok()?, month: month.parse().ok()? },
            _ => Self::Number(parse_decimal(text)?),
        })
    }
}

/// A figure and where it stands.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Rank of its place in [`Index::places`].
    pub place: usize,
    pub figure: Figure,
    /// As the index writes it.
    pub number: String,
    pub unit: String,
    pub origin: String,
    pub occurrences: u32,
    /// Why it is not encoded, where that is recorded.
    pub reason: Option<String>,
}

impl Entry {
    /// « 25 % », « 4 000 patient », « 31/12 de chaque année ».
    #[must_use]
    pub fn shown(&self) -> String {
        let number = match &self.figure {
            Figure::Number(_) if self.number.contains('/') || self.unit == "année" => self.number.clone(),
            Figure::Number(value) => format_french(value, 0),
            Figure::Day { year, month, day } => format!("{day:02}/{month:02}/{year}"),
            Figure::DayOfYear { month, day } => format!("{day:02}/{month:02}"),
            Figure::Month { year, month } => format!("{month:02}/{year}"),
        };
        match &*self.unit {
            "" | DATE | "mois d'une année" => number,
            "rang" => format!("{number}e"),
            unit => format!("{number} {unit}"),
        }
    }

    /// Whether the text only dates another text with it.
    #[must_use]
    pub fn is_cited(&self) -> bool {
        self.origin == CITED
    }
}

/// An article, an annex, or an article of an annex.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Place {
    pub text: String,
    pub name: String,
}

#[derive(Clone, Debug, Default)]
pub struct Index {
    /// In the order of the texts.
    pub places: Vec<Place>,
    pub entries: Vec<Entry>,
}

/// Whether a reference to one place takes in another: an article has its sub-articles, an annex its articles; neither has
/// what stands above it.
#[must_use]
pub fn covers(cited: &str, place: &str) -> bool {
    if place == WHOLE_TEXT {
        return true;
    }
    let Some(rest) = place.strip_prefix(cited) else { return false };
    rest.is_empty()
        || (cited.starts_with("article") && rest.starts_with('.'))
        || (cited.starts_with("annexe") && [" article", " annexe", " partie"].iter().any(|p| rest.starts_with(p)))
}

/// The files of an index: their names, and their contents where they exist.
#[derive(Clone, Debug)]
pub struct IndexFiles {
    pub index: (String, String),
    pub out_of_scope: Option<(String, String)>,
    pub deduced: Option<(String, String)>,
}

impl Index {
    /// # Errors
    /// The first line that is not what an index holds.
    pub fn parse(files: &IndexFiles) -> Result<Self, Problems> {
        let mut index = Self::default();
        for row in rows(&files.index, &["texte", "place", "nombre", "unite", "origine", "occurrences"])? {
            let [text, place, number, unit, origin, occurrences] = row.cells() else { continue };
            let place = index.place(text, place);
            if number.is_empty() {
                continue;
            }
            let figure = Figure::parse(number).ok_or_else(|| row.problem(&say::not_a_figure(number)))?;
            let occurrences = occurrences.parse().map_err(|_| row.problem(&say::not_a_figure(occurrences)))?;
            index.entries.push(Entry {
                place,
                figure,
                number: number.clone(),
                unit: unit.clone(),
                origin: origin.clone(),
                occurrences,
                reason: None,
            });
        }
        if let Some(file) = &files.deduced {
            for row in rows(file, &["place", "nombre", "unite", "motif"])? {
                let [place, number, unit, reason] = row.cells() else { continue };
                let known = index.places.iter().enumerate().filter(|(_, known)| known.name == *place);
                let places: Vec<usize> = known.map(|(rank, _)| rank).collect();
                if places.is_empty() {
                    return Err(row.problem(&say::not_in_index(place)));
                }
                let figure = Figure::parse(number).ok_or_else(|| row.problem(&say::not_a_figure(number)))?;
                index.entries.extend(places.into_iter().map(|place| Entry {
                    place,
                    figure: figure.clone(),
                    number: number.clone(),
                    unit: unit.clone(),
                    origin: DEDUCED_ORIGIN.to_owned(),
                    occurrences: 1,
                    reason: Some(reason.clone()),
                }));
            }
        }
        if let Some(file) = &files.out_of_scope {
            for row in rows(file, &["place", "nombre", "unite", "motif"])? {
                let [place, number, unit, reason] = row.cells() else { continue };
                let known = |name: &str| place == ANY || covers(place, name);
                let mut found = number == ANY && index.places.iter().any(|at| known(&at.name));
                for entry in &mut index.entries {
                    let name = &index.places[entry.place].name;
                    if known(name) && (number == ANY || *number == entry.number) && (unit == ANY || *unit == entry.unit)
                    {
                        found = true;
                        entry.reason.get_or_insert_with(|| reason.clone());
                    }
                }
                if !found {
                    return Err(row.problem(&say::figure_not_in_index(place, number, unit)));
                }
            }
        }
        Ok(index)
    }

    fn place(&mut self, text: &str, name: &str) -> usize {
        let place = Place { text: text.to_owned(), name: name.to_owned() };
        if self.places.last() == Some(&place) {
            return self.places.len() - 1;
        }
        self.places.iter().position(|known| *known == place).unwrap_or_else(|| {
            self.places.push(place);
            self.places.len() - 1
        })
    }

    /// The figures that a reference takes in. `text` is `None` where the policy cites one text only.
    pub fn figures<'i>(&'i self, text: Option<&'i str>, cited: &'i str) -> impl Iterator<Item = (usize, &'i Entry)> {
        self.entries.iter().enumerate().filter(move |(_, entry)| {
            let place = &self.places[entry.place];
            text.is_none_or(|text| text == place.text) && covers(cited, &place.name)
        })
    }

    /// Whether it is the index of a text.
    #[must_use]
    pub fn has_text(&self, text: Option<&str>) -> bool {
        text.is_none_or(|text| self.places.iter().any(|place| place.text == text))
    }

    /// Whether a reference leads somewhere: to an article or annex of the index, or to a text without articles.
    #[must_use]
    pub fn knows(&self, text: Option<&str>, cited: &str) -> bool {
        self.places.iter().any(|place| text.is_none_or(|text| text == place.text) && covers(cited, &place.name))
    }
}

/// Whether a number of the index, with its unit, is a value that the policy writes.
#[must_use]
pub fn same_number(entry: &Entry, value: &Ratio, percent: bool, money: Option<bool>) -> bool {
    let Figure::Number(number) = &entry.figure else { return false };
    let whole = |parts: i64| {
        let part = number / integer(parts);
        // « majoré de 20 % » : 120 %.
        percent && (part == *value || (*value > integer(1) && part + integer(1) == *value))
    };
    match &*entry.unit {
        "%" => whole(100),
        "‰" => whole(1000),
        "€" => money != Some(false) && number == value,
        // « un tiers », « la moitié » : divisé par trois, par deux.
        "" if money.is_none() && entry.origin == WORDS => number == value || number.recip() == *value,
        _ => number == value,
    }
}

/// A line of a file of the index.
struct Row {
    file: String,
    line: usize,
    cells: Vec<String>,
}

impl Row {
    fn cells(&self) -> &[String] {
        &self.cells
    }

    fn problem(&self, message: &str) -> Problems {
        say::bad_index(&self.file, self.line, message).into()
    }
}

fn rows((file, text): &(String, String), header: &[&str]) -> Result<Vec<Row>, Problems> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut result = Vec::new();
    for record in reader.records() {
        let record =
            record.map_err(|_| Problems::from(say::bad_index(file, result.len() + 1, say::UNREADABLE_LINE)))?;
        let line = record.position().map_or(0, |position| usize::try_from(position.line()).unwrap_or(0));
        let cells: Vec<String> = record.iter().map(|cell| cell.trim().to_owned()).collect();
        let row = Row { file: file.clone(), line, cells };
        if row.cells.len() != header.len() {
            return Err(row.problem(&say::wrong_index_line(header)));
        }
        result.push(row);
    }
    if result.is_empty() || result[0].cells != header {
        return Err(say::bad_index(file, 1, &say::wrong_index_line(header)).into());
    }
    result.remove(0);
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_reference_takes_in() {
        for (cited, place, expected) in [
            ("article 8", "article 8.1.2", true),
            ("article 8", "article 8", true),
            ("article 8", "article 80", false),
            ("article 8.1", "article 8", false),
            ("annexe 1", "annexe 1 bis", false),
            ("annexe 25", "annexe 25 article 2.1", true),
            ("annexe 25", "annexe 25 partie 2 article 1", true),
            ("article 2", "annexe 25 article 2", false),
            ("« préambule »", "texte", true),
        ] {
            assert_eq!(covers(cited, place), expected, "{cited} {place}");
        }
    }

    #[test]
    fn figures_of_every_form() {
        let number = |n: i64, d: i64| Figure::Number(Ratio::new(n.into(), d.into()));
        for (text, figure) in [
            ("45.2", number(452, 10)),
            ("2/3", number(2, 3)),
            ("2018-07-31", Figure::Day { year: 2018, month: 7, day: 31 }),
            ("--12-31", Figure::DayOfYear { month: 12, day: 31 }),
            ("2018-07", Figure::Month { year: 2018, month: 7 }),
        ] {
            assert_eq!(Figure::parse(text), Some(figure), "{text}");
        }
        for text in ["", "1/0", "a", "--12", "1-2-3-4", "12.x"] {
            assert_eq!(Figure::parse(text), None, "{text}");
        }
    }
}
