//! Recordings of Argo CD 3.6, served through the simulator: the timeline that a reader of the live view has in the end
//! is the one that the recording itself gives.

use std::fs;
use std::path::Path;

use boathook::domain::application::AppKey;
use boathook::domain::event::{Change, WatchEvent};
use boathook::domain::manifest::Object;
use boathook::domain::timeline::{TaskKey, TaskState, Timeline};
use boathook::sim::resource::{APPLICATIONS, EVENTS, GroupResource, JOBS, NAMESPACES, PODS, WORKFLOWS};
use jiff::Timestamp;
use serde_json::Value;

use super::world::{World, put};

/// What is compared: the tasks, how they ended, and how many runs each had.
type Ends = Vec<(TaskKey, TaskState, usize)>;

fn ends(timeline: &Timeline, now: Timestamp) -> Ends {
    timeline.view(now).tasks().map(|task| (task.key.clone(), task.state, task.attempts.len())).collect()
}

fn resource(kind: &str) -> GroupResource {
    match kind {
        "Application" => APPLICATIONS,
        "Job" => JOBS,
        "Pod" => PODS,
        "Workflow" => WORKFLOWS,
        _ => EVENTS,
    }
}

#[tokio::test]
async fn recordings_served_by_the_simulator_end_as_they_ended() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/traces");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    assert!(files.len() >= 12);
    for file in files {
        replay(&file).await;
    }
}

async fn replay(file: &Path) {
    let name = file.file_stem().unwrap().to_string_lossy().into_owned();
    let text = fs::read_to_string(file).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let find = |kind: &str| lines.iter().find(|line| line["object"]["kind"] == kind).unwrap();
    let app = find("Application")["object"]["metadata"]["name"].as_str().unwrap().to_owned();
    let mut world = World::new().await;
    let namespace = find("Application")["object"]["spec"]["destination"]["namespace"].clone();
    put(&world.simulator, &NAMESPACES, serde_json::json!({ "metadata": { "name": namespace } }));
    let key: AppKey = world.key(&app);
    world.until_live().await;
    world.live.open(&key);
    let mut expected = Timeline::new("argocd", app.as_str());
    let now: Timestamp = "2026-11-22T20:00:00Z".parse().unwrap();
    for line in &lines {
        let object = line["object"].clone();
        let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let kind = text("/kind");
        let deleted = line["type"] == "DELETED";
        let change = if deleted { Change::Deleted } else { Change::Applied };
        let at = "2026-11-22T13:30:00Z".parse().unwrap();
        let observed = Object::from_json(object.clone()).unwrap().into();
        expected.observe(&WatchEvent { at, change, object: observed });
        if deleted {
            world.simulator.store().remove_raw(&resource(&kind), &text("/metadata/namespace"), &text("/metadata/name"));
        } else {
            put(&world.simulator, &resource(&kind), object);
        }
        // A reader that keeps up: what a watch never told is in no timeline.
        if kind == "Application" {
            let version = world.app(&app)["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
            world
                .until(&name, |picture| {
                    picture.applications.get(&key).is_some_and(|own| own.metadata.resource_version == version)
                })
                .await;
        }
    }
    let expected = ends(&expected, now);
    let mut seen = Ends::new();
    world
        .until(&name, |picture| {
            seen = picture.timelines.get(&key).map(|timeline| ends(timeline, now)).unwrap_or_default();
            let states = |ends: &Ends| ends.iter().map(|(key, state, _)| (key.clone(), *state)).collect::<Vec<_>>();
            states(&seen) == states(&expected)
        })
        .await;
}
