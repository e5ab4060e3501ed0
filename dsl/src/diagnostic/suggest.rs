//! Did-you-mean, and lists in French.

/// The candidate closest to what was written, if it is close enough to be a slip: at most a third of the letters.
#[must_use]
pub fn closest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written_folded = fold(written);
    let limit = written.chars().count().div_ceil(3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&written_folded, &fold(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= limit && *distance < candidate.chars().count())
        .min_by(|a, b| a.cmp(b))
        .map(|(_, candidate)| candidate)
}

/// Whether two words are the same, accents and case set aside.
#[must_use]
pub fn same_word(a: &str, b: &str) -> bool {
    fold(a) == fold(b)
}

/// Accents and case set aside.
pub(super) fn fold(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    text.nfd().filter(|c| c.is_alphanumeric() || *c == '_').flat_map(char::to_lowercase).collect()
}

/// « a », « b » ou « c »: a list for a sentence, cut after eight.
#[must_use]
pub fn list<S: AsRef<str>>(items: &[S], last: &str) -> String {
    const SHOWN: usize = 8;
    let mut words: Vec<String> = items.iter().take(SHOWN).map(|item| item.as_ref().to_owned()).collect();
    if items.len() > SHOWN {
        words.push("…".to_owned());
        return words.join(", ");
    }
    match words.pop() {
        None => String::new(),
        Some(only) if words.is_empty() => only,
        Some(end) => format!("{} {last} {end}", words.join(", ")),
    }
}
