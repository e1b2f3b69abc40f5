//! Sync windows and the time, which the test owns.

use std::time::Duration;

use boathook::clock::{Clock, Driver};
use boathook::sim::resource::{APP_PROJECTS, CONFIG_MAPS};
use serde_json::{Value, json};

use super::rows::map;
use super::world::{ARGOCD, Setup, World, phase};

const BEFORE: &str = "2026-11-22T11:00:00Z";
const HOUR: Duration = Duration::from_secs(3600);
/// A window is open after its time, not at it.
const NOON: Duration = Duration::from_millis(3_600_001);

/// Nothing may be synced before noon.
fn project() -> Value {
    let window =
        json!({"kind": "allow", "schedule": "0 12 * * *", "duration": "1h", "timeZone": "UTC", "applications": ["*"]});
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "p", "namespace": ARGOCD},
        "spec": {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}], "syncWindows": [window]}})
}

/// It is an hour before noon.
async fn before_noon() -> (World, Driver) {
    let mut world = World::new(&Setup::made("")).await;
    world.make_application(&json!({"project": "p"}));
    world.deploys(&map("a", "", "1"));
    let (clock, driver) = Clock::driven(BEFORE.parse().unwrap());
    world.clock = clock;
    world.options.interval = 24 * HOUR;
    world.create(&APP_PROJECTS, project());
    (world, driver)
}

/// Waits until somebody waits for noon, and nobody for anything earlier.
async fn until_it_waits_for_noon(driver: &Driver) {
    let waits = async {
        while driver.next_deadline() != Some(NOON) {
            driver.wait_for_sleepers(1).await;
            tokio::task::yield_now().await;
        }
    };
    let patience = Clock::real().timeout(Duration::from_secs(60), waits).await;
    patience.unwrap_or_else(|_| panic!("next is {:?}", driver.next_deadline()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_automated_sync_begins_when_its_window_opens() {
    let (mut world, driver) = before_noon().await;
    world.edit(|application| application["spec"]["syncPolicy"] = json!({"automated": {}}));
    world.start().await;
    world.until("a comparison", |application, _| application["status"]["sync"]["status"] == "OutOfSync").await;
    until_it_waits_for_noon(&driver).await;
    driver.advance(HOUR);
    let application = world.application();
    assert_eq!((application.get("operation"), application["status"].get("operationState")), (None, None));
    driver.advance(NOON.saturating_sub(HOUR));
    let state = world.end().await;
    assert_eq!(phase(&state), "Succeeded", "{}", state.message);
    assert!(state.operation.initiated_by.automated);
    assert_eq!(state.started_at, Some("2026-11-22T12:00:00Z".parse().unwrap()));
    assert_eq!(world.names(&CONFIG_MAPS), ["a"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_operation_goes_on_when_its_window_opens() {
    let (mut world, driver) = before_noon().await;
    world.start().await;
    world.sync(&json!({}));
    world.until_message("Sync operation blocked by sync window").await;
    until_it_waits_for_noon(&driver).await;
    assert!(world.names(&CONFIG_MAPS).is_empty());
    driver.advance(NOON);
    let state = world.until("the end", |_, state| state.is_completed()).await;
    assert_eq!(phase(&state), "Succeeded", "{}", state.message);
    world.stop().await;
}
