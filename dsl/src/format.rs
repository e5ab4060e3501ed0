//! The canonical layout of a file (docs/langage.md, « Mise en forme »): what `polc fmt` writes.
//!
//! [`format()`] never changes what a file means: it reads its own result again and compares the trees.

mod clause;
mod trivia;

use std::fmt::Write as _;

use crate::ast::File;
use crate::diagnostic::Diagnostic;
use crate::parser::concrete::{Declaration, GroupKind};
use crate::source::SourceMap;
use crate::span::FileId;
use trivia::{Comment, Trivia};

/// Columns of a line, but for comments and words that are longer alone.
pub const WIDTH: usize = 120;

/// Why a file cannot be laid out.
#[derive(Debug)]
pub enum Unformatted {
    /// It cannot be read.
    Refused(Vec<Diagnostic>),
    /// Its layout would not mean the same: a fault of this module, that its caller must not let through.
    Unfaithful,
}

/// The canonical text of a file.
///
/// # Errors
/// When the file cannot be read, or its canonical text would not give the same tree.
pub fn format(sources: &SourceMap, id: FileId) -> Result<String, Unformatted> {
    let (file, diagnostics) = crate::parser::parse(sources, id);
    if !diagnostics.is_empty() {
        return Err(Unformatted::Refused(diagnostics));
    }
    let text = &sources.file(id).text;
    let written = crate::parser::declarations(text, id);
    let formatted = layout(text, &written);
    let mut again = SourceMap::new();
    let (id, problem) = again.add("", formatted.as_bytes());
    let (same, diagnostics) = crate::parser::parse(&again, id);
    let faithful = problem.is_none()
        && diagnostics.is_empty()
        && shape(&file) == shape(&same)
        && comments(text, &written) == comments(&formatted, &crate::parser::declarations(&formatted, id));
    if faithful { Ok(formatted) } else { Err(Unformatted::Unfaithful) }
}

/// The declarations of a file without their places: equal for two texts that mean the same.
#[must_use]
pub fn shape(file: &File) -> String {
    let mut written = String::new();
    // A string takes all that is written to it.
    let _ = write!(written, "{:?}", file.items);
    without(&without(&written, "Span {", '}'), "FileId(", ')')
}

/// A text without the parts that begin and end so.
fn without(text: &str, opening: &str, closing: char) -> String {
    let mut parts = text.split(opening);
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        result += part.split_once(closing).map_or("", |(_, after)| after);
    }
    result
}

/// The comments of a text, in order.
fn comments<'t>(text: &'t str, declarations: &[Declaration]) -> Vec<&'t str> {
    let mut found = Vec::new();
    let mut end = 0;
    let mut within = |start: usize, next: usize| {
        found.extend(trivia::trivia(&text[end..start]).comments.iter().map(|comment| comment.text));
        end = next;
    };
    declarations.iter().flat_map(|declaration| &declaration.leaves).for_each(|leaf| within(leaf.start, leaf.end));
    within(text.len(), text.len());
    found
}

/// Lines of text, to which comments are added.
#[derive(Default)]
struct Lines(Vec<String>);

impl Lines {
    /// A blank line, never the first and never two of them.
    fn blank(&mut self) {
        if self.0.last().is_some_and(|line| !line.is_empty()) {
            self.0.push(String::new());
        }
    }

    fn push(&mut self, indent: usize, text: &str) {
        self.0.push(format!("{}{text}", " ".repeat(indent)));
    }

    /// Comments on lines of their own, with the blank lines between them.
    fn comments(&mut self, indent: usize, comments: &[Comment<'_>], mut blank: impl FnMut(&Comment<'_>) -> bool) {
        for comment in comments {
            if blank(comment) {
                self.blank();
            }
            self.push(indent, comment.text);
        }
    }

    /// Adds to the last line the comments that stand on it; gives the others.
    fn trailing<'c, 't>(&mut self, trivia: &'c Trivia<'t>) -> &'c [Comment<'t>] {
        let own = trivia.comments.iter().position(|comment| comment.own_line).unwrap_or(trivia.comments.len());
        if let Some(line) = self.0.last_mut() {
            for comment in &trivia.comments[..own] {
                *line += "    ";
                *line += comment.text;
            }
        }
        &trivia.comments[own..]
    }
}

fn layout(text: &str, declarations: &[Declaration]) -> String {
    let mut lines = Lines::default();
    let mut previous: Option<&Declaration> = None;
    for declaration in declarations {
        let trivia = between(text, previous, Some(declaration));
        let tight = previous.is_none_or(|previous| previous.listed && declaration.listed);
        let blank = separate(&mut lines, &trivia, previous.is_some(), tight);
        if blank || trivia.blank_after {
            lines.blank();
        }
        write_declaration(&mut lines, text, declaration);
        previous = Some(declaration);
    }
    let trivia = between(text, previous, None);
    separate(&mut lines, &trivia, previous.is_some(), false);
    let mut result = lines.0.join("\n");
    if !result.is_empty() {
        result.push('\n');
    }
    result
}

/// What stands between two declarations.
fn between<'t>(text: &'t str, before: Option<&Declaration>, after: Option<&Declaration>) -> Trivia<'t> {
    let start = before.and_then(|d| d.leaves.last()).map_or(0, |leaf| leaf.end);
    let end = after.and_then(|d| d.leaves.first()).map_or(text.len(), |leaf| leaf.start);
    trivia::trivia(&text[start..end])
}

/// Writes the comments between two declarations: those at the end of the first, then those of the second. Whether a blank
/// line is still to come before the second.
fn separate(lines: &mut Lines, trivia: &Trivia<'_>, after_declaration: bool, tight: bool) -> bool {
    let mut comments = &trivia.comments[..];
    if after_declaration {
        comments = lines.trailing(trivia);
        let tail = comments.iter().position(|comment| !comment.indented).unwrap_or(comments.len());
        lines.comments(2, &comments[..tail], |comment| comment.blank_before);
        comments = &comments[tail..];
    }
    let mut first = !tight;
    lines.comments(0, comments, |comment| std::mem::take(&mut first) || comment.blank_before);
    first
}

fn write_declaration(lines: &mut Lines, text: &str, declaration: &Declaration) {
    let mut end = None;
    for (rank, group) in declaration.groups.iter().enumerate() {
        let indent = match group.kind {
            GroupKind::Header => 0,
            GroupKind::Clause { nested: false } => 2,
            GroupKind::Clause { nested: true } => 4,
            _ => continue,
        };
        if let Some(end) = end {
            let trivia = trivia::trivia(&text[end..declaration.leaves[group.first].start]);
            let comments = lines.trailing(&trivia);
            // No blank line after the first line.
            let mut first = declaration.groups[0].end == group.first;
            lines.comments(indent, comments, |comment| !std::mem::take(&mut first) && comment.blank_before);
            if trivia.blank_after && !first {
                lines.blank();
            }
        }
        clause::write(lines, text, declaration, rank, indent);
        end = declaration.leaves[..group.end].last().map(|leaf| leaf.end);
    }
}
