//! A pod as a state machine: pure, told the time.

use std::time::Duration;

use serde_json::{Value, json};

use super::container::{Container, Defaults, State, Then};
use crate::domain::scenario::LogLines;
use crate::sim::controllers::ContainerScript;
use crate::sim::controllers::json::{list, set, text};
use crate::sim::logs::RunKey;

/// When a pod's containers are started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RestartPolicy {
    /// Whatever their exit code.
    Always,
    /// After a failure.
    OnFailure,
    /// Not at all.
    Never,
}

/// What a machine asks to be done.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Effect {
    /// The pod's status is another one: read it with `Machine::status` now.
    Status,
    /// A container's log begins.
    LogStart(RunKey),
    /// A line.
    Log(RunKey, Vec<u8>),
    /// A container's log ends.
    LogEnd(RunKey),
    /// Something to tell people, about a container.
    Tell {
        /// `Warning` or `Normal`.
        warning: bool,
        /// One word.
        reason: &'static str,
        /// A sentence.
        message: String,
        /// The container.
        container: String,
        /// It is an init container.
        init: bool,
    },
    /// Every container has ended and the pod was told to: it may go.
    Gone,
}

/// One pod on a node.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    pub(super) uid: String,
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) policy: RestartPolicy,
    pub(super) containers: Vec<Container>,
    /// When the kubelet saw it first.
    pub(super) since: Duration,
    /// Told to end.
    pub(super) stopping: bool,
    gone: bool,
    speed: f64,
    /// When each condition changed last: type, status, time.
    pub(super) conditions: Vec<(&'static str, bool, Duration)>,
    /// Last part of the pod's address.
    pub(super) address: u64,
}

impl Machine {
    /// A pod that was bound at `now`.
    pub(super) fn new(
        pod: &Value,
        scripts: &[ContainerScript],
        defaults: impl Fn() -> Defaults,
        now: Duration,
        speed: f64,
        address: u64,
    ) -> Self {
        let policy = match text(pod, "/spec/restartPolicy") {
            "Never" => RestartPolicy::Never,
            "OnFailure" => RestartPolicy::OnFailure,
            _ => RestartPolicy::Always,
        };
        let always = policy == RestartPolicy::Always;
        // Containers without a start of their own start together.
        let defaults = defaults();
        let container = |spec: &Value, init: bool| {
            let part = scripts.iter().find(|part| part.container == text(spec, "/name"));
            Container::new(spec, init, always, part, defaults)
        };
        let init = list(pod, "/spec/initContainers").iter().map(|spec| container(spec, true));
        let main = list(pod, "/spec/containers").iter().map(|spec| container(spec, false));
        let mut machine = Self {
            uid: text(pod, "/metadata/uid").to_owned(),
            name: text(pod, "/metadata/name").to_owned(),
            namespace: text(pod, "/metadata/namespace").to_owned(),
            policy,
            containers: init.chain(main).collect(),
            since: now,
            stopping: false,
            gone: false,
            speed,
            conditions: Vec::new(),
            address,
        };
        machine.unblock(now);
        machine.note_conditions(now);
        machine
    }

    /// When something happens next.
    pub(super) fn next(&self) -> Option<Duration> {
        self.containers.iter().filter_map(Container::next).min()
    }

    /// Everything that happens up to `now`, each with its time. Changes of the status at one moment are one.
    pub(super) fn advance(&mut self, now: Duration) -> Option<(Duration, Vec<Effect>)> {
        let at = self.next().filter(|at| *at <= now)?;
        let mut effects = Vec::new();
        let mut changed = false;
        while self.next() == Some(at) {
            let before = effects.len();
            let Some(index) = self.containers.iter().position(|container| container.next() == Some(at)) else { break };
            changed |= self.happen(index, at, &mut effects);
            // Nothing may happen twice at one time without a change: a script of no length ends on its own.
            if effects.len() == before && !changed {
                break;
            }
        }
        if changed {
            self.unblock(at);
            self.note_conditions(at);
            effects.push(Effect::Status);
        }
        self.check_gone(&mut effects);
        Some((at, effects))
    }

