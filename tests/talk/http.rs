//! A plain HTTP client for tests: no library that knows Kubernetes stands between them and the simulator.

use axum::body::Body;
use boathook::sim::server::{Simulator, SimulatorOptions};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

pub(crate) use bytes::Bytes;
pub(crate) use http::{Method, Response};

/// Talks to one simulator with its administrator's token.
pub(crate) struct Http {
    client: Client<HttpConnector, Full<Bytes>>,
    url: String,
    token: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// Code, reason and message of a `Status`.
    pub(crate) fn failure(&self) -> (u16, String, String) {
        let json = self.json();
        let text = |field: &str| json[field].as_str().unwrap_or_default().to_owned();
        (self.code, text("reason"), text("message"))
    }
}

impl Http {
    pub(crate) fn new(simulator: &Simulator) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { client, url: simulator.url(), token: simulator.token().to_owned() }
    }

    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { client: self.client.clone(), url: self.url.clone(), token: token.to_owned() }
    }

    /// Sends a request; an error is a broken connection.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Response<Body>, String> {
        let mut request = http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        if !self.token.is_empty() {
            request = request.header("Authorization", format!("Bearer {}", self.token));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).map_err(|error| error.to_string())?;
        self.client.request(request).await.map(|response| response.map(Body::new)).map_err(|error| error.to_string())
    }

    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let response = self.send(method, path, headers, body).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answer { code: head.status.as_u16(), headers: head.headers, text }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[], "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::POST, path, &[("Content-Type", "application/json")], body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::PUT, path, &[("Content-Type", "application/json")], body.to_string()).await
    }

    pub(crate) async fn merge(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::PATCH, path, &[("Content-Type", "application/merge-patch+json")], body.to_string()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.ask(Method::DELETE, path, &[], "").await
    }
}

/// A simulator without controllers.
pub(crate) fn bare() -> (Simulator, Http) {
    let simulator = Simulator::start(SimulatorOptions { controllers: false, ..Default::default() }).unwrap();
    let http = Http::new(&simulator);
    (simulator, http)
}
