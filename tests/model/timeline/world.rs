//! Events made up: one Application, and what a test lets happen to it.

use std::sync::Arc;

use boathook::domain::event::{Change, WatchEvent};
use boathook::domain::hook::SyncPhase;
use boathook::domain::manifest::{Object, ObjectKey};
use boathook::domain::timeline::{OperationView, PlannedTask, TaskKey, TaskState, TaskView, Timeline};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// A timeline, a clock, and a counter of versions.
pub(crate) struct World {
    pub(crate) timeline: Timeline,
    pub(crate) now: Timestamp,
    version: u64,
}

impl World {
    /// It is ten o'clock, and a third of a second.
    pub(crate) fn new() -> Self {
        let now = "2026-08-23T10:00:00.300Z".parse().unwrap();
        Self { timeline: Timeline::new("argocd", "shop"), now, version: 100 }
    }

    pub(crate) fn wait(&mut self, seconds: f64) {
        self.now += SignedDuration::try_from_secs_f64(seconds).unwrap();
    }

    pub(crate) fn see(&mut self, change: Change, mut object: Value) -> bool {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let object = Arc::new(Object::from_json(object).unwrap());
        self.timeline.observe(&WatchEvent { at: self.now, change, object })
    }

    /// The current second, as Kubernetes writes it.
    pub(crate) fn second(&self) -> String {
        Timestamp::from_second(self.now.as_second()).unwrap().to_string()
    }

    /// The Application with this `operation` and `operationState`; `null` where there is none.
    pub(crate) fn application(&mut self, change: Change, operation: &Value, state: &Value) {
        self.see(
            change,
            json!({
                "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
                "metadata": {"namespace": "argocd", "name": "shop", "uid": "app"},
                "operation": operation, "status": {"operationState": state},
            }),
        );
    }

    /// The controller is at it: a state with these results.
    pub(crate) fn running(&mut self, started_at: &str, results: &[Value]) {
        let state = json!({"phase": "Running", "startedAt": started_at, "syncResult": {"resources": results}});
        self.application(Change::Applied, &json!({"sync": {}}), &state);
    }

    /// The controller is done.
    pub(crate) fn over(&mut self, phase: &str, started_at: &str, results: &[Value]) {
        let finished_at = self.second();
        let state = json!({
            "phase": phase, "startedAt": started_at, "finishedAt": finished_at, "syncResult": {"resources": results},
        });
        self.application(Change::Applied, &Value::Null, &state);
    }

    pub(crate) fn view(&self) -> OperationView {
        self.timeline.view(self.now)
    }

    /// The task of a Job that is a hook of this phase.
    pub(crate) fn task(&self, phase: SyncPhase, name: &str) -> TaskView {
        let key = job_key(phase, name);
        self.view().task(&key).unwrap_or_else(|| panic!("no {name} in {phase}: {:#?}", self.view().phases)).clone()
    }

    pub(crate) fn state(&self, phase: SyncPhase, name: &str) -> TaskState {
        self.task(phase, name).state
    }
}

pub(crate) fn job_key(phase: SyncPhase, name: &str) -> TaskKey {
    TaskKey { phase: phase.into(), object: ObjectKey::new("batch", "Job", "prod", name) }
}

/// A hook that is planned.
pub(crate) fn planned(phase: SyncPhase, wave: i64, name: &str) -> PlannedTask {
    PlannedTask { key: job_key(phase, name), generate_name: None, is_hook: true, wave, is_skipped: false }
}

/// A result of a Job that is a hook.
pub(crate) fn result(phase: &str, name: &str, hook_phase: &str) -> Value {
    json!({
        "group": "batch", "kind": "Job", "version": "v1", "namespace": "prod", "name": name, "status": "Synced",
        "hookType": phase, "syncPhase": phase, "hookPhase": hook_phase, "message": format!("{name} is {hook_phase}"),
    })
}

/// A Job that is a hook of this Application.
pub(crate) fn job(world: &World, uid: &str, phases: &str, name: &str) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {
            "namespace": "prod", "name": name, "uid": uid, "creationTimestamp": world.second(),
            "annotations": {
                "argocd.argoproj.io/hook": phases,
                "argocd.argoproj.io/tracking-id": format!("shop:batch/Job:prod/{name}"),
            },
        },
        "spec": {
            "completions": 1, "parallelism": 1, "backoffLimit": 0,
            "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "main"}]}},
        },
        "status": {},
    })
}

/// A pod of a Job in this phase; its container has ended with this exit code, if there is one.
pub(crate) fn pod(world: &World, uid: &str, owner: &str, phase: &str, exit_code: Option<i64>) -> Value {
    let state = match exit_code {
        Some(code) => json!({"terminated": {
            "exitCode": code, "reason": if code == 0 { "Completed" } else { "Error" },
            "startedAt": world.second(), "finishedAt": world.second(),
        }}),
        None if phase == "Running" => json!({"running": {"startedAt": world.second()}}),
        None => json!({"waiting": {"reason": "ContainerCreating"}}),
    };
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "namespace": "prod", "name": uid, "uid": uid, "creationTimestamp": world.second(),
            "ownerReferences": [{"kind": "Job", "name": "job", "uid": owner, "controller": true}],
        },
        "spec": {"restartPolicy": "Never", "containers": [{"name": "main"}]},
        "status": {"phase": phase, "containerStatuses": [{"name": "main", "restartCount": 0, "state": state}]},
    })
}
