//! `sync`: the plan, following, failures, time, interrupts, races.

use std::time::Duration;

use boathook::clock::Clock;
use boathook::sim::resource::{APPLICATIONS, LEASES};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use super::place::{Done, Place, done, hook, map};

/// What every sync of these tests is called with.
const SYNC: [&str; 4] = ["sync", "shop", "-y", "--allow-file-repositories"];

async fn sync(place: &Place, more: &[&str]) -> Done {
    place.run(&[&SYNC, more].concat()).await
}

fn busy(place: &Place, name: &str) -> bool {
    place.world.get(&APPLICATIONS, "argocd", name).unwrap().get("operation").is_some()
}

fn phase(place: &Place) -> Value {
    place.world.application().pointer("/status/operationState/phase").cloned().unwrap_or_default()
}

pub(super) fn signal(child: &Child, signal: rustix::process::Signal) {
    let id = rustix::process::Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    rustix::process::kill_process(id, signal).unwrap();
}

fn interrupt(child: &Child) {
    signal(child, rustix::process::Signal::INT);
}

/// Reads lines until one has these words.
pub(super) async fn until_said(
    lines: &mut tokio::io::Lines<BufReader<impl tokio::io::AsyncRead + Unpin>>,
    words: &str,
) {
    let read = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains(words) {
                return;
            }
        }
        panic!("it ended without saying {words:?}");
    };
    Clock::real().timeout(Duration::from_secs(150), read).await.unwrap_or_else(|_| panic!("never said: {words}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sync_shows_its_plan_and_stops_there_if_asked_to() {
    let mut place = Place::new(&map("settings")).await;
    sync(&place, &["--wait"]).await.expect(0);
    place.world.deploys(&(hook("good", "PreSync", "") + &map("settings") + &map("more")));
    let text = sync(&place, &["--dry-run"]).await;
    insta::assert_snapshot!("sync_dry_run", text.shown());
    let plan = sync(&place, &["--dry-run", "-o", "json"]).await.expect(0).document();
    assert_eq!((&plan["kind"], &plan["sources"][0]["behind"]), (&json!("SyncPlan"), &json!(1)), "{plan:#}");
    let without = sync(&place, &["--dry-run", "-o", "json", "--apply-only"]).await.expect(0).document();
    let hooks =
        |plan: &Value| plan["tasks"].as_array().unwrap().iter().filter(|task| task.get("hook").is_some()).count();
    assert_eq!((hooks(&plan), hooks(&without)), (1, 0));
    assert!(!busy(&place, "shop"));
    place.run(&[&SYNC[..], &["--dry-run", "--revision", "unheard-of"]].concat()).await.expect(1);
    place.world.kill();
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sync_follows_phases_and_hooks_to_the_end() {
    let place = Place::new(&(hook("good", "PreSync", "") + &map("settings"))).await;
    let text = sync(&place, &["--wait"]).await.expect(0);
    for words in ["PreSync hook Job/good ✔ succeeded", "Sync ConfigMap/settings ✓ applied", "shop: succeeded in "] {
        assert!(text.out.contains(words), "{words}: {text:#?}");
    }
    let commit = place.world.deploys(&(hook("good", "PreSync", "") + &map("settings") + &map("more")));
    let documents = sync(&place, &["--wait", "-o", "json", "--info", "ticket=12"]).await.expect(0).documents();
    let kinds: Vec<&str> = documents.iter().map(|document| document["kind"].as_str().unwrap()).collect();
    assert_eq!((kinds.first(), kinds.last()), (Some(&"SyncPlan"), Some(&"Result")), "{kinds:?}");
    let result = documents.last().unwrap();
    assert_eq!((&result["outcome"], &result["revisions"]), (&json!("Succeeded"), &json!([commit])));
    let hooks = |document: &&Value| document["type"] == "Task" && document["isHook"] == true;
    assert!(documents.iter().filter(hooks).any(|event| event["to"] == "succeeded"), "{documents:#?}");
    let operation = &place.world.application()["status"]["operationState"]["operation"];
    assert_eq!(operation["info"][0], json!({"name": "ticket", "value": "12"}));
    assert_eq!(operation["sync"]["revision"], json!(commit), "pinned to what was shown");
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sync_shows_the_log_of_a_hook_that_failed() {
    let place = Place::new(&(hook("bad", "PreSync", "HookFailed") + &map("settings"))).await;
    place.keeps_hooks_until_read();
    let text = sync(&place, &["--wait"]).await.expect(4);
    assert!(text.out.contains("--- log of shop PreSync Job/bad"), "{text:#?}");
    assert!(text.out.ends_with("connecting to the database\nERROR: relation orders does not exist\n"), "{text:#?}");
    assert!(text.err.contains("(PreSync Job/bad)"), "{text:#?}");
    place.keeps_hooks_until_read();
    let documents = sync(&place, &["--wait", "-o", "json", "--log-lines", "1"]).await.expect(4).documents();
    let logs: Vec<_> = documents.iter().filter(|document| document["type"] == "Log").collect();
    assert_eq!((logs.len(), &logs[0]["message"]), (1, &json!("ERROR: relation orders does not exist")));
    let result = documents.iter().find(|document| document["kind"] == "Result").unwrap();
    assert_eq!((&result["outcome"], &result["failed"]), (&json!("HookFailed"), &json!(["Job/bad"])));
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_the_time_ends_the_waiting_and_only_if_asked_for_the_sync() {
    let mut place = Place::new(&hook("slow", "PreSync", "")).await;
    let late = sync(&place, &["--wait", "--timeout", "1s"]).await.expect(6);
    assert!(late.err.contains("it goes on, and boathook abort argocd/shop ends it"), "{late:#?}");
    assert!(busy(&place, "shop"));
    let second = sync(&place, &["--wait"]).await.expect(7);
    assert!(second.err.contains("shop: an operation of "), "{second:#?}");
    place.run(&["abort", "shop", "-y", "--wait"]).await.expect(0);
    assert!(!busy(&place, "shop"));
    let aborted = sync(&place, &["--wait", "--timeout", "1s", "--abort-on-timeout"]).await.expect(6);
    assert!(aborted.err.contains("was not over in time, and was aborted: Operation terminated"), "{aborted:#?}");
    assert_eq!((busy(&place, "shop"), phase(&place)), (false, json!("Failed")));
    place.world.kill();
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupt_says_that_the_sync_goes_on_and_how_to_end_it() {
    let place = Place::new(&hook("slow", "PreSync", "")).await;
    let mut child = place.command(&[&SYNC[..], &["--wait"]].concat()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    until_said(&mut lines, "hook Job/slow ◐ running").await;
    interrupt(&child);
    let ended = done(child).await.expect(130);
    assert!(ended.err.contains("boathook: interrupted; the operation of shop goes on"), "{ended:#?}");
    assert!(ended.err.contains("try: boathook abort argocd/shop, to end it"), "{ended:#?}");
    assert!(busy(&place, "shop"));
    // Somebody else ends it.
    let waiting = place.command(&["wait", "shop", "--for", "operation"]).spawn().unwrap();
    place.run(&["abort", "shop", "--wait"]).await.expect(0);
    done(waiting).await.expect(5);
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_output_does_not_end_a_sync() {
    let place = Place::new(&(hook("bad", "PreSync", "") + &map("settings"))).await;
    let mut child = place.command(&[&SYNC[..], &["--wait"]].concat()).spawn().unwrap();
    drop(child.stdout.take());
    let ended = done(child).await.expect(4);
    assert!(!ended.err.contains("cannot write"), "{ended:#?}");
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_operators_one_wins_and_the_other_is_told_who() {
    let place = Place::new(&hook("slow", "PreSync", "")).await;
    let [ada, grace] = ["ada", "grace"].map(|name| place.user(name));
    let as_user = |kubeconfig: &str| {
        let arguments = [&SYNC[..], &["--kubeconfig", kubeconfig]].concat();
        done(place.command(&arguments).spawn().unwrap())
    };
    for _ in 0..3 {
        let (one, other) = tokio::join!(as_user(&ada), as_user(&grace));
        let (winner, loser, name) = if one.code == 0 { (one, other, "ada") } else { (other, one, "grace") };
        winner.expect(0);
        let loser = loser.expect(7);
        assert!(loser.err.contains(&format!("shop: an operation of {name} is in progress")), "{loser:#?}");
        let by = place.world.application()["operation"]["initiatedBy"]["username"].clone();
        assert_eq!(by, json!(name), "what was sent is the winner's");
        place.run(&["abort", "shop", "--wait"]).await.expect(0);
    }
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_sent_that_would_be_refused() {
    let place = Place::new(&map("settings")).await;
    let read_only = sync(&place, &["--read-only"]).await.expect(7);
    assert!(read_only.err.contains("--read-only"), "{read_only:#?}");
    sync(&place, &["--timeout", "5s"]).await.expect(2);
    sync(&place, &["--wait", "--abort-on-timeout"]).await.expect(2);
    sync(&place, &["--resource", "Deployment"]).await.expect(2);
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_controller_nothing_is_sent_and_the_command_that_starts_one_is_told() {
    let place = Place::without_engine(&(hook("good", "PreSync", "") + &map("settings"))).await;
    let refused = sync(&place, &["--wait"]).await.expect(7);
    let words = "boathook: shop: no controller acts on operations here; start one with: boathook engine\n";
    assert!(refused.err.ends_with(words), "{refused:#?}");
    assert!(!busy(&place, "shop"));
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn that_the_controller_has_gone_is_said_while_a_sync_is_followed() {
    let mut place = Place::new(&hook("slow", "PreSync", "")).await;
    let mut child = place.command(&[&SYNC[..], &["--wait"]].concat()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    until_said(&mut lines, "hook Job/slow ◐ running").await;
    place.world.kill();
    place.world.simulator.store().remove_raw(&LEASES, "argocd", "boathook-engine");
    let mut notes = BufReader::new(child.stderr.take().unwrap()).lines();
    until_said(&mut notes, "boathook: no controller acts on operations here; start one with: boathook engine").await;
    place.world.start().await;
    place.run(&["abort", "shop", "-y"]).await.expect(0);
    assert_eq!(done(child).await.code, 5);
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_syncs_one_fails_and_each_has_its_result() {
    const MANY: usize = 200;
    let mut place = Place::new(&map("settings")).await;
    let names: Vec<String> = (1..MANY - 1).map(|number| format!("app-{number:03}")).collect();
    for name in &names {
        place.world.write(&format!("{name}/all.yaml"), &map(name));
    }
    place.add("broken", &json!({}), &hook("bad", "PreSync", ""));
    for name in &names {
        place.add_at(name, name, &json!({"fleet": "many"}));
    }
    let child = place.command(&["sync", "--all", "-y", "--wait", "-o", "json", "--allow-file-repositories"]);
    let documents = super::place::done_within(child, Duration::from_secs(600)).await.expect(4).documents();
    let results: Vec<_> = documents.iter().filter(|document| document["kind"] == "Result").collect();
    let failed: Vec<_> = results.iter().filter(|result| result["outcome"] != "Succeeded").collect();
    assert_eq!((results.len(), failed.len()), (MANY, 1), "{failed:#?}");
    assert_eq!((&failed[0]["application"], &failed[0]["outcome"]), (&json!("broken"), &json!("HookFailed")));
    let summary = documents.iter().find(|document| document["kind"] == "Summary").unwrap();
    assert_eq!((summary["total"].as_u64(), summary["exitCode"].as_u64()), (Some(MANY as u64), Some(4)));
    place.world.kill();
    place.stop().await;
}
