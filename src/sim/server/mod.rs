//! A running simulator: its listener on loopback, its controllers and faults, how clients reach it, and its end.

mod kubeconfig;
mod listener;
mod scenario;
mod simulator;
mod token;

pub use kubeconfig::{KubeconfigError, write_kubeconfig};
pub use simulator::{SimError, Simulator, SimulatorOptions};
