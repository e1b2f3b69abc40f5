//! The command line: arguments, what each command prints, and the exit code it ends with.

mod args;
mod context;
mod exit;
mod paint;
mod plan;
mod run;
mod wrap;

pub use args::{Cli, Color, DemoArgs, EngineArgs, ScreenArgs, SimArgs};
pub use context::Context;
pub use exit::Exit;
pub use run::run;
