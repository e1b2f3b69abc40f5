//! The compact form of an application: what a list of thousands shows. Every string in it is bounded, so that a hostile
//! object costs no more than a few kilobytes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::decode::Draft;
use super::key::AppKey;
use super::phases::PhaseSummary;
use super::types::{Application, RefreshKind, SyncStatus};
use crate::domain::health::HealthStatus;
use crate::domain::hook::SyncPhase;
use crate::domain::lenient::cut;
use crate::domain::operation::OperationPhase;

/// An application in a list.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, none excludes another")]
pub struct AppSummary {
    /// Its identity. Names are cut at [`AppSummary::LONGEST_TEXT`] bytes.
    pub key: AppKey,
    /// UID.
    pub uid: Box<str>,
    /// Resource version; moves without meaning.
    pub resource_version: Box<str>,
    /// Project; never empty.
    pub project: Box<str>,
    /// Labels, sorted by name: the first [`AppSummary::MOST_LABELS`].
    pub labels: Box<[(Box<str>, Box<str>)]>,
    /// URL of the destination's API server.
    pub destination_server: Box<str>,
    /// Argo CD's name of the destination.
    pub destination_name: Box<str>,
    /// The destination's namespace.
    pub destination_namespace: Box<str>,
    /// The first source.
    pub source: Option<SourceSummary>,
    /// How many sources there are.
    pub source_count: u32,
    /// The revision it was last compared with; of several sources the first one's.
    pub revision: Revision,
    /// `None`: missing or unknown.
    pub sync: Option<SyncStatus>,
    /// `None`: missing or unknown.
    pub health: Option<HealthStatus>,
    /// How many conditions the controller reports.
    pub conditions: u32,
    /// When it was last compared in full.
    pub reconciled_at: Option<Timestamp>,
    /// Whether Argo CD syncs by itself.
    pub automated: bool,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// A refresh that is asked for and not yet done.
    pub refresh: Option<RefreshKind>,
    /// The controller leaves it alone.
    pub skips_reconcile: bool,
    /// Whether `.operation` is there: requested or running; busy.
    pub busy: bool,
    /// The last operation. While one is requested and not yet accepted: that one, with no phase and no start.
    pub operation: Option<Box<OperationSummary>>,
}

/// The last operation of an application in a list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OperationSummary {
    /// Whether a controller has accepted it: false while it is only requested, whatever the one before has left.
    pub accepted: bool,
    /// `None`: not yet accepted, missing or unknown.
    pub phase: Option<OperationPhase>,
    /// The controller's words, cut at [`AppSummary::LONGEST_MESSAGE`] bytes.
    pub message: Box<str>,
    /// Attempts repeated so far.
    pub retry_count: i64,
    /// How often it may be repeated; negative: without limit.
    pub retry_limit: i64,
    /// Begin of the first attempt.
    pub started_at: Option<Timestamp>,
    /// End; beside Running: of an attempt that will be repeated.
    pub finished_at: Option<Timestamp>,
    /// Who asked; empty if unknown.
    pub username: Box<str>,
    /// The controller asked.
    pub automated: bool,
    /// Changes nothing.
    pub dry_run: bool,
    /// What it syncs to, once that is known; of several sources the first one's.
    pub revision: Revision,
    /// PreSync, Sync, PostSync, SyncFail: see [`OperationSummary::phase_of`].
    pub phases: [PhaseSummary; 4],
}

/// The first source of an application in a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceSummary {
    /// Git repository or chart registry.
    pub repo_url: Box<str>,
    /// Folder.
    pub path: Box<str>,
    /// Chart.
    pub chart: Box<str>,
    /// Branch, tag, commit or chart version; `HEAD` where none is written.
    pub target_revision: Box<str>,
}

/// A revision: 20 bytes if it is a Git commit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Revision {
    /// None known.
    #[default]
    None,
    /// A Git commit.
    Commit([u8; 20]),
    /// Anything else: a chart version, a longer hash.
    Text(Box<str>),
}

