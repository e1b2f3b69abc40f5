//! `boathook demo`: a simulated cluster, the engine and the screen in one process, joined only by HTTP. All it writes lies
//! in a temporary folder that is removed at its end.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::SignedDuration;

use super::applications::{self, ARGOCD};
use super::history::{self, HistoryError, Made};
use super::later;
use super::story::Story;
use crate::argo::{Namespaces, Options, RepositoryOptions};
use crate::clock::Clock;
use crate::cluster::{ConnectError, Target, connect};
use crate::domain::scenario::ScenarioError;
use crate::engine::{Engine, EngineError, EngineOptions, Handle};
use crate::git::FileRepositories;
use crate::sim::server::{KubeconfigError, SimError, Simulator, SimulatorOptions, write_kubeconfig};

/// The scenarios that the program brings along.
const SCENARIOS: &[(&str, &str)] = &[
    ("shop", include_str!("../../assets/scenarios/shop.yaml")),
    ("calm", include_str!("../../assets/scenarios/calm.yaml")),
    ("on-fire", include_str!("../../assets/scenarios/on-fire.yaml")),
    ("fleet", include_str!("../../assets/scenarios/fleet.yaml")),
];
/// The largest scenario, in bytes.
const MOST_SCENARIO: u64 = 16 << 20;

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
    Scenario(#[from] ScenarioError),
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
        matches!(self, Self::Missing { .. } | Self::Scenario(_) | Self::Simulator(SimError::World(_)))
    }
}

/// A demo that can start: the scenario is read. Dropping it removes all that was written.
pub struct Demo {
    folder: tempfile::TempDir,
    options: DemoOptions,
    clock: Clock,
    story: Story,
}

/// A demo that runs. Dropping it ends it.
pub struct Running {
    simulator: Simulator,
    engine: Handle,
    later: Vec<tokio::task::JoinHandle<()>>,
}

impl Demo {
    /// Reads the scenario: what takes longer comes after the first frame, in [`Self::start`].
    pub fn prepare(options: DemoOptions, clock: Clock) -> Result<Self, DemoError> {
        let (origin, text) = scenario(&options.scenario)?;
        let story = Story::parse(&origin, &text)?;
        let folder = tempfile::Builder::new().prefix("boathook-demo-").tempdir()?;
        Ok(Self { folder, options, clock, story })
    }

    /// Makes the repositories, starts the cluster with the applications and what was deployed of them before, and the
    /// engine, and sets the story going. Of a large story this takes seconds. Needs a tokio runtime.
    pub fn start(&self) -> impl Future<Output = Result<Running, DemoError>> + Send + use<> {
        let (folder, options, clock) = (self.folder.path().to_owned(), self.options.clone(), self.clock.clone());
        let story = self.story.clone();
        async move {
            let repositories = repositories(&folder.join("repositories"), &story, &clock).await?;
            let world = applications::into_world(story.world.clone(), &story.applications, &repositories, clock.now());
            let simulator = Simulator::start(SimulatorOptions {
                clock: clock.clone(),
                world,
                speed: options.speed,
                seed: options.seed,
                ..SimulatorOptions::default()
            })?;
            let kubeconfig = kubeconfig(&folder);
            write_kubeconfig(&kubeconfig, &simulator.kubeconfig())?;
            let target = Target::Kubeconfig { path: Some(kubeconfig), context: None };
            let mut engine = EngineOptions::new(folder.join("engine"));
            engine.file_repositories = FileRepositories::Allowed;
            engine.interval = interval(story.applications.len());
            let pause = Duration::from_secs(2).div_f64(options.speed.max(0.001));
            engine.wave_delay = SignedDuration::try_from(pause).unwrap_or_default();
            let own = connect(&target, &clock, "boathook-engine").await?;
            let engine = Engine::start(own, engine, clock.clone()).await?;
            let people = connect(&target, &clock, "boathook-demo").await?;
            let later = later::set_going(&story, &repositories, &people, &clock, options.speed);
            Ok(Running { simulator, engine, later })
        }
    }

    /// How a screen or a command looks at it.
    pub fn live_options(&self) -> Options {
        let folder = self.folder.path();
        Options {
            kubeconfig: Some(kubeconfig(folder)),
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
}

impl Running {
    /// Ends it.
    pub async fn stop(self) {
        for task in &self.later {
            task.abort();
        }
        self.engine.stop().await;
        self.simulator.stop().await;
    }
}

/// The repositories of a story, made all at once.
async fn repositories(folder: &Path, story: &Story, clock: &Clock) -> Result<BTreeMap<String, Made>, DemoError> {
    let now = clock.now();
    let made = story
        .repositories
        .iter()
        .map(async |repository| Ok((repository.name.clone(), history::make(folder, repository, now).await?)));
    futures::future::try_join_all(made).await.map(BTreeMap::from_iter)
}

fn kubeconfig(folder: &Path) -> PathBuf {
    folder.join("kubeconfig")
}

/// How often the engine compares each application: a small shop at once, a fleet without pause for nothing else.
fn interval(applications: usize) -> Duration {
    let applications = u64::try_from(applications).unwrap_or(u64::MAX);
    Duration::from_millis(applications.saturating_mul(90).clamp(5_000, 600_000))
}

/// A scenario by its name, or of a file: its name in errors, and its text.
fn scenario(name: &str) -> Result<(String, String), DemoError> {
    if let Some((name, text)) = SCENARIOS.iter().find(|(known, _)| *known == name) {
        return Ok(((*name).to_owned(), (*text).to_owned()));
    }
    let known = SCENARIOS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let missing = |source| DemoError::Missing { name: name.to_owned(), known, source };
    let mut text = String::new();
    // One byte more than may be: then whoever reads it says that it is too large.
    let read = fs::File::open(name).and_then(|file| file.take(MOST_SCENARIO + 1).read_to_string(&mut text));
    read.map(|_| (name.to_owned(), text)).map_err(missing)
}
