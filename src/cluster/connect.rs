//! From a kubeconfig, a service account or one of Argo CD's cluster Secrets to a cluster to talk to.

use std::env;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::config::{AuthInfo, Config, KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

use super::causes::{causes, whole};
use super::client::Cluster;
use super::renew::Origin;
use crate::clock::Clock;

/// How long one request may take, the connection included.
const REQUEST: Duration = Duration::from_secs(30);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// Which cluster, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// As `kubectl` would: `--kubeconfig`, `KUBECONFIG`, `~/.kube/config`, and only where there is none of them the
    /// service account of the pod.
    Kubeconfig {
        /// `--kubeconfig`.
        path: Option<PathBuf>,
        /// `--context`; `None`: the current one.
        context: Option<String>,
    },
    /// The service account of the pod.
    InCluster,
    /// A server and what opens it.
    Server {
        /// What the cluster is called.
        name: String,
        /// Address of the API server.
        server: String,
        /// What opens it.
        credential: Box<Credential>,
    },
}

/// What opens a cluster, as in the `config` of one of Argo CD's cluster Secrets.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Credential {
    /// Bearer token.
    pub bearer_token: Option<String>,
    /// User and password.
    pub basic: Option<(String, String)>,
    /// Certificate authority (PEM).
    pub ca: Option<Vec<u8>>,
    /// Client certificate and key (PEM).
    pub client_certificate: Option<(Vec<u8>, Vec<u8>)>,
    /// Do not check the server's certificate.
    pub insecure: bool,
    /// The name the server's certificate is for, where it is not the address's.
    pub server_name: Option<String>,
    /// A credential plugin, as in a kubeconfig's `exec`.
    pub exec: Option<Value>,
    /// Proxy.
    pub proxy: Option<String>,
}

impl fmt::Debug for Credential {
    /// What kinds there are, never what they say.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            ("token", self.bearer_token.is_some()),
            ("basic", self.basic.is_some()),
            ("certificate", self.client_certificate.is_some()),
            ("exec", self.exec.is_some()),
            ("insecure", self.insecure),
        ];
        formatter.debug_set().entries(kinds.iter().filter(|(_, is)| *is).map(|(kind, _)| kind)).finish()
    }
}

/// Why there is nothing to talk to. None of these is about the network: nothing was sent yet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// No file and no service account.
    #[error("no kubeconfig was found ({looked_at}), and this is not a pod; give --kubeconfig FILE, or set KUBECONFIG")]
    NoKubeconfig {
        /// The files that are not there.
        looked_at: String,
    },
    /// A file that is named is not there or cannot be read as a kubeconfig.
    #[error("kubeconfig {path}: {reason}")]
    Kubeconfig {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// No context is named, and the file names none.
    #[error("the kubeconfig has no current context{}", offer(known))]
    NoContext {
        /// The contexts there are.
        known: String,
    },
    /// The context is not there.
    #[error("the kubeconfig has no context {name:?}; it has: {known}")]
    UnknownContext {
        /// The context that was asked for.
        name: String,
        /// The contexts there are.
        known: String,
    },
    /// What the context says cannot be used (a missing cluster or user, a broken certificate, ...).
    #[error("{target}: {reason}")]
    Unusable {
        /// The context or cluster.
        target: String,
        /// Why.
        reason: String,
    },
    /// Credentials could not be had: a credential plugin failed, a token file is missing, ...
    #[error("{target}: no valid credentials: {reason}")]
    Credentials {
        /// The context or cluster.
        target: String,
        /// Why.
        reason: String,
    },
}

/// Makes a client for a cluster. Nothing is sent to it yet, so that this also works while it is down.
///
/// `user_agent` is what the API server's audit log calls us.
pub async fn connect(target: &Target, clock: &Clock, user_agent: &str) -> Result<Cluster, ConnectError> {
    let prepared = prepare(target, user_agent).await?;
    let mut target = target.clone();
    if let Target::Kubeconfig { context, .. } = &mut target {
        // Should another become the current one, it is not ours.
        *context = Some(prepared.name.clone());
    }
    let origin = Origin::new(target, &prepared.server, user_agent);
    Ok(Cluster::new(prepared, clock.clone(), origin, REQUEST))
}

/// A client that is ready to be used.
pub(super) struct Prepared {
    pub(super) client: kube::Client,
    /// What the cluster is called.
    pub(super) name: String,
    /// Address of the API server.
    pub(super) server: String,
    pub(super) user: String,
}

