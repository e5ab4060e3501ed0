//! The grammar by examples: each `tests/corpus/*.txt` holds cases, a title, a source, and the tree that it gives. Every
//! alternative of `grammar.pest` is there, every word in every spelling.
//!
//! After reading them: `INSTA_UPDATE=always cargo test -p polc --test it corpus` rewrites the trees.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use polc_dsl::SourceMap;
use polc_dsl::ast::*;
use polc_dsl::diagnostic::render::terminal::{Style, render};

const TITLE: &str = "════ ";
const RULE: &str = "────\n";

/// A source and its tree, under a title.
struct Case {
    title: String,
    source: String,
    tree: String,
}

fn files() -> Vec<(PathBuf, Vec<Case>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), cases(&fs::read_to_string(path).unwrap()))).collect()
}

fn cases(text: &str) -> Vec<Case> {
    let parts = text.split(TITLE).skip(1);
    let case = |part: &str| {
        let (title, rest) = part.split_once('\n').unwrap();
        let (source, tree) = rest.split_once(RULE).unwrap_or((rest, ""));
        Case { title: title.to_owned(), source: source.to_owned(), tree: tree.trim_end().to_owned() }
    };
    parts.map(case).collect()
}

/// The tree of a case; what is said of it, if the parser refuses it.
fn tree(case: &Case) -> Result<String, String> {
    let mut sources = SourceMap::new();
    let (id, problem) = sources.add("corpus.pol", case.source.as_bytes());
    assert!(problem.is_none());
    let (file, diagnostics) = polc_dsl::parse(&sources, id);
    let style = Style { colour: false, width: 100 };
    let said: String = diagnostics.iter().map(|diagnostic| render(diagnostic, &sources, style)).collect();
    if !said.is_empty() {
        return Err(said);
    }
    assert!(file.unread.is_empty());
    Ok(file.items.iter().map(item).collect::<String>().trim_end().to_owned())
}

