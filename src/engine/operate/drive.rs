//! Driving the state machine: write, act, call again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::accept::{Accepted, accept, start};
use super::finish::{history, tell_end};
use super::prepare::{Place, Prepared, manifests, pin, place, prepare};
use crate::cluster::{Kinds, Scope};
use crate::domain::application::Application;
use crate::domain::manifest::Object;
use crate::domain::names;
use crate::domain::operation::{HookPhase, Operation, OperationPhase, OperationState};
use crate::domain::plan::Plan;
use crate::domain::project::Decision;
use crate::domain::step::{
    Action, Mark, Observation, Outcome, Progress, ResumeRefused, Settings, Step, StepInput, end_in_error,
    end_in_failure, recorded_manifests, resume, step,
};
use crate::engine::actor::read;
use crate::engine::destination::Destination;
use crate::engine::mailbox::Mailbox;
use crate::engine::perform::Performer;
use crate::engine::pool::{Interest, Subscription};
use crate::engine::problem::{Problem, ProblemKind};
use crate::engine::project::{Reading, look_again, project_of, window};
use crate::engine::record::{Edit, Written, project_kind, version, write};
use crate::engine::shared::Shared;
use crate::engine::targets::Fetch;

/// What the operation says while a window does not let it run.
const BLOCKED: &str = "Sync operation blocked by sync window";
/// Pause before a cluster is asked again that did not answer.
const AGAIN: SignedDuration = SignedDuration::from_secs(1);
/// Pause before Git is asked again while hooks run.
const LATER: SignedDuration = SignedDuration::from_secs(10);
/// Of a request without anything to do.
const NOTHING: &str = "Invalid operation request: no operation specified";

/// Between what an operation said before it could not go on, and why it cannot.
const WAITS: &str = " (it cannot go on yet: ";

/// Whether the operation goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Go {
    /// It does.
    On,
    /// It is over, was replaced, or the Application is gone.
    Over,
}

/// There is nothing to do until the bell rings, or until a time.
#[derive(Debug, Clone, Copy)]
struct Pause {
    until: Option<Timestamp>,
}

/// Whether its project holds an operation.
enum Held {
    /// It does not.
    No,
    /// A sync window does; when to look again, if that is known.
    Until(Option<Timestamp>),
    /// The project is another one than the plan was made for: make it anew.
    Anew,
    /// The operation is over.
    Over,
}

