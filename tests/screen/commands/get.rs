//! `get`, and what is the same for every command: targets, formats, errors.

use serde_json::json;

use super::place::{Place, forbidden, hook, kubeconfig, map, masked};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn get_shows_applications_in_every_format() {
    let mut place = Place::new(&(hook("good", "PreSync", "HookSucceeded") + &map("settings"))).await;
    place.add("web", &json!({"team": "front"}), &map("web"));
    place.world.synced(&json!({})).await;
    place.run(&["wait", "shop", "--for", "synced", "--timeout", "60s"]).await.expect(0);
    place.run(&["wait", "web", "--for", "healthy", "--timeout", "60s"]).await.expect(0);
    let text = place.run(&["get"]).await;
    insta::assert_snapshot!("get_apps", text.shown());
    let wide = place.run(&["get", "apps", "-o", "wide"]).await;
    insta::assert_snapshot!("get_apps_wide", wide.shown());
    let list = place.run(&["get", "apps", "-o", "json"]).await.expect(0).document();
    let names: Vec<_> = list["items"].as_array().unwrap().iter().map(|item| item["name"].clone()).collect();
    assert_eq!(names, ["shop", "web"]);
    let yaml = place.run(&["get", "apps", "-o", "yaml"]).await.expect(0);
    let yaml: serde_json::Value = serde_yaml::from_str(&yaml.out).unwrap();
    // They may be compared with Git between the two.
    assert_eq!(masked(&yaml.to_string()), masked(&list.to_string()));
    let path = place.run(&["get", "apps", "-o", "jsonpath={.items[*].operation.phase}"]).await.expect(0);
    assert_eq!(path.out, "Succeeded\n");
    let front = place.run(&["get", "apps", "-l", "team in (front)", "-o", "name"]).await.expect(0);
    assert_eq!(front.out, "argocd/web\n");
    let none = place.run(&["get", "apps", "-p", "other"]).await.expect(0);
    assert_eq!((none.out.as_str(), none.err.as_str()), ("", "no applications\n"));
    for arguments in [&["get", "apps", "argocd/shop", "-o", "name"][..], &["get", "-n", "argocd", "shop", "-o", "name"]]
    {
        assert_eq!(place.run(arguments).await.expect(0).out, "argocd/shop\n", "{arguments:?}");
    }
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn get_app_shows_the_operation_and_its_hooks() {
    let manifests = hook("good", "PreSync", "") + &hook("bad", "PreSync", "") + &map("settings");
    let mut place = Place::new(&manifests).await;
    place.world.synced(&json!({})).await;
    place.run(&["wait", "shop", "--for", "healthy", "--timeout", "60s"]).await.expect(0);
    let text = place.run(&["get", "app", "shop"]).await;
    insta::assert_snapshot!("get_app", text.shown());
    let document = place.run(&["get", "app", "shop", "-o", "json"]).await.expect(0).document();
    let operation = &document["details"]["operation"];
    assert_eq!(crate::schema::violations(operation), Vec::<String>::new(), "{operation:#}");
    let failed: Vec<_> =
        operation["tasks"].as_array().unwrap().iter().filter(|task| task["state"] == "failed").collect();
    assert_eq!((failed.len(), &failed[0]["name"]), (1, &json!("bad")), "{operation:#}");
    assert_eq!(document["details"]["controller"], "boathook engine");
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_say_what_and_what_to_do_and_end_with_their_code() {
    let place = Place::new(&map("settings")).await;
    let nobody = place.write_home("refused", &kubeconfig("http://127.0.0.1:1", "x"));
    let stranger = place.stranger();
    let eve = place.user("eve");
    place.world.simulator.access().restrict("eve", &[forbidden()]);
    for (arguments, code, words) in [
        (&["get", "app", "nothing"][..], 8, "boathook: there is no application nothing in"),
        (&["get", "app", "other/shop"], 8, "boathook: there is no application shop in namespace other"),
        (&["get", "apps", "a/b/c"], 2, "boathook: \"a/b/c\" is no application"),
        (&["get", "apps", "-l", "a b"], 2, "boathook: \"a b\" is no label requirement"),
        (&["get", "apps", "-o", "xml"], 2, "error: invalid value 'xml'"),
        (&["get", "apps", "--context", "other"], 2, "boathook: the kubeconfig has no context \"other\""),
        (&["wait"], 2, "boathook: which applications?"),
        (&["get", "apps", "--kubeconfig", nobody.to_str().unwrap()], 10, "boathook: gone cannot be reached"),
        (&["get", "apps", "--kubeconfig", &stranger], 9, "boathook: gone does not accept your credentials"),
        (&["get", "apps", "--kubeconfig", &eve], 9, "boathook: you may not read the Applications"),
    ] {
        let done = place.run(arguments).await.expect(code);
        assert!(done.err.starts_with(words), "{arguments:?}: {done:#?}");
        assert_eq!(done.out, "", "{arguments:?}");
        assert!(!done.err.contains("panicked") && !done.err.contains("RUST_BACKTRACE"), "{done:#?}");
    }
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_that_is_nowhere_is_told() {
    let place = Place::without_engine(&map("settings")).await;
    for (path, words) in [
        (".item[*].name", "boathook: nothing is at $.item[*].name; -o json shows what there is\n"),
        (".items[*].name", ""),
        // What meets a condition may well be nothing.
        (".items[?@.project == 'none'].name", ""),
    ] {
        let told = place.run(&["get", "apps", "-o", &format!("jsonpath={path}")]).await.expect(0);
        assert_eq!(told.err, words, "{told:#?}");
    }
    let mut wrong = place.command(&["get", "apps"]);
    wrong.env("BOATHOOK_GIT__ALLOW_FILE_REPOSITORIES", "true");
    let wrong = super::place::done(wrong.spawn().unwrap()).await.expect(1);
    let words = "boathook: the environment variable BOATHOOK_GIT__ALLOW_FILE_REPOSITORIES is not valid:\n";
    assert!(wrong.err.starts_with(words), "{wrong:#?}");
    place.stop().await;
}
