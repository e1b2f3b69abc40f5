//! The end of an Application: its objects, wave by wave, and its delete hooks.

use boathook::domain::operation::OperationState;
use boathook::sim::resource::{APPLICATIONS, CONFIG_MAPS, JOBS};
use boathook::sim::store::{DeleteOptions, EventKind};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::rows::{hook, map, shop};
use super::world::{ARGOCD, World, phase, results};

const RESOURCES: &str = "resources-finalizer.argocd.argoproj.io";

fn delete(world: &World) {
    let store = world.simulator.store();
    store.delete(&APPLICATIONS, ARGOCD, "shop", &DeleteOptions::default()).unwrap();
}

async fn gone(world: &World) {
    let (_, mut changes) = world.simulator.store().list_and_watch(&APPLICATIONS);
    while world.get(&APPLICATIONS, ARGOCD, "shop").is_some() {
        let limit = boathook::clock::Clock::real();
        let changed = limit.timeout(std::time::Duration::from_secs(30), changes.next()).await;
        changed.unwrap_or_else(|_| panic!("it stays: {:#}", world.application())).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_deletes_what_it_deployed_but_what_is_to_stay() {
    let keep = map("kept", "argocd.argoproj.io/sync-options: Delete=false", "1");
    let mut world = shop(&(map("a", "", "1") + &map("z", "argocd.argoproj.io/sync-wave: \"5\"", "1") + &keep)).await;
    world.edit(|application| application["metadata"]["finalizers"] = json!([RESOURCES]));
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded");
    let store = world.simulator.store();
    let mut changes = store.watch(&CONFIG_MAPS, store.revision()).unwrap();
    delete(&world);
    gone(&world).await;
    assert_eq!(world.names(&CONFIG_MAPS), ["kept"]);
    let mut order = Vec::new();
    while let Some(event) = changes.try_next().unwrap() {
        if event.kind == EventKind::Deleted {
            order.push(event.object.name().to_owned());
        }
    }
    assert_eq!(order, ["z", "a"], "the highest wave first");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_runs_delete_hooks_around_the_deletion() {
    let manifests =
        map("a", "", "1") + &hook("before", "PreDelete", "HookSucceeded") + &hook("after", "PostDelete", "");
    let mut world = shop(&manifests).await;
    world.edit(|application| application["metadata"]["finalizers"] = json!([RESOURCES]));
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded");
    assert!(world.names(&JOBS).is_empty(), "they are no part of a sync");
    assert_eq!(world.refreshed().await["metadata"]["finalizers"].as_array().unwrap().len(), 5);
    let store = world.simulator.store();
    let mut changes = store.watch(&JOBS, store.revision()).unwrap();
    delete(&world);
    gone(&world).await;
    world.left(&JOBS, &["after"]).await;
    assert!(world.names(&CONFIG_MAPS).is_empty());
    let mut made = Vec::new();
    while let Some(event) = changes.try_next().unwrap() {
        if event.kind == EventKind::Added {
            made.push(event.object.name().to_owned());
        }
    }
    assert_eq!(made, ["before", "after"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_deletes_nothing_when_a_hook_before_it_fails() {
    let mut world = shop(&(map("a", "", "1") + &hook("bad", "PreDelete", ""))).await;
    world.edit(|application| application["metadata"]["finalizers"] = json!([RESOURCES]));
    world.synced(&json!({})).await;
    world.refreshed().await;
    delete(&world);
    world
        .until("a condition", |application, _| {
            let conditions = application.pointer("/status/conditions").cloned().unwrap_or_default().to_string();
            conditions.contains("DeletionError") && conditions.contains("PreDelete hook(s) failed: shop/bad")
        })
        .await;
    assert_eq!(world.names(&CONFIG_MAPS), ["a"]);
    let state = &world.application()["status"]["operationState"];
    assert_eq!(state["operation"]["info"][0]["name"], "boathook.dev/delete");
    let result = &state["syncResult"]["resources"][0];
    assert_eq!((&result["hookType"], &result["syncPhase"]), (&json!("PreDelete"), &json!("PreDelete")));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_delete_hooks_have_finalizers_as_long_as_git_has_them() {
    let mut world = shop(&map("a", "", "1")).await;
    let finalizers = |application: &Value| application["metadata"]["finalizers"].as_array().map_or(0, Vec::len);
    assert_eq!(finalizers(&world.refreshed().await), 0);
    world.deploys(&hook("before", "PreDelete", ""));
    assert_eq!(finalizers(&world.refreshed().await), 2, "also without a sync");
    world.deploys(&map("a", "", "1"));
    assert_eq!(finalizers(&world.refreshed().await), 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_delete_hooks_are_repeated_a_few_times_and_then_on_request() {
    for policy in ["BeforeHookCreation", "HookFailed"] {
        let mut world = shop(&(map("a", "", "1") + &hook("bad", "PreDelete", policy))).await;
        world.kill();
        world.options.deletion_pause = SignedDuration::from_millis(10);
        world.start().await;
        world.edit(|application| application["metadata"]["finalizers"] = json!([RESOURCES]));
        world.synced(&json!({})).await;
        world.refreshed().await;
        let store = world.simulator.store();
        let mut changes = store.watch(&JOBS, store.revision()).unwrap();
        let mut made = move || {
            let mut made = 0;
            while let Some(event) = changes.try_next().unwrap() {
                made += usize::from(event.kind == EventKind::Added);
            }
            made
        };
        delete(&world);
        let state = world.until("the last attempt", |_, state| state.is_completed() && state.retry_count > 0).await;
        assert_eq!((phase(&state).as_str(), state.retry_count), ("Failed", 3));
        assert!(state.message.contains("PreDelete hook(s) failed: shop/bad (3 retries"), "{}", state.message);
        assert!(state.finished_at >= state.started_at);
        assert_eq!(made(), 4, "{policy}");
        let waits = world.states.iter().filter(|state| state.is_waiting_for_retry()).count();
        assert_eq!(waits, 3, "{policy}: each failure is shown");
        // A new engine does not begin anew.
        world.kill();
        world.start().await;
        world.edit(|application| application["metadata"]["labels"] = json!({"seen": "yes"}));
        assert_eq!(made(), 0);
        assert_eq!(world.names(&CONFIG_MAPS), ["a"]);
        world.refreshed().await;
        world.until("another attempt", |_, state| state.is_completed() && state.retry_count == 4).await;
        assert_eq!(made(), 1, "{policy}");
        world.deploys(&(map("a", "", "1") + &hook("good", "PreDelete", policy)));
        world.edit(|application| application["metadata"]["annotations"]["argocd.argoproj.io/refresh"] = json!("hard"));
        gone(&world).await;
        assert!(world.names(&CONFIG_MAPS).is_empty());
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_deletes_what_needs_confirmation_when_it_is_confirmed() {
    let careful = map("b", "argocd.argoproj.io/sync-options: Delete=confirm", "1");
    let mut world = shop(&(map("a", "", "1") + &careful)).await;
    world.edit(|application| application["metadata"]["finalizers"] = json!([RESOURCES]));
    world.synced(&json!({})).await;
    delete(&world);
    world
        .until("a condition", |application, _| {
            let conditions = application.pointer("/status/conditions").cloned().unwrap_or_default().to_string();
            conditions.contains("waiting for confirmation to delete /ConfigMap/shop/b")
                || conditions.contains("waiting for confirmation to delete /ConfigMap/b")
        })
        .await;
    assert_eq!(world.names(&CONFIG_MAPS), ["a", "b"]);
    let approve = |world: &World, time: String| {
        world.edit(|application| {
            application["metadata"]["annotations"] = json!({"argocd.argoproj.io/deletion-approved": time});
        });
    };
    // An approval from before the deletion is for something else.
    approve(&world, "2020-01-01T00:00:00Z".to_owned());
    let now = boathook::clock::Clock::real().now().checked_add(SignedDuration::from_secs(5)).unwrap();
    approve(&world, now.to_string());
    gone(&world).await;
    assert!(world.names(&CONFIG_MAPS).is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_deletion_leaves_nothing_behind_because_something_else_is_wrong() {
    let mut world = shop(&map("a", "", "1")).await;
    world.edit(|application| application["metadata"]["finalizers"] = json!([RESOURCES]));
    world.synced(&json!({})).await;
    world.edit(|application| application["spec"]["project"] = json!("none"));
    delete(&world);
    world
        .until("a condition", |application, _| {
            let conditions = application.pointer("/status/conditions").cloned().unwrap_or_default().to_string();
            conditions.contains("project none which does not exist")
                && application["metadata"].get("deletionTimestamp").is_some()
        })
        .await;
    assert_eq!(world.names(&CONFIG_MAPS), ["a"]);
    world.edit(|application| application["spec"]["project"] = json!("default"));
    gone(&world).await;
    assert!(world.names(&CONFIG_MAPS).is_empty());
    // Of a cluster that nobody knows nothing can be deleted.
    let mut world = shop(&map("a", "", "1")).await;
    world.edit(|application| application["metadata"]["finalizers"] = json!([RESOURCES]));
    world.synced(&json!({})).await;
    world.edit(|application| application["spec"]["destination"]["server"] = json!("https://elsewhere.example"));
    delete(&world);
    gone(&world).await;
    assert_eq!(world.names(&CONFIG_MAPS), ["a"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_delete_hook_that_has_ended_does_not_run_again_when_its_job_goes() {
    let second = hook("slow", "PreDelete\n    argocd.argoproj.io/sync-wave: \"1\"", "");
    let mut world = shop(&(map("a", "", "1") + &hook("quick", "PreDelete", "") + &second)).await;
    world.edit(|application| application["metadata"]["finalizers"] = json!([RESOURCES]));
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded");
    world.refreshed().await;
    let store = world.simulator.store();
    let mut changes = store.watch(&JOBS, store.revision()).unwrap();
    delete(&world);
    let told = |state: &OperationState, wanted: &str| results(state).iter().any(|result| result.contains(wanted));
    world.until("the second hook runs", |_, state| told(state, "Job/slow Synced Running")).await;
    // As when its time to live is over.
    let delete_job = |world: &World, name: &str| {
        world.simulator.store().delete(&JOBS, "shop", name, &DeleteOptions::default()).unwrap();
    };
    delete_job(&world, "quick");
    world.edit(|application| application["metadata"]["labels"] = json!({"seen": "yes"}));
    // One that has not ended did not end well.
    delete_job(&world, "slow");
    let state = world.until("the failure", |_, state| state.is_waiting_for_retry()).await;
    assert!(state.message.contains("PreDelete hook(s) failed: shop/slow."), "{}", state.message);
    assert!(told(&state, "Job/quick Synced Succeeded"), "{state:?}");
    assert!(told(&state, "Job/slow Synced Failed hook batch/Job/slow was deleted while it was running"), "{state:?}");
    let mut made = Vec::new();
    while let Some(event) = changes.try_next().unwrap() {
        if event.kind == EventKind::Added {
            made.push(event.object.name().to_owned());
        }
    }
    assert_eq!(made, ["quick", "slow"]);
    assert_eq!(world.names(&CONFIG_MAPS), ["a"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_delete_hook_that_is_suspended_is_waited_for() {
    let suspended =
        hook("before", "PreDelete", "").replace("  backoffLimit: 0\n", "  backoffLimit: 0\n  suspend: true\n");
    let mut world = shop(&(map("a", "", "1") + &suspended)).await;
    world.edit(|application| application["metadata"]["finalizers"] = json!([RESOURCES]));
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded");
    world.refreshed().await;
    delete(&world);
    let is_told = |state: &OperationState| {
        results(state).iter().any(|result| result.contains("Job/before Synced Running") && result.contains("uspended"))
    };
    world.until("it waits", |_, state| is_told(state)).await;
    assert_eq!(world.names(&CONFIG_MAPS), ["a"]);
    world.change(&JOBS, "shop", "before", |job| job["spec"]["suspend"] = json!(false));
    gone(&world).await;
    assert!(world.names(&CONFIG_MAPS).is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_deletion_leaves_its_own_hooks_to_their_policies_and_no_finalizer_on_others() {
    let hooks = hook("good", "PreSync", "") + &hook("stays", "PreDelete", "");
    let mut world = shop(&(map("a", "", "1") + &hooks)).await;
    world.edit(|application| application["metadata"]["finalizers"] = json!([RESOURCES]));
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded");
    world.refreshed().await;
    // As an operation leaves it that was taken away.
    world.change(&JOBS, "shop", "good", |job| {
        job["metadata"]["finalizers"] = json!(["argocd.argoproj.io/hook-finalizer"]);
    });
    delete(&world);
    gone(&world).await;
    world.left(&JOBS, &["stays"]).await;
    assert!(world.names(&CONFIG_MAPS).is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_deletion_says_what_it_waits_for_where_git_has_the_hooks_no_more_and_how_to_get_out() {
    let before = hook("before", "PreDelete", "");
    for is_restored in [true, false] {
        let mut world = shop(&(map("a", "", "1") + &before)).await;
        world.edit(|application| application["metadata"]["finalizers"] = json!([RESOURCES]));
        assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded");
        world.refreshed().await;
        world.git(&["mv", "shop", "moved"]);
        world.commit("move");
        world.refreshed().await;
        delete(&world);
        let condition = |application: &Value| {
            let all = application.pointer("/status/conditions").and_then(Value::as_array).cloned().unwrap_or_default();
            all.into_iter().find(|condition| condition["type"] == "DeletionError").map(|found| found["message"].clone())
        };
        let said = world.until("a condition", |application, _| condition(application).is_some()).await;
        assert!(said.is_completed(), "{said:?}");
        let told = condition(&world.application()).unwrap();
        for words in [
            "waiting for the manifests of the PreDelete hooks, which cannot be read (ComparisonError: ",
            "; nothing else is deleted before they have run. ",
            "no finalizer pre-delete-finalizer.argocd.argoproj.io and pre-delete-finalizer.argocd.argoproj.io/cleanup",
        ] {
            assert!(told.as_str().unwrap().contains(words), "{words:?} is not in {told}");
        }
        assert_eq!(world.names(&CONFIG_MAPS), ["a"]);
        if is_restored {
            world.git(&["mv", "moved", "shop"]);
            world.commit("move back");
            let mut is_withdrawn = false;
            world.edit(|application| {
                application["metadata"]["annotations"]["argocd.argoproj.io/refresh"] = json!("normal");
            });
            world
                .until("it goes on", |application, state| {
                    is_withdrawn |= condition(application).is_none();
                    is_withdrawn && state.message.contains("PreDelete hooks")
                })
                .await;
        } else {
            world.edit(|application| {
                let finalizers = application["metadata"]["finalizers"].as_array_mut().unwrap();
                finalizers.retain(|finalizer| !finalizer.as_str().unwrap().starts_with("pre-delete"));
            });
        }
        gone(&world).await;
        assert!(world.names(&CONFIG_MAPS).is_empty());
        assert_eq!(world.names(&JOBS).len(), usize::from(is_restored), "the hook runs where it is known");
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_delete_hooks_of_one_generated_name_all_run() {
    let generated = hook("pd", "PreDelete", "").replace("  name: pd\n", "  generateName: pd-\n");
    let mut world = shop(&(map("a", "", "1") + &generated + &generated.replace("[run]", "[other]"))).await;
    world.edit(|application| application["metadata"]["finalizers"] = json!([RESOURCES]));
    assert_eq!(phase(&world.synced(&json!({})).await), "Succeeded");
    world.refreshed().await;
    delete(&world);
    gone(&world).await;
    let names = world.names(&JOBS);
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names[0].starts_with("pd-predelete-") && names[1] == format!("{}-2", names[0]), "{names:?}");
    let commands = names.iter().map(|name| {
        let job = world.get(&JOBS, "shop", name).unwrap();
        job.pointer("/spec/template/spec/containers/0/command/0").cloned().unwrap_or_default()
    });
    assert_eq!(commands.collect::<Vec<_>>(), [json!("run"), json!("other")]);
    world.stop().await;
}
