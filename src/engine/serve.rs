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

/// A port of this machine for `/healthz` and `/metrics`, taken before an engine begins to work.
#[derive(Debug)]
pub struct MetricsPort {
    listener: TcpListener,
    number: u16,
}

impl MetricsPort {
    /// Takes a port of 127.0.0.1; the system chooses for 0. An error: somebody else has it.
    pub async fn take(number: u16) -> Result<Self, EngineError> {
        let refused = |error: std::io::Error| EngineError::Option {
            option: "--metrics-port",
            reason: format!("127.0.0.1:{number}: {error}"),
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, number)).await.map_err(refused)?;
        let number = listener.local_addr().map_err(refused)?.port();
        Ok(Self { listener, number })
    }

    /// Its number.
    pub const fn number(&self) -> u16 {
        self.number
    }
}

/// Answers on a port until the engine stops.
pub(super) fn serve(shared: Arc<Shared>, port: MetricsPort) {
    let listener = port.listener;
    let stop = shared.stop.clone();
    let router = Router::new().route("/healthz", get(health)).route("/metrics", get(metrics)).with_state(shared);
    tokio::spawn(async move {
        let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
        if let Err(error) = served {
            tracing::warn!(%error, "metrics are not served any more");
        }
    });
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