#[test]
fn sources_give_their_trees() {
    let update = std::env::var("INSTA_UPDATE").is_ok_and(|mode| mode == "always");
    let (mut refused, mut stale) = (Vec::new(), Vec::new());
    for (path, cases) in files() {
        let mut text = String::new();
        for case in &cases {
            let tree = tree(case).unwrap_or_else(|said| {
                refused.push(format!("{}:\n{said}", case.title));
                String::new()
            });
            if tree != case.tree {
                stale.push(format!("{}:\n{tree}\n", case.title));
            }
            let _ = write!(text, "{TITLE}{}\n{}{RULE}{tree}\n\n", case.title, case.source);
        }
        if update {
            fs::write(path, text.trim_end().to_owned() + "\n").unwrap();
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    assert!(update || stale.is_empty(), "trees that differ:\n{}", stale.join("\n"));
}

/// The words in quotation marks of the rules whose name starts so, in grammar.pest.
fn grammar_words(prefixes: &[&str]) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("dsl/src/grammar.pest");
    let grammar = fs::read_to_string(path).unwrap();
    let mut words = BTreeSet::new();
    for line in grammar.lines().filter(|line| prefixes.iter().any(|prefix| line.starts_with(prefix))) {
        let body = line.split_once('{').map_or("", |(_, body)| body);
        words.extend(body.split('"').skip(1).step_by(2).map(str::to_owned));
    }
    words
}

#[test]
fn every_word_of_the_grammar_is_in_a_source() {
    let sources: String = files().into_iter().flat_map(|(_, cases)| cases).map(|case| case.source).collect();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let words: BTreeSet<&str> = sources.split(|c| !is_word(c)).collect();
    let expected = grammar_words(&[
        "kw_",
        "mot_",
        "mois ",
        "comparateur",
        "symbole_monnaie",
        "moins ",
        "plus ",
        "fois ",
        "divise ",
        "ap ",
    ]);
    assert!(expected.len() > 150, "the grammar was not read");
    let missing: Vec<&String> = expected
        .iter()
        .filter(|word| {
            if word.chars().all(is_word) { !words.contains(word.as_str()) } else { !sources.contains(word.as_str()) }
        })
        .collect();
    assert!(missing.is_empty(), "in no source: {missing:?}");
}

#[test]
fn every_node_is_in_a_tree() {
    let trees: String = files().into_iter().flat_map(|(_, cases)| cases).map(|case| case.tree + "\n").collect();
    let words: BTreeSet<&str> = trees.split(|c: char| c.is_whitespace() || "()[],".contains(c)).collect();
    let missing: Vec<&&str> = NODES.iter().filter(|node| !words.contains(**node)).collect();
    assert!(missing.is_empty(), "in no tree: {missing:?}");
}

// ------------------------------------------------------------------------------------------------ trees as text

/// Every word that the functions below write for a node.
const NODES: &[&str] = &[
    "policy",
    "enumeration",
    "unit",
    "input",
    "parameter",
    "definition",
    "internal",
    "block",
    "criterion",
    "minoration",
    "majoration",
    "proration",
    "payment",
    "derogation",
    "reading",
    "situation",
    "example",
    "control",
    "amendment",
    "insert",
    "replace",
    "repeal",
    "postpone",
    "extend",
    "of-kind",
    "insert-row",
    "replace-row",
    "repeal-row",
    "signed",
    "published",
    "draft",
    "with",
    "without",
    "integer",
    "decimal",
    "boolean",
    "date",
    "text",
    "named",
    "in",
    "decimals",
    "range",
    "default",
    "currency",
    "key",
    "exercise",
    "scope",
    "cited-text",
    "case",
    "meaning",
    "value-of",
    "reference",
    "for",
    "all",
    "in-force",
    "true-if",
    "if",
    "points",
    "fixed",
    "variable",
    "amount",
    "rate",
    "value",
    "cap",
    "floor",
    "prorated",
    "member",
    "core",
    "optional",
    "prerequisite",
    "condition",
    "total",
    "prerequisites",
    "on",
    "after",
    "from",
    "until",
    "relative-to",
    "day-count",
    "suffices",
    "lifts",
    "overrides",
    "retained",
    "variant",
    "reason",
    "replaces",
    "in-conflict",
    "origin",
    "base",
    "under",
    "year",
    "given",
    "expected",
    "each-row",
    "blocking",
    "verify",
    "announces",
    "gap",
    "article",
    "annex",
    "free",
    "of",
    "when",
    "per",
    "limit",
    "empty",
    "none",
    "true",
    "false",
    "date-of",
    "neg",
    "not",
    "+",
    "-",
    "×",
    "/",
    "=",
    "≠",
    "<",
    "≤",
    ">",
    "≥",
    "and",
    "or",
    "one-of",
    "if-else",
    "call",
    "at-least",
    "days",
    "days-of-year",
    "previous",
    "or-else",
    "capped",
    "raised",
    "brackets",
    "else",
    "tiers",
    "beyond",
    "part",
    "schedule",
    "exclusion",
    "aggregate",
    "table",
    "template",
    "each",
    "where",
    "keeps",
    "first-year",
    "cumulates",
    "since",
    "interrupted",
    "due",
    "recovery",
    "at",
    "to",
    "annuls",
    "between",
    "only-once",
    "summarises",
    "Count",
    "Sum",
    "Mean",
    "Maximum",
    "Minimum",
    "by",
    "rounded",
    "whole-data",
    "file",
    "column",
    "columns",
    "row",
    "days-before",
    "earlier",
    "set?",
    "sum-over",
];

fn kind_of(target: &Target) -> String {
    target.sort.as_ref().map(|sort| format!(" (of-kind {})", sort.node)).unwrap_or_default()
}

/// What a change aims at and when.
fn change(change: &Change) -> String {
    let (target, bound) = match change {
        Change::Insert(_) | Change::Replace(_) => return String::new(),
        Change::Row { cells, .. } => {
            let cell = |cell: &Option<Expr>| cell.as_ref().map_or("empty".to_owned(), expr);
            return format!(" ({})", cells.iter().map(cell).collect::<Vec<_>>().join(" "));
        }
        Change::RepealRow { from, .. } => {
            return from.as_ref().map(|from| format!(" (from {})", bound_of(from))).unwrap_or_default();
        }
        Change::Repeal { target, from } => (target, from.as_ref().map(|from| format!(" (from {})", bound_of(from)))),
        Change::Postpone { target, from } => (target, Some(format!(" (from {})", bound_of(from)))),
        Change::Extend { target, until } => (target, Some(format!(" (until {})", bound_of(until)))),
    };
    let cases = target.cases.as_ref().map(|cases| format!(" (for {})", cases_of(cases))).unwrap_or_default();
    format!("{cases}{}", bound.unwrap_or_default())
}

fn indented(tree: &str) -> String {
    tree.lines().enumerate().map(|(rank, line)| format!("{}{line}\n", if rank > 0 { "  " } else { "" })).collect()
}

fn bound_of(bound: &DateBound) -> String {
    match bound {
        DateBound::Year(year) => year.node.to_string(),
        DateBound::Date(date) => date_of(date.node),
    }
}

fn item(item: &Item) -> String {
    let mut head = match &item.kind {
        ItemKind::Policy => "policy".to_owned(),
        ItemKind::Enumeration => "enumeration".to_owned(),
        ItemKind::Unit { .. } => "unit".to_owned(),
        ItemKind::Input(_) => "input".to_owned(),
        ItemKind::Parameter => "parameter".to_owned(),
        ItemKind::Definition { internal: false } => "definition".to_owned(),
        ItemKind::Definition { internal: true } => "definition internal".to_owned(),
        ItemKind::Block => "block".to_owned(),
        ItemKind::Criterion => "criterion".to_owned(),
        ItemKind::Minoration => "minoration".to_owned(),
        ItemKind::Majoration => "majoration".to_owned(),
        ItemKind::Proration => "proration".to_owned(),
        ItemKind::Payment => "payment".to_owned(),
        ItemKind::Derogation { .. } => "derogation".to_owned(),
        ItemKind::Reading => "reading".to_owned(),
        ItemKind::Situation => "situation".to_owned(),
        ItemKind::Example => "example".to_owned(),
        ItemKind::Control => "control".to_owned(),
        ItemKind::Part => "part".to_owned(),
        ItemKind::Schedule => "schedule".to_owned(),
        ItemKind::Exclusion => "exclusion".to_owned(),
        ItemKind::Aggregate => "aggregate".to_owned(),
        ItemKind::Table => "table".to_owned(),
        ItemKind::Amendment => "amendment".to_owned(),
        ItemKind::Change(change) => match change {
            Change::Insert(inner) => return format!("insert {}", indented(&self::item(inner))),
            Change::Replace(inner) => return format!("replace {}", indented(&self::item(inner))),
            Change::Repeal { target, .. } => format!("repeal{}", kind_of(target)),
            Change::Postpone { target, .. } => format!("postpone{}", kind_of(target)),
            Change::Row { replaces, .. } => if *replaces { "replace-row" } else { "insert-row" }.to_owned(),
            Change::RepealRow { key, .. } => format!("repeal-row « {} »", key.node),
            Change::Extend { target, .. } => format!("extend{}", kind_of(target)),
        },
    };
    if let Some(name) = &item.name {
        let _ = write!(head, " {}", name.node);
    }
    match &item.kind {
        ItemKind::Unit { aliases } => aliases.iter().for_each(|alias| head += &format!(" {}", alias.node)),
        ItemKind::Derogation { target } => head += &format!(" of {}", target.node),
        ItemKind::Input(ty) => head += &input_type(ty),
        ItemKind::Change(made) => head += &change(made),
        _ => {}
    }
    if let Some(title) = &item.title {
        head += &format!(" « {} »", title.node);
    }
    let clauses: String = item.clauses.iter().map(|each| format!("  {}\n", clause(each))).collect();
    format!("{head}\n{clauses}")
}

fn input_type(ty: &InputType) -> String {
    let mut out = match &ty.base {
        BaseType::Integer => " integer".to_owned(),
        BaseType::Decimal => " decimal".to_owned(),
        BaseType::Boolean => " boolean".to_owned(),
        BaseType::Date => " date".to_owned(),
        BaseType::Text => " text".to_owned(),
        BaseType::Named(name) => format!(" (named {})", name.node),
    };
    if let Some(unit) = &ty.unit {
        let _ = write!(out, " (in {})", unit_of(unit));
    }
    if let Some(decimals) = &ty.decimals {
        let _ = write!(out, " (decimals {})", decimals.node);
    }
    if let Some((low, high)) = &ty.range {
        let _ = write!(out, " (range {} {})", expr(low), expr(high));
    }
    if let Some(default) = &ty.default {
        let _ = write!(out, " (default {})", expr(default));
    }
    if ty.optional {
        out += " optional";
    }
    out
}

fn clause(clause: &Clause) -> String {
    use ClauseKind as K;
    match &clause.kind {
        K::Currency { symbol, decimals } => format!("currency {symbol} {decimals}"),
        K::Key(names) => format!("key {}", names_of(names)),
        K::Exercise(name) => format!("exercise {}", name.node),
        K::Scope { condition, citations } => format!("scope {}{}", expr(condition), cited(citations)),
        K::CitedText { name, title } => format!("cited-text {} « {} »", name.node, title.node),
        K::Case { name, title } => format!("case {}{}", name.node, titled(title.as_ref())),
        K::Meaning(text) => format!("meaning « {} »", text.node),
        K::DatedValue { period: when, value } => format!("value-of {} {}", period(when), expr(value)),
        K::Reference(list) => format!("reference{}", cited(list)),
        K::For { cases, condition } => format!("for {}{}", cases_of(cases), when(condition.as_ref())),
        K::InForce(years) => format!("in-force {}", period(years)),
        K::TrueIf(condition) => format!("true-if {}", expr(condition)),
        K::If(condition) => format!("if {}", expr(condition)),
        K::Points { nature, amount: what, when: condition, citations } => {
            let nature = match nature {
                None => "",
                Some(Nature::Fixed) => " fixed",
                Some(Nature::Variable) => " variable",
            };
            format!("points{nature} {}{}{}", amount(what), when(condition.as_ref()), cited(citations))
        }
        K::Amount { amount: what, when: condition, citations } => {
            format!("amount {}{}{}", amount(what), when(condition.as_ref()), cited(citations))
        }
        K::Rate { amount: what, when: condition, citations } => {
            format!("rate {}{}{}", amount(what), when(condition.as_ref()), cited(citations))
        }
        K::Value { value, citations } => format!("value {}{}", expr(value), cited(citations)),
        K::Bound { kind, value, cases, when: condition, citations } => {
            let word = if *kind == BoundKind::Cap { "cap" } else { "floor" };
            let cases = cases.as_ref().map(|cases| format!(" (for {})", cases_of(cases))).unwrap_or_default();
            format!("{word} {}{cases}{}{}", expr(value), when(condition.as_ref()), cited(citations))
        }
        K::Prorated { value, citations } => format!("prorated {}{}", expr(value), cited(citations)),
        K::Membership { block, level: rank } => format!("member {} {}", block.node, level(*rank)),
        K::Prerequisite { name, title, condition } => {
            format!("prerequisite {}{} {}", name.node, titled(title.as_ref()), expr(condition))
        }
        K::NamedCondition { name, title, condition } => {
            format!("condition {}{} {}", name.node, titled(title.as_ref()), expr(condition))
        }
        K::BlockTotal { level: rank, name, title, citations } => {
            format!("total {} {}{}{}", level(*rank), name.node, titled(title.as_ref()), cited(citations))
        }
        K::BlockPrerequisites { met, met_title, count, count_title, citations } => format!(
            "prerequisites {}{} {}{}{}",
            met.node,
            titled(met_title.as_ref()),
            count.node,
            titled(count_title.as_ref()),
            cited(citations)
        ),
        K::On(name) => format!("on {}", name.node),
        K::After(name) => format!("after {}", name.node),
        K::From(date) => format!("from {}", expr(date)),
        K::Until(date) => format!("until {}", expr(date)),
        K::RelativeTo(days) => format!("relative-to {}", expr(days)),
        K::DayCount { name, title } => format!("day-count {}{}", name.node, titled(title.as_ref())),
        K::Suffices(count) => format!("suffices {}", count.node),
        K::Lifts(name) => format!("lifts {}", name.node),
        K::Overrides(name) => format!("overrides {}", name.node),
        K::Retained { name, text } => format!("retained {} « {} »", name.node, text.node),
        K::Variant { name, text } => format!("variant {} « {} »", name.node, text.node),
        K::Reason(text) => format!("reason « {} »", text.node),
        K::Replaces { name, each, cases, value } => {
            let each = each.as_ref().map(|(table, condition)| for_each(table, condition.as_ref())).unwrap_or_default();
            let cases = cases.as_ref().map(|cases| format!(" (for {})", cases_of(cases))).unwrap_or_default();
            format!("replaces {}{each}{cases} {}", name.node, expr(value))
        }
        K::InConflict(list) => format!("in-conflict{}", cited(list)),
        K::Origin(Origin::Text) => "origin text".to_owned(),
        K::Origin(Origin::Computed) => "origin computed".to_owned(),
        K::Base(name) => format!("base {}", name.node),
        K::Dated { published, date } => {
            format!("{} {}", if *published { "published" } else { "signed" }, date_of(date.node))
        }
        K::Draft => "draft".to_owned(),
        // Only the overlay writes it.
        K::RowChange { key, .. } => format!("row-change {}", key.node),
        K::UnderAmendments { names, included } => {
            format!("{} {}", if *included { "with" } else { "without" }, names_of(names))
        }
        K::UnderReading { reading, variant } => format!("under {} {}", reading.node, variant.node),
        K::Year(year) => format!("year {}", year.node),
        K::Given(list) => {
            let value = |value: &Option<Expr>| value.as_ref().map_or("empty".to_owned(), expr);
            let items: Vec<String> = list.iter().map(|a| format!("({} {})", a.name.node, value(&a.value))).collect();
            format!("given {}", items.join(" "))
        }
        K::Expected(list) => {
            let value = |value: &Option<Expr>| value.as_ref().map_or("none".to_owned(), expr);
            let items: Vec<String> = list.iter().map(|e| format!("({} {})", e.name.node, value(&e.value))).collect();
            format!("expected {}", items.join(" "))
        }
        K::EachRow => "each-row".to_owned(),
        K::Blocking => "blocking".to_owned(),
        K::Verify(condition) => format!("verify {}", expr(condition)),
        K::Announces { value, quantity } => {
            let quantity = quantity.as_ref().map(|name| format!(" of {}", name.node)).unwrap_or_default();
            format!("announces {}{quantity}", expr(value))
        }
        K::Gap { value, reason } => format!("gap {} « {} »", expr(value), reason.node),
        K::ScopeAll => "scope all".to_owned(),
        K::ForEach { table, condition } => format!("template{}", for_each(table, condition.as_ref())),
        K::Keeps(condition) => format!("keeps {}", expr(condition)),
        K::FirstYear(condition) => format!("first-year {}", expr(condition)),
        K::Cumulates { value, since, citations } => {
            format!("cumulates {} (since {}){}", expr(value), expr(since), cited(citations))
        }
        K::Interrupted(date) => format!("interrupted {}", expr(date)),
        K::Due { name, title, rate, amount, date, when: condition, citations } => format!(
            "due {}{} {} of {} on {}{}{}",
            name.node,
            titled(title.as_ref()),
            expr(rate),
            expr(amount),
            expr(date),
            when(condition.as_ref()),
            cited(citations)
        ),
        K::Recovery { name, title, amount, at, from, to, when: condition, citations } => format!(
            "recovery {}{} {} at {} (from {} to {}){}{}",
            name.node,
            titled(title.as_ref()),
            expr(amount),
            expr(at),
            expr(from),
            expr(to),
            when(condition.as_ref()),
            cited(citations)
        ),
        K::ScheduleTotal { name, title, citations } => {
            format!("total {}{}{}", name.node, titled(title.as_ref()), cited(citations))
        }
        K::Annuls(names) => format!("annuls {}", names_of(names)),
        K::Between(names) => format!("between {}", names_of(names)),
        K::OnlyOnce(name) => format!("only-once {}", name.node),
        K::Nothing => "nothing".to_owned(),
        K::Summarises { summary, value, by, when: condition, citations } => format!(
            "summarises {summary:?}{} by {}{}{}",
            value.as_ref().map(|value| format!(" {}", expr(value))).unwrap_or_default(),
            names_of(by),
            when(condition.as_ref()),
            cited(citations)
        ),
        K::RoundedTo(decimals) => format!("rounded {}", decimals.node),
        K::WholeData(by) if by.is_empty() => "whole-data".to_owned(),
        K::WholeData(by) => format!("whole-data by {}", names_of(by)),
        K::File(path) => format!("file « {} »", path.node),
        K::Column { name, ty } => format!("column {}{}", name.node, input_type(ty)),
        K::Row(cells) => {
            let cell = |cell: &Option<Expr>| cell.as_ref().map_or("empty".to_owned(), expr);
            format!("row {}", cells.iter().map(cell).collect::<Vec<_>>().join(" "))
        }
        K::ColumnsInForce { from, to } => format!("in-force columns {} {}", from.node, to.node),
    }
}

fn for_each(table: &Name, condition: Option<&Expr>) -> String {
    let condition = condition.map(|condition| format!(" where {}", expr(condition))).unwrap_or_default();
    format!(" (for each {}{condition})", table.node)
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Core => "core",
        Level::Optional => "optional",
    }
}

