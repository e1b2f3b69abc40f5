//! What is to be seen: a repository, and a simulated cluster in which Argo CD acts, standing still in the night of
//! 22 November 2026.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::path::Path;

use boathook::argo::{Namespaces, Options, RepositoryOptions};
use boathook::clock::{Clock, Driver};
use boathook::domain::application::AppKey;
use boathook::domain::event::{Change, WatchEvent};
use boathook::domain::manifest::Object;
use boathook::domain::timeline::OperationView;
use boathook::sim::logs::RunKey;
use boathook::sim::resource::{
    APP_PROJECTS, APPLICATIONS, CONFIG_MAPS, DEPLOYMENTS, EVENTS, GroupResource, JOBS, LEASES, NAMESPACES, PODS,
    SECRETS, SERVICES, STATEFUL_SETS, WORKFLOWS,
};
use boathook::sim::server::{Simulator, SimulatorOptions};
use boathook::store::{LogInfo, OperationId, State};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fleet::{self, now};
use crate::harness::{CLUSTER, time};
use crate::release;
use crate::replay::Recording;
use crate::work_tree::WorkTree;

/// The address of the repository in every Application.
const URL: &str = "https://git.example.com/shop/deploy.git";
/// Stands for the first commit in the Applications that are made here.
const FIRST: &str = "1111111000000000000000000000000000000000";

/// What a hook writes that goes on, or has gone, well.
const RUNS: &[&str] = &[
    "\u{1b}[32mconnecting\u{1b}[0m to db:5432 as migrator",
    "applying 0042_add_coupons.sql",
    "  ALTER TABLE orders ADD COLUMN coupon text",
];
/// What one writes that has failed.
const FAILS: &[&str] = &[RUNS[0], RUNS[1], RUNS[2], "ERROR: canceling statement due to lock timeout", "rolling back"];

/// The repository of a small shop, the same wherever it is made.
pub(super) struct Repository {
    pub(super) tree: WorkTree,
    first: String,
    deployed: String,
    target: String,
    _folder: TempDir,
}

impl Repository {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tree = WorkTree::new(folder.path().join("deploy"));
        let write = |new: bool| {
            for object in release::manifests(new) {
                let path = format!("checkout/{}-{}.json", object.kind().to_lowercase(), object.name());
                tree.write(&path, &serde_json::to_string_pretty(object.as_json()).unwrap());
            }
        };
        let other = |name: &str, key: &str| {
            let manifest =
                format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  {key}: \"true\"\n");
            tree.write(&format!("{name}/{key}.yaml"), &manifest);
        };
        write(false);
        tree.write("checkout/old.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: old-limits\n");
        for object in fleet::applications().iter().filter(|object| object.name() != "checkout") {
            other(object.name(), "first");
        }
        let first = tree.commit_as("feat: everything a small shop needs", "Bob", "2026-11-19T10:00:00Z");
        tree.git(&["tag", "v1.6.0"]);
        tree.git(&["branch", "maintenance-1.7"]);
        other("search", "typos");
        let deployed = tree.commit_as("fix: round totals", "Grace Hopper", "2026-11-21T16:00:00Z");
        tree.git(&["tag", "v1.7.3"]);
        other("payments", "coupons");
        tree.git(&["rm", "--quiet", "checkout/old.yaml"]);
        tree.commit_as("chore: last year's limits are not read any more", "Grace Hopper", "2026-11-21T18:00:00Z");
        write(true);
        other("payments", "vouchers");
        tree.commit_as("test: smoke test after the sync", "Linus", "2026-11-21T23:00:00Z");
        tree.write("checkout/README.md", "Coupons are checked before the total is rounded.\n");
        let message = "feat: add coupons\n\nCoupons are checked before the total is rounded.\n\nReviewed-by: Grace";
        let target = tree.commit_as(message, "Ada Lovelace", "2026-11-22T01:07:00Z");
        tree.git(&["tag", "v1.8.0"]);
        tree.git(&["branch", "coupons"]);
        Self { tree, first, deployed, target, _folder: folder }
    }

    /// An object in which the commits have the names that they have here.
    pub(super) fn real(&self, object: &Object) -> Value {
        let text = serde_json::to_string(object.as_json()).unwrap();
        let text = text.replace(release::TARGET, &self.target).replace(release::DEPLOYED, &self.deployed);
        serde_json::from_str(&text.replace(FIRST, &self.first)).unwrap()
    }
}

