//! Going through the parts of a deletion.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::cascade::cascade;
use super::finalizers::{Part, foreign, next, without};
use super::hooks::{Hooks, Progress};
use crate::domain::application::Application;
use crate::domain::hook::DeletePhase;
use crate::domain::manifest::Object;
use crate::domain::names;
use crate::domain::operation::{Info, Operation, OperationPhase, OperationState, SyncResult, TaskResult};
use crate::engine::actor::{Next, read};
use crate::engine::event::{Severity, tell};
use crate::engine::mailbox::Mailbox;
use crate::engine::operate::{Place, place};
use crate::engine::problem::{Problem, ProblemKind};
use crate::engine::project::Reading;
use crate::engine::record::{Edit, Written, write};
use crate::engine::shared::Shared;
use crate::engine::targets::{Fetch, Targets, Wanted, targets};

/// How often failed hooks are run again before somebody has to look.
const RETRIES: i64 = 3;
/// Pause before a part is tried again that did not go on.
const AGAIN: Duration = Duration::from_secs(2);
/// Pause before failed hooks are run again, times the number of the attempt.
const RETRY: Duration = Duration::from_secs(10);

/// Goes on with the deletion of an Application until it is gone or the engine stops.
pub(in crate::engine) async fn run(
    shared: &Shared,
    mailbox: &Arc<Mailbox>,
    object: &Arc<Object>,
    _: &Application,
) -> Next {
    let mut object = Arc::clone(object);
    loop {
        let application = read(shared, &object);
        let Some((finalizer, part)) = next(&application.metadata.finalizers) else { return Next::default() };
        let mut deletion = Deletion { shared, mailbox, object: Arc::clone(&object), application };
        let pause = match deletion.part(finalizer, part).await {
            Ok(pause) => pause,
            Err(problem) => {
                deletion.complain(&problem).await;
                Some(if problem.transient { AGAIN } else { RETRY })
            }
        };
        if let Some(pause) = pause {
            tokio::select! {
                () = mailbox.bell.notified() => {}
                () = shared.clock.sleep(pause) => {}
                () = shared.stop.cancelled() => return Next::default(),
            }
        }
        match mailbox.latest() {
            Some(latest) if latest.is_deleting() && latest.uid() == object.uid() => object = latest,
            _ => return Next::default(),
        }
    }
}

/// One Application on its way out.
struct Deletion<'a> {
    shared: &'a Shared,
    mailbox: &'a Arc<Mailbox>,
    object: Arc<Object>,
    application: Application,
}

