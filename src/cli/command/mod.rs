//! The commands on a live view.

mod act;
mod get_app;
mod get_apps;
mod get_more;
mod kept;
mod logs;
mod plan_app;
mod sync;
mod wait;
mod watch;

pub(super) use act::{approve, plain, refresh, rerun, rollback};
pub(super) use get_app::get_app;
pub(super) use get_apps::get_apps;
pub(super) use get_more::{get_history, get_hooks, get_windows};
pub(super) use logs::logs;
pub(super) use plan_app::plan_app;
pub(super) use sync::sync;
pub(super) use wait::wait;
pub(super) use watch::watch;
