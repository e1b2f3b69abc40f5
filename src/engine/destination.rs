//! The clusters that applications go to: this one, and those of Argo CD's cluster Secrets. Nothing else.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tokio::sync::{Mutex, Semaphore};

use super::managed::Managed;
use super::problem::Problem;
use super::secret::secrets;
use crate::cluster::{Access, Attributes, Cluster, ClusterError, Credential, Kinds, Scope, Target, connect};
use crate::domain::application;
use crate::domain::manifest::ObjectKey;
use crate::domain::plan;
use crate::domain::secret::SecretValues;

/// The address under which every cluster knows itself.
const IN_CLUSTER: &str = "https://kubernetes.default.svc";
/// The name that Argo CD gives it.
const IN_CLUSTER_NAME: &str = "in-cluster";
/// How long kinds are taken for unknown whose server did not answer, before it is asked again.
const UNAVAILABLE: Duration = Duration::from_secs(10);

/// A cluster that applications go to.
pub(crate) struct Destination {
    /// The cluster.
    pub(crate) cluster: Cluster,
    /// Its address in projects' rules.
    pub(crate) server: String,
    /// Its name in projects' rules; empty where it has none.
    pub(crate) name: String,
    /// The project that it belongs to; empty where it is everybody's.
    pub(crate) project: String,
    /// The part of it that is managed; `None`: all.
    managed: Option<Managed>,
    /// Turns at work there; `None`: those of all workers.
    pub(super) turns: Option<Semaphore>,
    known: Mutex<Option<Known>>,
    /// What is known may be over: something was not found.
    is_doubted: AtomicBool,
    scope: Mutex<Option<bool>>,
}

/// What is known of a cluster.
#[derive(Clone)]
pub(crate) struct Known {
    /// Its kinds.
    pub(crate) kinds: Arc<Kinds>,
    /// The same, as plans want them.
    pub(crate) plan_kinds: Arc<plan::Kinds>,
    /// Its version, for example `v1.36.0`.
    pub(crate) version: String,
    /// When that was asked, by the monotonic clock.
    asked: Duration,
}

impl Destination {
    fn new(cluster: Cluster, server: impl Into<String>, name: impl Into<String>, project: &str) -> Self {
        let (server, name, project) = (server.into(), name.into(), project.to_owned());
        Self {
            turns: None,
            managed: None,
            cluster,
            server,
            name,
            project,
            known: Mutex::default(),
            is_doubted: AtomicBool::new(false),
            scope: Mutex::default(),
        }
    }

    /// Whether it is the one that the Applications live in.
    pub(crate) fn is_own(&self) -> bool {
        self.server == IN_CLUSTER
    }

    /// What it means for an application that this cluster did not do what was asked; says which cluster, unless it is the
    /// one that the Application lives in.
    pub(crate) fn problem(&self, error: &ClusterError) -> Problem {
        self.doubt(error);
        let problem = Problem::cluster(error);
        if self.is_own() {
            return problem;
        }
        let name = if self.name.is_empty() { &self.server } else { &self.name };
        Problem { message: format!("cluster {name} ({}): {}", self.server, problem.message), ..problem }
    }

    /// Takes note of an error. Where something was not found, it may be a kind whose definition is gone.
    pub(crate) fn doubt(&self, error: &ClusterError) {
        if error.is_not_found() {
            self.is_doubted.store(true, Ordering::Relaxed);
        }
    }

    /// The cluster's kinds and version. Asked once, and again where there is doubt or the server of a kind did not answer.
    pub(crate) async fn known(&self) -> Result<Known, ClusterError> {
        let before = {
            let mut known = self.known.lock().await;
            match &*known {
                Some(known) => known.clone(),
                None => return Ok(known.insert(self.ask().await?).clone()),
            }
        };
        let is_old = before.asked + UNAVAILABLE <= self.cluster.clock().monotonic();
        if self.is_doubted.swap(false, Ordering::Relaxed) || is_old && !before.kinds.unavailable.is_empty() {
            return match self.rediscover().await {
                Err(error) if error.is_transient() => {
                    // Better than nothing; asked again by the next one who wants to know.
                    self.is_doubted.store(true, Ordering::Relaxed);
                    Ok(before)
                }
                asked => asked,
            };
        }
        Ok(before)
    }

