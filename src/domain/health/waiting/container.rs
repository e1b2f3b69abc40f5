//! What a container waits for, or how it ended.

use serde_json::Value;

use super::gather::Evidence;
use super::read::{Tree, counted, for_how_long, integer, text, time};
use super::reason::{Reason, ReasonKind};
use super::{events, read};
use crate::domain::manifest::Object;

/// Why an image cannot be had.
const IMAGE: [&str; 8] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ErrImageInspect",
    "ImageInspectError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
];

/// A container of a pod, as the pod's status has it.
pub(super) struct Container<'a> {
    pub(super) pod: &'a Object,
    pub(super) status: &'a Value,
    pub(super) init: bool,
}

impl<'a> Container<'a> {
    pub(super) fn name(&self) -> &'a str {
        text(self.status, &["name"])
    }

    fn reason(&self, kind: ReasonKind, line: impl AsRef<str>) -> Reason {
        Reason::new(kind, line).with("container", self.name()).with("pod", self.pod.name())
    }

    /// The image as the pod asks for it; what the node made of it may be another name.
    fn image(&self) -> &'a str {
        let lists = [["spec", "initContainers"], ["spec", "containers"]];
        let specs = lists.iter().flat_map(|path| read::list(self.pod, path));
        let own = specs.into_iter().find(|spec| text(*spec, &["name"]) == self.name());
        own.map_or_else(|| text(self.status, &["image"]), |spec| text(spec, &["image"]))
    }

    /// Why it waits; `None` if it does not.
    pub(super) fn waiting(&self, evidence: &Evidence<'_>) -> Option<Reason> {
        self.status.find(&["state", "waiting"])?.as_object()?;
        let reason = text(self.status, &["state", "waiting", "reason"]);
        let message = text(self.status, &["state", "waiting", "message"]);
        Some(match reason {
            reason if IMAGE.contains(&reason) => self.image_pull(evidence, reason, message),
            "CrashLoopBackOff" => self.crash_loop(message),
            "" | "ContainerCreating" | "PodInitializing" => return self.creating(evidence, reason),
            // CreateContainerError, CreateContainerConfigError, RunContainerError, PostStartHookError, ...
            reason if reason.starts_with("Err") || reason.ends_with("Error") || reason.ends_with("BackOff") => {
                let line = if message.is_empty() { reason.to_owned() } else { format!("{reason}: {message}") };
                self.reason(ReasonKind::CreateContainer, format!("{}: {line}", self.name()))
                    .with("reason", reason)
                    .with("message", message)
                    .with("image", self.image())
            }
            reason => self
                .reason(ReasonKind::Starting, format!("{}: {reason}", self.name()))
                .with("reason", reason)
                .with("message", message),
        })
    }

    fn image_pull(&self, evidence: &Evidence<'_>, reason: &str, message: &str) -> Reason {
        // While it backs off, the message may say only that: the node's event has the registry's words.
        let event = events::about(evidence, self.pod, |reason| ["Failed", "InspectFailed"].contains(&reason));
        let event = event.map(|event| text(event, &["message"])).unwrap_or_default();
        let image = self.image();
        let words = if cause(message).is_empty() && event.contains(image) { event } else { message };
        let why = match cause(words) {
            "" => reason,
            cause => cause,
        };
        self.reason(ReasonKind::ImagePull, format!("cannot pull image {image}: {why}"))
            .with("image", image)
            .with("reason", reason)
            .with("message", words)
    }

    fn crash_loop(&self, message: &str) -> Reason {
        let (code, killed) = last_end(self.status);
        let restarts = counted(integer(self.status, &["restartCount"]), "restart", "restarts");
        let name = self.name();
        let reason = if killed {
            let code = code.unwrap_or(137);
            self.reason(ReasonKind::OutOfMemory, format!("{name}: OOMKilled (exit code {code}), {restarts}"))
        } else {
            let end = code.map_or_else(String::new, |code| format!("last exit code {code}, "));
            self.reason(ReasonKind::CrashLoop, format!("{name}: CrashLoopBackOff, {end}{restarts}"))
        };
        let reason = code.map_or_else(|| reason.clone(), |code| reason.clone().with("exit code", code.to_string()));
        reason
            .with("restarts", integer(self.status, &["restartCount"]).to_string())
            .with("last message", text(self.status, &["lastState", "terminated", "message"]))
            .with("message", message)
    }

    /// It is being created: for how long, and what the node says about its volumes and its sandbox.
    fn creating(&self, evidence: &Evidence<'_>, reason: &str) -> Option<Reason> {
        // The containers behind the init containers wait for those, which speak for themselves.
        if reason == "PodInitializing" && !self.init {
            return None;
        }
        let mount = |reason: &str| ["FailedMount", "FailedAttachVolume", "FailedMapVolume"].contains(&reason);
        if let Some(event) = events::about(evidence, self.pod, mount) {
            let words = text(event, &["message"]);
            return Some(self.reason(ReasonKind::Mount, format!("cannot mount: {words}")).with("message", words));
        }
        let sandbox = |reason: &str| ["FailedCreatePodSandBox", "NetworkNotReady"].contains(&reason);
        if let Some(event) = events::about(evidence, self.pod, sandbox) {
            let words = text(event, &["message"]);
            return Some(self.reason(ReasonKind::Sandbox, format!("no sandbox: {words}")).with("message", words));
        }
        let since = time(self.pod, &["status", "startTime"]);
        let doing = if reason.is_empty() { "waiting" } else { reason };
        let long = for_how_long(since, evidence.now);
        Some(self.reason(ReasonKind::Starting, format!("{}: {doing}{long}", self.name())).with("image", self.image()))
    }

    /// How it ended, if that was with an error.
    pub(super) fn failed(&self) -> Option<Reason> {
        self.status.find(&["state", "terminated"])?.as_object()?;
        let code = self.status.find(&["state", "terminated", "exitCode"]).and_then(Value::as_i64);
        let reason = text(self.status, &["state", "terminated", "reason"]);
        let message = text(self.status, &["state", "terminated", "message"]);
        let name = self.name();
        let (kind, line) = match (reason, code) {
            ("OOMKilled", code) => {
                let code = code.unwrap_or(137);
                (ReasonKind::OutOfMemory, format!("{name}: OOMKilled (exit code {code})"))
            }
            (_, Some(0)) => return None,
            ("ContainerStatusUnknown", _) | (_, None) => {
                (ReasonKind::PodGone, format!("{name}: stopped, exit code unknown"))
            }
            (_, Some(code)) => {
                let kind = if self.init { ReasonKind::InitContainerFailed } else { ReasonKind::ContainerFailed };
                let what = if self.init { "init container " } else { "" };
                (kind, format!("{what}{name}: exit code {code}{}", signal(code)))
            }
        };
        let line = if message.is_empty() { line } else { format!("{line}: {message}") };
        let failed = self.reason(kind, line).with("reason", reason).with("message", message);
        Some(match code {
            Some(code) if kind != ReasonKind::PodGone => failed.with("exit code", code.to_string()),
            _ => failed,
        })
    }

    /// It runs again after it ended with an error.
    pub(super) fn restarted(&self) -> Option<Reason> {
        self.status.find(&["state", "running"])?.as_object()?;
        let (code, killed) = last_end(self.status);
        let code = code.filter(|code| *code != 0 || killed)?;
        let restarts = integer(self.status, &["restartCount"]);
        let how = if killed { "OOMKilled, " } else { "" };
        let line = format!(
            "{}: runs again after {how}exit code {code}, {}",
            self.name(),
            counted(restarts, "restart", "restarts")
        );
        Some(self.reason(ReasonKind::Restarted, line).with("exit code", code.to_string()))
    }
}

