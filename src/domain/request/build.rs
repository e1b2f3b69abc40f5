//! From a request to the one write that carries it out.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::hook::{fail_hook, rerun_hook};
use super::types::{AutoSync, Confirmation, Request, SyncOrder};
use crate::domain::application::{Application, HistoryEntry};
use crate::domain::manifest::Object;
use crate::domain::names;
use crate::domain::operation::{Info, InitiatedBy, Operation, Retry, Strategy, SyncRequest};

/// What is needed beside the request.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The application as it was seen.
    pub application: &'a Application,
    /// The user's name, as the cluster knows it.
    pub user: &'a str,
    /// The hook's Job as it is; only requests about a hook need it.
    pub job: Option<&'a Object>,
    /// The server's time.
    pub now: Timestamp,
    /// The cluster's definition of the Application has no `automated.enabled`, as that of an older Argo CD.
    pub lacks_enabled: bool,
}

/// What a write is made to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteTarget {
    /// The Application itself.
    Application,
    /// A hook's Job, in the cluster where the hooks run.
    Job {
        /// Namespace.
        namespace: String,
        /// Name.
        name: String,
    },
}

/// How.
#[derive(Debug, Clone, PartialEq)]
pub enum WriteBody {
    /// A merge patch that holds the resourceVersion it is based on: it happens to that version or not at all.
    Merge(Value),
    /// A strategic merge patch of the subresource `status`, with resourceVersion.
    StatusPatch(Value),
    /// A new object.
    Create(Value),
}

/// One write, to be shown before it is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// To what.
    pub target: WriteTarget,
    /// What.
    pub body: WriteBody,
    /// In words, a line each: what will happen, and what will not.
    pub says: Vec<String>,
}

