//! The Lease `boathook-engine`: of several engines only its holder works.
//!
//! Times are the API server's, as its answers tell them, so that clocks of two machines need not agree. Our own claim
//! ends by the monotonic clock before anybody else may believe it has. Then nothing is done until it is taken back.
//!
//! Engines of several control planes have a Lease each, which says for which Applications its holder works. An engine looks
//! for those of the others before it works and after it has taken its own: of two that start at the same time at least one
//! sees the other.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::error::EngineError;
use super::options::EngineOptions;
use crate::cluster::{Cluster, ClusterError, Kind, Scope, Selectors, WriteOptions};
use crate::domain::manifest::Object;
use crate::domain::names::{BOATHOOK_APPLICATIONS, EVERY_NAMESPACE};

/// Its name; clients look for it.
const NAME: &str = "boathook-engine";
/// Seconds for which a claim holds that does not say it.
const SECONDS: i64 = 15;
/// Of the time for which a claim holds: after this part of it, it is renewed.
const RENEW: u32 = 3;
/// Pause between tries while the API server does not answer.
const PAUSE: Duration = Duration::from_millis(500);
/// Tries before a start fails.
const TRIES: u32 = 5;
/// Longest pause between tries to take it back.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// The claim of one engine.
pub(crate) struct Lease {
    cluster: Cluster,
    namespace: String,
    identity: String,
    /// Where the Applications are that it is for.
    applications: Scope,
    /// For how long a claim holds.
    holds: Duration,
}

/// Why an engine does not have its Lease any more.
pub(crate) enum Lost {
    /// Somebody else has it.
    To(String),
    /// It could not be renewed. That may pass.
    Unrenewed(String),
}

/// What came of one try.
enum Tried {
    Held,
    Other(String),
    Raced,
}

impl Lease {
    /// The Lease of the engines of a control plane, for one that works as the options say.
    pub(crate) fn new(cluster: Cluster, identity: &str, options: &EngineOptions) -> Self {
        let holds = Duration::from_secs(options.lease.as_secs().clamp(3, 3600));
        let (namespace, applications) = (options.control_plane.clone(), options.applications.clone());
        Self { cluster, namespace, identity: identity.to_owned(), applications, holds }
    }

    /// Without a renewal for so long the claim is given up, while nobody else may take it yet.
    fn gives_up_after(&self) -> Duration {
        self.holds.saturating_sub(self.holds / RENEW)
    }

    /// Takes it, if nobody else holds it, and no engine of another control plane works on the same Applications. The same
    /// identity takes it back at once.
    pub(crate) async fn acquire(&self) -> Result<(), EngineError> {
        if let Some(who) = self.elsewhere().await? {
            return Err(EngineError::OtherController(who));
        }
        self.take().await?;
        if let Some(who) = self.elsewhere().await? {
            self.release().await;
            return Err(EngineError::OtherController(who));
        }
        Ok(())
    }

