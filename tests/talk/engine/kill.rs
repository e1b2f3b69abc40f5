//! An engine that is killed at any write, before the request or after the server accepted it, and started again, comes to
//! the same end: no hook that completed runs twice in an attempt, and no finalizer is left.

use std::collections::BTreeMap;
use std::time::Duration;

use boathook::clock::Clock;
use boathook::domain::operation::OperationState;
use boathook::sim::faults::{Action, Fault, FaultId, requests};
use boathook::sim::resource::{APPLICATIONS, JOBS, PODS, WORKFLOWS};
use boathook::sim::store::{EventKind, Subscription};
use serde_json::{Value, json};

use super::world::{Setup, World, phase, results};

/// What must be the same whether the engine is killed or not.
#[derive(Debug, PartialEq, Eq)]
struct End {
    phase: String,
    message: String,
    retries: i64,
    results: Vec<String>,
    /// How often each Job, and each Pod that is a hook, was made.
    made: BTreeMap<String, usize>,
    /// What lives.
    left: Vec<String>,
}

struct Made(Vec<Subscription>);

impl Made {
    fn count(&mut self) -> BTreeMap<String, usize> {
        let mut made = BTreeMap::new();
        for changes in &mut self.0 {
            while let Some(event) = changes.try_next().unwrap() {
                let object = event.object.value();
                let is_hook = object.pointer("/metadata/annotations/argocd.argoproj.io~1hook").is_some();
                if event.kind == EventKind::Added && is_hook {
                    *made.entry(masked(event.object.name())).or_default() += 1;
                }
            }
        }
        made
    }
}

/// Generated names, and what applying a second time says.
fn masked(text: &str) -> String {
    let text = regex::Regex::new(r"-[0-9a-f]{7}-(\w+)-\d+").unwrap().replace_all(text, "-$1").into_owned();
    regex::Regex::new(r" (created|configured|unchanged)$").unwrap().replace_all(&text, " applied").into_owned()
}

fn request(case: &str) -> Value {
    let retry =
        if case == "flaky" { json!({"limit": 4, "backoff": {"duration": "0.01s", "factor": 1}}) } else { json!({}) };
    json!({"initiatedBy": {"username": "operator"}, "retry": retry, "sync": {"syncStrategy": {"hook": {}}}})
}

fn writes() -> boathook::domain::scenario::RequestMatch {
    requests(&["create", "update", "patch", "delete"], &[])
}

async fn prepared(case: &str, seed: u64) -> (World, Made) {
    let setup = Setup { seed, ..Setup::case(case) };
    let world = World::new(&setup).await;
    world.make_application(&json!({}));
    let store = world.simulator.store();
    let from = store.revision();
    let made = Made([&JOBS, &PODS, &WORKFLOWS].map(|id| store.watch(id, from).unwrap()).into());
    world.request(&request(case));
    (world, made)
}

async fn ended(mut world: World, mut made: Made, context: &str) -> End {
    let state: OperationState = world.end().await;
    world.simulator.controllers().unwrap().settled().await;
    let mut left = Vec::new();
    for id in [&JOBS, &PODS, &WORKFLOWS] {
        let (objects, _) = world.simulator.store().list(id, Some(&world.case));
        for object in objects {
            let value = object.value();
            let finalizers = value.pointer("/metadata/finalizers").cloned().unwrap_or_default().to_string();
            assert!(!finalizers.contains("hook-finalizer"), "{context}: {} keeps its finalizer", object.name());
            let is_hook = value.pointer("/metadata/annotations/argocd.argoproj.io~1hook").is_some();
            if is_hook && !object.is_deleting() {
                left.push(masked(object.name()));
            }
        }
    }
    assert!(world.get(&APPLICATIONS, "argocd", &world.case).unwrap().get("operation").is_none());
    let mut results: Vec<String> = results(&state).iter().map(|result| masked(result)).collect();
    results.sort();
    let end = End {
        phase: phase(&state),
        message: state.message.clone(),
        retries: state.retry_count,
        results,
        made: made.count(),
        left,
    };
    world.stop().await;
    end
}

async fn met(world: &World, id: FaultId) -> bool {
    let clock = Clock::real();
    let waiting = async {
        while world.simulator.faults().met(id) == 0 {
            clock.sleep(Duration::from_millis(1)).await;
        }
    };
    clock.timeout(Duration::from_secs(30), waiting).await.is_ok()
}

async fn killed_at_every_write(case: &str, step: usize) {
    let seed = 1;
    let (mut world, made) = prepared(case, seed).await;
    let counter = world.simulator.faults().add(Fault::new(writes(), Action::Delay(Duration::ZERO)));
    world.start().await;
    // Counted before the world ends.
    world.end().await;
    let count = world.simulator.faults().met(counter);
    drop((world, made));
    let (mut world, made) = prepared(case, seed).await;
    world.start().await;
    let wanted = ended(world, made, "undisturbed").await;
    assert!(count > 3, "{case}: {count} writes");
    for number in (0..count).step_by(step) {
        for action in [Action::Delay(Duration::from_secs(3600)), Action::CutAfter] {
            let context = format!("{case}: killed at write {number} of {count}, {action:?}");
            let (mut world, made) = prepared(case, seed).await;
            let fault = Fault::new(writes(), action).skip(number).times(1);
            let id = world.simulator.faults().add(fault);
            world.start().await;
            if met(&world, id).await {
                world.kill();
                world.simulator.faults().clear();
            }
            world.start().await;
            let end = ended(world, made, &context).await;
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
