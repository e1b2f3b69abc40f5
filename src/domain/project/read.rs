//! Reads an AppProject leniently. What cannot be read permits nothing.

use super::permit::{Destination, GroupKind, Project};
use super::window::SyncWindow;
use crate::domain::lenient::{Fields, Problems};
use crate::domain::manifest::Object;

impl Project {
    /// Reads a project. Fields that cannot be read have their default and are reported.
    pub fn read(object: &Object) -> (Self, Problems) {
        Fields::read_map(object.as_json(), |fields| {
            let mut project = fields.object_or_empty("spec", Self::of);
            object.name().clone_into(&mut project.name);
            project
        })
    }

    fn of(spec: &Fields<'_>) -> Self {
        let kinds = |name: &str| spec.list(name, GroupKind::of);
        Self {
            name: String::new(),
            source_repos: spec.texts("sourceRepos"),
            destinations: spec.list("destinations", |entry| Destination {
                server: entry.text("server"),
                name: entry.text("name"),
                namespace: entry.text("namespace"),
            }),
            cluster_allowed: kinds("clusterResourceWhitelist"),
            cluster_denied: kinds("clusterResourceBlacklist"),
            namespaced_allowed: spec.has("namespaceResourceWhitelist").then(|| kinds("namespaceResourceWhitelist")),
            namespaced_denied: kinds("namespaceResourceBlacklist"),
            source_namespaces: spec.texts("sourceNamespaces"),
            only_own_clusters: spec.flag("permitOnlyProjectScopedClusters"),
            windows: spec.list("syncWindows", SyncWindow::of),
        }
    }
}

impl GroupKind {
    fn of(fields: &Fields<'_>) -> Self {
        Self { group: fields.text("group"), kind: fields.text("kind"), name: fields.text("name") }
    }
}

impl SyncWindow {
    fn of(fields: &Fields<'_>) -> Self {
        Self {
            kind: fields.word("kind", "allow or deny"),
            schedule: fields.text("schedule"),
            duration: fields.text("duration"),
            time_zone: fields.text("timeZone"),
            applications: fields.texts("applications"),
            clusters: fields.texts("clusters"),
            namespaces: fields.texts("namespaces"),
            all_must_match: fields.flag("andOperator"),
            manual_sync: fields.flag("manualSync"),
            overrun: fields.flag("syncOverrun"),
            description: fields.text("description"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::project::WindowKind;
    use serde_json::json;

    #[test]
    fn a_project_is_read_and_wrong_types_permit_nothing() {
        let object = |spec: serde_json::Value| {
            let json = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "shop"}, "spec": spec});
            Object::from_json(json).unwrap()
        };
        let (project, problems) = Project::read(&object(json!({
            "sourceRepos": ["*"],
            "destinations": [{"server": "*", "namespace": "shop"}],
            "namespaceResourceWhitelist": [],
            "syncWindows": [{"kind": "deny", "schedule": "0 22 * * *", "duration": "8h", "manualSync": true}],
        })));
        assert!(problems.is_empty());
        assert_eq!((project.name.as_str(), project.namespaced_allowed.as_deref()), ("shop", Some(&[][..])));
        assert_eq!(project.windows[0].kind, Some(WindowKind::Deny));
        let (project, problems) =
            Project::read(&object(json!({"sourceRepos": 1, "destinations": [7], "syncWindows": "x"})));
        assert!(!problems.is_empty());
        assert!(!project.permits_destination("s", "", "shop"));
    }
}
