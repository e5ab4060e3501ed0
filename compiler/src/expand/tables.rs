//! Tables and templates: a declaration that says « pour chaque table » is written once for each key of the table, with
//! `<column>` replaced by the cell. A number that changes from one period to the next becomes a dated parameter.

mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use indexmap::IndexMap;
use polc_dsl::ast::{
    BaseType, BinaryOp, Clause, ClauseKind as K, DateBound, DateLiteral, Expr, ExprKind as E, File, InputType, Item,
    ItemKind, Name, Number, Period, Text, UnitExpr,
};
use polc_dsl::diagnostic::Diagnostic;
use polc_dsl::visit::{self, Rewrite};
use polc_dsl::{FileId, SourceMap, Span, Spanned};

use super::{at, binary, clause, conjunction, named};
use crate::diagnostics as say;
use crate::num::parse_decimal;
use crate::typed::Years;

/// Replaces every template by its instances; the tables stay, so that their clauses are checked.
pub(super) fn expand(sources: &SourceMap, files: &mut [File], diagnostics: &mut Vec<Diagnostic>) {
    let exercise =
        files.iter().flat_map(|file| &file.items).flat_map(|item| &item.clauses).find_map(|c| match &c.kind {
            K::Exercise(name) => Some(name.node.clone()),
            _ => None,
        });
    let mut tables = Tables {
        exercise: exercise.unwrap_or_else(|| "".into()),
        enumerations: enumerations(files),
        known: IndexMap::new(),
        parameters: BTreeMap::new(),
        diagnostics: Vec::new(),
    };
    for file in &*files {
        for item in file.items.iter().filter(|item| matches!(item.kind, ItemKind::Table)) {
            tables.declare(sources, file.id, item);
        }
    }
    for file in &mut *files {
        let mut items = Vec::with_capacity(file.items.len());
        for item in std::mem::take(&mut file.items) {
            tables.instantiate(item, &mut items);
        }
        file.items = items;
    }
    // Figures that the instances read.
    for (table, parameters) in std::mem::take(&mut tables.parameters) {
        let home = tables.known[&table].file;
        if let Some(file) = files.iter_mut().find(|file| file.id == home) {
            file.items.extend(parameters.into_values());
        }
    }
    diagnostics.append(&mut tables.diagnostics);
    let mut strays = Strays { diagnostics };
    for item in files.iter_mut().flat_map(|file| &mut file.items).filter(|item| !matches!(item.kind, ItemKind::Table)) {
        visit::item(item, &mut strays);
    }
}

/// The cases of each enumeration of the policy.
fn enumerations(files: &[File]) -> BTreeMap<Arc<str>, Vec<Arc<str>>> {
    let mut result = BTreeMap::new();
    for item in files.iter().flat_map(|file| &file.items) {
        let (ItemKind::Enumeration, Some(name)) = (&item.kind, &item.name) else { continue };
        let cases = item.clauses.iter().filter_map(|c| match &c.kind {
            K::Case { name, .. } => Some(name.node.clone()),
            _ => None,
        });
        result.insert(name.node.clone(), cases.collect());
    }
    result
}

struct Tables {
    /// The input that says the year.
    exercise: Arc<str>,
    /// Cases by enumeration.
    enumerations: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    known: IndexMap<Arc<str>, Table>,
    /// Parameters made, by table and name.
    parameters: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Item>>,
    diagnostics: Vec<Diagnostic>,
}

struct Table {
    name: Name,
    file: FileId,
    references: Vec<Clause>,
    columns: Vec<Column>,
    /// Rows by key, in the order of the table.
    rows: IndexMap<Arc<str>, Vec<Row>>,
}

struct Column {
    name: Name,
    ty: InputType,
}

#[derive(Clone)]
struct Row {
    /// `None` for an empty cell.
    cells: Vec<Option<Cell>>,
    years: Years,
    span: Span,
}

/// A cell as written, and as an expression where its column has a value.
#[derive(Clone)]
struct Cell {
    text: Arc<str>,
    value: Option<Expr>,
}

impl Cell {
    /// Whether it was reported.
    fn is_broken(&self) -> bool {
        matches!(&self.value, Some(Expr { kind: E::SumOver { .. }, .. }))
    }
}

impl Table {
    fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| *column.name.node == *name)
    }

    fn is_dated(&self) -> bool {
        self.rows.values().flatten().any(|row| row.years != Years::ALWAYS)
    }
}

