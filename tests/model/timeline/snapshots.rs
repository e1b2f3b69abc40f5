//! What a timeline says at chosen moments of the recordings.

use super::render::render;
use super::replay::recording;

/// The timeline right after the given line of a recording (from 1), as one looks at it at that moment.
fn after_line(name: &'static str, line: usize) -> String {
    let recording = recording(name);
    render(&recording.after(line).view(recording.events[line - 1].at))
}

#[test]
fn timeline_snapshot_everything_passed() {
    insta::assert_snapshot!(after_line("article", 58));
}

#[test]
fn timeline_snapshot_presync_is_running() {
    insta::assert_snapshot!(after_line("waves", 38));
}

/// The pod has ended; Argo CD will say so five seconds later.
#[test]
fn timeline_snapshot_between_the_pod_and_the_record() {
    insta::assert_snapshot!(after_line("waves", 41));
}

#[test]
fn timeline_snapshot_all_waves_done() {
    insta::assert_snapshot!(after_line("waves", 191));
}

/// The first of two pods has failed; the Job waits before it makes the second.
#[test]
fn timeline_snapshot_first_failure() {
    insta::assert_snapshot!(after_line("abort", 17));
}

#[test]
fn timeline_snapshot_last_failure() {
    insta::assert_snapshot!(after_line("abort", 26));
}

#[test]
fn timeline_snapshot_syncfail_done() {
    insta::assert_snapshot!(after_line("abort", 49));
}

#[test]
fn timeline_snapshot_retry_is_waited_for() {
    insta::assert_snapshot!(after_line("flaky-retry", 19));
}

#[test]
fn timeline_snapshot_predecessor_is_being_deleted() {
    insta::assert_snapshot!(after_line("flaky-retry", 21));
}

#[test]
fn timeline_snapshot_third_attempt_passed() {
    insta::assert_snapshot!(after_line("flaky-retry", 70));
}

#[test]
fn timeline_snapshot_terminated() {
    insta::assert_snapshot!(after_line("terminated", 24));
}

#[test]
fn timeline_snapshot_pod_as_hook() {
    insta::assert_snapshot!(after_line("podhook", 10));
}

#[test]
fn timeline_snapshot_workflow_is_running() {
    insta::assert_snapshot!(after_line("workflow", 7));
}

#[test]
fn timeline_snapshot_requested_while_the_last_one_is_still_there() {
    insta::assert_snapshot!(after_line("prune-done", 1));
}

#[test]
fn timeline_snapshot_pruned() {
    insta::assert_snapshot!(after_line("prune-done", 6));
}

#[test]
fn timeline_snapshot_dry_run() {
    insta::assert_snapshot!(after_line("article-dryrun", 3));
}

#[test]
fn timeline_snapshot_selected_resources() {
    insta::assert_snapshot!(after_line("waves-selective", 4));
}
