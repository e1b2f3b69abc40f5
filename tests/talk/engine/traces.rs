//! The engine beside the recordings of Argo CD 3.6: the same operation on the same case goes through the same states.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use boathook::domain::operation::OperationState;
use serde_json::{Value, json};

use super::differences::{DIFFERENCES, Difference};
use super::world::{Setup, World};

/// What is compared of a state: phase, message, and the results as a set.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shown {
    phase: String,
    message: String,
    results: BTreeSet<String>,
}

/// A generated name ends with revision, phase and time.
fn masked(text: &str) -> String {
    let generated = regex::Regex::new(r"-[0-9a-f]{7}-(presync|sync|postsync|syncfail)-\d+").unwrap();
    let clock = regex::Regex::new(r" at \d+:\d\d[AP]M\.").unwrap();
    let text = generated.replace_all(text, "-REVISION-$1-TIME");
    clock.replace_all(&text, " at TIME.").into_owned()
}

fn shown(state: &OperationState) -> Shown {
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

fn collapsed(states: impl Iterator<Item = Shown>) -> Vec<Shown> {
    let mut all: Vec<Shown> = states.collect();
    all.dedup();
    all
}

/// The request and the states of a recording, from the request on.
fn recording(name: &str) -> (Value, Vec<OperationState>) {
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

/// Plays one recording's operation on the engine.
async fn play(name: &str, case: &str, before: &[Value]) -> (Vec<OperationState>, Vec<OperationState>) {
    let (mut request, recorded) = recording(name);
    if let Some(duration) = request.pointer_mut("/retry/backoff/duration") {
        *duration = json!("0.1s");
    }
    let mut world = World::running(&Setup::case(case)).await;
    for earlier in before {
        world.request(earlier);
        world.end().await;
    }
    if name == "prune-done" {
        fs::remove_file(world.work().join("prune/drop.yaml")).unwrap();
        world.commit("drop");
    }
    world.states.clear();
    world.request(&request);
    if name == "terminated" {
        world.until_message("waiting for completion of hook").await;
        world.edit(|application| application["status"]["operationState"]["phase"] = json!("Terminating"));
    }
    world.end().await;
    let states = std::mem::take(&mut world.states);
    world.stop().await;
    (recorded, states)
}

fn explained(recording: &str, recorded: &[Shown], ours: &[Shown]) -> Result<(), String> {
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

async fn compare(recording: &str, case: &str, before: &[Value]) {
    let (recorded, ours) = play(recording, case, before).await;
    let last = |states: &[OperationState]| shown(states.last().unwrap());
    assert_eq!(last(&recorded), last(&ours), "{recording}: the end");
    let recorded = collapsed(recorded.iter().map(shown));
    let ours = collapsed(ours.iter().map(shown));
    explained(recording, &recorded, &ours).unwrap_or_else(|error| panic!("{recording}: {error}"));
}

fn full() -> Value {
    json!({"sync": {"syncStrategy": {"hook": {}}}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_goes_through_the_recorded_states_article() {
    compare("article", "article", &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_goes_through_the_recorded_states_article_dry_run() {
    compare("article-dryrun", "article", &[full()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_goes_through_the_recorded_states_article_apply_only() {
    compare("article-apply-only", "article", &[full()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_goes_through_the_recorded_states_abort() {
    compare("abort", "abort", &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_goes_through_the_recorded_states_waves() {
    compare("waves", "waves", &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_goes_through_the_recorded_states_waves_selective() {
    compare("waves-selective", "waves", &[full()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_goes_through_the_recorded_states_terminated() {
    compare("terminated", "long", &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_goes_through_the_recorded_states_flaky_retry() {
    compare("flaky-retry", "flaky", &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_goes_through_the_recorded_states_podhook() {
    compare("podhook", "podhook", &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_goes_through_the_recorded_states_workflow() {
    compare("workflow", "workflow", &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_goes_through_the_recorded_states_prune() {
    compare("prune-done", "prune", &[full()]).await;
}

#[test]
fn engine_differences_are_about_recordings_that_exist() {
    for Difference { recording: name, .. } in DIFFERENCES {
        assert!(!recording(name).1.is_empty());
    }
}
