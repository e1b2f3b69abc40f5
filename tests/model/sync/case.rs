//! Random syncs: manifests, a world with its past, what goes wrong, who meddles, when the driver dies.

use std::collections::BTreeSet;
use std::sync::Arc;

use boathook::domain::hook::{DeletePolicy, SyncPhase};
use boathook::domain::manifest::{Object, ObjectKey};
use boathook::domain::names;
use boathook::domain::operation::{Backoff, OperationState, Retry, Selector, Strategy as SyncStrategy};
use boathook::domain::plan::Plan;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use super::driver::{Crash, Manner, Run, drive};
use super::make::{Given, NAMESPACE, live, object};
use super::mutants::Mutant;
use super::world::{Course, Deed, World, status};

/// An ordinary object.
#[derive(Debug, Clone)]
pub(super) struct Resource {
    kind: &'static str,
    wave: i64,
    course: Course,
    refused: Option<bool>,
    lives: bool,
}

/// A hook.
#[derive(Debug, Clone)]
pub(super) struct HookCase {
    pub(super) kind: &'static str,
    pub(super) phases: Vec<SyncPhase>,
    pub(super) policies: Vec<DeletePolicy>,
    pub(super) generated: bool,
    wave: i64,
    courses: Vec<Course>,
    refused: Option<bool>,
    predecessor: Option<Predecessor>,
}

/// What an earlier operation left under a hook's name.
#[derive(Debug, Clone, Copy)]
struct Predecessor {
    ended: Option<bool>,
    marked: bool,
    finalizer: bool,
}

/// An object that Git has no more.
#[derive(Debug, Clone)]
pub(super) struct Gone {
    wave: i64,
    options: &'static str,
    held: u8,
}

/// What happens from outside.
#[derive(Debug, Clone, Copy)]
enum Meddling {
    Delete(u8, usize),
    Recreate(u8, usize),
    Terminate(u8),
}

/// A sync and everything that happens to it.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that may be so in a world")]
pub(super) struct Case {
    pub(super) resources: Vec<Resource>,
    pub(super) hooks: Vec<HookCase>,
    pub(super) gone: Vec<Gone>,
    pub(super) prune: bool,
    pub(super) dry_run: bool,
    pub(super) no_hooks: bool,
    pub(super) selected: bool,
    pub(super) options: Vec<&'static str>,
    pub(super) limit: i64,
    meddling: Vec<Meddling>,
    approval: Option<u8>,
    crashes: Vec<Crash>,
    lag: Option<u64>,
    plan_always: bool,
    unwatched: bool,
}

fn course() -> impl Strategy<Value = Course> {
    prop_oneof![8 => (0..4u8).prop_map(Course::Good), 3 => (0..4u8).prop_map(Course::Bad), 1 => Just(Course::Hangs)]
}

fn refused() -> impl Strategy<Value = Option<bool>> {
    prop_oneof![25 => Just(None), 2 => Just(Some(false)), 1 => Just(Some(true))]
}

fn resource() -> impl Strategy<Value = Resource> {
    let course =
        prop_oneof![12 => (0..4u8).prop_map(Course::Good), 1 => Just(Course::Bad(1)), 1 => Just(Course::Hangs)];
    (select(vec!["ConfigMap", "Deployment"]), -2..3i64, course, refused(), prop::bool::weighted(0.3))
        .prop_map(|(kind, wave, course, refused, lives)| Resource { kind, wave, course, refused, lives })
}

fn hook() -> impl Strategy<Value = HookCase> {
    let kind = prop_oneof![8 => Just("Job"), 1 => Just("Pod"), 1 => Just("Workflow"), 2 => Just("ConfigMap")];
    let phases = prop_oneof![
        6 => select(SyncPhase::ALL.to_vec()).prop_map(|phase| vec![phase]),
        1 => subsequence(SyncPhase::ALL.to_vec(), 2),
    ];
    let predecessor = (prop::option::weighted(0.8, any::<bool>()), any::<bool>(), any::<bool>())
        .prop_map(|(ended, marked, finalizer)| Predecessor { ended, marked, finalizer });
    (
        (kind, phases, subsequence(DeletePolicy::ALL.to_vec(), 0..3), prop::bool::weighted(0.2), -2..3i64),
        prop::collection::vec(course(), 1..4),
        refused(),
        prop::option::weighted(0.35, predecessor),
    )
        .prop_map(|((kind, phases, policies, generated, wave), courses, refused, predecessor)| HookCase {
            kind,
            phases,
            policies,
            generated,
            wave,
            courses,
            refused,
            predecessor,
        })
}

fn gone() -> impl Strategy<Value = Gone> {
    let options = prop_oneof![
        8 => Just(""),
        2 => Just("PruneLast=true"),
        1 => Just("Prune=false"),
        2 => Just("Prune=confirm"),
    ];
    (-2..3i64, options, 0..3u8).prop_map(|(wave, options, held)| Gone { wave, options, held })
}

