//! Going through the parts of a deletion.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::cascade::cascade;
use super::finalizers::{Part, foreign, next, without};
use super::hooks::{Hooks, Progress};
use crate::domain::application::Application;
use crate::domain::hook::{DeletePhase, HookType};
use crate::domain::manifest::Object;
use crate::domain::names;
use crate::domain::operation::{Info, Operation, OperationPhase, OperationState, SyncResult, TaskResult};
use crate::engine::actor::{Next, read};
use crate::engine::event::{Severity, tell};
use crate::engine::inventory::Inventory;
use crate::engine::mailbox::Mailbox;
use crate::engine::operate::{Place, place};
use crate::engine::pool::Subscription;
use crate::engine::problem::{Problem, ProblemKind};
use crate::engine::project::Reading;
use crate::engine::record::{Edit, Written, write};
use crate::engine::shared::Shared;
use crate::engine::targets::{Fetch, SourcePath, Targets, Wanted, targets};

/// How often failed hooks are run again before somebody has to look.
const RETRIES: i64 = 3;
/// Pause before a part is tried again that a cluster did not answer to.
const AGAIN: Duration = Duration::from_secs(2);
/// Pause before a part is tried again that did not go on for another reason.
const LATER: Duration = Duration::from_secs(10);

/// How far a part is.
enum Turn {
    /// It is done.
    Through,
    /// It waits: for the bell, and at most so long.
    Waits(Option<Duration>),
    /// It cannot go on, which was told: it is tried again after so long.
    Stuck(Duration),
}

/// What rings the bell while a part waits.
#[derive(Default)]
struct Eyes {
    hooks: Vec<Subscription>,
    objects: Option<Inventory>,
}

