//! What Git has of an application: commits, files, manifests, and from these the plan.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::message::Message;
use super::repositories::Repos;
use crate::cluster::{Cluster, Kinds as ClusterKinds};
use crate::domain::application::{Application, Source};
use crate::domain::hook::{Classification, classify};
use crate::domain::live::{
    ChangedFile, ChangedObject, CommitSummary, FileStatus, LiveEvent, ObjectChange, Review, RevisionNames, Revisions,
    SourceRevisions,
};
use crate::domain::manifest::{Object, ObjectKey};
use crate::domain::operation::SyncRequest;
use crate::domain::plan::{KindInfo, Kinds, Permission, PlanInput, plan};
use crate::domain::project::Project;
use crate::git::{ChangeKind, Commit, CommitId, RenderRequest, Repository, SourceAt, render};

/// Commits that are told.
const COMMITS: usize = 200;
/// Commits that are looked at.
const WALK: usize = 20_000;
/// Live objects that are asked for one by one.
const ASKED: usize = 200;
const HIDDEN: &str = "(hidden)";

/// A look into Git about an application.
pub(super) struct Look {
    pub repos: Repos,
    pub cluster: Cluster,
    pub home: String,
    pub application: Arc<Application>,
    pub destination: Option<(Cluster, Arc<ClusterKinds>)>,
    pub project: Option<Arc<Project>>,
    /// Revisions to plan for, one a source; empty: the target revisions.
    pub asked: Vec<String>,
    /// Of an open application, without being asked.
    pub is_own: bool,
    pub forced: bool,
    pub sender: mpsc::Sender<Message>,
}

/// A source with the commits it is at.
struct Placed {
    source: Source,
    path: PathBuf,
    deployed: Option<CommitId>,
    target: Option<CommitId>,
}

impl Look {
    /// Tells what is cached, fetches what is old, and tells again.
    pub(super) async fn run(self) {
        let due = self.fetches();
        self.tell().await;
        if due.is_empty() {
            return;
        }
        for url in due {
            let mut state = self.repos.state(&url);
            state.fetching = true;
            self.send(LiveEvent::Repository(state)).await;
            let credentials = self.repos.credentials(&self.cluster, &self.home, &url).await;
            self.repos.fetch(&url, &credentials, self.forced).await;
            self.send(LiveEvent::Repository(self.repos.state(&url))).await;
        }
        self.tell().await;
    }

    async fn send(&self, event: LiveEvent) {
        let _ = self.sender.send(Message::Tell(Box::new(event))).await;
    }

    fn fetches(&self) -> Vec<crate::git::RepoUrl> {
        let sources = self.application.spec.effective_sources();
        let mut urls: Vec<crate::git::RepoUrl> = Vec::new();
        for source in sources.iter().filter(|source| source.chart.is_empty()) {
            if let Ok(url) = self.repos.parse(&source.repo_url)
                && self.repos.would_fetch(&url, self.forced)
                && !urls.iter().any(|known| known.key() == url.key())
            {
                urls.push(url);
            }
        }
        urls
    }

    async fn tell(&self) {
        let review = Arc::new(self.review().await);
        let key = self.application.key.clone();
        let _ = self.sender.send(Message::Reviewed { key, review, is_own: self.is_own }).await;
    }

    async fn review(&self) -> Review {
        let mut incomplete = Vec::new();
        let (revisions, placed) = self.revisions().await;
        let commits: Option<Vec<CommitId>> = placed.iter().map(|placed| placed.as_ref()?.target).collect();
        let mut review = Review {
            key: self.application.key.clone(),
            asked: self.asked.clone(),
            commits: commits.iter().flatten().map(ToString::to_string).collect(),
            revisions: Arc::new(revisions),
            plan: Err(String::new()),
            changes: Vec::new(),
            targets: Vec::new(),
            live: Vec::new(),
            kinds: Arc::new(self.kinds(&mut incomplete)),
            incomplete: Vec::new(),
        };
        let placed: Vec<Placed> = placed.into_iter().flatten().collect();
        if commits.is_none() {
            let problems = review.revisions.sources.iter().filter_map(|source| source.problem.clone());
            review.plan = Err(problems.collect::<Vec<_>>().join("; "));
            return review;
        }
        match self.render(&placed, |placed| placed.target).await {
            Ok(targets) => {
                review.live = self.live(&targets, &mut incomplete).await;
                review.plan = Ok(Arc::new(self.plan(&targets, &review.live, &review.kinds, &review.commits)));
                if placed.iter().all(|placed| placed.deployed.is_some()) {
                    match self.render(&placed, |placed| placed.deployed).await {
                        Ok(old) => review.changes = changes(&old, &targets),
                        Err(error) => incomplete.push(format!("the deployed manifests: {error}")),
                    }
                }
                review.targets = targets;
            }
            Err(error) => review.plan = Err(error),
        }
        review.incomplete = incomplete;
        review
    }

