//! What the user may do, asked before a key is pressed.

use std::collections::BTreeMap;
use std::sync::Arc;

/// What something needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// See Applications.
    ListApplications,
    /// Sync, abort, refresh and everything else that writes an Application.
    PatchApplications,
    /// See projects and their sync windows.
    ListProjects,
    /// Read Argo CD's cluster and repository Secrets.
    ListSecrets,
    /// See Events.
    ListEvents,
    /// See hook Jobs.
    ListJobs,
    /// See pods.
    ListPods,
    /// Read logs.
    GetLogs,
    /// See Workflows.
    ListWorkflows,
    /// Fail a hook's Job.
    PatchJobStatus,
    /// Run a hook again.
    CreateJobs,
}

/// Rights in one namespace of one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rights {
    /// The cluster: the one Applications live in, or a destination.
    pub cluster: Arc<str>,
    /// The namespace; `None`: all.
    pub namespace: Option<Arc<str>>,
    /// What was asked. `Err`: the missing right in words, for example `patch applications.argoproj.io in namespace
    /// argocd`. What is not here is not known: then it is tried.
    pub known: BTreeMap<Need, Result<(), String>>,
}

impl Rights {
    /// The right that is missing for something; `None`: it is there, or not known.
    pub fn missing(&self, need: Need) -> Option<&str> {
        self.known.get(&need)?.as_ref().err().map(String::as_str)
    }
}

/// Whether an application's hooks can be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookAccess {
    /// Being found out.
    Unknown,
    /// They are watched.
    Watched {
        /// The destination cluster, as it is called here.
        cluster: Arc<str>,
    },
    /// They cannot be: "hooks on CLUSTER: no access".
    None {
        /// The destination cluster, as the Application names it.
        cluster: Arc<str>,
        /// What is missing.
        missing: String,
    },
}
