//! A connection to one cluster, and how a request is sent over it.
//!
//! It uses `kube::Client` for connections and credentials, but not its typed calls: those retry silently, wait without
//! end, put an answer they cannot read into the log (it may be a Secret), and lose the headers.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use http_body_util::{BodyExt as _, Limited};
use jiff::{SignedDuration, Timestamp};
use kube::client::Body;
use serde_json::Value;

use super::connect::Prepared;
use super::error::{ApiError, ClusterError};
use super::renew::Origin;
use crate::clock::Clock;

/// The media type of nearly everything.
pub(super) const JSON: &str = "application/json";
/// Largest answer that is read: a full page of large objects is far below.
const MAX_BODY: usize = 256 << 20;

/// A cluster to talk to. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    pub(super) clock: Clock,
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) client: RwLock<kube::Client>,
    pub(super) origin: tokio::sync::Mutex<Origin>,
    /// UID of its namespace kube-system, once it is known.
    pub(super) uid: OnceLock<String>,
    name: String,
    server: String,
    user: String,
    namespace: String,
    timeout: Duration,
    /// Milliseconds that the server's clock is ahead of ours, from its `Date` headers.
    skew: AtomicI64,
}

/// An answer that is a success.
pub(super) struct Reply {
    pub(super) body: Bytes,
}

/// A request before it is sent.
pub(super) struct Call {
    pub(super) action: String,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) accept: String,
    pub(super) content_type: &'static str,
    pub(super) body: Vec<u8>,
    /// It changes something: then it is never sent again unseen.
    is_write: bool,
}

impl Call {
    pub(super) fn get(action: String, path: String) -> Self {
        Self {
            action,
            method: Method::GET,
            path,
            accept: JSON.to_owned(),
            content_type: JSON,
            body: Vec::new(),
            is_write: false,
        }
    }

    pub(super) fn write(
        action: String,
        method: Method,
        path: String,
        content_type: &'static str,
        body: &Value,
    ) -> Self {
        let (body, is_write) = (body.to_string().into_bytes(), !path.contains("dryRun=All"));
        Self { action, method, path, accept: JSON.to_owned(), content_type, body, is_write }
    }

    /// It changes nothing, whatever its method.
    pub(super) fn question(self) -> Self {
        Self { is_write: false, ..self }
    }
}

/// Tells one connection from another; see [`Cluster::connection`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Connection(usize);

impl Cluster {
    pub(super) fn new(prepared: Prepared, clock: Clock, origin: Origin, timeout: Duration) -> Self {
        let Prepared { client, name, server, user } = prepared;
        let namespace = client.default_namespace().to_owned();
        let (client, origin) = (RwLock::new(client), tokio::sync::Mutex::new(origin));
        let uid = OnceLock::new();
        let shared = Shared { client, origin, uid, name, server, user, namespace, timeout, skew: AtomicI64::new(0) };
        Self { clock, shared: Arc::new(shared) }
    }

