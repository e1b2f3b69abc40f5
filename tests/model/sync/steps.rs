//! Single operations, told step by step: what is written and what is asked for in the cases that matter.

use std::sync::Arc;

use boathook::domain::manifest::{Object, ObjectKey};
use boathook::domain::names;
use boathook::domain::operation::{
    Backoff, HookPhase, Info, InitiatedBy, Operation, OperationPhase, OperationState, Retry, TaskResult,
};
use boathook::domain::plan::manifest_digest;
use boathook::domain::step::{
    Action, ApplyResult, Change, Memory, Observation, Outcome, Progress, ResumeRefused, Settings, Step, StepInput,
    Wait, WaitFor, record_manifests, resume, step,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::driver::{Manner, Run, drive};
use super::laws::results;
use super::make::{Given, NAMESPACE, REVISION, config_map, generated_job, job, live, start, written};
use super::world::{Course, Deed, What, World, status};

const HOOK: &str = "argocd.argoproj.io/hook";
const POLICY: &str = "argocd.argoproj.io/hook-delete-policy";
const WAVE: &str = "argocd.argoproj.io/sync-wave";
const OPTIONS: &str = "argocd.argoproj.io/sync-options";

fn run(given: &Given, world: World) -> Run {
    drive(given, world, &given.accepted(), &Manner::default())
}

/// Messages and results of every state, equal neighbours once.
pub(super) fn story(run: &Run) -> Vec<String> {
    let mut story: Vec<String> = Vec::new();
    for taken in &run.taken {
        let results: Vec<String> = results(&taken.after)
            .iter()
            .map(|result| {
                let words = [
                    result.status.map(|status| format!("{status:?}")),
                    result.hook_phase.map(|phase| format!("{phase:?}")),
                ];
                format!("{}:{}", result.key.name, words.map(Option::unwrap_or_default).join(":"))
            })
            .collect();
        let line = format!("{:?} {} [{}]", taken.after.phase.unwrap(), taken.after.message, results.join(" "));
        if story.last() != Some(&line) {
            story.push(line);
        }
    }
    story
}

fn key(kind: &str, name: &str) -> ObjectKey {
    let group = match kind {
        "Job" => "batch",
        "Deployment" => "apps",
        _ => "",
    };
    ObjectKey::new(group, kind, NAMESPACE, name)
}

fn world(courses: &[(&str, &str, &[Course])]) -> World {
    let mut world = World::new();
    for (kind, name, courses) in courses {
        world.courses.insert(key(kind, name), courses.to_vec());
    }
    world
}

fn message<'a>(run: &'a Run, name: &str) -> &'a str {
    &results(&run.end).iter().find(|result| result.key.name == name).unwrap().message
}

#[test]
fn step_tells_the_story_of_a_good_sync() {
    let given = Given::new(vec![
        job("migrate", &[(HOOK, "PreSync")]),
        written("apps/v1", "Deployment", "web", &[]),
        generated_job("smoke-", "PostSync"),
    ]);
    let run = run(&given, world(&[("Deployment", "web", &[Course::Good(2)])]));
    let smoke = "smoke-6f1c0aa-postsync-1795352400";
    let expected = [
        "Running  []".to_owned(),
        "Running waiting for completion of hook batch/Job/migrate [migrate:Synced:Running]".to_owned(),
        "Running waiting for completion of hook batch/Job/migrate [migrate:Synced:Succeeded]".to_owned(),
        "Running waiting for healthy state of apps/Deployment/web [migrate:Synced:Succeeded web:Synced:Running]"
            .to_owned(),
        "Running waiting for healthy state of apps/Deployment/web [migrate:Synced:Succeeded web:Synced:Succeeded]"
            .to_owned(),
        format!(
            "Running waiting for completion of hook batch/Job/{smoke} [migrate:Synced:Succeeded web:Synced:Succeeded {smoke}:Synced:Running]"
        ),
        format!(
            "Running waiting for completion of hook batch/Job/{smoke} [migrate:Synced:Succeeded web:Synced:Succeeded {smoke}:Synced:Succeeded]"
        ),
        format!(
            "Succeeded successfully synced (no more tasks) [migrate:Synced:Succeeded web:Synced:Succeeded {smoke}:Synced:Succeeded]"
        ),
    ];
    assert_eq!(story(&run), expected);
}

