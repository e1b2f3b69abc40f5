//! The engine on a real Kubernetes, with no more rights than `assets/rbac/` gives: every case ends as Argo CD was recorded to
//! end it, which is also how it ends on the simulated cluster.

use std::collections::BTreeMap;
use std::fs;
use std::future::Future;
use std::path::Path;
use std::pin::{Pin, pin};
use std::process::Command;
use std::time::Duration;

use boathook::clock::Clock;
use boathook::cluster::{
    Cluster, Delete, Kind, Patch, Scope, Selectors, Target, WatchEvent, WatchOptions, WriteOptions, connect, watch,
};
use boathook::domain::manifest::{Object, read};
use boathook::domain::operation::OperationState;
use boathook::engine::{Engine, EngineOptions, install_definitions};
use boathook::git::FileRepositories;
use futures::{Stream, StreamExt as _};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::recorded::{Shown, recording, shown};
use super::work_tree::WorkTree;
use super::{World, object};

/// Ends a test that would hang: no case takes half as long.
const PATIENCE: Duration = Duration::from_secs(180);

/// Recordings and their cases.
const RECORDED: [(&str, &str); 9] = [
    ("article", "article"),
    ("abort", "abort"),
    ("waves", "waves"),
    ("terminated", "long"),
    ("flaky-retry", "flaky"),
    ("podhook", "podhook"),
    ("helm", "helm"),
    ("workflow", "workflow"),
    ("prune-done", "prune"),
];

/// Where the cluster has no Workflows, their kind without a controller, which is left there.
async fn define_workflows(world: &World) {
    let definition = object(json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "workflows.argoproj.io" },
        "spec": { "group": "argoproj.io", "scope": "Namespaced",
            "names": { "kind": "Workflow", "listKind": "WorkflowList", "plural": "workflows", "singular": "workflow" },
            "versions": [{ "name": "v1alpha1", "served": true, "storage": true, "schema": { "openAPIV3Schema": {
                "type": "object", "x-kubernetes-preserve-unknown-fields": true } } }] },
    }));
    let kind = world.kind("apiextensions.k8s.io", "CustomResourceDefinition");
    match world.cluster.create(&kind, &definition, &WriteOptions::default()).await {
        Ok(_) => {}
        Err(error) => assert!(error.is_already_there(), "{error}"),
    }
}

/// Writes what a workflow controller would, once a Workflow is there.
async fn complete_workflow(cluster: &Cluster, namespace: &str) {
    let (kind, scope) =
        (Kind::known("argoproj.io", "v1alpha1", "Workflow", "workflows", true), Scope::Namespace(namespace.to_owned()));
    let mut events = pin!(watch::<Object>(cluster, &kind, &scope, &Selectors::default(), WatchOptions::default()));
    while let Some(event) = events.next().await {
        if let WatchEvent::Item(workflow) | WatchEvent::Applied(workflow) = event {
            for phase in ["Running", "Succeeded"] {
                let patch = Patch::Merge(json!({ "status": { "phase": phase } }));
                cluster.patch(&kind, namespace, workflow.name(), &patch, &WriteOptions::default()).await.unwrap();
            }
            return;
        }
    }
}

/// A control plane of the test's own, with a service account for the engine, and a repository.
struct Stage {
    world: World,
    folder: tempfile::TempDir,
    tree: WorkTree,
    /// What is outside of namespaces, to be deleted in the end.
    outside: Vec<Object>,
    namespaces: Vec<String>,
}

fn applications() -> Kind {
    Kind::known("argoproj.io", "v1alpha1", "Application", "applications", true)
}

impl Stage {
    async fn new() -> Self {
        let world = World::new("engine").await;
        install_definitions(&world.cluster).await.unwrap();
        define_workflows(&world).await;
        let folder = tempfile::tempdir().unwrap();
        let tree = WorkTree::new(folder.path().join("work"));
        let mut stage = Self { world, folder, tree, outside: Vec::new(), namespaces: Vec::new() };
        stage.grant("engine.yaml", "").await;
        stage
    }

    fn control(&self) -> &str {
        &self.world.namespace
    }

    /// Creates what a file of `assets/rbac/` holds, in the test's namespaces and under names of its own.
    async fn grant(&mut self, file: &str, target: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/rbac").join(file);
        let text = fs::read_to_string(path).unwrap();
        let text = text.replace("namespace: argocd", &format!("namespace: {}", self.control()));
        let text = text.replace("namespace: shop", &format!("namespace: {target}"));
        for manifest in read(file, text.as_bytes()).objects {
            let mut value = Value::Object(manifest.object.as_json().clone());
            let own = |name: &Value| json!(format!("{}{}-{target}", name.as_str().unwrap(), self.control()));
            let is_outside = value["kind"].as_str().unwrap().starts_with("Cluster");
            if value["roleRef"]["kind"] == "ClusterRole" {
                value["roleRef"]["name"] = own(&value["roleRef"]["name"]);
            }
            if is_outside {
                value["metadata"]["name"] = own(&value["metadata"]["name"]);
            }
            let made = object(value);
            let kind = self.world.kind(made.group(), made.kind());
            self.world.cluster.create(&kind, &made, &WriteOptions::default()).await.unwrap();
            if is_outside {
                self.outside.push(made);
            }
        }
    }

