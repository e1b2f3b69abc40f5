//! Plans: tables of what goes where.

use boathook::domain::hook::SyncPhase;
use boathook::domain::operation::{
    HookPhase, OperationState, ResultStatus, Selector, Strategy, SyncResult, TaskResult,
};
use boathook::domain::plan::{
    ApplyRule, DryRun, KindInfo, Kinds, LeftOutReason, Moved, Permission, Plan, Propagation, Role, Skip, Task,
    manifest_digest, plan,
};
use boathook::domain::sync_options::Removal;
use serde_json::json;

use super::make::{Given, NAMESPACE, config_map, generated_job, job, lines, live, names_in, object, written};

const HOOK: &str = "argocd.argoproj.io/hook";
const WAVE: &str = "argocd.argoproj.io/sync-wave";
const OPTIONS: &str = "argocd.argoproj.io/sync-options";

#[test]
fn plan_orders_by_phase_wave_kind_and_name() {
    let given = Given::new(vec![
        config_map("b", &[]),
        config_map("a", &[]),
        written("apps/v1", "Deployment", "web", &[]),
        written("v1", "Service", "web", &[]),
        written("example.com/v1", "Thing", "aaa", &[]),
        config_map("early", &[(WAVE, "-1")]),
        job("migrate", &[(HOOK, "PreSync"), (WAVE, "5")]),
        job("smoke", &[(HOOK, "PostSync"), (WAVE, "-7")]),
        job("page", &[(HOOK, "SyncFail")]),
        job("reindex", &[(HOOK, "Sync")]),
        job("flags", &[(HOOK, "PreSync, PostSync"), (WAVE, "1")]),
    ]);
    let expected = [
        "PreSync 1 Job/flags",
        "PreSync 5 Job/migrate",
        "Sync -1 ConfigMap/early",
        "Sync 0 ConfigMap/a",
        "Sync 0 ConfigMap/b",
        "Sync 0 Service/web",
        "Sync 0 Deployment/web",
        "Sync 0 Job/reindex",
        "Sync 0 Thing/aaa",
        "PostSync -7 Job/smoke",
        "PostSync 1 Job/flags",
        "SyncFail 0 Job/page",
    ];
    assert_eq!(lines(&given.plan()), expected);
    let totals = given.plan().totals();
    assert_eq!((totals.tasks(), totals.hooks()), (12, 6));
    assert_eq!(totals.phases.map(|phase| phase.waves), [2, 2, 2, 1]);
}

#[test]
fn plan_turns_the_waves_of_prunes_around() {
    let gone = |name: &str, wave: &str| live(&config_map(name, &[(WAVE, wave)]), name);
    let given = Given::new(vec![config_map("stays", &[(WAVE, "3")])]).with_live(vec![
        gone("low", "-2"),
        gone("mid", "0"),
        gone("high", "7"),
        gone("high2", "7"),
    ]);
    let plan = given.plan();
    assert_eq!(
        lines(&plan),
        [
            "Sync -2 ConfigMap/high",
            "Sync -2 ConfigMap/high2",
            "Sync 0 ConfigMap/mid",
            "Sync 3 ConfigMap/stays",
            "Sync 7 ConfigMap/low"
        ]
    );
    assert_eq!(plan.tasks[0].moved, [Moved::PruneReversed { from: 7 }]);
    assert!(plan.tasks[2].moved.is_empty());

    let last = given.with_options(&["PruneLast=true"]).plan();
    assert_eq!(names_in(&last, SyncPhase::Sync), ["stays", "high", "high2", "low", "mid"]);
    assert!(last.tasks[1..].iter().all(|task| task.wave == 8 && task.is_prune()));
    assert_eq!(last.tasks[1].moved, [Moved::PruneReversed { from: 7 }, Moved::PruneLast { from: -2 }]);
}

#[test]
fn plan_puts_prune_last_behind_wave_zero_at_least() {
    let given = Given::new(vec![config_map("a", &[(WAVE, "-9")])])
        .with_live(vec![live(&config_map("gone", &[(WAVE, "-9"), (OPTIONS, "PruneLast=true")]), "1")]);
    assert_eq!(lines(&given.plan()), ["Sync -9 ConfigMap/a", "Sync 1 ConfigMap/gone"]);
}

