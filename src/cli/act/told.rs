//! What of an operation was told already, so that each change is told once.

use std::collections::HashMap;

use jiff::Timestamp;

use super::job::Job;
use crate::cli::args::Format;
use crate::cli::live::{Failure, Hints, full_name};
use crate::cli::print::{Document, EventDocument, Printer, Tone, has_done_nothing, print_one, tone, took};
use crate::domain::application::{says_prune, waiting_for};
use crate::domain::text::one_line;
use crate::domain::timeline::{OperationStatus, OperationView, TaskKey, TaskState, TaskView};

/// Characters of a message.
const LONGEST: usize = 300;

/// What was told of one operation.
#[derive(Debug, Default)]
pub(super) struct Told {
    state: Option<(OperationStatus, i64)>,
    /// The approval that it waits for now; empty: for none.
    waits: String,
    /// The one that was told last, of this state: it is not told again while the message changes to and fro.
    waits_said: String,
    tasks: HashMap<TaskKey, (TaskState, String)>,
}

impl Told {
    /// Tells what has changed.
    pub(super) fn tell(
        &mut self,
        job: &Job,
        view: &OperationView,
        now: Timestamp,
        (format, hints): (&Format, &Hints),
        printer: &mut Printer,
    ) -> Result<(), Failure> {
        self.operation(job, view, now, (format, hints), printer)?;
        if has_done_nothing(view) {
            return Ok(());
        }
        for task in view.tasks() {
            if matches!(task.state, TaskState::ToCome | TaskState::Skipped | TaskState::Unknown) {
                continue;
            }
            let needs_help = task.reasons.first().filter(|reason| reason.kind.needs_help() || reason.kind.is_failure());
            let reason = needs_help.map(|reason| reason.text.clone()).unwrap_or_default();
            let is = (task.state, reason);
            let was = self.tasks.insert(task.key.clone(), is.clone());
            if was.as_ref() != Some(&is) {
                let was = was.map_or(TaskState::ToCome, |(state, _)| state);
                tell_task(job, task, was, (now, view.is_dry_run()), format, printer)?;
            }
        }
        Ok(())
    }

    /// What it waits for that somebody has to do; empty: for nothing of the kind.
    pub(super) fn waits(&self) -> &str {
        &self.waits
    }

    fn operation(
        &mut self,
        job: &Job,
        view: &OperationView,
        now: Timestamp,
        (format, hints): (&Format, &Hints),
        printer: &mut Printer,
    ) -> Result<(), Failure> {
        let is = (view.state, view.attempt);
        let was = self.state.replace(is);
        self.waits = approval(job, view);
        let is_as_told = self.waits.is_empty() || self.waits == self.waits_said;
        // Its end is told as the result.
        if (was == Some(is) && is_as_told) || view.state.is_over() || matches!(view.state, OperationStatus::None) {
            return Ok(());
        }
        self.waits_said.clone_from(&self.waits);
        let word = status(view.state);
        let attempt = if view.attempt > 1 { format!(", attempt {}", view.attempt) } else { String::new() };
        // What it waits for changes all the time, and is said by the tasks; an approval is waited for until somebody gives it.
        let message = match view.state {
            OperationStatus::Running if self.waits.is_empty() => String::new(),
            OperationStatus::Running => format!("{}; {}", self.waits, approve(job, hints)),
            _ => view.message.clone(),
        };
        if format.is_text() {
            // A command at its end must not be cut.
            let message = one_line(&message, 2 * LONGEST);
            let colon = if message.is_empty() { "" } else { ": " };
            let name = printer.tone(Tone::Strong, &job.name);
            return printer.line(&format!("{name}: operation {word}{attempt}{colon}{message}"));
        }
        let before = was.map_or("", |(state, _)| status(state));
        let event = EventDocument::new(&job.key, now, "Operation").change("operation", before, word);
        let event = event.dry_run(view.is_dry_run()).message(&message);
        print_one(printer, format, &Document::new(&event), None)
    }
}

/// What an operation waits for that somebody has to approve; empty: for nothing of the kind. Whoever has just approved it,
/// or wants the operation to end, is not told.
fn approval(job: &Job, view: &OperationView) -> String {
    if view.state != OperationStatus::Running || !job.request.starts_operation() || !says_prune(&view.message) {
        return String::new();
    }
    let what = waiting_for(&view.message).replacen(' ', "/", 1);
    let of = if what.is_empty() { "" } else { " of " };
    format!("waits for pruning confirmation{of}{what}")
}

/// The command that gives the approval.
pub(super) fn approve(job: &Job, hints: &Hints) -> String {
    hints.command(&format!("approve {} --prune", full_name(&job.key)))
}

fn tell_task(
    job: &Job,
    task: &TaskView,
    was: TaskState,
    (now, is_dry_run): (Timestamp, bool),
    format: &Format,
    printer: &mut Printer,
) -> Result<(), Failure> {
    let object = &task.key.object;
    let title = format!("{}/{}", object.kind, object.name);
    let phase = task.key.phase.as_str();
    let reason = task.reasons.first().filter(|reason| reason.kind.needs_help() || reason.kind.is_failure());
    // That something runs, and for how long, is no news.
    let said = if task.state.is_bad() { task.message.clone() } else { String::new() };
    let said = reason.filter(|_| !task.state.is_good()).map_or(said, |reason| reason.text.clone());
    if format.is_text() {
        let (title, said) = (one_line(&title, LONGEST), one_line(&said, LONGEST));
        let name = printer.tone(Tone::Strong, &job.name);
        if is_dry_run && task.state.is_good() {
            let would = printer.tone(Tone::Dim, would(task));
            return printer.line(&format!("{name}: dry run: {phase} {title} {would}"));
        }
        let state = printer.tone(tone(task.state), &format!("{} {}", task.state.symbol(), task.state));
        let time = took(task.elapsed.filter(|_| !task.state.is_active()));
        let hook = if task.is_hook { "hook " } else { "" };
        let colon = if said.is_empty() { "" } else { ": " };
        let dry = if is_dry_run { "dry run: " } else { "" };
        return printer.line(&format!("{name}: {dry}{phase} {hook}{title} {state}{time}{colon}{said}"));
    }
    let event = EventDocument::new(&job.key, now, "Task")
        .change(title, was.as_str(), task.state.as_str())
        .task(phase, task.is_hook)
        .dry_run(is_dry_run)
        .message(&said);
    print_one(printer, format, &Document::new(&event), None)
}

/// What a dry run says of a task that it would not have failed with: nothing of it has happened.
const fn would(task: &TaskView) -> &'static str {
    match task.state {
        TaskState::Pruned => "would be deleted",
        _ if task.is_hook => "would run",
        _ => "would be applied",
    }
}

/// One word for it.
pub(super) const fn status(status: OperationStatus) -> &'static str {
    match status {
        OperationStatus::None => "none",
        OperationStatus::Requested => "requested",
        OperationStatus::Running => "running",
        OperationStatus::WaitingForRetry => "waiting for its next attempt",
        OperationStatus::Terminating => "being ended",
        OperationStatus::Succeeded => "succeeded",
        OperationStatus::Failed => "failed",
        OperationStatus::Error => "in error",
        OperationStatus::Unknown => "unknown",
    }
}