impl Tables {
    fn report(&mut self, problem: Diagnostic) {
        self.diagnostics.push(problem);
    }

    // ------------------------------------------------------------------------------------------------ declarations

    fn declare(&mut self, sources: &SourceMap, file: FileId, item: &Item) {
        let Some(name) = &item.name else { return };
        if let Some(first) = self.known.get(&name.node) {
            let problem = say::duplicate_name(&name.node, name.span, first.name.span);
            self.report(problem);
            return;
        }
        let mut table = Table {
            name: name.clone(),
            file,
            references: item
                .clauses
                .iter()
                .filter(|c| matches!(c.kind, K::Reference(_)))
                .cloned()
                .chain(super::unsaid_reference(item, "une table", &mut self.diagnostics))
                .collect(),
            columns: Vec::new(),
            rows: IndexMap::new(),
        };
        for each in &item.clauses {
            let K::Column { name, ty } = &each.kind else { continue };
            if let Some(first) = table.column(&name.node) {
                let first = table.columns[first].name.span;
                self.report(say::duplicate_name(&name.node, name.span, first));
                continue;
            }
            if let BaseType::Named(kind) = &ty.base
                && &*kind.node != "nom"
                && !self.enumerations.contains_key(&kind.node)
            {
                let known = self.enumerations.keys().map(|name| &**name).chain(["nom"]);
                let problem = say::unknown_declared("l'énumération ou le type", kind, known);
                self.report(problem);
                return;
            }
            table.columns.push(Column { name: name.clone(), ty: (**ty).clone() });
        }
        let key = item.clauses.iter().find_map(|c| match &c.kind {
            K::Key(names) => names.first(),
            _ => None,
        });
        let Some(key) = key else {
            self.report(say::missing_clause(name.span, "cette table", "sa clé (« clé … »)"));
            return;
        };
        let Some(key_column) = table.column(&key.node) else {
            self.unknown_column(key, &table);
            return;
        };
        let period = item.clauses.iter().find_map(|c| match &c.kind {
            K::ColumnsInForce { from, to } => Some((from, to)),
            _ => None,
        });
        let mut bounds = None;
        if let Some((from, to)) = period {
            match (table.column(&from.node), table.column(&to.node)) {
                (Some(a), Some(b)) => bounds = Some((a, b)),
                (None, _) => return self.unknown_column(from, &table),
                (_, None) => return self.unknown_column(to, &table),
            }
        }
        let before = self.diagnostics.len();
        let mut rows = self.inline(item, &table);
        if let Some(path) = item.clauses.iter().find_map(|c| match &c.kind {
            K::File(path) => Some(path),
            _ => None,
        }) {
            rows.extend(self.file(sources, file, path, &table));
        }
        if rows.is_empty() && self.diagnostics.len() == before {
            self.report(say::missing_clause(name.span, "cette table", "ses lignes (« ligne … » ou « fichier … »)"));
        }
        self.change_rows(item, &table, key_column, bounds, &mut rows);
        for mut row in rows {
            if let Some((from, to)) = bounds {
                let (Some(first), Some(last)) = (
                    self.bound_year(&row, &table.columns[from], from, i64::MIN),
                    self.bound_year(&row, &table.columns[to], to, i64::MAX),
                ) else {
                    continue;
                };
                row.years = Years { first, last };
                if first > last {
                    self.report(say::bad_table(row.span, "cette ligne finit avant de commencer"));
                    continue;
                }
            }
            let Some(key) = row.cells[key_column].clone() else {
                self.report(say::bad_table(row.span, "cette ligne n'a pas de clé"));
                continue;
            };
            if key.is_broken() {
                continue;
            }
            if !is_name(&key.text) {
                self.report(say::not_in_a_name(row.span, &key.text));
                continue;
            }
            let known = table.rows.entry(key.text.clone()).or_default();
            let clash = known.iter().find_map(|other| Some((other.span, other.years.overlap(row.years)?)));
            match clash {
                Some((first, years)) => {
                    self.diagnostics.push(say::duplicate_row(row.span, first, &key.text, years, bounds.is_some()));
                }
                None => known.push(row),
            }
        }
        table.rows.values_mut().for_each(|rows| rows.sort_by_key(|row| row.years.first));
        self.known.insert(name.node.clone(), table);
    }

