//! The `kube` crate's apply, log stream, wait and watcher through every fault: what each of them sees, and that the next
//! try finds what it should.

use std::pin::Pin;
use std::time::Duration;

use boathook::clock::Clock;
use boathook::sim::access::User;
use boathook::sim::faults::{Action, Failure, Fault, FaultId, WatchOrder, requests};
use boathook::sim::server::{Simulator, SimulatorOptions};
use futures::{AsyncReadExt, StreamExt};
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{Api, LogParams, Patch, PatchParams, PostParams};
use kube::runtime::wait::await_condition;
use kube::runtime::watcher;
use kube::{Client, Config};
use serde_json::json;

/// Ends a test that would hang; never waited for otherwise.
const HANGS: Duration = Duration::from_secs(60);

/// What a helper sees of a fault, where it sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Sees {
    /// A `Status` with this code.
    Code(u16),
    /// A broken connection.
    Broken,
    /// Nothing: it only takes longer.
    Nothing,
}

/// Every fault of a request, and what a client sees of it.
fn of_requests() -> Vec<(Action, Sees)> {
    let server = |code| Action::Fail(Failure::Server { code, message: String::new() });
    vec![
        (Action::Cut, Sees::Broken),
        (Action::CutAfter, Sees::Broken),
        (Action::Delay(Duration::from_millis(1)), Sees::Nothing),
        (Action::Fail(Failure::Gone), Sees::Code(410)),
        (Action::Fail(Failure::Conflict), Sees::Code(409)),
        (Action::Fail(Failure::TooManyRequests { retry_after: 7 }), Sees::Code(429)),
        (server(500), Sees::Code(500)),
        (server(503), Sees::Code(503)),
        (server(504), Sees::Code(504)),
        (Action::Fail(Failure::Unauthorized), Sees::Code(401)),
        (Action::Fail(Failure::Forbidden), Sees::Code(403)),
        (Action::Slow { piece: 5, pause: Duration::from_micros(10) }, Sees::Nothing),
        (Action::Truncate { after: 6 }, Sees::Broken),
    ]
}

/// Every fault of an open watch.
fn of_watches() -> Vec<Action> {
    let orders = [WatchOrder::End, WatchOrder::Cut, WatchOrder::Stall, WatchOrder::Expire].into_iter();
    orders.flat_map(|order| [0, 1].map(|after| Action::Watch { after, order })).collect()
}

/// Without the crate's own retries, which would hide what happened.
fn config(simulator: &Simulator) -> Config {
    let mut config = Config::new(simulator.url().parse().unwrap());
    config.auth_info.token = Some(simulator.token().to_owned().into());
    "default".clone_into(&mut config.default_namespace);
    config.default_retry = false;
    config
}

fn client(simulator: &Simulator) -> Client {
    Client::try_from(config(simulator)).unwrap()
}

/// A client that gives up on an answer of which nothing has come for a while: the only way out of a watch that stalls.
fn impatient(simulator: &Simulator) -> Client {
    let mut config = config(simulator);
    config.read_timeout = Some(Duration::from_millis(500));
    Client::try_from(config).unwrap()
}

fn start() -> Simulator {
    Simulator::start(SimulatorOptions { controllers: false, ..Default::default() }).unwrap()
}

/// The next request of this kind meets a fault.
fn meet(simulator: &Simulator, verb: &str, resource: &str, action: &Action) -> FaultId {
    simulator.faults().add(Fault::new(requests(&[verb], &[resource]), action.clone()).times(1))
}

fn seen<T>(result: &Result<T, kube::Error>) -> Sees {
    match result {
        Ok(_) => Sees::Nothing,
        Err(kube::Error::Api(status)) => Sees::Code(status.code),
        Err(_) => Sees::Broken,
    }
}

/// Boxed, since the futures of the crate's helpers are large.
fn bounded<'f, F: Future + 'f>(what: &str, future: F) -> Pin<Box<dyn Future<Output = F::Output> + 'f>> {
    let (what, future) = (what.to_owned(), Box::pin(future));
    Box::pin(async move {
        Clock::real().timeout(HANGS, future).await.unwrap_or_else(|_| panic!("{what}: not within a minute"))
    })
}

fn apply(value: &str) -> Patch<serde_json::Value> {
    Patch::Apply(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"value": value}}))
}

fn value(map: &ConfigMap) -> &str {
    map.data.as_ref().unwrap()["value"].as_str()
}

fn shows(map: &ConfigMap, wanted: &str) -> bool {
    map.metadata.name.as_deref() == Some("m") && value(map) == wanted
}

