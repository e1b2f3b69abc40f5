//! One row of the list of applications: what is known of one, and what that amounts to.

use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::application::{AppKey, AppSummary, Doing, Revision, SyncStatus};
use crate::domain::health::HealthStatus;
use crate::domain::live::{EarlyRow, Revisions};
use crate::domain::operation::OperationPhase;
use crate::domain::timeline::TaskPhase;

/// How long what has changed is marked as such.
pub(in crate::tui) const FLASH_SECONDS: i64 = 3;

/// What is known of one application.
#[derive(Debug, Clone)]
pub(in crate::tui) enum Known {
    /// Only what a table of the API server told.
    Early(EarlyRow),
    /// The application.
    Summary(Box<AppSummary>),
    /// It is there, and cannot be read.
    Unreadable(String),
}

/// One row.
#[derive(Debug, Clone)]
pub(in crate::tui) struct Row {
    pub(in crate::tui) key: AppKey,
    pub(in crate::tui) known: Known,
    /// When something that is shown last changed before our eyes.
    pub(in crate::tui) changed: Option<Timestamp>,
    /// What Git has of it, once it was on the screen.
    pub(in crate::tui) revisions: Option<Arc<Revisions>>,
    /// The task of its running operation that will not go on by itself: its phase and the name of its object.
    pub(in crate::tui) stuck: Option<(TaskPhase, String)>,
}

/// What an application does, for sorting, counting and colouring: the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::tui) enum Standing {
    /// Its last operation failed, or it cannot be read.
    Failed,
    /// Its operation was left behind by its controller.
    Ghost,
    /// Its operation will not go on without help, or waits for a person.
    Stuck,
    /// It is degraded, missing or unknown.
    Degraded,
    /// An operation runs, is requested or waits for its next attempt.
    Syncing,
    /// It is not as Git says.
    OutOfSync,
    /// Not known.
    Unknown,
    /// Nothing to do.
    Fine,
}

impl Row {
    pub(in crate::tui) fn summary(&self) -> Option<&AppSummary> {
        match &self.known {
            Known::Summary(summary) => Some(summary),
            _ => None,
        }
    }

    pub(in crate::tui) fn sync(&self) -> Option<SyncStatus> {
        match &self.known {
            Known::Summary(summary) => summary.sync,
            Known::Early(row) => row.sync,
            Known::Unreadable(_) => None,
        }
    }

    pub(in crate::tui) fn health(&self) -> Option<HealthStatus> {
        match &self.known {
            Known::Summary(summary) => summary.health,
            Known::Early(row) => row.health,
            Known::Unreadable(_) => None,
        }
    }

    pub(in crate::tui) fn project(&self) -> &str {
        match &self.known {
            Known::Summary(summary) => &summary.project,
            Known::Early(row) => &row.project,
            Known::Unreadable(_) => "",
        }
    }

    pub(in crate::tui) fn standing(&self) -> Standing {
        let Known::Summary(summary) = &self.known else {
            return if matches!(self.known, Known::Unreadable(_)) { Standing::Failed } else { Standing::Unknown };
        };
        if summary.has_ghost_operation() {
            return Standing::Ghost;
        }
        if !summary.is_done() {
            let is_stuck = self.stuck.is_some() || summary.doing() == Doing::Confirm;
            return if is_stuck { Standing::Stuck } else { Standing::Syncing };
        }
        let phase = summary.operation.as_ref().and_then(|operation| operation.phase);
        if matches!(phase, Some(OperationPhase::Failed | OperationPhase::Error)) {
            return Standing::Failed;
        }
        match (summary.health, summary.sync) {
            (Some(HealthStatus::Degraded | HealthStatus::Missing | HealthStatus::Unknown), _) => Standing::Degraded,
            (_, Some(SyncStatus::OutOfSync)) => Standing::OutOfSync,
            (None, _) | (_, None | Some(SyncStatus::Unknown)) => Standing::Unknown,
            (Some(_), Some(SyncStatus::Synced)) => Standing::Fine,
        }
    }

    /// The revision it is synced to, or was last compared with, in full.
    pub(in crate::tui) fn revision(&self) -> Revision {
        match &self.known {
            Known::Summary(summary) => summary.revision_now().clone(),
            Known::Early(early) => Revision::new(&early.revision),
            Known::Unreadable(_) => Revision::None,
        }
    }

    /// When the last operation ended.
    pub(in crate::tui) fn ended_at(&self) -> Option<Timestamp> {
        self.summary()?.operation.as_ref()?.finished_at
    }

    /// Commits that are not deployed yet.
    pub(super) fn behind(&self) -> Option<usize> {
        let source = self.revisions.as_ref()?.sources.first()?;
        source.problem.is_none().then_some(source.behind)
    }

    pub(super) fn last_sync(&self) -> Option<Timestamp> {
        self.summary()?.operation.as_ref()?.started_at
    }
}

/// Whether something differs that the list shows.
pub(super) fn looks_different(one: &AppSummary, other: &AppSummary) -> bool {
    let shown = |summary: &AppSummary| {
        let operation = summary.operation.as_ref().map(|operation| (operation.phase, operation.started_at));
        (summary.sync, summary.health, summary.revision_now().clone(), operation, summary.busy, summary.deleting)
    };
    let phases = |summary: &AppSummary| summary.operation.as_ref().map(|operation| operation.phases.clone());
    shown(one) != shown(other) || phases(one) != phases(other)
}
