//! Random amendments of random policies: provisions replaced with other figures, parameters, derogations repealed, all from
//! one year on.

use std::fmt::Write as _;

use super::Random;

/// Figures that a replacement changes, and what it puts there.
const FIGURES: [(&str, &str); 6] =
    [(" 4 000", " 3 900"), (" 350", " 351"), (" 40", " 41"), (" 10", " 11"), (" 0,5", " 0,6"), (" 3", " 2")];

/// An amendment of a policy drawn by [`super::policy`], and the year in which it takes effect: earlier years keep their law.
#[must_use]
pub fn amendment(seed: u64, policy: &str) -> (String, i64) {
    let mut random = Random::new(seed);
    let year = random.between(2019, 2026);
    let mut text = "avenant essai_1 « Essai »\n  réf. « essai »\n  publié le 1er mars 2019\n".to_owned();
    for declaration in declarations(policy) {
        let mut words = declaration.split_whitespace();
        let (Some(kind), Some(name)) = (words.next(), words.next()) else { continue };
        match kind {
            "définition" | "critère" if name.starts_with('q') && !name.contains('<') && random.one_in(3) => {
                // Only cases tell two provisions of one name apart.
                let twin = policy.matches(&format!("\n{kind} {name}\n")).count() > 1;
                if twin && declaration.contains("\n  pour tous ") {
                    continue;
                }
                if let Some(changed) = replacement(declaration, year, &mut random) {
                    let _ = write!(text, "\nremplace {changed}");
                }
            }
            "paramètre" if random.one_in(2) => {
                let value = declaration.trim_end().rsplit(['\n', ':']).next().unwrap_or_default();
                let unit =
                    value.split_whitespace().rfind(|word| word.chars().all(|c| c.is_alphabetic() || "%€".contains(c)));
                let unit = unit.filter(|word| *word != "vaut").unwrap_or_default();
                let _ = write!(text, "\nremplace paramètre {name}\n  réf. article 20\n  depuis {year} : 17 {unit}\n");
            }
            "dérogation" if name.starts_with("autre_") && random.one_in(2) => {
                let _ = write!(text, "\nabroge dérogation {name} à compter de {year}\n  réf. article 20\n");
            }
            _ => {}
        }
    }
    let _ = write!(text, "\ninsère définition neuve\n  réf. article 20\n  en vigueur depuis {year}\n  vaut 3\n");
    (text, year)
}

/// The declarations of a text: each starts in the first column.
fn declarations(policy: &str) -> Vec<&str> {
    let mut starts: Vec<usize> = Vec::new();
    let mut offset = 0;
    for line in policy.split_inclusive('\n') {
        if !line.starts_with([' ', '\n']) {
            starts.push(offset);
        }
        offset += line.len();
    }
    starts.push(policy.len());
    starts.windows(2).map(|pair| &policy[pair[0]..pair[1]]).collect()
}

/// The same declaration from a year on, with another figure; `None` where it ends before.
fn replacement(declaration: &str, year: i64, random: &mut Random) -> Option<String> {
    let (head, clauses) = declaration.split_once('\n')?;
    let mut years = format!("  en vigueur depuis {year}");
    let mut body = String::new();
    for line in clauses.lines() {
        match line.trim() {
            "en vigueur depuis 2020" => years = format!("  en vigueur depuis {}", year.max(2020)),
            "en vigueur de 2019 à 2023" if year > 2023 => return None,
            "en vigueur de 2019 à 2023" => years = format!("  en vigueur de {year} à 2023"),
            _ => {
                body += line;
                body.push('\n');
            }
        }
    }
    let (old, new) = *random.pick(&FIGURES);
    // The rows of a scale would no longer meet.
    let old = if body.contains("moins de 3") && old == " 3" { " 350" } else { old };
    Some(format!("{head}\n{years}\n{}", body.replacen(old, new, 1)))
}
