//! The commands on a live view, one file each.

mod get_app;
mod get_apps;
mod wait;
mod watch;

pub(super) use get_app::get_app;
pub(super) use get_apps::get_apps;
pub(super) use wait::wait;
pub(super) use watch::watch;
