//! Events at random: in any order, repeated, old, with parts missing or of the wrong type.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use boathook::domain::event::{Change, WatchEvent};
use boathook::domain::manifest::Object;
use boathook::domain::timeline::{Moment, OperationStatus, Precision, TaskState, Timeline};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::render::render;
use super::replay::{RECORDINGS, recording};
use crate::cases::cases;

const START: i64 = 1_787_479_200;

fn second(offset: i64) -> String {
    Timestamp::from_second(START + offset).unwrap().to_string()
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(START * 1000 + millis).unwrap()
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![2 => Just(Change::Listed), 6 => Just(Change::Applied), 1 => Just(Change::Deleted)]
}

/// The name of a hook: there are two.
fn name() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("migrate"), Just("seed")]
}

fn result() -> impl Strategy<Value = Value> {
    let phases = prop_oneof![Just("PreSync"), Just("PostSync"), Just("SyncFail")];
    let hook_phases =
        prop_oneof![Just(None), Just(Some("Running")), Just(Some("Succeeded")), Just(Some("Failed")), Just(Some("?"))];
    (name(), phases, hook_phases).prop_map(|(name, phase, hook_phase)| {
        json!({
            "group": "batch", "kind": "Job", "namespace": "prod", "name": name, "status": "Synced",
            "syncPhase": phase, "hookType": phase, "hookPhase": hook_phase,
        })
    })
}

fn application() -> impl Strategy<Value = Value> {
    let phase = prop_oneof![
        4 => Just("Running"), 1 => Just("Terminating"), 1 => Just("Succeeded"), 1 => Just("Failed"), 1 => Just("?")
    ];
    let state = (phase, 0_i64..3, any::<bool>(), 0_i64..3, prop::collection::vec(result(), 0..4));
    (prop::option::weighted(0.9, state), any::<bool>()).prop_map(|(state, requested)| {
        let state = state.map(|(phase, start, finished, retry, results)| {
            json!({
                "phase": phase, "startedAt": second(start * 20), "retryCount": retry,
                "finishedAt": finished.then(|| second(start * 20 + retry * 5)),
                "syncResult": {"resources": results},
            })
        });
        json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"namespace": "argocd", "name": "shop", "uid": "app"},
            "operation": requested.then(|| json!({"sync": {}})), "status": {"operationState": state},
        })
    })
}

fn job() -> impl Strategy<Value = Value> {
    let end = prop_oneof![4 => Just(None), 1 => Just(Some("Complete")), 1 => Just(Some("Failed"))];
    (name(), 0_i64..4, end).prop_map(|(name, number, end)| {
        json!({
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": {
                "namespace": "prod", "name": name, "uid": format!("{name}{number}"),
                "creationTimestamp": second(number * 15),
                "annotations": {
                    "argocd.argoproj.io/hook": "PreSync,PostSync",
                    "argocd.argoproj.io/tracking-id": format!("shop:batch/Job:prod/{name}"),
                },
            },
            "spec": {"completions": 1, "backoffLimit": number % 3, "template": {"spec": {"restartPolicy": "Never"}}},
            "status": {"conditions": end.map(|kind| json!([{"type": kind, "status": "True"}]))},
        })
    })
}

fn pod() -> impl Strategy<Value = Value> {
    let phase = prop_oneof![Just("Pending"), Just("Running"), Just("Succeeded"), Just("Failed"), Just("Unknown")];
    (name(), 0_i64..4, 0_i64..3, phase).prop_map(|(name, owner, number, phase)| {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "namespace": "prod", "name": "pod", "uid": format!("{name}{owner}-{number}"),
                "creationTimestamp": second(owner * 15 + number),
                "ownerReferences": [{"kind": "Job", "name": name, "uid": format!("{name}{owner}"), "controller": true}],
            },
            "spec": {"restartPolicy": "Never"}, "status": {"phase": phase},
        })
    })
}

