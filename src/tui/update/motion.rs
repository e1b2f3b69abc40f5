//! Moving through lists, panels and logs.

use super::{approvals, logs, pages};
use crate::domain::timeline::TaskPhase;
use crate::tui::action::Action;
use crate::tui::message::Effects;
use crate::tui::model::{LogBuffer, LogLook, Model, Screen};
use crate::tui::view::{help_height, last_scroll, last_top_of_text, log_rows, requests_height};

/// How far an action moves where `page` rows are seen; `None`: it does not move.
fn steps(action: Action, page: i64) -> Option<i64> {
    Some(match action {
        Action::Down => 1,
        Action::Up => -1,
        Action::HalfDown => (page / 2).max(1),
        Action::HalfUp => -(page / 2).max(1),
        Action::PageDown => (page - 1).max(1),
        Action::PageUp => -(page - 1).max(1),
        Action::Top => i64::MIN / 2,
        Action::Bottom => i64::MAX / 2,
        _ => return None,
    })
}

/// Moves; `false` if the action does not move.
pub(super) fn take(model: &mut Model, action: Action, effects: &mut Effects) -> bool {
    let page = i64::from(model.size.1.saturating_sub(4)).max(1);
    let Some(steps) = steps(action, page) else { return false };
    let moved = |place: usize, count: usize| -> usize {
        let place = i64::try_from(place).unwrap_or(i64::MAX).saturating_add(steps);
        usize::try_from(place.max(0)).unwrap_or(usize::MAX).min(count.saturating_sub(1))
    };
    // Of a text the last lines stay on the screen.
    let height = match model.screen() {
        Screen::Requests { .. } => requests_height(model),
        Screen::Help { .. } => help_height(model),
        _ => 0,
    };
    match model.screen() {
        Screen::Page(_) => {
            pages::moved(model, moved);
            return true;
        }
        // Half a page and more scroll what is told of the entry: it is looked at, not left.
        Screen::Approvals(_) if !matches!(action, Action::Down | Action::Up | Action::Top | Action::Bottom) => {
            let last = last_scroll(model);
            if let Some(Screen::Approvals(approvals)) = model.screens.last_mut() {
                approvals.scroll = moved(approvals.scroll.min(last), last + 1);
            }
            return true;
        }
        Screen::Approvals(_) => {
            approvals::moved(model, moved);
            return true;
        }
        _ => {}
    }
    let last_top = height.saturating_sub(usize::from(model.size.1.saturating_sub(2)));
    match model.screens.last_mut() {
        Some(Screen::Requests { top } | Screen::Help { top }) => *top = moved(*top, last_top + 1),
        Some(Screen::Application(screen)) => {
            let Some(details) = model.details.get(&screen.key) else { return true };
            let keys: Vec<_> = details.view.tasks().map(|task| task.key.clone()).collect();
            let place = keys.iter().position(|key| screen.cursor.as_ref() == Some(key)).unwrap_or_default();
            screen.follow = false;
            screen.cursor = keys.get(moved(place, keys.len())).cloned();
            logs::follow(model, effects);
        }
        Some(Screen::Text(text)) => {
            let last = last_top_of_text(text, model.size.0, model.size.1.saturating_sub(2));
            (text.top, text.current) = (moved(text.top, last + 1), None);
        }
        Some(Screen::Log) => log(model, steps),
        _ => {
            model.fleet.touched = true;
            let place = moved(model.fleet.cursor(), model.fleet.shown());
            model.fleet.select(place);
        }
    }
    true
}

fn log(model: &mut Model, steps: i64) {
    let (now, page) = (model.now, i64::from(model.size.1.saturating_sub(3)).max(1));
    let width = usize::from(model.size.0);
    let Some(screen) = model.app_screen_mut() else { return };
    let (Some(log), look) = (&screen.log, &mut screen.look) else { return };
    if log.is_empty() {
        return;
    }
    let last = log.end().saturating_sub(1);
    // The first line on the screen while the end is followed.
    let bottom = by_rows(log, look, last, -(page - 1), now, width);
    if steps == i64::MAX / 2 {
        look.top = None;
        return;
    }
    let from = look.top.unwrap_or(bottom);
    let top = if steps.abs() == 1 || steps == i64::MIN / 2 {
        look.moved(log, from, steps, now)
    } else {
        by_rows(log, look, from, steps, now, width)
    };
    if top >= bottom && steps > 0 {
        // The end is on the screen again.
        look.top = None;
    } else {
        if look.top.is_none() {
            look.paused_at = log.end();
        }
        look.top = Some(top);
    }
}

