//! One request from its arrival to its answer.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use tokio_util::sync::CancellationToken;

use super::modify::{self, Write};
use super::query::{ListQuery, Query};
use super::request::{Route, Target, route};
use super::respond::{self, Answer};
use super::{delete, discovery, logs, read, review, subresource, watch};
use crate::domain::scenario::AccessRequest;
use crate::sim::access::{Access, User, Verdict};
use crate::sim::faults::{self, Action, Failure, Faults};
use crate::sim::logs::Logs;
use crate::sim::openapi::{OpenApiIndex, openapi_document};
use crate::sim::status::Status;
use crate::sim::store::Store;
use crate::sim::validation::TypeCache;

/// The largest body of a request, in bytes; as etcd and the API server have it.
const MOST_BODY: usize = 3 * 1024 * 1024;
/// How long the body of a request may take.
const BODY_DEADLINE: Duration = Duration::from_secs(60);

/// A document of `OpenAPI` 2 that says no more than that: `swagger: "2.0"` in protobuf. kubectl asks for it where an input
/// is a `List` or of an unknown kind, and leaves the validation of what it does not find there to the server.
const OPENAPI2: &[u8] = b"\x0a\x032.0";
const OPENAPI2_TYPE: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/// The connection that a request came on.
#[derive(Debug, Clone, Default)]
pub struct Connection(CancellationToken);

impl Connection {
    /// A connection that is cut together with its server.
    pub fn of(server: &CancellationToken) -> Self {
        Self(server.child_token())
    }

    /// Breaks it, whatever is on its way.
    pub fn cut(&self) {
        self.0.cancel();
    }

    /// Resolves once it is cut.
    pub async fn cutting(&self) {
        self.0.cancelled().await;
    }

    /// Whether it is cut.
    pub fn is_cut(&self) -> bool {
        self.0.is_cancelled()
    }
}

/// What answers the requests of one simulated cluster. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Api(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    store: Store,
    faults: Faults,
    access: Access,
    logs: Logs,
    types: Arc<TypeCache>,
    index: OpenApiIndex,
    stop: CancellationToken,
    address: String,
}

/// The token of a request: a bearer token, or the password of basic authentication.
///
/// `kubectl` and client-go send a token to a server without TLS in no other way than as part of its address,
/// `http://USER:TOKEN@HOST`, of which they make the password.
fn token(headers: &HeaderMap) -> Option<String> {
    let (kind, credentials) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if kind.eq_ignore_ascii_case("bearer") {
        return Some(credentials.trim().to_owned());
    }
    let pair = BASE64_STANDARD.decode(credentials.trim()).ok().filter(|_| kind.eq_ignore_ascii_case("basic"))?;
    let pair = String::from_utf8(pair).ok()?;
    pair.split_once(':').map(|(_, password)| password.to_owned())
}

/// The user that somebody asks to be, whom the rules of the one who asks hold for. Everybody may be anybody.
fn impersonated(user: User, headers: &HeaderMap) -> User {
    let text = |value: &HeaderValue| value.to_str().map(str::to_owned).unwrap_or_default();
    let Some(name) = headers.get("Impersonate-User").map(text) else { return user };
    let groups = headers.get_all("Impersonate-Group").iter().map(text).collect();
    User { name, groups, ..user }
}

impl Api {
    /// For a store, with the tokens in `access`; `types` are shared with the rules of the store; `address` is what discovery says. Watches and logs end at `stop`.
    pub fn new(
        store: Store,
        access: Access,
        faults: Faults,
        logs: Logs,
        types: Arc<TypeCache>,
        address: String,
        stop: CancellationToken,
    ) -> Self {
        let index = OpenApiIndex::default();
        Self(Arc::new(Parts { store, faults, access, logs, types, index, stop, address }))
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.0.faults
    }

    pub(crate) fn logs(&self) -> &Logs {
        &self.0.logs
    }

    pub(crate) fn types(&self) -> &TypeCache {
        &self.0.types
    }

    pub(crate) fn stopping(&self) -> CancellationToken {
        self.0.stop.clone()
    }

    /// Answers a request; never fails, since a failure is an answer.
    pub async fn answer(&self, connection: Connection, request: Request<Body>) -> Response<Body> {
        let mut response = match self.respond(&connection, request).await {
            Ok(response) => response,
            Err(status) => respond::failure(&status),
        };
        // The clock may be driven by a test, and clients compare it with the timestamps of objects.
        let date = self.store().clock().now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        if let Ok(date) = HeaderValue::from_str(&date) {
            response.headers_mut().insert(header::DATE, date);
        }
        response
    }

