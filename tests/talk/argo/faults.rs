//! After any sequence of events and faults the live view is what a fresh one is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use boathook::argo::{Live, Options};
use boathook::clock::Clock;
use boathook::domain::application::{AppKey, AppSummary};
use boathook::domain::live::{HookAccess, WatchState};
use boathook::domain::request::Controller;
use boathook::sim::faults::{Action, Failure, Fault, WatchOrder, requests};
use boathook::sim::logs::RunKey;
use boathook::sim::resource::{APPLICATIONS, GroupResource, JOBS, NAMESPACES, PODS, SECRETS};
use boathook::sim::server::Simulator;
use boathook::sim::store::Random;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::clusters::secret;
use super::hooks::{ended, up};
use super::seeds;
use super::world::{Picture, World, app, fold_while, hook_result, options, put, running, simulator};

/// Applications; those with an odd number run their hooks in another cluster.
const APPS: usize = 4;

fn number(random: &mut Random, below: u64) -> usize {
    usize::try_from(random.below(below)).unwrap()
}

fn order(random: &mut Random) -> WatchOrder {
    [WatchOrder::End, WatchOrder::Cut, WatchOrder::Expire, WatchOrder::Stall][number(random, 4)]
}

/// What goes wrong with single requests.
pub(super) fn fault(random: &mut Random) -> Fault {
    let code = |code: u16| Action::Fail(Failure::Server { code, message: String::new() });
    let watch = |random: &mut Random| Action::Watch { after: number(random, 5), order: order(random) };
    let (verbs, action): (&[&str], Action) = match random.below(13) {
        0 => (&[], Action::Cut),
        1 => (&[], Action::CutAfter),
        2 => (&["list", "watch"], Action::Fail(Failure::Gone)),
        3 => (&[], Action::Fail(Failure::TooManyRequests { retry_after: u32::try_from(random.below(2)).unwrap() })),
        4 => (&[], code(500)),
        5 => (&[], code(503)),
        6 => (&["list", "watch"], code(422)),
        7 => (&[], Action::Fail(Failure::Unauthorized)),
        // A list is as it was when it was asked for, and there is more by the time it has come.
        8 => (&[], Action::Slow { piece: 200 + number(random, 4000), pause: Duration::from_millis(random.below(4)) }),
        9 => (&[], Action::Truncate { after: number(random, 3000) }),
        // Another of several servers answers, and it has not seen everything yet.
        11 => (&["list", "watch"], Action::Behind { revisions: 1 + random.below(30) }),
        10 => (&[], Action::Delay(Duration::from_millis(random.below(60)))),
        _ => (&["watch"], watch(random)),
    };
    let skip = u32::try_from(random.below(30)).unwrap();
    Fault::new(requests(verbs, &[]), action).skip(skip).times(1 + u32::try_from(random.below(2)).unwrap())
}

struct Story {
    random: Random,
    world: World,
    /// Where the hooks of every second application run.
    other: Simulator,
    /// Applications that are open.
    open: BTreeSet<usize>,
    /// Gives every UID once.
    serial: u64,
    /// The reader may do something else for a while.
    may_leave: bool,
    /// The reader does something else for the time being: what is told waits.
    is_away: bool,
}

impl Story {
    async fn new(seed: u64, may_leave: bool) -> Self {
        let home = simulator();
        let other = simulator();
        put(&other, &NAMESPACES, json!({ "metadata": { "name": "shop" } }));
        put(&home, &SECRETS, secret(&other));
        let mut random = Random::new(seed);
        // Some of them at the very beginning.
        if random.chance(0.5) {
            for simulator in [&home, &other] {
                for _ in 0..random.below(4) {
                    simulator.faults().add(fault(&mut random));
                }
            }
        }
        let world = World::with(home, |_| ()).await;
        Self { random, world, other, open: BTreeSet::new(), serial: 0, may_leave, is_away: false }
    }

    fn cluster(&self, index: usize) -> &Simulator {
        if index.is_multiple_of(2) { &self.world.simulator } else { &self.other }
    }

