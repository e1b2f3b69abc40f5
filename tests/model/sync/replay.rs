//! Recordings of Argo CD 3.6: the same manifests and the same outcomes, and every state that Argo CD wrote has to come
//! up here too, in its order.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use boathook::domain::manifest::{Object, ObjectKey, read};
use boathook::domain::operation::{HookPhase, OperationState};
use boathook::domain::step::Mark;
use serde_json::{Value, json};

use super::driver::{Manner, Run, drive};
use super::make::{Given, object};
use super::world::{Course, Deed, World};

fn tests_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// The manifests of a case. Charts are filled in as the recorded release was: by its name alone.
fn manifests(case: &str) -> Vec<Arc<Object>> {
    let mut folder = tests_folder().join("cases").join(case);
    if case == "helm" {
        folder = folder.join("templates");
    }
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let text = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect::<Vec<_>>().join("\n---\n");
    let text = text.replace("{{ .Release.Name }}", "helm").replace("{{ .Values.replicas | quote }}", "\"1\"");
    let manifests = read(case, text.as_bytes());
    assert!(manifests.errors.is_empty(), "{:?}", manifests.errors);
    manifests.objects.into_iter().map(|manifest| Arc::new(manifest.object)).collect()
}

/// The states that Argo CD wrote, from the acceptance of the operation on.
fn recorded(trace: &str) -> Vec<OperationState> {
    let text = std::fs::read_to_string(tests_folder().join("traces").join(format!("{trace}.jsonl"))).unwrap();
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let applications = events.map(|event| event["object"].clone()).filter(|object| object["kind"] == "Application");
    let states: Vec<OperationState> =
        applications.map(|application| OperationState::from_json(&application["status"]["operationState"]).0).collect();
    // The last operation of all in the recording: what comes before it began earlier.
    let start = states.last().unwrap().started_at;
    states.into_iter().filter(|state| state.started_at == start).collect()
}

/// Phase, message, and results as a set.
fn told(state: &OperationState) -> Value {
    let results = state.sync_result.iter().flat_map(|result| &result.resources);
    let mut results: Vec<String> = results
        .map(|result| {
            let word = |word: &dyn std::fmt::Debug| format!("{word:?}");
            let words =
                [word(&result.sync_phase), word(&result.hook_type), word(&result.hook_phase), word(&result.status)];
            format!("{} {}", result.key, words.join(" "))
        })
        .collect();
    results.sort();
    json!([format!("{:?}", state.phase), state.message, state.retry_count, results])
}

struct Replay {
    given: Given,
    world: World,
    states: Vec<OperationState>,
}

impl Replay {
    fn of(trace: &str, case: &str) -> Self {
        let states = recorded(trace);
        let mut given = Given::new(manifests(case));
        let first = &states[0];
        given.request = first.operation.sync.clone().unwrap();
        given.started_at = first.started_at.unwrap();
        case.clone_into(&mut given.namespace);
        given.revision.clone_from(&states.last().unwrap().sync_result.as_ref().unwrap().revision);
        let mut world = World::new();
        world.now = given.started_at;
        Self { given, world, states }
    }

    fn with_courses(mut self, name: &str, courses: &[Course]) -> Self {
        let key = ObjectKey::new("batch", "Job", self.given.namespace.clone(), name);
        self.world.courses.insert(key, courses.to_vec());
        self
    }

    /// The Deployments take a while to become healthy.
    fn with_slow_deployments(mut self) -> Self {
        for target in self.given.targets.iter().filter(|target| target.kind() == "Deployment") {
            let key = ObjectKey::new("apps", "Deployment", self.given.namespace.clone(), target.name());
            self.world.courses.insert(key, vec![Course::Good(1)]);
        }
        self
    }

    /// The object lives already, unchanged.
    fn with_live(mut self, written: &Object, status: Value) -> Self {
        let mut json = written.clone().into_json();
        json["metadata"]["namespace"] = json!(self.given.namespace);
        self.world.put(&object(json), status);
        self
    }

    fn run(&self) -> Run {
        let state = OperationState { operation: self.states[0].operation.clone(), ..self.given.accepted() };
        drive(&self.given, self.world.clone(), &state, &Manner::default())
    }

    /// Every recorded state comes up, in its order, and the end is the same.
    fn agrees(&self) {
        let run = self.run();
        assert!(!run.stuck);
        let states = |states: &mut dyn Iterator<Item = &OperationState>| {
            let mut told: Vec<Value> = states.map(told).collect();
            told.dedup();
            told
        };
        let ours = states(&mut run.taken.iter().map(|taken| &taken.after));
        let mut rest = ours.iter();
        for told in states(&mut self.states.iter()) {
            assert!(
                rest.any(|own| *own == told),
                "Argo CD wrote\n{told:#}\nand here it was\n{}",
                ours.iter().map(|own| format!("{own:#}")).collect::<Vec<_>>().join("\n")
            );
        }
        assert_eq!(told(&run.end), told(self.states.last().unwrap()));
    }
}

#[test]
fn replay_article() {
    Replay::of("article", "article").with_slow_deployments().agrees();
}

#[test]
fn replay_abort() {
    Replay::of("abort", "abort").with_courses("db-migrate", &[Course::Bad(13)]).agrees();
}

#[test]
fn replay_waves() {
    Replay::of("waves", "waves").agrees();
}

#[test]
fn replay_helm() {
    Replay::of("helm", "helm").agrees();
}

#[test]
fn replay_podhook() {
    Replay::of("podhook", "podhook").agrees();
}

#[test]
fn replay_workflow() {
    Replay::of("workflow", "workflow").agrees();
}

#[test]
fn replay_flaky() {
    let courses = [Course::Bad(1), Course::Bad(1), Course::Good(1)];
    Replay::of("flaky-retry", "flaky").with_courses("flaky-check", &courses).agrees();
}

#[test]
fn replay_terminated() {
    let mut replay = Replay::of("terminated", "long").with_courses("long-migration", &[Course::Hangs]);
    replay.world.plan_deed(6, Deed::Terminate);
    replay.agrees();
}

#[test]
fn replay_dry_run() {
    Replay::of("article-dryrun", "article").agrees();
}

#[test]
fn replay_apply_only() {
    Replay::of("article-apply-only", "article").agrees();
}

#[test]
fn replay_selective() {
    Replay::of("waves-selective", "waves").agrees();
}

#[test]
fn replay_prune() {
    let mut replay = Replay::of("prune-done", "prune");
    let dropped = replay.given.targets.iter().position(|target| target.name() == "drop").unwrap();
    let dropped = replay.given.targets.remove(dropped);
    replay.with_live(&dropped, json!({})).agrees();
}

/// The states of the recording are read as they are: a recording without results would agree with anything.
#[test]
fn replay_recordings_are_what_they_should_be() {
    let finished = |trace| recorded(trace).last().unwrap().sync_result.as_ref().unwrap().resources.len();
    assert_eq!(["abort", "article", "helm", "podhook", "waves"].map(finished), [2, 5, 4, 2, 12]);
    let retries = recorded("flaky-retry").iter().map(|state| state.retry_count).max();
    assert_eq!(retries, Some(2));
    let last = recorded("terminated").pop().unwrap();
    assert_eq!(last.sync_result.unwrap().resources[0].hook_phase, Some(HookPhase::Failed));
    assert_eq!(Mark::of(&recorded("waves")[0]).to_string(), "2026-11-22T13:32:33Z/0");
}
