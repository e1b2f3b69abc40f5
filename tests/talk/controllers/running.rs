//! The controllers in their own task, as the simulator runs them.

use std::sync::Arc;

use boathook::clock::Clock;
use boathook::domain::scenario::World;
use boathook::sim::controllers::{ControllerName, ControllerOptions, Controllers, found_cluster};
use boathook::sim::logs::Logs;
use boathook::sim::resource::{JOBS, PODS};
use boathook::sim::store::{Store, StoreOptions, WriteOptions};
use boathook::sim::validation::{KindRules, TypeCache};
use serde_json::json;

use super::cluster::{START, conditions, seconds, text};

#[tokio::test]
async fn controllers_run_in_their_task_until_they_are_stopped() {
    let (clock, driver) = Clock::driven(START.parse().unwrap());
    let rules = KindRules::new(Arc::new(TypeCache::default()));
    let store = Store::new(clock, rules, StoreOptions::default());
    found_cluster(&store, &World::default()).unwrap();
    let controllers = Controllers::start(store.clone(), Logs::new(), ControllerOptions::default());
    controllers.settled().await;
    controllers.switch(ControllerName::Scheduler, false);
    let job = json!({
        "metadata": {"name": "hook", "namespace": "default"},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}},
    });
    store.create(&JOBS, job, &WriteOptions::by("test")).unwrap();
    controllers.settled().await;
    let pods = store.list(&PODS, None).0;
    assert_eq!((pods.len(), text(&pods[0].value(), "/spec/nodeName")), (1, ""));
    controllers.switch(ControllerName::Scheduler, true);
    controllers.settled().await;
    for _ in 0..40 {
        driver.advance(seconds(0.5));
        controllers.settled().await;
    }
    let job = store.get(&JOBS, "default", "hook").unwrap().value();
    assert_eq!(conditions(&job), ["SuccessCriteriaMet", "Complete"]);
    controllers.stop().await;
    let revision = store.revision();
    driver.advance(seconds(1000.0));
    assert_eq!(store.revision(), revision);
    // Nothing of the task is left that holds a timer.
    assert_eq!(driver.sleepers(), 0);
}
