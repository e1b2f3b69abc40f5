//! Argo CD's own Secrets: clusters and repositories. Their values are used and never shown.

use crate::cluster::{Cluster, ClusterError, Kind, Scope, Selectors};
use crate::domain::secret::SecretValues;

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