    /// The year that a cell bounds the row with; `None` after a mistake.
    fn bound_year(&mut self, row: &Row, column: &Column, rank: usize, open: i64) -> Option<i64> {
        let Some(cell) = &row.cells[rank] else { return Some(open) };
        match cell.text.parse::<i64>() {
            Ok(year) if (1..=9999).contains(&year) => Some(year),
            _ => {
                if !cell.is_broken() {
                    self.bad_cell(&cell.text, column, "une année", row.span);
                }
                None
            }
        }
    }

    fn unknown_column(&mut self, name: &Name, table: &Table) {
        let known = table.columns.iter().map(|column| &*column.name.node);
        let problem = say::unknown_declared("la colonne", name, known);
        self.report(problem);
    }

    fn inline(&mut self, item: &Item, table: &Table) -> Vec<Row> {
        let mut rows = Vec::new();
        for each in &item.clauses {
            let K::Row(cells) = &each.kind else { continue };
            if cells.len() != table.columns.len() {
                self.report(say::row_length(each.span, cells.len(), table.columns.len()));
                continue;
            }
            let mut row = Vec::with_capacity(cells.len());
            for (cell, column) in cells.iter().zip(&table.columns) {
                row.push(cell.as_ref().and_then(|cell| self.written(cell, column)));
            }
            let cells = row;
            rows.push(Row { cells, years: Years::ALWAYS, span: each.span });
        }
        rows
    }

