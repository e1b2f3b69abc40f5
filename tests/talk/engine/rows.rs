//! Policies of hooks, termination, retries, resuming, rollback: one test a rule.

use boathook::sim::resource::{CONFIG_MAPS, JOBS, PODS};
use serde_json::{Value, json};

use super::away::complete_the_hook;
use super::world::{Setup, World, phase, results};

/// Pods of the Job `bad` fail, those of `slow` run until they are stopped, all others pass.
const PODS_OF_JOBS: &str = "  pods:
  - match: {owner: {kind: Job, name: bad}}
    exitCode: 1
  - match: {owner: {kind: Job, name: slow}}
    run: forever
    stop: {after: 0.1s, exitCode: 0}
";

pub(super) fn hook(name: &str, hooks: &str, policies: &str) -> String {
    let policies = if policies.is_empty() {
        String::new()
    } else {
        format!("    argocd.argoproj.io/hook-delete-policy: {policies}\n")
    };
    format!(
        "---\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {name}\n  annotations:\n    argocd.argoproj.io/hook: {hooks}\n{policies}spec:\n  backoffLimit: 0\n  template:\n    spec:\n      restartPolicy: Never\n      containers: [{{name: main, image: busybox, command: [run]}}]\n"
    )
}

pub(super) fn map(name: &str, annotations: &str, value: &str) -> String {
    let annotations = if annotations.is_empty() { String::new() } else { format!(", annotations: {{{annotations}}}") };
    format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}{annotations}}}\ndata: {{a: \"{value}\"}}\n")
}

pub(super) async fn shop(manifests: &str) -> World {
    // What is compared first is what was deployed: else the next look at Git is that of the interval.
    let mut world = World::new(&Setup::made(PODS_OF_JOBS)).await;
    world.deploys(manifests);
    world.make_application(&json!({}));
    world.start().await;
    world
}

fn uid(world: &World, name: &str) -> String {
    world.get(&JOBS, "shop", name).unwrap()["metadata"]["uid"].as_str().unwrap().to_owned()
}