/// The line so many rows of the screen away: a wrapped line takes several. One line at least, so that it goes on.
pub(super) fn by_rows(
    log: &LogBuffer,
    look: &LogLook,
    from: u64,
    rows: i64,
    now: jiff::Timestamp,
    width: usize,
) -> u64 {
    let (mut at, mut left) = (from, rows.abs());
    let step = rows.signum();
    // Downwards the line itself is left behind, upwards the one before it comes in.
    let cost = |number: u64| {
        log.get(number).map_or(1, |line| i64::try_from(log_rows(log, look, line, width)).unwrap_or(i64::MAX))
    };
    while left > 0 {
        let next = look.moved(log, at, step, now);
        if next == at {
            break;
        }
        let own = cost(if step > 0 { at } else { next });
        if own > left && at != from {
            break;
        }
        left -= own;
        at = next;
    }
    at
}

/// Moves the selection by one task within a phase; from elsewhere: to its first or last task.
pub(super) fn within(model: &mut Model, phase: TaskPhase, forward: bool, effects: &mut Effects) {
    let Some(screen) = model.app_screen() else { return };
    let Some(details) = model.details.get(&screen.key) else { return };
    let own: Vec<_> = details.view.tasks().filter(|task| task.key.phase == phase).map(|task| &task.key).collect();
    let at = screen.cursor.as_ref().and_then(|cursor| own.iter().position(|key| *key == cursor));
    let wanted = match (at, forward) {
        (Some(at), true) => own.get(at + 1),
        (Some(at), false) => at.checked_sub(1).and_then(|at| own.get(at)),
        (None, true) => own.first(),
        (None, false) => own.last(),
    };
    let Some(wanted) = wanted.map(|key| (*key).clone()) else { return };
    if let Some(screen) = model.app_screen_mut() {
        (screen.follow, screen.cursor) = (false, Some(wanted));
    }
    logs::follow(model, effects);
}

/// Selects the first task of a phase.
pub(super) fn first_of(model: &mut Model, phase: TaskPhase, effects: &mut Effects) {
    let Some(screen) = model.app_screen() else { return };
    let Some(details) = model.details.get(&screen.key) else { return };
    let Some(first) = details.view.tasks().find(|task| task.key.phase == phase).map(|task| task.key.clone()) else {
        return;
    };
    if let Some(screen) = model.app_screen_mut() {
        (screen.follow, screen.cursor) = (false, Some(first));
    }
    logs::follow(model, effects);
}

/// Scrolls what is told of the entry of the queue.
pub(super) fn scroll_told(model: &mut Model, forward: bool, rows: usize) {
    let last = last_scroll(model);
    if let Some(Screen::Approvals(approvals)) = model.screens.last_mut() {
        let at = approvals.scroll.min(last);
        approvals.scroll = if forward { (at + rows).min(last) } else { at.saturating_sub(rows) };
    }
}

/// Selects the first task of the next phase, or of the one before.
pub(super) fn panel(model: &mut Model, forward: bool, effects: &mut Effects) {
    let Some(screen) = model.app_screen() else { return };
    let Some(details) = model.details.get(&screen.key) else { return };
    let phases: Vec<TaskPhase> = details.view.phases.iter().map(|phase| phase.phase).collect();
    let at = screen.cursor.as_ref().and_then(|cursor| phases.iter().position(|phase| *phase == cursor.phase));
    let count = phases.len();
    let next = at
        .map_or(0, |at| if forward { (at + 1) % count.max(1) } else { (at + count.saturating_sub(1)) % count.max(1) });
    let wanted = phases.get(next).and_then(|phase| details.view.tasks().find(|task| task.key.phase == *phase));
    let wanted = wanted.map(|task| task.key.clone());
    if let Some(screen) = model.app_screen_mut() {
        screen.follow = false;
        screen.cursor = wanted.or_else(|| screen.cursor.clone());
    }
    logs::follow(model, effects);
}
