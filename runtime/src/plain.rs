//! Plain text of reports: tables, and sentences folded to a width.

/// Lines of cells as text, with an indent: the first column to the left, the others to the right.
#[must_use]
pub fn table(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for line in lines {
        let mut text = String::from("  ");
        for (column, cell) in line.iter().enumerate() {
            let room = " ".repeat(widths[column] - cell.chars().count());
            if column == 0 {
                text += cell;
                text += &room;
            } else {
                text += "  ";
                text += &room;
                text += cell;
            }
        }
        out += text.trim_end();
        out.push('\n');
    }
    out
}

/// A sentence folded to a width, its later lines further in. Signs that French sets off by a space stay with their word.
#[must_use]
pub fn folded(first: &str, text: &str, indent: usize, width: usize) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let follows = ["?", "!", ":", ";", "»"].iter().any(|sign| word.starts_with(sign));
        match words.last_mut() {
            Some(last) if follows || last.ends_with('«') => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    let mut out = first.to_owned();
    let mut column = first.chars().count();
    for (rank, word) in words.iter().enumerate() {
        let length = word.chars().count();
        if rank > 0 && column + 1 + length > width.max(60) {
            out.push('\n');
            out += &" ".repeat(indent);
            column = indent;
        } else if rank > 0 {
            out.push(' ');
            column += 1;
        }
        out += word;
        column += length;
    }
    out.trim_end().to_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_stay_with_their_words() {
        let text = format!("{} fin ? suite", "x".repeat(55));
        assert_eq!(folded("", &text, 2, 60), format!("{}\n  fin ? suite\n", "x".repeat(55)));
    }

    #[test]
    fn figures_to_the_right() {
        let lines = [["a", "1"], ["bcd", "1 000"]].map(|line| line.map(str::to_owned).to_vec());
        assert_eq!(table(&lines), "  a        1\n  bcd  1 000\n");
    }
}
