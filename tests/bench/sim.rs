//! The simulator under load. `cargo bench --bench sim` prints the figures; nothing is asserted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark ends by panicking")]
#![allow(clippy::print_stdout, reason = "figures are what it is for")]

use std::time::Duration;

use boathook::clock::Clock;
use boathook::sim::resource::{APPLICATIONS, CONFIG_MAPS};
use boathook::sim::server::{Simulator, SimulatorOptions};
use boathook::sim::store::WriteOptions;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

const APPS: usize = 10_000;
const WATCHERS: usize = 50;
const WRITES: usize = 5_000;

/// About 20 KB, as an Application with a hundred resources has.
fn application(number: usize) -> Value {
    let resources: Vec<Value> = (0..110)
        .map(|at| {
            json!({
                "group": "apps", "version": "v1", "kind": "Deployment", "namespace": "shop",
                "name": format!("component-number-{at}"), "status": "Synced",
                "health": {"status": "Healthy", "message": "everything is as it should be"},
            })
        })
        .collect();
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": format!("app-{number:05}"), "namespace": "default", "uid": format!("u-{number}"),
            "creationTimestamp": "2026-01-01T00:00:00Z", "labels": {"team": format!("t{}", number % 20)}},
        "spec": {"project": "default", "source": {"repoURL": "https://example.com/r.git", "path": "."}},
        "status": {"sync": {"status": "Synced", "revision": "6f1c0aa"}, "health": {"status": "Healthy"}, "resources": resources},
    })
}

/// Resident memory of this process in MB, where the system tells.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or(0) / 1024
}

type Http = Client<HttpConnector, Empty<Bytes>>;

fn open(http: &Http, simulator: &Simulator, path: &str, accept: &str) -> hyper_util::client::legacy::ResponseFuture {
    let request = http::Request::get(format!("{}{path}", simulator.url()))
        .header("Authorization", format!("Bearer {}", simulator.token()))
        .header("Accept", accept)
        .body(Empty::new())
        .unwrap();
    http.request(request)
}

async fn read(http: &Http, simulator: &Simulator, path: &str, accept: &str) -> usize {
    let mut body = open(http, simulator, path, accept).await.unwrap().into_body();
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        bytes += frame.unwrap().data_ref().map_or(0, Bytes::len);
    }
    bytes
}

async fn lists(simulator: &Simulator, clock: &Clock) {
    let http: Http = Client::builder(TokioExecutor::new()).build_http();
    let path = "/apis/argoproj.io/v1alpha1/namespaces/default/applications";
    let table = "application/json;as=Table;v=v1;g=meta.k8s.io";
    let metadata = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
    for (name, path, accept) in [
        ("full list", path.to_owned(), "application/json"),
        ("table without objects", format!("{path}?includeObject=None"), table),
        ("table with metadata", path.to_owned(), table),
        ("metadata list", path.to_owned(), metadata),
        ("page of 500", format!("{path}?limit=500"), "application/json"),
    ] {
        let mut best = Duration::MAX;
        let mut bytes = 0;
        for _ in 0..3 {
            let start = clock.monotonic();
            bytes = read(&http, simulator, &path, accept).await;
            best = best.min(clock.monotonic().saturating_sub(start));
        }
        println!("{name:<24} {:>8.1} ms {:>8} KB", best.as_secs_f64() * 1000.0, bytes / 1024);
    }
}

async fn fan_out(simulator: &Simulator, clock: &Clock) {
    let options = WriteOptions::by("bench");
    let map = json!({"metadata": {"name": "m", "namespace": "default"}, "data": {"n": "0"}});
    let created = simulator.store().create(&CONFIG_MAPS, map, &options).unwrap().revision();
    let path = format!("/api/v1/namespaces/default/configmaps?watch=1&resourceVersion={created}");
    let mut watchers = Vec::new();
    for _ in 0..WATCHERS {
        let http: Http = Client::builder(TokioExecutor::new()).build_http();
        let body = open(&http, simulator, &path, "application/json").await.unwrap().into_body();
        let clock = clock.clone();
        watchers.push(tokio::spawn(async move {
            let (mut body, mut lines, _keep) = (body, 0, http);
            while lines < WRITES {
                let frame = body.frame().await.unwrap().unwrap();
                lines += frame.data_ref().map_or(0, |data| data.split(|byte| *byte == b'\n').count() - 1);
            }
            clock.monotonic()
        }));
    }
    let start = clock.monotonic();
    let mut ticks = clock.interval(Duration::from_millis(10));
    for write in 0..WRITES {
        // A thousand a second, ten at a time.
        if write % 10 == 0 {
            ticks.tick().await;
        }
        simulator
            .store()
            .update(&CONFIG_MAPS, "default", "m", &options, |current| {
                let mut changed = current.clone();
                changed["data"]["n"] = (write + 1).to_string().into();
                Ok(changed)
            })
            .unwrap();
    }
    let written = clock.monotonic();
    let mut last = Duration::ZERO;
    for watcher in watchers {
        last = last.max(watcher.await.unwrap());
    }
    println!(
        "fan-out: {WRITES} writes in {:.2} s to {WATCHERS} watches; the last event arrived {:.1} ms after the last write",
        written.saturating_sub(start).as_secs_f64(),
        last.saturating_sub(written).as_secs_f64() * 1000.0
    );
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let clock = Clock::real();
        let options = SimulatorOptions { controllers: false, clock: clock.clone(), ..Default::default() };
        let simulator = Simulator::start(options).unwrap();
        let before = memory();
        let start = clock.monotonic();
        let mut bytes = 0;
        for number in 0..APPS {
            bytes += simulator.store().put_raw(&APPLICATIONS, application(number)).json().len();
        }
        let loaded = clock.monotonic().saturating_sub(start);
        println!(
            "{APPS} Applications of {} bytes loaded in {:.2} s; memory {} MB, before {before} MB",
            bytes / APPS,
            loaded.as_secs_f64(),
            memory()
        );
        lists(&simulator, &clock).await;
        println!("memory after the lists: {} MB", memory());
        fan_out(&simulator, &clock).await;
        println!("memory in the end: {} MB", memory());
        simulator.stop().await;
    });
}
