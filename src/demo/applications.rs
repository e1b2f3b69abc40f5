//! The Applications of a story, put into its world together with what was deployed of them before.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::history::Made;
use super::past::past;
use super::story::Application;
use crate::domain::manifest::Object;
use crate::domain::scenario::World;

/// The namespace of the Applications.
pub(super) const ARGOCD: &str = "argocd";

/// A world with the applications in it, the namespaces they go to, and the projects they belong to.
pub(super) fn into_world(
    mut world: World,
    applications: &[Application],
    repositories: &BTreeMap<String, Made>,
    now: Timestamp,
) -> World {
    let mut namespaces: BTreeSet<String> = world.namespaces.iter().cloned().collect();
    let wanted = applications.iter().map(|application| application.namespace.as_str());
    for namespace in std::iter::once(ARGOCD).chain(wanted) {
        if namespaces.insert(namespace.to_owned()) {
            world.namespaces.push(namespace.to_owned());
        }
    }
    let projects = world.objects.iter().filter(|object| object.kind() == "AppProject");
    let mut projects: BTreeSet<String> = projects.map(|project| project.name().to_owned()).collect();
    for application in applications {
        if projects.insert(application.project.clone()) {
            world.objects.extend(object(project(&application.project)));
        }
        let Some(made) = repositories.get(&application.repository) else { continue };
        let mut json = manifest(application, made);
        let past = past(application, made, &json["spec"], now);
        if !past.status.is_null() {
            json["status"] = past.status;
        }
        world.objects.extend(past.objects);
        world.objects.extend(object(json));
    }
    world
}

/// What is made here has a kind and a name.
fn object(json: Value) -> Option<Object> {
    Object::from_json(json).ok()
}

/// A project that permits everything.
fn project(name: &str) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": name, "namespace": ARGOCD},
        "spec": {
            "sourceRepos": ["*"],
            "destinations": [{"server": "*", "namespace": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        },
    })
}

fn manifest(application: &Application, made: &Made) -> Value {
    let mut manifest = json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": application.name, "namespace": ARGOCD, "labels": application.labels},
        "spec": {
            "project": application.project,
            "destination": {"server": "https://kubernetes.default.svc", "namespace": application.namespace},
            "source": {
                "repoURL": format!("file://{}", made.folder.display()),
                "path": application.path,
                "targetRevision": application.revision,
            },
        },
    });
    if !application.sync_policy.is_null() {
        manifest["spec"]["syncPolicy"] = application.sync_policy.clone();
    }
    manifest
}
