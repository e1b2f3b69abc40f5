//! `boathook engine` and `boathook sim` as programs.

use std::time::Duration;

use boathook::clock::Clock;
use boathook::sim::resource::LEASES;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Child;

use super::place::{Done, Place, done, hook, kubeconfig, map};
use crate::engine::ARGOCD;

fn signal(child: &Child, signal: rustix::process::Signal) {
    let id = rustix::process::Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(id, signal).unwrap();
}

/// Waits for a line that begins so: the rest of it.
async fn line(child: &mut Child, begin: &str) -> String {
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let found = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some(rest) = line.strip_prefix(begin) {
                return rest.to_owned();
            }
        }
        panic!("it ended without saying {begin:?}");
    };
    Clock::real().timeout(Duration::from_secs(150), found).await.unwrap_or_else(|_| panic!("never said: {begin}"))
}

async fn get(address: &str, path: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn engine(place: &Place, more: &[&str]) -> Done {
    place.run(&[&["engine", "--allow-file-repositories"], more].concat()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_engine_is_a_program_that_says_where_it_works_and_ends_at_a_signal() {
    let place = Place::without_engine(&(hook("good", "PreSync", "") + &map("settings"))).await;
    let context = place.context();
    let own = place.home().join("repositories");
    let options = [
        "engine",
        "--context",
        &context,
        "--namespace",
        "argocd",
        "--install-crds",
        "--repo-cache",
        own.to_str().unwrap(),
        "--interval",
        "60s",
        "--wave-delay",
        "0s",
        "--allow-file-repositories",
        "--metrics-port",
        "0",
    ];
    let mut running = place.command(&options).spawn().unwrap();
    let metrics = line(&mut running, "metrics at http://").await;
    let address = metrics.strip_suffix("/metrics").unwrap();
    assert!(get(address, "/healthz").await.starts_with("HTTP/1.1 200"));
    place.run(&["sync", "shop", "-y", "--wait", "--allow-file-repositories"]).await.expect(0);
    let figures = get(address, "/metrics").await;
    assert!(figures.contains("boathook_engine_operations_total{phase=\"Succeeded\"} 1"), "{figures}");
    assert!(own.join("..").exists() && std::fs::read_dir(&own).unwrap().count() > 0, "the repositories are there");
    // Of two engines one works.
    let other = place.home().join("other");
    let second = engine(&place, &["--repo-cache", other.to_str().unwrap()]).await.expect(7);
    assert!(second.err.starts_with("boathook: "), "{second:#?}");
    signal(&running, rustix::process::Signal::TERM);
    let ended = done(running).await.expect(0);
    assert!(!ended.err.contains("panicked"), "{ended:#?}");
    // The next one works at once, for everybody, although nobody reads what it says.
    let mut next = place.command(&["engine", "--all-namespaces", "--allow-file-repositories"]).spawn().unwrap();
    drop(next.stdout.take());
    let synced = async {
        while place.run(&["sync", "shop", "-y", "--allow-file-repositories"]).await.code != 0 {}
        place.run(&["wait", "shop", "--for", "operation"]).await.expect(0);
    };
    Clock::real().timeout(Duration::from_secs(150), synced).await.unwrap();
    signal(&next, rustix::process::Signal::INT);
    done(next).await.expect(0);
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_cannot_work_says_why() {
    let place = Place::without_engine(&map("settings")).await;
    let wrong = engine(&place, &["--interval", "0s"]).await.expect(2);
    assert!(wrong.err.contains("expected a duration between 1s and 24h"), "{wrong:#?}");
    let wrong = engine(&place, &["--wave-delay", "2h"]).await.expect(2);
    assert!(wrong.err.contains("expected a duration between 0s and 1h"), "{wrong:#?}");
    engine(&place, &["--context", "other"]).await.expect(2);
    let refused = engine(&place, &["--read-only", "--install-crds"]).await.expect(7);
    assert!(refused.err.contains("read-only is asked for"), "{refused:#?}");
    let nowhere = engine(&place, &["--namespace", "nowhere"]).await.expect(2);
    assert!(nowhere.err.contains("kubectl create namespace nowhere"), "{nowhere:#?}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let refused = engine(&place, &["--metrics-port", &port]).await.expect(2);
    assert!(refused.err.contains("--metrics-port: 127.0.0.1:") && refused.out.is_empty(), "{refused:#?}");
    assert!(place.world.get(&LEASES, ARGOCD, "boathook-engine").is_none(), "none of them began to work");
    for (file, code) in [
        (place.stranger(), 9),
        (place.write_home("gone", &kubeconfig("http://127.0.0.1:1", "x")).to_str().unwrap().to_owned(), 10),
    ] {
        let mut from_environment = place.command(&["engine"]);
        from_environment.env("KUBECONFIG", &file);
        let [after, before] = [&["engine", "--kubeconfig", &file], &["--kubeconfig", &file, "engine"]];
        for mut command in [from_environment, place.command(after), place.command(before)] {
            let refused = done(command.spawn().unwrap()).await.expect(code);
            assert!(refused.err.lines().last().unwrap().starts_with("boathook: "), "{refused:#?}");
        }
    }
    let misplaced = place.run(&["--namespace", "argocd", "engine"]).await.expect(2);
    assert!(misplaced.err.contains("boathook engine -n NAME"), "{misplaced:#?}");
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_simulated_clusters_of_one_seed_are_alike() {
    let place = Place::without_engine(&map("settings")).await;
    for _ in 0..2 {
        let mut running = place.command(&["sim", "--seed", "7", "--port", "0"]).spawn().unwrap();
        line(&mut running, "Kubernetes API at http://127.0.0.1:").await;
        signal(&running, rustix::process::Signal::TERM);
        done(running).await.expect(0);
    }
    place.stop().await;
}
