//! Diagnostics for programs: JSON, annotations of GitHub, SARIF 2.1.0.

use serde::Serialize;
use serde_json::json;

use crate::diagnostic::Diagnostic;
use crate::source::SourceMap;
use crate::span::Span;

#[derive(Serialize)]
struct View<'a> {
    code: &'a str,
    titre: &'a str,
    gravite: &'static str,
    message: &'a str,
    aide: Option<&'a str>,
    etiquettes: Vec<LabelView<'a>>,
}

#[derive(Serialize)]
struct LabelView<'a> {
    fichier: String,
    ligne: usize,
    colonne: usize,
    ligne_fin: usize,
    colonne_fin: usize,
    texte: &'a str,
}

fn place<'a>(span: Span, text: &'a str, sources: &SourceMap) -> LabelView<'a> {
    let file = sources.file(span.file);
    let (ligne, colonne) = file.line_column(span.start);
    let (ligne_fin, colonne_fin) = file.line_column(span.end);
    LabelView { fichier: file.name.to_string(), ligne, colonne, ligne_fin, colonne_fin, texte: text }
}

fn view<'a>(diagnostic: &'a Diagnostic, sources: &SourceMap) -> View<'a> {
    View {
        code: diagnostic.code.id,
        titre: diagnostic.code.title,
        gravite: if diagnostic.is_error() { "erreur" } else { "avertissement" },
        message: &diagnostic.message,
        aide: diagnostic.help.as_deref(),
        etiquettes: diagnostic.labels.iter().map(|label| place(label.span, &label.text, sources)).collect(),
    }
}

/// A JSON array, one object per diagnostic.
#[must_use]
pub fn json(diagnostics: &[Diagnostic], sources: &SourceMap) -> String {
    let views: Vec<_> = diagnostics.iter().map(|d| view(d, sources)).collect();
    serde_json::to_string_pretty(&views).unwrap_or_default() + "\n"
}

/// One workflow command per diagnostic: GitHub shows it on the line of the pull request.
#[must_use]
pub fn github(diagnostics: &[Diagnostic], sources: &SourceMap) -> String {
    let escape = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    diagnostics
        .iter()
        .map(|d| {
            let at = place(d.span(), "", sources);
            let help = d.help.as_ref().map(|h| format!("\naide : {h}")).unwrap_or_default();
            format!(
                "::{} file={},line={},col={},title={}::{}\n",
                if d.is_error() { "error" } else { "warning" },
                at.fichier,
                at.ligne,
                at.colonne,
                d.code.id,
                escape(&format!("{}{help}", d.message))
            )
        })
        .collect()
}

/// A SARIF log with one run.
#[must_use]
pub fn sarif(diagnostics: &[Diagnostic], sources: &SourceMap) -> String {
    let results: Vec<_> = diagnostics
        .iter()
        .map(|d| {
            let at = place(d.span(), "", sources);
            json!({
                "ruleId": d.code.id,
                "level": if d.is_error() { "error" } else { "warning" },
                "message": { "text": d.help.as_ref().map_or_else(|| d.message.clone(), |h| format!("{} — {h}", d.message)) },
                "locations": [{ "physicalLocation": {
                    "artifactLocation": { "uri": at.fichier },
                    "region": { "startLine": at.ligne, "startColumn": at.colonne, "endLine": at.ligne_fin, "endColumn": at.colonne_fin },
                } }],
            })
        })
        .collect();
    let rules: Vec<_> = super::super::codes::ALL
        .iter()
        .map(|code| json!({ "id": code.id, "shortDescription": { "text": code.title } }))
        .collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{ "tool": { "driver": { "name": "polc", "version": env!("CARGO_PKG_VERSION"), "rules": rules } }, "results": results }],
    });
    serde_json::to_string_pretty(&log).unwrap_or_default() + "\n"
}