    fn file(&mut self, sources: &SourceMap, file: FileId, path: &Text, table: &Table) -> Vec<Row> {
        let name = sources.beside(file, &path.node);
        let Some(id) = sources.table(&name) else {
            self.report(say::no_table_file(path.span, &name));
            return Vec::new();
        };
        let text = &sources.file(id).text;
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let header = match reader.headers() {
            Ok(header) => header.clone(),
            Err(error) => {
                self.report(say::bad_table(path.span, &format!("« {name} » : {error}")));
                return Vec::new();
            }
        };
        let mut ranks = Vec::new();
        for column in &table.columns {
            match header.iter().position(|title| title.trim() == &*column.name.node) {
                Some(rank) => ranks.push(rank),
                None => {
                    let known = header.iter().map(str::trim);
                    let problem = say::unknown_declared("dans le fichier, la colonne", &column.name, known);
                    self.report(problem);
                }
            }
        }
        if ranks.len() != table.columns.len() {
            return Vec::new();
        }
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    self.report(say::bad_table(path.span, &format!("« {name} » : {error}")));
                    return Vec::new();
                }
            };
            let start = record.position().map_or(0, |position| position.byte() as usize);
            let length = text[start..].find('\n').unwrap_or(text.len() - start);
            let span = Span::new(id, start, start + length);
            if record.len() != header.len() {
                self.report(say::record_length(span, record.len(), header.len()));
                continue;
            }
            let mut cells = Vec::new();
            for (column, rank) in table.columns.iter().zip(&ranks) {
                let raw = record.get(*rank).unwrap_or_default().trim();
                cells.push(if raw.is_empty() { None } else { self.parse(raw, column, span) });
            }
            rows.push(Row { cells, years: Years::ALWAYS, span });
        }
        rows
    }

    /// A cell written in the declaration, in the type of its column.
    fn written(&mut self, value: &Expr, column: &Column) -> Option<Cell> {
        let negated = match &value.kind {
            E::Negate(inner) => Some(&inner.kind),
            _ => None,
        };
        let number = match negated.unwrap_or(&value.kind) {
            E::Number { value, unit } => Some((value, unit)),
            _ => None,
        };
        let wanted = match (&column.ty.base, &value.kind) {
            (BaseType::Integer, _) if number.is_none_or(|(value, _)| value.digits.contains('.')) => "un nombre entier",
            (BaseType::Decimal, _) if number.is_none() => "un nombre",
            (BaseType::Boolean, kind) if !matches!(kind, E::Boolean(_)) => "« vrai » ou « faux »",
            (BaseType::Date, kind) if !matches!(kind, E::Date(_)) => "une date",
            (BaseType::Text, kind) if !matches!(kind, E::Text(_)) => "un texte entre guillemets",
            (BaseType::Named(name), kind) if &*name.node == "nom" => match kind {
                E::Name(_) | E::Text(_) | E::Number { unit: None, .. } => "",
                _ => "un nom",
            },
            (BaseType::Named(_), kind) if !matches!(kind, E::Name(_)) => "un cas",
            _ => "",
        };
        if !wanted.is_empty() {
            self.report(say::bad_cell(value.span, &column.name.node, wanted));
            return Some(broken(value.span));
        }
        let mut cell = written_cell(value);
        match &column.ty.base {
            BaseType::Named(name) if &*name.node == "nom" => cell.value = None,
            BaseType::Named(name) => return self.case(cell, &name.node.clone(), value.span),
            BaseType::Integer | BaseType::Decimal => {
                // A bare number is in the unit of the column.
                if let (Some(value), Some((_, None))) = (&mut cell.value, number) {
                    let number = match &mut value.kind {
                        E::Negate(inner) => &mut inner.kind,
                        kind => kind,
                    };
                    if let E::Number { unit, .. } = number {
                        unit.clone_from(&column.ty.unit);
                    }
                }
            }
            _ => {}
        }
        Some(cell)
    }

    /// The cell, if it is a case of the enumeration.
    fn case(&mut self, cell: Cell, enumeration: &str, span: Span) -> Option<Cell> {
        let cases = self.enumerations.get(enumeration)?;
        if cases.contains(&cell.text) {
            return Some(cell);
        }
        let problem = say::unknown_case(span, &cell.text, enumeration, cases.iter().map(|case| &**case));
        self.report(problem);
        Some(broken(span))
    }

    /// A cell of a file, in the type of its column.
    fn parse(&mut self, raw: &str, column: &Column, span: Span) -> Option<Cell> {
        let unit = |factor: Option<UnitExpr>| column.ty.unit.clone().or(factor);
        let value = match &column.ty.base {
            BaseType::Text => None,
            BaseType::Boolean => Some(match raw {
                "1" | "vrai" | "true" | "oui" => E::Boolean(true),
                "0" | "faux" | "false" | "non" => E::Boolean(false),
                _ => return self.bad_cell(raw, column, "vrai ou faux (1 ou 0)", span),
            }),
            BaseType::Integer | BaseType::Decimal => {
                let digits = raw.replace([' ', '\u{A0}', '\u{202F}'], "").replace(',', ".");
                let (negative, digits) = digits.strip_prefix('-').map_or((false, &*digits), |rest| (true, rest));
                let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
                let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
                let good = !whole.is_empty() && is_number(whole) && is_number(fraction) && !digits.ends_with('.');
                if !good || matches!(column.ty.base, BaseType::Integer) && digits.contains('.') {
                    return self.bad_cell(raw, column, "un nombre", span);
                }
                let number = E::Number { value: Number { digits: digits.into(), span }, unit: unit(None) };
                Some(if negative { E::Negate(Box::new(at(span, number))) } else { number })
            }
            BaseType::Date => match date(raw) {
                Some(date) => Some(E::Date(date)),
                None => return self.bad_cell(raw, column, "une date (AAAA-MM-JJ)", span),
            },
            BaseType::Named(name) if &*name.node == "nom" => None,
            BaseType::Named(name) => {
                let value = Some(at(span, E::Name(raw.into())));
                return self.case(Cell { text: raw.into(), value }, &name.node.clone(), span);
            }
        };
        Some(Cell { text: raw.into(), value: value.map(|kind| at(span, kind)) })
    }

    fn bad_cell(&mut self, raw: &str, column: &Column, wanted: &str, span: Span) -> Option<Cell> {
        self.report(say::bad_cell(span, &column.name.node, &format!("{wanted}, et non « {raw} »")));
        Some(broken(span))
    }

    // --------------------------------------------------------------------------------------------------- instances

    fn instantiate(&mut self, mut item: Item, items: &mut Vec<Item>) {
        if matches!(item.kind, ItemKind::Table) {
            items.push(item);
            return;
        }
        let each = item.clauses.iter().position(|c| matches!(c.kind, K::ForEach { .. }));
        let Some(each) = each else {
            self.replacements(&mut item);
            self.sums(&mut item);
            items.push(item);
            return;
        };
        let each = item.clauses.remove(each);
        let K::ForEach { table, condition } = &each.kind else { return };
        let Some(keys) = self.keys(table, condition.as_ref()) else { return };
        let own_years = item.clauses.iter().any(|c| matches!(c.kind, K::InForce(_)));
        // An input is one column whatever the years.
        let dated = !own_years && !matches!(item.kind, ItemKind::Input(_));
        for key in keys {
            let periods = if dated { self.periods(&table.node, &key) } else { vec![None] };
            for period in periods {
                let mut instance = item.clone();
                instance.clauses.extend(period.map(|years| in_force(years, each.span)));
                let place = Place { table: table.node.clone(), key: key.clone(), padded: false };
                self.substitute(&mut instance, &place);
                self.replacements(&mut instance);
                self.sums(&mut instance);
                items.push(instance);
            }
        }
    }

    /// The keys of a table for which a condition on its columns holds.
    fn keys(&mut self, table: &Name, condition: Option<&Expr>) -> Option<Vec<Arc<str>>> {
        let Some(known) = self.known.get(&table.node) else {
            let problem = say::unknown_declared("la table", table, self.known.keys().map(|k| &**k));
            self.report(problem);
            return None;
        };
        let mut keys = Vec::new();
        let mut problems = Vec::new();
        for (key, rows) in &known.rows {
            let verdicts: BTreeSet<bool> = match condition {
                None => BTreeSet::from([true]),
                Some(condition) => {
                    let holds = |row| holds(condition, known, &self.enumerations, row, &mut problems);
                    rows.iter().filter_map(holds).collect()
                }
            };
            if verdicts.len() > 1 {
                problems.push(say::changing_condition(condition.map_or(table.span, |c| c.span), key));
            }
            if verdicts.contains(&true) {
                keys.push(key.clone());
            }
        }
        if let Some(condition) = condition
            && keys.is_empty()
            && problems.is_empty()
            && !known.rows.is_empty()
        {
            let problem = format!("aucune ligne de la table « {} » ne remplit cette condition", table.node);
            problems.push(say::bad_table(condition.span, &problem));
        }
        self.diagnostics.append(&mut problems);
        Some(keys)
    }

    /// The years in which a table has a row for a key, joined where they touch.
    fn periods(&self, table: &str, key: &str) -> Vec<Option<Years>> {
        let mut periods: Vec<Years> = Vec::new();
        for row in &self.known[table].rows[key] {
            match periods.last_mut() {
                Some(last) if last.last.checked_add(1) == Some(row.years.first) => last.last = row.years.last,
                _ => periods.push(row.years),
            }
        }
        periods.into_iter().map(|years| (years != Years::ALWAYS).then_some(years)).collect()
    }

    fn substitute(&mut self, item: &mut Item, place: &Place) {
        let mut by = Substitution { tables: self, place };
        visit::item(item, &mut by);
    }

    /// « remplace x_<id> pour chaque … »: one clause for each key.
    fn replacements(&mut self, item: &mut Item) {
        if !matches!(item.kind, ItemKind::Reading) {
            return;
        }
        let mut clauses = Vec::with_capacity(item.clauses.len());
        for each in std::mem::take(&mut item.clauses) {
            let K::Replaces { each: Some((table, condition)), .. } = &each.kind else {
                clauses.push(each);
                continue;
            };
            for key in self.keys(table, condition.as_ref()).unwrap_or_default() {
                let mut instance = each.clone();
                let place = Place { table: table.node.clone(), key, padded: false };
                if let K::Replaces { each, .. } = &mut instance.kind {
                    *each = None;
                }
                visit::clause(&mut instance, &mut Substitution { tables: self, place: &place });
                clauses.push(instance);
            }
        }
        item.clauses = clauses;
    }

    fn sums(&mut self, item: &mut Item) {
        visit::item(item, &mut Sums { tables: self });
    }

    /// The value of a column for a key: a constant, or a dated parameter where it changes.
    fn value(&mut self, place: &Place, column: usize, span: Span) -> Option<Expr> {
        let table = &self.known[&place.table];
        let rows = &table.rows[&place.key];
        let name = &table.columns[column].name.node;
        let cells: Vec<Option<&Cell>> = rows.iter().map(|row| row.cells[column].as_ref()).collect();
        if cells.iter().all(Option::is_none) {
            return None;
        }
        let same = cells.windows(2).all(|pair| pair[0].map(|c| &c.text) == pair[1].map(|c| &c.text));
        if let (true, Some(Some(first))) = (same, cells.first()) {
            let value = first.value.clone()?;
            return Some(relocated(value, span));
        }
        let suffix = if place.padded { ".partout" } else { "" };
        let parameter: Arc<str> = format!("{}.{}.{name}{suffix}", place.table, place.key).into();
        let made = self.parameters.entry(place.table.clone()).or_default();
        if !made.contains_key(&parameter) {
            let mut clauses = table.references.clone();
            for (rank, row) in rows.iter().enumerate() {
                let Some(Some(cell)) = cells.get(rank) else { continue };
                let Some(value) = cell.value.clone() else { continue };
                let mut years = row.years;
                if place.padded {
                    // Where the sum leaves the term out, any value will do.
                    years.first = if rank == 0 { i64::MIN } else { years.first };
                    years.last = rows.get(rank + 1).map_or(i64::MAX, |next| next.years.first - 1);
                }
                let period = period(years, row.span);
                clauses.push(clause(row.span, K::DatedValue { period, value }));
            }
            let title = Some(Spanned { node: format!("{} : {name}", place.key).into(), span: table.name.span });
            let name = named(parameter.clone(), table.name.span);
            let span = table.name.span;
            let item = Item { kind: ItemKind::Parameter, name: Some(name), title, clauses, span, home: span.file };
            made.insert(parameter.clone(), item);
        }
        Some(at(span, E::Name(parameter)))
    }
}

