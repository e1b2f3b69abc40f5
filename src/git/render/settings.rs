//! How a source is to be rendered, as its `directory`, `helm` and `kustomize` blocks say. A setting that is not
//! implemented is an error that names it, never passed over.

use serde_json::{Map, Value};

use super::error::RenderError;
use crate::domain::application::Source;

/// What makes manifests of a source.
#[derive(Debug, Clone, PartialEq)]
pub enum Tool {
    /// Nothing says which: what lies at the path decides.
    Detect,
    /// Files of manifests.
    Directory(Directory),
    /// `helm template`.
    Helm(Box<Helm>),
    /// `kustomize build`.
    Kustomize(Kustomize),
}

/// `directory`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Directory {
    /// Folders within it too.
    pub recurse: bool,
    /// Only files that match this glob; empty: all.
    pub include: String,
    /// No files that match this glob; empty: none.
    pub exclude: String,
}

/// One entry of `helm.parameters` or `helm.fileParameters`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Path of the value.
    pub name: String,
    /// The value, or the file it is read from.
    pub value: String,
    /// Always a string (`--set-string`).
    pub force_string: bool,
}

/// `helm`.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "Argo CD's own switches")]
pub struct Helm {
    /// Empty: the application's name.
    pub release_name: String,
    /// Empty: the destination's.
    pub namespace: String,
    /// Paths relative to the chart, from the root of the repository (`/x`), or of another source (`$ref/x`).
    pub value_files: Vec<String>,
    /// A values file that is missing is passed over.
    pub ignore_missing_value_files: bool,
    /// Values as written, YAML or JSON.
    pub values: String,
    /// Parameters.
    pub parameters: Vec<Parameter>,
    /// Parameters whose values are files.
    pub file_parameters: Vec<Parameter>,
    /// Leave the chart's `crds` folder out.
    pub skip_crds: bool,
    /// Leave test hooks out.
    pub skip_tests: bool,
    /// Do not check values against the chart's schema.
    pub skip_schema_validation: bool,
    /// Empty: the cluster's.
    pub kube_version: String,
    /// Empty: the cluster's.
    pub api_versions: Vec<String>,
}

/// `kustomize`: what `kustomize edit` writes into a copy before it is built.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kustomize {
    /// Before each name.
    pub name_prefix: String,
    /// Behind each name.
    pub name_suffix: String,
    /// Namespace of everything.
    pub namespace: String,
    /// `name=new:tag`.
    pub images: Vec<String>,
    /// `name=count`.
    pub replicas: Vec<String>,
    /// `key:value` labels of everything.
    pub common_labels: Vec<String>,
    /// Labels replace those that are there.
    pub force_common_labels: bool,
    /// `key:value` annotations of everything.
    pub common_annotations: Vec<String>,
    /// Annotations replace those that are there.
    pub force_common_annotations: bool,
}

impl Tool {
    /// Reads a source's blocks.
    pub fn of(source: &Source) -> Result<Self, RenderError> {
        if !source.chart.is_empty() {
            return Err(RenderError::Unsupported("chart (a Helm repository as source)".to_owned()));
        }
        let written = source.written.as_object();
        let block = |name: &str| written.and_then(|source| source.get(name)).filter(|block| !is_nothing(block));
        if block("plugin").is_some() {
            return Err(RenderError::Unsupported("plugin".to_owned()));
        }
        if let Some(block) = block("helm") {
            return Fields::of("helm", block)?.helm().map(|helm| Self::Helm(Box::new(helm)));
        }
        if let Some(block) = block("kustomize") {
            return Fields::of("kustomize", block)?.kustomize().map(Self::Kustomize);
        }
        if let Some(block) = block("directory") {
            return Fields::of("directory", block)?.directory().map(Self::Directory);
        }
        Ok(Self::Detect)
    }
}

/// Null, false, empty, or made of nothing but such.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_nothing),
        Value::Number(_) | Value::Bool(true) => false,
    }
}

/// The fields of a block that nobody has asked for yet.
struct Fields {
    block: &'static str,
    rest: Map<String, Value>,
}

