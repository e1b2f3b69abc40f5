//! An engine that is killed at a write, before the request or after the server accepted it, and started again, comes to the
//! same end: no hook that completed runs twice in an attempt, and no finalizer is left. It is killed at every so many
//! writes, or at every one of them where `BOATHOOK_KILL_AT=every` asks for it.

use std::sync::Arc;
use std::time::Duration;

use boathook::engine::Handle;
use boathook::sim::faults::{Action, Fault, requests};
use futures::StreamExt as _;

use super::disturbed::{Disturbed, End, WRITES, repository_of};
use super::world::Setup;

/// Runs at the same time: each waits most of the time.
const AT_ONCE: usize = 4;

/// Kills the engine of a case at every so many writes, or at all.
pub(crate) async fn killed_at_writes(case: &str, usual: usize) {
    let step = if std::env::var("BOATHOOK_KILL_AT").is_ok_and(|value| value == "every") { 1 } else { usual };
    let folder = tempfile::tempdir().unwrap();
    let repository = Some(Arc::new(repository_of(&folder.path().join(case), case)));
    // Pods take no time to speak of, but those that are terminated.
    let speed = if case == "long" { 1.0 } else { 200.0 };
    let setup = Setup { speed, repository, ..Setup::case(case) };
    let mut calm = Disturbed::new(&setup, "undisturbed").await;
    let counter = calm.faults().add(Fault::new(requests(WRITES, &[]), Action::Delay(Duration::ZERO)));
    let engine = calm.engine().await.unwrap();
    calm.completed().await;
    // Those of the operation alone: comparing goes on afterwards.
    let count = calm.faults().met(counter);
    drop(engine);
    let wanted = calm.ended().await;
    assert!(count > 3, "{case}: {count} writes");
    let runs = (0..count).step_by(step).flat_map(|number| {
        let actions = [Action::Delay(Duration::from_secs(3600)), Action::CutAfter];
        actions.map(|action| Box::pin(killed(&setup, number, count, action, &wanted)))
    });
    futures::stream::iter(runs).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}

async fn killed(setup: &Setup, number: u32, count: u32, action: Action, wanted: &End) {
    let context = format!("{}: killed at write {number} of {count}, {action:?}", setup.case);
    let mut world = Disturbed::new(setup, &context).await;
    let faults = world.faults();
    let id = faults.add(Fault::new(requests(WRITES, &[]), action).skip(number).times(1));
    tokio::select! {
        // A run with fewer writes than the first one ends before.
        _engine = until_it_ends(&mut world) => {}
        // With its Lease it may be killed before it has started.
        () = faults.until_met(id, 1) => {}
    }
    faults.clear();
    let engine = world.engine().await.unwrap();
    world.completed().await;
    let end = world.ended().await;
    drop(engine);
    assert_eq!(end, *wanted, "{context}");
}

async fn until_it_ends(world: &mut Disturbed) -> Handle {
    let engine = world.engine().await.unwrap();
    world.completed().await;
    engine
}
