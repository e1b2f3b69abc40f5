//! The `kube` crate's helpers on the simulator, through every fault; and what holds whatever happens.

use std::collections::BTreeMap;
use std::time::Duration;

use boathook::clock::Clock;
use boathook::sim::faults::{Action, Failure, Fault, WatchOrder, requests};
use boathook::sim::resource::CONFIG_MAPS;
use boathook::sim::server::{Simulator, SimulatorOptions};
use boathook::sim::store::{DeleteOptions, Random, WriteOptions};
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{
    Api, DeleteParams, ListParams, LogParams, Patch, PatchParams, PostParams, VersionMatch, WatchEvent, WatchParams,
};
use kube::runtime::{reflector, watcher};
use kube::{Client, Config};
use serde_json::json;

/// Ends a test that would hang; never waited for otherwise.
const HANGS: Duration = Duration::from_secs(60);

fn client(simulator: &Simulator) -> Client {
    let mut config = Config::new(simulator.url().parse().unwrap());
    config.auth_info.token = Some(simulator.token().to_owned().into());
    "default".clone_into(&mut config.default_namespace);
    Client::try_from(config).unwrap()
}

fn bare() -> (Simulator, Api<ConfigMap>) {
    let simulator = Simulator::start(SimulatorOptions { controllers: false, ..Default::default() }).unwrap();
    let maps = Api::default_namespaced(client(&simulator));
    (simulator, maps)
}

fn map(name: &str, value: &str) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name}, "data": {"value": value}})).unwrap()
}

/// A reflector on config maps that lists again and watches again whatever happens, without waiting between.
fn follow(maps: &Api<ConfigMap>) -> (reflector::Store<ConfigMap>, impl futures::Stream<Item = ()> + Unpin + use<>) {
    let (reader, writer) = reflector::store();
    let config = watcher::Config { page_size: Some(3), ..Default::default() };
    let events = reflector(writer, watcher(maps.clone(), config)).filter_map(|_| async { Some(()) }).boxed();
    (reader, events)
}

fn seen(store: &reflector::Store<ConfigMap>) -> BTreeMap<String, String> {
    let state = store.state();
    let entries = state.iter().map(|one| {
        let value = one.data.as_ref().and_then(|data| data.get("value")).cloned().unwrap_or_default();
        (one.metadata.name.clone().unwrap_or_default(), value)
    });
    entries.filter(|(name, _)| name.starts_with("m-")).collect()
}

fn stored(simulator: &Simulator) -> BTreeMap<String, String> {
    let (objects, _) = simulator.store().list(&CONFIG_MAPS, Some("default"));
    let entries = objects
        .iter()
        .map(|one| (one.name().to_owned(), one.value()["data"]["value"].as_str().unwrap_or_default().to_owned()));
    entries.filter(|(name, _)| name.starts_with("m-")).collect()
}

/// Polls the reflector until it shows what is stored.
async fn agree(
    simulator: &Simulator,
    store: &reflector::Store<ConfigMap>,
    events: &mut (impl futures::Stream<Item = ()> + Unpin),
) {
    let wait = async {
        while seen(store) != stored(simulator) {
            events.next().await.unwrap();
        }
    };
    Clock::real()
        .timeout(HANGS, wait)
        .await
        .unwrap_or_else(|_| panic!("{:?} is not {:?}", seen(store), stored(simulator)));
}

