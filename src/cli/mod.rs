//! The command line: arguments, what each command prints, and the exit code it ends with.

mod args;
mod command;
mod context;
mod exit;
mod live;
mod paint;
mod plan;
mod print;
mod run;
mod wrap;

pub use args::{Cli, Color, DemoArgs, EngineArgs, ScreenArgs, SimArgs};
pub use context::{Context, Surroundings};
pub use exit::Exit;
pub use run::run;
