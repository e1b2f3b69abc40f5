//! Helm, by the user's own `helm`.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::RenderError;
use super::settings::{Helm, Parameter};
use crate::clock::Clock;
use crate::git::process::{Limits, Run};

/// What `helm template` is told beside the source's settings.
pub(super) struct Context<'a> {
    /// Name of the application.
    pub application: &'a str,
    /// Namespace of the destination.
    pub namespace: &'a str,
    /// Version of the cluster, for example `1.36.1`.
    pub kube_version: &'a str,
    /// Versions and kinds of the cluster.
    pub api_versions: &'a [String],
    /// Folder for Helm's own files and for values.
    pub home: &'a Path,
    /// Folder of private copies.
    pub copies: &'a Path,
}

/// Renders a chart, hooks and CRDs included. `value_files` are paths in private copies, found beforehand.
pub(super) async fn template(
    chart: &Path,
    settings: &Helm,
    value_files: &[PathBuf],
    file_parameters: &[(String, PathBuf)],
    context: &Context<'_>,
    clock: &Clock,
) -> Result<Vec<u8>, RenderError> {
    let or = |own: &str, other: &str| if own.is_empty() { other.to_owned() } else { own.to_owned() };
    let mut run = Run::new("helm", "template")
        .env("HELM_CACHE_HOME", context.home.join("cache"))
        .env("HELM_CONFIG_HOME", context.home.join("config"))
        .env("HELM_DATA_HOME", context.home.join("data"))
        .env("HELM_PLUGINS", context.home.join("plugins"))
        .env("KUBECONFIG", "/dev/null")
        .limits(Limits::default())
        .copies(context.copies)
        .arg("template")
        .arg(format!("--namespace={}", or(&settings.namespace, context.namespace)))
        .arg("--name-template")
        .arg(or(&settings.release_name, context.application));
    let kube_version = or(&settings.kube_version, context.kube_version);
    if !kube_version.is_empty() {
        run = run.arg(format!("--kube-version={kube_version}"));
    }
    let own = !settings.api_versions.is_empty();
    for version in if own { &settings.api_versions } else { context.api_versions } {
        run = run.arg(format!("--api-versions={version}"));
    }
    for (flag, wanted) in [
        ("--include-crds", !settings.skip_crds),
        ("--skip-tests", settings.skip_tests),
        ("--skip-schema-validation", settings.skip_schema_validation),
    ] {
        if wanted {
            run = run.arg(flag);
        }
    }
    for file in value_files {
        run = run.arg("--values").arg(file);
    }
    if !settings.values.trim().is_empty() {
        let file = context.home.join("values.yaml");
        fs::write(&file, &settings.values).map_err(|error| RenderError::copy(&error))?;
        run = run.arg("--values").arg(file);
    }
    for parameter in &settings.parameters {
        let flag = if parameter.force_string { "--set-string" } else { "--set" };
        run = run.arg(flag).arg(format!("{}={}", parameter.name, escaped(parameter)));
    }
    for (name, file) in file_parameters {
        run = run.arg("--set-file").arg(format!("{name}={}", file.display()));
    }
    Ok(run.arg("--").arg(chart).output(clock).await?)
}

/// A comma ends a value on Helm's command line, unless it stands in a list.
fn escaped(parameter: &Parameter) -> String {
    if parameter.value.starts_with('{') {
        return parameter.value.clone();
    }
    let mut escaped = String::with_capacity(parameter.value.len());
    let mut previous = ' ';
    for c in parameter.value.chars() {
        if c == ',' && previous != '\\' {
            escaped.push('\\');
        }
        escaped.push(c);
        previous = c;
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_of_a_value_stay_in_it() {
        let escape = |value: &str| escaped(&Parameter { name: "a".into(), value: value.into(), force_string: false });
        assert_eq!(escape("a,b"), r"a\,b");
        assert_eq!(escape(r"a\,b"), r"a\,b");
        assert_eq!(escape("{a,b}"), "{a,b}");
    }
}
