//! Health against recordings of Argo CD 3.6: what it recorded of its hooks, this model says of the same objects.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use boathook::domain::health::{health, hook_task};
use boathook::domain::hook::{Classification, classify};
use boathook::domain::manifest::Object;
use boathook::domain::operation::HookPhase;
use serde_json::Value;

fn recordings() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    assert!(files.len() >= 12, "recordings are missing");
    files
}

fn events(file: &Path) -> Vec<Object> {
    let text = fs::read_to_string(file).unwrap();
    let object = |line: &str| {
        let mut event: Value = serde_json::from_str(line).unwrap();
        Object::from_json(event["object"].take()).unwrap()
    };
    text.lines().map(object).collect()
}

/// Results of hooks: (kind, name, phase of the sync) -> (hookPhase, message).
fn hook_results(application: &Object) -> BTreeMap<(String, String, String), (String, String)> {
    let results = application.at(&["status", "operationState", "syncResult", "resources"]);
    let results = results.and_then(Value::as_array).into_iter().flatten();
    let text = |result: &Value, field: &str| result[field].as_str().unwrap_or_default().to_owned();
    results
        .filter(|result| result["hookType"].is_string())
        .map(|result| {
            let key = (text(result, "kind"), text(result, "name"), text(result, "syncPhase"));
            (key, (text(result, "hookPhase"), text(result, "message")))
        })
        .collect()
}

#[test]
fn health_of_every_recorded_object_is_found() {
    let mut judged = BTreeMap::new();
    for file in recordings() {
        for object in events(&file) {
            let found = health(&object).unwrap();
            if ["Job", "Pod", "Workflow"].contains(&object.kind()) {
                assert!(found.is_some(), "{}: {object:?}", file.display());
                *judged.entry(object.kind().to_owned()).or_insert(0) += 1;
            }
        }
    }
    assert!(judged.values().sum::<u32>() >= 290, "{judged:?}");
}

#[test]
fn health_agrees_with_what_argo_cd_recorded_of_its_hooks() {
    let mut ends = BTreeSet::new();
    for file in recordings() {
        let file_name = file.file_name().unwrap().to_string_lossy().into_owned();
        let mut live: BTreeMap<(String, String), Object> = BTreeMap::new();
        let mut recorded = BTreeMap::new();
        for object in events(&file) {
            if object.kind() != "Application" {
                live.insert((object.kind().to_owned(), object.name().to_owned()), object);
                continue;
            }
            for (key, (phase, message)) in hook_results(&object) {
                let before = recorded.insert(key.clone(), phase.clone());
                let ended = before.as_deref() == Some("Running") && phase != "Running";
                // Argo CD ended this one itself.
                if !ended || message == "Terminated" {
                    continue;
                }
                let (kind, name, _) = key;
                let object = &live[&(kind.clone(), name.clone())];
                let task = hook_task(object);
                assert_eq!(format!("{:?}", task.phase), phase, "{file_name}: {kind} {name}");
                assert!(task.phase.is_completed());
                if !task.message.is_empty() {
                    assert_eq!(task.message, message, "{file_name}: {kind} {name}");
                }
                ends.insert((kind, phase));
            }
        }
    }
    let expected = [("Job", "Failed"), ("Job", "Succeeded"), ("Pod", "Succeeded"), ("Workflow", "Succeeded")];
    assert_eq!(ends, expected.map(|(kind, phase)| (kind.to_owned(), phase.to_owned())).into());
}

/// A recorded hook is never judged as ended and then as running again.
#[test]
fn health_of_a_recorded_hook_ends_once() {
    for file in recordings() {
        let mut ended: BTreeMap<String, HookPhase> = BTreeMap::new();
        for object in events(&file) {
            let is_hook = matches!(classify(&object), Classification::Hook(_));
            if !is_hook || object.is_deleting() {
                continue;
            }
            let phase = hook_task(&object).phase;
            if let Some(before) = ended.get(object.uid()) {
                assert_eq!(*before, phase, "{}: {object:?}", file.display());
            } else if phase.is_completed() {
                ended.insert(object.uid().to_owned(), phase);
            }
        }
    }
}
