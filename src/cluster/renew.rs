//! An API server that moved, and credentials that were renewed: after a failure that can come of either, what a client was
//! made from is read again. Kubeconfigs are rewritten by those who make clusters, open tunnels or log in, while a watch
//! goes on for days; `kubectl` is started anew each time and never has to.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::PoisonError;
use std::time::Duration;

use super::client::Cluster;
use super::connect::{ConnectError, Target, files, prepare};

/// How often at most a client is made anew from the same content: a credential plugin may give another token then.
const AGAIN: Duration = Duration::from_secs(5);

/// How long another server may take to say which cluster it is of.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a client was made from.
pub(super) struct Origin {
    target: Target,
    user_agent: String,
    /// Digest of the files that it names.
    content: u64,
    /// Address of its API server.
    server: String,
    /// When it was last made anew, in the clock's monotonic time.
    renewed: Option<Duration>,
}

impl Origin {
    pub(super) fn new(target: Target, server: &str, user_agent: &str) -> Self {
        let content = content(&target);
        Self { target, user_agent: user_agent.to_owned(), content, server: server.to_owned(), renewed: None }
    }
}

fn content(target: &Target) -> u64 {
    let mut hasher = DefaultHasher::new();
    if let Target::Kubeconfig { path, .. } = target {
        for file in files(path.as_deref()).0 {
            std::fs::read(file).ok().hash(&mut hasher);
        }
    }
    hasher.finish()
}

impl Cluster {
    /// After a failure: makes the client anew if its kubeconfig has changed, or, where the server does not know who asks,
    /// if that was not tried lately.
    pub(super) async fn renew(&self, is_unauthorized: bool) {
        // Another request has failed too, and is at it.
        let Ok(mut origin) = self.shared.origin.try_lock() else { return };
        if !matches!(origin.target, Target::Kubeconfig { .. }) {
            return;
        }
        let (now, content) = (self.clock.monotonic(), content(&origin.target));
        let is_due = origin.renewed.is_none_or(|last| now.saturating_sub(last) >= AGAIN);
        if content == origin.content && !(is_unauthorized && is_due) {
            return;
        }
        origin.renewed = Some(now);
        match Box::pin(prepare(&origin.target, &origin.user_agent)).await {
            // A context may be made to lead to another cluster, and who looks at this one does not mean that one.
            Ok(prepared) if prepared.server != origin.server && !Box::pin(self.is_same(&prepared.client)).await => {
                tracing::warn!(
                    server = prepared.server,
                    "the kubeconfig has another server, not known to be this cluster's"
                );
            }
            Ok(prepared) => {
                origin.content = content;
                origin.server = prepared.server;
                self.use_client(prepared.client);
            }
            // It may be half written.
            Err(error) => tracing::warn!(%error, "the kubeconfig has changed and cannot be used"),
        }
    }

    /// From now on this is the cluster with this UID of its namespace kube-system: it is known again at another address.
    pub fn known_as(&self, uid: &str) {
        // The first word counts.
        let _ = self.shared.uid.set(uid.to_owned());
    }

    /// Whether a client is one for the cluster that this one is known as.
    async fn is_same(&self, client: &kube::Client) -> bool {
        let Some(uid) = self.shared.uid.get() else { return false };
        let request = http::Request::get("/api/v1/namespaces/kube-system").body(Vec::new());
        let Ok(request) = request else { return false };
        let found = self.clock.timeout(PATIENCE, client.request::<serde_json::Value>(request)).await;
        let found = found.ok().and_then(Result::ok);
        found.and_then(|found| Some(found.pointer("/metadata/uid")?.as_str()? == uid)).unwrap_or_default()
    }

    /// From now on the cluster is reached by another address, or opened by another credential.
    pub async fn retarget(&self, target: Target) -> Result<(), ConnectError> {
        let mut origin = self.shared.origin.lock().await;
        if origin.target != target {
            let prepared = Box::pin(prepare(&target, &origin.user_agent)).await?;
            self.use_client(prepared.client);
            origin.target = target;
        }
        Ok(())
    }

    fn use_client(&self, client: kube::Client) {
        // Nothing panics while it is held.
        *self.shared.client.write().unwrap_or_else(PoisonError::into_inner) = client;
    }
}