    async fn ask(&self) -> Result<Known, ClusterError> {
        let kinds = self.cluster.discover().await?;
        let version = self.cluster.version().await?;
        let asked = self.cluster.clock().monotonic();
        Ok(Known { plan_kinds: Arc::new(plan_kinds(&kinds)), kinds: Arc::new(kinds), version, asked })
    }

    /// Asks for the kinds again, after a definition was applied or where a kind is missing.
    pub(crate) async fn rediscover(&self) -> Result<Known, ClusterError> {
        let fresh = self.ask().await?;
        let mut known = self.known.lock().await;
        if let Some(same) = known.as_mut().filter(|known| known.kinds == fresh.kinds && known.version == fresh.version)
        {
            same.asked = fresh.asked;
            return Ok(same.clone());
        }
        *known = Some(fresh.clone());
        Ok(fresh)
    }

    /// Whether a namespace is looked through; others are not managed there.
    pub(crate) fn has_namespace(&self, namespace: &str) -> bool {
        self.managed.as_ref().is_none_or(|managed| managed.has_namespace(namespace))
    }

    /// Whether what lives outside of namespaces is looked through.
    pub(crate) fn has_cluster_resources(&self) -> bool {
        self.managed.as_ref().is_none_or(Managed::has_cluster_resources)
    }

    /// An error for an object that is not to be managed there.
    pub(crate) fn permits(&self, key: &ObjectKey, namespaced: bool) -> Result<(), String> {
        self.managed.as_ref().map_or(Ok(()), |managed| managed.permits(key, namespaced))
    }

    /// Where objects are watched: in the whole cluster if the engine may list everything there, so that all
    /// applications share one watch a kind; else in a namespace.
    pub(crate) async fn scope(&self, namespace: &str) -> Result<Scope, ClusterError> {
        if self.managed.is_some() {
            return Ok(Scope::Namespace(namespace.to_owned()));
        }
        let mut everywhere = self.scope.lock().await;
        let everywhere = if let Some(known) = *everywhere {
            known
        } else {
            let any = || "*".to_owned();
            let list = Attributes { verb: "list".into(), group: any(), resource: any(), ..Attributes::default() };
            *everywhere.insert(self.cluster.may(&list).await? == Access::Allowed)
        };
        Ok(if everywhere { Scope::All } else { Scope::Namespace(namespace.to_owned()) })
    }
}

fn plan_kinds(kinds: &Kinds) -> plan::Kinds {
    let mut infos: HashMap<(String, String), plan::KindInfo> = HashMap::new();
    for kind in kinds.iter() {
        let info = infos
            .entry((kind.group.clone(), kind.kind.clone()))
            .or_insert_with(|| plan::KindInfo { namespaced: kind.namespaced, versions: Vec::new() });
        info.versions.push(kind.version.clone());
    }
    plan::Kinds::of_cluster(infos)
}

/// Clusters of Secrets by server and name, with the `config` that each was made from.
type Opened = HashMap<(String, String), (String, Arc<Destination>)>;

/// All clusters that applications go to.
pub(crate) struct Destinations {
    own: Arc<Destination>,
    control_plane: String,
    /// How many work in each of the others at the same time.
    workers: usize,
    others: Mutex<Opened>,
}

impl Destinations {
    /// This cluster, and those of the Secrets in the control plane's namespace.
    pub(crate) fn new(own: Cluster, control_plane: &str, workers: usize) -> Self {
        let own = Arc::new(Destination::new(own, IN_CLUSTER, IN_CLUSTER_NAME, ""));
        Self { own, control_plane: control_plane.to_owned(), workers, others: Mutex::default() }
    }

