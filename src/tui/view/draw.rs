//! Text of a known width on the cells of the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::spots::Spot;
use crate::domain::text;
use crate::tui::theme::{Role, Theme};

/// What is drawn on, and with which colours.
pub(super) struct Canvas<'a> {
    pub(super) buffer: &'a mut Buffer,
    pub(super) theme: &'a Theme,
    /// What is where; `None`: nobody asks.
    pub(super) spots: Option<&'a mut Vec<(Rect, Spot)>>,
}

impl Canvas<'_> {
    pub(super) fn style(&self, role: Role) -> Style {
        self.theme.style(role)
    }

    /// Notes what is there, for the mouse.
    pub(super) fn spot(&mut self, area: Rect, what: impl FnOnce() -> Spot) {
        if let Some(spots) = &mut self.spots {
            spots.push((area, what()));
        }
    }

    /// Fills an area with a style.
    pub(super) fn fill(&mut self, area: Rect, role: Role) {
        let style = self.style(role);
        self.buffer.set_style(area, style);
    }

    /// A line of parts, each with a role; what does not fit is cut.
    pub(super) fn line(&mut self, area: Rect, parts: &[(Role, &str)]) {
        let spans: Vec<Span<'_>> = parts.iter().map(|(role, text)| Span::styled(*text, self.style(*role))).collect();
        self.spans(area, Line::from(spans));
    }

    pub(super) fn spans(&mut self, area: Rect, line: Line<'_>) {
        if area.width > 0 && area.height > 0 {
            let line = clipped(line, usize::from(area.width));
            self.buffer.set_line(area.x, area.y, &line, area.width);
        }
    }

    /// A text at the right end of a line.
    pub(super) fn right(&mut self, area: Rect, role: Role, text: &str) {
        let width = u16::try_from(text.width()).unwrap_or(u16::MAX).min(area.width);
        self.line(Rect { x: area.right() - width, width, ..area }, &[(role, text)]);
    }

    /// A frame with a title; gives the area within.
    pub(super) fn frame(&mut self, area: Rect, title: Line<'_>, focus: bool) -> Rect {
        use ratatui::widgets::{Block, Widget};
        let border = self.style(if focus { Role::BorderFocus } else { Role::Border });
        let title = clipped(title, usize::from(area.width.saturating_sub(2)));
        let block = Block::bordered().border_style(border).title(title);
        let inner = block.inner(area);
        block.render(area, self.buffer);
        inner
    }
}

/// A line cut to a width, with a sign where it was cut.
fn clipped(line: Line<'_>, width: usize) -> Line<'_> {
    if line.width() <= width {
        return line;
    }
    let mut left = width.saturating_sub(1);
    let mut spans: Vec<Span<'_>> = Vec::new();
    for span in line.spans {
        let own = span.content.width();
        if own <= left {
            left -= own;
            spans.push(span);
            continue;
        }
        let mut text = prefix(&span.content, left).to_owned();
        text.push('…');
        spans.push(Span::styled(text, span.style));
        return Line::from(spans).style(line.style);
    }
    Line::from(spans).style(line.style)
}

fn prefix(text: &str, width: usize) -> &str {
    let mut used = 0;
    for (place, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > width {
            return text.get(..place).unwrap_or_default();
        }
    }
    text
}

/// A stranger's text, safe, in exactly this width: cut or filled.
pub(super) fn cell(text: &str, width: usize) -> String {
    let safe = text::one_line(text, width.saturating_mul(2).max(8));
    padded(&safe, width)
}

/// Our own text in exactly this width.
pub(super) fn padded(text: &str, width: usize) -> String {
    let own = text.width();
    if own > width {
        let mut cut = prefix(text, width.saturating_sub(1)).to_owned();
        if width > 0 {
            cut.push('…');
        }
        // A wide character that did not fit leaves a cell.
        let fill = width.saturating_sub(cut.width());
        return cut + &" ".repeat(fill);
    }
    format!("{text}{}", " ".repeat(width - own))
}

/// A text broken into lines of at most this width, at spaces where there are any.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let width = width.max(8);
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            if !line.is_empty() && line.width() + 1 + word.width() > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            let mut rest = word;
            while rest.width() > width {
                let head = prefix(rest, width);
                lines.push(head.to_owned());
                rest = rest.get(head.len()..).unwrap_or_default();
            }
            line.push_str(rest);
        }
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_its_width_whatever_it_holds() {
        for (text, width, expected) in [
            ("abc", 5, "abc  "),
            ("abcdef", 4, "abc…"),
            ("数据库迁移", 6, "数据… "),
            ("\u{1b}[2Jx", 12, "\\x1b[2Jx    "),
            ("", 3, "   "),
            ("abc", 0, ""),
        ] {
            let cell = cell(text, width);
            assert_eq!((cell.as_str(), cell.width()), (expected, width));
        }
    }

    #[test]
    fn text_is_broken_at_spaces_and_long_words_anywhere() {
        assert_eq!(wrapped("one two three", 8), ["one two", "three"]);
        assert_eq!(wrapped("abcdefghijkl", 8), ["abcdefgh", "ijkl"]);
    }
}
