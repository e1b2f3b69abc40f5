//! What the engine writes about an application between operations, and the operations that it starts by itself.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use boathook::clock::Clock;
use boathook::cluster::{Apply, Cluster, Kind, Patch, Target, WriteOptions, connect};
use boathook::domain::application::Application;
use boathook::domain::manifest::Object;
use boathook::domain::scenario::World;
use boathook::engine::{Engine, EngineError, EngineOptions, Handle, MetricsPort, install_definitions};
use boathook::git::FileRepositories;
use boathook::sim::resource::APPLICATIONS;
use boathook::sim::server::{Simulator, SimulatorOptions};
use serde_json::{Value, json};

use crate::work_tree::WorkTree;

/// Ends a test that would hang.
const PATIENCE: Duration = Duration::from_secs(60);

struct Setting {
    simulator: Simulator,
    cluster: Cluster,
    folder: tempfile::TempDir,
    tree: WorkTree,
}

fn applications() -> Kind {
    Kind::known("argoproj.io", "v1alpha1", "Application", "applications", true)
}

fn maps() -> Kind {
    Kind::known("", "v1", "ConfigMap", "configmaps", true)
}

fn map(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{key: \"{value}\"}}\n")
}

impl Setting {
    async fn new() -> Self {
        let world = World { namespaces: vec!["argocd".into(), "shop".into()], ..World::default() };
        let simulator = Simulator::start(SimulatorOptions { world, ..SimulatorOptions::default() }).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        fs::write(&kubeconfig, simulator.kubeconfig()).unwrap();
        let target = Target::Kubeconfig { path: Some(kubeconfig), context: None };
        let cluster = connect(&target, &Clock::real(), "test").await.unwrap();
        let tree = WorkTree::new(folder.path().join("repository"));
        Self { simulator, cluster, folder, tree }
    }

    fn commit(&self, files: &[(&str, &str)]) -> String {
        for (name, text) in files {
            self.tree.write(name, text);
        }
        self.tree.commit("change")
    }

    fn options(&self, cache: &str) -> EngineOptions {
        let mut options = EngineOptions::new(self.folder.path().join(cache));
        options.file_repositories = FileRepositories::Allowed;
        options
    }

    async fn engine(&self) -> Handle {
        Engine::start(self.cluster.clone(), self.options("cache"), Clock::real()).await.unwrap()
    }

    async fn create(&self, kind: &Kind, object: Value) -> Object {
        let object = Object::from_json(object).unwrap();
        self.cluster.create(kind, &object, &WriteOptions::default()).await.unwrap()
    }

    async fn application(&self, spec: &Value) {
        let mut own = json!({
            "project": "default",
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
            "source": {"repoURL": self.tree.url(), "path": "."},
        });
        own.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        let metadata = json!({"name": "shop", "namespace": "argocd"});
        let object =
            json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata, "spec": own});
        self.create(&applications(), object).await;
    }

    async fn patch(&self, kind: &Kind, namespace: &str, name: &str, patch: Value) {
        let options = WriteOptions { manager: "kubectl-edit".into(), ..WriteOptions::default() };
        self.cluster.patch(kind, namespace, name, &Patch::Merge(patch), &options).await.unwrap();
    }

    async fn refresh(&self) {
        let annotations = json!({"argocd.argoproj.io/refresh": "normal"});
        self.patch(&applications(), "argocd", "shop", json!({"metadata": {"annotations": annotations}})).await;
    }

    /// Waits until the Application is as wanted.
    async fn until(&self, what: &str, is_so: impl Fn(&Application) -> bool) -> Arc<Object> {
        let (_, mut changes) = self.simulator.store().list_and_watch(&APPLICATIONS);
        let wait = async {
            loop {
                let found = self.cluster.get(&applications(), "argocd", "shop").await.unwrap().unwrap();
                if is_so(&Application::read("c", &found).0) {
                    return Arc::new(found);
                }
                changes.next().await.unwrap();
            }
        };
        if let Ok(found) = Clock::real().timeout(PATIENCE, wait).await {
            return found;
        }
        let last = self.cluster.get(&applications(), "argocd", "shop").await.unwrap().unwrap();
        panic!("never {what}: {}", Value::Object(last.as_json().clone()));
    }

    async fn until_sync(&self, status: &str) -> Arc<Object> {
        self.until(status, |application| {
            application.status.sync.status.map(|own| format!("{own:?}")).as_deref() == Some(status)
                && application.operation.is_none()
        })
        .await
    }

    async fn data(&self, name: &str) -> Option<Value> {
        let found = self.cluster.get(&maps(), "shop", name).await.unwrap();
        found.map(|object| object.at(&["data", "key"]).cloned().unwrap_or_default())
    }
}

