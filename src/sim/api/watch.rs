//! `watch`: the changes of a collection, line by line.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::json;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::output::{Form, Output};
use super::query::{ListQuery, Query, Version};
use super::read;
use super::request::Target;
use super::respond::{self, Answer};
use super::selector::Selector;
use super::serve::Api;
use crate::clock::Interval;
use crate::domain::scenario::{AccessRequest, RequestMatch};
use crate::sim::faults::{Action, WatchOrder};
use crate::sim::status::Status;
use crate::sim::store::{Event, EventKind, Stored, Subscription};

/// How long a watch lasts where the client does not say, as API servers do it (they take 30 to 60 minutes).
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(45 * 60);
/// How often a bookmark tells the client where the collection is.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
/// About how many bytes of lines are sent at once.
const PIECE: usize = 128 * 1024;

/// Answers a watch.
pub(crate) fn watch(
    api: &Api,
    target: &Target,
    query: &Query,
    asked: &ListQuery,
    headers: &HeaderMap,
    fault: Option<&Action>,
) -> Answer {
    let output = read::output(api, target, query, headers, false)?;
    let id = target.resource.id();
    let mut initial = VecDeque::new();
    let (subscription, failed) = match (asked.version, asked.initial_events) {
        (Version::At(then), _) if asked.exact => {
            initial.extend(api.store().list_at(&id, None, then)?);
            (Some(api.store().watch(&id, then)?), None)
        }
        (Version::At(after), None | Some(false)) => match api.store().watch(&id, after) {
            Ok(subscription) => (Some(subscription), None),
            // Too old: said in the stream, as the real one does.
            Err(status) => (None, Some(status)),
        },
        (_, Some(false)) => (Some(api.store().list_and_watch(&id).1), None),
        (_, None | Some(true)) => {
            let (objects, subscription) = api.store().list_and_watch(&id);
            initial.extend(objects);
            (Some(subscription), None)
        }
    };
    let clock = api.store().clock();
    let limit = match fault {
        Some(Action::Watch { after, order }) => Some((*after, *order)),
        _ => None,
    };
    let watch = Watch {
        subscription,
        failed,
        initial,
        initial_end: (asked.initial_events == Some(true) && asked.bookmarks).then_some(()),
        namespace: target.namespace.clone(),
        name: target.name.clone(),
        selector: asked.selector.clone(),
        first: true,
        timeout: Box::pin(clock.sleep(asked.timeout.unwrap_or(DEFAULT_TIMEOUT))),
        bookmarks: asked.bookmarks.then(|| clock.interval(BOOKMARK_EVERY)),
        stop: api.stopping(),
        orders: api.faults().orders(),
        limit,
        user_agent: super::serve::user_agent(headers).to_owned(),
        output,
    };
    let lines = futures::stream::unfold(Some(watch), |watch| async { watch?.step().await });
    Ok(respond::stream(StatusCode::OK, "application/json", Body::from_stream(lines)))
}

struct Watch {
    subscription: Option<Subscription>,
    /// Why it ends before it begins.
    failed: Option<Status>,
    initial: VecDeque<Arc<Stored>>,
    initial_end: Option<()>,
    namespace: Option<String>,
    name: Option<String>,
    selector: Selector,
    /// No event has been sent yet.
    first: bool,
    timeout: Pin<Box<dyn Future<Output = ()> + Send>>,
    bookmarks: Option<Interval>,
    stop: CancellationToken,
    orders: broadcast::Receiver<(RequestMatch, WatchOrder)>,
    /// What happens after so many more events.
    limit: Option<(usize, WatchOrder)>,
    user_agent: String,
    output: Output,
}

type Step = Option<(Result<Bytes, io::Error>, Option<Watch>)>;

/// What a watch wakes up for.
enum Woken {
    Event(Result<Arc<Event>, Status>),
    Bookmark,
    Order(WatchOrder),
    End,
}

impl Watch {
    /// The next piece of the answer; `None` at its end.
    async fn step(mut self) -> Step {
        if let Some(status) = self.failed.take() {
            return Some((Ok(error_line(&status)), None));
        }
        let initial = self.initial_piece();
        if !initial.is_empty() {
            return Some((Ok(initial.into()), Some(self)));
        }
        loop {
            if let Some((0, order)) = self.limit {
                return self.obey(order).await;
            }
            match self.woken().await {
                Woken::End => return None,
                Woken::Order(order) => return self.obey(order).await,
                Woken::Bookmark => {
                    let revision = self.position();
                    return Some((Ok(self.output.bookmark(revision, false)), Some(self)));
                }
                Woken::Event(Err(status)) => return Some((Ok(error_line(&status)), None)),
                Woken::Event(Ok(event)) => {
                    if let Some(line) = self.line(&event) {
                        return Some((Ok(self.with_more(line)), Some(self)));
                    }
                }
            }
        }
    }