    /// The pod is to end within `grace`, which is not shortened any more.
    pub(super) fn stop(&mut self, now: Duration, grace: Duration) -> Vec<Effect> {
        let deadline = now.saturating_add(grace);
        let speed = self.speed;
        let mut effects = Vec::new();
        let mut changed = false;
        let first = !self.stopping;
        self.stopping = true;
        for container in &mut self.containers {
            let stop = container.stop().clone();
            let key = RunKey { pod: self.uid.clone(), container: container.name.clone(), restart: container.restart };
            match &mut container.state {
                State::Running(running) => {
                    let asked = stop.after.map(|after| now.saturating_add(scale(after.unsigned_abs(), speed)));
                    let ends = match asked {
                        Some(asked) if asked < deadline => (asked, stop.exit_code),
                        _ => (deadline, 137),
                    };
                    let sooner = running.stops.is_none_or(|(at, _)| ends.0 < at);
                    if sooner {
                        running.stops = Some(ends);
                    }
                    if first {
                        for (_, line) in LogLines::new(stop.log, 1) {
                            effects.push(Effect::Log(key.clone(), line));
                        }
                        effects.push(Effect::Tell {
                            warning: false,
                            reason: "Killing",
                            message: format!("Stopping container {}", container.name),
                            container: container.name.clone(),
                            init: container.is_init(),
                        });
                    }
                }
                State::Waiting { until, .. } => *until = None,
                State::Ended { again, .. } => {
                    changed |= again.take().is_some();
                }
                State::Blocked => {}
            }
        }
        if changed {
            self.note_conditions(now);
            effects.push(Effect::Status);
        }
        self.check_gone(&mut effects);
        effects
    }

    fn check_gone(&mut self, effects: &mut Vec<Effect>) {
        let running = self.containers.iter().any(|container| matches!(container.state, State::Running(_)));
        if self.stopping && !running && !self.gone {
            self.gone = true;
            effects.push(Effect::Gone);
        }
    }

    /// What is due for one container at `at`; whether the status changes.
    fn happen(&mut self, index: usize, at: Duration, effects: &mut Vec<Effect>) -> bool {
        let speed = self.speed;
        let scaled = move |duration| scale(duration, speed);
        let pod = format!("{}_{}({})", self.name, self.namespace, self.uid);
        let started = self.containers.get(index).is_some_and(|container| container.last.is_some());
        let Some(container) = self.containers.get_mut(index) else { return false };
        match container.state.clone() {
            State::Blocked => false,
            State::Waiting { then: Then::Start, reason, .. } => {
                if reason == "CrashLoopBackOff" {
                    container.run_again(at, &scaled);
                    if container.next() != Some(at) {
                        return true;
                    }
                }
                self.start(index, at, started, effects);
                true
            }
            State::Waiting { then, .. } => {
                container.wait_on(&then, at, &scaled);
                tell_wait(container, effects);
                true
            }
            State::Ended { .. } => {
                if container.restart(at, &pod, &scaled) {
                    effects.push(Effect::Tell {
                        warning: true,
                        reason: "BackOff",
                        message: format!("Back-off restarting failed container {} in pod {pod}", container.name),
                        container: container.name.clone(),
                        init: container.is_init(),
                    });
                    return true;
                }
                // Starts at this very moment, and is seen running next.
                false
            }
            State::Running(_) => self.run(index, at, effects),
        }
    }

    fn start(&mut self, index: usize, at: Duration, again: bool, effects: &mut Vec<Effect>) {
        let speed = self.speed;
        let scaled = move |duration| scale(duration, speed);
        let since = self.since;
        let Some(container) = self.containers.get_mut(index) else { return };
        container.start(at, &scaled);
        effects.push(Effect::LogStart(RunKey {
            pod: self.uid.clone(),
            container: container.name.clone(),
            restart: container.restart,
        }));
        let image = &container.image;
        let pulled = if again {
            format!("Container image {image:?} already present on machine and can be accessed by the pod")
        } else {
            let took = at.saturating_sub(since).as_millis();
            format!(
                "Successfully pulled image {image:?} in {took}ms ({took}ms including waiting). Image size: 2146485 bytes."
            )
        };
        for (reason, message) in [
            ("Pulled", pulled),
            ("Created", "Container created".to_owned()),
            ("Started", "Container started".to_owned()),
        ] {
            effects.push(Effect::Tell {
                warning: false,
                reason,
                message,
                container: container.name.clone(),
                init: container.is_init(),
            });
        }
    }

