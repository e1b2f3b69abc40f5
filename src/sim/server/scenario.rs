//! What a scenario says of the API: its faults over time; and what every cluster has.

use std::sync::Weak;
use std::time::Duration;

use jiff::SignedDuration;

use super::simulator::Shared;
use crate::domain::scenario::{Fault as Scripted, FaultKind, Pattern, RequestMatch};
use crate::sim::faults::{Action, Failure, Fault, WatchOrder};
use crate::sim::resource::{CUSTOM_RESOURCE_DEFINITIONS, definition};
use crate::sim::status::Status;
use crate::sim::store::{Store, WriteOptions};

/// Makes the definitions of Argo's resources, which are there from the start.
pub(super) fn found_definitions(store: &Store) -> Result<(), Status> {
    for resource in store.resources().iter().filter(|resource| resource.custom) {
        let definition = definition::definition_of(resource);
        store.create(&CUSTOM_RESOURCE_DEFINITIONS, definition, &WriteOptions::by("boathook"))?;
    }
    Ok(())
}

/// Lets one fault of a scenario happen at its time.
pub(super) async fn play(shared: Weak<Shared>, scripted: Scripted, speed: f64) {
    let Some(clock) = shared.upgrade().map(|shared| shared.clock.clone()) else { return };
    clock.sleep(scaled(scripted.at, speed)).await;
    let Some(now) = shared.upgrade() else { return };
    let lasts = scripted.lasts.map(|lasts| clock.sleep(scaled(lasts, speed)));
    let id = begin(&now, &scripted);
    if scripted.kind == FaultKind::Restart {
        listen_again(&now).await;
    }
    drop(now);
    let Some(lasts) = lasts else { return };
    lasts.await;
    let Some(now) = shared.upgrade() else { return };
    if let Some(id) = id {
        now.faults.remove(id);
    }
    if scripted.kind == FaultKind::Refuse {
        listen_again(&now).await;
    }
}

async fn listen_again(shared: &Shared) {
    if let Err(error) = shared.accept().await {
        tracing::error!(%error, "the simulator cannot listen again");
    }
}

/// Starts a fault; what is to be removed at its end.
fn begin(shared: &Shared, scripted: &Scripted) -> Option<crate::sim::faults::FaultId> {
    let filter = scripted.matches.clone();
    let stays = scripted.lasts.is_some() || scripted.times.is_some();
    let add = |filter: RequestMatch, action: Action| {
        let fault = Fault::new(filter, action);
        shared.faults.add(match scripted.times {
            Some(times) => fault.times(times),
            None => fault,
        })
    };
    // Those that are open meet it now, those that open later while it lasts.
    let watches = |order: WatchOrder| {
        shared.faults.order(filter.clone(), order);
        stays.then(|| add(only(&filter, &["watch"]), Action::Watch { after: 0, order }))
    };
    match &scripted.kind {
        FaultKind::Refuse | FaultKind::Restart => {
            shared.refuse();
            None
        }
        FaultKind::Cut => Some(add(filter, Action::Cut)),
        FaultKind::EndWatch => watches(WatchOrder::End),
        FaultKind::StallWatch => watches(WatchOrder::Stall),
        FaultKind::Expire => {
            shared.store.compact();
            watches(WatchOrder::Expire)
        }
        FaultKind::Conflict => {
            Some(add(only(&filter, &["update", "patch", "delete"]), Action::Fail(Failure::Conflict)))
        }
        FaultKind::Throttle { retry_after } => {
            Some(add(filter, Action::Fail(Failure::TooManyRequests { retry_after: *retry_after })))
        }
        FaultKind::Error { status, message } => {
            Some(add(filter, Action::Fail(Failure::Server { code: *status, message: message.clone() })))
        }
        FaultKind::Slow { delay } => Some(add(filter, Action::Slow { piece: usize::MAX, pause: scaled(*delay, 1.0) })),
        FaultKind::Truncate { bytes } => {
            Some(add(filter, Action::Truncate { after: usize::try_from(*bytes).unwrap_or(usize::MAX) }))
        }
        FaultKind::ExpireToken => Some(add(filter, Action::Fail(Failure::Unauthorized))),
    }
}

/// The same requests, of these verbs where none are named.
fn only(filter: &RequestMatch, verbs: &[&str]) -> RequestMatch {
    let mut filter = filter.clone();
    if filter.verbs.is_empty() {
        filter.verbs = verbs.iter().map(|verb| Pattern::new(*verb)).collect();
    }
    filter
}

fn scaled(duration: SignedDuration, speed: f64) -> Duration {
    let seconds = duration.as_secs_f64().max(0.0) / speed.max(0.001);
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}
