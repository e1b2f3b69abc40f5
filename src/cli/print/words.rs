//! What is known of an application, in words.

use jiff::Timestamp;

use super::table::{Cell, Tone};
use crate::cli::exit::Exit;
use crate::domain::application::{AppSummary, Doing, OperationSummary, PhaseState, Revision, SyncStatus};
use crate::domain::health::HealthStatus;
use crate::domain::hook::SyncPhase;
use crate::domain::operation::OperationPhase;
use crate::domain::step::NOT_RESUMED;
use crate::domain::text::one_line;
use crate::domain::timeline::{Elapsed, OperationStatus, OperationView, Precision, TaskState};

/// What the application does, or how it compares with Git.
pub(in crate::cli) fn standing(summary: &AppSummary) -> Cell {
    let doing = summary.doing();
    let tone = match doing {
        Doing::Stranded => Tone::Bad,
        Doing::Requested | Doing::Syncing => Tone::Running,
        Doing::Compared(SyncStatus::Synced) => Tone::Good,
        Doing::Deleting
        | Doing::Retrying
        | Doing::Aborting
        | Doing::Confirm
        | Doing::Compared(SyncStatus::OutOfSync | SyncStatus::Unknown) => Tone::Warning,
        Doing::NotCompared => Tone::Dim,
    };
    Cell::new(tone, doing.as_str())
}

pub(in crate::cli) fn health(health: Option<HealthStatus>) -> Cell {
    let Some(health) = health else { return Cell::new(Tone::Dim, "?") };
    let tone = match health {
        HealthStatus::Healthy => Tone::Good,
        HealthStatus::Progressing => Tone::Running,
        HealthStatus::Degraded => Tone::Bad,
        HealthStatus::Suspended | HealthStatus::Missing | HealthStatus::Unknown => Tone::Warning,
    };
    Cell::new(tone, health.as_str())
}

/// The lifecycle in miniature, from what the controller has recorded.
pub(in crate::cli) fn phases(operation: Option<&OperationSummary>) -> Cell {
    let Some(operation) = operation else { return Cell::default() };
    let mut parts = Vec::new();
    let has_stopped = operation.phases.iter().any(|phase| phase.state == PhaseState::Stopped);
    for phase in SyncPhase::ALL {
        let own = operation.phase_of(phase);
        let Some(state) = state_of(own.state) else { continue };
        let name = match phase {
            SyncPhase::PreSync => "Pre",
            SyncPhase::Sync => "Sync",
            SyncPhase::PostSync => "Post",
            SyncPhase::SyncFail => "Fail",
        };
        if let Some(failed) = &own.failed {
            return Cell::new(Tone::Bad, format!("{name} {} {}", state.symbol(), one_line(failed, 60)));
        }
        parts.push(format!("{name} {}", state.symbol()));
    }
    // It failed, and no task says so.
    match operation.phase {
        _ if has_stopped => {}
        Some(OperationPhase::Failed) => return Cell::new(Tone::Bad, format!("{} Failed", TaskState::Failed.symbol())),
        Some(OperationPhase::Error) => return Cell::new(Tone::Bad, format!("{} Error", TaskState::Failed.symbol())),
        _ => {}
    }
    Cell::plain(parts.join(" "))
}

const fn state_of(state: PhaseState) -> Option<TaskState> {
    Some(match state {
        PhaseState::Absent => return None,
        PhaseState::Running => TaskState::Running,
        PhaseState::Succeeded => TaskState::Succeeded,
        PhaseState::Failed => TaskState::Failed,
        PhaseState::Stopped => TaskState::Stopped,
        PhaseState::Unknown => TaskState::Unknown,
    })
}

/// A commit in seven digits; a chart's version as it is.
pub(in crate::cli) fn revision(revision: &str) -> String {
    match Revision::new(revision) {
        Revision::Commit(_) => revision.chars().take(7).collect(),
        _ => one_line(revision, 40),
    }
}

/// ` in 12.3s`: how long it took; nothing where not even a second of it was seen.
pub(in crate::cli) fn took(elapsed: Option<Elapsed>) -> String {
    let Some(elapsed) = elapsed else { return String::new() };
    if elapsed.precision() != Precision::AtLeast {
        return format!(" in {elapsed}");
    }
    if elapsed.duration().as_secs() == 0 {
        return String::new();
    }
    format!(" in at least {}", elapsed.to_string().trim_start_matches(">="))
}

/// How long ago, in one word: `5s`, `2m`, `3h`, `4d`.
pub(in crate::cli) fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(at.as_second()).max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86400),
    }
}

/// When the last operation was, or since when this one runs, and who asked.
pub(in crate::cli) fn last_sync(summary: &AppSummary, now: Timestamp) -> String {
    let Some(operation) = &summary.operation else { return "never".to_owned() };
    let who = if operation.automated { "auto".to_owned() } else { one_line(&operation.username, 60) };
    let dry = if operation.dry_run { "dry run " } else { "" };
    let text = match (operation.started_at, summary.is_done()) {
        (None, _) => format!("{dry}{who}"),
        (Some(started), false) => format!("for {} {dry}{who}", ago(started, now)),
        (Some(started), true) => format!("{} ago {dry}{who}", ago(operation.finished_at.unwrap_or(started), now)),
    };
    text.trim_end().to_owned()
}

/// How an operation that is over ended, as an exit code. From the controller's record: a hook is named by its name, a
/// resource by its kind and name.
pub(in crate::cli) fn exit_of(operation: &OperationSummary) -> Exit {
    if operation.phase == Some(OperationPhase::Succeeded) {
        return Exit::Success;
    }
    if operation.message.starts_with("Operation terminated") {
        return Exit::Aborted;
    }
    if operation.message.starts_with(NOT_RESUMED) {
        return Exit::SyncFailed;
    }
    let failed = SyncPhase::ALL.into_iter().find_map(|phase| operation.phase_of(phase).failed.as_ref());
    if failed.is_some_and(|name| !name.contains('/')) { Exit::HookFailed } else { Exit::SyncFailed }
}

/// Whether it was refused by who carries it out: what is on record there is of the operation that it was to resume.
pub(in crate::cli) fn has_done_nothing(view: &OperationView) -> bool {
    view.message.starts_with(NOT_RESUMED)
}

/// How an operation ended, as an exit code, as its hooks themselves tell it.
pub(in crate::cli) fn exit_of_view(view: &OperationView) -> Exit {
    if view.state == OperationStatus::Succeeded {
        return Exit::Success;
    }
    if view.message.starts_with("Operation terminated") {
        return Exit::Aborted;
    }
    if has_done_nothing(view) {
        return Exit::SyncFailed;
    }
    let hook_failed = view.tasks().any(|task| task.is_hook && task.state == TaskState::Failed);
    if hook_failed { Exit::HookFailed } else { Exit::SyncFailed }
}
