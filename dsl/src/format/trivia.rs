//! What stands between the words of a text: line ends and comments.

/// A comment, from its `#` to the end of its line.
#[derive(Debug, PartialEq, Eq)]
pub struct Comment<'t> {
    pub text: &'t str,
    /// Nothing stands before it on its line.
    pub own_line: bool,
    /// It does not start in the first column.
    pub indented: bool,
    pub blank_before: bool,
}

/// What stands between two words.
#[derive(Debug, Default)]
pub struct Trivia<'t> {
    pub comments: Vec<Comment<'t>>,
    /// The second word is on another line.
    pub newline: bool,
    pub blank_after: bool,
}

/// Reads what stands between two words, or between a word and an end of the text.
pub fn trivia(gap: &str) -> Trivia<'_> {
    let mut result = Trivia::default();
    let mut ends = 0;
    for (rank, line) in gap.split('\n').enumerate() {
        ends += usize::from(rank > 0);
        if let Some(start) = line.find('#') {
            result.comments.push(Comment {
                text: line[start..].trim_end(),
                own_line: rank > 0,
                indented: start > 0,
                blank_before: ends > 1,
            });
            ends = 0;
        }
        result.newline |= rank > 0;
    }
    result.blank_after = ends > 1;
    result
}
