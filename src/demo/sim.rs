//! `boathook sim`: a simulated cluster for anybody's clients, until it is told to stop.

use std::fs;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};

use crate::cli::SimArgs;
use crate::clock::Clock;
use crate::domain::scenario::{Scenario, ScenarioError, World};
use crate::sim::server::{KubeconfigError, SimError, Simulator, SimulatorOptions, write_kubeconfig};

/// Why the simulator did not run.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// The scenario cannot be read from disk.
    #[error("cannot read the scenario {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The scenario is wrong; all its problems.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// It did not start.
    #[error(transparent)]
    Start(#[from] SimError),
    /// The kubeconfig was not written.
    #[error(transparent)]
    Kubeconfig(#[from] KubeconfigError),
    /// The system refuses something the program needs.
    #[error("the simulator stops: {0}")]
    Io(#[from] io::Error),
}

impl SimulatorError {
    /// Whether the input is to blame, and not the machine: what the arguments name, a port and files, is input.
    pub fn is_input(&self) -> bool {
        !matches!(self, Self::Start(SimError::Token(_)) | Self::Io(_))
    }
}

/// Runs a simulated cluster until SIGINT or SIGTERM. Says in one line where it is.
pub async fn run_simulator(args: &SimArgs, clock: Clock) -> Result<(), SimulatorError> {
    // Before anything else, so that no signal finds the program without them.
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let world = args.scenario.as_ref().map(read).transpose()?.unwrap_or_default();
    let options =
        SimulatorOptions { port: args.port, clock, world, speed: args.speed, seed: args.seed, ..Default::default() };
    let simulator = Simulator::start(options)?;
    let mut line = format!("Kubernetes API at {}", simulator.url());
    if let Some(path) = &args.kubeconfig {
        write_kubeconfig(path, &simulator.kubeconfig())?;
        line = format!("{line}, kubeconfig {}", path.display());
    }
    say(&line)?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    simulator.stop().await;
    Ok(())
}

/// Says a line on standard output. That nobody reads it is no reason to stop.
pub(super) fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        said => said,
    }
}

/// The largest scenario, in bytes.
const MOST_SCENARIO: u64 = 16 * 1024 * 1024;

fn read(path: &PathBuf) -> Result<World, SimulatorError> {
    let unreadable = |source| SimulatorError::Unreadable { path: path.clone(), source };
    let mut text = String::new();
    let file = fs::File::open(path).map_err(unreadable)?;
    let bytes = file.take(MOST_SCENARIO + 1).read_to_string(&mut text).map_err(unreadable)?;
    if bytes as u64 > MOST_SCENARIO {
        return Err(unreadable(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than 16 MB")));
    }
    Ok(Scenario::parse(&path.display().to_string(), &text)?.world)
}