/// The key that a template is being written for.
struct Place {
    table: Arc<str>,
    key: Arc<str>,
    /// Whether dated figures have a value in every year.
    padded: bool,
}

struct Substitution<'t> {
    tables: &'t mut Tables,
    place: &'t Place,
}

impl Substitution<'_> {
    /// A name with each `<column>` replaced by its cell.
    fn filled_name(&mut self, name: &str, span: Span) -> Option<Arc<str>> {
        let before = self.tables.diagnostics.len();
        let filled = self.filled(name, span)?;
        if !is_name(&filled) && self.tables.diagnostics.len() == before {
            self.tables.report(say::not_in_a_name(span, &filled));
        }
        Some(filled)
    }

    /// A text with each `<column>` replaced by its cell; `None` where nothing was.
    fn filled(&mut self, text: &str, span: Span) -> Option<Arc<str>> {
        if !text.contains('<') {
            return None;
        }
        let table = &self.tables.known[&self.place.table];
        let rows = &table.rows[&self.place.key];
        let mut out = String::new();
        let mut rest = text;
        let mut problems = Vec::new();
        while let Some(start) = rest.find('<') {
            let Some(length) = rest[start..].find('>') else { break };
            let name = &rest[start + 1..start + length];
            out.push_str(&rest[..start]);
            match table.column(name) {
                // The latest row says it best.
                Some(column) => {
                    let cell = rows.iter().rev().find_map(|row| row.cells[column].as_ref());
                    out.push_str(cell.map_or("", |cell| &cell.text));
                }
                None if is_name(name) => {
                    let known = table.columns.iter().map(|column| &*column.name.node);
                    problems.push(say::unknown_declared("la colonne", &named(name, span), known));
                }
                None => out.push_str(&rest[start..=start + length]),
            }
            rest = &rest[start + length + 1..];
        }
        out.push_str(rest);
        self.tables.diagnostics.append(&mut problems);
        Some(out.into())
    }
}

