//! How one object is applied, dry-run and pruned: sync options of the object and of the operation, put together.

use crate::domain::manifest::Object;
use crate::domain::operation::{Strategy, SyncRequest};
use crate::domain::sync_options::{Removal, SyncOptions, prune};

/// How an object is applied. `Replace` beats server-side apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "five sync options, each on or off by itself")]
pub struct ApplyRule {
    /// `ServerSideApply=true`: the object or the operation asks for it, and the object does not refuse.
    pub server_side: bool,
    /// `Replace=true`: replaced as a whole instead of patched.
    pub replace: bool,
    /// `Force=true`, or force of the strategy: deleted and created again where a field cannot be changed.
    pub force: bool,
    /// Fields that the schema does not know are errors; `Validate=false` turns it off.
    pub validate: bool,
    /// Before a server-side apply, fields owned by a client-side apply move to the new owner
    /// (`ClientSideApplyMigration=false` turns it off).
    pub migrate: bool,
}

impl ApplyRule {
    /// The rule for a target, and its live object if there is one, in an operation.
    pub(super) fn new(target: &Object, live: Option<&Object>, request: &SyncRequest, options: &SyncOptions) -> Self {
        let own = SyncOptions::of_object(target);
        let of_live = live.map(SyncOptions::of_object).unwrap_or_default();
        let anywhere = |option: &str| own.has(option) || of_live.has(option) || options.has(option);
        let (Strategy::Hook { force } | Strategy::Apply { force }) = request.strategy;
        let replace = anywhere("Replace=true");
        Self {
            server_side: !replace && own.server_side_apply(options),
            replace,
            force: force || anywhere("Force=true"),
            validate: !own.has("Validate=false") && !options.has("Validate=false"),
            migrate: !options.has("ClientSideApplyMigration=false"),
        }
    }
}

/// Whether an object can be tried before anything is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DryRun {
    /// It can.
    #[default]
    Possible,
    /// Its kind does not exist yet: its definition comes with the same sync.
    KindComesWithTheSync,
    /// Its kind does not exist, and `SkipDryRunOnMissingResource=true` says that it will in time.
    KindIsMissing,
    /// Its namespace does not exist yet: it comes with the same sync.
    NamespaceComesWithTheSync,
}

/// How an object is pruned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PruneRule {
    /// `Prune=false` and `Prune=confirm`, of the object or else of the operation.
    pub removal: Removal,
    /// `PruneLast=true`, of the object or the operation.
    pub last: bool,
}

impl PruneRule {
    pub(super) fn new(live: &Object, options: &SyncOptions) -> Self {
        let own = SyncOptions::of_object(live);
        let last = own.has("PruneLast=true") || options.has("PruneLast=true");
        Self { removal: prune(live, options), last }
    }
}

/// What becomes of an object's dependants when it is deleted: `PrunePropagationPolicy` of the operation. It holds for
/// prunes and for hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Propagation {
    /// They go first.
    #[default]
    Foreground,
    /// They go afterwards.
    Background,
    /// They stay: the pods of a deleted Job go on running.
    Orphan,
}

impl Propagation {
    /// As the Kubernetes API writes it in the options of a deletion.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Foreground => "Foreground",
            Self::Background => "Background",
            Self::Orphan => "Orphan",
        }
    }

    /// The policy of an operation; Argo CD takes any word it does not know for foreground.
    pub(super) fn of(options: &SyncOptions) -> Self {
        match options.value("PrunePropagationPolicy") {
            Some("background") => Self::Background,
            Some("orphan") => Self::Orphan,
            _ => Self::Foreground,
        }
    }
}
