//! What a plan is made from.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::kinds::Kinds;
use crate::domain::manifest::{Object, ObjectKey};
use crate::domain::operation::{OperationState, SyncRequest};

/// Everything a plan depends on.
#[derive(Clone)]
pub struct PlanInput<'a> {
    /// The rendered manifests, hooks among them.
    pub targets: &'a [Arc<Object>],
    /// The live objects that belong to the application: those tracked to it without an owner, and whatever lives under
    /// the key of a target. What the project does not permit, and objects that carry another object's tracking id, are
    /// not among them. Empty where no cluster was asked.
    pub live: &'a [Arc<Object>],
    /// What the cluster knows of kinds.
    pub kinds: &'a Kinds,
    /// The options of the operation. An operation without a sync block has no plan.
    pub request: &'a SyncRequest,
    /// Namespace for objects that name none.
    pub destination_namespace: &'a str,
    /// The namespace of the destination as it lives; `None`: it does not exist, or no cluster was asked.
    pub live_namespace: Option<&'a Arc<Object>>,
    /// `managedNamespaceMetadata` of the sync policy: labels and annotations of a namespace that the sync creates.
    pub namespace_metadata: Option<&'a Value>,
    /// The revision that names of hooks are made from: that of the single source, empty with several sources.
    pub revision: &'a str,
    /// Start of the operation.
    pub started_at: Timestamp,
    /// What the project permits.
    pub permission: Permission<'a>,
    /// Keys that are out of sync, for `ApplyOutOfSyncOnly=true`. `None`: not known, so nothing is left out for it.
    pub out_of_sync: Option<&'a HashSet<ObjectKey>>,
    /// What the operation has recorded so far; `None` if it has not begun. A hook with a `generateName` keeps the name it
    /// was recorded with, even where another start of the operation would give another name (a resumed operation). Prunes
    /// keep the waves they had when the attempt began, although those that are done are seen no more.
    pub recorded: Option<&'a OperationState>,
    /// Give hooks whose generated names collide names of their own. Argo CD does not: it applies both to one name.
    pub unique_names: bool,
}

/// Whether the project permits an object (its key, and whether its kind is namespaced). The error is the message that
/// ends the operation, in Argo CD's words.
#[derive(Clone, Copy)]
pub enum Permission<'a> {
    /// Everything is permitted.
    All,
    /// Asks for each object.
    Ask(&'a dyn Fn(&ObjectKey, bool) -> Result<(), String>),
}

impl Permission<'_> {
    /// Whether an object is permitted, and the message if it is not.
    pub(super) fn check(&self, key: &ObjectKey, namespaced: bool) -> Result<(), String> {
        match self {
            Self::All => Ok(()),
            Self::Ask(ask) => ask(key, namespaced),
        }
    }
}

impl fmt::Debug for Permission<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::All => "All",
            Self::Ask(_) => "Ask(..)",
        })
    }
}
