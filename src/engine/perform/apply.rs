//! Getting one object into the cluster, as its options say.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::Value;

use super::anew::LOOK;
use super::migrate::take_over;
use super::performer::{Performer, may_pass, told};
use super::schema::{is_not_in_schema, known_part};
use crate::cluster::{self, ClusterError, Kind, WriteOptions};
use crate::domain::manifest::Object;
use crate::domain::step::{Apply, ApplyResult, Change, Method};
use crate::engine::record::{MANAGER, version};

/// How long an applied definition may take until its kind is served. Argo CD waits as long.
const ESTABLISHED: Duration = Duration::from_secs(3);

/// Applies an object, or tries to.
pub(super) async fn apply(performer: &Performer<'_>, action: &Apply) -> ApplyResult {
    let manifest = &action.manifest;
    let kind = match performer.kind_of(manifest).await {
        Ok(Some(kind)) => kind,
        Ok(None) => {
            let kind = format!("{} {}", manifest.api_version(), manifest.kind());
            return ApplyResult::Failed(format!("the cluster does not serve {kind}"));
        }
        Err(error) if may_pass(&error) => return ApplyResult::Unknown(told(&error)),
        Err(error) => return ApplyResult::Failed(told(&error)),
    };
    let request = Request { performer, action, kind: &kind, refused: OnceLock::new() };
    // Whether a write happened that is answered with an internal error nobody knows, so all of it is done anew: an apply
    // finds what is there, a create that the name is taken, and what is meant for one version of one object is refused.
    match performer.again_after_internal_errors(|| request.send()).await {
        Ok((change, object)) => {
            if !action.dry_run && kind.kind == "CustomResourceDefinition" {
                request.wait_until_established().await;
            }
            ApplyResult::Done { change, object: Arc::new(object) }
        }
        Err(error) if action.method == Method::Create && error.is_already_there() => ApplyResult::AlreadyExists,
        // An operation that repeats for ever what the API server calls its own error hides the reason.
        Err(error) if may_pass(&error) => {
            tracing::warn!(%error, "nobody knows whether an object was applied");
            ApplyResult::Unknown(told(&error))
        }
        // Somebody wrote in between: what to do now is decided anew.
        Err(error) if error.is_conflict() && !is_owned_by_others(&error) => ApplyResult::Unknown(told(&error)),
        Err(error) => {
            performer.destination.doubt(&error);
            ApplyResult::Failed(told(&error))
        }
    }
}

/// A conflict between managers, not between versions. It does not go away by itself.
fn is_owned_by_others(error: &ClusterError) -> bool {
    error.api().is_some_and(|status| status.message.contains("conflict with"))
}

/// One object on its way into the cluster.
pub(super) struct Request<'a> {
    pub(super) performer: &'a Performer<'a>,
    pub(super) action: &'a Apply,
    pub(super) kind: &'a Kind,
    /// Why it could not be made anew, after what lived was deleted. That is done once.
    pub(super) refused: OnceLock<ClusterError>,
}

