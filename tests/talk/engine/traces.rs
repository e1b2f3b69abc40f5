//! The engine beside the recordings of Argo CD 3.6: the same operation on the same case goes through the same states.

use std::fs;

use boathook::domain::operation::OperationState;
use serde_json::{Value, json};

use super::differences::{DIFFERENCES, Difference};
use super::recorded::{collapsed, explained, recording, shown};
use super::world::{Setup, World};

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