pub(super) async fn prepare(target: &Target, user_agent: &str) -> Result<Prepared, ConnectError> {
    let (mut config, name, user) = match target {
        Target::Kubeconfig { path, context } => from_kubeconfig(path.as_deref(), context.as_deref()).await?,
        Target::InCluster => in_cluster()?,
        Target::Server { name, server, credential } => from_credential(name, server, credential).await?,
    };
    let unusable = |reason: String| ConnectError::Unusable { target: name.clone(), reason };
    // The crate's own retries give no sign of themselves for up to a minute: ours are visible.
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT);
    if let Some(host) = config.cluster_url.host() {
        // Compressing what never leaves the machine only costs time.
        config.disable_compression |= ["127.0.0.1", "localhost", "[::1]"].contains(&host);
    }
    if let Ok(agent) = http::HeaderValue::from_str(user_agent) {
        config.headers.push((http::header::USER_AGENT, agent));
    }
    let server = without_credentials(&config.cluster_url.to_string());
    // A credential plugin is waited for.
    let made = tokio::task::spawn_blocking(move || kube::Client::try_from(config)).await;
    let made = made.map_err(|error| unusable(error.to_string()))?;
    let client = made.map_err(|error| match &error {
        kube::Error::Auth(_) => ConnectError::Credentials { target: name.clone(), reason: whole(&error) },
        _ => unusable(whole(&error)),
    })?;
    Ok(Prepared { client, name, server, user })
}

/// The names of the contexts that `--context` takes, and the current one.
pub fn contexts(path: Option<&Path>) -> Result<(Vec<String>, Option<String>), ConnectError> {
    let (config, _) = read_kubeconfig(path)?;
    let current = config.current_context.filter(|context| !context.is_empty());
    Ok((config.contexts.into_iter().map(|context| context.name).collect(), current))
}

/// The contexts with the addresses of their API servers.
pub fn context_servers(path: Option<&Path>) -> Result<Vec<(String, String)>, ConnectError> {
    let (config, _) = read_kubeconfig(path)?;
    let server = |cluster: &str| {
        let named = config.clusters.iter().find(|named| named.name == cluster)?;
        named.cluster.as_ref()?.server.as_deref().map(without_credentials)
    };
    let contexts = config.contexts.iter();
    Ok(contexts.filter_map(|named| Some((named.name.clone(), server(&named.context.as_ref()?.cluster)?))).collect())
}

/// An address as one may show it: `https://USER:PASSWORD@HOST/` is `https://HOST`.
fn without_credentials(server: &str) -> String {
    let (scheme, rest) = server.split_once("://").map_or(("", server), |(scheme, rest)| (scheme, rest));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let separator = if scheme.is_empty() { "" } else { "://" };
    format!("{scheme}{separator}{host}{}", path.trim_end_matches('/'))
}

/// The files in the order in which `kubectl` reads them. A file of `KUBECONFIG` that is missing is passed over.
pub(super) fn files(path: Option<&Path>) -> (Vec<PathBuf>, bool) {
    if let Some(path) = path {
        return (vec![path.to_owned()], true);
    }
    match env::var_os("KUBECONFIG") {
        Some(list) if !list.is_empty() => {
            (env::split_paths(&list).filter(|p| !p.as_os_str().is_empty()).collect(), false)
        }
        _ => (env::home_dir().map(|home| home.join(".kube/config")).into_iter().collect(), false),
    }
}

fn read_kubeconfig(path: Option<&Path>) -> Result<(Kubeconfig, Vec<PathBuf>), ConnectError> {
    let (files, must_exist) = files(path);
    let mut merged: Option<Kubeconfig> = None;
    for file in &files {
        if !must_exist && !file.exists() {
            continue;
        }
        let failed = |reason: String| ConnectError::Kubeconfig { path: file.display().to_string(), reason };
        let next = Kubeconfig::read_from(file).map_err(|error| failed(causes(&error)))?;
        merged = Some(match merged {
            Some(before) => before.merge(next).map_err(|error| failed(causes(&error)))?,
            None => next,
        });
    }
    let looked_at = || files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ");
    merged.map(|config| (config, files.clone())).ok_or_else(|| ConnectError::NoKubeconfig { looked_at: looked_at() })
}

/// What can be done where no context is the current one.
fn offer(known: &str) -> String {
    if known.is_empty() { ", and no others".to_owned() } else { format!("; give --context with one of: {known}") }
}

