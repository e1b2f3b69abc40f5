//! One container of a pod: waiting, running, ended, and running again.

use std::iter::Peekable;
use std::time::Duration;

use serde_json::{Value, json};

use crate::domain::scenario::{LogLines, LogStep, Ready, Run, Script, Stop, Wait};
use crate::sim::controllers::ContainerScript;
use crate::sim::controllers::json::{command_line, int, text};

/// First delay before a container that ends again and again is started once more; it doubles.
const BACKOFF: Duration = Duration::from_secs(10);

/// The delay grows up to this.
const BACKOFF_MOST: Duration = Duration::from_secs(300);

/// A container that ran so long is no longer one that ends again and again.
const BACKOFF_FORGOTTEN: Duration = Duration::from_secs(600);

/// Between the end of a container and its first restart.
const RESTART: Duration = Duration::from_secs(1);

/// An image that cannot be pulled shows as an error for so long, then as waiting for the next try.
const PULL_ERROR: Duration = Duration::from_secs(2);

/// No program ends in no time: whoever watches sees it running first.
const LEAST: Duration = Duration::from_millis(10);

/// What a container is doing.
#[derive(Debug, Clone)]
pub(super) enum State {
    /// It has not begun, for a reason that will not pass by itself: containers before it have to end.
    Blocked,
    /// It waits.
    Waiting {
        /// Reason in its status.
        reason: String,
        /// Message in its status, possibly empty.
        message: String,
        /// Until when; `None` for ever.
        until: Option<Duration>,
        /// What comes then.
        then: Then,
    },
    /// It runs.
    Running(Running),
    /// It has ended, for now or for good.
    Ended {
        /// Exit code.
        code: i32,
        /// `state.terminated` of its status.
        terminated: Value,
        /// When it is started again.
        again: Option<Duration>,
    },
}

/// What follows a wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Then {
    /// The image is pulled, the container starts.
    Start,
    /// The next reason to wait, if there is one; else the start.
    Next(Stage),
    /// The pull failed; how often so far.
    PullBackOff(u32),
    /// Another try.
    PullAgain(u32),
}

/// What may hold a container up before its start, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The image.
    Pull,
    /// Anything else.
    Hold,
    /// Its creation.
    Create,
}

/// A running container.
#[derive(Debug, Clone)]
pub(super) struct Running {
    /// When it started.
    pub(super) since: Duration,
    /// Lines to come, with their times after `since`.
    pub(super) lines: Peekable<LogLines>,
    /// When it ends by itself.
    pub(super) ends: Option<Duration>,
    /// When it becomes ready.
    pub(super) ready_at: Option<Duration>,
    /// When it ends because it was told to, and its exit code then.
    pub(super) stops: Option<(Duration, i32)>,
}

/// When a container runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Beside the others.
    Main,
    /// Before the others.
    Init,
    /// From before the others until after them: an init container that is always restarted.
    Sidecar,
}

/// One container of a pod.
#[derive(Debug, Clone)]
pub(super) struct Container {
    /// Name.
    pub(super) name: String,
    /// Image.
    pub(super) image: String,
    /// Command and arguments, for the log of one that nobody scripted.
    command: String,
    /// When it runs.
    role: Role,
    /// What it does.
    script: Script,
    /// Number of the pod among those the rule has matched.
    attempt: u32,
    /// `restartCount`.
    pub(super) restart: u32,
    /// Now.
    pub(super) state: State,
    /// `lastState.terminated`.
    pub(super) last: Option<Value>,
    /// Whether it is ready.
    pub(super) ready: bool,
    /// Whether it keeps running with no script to end it.
    forever: bool,
    /// What it does that no script says.
    pub(super) defaults: Defaults,
    /// Doublings of the delay before its next restart.
    backoff: u32,
    /// From its start to its readiness, by its probes.
    probe: Duration,
    /// When it began to wait for what it waits for.
    waits_since: Duration,
}

