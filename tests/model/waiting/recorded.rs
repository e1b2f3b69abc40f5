//! Reasons in recordings of Argo CD 3.6 on Kubernetes 1.36: what was to be seen at each moment of a run.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use boathook::domain::health::waiting::{Evidence, reasons};
use boathook::domain::manifest::Object;
use jiff::Timestamp;
use serde_json::Value;

/// What is said of one object through a recording: each list of reasons once, durations left out.
fn story(recording: &str, kind: &str, name: &str) -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces").join(recording);
    let mut live: BTreeMap<String, Object> = BTreeMap::new();
    let mut gone: Vec<Object> = Vec::new();
    let mut events: Vec<Object> = Vec::new();
    let mut start: Option<Timestamp> = None;
    let mut told: Vec<String> = Vec::new();
    for line in fs::read_to_string(file).unwrap().lines() {
        let mut event: Value = serde_json::from_str(line).unwrap();
        let object = Object::from_json(event["object"].take()).unwrap();
        let at = event["t"].as_f64().unwrap();
        match (object.kind(), event["type"].as_str().unwrap()) {
            ("Application", _) => continue,
            ("Event", _) => events.push(object),
            (_, "DELETED") => {
                live.remove(object.uid());
                gone.push(object);
            }
            _ => {
                live.insert(object.uid().to_owned(), object);
            }
        }
        let Some(hook) = live.values().find(|live| (live.kind(), live.name()) == (kind, name)) else { continue };
        let created = hook.at(&["metadata", "creationTimestamp"]).and_then(Value::as_str).unwrap();
        // The recording counts seconds from the request; the cluster's clock starts with the first hook.
        #[expect(clippy::cast_possible_truncation, reason = "seconds of a recording")]
        let now = start.get_or_insert_with(|| created.parse().unwrap()).as_second() + at as i64;
        let owned = |pod: &&Object| {
            let owner = pod.at(&["metadata", "ownerReferences"]).and_then(|owners| owners.get(0));
            owner.and_then(|owner| owner["uid"].as_str()) == Some(hook.uid())
        };
        let children: Vec<&Object> = live.values().filter(owned).collect();
        let gone: Vec<&Object> = gone.iter().filter(owned).collect();
        let events: Vec<&Object> = events.iter().collect();
        let now = Timestamp::from_second(now).unwrap();
        let evidence = Evidence { object: hook, children: &children, gone: &gone, events: &events, now };
        let said = reasons(&evidence)
            .iter()
            .map(|reason| format!("{:?}: {}", reason.kind, without_durations(&reason.text)))
            .collect::<Vec<_>>()
            .join(" | ");
        if told.last() != Some(&said) {
            told.push(said);
        }
    }
    told
}

fn without_durations(text: &str) -> String {
    let is_duration = |word: &str| {
        let number = word.trim_end_matches([',', ';']).strip_suffix(['s', 'm', 'h']);
        number.is_some_and(|number| number.parse::<u32>().is_ok())
    };
    text.split(' ').map(|word| if is_duration(word) { "…" } else { word }).collect::<Vec<_>>().join(" ")
}

#[test]
fn waiting_in_a_recording_of_a_job_that_fails_twice() {
    insta::assert_snapshot!(story("abort.jsonl", "Job", "db-migrate").join("\n"));
}

#[test]
fn waiting_in_a_recording_of_a_pod() {
    insta::assert_snapshot!(story("podhook.jsonl", "Pod", "probe").join("\n"));
}

#[test]
fn waiting_in_a_recording_of_a_job_that_is_terminated() {
    insta::assert_snapshot!(story("terminated.jsonl", "Job", "long-migration").join("\n"));
}

#[test]
fn waiting_in_a_recording_of_a_workflow() {
    insta::assert_snapshot!(story("workflow.jsonl", "Workflow", "presync-1b1caf3-presync-1795354797").join("\n"));
}
