//! The hooks of a deletion, wave by wave.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::sync::Notify;

use crate::cluster::{self, Cluster, ClusterError, Kind, Scope, WriteOptions};
use crate::domain::health::{TaskHealth, hook_task};
use crate::domain::hook::{Classification, DeletePhase, DeletePolicy, HookType, classify, delete_policies, wave};
use crate::domain::manifest::Object;
use crate::domain::names;
use crate::domain::operation::{HookPhase, ResultStatus, TaskResult};
use crate::engine::operate::Place;
use crate::engine::pool::{Interest, Subscription};
use crate::engine::problem::Problem;
use crate::engine::record::MANAGER;
use crate::engine::shared::Shared;
use crate::engine::targets::Targets;

/// How far the hooks of a phase are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Some run, or go.
    Running,
    /// All ended well.
    Succeeded,
    /// One failed.
    Failed,
}

/// The hooks of one phase of a deletion.
pub(super) struct Hooks<'a> {
    place: &'a Place,
    phase: DeletePhase,
    /// `<deletionTimestamp>/<attempt>`: hooks with it are this attempt's.
    mark: String,
    members: Vec<(Kind, Arc<Object>)>,
    /// Ring the bell when a hook changes.
    watches: Vec<Subscription>,
}

impl<'a> Hooks<'a> {
    /// The hooks that the manifests have for a phase, sorted by wave.
    pub(super) async fn open(
        shared: &Shared,
        place: &'a Place,
        phase: DeletePhase,
        targets: &Targets,
        namespace: &str,
        (began, attempt): (Timestamp, i64),
        bell: &Arc<Notify>,
    ) -> Result<Self, Problem> {
        let known = place.destination.known().await.map_err(|error| place.destination.problem(&error))?;
        let mark = format!("{began:.0}/{attempt}");
        let mut hooks: Vec<(Kind, Arc<Object>)> = Vec::new();
        for target in &targets.objects {
            let Classification::Hook(hook) = classify(target) else { continue };
            if !hook.runs_at(phase) {
                continue;
            }
            let found = known.kinds.find_version(target.group(), target.version(), target.kind());
            let Some(kind) = found else {
                return Err(Problem::deletion(format!(
                    "the cluster does not serve the kind of the hook {}",
                    target.key()
                )));
            };
            let object = prepare(target, kind, namespace, phase, began, &mark, &hooks);
            let key = object.key();
            place.permits(&key, kind.namespaced).map_err(Problem::deletion)?;
            hooks.push((kind.clone(), object));
        }
        hooks.sort_by_key(|(_, hook)| wave(hook));
        let mut watches = Vec::new();
        for (kind, hook) in &hooks {
            let scope = if kind.namespaced {
                place.destination.scope(hook.namespace()).await.map_err(|error| place.destination.problem(&error))?
            } else {
                Scope::All
            };
            let name = (hook.namespace().to_owned(), hook.name().to_owned());
            let interest = Interest { names: [name].into(), ..Interest::default() };
            let cluster = &place.destination.cluster;
            watches.push(shared.pool.subscribe(cluster, kind, &scope, interest, Arc::clone(bell)));
        }
        Ok(Self { place, phase, mark, members: hooks, watches })
    }

    /// What rings the bell when a hook changes, to be kept while it is waited for.
    pub(super) fn into_watches(self) -> Vec<Subscription> {
        self.watches
    }

    fn failed(&self, error: &ClusterError) -> Problem {
        let problem = self.place.destination.problem(error);
        if problem.transient { problem } else { Problem::deletion(problem.message) }
    }

    fn cluster(&self) -> &Cluster {
        &self.place.destination.cluster
    }

    /// Creates what is due, and says how far they are; a result for each hook whose turn has come. `recorded` is what this
    /// attempt wrote down before: what has ended there has ended, whatever became of its object since.
    pub(super) async fn go_on(&self, recorded: &[TaskResult]) -> Result<(Progress, Vec<TaskResult>), Problem> {
        for watch in &self.watches {
            watch.ready().await.map_err(|error| self.failed(&error))?;
        }
        let mut results = Vec::new();
        let mut current = None;
        let mut progress = Progress::Succeeded;
        for (kind, hook) in &self.members {
            // A wave begins when the one before has ended well.
            if progress != Progress::Succeeded && current != Some(wave(hook)) {
                break;
            }
            current = Some(wave(hook));
            let key = hook.key();
            let is_its_own = |result: &&TaskResult| result.key == key && result.hook_type == Some(self.hook_type());
            let result = match recorded.iter().find(is_its_own) {
                Some(ended) if ended.hook_phase.is_some_and(HookPhase::is_completed) => ended.clone(),
                before => {
                    // Nothing is applied while a predecessor goes.
                    let is_made = before.is_some_and(|before| before.status.is_some());
                    let live = self.begin(kind, hook, is_made).await?;
                    self.result(hook, live.as_ref(), is_made)
                }
            };
            let phase = result.hook_phase.unwrap_or(HookPhase::Running);
            results.push(result);
            progress = match (progress, phase) {
                (Progress::Failed, _) | (_, HookPhase::Failed | HookPhase::Error) => Progress::Failed,
                (Progress::Running, _) | (_, HookPhase::Running | HookPhase::Terminating) => Progress::Running,
                (Progress::Succeeded, HookPhase::Succeeded) => Progress::Succeeded,
            };
        }
        Ok((progress, results))
    }

