//! When the loop draws.

use std::time::Duration;

use boathook::clock::Clock;
use boathook::tui::{Key, Model, run};
use crossterm::event::Event;
use jiff::SignedDuration;
use serde_json::json;

use super::fleet::now;
use super::harness::{Screen, object, settings};
use super::stage::{Canvas, unconnected};

#[tokio::test]
async fn many_keys_are_one_frame_and_an_idle_screen_waits_for_nothing() {
    let (clock, driver) = Clock::driven(now());
    let (mut canvas, mut seen) = Canvas::new((80, 24));
    let (keys, input) = futures::channel::mpsc::unbounded();
    let (sender, messages) = tokio::sync::mpsc::channel(8);
    let session = unconnected(&clock);
    let model = Model::new(settings(), clock.now(), (80, 24));
    let press = |key: &str| keys.unbounded_send(Ok(Event::Key(key.parse::<Key>().unwrap().event()))).unwrap();
    let acts = async {
        // The first frame comes although nothing is connected.
        let first = seen.wait_for(|picture| picture.number == 1).await.unwrap().text.clone();
        assert!(first.contains("boathook"), "{first}");
        assert_eq!(driver.sleepers(), 0, "nothing is waited for but keys");
        (0..50).for_each(|_| press("?"));
        // The loop waits for the time of the next frame, which does not come by itself.
        driver.wait_for_sleepers(1).await;
        assert_eq!(seen.borrow().number, 1);
        driver.advance(Duration::from_millis(16));
        let help = seen.wait_for(|picture| picture.number == 2).await.unwrap().text.clone();
        assert!(help.contains("help: what can be done here"), "{help}");
        assert_eq!(driver.sleepers(), 0, "nothing is waited for but keys");
        press("ctrl-c");
    };
    let (result, ()) = tokio::join!(run(model, &mut canvas, input, messages, sender, session), acts);
    result.unwrap();
    assert_eq!(seen.borrow().number, 2);
}

#[tokio::test]
async fn an_age_in_seconds_moves_on_although_nothing_happens() {
    let (clock, driver) = Clock::driven(now());
    let (mut canvas, mut seen) = Canvas::new((100, 24));
    let (keys, input) = futures::channel::mpsc::unbounded();
    let (sender, messages) = tokio::sync::mpsc::channel(8);
    let mut screen = Screen::connected((100, 24), now());
    let ended = now() - SignedDuration::from_secs(58);
    screen.application(&object(json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": "checkout", "namespace": "argocd", "uid": "u", "resourceVersion": "1"},
        "spec": {"project": "default", "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"}},
        "status": {"reconciledAt": now(), "operationState": {"phase": "Succeeded", "startedAt": ended, "finishedAt": ended,
            "operation": {"sync": {}, "initiatedBy": {"username": "ada"}}}},
    })));
    screen.complete();
    let model = screen.into_model();
    let session = unconnected(&clock);
    let acts = async {
        let first = seen.wait_for(|picture| picture.number == 1).await.unwrap().text.clone();
        assert!(first.contains("58s ago ada"), "{first}");
        for age in ["59s ago ada", "1m ago ada", "1m ago ada"] {
            let frame = seen.borrow().number;
            driver.wait_for_sleepers(1).await;
            driver.advance(Duration::from_secs(1));
            let picture = seen.wait_for(|picture| picture.number > frame).await.unwrap().text.clone();
            assert!(picture.contains(age), "{age}: {picture}");
        }
        // From now on it takes a minute to be wrong, and half of one to be drawn.
        let frame = seen.borrow().number;
        driver.wait_for_sleepers(1).await;
        driver.advance(Duration::from_secs(29));
        assert_eq!(seen.borrow().number, frame);
        driver.advance(Duration::from_secs(31));
        let picture = seen.wait_for(|picture| picture.number > frame).await.unwrap().text.clone();
        assert!(picture.contains("2m ago ada"), "{picture}");
        keys.unbounded_send(Ok(Event::Key("ctrl-c".parse::<Key>().unwrap().event()))).unwrap();
    };
    let (result, ()) = tokio::join!(run(model, &mut canvas, input, messages, sender, session), acts);
    result.unwrap();
}

#[tokio::test]
async fn a_crash_elsewhere_ends_it() {
    let (clock, _driver) = Clock::driven(now());
    let (mut canvas, mut seen) = Canvas::new((80, 24));
    let (_keys, input) = futures::channel::mpsc::unbounded();
    let (sender, messages) = tokio::sync::mpsc::channel(8);
    let session = unconnected(&clock);
    let crashed = session.crashed.clone();
    let model = Model::new(settings(), clock.now(), (80, 24));
    let acts = async {
        seen.wait_for(|picture| picture.number == 1).await.unwrap();
        crashed.cancel();
    };
    let (result, ()) = tokio::join!(run(model, &mut canvas, input, messages, sender, session), acts);
    result.unwrap();
}
