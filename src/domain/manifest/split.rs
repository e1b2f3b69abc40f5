//! Splits a source into documents before any of them is parsed, as kubectl does: a document that is broken does not
//! hide the others.

/// The text between two separators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunk<'a> {
    pub(super) text: &'a str,
    /// The line its text begins in, counted from 1.
    pub(super) line: usize,
    /// Whether something else than a comment follows the `---` before it.
    pub(super) after_separator: bool,
}

/// The documents of a source that have content, comments apart.
pub(super) fn chunks(text: &str) -> impl Iterator<Item = Chunk<'_>> {
    let mut rest = Some((text, 1, false));
    let all = std::iter::from_fn(move || {
        let (text, line, after_separator) = rest.take()?;
        let mut at = 0;
        for (lines, piece) in text.split_inclusive('\n').enumerate() {
            if let Some(after) = separator(piece) {
                let next = text.get(at + piece.len()..).unwrap_or_default();
                rest = Some((next, line + lines + 1, !is_empty(after)));
                return Some(Chunk { text: text.get(..at).unwrap_or_default(), line, after_separator });
            }
            at += piece.len();
        }
        Some(Chunk { text, line, after_separator })
    });
    all.filter(|chunk| chunk.after_separator || !chunk.text.split(['\n', '\r']).all(is_empty))
}

/// What follows `---` on a line that is a separator.
fn separator(line: &str) -> Option<&str> {
    let after = line.strip_prefix("---")?;
    (after.is_empty() || after.starts_with([' ', '\t', '\r', '\n'])).then_some(after)
}

/// Whether a line says nothing: blank, or a comment.
fn is_empty(line: &str) -> bool {
    let line = line.trim_start_matches([' ', '\t', '\r', '\n', '\u{feff}']);
    line.is_empty() || line.starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_keep_their_lines() {
        let of = |text: &'static str| chunks(text).map(|chunk| (chunk.line, chunk.text)).collect::<Vec<_>>();
        assert_eq!(of(""), []);
        assert_eq!(of("---\n---\n# only this\n\n---\n"), []);
        assert_eq!(of("a: 1"), [(1, "a: 1")]);
        assert_eq!(of("---\na: 1\n--- # next\nb: 2\n---\n"), [(2, "a: 1\n"), (4, "b: 2\n")]);
        assert_eq!(of("a: 1\r\n---\r\nb: 2\r\n"), [(1, "a: 1\r\n"), (3, "b: 2\r\n")]);
        assert_eq!(of("# c\ra: 1"), [(1, "# c\ra: 1")], "to YAML this is a line end too");
        assert_eq!(of("\u{feff}# c\n---\na: 1\n"), [(3, "a: 1\n")]);
        assert_eq!(of("a: |\n  ---\n  b\n----\n"), [(1, "a: |\n  ---\n  b\n----\n")], "only at the start of a line");
    }

    #[test]
    fn text_behind_a_separator_is_seen() {
        let found: Vec<_> = chunks("--- {a: 1}\nb: 2\n").collect();
        assert_eq!(found, [Chunk { text: "b: 2\n", line: 2, after_separator: true }]);
        assert!(chunks("--- x").all(|chunk| chunk.after_separator));
    }
}
