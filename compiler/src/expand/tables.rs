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
use crate::typed::Years;

/// Replaces every template by its instances; the tables stay, so that their clauses are checked.
pub(super) fn expand(sources: &SourceMap, files: &mut [File], diagnostics: &mut Vec<Diagnostic>) {
    let exercise =
        files.iter().flat_map(|file| &file.items).flat_map(|item| &item.clauses).find_map(|c| match &c.kind {
            K::Exercise(name) => Some(name.node.clone()),
            _ => None,
        });
    let mut enumerations: BTreeMap<Arc<str>, Vec<Arc<str>>> = BTreeMap::new();
    for item in files.iter().flat_map(|file| &file.items).filter(|item| matches!(item.kind, ItemKind::Enumeration)) {
        let cases = item.clauses.iter().filter_map(|c| match &c.kind {
            K::Case { name, .. } => Some(name.node.clone()),
            _ => None,
        });
        enumerations.extend(item.name.iter().map(|name| (name.node.clone(), cases.clone().collect())));
    }
    let mut tables = Tables {
        enumerations,
        exercise: exercise.unwrap_or_else(|| "".into()),
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
}

struct Tables {
    /// Cases by enumeration.
    enumerations: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    /// The input that says the year.
    exercise: Arc<str>,
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
            references: item.clauses.iter().filter(|c| matches!(c.kind, K::Reference(_))).cloned().collect(),
            columns: Vec::new(),
            rows: IndexMap::new(),
        };
        for each in &item.clauses {
            if let K::Column { name, ty } = &each.kind {
                table.columns.push(Column { name: name.clone(), ty: (**ty).clone() });
            }
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
        let mut rows = self.inline(item, &table);
        if let Some(path) = item.clauses.iter().find_map(|c| match &c.kind {
            K::File(path) => Some(path),
            _ => None,
        }) {
            rows.extend(self.file(sources, file, path, &table));
        }
        if rows.is_empty() && self.diagnostics.is_empty() {
            self.report(say::missing_clause(name.span, "cette table", "ses lignes (« ligne … » ou « fichier … »)"));
        }
        self.change_rows(item, &table, key_column, bounds, &mut rows);
        for mut row in rows {
            if let Some((from, to)) = bounds {
                let year = |cell: &Option<Cell>| cell.as_ref().and_then(|cell| cell.text.parse::<i64>().ok());
                row.years = Years {
                    first: year(&row.cells[from]).unwrap_or(i64::MIN),
                    last: year(&row.cells[to]).unwrap_or(i64::MAX),
                };
                if row.years.first > row.years.last {
                    self.report(say::never_applies(row.span, "cette ligne"));
                    continue;
                }
            }
            let Some(key) = row.cells[key_column].clone() else {
                self.report(say::bad_table(row.span, "cette ligne n'a pas de clé"));
                continue;
            };
            if !is_name(&key.text) {
                let problem = format!("« {} » ne peut pas entrer dans un nom : lettres, chiffres et « _ »", key.text);
                self.report(say::bad_table(row.span, &problem));
                continue;
            }
            let known = table.rows.entry(key.text).or_default();
            let clash = known.iter().find_map(|other| Some((other.span, other.years.overlap(row.years)?)));
            match clash {
                Some((first, years)) => self.diagnostics.push(say::period_overlap(row.span, first, years)),
                None => known.push(row),
            }
        }
        table.rows.values_mut().for_each(|rows| rows.sort_by_key(|row| row.years.first));
        self.known.insert(name.node.clone(), table);
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
                let problem = format!("cette ligne a {} valeurs pour {} colonnes", cells.len(), table.columns.len());
                self.report(say::bad_table(each.span, &problem));
                continue;
            }
            let cells = cells.iter().map(|cell| cell.as_ref().map(written_cell)).collect();
            rows.push(Row { cells, years: Years::ALWAYS, span: each.span });
        }
        rows
    }

    fn file(&mut self, sources: &SourceMap, file: FileId, path: &Text, table: &Table) -> Vec<Row> {
        let name = sources.beside(file, &path.node);
        let Some(id) = sources.table(&name) else {
            self.report(say::bad_table(path.span, &format!("le fichier « {name} » n'existe pas")));
            return Vec::new();
        };
        let text = &sources.file(id).text;
        let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
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
            let mut cells = Vec::new();
            for (column, rank) in table.columns.iter().zip(&ranks) {
                let raw = record.get(*rank).unwrap_or_default().trim();
                cells.push(if raw.is_empty() { None } else { self.parse(raw, column, span) });
            }
            rows.push(Row { cells, years: Years::ALWAYS, span });
        }
        rows
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
                let Some(cases) = self.enumerations.get(&name.node) else {
                    let known = self.enumerations.keys().map(|k| &**k);
                    let problem = say::unknown_declared("l'énumération ou le type", name, known);
                    self.report(problem);
                    return None;
                };
                if !cases.iter().any(|case| **case == *raw) {
                    let problem = say::unknown_case(span, raw, &name.node, cases.iter().map(|case| &**case));
                    self.report(problem);
                    return None;
                }
                Some(E::Name(raw.into()))
            }
        };
        Some(Cell { text: raw.into(), value: value.map(|kind| at(span, kind)) })
    }

    fn bad_cell(&mut self, raw: &str, column: &Column, wanted: &str, span: Span) -> Option<Cell> {
        let problem = format!("colonne « {} » : « {raw} » n'est pas {wanted}", column.name.node);
        self.report(say::bad_table(span, &problem));
        None
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
                Some(condition) => rows.iter().filter_map(|row| holds(condition, known, row, &mut problems)).collect(),
            };
            if verdicts.len() > 1 {
                let problem = format!("la condition change d'une période à l'autre pour « {key} »");
                problems.push(say::bad_table(condition.map_or(table.span, |c| c.span), &problem));
            }
            if verdicts.contains(&true) {
                keys.push(key.clone());
            }
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
        if let Some(filled) = self.filled(&name.node, name.span) {
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
                        let problem = "cette colonne n'a pas de valeur à lire ici";
                        self.tables.report(say::bad_table(expr.span, problem));
                    }
                }
                None => {
                    let known = table.columns.iter().map(|column| &*column.name.node);
                    let problem = say::unknown_declared("la colonne", &named(column, expr.span), known);
                    self.tables.report(problem);
                }
            }
        } else if let Some(filled) = self.filled(name, expr.span) {
            expr.kind = E::Name(filled);
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
        let (table, value, span) = (table.clone(), (**value).clone(), expr.span);
        let keys = self.tables.keys(&table, condition.as_deref()).unwrap_or_default();
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
fn holds(condition: &Expr, table: &Table, row: &Row, problems: &mut Vec<Diagnostic>) -> Option<bool> {
    let mut cell = |expr: &Expr| -> Option<Arc<str>> {
        let E::Name(name) = &expr.kind else { return None };
        match table.column(name) {
            Some(column) => Some(row.cells[column].as_ref().map_or_else(|| "".into(), |cell| cell.text.clone())),
            None => {
                let known = table.columns.iter().map(|column| &*column.name.node);
                problems.push(say::unknown_declared("la colonne", &named(name.clone(), expr.span), known));
                None
            }
        }
    };
    let truth = |text: &str| matches!(text, "1" | "vrai" | "true" | "oui");
    match &condition.kind {
        E::Name(_) => cell(condition).map(|text| truth(&text)),
        E::Not(inner) => holds(inner, table, row, problems).map(|value| !value),
        E::Binary { op: BinaryOp::And, left, right, .. } => {
            Some(holds(left, table, row, problems)? && holds(right, table, row, problems)?)
        }
        E::Binary { op: BinaryOp::Or, left, right, .. } => {
            Some(holds(left, table, row, problems)? || holds(right, table, row, problems)?)
        }
        E::Binary { op: op @ (BinaryOp::Equal | BinaryOp::NotEqual), left, right, .. } => {
            let text = cell(left)?;
            let wanted = written_cell(right).text;
            let same =
                if matches!(right.kind, E::Boolean(_)) { truth(&text) == (&*wanted == "vrai") } else { text == wanted };
            Some(same == (*op == BinaryOp::Equal))
        }
        E::OneOf { subject, names } => {
            let text = cell(subject)?;
            Some(names.iter().any(|name| name.node == text))
        }
        _ => {
            problems.push(say::bad_table(
                condition.span,
                "une condition de table compare une colonne à un cas : « population = adulte », « non declaratif »",
            ));
            None
        }
    }
}
