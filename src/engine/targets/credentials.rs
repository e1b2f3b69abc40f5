//! What opens a repository: Argo CD's repository Secrets, and the servers that it trusts.

use crate::cluster::Kind;
use crate::engine::problem::Problem;
use crate::engine::secret::{SecretValues, secrets};
use crate::engine::shared::Shared;
use crate::git::{Credentials, RepoUrl, Transport, is_template_for};

/// Argo CD's ConfigMap of host keys, and its entry: lines of `known_hosts`.
const KNOWN_HOSTS: (&str, &str) = ("argocd-ssh-known-hosts-cm", "ssh_known_hosts");
/// Argo CD's ConfigMap of certificates (PEM) by the name of the server that they are for.
const CERTIFICATES: &str = "argocd-tls-certs-cm";

/// Credentials of Argo CD's repository Secrets: those of this very repository, else the longest prefix of a template. A
/// Secret that belongs to a project is for the applications of that project alone, and comes before everybody's. None where
/// Secrets may not be read. And the servers that Argo CD's `ConfigMaps` name, where there are any.
pub(super) async fn credentials(shared: &Shared, url: &RepoUrl, project: &str) -> Result<Credentials, Problem> {
    let files = shared.options.file_repositories;
    let is_ours = |secret: &&SecretValues| ["", project].contains(&secret.text("project"));
    let is_of_project = |secret: &&SecretValues| !secret.text("project").is_empty();
    let is_exact =
        |secret: &&SecretValues| RepoUrl::parse(secret.text("url"), files).is_ok_and(|known| known.key() == url.key());
    let own = of_type(shared, "repository").await?;
    let exact = own.iter().filter(is_ours).filter(is_exact).max_by_key(is_of_project);
    let credentials = if let Some(secret) = exact.filter(|secret| has_credentials(secret)) {
        read(secret, url)?
    } else {
        let templates = of_type(shared, "repo-creds").await?;
        let best = (templates.iter().filter(is_ours))
            .filter(|secret| is_template_for(secret.text("url"), url.as_str()))
            .max_by_key(|secret| secret.text("url").len());
        best.or(exact).map_or_else(|| Ok(Credentials::default()), |secret| read(secret, url))?
    };
    let (ssh_known_hosts, tls_ca) = match url.transport() {
        Transport::Ssh => (trusted(shared, KNOWN_HOSTS.0, KNOWN_HOSTS.1).await?, None),
        Transport::Https => (None, trusted(shared, CERTIFICATES, url.host()).await?),
        Transport::Http | Transport::File => (None, None),
    };
    Ok(Credentials { ssh_known_hosts, tls_ca, ..credentials })
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

/// Ways to open a repository that Argo CD has and the engine has not.
const UNSUPPORTED: &[&str] =
    &["bearerToken", "githubAppID", "githubAppPrivateKey", "gcpServiceAccountKey", "useAzureWorkloadIdentity"];

fn has_credentials(secret: &SecretValues) -> bool {
    let known = ["password", "sshPrivateKey", "tlsClientCertData"];
    known.iter().chain(UNSUPPORTED).any(|name| !secret.text(name).is_empty())
}

fn read(secret: &SecretValues, url: &RepoUrl) -> Result<Credentials, Problem> {
    let is_set = |name: &&&str| !["", "false"].contains(&secret.text(name));
    if let Some(name) = UNSUPPORTED.iter().chain(&["enableLfs"]).find(is_set) {
        let message = format!("{url}: {name} of its repository Secret is not supported by boathook's engine");
        return Err(Problem::invalid_spec(message));
    }
    Ok(Credentials {
        basic: secret.some("password").map(|password| (secret.text("username").to_owned(), password)),
        ssh_private_key: secret.some("sshPrivateKey"),
        ssh_known_hosts: None,
        tls_client: secret.some("tlsClientCertData").zip(secret.some("tlsClientCertKey")),
        tls_ca: None,
        insecure: secret.text("insecure") == "true" || secret.text("insecureIgnoreHostKey") == "true",
        proxy: secret.some("proxy"),
    })
}
