//! What is shown of a hook does not depend on when its application was opened.

use boathook::domain::application::AppKey;
use boathook::domain::live::{WatchState, Watched};
use boathook::domain::timeline::{Precision, TaskPhase, TaskState};
use boathook::sim::resource::{APPLICATIONS, EVENTS, JOBS, PODS, WORKFLOWS};
use serde_json::json;

use super::hooks::{ended, pod, put_job, state_of, task, up, view};
use super::world::{Picture, World, app, hook_result, put, running, simulator};

/// How long the hook took, as it is shown.
fn elapsed(picture: &Picture, key: &AppKey) -> Option<(String, Precision)> {
    let view = view(picture, key)?;
    let elapsed = view.task(&task(TaskPhase::PreSync))?.attempts.first()?.elapsed?;
    Some((elapsed.to_string(), elapsed.precision()))
}

/// An application of the same namespace stays open, so that what is watched there is watched all the time.
#[tokio::test]
async fn a_hook_that_was_seen_from_begin_to_end_keeps_its_duration() {
    let mut world = World::with(simulator(), |options| options.watch_operations = false).await;
    world.put_app(app("other"));
    world.put_app(running("a", &json!([hook_result("migrate", "Running")])));
    world.until_live().await;
    world.open("other").await;
    let key = world.open("a").await;
    world
        .until("what is there is listed", |picture| {
            picture.watches.values().all(|state| *state == WatchState::Live) && picture.watches.len() > 5
        })
        .await;
    let job = put_job(&world);
    put(&world.simulator, &PODS, pod(&job, "pod-1", &up(), 0));
    world.until("it runs", |picture| state_of(picture, &key) == Some(TaskState::Running)).await;
    // More states than are remembered.
    for index in 0..20 {
        let mut same = pod(&job, "pod-1", &up(), 0);
        same["metadata"]["labels"] = json!({ "tick": index.to_string() });
        put(&world.simulator, &PODS, same);
    }
    let mut job = world.simulator.store().get(&JOBS, "shop", "migrate").unwrap().value().as_ref().clone();
    put(&world.simulator, &PODS, pod(job["metadata"]["uid"].as_str().unwrap(), "pod-1", &ended(0), 0));
    job["status"] = json!({ "succeeded": 1, "conditions": [{ "type": "Complete", "status": "True" }] });
    let job = put(&world.simulator, &JOBS, job);
    let [uid, version] = ["uid", "resourceVersion"].map(|field| job["metadata"][field].as_str().unwrap().to_owned());
    // The pod alone tells the end already; the Job's own word moves it.
    let is_told = |picture: &Picture| picture.objects_of.get(&key).and_then(|own| own.get(&uid)) == Some(&version);
    world
        .until("it has ended", |picture| state_of(picture, &key) == Some(TaskState::Succeeded) && is_told(picture))
        .await;
    let (seen, precision) = elapsed(&world.picture, &key).unwrap();
    assert_eq!(precision, Precision::Tenths, "both ends were seen: {seen}");
    // Closed and opened again, by a reader that has forgotten everything.
    world.live.close(&key);
    world.picture.timelines.clear();
    world.picture.applications.clear();
    world.open("a").await;
    world.until("it has ended, again", |picture| state_of(picture, &key) == Some(TaskState::Succeeded)).await;
    world.until("with its duration", |picture| elapsed(picture, &key).is_some()).await;
    let (again, precision) = elapsed(&world.picture, &key).unwrap();
    assert!(again == seen || precision != Precision::Tenths, "{seen} and then {again}: tenths that nobody saw");
}

#[tokio::test]
async fn a_hook_that_ran_before_anybody_looked_has_whole_seconds() {
    let mut world = World::new().await;
    let job = put_job(&world);
    put(&world.simulator, &PODS, pod(&job, "pod-1", &ended(3), 0));
    let mut done = running("a", &json!([hook_result("migrate", "Failed")]));
    done["status"]["operationState"]["phase"] = json!("Failed");
    done.as_object_mut().unwrap().remove("operation");
    world.put_app(done);
    world.until_live().await;
    let key = world.open("a").await;
    world.until("the pod", |picture| super::hooks::pods(picture, &key) == 1).await;
    let pod = |picture: &Picture| {
        let view = view(picture, &key)?;
        view.task(&task(TaskPhase::PreSync))?.attempts.first()?.pods.first()?.elapsed
    };
    let elapsed = pod(&world.picture).unwrap();
    assert_eq!((elapsed.to_string().as_str(), elapsed.precision()), ("7s", Precision::Seconds));
    // The same when it is opened once more while it is open.
    world.picture.timelines.clear();
    world.live.open(&key);
    world.until("the pod again", |picture| super::hooks::pods(picture, &key) == 1).await;
    assert_eq!(pod(&world.picture), Some(elapsed));
}