fn finalizers(world: &World, name: &str) -> Value {
    world.get(&JOBS, "shop", name).unwrap().pointer("/metadata/finalizers").cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_hook_before_hook_creation_is_made_anew_in_each_sync() {
    let mut world = shop(&hook("good", "PreSync", "")).await;
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded");
    let first = uid(&world, "good");
    assert_eq!(finalizers(&world, "good"), Value::Null, "the hook finalizer is gone");
    world.states.clear();
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded");
    assert_ne!(uid(&world, "good"), first);
    let messages: Vec<&str> = world.states.iter().map(|state| state.message.as_str()).collect();
    assert!(messages.contains(&"waiting for deletion of hook batch/Job/good"), "{messages:?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_hook_that_does_not_run_is_made_anew_or_applied_over_as_its_policy_says() {
    // Without any policy it is `BeforeHookCreation`.
    for (policy, is_made_anew) in [("", true), ("BeforeHookCreation", true), ("HookFailed", false)] {
        let hook = |value: &str| {
            let policy = if policy.is_empty() {
                String::new()
            } else {
                format!(", argocd.argoproj.io/hook-delete-policy: {policy}")
            };
            map("settings", &format!("argocd.argoproj.io/hook: PreSync{policy}"), value)
        };
        let mut world = shop(&hook("1")).await;
        let settings = |world: &World| world.get(&CONFIG_MAPS, "shop", "settings").unwrap();
        assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded", "{policy:?}");
        let first = settings(&world);
        world.deploys(&hook("2"));
        assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded", "{policy:?}");
        let second = settings(&world);
        assert_eq!(second["metadata"]["uid"] != first["metadata"]["uid"], is_made_anew, "{policy:?}");
        assert_eq!(second["data"]["a"], "2", "{policy:?}");
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_hook_succeeded_goes_when_the_operation_succeeds_and_only_then() {
    let mut world = shop(&(hook("good", "PreSync", "HookSucceeded") + &map("a", "", "1"))).await;
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded");
    world.left(&JOBS, &[]).await;
    world.deploys(&(hook("good", "PreSync", "HookSucceeded") + &hook("bad", "PostSync", "HookSucceeded")));
    assert_eq!(phase(&world.synced(&json!({})).await), "Failed");
    assert_eq!(world.names(&JOBS), ["bad", "good"], "what the hook itself did does not matter");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_hook_failed_goes_when_the_operation_fails_also_if_it_succeeded_itself() {
    let mut world = shop(&(hook("good", "PreSync", "HookFailed") + &hook("bad", "PostSync", "HookFailed"))).await;
    let state = world.synced(&json!({})).await;
    assert_eq!(phase(&state), "Failed");
    world.left(&JOBS, &[]).await;
    assert_eq!(state.message, "one or more synchronization tasks completed unsuccessfully");
    world.deploys(&hook("good", "PreSync", "HookFailed"));
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded");
    assert_eq!(world.names(&JOBS), ["good"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_hook_that_failed_before_is_made_anew_whatever_its_policy_is() {
    let mut world = shop(&hook("bad", "PreSync", "HookSucceeded")).await;
    assert_eq!(phase(&world.synced(&json!({})).await), "Failed");
    let first = uid(&world, "bad");
    assert_eq!(phase(&world.synced(&json!({})).await), "Failed");
    assert_ne!(uid(&world, "bad"), first, "it ran again");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_sync_fail_hooks_run_after_a_failure_only() {
    let mut world = shop(&(hook("bad", "PreSync", "") + &hook("rescue", "SyncFail", ""))).await;
    let state = world.synced(&json!({})).await;
    assert_eq!(phase(&state), "Failed");
    assert!(
        results(&state).iter().any(|result| result.starts_with("SyncFail Job/rescue Synced Succeeded")),
        "{state:?}"
    );
    world.deploys(&(hook("good", "PreSync", "") + &hook("rescue", "SyncFail", "")));
    let state = world.synced(&json!({})).await;
    assert_eq!((phase(&state).as_str(), results(&state).len()), ("Succeeded", 1));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_terminate_deletes_what_runs_and_runs_nothing_more() {
    let manifests = hook("slow", "PreSync", "") + &map("a", "", "1") + &hook("rescue", "SyncFail", "");
    let mut world = shop(&manifests).await;
    let retry = json!({"limit": 3, "backoff": {"duration": "0.1s"}});
    world.request(&json!({"sync": {"syncStrategy": {"hook": {}}}, "retry": retry}));
    world.until_message("waiting for completion of hook batch/Job/slow").await;
    world.edit(|application| application["status"]["operationState"]["phase"] = json!("Terminating"));
    let state = world.end().await;
    assert_eq!((phase(&state).as_str(), state.message.as_str()), ("Failed", "Operation terminated"));
    assert_eq!(results(&state), ["PreSync Job/slow Synced Failed Terminated"]);
    world.left(&JOBS, &[]).await;
    world.left(&PODS, &[]).await;
    assert!(world.names(&CONFIG_MAPS).is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_ends_the_hooks_of_an_operation_whose_request_was_taken_away() {
    let mut world = shop(&hook("slow", "PreSync", "")).await;
    world.sync(&json!({}));
    world.until_message("waiting for completion of hook batch/Job/slow").await;
    world.edit(|application| drop(application.as_object_mut().unwrap().remove("operation")));
    let state = world.until("the end", |_, state| state.is_completed()).await;
    assert_eq!(state.message, "Operation terminated");
    world.left(&JOBS, &[]).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_ends_the_hooks_of_an_operation_whose_request_was_taken_away_while_no_engine_was_there() {
    let mut world = shop(&hook("slow", "PreSync", "")).await;
    world.sync(&json!({}));
    world.until_message("waiting for completion of hook batch/Job/slow").await;
    world.kill();
    world.edit(|application| drop(application.as_object_mut().unwrap().remove("operation")));
    world.start().await;
    let state = world.until("the end", |_, state| state.is_completed()).await;
    assert_eq!((phase(&state).as_str(), state.message.as_str()), ("Failed", "Operation terminated"));
    world.left(&JOBS, &[]).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_goes_on_as_it_began_with_an_operation_whose_request_was_replaced_while_no_engine_was_there() {
    let mut world = shop(&(hook("slow", "PreSync", "") + &map("a", "", "1"))).await;
    world.sync(&json!({}));
    world.until_message("waiting for completion of hook batch/Job/slow").await;
    let first = uid(&world, "slow");
    world.kill();
    // Whoever asks as Argo CD does takes the state away too. This one did not.
    world.edit(|application| application["operation"] = json!({"sync": {"dryRun": true}}));
    world.start().await;
    world.edit(|application| application["metadata"]["labels"] = json!({"team": "shop"}));
    complete_the_hook(&world).await;
    let state = world.end().await;
    assert_eq!((phase(&state).as_str(), world.names(&CONFIG_MAPS)), ("Succeeded", vec!["a".to_owned()]));
    assert!(!state.operation.sync.as_ref().unwrap().dry_run);
    assert_eq!((uid(&world, "slow"), world.application().get("operation")), (first, None));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_terminate_ends_hooks_also_without_the_repository() {
    let mut world = shop(&hook("slow", "PreSync", "")).await;
    world.sync(&json!({}));
    world.until_message("waiting for completion of hook batch/Job/slow").await;
    world.kill();
    std::fs::rename(world.work(), world.path().join("away")).unwrap();
    std::fs::remove_dir_all(&world.options.repo_cache).unwrap();
    world.edit(|application| application["status"]["operationState"]["phase"] = json!("Terminating"));
    world.start().await;
    let state = world.end().await;
    assert_eq!(state.message, "Operation terminated");
    world.left(&JOBS, &[]).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_retries_as_often_as_asked_and_counts() {
    let mut world = shop(&hook("bad", "PreSync", "")).await;
    let retry = json!({"limit": 2, "backoff": {"duration": "0.01s", "factor": 1}});
    world.request(&json!({"sync": {"syncStrategy": {"hook": {}}}, "retry": retry}));
    let state = world.end().await;
    assert_eq!(
        (phase(&state).as_str(), state.retry_count, state.message.as_str()),
        ("Failed", 2, "one or more synchronization tasks completed unsuccessfully (retried 2 times).")
    );
    let starts: std::collections::BTreeSet<_> = world.states.iter().map(|state| state.started_at).collect();
    assert_eq!(starts.len(), 1, "retries keep the start");
    let waits = world.states.iter().filter(|state| state.is_waiting_for_retry()).count();
    assert_eq!(waits, 2);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_retries_the_same_revision_or_the_latest_as_asked() {
    // The pause is long enough for a commit, also where the machine is busy; the first attempt's revision needs none.
    for (refresh, end, pause) in [(false, "Failed", "1s"), (true, "Succeeded", "8s")] {
        let mut world = shop(&hook("bad", "PreSync", "")).await;
        let retry = json!({"limit": 1, "refresh": refresh, "backoff": {"duration": pause, "factor": 1}});
        world.request(&json!({"sync": {"syncStrategy": {"hook": {}}}, "retry": retry}));
        world.until("a retry", |_, state| state.is_waiting_for_retry()).await;
        let fixed = world.deploys(&hook("good", "PreSync", ""));
        let state = world.end().await;
        assert_eq!(phase(&state), end, "refresh {refresh}");
        assert_eq!(state.sync_result.unwrap().revision == fixed, refresh);
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_resumes_from_the_hook_that_failed() {
    let manifests = hook("good", "PreSync", "") + &map("a", "", "1") + &hook("bad", "PostSync", "");
    let mut world = shop(&manifests).await;
    let failed = world.synced(&json!({})).await;
    assert_eq!(phase(&failed), "Failed");
    let done = uid(&world, "good");
    let start = failed.started_at.unwrap().to_string();
    let resume = json!({"info": [{"name": "boathook.dev/resume", "value": start}]});
    world.edit(|application| application["operation"] = resume.clone());
    let again = world.end().await;
    assert_eq!(phase(&again), "Failed", "the hook fails again");
    assert!(again.started_at > failed.started_at);
    assert_eq!(uid(&world, "good"), done, "what succeeded did not run again");
    // With another revision it is refused, and nothing runs.
    world.deploys(&(manifests + &map("b", "", "1")));
    let start = again.started_at.unwrap().to_string();
    let resume = json!({"info": [{"name": "boathook.dev/resume", "value": start}]});
    world.edit(|application| {
        application["operation"] = resume.clone();
        application["status"]["operationState"]["syncResult"]["revision"] = json!("0".repeat(40));
    });
    let refused = world.end().await;
    assert_eq!(phase(&refused), "Error");
    assert!(refused.message.starts_with("the operation cannot be resumed: "), "{}", refused.message);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_a_refused_resume_leaves_what_can_be_resumed() {
    let mut world = shop(&(hook("good", "PreSync", "") + &hook("bad", "PostSync", ""))).await;
    let failed = world.synced(&json!({})).await;
    let (start, done) = (failed.started_at.unwrap(), uid(&world, "good"));
    let resume = |start: String| json!({"info": [{"name": "boathook.dev/resume", "value": start}]});
    world.edit(|application| application["operation"] = resume("2001-01-01T00:00:00Z".to_owned()));
    let refused = world.until("a refusal", |_, state| state.started_at.is_some_and(|at| at > start)).await;
    assert!(refused.message.contains("the operation to resume began at 2001-01-01T00:00:00Z"), "{}", refused.message);
    assert_eq!((phase(&refused).as_str(), results(&refused)), ("Error", results(&failed)));
    let start = refused.started_at.unwrap();
    world.edit(|application| application["operation"] = resume(start.to_string()));
    let again = world.until("its end", |_, state| state.is_completed() && state.started_at > Some(start)).await;
    assert_eq!(phase(&again), "Failed", "{}: the hook fails again", again.message);
    assert_eq!(uid(&world, "good"), done, "what succeeded did not run again");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_rolls_back_with_and_without_hooks() {
    let mut world = shop(&(hook("good", "PreSync", "") + &map("a", "", "old"))).await;
    world.synced(&json!({})).await;
    world.deploys(&map("a", "", "new"));
    world.synced(&json!({})).await;
    let value = |world: &World| world.get(&CONFIG_MAPS, "shop", "a").unwrap()["data"]["a"].clone();
    assert_eq!(value(&world), "new");
    let history = world.application()["status"]["history"].clone();
    assert_eq!((history[0]["id"].clone(), history[1]["id"].clone()), (json!(0), json!(1)));
    let before = uid(&world, "good");
    let mut back =
        json!({"revision": history[0]["revision"], "source": history[0]["source"], "syncStrategy": {"apply": {}}});
    world.request(&json!({"sync": back}));
    assert_eq!(phase(&world.end().await), "Succeeded");
    assert_eq!((value(&world), uid(&world, "good") == before), (json!("old"), true), "no hooks");
    back["syncStrategy"] = json!({"hook": {}});
    world.request(&json!({"sync": back}));
    assert_eq!(phase(&world.end().await), "Succeeded");
    assert_ne!(uid(&world, "good"), before, "hooks of that revision");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_writes_history_only_for_whole_syncs_that_succeed() {
    let mut world = shop(&map("a", "", "1")).await;
    let count =
        |world: &World| world.application().pointer("/status/history").and_then(Value::as_array).map_or(0, Vec::len);
    world.synced(&json!({"dryRun": true})).await;
    world.synced(&json!({"resources": [{"kind": "ConfigMap", "name": "a"}]})).await;
    assert_eq!(count(&world), 0);
    world.synced(&json!({})).await;
    assert_eq!(count(&world), 1);
    world.edit(|application| application["spec"]["revisionHistoryLimit"] = json!(2));
    for _ in 0..3 {
        world.synced(&json!({})).await;
    }
    let history = world.application()["status"]["history"].clone();
    assert_eq!((count(&world), history[1]["id"].clone()), (2, json!(3)));
    assert_eq!(history[1]["initiatedBy"], json!({"username": "operator"}));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_operations_begin_one_after_the_other_and_never_end_before_they_begin() {
    let mut world = shop(&(map("a", "", "1") + &hook("bad", "PostSync", ""))).await;
    let mut last = None;
    for request in [
        json!({"sync": {"dryRun": true}}),
        json!({}),
        json!({"sync": {"revision": "nowhere"}}),
        json!({"sync": {"dryRun": true}}),
        json!({"sync": {}, "retry": {"limit": 1, "backoff": {"duration": "0.01s"}}}),
    ] {
        world.states.clear();
        world.request(&request);
        let state = world.end().await;
        let started = state.started_at.unwrap();
        assert!(last < Some(started), "{last:?} {state:?}");
        for state in &world.states {
            assert!(state.finished_at.is_none_or(|finished| finished >= started), "{state:?}");
        }
        last = Some(started);
    }
    world.stop().await;
}
