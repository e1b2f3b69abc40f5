//! What puts the parts of boathook together that know nothing of one another, joined only by HTTP.

mod applications;
mod engine;
mod history;
mod later;
mod past;
mod play;
mod sim;
mod story;

pub use engine::{EngineRunError, run_engine};
pub use history::HistoryError;
pub use play::{Demo, DemoError, DemoOptions, Running};
pub use sim::{SimulatorError, run_simulator};