/// A cluster that can be looked at.
pub(super) struct World {
    pub(super) simulator: Simulator,
    pub(super) clock: Clock,
    pub(super) driver: Driver,
    pub(super) change_options: fn(&mut Options),
    /// Lines that the pods of a recording have written, by UID.
    written: RefCell<HashMap<String, usize>>,
    home: TempDir,
    checkout: Option<std::path::PathBuf>,
}

impl World {
    /// An empty cluster at this time, in which Argo CD acts.
    pub(super) fn empty(at: &str) -> Self {
        let (clock, driver) = Clock::driven(time(at));
        let options = SimulatorOptions {
            clock: clock.clone(),
            seed: 1,
            token: Some("token".to_owned()),
            controllers: false,
            ..SimulatorOptions::default()
        };
        let simulator = Simulator::start(options).unwrap();
        let home = tempfile::tempdir().unwrap();
        let kubeconfig = simulator.kubeconfig().replace("boathook-sim", CLUSTER);
        fs::write(home.path().join("kubeconfig"), kubeconfig).unwrap();
        let world = Self {
            simulator,
            clock,
            driver,
            change_options: |_| (),
            written: RefCell::default(),
            home,
            checkout: None,
        };
        for name in ["argocd", "shop"] {
            world.put(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}));
        }
        world.put(json!({"apiVersion": "apps/v1", "kind": "StatefulSet",
            "metadata": {"name": "argocd-application-controller", "namespace": "argocd",
                "labels": {"app.kubernetes.io/name": "argocd-application-controller"}},
            "status": {"readyReplicas": 1, "replicas": 1}}));
        for name in ["default", "shop", "stock", "platform", "old"] {
            world.put(json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
                "metadata": {"name": name, "namespace": "argocd"},
                "spec": {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}],
                    "clusterResourceWhitelist": [{"group": "*", "kind": "*"}]}}));
        }
        world
    }

    /// The applications of a small shop.
    pub(super) fn shop(repository: &Repository) -> Self {
        let mut world = Self::empty(&now().to_string());
        world.checkout = Some(repository.tree.folder().to_owned());
        for object in fleet::applications() {
            let mut application = repository.real(&object);
            let deployed = match object.name() {
                "payments" | "checkout" | "search" => &repository.deployed,
                "warehouse-of-the-northern-region" => &repository.first,
                _ => &repository.target,
            };
            for path in ["/status/sync/revision", "/status/operationState/syncResult/revision"] {
                if let Some(revision) = application.pointer_mut(path) {
                    *revision = json!(repository.target);
                }
            }
            if application.pointer("/status/operationState").is_some() {
                application["status"]["history"] = json!([{"id": 3, "revision": deployed,
                    "deployedAt": "2026-11-21T16:30:00Z", "source": application["spec"]["source"].clone()}]);
            }
            world.put(application);
        }
        world
    }

    /// One application with all there is to be read about it, whose last operation came to this phase.
    pub(super) fn checkout(repository: &Repository, phase: &str) -> Self {
        let mut world = Self::empty(&now().to_string());
        world.checkout = Some(repository.tree.folder().to_owned());
        world.put(repository.real(&release::application(phase, false)));
        let replicas = json!({"replicas": 2, "updatedReplicas": 1, "observedGeneration": 1});
        for (group, kind, name, status) in [
            ("apps", "Deployment", "web", replicas),
            ("", "Secret", "database", json!({})),
            ("", "ConfigMap", "limits", json!({})),
        ] {
            world.put(Value::Object(release::lives(group, kind, name, &status).as_json().clone()));
        }
        world.put(json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "old-limits", "namespace": "shop", "uid": "uid-old"}}));
        for (uid, kind, reason, message, at) in [
            ("e1", "Normal", "OperationStarted", "alice initiated sync to 9ab12cd", "2026-11-22T02:50:00Z"),
            (
                "e2",
                "Warning",
                "SyncError",
                "Failed sync attempt to 9ab12cd: one or more objects failed to apply",
                "2026-11-22T03:01:00Z",
            ),
        ] {
            world.put(json!({"apiVersion": "v1", "kind": "Event", "type": kind, "reason": reason, "message": message,
                "metadata": {"name": format!("checkout.{uid}"), "namespace": "argocd", "uid": uid},
                "involvedObject": {"kind": "Application", "name": "checkout", "namespace": "argocd",
                    "uid": "uid-checkout"},
                "source": {"component": "argocd-application-controller"}, "lastTimestamp": at,
                "count": if kind == "Warning" { 4 } else { 1 }}));
        }
        world.keep(repository, phase);
        world
    }

    /// An operation that Argo CD 3.6 was recorded at, as far as the first moment at which something is so.
    pub(super) fn recorded(recording: &Recording, is_so: impl Fn(&OperationView) -> bool) -> Self {
        let mut timeline = recording.timeline();
        let place = recording.events.iter().position(|event| {
            timeline.observe(event);
            is_so(&timeline.view(event.at))
        });
        let place = place.expect("it never is so") + 1;
        let world = Self::empty(&recording.events[place - 1].at.to_string());
        for event in &recording.events[..place] {
            world.take(event);
        }
        world
    }

    /// What a watch told happens here, and started containers write what such programs write.
    pub(super) fn take(&self, event: &WatchEvent) {
        let object = &event.object;
        if event.change == Change::Deleted {
            self.remove(object.kind(), object.namespace(), object.name());
            return;
        }
        self.put(Value::Object(object.as_json().clone()));
        let statuses = object.at(&["status", "containerStatuses"]).and_then(Value::as_array).cloned();
        for status in statuses.unwrap_or_default() {
            let key = RunKey {
                pod: object.uid().to_owned(),
                container: status["name"].as_str().unwrap().to_owned(),
                restart: 0,
            };
            let state = &status["state"];
            if state.get("waiting").is_some() {
                continue;
            }
            self.simulator.logs().start(&key);
            let failed = state.pointer("/terminated/exitCode").and_then(Value::as_i64).is_some_and(|code| code != 0);
            let mut written = self.written.borrow_mut();
            let written = written.entry(object.uid().to_owned()).or_default();
            for (millis, line) in (0..).step_by(40).zip(if failed { FAILS } else { RUNS }).skip(*written) {
                self.write(&key, object, millis, line);
                *written += 1;
            }
            if state.get("terminated").is_some() {
                self.simulator.logs().end(&key);
            }
        }
    }

    /// A container writes a line, so many milliseconds after its pod was made.
    pub(super) fn write(&self, key: &RunKey, pod: &Object, millis: i64, line: &str) {
        let made: jiff::Timestamp =
            pod.at(&["metadata", "creationTimestamp"]).unwrap().as_str().unwrap().parse().unwrap();
        self.simulator.logs().write(key, made + jiff::SignedDuration::from_millis(millis), line.as_bytes());
    }

    /// What was kept of earlier operations of `checkout`.
    fn keep(&self, repository: &Repository, phase: &str) {
        let state = State::new(self.home.path().join("state"));
        // On disk a cluster is called as it calls itself.
        let cluster = self.simulator.store().get(&NAMESPACES, "", "kube-system").unwrap().uid().to_owned();
        let key = AppKey::new(cluster, "argocd", "checkout");
        for (started, phase, millis) in [
            ("2026-11-20T09:00:00Z", "Succeeded", 11_000),
            ("2026-11-20T11:00:00Z", "Failed", 31_500),
            ("2026-11-21T16:29:30Z", phase, 12_400),
        ] {
            let mut record = (*release::record(started, phase, millis)).clone();
            record.revisions = vec![repository.deployed.clone()];
            let folder = state.operation(&key, OperationId { started_at: time(started), retry_count: 0 });
            folder.write_record(&record).unwrap();
            let begin = time(started);
            let info = LogInfo {
                phase: "PreSync".to_owned(),
                hook_kind: "Job".to_owned(),
                hook: "db-migrate".to_owned(),
                namespace: "shop".to_owned(),
                pod: "db-migrate-x7k2p".to_owned(),
                pod_uid: format!("uid-{started}"),
                container: "main".to_owned(),
                started_at: Some(begin),
                ended_at: Some(begin + jiff::SignedDuration::from_millis(millis)),
                complete: true,
                ..LogInfo::default()
            };
            let lines = ["connecting to db:5432", "applying 0042_add_coupons.sql", "ERROR: lock timeout", "giving up"];
            let mut log = folder.write_log(&info).unwrap();
            for (second, line) in (0..).zip(lines) {
                let at = begin + jiff::SignedDuration::from_secs(second);
                log.line(&at.to_string(), line.as_bytes()).unwrap();
            }
            log.flush().unwrap();
        }
    }

    /// Puts an object into the cluster as it is, past the API.
    pub(super) fn put(&self, mut object: Value) {
        let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (kind, name) = (text("/kind"), text("/metadata/name"));
        if text("/metadata/uid").is_empty() {
            object["metadata"]["uid"] = json!(format!("uid-{}-{name}", kind.to_lowercase()));
        }
        self.simulator.store().put_raw(&resource(&kind), object);
    }

    /// Changes an object of the namespace of the Applications, past the API.
    pub(super) fn change(&self, kind: &str, name: &str, change: impl FnOnce(&mut Value)) {
        let mut object = self.object(kind, name);
        change(&mut object);
        self.put(object);
    }

    /// An object of the namespace of the Applications.
    pub(super) fn object(&self, kind: &str, name: &str) -> Value {
        self.simulator.store().get(&resource(kind), "argocd", name).unwrap().value().as_ref().clone()
    }

    /// Takes an object away, past the API.
    pub(super) fn remove(&self, kind: &str, namespace: &str, name: &str) {
        self.simulator.store().remove_raw(&resource(kind), namespace, name);
    }

    /// Where everything is kept.
    pub(super) fn folder(&self) -> &Path {
        self.home.path()
    }

    /// How it is looked at.
    pub(super) fn options(&self) -> Options {
        let checkouts = self.checkout.iter().map(|folder| (URL.to_owned(), folder.clone()));
        let mut options = Options {
            kubeconfig: Some(self.home.path().join("kubeconfig")),
            namespaces: Namespaces::One("argocd".to_owned()),
            state: Some(self.home.path().join("state")),
            repositories: RepositoryOptions { checkouts: checkouts.collect(), ..RepositoryOptions::default() },
            watch_operations: true,
            ..Options::default()
        };
        (self.change_options)(&mut options);
        options
    }

    /// A text without what the system chooses: the port, and the temporary folder.
    pub(super) fn without_chance(&self, text: &str) -> String {
        let port = self.simulator.url().rsplit(':').next().unwrap_or_default().to_owned();
        let text = text.replace(&format!("127.0.0.1:{port}"), &format!("127.0.0.1:{}", "P".repeat(port.len())));
        text.replace(&*self.home.path().to_string_lossy(), "HOME")
    }

    pub(super) async fn stop(self) {
        self.simulator.stop().await;
    }
}

fn resource(kind: &str) -> GroupResource {
    match kind {
        "Application" => APPLICATIONS,
        "AppProject" => APP_PROJECTS,
        "ConfigMap" => CONFIG_MAPS,
        "Deployment" => DEPLOYMENTS,
        "Event" => EVENTS,
        "Job" => JOBS,
        "Lease" => LEASES,
        "Namespace" => NAMESPACES,
        "Pod" => PODS,
        "Secret" => SECRETS,
        "Service" => SERVICES,
        "StatefulSet" => STATEFUL_SETS,
        "Workflow" => WORKFLOWS,
        other => panic!("no objects of kind {other} are made here"),
    }
}
