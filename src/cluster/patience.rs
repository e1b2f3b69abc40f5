//! What a watch asks through: a client that does not wait without end, does not take an old state for the present one,
//! and does not ask without a pause.
//!
//! kube's watcher waits for the begin of an answer for as long as it takes, asks for a streaming list of any age (an API
//! server that is behind its peers would answer with what was, and what is known would go back in time), and where an
//! answer ends at once asks again at once, in silence.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, StreamBody};
use kube::client::Body;
use tower::BoxError;

use super::beginning::{Beginning, Went};
use super::client::retry_after;
use super::watch::wait_after;
use crate::clock::Clock;

/// How long the begin of an answer may take.
const BEGIN: Duration = Duration::from_secs(30);
/// A watch that ends sooner and said nothing has not watched.
const SHORT: Duration = Duration::from_secs(1);
/// So many of them in a row may be chance: the next ones wait.
const CHANCE: u32 = 3;

/// How long the last answer that was a refusal asks to wait, from its `Retry-After`. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct ToldToWait(Arc<AtomicU64>);

impl ToldToWait {
    /// Seconds are enough: it is what the header has.
    fn note(&self, answer: &Response<Body>) {
        let asked = if answer.status().is_success() { None } else { retry_after(answer.headers()) };
        self.0.store(asked.unwrap_or_default().as_secs(), Ordering::Relaxed);
    }

    pub(super) fn take(&self) -> Option<Duration> {
        Some(Duration::from_secs(self.0.swap(0, Ordering::Relaxed))).filter(|wait| !wait.is_zero())
    }
}

/// A client for one watch. An answer of which nothing more comes for as long as `silence` is broken off.
pub(super) fn patient(
    client: kube::Client,
    clock: Clock,
    silence: Duration,
    told: ToldToWait,
    went: Went,
) -> kube::Client {
    let namespace = client.default_namespace().to_owned();
    // Watches in a row that ended at once.
    let short = Arc::new(AtomicU32::new(0));
    let service = tower::service_fn(move |request: Request<Body>| {
        let (client, clock, short) = (client.clone(), clock.clone(), Arc::clone(&short));
        let (told, went) = (told.clone(), went.clone());
        async move {
            let request = of_now(request);
            let is_watch = has_parameter(request.uri(), "watch=true");
            let is_list = has_parameter(request.uri(), "sendInitialEvents=true");
            let before = short.load(Ordering::Relaxed);
            if is_watch && before >= CHANCE {
                clock.sleep(wait_after(before - CHANCE)).await;
            }
            let begun = clock.monotonic();
            let answer = clock.timeout(BEGIN, client.send(request)).await.map_err(|_| silent(BEGIN))?;
            let answer: Response<Body> = answer.map_err(BoxError::from)?;
            told.note(&answer);
            let count = Count { short: is_watch.then_some(short), begun, clock };
            let watched = Watched { count, beginning: is_list.then(Beginning::default), went };
            let heard = |body| {
                futures::stream::unfold(Some((body, watched)), move |state: Option<(Body, Watched)>| async move {
                    let (mut body, mut watched) = state?;
                    let count = &mut watched.count;
                    let next = count.clock.timeout(silence, body.frame()).await;
                    match next {
                        Ok(Some(Ok(frame))) => {
                            count.said_something();
                            if frame.data_ref().is_some_and(|piece| watched.has_lost(piece)) {
                                return Some((Err(broken("an object went while the list was given")), None));
                            }
                            Some((Ok(frame), Some((body, watched))))
                        }
                        Ok(Some(Err(error))) => Some((Err(BoxError::from(error)), None)),
                        Ok(None) => {
                            count.ended();
                            None
                        }
                        Err(_) => Some((Err(silent(silence)), None)),
                    }
                })
            };
            Ok::<_, BoxError>(answer.map(|body| StreamBody::new(heard(body).boxed())))
        }
    });
    kube::Client::new(service, namespace)
}

/// What is known of an answer.
struct Watched {
    count: Count,
    /// `None`: it does not begin with a list.
    beginning: Option<Beginning>,
    went: Went,
}

impl Watched {
    fn has_lost(&mut self, piece: &[u8]) -> bool {
        let has_lost = self.beginning.as_mut().is_some_and(|beginning| beginning.has_lost(piece));
        if has_lost {
            self.went.note();
        }
        has_lost
    }
}

/// Counts the watches that ended at once.
struct Count {
    /// `None`: not a watch.
    short: Option<Arc<AtomicU32>>,
    begun: Duration,
    clock: Clock,
}

impl Count {
    fn said_something(&mut self) {
        if let Some(short) = self.short.take() {
            short.store(0, Ordering::Relaxed);
        }
    }

    fn ended(&mut self) {
        if let Some(short) = self.short.take() {
            let is_short = self.clock.monotonic().saturating_sub(self.begun) < SHORT;
            let count = if is_short { short.load(Ordering::Relaxed).saturating_add(1) } else { 0 };
            short.store(count, Ordering::Relaxed);
        }
    }
}

fn silent(waited: Duration) -> BoxError {
    broken(format!("nothing came within {} s", waited.as_secs()))
}

/// Not `TimedOut`, which kube takes for an end like any other and passes over.
fn broken(words: impl Into<String>) -> BoxError {
    BoxError::from(io::Error::new(io::ErrorKind::ConnectionAborted, words.into()))
}

fn has_parameter(uri: &Uri, wanted: &str) -> bool {
    uri.query().is_some_and(|query| query.split('&').any(|own| own == wanted))
}

/// Without the word that any state will do where a streaming list is asked for: then the server tells the present one.
fn of_now(request: Request<Body>) -> Request<Body> {
    const ANY: &str = "resourceVersion=0";
    if !has_parameter(request.uri(), "sendInitialEvents=true") || !has_parameter(request.uri(), ANY) {
        return request;
    }
    let query = request.uri().query().unwrap_or_default();
    let rest: Vec<&str> = query.split('&').filter(|own| *own != ANY && !own.is_empty()).collect();
    let Ok(uri) = format!("{}?{}", request.uri().path(), rest.join("&")).parse() else { return request };
    let (mut head, body) = request.into_parts();
    head.uri = uri;
    Request::from_parts(head, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_streaming_list_is_asked_for_as_it_is_now() {
        let table = [
            (
                "/api/v1/pods?&watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=0",
                "/api/v1/pods?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
            ),
            ("/api/v1/pods?&watch=true&resourceVersion=0", "/api/v1/pods?&watch=true&resourceVersion=0"),
            (
                "/api/v1/pods?&watch=true&sendInitialEvents=true&resourceVersion=07",
                "/api/v1/pods?&watch=true&sendInitialEvents=true&resourceVersion=07",
            ),
            ("/api/v1/pods", "/api/v1/pods"),
        ];
        for (asked, expected) in table {
            let request = Request::get(asked).body(Body::empty()).unwrap();
            assert_eq!(of_now(request).uri(), expected);
        }
    }
}
