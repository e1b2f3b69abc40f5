//! The command line: it does everything that keys do, and says why where it does not.

use boathook::domain::live::LiveEvent;
use boathook::domain::request::Request;
use boathook::tui::{Action, Context, Effect};

use super::fleet::now;
use super::harness::{Screen, settings};
use super::release::{application, checkout, key, review};

const SIZE: (u16, u16) = (110, 30);

/// A screen, the keys that lead to it, and what its keys are looked up in.
const PLACES: &[(&str, &str, &[Context])] = {
    use Context::{About, Application, Applications, Approvals, Everywhere, Log, Move, Page, Target, Text};
    &[
        ("the list", "", &[Applications, Target, About, Move, Everywhere]),
        ("an application", "enter", &[Application, Target, About, Move, Everywhere]),
        ("its commits", "c", &[Page, Target, About, Move, Everywhere]),
        ("a difference", "d", &[Text, Move, Everywhere]),
        ("the approvals", "A", &[Approvals, Target, About, Move, Everywhere]),
        ("a log", "enter l", &[Log, Move, Everywhere]),
        ("the help", "?", &[Move, Everywhere]),
    ]
};

fn at(script: &str) -> Screen {
    let mut screen = checkout(SIZE, "Failed", false);
    screen.text();
    screen.press(script);
    screen.text();
    screen.effects.clear();
    screen
}

/// What a key means: the nearest context wins.
fn meant(key: &str, contexts: &[Context]) -> Option<Action> {
    contexts.iter().find_map(|context| {
        let mut own = Action::LIST.iter().filter(|info| info.context == *context && info.keys.contains(&key));
        own.next().map(|info| info.action)
    })
}

#[test]
fn every_action_does_by_its_name_what_its_key_does() {
    for (place, script, contexts) in PLACES {
        for info in Action::LIST {
            let mut by_name = at(script);
            by_name.press(&format!(": \"{}\" enter", info.name));
            let is_here = contexts.contains(&info.context);
            let is_about = matches!(info.context, Context::Target | Context::About | Context::Everywhere);
            if !is_here && !is_about {
                assert!(by_name.shows("it belongs to"), "{} in {place}: {}", info.name, by_name.text());
                continue;
            }
            let Some(key) = info.keys.iter().find(|key| meant(key, contexts) == Some(info.action)) else { continue };
            let mut by_key = at(script);
            by_key.press(key);
            assert_eq!(by_name.text(), by_key.text(), "{} in {place}", info.name);
            assert_eq!(by_name.effects, by_key.effects, "{} in {place}", info.name);
            assert_eq!(by_name.quit, by_key.quit, "{} in {place}", info.name);
        }
    }
}

/// The same where nothing may be written.
fn read_only(script: &str) -> Screen {
    let mut settings = settings();
    settings.read_only = true;
    let mut screen = Screen::with(settings, SIZE, super::fleet::now());
    screen.connect();
    screen.application(&super::release::application("Failed", false));
    screen.complete();
    screen.text();
    screen.press(script);
    screen
}

#[test]
fn with_read_only_every_write_says_why_not() {
    let writes = [
        Action::Sync,
        Action::Abort,
        Action::Retry,
        Action::Rerun,
        Action::Approve,
        Action::Rollback,
        Action::Resume,
        Action::AutoSync,
        Action::Repair,
        Action::Refresh,
        Action::HardRefresh,
    ];
    for (place, script, _) in PLACES {
        for action in writes {
            let name = action.name();
            for line in [name.to_owned(), format!("{name} checkout")] {
                // The rerun and its like take no name.
                let mut screen = read_only(script);
                screen.press(&format!(": \"{line}\" enter"));
                let said = screen.text().lines().last().unwrap_or_default().to_owned();
                let is_said = said.contains("--read-only") || said.contains("takes no argument");
                assert!(is_said, "{line} in {place}: {said}");
                assert!(screen.sent.is_empty());
            }
        }
    }
    let mut settings = settings();
    settings.read_only = true;
    let mut screen = Screen::with(settings, (160, 60), super::fleet::now());
    screen.connect();
    for object in super::fleet::applications() {
        screen.application(&object);
    }
    screen.complete();
    screen.press("?");
    for action in writes {
        let help = action.info().help;
        assert!(screen.line(help).contains("--read-only"), "{help}: {}", screen.text());
    }
}

#[test]
fn an_argument_is_what_would_have_been_typed() {
    let mut typed = at("d");
    typed.press("/ \"image\" enter");
    let mut given = at("d");
    given.press(": \"text-search image\" enter");
    assert_eq!(given.text(), typed.text());
    let mut typed = at("enter l");
    typed.press("& \"lock\" enter");
    let mut given = at("enter l");
    given.press(": \"log-filter lock\" enter");
    assert_eq!(given.text(), typed.text());
    let mut given = at("");
    given.press(": \"log-filter lock\" enter");
    assert!(given.shows("it belongs to: Log"), "{}", given.text());
}

