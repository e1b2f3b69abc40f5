//! Nothing is sent that was not shown: syncs without a plan, and those of several applications.

use std::sync::Arc;

use boathook::domain::application::AppKey;
use boathook::domain::live::{Review, Revisions};
use boathook::domain::request::Request;
use serde_json::json;

use super::harness::{CLUSTER, Screen, object};
use super::release::{MOVED, TARGET, application, checkout, key, review};

/// A review that found no plan. `is_unknown`: because there is no such revision.
fn without_plan(asked: &[&str], why: &str, is_unknown: bool) -> Review {
    let mut made = review(TARGET, asked);
    let mut source = made.revisions.sources[0].clone();
    (source.target, source.problem, source.is_missing) = (None, Some(why.to_owned()), is_unknown);
    made.revisions = Arc::new(Revisions { sources: vec![source] });
    (made.commits, made.plan, made.changes) = (Vec::new(), Err(why.to_owned()), Vec::new());
    made
}

/// Moves the focus to the last button, whether it can be pressed or not.
fn focus(screen: &mut Screen, label: &str) {
    for _ in 0..20 {
        let text = screen.text();
        if text.contains(&format!("▶ {label} ◀")) || text.contains(&format!("▶({label})◀")) {
            return;
        }
        screen.press("tab");
    }
    panic!("there is no button {label}:\n{}", screen.text());
}

fn revisions(screen: &Screen) -> Vec<(String, String)> {
    let of = |(name, request): &(String, Request)| match request {
        Request::Sync(order) => (name.clone(), order.revision.clone()),
        other => panic!("{other:?}"),
    };
    screen.sent.iter().map(of).collect()
}

#[test]
fn a_revision_that_there_is_not_is_refused() {
    let mut screen = checkout((120, 40), "Succeeded", false);
    screen.review(without_plan(&["nope"], "revision \"nope\" was not found", true));
    screen.press(": \"sync checkout nope\" enter");
    assert!(screen.shows("✖ not possible: revision \"nope\" was not found"), "{}", screen.text());
    assert!(screen.shows("( Sync )") && !screen.shows("without a plan"), "{}", screen.text());
    focus(&mut screen, "Sync");
    assert!(screen.shows("▶(Sync)◀"), "{}", screen.text());
    screen.press("enter");
    assert!(screen.sent.is_empty() && screen.shows("Sync checkout"), "{}", screen.text());
}

#[test]
fn a_sync_waits_for_its_plan() {
    let mut screen = checkout((120, 40), "Succeeded", false);
    screen.press(": \"sync checkout v9\" enter");
    focus(&mut screen, "Sync");
    assert!(screen.shows("◌ the plan is being made"), "{}", screen.text());
    screen.press("enter");
    assert!(screen.sent.is_empty() && screen.shows("wait: the plan is being made"), "{}", screen.text());
    // What was asked before says nothing.
    screen.reviewed(&key(), &[]);
    screen.press("enter");
    assert!(screen.sent.is_empty());
    screen.review(review(MOVED, &["v9"]));
    screen.reviewed(&key(), &["v9".to_owned()]);
    assert!(screen.shows("pinned to c0ffee1"), "{}", screen.text());
    focus(&mut screen, "Sync");
    screen.press("enter");
    assert_eq!(revisions(&screen), [("checkout".to_owned(), MOVED.to_owned())]);
}

#[test]
fn without_a_plan_it_is_sent_only_if_that_is_wanted() {
    let mut screen = checkout((120, 40), "Succeeded", false);
    screen.review(without_plan(&["main"], "the repository cannot be reached", false));
    screen.press(": \"sync checkout main\" enter");
    assert!(screen.shows("? what it would do is not known: the repository cannot be reached"), "{}", screen.text());
    focus(&mut screen, "Sync");
    screen.press("enter");
    assert!(screen.sent.is_empty() && screen.shows("( Sync )") || screen.shows("▶(Sync)◀"), "{}", screen.text());
    // The field stands before the button.
    screen.press("backtab enter");
    assert!(screen.shows("[x] without a plan"), "{}", screen.text());
    focus(&mut screen, "Sync");
    screen.press("enter");
    assert_eq!(revisions(&screen), [("checkout".to_owned(), "main".to_owned())]);

    // What was wanted of one revision is not wanted of the next.
    screen.review(without_plan(&["coupons"], "the repository cannot be reached", false));
    screen.sent.clear();
    screen.press(": \"sync checkout main\" enter");
    focus(&mut screen, "Sync");
    screen.press("backtab enter");
    assert!(screen.shows("[x] without a plan"), "{}", screen.text());
    screen.press("backtab backtab backtab backtab backtab backtab backtab ctrl-w");
    "coupons".chars().for_each(|c| screen.press(&c.to_string()));
    assert!(screen.shows("Revision: coupons") && screen.shows("[ ] without a plan"), "{}", screen.text());
    focus(&mut screen, "Sync");
    screen.press("enter");
    assert!(screen.sent.is_empty());
}