#[test]
fn plan_moves_namespaces_and_definitions_before_their_first_user() {
    let user = object(json!({"apiVersion": "batch/v1", "kind": "Job", "metadata":
        {"name": "prepare", "namespace": "other", "annotations": {HOOK: "PreSync", WAVE: "-3"}}}));
    let definition = object(json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com", "annotations": {WAVE: "4"}},
        "spec": {"group": "example.com", "scope": "Cluster", "names": {"kind": "Thing"}}}));
    let thing = written("example.com/v1", "Thing", "one", &[(WAVE, "2")]);
    let given =
        Given::new(vec![config_map("first", &[]), definition, thing, user, written("v1", "Namespace", "other", &[])]);
    let plan = given.plan();
    assert_eq!(
        lines(&plan),
        [
            "PreSync -3 Namespace/other",
            "PreSync -3 Job/prepare",
            "Sync 0 ConfigMap/first",
            "Sync 2 CustomResourceDefinition/things.example.com",
            "Sync 2 Thing/one",
        ]
    );
    assert!(!plan.tasks[0].is_hook());
    assert!(
        matches!(&plan.tasks[0].moved[..], [Moved::BeforeItsUser { from_phase: SyncPhase::Sync, from: 0, user }] if user.name == "prepare")
    );
    assert_eq!(plan.tasks[1].dry_run, DryRun::NamespaceComesWithTheSync);

    // What is cluster-scoped counts as a user of the destination's namespace.
    let role = written("rbac.authorization.k8s.io/v1", "ClusterRole", "reader", &[(WAVE, "-2")]);
    let given = Given::new(vec![config_map("first", &[]), role, written("v1", "Namespace", NAMESPACE, &[])]);
    let own = format!("Sync -2 Namespace/{NAMESPACE}");
    assert_eq!(lines(&given.plan()), [own.as_str(), "Sync -2 ClusterRole/reader", "Sync 0 ConfigMap/first"]);
}

#[test]
fn plan_knows_what_a_kind_needs() {
    let definition = object(json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com"},
        "spec": {"group": "example.com", "scope": "Cluster", "names": {"kind": "Thing"}}}));
    let mut given = Given::new(vec![
        definition,
        written("example.com/v1", "Thing", "brought", &[]),
        written("example.com/v1", "Other", "unknown", &[]),
        written("example.com/v1", "Later", "declared", &[(OPTIONS, "SkipDryRunOnMissingResource=true")]),
        written("batch/v1beta1", "CronJob", "old", &[]),
    ]);
    assert!(given.plan().tasks.iter().all(|task| task.invalid.is_none()), "files alone know nothing against a kind");

    let kind = |group: &str, kind: &str, namespaced| {
        ((group.to_owned(), kind.to_owned()), KindInfo { namespaced, versions: vec!["v1".to_owned()] })
    };
    given.kinds = Kinds::of_cluster([
        kind("apiextensions.k8s.io", "CustomResourceDefinition", false),
        kind("batch", "CronJob", true),
    ]);
    let plan = given.plan();
    let task = |name: &str| plan.tasks.iter().find(|task| task.object.name == name).unwrap();
    assert_eq!(task("brought").dry_run, DryRun::KindComesWithTheSync);
    assert_eq!(task("brought").object.namespace, "", "the definition says that it is cluster-scoped");
    assert_eq!(task("brought").id.key.namespace, NAMESPACE, "but results name the destination's namespace");
    assert_eq!(task("declared").dry_run, DryRun::KindIsMissing);
    assert_eq!(
        task("unknown").invalid.as_deref(),
        Some(
            "The Kubernetes API could not find example.com/Other for requested resource shop/unknown. Make sure the \
             \"Other\" CRD is installed on the destination cluster."
        )
    );
    assert_eq!(
        task("old").invalid.as_deref(),
        Some(
            "The Kubernetes API could not find version \"v1beta1\" of batch/CronJob for requested resource shop/old. \
             Version \"v1\" of batch/CronJob is installed on the destination cluster."
        )
    );
}

