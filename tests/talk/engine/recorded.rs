//! The recordings of Argo CD 3.6: what of their states is compared with the engine's.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use boathook::domain::operation::OperationState;
use serde_json::Value;

use super::differences::DIFFERENCES;

/// What is compared of a state: phase, message, and the results as a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) phase: String,
    pub(crate) message: String,
    pub(crate) results: BTreeSet<String>,
}

/// A generated name ends with revision, phase and time.
fn masked(text: &str) -> String {
    let generated = regex::Regex::new(r"-[0-9a-f]{7}-(presync|sync|postsync|syncfail)-\d+").unwrap();
    let clock = regex::Regex::new(r" at \d+:\d\d[AP]M\.").unwrap();
    let text = generated.replace_all(text, "-REVISION-$1-TIME");
    clock.replace_all(&text, " at TIME.").into_owned()
}

pub(crate) fn shown(state: &OperationState) -> Shown {
    let word = |value: Value| value.as_str().unwrap_or_default().to_owned();
    let results = state.sync_result.iter().flat_map(|result| &result.resources);
    let results = results.map(|result| {
        let parts = [
            result.key.kind.clone(),
            masked(&result.key.name),
            result.phase().map_or("", |phase| phase.as_str()).to_owned(),
            word(serde_json::to_value(result.hook_phase).unwrap()),
            word(serde_json::to_value(result.status).unwrap()),
        ];
        parts.join(" ")
    });
    Shown {
        phase: word(serde_json::to_value(state.phase).unwrap()),
        message: masked(&state.message),
        results: results.collect(),
    }
}

pub(crate) fn collapsed(states: impl Iterator<Item = Shown>) -> Vec<Shown> {
    let mut all: Vec<Shown> = states.collect();
    all.dedup();
    all
}

/// The request and the states of a recording, from the request on.
pub(crate) fn recording(name: &str) -> (Value, Vec<OperationState>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces").join(format!("{name}.jsonl"));
    let mut request = Value::Null;
    let mut begin = None;
    let mut states = Vec::new();
    for line in fs::read_to_string(path).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let object = &line["object"];
        if object["kind"] != "Application" {
            continue;
        }
        if request.is_null() {
            request = object["operation"].clone();
            begin = object.pointer("/status/operationState/startedAt").cloned();
        }
        if let Some(state) =
            object.pointer("/status/operationState").filter(|state| state.get("startedAt") != begin.as_ref())
        {
            states.push(OperationState::from_json(state).0);
        }
    }
    (request, states)
}

/// Whether the recorded states are among ours, in their order.
pub(crate) fn explained(recording: &str, recorded: &[Shown], ours: &[Shown]) -> Result<(), String> {
    // The recorded states are a subsequence of ours, in phase and results; the message is a prefix.
    let mut rest = ours.iter();
    for (index, state) in recorded.iter().enumerate() {
        if DIFFERENCES.iter().any(|difference| difference.explains(recording, &state.message)) {
            continue;
        }
        let is_same = |own: &&Shown| {
            own.phase == state.phase && own.message.starts_with(&state.message) && own.results == state.results
        };
        if rest.find(is_same).is_none() {
            return Err(format!("recorded state {index} is not among ours:\n{state:#?}\n\nours:\n{ours:#?}"));
        }
    }
    Ok(())
}
