//! Styles by name: a theme in which no two roles look alike, and cells as runs of roles.

use std::fmt::Write as _;

use boathook::tui::{Role, Theme};
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

/// The first of the colours that stand for roles.
const FIRST: u8 = 100;

/// Roles that colour what lies behind the text.
const BEHIND: [Role; 6] = [Role::Bar, Role::Selected, Role::BadBar, Role::Match, Role::Button, Role::ButtonFocus];

fn number(role: Role) -> u8 {
    FIRST + u8::try_from(Role::ALL.iter().position(|own| *own == role).unwrap()).unwrap()
}

fn role(color: Color) -> Option<Role> {
    let Color::Indexed(number) = color else { return None };
    Role::ALL.get(usize::from(number.checked_sub(FIRST)?)).copied()
}

/// The theme.
pub(super) fn theme() -> Theme {
    let styles = Role::ALL.iter().filter(|role| **role != Role::Text).map(|role| {
        let (name, number) = (role.name(), number(*role));
        let style = match role {
            // As in the themes that come along: the row keeps the colours of its texts.
            Role::Selected => format!("on {number}"),
            role if BEHIND.contains(role) => format!("{number} on {number}"),
            _ => number.to_string(),
        };
        format!("  {name}: \"{style}\"\n")
    });
    let text = format!("styles:\n  text: plain\n{}", styles.collect::<String>());
    Theme::load("roles", &[("roles".to_owned(), text)]).unwrap()
}

/// What a cell looks like; empty for ordinary text.
fn name(fg: Color, bg: Color, modifier: Modifier) -> String {
    let said = |color: Color| match (color, role(color)) {
        (Color::Reset, _) => None,
        (_, Some(role)) => Some(role.name().to_owned()),
        // A program's own colour in its log.
        (color, None) => Some(color.to_string().to_lowercase()),
    };
    let mut words: Vec<String> = said(fg).into_iter().collect();
    words.extend(said(bg).filter(|own| words.first() != Some(own)).map(|own| format!("on {own}")));
    let flags = [
        (Modifier::BOLD, "bold"),
        (Modifier::DIM, "faint"),
        (Modifier::ITALIC, "italic"),
        (Modifier::UNDERLINED, "underlined"),
        (Modifier::REVERSED, "reversed"),
    ];
    words.extend(flags.iter().filter(|(flag, _)| modifier.contains(*flag)).map(|(_, word)| (*word).to_owned()));
    words.join(" ")
}

/// For each line that is not all ordinary text: its number, and its runs as first column, last column and name.
pub(super) fn runs(buffer: &Buffer) -> String {
    let area = buffer.area;
    let mut out = String::new();
    for y in area.top()..area.bottom() {
        let mut line: Vec<(u16, u16, String)> = Vec::new();
        let mut x = area.left();
        while x < area.right() {
            let cell = &buffer[(x, y)];
            let name = name(cell.fg, cell.bg, cell.modifier);
            // What lies behind the second half of a wide character is not seen.
            let end = x + u16::try_from(unicode_width::UnicodeWidthStr::width(cell.symbol()).max(1)).unwrap();
            match line.last_mut() {
                Some((_, last, own)) if *own == name => *last = end - 1,
                _ => line.push((x, end - 1, name)),
            }
            x = end;
        }
        let named = line.iter().filter(|(_, _, name)| !name.is_empty());
        let parts: Vec<String> = named.map(|(first, last, name)| format!("{first}-{last} {name}")).collect();
        if !parts.is_empty() {
            writeln!(out, "{y}: {}", parts.join(", ")).unwrap();
        }
    }
    out
}