impl Fields {
    fn of(block: &'static str, value: &Value) -> Result<Self, RenderError> {
        let wrong = || RenderError::Setting { field: block.to_owned(), expected: "an object" };
        let rest = value.as_object().ok_or_else(wrong)?;
        let rest = rest.iter().filter(|(_, value)| !is_nothing(value)).map(|(k, v)| (k.clone(), v.clone())).collect();
        Ok(Self { block, rest })
    }

    fn directory(mut self) -> Result<Directory, RenderError> {
        let directory = Directory {
            recurse: self.flag("recurse")?,
            include: self.text("include")?,
            exclude: self.text("exclude")?,
        };
        self.end()?;
        Ok(directory)
    }

    fn helm(mut self) -> Result<Helm, RenderError> {
        let mut values = self.text("values")?;
        if let Some(object) = self.rest.remove("valuesObject") {
            values = object.to_string();
        }
        match self.text("version")?.as_str() {
            "" | "v3" => {}
            version => return Err(RenderError::Unsupported(format!("helm.version {version:?}"))),
        }
        let helm = Helm {
            release_name: self.text("releaseName")?,
            namespace: self.text("namespace")?,
            value_files: self.texts("valueFiles")?,
            ignore_missing_value_files: self.flag("ignoreMissingValueFiles")?,
            values,
            parameters: self.parameters("parameters", "value")?,
            file_parameters: self.parameters("fileParameters", "path")?,
            skip_crds: self.flag("skipCrds")?,
            skip_tests: self.flag("skipTests")?,
            skip_schema_validation: self.flag("skipSchemaValidation")?,
            kube_version: self.text("kubeVersion")?,
            api_versions: self.texts("apiVersions")?,
        };
        self.end()?;
        // Argo CD puts its own variables in: without that, the dollar sign would be deployed.
        let substituted = helm.parameters.iter().map(|parameter| &parameter.value).chain(&helm.value_files);
        if substituted.chain([&helm.values]).any(|text| text.contains("$ARGOCD_") || text.contains("${ARGOCD_")) {
            return Err(RenderError::Unsupported("helm block with $ARGOCD_ variables".to_owned()));
        }
        Ok(helm)
    }

    fn kustomize(mut self) -> Result<Kustomize, RenderError> {
        let kustomize = Kustomize {
            name_prefix: self.text("namePrefix")?,
            name_suffix: self.text("nameSuffix")?,
            namespace: self.text("namespace")?,
            images: self.texts("images")?,
            replicas: self.replicas()?,
            common_labels: self.pairs("commonLabels")?,
            force_common_labels: self.flag("forceCommonLabels")?,
            common_annotations: self.pairs("commonAnnotations")?,
            force_common_annotations: self.flag("forceCommonAnnotations")?,
        };
        self.end()?;
        Ok(kustomize)
    }

    /// What is left is what boathook does not do.
    fn end(self) -> Result<(), RenderError> {
        match self.rest.keys().next() {
            Some(field) => Err(RenderError::Unsupported(format!("{}.{field}", self.block))),
            None => Ok(()),
        }
    }

    fn wrong(&self, field: &str, expected: &'static str) -> RenderError {
        RenderError::Setting { field: format!("{}.{field}", self.block), expected }
    }

