//! Paths and queries of requests. What goes into them comes from clusters and manifests too, and may not lead elsewhere.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::error::ClusterError;
use super::kinds::Kind;
use super::options::{Scope, Selectors, Subresource, WriteOptions};

/// What may stand in a path or a query as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(super) fn scope_of(kind: &Kind, namespace: &str) -> Scope {
    if kind.namespaced && !namespace.is_empty() { Scope::Namespace(namespace.to_owned()) } else { Scope::All }
}

/// A name as part of a path. `.` and `..` would be taken for folders, and an empty one for the collection.
fn segment(action: &str, name: &str) -> Result<String, ClusterError> {
    if name.is_empty() || name == "." || name == ".." || name.len() > 1024 {
        return Err(ClusterError::Name { action: action.to_owned(), name: name.chars().take(100).collect() });
    }
    Ok(utf8_percent_encode(name, PLAIN).to_string())
}

pub(super) fn collection_path(action: &str, kind: &Kind, scope: &Scope) -> Result<String, ClusterError> {
    let mut path = if kind.group.is_empty() {
        format!("/api/{}", segment(action, &kind.version)?)
    } else {
        format!("/apis/{}/{}", segment(action, &kind.group)?, segment(action, &kind.version)?)
    };
    if let (Scope::Namespace(namespace), true) = (scope, kind.namespaced) {
        path.push_str("/namespaces/");
        path.push_str(&segment(action, namespace)?);
    }
    path.push('/');
    path.push_str(&segment(action, &kind.plural)?);
    Ok(path)
}

pub(super) fn object_path(
    action: &str,
    kind: &Kind,
    namespace: &str,
    name: &str,
    subresource: Subresource,
) -> Result<String, ClusterError> {
    if kind.namespaced && namespace.is_empty() {
        return Err(ClusterError::Name { action: action.to_owned(), name: String::new() });
    }
    let collection = collection_path(action, kind, &scope_of(kind, namespace))?;
    let path = format!("{collection}/{}", segment(action, name)?);
    Ok(match subresource {
        Subresource::None => path,
        Subresource::Status => format!("{path}/status"),
    })
}

pub(super) fn selector_query(selectors: &Selectors) -> Vec<(&'static str, String)> {
    let pairs = [("labelSelector", &selectors.labels), ("fieldSelector", &selectors.fields)];
    pairs.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.clone())).collect()
}

pub(super) fn write_query(options: &WriteOptions) -> Vec<(&'static str, String)> {
    let mut query = Vec::new();
    if options.dry_run {
        query.push(("dryRun", "All".to_owned()));
    }
    if !options.manager.is_empty() {
        query.push(("fieldManager", options.manager.clone()));
    }
    query.push(("fieldValidation", if options.strict { "Strict" } else { "Ignore" }.to_owned()));
    query
}

pub(super) fn with_query(mut path: String, query: &[(&str, String)]) -> String {
    for (index, (name, value)) in query.iter().enumerate() {
        path.push(if index == 0 { '?' } else { '&' });
        path.push_str(name);
        path.push('=');
        path.extend(utf8_percent_encode(value, PLAIN));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_a_cluster_cannot_lead_to_another_path() {
        let jobs = Kind::known("batch", "v1", "Job", "jobs", true);
        let path = |namespace: &str, name: &str| object_path("reading", &jobs, namespace, name, Subresource::None);
        assert_eq!(path("shop", "db-migrate").unwrap(), "/apis/batch/v1/namespaces/shop/jobs/db-migrate");
        assert_eq!(path("shop", "a/../b?x=1#y").unwrap(), "/apis/batch/v1/namespaces/shop/jobs/a%2F..%2Fb%3Fx%3D1%23y");
        for (namespace, name) in [("shop", ""), ("shop", ".."), ("..", "x"), ("", "x")] {
            assert!(path(namespace, name).is_err(), "{namespace:?} {name:?}");
        }
    }
}
