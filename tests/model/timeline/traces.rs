//! Every recording against Argo CD's own results, and against what its pods said before it did.

use std::collections::HashMap;

use boathook::domain::event::{Change, WatchEvent};
use boathook::domain::manifest::{Object, ObjectKey};
use boathook::domain::operation::{HookPhase, OperationState, ResultStatus, TaskResult};
use boathook::domain::timeline::{OperationStatus, OperationView, PodState, TaskKey, TaskState, TaskView, Timeline};
use serde_json::Value;

use super::replay::{Recording, recordings};

fn state_of(application: &Object) -> Option<OperationState> {
    application.at(&["status", "operationState"]).map(|value| OperationState::from_json(value).0)
}

pub(super) fn last_state(recording: &Recording) -> OperationState {
    let last = recording.events.iter().rfind(|event| event.object.kind() == "Application").unwrap();
    state_of(&last.object).unwrap()
}

pub(super) fn key_of(result: &TaskResult) -> TaskKey {
    TaskKey { phase: result.sync_phase.unwrap().into(), object: result.key.clone() }
}

/// The state that a result means once the operation is over.
fn expected(result: &TaskResult) -> TaskState {
    match (result.status.unwrap(), result.hook_phase.unwrap()) {
        (ResultStatus::Pruned, _) => TaskState::Pruned,
        (ResultStatus::PruneSkipped, _) => TaskState::Skipped,
        (ResultStatus::SyncFailed, _) | (_, HookPhase::Failed | HookPhase::Error) => TaskState::Failed,
        (ResultStatus::Synced, HookPhase::Succeeded) => TaskState::Succeeded,
        (ResultStatus::Synced, HookPhase::Running | HookPhase::Terminating) => {
            assert!(result.hook_type.is_none(), "a hook never stays so");
            TaskState::Applied
        }
    }
}

pub(super) fn assert_agrees(name: &str, view: &OperationView, state: &OperationState) {
    let status = match state.phase.unwrap() {
        boathook::domain::operation::OperationPhase::Succeeded => OperationStatus::Succeeded,
        boathook::domain::operation::OperationPhase::Failed => OperationStatus::Failed,
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(view.state, status, "{name}");
    assert_eq!(view.message, state.message, "{name}");
    assert_eq!(view.attempt, state.retry_count + 1, "{name}");
    let results = &state.sync_result.as_ref().unwrap().resources;
    for result in results {
        let key = key_of(result);
        let task = view.task(&key).unwrap_or_else(|| panic!("{name}: {key:?} is missing"));
        assert_eq!(task.state, expected(result), "{name}: {key:?}");
        assert_eq!(task.message, result.message, "{name}: {key:?}");
        assert_eq!(task.is_hook, result.hook_type.is_some(), "{name}: {key:?}");
        assert_eq!(task.is_recorded, task.state != TaskState::Applied, "{name}: {key:?}");
    }
    // Nothing but the results: all that was begun has one.
    assert_eq!(view.tasks().count(), results.len(), "{name}");
}

#[test]
fn timeline_agrees_with_argo_cd_at_the_end_of_every_recording() {
    for recording in recordings() {
        let view = recording.after(recording.events.len()).view(recording.end());
        assert_agrees(recording.name, &view, &last_state(&recording));
    }
}

/// What a pod event that ends a hook says, read without the timeline.
struct HookEnd {
    /// Index of the event.
    index: usize,
    hook: String,
    key: ObjectKey,
    state: TaskState,
    exit_code: i64,
}

/// The pod events that end hooks: the first that succeeds, or the failure after `backoffLimit` others.
fn hook_ends(recording: &Recording) -> Vec<HookEnd> {
    let mut hooks: HashMap<String, (ObjectKey, i64)> = HashMap::new();
    let mut failures: HashMap<String, Vec<String>> = HashMap::new();
    let mut ends: Vec<HookEnd> = Vec::new();
    for (index, WatchEvent { object, .. }) in recording.events.iter().enumerate() {
        let is_hook = object.annotation("argocd.argoproj.io/hook").or(object.annotation("helm.sh/hook")).is_some();
        if is_hook && ["Job", "Pod"].contains(&object.kind()) {
            let limit = object.at(&["spec", "backoffLimit"]).and_then(Value::as_i64).unwrap_or(0);
            hooks.insert(object.uid().to_owned(), (object.key(), limit));
        }
        if object.kind() != "Pod" {
            continue;
        }
        let owner = object.at(&["metadata", "ownerReferences"]).and_then(|owners| owners[0]["uid"].as_str());
        let hook = owner.unwrap_or(object.uid()).to_owned();
        let Some((key, limit)) = hooks.get(&hook) else { continue };
        if ends.iter().any(|end| end.hook == hook) {
            continue;
        }
        let failed = failures.entry(hook.clone()).or_default();
        let state = match object.at(&["status", "phase"]).and_then(Value::as_str) {
            Some("Succeeded") => TaskState::Succeeded,
            Some("Failed") => {
                if !failed.contains(&object.uid().to_owned()) {
                    failed.push(object.uid().to_owned());
                }
                if failed.len() <= usize::try_from(*limit).unwrap() {
                    continue;
                }
                TaskState::Failed
            }
            _ => continue,
        };
        let container = &object.at(&["status", "containerStatuses"]).unwrap()[0];
        let exit_code = container["state"]["terminated"]["exitCode"].as_i64().unwrap();
        ends.push(HookEnd { index, hook, key: key.clone(), state, exit_code });
    }
    ends
}

/// The task whose current run is of this object.
fn task_of<'v>(view: &'v OperationView, uid: &str) -> Option<&'v TaskView> {
    view.tasks().find(|task| task.attempts.last().is_some_and(|attempt| attempt.uid == uid))
}