fn meddling() -> impl Strategy<Value = Meddling> {
    prop_oneof![
        (0..3u8, 0..6usize).prop_map(|(at, hook)| Meddling::Delete(at, hook)),
        (0..3u8, 0..6usize).prop_map(|(at, hook)| Meddling::Recreate(at, hook)),
        (0..10u8).prop_map(Meddling::Terminate),
    ]
}

pub(super) fn case() -> impl Strategy<Value = Case> {
    let options = subsequence(
        vec![
            "CreateNamespace=true",
            "ApplyOutOfSyncOnly=true",
            "PruneLast=true",
            "ServerSideApply=true",
            "PrunePropagationPolicy=background",
        ],
        0..2,
    );
    let crash = (0..40usize, any::<bool>()).prop_map(|(at, accepted)| Crash { at, accepted });
    (
        (
            prop::collection::vec(resource(), 0..5),
            prop::collection::vec(hook(), 0..5),
            prop_oneof![1 => Just(Vec::new()), 1 => prop::collection::vec(gone(), 1..4)],
        ),
        (prop::bool::weighted(0.7), prop::bool::weighted(0.06), prop::bool::weighted(0.06), prop::bool::weighted(0.06)),
        options,
        0..3i64,
        prop_oneof![3 => Just(Vec::new()), 2 => prop::collection::vec(meddling(), 1..4)],
        prop::option::weighted(0.7, 0..6u8),
        prop_oneof![1 => Just(Vec::new()), 1 => prop::collection::vec(crash, 1..4)],
        prop::option::weighted(0.3, any::<u64>()),
        (any::<bool>(), prop::bool::weighted(0.2)),
    )
        .prop_map(
            |(
                (resources, hooks, gone),
                (prune, dry_run, no_hooks, selected),
                options,
                limit,
                meddling,
                approval,
                crashes,
                lag,
                (plan_always, unwatched),
            )| Case {
                resources,
                hooks,
                gone,
                prune,
                dry_run,
                no_hooks,
                selected,
                options,
                limit,
                meddling,
                approval,
                crashes,
                lag,
                plan_always,
                unwatched,
            },
        )
}

fn api_version(kind: &str) -> &'static str {
    match kind {
        "Deployment" => "apps/v1",
        "Job" => "batch/v1",
        "Workflow" => "argoproj.io/v1alpha1",
        _ => "v1",
    }
}

fn manifest(kind: &str, name: &str, annotations: &Value) -> Arc<Object> {
    let mut metadata = json!({"annotations": annotations});
    metadata[if name.ends_with('-') { "generateName" } else { "name" }] = json!(name);
    let mut json = json!({"apiVersion": api_version(kind), "kind": kind, "metadata": metadata});
    if kind == "Pod" {
        json["spec"] = json!({"restartPolicy": "Never"});
    }
    object(json)
}

impl HookCase {
    fn manifest(&self, index: usize, garbage: &str) -> Arc<Object> {
        let name = if self.generated { format!("n{index}-") } else { format!("h{index}") };
        let phases: Vec<&str> = self.phases.iter().map(|phase| phase.as_str()).collect();
        let policies: Vec<String> = self.policies.iter().map(|policy| format!("{policy:?}")).collect();
        let annotations = json!({
            names::HOOK: phases.join(",") + garbage,
            names::HOOK_DELETE_POLICY: policies.join(",") + garbage,
            names::SYNC_WAVE: self.wave.to_string(),
        });
        manifest(self.kind, &name, &annotations)
    }
}

impl Case {
    /// The manifests; `garbage` is added to every list of a hook.
    pub(super) fn targets(&self, garbage: &str) -> Vec<Arc<Object>> {
        let resources = self.resources.iter().enumerate().map(|(index, resource)| {
            manifest(resource.kind, &format!("r{index}"), &json!({names::SYNC_WAVE: resource.wave.to_string()}))
        });
        resources.chain(self.hooks.iter().enumerate().map(|(index, hook)| hook.manifest(index, garbage))).collect()
    }

    pub(super) fn given(&self) -> Given {
        let mut given = Given::new(self.targets("")).with_options(&self.options);
        given.unique_names = true;
        given.request.prune = self.prune;
        given.request.dry_run = self.dry_run;
        if self.no_hooks {
            given.request.strategy = SyncStrategy::Apply { force: false };
        }
        if self.selected {
            let names = (0..self.resources.len()).step_by(2).map(|index| format!("r{index}"));
            let kinds = self.resources.iter().step_by(2).map(|resource| resource.kind);
            given.request.resources = (names.zip(kinds))
                .map(|(name, kind)| {
                    let group = if kind == "Deployment" { "apps" } else { "" };
                    Selector { name, kind: kind.into(), group: group.into(), ..Selector::default() }
                })
                .collect();
        }
        given
    }

    pub(super) fn accepted(&self, given: &Given) -> OperationState {
        let mut state = given.accepted();
        let backoff = Backoff { duration: "1s".into(), factor: Some(2), max_duration: "5s".into() };
        state.operation.retry = Retry { limit: self.limit, backoff: Some(backoff), refresh: false };
        state
    }