/// One operation while it runs.
pub(super) struct Run<'a> {
    shared: &'a Shared,
    mailbox: &'a Arc<Mailbox>,
    object: Arc<Object>,
    application: Application,
    last_start: Option<Timestamp>,
    /// How much later than it is the operation's clock is: it begins later than every operation before, although several
    /// may begin within one second.
    ahead: SignedDuration,
    progress: Progress,
    /// The state as it stands in the Application.
    written: Option<Value>,
    outcomes: Vec<Outcome>,
    prepared: Option<(Place, Prepared)>,
    /// The project in `prepared` was read for this very pass.
    is_project_fresh: bool,
    /// Rings the bell when the project changes: its windows may let the operation go on.
    _project: Subscription,
    /// What ends the operation, while its hooks are ended first.
    ended_by: Option<String>,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        shared: &'a Shared,
        mailbox: &'a Arc<Mailbox>,
        object: &Arc<Object>,
        last_start: Option<Timestamp>,
    ) -> Self {
        let object = Arc::clone(object);
        let application = read(shared, &object);
        Self {
            _project: subscribe_to_project(shared, mailbox, &application),
            application,
            written: object.at(&["status", "operationState"]).cloned(),
            shared,
            mailbox,
            object,
            last_start,
            ahead: SignedDuration::ZERO,
            progress: Progress::default(),
            outcomes: Vec::new(),
            prepared: None,
            is_project_fresh: false,
            ended_by: None,
        }
    }

    /// Start of the operation, once it is accepted.
    pub(super) fn started_at(&self) -> Option<Timestamp> {
        self.progress.state.started_at
    }

    /// The operation's time, which never is before its start.
    fn now(&self) -> Timestamp {
        let now = self.shared.clock.now();
        let now = now.checked_add(self.ahead).unwrap_or(now);
        self.started_at().map_or(now, |start| now.max(start))
    }

    /// Sets the operation's clock to a start that may be a little later than now.
    fn set_clock(&mut self, start: Option<Timestamp>) {
        let now = self.shared.clock.now();
        self.ahead = start.map(|start| start.duration_since(now)).unwrap_or_default().max(SignedDuration::ZERO);
    }

    /// Runs the operation to its end.
    pub(super) async fn until_it_is_over(&mut self) {
        if self.begin().await == Go::Over {
            return;
        }
        loop {
            let pause = {
                // Held while something is done, not while something is waited for. It is never closed.
                let _turn = self.shared.workers.acquire().await.ok();
                match self.work().await {
                    Some(pause) => pause,
                    None => break,
                }
            };
            self.wait(pause).await;
        }
        let is_completed = self.progress.state.phase.is_some_and(OperationPhase::is_completed);
        if !is_completed && !self.shared.stop.is_cancelled() {
            self.let_hooks_go().await;
        }
    }

    /// The Application is gone, or its operation was replaced by another one: nobody will judge the hooks that run, and
    /// nobody may find that they cannot be deleted.
    async fn let_hooks_go(&self) {
        let Some((place, prepared)) = &self.prepared else { return };
        let performer = self.performer(&place.destination, &prepared.known.kinds);
        let mark = Mark::of(&self.progress.state);
        let objects = prepared.world.objects(&prepared.plan);
        for task in prepared.plan.tasks.iter().filter(|task| task.is_hook()) {
            if let Some(live) = objects.get(&task.object).filter(|live| mark.is_on(live, task.phase())) {
                performer.let_go(&task.object, live.uid()).await;
            }
        }
    }

    fn performer<'p>(&'p self, destination: &'p Destination, kinds: &'p Kinds) -> Performer<'p> {
        let parallel = self.shared.options.parallel_requests;
        Performer { destination, kinds, clock: &self.shared.clock, parallel }
    }

    /// Takes over an operation that runs, or accepts a new one.
    async fn begin(&mut self) -> Go {
        loop {
            let state = self.application.status.operation_state.clone();
            if let Some(state) = state.filter(|state| !state.phase.is_some_and(OperationPhase::is_completed)) {
                self.set_clock(state.started_at);
                self.progress.state = state;
                if self.application.operation.is_none() {
                    // Its request was taken away while no engine was there.
                    self.progress.state.phase = Some(OperationPhase::Terminating);
                }
                return Go::On;
            }
            let Some(request) = self.application.operation.clone() else { return Go::Over };
            let accepted = match self.accept(&request).await {
                Ok(accepted) => accepted,
                Err(problem) => {
                    tracing::warn!(%problem, "a request waits for its cluster");
                    self.wait(Pause { until: self.now().checked_add(AGAIN).ok() }).await;
                    if self.shared.stop.is_cancelled() || self.look() == Go::Over {
                        return Go::Over;
                    }
                    continue;
                }
            };
            self.set_clock(accepted.state.started_at);
            // Nothing is begun that is not written down. Where it could not be, or nobody can tell whether it was, the
            // Application as it is now says which operation there is: the lost answer may have been a yes.
            if self.write(accepted).await == Go::Over {
                return Go::Over;
            }
            if self.started_at().is_some() {
                return Go::On;
            }
            if self.shared.stop.is_cancelled() {
                return Go::Over;
            }
        }
    }

    /// The first state of a new operation. A problem: its cluster does not answer right now.
    async fn accept(&self, request: &Operation) -> Result<Progress, Problem> {
        let now = self.shared.clock.now();
        let mut state = match accept(&self.application, request, self.last_start, now) {
            Accepted::New(state) => *state,
            Accepted::Resume => match self.resume(now).await {
                Ok(resumed) => resumed.unwrap_or_else(|refused| self.refused(&refused.to_string(), now)),
                // What may be gone in a moment is no reason to refuse for good.
                Err(problem) if problem.transient => return Err(problem),
                Err(problem) => self.refused(&problem.to_string(), now),
            },
        };
        if state.operation.sync.is_none() && !state.phase.is_some_and(OperationPhase::is_completed) {
            let start = state.started_at.unwrap_or(now);
            end_in_error(&mut state, start, NOTHING);
        }
        Ok(Progress { state, ..Progress::default() })
    }

    /// The state of an operation that cannot be resumed, and is over before it began. What the failed one asked for and
    /// did stays on record, so that it can still be resumed once the reason is gone.
    fn refused(&self, reason: &str, now: Timestamp) -> OperationState {
        let start = start(&self.application, self.last_start, now);
        let failed = self.application.status.operation_state.clone().unwrap_or_default();
        let request = self.application.operation.clone().unwrap_or_default();
        let operation = Operation { initiated_by: request.initiated_by, ..failed.operation };
        let sync_result = failed.sync_result;
        let mut state = OperationState { operation, started_at: Some(start), sync_result, ..OperationState::default() };
        end_in_error(&mut state, start, &format!("the operation cannot be resumed: {reason}"));
        state
    }

    /// The state with which the failed operation goes on.
    async fn resume(&self, now: Timestamp) -> Result<Result<OperationState, ResumeRefused>, Problem> {
        let failed = self.application.status.operation_state.clone().unwrap_or_default();
        let request = self.application.operation.clone().unwrap_or_default();
        let place = place(self.shared, &self.object, &self.application, Reading::Fresh).await?;
        let targets = manifests(self.shared, &self.application, &place, &failed, Fetch::IfOld).await?;
        Ok(resume(&failed, &request, &targets.revisions, &targets.digest, now))
    }

    /// One burst of work: until there is something to wait for. `None`: it is over.
    async fn work(&mut self) -> Option<Pause> {
        loop {
            if self.shared.stop.is_cancelled() || self.look() == Go::Over {
                return None;
            }
            if self.progress.state.phase.is_some_and(OperationPhase::is_completed) {
                return None;
            }
            if !self.is_waiting_for_retry() && self.prepared.is_none() {
                match self.prepare().await {
                    Ok(()) => {}
                    // A cluster that does not answer right now is no reason to end an operation.
                    Err(problem) if is_of_cluster(&problem) => return self.wait_for(&problem, AGAIN).await,
                    Err(_) if self.is_terminating() => {}
                    // Nor are hooks ended that run well, because Git does not answer right now, or because somebody
                    // replaces the project.
                    Err(problem) if may_come_back(&problem) && self.has_running_hooks() => {
                        return self.wait_for(&problem, LATER).await;
                    }
                    Err(problem) => {
                        self.fail(&problem).await?;
                        continue;
                    }
                }
            }
            match self.held().await {
                Held::No => {}
                Held::Until(until) => return Some(Pause { until }),
                Held::Anew => continue,
                Held::Over => return None,
            }
            let mut next = self.step();
            self.say_what_ended_it(&mut next.progress.state);
            let (progress, actions) = (next.progress.clone(), !next.actions.is_empty());
            if self.write(progress).await == Go::Over {
                return None;
            }
            if self.progress.state != next.progress.state {
                // The write found a newer Application: decide again with the previous outcomes.
                continue;
            }
            self.progress.memory = next.progress.memory.clone();
            self.outcomes.clear();
            if next.render.is_some() {
                self.prepared = None;
                continue;
            }
            if !actions {
                return Some(Pause { until: next.wait.and_then(|wait| wait.until) });
            }
            match self.act(&next).await {
                None => {}
                // There is no cluster any more in which anything could be ended.
                Some(problem) if problem.kind == ProblemKind::UnknownCluster => {
                    let mut progress = self.progress.clone();
                    end_in_error(&mut progress.state, self.now(), &problem.to_string());
                    if self.write(progress).await == Go::Over {
                        return None;
                    }
                }
                Some(problem) => {
                    let pause = if is_of_cluster(&problem) { AGAIN } else { LATER };
                    return self.wait_for(&problem, pause).await;
                }
            }
        }
    }

    /// Tells what keeps the operation from going on, and how long to wait. `None`: it is over.
    async fn wait_for(&mut self, problem: &Problem, pause: SignedDuration) -> Option<Pause> {
        tracing::warn!(%problem, "an operation waits");
        let mut progress = self.progress.clone();
        let before = progress.state.message.split(WAITS).next().unwrap_or_default();
        progress.state.message = format!("{before}{WAITS}{problem})");
        let until = self.now().checked_add(pause).ok();
        (self.write(progress).await == Go::On).then_some(Pause { until })
    }

    fn has_running_hooks(&self) -> bool {
        let results = self.progress.state.sync_result.iter().flat_map(|result| &result.resources);
        results.into_iter().any(|result| result.hook_type.is_some() && result.hook_phase == Some(HookPhase::Running))
    }

    /// A termination of our own ends with its reason.
    fn say_what_ended_it(&self, state: &mut OperationState) {
        if let Some(reason) = &self.ended_by
            && state.phase.is_some_and(OperationPhase::is_completed)
        {
            state.phase = Some(OperationPhase::Error);
            state.message.clone_from(reason);
        }
    }

    fn is_terminating(&self) -> bool {
        self.progress.state.phase == Some(OperationPhase::Terminating)
    }

    fn is_waiting_for_retry(&self) -> bool {
        self.progress.state.is_waiting_for_retry()
    }

    /// Takes in the latest version of the Application.
    fn look(&mut self) -> Go {
        match self.mailbox.latest() {
            None => Go::Over,
            Some(latest) if version(&latest) == version(&self.object) => Go::On,
            Some(latest) => self.take(latest),
        }
    }

    /// Takes in a version of the Application that we did not write ourselves.
    fn take(&mut self, latest: Arc<Object>) -> Go {
        if latest.uid() != self.object.uid() {
            return Go::Over;
        }
        self.application = read(self.shared, &latest);
        self.object = latest;
        let found = self.object.at(&["status", "operationState"]).cloned();
        let state = self.application.status.operation_state.clone();
        let is_same = state.as_ref().is_some_and(|state| state.started_at == self.progress.state.started_at);
        if self.progress.state.started_at.is_none() {
            // Not accepted yet.
            self.written = found;
            return Go::On;
        }
        let Some(state) = state.filter(|_| is_same) else { return Go::Over };
        if found != self.written {
            self.written = found;
            self.progress.state = state;
        }
        let is_completed = self.progress.state.phase.is_some_and(OperationPhase::is_completed);
        if self.application.operation.is_none() && !is_completed {
            // Somebody took the request away: nobody else would end its hooks.
            self.progress.state.phase = Some(OperationPhase::Terminating);
        }
        Go::On
    }

    /// Makes the plan.
    async fn prepare(&mut self) -> Result<(), Problem> {
        let place = place(self.shared, &self.object, &self.application, Reading::Fresh).await?;
        let state = &self.progress.state;
        let is_pinned = state
            .sync_result
            .as_ref()
            .is_some_and(|result| !result.revision.is_empty() || !result.revisions.is_empty());
        // What was asked for is what is there now; what it is pinned to does not change.
        let fetch = if is_pinned { Fetch::IfOld } else { Fetch::Always };
        let targets = manifests(self.shared, &self.application, &place, state, fetch).await?;
        let is_recorded = is_pinned && recorded_manifests(&state.operation).is_some();
        let mut pinned = state.clone();
        if !is_recorded {
            pin(&self.application, &mut pinned, &targets);
        }
        let bell = &self.mailbox.bell;
        let prepared = prepare(self.shared, &self.application, &place, &pinned, &targets, bell).await?;
        // Written with the first step's state, before anything is done.
        self.progress.state = pinned;
        self.prepared = Some((place, prepared));
        self.is_project_fresh = true;
        Ok(())
    }

    /// Ends the attempt: it cannot begin, or cannot go on. Hooks that run are ended first: nobody would look after them.
    async fn fail(&mut self, problem: &Problem) -> Option<()> {
        let mut progress = self.progress.clone();
        if self.has_running_hooks() {
            progress.state.phase = Some(OperationPhase::Terminating);
            progress.state.message = problem.to_string();
            self.ended_by = Some(problem.to_string());
        } else if problem.kind == ProblemKind::SharedResource {
            end_in_failure(&mut progress.state, self.now(), &problem.message);
        } else {
            end_in_error(&mut progress.state, self.now(), &problem.to_string());
        }
        (self.write(progress).await == Go::On).then_some(())
    }

    /// Whether the project holds the operation, as it is now. Ending an operation is never held.
    async fn held(&mut self) -> Held {
        let Some((place, _)) = self.prepared.as_ref().filter(|_| !self.is_terminating()) else { return Held::No };
        if !std::mem::take(&mut self.is_project_fresh) {
            match project_of(self.shared, &self.application, Reading::Fresh).await {
                Ok(project) if project == place.project => {}
                // Whatever is wrong is found, and told, where the plan is made.
                Ok(_) | Err(_) => {
                    self.prepared = None;
                    return Held::Anew;
                }
            }
        }
        let now = self.shared.clock.now();
        let decision = window(&place.project, &self.application, &place.destination, &self.progress.state, now);
        if decision.is_allowed() {
            return Held::No;
        }
        let until = look_again(&decision, now);
        let message = match decision {
            Decision::Broken(error) => format!("{BLOCKED}: {error}"),
            _ => BLOCKED.to_owned(),
        };
        // The pause is kept by the operation's clock.
        let until = until.map(|until| until.checked_add(self.ahead).unwrap_or(until));
        let mut progress = self.progress.clone();
        progress.state.message = message;
        match self.write(progress).await {
            Go::On => Held::Until(until),
            Go::Over => Held::Over,
        }
    }

    /// Asks what to do next.
    fn step(&self) -> Step {
        let settings = Settings { wave_delay: self.shared.options.wave_delay, timeout: self.shared.options.timeout };
        let nothing =
            Plan { destination_namespace: self.application.spec.destination.namespace.clone(), ..Plan::default() };
        let (plan, objects) = self.prepared.as_ref().map_or_else(
            || (&nothing, HashMap::new()),
            |(_, prepared)| (&prepared.plan, prepared.world.objects(&prepared.plan)),
        );
        let approved = self.application.metadata.annotations.get(names::DELETION_APPROVED);
        let seen = Observation {
            objects,
            outcomes: self.outcomes.clone(),
            approved: approved.and_then(|time| time.parse().ok()),
        };
        let input = StepInput { plan, seen: &seen, settings: &settings, now: self.now() };
        let mut progress = self.progress.clone();
        if let Some((before, _)) = progress.state.message.split_once(WAITS) {
            progress.state.message = before.to_owned();
        }
        step(&input, &progress)
    }

    /// Writes a state, if it is not what is there. When it is over afterwards, the request is removed in the same write.
    async fn write(&mut self, progress: Progress) -> Go {
        let state = progress.state.to_json();
        let is_completed = progress.state.phase.is_some_and(OperationPhase::is_completed);
        if self.written.as_ref() == Some(&state) && !is_completed {
            self.progress.state = progress.state;
            return Go::On;
        }
        let mut edits = vec![Edit::Status("operationState", state.clone())];
        if is_completed {
            edits.push(Edit::NoOperation);
            edits.extend(
                history(&self.object, &self.application, &progress.state)
                    .map(|entries| Edit::Status("history", entries)),
            );
        }
        match write(self.shared, self.mailbox, &self.object, &edits).await {
            Written::Done(object) => {
                self.application = read(self.shared, &object);
                self.object = object;
                self.written = Some(state);
                self.progress.state = progress.state;
                if is_completed {
                    self.tell_end().await;
                    return Go::Over;
                }
                Go::On
            }
            Written::Stale(latest) => {
                // The answer was lost, or somebody changed something else right after it: it did happen.
                let is_ended = is_completed && latest.at(&["status", "operationState"]) == Some(&state);
                let go = self.take(latest);
                if is_ended && self.progress.state == progress.state && self.application.operation.is_none() {
                    self.tell_end().await;
                    return Go::Over;
                }
                go
            }
            Written::Gone => Go::Over,
            Written::Refused(reason) => {
                tracing::error!(application = self.object.name(), reason, "an operation cannot be recorded");
                // Without a record nothing may be done. Trying again is all that is left.
                self.shared.clock.sleep(Duration::from_secs(10)).await;
                self.look()
            }
        }
    }

    async fn tell_end(&self) {
        self.progress.state.phase.into_iter().for_each(|phase| self.shared.figures.ended(phase));
        tell_end(self.shared, &self.object, &self.progress.state).await;
    }

    /// Carries out a step's actions. A problem: the cluster does not answer, and nobody knows what became of some.
    async fn act(&mut self, next: &Step) -> Option<Problem> {
        let (destination, kinds) = match &self.prepared {
            Some((place, prepared)) => (Arc::clone(&place.destination), Arc::clone(&prepared.known.kinds)),
            // To end an operation whose sources cannot be read, its cluster is enough.
            None => match self.cluster().await {
                Ok(cluster) => cluster,
                Err(problem) => return Some(problem),
            },
        };
        let (outcomes, unanswered) = self.performer(&destination, &kinds).perform(next).await;
        self.outcomes = outcomes;
        let defines = |action: &Action| matches!(action, Action::Apply(apply) if !apply.dry_run && apply.object.kind == "CustomResourceDefinition");
        if next.actions.iter().any(defines) {
            // New kinds: the plan knows them, and they can be watched.
            self.prepared = None;
        }
        unanswered.map(|error| Problem::cluster(&error))
    }

    async fn cluster(&self) -> Result<(Arc<Destination>, Arc<Kinds>), Problem> {
        let destination = self.shared.destinations.resolve(&self.application.spec.destination).await?;
        let known = destination.known().await.map_err(|error| Problem::cluster(&error))?;
        Ok((destination, known.kinds))
    }

    /// Waits for the bell, a time, or the end of the engine.
    async fn wait(&self, pause: Pause) {
        let alarm = async {
            match pause.until {
                Some(until) => {
                    let left = until.duration_since(self.now());
                    self.shared.clock.sleep(Duration::try_from(left).unwrap_or_default()).await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.mailbox.bell.notified() => {}
            () = alarm => {}
            () = self.shared.stop.cancelled() => {}
        }
    }
}

/// What is missing may be there again in a moment.
fn may_come_back(problem: &Problem) -> bool {
    problem.transient || problem.kind == ProblemKind::MissingProject
}

/// A cluster does not answer right now.
fn is_of_cluster(problem: &Problem) -> bool {
    problem.kind == ProblemKind::UnknownError && problem.transient
}

fn subscribe_to_project(shared: &Shared, mailbox: &Mailbox, application: &Application) -> Subscription {
    let control_plane = shared.options.control_plane.clone();
    let name = (control_plane.clone(), application.project().to_owned());
    let interest = Interest { names: [name].into(), ..Interest::default() };
    let (scope, bell) = (Scope::Namespace(control_plane), Arc::clone(&mailbox.bell));
    shared.pool.subscribe(&shared.cluster, &project_kind(), &scope, interest, bell)
}
