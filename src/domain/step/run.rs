//! One step, from its beginning: what kind of moment of an operation it is.

use super::board::{Board, Next};
use super::message::TERMINATING_TIMEOUT;
use super::types::{Progress, Render, Step, StepInput, WaitFor};
use crate::domain::operation::OperationPhase;
use crate::domain::plan::record_prune_waves;

/// What to do next.
///
/// Asked again about the same world it gives the same answer, and asked after a restart, without memory, it comes to the
/// same end. An operation without a phase begins; one that is over needs nothing.
pub fn step(input: &StepInput<'_>, progress: &Progress) -> Step {
    let mut board = Board::new(input, progress);
    let next = board.next();
    let mut step = Step {
        progress: Progress { state: board.state, memory: board.memory },
        actions: next.actions,
        wait: next.wait,
        render: next.render,
    };
    wake_for_timeout(input, &mut step);
    step
}

impl Board<'_> {
    /// An attempt, in the order in which its parts have a say: each decides what is to be done, or leaves it to the next.
    const ATTEMPT: [fn(&mut Self) -> Option<Next>; 11] = [
        Self::complete_wave,
        Self::wait_for_running,
        Self::wait_for_pruned,
        Self::release_finished_hooks,
        Self::refuse_invalid_plan,
        Self::try_everything_in_a_dry_run,
        Self::create_namespace,
        Self::try_before_applying,
        Self::fail,
        Self::succeed,
        Self::run_next_wave,
    ];

    fn next(&mut self) -> Next {
        if self.state.phase.is_some_and(OperationPhase::is_completed) {
            return Next::default();
        }
        self.state.phase.get_or_insert(OperationPhase::Running);
        self.state.started_at.get_or_insert(self.input.now);
        self.absorb();
        self.settle_lost_prunes();
        if self.is_out_of_time() && self.state.phase == Some(OperationPhase::Running) {
            self.state.phase = Some(OperationPhase::Terminating);
            TERMINATING_TIMEOUT.clone_into(&mut self.state.message);
        }
        if self.state.phase == Some(OperationPhase::Terminating) {
            return self.terminate();
        }
        if self.state.is_waiting_for_retry() {
            return self.wait_for_retry();
        }
        if self.results().is_empty() {
            record_prune_waves(&mut self.state, &self.plan.prune_waves);
        }
        self.adopt();
        if let Some(next) = self.show_what_was_applied() {
            return next;
        }
        self.judge();
        self.attempt()
    }

    fn attempt(&mut self) -> Next {
        // A wave of nothing but skipped prunes is over without a request; the next one follows at once.
        for _ in 0..=self.plan.tasks.len() {
            if let Some(next) = Self::ATTEMPT.into_iter().find_map(|stage| stage(self)) {
                return next;
            }
        }
        Next::default()
    }

    fn is_out_of_time(&self) -> bool {
        timeout_at(self.input, &self.state).is_some_and(|at| at <= self.input.now)
    }

    fn wait_for_retry(&mut self) -> Next {
        match self.state.next_attempt() {
            Some(Ok(at)) if at > self.input.now => Next::wait(WaitFor::Retry, Some(at)),
            _ => Next { render: Some(self.begin_retry()), ..Next::default() },
        }
    }

    fn begin_retry(&mut self) -> Render {
        let refresh = self.state.operation.retry.refresh;
        let number = self.state.retry_count;
        let done = self.state.sync_result.take().unwrap_or_default();
        if let Some(request) = &mut self.state.operation.sync {
            // The revision that was resolved for the first attempt holds for all, unless each is to have its own.
            if refresh || !done.revision.is_empty() {
                request.revision = if refresh { String::new() } else { done.revision };
            }
            if refresh || !done.revisions.is_empty() {
                request.revisions = if refresh { Vec::new() } else { done.revisions };
            }
        }
        self.state.finished_at = None;
        record_prune_waves(&mut self.state, &[]);
        self.memory = super::Memory::default();
        if refresh {
            self.state.message = format!("Retrying operation with latest revisions. Attempt #{number}");
            Render::LatestRevision
        } else {
            self.state.message = format!("Retrying operation. Attempt #{number}");
            Render::SameRevision
        }
    }
}

fn timeout_at(input: &StepInput<'_>, state: &crate::domain::operation::OperationState) -> Option<jiff::Timestamp> {
    let started = state.started_at?;
    Some(started.saturating_add(input.settings.timeout?).unwrap_or(jiff::Timestamp::MAX))
}

/// Whatever is waited for, the timeout comes.
fn wake_for_timeout(input: &StepInput<'_>, step: &mut Step) {
    if let (Some(wait), Some(at)) = (&mut step.wait, timeout_at(input, &step.progress.state)) {
        wait.until = Some(wait.until.map_or(at, |until| until.min(at)));
    }
}
