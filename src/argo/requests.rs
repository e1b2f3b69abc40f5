//! Carries requests out: one guarded write each, what to do about conflicts, and what if no answer comes.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::mpsc;

use super::answer::{contains, dropped, is_being_failed, without_guard};
use super::destinations::{self, DestinationRef};
use super::hub_fleet::is_denied;
use super::message::Message;
use super::place::ArgoCd;
use super::start::{applications, projects};
use crate::cluster::{Cluster, ClusterError, Kind, Patch, Subresource, WriteOptions};
use crate::domain::application::{AppKey, Application};
use crate::domain::live::{Outcome, Preview, PreviewError, RequestId, RequestState, RequestUpdate};
use crate::domain::manifest::Object;
use crate::domain::operation::OperationPhase;
use crate::domain::project::{Decision, Project, decide};
use crate::domain::request::{
    AutoSync, Context, Controller, Request, Seen, Situation, Write, WriteBody, WriteTarget, build, refusals, warnings,
};
use crate::store::{RequestEntry, RequestLog};

/// The field manager of what boathook writes.
const MANAGER: &str = "boathook";
/// Writes that are tried again after a conflict, as long as nothing has changed that matters.
const CONFLICTS: u32 = 5;
/// Looks at an object that is as it was before a write without an answer: what is still on its way may come.
const LOOKS: u32 = 4;
/// How long a project that is not known yet is waited for. The controller knows it in any case.
const PROJECT: Duration = Duration::from_secs(5);
/// Argo CD writes the whole state of an operation from what it read before, and so may undo an abort.
const ABORTS: u32 = 5;

/// What is known beside the application.
pub(super) struct Facts {
    pub cluster: Cluster,
    pub argo: ArgoCd,
    pub kubeconfig: Option<PathBuf>,
    pub user: String,
    pub controller: Controller,
    /// By namespace and name, as they were last seen.
    pub projects: HashMap<(String, String), Arc<Project>>,
    /// The namespaces whose projects are known as they are now.
    pub watched: HashSet<String>,
    pub missing_right: Option<String>,
    pub read_only: bool,
    pub log: Option<RequestLog>,
}

/// A request about an application.
pub(super) struct Errand {
    pub key: AppKey,
    pub request: Request,
    pub facts: Facts,
}

/// An application as it was read for a write.
struct Read {
    application: Application,
    object: Object,
}

/// Which operation an abort was meant for. A later one of the same application is somebody else's.
#[derive(Debug, Clone, PartialEq)]
struct Aborted {
    uid: String,
    started_at: Option<Timestamp>,
    retry_count: i64,
    request: Option<Value>,
}

impl Aborted {
    fn of(read: &Read) -> Self {
        let state = read.application.status.operation_state.as_ref();
        Self {
            uid: read.object.uid().to_owned(),
            started_at: state.and_then(|state| state.started_at),
            retry_count: state.map(|state| state.retry_count).unwrap_or_default(),
            request: read.object.at(&["operation"]).cloned(),
        }
    }
}

/// What was sent last.
#[derive(Debug, Default)]
struct Sent {
    /// The operation that the application had then.
    to: Option<Aborted>,
    /// The version that the Application has by the write.
    version: String,
}

/// What the answer to a write tells.
struct Answer {
    /// The version that the Application has by it; empty if it was something else that was written.
    version: String,
    /// The fields that the server took and did not keep.
    lacks: Vec<String>,
}

impl Answer {
    fn of(write: &Write, object: &Object) -> Self {
        let version = object.at(&["metadata", "resourceVersion"]).and_then(Value::as_str).unwrap_or_default();
        let is_own = write.target == WriteTarget::Application;
        Self { version: if is_own { version.to_owned() } else { String::new() }, lacks: dropped(write, object) }
    }
}

/// What a look at an object tells about a write that got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// It happened, or it did not and cannot any more; `None`: the object does not tell.
    Told(Option<bool>),
    /// The object is as it was: the write did not happen, or is on its way.
    NotYet,
}