    /// A client with the rights of the engine's service account alone.
    async fn as_engine(&self) -> Cluster {
        let kubectl = |args: &[&str]| {
            let mut command = Command::new("kubectl");
            let command = command.args(args).env("HOME", self.folder.path());
            let output =
                command.env("KUBECONFIG", std::env::var_os("BOATHOOK_TEST_KUBECONFIG").unwrap()).output().unwrap();
            assert!(output.status.success(), "kubectl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        let token = kubectl(&["-n", self.control(), "create", "token", "boathook-engine"]);
        let mut config: Value =
            serde_json::from_str(&kubectl(&["config", "view", "--raw", "--minify", "--flatten", "-o", "json"]))
                .unwrap();
        config["users"][0]["user"] = json!({ "token": token });
        let path = self.folder.path().join("kubeconfig");
        fs::write(&path, config.to_string()).unwrap();
        let target = Target::Kubeconfig { path: Some(path), context: None };
        let cluster = connect(&target, &Clock::real(), "boathook-engine").await.unwrap();
        let who = cluster.whoami().await;
        assert_eq!(who, format!("system:serviceaccount:{}:boathook-engine", self.control()));
        cluster
    }

    fn options(&self) -> EngineOptions {
        let mut options = EngineOptions::new(self.folder.path().join("cache"));
        self.control().clone_into(&mut options.control_plane);
        options.applications = Scope::Namespace(self.control().to_owned());
        options.file_repositories = FileRepositories::Allowed;
        options.wave_delay = SignedDuration::ZERO;
        options
    }

    /// A namespace for a case, in which the engine may what the example allows, and the case's files in the repository.
    async fn prepare(&mut self, case: &str) -> String {
        let namespace = object(json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": { "generateName": format!("boathook-{case}-") },
        }));
        let kind = self.world.kind("", "Namespace");
        let made = self.world.cluster.create(&kind, &namespace, &WriteOptions::default()).await.unwrap();
        self.namespaces.push(made.name().to_owned());
        self.grant("targets-example.yaml", made.name()).await;
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(case);
        self.tree.copy(&from, case);
        self.tree.commit(case);
        made.name().to_owned()
    }

    async fn patch(&self, name: &str, patch: Value) {
        let options = WriteOptions { manager: "kubectl-edit".into(), ..WriteOptions::default() };
        let patch = Patch::Merge(patch);
        self.world.cluster.patch(&applications(), self.control(), name, &patch, &options).await.unwrap();
    }

    /// Runs one operation to its end: its last state. One that is to be terminated is, once it waits for its hook.
    async fn operate(&self, case: &str, operation: &Value, terminates: bool) -> OperationState {
        // The former state goes away in the same write, as clients of Argo CD do it. What is watched comes after it.
        self.patch(case, json!({ "operation": operation, "status": { "operationState": null } })).await;
        let (cluster, scope) = (&self.world.cluster, Scope::Namespace(self.control().to_owned()));
        let selectors = Selectors { fields: format!("metadata.name={case}"), ..Selectors::default() };
        let mut events = pin!(watch::<Object>(cluster, &applications(), &scope, &selectors, WatchOptions::default()));
        let is_running = |state: &OperationState| state.message.starts_with("waiting for completion of hook");
        if terminates {
            follow(case, events.as_mut(), |_, state| is_running(state)).await;
            self.patch(case, json!({ "status": { "operationState": { "phase": "Terminating" } } })).await;
        }
        follow(case, events.as_mut(), |application, state| {
            application.at(&["operation"]).is_none() && state.is_completed()
        })
        .await
    }

    async fn create(&self, case: &str, namespace: &str) {
        let application = object(json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": { "name": case, "namespace": self.control() },
            "spec": {
                "project": "default",
                "source": { "repoURL": self.tree.url(), "path": case, "targetRevision": "HEAD" },
                "destination": { "server": "https://kubernetes.default.svc", "namespace": namespace },
            },
            "status": {},
        }));
        self.world.cluster.create(&applications(), &application, &WriteOptions::default()).await.unwrap();
    }

    /// Deletes everything the test made.
    async fn end(self) {
        let cluster = &self.world.cluster;
        for object in &self.outside {
            let kind = self.world.kind(object.group(), object.kind());
            cluster.delete(&kind, "", object.name(), &Delete::default()).await.unwrap();
        }
        let kind = self.world.kind("", "Namespace");
        for namespace in &self.namespaces {
            cluster.delete(&kind, "", namespace, &Delete::default()).await.unwrap();
        }
        self.world.end().await;
    }
}

