//! What each action does.

use std::time::Duration;

use super::available::why_not;
use super::input::{open_prompt, quit, set_filter};
use super::{approvals, copy, dialogs, logs, motion, pages};
use crate::domain::application::AppKey;
use crate::tui::action::Action;
use crate::tui::message::{Effect, Effects};
use crate::tui::model::{AppScreen, Details, Filter, LogLook, Model, PromptKind, Screen, is_error};

/// Does it, or says why it cannot be done.
pub(super) fn action(model: &mut Model, action: Action, effects: &mut Effects) {
    model.key_was_pressed();
    if let Some(reason) = why_not(model, action) {
        model.complain(format!("{}: {reason}", action.name()));
        return;
    }
    if model.dialog.is_some() {
        dialogs::action(model, action, effects);
        return;
    }
    let is_taken = motion::take(model, action, effects)
        || pages::take(model, action, effects)
        || approvals::take(model, action, effects);
    if is_taken {
        return;
    }
    match action {
        Action::Quit => quit(model, effects),
        Action::Close | Action::Back => back(model, action, effects),
        Action::Help => push(model, Screen::Help { top: 0 }),
        Action::Requests => push(model, Screen::Requests { top: 0 }),
        Action::Command => open_prompt(model, PromptKind::Command, ""),
        Action::Theme => open_prompt(model, PromptKind::Command, "theme "),
        Action::Suspend => effects.push(Effect::Suspend),
        Action::Redraw => effects.push(Effect::Redraw),
        Action::Sync
        | Action::Abort
        | Action::Retry
        | Action::Rerun
        | Action::Rollback
        | Action::Resume
        | Action::AutoSync
        | Action::Repair
        | Action::Refresh
        | Action::HardRefresh => dialogs::open(model, action, effects),
        Action::Logs if matches!(model.screen(), Screen::Page(_)) => pages::open_kept_log(model, effects),
        // What writes no log is looked at as it lives.
        Action::OpenLog if !super::available::has_log(model) => drop(pages::take(model, Action::Yaml, effects)),
        Action::Logs | Action::OpenLog => open_log(model, effects),
        Action::Copy => copy::copy(model, effects),
        Action::Open => {
            if let Some(key) = model.fleet.selected.clone() {
                open(model, key, effects);
            }
        }
        Action::Filter => {
            // What is typed replaces what was: nobody means "searchmail".
            let before = model.fleet.filter.text.clone();
            open_prompt(model, PromptKind::Filter, "");
            if let Some(prompt) = &mut model.prompt {
                prompt.before = before;
            }
        }
        Action::Mark => mark(model, effects),
        Action::MarkAll => {
            let shown: Vec<AppKey> = model.fleet.shown_keys().cloned().collect();
            let all = shown.iter().all(|key| model.fleet.marks.contains(key));
            model.fleet.marks = if all { std::collections::HashSet::default() } else { shown.into_iter().collect() };
        }
        Action::SortNext => sort(model, 1),
        Action::SortPrevious => sort(model, crate::tui::model::Sort::ALL.len() - 1),
        Action::SortReverse => {
            model.fleet.reversed = !model.fleet.reversed;
            model.fleet.touch();
        }
        Action::Faults => {
            model.fleet.filter.faults = !model.fleet.filter.faults;
            model.fleet.touch();
        }
        Action::NextPanel => motion::panel(model, true, effects),
        Action::PreviousPanel => motion::panel(model, false, effects),
        Action::Follow => {
            if let Some(screen) = model.app_screen_mut() {
                screen.follow = true;
            }
            logs::follow(model, effects);
        }
        action => log(model, action, effects),
    }
}

/// Puts a screen on top, unless it is there already.
pub(super) fn push(model: &mut Model, screen: Screen) {
    if std::mem::discriminant(model.screen()) != std::mem::discriminant(&screen) {
        model.screens.push(screen);
    }
}

fn back(model: &mut Model, action: Action, effects: &mut Effects) {
    if model.screens.len() == 1 {
        if !model.fleet.filter.is_empty() {
            model.fleet.filter = Filter::default();
            model.fleet.touch();
        } else if !model.fleet.marks.is_empty() {
            model.fleet.marks.clear();
        } else if action == Action::Close {
            quit(model, effects);
        }
        return;
    }
    match model.screens.pop() {
        Some(Screen::Application(screen)) => {
            if let Some(log) = screen.log {
                effects.push(Effect::CloseLog { stream: log.stream });
            }
            approvals::close(model, screen.key, effects);
        }
        Some(Screen::Approvals(approvals)) => {
            if let Some(key) = approvals.opened {
                approvals::close(model, key, effects);
            }
        }
        Some(Screen::Log) => logs::follow(model, effects),
        _ => {}
    }
}

/// Opens an application.
pub(super) fn open(model: &mut Model, key: AppKey, effects: &mut Effects) {
    while model.screens.len() > 1 && !matches!(model.screen(), Screen::Approvals(_)) {
        back(model, Action::Back, effects);
    }
    let now = model.now;
    let told = model.fleet.get(&key).and_then(|row| row.revisions.clone());
    let details = model.details.entry(key.clone()).or_insert_with(|| Details::new(&key, now));
    details.open += 1;
    details.revisions = details.revisions.take().or(told);
    effects.push(Effect::Open(key.clone()));
    if model.details.get(&key).is_some_and(|details| details.history.is_none()) {
        // How long hooks took before is said beside them.
        effects.push(Effect::History(key.clone()));
    }
    model.screens.push(Screen::Application(Box::new(AppScreen::new(key))));
    model.settle();
    logs::follow(model, effects);
}

