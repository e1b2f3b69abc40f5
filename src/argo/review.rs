//! What Git has of an application that is opened or reviewed: its manifests, and from these the plan.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::commits::{self, Placed};
use super::message::Message;
use super::repositories::Repos;
use crate::cluster::{Cluster, Kinds as ClusterKinds};
use crate::domain::application::Application;
use crate::domain::hook::{Classification, classify};
use crate::domain::live::{ChangedObject, ObjectChange, Review, Revisions};
use crate::domain::manifest::{HIDDEN, Object, ObjectKey, is_secret, without_secrets};
use crate::domain::operation::SyncRequest;
use crate::domain::plan::{KindInfo, Kinds, Permission, PlanInput, plan};
use crate::domain::project::Project;
use crate::git::{CommitId, RenderError, RenderRequest, SourceAt, render};

/// Live objects that are asked for one by one.
const ASKED: usize = 200;

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

impl Look {
    /// Tells what is cached, fetches what is old, and tells again.
    pub(super) async fn run(self) {
        let told = self.tell().await;
        let sources = self.application.spec.effective_sources();
        // Somebody may have typed what was pushed a moment ago.
        let is_unknown = !self.is_own && told.sources.iter().any(|source| source.is_missing);
        let fetch = commits::Fetch {
            repos: &self.repos,
            cluster: &self.cluster,
            home: &self.home,
            sources,
            compared: &commits::compared(&self.application),
            forced: self.forced || is_unknown,
            sender: &self.sender,
        };
        if fetch.run().await || commits::is_stale(&self.repos, sources, &told) {
            self.tell().await;
        }
    }

    async fn tell(&self) -> Arc<Revisions> {
        let review = Arc::new(self.review().await);
        let revisions = Arc::clone(&review.revisions);
        let key = self.application.key.clone();
        let _ = self.sender.send(Message::Reviewed { key, review, is_own: self.is_own }).await;
        revisions
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
            Err(error) => {
                if let RenderError::NoPath { path, .. } = &error {
                    let sources = &mut Arc::make_mut(&mut review.revisions).sources;
                    sources
                        .iter_mut()
                        .filter(|source| source.path == *path)
                        .for_each(|source| source.is_missing = true);
                }
                review.plan = Err(error.to_string());
            }
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
            let deployed = commits::deployed(&self.application, index);
            let (told, placed) = commits::read(&self.repos, source, deployed, wanted).await;
            revisions.sources.push(told);
            all.push(placed);
        }
        (revisions, all)
    }

    async fn render(
        &self,
        placed: &[Placed],
        at: impl Fn(&Placed) -> Option<CommitId>,
    ) -> Result<Vec<Arc<Object>>, RenderError> {
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
        let rendered = render(&request, self.cluster.clock()).await?;
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
    if !old.or(new).is_some_and(|object| is_secret(object)) {
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