#[test]
fn step_refuses_an_invalid_plan_before_anything_is_applied() {
    let mut given = Given::new(vec![config_map("a", &[]), job("page", &[(HOOK, "SyncFail")])]);
    given.targets.push(super::make::object(
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "x-"}}),
    ));
    let run = run(&given, World::new());
    assert!(run.world.written.is_empty());
    assert_eq!(run.end.phase, Some(OperationPhase::Failed));
    let reason = "/ConfigMap has no metadata.name, and only hooks can do with generateName";
    assert_eq!(run.end.message, format!("one or more synchronization tasks are not valid: {reason}"));
    assert_eq!((results(&run.end)[0].hook_phase, results(&run.end)[0].message.as_str()), (None, reason));
}

#[test]
fn step_runs_no_sync_fail_hook_after_a_failed_trial() {
    let given = Given::new(vec![config_map("a", &[]), job("page", &[(HOOK, "SyncFail")])]);
    let mut world = World::new();
    world.refused.insert(key("ConfigMap", "a"), true);
    let run = run(&given, world);
    assert_eq!(run.end.message, "one or more objects failed to apply (dry run)");
    assert!(run.world.written.is_empty());
    assert_eq!(message(&run, "a"), "admission webhook denied a");
}

#[test]
fn step_creates_the_namespace_first() {
    let given = Given::new(vec![job("h", &[(HOOK, "PreSync")])]).with_options(&["CreateNamespace=true"]);
    let good = run(&given, World::new());
    assert_eq!(good.world.written[0].object.kind(), "Namespace");
    assert_eq!(good.end.phase, Some(OperationPhase::Succeeded));
    assert_eq!(results(&good.end)[0].key, ObjectKey::new("", "Namespace", NAMESPACE, NAMESPACE));

    let mut world = World::new();
    world.refused.insert(ObjectKey::new("", "Namespace", "", NAMESPACE), false);
    let bad = run(&given, world);
    assert_eq!(bad.end.message, "the namespace failed to apply, reason: admission webhook denied shop");
}

#[test]
fn step_tells_why_an_apply_failed() {
    let mut given = Given::new(vec![config_map("a", &[]), config_map("b", &[])]);
    let refuse = |names: &[&str]| {
        let mut world = world(&[("Deployment", "slow", &[Course::Hangs])]);
        world.refused.extend(names.iter().map(|name| (key("ConfigMap", name), false)));
        world
    };
    let all = run(&given, refuse(&["a", "b"]));
    assert_eq!(
        all.end.message,
        "one or more objects failed to apply, reason: admission webhook denied a,admission webhook denied b"
    );
    // With something applied beside it, Argo CD says it in these words; without waiting here for what never gets healthy.
    given.targets.push(written("apps/v1", "Deployment", "slow", &[]));
    given.targets.push(config_map("later", &[(WAVE, "1")]));
    let some = run(&given, refuse(&["a"]));
    assert_eq!(
        some.end.message,
        "one or more synchronization tasks completed unsuccessfully, reason: admission webhook denied a"
    );
    assert_eq!(some.end.finished_at, Some(start()), "the failure is not held back");
    // A SyncFail hook runs, and that it failed is not told; that it could not be applied is.
    given.targets.push(job("page", &[(HOOK, "SyncFail")]));
    let reason = "one or more synchronization tasks completed unsuccessfully, reason: admission webhook denied a";
    let mut world = refuse(&["a"]);
    world.courses.insert(key("Job", "page"), vec![Course::Bad(1)]);
    assert_eq!(run(&given, world).end.message, reason);
    let mut world = refuse(&["a"]);
    world.refused.insert(key("Job", "page"), false);
    let end = run(&given, world).end;
    assert_eq!(
        end.message,
        format!("{reason}\none or more SyncFail hooks failed, reason: admission webhook denied page")
    );
}

