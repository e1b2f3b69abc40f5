//! A recording as the events of watches.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use boathook::domain::event::{Change, WatchEvent};
use boathook::domain::manifest::Object;
use boathook::domain::timeline::Timeline;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// Every recording, by the name of its file.
pub(crate) const RECORDINGS: [&str; 12] = [
    "abort",
    "article",
    "article-apply-only",
    "article-dryrun",
    "flaky-retry",
    "helm",
    "podhook",
    "prune-done",
    "terminated",
    "waves",
    "waves-selective",
    "workflow",
];

/// One operation on one Application, as five watches told it.
pub(crate) struct Recording {
    pub(crate) name: &'static str,
    /// Name of the Application.
    pub(crate) application: String,
    pub(crate) events: Vec<WatchEvent>,
}

pub(crate) fn recordings() -> impl Iterator<Item = Recording> {
    RECORDINGS.into_iter().map(recording)
}

pub(crate) fn recording(name: &'static str) -> Recording {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces").join(name).with_extension("jsonl");
    let text = fs::read_to_string(path).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let start = start(&lines);
    let mut seen = HashSet::new();
    let mut events = Vec::new();
    for mut line in lines {
        let at = start + seconds(&line);
        let object = Object::from_json(line["object"].take()).unwrap();
        let is_new = seen.insert(object.uid().to_owned());
        let change = match line["type"].as_str().unwrap() {
            // It was there before the recording began.
            "MODIFIED" if is_new => Change::Listed,
            "ADDED" | "MODIFIED" => Change::Applied,
            "DELETED" => Change::Deleted,
            other => panic!("{name}: {other}"),
        };
        events.push(WatchEvent { at, change, object: Arc::new(object) });
    }
    let application =
        events.iter().find(|event| event.object.kind() == "Application").unwrap().object.name().to_owned();
    Recording { name, application, events }
}

impl Recording {
    pub(crate) fn timeline(&self) -> Timeline {
        Timeline::new("argocd", self.application.as_str())
    }

    /// The timeline after the first `count` events.
    pub(crate) fn after(&self, count: usize) -> Timeline {
        let mut timeline = self.timeline();
        for event in &self.events[..count] {
            timeline.observe(event);
        }
        timeline
    }

    /// The time of the last event.
    pub(crate) fn end(&self) -> Timestamp {
        self.events.iter().map(|event| event.at).max().unwrap()
    }
}

fn seconds(line: &Value) -> SignedDuration {
    SignedDuration::try_from_secs_f64(line["t"].as_f64().unwrap()).unwrap()
}

/// The time at which the recording began: such that no object is seen before it was created.
fn start(lines: &[Value]) -> Timestamp {
    let added = lines.iter().filter(|line| line["type"] == "ADDED");
    let starts = added.map(|line| {
        let created: Timestamp = line["object"]["metadata"]["creationTimestamp"].as_str().unwrap().parse().unwrap();
        created - seconds(line)
    });
    // Without one it does not matter.
    starts.max().unwrap_or_else(|| "2026-11-22T13:40:15Z".parse().unwrap())
}