impl Errand {
    pub(super) async fn preview(&self) -> Result<Preview, PreviewError> {
        let read = self.read().await.map_err(|error| unpreviewed(&error))?;
        let read = read.ok_or_else(|| PreviewError::NotFound(self.key.clone()))?;
        let situation = self.situation(&read).await;
        let refusals = refusals(&self.request, &read.application, &situation);
        let warnings = warnings(&self.request, &situation);
        let write = self.build(&read, false).await.map(|(write, _)| write);
        Ok(Preview { write, refusals, warnings, seen: Seen::of(&read.application, &read.object) })
    }

    /// Carries the request out, once, and tells how it goes.
    pub(super) async fn send(&self, id: RequestId, seen: Option<Seen>, sender: &mpsc::Sender<Message>) {
        let mut sent = Sent::default();
        let outcome = self.carry_out(id, seen, sender, &mut sent).await;
        let is_abort = self.request == Request::Abort && outcome.is_written();
        self.update(id, RequestState::Ended(outcome), sent.version, sender).await;
        if let Some(aborted) = sent.to.filter(|_| is_abort) {
            self.insist(id, &aborted).await;
        }
    }

    async fn carry_out(
        &self,
        id: RequestId,
        seen: Option<Seen>,
        sender: &mpsc::Sender<Message>,
        last: &mut Sent,
    ) -> Outcome {
        let mut seen = seen;
        let mut sent = false;
        let mut lacks_enabled = false;
        for _ in 0..CONFLICTS {
            let read = match self.read().await {
                Ok(Some(read)) => read,
                Ok(None) => return Outcome::NotFound,
                Err(error) => return failed(&error),
            };
            let now = Seen::of(&read.application, &read.object);
            if let Some(seen) = &seen {
                let changed = seen.changed(&now, &self.request);
                if !changed.is_empty() {
                    return Outcome::Changed(changed);
                }
            }
            seen = Some(now);
            let refused = refusals(&self.request, &read.application, &self.situation(&read).await);
            if !refused.is_empty() {
                return Outcome::Refused(refused);
            }
            let (write, destination) = match self.build(&read, lacks_enabled).await {
                Ok(built) => built,
                Err(reason) => return Outcome::Impossible(reason),
            };
            if !std::mem::replace(&mut sent, true) {
                self.update(id, RequestState::Sent(write.clone()), String::new(), sender).await;
            }
            last.to = Some(Aborted::of(&read));
            match self.write_noted(id, &write, destination.as_ref()).await {
                Ok(answer) => {
                    last.version = answer.version;
                    // An older Argo CD. It was said before what happens then.
                    if !answer.lacks.is_empty()
                        && self.request == Request::AutoSync(AutoSync::Off)
                        && !std::mem::replace(&mut lacks_enabled, true)
                    {
                        sent = false;
                        continue;
                    }
                    return if answer.lacks.is_empty() { Outcome::Written } else { Outcome::Dropped(answer.lacks) };
                }
                // It was not applied. Whether it still should be, the next look tells.
                Err(error) if error.is_conflict() => {}
                Err(error) if error.is_outcome_unknown() => {
                    let happened = self.read_back(&write, &read, destination.as_ref()).await;
                    let words = match happened {
                        Some(true) => "read back: it was written",
                        Some(false) => "read back: it was not written",
                        None => "read back: that does not tell whether it was written",
                    };
                    self.note(id, &write, words);
                    return Outcome::Unknown { happened, error: error.to_string() };
                }
                Err(error) => return failed(&error),
            }
        }
        let error = "the application is written by others all the time; every try met a conflict".to_owned();
        Outcome::Failed { error, denied: false, unreachable: false }
    }

    async fn read(&self) -> Result<Option<Read>, ClusterError> {
        let found = self.facts.cluster.get(&applications(), &self.key.namespace, &self.key.name).await?;
        Ok(found.map(|object| {
            let (application, _) = Application::read(Arc::clone(&self.key.cluster), &object);
            Read { application, object }
        }))
    }

    /// What the sync windows say to it now.
    async fn windows(&self, application: &Application) -> Decision {
        if !self.request.starts_operation() {
            return Decision::Allowed;
        }
        let facts = &self.facts;
        let id = (facts.argo.of(application), application.project().to_owned());
        let known = facts.projects.get(&id).cloned();
        let project = match known.filter(|_| facts.watched.contains(&id.0)) {
            Some(project) => Ok(project),
            None => self.project(application, &id).await,
        };
        // What was known of it last is better than nothing.
        let project = match project.or_else(|why| facts.projects.get(&id).cloned().ok_or(why)) {
            Ok(project) => project,
            Err(why) => return Decision::Unknown(why),
        };
        let now = facts.cluster.server_now();
        decide(&project.windows, &application.key.name, &application.spec.destination, true, None, now)
    }