    fn flag(&mut self, field: &str) -> Result<bool, RenderError> {
        match self.rest.remove(field) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err(self.wrong(field, "true or false")),
        }
    }

    fn text(&mut self, field: &str) -> Result<String, RenderError> {
        match self.rest.remove(field) {
            None => Ok(String::new()),
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(self.wrong(field, "a string")),
        }
    }

    fn texts(&mut self, field: &str) -> Result<Vec<String>, RenderError> {
        let items = match self.rest.remove(field) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(self.wrong(field, "a list of strings")),
        };
        let texts = items.into_iter().map(|item| match item {
            Value::String(text) => Ok(text),
            _ => Err(self.wrong(field, "a list of strings")),
        });
        texts.collect()
    }

    fn parameters(&mut self, field: &str, value: &str) -> Result<Vec<Parameter>, RenderError> {
        let items = match self.rest.remove(field) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(self.wrong(field, "a list of objects")),
        };
        let read = |item: Value| {
            Some(Parameter {
                name: item.get("name")?.as_str()?.to_owned(),
                value: item.get(value).map_or(Some(""), Value::as_str)?.to_owned(),
                force_string: item.get("forceString").map_or(Some(false), Value::as_bool)?,
            })
        };
        items
            .into_iter()
            .map(|item| read(item).ok_or_else(|| self.wrong(field, "a list of names and values")))
            .collect()
    }

    fn pairs(&mut self, field: &str) -> Result<Vec<String>, RenderError> {
        let pairs = match self.rest.remove(field) {
            None => return Ok(Vec::new()),
            Some(Value::Object(pairs)) => pairs,
            Some(_) => return Err(self.wrong(field, "an object of strings")),
        };
        let texts = pairs.into_iter().map(|(key, value)| match value {
            Value::String(value) => Ok(format!("{key}:{value}")),
            _ => Err(self.wrong(field, "an object of strings")),
        });
        texts.collect()
    }

    fn replicas(&mut self) -> Result<Vec<String>, RenderError> {
        let wrong = || self.wrong("replicas", "a list of names and counts");
        let items = match self.rest.get("replicas") {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(wrong()),
        };
        let read = |item: &Value| {
            let count = match item.get("count")? {
                Value::String(count) => count.parse().ok()?,
                count => count.as_u64()?,
            };
            Some(format!("{}={count}", item.get("name")?.as_str()?))
        };
        let replicas = items.iter().map(|item| read(item).ok_or_else(wrong)).collect::<Result<_, _>>()?;
        self.rest.remove("replicas");
        Ok(replicas)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tool(written: Value) -> Result<Tool, RenderError> {
        let chart = written.get("chart").and_then(Value::as_str).unwrap_or_default().to_owned();
        Tool::of(&Source { chart, written, ..Source::default() })
    }

    #[test]
    fn what_is_not_implemented_is_named() {
        for (written, named) in [
            (json!({"chart": "redis"}), "chart"),
            (json!({"plugin": {"name": "x"}}), "plugin"),
            (json!({"directory": {"jsonnet": {"tlas": [{"name": "a"}]}}}), "directory.jsonnet"),
            (json!({"helm": {"passCredentials": true}}), "helm.passCredentials"),
            (json!({"helm": {"version": "v2"}}), "helm.version"),
            (json!({"helm": {"somethingNew": 1}}), "helm.somethingNew"),
            (json!({"helm": {"values": "a: $ARGOCD_APP_NAME"}}), "$ARGOCD_"),
            (json!({"kustomize": {"patches": [{"patch": "x"}]}}), "kustomize.patches"),
            (json!({"kustomize": {"components": ["x"]}}), "kustomize.components"),
        ] {
            let error = tool(written.clone()).unwrap_err();
            assert!(matches!(error, RenderError::Unsupported(_)), "{written}: {error}");
            assert!(error.to_string().contains(named), "{written}: {error}");
        }
    }

    #[test]
    fn empty_blocks_say_nothing() {
        for written in [json!({}), json!({"helm": {}}), json!({"directory": {"jsonnet": {}, "recurse": false}})] {
            assert_eq!(tool(written.clone()), Ok(Tool::Detect), "{written}");
        }
    }

    #[test]
    fn wrong_types_are_named() {
        for written in [
            json!({"helm": {"valueFiles": "a"}}),
            json!({"helm": {"parameters": [{"value": "x"}]}}),
            json!({"kustomize": {"replicas": [{"name": "a", "count": -1}]}}),
            json!({"directory": {"recurse": "yes"}}),
        ] {
            assert!(matches!(tool(written.clone()), Err(RenderError::Setting { .. })), "{written}");
        }
    }

    #[test]
    fn blocks_are_read() {
        let written =
            json!({"helm": {"valuesObject": {"a": 1}, "values": "b: 2", "parameters": [{"name": "c", "value": "3"}]}});
        let Ok(Tool::Helm(helm)) = tool(written) else { panic!("not Helm") };
        assert_eq!(helm.values, r#"{"a":1}"#, "valuesObject wins");
        assert_eq!(helm.parameters[0].name, "c");
        let Ok(Tool::Kustomize(kustomize)) = tool(json!({"kustomize": {"replicas": [{"name": "a", "count": "2"}]}}))
        else {
            panic!("not Kustomize")
        };
        assert_eq!(kustomize.replicas, ["a=2"]);
    }
}
