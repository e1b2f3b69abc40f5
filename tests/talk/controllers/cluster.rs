//! A cluster whose time the test drives.

use std::sync::Arc;
use std::time::Duration;

use boathook::clock::{Clock, Driver};
use boathook::domain::scenario::Scenario;
use boathook::sim::controllers::{ControllerOptions, Manager, found_cluster};
use boathook::sim::logs::{LogOptions, Logs};
use boathook::sim::resource::{EVENTS, GroupResource, JOBS, PODS};
use boathook::sim::store::{DeleteOptions, Propagation, Store, StoreOptions, Stored, WriteOptions};
use boathook::sim::validation::{KindRules, TypeCache};
use futures::StreamExt;
use serde_json::{Value, json};

/// The wall clock at the start.
pub(crate) const START: &str = "2026-11-22T13:00:00Z";

/// A store, its controllers, and the clock.
pub(crate) struct Cluster {
    pub(crate) store: Store,
    pub(crate) logs: Logs,
    pub(crate) manager: Manager,
    pub(crate) clock: Clock,
    driver: Driver,
}

/// A number of seconds.
pub(crate) fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

impl Cluster {
    /// A cluster with a scenario's world; `world` is the section in YAML.
    pub(crate) fn new(world: &str) -> Self {
        Self::with(world, 0, 1.0)
    }

    /// The same with a seed and a speed.
    pub(crate) fn with(world: &str, seed: u64, speed: f64) -> Self {
        let text = format!("apiVersion: boathook.dev/v1\nkind: Scenario\nname: test\nworld:\n{world}\n");
        let scenario = Scenario::parse("test", &text).unwrap_or_else(|error| panic!("{error}"));
        Self::of(&scenario, seed, speed)
    }

    /// The cluster of a scenario.
    pub(crate) fn of(scenario: &Scenario, seed: u64, speed: f64) -> Self {
        let (clock, driver) = Clock::driven(START.parse().unwrap());
        let rules = KindRules::new(Arc::new(TypeCache::default()));
        let store = Store::new(clock.clone(), rules, StoreOptions { seed, ..StoreOptions::default() });
        found_cluster(&store, &scenario.world).unwrap();
        let logs = Logs::new();
        let options = ControllerOptions { world: scenario.world.clone(), speed, seed, ..ControllerOptions::default() };
        let mut manager = Manager::new(store.clone(), logs.clone(), options);
        manager.settle();
        Self { store, logs, manager, clock, driver }
    }

    /// Lets time pass, from one thing that is due to the next.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.clock.monotonic() + time;
        self.run_to(end);
    }

    /// The same up to a moment of the monotonic clock.
    pub(crate) fn run_to(&mut self, end: Duration) {
        loop {
            let next = self.manager.settle();
            let now = self.clock.monotonic();
            match next {
                Some(next) if next <= end => self.driver.advance(next.saturating_sub(now)),
                _ => break,
            }
        }
        let now = self.clock.monotonic();
        self.driver.advance(end.saturating_sub(now));
        self.manager.settle();
    }

    /// Lets time pass until something is so; fails after `limit`.
    pub(crate) fn run_until(&mut self, limit: Duration, what: &str, done: impl Fn(&Self) -> bool) {
        let end = self.clock.monotonic() + limit;
        loop {
            let next = self.manager.settle();
            if done(self) {
                return;
            }
            let now = self.clock.monotonic();
            match next {
                Some(next) if next <= end => self.driver.advance(next.saturating_sub(now)),
                _ => panic!("{what} did not happen within {limit:?}"),
            }
        }
    }

    /// Creates an object.
    pub(crate) fn create(&self, id: &GroupResource, object: Value) -> Arc<Stored> {
        self.store.create(id, object, &WriteOptions::by("test")).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Creates a Job in `default` with these fields of its spec.
    pub(crate) fn job(&self, name: &str, spec: &Value) -> Arc<Stored> {
        let policy = spec.pointer("/template/spec/restartPolicy").cloned().unwrap_or_else(|| "Never".into());
        let main = json!({"name": "main", "image": "busybox:1.36"});
        let mut full = json!({
            "parallelism": 1, "completions": 1, "backoffLimit": 6, "completionMode": "NonIndexed", "suspend": false,
            "podReplacementPolicy": "TerminatingOrFailed",
        });
        full.as_object_mut().unwrap().extend(spec.as_object().cloned().unwrap_or_default());
        full["template"] = json!({"spec": {"restartPolicy": policy, "containers": [main]}});
        self.create(&JOBS, json!({"metadata": {"name": name, "namespace": "default"}, "spec": full}))
    }

    /// An object in `default` as it is now; null where it is gone.
    pub(crate) fn get(&self, id: &GroupResource, name: &str) -> Value {
        self.store.get(id, "default", name).map(|object| (*object.value()).clone()).unwrap_or_default()
    }

    /// Changes an object in `default`.
    pub(crate) fn change(&self, id: &GroupResource, name: &str, change: impl Fn(&mut Value)) {
        let changed = self.store.update(id, "default", name, &WriteOptions::by("test"), |current| {
            let mut current = current.clone();
            change(&mut current);
            Ok(current)
        });
        changed.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Deletes an object in `default`.
    pub(crate) fn delete(&self, id: &GroupResource, name: &str, propagation: Option<Propagation>) {
        let options = DeleteOptions { propagation, ..DeleteOptions::default() };
        self.store.delete(id, "default", name, &options).unwrap_or_else(|error| panic!("{error}"));
    }

    /// All pods of `default`, the oldest first.
    pub(crate) fn pods(&self) -> Vec<Value> {
        let mut pods = self.store.list(&PODS, Some("default")).0;
        pods.sort_by_key(|pod| (text(&pod.value(), "/metadata/creationTimestamp").to_owned(), pod.name().to_owned()));
        pods.iter().map(|pod| (*pod.value()).clone()).collect()
    }

    /// Reasons of the events about an object, in the order in which they were told first.
    pub(crate) fn told(&self, name: &str) -> Vec<String> {
        let mut events = self.store.list(&EVENTS, None).0;
        // The name ends with the time at which it was told first.
        events.sort_by_key(|event| event.name().rsplit('.').next().unwrap_or_default().to_owned());
        let about = |event: &&Arc<Stored>| text(&event.value(), "/involvedObject/name") == name;
        events.iter().filter(about).map(|event| text(&event.value(), "/reason").to_owned()).collect()
    }

    /// The log of a pod of `default`.
    pub(crate) fn log(&self, pod: &str, options: &LogOptions) -> String {
        let pod = self.get(&PODS, pod);
        let stream = self.logs.read(&pod, options, self.clock.now()).unwrap_or_else(|error| panic!("{error}"));
        let pieces = futures::executor::block_on(stream.collect::<Vec<_>>());
        String::from_utf8_lossy(&pieces.concat()).into_owned()
    }
}

/// A text; empty where it is missing.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A list; empty where it is missing.
pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Types of the conditions that are true, in their order.
pub(crate) fn conditions(object: &Value) -> Vec<&str> {
    let conditions = list(object, "/status/conditions").iter();
    conditions
        .filter(|condition| text(condition, "/status") == "True")
        .map(|condition| text(condition, "/type"))
        .collect()
}