/// Seeded choices.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Defaults {
    /// From the binding to the start.
    pub(super) start: Duration,
    /// How long it runs.
    pub(super) run: Duration,
}

impl Container {
    /// A container of a pod's spec.
    pub(super) fn new(
        spec: &Value,
        init: bool,
        always: bool,
        part: Option<&ContainerScript>,
        defaults: Defaults,
    ) -> Self {
        let sidecar = init && text(spec, "/restartPolicy") == "Always";
        let probe = ["/startupProbe", "/readinessProbe"]
            .iter()
            .filter_map(|probe| spec.pointer(probe))
            .map(|probe| int(probe, "/initialDelaySeconds").unwrap_or(0))
            .max();
        Self {
            name: text(spec, "/name").to_owned(),
            image: text(spec, "/image").to_owned(),
            command: command_line(spec),
            role: match (init, sidecar) {
                (false, _) => Role::Main,
                (true, false) => Role::Init,
                (true, true) => Role::Sidecar,
            },
            script: part.map(|part| part.script.clone()).unwrap_or_default(),
            attempt: part.map_or(1, |part| part.attempt),
            restart: 0,
            state: State::Blocked,
            last: None,
            ready: false,
            forever: sidecar || (always && !init),
            defaults,
            backoff: 0,
            probe: Duration::from_secs(u64::try_from(probe.unwrap_or(0)).unwrap_or(0)),
            waits_since: Duration::ZERO,
        }
    }

    /// It has its turn before the others, sidecars too.
    pub(super) fn is_init(&self) -> bool {
        self.role != Role::Main
    }

    /// It begins before the others and ends after them.
    pub(super) fn is_sidecar(&self) -> bool {
        self.role == Role::Sidecar
    }

    fn script(&self) -> &Script {
        self.script.for_restart(self.restart)
    }

    /// How it takes SIGTERM.
    pub(super) fn stop(&self) -> &Stop {
        &self.script().stop
    }

    /// When something happens to it next.
    pub(super) fn next(&self) -> Option<Duration> {
        match &self.state {
            State::Blocked => None,
            State::Waiting { until, .. } => *until,
            State::Ended { again, .. } => *again,
            State::Running(running) => {
                let line = running.clone().lines.peek().map(|(at, _)| running.since.saturating_add(at.unsigned_abs()));
                let stops = running.stops.map(|(at, _)| at);
                [line, running.ends, running.ready_at, stops].into_iter().flatten().min()
            }
        }
    }

    /// Begins a run at `at`: waits for its image, for other things, for its creation. `scale` shortens durations.
    pub(super) fn begin(&mut self, at: Duration, scale: &impl Fn(Duration) -> Duration) {
        self.waits_since = at;
        self.enter(Stage::Pull, at, scale);
    }

    /// Enters a stage of waiting, or passes it over.
    pub(super) fn enter(&mut self, stage: Stage, at: Duration, scale: &impl Fn(Duration) -> Duration) {
        let script = self.script().clone();
        match stage {
            Stage::Pull => match script.pull.filter(|_| self.restart == 0) {
                Some(wait) => self.pull_fails(&wait, 0, at, scale),
                None => self.enter(Stage::Hold, at, scale),
            },
            Stage::Hold => match script.waiting {
                Some(wait) => {
                    let until = wait.lasts.map(|lasts| at.saturating_add(scale(lasts.unsigned_abs())));
                    let then = Then::Next(Stage::Create);
                    self.state = State::Waiting { reason: wait.reason, message: wait.message, until, then };
                }
                None => self.enter(Stage::Create, at, scale),
            },
            Stage::Create => {
                let default = if self.restart == 0 { self.defaults.start } else { Duration::ZERO };
                let start = script.start.map_or(default, jiff::SignedDuration::unsigned_abs);
                let until = Some(at.saturating_add(scale(start)));
                let reason = "ContainerCreating".to_owned();
                self.state = State::Waiting { reason, message: String::new(), until, then: Then::Start };
            }
        }
    }

