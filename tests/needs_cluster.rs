//! Tests against a real Kubernetes: the one that `BOATHOOK_TEST_KUBECONFIG` names, and only if it holds the ConfigMap
//! `kube-system/boathook-test-cluster`. They touch nothing but namespaces they made.
//!
//! `BOATHOOK_TEST_KUBECONFIG=FILE cargo test --test needs_cluster -- --ignored`
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test ends by panicking")]

#[path = "support/asked.rs"]
mod asked;
#[path = "talk/engine/differences.rs"]
mod differences;
#[path = "needs_cluster/engine.rs"]
mod engine;
#[path = "talk/engine/recorded.rs"]
#[expect(dead_code, reason = "the tests of the engine use the rest")]
mod recorded;
#[path = "needs_cluster/requests.rs"]
mod requests;
#[path = "support/work_tree.rs"]
mod work_tree;

use std::time::Duration;

use boathook::argo::{Live, Namespaces, Options};
use boathook::clock::Clock;
use boathook::cluster::{
    Access, Apply, Attributes, Cluster, Delete, Kind, Kinds, LogOptions, Patch, Propagation, Scope, Selectors, Target,
    WatchEvent, WatchOptions, WriteOptions, connect, watch,
};
use boathook::domain::application::AppKey;
use boathook::domain::live::{CaptureNotice, LiveEvent, LogFilter, LogMessage, Outcome, RequestState, SourceEnd};
use boathook::domain::manifest::Object;
use boathook::domain::request::{Controller, Request};
use boathook::domain::timeline::Timeline;
use boathook::engine::{Engine, EngineOptions, install_definitions};
use boathook::git::FileRepositories;
use futures::StreamExt as _;
use serde_json::json;

/// The cluster, and a namespace of the test's own that is deleted in the end.
struct World {
    cluster: Cluster,
    kinds: Kinds,
    namespace: String,
}

impl World {
    async fn new(test: &str) -> Self {
        let path = std::env::var_os("BOATHOOK_TEST_KUBECONFIG").expect("BOATHOOK_TEST_KUBECONFIG names no file");
        let target = Target::Kubeconfig { path: Some(path.into()), context: None };
        let cluster = connect(&target, &Clock::real(), "boathook-test").await.unwrap();
        let kinds = cluster.discover().await.unwrap();
        let marker = cluster.get(kind(&kinds, "", "ConfigMap"), "kube-system", "boathook-test-cluster").await.unwrap();
        assert!(marker.is_some(), "this cluster is not marked as one for tests");
        let namespaces = kind(&kinds, "", "Namespace");
        let object = object(json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": { "generateName": format!("boathook-{test}-") },
        }));
        let namespace = cluster.create(namespaces, &object, &WriteOptions::default()).await.unwrap().name().to_owned();
        Self { cluster, kinds, namespace }
    }

    fn kind(&self, group: &str, name: &str) -> Kind {
        kind(&self.kinds, group, name).clone()
    }

    async fn end(self) {
        let namespaces = self.kind("", "Namespace");
        self.cluster.delete(&namespaces, "", &self.namespace, &Delete::default()).await.unwrap();
    }
}

fn kind<'a>(kinds: &'a Kinds, group: &str, name: &str) -> &'a Kind {
    kinds.find(group, name).unwrap_or_else(|| panic!("the cluster has no {group}/{name}"))
}

fn object(value: serde_json::Value) -> Object {
    Object::from_json(value).unwrap()
}

/// Waits for what a watch brings, not for a time; the limit only ends a test that would hang.
async fn next<T>(events: &mut (impl futures::Stream<Item = WatchEvent<T>> + Unpin)) -> WatchEvent<T> {
    Clock::real().timeout(Duration::from_secs(60), events.next()).await.expect("no event").expect("the watch ended")
}