#[tokio::test]
async fn a_reflector_finds_back_to_the_store_through_every_fault() {
    for action in [
        Action::Cut,
        Action::CutAfter,
        Action::Delay(Duration::from_millis(1)),
        Action::Fail(Failure::Gone),
        Action::Fail(Failure::Conflict),
        Action::Fail(Failure::TooManyRequests { retry_after: 0 }),
        Action::Fail(Failure::Server { code: 500, message: String::new() }),
        Action::Fail(Failure::Server { code: 503, message: String::new() }),
        Action::Fail(Failure::Unauthorized),
        Action::Slow { piece: 7, pause: Duration::from_micros(10) },
        Action::Truncate { after: 100 },
        Action::Watch { after: 1, order: WatchOrder::End },
        Action::Watch { after: 1, order: WatchOrder::Cut },
        Action::Watch { after: 1, order: WatchOrder::Expire },
    ] {
        let (simulator, maps) = bare();
        for number in 0..5 {
            maps.create(&PostParams::default(), &map(&format!("m-{number}"), "a")).await.unwrap();
        }
        let fault =
            simulator.faults().add(Fault::new(requests(&["list", "watch"], &["configmaps"]), action.clone()).times(3));
        let (store, mut events) = follow(&maps);
        agree(&simulator, &store, &mut events).await;
        for number in 0..5 {
            let change = Patch::Merge(json!({"data": {"value": "b"}}));
            maps.patch(&format!("m-{number}"), &PatchParams::default(), &change).await.unwrap();
        }
        maps.delete("m-2", &DeleteParams::default()).await.unwrap();
        agree(&simulator, &store, &mut events).await;
        assert!(simulator.faults().met(fault) > 0, "{action:?} was never met");
        simulator.stop().await;
    }
}

#[tokio::test]
async fn a_reflector_survives_what_happens_to_an_open_watch() {
    let (simulator, maps) = bare();
    let (store, mut events) = follow(&maps);
    for (round, order) in [WatchOrder::End, WatchOrder::Cut, WatchOrder::Expire].into_iter().enumerate() {
        maps.create(&PostParams::default(), &map(&format!("m-{round}"), "a")).await.unwrap();
        agree(&simulator, &store, &mut events).await;
        simulator.faults().order(requests(&["watch"], &[]), order);
        simulator.store().compact();
    }
    simulator.restart().await.unwrap();
    maps.create(&PostParams::default(), &map("m-after", "a")).await.unwrap();
    agree(&simulator, &store, &mut events).await;
    simulator.refuse_connections();
    assert!(maps.list(&ListParams::default()).await.is_err());
    simulator.accept_connections().await.unwrap();
    assert_eq!(maps.list(&ListParams::default()).await.unwrap().items.len(), 4);
}

#[tokio::test]
async fn writes_meet_faults_as_kubernetes_clients_know_them() {
    let (simulator, maps) = bare();
    let writes = || requests(&["create", "patch", "update"], &["configmaps"]);
    simulator.faults().add(Fault::new(writes(), Action::CutAfter).times(1));
    assert!(maps.create(&PostParams::default(), &map("m-1", "a")).await.is_err());
    assert!(maps.get("m-1").await.is_ok(), "the write was carried out, and its outcome lost");
    simulator.faults().add(Fault::new(writes(), Action::Cut).times(1));
    assert!(maps.create(&PostParams::default(), &map("m-2", "a")).await.is_err());
    assert!(maps.get_opt("m-2").await.unwrap().is_none(), "the write was not carried out");
    simulator.faults().add(Fault::new(writes(), Action::Fail(Failure::Conflict)).times(1));
    let change = Patch::Merge(json!({"data": {"value": "b"}}));
    let conflict = maps.patch("m-1", &PatchParams::default(), &change).await.unwrap_err();
    assert!(matches!(conflict, kube::Error::Api(status) if status.is_conflict()));
    let apply = Patch::Apply(
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m-3"}, "data": {"value": "c"}}),
    );
    let applied = maps.patch("m-3", &PatchParams::apply("one"), &apply).await.unwrap();
    assert_eq!(applied.metadata.managed_fields.unwrap()[0].manager.as_deref(), Some("one"));
    let apply = Patch::Apply(
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m-3"}, "data": {"value": "d"}}),
    );
    let refused = maps.patch("m-3", &PatchParams::apply("two"), &apply).await.unwrap_err();
    assert!(matches!(refused, kube::Error::Api(status) if status.is_conflict()));
    assert!(maps.patch("m-3", &PatchParams::apply("two").force(), &apply).await.is_ok());
}

