//! Single requests: read, list, create, apply, patch, delete.
//!
//! They go through `kube::Client` for connections and credentials, but not through its typed calls: those retry
//! silently, wait without end, put an answer they cannot read into the log (it may be a Secret), and lose the headers.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use http_body_util::{BodyExt as _, Limited};
use jiff::{SignedDuration, Timestamp};
use kube::client::Body;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::error::{ApiError, ClusterError};
use super::kinds::Kind;
use crate::clock::Clock;
use crate::domain::manifest::Object;

const JSON: &str = "application/json";
/// Largest answer that is read: a full page of large objects is far below.
const MAX_BODY: usize = 256 << 20;
/// What may stand in a path or a query as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A cluster to talk to. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    pub(super) client: kube::Client,
    pub(super) clock: Clock,
    shared: Arc<Shared>,
}

struct Shared {
    name: String,
    server: String,
    user: String,
    namespace: String,
    timeout: Duration,
    /// Milliseconds that the server's clock is ahead of ours, from its `Date` headers.
    skew: AtomicI64,
}

/// Where objects are looked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    /// In the whole cluster.
    All,
    /// In one namespace.
    Namespace(String),
}

/// Which objects are looked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Selectors {
    /// Label selector, empty: all.
    pub labels: String,
    /// Field selector, empty: all.
    pub fields: String,
}

/// What one page of a list is asked with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// At most so many objects; 0: all.
    pub limit: u32,
    /// The token of the page before.
    pub token: String,
}

/// A list, complete or one page of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ObjectList {
    /// The objects, with `apiVersion` and `kind`.
    pub items: Vec<Object>,
    /// Version of the whole list, from where a watch goes on.
    pub resource_version: String,
    /// Token of the next page, empty on the last.
    pub next: String,
}

/// A part of an object that is written by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Subresource {
    /// The object itself.
    #[default]
    None,
    /// `status`.
    Status,
}

/// How a write is checked and marked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WriteOptions {
    /// Change nothing, but answer as if.
    pub dry_run: bool,
    /// Name in managedFields, at most 128 characters.
    pub manager: String,
    /// Unknown fields are an error, else they are dropped.
    pub strict: bool,
    /// Which part is written.
    pub subresource: Subresource,
}

/// Server-side apply.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Apply {
    /// Take over fields of other managers.
    pub force: bool,
    /// The rest.
    pub options: WriteOptions,
}

/// A patch, by its kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Patch {
    /// RFC 7386.
    Merge(Value),
    /// RFC 6902.
    Json(Value),
    /// Kubernetes' own, for built-in kinds.
    Strategic(Value),
}

/// What happens to an object's dependents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Propagation {
    /// They go first.
    #[default]
    Foreground,
    /// They go afterwards.
    Background,
    /// They stay.
    Orphan,
}

/// How an object is deleted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delete {
    /// Only this object, not another of its name: 409 otherwise. Empty: any.
    pub uid: String,
    /// Only this version of it. Empty: any.
    pub resource_version: String,
    /// What happens to its dependents.
    pub propagation: Propagation,
    /// Seconds of grace; `None`: the object's own.
    pub grace: Option<u32>,
    /// Change nothing, but answer as if.
    pub dry_run: bool,
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
}

impl Call {
    pub(super) fn get(action: String, path: String) -> Self {
        Self { action, method: Method::GET, path, accept: JSON.to_owned(), content_type: JSON, body: Vec::new() }
    }

    fn write(action: String, method: Method, path: String, content_type: &'static str, body: &Value) -> Self {
        Self { action, method, path, accept: JSON.to_owned(), content_type, body: body.to_string().into_bytes() }
    }

    fn is_write(&self) -> bool {
        self.method != Method::GET
    }
}

