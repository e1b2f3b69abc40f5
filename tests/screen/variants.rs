//! Many small scenarios: a start, keys, and the screen they lead to. Each at one size; the sizes take turns.

use boathook::domain::application::AppKey;
use boathook::domain::live::{
    CaptureNotice, EarlyRow, LiveEvent, LogLine, LogMessage, LogSource, Outcome, RequestId, RequestState,
    RequestUpdate, Revisions, SourceEnd, WatchState,
};
use boathook::domain::timeline::TaskPhase;
use boathook::tui::Message;
use serde_json::json;

use super::fleet::{applications, now, shop};
use super::harness::{CLUSTER, SIZES, Screen, object, settings, time};
use super::release::{TARGET, checkout, record, review};

/// Holds a screen against its snapshot.
fn shot(name: &str, screen: &mut Screen) {
    insta::assert_snapshot!(name.to_owned(), screen.text());
}

/// Each script from a fresh screen, at sizes that take turns.
fn shots(start: impl Fn((u16, u16)) -> Screen, scripts: &[(&str, &str)]) {
    for (place, (name, script)) in scripts.iter().enumerate() {
        let mut screen = start(SIZES[place % SIZES.len()]);
        screen.text();
        screen.press(script);
        shot(name, &mut screen);
    }
}

/// The shop, with what Git has of two of its applications.
fn shop_with_commits(size: (u16, u16)) -> Screen {
    let mut screen = shop(size);
    for (place, name) in ["payments", "search"].into_iter().enumerate() {
        let mut source = review(TARGET, &[]).revisions.sources[0].clone();
        source.behind = 3 + 4 * place;
        source.truncated = place == 1;
        let revisions = std::sync::Arc::new(Revisions { sources: vec![source] });
        screen.live(LiveEvent::Revisions { key: AppKey::new(CLUSTER, "argocd", name), revisions });
    }
    screen
}

#[test]
fn the_list() {
    shots(
        shop_with_commits,
        &[
            ("list_commits", ""),
            ("list_by_project", ">"),
            ("list_by_sync", "> >"),
            ("list_by_health", "> > >"),
            ("list_by_phases", "> > > >"),
            ("list_by_revision", "> > > > >"),
            ("list_by_behind", ": \"sort behind\" enter"),
            ("list_by_last_sync", "<"),
            ("list_reversed", "o"),
            ("list_faults", "f"),
            ("list_text", "/ \"pay\""),
            ("list_inverse", "/ \"!shop\" enter"),
            ("list_label", "/ \"-l tier=web\" enter"),
            ("list_label_absent", "/ \"-l !tier\" enter"),
            ("list_nothing_matches", "/ \"zzz\" enter"),
            ("list_all_marked", "ctrl-a"),
            ("list_end", "G"),
            ("list_unknown_key", "X"),
            ("list_command", ": \"so\" tab"),
            ("list_command_offers", ": \"app \" tab"),
            ("list_command_unknown", ": \"frobnicate\" enter"),
            ("list_theme_unknown", ": \"theme none\" enter"),
            ("list_sort_unknown", ": \"sort colour\" enter"),
            ("list_sync_many", "space space s"),
            ("list_approvals", "A"),
            ("list_approvals_second", "A j"),
            ("list_approve_leads_to_the_queue", "j j j j j j j j j a"),
        ],
    );
}

#[test]
fn what_has_just_changed() {
    let mut screen = shop((120, 35));
    let mut changed = (*applications()[0]).clone();
    changed.as_json_mut()["status"]["sync"]["status"] = serde_json::json!("OutOfSync");
    screen.application(&super::harness::object(serde_json::Value::Object(changed.as_json().clone())));
    shot("list_changed", &mut screen);
    screen.at(time("2026-11-22T03:07:50Z"));
    assert!(!screen.shows("~catalog"), "it is marked for a moment only");
}

#[test]
fn an_application_that_cannot_be_read() {
    let mut screen = shop((120, 35));
    let key = AppKey::new(CLUSTER, "argocd", "broken");
    screen.live(LiveEvent::AppUnreadable { key, reason: "spec.source is a number\u{1b}[2J".to_owned() });
    shot("list_unreadable", &mut screen);
}