    fn get(&self, resource: &GroupResource, index: usize, name: &str) -> Option<Value> {
        let found = self.cluster(index).store().get(resource, "shop", name)?;
        Some(found.value().as_ref().clone())
    }

    /// An application as it comes, idle or with an operation.
    fn put_app(&mut self, index: usize) {
        let name = format!("app-{index}");
        let mut object = match self.random.below(4) {
            0 => app(&name),
            1 => {
                let mut done = running(&name, &json!([hook_result(&format!("migrate-{index}"), "Succeeded")]));
                done["status"]["operationState"]["phase"] = json!("Succeeded");
                done["status"]["operationState"]["finishedAt"] = json!("2026-11-22T11:30:00Z");
                done.as_object_mut().unwrap().remove("operation");
                done
            }
            _ => running(&name, &json!([hook_result(&format!("migrate-{index}"), "Running")])),
        };
        object["metadata"]["labels"] = json!({ "value": self.random.below(1000).to_string() });
        let state = &mut object["status"]["operationState"];
        if state["syncResult"].is_object() {
            state["startedAt"] = json!(format!("2026-11-22T11:00:{:02}Z", self.random.below(3)));
            state["retryCount"] = json!(self.random.below(2));
        }
        if index % 2 == 1 {
            object["spec"]["destination"] = json!({ "name": "eu", "namespace": "shop" });
        }
        self.world.put_app(object);
    }

    fn put_job(&mut self, index: usize) {
        let name = format!("migrate-{index}");
        let job = self.get(&JOBS, index, &name).unwrap_or_else(|| {
            self.serial += 1;
            json!({ "apiVersion": "batch/v1", "kind": "Job", "spec": { "backoffLimit": 1 }, "metadata": { "name": name, "namespace": "shop",
                "uid": format!("job-{}", self.serial), "creationTimestamp": "2026-11-22T11:00:01Z",
                "annotations": { "argocd.argoproj.io/hook": "PreSync", "argocd.argoproj.io/tracking-id": format!("app-{index}:batch/Job:shop/{name}") } } })
        });
        let mut job = job;
        job["status"] = [
            json!({ "active": 1 }),
            json!({ "succeeded": 1, "conditions": [{ "type": "Complete", "status": "True" }] }),
            json!({ "failed": 2, "conditions": [{ "type": "Failed", "status": "True", "reason": "BackoffLimitExceeded" }] }),
        ][number(&mut self.random, 3)]
        .clone();
        put(self.cluster(index), &JOBS, job);
    }

    /// A pod of the hook begins, or ends.
    fn put_pod(&mut self, index: usize) {
        let Some(job) = self.get(&JOBS, index, &format!("migrate-{index}")) else { return };
        let name = format!("migrate-{index}-{}", self.random.below(2));
        let owner = job["metadata"]["uid"].as_str().unwrap().to_owned();
        let known = self.get(&PODS, index, &name);
        let is_new = known.is_none();
        let uid = known.map_or_else(
            || {
                self.serial += 1;
                format!("pod-{}", self.serial)
            },
            |pod| pod["metadata"]["uid"].as_str().unwrap().to_owned(),
        );
        let logs = self.cluster(index).logs();
        let run = RunKey { pod: uid.clone(), container: "main".to_owned(), restart: 0 };
        logs.start(&run);
        let state = if is_new { up() } else { ended(0) };
        if !is_new {
            logs.end(&run);
        }
        let mut pod = super::hooks::pod(&owner, &uid, &state, 0);
        pod["metadata"]["name"] = json!(name);
        put(self.cluster(index), &PODS, pod);
    }

    /// The hook is deleted, and its pods are with it.
    fn delete_job(&mut self, index: usize) {
        let pods_first = self.random.chance(0.5);
        let store = self.cluster(index).store();
        let pods = || (0..2).for_each(|pod| drop(store.remove_raw(&PODS, "shop", &format!("migrate-{index}-{pod}"))));
        if pods_first {
            pods();
        }
        store.remove_raw(&JOBS, "shop", &format!("migrate-{index}"));
        pods();
    }