#[tokio::test]
async fn wait_and_log_helpers_work() {
    use k8s_openapi::api::core::v1::Pod;
    use kube::runtime::wait::{await_condition, conditions};
    let simulator = Simulator::start(SimulatorOptions { speed: 50.0, ..Default::default() }).unwrap();
    let pods: Api<Pod> = Api::default_namespaced(client(&simulator));
    let pod = json!({
        "metadata": {"name": "p"},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "x", "command": ["echo", "hello"]}]},
    });
    pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
    let ended = |pod: Option<&Pod>| {
        pod.and_then(|pod| pod.status.as_ref()).and_then(|status| status.phase.as_deref()) == Some("Succeeded")
    };
    let waiting = Box::pin(await_condition(pods.clone(), "p", ended));
    Clock::real().timeout(HANGS, waiting).await.unwrap().unwrap();
    let lines = pods.log_stream("p", &LogParams { follow: true, ..Default::default() }).await.unwrap();
    let lines: Vec<String> = futures::AsyncBufReadExt::lines(lines).try_collect().await.unwrap();
    assert!(lines.concat().contains("hello"), "{lines:?}");
    let uid = pods.get("p").await.unwrap().metadata.uid.unwrap();
    pods.delete("p", &DeleteParams::default()).await.unwrap();
    let gone = Box::pin(await_condition(pods.clone(), "p", conditions::is_deleted(&uid)));
    Clock::real().timeout(HANGS, gone).await.unwrap().unwrap();
    simulator.stop().await;
}

fn seeds() -> u64 {
    std::env::var("BOATHOOK_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(30)
}

/// Random writers that each count up under optimistic concurrency: no update is lost, and no watch goes backwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_writers_lose_nothing_and_a_watch_never_goes_backwards() {
    for seed in 0..seeds().div_ceil(3) {
        let (simulator, maps) = bare();
        maps.create(&PostParams::default(), &map("m-count", "0")).await.unwrap();
        let mut watched = simulator.store().watch(&CONFIG_MAPS, 0).unwrap();
        let stream = maps.watch(&WatchParams::default(), "0").await.unwrap();
        let mut stream = Box::pin(stream);
        let writers = (0..3_u64).map(|writer| {
            let maps = maps.clone();
            let mut random = Random::new(seed * 31 + writer);
            tokio::spawn(async move {
                for _ in 0..8 {
                    loop {
                        let mut current = maps.get("m-count").await.unwrap();
                        let count: u64 = current.data.as_ref().unwrap()["value"].parse().unwrap();
                        if random.chance(0.2) {
                            tokio::task::yield_now().await;
                        }
                        current.data.as_mut().unwrap().insert("value".to_owned(), (count + 1).to_string());
                        match maps.replace("m-count", &PostParams::default(), &current).await {
                            Ok(_) => break,
                            Err(kube::Error::Api(status)) if status.is_conflict() => {}
                            Err(error) => panic!("seed {seed}: {error}"),
                        }
                    }
                }
            })
        });
        futures::future::join_all(writers.collect::<Vec<_>>()).await.into_iter().for_each(|ended| ended.unwrap());
        assert_eq!(stored(&simulator)["m-count"], "24", "seed {seed}");
        let mut last = 0;
        while let Some(event) = watched.try_next().unwrap() {
            assert!(event.revision() > last, "seed {seed}");
            last = event.revision();
        }
        let mut count = 0;
        while count < 24 {
            let (kube::core::WatchEvent::Modified(object) | kube::core::WatchEvent::Added(object)) =
                stream.try_next().await.unwrap().unwrap()
            else {
                panic!("seed {seed}: neither added nor modified")
            };
            let Some(value) = object.data.filter(|_| object.metadata.name.as_deref() == Some("m-count")) else {
                continue;
            };
            let now: u64 = value["value"].parse().unwrap();
            assert!(now == count + 1 || (now == 0 && count == 0), "seed {seed}: {now} after {count}");
            count = now;
        }
        simulator.stop().await;
    }
}

