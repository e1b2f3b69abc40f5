//! Log lines on the screen: the program's colours are kept; every other escape sequence is taken out or made visible.

use std::fmt::Write;

use ansi_to_tui::IntoText;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use crate::domain::text::is_hidden;

/// Longest part of a line that is shown, in characters. The rest is in the file.
const LONGEST: usize = 8_000;
const ESC: char = '\u{1b}';

/// A line of bytes as it may be shown.
pub(super) fn line(bytes: &[u8], colors: bool, base: Style) -> Line<'static> {
    let text = clean(&String::from_utf8_lossy(bytes), colors);
    if !text.contains(ESC) {
        return Line::from(Span::styled(text, base));
    }
    let parsed = text.into_text().ok().and_then(|text| text.lines.into_iter().next());
    let Some(parsed) = parsed else { return Line::default() };
    // Hidden text is text that somebody wants to be overlooked.
    let show = |style: Style| style.remove_modifier(Modifier::HIDDEN | Modifier::SLOW_BLINK | Modifier::RAPID_BLINK);
    Line::from(
        parsed
            .spans
            .into_iter()
            .map(|span| Span::styled(span.content.into_owned(), base.patch(show(span.style))))
            .collect::<Vec<_>>(),
    )
}

/// The text with nothing in it but characters that are seen, and, where `colors` are wanted, `ESC [ numbers m`.
pub(super) fn clean(text: &str, colors: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut length = 0;
    while let Some(c) = chars.next() {
        if length > LONGEST {
            out.push('…');
            break;
        }
        length += 1;
        if c == '\t' {
            out.push_str("    ");
        } else if c == ESC && chars.peek() == Some(&'[') {
            chars.next();
            let mut numbers = String::new();
            while let Some(next) = chars.next_if(|next| matches!(next, '\u{20}'..='\u{3f}')) {
                numbers.push(next);
                if numbers.len() > 64 {
                    break;
                }
            }
            // The final character; what is cut off has none.
            let last = chars.next_if(|next| matches!(next, '\u{40}'..='\u{7e}'));
            let is_color = last == Some('m') && numbers.chars().all(|c| c.is_ascii_digit() || c == ';');
            if is_color && colors {
                out.push_str("\u{1b}[");
                out.push_str(&numbers);
                out.push('m');
            } else if last.is_none() {
                out.push_str("\\x1b[");
                out.push_str(&numbers);
            }
            // Any other complete sequence moves the cursor or clears: it is left out.
        } else if is_hidden(c) {
            let code = u32::from(c);
            if code < 0x100 {
                let _ = write!(out, "\\x{code:02x}");
            } else {
                let _ = write!(out, "\\u{{{code:x}}}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_colours_survive() {
        for (text, expected) in [
            ("plain", "plain"),
            ("\u{1b}[31mred\u{1b}[0m", "\u{1b}[31mred\u{1b}[0m"),
            ("\u{1b}[2J\u{1b}[1;1Hgone", "gone"),
            ("a\tb", "a    b"),
            ("\u{1b}]0;title\u{7}x", "\\x1b]0;title\\x07x"),
            ("\u{9b}31mx", "\\x9b31mx"),
            ("10%\r20%", "10%\\x0d20%"),
            ("\u{202e}evil", "\\u{202e}evil"),
            ("cut\u{1b}[31", "cut\\x1b[31"),
            ("\u{1b}[?25l", ""),
        ] {
            assert_eq!(clean(text, true), expected, "{text:?}");
        }
        assert_eq!(clean("\u{1b}[31mred\u{1b}[0m", false), "red");
    }

    #[test]
    fn hidden_text_is_shown() {
        let line = line(b"\x1b[8msecret\x1b[0m", true, Style::new());
        assert_eq!(line.spans.iter().map(|span| span.content.as_ref()).collect::<String>(), "secret");
        assert!(line.spans.iter().all(|span| !span.style.add_modifier.contains(Modifier::HIDDEN)));
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_moves_a_terminal_gets_through(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            for colors in [true, false] {
                let line = line(&bytes, colors, Style::new());
                let text: String = line.spans.iter().map(|span| span.content.as_ref()).collect();
                proptest::prop_assert!(!text.chars().any(is_hidden), "{text:?}");
            }
        }
    }
}
