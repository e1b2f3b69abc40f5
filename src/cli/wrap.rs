//! Setting text in lines.

use unicode_width::UnicodeWidthStr;

/// Columns that a text takes. The sequences that colour it take none.
pub(super) fn width(text: &str) -> usize {
    let mut parts = text.split("\x1b[");
    let start = parts.next().unwrap_or_default().width();
    start + parts.map(|part| part.split_once('m').map_or(part, |(_, after)| after).width()).sum::<usize>()
}

/// The text, filled up with spaces.
pub(super) fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// The words of a text in lines of at most so many columns, each line after the first behind `indent` spaces; `first`
/// columns of the first line are taken already. A word that is longer than a line stands alone and is not broken: it
/// may be a name that somebody wants to copy.
pub(super) fn wrap(text: &str, columns: usize, first: usize, indent: usize) -> String {
    let mut lines = String::new();
    let mut used = first;
    let mut is_start = true;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let length = width(word);
        if !is_start && used + 1 + length > columns {
            lines.push('\n');
            lines.extend(std::iter::repeat_n(' ', indent));
            used = indent;
            is_start = true;
        }
        if !is_start {
            lines.push(' ');
            used += 1;
        }
        lines.push_str(word);
        used += length;
        is_start = false;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_set_in_lines_and_never_broken() {
        assert_eq!(wrap("one two three", 7, 0, 2), "one two\n  three");
        assert_eq!(wrap("one two", 9, 4, 2), "one\n  two");
        assert_eq!(wrap("unbreakable", 4, 0, 2), "unbreakable");
        assert_eq!(wrap("", 4, 0, 2), "");
        assert_eq!(pad("表", 4), "表  ");
        let painted = "\x1b[1;31mone two\x1b[0m three";
        assert_eq!(width(painted), 13);
        assert_eq!(wrap(painted, 7, 0, 2), "\x1b[1;31mone two\x1b[0m\n  three");
    }
}
