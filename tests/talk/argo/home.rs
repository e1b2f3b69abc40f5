//! Where Argo CD is: its projects with their sync windows, and its Secrets, count only there.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use boathook::argo::Namespaces;
use boathook::domain::application::AppKey;
use boathook::domain::live::{HookAccess, Outcome, WatchState, Watched};
use boathook::domain::project::Decision;
use boathook::domain::request::{Refusal, Request, SyncOrder};
use boathook::domain::scenario::{AccessRule, Pattern};
use boathook::sim::faults::{Action, Failure, Fault, requests};
use boathook::sim::resource::{APP_PROJECTS, NAMESPACES, SECRETS};
use boathook::sim::server::Simulator;
use serde_json::{Value, json};

use super::world::{World, app, put, simulator};

/// For whom Argo CD's controller is not to be seen, as for most who may only look into a namespace of theirs.
fn restricted(more: &[&str]) -> Simulator {
    let simulator = simulator();
    let hidden = ["statefulsets", "deployments", "leases"];
    let rules: Vec<AccessRule> = hidden.iter().chain(more).map(|resource| denied(resource)).collect();
    simulator.access().restrict("admin", &rules);
    simulator
}

fn denied(resource: &str) -> AccessRule {
    AccessRule {
        allow: false,
        verbs: vec![Pattern::new("*")],
        groups: Vec::new(),
        resources: vec![Pattern::new(resource)],
        namespaces: Vec::new(),
        names: Vec::new(),
        reason: String::new(),
    }
}

/// An application in a namespace of its own, of the Argo CD in `argo`.
fn app_of(argo: &str) -> Value {
    let mut app = app("a");
    app["metadata"]["namespace"] = json!("team");
    if !argo.is_empty() {
        app["status"]["controllerNamespace"] = json!(argo);
    }
    app
}

/// A project `default` that lets nothing run.
fn put_window(simulator: &Simulator, namespace: &str) {
    let windows = json!([{ "kind": "deny", "schedule": "* * * * *", "duration": "24h", "applications": ["*"] }]);
    let project = json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
        "metadata": { "name": "default", "namespace": namespace }, "spec": { "syncWindows": windows } });
    put(simulator, &APP_PROJECTS, project);
}

async fn world_of(simulator: Simulator, app: Value) -> (World, AppKey) {
    put(&simulator, &NAMESPACES, json!({ "metadata": { "name": "team" } }));
    let world = World::with(simulator, |options| options.namespaces = Namespaces::One("team".to_owned())).await;
    world.put_app(app);
    let key = AppKey::new(world.live.cluster().clone(), "team", "a");
    (world, key)
}

fn sync() -> Request {
    Request::Sync(Box::<SyncOrder>::default())
}

async fn ask(world: &mut World, key: &AppKey, request: Request) -> Outcome {
    let id = world.live.send(key, request, None);
    world.until("the request is over", |picture| picture.outcomes.contains_key(&id)).await;
    world.picture.outcomes[&id].clone()
}

fn is_denied(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Refused(why) if matches!(why[..], [Refusal::Window(Decision::Denied { .. })]))
}

#[tokio::test]
async fn windows_count_where_the_application_says_that_its_argo_cd_is() {
    // The Application is there before anything is asked, and only afterwards.
    for early in [true, false] {
        let simulator = restricted(&[]);
        put_window(&simulator, "argocd");
        if early {
            put(&simulator, &boathook::sim::resource::APPLICATIONS, app_of("argocd"));
        }
        let (mut world, key) = world_of(simulator, app_of("argocd")).await;
        assert!(is_denied(&ask(&mut world, &key, sync()).await), "nobody looks at it");
        world.live.open(&key);
        world.until("it is denied", |picture| matches!(picture.windows.get(&key), Some(Decision::Denied { .. }))).await;
        assert!(is_denied(&ask(&mut world, &key, sync()).await), "it is open");
        if early {
            world
                .until("its projects", |picture| picture.watches.get(&Watched::Projects) == Some(&WatchState::Live))
                .await;
        }
    }
}

#[tokio::test]
async fn of_two_argo_cds_the_one_counts_whose_application_it_is() {
    let simulator = simulator();
    put_window(&simulator, "other-argocd");
    let (mut world, key) = world_of(simulator, app_of("other-argocd")).await;
    assert!(is_denied(&ask(&mut world, &key, sync()).await));
    world.live.open(&key);
    world.until("it is denied", |picture| matches!(picture.windows.get(&key), Some(Decision::Denied { .. }))).await;
    world.put_app(app_of("argocd"));
    world.until("it may", |picture| picture.windows.get(&key) == Some(&Decision::Allowed)).await;
    assert_eq!(ask(&mut world, &key, sync()).await, Outcome::Written);
}