    /// Something happens to a running container: a line, its readiness, its end.
    fn run(&mut self, index: usize, at: Duration, effects: &mut Vec<Effect>) -> bool {
        let (policy, stopping, speed) = (self.policy, self.stopping, self.speed);
        let scaled = move |duration| scale(duration, speed);
        let uid = self.uid.clone();
        let Some(container) = self.containers.get_mut(index) else { return false };
        let key = RunKey { pod: uid.clone(), container: container.name.clone(), restart: container.restart };
        let (exit_code, exit_reason) = container.exit();
        let State::Running(running) = &mut container.state else { return false };
        let line_at = running.lines.peek().map(|(after, _)| running.since.saturating_add(scaled(after.unsigned_abs())));
        let stopped = running.stops.filter(|(stops, _)| *stops <= at);
        let ended = running.ends.is_some_and(|ends| ends <= at);
        // Its last line belongs to it, but nothing after a signal does.
        if stopped.is_none()
            && line_at.is_some_and(|line| line <= at)
            && let Some((_, line)) = running.lines.next()
        {
            effects.push(Effect::Log(key, line));
            return false;
        }
        if let Some((code, reason)) = stopped
            .map(|(_, code)| (code, if code == 0 { "Completed" } else { "Error" }))
            .or(ended.then_some((exit_code, exit_reason)))
        {
            let mut terminated = json!({
                "exitCode": code,
                "reason": reason,
                "startedAt": running.since.as_nanos().to_string(),
                "finishedAt": at.as_nanos().to_string(),
                "containerID": format!("containerd://{}", super::status::container_id(&uid, &key.container, key.restart)),
            });
            if let Some(message) = container.message().filter(|_| stopped.is_none()) {
                set(&mut terminated, "/message", message.into());
            }
            let restarts = !stopping
                && match policy {
                    RestartPolicy::Always => !container.is_init() || container.is_sidecar() || code != 0,
                    RestartPolicy::OnFailure => code != 0 || container.is_sidecar(),
                    RestartPolicy::Never => container.is_sidecar(),
                };
            container.end(at, code, terminated, restarts, &scaled);
            effects.push(Effect::LogEnd(key));
            return true;
        }
        if running.ready_at.is_some_and(|ready| ready <= at) {
            running.ready_at = None;
            container.ready = true;
            return true;
        }
        false
    }

    /// Lets the next init container begin, or all others when they have ended.
    fn unblock(&mut self, at: Duration) {
        if self.stopping {
            return;
        }
        let speed = self.speed;
        let scaled = move |duration| scale(duration, speed);
        for container in &mut self.containers {
            if container.is_init() {
                match &container.state {
                    State::Blocked => return container.begin(at, &scaled),
                    State::Ended { code: 0, .. } => {}
                    State::Running(_) if container.is_sidecar() => {}
                    _ => return,
                }
            } else if matches!(container.state, State::Blocked) {
                container.begin(at, &scaled);
            }
        }
        self.stop_sidecars(at);
    }

    /// Sidecars end with the last of the others.
    fn stop_sidecars(&mut self, at: Duration) {
        let over = self
            .containers
            .iter()
            .filter(|container| !container.is_init())
            .all(|container| matches!(container.state, State::Ended { again: None, .. }));
        if over {
            for container in self.containers.iter_mut().filter(|container| container.is_sidecar()) {
                if let State::Running(running) = &mut container.state
                    && running.stops.is_none()
                {
                    running.stops = Some((at.saturating_add(scale(Duration::from_millis(50), self.speed)), 0));
                }
            }
        }
    }
}

fn tell_wait(container: &Container, effects: &mut Vec<Effect>) {
    let State::Waiting { reason, message, .. } = &container.state else { return };
    let mut tell = |warning, reason, message| {
        effects.push(Effect::Tell {
            warning,
            reason,
            message,
            container: container.name.clone(),
            init: container.is_init(),
        });
    };
    match reason.as_str() {
        "ImagePullBackOff" => {
            tell(false, "BackOff", format!("Back-off pulling image {:?}", container.image));
            tell(true, "Failed", "Error: ImagePullBackOff".to_owned());
        }
        "ContainerCreating" => {}
        "ErrImagePull" => {
            tell(true, "Failed", format!("Failed to pull image {:?}: {message}", container.image));
            tell(true, "Failed", "Error: ErrImagePull".to_owned());
        }
        _ => tell(true, "Failed", format!("Error: {message}")),
    }
}

fn scale(duration: Duration, speed: f64) -> Duration {
    crate::sim::controllers::scale(duration, speed)
}
