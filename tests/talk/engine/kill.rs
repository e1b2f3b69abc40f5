//! An engine that is killed at any write, before the request or after the server accepted it, and started again, comes to
//! the same end: no hook that completed runs twice in an attempt, and no finalizer is left.

use std::time::Duration;

use boathook::sim::faults::{Action, Fault, requests};

use super::disturbed::{Disturbed, WRITES};
use super::world::Setup;

async fn killed_at_every_write(case: &str, step: usize) {
    let setup = Setup::case(case);
    let mut calm = Disturbed::new(&setup, "undisturbed").await;
    let counter = calm.faults().add(Fault::new(requests(WRITES, &[]), Action::Delay(Duration::ZERO)));
    let engine = calm.engine().await.unwrap();
    calm.completed().await;
    // Those of the operation alone: comparing goes on afterwards.
    let count = calm.faults().met(counter);
    drop(engine);
    let wanted = calm.ended().await;
    assert!(count > 3, "{case}: {count} writes");
    for number in (0..count).step_by(step) {
        for action in [Action::Delay(Duration::from_secs(3600)), Action::CutAfter] {
            let context = format!("{case}: killed at write {number} of {count}, {action:?}");
            let mut world = Disturbed::new(&setup, &context).await;
            let faults = world.faults();
            let id = faults.add(Fault::new(requests(WRITES, &[]), action).skip(number).times(1));
            let engine = world.engine().await.unwrap();
            // A run with fewer writes than the first one ends before.
            tokio::select! {
                () = world.completed() => {}
                () = faults.until_met(id, 1) => {}
            }
            drop(engine);
            faults.clear();
            let engine = world.engine().await.unwrap();
            world.completed().await;
            let end = world.ended().await;
            drop(engine);
            assert_eq!(end, wanted, "{context}");
        }
    }
}

/// Every how many writes the engine is killed: every one where `BOATHOOK_KILL_AT=every` asks for it.
fn stride(usual: usize) -> usize {
    if std::env::var("BOATHOOK_KILL_AT").is_ok_and(|value| value == "every") { 1 } else { usual }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_killed_at_every_write_article() {
    killed_at_every_write("article", stride(4)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_killed_at_every_write_abort() {
    killed_at_every_write("abort", stride(6)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_killed_at_every_write_flaky() {
    killed_at_every_write("flaky", stride(7)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_killed_at_every_write_podhook() {
    killed_at_every_write("podhook", stride(3)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_killed_at_every_write_workflow() {
    killed_at_every_write("workflow", stride(4)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_killed_at_every_write_waves() {
    killed_at_every_write("waves", stride(20)).await;
}