/// What has not changed is not told again by a new list.
#[test]
fn a_new_list_takes_no_row_away() {
    let mut screen = shop((120, 35));
    screen.press("j j space");
    let before = screen.text();
    screen.watch(WatchState::Listing);
    screen.complete();
    assert_eq!(screen.text(), before);

    // What went meanwhile is told.
    screen.watch(WatchState::Listing);
    screen.live(LiveEvent::AppGone(AppKey::new(CLUSTER, "argocd", "search")));
    screen.complete();
    assert!(!screen.shows("search") && screen.shows("payments"), "{}", screen.text());
}

#[test]
fn what_was_announced_and_is_not_in_the_list_goes() {
    let mut screen = Screen::connected((120, 35), now());
    let row = |name: &str| EarlyRow {
        key: AppKey::new(CLUSTER, "argocd", name),
        sync: None,
        health: None,
        revision: "".into(),
        project: "".into(),
    };
    screen.live(LiveEvent::EarlyRows(vec![row("catalog"), row("went-meanwhile")]));
    assert!(screen.shows("catalog") && screen.shows("went-meanwhile"), "{}", screen.text());
    screen.application(&applications()[0]);
    screen.complete();
    assert!(screen.shows("catalog") && !screen.shows("went-meanwhile"), "{}", screen.text());
}

#[test]
fn before_anything_is_known() {
    let mut screen = Screen::new((80, 24), now());
    shot("start_connecting", &mut screen);
    screen.tell(Message::ConnectFailed("context \"prod\" does not exist in /home/alice/.kube/config".to_owned()));
    shot("start_no_kubeconfig", &mut screen);
    let mut screen = Screen::connected((120, 35), now());
    shot("start_reading", &mut screen);
    screen.complete();
    shot("start_no_applications", &mut screen);
}

#[test]
fn read_only() {
    let mut settings = settings();
    settings.read_only = true;
    let mut screen = Screen::with(settings, (80, 24), now());
    screen.connect();
    for object in applications() {
        screen.application(&object);
    }
    screen.complete();
    shot("read_only_list", &mut screen);
    screen.press("enter ?");
    shot("read_only_help", &mut screen);
}

#[test]
fn the_application() {
    shots(
        |size| checkout(size, "Failed", false),
        &[
            ("app_failed", "enter"),
            ("app_help", "enter ?"),
            ("app_next_panel", "enter tab"),
            ("app_yaml", "enter y"),
            ("app_application_yaml", "v y"),
            ("app_hook_yaml", "enter : \"yaml\" enter"),
            ("app_commit_text", "c enter"),
            ("app_git_filter", "c / \"coupons\" enter"),
            ("app_history_filter", "h / \"failed\" enter"),
            ("app_operation", "h enter"),
            ("app_resources_end", "v G"),
            ("app_events_text", "e enter"),
            ("app_requests", "m"),
            ("app_page_help", "v ?"),
            ("app_text_help", "d ?"),
            ("app_approvals_help", "A ?"),
            ("app_diff_of_one", "v j d"),
            ("app_diff_of_none", "v G d"),
            ("app_diff_no_match", "d / \"nothing like it\" enter"),
            ("app_resume_refused", "enter C"),
            ("app_abort_refused", "enter x"),
            ("app_rerun_refused", "enter R"),
            ("app_dialog_write", "enter s ctrl-v pagedown"),
        ],
    );
}

#[test]
fn a_running_hook_is_late_beside_its_median() {
    let mut screen = checkout((120, 35), "Succeeded", false);
    screen.history.push(record("2026-11-21T20:00:00Z", "Succeeded", 14_000));
    screen.application(&super::release::running());
    screen.press("enter");
    shot("app_medians", &mut screen);
    screen.press("x");
    shot("app_abort", &mut screen);
    screen.press("esc s");
    shot("app_sync_refused", &mut screen);
    assert!(screen.line("◐ db-migrate").contains("~12s"), "{}", screen.text());
}

fn source(id: u32, container: &str, restart: u32) -> LogMessage {
    LogMessage::Source(LogSource {
        id,
        phase: TaskPhase::PreSync,
        kind: "Job".to_owned(),
        hook: "db-migrate".to_owned(),
        pod: "db-migrate-x7k2p".to_owned(),
        pod_uid: "pod".to_owned(),
        container: container.to_owned(),
        restart,
        operation: None,
        attempt: 0,
    })
}

fn lines(source: u32, all: &[(&str, &str)]) -> LogMessage {
    let line = |(at, text): &(&str, &str)| LogLine {
        source,
        time: Some(time(&format!("2026-11-22T{at}Z"))),
        text: text.as_bytes().into(),
        truncated: false,
    };
    LogMessage::Lines(all.iter().map(line).collect())
}

