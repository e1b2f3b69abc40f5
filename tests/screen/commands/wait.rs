//! `wait` and `watch`.

use std::time::Duration;

use boathook::clock::Clock;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::place::{Place, done, hook, map};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wait_ends_when_it_holds_or_never_will_or_time_is_over() {
    let mut place = Place::new(&(hook("good", "PreSync", "") + &map("settings"))).await;
    place.world.synced(&json!({})).await;
    for (condition, words) in [
        ("synced", "shop: synced\n"),
        ("healthy", "shop: healthy\n"),
        ("operation", "shop: successfully synced (all tasks run)\n"),
        ("phase=PreSync", "shop: PreSync succeeded\n"),
        ("phase=PostSync", "shop: nothing to do in PostSync\n"),
    ] {
        let done = place.run(&["wait", "shop", "--for", condition, "--timeout", "60s"]).await.expect(0);
        assert_eq!(done.out, words, "{condition}");
    }
    let done = place.run(&["wait", "shop", "--for", "hook=good", "-o", "json"]).await.expect(0);
    let [result] = &done.documents()[..] else { panic!("{done:?}") };
    assert_eq!((&result["kind"], &result["outcome"]), (&json!("Result"), &json!("Succeeded")));
    place.run(&["wait", "shop", "--for", "hook=unheard-of"]).await.expect(8);
    place.run(&["wait", "shop", "--for", "deleted", "--timeout", "0.1s"]).await.expect(6);
    place.run(&["wait", "gone", "--for", "deleted"]).await.expect(0);
    place.world.deploys(&(hook("bad", "PreSync", "") + &map("settings")));
    place.world.synced(&json!({})).await;
    for condition in ["operation", "phase=PreSync", "phase=PostSync", "hook=bad"] {
        place.run(&["wait", "shop", "--for", condition, "--timeout", "60s"]).await.expect(4);
    }
    place.world.sync(&json!({"revision": "0000000000000000000000000000000000000000"}));
    place.world.end().await;
    place.run(&["wait", "shop"]).await.expect(3);
    place.world.deploys(&hook("slow", "PreSync", ""));
    place.world.sync(&json!({}));
    place.world.until_message("waiting for completion of hook batch/Job/slow").await;
    place.world.edit(|application| application["status"]["operationState"]["phase"] = json!("Terminating"));
    place.world.end().await;
    place.run(&["wait", "shop"]).await.expect(5);
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wait_for_many_gives_each_a_result_and_one_summary() {
    let place = Place::new(&map("settings")).await;
    place.add("bad", &json!({}), &hook("bad", "PreSync", ""));
    place.world.sync(&json!({}));
    place.world.change(&boathook::sim::resource::APPLICATIONS, "argocd", "bad", |application| {
        application["operation"] = json!({"sync": {"syncStrategy": {"hook": {}}}});
    });
    let done = place.run(&["wait", "--all", "--for", "operation", "--timeout", "60s", "-o", "json"]).await.expect(4);
    let documents = done.documents();
    let [.., summary] = &documents[..] else { panic!("{done:?}") };
    let outcomes = json!([{"outcome": "Succeeded", "count": 1}, {"outcome": "HookFailed", "count": 1}]);
    assert_eq!((summary["total"].as_u64(), &summary["outcomes"]), (Some(2), &outcomes), "{done:#?}");
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watch_prints_changes_and_ends_when_nobody_reads() {
    let mut place = Place::new(&map("settings")).await;
    let mut child = place.command(&["watch", "-o", "json"]).spawn().unwrap();
    let mut notes = BufReader::new(child.stderr.take().unwrap()).lines();
    let limit = Clock::real();
    let first = limit.timeout(Duration::from_secs(150), notes.next_line()).await.unwrap().unwrap();
    assert_eq!(first.as_deref(), Some("boathook: watching 1 application"));
    place.world.synced(&json!({})).await;
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    loop {
        let line = limit.timeout(Duration::from_secs(150), lines.next_line()).await.unwrap().unwrap().unwrap();
        let event: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(crate::schema::violations(&event), Vec::<String>::new(), "{event:#}");
        if event["subject"] == "operation" && event["to"].as_str().unwrap().starts_with("Succeeded") {
            break;
        }
    }
    // Nothing happens any more, and yet it ends.
    drop(lines);
    assert_eq!(done(child).await.code, 0);
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_logs_ends_when_nobody_reads_it_and_nothing_is_written() {
    let mut place = Place::new(&hook("slow", "PreSync", "")).await;
    place.world.sync(&json!({}));
    place.world.until_message("waiting for completion of hook batch/Job/slow").await;
    let mut child = place.command(&["logs", "shop", "slow", "--follow"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = Clock::real().timeout(Duration::from_secs(150), lines.next_line()).await.unwrap().unwrap();
    assert_eq!(line.as_deref(), Some("still at work"));
    drop(lines);
    assert_eq!(done(child).await.code, 0);
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupt_ends_a_wait_with_its_own_code() {
    let place = Place::new(&map("settings")).await;
    let mut child = place.command(&["watch"]).spawn().unwrap();
    let mut notes = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = Clock::real().timeout(Duration::from_secs(150), notes.next_line()).await.unwrap().unwrap();
    assert_eq!(first.as_deref(), Some("boathook: watching 1 application"));
    let id = rustix::process::Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    assert_eq!(done(child).await.code, 130);
    place.stop().await;
}