    /// A pull fails; `tries` before it.
    fn pull_fails(&mut self, wait: &Wait, tries: u32, at: Duration, scale: &impl Fn(Duration) -> Duration) {
        let image = &self.image;
        let message = if wait.message.is_empty() {
            format!("failed to pull and unpack image {image:?}: failed to resolve reference {image:?}: not found")
        } else {
            wait.message.clone()
        };
        let until = Some(at.saturating_add(scale(PULL_ERROR)));
        self.state = State::Waiting { reason: wait.reason.clone(), message, until, then: Then::PullBackOff(tries) };
    }

    /// Goes on after a wait that is not the last one before the start.
    pub(super) fn wait_on(&mut self, then: &Then, at: Duration, scale: &impl Fn(Duration) -> Duration) {
        let wait = self.script().pull.clone();
        match then {
            Then::Start => {}
            Then::Next(stage) => self.enter(*stage, at, scale),
            Then::PullBackOff(tries) => {
                let message = match (&self.state, wait.as_ref()) {
                    (State::Waiting { message, reason, .. }, _) => {
                        format!("Back-off pulling image {:?}: {reason}: {message}", self.image)
                    }
                    _ => String::new(),
                };
                let delay = BACKOFF.saturating_mul(1 << (*tries).min(8)).min(BACKOFF_MOST);
                let until = Some(at.saturating_add(scale(delay)));
                let reason = "ImagePullBackOff".to_owned();
                self.state = State::Waiting { reason, message, until, then: Then::PullAgain(tries + 1) };
                self.shorten_pull(scale);
            }
            Then::PullAgain(tries) => match wait {
                Some(wait) if !self.pull_is_over(at, scale) => self.pull_fails(&wait, *tries, at, scale),
                _ => self.enter(Stage::Hold, at, scale),
            },
        }
    }

    /// The moment at which pulls begin to work.
    fn pull_over_at(&self, scale: &impl Fn(Duration) -> Duration) -> Option<Duration> {
        let lasts = self.script().pull.as_ref()?.lasts?;
        Some(self.waits_since.saturating_add(scale(lasts.unsigned_abs())))
    }

    fn pull_is_over(&self, at: Duration, scale: &impl Fn(Duration) -> Duration) -> bool {
        self.pull_over_at(scale).is_some_and(|over| over <= at)
    }

    /// A scenario says when the pull works; the next try is then, not some backoff later.
    fn shorten_pull(&mut self, scale: &impl Fn(Duration) -> Duration) {
        if let Some(over) = self.pull_over_at(scale)
            && let State::Waiting { until: Some(until), .. } = &mut self.state
        {
            *until = (*until).min(over);
        }
    }

    /// Starts.
    pub(super) fn start(&mut self, at: Duration, scale: &impl Fn(Duration) -> Duration) {
        let script = self.script().clone();
        let log = script.log.unwrap_or_else(|| {
            if self.command.is_empty() || script.exit_code.is_some() || script.run.is_some() || script.oom_killed {
                Vec::new()
            } else {
                self.command.lines().filter(|line| !line.trim().is_empty()).map(LogStep::line).collect()
            }
        });
        let scripted = script.exit_code.is_some() || script.oom_killed || self.script().log.is_some();
        let run = match script.run {
            Some(Run::Forever) => None,
            Some(Run::For(duration)) => Some(duration.unsigned_abs()),
            None if self.forever && script.exit_code.is_none() && !script.oom_killed => None,
            None if scripted => Some(LogLines::length(&log).unsigned_abs()),
            None => Some(self.defaults.run),
        };
        let ready_at = match script.ready {
            Some(Ready::Never) => None,
            Some(Ready::After(after)) => Some(at.saturating_add(scale(after.unsigned_abs()))),
            None => Some(at.saturating_add(scale(self.probe))),
        };
        self.state = State::Running(Running {
            since: at,
            lines: LogLines::new(log, self.attempt).peekable(),
            ends: run.map(|run| at.saturating_add(scale(run).max(LEAST))),
            ready_at: ready_at.filter(|ready| *ready > at && (!self.is_init() || self.is_sidecar())),
            stops: None,
        });
        // An init container is ready when it has ended.
        self.ready = (!self.is_init() || self.is_sidecar()) && ready_at == Some(at);
    }

