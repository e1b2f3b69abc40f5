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

/// The network forgot the connection: no byte comes any more, and no end.
#[tokio::test]
async fn a_watch_that_says_nothing_is_made_anew() {
    let simulator = simulator();
    let cluster = client(&simulator, &Clock::real()).await;
    let options = WatchOptions { seconds: 1, ..WatchOptions::default() };
    let shop = Scope::Namespace("shop".to_owned());
    let mut events = std::pin::pin!(watch::<Object>(&cluster, &pods(), &shop, &Selectors::default(), options));
    let mut until = async |wanted: &str| {
        let mut found = async || {
            loop {
                match events.next().await.unwrap() {
                    WatchEvent::Listed if wanted.is_empty() => return,
                    WatchEvent::Item(pod) | WatchEvent::Applied(pod) if pod.name() == wanted => return,
                    _ => {}
                }
            }
        };
        Clock::real().timeout(Duration::from_secs(60), found()).await.expect("it never came");
    };
    until("").await;
    let stalled = Fault::new(requests(&["watch"], &["pods"]), Action::Watch { after: 0, order: WatchOrder::Stall });
    let stalled = simulator.faults().add(stalled.times(1));
    // The present one ends as usual, and the next one says nothing.
    simulator.faults().until_met(stalled, 1).await;
    let mut late = simulator.store().get(&PODS, "shop", "p").unwrap().value().as_ref().clone();
    late["metadata"]["name"] = json!("late");
    late["metadata"]["uid"] = json!("late");
    put(&simulator, &PODS, late);
    until("late").await;
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
