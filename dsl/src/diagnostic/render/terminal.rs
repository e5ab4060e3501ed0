//! Diagnostics for a terminal. The only file that names miette.

use std::fmt;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource};

use crate::diagnostic::Diagnostic;
use crate::source::SourceMap;
use crate::span::FileId;

/// How to draw.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    pub colour: bool,
    /// Width of the terminal in columns.
    pub width: usize,
}

/// One diagnostic with its excerpts, ending with a line break.
#[must_use]
pub fn render(diagnostic: &Diagnostic, sources: &SourceMap, style: Style) -> String {
    let theme = if style.colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler =
        GraphicalReportHandler::new_themed(theme).with_width(style.width).with_context_lines(1).without_cause_chain();
    let mut out = String::new();
    for report in reports(diagnostic, sources) {
        if handler.render_report(&mut out, &report).is_err() {
            // A label outside the text would be a fault of ours: the message itself must still come through.
            out = format!("{} {}\n", diagnostic.code.id, diagnostic.message);
            break;
        }
    }
    if let Some(help) = &diagnostic.help {
        out.push_str(&help_lines(help, style));
    }
    out
}

/// « aide : … », folded to the width. miette writes this word in English.
fn help_lines(help: &str, style: Style) -> String {
    const HEAD: &str = "  aide : ";
    let width = style.width.max(40);
    let mut lines = vec![String::new()];
    for word in unbroken(help) {
        let length = |text: &str| text.chars().count();
        let line = lines.last().map_or(0, |line| length(line));
        if line > 0 && length(HEAD) + line + 1 + length(&word) > width {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
    }
    let head = if style.colour { format!("\u{1b}[36m{HEAD}\u{1b}[0m") } else { HEAD.to_owned() };
    let indent = format!("\n{}", " ".repeat(HEAD.chars().count()));
    format!("{head}{}\n", lines.join(&indent))
}

/// The words of a text; quotation marks stay with what they quote.
fn unbroken(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match words.last_mut() {
            Some(last) if last.ends_with('«') || matches!(word, "»" | "»," | ":" | ";" | "?") => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}

/// One report for each file that a label points into: miette shows one source per report.
fn reports(diagnostic: &Diagnostic, sources: &SourceMap) -> Vec<Report> {
    let mut files: Vec<FileId> = Vec::new();
    for label in &diagnostic.labels {
        if !files.contains(&label.span.file) {
            files.push(label.span.file);
        }
    }
    files.into_iter().enumerate().map(|(rank, file)| Report::of_file(diagnostic, sources, file, rank == 0)).collect()
}

/// What is said of one file.
#[derive(Debug)]
struct Report {
    code: Option<&'static str>,
    severity: miette::Severity,
    message: String,
    source: NamedSource<String>,
    labels: Vec<LabeledSpan>,
}

impl Report {
    fn of_file(diagnostic: &Diagnostic, sources: &SourceMap, file: FileId, home: bool) -> Self {
        let source = sources.file(file);
        let labels = diagnostic
            .labels
            .iter()
            .enumerate()
            .filter(|(_, label)| {
                label.span.file == file && !(label.text.is_empty() && label.span.start == label.span.end)
            })
            .map(|(rank, label)| {
                let text = (!label.text.is_empty()).then(|| label.text.clone());
                let range = label.span.start as usize..label.span.end as usize;
                if rank == 0 {
                    LabeledSpan::new_primary_with_span(text, range)
                } else {
                    LabeledSpan::new_with_span(text, range)
                }
            })
            .collect();
        Self {
            code: home.then_some(diagnostic.code.id),
            severity: match (home, diagnostic.is_error()) {
                (true, true) => miette::Severity::Error,
                (true, false) => miette::Severity::Warning,
                // What is not the first report is a reference to another file.
                (false, _) => miette::Severity::Advice,
            },
            message: if home { diagnostic.message.clone() } else { "voir aussi".to_owned() },
            source: NamedSource::new(&source.name, source.text.to_string()),
            labels,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Report {}

impl miette::Diagnostic for Report {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.code.map(|code| Box::new(code) as Box<dyn fmt::Display>)
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(self.severity)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        // What is said of no place in particular shows no excerpt.
        (!self.labels.is_empty()).then_some(&self.source as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}
