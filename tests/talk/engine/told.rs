//! What the engine tells beside the state of an operation, and beside whom it does not work.

use boathook::clock::Clock;
use boathook::cluster::Scope;
use boathook::engine::{Engine, EngineError, EngineOptions, install_definitions};
use boathook::sim::resource::{
    APPLICATIONS, CONFIG_MAPS, CUSTOM_RESOURCE_DEFINITIONS, EVENTS, LEASES, NAMESPACES, STATEFUL_SETS,
};
use boathook::sim::store::DeleteOptions;
use serde_json::{Value, json};

use super::rows::{hook, map, shop};
use super::world::{ARGOCD, Setup, World, phase};

/// Reasons and messages of the Events on the Application, the oldest first.
fn events(world: &World) -> Vec<String> {
    let (events, _) = world.simulator.store().list(&EVENTS, Some(ARGOCD));
    let mut events: Vec<Value> = events.iter().map(|event| (*event.value()).clone()).collect();
    events.retain(|event| event["involvedObject"]["kind"] == "Application");
    events.sort_by_key(|event| event["metadata"]["name"].as_str().unwrap().to_owned());
    let text = |event: &Value, field: &str| event[field].as_str().unwrap().to_owned();
    let told = |event: &Value| format!("{} {} {}", text(event, "type"), text(event, "reason"), text(event, "message"));
    events.iter().map(told).collect()
}

