//! Sync options, compare options and Helm's resource policy: words that change how one object, or all of an
//! Application, is applied, compared and deleted.

use crate::domain::hook::tokens;
use crate::domain::manifest::Object;
use crate::domain::names;

/// A list of `Key=value` words, from an operation, an Application's sync policy or an object's annotation.
///
/// Words count only if they are spelt exactly: case and spaces inside matter, and `Prune=False` is not `Prune=false`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SyncOptions(Vec<String>);

/// What an option says about pruning or deleting an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Removal {
    /// Nothing, or something Argo CD does not know: the object goes.
    #[default]
    Allowed,
    /// `=false`: the object stays.
    Refused,
    /// `=confirm`: the object goes when somebody approves.
    AfterConfirmation,
}

impl Removal {
    fn from_value(value: &str) -> Self {
        match value {
            "false" => Self::Refused,
            "confirm" => Self::AfterConfirmation,
            _ => Self::Allowed,
        }
    }
}

impl SyncOptions {
    /// The options of a list that is one already (an operation's, a sync policy's): nothing is trimmed.
    pub fn from_list<T: Into<String>>(options: impl IntoIterator<Item = T>) -> Self {
        Self(options.into_iter().map(Into::into).collect())
    }

    /// The options in an object's annotation, a comma list.
    pub fn of_object(object: &Object) -> Self {
        Self::from_list(tokens(object.annotation(names::SYNC_OPTIONS).unwrap_or_default()))
    }

    /// The options in the order in which they were written.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether this very option is there, for example `Replace=true`.
    pub fn has(&self, option: &str) -> bool {
        self.0.iter().any(|own| own == option)
    }

    /// The value of the first option with this key.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.0.iter().find_map(|option| option.strip_prefix(key)?.strip_prefix('='))
    }

    /// What `Prune=...` says here; `None` if there is no such option, and the Application's counts.
    pub fn prune(&self) -> Option<Removal> {
        self.value("Prune").map(Removal::from_value)
    }

    /// What `Delete=...` says here; `None` if there is no such option, and the Application's counts.
    pub fn delete(&self) -> Option<Removal> {
        self.value("Delete").map(Removal::from_value)
    }

    /// Whether server-side apply is used for an object with these options in an operation with those of `operation`:
    /// the object may refuse it.
    pub fn server_side_apply(&self, operation: &Self) -> bool {
        !self.has("ServerSideApply=false")
            && (self.has("ServerSideApply=true") || operation.has("ServerSideApply=true"))
    }
}

/// Whether pruning an object is allowed, by its own option or else by the operation's.
pub fn prune(object: &Object, operation: &SyncOptions) -> Removal {
    SyncOptions::of_object(object).prune().or_else(|| operation.prune()).unwrap_or_default()
}

/// Whether deleting an object with its Application is allowed, by its own option or else by the sync policy's, and
/// unless Helm's resource policy keeps it.
pub fn delete(object: &Object, policy: &SyncOptions) -> Removal {
    if helm_keeps(object) {
        return Removal::Refused;
    }
    SyncOptions::of_object(object).delete().or_else(|| policy.delete()).unwrap_or_default()
}

/// `helm.sh/resource-policy: keep`: the object stays when the Application is deleted. It does not stop pruning.
pub fn helm_keeps(object: &Object) -> bool {
    tokens(object.annotation(names::HELM_RESOURCE_POLICY).unwrap_or_default()).contains(&"keep")
}

/// Whether the object's compare options hold this very word, for example `IgnoreExtraneous` (an object that needs
/// pruning does not make the Application out of sync).
pub fn has_compare_option(object: &Object, option: &str) -> bool {
    tokens(object.annotation(names::COMPARE_OPTIONS).unwrap_or_default()).contains(&option)
}
