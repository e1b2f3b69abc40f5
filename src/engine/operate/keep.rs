//! The Application as the operation's record: what others wrote there is taken in, and each state is written down.

use std::sync::Arc;
use std::time::Duration;

use super::finish::{history, tell_end};
use super::run::{Go, Run};
use crate::domain::manifest::Object;
use crate::domain::operation::OperationPhase;
use crate::domain::step::Progress;
use crate::engine::actor::read;
use crate::engine::record::{Edit, Written, version, write};

impl Run<'_> {
    /// Takes in the latest version of the Application.
    pub(super) fn look(&mut self) -> Go {
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
            self.check_recorded();
        }
        let is_completed = self.progress.state.phase.is_some_and(OperationPhase::is_completed);
        if self.application.operation.is_none() && !is_completed {
            // Somebody took the request away: nobody else would end its hooks.
            self.progress.state.phase = Some(OperationPhase::Terminating);
        }
        Go::On
    }

    /// Writes a state, if it is not what is there. When it is over afterwards, the request is removed in the same write.
    pub(super) async fn write(&mut self, progress: Progress) -> Go {
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
}
