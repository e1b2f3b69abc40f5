//! One operation of a recorded case whose engine, or whose cluster, is disturbed on the way; and what must be so at its end.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use boathook::clock::Clock;
use boathook::domain::operation::OperationState;
use boathook::engine::{EngineError, Handle};
use boathook::sim::faults::Faults;
use boathook::sim::resource::{APPLICATIONS, CONFIG_MAPS, GroupResource, JOBS, LEASES, PODS, WORKFLOWS};
use boathook::sim::server::Simulator;
use boathook::sim::store::{EventKind, Subscription};
use serde_json::{Value, json};

use super::world::{ARGOCD, Setup, World, make_repository, phase, results};
use crate::work_tree::WorkTree;

/// The verbs that change something.
pub(super) const WRITES: &[&str] = &["create", "update", "patch", "delete"];
/// Ends a test that would hang: between two changes of the Application nothing takes as long.
const PATIENCE: Duration = Duration::from_secs(120);

/// What must be the same whether there were disturbances or not.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) phase: String,
    pub(super) message: String,
    pub(super) retries: i64,
    pub(super) results: Vec<String>,
    /// How often each Job, Workflow, and each Pod that is a hook, was made in each attempt.
    pub(super) made: BTreeMap<String, usize>,
    /// What lives of them, and of config maps.
    pub(super) left: Vec<String>,
}

/// An operation that was asked for, on a cluster of its own.
pub(super) struct Disturbed {
    world: World,
    pub(super) context: String,
    applications: Subscription,
    hooks: Vec<Subscription>,
    application: Value,
    state: OperationState,
    /// What somebody still has to do for it to end.
    by_hand: Option<ByHand>,
}

/// What somebody does while an operation runs, and what it says then.
#[derive(Clone, Copy)]
enum ByHand {
    /// It is terminated: by itself its hook would take ten minutes.
    Terminate,
    /// The prune that asks for it is approved.
    Approve,
}

impl ByHand {
    fn of_case(case: &str) -> Option<Self> {
        match case {
            "long" => Some(Self::Terminate),
            "prune" => Some(Self::Approve),
            _ => None,
        }
    }

    fn when(self) -> &'static str {
        match self {
            Self::Terminate => "waiting for completion of hook",
            Self::Approve => "waiting for pruning confirmation",
        }
    }

    fn apply(self, application: &mut Value) {
        match self {
            Self::Terminate => {
                let phase = &mut application["status"]["operationState"]["phase"];
                if *phase == "Running" {
                    *phase = json!("Terminating");
                }
            }
            Self::Approve => {
                let now = Clock::real().now().to_string();
                application["metadata"]["annotations"]["argocd.argoproj.io/deletion-approved"] = json!(now);
            }
        }
    }
}

/// The repository of a case. Of `prune` it has had more than it has.
pub(super) fn repository_of(folder: &Path, case: &str) -> WorkTree {
    let tree = make_repository(folder, case);
    if case == "prune" {
        for gone in PRUNED {
            fs::remove_file(tree.folder().join(format!("prune/{gone}.yaml"))).unwrap();
        }
        tree.commit("second");
    }
    tree
}

/// The objects of the case `prune` that live and are in Git no more: the first is pruned, the other one once somebody
/// approves.
const PRUNED: [&str; 2] = ["drop", "careful"];

fn pruned(name: &str) -> Value {
    let mut annotations = json!({"argocd.argoproj.io/tracking-id": format!("prune:/ConfigMap:prune/{name}")});
    if name == "careful" {
        annotations["argocd.argoproj.io/sync-options"] = json!("Prune=confirm");
    }
    json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"},
        "metadata": {"name": name, "namespace": "prune", "annotations": annotations}})
}

const HOOKS: [&GroupResource; 3] = [&JOBS, &PODS, &WORKFLOWS];

impl Disturbed {
    /// `context` is told where something is not as it should be.
    pub(super) async fn new(setup: &Setup, context: &str) -> Self {
        let world = World::new(setup).await;
        world.make_application(&json!({}));
        if setup.case == "prune" {
            for name in PRUNED {
                world.create(&CONFIG_MAPS, pruned(name));
            }
        }
        world.request(&request(&setup.case));
        let store = world.simulator.store();
        let from = store.revision();
        let hooks = HOOKS.map(|id| store.watch(id, from).unwrap()).into();
        let applications = store.watch(&APPLICATIONS, from).unwrap();
        Self {
            world,
            context: context.to_owned(),
            applications,
            hooks,
            application: Value::Null,
            state: OperationState::default(),
            by_hand: ByHand::of_case(&setup.case),
        }
    }