    /// The revisions of each source; and where it is, unless something is missing.
    async fn revisions(&self) -> (Revisions, Vec<Option<Placed>>) {
        let mut revisions = Revisions::default();
        let mut all = Vec::new();
        for (index, source) in self.application.spec.effective_sources().iter().enumerate() {
            let wanted = self.asked.get(index).filter(|asked| !asked.is_empty());
            let wanted = wanted.map_or(source.effective_target_revision(), String::as_str).to_owned();
            let (told, placed) = self.source(source, deployed(&self.application, index), wanted).await;
            revisions.sources.push(told);
            all.push(placed);
        }
        (revisions, all)
    }

    async fn source(&self, source: &Source, deployed: String, wanted: String) -> (SourceRevisions, Option<Placed>) {
        let mut told = SourceRevisions { path: source.path.clone(), ..SourceRevisions::default() };
        let url = match self.repos.parse(&source.repo_url) {
            _ if !source.chart.is_empty() => {
                told.repository.clone_from(&source.repo_url);
                told.problem = Some(format!("{} is a chart of a registry, which is not read", source.chart));
                return (told, None);
            }
            Ok(url) => url,
            Err(error) => {
                told.problem = Some(error.to_string());
                return (told, None);
            }
        };
        told.repository = url.to_string();
        let state = self.repos.state(&url);
        told.fetched = state.fetched;
        let Some(path) = self.repos.path(&url) else {
            told.problem = Some("Git is not asked".to_owned());
            return (told, None);
        };
        let (folder, source, fresh) = (path.clone(), source.clone(), told);
        let read = tokio::task::spawn_blocking(move || read_source(&folder, &source, &deployed, &wanted, fresh)).await;
        let Ok((mut told, placed)) = read else { return (SourceRevisions::default(), None) };
        // Why it could not be fetched says more than that it is not there.
        if let Some(problem) = state.problem {
            told.problem = Some(problem);
        }
        (told, placed)
    }

    async fn render(
        &self,
        placed: &[Placed],
        at: impl Fn(&Placed) -> Option<CommitId>,
    ) -> Result<Vec<Arc<Object>>, String> {
        let sources = placed
            .iter()
            .filter_map(|own| {
                Some(SourceAt { source: own.source.clone(), commit: at(own)?, repository: own.path.clone() })
            })
            .collect();
        let request = RenderRequest {
            application: self.application.key.name.to_string(),
            namespace: self.application.spec.destination.namespace.clone(),
            sources,
            kube_version: String::new(),
            api_versions: self.destination.as_ref().map(|(_, kinds)| kinds.api_versions()).unwrap_or_default(),
        };
        let rendered = render(&request, self.cluster.clock()).await.map_err(|error| error.to_string())?;
        Ok(rendered.manifests().map(|manifest| Arc::new(manifest.object.clone())).collect())
    }

    fn kinds(&self, incomplete: &mut Vec<String>) -> Kinds {
        let Some((_, kinds)) = &self.destination else {
            incomplete.push("the destination cluster was not asked".to_owned());
            return Kinds::well_known();
        };
        let mut infos: BTreeMap<(String, String), KindInfo> = BTreeMap::new();
        for kind in kinds.iter() {
            let id = (kind.group.clone(), kind.kind.clone());
            let info =
                infos.entry(id).or_insert_with(|| KindInfo { namespaced: kind.namespaced, versions: Vec::new() });
            info.versions.push(kind.version.clone());
        }
        Kinds::of_cluster(infos)
    }

    /// The live objects that Git has no more: what would be pruned.
    async fn live(&self, targets: &[Arc<Object>], incomplete: &mut Vec<String>) -> Vec<Arc<Object>> {
        let wanted: HashSet<(String, String, String)> = targets
            .iter()
            .map(|object| (object.group().to_owned(), object.kind().to_owned(), object.name().to_owned()))
            .collect();
        let resources = self.application.status.resources.iter().filter(|resource| !resource.hook);
        let gone: Vec<_> = resources
            .filter(|own| !wanted.contains(&(own.group.clone(), own.kind.clone(), own.name.clone())))
            .collect();
        let Some((cluster, kinds)) = &self.destination else { return Vec::new() };
        if gone.len() > ASKED {
            incomplete.push(format!("only {ASKED} of {} objects that Git has no more were looked at", gone.len()));
        }
        let mut live = Vec::new();
        for own in gone.into_iter().take(ASKED) {
            let Some(kind) = kinds.find(&own.group, &own.kind) else { continue };
            match cluster.get(kind, &own.namespace, &own.name).await {
                Ok(Some(object)) => live.push(Arc::new(object)),
                Ok(None) => {}
                Err(error) => incomplete.push(error.to_string()),
            }
        }
        live
    }