    pub(super) fn world(&self, given: &Given) -> World {
        let mut world = World::new();
        for (index, resource) in self.resources.iter().enumerate() {
            let target = &given.targets[index];
            let key = live(target, "").key();
            world.courses.insert(key.clone(), vec![resource.course]);
            world.refused.extend(resource.refused.map(|when_tried| (key, when_tried)));
            if resource.lives {
                world.put(&live(target, ""), status(resource.kind, true));
            }
        }
        let plan = given.plan();
        for (index, hook) in self.hooks.iter().enumerate() {
            let target = &given.targets[self.resources.len() + index];
            let tasks = plan.tasks.iter().filter(|task| {
                task.is_hook()
                    && task.object.kind == hook.kind
                    && (task.object.name == target.name()
                        || task.generated.as_ref().is_some_and(|generated| generated.prefix == target.generate_name()))
            });
            for task in tasks {
                world.courses.insert(task.object.clone(), hook.courses.clone());
                world.refused.extend(hook.refused.map(|when_tried| (task.object.clone(), when_tried)));
                if let Some(predecessor) = hook.predecessor {
                    predecessor.leave(&mut world, task.target.as_ref().unwrap());
                }
            }
        }
        for (index, gone) in self.gone.iter().enumerate() {
            let annotations = json!({names::SYNC_WAVE: gone.wave.to_string(), names::SYNC_OPTIONS: gone.options});
            let target = live(&manifest("ConfigMap", &format!("g{index}"), &annotations), "");
            world.put(&target, json!({}));
            world.held.insert(target.key(), gone.held);
        }
        self.meddle(&mut world, &hooks(&plan));
        world
    }

    fn meddle(&self, world: &mut World, hooks: &[ObjectKey]) {
        for meddling in &self.meddling {
            match *meddling {
                Meddling::Terminate(at) => world.plan_deed(at, Deed::Terminate),
                Meddling::Delete(at, hook) => {
                    world.ambushes.extend(pick(hooks, hook).map(|key| (key.clone(), at, Deed::Delete(key))));
                }
                Meddling::Recreate(at, hook) => {
                    world.ambushes.extend(pick(hooks, hook).map(|key| (key.clone(), at, Deed::Recreate(key))));
                }
            }
        }
        if let Some(at) = self.approval {
            world.plan_deed(at, Deed::Approve);
        }
    }

    pub(super) fn manner(&self) -> Manner {
        Manner {
            crashes: self.crashes.clone(),
            lag: self.lag,
            plan_always: self.plan_always,
            unwatched: self.unwatched,
            mutant: None,
        }
    }

    pub(super) fn run_with(&self, manner: &Manner) -> Run {
        let given = self.given();
        drive(&given, self.world(&given), &self.accepted(&given), manner)
    }

    pub(super) fn run(&self, mutant: Option<Mutant>) -> Run {
        self.run_with(&Manner { mutant, ..self.manner() })
    }

    /// The hooks of a plan that somebody deletes, or puts another object in the place of.
    pub(super) fn meddled(&self, plan: &Plan) -> BTreeSet<ObjectKey> {
        let hooks = hooks(plan);
        let indices = self.meddling.iter().filter_map(|meddling| match *meddling {
            Meddling::Delete(_, hook) | Meddling::Recreate(_, hook) => Some(hook),
            Meddling::Terminate(_) => None,
        });
        indices.filter_map(|index| pick(&hooks, index)).collect()
    }

    pub(super) fn terminates(&self) -> bool {
        self.meddling.iter().any(|meddling| matches!(meddling, Meddling::Terminate(_)))
    }
}

fn hooks(plan: &Plan) -> Vec<ObjectKey> {
    plan.tasks.iter().filter(|task| task.is_hook()).map(|task| task.object.clone()).collect()
}

fn pick(hooks: &[ObjectKey], index: usize) -> Option<ObjectKey> {
    hooks.get(index.checked_rem(hooks.len())?).cloned()
}

impl Predecessor {
    fn leave(self, world: &mut World, target: &Object) {
        let mut json = target.clone().into_json();
        if self.marked {
            json["metadata"]["annotations"][names::BOATHOOK_OPERATION] = json!("2026-11-21T08:00:00Z/0");
            json["metadata"]["annotations"][names::BOATHOOK_PHASE] =
                json!(target.annotation(names::HOOK).unwrap().split(',').next());
        }
        if !self.finalizer {
            json["metadata"].as_object_mut().unwrap().remove("finalizers");
        }
        let running = if target.kind() == "Pod" { json!({"phase": "Running"}) } else { json!({}) };
        let key = object(json.clone()).key();
        if !world.objects.contains_key(&key) {
            world.put(&object(json), self.ended.map_or(running, |good| status(target.kind(), good)));
        }
    }
}

pub(super) const DESTINATION: &str = NAMESPACE;
