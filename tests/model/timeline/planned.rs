//! Recordings replayed with the plan that their Git contents give: nothing is missing, nothing is there twice.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use boathook::domain::manifest::{Object, read};
use boathook::domain::operation::SyncRequest;
use boathook::domain::plan::{Kinds, Permission, Plan, PlanInput, plan};
use boathook::domain::timeline::{PlannedTask, TaskState};

use super::render::render;
use super::replay::{Recording, recording};

fn manifests(case: &str) -> Vec<Arc<Object>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(case);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: std::path::PathBuf| read(path.display().to_string(), &fs::read(&path).unwrap());
    files.into_iter().map(read).flat_map(|file| file.objects).map(|manifest| Arc::new(manifest.object)).collect()
}

/// The plan of a case. Neither the revision nor the start of the recorded operation is known to it.
fn plan_of(case: &str) -> Plan {
    plan(&PlanInput {
        targets: &manifests(case),
        live: &[],
        kinds: &Kinds::well_known(),
        request: &SyncRequest::default(),
        destination_namespace: case,
        live_namespace: None,
        namespace_metadata: None,
        revision: "0123456789abcdef",
        started_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        permission: Permission::All,
        out_of_sync: None,
        recorded: None,
        unique_names: false,
    })
}

fn with_plan(recording: &Recording, case: &str, count: usize) -> boathook::domain::timeline::Timeline {
    let mut timeline = recording.timeline();
    timeline.set_plan(plan_of(case).tasks.iter().map(PlannedTask::from));
    recording.events[..count].iter().for_each(|event| {
        timeline.observe(event);
    });
    timeline
}

#[test]
fn timeline_with_the_plan_of_a_recording_has_each_task_once() {
    for (name, case) in [
        ("article", "article"),
        ("abort", "abort"),
        ("waves", "waves"),
        ("flaky-retry", "flaky"),
        ("terminated", "long"),
        ("podhook", "podhook"),
        ("workflow", "workflow"),
    ] {
        let recording = recording(name);
        let planned = plan_of(case).tasks.len();
        assert!(planned > 1, "{case}");
        for count in 0..=recording.events.len() {
            let view = with_plan(&recording, case, count).view(recording.end());
            assert_eq!(view.tasks().count(), planned, "{name}:{count}\n{}", render(&view));
            // A phase is as far as its tasks are.
            for phase in view.phases.iter().filter(|phase| phase.state.is_good()) {
                assert_eq!(phase.counts.of(TaskState::ToCome), 0, "{name}:{count}\n{}", render(&view));
            }
        }
        // At the end all is known that is known without a plan, and the rest was skipped.
        let with = with_plan(&recording, case, recording.events.len()).view(recording.end());
        let without = recording.after(recording.events.len()).view(recording.end());
        for task in with.tasks() {
            match without.task(&task.key) {
                Some(known) => assert_eq!(task, known, "{name}"),
                None => assert_eq!(task.state, TaskState::Skipped, "{name}: {:?}", task.key),
            }
        }
        assert_eq!(with.tasks().filter(|task| task.state != TaskState::Skipped).count(), without.tasks().count());
    }
}

#[test]
fn timeline_snapshot_planned_before_it_begins() {
    let recording = recording("waves");
    insta::assert_snapshot!(render(&with_plan(&recording, "waves", 2).view(recording.events[1].at)));
}

#[test]
fn timeline_snapshot_planned_in_the_middle() {
    let recording = recording("waves");
    insta::assert_snapshot!(render(&with_plan(&recording, "waves", 69).view(recording.events[68].at)));
}

#[test]
fn timeline_snapshot_planned_and_failed() {
    let recording = recording("abort");
    insta::assert_snapshot!(render(&with_plan(&recording, "abort", 49).view(recording.end())));
}