#[test]
fn the_plan_follows_what_is_typed_as_soon_as_it_names_something() {
    let mut screen = checkout((120, 40), "Succeeded", false);
    screen.press("enter s tab \"v1.7\"");
    assert!(screen.shows("Revision: v1.7") && screen.shows("tab asks what it would do"), "{}", screen.text());
    screen.press("\".3\"");
    assert!(screen.shows("pinned to c0ffee1"), "{}", screen.text());
    screen.press("backspace");
    assert!(screen.shows("( Sync )") && !screen.shows("pinned to"), "{}", screen.text());
    screen.press("ctrl-w ctrl-w ctrl-w ctrl-w");
    assert!(screen.shows("pinned to 6f1c0aa"), "nothing is the target's: {}", screen.text());
}

#[test]
fn an_answer_to_what_was_typed_before_asks_for_what_is_typed_now() {
    let mut screen = checkout((120, 40), "Succeeded", false);
    screen.names.tags = vec!["v1".to_owned(), "v12".to_owned()];
    screen.press("enter s tab \"v12\"");
    assert!(screen.shows("◌ the plan is being made"), "one is asked at a time: {}", screen.text());
    screen.review(review(MOVED, &["v12"]));
    screen.review(review(TARGET, &["v1"]));
    screen.reviewed(&key(), &["v1".to_owned()]);
    assert!(screen.shows("pinned to c0ffee1"), "{}", screen.text());
}

/// Two applications in the list: `auth`, and `checkout`. What a sync of `auth` does is told if `auth` is given.
fn two(auth: Option<Review>) -> Screen {
    let mut screen = checkout((120, 40), "Succeeded", false);
    let mut other = (*application("Succeeded", false)).clone();
    other.as_json_mut()["metadata"] =
        json!({"name": "auth", "namespace": "argocd", "uid": "u", "resourceVersion": "4"});
    screen.application(&object(serde_json::Value::Object(other.as_json().clone())));
    if let Some(auth) = auth {
        screen.review(Review { key: AppKey::new(CLUSTER, "argocd", "auth"), ..auth });
    }
    screen.text();
    screen.press("space space / \"checkout\" enter");
    screen
}

#[test]
fn several_are_named_with_what_would_happen_to_each() {
    let mut screen = two(Some(review(MOVED, &[])));
    screen.press("s");
    assert!(screen.shows("1 of 2 are not shown: the filter of the list hides them"), "{}", screen.text());
    for (name, parts) in [("  auth", ["c0ffee1", "not shown"]), ("  checkout", ["6f1c0aa", "+3"])] {
        let text = screen.text();
        let line = text.lines().find(|line| line.contains(name) && line.contains(parts[0]));
        assert!(line.is_some_and(|line| line.contains(parts[1])), "{name}: {text}");
    }
    assert!(screen.shows("hooks: Job/db-migrate") && screen.shows("Job/smoke"), "{}", screen.text());
    assert!(screen.shows("would be deleted with prune: ConfigMap/old-limits"), "{}", screen.text());
    assert!(screen.shows("to be sent to 2 of 2 applications"), "{}", screen.text());
    assert!(screen.shows("• hooks run") && !screen.shows("syncs to"), "of all of them: {}", screen.text());
    focus(&mut screen, "Sync");
    screen.press("enter");
    // Each to the commit that was shown.
    let expected = [("auth", MOVED), ("checkout", TARGET)].map(|(name, sha)| (name.to_owned(), sha.to_owned()));
    assert_eq!(revisions(&screen), expected);
}

#[test]
fn several_wait_for_all_their_plans() {
    let mut screen = two(None);
    screen.press("s");
    assert!(screen.shows("◌ the plans are being made: 1 of 2"), "{}", screen.text());
    focus(&mut screen, "Sync");
    screen.press("enter");
    assert!(screen.sent.is_empty());
    let auth = AppKey::new(CLUSTER, "argocd", "auth");
    screen.review(Review { key: auth.clone(), ..without_plan(&[], "the repository cannot be reached", false) });
    screen.reviewed(&auth, &[]);
    assert!(screen.shows("? what it would do is not known: the repository cannot be reached"), "{}", screen.text());
    focus(&mut screen, "Sync");
    screen.press("enter");
    assert!(screen.sent.is_empty(), "one of them was not shown");
    screen.press("backtab enter");
    assert!(screen.shows("[x] without a plan"), "{}", screen.text());
    focus(&mut screen, "Sync");
    screen.press("enter");
    assert_eq!(screen.sent.len(), 2);
}

#[test]
fn a_target_that_moves_is_shown_anew_before_several_are_sent() {
    let mut screen = two(Some(review(TARGET, &[])));
    screen.press("s");
    focus(&mut screen, "Sync");
    let auth = AppKey::new(CLUSTER, "argocd", "auth");
    screen.review(Review { key: auth.clone(), ..review(MOVED, &[]) });
    screen.reviewed(&auth, &[]);
    assert!(screen.shows("▶ Cancel ◀") && screen.shows("c0ffee1"), "{}", screen.text());
    screen.press("enter");
    assert!(screen.sent.is_empty());
}
