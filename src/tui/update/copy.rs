//! What is copied: what is selected, in the form in which one would type or send it.

use crate::tui::message::{Effect, Effects};
use crate::tui::model::{Model, RowId, Screen};

use super::pages;

/// More than this is more than terminals take.
const MOST: usize = 64 << 10;

/// Copies what is selected.
pub(super) fn copy(model: &mut Model, effects: &mut Effects) {
    let Some((what, text)) = selected(model) else { return model.complain("copy: nothing is selected") };
    let mut end = text.len().min(MOST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let cut = if end < text.len() { " (its beginning)" } else { "" };
    model.say(format!("copied {what}{cut}"));
    effects.push(Effect::Copy(text.get(..end).unwrap_or_default().to_owned()));
}

fn selected(model: &Model) -> Option<(String, String)> {
    match model.screen() {
        Screen::Applications | Screen::Approvals(_) => {
            let name = model.targets().first()?.name.to_string();
            Some((name.clone(), name))
        }
        Screen::Application(screen) => {
            let name = screen.cursor.as_ref()?.object.name.clone();
            Some((name.clone(), name))
        }
        Screen::Page(_) => {
            let text = match pages::selected(model)? {
                RowId::Application => model.page()?.key.name.to_string(),
                RowId::Commit(sha) => sha,
                RowId::Change(object) | RowId::Resource(object) => object.name,
                RowId::Task(task) => task.object.name,
                RowId::Operation(started, _) => started.to_string(),
                RowId::Deployed(id) => id.to_string(),
                RowId::Event(uid) => {
                    let page = model.page()?;
                    model.details.get(&page.key)?.events.get(&uid)?.message.clone()
                }
            };
            Some((text.chars().take(60).collect(), text))
        }
        Screen::Text(text) => {
            let all: Vec<String> = (0..text.lines.len()).map(|line| text.line(line).trim_end().to_owned()).collect();
            Some((format!("{} lines", all.len()), all.join("\n")))
        }
        Screen::Log => log(model),
        Screen::Requests { .. } | Screen::Help { .. } => None,
    }
}

/// The match that was jumped to, else the lines on the screen.
fn log(model: &Model) -> Option<(String, String)> {
    let screen = model.app_screen()?;
    let (log, look) = (screen.log.as_ref()?, &screen.look);
    let text = |number: u64| log.get(number).map(|line| String::from_utf8_lossy(&line.text).into_owned());
    if let Some(line) = look.current.and_then(text) {
        return Some(("the line".to_owned(), line));
    }
    let height = i64::from(model.size.1.saturating_sub(2)).max(1);
    let top = look.top.unwrap_or_else(|| look.moved(log, log.end().saturating_sub(1), 1 - height, model.now));
    let shown = (top..log.end()).filter(|number| log.get(*number).is_some_and(|line| look.shows(line, model.now)));
    let lines: Vec<String> = shown.take(usize::try_from(height).unwrap_or(1)).filter_map(text).collect();
    (!lines.is_empty()).then(|| (format!("{} lines", lines.len()), lines.join("\n")))
}