#[tokio::test]
#[ignore = "needs a cluster: BOATHOOK_TEST_KUBECONFIG"]
async fn objects_are_written_watched_and_deleted() {
    let world = World::new("objects").await;
    let (cluster, namespace) = (&world.cluster, world.namespace.as_str());
    let maps = world.kind("", "ConfigMap");
    let in_namespace = Scope::Namespace(namespace.to_owned());
    let selectors = Selectors { labels: "boathook.dev/test=yes".to_owned(), ..Selectors::default() };
    for options in [
        WatchOptions::default(),
        WatchOptions { streaming: false, ..WatchOptions::default() },
        WatchOptions { metadata_only: true, ..WatchOptions::default() },
    ] {
        let mut events = Box::pin(watch::<Object>(cluster, &maps, &in_namespace, &selectors, options));
        assert_eq!(next(&mut events).await, WatchEvent::Listing);
        assert_eq!(next(&mut events).await, WatchEvent::Listed);
        let map = |value: &str| {
            object(json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": { "name": "a", "namespace": namespace, "labels": { "boathook.dev/test": "yes" } },
                "data": { "key": value },
            }))
        };
        let apply =
            Apply { force: true, options: WriteOptions { manager: "boathook-test".into(), ..WriteOptions::default() } };
        let created = cluster.apply(&maps, &map("1"), &apply).await.unwrap();
        let WatchEvent::Applied(seen) = next(&mut events).await else { panic!("not the new object") };
        assert_eq!((seen.key(), seen.uid()), (created.key(), created.uid()));
        let stale = json!({ "metadata": { "resourceVersion": "1" }, "data": { "key": "2" } });
        let error =
            cluster.patch(&maps, namespace, "a", &Patch::Merge(stale), &WriteOptions::default()).await.unwrap_err();
        assert!(error.is_conflict() && !error.is_transient(), "{error}");
        let other = Delete { uid: "00000000-0000-0000-0000-000000000000".to_owned(), ..Delete::default() };
        assert!(cluster.delete(&maps, namespace, "a", &other).await.unwrap_err().is_conflict());
        let this = Delete { uid: created.uid().to_owned(), propagation: Propagation::Background, ..Delete::default() };
        assert!(cluster.delete(&maps, namespace, "a", &this).await.unwrap());
        let WatchEvent::Deleted(_) = next(&mut events).await else { panic!("not the end of the object") };
        assert!(!cluster.delete(&maps, namespace, "a", &this).await.unwrap());
        assert_eq!(cluster.get(&maps, namespace, "a").await.unwrap(), None);
    }
    world.end().await;
}

#[tokio::test]
#[ignore = "needs a cluster: BOATHOOK_TEST_KUBECONFIG"]
async fn a_job_runs_and_its_log_is_followed() {
    let world = World::new("log").await;
    let (cluster, namespace) = (&world.cluster, world.namespace.as_str());
    let (jobs, pods) = (world.kind("batch", "Job"), world.kind("", "Pod"));
    let in_namespace = Scope::Namespace(namespace.to_owned());
    let mut events =
        Box::pin(watch::<Object>(cluster, &pods, &in_namespace, &Selectors::default(), WatchOptions::default()));
    let job = object(json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "say", "namespace": namespace },
        "spec": { "backoffLimit": 0, "template": { "spec": { "restartPolicy": "Never", "containers": [
            { "name": "main", "image": "busybox", "command": ["sh", "-c", "echo one; echo two"] },
        ] } } },
    }));
    cluster.create(&jobs, &job, &WriteOptions { strict: true, ..WriteOptions::default() }).await.unwrap();
    let pod = loop {
        if let WatchEvent::Applied(pod) = next(&mut events).await
            && pod.at(&["status", "phase"]).is_some_and(|phase| phase == "Succeeded")
        {
            break pod;
        }
    };
    let options = LogOptions { container: "main".into(), follow: true, ..LogOptions::default() };
    let lines: Vec<_> = cluster.logs(namespace, pod.name(), &options).await.unwrap().collect().await;
    let lines: Vec<_> = lines.into_iter().map(Result::unwrap).collect();
    assert_eq!(lines.iter().map(|line| &line.text[..]).collect::<Vec<_>>(), [b"one", b"two"]);
    assert!(lines.iter().all(|line| line.time.is_some()));
    world.end().await;
}

