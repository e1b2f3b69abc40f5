//! What the terminal is asked for beside text: the bell, notifications, the title.

use boathook::clock::Clock;
use boathook::tui::{Effect, Model, Settings, run};
use serde_json::json;

use super::fleet::now;
use super::harness::{Screen, object, settings};
use super::release::{application, running};
use super::replay::recording;
use super::stage::{Canvas, unconnected};

const SIZE: (u16, u16) = (100, 30);

fn told(screen: &mut Screen) -> Vec<Effect> {
    let effects = std::mem::take(&mut screen.effects);
    effects.into_iter().filter(|effect| matches!(effect, Effect::Bell | Effect::Notify(_))).collect()
}

/// A hook fails before our eyes.
fn failure(settings: Settings) -> Vec<Effect> {
    let recording = recording("flaky-retry");
    let mut screen = Screen::with(settings, SIZE, recording.events[0].at);
    screen.connect();
    screen.play(&recording, 1);
    screen.complete();
    screen.press("enter");
    screen.effects.clear();
    screen.play(&recording, recording.events.len());
    told(&mut screen)
}

#[test]
fn a_hook_that_fails_rings_and_is_told_to_the_desktop_as_configured() {
    let both = failure(settings());
    assert!(both.contains(&Effect::Bell), "{both:?}");
    let says = |effect: &Effect| matches!(effect, Effect::Notify(line) if line.contains("flaky-check has failed"));
    assert!(both.iter().any(says), "{both:?}");
    let quiet = failure(Settings { bell: false, ..settings() });
    assert!(!quiet.contains(&Effect::Bell) && quiet.iter().any(says), "{quiet:?}");
    let none = failure(Settings { bell: false, notify: false, ..settings() });
    assert_eq!(none, []);
}

/// An operation ends, of an application that is looked at or not.
fn end(settings: Settings, phase: &str, script: &str) -> Vec<Effect> {
    let mut screen = Screen::with(settings, SIZE, now());
    screen.connect();
    screen.application(&running());
    screen.complete();
    screen.text();
    screen.press(script);
    screen.effects.clear();
    let mut ended = (*application(phase, false)).clone();
    let status = ended.as_json_mut().get_mut("status").unwrap();
    status["operationState"]["startedAt"] = json!("2026-11-22T03:00:00Z");
    screen.application(&object(serde_json::Value::Object(ended.as_json().clone())));
    told(&mut screen)
}

#[test]
fn the_end_of_an_operation_is_told_where_somebody_watches_it() {
    let succeeded = Effect::Notify("checkout: the operation has succeeded".to_owned());
    let failed = Effect::Notify("checkout: the operation has FAILED".to_owned());
    for watched in ["enter", "space"] {
        assert_eq!(end(settings(), "Succeeded", watched), std::slice::from_ref(&succeeded), "{watched}");
        let told = end(settings(), "Failed", watched);
        assert!(told.contains(&failed) && told.contains(&Effect::Bell), "{watched}: {told:?}");
    }
    assert_eq!(end(settings(), "Failed", "j"), [], "nobody watches it");
    let bell = end(Settings { notify: false, ..settings() }, "Failed", "space");
    assert_eq!(bell, [Effect::Bell]);
}

#[tokio::test]
async fn the_title_says_where_it_is_and_is_set_once() {
    for (wanted, expected) in [(true, &["title boathook demo"][..]), (false, &[])] {
        let (clock, _driver) = Clock::driven(now());
        let (mut canvas, mut seen) = Canvas::new(SIZE);
        let (keys, input) = futures::channel::mpsc::unbounded();
        let (sender, messages) = tokio::sync::mpsc::channel(8);
        let session = unconnected(&clock);
        let settings = Settings { title: wanted, label: "demo".to_owned(), ..settings() };
        let model = Model::new(settings, clock.now(), SIZE);
        let acts = async {
            seen.wait_for(|picture| picture.number == 1).await.unwrap();
            let quit: boathook::tui::Key = "ctrl-c".parse().unwrap();
            keys.unbounded_send(Ok(crossterm::event::Event::Key(quit.event()))).unwrap();
        };
        let (result, ()) = tokio::join!(run(model, &mut canvas, input, messages, sender, session), acts);
        result.unwrap();
        assert_eq!(canvas.told, expected);
    }
}