    pub(super) fn simulator(&self) -> Arc<Simulator> {
        Arc::clone(&self.world.simulator)
    }

    pub(super) fn faults(&self) -> Faults {
        self.world.simulator.faults().clone()
    }

    /// An engine; dropping it kills it.
    pub(super) async fn engine(&self) -> Result<Handle, EngineError> {
        self.world.launch().await
    }

    /// Follows the operation until a state is as wanted. Nothing is lost if that is given up and begun again.
    async fn until(&mut self, is_so: impl Fn(&Value, &OperationState) -> bool) {
        let clock = Clock::real();
        while !is_so(&self.application, &self.state) {
            let Ok(event) = clock.timeout(PATIENCE, self.applications.next()).await else {
                let context = &self.context;
                panic!("{context}: the operation stands still: {:#}", self.world.application()["status"]);
            };
            self.application = (*event.unwrap().object.value()).clone();
            let state = self.application.pointer("/status/operationState");
            self.state = state.map(|state| OperationState::from_json(state).0).unwrap_or_default();
        }
    }

    /// Follows the operation to its end.
    pub(super) async fn completed(&mut self) {
        if let Some(by_hand) = self.by_hand {
            self.until(|_, state| state.message.starts_with(by_hand.when()) || state.is_completed()).await;
            self.by_hand = None;
            self.world.edit(|application| by_hand.apply(application));
        }
        self.until(|application, state| state.is_completed() && application.get("operation").is_none()).await;
    }

    /// What became of a completed operation. No finalizer is left on a hook.
    pub(super) async fn ended(mut self) -> End {
        self.world.simulator.controllers().unwrap().settled().await;
        let mut left = Vec::new();
        for id in HOOKS {
            let (objects, _) = self.world.simulator.store().list(id, Some(&self.world.case));
            for object in objects {
                let value = object.value();
                let finalizers = value.pointer("/metadata/finalizers").cloned().unwrap_or_default().to_string();
                let (context, name) = (&self.context, object.name());
                assert!(!finalizers.contains("hook-finalizer"), "{context}: {name} keeps its finalizer");
                if is_hook(&value) && !object.is_deleting() {
                    left.push(masked(name));
                }
            }
        }
        left.extend(self.world.names(&CONFIG_MAPS).iter().map(|name| format!("ConfigMap {name}")));
        let mut results: Vec<String> = results(&self.state).iter().map(|result| masked(result)).collect();
        results.sort();
        let end = End {
            phase: phase(&self.state),
            message: self.state.message.clone(),
            retries: self.state.retry_count,
            results,
            made: self.made(),
            left,
        };
        self.world.stop().await;
        end
    }

    fn made(&mut self) -> BTreeMap<String, usize> {
        let mut made = BTreeMap::new();
        for changes in &mut self.hooks {
            while let Some(event) = changes.try_next().unwrap() {
                let object = event.object.value();
                if event.kind == EventKind::Added && is_hook(&object) {
                    let operation = object.pointer("/metadata/annotations/boathook.dev~1operation");
                    let operation = operation.and_then(Value::as_str).unwrap_or_default();
                    let attempt = operation.rsplit('/').next().unwrap_or_default();
                    *made.entry(format!("{} {attempt}", masked(event.object.name()))).or_default() += 1;
                }
            }
        }
        made
    }

    /// The Lease of the engines.
    pub(super) fn lease(&self) -> Value {
        self.world.get(&LEASES, ARGOCD, "boathook-engine").unwrap_or_default()
    }
}

fn is_hook(object: &Value) -> bool {
    object.pointer("/metadata/annotations/argocd.argoproj.io~1hook").is_some()
}

/// Generated names, and what applying a second time says.
fn masked(text: &str) -> String {
    let text = regex::Regex::new(r"-[0-9a-f]{7}-(\w+)-\d+").unwrap().replace_all(text, "-$1").into_owned();
    regex::Regex::new(r" (created|configured|unchanged)$").unwrap().replace_all(&text, " applied").into_owned()
}

fn request(case: &str) -> Value {
    let retry =
        if case == "flaky" { json!({"limit": 4, "backoff": {"duration": "0.01s", "factor": 1}}) } else { json!({}) };
    let sync = json!({"syncStrategy": {"hook": {}}, "prune": case == "prune"});
    json!({"initiatedBy": {"username": "operator"}, "retry": retry, "sync": sync})
}
