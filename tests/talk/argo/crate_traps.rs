//! What clients of Kubernetes are known to do wrong, and this one does not: retry in silence, wait without end.

use std::time::Duration;

use boathook::clock::Clock;
use boathook::cluster::{
    Cluster, ClusterError, Kind, LogOptions, Patch, Scope, Selectors, Target, WatchEvent, WatchOptions, WriteOptions,
    connect, watch,
};
use boathook::domain::manifest::Object;
use boathook::sim::faults::{Action, Failure, Fault, WatchOrder, requests};
use boathook::sim::resource::{NAMESPACES, PODS};
use boathook::sim::server::{Simulator, write_kubeconfig};
use futures::StreamExt as _;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::world::{put, simulator};

fn pods() -> Kind {
    Kind::known("", "v1", "Pod", "pods", true)
}

async fn client(simulator: &Simulator, clock: &Clock) -> Cluster {
    put(simulator, &NAMESPACES, json!({ "metadata": { "name": "shop" } }));
    put(
        simulator,
        &PODS,
        json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "p", "namespace": "shop" }, "spec": { "nodeName": "n", "containers": [{ "name": "c", "image": "i" }] },
            "status": { "containerStatuses": [{ "name": "c", "restartCount": 0, "state": { "running": {} } }] } }),
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubeconfig");
    write_kubeconfig(&path, &simulator.kubeconfig()).unwrap();
    connect(&Target::Kubeconfig { path: Some(path), context: None }, clock, "boathook-test").await.unwrap()
}

/// A busy server's answer comes at once and not after a minute of silent tries, for reads and for writes.
#[tokio::test]
async fn nothing_is_retried_in_silence() {
    let simulator = simulator();
    let cluster = client(&simulator, &Clock::real()).await;
    for failure in [
        Failure::TooManyRequests { retry_after: 7 },
        Failure::Server { code: 503, message: String::new() },
        Failure::Server { code: 504, message: String::new() },
    ] {
        let fault =
            simulator.faults().add(Fault::new(requests(&[], &["pods", "pods/log"]), Action::Fail(failure.clone())));
        let patch = Patch::Merge(json!({ "metadata": { "labels": { "a": "b" } } }));
        let read = cluster.get(&pods(), "shop", "p").await.unwrap_err();
        let written = cluster.patch(&pods(), "shop", "p", &patch, &WriteOptions::default()).await.unwrap_err();
        let options = LogOptions { container: "c".into(), ..LogOptions::default() };
        let log = cluster.logs("shop", "p", &options).await.err().unwrap();
        // Who is told to come later has changed nothing; of a server that gives up nobody knows.
        let is_refused = matches!(failure, Failure::TooManyRequests { .. });
        assert_eq!(written.is_outcome_unknown(), !is_refused, "{written}");
        for error in [&read, &written, &log] {
            assert!(error.is_transient() || error.is_outcome_unknown(), "{error}");
            if matches!(failure, Failure::TooManyRequests { .. }) {
                assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
            }
        }
        assert_eq!(simulator.faults().met(fault), 3, "each was sent once");
        simulator.faults().clear();
    }
}

/// A server that takes a request and never answers.
#[tokio::test]
async fn nothing_is_waited_for_without_end() {
    let simulator = simulator();
    let (clock, driver) = Clock::driven("2026-11-22T12:00:00Z".parse().unwrap());
    let cluster = client(&simulator, &clock).await;
    simulator.faults().add(Fault::new(requests(&[], &["pods"]), Action::Delay(Duration::from_secs(3600))));
    let kind = pods();
    let read = cluster.get(&kind, "shop", "p");
    let advance = async {
        driver.wait_for_sleepers(1).await;
        driver.advance(Duration::from_secs(31));
    };
    let (read, ()) = tokio::join!(read, advance);
    assert!(matches!(&read, Err(ClusterError::NoAnswer { .. })), "{read:?}");
    let patch = Patch::Merge(json!({ "metadata": { "labels": { "a": "b" } } }));
    let options = WriteOptions::default();
    let write = cluster.patch(&kind, "shop", "p", &patch, &options);
    let advance = async {
        driver.wait_for_sleepers(1).await;
        driver.advance(Duration::from_secs(31));
    };
    let (write, ()) = tokio::join!(write, advance);
    assert!(matches!(&write, Err(ClusterError::OutcomeUnknown { .. })), "never taken for a failure: {write:?}");
}

