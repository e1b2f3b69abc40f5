//! What puts the parts of boathook together that know nothing of one another, joined only by HTTP.

mod history;
mod play;
mod sim;
mod story;

pub use history::HistoryError;
pub use play::{Demo, DemoError, DemoOptions};
pub use sim::{SimulatorError, run_simulator};
pub use story::StoryError;