impl Cluster {
    pub(super) fn new(
        client: kube::Client,
        clock: Clock,
        name: String,
        server: String,
        user: String,
        timeout: Duration,
    ) -> Self {
        let namespace = client.default_namespace().to_owned();
        let shared = Shared { name, server, user, namespace, timeout, skew: AtomicI64::new(0) };
        Self { client, clock, shared: Arc::new(shared) }
    }

    /// What the cluster is called here: the context's name, or that of Argo CD's cluster Secret.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Address of the API server.
    pub fn server(&self) -> &str {
        &self.shared.server
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

    /// One object; `None` where there is none.
    pub async fn get(&self, kind: &Kind, namespace: &str, name: &str) -> Result<Option<Object>, ClusterError> {
        let action = action("reading", kind, namespace, name);
        let path = object_path(&action, kind, namespace, name, Subresource::None)?;
        match self.send(Call::get(action.clone(), path)).await {
            Ok(reply) => read_object(&action, &reply.body).map(Some),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// One page of a list.
    pub async fn list_page(
        &self,
        kind: &Kind,
        scope: &Scope,
        selectors: &Selectors,
        page: &Page,
    ) -> Result<ObjectList, ClusterError> {
        let action = format!("listing {}", kind.plural);
        let mut query = selector_query(selectors);
        if page.limit > 0 {
            query.push(("limit", page.limit.to_string()));
        }
        if !page.token.is_empty() {
            query.push(("continue", page.token.clone()));
        }
        let path = with_query(collection_path(&action, kind, scope)?, &query);
        let reply = self.send(Call::get(action.clone(), path)).await?;
        read_list(&action, kind, &reply.body)
    }

    /// A whole list, page by page. Where the list changes too much between two pages it is read once more, whole.
    pub async fn list(&self, kind: &Kind, scope: &Scope, selectors: &Selectors) -> Result<ObjectList, ClusterError> {
        let mut all = ObjectList::default();
        let mut page = Page { limit: 500, token: String::new() };
        loop {
            match self.list_page(kind, scope, selectors, &page).await {
                Ok(mut part) => {
                    all.items.append(&mut part.items);
                    all.resource_version = part.resource_version;
                    if part.next.is_empty() {
                        return Ok(all);
                    }
                    page.token = part.next;
                }
                Err(error) if error.is_expired() && !page.token.is_empty() => {
                    return self.list_page(kind, scope, selectors, &Page::default()).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Creates an object; its `metadata.name` or `generateName` names it.
    pub async fn create(&self, kind: &Kind, object: &Object, options: &WriteOptions) -> Result<Object, ClusterError> {
        let name = if object.name().is_empty() { object.generate_name() } else { object.name() };
        let action = action("creating", kind, object.namespace(), name);
        let scope = scope_of(kind, object.namespace());
        let path = with_query(collection_path(&action, kind, &scope)?, &write_query(options));
        let body = Value::Object(object.as_json().clone());
        self.write_object(Call::write(action, Method::POST, path, JSON, &body)).await
    }

    /// Applies an object server-side.
    pub async fn apply(&self, kind: &Kind, object: &Object, apply: &Apply) -> Result<Object, ClusterError> {
        let action = action("applying", kind, object.namespace(), object.name());
        let path = object_path(&action, kind, object.namespace(), object.name(), apply.options.subresource)?;
        let mut query = write_query(&apply.options);
        query.push(("force", apply.force.to_string()));
        let body = Value::Object(object.as_json().clone());
        let content_type = "application/apply-patch+yaml";
        self.write_object(Call::write(action, Method::PATCH, with_query(path, &query), content_type, &body)).await
    }

    /// Replaces an object. Its `metadata.resourceVersion`, where it has one, must be the current one.
    pub async fn replace(&self, kind: &Kind, object: &Object, options: &WriteOptions) -> Result<Object, ClusterError> {
        let action = action("replacing", kind, object.namespace(), object.name());
        let path = object_path(&action, kind, object.namespace(), object.name(), options.subresource)?;
        let body = Value::Object(object.as_json().clone());
        self.write_object(Call::write(action, Method::PUT, with_query(path, &write_query(options)), JSON, &body)).await
    }

    /// Patches an object. A `metadata.resourceVersion` in a merge patch must be the current one.
    pub async fn patch(
        &self,
        kind: &Kind,
        namespace: &str,
        name: &str,
        patch: &Patch,
        options: &WriteOptions,
    ) -> Result<Object, ClusterError> {
        let action = action("patching", kind, namespace, name);
        let path = object_path(&action, kind, namespace, name, options.subresource)?;
        let (content_type, body) = match patch {
            Patch::Merge(body) => ("application/merge-patch+json", body),
            Patch::Json(body) => ("application/json-patch+json", body),
            Patch::Strategic(body) => ("application/strategic-merge-patch+json", body),
        };
        let path = with_query(path, &write_query(options));
        self.write_object(Call::write(action, Method::PATCH, path, content_type, body)).await
    }

    /// Deletes an object. `Ok(false)`: there was none.
    pub async fn delete(
        &self,
        kind: &Kind,
        namespace: &str,
        name: &str,
        delete: &Delete,
    ) -> Result<bool, ClusterError> {
        let action = action("deleting", kind, namespace, name);
        let path = object_path(&action, kind, namespace, name, Subresource::None)?;
        let mut preconditions = serde_json::Map::new();
        for (field, value) in [("uid", &delete.uid), ("resourceVersion", &delete.resource_version)] {
            if !value.is_empty() {
                preconditions.insert(field.to_owned(), Value::String(value.clone()));
            }
        }
        let mut body = serde_json::json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": match delete.propagation {
                Propagation::Foreground => "Foreground",
                Propagation::Background => "Background",
                Propagation::Orphan => "Orphan",
            },
        });
        if !preconditions.is_empty() {
            body["preconditions"] = Value::Object(preconditions);
        }
        if let Some(grace) = delete.grace {
            body["gracePeriodSeconds"] = grace.into();
        }
        if delete.dry_run {
            body["dryRun"] = serde_json::json!(["All"]);
        }
        match self.send(Call::write(action, Method::DELETE, path, JSON, &body)).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn get_json(&self, action: &str, path: &str, accept: &str) -> Result<Value, ClusterError> {
        let mut call = Call::get(action.to_owned(), path.to_owned());
        accept.clone_into(&mut call.accept);
        let reply = self.send(call).await?;
        serde_json::from_slice(&reply.body).map_err(|error| unreadable(action, &error))
    }

    pub(super) async fn post_json(&self, action: &str, path: &str, body: &Value) -> Result<Value, ClusterError> {
        let call = Call::write(action.to_owned(), Method::POST, path.to_owned(), JSON, body);
        let reply = self.send(call).await?;
        serde_json::from_slice(&reply.body).map_err(|error| unreadable(action, &error))
    }

    async fn write_object(&self, call: Call) -> Result<Object, ClusterError> {
        let action = call.action.clone();
        let reply = self.send(call).await?;
        read_object(&action, &reply.body)
    }

    /// Sends one request and reads its answer, once, within the timeout.
    pub(super) async fn send(&self, call: Call) -> Result<Reply, ClusterError> {
        let (action, is_write) = (call.action.clone(), call.is_write());
        let timeout = self.shared.timeout;
        let work = async {
            let (status, headers, body) = self.open(call).await?;
            let failed = |reason: String| {
                let action = action.clone();
                if is_write {
                    ClusterError::OutcomeUnknown { action, reason }
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
            Err(ClusterError::Api { action: action.clone(), status })
        };
        self.clock.timeout(timeout, work).await.unwrap_or_else(|_| {
            let reason = format!("nothing came within {} s", timeout.as_secs());
            Err(if is_write {
                ClusterError::OutcomeUnknown { action: action.clone(), reason }
            } else {
                ClusterError::NoAnswer { action: action.clone(), reason }
            })
        })
    }

    /// Sends one request and gives its answer as soon as its head is there.
    pub(super) async fn open(&self, call: Call) -> Result<(http::StatusCode, HeaderMap, Body), ClusterError> {
        let is_write = call.is_write();
        let action = call.action;
        let request = Request::builder()
            .method(call.method)
            .uri(&call.path)
            .header(header::ACCEPT, call.accept)
            .header(header::CONTENT_TYPE, call.content_type)
            .body(Body::from(call.body))
            .map_err(|_| ClusterError::Name { action: action.clone(), name: call.path.clone() })?;
        let response =
            self.client.send(request).await.map_err(|error| ClusterError::from_kube(&action, is_write, &error))?;
        self.note_time(response.headers());
        let (parts, body) = response.into_parts();
        Ok((parts.status, parts.headers, body))
    }

    fn note_time(&self, headers: &HeaderMap) {
        let date = headers.get(header::DATE).and_then(|date| date.to_str().ok());
        let Some(server) = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()) else { return };
        let ours = self.clock.now();
        // The header has whole seconds: less than one second apart counts as equal.
        let skew = server.timestamp().duration_since(ours).as_millis();
        let skew = if (-1000..=0).contains(&skew) { 0 } else { i64::try_from(skew).unwrap_or(0) };
        self.shared.skew.store(skew, Ordering::Relaxed);
    }
}

pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

fn action(verb: &str, kind: &Kind, namespace: &str, name: &str) -> String {
    if namespace.is_empty() {
        format!("{verb} {} {name}", kind.kind)
    } else {
        format!("{verb} {} {namespace}/{name}", kind.kind)
    }
}

fn scope_of(kind: &Kind, namespace: &str) -> Scope {
    if kind.namespaced && !namespace.is_empty() { Scope::Namespace(namespace.to_owned()) } else { Scope::All }
}

/// A name as part of a path. `.` and `..` would be taken for folders, and an empty one for the collection.
fn segment(action: &str, name: &str) -> Result<String, ClusterError> {
    if name.is_empty() || name == "." || name == ".." || name.len() > 1024 {
        return Err(ClusterError::Name { action: action.to_owned(), name: name.chars().take(100).collect() });
    }
    Ok(utf8_percent_encode(name, PLAIN).to_string())
}

pub(super) fn collection_path(action: &str, kind: &Kind, scope: &Scope) -> Result<String, ClusterError> {
    let mut path = if kind.group.is_empty() {
        format!("/api/{}", segment(action, &kind.version)?)
    } else {
        format!("/apis/{}/{}", segment(action, &kind.group)?, segment(action, &kind.version)?)
    };
    if let (Scope::Namespace(namespace), true) = (scope, kind.namespaced) {
        path.push_str("/namespaces/");
        path.push_str(&segment(action, namespace)?);
    }
    path.push('/');
    path.push_str(&segment(action, &kind.plural)?);
    Ok(path)
}

pub(super) fn object_path(
    action: &str,
    kind: &Kind,
    namespace: &str,
    name: &str,
    subresource: Subresource,
) -> Result<String, ClusterError> {
    if kind.namespaced && namespace.is_empty() {
        return Err(ClusterError::Name { action: action.to_owned(), name: String::new() });
    }
    let collection = collection_path(action, kind, &scope_of(kind, namespace))?;
    let path = format!("{collection}/{}", segment(action, name)?);
    Ok(match subresource {
        Subresource::None => path,
        Subresource::Status => format!("{path}/status"),
    })
}

pub(super) fn selector_query(selectors: &Selectors) -> Vec<(&'static str, String)> {
    let pairs = [("labelSelector", &selectors.labels), ("fieldSelector", &selectors.fields)];
    pairs.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.clone())).collect()
}

fn write_query(options: &WriteOptions) -> Vec<(&'static str, String)> {
    let mut query = Vec::new();
    if options.dry_run {
        query.push(("dryRun", "All".to_owned()));
    }
    if !options.manager.is_empty() {
        query.push(("fieldManager", options.manager.clone()));
    }
    query.push(("fieldValidation", if options.strict { "Strict" } else { "Ignore" }.to_owned()));
    query
}

pub(super) fn with_query(mut path: String, query: &[(&str, String)]) -> String {
    for (index, (name, value)) in query.iter().enumerate() {
        path.push(if index == 0 { '?' } else { '&' });
        path.push_str(name);
        path.push('=');
        path.extend(utf8_percent_encode(value, PLAIN));
    }
    path
}

fn unreadable(action: &str, error: &serde_json::Error) -> ClusterError {
    ClusterError::Unreadable { action: action.to_owned(), reason: error.to_string() }
}

fn read_object(action: &str, body: &[u8]) -> Result<Object, ClusterError> {
    let value = serde_json::from_slice(body).map_err(|error| unreadable(action, &error))?;
    Object::from_json(value)
        .map_err(|error| ClusterError::Unreadable { action: action.to_owned(), reason: error.to_string() })
}

/// The items of a list say neither their `apiVersion` nor their `kind`.
fn read_list(action: &str, kind: &Kind, body: &[u8]) -> Result<ObjectList, ClusterError> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct List {
        #[serde(default)]
        metadata: Metadata,
        items: Option<Vec<Value>>,
    }
    #[derive(serde::Deserialize, Default)]
    #[serde(rename_all = "camelCase")]
    struct Metadata {
        #[serde(default)]
        resource_version: String,
        #[serde(default, rename = "continue")]
        next: String,
    }
    let list: List = serde_json::from_slice(body).map_err(|error| unreadable(action, &error))?;
    let api_version = kind.api_version();
    let mut items = Vec::new();
    for mut item in list.items.unwrap_or_default() {
        if let Value::Object(fields) = &mut item {
            fields.entry("apiVersion").or_insert_with(|| Value::String(api_version.clone()));
            fields.entry("kind").or_insert_with(|| Value::String(kind.kind.clone()));
        }
        items.push(
            Object::from_json(item)
                .map_err(|error| ClusterError::Unreadable { action: action.to_owned(), reason: error.to_string() })?,
        );
    }
    Ok(ObjectList { items, resource_version: list.metadata.resource_version, next: list.metadata.next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_a_cluster_cannot_lead_to_another_path() {
        let jobs = Kind::known("batch", "v1", "Job", "jobs", true);
        let path = |namespace: &str, name: &str| object_path("reading", &jobs, namespace, name, Subresource::None);
        assert_eq!(path("shop", "db-migrate").unwrap(), "/apis/batch/v1/namespaces/shop/jobs/db-migrate");
        assert_eq!(path("shop", "a/../b?x=1#y").unwrap(), "/apis/batch/v1/namespaces/shop/jobs/a%2F..%2Fb%3Fx%3D1%23y");
        for (namespace, name) in [("shop", ""), ("shop", ".."), ("..", "x"), ("", "x")] {
            assert!(path(namespace, name).is_err(), "{namespace:?} {name:?}");
        }
    }

    #[test]
    fn list_items_get_their_kind() {
        let jobs = Kind::known("batch", "v1", "Job", "jobs", true);
        let body = br#"{"metadata":{"resourceVersion":"7","continue":"t"},"items":[{"metadata":{"name":"a"}}]}"#;
        let list = read_list("listing jobs", &jobs, body).unwrap();
        assert_eq!((list.resource_version.as_str(), list.next.as_str()), ("7", "t"));
        assert_eq!(list.items[0].key().to_string(), "batch/Job/a");
        assert!(read_list("listing jobs", &jobs, b"{\"items\":[1]}").is_err());
        assert!(read_list("listing jobs", &jobs, br#"{"items":null}"#).unwrap().items.is_empty());
    }
}
