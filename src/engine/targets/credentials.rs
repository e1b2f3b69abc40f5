//! What opens a repository: Argo CD's repository Secrets, and the servers that it trusts.

use crate::cluster::Kind;
use crate::domain::secret::SecretValues;
use crate::engine::problem::Problem;
use crate::engine::secret::secrets;
use crate::engine::shared::Shared;
use crate::git::{Credentials, RepoUrl, secret_for, trust};

/// Credentials of the repository Secret that is for applications of this project; none where Secrets may not be read. And
/// the servers that Argo CD's `ConfigMaps` name, where there are any.
pub(super) async fn credentials(shared: &Shared, url: &RepoUrl, project: &str) -> Result<Credentials, Problem> {
    let (own, templates) = (of_type(shared, "repository").await?, of_type(shared, "repo-creds").await?);
    let secret = secret_for(&own, &templates, url, shared.options.file_repositories, Some(project));
    let credentials = secret.map_or_else(|| Ok(Credentials::default()), |secret| read(secret, url))?;
    let trusted = match trust(url) {
        Some((map, entry)) => trusted(shared, map, entry).await?,
        None => None,
    };
    Ok(credentials.trusting(url, trusted))
}

/// An entry of one of Argo CD's `ConfigMaps`; `None` where it is missing, or may not be read.
async fn trusted(shared: &Shared, name: &str, entry: &str) -> Result<Option<String>, Problem> {
    let kind = Kind::known("", "v1", "ConfigMap", "configmaps", true);
    let map = match shared.cluster.get(&kind, &shared.options.control_plane, name).await {
        Err(error) if error.is_denied() => {
            tracing::debug!(name, %error, "servers are trusted as the machine trusts them");
            None
        }
        found => found.map_err(|error| Problem::cluster(&error))?,
    };
    let text = map.as_ref().and_then(|map| map.at(&["data", entry])?.as_str());
    Ok(text.filter(|text| !text.trim().is_empty()).map(str::to_owned))
}

async fn of_type(shared: &Shared, secret_type: &str) -> Result<Vec<SecretValues>, Problem> {
    match secrets(&shared.cluster, &shared.options.control_plane, secret_type).await {
        Err(error) if error.is_denied() => Ok(Vec::new()),
        found => found.map_err(|error| Problem::cluster(&error)),
    }
}

fn read(secret: &SecretValues, url: &RepoUrl) -> Result<Credentials, Problem> {
    let needs_lfs = !["", "false"].contains(&secret.text("enableLfs"));
    let credentials = if needs_lfs { Err("enableLfs") } else { Credentials::of_secret(secret) };
    credentials.map_err(|name| {
        Problem::invalid_spec(format!("{url}: {name} of its repository Secret is not supported by boathook's engine"))
    })
}
