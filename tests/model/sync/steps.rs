//! Single operations, told step by step.

use boathook::domain::operation::{Operation, OperationPhase, OperationState};

use super::driver::{Manner, Run, drive};
use super::make::{Given, config_map, generated_job, job, start, written};
use super::world::{Course, World};

const HOOK: &str = "argocd.argoproj.io/hook";
const WAVE: &str = "argocd.argoproj.io/sync-wave";

fn run(given: &Given, world: World) -> Run {
    drive(given, world, &given.accepted(), &Manner::default())
}

/// Messages and results of every state, equal neighbours once.
pub(super) fn story(run: &Run) -> Vec<String> {
    let mut story: Vec<String> = Vec::new();
    for taken in &run.taken {
        let results = taken.after.sync_result.iter().flat_map(|result| &result.resources);
        let results: Vec<String> =
            results.map(|result| format!("{}:{:?}:{:?}", result.key.name, result.status, result.hook_phase)).collect();
        let line = format!("{:?} {} [{}]", taken.after.phase.unwrap(), taken.after.message, results.join(" "));
        if story.last() != Some(&line) {
            story.push(line);
        }
    }
    story
}

#[test]
fn step_tells_the_story_of_a_good_sync() {
    let given = Given::new(vec![
        job("migrate", &[(HOOK, "PreSync")]),
        config_map("limits", &[(WAVE, "-1")]),
        written("apps/v1", "Deployment", "web", &[]),
        generated_job("smoke-", "PostSync"),
    ]);
    let mut world = World::new();
    world.courses.insert(given.plan().tasks[2].object.clone(), vec![Course::Good(2)]);
    let run = run(&given, world);
    assert!(!run.stuck);
    assert_eq!(
        story(&run).last().unwrap(),
        "Succeeded successfully synced (no more tasks) [migrate:Some(Synced):Some(Succeeded) \
         limits:Some(Synced):Some(Succeeded) web:Some(Synced):Some(Succeeded) \
         smoke-6f1c0aa-postsync-1795352400:Some(Synced):Some(Succeeded)]"
    );
    assert_eq!(run.end.message, "successfully synced (no more tasks)");
}
