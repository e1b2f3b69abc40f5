//! When an application is compared, and what follows.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::automated::{Found, Verdict, automated};
use super::entry::status_name;
use super::gather::{Comparison, compare};
use super::judge::Judged;
use super::report::{Occasion, Report, edits};
use super::sight::Sight;
use crate::domain::application::{Application, RefreshKind};
use crate::domain::manifest::Object;
use crate::domain::names;
use crate::domain::operation::{Operation, OperationState};
use crate::engine::actor::Next;
use crate::engine::deletion::settled;
use crate::engine::event::{Severity, tell};
use crate::engine::mailbox::Mailbox;
use crate::engine::problem::{Problem, ProblemKind};
use crate::engine::project::{look_again, window};
use crate::engine::record::{Edit, Written, write};
use crate::engine::shared::Shared;
use crate::engine::targets::Fetch;

/// How long changes of live objects are collected before they are compared.
const BATCH: Duration = Duration::from_secs(1);
/// How soon is tried again what may go away by itself.
const AGAIN: Duration = Duration::from_secs(10);

/// What one actor keeps between comparisons. Called each time its bell rings while no operation runs; decides itself
/// whether a comparison is due: the interval, a `refresh` annotation, a change of live objects, the end of an operation.
#[derive(Default)]
pub(crate) struct Comparer {
    /// An operation has ended since the last comparison.
    due: bool,
    last: Option<Last>,
    judged: Judged,
    /// When a live object was first seen to be another one than was compared.
    changed: Option<Duration>,
}

/// The last comparison.
struct Last {
    /// When it is to be repeated.
    again: Duration,
    spec: Option<Value>,
    sight: Option<Sight>,
    fingerprint: u64,
}

/// Why an application is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// Somebody asked, or nothing is known yet, or the spec is another, or an operation has ended.
    Asked(Fetch),
    /// The interval is over.
    Interval,
    /// Live objects have changed.
    Change,
}

impl Comparer {
    /// The next call compares: an operation has ended.
    pub(crate) fn operation_ended(&mut self) {
        self.due = true;
    }

    /// Compares if it is due, writes what came of it with [`record::write`](crate::engine::record::write), starts an
    /// automated sync where the policy says so, and says when to be called again.
    pub(crate) async fn run(
        &mut self,
        shared: &Shared,
        mailbox: &Arc<Mailbox>,
        object: &Arc<Object>,
        application: &Application,
    ) -> Next {
        let now = shared.clock.monotonic();
        let Some(cause) = self.cause(application, object, now) else { return self.next(now) };
        // Held while something is done. It is never closed.
        let _turn = shared.workers.acquire().await.ok();
        if application.refresh().is_some()
            || self.last.as_ref().is_some_and(|last| last.spec.as_ref() != object.at(&["spec"]))
        {
            self.judged = Judged::default();
        }
        if application.refresh() == Some(RefreshKind::Hard) {
            shared.renderings.forget(&shared.instance(&application.key));
        }
        let fetch = if let Cause::Asked(fetch) = cause { fetch } else { Fetch::IfOld };
        let mut comparison = compare(shared, mailbox, object, application, fetch, &self.judged).await;
        // What is not found may have been pushed a moment ago, as the change of the spec that asks for it.
        let is_missed = comparison.targets.is_none() && comparison.problems.iter().any(Problem::is_of_source);
        if cause == Cause::Asked(Fetch::IfOld) && is_missed {
            comparison = compare(shared, mailbox, object, application, Fetch::Always, &self.judged).await;
        }
        shared.figures.compared();
        let later = self.conclude(shared, mailbox, object, application, &comparison, cause).await;
        let is_transient = comparison.problems.iter().any(|problem| problem.transient);
        let wait = if is_transient { AGAIN.min(shared.options.interval) } else { shared.options.interval };
        let now = shared.clock.monotonic();
        self.due = later.is_none();
        self.changed = None;
        self.last = Some(Last {
            again: now + later.unwrap_or_default().map_or(wait, |later| later.min(wait)),
            spec: object.at(&["spec"]).cloned(),
            sight: comparison.sight,
            fingerprint: comparison.fingerprint,
        });
        self.next(now)
    }

    fn cause(&mut self, application: &Application, object: &Object, now: Duration) -> Option<Cause> {
        if application.refresh().is_some() {
            return Some(Cause::Asked(Fetch::Always));
        }
        let Some(last) = self.last.as_ref().filter(|last| !self.due && last.spec.as_ref() == object.at(&["spec"]))
        else {
            return Some(Cause::Asked(Fetch::IfOld));
        };
        if now >= last.again {
            return Some(Cause::Interval);
        }
        let is_other = last.sight.as_ref().is_some_and(|sight| sight.fingerprint() != last.fingerprint);
        if !is_other {
            self.changed = None;
            return None;
        }
        let since = *self.changed.get_or_insert(now);
        (now >= since + BATCH).then_some(Cause::Change)
    }

