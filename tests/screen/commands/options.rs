//! Options, and what becomes of them.

use boathook::cluster::Scope;
use boathook::domain::scenario::{AccessRule, Pattern};
use boathook::sim::resource::{APP_PROJECTS, APPLICATIONS, NAMESPACES};
use serde_json::{Value, json};

use super::place::{Place, done, hook, map};

/// What a sync is called with in these tests.
const SYNC: [&str; 5] = ["sync", "shop", "-y", "--wait", "--allow-file-repositories"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_is_sent_as_its_options_say() {
    let place = Place::new(&(hook("good", "PreSync", "") + &map("settings") + &map("more"))).await;
    for (options, pointer, expected) in [
        (&["--prune"][..], "/sync/prune", json!(true)),
        (&["--server-dry-run"], "/sync/dryRun", json!(true)),
        (&["--force"], "/sync/syncStrategy", json!({"hook": {"force": true}})),
        (&["--apply-only"], "/sync/syncStrategy", json!({"apply": {}})),
        (&["--apply-only", "--force"], "/sync/syncStrategy", json!({"apply": {"force": true}})),
        (&["--resource", ":ConfigMap:more"], "/sync/resources", json!([{"kind": "ConfigMap", "name": "more"}])),
        (&["--sync-option", "Validate=false"], "/sync/syncOptions", json!(["Validate=false"])),
        (&["--info", "ticket=12"], "/info/0", json!({"name": "ticket", "value": "12"})),
        (
            &["--retry-limit", "3", "--retry-backoff", "2s", "--retry-backoff-max", "1m"],
            "/retry",
            json!({"limit": 3, "backoff": {"duration": "2s", "maxDuration": "1m"}}),
        ),
    ] {
        let done = place.run(&[&SYNC[..], options, &["-o", "name"]].concat()).await.expect(0);
        assert_eq!(done.out, "argocd/shop\n", "{options:?}");
        let operation = &place.world.application()["status"]["operationState"]["operation"];
        assert_eq!(operation.pointer(pointer), Some(&expected), "{options:?}: {operation:#}");
    }
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offline_is_what_was_fetched_before() {
    let place = Place::new(&map("settings")).await;
    let first = place.world.deploys(&map("first"));
    let plan = |more: &'static [&'static str]| {
        let arguments = [&["sync", "shop", "--dry-run", "-o", "json", "--allow-file-repositories"][..], more].concat();
        let child = place.command(&arguments).spawn().unwrap();
        async { done(child).await.expect(0).document()["commits"][0].clone() }
    };
    assert_eq!(plan(&[]).await, json!(first));
    let second = place.world.deploys(&map("second"));
    assert_eq!(plan(&["--offline"]).await, json!(first));
    assert_eq!(plan(&[]).await, json!(second));
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_checkout_on_this_disk_stands_for_its_repository() {
    let place = Place::new(&map("local")).await;
    let address = "https://git.example.invalid/shop.git";
    place.world.edit(|application| application["spec"]["source"]["repoURL"] = json!(address));
    let folder = place.world.work().to_str().unwrap();
    let config = place.write_home("config.yaml", &format!("git:\n  checkouts:\n    {address}: {folder}\n"));
    // Nothing is fetched, and so nothing is waited for.
    let plan = place.run(&["plan", "--app", "shop", "--config", config.to_str().unwrap()]).await.expect(0);
    assert!(plan.out.contains("ConfigMap/local"), "{plan:#?}");
    place.stop().await;
}

/// An application of two folders of the repository.
async fn of_two_sources() -> Place {
    let place = Place::new(&map("settings")).await;
    place.world.write("more/all.yaml", &(hook("good", "PreSync", "") + &map("more")));
    place.world.commit("more");
    let repository = place.world.repository();
    place.world.edit(|application| {
        let source = |path: &str| json!({"repoURL": repository, "path": path, "targetRevision": "HEAD"});
        application["spec"].as_object_mut().unwrap().remove("source");
        application["spec"]["sources"] = json!([source("shop"), source("more")]);
    });
    place
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_sources_each_has_its_revision() {
    let place = of_two_sources().await;
    let [old, new] = ["old", "new"].map(|name| place.world.deploys(&map(name)));
    let revisions = ["--revision", &old, "--revision", &new];
    let plan = place.run(&[&["plan", "--app", "shop", "--allow-file-repositories"], &revisions[..]].concat()).await;
    let plan = plan.expect(0);
    assert!(plan.out.contains("ConfigMap/old") && plan.out.contains("ConfigMap/more"), "{plan:#?}");
    let done = place.run(&[&SYNC[..], &revisions, &["-o", "json"]].concat()).await.expect(0);
    let documents = done.documents();
    let result = documents.iter().find(|document| document["kind"] == "Result").unwrap();
    assert_eq!(result["revisions"], json!([old, new]), "{result:#}");
    let operation = &place.world.application()["status"]["operationState"]["operation"];
    assert_eq!(operation["sync"]["revisions"], json!([old, new]), "{operation:#}");
    place.run(&["wait", "shop", "--for", "operation", "--timeout", "60s"]).await.expect(0);
    let text = place.run(&["get", "app", "shop"]).await.expect(0);
    for words in [" shop at HEAD", " more at HEAD", &format!("{}, {}", &old[..7], &new[..7])] {
        assert!(text.out.contains(words), "{words:?}: {}", text.out);
    }
    let document = place.run(&["get", "app", "shop", "-o", "json"]).await.expect(0).document();
    assert_eq!(document["details"]["operation"]["revisions"], json!([old, new]), "{document:#}");
    // One revision for two sources would leave it open which of them is meant.
    for command in [&SYNC[..], &["plan", "--app", "shop", "--allow-file-repositories"]] {
        let refused = place.run(&[command, &["--revision", &new]].concat()).await.expect(2);
        assert!(refused.err.contains("shop: 1 revision was given for 2 sources"), "{refused:#?}");
    }
    place.run(&["plan", "--revision", "a", "--revision", "b", "."]).await.expect(2);
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn applications_of_any_namespace_are_found_and_their_projects_where_the_controller_is() {
    let mut place = Place::without_engine(&map("settings")).await;
    place.world.options.applications = Scope::All;
    for namespace in ["team-a", "team-b"] {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        place.world.create(&NAMESPACES, object);
    }
    let windows = json!([{"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["closed"]}]);
    let project = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "teams", "namespace": "argocd"},
        "spec": {
            "sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}],
            "sourceNamespaces": ["team-*"], "syncWindows": windows
        }
    });
    place.world.create(&APP_PROJECTS, project);
    for (namespace, name) in [("team-a", "web"), ("team-a", "closed"), ("team-b", "web")] {
        let application = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "project": "teams",
                "source": {"repoURL": place.world.repository(), "path": "shop", "targetRevision": "HEAD"},
                "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
            },
        });
        place.world.create(&APPLICATIONS, application);
    }
    place.world.start().await;
    for (arguments, expected) in [
        // Where the engine is.
        (&["get", "apps", "-o", "name"][..], "argocd/shop\n"),
        (&["get", "apps", "-o", "name", "--namespace", "team-a"], "team-a/closed\nteam-a/web\n"),
        (&["get", "apps", "-o", "name", "-n", "team-a", "web"], "team-a/web\n"),
        (&["-n", "team-b", "get", "apps", "-o", "name"], "team-b/web\n"),
        (&["get", "apps", "-o", "name", "team-b/web"], "team-b/web\n"),
        (&["get", "apps", "-o", "name", "team-b/web", "shop"], "argocd/shop\nteam-b/web\n"),
        (&["get", "apps", "-o", "name", "--all-namespaces"], "argocd/shop\nteam-a/closed\nteam-a/web\nteam-b/web\n"),
        (&["get", "apps", "-o", "name", "-A", "-p", "teams"], "team-a/closed\nteam-a/web\nteam-b/web\n"),
        (&["get", "apps", "-o", "name", "--project", "teams"], ""),
    ] {
        assert_eq!(place.run(arguments).await.expect(0).out, expected, "{arguments:?}");
    }
    let several = place.run(&["get", "apps", "-A", "web"]).await.expect(2);
    let words = "boathook: several applications are called web\n  team-a/web\n  team-b/web\n";
    assert_eq!(several.err, words);
    place.run(&["get", "apps", "web"]).await.expect(8);
    // The controller is found although it is in another namespace, and so are the windows of the project.
    let more = ["-y", "--wait", "--allow-file-repositories"];
    place.run(&[&["sync", "-n", "team-a", "web"], &more[..]].concat()).await.expect(0);
    place.run(&[&["sync", "team-b/web"], &more[..]].concat()).await.expect(0);
    let denied = place.run(&[&["sync", "-n", "team-a", "closed"], &more[..]].concat()).await.expect(7);
    assert!(denied.err.contains("closed: a sync window denies it"), "{denied:#?}");
    let windows = place.run(&["get", "windows", "-n", "team-a"]).await.expect(0);
    assert!(windows.out.contains("deny"), "{windows:#?}");
    // Most may not see the controller: then the Application says where it is.
    let wanted = (&APPLICATIONS, "team-a", "closed");
    let is_told = |app: Option<&Value>| app.is_some_and(|app| app["status"]["controllerNamespace"] == "argocd");
    place.world.until_object(wanted, is_told).await;
    let hidden = |user: &str, resources: &[&str]| {
        let kubeconfig = place.user(user);
        let rule = |resource: &&str| AccessRule {
            allow: false,
            verbs: vec![Pattern::new("*")],
            groups: Vec::new(),
            resources: vec![Pattern::new(*resource)],
            namespaces: Vec::new(),
            names: Vec::new(),
            reason: String::new(),
        };
        place.world.simulator.access().restrict(user, &resources.iter().map(rule).collect::<Vec<_>>());
        kubeconfig
    };
    let controllers = ["statefulsets", "deployments", "leases"];
    let developer = hidden("developer", &controllers);
    let team = ["--kubeconfig", &developer, "-n", "team-a"];
    let windows = place.run(&[&["get", "windows"], &team[..]].concat()).await.expect(0);
    assert!(windows.out.contains("deny"), "{windows:#?}");
    let denied = place.run(&[&["sync", "closed", "-y"], &team[..]].concat()).await.expect(7);
    assert!(denied.err.contains("closed: a sync window denies it"), "{denied:#?}");
    // Who may not see the projects is told that their windows are not known, and nothing else of them.
    let guest = hidden("guest", &[&controllers[..], &["appprojects"]].concat());
    let team = ["--kubeconfig", &guest, "-n", "team-a"];
    let windows = place.run(&[&["get", "windows"], &team[..]].concat()).await.expect(9);
    assert!(windows.out.is_empty() && windows.err.contains("the sync windows are not known"), "{windows:#?}");
    let asked = place.run(&[&["sync", "closed", "-y"], &team[..]].concat()).await.expect(0);
    assert!(asked.err.contains("closed: whether a sync window denies it is not known"), "{asked:#?}");
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logs_are_chosen_by_age_container_and_operation() {
    // The second operation deletes the hook of the first, and its log with it.
    let place = Place::new(&(hook("bad", "PreSync", "") + &map("settings"))).await;
    for _ in 0..2 {
        place.run(&SYNC).await.expect(4);
    }
    let lines = "connecting to the database\nERROR: relation orders does not exist\n";
    let out = async |more: &[&str], code| place.run(&[&["logs", "shop", "bad"], more].concat()).await.expect(code).out;
    assert_eq!(out(&["--container", "main"], 0).await, lines);
    assert_eq!(out(&["-c", "other"], 8).await, "");
    assert_eq!(out(&["--since", "1h"], 0).await, lines);
    let history = place.run(&["get", "history", "shop", "-o", "json"]).await.expect(0).document();
    let begins: Vec<&str> =
        history["operations"].as_array().unwrap().iter().map(|own| own["startedAt"].as_str().unwrap()).collect();
    let [first, _] = begins[..] else { panic!("{history:#}") };
    assert_eq!(out(&["--operation", first], 0).await, lines);
    assert_eq!(out(&["--operation", "2020-01-01T00:00:00Z"], 8).await, "");
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_runs_hooks_and_deletes_only_if_asked_to() {
    let mut place = Place::new(&(hook("good", "PreSync", "HookSucceeded") + &map("first"))).await;
    place.world.synced(&json!({})).await;
    place.world.deploys(&map("second"));
    place.world.synced(&json!({})).await;
    let operation =
        |application: Value| (application.get("operation").cloned(), application["status"]["operationState"].clone());
    let before = operation(place.world.application());
    for (command, words) in [
        (&["rollback", "shop", "0"][..], "shop: dry run: rollback: deploys entry 0: "),
        (&["retry", "shop"], "boathook: shop: the last operation succeeded"),
    ] {
        let shown = place.run(&[command, &["--dry-run"]].concat()).await;
        assert!(shown.out.starts_with(words) || shown.err.starts_with(words), "{shown:#?}");
        let document = place.run(&[command, &["--dry-run", "-o", "json"]].concat()).await.expect(shown.code).document();
        assert_eq!(document["dryRun"] == true, shown.code == 0, "{document:#}");
    }
    assert_eq!(operation(place.world.application()), before, "nothing was sent");
    let rollback = async |more: &[&str]| {
        let arguments = [&["rollback", "shop", "0", "-y", "--wait", "--log-lines", "5"], more].concat();
        place.run(&arguments).await.expect(0);
        place.world.application()["status"]["operationState"]["operation"]["sync"].clone()
    };
    let plain = rollback(&[]).await;
    assert_eq!((plain.get("prune"), plain.pointer("/syncStrategy/hook")), (None, None), "{plain:#}");
    let both = rollback(&["--prune", "--hooks"]).await;
    assert_eq!((&both["prune"], both.pointer("/syncStrategy/hook").is_some()), (&json!(true), true), "{both:#}");
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_configuration_counts_for_commands_too() {
    let place = Place::new(&map("settings")).await;
    let file = place.write_home("strict.yaml", "readOnly: true\n");
    let file = file.to_str().unwrap();
    let refused = place.run(&[&SYNC[..], &["--config", file]].concat()).await.expect(7);
    assert!(refused.err.contains("--read-only"), "{refused:#?}");
    let wrong = place.write_home("wrong.yaml", "readOnyl: true\n");
    let wrong = place.run(&["get", "apps", "--config", wrong.to_str().unwrap()]).await.expect(1);
    assert!(wrong.err.contains("wrong.yaml") && wrong.err.contains("readOnyl"), "{wrong:#?}");
    let theme = place.run(&["--theme", "unheard-of"]).await.expect(1);
    assert!(theme.err.contains("unheard-of"), "{theme:#?}");
    let screen = place.run(&[]).await.expect(2);
    assert!(screen.err.contains("the screen needs a terminal"), "{screen:#?}");
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_the_time_ends_what_only_looks() {
    let mut place = Place::new(&hook("slow", "PreSync", "")).await;
    place.run(&["watch", "--timeout", "0.2s"]).await.expect(0);
    place.run(&["watch", "-l", "team=none", "--timeout", "0.2s", "-o", "json"]).await.expect(0);
    place.run(&["sync", "shop", "-y", "--allow-file-repositories"]).await.expect(0);
    // A comparison has to wait for the operation.
    place.world.until_message("waiting for completion of hook batch/Job/slow").await;
    let late = place.run(&["refresh", "shop", "--wait", "--timeout", "0.2s"]).await.expect(6);
    assert!(late.err.contains("shop: not compared in time"), "{late:#?}");
    let resumed: Value = place.run(&["resume", "shop", "-y", "-o", "json"]).await.expect(7).document();
    assert_eq!((&resumed["command"], &resumed["outcome"]), (&json!("resume"), &json!("Refused")));
    place.stop().await;
}
