//! Drives the state machine over the simulated world as an engine would: writes, acts, dies and starts again.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use boathook::domain::manifest::{Object, ObjectKey};
use boathook::domain::names;
use boathook::domain::operation::{OperationPhase, OperationState};
use boathook::domain::plan::{Plan, TaskId};
use boathook::domain::step::{Action, Mark, Memory, Observation, Outcome, Progress, Settings, Step, StepInput, step};
use jiff::{SignedDuration, Timestamp};

use super::make::Given;
use super::mutants::Mutant;
use super::world::World;

/// Where and how a driver dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Crash {
    /// Before, or instead of hearing of, this write (the state or an action), counted from the start.
    pub(super) at: usize,
    /// The server accepted the write, but the reply did not come.
    pub(super) accepted: bool,
}

/// How it is driven.
#[derive(Debug, Clone, Default)]
pub(super) struct Manner {
    pub(super) crashes: Vec<Crash>,
    /// Watches lag: the view is refreshed only when the bit of the step is set, or when nothing else happens.
    pub(super) lag: Option<u64>,
    /// A new plan is made for each step, not only after a start.
    pub(super) plan_always: bool,
    /// Watches do not see hooks that were there before, until they are changed into ours.
    pub(super) unwatched: bool,
    pub(super) mutant: Option<Mutant>,
}

/// One step as it was taken.
#[derive(Clone)]
pub(super) struct Taken {
    pub(super) before: OperationState,
    pub(super) after: OperationState,
    pub(super) actions: Vec<Action>,
    /// The plan that the manifests really make, whatever a mutant made of it.
    pub(super) plan: Arc<Plan>,
    /// What lived when the actions were about to be done.
    pub(super) world: std::collections::BTreeMap<ObjectKey, Arc<Object>>,
    pub(super) approved: Option<Timestamp>,
    /// The step again over the same world, where it only waited.
    pub(super) again: Option<(OperationState, usize)>,
}

/// A whole operation.
pub(super) struct Run {
    pub(super) taken: Vec<Taken>,
    pub(super) end: OperationState,
    pub(super) world: World,
    pub(super) writes: usize,
    pub(super) crashed: usize,
    /// Nothing could happen any more, and yet it was not over.
    pub(super) stuck: bool,
    /// Tasks whose apply was accepted although nobody heard of it.
    pub(super) lost: BTreeSet<TaskId>,
    pub(super) terminated: bool,
}

/// What a driver keeps on disk, so to speak: everything else is lost when it dies.
struct Driver<'a> {
    given: &'a Given,
    manner: &'a Manner,
    settings: Settings,
    world: World,
    written: OperationState,
    progress: Progress,
    outcomes: Vec<Outcome>,
    view: HashMap<ObjectKey, Arc<Object>>,
    truth: Arc<Plan>,
    plan: Plan,
    run: Run,
    /// UIDs of hooks that were there before the operation.
    before: BTreeSet<String>,
}

/// Longest run, in steps: more is a loop.
const LONGEST: usize = 2_000;

pub(super) fn drive(given: &Given, world: World, state: &OperationState, manner: &Manner) -> Run {
    let state = persisted(state);
    let mut driver = Driver {
        given,
        manner,
        settings: Settings { wave_delay: SignedDuration::ZERO, timeout: Some(SignedDuration::from_secs(120)) },
        view: HashMap::new(),
        before: (world.objects.values().filter(|object| object.annotation(names::HOOK).is_some()))
            .map(|object| object.uid().to_owned())
            .collect(),
        run: Run {
            taken: Vec::new(),
            end: state.clone(),
            world: world.clone(),
            writes: 0,
            crashed: 0,
            stuck: false,
            lost: BTreeSet::new(),
            terminated: false,
        },
        world,
        progress: Progress { state: state.clone(), memory: Memory::default() },
        written: state,
        outcomes: Vec::new(),
        truth: Arc::default(),
        plan: Plan::default(),
    };
    driver.refresh();
    driver.make_plan();
    for number in 0..LONGEST {
        if !driver.turn(number) {
            break;
        }
        driver.run.stuck |= number + 1 == LONGEST;
    }
    driver.run.end = driver.written;
    driver.run.world = driver.world;
    driver.run
}

/// What comes back from the API server: times lose their fractions, what is not a field is lost.
fn persisted(state: &OperationState) -> OperationState {
    let (state, problems) = OperationState::from_json(&state.to_json());
    assert!(problems.is_empty(), "{problems:?}");
    state
}