    fn plan(
        &self,
        targets: &[Arc<Object>],
        live: &[Arc<Object>],
        kinds: &Kinds,
        commits: &[String],
    ) -> crate::domain::plan::Plan {
        let spec = &self.application.spec;
        let request = SyncRequest {
            sync_options: spec.sync_policy.sync_options.clone(),
            prune: spec.sync_policy.automated.is_some_and(|automated| automated.prune),
            ..SyncRequest::default()
        };
        let permits = |key: &ObjectKey, namespaced: bool| match &self.project {
            Some(project) => project.permits_object(key, namespaced, &spec.destination.server, &spec.destination.name),
            None => Ok(()),
        };
        plan(&PlanInput {
            targets,
            live,
            kinds,
            request: &request,
            destination_namespace: &spec.destination.namespace,
            live_namespace: None,
            namespace_metadata: spec.sync_policy.managed_namespace_metadata.as_ref(),
            revision: if commits.len() == 1 { commits.first().map_or("", String::as_str) } else { "" },
            started_at: self.cluster.server_now(),
            permission: Permission::Ask(&permits),
            out_of_sync: None,
            recorded: None,
            unique_names: false,
        })
    }
}

/// What is deployed of a source: what the last operation that succeeded brought.
fn deployed(application: &Application, index: usize) -> String {
    let Some(last) = application.status.history.last() else { return String::new() };
    if last.revisions.is_empty() && index == 0 {
        return last.revision.clone();
    }
    last.revisions.get(index).cloned().unwrap_or_default()
}

fn read_source(
    path: &std::path::Path,
    source: &Source,
    deployed: &str,
    wanted: &str,
    mut told: SourceRevisions,
) -> (SourceRevisions, Option<Placed>) {
    let Ok(repository) = Repository::open(path) else {
        told.problem = Some("the repository was not fetched yet".to_owned());
        return (told, None);
    };
    let target = match repository.resolve(wanted) {
        Ok(target) => Some(target),
        Err(error) => {
            told.problem = Some(error.to_string());
            None
        }
    };
    let deployed = CommitId::parse(deployed).filter(|commit| repository.resolve(&commit.to_string()).is_ok());
    told.target = target.and_then(|target| summary(&repository, target));
    told.deployed = deployed.and_then(|deployed| summary(&repository, deployed));
    if let Some(target) = target {
        match repository.log(deployed, target, &source.path, COMMITS, WALK) {
            Ok(log) => {
                told.behind = if deployed.is_some() { log.touching } else { 0 };
                told.between = if deployed.is_some() { log.total } else { 0 };
                told.truncated = log.truncated;
                told.commits = log.commits.iter().map(commit).collect();
            }
            Err(error) => told.problem = Some(error.to_string()),
        }
        if let Some(deployed) = deployed {
            told.ahead = repository.ahead_behind(deployed, target).map_or(0, |(ahead, _)| ahead);
            let files = repository.changes(deployed, target, &source.path).unwrap_or_default();
            told.files = files
                .into_iter()
                .map(|file| ChangedFile {
                    path: file.path,
                    old_path: file.old_path,
                    status: match file.kind {
                        ChangeKind::Added => FileStatus::Added,
                        ChangeKind::Deleted => FileStatus::Deleted,
                        ChangeKind::Modified => FileStatus::Modified,
                        ChangeKind::Renamed => FileStatus::Renamed,
                    },
                })
                .collect();
        }
    }
    (told, Some(Placed { source: source.clone(), path: path.to_owned(), deployed, target }))
}

fn summary(repository: &Repository, id: CommitId) -> Option<CommitSummary> {
    let mut summary = commit(&repository.commit_details(id).ok()?);
    summary.names = repository.names_of(id).unwrap_or_default();
    Some(summary)
}

fn commit(commit: &Commit) -> CommitSummary {
    CommitSummary {
        sha: commit.id.to_string(),
        subject: commit.subject.clone(),
        body: commit.body.clone(),
        author: commit.author.clone(),
        time: commit.time,
        names: Vec::new(),
    }
}

