//! What the answer to a write tells, and what is told of a request that nobody carries out.

use boathook::domain::live::Outcome;
use boathook::domain::request::{AutoSync, Controller, Request, SyncOrder};
use boathook::sim::resource::{CUSTOM_RESOURCE_DEFINITIONS, STATEFUL_SETS};
use boathook::store::{RequestLog, State};
use serde_json::{Value, json};

use super::world::{World, app, put, simulator};
use crate::asked::{automated, busy};

/// A cluster whose definition of the Application knows only these fields in one of its parts, and all in the others.
async fn world_with(part: &str, known: &Value, app: Value) -> World {
    let any = || json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    let mut schema = json!({ "type": "object", "properties": { "spec": any(), "status": any(), "operation": any() } });
    let mut own = &mut schema;
    for name in part.split('/') {
        if own.pointer(&format!("/properties/{name}")).is_none() {
            own["properties"][name] = any();
        }
        own = &mut own["properties"][name];
    }
    *own = json!({ "type": "object", "properties": known });
    let definition = json!({ "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "applications.argoproj.io" },
        "spec": { "group": "argoproj.io", "scope": "Namespaced",
            "names": { "kind": "Application", "listKind": "ApplicationList", "plural": "applications", "singular": "application" },
            "versions": [{ "name": "v1alpha1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }] } });
    let simulator = simulator();
    put(&simulator, &CUSTOM_RESOURCE_DEFINITIONS, definition);
    let mut world = World::with(simulator, |_| ()).await;
    world.put_app(app);
    world.until_live().await;
    world
}

fn results(world: &World) -> Vec<String> {
    let log = RequestLog::new(&State::new(world.home.path().join("state"))).entries().unwrap();
    log.into_iter().map(|entry| entry.result).collect()
}

#[tokio::test]
async fn auto_sync_goes_off_also_where_argo_cd_has_no_switch_for_it() {
    let off = || Request::AutoSync(AutoSync::Off);
    let known = json!({ "prune": { "type": "boolean" }, "selfHeal": { "type": "boolean" } });
    let mut app = automated();
    app["spec"]["syncPolicy"]["automated"] = json!({ "prune": true });
    let mut world = world_with("spec/syncPolicy/automated", &known, app.clone()).await;
    let shown = world.live.preview(&world.key("a"), off()).await.unwrap().write.unwrap();
    assert!(shown.says.iter().any(|line| line.contains("removes it, and with it prune")), "{:?}", shown.says);
    assert_eq!(world.ask("a", off(), None).await, Outcome::Written);
    assert_eq!(world.app("a")["spec"]["syncPolicy"].get("automated"), None);
    let expected = ["", "written without spec.syncPolicy.automated.enabled", "", "written"];
    assert_eq!(results(&world), expected);
    // Where it has one, the settings stay.
    let known = json!({ "prune": { "type": "boolean" }, "enabled": { "type": "boolean" } });
    let mut world = world_with("spec/syncPolicy/automated", &known, app).await;
    assert_eq!(world.ask("a", off(), None).await, Outcome::Written);
    assert_eq!(world.app("a")["spec"]["syncPolicy"]["automated"], json!({ "prune": true, "enabled": false }));
    assert_eq!(results(&world), ["", "written"]);
    let again = world.live.preview(&world.key("a"), off()).await.unwrap();
    assert_eq!(again.refusals.len(), 1, "it is off");
}

#[tokio::test]
async fn what_the_server_drops_of_a_request_is_told() {
    let known = json!({ "prune": { "type": "boolean" }, "revision": { "type": "string" },
        "syncOptions": { "type": "array", "items": { "type": "string" } } });
    let mut world = world_with("operation/sync", &known, app("a")).await;
    let order = SyncOrder { dry_run: true, prune: true, ..SyncOrder::default() };
    let outcome = world.ask("a", Request::Sync(Box::new(order)), None).await;
    let Outcome::Dropped(fields) = &outcome else { panic!("{outcome:?}") };
    assert!(fields.contains(&"operation.sync.dryRun".to_owned()), "{fields:?}");
    assert_eq!(world.app("a")["operation"]["sync"]["prune"], true, "it is asked for, without that");
    assert_eq!(results(&world), [String::new(), format!("written without {}", fields.join(", "))]);
}

#[tokio::test]
async fn where_nobody_acts_that_is_said_of_what_only_a_controller_does() {
    let mut world = World::with(simulator(), |_| ()).await;
    world.put_app(busy());
    world.simulator.store().remove_raw(&STATEFUL_SETS, "argocd", "argocd-application-controller");
    world.until_live().await;
    let key = world.open("a").await;
    world.until("nobody acts", |picture| picture.controllers.get(&key) == Some(&Controller::None)).await;
    for request in [Request::Abort, Request::Refresh { hard: false }] {
        let shown = world.live.preview(&key, request.clone()).await.unwrap();
        assert_eq!(shown.refusals, [], "{request:?}");
        assert!(shown.warnings.iter().any(|line| line.contains("no controller")), "{request:?}: {:?}", shown.warnings);
    }
    let on = Request::AutoSync(AutoSync::On { prune: None, self_heal: None });
    assert!(!world.live.preview(&key, on).await.unwrap().warnings.is_empty());
    let off = Request::AutoSync(AutoSync::Off);
    assert_eq!(world.live.preview(&key, off).await.unwrap().warnings, Vec::<String>::new(), "it needs nobody");
}
