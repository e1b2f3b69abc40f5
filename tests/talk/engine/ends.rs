//! What becomes of hooks when their operation ends, whichever way it ends; and how often it is tried again.

use std::collections::BTreeSet;

use boathook::domain::scenario::{AccessRule, Pattern};
use boathook::sim::resource::{CONFIG_MAPS, JOBS};
use boathook::sim::store::EventKind;
use serde_json::json;

use super::rows::{hook, map, shop};
use super::world::{World, phase, results};

const SLOW: &str = "waiting for completion of hook batch/Job/slow";

fn terminate(world: &World) {
    world.edit(|application| application["status"]["operationState"]["phase"] = json!("Terminating"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_ends_hooks_by_all_their_policies_and_those_of_helm() {
    // Each policy, and the Jobs that are left after success and after failure.
    for (policy, after_success, after_failure) in [
        ("\"HookSucceeded,HookFailed\"", vec![], vec!["bad"]),
        ("\" HookSucceeded , HookSucceeded \"", vec![], vec!["bad", "good"]),
        ("Garbage", vec!["good"], vec!["bad", "good"]),
        ("hooksucceeded", vec!["good"], vec!["bad", "good"]),
        ("\"BeforeHookCreation,HookFailed\"", vec!["good"], vec!["bad"]),
        // Helm's are added to Argo CD's.
        ("HookFailed\n    helm.sh/hook-delete-policy: hook-succeeded", vec![], vec!["bad"]),
        ("\"\"\n    helm.sh/hook-delete-policy: hook-succeeded", vec![], vec!["bad", "good"]),
    ] {
        let good = hook("good", "PreSync", policy);
        let mut world = shop(&good).await;
        assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded", "{policy}");
        world.left(&JOBS, &after_success).await;
        world.deploys(&(good + &hook("bad", "PostSync", "")));
        assert_eq!(phase(&world.synced(&json!({})).await), "Failed", "{policy}");
        world.left(&JOBS, &after_failure).await;
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_never_prunes_hooks_that_git_has_no_more() {
    let mut world = shop(&(hook("good", "PreSync", "") + &map("a", "", "1"))).await;
    world.synced(&json!({})).await;
    world.deploys(&map("a", "", "1"));
    let state = world.synced(&json!({"prune": true})).await;
    assert_eq!(results(&state), ["Sync ConfigMap/a Synced Running configmap/a unchanged"]);
    assert_eq!(world.names(&JOBS), ["good"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_terminate_records_what_had_ended_and_leaves_what_was_applied() {
    let first = hook("good", "PreSync", "") + &hook("passed", "PreSync", "HookFailed");
    let manifests =
        first + &map("a", "", "1") + &hook("slow", "Sync", "HookSucceeded") + &hook("never", "PostSync", "");
    let mut world = shop(&manifests).await;
    world.sync(&json!({}));
    world.until_message(SLOW).await;
    terminate(&world);
    let state = world.end().await;
    assert_eq!((phase(&state).as_str(), state.message.as_str()), ("Failed", "Operation terminated"));
    assert_eq!(
        results(&state),
        [
            "PreSync Job/good Synced Succeeded Reached expected number of succeeded pods",
            "PreSync Job/passed Synced Succeeded Reached expected number of succeeded pods",
            "Sync ConfigMap/a Synced Running configmap/a created",
            "Sync Job/slow Synced Failed Terminated",
        ]
    );
    // The operation failed, which is what counts for HookFailed.
    world.left(&JOBS, &["good"]).await;
    assert_eq!(world.names(&CONFIG_MAPS), ["a"]);
    let job = world.get(&JOBS, "shop", "good").unwrap();
    assert_eq!(job["metadata"].get("finalizers"), None);
    assert_eq!(world.application()["status"].get("history"), None);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_terminate_ends_the_wait_for_a_retry() {
    let mut world = shop(&hook("bad", "PreSync", "")).await;
    let retry = json!({"limit": 5, "backoff": {"duration": "1h", "maxDuration": "2h"}});
    world.request(&json!({"sync": {}, "retry": retry}));
    world.until("a retry", |_, state| state.is_waiting_for_retry()).await;
    terminate(&world);
    let state = world.end().await;
    assert_eq!((phase(&state).as_str(), state.message.as_str()), ("Failed", "Operation terminated (retried 1 times)."));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_terminate_tells_what_it_could_not_delete() {
    let mut world = shop(&hook("slow", "PreSync", "")).await;
    world.sync(&json!({}));
    world.until_message(SLOW).await;
    let words = |words: &[&str]| words.iter().map(|word| Pattern::new(*word)).collect::<Vec<_>>();
    let rule = AccessRule {
        allow: false,
        verbs: words(&["delete"]),
        groups: Vec::new(),
        resources: words(&["jobs"]),
        namespaces: words(&["shop"]),
        names: Vec::new(),
        reason: String::new(),
    };
    world.simulator.access().restrict("admin", &[rule]);
    terminate(&world);
    let state = world.end().await;
    assert_eq!((phase(&state).as_str(), state.message.as_str()), ("Error", "Operation termination had errors"));
    let told = results(&state).concat();
    assert!(
        told.contains("cannot delete resource \"jobs\" in API group \"batch\" in the namespace \"shop\""),
        "{told}"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_retries_run_everything_again_and_say_when() {
    let mut world = shop(&(hook("good", "PreSync", "") + &hook("bad", "PostSync", ""))).await;
    let store = world.simulator.store();
    let mut changes = store.watch(&JOBS, store.revision()).unwrap();
    let retry = json!({"limit": 1, "backoff": {"duration": "0.01s"}});
    world.request(&json!({"sync": {}, "retry": retry}));
    let state = world.end().await;
    assert_eq!(state.message, "one or more synchronization tasks completed unsuccessfully (retried 1 times).");
    let mut made = Vec::new();
    while let Some(event) = changes.try_next().unwrap() {
        if event.kind == EventKind::Added {
            made.push(event.object.name().to_owned());
        }
    }
    assert_eq!(made, ["good", "bad", "good", "bad"], "also what had succeeded");
    let messages: Vec<&str> = world.states.iter().map(|state| state.message.as_str()).collect();
    let waits = "one or more synchronization tasks completed unsuccessfully. Retrying attempt #1 at ";
    let wait =
        messages.iter().find_map(|message| message.strip_prefix(waits)).unwrap_or_else(|| panic!("{messages:?}"));
    let time: Vec<char> = wait.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert!(["0:00AM.", "0:00PM.", "00:00AM.", "00:00PM."].contains(&&*time.iter().collect::<String>()), "{wait}");
    let again = world.states.iter().find(|state| state.message == "Retrying operation. Attempt #1").unwrap();
    assert_eq!((again.finished_at, results(again).len(), again.retry_count), (None, 0, 1));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_retries_errors_too_and_without_end_where_asked() {
    let mut world = shop(&map("a", "", "1")).await;
    let retry = json!({"limit": 2, "backoff": {"duration": "0.01s"}});
    world.request(&json!({"sync": {"revision": "nowhere"}, "retry": retry}));
    let state = world.end().await;
    assert_eq!((phase(&state).as_str(), state.retry_count), ("Error", 2));
    assert!(state.message.contains("nowhere") && state.message.ends_with("(retried 2 times)."), "{}", state.message);
    // Neither a limit of 0 nor none at all means any.
    for retry in [json!({"limit": 0}), json!(null)] {
        world.request(&json!({"sync": {"revision": "nowhere"}, "retry": retry}));
        let state = world.end().await;
        assert_eq!(state.retry_count, 0);
        assert!(!state.message.contains("retried"), "{}", state.message);
    }
    world.deploys(&hook("bad", "PreSync", ""));
    let retry = json!({"limit": -1, "backoff": {"duration": "0.01s", "factor": 1}});
    world.request(&json!({"sync": {}, "retry": retry}));
    world.until("many attempts", |_, state| state.retry_count == 4).await;
    terminate(&world);
    let state = world.end().await;
    assert_eq!(phase(&state), "Failed");
    let starts: BTreeSet<_> =
        world.states.iter().filter(|state| state.retry_count > 2).map(|state| state.started_at).collect();
    assert_eq!(starts.len(), 1);
    world.stop().await;
}
