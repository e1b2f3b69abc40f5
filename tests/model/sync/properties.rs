//! The laws, held against random runs.

use std::collections::{BTreeMap, BTreeSet};

use boathook::domain::hook::{DeletePolicy, SyncPhase};
use boathook::domain::manifest::ObjectKey;
use boathook::domain::names;
use boathook::domain::operation::{HookPhase, OperationPhase};
use boathook::domain::plan::{Moved, Plan, Task, TaskId, kind_rank};
use boathook::domain::step::Action;
use serde_json::json;

use super::case::Case;
use super::corpus::{corpus, hold};
use super::driver::{Crash, Manner, Run};
use super::laws::{self, results};
use super::make::{NAMESPACE, object, written};
use super::steps::story;
use super::world::What;

macro_rules! laws {
    ($($name:ident),* $(,)?) => { $( #[test] fn $name() { hold(laws::$name); } )* };
}

laws![
    p01_waves_in_order,
    p02_post_sync_after_success,
    p03_sync_fail_after_failure,
    p04_success_without_failures,
    p05_results_unique_in_order,
    p06_ended_stays_ended,
    p07_idempotent,
    p09_prunes_in_reverse,
    p10_no_prune_without_the_flag,
    p11_dry_run_writes_nothing,
    p12_no_finalizer_left,
    p13_nothing_runs_after_termination,
    p16_no_hooks_without_full_sync,
    p17_retries_within_limit,
    p19_no_hook_runs_twice,
    p20_hooks_judged_by_themselves,
    p21_nothing_pruned_against_its_option,
    p22_policies_hold,
    p23_waves_wait_for_health,
    p24_always_ends,
    p25_deletes_name_a_uid,
];

/// How an operation ended, times and UIDs apart (what is being deleted counts as gone), and apart from what a good one says
/// of its last wave: after a restart nobody knows which wave pruned objects were in.
fn ending(run: &Run) -> (String, BTreeSet<ObjectKey>) {
    let state = &run.end;
    let message = state.message.replace("(no more tasks)", "(all tasks run)");
    let objects = run.world.objects.values().filter(|object| !object.is_deleting()).map(|object| object.key());
    (format!("{:?} {} {message}", state.phase, state.retry_count), objects.collect())
}

/// How the tasks ended.
fn ended(run: &Run) -> BTreeMap<TaskId, String> {
    let results = results(&run.end).iter();
    let ended = results.map(|result| {
        let id = TaskId { key: result.key.clone(), phase: result.phase().unwrap() };
        (id, format!("{:?} {:?}", result.status, result.hook_phase))
    });
    ended.collect()
}

/// Whether two runs of one case came to the same end. Of a wave that was interrupted while its tasks were being started,
/// those that were not started may stay so, if one that was has failed by then. How far an operation came when somebody
/// terminated it, or took a hook away from it, is a matter of moments: then it is enough that both are over. Whether a hook
/// that somebody deletes is gone by the end is one, too.
fn same_end(case: &Case, one: &Run, other: &Run) -> bool {
    let lost = |run: &Run| story(run).iter().any(|line| line.contains("might have been deleted"));
    let meddled = case.meddled(&other.taken[0].plan);
    let taken_away = !meddled.is_empty() && (lost(one) || lost(other));
    if one.terminated || other.terminated || taken_away {
        return [one, other].iter().all(|run| run.end.phase.is_some_and(OperationPhase::is_completed));
    }
    let (mine, theirs) = (ended(one), ended(other));
    let ids: BTreeSet<&TaskId> = mine.keys().chain(theirs.keys()).collect();
    let unequal: Vec<&TaskId> = ids.into_iter().filter(|id| mine.get(id) != theirs.get(id)).collect();
    if unequal.is_empty() {
        let [one, other] = [one, other].map(|run| {
            let (end, mut objects) = ending(run);
            objects.retain(|object| !meddled.contains(object));
            (end, objects)
        });
        return one == other;
    }
    let step = |id: &TaskId| {
        let plan = &other.taken[0].plan;
        plan.tasks.iter().find(|task| task.id == *id).map(Task::step)
    };
    let failed: Vec<TaskId> = (results(&one.end).iter().filter(|result| result.is_failed()))
        .map(|result| TaskId { key: result.key.clone(), phase: result.phase().unwrap() })
        .collect();
    let not_started = |id: &TaskId| mine.get(id).is_none_or(|ended| ended == "None None");
    let beside_a_failure = |id: &&TaskId| not_started(id) && failed.iter().any(|failed| step(failed) == step(id));
    one.end.phase == other.end.phase && unequal.iter().all(beside_a_failure)
}

/// Killed at any write, before the request or before the reply, and started again: the end is the same.
#[test]
fn p08_restart_at_every_write_ends_the_same() {
    let mut found = Vec::new();
    for (seed, (case, _)) in corpus().iter().enumerate().step_by(EVERY) {
        let whole = case.run_with(&Manner::default());
        for (at, accepted) in (0..whole.writes).flat_map(|at| [(at, false), (at, true)]) {
            let crash = Crash { at, accepted };
            let again = case.run_with(&Manner { crashes: vec![crash], ..Manner::default() });
            assert_eq!(again.crashed, 1);
            if !same_end(case, &again, &whole) {
                let stories = [&again, &whole].map(|run| format!("{}\n{:?}", story(run).join("\n"), ending(run)));
                found.push(format!("seed {seed}, {crash:?}\n{case:?}\n{}", stories.join("\nwithout:\n")));
                break;
            }
        }
    }
    assert!(found.is_empty(), "{} cases, of them\n{}", found.len(), found[..found.len().min(5)].join("\n\n"));
}

/// Of so many cases one is killed at every write.
const EVERY: usize = 10;

#[test]
fn p14_order_is_total_and_does_not_depend_on_the_manifests_order() {
    for (case, _) in corpus() {
        let mut given = case.given();
        let plan = given.plan();
        for pair in plan.tasks.windows(2) {
            let place = |task: &Task| (task.step(), kind_rank(&task.object.kind), task.object.name.clone());
            let moved =
                pair.iter().any(|task| task.moved.iter().any(|moved| matches!(moved, Moved::BeforeItsUser { .. })));
            assert!(moved || place(&pair[0]) < place(&pair[1]), "{} before {}", pair[0].id, pair[1].id);
        }
        given.targets.reverse();
        let ids = |plan: &Plan| plan.tasks.iter().map(|task| task.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&given.plan()), ids(&plan));
    }
}

#[test]
fn p15_namespaces_and_definitions_precede_their_users() {
    for (index, (case, _)) in corpus().iter().enumerate() {
        let mut given = case.given();
        let wave = |wave: i64| [(names::SYNC_WAVE, wave.to_string())];
        let number = i64::try_from(index).unwrap();
        let in_wave = |api: &str, kind: &str, name: &str, number: i64| {
            let [(annotation, value)] = wave(number);
            written(api, kind, name, &[(annotation, &value)])
        };
        given.targets.push(in_wave("v1", "Namespace", NAMESPACE, number % 5));
        given.targets.push(object(json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "things.example.com", "annotations": {names::SYNC_WAVE: (number % 7 - 3).to_string()}},
            "spec": {"group": "example.com", "names": {"kind": "Thing"}}})));
        given.targets.push(in_wave("example.com/v1", "Thing", "one", number % 3 - 1));
        given.request.resources.clear();
        let plan = given.plan();
        let at = |wanted: &dyn Fn(&Task) -> bool| plan.tasks.iter().position(wanted);
        let namespace = at(&|task| task.object.kind == "Namespace").unwrap();
        let first_user = at(&|task| task.target.is_some() && task.object.namespace == NAMESPACE).unwrap();
        assert!(namespace < first_user);
        let definition = at(&|task| task.object.kind == "CustomResourceDefinition").unwrap();
        assert!(definition < at(&|task| task.object.kind == "Thing").unwrap());
    }
}