/// A failure shows while hooks of the same wave still run, and SyncFail hooks wait for those.
#[test]
fn step_shows_a_failure_while_hooks_run() {
    let given =
        Given::new(vec![config_map("a", &[]), job("slow", &[(HOOK, "Sync")]), job("page", &[(HOOK, "SyncFail")])]);
    let mut world = world(&[("Job", "slow", &[Course::Good(5)])]);
    world.refused.insert(key("ConfigMap", "a"), false);
    let story = story(&run(&given, world));
    assert_eq!(
        story[1],
        "Running waiting for completion of hook batch/Job/slow (one or more synchronization tasks completed \
         unsuccessfully, reason: admission webhook denied a) [a:SyncFailed:Failed slow:Synced:Running]"
    );
    assert!(story[2].contains("slow:Synced:Succeeded") && !story[2].contains("page"));
    assert!(story[3].starts_with("Running waiting for completion of hook batch/Job/page ["));
}

#[test]
fn step_retries_as_argo_cd_announces_it() {
    let given = Given::new(vec![job("flaky", &[(HOOK, "PreSync")])]);
    let mut state = given.accepted();
    let backoff = Backoff { duration: "2s".into(), factor: Some(2), max_duration: "10s".into() };
    state.operation.retry = Retry { limit: 2, backoff: Some(backoff), refresh: false };
    let run = drive(&given, world(&[("Job", "flaky", &[Course::Bad(50)])]), &state, &Manner::default());
    let messages: Vec<&str> = run.taken.iter().map(|taken| taken.after.message.as_str()).collect();
    for message in [
        "one or more synchronization tasks completed unsuccessfully. Retrying attempt #1 at 1:00PM.",
        "Retrying operation. Attempt #1",
        "waiting for deletion of hook batch/Job/flaky",
        "one or more synchronization tasks completed unsuccessfully. Retrying attempt #2 at 1:01PM.",
    ] {
        assert!(messages.contains(&message), "{message}\n{messages:#?}");
    }
    let waits = run.taken.iter().find(|taken| taken.after.finished_at.is_some()).unwrap();
    assert_eq!((waits.after.phase, waits.after.retry_count), (Some(OperationPhase::Running), 1));
    assert!(results(&waits.after)[0].is_failed(), "results stay until the next attempt begins");
    let again = run.taken.iter().find(|taken| taken.after.message == "Retrying operation. Attempt #1").unwrap();
    assert_eq!((&again.after.sync_result, again.after.finished_at), (&None, None));
    // 50 + 4 + 1 + 50 + ...: the operation's time is up in the third attempt.
    assert_eq!(run.end.message, "Operation terminated, triggered by controller sync timeout (retried 2 times).");
}

#[test]
fn step_pins_the_revision_of_a_retry_unless_it_is_to_be_refreshed() {
    let given = Given::new(vec![job("flaky", &[(HOOK, "PreSync")])]);
    for refresh in [false, true] {
        let mut state = given.accepted();
        state.operation.retry = Retry { limit: 1, backoff: None, refresh };
        let run =
            drive(&given, world(&[("Job", "flaky", &[Course::Bad(0), Course::Good(0)])]), &state, &Manner::default());
        let revision = &run.end.operation.sync.as_ref().unwrap().revision;
        assert_eq!(revision, if refresh { "" } else { REVISION });
        let message = if refresh {
            "Retrying operation with latest revisions. Attempt #1"
        } else {
            "Retrying operation. Attempt #1"
        };
        assert!(run.taken.iter().any(|taken| taken.after.message == message));
    }
}

