//! Reads the full form of an Application, leniently: whatever the object looks like, there is an application, and each
//! field that could not be read is a problem.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::key::AppKey;
use super::types::{
    AppHealth, Application, Automated, Condition, Destination, HistoryEntry, Metadata, ResourceStatus, Source, Spec,
    Status, StatusSummary, SyncPolicy, SyncState,
};
use crate::domain::lenient::{Fields, Problems};
use crate::domain::manifest::Object;
use crate::domain::operation::{Info, InitiatedBy, Operation, OperationState, Retry};

impl Application {
    /// Reads an Application of a cluster. Fields that cannot be read have their default and are reported.
    pub fn read(cluster: impl Into<Arc<str>>, object: &Object) -> (Self, Problems) {
        Self::read_map(cluster.into(), object.as_json())
    }

    /// As [`Application::read`], from any JSON; what is not an object reads as an empty one.
    pub fn from_json(cluster: impl Into<Arc<str>>, value: &Value) -> (Self, Problems) {
        let cluster = cluster.into();
        Fields::read(value, |fields| Self::of(cluster, fields))
    }

    fn read_map(cluster: Arc<str>, map: &Map<String, Value>) -> (Self, Problems) {
        Fields::read_map(map, |fields| Self::of(cluster, fields))
    }

    fn of(cluster: Arc<str>, fields: &Fields<'_>) -> Self {
        let (namespace, name, metadata) = fields.object_or_empty("metadata", |metadata| {
            (metadata.text("namespace"), metadata.text("name"), Metadata::read(metadata))
        });
        Self {
            key: AppKey::new(cluster, namespace, name),
            metadata,
            spec: fields.object_or_empty("spec", Spec::read),
            operation: fields.object("operation", Operation::read),
            status: fields.object_or_empty("status", Status::read),
        }
    }
}

impl Metadata {
    fn read(fields: &Fields<'_>) -> Self {
        Self {
            uid: fields.text("uid"),
            resource_version: fields.text("resourceVersion"),
            generation: fields.integer("generation"),
            created_at: fields.time("creationTimestamp"),
            deleting: fields.has("deletionTimestamp"),
            deletion_timestamp: fields.time("deletionTimestamp"),
            finalizers: fields.texts("finalizers"),
            labels: fields.strings("labels"),
            annotations: fields.strings("annotations"),
        }
    }
}

impl Spec {
    fn read(fields: &Fields<'_>) -> Self {
        Self {
            project: fields.text("project"),
            source: fields.object("source", Source::read),
            sources: fields.list("sources", Source::read),
            hydrated: fields.object("sourceHydrator", Source::read_hydrated),
            destination: fields.object_or_empty("destination", Destination::read),
            sync_policy: fields.object_or_empty("syncPolicy", SyncPolicy::read),
            ignore_differences: fields.object_values("ignoreDifferences"),
            info: fields.list("info", Info::read),
            revision_history_limit: fields.optional_integer("revisionHistoryLimit"),
        }
    }
}

impl Source {
    /// Reads a source as an operation repeats it.
    pub fn from_json(value: &Value) -> (Self, Problems) {
        Fields::read(value, Self::read)
    }

    fn read(fields: &Fields<'_>) -> Self {
        Self {
            repo_url: fields.text("repoURL"),
            path: fields.text("path"),
            chart: fields.text("chart"),
            target_revision: fields.text("targetRevision"),
            ref_name: fields.text("ref"),
            name: fields.text("name"),
            written: fields.whole(),
        }
    }

    /// The hydrated manifests are in the dry source's repository, in the branch and folder of `syncSource`.
    fn read_hydrated(fields: &Fields<'_>) -> Self {
        let repo_url = fields.object_or_empty("drySource", |dry| dry.text("repoURL"));
        let (target_revision, path) =
            fields.object_or_empty("syncSource", |sync| (sync.text("targetBranch"), sync.text("path")));
        let written = serde_json::json!({"repoURL": repo_url, "path": path, "targetRevision": target_revision});
        Self { repo_url, path, target_revision, written, ..Self::default() }
    }
}