fn conditions(object: &Object) -> Vec<String> {
    let list = object.at(&["status", "conditions"]).and_then(Value::as_array).cloned().unwrap_or_default();
    list.iter().map(|one| format!("{}: {}", one["type"].as_str().unwrap(), one["message"].as_str().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_compare_follows_git_and_the_cluster() {
    let setting = Setting::new().await;
    let hook = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: hook, annotations: {argocd.argoproj.io/hook: PreSync}}\n";
    let revision = setting.commit(&[("a.yaml", &map("a", "1")), ("b.yaml", &map("b", "1")), ("hook.yaml", hook)]);
    let engine = setting.engine().await;
    let ignored = json!([{"group": "", "kind": "ConfigMap", "name": "b", "jsonPointers": ["/data/key"]}]);
    setting.application(&json!({"ignoreDifferences": ignored})).await;
    let object = setting.until_sync("OutOfSync").await;
    assert_eq!(object.at(&["status", "sync", "revision"]), Some(&json!(revision)));
    assert_eq!(object.at(&["status", "sourceType"]), Some(&json!("Directory")));
    assert_eq!(object.at(&["status", "sync", "comparedTo", "ignoreDifferences"]), Some(&ignored));
    assert_eq!(object.at(&["status", "health", "status"]), Some(&json!("Healthy")));
    let resource = |name: &str, status: &str| json!({"version": "v1", "kind": "ConfigMap", "namespace": "shop", "name": name, "status": status});
    let mut missing = resource("a", "OutOfSync");
    missing["health"] = json!({"status": "Missing"});
    let resources = object.at(&["status", "resources"]).and_then(Value::as_array).unwrap();
    assert_eq!((resources.len(), &resources[0]), (2, &missing), "a hook is not compared");
    assert!(object.at(&["status", "reconciledAt"]).is_some());
    assert_eq!(conditions(&object), Vec::<String>::new());

    setting.patch(&applications(), "argocd", "shop", json!({"operation": {"sync": {}}})).await;
    let object = setting.until_sync("Synced").await;
    assert_eq!(object.at(&["status", "operationState", "phase"]), Some(&json!("Succeeded")), "{object:?}");

    // Somebody changes what counts, and what does not.
    setting.patch(&maps(), "shop", "a", json!({"data": {"key": "changed"}})).await;
    setting.until_sync("OutOfSync").await;
    setting.patch(&maps(), "shop", "a", json!({"data": {"key": "1"}})).await;
    setting.until_sync("Synced").await;
    setting.patch(&maps(), "shop", "b", json!({"data": {"key": "changed"}})).await;
    setting.refresh().await;
    let is_refreshed = |application: &Application| application.refresh().is_none();
    let object = setting.until("refreshed", is_refreshed).await;
    assert_eq!(object.at(&["status", "sync", "status"]), Some(&json!("Synced")));

    // Git changes: an object less, which is to be pruned.
    fs::remove_file(setting.tree.folder().join("b.yaml")).unwrap();
    let revision = setting.commit(&[]);
    setting.refresh().await;
    let object = setting.until_sync("OutOfSync").await;
    assert_eq!(object.at(&["status", "sync", "revision"]), Some(&json!(revision)));
    let mut extra = resource("b", "OutOfSync");
    extra["requiresPruning"] = json!(true);
    let resources = object.at(&["status", "resources"]).and_then(Value::as_array).unwrap();
    assert!(resources.contains(&extra), "{resources:?}");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_compare_sees_fields_that_argo_cd_applied_and_git_has_no_more() {
    let setting = Setting::new().await;
    setting.commit(&[("a.yaml", &map("a", "1"))]);
    let engine = setting.engine().await;
    let tracking = json!({"argocd.argoproj.io/tracking-id": "shop:/ConfigMap:shop/a"});
    let metadata = json!({"name": "a", "namespace": "shop", "annotations": tracking});
    let applied =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"key": "1", "old": "x"}});
    let options = WriteOptions { manager: "argocd-controller".into(), ..WriteOptions::default() };
    let object = Object::from_json(applied).unwrap();
    setting.cluster.apply(&maps(), &object, &Apply { force: true, options }).await.unwrap();
    setting.application(&json!({})).await;
    setting.until_sync("OutOfSync").await;
    let before = setting.cluster.get(&maps(), "shop", "a").await.unwrap().unwrap();
    assert_eq!(before.at(&["data", "old"]), Some(&json!("x")), "comparing changes nothing");
    setting.patch(&applications(), "argocd", "shop", json!({"operation": {"sync": {}}})).await;
    setting.until_sync("Synced").await;
    let after = setting.cluster.get(&maps(), "shop", "a").await.unwrap().unwrap();
    assert_eq!(after.at(&["data", "old"]), None);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_compare_tells_what_it_cannot_do_and_changes_nothing() {
    let setting = Setting::new().await;
    setting.commit(&[("a.yaml", &map("a", "1"))]);
    let engine = setting.engine().await;
    let jq = json!([{"group": "", "kind": "ConfigMap", "jqPathExpressions": [".data"]}]);
    let automated = json!({"automated": {"prune": true, "selfHeal": true}});
    setting.application(&json!({"ignoreDifferences": jq, "syncPolicy": automated})).await;
    let object = setting.until_sync("Unknown").await;
    let wanted = "InvalidSpecError: spec.ignoreDifferences[0].jqPathExpressions is not supported by boathook's engine";
    assert_eq!(conditions(&object), [wanted]);
    assert_eq!(object.at(&["status", "health", "status"]), Some(&json!("Unknown")));
    assert_eq!(setting.data("a").await, None);
    // The spec changes: it is looked at again, and the condition goes. Now there is no such revision.
    let spec = json!({"ignoreDifferences": null, "source": {"targetRevision": "nowhere"}});
    setting.patch(&applications(), "argocd", "shop", json!({ "spec": spec })).await;
    let is_other = |application: &Application| {
        application.status.conditions.iter().any(|condition| condition.kind == "ComparisonError")
    };
    let object = setting.until("a ComparisonError", is_other).await;
    assert!(matches!(&conditions(&object)[..], [one] if one.contains("nowhere")), "{:?}", conditions(&object));
    assert_eq!(setting.data("a").await, None);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_automated_syncs_heals_and_prunes() {
    let setting = Setting::new().await;
    let first = setting.commit(&[("a.yaml", &map("a", "1")), ("b.yaml", &map("b", "1"))]);
    let engine = setting.engine().await;
    let automated = json!({"automated": {"prune": true, "selfHeal": true}});
    setting.application(&json!({ "syncPolicy": automated })).await;
    let object = setting.until_sync("Synced").await;
    assert_eq!(object.at(&["status", "operationState", "operation", "initiatedBy", "automated"]), Some(&json!(true)));
    assert_eq!(object.at(&["status", "operationState", "syncResult", "revision"]), Some(&json!(first)));
    assert_eq!(object.at(&["status", "operationState", "operation", "retry", "limit"]), Some(&json!(5)));

    setting.patch(&maps(), "shop", "a", json!({"data": {"key": "changed"}})).await;
    let is_healed = |application: &Application| {
        let state = application.status.operation_state.clone().unwrap_or_default();
        let sync = state.operation.sync.clone().unwrap_or_default();
        state.is_completed() && sync.auto_heal_attempts == 1 && sync.resources.len() == 1
    };
    setting.until("healed", is_healed).await;
    assert_eq!(setting.data("a").await, Some(json!("1")));
    setting.until_sync("Synced").await;

    fs::remove_file(setting.tree.folder().join("b.yaml")).unwrap();
    let second = setting.commit(&[]);
    setting.refresh().await;
    let is_at_second = |application: &Application| {
        application.revision() == second
            && application.status.sync.status.is_some_and(|sync| format!("{sync:?}") == "Synced")
    };
    setting.until("pruned", is_at_second).await;
    assert_eq!(setting.data("b").await, None);

    // Everything goes from Git: that is not believed.
    fs::remove_file(setting.tree.folder().join("a.yaml")).unwrap();
    let third = setting.commit(&[("README.md", "empty\n")]);
    setting.refresh().await;
    let is_stuck = |application: &Application| !application.status.conditions.is_empty();
    let object = setting.until("stuck", is_stuck).await;
    let wanted = format!("SyncError: Skipping sync attempt to [{third}]: auto-sync will wipe out all resources");
    assert_eq!(conditions(&object), [wanted]);
    assert_eq!(setting.data("a").await, Some(json!("1")));
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_lease_is_one_engines_and_the_same_one_takes_it_back_at_once() {
    let setting = Setting::new().await;
    let start = |cache: &'static str| {
        let (cluster, options) = (setting.cluster.clone(), setting.options(cache));
        async move { Engine::start(cluster, options, Clock::real()).await }
    };
    let first = start("cache").await.unwrap();
    let told = |result: Result<Handle, EngineError>| match result {
        Err(EngineError::OtherController(who)) => who,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("two engines"),
    };
    assert!(told(start("cache").await).contains("another engine that uses the folder"));
    assert!(told(start("other").await).contains("holds the Lease boathook-engine until"));
    // Killed, not stopped: its own Lease is taken back at once, and others wait.
    drop(first);
    assert!(told(start("other").await).contains("holds the Lease"));
    let again = start("cache").await.unwrap();
    again.stop().await;
    start("other").await.unwrap().stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_controller_stops_where_another_has_the_lease_or_argo_cd_works() {
    let setting = Setting::new().await;
    setting.commit(&[("a.yaml", &map("a", "1"))]);
    let engine = setting.engine().await;
    setting.application(&json!({})).await;
    setting.until_sync("OutOfSync").await;
    let leases = Kind::known("coordination.k8s.io", "v1", "Lease", "leases", true);
    setting.patch(&leases, "argocd", "boathook-engine", json!({"spec": {"holderIdentity": "thief"}})).await;
    let ended = Clock::real().timeout(PATIENCE, engine.ended()).await.unwrap();
    assert!(matches!(&ended, EngineError::LeaseLost(reason) if reason.contains("thief")), "{ended}");
    engine.stop().await;
    setting.patch(&leases, "argocd", "boathook-engine", json!({"spec": {"holderIdentity": ""}})).await;

    // A write that says it is Argo CD's.
    let patch = Patch::Merge(json!({"status": {"sync": {"status": "Unknown"}}}));
    let options = WriteOptions { manager: "argocd-application-controller".into(), ..WriteOptions::default() };
    setting.cluster.patch(&applications(), "argocd", "shop", &patch, &options).await.unwrap();
    let refused = Engine::start(setting.cluster.clone(), setting.options("cache"), Clock::real()).await;
    assert!(
        matches!(refused, Err(EngineError::OtherController(who)) if who.contains("wrote to Application argocd/shop"))
    );
    drop(setting.simulator);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_definitions_are_left_alone_where_there_are_some_and_metrics_are_served() {
    let setting = Setting::new().await;
    assert_eq!(install_definitions(&setting.cluster).await, Ok(vec![]), "the simulated cluster has them");
    let engine = setting.engine().await;
    let metrics = MetricsPort::take(0).await.unwrap();
    let port = metrics.number();
    engine.serve(metrics);
    let get = |path: &'static str| {
        tokio::task::spawn_blocking(move || {
            use std::io::{Read as _, Write as _};
            let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
            write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            text
        })
    };
    assert!(get("/healthz").await.unwrap().starts_with("HTTP/1.1 200"));
    assert!(get("/metrics").await.unwrap().contains("boathook_engine_operations_total{phase=\"Failed\"} 0"));
    engine.stop().await;
}