/// What lives under a hook's name when its wave begins.
#[test]
fn step_treats_a_predecessor_by_policy_and_by_what_it_does() {
    use OperationPhase::{Failed, Succeeded};
    let outcome = |policy: &str, ended: Option<bool>| {
        let hook = job("migrate", &[(HOOK, "PreSync"), (POLICY, policy)]);
        let given = Given::new(vec![hook.clone()]);
        let mut world = world(&[("Job", "migrate", &[Course::Good(1)])]);
        world.put(&live(&hook, ""), ended.map_or(json!({}), |good| status("Job", good)));
        let run = run(&given, world);
        let deleted = run.world.written.first().is_some_and(|written| written.what == What::Deleted);
        (deleted, run.end.phase.unwrap())
    };
    for ended in [None, Some(true), Some(false)] {
        assert_eq!(outcome("BeforeHookCreation", ended), (true, Succeeded));
    }
    // It neither counts as done nor fails the hook: it goes, and the hook runs.
    assert_eq!(outcome("HookSucceeded", Some(false)), (true, Succeeded));
    assert_eq!(outcome("HookFailed", Some(true)), (true, Succeeded));
    // Nobody said that it may be killed, so it is waited for: here until the time is up.
    assert_eq!(outcome("HookSucceeded", None), (false, Failed));
}

#[test]
fn step_fails_a_hook_that_is_deleted_while_it_runs() {
    let given = Given::new(vec![job("migrate", &[(HOOK, "PreSync")]), config_map("a", &[])]);
    let mut world = world(&[("Job", "migrate", &[Course::Hangs])]);
    world.plan_deed(3, Deed::Delete(key("Job", "migrate")));
    let deleted = run(&given, world.clone());
    assert_eq!(message(&deleted, "migrate"), "hook batch/Job/migrate was deleted while it was running");
    assert!(deleted.world.objects.is_empty(), "the finalizer does not hold it any longer");

    world.plan_deed(2, Deed::Recreate(key("Job", "migrate")));
    let replaced = run(&given, world);
    assert_eq!(message(&replaced, "migrate"), "Resource batch/Job/migrate is missing, it might have been deleted");
    assert_eq!(results(&replaced.end)[0].hook_phase, Some(HookPhase::Error));
    assert_eq!(replaced.end.phase, Some(OperationPhase::Failed), "the success of another object is not the hook's");
}

#[test]
fn step_terminates() {
    let given = Given::new(vec![
        job("early", &[(HOOK, "PreSync"), (WAVE, "-1")]),
        job("long", &[(HOOK, "PreSync")]),
        job("page", &[(HOOK, "SyncFail")]),
    ]);
    let mut world = world(&[("Job", "long", &[Course::Hangs])]);
    world.plan_deed(6, Deed::Terminate);
    let mut state = given.accepted();
    state.operation.retry.limit = 5;
    let run = drive(&given, world, &state, &Manner::default());
    assert_eq!((run.end.phase, run.end.message.as_str()), (Some(OperationPhase::Failed), "Operation terminated"));
    assert_eq!(message(&run, "long"), "Terminated");
    assert_eq!(message(&run, "early"), "Reached expected number of succeeded pods");
    assert_eq!(results(&run.end).len(), 2, "no SyncFail hook, no retry");
    let long = run.world.objects.get(&key("Job", "long")).unwrap();
    assert!(long.is_deleting() && !long.finalizers().any(|finalizer| finalizer == names::HOOK_FINALIZER));
}

#[test]
fn step_prunes_only_when_asked_and_approved() {
    let gone = |name: &str, options: &str| live(&config_map(name, &[(OPTIONS, options)]), "");
    let outcome = |prune: bool, options: &str, approval: Option<u8>| {
        let mut given = Given::new(vec![]);
        given.request.prune = prune;
        let mut world = World::new();
        world.put(&gone("old", options), json!({}));
        if let Some(at) = approval {
            world.plan_deed(at, Deed::Approve);
        }
        let run = run(&given, world);
        let message = results(&run.end).first().map(|result| result.message.clone()).unwrap_or_default();
        (message, run.world.objects.values().all(|object| object.is_deleting()))
    };
    assert_eq!(outcome(true, "", None), ("pruned".into(), true));
    assert_eq!(outcome(false, "", None), ("ignored (requires pruning)".into(), false));
    assert_eq!(outcome(true, "Prune=false", None), ("ignored (no prune)".into(), false));
    assert_eq!(outcome(true, "Prune=confirm", Some(3)), ("pruned".into(), true));
    assert_eq!(outcome(true, "Prune=confirm", None), (String::new(), false), "nobody approved it in time");
}

