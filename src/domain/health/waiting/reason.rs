//! One reason, ready to be shown.

use crate::domain::text;

/// Longest text of a reason, in characters.
const TEXT: usize = 160;
/// Longest value of a detail, in characters.
const VALUE: usize = 1000;

/// A reason why an object is not healthy. All its texts are safe to show: bounded, and without control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// What sort of reason it is.
    pub kind: ReasonKind,
    /// One short line for a panel.
    pub text: String,
    /// What is known beyond that line.
    pub details: Vec<Detail>,
}

/// A fact that belongs to a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// What it is: `image`, `exit code`, `message`, ...
    pub name: &'static str,
    /// The fact, on one line.
    pub value: String,
}

/// Sorts of reasons, the most important one first: what has failed, what will not go on without help, what only takes
/// its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReasonKind {
    /// A container was killed because it used more memory than it may.
    OutOfMemory,
    /// An init container ended with an error.
    InitContainerFailed,
    /// A container ended with an error.
    ContainerFailed,
    /// A pod failed as a whole (evicted, preempted, its node is gone, deadline).
    PodFailed,
    /// A pod was deleted while it ran: how it would have ended is not known.
    PodGone,
    /// A step of a Workflow failed.
    StepFailed,
    /// The object itself says that it has failed.
    Failed,
    /// The image cannot be pulled.
    ImagePull,
    /// The container cannot be created or started.
    CreateContainer,
    /// The container ends again and again.
    CrashLoop,
    /// No node takes the pod.
    Unschedulable,
    /// A quota does not allow the pod.
    Quota,
    /// The pod is refused for another reason (admission, service account, security policy).
    CreationRefused,
    /// A volume cannot be mounted or attached.
    Mount,
    /// The sandbox or the network of the pod cannot be set up.
    Sandbox,
    /// A claim has no volume yet.
    VolumePending,
    /// A finalizer holds the deletion.
    HeldByFinalizer,
    /// Somebody suspended or paused it.
    Suspended,
    /// It is being deleted.
    Deleting,
    /// The next attempt waits, or runs after earlier ones failed.
    Attempt,
    /// Not all replicas are there.
    Replicas,
    /// A container runs again after it ended with an error.
    Restarted,
    /// A readiness gate or a probe does not say yes.
    NotReady,
    /// No address from the load balancer yet.
    NoAddress,
    /// An init container runs.
    Initialising,
    /// A container is being created.
    Starting,
    /// Steps of a Workflow are to come.
    Steps,
    /// The controller has not looked at it yet, or there is no pod yet.
    NotStarted,
    /// It runs.
    Running,
    /// When its deadline ends it.
    Deadline,
    /// What a condition, or the object's own message, says.
    Said,
}

impl ReasonKind {
    /// Whether something has failed already.
    pub fn is_failure(self) -> bool {
        self <= Self::Failed
    }

    /// Whether it will probably not get better by itself.
    pub fn needs_help(self) -> bool {
        self > Self::Failed && self <= Self::Suspended
    }
}

impl Reason {
    pub(super) fn new(kind: ReasonKind, line: impl AsRef<str>) -> Self {
        let line = text::one_line(line.as_ref(), TEXT);
        // Words may be missing, or consist of nothing that can be shown: a reason without any would be an empty line.
        let text = if line.is_empty() { "nobody says why".to_owned() } else { line };
        Self { kind, text, details: Vec::new() }
    }

    /// Adds a fact, unless it is empty.
    pub(super) fn with(mut self, name: &'static str, value: impl AsRef<str>) -> Self {
        let value = text::one_line(value.as_ref(), VALUE);
        if !value.is_empty() {
            self.details.push(Detail { name, value });
        }
        self
    }

    /// The value of a detail.
    pub fn detail(&self, name: &str) -> Option<&str> {
        self.details.iter().find(|detail| detail.name == name).map(|detail| detail.value.as_str())
    }
}
