//! Reasons for not sending a request, known before a key is pressed.

use std::fmt;

use super::types::{AutoSync, Confirmation, Request};
use crate::domain::application::Application;
use crate::domain::operation::OperationPhase;
use crate::domain::project::Decision;
use crate::domain::step::{ResumeRefused, resumable};

/// Who acts on an application's operations.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Controller {
    /// Argo CD.
    ArgoCd,
    /// boathook's engine.
    Engine,
    /// Nobody: an operation would stay pending for ever.
    None,
    /// Not known (yet), for example for lack of rights.
    #[default]
    Unknown,
}

/// What is known beside the application itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Situation {
    /// Who acts.
    pub controller: Controller,
    /// The project's sync windows, for a manual sync now.
    pub windows: Decision,
    /// The right that is missing for writing Applications, for example `patch applications.argoproj.io in namespace x`.
    pub missing_right: Option<String>,
    /// boathook was started with `--read-only`.
    pub read_only: bool,
}

/// Why a request is not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// `--read-only`.
    ReadOnly,
    /// The user may not.
    MissingRight(String),
    /// Nobody would act on it.
    NoController,
    /// The controller is Argo CD, which cannot.
    OnlyEngine,
    /// An operation is requested or runs.
    Busy {
        /// Who asked for it.
        by: String,
    },
    /// The application is being deleted.
    Deleting,
    /// A sync window is in the way.
    Window(Decision),
    /// Automated sync would undo it at once.
    Automated,
    /// The controller was told to leave the application alone.
    SkipsReconcile,
    /// There is nothing to act on.
    Nothing(&'static str),
    /// The failed operation has nothing to continue from.
    NotResumable(ResumeRefused),
    /// The operation is requested, and no controller has begun it yet: only what has begun can be ended.
    NotBegun,
    /// The operation's state is a ghost, which has to be repaired first.
    Ghost,
    /// The number of revisions is not that of the sources.
    Revisions {
        /// Sources.
        sources: usize,
        /// Revisions.
        revisions: usize,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReadOnly => formatter.write_str("boathook was started with --read-only"),
            Self::MissingRight(right) => write!(formatter, "you may not {right}"),
            Self::NoController => {
                formatter.write_str("no controller acts on operations here; start one with: boathook engine")
            }
            Self::OnlyEngine => formatter.write_str("only boathook's engine can resume; Argo CD can retry"),
            Self::Busy { by } if by.is_empty() => formatter.write_str("another operation is in progress"),
            Self::Busy { by } => write!(formatter, "an operation of {by} is in progress"),
            Self::Deleting => formatter.write_str("the application is being deleted"),
            Self::Window(Decision::Denied { window }) => {
                write!(formatter, "a sync window denies it ({} for {})", window.schedule, window.duration)
            }
            Self::Window(Decision::NotAllowed { opens: Some(opens) }) => {
                write!(formatter, "no sync window is open; the next opens at {opens:.0}")
            }
            Self::Window(Decision::Broken(error)) => write!(formatter, "{error}"),
            Self::Window(Decision::Unknown(why)) => write!(formatter, "its sync windows are not known: {why}"),
            Self::Window(_) => formatter.write_str("no sync window is open"),
            Self::Automated => formatter.write_str("automated sync is on and would undo it; switch it off first"),
            Self::SkipsReconcile => {
                formatter.write_str("the application is marked skip-reconcile: its controller leaves it alone")
            }
            Self::Nothing(what) => formatter.write_str(what),
            Self::NotResumable(reason) => write!(formatter, "it cannot be resumed: {reason}"),
            Self::NotBegun => formatter.write_str("the operation was not begun yet"),
            Self::Ghost => formatter.write_str("the last operation was left behind unfinished; repair it first"),
            Self::Revisions { sources, revisions } => {
                let given =
                    if *revisions == 1 { "1 revision was".to_owned() } else { format!("{revisions} revisions were") };
                let of = if *sources == 1 { "1 source".to_owned() } else { format!("{sources} sources") };
                write!(formatter, "{given} given for {of}")
            }
        }
    }
}

