//! What the pods of a hook may do, and what they are made of.

use std::collections::HashSet;

use serde_json::Value;

use super::code::Code;
use super::facts::{Subject, listing};
use super::finding::Finding;
use super::kinds::{self, containers, list, text};
use super::order::service_account;

/// Capabilities that are as good as root on the node.
const STRONG: [&str; 7] = ["ALL", "SYS_ADMIN", "SYS_PTRACE", "SYS_MODULE", "NET_ADMIN", "DAC_READ_SEARCH", "BPF"];
/// Tags that are moved on purpose.
const MOVING: [&str; 8] = ["latest", "main", "master", "edge", "nightly", "dev", "develop", "stable"];
/// What the name of a secret variable ends with.
const SECRET: [&str; 9] =
    ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "APIKEY", "API_KEY", "PRIVATE_KEY", "ACCESS_KEY", "CREDENTIALS"];

/// Checks one hook. `tokenless` are the namespaces whose default ServiceAccount mounts no token.
pub(super) fn check(subject: &Subject<'_>, tokenless: &HashSet<&str>, findings: &mut Vec<Finding>) {
    let containers = containers(subject.object);
    if containers.is_empty() {
        return;
    }
    images(subject, &containers, findings);
    rights(subject, &containers, findings);
    secrets(subject, &containers, findings);
    token(subject, tokenless, findings);
    let without: Vec<String> = containers
        .iter()
        .filter(|container| {
            let has = |field: &str| {
                container
                    .pointer(&format!("/resources/{field}"))
                    .and_then(Value::as_object)
                    .is_some_and(|map| !map.is_empty())
            };
            !has("requests") && !has("limits")
        })
        .map(|container| name(container))
        .collect();
    if !without.is_empty() {
        let message = format!("no resources are requested by {}", listing(&without));
        findings.push(Finding::new(Code::NoResources, subject.index, message));
    }
}

fn name(container: &Value) -> String {
    match text(container, "name") {
        "" => "its container".to_owned(),
        name => format!("container {name}"),
    }
}

/// Why the image may be another one tomorrow; `None` if it is pinned, or is filled in by a template.
fn moving(image: &str) -> Option<&str> {
    if image.is_empty() || image.contains('@') || image.contains("{{") {
        return None;
    }
    let last = image.rsplit('/').next().unwrap_or(image);
    match last.split_once(':') {
        None => Some("latest"),
        Some((_, tag)) => MOVING.into_iter().find(|moving| *moving == tag),
    }
}

fn images(subject: &Subject<'_>, containers: &[&Value], findings: &mut Vec<Finding>) {
    let mut found: Vec<String> = Vec::new();
    for container in containers {
        let image = text(container, "image");
        if moving(image).is_some() && !found.iter().any(|known| known == image) {
            found.push(image.to_owned());
        }
    }
    if !found.is_empty() {
        let message = format!("{} may be another image tomorrow", listing(&found));
        findings.push(Finding::new(Code::ImageMutable, subject.index, message));
    }
}

