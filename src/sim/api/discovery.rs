//! What the server serves: classic discovery group by group, and the aggregated form in one answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use http::{HeaderMap, Response, StatusCode};
use serde_json::{Value, json};

use super::output;
use super::respond;
use super::subresource;
use crate::sim::resource::{Resource, Resources};

/// The version of Kubernetes that the server says it is.
const VERSION: (&str, &str, &str) = ("1", "36", "v1.36.1");

/// `/version`
pub(crate) fn version() -> Value {
    let (major, minor, git) = VERSION;
    json!({
        "major": major,
        "minor": minor,
        "gitVersion": git,
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "boathook/sim",
    })
}

/// `/`
pub(crate) fn paths(resources: &Resources) -> Value {
    let mut paths = vec!["/api".to_owned(), "/api/v1".to_owned(), "/apis".to_owned()];
    for (group, versions) in groups(resources) {
        if !group.is_empty() {
            paths.push(format!("/apis/{group}"));
            paths.extend(versions.keys().map(|version| format!("/apis/{group}/{version}")));
        }
    }
    paths.extend(["/healthz", "/livez", "/openapi/v3", "/readyz", "/version"].map(str::to_owned));
    json!({ "paths": paths })
}

type Groups = BTreeMap<String, BTreeMap<String, Vec<Arc<Resource>>>>;

fn groups(resources: &Resources) -> Groups {
    let mut groups = Groups::new();
    for resource in resources.iter() {
        for served in &resource.served {
            let versions = groups.entry(resource.group.clone()).or_default();
            versions.entry(served.name.clone()).or_default().push(Arc::clone(resource));
        }
    }
    groups
}

/// `/api`
pub(crate) fn api(resources: &Resources, headers: &HeaderMap, address: &str) -> Response<axum::body::Body> {
    if let Some(version) = output::accepts_aggregated(headers) {
        return aggregated(resources, version, &BTreeSet::new(), str::is_empty);
    }
    let versions = json!({
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{ "clientCIDR": "0.0.0.0/0", "serverAddress": address }],
    });
    respond::json(StatusCode::OK, &versions)
}

/// `/apis`; the servers of the groups in `down` do not answer.
pub(crate) fn apis(resources: &Resources, down: &BTreeSet<String>, headers: &HeaderMap) -> Response<axum::body::Body> {
    if let Some(version) = output::accepts_aggregated(headers) {
        return aggregated(resources, version, down, |group| !group.is_empty());
    }
    let groups = groups(resources);
    let list: Vec<Value> = groups
        .iter()
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, versions)| group(name, versions, false))
        .collect();
    respond::json(StatusCode::OK, &json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": list }))
}

/// `/apis/GROUP`; `None` for a group that is not served.
pub(crate) fn one_group(resources: &Resources, name: &str) -> Option<Value> {
    groups(resources).get(name).filter(|_| !name.is_empty()).map(|versions| group(name, versions, true))
}

fn group(name: &str, versions: &BTreeMap<String, Vec<Arc<Resource>>>, typed: bool) -> Value {
    let one = |version: &str| json!({ "groupVersion": format!("{name}/{version}"), "version": version });
    let ordered = preferred_first(versions.keys().map(String::as_str).collect());
    let mut group = json!({
        "name": name,
        "versions": ordered.iter().map(|version| one(version)).collect::<Vec<_>>(),
        "preferredVersion": ordered.first().map(|version| one(version)),
    });
    if typed {
        group["kind"] = "APIGroup".into();
        group["apiVersion"] = "v1".into();
    }
    group
}

/// Stable versions before beta before alpha, newer before older.
fn preferred_first(mut versions: Vec<&str>) -> Vec<&str> {
    versions.sort_by_key(|version| std::cmp::Reverse(version_rank(version)));
    versions
}

/// How much a version is preferred: `v2` above `v1` above `v1beta2` above `v1alpha1` above anything else.
pub(crate) fn version_rank(version: &str) -> (u8, u32, u32) {
    let Some(rest) = version.strip_prefix('v') else { return (0, 0, 0) };
    let digits = rest.len() - rest.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
    let (major, rest) = rest.split_at(digits);
    let Ok(major) = major.parse() else { return (0, 0, 0) };
    for (stage, rank) in [("beta", 2), ("alpha", 1)] {
        if let Some(minor) = rest.strip_prefix(stage) {
            return minor.parse().map_or((0, 0, 0), |minor| (rank, major, minor));
        }
    }
    if rest.is_empty() { (3, major, 0) } else { (0, 0, 0) }
}

