//! `/healthz` and `/metrics` over HTTP, on this machine alone.

use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::{StatusCode, header};
use tokio::net::TcpListener;

use super::error::EngineError;
use super::shared::Shared;

/// Listens on 127.0.0.1 until the engine stops.
pub(super) async fn serve(shared: Arc<Shared>, port: u16) -> Result<u16, EngineError> {
    let refused = |error: std::io::Error| EngineError::Option { option: "--metrics-port", reason: error.to_string() };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(refused)?;
    let port = listener.local_addr().map_err(refused)?.port();
    let stop = shared.stop.clone();
    let router = Router::new().route("/healthz", get(health)).route("/metrics", get(metrics)).with_state(shared);
    tokio::spawn(async move {
        let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
        if let Err(error) = served {
            tracing::warn!(%error, "metrics are not served any more");
        }
    });
    Ok(port)
}

async fn health(State(shared): State<Arc<Shared>>) -> (StatusCode, String) {
    if shared.stop.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping".to_owned());
    }
    match &*shared.suspended.borrow() {
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("waiting for the Lease boathook-engine: {reason}")),
        None => (StatusCode::OK, "ok".to_owned()),
    }
}

async fn metrics(State(shared): State<Arc<Shared>>) -> ([(header::HeaderName, &'static str); 1], String) {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], shared.figures.text())
}