    /// Asks for the project of an application, which nobody watches.
    async fn project(&self, application: &Application, id: &(String, String)) -> Result<Arc<Project>, String> {
        let cluster = &self.facts.cluster;
        let found = cluster.clock().timeout(PROJECT, cluster.get(&projects(), &id.0, &id.1)).await;
        match found.map_err(|_| "the cluster does not answer".to_owned())?.map_err(|error| error.to_string())? {
            Some(object) => Ok(Arc::new(Project::read(&object).0)),
            None => self.facts.argo.without_project(application).map(Arc::new),
        }
    }

    async fn situation(&self, read: &Read) -> Situation {
        let windows = self.windows(&read.application).await;
        let now = self.facts.cluster.server_now();
        let controller = match &self.facts.controller {
            Controller::None | Controller::Unknown if wrote_lately(&read.object, now) => Controller::ArgoCd,
            known => known.clone(),
        };
        Situation {
            controller,
            windows,
            missing_right: self.facts.missing_right.clone(),
            read_only: self.facts.read_only,
        }
    }

    async fn build(&self, read: &Read, lacks_enabled: bool) -> Result<(Write, Option<Cluster>), String> {
        let (mut destination, mut job) = (None, None);
        if let Some(hook) = self.request.hook() {
            let place = &read.application.spec.destination;
            let facts = &self.facts;
            let secrets = facts.argo.secrets(&read.application);
            let wanted = DestinationRef { secrets, name: place.name.clone(), server: place.server.clone() };
            let resolved = destinations::resolve(&facts.cluster, facts.kubeconfig.as_deref(), &wanted);
            let (cluster, _) = resolved.await?;
            job = cluster.get(&jobs(), &hook.namespace, &hook.name).await.map_err(|error| error.to_string())?;
            job = job.filter(|job| hook.uid.is_empty() || job.uid() == hook.uid);
            destination = Some(cluster);
        }
        let now = destination.as_ref().unwrap_or(&self.facts.cluster).server_now();
        let user = &self.facts.user;
        let context = Context { application: &read.application, user, job: job.as_ref(), now, lacks_enabled };
        build(&self.request, &context).map(|write| (write, destination)).map_err(str::to_owned)
    }

    /// Writes, with what is written and what came of it in the log of requests.
    async fn write_noted(
        &self,
        id: RequestId,
        write: &Write,
        destination: Option<&Cluster>,
    ) -> Result<Answer, ClusterError> {
        self.note(id, write, "");
        let result = self.write(write, destination).await.map(|object| Answer::of(write, &object));
        let words = match &result {
            Ok(answer) if answer.lacks.is_empty() => "written".to_owned(),
            Ok(answer) => format!("written without {}", answer.lacks.join(", ")),
            Err(error) => error.to_string(),
        };
        self.note(id, write, &words);
        result
    }

    async fn write(&self, write: &Write, destination: Option<&Cluster>) -> Result<Object, ClusterError> {
        let cluster = destination.unwrap_or(&self.facts.cluster);
        let options = WriteOptions { manager: MANAGER.to_owned(), ..WriteOptions::default() };
        match (&write.target, &write.body) {
            (WriteTarget::Application, WriteBody::Merge(patch)) => {
                let patch = Patch::Merge(patch.clone());
                let (namespace, name) = (&self.key.namespace, &self.key.name);
                cluster.patch(&applications(), namespace, name, &patch, &options).await
            }
            (WriteTarget::Job { namespace, name }, WriteBody::StatusPatch(patch)) => {
                let options = WriteOptions { subresource: Subresource::Status, ..options };
                cluster.patch(&jobs(), namespace, name, &Patch::Strategic(patch.clone()), &options).await
            }
            (WriteTarget::Job { namespace, name }, WriteBody::Merge(patch)) => {
                cluster.patch(&jobs(), namespace, name, &Patch::Merge(patch.clone()), &options).await
            }
            (_, WriteBody::Create(object)) => {
                let action = "creating a Job".to_owned();
                let object = Object::from_json(object.clone())
                    .map_err(|error| ClusterError::Unreadable { action, reason: error.to_string() })?;
                cluster.create(&jobs(), &object, &options).await
            }
            (WriteTarget::Application, WriteBody::StatusPatch(_)) => Err(ClusterError::UnknownKind {
                action: "writing the status of an Application".to_owned(),
                kind: "Application/status".to_owned(),
            }),
        }
    }

