//! What puts the parts of boathook together that know nothing of one another, joined only by HTTP.

mod sim;

pub use sim::{SimulatorError, run_simulator};
