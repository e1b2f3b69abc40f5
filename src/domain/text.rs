//! Text from a cluster, a log or a repository, made safe to show: nothing in it can move a cursor, change a colour, turn
//! the reading direction round or hide, and its length is bounded. Use it at the edge where such text enters a screen, a
//! terminal or a message of ours.

/// What stands at the end of a text that was cut.
const CUT: char = '…';

/// The text on one line, of at most `limit` characters: line breaks and tabs become a space, runs of spaces one space,
/// and every character that would not be seen as itself is written as an escape (`\x1b`, `\u{202e}`).
pub fn one_line(text: &str, limit: usize) -> String {
    let mut line = Bounded::new(limit);
    let mut gap = false;
    for c in text.chars() {
        if line.is_full() {
            break;
        }
        if c.is_whitespace() && !is_c1(c) {
            gap = !line.is_empty();
            continue;
        }
        if gap {
            line.push(' ');
            gap = false;
        }
        line.push_escaped(c);
    }
    line.finish()
}

/// The text with its line breaks, of at most `limit` characters: tabs become four spaces, the carriage return before a
/// line break is left out, and every character that would not be seen as itself is written as an escape.
pub fn lines(text: &str, limit: usize) -> String {
    let mut all = Bounded::new(limit);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if all.is_full() {
            break;
        }
        match c {
            '\n' => all.push('\n'),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\t' => (0..4).for_each(|_| all.push(' ')),
            c => all.push_escaped(c),
        }
    }
    all.finish()
}

/// Whether a character is not seen as itself: control characters (C0, C1, DEL), those that change the direction of
/// reading, and the invisible ones that can hide text in a text.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Direction: marks, embeddings, overrides, isolates.
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            // No width: spaces and joiners (but those that scripts and emoji need), separators, byte order mark.
            | '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2065}'
            | '\u{206a}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn is_c1(c: char) -> bool {
    ('\u{80}'..='\u{9f}').contains(&c)
}

/// Whole seconds in words: `12s`, `4m 10s`, `2h 3m`, `3d 4h`. Less than none is none.
pub fn duration(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, _, _) => format!("{hours}h {}m", minutes % 60),
        _ => format!("{days}d {}h", hours % 24),
    }
}

/// A text that does not grow over its limit. The last character it may have is kept for the sign that it was cut.
struct Bounded {
    text: String,
    length: usize,
    limit: usize,
    cut: bool,
}

impl Bounded {
    fn new(limit: usize) -> Self {
        Self { text: String::new(), length: 0, limit, cut: false }
    }

    fn is_empty(&self) -> bool {
        self.length == 0
    }

    fn is_full(&self) -> bool {
        self.cut
    }

    fn push(&mut self, c: char) {
        if self.length >= self.limit {
            self.cut = true;
        } else {
            self.text.push(c);
            self.length += 1;
        }
    }

    fn push_escaped(&mut self, c: char) {
        if is_hidden(c) {
            let code = u32::from(c);
            let escape = if code < 0x100 { format!("\\x{code:02x}") } else { format!("\\u{{{code:x}}}") };
            escape.chars().for_each(|c| self.push(c));
        } else {
            self.push(c);
        }
    }

    fn finish(mut self) -> String {
        if self.cut {
            self.text.pop();
            if self.limit > 0 {
                self.text.push(CUT);
            }
        }
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_on_one_line() {
        for (text, expected) in [
            ("plain", "plain"),
            ("  a\n\tb \r\n c  ", "a b c"),
            ("\u{1b}[31mred\u{1b}[0m", "\\x1b[31mred\\x1b[0m"),
            ("a\u{9b}2Jb\u{85}c", "a\\x9b2Jb\\x85c"),
            ("bell\u{7} del\u{7f} nul\0", "bell\\x07 del\\x7f nul\\x00"),
            ("\u{202e}evil\u{2066}", "\\u{202e}evil\\u{2066}"),
            ("zero\u{200b}width\u{feff}", "zero\\u{200b}width\\u{feff}"),
            ("line\u{2028}end", "line end"),
            ("数据库 ünï 👩‍🔧", "数据库 ünï 👩‍🔧"),
            ("", ""),
        ] {
            assert_eq!(one_line(text, 80), expected, "{text:?}");
        }
    }

    #[test]
    fn text_is_cut_between_characters() {
        for (text, limit, expected) in [
            ("abcdef", 6, "abcdef"),
            ("abcdef", 5, "abcd…"),
            ("äöüß", 3, "äö…"),
            ("a\u{1b}b", 3, "a\\…"),
            ("abc", 1, "…"),
            ("abc", 0, ""),
            ("abc   ", 3, "abc"),
        ] {
            assert_eq!(one_line(text, limit), expected, "{text:?} {limit}");
        }
        assert_eq!(lines("a\nb\nc", 3), "a\n…");
    }

    #[test]
    fn text_keeps_its_lines() {
        assert_eq!(lines("a\r\nb\tc\rd\u{1b}", 80), "a\nb    c\\x0dd\\x1b");
    }

    #[test]
    fn durations_in_words() {
        for (seconds, expected) in [
            (-5, "0s"),
            (0, "0s"),
            (59, "59s"),
            (60, "1m 0s"),
            (250, "4m 10s"),
            (3600, "1h 0m"),
            (7380, "2h 3m"),
            (90_000, "1d 1h"),
            (i64::MAX, "106751991167300d 15h"),
        ] {
            assert_eq!(duration(seconds), expected);
        }
    }
}
