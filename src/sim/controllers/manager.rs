//! Runs all controllers in one task: takes changes from the store, keeps the queue, and has objects looked at when
//! they are due.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::context::{Change, Context};
use super::names::{ControllerName, all};
use super::owners::Owners;
use super::queue::{Key, Queue};
use super::recorder::Recorder;
use super::scripts::Scripts;
use crate::clock::Clock;
use crate::domain::scenario::World;
use crate::sim::logs::Logs;
use crate::sim::status::Status;
use crate::sim::store::{EventKind, Feed, Random, Store};

/// A failed look is repeated after this, twice that, and so on.
const RETRY: Duration = Duration::from_millis(500);

/// The longest pause between failed looks.
const RETRY_MOST: Duration = Duration::from_secs(60);

/// So many looks in a row without giving other tasks a turn.
const LOOKS: usize = 64;

/// One controller: which objects a change concerns, and what is to be done about an object.
pub(crate) trait Controller: Send {
    /// Its name.
    fn name(&self) -> ControllerName;

    /// The field manager and event source, such as `job-controller`.
    fn manager(&self) -> &'static str;

    /// Has the objects that a change concerns looked at. Only reads the change and the index of owners.
    fn observe(&mut self, change: &Change, owners: &Owners, wake: &mut Wake<'_>);

    /// Looks at one object and does what is to be done now.
    fn reconcile(&mut self, context: &mut Context<'_>, key: &Key) -> Result<(), Status>;
}

/// Puts objects into the queue for a controller.
pub(crate) struct Wake<'a> {
    queue: &'a mut Queue,
    controller: ControllerName,
    now: Duration,
    speed: f64,
}

impl Wake<'_> {
    /// An object is to be looked at, at once.
    pub(crate) fn now(&mut self, namespace: &str, name: &str) {
        self.after(namespace, name, Duration::ZERO);
    }

    /// An object is to be looked at after a delay, which the simulator's speed shortens.
    pub(crate) fn after(&mut self, namespace: &str, name: &str, delay: Duration) {
        self.resource("", namespace, name, delay);
    }

    /// The same for a controller of several resources.
    pub(crate) fn resource(&mut self, resource: &str, namespace: &str, name: &str, delay: Duration) {
        let key = Key {
            controller: self.controller,
            resource: resource.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        };
        let at = self.now.saturating_add(super::context::scale(delay, self.speed));
        self.queue.add(key, at);
    }
}

/// How the controllers run.
#[derive(Debug, Clone)]
pub struct ControllerOptions {
    /// What the scenario says of the world.
    pub world: World,
    /// How much faster than written durations and delays pass; at least 0.001.
    pub speed: f64,
    /// Seed of everything random.
    pub seed: u64,
    /// Controllers that are off from the start.
    pub off: Vec<ControllerName>,
}

impl Default for ControllerOptions {
    fn default() -> Self {
        Self { world: World::default(), speed: 1.0, seed: 0, off: Vec::new() }
    }
}

/// All controllers over one store, to be driven step by step: by [`Controllers`] in a task, or by a test.
pub struct Manager {
    store: Store,
    logs: Logs,
    clock: Clock,
    feed: Feed,
    controllers: Vec<Box<dyn Controller>>,
    off: HashSet<ControllerName>,
    queue: Queue,
    owners: Owners,
    scripts: Scripts,
    recorder: Recorder,
    random: Random,
    world: World,
    speed: f64,
    failures: HashMap<Key, u32>,
}

impl Manager {
    /// Controllers that know what is in the store now.
    pub fn new(store: Store, logs: Logs, options: ControllerOptions) -> Self {
        let (_, feed) = store.feed();
        let mut manager = Self {
            clock: store.clock().clone(),
            store,
            logs,
            feed,
            controllers: all(),
            off: options.off.into_iter().collect(),
            queue: Queue::default(),
            owners: Owners::default(),
            scripts: Scripts::new(options.world.clone(), options.seed),
            recorder: Recorder::default(),
            random: Random::new(options.seed ^ 0x6b75_6265),
            world: options.world,
            speed: options.speed.max(0.001),
            failures: HashMap::new(),
        };
        manager.start_again();
        manager
    }

    /// Does everything that is due, and says when something will be, on the monotonic clock.
    pub fn settle(&mut self) -> Option<Duration> {
        while self.step() {}
        self.queue.next()
    }

    /// Switches a controller on or off. One that is switched on looks at everything.
    pub fn switch(&mut self, controller: ControllerName, on: bool) {
        if on && self.off.remove(&controller) {
            self.start_again();
        } else if !on {
            self.off.insert(controller);
            self.queue.forget(controller);
        }
    }

    /// One look; `false` if nothing is due.
    fn step(&mut self) -> bool {
        self.drain();
        let Some(key) = self.queue.take(self.clock.monotonic()) else { return false };
        self.look(&key);
        true
    }

    fn drain(&mut self) {
        loop {
            match self.feed.take() {
                Ok(events) if events.is_empty() => return,
                Ok(events) => {
                    for (id, event) in events {
                        let object = Arc::clone(&event.object);
                        let change = Change { id, kind: event.kind, object, previous: event.previous.clone() };
                        self.observe(&change);
                    }
                }
                // Behind the window of history.
                Err(_) => self.start_again(),
            }
        }
    }

