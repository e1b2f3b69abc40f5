//! The draft of a compact form: filled from a full Application, and made into the compact form with every text cut to
//! its bound.

use std::borrow::Cow;
use std::sync::Arc;

use super::decode::{
    AutomatedDraft, CompareDraft, DestinationDraft, Draft, First, FirstText, HealthDraft, InitiatorDraft, Labels,
    MetadataDraft, Object, OperationDraft, PolicyDraft, Present, ResultDraft, RetryDraft, SourceDraft, SpecDraft,
    StateDraft, StatusDraft, SyncDraft, Text,
};
use super::key::AppKey;
use super::phases::Task;
use super::summary::{AppSummary, OperationSummary, Revision, SourceSummary, bounded, bounded_labels};
use super::types::{Application, Metadata, Source, Spec, Status};
use crate::domain::lenient::cut;
use crate::domain::operation::{Operation, OperationPhase, OperationState, TaskResult};

impl<'a> Draft<'a> {
    pub(super) fn of(application: &'a Application) -> Self {
        let mut metadata = MetadataDraft::of(&application.metadata);
        metadata.namespace = Cow::Borrowed(&application.key.namespace);
        metadata.name = Cow::Borrowed(&application.key.name);
        metadata.annotations.refresh = application.refresh();
        metadata.annotations.skips_reconcile = application.skips_reconcile();
        Self {
            metadata,
            spec: SpecDraft::of(&application.spec),
            operation: application.operation.as_ref().map(OperationDraft::of),
            status: StatusDraft::of(&application.status),
        }
    }

    pub(super) fn finish(self, cluster: Arc<str>) -> AppSummary {
        let Self { metadata, spec, operation, status } = self;
        let project = if spec.project.is_empty() { "default" } else { &*spec.project };
        let automated = spec.policy.automated.as_ref().is_some_and(|automated| automated.enabled != Some(false));
        let revision = status.sync.revision;
        let revision = if revision.is_empty() { status.sync.revisions.0 } else { revision };
        AppSummary {
            key: AppKey { cluster, namespace: shared(&metadata.namespace), name: shared(&metadata.name) },
            uid: bounded(&metadata.uid),
            resource_version: bounded(&metadata.resource_version),
            project: bounded(project),
            labels: bounded_labels(&metadata.labels.0),
            destination_server: bounded(&spec.destination.server),
            destination_name: bounded(&spec.destination.name),
            destination_namespace: bounded(&spec.destination.namespace),
            source_count: count(match (&spec.hydrator, spec.sources.count) {
                (Some(_), _) => 1,
                (None, 0) => usize::from(spec.source.is_some()),
                (None, several) => several,
            }),
            source: spec.hydrated().or(spec.sources.first).or(spec.source).map(SourceDraft::finish),
            revision: Revision::new(&revision),
            sync: status.sync.status,
            health: status.health.status,
            conditions: count(status.conditions.count),
            reconciled_at: status.reconciled_at,
            automated,
            deleting: metadata.deleting.0,
            refresh: metadata.annotations.refresh,
            skips_reconcile: metadata.annotations.skips_reconcile,
            busy: operation.is_some(),
            operation: match (status.state, operation) {
                // The state of the one before stands there until a controller takes the request.
                (None, Some(operation)) => Some(Box::new(operation.finish())),
                (Some(state), Some(operation)) if state.is_completed() => Some(Box::new(operation.finish())),
                (Some(state), _) => Some(Box::new(state.finish())),
                (None, None) => None,
            },
        }
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn shared(text: &str) -> Arc<str> {
    cut(text, AppSummary::LONGEST_TEXT).into()
}

impl<'a> MetadataDraft<'a> {
    fn of(metadata: &'a Metadata) -> Self {
        let label = |(name, value): (&'a String, &'a String)| (Text::from(name), Text::from(value));
        Self {
            uid: Cow::Borrowed(&metadata.uid),
            resource_version: Cow::Borrowed(&metadata.resource_version),
            deleting: Present(metadata.deleting),
            labels: Labels(metadata.labels.iter().map(label).collect()),
            ..Self::default()
        }
    }
}

impl<'a> SpecDraft<'a> {
    /// What counts of the spec is decided by the spec here, and by the same rules in `finish` for a stream.
    fn of(spec: &'a Spec) -> Self {
        let sources = spec.effective_sources();
        let automated = spec.sync_policy.automated;
        let automated = automated.map(|automated| AutomatedDraft { enabled: automated.enabled });
        Self {
            project: Cow::Borrowed(&spec.project),
            sources: First { first: sources.first().map(SourceDraft::of), count: sources.len() },
            destination: DestinationDraft {
                server: Cow::Borrowed(&spec.destination.server),
                name: Cow::Borrowed(&spec.destination.name),
                namespace: Cow::Borrowed(&spec.destination.namespace),
            },
            policy: PolicyDraft { automated },
            ..Self::default()
        }
    }

    fn hydrated(&self) -> Option<SourceDraft<'a>> {
        let hydrator = self.hydrator.as_ref()?;
        Some(SourceDraft {
            repo_url: hydrator.dry.repo_url.clone(),
            path: hydrator.sync.path.clone(),
            target_revision: hydrator.sync.branch.clone(),
            ..Default::default()
        })
    }
}

impl<'a> SourceDraft<'a> {
    fn of(source: &'a Source) -> Self {
        Self {
            repo_url: Cow::Borrowed(&source.repo_url),
            path: Cow::Borrowed(&source.path),
            chart: Cow::Borrowed(&source.chart),
            target_revision: Cow::Borrowed(&source.target_revision),
        }
    }