#[test]
fn plan_asks_the_project() {
    let given = Given::new(vec![config_map("a", &[]), written("v1", "Namespace", "b", &[])]);
    let ask = |key: &boathook::domain::manifest::ObjectKey, namespaced: bool| {
        if namespaced {
            Ok(())
        } else {
            Err(format!("resource {}:{} is not permitted in project p", key.group, key.kind))
        }
    };
    let mut input = given.input();
    input.permission = Permission::Ask(&ask);
    let plan = plan(&input);
    assert_eq!(plan.tasks[0].invalid.as_deref(), Some("resource :Namespace is not permitted in project p"));
    assert_eq!(plan.tasks[1].invalid, None);
    assert_eq!(plan.totals().invalid, 1);
}

#[test]
fn plan_runs_hooks_only_in_a_full_sync_with_strategy_hook() {
    let mut given = Given::new(vec![config_map("a", &[]), config_map("b", &[]), job("h", &[(HOOK, "PreSync")])]);
    assert_eq!(given.plan().totals().hooks(), 1);

    given.request.strategy = Strategy::Apply { force: true };
    let plan = given.plan();
    assert_eq!(plan.totals().hooks(), 0);
    assert_eq!(plan.left_out[0].reason, LeftOutReason::NoHooksWithApply);
    assert!(plan.tasks[0].apply.force);

    given.request.strategy = Strategy::default();
    given.request.resources = vec![Selector { kind: "ConfigMap".into(), name: "b".into(), ..Selector::default() }];
    let plan = given.plan();
    assert_eq!(lines(&plan), ["Sync 0 ConfigMap/b"]);
    let reasons: Vec<_> = plan.left_out.into_iter().map(|left| left.reason).collect();
    assert_eq!(reasons, [LeftOutReason::NotSelected, LeftOutReason::NoHooksInSelectiveSync]);
    given.request.resources[0].namespace = "elsewhere".into();
    assert!(given.plan().tasks.is_empty());
}

#[test]
fn plan_says_what_it_leaves_out() {
    let mut given = Given::new(vec![
        config_map("skip", &[(HOOK, "Skip")]),
        job("dropped", &[(HOOK, "presync")]),
        job("deletion", &[(HOOK, "PreDelete")]),
        config_map("twice", &[("n", "1")]),
        config_map("twice", &[("n", "2")]),
    ]);
    given.live = vec![live(&job("old-hook", &[(HOOK, "PostSync")]), "1"), live(&config_map("skip", &[]), "2")];
    let plan = given.plan();
    assert_eq!(lines(&plan), ["Sync 0 ConfigMap/twice"]);
    assert_eq!(plan.tasks[0].target.as_ref().unwrap().annotation("n"), Some("2"), "the last one counts");
    let left: Vec<_> = plan.left_out.iter().map(|left| (left.key.name.as_str(), &left.reason)).collect();
    assert!(matches!(
        left[..],
        [
            ("skip", LeftOutReason::Skipped),
            ("dropped", LeftOutReason::Dropped(_)),
            ("deletion", LeftOutReason::RunsAtDeletion),
            ("twice", LeftOutReason::Repeated),
            ("old-hook", LeftOutReason::NeverPruned),
        ]
    ));
}

#[test]
fn plan_pairs_targets_with_what_lives() {
    let targets =
        vec![config_map("a", &[]), config_map("b", &[]), job("h", &[(HOOK, "PreSync"), (OPTIONS, "Force=true")])];
    let alive: Vec<_> = targets.iter().map(|target| live(target, &format!("uid-{}", target.name()))).collect();
    let mut given = Given::new(targets).with_live(alive).with_options(&["ApplyOutOfSyncOnly=true"]);
    let plan_of = |given: &Given, out: &[&str]| {
        let keys = given.live.iter().map(|live| live.key()).filter(|key| out.contains(&key.name.as_str())).collect();
        let mut input = given.input();
        input.out_of_sync = Some(&keys);
        plan(&input)
    };
    let plan = plan_of(&given, &["b"]);
    assert_eq!(plan.tasks.iter().map(Task::live_uid).collect::<Vec<_>>(), ["uid-h", "uid-a", "uid-b"]);
    assert_eq!(plan.tasks.iter().map(|task| task.skip).collect::<Vec<_>>(), [None, Some(Skip::InSync), None]);
    assert_eq!(plan.totals().skipped, 1);
    given.live.remove(0);
    assert_eq!(plan_of(&given, &[]).tasks[1].skip, None, "what does not live is applied");
    assert_eq!(given.plan().tasks[1].skip, None, "nothing is left out where nothing is known");
}

