//! What keys do: the selection, dialogs, what is sent.

use boathook::domain::application::AppKey;
use boathook::domain::live::{LiveEvent, Review};
use boathook::domain::request::Request;
use boathook::domain::timeline::TaskState;
use boathook::tui::Effect;

use super::fleet::{applications, now, shop};
use super::harness::{CLUSTER, Screen, settings};
use super::release::{TARGET, review};
use super::replay::recording;

const SIZE: (u16, u16) = (100, 30);

fn failed() -> Screen {
    let recording = recording("flaky-retry");
    let mut timeline = recording.timeline();
    let place = recording.events.iter().position(|event| {
        timeline.observe(event);
        timeline.view(event.at).tasks().any(|task| task.state == TaskState::Failed)
    });
    let mut screen = Screen::connected(SIZE, recording.events[0].at);
    screen.log("flaky-check", &["one", "two ERROR", "three"]);
    screen.play(&recording, 1);
    screen.complete();
    screen.press("enter");
    screen.play(&recording, place.unwrap() + 1);
    screen
}

#[test]
fn the_selection_follows_its_application() {
    let mut screen = shop(SIZE);
    screen.press("j j");
    assert!(screen.line("checkout").starts_with("› "), "{}", screen.text());
    screen.press("> o");
    assert!(screen.line("checkout").starts_with("› "), "{}", screen.text());
    // Its neighbour takes its place when it is not shown any more.
    screen.press("/ \"!checkout\" enter");
    assert!(!screen.text().lines().skip(2).any(|row| row.contains("checkout  ")), "{}", screen.text());
    assert_eq!(screen.text().lines().filter(|line| line.starts_with('›')).count(), 1);
}

#[test]
fn enter_in_a_dialog_that_has_just_opened_sends_nothing() {
    let mut screen = failed();
    screen.press("x enter");
    assert!(screen.sent.is_empty());
    assert!(!screen.shows("Abort the operation"));
}

#[test]
fn an_abort_is_sent_by_its_button_alone() {
    let mut screen = failed();
    screen.press("x backtab enter");
    assert_eq!(screen.sent, [("flaky".to_owned(), Request::Abort)]);
    screen.press("x esc x q");
    assert_eq!(screen.sent.len(), 1, "no other key sends");
}

#[test]
fn what_cannot_be_done_says_why() {
    let mut screen = failed();
    screen.press("s");
    assert!(screen.line("sync:").contains("an operation of operator is in progress"), "{}", screen.text());
    let mut settings = settings();
    settings.read_only = true;
    let mut screen = Screen::with(settings, SIZE, now());
    screen.connect();
    for object in applications() {
        screen.application(&object);
    }
    screen.complete();
    screen.press("s");
    assert!(screen.line("sync:").contains("--read-only"), "{}", screen.text());
    assert!(screen.sent.is_empty());
}

#[test]
fn a_command_acts_on_the_application_it_names() {
    let mut screen = shop(SIZE);
    for object in applications() {
        screen.application(&object);
    }
    let key = AppKey::new(CLUSTER, "argocd", "payments");
    screen.review(Review { key, ..review(TARGET, &[]) });
    screen.press(": \"sync payments\" enter");
    assert!(screen.shows("Sync payments"), "{}", screen.text());
    screen.press("backtab enter");
    assert_eq!(screen.sent.len(), 1);
    assert_eq!(screen.sent[0].0, "payments");
    screen.press(": \"abort nothing-of-this-name\" enter");
    assert!(screen.shows("there is no application"));
}

#[test]
fn a_paused_log_loses_nothing() {
    let mut screen = failed();
    screen.press("l p");
    let stream = *screen.streams.last().unwrap();
    let more: Vec<String> = (0..128).map(|line| format!("line {line}")).collect();
    screen.write(stream, &more);
    assert!(screen.shows("paused, 128 new"), "{}", screen.text());
    assert!(screen.shows("two ERROR"));
    screen.press("f");
    assert!(screen.shows("line 127"));
    screen.press("g");
    assert!(screen.shows("two ERROR"));
    screen.end_log(stream);
    screen.press("G");
    assert!(screen.shows("complete, 131 lines"), "{}", screen.text());
}

#[test]
fn a_filter_is_seen_and_typed_anew() {
    let mut screen = shop(SIZE);
    screen.press("/ \"mail\" enter");
    assert!(screen.line("boathook").contains("only /mail"), "{}", screen.text());
    screen.press("/");
    assert!(screen.shows("now mail: enter keeps it"), "{}", screen.text());
    screen.press("enter");
    assert!(screen.line("boathook").contains("only /mail"), "{}", screen.text());
    screen.press("/ \"search\" enter");
    assert!(screen.line("boathook").contains("only /search") && screen.shows("Degraded"), "{}", screen.text());
    // Nothing that is typed is taken for a key.
    screen.press("/ backspace backspace \"m\"");
    assert!(screen.line("boathook").contains("only /m") && screen.shows("filter /m"), "{}", screen.text());
    screen.press("esc / backspace enter f");
    let bar = screen.line("boathook");
    assert!(bar.contains("only faults") && !bar.contains("/m"), "{bar}");
    let mut screen = shop(SIZE);
    screen.press(": \"open mail\" enter");
    assert!(screen.line("mail").starts_with(" mail"), "{}", screen.text());
}

#[test]
fn what_is_deleted_disappears_and_marks_go_with_it() {
    let mut screen = shop(SIZE);
    screen.press("space");
    let key = boathook::domain::application::AppKey::new("prod-eu", "argocd", "auth");
    screen.live(LiveEvent::AppGone(key));
    assert!(!screen.shows("auth"));
    assert!(!screen.shows("marked"));
}

#[test]
fn quitting_needs_no_dialog_and_q_goes_back_first() {
    let mut screen = failed();
    screen.press("l q q");
    assert!(!screen.quit);
    screen.press("q");
    assert!(screen.quit);
}

#[test]
fn what_is_open_is_told_of_again_by_a_new_connection() {
    let mut screen = failed();
    screen.effects.clear();
    screen.connect();
    let opened = screen.effects.iter().filter(|effect| matches!(effect, Effect::Open(_))).count();
    assert_eq!(opened, 1, "{:?}", screen.effects);
    screen.press("q");
    screen.text();
    assert!(screen.effects.iter().any(|effect| matches!(effect, Effect::Show(shown) if shown.len() == 1)));
}

#[test]
fn every_size_can_be_drawn() {
    let mut screen = failed();
    for keys in ["", "l", "esc ?", "esc x", "esc q"] {
        screen.press(keys);
        for columns in [1, 2, 10, 39, 40, 41, 60, 79, 80, 100, 133, 200] {
            for rows in [1, 2, 7, 8, 9, 12, 24, 60] {
                screen.resize((columns, rows));
                screen.buffer();
            }
        }
    }
}
