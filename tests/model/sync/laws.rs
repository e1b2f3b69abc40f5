//! What holds in every operation, as predicates over a whole run. Each says what it found, or nothing.

use std::collections::{BTreeMap, HashMap, HashSet};

use boathook::domain::health::resource_task;
use boathook::domain::hook::{DeletePolicy, SyncPhase, delete_policies, wave};
use boathook::domain::manifest::{Object, ObjectKey};
use boathook::domain::names;
use boathook::domain::operation::{HookPhase, OperationPhase, OperationState, ResultStatus, TaskResult};
use boathook::domain::plan::{Plan, Task, TaskId, runs_to_completion};
use boathook::domain::step::{Action, Apply, Delete, DeleteReason, Mark};

use super::case::Case;
use super::driver::{Run, Taken};
use super::world::What;

/// A law: the words that tell how it was broken.
pub(super) type Law = fn(&Case, &Run) -> Result<(), String>;

macro_rules! ensure {
    ($holds:expr, $($words:tt)*) => { if !$holds { return Err(format!($($words)*)); } };
}

pub(super) fn results(state: &OperationState) -> &[TaskResult] {
    state.sync_result.as_ref().map_or(&[], |result| &result.resources)
}

fn result<'a>(state: &'a OperationState, id: &TaskId) -> Option<&'a TaskResult> {
    results(state).iter().find(|result| result.key == id.key && result.phase() == Some(id.phase))
}

fn has_ended(result: &TaskResult) -> bool {
    result.hook_phase.is_some_and(HookPhase::is_completed)
}

fn has_succeeded(result: &TaskResult) -> bool {
    has_ended(result) && !result.is_failed()
}

/// The applies of a step that are not only tried.
fn applies(taken: &Taken) -> impl Iterator<Item = &Apply> {
    taken.actions.iter().filter_map(|action| match action {
        Action::Apply(apply) if !apply.dry_run => Some(&**apply),
        _ => None,
    })
}

fn deletes(taken: &Taken) -> impl Iterator<Item = &Delete> {
    taken.actions.iter().filter_map(|action| match action {
        Action::Delete(delete) => Some(&**delete),
        _ => None,
    })
}

/// The task that the manifests really make of an apply, by its object, whatever the state machine believes its phase is.
fn true_task<'a>(plan: &'a Plan, apply: &Apply) -> Option<&'a Task> {
    let by_id = plan.tasks.iter().find(|task| task.id == apply.task);
    by_id.or_else(|| plan.tasks.iter().find(|task| task.object == apply.object))
}

fn takes_part(task: &Task, state: &OperationState) -> bool {
    task.skip.is_none() || result(state, &task.id).is_some()
}

fn creates_destination(task: &Task) -> bool {
    task.object.kind == "Namespace" && task.object.name == super::case::DESTINATION
}

/// Pairs of an apply's true task and the tasks before it, with the step.
fn earlier(run: &Run) -> impl Iterator<Item = (&Taken, &Task, &Task)> {
    run.taken.iter().flat_map(|taken| {
        let applied = applies(taken).filter_map(|apply| true_task(&taken.plan, apply));
        let applied = applied.filter(|task| task.phase() != SyncPhase::SyncFail && !creates_destination(task));
        applied.flat_map(move |task| {
            let before = taken
                .plan
                .tasks
                .iter()
                .filter(|other| other.phase() != SyncPhase::SyncFail && other.step() < task.step());
            before.filter(|other| takes_part(other, &taken.after)).map(move |other| (taken, task, other))
        })
    })
}

pub(super) fn p01_waves_in_order(_: &Case, run: &Run) -> Result<(), String> {
    for (taken, task, before) in earlier(run) {
        let ended = result(&taken.after, &before.id).is_some_and(has_ended);
        ensure!(ended, "{} was applied before {} had ended", task.id, before.id);
    }
    Ok(())
}

pub(super) fn p02_post_sync_after_success(_: &Case, run: &Run) -> Result<(), String> {
    for (taken, task, before) in earlier(run).filter(|(_, task, _)| task.phase() == SyncPhase::PostSync) {
        if before.phase() < SyncPhase::PostSync {
            let good = result(&taken.after, &before.id).is_some_and(has_succeeded);
            ensure!(good, "{} was applied although {} had not succeeded", task.id, before.id);
        }
    }
    Ok(())
}

