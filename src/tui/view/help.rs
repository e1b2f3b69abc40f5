//! Help: every action that has a meaning on the screen below, with its keys, and why it cannot be done now.

use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr as _;

use super::draw::{Canvas, padded, wrapped};
use crate::tui::action::{Action, Context};
use crate::tui::model::{Model, Screen};
use crate::tui::theme::Role;
use crate::tui::update::{COMMANDS, why_not};

/// The contexts of the screen below the help.
fn contexts(model: &Model) -> Vec<Context> {
    let below = model.screens.iter().rev().find(|screen| !matches!(screen, Screen::Help { .. }));
    let active: &[Context] = match below {
        Some(Screen::Application(_)) => &[Context::Application, Context::Target, Context::About],
        Some(Screen::Page(_)) => &[Context::Page, Context::Target, Context::About],
        Some(Screen::Approvals(_)) => &[Context::Approvals, Context::Target, Context::About],
        Some(Screen::Text(_)) => &[Context::Text],
        Some(Screen::Log) => &[Context::Log],
        Some(Screen::Requests { .. }) => &[],
        _ => &[Context::Applications, Context::Target, Context::About],
    };
    active.iter().copied().chain([Context::Everywhere, Context::Move, Context::Dialog]).collect()
}

/// Where a reason begins that stands below its action.
const REASON: usize = 18;

fn lines(model: &Model) -> Vec<Vec<(Role, String)>> {
    let width = usize::from(model.size.0);
    let mut lines = Vec::new();
    for context in contexts(model) {
        lines.push(vec![(Role::Heading, format!(" {}", context.title()))]);
        for info in Action::LIST.iter().filter(|info| info.context == context) {
            let keys = model.settings.keymap.keys(info.action);
            let keys = if keys.is_empty() { format!(":{}", info.name) } else { keys.join(" ") };
            let why = if context == Context::Dialog { None } else { why_not(model, info.action) };
            let role = if why.is_some() { Role::ToCome } else { Role::Text };
            let mut line = vec![
                (if why.is_some() { Role::ToCome } else { Role::Key }, format!("  {} ", padded(&keys, 15))),
                (role, info.help.to_owned()),
            ];
            let Some(why) = why else {
                lines.push(line);
                continue;
            };
            let words = format!("(not now: {why})");
            let used: usize = line.iter().map(|(_, text)| text.width()).sum();
            if used + 2 + words.width() <= width {
                line.push((Role::Warning, format!("  {words}")));
                lines.push(line);
            } else {
                // Where it does not fit beside it, it is read below it, in full.
                lines.push(line);
                let rows = wrapped(&words, width.saturating_sub(REASON));
                lines.extend(rows.into_iter().map(|row| vec![(Role::Warning, format!("{}{row}", " ".repeat(REASON)))]));
            }
        }
        lines.push(Vec::new());
    }
    lines.push(vec![(Role::Heading, " Commands after :, beside the names above (tab completes)".to_owned())]);
    for (name, help) in COMMANDS {
        lines.push(vec![(Role::Key, format!("  {} ", padded(name, 15))), (Role::Text, (*help).to_owned())]);
    }
    let words = "with an argument they act on that application, whatever is selected";
    lines.push(vec![(Role::Key, format!("  {} ", padded("sync NAME, ...", 15))), (Role::Text, words.to_owned())]);
    lines.push(Vec::new());
    lines.push(vec![(Role::Heading, " Signs".to_owned())]);
    let states: Vec<String> =
        crate::domain::timeline::TaskState::ALL.iter().map(|state| format!("{} {state}", state.symbol())).collect();
    for part in states.chunks(5) {
        lines.push(vec![(Role::Text, format!("  {}", part.join("   ")))]);
    }
    lines.push(vec![(
        Role::Text,
        "  › selected   * marked   ~ has just changed   >=5s began before boathook looked".to_owned(),
    )]);
    lines
}

/// How many lines there are.
pub(in crate::tui) fn height(model: &Model) -> usize {
    lines(model).len()
}

pub(super) fn draw(canvas: &mut Canvas<'_>, model: &Model, top: usize, area: Rect) {
    canvas.fill(Rect { height: 1, ..area }, Role::Bar);
    canvas.line(area, &[(Role::Bar, " boathook  help: what can be done here")]);
    let lines = lines(model);
    let height = usize::from(area.height.saturating_sub(1));
    let top = top.min(lines.len().saturating_sub(height));
    for (row, line) in lines.iter().skip(top).take(height).enumerate() {
        let parts: Vec<(Role, &str)> = line.iter().map(|(role, text)| (*role, text.as_str())).collect();
        canvas.line(Rect { y: area.y + 1 + u16::try_from(row).unwrap_or(0), height: 1, ..area }, &parts);
    }
    let below = lines.len().saturating_sub(top + height);
    if below > 0 {
        canvas.right(Rect { height: 1, ..area }, Role::Bar, &format!("{below} more below "));
    }
}
