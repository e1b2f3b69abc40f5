//! Pods as they are read: what is gone without an end was stopped.

use jiff::Timestamp;

use super::elapsed::Moment;
use super::facts::{ObjectFacts, PodFacts};
use super::view::{ContainerKind, ContainerState, ContainerView, Exit, PodState, PodView};

/// How far a pod is, and since when if that is an end.
pub(super) fn state(object: &ObjectFacts, pod: &PodFacts) -> (PodState, Moment) {
    if pod.state.is_end() {
        (pod.state, pod.ended)
    } else if object.is_gone() {
        (PodState::Stopped, object.gone)
    } else {
        (pod.state, Moment::default())
    }
}

/// A pod to look at.
pub(super) fn view(object: &ObjectFacts, pod: &PodFacts, now: Timestamp) -> PodView {
    let (state, ended) = state(object, pod);
    let end = if state.is_end() { ended } else { Moment::observed(now) };
    let mut containers = pod.containers.clone();
    if state == PodState::Stopped {
        // Whatever they were last seen to do, they do it no more.
        for container in containers.iter_mut().filter(|container| container.state.finished().is_none()) {
            container.state = ContainerState::Unknown;
        }
    }
    PodView {
        uid: object.uid.clone(),
        namespace: object.key.namespace.clone(),
        name: object.key.name.clone(),
        index: pod.index,
        state,
        is_gone: object.is_gone(),
        deleting: object.deleting && !object.is_gone(),
        started: pod.started,
        ended,
        elapsed: pod.started.until(end),
        message: pod.message.clone(),
        containers,
    }
}

/// The container that decided how an ended pod ended: the first that failed, or the last that succeeded.
pub(super) fn exit(object: &ObjectFacts, pod: &PodFacts) -> Option<Exit> {
    let counts = |container: &&ContainerView| container.kind != ContainerKind::Sidecar;
    let deciding = match state(object, pod).0 {
        PodState::Failed => {
            let failed = || pod.containers.iter().filter(|container| container.state.is_failure());
            failed().filter(counts).min_by_key(|container| container.state.finished()).or_else(|| failed().next())
        }
        PodState::Succeeded => {
            let main = pod.containers.iter().filter(|container| container.kind == ContainerKind::Main);
            main.max_by_key(|container| container.state.finished())
        }
        PodState::Pending | PodState::Running | PodState::Stopped | PodState::Unknown => return None,
    };
    let mut exit = Exit {
        pod: object.key.name.clone(),
        container: String::new(),
        code: None,
        signal: None,
        reason: pod.message.clone(),
    };
    if let Some(container) = deciding
        && let ContainerState::Terminated { exit_code, signal, reason, .. } = &container.state
    {
        exit.container.clone_from(&container.name);
        exit.code = *exit_code;
        exit.signal = *signal;
        exit.reason.clone_from(reason);
    }
    Some(exit)
}