#[test]
fn p18_unknown_words_change_nothing() {
    for (case, _) in corpus() {
        let mut given = case.given();
        let plan = given.plan();
        given.targets = case.targets(", garbage,,SKIP");
        let of = |plan: &Plan| {
            let task = |task: &Task| {
                let policies: Vec<DeletePolicy> =
                    task.hook().map(|hook| hook.policies.iter().collect()).unwrap_or_default();
                (task.id.clone(), task.wave, policies)
            };
            plan.tasks.iter().map(task).collect::<Vec<_>>()
        };
        assert_eq!(of(&given.plan()), of(&plan));
    }
}

/// The random worlds reach what is rare: each in at least one of a hundred cases.
#[test]
#[expect(clippy::print_stdout, reason = "`--nocapture` shows how often")]
fn worlds_reach_what_is_rare() {
    let corpus = corpus();
    let count = |name: &str, reached: &dyn Fn(&Case, &Run) -> bool| {
        let count = corpus.iter().filter(|(case, run)| reached(case, run)).count();
        println!("{name}: {count} of {}", corpus.len());
        assert!(count * 100 >= corpus.len(), "{name}: only {count} of {}", corpus.len());
    };
    let applied = |run: &Run, phase: SyncPhase| {
        run.taken
            .iter()
            .flat_map(|taken| &taken.actions)
            .any(|action| matches!(action, Action::Apply(apply) if !apply.dry_run && apply.task.phase == phase))
    };
    let pruned = |run: &Run, why: &dyn Fn(&Moved) -> bool| {
        let tasks = run.taken.iter().flat_map(|taken| taken.plan.tasks.iter());
        let ids: BTreeSet<_> =
            tasks.filter(|task| task.moved.iter().any(why)).map(|task| task.object.clone()).collect();
        run.world.written.iter().any(|written| written.what == What::Deleted && ids.contains(&written.object.key()))
    };
    count("retry", &|_, run| run.end.retry_count > 0);
    count("terminate mid-wave", &|case, run| {
        let running = |taken: &super::driver::Taken| {
            taken.after.phase == Some(OperationPhase::Terminating)
                && results(&taken.before).iter().any(|result| result.hook_phase == Some(HookPhase::Running))
        };
        case.terminates() && run.taken.iter().any(running)
    });
    count("SyncFail", &|_, run| applied(run, SyncPhase::SyncFail));
    count("reversed prune", &|_, run| pruned(run, &|moved| matches!(moved, Moved::PruneReversed { .. })));
    count("PruneLast", &|_, run| pruned(run, &|moved| matches!(moved, Moved::PruneLast { .. })));
    count("recreated hook of the same name", &|_, run| {
        let gone: BTreeSet<_> = run
            .world
            .written
            .iter()
            .filter(|written| written.what == What::Gone)
            .map(|written| written.object.key())
            .collect();
        run.world.written.iter().any(|written| written.what == What::Created && gone.contains(&written.object.key()))
    });
    count("hook deleted by a user", &|_, run| !run.world.meddled.is_empty());
    count("hook deleted by a user while it ran", &|_, run| {
        results(&run.end).iter().any(|result| result.message.contains("was deleted while it was running"))
    });
    count("missing object", &|_, run| results(&run.end).iter().any(|result| result.message.contains("is missing")));
    count("approval", &|_, run| run.taken.iter().any(|taken| taken.after.message.contains("pruning confirmation")));
    count("restart", &|_, run| run.crashed > 0);
    count("success", &|_, run| run.end.phase == Some(OperationPhase::Succeeded));
    count("timeout", &|_, run| run.end.message.contains("timeout"));
    const { assert!(EVERY <= 100, "restarts after each write in one of so many cases") };
}
