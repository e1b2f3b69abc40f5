//! What Git has to say of an application.

use std::sync::Arc;

use jiff::Timestamp;

use crate::domain::application::AppKey;
use crate::domain::manifest::{Object, ObjectKey};
use crate::domain::plan::{Kinds, Plan};
use crate::domain::timeline::{OperationView, PlannedTask};

/// The revisions of an application, one entry a source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Revisions {
    /// In the order of the application's sources.
    pub sources: Vec<SourceRevisions>,
}

/// The revisions of one source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceRevisions {
    /// The repository, without password.
    pub repository: String,
    /// The folder in it; empty: all of it.
    pub path: String,
    /// What is deployed: the last operation that succeeded. `None`: nothing, or not known here.
    pub deployed: Option<CommitSummary>,
    /// What the target revision means now, as of `fetched`.
    pub target: Option<CommitSummary>,
    /// Commits that the target has and the deployed one has not, newest first: those that touch the path, at most 200.
    pub commits: Vec<CommitSummary>,
    /// How many of them there are.
    pub behind: usize,
    /// How many commits lie between, also those that touch other paths.
    pub between: usize,
    /// The deployed commit has so many that the target has not: a rollback, or a rewritten branch.
    pub ahead: usize,
    /// The counts ended at their bound: there are more.
    pub truncated: bool,
    /// The files below the path that differ.
    pub files: Vec<ChangedFile>,
    /// When the repository was last fetched; `None`: never, or it is a local checkout.
    pub fetched: Option<Timestamp>,
    /// Why something is missing here: not reachable, forbidden, a chart, an unknown revision.
    pub problem: Option<String>,
    /// Git has answered, and the revision or the path is not there: a sync to it fails.
    pub is_missing: bool,
}

/// One commit. The texts are an author's own: escape them before they are shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommitSummary {
    /// 40 hexadecimal digits.
    pub sha: String,
    /// First line of the message.
    pub subject: String,
    /// The rest of it.
    pub body: String,
    /// The author's name.
    pub author: String,
    /// When it was written, by the author's clock.
    pub time: Option<Timestamp>,
    /// Branches and tags that point at it.
    pub names: Vec<String>,
}

/// A file that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFile {
    /// Its path.
    pub path: String,
    /// Its path before.
    pub old_path: Option<String>,
    /// What happened to it.
    pub status: FileStatus,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileStatus {
    /// New.
    Added,
    /// Gone.
    Deleted,
    /// Other content.
    Modified,
    /// Another name.
    Renamed,
}

/// A fetch of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryState {
    /// The repository, without password.
    pub repository: String,
    /// It is being fetched now.
    pub fetching: bool,
    /// The last fetch that succeeded.
    pub fetched: Option<Timestamp>,
    /// Why the last one did not.
    pub problem: Option<String>,
}

/// What a sync to a revision would do.
#[derive(Debug, Clone)]
pub struct Review {
    /// The application.
    pub key: AppKey,
    /// The revisions that were asked for, one a source; empty: the target revisions.
    pub asked: Vec<String>,
    /// The commits they mean, one a source: pin the sync to these. Empty where it failed.
    pub commits: Vec<String>,
    /// The commits of each source with what lies between.
    pub revisions: Arc<Revisions>,
    /// The plan: hooks to come, waves, prunes. `Err`: why there is none (cannot be rendered, no access, ...).
    pub plan: Result<Arc<Plan>, String>,
    /// Objects whose manifests differ between the deployed and the reviewed revision, hooks among them.
    pub changes: Vec<ChangedObject>,
    /// The manifests at the reviewed commits, to plan anew with other options. Never shown: they may be Secrets.
    pub targets: Vec<Arc<Object>>,
    /// Live objects that Git has no more, for the same.
    pub live: Vec<Arc<Object>>,
    /// The kinds of the destination, for the same.
    pub kinds: Arc<Kinds>,
    /// What could not be found out, so that the plan is less than it could be: for example the live objects.
    pub incomplete: Vec<String>,
}

impl Review {
    /// The tasks of its plan, if it is one of the commits that an operation is of: what another revision would do says
    /// nothing about this one.
    pub fn tasks_of(&self, operation: &OperationView) -> Option<Vec<PlannedTask>> {
        let is_of = !self.commits.is_empty() && self.commits == operation.revisions;
        is_of.then(|| self.tasks()).flatten()
    }

    /// The tasks of its plan, if there is one.
    pub fn tasks(&self) -> Option<Vec<PlannedTask>> {
        Some(self.plan.as_ref().ok()?.tasks.iter().map(PlannedTask::from).collect())
    }
}

/// An object whose manifest differs. Values of Secrets are hidden in both.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangedObject {
    /// The object.
    pub key: ObjectKey,
    /// What happened to it.
    pub change: ObjectChange,
    /// It is a hook.
    pub is_hook: bool,
    /// The manifest at the deployed revision.
    pub old: Option<Arc<Object>>,
    /// The manifest at the reviewed one.
    pub new: Option<Arc<Object>>,
}

/// What happened to a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObjectChange {
    /// New.
    Added,
    /// Gone.
    Removed,
    /// Another content.
    Changed,
}

/// What can stand in a revision field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RevisionNames {
    /// Branches.
    pub branches: Vec<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// The last commits of the target that touch the path, newest first.
    pub commits: Vec<CommitSummary>,
}
