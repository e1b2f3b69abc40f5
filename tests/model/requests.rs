//! What each request writes, and why it may not be sent: the traps of Argo CD's protocol as tables.

use boathook::domain::application::Application;
use boathook::domain::manifest::Object;
use boathook::domain::operation::{Retry, Selector, Strategy};
use boathook::domain::project::Decision;
use boathook::domain::request::{
    AutoSync, Changed, Confirmation, Context, Controller, HookJob, Refusal, Request, Seen, Situation, SyncOrder, Write,
    WriteBody, WriteTarget, build, refusals, warnings,
};
use boathook::domain::step::ResumeRefused;
use serde_json::{Value, json};

const NOW: &str = "2026-11-22T12:00:00Z";

fn base() -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": { "name": "shop", "namespace": "argocd", "uid": "u-1", "resourceVersion": "41" },
        "spec": {
            "project": "default", "destination": { "server": "https://kubernetes.default.svc", "namespace": "shop" },
            "source": { "repoURL": "https://git.example.com/x.git", "path": "shop", "targetRevision": "main" },
            "syncPolicy": { "syncOptions": ["CreateNamespace=true", "ServerSideApply=true"], "retry": { "limit": 3 } },
        },
        "status": { "sync": { "status": "OutOfSync", "revision": "aaaa" } },
    })
}

/// The base, with these fields set.
fn app(fields: &[(&str, Value)]) -> Value {
    let mut app = base();
    for (path, value) in fields {
        let (parent, name) = path.rsplit_once('/').unwrap();
        let mut at = &mut app;
        for part in parent.split('/').filter(|part| !part.is_empty()) {
            at = &mut at[part];
        }
        at[name] = value.clone();
    }
    app
}

fn read(app: &Value) -> (Application, Object) {
    let object = Object::from_json(app.clone()).unwrap();
    (Application::read("c", &object).0, object)
}

fn write(app: &Value, request: &Request) -> Result<Write, &'static str> {
    let (application, _) = read(app);
    let context =
        Context { application: &application, user: "ada", job: None, now: NOW.parse().unwrap(), lacks_enabled: false };
    build(request, &context)
}

fn patch(app: &Value, request: &Request) -> Value {
    let written = write(app, request).unwrap();
    assert_eq!(written.target, WriteTarget::Application);
    let WriteBody::Merge(patch) = written.body else { panic!("not a merge patch") };
    assert_eq!(patch["metadata"]["resourceVersion"], "41", "every write is guarded");
    assert!(!written.says.is_empty(), "every write says what it does");
    patch
}

fn order(change: impl FnOnce(&mut SyncOrder)) -> Request {
    let mut order = SyncOrder::default();
    change(&mut order);
    Request::Sync(Box::new(order))
}

fn state(phase: &str) -> Value {
    json!({
        "phase": phase, "startedAt": "2026-11-22T11:00:00Z", "finishedAt": "2026-11-22T11:00:09Z",
        "operation": { "initiatedBy": { "username": "bob" }, "retry": { "limit": 1 },
            "sync": { "prune": true, "syncOptions": ["Replace=true"], "syncStrategy": { "hook": { "force": true } } } },
        "syncResult": { "revision": "bbbb", "resources": [] },
    })
}

#[test]
fn a_sync_carries_everything_the_controller_will_not_look_up() {
    // The controller looks at no options but the operation's; what is given replaces the policy's.
    let table: Vec<(&str, Request, &str, Value)> = vec![
        (
            "policy's options",
            order(|_| ()),
            "/operation/sync/syncOptions",
            json!(["CreateNamespace=true", "ServerSideApply=true"]),
        ),
        (
            "own options",
            order(|order| order.sync_options = Some(vec!["Replace=true".into()])),
            "/operation/sync/syncOptions",
            json!(["Replace=true"]),
        ),
        ("policy's retry", order(|_| ()), "/operation/retry/limit", json!(3)),
        (
            "own retry",
            order(|order| order.retry = Some(Retry { limit: 7, ..Retry::default() })),
            "/operation/retry/limit",
            json!(7),
        ),
        ("who asks", order(|_| ()), "/operation/initiatedBy/username", json!("ada")),
        ("the last state is cleared", order(|_| ()), "/status/operationState", Value::Null),
        ("revision", order(|order| order.revision = "cccc".into()), "/operation/sync/revision", json!("cccc")),
        ("prune", order(|order| order.prune = true), "/operation/sync/prune", json!(true)),
        ("dry run", order(|order| order.dry_run = true), "/operation/sync/dryRun", json!(true)),
    ];
    for (what, request, path, expected) in table {
        assert_eq!(patch(&base(), &request).pointer(path), Some(&expected), "{what}");
    }
}

