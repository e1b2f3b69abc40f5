//! What is shown of a hook does not depend on when its application was opened.

use boathook::domain::application::AppKey;
use boathook::domain::timeline::{Precision, TaskPhase, TaskState};
use boathook::sim::resource::PODS;
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
            picture.watches.values().all(|state| *state == boathook::domain::live::WatchState::Live)
                && picture.watches.len() > 5
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
    let mut job = world
        .simulator
        .store()
        .get(&boathook::sim::resource::JOBS, "shop", "migrate")
        .unwrap()
        .value()
        .as_ref()
        .clone();
    put(&world.simulator, &PODS, pod(job["metadata"]["uid"].as_str().unwrap(), "pod-1", &ended(0), 0));
    job["status"] = json!({ "succeeded": 1, "conditions": [{ "type": "Complete", "status": "True" }] });
    let job = put(&world.simulator, &boathook::sim::resource::JOBS, job);
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
