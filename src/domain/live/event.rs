//! The events.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::access::{HookAccess, Rights};
use super::record::OperationRecord;
use super::requests::RequestUpdate;
use super::revisions::{RepositoryState, Review, Revisions};
use crate::domain::application::SyncStatus;
use crate::domain::application::{AppKey, AppSummary, Application};
use crate::domain::event::WatchEvent;
use crate::domain::health::HealthStatus;
use crate::domain::manifest::Object;
use crate::domain::project::{Decision, Project};
use crate::domain::request::Controller;

/// One thing that the live view tells. States, not differences: a later event of one subject replaces the earlier.
#[derive(Debug, Clone)]
pub enum LiveEvent {
    /// Where Applications are looked for, once it is known.
    Scope {
        /// The cluster, as [`AppKey::cluster`] names it.
        cluster: Arc<str>,
        /// Address of its API server.
        server: String,
        /// The namespace; `None`: all.
        namespace: Option<String>,
        /// The user's name, as the cluster knows it; empty while it is not known.
        user: String,
    },
    /// A watch, or what comes before it (finding Argo CD, reading rights), changed its state.
    Watch {
        /// The cluster.
        cluster: Arc<str>,
        /// What is watched.
        watched: Watched,
        /// How it stands.
        state: WatchState,
    },
    /// Rows to show until the applications themselves arrive: the first thing told of a fleet, once.
    EarlyRows(Vec<EarlyRow>),
    /// An application is new or has changed.
    App(Box<AppSummary>),
    /// An application is gone.
    AppGone(AppKey),
    /// An Application that cannot be read.
    AppUnreadable {
        /// The application.
        key: AppKey,
        /// Why.
        reason: String,
    },
    /// The list is complete: of the [early rows](Self::EarlyRows), those whose application was not told of since are not
    /// there. Told again after each new list; what that one does not have any more is told as [`AppGone`](Self::AppGone), and
    /// what it has unchanged is not told again.
    FleetComplete {
        /// The cluster.
        cluster: Arc<str>,
        /// How many applications there are.
        count: usize,
    },
    /// The whole of an application that is open or whose operation runs.
    Application {
        /// Read.
        application: Arc<Application>,
        /// As it came: its YAML, and what [`Seen`](crate::domain::request::Seen) is made from.
        object: Arc<Object>,
    },
    /// An object of an application's operation (or the Application itself) as a watch told it: the food of a
    /// [`Timeline`](crate::domain::timeline::Timeline). Told for applications that are open or whose operation runs.
    Observed {
        /// The application.
        key: AppKey,
        /// What was observed.
        event: WatchEvent,
    },
    /// Everything that was there of an application when it was opened has been told: what was not told of is not there.
    Settled(AppKey),
    /// Whether the hooks of an application can be seen.
    Hooks {
        /// The application.
        key: AppKey,
        /// With what is missing.
        access: HookAccess,
    },
    /// Who acts on an application's operations.
    Controller {
        /// The application.
        key: AppKey,
        /// Who.
        controller: Controller,
    },
    /// What the user may and may not do.
    Rights(Rights),
    /// A project is new or has changed.
    Project {
        /// The cluster.
        cluster: Arc<str>,
        /// Its namespace.
        namespace: Arc<str>,
        /// The project.
        project: Arc<Project>,
    },
    /// A project is gone.
    ProjectGone {
        /// The cluster.
        cluster: Arc<str>,
        /// Its namespace.
        namespace: Arc<str>,
        /// Its name.
        name: String,
    },
    /// Whether a sync of an open application that a person asks for may run now. Told again when a window opens or
    /// closes.
    Windows {
        /// The application.
        key: AppKey,
        /// The decision.
        decision: Decision,
    },
    /// A Kubernetes Event about an open Application, or a warning about an object of its operation.
    KubernetesEvent {
        /// The application.
        key: AppKey,
        /// The Event.
        event: KubernetesEvent,
    },
    /// What Git has for an open application.
    Revisions {
        /// The application.
        key: AppKey,
        /// The commits.
        revisions: Arc<Revisions>,
    },
    /// What a sync of an application to a revision would do, as asked for with `review`; also of every open
    /// application at its target revision.
    Review {
        /// The application.
        key: AppKey,
        /// The plan and the differences.
        review: Arc<Review>,
    },
    /// A repository was fetched, or could not be.
    Repository(RepositoryState),
    /// A request moved on.
    Request(RequestUpdate),
    /// An operation that was watched is over, and is in the history.
    Recorded {
        /// The application.
        key: AppKey,
        /// The operation.
        record: Arc<OperationRecord>,
    },
    /// The capture of logs has something to say.
    Capture(CaptureNotice),
}

/// What a watch watches.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Watched {
    /// The Applications.
    Applications,
    /// The projects.
    Projects,
    /// Controllers.
    Controllers,
    /// Kubernetes Events about Applications, in a namespace.
    Events(Arc<str>),
    /// Hooks and their pods: kind and namespace.
    Hooks {
        /// Plural of the kind.
        kind: Arc<str>,
        /// The namespace.
        namespace: Arc<str>,
    },
}

/// How a watch stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchState {
    /// A list is being read. What was known is as old as it was.
    Listing,
    /// What is told is what is.
    Live,
    /// Interrupted. What was told is as old as `since`.
    Interrupted {
        /// When it was last live; `None`: never yet.
        since: Option<Timestamp>,
        /// Why, in words.
        error: String,
        /// Whether it can get better without anybody changing anything.
        transient: bool,
        /// The API server does not permit it, or does not know who asks.
        denied: bool,
        /// Of those: the API server does not know who asks, because credentials are missing or have expired.
        unauthenticated: bool,
        /// Time from this event to the next try.
        retry_in: Duration,
    },
    /// Not watched, because the user may not or the kind does not exist there.
    Absent {
        /// Why.
        reason: String,
    },
    /// Nobody needs it any more.
    Stopped,
}

/// What a list of the API server's own tells of an application before the application itself is read. No operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlyRow {
    /// The application.
    pub key: AppKey,
    /// Sync status.
    pub sync: Option<SyncStatus>,
    /// Health.
    pub health: Option<HealthStatus>,
    /// Revision, where the table has it.
    pub revision: Box<str>,
    /// Project, where the table has it.
    pub project: Box<str>,
}

/// A Kubernetes Event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubernetesEvent {
    /// UID of the Event: a repeated one replaces the earlier.
    pub uid: String,
    /// When it last happened.
    pub at: Option<Timestamp>,
    /// `Warning` rather than `Normal`.
    pub is_warning: bool,
    /// The object it is about, as `Kind/name`; empty: the Application itself.
    pub about: String,
    /// For example `OperationStarted`.
    pub reason: String,
    /// The words. A stranger's: escape them.
    pub message: String,
    /// How often.
    pub count: i64,
    /// Who reported it.
    pub source: String,
}

/// What the capture of logs tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaptureNotice {
    /// A container's log is being written.
    Started {
        /// The application.
        key: AppKey,
        /// Pod and container.
        source: String,
    },
    /// A container's log is complete.
    Complete {
        /// The application.
        key: AppKey,
        /// Pod and container.
        source: String,
        /// Lines.
        lines: u64,
    },
    /// Something of a log is lost: it was rotated away, or its pod was gone before it could be read.
    Lost {
        /// The application.
        key: AppKey,
        /// Pod and container.
        source: String,
        /// Why.
        reason: String,
    },
    /// Logs cannot be kept: the disk, another boathook that keeps them already, or a quota.
    Off {
        /// Why.
        reason: String,
    },
}