impl Request<'_> {
    async fn send(&self) -> Result<(Change, Object), ClusterError> {
        match self.action.method {
            Method::Create => self.create().await,
            Method::Apply => self.put().await,
        }
    }

    pub(super) fn options(&self) -> WriteOptions {
        WriteOptions {
            dry_run: self.action.dry_run,
            manager: MANAGER.to_owned(),
            strict: self.action.rule.validate,
            ..WriteOptions::default()
        }
    }

    pub(super) async fn live(&self) -> Result<Option<Object>, ClusterError> {
        let manifest = &self.action.manifest;
        self.performer.cluster().get(self.kind, manifest.namespace(), manifest.name()).await
    }

    pub(super) async fn create(&self) -> Result<(Change, Object), ClusterError> {
        let created = self.performer.cluster().create(self.kind, &self.action.manifest, &self.options()).await?;
        Ok((Change::Created, created))
    }

    async fn put(&self) -> Result<(Change, Object), ClusterError> {
        if let Some(error) = self.refused.get() {
            return Err(error.clone());
        }
        let live = self.live().await?;
        let rule = self.action.rule;
        match (live, rule.replace) {
            (None, true) => self.create().await,
            (Some(live), true) if self.may_make_anew() => {
                self.make_anew(&live).await.map(|object| (Change::Replaced, object))
            }
            (Some(live), true) => {
                let replaced = self.replace(&live).await;
                self.or_make_anew(&live, replaced).await.map(|object| (Change::Replaced, object))
            }
            (None, false) => {
                let object = self.server_side(None).await?;
                Ok((if rule.server_side { Change::ServerSideApplied } else { Change::Created }, object))
            }
            (Some(live), false) => {
                let live = self.take_over(live).await?;
                let applied = self.server_side(Some(&live)).await;
                let object = self.or_make_anew(&live, applied).await?;
                let change = if rule.server_side {
                    Change::ServerSideApplied
                } else if object.uid() == live.uid() && is_unchanged(&live, &object, self.action.dry_run) {
                    Change::Unchanged
                } else {
                    Change::Configured
                };
                Ok((change, object))
            }
        }
    }

    /// Server-side apply. Fields that somebody else owns are taken over, as `kubectl apply` does. With `Validate=false`,
    /// what has fields that nobody knows is created, which drops them, or applied without them.
    async fn server_side(&self, live: Option<&Object>) -> Result<Object, ClusterError> {
        let apply = cluster::Apply { force: true, options: self.options() };
        let manifest = &self.action.manifest;
        let applied = self.performer.cluster().apply(self.kind, manifest, &apply).await;
        match (applied, live) {
            (Err(error), None) if !self.action.rule.validate && is_not_in_schema(&error) => {
                self.create().await.map(|(_, object)| object)
            }
            (Err(error), Some(_)) if !self.action.rule.validate && is_not_in_schema(&error) => {
                let cluster = self.performer.cluster();
                let known = known_part(cluster, self.kind, manifest, &self.options()).await?;
                cluster.apply(self.kind, &known, &apply).await
            }
            (applied, _) => applied,
        }
    }

    async fn replace(&self, live: &Object) -> Result<Object, ClusterError> {
        let mut object = Object::clone(&self.action.manifest);
        if let Some(metadata) = object.as_json_mut().get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("resourceVersion".to_owned(), Value::String(version(live).to_owned()));
        }
        self.performer.cluster().replace(self.kind, &object, &self.options()).await
    }

    /// What Argo CD or kubectl applied before becomes ours. A dry run changes nobody's fields.
    async fn take_over(&self, live: Object) -> Result<Object, ClusterError> {
        let Some(patch) = take_over(&live, self.action.rule.migrate).filter(|_| !self.action.dry_run) else {
            return Ok(live);
        };
        let options = WriteOptions { manager: MANAGER.to_owned(), ..WriteOptions::default() };
        let cluster = self.performer.cluster();
        cluster.patch(self.kind, live.namespace(), live.name(), &patch, &options).await
    }

    /// A definition is served a little later than it is stored, and its kind is discovered a little later still. That it
    /// is not in time is found by who needs it.
    async fn wait_until_established(&self) {
        let text = |path: &[&str]| self.action.manifest.at(path).and_then(Value::as_str).unwrap_or_default();
        let (group, kind) = (text(&["spec", "group"]), text(&["spec", "names", "kind"]));
        let deadline = self.performer.clock.monotonic() + ESTABLISHED;
        while self.performer.clock.monotonic() < deadline {
            if matches!(self.live().await, Ok(Some(object)) if is_established(&object))
                && let Ok(known) = self.performer.destination.rediscover().await
                && known.kinds.find(group, kind).is_some()
            {
                return;
            }
            self.performer.clock.sleep(LOOK).await;
        }
        tracing::warn!(name = self.action.manifest.name(), "a definition is not established yet");
    }
}

fn is_established(definition: &Object) -> bool {
    let conditions = definition.at(&["status", "conditions"]).and_then(Value::as_array).into_iter().flatten();
    let text = |condition: &Value, field: &str| condition.get(field).and_then(Value::as_str) == Some("True");
    let mut established =
        conditions.filter(|condition| condition.get("type").and_then(Value::as_str) == Some("Established"));
    established.any(|condition| text(condition, "status"))
}

/// An apply that changes nothing is no write. A dry run always looks like one, so the contents are compared then.
fn is_unchanged(before: &Object, after: &Object, dry_run: bool) -> bool {
    if !dry_run {
        return version(before) == version(after);
    }
    let content = |object: &Object| {
        let mut content = object.as_json().clone();
        if let Some(metadata) = content.get_mut("metadata").and_then(Value::as_object_mut) {
            for field in ["managedFields", "resourceVersion", "generation"] {
                metadata.remove(field);
            }
        }
        content
    };
    content(before) == content(after)
}
