//! The words, numbers, texts and signs of a piece of text: what messages point at, and what tells how deep a declaration
//! goes before it is parsed.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Word,
    Number,
    Text,
    /// A text without its closing quote: the token is the opening quote.
    OpenText,
    Sign,
}

/// A token and its place in the piece.
#[derive(Clone, Copy, Debug)]
pub struct Token<'t> {
    pub kind: Kind,
    pub text: &'t str,
    pub start: usize,
    /// Nothing but white space stands before it on its line.
    pub first: bool,
}

impl Token<'_> {
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// Signs of several characters, the longest first.
const SIGNS: [&str; 6] = [">=", "<=", "==", "!=", "<>", "=>"];

/// The tokens of a text, comments and white space left out.
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut result = Vec::new();
    let mut position = 0;
    let mut first = true;
    while let Some(c) = text[position..].chars().next() {
        let rest = &text[position..];
        if c.is_whitespace() {
            first |= c == '\n';
            position += c.len_utf8();
            continue;
        }
        if c == '#' {
            position += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        let (kind, length) = token(rest, c);
        result.push(Token { kind, text: &rest[..length], start: position, first });
        first = false;
        position += length;
    }
    result
}

/// Kind and length of the token that a text starts with.
fn token(rest: &str, c: char) -> (Kind, usize) {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    if c.is_ascii_digit() {
        return (Kind::Number, number_length(rest));
    }
    if in_word(c) {
        return (Kind::Word, rest.find(|c| !in_word(c)).unwrap_or(rest.len()));
    }
    if let Some(closing) = closing_quote(c) {
        let inside = &rest[c.len_utf8()..];
        // A text does not hold its own opening quote.
        return match inside.find([c, closing]).filter(|end| inside[*end..].starts_with(closing)) {
            Some(end) => (Kind::Text, c.len_utf8() + end + closing.len_utf8()),
            None => (Kind::OpenText, c.len_utf8()),
        };
    }
    let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
    (Kind::Sign, sign.map_or(c.len_utf8(), |sign| sign.len()))
}

fn closing_quote(opening: char) -> Option<char> {
    match opening {
        '«' => Some('»'),
        '“' => Some('”'),
        '"' => Some('"'),
        _ => None,
    }
}

/// Digits, and a comma or point between digits.
fn number_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let digit = |index: usize| bytes.get(index).is_some_and(u8::is_ascii_digit);
    let mut length = 0;
    while digit(length) || (matches!(bytes.get(length), Some(b',' | b'.')) && length > 0 && digit(length + 1)) {
        length += 1;
    }
    length
}