#[test]
fn plan_creates_the_namespace() {
    let hook = job("h", &[(HOOK, "PreSync"), (WAVE, "-5")]);
    let mut given = Given::new(vec![hook, config_map("a", &[])]).with_options(&["CreateNamespace=true"]);
    let plan = given.plan();
    assert_eq!(lines(&plan), ["PreSync -5 Namespace/shop", "PreSync -5 Job/h", "Sync 0 ConfigMap/a"]);
    assert_eq!(plan.tasks[0].role, Role::Namespace);
    assert!(plan.tasks.iter().all(|task| task.dry_run == DryRun::Possible), "it is created before anything is tried");
    given.request.dry_run = true;
    assert_eq!(given.plan().tasks[2].dry_run, DryRun::NamespaceComesWithTheSync, "a dry run does not create it");

    given.live_namespace = Some(live(&written("v1", "Namespace", NAMESPACE, &[]), "1"));
    assert_eq!(given.plan().tasks[0].skip, Some(Skip::NamespaceExists));
    let metadata = json!({"labels": {"team": "shop"}});
    let mut input = given.input();
    input.namespace_metadata = Some(&metadata);
    assert_eq!(boathook::domain::plan::plan(&input).tasks[0].skip, None, "it lacks a label");

    // It is there, the manifests do not have it, and yet it is not pruned: that would take everything with it.
    given.live = given.live_namespace.clone().into_iter().collect();
    assert!(given.plan().tasks.iter().all(|task| !task.is_prune()));

    given.targets.push(written("v1", "Namespace", NAMESPACE, &[]));
    assert!(given.plan().tasks.iter().all(|task| task.role != Role::Namespace), "a manifest defines it");
}

#[test]
fn plan_reads_options_of_object_and_operation() {
    let rule = |own: &str, of_live: &str, operation: &[&str]| {
        let target = config_map("a", &[(OPTIONS, own)]);
        let lives = live(&config_map("a", &[(OPTIONS, of_live)]), "1");
        Given::new(vec![target]).with_live(vec![lives]).with_options(operation).plan().tasks[0].apply
    };
    let usual = ApplyRule { validate: true, migrate: true, ..ApplyRule::default() };
    assert_eq!(rule("", "", &[]), usual);
    assert_eq!(rule("Replace=true", "", &[]), ApplyRule { replace: true, ..usual });
    assert_eq!(rule("", "Replace=true", &[]), ApplyRule { replace: true, ..usual });
    assert_eq!(rule("Replace=true,ServerSideApply=true", "", &[]), ApplyRule { replace: true, ..usual });
    assert_eq!(rule("", "", &["ServerSideApply=true"]), ApplyRule { server_side: true, ..usual });
    assert_eq!(rule("ServerSideApply=false", "", &["ServerSideApply=true"]), usual);
    assert_eq!(rule("", "Force=true", &["Validate=false"]), ApplyRule { force: true, validate: false, ..usual });
    assert_eq!(rule("", "", &["ClientSideApplyMigration=false"]), ApplyRule { migrate: false, ..usual });

    let removal = |own: &str, operation: &[&str]| {
        let gone = live(&config_map("a", &[(OPTIONS, own)]), "1");
        Given::new(vec![]).with_live(vec![gone]).with_options(operation).plan().tasks[0].prune.removal
    };
    assert_eq!(removal("", &[]), Removal::Allowed);
    assert_eq!(removal("Prune=false", &[]), Removal::Refused);
    assert_eq!(removal("", &["Prune=confirm"]), Removal::AfterConfirmation);
    assert_eq!(removal("Prune=true", &["Prune=confirm"]), Removal::Allowed, "the object's own word counts");

    let propagation = |option: &str| Given::new(vec![]).with_options(&[option]).plan().propagation;
    assert_eq!(propagation("PrunePropagationPolicy=orphan"), Propagation::Orphan);
    assert_eq!(propagation("PrunePropagationPolicy=background"), Propagation::Background);
    assert_eq!(propagation("PrunePropagationPolicy=Orphan"), Propagation::Foreground);
}