    fn open(&mut self, index: usize) {
        let key = self.world.key(&format!("app-{index}"));
        if self.open.insert(index) {
            // What is not told from here on is not there.
            self.world.picture.objects_of.remove(&key);
            self.world.live.open(&key);
        }
    }

    /// More changes than are told one by one to a reader who does not read.
    fn burst(&mut self) {
        let changes = [100, 1_500, 6_000][number(&mut self.random, 3)];
        let index = number(&mut self.random, APPS as u64);
        self.put_job(index);
        self.put_pod(index);
        let name = format!("migrate-{index}-0");
        for change in 0..changes {
            let (resource, cluster, found) = if change % 8 == 0 {
                let name = format!("app-{index}");
                let found = self.world.simulator.store().get(&APPLICATIONS, "argocd", &name);
                (&APPLICATIONS, &self.world.simulator, found.map(|found| found.value().as_ref().clone()))
            } else {
                (&PODS, self.cluster(index), self.get(&PODS, index, &name))
            };
            let Some(mut object) = found else { continue };
            object["metadata"]["labels"] = json!({ "tick": change.to_string() });
            put(cluster, resource, object);
        }
    }

    /// Reads what is told, unless the reader is away; whether there was anything.
    fn read(&mut self) -> bool {
        let mut any = false;
        while !self.is_away
            && let Ok(event) = self.world.events.try_recv()
        {
            self.world.picture.fold(event);
            any = true;
        }
        any
    }

    /// Reads all that has waited.
    async fn come_back(&mut self) {
        self.is_away = false;
        let nobody = self.world.key("nobody");
        while self.read() {
            // When this is answered, what was asked and told before is on its way.
            let asked = self.world.live.history(&nobody);
            let _ = Clock::real().timeout(Duration::from_secs(60), asked).await;
        }
    }

    async fn step(&mut self) {
        let index = number(&mut self.random, APPS as u64);
        let key = self.world.key(&format!("app-{index}"));
        let strange = if self.random.chance(0.5) { &self.world.simulator } else { &self.other };
        match self.random.below(22) {
            0..4 => self.put_app(index),
            4..7 => self.put_job(index),
            7..10 => self.put_pod(index),
            10 => self.delete_job(index),
            11 => drop(self.world.simulator.store().remove_raw(&APPLICATIONS, "argocd", &key.name)),
            // A reader who opens or closes something is there.
            12 if !self.is_away => self.open(index),
            13 if !self.is_away && self.open.remove(&index) => self.world.live.close(&key),
            14 => strange.store().compact(),
            15 => strange.restart().await.unwrap(),
            16 => strange.faults().order(requests(&["watch"], &[]), order(&mut self.random)),
            18 if self.is_away => self.come_back().await,
            18 if self.may_leave => self.is_away = true,
            19 if self.is_away && self.random.chance(0.3) => self.burst(),
            17 => {
                strange.faults().add(fault(&mut self.random));
            }
            // Sometimes the view is ahead of what comes next, and sometimes it is not.
            _ => Clock::real().sleep(Duration::from_millis(self.random.below(12))).await,
        }
        self.read();
    }

    /// The applications as they are in the store.
    fn stored(&self) -> BTreeMap<AppKey, AppSummary> {
        let (stored, _) = self.world.simulator.store().list(&APPLICATIONS, Some("argocd"));
        let read = |stored: &std::sync::Arc<boathook::sim::store::Stored>| {
            let summary = AppSummary::from_json(self.world.live.cluster().clone(), &stored.json()).unwrap();
            (summary.key.clone(), summary)
        };
        stored.iter().map(read).collect()
    }

    /// UID and version of every object of an application's hook, as they are in the store.
    fn hooks(&self, key: &AppKey) -> BTreeMap<String, String> {
        let index: usize = key.name.trim_start_matches("app-").parse().unwrap();
        let jobs = [format!("migrate-{index}")].into_iter().filter_map(|name| self.get(&JOBS, index, &name));
        let pods = (0..2).filter_map(|pod| self.get(&PODS, index, &format!("migrate-{index}-{pod}")));
        let text = |value: &Value, field: &str| value["metadata"][field].as_str().unwrap_or_default().to_owned();
        jobs.chain(pods).map(|object| (text(&object, "uid"), text(&object, "resourceVersion"))).collect()
    }
}