fn names_of(names: &[Name]) -> String {
    names.iter().map(|name| name.node.to_string()).collect::<Vec<_>>().join(" ")
}

fn titled(title: Option<&Text>) -> String {
    title.map(|title| format!(" « {} »", title.node)).unwrap_or_default()
}

fn cases_of(cases: &Cases) -> String {
    match cases {
        Cases::All => "all".to_owned(),
        Cases::Named(names) => names_of(names),
    }
}

fn when(condition: Option<&Expr>) -> String {
    condition.map(|condition| format!(" (when {})", expr(condition))).unwrap_or_default()
}

fn cited(citations: &[Citation]) -> String {
    let one = |citation: &Citation| {
        let place = match &citation.kind {
            CitationKind::Article(number) => format!("article {number}"),
            CitationKind::Annex(number) => format!("annex {number}"),
            CitationKind::Free(text) => format!("free « {text} »"),
        };
        let of = citation.of.as_ref().map(|name| format!(" of {}", name.node)).unwrap_or_default();
        format!(" [{place}{of}]")
    };
    citations.iter().map(one).collect()
}

fn period(period: &Period) -> String {
    let bound = |bound: &Option<DateBound>| bound.as_ref().map_or("…".to_owned(), bound_of);
    format!("[{} {}]", bound(&period.from), bound(&period.to))
}

