//! What a container of a simulated pod does: when it starts, what it writes, how it ends.

use jiff::SignedDuration;

use super::reader::{Fields, Node, Problems};

/// The longest log a script may ask for, in lines.
const MAX_LINES: i64 = 10_000_000;

/// Keys of a script.
pub(super) const KEYS: &[&str] = &[
    "unschedulable",
    "pull",
    "waiting",
    "start",
    "log",
    "run",
    "exitCode",
    "message",
    "oomKilled",
    "ready",
    "stop",
    "restarts",
];

/// What one container does in one run. A field that is not given leaves the choice to the simulator, which runs an
/// unscripted container for a few seconds (or, with restartPolicy Always, until its pod is deleted).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// The pod finds no node; the reason is the scheduler's message.
    pub unschedulable: Option<Wait>,
    /// The image cannot be pulled; the reason is `ErrImagePull` unless another is given.
    pub pull: Option<Wait>,
    /// The container waits for another reason before it starts, such as `CreateContainerConfigError`.
    pub waiting: Option<Wait>,
    /// From the binding of the pod (or the end of the wait) to the start of the container.
    pub start: Option<SignedDuration>,
    /// What it writes.
    pub log: Option<Vec<LogStep>>,
    /// How long it runs; if absent, as long as its log takes.
    pub run: Option<Run>,
    /// Its exit code, 0 to 255.
    pub exit_code: Option<i32>,
    /// What it leaves as its termination message.
    pub message: Option<String>,
    /// It ends by exceeding its memory: reason `OOMKilled`, exit code 137.
    pub oom_killed: bool,
    /// When it becomes ready.
    pub ready: Option<Ready>,
    /// How it takes SIGTERM.
    pub stop: Stop,
    /// What it does when its pod restarts it: first, second, ... restart; the last is for all that follow. Empty: the
    /// same again.
    pub restarts: Vec<Script>,
}

/// A wait of given length, or for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// The reason in the container's status (or the condition's).
    pub reason: String,
    /// The message with it; empty for the usual one.
    pub message: String,
    /// How long; `None` for ever.
    pub lasts: Option<SignedDuration>,
}

/// How long a container runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// For this long.
    For(SignedDuration),
    /// Until it is stopped.
    Forever,
}

/// When a container becomes ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ready {
    /// This long after its start.
    After(SignedDuration),
    /// Not at all.
    Never,
}

/// How a container takes SIGTERM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// How long it takes to end; `None`: it ignores the signal and is killed when the grace period is over.
    pub after: Option<SignedDuration>,
    /// Its exit code then.
    pub exit_code: i32,
    /// What it writes at the signal.
    pub log: Vec<LogStep>,
}

impl Default for Stop {
    /// It ends almost at once with 143, as a program without a handler.
    fn default() -> Self {
        Self { after: Some(SignedDuration::from_millis(50)), exit_code: 143, log: Vec::new() }
    }
}

/// One line, or the same line several times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStep {
    /// Pause before the first line.
    pub after: SignedDuration,
    /// The line without its newline; need not be UTF-8. `{n}` and `{attempt}` are replaced.
    pub line: Vec<u8>,
    /// How often, from 1.
    pub repeat: u32,
    /// Pause after each line.
    pub every: SignedDuration,
}

impl LogStep {
    /// The line once, without a pause.
    pub fn line(text: impl Into<Vec<u8>>) -> Self {
        Self { after: SignedDuration::ZERO, line: text.into(), repeat: 1, every: SignedDuration::ZERO }
    }
}

/// The lines of a log with the time from the start at which each is written. Lazy: a long log costs nothing until it
/// is written.
#[derive(Debug, Clone)]
pub struct LogLines {
    steps: std::vec::IntoIter<LogStep>,
    current: Option<(LogStep, u32)>,
    attempt: u32,
    at: SignedDuration,
}

impl LogLines {
    /// The lines of `steps`, for the given number of the pod among those its rule has matched.
    pub fn new(steps: Vec<LogStep>, attempt: u32) -> Self {
        Self { steps: steps.into_iter(), current: None, attempt, at: SignedDuration::ZERO }
    }

    /// The time that passes until the log has ended, pauses after the last line included.
    pub fn length(steps: &[LogStep]) -> SignedDuration {
        steps.iter().fold(SignedDuration::ZERO, |sum, step| {
            let repeats = i32::try_from(step.repeat).unwrap_or(i32::MAX);
            let every = step.every.checked_mul(repeats).unwrap_or(SignedDuration::MAX);
            sum.saturating_add(step.after).saturating_add(every)
        })
    }
}

impl Iterator for LogLines {
    type Item = (SignedDuration, Vec<u8>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((step, written)) = &mut self.current
                && *written < step.repeat
            {
                *written += 1;
                let line = replace(&step.line, b"{n}", written.to_string().as_bytes());
                let line = replace(&line, b"{attempt}", self.attempt.to_string().as_bytes());
                let at = self.at;
                self.at = self.at.saturating_add(step.every);
                return Some((at, line));
            }
            let step = self.steps.next()?;
            self.at = self.at.saturating_add(step.after);
            self.current = Some((step, 0));
        }
    }
}

fn replace(text: &[u8], what: &[u8], by: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.first() {
        if let Some(after) = rest.strip_prefix(what) {
            result.extend_from_slice(by);
            rest = after;
        } else {
            result.push(*first);
            rest = rest.get(1..).unwrap_or_default();
        }
    }
    result
}

