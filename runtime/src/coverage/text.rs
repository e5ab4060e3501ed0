//! The report of `polc coverage` for people.

use polc_compiler::num::{format_french, integer};

use super::{Missing, PlaceReport, Ratio, Report, State};
use crate::plain::folded;

/// What is left out of the text, unless asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'o> {
    /// Only this article or annex, and what it holds.
    pub place: Option<&'o str>,
    /// Columns of a line.
    pub width: usize,
}

#[must_use]
pub fn text(report: &Report, options: Options<'_>) -> String {
    let mut out = String::new();
    let mut silent = 0;
    for place in &report.lieux {
        if options.place.is_some_and(|wanted| !super::index::covers(wanted, &place.lieu)) {
            continue;
        }
        if is_empty(place) {
            silent += 1;
            continue;
        }
        out += &place_text(place, report.index, options.width);
        out += "\n";
    }
    if silent > 0 {
        out +=
            &format!("{}\n\n", count(silent, "lieu sans chiffre ni disposition", "lieux sans chiffre ni disposition"));
    }
    if options.place.is_some() {
        return out;
    }
    out += &missing("Critères sans exemple", &report.criteres_sans_exemple);
    out += &missing("Dispositions qu'aucun exemple ne calcule", &report.dispositions_jamais_calculees);
    out += &missing("Branches qu'aucun exemple ne prend", &report.branches_jamais_prises);
    out += &missing("Seuils qu'aucun exemple n'éprouve des deux côtés", &report.seuils_d_un_seul_cote);
    out += &summary(report);
    out
}

fn is_empty(place: &PlaceReport) -> bool {
    place.connu
        && place.chiffres.is_empty()
        && place.dispositions.is_empty()
        && place.parametres.is_empty()
        && place.lectures.is_empty()
        && place.exemples == 0
}

fn place_text(place: &PlaceReport, index: bool, width: usize) -> String {
    let mut out = place.lieu.clone();
    if let Some(text) = &place.texte {
        out += &format!(" ({text})");
    }
    if !place.connu {
        out += " — absent de l'index";
    }
    out += "\n";
    let mut line = |name: &str, text: &str| out += &folded(&format!("  {name:<14}"), text, 16, width);
    for (name, names) in
        [("dispositions", &place.dispositions), ("paramètres", &place.parametres), ("lectures", &place.lectures)]
    {
        if !names.is_empty() {
            line(name, &format!("{} : {}", figures(names.len()), names.join(", ")));
        }
    }
    let encoded = !place.dispositions.is_empty() || !place.parametres.is_empty();
    if place.exemples > 0 || !place.dispositions.is_empty() {
        line("exemples", &figures(place.exemples));
    }
    if place.branches.sur > 0 {
        let mut text = format!("{} prises", of(place.branches));
        if place.seuils.sur > 0 {
            text += &format!(" ; seuils : {} des deux côtés", of(place.seuils));
        }
        line("branches", &text);
    }
    if index && !place.chiffres.is_empty() {
        let with = |state| place.chiffres.iter().filter(move |figure| figure.etat == state);
        let count = |state| with(state).count();
        line(
            "chiffres",
            &format!(
                "{} : {} encodés, {} hors champ, {} sans emploi",
                figures(place.chiffres.len()),
                figures(count(State::Encode)),
                figures(count(State::HorsChamp)),
                figures(count(State::SansEmploi))
            ),
        );
        let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
        for figure in with(State::HorsChamp) {
            let reason = figure.motif.as_deref().unwrap_or_default();
            match reasons.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, figures)) => figures.push(&figure.chiffre),
                None => reasons.push((reason, vec![&figure.chiffre])),
            }
        }
        for (reason, figures) in reasons {
            line("  hors champ", &format!("{} ({reason})", figures.join(" ; ")));
        }
        let unused: Vec<&str> = with(State::SansEmploi).map(|figure| &*figure.chiffre).collect();
        if !unused.is_empty() {
            line("  sans emploi", &unused.join(" ; "));
        }
    }
    if !encoded && place.lectures.is_empty() && place.exemples == 0 {
        line("aucune disposition", "");
    }
    out
}

fn missing(title: &str, items: &[Missing]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let mut out = format!("{title} ({})\n", figures(items.len()));
    for item in items {
        out += &format!("  {} — {}", item.disposition, item.texte);
        if let Some(what) = &item.manque {
            out += &format!(" : {what}");
        }
        out += &format!("  [{}]\n", item.place);
    }
    out + "\n"
}

fn summary(report: &Report) -> String {
    let resume = &report.resume;
    let mut out = format!("{}\n", report.politique);
    let mut line = |name: &str, text: String| out += &format!("  {name:<26}{text}\n");
    if report.index {
        line("lieux cités", of(resume.lieux_cites));
        let (unused, outside) = (resume.chiffres_sans_emploi, resume.chiffres_hors_champ);
        let rest = format!("{} hors champ, {} sans emploi", figures(outside), figures(unused));
        line("chiffres encodés", format!("{} ; {rest}", of(resume.chiffres_encodes)));
    }
    line("dispositions calculées", of(resume.dispositions));
    line("critères avec exemple", of(resume.criteres_verifies));
    line("branches prises", of(resume.branches));
    line("seuils des deux côtés", of(resume.seuils_des_deux_cotes));
    line("seuils à la valeur même", of(resume.seuils_a_la_valeur));
    let failures = match report.exemples_en_echec {
        0 => String::new(),
        failed => format!(" ; {} (voir « polc test »)", count(failed, "échec", "échecs")),
    };
    line("exemples", format!("{}{failures}", figures(resume.exemples)));
    line("lectures", figures(resume.lectures));
    if !report.index {
        out += "  la politique n'a pas d'index des chiffres de ses textes (chiffres.csv)\n";
    }
    out
}

/// « 12 sur 14 (85 %) », never rounded up to all.
fn of(ratio: Ratio) -> String {
    if ratio.sur == 0 {
        return "aucun".to_owned();
    }
    let percent = ratio.couverts * 100 / ratio.sur;
    format!("{} sur {} ({percent} %)", figures(ratio.couverts), figures(ratio.sur))
}

fn figures(number: usize) -> String {
    format_french(&integer(i64::try_from(number).unwrap_or(i64::MAX)), 0)
}

fn count(number: usize, singular: &str, plural: &str) -> String {
    format!("{} {}", figures(number), if number < 2 { singular } else { plural })
}
