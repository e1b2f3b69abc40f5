//! From an Application's destination to a cluster to talk to: the cluster itself, one of Argo CD's cluster Secrets, or one
//! of the user's own contexts.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::cluster::{Cluster, Credential, Kind, Kinds, Scope, Selectors, Target, connect, context_servers};
use crate::domain::manifest::Object;

/// Argo CD's address of the cluster it runs in.
const IN_CLUSTER: &str = "https://kubernetes.default.svc";
const USER_AGENT: &str = concat!("boathook/", env!("CARGO_PKG_VERSION"));

/// Where Argo CD keeps its Secrets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Secrets {
    pub namespace: String,
    /// Its controller was seen there. Anybody who may write Secrets in a namespace of theirs could else name a program
    /// that is run here.
    pub is_trusted: bool,
}

/// What an application names as its destination, and where Argo CD has written down how it is reached.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct DestinationRef {
    pub secrets: Secrets,
    pub name: String,
    pub server: String,
}

/// Whether two addresses are those of one API server.
pub(super) fn same_server(one: &str, other: &str) -> bool {
    let plain = |text: &str| {
        let text = text.trim_end_matches('/').to_ascii_lowercase();
        text.strip_suffix(":443").map(str::to_owned).unwrap_or(text)
    };
    plain(one) == plain(other)
}

/// Whether a destination is the cluster that the Applications live in.
pub(super) fn is_home(cluster: &Cluster, name: &str, server: &str) -> bool {
    if server.is_empty() { name == "in-cluster" } else { server == IN_CLUSTER || same_server(server, cluster.server()) }
}

/// Finds a way to a destination. The error says what is missing.
pub(super) async fn resolve(
    home: &Cluster,
    kubeconfig: Option<&Path>,
    wanted: &DestinationRef,
) -> Result<(Cluster, Arc<Kinds>), String> {
    let cluster = if is_home(home, &wanted.name, &wanted.server) {
        home.clone()
    } else {
        connect_to(home, kubeconfig, wanted).await?
    };
    let kinds = cluster.discover().await.map_err(|error| error.to_string())?;
    Ok((cluster, Arc::new(kinds)))
}

async fn connect_to(home: &Cluster, kubeconfig: Option<&Path>, wanted: &DestinationRef) -> Result<Cluster, String> {
    let (name, server) = (&wanted.name, &wanted.server);
    let shown = if name.is_empty() { server } else { name };
    let mut missing = match from_secrets(home, wanted).await {
        Ok(Some(target)) => match connect(&target, home.clock(), USER_AGENT).await {
            Ok(cluster) => return Ok(cluster),
            Err(error) => error.to_string(),
        },
        Ok(None) => format!("Argo CD has no cluster Secret for {shown} in namespace {}", wanted.secrets.namespace),
        Err(error) => error,
    };
    let mut contexts = context_servers(kubeconfig).unwrap_or_default();
    contexts.retain(|(context, own)| if server.is_empty() { context == name } else { same_server(own, server) });
    let Some((context, _)) = contexts.into_iter().next() else {
        missing.push_str(", and no context of the kubeconfig is for it");
        return Err(missing);
    };
    let target = Target::Kubeconfig { path: kubeconfig.map(Path::to_owned), context: Some(context) };
    connect(&target, home.clock(), USER_AGENT).await.map_err(|error| error.to_string())
}

/// Opens a destination with what Argo CD's Secret of it says now.
pub(super) async fn renew(home: &Cluster, wanted: &DestinationRef, destination: &Cluster) {
    if let Ok(Some(target)) = from_secrets(home, wanted).await
        && let Err(error) = destination.retarget(target).await
    {
        tracing::warn!(%error, "a cluster's Secret has changed and cannot be used");
    }
}

