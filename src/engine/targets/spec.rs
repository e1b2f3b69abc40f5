//! What an Application asks for that the engine does not implement or cannot read: named, never passed over. A field that
//! cannot be read would count as its default, and the default of `dryRun` is a sync.

use serde_json::{Value, json};

use crate::domain::application::Application;
use crate::domain::manifest::Object;
use crate::domain::operation::Retry;
use crate::engine::problem::Problem;

const SPEC: &[&str] =
    &["project", "source", "sources", "destination", "syncPolicy", "ignoreDifferences", "info", "revisionHistoryLimit"];
const SOURCE: &[&str] =
    &["repoURL", "path", "chart", "targetRevision", "ref", "name", "helm", "kustomize", "directory"];
const DESTINATION: &[&str] = &["server", "name", "namespace"];
const AUTOMATED: &[&str] = &["prune", "selfHeal", "allowEmpty", "enabled"];
const RETRY: &[&str] = &["limit", "backoff", "refresh"];
const BACKOFF: &[&str] = &["duration", "factor", "maxDuration"];
const METADATA: &[&str] = &["labels", "annotations"];
const OPERATION: &[&str] = &["initiatedBy", "info", "retry", "sync"];
const SYNC: &[&str] = &[
    "revision",
    "revisions",
    "prune",
    "dryRun",
    "syncStrategy",
    "resources",
    "source",
    "sources",
    "manifests",
    "syncOptions",
    "autoHealAttemptsCount",
];
const STRATEGY: &[&str] = &["hook", "apply"];
const FORCE: &[&str] = &["force"];
const SELECTOR: &[&str] = &["group", "kind", "name", "namespace"];
const POLICY: &[&str] = &["automated", "syncOptions", "retry", "managedNamespaceMetadata"];
const IGNORE: &[&str] = &["group", "kind", "name", "namespace", "jsonPointers", "managedFieldsManagers"];

/// Whether the engine can do all that an Application asks for.
pub(crate) fn check_spec(application: &Object) -> Result<(), Problem> {
    let spec = application.at(&["spec"]).unwrap_or(&Value::Null);
    only(spec, "spec", SPEC)?;
    let policy = [("", POLICY), ("automated", AUTOMATED), ("managedNamespaceMetadata", METADATA), ("retry", RETRY)];
    within(spec, "spec", "destination", DESTINATION)?;
    for (name, known) in policy {
        within(spec, "spec", &format!("syncPolicy/{name}"), known)?;
    }
    within(spec, "spec", "syncPolicy/retry/backoff", BACKOFF)?;
    check_source(spec.get("source").unwrap_or(&Value::Null), "spec.source")?;
    for (index, source) in spec.get("sources").and_then(Value::as_array).into_iter().flatten().enumerate() {
        check_source(source, &format!("spec.sources[{index}]"))?;
    }
    for (index, rule) in spec.get("ignoreDifferences").and_then(Value::as_array).into_iter().flatten().enumerate() {
        only(rule, &format!("spec.ignoreDifferences[{index}]"), IGNORE)?;
    }
    Ok(())
}

/// Whether all fields of a spec can be read.
pub(crate) fn read_spec(application: &Object) -> Result<(), Problem> {
    let spec = application.at(&["spec"]).unwrap_or(&Value::Null);
    let read = readable(&json!({ "spec": spec }))?;
    check_retry(read.spec.sync_policy.retry.as_ref(), "spec.syncPolicy.retry")
}

/// Whether the engine can do all that a request asks for, and can read it.
pub(crate) fn check_operation(application: &Object) -> Result<(), Problem> {
    check_request(application.at(&["operation"]).unwrap_or(&Value::Null))
}

/// The same for the operation that a status tells of, which is what is gone on with.
pub(crate) fn check_recorded(application: &Object) -> Result<(), Problem> {
    const STATE: [&str; 2] = ["status", "operationState"];
    let recorded = application.at(&[STATE[0], STATE[1], "operation"]).unwrap_or(&Value::Null);
    check_request(recorded).map_err(|problem| Problem::invalid_spec(format!("{}.{}", STATE.join("."), problem.message)))
}

