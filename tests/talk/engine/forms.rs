//! What cannot be read is refused also where an operation is taken over, or where somebody changes it or its project while
//! it runs; and the definitions refuse it when it is written.

use boathook::cluster::{Kind, WriteOptions};
use boathook::domain::manifest::Object;
use boathook::sim::resource::{APP_PROJECTS, CONFIG_MAPS, JOBS};
use serde_json::{Value, json};

use super::rows::{hook, map, shop};
use super::world::{ARGOCD, Setup, World, phase};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_form_of_a_refused_request_is_not_recorded_to_be_repeated() {
    let mut world = shop(&map("a", "", "1")).await;
    world.request(&json!({"initiatedBy": {"username": "ada"}, "sync": {"dryRun": "true"}}));
    assert_eq!(phase(&world.end().await), "Error");
    let recorded = world.application()["status"]["operationState"]["operation"].clone();
    assert_eq!((recorded.get("sync"), &recorded["initiatedBy"]["username"]), (None, &json!("ada")));
    world.stop().await;
}

/// As somebody, or another controller, has left it: an operation that runs, whose recorded request cannot be read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_form_of_an_operation_that_is_taken_over_is_never_guessed() {
    let mut world = shop(&(hook("good", "PreSync", "") + &map("a", "", "1"))).await;
    let begun = "2026-11-23T02:00:00Z";
    let running = json!({"operation": {"sync": {"dryRun": "true"}}, "phase": "Running", "startedAt": begun});
    let mut waiting = running.clone();
    // It waits for its next attempt, whose state is written before its plan is made.
    waiting["finishedAt"] = json!("2026-11-23T02:00:01Z");
    waiting["retryCount"] = json!(1);
    waiting["operation"]["retry"] = json!({"limit": 2, "backoff": {"duration": "1s"}});
    for state in [running, waiting] {
        world.edit(|application| {
            application["operation"] = json!({"sync": {"dryRun": true}});
            application["status"]["operationState"] = state.clone();
        });
        let state = world.end().await;
        let words = "InvalidSpecError: status.operationState.operation.sync.dryRun: expected true or false";
        assert!(phase(&state) == "Error" && state.message.starts_with(words), "{state:?}");
        assert!(world.names(&CONFIG_MAPS).is_empty() && world.names(&JOBS).is_empty());
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_form_of_an_operation_that_somebody_changes_while_it_runs_is_never_guessed() {
    let mut world = shop(&(hook("slow", "PreSync", "") + &map("a", "", "1"))).await;
    world.sync(&json!({}));
    world.until_message("waiting for completion of hook batch/Job/slow").await;
    world.edit(|application| application["status"]["operationState"]["operation"]["sync"]["resources"] = json!("x"));
    let state = world.end().await;
    let words = "InvalidSpecError: status.operationState.operation.sync.resources: expected a list";
    assert!(phase(&state) == "Error" && state.message.starts_with(words), "{state:?}");
    world.left(&JOBS, &[]).await;
    assert!(world.names(&CONFIG_MAPS).is_empty());
    world.stop().await;
}

fn permissive() -> Value {
    json!({"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]})
}

/// An application of a project that permits everything.
async fn shop_of_project(manifests: &str) -> World {
    let world = shop(manifests).await;
    let project = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
        "metadata": {"name": "p", "namespace": ARGOCD}, "spec": permissive()});
    world.create(&APP_PROJECTS, project);
    world.edit(|application| application["spec"]["project"] = json!("p"));
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_form_of_a_project_is_never_guessed() {
    let mut world = shop_of_project(&map("a", "", "1")).await;
    let window = |fields: Value| {
        let mut window = json!({"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]});
        json_patch::merge(&mut window, &fields);
        window
    };
    for (rules, told) in [
        (
            json!({"syncWindows": [window(json!({"applications": null, "application": ["*"]}))]}),
            "spec.syncWindows[0].application of project 'p' is not supported by boathook's engine",
        ),
        (
            json!({"namespaceResourceBlacklist": [{"group": "", "kind": "ConfigMap", "name": "a"}]}),
            "spec.namespaceResourceBlacklist[0].name of project 'p' is not supported by boathook's engine",
        ),
        (json!({"newRule": ["*"]}), "spec.newRule of project 'p' is not supported by boathook's engine"),
    ] {
        world.change(&APP_PROJECTS, ARGOCD, "p", |project| {
            project["spec"] = permissive();
            json_patch::merge(&mut project["spec"], &rules);
        });
        let state = world.synced(&json!({})).await;
        assert_eq!(
            (phase(&state), state.message.as_str()),
            ("Error".to_owned(), &*format!("InvalidSpecError: {told}"))
        );
        assert!(world.names(&CONFIG_MAPS).is_empty());
    }
    // One that neither allows nor denies holds, as one whose times cannot be read does.
    world.change(&APP_PROJECTS, ARGOCD, "p", |project| {
        project["spec"] = permissive();
        project["spec"]["syncWindows"] = json!([window(json!({"kind": null}))]);
    });
    world.sync(&json!({}));
    world.until_message("Sync operation blocked by sync window: invalid sync windows: kind is neither").await;
    assert!(world.names(&CONFIG_MAPS).is_empty());
    world.change(&APP_PROJECTS, ARGOCD, "p", |project| project["spec"] = permissive());
    let state = world.until("it goes on", |_, state| state.is_completed()).await;
    assert_eq!(phase(&state), "Succeeded");
    world.stop().await;
}

/// A slip while somebody edits a project ends no migration that runs well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_form_of_a_project_that_breaks_lets_a_hook_run() {
    let mut world = shop_of_project(&(hook("slow", "PreSync", "") + &map("a", "", "1"))).await;
    world.sync(&json!({}));
    let waits = "waiting for completion of hook batch/Job/slow";
    world.until_message(waits).await;
    world.change(&APP_PROJECTS, ARGOCD, "p", |project| project["spec"]["syncWindows"] = json!({"kind": "deny"}));
    let told = "InvalidSpecError: project 'p' cannot be read: spec.syncWindows: expected a list, found an object";
    let state = world.until_message(&format!("{waits} (it cannot go on yet: {told}")).await;
    assert_eq!((phase(&state).as_str(), world.names(&JOBS)), ("Running", vec!["slow".to_owned()]));
    world.change(&APP_PROJECTS, ARGOCD, "p", |project| project["spec"] = permissive());
    world.until("it goes on", |_, state| state.message == waits).await;
    world.stop().await;
}

/// Our definitions refuse a slip when it is written, and keep what they do not know. The simulated cluster has definitions
/// of its own, so ours have another group here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_form_is_that_of_the_definitions() {
    let world = World::new(&Setup::made("")).await;
    let definitions =
        Kind::known("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", false);
    let strict = WriteOptions { strict: true, ..WriteOptions::default() };
    for text in
        [include_str!("../../../assets/crds/application.yaml"), include_str!("../../../assets/crds/appproject.yaml")]
    {
        let definition = serde_yaml::from_str(&text.replace("argoproj.io", "example.com")).unwrap();
        world.cluster.create(&definitions, &Object::from_json(definition).unwrap(), &strict).await.unwrap();
    }
    let create = async |kind: &str, plural: &str, name: &str, fields: Value| {
        let mut object = json!({"apiVersion": "example.com/v1alpha1", "kind": kind, "metadata": {"name": name, "namespace": "shop"}});
        json_patch::merge(&mut object, &fields);
        let kind = Kind::known("example.com", "v1alpha1", kind, plural, true);
        world.cluster.create(&kind, &Object::from_json(object).unwrap(), &WriteOptions::default()).await
    };
    let application = async |name: &str, fields: Value| {
        let mut whole =
            json!({"spec": {"project": "default", "destination": {"server": "x"}, "source": {"repoURL": "x"}}});
        json_patch::merge(&mut whole, &fields);
        create("Application", "applications", name, whole).await
    };
    for (fields, path) in [
        (json!({"operation": {"sync": {"dryRun": "true"}}}), "operation.sync.dryRun"),
        (json!({"operation": {"sync": {"resources": "x"}}}), "operation.sync.resources"),
        (json!({"operation": {"sync": {"syncStrategy": "apply"}}}), "operation.sync.syncStrategy"),
        (json!({"operation": {"sync": {"revision": 5}}}), "operation.sync.revision"),
        (json!({"operation": {"retry": {"limit": "q"}}}), "operation.retry.limit"),
        (json!({"spec": {"syncPolicy": {"automated": {"enabled": "false"}}}}), "spec.syncPolicy.automated.enabled"),
        (json!({"spec": {"syncPolicy": {"automated": "yes"}}}), "spec.syncPolicy.automated"),
    ] {
        let error = application("bad", fields).await.unwrap_err().to_string();
        assert!(error.contains(path), "{path}: {error}");
    }
    let new = json!({"operation": {"sync": {"dryRun": true, "new": 1}}, "spec": {"new": {"a": 1}}});
    let kept = application("good", new.clone()).await.unwrap();
    assert_eq!(kept.at(&["operation"]), Some(&new["operation"]));
    assert_eq!(kept.at(&["spec", "new"]), Some(&new["spec"]["new"]));
    for (rules, path) in [
        (json!({"syncWindows": {"kind": "deny"}}), "spec.syncWindows"),
        (json!({"syncWindows": [{"kind": "Deny"}]}), "spec.syncWindows[0].kind"),
        (json!({"syncWindows": [{"kind": "deny", "applications": "*"}]}), "spec.syncWindows[0].applications"),
        (json!({"namespaceResourceBlacklist": {"kind": "ConfigMap"}}), "spec.namespaceResourceBlacklist"),
    ] {
        let error = create("AppProject", "appprojects", "bad", json!({"spec": rules})).await.unwrap_err().to_string();
        assert!(error.contains(path), "{path}: {error}");
    }
    create("AppProject", "appprojects", "good", json!({"spec": {"sourceRepos": ["*"], "new": 1}})).await.unwrap();
    world.stop().await;
}