impl Script {
    /// What the container does in its run number `restart` (0 is the first).
    pub fn for_restart(&self, restart: u32) -> &Script {
        let Some(index) = restart.checked_sub(1) else { return self };
        let index = usize::try_from(index).unwrap_or(usize::MAX).min(self.restarts.len().saturating_sub(1));
        self.restarts.get(index).unwrap_or(self)
    }

    pub(super) fn read(fields: &Fields<'_>, problems: &mut Problems) -> Self {
        Self {
            unschedulable: fields.get("unschedulable").map(|node| unschedulable(&node, problems)),
            pull: fields.get("pull").map(|node| wait(&node, problems, "ErrImagePull")),
            waiting: fields.get("waiting").map(|node| wait(&node, problems, "CreateContainerConfigError")),
            start: fields.duration(problems, "start"),
            log: fields.get("log").map(|node| log(&node, problems)),
            run: fields.get("run").and_then(|node| match node.value().as_str() {
                Some("forever") => Some(Run::Forever),
                _ => node.duration(problems).map(Run::For),
            }),
            exit_code: exit_code(fields, problems),
            message: fields.get("message").and_then(|node| node.text(problems)),
            oom_killed: fields.get("oomKilled").and_then(|node| node.truth(problems)).unwrap_or_default(),
            ready: fields.get("ready").and_then(|node| match node.value().as_str() {
                Some("never") => Some(Ready::Never),
                _ => node.duration(problems).map(Ready::After),
            }),
            stop: fields.get("stop").map(|node| stop(&node, problems)).unwrap_or_default(),
            restarts: fields
                .list(problems, "restarts")
                .iter()
                .filter_map(|node| node.fields(problems, RESTART_KEYS).map(|fields| Self::read(&fields, problems)))
                .collect(),
        }
    }
}

/// Keys of a script that is for a restart: the pod has its node, and restarts of restarts have no meaning.
const RESTART_KEYS: &[&str] = &["waiting", "start", "log", "run", "exitCode", "message", "oomKilled", "ready", "stop"];

fn exit_code(fields: &Fields<'_>, problems: &mut Problems) -> Option<i32> {
    fields.get("exitCode").and_then(|node| node.number(problems, 0, 255)).and_then(|code| i32::try_from(code).ok())
}

fn unschedulable(node: &Node<'_>, problems: &mut Problems) -> Wait {
    if node.is_mapping() {
        return wait(node, problems, "Unschedulable");
    }
    let message = node.text(problems).unwrap_or_default();
    Wait { reason: "Unschedulable".to_owned(), message, lasts: None }
}

fn wait(node: &Node<'_>, problems: &mut Problems, reason: &str) -> Wait {
    let mut wait = Wait { reason: reason.to_owned(), message: String::new(), lasts: None };
    if let Some(fields) = node.fields(problems, &["reason", "message", "for"]) {
        if let Some(reason) = fields.get("reason").and_then(|node| node.text(problems)) {
            wait.reason = reason;
        }
        wait.message = fields.text(problems, "message");
        wait.lasts = fields.duration(problems, "for");
    }
    wait
}

fn stop(node: &Node<'_>, problems: &mut Problems) -> Stop {
    let mut stop = Stop::default();
    if node.value().as_str() == Some("ignore") {
        stop.after = None;
    } else if let Some(fields) = node.fields(problems, &["after", "exitCode", "log"]) {
        stop.after = fields.duration(problems, "after").or(stop.after);
        stop.exit_code = exit_code(&fields, problems).unwrap_or(stop.exit_code);
        stop.log = fields.get("log").map(|node| log(&node, problems)).unwrap_or_default();
    }
    stop
}

fn log(node: &Node<'_>, problems: &mut Problems) -> Vec<LogStep> {
    node.list(problems).iter().filter_map(|node| log_step(node, problems)).collect()
}

fn log_step(node: &Node<'_>, problems: &mut Problems) -> Option<LogStep> {
    if !node.is_mapping() {
        return node.text(problems).map(LogStep::line);
    }
    let fields = node.fields(problems, &["line", "hex", "after", "repeat", "every"])?;
    let line = match (fields.get("line"), fields.get("hex")) {
        (Some(line), None) => line.text(problems)?.into_bytes(),
        (None, Some(hex)) => {
            let text = hex.text(problems)?;
            let Some(bytes) = bytes_of(&text) else {
                hex.refuse(problems, "expected bytes in hexadecimal, such as \"ff fe 0a\"");
                return None;
            };
            bytes
        }
        _ => {
            node.refuse(problems, "needs either line or hex");
            return None;
        }
    };
    if line.contains(&b'\n') {
        node.refuse(problems, "a line cannot contain a newline; write two");
        return None;
    }
    Some(LogStep {
        after: fields.duration(problems, "after").unwrap_or_default(),
        line,
        repeat: fields
            .get("repeat")
            .and_then(|node| node.number(problems, 1, MAX_LINES))
            .and_then(|repeat| u32::try_from(repeat).ok())
            .unwrap_or(1),
        every: fields.duration(problems, "every").unwrap_or_default(),
    })
}

fn bytes_of(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    if digits.len() % 2 == 1 {
        return None;
    }
    Some(digits.chunks(2).filter_map(|pair| Some(pair.first()? * 16 + pair.get(1)?)).collect())
}