/// What is known of one application that is open.
#[derive(Debug, PartialEq)]
struct Known {
    version: Option<String>,
    access: Option<HookAccess>,
    controller: Option<Controller>,
    hooks: BTreeMap<String, String>,
    /// The operation: when it began, which attempt it is, whether it is over.
    operation: (Option<Timestamp>, i64, bool),
}

fn known(picture: &Picture, key: &AppKey) -> Known {
    let view = picture.timelines.get(key).map(|timeline| timeline.view("2026-11-22T12:00:00Z".parse().unwrap()));
    Known {
        version: picture.applications.get(key).map(|own| own.metadata.resource_version.clone()),
        access: picture.access.get(key).cloned(),
        controller: picture.controllers.get(key).cloned(),
        hooks: picture.objects_of.get(key).cloned().unwrap_or_default(),
        operation: view.map(|view| (view.started_at, view.attempt, view.state.is_over())).unwrap_or_default(),
    }
}

async fn run(seed: u64, may_leave: bool) {
    let mut story = Story::new(seed, may_leave).await;
    for _ in 0..10 + story.random.below(40) {
        story.step().await;
    }
    for simulator in [&story.world.simulator, &story.other] {
        simulator.faults().clear();
        // What is stalled would be noticed after a minute and a half.
        simulator.faults().order(requests(&["watch"], &[]), WatchOrder::Cut);
    }
    // Whoever comes back reads all that waited, and goes on from there.
    story.come_back().await;
    let stored = story.stored();
    for index in 0..APPS {
        if stored.contains_key(&story.world.key(&format!("app-{index}"))) {
            story.open(index);
        }
    }
    let fresh_options = Options { state: None, ..options(story.world.home.path()) };
    let (fresh, mut events) = Live::start(fresh_options, &Clock::real()).await.unwrap();
    for key in stored.keys() {
        fresh.open(key);
    }
    let mut expected = Picture::default();
    let context = format!("BOATHOOK_SEED={seed}");
    let is_told =
        |picture: &Picture, key: &AppKey| picture.settled.contains(key) && picture.controllers.contains_key(key);
    let mut missing = String::new();
    let all_told = fold_while(&mut events, &mut expected, |picture| {
        let untold = stored.keys().find(|key| !is_told(picture, key));
        missing = format!("{untold:?} {:?} {:?} {:?}", picture.access, picture.controllers, picture.watches);
        !picture.is_live() || untold.is_some()
    })
    .await;
    assert!(all_told, "{context}: a fresh view does not tell {missing}; interrupted {:?}", expected.interruptions);
    assert_eq!(expected.apps, stored, "{context}");
    for key in stored.keys() {
        assert_eq!(known(&expected, key).hooks, story.hooks(key), "{context}: {key}, in a fresh view");
    }
    let mut differs = String::new();
    let is_same = fold_while(&mut story.world.events, &mut story.world.picture, |picture| {
        let all_live = picture.watches.values().all(|state| matches!(state, WatchState::Live | WatchState::Stopped));
        let other = stored.keys().find(|key| known(picture, key) != known(&expected, key));
        differs = match other {
            Some(key) => format!("{:?}\n is not {:?}", known(picture, key), known(&expected, key)),
            None => String::new(),
        };
        !all_live || picture.apps != stored || other.is_some()
    })
    .await;
    // What they write must not come after the end of its folder.
    fresh.stop().await;
    story.world.live.stop().await;
    let watches = &story.world.picture.watches;
    assert_eq!(story.world.picture.went_back, [""; 0], "{context}");
    assert!(is_same, "{context}: it never became what a fresh one is:\n{differs}\n{watches:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_view_equals_a_fresh_one() {
    seeds::each(|seed| run(seed, false)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_view_equals_a_fresh_one_for_a_reader_who_was_away() {
    seeds::each(|seed| run(seed, true)).await;
}