impl Destination {
    fn read(fields: &Fields<'_>) -> Self {
        Self { server: fields.text("server"), name: fields.text("name"), namespace: fields.text("namespace") }
    }
}

impl SyncPolicy {
    /// Its options with these over them; an option is known by what stands before `=`.
    pub fn options_with(&self, given: &[String]) -> Vec<String> {
        let name = |option: &str| option.split_once('=').map_or(option, |(name, _)| name).to_owned();
        let kept = self.sync_options.iter().filter(|own| !given.iter().any(|given| name(given) == name(own)));
        kept.chain(given).cloned().collect()
    }

    fn read(fields: &Fields<'_>) -> Self {
        Self {
            automated: fields.object("automated", Automated::read),
            sync_options: fields.texts("syncOptions"),
            retry: fields.object("retry", Retry::read),
            managed_namespace_metadata: fields.object_value("managedNamespaceMetadata"),
        }
    }
}

impl Automated {
    fn read(fields: &Fields<'_>) -> Self {
        Self {
            enabled: fields.optional_flag("enabled"),
            prune: fields.flag("prune"),
            self_heal: fields.flag("selfHeal"),
            allow_empty: fields.flag("allowEmpty"),
        }
    }
}

impl Status {
    fn read(fields: &Fields<'_>) -> Self {
        Self {
            sync: fields.object_or_empty("sync", SyncState::read),
            health: fields.object_or_empty("health", AppHealth::read),
            resources: fields.list("resources", ResourceStatus::read),
            resource_health_source: fields.text("resourceHealthSource"),
            history: fields.list("history", HistoryEntry::read),
            conditions: fields.list("conditions", Condition::read),
            operation_state: fields.object("operationState", OperationState::read),
            reconciled_at: fields.time("reconciledAt"),
            summary: fields.object_or_empty("summary", StatusSummary::read),
            source_type: fields.text("sourceType"),
            source_types: fields.texts("sourceTypes"),
            controller_namespace: fields.text("controllerNamespace"),
        }
    }
}

impl SyncState {
    fn read(fields: &Fields<'_>) -> Self {
        Self {
            status: fields.word("status", "a sync status"),
            revision: fields.text("revision"),
            revisions: fields.texts("revisions"),
            compared_to: fields.object_value("comparedTo"),
        }
    }
}

impl AppHealth {
    fn read(fields: &Fields<'_>) -> Self {
        Self {
            status: fields.word("status", "a health status"),
            message: fields.text("message"),
            last_transition_time: fields.time("lastTransitionTime"),
        }
    }
}

impl ResourceStatus {
    fn read(fields: &Fields<'_>) -> Self {
        Self {
            group: fields.text("group"),
            version: fields.text("version"),
            kind: fields.text("kind"),
            namespace: fields.text("namespace"),
            name: fields.text("name"),
            status: fields.word("status", "a sync status"),
            health: fields.object("health", AppHealth::read),
            hook: fields.flag("hook"),
            requires_pruning: fields.flag("requiresPruning"),
            requires_deletion_confirmation: fields.flag("requiresDeletionConfirmation"),
            sync_wave: fields.integer("syncWave"),
        }
    }
}

impl HistoryEntry {
    fn read(fields: &Fields<'_>) -> Self {
        Self {
            id: fields.integer("id"),
            revision: fields.text("revision"),
            revisions: fields.texts("revisions"),
            source: fields.object_value("source"),
            sources: fields.object_values("sources"),
            deploy_started_at: fields.time("deployStartedAt"),
            deployed_at: fields.time("deployedAt"),
            initiated_by: fields.object_or_empty("initiatedBy", InitiatedBy::read),
        }
    }
}

impl Condition {
    fn read(fields: &Fields<'_>) -> Self {
        Self {
            kind: fields.text("type"),
            message: fields.text("message"),
            last_transition_time: fields.time("lastTransitionTime"),
        }
    }
}

impl StatusSummary {
    fn read(fields: &Fields<'_>) -> Self {
        Self {
            images: fields.texts("images"),
            external_urls: fields.texts("externalURLs"),
            is_app_of_apps: fields.flag("isAppOfApps"),
        }
    }
}