#[tokio::test]
async fn apply_sees_every_fault_and_can_be_sent_again() {
    let simulator = start();
    let maps: Api<ConfigMap> = Api::default_namespaced(client(&simulator));
    let by = PatchParams::apply("test");
    for (number, (action, sees)) in of_requests().into_iter().enumerate() {
        let wanted = number.to_string();
        let fault = meet(&simulator, "patch", "configmaps", &action);
        let first = maps.patch("m", &by, &apply(&wanted)).await;
        assert_eq!(seen(&first), sees, "{action:?}: {first:?}");
        if let Err(kube::Error::Api(status)) = &first
            && status.code == 429
        {
            assert_eq!(status.details.as_ref().map(|details| details.retry_after_seconds), Some(7));
        }
        let carried_out =
            matches!(action, Action::CutAfter | Action::Delay(_) | Action::Slow { .. } | Action::Truncate { .. });
        let stored = maps.get_opt("m").await.unwrap();
        assert_eq!(stored.as_ref().is_some_and(|map| value(map) == wanted), carried_out, "{action:?}: {stored:?}");
        let again = maps.patch("m", &by, &apply(&wanted)).await.unwrap();
        assert_eq!(value(&again), wanted);
        assert_eq!(again.metadata.managed_fields.unwrap().len(), 1, "{action:?}");
        assert_eq!(simulator.faults().met(fault), 1);
    }
    simulator.stop().await;
}

/// The crate waits as long as the server says, and tells its caller nothing.
#[tokio::test]
async fn too_many_requests_are_sent_again_after_the_time_the_server_names() {
    let simulator = start();
    let mut config = config(&simulator);
    config.default_retry = true;
    let maps: Api<ConfigMap> = Api::default_namespaced(Client::try_from(config).unwrap());
    let action = Action::Fail(Failure::TooManyRequests { retry_after: 1 });
    let fault = meet(&simulator, "patch", "configmaps", &action);
    let clock = Clock::real();
    let begin = clock.monotonic();
    maps.patch("m", &PatchParams::apply("test"), &apply("a")).await.unwrap();
    assert_eq!(simulator.faults().met(fault), 1);
    // A bound from below alone: it is what the header asks for.
    assert!(clock.monotonic().saturating_sub(begin) >= Duration::from_secs(1));
    simulator.stop().await;
}

#[tokio::test]
async fn a_log_stream_sees_every_fault_and_can_be_opened_again() {
    let simulator = Simulator::start(SimulatorOptions { speed: 50.0, ..Default::default() }).unwrap();
    let pods: Api<Pod> = Api::default_namespaced(client(&simulator));
    let pod = json!({
        "metadata": {"name": "p"},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "x", "command": ["echo", "hello world"]}]},
    });
    pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
    bounded("the pod", await_condition(pods.clone(), "p", has_ended)).await.unwrap();
    let params = LogParams { follow: true, ..LogParams::default() };
    let read = async || -> Result<String, kube::Error> {
        let mut text = String::new();
        let mut stream = Box::pin(pods.log_stream("p", &params).await?);
        stream.read_to_string(&mut text).await.map_err(|error| kube::Error::Service(Box::new(error)))?;
        Ok(text)
    };
    let whole = bounded("the log", read()).await.unwrap();
    assert_eq!(whole, "echo hello world\n");
    for (action, sees) in of_requests() {
        let fault = meet(&simulator, "get", "pods/log", &action);
        let first = bounded("a faulty log", read()).await;
        assert_eq!(seen(&first), sees, "{action:?}: {first:?}");
        assert_eq!(first.unwrap_or_else(|_| whole.clone()), whole, "{action:?}");
        assert_eq!(bounded("the log again", read()).await.unwrap(), whole, "{action:?}");
        assert_eq!(simulator.faults().met(fault), 1);
    }
    simulator.stop().await;
}

fn has_ended(pod: Option<&Pod>) -> bool {
    pod.and_then(|pod| pod.status.as_ref()).and_then(|status| status.phase.as_deref()) == Some("Succeeded")
}

/// A log that is followed when the server goes away: a restart breaks it, a stop ends it.
#[tokio::test]
async fn a_followed_log_breaks_at_a_restart_and_ends_at_a_stop() {
    for stops in [false, true] {
        let simulator = Simulator::start(SimulatorOptions { speed: 50.0, ..Default::default() }).unwrap();
        let pods: Api<Pod> = Api::default_namespaced(client(&simulator));
        let pod = json!({
            "metadata": {"name": "p"},
            "spec": {"containers": [{"name": "main", "image": "x", "command": ["serve"]}]},
        });
        pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
        let runs = |pod: Option<&Pod>| {
            pod.and_then(|pod| pod.status.as_ref()).and_then(|status| status.phase.as_deref()) == Some("Running")
        };
        bounded("the pod", await_condition(pods.clone(), "p", runs)).await.unwrap();
        let params = LogParams { follow: true, ..LogParams::default() };
        let mut stream = Box::pin(pods.log_stream("p", &params).await.unwrap());
        let mut line = [0; 6];
        bounded("the first line", stream.read_exact(&mut line)).await.unwrap();
        assert_eq!(&line, b"serve\n");
        let mut rest = Vec::new();
        if stops {
            simulator.stop().await;
            bounded("the end", stream.read_to_end(&mut rest)).await.unwrap();
        } else {
            simulator.restart().await.unwrap();
            assert!(bounded("the break", stream.read_to_end(&mut rest)).await.is_err());
            simulator.stop().await;
        }
        assert_eq!(rest, b"");
    }
}

