//! The mouse: what is clicked on is what is seen there, and no single click sends anything.

use boathook::domain::timeline::TaskState;
use boathook::tui::{Effect, Message};
use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::fleet::shop;
use super::harness::{SIZES, Screen};
use super::release::checkout;

const CLICK: MouseEventKind = MouseEventKind::Down(MouseButton::Left);

fn mouse(screen: &mut Screen, kind: MouseEventKind, column: u16, row: u16) {
    screen.tell(Message::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
}

/// Where a text begins on the screen.
fn place(screen: &mut Screen, text: &str) -> (u16, u16) {
    let seen = screen.text();
    let (row, line) = seen.lines().enumerate().find(|(_, line)| line.contains(text)).unwrap_or_else(|| {
        panic!("{text:?} is not on the screen:\n{seen}");
    });
    let column = unicode_width::UnicodeWidthStr::width(&line[..line.find(text).unwrap()]);
    (u16::try_from(column).unwrap(), u16::try_from(row).unwrap())
}

fn on(screen: &mut Screen, kind: MouseEventKind, text: &str) {
    let (column, row) = place(screen, text);
    mouse(screen, kind, column, row);
}

#[test]
fn rows_and_headings_of_the_list() {
    let mut screen = shop((100, 30));
    // The bar and what lies below the list are nothing.
    for row in [0, 25] {
        mouse(&mut screen, CLICK, 10, row);
    }
    assert!(screen.line("auth").starts_with('›'), "{}", screen.text());
    on(&mut screen, CLICK, "checkout");
    assert!(screen.line("checkout").starts_with('›'), "{}", screen.text());
    on(&mut screen, MouseEventKind::ScrollDown, "auth");
    assert!(screen.line("mail").starts_with('›'), "three rows down: {}", screen.text());
    on(&mut screen, MouseEventKind::ScrollUp, "auth");
    assert!(screen.line("checkout").starts_with('›'), "{}", screen.text());
    on(&mut screen, CLICK, "HEALTH");
    assert!(screen.shows("HEALTH ▲"), "{}", screen.text());
    on(&mut screen, CLICK, "HEALTH");
    assert!(screen.shows("HEALTH ▼"), "{}", screen.text());
    assert!(screen.line("checkout").starts_with('›'), "{}", screen.text());
    on(&mut screen, CLICK, "checkout");
    assert!(screen.effects.iter().any(|effect| matches!(effect, Effect::Open(key) if &*key.name == "checkout")));
}

#[test]
fn a_row_that_was_clicked_stays_selected_when_others_come() {
    let mut screen = shop((100, 30));
    on(&mut screen, CLICK, "checkout");
    let mut early = (*super::fleet::applications()[0]).clone();
    early.as_json_mut()["metadata"]["name"] = serde_json::json!("aaa");
    early.as_json_mut()["metadata"]["uid"] = serde_json::json!("uid-aaa");
    screen.application(&std::sync::Arc::new(early));
    assert!(screen.line("checkout").starts_with('›'), "{}", screen.text());
}

/// An operation with several phases, whose `sync-hook` runs.
fn waves(size: (u16, u16)) -> Screen {
    let recording = super::replay::recording("waves");
    let mut timeline = recording.timeline();
    let place = recording.events.iter().position(|event| {
        timeline.observe(event);
        let view = timeline.view(event.at);
        view.tasks().any(|task| task.key.object.name == "sync-hook" && task.state == TaskState::Running)
    });
    let mut screen = Screen::connected(size, recording.events[0].at);
    screen.log("sync-hook", &["connecting", "applying"]);
    screen.log("backup", &["dumping"]);
    screen.play(&recording, place.unwrap() + 1);
    screen.complete();
    screen.press("enter");
    screen.text();
    screen
}

/// Whether the selected task, behind its sign, is this one.
fn is_selected(screen: &mut Screen, name: &str) -> bool {
    let seen = screen.text();
    let behind = seen.lines().filter_map(|line| line.split_once('›').map(|(_, behind)| behind.to_owned()));
    behind.map(|line| line.split('│').next().unwrap_or_default().to_owned()).any(|own| own.contains(name))
}

#[test]
fn panels_of_an_application_and_its_log() {
    for size in SIZES {
        let mut screen = waves(size);
        assert!(is_selected(&mut screen, "sync-hook"), "{size:?}: {}", screen.text());
        on(&mut screen, CLICK, "seed-data");
        assert!(is_selected(&mut screen, "seed-data"), "{size:?}: {}", screen.text());
        assert!(screen.shows("not following"), "{size:?}: {}", screen.text());
        // The wheel moves within the panel that is under it, and stays there.
        for _ in 0..20 {
            on(&mut screen, MouseEventKind::ScrollUp, "seed-data");
        }
        assert!(is_selected(&mut screen, "backup"), "{size:?}: {}", screen.text());
        for _ in 0..20 {
            on(&mut screen, MouseEventKind::ScrollDown, "backup");
        }
        assert!(is_selected(&mut screen, "flags"), "{size:?}: {}", screen.text());
        // A heading leads to the first task of its phase.
        on(&mut screen, CLICK, "Sync ◐");
        assert!(is_selected(&mut screen, "w-first"), "{size:?}: {}", screen.text());
        on(&mut screen, CLICK, "sync-hook");
        on(&mut screen, MouseEventKind::ScrollDown, "─ log");
        assert!(screen.shows("─ log"), "there is nothing after its end: {}", screen.text());
        on(&mut screen, MouseEventKind::ScrollUp, "─ log");
        assert!(!screen.shows("─ log") && screen.shows("connecting"), "{size:?}: {}", screen.text());
        screen.press("esc");
        on(&mut screen, CLICK, "sync-hook");
        assert!(!screen.shows("─ log") && screen.shows("connecting"), "a second click opens: {}", screen.text());
    }
}

#[test]
fn rows_of_lists_and_the_queue() {
    let mut screen = checkout((120, 35), "Succeeded", false);
    screen.press("v");
    on(&mut screen, CLICK, "database");
    assert!(screen.line("database").starts_with('›'), "{}", screen.text());
    on(&mut screen, CLICK, "database");
    assert!(screen.shows("kind: Secret"), "{}", screen.text());

    let mut screen = shop((120, 20));
    screen.press("A");
    screen.text();
    on(&mut screen, CLICK, "reports");
    assert!(screen.line("reports").starts_with('›'), "{}", screen.text());
    on(&mut screen, MouseEventKind::ScrollUp, "reports");
    assert!(screen.line("payments").starts_with('›'), "{}", screen.text());
    on(&mut screen, CLICK, "reports");
    on(&mut screen, CLICK, "reports");
    assert!(screen.line("reports").starts_with(" reports"), "{}", screen.text());

    let mut screen = checkout((80, 14), "Succeeded", false);
    screen.press("A");
    screen.text();
    for _ in 0..20 {
        mouse(&mut screen, MouseEventKind::ScrollDown, 10, 10);
    }
    assert!(screen.shows("Job/smoke"), "what is told of it scrolls to its end: {}", screen.text());
    for _ in 0..20 {
        mouse(&mut screen, MouseEventKind::ScrollUp, 10, 10);
    }
    assert!(screen.shows("What it would do") && screen.sent.is_empty(), "{}", screen.text());
}

#[test]
fn the_keys_of_the_last_line() {
    let mut screen = shop((120, 30));
    on(&mut screen, CLICK, "faults");
    assert!(!screen.shows("catalog"), "{}", screen.text());
    on(&mut screen, CLICK, "? help");
    assert!(screen.shows("help: what can be done here"), "{}", screen.text());
}

#[test]
fn fields_and_buttons_of_a_dialog() {
    let mut screen = checkout((120, 40), "Succeeded", false);
    screen.press("enter s");
    on(&mut screen, CLICK, "dry run");
    assert!(screen.shows("›[x] dry run"), "{}", screen.text());
    on(&mut screen, CLICK, "Revision:");
    screen.press("\"v1.7.3\"");
    assert!(screen.shows("Revision: v1.7.3"), "{}", screen.text());
    on(&mut screen, CLICK, "[ Sync ]");
    assert!(screen.sent.is_empty() && screen.shows("▶ Sync ◀"), "the first click selects: {}", screen.text());
    on(&mut screen, CLICK, "▶ Sync ◀");
    assert_eq!(screen.sent.len(), 1, "the second presses");
    assert!(!screen.shows("Cancel"), "{}", screen.text());
    screen.press("s");
    on(&mut screen, CLICK, "▶ Cancel ◀");
    assert!(!screen.shows("Cancel") && screen.sent.len() == 1, "{}", screen.text());
    // Where Cancel has not the focus, it needs no second click either: nothing can come of it.
    screen.press("s tab");
    on(&mut screen, CLICK, "[ Cancel ]");
    assert!(!screen.shows("Cancel") && screen.sent.len() == 1, "{}", screen.text());
}

#[test]
fn beside_a_dialog_nothing_is_pressed_and_one_click_never_sends() {
    let size = (80, 24);
    for keys in ["s", "x", "r", "b", "ctrl-r", "T"] {
        let open = || {
            let mut screen = checkout(size, "Failed", false);
            if keys == "x" {
                screen.application(&super::release::running());
            }
            screen.press("enter");
            screen.press(keys);
            screen
        };
        let mut screen = open();
        assert!(screen.shows("Cancel"), "{keys}: {}", screen.text());
        let before = screen.text();
        let (left, _) = place(&mut screen, "┌ ");
        for row in 0..size.1 - 1 {
            mouse(&mut screen, CLICK, left.saturating_sub(1).min(1), row);
            mouse(&mut screen, MouseEventKind::ScrollDown, 0, row);
        }
        assert_eq!(screen.text(), before, "{keys}");
        // What can destroy nothing has the focus at once, and is pressed by one click.
        if keys == "ctrl-r" {
            continue;
        }
        for (column, row) in (0..size.1).flat_map(|row| (0..size.0).step_by(17).map(move |column| (column, row))) {
            let mut screen = open();
            mouse(&mut screen, CLICK, column, row);
            assert!(screen.sent.is_empty(), "{keys} {column},{row}: {}", screen.text());
        }
    }
}
