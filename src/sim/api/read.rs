//! `get` and `list`.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::output::{self, Output};
use super::query::{ListQuery, Query, Version};
use super::request::Target;
use super::respond::{self, Answer};
use super::serve::Api;
use crate::sim::status::Status;
use crate::sim::store::Stored;

/// About how many bytes of a list are written at once.
const PIECE: usize = 256 * 1024;

/// One object.
pub(crate) fn get(api: &Api, target: &Target, query: &Query, headers: &HeaderMap) -> Answer {
    let object = find(api, target)?;
    let output = output(api, target, query, headers, false)?;
    Ok(respond::bytes(StatusCode::OK, "application/json", output.object(&object)))
}

/// The object that a request is about.
pub(crate) fn find(api: &Api, target: &Target) -> Result<Arc<Stored>, Status> {
    let object = api.store().get(&target.resource.id(), target.namespace(), target.name());
    object.ok_or_else(|| Status::not_found(&target.resource, target.name()))
}

/// How objects are to be written.
pub(crate) fn output(
    api: &Api,
    target: &Target,
    query: &Query,
    headers: &HeaderMap,
    list: bool,
) -> Result<Output, Status> {
    let form = output::form(headers, query, list)?;
    let now = api.store().clock().now();
    Ok(Output { resource: Arc::clone(&target.resource), version: target.version.clone(), form, now })
}

/// A collection, or a page of it.
pub(crate) fn list(api: &Api, target: &Target, query: &Query, asked: &ListQuery, headers: &HeaderMap) -> Answer {
    let output = output(api, target, query, headers, true)?;
    let page = page(api, target, asked)?;
    let mut pieces = Pieces {
        output,
        objects: page.objects.into_iter(),
        state: At::Start,
        next: page.next,
        revision: page.revision,
        remaining: page.remaining,
    };
    // A list of one piece has a length.
    let first = pieces.next().unwrap_or_default();
    if matches!(pieces.state, At::Done) {
        return Ok(respond::bytes(StatusCode::OK, "application/json", first));
    }
    let all = std::iter::once(first).chain(pieces).map(Ok::<_, std::convert::Infallible>);
    Ok(respond::stream(StatusCode::OK, "application/json", Body::from_stream(futures::stream::iter(all))))
}

struct Page {
    objects: Vec<Arc<Stored>>,
    revision: u64,
    next: Option<String>,
    remaining: Option<usize>,
}

/// The objects that a list asks for, as they were at the revision it asks for.
fn page(api: &Api, target: &Target, asked: &ListQuery) -> Result<Page, Status> {
    let id = target.resource.id();
    let namespace = target.namespace.as_deref();
    let token = asked.next.as_deref().map(Continue::read).transpose()?;
    let at = match (&token, asked.version) {
        (Some(token), _) => Some(token.revision),
        // As before there was resourceVersionMatch: a limit makes an older version exact.
        (None, Version::At(revision)) if asked.exact || asked.limit.is_some() => Some(revision),
        (None, Version::At(revision)) => {
            if revision > api.store().revision() {
                api.store().list_at(&id, namespace, revision)?;
            }
            None
        }
        (None, Version::Latest | Version::Any) => None,
    };
    let (objects, revision) = match at {
        None => api.store().list(&id, namespace),
        Some(revision) => {
            let objects = api.store().list_at(&id, namespace, revision).map_err(|mut status| {
                if token.is_some() && status.code == 410 {
                    "The provided continue parameter is too old to display a consistent list result. \
                                      You must start a new list without the continue parameter."
                        .clone_into(&mut status.message);
                }
                status
            })?;
            (objects, revision)
        }
    };
    let after = |object: &&Arc<Stored>| {
        token
            .as_ref()
            .is_none_or(|token| (object.namespace(), object.name()) > (token.namespace.as_str(), token.name.as_str()))
    };
    let mut matching = objects.iter().filter(after).filter(|object| asked.selector.matches(object)).cloned();
    // From its cache the server answers with everything.
    let Some(limit) = asked.limit.filter(|_| asked.version != Version::Any) else {
        return Ok(Page { objects: matching.collect(), revision, next: None, remaining: None });
    };
    let objects: Vec<_> = matching.by_ref().take(limit).collect();
    let mut rest = matching.peekable();
    let next = objects.last().filter(|_| rest.peek().is_some()).map(|last| {
        Continue { revision, namespace: last.namespace().to_owned(), name: last.name().to_owned() }.write()
    });
    // With a selector the server does not know how many are left.
    let remaining = (next.is_some() && asked.selector.is_empty()).then(|| rest.count());
    Ok(Page { objects, revision, next, remaining })
}

/// Where the next page begins.
struct Continue {
    revision: u64,
    namespace: String,
    name: String,
}

impl Continue {
    /// Opaque to clients: the hexadecimal digits of JSON.
    fn write(&self) -> String {
        use std::fmt::Write as _;
        let text = json!([self.revision, self.namespace, self.name]).to_string();
        text.bytes().fold(String::new(), |mut token, byte| {
            let _ = write!(token, "{byte:02x}");
            token
        })
    }

    fn read(token: &str) -> Result<Self, Status> {
        let bad = || Status::bad_request(format!("invalid continue token: continue key is not valid: {token:.64}"));
        let digits = token.as_bytes().chunks(2);
        let bytes: Option<Vec<u8>> =
            digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
        let value: Value = serde_json::from_slice(&bytes.ok_or_else(bad)?).map_err(|_| bad())?;
        let (revision, namespace, name): (u64, String, String) = serde_json::from_value(value).map_err(|_| bad())?;
        Ok(Self { revision, namespace, name })
    }
}

/// Writes a list piece by piece, so that a list of 200 MB never stands in memory as a whole.
struct Pieces {
    output: Output,
    objects: std::vec::IntoIter<Arc<Stored>>,
    state: At,
    next: Option<String>,
    revision: u64,
    remaining: Option<usize>,
}

#[derive(Clone, Copy)]
enum At {
    Start,
    Within,
    Done,
}

impl Iterator for Pieces {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let mut piece = match self.state {
            At::Start => self.output.list_open(self.revision, self.next.as_deref(), self.remaining),
            At::Within => Vec::with_capacity(PIECE + PIECE / 4),
            At::Done => return None,
        };
        let mut first = matches!(self.state, At::Start);
        self.state = At::Within;
        while piece.len() < PIECE {
            let Some(object) = self.objects.next() else {
                piece.extend_from_slice(Output::list_close());
                self.state = At::Done;
                break;
            };
            if !std::mem::take(&mut first) {
                piece.push(b',');
            }
            self.output.list_item(&mut piece, &object);
        }
        Some(piece.into())
    }
}