fn date_of(date: DateLiteral) -> String {
    format!("{:04}-{:02}-{:02}", date.year, date.month, date.day)
}

fn unit_of(unit: &UnitExpr) -> String {
    unit.parts.iter().map(|part| part.node.to_string()).collect::<Vec<_>>().join("/")
}

fn amount(amount: &Amount) -> String {
    match amount {
        Amount::Plain(value) => expr(value),
        Amount::PerUnit { amount, per, unit, quantity, limit, .. } => {
            let per = per.as_ref().map(|count| format!("{} ", count.digits)).unwrap_or_default();
            let limit = limit.as_ref().map(|limit| format!(" (limit {})", expr(limit))).unwrap_or_default();
            format!("{} (per {per}{} {}){limit}", amount.digits, unit.node, expr(quantity))
        }
    }
}

fn list(word: &str, items: &[Expr]) -> String {
    let items: Vec<String> = items.iter().map(expr).collect();
    format!("({word} {})", items.join(" "))
}

fn expr(written: &Expr) -> String {
    use ExprKind as E;
    match &written.kind {
        E::Number { value, unit } => {
            let unit = unit.as_ref().map(|unit| format!("{{{}}}", unit_of(unit))).unwrap_or_default();
            format!("{}{unit}", value.digits)
        }
        E::Boolean(value) => value.to_string(),
        E::Date(date) => date_of(*date),
        E::Text(text) => format!("« {text} »"),
        E::Name(name) => name.to_string(),
        E::Retained => "retained".to_owned(),
        E::DateOf { day, month, year } => format!("(date-of {day} {month} {})", expr(year)),
        E::Negate(inner) => format!("(neg {})", expr(inner)),
        E::Not(inner) => format!("(not {})", expr(inner)),
        E::Binary { op, left, right, .. } => {
            let op = match op {
                BinaryOp::Add => "+",
                BinaryOp::Subtract => "-",
                BinaryOp::Multiply => "×",
                BinaryOp::Divide => "/",
                BinaryOp::Equal => "=",
                BinaryOp::NotEqual => "≠",
                BinaryOp::Less => "<",
                BinaryOp::LessOrEqual => "≤",
                BinaryOp::Greater => ">",
                BinaryOp::GreaterOrEqual => "≥",
                BinaryOp::And => "and",
                BinaryOp::Or => "or",
            };
            format!("({op} {} {})", expr(left), expr(right))
        }
        E::OneOf { subject, names } => format!("(one-of {} {})", expr(subject), names_of(names)),
        E::If { condition, then, otherwise } => {
            format!("(if-else {} {} {})", expr(condition), expr(then), expr(otherwise))
        }
        E::Call { function, arguments } => list(&format!("call {}", function.node), arguments),
        E::AtLeast { count, conditions } => list(&format!("at-least {}", count.node), conditions),
        E::DaysBetween { from, to, exclusive: false } => format!("(days {} {})", expr(from), expr(to)),
        E::DaysBetween { from, to, .. } => format!("(days-before {} {})", expr(from), expr(to)),
        E::DaysOfYear(year) => format!("(days-of-year {})", expr(year)),
        E::Past { reach: Reach::LastYear, name } => format!("(previous {})", name.node),
        E::Past { reach: Reach::Earlier, name } => format!("(earlier {})", name.node),
        E::IsSet(value) => format!("(set? {})", expr(value)),
        E::SumOver { table, condition, value } => {
            format!("(sum-over{} {})", for_each(table, condition.as_deref()), expr(value))
        }
        E::OrElse { value, default } => format!("(or-else {} {})", expr(value), expr(default)),
        E::CappedAt { value, cap } => format!("(capped {} {})", expr(value), expr(cap)),
        E::RaisedTo { value, floor } => format!("(raised {} {})", expr(value), expr(floor)),
        E::Brackets { subject, rows } => {
            let bound = |bound: &Option<Expr>| bound.as_ref().map_or("…".to_owned(), expr);
            let row = |row: &Bracket| {
                let range = if row.otherwise { "else".to_owned() } else { bound(&row.from) + " " + &bound(&row.to) };
                format!(" [{range} : {}]", expr(&row.value))
            };
            format!("(brackets {}{})", expr(subject), rows.iter().map(row).collect::<String>())
        }
        E::Tiers { subject, rows } => {
            let row = |row: &Tier| {
                let end = row.up_to.as_ref().map_or("beyond".to_owned(), expr);
                let per = row.per.as_ref().map(|(count, unit)| {
                    let count = count.as_ref().map(|count| format!("{} ", count.digits)).unwrap_or_default();
                    format!(" (per {count}{})", unit.node)
                });
                format!(" [{end} : {}{}]", expr(&row.rate), per.unwrap_or_default())
            };
            format!("(tiers {}{})", expr(subject), rows.iter().map(row).collect::<String>())
        }
    }
}