async fn from_secrets(home: &Cluster, wanted: &DestinationRef) -> Result<Option<Target>, String> {
    let DestinationRef { secrets: Secrets { namespace, is_trusted }, name, server } = wanted;
    let secrets = Kind::known("", "v1", "Secret", "secrets", true);
    let selectors = Selectors { labels: "argocd.argoproj.io/secret-type=cluster".to_owned(), ..Selectors::default() };
    let list = home.list(&secrets, &Scope::Namespace(namespace.clone()), &selectors).await;
    let list = list.map_err(|error| error.to_string())?;
    for secret in &list.items {
        let own_name = field(secret, "name").unwrap_or_default();
        let own_server = field(secret, "server").unwrap_or_default();
        let is_it = if server.is_empty() { own_name == *name } else { same_server(&own_server, server) };
        if is_it {
            let config = field(secret, "config").unwrap_or_default();
            let credential =
                credential(&config).map_err(|reason| format!("cluster Secret {}: {reason}", secret.name()))?;
            if credential.exec.is_some() && !is_trusted {
                return Err(format!(
                    "cluster Secret {}: its program for credentials is not run, because no controller of Argo CD was seen \
                     in namespace {namespace}",
                    secret.name()
                ));
            }
            let name = if own_name.is_empty() { own_server.clone() } else { own_name };
            return Ok(Some(Target::Server { name, server: own_server, credential: Box::new(credential) }));
        }
    }
    Ok(None)
}

/// A field of a Secret, decoded.
fn field(secret: &Object, name: &str) -> Option<String> {
    let encoded = secret.at(&["data", name])?.as_str()?;
    String::from_utf8(STANDARD.decode(encoded).ok()?).ok()
}

/// The `config` of a cluster Secret. The error never quotes it.
fn credential(config: &str) -> Result<Credential, String> {
    let config: Value = if config.is_empty() {
        json!({})
    } else {
        serde_json::from_str(config).map_err(|_| "its config is not JSON".to_owned())?
    };
    let text = |path: &str| config.pointer(path).and_then(Value::as_str).filter(|text| !text.is_empty());
    let bytes = |path: &str| {
        let encoded = text(path).unwrap_or_default();
        STANDARD.decode(encoded).ok().filter(|bytes| !bytes.is_empty())
    };
    if config.get("awsAuthConfig").is_some_and(Value::is_object) {
        return Err("it needs AWS credentials of Argo CD's own".to_owned());
    }
    let exec = config.get("execProviderConfig").filter(|exec| exec.is_object()).map(|exec| {
        let env: Vec<Value> = exec
            .get("env")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect();
        json!({
            "apiVersion": exec.get("apiVersion"),
            "command": exec.get("command"),
            "args": exec.get("args"),
            "env": env,
            "installHint": exec.get("installHint"),
            "interactiveMode": "Never",
        })
    });
    Ok(Credential {
        bearer_token: text("/bearerToken").map(str::to_owned),
        basic: text("/username").map(|user| (user.to_owned(), text("/password").unwrap_or_default().to_owned())),
        ca: bytes("/tlsClientConfig/caData"),
        client_certificate: bytes("/tlsClientConfig/certData").zip(bytes("/tlsClientConfig/keyData")),
        insecure: config.pointer("/tlsClientConfig/insecure").and_then(Value::as_bool) == Some(true),
        server_name: text("/tlsClientConfig/serverName").map(str::to_owned),
        exec,
        proxy: text("/proxyUrl").map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_server_are_equal() {
        assert!(same_server("https://a.example/", "https://A.example:443"));
        assert!(!same_server("https://a.example:6443", "https://a.example"));
    }

    #[test]
    fn a_cluster_secret_is_read() {
        let config = r#"{"bearerToken":"t","tlsClientConfig":{"insecure":false,"caData":"Y2E=","serverName":"s"},
            "execProviderConfig":{"command":"aws","args":["x"],"env":{"A":"b"},"apiVersion":"client.authentication.k8s.io/v1"}}"#;
        let read = credential(config).unwrap();
        assert_eq!(read.bearer_token.as_deref(), Some("t"));
        assert_eq!((read.ca.as_deref(), read.server_name.as_deref()), (Some(&b"ca"[..]), Some("s")));
        assert_eq!(read.exec.unwrap()["env"], json!([{ "name": "A", "value": "b" }]));
        let error = credential("{secret-in-here").unwrap_err();
        assert!(!error.contains("secret-in-here"), "{error}");
    }
}
