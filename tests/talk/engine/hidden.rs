//! Values of Secrets are in no status, no Event and no log, whatever the API server repeats of them.

use std::io::Write;
use std::sync::{Arc, Mutex};

use boathook::sim::faults::{Action, Failure};
use boathook::sim::resource::{APPLICATIONS, EVENTS, SECRETS};
use boathook::sim::store::Subscription;
use serde_json::json;

use super::rows::{map, shop};
use super::world::{ARGOCD, World, phase, results};

/// All that the engine's own thread logs.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Of the calling thread, for as long as the guard lives.
    fn begin(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
        tracing::subscriber::set_default(subscriber.with_writer(move || log.clone()).finish())
    }
}

fn secret(data: &str) -> String {
    format!("---\napiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\n{data}\n")
}

/// No part of what was written anywhere has the value in it.
fn is_nowhere(world: &World, changes: &mut Subscription, log: &Log, value: &str) {
    let mut versions = 0;
    while let Some(event) = changes.try_next().unwrap() {
        assert!(!event.object.value().to_string().contains(value), "a status has it");
        versions += 1;
    }
    assert!(versions > 2);
    let (events, _) = world.simulator.store().list(&EVENTS, Some(ARGOCD));
    assert!(!events.is_empty());
    assert!(events.iter().all(|event| !event.value().to_string().contains(value)), "an Event has it");
    assert!(!log.text().contains(value), "the log has it: {}", log.text());
}

// One thread, so that all of the engine's log is seen.
#[tokio::test(flavor = "current_thread")]
async fn engine_secret_of_a_wrong_type_is_refused_without_its_value() {
    for (data, path, value) in [
        ("stringData: {pin: 918273645}", ".stringData.pin", "918273645"),
        ("stringData: {pw: {TOPSECRET: [x]}}", ".stringData.pw", "TOPSECRET"),
        ("stringData: {pw: [hunter22]}", ".stringData.pw", "hunter22"),
    ] {
        let log = Log::default();
        let guard = log.begin();
        let mut world = shop(&(secret(data) + &map("a", "", "1"))).await;
        let store = world.simulator.store();
        let mut changes = store.watch(&APPLICATIONS, store.revision()).unwrap();
        let state = world.synced(&json!({})).await;
        assert_eq!(phase(&state), "Failed", "{data}: {state:?}");
        let told = results(&state).join("\n");
        assert!(told.contains(&format!("{path}: expected string, got (hidden)")), "{data}: {told}");
        world.refreshed().await;
        assert!(log.text().contains("an operation is over"), "the log is seen");
        assert!(!log.text().contains("is tried again"), "its type does not change between two tries: {}", log.text());
        is_nowhere(&world, &mut changes, &log, value);
        drop(guard);
        world.stop().await;
    }
}

#[tokio::test(flavor = "current_thread")]
async fn engine_secret_that_a_webhook_repeats_is_told_without_its_value() {
    let log = Log::default();
    let guard = log.begin();
    let mut world = shop(&secret("stringData: {pw: hunter22}")).await;
    let refused = "admission webhook \"a.example.com\" denied the request: hunter22 (aHVudGVyMjI=) is weak";
    let failure = Failure::Server { code: 500, message: refused.to_owned() };
    world.faults(&["patch"], &["secrets"], Action::Fail(failure));
    let store = world.simulator.store();
    let mut changes = store.watch(&APPLICATIONS, store.revision()).unwrap();
    let state = world.synced(&json!({})).await;
    assert_eq!(phase(&state), "Failed", "{state:?}");
    let told = results(&state).join("\n");
    assert!(told.contains("denied the request: (hidden) ((hidden)) is weak"), "{told}");
    world.refreshed().await;
    assert!(world.names(&SECRETS).is_empty());
    is_nowhere(&world, &mut changes, &log, "hunter22");
    assert!(!log.text().contains("aHVudGVyMjI"));
    drop(guard);
    world.stop().await;
}
