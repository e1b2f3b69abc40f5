//! The end of an operation, or of an attempt that will be repeated.

use jiff::Timestamp;

use super::board::{Board, Next};
use super::message::{BY_TIMEOUT, TERMINATING_TIMEOUT};
use crate::domain::operation::{BadDuration, OperationPhase, OperationState};

/// Ends an attempt before there is a plan: the sources, the project or the cluster do not let it begin. It may be
/// repeated like any other that failed.
pub fn end_in_error(state: &mut OperationState, now: Timestamp, message: &str) {
    end(state, now, OperationPhase::Error, message);
}

/// As [`end_in_error`], where Argo CD calls it `Failed`: an object belongs to another application too.
pub fn end_in_failure(state: &mut OperationState, now: Timestamp, message: &str) {
    end(state, now, OperationPhase::Failed, message);
}

impl Board<'_> {
    /// Ends the attempt.
    pub(super) fn finish(&mut self, phase: OperationPhase, message: &str) -> Next {
        if end(&mut self.state, self.input.now, phase, message) {
            let until = self.state.next_attempt().and_then(Result::ok);
            return Next::wait(super::WaitFor::Retry, until);
        }
        Next::default()
    }
}

/// Ends an attempt; whether another follows. If it failed and may be repeated, the operation stays `Running` with an end:
/// that is how Argo CD writes down that it waits for the next attempt.
fn end(state: &mut OperationState, now: Timestamp, phase: OperationPhase, message: &str) -> bool {
    let terminated = state.phase == Some(OperationPhase::Terminating);
    let by_timeout = terminated && state.message == TERMINATING_TIMEOUT;
    let count = state.retry_count;
    // Whole seconds, as they are written.
    state.finished_at = Some(Timestamp::from_second(now.as_second()).unwrap_or(now));
    state.phase = Some(phase);
    message.clone_into(&mut state.message);
    if phase == OperationPhase::Succeeded {
        return false;
    }
    if !terminated && state.operation.retry.allows_another(count) {
        match retry_time(state, now) {
            Ok(at) => {
                state.phase = Some(OperationPhase::Running);
                state.retry_count = count + 1;
                state.message = format!("{message}. Retrying attempt #{} at {at}.", count + 1);
                return true;
            }
            Err(error) => state.message = format!("{message} (failed to retry: {error})"),
        }
        return false;
    }
    if by_timeout {
        state.message.push_str(BY_TIMEOUT);
    }
    if count > 0 {
        state.message = format!("{} (retried {count} times).", state.message);
    }
    false
}

/// The time that Argo CD announces, in UTC: one step of the backoff before the time at which it really tries again.
fn retry_time(state: &OperationState, now: Timestamp) -> Result<String, BadDuration> {
    let retry = &state.operation.retry;
    retry.wait(state.retry_count + 1)?;
    let at = now.saturating_add(retry.wait(state.retry_count)?).unwrap_or(Timestamp::MAX);
    Ok(at.strftime("%-I:%M%p").to_string())
}
