//! What is wrong, hostile or huge costs its own row and nothing else.

use boathook::argo::{ConnectError, Live, Options};
use boathook::clock::Clock;
use boathook::domain::live::{HookAccess, LogFilter};
use boathook::sim::resource::{APPLICATIONS, JOBS, PODS};
use serde_json::{Value, json};

use super::hooks::{at, ended, key, pod};
use super::world::{World, app, hook_result, put, running};

fn bad() -> Vec<(&'static str, Value)> {
    let with = |path: &str, value: Value| {
        let mut app = app("bad");
        *app.pointer_mut(path).unwrap() = value;
        app
    };
    let mut huge = app("bad");
    huge["status"]["resources"] = (0..5000)
        .map(|index| json!({ "group": "apps", "version": "v1", "kind": "Deployment", "namespace": "shop", "name": format!("d-{index}"), "status": "Synced" }))
        .collect();
    let mut bare = json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": { "name": "bad", "namespace": "argocd" } });
    let empty = bare.clone();
    bare["status"] = json!({});
    let mut hostile = running("bad", &json!([hook_result("../../../etc/\u{1b}[2J\u{202e}x", "Running")]));
    hostile["spec"]["project"] = json!("\u{1b}]0;owned\u{7}");
    vec![
        ("status is a list", with("/status", json!([1, 2]))),
        ("spec is a text", with("/spec", json!("nothing"))),
        ("phase is unknown", with("/status/operationState/phase", json!("Dancing"))),
        ("times are words", with("/status/operationState/startedAt", json!("yesterday"))),
        ("operation is a number", with("/status/operationState/operation", json!(7))),
        ("5,000 resources", huge),
        ("empty status", bare),
        ("no spec", empty),
        ("hostile names", hostile),
    ]
}

#[tokio::test]
async fn bad_applications_hide_no_other() {
    for (what, object) in bad() {
        let mut world = World::new().await;
        world.put_app(object);
        world.put_app(app("good"));
        let (good, bad) = (world.key("good"), world.key("bad"));
        world
            .until(what, |picture| {
                let told = picture.apps.contains_key(&bad) || picture.unreadable.contains(&bad);
                picture.is_live() && picture.apps.contains_key(&good) && told
            })
            .await;
        world.live.open(&bad);
        world.open("good").await;
        world.until(what, |picture| matches!(picture.access.get(&good), Some(HookAccess::Watched { .. }))).await;
    }
}

/// What an Application says of its hooks names folders on disk and words on a screen.
#[tokio::test]
async fn names_that_are_hostile_to_a_file_system_stay_in_their_folder() {
    let hostile = "../../../../escaped/\u{1b}[2J\u{202e}\u{0}x";
    let mut world = World::new().await;
    world.put_app(running("a", &json!([hook_result(hostile, "Running")])));
    world.until_live().await;
    let job = put(
        &world.simulator,
        &JOBS,
        json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": hostile, "namespace": "shop", "creationTimestamp": "2026-11-22T11:00:01Z" },
            "status": { "active": 1 } }),
    );
    let mut pod = pod(job["metadata"]["uid"].as_str().unwrap(), "pod-1", &ended(0), 0);
    pod["metadata"]["ownerReferences"][0]["name"] = json!(hostile);
    let logs = world.simulator.logs().clone();
    logs.start(&key("pod-1"));
    logs.write(&key("pod-1"), at(0), b"inside");
    logs.end(&key("pod-1"));
    put(&world.simulator, &PODS, pod);
    world.until("the log is kept", |picture| picture.captured == [1]).await;
    let read = world.logs("a", LogFilter::default()).await;
    assert_eq!((read.len(), read[0].1.as_slice(), read[0].0.hook.as_str()), (1, &b"inside\n"[..], hostile));
    let mut folders = vec![world.home.path().to_owned()];
    let mut names = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            names.push(entry.file_name().into_string().unwrap());
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            }
        }
    }
    let (escaped, plain): (Vec<_>, Vec<_>) = names.iter().partition(|name| name.contains("escaped"));
    assert_eq!(escaped.len(), 1, "{names:?}");
    assert!(names.iter().all(|name| !name.chars().any(char::is_control)), "{names:?}");
    assert!(plain.iter().any(|name| std::path::Path::new(name.as_str()).extension().is_some_and(|end| end == "log")));
    assert!(!world.home.path().with_file_name("escaped").exists());
}