fn rights(subject: &Subject<'_>, containers: &[&Value], findings: &mut Vec<Finding>) {
    let mut found = |code: Code, message: String| findings.push(Finding::new(code, subject.index, message));
    let spec = match kinds::pod_spec(subject.object) {
        Some(spec) => spec,
        None => subject.object.at(&["spec"]).unwrap_or(&Value::Null),
    };
    let mut privileged = Vec::new();
    let mut root = Vec::new();
    let mut undecided = Vec::new();
    let pod_context = spec.get("securityContext");
    for container in containers {
        let context = container.get("securityContext");
        let of_container = |field: &str| context.and_then(|context| context.get(field));
        // The container's own setting wins over the pod's.
        let setting = |field: &str| of_container(field).or_else(|| pod_context.and_then(|context| context.get(field)));
        let strong = context
            .and_then(|context| context.pointer("/capabilities/add"))
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .find(|capability| STRONG.contains(&capability.trim_start_matches("CAP_")));
        if of_container("privileged").and_then(Value::as_bool) == Some(true) {
            privileged.push(format!("{} is privileged", name(container)));
        } else if let Some(capability) = strong {
            privileged.push(format!("{} has the capability {capability}", name(container)));
        }
        match setting("runAsUser").and_then(Value::as_i64) {
            Some(0) => root.push(name(container)),
            Some(_) => {}
            None if setting("runAsNonRoot").and_then(Value::as_bool) == Some(true) => {}
            None => undecided.push(name(container)),
        }
    }
    if !privileged.is_empty() {
        found(Code::HookPrivileged, listing(&privileged));
    }
    if !root.is_empty() {
        found(Code::HookRunsAsRoot, format!("runAsUser is 0 in {}", listing(&root)));
    } else if !undecided.is_empty() && privileged.is_empty() {
        found(Code::MayRunAsRoot, format!("the image decides which user runs {}", listing(&undecided)));
    }
    let mut host: Vec<String> = ["hostNetwork", "hostPID", "hostIPC"]
        .into_iter()
        .filter(|field| spec.get(*field).and_then(Value::as_bool) == Some(true))
        .map(|field| format!("{field} is true"))
        .collect();
    for volume in list(spec, "volumes") {
        if let Some(path) = volume.pointer("/hostPath/path").and_then(Value::as_str) {
            host.push(format!("{path} of the node is mounted"));
        }
    }
    if !host.is_empty() {
        found(Code::HookHostAccess, listing(&host));
    }
}

fn secrets(subject: &Subject<'_>, containers: &[&Value], findings: &mut Vec<Finding>) {
    let mut found: Vec<String> = Vec::new();
    for variable in containers.iter().flat_map(|container| list(container, "env")) {
        let (name, value) = (text(variable, "name"), text(variable, "value"));
        let upper = name.to_ascii_uppercase();
        // `$(OTHER)` refers to another variable; a path names where the secret is mounted.
        let is_literal = !value.is_empty() && !value.contains("$(") && !value.starts_with('/');
        if is_literal && SECRET.iter().any(|end| upper.ends_with(end)) {
            found.push(name.to_owned());
        }
    }
    if !found.is_empty() {
        let message = format!("{} has its value in the manifest", listing(&found));
        findings.push(Finding::new(Code::SecretInManifest, subject.index, message));
    }
}

/// The namespaces whose default ServiceAccount mounts no token.
pub(super) fn tokenless<'a>(subjects: &'a [Subject<'_>]) -> HashSet<&'a str> {
    let refuses = |subject: &&Subject<'_>| {
        kinds::is(subject.object, "", "ServiceAccount")
            && subject.object.name() == "default"
            && subject.object.at(&["automountServiceAccountToken"]).and_then(Value::as_bool) == Some(false)
    };
    subjects.iter().filter(refuses).map(|subject| subject.namespace).collect()
}

/// A token that is mounted although the default ServiceAccount can do nothing with it.
fn token(subject: &Subject<'_>, tokenless: &HashSet<&str>, findings: &mut Vec<Finding>) {
    // A Workflow's pods report to their controller through the API.
    let Some(spec) = kinds::pod_spec(subject.object) else { return };
    let account = service_account(spec);
    let own = spec.get("automountServiceAccountToken").and_then(Value::as_bool);
    let is_mounted = own.unwrap_or(!tokenless.contains(subject.namespace));
    if (account.is_empty() || account == "default") && is_mounted {
        let message = "the token of the default ServiceAccount is mounted";
        findings.push(Finding::new(Code::TokenMounted, subject.index, message));
    }
}

#[cfg(test)]
mod tests {
    use super::moving;

    #[test]
    fn an_image_moves_unless_it_names_a_version() {
        for image in ["busybox", "busybox:latest", "registry.example:5000/shop/migrate", "a/b:main"] {
            assert!(moving(image).is_some(), "{image}");
        }
        for image in ["busybox:1.36", "registry.example:5000/a/b:1.2", "a@sha256:0123", "a:latest@sha256:0123", "{{x}}"]
        {
            assert_eq!(moving(image), None, "{image}");
        }
    }
}