async fn from_kubeconfig(path: Option<&Path>, context: Option<&str>) -> Result<(Config, String, String), ConnectError> {
    let kubeconfig = match read_kubeconfig(path) {
        Err(ConnectError::NoKubeconfig { looked_at }) => {
            return if env::var_os("KUBERNETES_SERVICE_HOST").is_some() {
                in_cluster()
            } else {
                Err(ConnectError::NoKubeconfig { looked_at })
            };
        }
        other => other?.0,
    };
    let known = kubeconfig.contexts.iter().map(|context| context.name.as_str()).collect::<Vec<_>>().join(", ");
    let current = kubeconfig.current_context.as_deref().filter(|context| !context.is_empty());
    let Some(name) = context.or(current).map(str::to_owned) else { return Err(ConnectError::NoContext { known }) };
    let Some(entry) = kubeconfig.contexts.iter().find(|context| context.name == name) else {
        return Err(ConnectError::UnknownContext { name, known });
    };
    let user = entry.context.as_ref().and_then(|context| context.user.clone()).unwrap_or_default();
    let cluster = entry.context.as_ref().map(|context| context.cluster.clone()).unwrap_or_default();
    let named = kubeconfig.clusters.iter().find(|known| known.name == cluster);
    let proxy = named.and_then(|named| named.cluster.as_ref()?.proxy_url.clone());
    let options = KubeConfigOptions { context: Some(name.clone()), ..KubeConfigOptions::default() };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| ConnectError::Unusable { target: format!("context {name:?}"), reason: whole(&error) })?;
    Ok((proxied(config, proxy.as_deref()), name, user))
}

/// With the proxy that it is to use. One that only the environment names is not for this machine itself, as in kubectl:
/// whoever works behind a proxy reaches a cluster on their own machine all the same.
fn proxied(mut config: Config, written: Option<&str>) -> Config {
    let is_here = config.cluster_url.host().is_some_and(|host| {
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
    });
    if is_here && written.is_none_or(str::is_empty) {
        config.proxy_url = None;
    }
    config
}

fn in_cluster() -> Result<(Config, String, String), ConnectError> {
    let config = Config::incluster()
        .map_err(|error| ConnectError::Unusable { target: "in-cluster".to_owned(), reason: causes(&error) })?;
    Ok((config, "in-cluster".to_owned(), String::new()))
}

async fn from_credential(
    name: &str,
    server: &str,
    credential: &Credential,
) -> Result<(Config, String, String), ConnectError> {
    let unusable = |reason: String| ConnectError::Unusable { target: format!("cluster {name:?}"), reason };
    let encode = |bytes: &Vec<u8>| STANDARD.encode(bytes);
    let kubeconfig = json!({
        "current-context": "it",
        "contexts": [{ "name": "it", "context": { "cluster": "it", "user": "it" } }],
        "clusters": [{ "name": "it", "cluster": {
            "server": server,
            "insecure-skip-tls-verify": credential.insecure,
            "certificate-authority-data": credential.ca.as_ref().map(encode),
            "tls-server-name": credential.server_name,
            "proxy-url": credential.proxy,
        }}],
        "users": [{ "name": "it", "user": { "exec": credential.exec } }],
    });
    let mut kubeconfig: Kubeconfig = serde_json::from_value(kubeconfig).map_err(|error| unusable(error.to_string()))?;
    let mut auth = AuthInfo::default();
    if let Some(named) = kubeconfig.auth_infos.first_mut() {
        auth = named.auth_info.take().unwrap_or_default();
        auth.token = credential.bearer_token.clone().map(Into::into);
        if let Some((user, password)) = &credential.basic {
            auth.username = Some(user.clone());
            auth.password = Some(password.clone().into());
        }
        if let Some((certificate, key)) = &credential.client_certificate {
            auth.client_certificate_data = Some(encode(certificate));
            auth.client_key_data = Some(encode(key).into());
        }
        named.auth_info = Some(auth.clone());
    }
    let user = auth.username.unwrap_or_default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .map_err(|error| unusable(whole(&error)))?;
    Ok((proxied(config, credential.proxy.as_deref()), name.to_owned(), user))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_of_the_environment_is_not_for_this_machine() {
        let proxy: http::Uri = "http://proxy.example.com:3128".parse().unwrap();
        for (server, is_here) in [
            ("https://127.0.0.1:6443", true),
            ("https://127.8.0.1:6443", true),
            ("https://[::1]:6443", true),
            ("https://localhost:6443", true),
            ("https://10.0.0.1:6443", false),
            ("https://localhost.example.com", false),
        ] {
            let config = || {
                let mut config = Config::new(server.parse().unwrap());
                config.proxy_url = Some(proxy.clone());
                config
            };
            assert_eq!(proxied(config(), None).proxy_url.is_none(), is_here, "{server}");
            assert_eq!(
                proxied(config(), Some("http://proxy.example.com:3128")).proxy_url,
                Some(proxy.clone()),
                "{server}"
            );
        }
    }
}