/// One step over a world that nobody simulates.
fn once(given: &Given, progress: &Progress, seen: &Observation, settings: &Settings, now: Timestamp) -> Step {
    step(&StepInput { plan: &given.plan(), seen, settings, now }, progress)
}

fn tried(given: &Given, step: &Step) -> Observation {
    let outcome = |action: &Action| match action {
        Action::Apply(apply) => {
            let result = ApplyResult::Done { change: Change::Created, object: Arc::clone(&apply.manifest) };
            Outcome::Apply { task: apply.task.clone(), dry_run: apply.dry_run, result }
        }
        other => panic!("{other:?} in {:?}", given.targets),
    };
    Observation { outcomes: step.actions.iter().map(outcome).collect(), ..Observation::default() }
}

#[test]
fn step_pauses_between_waves_if_it_is_told_to() {
    let given = Given::new(vec![config_map("a", &[]), config_map("b", &[(WAVE, "1")])]);
    let settings = Settings { wave_delay: SignedDuration::from_secs(2), timeout: None };
    let begin = Progress { state: given.accepted(), memory: Memory::default() };
    let trial = once(&given, &begin, &Observation::default(), &settings, start());
    assert!(trial.actions.iter().all(|action| !action.is_write()), "first everything is tried");
    let first = once(&given, &trial.progress, &tried(&given, &trial), &settings, start());
    let shown = once(&given, &first.progress, &tried(&given, &first), &settings, start());
    let waits = once(&given, &shown.progress, &Observation::default(), &settings, start());
    let until = start().saturating_add(settings.wave_delay).unwrap();
    assert_eq!(waits.wait, Some(Wait { what: WaitFor::WaveDelay, until: Some(until) }));
    let second = once(&given, &waits.progress, &Observation::default(), &settings, until);
    assert!(matches!(&second.actions[..], [Action::Apply(apply)] if apply.object.name == "b" && !apply.dry_run));
}

/// A create whose reply was lost is looked up, and not sent again if it was accepted.
#[test]
fn step_finds_out_what_became_of_a_create_without_an_answer() {
    let given = Given::new(vec![job("migrate", &[(HOOK, "PreSync")])]);
    let settings = Settings::default();
    let begin = Progress { state: given.accepted(), memory: Memory::default() };
    let trial = once(&given, &begin, &Observation::default(), &settings, start());
    let create = once(&given, &trial.progress, &tried(&given, &trial), &settings, start());
    let [Action::Apply(apply)] = &create.actions[..] else { panic!("{:?}", create.actions) };
    let unknown =
        Outcome::Apply { task: apply.task.clone(), dry_run: false, result: ApplyResult::Unknown("cut".to_owned()) };
    let seen = Observation { outcomes: vec![unknown], ..Observation::default() };
    let waits = once(&given, &create.progress, &seen, &settings, start());
    let until = waits.wait.as_ref().and_then(|wait| wait.until).unwrap();
    assert!(waits.actions.is_empty() && until > start(), "it does not hammer a server that does not answer");
    let read = once(&given, &waits.progress, &Observation::default(), &settings, until);
    assert!(matches!(&read.actions[..], [Action::Read { .. }]));
    let found = |found: Option<Arc<Object>>| {
        let outcome = Outcome::Read { object: apply.object.clone(), result: Ok(found) };
        let seen = Observation { outcomes: vec![outcome], ..Observation::default() };
        once(&given, &read.progress, &seen, &settings, until)
    };
    let adopted = found(Some(live(&apply.manifest, "uid")));
    assert!(adopted.actions.is_empty());
    assert_eq!(results(&adopted.progress.state)[0].hook_phase, Some(HookPhase::Running));
    assert!(matches!(&found(None).actions[..], [Action::Apply(_)]), "it was not accepted, so it is sent again");
}