/// What a watch tells, until something.
async fn until(
    events: &mut (impl futures::Stream<Item = WatchEvent<Object>> + Unpin),
    mut is: impl FnMut(&WatchEvent<Object>) -> bool,
) -> Vec<WatchEvent<Object>> {
    let mut all = Vec::new();
    loop {
        let next = Clock::real().timeout(Duration::from_secs(60), events.next()).await;
        let event = next.unwrap_or_else(|_| panic!("it never came after {all:?}")).unwrap();
        let is = is(&event);
        all.push(event);
        if is {
            return all;
        }
    }
}

fn is_about(event: &WatchEvent<Object>, name: &str) -> bool {
    matches!(event, WatchEvent::Item(pod) | WatchEvent::Applied(pod) if pod.name() == name)
}

fn put_pod(simulator: &Simulator, name: &str, label: usize) {
    let mut pod = simulator.store().get(&PODS, "shop", "p").unwrap().value().as_ref().clone();
    pod["metadata"]["name"] = json!(name);
    pod["metadata"]["uid"] = json!(name);
    pod["metadata"]["labels"] = json!({ "tick": label.to_string() });
    put(simulator, &PODS, pod);
}

/// An API server that says in the middle of a streaming list that an object of it is gone, as it may until the list is
/// complete. kube's watcher passes that over, and the object would be there until the next list. Page by page the list has
/// nothing.
async fn server_of_which_one_goes() -> Target {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(client.read_u8().await.ok()?);
                }
                let head = String::from_utf8(head).ok()?;
                let line = |kind: &str, name: &str, version: u32, annotations: &str| {
                    format!(
                        "{{\"type\":\"{kind}\",\"object\":{{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{{\"name\":\"{name}\",\
                         \"namespace\":\"shop\",\"uid\":\"{name}\",\"resourceVersion\":\"{version}\",\"annotations\":{{{annotations}}}}}}}}}\n"
                    )
                };
                let (body, is_over) = if head.contains("sendInitialEvents=true") {
                    let end = line("BOOKMARK", "", 9, "\"k8s.io/initial-events-end\":\"true\"");
                    let lines = [line("ADDED", "p", 7, ""), line("DELETED", "p", 8, ""), end];
                    (lines.concat(), false)
                } else if head.contains("watch=true") {
                    (String::new(), false)
                } else {
                    let list = json!({ "kind": "PodList", "apiVersion": "v1", "metadata": { "resourceVersion": "9" }, "items": [] });
                    (list.to_string(), true)
                };
                let answer =
                    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n{body}");
                // In small pieces, so that lines are cut anywhere.
                for piece in answer.as_bytes().chunks(10) {
                    client.write_all(piece).await.ok()?;
                    client.flush().await.ok()?;
                }
                if !is_over {
                    // Until the client goes.
                    let _ = client.read_u8().await;
                }
                Some(())
            });
        }
    });
    Target::Server { name: "c".to_owned(), server, credential: Box::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_while_a_list_is_streamed_is_not_there_at_its_end() {
    let target = server_of_which_one_goes().await;
    let cluster = connect(&target, &Clock::real(), "boathook-test").await.unwrap();
    let shop = Scope::Namespace("shop".to_owned());
    let options = WatchOptions::default();
    let mut events = std::pin::pin!(watch::<Object>(&cluster, &pods(), &shop, &Selectors::default(), options));
    let told = until(&mut events, |event| *event == WatchEvent::Listed).await;
    let begin = told.iter().rposition(|event| *event == WatchEvent::Listing).unwrap();
    assert_eq!(told[begin..], [WatchEvent::Listing, WatchEvent::Listed], "{told:?}");
    assert!(!told.iter().any(|event| matches!(event, WatchEvent::Interrupted { .. })), "it is no failure: {told:?}");
}

/// The network forgot the connection: no byte comes any more, and no end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_that_says_nothing_is_made_anew() {
    let simulator = simulator();
    let (clock, driver) = Clock::driven("2026-11-22T12:00:00Z".parse().unwrap());
    let cluster = client(&simulator, &clock).await;
    let shop = Scope::Namespace("shop".to_owned());
    let options = WatchOptions::default();
    let mut events = std::pin::pin!(watch::<Object>(&cluster, &pods(), &shop, &Selectors::default(), options));
    until(&mut events, |event| *event == WatchEvent::Listed).await;
    let bound = Duration::from_secs(89);
    let waits = async {
        while driver.next_deadline() != Some(bound) {
            tokio::task::yield_now().await;
        }
    };
    Clock::real().timeout(Duration::from_secs(60), waits).await.expect("nobody waits for as long as it is said");
    simulator.faults().order(requests(&["watch"], &["pods"]), WatchOrder::Stall);
    put_pod(&simulator, "late", 0);
    driver.advance(bound.checked_sub(Duration::from_secs(1)).unwrap());
    assert_eq!(driver.sleepers(), 1, "it still waits");
    driver.advance(Duration::from_secs(1));
    let told = until(&mut events, |event| matches!(event, WatchEvent::Interrupted { .. })).await;
    let Some(WatchEvent::Interrupted { error, .. }) = told.last() else { panic!("{told:?}") };
    assert!(error.is_transient() && error.to_string().contains("nothing came within 89 s"), "{error}");
    let pass = driver.pass_waits(Duration::from_secs(1));
    tokio::select! {
        () = pass => {}
        _ = until(&mut events, |event| is_about(event, "late")) => {}
    }
}