    /// How it ends by itself: exit code and reason.
    pub(super) fn exit(&self) -> (i32, &'static str) {
        let script = self.script();
        match (script.oom_killed, script.exit_code.unwrap_or(0)) {
            (true, _) => (137, "OOMKilled"),
            (false, 0) => (0, "Completed"),
            (false, code) => (code, "Error"),
        }
    }

    /// Ends, with `state.terminated`; `restarts` says whether the pod will start it again, and the answer is when.
    pub(super) fn end(
        &mut self,
        at: Duration,
        code: i32,
        terminated: Value,
        restarts: bool,
        scale: &impl Fn(Duration) -> Duration,
    ) {
        let ran = match &self.state {
            State::Running(running) => at.saturating_sub(running.since),
            _ => Duration::ZERO,
        };
        if ran >= scale(BACKOFF_FORGOTTEN) {
            self.backoff = 0;
        }
        self.ready = self.is_init() && code == 0;
        let again = restarts.then(|| at.saturating_add(scale(RESTART)));
        self.state = State::Ended { code, terminated, again };
    }

    /// The pause between an end and the restart is over: the first restart follows at once, the next ones after a
    /// delay. `true` where it now waits in `CrashLoopBackOff`.
    pub(super) fn restart(&mut self, at: Duration, pod: &str, scale: &impl Fn(Duration) -> Duration) -> bool {
        let State::Ended { terminated, .. } = &self.state else { return false };
        self.last = Some(terminated.clone());
        let delay = match self.backoff {
            0 => Duration::ZERO,
            doublings => BACKOFF.saturating_mul(1 << (doublings - 1).min(8)).min(BACKOFF_MOST),
        };
        self.backoff = self.backoff.saturating_add(1);
        if delay.is_zero() {
            self.run_again(at, scale);
            return false;
        }
        let text = match delay.as_secs() {
            seconds if seconds % 60 == 0 && seconds >= 60 => format!("{}m0s", seconds / 60),
            seconds if seconds > 60 => format!("{}m{}s", seconds / 60, seconds % 60),
            seconds => format!("{seconds}s"),
        };
        self.state = State::Waiting {
            reason: "CrashLoopBackOff".to_owned(),
            message: format!("back-off {text} restarting failed container={} pod={pod}", self.name),
            until: Some(at.saturating_add(scale(delay))),
            then: Then::Start,
        };
        true
    }

    /// Counts a restart and begins the next run.
    pub(super) fn run_again(&mut self, at: Duration, scale: &impl Fn(Duration) -> Duration) {
        self.restart = self.restart.saturating_add(1);
        let script = self.script().clone();
        if script.waiting.is_some() || script.start.is_some_and(|start| !start.is_zero()) {
            self.enter(Stage::Hold, at, scale);
        } else {
            let then = Then::Start;
            let reason = "ContainerCreating".to_owned();
            self.state = State::Waiting { reason, message: String::new(), until: Some(at), then };
        }
    }

    /// The message it leaves behind.
    pub(super) fn message(&self) -> Option<&str> {
        self.script().message.as_deref()
    }

    /// Its state for `containerStatuses`; `started_at` renders a time.
    pub(super) fn state_json(&self, blocked: &str, time: &impl Fn(Duration) -> String) -> Value {
        match &self.state {
            State::Blocked => json!({"waiting": {"reason": blocked}}),
            State::Waiting { reason, message, .. } if message.is_empty() => json!({"waiting": {"reason": reason}}),
            State::Waiting { reason, message, .. } => json!({"waiting": {"reason": reason, "message": message}}),
            State::Running(running) => json!({"running": {"startedAt": time(running.since)}}),
            State::Ended { terminated, .. } => json!({"terminated": terminated}),
        }
    }
}
