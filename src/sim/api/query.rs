//! The query of a request, read as Kubernetes reads it.

use std::time::Duration;

use axum::extract::Query as Decoded;
use http::Uri;

use super::selector::Selector;
use crate::sim::resource::Resource;
use crate::sim::status::{Details, FieldError, FieldProblem, Status};
use crate::sim::store::Propagation;

/// The parameters of a query, decoded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn of(uri: &Uri) -> Result<Self, Status> {
        Decoded::<Vec<(String, String)>>::try_from_uri(uri)
            .map(|Decoded(parameters)| Self(parameters))
            .map_err(|error| Status::bad_request(format!("the query cannot be read: {error}")))
    }

    /// All of them.
    pub(crate) fn parameters(&self) -> &[(String, String)] {
        &self.0
    }

    /// The first value of a parameter; `None` also for an empty one.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Everything but a missing one, `false` and `0` is true, an empty value too.
    pub(crate) fn truth(&self, name: &str) -> bool {
        self.0
            .iter()
            .find(|(of, _)| of == name)
            .is_some_and(|(_, value)| !value.eq_ignore_ascii_case("false") && value != "0")
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>, Status> {
        self.get(name)
            .map(|text| {
                text.parse().map_err(|error: std::num::ParseIntError| {
                    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
                    let why = match error.kind() {
                        PosOverflow | NegOverflow => "value out of range",
                        _ => "invalid syntax",
                    };
                    Status::bad_request(format!("strconv.ParseInt: parsing {text:?}: {why}"))
                })
            })
            .transpose()
    }

    /// `dryRun=All`, or nothing.
    pub(crate) fn dry_run(&self, options: &str) -> Result<bool, Status> {
        match self.0.iter().filter(|(name, _)| name == "dryRun").map(|(_, value)| value.as_str()).collect::<Vec<_>>()[..]
        {
            [] | [""] => Ok(false),
            ["All"] => Ok(true),
            ref other => Err(unsupported_options(options, "dryRun", serde_json::json!(other), "\"All\"")),
        }
    }

    /// The field manager: as asked, else the client's name as its user agent begins with it.
    pub(crate) fn manager(&self, user_agent: &str) -> Result<String, Status> {
        let manager = match self.get("fieldManager") {
            Some(manager) => manager,
            None => user_agent.split(['/', ' ']).next().filter(|name| !name.is_empty()).unwrap_or("unknown"),
        };
        if manager.chars().count() > 128 {
            let value = serde_json::Value::from(manager);
            let error =
                FieldError::new(FieldProblem::TooLong, "fieldManager", Some(value), "may not be more than 128 bytes");
            return Err(invalid_options("PatchOptions", error));
        }
        Ok(manager.to_owned())
    }
}

/// `resourceVersion` of a list or watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// Not given: the latest.
    Latest,
    /// `0`: any.
    Any,
    /// One that was seen.
    At(u64),
}

/// `ListOptions` of Kubernetes.
#[derive(Debug, Clone)]
pub(crate) struct ListQuery {
    pub(crate) watch: bool,
    pub(crate) limit: Option<usize>,
    pub(crate) next: Option<String>,
    pub(crate) version: Version,
    /// `resourceVersionMatch=Exact`, which only a list can ask for; of a watch: it begins with what was then.
    pub(crate) exact: bool,
    pub(crate) selector: Selector,
    pub(crate) timeout: Option<Duration>,
    pub(crate) bookmarks: bool,
    pub(crate) initial_events: Option<bool>,
}