impl Rewrite for Substitution<'_> {
    fn name(&mut self, name: &mut Name) {
        if let Some(filled) = self.filled_name(&name.node, name.span) {
            name.node = filled;
        }
    }

    fn text(&mut self, text: &mut Text) {
        if let Some(filled) = self.filled(&text.node, text.span) {
            text.node = filled;
        }
    }

    fn expr(&mut self, expr: &mut Expr) {
        let E::Name(name) = &expr.kind else { return };
        // Alone, a column is its value; within a name, its text.
        let alone = name.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).filter(|rest| is_name(rest));
        if let Some(column) = alone {
            let table = &self.tables.known[&self.place.table];
            match table.column(column) {
                Some(column) => {
                    if let Some(value) = self.tables.value(self.place, column, expr.span) {
                        *expr = value;
                    } else {
                        let column = &self.tables.known[&self.place.table].columns[column];
                        let words = match &column.ty.base {
                            BaseType::Text => true,
                            BaseType::Named(name) => &*name.node == "nom",
                            _ => false,
                        };
                        let problem = say::no_cell(expr.span, &column.name.node, &self.place.key, words);
                        self.tables.report(problem);
                        *expr = super::unsaid(expr.span);
                    }
                }
                None => {
                    let known = table.columns.iter().map(|column| &*column.name.node);
                    let problem = say::unknown_declared("la colonne", &named(column, expr.span), known);
                    self.tables.report(problem);
                    *expr = super::unsaid(expr.span);
                }
            }
        } else if let Some(filled) = self.filled_name(name, expr.span) {
            expr.kind = E::Name(filled);
        }
    }
}

