//! The same events in every order that keeps the order within each watch.

use std::collections::HashMap;

use boathook::domain::event::WatchEvent;
use boathook::domain::timeline::TaskState;
use proptest::prelude::*;

use super::replay::{RECORDINGS, Recording, recording};
use super::traces::{assert_agrees, last_state};
use crate::cases::cases;

/// The events of a recording by watch: one a kind, as the recording was made.
fn watches(recording: &Recording) -> Vec<Vec<&WatchEvent>> {
    let kinds = ["Application", "Job", "Pod", "Workflow", "Event"];
    let of = |kind: &str| recording.events.iter().filter(|event| event.object.kind() == kind).collect::<Vec<_>>();
    let watches: Vec<_> = kinds.into_iter().map(of).filter(|watch| !watch.is_empty()).collect();
    assert_eq!(watches.iter().map(Vec::len).sum::<usize>(), recording.events.len());
    watches
}

/// Merges the watches: each choice picks the watch that speaks next.
fn merge<'r>(watches: Vec<Vec<&'r WatchEvent>>, choices: &[usize]) -> Vec<&'r WatchEvent> {
    let mut watches: Vec<_> = watches.into_iter().map(|watch| watch.into_iter().peekable()).collect();
    let mut merged = Vec::new();
    for choice in choices.iter().cycle() {
        watches.retain_mut(|watch| watch.peek().is_some());
        if watches.is_empty() {
            break;
        }
        let next = choice % watches.len();
        merged.extend(watches[next].next());
    }
    merged
}

proptest! {
    #![proptest_config(cases())]

    /// However the watches interleave, the timeline is the same in the end; on the way it never shows an end that is
    /// taken back for the same object.
    #[test]
    fn timeline_does_not_depend_on_how_the_watches_interleave(
        name in proptest::sample::select(RECORDINGS.to_vec()),
        // Runs of one watch of very different lengths: whole watches before others, and one event each in turn.
        choices in prop::collection::vec(0_usize..64, 1..40),
        repeats in prop::collection::vec(1_usize..60, 1..40),
    ) {
        let choices: Vec<usize> =
            choices.iter().zip(repeats.iter().cycle()).flat_map(|(choice, repeat)| vec![*choice; *repeat]).collect();
        let recording = recording(name);
        let merged = merge(watches(&recording), &choices);
        prop_assert_eq!(merged.len(), recording.events.len());

        let mut timeline = recording.timeline();
        let mut ended: HashMap<String, TaskState> = HashMap::new();
        for (index, event) in merged.iter().enumerate() {
            timeline.observe(event);
            // Each recording is read at other places in each case.
            if (index + repeats[0]) % 4 != 0 {
                continue;
            }
            for attempt in timeline.view(event.at).tasks().flat_map(|task| &task.attempts) {
                let known = ended.get(&attempt.uid);
                if known.is_some() {
                    prop_assert!(!attempt.state.is_active(), "{} runs again: {:?}", attempt.name, attempt.state);
                }
                if !attempt.state.is_active() {
                    ended.insert(attempt.uid.clone(), attempt.state);
                }
            }
        }
        let view = timeline.view(recording.end());
        let expected = recording.after(recording.events.len()).view(recording.end());
        prop_assert_eq!(&view, &expected);
        assert_agrees(name, &view, &last_state(&recording));
    }

    /// Repeating events changes nothing, and says so.
    #[test]
    fn timeline_is_not_changed_by_what_it_has_seen(
        name in proptest::sample::select(RECORDINGS.to_vec()),
        upto in 0_usize..=1_000,
        again in prop::collection::vec(0_usize..1_000, 1..20),
    ) {
        let recording = recording(name);
        let upto = recording.events.len() * upto / 1_000;
        let mut timeline = recording.after(upto);
        let before = timeline.view(recording.end());
        for position in again {
            let Some(event) = recording.events[..upto].get(upto * position / 1_000) else { continue };
            prop_assert!(!timeline.observe(event));
        }
        prop_assert_eq!(timeline.view(recording.end()), before);
    }
}
