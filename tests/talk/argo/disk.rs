//! A disk that is full for a while: nothing else stops, and in the end nothing is missing.

use std::process::Command;

use boathook::domain::live::SourceEnd;
use boathook::sim::resource::PODS;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;

use super::hooks::{at, ended, key, pod, put_job, up};
use super::world::{World, app, hook_result, put, running};

/// Set in the process whose files may not grow.
const INSIDE: &str = "BOATHOOK_TEST_FULL_DISK";
/// Largest file in it, in bytes: the log that is captured is longer.
const LARGEST: u64 = 4096;

/// The limit is a process's own, so that the test has one for itself. What is written beyond it fails as on a full disk; the
/// signal that comes with it is ignored, which a process leaves to those it starts.
#[test]
fn a_full_disk_stops_nothing_and_loses_nothing() {
    let test = std::env::current_exe().unwrap();
    let output = Command::new("/bin/sh")
        .args(["-c", "trap '' XFSZ; exec \"$0\" --exact argo::disk::inside_the_full_disk --ignored --nocapture"])
        .arg(test)
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let told = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
}

#[tokio::test]
#[ignore = "needs a process of its own: another test starts it"]
async fn inside_the_full_disk() {
    assert!(std::env::var_os(INSIDE).is_some(), "it would limit the other tests too");
    let before = getrlimit(Resource::Fsize);
    let mut world = World::new().await;
    world.put_app(running("a", &json!([hook_result("migrate", "Running")])));
    world.until_live().await;
    let job = put_job(&world);
    setrlimit(Resource::Fsize, Rlimit { current: Some(LARGEST), ..before }).unwrap();
    let logs = world.simulator.logs().clone();
    logs.start(&key("pod-1"));
    let line = |index: i64| format!("line {index} {}", "x".repeat(100));
    (0..200).for_each(|index| logs.write(&key("pod-1"), at(index * 20), line(index).as_bytes()));
    put(&world.simulator, &PODS, pod(&job, "pod-1", &up(), 0));
    world.until("it is told", |picture| picture.notices.iter().any(|notice| notice.contains("too large"))).await;
    // Everything else goes on, and who reads logs is not kept waiting.
    let b = world.key("b");
    world.put_app(app("b"));
    world.until("the list goes on", |picture| picture.apps.contains_key(&b)).await;
    // There is room again.
    setrlimit(Resource::Fsize, before).unwrap();
    logs.end(&key("pod-1"));
    put(&world.simulator, &PODS, pod(&job, "pod-1", &ended(0), 0));
    world.until("it is complete", |picture| picture.captured.contains(&200)).await;
    let (_, text, end) = world.logs("a", boathook::domain::live::LogFilter::default()).await.remove(0);
    let expected: String = (0..200).map(|index| line(index) + "\n").collect();
    assert!(text == expected.as_bytes(), "{}", String::from_utf8_lossy(&text));
    assert_eq!(end, SourceEnd::Complete);
}
