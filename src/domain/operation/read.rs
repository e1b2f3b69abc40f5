//! Reads operations and their states as Argo CD writes them, leniently.

use serde_json::Value;

use super::types::{
    Backoff, Info, InitiatedBy, Operation, OperationState, Retry, Selector, Strategy, SyncRequest, SyncResult,
    TaskResult,
};
use crate::domain::lenient::{Fields, Problems};
use crate::domain::manifest::ObjectKey;

/// Words of `syncPhase` that are not phases of a sync: the hooks of a deletion.
const DELETION: &[&str] = &["PreDelete", "PostDelete"];

impl Operation {
    /// Reads `.operation`. Fields that cannot be read have their default and are reported.
    pub fn from_json(value: &Value) -> (Self, Problems) {
        Fields::read(value, Self::read)
    }

    pub(crate) fn read(fields: &Fields<'_>) -> Self {
        Self {
            initiated_by: fields.object_or_empty("initiatedBy", InitiatedBy::read),
            info: fields.list("info", Info::read),
            retry: fields.object_or_empty("retry", Retry::read),
            sync: fields.object("sync", SyncRequest::read),
        }
    }
}

impl InitiatedBy {
    pub(crate) fn read(fields: &Fields<'_>) -> Self {
        Self { username: fields.text("username"), automated: fields.flag("automated") }
    }
}

impl Info {
    pub(crate) fn read(fields: &Fields<'_>) -> Self {
        Self { name: fields.text("name"), value: fields.text("value") }
    }
}

impl Retry {
    pub(crate) fn read(fields: &Fields<'_>) -> Self {
        Self {
            limit: fields.integer("limit"),
            backoff: fields.object("backoff", Backoff::read),
            refresh: fields.flag("refresh"),
        }
    }
}

impl Backoff {
    fn read(fields: &Fields<'_>) -> Self {
        Self {
            duration: fields.text("duration"),
            factor: fields.optional_integer("factor"),
            max_duration: fields.text("maxDuration"),
        }
    }
}

impl SyncRequest {
    fn read(fields: &Fields<'_>) -> Self {
        Self {
            revision: fields.text("revision"),
            revisions: fields.texts("revisions"),
            prune: fields.flag("prune"),
            dry_run: fields.flag("dryRun"),
            strategy: fields.object_or_empty("syncStrategy", Strategy::read),
            resources: fields.list("resources", Selector::read),
            source: fields.object_value("source"),
            sources: fields.object_values("sources"),
            manifests: fields.texts("manifests"),
            sync_options: fields.texts("syncOptions"),
            auto_heal_attempts: fields.integer("autoHealAttemptsCount"),
        }
    }
}

impl Strategy {
    fn read(fields: &Fields<'_>) -> Self {
        let force = |strategy: &Fields<'_>| strategy.flag("force");
        let hook = fields.object("hook", force);
        match fields.object("apply", force) {
            Some(force) => Self::Apply { force },
            None => Self::Hook { force: hook.unwrap_or_default() },
        }
    }
}

impl Selector {
    fn read(fields: &Fields<'_>) -> Self {
        Self {
            group: fields.text("group"),
            kind: fields.text("kind"),
            name: fields.text("name"),
            namespace: fields.text("namespace"),
        }
    }
}

impl OperationState {
    /// Reads `status.operationState`. Fields that cannot be read have their default and are reported.
    pub fn from_json(value: &Value) -> (Self, Problems) {
        Fields::read(value, Self::read)
    }

    pub(crate) fn read(fields: &Fields<'_>) -> Self {
        Self {
            operation: fields.object_or_empty("operation", Operation::read),
            phase: fields.word("phase", "the phase of an operation"),
            message: fields.text("message"),
            started_at: fields.time("startedAt"),
            finished_at: fields.time("finishedAt"),
            retry_count: fields.integer("retryCount"),
            sync_result: fields.object("syncResult", SyncResult::read),
        }
    }
}

impl SyncResult {
    fn read(fields: &Fields<'_>) -> Self {
        Self {
            resources: fields.list("resources", TaskResult::read),
            revision: fields.text("revision"),
            revisions: fields.texts("revisions"),
            source: fields.object_value("source"),
            sources: fields.object_values("sources"),
            managed_namespace_metadata: fields.object_value("managedNamespaceMetadata"),
        }
    }
}

impl TaskResult {
    fn read(fields: &Fields<'_>) -> Self {
        Self {
            key: ObjectKey {
                group: fields.text("group"),
                kind: fields.text("kind"),
                namespace: fields.text("namespace"),
                name: fields.text("name"),
            },
            version: fields.text("version"),
            status: fields.word("status", "the status of a result"),
            hook_type: fields.word("hookType", "the kind of a hook"),
            hook_phase: fields.word("hookPhase", "the phase of a task"),
            sync_phase: fields.word_or("syncPhase", "the phase of a sync", DELETION),
            message: fields.text("message"),
            images: fields.texts("images"),
        }
    }
}
