//! Planning a sync of 5,000 objects, and one step over 5,000 tasks.
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot be set up ends by panicking")]

use std::sync::Arc;

use boathook::domain::manifest::Object;
use boathook::domain::operation::{
    HookPhase, OperationPhase, OperationState, ResultStatus, Selector, SyncRequest, SyncResult, TaskResult,
};
use boathook::domain::plan::{Kinds, Permission, Plan, PlanInput, plan};
use boathook::domain::step::{Memory, Observation, Progress, Settings, StepInput, step};
use divan::Bencher;
use jiff::Timestamp;
use serde_json::{Value, json};

const OBJECTS: usize = 5_000;
const KINDS: [(&str, &str); 5] =
    [("v1", "ConfigMap"), ("v1", "Service"), ("apps/v1", "Deployment"), ("batch/v1", "Job"), ("v1", "Secret")];

fn main() {
    divan::main();
}

/// One in five is a Job, half of those hooks; ten waves.
fn written(index: usize) -> Value {
    let (api_version, kind) = KINDS[index % KINDS.len()];
    let mut annotations = json!({"argocd.argoproj.io/sync-wave": (index % 10).to_string()});
    if kind == "Job" && index.is_multiple_of(2) {
        annotations["argocd.argoproj.io/hook"] = json!(["PreSync", "PostSync"][index / 2 % 2]);
    }
    json!({"apiVersion": api_version, "kind": kind,
        "metadata": {"name": format!("object-{index:05}"), "namespace": "shop", "annotations": annotations}})
}

fn objects(live: bool) -> Vec<Arc<Object>> {
    let object = |index: usize| {
        let mut json = written(index);
        if live {
            json["metadata"]["uid"] = json!(format!("uid-{index}"));
        }
        Arc::new(Object::from_json(json).unwrap())
    };
    (0..OBJECTS).map(object).collect()
}

fn planned(targets: &[Arc<Object>], live: &[Arc<Object>], kinds: &Kinds) -> Plan {
    requested(targets, live, kinds, &SyncRequest { prune: true, ..SyncRequest::default() })
}

fn requested(targets: &[Arc<Object>], live: &[Arc<Object>], kinds: &Kinds, request: &SyncRequest) -> Plan {
    plan(&PlanInput {
        targets,
        live,
        kinds,
        request,
        destination_namespace: "shop",
        live_namespace: None,
        namespace_metadata: None,
        revision: "6f1c0aa95d2b4f8e9c1d7a3b5e6f708192a3b4c5",
        started_at: Timestamp::UNIX_EPOCH,
        permission: Permission::All,
        out_of_sync: None,
        recorded: None,
        unique_names: true,
    })
}

/// All objects are new.
#[divan::bench(sample_count = 20)]
fn plan_of_5000_new_objects(bencher: Bencher) {
    let (targets, kinds) = (objects(false), Kinds::well_known());
    bencher.bench(|| planned(&targets, &[], &kinds));
}

/// All objects live already, and a fifth of them is pruned.
#[divan::bench(sample_count = 20)]
fn plan_of_5000_live_objects(bencher: Bencher) {
    let (targets, live, kinds) = (objects(false), objects(true), Kinds::well_known());
    let targets = &targets[..OBJECTS / 5 * 4];
    bencher.bench(|| planned(targets, &live, &kinds));
}

/// A selective sync that names every object.
#[divan::bench(sample_count = 20)]
fn plan_of_5000_selected_objects(bencher: Bencher) {
    let (targets, kinds) = (objects(false), Kinds::well_known());
    let select = |object: &Arc<Object>| Selector {
        group: object.group().to_owned(),
        kind: object.kind().to_owned(),
        name: object.name().to_owned(),
        namespace: String::new(),
    };
    let request = SyncRequest { resources: targets.iter().map(select).collect(), ..SyncRequest::default() };
    bencher.bench(|| requested(&targets, &[], &kinds, &request));
}

/// Everything was applied, and nothing is healthy yet: the step looks at every task and waits.
#[divan::bench(sample_count = 20)]
fn step_over_5000_tasks(bencher: Bencher) {
    let live = objects(true);
    let plan = planned(&objects(false), &live, &Kinds::well_known());
    let result = |task: &boathook::domain::plan::Task| TaskResult {
        key: task.id.key.clone(),
        version: task.version.clone(),
        status: Some(ResultStatus::Synced),
        hook_type: task.hook().map(|hook| hook.hook_type),
        hook_phase: Some(HookPhase::Running),
        sync_phase: Some(task.phase()),
        message: "deployment.apps/web configured".to_owned(),
        images: Vec::new(),
    };
    let resources = plan.tasks.iter().map(result).collect();
    let state = OperationState {
        phase: Some(OperationPhase::Running),
        started_at: Some(Timestamp::UNIX_EPOCH),
        sync_result: Some(SyncResult { resources, ..SyncResult::default() }),
        ..OperationState::default()
    };
    let progress = Progress { state, memory: Memory::default() };
    let objects = live.iter().map(|object| (object.key(), Arc::clone(object))).collect();
    let seen = Observation { objects, ..Observation::default() };
    let settings = Settings::default();
    let input = StepInput { plan: &plan, seen: &seen, settings: &settings, now: Timestamp::UNIX_EPOCH };
    bencher.bench(|| step(&input, &progress));
}