fn check_request(operation: &Value) -> Result<(), Problem> {
    let read = readable(&json!({ "operation": operation }))?;
    only(operation, "operation", OPERATION)?;
    for (path, known) in [
        ("retry", RETRY),
        ("retry/backoff", BACKOFF),
        ("sync", SYNC),
        ("sync/syncStrategy", STRATEGY),
        ("sync/syncStrategy/hook", FORCE),
        ("sync/syncStrategy/apply", FORCE),
    ] {
        within(operation, "operation", path, known)?;
    }
    let resources = operation.pointer("/sync/resources").and_then(Value::as_array);
    for (index, selector) in resources.into_iter().flatten().enumerate() {
        only(selector, &format!("operation.sync.resources[{index}]"), SELECTOR)?;
    }
    check_retry(read.operation.as_ref().map(|operation| &operation.retry), "operation.retry")
}

/// A part of an Application, if nothing in it is other than expected.
fn readable(part: &Value) -> Result<Application, Problem> {
    let (read, problems) = Application::from_json("", part);
    match problems.list().first() {
        Some(problem) => Err(Problem::invalid_spec(problem.to_string())),
        None => Ok(read),
    }
}

fn check_retry(retry: Option<&Retry>, path: &str) -> Result<(), Problem> {
    let wait = retry.map_or(Ok(()), |retry| retry.wait(1).map(drop));
    wait.map_err(|error| Problem::invalid_spec(format!("{path}.backoff: {error}")))
}

/// As [`only`], for what is at a path below.
fn within(value: &Value, root: &str, path: &str, known: &[&str]) -> Result<(), Problem> {
    let path = path.trim_end_matches('/');
    let found = value.pointer(&format!("/{path}")).unwrap_or(&Value::Null);
    only(found, &format!("{root}.{}", path.replace('/', ".")), known)
}

/// Where sources are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SourcePath {
    parent: &'static str,
    /// As a list, and be it of one.
    is_list: bool,
}

impl SourcePath {
    /// In an Application's spec.
    pub(crate) fn of_spec(application: &Application) -> Self {
        Self { parent: "spec", is_list: application.spec.has_multiple_sources() }
    }

    /// In a request that brings its own.
    pub(crate) fn of_request(is_list: bool) -> Self {
        Self { parent: "operation.sync", is_list }
    }

    /// The path of one of them.
    pub(super) fn of(self, index: usize) -> String {
        let parent = self.parent;
        if self.is_list { format!("{parent}.sources[{index}]") } else { format!("{parent}.source") }
    }
}

/// Whether the engine can do all that a source asks for; the settings of its tools are checked where they are rendered.
pub(super) fn check_source(source: &Value, path: &str) -> Result<(), Problem> {
    only(source, path, SOURCE)
}

/// Empty values ask for nothing.
fn only(value: &Value, path: &str, known: &[&str]) -> Result<(), Problem> {
    match unknown(value, path, known) {
        Some(path) => Err(Problem::invalid_spec(format!("{path} is not supported by boathook's engine"))),
        None => Ok(()),
    }
}

