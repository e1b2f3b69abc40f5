//! What is said at the bottom of the screen, and where it can be read later.

use boathook::domain::live::{CaptureNotice, LiveEvent};
use boathook::tui::{Effect, Message};
use jiff::{SignedDuration, Timestamp};

use super::fleet::{now, shop};
use super::harness::Screen;
use super::release::key;

const SIZE: (u16, u16) = (120, 35);

fn lost(screen: &mut Screen, source: &str) {
    let (source, reason) = (source.to_owned(), "the pod was gone".to_owned());
    screen.live(LiveEvent::Capture(CaptureNotice::Lost { key: key(), source, reason }));
}

fn later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

fn bottom(screen: &mut Screen) -> String {
    screen.text().lines().last().unwrap_or_default().to_owned()
}

#[test]
fn an_error_stays_until_it_was_seen() {
    let mut screen = shop(SIZE);
    lost(&mut screen, "pod-one");
    screen.at(later(1));
    lost(&mut screen, "pod-two");
    lost(&mut screen, "pod-two");
    screen.tell(Message::Saved(Ok("x.log".to_owned())));
    assert!(bottom(&mut screen).contains("pod-one") && bottom(&mut screen).contains("1 more"), "{}", screen.text());
    screen.at(later(3600));
    assert!(bottom(&mut screen).contains("pod-one"), "an hour later: {}", screen.text());
    // Whoever works on sees it, and then the next.
    screen.press("j");
    assert!(bottom(&mut screen).contains("pod-two"), "{}", screen.text());
    // This key was pressed before anybody could read that.
    screen.press("j");
    assert!(bottom(&mut screen).contains("pod-two"), "{}", screen.text());
    screen.at(later(3605));
    screen.press("j");
    assert!(!bottom(&mut screen).contains("pod-"), "{}", screen.text());
}

#[test]
fn what_a_key_cannot_do_is_said_before_an_error_that_waits() {
    let mut screen = shop(SIZE);
    lost(&mut screen, "pod-one");
    screen.press("n");
    assert!(bottom(&mut screen).contains("n means nothing here"), "{}", screen.text());
    screen.at(later(30));
    assert!(bottom(&mut screen).contains("pod-one"), "{}", screen.text());
}

#[test]
fn everything_that_was_said_can_be_read_with_the_programs_own_log() {
    let mut screen = shop(SIZE);
    lost(&mut screen, "pod-one");
    screen.tell(Message::Saved(Ok("x.log".to_owned())));
    screen.press("M");
    assert!(screen.effects.contains(&Effect::OwnLog));
    screen.tell(Message::OwnLog(vec!["first line".to_owned(), "WARN second \u{1b}[2J line".to_owned()]));
    let text = screen.text();
    for part in ["pod-one", "saved to x.log", "first line", "WARN second"] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
    assert!(text.find("WARN second") < text.find("first line"), "the latest first: {text}");
    // There it was seen.
    screen.press("q");
    assert!(!bottom(&mut screen).contains("pod-one"), "{}", screen.text());
    screen.press("M / \"second\" enter ctrl-s");
    assert!(
        screen.effects.iter().any(|effect| matches!(effect, Effect::Save { name, .. } if name.contains("messages")))
    );
}
