//! Screens of one application beyond its phases, and the queue of approvals, at three sizes.

use super::harness::Screen;
use super::release::{MOVED, TARGET, checkout, key, review};
use super::screens::look;

fn keys(name: &str, script: &str) {
    look(name, |size| {
        let mut screen = checkout(size, "Succeeded", false);
        screen.text();
        screen.press(script);
        screen
    });
}

#[test]
fn commits_files_and_objects() {
    keys("git", "c");
}

#[test]
fn a_commit_in_full() {
    keys("git_commit", "c j enter");
}

#[test]
fn an_object_that_changes() {
    keys("git_change", "c j j j");
}

#[test]
fn what_a_sync_would_change() {
    keys("diff", "d");
}

#[test]
fn searching_in_a_difference() {
    keys("diff_search", "d / \"image\" enter n");
}

#[test]
fn resources_with_their_health() {
    keys("resources", "v j j");
}

#[test]
fn resources_filtered_and_marked() {
    keys("resources_marked", "v j space / \"!secret\" enter");
}

#[test]
fn yaml_of_a_secret_has_no_values() {
    keys("yaml_secret", "v j j j y");
}

#[test]
fn yaml_of_an_object_that_is_not_there() {
    keys("yaml_gone", "v j j y");
}

#[test]
fn earlier_operations() {
    keys("history", "h");
}

#[test]
fn an_earlier_operation_that_failed() {
    keys("history_operation", "h j enter");
}

#[test]
fn the_log_of_a_hook_long_gone() {
    keys("history_log", "h j enter enter");
}

#[test]
fn what_can_be_rolled_back_to() {
    keys("history_deployed", "h G");
}

#[test]
fn events_of_an_application() {
    keys("events", "e");
}

#[test]
fn approvals_one_after_another() {
    keys("approvals", "A");
}

#[test]
fn an_approval_put_off() {
    keys("approvals_deferred", "A z \"waits for the release notes\" enter");
}

fn moved(size: (u16, u16)) -> Screen {
    let mut screen = checkout(size, "Succeeded", false);
    screen.press("A");
    screen.text();
    screen.review(review(MOVED, &[]));
    screen.reviewed(&key(), &[]);
    screen
}

#[test]
fn an_approval_whose_target_has_moved() {
    look("approvals_moved", moved);
}

#[test]
fn what_was_not_looked_at_is_not_approved() {
    let mut screen = moved((120, 35));
    screen.press("a");
    assert!(screen.line("approve:").contains("the target has moved since you looked"), "{}", screen.text());
    screen.press("a");
    screen.press("backtab enter");
    let (name, request) = &screen.sent[0];
    assert_eq!(name, "checkout");
    let boathook::domain::request::Request::Sync(order) = request else { panic!("{request:?}") };
    assert_eq!(order.revision, MOVED);
}

#[test]
fn moving_through_the_queue_sends_nothing() {
    let mut screen = checkout((120, 35), "Succeeded", false);
    screen.press("A");
    screen.text();
    screen.press("j k g G ctrl-d ctrl-u pagedown pageup enter esc d esc c esc esc");
    assert!(screen.sent.is_empty());
    assert!(screen.shows("approvals"), "{}", screen.text());
}

#[test]
fn an_approval_is_of_exactly_what_was_reviewed() {
    let mut screen = checkout((120, 35), "Succeeded", false);
    screen.press("A");
    screen.text();
    screen.press("a enter");
    assert!(screen.sent.is_empty(), "Cancel has the focus");
    screen.press("a backtab enter");
    let boathook::domain::request::Request::Sync(order) = &screen.sent[0].1 else { panic!("{:?}", screen.sent) };
    assert_eq!(order.revision, TARGET);
}

#[test]
fn what_is_put_off_comes_back_when_its_target_moves() {
    let mut screen = checkout((120, 35), "Succeeded", false);
    screen.press("A");
    screen.text();
    screen.press("z \"later\" enter");
    assert_eq!(screen.deferred.len(), 1);
    assert_eq!((screen.deferred[0].revision.as_str(), screen.deferred[0].by.as_str()), (TARGET, "alice"));
    assert!(screen.shows("1 put off"), "{}", screen.text());
    screen.review(review(MOVED, &[]));
    screen.reviewed(&key(), &[]);
    assert!(screen.shows("1 waits for a person"), "{}", screen.text());
    assert!(!screen.shows("put off,"), "{}", screen.text());
}

#[test]
fn the_dialogs_plan_follows_its_options() {
    let mut screen = checkout((120, 40), "Succeeded", false);
    screen.press("enter s");
    assert!(screen.shows("PostSync: smoke"), "{}", screen.text());
    assert!(screen.shows("would be deleted with prune: ConfigMap/old-limits"), "{}", screen.text());
    // From Cancel to the options: revision, prune, dry run, without hooks, force.
    screen.press("tab tab enter");
    assert!(screen.shows("! deletes: ConfigMap/old-limits"), "{}", screen.text());
    screen.press("tab tab enter");
    assert!(!screen.shows("PostSync: smoke"), "{}", screen.text());
}

#[test]
fn values_of_secrets_are_nowhere() {
    for script in ["v j j j y", "c", "d", "v j j j enter", "h", "y"] {
        let mut screen = checkout((200, 60), "Succeeded", false);
        screen.text();
        screen.press(script);
        let text = screen.text();
        assert!(!text.contains("aHVudGVyMg") && !text.contains("hunter2"), "{script}: {text}");
    }
}

#[test]
fn a_commit_is_copied_in_full() {
    let mut screen = checkout((120, 35), "Succeeded", false);
    screen.press("c Y");
    assert_eq!(screen.copied, [TARGET]);
}