fn open_log(model: &mut Model, effects: &mut Effects) {
    if model.app_screen().is_none()
        && let Some(key) = model.fleet.selected.clone()
    {
        open(model, key, effects);
    }
    push(model, Screen::Log);
}

fn mark(model: &mut Model, effects: &mut Effects) {
    let Some(key) = model.fleet.selected.clone() else { return };
    if !model.fleet.marks.remove(&key) {
        model.fleet.marks.insert(key);
    }
    motion::take(model, Action::Down, effects);
}

fn sort(model: &mut Model, step: usize) {
    model.fleet.sort = model.fleet.sort.next(step);
    model.fleet.touch();
    let (name, order) = (model.fleet.sort.as_str(), if model.fleet.reversed { ", reversed" } else { "" });
    model.say(format!("sorted by {name}{order}"));
}

/// Searches for a text from what is on the screen on.
pub(super) fn search(model: &mut Model, text: &str) {
    if let Some(screen) = model.app_screen_mut() {
        text.clone_into(&mut screen.look.search);
        screen.look.current = None;
    }
    if !text.is_empty() {
        find(model, false, LogLook::is_match, "match");
    }
}

fn find(
    model: &mut Model,
    forward: bool,
    wanted: impl Fn(&LogLook, &crate::domain::live::LogLine) -> bool,
    what: &str,
) {
    let (now, (width, height)) = (model.now, model.size);
    let Some(screen) = model.app_screen_mut() else { return };
    let (Some(log), look) = (&screen.log, &mut screen.look) else { return };
    let found = look.find(log, look.current, forward, now, |line| wanted(look, line));
    match found {
        Some(line) => {
            if look.top.is_none() {
                look.paused_at = log.end();
            }
            look.current = Some(line);
            // A third of the screen above it.
            look.top = Some(motion::by_rows(log, look, line, -i64::from(height / 3), now, usize::from(width)));
        }
        None => model.complain(format!("no {what}")),
    }
}

fn log(model: &mut Model, action: Action, effects: &mut Effects) {
    let minutes = |minutes: u64| Some(Duration::from_secs(minutes * 60));
    match action {
        Action::LogSearch => {
            let text = model.app_screen().map(|screen| screen.look.search.clone()).unwrap_or_default();
            open_prompt(model, PromptKind::Search, &text);
        }
        Action::LogFilter => {
            let text = model.app_screen().map(|screen| screen.look.filter.clone()).unwrap_or_default();
            open_prompt(model, PromptKind::LogFilter, &text);
        }
        Action::LogNext => find(model, true, LogLook::is_match, "match"),
        Action::LogPrevious => find(model, false, LogLook::is_match, "match"),
        Action::LogError => find(model, true, |_, line| is_error(line), "error"),
        Action::LogErrorBefore => find(model, false, |_, line| is_error(line), "error"),
        Action::LogAttempts => logs::switch_attempts(model, effects),
        Action::LogSave => save(model, effects),
        _ => {
            let Some(screen) = model.app_screen_mut() else { return };
            let look = &mut screen.look;
            match action {
                Action::LogFollow if look.top.is_some() => look.top = None,
                Action::LogFollow => pause(model),
                Action::LogWrap => look.wrap = !look.wrap,
                Action::LogTimes => look.times = !look.times,
                Action::LogSource => next_source(model),
                Action::LogAll => look.range = None,
                Action::Log1m => look.range = minutes(1),
                Action::Log5m => look.range = minutes(5),
                Action::Log15m => look.range = minutes(15),
                Action::Log1h => look.range = minutes(60),
                Action::Log6h => look.range = minutes(6 * 60),
                Action::Log24h => look.range = minutes(24 * 60),
                _ => {}
            }
        }
    }
}

fn pause(model: &mut Model) {
    let (now, page) = (model.now, i64::from(model.size.1.saturating_sub(4)));
    let width = usize::from(model.size.0);
    let Some(screen) = model.app_screen_mut() else { return };
    let (Some(log), look) = (&screen.log, &mut screen.look) else { return };
    if log.is_empty() {
        return;
    }
    look.paused_at = log.end();
    look.top = Some(motion::by_rows(log, look, log.end() - 1, -page, now, width));
}

fn next_source(model: &mut Model) {
    let Some(screen) = model.app_screen_mut() else { return };
    let (Some(log), look) = (&screen.log, &mut screen.look) else { return };
    let ids: Vec<u32> = log.sources.iter().map(|(source, _)| source.id).collect();
    look.source = match look.source {
        None => ids.first().copied(),
        Some(id) => ids.iter().position(|own| *own == id).and_then(|place| ids.get(place + 1)).copied(),
    };
    look.top = None;
}

fn save(model: &mut Model, effects: &mut Effects) {
    let Some(screen) = model.app_screen() else { return };
    let Some(log) = &screen.log else { return };
    let hook = log.task.as_ref().map_or("log", |task| task.object.name.as_str());
    let time = model.now.strftime("%Y%m%dT%H%M%SZ");
    let name = file_name(&format!("{}-{hook}-{time}.log", screen.key.name));
    effects.push(Effect::Save { name, bytes: log.bytes() });
}

/// A file name, whatever an object is called.
pub(super) fn file_name(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' }).take(200).collect()
}

/// Shows what the words say, for `:filter`.
pub(super) fn filter(model: &mut Model, text: &str) {
    set_filter(model, text);
}
