//! Wrong state machines, made of the right one by falsifying what goes into it or comes out of it. Each is caught by a
//! law that the right one keeps; so the laws can fail.

use std::collections::HashMap;
use std::sync::Arc;

use boathook::domain::hook::{SyncPhase, delete_policies, wave};
use boathook::domain::manifest::{Object, ObjectKey};
use boathook::domain::names;
use boathook::domain::operation::{HookPhase, OperationPhase, OperationState, TaskResult};
use boathook::domain::plan::{Plan, Role, Task};
use boathook::domain::step::{Action, ApplyResult, Mark, Method, Observation, Outcome, Progress, Step};
use jiff::Timestamp;
use serde_json::json;

use super::corpus::caught;
use super::laws::{self, Law, results};
use super::make::object;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mutant {
    /// PreSync and PostSync change places.
    PhasesSwapped,
    /// All waves are one.
    WavesForgotten,
    /// `HookSucceeded` and `HookFailed` change places.
    PoliciesInverted,
    /// The hook finalizer stays.
    FinalizerKept,
    /// Whatever has a hook's name is the hook.
    JudgedByName,
    /// One more retry than allowed.
    RetriesBeyondLimit,
    /// SyncFail hooks run as if they were PostSync hooks.
    SyncFailOnSuccess,
    /// Prunes although nobody asked for it.
    PrunesWithoutFlag,
    /// PostSync hooks run before everything of the Sync phase.
    PostSyncEarly,
    /// A dry run is not dry.
    DryRunWrites,
    /// The last result comes first.
    ResultsReordered,
    /// Prunes go in the order of creation.
    PrunesNotReversed,
    /// What was applied counts as healthy.
    HealthNotAwaited,
    /// Every deletion counts as approved.
    ApprovalAssumed,
    /// A hook whose record was lost is not known again.
    LostHooksForgotten,
    /// A hook is patched where it should be created.
    HooksPatched,
    /// Termination does not look for what still runs.
    TerminatesBlindly,
    /// What failed is taken for a success.
    FailuresIgnored,
}

impl Mutant {
    /// The plan that the state machine gets.
    pub(super) fn plan(self, mut plan: Plan) -> Plan {
        for task in &mut plan.tasks {
            self.task(task);
        }
        match self {
            Self::PrunesWithoutFlag => plan.prune = true,
            Self::DryRunWrites => plan.dry_run = false,
            _ => {}
        }
        plan.tasks.sort_by_key(Task::step);
        plan
    }

    fn task(self, task: &mut Task) {
        let phase = task.id.phase;
        match self {
            Self::PhasesSwapped => {
                task.id.phase = match phase {
                    SyncPhase::PreSync => SyncPhase::PostSync,
                    SyncPhase::PostSync => SyncPhase::PreSync,
                    other => other,
                };
            }
            Self::WavesForgotten => task.wave = 0,
            Self::PoliciesInverted => {
                if let (Role::Hook(hook), Some(target)) = (&mut task.role, &task.target) {
                    hook.policies = delete_policies(&with_policies_inverted(target));
                }
            }
            Self::SyncFailOnSuccess if phase == SyncPhase::SyncFail => task.id.phase = SyncPhase::PostSync,
            Self::PostSyncEarly if phase == SyncPhase::PostSync => {
                task.id.phase = SyncPhase::Sync;
                task.wave = -9;
            }
            Self::PrunesNotReversed if task.is_prune() => task.wave = task.live.as_deref().map_or(0, wave),
            _ => {}
        }
    }