pub(super) fn p03_sync_fail_after_failure(case: &Case, run: &Run) -> Result<(), String> {
    for taken in &run.taken {
        for apply in applies(taken) {
            let is_sync_fail = true_task(&taken.plan, apply).is_some_and(|task| task.phase() == SyncPhase::SyncFail);
            let failed = results(&taken.after)
                .iter()
                .any(|result| result.phase() != Some(SyncPhase::SyncFail) && result.is_failed());
            ensure!(!is_sync_fail || failed, "{} was applied without a failure", apply.task);
        }
    }
    let ran = |result: &&TaskResult| result.phase() == Some(SyncPhase::SyncFail);
    let succeeded = run.end.phase == Some(OperationPhase::Succeeded) && !case.dry_run;
    ensure!(
        !succeeded || !results(&run.end).iter().any(|result| ran(&result)),
        "a SyncFail hook ran in a good operation"
    );
    Ok(())
}

pub(super) fn p04_success_without_failures(_: &Case, run: &Run) -> Result<(), String> {
    if run.end.phase == Some(OperationPhase::Succeeded) {
        for result in results(&run.end) {
            ensure!(!result.is_failed(), "{} failed in a good operation", result.key);
        }
    }
    Ok(())
}

/// Two states of one attempt, one after the other.
fn neighbours(run: &Run) -> impl Iterator<Item = (&OperationState, &OperationState)> {
    let states = run.taken.iter().flat_map(|taken| [&taken.before, &taken.after]);
    let states: Vec<&OperationState> = states.chain([&run.end]).collect();
    let pairs: Vec<_> = states.windows(2).map(|pair| (pair[0], pair[1])).collect();
    pairs.into_iter().filter(|(one, other)| one.retry_count == other.retry_count && one.finished_at.is_none())
}

fn id(result: &TaskResult) -> (ObjectKey, Option<SyncPhase>) {
    (result.key.clone(), result.phase())
}

pub(super) fn p05_results_unique_in_order(_: &Case, run: &Run) -> Result<(), String> {
    for taken in &run.taken {
        let distinct: HashSet<_> = results(&taken.after).iter().map(id).collect();
        ensure!(distinct.len() == results(&taken.after).len(), "two results of one task: {:?}", results(&taken.after));
        let (before, after) = (results(&taken.before), results(&taken.after));
        let same_attempt = taken.before.retry_count == taken.after.retry_count && taken.before.finished_at.is_none();
        let kept = before.iter().map(id).eq(after.iter().take(before.len()).map(id));
        ensure!(!same_attempt || kept, "results changed their order");
    }
    Ok(())
}

pub(super) fn p06_ended_stays_ended(_: &Case, run: &Run) -> Result<(), String> {
    for taken in &run.taken {
        if taken.before.retry_count != taken.after.retry_count || taken.before.finished_at.is_some() {
            continue;
        }
        for before in results(&taken.before).iter().filter(|result| has_ended(result)) {
            let after = results(&taken.after).iter().find(|result| id(result) == id(before));
            ensure!(after.is_some_and(has_ended), "{} ran again", before.key);
        }
    }
    Ok(())
}

pub(super) fn p07_idempotent(_: &Case, run: &Run) -> Result<(), String> {
    for taken in &run.taken {
        if let Some((state, actions)) = &taken.again {
            ensure!(
                *state == taken.after,
                "another step over the same world changed the state: {:?} to {state:?}",
                taken.after
            );
            ensure!(*actions == 0, "another step over the same world did something");
        }
    }
    Ok(())
}

pub(super) fn p09_prunes_in_reverse(case: &Case, run: &Run) -> Result<(), String> {
    if case.options.contains(&"PruneLast=true") {
        return Ok(());
    }
    let is_last = |object: &Object| object.annotation(names::SYNC_OPTIONS) == Some("PruneLast=true");
    let is_refused = |object: &Object| object.annotation(names::SYNC_OPTIONS) == Some("Prune=false");
    for taken in &run.taken {
        for delete in deletes(taken).filter(|delete| delete.why == DeleteReason::Prune) {
            let Some(going) = taken.world.get(&delete.object).filter(|object| !is_last(object)) else { continue };
            let above = taken.world.values().find(|other| {
                other.name().starts_with('g') && !is_last(other) && !is_refused(other) && wave(other) > wave(going)
            });
            ensure!(above.is_none(), "{} was pruned while {above:?} of a higher wave was there", going.key());
        }
    }
    Ok(())
}

pub(super) fn p10_no_prune_without_the_flag(case: &Case, run: &Run) -> Result<(), String> {
    for delete in run.taken.iter().flat_map(deletes) {
        let is_hook = delete.object.name.starts_with(['h', 'n']);
        ensure!(is_hook || case.prune, "{} was deleted without prune", delete.object);
        ensure!(is_hook || delete.why == DeleteReason::Prune, "{} was deleted as if it were a hook", delete.object);
    }
    Ok(())
}

pub(super) fn p11_dry_run_writes_nothing(case: &Case, run: &Run) -> Result<(), String> {
    let write = run.taken.iter().flat_map(|taken| &taken.actions).find(|action| action.is_write());
    ensure!(!case.dry_run || write.is_none(), "a dry run asked for {write:?}");
    Ok(())
}