    fn next(&self, now: Duration) -> Next {
        if self.due {
            return Next { at: Some(now) };
        }
        let again = self.last.as_ref().map(|last| last.again);
        Next { at: self.changed.map(|since| since + BATCH).into_iter().chain(again).min() }
    }

    /// Writes what was found, and starts an automated sync. When to look again, if that is earlier than the interval;
    /// `None`: it was not written, for the Application is another by now.
    async fn conclude(
        &self,
        shared: &Shared,
        mailbox: &Arc<Mailbox>,
        object: &Arc<Object>,
        application: &Application,
        comparison: &Comparison,
        cause: Cause,
    ) -> Option<Option<Duration>> {
        let now = shared.clock.now();
        let report = Report::of(comparison, application);
        let verdict = decide(application, comparison, &report, now);
        let stuck = match &verdict {
            Verdict::Stuck(message) => {
                Some(Problem { kind: ProblemKind::SyncError, message: message.clone(), transient: false })
            }
            _ => None,
        };
        let control_plane = &shared.options.control_plane;
        let occasion = Occasion { control_plane, now, is_asked: cause != Cause::Change };
        let mut edits = edits(object, application, comparison, &report, stuck.as_ref(), &occasion);
        // Delete hooks run only if a finalizer holds the Application, and are those of the revision it tracks.
        let manifests =
            comparison.targets.as_ref().map(|targets| settled(&application.metadata.finalizers, &targets.objects));
        edits.extend(manifests.flatten().map(Edit::Finalizers));
        if application.refresh().is_some() {
            edits.extend([names::REFRESH, names::REFRESH_TIMESTAMP].map(Edit::NoAnnotation));
        }
        if let Verdict::Start(operation) = &verdict {
            edits.push(Edit::Operation(operation.to_json()));
        }
        if edits.iter().any(|edit| matches!(edit, Edit::Status("conditions", _))) {
            for problem in comparison.problems.iter().chain(&stuck) {
                let (namespace, name) = (object.namespace(), object.name());
                tracing::warn!(application = format!("{namespace}/{name}"), "{problem}");
            }
        }
        if !edits.is_empty() {
            match write(shared, mailbox, object, &edits).await {
                Written::Done(object) => announce(shared, &object, application, &report, &verdict, comparison).await,
                Written::Stale(_) => return None,
                Written::Gone => {}
                Written::Refused(reason) => tracing::warn!(application = object.name(), reason, "it cannot be written"),
            }
        }
        Some(match verdict {
            Verdict::Later(later) => Duration::try_from(later).ok(),
            _ => None,
        })
    }
}

/// What automated sync does. Where anything kept the comparison from being whole, nothing.
fn decide(application: &Application, comparison: &Comparison, report: &Report, now: jiff::Timestamp) -> Verdict {
    let (Some(entries), Some(targets), Some(place)) = (&comparison.entries, &comparison.targets, &comparison.place)
    else {
        return Verdict::Nothing;
    };
    let found = Found { status: report.sync, revisions: &targets.revisions, entries };
    let verdict = automated(application, &found, now);
    if let Verdict::Start(operation) = &verdict {
        let state = OperationState { operation: Operation::clone(operation), ..OperationState::default() };
        let decision = window(&place.project, application, &place.destination, &state, now);
        if decision.is_allowed() {
            return verdict;
        }
        return look_again(&decision, now).map_or(Verdict::Nothing, |at| Verdict::Later(at.duration_since(now)));
    }
    verdict
}

/// Tells what has changed, in Argo CD's words.
async fn announce(
    shared: &Shared,
    object: &Object,
    before: &Application,
    report: &Report,
    verdict: &Verdict,
    comparison: &Comparison,
) {
    let said = before.status.sync.status;
    if said != Some(report.sync) {
        let message = format!("Updated sync status: {} -> {}", said.map_or("", status_name), status_name(report.sync));
        tell(shared, object, Severity::Normal, "ResourceUpdated", &message).await;
    }
    let said = before.status.health.status;
    if said != Some(report.health) {
        let said = said.map_or("", |status| status.as_str());
        let message = format!("Updated health status: {said} -> {}", report.health.as_str());
        tell(shared, object, Severity::Normal, "ResourceUpdated", &message).await;
    }
    if matches!(verdict, Verdict::Start(_)) {
        let revisions = comparison.targets.as_ref().map(|targets| targets.revisions.join(" ")).unwrap_or_default();
        let message = format!("Initiated automated sync to '{revisions}'");
        tell(shared, object, Severity::Normal, "OperationStarted", &message).await;
    }
}