#[tokio::test]
#[ignore = "needs a cluster: BOATHOOK_TEST_KUBECONFIG"]
async fn the_cluster_says_who_we_are_and_what_we_may() {
    let world = World::new("access").await;
    assert!(!world.cluster.whoami().await.is_empty());
    let wanted = Attributes { verb: "patch".into(), resource: "pods".into(), ..Attributes::default() };
    assert_eq!(world.cluster.may(&wanted).await, Ok(Access::Allowed));
    assert!(world.kinds.find("apps", "Deployment").is_some_and(|kind| kind.namespaced && kind.has_status));
    assert!(world.kinds.find("", "Namespace").is_some_and(|kind| !kind.namespaced));
    assert!(world.kinds.api_versions().contains(&"batch/v1/Job".to_owned()));
    let drift = world.cluster.server_now().duration_since(Clock::real().now()).as_secs().abs();
    assert!(drift <= 1, "the server runs on this machine, yet its clock is {drift} s off");
    world.end().await;
}

/// The kind Application; made where the cluster has none, and left there.
async fn applications(world: &World) -> Kind {
    install_definitions(&world.cluster).await.unwrap();
    Kind::known("argoproj.io", "v1alpha1", "Application", "applications", true)
}

/// An operation whose hook a test creates in the place of a controller: the live view sees it run, keeps its log and
/// writes an abort.
#[tokio::test]
#[ignore = "needs a cluster: BOATHOOK_TEST_KUBECONFIG"]
async fn the_live_view_follows_a_hook_keeps_its_log_and_aborts() {
    let world = World::new("live").await;
    let kind = applications(&world).await;
    let (cluster, namespace) = (&world.cluster, world.namespace.as_str());
    let operation = json!({ "initiatedBy": { "username": "alice" }, "sync": { "revision": "6f1c0aa", "syncStrategy": { "hook": {} } } });
    let started = cluster.server_now();
    let app = object(json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": { "name": "shop", "namespace": namespace },
        "spec": { "project": "default", "source": { "repoURL": "https://git.example.com/x.git", "path": "." },
            "destination": { "server": "https://kubernetes.default.svc", "namespace": namespace } },
        "operation": operation,
        "status": { "operationState": { "phase": "Running", "startedAt": format!("{started:.0}"), "operation": operation,
            "syncResult": { "revision": "6f1c0aa", "resources": [{ "group": "batch", "version": "v1", "kind": "Job", "namespace": namespace,
                "name": "say", "status": "Synced", "hookType": "PreSync", "hookPhase": "Running", "syncPhase": "PreSync" }] } } },
    }));
    cluster.create(&kind, &app, &WriteOptions::default()).await.unwrap();
    let state = tempfile::tempdir().unwrap();
    let options = Options {
        kubeconfig: std::env::var_os("BOATHOOK_TEST_KUBECONFIG").map(Into::into),
        namespaces: Namespaces::One(namespace.to_owned()),
        state: Some(state.path().to_owned()),
        watch_operations: true,
        ..Options::default()
    };
    let (live, mut events) = Live::start(options, &Clock::real()).await.unwrap();
    let job = object(json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "say", "namespace": namespace,
            "annotations": { "argocd.argoproj.io/hook": "PreSync", "argocd.argoproj.io/tracking-id": format!("shop:batch/Job:{namespace}/say") } },
        "spec": { "backoffLimit": 0, "template": { "spec": { "restartPolicy": "Never", "containers": [
            { "name": "main", "image": "busybox", "command": ["sh", "-c", "for i in 1 2 3 4 5; do echo line $i; sleep 0.2; done; exit 4"] },
        ] } } },
    }));
    cluster.create(&world.kind("batch", "Job"), &job, &WriteOptions::default()).await.unwrap();
    let key = AppKey::new(live.cluster().clone(), namespace, "shop");
    let mut timeline = Timeline::new(namespace, "shop");
    let (mut code, mut complete) = (None, None);
    let follow = async {
        while code.is_none() || complete.is_none() {
            match events.recv().await.unwrap() {
                LiveEvent::Observed { key: own, event } if own == key => {
                    timeline.observe(&event);
                    let view = timeline.view(cluster.server_now());
                    code = view.tasks().find_map(|task| task.exit.as_ref()?.code).or(code);
                }
                LiveEvent::Capture(CaptureNotice::Complete { lines, .. }) => complete = Some(lines),
                LiveEvent::Capture(CaptureNotice::Lost { reason, .. }) => panic!("{reason}"),
                _ => {}
            }
        }
    };
    Clock::real().timeout(Duration::from_secs(90), follow).await.expect("the hook was not followed to its end");
    assert_eq!((code, complete), (Some(4), Some(5)));
    let id = live.send(&key, Request::Abort, None);
    let outcome = async {
        loop {
            if let LiveEvent::Request(update) = events.recv().await.unwrap()
                && let (true, RequestState::Ended(outcome)) = (update.id == id, update.state)
            {
                break outcome;
            }
        }
    };
    let outcome = Clock::real().timeout(Duration::from_secs(60), outcome).await.expect("no outcome");
    assert_eq!(outcome, Outcome::Written);
    live.stop().await;
    let now = cluster.get(&kind, namespace, "shop").await.unwrap().unwrap();
    assert_eq!(now.at(&["status", "operationState", "phase"]), Some(&json!("Terminating")));
    world.end().await;
}

