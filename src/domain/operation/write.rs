//! Writes operations and their states with Argo CD's field names, leaving out what Argo CD leaves out, so that what we
//! write reads the same there as what it writes itself.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::types::{
    Backoff, Info, InitiatedBy, Operation, OperationState, Retry, Selector, Strategy, SyncRequest, SyncResult,
    TaskResult,
};
use crate::domain::hook::HookType;

/// A JSON object in the making. The methods are named after what they take; each leaves out the empty value.
#[derive(Default)]
struct Writer(Map<String, Value>);

impl Writer {
    fn value(mut self, name: &str, value: Value) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    /// A string that is written even if it is empty.
    fn always(self, name: &str, text: &str) -> Self {
        self.value(name, text.into())
    }

    fn text(self, name: &str, text: &str) -> Self {
        if text.is_empty() { self } else { self.always(name, text) }
    }

    fn texts(self, name: &str, texts: &[String]) -> Self {
        if texts.is_empty() { self } else { self.value(name, texts.into()) }
    }

    fn flag(self, name: &str, flag: bool) -> Self {
        if flag { self.value(name, true.into()) } else { self }
    }

    fn integer(self, name: &str, number: i64) -> Self {
        if number == 0 { self } else { self.value(name, number.into()) }
    }

    fn word(self, name: &str, word: Option<impl Serialize>) -> Self {
        match word.and_then(|word| serde_json::to_value(word).ok()) {
            Some(word) => self.value(name, word),
            None => self,
        }
    }

    /// Whole seconds, as `metav1.Time` writes them.
    fn time(self, name: &str, time: Option<Timestamp>) -> Self {
        match time {
            Some(time) => self.value(name, time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into()),
            None => self,
        }
    }

    fn optional(self, name: &str, value: Option<Value>) -> Self {
        match value {
            Some(value) => self.value(name, value),
            None => self,
        }
    }

    fn list<T>(self, name: &str, items: &[T], write: impl Fn(&T) -> Value) -> Self {
        if items.is_empty() { self } else { self.value(name, items.iter().map(write).collect()) }
    }

    fn done(self) -> Value {
        Value::Object(self.0)
    }
}

impl Operation {
    /// The JSON of `.operation`.
    pub fn to_json(&self) -> Value {
        Writer::default()
            .optional("sync", self.sync.as_ref().map(SyncRequest::to_json))
            .value("initiatedBy", self.initiated_by.to_json())
            .list("info", &self.info, Info::to_json)
            .value("retry", self.retry.to_json())
            .done()
    }
}

impl InitiatedBy {
    fn to_json(&self) -> Value {
        Writer::default().text("username", &self.username).flag("automated", self.automated).done()
    }
}

impl Info {
    fn to_json(&self) -> Value {
        Writer::default().always("name", &self.name).always("value", &self.value).done()
    }
}

impl Retry {
    fn to_json(&self) -> Value {
        Writer::default()
            .integer("limit", self.limit)
            .optional("backoff", self.backoff.as_ref().map(Backoff::to_json))
            .flag("refresh", self.refresh)
            .done()
    }
}

impl Backoff {
    fn to_json(&self) -> Value {
        Writer::default()
            .text("duration", &self.duration)
            .optional("factor", self.factor.map(Value::from))
            .text("maxDuration", &self.max_duration)
            .done()
    }
}

impl SyncRequest {
    fn to_json(&self) -> Value {
        Writer::default()
            .text("revision", &self.revision)
            .texts("revisions", &self.revisions)
            .flag("prune", self.prune)
            .flag("dryRun", self.dry_run)
            .value("syncStrategy", self.strategy.to_json())
            .list("resources", &self.resources, Selector::to_json)
            .optional("source", self.source.clone())
            .list("sources", &self.sources, Value::clone)
            .texts("manifests", &self.manifests)
            .texts("syncOptions", &self.sync_options)
            .integer("autoHealAttemptsCount", self.auto_heal_attempts)
            .done()
    }
}

impl Strategy {
    /// One of the two, never both: `apply` would win, and its `force` with it.
    fn to_json(self) -> Value {
        let (name, force) = match self {
            Self::Hook { force } => ("hook", force),
            Self::Apply { force } => ("apply", force),
        };
        Writer::default().value(name, Writer::default().flag("force", force).done()).done()
    }
}

impl Selector {
    fn to_json(&self) -> Value {
        Writer::default()
            .text("group", &self.group)
            .always("kind", &self.kind)
            .always("name", &self.name)
            .text("namespace", &self.namespace)
            .done()
    }
}

impl OperationState {
    /// The JSON of `status.operationState`.
    pub fn to_json(&self) -> Value {
        Writer::default()
            .value("operation", self.operation.to_json())
            .word("phase", self.phase)
            .text("message", &self.message)
            .optional("syncResult", self.sync_result.as_ref().map(SyncResult::to_json))
            .time("startedAt", self.started_at)
            .time("finishedAt", self.finished_at)
            .integer("retryCount", self.retry_count)
            .done()
    }
}

impl SyncResult {
    fn to_json(&self) -> Value {
        Writer::default()
            .list("resources", &self.resources, TaskResult::to_json)
            .always("revision", &self.revision)
            .texts("revisions", &self.revisions)
            .optional("source", self.source.clone())
            .list("sources", &self.sources, Value::clone)
            .optional("managedNamespaceMetadata", self.managed_namespace_metadata.clone())
            .done()
    }
}

impl TaskResult {
    fn to_json(&self) -> Value {
        let deletion = self.hook_type.filter(|kind| matches!(kind, HookType::PreDelete | HookType::PostDelete));
        Writer::default()
            .always("group", &self.key.group)
            .always("version", &self.version)
            .always("kind", &self.key.kind)
            .always("namespace", &self.key.namespace)
            .always("name", &self.key.name)
            .word("status", self.status)
            .text("message", &self.message)
            .word("hookType", self.hook_type)
            .word("hookPhase", self.hook_phase)
            .word("syncPhase", self.sync_phase)
            .word("syncPhase", deletion)
            .texts("images", &self.images)
            .done()
    }
}