/// `await_condition` gives up at the first error of its watcher; asked again it finds what happened meanwhile.
#[tokio::test]
async fn waiting_finds_its_condition_through_every_fault() {
    let watches = of_watches().into_iter().map(|action| ("watch", action));
    let lists = of_requests().into_iter().flat_map(|(action, _)| [("list", action.clone()), ("watch", action)]);
    for (verb, action) in lists.chain(watches) {
        let simulator = start();
        let maps: Api<ConfigMap> = Api::default_namespaced(impatient(&simulator));
        maps.patch("m", &PatchParams::apply("test"), &apply("a")).await.unwrap();
        let fault = meet(&simulator, verb, "configmaps", &action);
        let waiting = async {
            let is_b = |map: Option<&ConfigMap>| map.is_some_and(|map| value(map) == "b");
            while await_condition(maps.clone(), "m", is_b).await.is_err() {}
        };
        let change = async {
            while simulator.faults().met(fault) == 0 {
                tokio::task::yield_now().await;
            }
            while maps.patch("m", &PatchParams::apply("test"), &apply("b")).await.is_err() {}
        };
        bounded(&format!("{verb} {action:?}"), futures::future::join(waiting, change)).await;
        simulator.stop().await;
    }
}

/// What a watcher says of each fault, and that it goes on by itself.
#[tokio::test]
async fn a_watcher_reports_every_fault_and_goes_on() {
    // A watch whose connection breaks within its answer has ended for the crate, and is nothing to report.
    let breaks = |action: &Action| matches!(action, Action::Truncate { .. });
    let lists = of_requests().into_iter().flat_map(|(action, sees)| {
        let reported = sees != Sees::Nothing;
        [("list", action.clone(), reported), ("watch", action.clone(), reported && !breaks(&action))]
    });
    let watches = of_watches().into_iter().map(|action| {
        let reported = matches!(action, Action::Watch { order: WatchOrder::Stall | WatchOrder::Expire, .. });
        ("watch", action, reported)
    });
    for (verb, action, reported) in lists.chain(watches) {
        let simulator = start();
        let maps: Api<ConfigMap> = Api::default_namespaced(impatient(&simulator));
        maps.patch("m", &PatchParams::apply("test"), &apply("a")).await.unwrap();
        let fault = meet(&simulator, verb, "configmaps", &action);
        let mut events = watcher(maps.clone(), watcher::Config::default()).boxed();
        let mut errors = 0;
        let watching = async {
            loop {
                match events.next().await.unwrap() {
                    Err(_) => errors += 1,
                    Ok(watcher::Event::Apply(map) | watcher::Event::InitApply(map)) if shows(&map, "c") => return,
                    Ok(_) => {}
                }
            }
        };
        let changes = async {
            while simulator.faults().met(fault) == 0 {
                tokio::task::yield_now().await;
            }
            // One that a watch of one event still shows, and one that has to be found out afterwards.
            for value in ["b", "c"] {
                while maps.patch("m", &PatchParams::apply("test"), &apply(value)).await.is_err() {}
            }
        };
        let what = format!("{verb} {action:?}");
        bounded(&what, futures::future::join(watching, changes)).await;
        assert!(!reported || errors > 0, "{what}: nothing was reported");
        simulator.stop().await;
    }
}

#[tokio::test]
async fn a_watcher_outlives_refused_connections_an_expired_token_and_a_stall_of_an_open_watch() {
    let simulator = start();
    let maps: Api<ConfigMap> = Api::default_namespaced(impatient(&simulator));
    let mut events = watcher(maps.clone(), watcher::Config::default()).boxed();
    let mut round = 0;
    loop {
        let wanted = round.to_string();
        bounded("the write", async {
            while maps.patch("m", &PatchParams::apply("test"), &apply(&wanted)).await.is_err() {}
        })
        .await;
        bounded(&format!("round {round}"), async {
            loop {
                if let Some(Ok(watcher::Event::Apply(map) | watcher::Event::InitApply(map))) = events.next().await
                    && shows(&map, &wanted)
                {
                    return;
                }
            }
        })
        .await;
        match round {
            0 => simulator.refuse_connections(),
            1 => simulator.access().expire(simulator.token()),
            2 => simulator.faults().order(requests(&["watch"], &[]), WatchOrder::Stall),
            3 => simulator.restart().await.unwrap(),
            _ => break,
        }
        if round < 2 {
            // Until it is known.
            bounded("an error", async { while events.next().await.unwrap().is_ok() {} }).await;
            assert!(maps.get("m").await.is_err());
        }
        match round {
            0 => simulator.accept_connections().await.unwrap(),
            1 => {
                // A watch that was open stays so, as in Kubernetes: only the next request is refused.
                let user = User { name: "admin".to_owned(), ..User::default() };
                simulator.access().add(simulator.token(), user);
            }
            _ => {}
        }
        round += 1;
    }
    simulator.stop().await;
}
