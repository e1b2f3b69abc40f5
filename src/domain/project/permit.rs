//! What a project permits. The rules are those of Argo CD's `AppProject`, patterns and exclusions included.

use globset::GlobBuilder;

use super::window::SyncWindow;
use crate::domain::manifest::ObjectKey;

/// An entry of a list of kinds; both parts are patterns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupKind {
    /// API group.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Name, a pattern; empty: any. Only lists of cluster-scoped kinds have it.
    pub name: String,
}

/// An entry of `destinations`; all parts are patterns, and `!` before one excludes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Destination {
    /// Address of the cluster's API server.
    pub server: String,
    /// Name of the cluster.
    pub name: String,
    /// Namespace.
    pub namespace: String,
}

/// What applications of a project may do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Project {
    /// Its name.
    pub name: String,
    /// Repositories; patterns, `!` excludes.
    pub source_repos: Vec<String>,
    /// Clusters and namespaces.
    pub destinations: Vec<Destination>,
    /// Cluster-scoped kinds that may be deployed; empty: none.
    pub cluster_allowed: Vec<GroupKind>,
    /// Cluster-scoped kinds that may not.
    pub cluster_denied: Vec<GroupKind>,
    /// Namespaced kinds that may be deployed; `None`: all.
    pub namespaced_allowed: Option<Vec<GroupKind>>,
    /// Namespaced kinds that may not.
    pub namespaced_denied: Vec<GroupKind>,
    /// Namespaces, beside the control plane's own, in which its applications may live; patterns.
    pub source_namespaces: Vec<String>,
    /// Only clusters that belong to the project.
    pub only_own_clusters: bool,
    /// When syncs may run.
    pub windows: Vec<SyncWindow>,
}

impl Project {
    /// The project `default` as it is where nobody made one: everything is permitted.
    pub fn permissive(name: &str) -> Self {
        let any = || "*".to_owned();
        Self {
            name: name.to_owned(),
            source_repos: vec![any()],
            destinations: vec![Destination { server: any(), name: String::new(), namespace: any() }],
            cluster_allowed: vec![GroupKind { group: any(), kind: any(), name: String::new() }],
            ..Self::default()
        }
    }

    /// Whether a kind may be deployed; `name` matters for cluster-scoped kinds only.
    pub fn permits_kind(&self, group: &str, kind: &str, name: &str, namespaced: bool) -> bool {
        let listed = |list: &[GroupKind], name: &str| {
            list.iter().any(|entry| {
                matches(&entry.group, group)
                    && matches(&entry.kind, kind)
                    && (entry.name.is_empty() || matches(&entry.name, name))
            })
        };
        if namespaced {
            self.namespaced_allowed.as_ref().is_none_or(|list| listed(list, "")) && !listed(&self.namespaced_denied, "")
        } else {
            listed(&self.cluster_allowed, name) && !listed(&self.cluster_denied, name)
        }
    }

    /// Whether an object may be deployed to a cluster, and the words with which Argo CD refuses it.
    pub fn permits_object(
        &self,
        key: &ObjectKey,
        namespaced: bool,
        server: &str,
        cluster_name: &str,
    ) -> Result<(), String> {
        if !self.permits_kind(&key.group, &key.kind, &key.name, namespaced) {
            return Err(format!("resource {}:{} is not permitted in project {}", key.group, key.kind, self.name));
        }
        if namespaced && !self.permits_destination(server, cluster_name, &key.namespace) {
            return Err(format!("namespace {} is not permitted in project '{}'", key.namespace, self.name));
        }
        Ok(())
    }

    /// Whether a cluster and namespace may be deployed to.
    pub fn permits_destination(&self, server: &str, name: &str, namespace: &str) -> bool {
        let mut permitted = false;
        for entry in &self.destinations {
            let name_matches = !name.is_empty() && negatable(&entry.name, name, false);
            let server_matches = !server.is_empty() && negatable(&entry.server, server, false);
            let namespace_matches = negatable(&entry.namespace, namespace, false);
            if (server_matches || name_matches) && namespace_matches {
                permitted = true;
            } else if (!name_matches && is_deny(&entry.name))
                || (!server_matches && is_deny(&entry.server) && namespace_matches)
                || (!namespace_matches && is_deny(&entry.namespace) && server_matches)
            {
                return false;
            }
        }
        permitted
    }

    /// Whether a repository may be deployed from. `normalize` makes addresses of one repository equal.
    pub fn permits_source(&self, repo_url: &str, normalize: impl Fn(&str) -> String) -> bool {
        let wanted = normalize(repo_url);
        let mut permitted = false;
        for pattern in &self.source_repos {
            let (deny, pattern) = match pattern.strip_prefix('!') {
                Some(pattern) => (true, pattern),
                None => (false, pattern.as_str()),
            };
            let hit = (pattern == "*" && !deny) || glob(&normalize(pattern), &wanted, true);
            if deny && hit {
                return false;
            }
            permitted |= hit != deny;
        }
        permitted
    }

