//! Every dialog, at three sizes, and what each sends.

use boathook::domain::request::{AutoSync, Confirmation, Controller, Request};
use serde_json::json;

use super::harness::{Screen, object};
use super::release::{DEPLOYED, application, checkout, resumable, running};
use super::screens::look;

fn keys(name: &str, phase: &'static str, script: &str) {
    look(name, |size| {
        let mut screen = checkout(size, phase, false);
        screen.text();
        screen.press(script);
        screen
    });
}

fn sends(phase: &str, automated: bool, script: &str) -> Vec<Request> {
    let mut screen = checkout((120, 40), phase, automated);
    screen.text();
    screen.press(script);
    screen.sent.into_iter().map(|(_, request)| request).collect()
}

#[test]
fn a_sync_with_its_plan() {
    keys("dialog_sync_plan", "Succeeded", "enter s");
}

#[test]
fn the_revision_field_offers_names() {
    keys("dialog_sync_names", "Succeeded", "enter s tab \"v1\"");
}

#[test]
fn an_offer_that_is_taken() {
    keys("dialog_sync_offer", "Succeeded", "enter s tab \"v1\" ctrl-n ctrl-n tab");
}

#[test]
fn only_marked_resources_are_synced() {
    keys("dialog_sync_marked", "Succeeded", "v j space space s");
    let sent = sends("Succeeded", false, "v j space space s backtab enter");
    let Some(Request::Sync(order)) = sent.first() else { panic!("{sent:?}") };
    let names: Vec<&str> = order.resources.iter().map(|own| own.name.as_str()).collect();
    assert_eq!(names, ["limits", "old-limits"]);
}

#[test]
fn an_approval() {
    look("dialog_approve", |size| {
        let mut screen = checkout(size, "Succeeded", false);
        screen.press("A");
        screen.text();
        screen.press("a");
        screen
    });
}

#[test]
fn a_retry_says_what_is_repeated() {
    keys("dialog_retry", "Failed", "enter r");
    assert_eq!(sends("Failed", false, "enter r backtab enter"), [Request::Retry]);
}

#[test]
fn a_rollback() {
    keys("dialog_rollback", "Succeeded", "enter b");
    let sent = sends("Succeeded", false, "enter b backtab enter");
    assert_eq!(sent, [Request::Rollback { id: 7, prune: false, hooks: false }]);
}

#[test]
fn a_rollback_with_hooks_of_the_entry_that_is_selected() {
    keys("dialog_rollback_hooks", "Succeeded", "h G b tab enter");
    let sent = sends("Succeeded", false, "h G b tab enter backtab backtab enter");
    assert_eq!(sent, [Request::Rollback { id: 7, prune: false, hooks: true }], "{DEPLOYED} is deployed");
}

#[test]
fn automated_sync() {
    keys("dialog_auto_on", "Succeeded", "enter T");
    let sent = sends("Succeeded", false, "enter T backtab enter");
    assert_eq!(sent, [Request::AutoSync(AutoSync::On { prune: None, self_heal: None })]);
    assert_eq!(sends("Succeeded", true, "enter T backtab enter"), [Request::AutoSync(AutoSync::Off)]);
}

#[test]
fn going_on_where_it_failed_needs_the_engine() {
    let mut screen = checkout((120, 35), "Failed", false);
    screen.press("enter C");
    assert!(screen.line("resume:").contains("only boathook's engine can resume"), "{}", screen.text());
    look("dialog_resume", |size| {
        let mut screen = checkout(size, "Failed", false);
        screen.controller = Controller::Engine;
        let mut failed = serde_json::Value::Object(application("Failed", false).as_json().clone());
        resumable(&mut failed);
        screen.application(&object(failed));
        screen.press("enter C");
        screen
    });
    let mut screen = checkout((120, 35), "Failed", false);
    screen.controller = Controller::Engine;
    screen.press("enter C");
    let words = "it cannot be resumed: the failed operation did not record which manifests it applied";
    assert!(screen.line("resume:").contains(words), "{}", screen.text());
}

#[test]
fn a_refresh() {
    keys("dialog_refresh", "Succeeded", "enter ctrl-r");
}

