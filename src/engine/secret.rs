//! Argo CD's own Secrets: clusters and repositories. Their values are used and never shown.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::cluster::{Cluster, ClusterError, Kind, Scope, Selectors};
use crate::domain::manifest::Object;

/// The values of one Secret.
pub(crate) struct SecretValues(BTreeMap<String, String>);

impl SecretValues {
    fn of(object: &Object) -> Self {
        let data = object.at(&["data"]).and_then(Value::as_object).into_iter().flatten();
        let values = data.filter_map(|(name, value)| {
            let bytes = STANDARD.decode(value.as_str()?).ok()?;
            // What is no text is not passed over: it may be a restriction.
            Some((name.clone(), String::from_utf8_lossy(&bytes).into_owned()))
        });
        Self(values.collect())
    }

    /// A value; empty where it is missing.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// A value that is not empty.
    pub(crate) fn some(&self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|text| !text.is_empty()).map(str::to_owned)
    }
}

#[cfg(test)]
impl From<&[(&str, &str)]> for SecretValues {
    fn from(values: &[(&str, &str)]) -> Self {
        Self(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }
}

pub(crate) fn secret_kind() -> Kind {
    Kind::known("", "v1", "Secret", "secrets", true)
}

/// Argo CD's Secrets of a type: `cluster`, `repository` or `repo-creds`.
pub(crate) async fn secrets(
    cluster: &Cluster,
    control_plane: &str,
    secret_type: &str,
) -> Result<Vec<SecretValues>, ClusterError> {
    let kind = secret_kind();
    let labels = format!("argocd.argoproj.io/secret-type={secret_type}");
    let selectors = Selectors { labels, fields: String::new() };
    let list = cluster.list(&kind, &Scope::Namespace(control_plane.to_owned()), &selectors).await?;
    Ok(list.items.iter().map(SecretValues::of).collect())
}