#[test]
fn only_one_strategy_is_ever_written() {
    for (strategy, own, other) in [
        (Strategy::Hook { force: false }, "hook", "apply"),
        (Strategy::Hook { force: true }, "hook", "apply"),
        (Strategy::Apply { force: false }, "apply", "hook"),
        (Strategy::Apply { force: true }, "apply", "hook"),
    ] {
        let patch = patch(&base(), &order(|order| order.strategy = strategy));
        let written = &patch["operation"]["sync"]["syncStrategy"];
        // Merged into an old operation both would stand there, and apply would win.
        assert!(written.get(other).is_none_or(Value::is_null), "{strategy:?}: {written}");
        let _ = own;
    }
}

#[test]
fn a_retry_says_what_the_operation_it_repeats_does() {
    let with = |field: &str, value: Value| {
        let mut state = state("Failed");
        state["operation"]["sync"][field] = value;
        write(&app(&[("/status/operationState", state)]), &Request::Retry).unwrap().says
    };
    let has = |says: &[String], line: &str| says.iter().any(|own| own.contains(line));
    let says = with("prune", json!(false));
    assert!(has(&says, "at bbbb") && has(&says, "all phases run again") && !has(&says, "deletes"), "{says:?}");
    assert!(has(&with("prune", json!(true)), "deletes what Git has no more"));
    assert!(has(&with("dryRun", json!(true)), "changes nothing"));
    let one = json!([{ "group": "apps", "kind": "Deployment", "name": "web" }]);
    for says in [with("syncStrategy", json!({ "apply": {} })), with("resources", one)] {
        assert!(has(&says, "no hooks run") && !has(&says, "all phases"), "{says:?}");
    }
}

#[test]
fn what_nobody_knows_or_does_is_a_warning_and_no_refusal() {
    let situation = |controller: Controller, windows: Decision| Situation {
        controller,
        windows,
        missing_right: None,
        read_only: false,
    };
    let unknown = situation(Controller::ArgoCd, Decision::Unknown("no right".to_owned()));
    let (application, _) = read(&base());
    assert_eq!(refusals(&order(|_| ()), &application, &unknown), []);
    let warned = warnings(&order(|_| ()), &unknown);
    assert!(matches!(&warned[..], [line] if line.contains("sync window") && line.contains("no right")), "{warned:?}");
    assert!(warnings(&Request::Abort, &unknown).is_empty());
    let nobody = situation(Controller::None, Decision::Allowed);
    for request in [Request::Abort, Request::Refresh { hard: true }, Request::Confirm(Confirmation::Prune)] {
        assert_eq!(warnings(&request, &nobody).len(), 1, "{request:?}");
        assert!(warnings(&request, &situation(Controller::Unknown, Decision::Allowed)).is_empty(), "{request:?}");
    }
    assert!(warnings(&Request::RepairGhost, &nobody).is_empty(), "boathook does that itself");
}

#[test]
fn a_selective_sync_says_that_no_hooks_run() {
    let selector =
        Selector { group: "apps".into(), kind: "Deployment".into(), name: "web".into(), namespace: String::new() };
    let written = write(&base(), &order(|order| order.resources = vec![selector])).unwrap();
    assert!(written.says.iter().any(|line| line == "no hooks run"), "{:?}", written.says);
}

#[test]
fn a_retry_repeats_the_revision_and_the_options_that_failed() {
    let failed = app(&[("/status/operationState", state("Failed"))]);
    let patch = patch(&failed, &Request::Retry);
    let sync = &patch["operation"]["sync"];
    assert_eq!((&sync["revision"], &sync["syncOptions"]), (&json!("bbbb"), &json!(["Replace=true"])));
    assert_eq!((&sync["prune"], &sync["syncStrategy"]["hook"]["force"]), (&json!(true), &json!(true)));
    assert_eq!(patch["operation"]["retry"]["limit"], 1);
    assert_eq!(patch["operation"]["initiatedBy"]["username"], "ada", "who asks now");
    assert!(write(&base(), &Request::Retry).is_err(), "there is nothing to repeat");
}

#[test]
fn a_resume_is_nothing_that_argo_cd_would_run() {
    let failed = app(&[("/status/operationState", state("Failed"))]);
    let patch = patch(&failed, &Request::Resume);
    assert!(patch["operation"].get("sync").is_none_or(Value::is_null));
    assert!(patch.get("status").is_none(), "the last state is what is resumed");
    assert_eq!(patch["operation"]["info"][0]["value"], "2026-11-22T11:00:00Z");
}

#[test]
fn an_abort_touches_the_phase_alone() {
    let patch =
        patch(&app(&[("/operation", json!({})), ("/status/operationState", state("Running"))]), &Request::Abort);
    assert_eq!(patch["status"], json!({ "operationState": { "phase": "Terminating" } }));
    assert!(patch.get("operation").is_none(), "removing it would leave the hooks behind");
}