impl Deletion<'_> {
    /// Goes on with a part; when to look again, if it is not through.
    async fn part(&mut self, finalizer: &'static str, part: Part) -> Result<Option<Duration>, Problem> {
        let place = match place(self.shared, &self.object, &self.application, Reading::Fresh).await {
            Ok(place) => place,
            // Without its cluster there is nothing to delete and nowhere to run anything.
            Err(problem) if problem.kind == ProblemKind::InvalidSpecError => {
                let rest = foreign(&self.application.metadata.finalizers);
                self.write(&[Edit::Finalizers(rest)]).await;
                return Ok(None);
            }
            Err(problem) => return Err(problem),
        };
        let is_through = match part {
            Part::Objects(propagation) => {
                cascade(self.shared, self.mailbox, &self.application, &place, propagation).await?
            }
            Part::PreDelete => self.hooks(&place, DeletePhase::PreDelete).await?,
            Part::PostDelete => self.hooks(&place, DeletePhase::PostDelete).await?,
            Part::CleanPreDelete => self.clean(&place, DeletePhase::PreDelete).await?,
            Part::CleanPostDelete => self.clean(&place, DeletePhase::PostDelete).await?,
        };
        if !is_through {
            return Ok(Some(RETRY));
        }
        let rest = without(&self.application.metadata.finalizers, finalizer);
        self.write(&[Edit::Finalizers(rest)]).await;
        Ok(None)
    }

    async fn open<'p>(&'p self, place: &'p Place, phase: DeletePhase, attempt: i64) -> Result<Hooks<'p>, Problem> {
        let targets = self.targets(place).await?;
        let namespace = &self.application.spec.destination.namespace;
        let of = (self.began(), attempt);
        Hooks::open(self.shared, place, phase, &targets, namespace, of, &self.mailbox.bell).await
    }

    async fn targets(&self, place: &Place) -> Result<Targets, Problem> {
        let wanted = Wanted {
            application: &self.application,
            project: &place.project,
            destination: &place.destination,
            sources: self.application.spec.effective_sources(),
            revisions: &[],
            fetch: Fetch::IfOld,
        };
        targets(self.shared, &wanted).await
    }

    fn began(&self) -> Timestamp {
        self.application.metadata.deletion_timestamp.unwrap_or_default()
    }

    /// The state of this deletion, if it has one.
    fn state(&self) -> Option<&OperationState> {
        let state = self.application.status.operation_state.as_ref()?;
        state.operation.info.iter().any(|info| info.name == names::BOATHOOK_DELETE).then_some(state)
    }

    /// Runs the hooks of a phase. `true`: all ended well.
    async fn hooks(&mut self, place: &Place, phase: DeletePhase) -> Result<bool, Problem> {
        let attempt = self.state().map_or(0, |state| state.retry_count);
        let hooks = self.open(place, phase, attempt).await?;
        let (progress, results) = hooks.go_on().await?;
        let word = match phase {
            DeletePhase::PreDelete => "PreDelete",
            DeletePhase::PostDelete => "PostDelete",
        };
        match progress {
            Progress::Running => {
                self.record(OperationPhase::Running, &format!("waiting for {word} hooks"), attempt, results).await;
                Ok(false)
            }
            Progress::Succeeded => {
                if !results.is_empty() {
                    let told = format!("{word} hooks succeeded");
                    self.record(OperationPhase::Running, &told, 0, results).await;
                }
                Ok(true)
            }
            Progress::Failed => {
                hooks.clean(false).await?;
                drop(hooks);
                self.failed(word, attempt, results).await
            }
        }
    }

    /// After a failure: another attempt follows, but not for ever.
    async fn failed(&mut self, word: &str, attempt: i64, results: Vec<TaskResult>) -> Result<bool, Problem> {
        let failed: Vec<String> = (results.iter().filter(|result| result.is_failed()))
            .map(|result| format!("{}/{}", result.key.namespace, result.key.name))
            .collect();
        let message = format!(
            "error executing {} hooks: {word} hook(s) failed: {}",
            if word == "PreDelete" { "pre-delete" } else { "post-delete" },
            failed.join(", ")
        );
        let is_refreshed = self.application.refresh().is_some();
        if attempt >= RETRIES && !is_refreshed {
            self.record(OperationPhase::Failed, &message, attempt, results).await;
            return Err(Problem::deletion(format!("{message} ({attempt} retries; a refresh tries again)")));
        }
        let number = if is_refreshed { 0 } else { attempt };
        self.record(OperationPhase::Running, &message, number, results.clone()).await;
        self.complain(&Problem::deletion(message.clone())).await;
        let pause = RETRY.saturating_mul(u32::try_from(number + 1).unwrap_or(1));
        tokio::select! {
            () = self.shared.clock.sleep(pause) => {}
            () = self.shared.stop.cancelled() => return Ok(false),
        }
        self.record(OperationPhase::Running, &message, attempt + 1, results).await;
        self.write(&[Edit::NoAnnotation(names::REFRESH)]).await;
        Ok(false)
    }

    async fn clean(&self, place: &Place, phase: DeletePhase) -> Result<bool, Problem> {
        let attempt = self.state().map_or(0, |state| state.retry_count);
        self.open(place, phase, attempt).await?.clean(true).await?;
        Ok(true)
    }

    /// Writes down how far the deletion is, as an operation.
    async fn record(&mut self, phase: OperationPhase, message: &str, retries: i64, results: Vec<TaskResult>) {
        let info = Info { name: names::BOATHOOK_DELETE.to_owned(), value: "true".to_owned() };
        let state = OperationState {
            operation: Operation { info: vec![info], ..Operation::default() },
            phase: Some(phase),
            message: message.to_owned(),
            started_at: Some(self.began()),
            finished_at: phase.is_completed().then(|| self.shared.clock.now().max(self.began())),
            retry_count: retries,
            sync_result: Some(SyncResult { resources: results, ..SyncResult::default() }),
        };
        let is_known = self.state().is_some_and(|known| {
            let ours = |state: &OperationState| {
                let results = state.sync_result.as_ref().map(|result| result.resources.clone());
                (state.phase, state.message.clone(), state.retry_count, results)
            };
            ours(known) == ours(&state)
        });
        if !is_known {
            self.write(&[Edit::Status("operationState", state.to_json())]).await;
        }
    }

    /// Tells what keeps the deletion from going on, as a condition and an Event.
    async fn complain(&mut self, problem: &Problem) {
        let known = self.object.at(&["status", "conditions"]).and_then(Value::as_array).cloned().unwrap_or_default();
        let word = problem.kind.as_str();
        let is_ours = |condition: &Value| condition.get("type").and_then(Value::as_str) == Some(word);
        let is_told = known.iter().any(|condition| {
            is_ours(condition) && condition.get("message").and_then(Value::as_str) == Some(&problem.message)
        });
        if is_told {
            return;
        }
        let mut conditions: Vec<Value> = known.into_iter().filter(|condition| !is_ours(condition)).collect();
        let now = format!("{:.0}", self.shared.clock.now());
        conditions.push(json!({"type": word, "message": problem.message, "lastTransitionTime": now}));
        self.write(&[Edit::Status("conditions", Value::Array(conditions))]).await;
        let message = format!("Unable to delete application resources: {}", problem.message);
        tell(self.shared, &self.object, Severity::Warning, "StatusRefreshed", &message).await;
    }

    /// Changes the Application. Where it was changed meanwhile, the next turn decides with what is there now.
    async fn write(&mut self, edits: &[Edit]) {
        if let Written::Done(object) | Written::Stale(object) =
            write(self.shared, self.mailbox, &self.object, edits).await
        {
            self.application = read(self.shared, &object);
            self.object = object;
        }
    }
}