    /// The connection as it is now: another follows where the server moved.
    pub(super) fn client(&self) -> kube::Client {
        self.shared.client.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the cluster is called here: the context's name, or that of Argo CD's cluster Secret.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Address of the API server, as it was at first.
    pub fn server(&self) -> &str {
        &self.shared.server
    }

    /// Which connection this is, as long as a clone of it is kept: another one to the same server may have another user.
    pub fn connection(&self) -> Connection {
        Connection(Arc::as_ptr(&self.shared).addr())
    }

    /// The user's name in the kubeconfig; see also [`Cluster::whoami`](Self::whoami).
    pub fn user(&self) -> &str {
        &self.shared.user
    }

    /// Namespace of the context.
    pub fn default_namespace(&self) -> &str {
        &self.shared.namespace
    }

    /// The clock that its waits and timeouts use.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The server's time, as far as its answers told it.
    pub fn server_now(&self) -> Timestamp {
        let skew = SignedDuration::from_millis(self.shared.skew.load(Ordering::Relaxed));
        self.clock.now().checked_add(skew).unwrap_or_else(|_| self.clock.now())
    }

    /// How long one request may take, the connection included.
    pub(super) fn timeout(&self) -> Duration {
        self.shared.timeout
    }

    /// Sends one request and reads its answer, once, within the timeout.
    pub(super) async fn send(&self, call: Call) -> Result<Reply, ClusterError> {
        let (action, is_write) = (call.action.clone(), call.is_write);
        let timeout = self.timeout();
        let work = async {
            let (status, headers, body) = self.open(call).await?;
            let failed = |reason: String| {
                let action = action.clone();
                if is_write {
                    ClusterError::OutcomeUnknown { action, reason, status: None }
                } else {
                    ClusterError::NoAnswer { action, reason }
                }
            };
            let body = Limited::new(body, MAX_BODY).collect().await.map_err(|error| failed(error.to_string()))?;
            let body = body.to_bytes();
            if status.is_success() {
                return Ok(Reply { body });
            }
            let status = ApiError::read(status.as_u16(), retry_after(&headers), &body);
            Err(ClusterError::from_status(action.clone(), is_write, status))
        };
        self.clock.timeout(timeout, work).await.unwrap_or_else(|_| {
            let reason = format!("nothing came within {} s", timeout.as_secs());
            Err(if is_write {
                ClusterError::OutcomeUnknown { action: action.clone(), reason, status: None }
            } else {
                ClusterError::NoAnswer { action: action.clone(), reason }
            })
        })
    }

    /// Sends one request and gives its answer as soon as its head is there.
    pub(super) async fn open(&self, call: Call) -> Result<(http::StatusCode, HeaderMap, Body), ClusterError> {
        let is_write = call.is_write;
        let action = call.action;
        let request = Request::builder()
            .method(call.method)
            .uri(&call.path)
            .header(header::ACCEPT, call.accept)
            .header(header::CONTENT_TYPE, call.content_type)
            .body(Body::from(call.body))
            .map_err(|_| ClusterError::Name { action: action.clone(), name: call.path.clone() })?;
        let sent = self.clock.monotonic();
        let response = match self.client().send(request).await {
            Ok(response) => response,
            Err(error) => {
                let error = ClusterError::from_kube(&action, is_write, &error);
                if error.may_have_moved() {
                    self.renew(false).await;
                }
                return Err(error);
            }
        };
        self.note_time(response.headers(), self.clock.monotonic().saturating_sub(sent));
        if response.status() == http::StatusCode::UNAUTHORIZED {
            self.renew(true).await;
        }
        let (parts, body) = response.into_parts();
        Ok((parts.status, parts.headers, body))
    }

    /// Takes in the time in the head of an answer that came this long after its request was sent.
    fn note_time(&self, headers: &HeaderMap, trip: Duration) {
        let date = headers.get(header::DATE).and_then(|date| date.to_str().ok());
        let Some(server) = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()) else { return };
        let ours = self.clock.now();
        let seen = server.timestamp().duration_since(ours).as_millis();
        let known = self.shared.skew.load(Ordering::Relaxed);
        let trip = i64::try_from(trip.as_millis()).unwrap_or(i64::MAX);
        self.shared.skew.store(skew(known, i64::try_from(seen).unwrap_or(0), trip), Ordering::Relaxed);
    }
}

/// Milliseconds that a header leaves out: it has whole seconds.
const SECOND: i64 = 1000;

/// How far the server's clock is ahead of ours, in milliseconds, once a header has come whose time is ahead of ours by
/// `seen`, `trip` milliseconds after its request was sent. The server wrote it some time in between and left out the part of
/// the second, so that the truth is somewhat above: what is known is kept while it can be true, or times would jump to and
/// fro, and those of a slow answer far.
fn skew(known: i64, seen: i64, trip: i64) -> i64 {
    known.clamp(seen, seen.saturating_add(SECOND).saturating_add(trip.max(0)))
}

pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_time_does_not_jump_with_the_age_of_headers() {
        // How far the clocks are apart; each header is as old as its part of a second and its way.
        for apart in [0, 5_000, -5_000, 700] {
            let mut known = 0;
            let mut all = Vec::new();
            for (part, way) in
                [(10, 0), (300, 0), (940, 100), (990, 0), (20, 0), (900, 200), (500, 0), (990, 10), (30, 0)]
            {
                known = skew(known, apart - part - way, way);
                all.push(known);
            }
            let settled = all.split_off(5);
            assert!(settled.iter().all(|own| *own == known), "{apart}: {all:?} {settled:?}");
            assert!((apart - 1_500..=apart + 1_500).contains(&known), "{apart}: {known}");
        }
    }

    #[test]
    fn an_answer_that_was_long_on_its_way_says_little_about_the_servers_time() {
        for known in [0, 1_200] {
            assert_eq!(skew(known, known - 10_000, 10_000), known, "the clocks are as far apart as they were");
        }
        assert_eq!(skew(0, 60_000, 10_000), 60_000, "it is ahead in any case");
        assert_eq!(skew(0, -60_000, 10_000), -49_000, "it is behind in any case");
    }
}
