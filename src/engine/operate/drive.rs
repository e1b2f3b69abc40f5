//! Driving the state machine: write, act, call again.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::SignedDuration;

use super::hold::{Held, said_before};
use super::prepare::{manifests, pin, place, prepare};
use super::run::{AGAIN, Go, Pause, Run};
use crate::domain::names;
use crate::domain::operation::OperationPhase;
use crate::domain::plan::Plan;
use crate::domain::step::{Action, Observation, Settings, Step, StepInput, end_in_error, recorded_manifests, step};
use crate::engine::problem::{Problem, ProblemKind};
use crate::engine::project::Reading;
use crate::engine::targets::Fetch;

/// Pause before Git is asked again while hooks run.
const LATER: SignedDuration = SignedDuration::from_secs(10);

impl Run<'_> {
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

    /// Makes the plan.
    async fn prepare(&mut self) -> Result<(), Problem> {
        if let Some(problem) = &self.unreadable {
            return Err(problem.clone());
        }
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
        let prepared = prepare(self.shared, &self.application, &place, &pinned, &targets, bell);
        let prepared = self.shared.at(&place.destination, prepared).await?;
        if !place.destination.is_own() && self.clusters.is_none() {
            self.clusters = Some(self.subscribe_to_clusters());
        }
        // Written with the first step's state, before anything is done.
        self.progress.state = pinned;
        self.prepared = Some((place, prepared));
        self.is_project_fresh = true;
        Ok(())
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
        progress.state.message = said_before(&progress.state.message).to_owned();
        step(&input, &progress)
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
        let (outcomes, unanswered) =
            self.shared.at(&destination, self.performer(&destination, &kinds).perform(next)).await;
        self.outcomes = outcomes;
        let defines = |action: &Action| matches!(action, Action::Apply(apply) if !apply.dry_run && apply.object.kind == "CustomResourceDefinition");
        if next.actions.iter().any(defines) {
            // New kinds: the plan knows them, and they can be watched.
            self.prepared = None;
        }
        unanswered.map(|error| Problem::cluster(&error))
    }
}

/// What is missing may be there again in a moment.
fn may_come_back(problem: &Problem) -> bool {
    problem.transient || matches!(problem.kind, ProblemKind::UnusableProject | ProblemKind::UnknownCluster)
}

/// A cluster does not answer right now.
fn is_of_cluster(problem: &Problem) -> bool {
    problem.kind == ProblemKind::UnknownError && problem.transient
}
