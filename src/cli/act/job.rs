//! One application that something is asked for.

use jiff::Timestamp;

use crate::cli::exit::Exit;
use crate::cli::live::Picture;
use crate::cli::print::has_done_nothing;
use crate::domain::application::AppKey;
use crate::domain::live::{Preview, RequestId};
use crate::domain::request::{Changed, Refusal, Request};
use crate::domain::timeline::{OperationView, TaskKey};

/// One application, what is asked for it, and what has become of it.
#[derive(Debug)]
pub(in crate::cli) struct Job {
    pub key: AppKey,
    /// How it is called here.
    pub name: String,
    pub request: Request,
    pub preview: Option<Preview>,
    pub sent: Option<RequestId>,
    /// The version that the Application has by what was sent; empty: not known.
    pub version: String,
    /// Begin of the operation that was there before.
    pub before: Option<Timestamp>,
    /// The request was seen to be there.
    pub was_seen: bool,
    /// Begin of the own operation, once it was seen.
    pub own: Option<Timestamp>,
    /// The application was seen that it was asked of, and not an older one of its name.
    pub is_known: bool,
    /// Whether it was over in time.
    pub lateness: Lateness,
    pub ended: Option<Ended>,
}

/// Whether an operation was over in time, where what is late is to be aborted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Lateness {
    /// It may still be.
    InTime,
    /// It is to be aborted, as soon as it has begun.
    ToAbort,
    /// It is being aborted, unless it is over or no more the own one.
    Asked,
    /// Its end was asked for.
    Aborted,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Ended {
    pub exit: Exit,
    pub message: String,
    pub revisions: Vec<String>,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// It changed nothing.
    pub is_dry_run: bool,
    /// Tasks that did not go well.
    pub failed: Vec<TaskKey>,
    /// Those of them that are hooks, whose logs may say why.
    pub failed_hooks: Vec<TaskKey>,
}

impl Ended {
    pub(in crate::cli) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            revisions: Vec::new(),
            started_at: None,
            finished_at: None,
            is_dry_run: false,
            failed: Vec::new(),
            failed_hooks: Vec::new(),
        }
    }

    /// With what is known of the operation.
    pub(in crate::cli) fn of(mut self, view: &OperationView) -> Self {
        let bad = view.tasks().filter(|task| task.state.is_bad() && !has_done_nothing(view));
        let bad: Vec<_> = bad.collect();
        self.failed = bad.iter().map(|task| task.key.clone()).collect();
        self.failed_hooks = bad.iter().filter(|task| task.is_hook).map(|task| task.key.clone()).collect();
        self.revisions.clone_from(&view.revisions);
        self.is_dry_run = view.is_dry_run();
        (self.started_at, self.finished_at) = (view.started_at, view.finished_at);
        self
    }

    /// It was not sent.
    pub(in crate::cli) fn refused(refusals: &[Refusal]) -> Self {
        let is_right = |refusal: &Refusal| matches!(refusal, Refusal::MissingRight(_));
        let exit = if refusals.iter().any(is_right) { Exit::NoAccess } else { Exit::Refused };
        let words: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        Self::new(exit, words.join("; "))
    }

    /// It is not what it was when the decision was made. `who`: whose its last operation is.
    pub(in crate::cli) fn changed(changed: &[Changed], who: Option<&str>) -> Self {
        let words: Vec<&str> = changed.iter().map(|changed| changed.as_str()).collect();
        let mut message = format!("nothing was sent, because {} meanwhile", words.join(", and "));
        if let Some(who) = who.filter(|_| changed.iter().any(|own| matches!(own, Changed::Operation | Changed::Phase)))
        {
            message.push_str("; its last operation is of ");
            message.push_str(who);
        }
        Self::new(Exit::Refused, message)
    }
}

impl Job {
    pub(in crate::cli) fn new(key: AppKey, picture: &Picture, request: Request) -> Self {
        let name = picture.name(&key);
        Self {
            key,
            name,
            request,
            preview: None,
            sent: None,
            version: String::new(),
            before: None,
            was_seen: false,
            own: None,
            is_known: false,
            lateness: Lateness::InTime,
            ended: None,
        }
    }

    /// Whether it goes on.
    pub(in crate::cli) const fn is_open(&self) -> bool {
        self.ended.is_none()
    }
}