/// A server that takes the question and never answers it: neither a list nor a watch waits for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_is_never_answered_is_asked_for_again() {
    for streaming in [true, false] {
        let simulator = simulator();
        let (clock, driver) = Clock::driven("2026-11-22T12:00:00Z".parse().unwrap());
        let cluster = client(&simulator, &clock).await;
        let never = Fault::new(requests(&["list", "watch"], &["pods"]), Action::Delay(Duration::from_secs(3600)));
        let never = simulator.faults().add(never.times(1));
        let shop = Scope::Namespace("shop".to_owned());
        let options = WatchOptions { streaming, ..WatchOptions::default() };
        let mut events = std::pin::pin!(watch::<Object>(&cluster, &pods(), &shop, &Selectors::default(), options));
        let advance = async {
            simulator.faults().until_met(never, 1).await;
            driver.wait_for_sleepers(1).await;
            driver.advance(Duration::from_secs(30));
        };
        let interrupted = until(&mut events, |event| matches!(event, WatchEvent::Interrupted { .. }));
        let (told, ()) = tokio::join!(interrupted, advance);
        assert_eq!(told.len(), 1, "no list has begun: {told:?}");
        let pass = driver.pass_waits(Duration::from_secs(1));
        tokio::select! {
            () = pass => {}
            _ = until(&mut events, |event| *event == WatchEvent::Listed) => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_never_answered_is_not_waited_for_without_end() {
    let simulator = simulator();
    let (clock, driver) = Clock::driven("2026-11-22T12:00:00Z".parse().unwrap());
    let cluster = client(&simulator, &clock).await;
    let never = Action::Delay(Duration::from_secs(3600));
    simulator.faults().add(Fault::new(requests(&[], &["pods/log"]), never));
    let options = LogOptions { container: "c".into(), follow: true, ..LogOptions::default() };
    let advance = async {
        driver.wait_for_sleepers(1).await;
        driver.advance(Duration::from_secs(30));
    };
    let (opened, ()) = tokio::join!(cluster.logs("shop", "p", &options), advance);
    assert!(matches!(opened.err(), Some(ClusterError::NoAnswer { .. })));
}

/// What a server refuses again and again it is asked for less and less often, however it gives its lists.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_in_trouble_is_asked_less_and_less_often() {
    let code = |code: u16| Action::Fail(Failure::Server { code, message: String::new() });
    // With how many of nine tries a list is given: as a stream, and page by page.
    let table = [
        (&["list", "watch"][..], Action::Fail(Failure::Forbidden), [0, 0]),
        (&["list", "watch"], code(500), [0, 0]),
        (&["list", "watch"], Action::Fail(Failure::Gone), [0, 0]),
        // The list is given, and what would follow it is not.
        (&["watch"], Action::Fail(Failure::Forbidden), [0, 9]),
        (&["watch"], Action::Watch { after: 0, order: WatchOrder::Expire }, [0, 9]),
    ];
    for streaming in [true, false] {
        for (verbs, failure, [streamed, paged]) in table.clone() {
            let simulator = simulator();
            let (clock, driver) = Clock::driven("2026-11-22T12:00:00Z".parse().unwrap());
            let cluster = client(&simulator, &clock).await;
            simulator.faults().add(Fault::new(requests(verbs, &["pods"]), failure.clone()));
            let shop = Scope::Namespace("shop".to_owned());
            let options = WatchOptions { streaming, ..WatchOptions::default() };
            let mut events = std::pin::pin!(watch::<Object>(&cluster, &pods(), &shop, &Selectors::default(), options));
            let mut waits = Vec::new();
            let told = until(&mut events, |event| {
                if let WatchEvent::Interrupted { wait, .. } = event {
                    waits.push(*wait);
                }
                waits.len() == 9
            });
            tokio::select! {
                () = driver.pass_waits(Duration::from_secs(20)) => {}
                told = told => {
                    let lists = told.iter().filter(|event| **event == WatchEvent::Listing).count();
                    assert_eq!(lists, if streaming { streamed } else { paged }, "{failure:?} {streaming}: {told:?}");
                }
            }
            assert!(waits[1] >= Duration::from_millis(250), "{failure:?} {streaming}: {waits:?}");
            assert!(waits[8] >= Duration::from_secs(15), "{failure:?} {streaming}: {waits:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_comes_back_when_the_server_says() {
    for streaming in [true, false] {
        let simulator = simulator();
        let cluster = client(&simulator, &Clock::real()).await;
        let busy = Action::Fail(Failure::TooManyRequests { retry_after: 37 });
        simulator.faults().add(Fault::new(requests(&["list", "watch"], &["pods"]), busy));
        let shop = Scope::Namespace("shop".to_owned());
        let options = WatchOptions { streaming, ..WatchOptions::default() };
        let mut events = std::pin::pin!(watch::<Object>(&cluster, &pods(), &shop, &Selectors::default(), options));
        let told = until(&mut events, |event| matches!(event, WatchEvent::Interrupted { .. })).await;
        let wait = told.iter().find_map(|event| match event {
            WatchEvent::Interrupted { wait, .. } => Some(*wait),
            _ => None,
        });
        assert_eq!(wait, Some(Duration::from_secs(37)));
    }
}

/// A proxy that ends every answer as soon as it has begun: kube's watcher asks again at once, and says nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watches_that_end_at_once_are_not_asked_for_without_a_pause() {
    let simulator = simulator();
    let (clock, driver) = Clock::driven("2026-11-22T12:00:00Z".parse().unwrap());
    let cluster = client(&simulator, &clock).await;
    let at_once = Action::Watch { after: 0, order: WatchOrder::End };
    let fault = simulator.faults().add(Fault::new(requests(&["watch"], &["pods"]), at_once));
    let shop = Scope::Namespace("shop".to_owned());
    let options = WatchOptions::default();
    let mut events = std::pin::pin!(watch::<Object>(&cluster, &pods(), &shop, &Selectors::default(), options));
    let drain = async { while events.next().await.is_some() {} };
    let paused = async {
        for (asked, pause) in [(3, 250), (4, 500), (5, 1000)] {
            let pause = Duration::from_millis(pause);
            let waits = || driver.next_deadline().is_some_and(|at| at.saturating_sub(clock.monotonic()) == pause);
            while !waits() {
                tokio::task::yield_now().await;
            }
            assert_eq!(simulator.faults().met(fault), asked);
            driver.advance(pause);
        }
    };
    let real = Clock::real();
    let paused = real.timeout(Duration::from_secs(60), paused);
    tokio::select! {
        () = drain => {}
        paused = paused => paused.expect("it never paused"),
    }
}

/// One of several API servers may be behind the others: what was seen of one is not turned back by the next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_behind_its_peers_turns_nothing_back() {
    for streaming in [true, false] {
        let simulator = simulator();
        let cluster = client(&simulator, &Clock::real()).await;
        let shop = Scope::Namespace("shop".to_owned());
        let options = WatchOptions { streaming, ..WatchOptions::default() };
        let mut events = std::pin::pin!(watch::<Object>(&cluster, &pods(), &shop, &Selectors::default(), options));
        until(&mut events, |event| *event == WatchEvent::Listed).await;
        for label in 0..5 {
            put_pod(&simulator, "p", label);
        }
        put_pod(&simulator, "new", 0);
        until(&mut events, |event| is_about(event, "new")).await;
        let behind = Fault::new(requests(&["list", "watch"], &["pods"]), Action::Behind { revisions: 3 });
        let behind = simulator.faults().add(behind);
        // Where it was is not known any more: what is has to be listed again.
        simulator.faults().order(requests(&["watch"], &["pods"]), WatchOrder::Expire);
        let told = until(&mut events, |event| *event == WatchEvent::Listed).await;
        let labels: Vec<_> = told
            .iter()
            .filter_map(|event| match event {
                WatchEvent::Item(pod) => Some((pod.name(), pod.at(&["metadata", "labels", "tick"]).cloned())),
                _ => None,
            })
            .collect();
        assert_eq!(labels, [("new", Some(json!("0"))), ("p", Some(json!("4")))], "streaming: {streaming}");
        assert!(simulator.faults().met(behind) > 0);
    }
}

/// A body that stops in the middle.
#[tokio::test]
async fn half_an_answer_is_none() {
    let simulator = simulator();
    let cluster = client(&simulator, &Clock::real()).await;
    simulator.faults().add(Fault::new(requests(&[], &["pods"]), Action::Truncate { after: 40 }));
    let read = cluster.get(&pods(), "shop", "p").await;
    assert!(matches!(&read, Err(ClusterError::NoAnswer { .. })), "{read:?}");
    let patch = Patch::Merge(json!({ "metadata": { "labels": { "a": "b" } } }));
    let write = cluster.patch(&pods(), "shop", "p", &patch, &WriteOptions::default()).await;
    assert!(matches!(&write, Err(ClusterError::OutcomeUnknown { .. })), "{write:?}");
}

#[tokio::test]
async fn an_error_says_its_cause_once_and_no_secret() {
    let simulator = simulator();
    let cluster = client(&simulator, &Clock::real()).await;
    simulator.refuse_connections();
    let error = cluster.get(&pods(), "shop", "p").await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, ClusterError::Unreachable { .. }), "{text}");
    assert!(text.contains("reading Pod shop/p") && text.to_lowercase().contains("refused"), "{text}");
    assert!(!text.contains(simulator.token()) && text.matches("refused").count() == 1, "{text}");
}