/// While nothing can be tried, the pauses grow, the reason is told, and it does not go on for ever.
#[test]
fn step_does_not_try_without_an_answer_for_ever() {
    let given = Given::new(vec![config_map("a", &[])]);
    let settings = Settings::default();
    let mut progress = Progress { state: given.accepted(), memory: Memory::default() };
    let (mut now, mut seen, mut pauses) = (start(), Observation::default(), Vec::new());
    let end = loop {
        let trial = once(&given, &progress, &seen, &settings, now);
        if trial.is_finished() {
            break trial.progress.state;
        }
        let [Action::Apply(apply)] = &trial.actions[..] else { panic!("{:?}", trial.actions) };
        assert!(apply.dry_run);
        let result = ApplyResult::Unknown("try later".to_owned());
        let unknown = Outcome::Apply { task: apply.task.clone(), dry_run: true, result };
        let outcomes = vec![unknown];
        let waits = once(&given, &trial.progress, &Observation { outcomes, ..Observation::default() }, &settings, now);
        seen = Observation::default();
        progress = waits.progress.clone();
        if waits.is_finished() {
            break waits.progress.state;
        }
        assert!(waits.actions.is_empty());
        assert_eq!(progress.state.message, "waiting for an answer of the API server: try later");
        let until = waits.wait.unwrap().until.unwrap();
        pauses.push(until.duration_since(now));
        now = until;
    };
    assert_eq!(end.phase, Some(OperationPhase::Failed));
    assert_eq!(results(&end)[0].message, "try later");
    assert!(pauses.is_sorted() && pauses[0] < SignedDuration::from_secs(1), "{pauses:?}");
    let longest = SignedDuration::from_secs(5);
    assert!(pauses.len() < 100 && pauses.last() == Some(&longest), "{pauses:?}");
    assert!(now.duration_since(start()) >= SignedDuration::from_mins(5));
}

/// An answer ends the pause, and takes back what was told of it.
#[test]
fn step_goes_on_at_once_when_the_api_server_answers_again() {
    let given = Given::new(vec![config_map("a", &[])]);
    let settings = Settings::default();
    let begin = Progress { state: given.accepted(), memory: Memory::default() };
    let trial = once(&given, &begin, &Observation::default(), &settings, start());
    let [Action::Apply(apply)] = &trial.actions[..] else { panic!("{:?}", trial.actions) };
    let result = ApplyResult::Unknown("try later".to_owned());
    let unknown = Outcome::Apply { task: apply.task.clone(), dry_run: true, result };
    let seen = Observation { outcomes: vec![unknown], ..Observation::default() };
    let waits = once(&given, &trial.progress, &seen, &settings, start());
    let until = waits.wait.as_ref().and_then(|wait| wait.until).unwrap();
    let again = once(&given, &waits.progress, &Observation::default(), &settings, until);
    let applies = once(&given, &again.progress, &tried(&given, &again), &settings, until);
    assert!(matches!(&applies.actions[..], [Action::Apply(apply)] if !apply.dry_run), "{:?}", applies.actions);
    assert_eq!(applies.progress.state.message, "");
}

/// A failed operation, and the request to go on with it.
fn failed() -> (Given, OperationState, Operation) {
    let given = Given::new(vec![
        job("backup", &[(HOOK, "PreSync"), (WAVE, "-1"), (POLICY, "HookSucceeded")]),
        generated_job("seed-", "PreSync"),
        config_map("a", &[]),
        job("smoke", &[(HOOK, "PostSync")]),
        job("page", &[(HOOK, "SyncFail")]),
    ]);
    let mut state = given.accepted();
    record_manifests(&mut state, &manifest_digest(&given.targets));
    let run = drive(&given, world(&[("Job", "smoke", &[Course::Bad(1)])]), &state, &Manner::default());
    assert_eq!(run.end.phase, Some(OperationPhase::Failed));
    let info = vec![Info { name: names::BOATHOOK_RESUME.into(), value: start().to_string() }];
    let initiated_by = InitiatedBy { username: "bob".into(), automated: false };
    (given, run.end, Operation { info, initiated_by, ..Operation::default() })
}

