//! A statement as a tree for the terminal: titles and references on the left, values on the right, guides in between.
//!
//! A quantity is told once; further on, it is only named. A branch that gets too deep for the width is told below the tree.

use std::collections::{BTreeMap, BTreeSet};

use super::lacks;
use super::statement::*;
use super::words::{self, LineWord};

/// How to draw.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    pub colour: bool,
    /// Width of the terminal in columns.
    pub width: usize,
}

/// The narrowest tree drawn, however narrow the terminal.
const LEAST_WIDTH: usize = 40;
/// What the words of a line keep when guides and value have taken their part; a deeper branch is told apart.
const LEAST_WORDS: usize = 24;
/// What a value takes, more often than not.
const USUAL_VALUE: usize = 16;

impl Statement {
    /// The statement as a tree.
    #[must_use]
    pub fn to_text(&self, style: &Style) -> String {
        Tree::new(self, *style).draw()
    }
}

/// How a piece of text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Plain,
    Title,
    Faint,
    Alert,
}

#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub look: Look,
    pub text: String,
}

/// One line before it is cut to the width: words, and a value on the right.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub pieces: Vec<Piece>,
    pub right: String,
}

/// A line, the lines that belong to it and the branches below.
#[derive(Clone, Debug, Default)]
pub(super) struct Branch {
    pub rows: Vec<Row>,
    pub below: Vec<Branch>,
    /// What it names, for pages with links.
    pub mention: Option<Mention>,
}

/// A name of the statement's tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mention {
    /// A quantity, told here.
    Told(String),
    /// A quantity that is told elsewhere.
    Elsewhere(String),
    Input(String),
    Parameter(String),
    /// What is not earned.
    Lack(String),
}

impl Row {
    pub fn new(look: Look, text: impl Into<String>) -> Self {
        Self::default().with(look, text)
    }

    pub fn with(mut self, look: Look, text: impl Into<String>) -> Self {
        self.pieces.push(Piece { look, text: text.into() });
        self
    }

    pub fn worth(mut self, right: impl Into<String>) -> Self {
        self.right = right.into();
        self
    }
}

impl Branch {
    pub fn new(row: Row) -> Self {
        Self { rows: vec![row], ..Self::default() }
    }

    pub fn naming(self, mention: Mention) -> Self {
        Self { mention: Some(mention), ..self }
    }
}

pub(super) struct Tree<'s> {
    statement: &'s Statement,
    style: Style,
    quantities: BTreeMap<&'s str, &'s QuantityView>,
    parameters: BTreeMap<&'s str, &'s ParameterView>,
    inputs: BTreeMap<&'s str, &'s InputView>,
    /// What has been told.
    told: BTreeSet<&'s str>,
    /// What is to be told below the tree.
    postponed: Vec<&'s str>,
    out: String,
}

impl<'s> Tree<'s> {
    pub(super) fn new(statement: &'s Statement, style: Style) -> Self {
        Self {
            statement,
            style: Style { width: style.width.max(LEAST_WIDTH), ..style },
            quantities: statement.quantities.iter().map(|view| (&*view.name, view)).collect(),
            parameters: statement.parameters.iter().map(|view| (&*view.name, view)).collect(),
            inputs: statement.inputs.iter().map(|view| (&*view.name, view)).collect(),
            told: BTreeSet::new(),
            postponed: Vec::new(),
            out: String::new(),
        }
    }

    fn draw(mut self) -> String {
        self.heading();
        for name in &self.statement.results {
            self.root(name);
        }
        while let Some(name) = self.next_postponed() {
            self.root(name);
        }
        if let Some(missing) = &self.statement.missing {
            self.lacks(missing);
        }
        self.out
    }

    /// The branches of all that was computed and not told: lines of blocks that are zero, and what they read.
    pub(super) fn told_last(&mut self) -> Vec<Branch> {
        let mut branches = Vec::new();
        for quantity in self.statement.quantities.iter().filter(|quantity| quantity.rule.is_some()) {
            if !self.told.contains(&*quantity.name) {
                branches.push(self.told(&quantity.name));
                branches.extend(self.told_later());
            }
        }
        branches
    }