    /// As [`Lease::at_work_elsewhere`], asked a few times where the API server does not answer.
    async fn elsewhere(&self) -> Result<Option<String>, ClusterError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.at_work_elsewhere().await {
                Err(error) if tries < TRIES && error.is_transient() => {
                    self.cluster.clock().sleep(error.retry_after().unwrap_or(PAUSE)).await;
                }
                answer => return answer,
            }
        }
    }

    async fn take(&self) -> Result<(), EngineError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.attempt().await {
                Ok(Tried::Held) => return Ok(()),
                Ok(Tried::Other(who)) => return Err(EngineError::OtherController(who)),
                Ok(Tried::Raced) if tries < TRIES => {}
                Ok(Tried::Raced) => return Err(EngineError::OtherController("another engine that starts".to_owned())),
                Err(error) if tries < TRIES && (error.is_transient() || error.is_outcome_unknown()) => {
                    self.cluster.clock().sleep(error.retry_after().unwrap_or(PAUSE)).await;
                }
                Err(error) if error.is_not_found() => return Err(EngineError::NoNamespace(self.namespace.clone())),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Renews it until it is lost; says why.
    pub(crate) async fn keep(&self) -> Lost {
        let clock = self.cluster.clock();
        let mut renewed = clock.monotonic();
        loop {
            clock.sleep_until(renewed + self.holds / RENEW).await;
            let end = renewed + self.gives_up_after();
            loop {
                let sent = clock.monotonic();
                match clock.timeout(end.saturating_sub(sent), self.attempt()).await {
                    Ok(Ok(Tried::Held)) => {
                        renewed = sent;
                        break;
                    }
                    Ok(Ok(Tried::Other(who))) => return Lost::To(who),
                    Ok(Ok(Tried::Raced)) => {}
                    Ok(Err(error)) => {
                        if clock.monotonic() + PAUSE >= end {
                            return Lost::Unrenewed(error.to_string());
                        }
                        tracing::warn!(%error, "the Lease was not renewed");
                        clock.sleep(PAUSE).await;
                    }
                    Err(_) => return Lost::Unrenewed("it could not be renewed in time".to_owned()),
                }
            }
        }
    }

    /// Takes it back, however long that takes. An error: somebody else has it.
    pub(crate) async fn regain(&self) -> Result<(), String> {
        let mut pause = PAUSE;
        loop {
            match self.attempt().await {
                // Meanwhile another one may have begun to work on the same Applications.
                Ok(Tried::Held) => match self.at_work_elsewhere().await {
                    Ok(None) => return Ok(()),
                    Ok(Some(who)) => {
                        self.release().await;
                        return Err(who);
                    }
                    Err(error) => tracing::warn!(%error, "nobody can tell yet whether another engine is at work"),
                },
                Ok(Tried::Other(who)) => return Err(who),
                Ok(Tried::Raced) => {}
                Err(error) => tracing::warn!(%error, "the Lease cannot be taken back yet"),
            }
            self.cluster.clock().sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Gives it back, so that the next engine need not wait. That it fails only costs that wait.
    pub(crate) async fn release(&self) {
        let kind = kind();
        let Ok(Some(lease)) = self.cluster.get(&kind, &self.namespace, NAME).await else { return };
        if holder(&lease) == self.identity {
            let _ = self.put(&kind, &lease, "").await;
        }
    }

    async fn attempt(&self) -> Result<Tried, ClusterError> {
        let kind = kind();
        let Some(lease) = self.cluster.get(&kind, &self.namespace, NAME).await? else {
            let metadata = json!({ "name": NAME, "namespace": self.namespace });
            let lease = json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata });
            let Ok(lease) = Object::from_json(lease) else { return Ok(Tried::Raced) };
            let lease = self.claimed(&lease, &self.identity);
            return match self.cluster.create(&kind, &lease, &options()).await {
                Ok(_) => Ok(Tried::Held),
                Err(error) if error.is_already_there() => Ok(Tried::Raced),
                Err(error) => Err(error),
            };
        };
        if holder(&lease) != self.identity
            && let Some(who) = claimant(&lease, self.cluster.server_now())
        {
            return Ok(Tried::Other(who));
        }
        self.put(&kind, &lease, &self.identity).await
    }

    /// Writes it if it is still the version that was read.
    async fn put(&self, kind: &Kind, lease: &Object, holder: &str) -> Result<Tried, ClusterError> {
        match self.cluster.replace(kind, &self.claimed(lease, holder), &options()).await {
            Ok(_) => Ok(Tried::Held),
            Err(error) if error.is_conflict() || error.is_not_found() => Ok(Tried::Raced),
            Err(error) => Err(error),
        }
    }

    fn claimed(&self, lease: &Object, holder: &str) -> Object {
        let now = format!("{:.6}", self.cluster.server_now());
        let before = lease.at(&["spec"]).cloned().unwrap_or_default();
        let is_new = before["holderIdentity"] != holder;
        let times = before["leaseTransitions"].as_i64().unwrap_or_default();
        let spec = json!({
            "holderIdentity": holder,
            "leaseDurationSeconds": self.holds.as_secs(),
            "acquireTime": if is_new { now.as_str() } else { before["acquireTime"].as_str().unwrap_or(&now) },
            "renewTime": now,
            "leaseTransitions": if is_new && !holder.is_empty() { times.saturating_add(1) } else { times },
        });
        let applications = match &self.applications {
            Scope::All => EVERY_NAMESPACE,
            Scope::Namespace(namespace) => namespace,
        };
        let mut lease = lease.clone();
        let whole = lease.as_json_mut();
        whole.insert("spec".to_owned(), spec);
        if let Some(metadata) = whole.get_mut("metadata").and_then(Value::as_object_mut) {
            let annotations = metadata.entry("annotations").or_insert(Value::Null);
            if !annotations.is_object() {
                *annotations = json!({});
            }
            annotations[BOATHOOK_APPLICATIONS] = json!(applications);
        }
        lease
    }

    /// The engine of another control plane that works on the same Applications. Where it is not permitted to look, nobody
    /// is found.
    async fn at_work_elsewhere(&self) -> Result<Option<String>, ClusterError> {
        let selectors = Selectors { fields: format!("metadata.name={NAME}"), ..Selectors::default() };
        let leases = match self.cluster.list(&kind(), &Scope::All, &selectors).await {
            Err(error) if error.is_denied() => return Ok(None),
            leases => leases?.items,
        };
        let now = self.cluster.server_now();
        let is_other = |lease: &&Object| lease.name() == NAME && lease.namespace() != self.namespace;
        let mut others = leases.iter().filter(is_other).filter(|lease| overlaps(lease, &self.applications));
        Ok(others.find_map(|lease| claimant(lease, now)))
    }
}

