//! The `log` subresource of pods.

use std::convert::Infallible;

use axum::body::Body;
use futures::StreamExt;
use http::StatusCode;

use super::query::Query;
use super::read;
use super::request::Target;
use super::respond::{self, Answer};
use super::serve::Api;
use crate::sim::logs::LogOptions;

/// The log of a container, as plain text; ends with the container, or when the server stops.
pub(crate) fn log(api: &Api, target: &Target, query: &Query) -> Answer {
    let pod = read::find(api, target)?;
    let options = LogOptions::from_query(target.name(), query.parameters())?;
    let now = api.store().clock().now();
    let lines = api.logs().read(&pod.value(), &options, now)?;
    let stop = api.stopping();
    let lines = lines.take_until(async move { stop.cancelled().await }).map(Ok::<_, Infallible>);
    Ok(respond::stream(StatusCode::OK, "text/plain", Body::from_stream(lines)))
}
