//! From a path to what it means: `/apis/batch/v1/namespaces/a/jobs/b/status`.

use std::sync::Arc;

use http::Method;

use crate::sim::resource::{NAMESPACES, Resource, Resources};

/// What a path names.
#[derive(Debug, Clone)]
pub(crate) enum Route {
    /// `/`
    Root,
    /// `/version`
    Version,
    /// `/healthz`, `/livez`, `/readyz` and what is below.
    Health,
    /// `/api`
    Api,
    /// `/apis`
    Apis,
    /// `/apis/GROUP`
    Group(String),
    /// `/api/v1`, `/apis/GROUP/VERSION`
    GroupVersion(String, String),
    /// `/openapi/v2`
    OpenApi2,
    /// `/openapi/v3/...`, without its first two parts.
    OpenApi(Vec<String>),
    /// An object, a collection or a subresource.
    Target(Target),
    /// Below a group and version, but no resource of ours.
    UnknownResource,
    /// Anything else.
    Nothing,
}

/// The object, collection or subresource that a request is about.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) resource: Arc<Resource>,
    /// The version asked for.
    pub(crate) version: String,
    /// `None` for cluster-scoped resources, and for a namespaced one in all namespaces.
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
    /// Empty for the main resource.
    pub(crate) subresource: String,
}

impl Target {
    /// The namespace for the store, empty for cluster-scoped resources.
    pub(crate) fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or_default()
    }

    /// The name for the store, empty for a collection.
    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// The verb of Kubernetes for a method here.
    pub(crate) fn verb(&self, method: &Method, watch: bool) -> &'static str {
        match (method.as_str(), self.name.is_some()) {
            ("GET" | "HEAD", true) => "get",
            ("GET" | "HEAD", false) if watch => "watch",
            ("GET" | "HEAD", false) => "list",
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            ("DELETE", true) => "delete",
            ("DELETE", false) => "deletecollection",
            _ => "",
        }
    }
}

/// What a path names. Never fails: what cannot be read is [`Route::Nothing`].
pub(crate) fn route(resources: &Resources, path: &str) -> Route {
    let Some(parts) = path.split('/').filter(|part| !part.is_empty()).map(decode).collect::<Option<Vec<_>>>() else {
        return Route::Nothing;
    };
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        [] => Route::Root,
        ["version"] => Route::Version,
        ["healthz" | "livez" | "readyz", ..] => Route::Health,
        ["openapi", "v2"] => Route::OpenApi2,
        ["openapi", "v3", rest @ ..] => Route::OpenApi(rest.iter().map(ToString::to_string).collect()),
        ["api"] => Route::Api,
        ["apis"] => Route::Apis,
        ["apis", group] => Route::Group((*group).to_owned()),
        ["api", version] => Route::GroupVersion(String::new(), (*version).to_owned()),
        ["apis", group, version] => Route::GroupVersion((*group).to_owned(), (*version).to_owned()),
        ["api", version, rest @ ..] => target(resources, "", version, rest),
        ["apis", group, version, rest @ ..] => target(resources, group, version, rest),
        _ => Route::Nothing,
    }
}

fn target(resources: &Resources, group: &str, version: &str, rest: &[&str]) -> Route {
    let found = match rest {
        // Subresources of a namespace, not resources in it.
        ["namespaces", name, sub @ ("status" | "finalize")] if group.is_empty() => {
            find(resources, group, version, &NAMESPACES.resource, None, &[name, sub])
        }
        ["namespaces", namespace, plural, rest @ ..] => find(resources, group, version, plural, Some(namespace), rest),
        [plural, rest @ ..] => find(resources, group, version, plural, None, rest),
        [] => None,
    };
    found.map_or(Route::UnknownResource, Route::Target)
}

fn find(
    resources: &Resources,
    group: &str,
    version: &str,
    plural: &str,
    namespace: Option<&str>,
    rest: &[&str],
) -> Option<Target> {
    let resource = resources.served(group, version, plural)?;
    // A namespaced object is named together with its namespace; a cluster-scoped one has none.
    if resource.namespaced && namespace.is_none() && !rest.is_empty() || !resource.namespaced && namespace.is_some() {
        return None;
    }
    let (name, subresource) = match rest {
        [] => (None, String::new()),
        [name] => (Some((*name).to_owned()), String::new()),
        [name, subresource] => (Some((*name).to_owned()), (*subresource).to_owned()),
        _ => return None,
    };
    let namespace = namespace.map(str::to_owned);
    Some(Target { resource, version: version.to_owned(), namespace, name, subresource })
}

/// Percent-decodes one part of a path; `None` where that is no text.
fn decode(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(path: &str) -> String {
        match route(&Resources::built_in(), path) {
            Route::Target(target) => format!(
                "{} {} {} {}",
                target.resource.qualified(),
                target.namespace.as_deref().unwrap_or("-"),
                target.name.as_deref().unwrap_or("-"),
                if target.subresource.is_empty() { "-" } else { &target.subresource },
            ),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn paths_name_what_they_name_in_kubernetes() {
        for (path, expected) in [
            ("/api/v1/namespaces", "namespaces - - -"),
            ("/api/v1/namespaces/a", "namespaces - a -"),
            ("/api/v1/namespaces/a/status", "namespaces - a status"),
            ("/api/v1/namespaces/a/pods", "pods a - -"),
            ("/api/v1/pods", "pods - - -"),
            ("/api/v1/namespaces/a/pods/b/log", "pods a b log"),
            ("/apis/batch/v1/namespaces/a/jobs/b%2Dc", "jobs.batch a b-c -"),
            ("/apis/batch/v1", "GroupVersion(\"batch\", \"v1\")"),
            ("/apis/batch/v2/namespaces/a/jobs", "UnknownResource"),
            ("/api/v1/pods/b", "UnknownResource"),
            ("/api/v1/namespaces/a/nodes", "UnknownResource"),
            ("/api/v1/namespaces/a/pods/b/log/c", "UnknownResource"),
            ("/api/v1/%zz", "Nothing"),
            ("/nope", "Nothing"),
            ("//", "Root"),
        ] {
            assert_eq!(show(path), expected, "{path}");
        }
    }
}