    /// What the state machine sees.
    pub(super) fn observation(self, mut seen: Observation, state: &OperationState) -> Observation {
        match self {
            Self::ApprovalAssumed => seen.approved = Some(Timestamp::MAX),
            Self::TerminatesBlindly if state.phase == Some(OperationPhase::Terminating) => {
                seen.objects.clear();
                for outcome in &mut seen.outcomes {
                    if let Outcome::Read { result, .. } = outcome {
                        *result = Ok(None);
                    }
                }
            }
            Self::FinalizerKept | Self::JudgedByName | Self::LostHooksForgotten => {
                let change = |object: &Arc<Object>| self.object(object, state);
                seen.objects =
                    seen.objects.iter().map(|(key, object)| (key.clone(), change(object))).collect::<HashMap<_, _>>();
                for outcome in &mut seen.outcomes {
                    match outcome {
                        Outcome::Read { result: Ok(Some(object)), .. } => *object = change(object),
                        Outcome::Apply { result: ApplyResult::Done { object, .. }, .. }
                            if self == Self::FinalizerKept =>
                        {
                            *object = change(object);
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        seen
    }

    /// What the state machine sees of an object.
    fn object(self, seen: &Arc<Object>, state: &OperationState) -> Arc<Object> {
        let Some(hooks) = seen.annotation(names::HOOK) else { return Arc::clone(seen) };
        let mut json = Object::clone(seen).into_json();
        match self {
            Self::FinalizerKept => json["metadata"]["finalizers"] = json!([]),
            Self::JudgedByName => {
                json["metadata"]["annotations"][names::BOATHOOK_OPERATION] = json!(Mark::of(state).to_string());
                json["metadata"]["annotations"][names::BOATHOOK_PHASE] = json!(hooks.split(',').next());
            }
            _ if !is_recorded(&seen.key(), state) => {
                json["metadata"]["annotations"][names::BOATHOOK_OPERATION] = json!("another");
            }
            _ => {}
        }
        object(json)
    }

    /// How far the state machine believes the operation to be.
    pub(super) fn progress(self, mut progress: Progress) -> Progress {
        if self == Self::RetriesBeyondLimit {
            progress.state.operation.retry.limit += 1;
        }
        progress
    }

    /// What comes out of the state machine.
    pub(super) fn step(self, mut step: Step) -> Step {
        let results = step.progress.state.sync_result.iter_mut().flat_map(|result| &mut result.resources);
        match self {
            Self::HealthNotAwaited => results.for_each(|result| settle(result, HookPhase::Running)),
            Self::FailuresIgnored => results.for_each(|result| settle(result, HookPhase::Failed)),
            Self::ResultsReordered => {
                if let Some(result) = &mut step.progress.state.sync_result {
                    let by = usize::from(result.resources.len() > 1);
                    result.resources.rotate_right(by);
                }
            }
            Self::HooksPatched => {
                for action in &mut step.actions {
                    if let Action::Apply(apply) = action {
                        apply.method = Method::Apply;
                    }
                }
            }
            _ => {}
        }
        step
    }
}

/// Takes an ordinary object's phase (or a hook's failure) for a success.
fn settle(result: &mut TaskResult, from: HookPhase) {
    let applies = result.hook_phase == Some(from) && (from == HookPhase::Failed) == result.hook_type.is_some();
    if applies {
        result.hook_phase = Some(HookPhase::Succeeded);
    }
}

fn is_recorded(key: &ObjectKey, state: &OperationState) -> bool {
    results(state).iter().any(|result| result.key == *key && result.hook_phase.is_some())
}

fn with_policies_inverted(target: &Object) -> Object {
    let mut target = target.clone();
    let value = target.annotation(names::HOOK_DELETE_POLICY).unwrap_or_default().to_owned();
    let value = value.replace("HookSucceeded", "X").replace("HookFailed", "HookSucceeded").replace('X', "HookFailed");
    target.as_json_mut()["metadata"]["annotations"][names::HOOK_DELETE_POLICY] = json!(value);
    target
}

#[expect(clippy::print_stdout, reason = "`--nocapture` shows how each is caught")]
fn must_catch(mutant: Mutant, law: Law) {
    let (seed, words) = caught(mutant, law).unwrap_or_else(|| panic!("{mutant:?} was not caught"));
    println!("{mutant:?} is caught with seed {seed}: {words}");
}

macro_rules! mutants {
    ($($name:ident: $mutant:ident breaks $law:ident;)*) => {
        $( #[test] fn $name() { must_catch(Mutant::$mutant, laws::$law); } )*
    };
}

mutants! {
    mutant_phases_swapped: PhasesSwapped breaks p02_post_sync_after_success;
    mutant_waves_forgotten: WavesForgotten breaks p01_waves_in_order;
    mutant_policies_inverted: PoliciesInverted breaks p22_policies_hold;
    mutant_finalizer_kept: FinalizerKept breaks p12_no_finalizer_left;
    mutant_judged_by_name: JudgedByName breaks p20_hooks_judged_by_themselves;
    mutant_retries_beyond_limit: RetriesBeyondLimit breaks p17_retries_within_limit;
    mutant_sync_fail_on_success: SyncFailOnSuccess breaks p03_sync_fail_after_failure;
    mutant_prunes_without_flag: PrunesWithoutFlag breaks p10_no_prune_without_the_flag;
    mutant_post_sync_early: PostSyncEarly breaks p02_post_sync_after_success;
    mutant_dry_run_writes: DryRunWrites breaks p11_dry_run_writes_nothing;
    mutant_results_reordered: ResultsReordered breaks p05_results_unique_in_order;
    mutant_prunes_not_reversed: PrunesNotReversed breaks p09_prunes_in_reverse;
    mutant_health_not_awaited: HealthNotAwaited breaks p23_waves_wait_for_health;
    mutant_approval_assumed: ApprovalAssumed breaks p21_nothing_pruned_against_its_option;
    mutant_lost_hooks_forgotten: LostHooksForgotten breaks p19_no_hook_runs_twice;
    mutant_hooks_patched: HooksPatched breaks p20_hooks_judged_by_themselves;
    mutant_terminates_blindly: TerminatesBlindly breaks p13_nothing_runs_after_termination;
    mutant_failures_ignored: FailuresIgnored breaks p20_hooks_judged_by_themselves;
}