    fn lacks(&mut self, missing: &[Missing]) {
        self.out.push('\n');
        self.row(&Row::new(Look::Title, words::lacks()), "", "");
        if missing.is_empty() {
            self.row(&Row::new(Look::Plain, words::nothing_lacks()), "", "");
        }
        let (worth, rest) = lacks::branches(self.statement);
        for branch in &worth {
            self.out.push('\n');
            self.branch(branch, "", "");
        }
        if !rest.is_empty() {
            self.out.push('\n');
            let row = Row::new(Look::Plain, words::lacks_without_effect(rest.len()));
            // What they take is said of one where it is asked for, on the pages.
            let below = rest.into_iter().map(|branch| Branch { below: Vec::new(), ..branch }).collect();
            self.branch(&Branch { rows: vec![row], below, mention: None }, "", "");
        }
    }

    /// The next quantity that was left for later and not told since.
    fn next_postponed(&mut self) -> Option<&'s str> {
        let told = &self.told;
        self.postponed.retain(|name| !told.contains(name));
        if self.postponed.is_empty() { None } else { Some(self.postponed.remove(0)) }
    }

    /// The branch of a result.
    pub(super) fn told(&mut self, name: &'s str) -> Branch {
        self.named(name, Row::default(), None, 0)
    }

    /// The branches of what was left for later.
    pub(super) fn told_later(&mut self) -> Vec<Branch> {
        let mut branches = Vec::new();
        while let Some(name) = self.next_postponed() {
            branches.push(self.told(name));
        }
        branches
    }

    fn heading(&mut self) {
        let statement = self.statement;
        self.row(&Row::new(Look::Title, &statement.policy.title), "", "");
        let key: Vec<String> = statement.key.iter().map(|key| format!("{} {}", key.name, key.value.text)).collect();
        self.row(&Row::new(Look::Plain, key.join(", ")), "", "");
        if statement.readings.is_empty() {
            self.row(&Row::new(Look::Faint, words::readings_retained()), "", "");
        }
        for reading in &statement.readings {
            let head = Row::new(Look::Plain, words::reading_chosen(&reading.name, &reading.variant));
            self.row(&head.with(Look::Faint, in_parentheses(&reading.references)), "", "");
            self.row(&Row::new(Look::Faint, words::reading_answer(&reading.question, &reading.text)), "  ", "  ");
        }
        if let Some(scope) = statement.scope.as_ref().filter(|scope| !scope.governed) {
            let row = Row::new(Look::Alert, words::not_governed(&scope.formula));
            let mut branch = Branch::new(row.with(Look::Faint, in_parentheses(&scope.references)));
            branch.below = self.reads(&scope.reads, 0);
            self.out.push('\n');
            self.branch(&branch, "", "");
        }
    }

    fn root(&mut self, name: &'s str) {
        self.out.push('\n');
        let branch = self.named(name, Row::default(), None, 0);
        self.branch(&branch, "", "");
    }

    // ---------------------------------------------------------------------------------------------------- what to say

    /// A quantity, after words that say what it is for; `right` takes the place of its value.
    fn named(&mut self, name: &'s str, prefix: Row, right: Option<String>, depth: usize) -> Branch {
        let Some(quantity) = self.quantities.get(name).copied() else {
            return Branch::new(prefix.with(Look::Plain, name));
        };
        let right = right.unwrap_or_else(|| value_or_none(quantity.value.as_ref()));
        let head = prefix.with(Look::Title, &quantity.title).worth(right);
        let aside = |head: Row, text: &str| {
            let branch = Branch::new(head.with(Look::Faint, format!(" ({name}), {text}")));
            branch.naming(Mention::Elsewhere(name.to_owned()))
        };
        let Some(rule) = &quantity.rule else {
            return Branch::new(head.with(Look::Faint, format!(" ({name})")));
        };
        if self.told.contains(name) {
            return aside(head, words::see_above());
        }
        // The totals and the prerequisites of a block are chapters of their own.
        let chapter = matches!(quantity.kind, Kind::BlockTotal | Kind::PrerequisitesMet);
        if depth > 0 && (chapter || self.words_left(depth) < LEAST_WORDS) {
            self.postponed.push(name);
            return aside(head, words::see_below());
        }
        self.told.insert(name);
        let mut meta: Vec<String> = vec![name.to_owned(), words::kind(quantity.kind, rule.level).to_owned()];
        let own_title = matches!(quantity.kind, Kind::Condition | Kind::Prerequisite | Kind::DayCount);
        if own_title && rule.title != quantity.title {
            meta.push(words::given_by(&rule.title));
        }
        meta.extend(rule.cases.clone());
        meta.extend(rule.first_year.map(words::since));
        meta.extend(rule.last_year.map(words::until));
        meta.push(short_place(&rule.place));
        let mut branch = Branch::new(head.with(Look::Faint, in_parentheses(&rule.references)));
        branch.mention = Some(Mention::Told(name.to_owned()));
        branch.rows.push(Row::new(Look::Faint, meta.join(words::SEPARATOR)));
        branch.below.extend(lines(&quantity.lines));
        if !rule.reads.is_empty() {
            let formula = rule.cases.as_deref().unwrap_or_default();
            let mut because = Branch::new(Row::new(Look::Plain, words::applies_because(&formula_text(formula))));
            because.below = self.reads(&rule.reads, depth + 2);
            branch.below.push(because);
        }
        match &quantity.steps[..] {
            // One formula: what it reads hangs on the quantity itself.
            [step] if self.is_bare(quantity, step) => {
                branch.rows.extend(self.base_rows(quantity, step, false));
                branch.below.extend(self.reads(&step.reads, depth + 1));
            }
            steps => {
                let below = self.steps(quantity, steps, depth + 1);
                branch.below.extend(below);
            }
        }
        branch
    }

    /// Whether a step is a formula and nothing else.
    fn is_bare(&self, quantity: &QuantityView, step: &StepView) -> bool {
        let plain = matches!(step.kind, StepKind::Base { when: None, .. }) && step.references.is_empty();
        plain && quantity.kind != Kind::BlockTotal
    }

    fn steps(&mut self, quantity: &'s QuantityView, steps: &'s [StepView], depth: usize) -> Vec<Branch> {
        if quantity.kind == Kind::BlockTotal {
            return self.block(quantity, steps, depth);
        }
        steps.iter().map(|step| self.step(quantity, step, depth)).collect()
    }

    /// The lines of a block that are not zero, and how many are left out.
    fn block(&mut self, quantity: &'s QuantityView, steps: &'s [StepView], depth: usize) -> Vec<Branch> {
        let (mut branches, mut zero, mut without_object) = (Vec::new(), 0, 0);
        for step in steps {
            match (&step.kind, &step.reads[..]) {
                (StepKind::Base { .. }, [read]) if read.nature == ReadNature::Quantity => match &read.value {
                    None => without_object += 1,
                    Some(_) if step.value.exact == "0" => zero += 1,
                    Some(_) => {
                        branches.push(self.named(&read.name, Row::default(), Some(step.value.text.clone()), depth));
                    }
                },
                _ => branches.push(self.step(quantity, step, depth)),
            }
        }
        if zero + without_object > 0 {
            branches.push(Branch::new(Row::new(Look::Faint, words::omitted(zero, without_object))));
        }
        branches
    }

    fn step(&mut self, quantity: &'s QuantityView, step: &'s StepView, depth: usize) -> Branch {
        let formula = step.formula.as_deref().unwrap_or_default();
        let references = in_parentheses(&step.references);
        match &step.kind {
            StepKind::Condition { met, lacking } => {
                let look = if *met { Look::Plain } else { Look::Alert };
                let prefix = Row::new(look, words::condition(*met));
                if let [read] = &step.reads[..]
                    && read.nature == ReadNature::Quantity
                    && read.name == formula
                {
                    return self.named(&read.name, prefix, Some(String::new()), depth);
                }
                let mut branch = Branch::new(prefix.with(Look::Plain, formula_text(formula)));
                branch.rows.extend(calculation(step.calculation.as_deref()));
                branch.rows.extend(lacking_row(lacking.as_deref()));
                branch.below = self.reads(&step.reads, depth + 1);
                branch
            }
            StepKind::Base { when, .. } => {
                let mut branch = Branch { rows: self.base_rows(quantity, step, true), ..Branch::default() };
                branch.below = self.reads_under(when.as_ref(), &step.reads, depth + 1);
                branch
            }
            StepKind::Minoration(view) => self.adjustment(step, view, true, depth),
            StepKind::Majoration(view) => self.adjustment(step, view, false, depth),
            StepKind::Cap(view) => self.bound(step, view, true, depth),
            StepKind::Floor(view) => self.bound(step, view, false, depth),
            StepKind::Prorata { before } => {
                let head = Row::new(Look::Plain, words::prorata()).with(Look::Plain, formula_text(formula));
                let mut branch = Branch::new(head.with(Look::Faint, references).worth(&step.result.text));
                let factor = step.value.text.split(['≈', '=']).next().unwrap_or_default().trim();
                let factor = if factor.is_empty() { &step.value.text } else { factor };
                branch.rows.push(Row::new(Look::Faint, words::prorata_effect(&before.text, factor)));
                branch.below = self.reads(&step.reads, depth + 1);
                branch
            }
            StepKind::Derogation { title, when, others, .. } => {
                let head = Row::new(Look::Alert, words::derogation()).with(Look::Title, title);
                let mut branch = Branch::new(head.with(Look::Faint, references).worth(&step.result.text));
                if let Some(when) = when {
                    branch.rows.push(Row::new(Look::Plain, words::when(true, &formula_text(&when.formula))));
                    branch.rows.extend(calculation(when.calculation.as_deref()));
                }
                let gives = words::derogation_gives(quantity.kind == Kind::PrerequisitesMet);
                branch.rows.push(Row::new(Look::Plain, gives).with(Look::Plain, formula_text(formula)));
                branch.rows.extend(calculation(step.calculation.as_deref()));
                branch.below = self.reads_under(when.as_ref(), &step.reads, depth + 1);
                for other in others {
                    let row = Row::new(Look::Plain, words::other_derogation(other.overridden));
                    let row = row.with(Look::Title, &other.title).with(Look::Faint, in_parentheses(&other.references));
                    let mut child = Branch::new(row);
                    if let Some(when) = &other.when {
                        child.rows.push(Row::new(Look::Plain, words::when(true, &formula_text(&when.formula))));
                        child.below = self.reads(&when.reads, depth + 2);
                    }
                    branch.below.push(child);
                }
                branch
            }
            StepKind::Kept => {
                let mut branch = Branch::new(Row::new(Look::Title, words::kept()).worth(&step.result.text));
                branch.rows.push(Row::new(Look::Plain, words::kept_while()).with(Look::Plain, formula_text(formula)));
                branch.below.extend(self.reads(&step.reads, depth + 1));
                branch
            }
            StepKind::Replacement { reading, variant, text, retained } => {
                let head = Row::new(Look::Alert, words::replacement(reading, variant)).with(Look::Title, text);
                let mut branch = Branch::new(head.with(Look::Faint, references).worth(&step.result.text));
                let label = words::line(word(quantity), None);
                branch.rows.push(Row::new(Look::Plain, label).with(Look::Plain, formula_text(formula)));
                branch.rows.extend(calculation(step.calculation.as_deref()));
                if let Some(last) = retained.last() {
                    let mut own = Branch::new(Row::new(Look::Plain, words::retained_value()).worth(&last.result.text));
                    own.below = self.steps(quantity, retained, depth + 2);
                    branch.below.push(own);
                }
                branch.below.extend(self.reads(&step.reads, depth + 1));
                branch
            }
            StepKind::Rounding { decimals, .. } => {
                let text = words::rounding(*decimals, &self.statement.policy.currency);
                Branch::new(Row::new(Look::Plain, text).worth(&step.result.text))
            }
        }
    }

    /// A line of the base: formula, figures, bracket or tiers.
    fn base_rows(&self, quantity: &QuantityView, step: &StepView, valued: bool) -> Vec<Row> {
        let StepKind::Base { nature, when, lacking, bracket, tiers } = &step.kind else { return Vec::new() };
        let formula = step.formula.as_deref().unwrap_or_default();
        let fixed = nature.map(|nature| nature == NatureView::Fixed);
        let head = Row::new(Look::Plain, words::line(word(quantity), fixed));
        let formula = scale_text(formula);
        // A bare figure says no more than the value beside it.
        let bare = valued && formula.chars().all(|c| c.is_ascii_digit() || c == ' ' || c == ',');
        let head = if bare {
            Row::new(Look::Plain, words::bare_line(word(quantity), fixed))
        } else {
            head.with(Look::Plain, formula_text(formula))
        };
        let head = head.with(Look::Faint, in_parentheses(&step.references));
        let mut rows = vec![if valued { head.worth(&step.value.text) } else { head }];
        rows.extend(calculation(step.calculation.as_deref()));
        if let Some(bracket) = bracket {
            let text = words::chosen_bracket(&bracket.range, &formula_text(&bracket.formula));
            rows.push(Row::new(Look::Faint, text));
        }
        for tier in tiers {
            let text = words::reached_tier(&tier.range, &tier.share.text, &formula_text(&tier.rate));
            rows.push(Row::new(Look::Faint, format!("{text} : {}", tier.amount.text)));
        }
        if let Some(when) = when {
            let look = if when.met { Look::Faint } else { Look::Alert };
            rows.push(Row::new(look, words::when(when.met, &formula_text(&when.formula))));
        }
        rows.extend(lacking_row(lacking.as_deref()));
        rows
    }

    fn adjustment(&mut self, step: &'s StepView, view: &'s AdjustmentView, minoration: bool, depth: usize) -> Branch {
        // « Majoration pour publics précaires » says what it is.
        let title = self.quantities.get(&*view.quantity).map_or("", |quantity| &quantity.title);
        let word = words::adjustment(minoration);
        let told = title.to_lowercase().starts_with(word.trim_end_matches([' ', ':', '\u{A0}']));
        let prefix = if told { Row::default() } else { Row::new(Look::Plain, word) };
        let effect = words::signed(&view.effect.text);
        let mut branch = self.named(&view.quantity, prefix, Some(effect), depth);
        if view.mode == Mode::Rate {
            let row = Row::new(Look::Plain, words::rate_of(&step.value.text, &view.before.text));
            branch.rows.insert(1.min(branch.rows.len()), row);
        }
        branch
    }

    fn bound(&mut self, step: &'s StepView, view: &'s BoundView, cap: bool, depth: usize) -> Branch {
        let formula = step.formula.as_deref().unwrap_or_default();
        let mut head = Row::new(Look::Plain, words::bound(cap)).with(Look::Plain, formula_text(formula));
        if let Some(when) = &view.when {
            head = head.with(Look::Plain, words::bound_when(&formula_text(&when.formula)));
        }
        let head = head.with(Look::Faint, in_parentheses(&step.references));
        let head = if view.binding { head.worth(&step.result.text) } else { head };
        let mut branch = Branch::new(head);
        let effect = words::bound_effect(cap, view.binding, &view.before.text, &step.value.text);
        branch.rows.push(Row::new(if view.binding { Look::Alert } else { Look::Faint }, effect));
        branch.below = self.reads_under(view.when.as_ref(), &step.reads, depth + 1);
        branch
    }

    /// What a condition beside a value reads, then what the value reads besides.
    fn reads_under(&mut self, when: Option<&'s WhenView>, reads: &'s [ReadView], depth: usize) -> Vec<Branch> {
        let first = when.map_or(&[][..], |when| &when.reads);
        let mut branches = self.reads(first, depth);
        for read in reads.iter().filter(|read| !first.contains(read)) {
            branches.extend(self.reads(std::slice::from_ref(read), depth));
        }
        branches
    }

    fn reads(&mut self, reads: &'s [ReadView], depth: usize) -> Vec<Branch> {
        // The key is in the heading.
        let key = &self.statement.key;
        let reads =
            reads.iter().filter(|read| read.nature != ReadNature::Input || key.iter().all(|k| k.name != read.name));
        reads.map(|read| self.read(read, depth)).collect()
    }

    fn read(&mut self, read: &'s ReadView, depth: usize) -> Branch {
        let value = value_or_none(read.value.as_ref());
        let name: &'s str = &read.name;
        match read.nature {
            ReadNature::Quantity => self.named(name, Row::default(), Some(value), depth),
            ReadNature::Input => {
                let mut row = Row::new(Look::Plain, name);
                let Some(input) = self.inputs.get(name).copied() else { return Branch::new(row.worth(value)) };
                if self.told.insert(name) {
                    let label = read.value.as_ref().and_then(|value| value.label.as_deref());
                    row = row.with(Look::Faint, format!(" : {}", input.meaning));
                    row = row.with(Look::Faint, label.map(words::case_title).unwrap_or_default());
                    row = row.with(Look::Faint, in_parentheses(&input.references));
                }
                let row = row.worth(match input.origin {
                    InputOrigin::Cell => value,
                    InputOrigin::Default => words::default_value(&value),
                    InputOrigin::NoColumn => words::no_column(&value),
                });
                Branch::new(row).naming(Mention::Input(name.to_owned()))
            }
            ReadNature::Parameter => {
                let mut row = Row::new(Look::Plain, name).worth(value);
                if let Some(parameter) = self.parameters.get(name).copied()
                    && self.told.insert(name)
                {
                    row = row.with(Look::Faint, format!(" : {}, {}", parameter.title, words::parameter()));
                    for years in [parameter.first_year.map(words::since), parameter.last_year.map(words::until)] {
                        row = row.with(Look::Faint, years.map(|years| format!(" {years}")).unwrap_or_default());
                    }
                    row = row.with(Look::Faint, in_parentheses(&parameter.references));
                }
                Branch::new(row).naming(Mention::Parameter(name.to_owned()))
            }
            ReadNature::PreviousInput | ReadNature::PreviousQuantity => {
                let year = read.year.unwrap_or_default();
                let mut row = Row::new(Look::Plain, format!("{name} {}", words::in_year(year))).worth(value);
                if read.row_found == Some(false) {
                    row = row.with(Look::Faint, format!(", {}", words::no_row(year)));
                }
                Branch::new(row)
            }
        }
    }

    // --------------------------------------------------------------------------------------------------- how to draw

    /// Columns left for words and value at a depth.
    fn words_left(&self, depth: usize) -> usize {
        self.style.width.saturating_sub(3 * depth + USUAL_VALUE)
    }

    fn branch(&mut self, branch: &Branch, first: &str, next: &str) {
        let mut start = first.to_owned();
        for row in &branch.rows {
            self.row(row, &start, next);
            start = next.to_owned();
        }
        let count = branch.below.len();
        for (index, child) in branch.below.iter().enumerate() {
            let last = index + 1 == count;
            let (mark, guide) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            self.branch(child, &format!("{next}{mark}"), &format!("{next}{guide}"));
        }
    }

    /// One row, cut into lines: the value stands at the right of the first.
    fn row(&mut self, row: &Row, first: &str, next: &str) {
        let guide = width(first);
        let value = width(&row.right);
        let reserved = if value == 0 { 0 } else { value + 2 };
        let room = self.style.width.saturating_sub(guide + reserved);
        // A value that leaves no room for words stands on a line of its own.
        let apart = value > 0 && room < LEAST_WORDS;
        let room = if apart { self.style.width.saturating_sub(guide) } else { room }.max(LEAST_WORDS);
        let lines = wrap(&row.pieces, room);
        for (index, line) in lines.iter().enumerate() {
            let start = if index == 0 { first } else { next };
            self.paint(Look::Faint, start);
            let mut at = guide;
            for piece in line {
                at += width(&piece.text);
                self.paint(piece.look, &piece.text);
            }
            if index == 0 && value > 0 && !apart {
                let gap = self.style.width.saturating_sub(at + value);
                self.out.extend(std::iter::repeat_n(' ', gap));
                self.out.push_str(&row.right);
            }
            self.end_line();
        }
        if apart && value > room {
            self.row(&Row::new(Look::Plain, &row.right), next, next);
        } else if apart {
            self.paint(Look::Faint, next);
            let gap = self.style.width.saturating_sub(guide + value);
            self.out.extend(std::iter::repeat_n(' ', gap));
            self.out.push_str(&row.right);
            self.end_line();
        }
    }

    fn end_line(&mut self) {
        let kept = self.out.trim_end_matches(' ').len();
        self.out.truncate(kept);
        self.out.push('\n');
    }

    fn paint(&mut self, look: Look, text: &str) {
        let code = match look {
            Look::Plain => "",
            Look::Title => "1",
            Look::Faint => "2",
            Look::Alert => "33",
        };
        if !self.style.colour || code.is_empty() || text.trim().is_empty() {
            self.out.push_str(text);
        } else {
            self.out.push_str(&format!("\u{1b}[{code}m{text}\u{1b}[0m"));
        }
    }
}

