//! The other commands that ask for something, and what they leave behind: history, hooks, logs.

use std::fmt::Write as _;

use boathook::sim::resource::{APP_PROJECTS, APPLICATIONS, JOBS};
use serde_json::json;

use super::place::{Place, Said, hook, map, masked};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_syncs_are_retried_and_resumed_and_hooks_run_again() {
    let mut place = Place::new(&(hook("good", "PreSync", "") + &hook("bad", "PostSync", "") + &map("settings"))).await;
    place.run(&["retry", "shop", "-y"]).await.expect(7);
    place.world.synced(&json!({})).await;
    let retried = place.run(&["retry", "shop", "-y", "--wait"]).await.expect(4);
    assert!(retried.out.contains("hook Job/good"), "{retried:#?}");
    let resumed = place.run(&["resume", "shop", "-y", "--wait", "-o", "json"]).await.expect(4);
    let result = resumed.documents().into_iter().find(|document| document["kind"] == "Result").unwrap();
    assert_eq!((&result["command"], &result["failed"]), (&json!("resume"), &json!(["Job/bad"])));
    place.run(&["rerun", "shop", "good", "-y", "--why", "to be sure"]).await.expect(0);
    assert!(place.world.names(&JOBS).len() > 2, "{:?}", place.world.names(&JOBS));
    place.run(&["rerun", "shop", "unheard-of", "-y"]).await.expect(8);
    place.run(&["abort", "shop", "-y"]).await.expect(7);
    place.run(&["abort", "gone", "-y"]).await.expect(8);
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_resumed_is_not_sent_or_told_as_refused_and_not_as_a_hook_that_failed() {
    let mut place = Place::new(&(hook("bad", "PreSync", "") + &map("settings"))).await;
    place.world.synced(&json!({})).await;
    let before = place.world.application()["status"]["operationState"].clone();
    let refused = place.run(&["resume", "shop", "-y", "--wait"]).await.expect(7);
    let words = "boathook: shop: it cannot be resumed: nothing in the failed operation succeeded, so there is nothing to \
                 continue from\n";
    assert_eq!(refused.err, words);
    let application = place.world.application();
    assert_eq!((application.get("operation"), &application["status"]["operationState"]), (None, &before));
    // What only the engine can know, it refuses.
    place.world.deploys(&(hook("good", "PreSync", "") + &hook("bad", "PostSync", "") + &map("settings")));
    place.world.synced(&json!({})).await;
    place.world.edit(|application| application["spec"]["source"]["directory"] = json!({"exclude": "all.yaml"}));
    let refused = place.run(&["resume", "shop", "-y", "--wait"]).await.expect(3);
    assert!(refused.err.contains(": the operation cannot be resumed: the same revision now renders"), "{refused:#?}");
    assert!(!refused.out.contains("Job/") && !refused.err.contains("Job/"), "{refused:#?}");
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_for_is_told_as_documents() {
    let mut place = Place::new(&map("first")).await;
    place.world.synced(&json!({})).await;
    place.world.deploys(&(hook("bad", "PreSync", "") + &map("first")));
    place.world.synced(&json!({})).await;
    let mut told = String::new();
    for arguments in [
        &["retry", "shop", "-y", "--wait", "--log-lines", "0"][..],
        &["rerun", "shop", "bad", "-y"],
        &["rollback", "shop", "0", "-y", "--wait"],
        &["refresh", "shop", "--wait"],
        &["abort", "shop", "-y"],
        &["approve", "shop", "--prune", "-y"],
    ] {
        let done = place.run(&[arguments, &["-o", "json"]].concat()).await;
        let results: Vec<_> = done.documents().into_iter().filter(|document| document["kind"] == "Result").collect();
        let [result] = &results[..] else { panic!("{arguments:?}: {done:#?}") };
        writeln!(told, "{} -> {}\n{result:#}", arguments.join(" "), done.code).unwrap();
    }
    insta::assert_snapshot!("asked_for", masked(&told));
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_deployed_is_deployed_again() {
    let mut place = Place::new(&map("first")).await;
    place.world.synced(&json!({})).await;
    place.run(&["rollback", "shop", "-y"]).await.expect(8);
    place.world.deploys(&map("second"));
    place.world.synced(&json!({})).await;
    place.run(&["rollback", "shop", "77", "-y"]).await.expect(8);
    place.run(&["rollback", "shop", "-y", "--wait"]).await.expect(0);
    let history = place.run(&["get", "history", "shop", "-o", "json"]).await.expect(0).document();
    let deployments = history["deployments"].as_array().unwrap();
    assert_eq!(deployments.len(), 3, "{history:#}");
    assert_eq!(deployments[0]["revisions"], deployments[2]["revisions"]);
    let last = history["operations"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["phase"], &last["revisions"]), (&json!("Succeeded"), &deployments[2]["revisions"]));
    let text = place.run(&["get", "history", "shop"]).await.expect(0);
    assert!(text.out.starts_with("Deployed\nID  REVISION"), "{text:#?}");
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn applications_are_compared_and_reviewed_revisions_approved() {
    let mut place = Place::new(&map("first")).await;
    let first = place.world.deploys(&map("begin"));
    place.world.synced(&json!({})).await;
    let second = place.world.deploys(&map("second"));
    let compared = place.run(&["refresh", "shop", "--wait", "--timeout", "60s"]).await.expect(0);
    assert!(compared.out.starts_with("shop: OutOfSync, "), "{compared:#?}");
    place.run(&["refresh", "--all", "--hard"]).await.expect(0);
    let moved = place.run(&["approve", "shop", "--revision", &first, "--allow-file-repositories"]).await.expect(7);
    assert!(moved.err.contains(", and not "), "{moved:#?}");
    let more = ["--wait", "--allow-file-repositories"];
    place.run(&[&["approve", "shop", "--revision", &second[..9]][..], &more].concat()).await.expect(0);
    assert_eq!(place.world.application()["status"]["operationState"]["syncResult"]["revision"], json!(second));
    place.run(&["approve", "shop"]).await.expect(2);
    place.run(&["approve", "shop", "--prune"]).await.expect(7);
    place.run(&["approve", "shop", "--delete"]).await.expect(7);
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_are_read_while_they_are_written_and_after_their_pods_are_gone() {
    let mut place = Place::new(&(hook("bad", "PreSync", "HookFailed") + &map("settings"))).await;
    place.keeps_hooks_until_read();
    place.run(&["sync", "shop", "-y", "--wait", "--allow-file-repositories"]).await.expect(4);
    place.world.left(&JOBS, &[]).await;
    let kept = place.run(&["logs", "shop", "bad"]).await.expect(0);
    assert_eq!(kept.out, "connecting to the database\nERROR: relation orders does not exist\n");
    let times = place.run(&["logs", "shop", "Job/bad", "--timestamps", "--all-attempts"]).await.expect(0);
    assert!(times.out.lines().all(|line| line.starts_with("20") && line.contains("Z ")), "{times:#?}");
    let documents = place.run(&["logs", "shop", "-o", "json", "--phase", "presync"]).await.expect(0).documents();
    assert_eq!((documents.len(), &documents[0]["hook"]), (2, &json!("bad")), "{documents:#?}");
    assert_eq!(place.run(&["logs", "shop", "--phase", "PostSync"]).await.expect(8).out, "");
    let unknown = place.run(&["logs", "shop", "other"]).await.expect(8);
    assert!(unknown.err.contains("PreSync hook Job/bad failed"), "{unknown:#?}");
    place.world.deploys(&hook("slow", "PreSync", ""));
    place.world.sync(&json!({}));
    place.world.until_message("waiting for completion of hook batch/Job/slow").await;
    let mut following = place.command(&["logs", "shop", "slow", "-f"]).spawn().unwrap();
    let mut lines = Said::of(following.stdout.take());
    lines.until("still at work").await;
    place.run(&["wait", "shop", "--for", "operation", "--timeout", "0.1s"]).await.expect(6);
    place.run(&["abort", "shop", "-y", "--wait"]).await.expect(0);
    super::place::done(following).await.expect(0);
    assert_eq!(lines.all().await, ["still at work"]);
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_requested_a_moment_ago_is_aborted_once_it_has_begun() {
    let mut place = Place::new(&hook("slow", "PreSync", "")).await;
    place.world.kill();
    place.world.sync(&json!({}));
    let mut abort = place.command(&["abort", "shop", "-y", "--wait"]).spawn().unwrap();
    let mut notes = Said::of(abort.stderr.take());
    notes.until("boathook: shop: the operation was not begun yet; its begin is waited for").await;
    place.world.start().await;
    super::place::done(abort).await.expect(0);
    let state = &place.world.application()["status"]["operationState"];
    assert_eq!(state["message"], json!("Operation terminated"), "{state:#}");
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_begin_is_waited_for_no_longer_than_one_says() {
    let mut place = Place::new(&hook("slow", "PreSync", "")).await;
    place.world.kill();
    place.world.sync(&json!({}));
    let late = place.run(&["abort", "shop", "-y", "--wait", "--timeout", "2s"]).await.expect(6);
    let words = "boathook: shop: its operation has not begun after 2s, and was not aborted";
    assert!(late.err.contains("; its begin is waited for\n") && late.err.contains(words), "{late:#?}");
    assert!(place.world.application().get("operation").is_some(), "nothing was sent");
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hooks_and_windows_are_shown() {
    let mut place = Place::new(&(hook("good", "PreSync", "") + &map("settings"))).await;
    let none = place.run(&["get", "windows"]).await.expect(0);
    assert_eq!(none.err, "no sync windows: a sync may run at any time\n");
    place.world.synced(&json!({})).await;
    let hooks = place.run(&["get", "hooks", "shop", "-o", "json"]).await.expect(0).document();
    let items = hooks["items"].as_array().unwrap();
    assert_eq!((items.len(), &items[0]["name"], &items[0]["state"]), (1, &json!("good"), &json!("succeeded")));
    insta::assert_snapshot!("get_hooks", place.run(&["get", "hooks", "shop"]).await.shown());
    place.world.create(
        &APP_PROJECTS,
        json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "default", "namespace": "argocd"},
            "spec": {
                "sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}],
                "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
                "syncWindows": [{"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]}]
            }
        }),
    );
    let windows = place.run(&["get", "windows", "-o", "json"]).await.expect(0).document();
    assert_eq!((&windows["items"][0]["window"], &windows["items"][0]["open"]), (&json!("deny"), &json!(true)));
    let refused = place.run(&["sync", "shop", "-y", "--allow-file-repositories"]).await.expect(7);
    assert!(refused.err.contains("a sync window denies it"), "{refused:#?}");
    assert!(place.world.get(&APPLICATIONS, "argocd", "shop").unwrap().get("operation").is_none());
    place.stop().await;
}
