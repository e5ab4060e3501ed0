//! A file of expected results, and the form that it is written in.

use std::collections::BTreeMap;

use polc_compiler::num::{Ratio, parse_decimal};
use polc_compiler::typed::{Program, QuantityId, Type};

use super::{Named, words};
use crate::io::cell::trim;
use crate::io::records::{Record, Records};
use crate::io::text::{FileKind, decode};

/// The results expected of one year.
#[derive(Clone, Debug)]
pub struct Sheet {
    pub name: String,
    pub separator: u8,
    /// Of its decimals.
    pub mark: char,
    /// Columns that are no result of the policy.
    pub unknown: Vec<String>,
    /// The results pinned, with their column.
    columns: Vec<(QuantityId, usize)>,
    /// The cells of each row, by key.
    rows: BTreeMap<Vec<String>, Vec<String>>,
}

impl Sheet {
    /// For a year of which nothing is expected yet.
    pub fn empty() -> Self {
        Self {
            name: String::new(),
            separator: b',',
            mark: '.',
            unknown: Vec::new(),
            columns: Vec::new(),
            rows: BTreeMap::new(),
        }
    }

    pub fn read(program: &Program, file: &Named) -> Result<Self, String> {
        let text = decode(file.bytes.clone(), FileKind::Csv).map_err(|_| words::not_text(&file.name))?.text;
        let first = text.lines().next().unwrap_or("");
        let separator = [b',', b';', b'\t']
            .into_iter()
            .max_by_key(|separator| first.bytes().filter(|byte| byte == separator).count())
            .unwrap_or(b',');
        let mut records = Records::new(&text, separator, 0, 1);
        let mut record = Record::default();
        let cells = |record: &Record| -> Vec<String> {
            record.cells.iter().map(|cell| trim(&cell.text(&text)).to_owned()).collect()
        };
        if !records.next(&mut record) || record.fault.is_some() {
            return Err(words::no_header(&file.name));
        }
        let header = cells(&record);
        let mut sheet = Self { name: file.name.clone(), separator, ..Self::empty() };
        let mut key = Vec::new();
        for id in &program.key {
            let name = &*program.input(*id).name;
            key.push(header.iter().position(|column| column == name).ok_or_else(|| words::no_key(&file.name, name))?);
        }
        for (at, name) in header.iter().enumerate().filter(|(at, _)| !key.contains(at)) {
            match program.find_quantity(name).filter(|id| !program.quantity(*id).internal) {
                Some(id) if sheet.columns.iter().any(|(other, _)| *other == id) => {
                    return Err(words::column_twice(&file.name, name));
                }
                Some(id) => sheet.columns.push((id, at)),
                None => sheet.unknown.push(name.clone()),
            }
        }
        while records.next(&mut record) {
            let mut row = cells(&record);
            // A column may be added by its name alone, at the end of the header.
            row.resize(row.len().max(header.len()), String::new());
            if record.fault.is_some() || row.len() != header.len() {
                return Err(words::ragged(&file.name, record.line, row.len(), header.len()));
            }
            if separator != b',' && row.iter().any(|cell| cell.contains(',') && number(cell).is_some()) {
                sheet.mark = ',';
            }
            let own: Vec<String> = key.iter().map(|at| row[*at].clone()).collect();
            if sheet.rows.insert(own.clone(), row).is_some() {
                return Err(words::row_twice(&file.name, record.line, &own.join(", ")));
            }
        }
        Ok(sheet)
    }

    pub fn outputs(&self) -> impl Iterator<Item = &QuantityId> {
        self.columns.iter().map(|(id, _)| id)
    }

    pub fn has(&self, key: &[String]) -> bool {
        self.rows.contains_key(key)
    }

    pub fn keys(&self) -> impl Iterator<Item = &[String]> {
        self.rows.keys().map(Vec::as_slice)
    }

    /// The column of a result.
    pub fn column(&self, id: QuantityId) -> Option<usize> {
        self.columns.iter().find(|(other, _)| *other == id).map(|(_, at)| *at)
    }

    /// What is expected of a row.
    pub fn cell(&self, key: &[String], column: usize) -> Option<&str> {
        Some(&self.rows.get(key)?[column])
    }
}

/// A number as a person or a spreadsheet writes it.
pub fn number(text: &str) -> Option<Ratio> {
    let text: String = text
        .trim_end_matches('€')
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '\u{202F}' && *c != '\u{A0}')
        .map(|c| if c == ',' { '.' } else { c })
        .collect();
    parse_decimal(&text)
}

/// A cell in the form that results have.
pub fn canonical(text: &str, ty: &Type) -> String {
    match ty {
        Type::Boolean => match text.to_lowercase().as_str() {
            "vrai" | "oui" | "true" | "1" => "vrai".to_owned(),
            "faux" | "non" | "false" | "0" => "faux".to_owned(),
            _ => text.to_owned(),
        },
        Type::Date => match text.split('/').collect::<Vec<_>>().as_slice() {
            [day, month, year] => format!("{year:0>4}-{month:0>2}-{day:0>2}"),
            _ => text.to_owned(),
        },
        _ => text.to_owned(),
    }
}

pub fn write<'n>(
    separator: u8,
    header: impl Iterator<Item = &'n str>,
    rows: impl Iterator<Item = Vec<String>>,
) -> Vec<u8> {
    let mut out = String::new();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        for (at, cell) in cells.enumerate() {
            if at > 0 {
                out.push(char::from(separator));
            }
            if cell.contains(['"', '\n', '\r', char::from(separator)]) {
                out.push('"');
                out.push_str(&cell.replace('"', "\"\""));
                out.push('"');
            } else {
                out.push_str(cell);
            }
        }
        out.push('\n');
    };
    let mut header = header;
    line(&mut header);
    for row in rows {
        line(&mut row.iter().map(String::as_str));
    }
    out.into_bytes()
}
