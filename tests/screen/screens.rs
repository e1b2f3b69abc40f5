//! Whole screens, at three sizes.

use std::time::Duration;

use boathook::domain::live::WatchState;
use boathook::domain::timeline::TaskState;

use super::fleet::{now, shop};
use super::harness::{SIZES, Screen, time};
use super::replay::{Recording, recording};

/// Holds a screen against its snapshots at every size.
pub(crate) fn look(name: &str, mut make: impl FnMut((u16, u16)) -> Screen) {
    for size in SIZES {
        let mut screen = make(size);
        let text = screen.text();
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), text);
    }
}

/// A recording whose application is looked at, played until something is so.
fn until(
    size: (u16, u16),
    recording: &Recording,
    is_so: impl Fn(&boathook::domain::timeline::OperationView) -> bool,
) -> Screen {
    let mut timeline = recording.timeline();
    let place = recording.events.iter().position(|event| {
        timeline.observe(event);
        is_so(&timeline.view(event.at))
    });
    let place = place.expect("it never is so") + 1;
    let mut screen = Screen::connected(size, recording.events[0].at);
    let lines = [
        "\u{1b}[32mconnecting\u{1b}[0m to db:5432 as migrator",
        "applying 0042_add_coupons.sql",
        "  ALTER TABLE orders ADD COLUMN coupon text",
        "ERROR: canceling statement due to lock timeout",
        "rolling back",
    ];
    for task in timeline.view(recording.events[place - 1].at).tasks() {
        screen.log(&task.key.object.name, &lines);
    }
    screen.play(recording, 1);
    screen.complete();
    screen.press("enter");
    screen.play(recording, place);
    screen
}

#[test]
fn applications_of_a_shop() {
    look("applications", |size| {
        let mut screen = shop(size);
        screen.press("j j");
        screen
    });
}

#[test]
fn applications_filtered_and_marked() {
    look("applications_marked", |size| {
        let mut screen = shop(size);
        screen.press("space space / \"-p shop\" enter");
        screen
    });
}

#[test]
fn a_cluster_that_cannot_be_reached() {
    look("unreachable", |size| {
        let mut screen = Screen::connected(size, now());
        screen.watch(WatchState::Interrupted {
            since: None,
            error: "cannot list applications.argoproj.io: connection refused (os error 111)".to_owned(),
            transient: true,
            denied: false,
            unauthenticated: false,
            retry_in: Duration::from_secs(8),
        });
        screen.at(time("2026-11-22T03:07:45Z"));
        screen
    });
}

#[test]
fn old_data_says_so() {
    look("interrupted", |size| {
        let mut screen = shop(size);
        screen.watch(WatchState::Interrupted {
            since: Some(now()),
            error: "connection reset".to_owned(),
            transient: true,
            denied: false,
            unauthenticated: false,
            retry_in: Duration::from_secs(8),
        });
        screen.at(time("2026-11-22T03:09:45Z"));
        screen
    });
}

#[test]
fn a_hook_that_failed() {
    look("failed_hook", |size| {
        until(size, &recording("flaky-retry"), |view| view.tasks().any(|task| task.state == TaskState::Failed))
    });
}

#[test]
fn waves_at_work() {
    look("waves", |size| {
        until(size, &recording("waves"), |view| {
            view.tasks().filter(|task| task.state == TaskState::Succeeded).count() >= 6
                && view.tasks().any(|task| task.state == TaskState::Running)
        })
    });
}

#[test]
fn an_operation_that_succeeded() {
    look("succeeded", |size| until(size, &recording("article"), |view| view.state.is_over()));
}

#[test]
fn the_log_in_full() {
    look("log", |size| {
        let mut screen =
            until(size, &recording("flaky-retry"), |view| view.tasks().any(|task| task.state == TaskState::Failed));
        screen.press("l t / \"lock\" enter");
        screen
    });
}

#[test]
fn help_says_what_can_be_done_and_why_not() {
    look("help", |size| {
        let mut screen = shop(size);
        screen.press("?");
        screen
    });
}

#[test]
fn dialog_of_a_sync() {
    look("dialog_sync", |size| {
        let mut screen = until(size, &recording("article"), |view| view.state.is_over());
        screen.press("s backtab backtab backtab backtab space backtab backtab");
        screen
    });
}

#[test]
fn dialog_of_an_abort() {
    look("dialog_abort", |size| {
        let mut screen = until(size, &recording("abort"), |view| {
            view.tasks().any(|task| task.is_hook && task.state == TaskState::Running)
        });
        screen.press("x");
        screen
    });
}

#[test]
fn dialog_that_shows_what_is_sent() {
    look("dialog_write", |size| {
        let mut screen = until(size, &recording("article"), |view| view.state.is_over());
        screen.press("ctrl-r ctrl-v");
        screen
    });
}