fn event() -> impl Strategy<Value = WatchEvent> {
    let object = prop_oneof![3 => application(), 2 => job(), 3 => pod()];
    (object, change(), 0_i64..90_000, prop::option::weighted(0.7, 1_u64..200)).prop_map(
        |(mut json, change, millis, version)| {
            json["metadata"]["resourceVersion"] = json!(version.map(|version| version.to_string()));
            WatchEvent { at: at(millis), change, object: Arc::new(Object::from_json(json).unwrap()) }
        },
    )
}

/// Names of hooks for whose success there is a word in an event: the controller's, the Job's, or a pod's.
fn succeeded(event: &WatchEvent) -> Vec<String> {
    let object = &event.object;
    let owner = || object.at(&["metadata", "ownerReferences"]).unwrap()[0]["name"].as_str().unwrap().to_owned();
    match object.kind() {
        "Pod" if object.at(&["status", "phase"]).unwrap() == "Succeeded" => vec![owner()],
        "Job" if object.at(&["status", "conditions"]).unwrap()[0]["type"] == "Complete" => {
            vec![object.name().to_owned()]
        }
        "Application" => {
            let results = object.at(&["status", "operationState", "syncResult", "resources"]).and_then(Value::as_array);
            let good = results.into_iter().flatten().filter(|result| result["hookPhase"] == "Succeeded");
            good.map(|result| result["name"].as_str().unwrap().to_owned()).collect()
        }
        _ => Vec::new(),
    }
}

proptest! {
    #![proptest_config(cases())]

    /// Whatever is told in whatever order: nothing panics, nothing is good without a word for it, no object comes back
    /// from its end, and no operation begins again after its end.
    #[test]
    fn timeline_bears_events_in_any_order(events in prop::collection::vec(event(), 0..60)) {
        let mut timeline = Timeline::new("argocd", "shop");
        let mut good: HashSet<String> = HashSet::new();
        let mut ended: HashMap<String, TaskState> = HashMap::new();
        let mut over: HashMap<Timestamp, OperationStatus> = HashMap::new();
        for event in &events {
            good.extend(succeeded(event));
            timeline.observe(event);
            prop_assert!(!timeline.observe(event) || event.object.at(&["metadata", "resourceVersion"]).is_none_or(Value::is_null));
            let view = timeline.view(event.at);
            prop_assert_eq!(&view, &timeline.view(event.at));
            for phase in &view.phases {
                prop_assert_eq!(phase.counts.total(), phase.waves.iter().map(|wave| wave.tasks.len()).sum::<usize>());
                prop_assert!(phase.counts.total() > 0);
            }
            for task in view.tasks() {
                let name = &task.key.object.name;
                prop_assert!(!task.state.is_good() || good.contains(name), "{name} is {}\n{}", task.state, render(&view));
                for attempt in &task.attempts {
                    let is_end = [TaskState::Succeeded, TaskState::Failed, TaskState::Stopped].contains(&attempt.state);
                    let known = ended.get(&attempt.uid);
                    // Eight former operations are remembered, or seven and one that was taken back; what ended before
                    // them is forgotten.
                    let forgotten = || timeline.former(event.at).len() >= 7;
                    prop_assert!(
                        known.is_none() || is_end || forgotten(),
                        "{} is {} after {known:?}", attempt.uid, attempt.state
                    );
                    if is_end {
                        ended.insert(attempt.uid.clone(), attempt.state);
                    }
                }
                // One object is one attempt of one task.
                let mut uids: Vec<_> = view.tasks().flat_map(|task| &task.attempts).map(|attempt| &attempt.uid).collect();
                let all = uids.len();
                uids.sort();
                uids.dedup();
                prop_assert_eq!(uids.len(), all);
            }
            if let Some(started_at) = view.started_at && view.state.is_over() {
                over.insert(started_at, view.state);
            }
        }
        let _ = timeline.take_former(at(0));
    }
}

