//! `boathook engine`: the controller of Applications, until it is told to stop.

use std::io;
use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};

use super::sim::say;
use crate::cli::{EngineArgs, Exit};
use crate::clock::Clock;
use crate::cluster::{ClusterError, ConnectError, Scope, Target, connect};
use crate::engine::{Engine, EngineError, EngineOptions, MetricsPort, install_definitions};
use crate::git::FileRepositories;

/// Why the engine did not run, or does not run any more.
#[derive(Debug, thiserror::Error)]
pub enum EngineRunError {
    /// There is no cluster to talk to.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// It did not start, or stopped by itself.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The system refuses something the program needs.
    #[error("the engine stops: {0}")]
    Io(#[from] io::Error),
}

impl EngineRunError {
    /// The exit code that says it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Connect(_) | Self::Engine(EngineError::Option { .. } | EngineError::NoNamespace(_)) => Exit::Usage,
            Self::Engine(EngineError::OtherController(_) | EngineError::LeaseLost(_)) => Exit::Refused,
            Self::Engine(EngineError::Cluster(error)) => of_cluster(error),
            Self::Io(_) => Exit::Internal,
        }
    }
}

fn of_cluster(error: &ClusterError) -> Exit {
    if error.is_denied() {
        Exit::NoAccess
    } else if error.is_not_found() {
        Exit::Usage
    } else {
        Exit::Unreachable
    }
}

/// Runs an engine until SIGINT or SIGTERM, or until it stops by itself. Says in one line where it works. `cache` is where
/// repositories are kept if the arguments do not say.
pub async fn run_engine(args: &EngineArgs, cache: PathBuf, clock: Clock) -> Result<(), EngineRunError> {
    // Before anything else, so that no signal finds the program without them.
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let target = Target::Kubeconfig { path: args.kubeconfig.clone(), context: args.context.clone() };
    let cluster = connect(&target, &clock, "boathook-engine").await?;
    if args.install_crds {
        for name in install_definitions(&cluster).await? {
            say(&format!("customresourcedefinition {name} created"))?;
        }
    }
    let mut options = EngineOptions::new(args.repo_cache.clone().unwrap_or(cache));
    options.control_plane.clone_from(&args.namespace);
    options.applications = if args.all_namespaces { Scope::All } else { Scope::Namespace(args.namespace.clone()) };
    options.interval = args.interval;
    options.wave_delay = args.wave_delay;
    if args.allow_file_repositories {
        options.file_repositories = FileRepositories::Allowed;
    }
    let metrics = match args.metrics_port {
        Some(port) => Some(MetricsPort::take(port).await?),
        None => None,
    };
    let name = cluster.name().to_owned();
    let engine = Engine::start(cluster, options, clock).await?;
    let place = if args.all_namespaces { "all namespaces".to_owned() } else { format!("namespace {}", args.namespace) };
    say(&format!("engine at work in {name} for the Applications of {place}"))?;
    if let Some(port) = metrics {
        let number = port.number();
        engine.serve(port);
        say(&format!("metrics at http://127.0.0.1:{number}/metrics"))?;
    }
    let mut suspended = engine.suspended();
    let reason = loop {
        tokio::select! {
            _ = interrupt.recv() => break None,
            _ = terminate.recv() => break None,
            reason = engine.ended() => break Some(reason),
            Ok(()) = suspended.changed() => match &*suspended.borrow_and_update() {
                Some(reason) => say(&format!("nothing is done until the Lease can be renewed: {reason}"))?,
                None => say("the Lease is renewed, and the work goes on")?,
            },
        }
    };
    engine.stop().await;
    reason.map_or(Ok(()), |reason| Err(reason.into()))
}
