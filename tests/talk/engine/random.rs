//! Operations of the recorded cases while whatever can happen to a cluster and to an engine happens at random: each comes
//! to its end, runs no completed hook twice in an attempt, and leaves no finalizer. There are `BOATHOOK_SEEDS` runs, from
//! the seed `BOATHOOK_FIRST_SEED` (0) on, or only the one that `BOATHOOK_SEED` names.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use boathook::clock::Clock;
use boathook::engine::EngineError;
use boathook::sim::faults::{Action, Failure, Fault, WatchOrder, requests};
use boathook::sim::server::Simulator;
use boathook::sim::store::Random;
use futures::StreamExt;
use serde_json::json;

use super::disturbed::{Disturbed, End, WRITES};
use super::world::{Setup, make_repository};

const CASES: [&str; 7] = ["article", "abort", "flaky", "podhook", "workflow", "waves", "long"];
/// Runs at the same time where there are many, which is in a process of their own: each waits most of the time.
const AT_ONCE: usize = 8;
/// Where there are few, other tests run beside them.
const FEW: usize = 4;
/// How much faster than written pods run: they take no time to speak of, but those that are terminated.
fn speed(case: &str) -> f64 {
    if case == "long" { 1.0 } else { 200.0 }
}

const READS: &[&str] = &["get", "list", "watch"];
/// Between two starts of an engine that does not get up.
const RESTART: Duration = Duration::from_millis(20);
/// How long a stalled watch lasts at most, before the network notices.
const STALL: u64 = 300;

/// Something that happens to the whole cluster, after some time.
enum Stroke {
    /// Connections are refused for a while.
    Refuse(Duration),
    /// All connections are cut.
    Restart,
    /// Every open watch.
    Watches(WatchOrder),
}

/// How an engine is killed.
#[derive(Debug)]
struct Kill {
    action: Action,
    after: u32,
}

fn millis(random: &mut Random, below: u64) -> Duration {
    Duration::from_millis(random.below(below))
}

fn number(random: &mut Random, below: u32) -> u32 {
    u32::try_from(random.below(u64::from(below))).unwrap()
}

/// A fault that single requests meet. A rough one may end an operation, or fail a hook's making; the others only cost time.
fn fault(random: &mut Random, rough: bool) -> Fault {
    let code = |code: u16| Action::Fail(Failure::Server { code, message: String::new() });
    let late = "etcdserver: request timed out".to_owned();
    let (verbs, action): (&[&str], Action) = match random.below(15) {
        0 => (&[], Action::Cut),
        1 => (WRITES, Action::CutAfter),
        2 => (&["list", "watch"], Action::Fail(Failure::Gone)),
        3 if rough => (WRITES, Action::Fail(Failure::Conflict)),
        3 => (&["update", "patch"], Action::Fail(Failure::Conflict)),
        4 => (&[], Action::Fail(Failure::TooManyRequests { retry_after: number(random, 2) })),
        5 => (&[], code(503)),
        6 if rough => (&[], code(500)),
        6 => (READS, code(500)),
        7 => (WRITES, Action::Fail(Failure::Server { code: 500, message: late })),
        8 => (&[], Action::Slow { piece: 64 + usize::try_from(random.below(500)).unwrap(), pause: millis(random, 3) }),
        9 => (&[], Action::Truncate { after: usize::try_from(random.below(3000)).unwrap() }),
        10 => (&[], Action::Delay(millis(random, 50))),
        11 => (&["watch"], watch(random, WatchOrder::End)),
        12 => (&["watch"], watch(random, WatchOrder::Cut)),
        13 => (&["watch"], watch(random, WatchOrder::Expire)),
        _ => (&[], code(504)),
    };
    let likely = [0.05, 0.3, 1.0][usize::try_from(random.below(3)).unwrap()];
    let (skip, times) = (number(random, 200), 1 + number(random, 4));
    Fault::new(requests(verbs, &[]), action).skip(skip).times(times).probability(likely)
}

fn watch(random: &mut Random, order: WatchOrder) -> Action {
    Action::Watch { after: usize::try_from(random.below(5)).unwrap(), order }
}

fn stroke(random: &mut Random) -> Stroke {
    match random.below(5) {
        0 => Stroke::Refuse(millis(random, 150)),
        1 => Stroke::Restart,
        2 => Stroke::Watches(WatchOrder::End),
        3 => Stroke::Watches(WatchOrder::Expire),
        _ => Stroke::Watches(WatchOrder::Stall),
    }
}

fn kill(random: &mut Random) -> Kill {
    let action = if random.chance(0.5) { Action::CutAfter } else { Action::Delay(Duration::from_secs(3600)) };
    // A start alone takes about a hundred requests; what counts is what comes after them.
    Kill { action, after: number(random, 40) }
}

