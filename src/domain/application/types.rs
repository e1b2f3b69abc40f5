//! The parts of an Application, with Argo CD's names. What boathook has no use of is not kept; the sources are kept as
//! written too, because an operation repeats them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::key::AppKey;
use crate::domain::health::HealthStatus;
use crate::domain::operation::{Info, InitiatedBy, Operation, OperationState, Retry};

/// The full form of an Application.
#[derive(Debug, Clone, PartialEq)]
pub struct Application {
    /// Its identity.
    pub key: AppKey,
    /// What Kubernetes knows about it.
    pub metadata: Metadata,
    /// What should be.
    pub spec: Spec,
    /// `.operation`: the request that the controller works on. Present means busy.
    pub operation: Option<Operation>,
    /// What is.
    pub status: Status,
}

/// Annotations of an Application that mean something to Argo CD.
pub mod annotations {
    /// Asks for a refresh; gone when it is done.
    pub const REFRESH: &str = "argocd.argoproj.io/refresh";
    /// When the refresh was asked for, so that one is not lost that arrives during another.
    pub const REFRESH_TIMESTAMP: &str = "argocd.argoproj.io/refresh-timestamp";
    /// `"true"`: the controller leaves the application alone; operations stay pending.
    pub const SKIP_RECONCILE: &str = "argocd.argoproj.io/skip-reconcile";
    /// Confirms prunes and deletions asked for before this time.
    pub const DELETION_APPROVED: &str = "argocd.argoproj.io/deletion-approved";
}

/// Finalizers that make the deletion of an Application delete its resources.
pub mod finalizers {
    /// Foreground; the usual one.
    pub const RESOURCES: &str = "resources-finalizer.argocd.argoproj.io";
    /// Foreground.
    pub const FOREGROUND: &str = "resources-finalizer.argocd.argoproj.io/foreground";
    /// Background.
    pub const BACKGROUND: &str = "resources-finalizer.argocd.argoproj.io/background";
}

/// The part of `metadata` that is used. Name and namespace are in the key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// UID.
    pub uid: String,
    /// For writing: the API server answers 409 if the object has changed since.
    pub resource_version: String,
    /// Moves with every write, also of the status: the Application has no status subresource.
    pub generation: i64,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// Whether it is being deleted; true also if the time cannot be read.
    pub deleting: bool,
    /// When its deletion began.
    pub deletion_timestamp: Option<Timestamp>,
    /// Finalizers.
    pub finalizers: Vec<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}

/// What an annotation asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefreshKind {
    /// Compare again.
    Normal,
    /// Render the manifests anew too.
    Hard,
}

/// `spec`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Spec {
    /// The project as written; see `Application::project`.
    pub project: String,
    /// A single source.
    pub source: Option<Source>,
    /// Several sources; they beat the single one.
    pub sources: Vec<Source>,
    /// What a source hydrator's output is read from; it beats both.
    pub hydrated: Option<Source>,
    /// Where to.
    pub destination: Destination,
    /// When and how.
    pub sync_policy: SyncPolicy,
    /// Differences that do not count, as written.
    pub ignore_differences: Vec<Value>,
    /// Name and value pairs for people.
    pub info: Vec<Info>,
    /// How many entries of history are kept; `None` is 10, 0 none.
    pub revision_history_limit: Option<i64>,
}

/// A source of manifests.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Source {
    /// Git repository or chart registry.
    pub repo_url: String,
    /// Folder within the repository.
    pub path: String,
    /// Name of a chart.
    pub chart: String,
    /// Branch, tag, commit or chart version; empty is HEAD.
    pub target_revision: String,
    /// `ref`: a name for other sources to read values from. Gives no manifests unless path or chart is set.
    pub ref_name: String,
    /// Name of the source among several.
    pub name: String,
    /// The whole source as written, to repeat it in an operation and for the tools' own settings.
    pub written: Value,
}

/// `spec.destination`: exactly one of server and name is set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Destination {
    /// URL of the cluster's API server.
    pub server: String,
    /// Argo CD's name of the cluster.
    pub name: String,
    /// Namespace for objects that name none.
    pub namespace: String,
}

