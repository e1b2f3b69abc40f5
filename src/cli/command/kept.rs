//! What was kept of an application whose cluster cannot be reached: at such a time it is all there is.

use std::sync::Arc;

use super::get_app::one;
use crate::cli::exit::Exit;
use crate::cli::live::{Failure, Session, Stop};
use crate::cli::print::{Printer, ago};
use crate::domain::application::AppKey;
use crate::domain::live::OperationRecord;

/// An application, as far as it can be had.
pub(super) enum Found {
    /// It is there.
    There(AppKey),
    /// Its cluster cannot be reached, for this reason, and something was kept of it.
    Kept(AppKey, Failure),
}

/// The one application of this name; if its cluster cannot be reached, the one of which something was kept.
pub(super) async fn one_or_kept(name: &str, session: &mut Session) -> Result<Found, Stop> {
    let failure = match one(name, session).await {
        Ok(key) => return Ok(Found::There(key)),
        Err(Stop::Failed(failure)) if failure.exit == Exit::Unreachable => failure,
        Err(stop) => return Err(stop),
    };
    let (namespace, own) = name.split_once('/').map_or((None, name), |(namespace, own)| (Some(namespace), own));
    let namespace = namespace.or(session.namespace.as_deref());
    let kept = session.live.kept(own).map_err(|error| failure.clone().detail(error.to_string()))?;
    let mut kept: Vec<AppKey> =
        kept.into_iter().filter(|key| namespace.is_none_or(|namespace| *key.namespace == *namespace)).collect();
    match (kept.pop(), kept.is_empty()) {
        (None, _) => Err(failure.detail(format!("nothing was kept here of an application {own}")).into()),
        (Some(key), true) => {
            session.is_offline = true;
            Ok(Found::Kept(key, failure))
        }
        (Some(last), false) => {
            kept.push(last);
            let start = failure.detail(format!("something was kept here of several applications {own}"));
            let named =
                kept.iter().fold(start, |failure, key| failure.detail(format!("{}/{}", key.namespace, key.name)));
            Err(named.advice("the same with NAMESPACE/NAME").into())
        }
    }
}

/// The operations of an application that are kept, oldest first.
pub(super) async fn history(key: &AppKey, session: &mut Session) -> Result<Vec<Arc<OperationRecord>>, Stop> {
    let live = session.live.clone();
    let kept = session.meanwhile(live.history(key)).await?;
    Ok(kept.map_err(|error| Failure::new(Exit::Internal, error.to_string()))?)
}

/// Says that the cluster is away, and how old it is what is shown.
pub(super) fn tell_age(
    key: &AppKey,
    failure: &Failure,
    kept: &[Arc<OperationRecord>],
    session: &Session,
    printer: &Printer,
) {
    let begin = kept.iter().filter_map(|record| record.started_at).max();
    let age = begin.map(|at| {
        format!("; its last operation that was seen here began at {at}, {} ago", ago(at, session.clock.now()))
    });
    let age = age.unwrap_or_default();
    printer.note(failure.to_string().trim_end_matches('\n'));
    printer.note(&format!("boathook: this is what was kept here of {}/{}{age}", key.namespace, key.name));
}