/// Lets everything happen to a cluster that is to happen at a time.
async fn strike(simulator: Arc<Simulator>, strokes: Vec<(Duration, Stroke)>) {
    let clock = Clock::real();
    for (after, stroke) in strokes {
        clock.sleep(after).await;
        match stroke {
            Stroke::Refuse(time) => {
                simulator.refuse_connections();
                clock.sleep(time).await;
                simulator.accept_connections().await.unwrap();
            }
            Stroke::Restart => simulator.restart().await.unwrap(),
            Stroke::Watches(order) => {
                simulator.faults().order(requests(&["watch"], &[]), order);
                if order == WatchOrder::Stall {
                    clock.sleep(Duration::from_millis(STALL)).await;
                    simulator.restart().await.unwrap();
                }
            }
        }
    }
}

/// Follows an operation to its end; an engine that is killed, or gives up, is started again.
async fn supervise(world: &mut Disturbed, kills: Vec<Kill>) {
    let (faults, mut kills) = (world.faults(), kills.into_iter());
    loop {
        let engine = match world.engine().await {
            Ok(engine) => engine,
            // Not that somebody else has the Lease: it is taken back at once.
            Err(EngineError::Cluster(_)) => {
                Clock::real().sleep(RESTART).await;
                continue;
            }
            Err(error) => panic!("{}: the engine does not start again: {error}", world.context),
        };
        let kill = kills.next();
        let kill = kill.map(|kill| faults.add(Fault::new(requests(&[], &[]), kill.action).skip(kill.after).times(1)));
        let killed = async {
            match kill {
                Some(kill) => faults.until_met(kill, 1).await,
                None => std::future::pending().await,
            }
        };
        let is_over = tokio::select! {
            () = world.completed() => true,
            () = killed => false,
            reason = engine.ended() => {
                assert!(matches!(reason, EngineError::LeaseLost(_)), "{}: it stops: {reason}", world.context);
                false
            }
        };
        if let Some(kill) = kill {
            faults.remove(kill);
        }
        if is_over {
            return;
        }
    }
}

async fn run(seed: u64, setup: Setup, rough: bool, calm: Arc<BTreeMap<String, End>>) {
    let mut random = Random::new(seed);
    let wanted = &calm[&setup.case];
    let context = format!("BOATHOOK_SEED={seed}, case {}, {}", setup.case, if rough { "rough" } else { "mild" });
    let mut world = Disturbed::new(&Setup { seed, ..setup }, &context).await;
    for _ in 0..random.below(7) {
        world.faults().add(fault(&mut random, rough));
    }
    let strokes = (0..random.below(4)).map(|_| (millis(&mut random, 300), stroke(&mut random))).collect();
    let kills: Vec<Kill> = (0..random.below(4)).map(|_| kill(&mut random)).collect();
    let simulator = world.simulator();
    tokio::select! {
        () = supervise(&mut world, kills) => {}
        () = async { strike(simulator, strokes).await; std::future::pending().await } => {}
    }
    let lease = world.lease();
    assert_eq!(lease["spec"]["leaseTransitions"], json!(1), "{context}: {lease}");
    let end = world.ended().await;
    if rough {
        let usual =
            |hook: &str| wanted.made.iter().filter(|(name, _)| name.starts_with(hook)).map(|(_, count)| *count).max();
        for (attempt, count) in &end.made {
            let hook = attempt.split(' ').next().unwrap();
            // A SyncFail hook is made in no good run.
            assert!(*count <= usual(hook).unwrap_or(1), "{context}: {attempt} was made {count} times");
        }
    } else {
        assert_eq!(&end, wanted, "{context}");
    }
}

fn seeds() -> Vec<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    match number("BOATHOOK_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("BOATHOOK_SEEDS").unwrap_or(30))
            .map(|seed| seed + number("BOATHOOK_FIRST_SEED").unwrap_or(0))
            .collect(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_finishes_through_random_faults_and_kills() {
    let folder = tempfile::tempdir().unwrap();
    let mut setups = Vec::new();
    let mut calm = BTreeMap::new();
    for case in CASES {
        let repository = Arc::new(make_repository(&folder.path().join(case), case));
        let setup = Setup { speed: speed(case), repository: Some(repository), ..Setup::case(case) };
        let mut world = Disturbed::new(&setup, case).await;
        supervise(&mut world, Vec::new()).await;
        calm.insert(case.to_owned(), world.ended().await);
        setups.push(setup);
    }
    let calm = Arc::new(calm);
    let runs = seeds().into_iter().map(|seed| {
        let setup = setups[usize::try_from(seed).unwrap() % setups.len()].clone();
        let calm = Arc::clone(&calm);
        // Every third of each case is rough.
        let rough = seed / CASES.len() as u64 % 3 == 1;
        async move { tokio::spawn(run(seed, setup, rough, calm)).await.is_ok() }
    });
    let at_once = if runs.len() > 100 { AT_ONCE } else { FEW };
    let ended: Vec<bool> = futures::stream::iter(runs).buffer_unordered(at_once).collect().await;
    let failed = ended.iter().filter(|is_ok| !**is_ok).count();
    assert_eq!(failed, 0, "of {} runs; their seeds are told above", ended.len());
}
