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
    match handler.render_report(&mut out, &Report::new(diagnostic, sources)) {
        Ok(()) => out,
        // A label outside the text would be a fault of ours: the message itself must still come through.
        Err(_) => format!("{} {}\n", diagnostic.code.id, diagnostic.message),
    }
}

/// miette shows one source per report: labels in other files become related reports.
#[derive(Debug)]
struct Report {
    code: Option<&'static str>,
    message: String,
    help: Option<String>,
    source: NamedSource<String>,
    labels: Vec<LabeledSpan>,
    related: Vec<Report>,
}

impl Report {
    fn new(diagnostic: &Diagnostic, sources: &SourceMap) -> Self {
        let home = diagnostic.span().file;
        let mut report = Self::of_file(diagnostic, sources, home, true);
        let mut others: Vec<FileId> = diagnostic.labels.iter().map(|l| l.span.file).filter(|f| *f != home).collect();
        others.dedup();
        report.related = others.into_iter().map(|file| Self::of_file(diagnostic, sources, file, false)).collect();
        report
    }

    fn of_file(diagnostic: &Diagnostic, sources: &SourceMap, file: FileId, home: bool) -> Self {
        let source = sources.file(file);
        let labels = diagnostic
            .labels
            .iter()
            .enumerate()
            .filter(|(_, label)| label.span.file == file)
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
            message: if home { diagnostic.message.clone() } else { "voir aussi".to_owned() },
            help: if home { diagnostic.help.clone() } else { None },
            source: NamedSource::new(&source.name, source.text.to_string()),
            labels,
            related: Vec::new(),
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

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        if self.related.is_empty() {
            return None;
        }
        Some(Box::new(self.related.iter().map(|report| report as &dyn miette::Diagnostic)))
    }
}
