//! From bytes to the compact form: what is wanted is taken as it streams by, the rest (managedFields, resources,
//! history, manifests) is passed over and never built. The full form goes through the same draft, so that the two ways
//! to an `AppSummary` agree.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess};

use super::phases::{Tally, Task};
use super::types::{RefreshKind, SyncStatus, annotations};
use crate::domain::health::HealthStatus;
use crate::domain::hook::{HookType, SyncPhase};
use crate::domain::lenient::{Ignore, Key, Lenient, Take, drain_map, drain_seq};
use crate::domain::operation::{HookPhase, OperationPhase, ResultStatus, is_task_failed, task_phase};

pub(super) type Text<'a> = Cow<'a, str>;

/// Defines a part of the draft and how it is taken from an object: field by field, the last of equal names counts.
macro_rules! drafts {
    ($($(#[$doc:meta])* $name:ident $(<$life:lifetime>)? { $($field:literal => $part:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Default)]
        pub(super) struct $name$(<$life>)? {
            $(pub(super) $part: $type,)*
        }

        impl<'de> Lenient<'de> for $name$(<$life>)? {
            fn map<A: MapAccess<'de>>(mut fields: A) -> Result<Self, A::Error> {
                let mut draft = Self::default();
                while let Some(Take(name)) = fields.next_key::<Key<'de>>()? {
                    match &*name {
                        $($field => draft.$part = fields.next_value::<Take<$type>>()?.0,)*
                        _ => { fields.next_value::<Ignore>()?; }
                    }
                }
                Ok(draft)
            }
        }

        impl<'de> Lenient<'de> for Option<$name$(<$life>)?> {
            fn map<A: MapAccess<'de>>(fields: A) -> Result<Self, A::Error> {
                $name::map(fields).map(Some)
            }
        }
    )*};
}

drafts! {
    /// An Application on its way to its compact form.
    Draft<'de> {
        "metadata" => metadata: MetadataDraft<'de>,
        "spec" => spec: SpecDraft<'de>,
        "operation" => operation: Option<OperationDraft<'de>>,
        "status" => status: StatusDraft<'de>,
    }
    MetadataDraft<'de> {
        "namespace" => namespace: Text<'de>,
        "name" => name: Text<'de>,
        "uid" => uid: Text<'de>,
        "resourceVersion" => resource_version: Text<'de>,
        "deletionTimestamp" => deleting: Present,
        "labels" => labels: Labels<'de>,
        "annotations" => annotations: Annotations,
    }
    SpecDraft<'de> {
        "project" => project: Text<'de>,
        "source" => source: Option<SourceDraft<'de>>,
        "sources" => sources: First<SourceDraft<'de>>,
        "sourceHydrator" => hydrator: Option<HydratorDraft<'de>>,
        "destination" => destination: DestinationDraft<'de>,
        "syncPolicy" => policy: PolicyDraft,
    }
    SourceDraft<'de> {
        "repoURL" => repo_url: Text<'de>,
        "path" => path: Text<'de>,
        "chart" => chart: Text<'de>,
        "targetRevision" => target_revision: Text<'de>,
    }
    HydratorDraft<'de> {
        "drySource" => dry: SourceDraft<'de>,
        "syncSource" => sync: SyncSourceDraft<'de>,
    }
    SyncSourceDraft<'de> {
        "targetBranch" => branch: Text<'de>,
        "path" => path: Text<'de>,
    }
    DestinationDraft<'de> {
        "server" => server: Text<'de>,
        "name" => name: Text<'de>,
        "namespace" => namespace: Text<'de>,
    }
    PolicyDraft {
        "automated" => automated: Option<AutomatedDraft>,
    }
    AutomatedDraft {
        "enabled" => enabled: Option<bool>,
    }
    OperationDraft<'de> {
        "initiatedBy" => initiated_by: InitiatorDraft<'de>,
        "retry" => retry: RetryDraft,
        "sync" => sync: SyncDraft,
    }
    InitiatorDraft<'de> {
        "username" => username: Text<'de>,
        "automated" => automated: bool,
    }
    RetryDraft {
        "limit" => limit: i64,
    }
    SyncDraft {
        "dryRun" => dry_run: bool,
    }
    StatusDraft<'de> {
        "sync" => sync: CompareDraft<'de>,
        "health" => health: HealthDraft,
        "conditions" => conditions: First<Object>,
        "reconciledAt" => reconciled_at: Option<Timestamp>,
        "operationState" => state: Option<StateDraft<'de>>,
    }
    CompareDraft<'de> {
        "status" => status: Option<SyncStatus>,
        "revision" => revision: Text<'de>,
        "revisions" => revisions: FirstText<'de>,
    }
    HealthDraft {
        "status" => status: Option<HealthStatus>,
    }
    StateDraft<'de> {
        "operation" => operation: OperationDraft<'de>,
        "phase" => phase: Option<OperationPhase>,
        "message" => message: Text<'de>,
        "startedAt" => started_at: Option<Timestamp>,
        "finishedAt" => finished_at: Option<Timestamp>,
        "retryCount" => retry_count: i64,
        "syncResult" => result: ResultDraft<'de>,
    }
    ResultDraft<'de> {
        "resources" => tally: Tally,
        "revision" => revision: Text<'de>,
        "revisions" => revisions: FirstText<'de>,
    }
    TaskDraft<'de> {
        "kind" => kind: Text<'de>,
        "name" => name: Text<'de>,
        "status" => status: Option<ResultStatus>,
        "hookType" => hook_type: Option<HookType>,
        "hookPhase" => hook_phase: Option<HookPhase>,
        "syncPhase" => sync_phase: Option<SyncPhase>,
    }
}

