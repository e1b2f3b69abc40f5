//! What the fields of an Application mean to Argo CD, one rule a function.

use super::types::{Application, RefreshKind, Source, Spec, annotations};
use crate::domain::operation::{OperationPhase, OperationState};

impl Spec {
    /// The sources manifests come from: a source hydrator's output beats `sources`, which beats `source`.
    pub fn effective_sources(&self) -> &[Source] {
        if let Some(hydrated) = &self.hydrated {
            std::slice::from_ref(hydrated)
        } else if self.sources.is_empty() {
            self.source.as_slice()
        } else {
            &self.sources
        }
    }

    /// Whether revisions are lists: several sources are written, even if it is only one.
    pub fn has_multiple_sources(&self) -> bool {
        self.hydrated.is_none() && !self.sources.is_empty()
    }

    /// Whether Argo CD syncs by itself: `automated` is there and its `enabled` is not false.
    pub fn is_automated(&self) -> bool {
        self.sync_policy.automated.is_some_and(|automated| automated.enabled != Some(false))
    }
}

impl Source {
    /// What `targetRevision` means: empty is HEAD.
    pub fn effective_target_revision(&self) -> &str {
        if self.target_revision.is_empty() { "HEAD" } else { &self.target_revision }
    }

    /// Whether the source gives manifests: one that is only a `ref` for others does not.
    pub fn gives_manifests(&self) -> bool {
        self.ref_name.is_empty() || !self.path.is_empty() || !self.chart.is_empty()
    }
}

impl Application {
    /// The project: empty is `default`.
    pub fn project(&self) -> &str {
        if self.spec.project.is_empty() { "default" } else { &self.spec.project }
    }

    /// Whether an operation is requested or runs: no other can be requested then.
    pub fn is_busy(&self) -> bool {
        self.operation.is_some()
    }

    /// A ghost: the request was removed by hand while the operation ran. Nobody works on it, its hooks are left
    /// behind, and its state will say Running or Terminating until somebody repairs it.
    pub fn has_ghost_operation(&self) -> bool {
        self.operation.is_none() && self.phase().is_some_and(|phase| !phase.is_completed())
    }

    /// Requested, and the controller has not taken it yet: there is no state, or that of an operation that is over. A
    /// controller that ends one takes its request away in the same write.
    pub fn is_pending(&self) -> bool {
        self.operation.is_some() && self.status.operation_state.as_ref().is_none_or(OperationState::is_completed)
    }

    /// The last attempt failed and will be repeated.
    pub fn is_waiting_for_retry(&self) -> bool {
        self.status.operation_state.as_ref().is_some_and(OperationState::is_waiting_for_retry)
    }

    /// Whether nothing is requested and the last operation, if there was one, is over.
    ///
    /// What a waiting client still misses is the comparison after it: see [`Application::is_settled`].
    pub fn is_done(&self) -> bool {
        self.operation.is_none() && self.status.operation_state.as_ref().is_none_or(OperationState::is_completed)
    }

    /// Whether the last operation is done and sync status and health are from after it. A dry run changes nothing, so
    /// that no comparison follows it.
    pub fn is_settled(&self) -> bool {
        let Some(state) = &self.status.operation_state else { return self.is_done() };
        let dry_run = state.operation.sync.as_ref().is_some_and(|sync| sync.dry_run);
        self.is_done() && (dry_run || self.status.reconciled_at >= state.finished_at)
    }

    /// The refresh that is asked for and not yet done. Anything but `hard` is a normal one.
    pub fn refresh(&self) -> Option<RefreshKind> {
        self.metadata.annotations.get(annotations::REFRESH).map(|kind| RefreshKind::of(kind))
    }

    /// The controller leaves the application alone: a requested operation stays pending.
    pub fn skips_reconcile(&self) -> bool {
        self.metadata.annotations.get(annotations::SKIP_RECONCILE).is_some_and(|value| value == "true")
    }

    /// The revision the application was last compared with: of several sources the first one's.
    pub fn revision(&self) -> &str {
        let sync = &self.status.sync;
        if sync.revision.is_empty() { sync.revisions.first().map_or("", String::as_str) } else { &sync.revision }
    }

    fn phase(&self) -> Option<OperationPhase> {
        self.status.operation_state.as_ref()?.phase
    }
}

impl RefreshKind {
    pub(super) fn of(annotation: &str) -> Self {
        if annotation == "hard" { Self::Hard } else { Self::Normal }
    }
}