#[test]
fn timeline_shows_the_end_of_a_hook_at_the_event_of_its_pod() {
    let mut seen = 0;
    for recording in recordings() {
        for end in hook_ends(&recording) {
            let HookEnd { index, hook, key, state, exit_code } = &end;
            let name = format!("{}:{} {key}", recording.name, index + 1);
            let now = recording.events[*index].at;

            let before = recording.after(*index).view(now);
            let task = task_of(&before, hook).unwrap_or_else(|| panic!("{name}: not there before its end"));
            assert!(task.state.is_active(), "{name}: {} before its end", task.state);

            let after = recording.after(index + 1);
            let view = after.view(now);
            let task = task_of(&view, hook).unwrap();
            assert_eq!(task.state, *state, "{name}");
            assert!(!task.is_recorded, "{name}: Argo CD cannot know yet");
            assert_eq!(task.exit.as_ref().unwrap().code.map(i64::from), Some(*exit_code), "{name}");
            assert_eq!(task.ended.observed, Some(now), "{name}");

            // Argo CD's record comes later, and says the same.
            let record = recording.events[index + 1..].iter().position(|event| {
                let state = (event.object.kind() == "Application").then(|| state_of(&event.object)).flatten();
                let results = state.and_then(|state| state.sync_result).map(|result| result.resources);
                let own = results.into_iter().flatten().find(|result| key_of(result) == task.key);
                own.is_some_and(|result| result.hook_phase.is_some_and(HookPhase::is_completed))
            });
            let record = index + 1 + record.unwrap_or_else(|| panic!("{name}: never recorded"));
            assert!(recording.events[record].at > now, "{name}");

            // From here to the record nothing flaps.
            let mut timeline = after;
            for event in &recording.events[index + 1..=record] {
                timeline.observe(event);
                let view = timeline.view(event.at);
                assert_eq!(view.task(&task.key).unwrap().state, *state, "{name}");
            }
            assert!(timeline.view(now).task(&task.key).unwrap().is_recorded, "{name}");
            seen += 1;
        }
    }
    // 2 of article, 2 of abort, 9 of waves, 3 of flaky-retry, 3 of helm, 1 of podhook.
    assert_eq!(seen, 20);
}

