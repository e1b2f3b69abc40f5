//! Fields of a spec that the engine does not implement: named, never passed over.

use serde_json::Value;

use crate::domain::manifest::Object;
use crate::engine::problem::Problem;

const SPEC: &[&str] =
    &["project", "source", "sources", "destination", "syncPolicy", "ignoreDifferences", "info", "revisionHistoryLimit"];
const SOURCE: &[&str] =
    &["repoURL", "path", "chart", "targetRevision", "ref", "name", "helm", "kustomize", "directory"];
const POLICY: &[&str] = &["automated", "syncOptions", "retry", "managedNamespaceMetadata"];
const IGNORE: &[&str] = &["group", "kind", "name", "namespace", "jsonPointers", "managedFieldsManagers"];

/// Whether the engine can do all that an Application asks for.
pub(crate) fn check_spec(application: &Object) -> Result<(), Problem> {
    let spec = application.at(&["spec"]).unwrap_or(&Value::Null);
    only(spec, "spec", SPEC)?;
    only(spec.get("syncPolicy").unwrap_or(&Value::Null), "spec.syncPolicy", POLICY)?;
    check_source(spec.get("source").unwrap_or(&Value::Null), "spec.source")?;
    for (index, source) in spec.get("sources").and_then(Value::as_array).into_iter().flatten().enumerate() {
        check_source(source, &format!("spec.sources[{index}]"))?;
    }
    for (index, rule) in spec.get("ignoreDifferences").and_then(Value::as_array).into_iter().flatten().enumerate() {
        only(rule, &format!("spec.ignoreDifferences[{index}]"), IGNORE)?;
    }
    Ok(())
}

/// Whether the engine can do all that a source asks for; the settings of its tools are checked where they are rendered.
pub(super) fn check_source(source: &Value, path: &str) -> Result<(), Problem> {
    only(source, path, SOURCE)
}

/// Empty values ask for nothing.
fn only(value: &Value, path: &str, known: &[&str]) -> Result<(), Problem> {
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
    match unknown.min() {
        Some(name) => Err(Problem::invalid_spec(format!("{path}.{name} is not supported by boathook's engine"))),
        None => Ok(()),
    }
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
        ] {
            let wanted = format!("InvalidSpecError: {field} is not supported by boathook's engine");
            assert_eq!(refused(spec), Some(wanted));
        }
    }
}
