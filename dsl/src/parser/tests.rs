use super::*;
use crate::diagnostic::render::terminal::{Style, render};

fn parse_text(text: &str) -> (File, String) {
    let mut sources = SourceMap::new();
    let (id, problem) = sources.add("essai.pol", text.as_bytes());
    assert!(problem.is_none());
    let (file, diagnostics) = parse(&sources, id);
    let style = Style { colour: false, width: 100 };
    (file, diagnostics.iter().map(|d| render(d, &sources, style)).collect())
}

#[test]
fn smoke() {
    let (file, errors) = parse_text(
        "critère bcp_points « Concertation »\n  du bloc bcp, socle\n  pour medical, polyvalent\n  réf. article 8.3.1.1, annexe 1 bis\n  \
         si reunions ≥ 6 réunions et part ≥ 5 %\n  points variables 1 000 par 4 000 patients de patientele\n  points fixes 800 lorsque x (article 3)\n\
         entrée x : entier en patients, de 0 à 200 000, par défaut 0\n  « Sens »\n\
         définition y\n  réf. article 1\n  vaut par palier de z\n    de 8 h à moins de 10 h : 150\n    à partir de 10 h : 0\n",
    );
    assert_eq!(errors, "");
    assert_eq!(file.items.len(), 3);
}