/// Reports columns read outside of any template.
struct Strays<'d> {
    diagnostics: &'d mut Vec<Diagnostic>,
}

impl Strays<'_> {
    fn check(&mut self, name: &str, span: Span) {
        if name.contains('<') {
            self.diagnostics.push(say::stray_column(span, name));
        }
    }
}

impl Rewrite for Strays<'_> {
    fn name(&mut self, name: &mut Name) {
        self.check(&name.node, name.span);
    }

    fn expr(&mut self, expr: &mut Expr) {
        if let E::Name(name) = &expr.kind
            && name.contains('<')
        {
            self.check(&name.clone(), expr.span);
            *expr = super::unsaid(expr.span);
        }
    }
}

/// Writes sums over a table out.
struct Sums<'t> {
    tables: &'t mut Tables,
}

impl Rewrite for Sums<'_> {
    fn expr(&mut self, expr: &mut Expr) {
        let E::SumOver { table, condition, value } = &expr.kind else { return };
        if table.node.is_empty() {
            // See `unsaid`.
            return;
        }
        let (table, value, span) = (table.clone(), (**value).clone(), expr.span);
        let Some(keys) = self.tables.keys(&table, condition.as_deref()) else {
            // Of no type: nothing more is said of it.
            *expr = super::unsaid(span);
            return;
        };
        let exercise_name = self.tables.exercise.clone();
        let exercise = || at(span, E::Name(exercise_name.clone()));
        let mut terms = Vec::new();
        for key in keys {
            let mut term = value.clone();
            let place = Place { table: table.node.clone(), key: key.clone(), padded: true };
            visit::expr(&mut term, &mut Substitution { tables: self.tables, place: &place });
            // A figure of the table counts in its years only.
            let dated = self.tables.known[&table.node].is_dated() && mentions_cell(&value);
            if dated {
                let mut alternatives = Vec::new();
                for years in self.tables.periods(&table.node, &key).into_iter().flatten() {
                    let mut bounds = Vec::new();
                    if years.first != i64::MIN {
                        bounds.push(binary(BinaryOp::GreaterOrEqual, exercise(), year(years.first, span)));
                    }
                    if years.last != i64::MAX {
                        bounds.push(binary(BinaryOp::LessOrEqual, exercise(), year(years.last, span)));
                    }
                    alternatives.extend(conjunction(bounds));
                }
                if let Some(counts) = alternatives.into_iter().reduce(|a, b| binary(BinaryOp::Or, a, b)) {
                    let kind = E::If {
                        condition: Box::new(counts),
                        then: Box::new(term),
                        otherwise: Box::new(super::number(span, "0")),
                    };
                    term = at(span, kind);
                }
            }
            terms.push(term);
        }
        *expr = balanced(terms).unwrap_or_else(|| super::number(span, "0"));
    }
}

/// A sum of any length, without depth.
fn balanced(mut terms: Vec<Expr>) -> Option<Expr> {
    while terms.len() > 1 {
        let mut next = Vec::with_capacity(terms.len().div_ceil(2));
        let mut terms_left = terms.into_iter();
        while let Some(first) = terms_left.next() {
            next.push(match terms_left.next() {
                Some(second) => binary(BinaryOp::Add, first, second),
                None => first,
            });
        }
        terms = next;
    }
    terms.pop()
}

/// Whether an expression reads a cell of the table for its value.
fn mentions_cell(expr: &Expr) -> bool {
    let mut found = false;
    super::bare_names(expr, &mut |name| found |= name.starts_with('<') && name.ends_with('>'));
    found
}

fn year(value: i64, span: Span) -> Expr {
    let unit = UnitExpr { parts: vec![named("an", span)], span };
    at(span, E::Number { value: Number { digits: value.to_string().into(), span }, unit: Some(unit) })
}