    fn finish(self) -> SourceSummary {
        let target_revision = if self.target_revision.is_empty() { "HEAD" } else { &*self.target_revision };
        SourceSummary {
            repo_url: bounded(&self.repo_url),
            path: bounded(&self.path),
            chart: bounded(&self.chart),
            target_revision: bounded(target_revision),
        }
    }
}

impl<'a> StatusDraft<'a> {
    fn of(status: &'a Status) -> Self {
        let sync = CompareDraft {
            status: status.sync.status,
            revision: Cow::Borrowed(&status.sync.revision),
            revisions: FirstText(status.sync.revisions.first().map(Text::from).unwrap_or_default()),
        };
        Self {
            sync,
            health: HealthDraft { status: status.health.status },
            conditions: First { first: None::<Object>, count: status.conditions.len() },
            reconciled_at: status.reconciled_at,
            state: status.operation_state.as_ref().map(StateDraft::of),
        }
    }
}

impl<'a> OperationDraft<'a> {
    fn of(operation: &'a Operation) -> Self {
        let dry_run = operation.sync.as_ref().is_some_and(|sync| sync.dry_run);
        Self {
            initiated_by: InitiatorDraft {
                username: Cow::Borrowed(&operation.initiated_by.username),
                automated: operation.initiated_by.automated,
            },
            retry: RetryDraft { limit: operation.retry.limit },
            sync: SyncDraft { dry_run },
        }
    }

    fn finish(self) -> OperationSummary {
        OperationSummary {
            retry_limit: self.retry.limit,
            username: bounded(&self.initiated_by.username),
            automated: self.initiated_by.automated,
            dry_run: self.sync.dry_run,
            ..OperationSummary::default()
        }
    }
}

impl<'a> StateDraft<'a> {
    fn of(state: &'a OperationState) -> Self {
        let mut result = ResultDraft::default();
        if let Some(own) = &state.sync_result {
            result.revision = Cow::Borrowed(&own.revision);
            result.revisions = FirstText(own.revisions.first().map(Text::from).unwrap_or_default());
            own.resources.iter().for_each(|own| result.tally.add(&Task::of(own)));
        }
        Self {
            operation: OperationDraft::of(&state.operation),
            phase: state.phase,
            message: Cow::Borrowed(&state.message),
            started_at: state.started_at,
            finished_at: state.finished_at,
            retry_count: state.retry_count,
            result,
        }
    }

    /// See `OperationState::is_completed`.
    fn is_completed(&self) -> bool {
        self.phase.is_some_and(OperationPhase::is_completed) && self.finished_at.is_some()
    }

    fn finish(self) -> OperationSummary {
        let ResultDraft { tally, revision, revisions } = self.result;
        let revision = if revision.is_empty() { revisions.0 } else { revision };
        let over = self.finished_at.is_some() || self.phase.is_some_and(OperationPhase::is_completed);
        OperationSummary {
            accepted: true,
            phase: self.phase,
            message: cut(&self.message, AppSummary::LONGEST_MESSAGE).into(),
            retry_count: self.retry_count,
            started_at: self.started_at,
            finished_at: self.finished_at,
            revision: Revision::new(&revision),
            phases: tally.finish(self.phase, over),
            ..self.operation.finish()
        }
    }
}

impl<'a> Task<'a> {
    fn of(result: &'a TaskResult) -> Self {
        Self {
            phase: result.phase(),
            is_hook: result.hook_type.is_some(),
            is_failed: result.is_failed(),
            hook_phase: result.hook_phase,
            kind: &result.key.kind,
            name: &result.key.name,
        }
    }
}
