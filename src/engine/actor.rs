//! The actor of one Application: what is to be done with it now, one thing at a time.

use std::sync::Arc;
use std::time::Duration;

use super::compare::Comparer;
use super::controller::{left_to, refuse_writer};
use super::error::EngineError;
use super::mailbox::Mailbox;
use super::operate::{Operator, is_asked};
use super::shared::Shared;
use super::{deletion, record};
use crate::domain::application::{AppKey, Application};
use crate::domain::manifest::Object;
use crate::domain::names;

/// Pause before the API server is asked again who else is at work.
const AGAIN: Duration = Duration::from_secs(2);
/// Pause before it is looked again whether an Application is still left to another engine.
const LEFT: Duration = Duration::from_secs(15);

/// What an actor waits for after it has done what was to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Next {
    /// When to look again even if nothing happens, by the monotonic clock. `None`: when the bell rings.
    pub(crate) at: Option<Duration>,
}

/// Works for an Application until it is gone or the engine stops.
pub(super) async fn run(shared: Arc<Shared>, mailbox: Arc<Mailbox>) {
    let mut operator = Operator::default();
    let mut comparer = Comparer::default();
    let mut instance = String::new();
    loop {
        let bell = mailbox.bell.notified();
        let Some(object) = mailbox.latest() else {
            shared.renderings.forget(&instance);
            return;
        };
        instance = shared.instance(&AppKey::new("", object.namespace(), object.name()));
        // Its many steps take room only while it works.
        let work = Box::pin(work(&shared, &mailbox, &object, &mut operator, &mut comparer));
        let next = tokio::select! {
            biased;
            () = shared.stop.cancelled() => return,
            next = work => next,
        };
        // Something came while it worked that it may not have seen.
        if mailbox.latest().is_some_and(|latest| record::version(&latest) != record::version(&object)) {
            continue;
        }
        let alarm = async {
            match next.at {
                Some(at) => shared.clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = bell => {}
            () = alarm => {}
        }
    }
}

async fn work(
    shared: &Shared,
    mailbox: &Arc<Mailbox>,
    object: &Arc<Object>,
    operator: &mut Operator,
    comparer: &mut Comparer,
) -> Next {
    let application = read(shared, object);
    if application.skips_reconcile() {
        return Next::default();
    }
    // Nothing is written to what another engine works on, not even that.
    match left_to(&shared.cluster, object, &shared.options.control_plane).await {
        Ok(None) => {}
        Ok(Some(who)) => {
            tracing::warn!(application = object.name(), "an Application is left to {who}");
            return Next { at: Some(shared.clock.monotonic() + LEFT) };
        }
        Err(error) => {
            tracing::warn!(application = object.name(), %error, "nobody can tell whether another engine is at work");
            return Next { at: Some(shared.clock.monotonic() + AGAIN) };
        }
    }
    if is_asked(object) || is_left_behind(&application) {
        if let Some(next) = refused(shared, object).await {
            return next;
        }
        Box::pin(operator.run(shared, mailbox, object)).await;
        comparer.operation_ended();
        return Next { at: Some(shared.clock.monotonic()) };
    }
    if application.metadata.deleting {
        return deletion::run(shared, mailbox, object).await;
    }
    comparer.run(shared, mailbox, object, &application).await
}

/// Its request was taken away while nobody looked, and its hooks may still run: nobody else would end them, and none of
/// them could be deleted.
fn is_left_behind(application: &Application) -> bool {
    let Some(state) = &application.status.operation_state else { return false };
    let is_of_deletion = state.operation.info.iter().any(|info| info.name == names::BOATHOOK_DELETE);
    state.phase.is_some_and(|phase| !phase.is_completed()) && state.operation.sync.is_some() && !is_of_deletion
}

/// Before an operation: the engine stops where Argo CD has begun to work, and waits where nobody can tell.
async fn refused(shared: &Shared, object: &Object) -> Option<Next> {
    let workloads = shared.others.refuse(&shared.cluster, &shared.options.control_plane).await;
    match workloads.and_then(|()| refuse_writer(object, shared.cluster.server_now())) {
        Ok(()) => None,
        Err(EngineError::Cluster(error)) => {
            tracing::warn!(%error, "nobody can tell whether Argo CD is at work");
            Some(Next { at: Some(shared.clock.monotonic() + AGAIN) })
        }
        Err(reason) => {
            shared.give_up(reason);
            Some(Next::default())
        }
    }
}

/// The Application in an object. What cannot be read has its default: nothing is done for it that was not asked for.
pub(crate) fn read(shared: &Shared, object: &Object) -> Application {
    Application::read(shared.cluster.name(), object).0
}