    /// No answer came to a write: looks whether it happened. `None`: the cluster does not tell.
    async fn read_back(&self, write: &Write, before: &Read, destination: Option<&Cluster>) -> Option<bool> {
        let clock = self.facts.cluster.clock();
        let mut wait = Duration::from_millis(250);
        let mut looks = 0;
        for _ in 0..10 {
            let seen = match (&write.target, &write.body) {
                (WriteTarget::Application, WriteBody::Merge(patch)) => self
                    .read()
                    .await
                    .map(|now| now.map_or(Look::Told(Some(false)), |now| happened(patch, &before.object, &now.object))),
                (WriteTarget::Job { namespace, name }, body) => {
                    let cluster = destination.unwrap_or(&self.facts.cluster);
                    cluster.get(&jobs(), namespace, name).await.map(|job| match (job, body) {
                        (Some(job), WriteBody::StatusPatch(_)) if !is_being_failed(&job) => Look::NotYet,
                        (Some(_), _) => Look::Told(Some(true)),
                        (None, WriteBody::Create(_)) => Look::NotYet,
                        (None, _) => Look::Told(None),
                    })
                }
                _ => return None,
            };
            match seen {
                Ok(Look::Told(told)) => return told,
                Ok(Look::NotYet) => {
                    looks += 1;
                    if looks == LOOKS {
                        return Some(false);
                    }
                    clock.sleep(wait).await;
                }
                Err(error) if error.is_transient() => clock.sleep(wait).await,
                Err(_) => return None,
            }
            wait = (wait * 2).min(Duration::from_secs(5));
        }
        None
    }

    /// Sees to it that an abort stays: the controller may have written over it what it read before. What runs instead by
    /// then, or runs anew, nobody has asked to abort.
    async fn insist(&self, id: RequestId, aborted: &Aborted) {
        for _ in 0..ABORTS {
            self.facts.cluster.clock().sleep(Duration::from_secs(1)).await;
            let Ok(Some(read)) = self.read().await else { continue };
            let state = read.application.status.operation_state.as_ref();
            let phase = state.and_then(|state| state.phase);
            if read.application.operation.is_none()
                || phase != Some(OperationPhase::Running)
                || Aborted::of(&read) != *aborted
            {
                return;
            }
            // It happens to what was just read, or not at all.
            if let Ok((write, _)) = self.build(&read, false).await {
                let _ = self.write_noted(id, &write, None).await;
            }
        }
    }

    async fn update(&self, id: RequestId, state: RequestState, version: String, sender: &mpsc::Sender<Message>) {
        let (key, name, at) = (self.key.clone(), self.request.name(), self.facts.cluster.server_now());
        let _ = sender.send(Message::Request(RequestUpdate { id, key, name, at, state, version })).await;
    }

    /// Into the log of requests.
    fn note(&self, id: RequestId, write: &Write, result: &str) {
        let Some(log) = &self.facts.log else { return };
        let (verb, body) = match &write.body {
            WriteBody::Merge(body) | WriteBody::StatusPatch(body) => ("patch", body.clone()),
            // A Job may hold values in its environment that nobody should find in a log.
            WriteBody::Create(body) => ("create", body.get("metadata").cloned().unwrap_or_default()),
        };
        let object = match &write.target {
            WriteTarget::Application => format!("Application {}/{}", self.key.namespace, self.key.name),
            WriteTarget::Job { namespace, name } => format!("Job {namespace}/{name}"),
        };
        let entry = RequestEntry {
            at: Some(self.facts.cluster.clock().now()),
            id: id.0,
            cluster: self.key.cluster.to_string(),
            namespace: self.key.namespace.to_string(),
            application: self.key.name.to_string(),
            request: self.request.name().to_owned(),
            verb: verb.to_owned(),
            object,
            body,
            result: result.to_owned(),
            ..RequestEntry::default()
        };
        if let Err(error) = log.append(entry) {
            tracing::warn!(%error, "a request is not in the log of requests");
        }
    }
}

