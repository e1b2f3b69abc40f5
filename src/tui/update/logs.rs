//! Logs: which one is read, and what it says.

use crate::domain::live::{LogFilter, LogMessage};
use crate::domain::timeline::{TaskKey, TaskView};
use crate::tui::message::{Effect, Effects};
use crate::tui::model::{LogBuffer, Model, Screen};

/// Takes in what a log says; `false` if it is nobody's.
pub(super) fn take(model: &mut Model, stream: u64, message: Option<LogMessage>) -> bool {
    let mut screens = model.screens.iter_mut().filter_map(|screen| match screen {
        Screen::Application(screen) => screen.log.as_mut(),
        _ => None,
    });
    let Some(log) = screens.find(|log| log.stream == stream) else { return false };
    match message {
        Some(message) => log.take(message),
        None => log.is_over = true,
    }
    true
}

/// Moves the selection of an application screen to what matters most, if it follows, and reads the log of what is
/// selected.
pub(super) fn follow(model: &mut Model, effects: &mut Effects) {
    let Some(screen) = model.app_screen() else { return };
    // A log that was opened before its application was told of is still to be found.
    let is_log_open = matches!(model.screen(), Screen::Log) && screen.log.is_some();
    let Some(details) = model.details.get(&screen.key) else { return };
    // Who reads a log is not taken to another one.
    let cursor = if screen.follow && !is_log_open {
        details.focus().map(|task| task.key.clone()).or_else(|| screen.cursor.clone())
    } else {
        // A hook without a name gets one when it begins.
        let still_there = screen.cursor.as_ref().is_some_and(|cursor| details.task(cursor).is_some());
        if still_there || is_log_open {
            screen.cursor.clone()
        } else {
            details.view.tasks().next().map(|task| task.key.clone())
        }
    };
    let wanted = cursor.as_ref().and_then(|cursor| details.task(cursor)).filter(|task| has_log(task));
    let wanted = wanted.map(|task| (task.key.clone(), details.view.started_at));
    if let Some(screen) = model.app_screen_mut() {
        screen.cursor = cursor;
    }
    if let Some((task, started)) = wanted {
        open(model, &task, started, effects);
    }
}

/// Whether a task writes logs: hooks that run as pods.
pub(super) fn has_log(task: &TaskView) -> bool {
    task.is_hook && matches!(task.key.object.kind.as_str(), "Job" | "Pod" | "Workflow")
}

/// Reads the log of a task, unless it is read already.
fn open(model: &mut Model, task: &TaskKey, started: Option<jiff::Timestamp>, effects: &mut Effects) {
    let filter = LogFilter {
        phase: Some(task.phase),
        kind: task.object.kind.clone(),
        hook: task.object.name.clone(),
        operation: started,
        follow: true,
        ..LogFilter::default()
    };
    restart(model, Some(task.clone()), filter, false, effects);
}

/// Reads these logs in place of the present ones.
pub(super) fn restart(
    model: &mut Model,
    task: Option<TaskKey>,
    filter: LogFilter,
    always: bool,
    effects: &mut Effects,
) {
    let stream = model.number();
    let (wrap, times) = (model.settings.log_wrap, model.settings.log_times);
    let Some(screen) = model.app_screen_mut() else { return };
    if let Some(log) = &screen.log {
        let same = log.task == task && log.filter.operation == filter.operation;
        if same && !always {
            return;
        }
        effects.push(Effect::CloseLog { stream: log.stream });
    } else {
        (screen.look.wrap, screen.look.times) = (wrap, times);
    }
    let key = screen.key.clone();
    screen.log = Some(LogBuffer::new(stream, task, filter.clone()));
    (screen.look.top, screen.look.current, screen.look.source) = (None, None, None);
    effects.push(Effect::OpenLog { stream, key, filter });
}

/// All attempts of the operation, or the last.
pub(super) fn switch_attempts(model: &mut Model, effects: &mut Effects) {
    let Some(log) = model.app_screen().and_then(|screen| screen.log.as_ref()) else { return };
    let filter = LogFilter { all_attempts: !log.filter.all_attempts, ..log.filter.clone() };
    let task = log.task.clone();
    let words = if filter.all_attempts { "all attempts" } else { "the last attempt" };
    model.say(format!("log of {words}"));
    restart(model, task, filter, true, effects);
}