/// The lines of a payment, where there are several.
fn lines(lines: &[LineView]) -> Option<Branch> {
    if lines.len() < 2 {
        return None;
    }
    let mut branch = Branch::new(Row::new(Look::Plain, words::lines()));
    for line in lines {
        let head = Row::new(Look::Faint, words::line_head(line.kind)).with(Look::Plain, &line.title);
        let head = head.with(Look::Faint, in_parentheses(&line.references)).worth(words::signed(&line.paid.text));
        branch.below.push(Branch::new(head));
    }
    Some(branch)
}

/// What a line of the base of a quantity is called.
fn word(quantity: &QuantityView) -> LineWord {
    let truth = quantity
        .steps
        .iter()
        .any(|step| step.value.exact == words::truth(true) || step.value.exact == words::truth(false));
    match quantity.kind {
        Kind::Criterion => LineWord::Points,
        Kind::Payment => LineWord::Amount,
        Kind::Minoration | Kind::Majoration => match quantity.unit.as_deref() {
            None => LineWord::Rate,
            Some("point") => LineWord::Points,
            Some(_) => LineWord::Amount,
        },
        Kind::Condition | Kind::Prerequisite | Kind::PrerequisitesMet => LineWord::Truth,
        Kind::Definition
            if truth
                && quantity.unit.is_none()
                && quantity.steps.iter().all(|step| matches!(step.kind, StepKind::Base { .. })) =>
        {
            LineWord::Truth
        }
        _ => LineWord::Value,
    }
}