/// Waits for an Event.
async fn told(world: &World, wanted: &str) {
    let (_, mut changes) = world.simulator.store().list_and_watch(&EVENTS);
    while !events(world).iter().any(|event| event == wanted) {
        let changed = Clock::real().timeout(std::time::Duration::from_secs(60), changes.next()).await;
        changed.unwrap_or_else(|_| panic!("{wanted:?} is not among {:#?}", events(world))).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_tells_in_events_what_argo_cd_tells() {
    let mut world = shop(&map("a", "", "1")).await;
    world.refreshed().await;
    told(&world, "Normal ResourceUpdated Updated sync status:  -> OutOfSync").await;
    let state = world.synced(&json!({})).await;
    let revision = state.sync_result.unwrap().revision;
    told(&world, &format!("Normal OperationCompleted Sync operation to {revision} succeeded")).await;
    told(&world, "Normal ResourceUpdated Updated sync status: OutOfSync -> Synced").await;
    world.synced(&json!({"resources": [{"kind": "ConfigMap", "name": "a"}]})).await;
    told(&world, &format!("Normal OperationCompleted Partial sync operation to {revision} succeeded")).await;
    let revision = world.deploys(&hook("bad", "PreSync", ""));
    let retry = json!({"limit": 1, "backoff": {"duration": "0.01s"}});
    world.request(&json!({"sync": {}, "retry": retry}));
    let message = world.end().await.message;
    told(&world, &format!("Warning OperationCompleted Sync operation to {revision} failed: {message}")).await;
    let ends = events(&world).iter().filter(|event| event.contains(" OperationCompleted ")).count();
    assert_eq!(ends, 3, "an attempt that is repeated is no end");
    let revision = world.deploys(&map("b", "", "1"));
    world.edit(|application| application["spec"]["syncPolicy"] = json!({"automated": {}}));
    world.refreshed().await;
    world.end().await;
    told(&world, &format!("Normal OperationStarted Initiated automated sync to '{revision}'")).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_tells_where_applications_are_reached() {
    let ingress = "---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  tls: [{hosts: [shop.example.com]}]
  rules:
  - host: shop.example.com
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
";
    let linked = map("a", "link.argocd.argoproj.io/docs: \"https://docs.example.com\"", "1");
    let mut world = shop(&(linked + ingress)).await;
    let state = world.synced(&json!({})).await;
    assert_eq!(phase(&state), "Succeeded", "{}", state.message);
    let application = world.refreshed().await;
    let wanted = json!(["https://docs.example.com", "https://shop.example.com/"]);
    assert_eq!(application["status"]["summary"]["externalURLs"], wanted, "{:#}", application["status"]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_does_not_work_beside_argo_cd() {
    let mut world = shop(&map("a", "", "1")).await;
    world.refreshed().await;
    // It comes while the engine runs: the next operation is left to it.
    world.create(&NAMESPACES, json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "gitops"}}));
    let labels = json!({"app.kubernetes.io/name": "argocd-application-controller"});
    let pod = json!({"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "argocd"}]}});
    let controller = json!({"apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {"name": "controller", "namespace": "gitops", "labels": labels},
        "spec": {"replicas": 1, "serviceName": "x", "selector": {"matchLabels": labels}, "template": pod}});
    let (_, mut changes) = world.simulator.store().list_and_watch(&STATEFUL_SETS);
    world.create(&STATEFUL_SETS, controller);
    let is_ready =
        |world: &World| world.get(&STATEFUL_SETS, "gitops", "controller").unwrap()["status"]["readyReplicas"] == 1;
    while !is_ready(&world) {
        let changed = Clock::real().timeout(std::time::Duration::from_secs(60), changes.next()).await;
        changed.expect("it is never ready").unwrap();
    }
    world.sync(&json!({}));
    let ended = Clock::real().timeout(std::time::Duration::from_secs(60), world.engine().ended()).await.unwrap();
    let who = "StatefulSet gitops/controller";
    assert!(matches!(&ended, EngineError::OtherController(reason) if reason.contains(who)), "{ended}");
    assert!(world.names(&CONFIG_MAPS).is_empty());
    assert!(world.application().pointer("/status/operationState").is_none(), "it is not even accepted");
    world.kill();
    let again = Engine::start(world.cluster.clone(), world.options.clone(), Clock::real()).await;
    // The one before may still hold its folder for a moment; what counts is that none starts.
    assert!(matches!(again, Err(EngineError::OtherController(_))));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_syncs_by_itself_only_as_the_policy_says() {
    let mut world = shop(&map("a", "", "1")).await;
    let automated = |world: &World, policy: Value| {
        world.edit(|application| application["spec"]["syncPolicy"] = json!({"automated": policy}));
    };
    let changed = |world: &World, value: &str| {
        world.change(&CONFIG_MAPS, "shop", "a", |map| map["data"]["a"] = json!(value));
    };
    let value = |world: &World| world.get(&CONFIG_MAPS, "shop", "a").unwrap()["data"]["a"].clone();
    automated(&world, json!({}));
    let state = world.end().await;
    assert!(state.operation.initiated_by.automated);
    // Without selfHeal a drift is shown, and a new revision is synced.
    changed(&world, "drift");
    assert_eq!(world.refreshed().await["status"]["sync"]["status"], "OutOfSync");
    assert_eq!(value(&world), "drift");
    world.deploys(&(map("a", "", "1") + &map("b", "", "1")));
    world.refreshed().await;
    world.end().await;
    assert_eq!((value(&world), world.names(&CONFIG_MAPS)), (json!("1"), vec!["a".to_owned(), "b".to_owned()]));
    // Without prune what Git has no more stays.
    world.deploys(&map("a", "", "1"));
    assert_eq!(world.refreshed().await["status"]["sync"]["status"], "OutOfSync");
    assert_eq!(world.names(&CONFIG_MAPS), ["a", "b"]);
    automated(&world, json!({"prune": true, "selfHeal": true, "allowEmpty": true}));
    world.left(&CONFIG_MAPS, &["a"]).await;
    let is_over = |application: &Value| application.get("operation").is_none();
    world
        .until("the end", |application, state| {
            is_over(application) && state.operation.sync.as_ref().is_some_and(|sync| sync.prune)
        })
        .await;
    // The second repair of a revision waits a little longer than the first.
    for (number, value_then) in [(1, "x"), (2, "y")] {
        changed(&world, value_then);
        let healed = world
            .until("a repair", |application, state| {
                let sync = state.operation.sync.clone().unwrap_or_default();
                let is_over = application.get("operation").is_none() && state.is_completed();
                is_over && sync.auto_heal_attempts == number
            })
            .await;
        assert_eq!(healed.operation.sync.unwrap().resources.len(), 1);
        assert_eq!(value(&world), "1");
    }
    // allowEmpty: everything may go.
    world.deploys("# nothing\n");
    world.refreshed().await;
    world.left(&CONFIG_MAPS, &[]).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_definitions_are_made_where_they_are_missing_and_others_never_touched() {
    const NAMES: [&str; 2] = ["applications.argoproj.io", "appprojects.argoproj.io"];
    let world = World::new(&Setup::made("")).await;
    let get = |name: &str| world.get(&CUSTOM_RESOURCE_DEFINITIONS, "", name);
    // Somebody else's, with other columns than ours.
    world.change(&CUSTOM_RESOURCE_DEFINITIONS, "", NAMES[0], |definition| {
        definition["metadata"]["labels"] = json!({"app.kubernetes.io/part-of": "argocd"});
        definition["spec"]["versions"][0].as_object_mut().unwrap().remove("additionalPrinterColumns");
    });
    let theirs = get(NAMES[0]);
    assert!(theirs.is_some());
    assert_eq!(install_definitions(&world.cluster).await, Ok(vec![]));
    assert_eq!(get(NAMES[0]), theirs);
    let (store, options) = (world.simulator.store(), DeleteOptions::default());
    store.delete(&CUSTOM_RESOURCE_DEFINITIONS, "", NAMES[1], &options).unwrap();
    let (_, mut changes) = store.list_and_watch(&CUSTOM_RESOURCE_DEFINITIONS);
    while get(NAMES[1]).is_some() {
        Clock::real().timeout(std::time::Duration::from_secs(60), changes.next()).await.unwrap().unwrap();
    }
    assert_eq!(install_definitions(&world.cluster).await, Ok(vec![NAMES[1].to_owned()]));
    assert_eq!(get(NAMES[0]), theirs);
    assert_eq!(get(NAMES[1]).unwrap()["spec"]["names"]["kind"], "AppProject");
    assert_eq!(install_definitions(&world.cluster).await, Ok(vec![]), "and not again");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engine_does_not_work_beside_an_engine_of_another_namespace() {
    let mut world = shop(&map("a", "", "1")).await;
    world.create(&NAMESPACES, json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ctl2"}}));
    world.refreshed().await;
    let mut options = world.options.clone();
    options.repo_cache = world.path().join("second");
    options.control_plane = "ctl2".to_owned();
    let cluster = world.cluster.clone();
    let start = |scope: Scope| {
        let options = EngineOptions { applications: scope, ..options.clone() };
        Engine::start(cluster.clone(), options, Clock::real())
    };
    for scope in [Scope::All, Scope::Namespace(ARGOCD.to_owned())] {
        match start(scope.clone()).await {
            Err(EngineError::OtherController(who)) => assert!(who.contains("in namespace argocd"), "{who}"),
            Err(other) => panic!("{scope:?}: {other}"),
            Ok(_) => panic!("{scope:?}: two engines"),
        }
    }
    let lease = world.get(&LEASES, ARGOCD, "boathook-engine").unwrap();
    world.kill();
    // The Applications are free once the claim has ended, and not before.
    world.change(&LEASES, ARGOCD, "boathook-engine", |lease| {
        lease["spec"]["renewTime"] = json!("2026-01-01T00:00:00.000000Z");
    });
    let second = start(Scope::All).await.unwrap();
    world.change(&LEASES, ARGOCD, "boathook-engine", |own| {
        own["spec"] = lease["spec"].clone();
        own["spec"]["renewTime"] = json!("9999-01-01T00:00:00.000000Z");
    });
    // It was left to it, so it stays; this one was not.
    world.edit(|application| application["status"]["controllerNamespace"] = json!(ARGOCD));
    world.sync(&json!({}));
    let free = json!({"spec": {"source": {"path": "shop"}}, "operation": {"sync": {}}});
    world.make_neighbour("free", &free);
    let is_over = |application: Option<&Value>| {
        application.and_then(|free| free.pointer("/status/operationState/phase")).is_some_and(|phase| phase == "Error")
    };
    world.until_object((&APPLICATIONS, ARGOCD, "free"), is_over).await;
    assert_eq!(world.application().pointer("/status/operationState"), None);
    second.stop().await;
    world.stop().await;
}