impl ListQuery {
    pub(crate) fn of(query: &Query, resource: &Resource, api_version: &str) -> Result<Self, Status> {
        let version = match query.get("resourceVersion") {
            None => Version::Latest,
            Some("0") => Version::Any,
            Some(text) => Version::At(text.parse().map_err(|_| {
                Status::bad_request(format!(
                    "invalid resource version: resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax"
                ))
            })?),
        };
        let watch = query.truth("watch");
        let initial_events = query
            .parameters()
            .iter()
            .any(|(name, _)| name == "sendInitialEvents")
            .then(|| query.truth("sendInitialEvents"));
        let matching = query.get("resourceVersionMatch");
        let next = query.get("continue").map(str::to_owned);
        check_match(watch, matching, version, initial_events, next.is_some())?;
        let limit = query.number("limit")?.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0);
        let timeout = query.number("timeoutSeconds")?.and_then(|seconds| u64::try_from(seconds).ok());
        Ok(Self {
            watch,
            limit,
            next,
            version,
            exact: matching == Some("Exact"),
            selector: Selector::of(query, resource, api_version)?,
            timeout: timeout.filter(|seconds| *seconds > 0).map(Duration::from_secs),
            bookmarks: query.truth("allowWatchBookmarks"),
            initial_events,
        })
    }
}

impl ListQuery {
    /// The same as a server answers it that has only seen this revision: a state that has to be the latest it fetches.
    ///
    /// # Errors
    /// 504 where a later one is asked for.
    pub(crate) fn seen_until(self, revision: u64) -> Result<Self, Status> {
        match self.version {
            Version::Any => Ok(Self { version: Version::At(revision), exact: true, ..self }),
            Version::At(wanted) if wanted > revision && (!self.watch || self.initial_events == Some(true)) => {
                Err(Status::too_large_version(wanted, revision))
            }
            Version::At(_) | Version::Latest => Ok(self),
        }
    }
}

/// Which combinations may be asked: `ValidateListOptions` of Kubernetes.
fn check_match(
    watch: bool,
    matching: Option<&str>,
    version: Version,
    initial_events: Option<bool>,
    continued: bool,
) -> Result<(), Status> {
    let forbid = |field: &str, detail: &str| Err(invalid_options("ListOptions", FieldError::forbidden(field, detail)));
    if let Some(other) = matching
        && !matches!(other, "Exact" | "NotOlderThan")
    {
        let supported = "\"Exact\", \"NotOlderThan\", \"\"";
        return Err(unsupported_options("ListOptions", "resourceVersionMatch", other.into(), supported));
    }
    if watch {
        return match (initial_events, matching) {
            (Some(_), Some("NotOlderThan")) | (None, None) => Ok(()),
            (Some(_), _) => forbid(
                "resourceVersionMatch",
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            ),
            (None, Some(_)) => forbid(
                "resourceVersionMatch",
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            ),
        };
    }
    if initial_events.is_some() {
        return forbid("sendInitialEvents", "sendInitialEvents is forbidden for list");
    }
    match (matching, version) {
        (Some(_), _) if continued => {
            forbid("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided")
        }
        (Some(_), Version::Latest) => {
            forbid("resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided")
        }
        (Some("Exact"), Version::Any) => {
            forbid("resourceVersionMatch", "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"")
        }
        (None, Version::At(_)) if continued => {
            Err(Status::bad_request("specifying resource version is not allowed when using continue"))
        }
        _ => Ok(()),
    }
}

/// `propagationPolicy` as a text.
pub(crate) fn propagation(text: &str) -> Result<Propagation, Status> {
    match text {
        "Orphan" => Ok(Propagation::Orphan),
        "Background" => Ok(Propagation::Background),
        "Foreground" => Ok(Propagation::Foreground),
        other => {
            let supported = "\"Foreground\", \"Background\", \"Orphan\", \"nil\"";
            Err(unsupported_options("DeleteOptions", "propagationPolicy", other.into(), supported))
        }
    }
}

fn unsupported_options(options: &str, field: &str, value: serde_json::Value, supported: &str) -> Status {
    let detail = format!("supported values: {supported}");
    invalid_options(options, FieldError::new(FieldProblem::NotSupported, field, Some(value), detail))
}

/// The 422 of options that no resource has.
pub(crate) fn invalid_options(options: &str, error: FieldError) -> Status {
    let mut status = Status::new(422, "Invalid", format!("{options}.meta.k8s.io \"\" is invalid: {error}"));
    status.details = Some(Box::new(Details {
        group: "meta.k8s.io".to_owned(),
        kind: options.to_owned(),
        causes: vec![error],
        ..Details::default()
    }));
    status
}
