//! What kinds a cluster has: discovery.

use serde_json::Value;

use super::client::Cluster;
use super::error::ClusterError;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

/// One kind, in one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// API group, empty for the core group.
    pub group: String,
    /// Version, for example `v1`.
    pub version: String,
    /// Kind, for example `Job`.
    pub kind: String,
    /// Name in paths, for example `jobs`.
    pub plural: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// Verbs the server offers.
    pub verbs: Vec<String>,
    /// Whether it has the subresource `status`.
    pub has_status: bool,
}

impl Kind {
    /// A kind whose facts are known beforehand.
    pub fn known(group: &str, version: &str, kind: &str, plural: &str, namespaced: bool) -> Self {
        let verbs = ["create", "delete", "get", "list", "patch", "update", "watch"];
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            namespaced,
            verbs: verbs.map(str::to_owned).to_vec(),
            has_status: false,
        }
    }

    /// Group and version as in a manifest.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Whether the server offers a verb for it.
    pub fn can(&self, verb: &str) -> bool {
        self.verbs.iter().any(|have| have == verb)
    }
}

/// The kinds of a cluster, the preferred version of a kind first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kinds {
    all: Vec<Kind>,
    /// Groups whose server did not answer: their kinds are unknown, not absent.
    pub unavailable: Vec<String>,
}

impl Kinds {
    /// Kinds known beforehand.
    pub fn new(all: Vec<Kind>) -> Self {
        Self { all, unavailable: Vec::new() }
    }

    /// The preferred version of a kind.
    pub fn find(&self, group: &str, kind: &str) -> Option<&Kind> {
        self.all.iter().find(|have| have.group == group && have.kind == kind)
    }

    /// As [`Kinds::find`]; an error where nobody knows, because the server of the group did not answer.
    pub fn look_up(&self, group: &str, kind: &str) -> Result<Option<&Kind>, ClusterError> {
        let found = self.find(group, kind);
        if found.is_none() && self.unavailable.iter().any(|unavailable| unavailable == group) {
            let reason = format!("its server does not answer, so it is not known whether there is a kind {kind}");
            return Err(ClusterError::NoAnswer { action: format!("discovering the API group {group}"), reason });
        }
        Ok(found)
    }

    /// One version of a kind.
    pub fn find_version(&self, group: &str, version: &str, kind: &str) -> Option<&Kind> {
        self.all.iter().find(|have| have.group == group && have.version == version && have.kind == kind)
    }

    /// All versions of all kinds.
    pub fn iter(&self) -> impl Iterator<Item = &Kind> {
        self.all.iter()
    }

    /// `G/V` of everything, as `helm template --api-versions` takes it.
    pub fn api_versions(&self) -> Vec<String> {
        let mut versions: Vec<_> = self
            .all
            .iter()
            .flat_map(|kind| [kind.api_version(), format!("{}/{}", kind.api_version(), kind.kind)])
            .collect();
        versions.sort();
        versions.dedup();
        versions
    }
}

impl Cluster {
    /// Asks the cluster for its kinds: two requests where it has aggregated discovery, else one for each group.
    pub async fn discover(&self) -> Result<Kinds, ClusterError> {
        let mut kinds = Kinds::default();
        for root in ["/api", "/apis"] {
            let answer = self.get_json(&format!("discovering {root}"), root, AGGREGATED).await?;
            if answer.get("kind").and_then(Value::as_str) == Some("APIGroupDiscoveryList") {
                read_aggregated(&answer, &mut kinds);
            } else if root == "/api" {
                self.read_group("", "/api/v1", "v1", &mut kinds).await;
            } else {
                for group in items(&answer, "groups") {
                    let name = text(group, "name");
                    let preferred = group.get("preferredVersion").map(|version| text(version, "version"));
                    let versions = items(group, "versions").map(|version| text(version, "version"));
                    let mut versions: Vec<_> = versions.collect();
                    versions.sort_by_key(|version| Some(version) != preferred.as_ref());
                    for version in versions {
                        self.read_group(name, &format!("/apis/{name}/{version}"), version, &mut kinds).await;
                    }
                }
            }
        }
        Ok(kinds)
    }

    /// The version of the API server, for example `v1.36.0`.
    pub async fn version(&self) -> Result<String, ClusterError> {
        let answer = self.get_json("asking for the version", "/version", "application/json").await?;
        Ok(text(&answer, "gitVersion").to_owned())
    }

    async fn read_group(&self, group: &str, path: &str, version: &str, kinds: &mut Kinds) {
        let Ok(answer) = self.get_json(&format!("discovering {path}"), path, "application/json").await else {
            kinds.unavailable.push(group.to_owned());
            return;
        };
        let resources: Vec<_> = items(&answer, "resources").collect();
        for resource in &resources {
            let plural = text(resource, "name");
            if plural.contains('/') {
                continue;
            }
            let status = format!("{plural}/status");
            kinds.all.push(Kind {
                group: group.to_owned(),
                version: version.to_owned(),
                kind: text(resource, "kind").to_owned(),
                plural: plural.to_owned(),
                namespaced: resource.get("namespaced").and_then(Value::as_bool).unwrap_or(false),
                verbs: words(resource, "verbs"),
                has_status: resources.iter().any(|other| text(other, "name") == status),
            });
        }
    }
}

/// The versions of a group stand in the order of preference.
fn read_aggregated(answer: &Value, kinds: &mut Kinds) {
    for group in items(answer, "items") {
        let name = group.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        for version in items(group, "versions") {
            if text(version, "freshness") == "Stale" {
                kinds.unavailable.push(name.to_owned());
            }
            for resource in items(version, "resources") {
                let response = resource.get("responseKind").unwrap_or(&Value::Null);
                kinds.all.push(Kind {
                    group: name.to_owned(),
                    version: text(version, "version").to_owned(),
                    kind: text(response, "kind").to_owned(),
                    plural: text(resource, "resource").to_owned(),
                    namespaced: text(resource, "scope") == "Namespaced",
                    verbs: words(resource, "verbs"),
                    has_status: items(resource, "subresources").any(|sub| text(sub, "subresource") == "status"),
                });
            }
        }
    }
}

fn items<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.get(field).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn words(value: &Value, field: &str) -> Vec<String> {
    items(value, field).filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_kind_whose_server_does_not_answer_is_unknown_and_not_absent() {
        let answer = json!({"items": [
            {"metadata": {"name": "down.example.com"}, "versions": [{"version": "v1", "freshness": "Stale"}]},
            {"metadata": {"name": "up.example.com"}, "versions": [{"version": "v1", "freshness": "Current",
                "resources": [{"resource": "boats", "scope": "Namespaced", "responseKind": {"kind": "Boat"}}]}]},
        ]});
        let mut kinds = Kinds::default();
        read_aggregated(&answer, &mut kinds);
        assert!(kinds.look_up("down.example.com", "Boat").is_err_and(|error| error.is_transient()));
        assert_eq!(kinds.look_up("up.example.com", "Boat").unwrap().map(|kind| kind.plural.as_str()), Some("boats"));
        assert_eq!(kinds.look_up("up.example.com", "Ship").unwrap(), None);
    }
}