fn period(years: Years, span: Span) -> Period {
    let bound = |year: i64| {
        u32::try_from(year).ok().filter(|_| year != i64::MAX).map(|node| DateBound::Year(Spanned { node, span }))
    };
    Period { from: bound(years.first), to: bound(years.last), span }
}

fn in_force(years: Years, span: Span) -> Clause {
    clause(span, K::InForce(period(years, span)))
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

fn date(raw: &str) -> Option<DateLiteral> {
    let parts: Vec<u32> = raw.split('-').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [year, month, day] = parts[..] else { return None };
    Some(DateLiteral { year, month, day })
}

/// The same value, placed where it is read.
fn relocated(mut value: Expr, span: Span) -> Expr {
    value.span = span;
    if let E::Negate(inner) = &mut value.kind {
        inner.span = span;
    }
    value
}

/// What stands for a cell that was reported.
fn broken(span: Span) -> Cell {
    Cell { text: "".into(), value: Some(super::unsaid(span)) }
}

/// A cell written in the declaration.
fn written_cell(value: &Expr) -> Cell {
    let text: Arc<str> = match &value.kind {
        E::Text(text) | E::Name(text) => text.clone(),
        E::Number { value, .. } => value.digits.clone(),
        E::Boolean(flag) => if *flag { "vrai" } else { "faux" }.into(),
        _ => "".into(),
    };
    let is_text = matches!(value.kind, E::Text(_));
    Cell { text, value: (!is_text).then(|| value.clone()) }
}

/// Whether a condition on the columns holds on a row; `None` after a mistake.
fn holds(
    condition: &Expr,
    table: &Table,
    enumerations: &BTreeMap<Arc<str>, Vec<Arc<str>>>,
    row: &Row,
    problems: &mut Vec<Diagnostic>,
) -> Option<bool> {
    let mut inner = |expr: &Expr| holds(expr, table, enumerations, row, problems);
    match &condition.kind {
        E::Not(negated) => return inner(negated).map(|value| !value),
        E::Binary { op: BinaryOp::And, left, right, .. } => return Some(inner(left)? && inner(right)?),
        E::Binary { op: BinaryOp::Or, left, right, .. } => return Some(inner(left)? || inner(right)?),
        _ => {}
    }
    let (subject, wanted): (&Expr, Vec<(Arc<str>, Span)>) = match &condition.kind {
        E::Name(_) => (condition, Vec::new()),
        E::Binary { op: BinaryOp::Equal | BinaryOp::NotEqual, left, right, .. } => {
            (left, vec![(written_cell(right).text, right.span)])
        }
        E::OneOf { subject, names } => (subject, names.iter().map(|name| (name.node.clone(), name.span)).collect()),
        _ => {
            problems.push(say::bad_condition(condition.span));
            return None;
        }
    };
    let E::Name(name) = &subject.kind else {
        problems.push(say::bad_condition(condition.span));
        return None;
    };
    let Some(rank) = table.column(name) else {
        let known = table.columns.iter().map(|column| &*column.name.node);
        problems.push(say::unknown_declared("la colonne", &named(name.clone(), subject.span), known));
        return None;
    };
    let base = &table.columns[rank].ty.base;
    let text = row.cells[rank].as_ref().map_or("", |cell| &cell.text);
    let truth = |text: &str| matches!(text, "1" | "vrai" | "true" | "oui");
    if wanted.is_empty() {
        if !matches!(base, BaseType::Boolean) {
            problems.push(say::bad_condition(condition.span));
            return None;
        }
        return Some(truth(text));
    }
    if let BaseType::Named(enumeration) = base
        && let Some(cases) = enumerations.get(&enumeration.node)
        && let Some((case, span)) = wanted.iter().find(|(case, _)| !cases.contains(case))
    {
        problems.push(say::unknown_case(*span, case, &enumeration.node, cases.iter().map(|case| &**case)));
        return None;
    }
    let same = |wanted: &str| match base {
        BaseType::Boolean => truth(text) == (wanted == "vrai"),
        BaseType::Integer | BaseType::Decimal => parse_decimal(&text.replace(',', ".")) == parse_decimal(wanted),
        _ => text == wanted,
    };
    let found = wanted.iter().any(|(wanted, _)| same(wanted));
    Some(found != matches!(condition.kind, E::Binary { op: BinaryOp::NotEqual, .. }))
}