/// An engine, and after its end another: it gives up when it cannot renew its Lease, and whoever runs it starts it again.
async fn keep_engine(cluster: Cluster, options: EngineOptions, mut stopped: tokio::sync::oneshot::Receiver<()>) {
    let clock = Clock::real();
    loop {
        match Engine::start(cluster.clone(), options.clone(), clock.clone()).await {
            Ok(engine) => {
                tokio::select! {
                    _ = engine.ended() => {}
                    _ = &mut stopped => return engine.stop().await,
                }
            }
            Err(_) => clock.sleep(Duration::from_millis(200)).await,
        }
    }
}

/// Lines that the hook below writes, one every tenth of a second.
const LINES: usize = 150;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a cluster: BOATHOOK_TEST_KUBECONFIG"]
async fn the_live_view_asks_the_engine_and_keeps_every_line() {
    asks_and_keeps_every_line(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a cluster: BOATHOOK_TEST_KUBECONFIG, and a command that stops its API server and starts it again: BOATHOOK_TEST_RESTART"]
async fn no_line_is_lost_while_the_api_server_is_killed_and_started_again() {
    let restart = std::env::var("BOATHOOK_TEST_RESTART").expect("BOATHOOK_TEST_RESTART says nothing");
    asks_and_keeps_every_line(Some(restart)).await;
}

/// The engine acts, the live view asks and watches: a sync with a hook that is deleted when it has succeeded, whose log is
/// whole all the same. `restart` is run as soon as the log is followed.
async fn asks_and_keeps_every_line(restart: Option<String>) {
    let (mut restart, mut restarted) = (restart, None);
    let world = World::new("engine").await;
    let kind = applications(&world).await;
    let (cluster, namespace) = (&world.cluster, world.namespace.as_str());
    let folder = tempfile::tempdir().unwrap();
    let tree = work_tree::WorkTree::new(folder.path().join("work"));
    tree.write(
        "shop/all.yaml",
        &format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: say\n  annotations: {{argocd.argoproj.io/hook: PreSync, argocd.argoproj.io/hook-delete-policy: HookSucceeded}}\n\
             spec:\n  backoffLimit: 0\n  template:\n    spec:\n      restartPolicy: Never\n      containers:\n      - name: main\n        image: busybox\n        command: [sh, -c, \"i=0; while [ $i -lt {LINES} ]; do i=$((i+1)); echo line $i; sleep 0.1; done\"]\n\
             ---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: limits}}\ndata: {{most: '1'}}\n"
        ),
    );
    let commit = tree.commit("say a lot");
    let app = object(json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": { "name": "shop", "namespace": namespace },
        "spec": { "project": "default", "source": { "repoURL": tree.url(), "path": "shop", "targetRevision": "main" },
            "destination": { "server": "https://kubernetes.default.svc", "namespace": namespace } },
    }));
    cluster.create(&kind, &app, &WriteOptions::default()).await.unwrap();
    let mut options = EngineOptions::new(folder.path().join("cache"));
    namespace.clone_into(&mut options.control_plane);
    options.applications = Scope::Namespace(namespace.to_owned());
    options.file_repositories = FileRepositories::Allowed;
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let engine = tokio::spawn(keep_engine(cluster.clone(), options, stopped));
    let options = Options {
        kubeconfig: std::env::var_os("BOATHOOK_TEST_KUBECONFIG").map(Into::into),
        namespaces: Namespaces::One(namespace.to_owned()),
        state: Some(folder.path().join("state")),
        watch_operations: true,
        ..Options::default()
    };
    let (live, mut events) = Live::start(options, &Clock::real()).await.unwrap();
    let key = AppKey::new(live.cluster().clone(), namespace, "shop");
    live.open(&key);
    let wait = async {
        loop {
            if let LiveEvent::Controller { controller: Controller::Engine, .. } = events.recv().await.unwrap() {
                break;
            }
        }
        let id = live.send(&key, Request::Sync(Box::default()), None);
        let (mut outcome, mut record) = (None, None);
        while record.is_none() {
            match events.recv().await.unwrap() {
                LiveEvent::Request(update) if update.id == id => {
                    if let RequestState::Ended(ended) = update.state {
                        outcome = Some(ended);
                    }
                }
                LiveEvent::Recorded { record: ended, .. } => record = Some(ended),
                LiveEvent::Capture(CaptureNotice::Started { .. }) => {
                    if let Some(command) = restart.take() {
                        let run = move || std::process::Command::new("sh").args(["-c", &command]).status();
                        restarted = Some(tokio::task::spawn_blocking(run));
                    }
                }
                _ => {}
            }
        }
        if let Some(restarted) = restarted.take() {
            assert!(restarted.await.unwrap().unwrap().success(), "the API server was not started again");
        }
        assert!(restart.is_none(), "its log was never followed");
        (outcome, record)
    };
    let (outcome, record) =
        Clock::real().timeout(Duration::from_secs(180), wait).await.expect("the operation did not end");
    let record = record.unwrap();
    assert_eq!(outcome, Some(Outcome::Written));
    assert_eq!((record.phase.as_str(), record.revisions.as_slice()), ("Succeeded", [commit].as_slice()), "{record:?}");
    let mut stream = live.logs(&key, LogFilter { all_attempts: true, ..LogFilter::default() });
    let (mut lines, mut ends) = (Vec::new(), Vec::new());
    while let Some(message) = stream.recv().await {
        match message {
            LogMessage::Lines(more) => {
                lines.extend(more.iter().map(|line| String::from_utf8_lossy(&line.text).into_owned()));
            }
            LogMessage::Ended { end, .. } => ends.push(end),
            _ => {}
        }
    }
    assert_eq!(lines, (1..=LINES).map(|line| format!("line {line}")).collect::<Vec<_>>());
    assert_eq!(ends, [SourceEnd::Complete]);
    assert_eq!(
        cluster.get(&world.kind("batch", "Job"), namespace, "say").await.unwrap(),
        None,
        "deleted by its policy"
    );
    live.stop().await;
    stop.send(()).unwrap();
    engine.await.unwrap();
    world.end().await;
}
