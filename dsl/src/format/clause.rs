//! The lines of one clause: where they break, and how far they stand from the left.
//!
//! The author's breaks stay where a line may break; others are added where a line is too long, until none is. What comes
//! out breaks at the same places when it is laid out again.

use super::trivia::{Trivia, trivia};
use super::{Lines, WIDTH};
use crate::parser::concrete::{Break, Declaration, Group, GroupKind, Leaf, LeafKind};

/// Writes a clause, or the first line of a declaration: the group of that rank.
pub fn write(lines: &mut Lines, text: &str, declaration: &Declaration, rank: usize, indent: usize) {
    let group = declaration.groups[rank];
    let leaves = &declaration.leaves[group.first..group.end];
    let gaps: Vec<Trivia<'_>> = std::iter::once(Trivia::default())
        .chain(leaves.windows(2).map(|pair| trivia(&text[pair[0].end..pair[1].start])))
        .collect();
    let mut clause = Clause { declaration, rank, group, leaves, indent, broken: breaks(group, leaves, &gaps), gaps };
    loop {
        let drawn = clause.draw();
        if !clause.shorten(&drawn) {
            lines.0.extend(drawn.lines.into_iter().map(|line| line.text));
            return;
        }
    }
}

/// Where the author broke the lines, moved to where they may break.
fn breaks(group: Group, leaves: &[Leaf], gaps: &[Trivia<'_>]) -> Vec<bool> {
    let mut broken = vec![false; leaves.len()];
    for (rank, (leaf, gap)) in leaves.iter().zip(gaps).enumerate().skip(1) {
        // What follows a comment is on another line.
        let may = |rank: usize| matches!(leaves[rank].before.rule, Break::May(_));
        let moved = leaf.before.moved.and_then(|to| to.checked_sub(group.first)).filter(|to| *to < leaves.len());
        match leaf.before.rule {
            _ if !gap.comments.is_empty() => broken[rank] = true,
            Break::Must => broken[rank] = true,
            Break::May(_) => broken[rank] |= gap.newline,
            Break::Never => {
                if let Some(to) = moved.filter(|to| gap.newline && *to > 0 && may(*to)) {
                    broken[to] = true;
                }
            }
        }
    }
    broken
}

struct Clause<'c> {
    declaration: &'c Declaration,
    rank: usize,
    group: Group,
    leaves: &'c [Leaf],
    gaps: Vec<Trivia<'c>>,
    indent: usize,
    /// Whether a line breaks before each leaf.
    broken: Vec<bool>,
}

#[derive(Default)]
struct Line {
    text: String,
    indent: usize,
    /// Columns without the comment.
    width: usize,
}

/// Lines, and where the leaves are on them.
#[derive(Default)]
struct Drawn {
    lines: Vec<Line>,
    places: Vec<Place>,
}

struct Place {
    line: usize,
    column: usize,
    /// The column where the leaf ends, on another line if it is a text of several.
    end: usize,
}

impl Drawn {
    fn line(&mut self, indent: usize) {
        self.lines.push(Line { text: " ".repeat(indent), indent, width: indent });
    }

    fn last(&mut self) -> &mut Line {
        if self.lines.is_empty() {
            self.line(0);
        }
        let last = self.lines.len() - 1;
        &mut self.lines[last]
    }

    fn add(&mut self, text: &str) {
        let line = self.last();
        line.text += text;
        line.width += columns(text);
    }
}

fn columns(text: &str) -> usize {
    text.chars().count()
}