#[tokio::test]
async fn logs_of_what_does_not_exist_end() {
    let mut world = World::new().await;
    world.put_app(app("a"));
    world.until_live().await;
    assert!(world.logs("a", LogFilter::default()).await.is_empty());
    assert!(world.logs("nobody", LogFilter { follow: true, ..LogFilter::default() }).await.is_empty());
}

#[tokio::test]
async fn an_application_of_another_uid_is_another() {
    let mut world = World::new().await;
    let first = put(&world.simulator, &APPLICATIONS, app("a"));
    let key = world.open("a").await;
    world.simulator.store().remove_raw(&APPLICATIONS, "argocd", "a");
    world.put_app(app("a"));
    let uid = first["metadata"]["uid"].as_str().unwrap().to_owned();
    world
        .until("the new one", |picture| picture.applications.get(&key).is_some_and(|own| own.metadata.uid != uid))
        .await;
}

#[tokio::test]
async fn a_kubeconfig_that_cannot_be_used_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let table = [
        ("broken", Some("clusters: [}"), "broken"),
        (
            "no-context",
            Some("apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers: []\n"),
            "no current context",
        ),
        (
            "no-authority",
            Some(
                "apiVersion: v1\nkind: Config\ncurrent-context: it\nclusters: [{name: it, cluster: {server: 'https://127.0.0.1:1', certificate-authority: nowhere.crt}}]\ncontexts: [{name: it, context: {cluster: it, user: it}}]\nusers: [{name: it, user: {}}]\n",
            ),
            "nowhere.crt",
        ),
        (
            "no-such-context",
            Some("apiVersion: v1\nkind: Config\ncurrent-context: gone\nclusters: []\ncontexts: []\nusers: []\n"),
            "gone",
        ),
        ("missing", None, "missing"),
    ];
    for (name, content, words) in table {
        let path = folder.path().join(name);
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let options = Options { kubeconfig: Some(path), ..Options::default() };
        let error: ConnectError = Live::start(options, &Clock::real()).await.err().unwrap();
        assert!(error.to_string().contains(words), "{error}");
    }
}

/// Errors end up on terminals, in logs of pipelines and in reports.
#[tokio::test]
async fn no_secret_of_a_kubeconfig_or_its_plugin_is_in_an_error() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let start = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let options = Options { kubeconfig: Some(path), ..Options::default() };
        async move { Live::start(options, &Clock::real()).await.err().unwrap() }
    };
    let broken = "apiVersion: v1\nkind: Config\nusers:\n- name: a\n  user:\n    token: SECRET\n   broken: [}\n";
    let error = start("broken", broken).await;
    assert!(!error.to_string().contains("SECRET") && error.to_string().contains("line "), "{error}");
    let plugin = folder.path().join("plugin");
    std::fs::write(&plugin, "#!/bin/sh\necho SECRET\necho log in first >&2\nexit 3\n").unwrap();
    std::fs::set_permissions(&plugin, std::fs::Permissions::from_mode(0o700)).unwrap();
    let config = serde_json::json!({ "apiVersion": "v1", "kind": "Config", "current-context": "it",
        "clusters": [{ "name": "it", "cluster": { "server": "http://127.0.0.1:1" } }],
        "contexts": [{ "name": "it", "context": { "cluster": "it", "user": "it" } }],
        "users": [{ "name": "it", "user": { "exec": { "apiVersion": "client.authentication.k8s.io/v1",
            "command": plugin, "args": ["SECRET"], "env": [{ "name": "KEY", "value": "SECRET" }], "interactiveMode": "Never" } } }] });
    let error = start("exec", &config.to_string()).await;
    assert!(matches!(error, ConnectError::Credentials { .. }), "{error}");
    let told = error.to_string();
    assert!(told.contains("plugin failed (exit status: 3): log in first") && !told.contains("SECRET"), "{told}");
}