/// The log of a hook with two containers, kept one after the other, shown in the order of time.
fn two_containers(size: (u16, u16)) -> Screen {
    let mut screen = checkout(size, "Failed", false);
    screen.log("db-migrate", &[]);
    screen.press("enter l");
    screen.text();
    let stream = *screen.streams.last().expect("a log is open");
    let mut all = vec![
        source(1, "migrate", 0),
        lines(
            1,
            &[
                ("02:00:00", "connecting to db:5432"),
                ("03:03:10", "\u{1b}[33mapplying 0042_add_coupons.sql\u{1b}[0m"),
                (
                    "03:07:31",
                    "ERROR: canceling statement due to lock timeout while updating tuple (0,1) in relation \"coupons\"; the statement was: ALTER TABLE coupons ADD COLUMN valid_until timestamptz NOT NULL DEFAULT now()",
                ),
                ("03:07:41", "giving up"),
            ],
        ),
        source(2, "proxy", 1),
        lines(2, &[("02:00:01", "listening on 127.0.0.1:5432"), ("03:07:32", "connection closed by peer, error 104")]),
        LogMessage::Ended { source: 1, end: SourceEnd::Complete },
        LogMessage::CaughtUp,
    ];
    for message in all.drain(..) {
        screen.tell(Message::Log { stream, message: Some(message) });
    }
    screen
}

#[test]
fn logs() {
    shots(
        two_containers,
        &[
            ("log_merged", ""),
            ("log_first_container", "c c"),
            ("log_second_container", "c c c"),
            ("log_wrapped", "w"),
            ("log_times_wrapped", "w t"),
            ("log_last_minute", "1"),
            ("log_last_five_minutes", "2"),
            ("log_everything_again", "1 0"),
            ("log_only", "& \"err\" enter"),
            ("log_without", "& \"!err\" enter"),
            ("log_search", "/ \"coupons\" enter N"),
            ("log_no_match", "/ \"nothing like it\" enter"),
            ("log_error", "e"),
            ("log_error_before", "E"),
            ("log_paused", "p"),
            ("log_all_attempts", "A"),
            ("log_help", "?"),
            ("log_saved", "ctrl-s"),
        ],
    );
}

#[test]
fn kept_logs_are_merged_by_time_and_copied_as_seen() {
    let mut screen = two_containers((120, 35));
    screen.press("Y");
    let copied = screen.copied.pop().expect("something was copied");
    let order: Vec<&str> = copied.lines().map(|line| line.split(' ').next().unwrap_or_default()).collect();
    assert_eq!(order[..3], ["connecting", "listening", "\u{1b}[33mapplying"], "{copied}");
    screen.press("e Y");
    assert!(screen.copied[0].starts_with("ERROR"), "{:?}", screen.copied);
}

#[test]
fn a_wrapped_log_is_paged_without_leaving_lines_out() {
    let mut screen = checkout((80, 24), "Failed", false);
    let long: Vec<String> = (0..60).map(|number| format!("line {number:02} {}", "x".repeat(150))).collect();
    let long: Vec<&str> = long.iter().map(String::as_str).collect();
    screen.log("db-migrate", &long);
    screen.press("enter l w g");
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..40 {
        for line in screen.text().lines() {
            seen.extend(line.trim_start().strip_prefix("line ").and_then(|rest| rest.get(..2)).map(str::to_owned));
        }
        screen.press("pagedown");
    }
    assert_eq!(seen.len(), 60, "{seen:?}");
}

#[test]
fn a_text_is_read_to_its_end_and_a_match_is_on_the_screen() {
    let mut screen = checkout((60, 12), "Succeeded", false);
    screen.press("d G");
    assert!(screen.shows("restartPolicy: Never"), "{}", screen.text());
    screen.press("k k k G g");
    assert!(screen.shows("ConfigMap/limits"), "{}", screen.text());
    let mut screen = two_containers((80, 10));
    screen.press("w / \"giving up\" enter");
    assert!(screen.shows("giving up"), "{}", screen.text());
}

#[test]
fn what_is_told_of_an_approval_scrolls_to_its_end_and_back() {
    let mut screen = checkout((80, 14), "Succeeded", false);
    screen.press("A");
    screen.text();
    screen.press("pagedown pagedown pagedown pagedown pagedown");
    assert!(screen.shows("Job/smoke"), "{}", screen.text());
    screen.press("pageup pageup pageup");
    assert!(screen.shows("What it would do"), "{}", screen.text());
}