#[test]
fn timeline_shows_an_earlier_failure_as_an_ended_pod() {
    let recording = super::replay::recording("abort");
    let index = recording
        .events
        .iter()
        .position(|event| event.object.kind() == "Pod" && event.object.at(&["status", "phase"]).unwrap() == "Failed");
    let view = recording.after(index.unwrap() + 1).view(recording.end());
    let task = view.tasks().next().unwrap();
    assert!(task.state.is_active());
    assert_eq!(task.attempts[0].pods[0].state, PodState::Failed);
    assert_eq!(task.exit.as_ref().unwrap().code, Some(3));
}

#[test]
fn timeline_shows_a_pod_deleted_while_it_ran_as_stopped() {
    let recording = super::replay::recording("terminated");
    let deleted = |event: &&WatchEvent| event.change == Change::Deleted;
    let index = recording.events.iter().position(|event| deleted(&event) && event.object.kind() == "Pod").unwrap();

    // With Argo CD's word the hook has failed; the pod itself was stopped.
    let view = recording.after(index + 1).view(recording.end());
    let task = view.tasks().next().unwrap();
    assert_eq!((task.state, task.message.as_str()), (TaskState::Failed, "Terminated"));
    assert_eq!(task.attempts[0].pods[0].state, PodState::Stopped);
    assert_eq!(task.exit, None);

    // Without it nothing is known but that it was stopped.
    let mut timeline = recording.timeline();
    for event in &recording.events {
        let is_late = event.object.at(&["status", "operationState", "finishedAt"]).is_some();
        if !is_late {
            timeline.observe(event);
        }
    }
    let view = timeline.view(recording.end());
    let task = view.tasks().next().unwrap();
    assert_eq!((task.state, &task.exit), (TaskState::Stopped, &None));
}

/// What Argo CD alone tells: no rights to see Jobs and pods.
#[test]
fn timeline_without_objects_agrees_with_argo_cd() {
    for recording in recordings() {
        let mut timeline = recording.timeline();
        recording.events.iter().filter(|event| event.object.kind() == "Application").for_each(|event| {
            timeline.observe(event);
        });
        assert_agrees(recording.name, &timeline.view(recording.end()), &last_state(&recording));
    }
}

/// No event but the last of each object: everything was over when we came.
#[test]
fn timeline_joined_after_the_end_agrees_with_argo_cd() {
    for recording in recordings() {
        let mut last: HashMap<&str, &WatchEvent> = HashMap::new();
        for event in &recording.events {
            last.insert(event.object.uid(), event);
        }
        let mut timeline = recording.timeline();
        for event in last.values().filter(|event| event.change != Change::Deleted) {
            let event = WatchEvent { at: recording.end(), change: Change::Listed, object: event.object.clone() };
            timeline.observe(&event);
        }
        let view = timeline.view(recording.end());
        assert_agrees(recording.name, &view, &last_state(&recording));
        assert!(view.joined_late);
        for task in view.tasks().filter(|task| task.elapsed.is_some()) {
            let shown = task.elapsed.unwrap().to_string();
            assert!(!shown.contains('.'), "{}: nobody saw this: {shown}", recording.name);
        }
    }
}

/// The states of all tasks that a timeline shows as good.
fn good(timeline: &Timeline, recording: &Recording) -> Vec<TaskKey> {
    let view = timeline.view(recording.end());
    view.tasks().filter(|task| task.state.is_good()).map(|task| task.key.clone()).collect()
}

/// Whatever prefix of a recording is seen: what it shows as good is good at the end.
#[test]
fn timeline_never_shows_good_what_is_not() {
    for recording in recordings() {
        let mut timeline = recording.timeline();
        let end = recording.after(recording.events.len());
        let end = good(&end, &recording);
        let mut earlier: Vec<TaskKey> = Vec::new();
        for event in &recording.events {
            timeline.observe(event);
            let now = good(&timeline, &recording);
            let is_same = timeline.view(event.at).started_at == last_state(&recording).started_at;
            if is_same {
                assert!(now.iter().all(|key| end.contains(key)), "{}: {now:?}", recording.name);
                assert!(earlier.iter().all(|key| now.contains(key)), "{}: taken back", recording.name);
                earlier = now;
            }
        }
    }
}
