//! The end of an operation, or of an attempt that will be repeated.

use jiff::Timestamp;

use super::board::{Board, Next};
use super::message::{BY_TIMEOUT, TERMINATING_TIMEOUT};
use crate::domain::operation::OperationPhase;

impl Board<'_> {
    /// Ends the attempt. If it failed and may be repeated, the operation stays `Running` with an end: that is how Argo CD
    /// writes down that it waits for the next attempt.
    pub(super) fn finish(&mut self, phase: OperationPhase, message: &str) -> Next {
        let by_timeout =
            self.state.phase == Some(OperationPhase::Terminating) && self.state.message == TERMINATING_TIMEOUT;
        let terminated = self.state.phase == Some(OperationPhase::Terminating);
        let count = self.state.retry_count;
        // Whole seconds, as they are written.
        self.state.finished_at = Some(Timestamp::from_second(self.input.now.as_second()).unwrap_or(self.input.now));
        self.state.phase = Some(phase);
        message.clone_into(&mut self.state.message);
        if phase == OperationPhase::Succeeded {
            return Next::default();
        }
        if !terminated && self.state.operation.retry.allows_another(count) {
            match self.retry_time(count) {
                Ok(at) => {
                    self.state.phase = Some(OperationPhase::Running);
                    self.state.retry_count = count + 1;
                    self.state.message = format!("{message}. Retrying attempt #{} at {at}.", count + 1);
                    let until = self.state.next_attempt().and_then(Result::ok);
                    return Next::wait(super::WaitFor::Retry, until);
                }
                Err(error) => self.state.message = format!("{message} (failed to retry: {error})"),
            }
            return Next::default();
        }
        if by_timeout {
            self.state.message.push_str(BY_TIMEOUT);
        }
        if count > 0 {
            self.state.message = format!("{} (retried {count} times).", self.state.message);
        }
        Next::default()
    }

    /// The time that Argo CD announces, in UTC: one step of the backoff before the time at which it really tries again.
    fn retry_time(&self, count: i64) -> Result<String, crate::domain::operation::BadDuration> {
        let retry = &self.state.operation.retry;
        retry.wait(count + 1)?;
        let at = self.input.now.saturating_add(retry.wait(count)?).unwrap_or(Timestamp::MAX);
        Ok(at.strftime("%-I:%M%p").to_string())
    }
}