/// Goes on with the deletion of an Application until it is gone or the engine stops.
pub(in crate::engine) async fn run(shared: &Shared, mailbox: &Arc<Mailbox>, object: &Arc<Object>) -> Next {
    let mut object = Arc::clone(object);
    let mut eyes = Eyes::default();
    loop {
        let application = read(shared, &object);
        let Some((finalizer, part)) = next(&application.metadata.finalizers) else { return Next::default() };
        let mut deletion =
            Deletion { shared, mailbox, object: Arc::clone(&object), application, eyes: Eyes::default() };
        let turn = {
            // Held while something is done. It is never closed.
            let _turn = shared.workers.acquire().await.ok();
            match deletion.part(finalizer, part).await {
                Ok(Turn::Waits(pause)) => {
                    deletion.withdraw().await;
                    Turn::Waits(pause)
                }
                Ok(turn) => turn,
                Err(problem) => {
                    deletion.complain(&problem).await;
                    Turn::Stuck(if problem.transient { AGAIN } else { LATER })
                }
            }
        };
        // Those of this turn are open before those of the last are closed, so that shared watches stay.
        drop(std::mem::replace(&mut eyes, deletion.eyes));
        let pause = match turn {
            Turn::Through => None,
            Turn::Waits(pause) => Some(pause),
            Turn::Stuck(pause) => Some(Some(pause)),
        };
        if let Some(pause) = pause {
            let alarm = async {
                match pause {
                    Some(pause) => shared.clock.sleep(pause).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = mailbox.bell.notified() => {}
                () = alarm => {}
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
    eyes: Eyes,
}

impl Deletion<'_> {
    /// Goes on with a part.
    async fn part(&mut self, finalizer: &'static str, part: Part) -> Result<Turn, Problem> {
        let place = match place(self.shared, &self.object, &self.application, Reading::Fresh).await {
            Ok(place) => place,
            // Without its cluster there is nothing to delete and nowhere to run anything. Whatever else is wrong can be
            // mended, and what was deployed is not left behind for it.
            Err(problem) if problem.kind == ProblemKind::UnknownCluster => {
                let rest = foreign(&self.application.metadata.finalizers);
                self.write(&[Edit::Finalizers(rest)]).await;
                return Ok(Turn::Through);
            }
            Err(problem) => return Err(problem),
        };
        let turn = match part {
            Part::Objects(propagation) => {
                let cascade = cascade(self.shared, self.mailbox, &self.application, &place, propagation);
                let (is_through, inventory) = self.shared.at(&place.destination, cascade).await?;
                self.eyes.objects = Some(inventory);
                if is_through { Turn::Through } else { Turn::Waits(None) }
            }
            Part::PreDelete => self.hooks(&place, DeletePhase::PreDelete).await?,
            Part::PostDelete => self.hooks(&place, DeletePhase::PostDelete).await?,
            Part::CleanPreDelete => self.clean(&place, DeletePhase::PreDelete).await?,
            Part::CleanPostDelete => self.clean(&place, DeletePhase::PostDelete).await?,
        };
        if matches!(turn, Turn::Through) {
            let rest = without(&self.application.metadata.finalizers, finalizer);
            self.write(&[Edit::Finalizers(rest)]).await;
        }
        Ok(turn)
    }

    async fn open<'p>(&self, place: &'p Place, phase: DeletePhase, attempt: i64) -> Result<Hooks<'p>, Problem> {
        let targets = self.targets(place).await.map_err(|problem| self.unread(phase, &problem))?;
        let namespace = &self.application.spec.destination.namespace;
        let of = (self.began(), attempt);
        let hooks = Hooks::open(self.shared, place, phase, &targets, namespace, of, &self.mailbox.bell);
        self.shared.at(&place.destination, hooks).await
    }

    /// What an operator has to know where nobody can tell what the hooks are, perhaps for ever: what is waited for, what has
    /// become of the rest, and how to go on without them.
    fn unread(&self, phase: DeletePhase, problem: &Problem) -> Problem {
        let word = hook_type(phase).as_str();
        let standing = match phase {
            DeletePhase::PreDelete => "nothing else is deleted before they have run",
            DeletePhase::PostDelete => "everything else is deleted",
        };
        let all = &self.application.metadata.finalizers;
        let [main, cleanup] = match phase {
            DeletePhase::PreDelete => [names::PRE_DELETE_FINALIZER, names::PRE_DELETE_FINALIZER_CLEANUP],
            DeletePhase::PostDelete => [names::POST_DELETE_FINALIZER, names::POST_DELETE_FINALIZER_CLEANUP],
        };
        let held: Vec<&str> =
            [main, cleanup].into_iter().filter(|name| all.iter().any(|finalizer| finalizer == name)).collect();
        let message = format!(
            "waiting for the manifests of the {word} hooks, which cannot be read ({problem}); {standing}. It goes on once \
             they can be read (a refresh looks at once), or without these hooks once the Application has no finalizer {} \
             any more",
            held.join(" and "),
        );
        Problem { transient: problem.transient, ..Problem::deletion(message) }
    }

    async fn targets(&self, place: &Place) -> Result<Targets, Problem> {
        // Whoever asks for another attempt has perhaps mended the hooks.
        let fetch = if self.application.refresh().is_some() { Fetch::Always } else { Fetch::IfOld };
        let wanted = Wanted {
            application: &self.application,
            project: &place.project,
            destination: &place.destination,
            sources: self.application.spec.effective_sources(),
            written: SourcePath::of_spec(&self.application),
            revisions: &[],
            fetch,
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

    /// Which attempt at the hooks of a phase is to be made. An error says how long to wait instead; for ever, after the
    /// last one that is made without being asked for.
    fn attempt(&self, phase: DeletePhase) -> Result<i64, Option<Duration>> {
        let is_of_phase = |result: &TaskResult| result.hook_type == Some(hook_type(phase));
        let is_begun =
            |state: &&OperationState| state.sync_result.iter().flat_map(|result| &result.resources).any(is_of_phase);
        let Some(state) = self.state().filter(is_begun) else { return Ok(0) };
        let is_asked = self.application.refresh().is_some();
        if state.is_completed() {
            return if is_asked { Ok(state.retry_count.saturating_add(1)) } else { Err(None) };
        }
        let factor = i32::try_from(state.retry_count.max(1)).unwrap_or(i32::MAX);
        let pause = self.shared.options.deletion_pause.checked_mul(factor).unwrap_or(SignedDuration::MAX);
        let next = state.finished_at.and_then(|failed| failed.checked_add(pause).ok());
        let left = next.map(|next| next.duration_since(self.shared.clock.now())).unwrap_or_default();
        match Duration::try_from(left) {
            Ok(left) if !left.is_zero() && !is_asked => Err(Some(left)),
            _ => Ok(state.retry_count),
        }
    }

    /// The results of an attempt that runs. Those of one that has failed stand there until the next one begins.
    fn recorded(&self, attempt: i64) -> &[TaskResult] {
        let is_of_attempt = |state: &&OperationState| {
            state.phase == Some(OperationPhase::Running) && state.finished_at.is_none() && state.retry_count == attempt
        };
        let result = self.state().filter(is_of_attempt).and_then(|state| state.sync_result.as_ref());
        result.map_or(&[], |result| &result.resources)
    }

    /// Runs the hooks of a phase.
    async fn hooks(&mut self, place: &Place, phase: DeletePhase) -> Result<Turn, Problem> {
        let attempt = match self.attempt(phase) {
            Ok(attempt) => attempt,
            Err(wait) => return Ok(Turn::Waits(wait)),
        };
        let hooks = self.open(place, phase, attempt).await?;
        let (progress, results) = self.shared.at(&place.destination, hooks.go_on(self.recorded(attempt))).await?;
        let word = hook_type(phase).as_str();
        let (succeeded, running) = (format!("{word} hooks succeeded"), format!("waiting for {word} hooks"));
        match progress {
            Progress::Succeeded if results.is_empty() => Ok(Turn::Through),
            Progress::Succeeded => {
                self.record(OperationPhase::Running, &succeeded, (attempt, None), phase, results).await;
                Ok(Turn::Through)
            }
            Progress::Running => {
                self.eyes.hooks = hooks.into_watches();
                self.record(OperationPhase::Running, &running, (attempt, None), phase, results).await;
                Ok(Turn::Waits(None))
            }
            Progress::Failed => {
                // Written down before anything of it is removed.
                self.failed(phase, attempt, results).await;
                self.shared.at(&place.destination, hooks.clean(false)).await?;
                Ok(self.attempt(phase).map_or_else(Turn::Waits, |_| Turn::Waits(Some(Duration::ZERO))))
            }
        }
    }

    /// After a failure: another attempt follows, but not for ever.
    async fn failed(&mut self, phase: DeletePhase, attempt: i64, results: Vec<TaskResult>) {
        let failed: Vec<String> = (results.iter().filter(|result| result.is_failed()))
            .map(|result| format!("{}/{}", result.key.namespace, result.key.name))
            .collect();
        let (hooks, word) = match phase {
            DeletePhase::PreDelete => ("pre-delete", "PreDelete"),
            DeletePhase::PostDelete => ("post-delete", "PostDelete"),
        };
        let message = format!("error executing {hooks} hooks: {word} hook(s) failed: {}", failed.join(", "));
        let now = Some(self.shared.clock.now().max(self.began()));
        if attempt >= RETRIES {
            let told = format!("{message} ({attempt} retries; a refresh tries again)");
            self.record(OperationPhase::Failed, &told, (attempt, now), phase, results).await;
            self.complain(&Problem::deletion(told)).await;
        } else {
            // As Argo CD writes down that an operation waits for its next attempt.
            let told = format!("{message}. Retrying attempt #{}.", attempt + 1);
            self.record(OperationPhase::Running, &told, (attempt + 1, now), phase, results).await;
            self.complain(&Problem::deletion(message)).await;
        }
    }

    async fn clean(&self, place: &Place, phase: DeletePhase) -> Result<Turn, Problem> {
        let attempt = self.state().map_or(0, |state| state.retry_count);
        let hooks = self.open(place, phase, attempt).await?;
        self.shared.at(&place.destination, hooks.clean(true)).await?;
        Ok(Turn::Through)
    }

    /// Writes down how far the deletion is, as an operation: with what is known of the other phase. Whoever asked for
    /// another attempt with a refresh has got it then.
    async fn record(
        &mut self,
        phase: OperationPhase,
        message: &str,
        (retries, finished): (i64, Option<Timestamp>),
        hooks: DeletePhase,
        results: Vec<TaskResult>,
    ) {
        let info = Info { name: names::BOATHOOK_DELETE.to_owned(), value: "true".to_owned() };
        let known = self.state().and_then(|state| state.sync_result.as_ref());
        let other = known.into_iter().flat_map(|result| &result.resources);
        let other = other.filter(|result| result.hook_type != Some(hook_type(hooks))).cloned();
        let resources = other.chain(results).collect();
        let state = OperationState {
            operation: Operation { info: vec![info], ..Operation::default() },
            phase: Some(phase),
            message: message.to_owned(),
            started_at: Some(self.began()),
            finished_at: finished,
            retry_count: retries,
            sync_result: Some(SyncResult { resources, ..SyncResult::default() }),
        };
        let mut value = state.to_json();
        let results = value.pointer_mut("/syncResult/resources").and_then(Value::as_array_mut);
        for result in results.into_iter().flatten().filter_map(Value::as_object_mut) {
            if let Some(hook_type) = result.get("hookType").cloned() {
                result.insert("syncPhase".to_owned(), hook_type);
            }
        }
        let mut edits = Vec::new();
        if self.object.at(&["status", "operationState"]) != Some(&value) {
            edits.push(Edit::Status("operationState", value));
        }
        edits.extend(self.answered());
        if !edits.is_empty() {
            self.write(&edits).await;
        }
    }

    /// Takes away what asked for a refresh.
    fn answered(&self) -> Vec<Edit> {
        let asked = self.application.refresh().map(|_| [names::REFRESH, names::REFRESH_TIMESTAMP]);
        asked.into_iter().flatten().map(Edit::NoAnnotation).collect()
    }

    fn conditions(&self) -> Vec<Value> {
        self.object.at(&["status", "conditions"]).and_then(Value::as_array).cloned().unwrap_or_default()
    }

    /// The deletion goes on: what kept it from that is over. That hooks have failed stays until their next attempt.
    async fn withdraw(&mut self) {
        let known = self.conditions();
        let is_over = |condition: &Value| {
            condition.get("type").and_then(Value::as_str) == Some(ProblemKind::DeletionError.as_str())
        };
        let has_failed = self.state().is_some_and(|state| state.finished_at.is_some());
        if has_failed || !known.iter().any(is_over) {
            return;
        }
        let left = known.into_iter().filter(|condition| !is_over(condition)).collect();
        self.write(&[Edit::Status("conditions", Value::Array(left))]).await;
    }

    /// Tells what keeps the deletion from going on, as a condition and an Event.
    async fn complain(&mut self, problem: &Problem) {
        let known = self.conditions();
        let word = problem.kind.as_str();
        let is_ours = |condition: &Value| condition.get("type").and_then(Value::as_str) == Some(word);
        let is_told = known.iter().any(|condition| {
            is_ours(condition) && condition.get("message").and_then(Value::as_str) == Some(&problem.message)
        });
        // Whoever asked with a refresh has got the answer.
        let mut edits = self.answered();
        if is_told {
            if !edits.is_empty() {
                self.write(&edits).await;
            }
            return;
        }
        let mut conditions: Vec<Value> = known.into_iter().filter(|condition| !is_ours(condition)).collect();
        let now = format!("{:.0}", self.shared.clock.now());
        conditions.push(json!({"type": word, "message": problem.message, "lastTransitionTime": now}));
        edits.push(Edit::Status("conditions", Value::Array(conditions)));
        self.write(&edits).await;
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

const fn hook_type(phase: DeletePhase) -> HookType {
    match phase {
        DeletePhase::PreDelete => HookType::PreDelete,
        DeletePhase::PostDelete => HookType::PostDelete,
    }
}
