//! `boathook demo`: a simulated cluster, the engine and the screen in one process, joined only by HTTP. All it writes lies
//! in a temporary folder that is removed at its end.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::history::{self, HistoryError};
use super::story::{Application, Story, StoryError, seconds};
use crate::argo::{Namespaces, Options, RepositoryOptions};
use crate::clock::Clock;
use crate::cluster::{Cluster, ClusterError, ConnectError, Kind, Patch, Target, WriteOptions, connect};
use crate::domain::manifest::Object;
use crate::engine::{Engine, EngineError, EngineOptions, Handle};
use crate::git::FileRepositories;
use crate::sim::server::{KubeconfigError, SimError, Simulator, SimulatorOptions, write_kubeconfig};

/// The namespace of the Applications.
const ARGOCD: &str = "argocd";
/// The scenarios that the program brings along.
const SCENARIOS: &[(&str, &str)] = &[("shop", include_str!("../../assets/scenarios/shop.yaml"))];

/// How a demo is started.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// Name of a scenario that the program brings along, or a file.
    pub scenario: String,
    /// How much faster than written scripted durations pass.
    pub speed: f64,
    /// Seed of everything random.
    pub seed: u64,
}

/// Why a demo did not start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The scenario cannot be read from disk.
    #[error("there is no scenario {name} ({known}), and no file of that name: {source}")]
    Missing {
        /// As it was asked for.
        name: String,
        /// What there is.
        known: String,
        /// Why the file cannot be read.
        source: io::Error,
    },
    /// It is wrong.
    #[error(transparent)]
    Story(#[from] StoryError),
    /// Its repositories cannot be made.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The simulator did not start.
    #[error(transparent)]
    Simulator(#[from] SimError),
    /// The kubeconfig was not written.
    #[error(transparent)]
    Kubeconfig(#[from] KubeconfigError),
    /// The simulated cluster cannot be connected.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// It does not take an application.
    #[error("cannot make the application {name}: {source}")]
    Application {
        /// The application.
        name: String,
        /// Why.
        source: ClusterError,
    },
    /// The engine did not start.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The system refuses something.
    #[error("the demo stops: {0}")]
    Io(#[from] io::Error),
}

impl DemoError {
    /// Whether the input is to blame, and not the machine.
    pub fn is_input(&self) -> bool {
        matches!(
            self,
            Self::Missing { .. } | Self::Story(_) | Self::Application { .. } | Self::Simulator(SimError::World(_))
        )
    }
}

/// A demo that runs. Dropping it ends it.
pub struct Demo {
    folder: tempfile::TempDir,
    simulator: Simulator,
    engine: Handle,
    later: Vec<tokio::task::JoinHandle<()>>,
}

impl Demo {
    /// Starts the cluster and the engine, makes the repositories and the applications, and sets the story going. Needs
    /// a tokio runtime.
    pub async fn start(options: &DemoOptions, clock: &Clock) -> Result<Self, DemoError> {
        let (origin, text) = scenario(&options.scenario)?;
        let mut story = Story::parse(&origin, &text)?;
        let folder = tempfile::Builder::new().prefix("boathook-demo-").tempdir()?;
        let mut repositories = BTreeMap::new();
        for repository in &story.repositories {
            let made = history::make(&folder.path().join("repositories"), repository, clock.now()).await?;
            repositories.insert(repository.name.clone(), made);
        }
        if !story.world.namespaces.iter().any(|name| name == ARGOCD) {
            story.world.namespaces.push(ARGOCD.to_owned());
        }
        let simulator = Simulator::start(SimulatorOptions {
            clock: clock.clone(),
            world: story.world.clone(),
            speed: options.speed,
            seed: options.seed,
            ..SimulatorOptions::default()
        })?;
        let kubeconfig = folder.path().join("kubeconfig");
        write_kubeconfig(&kubeconfig, &simulator.kubeconfig())?;
        let target = Target::Kubeconfig { path: Some(kubeconfig), context: None };
        let cluster = connect(&target, clock, "boathook-demo").await?;
        for application in &story.applications {
            let object = application_object(application, &repositories)?;
            let created = cluster.create(&kind(), &object, &WriteOptions::default()).await;
            created.map_err(|source| DemoError::Application { name: application.name.clone(), source })?;
        }
        let mut engine = EngineOptions::new(folder.path().join("engine"));
        engine.file_repositories = FileRepositories::Allowed;
        engine.interval = Duration::from_secs(5);
        let pause = Duration::from_secs(2).div_f64(options.speed.max(0.001));
        engine.wave_delay = SignedDuration::try_from(pause).unwrap_or_default();
        let own = connect(&target, clock, "boathook-engine").await?;
        let engine = Engine::start(own, engine, clock.clone()).await?;
        let later = set_going(&story, &repositories, &cluster, clock, options.speed);
        Ok(Self { folder, simulator, engine, later })
    }

    /// How a screen or a command looks at it.
    pub fn live_options(&self) -> Options {
        let folder = self.folder.path();
        Options {
            kubeconfig: Some(folder.join("kubeconfig")),
            namespaces: Namespaces::One(ARGOCD.to_owned()),
            state: Some(folder.join("state")),
            repositories: RepositoryOptions {
                cache: Some(folder.join("cache")),
                every: Duration::from_secs(5),
                argo_credentials: false,
                allow_files: true,
                ..RepositoryOptions::default()
            },
            watch_operations: true,
            ..Options::default()
        }
    }

    /// The folder of everything it writes.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends it.
    pub async fn stop(self) {
        for task in &self.later {
            task.abort();
        }
        self.engine.stop().await;
        self.simulator.stop().await;
    }
}

/// A scenario by its name, or of a file: its name in errors, and its text.
fn scenario(name: &str) -> Result<(String, String), DemoError> {
    if let Some((name, text)) = SCENARIOS.iter().find(|(known, _)| *known == name) {
        return Ok(((*name).to_owned(), (*text).to_owned()));
    }
    let known = SCENARIOS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let missing = |source| DemoError::Missing { name: name.to_owned(), known, source };
    fs::read_to_string(name).map(|text| (name.to_owned(), text)).map_err(missing)
}

fn kind() -> Kind {
    Kind::known("argoproj.io", "v1alpha1", "Application", "applications", true)
}

fn application_object(
    application: &Application,
    repositories: &BTreeMap<String, PathBuf>,
) -> Result<Object, DemoError> {
    let folder = repositories.get(&application.repository).cloned().unwrap_or_default();
    let namespace = if application.namespace.is_empty() { &application.name } else { &application.namespace };
    let mut object = json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": application.name, "namespace": ARGOCD, "labels": application.labels},
        "spec": {
            "project": "default",
            "destination": {"server": "https://kubernetes.default.svc", "namespace": namespace},
            "source": {
                "repoURL": format!("file://{}", folder.display()),
                "path": application.path,
                "targetRevision": "main",
            },
        },
    });
    if !application.sync_policy.is_null() {
        object["spec"]["syncPolicy"] = application.sync_policy.clone();
    }
    Object::from_json(object).map_err(|error| {
        let message = format!("{}: {error}", application.name);
        StoryError::Section { origin: "the scenario".to_owned(), section: "applications", message }.into()
    })
}

/// Starts what happens later: syncs and commits.
fn set_going(
    story: &Story,
    repositories: &BTreeMap<String, PathBuf>,
    cluster: &Cluster,
    clock: &Clock,
    speed: f64,
) -> Vec<tokio::task::JoinHandle<()>> {
    let after = |text: &str| Duration::try_from_secs_f64(seconds(text).unwrap_or_default() / speed).unwrap_or_default();
    let mut tasks = Vec::new();
    for application in &story.applications {
        for sync in &application.syncs {
            let sleep = clock.sleep(after(&sync.at));
            let (cluster, name) = (cluster.clone(), application.name.clone());
            let mut operation = json!({
                "initiatedBy": {"username": sync.by},
                "sync": if sync.what.is_null() { json!({}) } else { sync.what.clone() },
            });
            if !sync.retry.is_null() {
                operation["retry"] = sync.retry.clone();
            }
            tasks.push(tokio::spawn(async move {
                sleep.await;
                request(&cluster, &name, operation).await;
            }));
        }
    }
    for later in &story.commits {
        let Some(folder) = repositories.get(&later.repository).cloned() else { continue };
        let (sleep, commit, clock) = (clock.sleep(after(&later.at)), later.commit.clone(), clock.clone());
        tasks.push(tokio::spawn(async move {
            sleep.await;
            if let Err(error) = history::commit(&folder, &commit, clock.now()).await {
                tracing::warn!(%error, "a commit of the demo was not made");
            }
        }));
    }
    tasks
}

/// Asks for a sync, as a person would, unless one runs.
async fn request(cluster: &Cluster, name: &str, operation: Value) {
    let (kind, options) = (kind(), WriteOptions::default());
    let busy = match cluster.get(&kind, ARGOCD, name).await {
        Ok(Some(application)) => application.at(&["operation"]).is_some(),
        Ok(None) | Err(_) => true,
    };
    if busy {
        return;
    }
    let patch = Patch::Merge(json!({"operation": operation, "status": {"operationState": null}}));
    if let Err(error) = cluster.patch(&kind, ARGOCD, name, &patch, &options).await {
        tracing::warn!(%error, name, "a sync of the demo was not asked for");
    }
}
