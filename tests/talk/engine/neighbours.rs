//! Applications beside each other: what one does to another, and what it must not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use boathook::clock::Clock;
use boathook::sim::resource::{APPLICATIONS, CONFIG_MAPS, JOBS};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::rows::{hook, map, shop};
use super::world::{ARGOCD, PATIENCE, Setup, World, phase};

/// The end of the pause after a panic.
const PAUSE: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_hook_of_another_application_is_awaited_and_not_deleted_whatever_the_policy_is() {
    let mut world = shop(&hook("slow", "PreSync", "BeforeHookCreation")).await;
    world.sync(&json!({}));
    world.until_message("waiting for completion of hook batch/Job/slow").await;
    let job = || world.get(&JOBS, "shop", "slow");
    let first = job().unwrap()["metadata"].clone();
    let operation = json!({"sync": {"syncStrategy": {"hook": {}}}});
    world.make_neighbour("far", &json!({ "operation": operation }));
    let wait = "waiting for completion of hook batch/Job/slow (a hook of that name is running for application shop)";
    let message = |application: Option<&Value>| {
        application?.pointer("/status/operationState/message")?.as_str().map(str::to_owned)
    };
    world.until_object((&APPLICATIONS, ARGOCD, "far"), |far| message(far).as_deref() == Some(wait)).await;
    let now = job().unwrap()["metadata"].clone();
    assert_eq!((&now["uid"], now.get("deletionTimestamp")), (&first["uid"], None));
    // Once it has ended, the other one's turn has come.
    world.edit(|application| application["status"]["operationState"]["phase"] = json!("Terminating"));
    let is_of_the_other = |job: Option<&Value>| {
        let tracking = job.and_then(|job| job.pointer("/metadata/annotations/argocd.argoproj.io~1tracking-id"));
        tracking.is_some_and(|tracking| tracking == "far:batch/Job:shop/slow")
    };
    world.until_object((&JOBS, "shop", "slow"), is_of_the_other).await;
    assert_eq!(world.end().await.message, "Operation terminated");
    world.stop().await;
}

/// Panics where a comparison tells of a problem of one application, as a defect there would; so often.
struct Defect {
    application: &'static str,
    left: AtomicU32,
    met: Arc<watch::Sender<u32>>,
}

impl tracing::Subscriber for Defect {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("boathook::engine::compare")
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        struct Told<'a>(&'a str, bool);
        impl tracing::field::Visit for Told<'_> {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                self.1 |= field.name() == "application" && format!("{value:?}").contains(self.0);
            }
        }
        let mut told = Told(self.application, false);
        event.record(&mut told);
        if told.1 && self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            self.met.send_modify(|met| *met += 1);
            panic!("a defect, for {}", self.application);
        }
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

// On one thread, so that everything that the engine tells is told there.
#[tokio::test]
async fn engine_goes_on_with_others_while_the_work_for_one_application_panics() {
    let mut world = World::new(&Setup::made("")).await;
    world.deploys(&map("a", "", "1"));
    let (clock, driver) = Clock::driven(Clock::real().now());
    world.clock = clock;
    world.make_application(&json!({}));
    world.make_neighbour("broken", &json!({"spec": {"source": {"path": "nowhere"}}}));
    let met = Arc::new(watch::Sender::new(0));
    let panicked = async |times: u32| {
        let mut met = met.subscribe();
        let met = Clock::real().timeout(PATIENCE, met.wait_for(|met| *met == times)).await;
        drop(met.expect("it does not panic").unwrap());
    };
    let defect = Defect { application: "argocd/broken", left: AtomicU32::new(2), met: Arc::clone(&met) };
    let guard = tracing::subscriber::set_default(defect);
    world.start().await;
    panicked(1).await;
    let state = world.synced(&json!({})).await;
    assert_eq!((phase(&state).as_str(), world.names(&CONFIG_MAPS)), ("Succeeded", vec!["a".to_owned()]));
    let is_judged = |application: Option<&Value>| {
        application.and_then(|application| application.pointer("/status/conditions/0/message")).is_some()
    };
    assert!(!is_judged(world.get(&APPLICATIONS, ARGOCD, "broken").as_ref()));
    // Its own begins again after a pause, and again, and is done once the defect is gone.
    driver.advance(PAUSE);
    panicked(2).await;
    driver.advance(PAUSE);
    world.until_object((&APPLICATIONS, ARGOCD, "broken"), is_judged).await;
    drop(guard);
    world.stop().await;
}