    /// Whether an application may live in a namespace; `control_plane` is Argo CD's own.
    pub fn permits_application_in(&self, namespace: &str, control_plane: &str) -> bool {
        namespace == control_plane || self.source_namespaces.iter().any(|pattern| matches(pattern, namespace))
    }
}

fn is_deny(pattern: &str) -> bool {
    pattern.starts_with('!')
}

fn negatable(pattern: &str, text: &str, separated: bool) -> bool {
    match pattern.strip_prefix('!') {
        Some(pattern) => !glob(pattern, text, separated),
        None => pattern == "*" || glob(pattern, text, separated),
    }
}

/// A pattern in which `*` takes anything.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    pattern == "*" || glob(pattern, text, false)
}

/// A pattern that cannot be read matches nothing.
fn glob(pattern: &str, text: &str, separated: bool) -> bool {
    let glob = GlobBuilder::new(pattern).literal_separator(separated).backslash_escape(true).build();
    glob.is_ok_and(|glob| glob.compile_matcher().is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(server: &str, namespace: &str) -> Destination {
        Destination { server: server.into(), namespace: namespace.into(), name: String::new() }
    }

    fn kind(group: &str, kind: &str) -> GroupKind {
        GroupKind { group: group.into(), kind: kind.into(), name: String::new() }
    }

    #[test]
    fn kinds() {
        let all = Project::permissive("default");
        assert!(all.permits_kind("", "Namespace", "x", false) && all.permits_kind("batch", "Job", "x", true));
        let none = Project::default();
        assert!(!none.permits_kind("", "Namespace", "x", false), "cluster-scoped kinds need an entry");
        assert!(none.permits_kind("batch", "Job", "x", true), "namespaced kinds need none");
        let some = Project {
            namespaced_allowed: Some(vec![kind("batch", "*")]),
            namespaced_denied: vec![kind("batch", "CronJob")],
            cluster_allowed: vec![GroupKind { name: "team-*".into(), ..kind("", "Namespace") }],
            ..Project::default()
        };
        assert!(some.permits_kind("batch", "Job", "x", true));
        assert!(
            !some.permits_kind("batch", "CronJob", "x", true) && !some.permits_kind("apps", "Deployment", "x", true)
        );
        assert!(some.permits_kind("", "Namespace", "team-a", false) && !some.permits_kind("", "Namespace", "b", false));
        let empty = Project { namespaced_allowed: Some(Vec::new()), ..Project::default() };
        assert!(!empty.permits_kind("batch", "Job", "x", true), "an empty list permits nothing");
    }

    #[test]
    fn destinations() {
        let server = "https://kubernetes.default.svc";
        let project = |destinations| Project { destinations, ..Project::default() };
        assert!(project(vec![to("*", "shop-*")]).permits_destination(server, "", "shop-eu"));
        assert!(!project(vec![to("*", "shop-*")]).permits_destination(server, "", "kube-system"));
        let except = project(vec![to("*", "*"), to("*", "!kube-system")]);
        assert!(
            except.permits_destination(server, "", "shop") && !except.permits_destination(server, "", "kube-system")
        );
        let not_there = project(vec![to("!https://prod.example", "*"), to("*", "*")]);
        assert!(!not_there.permits_destination("https://prod.example", "", "shop"));
        assert!(!Project::default().permits_destination(server, "", "shop"));
    }

    #[test]
    fn sources() {
        let permits = |patterns: &[&str], url: &str| {
            let source_repos = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
            Project { source_repos, ..Project::default() }
                .permits_source(url, |url| url.trim_end_matches(".git").into())
        };
        assert!(permits(&["*"], "https://a.example/b/c"));
        assert!(permits(&["https://a.example/b/*"], "https://a.example/b/c.git"));
        assert!(!permits(&["https://a.example/*"], "https://a.example/b/c"), "a star ends at a slash");
        assert!(permits(&["https://a.example/**"], "https://a.example/b/c"));
        assert!(!permits(&["*", "!https://a.example/b/c"], "https://a.example/b/c"));
        assert!(permits(&["*", "!https://a.example/b/c"], "https://a.example/b/d"));
        assert!(!permits(&[], "https://a.example/b"));
    }

    #[test]
    fn refusals_are_argo_cds_words() {
        let project = Project { name: "p".into(), ..Project::default() };
        let job = ObjectKey::new("batch", "Job", "shop", "x");
        assert_eq!(
            project.permits_object(&job, true, "s", "").unwrap_err(),
            "namespace shop is not permitted in project 'p'"
        );
        let role = ObjectKey::new("rbac.authorization.k8s.io", "ClusterRole", "", "x");
        assert_eq!(
            project.permits_object(&role, false, "s", "").unwrap_err(),
            "resource rbac.authorization.k8s.io:ClusterRole is not permitted in project p"
        );
    }
}
