//! Operations of a real Argo CD while they run, joined in the middle of them.

use boathook::domain::timeline::{OperationView, TaskState};

use super::show::{on_stage, shots};
use super::world::World;
use crate::replay::recording;

fn has_hook(view: &OperationView, state: TaskState) -> bool {
    view.tasks().any(|task| task.is_hook && task.state == state)
}

#[tokio::test]
async fn a_hook_that_failed() {
    let recording = recording("flaky-retry");
    shots(
        || World::recorded(&recording, |view| has_hook(view, TaskState::Failed)),
        "{live} enter {lock timeout}",
        &[
            ("failed_hook", ""),
            ("failed_hook_log", "l {rolling back} t / \"lock\" enter"),
            ("failed_hook_yaml", "y {kind: Job}"),
            // Its pod is over, and its Job does not know it yet.
            ("dialog_rerun_early", "R {gain} {not possible}"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_hook_that_failed_and_whose_job_is_over() {
    let recording = recording("flaky-retry");
    let is_told =
        |view: &OperationView| view.tasks().any(|task| task.is_hook && task.message.contains("backoff limit"));
    shots(
        || World::recorded(&recording, is_told),
        "{live} enter {lock timeout}",
        &[("dialog_rerun", "R {gain} {by itself}")],
    )
    .await;
}

#[tokio::test]
async fn waves_at_work() {
    let recording = recording("waves");
    let at_work = |view: &OperationView| {
        view.tasks().filter(|task| task.state == TaskState::Succeeded).count() >= 6
            && has_hook(view, TaskState::Running)
    };
    shots(
        || World::recorded(&recording, at_work),
        "{live} enter {connecting}",
        &[("waves", ""), ("waves_sync_refused", "s"), ("waves_panel", "tab tab"), ("waves_resources", "v {w-mid}")],
    )
    .await;
}

#[tokio::test]
async fn a_hook_that_runs() {
    let recording = recording("abort");
    shots(
        || World::recorded(&recording, |view| has_hook(view, TaskState::Running)),
        "{live} enter {connecting}",
        &[
            ("running_hook", ""),
            ("dialog_abort", "x {bort} {!asking}"),
            ("abort_sent", "x {Fail the hook} ctrl-v {merge patch} ctrl-v backtab enter {the cluster has taken it}"),
            (
                "abort_requests",
                "x {Fail the hook} ctrl-v {merge patch} ctrl-v backtab enter {the cluster has taken it} m {abort}",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn an_operation_that_succeeded() {
    let recording = recording("article");
    shots(
        || World::recorded(&recording, |view| view.state.is_over()),
        "{live} enter {Succeeded}",
        &[("succeeded", "")],
    )
    .await;
}

#[tokio::test]
async fn a_workflow() {
    let recording = recording("workflow");
    shots(
        || World::recorded(&recording, |view| has_hook(view, TaskState::Running)),
        "{live} enter {Workflow}",
        &[("workflow", "")],
    )
    .await;
}

#[tokio::test]
async fn from_the_middle_to_the_end() {
    let recording = recording("flaky-retry");
    let mut timeline = recording.timeline();
    let failed = |event: &_| {
        timeline.observe(event);
        has_hook(&timeline.view(event.at), TaskState::Failed)
    };
    let mut rest = recording.events.split_inclusive(failed);
    let world = World::empty(&recording.events[0].at.to_string());
    rest.next().unwrap().iter().for_each(|event| world.take(event));
    on_stage(&world, async |actor| {
        actor.play("{live} enter {lock timeout} {✖}").await;
        let mut now = recording.events[0].at;
        for event in rest.flatten() {
            actor.passes(event.at.duration_since(now).unsigned_abs());
            now = now.max(event.at);
            world.take(event);
        }
        actor.play("{✔ Succeeded} {✔ flaky-check} {✖ ✖ ✔}").await;
    })
    .await;
    world.stop().await;
}
