//! Diagnostics as data. What is wrong, where, and what to write instead; the renderers decide how it looks.

pub mod codes;
pub mod render;
mod suggest;
pub mod syntax;

pub use codes::{Code, Severity};
pub use suggest::{closest, list, same_word};

use crate::span::Span;

/// One problem of a policy, in French: a sentence in lower case without final point.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    pub code: Code,
    pub message: String,
    /// The first label is the primary one.
    pub labels: Vec<Label>,
    /// What to write instead.
    pub help: Option<String>,
}

/// A place and what to say of it.
#[derive(Clone, Debug)]
pub struct Label {
    pub span: Span,
    pub text: String,
}

impl Diagnostic {
    #[must_use]
    pub fn new(code: Code, span: Span, message: impl Into<String>, label: impl Into<String>) -> Self {
        Self { code, message: message.into(), labels: vec![Label { span, text: label.into() }], help: None }
    }

    #[must_use]
    pub fn with_label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds « vouliez-vous dire … ? » when one of the candidates is close to what was written.
    #[must_use]
    pub fn suggesting<'a>(self, written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        match closest(written, candidates) {
            Some(candidate) => {
                let help = format!("vouliez-vous dire « {candidate} » ?");
                self.with_help(help)
            }
            None => self,
        }
    }

    #[must_use]
    pub fn is_error(&self) -> bool {
        self.code.severity() == Severity::Error
    }

    /// Where the problem is.
    #[must_use]
    pub fn span(&self) -> Span {
        self.labels[0].span
    }
}

/// Puts diagnostics in the order of the text and drops repetitions of one problem at one place.
pub fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|a, b| (a.span(), a.code.id, &a.message).cmp(&(b.span(), b.code.id, &b.message)));
    diagnostics.dedup_by(|a, b| a.span() == b.span() && a.code == b.code && a.message == b.message);
}

/// Of problems with one code at one place, keeps the first and says how many more there are: a template is written once, and
/// what is wrong with it is said once.
pub fn once(diagnostics: &mut Vec<Diagnostic>, places: &[Span]) {
    let within = |span: Span| {
        places.iter().any(|place| place.file == span.file && place.start <= span.start && span.end <= place.end)
    };
    let mut kept: Vec<Diagnostic> = Vec::with_capacity(diagnostics.len());
    let mut hidden = 0;
    let also = |last: Option<&mut Diagnostic>, hidden: &mut usize| {
        let count = std::mem::take(hidden);
        if let (Some(last), 1..) = (last, count) {
            let rows = if count == 1 { "une autre ligne".to_owned() } else { format!("{count} autres lignes") };
            last.message += &format!(" ; de même pour {rows} de la table");
        }
    };
    for diagnostic in diagnostics.drain(..) {
        let same = |last: &Diagnostic| last.span() == diagnostic.span() && last.code == diagnostic.code;
        if kept.last().is_some_and(same) && within(diagnostic.span()) {
            hidden += 1;
            continue;
        }
        also(kept.last_mut(), &mut hidden);
        kept.push(diagnostic);
    }
    also(kept.last_mut(), &mut hidden);
    *diagnostics = kept;
}