fn jobs() -> Kind {
    Kind::known("batch", "v1", "Job", "jobs", true)
}

fn unpreviewed(error: &ClusterError) -> PreviewError {
    let words = error.to_string();
    if is_denied(error) {
        PreviewError::Denied(words)
    } else if error.is_transient() {
        PreviewError::Unreachable(words)
    } else {
        PreviewError::Failed(words)
    }
}

fn failed(error: &ClusterError) -> Outcome {
    Outcome::Failed {
        error: error.to_string(),
        denied: is_denied(error),
        unreachable: matches!(error, ClusterError::Unreachable { .. } | ClusterError::NoAnswer { .. }),
    }
}

/// Whether Argo CD's controller wrote the object within the last ten minutes.
fn wrote_lately(object: &Object, now: Timestamp) -> bool {
    let fields = object.at(&["metadata", "managedFields"]).and_then(Value::as_array);
    fields.into_iter().flatten().any(|entry| {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
        let at: Option<Timestamp> = text("time").parse().ok();
        text("manager") == "argocd-application-controller"
            && at.is_some_and(|at| now.duration_since(at) < SignedDuration::from_mins(10))
    })
}

/// Whether a merge patch has happened to an object since it was read as `before`.
fn happened(patch: &Value, before: &Object, now: &Object) -> Look {
    let version = |object: &Object| object.at(&["metadata", "resourceVersion"]).cloned();
    if version(before) == version(now) && before.uid() == now.uid() {
        return Look::NotYet;
    }
    if before.uid() != now.uid() {
        return Look::Told(None);
    }
    let wanted = without_guard(patch);
    let own = Value::Object(now.as_json().clone());
    if contains(&own, &wanted) {
        return Look::Told(Some(true));
    }
    // An operation that was taken, and maybe ended, since: its state holds a copy of the request.
    if let Some(operation) = wanted.get("operation") {
        let copy = now.at(&["status", "operationState", "operation"]);
        let started = |object: &Object| object.at(&["status", "operationState", "startedAt"]).cloned();
        let taken = copy.is_some_and(|copy| contains(copy, operation)) && started(now) != started(before);
        return Look::Told(Some(taken));
    }
    Look::Told(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn app(version: &str, rest: &Value) -> Object {
        let mut value = json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": { "name": "a", "uid": "u", "resourceVersion": version } });
        for (name, part) in rest.as_object().unwrap() {
            value[name] = part.clone();
        }
        Object::from_json(value).unwrap()
    }

    #[test]
    fn reading_back_tells_whether_a_write_happened() {
        let operation = json!({ "sync": { "revision": "abc" } });
        let patch = json!({ "metadata": { "resourceVersion": "1", "uid": "u" }, "operation": operation, "status": { "operationState": null } });
        let before = app("1", &json!({}));
        let table = [
            ("nothing was written, or not yet", app("1", &json!({})), Look::NotYet),
            ("it is there", app("2", &json!({ "operation": operation })), Look::Told(Some(true))),
            (
                "it was taken",
                app(
                    "3",
                    &json!({ "operation": operation, "status": { "operationState": { "operation": operation, "startedAt": "2026-11-22T10:00:00Z" } } }),
                ),
                Look::Told(Some(true)),
            ),
            (
                "it is over already",
                app(
                    "9",
                    &json!({ "status": { "operationState": { "operation": operation, "startedAt": "2026-11-22T10:00:00Z", "phase": "Succeeded" } } }),
                ),
                Look::Told(Some(true)),
            ),
            (
                "another was faster",
                app("2", &json!({ "operation": { "sync": { "revision": "def" } } })),
                Look::Told(Some(false)),
            ),
        ];
        for (name, now, expected) in table {
            assert_eq!(happened(&patch, &before, &now), expected, "{name}");
        }
        let refresh = json!({ "metadata": { "resourceVersion": "1", "annotations": { "argocd.argoproj.io/refresh": "normal" } } });
        assert_eq!(
            happened(&refresh, &before, &app("2", &json!({}))),
            Look::Told(None),
            "done and removed, or never there"
        );
    }
}