/// All reasons for not sending a request; empty: it may be sent.
pub fn refusals(request: &Request, application: &Application, situation: &Situation) -> Vec<Refusal> {
    let mut found = Vec::new();
    if situation.read_only {
        found.push(Refusal::ReadOnly);
    }
    if let Some(right) = &situation.missing_right {
        found.push(Refusal::MissingRight(right.clone()));
    }
    if request.starts_operation() {
        starting(request, application, situation, &mut found);
    }
    let state = application.status.operation_state.as_ref();
    let phase = state.and_then(|state| state.phase);
    let nothing = match request {
        Request::Sync(_)
        | Request::Rollback { .. }
        | Request::Refresh { .. }
        | Request::RerunHook { .. }
        | Request::AutoSync(AutoSync::On { .. }) => None,
        Request::FailHook(_) => application.operation.is_none().then_some("no operation is in progress"),
        Request::Abort => match phase {
            _ if application.operation.is_none() => Some("no operation is in progress"),
            None => {
                found.push(Refusal::NotBegun);
                None
            }
            Some(OperationPhase::Terminating) => Some("the operation is being ended already"),
            Some(phase) if phase.is_completed() => Some("no operation is in progress"),
            Some(_) => None,
        },
        Request::Retry | Request::Resume => match state {
            None => Some("there is no operation to repeat"),
            Some(_) if phase == Some(OperationPhase::Succeeded) => Some("the last operation succeeded"),
            Some(state) if state.operation.sync.is_none() => Some("the last operation was not a sync"),
            Some(state) => {
                // What is unfinished is refused as that.
                if *request == Request::Resume && phase.is_some_and(OperationPhase::is_completed) {
                    found.extend(resumable(state).err().map(Refusal::NotResumable));
                }
                None
            }
        },
        Request::AutoSync(AutoSync::Off) => {
            (!application.spec.is_automated()).then_some("automated sync is off already")
        }
        Request::Confirm(Confirmation::Prune) => {
            (!application.is_busy()).then_some("no operation is in progress that could wait for it")
        }
        Request::Confirm(Confirmation::Delete) => {
            (!application.metadata.deleting).then_some("the application is not being deleted")
        }
        Request::RepairGhost => (!application.has_ghost_operation()).then_some("there is nothing to repair"),
    };
    found.extend(nothing.map(Refusal::Nothing));
    found
}

/// What to know of a request although nothing is known that forbids it.
pub fn warnings(request: &Request, situation: &Situation) -> Vec<String> {
    let mut found = Vec::new();
    // Argo CD and the engine judge the windows of an operation themselves, so that asking is no harm.
    if let Decision::Unknown(why) = &situation.windows
        && request.starts_operation()
    {
        found.push(format!(
            "whether a sync window denies it is not known ({why}); while one does, the controller holds it back"
        ));
    }
    if situation.controller == Controller::None && needs_controller(request) {
        found.push("no controller acts on operations here: it is written down, and nobody does it".to_owned());
    }
    found
}

/// Whether what is written is only a word to the controller, and the request does not begin an operation: those are
/// refused where nobody acts.
const fn needs_controller(request: &Request) -> bool {
    matches!(
        request,
        Request::Abort
            | Request::Refresh { .. }
            | Request::Confirm(_)
            | Request::FailHook(_)
            | Request::AutoSync(AutoSync::On { .. })
    )
}

/// What stands in the way of a new operation.
fn starting(request: &Request, application: &Application, situation: &Situation, found: &mut Vec<Refusal>) {
    match situation.controller {
        Controller::None => found.push(Refusal::NoController),
        Controller::ArgoCd if *request == Request::Resume => found.push(Refusal::OnlyEngine),
        _ => {}
    }
    if application.metadata.deleting {
        found.push(Refusal::Deleting);
    }
    if let Some(operation) = &application.operation {
        let by = &operation.initiated_by;
        let by = if by.automated { "automated sync" } else { by.username.as_str() };
        found.push(Refusal::Busy { by: by.to_owned() });
    } else if *request == Request::Resume && application.has_ghost_operation() {
        found.push(Refusal::Ghost);
    }
    if application.skips_reconcile() {
        found.push(Refusal::SkipsReconcile);
    }
    if situation.windows.forbids() {
        found.push(Refusal::Window(situation.windows.clone()));
    }
    match request {
        Request::Rollback { .. } if application.spec.is_automated() => found.push(Refusal::Automated),
        Request::Sync(order) => {
            if application.spec.is_automated() && !order.dry_run && is_foreign(application, order) {
                found.push(Refusal::Automated);
            }
            let sources = application.spec.effective_sources().len();
            let revisions = order.revisions.len();
            if revisions > 0 && revisions != sources {
                found.push(Refusal::Revisions { sources, revisions });
            }
        }
        _ => {}
    }
}

/// Whether a sync asks for another revision than the target's. A commit that the target was resolved to is none.
fn is_foreign(application: &Application, order: &super::types::SyncOrder) -> bool {
    let wanted = std::iter::once(&order.revision).filter(|_| order.revisions.is_empty()).chain(&order.revisions);
    let sources = application.spec.effective_sources();
    let resolved = &application.status.sync;
    wanted.enumerate().any(|(index, wanted)| {
        let target = sources.get(index).map_or("", |source| source.effective_target_revision());
        let compared =
            if resolved.revisions.is_empty() { Some(&resolved.revision) } else { resolved.revisions.get(index) };
        !wanted.is_empty() && wanted != target && Some(wanted) != compared
    })
}
