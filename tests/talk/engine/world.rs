//! One simulated cluster, one repository, one engine, one application.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use boathook::clock::Clock;
use boathook::cluster::{Cluster, Target, connect};
use boathook::domain::operation::OperationState;
use boathook::domain::scenario::Scenario;
use boathook::engine::{Engine, EngineError, EngineOptions, Handle};
use boathook::git::FileRepositories;
use boathook::sim::faults::{Action, Fault, requests};
use boathook::sim::resource::{APPLICATIONS, GroupResource};
use boathook::sim::server::{Simulator, SimulatorOptions};
use boathook::sim::store::{Part, StoreOptions, Subscription, WriteOptions};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::work_tree::WorkTree;

/// The namespace of the Applications.
pub(crate) const ARGOCD: &str = "argocd";
/// Ends a test that would hang; nothing waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How a world is made.
#[derive(Clone)]
pub(crate) struct Setup {
    /// Name of the scenario, of the application, of its folder in the repository and of its namespace.
    pub(crate) case: String,
    /// Scenario, as YAML.
    pub(crate) scenario: String,
    /// How much faster than written.
    pub(crate) speed: f64,
    /// Seed of the cluster.
    pub(crate) seed: u64,
    /// A repository that is there already; otherwise one is made.
    pub(crate) repository: Option<Arc<WorkTree>>,
}

impl Setup {
    /// A recorded case.
    pub(crate) fn case(case: &str) -> Self {
        let path = root().join("assets/scenarios").join(format!("{case}.yaml"));
        Self {
            case: case.to_owned(),
            scenario: fs::read_to_string(path).unwrap(),
            speed: 20.0,
            seed: 1,
            repository: None,
        }
    }