#[test]
fn requests_and_their_ends() {
    let mut screen = checkout((120, 35), "Failed", false);
    let key = AppKey::new(CLUSTER, "argocd", "checkout");
    let outcomes = [
        ("sync", Outcome::Written),
        (
            "abort",
            Outcome::Failed {
                error: "patch applications.argoproj.io is forbidden".to_owned(),
                denied: true,
                unreachable: false,
            },
        ),
        ("retry", Outcome::Unknown { happened: None, error: "the connection was cut".to_owned() }),
        ("refresh", Outcome::NotFound),
    ];
    for (id, (name, outcome)) in outcomes.into_iter().enumerate() {
        screen.live(LiveEvent::Request(RequestUpdate {
            id: RequestId(id as u64 + 1),
            key: key.clone(),
            name,
            at: now(),
            state: RequestState::Ended(outcome),
            version: String::new(),
        }));
    }
    shot("notice_unknown", &mut screen);
    screen.press("m");
    shot("requests_ended", &mut screen);
}

#[test]
fn what_came_of_a_request_is_told_and_is_not_another_operations() {
    let mut screen = checkout((120, 35), "Failed", false);
    let checkout = applications().into_iter().find(|object| object.name() == "checkout").unwrap();
    let operation = |begin: &str, phase: &str, message: &str| {
        let mut json = serde_json::Value::Object(checkout.as_json().clone());
        json.as_object_mut().unwrap().remove("operation");
        json["status"]["operationState"] = json!({"phase": phase, "message": message, "startedAt": begin,
            "finishedAt": (phase != "Running").then_some("2026-11-22T03:30:00Z"),
            "operation": {"sync": {"revision": "1111111000000000000000000000000000000000"}}});
        object(json)
    };
    screen.application(&operation("2026-11-22T03:00:00Z", "Failed", "the one before"));
    let key = AppKey::new(CLUSTER, "argocd", "checkout");
    screen.live(LiveEvent::Request(RequestUpdate {
        id: RequestId(1),
        key,
        name: "sync",
        at: now(),
        state: RequestState::Ended(Outcome::Written),
        version: String::new(),
    }));
    screen.press("m");
    assert!(screen.shows("no controller was seen to begin it yet") && !screen.shows("the one before"));
    screen.application(&operation("2026-11-22T03:08:00Z", "Running", "at work"));
    assert!(screen.shows("the operation runs: at work"), "{}", screen.text());
    screen.application(&operation("2026-11-22T03:08:00Z", "Failed", "its hook failed"));
    assert!(screen.shows("the operation failed after 22m 0s: its hook failed"), "{}", screen.text());
    screen.application(&operation("2026-11-22T03:40:00Z", "Succeeded", "somebody else's"));
    assert!(screen.shows("the operation failed after 22m 0s: its hook failed"), "{}", screen.text());
}

#[test]
fn a_theme_of_colours_is_not_taken_where_there_are_none() {
    let mut settings = settings();
    (settings.has_colors, settings.theme) = (false, boathook::tui::Theme::load("mono", &[]).unwrap());
    let mut screen = Screen::with(settings, (120, 35), now());
    screen.connect();
    screen.press(": \"theme light\" enter");
    assert!(screen.shows("light tells by colours, and there are none here"), "{}", screen.text());
    screen.press(": \"theme mono\" enter");
    assert!(!screen.shows("there are none here"), "{}", screen.text());
}

#[test]
fn lost_logs_are_told() {
    let mut screen = checkout((120, 35), "Failed", false);
    let key = AppKey::new(CLUSTER, "argocd", "checkout");
    let (source, reason) = ("db-migrate-x7k2p/main".to_owned(), "the pod was gone".to_owned());
    screen.live(LiveEvent::Capture(CaptureNotice::Lost { key, source, reason }));
    shot("notice_lost_log", &mut screen);
}

#[test]
fn every_theme_draws_the_same_words() {
    let mut texts = std::collections::BTreeSet::new();
    for name in ["dark", "light", "high-contrast", "colour-blind", "16", "mono"] {
        let mut settings = settings();
        settings.theme = boathook::tui::Theme::load(name, &[]).expect("a built-in theme");
        let mut screen = Screen::with(settings, (120, 35), now());
        screen.connect();
        for object in applications() {
            screen.application(&object);
        }
        screen.complete();
        texts.insert(screen.text());
    }
    assert_eq!(texts.len(), 1);
}