    /// The objects that were there at the beginning, and the bookmark that ends them.
    fn initial_piece(&mut self) -> Vec<u8> {
        let mut piece = Vec::new();
        while piece.len() < PIECE && self.limit.is_none_or(|(left, _)| left > 0) {
            let Some(object) = self.initial.pop_front() else { break };
            if self.covers(&object) && self.selector.matches(&object) {
                let line = self.output.event(EventKind::Added, &object, std::mem::take(&mut self.first));
                piece.extend_from_slice(&line);
                self.count();
            }
        }
        if self.initial.is_empty() && self.initial_end.take().is_some() {
            piece.extend_from_slice(&self.output.bookmark(self.position(), true));
        }
        piece
    }

    fn position(&self) -> u64 {
        self.subscription.as_ref().map_or(0, Subscription::position)
    }

    async fn woken(&mut self) -> Woken {
        loop {
            let next = async {
                match &mut self.subscription {
                    Some(subscription) => subscription.next().await,
                    None => std::future::pending().await,
                }
            };
            let bookmark = async {
                match &mut self.bookmarks {
                    Some(interval) => interval.tick().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return Woken::End,
                order = self.orders.recv() => {
                    if let Ok((filter, order)) = order && filter.matches(&self.request(), &self.user_agent) {
                        return Woken::Order(order);
                    }
                }
                event = next => return Woken::Event(event),
                () = &mut self.timeout => return Woken::End,
                () = bookmark => return Woken::Bookmark,
            }
        }
    }

    fn request(&self) -> AccessRequest<'_> {
        AccessRequest {
            verb: "watch",
            group: &self.output.resource.group,
            resource: &self.output.resource.plural,
            namespace: self.namespace.as_deref().unwrap_or_default(),
            name: self.name.as_deref().unwrap_or_default(),
        }
    }

    /// An event and those that are there already.
    fn with_more(&mut self, line: Bytes) -> Bytes {
        let mut piece: Option<Vec<u8>> = None;
        while piece.as_ref().map_or(line.len(), Vec::len) < PIECE && self.limit.is_none_or(|(left, _)| left > 0) {
            let Some(Ok(Some(event))) = self.subscription.as_mut().map(Subscription::try_next) else { break };
            if let Some(more) = self.line(&event) {
                piece.get_or_insert_with(|| line.to_vec()).extend_from_slice(&more);
            }
        }
        piece.map_or(line, Bytes::from)
    }

    fn covers(&self, object: &Stored) -> bool {
        self.namespace.as_ref().is_none_or(|namespace| namespace == object.namespace())
            && self.name.as_ref().is_none_or(|name| name == object.name())
    }

    /// The line for an event, as far as this watch sees it: an object that no longer matches is deleted for it.
    fn line(&mut self, event: &Event) -> Option<Bytes> {
        if !self.covers(&event.object) {
            return None;
        }
        let (plain, stored_version) =
            (self.output.form == Form::Plain, self.output.version == self.output.resource.version);
        if self.selector.is_empty() && plain && stored_version {
            self.count();
            return Some(event.line());
        }
        let before = event.previous.as_ref().is_some_and(|previous| self.selector.matches(previous));
        let now = event.kind != EventKind::Deleted && self.selector.matches(&event.object);
        let kind = match (before, now) {
            (false, false) => return None,
            (false, true) => EventKind::Added,
            (true, true) => EventKind::Modified,
            (true, false) => EventKind::Deleted,
        };
        self.count();
        let first = std::mem::take(&mut self.first);
        // What leaves the selection is shown as it was when it was last part of it.
        let left = event.previous.as_ref().filter(|_| kind == EventKind::Deleted && event.kind != EventKind::Deleted);
        Some(match left {
            Some(previous) => self.output.event(kind, &previous.at_revision(event.revision()), first),
            None => self.output.event(kind, &event.object, first),
        })
    }

    fn count(&mut self) {
        if let Some((left, _)) = &mut self.limit {
            *left = left.saturating_sub(1);
        }
    }

    async fn obey(mut self, mut order: WatchOrder) -> Step {
        // Stalled, it can still be told to end or to break.
        while order == WatchOrder::Stall {
            tokio::select! {
                () = self.stop.cancelled() => return None,
                next = self.orders.recv() => {
                    if let Ok((filter, next)) = next && filter.matches(&self.request(), &self.user_agent) {
                        order = next;
                    }
                }
            }
        }
        match order {
            WatchOrder::End | WatchOrder::Stall => None,
            WatchOrder::Cut => Some((Err(io::Error::other("the watch was cut")), None)),
            WatchOrder::Expire => {
                let status = Status::expired("The resourceVersion for the provided watch is too old.");
                Some((Ok(error_line(&status)), None))
            }
        }
    }
}

fn error_line(status: &Status) -> Bytes {
    Bytes::from(format!("{}\n", json!({ "type": "ERROR", "object": status.to_json() })))
}