/// Another Application of its name came while nobody could look: its hook's Job is told already, and what comes of it has
/// to be told all the same.
#[tokio::test]
async fn a_pod_is_told_after_its_application_was_replaced_unseen() {
    let mut world = World::new().await;
    world.put_app(running("a", &json!([hook_result("migrate", "Running")])));
    world.until_live().await;
    let key = world.open("a").await;
    let job = put_job(&world);
    let has = |picture: &Picture, uid: &str| picture.objects_of.get(&key).is_some_and(|own| own.contains_key(uid));
    world.until("the Job", |picture| has(picture, &job)).await;
    let first = world.picture.applications[&key].metadata.uid.clone();
    world.simulator.refuse_connections();
    world
        .until("nobody can look", |picture| {
            picture.watches.values().all(|state| matches!(state, WatchState::Interrupted { .. }))
        })
        .await;
    world.simulator.store().remove_raw(&APPLICATIONS, "argocd", "a");
    world.put_app(running("a", &json!([hook_result("migrate", "Running")])));
    world.simulator.accept_connections().await.unwrap();
    world.until("another of its name", |picture| picture.applications[&key].metadata.uid != first).await;
    world
        .until("all is as it is told", |picture| picture.watches.values().all(|state| *state == WatchState::Live))
        .await;
    put(&world.simulator, &PODS, pod(&job, "pod-1", &up(), 0));
    world.until("the pod", |picture| has(picture, "pod-1")).await;
}

#[tokio::test]
async fn events_that_came_before_an_application_was_opened_are_told() {
    let mut world = World::new().await;
    for name in ["a", "b"] {
        world.put_app(app(name));
        let about =
            json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "name": name, "namespace": "argocd" });
        let event = json!({ "apiVersion": "v1", "kind": "Event", "metadata": { "name": format!("{name}.1"), "namespace": "argocd" },
            "involvedObject": about, "reason": format!("About-{name}"), "type": "Normal", "count": 1 });
        put(&world.simulator, &EVENTS, event);
    }
    world.until_live().await;
    world.open("a").await;
    world.until("those of the first", |picture| picture.warnings.iter().any(|own| own == "About-a")).await;
    assert!(!world.picture.warnings.iter().any(|own| own == "About-b"), "nobody has opened that");
    // What is watched for the one is known for the other.
    world.open("b").await;
    world.until("those of the second", |picture| picture.warnings.iter().any(|own| own == "About-b")).await;
}

/// The kind is installed while its application is open.
#[tokio::test]
async fn a_workflow_is_told_also_where_the_cluster_did_not_know_the_kind() {
    let simulator = simulator();
    let workflows = simulator.store().resources().get(&WORKFLOWS).unwrap();
    simulator.store().remove_resource(&WORKFLOWS);
    let mut world = World::with(simulator, |_| ()).await;
    world.put_app(running("a", &json!([hook_result("migrate", "Running")])));
    let key = world.open("a").await;
    let jobs = Watched::Hooks { kind: "jobs".into(), namespace: "shop".into() };
    world.until("its Jobs", |picture| picture.watches.get(&jobs) == Some(&WatchState::Live)).await;
    let flows = Watched::Hooks { kind: "workflows".into(), namespace: "shop".into() };
    assert!(matches!(world.picture.watches.get(&flows), Some(WatchState::Absent { .. })));
    world.simulator.store().add_resource(workflows.as_ref().clone());
    put(
        &world.simulator,
        &WORKFLOWS,
        json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": { "name": "flow", "namespace": "shop", "uid": "flow",
            "annotations": { "argocd.argoproj.io/hook": "PreSync", "argocd.argoproj.io/tracking-id": "a:argoproj.io/Workflow:shop/flow" } } }),
    );
    let mut flow = hook_result("flow", "Running");
    (flow["group"], flow["kind"]) = (json!("argoproj.io"), json!("Workflow"));
    world.put_app(running("a", &json!([hook_result("migrate", "Succeeded"), flow])));
    let has = |picture: &Picture| picture.objects_of.get(&key).is_some_and(|own| own.contains_key("flow"));
    world.until("the Workflow", has).await;
}