/// Whether a field is there, whatever its type.
#[derive(Default)]
pub(super) struct Present(pub(super) bool);

impl<'de> Lenient<'de> for Present {
    fn text(_: &str) -> Self {
        Self(true)
    }
    fn flag(_: bool) -> Self {
        Self(true)
    }
    fn integer(_: i64) -> Self {
        Self(true)
    }
    fn other_number() -> Self {
        Self(true)
    }
    fn seq<A: SeqAccess<'de>>(items: A) -> Result<Self, A::Error> {
        drain_seq(items).map(|()| Self(true))
    }
    fn map<A: MapAccess<'de>>(fields: A) -> Result<Self, A::Error> {
        drain_map(fields).map(|()| Self(true))
    }
}

/// An object, its content passed over.
pub(super) struct Object;

impl<'de> Lenient<'de> for Option<Object> {
    fn map<A: MapAccess<'de>>(fields: A) -> Result<Self, A::Error> {
        drain_map(fields).map(|()| Some(Object))
    }
}

/// Of a list of objects the first, and how many they are.
pub(super) struct First<T> {
    pub(super) first: Option<T>,
    pub(super) count: usize,
}

impl<T> Default for First<T> {
    fn default() -> Self {
        Self { first: None, count: 0 }
    }
}

impl<'de, T> Lenient<'de> for First<T>
where
    Option<T>: Lenient<'de>,
{
    fn seq<A: SeqAccess<'de>>(mut items: A) -> Result<Self, A::Error> {
        let mut all = Self::default();
        while let Some(Take(item)) = items.next_element::<Take<Option<T>>>()? {
            all.count += usize::from(item.is_some());
            all.first = all.first.or(item);
        }
        Ok(all)
    }
}

/// The first text of a list.
#[derive(Default)]
pub(super) struct FirstText<'a>(pub(super) Text<'a>);

impl<'de> Lenient<'de> for FirstText<'de> {
    fn seq<A: SeqAccess<'de>>(mut items: A) -> Result<Self, A::Error> {
        let first = items.next_element::<Key<'de>>()?;
        drain_seq(items)?;
        Ok(Self(first.map(|Take(text)| text).unwrap_or_default()))
    }
}

#[derive(Default)]
pub(super) struct Labels<'a>(pub(super) BTreeMap<Text<'a>, Text<'a>>);

impl<'de> Lenient<'de> for Labels<'de> {
    fn map<A: MapAccess<'de>>(mut fields: A) -> Result<Self, A::Error> {
        let mut labels = BTreeMap::new();
        while let Some((Take(name), Take(value))) = fields.next_entry::<Key<'de>, Take<Option<Text<'de>>>>()? {
            match value {
                Some(value) => labels.insert(name, value),
                None => labels.remove(&name),
            };
        }
        Ok(Self(labels))
    }
}

/// The annotations that a list looks at.
#[derive(Default)]
pub(super) struct Annotations {
    pub(super) refresh: Option<RefreshKind>,
    pub(super) skips_reconcile: bool,
}

impl<'de> Lenient<'de> for Annotations {
    fn map<A: MapAccess<'de>>(mut fields: A) -> Result<Self, A::Error> {
        let mut all = Self::default();
        while let Some(Take(name)) = fields.next_key::<Key<'de>>()? {
            match &*name {
                annotations::REFRESH => {
                    let Take(kind) = fields.next_value::<Take<Option<Text<'de>>>>()?;
                    all.refresh = kind.map(|kind| RefreshKind::of(&kind));
                }
                annotations::SKIP_RECONCILE => {
                    all.skips_reconcile = fields.next_value::<Key<'de>>()?.0 == "true";
                }
                _ => {
                    fields.next_value::<Ignore>()?;
                }
            }
        }
        Ok(all)
    }
}

impl<'de> Lenient<'de> for Tally {
    fn seq<A: SeqAccess<'de>>(mut items: A) -> Result<Self, A::Error> {
        let mut tally = Self::default();
        while let Some(Take(task)) = items.next_element::<Take<Option<TaskDraft<'de>>>>()? {
            if let Some(task) = task {
                tally.add(&Task {
                    phase: task_phase(task.sync_phase, task.hook_type),
                    is_hook: task.hook_type.is_some(),
                    is_failed: is_task_failed(task.hook_phase, task.status),
                    hook_phase: task.hook_phase,
                    kind: &task.kind,
                    name: &task.name,
                });
            }
        }
        Ok(tally)
    }
}

impl<'de> Deserialize<'de> for Draft<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Take::deserialize(deserializer).map(|Take(draft)| draft)
    }
}