/// Builds the write of a request. `Err` names what is missing in the application; reasons that lie in the situation are
/// [`refusals`](super::refusals)' part.
pub fn build(request: &Request, context: &Context<'_>) -> Result<Write, &'static str> {
    let application = context.application;
    let (patch, says) = match request {
        Request::Sync(order) => start(&order_operation(order, context), order_says(order)),
        Request::Retry => {
            let operation = retry_operation(context)?;
            let says = retry_says(operation.sync.as_ref());
            start(&operation, says)
        }
        Request::Rollback { id, prune, hooks } => {
            let entry = application.status.history.iter().find(|entry| entry.id == *id);
            let entry = entry.ok_or("the history has no such entry")?;
            let operation = rollback_operation(entry, *prune, *hooks, context)?;
            let hooks = if *hooks { "hooks of that revision run" } else { "no hooks run" };
            let mut says = vec![format!("deploys entry {id}: {}", or_target(&entry.revision)), hooks.to_owned()];
            if *prune {
                says.push("what that revision does not have is deleted".to_owned());
            }
            start(&operation, says)
        }
        Request::Resume => resume(context)?,
        Request::Abort => (
            json!({ "status": { "operationState": { "phase": "Terminating" } } }),
            vec![
                "running hooks are deleted, with their pods".to_owned(),
                "SyncFail hooks do not run, and nothing is retried".to_owned(),
                "what was applied stays as it is".to_owned(),
            ],
        ),
        Request::Refresh { hard } => {
            let kind = if *hard { "hard" } else { "normal" };
            let annotations = json!({ names::REFRESH: kind, names::REFRESH_TIMESTAMP: context.now.to_string() });
            (
                json!({ "metadata": { "annotations": annotations } }),
                vec![format!("asks for a {kind} comparison with Git")],
            )
        }
        Request::AutoSync(change) => auto_sync(*change, context),
        Request::Confirm(what) => {
            let annotations = json!({ names::DELETION_APPROVED: format!("{:.0}", approval_time(context)) });
            let says = match what {
                Confirmation::Prune => "lets the operation delete the objects that wait for it",
                Confirmation::Delete => "lets the application's objects be deleted that wait for it",
            };
            (json!({ "metadata": { "annotations": annotations } }), vec![says.to_owned()])
        }
        Request::FailHook(_) => {
            return Ok(fail_hook(context.job.ok_or(NO_JOB)?, context.user, context.now));
        }
        Request::RerunHook { why, .. } => {
            let job = context.job.ok_or(NO_JOB)?;
            if !is_over(job) {
                return Err("the hook's Job has not ended: a second one would run beside it");
            }
            return Ok(rerun_hook(job, context.user, why, context.now));
        }
        Request::RepairGhost => (
            json!({ "status": { "operationState": {
                "phase": "Failed",
                "message": "Operation was left behind by its controller",
                "finishedAt": format!("{:.0}", context.now),
            } } }),
            vec!["declares the operation failed that nobody works on any more".to_owned()],
        ),
    };
    Ok(Write { target: WriteTarget::Application, body: WriteBody::Merge(guarded(patch, application)), says })
}

/// Whether a Job has ended, well or not: at least all but in name, with no pod of it left.
fn is_over(job: &Object) -> bool {
    let conditions = job.at(&["status", "conditions"]).and_then(Value::as_array);
    let has = |wanted: [&str; 2]| {
        conditions.into_iter().flatten().any(|condition| {
            let text = |field: &str| condition.get(field).and_then(Value::as_str);
            text("type").is_some_and(|kind| wanted.contains(&kind)) && text("status") == Some("True")
        })
    };
    let count = |field: &str| job.at(&["status", field]).and_then(Value::as_i64).unwrap_or_default();
    has(["Complete", "Failed"])
        || (has(["SuccessCriteriaMet", "FailureTarget"]) && count("active") == 0 && count("terminating") == 0)
}

const NO_JOB: &str = "the hook's Job does not exist any more";

/// The patch happens to the version it is based on, or not at all.
fn guarded(mut patch: Value, application: &Application) -> Value {
    if let Value::Object(fields) = &mut patch {
        let metadata = fields.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
        metadata["resourceVersion"] = Value::String(application.metadata.resource_version.clone());
        metadata["uid"] = Value::String(application.metadata.uid.clone());
    }
    patch
}

/// A new operation, and the last one's state cleared: a controller that found it unfinished would go on with it and
/// pass over the request.
fn start(operation: &Operation, says: Vec<String>) -> (Value, Vec<String>) {
    (json!({ "operation": operation.to_json(), "status": { "operationState": null } }), says)
}

fn order_operation(order: &SyncOrder, context: &Context<'_>) -> Operation {
    let spec = &context.application.spec;
    let policy = &spec.sync_policy;
    let sync = SyncRequest {
        revision: order.revision.clone(),
        revisions: order.revisions.clone(),
        prune: order.prune,
        dry_run: order.dry_run,
        strategy: order.strategy,
        resources: order.resources.clone(),
        sync_options: order.sync_options.clone().unwrap_or_else(|| policy.sync_options.clone()),
        ..SyncRequest::default()
    };
    Operation {
        initiated_by: by(context),
        info: order.info.clone(),
        retry: order.retry.clone().or_else(|| policy.retry.clone()).unwrap_or_default(),
        sync: Some(sync),
    }
}

fn order_says(order: &SyncOrder) -> Vec<String> {
    let mut says = Vec::new();
    let revisions = if order.revisions.is_empty() { order.revision.clone() } else { order.revisions.join(", ") };
    says.push(format!("syncs to {}", or_target(&revisions)));
    let hooks = matches!(order.strategy, Strategy::Hook { .. }) && order.resources.is_empty();
    says.push(if hooks { "hooks run" } else { "no hooks run" }.to_owned());
    if !order.resources.is_empty() {
        says.push(format!("only {} objects, and no entry in the history", order.resources.len()));
    }
    if order.prune {
        says.push("deletes what Git has no more".to_owned());
    }
    if order.dry_run {
        says.push("changes nothing (dry run)".to_owned());
    }
    if matches!(order.strategy, Strategy::Hook { force: true } | Strategy::Apply { force: true }) {
        says.push("deletes and makes anew what cannot be changed (force)".to_owned());
    }
    says
}

fn retry_operation(context: &Context<'_>) -> Result<Operation, &'static str> {
    let state = context.application.status.operation_state.as_ref().ok_or("there is no operation to repeat")?;
    let mut operation = state.operation.clone();
    let sync = operation.sync.as_mut().ok_or("the last operation was not a sync")?;
    if let Some(result) = &state.sync_result {
        // The commit that failed, not what the branch has come to mean since.
        sync.revision.clone_from(&result.revision);
        sync.revisions.clone_from(&result.revisions);
    }
    operation.initiated_by = by(context);
    Ok(operation)
}

fn retry_says(sync: Option<&SyncRequest>) -> Vec<String> {
    let Some(sync) = sync else { return Vec::new() };
    let revisions = if sync.revisions.is_empty() { sync.revision.clone() } else { sync.revisions.join(", ") };
    let mut says = vec![format!("repeats the last sync at {}", or_target(&revisions))];
    let hooks = matches!(sync.strategy, Strategy::Hook { .. }) && sync.resources.is_empty();
    says.push(if hooks { "all phases run again, also hooks that succeeded" } else { "no hooks run" }.to_owned());
    if !sync.resources.is_empty() {
        says.push(format!("only {} objects, and no entry in the history", sync.resources.len()));
    }
    if sync.prune {
        says.push("deletes what Git has no more".to_owned());
    }
    if sync.dry_run {
        says.push("changes nothing (dry run)".to_owned());
    }
    says
}

fn rollback_operation(
    entry: &HistoryEntry,
    prune: bool,
    hooks: bool,
    context: &Context<'_>,
) -> Result<Operation, &'static str> {
    if entry.source.is_none() && entry.sources.is_empty() {
        return Err("the entry of the history does not say what its source was");
    }
    let sync = SyncRequest {
        revision: entry.revision.clone(),
        revisions: entry.revisions.clone(),
        source: entry.source.clone(),
        sources: entry.sources.clone(),
        prune,
        strategy: if hooks { Strategy::Hook { force: false } } else { Strategy::Apply { force: false } },
        sync_options: context.application.spec.sync_policy.sync_options.clone(),
        ..SyncRequest::default()
    };
    Ok(Operation { initiated_by: by(context), info: Vec::new(), retry: Retry::default(), sync: Some(sync) })
}

/// Without a sync block, so that Argo CD, should it be there, runs nothing; and with the last state left as it is.
fn resume(context: &Context<'_>) -> Result<(Value, Vec<String>), &'static str> {
    let state = context.application.status.operation_state.as_ref().ok_or("there is no operation to resume")?;
    let started = state.started_at.ok_or("the failed operation does not say when it began")?;
    let info = vec![Info { name: names::BOATHOOK_RESUME.to_owned(), value: started.to_string() }];
    let operation = Operation { initiated_by: by(context), info, retry: Retry::default(), sync: None };
    let says = vec!["goes on at the task that failed; what succeeded is not repeated".to_owned()];
    Ok((json!({ "operation": operation.to_json() }), says))
}

fn auto_sync(change: AutoSync, context: &Context<'_>) -> (Value, Vec<String>) {
    let (automated, says) = match change {
        AutoSync::Off if context.lacks_enabled => {
            (Value::Null, vec![format!("switches automated sync off: removes it, {}", settings(context))])
        }
        // Not removed at once: what keeps the Application as Git has it would put back what it misses.
        AutoSync::Off => {
            let mut says = vec!["switches automated sync off, and keeps its settings".to_owned()];
            let automated = context.application.spec.sync_policy.automated;
            if automated.is_none_or(|automated| automated.enabled.is_none()) {
                says.push(format!("where Argo CD has no such switch yet, removes it, {}", settings(context)));
            }
            (json!({ "enabled": false }), says)
        }
        AutoSync::On { prune, self_heal } => {
            let mut automated = json!({ "enabled": null });
            for (field, value) in [("prune", prune), ("selfHeal", self_heal)] {
                if let Some(value) = value {
                    automated[field] = Value::Bool(value);
                }
            }
            (automated, vec!["switches automated sync on".to_owned()])
        }
    };
    (json!({ "spec": { "syncPolicy": { "automated": automated } } }), says)
}

/// What goes with automated sync if it is removed.
fn settings(context: &Context<'_>) -> String {
    let automated = context.application.spec.sync_policy.automated.unwrap_or_default();
    let own = [("prune", automated.prune), ("selfHeal", automated.self_heal), ("allowEmpty", automated.allow_empty)];
    let own: Vec<&str> = own.into_iter().filter(|(_, on)| *on).map(|(name, _)| name).collect();
    if own.is_empty() { "which has no settings".to_owned() } else { format!("and with it {}", own.join(", ")) }
}

/// An approval counts from the operation's begin, or from the deletion, whose times may be of another clock.
fn approval_time(context: &Context<'_>) -> Timestamp {
    let application = context.application;
    let started = application.status.operation_state.as_ref().and_then(|state| state.started_at);
    let deleted = application.metadata.deletion_timestamp;
    [Some(context.now), started, deleted].into_iter().flatten().max().unwrap_or(context.now)
}

fn by(context: &Context<'_>) -> InitiatedBy {
    InitiatedBy { username: context.user.to_owned(), automated: false }
}

fn or_target(revision: &str) -> &str {
    if revision.is_empty() { "the target revision" } else { revision }
}
