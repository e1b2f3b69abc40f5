//! What the user may do, and who the user is, asked of the cluster.

use serde_json::{Value, json};

use super::client::Cluster;
use super::error::ClusterError;

/// Something somebody may or may not do.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Attributes {
    /// Verb, for example `patch`.
    pub verb: String,
    /// API group.
    pub group: String,
    /// Name in paths, for example `applications`.
    pub resource: String,
    /// Subresource, for example `log`; empty: none.
    pub subresource: String,
    /// Namespace; empty: all.
    pub namespace: String,
    /// Name; empty: all.
    pub name: String,
}

impl std::fmt::Display for Attributes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.verb, self.resource)?;
        if !self.subresource.is_empty() {
            write!(formatter, "/{}", self.subresource)?;
        }
        if !self.group.is_empty() {
            write!(formatter, ".{}", self.group)?;
        }
        if self.namespace.is_empty() {
            formatter.write_str(" in all namespaces")
        } else {
            write!(formatter, " in namespace {}", self.namespace)
        }
    }
}

/// The cluster's word on one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Allowed.
    Allowed,
    /// Not allowed, with the authorizer's reason if it gives one.
    Denied(String),
}

impl Cluster {
    /// Whether the user may do something (`SelfSubjectAccessReview`).
    pub async fn may(&self, attributes: &Attributes) -> Result<Access, ClusterError> {
        let mut wanted = serde_json::Map::new();
        for (field, value) in [
            ("verb", &attributes.verb),
            ("group", &attributes.group),
            ("resource", &attributes.resource),
            ("subresource", &attributes.subresource),
            ("namespace", &attributes.namespace),
            ("name", &attributes.name),
        ] {
            if !value.is_empty() {
                wanted.insert(field.to_owned(), Value::String(value.clone()));
            }
        }
        let body = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": wanted },
        });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let answer = self.post_json(&format!("asking for the right to {attributes}"), path, &body).await?;
        if answer.pointer("/status/allowed").and_then(Value::as_bool) == Some(true) {
            return Ok(Access::Allowed);
        }
        let reason = answer.pointer("/status/reason").and_then(Value::as_str).unwrap_or_default();
        Ok(Access::Denied(reason.to_owned()))
    }

    /// The user's name as the API server knows it (`SelfSubjectReview`); where it does not tell, the kubeconfig's.
    pub async fn whoami(&self) -> String {
        let body = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
        let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
        let answer = self.post_json("asking who we are", path, &body).await.unwrap_or_default();
        match answer.pointer("/status/userInfo/username").and_then(Value::as_str) {
            Some(name) if !name.is_empty() => name.to_owned(),
            _ => self.user().to_owned(),
        }
    }
}