/// Live hooks that the operation created in its last attempt, with their results.
fn own_hooks(run: &Run) -> impl Iterator<Item = (&Object, &TaskResult)> {
    let mark = Mark::of(&run.end);
    run.world.objects.values().filter_map(move |live| {
        let phase = SyncPhase::from_name(live.annotation(names::BOATHOOK_PHASE)?)?;
        let is_own = mark.is_on(live, phase) && !run.world.meddled.contains(live.uid());
        let same = |result: &&TaskResult| {
            result.key.name == live.name() && result.key.kind == live.kind() && result.phase() == Some(phase)
        };
        is_own.then(|| results(&run.end).iter().find(same).map(|result| (&**live, result))).flatten()
    })
}

pub(super) fn p12_no_finalizer_left(_: &Case, run: &Run) -> Result<(), String> {
    for (live, result) in own_hooks(run) {
        let held = live.finalizers().any(|finalizer| finalizer == names::HOOK_FINALIZER);
        ensure!(!held || !has_ended(result), "{} has ended and keeps its finalizer", live.key());
    }
    Ok(())
}

pub(super) fn p13_nothing_runs_after_termination(_: &Case, run: &Run) -> Result<(), String> {
    if !run.end.message.starts_with("Operation termin") {
        return Ok(());
    }
    for result in results(&run.end) {
        ensure!(result.hook_type.is_none() || has_ended(result), "{} is still running by its result", result.key);
    }
    let mark = Mark::of(&run.end);
    for live in run.world.objects.values() {
        let Some(phase) = live.annotation(names::BOATHOOK_PHASE).and_then(SyncPhase::from_name) else { continue };
        let health = boathook::domain::health::hook_task(live);
        let runs = mark.is_on(live, phase) && !live.is_deleting() && health.phase == HookPhase::Running;
        ensure!(!runs, "{} still runs", live.key());
        let held = mark.is_on(live, phase) && live.finalizers().any(|finalizer| finalizer == names::HOOK_FINALIZER);
        ensure!(!held, "{} keeps its finalizer", live.key());
    }
    Ok(())
}

pub(super) fn p16_no_hooks_without_full_sync(case: &Case, run: &Run) -> Result<(), String> {
    // A selective sync of nothing is a full one.
    let hookless = case.no_hooks || case.selected && !case.resources.is_empty();
    for apply in run.taken.iter().flat_map(applies) {
        let is_hook = apply.object.name.starts_with(['h', 'n']);
        ensure!(!hookless || !is_hook, "{} ran", apply.object);
    }
    Ok(())
}

pub(super) fn p17_retries_within_limit(case: &Case, run: &Run) -> Result<(), String> {
    for (before, after) in neighbours(run) {
        ensure!(before.started_at == after.started_at, "the start changed");
    }
    ensure!(run.end.retry_count <= case.limit, "{} retries, allowed are {}", run.end.retry_count, case.limit);
    Ok(())
}

pub(super) fn p19_no_hook_runs_twice(_: &Case, run: &Run) -> Result<(), String> {
    let mut created: HashMap<(ObjectKey, String, String), usize> = HashMap::new();
    for written in run.world.written.iter().filter(|written| written.what == What::Created) {
        let object = &written.object;
        let annotation = |name: &str| object.annotation(name).unwrap_or_default().to_owned();
        let mark = (object.key(), annotation(names::BOATHOOK_OPERATION), annotation(names::BOATHOOK_PHASE));
        if mark.1.is_empty()
            || !runs_to_completion(object.group(), object.kind())
            || run.world.meddled.contains(&written.uid)
        {
            continue;
        }
        let count = created.entry(mark).or_default();
        *count += 1;
        ensure!(*count == 1, "{} ran twice in one attempt", object.key());
    }
    let mut applied: HashMap<(TaskId, i64), usize> = HashMap::new();
    for taken in &run.taken {
        for apply in applies(taken).filter(|apply| !run.lost.contains(&apply.task)) {
            let count = applied.entry((apply.task.clone(), taken.after.retry_count)).or_default();
            *count += 1;
            // A create that finds its name taken is asked for once more.
            let allowed = if apply.manifest.annotation(names::BOATHOOK_PHASE).is_some() { 2 } else { 1 };
            ensure!(run.crashed > 0 || *count <= allowed, "{} was applied {count} times", apply.task);
        }
    }
    Ok(())
}

/// How the instances of hooks ended, by mark and phase.
fn endings(run: &Run) -> BTreeMap<(String, String, String), bool> {
    let ended = run.world.written.iter().filter_map(|written| match written.what {
        What::Ended(good) => {
            let object = &written.object;
            let mark = object.annotation(names::BOATHOOK_OPERATION)?.to_owned();
            Some(((object.name().to_owned(), mark, object.annotation(names::BOATHOOK_PHASE)?.to_owned()), good))
        }
        _ => None,
    });
    ended.collect()
}