#[test]
fn resume_goes_on_from_the_failed_hook() {
    let (given, failed, request) = failed();
    let digest = manifest_digest(&given.targets);
    let now = "2026-11-22T13:10:00Z".parse().unwrap();
    let state = resume(&failed, &request, &[REVISION.to_owned()], &digest, now).unwrap();
    assert_eq!(
        (state.started_at, state.retry_count, state.operation.initiated_by.username.as_str()),
        (Some(now), 0, "bob")
    );
    let kept: Vec<&str> = results(&state).iter().map(|result| result.key.name.as_str()).collect();
    assert_eq!(kept, ["backup", "seed-6f1c0aa-presync-1795352400", "a"]);

    let mut later = given.clone();
    later.started_at = now;
    let mut world = world(&[("Job", "smoke", &[Course::Good(1)])]);
    world.now = now;
    let smoke = live(&job("smoke", &[(HOOK, "PostSync")]), "");
    world.put(&smoke, status("Job", false));
    let mut backup = Object::clone(&live(&given.targets[0], "")).into_json();
    backup["metadata"]["annotations"][names::BOATHOOK_OPERATION] = json!("2026-11-22T13:00:00Z/0");
    backup["metadata"]["annotations"][names::BOATHOOK_PHASE] = json!("PreSync");
    world.put(&super::make::object(backup), status("Job", true));
    let run = drive(&later, world, &state, &Manner::default());
    assert_eq!(run.end.message, "successfully synced (no more tasks)");
    let created: Vec<&str> = run
        .world
        .written
        .iter()
        .filter(|written| written.what == What::Created)
        .map(|written| written.object.name())
        .collect();
    assert_eq!(created, ["smoke"], "nothing that succeeded runs again");
    assert!(run.world.objects.get(&key("Job", "backup")).unwrap().is_deleting(), "its policy holds for the whole");
}

#[test]
fn resume_is_refused_with_the_reason() {
    let (given, failed, request) = failed();
    let digest = manifest_digest(&given.targets);
    let now = "2026-11-22T13:10:00Z".parse().unwrap();
    let refused = |failed: &OperationState, request: &Operation, revision: &str, digest: &str| {
        resume(failed, request, &[revision.to_owned()], digest, now).unwrap_err()
    };
    assert!(matches!(refused(&failed, &request, "other", &digest), ResumeRefused::OtherRevision { .. }));
    let mut several = failed.clone();
    let result = several.sync_result.as_mut().unwrap();
    (result.revision, result.revisions) = (String::new(), vec![REVISION.to_owned(), "second".to_owned()]);
    let resumed = |second: &str| resume(&several, &request, &[REVISION.to_owned(), second.to_owned()], &digest, now);
    assert!(resumed("second").is_ok());
    assert!(matches!(resumed("third"), Err(ResumeRefused::OtherRevision { .. })), "each source counts");
    assert_eq!(refused(&failed, &request, REVISION, "0"), ResumeRefused::OtherManifests);
    assert!(matches!(refused(&failed, &Operation::default(), REVISION, &digest), ResumeRefused::OtherOperation { .. }));
    let with = |change: &dyn Fn(&mut OperationState)| {
        let mut state = failed.clone();
        change(&mut state);
        refused(&state, &request, REVISION, &digest)
    };
    assert!(matches!(with(&|state| state.started_at = Some(now)), ResumeRefused::OtherOperation { .. }));
    assert_eq!(with(&|state| state.phase = Some(OperationPhase::Running)), ResumeRefused::NotFailed("Running".into()));
    assert_eq!(with(&|state| state.operation.info.clear()), ResumeRefused::ManifestsUnknown);
    assert_eq!(with(&|state| state.operation.sync.as_mut().unwrap().dry_run = true), ResumeRefused::DryRun);
    let nothing = with(&|state| state.sync_result.as_mut().unwrap().resources.retain(TaskResult::is_failed));
    assert_eq!(nothing, ResumeRefused::NothingSucceeded);
}