impl Driver<'_> {
    fn make_plan(&mut self) {
        let mut given = self.given.clone();
        given.live = self.world.objects.values().cloned().collect();
        given.live_namespace = given.live.iter().find(|live| live.kind() == "Namespace").cloned();
        given.recorded = Some(self.written.clone());
        let plan = given.plan();
        self.plan = self.manner.mutant.map_or_else(|| plan.clone(), |mutant| mutant.plan(plan.clone()));
        self.truth = Arc::new(plan);
    }

    /// One step. False: it is over, or stuck.
    fn turn(&mut self, number: usize) -> bool {
        self.take_termination();
        let lags = self.manner.lag.is_some_and(|bits| bits >> (number % 64) & 1 == 0);
        if !lags {
            self.refresh();
        }
        if self.manner.plan_always {
            self.make_plan();
        }
        let step = self.step();
        self.note(&step);
        if !self.write_state(&step) {
            return true;
        }
        self.progress = step.progress.clone();
        if step.is_finished() {
            return false;
        }
        if step.render.is_some() {
            self.make_plan();
            self.outcomes.clear();
            return true;
        }
        if step.actions.is_empty() {
            self.outcomes.clear();
            return self.wait(&step);
        }
        self.act(&step);
        true
    }

    fn observation(&self) -> Observation {
        let seen =
            Observation { objects: self.view.clone(), outcomes: self.outcomes.clone(), approved: self.world.approved };
        self.manner.mutant.map_or_else(|| seen.clone(), |mutant| mutant.observation(seen.clone(), &self.progress.state))
    }

    fn step(&self) -> Step {
        let seen = self.observation();
        let input = StepInput { plan: &self.plan, seen: &seen, settings: &self.settings, now: self.world.now };
        let progress =
            self.manner.mutant.map_or_else(|| self.progress.clone(), |mutant| mutant.progress(self.progress.clone()));
        let step = step(&input, &progress);
        self.manner.mutant.map_or_else(|| step.clone(), |mutant| mutant.step(step.clone()))
    }

    fn note(&mut self, step: &Step) {
        let is_idle = step.wait.as_ref().is_some_and(|wait| wait.until.is_none_or(|until| until > self.world.now));
        let waits = is_idle && step.actions.is_empty() && step.render.is_none();
        let again = waits.then(|| {
            let mut seen = self.observation();
            seen.outcomes.clear();
            let input = StepInput { plan: &self.plan, seen: &seen, settings: &self.settings, now: self.world.now };
            let again = boathook::domain::step::step(&input, &step.progress);
            (again.progress.state, again.actions.len())
        });
        self.run.taken.push(Taken {
            before: self.progress.state.clone(),
            after: step.progress.state.clone(),
            actions: step.actions.clone(),
            plan: Arc::clone(&self.truth),
            world: self.world.objects.clone(),
            approved: self.world.approved,
            again,
        });
    }

    /// Somebody wrote `Terminating`: our next write conflicts, we read it again.
    fn take_termination(&mut self) {
        if self.world.terminate && self.written.phase == Some(OperationPhase::Running) {
            self.world.terminate = false;
            self.run.terminated = true;
            self.written.phase = Some(OperationPhase::Terminating);
            // The state of the step before is not written yet where outcomes are still to be taken in, so nothing is lost.
            self.progress.state.phase = Some(OperationPhase::Terminating);
        }
    }

    /// Whether this write is the one at which the driver dies.
    fn crash(&mut self) -> Option<Crash> {
        let number = self.run.writes;
        self.run.writes += 1;
        self.manner.crashes.iter().copied().find(|crash| crash.at == number)
    }

    fn restart(&mut self) {
        self.run.crashed += 1;
        self.progress = Progress { state: self.written.clone(), memory: Memory::default() };
        self.outcomes.clear();
        self.refresh();
        self.make_plan();
    }

    fn write_state(&mut self, step: &Step) -> bool {
        let state = persisted(&step.progress.state);
        if state == self.written {
            return true;
        }
        let crash = self.crash();
        if crash.is_none_or(|crash| crash.accepted) {
            self.written = state;
        }
        if crash.is_some() {
            self.restart();
        }
        crash.is_none()
    }

    fn act(&mut self, step: &Step) {
        let mut outcomes = Vec::new();
        for action in &step.actions {
            let crash = self.crash();
            if crash.is_none_or(|crash| crash.accepted) {
                let outcome = self.world.execute(action);
                if crash.is_some()
                    && let Action::Apply(apply) = action
                    && !apply.dry_run
                {
                    self.run.lost.insert(apply.task.clone());
                }
                outcomes.push(outcome);
            }
            if crash.is_some() {
                // What was done before in this step, and was not recorded, is lost as well.
                self.run.lost.extend(step.actions.iter().filter_map(|action| match action {
                    Action::Apply(apply) if !apply.dry_run => Some(apply.task.clone()),
                    _ => None,
                }));
                return self.restart();
            }
        }
        self.outcomes = outcomes;
    }

    fn refresh(&mut self) -> bool {
        let mut fresh: HashMap<_, _> = self.world.objects.clone().into_iter().collect();
        if self.manner.unwatched {
            let mark = Mark::of(&self.written).to_string();
            let is_ours = |object: &Object| object.annotation(names::BOATHOOK_OPERATION) == Some(&mark);
            fresh.retain(|_, object| is_ours(object) || !self.before.contains(object.uid()));
        }
        let changed = fresh != self.view;
        self.view = fresh;
        changed
    }

    /// Lets the world go on until something happens that concerns the operation.
    fn wait(&mut self, step: &Step) -> bool {
        if self.refresh() {
            return true;
        }
        let until = step.wait.as_ref().and_then(|wait| wait.until);
        let Some(next) = [until, self.world.next_event()].into_iter().flatten().min() else {
            self.run.stuck = true;
            return false;
        };
        self.world.pass(next.max(self.world.now));
        true
    }
}
