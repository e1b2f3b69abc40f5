//! What a row of the list tells of an application in trouble, and of one whose operation has only just been asked for.

use boathook::domain::application::AppKey;
use boathook::domain::event::{Change, WatchEvent};
use boathook::domain::live::LiveEvent;
use boathook::domain::manifest::Object;
use serde_json::{Value, json};

use super::fleet::{now, shop};
use super::harness::{CLUSTER, Screen, object, time};
use super::release::{DEPLOYED, TARGET, application, running};

const SIZE: (u16, u16) = (140, 30);

/// The shop with this application in it.
fn with(change: impl FnOnce(&mut serde_json::Map<String, Value>), made: &Object) -> Screen {
    let mut made = made.clone();
    change(made.as_json_mut());
    let mut screen = shop(SIZE);
    screen.application(&object(Value::Object(made.as_json().clone())));
    screen
}

/// The row of the application.
fn row(screen: &mut Screen) -> String {
    screen.line("checkout ")
}

fn faults(screen: &mut Screen) -> bool {
    screen.press("f / \"checkout\" enter");
    let is_one = screen.shows("1 of 10");
    screen.press("esc");
    is_one
}

#[test]
fn a_failure_before_any_task_is_told_in_words() {
    for (phase, sign) in [("Error", "✖ Error: Comp"), ("Failed", "✖ Failed: Comp")] {
        let mut screen = with(
            |fields| {
                let state = &mut fields["status"]["operationState"];
                state["syncResult"] = json!({"revision": "nope", "resources": []});
                (state["phase"], state["message"]) = (json!(phase), json!("ComparisonError: no such revision"));
            },
            &application("Failed", false),
        );
        assert!(row(&mut screen).contains(sign), "{}", screen.text());
        assert!(faults(&mut screen));
    }
}

#[test]
fn an_operation_that_is_only_requested_has_nothing_of_the_one_before() {
    let mut screen = with(
        |fields| drop(fields.insert("operation".to_owned(), json!({"initiatedBy": {"username": "dora"}, "sync": {}}))),
        &application("Succeeded", false),
    );
    let line = row(&mut screen);
    assert!(line.contains("Requested") && line.trim_end().ends_with("dora"), "{line}");
    assert!(!line.contains('✔') && !line.contains(':'), "{line}");
}

#[test]
fn a_running_operation_shows_what_it_syncs_to() {
    let mut screen = with(|_| (), &running());
    let line = row(&mut screen);
    assert!(line.contains(&DEPLOYED[..7]) && !line.contains(&TARGET[..7]), "{line}");
    // Never compared: it is all that is known.
    let mut screen = with(|fields| fields["status"]["sync"] = json!({}), &running());
    assert!(row(&mut screen).contains(&DEPLOYED[..7]));
    let mut screen = with(|_| (), &application("Succeeded", false));
    assert!(row(&mut screen).contains(&TARGET[..7]));
}

/// A pod of the hook that runs, waiting for this reason.
fn pod(version: &str, reason: &str) -> WatchEvent {
    let pod = object(json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "db-migrate-x7k2p", "namespace": "shop", "uid": "pod", "resourceVersion": version,
            "creationTimestamp": "2026-11-22T03:07:14Z", "labels": {"batch.kubernetes.io/job-name": "db-migrate"},
            "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "db-migrate", "uid": "job",
                "controller": true}]},
        "spec": {"containers": [{"name": "main", "image": "shop/migrate:typo"}]},
        "status": {"phase": "Pending", "containerStatuses": [{"name": "main", "image": "shop/migrate:typo",
            "ready": false, "restartCount": 0, "state": {"waiting": {"reason": reason}}}]}}));
    WatchEvent { at: now(), change: Change::Applied, object: pod }
}

fn job() -> WatchEvent {
    let job = object(json!({"apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": "db-migrate", "namespace": "shop", "uid": "job", "resourceVersion": "6",
            "creationTimestamp": "2026-11-22T03:07:13Z", "annotations": {"argocd.argoproj.io/hook": "PreSync",
                "argocd.argoproj.io/tracking-id": "checkout:batch/Job:shop/db-migrate"}},
        "spec": {"template": {"spec": {"containers": [{"name": "main", "image": "shop/migrate:typo"}]}}},
        "status": {"active": 1}}));
    WatchEvent { at: time("2026-11-22T03:07:13Z"), change: Change::Applied, object: job }
}

#[test]
fn a_hook_that_will_not_go_on_by_itself_stands_out() {
    let mut screen = with(|_| (), &running());
    let key = AppKey::new(CLUSTER, "argocd", "checkout");
    let application = WatchEvent { at: now(), change: Change::Applied, object: running() };
    for event in [application, job(), pod("7", "ContainerCreating")] {
        screen.live(LiveEvent::Observed { key: key.clone(), event });
    }
    let before = row(&mut screen);
    assert!(!before.contains('!') && !screen.shows("stuck") && !faults(&mut screen), "{before}");
    screen.live(LiveEvent::Observed { key: key.clone(), event: pod("8", "ImagePullBackOff") });
    assert!(row(&mut screen).contains("Pre ! db-migrate"), "{}", screen.text());
    assert!(screen.shows("1 stuck") && faults(&mut screen), "{}", screen.text());
    screen.press(": \"sort phases\" enter");
    let text = screen.text();
    let place = |name: &str| text.lines().position(|line| line.contains(name)).unwrap();
    assert!(place("payments") < place("checkout") && place("checkout") < place("search"), "{text}");
    // Somebody mended the image.
    screen.live(LiveEvent::Observed { key, event: pod("9", "ContainerCreating") });
    assert!(!row(&mut screen).contains('!') && !screen.shows("stuck"), "{}", screen.text());
}

#[test]
fn what_waits_for_a_person_stands_out() {
    let mut screen = with(
        |fields| {
            let message = "waiting for pruning confirmation of v1/ConfigMap/old-limits";
            fields["status"]["operationState"]["message"] = json!(message);
        },
        &running(),
    );
    let line = row(&mut screen);
    assert!(line.contains("Confirm") && line.contains("! confirm prune"), "{line}");
    assert!(screen.shows("1 stuck") && faults(&mut screen), "{}", screen.text());
}

#[test]
fn after_a_failure_a_rollback_goes_to_the_newest_entry() {
    let mut made = (*application("Failed", false)).clone();
    made.as_json_mut()["status"]["operationState"]["syncResult"]["revision"] = json!(TARGET);
    let mut screen = super::release::checkout(SIZE, "Succeeded", false);
    screen.application(&object(Value::Object(made.as_json().clone())));
    screen.press("enter b");
    assert!(screen.shows("Roll checkout back to entry 8"), "{}", screen.text());
    screen.press("esc h");
    let line = screen.line("9ab12cd");
    assert!(!line.contains("now"), "{line}");
    assert!(screen.shows("the last that succeeded; what was applied after it has failed"), "{}", screen.text());
    // Of the only one too.
    made.as_json_mut()["status"]["history"].as_array_mut().unwrap().remove(0);
    screen.application(&object(Value::Object(made.as_json().clone())));
    screen.press("esc b");
    assert!(screen.shows("Roll checkout back to entry 8"), "{}", screen.text());
}