fn value_or_none(value: Option<&ValueView>) -> String {
    value.map_or_else(|| words::without_object().to_owned(), |value| value.text.clone())
}

pub(super) fn in_parentheses(references: &[String]) -> String {
    if references.is_empty() { String::new() } else { format!(" ({})", words::references(references)) }
}

fn calculation(text: Option<&str>) -> Option<Row> {
    text.map(|text| Row::new(Look::Faint, words::calculation(&formula_text(text))))
}

fn lacking_row(text: Option<&str>) -> Option<Row> {
    text.map(|text| Row::new(Look::Alert, words::lacking(&formula_text(text))))
}

/// The file and the line.
pub(super) fn short_place(place: &str) -> String {
    let file = place.rsplit(['/', '\\']).next().unwrap_or(place);
    file.rsplit_once(':').map_or_else(|| file.to_owned(), |(line, _)| line.to_owned())
}

/// A formula; of a scale, its first words: its rows are told apart.
fn scale_text(formula: &str) -> &str {
    let Some(subject) = words::SCALES.iter().find_map(|start| formula.strip_prefix(start)) else { return formula };
    let rows = words::SCALE_ROWS.iter().filter_map(|start| subject.find(start)).min();
    rows.map_or(formula, |at| &formula[..formula.len() - subject.len() + at])
}