    /// The hook's own object, made if it never was; `None` while a predecessor goes, or if it was made and is gone.
    async fn begin(&self, kind: &Kind, hook: &Arc<Object>, is_made: bool) -> Result<Option<Object>, Problem> {
        let found =
            self.cluster().get(kind, hook.namespace(), hook.name()).await.map_err(|error| self.failed(&error))?;
        match found {
            Some(live) if live.annotation(names::BOATHOOK_OPERATION) == Some(&self.mark) => Ok(Some(live)),
            _ if is_made => Ok(None),
            Some(live) => {
                self.remove(kind, &live).await?;
                Ok(None)
            }
            None => {
                let options = WriteOptions { manager: MANAGER.to_owned(), strict: true, ..WriteOptions::default() };
                match self.cluster().create(kind, hook, &options).await {
                    Ok(created) => Ok(Some(created)),
                    Err(error) if error.is_already_there() => Ok(None),
                    Err(error) => Err(self.failed(&error)),
                }
            }
        }
    }

    async fn remove(&self, kind: &Kind, live: &Object) -> Result<(), Problem> {
        if live.is_deleting() {
            return Ok(());
        }
        let options = cluster::Delete { uid: live.uid().to_owned(), ..cluster::Delete::default() };
        match self.cluster().delete(kind, live.namespace(), live.name(), &options).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_conflict() => Ok(()),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Deletes the hooks whose policy asks for it. Default-policy hooks stay, as in Argo CD.
    pub(super) async fn clean(&self, succeeded: bool) -> Result<(), Problem> {
        let policy = if succeeded { DeletePolicy::HookSucceeded } else { DeletePolicy::HookFailed };
        for (kind, hook) in self.members.iter().filter(|(_, hook)| delete_policies(hook).contains(policy)) {
            let found =
                self.cluster().get(kind, hook.namespace(), hook.name()).await.map_err(|error| self.failed(&error))?;
            if let Some(live) = found.filter(|live| live.annotation(names::BOATHOOK_OPERATION).is_some()) {
                self.remove(kind, &live).await?;
            }
        }
        Ok(())
    }

    const fn hook_type(&self) -> HookType {
        match self.phase {
            DeletePhase::PreDelete => HookType::PreDelete,
            DeletePhase::PostDelete => HookType::PostDelete,
        }
    }

    fn result(&self, hook: &Object, live: Option<&Object>, is_made: bool) -> TaskResult {
        let deleted = || (HookPhase::Failed, format!("hook {} was deleted while it was running", hook.key()));
        let (phase, told) = match live.map(|live| (live, hook_task(live))) {
            Some((live, TaskHealth { phase: HookPhase::Running, .. })) if live.is_deleting() => deleted(),
            Some((_, health)) => (health.phase, health.message),
            None if is_made => deleted(),
            None => (HookPhase::Running, "waiting for the deletion of its predecessor".to_owned()),
        };
        TaskResult {
            key: hook.key(),
            version: hook.version().to_owned(),
            status: (live.is_some() || is_made).then_some(ResultStatus::Synced),
            hook_type: Some(self.hook_type()),
            hook_phase: Some(phase),
            sync_phase: None,
            message: told,
            images: Vec::new(),
        }
    }
}

/// The hook with its final name and namespace, and with this attempt's mark. It gets no finalizer: nothing records it
/// that could be lost.
fn prepare(
    target: &Arc<Object>,
    kind: &Kind,
    namespace: &str,
    phase: DeletePhase,
    began: Timestamp,
    mark: &str,
    before: &[(Kind, Arc<Object>)],
) -> Arc<Object> {
    let mut object = Object::clone(target);
    let name = if target.name().is_empty() {
        let word = match phase {
            DeletePhase::PreDelete => "predelete",
            DeletePhase::PostDelete => "postdelete",
        };
        let first = format!("{}{word}-{}", target.generate_name(), began.as_second());
        // Each has a name of its own, which is the same whenever it is asked for.
        let is_taken = |name: &str| before.iter().any(|(_, hook)| hook.kind() == target.kind() && hook.name() == name);
        let numbered = (2..).map(|number| format!("{first}-{number}"));
        std::iter::once(first.clone()).chain(numbered).find(|name| !is_taken(name)).unwrap_or(first)
    } else {
        target.name().to_owned()
    };
    if let Some(metadata) = object.as_json_mut().get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("generateName");
        metadata.insert("name".to_owned(), name.into());
        if kind.namespaced && target.namespace().is_empty() {
            metadata.insert("namespace".to_owned(), namespace.into());
        }
        let annotations = metadata.entry("annotations").or_insert_with(|| Value::Object(Map::new()));
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.insert(names::BOATHOOK_OPERATION.to_owned(), mark.into());
        }
    }
    Arc::new(object)
}