/// Any JSON, small.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!("2026-08-23T10:00:00Z")),
        Just(json!("True")),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,8}", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

/// Replaces the value at a place of a JSON value; the place is chosen by `path`, one number a level.
fn replace(value: &mut Value, path: &[usize], with: &Value) {
    let Some((first, rest)) = path.split_first() else {
        *value = with.clone();
        return;
    };
    match value {
        Value::Object(map) if !map.is_empty() => {
            let index = first % map.len();
            if let Some((_, inner)) = map.iter_mut().nth(index) {
                replace(inner, rest, with);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            let index = first % list.len();
            replace(&mut list[index], rest, with);
        }
        other => *other = with.clone(),
    }
}

proptest! {
    #![proptest_config(cases())]

    /// Recordings in which some values are replaced by others, of any type.
    #[test]
    fn timeline_bears_objects_of_any_shape(
        name in proptest::sample::select(RECORDINGS.to_vec()),
        damages in prop::collection::vec((0_usize..1_000, prop::collection::vec(0_usize..40, 1..7), anything()), 1..12),
    ) {
        let recording = recording(name);
        let mut timeline = recording.timeline();
        for (index, event) in recording.events.iter().enumerate() {
            let here = |position: usize| recording.events.len() * position / 1_000 == index;
            let damages: Vec<_> = damages.iter().filter(|(position, ..)| here(*position)).collect();
            let mut json = Object::clone(&event.object).into_json();
            for (_, path, with) in &damages {
                replace(&mut json, path, with);
            }
            let Ok(object) = Object::from_json(json) else { continue };
            timeline.observe(&WatchEvent { at: event.at, change: event.change, object: Arc::new(object) });
            if !damages.is_empty() {
                let _ = render(&timeline.view(event.at));
            }
        }
        let _ = render(&timeline.view(recording.end()));
    }

    /// A duration is never negative, never longer with less precision than it was, and never shorter later on.
    #[test]
    fn elapsed_is_what_its_ends_allow(
        start in 0_i64..200_000, length in 0_i64..400_000_000, more in 0_i64..100_000, seen in any::<[bool; 2]>(),
        written in any::<[bool; 2]>(), late in any::<bool>(),
    ) {
        let whole = |at: Timestamp| Timestamp::from_second(at.as_second()).unwrap();
        let moment = |seen: bool, written: bool, late: bool, millis: i64| Moment {
            observed: seen.then_some(at(millis)),
            recorded: written.then(|| whole(at(millis))),
            not_after: late.then_some(at(millis)),
        };
        let begin = moment(seen[0], written[0], late, start);
        let end = moment(seen[1], written[1], false, start + length);
        let Some(elapsed) = begin.until(end) else {
            prop_assert!(begin.is_unknown() || end.is_unknown());
            return Ok(());
        };
        let tenths = seen[0] && seen[1];
        let text = elapsed.to_string();
        let expected = if tenths {
            Precision::Tenths
        } else if seen[0] || written[0] {
            Precision::Seconds
        } else {
            Precision::AtLeast
        };
        prop_assert_eq!(elapsed.precision(), expected);
        prop_assert_eq!(text.starts_with(">="), expected == Precision::AtLeast);
        prop_assert!(!text.contains('.') || tenths, "{text}");
        let millis = i64::try_from(elapsed.duration().as_millis()).unwrap();
        let slack = if expected == Precision::AtLeast { 2_000 } else { 1_000 };
        prop_assert!(millis >= 0 && (millis - length).abs() <= slack, "{millis} for {length}");
        prop_assert!(!tenths || (0..100).contains(&(length - millis)));
        let later = begin.until(moment(seen[1], written[1], false, start + length + more)).unwrap();
        prop_assert!(later.duration() >= elapsed.duration());
        // The other way round it is nothing, and not a negative number.
        if let Some(none) = end.until(begin) {
            prop_assert!(none.duration().as_secs() <= 0 || length < 1_000);
        }
    }
}