pub(super) fn p20_hooks_judged_by_themselves(_: &Case, run: &Run) -> Result<(), String> {
    let endings = endings(run);
    for taken in &run.taken {
        let mark = Mark::of(&taken.after).to_string();
        if taken.after.finished_at.is_some() || taken.plan.dry_run {
            continue;
        }
        for result in results(&taken.after).iter().filter(|result| result.hook_type.is_some()) {
            if !runs_to_completion(&result.key.group, &result.key.kind) {
                continue;
            }
            let phase = result.phase().map(|phase| phase.as_str().to_owned()).unwrap_or_default();
            let ending = endings.get(&(result.key.name.clone(), mark.clone(), phase));
            let says = |word: &str| result.message.contains(word);
            let by_itself = result.status == Some(ResultStatus::Synced) && !says("Terminated") && !says("was deleted");
            match result.hook_phase {
                Some(HookPhase::Succeeded) => {
                    ensure!(ending == Some(&true), "{} counts as succeeded, but it was {ending:?}", result.key);
                }
                Some(HookPhase::Failed) if by_itself => {
                    ensure!(
                        ending == Some(&false),
                        "{} counts as failed ({}), but it was {ending:?}",
                        result.key,
                        result.message
                    );
                }
                _ => {}
            }
        }
    }
    Ok(())
}

pub(super) fn p21_nothing_pruned_against_its_option(_: &Case, run: &Run) -> Result<(), String> {
    for taken in &run.taken {
        for delete in deletes(taken).filter(|delete| delete.why == DeleteReason::Prune) {
            let Some(live) = taken.world.get(&delete.object) else { continue };
            let approved = taken.approved.is_some_and(|approved| Some(approved) >= taken.after.started_at);
            match live.annotation(names::SYNC_OPTIONS) {
                Some("Prune=false") => return Err(format!("{} was pruned", live.key())),
                Some("Prune=confirm") => ensure!(approved, "{} was pruned without approval", live.key()),
                _ => {}
            }
        }
    }
    Ok(())
}

pub(super) fn p22_policies_hold(case: &Case, run: &Run) -> Result<(), String> {
    let succeeded = run.end.phase == Some(OperationPhase::Succeeded);
    let wanted = if succeeded { DeletePolicy::HookSucceeded } else { DeletePolicy::HookFailed };
    let was_started = results(&run.end).iter().any(|result| result.hook_phase.is_some());
    if case.dry_run || !was_started || run.end.message.contains("dry run") {
        return Ok(());
    }
    for (live, result) in own_hooks(run).filter(|(_, result)| has_ended(result)) {
        let goes = delete_policies(live).contains(wanted);
        ensure!(!goes || live.is_deleting(), "{} should be deleted: {wanted:?}", live.key());
        ensure!(goes || !live.is_deleting() || result.message == "Terminated", "{} should stay", live.key());
    }
    let mark = Mark::of(&run.end).to_string();
    for written in run.world.written.iter().filter(|written| written.what == What::Deleted) {
        let object = &written.object;
        let is_own = object.annotation(names::BOATHOOK_OPERATION) == Some(&mark);
        let runs_twice = object.annotation(names::HOOK).is_some_and(|hooks| hooks.contains(','));
        let terminated = run.end.message.starts_with("Operation termin");
        let may_go = delete_policies(object).contains(wanted)
            || runs_twice
            || terminated
            || run.world.meddled.contains(&written.uid);
        ensure!(!is_own || may_go, "{} was deleted against its policies", object.key());
    }
    Ok(())
}

pub(super) fn p23_waves_wait_for_health(_: &Case, run: &Run) -> Result<(), String> {
    for (taken, task, before) in earlier(run).filter(|(_, _, before)| !before.is_hook() && !before.is_prune()) {
        let Some(live) = taken.world.get(&before.object) else { continue };
        let healthy = resource_task(live).phase == HookPhase::Succeeded;
        ensure!(healthy, "{} was applied while {} was not healthy", task.id, before.id);
    }
    Ok(())
}

pub(super) fn p24_always_ends(_: &Case, run: &Run) -> Result<(), String> {
    let ended = run.end.phase.is_some_and(OperationPhase::is_completed);
    ensure!(!run.stuck && ended, "it hangs: {:?} {}", run.end.phase, run.end.message);
    Ok(())
}

pub(super) fn p25_deletes_name_a_uid(_: &Case, run: &Run) -> Result<(), String> {
    for delete in run.taken.iter().flat_map(deletes) {
        ensure!(!delete.uid.is_empty(), "{} would be deleted whatever its UID is", delete.object);
    }
    Ok(())
}