    async fn respond(&self, connection: &Connection, request: Request<Body>) -> Answer {
        let (head, body) = request.into_parts();
        let route = route(&self.store().resources(), head.uri.path());
        let query = Query::of(&head.uri)?;
        let (target, verb) = match &route {
            Route::Target(target) => (Some(target), target.verb(&head.method, query.truth("watch"))),
            _ => (None, "get"),
        };
        let resource = target.map(resource_name).unwrap_or_default();
        let asked = AccessRequest {
            verb,
            group: target.map(|target| target.resource.group.as_str()).unwrap_or_default(),
            resource: &resource,
            namespace: target.map(namespace).unwrap_or_default(),
            name: target.map(Target::name).unwrap_or_default(),
        };
        let fault = self.faults().meet(&asked, user_agent(&head.headers));
        match &fault {
            Some(Action::Cut) => {
                connection.cut();
                return Ok(respond::text(StatusCode::BAD_GATEWAY, ""));
            }
            Some(Action::Delay(delay)) => self.store().clock().sleep(*delay).await,
            Some(Action::Fail(failure)) => return Err(failure.status()),
            _ => {}
        }
        let user = self.authenticate(&head.headers, &route)?;
        if let Some(target) = target
            && let Verdict::Denied(reason) = user.may(&asked)
        {
            return Err(Status::forbidden(&target.resource, target.name(), user.refusal(&asked, &reason)));
        }
        let response = self.dispatch(&head.method, &head.headers, &query, &route, &user, body, fault.as_ref()).await;
        let response = match response {
            Ok(response) => response,
            Err(status) => respond::failure(&status),
        };
        Ok(self.spoil(connection, response, fault.as_ref()))
    }

    /// What a fault does to an answer.
    fn spoil(&self, connection: &Connection, response: Response<Body>, fault: Option<&Action>) -> Response<Body> {
        match fault {
            Some(Action::CutAfter) => {
                connection.cut();
                response
            }
            Some(Action::Slow { piece, pause }) => {
                let clock = self.store().clock().clone();
                response.map(|body| faults::slow(body, *piece, *pause, clock))
            }
            Some(Action::Truncate { after }) => response.map(|body| faults::truncated(body, *after)),
            _ => response,
        }
    }

