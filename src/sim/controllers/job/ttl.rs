//! Deletes finished Jobs after `ttlSecondsAfterFinished`.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::outcome::is_finished;
use crate::sim::controllers::json::{condition, int, time};
use crate::sim::controllers::names::ControllerName;
use crate::sim::controllers::owners::Owners;
use crate::sim::controllers::{Change, Context, Controller, Key, Wake};
use crate::sim::resource::JOBS;
use crate::sim::status::Status;
use crate::sim::store::{EventKind, Propagation};

/// See the module.
#[derive(Debug, Default)]
pub(in crate::sim::controllers) struct TtlController;

impl Controller for TtlController {
    fn name(&self) -> ControllerName {
        ControllerName::TtlAfterFinished
    }

    fn manager(&self) -> &'static str {
        "ttl-after-finished-controller"
    }

    fn observe(&mut self, change: &Change, _owners: &Owners, wake: &mut Wake<'_>) {
        if change.id == JOBS && change.kind != EventKind::Deleted {
            let job = change.object.value();
            if int(&job, "/spec/ttlSecondsAfterFinished").is_some() && is_finished(&job) {
                wake.now(change.object.namespace(), change.object.name());
            }
        }
    }

    fn reconcile(&mut self, context: &mut Context<'_>, key: &Key) -> Result<(), Status> {
        let Some(stored) = context.store.get(&JOBS, &key.namespace, &key.name) else { return Ok(()) };
        let job = stored.value();
        if stored.is_deleting() {
            return Ok(());
        }
        let Some((finished, lives)) = finished_at(&job).zip(int(&job, "/spec/ttlSecondsAfterFinished")) else {
            return Ok(());
        };
        let lives = std::time::Duration::from_secs(u64::try_from(lives).unwrap_or(0));
        let lives = SignedDuration::try_from(context.scaled(lives)).unwrap_or(SignedDuration::MAX);
        let Ok(at) = finished.checked_add(lives) else { return Ok(()) };
        if at > context.now {
            context.again_at(key, at);
            return Ok(());
        }
        context.delete(&JOBS, &stored, Propagation::Foreground)
    }
}

fn finished_at(job: &Value) -> Option<Timestamp> {
    ["Complete", "Failed"].iter().find_map(|kind| time(condition(job, kind)?, "/lastTransitionTime"))
}