#[test]
fn other_requests_write_what_argo_cd_looks_for() {
    let deleting = app(&[("/metadata/deletionTimestamp", json!("2026-11-22T13:00:00Z"))]);
    let table: Vec<(Value, Request, &str, Value)> = vec![
        (
            base(),
            Request::Refresh { hard: false },
            "/metadata/annotations/argocd.argoproj.io~1refresh",
            json!("normal"),
        ),
        (base(), Request::Refresh { hard: true }, "/metadata/annotations/argocd.argoproj.io~1refresh", json!("hard")),
        (base(), Request::AutoSync(AutoSync::Off), "/spec/syncPolicy/automated", json!({ "enabled": false })),
        (
            deleting,
            Request::Confirm(Confirmation::Delete),
            "/metadata/annotations/argocd.argoproj.io~1deletion-approved",
            json!("2026-11-22T13:00:00Z"),
        ),
    ];
    for (app, request, path, expected) in table {
        assert_eq!(patch(&app, &request).pointer(path), Some(&expected), "{request:?}");
    }
    let hook = Request::FailHook(HookJob::default());
    assert!(write(&base(), &hook).is_err(), "its Job is gone");
}

fn situation(controller: Controller) -> Situation {
    Situation { controller, windows: Decision::Allowed, missing_right: None, read_only: false }
}

#[test]
fn reasons_are_known_beforehand() {
    let running = || {
        vec![
            ("/operation", json!({ "initiatedBy": { "username": "bob" } })),
            ("/status/operationState", state("Running")),
        ]
    };
    let automated = ("/spec/syncPolicy/automated", json!({ "prune": false }));
    let table: Vec<(&str, Value, Request, Situation, Vec<Refusal>)> = vec![
        ("nothing", base(), order(|_| ()), situation(Controller::ArgoCd), vec![]),
        ("nobody acts", base(), order(|_| ()), situation(Controller::None), vec![Refusal::NoController]),
        ("a refresh needs nobody", base(), Request::Refresh { hard: false }, situation(Controller::None), vec![]),
        (
            "busy",
            app(&running()),
            order(|_| ()),
            situation(Controller::ArgoCd),
            vec![Refusal::Busy { by: "bob".into() }],
        ),
        (
            "read only",
            base(),
            order(|_| ()),
            Situation { read_only: true, ..situation(Controller::ArgoCd) },
            vec![Refusal::ReadOnly],
        ),
        (
            "a right",
            base(),
            order(|_| ()),
            Situation { missing_right: Some("patch applications".into()), ..situation(Controller::ArgoCd) },
            vec![Refusal::MissingRight("patch applications".into())],
        ),
        (
            "deleting",
            app(&[("/metadata/deletionTimestamp", json!(NOW))]),
            order(|_| ()),
            situation(Controller::ArgoCd),
            vec![Refusal::Deleting],
        ),
        (
            "a window",
            base(),
            order(|_| ()),
            Situation { windows: Decision::NotAllowed { opens: None }, ..situation(Controller::ArgoCd) },
            vec![Refusal::Window(Decision::NotAllowed { opens: None })],
        ),
        (
            "another revision under automated sync",
            app(std::slice::from_ref(&automated)),
            order(|order| order.revision = "other".into()),
            situation(Controller::ArgoCd),
            vec![Refusal::Automated],
        ),
        (
            "the target itself",
            app(std::slice::from_ref(&automated)),
            order(|order| order.revision = "main".into()),
            situation(Controller::ArgoCd),
            vec![],
        ),
        (
            "a dry run of another",
            app(&[automated]),
            order(|order| {
                order.revision = "other".into();
                order.dry_run = true;
            }),
            situation(Controller::ArgoCd),
            vec![],
        ),
        (
            "nothing to abort",
            base(),
            Request::Abort,
            situation(Controller::ArgoCd),
            vec![Refusal::Nothing("no operation is in progress")],
        ),
        (
            "only the engine resumes",
            app(&[("/status/operationState", state("Failed"))]),
            Request::Resume,
            situation(Controller::ArgoCd),
            vec![Refusal::OnlyEngine, Refusal::NotResumable(ResumeRefused::ManifestsUnknown)],
        ),
        (
            "an abort before the begin",
            app(&[("/operation", json!({ "sync": {} }))]),
            Request::Abort,
            situation(Controller::Engine),
            vec![Refusal::NotBegun],
        ),
    ];
    for (what, app, request, situation, expected) in table.into_iter().chain(resumed()) {
        let (application, _) = read(&app);
        assert_eq!(refusals(&request, &application, &situation), expected, "{what}");
    }
}

