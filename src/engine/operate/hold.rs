//! What keeps an operation from going on: its project's windows, a cluster that does not answer, a problem that ends it;
//! and what becomes of its hooks then.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::run::{Go, Pause, Run};
use crate::domain::manifest::Object;
use crate::domain::operation::{HookPhase, OperationPhase, OperationState};
use crate::domain::project::Decision;
use crate::domain::step::{Mark, end_in_error, end_in_failure};
use crate::engine::problem::{Problem, ProblemKind};
use crate::engine::project::{Reading, look_again, project_of, window};

/// What the operation says while a window does not let it run.
const BLOCKED: &str = "Sync operation blocked by sync window";
/// Between what an operation said before it could not go on, and why it cannot.
const WAITS: &str = " (it cannot go on yet: ";
/// What an operation says that cannot go on, while its hooks are ended first; the reason follows. It is read again where
/// the engine is started anew meanwhile.
const ENDED_BY: &str = "its hooks are ended first: ";

/// Whether its project holds an operation.
pub(super) enum Held {
    /// It does not.
    No,
    /// A sync window does; when to look again, if that is known.
    Until(Option<Timestamp>),
    /// The project is another one than the plan was made for: make it anew.
    Anew,
    /// The operation is over.
    Over,
}

/// What an operation said before it could not go on.
pub(super) fn said_before(message: &str) -> &str {
    message.split_once(WAITS).map_or(message, |(before, _)| before)
}

impl Run<'_> {
    /// Whether the project holds the operation, as it is now, and whether its cluster is still reached as it was. Ending an operation is never held.
    pub(super) async fn held(&mut self) -> Held {
        let Some((place, _)) = self.prepared.as_ref().filter(|_| !self.is_terminating()) else { return Held::No };
        if !std::mem::take(&mut self.is_project_fresh) {
            let project = project_of(self.shared, &self.application, Reading::Fresh).await;
            let cluster = self.shared.destinations.resolve(&self.application.spec.destination).await;
            let is_same = project.is_ok_and(|project| project == place.project)
                && cluster.is_ok_and(|cluster| Arc::ptr_eq(&cluster, &place.destination));
            if !is_same {
                // Whatever is wrong is found, and told, where the plan is made.
                self.prepared = None;
                return Held::Anew;
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

    /// Tells what keeps the operation from going on, and how long to wait. `None`: it is over.
    pub(super) async fn wait_for(&mut self, problem: &Problem, pause: SignedDuration) -> Option<Pause> {
        tracing::warn!(%problem, "an operation waits");
        let mut progress = self.progress.clone();
        let before = match said_before(&progress.state.message) {
            "" => "waiting to begin",
            before => before,
        };
        progress.state.message = format!("{before}{WAITS}{problem})");
        let until = self.now().checked_add(pause).ok();
        (self.write(progress).await == Go::On).then_some(Pause { until })
    }

    /// Ends the attempt: it cannot begin, or cannot go on. Hooks that run are ended first: nobody would look after them.
    pub(super) async fn fail(&mut self, problem: &Problem) -> Option<()> {
        let mut progress = self.progress.clone();
        if self.has_running_hooks() {
            progress.state.phase = Some(OperationPhase::Terminating);
            progress.state.message = format!("{ENDED_BY}{problem}");
            self.ended_by = Some(problem.to_string());
        } else if problem.kind == ProblemKind::SharedResource {
            end_in_failure(&mut progress.state, self.now(), &problem.message);
        } else {
            end_in_error(&mut progress.state, self.now(), &problem.to_string());
        }
        (self.write(progress).await == Go::On).then_some(())
    }

    /// The Application is gone, or its operation was replaced by another one: nobody will judge the hooks that run, and
    /// nobody may find that they cannot be deleted.
    pub(super) async fn let_hooks_go(&self) {
        let Some((place, prepared)) = &self.prepared else { return };
        let performer = self.performer(&place.destination, &prepared.known.kinds);
        let mark = Mark::of(&self.progress.state);
        for task in prepared.plan.tasks.iter().filter(|task| task.is_hook()) {
            // What was created a moment ago no watch has seen yet.
            let is_own = |live: &Object| mark.is_on(live, task.phase()) && task.other_application(live).is_none();
            performer.let_go_if(&task.object, is_own).await;
        }
    }

    pub(super) fn has_running_hooks(&self) -> bool {
        let results = self.progress.state.sync_result.iter().flat_map(|result| &result.resources);
        results.into_iter().any(|result| result.hook_type.is_some() && result.hook_phase == Some(HookPhase::Running))
    }

    /// Finds the reason again of a termination of our own, that of an engine before this one.
    pub(super) fn find_what_ended_it(&mut self) {
        let message = said_before(&self.progress.state.message);
        self.ended_by = message.strip_prefix(ENDED_BY).filter(|_| self.is_terminating()).map(str::to_owned);
    }

    /// A termination of our own ends with its reason.
    pub(super) fn say_what_ended_it(&self, state: &mut OperationState) {
        if let Some(reason) = &self.ended_by
            && state.phase.is_some_and(OperationPhase::is_completed)
        {
            state.phase = Some(OperationPhase::Error);
            state.message.clone_from(reason);
        }
    }
}