/// Random writes and random faults: a client that lists and watches again ends with what is stored.
#[tokio::test]
async fn a_client_that_lists_and_watches_ends_with_the_state_of_the_store_whatever_happened() {
    for seed in 0..seeds() {
        let simulator = Simulator::start(SimulatorOptions { controllers: false, seed, ..Default::default() }).unwrap();
        let maps: Api<ConfigMap> = Api::default_namespaced(client(&simulator));
        let (store, mut events) = follow(&maps);
        let mut random = Random::new(seed);
        let reads = || requests(&["list", "watch"], &["configmaps"]);
        for action in [
            Action::Cut,
            Action::Truncate { after: 150 },
            Action::Fail(Failure::Gone),
            Action::Fail(Failure::Server { code: 500, message: String::new() }),
            Action::Watch { after: 2, order: WatchOrder::Cut },
            Action::Watch { after: 3, order: WatchOrder::Expire },
        ] {
            simulator.faults().add(Fault::new(reads(), action).probability(0.15).times(4));
        }
        let options = WriteOptions::by("test");
        for step in 0..40 {
            let name = format!("m-{}", random.below(6));
            let store = simulator.store();
            match random.below(5) {
                0 => drop(store.delete(&CONFIG_MAPS, "default", &name, &DeleteOptions::default())),
                1 => drop(store.create(
                    &CONFIG_MAPS,
                    json!({"metadata": {"name": name, "namespace": "default"}, "data": {"value": step.to_string()}}),
                    &options,
                )),
                2 | 3 => drop(store.update(&CONFIG_MAPS, "default", &name, &options, |current| {
                    let mut changed = current.clone();
                    changed["data"]["value"] = step.to_string().into();
                    Ok(changed)
                })),
                _ if random.chance(0.2) => store.compact(),
                _ => simulator.faults().order(requests(&["watch"], &[]), WatchOrder::Cut),
            }
            // Lets the client see some of it in between.
            let _ = Clock::real().timeout(Duration::ZERO, events.next()).await;
        }
        agree(&simulator, &store, &mut events).await;
        simulator.stop().await;
    }
}

/// A server that is behind its peers: what may be of any age is as it was, what has to be the latest is, and what is later
/// than it has seen is refused.
#[tokio::test]
async fn a_server_may_be_behind_its_peers() {
    let (simulator, maps) = bare();
    for value in ["1", "2", "3"] {
        let apply = PatchParams::apply("test").force();
        let map =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m-a"}, "data": {"value": value}});
        maps.patch("m-a", &apply, &Patch::Apply(map)).await.unwrap();
    }
    let value = |map: &ConfigMap| map.data.as_ref().unwrap()["value"].clone();
    let newest = maps.get("m-a").await.unwrap().metadata.resource_version.unwrap();
    simulator.faults().add(Fault::new(requests(&["list", "watch"], &["configmaps"]), Action::Behind { revisions: 1 }));
    let any = maps.list(&ListParams::default().match_any().fields("metadata.name=m-a")).await.unwrap();
    assert_eq!(any.items.iter().map(value).collect::<Vec<_>>(), ["2"]);
    let latest = maps.list(&ListParams::default().fields("metadata.name=m-a")).await.unwrap();
    assert_eq!(latest.items.iter().map(value).collect::<Vec<_>>(), ["3"]);
    // The crate would try it again and again, in silence.
    let mut config = Config::new(simulator.url().parse().unwrap());
    config.auth_info.token = Some(simulator.token().to_owned().into());
    config.default_retry = false;
    let once: Api<ConfigMap> = Api::namespaced(Client::try_from(config).unwrap(), "default");
    let refused = once.list(&ListParams::default().at(&newest).matching(VersionMatch::NotOlderThan)).await.unwrap_err();
    assert!(matches!(&refused, kube::Error::Api(status) if status.code == 504), "{refused:?}");
    let streamed = WatchParams::default().fields("metadata.name=m-a").initial_events();
    let mut events = maps.watch(&streamed, "0").await.unwrap().boxed();
    let mut told = Vec::new();
    while told.len() < 3 {
        match events.try_next().await.unwrap().unwrap() {
            WatchEvent::Added(map) | WatchEvent::Modified(map) => told.push(value(&map)),
            WatchEvent::Bookmark(_) => told.push("listed".to_owned()),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(told, ["2", "listed", "3"], "what it was behind comes afterwards");
}