#[tokio::test]
async fn windows_that_cannot_be_known_are_not_said_to_be_open() {
    let table = [
        ("nobody says where Argo CD is", restricted(&[]), "", "Argo CD was not seen"),
        ("the projects may not be read", restricted(&["appprojects"]), "argocd", "appprojects"),
    ];
    for (what, simulator, argo, words) in table {
        put_window(&simulator, "argocd");
        let (mut world, key) = world_of(simulator, app_of(argo)).await;
        world.live.open(&key);
        let unknown =
            |decision: Option<&Decision>| matches!(decision, Some(Decision::Unknown(why)) if why.contains(words));
        world.until(what, |picture| unknown(picture.windows.get(&key))).await;
        let told = world.picture.watches.get(&Watched::Projects);
        assert!(!matches!(told, Some(WatchState::Live)), "{what}: {told:?}");
        let shown = world.live.preview(&key, sync()).await.unwrap();
        assert_eq!(shown.refusals, [], "{what}: the controller judges them itself");
        let warned = shown.warnings.iter().any(|line| line.contains("window") && line.contains(words));
        assert!(warned, "{what}: {:?}", shown.warnings);
        let refresh = world.live.preview(&key, Request::Refresh { hard: false }).await.unwrap();
        assert_eq!(refresh.warnings, Vec::<String>::new(), "{what}: no window is about that");
        assert_eq!(ask(&mut world, &key, sync()).await, Outcome::Written, "{what}");
    }
}

#[tokio::test]
async fn projects_that_cannot_be_listed_are_asked_for_one_by_one() {
    let simulator = simulator();
    put_window(&simulator, "argocd");
    let failure = || Action::Fail(Failure::Server { code: 500, message: "no lists today".to_owned() });
    simulator.faults().add(Fault::new(requests(&["list", "watch"], &["appprojects"]), failure()));
    let (mut world, key) = world_of(simulator, app_of("argocd")).await;
    assert!(is_denied(&ask(&mut world, &key, sync()).await), "whether or not they can be watched");
}

#[tokio::test]
async fn no_program_is_run_that_a_secret_names_where_no_controller_was_seen() {
    let encode = |text: &str| STANDARD.encode(text);
    for (is_seen, namespace, expected) in [(false, "team", true), (true, "argocd", false)] {
        let simulator = if is_seen { simulator() } else { restricted(&[]) };
        let marker = tempfile::TempDir::new().unwrap();
        let ran = marker.path().join("ran");
        let config = json!({ "execProviderConfig": { "apiVersion": "client.authentication.k8s.io/v1",
            "command": "touch", "args": [ran.to_str().unwrap()] } });
        let secret = json!({ "apiVersion": "v1", "kind": "Secret",
            "metadata": { "name": "cluster-eu", "namespace": namespace, "labels": { "argocd.argoproj.io/secret-type": "cluster" } },
            "data": { "name": encode("eu"), "server": encode("https://127.0.0.1:1"), "config": encode(&config.to_string()) } });
        put(&simulator, &SECRETS, secret);
        // Whoever may write the Application may write there whose it is.
        let mut app = app_of(namespace);
        app["spec"]["destination"] = json!({ "name": "eu", "namespace": "shop" });
        let (mut world, key) = world_of(simulator, app).await;
        world.live.open(&key);
        world.until("no access", |picture| matches!(picture.access.get(&key), Some(HookAccess::None { .. }))).await;
        let Some(HookAccess::None { missing, .. }) = world.picture.access.get(&key) else { unreachable!() };
        assert_eq!(missing.contains("is not run"), expected, "{missing}");
        assert_eq!(ran.exists(), !expected, "{missing}");
    }
}

/// A token that has expired at the first look, or a right that is missing for it alone: neither says for good that Argo
/// CD is not there.
#[tokio::test]
async fn argo_cd_is_found_also_where_the_first_look_did_not_see_it() {
    for failure in [Failure::Unauthorized, Failure::Forbidden] {
        let simulator = simulator();
        let look = requests(&["list"], &["statefulsets"]);
        let fault = simulator.faults().add(Fault::new(look, Action::Fail(failure.clone())).times(1));
        let mut world = World::with(simulator, |_| ()).await;
        world.put_app(app("a"));
        let key = world.open("a").await;
        world.until("its projects", |picture| picture.watches.get(&Watched::Projects) == Some(&WatchState::Live)).await;
        world.until("a sync may run", |picture| picture.windows.get(&key) == Some(&Decision::Allowed)).await;
        assert_eq!(world.simulator.faults().met(fault), 1, "{failure:?}");
    }
}