/// `spec.syncPolicy`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SyncPolicy {
    /// Settings of automated sync; present does not yet mean on, see `Spec::is_automated`.
    pub automated: Option<Automated>,
    /// `Key=value` strings, compared exactly. A requester must copy them into the operation.
    pub sync_options: Vec<String>,
    /// How a failed operation is repeated.
    pub retry: Option<Retry>,
    /// Labels and annotations of the namespace, as written; only with `CreateNamespace=true`.
    pub managed_namespace_metadata: Option<Value>,
}

/// `spec.syncPolicy.automated`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Automated {
    /// `Some(false)` switches it off and keeps the other flags.
    pub enabled: Option<bool>,
    /// Delete what Git has no more.
    pub prune: bool,
    /// Repair what was changed in the cluster.
    pub self_heal: bool,
    /// Delete even if nothing is left.
    pub allow_empty: bool,
}

/// `status`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Status {
    /// Comparison with Git. Hooks never count.
    pub sync: SyncState,
    /// Health of all resources. Hooks never count: a failed hook leaves it Healthy.
    pub health: AppHealth,
    /// The managed objects, and live hooks.
    pub resources: Vec<ResourceStatus>,
    /// `appTree`: the health of single resources is not in the object; empty: it is.
    pub resource_health_source: String,
    /// Syncs that succeeded, oldest first.
    pub history: Vec<HistoryEntry>,
    /// What the controller complains about.
    pub conditions: Vec<Condition>,
    /// The last operation.
    pub operation_state: Option<OperationState>,
    /// When the application was last compared in full.
    pub reconciled_at: Option<Timestamp>,
    /// Images and URLs.
    pub summary: StatusSummary,
    /// Kind of a single source: Directory, Helm, Kustomize or Plugin.
    pub source_type: String,
    /// Kinds of several sources, by index.
    pub source_types: Vec<String>,
    /// The namespace the controller runs in.
    pub controller_namespace: String,
}

/// `status.sync.status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum SyncStatus {
    /// The cluster is as Git says.
    Synced,
    /// It is not.
    OutOfSync,
    /// It could not be compared.
    Unknown,
}

/// `status.sync`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SyncState {
    /// `None` where it is missing or a word that is not known.
    pub status: Option<SyncStatus>,
    /// The revision compared with, of a single source.
    pub revision: String,
    /// The revisions compared with, of several sources.
    pub revisions: Vec<String>,
    /// The sources compared with, as written.
    pub compared_to: Option<Value>,
}

/// `status.health`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AppHealth {
    /// `None` where it is missing or a word that is not known.
    pub status: Option<HealthStatus>,
    /// Explanation, often empty.
    pub message: String,
    /// When it last changed.
    pub last_transition_time: Option<Timestamp>,
}

/// One entry of `status.resources`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResourceStatus {
    /// API group.
    pub group: String,
    /// API version without group.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Namespace; empty for a cluster-scoped object.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Comparison; hooks have none.
    pub status: Option<SyncStatus>,
    /// Health; usually not in the object, see `Status::resource_health_source`.
    pub health: Option<AppHealth>,
    /// A live hook.
    pub hook: bool,
    /// Not in Git any more. Meaningless for a hook, where it is set too.
    pub requires_pruning: bool,
    /// Its deletion waits for somebody to confirm it.
    pub requires_deletion_confirmation: bool,
    /// Its wave.
    pub sync_wave: i64,
}

/// One entry of `status.history`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HistoryEntry {
    /// Rises by one.
    pub id: i64,
    /// Revision of a single source.
    pub revision: String,
    /// Revisions of several sources.
    pub revisions: Vec<String>,
    /// Source, as written.
    pub source: Option<Value>,
    /// Sources, as written.
    pub sources: Vec<Value>,
    /// Begin.
    pub deploy_started_at: Option<Timestamp>,
    /// End.
    pub deployed_at: Option<Timestamp>,
    /// Who asked.
    pub initiated_by: InitiatedBy,
}

/// One entry of `status.conditions`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Condition {
    /// For example `SyncError`.
    pub kind: String,
    /// The words.
    pub message: String,
    /// Since when.
    pub last_transition_time: Option<Timestamp>,
}

/// `status.summary`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatusSummary {
    /// Images of all resources.
    pub images: Vec<String>,
    /// URLs of ingresses and services.
    pub external_urls: Vec<String>,
    /// Whether it manages Applications itself.
    pub is_app_of_apps: bool,
}