impl Clause<'_> {
    /// How far the lines after the first stand.
    fn continuation(&self) -> usize {
        if self.group.kind == GroupKind::Header { 4 } else { self.indent + 2 }
    }

    fn draw(&self) -> Drawn {
        let mut drawn = Drawn::default();
        drawn.line(self.indent);
        let groups = &self.declaration.groups;
        let mut breaking = vec![false; groups.len()];
        for (leaf, _) in self.leaves.iter().zip(&self.broken).filter(|(_, broken)| **broken) {
            breaking[leaf.before.owner] = true;
        }
        // Where the lines of each group stand; of the clause, those after the first.
        let mut stands = vec![self.continuation(); groups.len()];
        let mut next = self.rank + 1;
        for (rank, leaf) in self.leaves.iter().enumerate() {
            if self.broken[rank] {
                self.break_line(&mut drawn, rank, stands[leaf.before.owner]);
            } else if rank > 0 && !(leaf.closes || self.leaves[rank - 1].opens) {
                drawn.add(" ");
            }
            while next < groups.len() && groups[next].first == self.group.first + rank {
                if matches!(groups[next].kind, GroupKind::Clause { .. }) {
                    break;
                }
                stands[next] = self.stand(next, &breaking, &stands, &drawn, rank);
                next += 1;
            }
            let (line, column) = (drawn.lines.len() - 1, drawn.last().width);
            match leaf.kind {
                LeafKind::Plain => drawn.add(&leaf.text),
                LeafKind::Text(marks) => {
                    let outer = self.outer(leaf.before.owner, &breaking);
                    fill(&mut drawn, &leaf.text, marks, stands[outer]);
                }
            }
            let end = drawn.last().width;
            drawn.places.push(Place { line, column, end });
        }
        drawn
    }

    /// Ends a line before a leaf, with the comments that stand there.
    fn break_line(&self, drawn: &mut Drawn, rank: usize, indent: usize) {
        for comment in &self.gaps[rank].comments {
            if comment.own_line {
                drawn.line(indent);
            } else {
                drawn.last().text += "    ";
            }
            // A comment may be as long as it likes.
            drawn.last().text += comment.text;
        }
        drawn.line(indent);
    }

    /// The nearest group around, itself included, with lines of its own; the clause if there is none.
    fn outer(&self, mut group: usize, breaking: &[bool]) -> usize {
        while group != self.rank && !breaking[group] {
            group = self.declaration.groups[group].parent;
        }
        group
    }

    /// Where the lines after the first of a group stand, when its first leaf comes next.
    fn stand(&self, group: usize, breaking: &[bool], stands: &[usize], drawn: &Drawn, rank: usize) -> usize {
        let groups = &self.declaration.groups;
        let this = groups[group];
        let outer = self.outer(this.parent, breaking);
        let in_clause = outer == self.rank;
        if groups[outer].kind == GroupKind::Comparison && groups[outer].first == this.first {
            return stands[outer];
        }
        if !self.broken[rank] {
            let rows = this.kind == GroupKind::Rows;
            return if in_clause && (rows || !breaking[outer]) { self.continuation() } else { stands[outer] + 2 };
        }
        // An item of a list, or what begins a longer expression.
        let owner = groups[self.leaves[rank].before.owner];
        let within = owner.kind == GroupKind::List || (!in_clause && groups[outer].first == this.first);
        let line = drawn.lines.last().map_or(0, |line| line.indent);
        match this.kind {
            _ if within => stands[outer] + 2,
            GroupKind::List | GroupKind::Inside | GroupKind::Rows | GroupKind::Completed => line + 2,
            _ => line,
        }
    }

    /// Adds breaks to the lines that are too long. Whether there was one to add.
    fn shorten(&mut self, drawn: &Drawn) -> bool {
        let mut added = false;
        for (number, line) in drawn.lines.iter().enumerate().filter(|(_, line)| line.width > WIDTH) {
            let mut best: Option<(bool, u32, usize)> = None;
            for (rank, place) in drawn.places.iter().enumerate().skip(1).filter(|(_, place)| place.line == number) {
                let Break::May(cost) = self.leaves[rank].before.rule else { continue };
                // A break that would not move its leaf to the left is of no use.
                if self.broken[rank] || place.column <= line.indent + 4 {
                    continue;
                }
                let overflows = drawn.places[rank - 1].end > WIDTH;
                let better = match best {
                    None => true,
                    Some((over, known, _)) if (over, known) != (overflows, cost) => (overflows, cost) < (over, known),
                    // Of equals, the last that fits.
                    Some((over, ..)) => !over,
                };
                if better {
                    best = Some((overflows, cost, rank));
                }
            }
            if let Some((_, _, rank)) = best {
                self.broken[rank] = true;
                added = true;
            }
        }
        added
    }
}

/// Writes the words of a text, on as many lines as it takes.
fn fill(drawn: &mut Drawn, text: &str, marks: Option<(char, char)>, indent: usize) {
    let (opening, closing) =
        marks.map_or(("« ".to_owned(), " »".to_owned()), |(a, b)| (a.to_string(), b.to_string()));
    if text.is_empty() {
        drawn.add(format!("{opening}{closing}").replace("  ", " ").as_str());
        return;
    }
    let words: Vec<&str> = text.split(' ').collect();
    let mut parts: Vec<String> = vec![opening];
    for (rank, word) in words.iter().enumerate() {
        if rank > 0 && !sticks(words[rank - 1], word) {
            parts.push((*word).to_owned());
        } else if let Some(part) = parts.last_mut() {
            *part += if rank > 0 { " " } else { "" };
            *part += word;
        }
    }
    if let Some(part) = parts.last_mut() {
        *part += &closing;
    }
    for (rank, part) in parts.iter().enumerate() {
        let line = drawn.last();
        if rank > 0 && line.width + 1 + columns(part) > WIDTH {
            drawn.line(indent);
        } else if rank > 0 {
            drawn.add(" ");
        }
        drawn.add(part);
    }
}

/// Whether a word stays on the line of the one before: a sign, what it joins, or the rest of a number.
fn sticks(before: &str, word: &str) -> bool {
    let is = |word: &str, signs: &str| word.chars().count() == 1 && word.contains(|c| signs.contains(c));
    let starts = |word: &str, signs: &str| word.starts_with(|c| signs.contains(c));
    let digits = before.trim_start_matches(|c: char| !c.is_ascii_digit());
    let is_digit = |b: u8| b.is_ascii_digit();
    let thousands = (1..=3).contains(&digits.len())
        && digits.bytes().all(is_digit)
        && word.len() >= 3
        && word.bytes().take(3).all(is_digit);
    starts(word, "»”?!;:%€") || is(word, "=+×/") || is(before, "«“=+×/") || thousands
}