/// Follows an Application until it is as wanted.
async fn follow(
    what: &str,
    mut events: Pin<&mut impl Stream<Item = WatchEvent<Object>>>,
    is_so: impl Fn(&Object, &OperationState) -> bool,
) -> OperationState {
    let mut last = None;
    let following = async {
        loop {
            let (WatchEvent::Item(object) | WatchEvent::Applied(object)) = events.next().await.unwrap() else {
                continue;
            };
            let state = object.at(&["status", "operationState"]);
            let state = state.map(|state| OperationState::from_json(state).0).unwrap_or_default();
            if is_so(&object, &state) {
                return state;
            }
            last = Some(state);
        }
    };
    let followed = Clock::real().timeout(PATIENCE, following).await;
    followed.unwrap_or_else(|_| panic!("{what}: it stands still: {last:#?}"))
}

/// Runs a test, and cleans up also where it fails.
async fn staged<F: Future<Output = ()>>(test: impl FnOnce(std::sync::Arc<Stage>) -> F, stage: Stage) {
    let stage = std::sync::Arc::new(stage);
    let ended =
        futures::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(test(std::sync::Arc::clone(&stage)))).await;
    if let Some(stage) = std::sync::Arc::into_inner(stage) {
        stage.end().await;
    }
    if let Err(panic) = ended {
        std::panic::resume_unwind(panic);
    }
}

/// An engine that is started again where it stops by itself, as a Deployment does it: an API server that is away for long
/// costs it its Lease.
#[expect(clippy::print_stderr, reason = "who reads why a test failed wants to know")]
async fn keep_running(cluster: Cluster, options: EngineOptions) {
    loop {
        match Engine::start(cluster.clone(), options.clone(), Clock::real()).await {
            Ok(engine) => eprintln!("the engine stops: {}", engine.ended().await),
            Err(error) => eprintln!("the engine does not start: {error}"),
        }
        Clock::real().sleep(Duration::from_secs(1)).await;
    }
}

fn seconds(state: &OperationState) -> i64 {
    let (Some(start), Some(end)) = (state.started_at, state.finished_at) else { return -1 };
    end.duration_since(start).as_secs()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a real Kubernetes: BOATHOOK_TEST_KUBECONFIG; kubectl, helm and kustomize"]
#[expect(clippy::print_stderr, reason = "tells the durations")]
async fn every_case_ends_as_it_was_recorded_with_the_engines_own_rights() {
    // The hook of this case counts its runs in a file, and the nodes of the cluster may be this machine.
    let _ = fs::remove_file("/tmp/flaky");
    let mut stage = Stage::new().await;
    let mut namespaces = BTreeMap::new();
    // There is no recording of the last one.
    for case in RECORDED.map(|(_, case)| case).into_iter().chain(["kustomize"]) {
        namespaces.insert(case, stage.prepare(case).await);
    }
    staged(
        |stage| async move {
            let engine = tokio::spawn(keep_running(stage.as_engine().await, stage.options()));
            let mut took = Vec::new();
            for (name, case) in RECORDED {
                let (request, states) = recording(name);
                let recorded = states.last().unwrap();
                stage.create(case, &namespaces[case]).await;
                if name == "prune-done" {
                    stage.operate(case, &json!({ "sync": { "syncStrategy": { "hook": {} } } }), false).await;
                    fs::remove_file(stage.tree.folder().join("prune/drop.yaml")).unwrap();
                    stage.tree.commit("drop");
                }
                let workflow = async {
                    if case == "workflow" {
                        complete_workflow(&stage.world.cluster, &namespaces[case]).await;
                    }
                };
                let (state, ()) = tokio::join!(stage.operate(case, &request, name == "terminated"), workflow);
                let ends: [Shown; 2] = [recorded, &state].map(shown);
                assert_eq!(ends[0], ends[1], "{name}");
                took.push(format!("{name}: {} s, Argo CD {} s", seconds(&state), seconds(recorded)));
            }
            stage.create("kustomize", &namespaces["kustomize"]).await;
            let state = stage.operate("kustomize", &json!({ "sync": { "syncStrategy": { "hook": {} } } }), false).await;
            assert_eq!(shown(&state).phase, "Succeeded", "{state:?}");
            engine.abort();
            eprintln!("{}", took.join("\n"));
        },
        stage,
    )
    .await;
}
