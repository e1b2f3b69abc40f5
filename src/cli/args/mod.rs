//! The arguments of every command. Help, man pages and completions come from these definitions.

mod connect;
mod format;
mod get;
mod program;
mod target;
mod wait;

pub(super) use connect::{ConnectArgs, GitArgs};
pub(super) use format::Format;
pub(super) use get::{GetAppArgs, GetAppsArgs, GetWhat};
pub use program::{Cli, Color, DemoArgs, EngineArgs, ScreenArgs, SimArgs};
pub(super) use program::{Command, Explained, Output, PlanArgs};
pub(super) use target::TargetArgs;
pub(super) use wait::{Condition, WaitArgs, WatchArgs};
