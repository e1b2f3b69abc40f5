//! Accepting an operation: from a request to a state.

use jiff::Timestamp;

use crate::domain::application::Application;
use crate::domain::operation::{Operation, OperationPhase, OperationState};
use crate::domain::step::resumed_operation;

/// What a request asks for.
pub(super) enum Accepted {
    /// A new operation; the state to write. It may be over at once.
    New(Box<OperationState>),
    /// To go on with a failed one. Whether that can be done is known when its manifests are.
    Resume,
}

/// How a request begins.
pub(super) fn accept(
    application: &Application,
    request: &Operation,
    last_start: Option<Timestamp>,
    now: Timestamp,
) -> Accepted {
    if request.sync.is_none() && resumed_operation(request).is_some() {
        return Accepted::Resume;
    }
    Accepted::New(Box::new(OperationState {
        operation: request.clone(),
        phase: Some(OperationPhase::Running),
        started_at: Some(start(application, last_start, now)),
        ..OperationState::default()
    }))
}

/// Now, but later than every operation before: hooks are told apart by the second in which their operation began.
pub(super) fn start(application: &Application, last_start: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let status = &application.status;
    let state = status.operation_state.as_ref().and_then(|state| state.started_at);
    let deployed = status.history.iter().filter_map(|entry| entry.deploy_started_at);
    let before = deployed.chain(state).chain(last_start).map(Timestamp::as_second).max();
    let second = before.map_or(now.as_second(), |before| now.as_second().max(before.saturating_add(1)));
    Timestamp::from_second(second).unwrap_or(now)
}
