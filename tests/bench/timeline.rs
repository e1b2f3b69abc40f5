//! Folding events into a timeline, and reading it.
//!
//! The events are those of a recorded operation with 14 hooks and resources, told again and again: in each round every
//! object has another UID and newer versions, as if the operation were retried, so that none of them is passed over.
#![allow(clippy::expect_used, reason = "a benchmark that cannot be set up ends by panicking")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use boathook::domain::event::{Change, WatchEvent};
use boathook::domain::manifest::Object;
use boathook::domain::timeline::Timeline;
use divan::counter::ItemsCount;
use jiff::Timestamp;
use serde_json::{Value, json};

const EVENTS: usize = 100_000;

fn main() {
    divan::main();
}

/// The events of one recording, told for `rounds` rounds or until there are enough of them.
fn events(count: usize) -> Vec<WatchEvent> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces/waves.jsonl");
    let text = std::fs::read_to_string(path).expect("the recording");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let start: Timestamp = "2026-11-22T13:32:33Z".parse().expect("a time");
    let rounds = (0..).flat_map(|round| lines.iter().map(move |line| (round, line)));
    let event = |(index, (round, line)): (usize, (usize, &Value))| {
        let mut object = line["object"].clone();
        object["metadata"]["resourceVersion"] = json!((index + 1).to_string());
        if object["kind"] != "Application" {
            let again = |uid: &mut Value| *uid = json!(format!("{}-{round}", uid.as_str().unwrap_or_default()));
            again(&mut object["metadata"]["uid"]);
            if let Some(owner) = object.pointer_mut("/metadata/ownerReferences/0/uid") {
                again(owner);
            }
        }
        let change = if line["type"] == "DELETED" { Change::Deleted } else { Change::Applied };
        let object = Arc::new(Object::from_json(object).expect("an object"));
        let at = start + Duration::from_millis(u64::try_from(index).expect("a number"));
        WatchEvent { at, change, object }
    };
    rounds.take(count).enumerate().map(event).collect()
}

fn fold(events: &[WatchEvent]) -> Timeline {
    let mut timeline = Timeline::new("argocd", "waves");
    for event in events {
        timeline.observe(event);
    }
    timeline
}

/// 100,000 events of all five watches.
#[divan::bench(sample_count = 10)]
fn fold_100_000_events(bencher: divan::Bencher) {
    let events = events(EVENTS);
    bencher.counter(ItemsCount::new(EVENTS)).bench(|| fold(&events));
}

/// One look at an operation in which every hook ran once.
#[divan::bench]
fn view_of_one_operation(bencher: divan::Bencher) {
    let events = events(191);
    let timeline = fold(&events);
    let now = events.last().expect("events").at;
    bencher.bench(|| timeline.view(now));
}

/// One look at a timeline that remembers as many objects as it ever will.
#[divan::bench(sample_count = 10)]
fn view_after_100_000_events(bencher: divan::Bencher) {
    let events = events(EVENTS);
    let timeline = fold(&events);
    let now = events.last().expect("events").at;
    bencher.bench(|| timeline.view(now));
}