/// A formula whose numbers do not break at the end of a line.
pub(super) fn formula_text(formula: &str) -> String {
    let chars: Vec<char> = formula.chars().collect();
    let digit = |index: Option<usize>| index.and_then(|index| chars.get(index)).is_some_and(char::is_ascii_digit);
    let text = chars.iter().enumerate().map(|(index, c)| {
        let thousands = *c == ' '
            && digit(index.checked_sub(1))
            && (1..=3).all(|step| digit(Some(index + step)))
            && !digit(Some(index + 4));
        if thousands { '\u{202F}' } else { *c }
    });
    text.collect()
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// Cuts pieces into lines of at most so many columns, between words; a word longer than a line is cut too.
fn wrap(pieces: &[Piece], room: usize) -> Vec<Vec<Piece>> {
    let mut lines = Lines { done: Vec::new(), line: Vec::new(), used: 0, room };
    // Words that no space separates stay together, whatever their looks.
    let mut word: Vec<Piece> = Vec::new();
    for piece in pieces {
        for (index, part) in piece.text.split(' ').enumerate() {
            if index > 0 {
                lines.word(&mut word);
                lines.space(piece.look);
            }
            if !part.is_empty() {
                word.push(Piece { look: piece.look, text: part.to_owned() });
            }
        }
    }
    lines.word(&mut word);
    lines.end();
    lines.done
}

/// Lines being filled.
struct Lines {
    done: Vec<Vec<Piece>>,
    line: Vec<Piece>,
    used: usize,
    room: usize,
}

impl Lines {
    /// Ends the line, without the spaces that its next word would have followed.
    fn end(&mut self) {
        while let Some(piece) = self.line.last_mut() {
            piece.text.truncate(piece.text.trim_end_matches(' ').len());
            if !piece.text.is_empty() {
                break;
            }
            self.line.pop();
        }
        self.done.push(std::mem::take(&mut self.line));
        self.used = 0;
    }

    fn put(&mut self, look: Look, c: char) {
        match self.line.last_mut() {
            Some(piece) if piece.look == look => piece.text.push(c),
            _ => self.line.push(Piece { look, text: c.to_string() }),
        }
        self.used += 1;
    }

    fn space(&mut self, look: Look) {
        if self.used > 0 && self.used < self.room {
            self.put(look, ' ');
        }
    }

    fn word(&mut self, word: &mut Vec<Piece>) {
        let length: usize = word.iter().map(|piece| width(&piece.text)).sum();
        if self.used > 0 && self.used + length > self.room {
            self.end();
        }
        for piece in word.drain(..) {
            for c in piece.text.chars() {
                if self.used == self.room {
                    self.end();
                }
                self.put(piece.look, c);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, room: usize) -> Vec<String> {
        let pieces = [Piece { look: Look::Plain, text: text.to_owned() }];
        wrap(&pieces, room).iter().map(|line| line.iter().map(|piece| &*piece.text).collect()).collect()
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(lines("un deux trois", 8), ["un deux", "trois"]);
        assert_eq!(lines("un deux", 7), ["un deux"]);
        assert_eq!(
            lines("1\u{A0}000 anticonstitutionnellement", 10),
            ["1\u{A0}000", "anticonsti", "tutionnell", "ement"]
        );
        assert_eq!(lines("", 10), [""]);
    }

    #[test]
    fn scales_are_named_by_their_subject() {
        assert_eq!(scale_text("par palier de x moins de 8 heures : 0 sinon : 1"), "par palier de x");
        assert_eq!(scale_text("par tranche de a + b jusqu'à 2 : 0 par stage"), "par tranche de a + b");
        assert_eq!(scale_text("1 000 × x"), "1 000 × x");
        assert_eq!(
            formula_text("1 700 points / 4 000 patients, 12 34"),
            "1\u{202F}700 points / 4\u{202F}000 patients, 12 34"
        );
    }
}