    /// The cluster of a destination.
    pub(crate) async fn resolve(&self, wanted: &application::Destination) -> Result<Arc<Destination>, Problem> {
        let server = wanted.server.trim_end_matches('/');
        match (server, wanted.name.as_str()) {
            ("", "") => return Err(Problem::invalid_spec("Destination server missing from app spec")),
            ("", name) if name == IN_CLUSTER_NAME => return Ok(Arc::clone(&self.own)),
            (server, "") if server == IN_CLUSTER || server == self.own.cluster.server() => {
                return Ok(Arc::clone(&self.own));
            }
            (_, "") | ("", _) => {}
            (server, name) => {
                let message =
                    format!("application destination can't have both name and server defined: {name} {server}");
                return Err(Problem::invalid_spec(message));
            }
        }
        let known = secrets(&self.own.cluster, &self.control_plane, "cluster").await;
        let known = known.map_err(|error| {
            // Whether there is such a cluster is not known then, which is not the same as that there is none.
            let reason = format!("the cluster Secrets in {} may not be read: {error}", self.control_plane);
            if error.is_denied() { Problem::comparison(reason, false) } else { Problem::cluster(&error) }
        })?;
        let found = known.iter().find(|secret| {
            if server.is_empty() {
                secret.text("name") == wanted.name
            } else {
                secret.text("server").trim_end_matches('/') == server
            }
        });
        let Some(secret) = found else {
            let what = if server.is_empty() { &wanted.name } else { server };
            return Err(Problem::unknown_cluster(format!(
                "there are no clusters with this {}: {what} (it is neither this cluster nor one of the cluster Secrets in {})",
                if server.is_empty() { "name" } else { "address" },
                self.control_plane,
            )));
        };
        self.open(secret).await
    }

    async fn open(&self, secret: &SecretValues) -> Result<Arc<Destination>, Problem> {
        let server = secret.text("server").trim_end_matches('/').to_owned();
        let name = secret.text("name").to_owned();
        let unusable = |reason: &str| {
            Problem::invalid_spec(format!("the cluster Secret of cluster '{name}' cannot be used: {reason}"))
        };
        if server.parse::<http::Uri>().ok().and_then(|uri| Some(uri.authority()?.as_str().contains('@'))) != Some(false)
        {
            return Err(unusable("server is no address, or one with a user or a password in it"));
        }
        let managed = Managed::of(secret);
        let (config, project) = (secret.text("config"), secret.text("project"));
        let mut others = self.others.lock().await;
        let key = (server.clone(), name.clone());
        if let Some((of, destination)) = others.get(&key)
            && of == config
            && destination.project == project
            && destination.managed == managed
        {
            return Ok(Arc::clone(destination));
        }
        let credential = credential(config).map_err(|reason| {
            Problem::invalid_spec(format!("the cluster Secret of {server} cannot be used: {reason}"))
        })?;
        let target = Target::Server { name: name.clone(), server: server.clone(), credential: Box::new(credential) };
        let cluster = connect(&target, self.own.cluster.clock(), "boathook-engine").await;
        let cluster = cluster.map_err(|error| Problem::invalid_spec(error.to_string()))?;
        let turns = Some(Semaphore::new(self.workers));
        let destination = Arc::new(Destination { managed, turns, ..Destination::new(cluster, server, name, project) });
        others.insert(key, (config.to_owned(), Arc::clone(&destination)));
        Ok(destination)
    }
}

/// The `config` of a cluster Secret. What is not implemented is an error that names it.
fn credential(config: &str) -> Result<Credential, String> {
    let config: Value = serde_json::from_str(config).map_err(|_| "config is not JSON".to_owned())?;
    for field in ["awsAuthConfig", "execProviderConfig"] {
        if config.get(field).is_some_and(|value| !value.is_null()) {
            return Err(format!("config.{field} is not supported by boathook's engine"));
        }
    }
    let text = |path: &str| {
        let value = config.pointer(path).and_then(Value::as_str);
        value.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let bytes = |path: &str| {
        let decode = |text: String| STANDARD.decode(text).map_err(|_| format!("config{path} is not base64"));
        text(path).map(decode).transpose()
    };
    let pair = |one: Option<Vec<u8>>, other: Option<Vec<u8>>| one.zip(other);
    Ok(Credential {
        bearer_token: text("/bearerToken"),
        basic: text("/username").zip(text("/password")),
        ca: bytes("/tlsClientConfig/caData")?,
        client_certificate: pair(bytes("/tlsClientConfig/certData")?, bytes("/tlsClientConfig/keyData")?),
        insecure: config.pointer("/tlsClientConfig/insecure").and_then(Value::as_bool).unwrap_or(false),
        server_name: text("/tlsClientConfig/serverName"),
        exec: None,
        proxy: text("/proxyUrl"),
    })
}
