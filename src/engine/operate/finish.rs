//! What is written and told when an operation is over.

use serde_json::{Map, Value, json};

use crate::domain::application::Application;
use crate::domain::manifest::Object;
use crate::domain::operation::{OperationPhase, OperationState};
use crate::engine::event::{Severity, tell};
use crate::engine::shared::Shared;

/// Entries of history that are kept where the spec does not say.
const HISTORY: usize = 10;

/// `status.history` with an entry for this operation; `None` where it leaves none: it failed, changed nothing, or
/// deployed only a part.
pub(super) fn history(object: &Object, application: &Application, state: &OperationState) -> Option<Value> {
    let request = state.operation.sync.as_ref()?;
    let result = state.sync_result.as_ref()?;
    if state.phase != Some(OperationPhase::Succeeded) || request.dry_run || !request.resources.is_empty() {
        return None;
    }
    let limit = application.spec.revision_history_limit;
    let limit = limit.map_or(HISTORY, |limit| usize::try_from(limit).unwrap_or(0));
    let known = object.at(&["status", "history"]).and_then(Value::as_array).cloned().unwrap_or_default();
    let id = application.status.history.iter().map(|entry| entry.id).max().map_or(0, |last| last.saturating_add(1));
    let mut entry = Map::new();
    entry.insert("id".into(), id.into());
    entry.insert("revision".into(), result.revision.as_str().into());
    if !result.revisions.is_empty() {
        entry.insert("revisions".into(), json!(result.revisions));
    }
    if let Some(source) = &result.source {
        entry.insert("source".into(), source.clone());
    }
    if !result.sources.is_empty() {
        entry.insert("sources".into(), Value::Array(result.sources.clone()));
    }
    for (name, time) in [("deployStartedAt", state.started_at), ("deployedAt", state.finished_at)] {
        if let Some(time) = time {
            entry.insert(name.into(), format!("{time:.0}").into());
        }
    }
    let by = &state.operation.initiated_by;
    let mut initiator = Map::new();
    if !by.username.is_empty() {
        initiator.insert("username".into(), by.username.as_str().into());
    }
    if by.automated {
        initiator.insert("automated".into(), true.into());
    }
    entry.insert("initiatedBy".into(), Value::Object(initiator));
    let mut entries: Vec<Value> = known;
    entries.push(Value::Object(entry));
    let surplus = entries.len().saturating_sub(limit);
    Some(Value::Array(entries.split_off(surplus)))
}

/// Tells of the end with Argo CD's words.
pub(super) async fn tell_end(shared: &Shared, object: &Object, state: &OperationState) {
    let partial = state.operation.sync.as_ref().is_some_and(|sync| !sync.resources.is_empty());
    let what = if partial { "Partial sync operation" } else { "Sync operation" };
    let revision = state.sync_result.as_ref().map_or("", |result| result.revision.as_str());
    let name = format!("{}/{}", object.namespace(), object.name());
    tracing::info!(
        application = name,
        phase = state.phase.map(tracing::field::debug),
        retries = state.retry_count,
        "an operation is over: {}",
        state.message
    );
    let (severity, message) = if state.phase == Some(OperationPhase::Succeeded) {
        (Severity::Normal, format!("{what} to {revision} succeeded"))
    } else {
        (Severity::Warning, format!("{what} to {revision} failed: {}", state.message))
    };
    tell(shared, object, severity, "OperationCompleted", &message).await;
}