/// The path of the first field that is not known, if it asks for anything.
pub(crate) fn unknown(value: &Value, path: &str, known: &[&str]) -> Option<String> {
    let is_empty = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    let fields = value.as_object().into_iter().flatten();
    let unknown =
        fields.filter(|(name, value)| !known.contains(&name.as_str()) && !is_empty(value)).map(|(name, _)| name);
    unknown.min().map(|name| format!("{path}.{name}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_implemented_is_named() {
        let refused = |spec: Value| {
            let object = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "spec": spec});
            check_spec(&Object::from_json(object).unwrap()).err().map(|problem| problem.to_string())
        };
        assert_eq!(refused(json!({"project": "", "source": {"repoURL": "x", "plugin": null}})), None);
        for (spec, field) in [
            (json!({"sourceHydrator": {"drySource": {}}}), "spec.sourceHydrator"),
            (json!({"source": {"plugin": {"name": "x"}}}), "spec.source.plugin"),
            (json!({"sources": [{}, {"tagPrefix": "v"}]}), "spec.sources[1].tagPrefix"),
            (
                json!({"ignoreDifferences": [{"jqPathExpressions": [".x"]}]}),
                "spec.ignoreDifferences[0].jqPathExpressions",
            ),
            (json!({"syncPolicy": {"new": 1}}), "spec.syncPolicy.new"),
            (json!({"syncPolicy": {"automated": {"frob": 1}}}), "spec.syncPolicy.automated.frob"),
            (json!({"syncPolicy": {"retry": {"backoff": {"jitter": 1}}}}), "spec.syncPolicy.retry.backoff.jitter"),
            (json!({"destination": {"cluster": "x"}}), "spec.destination.cluster"),
        ] {
            let wanted = format!("InvalidSpecError: {field} is not supported by boathook's engine");
            assert_eq!(refused(spec), Some(wanted));
        }
    }

    fn refused(check: fn(&Object) -> Result<(), Problem>, part: &str, content: &Value) -> String {
        let mut object =
            json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "shop"}});
        object[part] = content.clone();
        check(&Object::from_json(object).unwrap()).err().map(|problem| problem.message).unwrap_or_default()
    }

    #[test]
    fn a_request_that_cannot_be_read_is_no_request_for_the_default() {
        let whole = json!({"initiatedBy": {"username": "a"}, "info": [{"name": "a", "value": "b"}],
            "retry": {"limit": 2, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "3m"}, "refresh": true},
            "sync": {"dryRun": false, "prune": null, "syncStrategy": {"hook": {"force": false}}, "syncOptions": ["A=b"],
                "resources": [{"kind": "Job", "name": "a"}], "source": {"repoURL": "x"}, "autoHealAttemptsCount": 1}});
        assert_eq!(refused(check_operation, "operation", &whole), "");
        for (operation, words) in [
            (json!("x"), "operation: expected an object"),
            (json!({"sync": {"dryRun": "true"}}), "operation.sync.dryRun: expected"),
            (json!({"sync": {"prune": "yes"}}), "operation.sync.prune: expected"),
            (json!({"sync": {"revision": 5}}), "operation.sync.revision: expected"),
            (json!({"sync": {"resources": "x"}}), "operation.sync.resources: expected"),
            (json!({"sync": {"resources": [{"kinds": "x"}]}}), "operation.sync.resources[0].kinds is not supported"),
            (json!({"sync": {"syncStrategy": "apply"}}), "operation.sync.syncStrategy: expected"),
            (
                json!({"sync": {"syncStrategy": {"apply": {"forced": true}}}}),
                "syncStrategy.apply.forced is not supported",
            ),
            (json!({"sync": {"frobnicate": true}}), "operation.sync.frobnicate is not supported"),
            (json!({"retry": {"limit": "q"}}), "operation.retry.limit: expected"),
            (json!({"retry": {"backoff": {"duration": "banana"}}}), "operation.retry.backoff: "),
        ] {
            let told = refused(check_operation, "operation", &operation);
            assert!(told.contains(words), "{operation}: {words:?} is not in {told:?}");
        }
    }

    #[test]
    fn a_spec_that_cannot_be_read_is_no_wish_for_the_default() {
        let spec = json!({"project": "p", "syncPolicy": {"automated": {"enabled": false}, "retry": {"limit": 1}}});
        assert_eq!(refused(read_spec, "spec", &spec), "");
        for (policy, words) in [
            (json!({"automated": {"enabled": "false"}}), "spec.syncPolicy.automated.enabled: expected"),
            (json!({"automated": "yes"}), "spec.syncPolicy.automated: expected"),
            (json!({"automated": {"prune": "yes"}}), "spec.syncPolicy.automated.prune: expected"),
            (json!({"retry": {"limit": "x"}}), "spec.syncPolicy.retry.limit: expected"),
            (json!({"retry": {"backoff": {"duration": "banana"}}}), "spec.syncPolicy.retry.backoff: "),
        ] {
            let told = refused(read_spec, "spec", &json!({ "syncPolicy": policy }));
            assert!(told.contains(words), "{policy}: {words:?} is not in {told:?}");
        }
    }
}