    /// A made-up one: an empty folder, and pods as the scenario's `world.pods` has them.
    pub(crate) fn made(pods: &str) -> Self {
        let scenario = format!(
            "apiVersion: boathook.dev/v1\nkind: Scenario\nname: shop\ndescription: Made up.\nworld:\n  namespaces: [shop]\n{pods}"
        );
        Self { case: "shop".to_owned(), scenario, speed: 20.0, seed: 1, repository: None }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// A repository that holds a case in a folder of its name.
pub(crate) fn make_repository(folder: &Path, case: &str) -> WorkTree {
    let tree = WorkTree::new(folder);
    let files = root().join("tests/cases").join(case);
    if files.exists() {
        tree.copy(&files, case);
    } else {
        tree.write(&format!("{case}/README.md"), "Nothing yet.\n");
    }
    tree.commit("first");
    tree
}

pub(crate) struct World {
    pub(crate) simulator: Arc<Simulator>,
    pub(crate) cluster: Cluster,
    pub(crate) case: String,
    pub(crate) options: EngineOptions,
    /// The engine's clock.
    pub(crate) clock: Clock,
    folder: tempfile::TempDir,
    tree: Arc<WorkTree>,
    engine: Option<Handle>,
    changes: Subscription,
    /// All states of the Application's operation, equal neighbours once.
    pub(crate) states: Vec<OperationState>,
}

impl World {
    pub(crate) async fn new(setup: &Setup) -> Self {
        let mut scenario = Scenario::parse(&setup.case, &setup.scenario).unwrap();
        scenario.world.namespaces.push(ARGOCD.to_owned());
        let options = SimulatorOptions {
            world: scenario.world,
            speed: setup.speed,
            seed: setup.seed,
            store: StoreOptions { history: 100_000, ..StoreOptions::default() },
            ..SimulatorOptions::default()
        };
        let simulator = Arc::new(Simulator::start(options).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        fs::write(&kubeconfig, simulator.kubeconfig()).unwrap();
        let target = Target::Kubeconfig { path: Some(kubeconfig), context: None };
        let cluster = connect(&target, &Clock::real(), "boathook-engine").await.unwrap();
        let mut options = EngineOptions::new(folder.path().join("cache"));
        options.file_repositories = FileRepositories::Allowed;
        options.wave_delay = SignedDuration::ZERO;
        let changes = simulator.store().watch(&APPLICATIONS, simulator.store().revision()).unwrap();
        let case = setup.case.clone();
        let made = || Arc::new(make_repository(&folder.path().join("work"), &case));
        let tree = setup.repository.clone().unwrap_or_else(made);
        let clock = Clock::real();
        Self { simulator, cluster, case, options, clock, folder, tree, engine: None, changes, states: Vec::new() }
    }

    /// As [`World::new`], with the application made and the engine running.
    pub(crate) async fn running(setup: &Setup) -> Self {
        let mut world = Self::new(setup).await;
        world.make_application(&json!({}));
        world.start().await;
        world
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn work(&self) -> &Path {
        self.tree.folder()
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        self.tree.git(args)
    }

    /// Writes a file of the work tree.
    pub(crate) fn write(&self, path: &str, content: &str) {
        self.tree.write(path, content);
    }

    /// Commits everything; the commit's name.
    pub(crate) fn commit(&self, subject: &str) -> String {
        self.tree.commit(subject)
    }

    /// Replaces the application's manifests by these, and commits.
    pub(crate) fn deploys(&self, manifests: &str) -> String {
        let folder = self.work().join(&self.case);
        fs::remove_dir_all(&folder).unwrap();
        self.write(&format!("{}/all.yaml", self.case), manifests);
        self.commit("deploy")
    }

    pub(crate) fn repository(&self) -> String {
        self.tree.url()
    }

    /// Makes the Application; `spec` is put over the usual one.
    pub(crate) fn make_application(&self, spec: &Value) {
        let case = &self.case;
        let mut whole = json!({
            "project": "default",
            "source": {"repoURL": self.repository(), "path": case, "targetRevision": "HEAD"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": case},
        });
        json_patch::merge(&mut whole, spec);
        let object = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": case, "namespace": ARGOCD}, "spec": whole,
        });
        self.create(&APPLICATIONS, object);
    }

    /// Makes another Application beside it, with its folder; `change` is put over it.
    pub(crate) fn make_neighbour(&self, name: &str, change: &Value) {
        let mut object = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": name, "namespace": ARGOCD}, "spec": self.application()["spec"],
        });
        json_patch::merge(&mut object, change);
        self.create(&APPLICATIONS, object);
    }

    /// Waits until an object in the store is so; `None`: it is not there.
    pub(crate) async fn until_object(
        &self,
        (id, namespace, name): (&GroupResource, &str, &str),
        is_so: impl Fn(Option<&Value>) -> bool,
    ) {
        let (_, mut changes) = self.simulator.store().list_and_watch(id);
        while !is_so(self.get(id, namespace, name).as_ref()) {
            let changed = Clock::real().timeout(PATIENCE, changes.next()).await;
            changed.unwrap_or_else(|_| panic!("{name} stays as it is: {:#?}", self.get(id, namespace, name))).unwrap();
        }
    }

    pub(crate) async fn start(&mut self) {
        self.engine = Some(self.launch().await.unwrap());
    }

    /// An engine that the caller keeps; dropping it kills it.
    pub(crate) async fn launch(&self) -> Result<Handle, EngineError> {
        Engine::start(self.cluster.clone(), self.options.clone(), self.clock.clone()).await
    }

    /// The engine that runs.
    pub(crate) fn engine(&self) -> &Handle {
        self.engine.as_ref().unwrap()
    }

    /// Ends the engine in the middle of whatever it does.
    pub(crate) fn kill(&mut self) {
        self.engine = None;
    }

    pub(crate) async fn stop(mut self) {
        if let Some(engine) = self.engine.take() {
            engine.stop().await;
        }
        if let Some(simulator) = Arc::into_inner(self.simulator) {
            simulator.stop().await;
        }
    }

    pub(crate) fn create(&self, id: &GroupResource, object: Value) {
        self.simulator.store().create(id, object, &WriteOptions::by("test")).unwrap();
    }

    /// Such requests are disturbed from now on.
    pub(crate) fn faults(&self, verbs: &[&str], resources: &[&str], action: Action) {
        self.simulator.faults().add(Fault::new(requests(verbs, resources), action));
    }

    /// An object as it lives.
    pub(crate) fn get(&self, id: &GroupResource, namespace: &str, name: &str) -> Option<Value> {
        self.simulator.store().get(id, namespace, name).map(|stored| (*stored.value()).clone())
    }

    /// Names of the objects in the application's namespace.
    pub(crate) fn names(&self, id: &GroupResource) -> Vec<String> {
        let (objects, _) = self.simulator.store().list(id, Some(&self.case));
        let names = objects.iter().map(|object| object.name().to_owned());
        names.filter(|name| name != "kube-root-ca.crt").collect()
    }

    /// Waits until no object of a kind is left in the application's namespace but these.
    pub(crate) async fn left(&self, id: &GroupResource, wanted: &[&str]) {
        let (_, mut changes) = self.simulator.store().list_and_watch(id);
        while self.names(id) != wanted {
            let changed = Clock::real().timeout(PATIENCE, changes.next()).await;
            changed.unwrap_or_else(|_| panic!("{:?} are left", self.names(id))).unwrap();
        }
    }

    /// Changes an object.
    pub(crate) fn change(&self, id: &GroupResource, namespace: &str, name: &str, change: impl Fn(&mut Value)) {
        let options = WriteOptions::by("test").part(Part::Whole);
        let changed = self.simulator.store().update(id, namespace, name, &options, |current| {
            let mut current = current.clone();
            change(&mut current);
            Ok(current)
        });
        changed.unwrap();
    }

    /// Changes the Application.
    pub(crate) fn edit(&self, change: impl Fn(&mut Value)) {
        self.change(&APPLICATIONS, ARGOCD, &self.case, change);
    }

    pub(crate) fn application(&self) -> Value {
        self.get(&APPLICATIONS, ARGOCD, &self.case).unwrap()
    }

    /// Asks for an operation, as a client does: the former state goes away in the same write.
    pub(crate) fn request(&self, operation: &Value) {
        self.edit(|application| {
            application["operation"] = operation.clone();
            if let Some(status) = application.get_mut("status").and_then(Value::as_object_mut) {
                status.remove("operationState");
            }
        });
    }

    /// Asks for a sync with these fields beside the strategy hook.
    pub(crate) fn sync(&self, fields: &Value) {
        let mut sync = json!({"syncStrategy": {"hook": {}}});
        json_patch::merge(&mut sync, fields);
        self.request(&json!({"initiatedBy": {"username": "operator"}, "sync": sync}));
    }

    /// Follows the Application until something is so.
    pub(crate) async fn until(
        &mut self,
        what: &str,
        mut is_so: impl FnMut(&Value, &OperationState) -> bool,
    ) -> OperationState {
        let limit = Clock::real();
        loop {
            let event = limit.timeout(PATIENCE, self.changes.next()).await;
            let event =
                event.unwrap_or_else(|_| panic!("{what}: it did not happen; the last states: {:#?}", self.tail()));
            let event = event.unwrap();
            let application = event.object.value();
            if application["metadata"]["name"] != self.case.as_str() {
                continue;
            }
            let state = application.pointer("/status/operationState");
            let state = state.map(|state| OperationState::from_json(state).0).unwrap_or_default();
            if state.phase.is_some() && self.states.last() != Some(&state) {
                self.states.push(state.clone());
            }
            if is_so(&application, &state) {
                return state;
            }
        }
    }

    /// Asks for a comparison and waits for it: the Application then.
    pub(crate) async fn refreshed(&mut self) -> Value {
        const REFRESH: &str = "/metadata/annotations/argocd.argoproj.io~1refresh";
        self.edit(|application| {
            application["metadata"]["annotations"]["argocd.argoproj.io/refresh"] = json!("normal");
        });
        let (mut is_asked, mut compared) = (false, Value::Null);
        self.until("a comparison", |application, _| {
            let is_open = application.pointer(REFRESH).is_some();
            is_asked |= is_open;
            compared.clone_from(application);
            is_asked && !is_open
        })
        .await;
        compared
    }

    fn tail(&self) -> Vec<Value> {
        self.states.iter().rev().take(3).map(OperationState::to_json).collect()
    }

    /// Follows the operation to its end: its last state.
    pub(crate) async fn end(&mut self) -> OperationState {
        let mut requested = false;
        self.until("the operation's end", |application, state| {
            requested |= application.get("operation").is_some();
            requested && application.get("operation").is_none() && state.is_completed()
        })
        .await
    }

    /// Follows the operation until its message begins so.
    pub(crate) async fn until_message(&mut self, begin: &str) -> OperationState {
        self.until(begin, |_, state| state.message.starts_with(begin)).await
    }

    /// Syncs to the end.
    pub(crate) async fn synced(&mut self, fields: &Value) -> OperationState {
        self.sync(fields);
        self.end().await
    }
}

/// Each result: phase, kind, name, `status`, `hookPhase`, message.
pub(crate) fn results(state: &OperationState) -> Vec<String> {
    let results = state.sync_result.iter().flat_map(|result| &result.resources);
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    results
        .map(|result| {
            let status = serde_json::to_value(result.status).unwrap();
            let phase = serde_json::to_value(result.hook_phase).unwrap();
            format!(
                "{} {}/{} {} {} {}",
                result.phase().map_or("-", |phase| phase.as_str()),
                result.key.kind,
                result.key.name,
                word(&status),
                word(&phase),
                result.message
            )
        })
        .collect()
}

/// One word for the phase.
pub(crate) fn phase(state: &OperationState) -> String {
    format!("{:?}", state.phase.unwrap())
}
