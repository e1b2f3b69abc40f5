//! The command line: arguments, what each command prints, and the exit code it ends with.

mod about;
mod act;
mod args;
mod command;
mod complete;
mod context;
mod exit;
mod live;
mod paint;
mod plan;
mod print;
mod review;
mod run;
mod wrap;

pub use args::{Cli, Color, DemoArgs, EngineArgs, ScreenArgs, SimArgs};
pub use complete::complete;
pub use context::{Context, Surroundings};
pub use exit::Exit;
pub use run::run;