/// Whether a Lease is for some of these Applications. One that does not say for which it is may be for all.
fn overlaps(lease: &Object, applications: &Scope) -> bool {
    match (lease.annotation(BOATHOOK_APPLICATIONS), applications) {
        (None | Some(EVERY_NAMESPACE), _) | (_, Scope::All) => true,
        (Some(namespace), Scope::Namespace(own)) => namespace == own,
    }
}

/// The engine that is at work for the Applications of another control plane.
pub(super) async fn at_work(cluster: &Cluster, namespace: &str) -> Result<Option<String>, ClusterError> {
    let lease = match cluster.get(&kind(), namespace, NAME).await {
        // No namespace can have that name, and no control plane.
        Err(ClusterError::Name { .. }) => None,
        lease => lease?,
    };
    Ok(lease.and_then(|lease| claimant(&lease, cluster.server_now())))
}

/// Who holds a Lease, if its claim has not ended.
fn claimant(lease: &Object, now: Timestamp) -> Option<String> {
    let (holder, end) = (holder(lease), ends(lease));
    if holder.is_empty() || end.is_some_and(|end| end <= now) {
        return None;
    }
    let until = end.map_or_else(|| "an unknown time".to_owned(), |end| format!("{end:.0}"));
    Some(format!("the engine {holder}, which holds the Lease {NAME} until {until} in namespace {}", lease.namespace()))
}

fn kind() -> Kind {
    Kind::known("coordination.k8s.io", "v1", "Lease", "leases", true)
}

fn options() -> WriteOptions {
    WriteOptions { manager: NAME.to_owned(), ..WriteOptions::default() }
}

fn holder(lease: &Object) -> &str {
    lease.at(&["spec", "holderIdentity"]).and_then(Value::as_str).unwrap_or_default()
}

/// When a claim ends; `None` if that cannot be read.
fn ends(lease: &Object) -> Option<Timestamp> {
    let renewed: Timestamp = lease.at(&["spec", "renewTime"])?.as_str()?.parse().ok()?;
    let seconds = lease.at(&["spec", "leaseDurationSeconds"]).and_then(Value::as_i64).unwrap_or(SECONDS);
    renewed.checked_add(SignedDuration::from_secs(seconds.clamp(1, 3600))).ok()
}
