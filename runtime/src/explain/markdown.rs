//! A statement in Markdown: the same sections as the page, in nested lists.

use std::fmt::Write as _;

use super::headings as say;
use super::lacks;
use super::pages::{self, Results};
use super::statement::*;
use super::text::{Branch, Look, Mention, Row, Style, Tree, formula_text, in_parentheses, short_place};
use super::words;

/// How deep the tree goes before a branch is told apart.
const WIDTH: usize = 66;

impl Statement {
    /// The statement in Markdown.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut page = Page { statement: self, out: String::new() };
        page.heading();
        page.sums();
        page.contribution();
        page.operations();
        page.lacks();
        page.parameters();
        page.readings();
        page.data();
        page.out
    }
}

struct Page<'s> {
    statement: &'s Statement,
    out: String,
}

impl<'s> Page<'s> {
    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end_matches(' '));
        self.out.push('\n');
    }

    fn paragraph(&mut self, text: &str) {
        self.line("");
        self.line(text);
    }

    fn section(&mut self, title: &str, rank: Option<u32>) {
        self.paragraph(&format!("## {}", plain(title)));
        if let Some(rank) = rank {
            self.paragraph(&format!("*{}*", say::legal(rank)));
        }
    }

    fn heading(&mut self) {
        let statement = self.statement;
        self.line(&format!("# {}", plain(&statement.policy.title)));
        self.paragraph(&plain(&pages::key(statement)));
        self.paragraph(say::LEGAL_AIM);
        if let Some(total) = &statement.total {
            self.paragraph(&format!("{} : **{}**", say::TOTAL, total.text));
        }
    }

    fn sums(&mut self) {
        let statement = self.statement;
        self.section(say::SUMS, None);
        if statement.chapters.is_empty() {
            return self.paragraph(say::NO_PAYMENT);
        }
        self.paragraph(say::SUMS_LEAD);
        self.table(&[say::CHAPTER, say::PAYMENTS, say::AMOUNT], 2);
        for chapter in &statement.chapters {
            let links: Vec<String> =
                chapter.payments.iter().map(|name| link(&self.title(name), &format!("q-{name}"))).collect();
            self.cells(&[plain(&chapter.title), links.join(", "), chapter.total.text.clone()]);
        }
        if let Some(total) = &statement.total {
            self.cells(&[format!("**{}**", say::TOTAL), String::new(), format!("**{}**", total.text)]);
        }
    }

    fn title(&self, name: &str) -> String {
        self.statement.quantity(name).map_or_else(|| name.to_owned(), |view| view.title.clone())
    }

    /// The head of a table; one column is aligned to the right.
    fn table(&mut self, heads: &[&str], right: usize) {
        self.line("");
        self.cells(&heads.iter().map(|head| (*head).to_owned()).collect::<Vec<_>>());
        let rules = (0..heads.len()).map(|column| if column == right { "---:" } else { "---" }.to_owned());
        self.cells(&rules.collect::<Vec<_>>());
    }

    fn cells(&mut self, cells: &[String]) {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        self.line(&format!("| {} |", cells.join(" | ")));
    }

    fn contribution(&mut self) {
        self.section(say::CONTRIBUTION, Some(1));
        for sentence in pages::contribution(self.statement) {
            self.paragraph(&plain(&sentence));
        }
    }

    // --------------------------------------------------------------------------------------------------- operations

    fn operations(&mut self) {
        let statement = self.statement;
        let results = Results::of(statement);
        let mut tree = Tree::new(statement, Style { colour: false, width: WIDTH });
        self.section(say::OPERATIONS, Some(4));
        self.paragraph(say::OPERATIONS_LEAD);
        if results.paid.is_empty() {
            self.paragraph(say::NO_PAYMENT);
        }
        for name in &results.paid {
            let branch = tree.told(name);
            self.root(&branch);
        }
        let shared = tree.told_later();
        if !shared.is_empty() {
            self.paragraph(&format!("### {}", say::SHARED));
            shared.iter().for_each(|branch| self.root(branch));
        }
        if !(results.zero.is_empty() && results.without_object.is_empty()) {
            self.paragraph(&format!("### {}", say::nothing_paid(results.zero.len(), results.without_object.len())));
        }
        for name in &results.zero {
            let branch = tree.told(name);
            self.root(&branch);
        }
        tree.told_later().iter().for_each(|branch| self.root(branch));
        if !results.without_object.is_empty() {
            self.line("");
        }
        for name in &results.without_object {
            let text = format!("- {} ({}) : {}", plain(&self.title(name)), plain(name), words::without_object());
            self.line(&text);
        }
        let last = tree.told_last();
        if !last.is_empty() {
            self.paragraph(&format!("### {}", say::REST));
            last.iter().for_each(|branch| self.root(branch));
        }
    }

    fn root(&mut self, branch: &Branch) {
        self.line("");
        self.branch(branch, 0);
    }

    fn branch(&mut self, branch: &Branch, depth: usize) {
        let Some((first, more)) = branch.rows.split_first() else { return };
        let indent = "  ".repeat(depth);
        let (before, target) = match &branch.mention {
            Some(Mention::Told(name)) => (format!("<a id=\"q-{name}\"></a>"), None),
            Some(Mention::Lack(name)) => (format!("<a id=\"m-{name}\"></a>"), None),
            Some(Mention::Elsewhere(name)) => (String::new(), Some(format!("q-{name}"))),
            Some(Mention::Input(name)) => (String::new(), Some(format!("d-{name}"))),
            Some(Mention::Parameter(name)) => (String::new(), Some(format!("p-{name}"))),
            None => (String::new(), None),
        };
        self.line(&format!("{indent}- {before}{}", row_text(first, target.as_deref())));
        for row in more {
            self.line(&format!("{indent}  <br>{}", row_text(row, None)));
        }
        branch.below.iter().for_each(|child| self.branch(child, depth + 1));
    }

    fn lacks(&mut self) {
        let Some(missing) = &self.statement.missing else { return };
        self.section(say::MISSING, None);
        self.paragraph(if missing.is_empty() { words::nothing_lacks() } else { say::MISSING_LEAD });
        let (worth, rest) = lacks::branches(self.statement);
        worth.iter().for_each(|branch| self.root(branch));
        if !rest.is_empty() {
            self.paragraph(&format!("### {}", words::lacks_without_effect(rest.len())));
            rest.iter().for_each(|branch| self.root(branch));
        }
    }

    // ------------------------------------------------------------------------------------- parameters, readings, data

    fn parameters(&mut self) {
        let statement = self.statement;
        self.section(say::PARAMETERS, Some(3));
        if statement.parameters.is_empty() {
            return self.paragraph(say::NO_PARAMETER);
        }
        self.paragraph(say::PARAMETERS_LEAD);
        let uses = pages::uses(statement);
        self.table(&[say::TITLE, say::VALUE, say::REFERENCE, say::WHERE], 1);
        for parameter in &statement.parameters {
            let uses = uses.get(&*parameter.name).into_iter().flatten().map(|used| {
                let name = link(&used.quantity.title, &format!("q-{}", used.quantity.name));
                let text = used.calculation.map(|text| format!(" : {}", plain(&formula_text(text))));
                name + &text.unwrap_or_default()
            });
            let years = [parameter.first_year.map(words::since), parameter.last_year.map(words::until)];
            let years: Vec<String> = years.into_iter().flatten().collect();
            let value = if years.is_empty() {
                parameter.value.text.clone()
            } else {
                format!("{} ({})", parameter.value.text, years.join(", "))
            };
            let anchor = format!("<a id=\"p-{}\"></a>", parameter.name);
            let cells = [
                format!("{anchor}{} ({})", plain(&parameter.title), plain(&parameter.name)),
                value,
                words::references(&parameter.references),
                uses.collect::<Vec<_>>().join("<br>"),
            ];
            self.cells(&cells);
        }
    }

    fn readings(&mut self) {
        let statement = self.statement;
        self.section(say::READINGS, Some(3));
        self.paragraph(if statement.applied.is_empty() { say::NO_READING } else { say::READINGS_LEAD });
        let (telling, silent): (Vec<_>, Vec<_>) =
            statement.applied.iter().partition(|reading| reading.alternatives.iter().any(pages::changes));
        telling.iter().for_each(|reading| self.reading(reading));
        if !silent.is_empty() {
            self.paragraph(&format!("### {}", say::without_effect(silent.len())));
            silent.iter().for_each(|reading| self.reading(reading));
        }
    }

    fn reading(&mut self, reading: &AppliedReading) {
        let references = in_parentheses(&reading.references);
        let question = format!("- <a id=\"l-{}\"></a>**{}**{references}", reading.name, plain(&reading.question));
        self.paragraph(&question);
        let kind = if reading.retained { say::RETAINED } else { say::CHOSEN };
        let place = short_place(&reading.place);
        let answer = format!("  - {}, {kind} ({} = {}, {place})", plain(&reading.text), reading.name, reading.variant);
        self.line(&answer);
        if !reading.reason.is_empty() {
            self.line(&format!("  - {}", plain(&say::reason(&reading.reason))));
        }
        for alternative in &reading.alternatives {
            let text =
                format!("  - {} ({}) : {}", plain(&alternative.text), alternative.variant, pages::outcome(alternative));
            self.line(&text);
            self.payments(alternative.effect.as_ref(), "    ");
        }
    }

    /// The payments that an effect changes.
    fn payments(&mut self, effect: Option<&EffectView>, indent: &str) {
        for payment in effect.into_iter().flat_map(|effect| &effect.payments) {
            let change = say::change(&amount(payment.before.as_ref()), &amount(payment.after.as_ref()));
            let name = link(&payment.title, &format!("q-{}", payment.name));
            self.line(&format!("{indent}- {name} : {change} ({})", words::signed(&payment.difference.text)));
        }
    }

    fn data(&mut self) {
        let statement = self.statement;
        self.section(say::DATA, Some(2));
        for sentence in pages::source(statement) {
            self.paragraph(&plain(&sentence));
        }
        self.paragraph(if statement.inputs.is_empty() { say::NO_DATA } else { say::DATA_LEAD });
        if !statement.inputs.is_empty() {
            self.table(&[say::NAME, say::MEANING, say::VALUE, say::ORIGIN, say::REFERENCE], 2);
        }
        for input in &statement.inputs {
            let cells = [
                format!("<a id=\"d-{}\"></a>{}", input.name, plain(&input.name)),
                plain(&input.meaning),
                input.value.as_ref().map(pages::value).unwrap_or_default(),
                pages::origin(input).to_owned(),
                words::references(&input.references),
            ];
            self.cells(&cells);
        }
        let earlier = pages::earlier(statement);
        if earlier.is_empty() {
            return;
        }
        self.paragraph(&format!("### {}", say::EARLIER));
        self.line("");
        for read in earlier {
            let year = read.year.unwrap_or_default();
            let value = if read.row_found == Some(false) { words::no_row(year) } else { amount(read.value.as_ref()) };
            self.line(&format!("- {} {} : {value}", plain(&read.name), words::in_year(year)));
        }
    }
}

fn amount(value: Option<&ValueView>) -> String {
    value.map_or_else(|| words::without_object().to_owned(), |value| value.text.clone())
}

fn link(text: &str, target: &str) -> String {
    format!("[{}](#{target})", plain(text))
}

fn row_text(row: &Row, target: Option<&str>) -> String {
    let mut text = String::new();
    for piece in &row.pieces {
        // Marks of emphasis do not stand beside spaces.
        let inner = piece.text.trim();
        let start = &piece.text[..piece.text.len() - piece.text.trim_start().len()];
        let end = &piece.text[piece.text.trim_end().len()..];
        let inner = match piece.look {
            _ if inner.is_empty() => String::new(),
            Look::Title | Look::Alert => format!("**{}**", plain(inner)),
            Look::Plain | Look::Faint => plain(inner),
        };
        let _ = write!(text, "{start}{inner}{end}");
    }
    if let Some(target) = target {
        text = format!("[{}](#{target})", text.trim());
    }
    if row.right.is_empty() { text } else { format!("{text} — {}", row.right) }
}

/// A text without what Markdown would take for marks.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '_' | '`' | '[' | ']' | '<' | '>' | '\\' | '#') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
