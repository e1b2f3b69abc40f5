//! The arguments of every command. Help, man pages and completions come from these definitions.

mod about;
mod act;
mod connect;
mod format;
mod get;
mod logs;
mod program;
mod target;
mod wait;

pub(super) use about::{ManArgs, Shell, VersionArgs};
pub(super) use act::{ActArgs, AnswerArgs, ApproveArgs, FollowArgs, RefreshArgs, RerunArgs, RollbackArgs, SyncArgs};
pub(super) use connect::{ConnectArgs, GitArgs};
pub(super) use format::Format;
pub(super) use get::{GetAppArgs, GetAppsArgs, GetWhat};
pub(super) use logs::LogsArgs;
pub(super) use program::{AppPlanArgs, Command, Explained, Output, PlanArgs, called_as};
pub use program::{Cli, Color, DemoArgs, EngineArgs, ScreenArgs, SimArgs};
pub(super) use target::TargetArgs;
pub(super) use wait::{Condition, PHASES, WaitArgs, WatchArgs};
