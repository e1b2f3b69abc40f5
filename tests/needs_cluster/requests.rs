//! Every kind of request on a real Kubernetes: what is written is what its API server takes.

use std::time::Duration;

use boathook::argo::{Live, Namespaces, Options};
use boathook::clock::Clock;
use boathook::cluster::{Delete, Kind, Patch, Propagation, Scope, Selectors, WriteOptions};
use boathook::domain::application::AppKey;
use boathook::domain::live::{LiveEvent, Outcome, RequestState};
use boathook::domain::manifest::Object;
use boathook::domain::request::{AutoSync, Confirmation, Controller, Request};
use serde_json::{Value, json};

use super::{World, applications, asked, object};

/// Ends a test that would hang.
const PATIENCE: Duration = Duration::from_secs(120);

/// The Application.
const NAME: &str = "a";

/// What an Application has become by a request: a field, and what is in it; `None`: anything.
fn effect(request: &Request) -> (&'static str, Option<Value>) {
    match request {
        Request::Sync(_) => ("/operation/initiatedBy/username", None),
        Request::Retry => ("/operation/sync/revision", Some(json!(asked::REVISION))),
        Request::Resume => ("/operation/info/0/name", Some(json!("boathook.dev/resume"))),
        Request::Refresh { hard } => {
            ("/metadata/annotations/argocd.argoproj.io~1refresh", Some(json!(if *hard { "hard" } else { "normal" })))
        }
        Request::Rollback { hooks: true, .. } => ("/operation/sync/source/path", Some(json!("a"))),
        Request::Rollback { .. } => ("/operation/sync/syncStrategy", Some(json!({ "apply": {} }))),
        Request::AutoSync(AutoSync::On { .. }) => ("/spec/syncPolicy/automated/selfHeal", Some(json!(true))),
        Request::AutoSync(AutoSync::Off) => ("/spec/syncPolicy", None),
        Request::Confirm(Confirmation::Prune | Confirmation::Delete) => {
            ("/metadata/annotations/argocd.argoproj.io~1deletion-approved", None)
        }
        Request::Abort => ("/status/operationState/phase", Some(json!("Terminating"))),
        Request::RepairGhost => ("/status/operationState/phase", Some(json!("Failed"))),
        Request::FailHook(_) | Request::RerunHook { .. } => ("/operation", None),
    }
}

/// Makes an Application in the test's namespace; one that is being deleted is deleted first.
async fn create(world: &World, kind: &Kind, mut app: Value) {
    app["metadata"]["namespace"] = json!(world.namespace);
    app["spec"]["destination"]["namespace"] = json!(world.namespace);
    let is_deleted = app["metadata"].as_object_mut().unwrap().remove("deletionTimestamp").is_some();
    world.cluster.create(kind, &object(app), &WriteOptions::default()).await.unwrap();
    if is_deleted {
        assert!(world.cluster.delete(kind, &world.namespace, NAME, &Delete::default()).await.unwrap());
    }
}

/// Takes it away, with whatever holds it.
async fn remove(world: &World, kind: &Kind) {
    let free = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    world.cluster.patch(kind, &world.namespace, NAME, &free, &WriteOptions::default()).await.unwrap();
    // It is gone already if only that held it, and held by what it owns for a moment.
    world.cluster.delete(kind, &world.namespace, NAME, &Delete::default()).await.unwrap();
    while world.cluster.get(kind, &world.namespace, NAME).await.unwrap().is_some() {
        Clock::real().sleep(Duration::from_millis(100)).await;
    }
}

/// The Job of the hook, which would run for a long time, and no other Job.
async fn put_hook(world: &World) {
    let (jobs, namespace) = (world.kind("batch", "Job"), world.namespace.as_str());
    let scope = Scope::Namespace(namespace.to_owned());
    for job in world.cluster.list(&jobs, &scope, &Selectors::default()).await.unwrap().items {
        let delete = Delete { propagation: Propagation::Background, ..Delete::default() };
        world.cluster.delete(&jobs, namespace, job.name(), &delete).await.unwrap();
        while world.cluster.get(&jobs, namespace, job.name()).await.unwrap().is_some() {
            Clock::real().sleep(Duration::from_millis(100)).await;
        }
    }
    let job = object(json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "migrate", "namespace": namespace,
            "annotations": { "argocd.argoproj.io/hook": "PreSync", "argocd.argoproj.io/tracking-id": format!("a:batch/Job:{namespace}/migrate") } },
        "spec": { "backoffLimit": 0, "template": { "spec": { "restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [
            { "name": "main", "image": "busybox", "command": ["sleep", "3600"] },
        ] } } },
    }));
    world.cluster.create(&jobs, &job, &WriteOptions::default()).await.unwrap();
    // The Job controller has taken it.
    let runs = |job: &Object| job.at(&["status", "active"]) == Some(&json!(1));
    while !world.cluster.get(&jobs, namespace, "migrate").await.unwrap().is_some_and(|job| runs(&job)) {
        Clock::real().sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a cluster: BOATHOOK_TEST_KUBECONFIG"]
async fn every_kind_of_request_is_taken_by_a_real_api_server() {
    let world = World::new("requests").await;
    let kind = applications(&world).await;
    let (cluster, namespace) = (&world.cluster, world.namespace.as_str());
    let written = WriteOptions::default();
    // So that somebody is there to act; nobody is, and what was asked stays as it was written.
    let lease = object(
        json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": { "name": "boathook-engine", "namespace": namespace },
            "spec": { "holderIdentity": "a test", "leaseDurationSeconds": 3600, "renewTime": format!("{:.6}", cluster.server_now()) } }),
    );
    cluster.create(&world.kind("coordination.k8s.io", "Lease"), &lease, &written).await.unwrap();
    let mut kinds = asked::kinds(namespace);
    kinds.push((asked::failed(), Request::Resume));
    for (app, request) in kinds {
        create(&world, &kind, app).await;
        put_hook(&world).await;
        let options = Options {
            kubeconfig: std::env::var_os("BOATHOOK_TEST_KUBECONFIG").map(Into::into),
            namespaces: Namespaces::One(namespace.to_owned()),
            ..Options::default()
        };
        let (live, mut events) = Live::start(options, &Clock::real()).await.unwrap();
        let key = AppKey::new(live.cluster().clone(), namespace, NAME);
        live.open(&key);
        let ask = async {
            loop {
                if let LiveEvent::Controller { controller: Controller::Engine, .. } = events.recv().await.unwrap() {
                    break;
                }
            }
            let shown = live.preview(&key, request.clone()).await.unwrap();
            assert_eq!(shown.refusals, [], "{request:?}");
            let id = live.send(&key, request.clone(), Some(shown.seen));
            loop {
                if let LiveEvent::Request(update) = events.recv().await.unwrap()
                    && let (true, RequestState::Ended(outcome)) = (update.id == id, update.state)
                {
                    break outcome;
                }
            }
        };
        let outcome = Clock::real().timeout(PATIENCE, ask).await.expect("no outcome");
        assert_eq!(outcome, Outcome::Written, "{request:?}");
        let now = cluster.get(&kind, namespace, NAME).await.unwrap().unwrap();
        let (path, expected) = effect(&request);
        let found = Value::Object(now.as_json().clone()).pointer(path).cloned();
        match expected {
            Some(expected) => assert_eq!(found, Some(expected), "{request:?}"),
            None => assert!(found.is_some(), "{request:?}"),
        }
        live.stop().await;
        remove(&world, &kind).await;
    }
    world.end().await;
}