/// Bytes that are not JSON, or do not hold an object.
#[derive(Debug, thiserror::Error)]
#[error("an Application that is not JSON: {0}")]
pub struct NotAnApplication(#[from] serde_json::Error);

impl AppSummary {
    /// Names, URLs and other texts are cut at so many bytes.
    pub const LONGEST_TEXT: usize = 512;
    /// Messages are cut at so many bytes.
    pub const LONGEST_MESSAGE: usize = 512;
    /// So many labels are kept.
    pub const MOST_LABELS: usize = 64;

    /// Decodes an Application of a cluster from JSON. Fields of the wrong type have their default; only what is not
    /// JSON at all is an error.
    pub fn from_json(cluster: impl Into<Arc<str>>, json: &[u8]) -> Result<Self, NotAnApplication> {
        let draft: Draft<'_> = serde_json::from_slice(json)?;
        Ok(draft.finish(cluster.into()))
    }

    /// The compact form of a full Application.
    pub fn of(application: &Application) -> Self {
        Draft::of(application).finish(Arc::clone(&application.key.cluster))
    }

    /// The same, known to be in this cluster. (What serde decodes has an empty cluster.)
    #[must_use]
    pub fn in_cluster(mut self, cluster: impl Into<Arc<str>>) -> Self {
        self.key.cluster = cluster.into();
        self
    }

    /// See [`Application::has_ghost_operation`].
    pub fn has_ghost_operation(&self) -> bool {
        !self.busy && self.phase().is_some_and(|phase| !phase.is_completed())
    }

    /// See [`Application::is_pending`].
    pub fn is_pending(&self) -> bool {
        self.operation.as_ref().is_some_and(|operation| !operation.accepted)
    }

    /// See [`Application::is_waiting_for_retry`].
    pub fn is_waiting_for_retry(&self) -> bool {
        self.phase() == Some(OperationPhase::Running)
            && self.operation.as_ref().is_some_and(|operation| operation.finished_at.is_some())
    }

    /// See [`Application::is_done`].
    pub fn is_done(&self) -> bool {
        let completed = |operation: &OperationSummary| {
            operation.phase.is_some_and(OperationPhase::is_completed) && operation.finished_at.is_some()
        };
        !self.busy && self.operation.as_deref().is_none_or(completed)
    }

    /// The revision that matters now: while an operation runs the one that it syncs to, else the one it was last
    /// compared with.
    pub fn revision_now(&self) -> &Revision {
        let own = self.operation.as_ref().filter(|_| self.busy).map(|operation| &operation.revision);
        own.filter(|revision| **revision != Revision::None).unwrap_or(&self.revision)
    }

    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        let index = self.labels.binary_search_by(|(key, _)| (**key).cmp(name)).ok()?;
        self.labels.get(index).map(|(_, value)| &**value)
    }

    /// Bytes of memory it holds, itself and its heap, the name of the cluster not counted: many share it.
    pub fn kept_bytes(&self) -> usize {
        let counters = 2 * size_of::<usize>();
        let key = self.key.namespace.len() + self.key.name.len() + 2 * counters;
        let pair = |(name, value): &(Box<str>, Box<str>)| size_of::<(Box<str>, Box<str>)>() + name.len() + value.len();
        let revision = self.revision.heap_bytes();
        let texts = [
            &self.uid,
            &self.resource_version,
            &self.project,
            &self.destination_server,
            &self.destination_name,
            &self.destination_namespace,
        ];
        size_of::<Self>()
            + key
            + revision
            + texts.iter().map(|text| text.len()).sum::<usize>()
            + self.labels.iter().map(pair).sum::<usize>()
            + self.source.as_ref().map_or(0, SourceSummary::heap_bytes)
            + self.operation.as_ref().map_or(0, |operation| operation.kept_bytes())
    }

    fn phase(&self) -> Option<OperationPhase> {
        self.operation.as_ref()?.phase
    }
}

impl SourceSummary {
    fn heap_bytes(&self) -> usize {
        self.repo_url.len() + self.path.len() + self.chart.len() + self.target_revision.len()
    }
}

impl<'de> serde::Deserialize<'de> for AppSummary {
    /// The cluster is empty: see [`AppSummary::in_cluster`].
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(<Draft<'de> as serde::Deserialize>::deserialize(deserializer)?.finish(Arc::from("")))
    }
}

impl OperationSummary {
    fn kept_bytes(&self) -> usize {
        let failed = self.phases.iter().filter_map(|phase| phase.failed.as_ref()).map(|name| name.len());
        let texts = self.message.len() + self.username.len() + self.revision.heap_bytes();
        size_of::<Self>() + texts + failed.sum::<usize>()
    }

    /// One phase of the last attempt.
    pub fn phase_of(&self, phase: SyncPhase) -> &PhaseSummary {
        let [pre_sync, sync, post_sync, sync_fail] = &self.phases;
        match phase {
            SyncPhase::PreSync => pre_sync,
            SyncPhase::Sync => sync,
            SyncPhase::PostSync => post_sync,
            SyncPhase::SyncFail => sync_fail,
        }
    }
}

impl Revision {
    /// A revision from its text: 40 lower case hexadecimal digits are a commit.
    pub fn new(text: &str) -> Self {
        if text.is_empty() {
            return Self::None;
        }
        Self::commit(text).unwrap_or_else(|| Self::Text(bounded(text)))
    }

    fn heap_bytes(&self) -> usize {
        if let Self::Text(text) = self { text.len() } else { 0 }
    }

    fn commit(text: &str) -> Option<Self> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != 20 || !rest.is_empty() {
            return None;
        }
        let mut commit = [0; 20];
        for (byte, [high, low]) in commit.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(Self::Commit(commit))
    }
}

impl std::fmt::Display for Revision {
    /// In full; empty if there is none.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Commit(bytes) => bytes.iter().try_for_each(|byte| write!(formatter, "{byte:02x}")),
            Self::Text(text) => formatter.write_str(text),
        }
    }
}

/// A text as it is kept.
pub(super) fn bounded(text: &str) -> Box<str> {
    cut(text, AppSummary::LONGEST_TEXT).into()
}

pub(super) fn bounded_labels(labels: &BTreeMap<Cow<'_, str>, Cow<'_, str>>) -> Box<[(Box<str>, Box<str>)]> {
    let first = labels.iter().take(AppSummary::MOST_LABELS);
    first.map(|(name, value)| (bounded(name), bounded(value))).collect()
}
