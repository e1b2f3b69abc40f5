//! Whatever is wrong ends in a failed operation that says what and where, and other applications go on.

use std::time::Duration;

use boathook::sim::faults::{Action, Fault, requests};
use boathook::sim::resource::{APP_PROJECTS, APPLICATIONS, CONFIG_MAPS, JOBS};
use boathook::sim::store::DeleteOptions;
use serde_json::{Value, json};

use super::rows::{hook, map, shop};
use super::world::{ARGOCD, phase, results};

/// An operation that fails with all of these words, and nothing is written into the cluster.
async fn fails(manifests: &str, spec: &Value, sync: &Value, words: &[&str]) {
    let mut world = shop(manifests).await;
    world.edit(|application| json_patch::merge(&mut application["spec"], spec));
    let state = world.synced(sync).await;
    assert!(["Failed", "Error"].contains(&phase(&state).as_str()), "{state:?}");
    let told = format!("{} {}", state.message, results(&state).join(" "));
    for word in words {
        assert!(told.contains(word), "{word:?} is not in {told:?}");
    }
    assert!(world.names(&CONFIG_MAPS).is_empty());
    // Another application of the same engine goes on.
    world.write("other/all.yaml", &map("other", "", "1"));
    world.commit("other");
    let mut other = world.application();
    other["metadata"] = json!({"name": "other", "namespace": ARGOCD});
    other["spec"] = json!({"project": "default", "destination": {"name": "in-cluster", "namespace": "shop"},
        "source": {"repoURL": world.repository(), "path": "other"}});
    other["operation"] = json!({"sync": {}});
    other.as_object_mut().unwrap().remove("status");
    world.create(&APPLICATIONS, other);
    let maps = world.simulator.store().list_and_watch(&CONFIG_MAPS);
    let mut maps = maps.1;
    while !world.names(&CONFIG_MAPS).contains(&"other".to_owned()) {
        let event = boathook::clock::Clock::real().timeout(std::time::Duration::from_secs(30), maps.next()).await;
        event.expect("the other application stands still").unwrap();
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_bad_input_broken_yaml() {
    let broken = map("a", "", "1") + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: [\n";
    fails(&broken, &json!({}), &json!({}), &["ComparisonError: shop/all.yaml:9:", "(document 2)"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_bad_input_unknown_revision() {
    fails(&map("a", "", "1"), &json!({}), &json!({"revision": "nowhere"}), &["nowhere", "no branch, tag or commit"])
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_bad_input_unreachable_repository() {
    let source = json!({"source": {"repoURL": "http://127.0.0.1:1/none.git"}});
    fails(&map("a", "", "1"), &source, &json!({}), &["ComparisonError", "http://127.0.0.1:1/none.git"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_bad_input_path() {
    for (path, word) in [("../../etc", "out of the repository"), ("nowhere", "app path does not exist")] {
        fails(&map("a", "", "1"), &json!({"source": {"path": path}}), &json!({}), &[path, word]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_bad_input_chart_that_does_not_render_or_has_no_helm() {
    let source = json!({"source": {"helm": {"releaseName": "x"}}});
    fails(&map("a", "", "1"), &source, &json!({}), &["ComparisonError", "helm"]).await;
}

/// Each ends the operation and stands in a condition, by its name, and nothing is written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_bad_input_unsupported_fields_are_named() {
    let mut world = shop(&map("a", "", "1")).await;
    let spec = world.application()["spec"].clone();
    let source = |fields: Value| json!({ "source": fields });
    let other = |fields: Value| {
        let mut other = json!({"repoURL": world.repository(), "path": "shop"});
        json_patch::merge(&mut other, &fields);
        json!({"source": null, "sources": [{"repoURL": world.repository(), "path": "shop"}, other]})
    };
    let cases = [
        (source(json!({"plugin": {"name": "x"}})), "spec.source.plugin"),
        (source(json!({"tagPrefix": "v"})), "spec.source.tagPrefix"),
        (source(json!({"chart": "redis"})), "chart (a Helm repository as source)"),
        (source(json!({"directory": {"jsonnet": {"extVars": [{"name": "a"}]}}})), "directory.jsonnet"),
        (source(json!({"helm": {"passCredentials": true}})), "helm.passCredentials"),
        (source(json!({"helm": {"version": "v2"}})), "helm.version"),
        (source(json!({"helm": {"values": "a: $ARGOCD_APP_NAME"}})), "$ARGOCD_"),
        (source(json!({"helm": {"valueFiles": ["https://example.com/values.yaml"]}})), "from another server"),
        (source(json!({"kustomize": {"patches": [{"patch": "x"}]}})), "kustomize.patches"),
        (source(json!({"kustomize": {"components": ["x"]}})), "kustomize.components"),
        (source(json!({"somethingNew": 1})), "spec.source.somethingNew"),
        (other(json!({"plugin": {"name": "x"}})), "spec.sources[1].plugin"),
        (other(json!({"kustomize": {"version": "v4"}})), "kustomize.version"),
        (json!({"sourceHydrator": {"drySource": {"repoURL": "x"}}}), "spec.sourceHydrator"),
        (
            json!({"ignoreDifferences": [{"kind": "X", "jqPathExpressions": [".a"]}]}),
            "ignoreDifferences[0].jqPathExpressions",
        ),
        (json!({"syncPolicy": {"somethingNew": true}}), "spec.syncPolicy.somethingNew"),
    ];
    for (change, field) in cases {
        world.edit(|application| {
            application["spec"] = spec.clone();
            json_patch::merge(&mut application["spec"], &change);
        });
        let state = world.synced(&json!({"prune": true})).await;
        let told = format!("{} {}", phase(&state), state.message);
        assert!(told.starts_with("Error InvalidSpecError: "), "{field}: {told}");
        let conditions = world.refreshed().await["status"]["conditions"].clone();
        assert_eq!(conditions[0]["type"], "InvalidSpecError", "{field}: {conditions}");
        for told in [told.as_str(), conditions[0]["message"].as_str().unwrap()] {
            assert!(told.contains(field) && told.contains("is not supported by boathook's engine"), "{field}: {told}");
        }
        assert!(world.names(&CONFIG_MAPS).is_empty(), "{field}");
    }
    // A file of Argo CD's that changes the source, and a source that an operation brings.
    world.edit(|application| application["spec"] = spec.clone());
    let plugin = json!({"repoURL": world.repository(), "path": "shop", "plugin": {"name": "x"}});
    for (sources, field) in [
        (json!({ "source": plugin }), "operation.sync.source.plugin"),
        (
            json!({"sources": [{"repoURL": world.repository(), "path": "shop"}, plugin]}),
            "operation.sync.sources[1].plugin",
        ),
        (json!({"source": {"repoURL": world.repository(), "chart": "x"}}), "operation.sync.source.chart"),
    ] {
        let message = world.synced(&sources).await.message;
        assert!(message.starts_with(&format!("InvalidSpecError: {field} ")), "{field}: {message}");
    }
    world.write("shop/.argocd-source.yaml", "kustomize: {images: [x]}\n");
    world.write("shop/a.jsonnet", "{}");
    world.commit("more");
    let state = world.synced(&json!({})).await;
    assert!(state.message.contains("file shop/.argocd-source.yaml is not supported"), "{}", state.message);
    world.git(&["rm", "--quiet", "shop/.argocd-source.yaml"]);
    world.commit("less");
    let state = world.synced(&json!({})).await;
    assert!(state.message.contains("jsonnet file shop/a.jsonnet is not supported"), "{}", state.message);
    assert!(world.names(&CONFIG_MAPS).is_empty());
    world.git(&["rm", "--quiet", "shop/a.jsonnet"]);
    world.commit("less");
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded", "nothing of it is left");
    assert_eq!(world.refreshed().await["status"].get("conditions"), None);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_bad_input_link_that_leads_out() {
    let mut world = shop(&map("a", "", "1")).await;
    std::os::unix::fs::symlink("../../../../etc/hostname", world.work().join("shop/b.yaml")).unwrap();
    world.commit("link");
    let state = world.synced(&json!({})).await;
    let words = "\"shop/b.yaml\" is a link that leads out of the repository";
    assert_eq!((phase(&state).as_str(), state.message.as_str()), ("Error", &*format!("ComparisonError: {words}")));
    assert_eq!(world.refreshed().await["status"]["conditions"][0]["message"], words);
    assert!(world.names(&CONFIG_MAPS).is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_bad_input_kind_object_and_namespace() {
    let none = "---\napiVersion: example.com/v1\nkind: Boat\nmetadata: {name: one}\n";
    fails(none, &json!({}), &json!({}), &["not valid", "Boat"]).await;
    let invalid = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: Not_A_Name}\n";
    fails(invalid, &json!({}), &json!({}), &["Not_A_Name"]).await;
    let away = json!({"destination": {"namespace": "away"}});
    fails(&map("a", "", "1"), &away, &json!({}), &["namespaces \"away\" not found"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_bad_input_destination_and_project() {
    let server = json!({"destination": {"server": "https://elsewhere.example"}});
    fails(&map("a", "", "1"), &server, &json!({}), &["InvalidSpecError", "https://elsewhere.example"]).await;
    let project = json!({"project": "none"});
    fails(&map("a", "", "1"), &project, &json!({}), &["InvalidSpecError", "project none which does not exist"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_project_rules_hold() {
    let mut world = shop(&map("a", "", "1")).await;
    let project = |spec: Value| json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "p", "namespace": ARGOCD}, "spec": spec});
    let any = json!([{"server": "*", "namespace": "*"}]);
    world.create(&APP_PROJECTS, project(json!({"sourceRepos": ["*"], "destinations": any})));
    world.edit(|application| application["spec"]["project"] = json!("p"));
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded");
    for (spec, words) in [
        (json!({"sourceRepos": ["https://other.example/*"], "destinations": any}), "repo"),
        (json!({"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "other"}]}), "namespace 'shop'"),
        (
            json!({"sourceRepos": ["*"], "destinations": any, "namespaceResourceBlacklist": [{"group": "", "kind": "ConfigMap"}]}),
            "resource :ConfigMap is not permitted in project p",
        ),
        (
            json!({"sourceRepos": ["*"], "destinations": any, "syncWindows": [{"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]}]}),
            "Sync operation blocked by sync window",
        ),
    ] {
        world.change(&APP_PROJECTS, ARGOCD, "p", |current| current["spec"] = spec.clone());
        // An operation is judged by the project as it is when the operation is asked for, however late watches are.
        world.sync(&json!({}));
        let is_held = words.contains("window");
        let state = if is_held { world.until_message(words).await } else { world.end().await };
        assert!(state.message.contains(words), "{state:?}");
        if is_held {
            world.edit(|application| application["status"]["operationState"]["phase"] = json!("Terminating"));
            world.end().await;
        }
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_sync_window_holds_what_runs_until_it_is_gone() {
    let mut world = shop(&(hook("good", "PreSync", "") + &map("a", "", "1"))).await;
    let any = json!({"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]});
    let mut closed = any.clone();
    closed["syncWindows"] = json!([{"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]}]);
    let mut manual = closed.clone();
    manual["syncWindows"][0]["manualSync"] = json!(true);
    let project = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
        "metadata": {"name": "p", "namespace": ARGOCD}, "spec": closed});
    world.create(&APP_PROJECTS, project);
    world.edit(|application| application["spec"]["project"] = json!("p"));
    world.sync(&json!({}));
    world.until_message("Sync operation blocked by sync window").await;
    assert!(world.names(&JOBS).is_empty() && world.names(&CONFIG_MAPS).is_empty());
    // Who runs into it goes on as soon as it is gone, not only at the next minute.
    world.change(&APP_PROJECTS, ARGOCD, "p", |current| current["spec"] = any.clone());
    assert_eq!(phase(&world.end().await), "Succeeded");
    world.change(&APP_PROJECTS, ARGOCD, "p", |current| current["spec"] = manual.clone());
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded", "a person may");
    world.request(&json!({"initiatedBy": {"automated": true}, "sync": {}}));
    world.until_message("Sync operation blocked by sync window").await;
    world.edit(|application| application["status"]["operationState"]["phase"] = json!("Terminating"));
    assert_eq!(world.end().await.message, "Operation terminated", "ending an operation is never held");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_project_that_changes_while_an_operation_runs_counts() {
    let mut world = shop(&(hook("slow", "PreSync", "") + &map("a", "", "1"))).await;
    let any = json!({"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]});
    let project = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
        "metadata": {"name": "p", "namespace": ARGOCD}, "spec": any});
    world.create(&APP_PROJECTS, project);
    world.edit(|application| application["spec"]["project"] = json!("p"));
    world.sync(&json!({}));
    world.until_message("waiting for completion of hook batch/Job/slow").await;
    world.change(&APP_PROJECTS, ARGOCD, "p", |current| {
        current["spec"]["syncWindows"] =
            json!([{"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]}]);
    });
    let state = world.until_message("Sync operation blocked by sync window").await;
    assert_eq!(phase(&state), "Running");
    assert_eq!(world.names(&JOBS), ["slow"], "what runs goes on");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_lets_a_hook_run_while_its_project_is_replaced() {
    let mut world = shop(&(hook("slow", "PreSync", "") + &map("a", "", "1"))).await;
    let any = json!({"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]});
    let project = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
        "metadata": {"name": "p", "namespace": ARGOCD}, "spec": any});
    world.create(&APP_PROJECTS, project.clone());
    world.edit(|application| application["spec"]["project"] = json!("p"));
    world.sync(&json!({}));
    world.until_message("waiting for completion of hook batch/Job/slow").await;
    world.simulator.store().delete(&APP_PROJECTS, ARGOCD, "p", &DeleteOptions::default()).unwrap();
    let missing = "waiting for completion of hook batch/Job/slow (it cannot go on yet: InvalidSpecError: Application \
                   referencing project p which does not exist)";
    let state = world.until_message(missing).await;
    assert_eq!((phase(&state).as_str(), world.names(&JOBS)), ("Running", vec!["slow".to_owned()]));
    world.create(&APP_PROJECTS, project);
    world.until("it goes on", |_, state| state.message == "waiting for completion of hook batch/Job/slow").await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_ends_the_hooks_of_an_operation_that_may_not_go_on_and_says_why() {
    ends_its_hooks_and_says_why(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_says_why_it_ended_an_operation_also_where_it_was_killed_while_it_did() {
    ends_its_hooks_and_says_why(true).await;
}

async fn ends_its_hooks_and_says_why(is_killed: bool) {
    let mut world = shop(&(hook("slow", "PreSync", "") + &map("a", "", "1"))).await;
    let any = json!({"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]});
    let project = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
        "metadata": {"name": "p", "namespace": ARGOCD}, "spec": any});
    world.create(&APP_PROJECTS, project);
    world.edit(|application| application["spec"]["project"] = json!("p"));
    let retry = json!({"limit": 3, "backoff": {"duration": "0.01s"}});
    world.request(&json!({"sync": {}, "retry": retry}));
    world.until_message("waiting for completion of hook batch/Job/slow").await;
    let faults = world.simulator.faults().clone();
    let deletion = Fault::new(requests(&["delete"], &["jobs"]), Action::Delay(Duration::from_secs(3600)));
    let deletion = is_killed.then(|| faults.add(deletion));
    world
        .change(&APP_PROJECTS, ARGOCD, "p", |current| current["spec"]["destinations"][0]["namespace"] = json!("other"));
    if let Some(deletion) = deletion {
        faults.until_met(deletion, 1).await;
        world.kill();
        faults.clear();
        world.start().await;
    }
    let state = world.end().await;
    assert_eq!(phase(&state), "Error");
    assert!(state.message.starts_with("InvalidSpecError: ") && state.message.contains("namespace 'shop'"), "{state:?}");
    assert_eq!(results(&state), ["PreSync Job/slow Synced Failed Terminated"]);
    world.left(&JOBS, &[]).await;
    assert!(world.names(&CONFIG_MAPS).is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_bad_input_request_that_cannot_be_read_is_no_request_for_the_default() {
    let mut world = shop(&(map("a", "", "1") + &hook("good", "PreSync", ""))).await;
    for (operation, words) in [
        (json!({"sync": {"dryRun": "true"}}), "operation.sync.dryRun: expected"),
        (json!({"sync": {"syncStrategy": "apply"}}), "operation.sync.syncStrategy: expected"),
        (json!({"sync": {"resources": "x"}}), "operation.sync.resources: expected"),
        (json!({"sync": {"frobnicate": true}}), "operation.sync.frobnicate is not supported"),
        (json!({"sync": {}, "retry": {"limit": "q"}}), "operation.retry.limit: expected"),
        (json!("x"), "operation: expected"),
    ] {
        world.request(&operation);
        let state = world.end().await;
        let begin = format!("Invalid operation request: {words}");
        assert!(phase(&state) == "Error" && state.message.starts_with(&begin), "{operation}: {state:?}");
        assert!(world.names(&CONFIG_MAPS).is_empty() && world.names(&JOBS).is_empty(), "{operation}");
    }
    assert_eq!(phase(&world.synced(&json!({"dryRun": true})).await), "Succeeded");
    assert!(world.names(&CONFIG_MAPS).is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_bad_input_project_rules_and_specs_that_cannot_be_read_permit_nothing() {
    let mut world = shop(&map("a", "", "1")).await;
    let any = json!({"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]});
    let project = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
        "metadata": {"name": "p", "namespace": ARGOCD}, "spec": any});
    world.create(&APP_PROJECTS, project);
    world.edit(|application| application["spec"]["project"] = json!("p"));
    let window = json!({"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]});
    let with = |field: &str, value: Value| {
        let mut window = window.clone();
        window[field] = value;
        json!({ "syncWindows": [window] })
    };
    for (rules, words) in [
        (json!({ "syncWindows": window }), "spec.syncWindows: expected"),
        (with("applications", json!("*")), "spec.syncWindows[0].applications: expected"),
        (with("kind", json!("Deny")), "spec.syncWindows[0].kind: expected"),
        (json!({"namespaceResourceBlacklist": {"kind": "ConfigMap"}}), "spec.namespaceResourceBlacklist: expected"),
    ] {
        world.change(&APP_PROJECTS, ARGOCD, "p", |project| {
            project["spec"] = any.clone();
            json_patch::merge(&mut project["spec"], &rules);
        });
        let state = world.synced(&json!({})).await;
        let begin = format!("InvalidSpecError: project 'p' cannot be read: {words}");
        assert!(phase(&state) == "Error" && state.message.starts_with(&begin), "{rules}: {state:?}");
    }
    world.change(&APP_PROJECTS, ARGOCD, "p", |project| project["spec"] = any.clone());
    for (policy, words) in [
        (json!({"automated": {"enabled": "false"}}), "spec.syncPolicy.automated.enabled: expected"),
        (json!({"automated": "yes"}), "spec.syncPolicy.automated: expected"),
        (json!({"automated": {"frob": 1}}), "spec.syncPolicy.automated.frob is not supported"),
    ] {
        world.edit(|application| application["spec"]["syncPolicy"] = policy.clone());
        let conditions = world.refreshed().await["status"]["conditions"].clone();
        assert_eq!(conditions[0]["type"], "InvalidSpecError", "{policy}: {conditions}");
        assert!(conditions[0]["message"].as_str().unwrap().starts_with(words), "{policy}: {conditions}");
        assert!(world.application().get("operation").is_none() && world.names(&CONFIG_MAPS).is_empty(), "{policy}");
    }
    world.edit(|application| {
        application["spec"]["syncPolicy"] = json!({"automated": {"enabled": true}});
        // What was fetched for the first comparison may be older than the manifests.
        application["metadata"]["annotations"]["argocd.argoproj.io/refresh"] = json!("normal");
    });
    world.end().await;
    assert_eq!(world.names(&CONFIG_MAPS), ["a"]);
    world.stop().await;
}
