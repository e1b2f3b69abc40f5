/// How a [`super::Store`] is made.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Seed of UIDs and generated names.
    pub seed: u64,
    /// How many events each collection remembers.
    pub history: usize,
    /// How many bytes of objects the history of each collection may hold.
    pub history_bytes: usize,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { seed: 0, history: 20_000, history_bytes: 64 * 1024 * 1024 }
    }
}

/// Which part of the object a write may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Part {
    /// The main resource: everything but `status`, where that is a subresource.
    #[default]
    Whole,
    /// The `status` subresource: `status`, and of a built-in kind also `metadata`.
    Status,
    /// Everything, `status` too: for the scheduler's binding and other writes that have subresources of their own.
    Everything,
}

/// How a change enters `managedFields`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Operation {
    /// The manager updated what it changed.
    #[default]
    Update,
    /// Server-side apply: `managedFields` of the new object are already right.
    Apply,
}

/// Who writes, and how.
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    /// The field manager: a controller's name, or what the client says.
    pub manager: String,
    /// What may change.
    pub part: Part,
    /// Name of the subresource that was asked for, empty for the main resource; as `managedFields` records it.
    pub subresource: String,
    /// How the change enters `managedFields`.
    pub operation: Operation,
    /// Do everything but store it.
    pub dry_run: bool,
}

impl WriteOptions {
    /// A write of the main resource by this field manager.
    pub fn by(manager: impl Into<String>) -> Self {
        Self { manager: manager.into(), ..Self::default() }
    }

    /// The same for another part; `Part::Status` also names the subresource.
    #[must_use]
    pub fn part(self, part: Part) -> Self {
        let subresource = if part == Part::Status { "status".to_owned() } else { self.subresource };
        Self { part, subresource, ..self }
    }

    /// The same as a dry run, or not.
    #[must_use]
    pub fn dry_run(self, dry_run: bool) -> Self {
        Self { dry_run, ..self }
    }
}

/// What has to be true of an object for a write to happen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preconditions {
    /// Its UID.
    pub uid: Option<String>,
    /// Its resourceVersion.
    pub resource_version: Option<String>,
}

/// What happens to the objects that an object owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Propagation {
    /// They stay: finalizer `orphan`.
    Orphan,
    /// They are collected afterwards.
    Background,
    /// They go first: finalizer `foregroundDeletion`.
    Foreground,
}

/// How an object is deleted.
#[derive(Debug, Clone, Default)]
pub struct DeleteOptions {
    /// Seconds a pod has to end; the pod's own where `None`. Other kinds have none.
    pub grace_period_seconds: Option<i64>,
    /// What has to be true of it.
    pub preconditions: Preconditions,
    /// What happens to what it owns; the kind's default where `None`.
    pub propagation: Option<Propagation>,
    /// Do everything but store it.
    pub dry_run: bool,
}

/// What a delete has done.
#[derive(Debug)]
pub enum Deleted {
    /// The object is gone; its last version.
    Gone(std::sync::Arc<super::Stored>),
    /// The object waits for its finalizers, or for its grace period.
    Pending(std::sync::Arc<super::Stored>),
}

impl Deleted {
    /// The object as the delete left it.
    pub fn object(&self) -> &std::sync::Arc<super::Stored> {
        match self {
            Self::Gone(object) | Self::Pending(object) => object,
        }
    }
}