/// What can stand in the revision field, from what is cached.
pub(super) fn names(path: &std::path::Path, source: &Source) -> Result<RevisionNames, String> {
    let repository = Repository::open(path).map_err(|error| error.to_string())?;
    let target = repository.resolve(source.effective_target_revision()).ok();
    let log = target.and_then(|target| repository.log(None, target, &source.path, COMMITS, 2_000).ok());
    Ok(RevisionNames {
        branches: repository.branches().map_err(|error| error.to_string())?,
        tags: repository.tags().map_err(|error| error.to_string())?,
        commits: log.map(|log| log.commits.iter().map(commit).collect()).unwrap_or_default(),
    })
}

/// The objects whose manifests differ.
fn changes(old: &[Arc<Object>], new: &[Arc<Object>]) -> Vec<ChangedObject> {
    let index = |objects: &[Arc<Object>]| -> BTreeMap<ObjectKey, Arc<Object>> {
        let key = |object: &Object| {
            let mut key = object.key();
            if key.name.is_empty() {
                object.generate_name().clone_into(&mut key.name);
            }
            key
        };
        objects.iter().map(|object| (key(object), Arc::clone(object))).collect()
    };
    let (old, new) = (index(old), index(new));
    let keys: std::collections::BTreeSet<&ObjectKey> = old.keys().chain(new.keys()).collect();
    keys.into_iter()
        .filter_map(|key| {
            let (before, after) = (old.get(key), new.get(key));
            let change = match (before, after) {
                (None, Some(_)) => ObjectChange::Added,
                (Some(_), None) => ObjectChange::Removed,
                (Some(before), Some(after)) if before != after => ObjectChange::Changed,
                _ => return None,
            };
            let is_hook =
                after.or(before).is_some_and(|object| matches!(classify(object), Classification::Hook { .. }));
            let (before, after) = hide(before, after);
            Some(ChangedObject { key: key.clone(), change, is_hook, old: before, new: after })
        })
        .collect()
}

/// Both sides of a difference without the values of Secrets: a value that differs is seen to differ.
fn hide(old: Option<&Arc<Object>>, new: Option<&Arc<Object>>) -> (Option<Arc<Object>>, Option<Arc<Object>>) {
    let is_secret = |object: &Arc<Object>| object.group().is_empty() && object.kind() == "Secret";
    if !old.or(new).is_some_and(is_secret) {
        return (old.cloned(), new.cloned());
    }
    let value = |object: Option<&Arc<Object>>, field: &str, name: &str| -> Option<Value> {
        object?.at(&[field, name]).cloned()
    };
    let masked = |object: Option<&Arc<Object>>, other: Option<&Arc<Object>>, word: &str| {
        let own = object?;
        let mut copy = without_secrets((**own).clone());
        for field in ["data", "stringData"] {
            let Some(values) = copy.as_json_mut().get_mut(field).and_then(Value::as_object_mut) else { continue };
            for (name, shown) in values {
                if value(object, field, name) != value(other, field, name) {
                    *shown = json!(format!("{HIDDEN} {word}"));
                }
            }
        }
        Some(Arc::new(copy))
    };
    (masked(old, new, "before"), masked(new, old, "changed"))
}

/// An object, with the values of a Secret hidden.
pub(super) fn without_secrets(mut object: Object) -> Object {
    if !object.group().is_empty() || object.kind() != "Secret" {
        return object;
    }
    let fields = object.as_json_mut();
    for field in ["data", "stringData"] {
        if let Some(values) = fields.get_mut(field).and_then(Value::as_object_mut) {
            for value in values.values_mut() {
                *value = json!(HIDDEN);
            }
        }
    }
    // kubectl keeps the whole manifest there.
    if let Some(annotations) =
        fields.get_mut("metadata").and_then(|metadata| metadata.get_mut("annotations")).and_then(Value::as_object_mut)
    {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(value: &str) -> Arc<Object> {
        let value = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "s", "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": value } }, "data": { "a": value, "same": "x" } });
        Arc::new(Object::from_json(value).unwrap())
    }

    #[test]
    fn values_of_secrets_are_never_in_a_difference() {
        let changed = changes(&[secret("one")], &[secret("two")]);
        let text = format!(
            "{:?}",
            changed
                .iter()
                .map(|c| (c.old.as_ref().map(|o| o.as_json().clone()), c.new.as_ref().map(|o| o.as_json().clone())))
                .collect::<Vec<_>>()
        );
        assert_eq!(changed.len(), 1);
        assert!(!text.contains("one") && !text.contains("two"), "{text}");
        let value = |object: &Option<Arc<Object>>, name: &str| object.as_ref().unwrap().at(&["data", name]).cloned();
        assert_ne!(value(&changed[0].old, "a"), value(&changed[0].new, "a"));
        assert_eq!(value(&changed[0].old, "same"), value(&changed[0].new, "same"));
    }
}