/// `/api/v1` and `/apis/GROUP/VERSION`; `None` for one that is not served.
pub(crate) fn group_version(resources: &Resources, group: &str, version: &str) -> Option<Value> {
    let groups = groups(resources);
    let served = groups.get(group)?.get(version)?;
    let mut list = Vec::new();
    for resource in served {
        let mut entry = json!({
            "name": resource.plural,
            "singularName": resource.singular,
            "namespaced": resource.namespaced,
            "kind": resource.kind,
            "verbs": resource.verbs,
        });
        for (field, names) in [("shortNames", &resource.short_names), ("categories", &resource.categories)] {
            if !names.is_empty() {
                entry[field] = json!(names);
            }
        }
        list.push(entry);
        for name in subresources(resource) {
            let (group, version, kind) = subresource_kind(resource, name);
            let mut entry = json!({
                "name": format!("{}/{name}", resource.plural),
                "singularName": "",
                "namespaced": resource.namespaced,
                "kind": kind,
                "verbs": subresource::verbs(name),
            });
            if !version.is_empty() {
                entry["group"] = group.into();
                entry["version"] = version.into();
            }
            list.push(entry);
        }
    }
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    Some(json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": list }))
}

fn subresources(resource: &Resource) -> impl Iterator<Item = &'static str> {
    let all = ["binding", "eviction", "finalize", "log", "scale", "status"];
    all.into_iter().filter(|name| subresource::exists(resource, name))
}

/// Group, version and kind of what a subresource speaks; group and version are empty where they are the resource's.
fn subresource_kind<'a>(resource: &'a Resource, name: &str) -> (&'static str, &'static str, &'a str) {
    match name {
        "scale" => ("autoscaling", "v1", "Scale"),
        "eviction" => ("policy", "v1", "Eviction"),
        "binding" => ("", "", "Binding"),
        _ => ("", "", &resource.kind),
    }
}

fn aggregated(
    resources: &Resources,
    version: &'static str,
    down: &BTreeSet<String>,
    wanted: impl Fn(&str) -> bool,
) -> Response<axum::body::Body> {
    let items: Vec<Value> = groups(resources)
        .iter()
        .filter(|(group, _)| wanted(group))
        .map(|(group, versions)| {
            let ordered = preferred_first(versions.keys().map(String::as_str).collect());
            let versions: Vec<Value> = ordered
                .iter()
                .map(|version| {
                    if down.contains(group) {
                        return json!({ "version": version, "resources": [], "freshness": "Stale" });
                    }
                    let served = versions.get(*version).into_iter().flatten();
                    let list: Vec<Value> = served.map(|resource| aggregated_resource(resource)).collect();
                    json!({ "version": version, "resources": list, "freshness": "Current" })
                })
                .collect();
            let metadata = if group.is_empty() { json!({}) } else { json!({ "name": group }) };
            json!({ "metadata": metadata, "versions": versions })
        })
        .collect();
    let list = json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": format!("apidiscovery.k8s.io/{version}"),
        "metadata": {},
        "items": items,
    });
    let content_type = if version == "v2" {
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    } else {
        "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"
    };
    respond::bytes(StatusCode::OK, content_type, list.to_string())
}

fn aggregated_resource(resource: &Resource) -> Value {
    let kind = |group: &str, version: &str, kind: &str| json!({ "group": group, "version": version, "kind": kind });
    let scope = if resource.namespaced { "Namespaced" } else { "Cluster" };
    let mut entry = json!({
        "resource": resource.plural,
        "responseKind": kind("", "", &resource.kind),
        "scope": scope,
        "singularResource": resource.singular,
        "verbs": resource.verbs,
    });
    for (field, names) in [("shortNames", &resource.short_names), ("categories", &resource.categories)] {
        if !names.is_empty() {
            entry[field] = json!(names);
        }
    }
    let subresources: Vec<Value> = subresources(resource)
        .map(|name| {
            let (group, version, of) = subresource_kind(resource, name);
            json!({ "subresource": name, "responseKind": kind(group, version, of), "verbs": subresource::verbs(name) })
        })
        .collect();
    if !subresources.is_empty() {
        entry["subresources"] = subresources.into();
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_preferred_as_in_kubernetes() {
        let ordered = preferred_first(vec!["v1alpha1", "foo", "v1", "v1beta2", "v10", "v2", "v1beta10"]);
        assert_eq!(ordered, ["v10", "v2", "v1", "v1beta10", "v1beta2", "v1alpha1", "foo"]);
    }
}
