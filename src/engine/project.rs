//! The project of an application: what it may do, and when.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::destination::Destination;
use super::problem::Problem;
use super::record::project_kind;
use super::shared::Shared;
use super::targets::unknown;
use crate::domain::application::Application;
use crate::domain::manifest::Object;
use crate::domain::operation::OperationState;
use crate::domain::project::{Decision, Project, decide};
use crate::git::{FileRepositories, RepoUrl};

/// Fields of a project that are enforced, or that say nothing about what an application may do.
const RULES: &[&str] = &[
    "description",
    "sourceRepos",
    "destinations",
    "clusterResourceWhitelist",
    "clusterResourceBlacklist",
    "namespaceResourceWhitelist",
    "namespaceResourceBlacklist",
    "sourceNamespaces",
    "permitOnlyProjectScopedClusters",
    "syncWindows",
    "roles",
    "orphanedResources",
];
/// Fields of the items of its lists. Those of cluster-scoped objects alone may be named.
const ITEMS: [(&str, &[&str]); 6] = [
    ("destinations", &["server", "name", "namespace"]),
    ("clusterResourceWhitelist", &["group", "kind", "name"]),
    ("clusterResourceBlacklist", &["group", "kind", "name"]),
    ("namespaceResourceWhitelist", &["group", "kind"]),
    ("namespaceResourceBlacklist", &["group", "kind"]),
    ("syncWindows", WINDOW),
];
const WINDOW: &[&str] = &[
    "kind",
    "schedule",
    "duration",
    "timeZone",
    "applications",
    "clusters",
    "namespaces",
    "andOperator",
    "manualSync",
    "syncOverrun",
    "description",
];

/// Where a project is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// A watch, which may be a little late: for comparisons, which change nothing.
    Watched,
    /// The API server: for whatever changes something. A rule that was written before an operation was asked for holds
    /// for that operation.
    Fresh,
}

/// The project of an application. A missing `default` permits everything, as the one that Argo CD makes does.
pub(crate) async fn project_of(
    shared: &Shared,
    application: &Application,
    reading: Reading,
) -> Result<Project, Problem> {
    let name = application.project();
    let control_plane = &shared.options.control_plane;
    let found = match reading {
        Reading::Fresh => {
            shared.cluster.get(&project_kind(), control_plane, name).await.map(|found| found.map(Arc::new))
        }
        Reading::Watched => shared.projects.ready().await.map(|()| shared.projects.get(control_plane, name)),
    };
    let found = match found {
        // Without the kind there are no projects.
        Err(error) if error.is_not_found() => None,
        found => found.map_err(|error| Problem::cluster(&error))?,
    };
    let project = match found {
        Some(object) => {
            check_rules(&object)?;
            let (project, problems) = Project::read(&object);
            // A rule that cannot be read would permit what it forbids.
            if let Some(problem) = problems.list().first() {
                return Err(Problem::unusable_project(format!("project '{name}' cannot be read: {problem}")));
            }
            project
        }
        None if name == "default" => Project::permissive(name),
        None => return Err(Problem::missing_project(name)),
    };
    if !project.permits_application_in(&application.key.namespace, control_plane) {
        return Err(Problem::invalid_spec(format!(
            "application '{}' in namespace '{}' is not permitted to use project '{name}'",
            application.key.name, application.key.namespace,
        )));
    }
    Ok(project)
}

/// Rules of a project that the engine cannot enforce: it does nothing rather than work without them.
fn check_rules(project: &Object) -> Result<(), Problem> {
    let spec = project.at(&["spec"]).unwrap_or(&Value::Null);
    let mut found = unknown(spec, "spec", RULES);
    for (list, known) in ITEMS {
        for (index, item) in spec.get(list).and_then(Value::as_array).into_iter().flatten().enumerate() {
            found = found.or_else(|| unknown(item, &format!("spec.{list}[{index}]"), known));
        }
    }
    match found {
        None => Ok(()),
        Some(rule) => Err(Problem::unusable_project(format!(
            "{rule} of project '{}' is not supported by boathook's engine",
            project.name()
        ))),
    }
}

/// Whether the project permits the application's destination and a repository.
pub(crate) fn check_places<'a>(
    project: &Project,
    application: &Application,
    destination: &Destination,
    repositories: impl IntoIterator<Item = &'a str>,
) -> Result<(), Problem> {
    let namespace = &application.spec.destination.namespace;
    if !project.permits_destination(&destination.server, &destination.name, namespace)
        && !project.permits_destination(destination.cluster.server(), &destination.name, namespace)
    {
        return Err(Problem::invalid_spec(format!(
            "application destination server '{}' and namespace '{namespace}' do not match any of the allowed \
             destinations in project '{}'",
            destination.server, project.name,
        )));
    }
    if project.only_own_clusters && destination.project != project.name {
        return Err(Problem::invalid_spec(format!(
            "application destination server '{}' is not a cluster of project '{}', which permits only its own",
            destination.server, project.name,
        )));
    }
    for url in repositories {
        if !project.permits_source(url, normalize) {
            return Err(Problem::invalid_spec(format!(
                "application repo {} is not permitted in project '{}'",
                shown(url),
                project.name,
            )));
        }
    }
    Ok(())
}

/// Whether an operation may run now.
pub(crate) fn window(
    project: &Project,
    application: &Application,
    destination: &Destination,
    state: &OperationState,
    now: Timestamp,
) -> Decision {
    let place = crate::domain::application::Destination {
        server: destination.server.clone(),
        name: destination.name.clone(),
        namespace: application.spec.destination.namespace.clone(),
    };
    let manual = !state.operation.initiated_by.automated;
    decide(&project.windows, &application.key.name, &place, manual, state.started_at, now)
}

/// When a decision that lets nothing run may be another one, as far as known. A window is open after its time, not at it.
pub(crate) fn look_again(decision: &Decision, now: Timestamp) -> Option<Timestamp> {
    let at = match decision {
        Decision::Allowed | Decision::Broken(_) | Decision::Unknown(_) => None,
        Decision::NotAllowed { opens } => *opens,
        Decision::Denied { window } => window.closing(now).ok().flatten(),
    };
    at?.checked_add(SignedDuration::from_millis(1)).ok()
}

/// Addresses of one repository are equal, patterns stay what they are.
fn normalize(url: &str) -> String {
    match RepoUrl::parse(url, FileRepositories::Allowed) {
        Ok(parsed) if !url.contains(['*', '?', '[', '{']) => parsed.key().to_owned(),
        _ => url.trim_end_matches(".git").to_owned(),
    }
}

/// An address without its password.
fn shown(url: &str) -> String {
    RepoUrl::parse(url, FileRepositories::Allowed).map_or_else(|_| "(unreadable)".to_owned(), |url| url.to_string())
}
