//! Somebody else's operation comes after the one that is followed, whose end was not seen: a process that was stopped, or
//! a watch that broke and was listed anew.

use boathook::domain::scenario::{Pattern, RequestMatch};
use boathook::sim::faults::{Action, Failure, Fault, WatchOrder, requests};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use super::place::{Done, Place, done, hook, map};
use super::sync::{signal, until_said};

const SYNC: [&str; 4] = ["sync", "shop", "-y", "--allow-file-repositories"];

/// Requests of the program, and not of the engine.
fn of_program(verbs: &[&str]) -> RequestMatch {
    RequestMatch { user_agents: vec![Pattern::new("boathook/*")], ..requests(verbs, &["applications"]) }
}

/// What is followed sees nothing of its application from now on.
fn go_blind(place: &Place) {
    place.world.simulator.faults().order(of_program(&["watch"]), WatchOrder::Stall);
}

/// It lists everything anew.
fn see_again(place: &Place) {
    place.world.simulator.faults().order(of_program(&["watch"]), WatchOrder::Expire);
}

fn state(place: &Place) -> Value {
    place.world.application().pointer("/status/operationState").cloned().unwrap_or_default()
}

/// A sync that is followed, with its hook running, and what it says from then on.
async fn followed(place: &Place) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child = place.command(&[&SYNC[..], &["--wait"]].concat()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    until_said(&mut lines, "hook Job/slow ◐ running").await;
    (child, lines)
}

/// Grace ends what runs and syncs something else.
async fn grace_syncs(place: &Place) -> Done {
    let grace = place.user("grace");
    place.run(&["abort", "shop", "-y", "--wait", "--kubeconfig", &grace]).await.expect(0);
    place.world.deploys(&map("settings"));
    place.run(&[&SYNC[..], &["--wait", "--kubeconfig", &grace]].concat()).await.expect(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_operation_comes_to_is_not_the_outcome_of_the_own_one() {
    let place = Place::new(&hook("slow", "PreSync", "")).await;
    let (child, _said) = followed(&place).await;
    go_blind(&place);
    grace_syncs(&place).await;
    assert_eq!(state(&place)["phase"], json!("Succeeded"));
    see_again(&place);
    let ended = done(child).await.expect(7);
    let words = "boathook: shop: its operation is over, and another operation of grace has begun since: how its own ended \
                 was not seen\n";
    assert!(ended.err.ends_with(words), "{ended:#?}");
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_succeeded_unseen_is_found_in_the_history() {
    let mut place = Place::new(&hook("slow", "PreSync", "")).await;
    let (child, mut said) = followed(&place).await;
    go_blind(&place);
    // Its controller ends it well.
    place.world.kill();
    place.world.edit(|application| {
        application.as_object_mut().unwrap().remove("operation");
        let state = &mut application["status"]["operationState"];
        state["phase"] = json!("Succeeded");
        state["finishedAt"] = state["startedAt"].clone();
        let started = state["startedAt"].clone();
        let revision = state["operation"]["sync"]["revision"].clone();
        application["status"]["history"] =
            json!([{"id": 0, "revision": revision, "deployStartedAt": started, "deployedAt": started}]);
    });
    place.world.start().await;
    // The one after it fails.
    let grace = place.user("grace");
    place.world.deploys(&hook("bad", "PreSync", ""));
    place.run(&[&SYNC[..], &["--wait", "--kubeconfig", &grace]].concat()).await.expect(4);
    see_again(&place);
    until_said(&mut said, "shop: succeeded, as its history says; another operation of grace has begun since").await;
    done(child).await.expect(0);
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_stopped_meanwhile_hears_of_the_own_operation_only() {
    let place = Place::new(&hook("slow", "PreSync", "")).await;
    let (child, _said) = followed(&place).await;
    signal(&child, rustix::process::Signal::STOP);
    grace_syncs(&place).await;
    signal(&child, rustix::process::Signal::CONT);
    let ended = done(child).await;
    // It may have been told in full what happened, or only how it is now.
    assert!([5, 7].contains(&ended.code), "{ended:#?}");
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_the_time_aborts_nobody_elses_operation() {
    let mut place = Place::new(&hook("slow", "PreSync", "")).await;
    let arguments = [&SYNC[..], &["--wait", "--timeout", "3s", "--abort-on-timeout"]].concat();
    let mut child = place.command(&arguments).spawn().unwrap();
    // On a slow machine it is aborted before its hook is there, or has been aborted already.
    let is_there = |application: &Value, _: &_| application.pointer("/status/operationState/startedAt").is_some();
    place.world.until("the begin", is_there).await;
    signal(&child, rustix::process::Signal::STOP);
    go_blind(&place);
    let grace = place.user("grace");
    place.run(&["abort", "shop", "-y", "--wait", "--kubeconfig", &grace]).await;
    place.world.until("the end", |application, _| application.get("operation").is_none()).await;
    place.run(&[&SYNC[..], &["--kubeconfig", &grace]].concat()).await.expect(0);
    place.world.until_message("waiting for completion of hook batch/Job/slow").await;
    signal(&child, rustix::process::Signal::CONT);
    let mut notes = BufReader::new(child.stderr.take().unwrap()).lines();
    // Or it has ended by itself.
    while notes.next_line().await.unwrap().is_some_and(|line| !line.contains("not over after 3s: aborting")) {}
    see_again(&place);
    while notes.next_line().await.unwrap().is_some() {}
    let ended = done(child).await;
    assert!([6, 7].contains(&ended.code), "{ended:#?}");
    let state = state(&place);
    assert_eq!((&state["phase"], &state["operation"]["initiatedBy"]["username"]), (&json!("Running"), &json!("grace")));
    place.run(&["abort", "shop", "-y", "--wait"]).await.expect(0);
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn that_the_end_of_the_time_may_not_abort_ends_the_waiting() {
    let mut place = Place::new(&hook("slow", "PreSync", "")).await;
    place.world.refreshed().await;
    // The first is the sync.
    let refused = Fault::new(of_program(&["patch"]), Action::Fail(Failure::Forbidden)).skip(1);
    place.world.simulator.faults().add(refused);
    let arguments = [&SYNC[..], &["--wait", "--timeout", "1s", "--abort-on-timeout"]].concat();
    let ended = place.run(&arguments).await.expect(9);
    assert!(ended.err.contains("shop: not over in time, and it goes on: it cannot be aborted: "), "{ended:#?}");
    assert_eq!(state(&place)["phase"], json!("Running"));
    place.world.kill();
    place.stop().await;
}
