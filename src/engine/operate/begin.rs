//! The begin of an operation: a new one is accepted, one that runs is taken over, a failed one is resumed.

use jiff::Timestamp;

use super::accept::{Accepted, accept, start};
use super::prepare::{manifests, place};
use super::run::{AGAIN, Go, Pause, Run};
use crate::domain::manifest::Object;
use crate::domain::operation::{Operation, OperationPhase, OperationState};
use crate::domain::step::{NOT_RESUMED, Progress, ResumeRefused, end_in_error, resume};
use crate::engine::controller::left_to;
use crate::engine::problem::Problem;
use crate::engine::project::Reading;
use crate::engine::targets::{Fetch, check_operation, check_recorded};

/// Of a request without anything to do.
const NOTHING: &str = "Invalid operation request: no operation specified";

impl Run<'_> {
    /// Takes over an operation that runs, or accepts a new one.
    pub(super) async fn begin(&mut self) -> Go {
        loop {
            // Another engine may have been faster with a new Application.
            let control_plane = &self.shared.options.control_plane;
            if !matches!(left_to(&self.shared.cluster, &self.object, control_plane).await, Ok(None)) {
                return Go::Over;
            }
            let state = self.application.status.operation_state.clone();
            if let Some(state) = state.filter(|state| !state.phase.is_some_and(OperationPhase::is_completed)) {
                self.set_clock(state.started_at);
                self.progress.state = state;
                self.check_recorded();
                if self.application.operation.is_none() {
                    // Its request was taken away while no engine was there.
                    self.progress.state.phase = Some(OperationPhase::Terminating);
                }
                self.find_what_ended_it();
                return Go::On;
            }
            if !is_asked(&self.object) {
                return Go::Over;
            }
            let request = self.application.operation.clone().unwrap_or_default();
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
        if let Err(problem) = check_operation(&self.object) {
            let start = start(&self.application, self.last_start, now);
            // What could be read of it is not recorded: whoever repeats that would do what nobody asked for.
            let operation = Operation { initiated_by: request.initiated_by.clone(), ..Operation::default() };
            let mut state = OperationState { operation, started_at: Some(start), ..OperationState::default() };
            end_in_error(&mut state, start, &format!("Invalid operation request: {}", problem.message));
            return Ok(Progress { state, ..Progress::default() });
        }
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
        end_in_error(&mut state, start, &format!("{NOT_RESUMED}{reason}"));
        state
    }

    /// The state with which the failed operation goes on.
    async fn resume(&self, now: Timestamp) -> Result<Result<OperationState, ResumeRefused>, Problem> {
        check_recorded(&self.object)?;
        let failed = self.application.status.operation_state.clone().unwrap_or_default();
        let request = self.application.operation.clone().unwrap_or_default();
        let place = place(self.shared, &self.object, &self.application, Reading::Fresh).await?;
        let targets = manifests(self.shared, &self.application, &place, &failed, Fetch::IfOld).await?;
        Ok(resume(&failed, &request, &targets.revisions, &targets.digest, now))
    }
}

/// Whether an Application has a request, whatever it is.
pub(crate) fn is_asked(application: &Object) -> bool {
    application.at(&["operation"]).is_some_and(|operation| !operation.is_null())
}