#[test]
fn plan_names_hooks() {
    let twice = || {
        vec![
            generated_job("smoke-", "PostSync"),
            generated_job("smoke-", "PostSync"),
            generated_job("smoke-", "PreSync"),
        ]
    };
    let mut given = Given::new(twice());
    let plan = given.plan();
    let colliding = "smoke-6f1c0aa-postsync-1795352400";
    assert_eq!(names_in(&plan, SyncPhase::PostSync), [colliding, colliding]);
    assert_eq!(names_in(&plan, SyncPhase::PreSync), ["smoke-6f1c0aa-presync-1795352400"]);
    let target = plan.tasks[0].target.as_ref().unwrap();
    assert_eq!(
        (target.name(), target.namespace(), target.generate_name()),
        ("smoke-6f1c0aa-presync-1795352400", NAMESPACE, "")
    );
    assert_eq!(target.finalizers().collect::<Vec<_>>(), ["argocd.argoproj.io/hook-finalizer"]);
    let collides: Vec<_> = plan.tasks.iter().map(|task| task.generated.as_ref().unwrap().collides).collect();
    assert_eq!(collides, [false, false, true]);

    given.unique_names = true;
    assert_eq!(names_in(&given.plan(), SyncPhase::PostSync), [colliding.to_owned(), format!("{colliding}-2")]);
}

/// A resumed operation starts later, so its names would differ: results keep theirs.
#[test]
fn plan_keeps_recorded_names() {
    let mut given = Given::new(vec![
        generated_job("smoke-", "PostSync"),
        generated_job("smoke-", "PostSync"),
        generated_job("smoke-test-", "PostSync"),
    ]);
    given.unique_names = true;
    let before = given.plan();
    let names =
        |plan: &Plan| -> Vec<String> { names_in(plan, SyncPhase::PostSync).into_iter().map(str::to_owned).collect() };
    let result = |name: &str| TaskResult {
        key: boathook::domain::manifest::ObjectKey::new("batch", "Job", NAMESPACE, name),
        version: "v1".into(),
        status: Some(ResultStatus::Synced),
        hook_type: Some(SyncPhase::PostSync.into()),
        hook_phase: Some(HookPhase::Succeeded),
        sync_phase: Some(SyncPhase::PostSync),
        message: String::new(),
        images: Vec::new(),
    };
    given.started_at = "2026-11-22T14:00:00Z".parse().unwrap();
    assert!(names(&given.plan()).iter().all(|name| !names(&before).contains(name)));
    let state = |names: &[String]| {
        let resources = names.iter().map(|name| result(name)).collect();
        OperationState {
            sync_result: Some(SyncResult { resources, ..SyncResult::default() }),
            ..OperationState::default()
        }
    };
    given.recorded = Some(state(&names(&before)));
    assert_eq!(names(&given.plan()), names(&before));
    given.recorded = Some(state(&names(&before)[..1]));
    assert_eq!(names(&given.plan())[0], names(&before)[0]);
    assert_ne!(names(&given.plan())[1], names(&before)[1]);
}

#[test]
fn plan_digest_tells_manifests_apart() {
    let digest = |targets: &[_]| manifest_digest(targets);
    let one = config_map("a", &[]);
    let two = job("b", &[]);
    assert_eq!(digest(&[one.clone(), two.clone()]), digest(&[two.clone(), one.clone()]));
    assert_ne!(digest(std::slice::from_ref(&one)), digest(&[one.clone(), two.clone()]));
    assert_ne!(digest(&[one]), digest(&[config_map("a", &[("x", "y")])]));
    let secret = |value: &str, key: &str| {
        object(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {key: value}}))
    };
    assert_eq!(digest(&[secret("1", "k")]), digest(&[secret("2", "k")]), "values of secrets are not looked at");
    assert_ne!(digest(&[secret("1", "k")]), digest(&[secret("1", "l")]));
    // Recorded in operations: it may not change from one release to the next.
    assert_eq!(digest(&[]), "6c62272e07bb014262b821756295c58d");
    let ordered = object(json!({"kind": "ConfigMap", "apiVersion": "v1"}));
    assert_eq!(
        serde_json::to_string(&*ordered).unwrap(),
        r#"{"apiVersion":"v1","kind":"ConfigMap"}"#,
        "keys are sorted"
    );
}