    /// Takes every object for a new one.
    fn start_again(&mut self) {
        let (objects, feed) = self.store.feed();
        self.feed = feed;
        self.owners = Owners::default();
        for (id, object) in &objects {
            self.owners.observe(id, EventKind::Added, object);
        }
        for (id, object) in objects {
            self.observe(&Change { id, kind: EventKind::Added, object, previous: None });
        }
    }

    fn observe(&mut self, change: &Change) {
        self.owners.observe(&change.id, change.kind, &change.object);
        for controller in &mut self.controllers {
            let name = controller.name();
            if !self.off.contains(&name) {
                let now = self.clock.monotonic();
                let mut wake = Wake { queue: &mut self.queue, controller: name, now, speed: self.speed };
                controller.observe(change, &self.owners, &mut wake);
            }
        }
    }

    fn look(&mut self, key: &Key) {
        let Some(controller) = self.controllers.iter_mut().find(|controller| controller.name() == key.controller)
        else {
            return;
        };
        let mut context = Context {
            store: &self.store,
            logs: &self.logs,
            owners: &self.owners,
            scripts: &mut self.scripts,
            world: &self.world,
            random: &mut self.random,
            recorder: &mut self.recorder,
            now: self.clock.now(),
            monotonic: self.clock.monotonic(),
            speed: self.speed,
            manager: controller.manager(),
            later: Vec::new(),
        };
        let result = controller.reconcile(&mut context, key);
        let later = context.later;
        for (key, at) in later {
            self.queue.add(key, at);
        }
        match result {
            // Nothing to do for what is gone, or was replaced by a namesake whose own events come.
            Ok(()) => {
                self.failures.remove(key);
            }
            Err(error) if error.code == 404 => {
                self.failures.remove(key);
            }
            Err(error) => {
                let failures = self.failures.entry(key.clone()).or_insert(0);
                let pause = RETRY.saturating_mul(1 << (*failures).min(8)).min(RETRY_MOST);
                *failures += 1;
                tracing::debug!(?key, %error, "a controller failed and tries again");
                let at = self.clock.monotonic().saturating_add(super::context::scale(pause, self.speed));
                self.queue.add(key.clone(), at);
            }
        }
    }
}

/// The controllers of a running simulator. They stop when it is dropped.
#[derive(Debug)]
pub struct Controllers {
    switches: Arc<Switches>,
    settled: watch::Receiver<Settled>,
    store: Store,
    stop: CancellationToken,
    task: Option<tokio::task::JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Switches {
    asked: Mutex<Vec<(ControllerName, bool)>>,
    changed: Notify,
}

/// Up to where everything was done.
#[derive(Debug, Clone, Copy)]
struct Settled {
    /// The store's revision that was taken into account.
    revision: u64,
    /// When something will be due.
    next: Duration,
}

impl Controllers {
    /// Starts the controllers in a task of their own. Needs a tokio runtime.
    pub fn start(store: Store, logs: Logs, options: ControllerOptions) -> Self {
        let switches = Arc::new(Switches::default());
        let stop = CancellationToken::new();
        let (sender, settled) = watch::channel(Settled { revision: 0, next: Duration::ZERO });
        let manager = Manager::new(store.clone(), logs, options);
        let task = tokio::spawn(run(manager, Arc::clone(&switches), sender, stop.clone()));
        Self { switches, settled, store, stop, task: Some(task) }
    }

    /// Switches a controller on or off; it has happened when [`settled`](Self::settled) returns.
    pub fn switch(&self, controller: ControllerName, on: bool) {
        self.switches.lock().push((controller, on));
        self.changed();
    }

    /// Waits until everything is done that is due now. For tests with a driven clock: with a real one, something may
    /// be due again at any time.
    pub async fn settled(&self) {
        let mut settled = self.settled.clone();
        let done = |settled: &Settled| {
            settled.revision == self.store.revision()
                && settled.next > self.store.clock().monotonic()
                && self.switches.lock().is_empty()
        };
        while !done(&settled.borrow_and_update()) {
            if settled.changed().await.is_err() {
                return;
            }
        }
    }

    /// Stops them and waits until they have.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take() {
            // It only fails if a controller panicked, which has been reported then.
            let _ = task.await;
        }
    }

    fn changed(&self) {
        self.switches.changed.notify_one();
    }
}

impl Drop for Controllers {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Switches {
    fn lock(&self) -> MutexGuard<'_, Vec<(ControllerName, bool)>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn run(mut manager: Manager, switches: Arc<Switches>, settled: watch::Sender<Settled>, stop: CancellationToken) {
    loop {
        let asked = std::mem::take(&mut *switches.lock());
        for (controller, on) in asked {
            manager.switch(controller, on);
        }
        let mut looks = 0;
        while manager.step() {
            looks += 1;
            if looks % LOOKS == 0 {
                tokio::task::yield_now().await;
                if stop.is_cancelled() {
                    return;
                }
            }
        }
        let next = manager.queue.next().unwrap_or(Duration::MAX);
        settled.send_replace(Settled { revision: manager.feed.position(), next });
        let clock = manager.clock.clone();
        tokio::select! {
            () = stop.cancelled() => return,
            () = clock.sleep_until(next) => {}
            () = switches.changed.notified() => {}
            open = manager.feed.changed() => if !open { return },
        }
    }
}