    fn authenticate(&self, headers: &HeaderMap, route: &Route) -> Result<User, Status> {
        match token(headers).and_then(|token| self.0.access.user(&token)) {
            Some(user) => Ok(impersonated(user, headers)),
            // What load balancers and clients that only look around ask for needs no credentials.
            None if matches!(route, Route::Health | Route::Version) && !headers.contains_key(header::AUTHORIZATION) => {
                Ok(User::default())
            }
            None => Err(Status::new(401, "Unauthorized", "Unauthorized")),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one request, which are of no use together elsewhere")]
    async fn dispatch(
        &self,
        method: &Method,
        headers: &HeaderMap,
        query: &Query,
        route: &Route,
        user: &User,
        body: Body,
        fault: Option<&Action>,
    ) -> Answer {
        let target = match route {
            Route::Target(target) => target,
            Route::UnknownResource => return Err(no_such_resource()),
            _ if !matches!(*method, Method::GET | Method::HEAD) => return Err(not_allowed()),
            _ => return self.about_the_server(headers, route),
        };
        let verb = target.verb(method, query.truth("watch"));
        check_verb(target, verb)?;
        let body = if matches!(verb, "get" | "list" | "watch") { Bytes::new() } else { self.read(body).await? };
        let write = Write { target, query, headers, body };
        if let Some(answer) = review::review(&write, user, self.store().clock().now()) {
            return answer;
        }
        match (target.subresource.as_str(), verb) {
            ("log", _) => logs::log(self, target, query),
            ("scale", "get") => subresource::get_scale(self, target),
            ("scale", verb) => subresource::write_scale(self, &write, verb == "patch"),
            ("eviction", _) => subresource::evict(self, &write),
            ("binding", _) => subresource::bind(self, &write),
            (_, "get") => read::get(self, target, query, headers),
            (_, "list" | "watch") => {
                let mut asked = ListQuery::of(query, &target.resource, &target.version)?;
                if let Some(Action::Behind { revisions }) = fault {
                    asked = asked.seen_until(self.store().revision().saturating_sub(*revisions))?;
                }
                if asked.watch {
                    watch::watch(self, target, query, &asked, headers, fault)
                } else {
                    read::list(self, target, query, &asked, headers)
                }
            }
            (_, "create") => modify::create(self, &write),
            (_, "update") => modify::update(self, &write),
            (_, "patch") => modify::patch(self, &write),
            (_, "delete") => delete::delete(self, &write),
            (_, "deletecollection") => delete::delete_collection(self, &write),
            _ => Err(not_allowed()),
        }
    }

    fn about_the_server(&self, headers: &HeaderMap, route: &Route) -> Answer {
        let resources = self.store().resources();
        let found = |value: Option<serde_json::Value>| {
            value.map(|value| respond::json(StatusCode::OK, &value)).ok_or_else(no_such_resource)
        };
        match route {
            Route::Root => Ok(respond::json(StatusCode::OK, &discovery::paths(&resources))),
            Route::Version => Ok(respond::json(StatusCode::OK, &discovery::version())),
            Route::Health => Ok(respond::text(StatusCode::OK, "ok")),
            Route::Api => Ok(discovery::api(&resources, headers, &self.0.address)),
            Route::Apis => Ok(discovery::apis(&resources, &self.faults().down(), headers)),
            Route::Group(group) => found(discovery::one_group(&resources, group)),
            Route::GroupVersion(group, _) if self.faults().down().contains(group) => {
                Err(Failure::Server { code: 503, message: String::new() }.status())
            }
            Route::GroupVersion(group, version) => found(discovery::group_version(&resources, group, version)),
            Route::OpenApi2 => Ok(respond::bytes(StatusCode::OK, OPENAPI2_TYPE, OPENAPI2)),
            Route::OpenApi(place) => {
                let place: Vec<_> = place.iter().map(String::as_str).collect();
                found(match place.as_slice() {
                    [] => return Ok(respond::bytes(StatusCode::OK, "application/json", self.0.index.of(&resources))),
                    ["api", version] => openapi_document(&resources, "", version),
                    ["apis", group, version] => openapi_document(&resources, group, version),
                    _ => None,
                })
            }
            Route::UnknownResource | Route::Target(_) => Err(no_such_resource()),
            Route::Nothing => Ok(respond::text(StatusCode::NOT_FOUND, "404 page not found\n")),
        }
    }

    async fn read(&self, body: Body) -> Result<Bytes, Status> {
        let read = self.store().clock().timeout(BODY_DEADLINE, to_bytes(body, MOST_BODY)).await;
        match read {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(error)) if is_too_large(&error) => {
                let message = format!("Request entity too large: limit is {MOST_BODY}");
                Err(Status::new(413, "RequestEntityTooLarge", message))
            }
            Ok(Err(error)) => Err(Status::bad_request(format!("the body cannot be read: {error}"))),
            Err(_) => Err(Status::new(408, "Timeout", "the body of the request did not arrive in time")),
        }
    }
}

fn is_too_large(error: &axum::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        source = error.source();
    }
    false
}

/// The plural, with the subresource where there is one.
fn resource_name(target: &Target) -> String {
    if target.subresource.is_empty() {
        target.resource.plural.clone()
    } else {
        format!("{}/{}", target.resource.plural, target.subresource)
    }
}

/// The namespace as rules see it: a request for a namespace is one in it.
fn namespace(target: &Target) -> &str {
    if target.resource.id() == crate::sim::resource::NAMESPACES { target.name() } else { target.namespace() }
}

/// 404 for a subresource that is not there, 405 for a verb that it does not have.
fn check_verb(target: &Target, verb: &str) -> Result<(), Status> {
    if !subresource::exists(&target.resource, &target.subresource) {
        return Err(no_such_resource());
    }
    let allowed = if target.subresource.is_empty() {
        // A review has no name, and a namespaced object is created in a namespace.
        let placed = target.namespace.is_some() || !target.resource.namespaced;
        let listed = matches!(verb, "list" | "watch");
        let named = target.name.is_some();
        let fits = match verb {
            "create" => !named,
            "update" | "patch" => named,
            _ => true,
        };
        target.resource.verbs.contains(&verb) && (placed || listed) && fits
    } else {
        subresource::verbs(&target.subresource).contains(&verb)
    };
    if allowed { Ok(()) } else { Err(not_allowed()) }
}

fn not_allowed() -> Status {
    with_details(Status::new(
        405,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
    ))
}

fn no_such_resource() -> Status {
    with_details(Status::new(404, "NotFound", "the server could not find the requested resource"))
}

fn with_details(status: Status) -> Status {
    Status { details: Some(Box::default()), ..status }
}

pub(crate) fn user_agent(headers: &HeaderMap) -> &str {
    headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