/// An operation that waits with a prune.
fn waiting(size: (u16, u16)) -> Screen {
    let mut screen = checkout(size, "Running", false);
    let mut waits = (*running()).clone();
    let fields = waits.as_json_mut();
    fields["status"]["operationState"]["message"] =
        json!("waiting for pruning confirmation of v1/ConfigMap/old-limits");
    fields["status"]["resources"][1]["requiresDeletionConfirmation"] = json!(true);
    screen.application(&object(serde_json::Value::Object(fields.clone())));
    screen
}

#[test]
fn a_prune_that_waits_for_somebody() {
    look("approvals_prune", |size| {
        let mut screen = waiting(size);
        screen.press("A");
        screen
    });
    look("dialog_prune", |size| {
        let mut screen = waiting(size);
        screen.press("A");
        screen.text();
        screen.press("a");
        screen
    });
    let mut screen = waiting((120, 35));
    screen.press("A");
    screen.text();
    screen.press("a backtab enter");
    assert_eq!(screen.sent[0].1, Request::Confirm(Confirmation::Prune));
}

#[test]
fn a_deletion_that_waits_for_somebody() {
    let deleting = |size| {
        let mut screen = checkout(size, "Succeeded", false);
        let mut waits = (*application("Succeeded", false)).clone();
        let fields = waits.as_json_mut();
        fields["metadata"]["deletionTimestamp"] = json!("2026-11-22T03:00:00Z");
        fields["status"]["resources"][3]["requiresDeletionConfirmation"] = json!(true);
        screen.application(&object(serde_json::Value::Object(fields.clone())));
        screen.press("A");
        screen.text();
        screen
    };
    look("approvals_deletion", deleting);
    let mut screen = deleting((120, 35));
    screen.press("a enter");
    assert!(screen.sent.is_empty());
    screen.press("a backtab enter");
    assert_eq!(screen.sent[0].1, Request::Confirm(Confirmation::Delete));
}

#[test]
fn an_abort_names_the_hooks_that_it_deletes() {
    let recording = super::replay::recording("abort");
    let mut screen = Screen::connected((120, 35), recording.events[0].at);
    let mut timeline = recording.timeline();
    let place = recording.events.iter().position(|event| {
        timeline.observe(event);
        let view = timeline.view(event.at);
        view.tasks().any(|task| task.is_hook && task.state == boathook::domain::timeline::TaskState::Running)
    });
    screen.play(&recording, place.unwrap() + 1);
    screen.complete();
    screen.press("enter x");
    assert!(screen.shows("! an abort deletes Job/"), "{}", screen.text());
}

#[test]
fn automated_sync_says_what_follows_at_once() {
    let mut screen = checkout((120, 35), "Succeeded", false);
    screen.press("enter T");
    for words in
        ["it is synced at once, to 6f1c0aa (3 commits)", "prune is off: nothing is deleted", "self-heal is off"]
    {
        assert!(screen.shows(words), "{}", screen.text());
    }
}

#[test]
fn a_button_is_pressed_by_enter_alone_and_what_is_typed_at_it_is_lost_with_words() {
    let mut screen = checkout((120, 40), "Succeeded", false);
    screen.press("enter s backtab");
    assert!(screen.shows("▶ Sync ◀"), "{}", screen.text());
    screen.press("space");
    assert!(screen.sent.is_empty() && screen.shows("space does not press a button"), "{}", screen.text());
    screen.press("n");
    assert!(screen.shows("n is not typed anywhere; tab leads to the fields"), "{}", screen.text());
    // The first that follows Cancel is the field that one types into.
    screen.press("esc s tab \"v1 x\" ctrl-u \"main\"");
    assert!(screen.shows("›Revision: main") && screen.sent.is_empty(), "{}", screen.text());
}

#[test]
fn a_command_takes_the_revision_it_is_given() {
    let mut screen = checkout((120, 40), "Succeeded", false);
    screen.text();
    screen.press(": \"sync checkout v1.7.3\" enter");
    assert!(screen.line("Revision:").contains("v1.7.3"), "{}", screen.text());
    let mut screen = checkout((120, 40), "Succeeded", false);
    screen.press("enter : \"rollback checkout 7\" enter");
    assert!(screen.shows("entry 7 of its history"), "{}", screen.text());
    screen.press("esc : \"history checkout\" enter");
    assert!(screen.shows("what a rollback can bring back"), "{}", screen.text());
    screen.press(": \"git nothing\" enter");
    assert!(screen.shows("there is no application nothing"), "{}", screen.text());
}