/// Exit code of the run before, and whether the kernel ended it.
fn last_end(status: &Value) -> (Option<i64>, bool) {
    let code = status.find(&["lastState", "terminated", "exitCode"]).and_then(Value::as_i64);
    (code, text(status, &["lastState", "terminated", "reason"]) == "OOMKilled")
}

/// What an exit code above 128 stands for, of the signals one meets.
fn signal(code: i64) -> &'static str {
    match code {
        137 => " (SIGKILL)",
        143 => " (SIGTERM)",
        139 => " (SIGSEGV)",
        134 => " (SIGABRT)",
        _ => "",
    }
}

/// The registry's answer in a word or two; empty if it is none of the usual ones.
fn cause(words: &str) -> &'static str {
    let words = words.to_ascii_lowercase();
    let table: [(&[&str], &str); 8] = [
        (&["toomanyrequests", "too many requests", "rate limit"], "rate limit of the registry"),
        (&["unauthorized", "authentication required", "no basic auth"], "not authorised"),
        (&["denied", "authorization failed", "forbidden", "insufficient_scope"], "access denied, or no such image"),
        (&["not found", "manifest unknown", "name unknown"], "not found"),
        (&["no such host", "server misbehaving"], "the registry's name is not known"),
        (&["x509", "certificate"], "the registry's certificate is not trusted"),
        (&["timeout", "connection refused", "deadline exceeded"], "the registry does not answer"),
        (&["invalid reference format", "couldn't parse image"], "not a valid image name"),
    ];
    let found = table.iter().find(|(signs, _)| signs.iter().any(|sign| words.contains(sign)));
    found.map(|(_, cause)| *cause).unwrap_or_default()
}
