//! Objects with realistic status documents, and what is said about them in one line a reason.

use boathook::domain::health::waiting::{Evidence, Reason, reasons};
use boathook::domain::manifest::Object;
use jiff::Timestamp;
use serde_json::{Value, json};

/// The time in these tests.
pub(super) fn now() -> Timestamp {
    "2026-11-22T10:01:00Z".parse().unwrap()
}

pub(super) fn object(json: Value) -> Object {
    Object::from_json(json).unwrap()
}

/// A Pod of a Job with one container `main`, scheduled and started a minute ago.
pub(super) fn pod(name: &str, phase: &str, status: &Value) -> Object {
    let mut json = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "uid": format!("uid-{name}"),
            "creationTimestamp": "2026-11-22T10:00:00Z"},
        "spec": {"restartPolicy": "Never", "nodeName": "node-1",
            "containers": [{"name": "main", "image": "registry.example.com/shop/db:1"}]},
        "status": {"phase": phase, "startTime": "2026-11-22T10:00:00Z"}});
    for (field, value) in status.as_object().unwrap() {
        json["status"][field] = value.clone();
    }
    object(json)
}

/// The status of the container `main`.
pub(super) fn main(state: &Value) -> Value {
    json!([{"name": "main", "ready": false, "started": false, "restartCount": 0, "lastState": {}, "state": state}])
}

pub(super) fn job(spec: &Value, status: &Value) -> Object {
    object(json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": "migrate", "namespace": "shop", "uid": "uid-migrate",
            "creationTimestamp": "2026-11-22T10:00:00Z"},
        "spec": spec, "status": status}))
}

pub(super) fn event(about: &Object, reason: &str, message: &str) -> Object {
    object(json!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": "e"},
        "involvedObject": {"kind": about.kind(), "namespace": about.namespace(), "name": about.name(),
            "uid": about.uid()},
        "reason": reason, "message": message, "lastTimestamp": "2026-11-22T10:00:30Z"}))
}

pub(super) fn why(object: &Object) -> Vec<Reason> {
    reasons(&Evidence::of(object, now()))
}

pub(super) fn why_with(object: &Object, children: &[&Object], events: &[&Object]) -> Vec<Reason> {
    reasons(&Evidence { object, children, gone: &[], events, now: now() })
}

/// One line a reason: `Kind: text`.
pub(super) fn shown(reasons: &[Reason]) -> Vec<String> {
    reasons.iter().map(|reason| format!("{:?}: {}", reason.kind, reason.text)).collect()
}