#[test]
fn what_is_asked_of_an_application_that_is_not_open_is_done() {
    for (line, title) in [
        ("rollback checkout", "Roll checkout back to entry 7"),
        ("rollback argocd/checkout 8", "Roll checkout back to entry 8"),
        ("auto-sync checkout", "Switch automated sync of checkout on"),
    ] {
        let mut screen = at("");
        screen.press(&format!(": \"{line}\" enter"));
        assert!(screen.shows(title) && screen.shows("▶ Cancel ◀"), "{line}: {}", screen.text());
        screen.press("esc");
        assert!(screen.shows("NAME"), "it is the list that lies below: {}", screen.text());
        let of = |wanted: fn(&Effect) -> bool| screen.effects.iter().filter(|effect| wanted(effect)).count();
        let opened = of(|effect| matches!(effect, Effect::Open(_)));
        assert_eq!((opened, opened > 0), (of(|effect| matches!(effect, Effect::Close(_))), true), "{line}");
    }
    let mut screen = at("");
    screen.press(": \"rollback checkout 99\" enter");
    assert!(screen.shows("the history has no such entry"), "{}", screen.text());
    screen.press(": \"rollback checkout x\" enter");
    assert!(screen.shows("ID is a number"), "{}", screen.text());
    let mut screen = at("");
    screen.press("b");
    assert!(screen.shows("Roll checkout back to entry 7"), "the key does the same: {}", screen.text());
    let mut screen = at("");
    screen.press(": \"logs checkout\" enter");
    assert!(screen.shows("giving up"), "{}", screen.text());
    let mut screen = at("l");
    assert!(screen.shows("giving up"), "{}", screen.text());
}

#[test]
fn what_waits_for_an_application_to_be_told_is_given_up_by_any_key() {
    // Nothing is told of it by itself.
    let unknown = || {
        let mut screen = Screen::connected(SIZE, now());
        let object = application("Failed", false);
        let read = boathook::domain::application::Application::read(super::harness::CLUSTER, &object).0;
        screen.live(LiveEvent::App(Box::new(boathook::domain::application::AppSummary::of(&read))));
        screen.complete();
        screen.text();
        screen.press(": \"rollback checkout\" enter");
        assert!(screen.shows("◌ rollback checkout: what is known of it is being read"), "{}", screen.text());
        screen
    };
    let mut screen = unknown();
    screen.application(&application("Failed", false));
    assert!(screen.shows("Roll checkout back to entry 7"), "{}", screen.text());
    let before = "1111111000000000000000000000000000000000";
    screen.review(review(before, &[before]));
    screen.reviewed(&key(), &[before.to_owned()]);
    screen.press("backtab enter");
    assert_eq!(
        screen.sent.pop(),
        Some(("checkout".to_owned(), Request::Rollback { id: 7, prune: false, hooks: false }))
    );
    for give_up in ["j", "esc", "?"] {
        let mut screen = unknown();
        screen.press(give_up);
        assert!(screen.effects.contains(&Effect::Close(key())), "{give_up}");
        screen.application(&application("Failed", false));
        assert!(!screen.shows("Roll checkout back"), "{give_up}: {}", screen.text());
    }
    let mut screen = unknown();
    screen.live(LiveEvent::AppGone(key()));
    assert!(screen.shows("checkout does not exist any more"), "{}", screen.text());
    // Which hook is meant is known when all of them are.
    let mut screen = unknown();
    screen.press(": \"rerun-hook checkout\" enter");
    screen.application(&application("Failed", false));
    assert!(screen.shows("◌ rerun-hook checkout"), "{}", screen.text());
    screen.live(LiveEvent::Settled(key()));
    assert!(screen.shows("rerun-hook: "), "its Job is gone, which is said: {}", screen.text());
}

#[test]
fn a_hook_is_run_again_by_its_name() {
    let recording = super::replay::recording("flaky-retry");
    let mut screen = Screen::connected(SIZE, recording.events[0].at);
    screen.play(&recording, recording.events.len() / 2);
    screen.complete();
    screen.text();
    let name = recording.application.clone();
    screen.press(&format!(": \"rerun-hook {name} flaky-check\" enter"));
    assert!(screen.shows("Run the hook flaky-check"), "{}", screen.text());
    screen.press("esc");
    screen.press(&format!(": \"rerun-hook {name} nothing\" enter"));
    assert!(screen.shows("its operation has no hook nothing"), "{}", screen.text());
}
