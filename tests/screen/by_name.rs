//! The command line: it does everything that keys do, and says why where it does not.

use boathook::tui::{Action, Context};

use super::harness::{Screen, settings};
use super::release::checkout;

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
