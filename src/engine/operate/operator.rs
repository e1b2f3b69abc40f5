//! One operation after the other of one Application.

use std::sync::Arc;

use jiff::Timestamp;

use super::run::Run;
use crate::domain::manifest::Object;
use crate::engine::mailbox::Mailbox;
use crate::engine::shared::Shared;

/// What one actor keeps between operations.
#[derive(Debug, Default)]
pub(crate) struct Operator {
    /// Start of the last operation: the next one begins later, although its state may have been erased.
    last_start: Option<Timestamp>,
}

impl Operator {
    /// Runs the operation of an Application until it is over, or until it is no more the operation that was begun.
    pub(crate) async fn run(&mut self, shared: &Shared, mailbox: &Arc<Mailbox>, object: &Arc<Object>) {
        let mut run = Run::new(shared, mailbox, object, self.last_start);
        run.until_it_is_over().await;
        self.last_start = run.started_at().or(self.last_start);
    }
}