/// What the record of a failed operation tells of whether it can be resumed.
fn resumed() -> Vec<(&'static str, Value, Request, Situation, Vec<Refusal>)> {
    let failed = |phase: &str, dry_run: bool, recorded: bool, hook: &str| {
        let mut own = state(phase);
        own["operation"]["sync"]["dryRun"] = json!(dry_run);
        if recorded {
            own["operation"]["info"] = json!([{"name": "boathook.dev/manifests", "value": "sha256:1"}]);
        }
        let job = |name: &str, phase: &str| {
            json!({"group": "batch", "kind": "Job", "namespace": "shop", "name": name, "status": "Synced",
                "hookType": "PreSync", "hookPhase": phase, "syncPhase": "PreSync"})
        };
        own["syncResult"]["resources"] = json!([job("one", hook), job("two", "Failed")]);
        app(&[("/status/operationState", own)])
    };
    let refused = |reason: ResumeRefused| vec![Refusal::NotResumable(reason)];
    let table = [
        ("something succeeded", failed("Failed", false, true, "Succeeded"), vec![]),
        ("an error, too", failed("Error", false, true, "Succeeded"), vec![]),
        ("nothing succeeded", failed("Failed", false, true, "Failed"), refused(ResumeRefused::NothingSucceeded)),
        (
            "of another controller",
            failed("Failed", false, false, "Succeeded"),
            refused(ResumeRefused::ManifestsUnknown),
        ),
        ("a dry run", failed("Failed", true, true, "Succeeded"), refused(ResumeRefused::DryRun)),
        (
            "it succeeded",
            failed("Succeeded", false, true, "Succeeded"),
            vec![Refusal::Nothing("the last operation succeeded")],
        ),
    ];
    table.map(|(what, app, refused)| (what, app, Request::Resume, situation(Controller::Engine), refused)).into()
}

#[test]
fn only_what_matters_counts_as_a_change() {
    let (application, object) = read(&base());
    let seen = Seen::of(&application, &object);
    let table: Vec<(&str, Value, Vec<Changed>)> = vec![
        ("nothing", base(), vec![]),
        ("a version", app(&[("/metadata/resourceVersion", json!("99")), ("/metadata/generation", json!(9))]), vec![]),
        (
            "a comparison",
            app(&[("/status/reconciledAt", json!(NOW)), ("/status/health", json!({ "status": "Healthy" }))]),
            vec![],
        ),
        ("another object", app(&[("/metadata/uid", json!("u-2"))]), vec![Changed::Identity]),
        ("the spec", app(&[("/spec/project", json!("other"))]), vec![Changed::Spec]),
        ("an operation", app(&[("/operation", json!({ "sync": {} }))]), vec![Changed::Operation]),
        ("a phase", app(&[("/status/operationState", state("Running"))]), vec![Changed::Phase]),
        ("the target", app(&[("/status/sync/revision", json!("dddd"))]), vec![Changed::Revision]),
    ];
    for (what, now, expected) in table {
        let (application, object) = read(&now);
        let sync = Request::Sync(Box::default());
        assert_eq!(seen.changed(&Seen::of(&application, &object), &sync), expected, "{what}");
    }
}

#[test]
fn a_request_is_asked_again_only_for_what_it_rests_on() {
    use Changed::{Operation, Phase, Revision, Spec};
    let (application, object) = read(&base());
    let seen = Seen::of(&application, &object);
    let all = app(&[
        ("/spec/project", json!("other")),
        ("/operation", json!({ "sync": {} })),
        ("/status/operationState", state("Running")),
        ("/status/sync/revision", json!("dddd")),
    ]);
    let (application, object) = read(&all);
    let now = Seen::of(&application, &object);
    for (request, expected) in [
        (Request::Sync(Box::default()), &[Spec, Operation, Phase, Revision][..]),
        // It takes the revision of the operation that it repeats, wherever the target is.
        (Request::Retry, &[Spec, Operation, Phase]),
        (Request::Resume, &[Spec, Operation, Phase]),
        (Request::Rollback { id: 1, prune: false, hooks: false }, &[Spec, Operation, Phase]),
        (Request::Abort, &[Operation, Phase]),
        (Request::Confirm(Confirmation::Prune), &[Operation, Phase]),
        (Request::AutoSync(AutoSync::Off), &[Spec]),
        (Request::Confirm(Confirmation::Delete), &[]),
        (Request::Refresh { hard: false }, &[]),
    ] {
        assert_eq!(seen.changed(&now, &request), expected, "{request:?}");
    }
    let (application, object) = read(&app(&[("/metadata/uid", json!("u-2"))]));
    let another = Seen::of(&application, &object);
    for request in [Request::Refresh { hard: true }, Request::Abort, Request::Retry] {
        assert_eq!(seen.changed(&another, &request), [Changed::Identity], "{request:?}");
    }
}
